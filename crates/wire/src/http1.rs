//! HTTP/1.0 and 1.1 (RFC 9112): pipelining, chunks, bodies until the end, tunnels.
//!
//! A head is read line by line; a body is counted, and kept only where it leaves our side. After a gap inside a body
//! whose length is known, reading goes on behind it; after any other gap, at the next segment that begins like a
//! message. What follows CONNECT or an upgrade is read as a flow of its own.

pub(crate) mod head;

use std::collections::VecDeque;

use creance_model::{Flow, Message, Parts, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Reader, Session, http, kept::Kept, websocket,
};

use head::{Head, Line};

/// HTTP/1.
pub(crate) struct Http1;

impl Protocol for Http1 {
    fn name(&self) -> &'static str {
        "http/1"
    }

    fn probe(&self, flow: &Flow, _: Side, bytes: &[u8]) -> Probe {
        if flow.transport == Transport::Tcp { head::probe(bytes) } else { Probe::No }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Box::new(Connection { means: means.clone(), ..Connection::default() })
    }
}

#[derive(Default)]
struct Connection {
    means: Means,
    sides: [Half; 2],
    /// Methods of requests that wait for their answer.
    asked: VecDeque<Method>,
    /// What goes on inside after CONNECT or an upgrade.
    inner: Option<Box<Reader>>,
}

/// What an answer's reading depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Method {
    Head,
    Connect,
    Other,
}

/// Packets listed for one message.
const MOST_PACKETS: usize = 1 << 16;

/// Requests that may wait for an answer.
const MOST_ASKED: usize = 1024;

/// One direction.
#[derive(Default)]
struct Half {
    state: State,
    /// The head being read.
    lines: Vec<u8>,
    line_start: usize,
    head: Option<Head>,
    body: Kept,
    /// The body is longer than what is kept, or bytes of it are missing.
    cut: Option<&'static str>,
    packets: Vec<u64>,
    first: Option<At>,
    length: u64,
    /// Bytes of the body that were not kept.
    unkept: u64,
    readable: u64,
    /// The body is looked into whichever way it goes.
    wanted: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Head,
    /// So many bytes of body are left.
    Length(u64),
    /// Body to the end of the connection.
    Rest,
    /// A chunk's length is being read: its value, and whether its digits are over.
    Size(u64, bool),
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// The line end behind a chunk.
    AfterChunk,
    /// Fields behind the last chunk: bytes seen in the current line.
    Trailer(u32),
    /// After a gap: until a segment begins like a message.
    Lost,
}

/// Room for a head, that it does not grow line by line.
const USUAL_HEAD: usize = 1024;

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
        if let Some(inner) = &mut self.inner {
            inner.feed(flow, from, bytes, at, limits, emit);
            return Progress::More;
        }
        let keep = limits.keeps(flow, from);
        let mut rest = bytes;
        while !rest.is_empty() {
            let half = self.half(from);
            if half.state == State::Lost {
                if head::probe(rest) != Probe::Yes {
                    return Progress::More;
                }
                half.restart();
            }
            let before = rest.len();
            half.note(at);
            let whole = half.read(&mut rest, keep, limits);
            half.length += (before - rest.len()) as u64;
            match whole {
                Step::More => {}
                Step::Head => {
                    self.headed(from, limits);
                    if self.half(from).state == State::Length(0) {
                        self.message(from, keep, limits, emit);
                    }
                }
                Step::Whole => self.message(from, keep, limits, emit),
                Step::Broken => {
                    if self.half(from).head.is_some() {
                        self.half(from).cut = Some("broken framing");
                        self.message(from, keep, limits, emit);
                    }
                    self.half(from).lose();
                }
            }
            if let Some(inner) = &mut self.inner {
                if !rest.is_empty() {
                    inner.feed(flow, from, rest, at, limits, emit);
                }
                return Progress::More;
            }
        }
        Progress::More
    }

    fn gap(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: u64,
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if let Some(inner) = &mut self.inner {
            inner.gap(flow, from, bytes, at, limits, emit);
            return Progress::More;
        }
        let keep = limits.keeps(flow, from);
        let half = self.half(from);
        let goes_on = match half.state {
            State::Length(left) | State::Chunk(left) => left > bytes,
            State::Rest => true,
            _ => false,
        };
        half.cut = if goes_on { Some(http::MISSING) } else { half.cut.or(Some(http::ENDS_EARLY)) };
        match half.state {
            State::Length(left) if left > bytes => half.state = State::Length(left - bytes),
            State::Chunk(left) if left > bytes => half.state = State::Chunk(left - bytes),
            State::Rest | State::Lost => {}
            State::Length(left) if left == bytes => self.message(from, keep, limits, emit),
            _ => {
                half.cut_head(keep);
                if half.head.is_some() {
                    self.message(from, keep, limits, emit);
                }
                self.half(from).lose();
            }
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for from in [Side::Client, Side::Server] {
            let keep = limits.keeps(flow, from);
            let half = self.half(from);
            if half.head.is_some() {
                if half.state != State::Rest {
                    half.cut = half.cut.or(Some("the flow ended within the body"));
                }
                self.message(from, keep, limits, emit);
            }
        }
        if let Some(inner) = &mut self.inner {
            inner.finish(flow, limits, emit);
        }
    }

    fn readable(&self) -> [u64; 2] {
        let [client, server] = self.inner.as_ref().map_or([0; 2], |inner| inner.readable());
        let [a, b] = &self.sides;
        [a.readable + client, b.readable + server]
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.inner.as_ref().map_or([None; 2], |inner| inner.opaque())
    }

    fn protocol(&self) -> &'static str {
        match &self.inner {
            Some(inner) if inner.protocol() != "unknown" => inner.protocol(),
            _ => "http/1",
        }
    }
}

/// What reading came to.
enum Step {
    /// Bytes are used up.
    More,
    /// A head is whole.
    Head,
    /// A message is whole.
    Whole,
    /// This is not HTTP, or not any more.
    Broken,
}

impl Connection {
    fn half(&mut self, from: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if from == Side::Client { client } else { server }
    }

    /// A head was read: how long is its body?
    fn headed(&mut self, from: Side, limits: &Limits) {
        let half = self.half(from);
        let Some(head) = &half.head else { return };
        let framed = head.framing();
        half.wanted = http::is_always_kept(&head.shared(), limits);
        match &head.line {
            Line::Request { method, .. } => {
                let method = match method.as_str() {
                    "HEAD" => Method::Head,
                    "CONNECT" => Method::Connect,
                    _ => Method::Other,
                };
                half.state = framed.unwrap_or(State::Length(0));
                if self.asked.len() < MOST_ASKED {
                    self.asked.push_back(method);
                }
            }
            Line::Status { status } => {
                let (status, interim) = (*status, (100..200).contains(status));
                let asked = if interim && status != 101 { None } else { self.asked.pop_front() };
                let none = interim || matches!(status, 204 | 304) || asked == Some(Method::Head);
                let tunnel =
                    status == 101 || (asked == Some(Method::Connect) && (200..300).contains(&status));
                let half = self.half(from);
                half.state = match framed {
                    _ if none || tunnel => State::Length(0),
                    Some(state) => state,
                    None => State::Rest,
                };
                if tunnel {
                    let upgrade =
                        |head: &Head| head.header("upgrade").unwrap_or_default().to_ascii_lowercase();
                    let means = self.means.clone();
                    let head = self.half(from).head.as_ref();
                    let websocket = head.filter(|head| status == 101 && upgrade(head) == "websocket");
                    let session = websocket.map(|head| {
                        let text = |name| head.header(name).unwrap_or_default();
                        websocket::start(
                            &text("sec-websocket-extensions"),
                            &text("sec-websocket-protocol"),
                            &means,
                        )
                    });
                    self.inner = Some(Box::new(match session {
                        Some(session) => Reader::reading(session, &means),
                        None => Reader::within(&means),
                    }));
                }
            }
        }
    }

    /// A message is over: it is emitted, and the next one begins.
    fn message(&mut self, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let half = self.half(from);
        let Some(head) = half.head.take() else { return half.restart() };
        let mut packets = std::mem::take(&mut half.packets);
        packets.sort_unstable();
        packets.dedup();
        half.readable += half.length - half.unkept;
        let body = half.body.take();
        let message = Message {
            time: half.first.map_or_else(Default::default, |at| at.time),
            protocol: "http/1",
            kind: if matches!(head.line, Line::Request { .. }) { "request" } else { "response" },
            from,
            visibility: creance_model::Visibility::Clear,
            packets,
            bytes: half.length,
            fields: head.fields(),
            parts: Parts::default(),
        };
        let cut = half.cut.take();
        half.restart();
        let head = head.shared();
        http::tell(message, &head, http::Content::of(&head, body, cut), keep, limits, emit);
    }
}

impl Half {
    fn note(&mut self, at: At) {
        if self.packets.last() != Some(&at.packet) {
            // Of a message over very many packets, the last one stands for those that are not listed.
            if self.packets.len() == MOST_PACKETS {
                self.packets.pop();
            }
            self.packets.push(at.packet);
        }
        self.first.get_or_insert(at);
    }

    fn restart(&mut self) {
        *self = Self { readable: self.readable, ..Self::default() };
    }

    /// A head that the capture cut counts as far as its lines are whole.
    fn cut_head(&mut self, keep: bool) {
        if self.head.is_none()
            && let Some(end) = self.lines.iter().rposition(|byte| *byte == b'\n')
        {
            self.head = self.lines.get(..=end).and_then(|lines| Head::parse(lines, keep));
        }
    }

    fn lose(&mut self) {
        self.restart();
        self.state = State::Lost;
    }

    /// Reads from `rest` until something is whole.
    fn read(&mut self, rest: &mut &[u8], keep: bool, limits: &Limits) -> Step {
        match self.state {
            State::Head => self.read_head(rest, keep, limits),
            State::Length(0) => Step::Whole,
            State::Length(left) => {
                let taken = self.take(rest, left, keep, limits);
                self.state = State::Length(left - taken);
                if left == taken { Step::Whole } else { Step::More }
            }
            State::Rest => {
                self.take(rest, u64::MAX, keep, limits);
                Step::More
            }
            State::Size(size, over) => self.read_size(size, over, rest),
            State::Chunk(left) => {
                let taken = self.take(rest, left, keep, limits);
                self.state = if left == taken { State::AfterChunk } else { State::Chunk(left - taken) };
                Step::More
            }
            State::AfterChunk => match next(rest) {
                Some(b'\r') => Step::More,
                Some(b'\n') => {
                    self.state = State::Size(0, false);
                    Step::More
                }
                _ => Step::Broken,
            },
            State::Trailer(seen) => match next(rest) {
                Some(b'\n') if seen == 0 => Step::Whole,
                Some(b'\n') => {
                    self.state = State::Trailer(0);
                    Step::More
                }
                Some(b'\r') => Step::More,
                _ if seen > MOST_TRAILER => Step::Broken,
                _ => {
                    self.state = State::Trailer(seen + 1);
                    Step::More
                }
            },
            State::Lost => Step::Broken,
        }
    }

    fn read_head(&mut self, rest: &mut &[u8], keep: bool, limits: &Limits) -> Step {
        if self.lines.capacity() == 0 {
            self.lines.reserve(USUAL_HEAD.min(rest.len()));
        }
        loop {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, behind) = rest.split_at(end);
            self.lines.extend_from_slice(line);
            *rest = behind;
            let whole = line.ends_with(b"\n");
            let last = whole && matches!(self.lines.get(self.line_start..), Some(b"\r\n" | b"\n"));
            if whole {
                self.line_start = self.lines.len();
            }
            if last {
                break;
            }
            if self.lines.len() > limits.head {
                return Step::Broken;
            }
            if rest.is_empty() {
                return Step::More;
            }
        }
        let lines = std::mem::take(&mut self.lines);
        self.line_start = 0;
        if lines.len() <= 2 {
            // Empty lines before a message are passed over (RFC 9112 §2.2), and so are the packets that brought them.
            self.restart();
            return Step::More;
        }
        match Head::parse(&lines, keep) {
            Some(head) => {
                self.head = Some(head);
                // A message without body is whole at once.
                Step::Head
            }
            None => Step::Broken,
        }
    }

    /// `1a2b;extension` and a line end.
    fn read_size(&mut self, size: u64, over: bool, rest: &mut &[u8]) -> Step {
        match next(rest) {
            Some(b'\n') => {
                self.state = if size == 0 { State::Trailer(0) } else { State::Chunk(size) };
                Step::More
            }
            Some(b'\r' | b' ' | b'\t' | b';') => {
                self.state = State::Size(size, true);
                Step::More
            }
            Some(_) if over => Step::More,
            Some(byte) => match char::from(byte).to_digit(16) {
                Some(digit) if size < 1 << 56 => {
                    self.state = State::Size(size << 4 | u64::from(digit), false);
                    Step::More
                }
                _ => Step::Broken,
            },
            None => Step::More,
        }
    }

    /// Takes up to `left` bytes of body, and keeps them if they matter and fit.
    fn take(&mut self, rest: &mut &[u8], left: u64, keep: bool, limits: &Limits) -> u64 {
        let length = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (bytes, behind) = rest.split_at(length);
        *rest = behind;
        if keep {
            let kept = self.body.push(bytes, limits);
            if length > kept {
                self.cut = self.cut.or(Some(http::TOO_LONG));
                self.unkept += (length - kept) as u64;
            }
        } else if self.wanted {
            self.body.push_short(bytes, http::LONGEST_ANSWER, limits);
        }
        length as u64
    }
}

/// Bytes of one trailer field.
const MOST_TRAILER: u32 = 8192;

fn next(rest: &mut &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    Some(*first)
}
