//! Packets in, flows out.
//!
//! ```text
//! packet ─▶ (tagged, usb) ─▶ link ─▶ ip ─▶ fragments ─▶ (tunnel ─▶ ip …) ─▶ entry of the table ─▶ segment or datagram ─▶ Handler
//! ```
//!
//! Of a tunnel what it carries is followed, not the tunnel itself.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use creance_model::{Endpoint, Flow, InsideBasis, Packet, Side, Timestamp, Transport};

use crate::{
    counters::Counters,
    fragments::Fragments,
    give::{add, end, give},
    handler::{Chunk, Close, Handler},
    inside, ip,
    link::{self, Carried, Frame},
    options::Options,
    segment::{self, Header},
    table::{Entry, Key, List, Table},
    tagged,
    tcp::{Out, Segment},
    tunnel, udp,
    usb::{Endpoints, Transfer},
};

/// Follows flows and hands what they carry to a [`Handler`].
pub struct Assembler<H: Handler> {
    handler: H,
    options: Options,
    table: Table<H::State>,
    fragments: Fragments,
    usb: Endpoints,
    counters: Counters,
    flows: u64,
    buffered: usize,
    now: Timestamp,
    /// Until then no flow can have been silent for too long.
    next_expiry: Timestamp,
    /// The app of the packet that is taken now.
    app: Option<Arc<str>>,
}

/// Silence after which a TCP flow that seemed to be over is, in nanoseconds: a segment lives no longer (RFC 9293).
const OVER: i64 = 120 * 1_000_000_000;

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
        let table = Table::new(options.max_flows);
        Self {
            handler,
            options,
            table,
            fragments: Fragments::default(),
            usb: Endpoints::default(),
            counters: Counters::default(),
            flows: 0,
            buffered: 0,
            now: Timestamp::default(),
            next_expiry: Timestamp::from_nanos(i64::MIN),
            app: None,
        }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.counters.packets += 1;
        if (packet.data.len() as u64) < u64::from(packet.wire_len) {
            self.counters.cut_packets += 1;
        }
        let tagged = tagged::peel(packet.link, packet.data);
        self.counters.pcapdroid += u64::from(tagged.pcapdroid || packet.app.is_some());
        let app = packet.app.or(tagged.app);
        if self.app.as_deref() != app {
            self.app = app.map(Arc::from);
        }
        match self.usb.take(tagged.link, tagged.frame) {
            None => self.frame(packet, link::strip(tagged.link, tagged.frame), 0),
            Some(Transfer::Frames(frames, whole)) => {
                if !whole {
                    self.malformed("rest of a USB transfer");
                }
                for frame in frames {
                    self.frame(packet, link::ethernet(&frame), 0);
                }
            }
            Some(Transfer::Other(name)) => self.not_ip(packet, name),
        }
    }

    fn not_ip(&mut self, packet: &Packet<'_>, name: &'static str) {
        let (packets, bytes) = self.counters.not_ip.entry(name).or_default();
        *packets += 1;
        *bytes += packet.data.len() as u64;
    }

    /// Takes a frame: that of the packet, or one that lies so many tunnels deep in it.
    fn frame(&mut self, packet: &Packet<'_>, frame: Frame<'_>, depth: u8) {
        let data = match frame.payload {
            Carried::Ip(data) => data,
            Carried::Radio(transport, data) => return self.radio(packet, transport, frame.macs, data),
            Carried::Other(name) => return self.not_ip(packet, name),
            Carried::Malformed(what) => return self.malformed(what),
        };
        let parsed = match ip::parse(data) {
            Ok(parsed) => parsed,
            Err(what) => return self.malformed(what),
        };
        if depth == 0 {
            self.now = self.now.max(packet.time);
            self.expire();
        }
        // A length of zero is that of the frame: what the capture cut of it is known from there alone.
        let missing = if parsed.unbounded {
            (packet.wire_len as usize).saturating_sub(packet.data.len())
        } else {
            parsed.missing
        };
        let mut arrived = Arrived {
            number: packet.number,
            time: packet.time,
            macs: frame.macs,
            source: parsed.source,
            destination: parsed.destination,
            protocol: parsed.protocol,
            payload: parsed.payload,
            missing,
        };
        let Some(fragment) = parsed.fragment else { return self.arrived(packet, &arrived, depth) };
        if let Some(whole) = self.fragments.add(&parsed, fragment, self.now) {
            let mut payload = whole.payload.as_slice();
            (arrived.source, arrived.destination, arrived.protocol) =
                (whole.source, whole.destination, whole.protocol);
            if arrived.source.is_ipv6() && ip::extensions(&mut arrived.protocol, &mut payload).is_err() {
                return self.malformed("IPv6 extension header");
            }
            self.arrived(packet, &Arrived { payload, missing: 0, ..arrived }, depth);
        }
    }

    /// Takes what a radio says to all: a flow of one side, which its transmitter names.
    fn radio(
        &mut self,
        packet: &Packet<'_>,
        transport: Transport,
        macs: Option<([u8; 6], [u8; 6])>,
        payload: &[u8],
    ) {
        self.now = self.now.max(packet.time);
        self.expire();
        let nobody = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let arrived = Arrived {
            number: packet.number,
            time: packet.time,
            macs,
            source: nobody,
            destination: nobody,
            protocol: 0,
            payload,
            missing: (packet.wire_len as usize).saturating_sub(packet.data.len()),
        };
        let transmitter = macs.map(|(from, _)| from).filter(|from| *from != [0; 6]);
        let key = Key::of_radio(transport, transmitter);
        let at = if let Some(at) = self.table.find(&key) {
            at
        } else {
            let end = Endpoint { ip: nobody, port: 0 };
            let flow = Flow {
                id: 0,
                transport,
                client: end,
                server: end,
                inside: None,
                inside_basis: InsideBasis::Radiated,
                first: packet.time,
                client_mac: transmitter,
                server_mac: None,
                app: self.app.clone(),
            };
            self.follow(key, flow)
        };
        if let Some(entry) = self.table.touch(at, packet.time, self.now) {
            add(&mut entry.packets, Side::Client.index(), 1);
        }
        self.datagram(at, Side::Client, &arrived, payload);
    }

    /// Takes a whole packet: a tunnel's is opened, any other belongs to a flow.
    fn arrived(&mut self, packet: &Packet<'_>, arrived: &Arrived<'_>, depth: u8) {
        match tunnel::inside(arrived.protocol, arrived.payload).filter(|_| depth < tunnel::DEEPEST) {
            Some((name, frame)) => {
                *self.counters.tunnelled.entry(name).or_default() += 1;
                self.frame(packet, frame, depth + 1);
            }
            None => self.transport(arrived),
        }
    }

    /// Ends all flows, in the order in which they began.
    pub fn finish(self) -> (H, Counters) {
        let Self { mut handler, table, fragments, usb, mut counters, mut buffered, .. } = self;
        for entry in table.drain() {
            end(&mut handler, &mut buffered, entry, Close::End);
        }
        if usb.finish() > 0 {
            counters.malformed.insert("USB message that is not whole", usb.finish());
        }
        counters.unfinished_fragments = fragments.unfinished();
        counters.refused_fragments = fragments.refused;
        counters.fragment_conflicts = fragments.conflicts;
        (handler, counters)
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
        let Some(datagram) = udp::parse(arrived.payload) else { return self.malformed("UDP header") };
        let ends = (datagram.source, datagram.destination);
        let (at, from) = self.entry(arrived, ends, Transport::Udp, false);
        self.datagram(at, from, arrived, datagram.payload);
    }

    fn datagram(&mut self, at: u32, from: Side, arrived: &Arrived<'_>, bytes: &[u8]) {
        let Self { table, handler, .. } = self;
        let Some(entry) = table.get(at) else { return };
        let index = from.index();
        add(&mut entry.bytes, index, bytes.len() as u64);
        add(&mut entry.lost, index, arrived.missing as u64);
        let (packet, time) = (arrived.number, arrived.time);
        if !bytes.is_empty() {
            handler.data(&entry.flow, &mut entry.state, &Chunk { from, bytes, packet, time });
        }
    }

    fn tcp(&mut self, arrived: &Arrived<'_>) {
        let Some(header) = segment::parse(arrived.payload, arrived.missing) else {
            return self.malformed("TCP header");
        };
        let ends = (header.source, header.destination);
        let begins = header.syn && !header.ack;
        if begins {
            self.replace(arrived, ends, header.sequence);
        }
        let (at, from) = self.entry(arrived, ends, Transport::Tcp, begins);
        self.segment(at, from, arrived, &header);
    }

    /// Puts a segment in its place, and marks the connection as over, or as not, if it shows so.
    fn segment(&mut self, at: u32, from: Side, arrived: &Arrived<'_>, header: &Header<'_>) {
        let Self { table, handler, options, counters, buffered, .. } = self;
        let Some(entry) = table.get(at) else { return };
        let Entry {
            flow, state, over, bytes, lost, conflicts, streams: Some(streams), syn: syn_seen, ..
        } = entry
        else {
            return;
        };
        let [client, server] = streams.as_mut();
        let (ours, theirs) = if from == Side::Client { (client, server) } else { (server, client) };
        let (packet, time) = (arrived.number, arrived.time);
        let start = header.start();
        let segment =
            Segment { sequence: start, bytes: header.payload, missing: header.missing, packet, time };
        // What a RST carries is a remark to the other host, not data.
        let carries = !header.rst && (!header.payload.is_empty() || header.missing > 0);
        if header.syn {
            *syn_seen = true;
            ours.syn(header.sequence);
            if header.ack {
                theirs.syn(header.acknowledged.wrapping_sub(1));
            }
        }
        let held = ours.buffered + theirs.buffered;
        let known = ours.known;
        ours.reads = handler.reads(state);
        let mut give = |handler: &mut H, side: Side, out: Out<'_>| {
            give(handler, flow, state, (bytes, lost), side, out);
        };
        // An empty segment just before what is next is a keep-alive, and a byte there a probe; neither is data.
        if carries {
            let limit = if *buffered > options.max_buffered { 0 } else { options.max_buffered_per_flow };
            let counted = ours.data(segment, limit, &mut |out| give(handler, from, out));
            *conflicts += counted.conflicts;
            counters.conflicts += counted.conflicts;
            counters.evicted_bytes += counted.given_up;
            counters.uncompared_bytes += counted.uncompared;
            counters.unread_bytes += counted.unread;
        }
        if header.ack && !header.rst {
            let out = &mut |out: Out<'_>| give(handler, from.other(), out);
            theirs.ack(header.acknowledged, packet, time, out);
        }
        if header.fin {
            let size = u32::try_from(header.payload.len() + header.missing).unwrap_or(u32::MAX);
            ours.fin(start.wrapping_add(size));
        }
        *buffered = (*buffered + ours.buffered + theirs.buffered).saturating_sub(held);
        let before = *over;
        let mut now = before;
        if ours.known > known {
            // More than was ever seen: it goes on.
            now = None;
        }
        if header.rst {
            counters.unread_bytes += header.payload.len() as u64;
            if ours.resets(header.sequence) {
                now = now.or(Some(Close::Rst));
            } else if before.is_none() {
                counters.inexact_resets += 1;
            }
        } else if ours.ended() && theirs.ended() {
            now = now.or(Some(Close::Fin));
        }
        if now != before {
            table.set_over(at, now);
        }
    }

    /// Ends the connection that a new SYN on the same ports shows to be over.
    fn replace(&mut self, arrived: &Arrived<'_>, (source, destination): (u16, u16), sequence: u32) {
        let a = Endpoint { ip: arrived.source, port: source };
        let b = Endpoint { ip: arrived.destination, port: destination };
        let Some(at) = self.table.find(&Key::new(a, b, arrived.protocol).0) else { return };
        let Some(entry) = self.table.get(at) else { return };
        let over = entry.over.is_some() || entry.bytes != [0; 2] || entry.lost != [0; 2];
        let from = usize::from(a != entry.flow.client);
        // Another number is another connection; where the first was not seen, it is one if there was data before.
        let new = entry
            .streams
            .as_ref()
            .and_then(|streams| streams.get(from))
            .is_some_and(|stream| stream.is_new(sequence).unwrap_or(over));
        if new && let Some(entry) = self.table.remove(at) {
            self.end(entry, Close::Replaced);
        }
    }

    /// The entry of a packet's flow, new if it is the first, and which end sent the packet.
    fn entry(
        &mut self,
        arrived: &Arrived<'_>,
        (source, destination): (u16, u16),
        transport: Transport,
        syn: bool,
    ) -> (u32, Side) {
        let a = Endpoint { ip: arrived.source, port: source };
        let b = Endpoint { ip: arrived.destination, port: destination };
        let (key, low) = Key::new(a, b, arrived.protocol);
        let at = match self.table.find(&key) {
            Some(at) => at,
            None => self.open(arrived, key, (a, b), transport, syn),
        };
        let Some(entry) = self.table.touch(at, arrived.time, self.now) else { return (at, Side::Client) };
        if entry.flow.app.is_none() && self.app.is_some() {
            entry.flow.app.clone_from(&self.app);
        }
        let from = if low == entry.client_low { Side::Client } else { Side::Server };
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
    ) -> u32 {
        let answers = !syn && inside::looks_like_an_answer(a.port, b.port, transport, arrived.payload);
        let (client, server) = if answers { (b, a) } else { (a, b) };
        let (inside, inside_basis) = inside::decide(&self.options.inside, client.ip, server.ip, syn);
        let known = |mac: [u8; 6]| Some(mac).filter(|mac| *mac != [0; 6]);
        let (mut client_mac, mut server_mac) =
            arrived.macs.map_or((None, None), |(from, to)| (known(from), known(to)));
        if answers {
            std::mem::swap(&mut client_mac, &mut server_mac);
        }
        let flow = Flow {
            id: 0,
            transport,
            client,
            server,
            inside,
            inside_basis,
            first: arrived.time,
            client_mac,
            server_mac,
            app: self.app.clone(),
        };
        self.follow(key, flow)
    }

    /// Makes room for a new flow, gives it its number, and follows it.
    fn follow(&mut self, key: Key, mut flow: Flow) -> u32 {
        while self.table.len() >= self.options.max_flows.max(1) {
            // One that is over goes first, then what was radiated, for every frame of it stands alone and a transmitter
            // may call itself anything; then the older of the two lists' oldest.
            let first = self.table.oldest(List::Over).or_else(|| self.table.oldest(List::Radio));
            let oldest = first.or_else(|| {
                let lists = [List::Tcp, List::Other].into_iter();
                lists.filter_map(|list| self.table.oldest(list)).min_by_key(|(_, last)| *last)
            });
            let Some(entry) = oldest.and_then(|(at, _)| self.table.remove(at)) else { break };
            self.counters.evicted_flows += u64::from(entry.over.is_none());
            self.end(entry, Close::Evicted);
        }
        self.flows += 1;
        flow.id = self.flows;
        let state = self.handler.open(&flow);
        self.table.insert(key, flow, state)
    }

    fn end(&mut self, entry: Entry<H::State>, why: Close) {
        end(&mut self.handler, &mut self.buffered, entry, why);
    }

    /// Ends flows that were silent for long.
    #[inline]
    fn expire(&mut self) {
        if self.now > self.next_expiry {
            self.expire_now();
        }
    }

    fn expire_now(&mut self) {
        let Options { tcp_idle, udp_idle, .. } = self.options;
        let over_idle = tcp_idle.min(OVER);
        // A flow that is seen after this cannot be due before.
        self.next_expiry = self.now.plus_nanos(tcp_idle.min(udp_idle).min(over_idle));
        for (list, idle) in
            [(List::Tcp, tcp_idle), (List::Other, udp_idle), (List::Radio, udp_idle), (List::Over, over_idle)]
        {
            while let Some((at, last)) = self.table.oldest(list)
                && self.now.since(last) > idle
            {
                let Some(entry) = self.table.remove(at) else { break };
                self.end(entry, Close::Idle);
            }
            if let Some((_, last)) = self.table.oldest(list) {
                self.next_expiry = self.next_expiry.min(last.plus_nanos(idle));
            }
        }
    }
}
