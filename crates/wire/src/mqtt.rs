//! MQTT 3.1, 3.1.1 and 5 over TCP (OASIS MQTT Version 5.0): who connects, what is published under which topic.
//!
//! ```text
//! ┌────────────┬──────────────────┬─────────────────┬─────────
//! │ type flags │ length (1–4 × 7) │ variable header │ payload      topic │ [packet id] │ [properties] │ payload
//! └────────────┴──────────────────┴─────────────────┴─────────
//! ```

use std::collections::HashMap;

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Transport, Value, Visibility};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session, body::Tree, held::Held, links::dji_cloud,
};

/// MQTT.
pub(crate) struct Mqtt;

/// Longest packet that is read, in bytes; longer ones are passed over.
const MOST_PACKET: usize = 8 << 20;

/// Topic aliases remembered.
const MOST_ALIASES: usize = 4096;

const LOST: &str = "MQTT behind missing bytes";
const BROKEN: &str = "MQTT that cannot be followed";

impl Protocol for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        if from == Side::Client {
            let Some((0x10, rest)) = head.split_first() else {
                return if head.is_empty() { Probe::Perhaps } else { Probe::No };
            };
            let Some(rest) = length(rest).map(|(_, size)| rest.get(size..).unwrap_or_default()) else {
                return if rest.len() < 4 { Probe::Perhaps } else { Probe::No };
            };
            let names: [&[u8]; 2] = [b"\0\x04MQTT", b"\0\x06MQIsdp"];
            if names.iter().any(|name| rest.starts_with(name)) {
                return Probe::Yes;
            }
            return if names.iter().any(|name| name.starts_with(rest)) { Probe::Perhaps } else { Probe::No };
        }
        // What a broker says first is short and says little: it counts on its port.
        match head {
            [0x20, 2..=127, 0 | 1, ..] if matches!(flow.server.port, 1883 | 8883) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Connection::default())
    }
}

#[derive(Default)]
struct Connection {
    sides: [Half; 2],
    /// Protocol level: 5 has properties.
    level: u8,
}

#[derive(Default)]
struct Half {
    held: Held,
    /// Bytes of a packet that is too long to be read.
    skip: usize,
    aliases: HashMap<u16, String>,
    over: Option<&'static str>,
    readable: u64,
}

impl Session for Connection {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        let keep = limits.keeps(flow, from);
        let level = &mut self.level;
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        if half.over.is_none() {
            let skipped = half.skip.min(bytes.len());
            half.skip -= skipped;
            half.held.push(bytes.get(skipped..).unwrap_or_default(), at);
            half.read(from, keep, level, limits, emit);
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        half.held = Held::default();
        half.over = Some(LOST);
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| half.over)
    }

    fn protocol(&self) -> &'static str {
        "mqtt"
    }
}

/// A length in groups of seven bits: the value, and how many bytes it takes.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

impl Half {
    fn read(&mut self, from: Side, keep: bool, level: &mut u8, limits: &Limits, emit: Emit<'_>) {
        while let Some((first, rest)) = self.held.bytes().split_first() {
            let Some((remaining, size)) = length(rest) else {
                if rest.len() >= 4 {
                    self.over = Some(BROKEN);
                }
                return;
            };
            let whole = 1 + size + remaining;
            if remaining > MOST_PACKET {
                let have = self.held.bytes().len().min(whole);
                self.skip = whole - have;
                let body = rest.get(size..).unwrap_or_default();
                let topic = bytes(&mut Cursor::new(body), "topic").map(String::from_utf8_lossy);
                let topic = topic.ok().filter(|_| first >> 4 == 3).unwrap_or_default().into_owned();
                emit(Message {
                    time: self.held.first().map_or_else(Default::default, |at| at.time),
                    protocol: "mqtt",
                    kind: if first >> 4 == 3 { "publish" } else { "other" },
                    from,
                    visibility: Visibility::Clear,
                    packets: self.held.packets(have),
                    bytes: whole as u64,
                    fields: vec![text("topic", &topic), text("limit", "length of an MQTT packet")],
                    parts: Parts::default(),
                });
                self.held.consume(have);
                continue;
            }
            let Some(body) = rest.get(size..size + remaining) else { return };
            let first = *first;
            let read = match first >> 4 {
                1 => connect(body, level, keep, limits).map(Some),
                3 => publish(first, body, *level, &mut self.aliases, keep, limits).map(Some),
                8 => subscribe(body, *level, keep).map(Some),
                2 | 4..=7 | 9..=15 => Ok(None),
                _ => {
                    self.over = Some(BROKEN);
                    return;
                }
            };
            let understood = read.is_ok();
            if let Ok(Some(told)) = read {
                emit(Message {
                    time: self.held.first().map_or_else(Default::default, |at| at.time),
                    protocol: "mqtt",
                    kind: told.kind,
                    from,
                    visibility: Visibility::Clear,
                    packets: self.held.packets(whole),
                    bytes: whole as u64,
                    fields: told.fields,
                    parts: told.parts,
                });
            }
            self.readable += if understood { whole as u64 } else { 0 };
            self.held.consume(whole);
        }
    }
}

struct Told {
    kind: &'static str,
    fields: Vec<Field>,
    parts: Parts,
}

fn text(name: &'static str, value: &str) -> Field {
    Field { name, value: Value::Text(value.to_owned()) }
}

fn bytes<'a>(cursor: &mut Cursor<'a>, what: &'static str) -> Result<&'a [u8], Malformed> {
    let length = usize::from(cursor.u16_be(what)?);
    cursor.take(what, length)
}

fn string(cursor: &mut Cursor<'_>, what: &'static str) -> Result<String, Malformed> {
    Ok(String::from_utf8_lossy(bytes(cursor, what)?).into_owned())
}

/// The properties of version 5 (§2.2.2) that are text or name a topic.
#[derive(Default)]
struct Properties {
    alias: Option<u16>,
    media_type: Option<String>,
    user: Vec<(String, String)>,
}

fn properties(cursor: &mut Cursor<'_>) -> Result<Properties, Malformed> {
    let mut told = Properties::default();
    let length = number(cursor)?;
    let mut list = cursor.sub("properties", length)?;
    while !list.is_empty() {
        match list.u8("property")? {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2a => drop(list.u8("property of a byte")?),
            0x13 | 0x21 | 0x22 => drop(list.u16_be("property of two bytes")?),
            0x23 => told.alias = Some(list.u16_be("topic alias")?),
            0x02 | 0x11 | 0x18 | 0x27 => drop(list.take("property of four bytes", 4)?),
            0x0b => drop(number(&mut list)?),
            0x03 => told.media_type = Some(string(&mut list, "content type")?),
            0x26 => {
                told.user.push((string(&mut list, "user property")?, string(&mut list, "user property")?));
            }
            0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => drop(bytes(&mut list, "property")?),
            // What an unknown property is long nobody can tell.
            _ => break,
        }
    }
    Ok(told)
}

fn number(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = cursor.u8("length")?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(value)
}

fn connect(body: &[u8], level: &mut u8, keep: bool, limits: &Limits) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(body);
    bytes(&mut cursor, "protocol name")?;
    *level = cursor.u8("protocol level")?;
    let flags = cursor.u8("connect flags")?;
    cursor.u16_be("keep alive")?;
    let told = if *level >= 5 { properties(&mut cursor)? } else { Properties::default() };
    let client = string(&mut cursor, "client id")?;
    let mut fields =
        vec![text("client_id", &client), Field { name: "level", value: Value::Integer(i64::from(*level)) }];
    let mut tree = Tree::new(limits);
    let mut part = |step: &'static str, name: Option<&str>, value: &[u8]| {
        let part = tree.root(Carrier::Field, step, value, name);
        tree.open(part);
    };
    part("client-id", Some("client_id"), client.as_bytes());
    for (name, value) in &told.user {
        part("user-property", Some(name), value.as_bytes());
    }
    if flags & 4 != 0 {
        if *level >= 5 {
            properties(&mut cursor)?;
        }
        let topic = string(&mut cursor, "will topic")?;
        part("will-topic", None, topic.as_bytes());
        part("will", None, bytes(&mut cursor, "will payload")?);
    }
    if flags & 0x80 != 0 {
        let user = string(&mut cursor, "user name")?;
        part("username", Some("username"), user.as_bytes());
        fields.push(text("username", &user));
    }
    if flags & 0x40 != 0 {
        part("password", Some("password"), bytes(&mut cursor, "password")?);
    }
    let (parts, limit) = tree.done();
    fields.extend(limit.map(|limit| text("limit", limit)));
    Ok(Told { kind: "connect", fields, parts: if keep { parts } else { Parts::default() } })
}

fn publish(
    first: u8,
    body: &[u8],
    level: u8,
    aliases: &mut HashMap<u16, String>,
    keep: bool,
    limits: &Limits,
) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(body);
    let mut topic = string(&mut cursor, "topic")?;
    if first & 6 != 0 {
        cursor.u16_be("packet id")?;
    }
    let told = if level >= 5 { properties(&mut cursor)? } else { Properties::default() };
    if let Some(alias) = told.alias {
        if topic.is_empty() {
            topic = aliases.get(&alias).cloned().unwrap_or_default();
        } else if aliases.len() < MOST_ALIASES || aliases.contains_key(&alias) {
            aliases.insert(alias, topic.clone());
        }
    }
    let payload = cursor.rest();
    let mut fields = vec![
        text("topic", &topic),
        Field { name: "qos", value: Value::Integer(i64::from(first >> 1 & 3)) },
        Field {
            name: "payload_bytes",
            value: Value::Integer(i64::try_from(payload.len()).unwrap_or(i64::MAX)),
        },
    ];
    let mut parts = Parts::default();
    let cloud = dji_cloud::is_topic(&topic);
    if keep || cloud {
        let mut tree = Tree::new(limits);
        tree.root(Carrier::Field, "topic", topic.as_str(), None);
        for (name, value) in told.user {
            let part = tree.root(Carrier::Field, "user-property", value, Some(&name));
            tree.open(part);
        }
        let part = tree.root(Carrier::Body, "payload", payload, None);
        tree.content(part, told.media_type.as_deref());
        let (grown, limit) = tree.done();
        parts = grown;
        if cloud {
            fields.extend(dji_cloud::tell(&topic, &mut parts));
        }
        fields.extend(limit.map(|limit| text("limit", limit)));
        if !keep {
            parts.clear();
        }
    }
    Ok(Told { kind: "publish", fields, parts })
}

fn subscribe(body: &[u8], level: u8, keep: bool) -> Result<Told, Malformed> {
    let mut cursor = Cursor::new(body);
    cursor.u16_be("packet id")?;
    if level >= 5 {
        properties(&mut cursor)?;
    }
    let mut topics = Vec::new();
    while !cursor.is_empty() {
        topics.push(string(&mut cursor, "topic filter")?);
        cursor.u8("options")?;
    }
    let mut parts = Parts::default();
    for topic in topics.iter().filter(|_| keep) {
        parts.add(Carrier::Field, None, "topic-filter", None, topic.as_str());
    }
    let topics = topics.into_iter().map(Value::Text).collect();
    Ok(Told { kind: "subscribe", fields: vec![Field { name: "topics", value: Value::List(topics) }], parts })
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    fn packet(first: u8, body: &[u8]) -> Vec<u8> {
        [&[first, u8::try_from(body.len()).unwrap()], body].concat()
    }

    fn field(text: &str) -> Vec<u8> {
        [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn a_topic_alias_stands_for_its_topic() {
        let head = [field("MQTT"), vec![5, 0xc0, 0, 60, 0], field("tablet-1"), field("ada"), field("secret")]
            .concat();
        let named = [field("thing/sn1/osd"), vec![3, 0x23, 0, 1], br#"{"lat":24.744672}"#.to_vec()].concat();
        let short = [field(""), vec![3, 0x23, 0, 1], b"x".to_vec()].concat();
        let bytes =
            [packet(0x10, &head), packet(0x30, &named), packet(0x30, &short), packet(0xc0, &[])].concat();
        for step in [1, 1000] {
            let (mut half, mut level, mut told) = (Half::default(), 0, Vec::new());
            for (packet, piece) in (1..).zip(bytes.chunks(step)) {
                half.held.push(piece, At { packet, time: Timestamp::default() });
                half.read(Side::Client, true, &mut level, &Limits::default(), &mut |message| {
                    told.push(message);
                });
            }
            assert_eq!(half.readable, bytes.len() as u64);
            let topics: Vec<_> = told.iter().map(|message| message.text("topic")).collect();
            assert_eq!(topics, [None, Some("thing/sn1/osd"), Some("thing/sn1/osd")]);
            assert!(told[0].parts.iter().any(|part| part.is("password") && part.bytes() == b"secret"));
            assert!(told[1].parts.iter().any(|part| part.is("json:/lat") && part.bytes() == b"24.744672"));
        }
    }
}
