//! TLS up to the end of the clear handshake (RFC 8446, 5246): hellos, certificates of TLS 1.2 and older, clear alerts.
//!
//! ```text
//! record   ┌──────┬─────────┬────────┬─────────      handshake ┌──────┬──────────┬────
//!          │ type │ version │ length │ fragment              │ type │ length24 │ body
//!          └──────┴─────────┴────────┴─────────              └──────┴──────────┴────
//! ```
//!
//! Messages may be split over records and segments. After a side's first encrypted record nothing more of it is read;
//! every message cites the packets of its own bytes alone.
//! Encrypted Client Hello (RFC 9849) is told where its extension is present; by design nobody can tell a real one from
//! GREASE, so that is what is said. Decryption with keys is not here yet.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Field, Flow, Message, Part, Side, Transport, Value, Visibility};

use crate::{
    At, Emit, Limits, Probe, Progress, Protocol, Session,
    held::Held,
    ja4::{self, Hello, is_grease},
    x509,
};

/// TLS over TCP.
pub(crate) struct Tls;

/// Longest handshake message that is read: certificates chains are long, hellos with post-quantum keys too.
const MOST_MESSAGE: usize = 1 << 17;

/// Longest record (RFC 8446 §5.2, with what older versions allowed).
const MOST_RECORD: usize = (1 << 14) + 2048;

impl Protocol for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        match head {
            [20..=23, 3, 0..=4, high, low, ..]
                if usize::from(u16::from_be_bytes([*high, *low])) <= MOST_RECORD =>
            {
                Probe::Yes
            }
            [] | [20..=23] | [20..=23, 3] | [20..=23, 3, 0..=4] | [20..=23, 3, 0..=4, _] => Probe::Perhaps,
            _ => Probe::No,
        }
    }

    fn start(&self) -> Box<dyn Session> {
        Box::new(Connection::default())
    }
}

#[derive(Default)]
struct Connection {
    sides: [Half; 2],
}

#[derive(Default)]
struct Half {
    /// Bytes of a record that is not whole.
    record: Held,
    /// Bytes of a handshake message that is not whole.
    handshake: Held,
    /// A change of cipher was seen: only a hello may still come in the clear (TLS 1.3 after a retry request).
    changed: bool,
    over: bool,
    readable: u64,
}

impl Session for Connection {
    fn feed(&mut self, _: &Flow, from: Side, bytes: &[u8], at: At, _: &Limits, emit: Emit<'_>) -> Progress {
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        half.feed(from, bytes, at, emit);
        self.progress()
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        // Record borders are lost with the bytes.
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        half.end();
        self.progress()
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn protocol(&self) -> &'static str {
        "tls"
    }
}

impl Connection {
    fn progress(&self) -> Progress {
        if self.sides.iter().all(|half| half.over) { Progress::Done } else { Progress::More }
    }
}

impl Half {
    fn end(&mut self) {
        self.over = true;
        (self.record, self.handshake) = (Held::default(), Held::default());
    }

    fn feed(&mut self, from: Side, bytes: &[u8], at: At, emit: Emit<'_>) {
        if self.over {
            return;
        }
        self.record.push(bytes, at);
        while let Some((&[kind, _, _, high, low], body)) = self.record.bytes().split_first_chunk::<5>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if !(20..=22).contains(&kind) || length > MOST_RECORD {
                // Application data, or no TLS any more.
                return self.end();
            }
            if self.changed && kind != 20 {
                // Encrypted, unless it is a hello that fills its record.
                let Some(&[kind, a, b, c]) = body.first_chunk::<4>() else { return };
                let message = u32::from_be_bytes([0, a, b, c]) as usize;
                if !matches!(kind, 1 | 2) || message + 4 != length {
                    return self.end();
                }
            }
            let Some(fragment) = body.get(..length) else { return };
            match kind {
                20 => self.changed = true,
                21 => self.alert(from, fragment, emit),
                _ => {
                    for (piece, at) in self.record.pieces(5, length) {
                        self.handshake.push(piece, at);
                    }
                    self.messages(from, emit);
                }
            }
            if self.over {
                return;
            }
            self.readable += 5 + length as u64;
            self.record.consume(5 + length);
        }
    }

    /// Reads handshake messages that are whole.
    fn messages(&mut self, from: Side, emit: Emit<'_>) {
        while let Some((&[kind, a, b, c], body)) = self.handshake.bytes().split_first_chunk::<4>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MOST_MESSAGE || kind > 24 {
                return self.end();
            }
            let Some(body) = body.get(..length) else { return };
            let read = match kind {
                1 => client_hello(body).map(|fields| ("client-hello", fields)),
                2 => server_hello(body).map(|fields| ("server-hello", fields)),
                11 => Ok(("certificate", certificate(body))),
                _ => Ok(("", Vec::new())),
            };
            if let Ok((name, fields)) = read
                && !fields.is_empty()
            {
                let mut message = message(from, name, &self.handshake, length + 4, fields);
                message.parts = names(&message);
                emit(message);
            }
            self.handshake.consume(length + 4);
        }
    }

    fn alert(&self, from: Side, fragment: &[u8], emit: Emit<'_>) {
        // Clear alerts are two bytes; longer ones are encrypted.
        if let [level @ 1..=2, description] = fragment {
            let level = if *level == 2 { "fatal" } else { "warning" };
            let fields = vec![
                Field { name: "level", value: Value::Text(level.to_owned()) },
                Field { name: "description", value: Value::Text(alert_name(*description)) },
            ];
            emit(Message { bytes: 2, ..message(from, "alert", &self.record, 7, fields) });
        }
    }
}

/// What a client says of itself or of whom it asks for: server name, protocols, the names in its certificate.
fn names(message: &Message) -> Vec<Part> {
    if message.from == Side::Server {
        return Vec::new();
    }
    let part = |step, text: &str| Part::new(Carrier::Handshake, None, step, None, text);
    let mut parts = Vec::new();
    for Field { name, value } in
        message.fields.iter().filter(|field| matches!(field.name, "sni" | "alpn" | "names"))
    {
        match value {
            Value::Text(text) => parts.push(part(*name, text)),
            Value::List(list) => parts.extend(list.iter().filter_map(|one| match one {
                Value::Text(text) => Some(part(*name, text)),
                _ => None,
            })),
            _ => {}
        }
    }
    parts
}

fn message(from: Side, kind: &'static str, held: &Held, length: usize, fields: Vec<Field>) -> Message {
    Message {
        time: held.first().map_or_else(Default::default, |at| at.time),
        protocol: "tls",
        kind,
        from,
        visibility: Visibility::Clear,
        packets: held.packets(length),
        bytes: length as u64,
        fields,
        parts: Vec::new(),
    }
}

/// The name of an alert (RFC 8446 §6, with those of older versions that are still met).
fn alert_name(description: u8) -> String {
    let name = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        other => return other.to_string(),
    };
    name.to_owned()
}

fn client_hello(body: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut cursor = Cursor::new(body);
    let mut hello = Hello { version: cursor.u16_be("version")?, ..Hello::default() };
    cursor.take("random", 32)?;
    let session = usize::from(cursor.u8("session id length")?);
    cursor.take("session id", session)?;
    let length = usize::from(cursor.u16_be("cipher suites length")?);
    hello.ciphers = numbers(&mut cursor.sub("cipher suites", length)?)?;
    let compressions = usize::from(cursor.u8("compression methods length")?);
    cursor.take("compression methods", compressions)?;

    let (mut sni, mut alpn, mut ech) = (None, Vec::new(), false);
    if !cursor.is_empty() {
        let length = usize::from(cursor.u16_be("extensions length")?);
        let mut extensions = cursor.sub("extensions", length.min(cursor.len()))?;
        while !extensions.is_empty() {
            let kind = extensions.u16_be("extension type")?;
            let length = usize::from(extensions.u16_be("extension length")?);
            let mut data = extensions.sub("extension", length)?;
            hello.extensions.push(kind);
            match kind {
                0 => {
                    hello.sni = true;
                    sni = server_name(&mut data).ok();
                }
                13 => {
                    let length = usize::from(data.u16_be("signature algorithms length")?);
                    hello.signatures = numbers(&mut data.sub("signature algorithms", length)?)?;
                }
                16 => {
                    alpn = protocols(&mut data).unwrap_or_default();
                    hello.alpn = alpn.first().cloned();
                }
                43 => {
                    let length = usize::from(data.u8("versions length")?);
                    let versions = numbers(&mut data.sub("versions", length)?)?;
                    hello.version = versions
                        .into_iter()
                        .filter(|version| !is_grease(*version))
                        .max()
                        .unwrap_or(hello.version);
                }
                0xfe0d => ech = true,
                _ => {}
            }
        }
    }
    let mut fields = vec![
        Field { name: "version", value: Value::Text(version(hello.version)) },
        Field { name: "ja4", value: Value::Text(ja4::ja4(&hello)) },
    ];
    if let Some(sni) = sni {
        fields.push(Field { name: "sni", value: Value::Text(sni) });
    }
    if !alpn.is_empty() {
        let names = alpn.iter().map(|name| Value::Text(String::from_utf8_lossy(name).into_owned())).collect();
        fields.push(Field { name: "alpn", value: Value::List(names) });
    }
    if hello.ciphers.iter().chain(&hello.extensions).any(|value| is_grease(*value)) {
        fields.push(Field {
            name: "grease",
            value: Value::Text("present (RFC 8701: values to be ignored)".to_owned()),
        });
    }
    if ech {
        fields.push(Field {
            name: "ech",
            value: Value::Text("present (real or GREASE: not to be told apart)".to_owned()),
        });
    }
    Ok(fields)
}

fn server_hello(body: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut cursor = Cursor::new(body);
    let mut chosen = cursor.u16_be("version")?;
    cursor.take("random", 32)?;
    let session = usize::from(cursor.u8("session id length")?);
    cursor.take("session id", session)?;
    let cipher = cursor.u16_be("cipher suite")?;
    cursor.u8("compression method")?;
    let mut alpn = None;
    if !cursor.is_empty() {
        let length = usize::from(cursor.u16_be("extensions length")?);
        let mut extensions = cursor.sub("extensions", length.min(cursor.len()))?;
        while !extensions.is_empty() {
            let kind = extensions.u16_be("extension type")?;
            let length = usize::from(extensions.u16_be("extension length")?);
            let mut data = extensions.sub("extension", length)?;
            match kind {
                16 => alpn = protocols(&mut data).ok().and_then(|names| names.into_iter().next()),
                43 => chosen = data.u16_be("selected version")?,
                _ => {}
            }
        }
    }
    let mut fields = vec![
        Field { name: "version", value: Value::Text(version(chosen)) },
        Field { name: "cipher", value: Value::Text(format!("{cipher:04x}")) },
    ];
    if let Some(alpn) = alpn {
        fields.push(Field { name: "alpn", value: Value::Text(String::from_utf8_lossy(&alpn).into_owned()) });
    }
    Ok(fields)
}

/// The names of the first certificate, the server's own. The layout is that of TLS 1.2 and older: later ones encrypt it.
fn certificate(body: &[u8]) -> Vec<Field> {
    let first = (|| {
        let mut cursor = Cursor::new(body);
        cursor.u24_be("certificates length")?;
        let length = cursor.u24_be("certificate length")? as usize;
        cursor.take("certificate", length)
    })();
    let read = first.map(x509::names).unwrap_or_default();
    let mut fields = Vec::new();
    if !read.names.is_empty() {
        let names = read.names.into_iter().map(Value::Text).collect();
        fields.push(Field { name: "names", value: Value::List(names) });
    }
    fields.extend(read.issuer.map(|issuer| Field { name: "issuer", value: Value::Text(issuer) }));
    fields
}

fn server_name(data: &mut Cursor<'_>) -> Result<String, Malformed> {
    data.u16_be("server name list length")?;
    data.u8("server name type")?;
    let length = usize::from(data.u16_be("server name length")?);
    Ok(String::from_utf8_lossy(data.take("server name", length)?).into_owned())
}

fn protocols(data: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    data.u16_be("protocol list length")?;
    let mut names = Vec::new();
    while !data.is_empty() {
        let length = usize::from(data.u8("protocol length")?);
        names.push(data.take("protocol", length)?.to_vec());
    }
    Ok(names)
}

fn numbers(cursor: &mut Cursor<'_>) -> Result<Vec<u16>, Malformed> {
    let mut numbers = Vec::new();
    while !cursor.is_empty() {
        numbers.push(cursor.u16_be("list")?);
    }
    Ok(numbers)
}

fn version(number: u16) -> String {
    match number {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("{other:04x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1], u16::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
    }

    fn hello(kind: u8) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend(if kind == 1 { &[0, 2, 0x13, 1, 1, 0][..] } else { &[0x13, 1, 0][..] });
        [&[kind, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    }

    fn told(half: &mut Half, pieces: &[&[u8]]) -> Vec<(&'static str, Vec<u64>)> {
        let mut told = Vec::new();
        for (packet, piece) in (1..).zip(pieces) {
            let at = At { packet, time: Timestamp::default() };
            half.feed(Side::Client, piece, at, &mut |message| told.push((message.kind, message.packets)));
        }
        told
    }

    #[test]
    fn each_message_cites_only_its_packets() {
        let (first, second) = (record(22, &hello(2)), record(22, &hello(1)));
        let (left, right) = second.split_at(20);
        let told = told(&mut Half::default(), &[&first, left, right, &record(21, &[2, 48])]);
        assert_eq!(told, [("server-hello", vec![1]), ("client-hello", vec![2, 3]), ("alert", vec![4])]);
    }

    #[test]
    fn a_hello_after_a_change_of_cipher_is_read_and_an_encrypted_record_is_not() {
        let change = record(20, &[1]);
        let pieces: &[&[u8]] =
            &[&record(22, &hello(1)), &change, &record(22, &hello(1)), &record(23, &[9; 40])];
        let mut half = Half::default();
        assert_eq!(told(&mut half, pieces).len(), 2);
        assert!(half.over);
        let mut half = Half::default();
        assert!(told(&mut half, &[&change, &record(22, &[0; 40])]).is_empty());
        assert!(half.over);
    }
}
