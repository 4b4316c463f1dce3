//! One pass over the flows: messages are read, names bound, telemetry noted, and what left is sighted.

use std::sync::Arc;

use creance_capture::Notes;
use creance_detect::{Context, Sighting};
use creance_flow::{Chunk, Close, Counters, Gap, Handler, Totals};
use creance_model::{
    Carrier, Direction, Endpoint, Flow, InsideBasis, Message, Side, Timestamp, Transport, Value, Visibility,
};
use creance_place::Atlas;
use creance_wire::{At, Conversation, KeyLog, Means, Piece, Reader, TunnelJoiner, UploadJoiner};

use crate::{
    flight::telemetry::Telemetry,
    flows::{Countries, FlowTold, Hello, Sums},
    names::{Name, Names},
    request::Limits,
    traffic::{self, Clock, Finished, Sum, Traffic},
};

/// A sighting with all that is known when it is made. Destination, phase and severity are settled at the end.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) sighting: Sighting,
    /// Sightings of one message share its number.
    pub(crate) message: u64,
    pub(crate) time: Timestamp,
    pub(crate) message_bytes: u64,
    /// At most [`MOST_PACKETS`], the first and last included.
    pub(crate) packets: Arc<[u64]>,
    pub(crate) decode_path: Vec<String>,
    pub(crate) carrier: Carrier,
    pub(crate) protocol: &'static str,
    pub(crate) visibility: Visibility,
    pub(crate) sent: Arc<Sent>,
}

/// What the sightings of one message have in common.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) transport: Transport,
    pub(crate) direction: Direction,
    pub(crate) inside: Endpoint,
    pub(crate) inside_basis: InsideBasis,
    pub(crate) mac: Option<[u8; 6]>,
    pub(crate) app: Option<Arc<str>>,
    /// The recording that it stands in; `None`: a capture.
    pub(crate) recording: Option<Arc<str>>,
    pub(crate) outside: Endpoint,
    pub(crate) name: Option<Name>,
    pub(crate) community_id: String,
    /// Names of files that the message carries, for the action log.
    pub(crate) carried: Vec<String>,
}

/// Takes every message with its flow.
pub(crate) type Messages<'a> = &'a mut dyn FnMut(&Flow, &Message);

/// Takes every flow that is over, and what says where it went.
pub(crate) type Flows<'a> = (&'a mut dyn FnMut(FlowTold), Countries<'a>);

/// The one pass.
pub(crate) struct Pipeline<'a> {
    /// What is looked for; `None`: nothing.
    pub(crate) context: Option<&'a Context>,
    limits: &'a Limits,
    pub(crate) means: Means,
    messages_to: Option<Messages<'a>>,
    flows_to: Option<Flows<'a>>,
    pub(crate) names: Names,
    pub(crate) telemetry: Telemetry,
    /// Transmitters that said nothing of aircraft: how many, their frames and bytes.
    pub(crate) silent: (u64, u64, u64),
    /// Bytes of frames that say nothing of aircraft, of transmitters that do so in others.
    pub(crate) beside: u64,
    pub(crate) seen: Vec<Seen>,
    /// How many of these left, and how many were radiated: strangers' words must not take the room of what left.
    kept: [usize; 2],
    /// Sightings beyond the limit.
    pub(crate) unkept: u64,
    pub(crate) traffic: Traffic,
    /// Limits that application protocols reached, and how often.
    pub(crate) reached: std::collections::BTreeMap<String, u64>,
    tunnels: TunnelJoiner,
    uploads: UploadJoiner,
    messages: u64,
    /// The recording that is read now.
    pub(crate) recording: Option<Arc<str>>,
}

/// A finished pass.
pub(crate) struct Run<'a> {
    pub(crate) pipeline: Pipeline<'a>,
    pub(crate) counters: Counters,
    pub(crate) notes: Notes,
    pub(crate) packets: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) recorded: Recorded,
}

/// Entries of recordings, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) entries: u64,
    /// Of these, those that never were on a network.
    pub(crate) unsent: u64,
    /// Of these, those whose request has no answer.
    pub(crate) unanswered: u64,
}

/// What is kept of a flow while it lasts.
pub(crate) struct State {
    reader: Reader,
    /// The best founded name so far.
    name: Option<Name>,
    up_over_time: Clock,
    hello: Hello,
    decrypted: bool,
    /// Whether our own side has sent anything.
    ours: bool,
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(context: Option<&'a Context>, limits: &'a Limits, keys: KeyLog) -> Self {
        Self {
            context,
            limits,
            means: Means::new(keys),
            messages_to: None,
            flows_to: None,
            names: Names::new(limits.names),
            telemetry: Telemetry::default(),
            silent: (0, 0, 0),
            beside: 0,
            seen: Vec::new(),
            kept: [0; 2],
            unkept: 0,
            traffic: Traffic::default(),
            reached: std::collections::BTreeMap::new(),
            tunnels: TunnelJoiner::default(),
            uploads: UploadJoiner::default(),
            messages: 0,
            recording: None,
        }
    }

    pub(crate) fn with_messages(mut self, sink: Messages<'a>) -> Self {
        self.messages_to = Some(sink);
        self
    }

    pub(crate) fn with_flows(mut self, sink: &'a mut dyn FnMut(FlowTold), atlas: &'a Atlas) -> Self {
        self.flows_to = Some((sink, Countries::new(atlas)));
        self
    }

    fn message(&mut self, flow: &Flow, name: &mut Option<Name>, asked: bool, message: &Message) {
        self.messages += 1;
        if let Some(sink) = &mut self.messages_to {
            sink(flow, message);
        }
        self.note_limit(message);
        let direction = flow.direction(message.from);
        let ours = direction == Direction::Outbound;
        // Datagrams from outside that nobody here asked for or answered are anybody's word as well.
        let unasked = direction == Direction::Inbound && flow.transport == Transport::Udp && !asked;
        if !self.telemetry.note(message, unasked || direction == Direction::Broadcast) {
            *self.reached.entry("telemetry samples".to_owned()).or_default() += 1;
        }
        match (message.protocol, message.kind) {
            ("dns", "response") => {
                for (owner, address) in creance_wire::dns_answers(message) {
                    self.names.bind(flow.end(message.from.other()).ip, address, &owner);
                }
            }
            // Our own side says whom it asks for; the other side says who it is.
            ("tls" | "quic" | "dtls", "client-hello") if ours => {
                stronger(name, message.text("sni"), Name::SNI);
            }
            ("tls" | "quic" | "dtls", "certificate") if !ours => {
                if let Some(Value::List(names)) = message.field("names")
                    && let Some(Value::Text(first)) = names.first()
                {
                    stronger(name, Some(first), Name::CERTIFICATE);
                }
            }
            ("http/1" | "http/2" | "http/3", "request") if ours => {
                stronger(name, message.text("host"), Name::HOST_HEADER);
            }
            _ => {}
        }
        if self.context.is_none() && self.messages_to.is_none() {
            return;
        }
        if !ours && direction != Direction::Broadcast && !leaves_by_recursion(flow, message) {
            self.uploads.answered(flow, message);
            return;
        }
        if let Some(piece) = Piece::of(message) {
            self.part_of_upload(flow, name.as_ref(), message, &piece);
            return;
        }
        self.look(flow, name.as_ref(), message);
        if message.protocol == "dns"
            && message.kind == "query"
            && let Some((flow, joined)) = self.tunnels.query(flow, message)
        {
            self.messages += 1;
            self.look(&flow, None, &joined);
        }
    }

    /// Takes an entry of a recording: a flow that is over at once.
    pub(crate) fn entry(&mut self, flow: &Flow, entry: Conversation) {
        let mut state = self.open(flow);
        stronger(&mut state.name, entry.sni.as_deref(), Name::SNI);
        stronger(&mut state.name, entry.host.as_deref(), Name::HOST_HEADER);
        let totals = Totals {
            packets: [1, 0],
            bytes: entry.bytes,
            lost: [0; 2],
            conflicts: 0,
            first: entry.first,
            last: entry.last,
            why: Close::End,
            syn_seen: false,
        };
        if let Some(inside) = flow.inside {
            state.up_over_time.add(entry.first, totals.bytes[inside.index()]);
        }
        state.reader = entry.into_reader(&self.means);
        self.close(flow, state, &totals);
    }

    /// The capture is over: what waited for more is looked at.
    pub(crate) fn finish(&mut self) {
        for (flow, joined) in self.tunnels.finish() {
            self.messages += 1;
            self.look(&flow, None, &joined);
        }
        for (flow, joined) in self.uploads.finish(&self.limits.wire) {
            self.joined(&flow, &joined);
        }
    }

    /// A part of an object is looked at when the object is whole; what stands around it, at once.
    fn part_of_upload(&mut self, flow: &Flow, name: Option<&Name>, message: &Message, piece: &Piece) {
        if piece.is_end() {
            // What ends an upload has content of its own.
            self.look(flow, name, message);
        } else {
            let around =
                message.parts.iter().take_while(|part| part.carrier != Carrier::Body).cloned().collect();
            self.look(
                flow,
                name,
                &Message {
                    parts: around,
                    packets: message.packets.clone(),
                    fields: message.fields.clone(),
                    ..*message
                },
            );
        }
        for (flow, joined) in self.uploads.take(flow, message, piece, &self.limits.wire) {
            self.joined(&flow, &joined);
        }
    }

    /// Counts a limit that was reached in a message.
    fn note_limit(&mut self, message: &Message) {
        if let Some(Value::Text(limit)) = message.field("limit") {
            *self.reached.entry(limit.clone()).or_default() += 1;
        }
    }

    fn joined(&mut self, flow: &Flow, joined: &Message) {
        self.messages += 1;
        self.note_limit(joined);
        if let Some(sink) = &mut self.messages_to {
            sink(flow, joined);
        }
        self.look(flow, None, joined);
    }

    /// Tells a flow that is over, where that is asked for.
    fn told(&mut self, flow: &Flow, state: &mut State, totals: &Totals) {
        let Some((sink, countries)) = &mut self.flows_to else { return };
        let ours = flow.inside.unwrap_or(Side::Client);
        let sums = Sums {
            first: totals.first,
            last: totals.last,
            packets: totals.packets[0] + totals.packets[1],
            up: totals.bytes[ours.index()],
            down: totals.bytes[ours.other().index()],
            lost: totals.lost[0] + totals.lost[1],
            unread: unread(&state.reader, totals),
            decrypted: state.decrypted,
        };
        let hello = std::mem::take(&mut state.hello);
        sink(FlowTold::new(flow, state.reader.protocol(), state.name.as_ref(), sums, hello, countries));
    }

    /// Shows an outbound message to every detector.
    fn look(&mut self, flow: &Flow, flow_name: Option<&Name>, message: &Message) {
        let Some(context) = self.context.filter(|_| !message.parts.is_empty()) else { return };
        let creance_detect::Looked { sightings, limits } = creance_detect::look(message, context);
        for limit in limits {
            *self.reached.entry(limit.to_owned()).or_default() += 1;
        }
        if sightings.is_empty() {
            return;
        }
        let sent = Arc::new(Sent {
            transport: flow.transport,
            direction: if flow.transport.is_radio() { Direction::Broadcast } else { Direction::Outbound },
            inside: flow.end(message.from),
            inside_basis: flow.inside_basis,
            mac: flow.inside_mac(),
            app: flow.app.clone(),
            recording: self.recording.clone(),
            outside: flow.end(message.from.other()),
            name: name_of(message).or_else(|| flow_name.cloned()),
            community_id: creance_flow::community_id(flow),
            carried: carried(message),
        });
        let of_message: Arc<[u64]> = listed(&message.packets);
        let Some(kept) = self.kept.get_mut(usize::from(flow.transport.is_radio())) else { return };
        for sighting in sightings {
            if *kept >= self.limits.sightings {
                self.unkept += 1;
                continue;
            }
            *kept += 1;
            let part = sighting.part;
            self.seen.push(Seen {
                message: self.messages,
                time: message.time,
                message_bytes: message.bytes,
                packets: match message.packets_of(part) {
                    packets if packets == message.packets => Arc::clone(&of_message),
                    packets => listed(packets),
                },
                decode_path: path(message, part),
                carrier: message.parts.get(part).map_or(Carrier::Field, |part| part.carrier),
                protocol: message.protocol,
                visibility: message.visibility,
                sent: Arc::clone(&sent),
                sighting,
            });
        }
    }
}

/// Packet numbers listed for one occurrence (DESIGN §4).
const MOST_PACKETS: usize = 64;

/// At most [`MOST_PACKETS`] numbers, the first and last included.
fn listed(packets: &[u64]) -> Arc<[u64]> {
    match (packets.get(..MOST_PACKETS - 1), packets.last()) {
        (Some(first), Some(last)) => first.iter().chain([last]).copied().collect(),
        _ => packets.into(),
    }
}

/// Whether a question to a resolver on our own network is about a name beyond it: the resolver hands it on.
fn leaves_by_recursion(flow: &Flow, message: &Message) -> bool {
    let local =
        ["local", "localdomain", "lan", "home", "internal", "intranet", "arpa", "invalid", "test", "onion"];
    message.protocol == "dns"
        && message.kind == "query"
        && flow.direction(message.from) == Direction::Lan
        && flow.server.port == 53
        && message.from == Side::Client
        && message
            .text("name")
            .and_then(|name| name.trim_end_matches('.').rsplit_once('.'))
            .is_some_and(|(_, top)| !local.contains(&top.to_ascii_lowercase().as_str()))
}

/// Bytes that were not read, with the reason, of each side.
fn unread(reader: &Reader, totals: &Totals) -> [(&'static str, u64); 2] {
    let (readable, opaque) = (reader.readable(), reader.opaque());
    [Side::Client, Side::Server].map(|side| {
        let bytes = totals.bytes[side.index()].saturating_sub(readable[side.index()]);
        (opaque[side.index()].unwrap_or_else(|| traffic::why_unread(reader.protocol())), bytes)
    })
}

/// The protocol stands at the head of every decode path, and before it what was decrypted.
fn path(message: &Message, part: usize) -> Vec<String> {
    let mut path = message.decode_path(part);
    if let Some(first) = path.first_mut() {
        *first = format!("{} {first}", message.protocol);
    }
    if message.visibility == Visibility::Decrypted {
        let within = if matches!(message.protocol, "quic" | "http/3") { "quic" } else { "tls" };
        path.insert(0, within.to_owned());
    }
    path
}

/// The name that a message itself gives its destination.
fn name_of(message: &Message) -> Option<Name> {
    match message.protocol {
        "http/1" | "http/2" | "http/3" => message
            .text("host")
            .filter(|host| !host.is_empty())
            .map(|host| Name::new(host, Name::HOST_HEADER)),
        "dns" => {
            let asked = message.text("name")?;
            let domain = psl::domain_str(asked.trim_end_matches('.'))?;
            Some(Name::new(domain, Name::DNS_QUERY))
        }
        _ => None,
    }
}

/// Names of files in a message: of multipart parts, and the last segment of a request target.
fn carried(message: &Message) -> Vec<String> {
    let mut files: Vec<String> = message
        .parts
        .iter()
        .filter(|part| {
            part.step == "multipart-filename" || part.name.as_deref() == Some("multipart-filename")
        })
        .map(|part| String::from_utf8_lossy(&part.bytes).into_owned())
        .collect();
    if let Some(uri) = message.text("uri") {
        let target = uri.split(['?', '#']).next().unwrap_or_default();
        files.extend(target.rsplit('/').next().map(str::to_owned));
    }
    files
}

/// Takes a name for a flow if it is better founded than the one it has.
fn stronger(name: &mut Option<Name>, host: Option<&str>, basis: &'static str) {
    let rank = |basis: &str| match basis {
        Name::SNI => 3,
        Name::HOST_HEADER => 2,
        Name::DNS => 1,
        _ => 0,
    };
    let Some(host) = host.filter(|host| !host.is_empty()) else { return };
    if name.as_ref().is_none_or(|known| rank(known.basis) < rank(basis)) {
        *name = Some(Name::new(host, basis));
    }
}

impl Handler for Pipeline<'_> {
    type State = State;

    fn open(&mut self, flow: &Flow) -> State {
        // An address that is not told has no name.
        let known = flow.inside.is_some() && !flow.outside_end().ip.is_unspecified();
        let name = if known { self.names.of(flow.inside_end().ip, flow.outside_end().ip) } else { None };
        State {
            reader: Reader::new(&self.means),
            name,
            up_over_time: Clock::default(),
            hello: Hello::default(),
            decrypted: false,
            ours: false,
        }
    }

    fn data(&mut self, flow: &Flow, state: &mut State, chunk: &Chunk<'_>) {
        if flow.direction(chunk.from) == Direction::Outbound {
            state.ours = true;
            if self.context.is_some() {
                state.up_over_time.add(chunk.time, chunk.bytes.len() as u64);
            }
        }
        let State { reader, name, hello, decrypted, ours, .. } = state;
        let limits = &self.limits.wire;
        let at = At { packet: chunk.packet, time: chunk.time };
        reader.feed(flow, chunk.from, chunk.bytes, at, limits, &mut |message| {
            *decrypted |= message.visibility == Visibility::Decrypted;
            hello.note(&message);
            self.message(flow, name, *ours, &message);
        });
    }

    fn gap(&mut self, flow: &Flow, state: &mut State, gap: &Gap) {
        let State { reader, name, hello, decrypted, ours, .. } = state;
        let limits = &self.limits.wire;
        let at = At { packet: gap.packet, time: gap.time };
        reader.gap(flow, gap.from, gap.bytes, at, limits, &mut |message| {
            *decrypted |= message.visibility == Visibility::Decrypted;
            hello.note(&message);
            self.message(flow, name, *ours, &message);
        });
    }

    fn reads(&self, state: &State) -> bool {
        state.reader.reads()
    }

    fn close(&mut self, flow: &Flow, mut state: State, totals: &Totals) {
        let State { reader, name, hello, decrypted, ours, .. } = &mut state;
        let limits = &self.limits.wire;
        reader.finish(flow, limits, &mut |message| {
            *decrypted |= message.visibility == Visibility::Decrypted;
            hello.note(&message);
            self.message(flow, name, *ours, &message);
        });
        let payload = totals.bytes[0] + totals.bytes[1];
        if flow.transport.is_radio() && state.reader.readable() == [0; 2] {
            let (transmitters, frames, bytes) = &mut self.silent;
            *transmitters += 1;
            *frames += totals.packets[0];
            *bytes += payload;
            return;
        }
        if flow.transport.is_radio() {
            self.beside += payload.saturating_sub(state.reader.readable()[0]);
        }
        self.told(flow, &mut state, totals);
        if flow.transport.is_radio() || self.context.is_none() {
            return;
        }
        let Some(inside) = flow.inside else {
            self.traffic.lan.0 += 1;
            self.traffic.lan.1 += payload;
            return;
        };
        let unread = unread(&state.reader, totals);
        let protocol = state.reader.protocol();
        let outside = flow.outside_end();
        let sum = Sum {
            basis: None,
            protocols: std::iter::once(protocol).collect(),
            first: totals.first,
            last: totals.last,
            flows: 1,
            packets: totals.packets[0] + totals.packets[1],
            up: totals.bytes[inside.index()],
            down: totals.bytes[inside.other().index()],
            readable: payload - unread.iter().map(|(_, bytes)| bytes).sum::<u64>(),
            lost: totals.lost[0] + totals.lost[1],
            up_over_time: state.up_over_time,
        };
        // Where our side is the server, the port across is of no meaning.
        let port = if inside == Side::Server { 0 } else { outside.port };
        let finished =
            Finished { ip: outside.ip, port, transport: flow.transport, name: state.name, unread, sum };
        self.traffic.add(finished, self.limits.destinations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_that_nobody_here_answers_is_anybodys_word() {
        let end = |ip: &str| Endpoint { ip: ip.parse().unwrap(), port: 14_550 };
        let flow = Flow {
            id: 1,
            transport: Transport::Udp,
            client: end("203.0.113.9"),
            server: end("192.168.1.2"),
            inside: Some(Side::Server),
            inside_basis: InsideBasis::PrivateRange,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        };
        // An armed heartbeat.
        let bytes = &[0xfe, 9, 0, 1, 1, 0, 0, 0, 0, 0, 2, 3, 0x81, 4, 3, 5, 0x25];
        let told = |sides: &[Side]| {
            let limits = Limits::default();
            let mut pipeline = Pipeline::new(None, &limits, KeyLog::default());
            let mut state = pipeline.open(&flow);
            for from in sides {
                let chunk = Chunk { from: *from, bytes, packet: 1, time: Timestamp::default() };
                pipeline.data(&flow, &mut state, &chunk);
            }
            let heard = pipeline.telemetry.seen.is_some();
            (heard, pipeline.telemetry.sources().map(|sources| sources.len()))
        };
        assert_eq!(told(&[Side::Client]), (false, [0, 1]));
        assert_eq!(told(&[Side::Server, Side::Client]), (true, [1, 0]));
    }
}
