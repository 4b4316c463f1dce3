//! HTTP/2 (RFC 9113): streams interleaved over one connection, each a request and its answer.
//!
//! ```text
//! frame  ┌──────────┬──────┬───────┬──────────┬────────
//!        │ length24 │ type │ flags │ stream31 │ payload     HEADERS CONTINUATION* DATA* [HEADERS: trailers]
//!        └──────────┴──────┴───────┴──────────┴────────
//! ```
//!
//! A message is told when its stream's side ends, is reset, or the connection is over. Missing bytes end the reading of
//! a side: the state of header compression is lost with them.

mod hpack;

use std::collections::BTreeMap;

use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    held::Held,
    http::{self, Pending},
};

use hpack::Decoder;

/// HTTP/2.
pub(crate) struct Http2;

/// What a client says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest frame other than DATA that is read: header blocks and settings are far shorter.
const MOST_FRAME: usize = 1 << 20;

/// Streams that may be open at one time.
const MOST_STREAMS: usize = 512;

const LOST: &str = "HTTP/2 behind missing bytes";
const BROKEN: &str = "HTTP/2 that cannot be followed";

impl Protocol for Http2 {
    fn name(&self) -> &'static str {
        "http/2"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        if from == Side::Server {
            // A server begins with its settings, which are six bytes each.
            return match head {
                [0, 0, length, 4, 0, 0, 0, 0, 0, ..] if length % 6 == 0 => Probe::Yes,
                [] | [0] | [0, 0] => Probe::Perhaps,
                [0, 0, length, rest @ ..] if length % 6 == 0 && [4, 0, 0, 0, 0, 0].starts_with(rest) => {
                    Probe::Perhaps
                }
                _ => Probe::No,
            };
        }
        if head.starts_with(PREFACE) {
            Probe::Yes
        } else if PREFACE.starts_with(head) {
            Probe::Perhaps
        } else {
            Probe::No
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Connection::default())
    }
}

#[derive(Default)]
struct Connection {
    sides: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    held: Held,
    decoder: Decoder,
    streams: BTreeMap<u32, Pending>,
    /// A header block that is not whole.
    block: Option<Block>,
    /// A DATA frame whose payload is arriving.
    data: Option<Data>,
    begun: bool,
    /// Streams that this side gave up: the other side's half of them is over too.
    reset: Vec<u32>,
    over: Option<&'static str>,
    readable: u64,
}

struct Block {
    stream: u32,
    bytes: Vec<u8>,
    /// Sent by a server of its own accord.
    pushed: bool,
    ends: bool,
}

struct Data {
    stream: u32,
    left: usize,
    /// Bytes at the end that mean nothing.
    padding: usize,
    ends: bool,
}

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
        let keep = limits.keeps(flow, from);
        let [client, server] = &mut self.sides;
        let (half, other) = if from == Side::Client { (client, server) } else { (server, client) };
        if half.over.is_none() {
            half.held.push(bytes, at);
            half.read(from, keep, limits, emit);
        }
        let reset = std::mem::take(&mut half.reset);
        let keep = limits.keeps(flow, from.other());
        for stream in reset {
            if other.data.as_ref().is_none_or(|data| data.stream != stream)
                && let Some(mut stream) = other.streams.remove(&stream)
                && stream.has_begun()
            {
                stream.cut = stream.cut.or(Some("the stream was reset"));
                stream.tell("http/2", from.other(), keep, limits, emit);
            }
        }
        Progress::More
    }

    fn gap(&mut self, flow: &Flow, from: Side, _: u64, _: At, limits: &Limits, emit: Emit<'_>) -> Progress {
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        half.end(from, flow, http::ENDS_EARLY, limits, emit);
        half.over = Some(LOST);
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for (half, from) in self.sides.iter_mut().zip([Side::Client, Side::Server]) {
            half.end(from, flow, "the flow ended within the message", limits, emit);
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| half.over)
    }

    fn protocol(&self) -> &'static str {
        "http/2"
    }
}

impl Half {
    /// Tells all messages that are not whole.
    fn end(&mut self, from: Side, flow: &Flow, why: &'static str, limits: &Limits, emit: Emit<'_>) {
        let keep = limits.keeps(flow, from);
        for (_, mut stream) in
            std::mem::take(&mut self.streams).into_iter().filter(|(_, stream)| stream.has_begun())
        {
            stream.cut = stream.cut.or(Some(why));
            stream.tell("http/2", from, keep, limits, emit);
        }
        (self.held, self.block, self.data) = (Held::default(), None, None);
    }

    fn read(&mut self, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) {
        if from == Side::Client && !self.begun {
            if self.held.bytes().len() < PREFACE.len() {
                return;
            }
            if self.held.bytes().starts_with(PREFACE) {
                self.held.consume(PREFACE.len());
                self.readable += PREFACE.len() as u64;
            }
            self.begun = true;
        }
        loop {
            if self.data.is_some() {
                if !self.data(from, keep, limits, emit) {
                    return;
                }
                continue;
            }
            let Some((header, payload)) = self.held.bytes().split_first_chunk::<9>() else { return };
            let [a, b, c, kind, flags, s0, s1, s2, s3] = *header;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
            if kind == DATA {
                if self.block.is_some() {
                    self.over = Some(BROKEN);
                    return;
                }
                self.begin_data(stream, length, flags);
                if self.data.is_none() {
                    return;
                }
                continue;
            }
            if length > MOST_FRAME || (self.block.is_some() && kind != CONTINUATION) {
                self.over = Some(BROKEN);
                return;
            }
            let Some(payload) = payload.get(..length) else { return };
            let payload = payload.to_vec();
            let length = 9 + length;
            self.frame(kind, flags, stream, &payload, length, from, keep, limits, emit);
            self.readable += length as u64;
            self.held.consume(length);
            if self.over.is_some() {
                return;
            }
        }
    }

    /// Reads a frame other than DATA.
    #[expect(clippy::too_many_arguments, reason = "a frame, and what a session is given")]
    fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
        length: usize,
        from: Side,
        keep: bool,
        limits: &Limits,
        emit: Emit<'_>,
    ) {
        match kind {
            HEADERS | PUSH_PROMISE => {
                let Some(mut rest) = unpadded(payload, flags) else { return self.over = Some(BROKEN) };
                let mut about = stream;
                if kind == HEADERS && flags & PRIORITY != 0 {
                    rest = rest.get(5..).unwrap_or_default();
                }
                if kind == PUSH_PROMISE {
                    let Some((promised, behind)) = rest.split_first_chunk::<4>() else {
                        return self.over = Some(BROKEN);
                    };
                    about = u32::from_be_bytes(*promised) & 0x7fff_ffff;
                    rest = behind;
                }
                self.cite(about, length);
                let ends = kind == PUSH_PROMISE || flags & END_STREAM != 0;
                self.block =
                    Some(Block { stream: about, bytes: rest.to_vec(), pushed: kind == PUSH_PROMISE, ends });
            }
            CONTINUATION => {
                if self.streams.contains_key(&stream) {
                    self.cite(stream, length);
                }
                match &mut self.block {
                    Some(block)
                        if block.stream == stream && block.bytes.len() + payload.len() <= MOST_FRAME =>
                    {
                        block.bytes.extend_from_slice(payload);
                    }
                    _ => return self.over = Some(BROKEN),
                }
            }
            RST_STREAM => {
                self.reset.push(stream);
                if let Some(mut stream) = self.streams.remove(&stream)
                    && stream.has_begun()
                {
                    stream.cut = stream.cut.or(Some("the stream was reset"));
                    stream.tell("http/2", from, keep, limits, emit);
                }
                return;
            }
            _ => return,
        }
        if flags & END_HEADERS != 0 {
            self.headed(from, keep, limits, emit);
        }
    }

    /// A header block is whole.
    fn headed(&mut self, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let Some(block) = self.block.take() else { return };
        let room = self.streams.get(&block.stream).map_or(limits.head, |stream| stream.room(limits));
        let Ok(told) = self.decoder.decode(&block.bytes, room) else {
            return self.over = Some(BROKEN);
        };
        let stream = self.streams.entry(block.stream).or_default();
        stream.add(told);
        stream.pushed = block.pushed;
        if block.ends {
            self.whole(block.stream, from, keep, limits, emit);
        } else if self.streams.len() > MOST_STREAMS
            && let Some((_, mut stream)) = self.streams.pop_first()
        {
            stream.cut = Some("too many streams at once");
            stream.tell("http/2", from, keep, limits, emit);
        }
    }

    fn whole(&mut self, stream: u32, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) {
        if let Some(stream) = self.streams.remove(&stream)
            && stream.has_begun()
        {
            stream.tell("http/2", from, keep, limits, emit);
        }
    }

    /// Notes the packets of the frame at the front.
    fn cite(&mut self, stream: u32, length: usize) {
        let stream = self.streams.entry(stream).or_default();
        for (_, at) in self.held.pieces(0, length) {
            stream.note(at);
        }
        stream.length += length as u64;
    }

    /// A DATA frame begins, if its first bytes are there.
    fn begin_data(&mut self, stream: u32, length: usize, flags: u8) {
        let padded = flags & PADDED != 0 && length > 0;
        let head = 9 + usize::from(padded);
        let Some(padding) = (if padded { self.held.bytes().get(9).copied() } else { Some(0) }) else {
            return;
        };
        let left = length - usize::from(padded);
        let padding = usize::from(padding);
        if padding > left {
            self.over = Some(BROKEN);
            return;
        }
        if self.streams.contains_key(&stream) {
            self.cite(stream, head);
        }
        self.readable += head as u64;
        self.held.consume(head);
        self.data = Some(Data { stream, left, padding, ends: flags & END_STREAM != 0 });
    }

    /// Takes payload of a DATA frame. False if more bytes are needed.
    fn data(&mut self, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) -> bool {
        let Some(data) = &mut self.data else { return true };
        let length = data.left.min(self.held.bytes().len());
        let Some(stream) = self.streams.get_mut(&data.stream) else {
            // Of a stream that was not seen to begin, or was given up: nobody is shown it.
            data.left -= length;
            self.held.consume(length);
            if data.left > 0 {
                return false;
            }
            self.data = None;
            return true;
        };
        for (piece, at) in self.held.pieces(0, length) {
            stream.note(at);
            let content = piece.len().min(data.left.saturating_sub(data.padding));
            data.left -= piece.len();
            let left_out = stream.push(piece.get(..content).unwrap_or_default(), keep, limits);
            self.readable = self.readable.saturating_sub(left_out as u64);
        }
        stream.length += length as u64;
        self.readable += length as u64;
        self.held.consume(length);
        if data.left > 0 {
            return false;
        }
        if let Some(Data { stream, ends: true, .. }) = self.data.take() {
            self.whole(stream, from, keep, limits, emit);
        }
        true
    }
}

/// What a frame holds between its padding (RFC 9113 §6.1).
fn unpadded(payload: &[u8], flags: u8) -> Option<&[u8]> {
    if flags & PADDED == 0 {
        return Some(payload);
    }
    let (padding, rest) = payload.split_first()?;
    rest.get(..rest.len().checked_sub(usize::from(*padding))?)
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    /// What a client says, fed in pieces of so many bytes: kind, target, packets, and the body's bytes.
    fn told(bytes: &[u8], step: usize) -> Vec<(&'static str, String, Vec<u64>, Vec<u8>)> {
        let mut half = Half::default();
        let mut told = Vec::new();
        for (packet, piece) in (1..).zip(bytes.chunks(step)) {
            half.held.push(piece, At { packet, time: Timestamp::default() });
            half.read(Side::Client, true, &Limits::default(), &mut |message| {
                let body = message.parts.iter().find(|part| part.is("request body"));
                told.push((
                    message.kind,
                    message.text("uri").unwrap_or_default().to_owned(),
                    message.packets.clone(),
                    body.map(|part| part.bytes().to_vec()).unwrap_or_default(),
                ));
            });
        }
        assert_eq!(half.over, None);
        told
    }

    /// Two requests whose frames are interleaved, one of them padded and with trailers.
    fn stream() -> Vec<u8> {
        // :method POST, :path /a or /b (literal, not indexed).
        let head = |path: u8| [0x83, 0x04, 2, b'/', path].to_vec();
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(4, 0, 0, &[]));
        bytes.extend(frame(HEADERS, 0, 1, &head(b'a')[..2]));
        bytes.extend(frame(CONTINUATION, END_HEADERS, 1, &head(b'a')[2..]));
        bytes.extend(frame(
            HEADERS,
            END_HEADERS | PADDED,
            3,
            &[&[2], head(b'b').as_slice(), &[0, 0]].concat(),
        ));
        bytes.extend(frame(DATA, 0, 1, b"one "));
        bytes.extend(frame(DATA, PADDED | END_STREAM, 3, &[&[3], b"three".as_slice(), &[0; 3]].concat()));
        bytes.extend(frame(DATA, 0, 1, b"more"));
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x00, 1, b't', 1, b'v']));
        bytes
    }

    #[test]
    fn interleaved_streams_are_told_apart_however_they_arrive() {
        for step in [1, 7, 1000] {
            let told = told(&stream(), step);
            let shown: Vec<_> =
                told.iter().map(|(kind, uri, _, body)| (*kind, uri.as_str(), body.as_slice())).collect();
            assert_eq!(shown, [("request", "/b", b"three".as_slice()), ("request", "/a", b"one more")]);
        }
    }

    #[test]
    fn a_message_cites_the_packets_of_its_own_frames() {
        let bytes = stream();
        let told = told(&bytes, 1);
        let (b, a) = (&told[0].2, &told[1].2);
        assert!(b.iter().all(|packet| !a.contains(packet)));
        assert_eq!(b.len() + a.len(), bytes.len() - PREFACE.len() - 9);
    }

    #[test]
    fn a_block_that_refers_to_nothing_ends_the_side() {
        let mut half = Half::default();
        let at = At { packet: 1, time: Timestamp::default() };
        half.held.push(&[PREFACE, &frame(HEADERS, END_HEADERS, 1, &[0xff, 0x7f])].concat(), at);
        half.read(Side::Client, true, &Limits::default(), &mut |_| {});
        assert_eq!(half.over, Some(BROKEN));
    }
}
