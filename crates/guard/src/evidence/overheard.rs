//! What links other than MAVLink over UDP say of flight: frames in, words out. Followed by `creance_flow`, read by `creance_wire`.
//!
//! ```text
//! a monitor's frames ─▶ Remote ID, DroneID, the French identification
//! frames of clients  ─▶ datagrams: DUML, Tello, ARSDK
//!                    ╰▶ streams: MQTT (DJI's Cloud API), DUML; MAVLink, whose frames go on as if they had come in datagrams
//! ```
//!
//! Each datagram is read by whoever says that it is his, so that no forged one keeps the next from being read. Memory is
//! bounded, whoever sends what: [`FLOWS`] flows, of each [`WAITS`] bytes that nothing could be made of. What is encrypted says nothing
//! here. Left out: what strangers say of standing, for it counts for nothing.

use std::{
    cell::Cell,
    net::IpAddr,
    rc::Rc,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use creance_detect::mask;
use creance_flow::{Assembler, Chunk, Gap, Handler, Options, Totals};
use creance_model::{DataClass, Flow, LinkType, Message, Packet, Side, Timestamp, Transport, Value};
use creance_wire::{
    ALL, At, Budget, Keep, Limits, Means, Probe, Protocol, Reader, Session, mavlink::parse_frame,
};

use super::Source;
use crate::{Datagram, state::Facts};

/// Flows that are followed at one time.
const FLOWS: usize = 256;
/// Bytes of one side that may wait to become a message.
const WAITS: usize = 128 << 10;
/// Bytes behind a hole that are waited for.
const BEHIND: usize = 4 << 10;
/// Silence after which a flow is over, in nanoseconds. A connection may last through a link that is lost for long, and one of
/// which the beginning was not heard is not read: of too many, those that were silent longest go.
const IDLE: i64 = 120 * 1_000_000_000;
const IDLE_CONNECTION: i64 = 24 * 3600 * 1_000_000_000;
/// What datagrams and broadcasts are read as.
const DATAGRAMS: [&str; 4] = ["802.11", "arsdk", "tello", "duml"];
/// What streams are read as.
const STREAMS: [&str; 3] = ["mqtt", "mavlink", "duml"];
/// Bytes of the longest frame of MAVLink.
const FRAME: usize = 280;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// A frame of MAVLink of a stream.
    Telemetry(Datagram),
    /// Somebody said something of flight.
    Word { source: Source, says: String, facts: Facts, seen: Duration },
}

/// Follows what comes in.
pub(crate) struct Overheard {
    flows: Assembler<Listener>,
    found: Receiver<Found>,
    frames: u64,
    /// When it began: flows age by a clock that nobody sets.
    began: Instant,
    /// When the frame that is read was seen, since 1970.
    seen: Rc<Cell<Duration>>,
}

impl Overheard {
    /// With the identifiers whose broadcasts count; without any, all do.
    pub(crate) fn new(only: Vec<String>) -> Self {
        let options = Options {
            max_flows: FLOWS,
            max_buffered_per_flow: BEHIND,
            max_buffered: FLOWS * BEHIND,
            tcp_idle: IDLE_CONNECTION,
            udp_idle: IDLE,
            ..Options::default()
        };
        let limits = Limits {
            head: 16 << 10,
            body: WAITS,
            bodies: Budget::new(4 << 20),
            decoded: 4 * WAITS,
            parts: 4000,
            depth: 8,
            keep: Keep::Nothing,
            lengths: false,
        };
        let (out, found) = channel();
        let seen = Rc::new(Cell::new(Duration::ZERO));
        let listener = Listener { only, limits, datagrams: ours(), out, seen: Rc::clone(&seen) };
        Self { flows: Assembler::new(listener, options), found, frames: 0, began: Instant::now(), seen }
    }

    /// What a frame says, with what it makes whole.
    pub(crate) fn take(&mut self, link: LinkType, frame: &[u8], seen: Duration) -> Vec<Found> {
        self.frames += 1;
        self.seen.set(seen);
        let time = Timestamp::from_nanos(i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX));
        let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let number = self.frames;
        self.flows.packet(&Packet { number, time, link, interface: 0, wire_len, data: frame, app: None });
        self.found.try_iter().collect()
    }
}

fn ours() -> Vec<&'static dyn Protocol> {
    ALL.iter().copied().filter(|protocol| DATAGRAMS.contains(&protocol.name())).collect()
}

struct Listener {
    only: Vec<String>,
    limits: Limits,
    datagrams: Vec<&'static dyn Protocol>,
    out: Sender<Found>,
    seen: Rc<Cell<Duration>>,
}

/// What is kept of a flow.
enum Followed {
    /// A session for each protocol that a datagram was of.
    Datagrams(Vec<Option<Box<dyn Session>>>),
    Stream(Box<Stream>),
    /// Nothing of it is of use.
    Over,
}

struct Stream {
    reader: Reader,
    /// Bytes of each side since its last message.
    waits: [usize; 2],
    /// The last bytes of each side, in which a frame of MAVLink may have begun.
    tails: [Vec<u8>; 2],
}

impl Handler for Listener {
    type State = Followed;

    fn open(&mut self, flow: &Flow) -> Followed {
        match flow.transport {
            Transport::Tcp => {
                let reader = Reader::new(&Means::default());
                Followed::Stream(Box::new(Stream { reader, waits: [0; 2], tails: Default::default() }))
            }
            Transport::Udp | Transport::Wifi => {
                Followed::Datagrams(self.datagrams.iter().map(|_| None).collect())
            }
            _ => Followed::Over,
        }
    }

    fn data(&mut self, flow: &Flow, followed: &mut Followed, chunk: &Chunk<'_>) {
        let Self { only, limits, datagrams, out, seen } = self;
        let seen = seen.get();
        let at = At { packet: chunk.packet, time: chunk.time };
        let mut words = 0;
        let mut emit = |message: Message| {
            words += 1;
            if let Some(found) = word(flow, &message, only, seen) {
                // Whoever asked for it takes it at once.
                let _ = out.send(found);
            }
        };
        match followed {
            Followed::Datagrams(sessions) => {
                for (protocol, session) in datagrams.iter().zip(sessions) {
                    if protocol.probe(flow, chunk.from, chunk.bytes) == Probe::Yes {
                        let session = session.get_or_insert_with(|| protocol.start(&Means::default()));
                        session.feed(flow, chunk.from, chunk.bytes, at, limits, &mut emit);
                    }
                }
            }
            Followed::Stream(stream) => {
                stream.reader.feed(flow, chunk.from, chunk.bytes, at, limits, &mut emit);
                if !stream.goes_on(chunk, words > 0, &mut |frame| {
                    let payload = frame.to_vec();
                    let _ =
                        out.send(Found::Telemetry(Datagram { from: flow.end(chunk.from).ip, payload, seen }));
                }) {
                    *followed = Followed::Over;
                }
            }
            Followed::Over => {}
        }
    }

    fn gap(&mut self, flow: &Flow, followed: &mut Followed, gap: &Gap) {
        if let Followed::Stream(stream) = followed {
            let at = At { packet: gap.packet, time: gap.time };
            stream.reader.gap(flow, gap.from, gap.bytes, at, &self.limits, &mut |_| {});
            let [client, server] = &mut stream.tails;
            (if gap.from == Side::Client { client } else { server }).clear();
        }
    }

    fn reads(&self, followed: &Followed) -> bool {
        !matches!(followed, Followed::Over)
    }

    fn close(&mut self, _: &Flow, _: Followed, _: &Totals) {}
}

impl Stream {
    /// Takes frames of MAVLink out of what came. `false`: nothing of this stream will be of use.
    fn goes_on(&mut self, chunk: &Chunk<'_>, told: bool, frame: &mut dyn FnMut(&[u8])) -> bool {
        let ([client, server], [up, down]) = (&mut self.tails, &mut self.waits);
        let (tail, waits) = if chunk.from == Side::Client { (client, up) } else { (server, down) };
        *waits = if told { 0 } else { waits.saturating_add(chunk.bytes.len()) };
        let protocol = self.reader.protocol();
        let known = ALL.iter().any(|one| one.name() == protocol);
        if !self.reader.reads() || *waits > WAITS || known && !STREAMS.contains(&protocol) {
            return false;
        }
        if protocol == "mavlink" || !known {
            tail.extend_from_slice(chunk.bytes);
            let gone =
                if protocol == "mavlink" { frames(tail, frame) } else { tail.len().saturating_sub(4096) };
            tail.drain(..gone);
        }
        true
    }
}

/// Hands over each whole frame, wherever it begins; how many bytes can be let go, for no frame that is not whole begins in them.
fn frames(bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> usize {
    let mut done = 0;
    let next = |done: usize| {
        (done..bytes.len()).find_map(|from| {
            let (_, length) = parse_frame(bytes.get(from..)?)?;
            Some((from, from + length))
        })
    };
    while let Some((from, to)) = next(done) {
        out(bytes.get(from..to).unwrap_or_default());
        done = to;
    }
    done.max(bytes.len().saturating_sub(FRAME))
}

/// What a message says of flight, if it says something, and is not of a broadcast by another than those that count.
fn word(flow: &Flow, message: &Message, only: &[String], seen: Duration) -> Option<Found> {
    let broadcast = flow.transport == Transport::Wifi;
    let ids: Vec<&str> = message
        .fields
        .iter()
        .filter(|field| {
            matches!(field.name, "serial" | "serial_cta" | "registration_id" | "utm_id" | "session_id")
        })
        .filter_map(|field| if let Value::Text(text) = &field.value { Some(text.as_str()) } else { None })
        .collect();
    // Who does not say who he is may be one of ours.
    if broadcast
        && !(only.is_empty() || ids.is_empty() || ids.iter().any(|id| only.iter().any(|own| own == id)))
    {
        return None;
    }
    let (says, facts) = facts(message)?;
    let masked = |id: &str| mask(DataClass::DeviceId, id);
    let name = match (broadcast, ids.first().copied().or_else(|| message.text("device_sn"))) {
        (true, Some(id)) => masked(id),
        (true, None) => "a transmitter without a name".to_owned(),
        (false, Some(id)) => format!("{} at {}", masked(id), sender(flow, message)),
        (false, None) => sender(flow, message).to_string(),
    };
    let kind = if message.protocol == "mqtt" { "cloud API, mqtt" } else { message.protocol };
    Some(Found::Word { source: Source { name, kind }, says, facts, seen })
}

fn sender(flow: &Flow, message: &Message) -> IpAddr {
    flow.end(message.from).ip
}

/// In words, and for the machine of states.
fn facts(message: &Message) -> Option<(String, Facts)> {
    // Frames of MAVLink are read where their signatures are.
    if message.protocol == "mavlink" {
        return None;
    }
    let number = |name: &str| match message.field(name) {
        Some(Value::Float(number)) => Some(*number),
        _ => None,
    };
    let flying = match message.field("flying") {
        Some(Value::Flag(flying)) => Some(*flying),
        _ => None,
    };
    let whole = |name: &str| match message.field(name) {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    };
    let told = [
        // Open Drone ID: an emergency, and a failure of the system itself, may be in the air.
        message
            .text("status")
            .map(|status| (format!("status {status}"), matches!(status, "emergency" | "system failure"))),
        // ARSDK: 0 has landed; of the others some are no flight yet, but about to be.
        whole("flying_state").map(|state| (format!("flying state {state}"), state > 0)),
        // Cloud API: getting ready to take off, and being so.
        whole("mode_code").map(|mode| (format!("mode {mode}"), matches!(mode, 1 | 2))),
        // Tello: what it is asked for.
        message
            .text("command")
            .map(|word| (format!("command {word}"), matches!(word, "takeoff" | "throwfly" | "motoron"))),
    ];
    let told = told.into_iter().flatten().next();
    let sign = flying == Some(true) || told.as_ref().is_some_and(|(_, sign)| *sign);
    let facts = Facts {
        armed: if sign { Some(true) } else { flying },
        landed: None,
        speed: number("speed_m_s"),
        climb: number("vertical_speed_m_s"),
        height: number("height_m"),
    };
    let says = match (flying, sign) {
        (_, true) => Some("flies, or is about to".to_owned()),
        (Some(false), false) => Some("does not fly".to_owned()),
        _ => facts.in_words(),
    };
    let says = match (says, told) {
        (Some(says), Some((told, _))) => format!("{says} ({told})"),
        (Some(says), None) => says,
        // Commands are no word of flight unless they are.
        (None, Some((told, _))) if message.text("command").is_none() => told,
        _ => return None,
    };
    Some((says, facts))
}

#[cfg(test)]
mod tests;
