//! HTTP/3 (RFC 9114): each request and its answer in a stream of QUIC, header compression in streams beside them.
//!
//! ```text
//! request, push  ┌──────┬────────┬─────────
//!                │ type │ length │ payload      HEADERS DATA* [HEADERS: trailers]
//!                └──────┴────────┴─────────
//! one direction  ┌──────┬───────
//!                │ type │ control: frames; push: its id, frames; encoder; decoder
//!                └──────┴───────
//! ```
//!
//! A message is told when its stream ends, is reset, or the connection is over. A header block that relies on what has
//! not come waits for it, and its stream with it. Left out, and counted as opaque: streams and frames of other kinds,
//! among them those of WebTransport.

mod qpack;

use std::collections::{BTreeMap, BTreeSet};

use creance_cursor::Cursor;
use creance_model::{Direction, Flow, Side};

use crate::{
    At, Emit, Limits,
    held::Held,
    http::{self, Pending, literal::Failed},
    quic::number,
    tls::decrypted,
};

use qpack::{Decoder, Undecoded};

/// Longest frame other than DATA that is read: header blocks and settings are far shorter.
const MOST_FRAME: u64 = 1 << 20;

/// Bytes of one side that may wait to be whole, or for what they rely on.
const MOST_HELD: usize = 4 << 20;

const LOST: &str = "HTTP/3 behind missing bytes";
const BROKEN: &str = "HTTP/3 that cannot be followed";
const KIND: &str = "stream or frame of HTTP/3 not read";
const LIMIT: &str = "HTTP/3 beyond a limit";

/// How a stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// All of it came.
    Whole,
    /// Its sender gave it up.
    Reset,
    /// Bytes of it are missing in the capture.
    Missing,
    /// There are too many.
    Many,
    /// The flow is over.
    Flow,
}

impl End {
    /// Why a message that was on its way is not whole.
    const fn why(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Reset => Some("the stream was reset"),
            Self::Missing => Some(http::MISSING),
            Self::Many => Some("too many streams at once"),
            Self::Flow => Some("the flow ended within the message"),
        }
    }
}

/// What is spoken in the streams of one connection.
#[derive(Default)]
pub(crate) struct Http3 {
    sides: [Half; 2],
}

/// What one side sends.
#[derive(Default)]
struct Half {
    streams: BTreeMap<u64, Stream>,
    /// Of the fields that it sends.
    decoder: Decoder,
    /// Streams that wait for the table, each behind the number of inserts.
    blocked: BTreeSet<(usize, u64)>,
    /// Bytes that the streams hold.
    held: usize,
    cause: Option<&'static str>,
    /// The table of the other side may be this large, by the settings of this one.
    allows: Option<usize>,
}

/// A stream of one side.
#[derive(Default)]
struct Stream {
    kind: Kind,
    /// What was not read yet.
    held: Held,
    /// Bytes of a DATA frame that are still to come.
    data: u64,
    /// Bytes of another frame that are still to come, and whether they are of a kind that is not known.
    skip: u64,
    unknown: bool,
    pending: Pending,
    /// It waits for so many inserts into the table, and ended meanwhile.
    waits: Option<usize>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Kind {
    /// Its first bytes will tell.
    #[default]
    Unknown,
    /// A request, or an answer.
    Exchange,
    /// The id of what is pushed comes next.
    Push,
    Control,
    Encoder,
    Decoder,
    /// It is not read any more.
    Unread,
}

/// What reading a stream needs.
struct Turn<'a, 'b> {
    from: Side,
    id: u64,
    /// Whether messages of this side are taken apart.
    keep: bool,
    limits: &'a Limits,
    emit: Emit<'b>,
    /// Bytes that were not read.
    unread: u64,
}

impl Http3 {
    /// Takes the next bytes of a stream; says how many bytes were not read.
    #[expect(clippy::too_many_arguments, reason = "a stream, and what a session is given")]
    pub(crate) fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        id: u64,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> u64 {
        let mut turn = Turn { from, id, keep: keeps(flow, from, limits), limits, emit, unread: 0 };
        let (half, _) = self.halves(from);
        let mut stream = half.streams.remove(&id).unwrap_or_default();
        half.take(&mut stream, bytes, at, &mut turn);
        half.streams.insert(id, stream);
        let mut unread = turn.unread;
        self.settle(flow, limits, turn.emit, &mut unread);
        unread
    }

    /// A stream is over; says how many bytes of it that counted as read are not.
    pub(crate) fn end(
        &mut self,
        flow: &Flow,
        from: Side,
        id: u64,
        how: End,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> u64 {
        let mut turn = Turn { from, id, keep: keeps(flow, from, limits), limits, emit, unread: 0 };
        let (half, _) = self.halves(from);
        if let Some(stream) = half.streams.remove(&id) {
            half.end(stream, how, &mut turn);
        }
        turn.unread
    }

    /// Why bytes were not read, by [`Side::index`].
    pub(crate) fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| half.cause)
    }

    fn halves(&mut self, from: Side) -> (&mut Half, &mut Half) {
        let [client, server] = &mut self.sides;
        if from == Side::Client { (client, server) } else { (server, client) }
    }

    /// Settings of one side are for the other's table; streams that waited for a table go on.
    fn settle(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>, unread: &mut u64) {
        for from in [Side::Client, Side::Server] {
            let (half, other) = self.halves(from);
            if let Some(capacity) = other.allows {
                half.decoder.allow(capacity);
            }
            while let Some((required, id)) = half.blocked.first().copied()
                && half.decoder.has(required)
            {
                half.blocked.pop_first();
                let keep = keeps(flow, from, limits);
                let mut turn = Turn { from, id, keep, limits, emit: &mut *emit, unread: 0 };
                let Some(mut stream) = half.streams.remove(&id) else { continue };
                stream.waits = None;
                half.read(&mut stream, &mut turn);
                if stream.ended && stream.waits.is_none() {
                    half.end(stream, End::Whole, &mut turn);
                } else {
                    half.streams.insert(id, stream);
                }
                *unread += turn.unread;
            }
        }
    }
}

/// Whether messages of a side are taken apart.
fn keeps(flow: &Flow, from: Side, limits: &Limits) -> bool {
    limits.both_ways || flow.direction(from) == Direction::Outbound
}

impl Half {
    /// Takes bytes of a stream.
    fn take(&mut self, stream: &mut Stream, bytes: &[u8], at: At, turn: &mut Turn<'_, '_>) {
        if stream.kind == Kind::Unknown && turn.id & 2 == 0 {
            // Servers open streams of both directions in extensions alone.
            stream.kind = if turn.id & 1 == 0 { Kind::Exchange } else { self.unread(KIND) };
        }
        let mut rest = bytes;
        if stream.held.bytes().is_empty() && stream.waits.is_none() {
            let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX);
            if stream.kind == Kind::Unread {
                turn.unread += bytes.len() as u64;
                return;
            }
            // Most bytes are content and need not be held.
            let (content, behind) = rest.split_at(most(stream.data).min(rest.len()));
            stream.content(content, at, turn);
            let (skipped, behind) = behind.split_at(most(stream.skip).min(behind.len()));
            stream.skipped(skipped.len(), turn);
            rest = behind;
        }
        if rest.is_empty() {
            return;
        }
        if self.held + rest.len() > MOST_HELD {
            turn.unread += rest.len() as u64;
            return self.give_up(stream, LIMIT, turn);
        }
        stream.held.push(rest, at);
        self.held += rest.len();
        if stream.waits.is_none() {
            self.read(stream, turn);
        }
    }

    /// Notes why a stream is not read.
    fn unread(&mut self, why: &'static str) -> Kind {
        self.cause.get_or_insert(why);
        Kind::Unread
    }

    /// Nothing more of a stream is read.
    fn give_up(&mut self, stream: &mut Stream, why: &'static str, turn: &mut Turn<'_, '_>) {
        let held = stream.held.bytes().len();
        self.consume(stream, held);
        turn.unread += held as u64;
        stream.kind = self.unread(why);
        stream.waits = None;
        stream.pending.cut = stream.pending.cut.or(Some(why));
    }

    fn consume(&mut self, stream: &mut Stream, length: usize) {
        let before = stream.held.bytes().len();
        stream.held.consume(length);
        self.held -= before - stream.held.bytes().len();
    }

    /// Reads what a stream holds, as far as it is whole.
    fn read(&mut self, stream: &mut Stream, turn: &mut Turn<'_, '_>) {
        while !stream.held.bytes().is_empty() && stream.waits.is_none() {
            let whole = match stream.kind {
                Kind::Unread => return self.give_up(stream, KIND, turn),
                Kind::Unknown => self.kind(stream),
                Kind::Push => self.number(stream).map(|_| stream.kind = Kind::Exchange),
                // What was acknowledged says nothing of what was sent.
                Kind::Decoder => {
                    let length = stream.held.bytes().len();
                    self.consume(stream, length);
                    Some(())
                }
                Kind::Encoder => match self.decoder.instruction(stream.held.bytes()) {
                    Ok(length) => {
                        self.consume(stream, length);
                        Some(())
                    }
                    Err(Failed::Short) => None,
                    Err(Failed::Broken) => return self.give_up(stream, BROKEN, turn),
                },
                Kind::Exchange | Kind::Control => self.frame(stream, turn),
            };
            if whole.is_none() {
                return;
            }
        }
    }

    /// A number at the front of what a stream holds.
    fn number(&mut self, stream: &mut Stream) -> Option<u64> {
        let mut cursor = Cursor::new(stream.held.bytes());
        let number = number(&mut cursor).ok()?;
        let length = cursor.at();
        self.consume(stream, length);
        Some(number)
    }

    /// What a stream of one direction is (RFC 9114 §6.2, RFC 9204 §4.2).
    fn kind(&mut self, stream: &mut Stream) -> Option<()> {
        stream.kind = match self.number(stream)? {
            0 => Kind::Control,
            1 => Kind::Push,
            2 => Kind::Encoder,
            3 => Kind::Decoder,
            _ => self.unread(KIND),
        };
        Some(())
    }

    /// Reads a frame, or content of one. `None`: more bytes are needed.
    fn frame(&mut self, stream: &mut Stream, turn: &mut Turn<'_, '_>) -> Option<()> {
        let have = stream.held.bytes().len();
        let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(have);
        if stream.data > 0 {
            let (held, length) = (std::mem::take(&mut stream.held), most(stream.data));
            for (piece, at) in held.pieces(0, length) {
                stream.content(piece, at, turn);
            }
            stream.held = held;
            self.consume(stream, length);
            return Some(());
        }
        if stream.skip > 0 {
            let length = most(stream.skip);
            stream.skipped(length, turn);
            self.consume(stream, length);
            return Some(());
        }
        let mut cursor = Cursor::new(stream.held.bytes());
        let kind = number(&mut cursor).ok()?;
        if kind == WEBTRANSPORT && stream.kind == Kind::Exchange && !stream.pending.has_begun() {
            self.give_up(stream, KIND, turn);
            return Some(());
        }
        let length = number(&mut cursor).ok()?;
        let head = cursor.at();
        match (stream.kind, kind) {
            (Kind::Exchange, DATA) => {
                stream.cite(head);
                self.consume(stream, head);
                stream.data = length;
            }
            (Kind::Exchange, HEADERS | PUSH_PROMISE) | (Kind::Control, SETTINGS) => {
                if length > MOST_FRAME {
                    self.give_up(stream, LIMIT, turn);
                    return Some(());
                }
                let payload = cursor.take("frame", usize::try_from(length).ok()?).ok()?;
                let whole = cursor.at();
                if kind == SETTINGS {
                    self.allows = self.allows.or(Some(capacity(payload)));
                } else if !self.headers(stream, kind == PUSH_PROMISE, head, whole, turn) {
                    return Some(());
                }
                self.consume(stream, whole);
            }
            _ => {
                self.consume(stream, head);
                // CANCEL_PUSH, GOAWAY, MAX_PUSH_ID say how the connection goes.
                stream.unknown = !matches!((stream.kind, kind), (Kind::Control, 3 | 7 | 13));
                if stream.unknown && length > 0 {
                    self.unread(KIND);
                }
                stream.skip = length;
            }
        }
        Some(())
    }

    /// Reads the header block of the frame at the front. False: it is not consumed.
    fn headers(
        &mut self,
        stream: &mut Stream,
        pushed: bool,
        head: usize,
        whole: usize,
        turn: &mut Turn<'_, '_>,
    ) -> bool {
        let mut block = Cursor::new(stream.held.bytes().get(head..whole).unwrap_or_default());
        if pushed && number(&mut block).is_err() {
            self.give_up(stream, BROKEN, turn);
            return false;
        }
        let room = if pushed { turn.limits.head } else { stream.pending.room(turn.limits) };
        match self.decoder.decode(block.rest(), room) {
            Ok(block) if pushed => {
                let mut promise = Stream { held: std::mem::take(&mut stream.held), ..Stream::default() };
                promise.pending.pushed = true;
                promise.cite(whole);
                promise.pending.add(block);
                stream.held = std::mem::take(&mut promise.held);
                turn.tell(promise.pending);
                true
            }
            Ok(block) => {
                stream.cite(whole);
                stream.pending.add(block);
                true
            }
            Err(Undecoded::Until(required)) => {
                stream.waits = Some(required);
                self.blocked.insert((required, turn.id));
                false
            }
            Err(Undecoded::Broken) => {
                self.give_up(stream, BROKEN, turn);
                false
            }
        }
    }

    /// A stream is over.
    fn end(&mut self, mut stream: Stream, how: End, turn: &mut Turn<'_, '_>) {
        if let Some(required) = stream.waits {
            if how == End::Whole {
                stream.ended = true;
                self.streams.insert(turn.id, stream);
                return;
            }
            self.blocked.remove(&(required, turn.id));
            self.cause.get_or_insert(LOST);
        }
        if stream.kind == Kind::Encoder && matches!(how, End::Missing | End::Many) {
            self.cause.get_or_insert(LOST);
        }
        let held = stream.held.bytes().len();
        let within = (stream.data > 0 || held > 0).then_some("the stream ended within a frame");
        self.consume(&mut stream, held);
        turn.unread += held as u64;
        if held > 0 {
            self.cause.get_or_insert(LOST);
        }
        stream.pending.cut = stream.pending.cut.or(how.why()).or(within);
        turn.tell(stream.pending);
    }
}

impl Turn<'_, '_> {
    fn tell(&mut self, pending: Pending) {
        if pending.has_begun() {
            let message = pending.message("http/3", self.from, self.keep, self.limits);
            decrypted(self.emit)(message);
        }
    }
}

impl Stream {
    /// Takes content of a DATA frame.
    fn content(&mut self, bytes: &[u8], at: At, turn: &mut Turn<'_, '_>) {
        if bytes.is_empty() {
            return;
        }
        self.data -= bytes.len() as u64;
        if !self.pending.has_begun() {
            turn.unread += bytes.len() as u64;
            return;
        }
        self.pending.note(at);
        self.pending.length += bytes.len() as u64;
        if self.pending.keeps(turn.keep) {
            turn.unread += self.pending.push(bytes, turn.limits) as u64;
        }
    }

    /// Passes over bytes of a frame that is not read.
    fn skipped(&mut self, length: usize, turn: &mut Turn<'_, '_>) {
        self.skip -= length as u64;
        if self.unknown {
            turn.unread += length as u64;
        }
    }

    /// Notes the packets of the first bytes that it holds.
    fn cite(&mut self, length: usize) {
        for (_, at) in self.held.pieces(0, length) {
            self.pending.note(at);
        }
        self.pending.length += length as u64;
    }
}

/// The capacity of a table that settings allow (RFC 9204 §5).
fn capacity(settings: &[u8]) -> usize {
    let mut cursor = Cursor::new(settings);
    while let (Ok(name), Ok(value)) = (number(&mut cursor), number(&mut cursor)) {
        if name == 1 {
            return usize::try_from(value).unwrap_or(usize::MAX);
        }
    }
    0
}

const DATA: u64 = 0;
const HEADERS: u64 = 1;
const SETTINGS: u64 = 4;
const PUSH_PROMISE: u64 = 5;

/// What begins a stream of WebTransport over HTTP/3 (draft-ietf-webtrans-http3).
const WEBTRANSPORT: u64 = 0x41;
