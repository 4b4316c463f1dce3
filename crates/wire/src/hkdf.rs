//! HKDF-Expand-Label (RFC 8446 §7.1), for TLS and QUIC.

use ring::hkdf::{KeyType, Prk};

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// `length` bytes for a label without its `tls13 `, with an empty context.
pub(crate) fn expand_label(prk: &Prk, label: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let size = u16::try_from(length).ok()?.to_be_bytes();
    let label_length = [u8::try_from(label.len() + 6).ok()?];
    let info = [size.as_slice(), &label_length, b"tls13 ", label, &[0]];
    prk.expand(&info, Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}
