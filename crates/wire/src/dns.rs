//! DNS over UDP and TCP (RFC 1035; HTTPS records RFC 9460; client subnet RFC 7871), and its kin mDNS and LLMNR.
//!
//! ```text
//! ┌────┬───────┬──────────┬─────────┬────────┬───────────┬──────────┬─────────┬───────────┬───────────┐
//! │ id │ flags │ questions│ answers │ author.│ additional│ question…│ answer… │ authority…│ additional│
//! └────┴───────┴──────────┴─────────┴────────┴───────────┴──────────┴─────────┴───────────┴───────────┘
//! ```
//!
//! Of answers, A, AAAA, CNAME and HTTPS are read; other types are named by number.

use std::{borrow::Cow, fmt::Write, net::IpAddr};

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Field, Flow, Message, Part, Side, Transport, Value, Visibility};

use crate::{At, Emit, Limits, Probe, Progress, Protocol, Session, tunnel};

/// DNS, mDNS and LLMNR.
pub(crate) struct Dns;

/// Records read of one message.
const MOST_RECORDS: usize = 512;

/// Jumps that a compressed name may make.
const MOST_JUMPS: usize = 32;

/// Longest name (RFC 1035 §2.3.4), with room for escapes.
const MOST_NAME: usize = 1024;

impl Protocol for Dns {
    fn name(&self) -> &'static str {
        "dns"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let ports = [flow.client.port, flow.server.port];
        let dns = ports.contains(&53);
        match flow.transport {
            Transport::Udp if dns || ports.contains(&5353) || ports.contains(&5355) => Probe::Yes,
            Transport::Tcp if dns && head.len() < 6 => Probe::Perhaps,
            Transport::Tcp if dns => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self) -> Box<dyn Session> {
        Box::new(Conversation {
            streams: [Vec::new(), Vec::new()],
            packets: [Vec::new(), Vec::new()],
            readable: [0; 2],
            name: "dns",
        })
    }
}

struct Conversation {
    /// TCP: bytes of a message that is not whole.
    streams: [Vec<u8>; 2],
    packets: [Vec<u64>; 2],
    readable: [u64; 2],
    name: &'static str,
}

impl Session for Conversation {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        _: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        self.name = match (flow.client.port, flow.server.port) {
            (5353, _) | (_, 5353) => "mdns",
            (5355, _) | (_, 5355) => "llmnr",
            _ => "dns",
        };
        if flow.transport != Transport::Tcp {
            self.message(from, bytes, vec![at.packet], at, emit);
            return Progress::More;
        }
        let (Some(stream), Some(packets)) =
            (self.streams.get_mut(from.index()), self.packets.get_mut(from.index()))
        else {
            return Progress::Done;
        };
        stream.extend_from_slice(bytes);
        packets.push(at.packet);
        let (stream, packets) = (std::mem::take(stream), std::mem::take(packets));
        let mut rest = stream.as_slice();
        let mut whole = false;
        while let Some((length, body)) = rest.split_first_chunk::<2>()
            && let Some((message, behind)) = body.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        {
            self.message(from, message, packets.clone(), at, emit);
            rest = behind;
            whole = true;
        }
        if !rest.is_empty() {
            if let Some(stream) = self.streams.get_mut(from.index()) {
                *stream = rest.to_vec();
            }
            if let Some(held) = self.packets.get_mut(from.index()) {
                *held = if whole { vec![at.packet] } else { packets };
            }
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        // Message borders are lost with the bytes.
        Progress::Done
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn protocol(&self) -> &'static str {
        self.name
    }
}

impl Conversation {
    fn message(&mut self, from: Side, bytes: &[u8], mut packets: Vec<u64>, at: At, emit: Emit<'_>) {
        packets.sort_unstable();
        packets.dedup();
        let Some(read) = Read::header(bytes) else { return };
        if let Some(sum) = self.readable.get_mut(from.index()) {
            *sum += bytes.len() as u64;
        }
        let response = read.response;
        // A message may ask several questions (mDNS does); each is a message here.
        for question in read.questions() {
            let mut fields = vec![
                Field { name: "name", value: Value::Text(question.name.clone()) },
                Field { name: "type", value: Value::Text(kind(question.kind).into_owned()) },
                Field { name: "id", value: Value::Integer(i64::from(read.id)) },
            ];
            if response {
                fields.push(Field { name: "rcode", value: Value::Integer(i64::from(read.rcode)) });
                fields.push(Field {
                    name: "answers",
                    value: Value::List(read.answers.iter().cloned().map(Value::Text).collect()),
                });
            }
            if let Some(subnet) = &read.subnet {
                fields.push(Field { name: "ecs", value: Value::Text(subnet.clone()) });
            }
            emit(Message {
                time: at.time,
                protocol: self.name,
                kind: if response { "response" } else { "query" },
                from,
                visibility: Visibility::Clear,
                packets: packets.clone(),
                bytes: bytes.len() as u64,
                fields,
                parts: if response { Vec::new() } else { parts(&question.name) },
            });
        }
    }
}

fn parts(name: &str) -> Vec<Part> {
    let mut parts = vec![Part {
        carrier: Carrier::DnsLabel,
        parent: None,
        step: Cow::Borrowed("name"),
        name: None,
        bytes: name.as_bytes().to_vec(),
        media_type: None,
        packets: Vec::new(),
    }];
    tunnel::decode_labels(name, &mut parts);
    parts
}

/// The addresses that an answer gives the name that was asked for, aliases (CNAME) followed.
pub fn dns_answers(message: &Message) -> Vec<(String, IpAddr)> {
    let (Some(name), Some(Value::List(answers))) = (message.text("name"), message.field("answers")) else {
        return Vec::new();
    };
    let addresses = answers.iter().filter_map(|answer| match answer {
        Value::Text(text) => text
            .split_once(' ')
            .filter(|(kind, _)| matches!(*kind, "A" | "AAAA"))
            .and_then(|(_, ip)| ip.parse().ok()),
        _ => None,
    });
    addresses.map(|ip| (name.to_owned(), ip)).collect()
}

struct Question {
    name: String,
    kind: u16,
}

struct Read {
    id: u16,
    response: bool,
    rcode: u16,
    asked: Vec<Question>,
    /// `A 1.2.3.4`, `CNAME name`, …
    answers: Vec<String>,
    subnet: Option<String>,
}

impl Read {
    /// Reads as far as the message makes sense. `None` if not even its first question does.
    fn header(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let id = cursor.u16_be("id").ok()?;
        let flags = cursor.u16_be("flags").ok()?;
        let counts: [u16; 4] = [
            cursor.u16_be("questions").ok()?,
            cursor.u16_be("answers").ok()?,
            cursor.u16_be("authorities").ok()?,
            cursor.u16_be("additionals").ok()?,
        ];
        // Opcodes above 6 and the reserved bit are not DNS.
        if flags >> 11 & 0xf > 6 {
            return None;
        }
        let mut read = Self {
            id,
            response: flags & 0x8000 != 0,
            rcode: flags & 0xf,
            asked: Vec::new(),
            answers: Vec::new(),
            subnet: None,
        };
        // What follows damage is not read; what came before it counts.
        let _ = read.sections(&mut cursor, bytes, counts);
        (!read.asked.is_empty() || !read.answers.is_empty()).then_some(read)
    }

    /// The questions; an answer without one (mDNS) stands for its first record.
    fn questions(&self) -> &[Question] {
        &self.asked
    }

    fn sections<'a>(
        &mut self,
        cursor: &mut Cursor<'a>,
        bytes: &'a [u8],
        counts: [u16; 4],
    ) -> Result<(), Malformed> {
        let [questions, answers, authorities, additionals] = counts.map(usize::from);
        for _ in 0..questions.min(MOST_RECORDS) {
            let name = name(cursor, bytes)?;
            let kind = cursor.u16_be("question type")?;
            cursor.u16_be("question class")?;
            self.asked.push(Question { name, kind });
        }
        for index in 0..(answers + authorities + additionals).min(MOST_RECORDS) {
            let owner = name(cursor, bytes)?;
            let kind = cursor.u16_be("record type")?;
            cursor.u16_be("record class")?;
            cursor.take("time to live", 4)?;
            let length = usize::from(cursor.u16_be("record length")?);
            let mut data = cursor.sub("record data", length)?;
            if index < answers {
                let answer = answer(kind, &mut data, bytes)?;
                if self.response && self.asked.is_empty() {
                    self.asked.push(Question { name: owner, kind });
                }
                self.answers.push(answer);
            } else if kind == 41 {
                self.options(&mut data)?;
            }
        }
        Ok(())
    }

    /// EDNS options (RFC 6891): of them the client subnet, which tells a resolver where its client is.
    fn options(&mut self, data: &mut Cursor<'_>) -> Result<(), Malformed> {
        while !data.is_empty() {
            let code = data.u16_be("option code")?;
            let length = usize::from(data.u16_be("option length")?);
            let mut option = data.sub("option", length)?;
            if code != 8 {
                continue;
            }
            let family = option.u16_be("address family")?;
            let bits = option.u8("source prefix length")?;
            option.u8("scope prefix length")?;
            let mut octets = [0_u8; 16];
            for (octet, byte) in octets.iter_mut().zip(option.rest()) {
                *octet = *byte;
            }
            let ip = match (family, octets) {
                (1, [a, b, c, d, ..]) => IpAddr::from([a, b, c, d]),
                _ => IpAddr::from(octets),
            };
            self.subnet = Some(format!("{ip}/{bits}"));
        }
        Ok(())
    }
}

fn answer<'a>(kind_number: u16, data: &mut Cursor<'a>, bytes: &'a [u8]) -> Result<String, Malformed> {
    Ok(match kind_number {
        1 => format!("A {}", IpAddr::from(data.array::<4>("address")?)),
        28 => format!("AAAA {}", IpAddr::from(data.array::<16>("address")?)),
        5 => format!("CNAME {}", name(data, bytes)?),
        64 | 65 => service(kind_number, data, bytes)?,
        other => kind(other).into_owned(),
    })
}

/// An HTTPS or SVCB record: what matters of its parameters.
fn service<'a>(kind_number: u16, data: &mut Cursor<'a>, bytes: &'a [u8]) -> Result<String, Malformed> {
    let priority = data.u16_be("priority")?;
    let target = name(data, bytes)?;
    let mut shown = format!("{} {priority} {target}", kind(kind_number));
    while !data.is_empty() {
        let key = data.u16_be("parameter")?;
        let length = usize::from(data.u16_be("parameter length")?);
        let mut value = data.sub("parameter value", length)?;
        match key {
            1 => {
                let mut names = Vec::new();
                while !value.is_empty() {
                    let length = usize::from(value.u8("protocol length")?);
                    names.push(String::from_utf8_lossy(value.take("protocol", length)?).into_owned());
                }
                shown = format!("{shown} alpn={}", names.join(","));
            }
            5 => shown.push_str(" ech"),
            _ => {}
        }
    }
    Ok(shown)
}

fn kind(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        46 => "RRSIG",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        other => return Cow::Owned(format!("TYPE{other}")),
    })
}

/// A name in presentation form, letters as they were sent; the cursor moves behind it. Odd bytes are escaped as `\DDD`.
fn name<'a>(cursor: &mut Cursor<'a>, whole: &'a [u8]) -> Result<String, Malformed> {
    let mut text = String::new();
    let mut jumped: Option<Cursor<'a>> = None;
    for _ in 0..=MOST_JUMPS {
        loop {
            let here = jumped.as_mut().unwrap_or(cursor);
            let at = here.at();
            let length = here.u8("label length")?;
            match length {
                0 => return Ok(text),
                1..=63 => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    escape(here.take("label", usize::from(length))?, &mut text);
                    if text.len() > MOST_NAME {
                        return Err(unexpected(at, length, "a name of at most 255 bytes"));
                    }
                }
                0xc0.. => {
                    let low = here.u8("pointer")?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    // Pointers go back: one that does not would never end.
                    let Some(rest) = whole.get(target..).filter(|_| target < at) else {
                        return Err(unexpected(at, length, "a pointer to an earlier name"));
                    };
                    jumped = Some(Cursor::starting_at(rest, target));
                    break;
                }
                _ => return Err(unexpected(at, length, "a label of 0 to 63 bytes, or a pointer")),
            }
        }
    }
    Err(unexpected(cursor.at(), 0, "fewer pointers"))
}

fn unexpected(at: usize, found: u8, expected: &'static str) -> Malformed {
    Malformed::Unexpected { field: "label length", at, found: u64::from(found), expected }
}

fn escape(label: &[u8], text: &mut String) {
    for byte in label {
        match byte {
            b'.' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x21..=0x7e => text.push(char::from(*byte)),
            other => {
                // Writing to a string does not fail.
                let _ = write!(text, "\\{other:03}");
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"\x00\x07\x81\x80\0\x01\0\x02\0\0\0\0\x03API\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03cdn\xc0\x10\xc0\x29\0\x01\0\x01\0\0\0\x3c\0\x04\x2f\x5f\x01\x02";

    #[test]
    fn an_alias_is_followed_to_its_address() {
        let read = Read::header(ANSWER).unwrap();
        assert_eq!(read.asked[0].name, "API.example");
        assert_eq!(read.answers, ["CNAME cdn.example", "A 47.95.1.2"]);
    }

    #[test]
    fn a_pointer_to_itself_ends() {
        let looped = b"\x00\x07\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
        assert!(Read::header(looped).is_none());
    }

    #[test]
    fn what_came_before_a_cut_is_kept() {
        let read = Read::header(&ANSWER[..ANSWER.len() - 6]).unwrap();
        assert_eq!(read.answers, ["CNAME cdn.example"]);
    }
}
