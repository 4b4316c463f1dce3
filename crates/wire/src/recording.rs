//! Recordings that hold messages, not packets: HAR and flow files of mitmproxy. Each entry becomes a conversation of its
//! own that is read as any flow is: by a [`Reader`].
//!
//! ```text
//! bytes ─ har or mitmproxy, by first bytes ─ entries ─ Conversation ─ Reader ─ messages
//! ```
//!
//! The number of a packet is that of the entry, counted from 1. Where a recording tells no address it is unspecified
//! (`0.0.0.0`). Recordings are written after the fact by a program that one trusts: sizes and times are its claims.

mod entries;
mod exchange;
mod har;
mod json;
mod mitmproxy;
mod query;
mod tnetstring;

use std::{
    io::{self, Read},
    net::{IpAddr, Ipv4Addr},
};

use creance_model::{Endpoint, Field, Flow, Message, Side, Timestamp, Transport, Value};

use crate::{At, Emit, Limits, Means, Progress, Protocol, Reader, Session, dns, tls::decrypted};

use exchange::Exchange;

/// A kind of recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// HTTP Archive 1.2: JSON.
    Har,
    /// A flow file of mitmproxy: tnetstrings.
    Mitmproxy,
}

impl Form {
    /// Bytes that are enough for [`Self::of`].
    pub const HEAD: usize = 256;

    /// What begins with these bytes, if it may be a recording.
    pub fn of(head: &[u8]) -> Option<Self> {
        let bare = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if bare.first() == Some(&b'{') {
            let holds = |key: &[u8]| memchr::memmem::find(bare, key).is_some();
            return (holds(b"\"log\"") || holds(b"\"entries\"")).then_some(Self::Har);
        }
        tnetstring::is_flow(head).then_some(Self::Mitmproxy)
    }

    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Har => "har",
            Self::Mitmproxy => "mitmproxy",
        }
    }
}

/// A place where a recording could not be followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is damaged.
    pub what: &'static str,
    /// Where, in bytes from the beginning of the (decompressed) recording.
    pub offset: u64,
    /// What was found.
    pub why: String,
}

impl Fault {
    fn reading(offset: u64, error: &io::Error) -> Self {
        Self { what: "recording cut short", offset, why: error.to_string() }
    }
}

/// What reading the next entry comes to.
#[derive(Debug)]
pub enum Next {
    /// A conversation.
    Conversation(Box<Conversation>),
    /// An entry that never was on a network: answered from a cache, or within the app.
    Unsent,
    /// A place that could not be followed; what follows may still be read.
    Fault(Fault),
}

/// A recording being read.
pub struct Recording {
    source: Source,
    number: u64,
    limits: Limits,
    /// What is told of the last entry.
    pending: Option<Fault>,
}

enum Source {
    Har(Box<entries::Entries>),
    Mitmproxy(mitmproxy::Flows),
}

impl Recording {
    /// Reads a recording from its first byte. Of an entry at most as much is held as `limits` let bodies take twice.
    pub fn new(form: Form, reader: Box<dyn Read + Send>, limits: &Limits) -> Self {
        let source = match form {
            Form::Har => Source::Har(Box::new(entries::Entries::new(reader, limits))),
            Form::Mitmproxy => Source::Mitmproxy(mitmproxy::Flows::new(reader, limits)),
        };
        Self { source, number: 0, limits: limits.clone(), pending: None }
    }

    /// The next entry; `None` at the end. Of one that the end of the recording cuts, what was there is given first.
    pub fn advance(&mut self) -> Option<Next> {
        if let Some(fault) = self.pending.take() {
            return Some(Next::Fault(fault));
        }
        let number = self.number + 1;
        let (next, cut, damage) = match &mut self.source {
            Source::Har(entries) => match entries.next()? {
                Ok(entry) => {
                    let (next, damage) = har::conversation(&entry, number, &self.limits);
                    (next, (!entry.whole).then_some(entry.offset), damage)
                }
                Err(fault) => return Some(Next::Fault(fault)),
            },
            Source::Mitmproxy(flows) => match flows.next()? {
                Ok(flow) => {
                    let next = flow.conversation(number, &self.limits);
                    (next, (!flow.whole).then_some(flow.offset), flow.damage(number))
                }
                Err(fault) => return Some(Next::Fault(fault)),
            },
        };
        self.number = number;
        let why = || format!("entry {number} is not whole");
        let cut = cut.map(|offset| Fault { what: "recording cut short", offset, why: why() });
        self.pending = cut.or(damage);
        Some(next)
    }

    /// Entries met so far.
    pub const fn entries(&self) -> u64 {
        self.number
    }

    /// Whether nothing was found that a recording of this form begins with.
    pub const fn is_none(&self) -> bool {
        match &self.source {
            Source::Har(entries) => !entries.found(),
            Source::Mitmproxy(_) => self.number == 0,
        }
    }
}

/// One entry of a recording.
#[derive(Debug)]
pub struct Conversation {
    /// The number of the entry, from 1.
    pub number: u64,
    /// The protocol above IP.
    pub transport: Transport,
    /// Who asked; unspecified where it is not told.
    pub client: Endpoint,
    /// Who was asked; unspecified where only a name is told.
    pub server: Endpoint,
    /// When it began.
    pub first: Timestamp,
    /// The last moment that is told.
    pub last: Timestamp,
    /// The app that spoke.
    pub app: Option<String>,
    /// The name that a TLS handshake asked for.
    pub sni: Option<String>,
    /// The name by which the server was asked for.
    pub host: Option<String>,
    /// Bytes of both sides on the wire, by [`Side::index`], as far as they are told.
    pub bytes: [u64; 2],
    /// Whether a request has no answer: whether it arrived is not known.
    pub unanswered: bool,
    said: Said,
}

/// An end of which nothing is known but perhaps its port.
const fn unknown(port: u16) -> Endpoint {
    Endpoint { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port }
}

#[derive(Debug)]
enum Said {
    Http(Box<Exchange>),
    /// What went over a connection or in datagrams, and what is known of it.
    Bytes(Vec<Piece>, Known),
}

/// What a recording knows of bytes.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// TLS was taken off them.
    sealed: bool,
    /// They are DNS messages.
    dns: bool,
    /// Bytes of both sides that are not kept.
    skipped: [u64; 2],
}

/// What one side said at once.
#[derive(Clone, Debug)]
struct Piece {
    from: Side,
    time: Timestamp,
    bytes: Vec<u8>,
    /// Whether it is text, in a WebSocket.
    text: bool,
    /// Whether bytes are missing at its end.
    cut: bool,
}

/// Pieces of one entry that are kept.
const MOST_PIECES: usize = 1 << 18;

/// Why something of an entry is not told.
const LONG: &str = "length of an entry of a recording";

/// The longest that anything is believed to be, in bytes: sums of such lengths stay far from overflowing.
const LONGEST: u64 = 1 << 36;

impl Conversation {
    /// What reads its messages, when [`Reader::finish`] is called.
    pub fn into_reader(self, means: &Means) -> Reader {
        let session = Recorded {
            means: means.clone(),
            number: self.number,
            said: Some(self.said),
            inner: None,
            sealed: false,
            skipped: [0; 2],
            protocol: "unknown",
            readable: [0; 2],
            opaque: [None; 2],
        };
        Reader::recorded(Box::new(session), means.clone())
    }
}

/// The session of an entry: all that was said is told at its end.
struct Recorded {
    means: Means,
    number: u64,
    said: Option<Said>,
    /// Reads what was said as bytes.
    inner: Option<Box<Reader>>,
    sealed: bool,
    /// Bytes of what was said that are not kept.
    skipped: [u64; 2],
    protocol: &'static str,
    readable: [u64; 2],
    opaque: [Option<&'static str>; 2],
}

impl Session for Recorded {
    fn feed(&mut self, _: &Flow, _: Side, _: &[u8], _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        match self.said.take() {
            Some(Said::Http(exchange)) => {
                self.protocol = exchange.protocol();
                (self.readable, self.opaque) = (exchange.readable(), exchange.opaque());
                exchange.tell(flow, self.number, &self.means, limits, emit);
            }
            Some(Said::Bytes(pieces, Known { sealed, dns, skipped })) => {
                let mut inner = Box::new(if dns {
                    Reader::reading(dns::Dns.start(&self.means), &self.means)
                } else {
                    Reader::within(&self.means)
                });
                let emit: Emit<'_> = if sealed { &mut decrypted(emit) } else { emit };
                // The first message tells that more was said than is read.
                let mut limit = (skipped != [0; 2]).then_some(LONG);
                let emit: Emit<'_> = &mut |mut message: Message| {
                    if let (Some(limit), None) = (limit.take(), message.field("limit")) {
                        message.fields.push(Field { name: "limit", value: Value::Text(limit.to_owned()) });
                    }
                    emit(message);
                };
                for Piece { from, time, bytes, cut, .. } in &pieces {
                    let at = At { packet: self.number, time: *time };
                    inner.feed(flow, *from, bytes, at, limits, emit);
                    if *cut {
                        inner.gap(flow, *from, 1, at, limits, emit);
                    }
                }
                inner.finish(flow, limits, emit);
                (self.sealed, self.skipped) = (sealed, skipped);
                self.inner = Some(inner);
            }
            None => {}
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.inner.as_ref().map_or(self.readable, |inner| inner.readable())
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        let Some(inner) = &self.inner else { return self.opaque };
        let mut opaque =
            inner.opaque().map(|why| why.or(self.sealed.then_some("decrypted, protocol not read")));
        for (why, skipped) in opaque.iter_mut().zip(self.skipped) {
            *why = why.or((skipped > 0).then_some(LONG));
        }
        opaque
    }

    fn protocol(&self) -> &'static str {
        match &self.inner {
            Some(inner) if inner.protocol() == "unknown" && self.sealed => "tls",
            Some(inner) => inner.protocol(),
            None => self.protocol,
        }
    }
}
