//! Google's own QUIC before it took up TLS: hellos of tags and values, up to version Q046 in the clear.
//!
//! ```text
//! "CHLO" │ tags (16) │ 0 (16) │ tag │ end (32) │ tag │ end (32) … │ values        all little-endian
//! ```
//!
//! Source: "QUIC Crypto", A. Langley and W. Chang, revision of 2016.

use creance_model::{Field, Value};

use super::version::Version;

/// The version of a packet in the layout before Q044: flags with a version and an id of eight bytes; or of a later one
/// in the layout of the drafts.
pub(super) fn version(bytes: &[u8]) -> Option<Version> {
    let version = match bytes {
        [flags, rest @ ..] if flags & 0xc0 == 0 && flags & 0x09 == 0x09 => rest.get(8..12)?,
        [0xc0..=0xff, rest @ ..] => rest.get(..4)?,
        _ => return None,
    };
    let version = Version(u32::from_be_bytes(*version.first_chunk()?));
    // From Q050 on hellos are protected as those of the standard.
    (version.is_google() && version.is_known() && version.0 < 0x5130_3530).then_some(version)
}

/// Where a hello may begin: behind the longest header, the hash, and the frame's own.
const FURTHEST: usize = 64;

/// Tags of one hello: Google's clients send some thirty.
const MOST_TAGS: usize = 128;

/// The hello of a datagram in the clear, as much of it as the capture holds, and how many bytes it takes.
pub(super) fn hello(bytes: &[u8]) -> Option<(Vec<Field>, usize)> {
    let head = bytes.get(..bytes.len().min(FURTHEST))?;
    let start = head.windows(4).position(|window| window == b"CHLO")?;
    let hello = bytes.get(start..)?;
    let (fields, _) = tags(hello)?;
    Some((fields, hello.len()))
}

/// What a client's hello says, and whether all its values are there.
pub(super) fn tags(hello: &[u8]) -> Option<(Vec<Field>, bool)> {
    let rest = hello.strip_prefix(b"CHLO")?;
    let ([low, high, ..], rest) = rest.split_first_chunk::<4>()?;
    let count = usize::from(u16::from_le_bytes([*low, *high]));
    if count > MOST_TAGS {
        return None;
    }
    let (tags, values) = rest.split_at_checked(count * 8)?;
    let mut fields: Vec<Field> = Vec::new();
    let mut start = 0;
    for [a, b, c, d, end @ ..] in tags.as_chunks::<8>().0 {
        let end = usize::try_from(u32::from_le_bytes(*end)).ok()?;
        // The ends rise, and values that the capture does not hold are passed over.
        let value = values.get(start..end);
        start = Some(end).filter(|end| *end >= start)?;
        let name = match &[*a, *b, *c, *d] {
            b"SNI\0" => "sni",
            b"UAID" => "user_agent",
            _ => continue,
        };
        let text = value.and_then(|value| std::str::from_utf8(value).ok());
        let text = text.filter(|_| fields.iter().all(|field| field.name != name));
        fields.extend(text.map(|text| Field { name, value: Value::Text(text.to_owned()) }));
    }
    Some((fields, start <= values.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_names_its_server() {
        let mut packet = b"\x0d\x01\x02\x03\x04\x05\x06\x07\x08Q043\x01".to_vec();
        packet.extend([0; 12]);
        packet.extend(
            b"\xa0\x01\x04\0CHLO\x03\0\0\0PAD\0\x02\0\0\0SNI\0\x0b\0\0\0UAID\x10\0\0\0--a.example1.0.x",
        );
        assert_eq!(version(&packet), Some(Version(0x5130_3433)));
        let text = |name, text: &str| Field { name, value: Value::Text(text.to_owned()) };
        let (fields, length) = hello(&packet).unwrap();
        assert_eq!(fields, [text("sni", "a.example"), text("user_agent", "1.0.x")]);
        assert_eq!(length, 48);
        assert!(version(b"\x08\x01\x02\x03\x04\x05\x06\x07\x08Q043").is_none());
        assert!(tags(b"CHLO\xff\xff\0\0SNI\0").is_none());
        // Ends that go back, and a tag that comes again.
        let twice = |ends: [u8; 3]| {
            let tag = |end| [b"SNI\0".as_slice(), &[end, 0, 0, 0]].concat();
            tags(&[b"CHLO\x03\0\0\0".as_slice(), &ends.map(tag).concat(), b"abcdef"].concat())
        };
        assert!(twice([6, 0, 6]).is_none());
        assert_eq!(twice([2, 4, 6]), Some((vec![text("sni", "ab")], true)));
        assert_eq!(twice([2, 4, 7]).map(|(_, whole)| whole), Some(false));
    }
}
