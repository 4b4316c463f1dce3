//! STUN (RFC 8489, 3489) and TURN (RFC 8656): which addresses an end has, what it asks a relay for, and who it says it is.
//!
//! ```text
//! ┌──────────────┬────────┬──────────────┬────────────────┬───────────────────────────────
//! │ class,       │ length │ magic cookie │ transaction id │ type │ length │ value │ filling  …
//! │ method (14)  │        │ (not in 3489)│                │
//! └──────────────┴────────┴──────────────┴────────────────┴───────────────────────────────
//! ```
//!
//! Left out: the integrity of a message, and what of its attributes tunes the connection.

use std::net::IpAddr;

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Field, Value};

use crate::datagram::Told;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Bytes before the attributes.
const HEADER: usize = 20;

/// The length of the message that begins here, if one does.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let [0..=0x3f, _, high, low, a, b, c, d, ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    ([*a, *b, *c, *d] == COOKIE && length % 4 == 0).then_some(HEADER + length)
}

/// Whether this is a message of the older kind, without a cookie: to be believed at ports of STUN alone.
pub(crate) fn is_old(bytes: &[u8]) -> bool {
    matches!(bytes, [0 | 1, 1 | 2 | 0x11 | 0x12, high, low, ..]
        if bytes.len() == HEADER + usize::from(u16::from_be_bytes([*high, *low])))
}

/// Reads one message. Data that it carries for a peer is handed to `inner`.
pub(crate) fn read<'a>(bytes: &'a [u8], inner: &mut dyn FnMut(&'a [u8])) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u16_be("type")?;
    let length = usize::from(cursor.u16_be("length")?);
    let cookie: [u8; 4] = cursor.array("cookie")?;
    let transaction: [u8; 12] = cursor.array("transaction id")?;
    let mut told = Told::new(match kind & 0x110 {
        0 => "request",
        0x10 => "indication",
        0x100 => "success",
        _ => "error",
    });
    let method = kind & 0xf | kind >> 1 & 0x70 | kind >> 2 & 0xf80;
    match method_name(method) {
        Some(name) => told.text("message", name),
        None => told.text("message", format!("{method:#05x}")),
    }
    let key = [cookie.as_slice(), &transaction].concat();
    let mut attributes = cursor.sub("attributes", length)?;
    // What came before damage counts.
    let _ = each(&mut attributes, &key, &mut told, inner);
    for rest in [attributes.rest(), cursor.rest()].into_iter().filter(|rest| !rest.is_empty()) {
        told.parts.add(Carrier::Body, None, "rest", None, rest);
    }
    Ok(told)
}

fn each<'a>(
    attributes: &mut Cursor<'a>,
    key: &[u8],
    told: &mut Told,
    inner: &mut dyn FnMut(&'a [u8]),
) -> Result<(), Malformed> {
    while !attributes.is_empty() {
        let kind = attributes.u16_be("attribute")?;
        let length = usize::from(attributes.u16_be("attribute length")?);
        let value = attributes.take("attribute value", length)?;
        let filling = (length.next_multiple_of(4) - length).min(attributes.len());
        attributes.take("filling", filling)?;
        let words = || String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
        match kind {
            0x0001 => address("mapped_address", value, &[], told),
            0x0020 | 0x8020 => address("xor_mapped_address", value, key, told),
            0x0012 => address("xor_peer_address", value, key, told),
            0x0016 => address("xor_relayed_address", value, key, told),
            0x802b => address("response_origin", value, &[], told),
            0x802c => address("other_address", value, &[], told),
            0x8023 => address("alternate_server", value, &[], told),
            // Where a way is being found, the name is made of two words of that one session (RFC 8445 §7.2.2).
            // So is one that a service makes up for some hours: the time of its end stands in front.
            0x0006 if finds_a_way(told) || is_passing(value) => {
                told.text("username", words());
                told.parts.add(Carrier::Field, None, "username", None, value);
            }
            0x0006 => told.value("username", words()),
            0x0014 => told.value("realm", words()),
            0x8022 => told.value("software", words()),
            0x0009 => {
                let [_, _, class, number, reason @ ..] = value else { continue };
                told.number("error", i64::from(class & 7) * 100 + i64::from(*number));
                told.text("reason", String::from_utf8_lossy(reason));
            }
            0x0019 => told.fields.extend(value.first().map(|protocol| Field {
                name: "requested_transport",
                value: Value::Integer(i64::from(*protocol)),
            })),
            0x0013 => inner(value),
            // Of a session: integrity, a nonce, priorities and what breaks ties say nothing of anybody.
            0x0008 | 0x001c | 0x0015 | 0x8028 | 0x0024 | 0x0025 | 0x8029 | 0x802a => {}
            _ if length > 0 => {
                told.parts.add(Carrier::Field, None, "attribute", None, value);
            }
            _ => {}
        }
    }
    Ok(())
}

fn finds_a_way(told: &Told) -> bool {
    told.fields
        .iter()
        .any(|field| field.name == "message" && field.value == Value::Text("binding".to_owned()))
}

/// Whether a name is made up for a while (draft-uberti-behave-turn-rest): `1700000000:x`, or the time alone.
fn is_passing(name: &[u8]) -> bool {
    let time = name.split(|byte| *byte == b':').next().unwrap_or_default();
    time.len() == 10 && time.starts_with(b"1") && time.iter().all(u8::is_ascii_digit)
}

/// An address and port; of those that are obscured, the cookie and the id undo it (RFC 8489 §14.2).
fn address(name: &'static str, value: &[u8], key: &[u8], told: &mut Told) {
    let [_, family, high, low, address @ ..] = value else { return };
    let undo = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().zip(key.iter().chain(std::iter::repeat(&0))).map(|(byte, key)| byte ^ key).collect()
    };
    let port = undo(&[*high, *low]);
    let address = undo(address);
    let ip = match (family, address.as_slice()) {
        (1, [a, b, c, d]) => IpAddr::from([*a, *b, *c, *d]),
        (2, address) => match <[u8; 16]>::try_from(address) {
            Ok(address) => IpAddr::from(address),
            Err(_) => return,
        },
        _ => return,
    };
    let [high, low] = port.as_slice() else { return };
    let port = u16::from_be_bytes([*high, *low]);
    told.value(name, std::net::SocketAddr::new(ip, port).to_string());
}

const fn method_name(method: u16) -> Option<&'static str> {
    Some(match method {
        1 => "binding",
        2 => "shared-secret",
        3 => "allocate",
        4 => "refresh",
        6 => "send",
        7 => "data",
        8 => "create-permission",
        9 => "channel-bind",
        10 => "connect",
        11 => "connection-bind",
        12 => "connection-attempt",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2: the answer over IPv4.
    const ANSWER: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643\
        000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";

    /// RFC 5769 §2.3: the answer over IPv6.
    const ANSWER6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa\
        a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

    fn bytes(hex: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    fn field(told: &Told, name: &str) -> Option<Value> {
        told.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    #[test]
    fn the_answers_of_the_standard_give_their_addresses() {
        for (hex, mapped) in
            [(ANSWER, "192.0.2.1:32853"), (ANSWER6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
        {
            let message = bytes(hex);
            assert_eq!(length(&message), Some(message.len()));
            let told = read(&message, &mut |_| ()).unwrap();
            assert_eq!(told.kind, "success");
            assert_eq!(field(&told, "message"), Some(Value::Text("binding".to_owned())));
            assert_eq!(field(&told, "software"), Some(Value::Text("test vector".to_owned())));
            assert_eq!(field(&told, "xor_mapped_address"), Some(Value::Text(mapped.to_owned())));
        }
    }

    #[test]
    fn who_asks_a_relay_is_named_and_the_words_of_a_session_are_not() {
        let named = |kind: &str| {
            let message =
                bytes(&format!("{kind}000c2112a442b7e7a701bc34d686fa87dfae0006000761643a6f74747200"));
            let told = read(&message, &mut |_| ()).unwrap();
            (field(&told, "username"), told.parts.first().and_then(|part| part.name().map(str::to_owned)))
        };
        let said = Some(Value::Text("ad:ottr".to_owned()));
        assert_eq!(named("0003"), (said.clone(), Some("username".to_owned())));
        assert_eq!(named("0001"), (said, None));
        assert!(is_passing(b"1700000000:x") && is_passing(b"1700000000"));
        assert!(!is_passing(b"ada:1700000000") && !is_passing(b"0900779195x"));
    }

    #[test]
    fn what_is_cut_is_refused_and_data_is_handed_on() {
        let message = bytes(ANSWER);
        for cut in 0..message.len() {
            assert!(read(message.get(..cut).unwrap_or_default(), &mut |_| ()).is_err(), "{cut}");
        }
        let send = bytes("001600082112a442b7e7a701bc34d686fa87dfae001300037a7a7a00");
        let mut inner = Vec::new();
        let told = read(&send, &mut |data| inner.push(data.to_vec())).unwrap();
        assert_eq!((told.kind, inner), ("indication", vec![b"zzz".to_vec()]));
    }
}
