//! NetBIOS over UDP (RFC 1001, 1002): the name service, and datagrams with the names of both ends.
//!
//! ```text
//! names      the header of DNS │ 32 letters for 16 bytes: a name of 15, and what it is │ type │ class …
//! datagrams  type │ flags │ id │ source address and port │ length │ offset │ source name │ target name │ SMB
//! ```
//!
//! Left out: what datagrams carry, which is SMB: it is a part as it stands.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Flow, Side, Transport};

use crate::{
    Means, Probe, Protocol, Session,
    datagram::{Each, Told},
};

/// The name service and the datagram service.
pub(crate) struct Netbios;

impl Protocol for Netbios {
    fn name(&self) -> &'static str {
        "netbios"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let ports = [flow.client.port, flow.server.port];
        let netbios = ports.contains(&137) || ports.contains(&138);
        if flow.transport == Transport::Udp && netbios && read(head).is_ok() { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Each::start("netbios", read)
    }
}

/// Which of the two it is, the place of its first name says.
fn read(bytes: &[u8]) -> Result<Told, Malformed> {
    match bytes {
        [0x10..=0x12, _, _, _, _, _, _, _, _, _, _, _, _, _, 32, ..] => datagram(bytes),
        _ => service(bytes),
    }
}

fn service(bytes: &[u8]) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    cursor.u16_be("id")?;
    let flags = cursor.u16_be("flags")?;
    let counts: [u16; 4] = [
        cursor.u16_be("questions")?,
        cursor.u16_be("answers")?,
        cursor.u16_be("authorities")?,
        cursor.u16_be("additionals")?,
    ];
    let named = counts.iter().any(|count| *count > 0) && counts.iter().all(|count| *count <= 32);
    let kind = match (flags >> 11 & 0xf, flags & 0x8000 != 0) {
        _ if !named => return Err(unexpected(2, u64::from(flags), "a name service message about few names")),
        (0, false) => "query",
        (0, true) => "response",
        (5, false) => "registration",
        (5, true) => "registration-response",
        (6, _) => "release",
        (7, _) => "wait",
        (8 | 9, _) => "refresh",
        (found, _) => return Err(unexpected(2, u64::from(found), "an operation of the name service")),
    };
    let mut told = Told::new(kind);
    let (name, suffix) = name(&mut cursor)?;
    told.value("name", name);
    told.number("suffix", suffix);
    rest(&cursor, &mut told);
    Ok(told)
}

fn datagram(bytes: &[u8]) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    cursor.take("header", 14)?;
    let mut told = Told::new("datagram");
    let (source, _) = name(&mut cursor)?;
    let (target, _) = name(&mut cursor)?;
    told.value("source_name", source);
    told.value("destination_name", target);
    rest(&cursor, &mut told);
    Ok(told)
}

/// What stands behind the names may hold anything.
fn rest(cursor: &Cursor<'_>, told: &mut Told) {
    if !cursor.is_empty() {
        told.parts.add(Carrier::Body, None, "rest", None, cursor.rest());
    }
}

/// A name in first-level encoding (RFC 1001 §14.1): two letters for each byte; its last byte says what it names.
fn name(cursor: &mut Cursor<'_>) -> Result<(String, u8), Malformed> {
    let at = cursor.at();
    let length = cursor.u8("name length")?;
    if length != 32 {
        return Err(unexpected(at, u64::from(length), "a name of 32 letters"));
    }
    let letters = cursor.array::<32>("name")?;
    let mut bytes = [0_u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(letters.chunks_exact(2)) {
        match pair {
            [high @ b'A'..=b'P', low @ b'A'..=b'P'] => *byte = (high - b'A') << 4 | (low - b'A'),
            _ => return Err(unexpected(at, 0, "letters from A to P")),
        }
    }
    // A scope may follow, in labels.
    while let length @ 1.. = cursor.u8("scope")? {
        cursor.take("scope", usize::from(length))?;
    }
    let [text @ .., suffix] = bytes;
    Ok((String::from_utf8_lossy(&text).trim_end_matches([' ', '\0']).to_owned(), suffix))
}

fn unexpected(at: usize, found: u64, expected: &'static str) -> Malformed {
    Malformed::Unexpected { field: "NetBIOS", at, found, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Field, Value};

    /// The example of RFC 1001 §14.1: "FRED" with spaces.
    const FRED: &[u8] = b"\x20EGFCEFEECACACACACACACACACACACACA\0";

    #[test]
    fn the_name_of_the_standard_is_read() {
        let query = [b"\0\x07\x01\x10\0\x01\0\0\0\0\0\0".as_slice(), FRED, b"\0\x20\0\x01"].concat();
        let told = read(&query).unwrap();
        assert_eq!(told.kind, "query");
        assert!(told.fields.contains(&Field { name: "name", value: Value::Text("FRED".to_owned()) }));
        for cut in 0..46 {
            assert!(read(query.get(..cut).unwrap_or_default()).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_datagram_names_both_ends_and_dns_is_none() {
        let head = b"\x11\x02\0\x07\xc0\xa8\x01\x02\0\x8a\0\x44\0\0";
        let told = read(&[head.as_slice(), FRED, FRED, b"planted"].concat()).unwrap();
        assert_eq!((told.kind, told.fields.len()), ("datagram", 2));
        assert_eq!(told.parts.last().map(creance_model::Part::bytes), Some(b"planted".as_slice()));
        let dns = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03api\x07example\0\0\x01\0\x01";
        assert!(read(dns).is_err());
    }
}
