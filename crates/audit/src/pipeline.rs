//! One pass over the flows: messages are read, names bound, telemetry noted, and what left is sighted.

use std::sync::Arc;

use creance_capture::Notes;
use creance_detect::{Context, Looked};
use creance_flow::{Chunk, Close, Counters, Gap, Handler, Totals};
use creance_model::{Carrier, Direction, Flow, Message, Side, Timestamp, Transport, Value, Visibility};
use creance_place::Atlas;
use creance_wire::{At, Conversation, KeyLog, Means, Piece, Reader, TunnelJoiner, UploadJoiner};

use crate::{
    crew::Crew,
    flight::{heard::Heard, telemetry::Telemetry},
    flows::{Countries, FlowTold, Hello, Sums},
    names::{Name, Names},
    region::Gathered,
    request::Limits,
    sightings::{Outgoing, Sightings},
    trace::Wanted,
    traffic::{self, Clock, Finished, Sum, Traffic},
};

/// Takes every message with its flow.
pub(crate) type Messages<'a> = &'a mut dyn FnMut(&Flow, &Message);

/// Takes every flow that is over, and what says where it went.
pub(crate) type Flows<'a> = (&'a mut dyn FnMut(FlowTold), Countries<'a>);

/// The one pass.
pub(crate) struct Pipeline<'a> {
    /// What is looked for; `None`: nothing.
    pub(crate) context: Option<Arc<Context>>,
    limits: &'a Limits,
    pub(crate) means: Means,
    messages_to: Option<Messages<'a>>,
    /// What bears on jurisdiction; `None`: nothing is gathered.
    pub(crate) region: Option<Gathered>,
    flows_to: Option<Flows<'a>>,
    pub(crate) names: Names,
    pub(crate) telemetry: Telemetry,
    /// Where aircraft were by telemetry that does not leave.
    pub(crate) heard: Heard,
    /// Transmitters that said nothing of aircraft: how many, their frames and bytes.
    pub(crate) silent: (u64, u64, u64),
    /// Bytes of frames that say nothing of aircraft, of transmitters that do so in others.
    pub(crate) beside: u64,
    /// Who looks for it; `None`: this thread.
    crew: Option<Crew>,
    pub(crate) sightings: Sightings,
    pub(crate) traffic: Traffic,
    /// Limits that application protocols reached, and how often.
    pub(crate) reached: std::collections::BTreeMap<String, u64>,
    tunnels: TunnelJoiner,
    uploads: UploadJoiner,
    messages: u64,
    /// What is to be taken down, where it is seen.
    pub(crate) wanted: Option<Wanted>,
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
    pub(crate) fn new(context: Option<Arc<Context>>, limits: &'a Limits, keys: KeyLog) -> Self {
        Self {
            context,
            limits,
            means: Means::new(keys),
            messages_to: None,
            region: None,
            flows_to: None,
            names: Names::new(limits.names),
            telemetry: Telemetry::default(),
            heard: Heard::default(),
            silent: (0, 0, 0),
            beside: 0,
            crew: None,
            sightings: Sightings::default(),
            traffic: Traffic::default(),
            reached: std::collections::BTreeMap::new(),
            tunnels: TunnelJoiner::default(),
            uploads: UploadJoiner::default(),
            messages: 0,
            wanted: None,
            recording: None,
        }
    }

    /// Lets so many threads look for it.
    pub(crate) fn with_crew(mut self, threads: usize) -> Self {
        self.crew = self.context.clone().filter(|_| threads > 1).map(|context| Crew::new(context, threads));
        self
    }

    pub(crate) fn with_messages(mut self, sink: Messages<'a>) -> Self {
        self.messages_to = Some(sink);
        self
    }

    /// Gathers what bears on jurisdiction, and how much went where.
    pub(crate) fn with_region(mut self) -> Self {
        self.region = Some(Gathered::default());
        self
    }

    pub(crate) fn with_flows(mut self, sink: &'a mut dyn FnMut(FlowTold), atlas: &'a Atlas) -> Self {
        self.flows_to = Some((sink, Countries::new(atlas)));
        self
    }

    fn message(&mut self, flow: &Flow, name: &mut Option<Name>, asked: bool, message: Message) {
        self.messages += 1;
        if let Some(sink) = &mut self.messages_to {
            sink(flow, &message);
        }
        if let Some(region) = &mut self.region {
            region.note(flow, &message);
        }
        self.note_limit(&message);
        let direction = flow.direction(message.from);
        let ours = direction == Direction::Outbound;
        // Datagrams from outside that nobody here asked for or answered are anybody's word as well.
        let unasked = direction == Direction::Inbound && flow.transport == Transport::Udp && !asked;
        if !self.telemetry.note(&message, unasked || direction == Direction::Broadcast) {
            *self.reached.entry("telemetry samples".to_owned()).or_default() += 1;
        }
        if !ours {
            self.heard.note(&message);
        }
        match (message.protocol, message.kind) {
            ("dns", "response") => {
                for (owner, address) in creance_wire::dns_answers(&message) {
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
        if !ours && direction != Direction::Broadcast && !leaves_by_recursion(flow, &message) {
            self.uploads.answered(flow, &message);
            return;
        }
        if let Some(piece) = Piece::of(&message) {
            self.part_of_upload(flow, name.as_ref(), message, &piece);
            return;
        }
        let question = message.protocol == "dns" && message.kind == "query";
        let tunnelled = if question { self.tunnels.query(flow, &message) } else { None };
        self.look(flow, name.as_ref(), message);
        if let Some((flow, joined)) = tunnelled {
            self.messages += 1;
            self.look(&flow, None, joined);
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
            self.look(&flow, None, joined);
        }
        for (flow, joined) in self.uploads.finish(&self.limits.wire) {
            self.joined(&flow, joined);
        }
        while let Some(done) = self.crew.as_mut().and_then(Crew::last) {
            self.sighted(done);
        }
    }

    /// A part of an object is looked at when the object is whole; what stands around it, at once.
    fn part_of_upload(&mut self, flow: &Flow, name: Option<&Name>, mut message: Message, piece: &Piece) {
        let whole = self.uploads.take(flow, &message, piece, &self.limits.wire);
        // What ends an upload has content of its own.
        if !piece.is_end() {
            let around = message.parts.iter().take_while(|part| part.carrier() != Carrier::Body).count();
            message.parts.truncate(around);
        }
        self.look(flow, name, message);
        for (flow, joined) in whole {
            self.joined(&flow, joined);
        }
    }

    /// Counts a limit that was reached in a message.
    fn note_limit(&mut self, message: &Message) {
        if let Some(Value::Text(limit)) = message.field("limit") {
            *self.reached.entry(limit.clone()).or_default() += 1;
        }
    }

    fn joined(&mut self, flow: &Flow, joined: Message) {
        self.messages += 1;
        self.note_limit(&joined);
        if let Some(sink) = &mut self.messages_to {
            sink(flow, &joined);
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

    /// Shows an outbound message to every detector, now or soon.
    fn look(&mut self, flow: &Flow, name: Option<&Name>, message: Message) {
        let Some(context) = self.context.as_ref().filter(|_| !message.parts.is_empty()) else { return };
        let outgoing = Outgoing {
            flow: flow.clone(),
            name: name.cloned(),
            recording: self.recording.clone(),
            number: self.messages,
            message,
        };
        // Which pictures are looked at is settled in the order of the reading.
        context.pictures.admit(&outgoing.message);
        let Some(crew) = &mut self.crew else {
            let looked = creance_detect::look(&outgoing.message, context);
            return self.sighted([(outgoing, looked)]);
        };
        crew.give(outgoing);
        while let Some(done) = self.crew.as_mut().and_then(Crew::done) {
            self.sighted(done);
        }
    }

    fn sighted(&mut self, done: impl IntoIterator<Item = (Outgoing, Looked)>) {
        for (outgoing, looked) in done {
            for limit in looked.limits {
                *self.reached.entry(limit.to_owned()).or_default() += 1;
            }
            if let Some(wanted) = &mut self.wanted {
                wanted.note(&outgoing, &looked.sightings);
            }
            self.sightings.add(outgoing, looked.sightings, self.limits.sightings);
        }
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
            self.message(flow, name, *ours, message);
        });
    }

    fn gap(&mut self, flow: &Flow, state: &mut State, gap: &Gap) {
        let State { reader, name, hello, decrypted, ours, .. } = state;
        let limits = &self.limits.wire;
        let at = At { packet: gap.packet, time: gap.time };
        reader.gap(flow, gap.from, gap.bytes, at, limits, &mut |message| {
            *decrypted |= message.visibility == Visibility::Decrypted;
            hello.note(&message);
            self.message(flow, name, *ours, message);
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
            self.message(flow, name, *ours, message);
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
        if flow.transport.is_radio() || (self.context.is_none() && self.region.is_none()) {
            return;
        }
        let Some(inside) = flow.inside else {
            self.traffic.lan.flows += 1;
            self.traffic.lan.bytes += payload;
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
    use creance_model::{Endpoint, InsideBasis};

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
