//! What one side sends in its streams: frames (RFC 9114 §7), and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use creance_cursor::Cursor;
use creance_model::Side;

use super::{
    End,
    qpack::{Decoder, Undecoded},
};
use crate::{
    At, Emit, Limits,
    held::Held,
    http::{Pending, literal::Failed},
    quic::number,
    tls::decrypted,
};

/// Longest frame other than DATA that is read: header blocks and settings are far shorter.
const MOST_FRAME: u64 = 1 << 20;

/// Bytes of one side that may wait to be whole, or for what they rely on.
const MOST_HELD: usize = 4 << 20;

/// Bytes of acknowledgements: each takes a few, and there is one for each request.
const MOST_ACKNOWLEDGED: usize = 1 << 12;

/// Longest settings.
const MOST_SETTINGS: u64 = 1 << 10;

/// Streams of one side that may wait for a table: peers agree on far fewer.
const MOST_BLOCKED: usize = 512;

pub(super) const LOST: &str = "HTTP/3 behind missing bytes";
const BROKEN: &str = "HTTP/3 that cannot be followed";
pub(super) const KIND: &str = "stream or frame of HTTP/3 not read";
const LIMIT: &str = "HTTP/3 beyond a limit";

/// What one side sends.
#[derive(Default)]
pub(super) struct Half {
    pub(super) streams: BTreeMap<u64, Stream>,
    /// Of the fields that it sends.
    pub(super) decoder: Decoder,
    /// Streams that wait for the table, each behind the number of inserts.
    pub(super) blocked: BTreeSet<(usize, u64)>,
    /// Bytes that the streams hold.
    pub(super) held: usize,
    /// Bytes by which it acknowledged what the other side's table is told.
    acknowledged: usize,
    pub(super) cause: Option<&'static str>,
    /// The table of the other side may be this large, by the settings of this one.
    pub(super) allows: Option<usize>,
}

/// A stream of one side.
#[derive(Default)]
pub(super) struct Stream {
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
    pub(super) waits: Option<usize>,
    pub(super) ended: bool,
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
pub(super) struct Turn<'a, 'b> {
    pub(super) from: Side,
    pub(super) id: u64,
    /// Whether messages of this side are taken apart.
    pub(super) keep: bool,
    pub(super) limits: &'a Limits,
    pub(super) emit: Emit<'b>,
    /// Bytes that were not read.
    pub(super) unread: u64,
}

impl Half {
    /// Takes bytes of a stream.
    pub(super) fn take(&mut self, stream: &mut Stream, bytes: &[u8], at: At, turn: &mut Turn<'_, '_>) {
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
    pub(super) fn read(&mut self, stream: &mut Stream, turn: &mut Turn<'_, '_>) {
        while !stream.held.bytes().is_empty() && stream.waits.is_none() {
            let whole = match stream.kind {
                Kind::Unread => return self.give_up(stream, KIND, turn),
                Kind::Unknown => self.kind(stream),
                Kind::Push => self.number(stream).map(|_| stream.kind = Kind::Exchange),
                // What was acknowledged says nothing of what was sent. More than that takes is something else.
                Kind::Decoder => {
                    let length = stream.held.bytes().len();
                    let room = MOST_ACKNOWLEDGED.saturating_sub(self.acknowledged);
                    self.acknowledged += length;
                    if length > room {
                        turn.unread += (length - room) as u64;
                        self.unread(KIND);
                    }
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
                if length > if kind == SETTINGS { MOST_SETTINGS } else { MOST_FRAME } {
                    self.give_up(stream, LIMIT, turn);
                    return Some(());
                }
                let payload = cursor.take("frame", usize::try_from(length).ok()?).ok()?;
                let whole = cursor.at();
                if kind == SETTINGS && self.allows.is_some() {
                    // They come once (RFC 9114 §7.2.4).
                    self.give_up(stream, BROKEN, turn);
                    return Some(());
                } else if kind == SETTINGS {
                    self.allows = self.allows.or(Some(capacity(payload)));
                } else if !self.headers(stream, kind == PUSH_PROMISE, head, whole, turn) {
                    return Some(());
                }
                self.consume(stream, whole);
            }
            _ => {
                self.consume(stream, head);
                // CANCEL_PUSH, GOAWAY, MAX_PUSH_ID say how the connection goes: with one number.
                stream.unknown = !matches!((stream.kind, kind, length), (Kind::Control, 3 | 7 | 13, ..=8));
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
            Err(Undecoded::Until(_)) if self.blocked.len() == MOST_BLOCKED => {
                self.give_up(stream, LIMIT, turn);
                false
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
    pub(super) fn end(&mut self, mut stream: Stream, how: End, turn: &mut Turn<'_, '_>) {
        if let Some(required) = stream.waits {
            if how == End::Whole {
                stream.ended = true;
                self.streams.insert(turn.id, stream);
                return;
            }
            self.blocked.remove(&(required, turn.id));
            self.cause.get_or_insert(LOST);
        }
        if stream.kind == Kind::Encoder && matches!(how, End::Missing | End::Limit | End::Many) {
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
            pending.tell("http/3", self.from, self.keep, self.limits, &mut decrypted(self.emit));
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
        turn.unread += self.pending.push(bytes, turn.keep, turn.limits) as u64;
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
