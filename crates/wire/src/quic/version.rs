//! Versions of QUIC: those of the standards, their drafts, and what makers deployed before them.

/// A version number as it stands in long headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Version(pub(super) u32);

const V1: u32 = 1;
const V2: u32 = 0x6b33_43cf;

const STANDARD: [u8; 20] =
    *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SECOND: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
const DRAFT_29: [u8; 20] =
    *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const DRAFT_23: [u8; 20] =
    *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
const DRAFT_21: [u8; 20] =
    *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
const Q050: [u8; 20] = *b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
const T050: [u8; 20] = *b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
const T051: [u8; 20] = *b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";

impl Version {
    /// Its name, for people.
    pub(super) fn name(self) -> String {
        let [a, b, c, d] = self.0.to_be_bytes();
        match self.0 {
            V1 => "1".to_owned(),
            V2 => "2".to_owned(),
            _ if self.draft().is_some() && a == 0xff => format!("draft-{d:02}"),
            0xface_b000..=0xface_bfff => format!("mvfst {:x}", self.0),
            _ if self.is_reserved() => format!("{:08x}, reserved", self.0),
            _ if matches!(a, b'Q' | b'T') && [b, c, d].iter().all(u8::is_ascii_digit) => {
                String::from_utf8_lossy(&[a, b, c, d]).into_owned()
            }
            _ => format!("{:08x}", self.0),
        }
    }

    /// Whether this number is one of those that are in use, so that it may be believed without its port.
    pub(super) fn is_known(self) -> bool {
        let [a, b, c, d] = self.0.to_be_bytes();
        matches!(self.0, V1 | V2 | 0xface_b000..=0xface_bfff)
            || self.draft().is_some()
            || self.is_reserved()
            || matches!(a, b'Q' | b'T') && b == b'0' && c.is_ascii_digit() && d.is_ascii_digit()
    }

    /// Reserved for trying out negotiation (RFC 9000 §15).
    const fn is_reserved(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }

    /// Google's own QUIC, whose hellos are not those of TLS.
    pub(super) const fn is_google(self) -> bool {
        self.0.to_be_bytes()[0] == b'Q'
    }

    /// Whether handshakes come in Google's own frame, whatever is in them.
    pub(super) const fn has_google_frames(self) -> bool {
        matches!(self.0, 0x5130_3530 | 0x5430_3530 | 0x5430_3531)
    }

    /// The draft that it is.
    const fn draft(self) -> Option<u8> {
        match self.0 {
            0xff00_0001..=0xff00_0022 => Some(self.0.to_be_bytes()[3]),
            _ => None,
        }
    }

    /// The salts of Initial secrets (RFC 9001 §5.2, RFC 9369 §3.3.1, and the drafts) that a packet may have: that of
    /// its version; where that is reserved for trying out negotiation, or not known, those of the standard and its
    /// late drafts. Authentication tells which it is.
    pub(super) const fn salts(self) -> &'static [[u8; 20]] {
        match (self.0, self.draft()) {
            (V1, _) | (_, Some(33..)) => &[STANDARD],
            (V2, _) => &[SECOND],
            (_, Some(29..=32)) => &[DRAFT_29],
            (_, Some(23..=28)) => &[DRAFT_23],
            (0xface_b001, _) | (_, Some(21..=22)) => &[DRAFT_21],
            (_, Some(..=20)) => &[],
            (0xface_b002..=0xface_bfff, _) => &[DRAFT_23, STANDARD, DRAFT_29],
            (0x5130_3530, _) => &[Q050],
            (0x5430_3530, _) => &[T050],
            (0x5430_3531, _) => &[T051],
            (_, None) => &[STANDARD, DRAFT_29, DRAFT_23],
        }
    }

    /// What stands before the labels of its keys (RFC 9369 §3.3.2).
    pub(super) const fn prefix(self) -> &'static str {
        if self.0 == V2 { "quicv2" } else { "quic" }
    }

    /// Which packets are Initial ones, by the two bits of their type (RFC 9369 §3.2).
    pub(super) const fn initial(self) -> u8 {
        if self.0 == V2 { 1 } else { 0 }
    }

    /// Which packets are early data; those behind are the rest of the handshake.
    pub(super) const fn early(self) -> u8 {
        self.initial() + 1
    }

    /// Which packets ask for another Initial one; they have no length.
    pub(super) const fn retry(self) -> u8 {
        if self.0 == V2 { 0 } else { 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_names() {
        let name = |number| Version(number).name();
        assert_eq!((name(1), name(V2), name(0xff00_001d)), ("1".into(), "2".into(), "draft-29".into()));
        assert_eq!((name(0xface_b002), name(0x5130_3436)), ("mvfst faceb002".into(), "Q046".into()));
        assert!(!Version(0x1234_5678).is_known() && Version(0x5130_3433).is_google());
    }
}
