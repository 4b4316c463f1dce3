//! JA4, a fingerprint of a TLS ClientHello (`FoxIO`'s JA4 specification; the BSD-licensed part).
//!
//! `t13d1516h2_8daaf6152771_e5627efa2ab1`: transport, version, SNI or not, numbers of ciphers and extensions, first
//! ALPN; hash of the sorted ciphers; hash of the sorted extensions and the signature algorithms in order.

use data_encoding::HEXLOWER;
use ring::digest;

use crate::tls::hello::Over;

/// What a ClientHello gives the fingerprint. GREASE values (RFC 8701) are still in the lists.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Hello<'a> {
    pub(crate) version: u16,
    pub(crate) sni: bool,
    pub(crate) ciphers: Vec<u16>,
    pub(crate) extensions: Vec<u16>,
    pub(crate) signatures: Vec<u16>,
    pub(crate) alpn: Option<&'a [u8]>,
}

/// Whether a value is one of those reserved to be ignored.
pub(crate) fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// The fingerprint.
pub(crate) fn ja4(hello: &Hello<'_>, over: Over) -> String {
    let keep = |values: &[u16]| {
        let mut kept = values.to_vec();
        kept.retain(|value| !is_grease(*value));
        kept
    };
    let over = match over {
        Over::Tcp => "t",
        Over::Quic => "q",
        Over::Dtls => "d",
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
    let sni = if hello.sni { "d" } else { "i" };
    let counted = extensions.len();
    ciphers.sort_unstable();
    extensions.retain(|kind| !matches!(kind, 0x0000 | 0x0010));
    extensions.sort_unstable();
    let mut print = String::with_capacity(36);
    print.extend([over, version, sni]);
    print.extend([ciphers.len(), counted].into_iter().flat_map(decimal));
    print.extend(ends(hello.alpn));
    let mut text = Vec::with_capacity(5 * ciphers.len().max(extensions.len() + hello.signatures.len()));
    list(&ciphers, &mut text);
    hash(&text, &mut print);
    text.clear();
    if !extensions.is_empty() {
        list(&extensions, &mut text);
        if !hello.signatures.is_empty() {
            text.push(b'_');
            list(&hello.signatures, &mut text);
        }
    }
    hash(&text, &mut print);
    print
}

/// A count in two digits; 99 stands for more.
fn decimal(count: usize) -> [char; 2] {
    let count = u8::try_from(count).unwrap_or(99).min(99);
    [count / 10, count % 10].map(|digit| char::from(b'0' + digit))
}

/// The first and last character of the first protocol; of its hex when they are not letters or digits.
fn ends(alpn: Option<&[u8]>) -> [char; 2] {
    let Some([first, rest @ ..]) = alpn else { return ['0'; 2] };
    let last = rest.last().unwrap_or(first);
    let ends = [*first, *last];
    if ends.iter().all(u8::is_ascii_alphanumeric) {
        ends.map(char::from)
    } else {
        [first >> 4, last & 0xf].map(|four| char::from(hex(four)))
    }
}

/// The digit of four bits.
const fn hex(four: u8) -> u8 {
    if four < 10 { b'0' + four } else { b'a' + four - 10 }
}

/// A number in hex: its four digits at once, each in a byte.
const fn digits(value: u16) -> [u8; 4] {
    let value = value as u32;
    let halves = (value << 8 | value) & 0x00ff_00ff;
    let fours = (halves << 4 | halves) & 0x0f0f_0f0f;
    // From ten on, letters.
    let letters = ((fours + 0x0606_0606) >> 4) & 0x0101_0101;
    (fours + 0x3030_3030 + letters * 39).to_be_bytes()
}

/// Writes numbers in hex with commas between them.
fn list(values: &[u16], to: &mut Vec<u8>) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            to.push(b',');
        }
        to.extend_from_slice(&digits(*value));
    }
}

/// Writes the beginning of a text's hash behind a line.
fn hash(text: &[u8], to: &mut String) {
    to.push('_');
    if text.is_empty() {
        return to.push_str("000000000000");
    }
    let hash = digest::digest(&digest::SHA256, text);
    HEXLOWER.encode_append(hash.as_ref().first_chunk::<6>().map_or(&[], |first| first), to);
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
            alpn: Some(b"h2"),
        };
        assert_eq!(ja4(&hello, Over::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn numbers_are_in_hex() {
        for value in 0..=u16::MAX {
            assert_eq!(digits(value), *format!("{value:04x}").as_bytes());
        }
    }

    #[test]
    fn what_is_not_there_and_what_is_no_letter_have_places_of_their_own() {
        let hello = |alpn| Hello { version: 0xfefd, alpn, ciphers: vec![0x0a0a; 3], ..Hello::default() };
        let print = |alpn| ja4(&hello(alpn), Over::Dtls);
        assert_eq!(print(None), "dd2i000000_000000000000_000000000000");
        for (alpn, ends) in [(&b"h"[..], "hh"), (b"\xab", "ab"), (b"h\xcd", "6d"), (b"", "00")] {
            assert_eq!(print(Some(alpn)).get(8..10), Some(ends));
        }
        let many = Hello { ciphers: (0..300).collect(), ..Hello::default() };
        assert_eq!(ja4(&many, Over::Quic).get(..8), Some("q00i9900"));
    }
}
