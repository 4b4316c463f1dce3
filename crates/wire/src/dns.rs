//! DNS over UDP and TCP (RFC 1035; HTTPS records RFC 9460; client subnet RFC 7871), and its kin mDNS and LLMNR.
//!
//! ```text
//! ┌────┬───────┬──────────┬─────────┬────────┬───────────┬──────────┬─────────┬───────────┬───────────┐
//! │ id │ flags │ questions│ answers │ author.│ additional│ question…│ answer… │ authority…│ additional│
//! └────┴───────┴──────────┴─────────┴────────┴───────────┴──────────┴─────────┴───────────┴───────────┘
//! ```
//!
//! Of answers, A, AAAA, CNAME, HTTPS, PTR, SRV and TXT are read; other types are named. Over TLS (RFC 7858) it is read
//! where keys open that, and in bodies and targets of HTTP (RFC 8484).

mod message;

use std::net::IpAddr;

use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Timestamp, Transport, Value, Visibility};

use crate::{At, Emit, Limits, Means, Probe, Progress, Protocol, Session, held::Held, tunnel};

use message::{Read, kind};

/// DNS, mDNS and LLMNR.
pub(crate) struct Dns;

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
            // Inside TLS. Outside of it, nothing there is DNS: what asks one question and no more is believed.
            Transport::Tcp if ports.contains(&853) => match head {
                [_, _, _, _, flags, _, 0, 1, ..] if flags & 0x78 == 0 => Probe::Yes,
                _ if head.len() < 8 => Probe::Perhaps,
                _ => Probe::No,
            },
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Conversation { streams: Default::default(), readable: [0; 2], name: "dns" })
    }
}

struct Conversation {
    /// TCP: bytes of a message that is not whole.
    streams: [Held; 2],
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
            self.message(false, from, bytes, &[at.packet], at, emit);
            return Progress::More;
        }
        let [client, server] = &mut self.streams;
        let mut stream = std::mem::take(if from == Side::Client { client } else { server });
        stream.push(bytes, at);
        while let Some((length, body)) = stream.bytes().split_first_chunk::<2>()
            && let length = usize::from(u16::from_be_bytes(*length))
            && let Some(message) = body.get(..length)
        {
            let at = stream.first().unwrap_or(at);
            self.message(true, from, message, &stream.packets(2 + length), at, emit);
            stream.consume(2 + length);
        }
        let [client, server] = &mut self.streams;
        *(if from == Side::Client { client } else { server }) = stream;
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
    fn message(&mut self, tcp: bool, from: Side, bytes: &[u8], packets: &[u64], at: At, emit: Emit<'_>) {
        if tell(self.name, from, bytes, packets, at.time, emit)
            && let Some(sum) = self.readable.get_mut(from.index())
        {
            *sum += bytes.len() as u64 + if tcp { 2 } else { 0 };
        }
    }
}

/// Tells each question of a message, with the answers to it. `false`: it is none.
pub(crate) fn tell(
    protocol: &'static str,
    from: Side,
    bytes: &[u8],
    packets: &[u64],
    time: Timestamp,
    emit: Emit<'_>,
) -> bool {
    let Some(read) = Read::header(bytes) else { return false };
    let response = read.response;
    // A message may ask several questions (mDNS does); each is a message here.
    for question in &read.asked {
        let mut fields = vec![
            Field { name: "name", value: Value::Text(question.name.clone()) },
            Field { name: "type", value: Value::Text(kind(question.kind).into_owned()) },
            Field { name: "id", value: Value::Integer(i64::from(read.id)) },
        ];
        if response {
            fields.push(Field { name: "rcode", value: Value::Integer(i64::from(read.rcode)) });
            fields.push(Field {
                name: "answers",
                value: Value::List(
                    read.answers.iter().map(|answer| Value::Text(answer.shown.clone())).collect(),
                ),
            });
            let addresses = read.addresses(&question.name);
            if !addresses.is_empty() {
                let addresses = addresses.into_iter().map(Value::Address).collect();
                fields.push(Field { name: "addresses", value: Value::List(addresses) });
            }
        }
        if let Some(subnet) = &read.subnet {
            fields.push(Field { name: "ecs", value: Value::Text(subnet.clone()) });
        }
        emit(Message {
            time,
            protocol,
            kind: if response { "response" } else { "query" },
            from,
            visibility: Visibility::Clear,
            packets: packets.to_vec(),
            bytes: bytes.len() as u64,
            fields,
            // Devices on the local network answer with their own names, whoever asked.
            parts: if response && protocol == "dns" {
                Parts::default()
            } else {
                parts(&question.name, bytes)
            },
        });
    }
    true
}

/// The name, what its labels decode to, and the message itself where it holds more than a question.
fn parts(name: &str, message: &[u8]) -> Parts {
    let mut parts = Parts::one(Carrier::DnsLabel, "name", name);
    tunnel::decode_labels(name, &mut parts);
    // Header, name, type and class, and an EDNS record without options (RFC 6891).
    if message.len() > 12 + name.len() + 2 + 4 + 11 {
        parts.add(Carrier::Field, None, "message", None, message);
    }
    parts
}

/// The addresses that an answer gives the name that was asked for, aliases (CNAME) followed. Addresses of other names
/// in the same answer are not among them.
pub fn dns_answers(message: &Message) -> Vec<(String, IpAddr)> {
    let (Some(name), Some(Value::List(addresses))) = (message.text("name"), message.field("addresses"))
    else {
        return Vec::new();
    };
    let addresses = addresses.iter().filter_map(|address| match address {
        Value::Address(ip) => Some(*ip),
        _ => None,
    });
    addresses.map(|ip| (name.to_owned(), ip)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Endpoint, InsideBasis};

    fn flow(transport: Transport) -> Flow {
        Flow {
            id: 1,
            transport,
            client: Endpoint { ip: IpAddr::from([192, 168, 1, 2]), port: 40_000 },
            server: Endpoint { ip: IpAddr::from([8, 8, 8, 8]), port: 53 },
            inside: Some(Side::Client),
            inside_basis: InsideBasis::PrivateRange,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        }
    }

    #[test]
    fn over_tcp_each_message_cites_only_its_packets() {
        let query = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
        let one = [&[0, u8::try_from(query.len()).unwrap()], query.as_slice()].concat();
        let stream = [one.as_slice(), &one].concat();
        let mut told = Vec::new();
        let mut session = Dns.start(&Means::default());
        for (packet, piece) in (1..).zip(stream.chunks(10)) {
            let at = At { packet, time: Timestamp::from_secs(0) };
            let emit: Emit<'_> = &mut |message: Message| told.push(message.packets);
            session.feed(&flow(Transport::Tcp), Side::Client, piece, at, &Limits::default(), emit);
        }
        assert_eq!(told, [vec![1, 2, 3], vec![3, 4, 5, 6]]);
        assert_eq!(session.readable(), [stream.len() as u64, 0]);
    }
}
