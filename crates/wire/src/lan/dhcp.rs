//! DHCP for IPv4 (RFC 2131, 2132) and IPv6 (RFC 8415): who a device says it is when it joins a network.
//!
//! ```text
//! v4  op, hardware │ id │ seconds, flags │ addresses: client, yours, server, relay │ hardware address │ names │ options
//! v6  type │ id │ options (a relay: hops and two addresses before them)
//! ```
//!
//! Left out: the options that configure (routers, leases, domains), and what relays add.

use std::net::{Ipv4Addr, Ipv6Addr};

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Flow, Side, Transport};
use data_encoding::HEXLOWER;

use crate::{
    Means, Probe, Protocol, Session,
    datagram::{Each, Told},
};

/// DHCP for IPv4.
pub(crate) struct Dhcp;

/// DHCP for IPv6.
pub(crate) struct Dhcp6;

/// Bytes up to the end of the hardware address.
const CUT: usize = 44;

/// What stands before options (RFC 2132 §2).
const MAGIC: [u8; 4] = [99, 130, 83, 99];

impl Protocol for Dhcp {
    fn name(&self) -> &'static str {
        "dhcp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let ports = [flow.client.port, flow.server.port];
        let port = flow.transport == Transport::Udp && (ports.contains(&67) || ports.contains(&68));
        // One that the capture cut before its options says its hardware address still.
        let begins = match head.get(236..240) {
            Some(magic) => matches!(head, [1 | 2, ..]) && magic == MAGIC,
            None => matches!(head, [1 | 2, 1, 6, ..]) && head.len() >= CUT,
        };
        if port && begins { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Each::start("dhcp", read)
    }
}

impl Protocol for Dhcp6 {
    fn name(&self) -> &'static str {
        "dhcpv6"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let ports = [flow.client.port, flow.server.port];
        let port = flow.transport == Transport::Udp && (ports.contains(&546) || ports.contains(&547));
        if port && matches!(head, [1..=13, ..]) { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Each::start("dhcpv6", read6)
    }
}

fn read(bytes: &[u8]) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let op = cursor.u8("op")?;
    let hardware = cursor.u8("hardware type")?;
    let length = usize::from(cursor.u8("hardware address length")?);
    cursor.take("hops, id, seconds, flags", 9)?;
    let addresses =
        [("client_ip", "client address"), ("your_ip", "your address"), ("server_ip", "server address")];
    let mut told = Told::new(if op == 1 { "request" } else { "reply" });
    for (name, what) in addresses {
        let ip = Ipv4Addr::from(cursor.array::<4>(what)?);
        if !ip.is_unspecified() {
            told.value(name, ip.to_string());
        }
    }
    cursor.take("relay address", 4)?;
    let address = cursor.take("hardware address", 16)?;
    match (hardware, address.split_at_checked(length.min(6))) {
        (1, Some((address, rest))) => {
            told.value("mac", colons(address));
            raw(&mut told, rest);
        }
        _ => raw(&mut told, address),
    }
    let names = cursor.take("server name and boot file", 192);
    let cut = names.is_err() || cursor.is_empty();
    raw(&mut told, names.unwrap_or(cursor.rest()));
    if cut {
        return Ok(told);
    }
    if cursor.array::<4>("magic")? != MAGIC {
        return Err(Malformed::Unexpected { field: "magic", at: 236, found: 0, expected: "99.130.83.99" });
    }
    // Options that the capture cut are not told; those before them count.
    let _ = options(&mut cursor, &mut told);
    raw(&mut told, cursor.rest());
    Ok(told)
}

fn options(cursor: &mut Cursor<'_>, told: &mut Told) -> Result<(), Malformed> {
    while !cursor.is_empty() {
        let code = match cursor.u8("option")? {
            0 => continue,
            255 => break,
            code => code,
        };
        let length = usize::from(cursor.u8("option length")?);
        let value = cursor.take("option value", length)?;
        let address = || Some(Ipv4Addr::from(*value.first_chunk::<4>()?).to_string());
        match code {
            12 => told.value("hostname", words(value)),
            15 => told.value("domain", words(value)),
            50 | 54 if length != 4 => raw(told, value),
            53 if length != 1 => raw(told, value),
            50 => told.fields_of("requested_ip", address()),
            53 => told.kind = kind(value.first().copied().unwrap_or_default()),
            54 => told.fields_of("server_id", address()),
            60 => told.value("vendor_class", words(value)),
            61 => match value.split_first() {
                // A hardware type and such an address (RFC 2132 §9.14).
                Some((1, address)) if address.len() == 6 => told.value("client_id", colons(address)),
                _ => told.value("client_id", HEXLOWER.encode(value)),
            },
            77 => told.value("user_class", words(value)),
            // Flags and two result codes, then the name (RFC 4702 §2).
            81 => told.value("fqdn", fqdn(value)),
            _ => raw(told, value),
        }
    }
    Ok(())
}

fn kind(number: u8) -> &'static str {
    match number {
        1 => "discover",
        2 => "offer",
        3 => "request",
        4 => "decline",
        5 => "ack",
        6 => "nak",
        7 => "release",
        8 => "inform",
        _ => "other",
    }
}

fn fqdn(value: &[u8]) -> String {
    let (head, name) = value.split_at_checked(3).unwrap_or((value, &[]));
    // The flag E says that the name is in labels.
    if head.first().is_some_and(|flags| flags & 4 != 0) { labels(name) } else { words(name) }
}

fn read6(bytes: &[u8]) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.u8("message type")?;
    let relayed = matches!(kind, 12 | 13);
    cursor.take("transaction", if relayed { 33 } else { 3 })?;
    let mut told = Told::new(match kind {
        1 => "solicit",
        2 => "advertise",
        3 => "request",
        4 => "confirm",
        5 => "renew",
        6 => "rebind",
        7 => "reply",
        8 => "release",
        9 => "decline",
        10 => "reconfigure",
        11 => "information-request",
        12 => "relay-forward",
        _ => "relay-reply",
    });
    if options6(&mut cursor, &mut told, DEEPEST).is_err() {
        // Damage within an option leaves the rest of it unread.
        raw(&mut told, bytes);
    }
    Ok(told)
}

/// Options in options that are followed: an association holds addresses, a relay holds a message.
const DEEPEST: u8 = 4;

fn options6(cursor: &mut Cursor<'_>, told: &mut Told, deeper: u8) -> Result<(), Malformed> {
    while !cursor.is_empty() {
        let code = cursor.u16_be("option")?;
        let length = usize::from(cursor.u16_be("option length")?);
        let mut value = cursor.sub("option value", length)?;
        match code {
            1 => duid("client_id", value.rest(), told),
            2 => duid("server_id", value.rest(), told),
            3 if deeper > 0 => {
                value.take("association", 12)?;
                options6(&mut value, told, deeper - 1)?;
            }
            5 => {
                told.value("address", Ipv6Addr::from(value.array::<16>("address")?).to_string());
                raw(told, value.rest());
            }
            9 if deeper > 0 => {
                value.take("relayed message", 4)?;
                options6(&mut value, told, deeper - 1)?;
            }
            16 => {
                value.take("enterprise", 4)?;
                let length = usize::from(value.u16_be("class length")?);
                told.value("vendor_class", words(value.take("class", length)?));
                raw(told, value.rest());
            }
            39 => {
                value.take("flags", 1)?;
                told.value("fqdn", labels(value.rest()));
            }
            _ => raw(told, value.rest()),
        }
    }
    Ok(())
}

/// An identifier of a device (RFC 8415 §11), and the hardware address that two of its forms hold.
fn duid(name: &'static str, value: &[u8], told: &mut Told) {
    told.value(name, HEXLOWER.encode(value));
    let address = match value {
        [0, 1, 0, 1, _, _, _, _, address @ ..] | [0, 3, 0, 1, address @ ..] if address.len() == 6 => address,
        _ => return,
    };
    if name == "client_id" {
        told.value("mac", colons(address));
    }
}

impl Told {
    fn fields_of(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }
}

/// An option of other meaning is no field, and yet it may hold what was planted.
fn raw(told: &mut Told, value: &[u8]) {
    if value.iter().any(|byte| *byte != 0) {
        told.parts.add(Carrier::Field, None, "option", None, value);
    }
}

fn words(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}

fn colons(address: &[u8]) -> String {
    let pairs: Vec<String> = address.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// A name in labels (RFC 1035 §3.1), without pointers.
fn labels(mut name: &[u8]) -> String {
    let mut words = Vec::new();
    while let Some((length, rest)) = name.split_first()
        && let Some((label, rest)) = rest.split_at_checked(usize::from(*length))
        && !label.is_empty()
    {
        words.push(String::from_utf8_lossy(label).into_owned());
        name = rest;
    }
    words.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Value;

    fn field<'a>(told: &'a Told, name: &str) -> Option<&'a Value> {
        told.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    fn text(words: &str) -> Value {
        Value::Text(words.to_owned())
    }

    fn discover() -> Vec<u8> {
        let mut bytes = vec![1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
        bytes.extend([0; 16]);
        bytes.extend([2, 0, 0, 0, 0, 7]);
        bytes.extend([0; 10 + 192]);
        bytes.extend(MAGIC);
        bytes.extend(b"\x35\x01\x01\x0c\x05adas1\x3c\x0aandroid-13\x3d\x07\x01\x02\0\0\0\0\x07\x32\x04\xc0\xa8\x2a\x0a\xff");
        bytes
    }

    #[test]
    fn a_device_says_its_name_and_maker() {
        let told = read(&discover()).unwrap();
        assert_eq!(told.kind, "discover");
        assert_eq!(field(&told, "hostname"), Some(&text("adas1")));
        assert_eq!(field(&told, "vendor_class"), Some(&text("android-13")));
        assert_eq!(field(&told, "client_id"), Some(&text("02:00:00:00:00:07")));
        assert_eq!(field(&told, "mac"), Some(&text("02:00:00:00:00:07")));
        assert_eq!(field(&told, "requested_ip"), Some(&text("192.168.42.10")));
    }

    #[test]
    fn what_is_cut_gives_what_came_before() {
        let bytes = discover();
        for cut in 0..bytes.len() {
            let told = read(bytes.get(..cut).unwrap_or_default());
            // Within the magic nobody can tell.
            assert_eq!(told.is_ok(), cut >= CUT && !(237..240).contains(&cut), "{cut}");
        }
        assert!(field(&read(bytes.get(..250).unwrap_or_default()).unwrap(), "hostname").is_some());
    }

    #[test]
    fn what_has_no_meaning_is_a_part() {
        let mut bytes = discover();
        bytes.extend(b"behind the end");
        if let Some(names) = bytes.get_mut(100..107) {
            names.copy_from_slice(b"planted");
        }
        let told = read(&bytes).unwrap();
        let has = |told: &Told, word: &[u8]| {
            told.parts.iter().any(|part| memchr::memmem::find(part.bytes(), word).is_some())
        };
        assert!(has(&told, b"planted") && has(&told, b"behind the end"));
        let told = read6(b"\x01abc\0\x03\0\x20planted").unwrap();
        assert!(has(&told, b"planted"));
    }

    #[test]
    fn of_ipv6_the_identifier_holds_the_hardware_address() {
        let mut bytes = vec![1, 0xaa, 0xbb, 0xcc];
        bytes.extend([0, 1, 0, 14, 0, 1, 0, 1, 0x2c, 0, 0, 0, 2, 0, 0, 0, 0, 9]);
        bytes.extend(b"\0\x27\0\x07\0\x04ada1\0");
        bytes.extend([0, 3, 0, 4, 0, 0]);
        let told = read6(&bytes).unwrap();
        assert_eq!(told.kind, "solicit");
        assert_eq!(field(&told, "client_id"), Some(&text("000100012c000000020000000009")));
        assert_eq!(field(&told, "mac"), Some(&text("02:00:00:00:00:09")));
        assert_eq!(field(&told, "fqdn"), Some(&text("ada1")));
    }
}
