//! JA4, a fingerprint of a TLS ClientHello (`FoxIO`'s JA4 specification; the BSD-licensed part).
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1`: transport, version, SNI or not, numbers of ciphers and extensions, first
//! ALPN; hash of the sorted ciphers; hash of the sorted extensions and the signature algorithms in order.

use data_encoding::HEXLOWER;
use ring::digest;

use crate::tls::hello::Over;

/// What a ClientHello gives the fingerprint. GREASE values (RFC 8701) are still in the lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) sni: bool,
    pub(crate) ciphers: Vec<u16>,
    pub(crate) extensions: Vec<u16>,
    pub(crate) signatures: Vec<u16>,
    pub(crate) alpn: Option<Vec<u8>>,
}

/// Whether a value is one of those reserved to be ignored.
pub(crate) fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// The fingerprint.
pub(crate) fn ja4(hello: &Hello, over: Over) -> String {
    let keep =
        |values: &[u16]| -> Vec<u16> { values.iter().copied().filter(|value| !is_grease(*value)).collect() };
    let over = match over {
        Over::Tcp => 't',
        Over::Quic => 'q',
        Over::Dtls => 'd',
    };
    let (mut ciphers, mut extensions) = (keep(&hello.ciphers), keep(&hello.extensions));
    let version = match hello.version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    };
    let sni = if hello.sni { 'd' } else { 'i' };
    let counted = extensions.len();
    ciphers.sort_unstable();
    extensions.retain(|kind| !matches!(kind, 0x0000 | 0x0010));
    extensions.sort_unstable();
    let mut second = list(&extensions);
    if !hello.signatures.is_empty() {
        second.push('_');
        second.push_str(&list(&hello.signatures));
    }
    let second = if extensions.is_empty() { "" } else { &second };
    format!(
        "{over}{version}{sni}{:02}{:02}{}_{}_{}",
        ciphers.len().min(99),
        counted.min(99),
        ends(hello.alpn.as_deref()),
        hash(&list(&ciphers)),
        hash(second),
    )
}

/// The first and last character of the first protocol; of its hex when they are not letters or digits.
fn ends(alpn: Option<&[u8]>) -> String {
    match alpn {
        Some([only]) if only.is_ascii_alphanumeric() => format!("{0}{0}", char::from(*only)),
        Some([first, .., last]) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            format!("{}{}", char::from(*first), char::from(*last))
        }
        Some([first, rest @ ..]) => {
            let last = rest.last().unwrap_or(first);
            format!("{:x}{:x}", first >> 4, last & 0xf)
        }
        _ => "00".to_owned(),
    }
}

fn list(values: &[u16]) -> String {
    let mut list = String::with_capacity(5 * values.len());
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            list.push(',');
        }
        HEXLOWER.encode_append(&value.to_be_bytes(), &mut list);
    }
    list
}

fn hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    HEXLOWER.encode(hash.as_ref().first_chunk::<6>().map_or(&[], |first| first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the published specification.
    #[test]
    fn the_published_example() {
        let hello = Hello {
            version: 0x0304,
            sni: true,
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
                0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
                0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            alpn: Some(b"h2".to_vec()),
        };
        assert_eq!(ja4(&hello, Over::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }
}
