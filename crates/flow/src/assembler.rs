//! Packets in, flows out.

use std::{collections::BTreeMap, net::IpAddr};

use creance_model::{Endpoint, Flow, Packet, Side, Timestamp, Transport};

use crate::{
    fragments::Fragments,
    inside::{self, IpNet},
    ip::{self, be16, be32},
    link::{self, Carried},
    table::{Entry, Key, Table},
    tcp::{Out, Segment},
};

/// Takes what flows give. Called in the order of the capture.
pub trait Handler {
    /// What the handler keeps of a flow while it lasts.
    type State;

    /// A flow's first packet was seen.
    fn open(&mut self, flow: &Flow) -> Self::State;

    /// Bytes in order (TCP), or the payload of one datagram.
    fn data(&mut self, flow: &Flow, state: &mut Self::State, chunk: &Chunk<'_>);

    /// Bytes that were sent and that the capture lacks.
    fn gap(&mut self, flow: &Flow, state: &mut Self::State, gap: &Gap);

    /// The flow is over.
    fn close(&mut self, flow: &Flow, state: Self::State, totals: &Totals);
}

/// Bytes of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Who sent them.
    pub from: Side,
    /// The bytes.
    pub bytes: &'a [u8],
    /// The packet that brought them.
    pub packet: u64,
    /// When it was captured.
    pub time: Timestamp,
}

/// A hole in a stream.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// Who sent what is missing.
    pub from: Side,
    /// How much is missing.
    pub bytes: u64,
    /// The packet that shows it.
    pub packet: u64,
    /// When that was captured.
    pub time: Timestamp,
}

/// Why a flow is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// Both sides ended it.
    Fin,
    /// One side broke it off.
    Rst,
    /// Nothing was seen for long.
    Idle,
    /// Too many flows were open.
    Evicted,
    /// Another connection took its ports.
    Replaced,
    /// The capture ended.
    End,
}

/// The sums of a flow; arrays are by [`Side::index`].
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// Packets.
    pub packets: [u64; 2],
    /// Payload bytes handed over.
    pub bytes: [u64; 2],
    /// Payload bytes missing.
    pub lost: [u64; 2],
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Why it is over.
    pub why: Close,
    /// Whether its beginning was seen (TCP).
    pub syn_seen: bool,
}

/// Bounds, and what is known of our side.
#[derive(Clone, Debug)]
pub struct Options {
    /// Networks that are ours.
    pub inside: Vec<IpNet>,
    /// Flows followed at one time.
    pub max_flows: usize,
    /// Bytes that may wait for missing segments in one direction of a flow.
    pub max_buffered_per_flow: usize,
    /// Bytes that may wait in all flows.
    pub max_buffered: usize,
    /// Silence after which a TCP flow is over, in nanoseconds.
    pub tcp_idle: i64,
    /// Silence after which other flows are over, in nanoseconds.
    pub udp_idle: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inside: Vec::new(),
            max_flows: 200_000,
            max_buffered_per_flow: 4 << 20,
            max_buffered: 64 << 20,
            tcp_idle: 600 * 1_000_000_000,
            udp_idle: 120 * 1_000_000_000,
        }
    }
}

/// What was counted on the way.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Frames that carry no IP, by name: packets and bytes.
    pub not_ip: BTreeMap<&'static str, (u64, u64)>,
    /// Packets with a header that makes no sense, by header.
    pub malformed: BTreeMap<&'static str, u64>,
    /// Packets that the capture cut short.
    pub cut_packets: u64,
    /// Fragmented packets that never became whole.
    pub unfinished_fragments: u64,
    /// Flows closed because too many were open.
    pub evicted_flows: u64,
    /// Bytes in order that had to be given up as gaps because buffers were full.
    pub evicted_bytes: u64,
    /// Bytes of overlapping segments that contradict the first copy.
    pub conflicts: u64,
}

/// Follows flows and hands what they carry to a [`Handler`].
pub struct Assembler<H: Handler> {
    handler: H,
    options: Options,
    table: Table<H::State>,
    fragments: Fragments,
    counters: Counters,
    flows: u64,
    buffered: usize,
    now: Timestamp,
}

/// A transport packet, whole.
struct Arrived<'a> {
    number: u64,
    time: Timestamp,
    macs: Option<([u8; 6], [u8; 6])>,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: &'a [u8],
    missing: usize,
}

impl<H: Handler> Assembler<H> {
    /// Nothing seen yet.
    pub fn new(handler: H, options: Options) -> Self {
        Self {
            handler,
            options,
            table: Table::new(),
            fragments: Fragments::default(),
            counters: Counters::default(),
            flows: 0,
            buffered: 0,
            now: Timestamp::default(),
        }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        if (packet.data.len() as u64) < u64::from(packet.wire_len) {
            self.counters.cut_packets += 1;
        }
        let frame = link::strip(packet.link, packet.data);
        let data = match frame.payload {
            Carried::Ip(data) => data,
            Carried::Other(name) => {
                let (packets, bytes) = self.counters.not_ip.entry(name).or_default();
                *packets += 1;
                *bytes += packet.data.len() as u64;
                return;
            }
            Carried::Malformed(what) => return self.malformed(what),
        };
        let parsed = match ip::parse(data) {
            Ok(parsed) => parsed,
            Err(what) => return self.malformed(what),
        };
        self.now = self.now.max(packet.time);
        self.expire();
        let mut arrived = Arrived {
            number: packet.number,
            time: packet.time,
            macs: frame.macs,
            source: parsed.source,
            destination: parsed.destination,
            protocol: parsed.protocol,
            payload: parsed.payload,
            missing: parsed.missing,
        };
        let Some(fragment) = parsed.fragment else { return self.transport(&arrived) };
        if let Some(whole) = self.fragments.add(&parsed, fragment) {
            let mut payload = whole.payload.as_slice();
            (arrived.source, arrived.destination, arrived.protocol) =
                (whole.source, whole.destination, whole.protocol);
            if arrived.source.is_ipv6() && ip::extensions(&mut arrived.protocol, &mut payload).is_err() {
                return self.malformed("IPv6 extension header");
            }
            self.transport(&Arrived { payload, missing: 0, ..arrived });
        }
    }

    /// Ends all flows, in the order in which they began.
    pub fn finish(mut self) -> (H, Counters) {
        for entry in self.table.drain() {
            self.close(entry, Close::End);
        }
        self.counters.unfinished_fragments = self.fragments.unfinished() + self.fragments.evicted;
        (self.handler, self.counters)
    }

    fn malformed(&mut self, what: &'static str) {
        *self.counters.malformed.entry(what).or_default() += 1;
    }

    fn transport(&mut self, arrived: &Arrived<'_>) {
        match arrived.protocol {
            6 => self.tcp(arrived),
            17 => self.udp(arrived),
            other => {
                let ends = (0, 0);
                let (at, from) = self.entry(arrived, ends, Transport::Other(other), false);
                self.datagram(at, from, arrived, arrived.payload);
            }
        }
    }

    fn udp(&mut self, arrived: &Arrived<'_>) {
        let data = arrived.payload;
        let (Some(source), Some(destination), Some(length)) = (be16(data, 0), be16(data, 2), be16(data, 4))
        else {
            return self.malformed("UDP header");
        };
        // Zero: longer than 65535 (RFC 2675). Otherwise what lies behind the stated length is padding.
        let length = if length < 8 { data.len() } else { usize::from(length).min(data.len()) };
        let Some(payload) = data.get(8..length) else { return self.malformed("UDP header") };
        let (at, from) = self.entry(arrived, (source, destination), Transport::Udp, false);
        self.datagram(at, from, arrived, payload);
    }

    fn datagram(&mut self, at: usize, from: Side, arrived: &Arrived<'_>, bytes: &[u8]) {
        let Self { table, handler, .. } = self;
        let Some(entry) = table.get(at) else { return };
        let index = from.index();
        add(&mut entry.bytes, index, bytes.len() as u64);
        add(&mut entry.lost, index, arrived.missing as u64);
        if let Some(state) = &mut entry.state {
            let (packet, time) = (arrived.number, arrived.time);
            if !bytes.is_empty() {
                handler.data(&entry.flow, state, &Chunk { from, bytes, packet, time });
            }
        }
    }

    fn tcp(&mut self, arrived: &Arrived<'_>) {
        let data = arrived.payload;
        let header = (|| {
            Some((
                be16(data, 0)?,
                be16(data, 2)?,
                be32(data, 4)?,
                be32(data, 8)?,
                *data.get(12)?,
                *data.get(13)?,
            ))
        })();
        let Some((source, destination, sequence, acknowledged, offset, flags)) = header else {
            return self.malformed("TCP header");
        };
        let (fin, syn, rst, ack) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0, flags & 16 != 0);
        let length = usize::from(offset >> 4) * 4;
        if length < 20 {
            return self.malformed("TCP header");
        }
        let payload = data.get(length..).unwrap_or_default();
        // A header cut by the capture has lost all of its payload.
        let missing = if data.len() < length {
            arrived.missing.saturating_sub(length - data.len())
        } else {
            arrived.missing
        };

        let ends = (source, destination);
        if syn && !ack {
            self.replace(arrived, ends, sequence);
        }
        let (at, from) = self.entry(arrived, ends, Transport::Tcp, syn && !ack);
        let Self { table, handler, options, counters, buffered, .. } = self;
        let Some(entry) = table.get(at) else { return };
        let Entry { flow, state: Some(state), bytes, lost, streams: Some(streams), syn: syn_seen, .. } =
            entry
        else {
            return;
        };
        let [client, server] = streams.as_mut();
        let (ours, theirs) = if from == Side::Client { (client, server) } else { (server, client) };

        if syn {
            *syn_seen = true;
            ours.syn(sequence);
        }
        let start = if syn { sequence.wrapping_add(1) } else { sequence };
        let held = ours.buffered + theirs.buffered;
        let conflicts = ours.conflicts;
        let mut give = |handler: &mut H, side: Side, out: Out<'_>| match out {
            Out::Bytes(chunk, packet, time) => {
                add(bytes, side.index(), chunk.len() as u64);
                handler.data(flow, state, &Chunk { from: side, bytes: chunk, packet, time });
            }
            Out::Gap(count, packet, time) => {
                add(lost, side.index(), count);
                handler.gap(flow, state, &Gap { from: side, bytes: count, packet, time });
            }
        };
        // An empty segment just before what is next is a keep-alive, and a byte there a probe; neither is data.
        if !payload.is_empty() || missing > 0 {
            let segment = Segment {
                sequence: start,
                bytes: payload,
                missing,
                packet: arrived.number,
                time: arrived.time,
            };
            let limit = if *buffered > options.max_buffered { 0 } else { options.max_buffered_per_flow };
            let over = held;
            ours.data(segment, limit, &mut |out| give(handler, from, out));
            if limit == 0 {
                counters.evicted_bytes += over as u64;
            }
        }
        if ack {
            theirs.ack(acknowledged, &mut |out| give(handler, from.other(), out));
        }
        if fin {
            let size = u32::try_from(payload.len() + missing).unwrap_or(u32::MAX);
            ours.fin(start.wrapping_add(size));
        }
        counters.conflicts += ours.conflicts - conflicts;
        *buffered = (*buffered + ours.buffered + theirs.buffered).saturating_sub(held);
        let over = if rst {
            Some(Close::Rst)
        } else if ours.ended() && theirs.ended() {
            Some(Close::Fin)
        } else {
            None
        };
        if let Some(why) = over {
            self.remember(at, why);
        }
    }

    /// Ends the connection that a new SYN on the same ports shows to be over.
    fn replace(&mut self, arrived: &Arrived<'_>, (source, destination): (u16, u16), sequence: u32) {
        let a = Endpoint { ip: arrived.source, port: source };
        let b = Endpoint { ip: arrived.destination, port: destination };
        let Some(at) = self.table.find(&Key::new(a, b, arrived.protocol)) else { return };
        let Some(entry) = self.table.get(at) else { return };
        let closed = entry.state.is_none();
        let from = usize::from(a != entry.flow.client);
        let other = entry
            .streams
            .as_ref()
            .and_then(|streams| streams.get(from))
            .is_some_and(|stream| stream.is_new(sequence));
        if (closed || other)
            && let Some(entry) = self.table.remove(at)
        {
            self.close(entry, Close::Replaced);
        }
    }

    /// The entry of a packet's flow, new if it is the first, and which end sent the packet.
    fn entry(
        &mut self,
        arrived: &Arrived<'_>,
        (source, destination): (u16, u16),
        transport: Transport,
        syn: bool,
    ) -> (usize, Side) {
        let a = Endpoint { ip: arrived.source, port: source };
        let b = Endpoint { ip: arrived.destination, port: destination };
        let key = Key::new(a, b, arrived.protocol);
        let at = match self.table.find(&key) {
            Some(at) => at,
            None => self.open(arrived, key, (a, b), transport, syn),
        };
        self.table.touch(at, arrived.time);
        let Some(entry) = self.table.get(at) else { return (at, Side::Client) };
        let from = if a == entry.flow.client { Side::Client } else { Side::Server };
        add(&mut entry.packets, from.index(), 1);
        (at, from)
    }

    fn open(
        &mut self,
        arrived: &Arrived<'_>,
        key: Key,
        (a, b): (Endpoint, Endpoint),
        transport: Transport,
        syn: bool,
    ) -> usize {
        while self.table.len() >= self.options.max_flows.max(1) {
            // The older of the two lists' oldest goes.
            let oldest = [true, false]
                .into_iter()
                .filter_map(|tcp| self.table.oldest(tcp))
                .min_by_key(|(_, last)| *last);
            let Some(entry) = oldest.and_then(|(at, _)| self.table.remove(at)) else { break };
            self.counters.evicted_flows += u64::from(entry.state.is_some());
            self.close(entry, Close::Evicted);
        }
        let answers = !syn && looks_like_an_answer(a.port, b.port, transport, arrived.payload);
        let (client, server) = if answers { (b, a) } else { (a, b) };
        let (inside, inside_basis) = inside::decide(&self.options.inside, client.ip, server.ip, syn);
        let known = |mac: [u8; 6]| Some(mac).filter(|mac| *mac != [0; 6]);
        let (mut client_mac, mut server_mac) =
            arrived.macs.map_or((None, None), |(from, to)| (known(from), known(to)));
        if answers {
            std::mem::swap(&mut client_mac, &mut server_mac);
        }
        self.flows += 1;
        let flow = Flow {
            id: self.flows,
            transport,
            client,
            server,
            inside,
            inside_basis,
            first: arrived.time,
            client_mac,
            server_mac,
        };
        let state = self.handler.open(&flow);
        self.table.insert(key, flow, state)
    }

    /// Closes a flow, and remembers it for late copies of its segments.
    fn remember(&mut self, at: usize, why: Close) {
        let Some(entry) = self.table.get(at) else { return };
        let Some(mut state) = entry.state.take() else { return };
        let held =
            entry.streams.as_ref().map_or(0, |streams| streams.iter().map(|stream| stream.buffered).sum());
        flush(
            &mut self.handler,
            &entry.flow,
            &mut state,
            &mut entry.streams,
            &mut entry.bytes,
            &mut entry.lost,
        );
        self.buffered = self.buffered.saturating_sub(held);
        let totals = totals(entry, why);
        self.handler.close(&entry.flow, state, &totals);
    }

    fn close(&mut self, mut entry: Entry<H::State>, why: Close) {
        let Some(mut state) = entry.state.take() else { return };
        let held: usize =
            entry.streams.as_ref().map_or(0, |streams| streams.iter().map(|stream| stream.buffered).sum());
        flush(
            &mut self.handler,
            &entry.flow,
            &mut state,
            &mut entry.streams,
            &mut entry.bytes,
            &mut entry.lost,
        );
        self.buffered = self.buffered.saturating_sub(held);
        let totals = totals(&entry, why);
        self.handler.close(&entry.flow, state, &totals);
    }

    /// Ends flows that were silent for long.
    fn expire(&mut self) {
        for (tcp, idle) in [(true, self.options.tcp_idle), (false, self.options.udp_idle)] {
            while let Some((at, last)) = self.table.oldest(tcp)
                && self.now.since(last) > idle
            {
                let Some(entry) = self.table.remove(at) else { break };
                self.close(entry, Close::Idle);
            }
        }
    }
}

/// Hands over what still waits in both directions.
fn flush<H: Handler>(
    handler: &mut H,
    flow: &Flow,
    state: &mut H::State,
    streams: &mut Option<Box<[crate::tcp::Stream; 2]>>,
    bytes: &mut [u64; 2],
    lost: &mut [u64; 2],
) {
    let Some([client, server]) = streams.as_deref_mut() else { return };
    for (stream, from) in [(client, Side::Client), (server, Side::Server)] {
        stream.finish(&mut |out| match out {
            Out::Bytes(chunk, packet, time) => {
                add(bytes, from.index(), chunk.len() as u64);
                handler.data(flow, state, &Chunk { from, bytes: chunk, packet, time });
            }
            Out::Gap(count, packet, time) => {
                add(lost, from.index(), count);
                handler.gap(flow, state, &Gap { from, bytes: count, packet, time });
            }
        });
    }
}

fn totals<S>(entry: &Entry<S>, why: Close) -> Totals {
    Totals {
        packets: entry.packets,
        bytes: entry.bytes,
        lost: entry.lost,
        first: entry.flow.first,
        last: entry.last,
        why,
        syn_seen: entry.syn,
    }
}

fn add(sums: &mut [u64; 2], index: usize, more: u64) {
    if let Some(sum) = sums.get_mut(index) {
        *sum += more;
    }
}

/// Whether the first packet seen of a flow comes from its server: a SYN-ACK, or from a well-known port to a high one.
fn looks_like_an_answer(from: u16, to: u16, transport: Transport, segment: &[u8]) -> bool {
    if transport == Transport::Tcp && segment.get(13).is_some_and(|flags| flags & 0x12 == 0x12) {
        return true;
    }
    from < 1024 && to >= 1024
}
