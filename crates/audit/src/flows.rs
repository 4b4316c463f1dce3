//! Conversations, one by one: who with whom, what about, how much of it could be read.

use std::net::IpAddr;

use creance_model::{Flow, Message, Side, Timestamp, Value, Visibility};
use creance_place::Atlas;
use foldhash::{HashMap, HashMapExt};

use crate::names::Name;

/// A conversation that is over.
#[derive(Clone, Debug)]
pub struct FlowTold {
    /// Its ends and beginning.
    pub flow: Flow,
    /// What it speaks.
    pub protocol: &'static str,
    /// The name of the end across from ours, and how it is known.
    pub host: Option<(String, &'static str)>,
    /// Where that end is believed to be, ISO alpha-2.
    pub country: Option<String>,
    /// Its first packet.
    pub first: Timestamp,
    /// Its last packet.
    pub last: Timestamp,
    /// Packets both ways.
    pub packets: u64,
    /// Payload bytes from our side.
    pub bytes_up: u64,
    /// Payload bytes to our side.
    pub bytes_down: u64,
    /// Payload bytes that the capture lacks.
    pub lost: u64,
    /// Whether its content could be read. `opaque` where any of it could not but handshakes, or most of it.
    pub visibility: Visibility,
    /// Payload bytes that could not be read.
    pub opaque: u64,
    /// Why they could not.
    pub why_opaque: Vec<&'static str>,
    /// What the TLS handshake said.
    pub hello: Hello,
}

/// What a TLS handshake says of a flow.
#[derive(Clone, Debug, Default)]
pub struct Hello {
    /// The name that was asked for.
    pub sni: Option<String>,
    /// The protocol that was chosen, else the first that was offered.
    pub alpn: Option<String>,
    /// The fingerprint of the client's hello.
    pub ja4: Option<String>,
}

impl Hello {
    /// Takes note of a handshake message.
    pub(crate) fn note(&mut self, message: &Message) {
        if !matches!(message.protocol, "tls" | "quic" | "dtls") {
            return;
        }
        let first = |name| match message.field(name)? {
            Value::Text(text) => Some(text.clone()),
            Value::List(list) => match list.first()? {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        match message.kind {
            "client-hello" if message.from == Side::Client => {
                self.sni = first("sni").or(self.sni.take());
                self.ja4 = first("ja4").or(self.ja4.take());
                self.alpn = self.alpn.take().or_else(|| first("alpn"));
            }
            "server-hello" | "encrypted-extensions" => self.alpn = first("alpn").or(self.alpn.take()),
            _ => {}
        }
    }
}

/// What is known of a flow's bytes when it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) packets: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) lost: u64,
    /// Bytes not read, with the reason, of each side.
    pub(crate) unread: [(&'static str, u64); 2],
    pub(crate) decrypted: bool,
}

/// Where the ends across are, remembered: most flows go where others went.
pub(crate) struct Countries<'a> {
    atlas: &'a Atlas,
    /// By address: the name that was last asked about with it, and the country.
    known: HashMap<IpAddr, (Option<String>, Option<String>)>,
}

/// Addresses remembered; beyond, all are forgotten.
const MOST_KNOWN: usize = 1 << 16;

impl<'a> Countries<'a> {
    pub(crate) fn new(atlas: &'a Atlas) -> Self {
        Self { atlas, known: HashMap::new() }
    }

    fn of(&mut self, ip: IpAddr, host: Option<&str>) -> Option<String> {
        if let Some((name, country)) = self.known.get(&ip)
            && name.as_deref() == host
        {
            return country.clone();
        }
        let country = self.atlas.locate(ip, host).country;
        // No name of the DNS is longer (RFC 1035 §2.3.4).
        if host.is_none_or(|host| host.len() <= 255) {
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            self.known.insert(ip, (host.map(str::to_owned), country.clone()));
        }
        country
    }
}

impl FlowTold {
    pub(crate) fn new(
        flow: &Flow,
        protocol: &'static str,
        name: Option<&Name>,
        sums: Sums,
        hello: Hello,
        countries: &mut Countries<'_>,
    ) -> Self {
        let opaque: u64 = sums.unread.iter().map(|(_, bytes)| bytes).sum();
        let mut why_opaque: Vec<&'static str> =
            sums.unread.iter().filter(|(_, bytes)| *bytes > 0).map(|(why, _)| *why).collect();
        why_opaque.dedup();
        let mostly = opaque * 2 > sums.up + sums.down;
        let encrypted = matches!(protocol, "tls" | "dot" | "quic" | "dtls" | "webrtc") && opaque > 0;
        let host = name.map(|name| (name.host.clone(), name.basis));
        let country = countries.of(flow.outside_end().ip, host.as_ref().map(|(host, _)| host.as_str()));
        Self {
            flow: flow.clone(),
            protocol,
            host,
            country,
            first: sums.first,
            last: sums.last,
            packets: sums.packets,
            bytes_up: sums.up,
            bytes_down: sums.down,
            lost: sums.lost,
            visibility: match (mostly || encrypted, sums.decrypted) {
                (true, _) => Visibility::Opaque,
                (false, true) => Visibility::Decrypted,
                (false, false) => Visibility::Clear,
            },
            opaque,
            why_opaque,
            hello,
        }
    }
}
