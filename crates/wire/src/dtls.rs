//! DTLS (RFC 6347, 9147): hellos, and certificates where they are in the clear. What is encrypted is not opened.
//!
//! ```text
//! record     type │ version │ epoch │ number (6) │ length │ fragment
//! handshake  type │ length (3) │ message │ offset (3) │ length of the fragment (3) │ fragment
//! ```

use creance_cursor::{Cursor, Malformed};
use creance_model::{Field, Message, Parts, Side, Visibility};

use crate::{
    At,
    tls::{self, hello},
};

/// Longest handshake message that is put together.
const MOST_MESSAGE: usize = 1 << 16;

/// Bytes of the header of a record.
const HEADER: usize = 13;

/// The length of the record that begins here, if one does.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>()?;
    let [20..=25, 0xfe, 0xff | 0xfd, .., high, low] = *header else { return None };
    let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
    (length <= bytes.len()).then_some(length)
}

/// One conversation.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    sides: [Half; 2],
}

#[derive(Debug, Default)]
struct Half {
    /// The number of the message that is awaited: others came before.
    next: u16,
    /// Fragments of it, in order.
    fragments: Vec<u8>,
    packets: Vec<u64>,
}

/// What a datagram gave.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) messages: Vec<Message>,
    /// Bytes that were in the clear.
    pub(crate) clear: usize,
}

impl Handshake {
    /// Reads the records of a datagram.
    pub(crate) fn read(&mut self, from: Side, bytes: &[u8], at: At) -> Read {
        let mut read = Read::default();
        let mut rest = bytes;
        while let Some(length) = length(rest) {
            let (record, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            // The epoch counts the changes of cipher; 25 has a connection id and is encrypted.
            let [kind @ 20..=22, _, _, 0, 0, ..] = record else { continue };
            read.clear += record.len();
            if *kind == 22 {
                let mut body = Cursor::new(record.get(HEADER..).unwrap_or_default());
                while !body.is_empty() {
                    match self.fragment(from, &mut body, at) {
                        Ok(message) => read.messages.extend(message),
                        Err(_) => break,
                    }
                }
            }
        }
        read
    }

    fn fragment(&mut self, from: Side, body: &mut Cursor<'_>, at: At) -> Result<Option<Message>, Malformed> {
        let kind = body.u8("handshake type")?;
        let length = body.u24_be("handshake length")? as usize;
        let number = body.u16_be("message number")?;
        let offset = body.u24_be("fragment offset")? as usize;
        let size = body.u24_be("fragment length")? as usize;
        let fragment = body.take("fragment", size)?;
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        // Of a conversation whose beginning was not seen, the first message that is met is the one that counts.
        if offset == 0 && number > half.next {
            (half.next, half.fragments, half.packets) = (number, Vec::new(), Vec::new());
        }
        if number != half.next || offset != half.fragments.len() || length > MOST_MESSAGE {
            return Ok(None);
        }
        half.fragments.extend_from_slice(fragment);
        if half.packets.last().is_none_or(|last| *last < at.packet) {
            half.packets.push(at.packet);
        }
        if half.fragments.len() < length {
            return Ok(None);
        }
        let (whole, packets) = (std::mem::take(&mut half.fragments), std::mem::take(&mut half.packets));
        half.next = half.next.saturating_add(1);
        let whole = whole.get(..length).unwrap_or_default();
        let (name, fields) = match kind {
            1 => ("client-hello", client_hello(whole)?),
            2 => ("server-hello", hello::server_hello(whole)?.0),
            11 => ("certificate", hello::certificate(whole, false, true)),
            _ => return Ok(None),
        };
        let mut message = Message {
            time: at.time,
            protocol: "dtls",
            kind: name,
            from,
            visibility: Visibility::Clear,
            packets,
            bytes: (12 + length) as u64,
            fields,
            parts: Parts::default(),
        };
        message.parts = tls::names(&message);
        Ok(Some(message))
    }
}

/// A hello is that of TLS with a cookie behind the session id (RFC 6347 §4.2.1).
fn client_hello(body: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut cursor = Cursor::new(body);
    cursor.take("version and random", 34)?;
    let session = usize::from(cursor.u8("session id length")?);
    cursor.take("session id", session)?;
    let at = cursor.at();
    let cookie = usize::from(cursor.u8("cookie length")?);
    cursor.take("cookie", cookie)?;
    let plain = [body.get(..at).unwrap_or_default(), cursor.rest()].concat();
    hello::client_hello(&plain, hello::Over::Dtls).map(|(fields, _)| fields)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use creance_model::{Timestamp, Value};

    /// A record with one fragment.
    pub(crate) fn record(kind: u8, number: u8, whole: usize, offset: usize, fragment: &[u8]) -> Vec<u8> {
        let three = |value: usize| {
            let [_, bytes @ ..] = u32::try_from(value).unwrap().to_be_bytes();
            bytes
        };
        let mut body = vec![kind];
        body.extend(three(whole));
        body.extend([0, number]);
        body.extend(three(offset));
        body.extend(three(fragment.len()));
        body.extend(fragment);
        let mut record = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, number];
        record.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        record.extend(body);
        record
    }

    /// A hello of DTLS 1.2 with a cookie and a server name.
    pub(crate) fn client() -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([0, 3, 1, 2, 3, 0, 2, 0xc0, 0x2b, 1, 0]);
        let name = b"\0\x0e\0\0\x0bapi.example";
        body.extend([0, 4 + 16, 0, 0, 0, 16]);
        body.extend(name);
        body
    }

    #[test]
    fn a_hello_in_fragments_is_put_together() {
        let hello = client();
        let (first, second) = hello.split_at(30);
        let mut handshake = Handshake::default();
        let at = |packet| At { packet, time: Timestamp::default() };
        let read = handshake.read(Side::Client, &record(1, 0, hello.len(), 0, first), at(3));
        assert!(read.messages.is_empty());
        let read = handshake.read(Side::Client, &record(1, 0, hello.len(), 30, second), at(4));
        let message = read.messages.first().unwrap();
        assert_eq!(message.text("sni"), Some("api.example"));
        assert_eq!(message.text("version"), Some("DTLS 1.2"));
        assert!(message.text("ja4").is_some_and(|ja4| ja4.starts_with("dd2d0101")), "{message:?}");
        assert_eq!(message.packets, [3, 4]);
        // What is sent again is not told again.
        let again = handshake.read(Side::Client, &record(1, 0, hello.len(), 0, &hello), at(5));
        assert!(again.messages.is_empty() && again.clear > 0);
        assert_eq!(message.field("alpn"), None::<&Value>);
    }

    #[test]
    fn what_is_cut_is_no_record() {
        let record = record(1, 0, 3, 0, &[1, 2, 3]);
        for cut in 0..record.len() {
            assert_eq!(length(record.get(..cut).unwrap_or_default()), None, "{cut}");
        }
        assert_eq!(length(&record), Some(record.len()));
    }
}
