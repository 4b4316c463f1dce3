//! WebSocket (RFC 6455) after an upgrade of HTTP/1, with compression (RFC 7692) and MQTT inside.
//!
//! ```text
//! ┌─────────────────┬────────────────────────┬──────────┬─────────
//! │ fin rsv1 opcode │ mask? length7[+16|+64] │ [mask32] │ payload
//! └─────────────────┴────────────────────────┴──────────┴─────────
//! ```

use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Timestamp, Value, Visibility};
use flate2::{Decompress, FlushDecompress, Status};

use crate::{
    At, Emit, Limits, Means, Progress, Protocol, Reader, Session, body::Tree, held::Held, http, kept::Kept,
    mqtt,
};

/// Begins to read what follows an upgrade, by the fields of the answer.
pub(crate) fn start(extensions: &str, protocol: &str, means: &Means) -> Box<dyn Session> {
    let deflated = extensions.to_ascii_lowercase().contains("permessage-deflate");
    let lasting = |side: &str| deflated && !extensions.contains(&format!("{side}_no_context_takeover"));
    let half = |side| Half { deflated, lasting: lasting(side), ..Half::default() };
    // MQTT over WebSocket names itself (MQTT 5 §6).
    let inner = protocol.to_ascii_lowercase().starts_with("mqtt").then(|| mqtt::Mqtt.start(means));
    let inner = inner.map(|session| Box::new(Reader::reading(session, means)));
    Box::new(Connection { sides: [half("client"), half("server")], inner })
}

struct Connection {
    sides: [Half; 2],
    inner: Option<Box<Reader>>,
}

/// One direction.
#[derive(Default)]
struct Half {
    held: Held,
    /// A frame whose payload is arriving.
    frame: Option<Frame>,
    /// The message that the frames make.
    message: Option<Draft>,
    deflated: bool,
    /// Whether the window lasts from one message to the next.
    lasting: bool,
    window: Option<Box<Decompress>>,
    over: Option<&'static str>,
    readable: u64,
}

struct Frame {
    fin: bool,
    opcode: u8,
    left: u64,
    mask: Option<[u8; 4]>,
    /// Bytes of payload taken, for the mask.
    taken: usize,
}

/// A message on its way.
#[derive(Default)]
struct Draft {
    opcode: u8,
    compressed: bool,
    body: Kept,
    cut: Option<&'static str>,
    packets: Vec<u64>,
    first: Timestamp,
    length: u64,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

const LOST: &str = "WebSocket behind missing bytes";
const BROKEN: &str = "WebSocket that cannot be followed";

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
        let half = if from == Side::Client { client } else { server };
        if half.over.is_none() {
            half.held.push(bytes, at);
            half.read(flow, from, keep, &mut self.inner, limits, emit);
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
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        half.held = Held::default();
        half.over = Some(LOST);
        if let Some(inner) = &mut self.inner {
            inner.gap(flow, from, bytes, at, limits, emit);
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for (half, from) in self.sides.iter_mut().zip([Side::Client, Side::Server]) {
            if let Some(mut draft) = half.message.take() {
                draft.cut = draft.cut.or(Some("the flow ended within the message"));
                let keep = limits.keeps(flow, from);
                half.tell(draft, from, keep, limits, emit);
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
        let [client, server] = self.inner.as_ref().map_or([None; 2], |inner| inner.opaque());
        let [a, b] = &self.sides;
        [a.over.or(client), b.over.or(server)]
    }

    fn protocol(&self) -> &'static str {
        self.inner.as_ref().map_or("websocket", |inner| inner.protocol())
    }
}

impl Half {
    fn read(
        &mut self,
        flow: &Flow,
        from: Side,
        keep: bool,
        inner: &mut Option<Box<Reader>>,
        limits: &Limits,
        emit: Emit<'_>,
    ) {
        loop {
            let Some(frame) = &mut self.frame else {
                if !self.begin() {
                    return;
                }
                continue;
            };
            let length = self.held.bytes().len().min(usize::try_from(frame.left).unwrap_or(usize::MAX));
            for (piece, at) in self.held.pieces(0, length) {
                let mask = frame.mask.unwrap_or_default();
                let plain: Vec<u8> = piece
                    .iter()
                    .zip(mask.iter().cycle().skip(frame.taken % 4))
                    .map(|(byte, mask)| byte ^ mask)
                    .collect();
                frame.taken += piece.len();
                if frame.opcode >= CLOSE {
                    continue;
                }
                if let (Some(inner), false) = (inner.as_mut(), self.deflated) {
                    inner.feed(flow, from, &plain, at, limits, emit);
                    continue;
                }
                let Some(draft) = &mut self.message else { continue };
                draft.note(at);
                let kept = if keep { draft.body.push(&plain, limits) } else { plain.len() };
                if kept < plain.len() {
                    draft.cut = Some(http::TOO_LONG);
                    self.readable = self.readable.saturating_sub((plain.len() - kept) as u64);
                }
            }
            frame.left -= length as u64;
            // What is inside counts for itself.
            if inner.is_none() || self.deflated || frame.opcode >= CLOSE {
                self.readable += length as u64;
            }
            if let Some(draft) = &mut self.message {
                draft.length += length as u64;
            }
            self.held.consume(length);
            if frame.left > 0 {
                return;
            }
            let fin = frame.fin && frame.opcode < CLOSE;
            self.frame = None;
            if fin && let Some(draft) = self.message.take() {
                if inner.is_some() && !self.deflated {
                    continue;
                }
                self.tell(draft, from, keep, limits, emit);
            }
        }
    }

    /// Reads the head of a frame. False if more bytes are needed, or nothing can be read.
    fn begin(&mut self) -> bool {
        let bytes = self.held.bytes();
        let [first, second, rest @ ..] = bytes else { return false };
        let (short, masked) = (second & 0x7f, second & 0x80 != 0);
        let (length, size) = match short {
            126 => match rest.first_chunk::<2>() {
                Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 2),
                None => return false,
            },
            127 => match rest.first_chunk::<8>() {
                Some(bytes) => (u64::from_be_bytes(*bytes), 8),
                None => return false,
            },
            short => (u64::from(short), 0),
        };
        let mask = if masked {
            match rest.get(size..).and_then(|rest| rest.first_chunk::<4>()) {
                Some(mask) => Some(*mask),
                None => return false,
            }
        } else {
            None
        };
        let opcode = first & 0xf;
        let head = 2 + size + if masked { 4 } else { 0 };
        let known = matches!(opcode, CONTINUATION..=BINARY | CLOSE..=10);
        // The second and third reserved bits belong to no extension in use.
        if !known || first & 0x30 != 0 || (opcode >= CLOSE && length > 125) || length > 1 << 62 {
            self.over = Some(BROKEN);
            self.held = Held::default();
            return false;
        }
        if matches!(opcode, TEXT | BINARY) {
            let first = self.held.first().map_or_else(Timestamp::default, |at| at.time);
            let compressed = self.deflated && self.held.bytes().first().is_some_and(|byte| byte & 0x40 != 0);
            self.message = Some(Draft { opcode, compressed, first, ..Draft::default() });
        }
        if opcode < CLOSE
            && let Some(draft) = &mut self.message
        {
            for (_, at) in self.held.pieces(0, head) {
                draft.note(at);
            }
            draft.length += head as u64;
        }
        self.frame =
            Some(Frame { fin: first_is_final(self.held.bytes()), opcode, left: length, mask, taken: 0 });
        self.held.consume(head);
        self.readable += head as u64;
        true
    }

    fn tell(&mut self, mut draft: Draft, from: Side, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let opcode = if draft.opcode == TEXT { "text" } else { "binary" };
        draft.packets.sort_unstable();
        draft.packets.dedup();
        let mut message = Message {
            time: draft.first,
            protocol: "websocket",
            kind: "message",
            from,
            visibility: Visibility::Clear,
            packets: std::mem::take(&mut draft.packets),
            bytes: draft.length,
            fields: vec![Field { name: "opcode", value: Value::Text(opcode.to_owned()) }],
            parts: Parts::default(),
        };
        if let Some(why) = draft.cut {
            message.fields.push(Field { name: "body_cut", value: Value::Text(why.to_owned()) });
        }
        if keep {
            let mut tree = Tree::new(limits);
            let mut part = tree.root(Carrier::Body, "message", draft.body.take(), None);
            if draft.compressed {
                let (plain, whole) = self.inflate(tree.bytes(part), tree.room());
                if !whole {
                    tree.reached("decompressed content");
                }
                part = tree.child(part, "deflate", plain, None);
            }
            tree.content(part, None);
            let (parts, limit) = tree.done();
            message.parts = parts;
            if let Some(limit) = limit.or(draft.cut.filter(|why| *why == http::TOO_LONG)) {
                message.fields.push(Field { name: "limit", value: Value::Text(limit.to_owned()) });
            }
        }
        emit(message);
    }

    /// Undoes the compression of a message, up to a limit; says whether all of it was. What cannot be undone leaves the
    /// window in the middle of a block: nothing behind it can be.
    fn inflate(&mut self, bytes: &[u8], room: usize) -> (Vec<u8>, bool) {
        if !self.lasting {
            self.window = None;
        }
        let window = self.window.get_or_insert_with(|| Box::new(Decompress::new(false)));
        let mut plain = Vec::new();
        // The sender leaves off an empty block (RFC 7692 §7.2.1).
        for mut input in [bytes, &[0, 0, 0xff, 0xff]] {
            loop {
                if plain.len() >= room {
                    self.over = Some(BROKEN);
                    return (plain, false);
                }
                plain.reserve((4 * input.len()).clamp(256, 1 << 16));
                let (before, had) = (window.total_in(), plain.len());
                let status = window.decompress_vec(input, &mut plain, FlushDecompress::Sync);
                let used = usize::try_from(window.total_in() - before).unwrap_or(0);
                input = input.get(used..).unwrap_or_default();
                match status {
                    // A block may say that it is the last; a sender may go on all the same (RFC 7692 §7.2.3.4).
                    Ok(Status::StreamEnd) => {
                        window.reset(false);
                        if input.is_empty() {
                            break;
                        }
                    }
                    Ok(_) if used > 0 && !input.is_empty() || plain.len() == plain.capacity() => {}
                    Ok(_) if input.is_empty() => break,
                    Ok(_) if plain.len() > had => {}
                    _ => {
                        self.over = Some(BROKEN);
                        return (plain, false);
                    }
                }
            }
        }
        (plain, true)
    }
}

fn first_is_final(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte & 0x80 != 0)
}

impl Draft {
    fn note(&mut self, at: At) {
        if self.packets.last() != Some(&at.packet) {
            self.packets.push(at.packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![first];
        match u8::try_from(payload.len()).ok().filter(|length| *length < 126) {
            Some(length) => bytes.push(0x80 | length),
            None => bytes
                .extend([&[0xfe], u16::try_from(payload.len()).unwrap().to_be_bytes().as_slice()].concat()),
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn told(extensions: &str, bytes: &[u8], step: usize) -> Vec<(Vec<u8>, Vec<u64>)> {
        let deflated = !extensions.is_empty();
        let mut half = Half { deflated, lasting: deflated, ..Half::default() };
        let flow = crate::fixture::flow();
        let mut told = Vec::new();
        for (packet, piece) in (1..).zip(bytes.chunks(step)) {
            half.held.push(piece, At { packet, time: Timestamp::default() });
            half.read(&flow, Side::Client, true, &mut None, &Limits::default(), &mut |message| {
                let plain = message.parts.iter().find(|part| part.is("deflate")).or(message.parts.first());
                told.push((plain.unwrap().bytes().to_vec(), message.packets.clone()));
            });
        }
        assert_eq!(half.readable, bytes.len() as u64);
        told
    }

    #[test]
    fn fragments_are_joined_and_pings_between_them_passed_over() {
        let bytes = [
            frame(0x01, b"{\"a\":", [1, 2, 3, 4]),
            frame(0x89, b"ping", [9; 4]),
            frame(0x80, b"1}", [5, 6, 7, 8]),
            frame(0x82, &[7; 300], [0; 4]),
        ]
        .concat();
        for step in [1, 3, 1000] {
            let messages: Vec<Vec<u8>> = told("", &bytes, step).into_iter().map(|(bytes, _)| bytes).collect();
            assert_eq!(messages, [b"{\"a\":1}".to_vec(), vec![7; 300]]);
        }
    }

    /// RFC 7692, §7.2.3.4 (a block that says it is the last) and §7.2.3.1.
    #[test]
    fn a_last_block_is_not_the_last_message() {
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let next = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let bytes = [frame(0xc1, &last, [1; 4]), frame(0xc1, &next, [2; 4])].concat();
        let messages: Vec<Vec<u8>> =
            told("permessage-deflate", &bytes, 100).into_iter().map(|(bytes, _)| bytes).collect();
        assert_eq!(messages, [b"Hello", b"Hello"]);
    }

    #[test]
    fn a_window_lasts_from_message_to_message() {
        let mut compress = Compress::new(Compression::best(), false);
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let mut out = Vec::with_capacity(1000);
            compress.compress_vec(b"position 24.744672,121.044483", &mut out, FlushCompress::Sync).unwrap();
            let sent = out.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap();
            bytes.extend(frame(0xc1, sent, [3; 4]));
        }
        let messages = told("permessage-deflate", &bytes, 5);
        assert!(messages.iter().all(|(plain, _)| plain == b"position 24.744672,121.044483"), "{messages:?}");
        assert_eq!(messages.len(), 2);
    }
}
