//! RTMP (Adobe's specification 1.0): live pictures that an app publishes, to which service and under which key.
//!
//! ```text
//! handshake  3 │ 1536 bytes │ 1536 bytes                         of each side
//! chunk      format (2), chunk stream (6…22) │ [time 3 │ [length 3 │ type │ [stream 4]]] │ [time 4] │ a piece of a message
//! ```
//!
//! Commands and metadata are read; sound and pictures are counted and told when the flow is over. Left out: the
//! encrypted kinds (RTMPE), and commands in AMF3.

mod amf;

use std::collections::BTreeMap;

use creance_model::{Carrier, Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session, datagram::Told, held::Held, media::rtp,
};

/// RTMP.
pub(crate) struct Rtmp;

/// What a side sends before chunks: a version, its numbers, and the other's.
const HANDSHAKE: usize = 1 + 2 * RANDOM;
const RANDOM: usize = 1536;

/// Longest command or metadata that is read, in bytes.
const MOST_MESSAGE: usize = 1 << 16;

/// Longest message about the connection itself, in bytes (specification §5.4, 7.1.7).
const LONGEST_CONTROL: usize = 10;

/// Chunk streams of one side.
const MOST_STREAMS: usize = 64;

/// Packets listed for one message.
const MOST_PACKETS: usize = 64;

/// Why sound and pictures were not read.
const MEDIA: &str = "sound or pictures over RTMP, not decoded";

/// Why the rest was not read.
const REST: &str = "handshake and messages over RTMP that are no commands, not read";

/// Why nothing more was read.
const LOST: &str = "RTMP that cannot be followed";

impl Protocol for Rtmp {
    fn name(&self) -> &'static str {
        "rtmp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let port = flow.server.port == 1935;
        // The four bytes behind the time are zero (specification §5.2.3); some players put their version there.
        let begins = match head {
            [3, rest @ ..] => port || rest.iter().skip(4).take(4).all(|byte| *byte == 0),
            _ => false,
        };
        match head.len() {
            _ if flow.transport != Transport::Tcp || !begins => Probe::No,
            0..=RANDOM => Probe::Perhaps,
            _ => Probe::Yes,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::<Connection>::default()
    }
}

#[derive(Default)]
struct Connection {
    sides: [Half; 2],
    /// The service that was named last.
    app: String,
}

#[derive(Default)]
struct Half {
    held: Held,
    shaken: bool,
    lost: bool,
    /// Bytes of a piece: 128 until a side says otherwise.
    size: Option<usize>,
    streams: BTreeMap<u32, Message>,
    /// The piece that is being passed: its chunk stream and bytes left.
    piece: Option<(u32, usize)>,
    readable: u64,
    sound: Media,
    pictures: Media,
}

/// A message of a chunk stream, in pieces.
#[derive(Debug, Default)]
struct Message {
    kind: u8,
    length: usize,
    /// The time is written behind the header.
    extended: bool,
    /// Bytes of it that came.
    had: usize,
    /// Of commands, the bytes.
    bytes: Vec<u8>,
    first: Option<At>,
    packets: Vec<u64>,
}

/// Sound or pictures of one side.
#[derive(Default)]
struct Media {
    messages: u64,
    bytes: u64,
    codec: Option<&'static str>,
    shown: Vec<u8>,
    first: Option<At>,
    packets: Vec<u64>,
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
        let Some(half) = self.sides.get_mut(from.index()) else { return Progress::More };
        if half.lost {
            return Progress::More;
        }
        half.held.push(bytes, at);
        while let Some(half) = self.sides.get_mut(from.index()) {
            match half.step() {
                Step::Wait => break,
                Step::Next => {}
                Step::Whole(message) => self.whole(from, &message, keep, emit),
                Step::Broken => {
                    half.held = Held::default();
                    half.lost = true;
                    break;
                }
            }
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        // Borders are lost with the bytes.
        if let Some(half) = self.sides.get_mut(from.index()) {
            half.held = Held::default();
            half.lost = true;
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for from in [Side::Client, Side::Server] {
            let Some(half) = self.sides.get_mut(from.index()) else { continue };
            for (medium, media) in [("audio", &mut half.sound), ("video", &mut half.pictures)] {
                let Some(first) = media.first else { continue };
                let mut told = Told::new("stream");
                told.text("medium", medium);
                if let Some(codec) = media.codec {
                    told.text("codec", codec);
                }
                told.number("messages", i64::try_from(media.messages).unwrap_or(i64::MAX));
                told.number("payload_bytes", i64::try_from(media.bytes).unwrap_or(i64::MAX));
                told.text("app", self.app.as_str());
                let codec = media.codec.map(|codec| (medium, codec));
                rtp::show(std::mem::take(&mut media.shown), codec, &mut told.parts);
                let packets = std::mem::take(&mut media.packets);
                emit(told.message("rtmp", from, first, packets, media.bytes, limits.keeps(flow, from)));
            }
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| match half {
            _ if half.lost => Some(LOST),
            _ if half.sound.messages + half.pictures.messages > 0 => Some(MEDIA),
            _ if half.shaken => Some(REST),
            _ => None,
        })
    }

    fn protocol(&self) -> &'static str {
        "rtmp"
    }
}

enum Step {
    Wait,
    Next,
    Whole(Box<Message>),
    Broken,
}

impl Half {
    /// Reads a handshake, a header, or as much of a piece as is there.
    fn step(&mut self) -> Step {
        let have = self.held.bytes().len();
        if !self.shaken {
            if have < HANDSHAKE {
                return Step::Wait;
            }
            self.held.consume(HANDSHAKE);
            // The numbers may be anything.
            self.readable += 1;
            self.shaken = true;
            return Step::Next;
        }
        match self.piece {
            Some((stream, left)) if have > 0 || left == 0 => self.take(stream, left),
            Some(_) => Step::Wait,
            None => match header(self.held.bytes(), &self.streams) {
                Some(Ok(header)) => self.begin(&header),
                Some(Err(Unsaid)) => Step::Broken,
                None => Step::Wait,
            },
        }
    }

    fn begin(&mut self, header: &Header) -> Step {
        if !self.streams.contains_key(&header.stream) && self.streams.len() >= MOST_STREAMS {
            return Step::Broken;
        }
        let message = self.streams.entry(header.stream).or_default();
        if header.begins {
            // A message that begins before the last one is whole takes its place.
            message.restart();
        }
        if let Some((length, kind)) = header.says {
            (message.length, message.kind) = (length, kind);
        }
        message.extended = header.extended;
        message.first = message.first.or(self.held.first());
        let left = (message.length - message.had.min(message.length)).min(self.size.unwrap_or(128));
        self.held.consume(header.bytes);
        self.readable += header.bytes as u64;
        self.piece = Some((header.stream, left));
        Step::Next
    }

    fn take(&mut self, stream: u32, left: usize) -> Step {
        let Some(message) = self.streams.get_mut(&stream) else { return Step::Broken };
        let bytes = self.held.bytes();
        let bytes = bytes.get(..left.min(bytes.len())).unwrap_or_default();
        let taken = bytes.len();
        // Of sound and pictures, the beginning tells how they are encoded.
        let room = match message.kind {
            8 => rtp::SHOWN.saturating_sub(self.sound.shown.len()),
            9 => rtp::SHOWN.saturating_sub(self.pictures.shown.len()),
            _ => MOST_MESSAGE,
        };
        let room = room.saturating_sub(message.bytes.len()).min(taken);
        message.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
        message.had += taken;
        if message.packets.len() < MOST_PACKETS
            && let Some(at) = self.held.first()
            && message.packets.last().is_none_or(|last| *last < at.packet)
        {
            message.packets.push(at.packet);
        }
        self.held.consume(taken);
        self.piece = (taken < left).then_some((stream, left - taken));
        if message.had < message.length {
            return Step::Next;
        }
        let whole = message.restart();
        if matches!(whole.kind, 17 | 18 | 20)
            || matches!(whole.kind, 1..=6) && whole.length <= LONGEST_CONTROL
        {
            self.readable += whole.bytes.len() as u64;
        }
        Step::Whole(Box::new(whole))
    }
}

impl Message {
    /// The message as it came; the next one of its stream is like it.
    fn restart(&mut self) -> Self {
        let next = Self { kind: self.kind, length: self.length, extended: self.extended, ..Self::default() };
        std::mem::replace(self, next)
    }
}

/// A header leaves out what nothing before it says.
struct Unsaid;

/// The header of a piece.
struct Header {
    stream: u32,
    /// How long it is.
    bytes: usize,
    /// A message begins; without this, the one before goes on.
    begins: bool,
    /// The length and kind of the message, where they are not those of the last one of its stream.
    says: Option<(usize, u8)>,
    extended: bool,
}

/// Reads a header. `None`: it is not whole; an error: it leaves out what nothing before it says.
fn header(bytes: &[u8], streams: &BTreeMap<u32, Message>) -> Option<Result<Header, Unsaid>> {
    let (first, rest) = bytes.split_first()?;
    let (stream, basic) = match (first & 63, rest) {
        (0, [low, ..]) => (64 + u32::from(*low), 2),
        (1, [low, high, ..]) => (64 + u32::from(*low) + 256 * u32::from(*high), 3),
        (0 | 1, _) => return None,
        (stream, _) => (u32::from(stream), 1),
    };
    let fields = match first >> 6 {
        0 => 11,
        1 => 7,
        2 => 3,
        _ => 0,
    };
    let known = streams.get(&stream);
    if known.is_none() && fields < 7 {
        return Some(Err(Unsaid));
    }
    let header = bytes.get(basic..basic + fields)?;
    let extended = match header {
        [a, b, c, ..] => [*a, *b, *c] == [0xff; 3],
        _ => known.is_some_and(|known| known.extended),
    };
    let says = match header {
        [_, _, _, a, b, c, kind, ..] => Some((u32::from_be_bytes([0, *a, *b, *c]) as usize, *kind)),
        _ => None,
    };
    let length = basic + fields + if extended { 4 } else { 0 };
    let header = Header { stream, bytes: length, begins: fields > 0, says, extended };
    (bytes.len() >= length).then_some(Ok(header))
}

impl Connection {
    fn whole(&mut self, from: Side, message: &Message, keep: bool, emit: Emit<'_>) {
        let Some(half) = self.sides.get_mut(from.index()) else { return };
        let at = message.first.unwrap_or(At { packet: 0, time: creance_model::Timestamp::default() });
        match message.kind {
            1 => {
                if let [a, b, c, d] = *message.bytes.as_slice() {
                    let size = u32::from_be_bytes([a & 0x7f, b, c, d]) as usize;
                    half.size = Some(size.max(1));
                }
            }
            8 => half.sound.note(message, sound(&message.bytes)),
            9 => half.pictures.note(message, pictures(&message.bytes)),
            17 | 18 | 20 => {
                // Kind 17 has a byte before the same.
                let body = message.bytes.get(usize::from(message.kind == 17)..).unwrap_or_default();
                let told = self.command(message.kind, body);
                let (packets, length) = (message.packets.clone(), message.length as u64);
                emit(told.message("rtmp", from, at, packets, length, keep));
            }
            _ => {}
        }
    }

    fn command(&mut self, kind: u8, body: &[u8]) -> Told {
        let (values, rest) = amf::read(body);
        let mut told = Told::new(if kind == 18 { "metadata" } else { "command" });
        let name = match values.first() {
            Some((_, amf::Value::Text(name))) => name.clone(),
            _ => String::new(),
        };
        if !rest.is_empty() {
            told.text("limit", "values of AMF that are read");
            told.parts.add(Carrier::Body, None, "rest", None, rest);
        }
        told.value("command", name.as_str());
        let mut texts = values.iter().skip(1).filter(|(key, _)| key.is_empty());
        let named = |key: &str| {
            values.iter().find_map(|(known, value)| match value {
                amf::Value::Text(text) if known == key => Some(text.clone()),
                _ => None,
            })
        };
        match name.as_str() {
            "connect" => {
                self.app = named("app").unwrap_or_default();
                told.text("app", self.app.as_str());
                if let Some(url) = named("tcUrl") {
                    told.text("url", url);
                }
            }
            "publish" | "releaseStream" | "FCPublish" | "play" => {
                let key = texts.find_map(|(_, value)| match value {
                    amf::Value::Text(text) => Some(text.clone()),
                    amf::Value::Number(_) => None,
                });
                // Who has the key may publish: it is content, and no field.
                told.value("stream_key", key.unwrap_or_default());
                told.fields.retain(|field| field.name != "stream_key");
            }
            _ => {}
        }
        for (key, value) in values.iter().skip(1) {
            value.tell(key, &mut told.parts);
        }
        told
    }
}

impl Media {
    fn note(&mut self, message: &Message, codec: Option<&'static str>) {
        self.messages += 1;
        self.bytes += message.length as u64;
        self.codec = self.codec.or(codec);
        self.shown.extend_from_slice(&message.bytes);
        self.first = self.first.or(message.first);
        if self.packets.len() < MOST_PACKETS {
            let last = self.packets.last().copied();
            self.packets.extend(message.packets.iter().filter(|packet| Some(**packet) > last));
        }
    }
}

/// How sound is encoded (FLV specification 10.1, E.4.2.1).
fn sound(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes.first()? >> 4 {
        0 | 3 => "PCM",
        1 => "ADPCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 => "PCMA",
        8 => "PCMU",
        10 => "AAC",
        11 => "Speex",
        _ => return None,
    })
}

/// How pictures are encoded (the same, E.4.3.1; four letters in the enhanced kind).
fn pictures(bytes: &[u8]) -> Option<&'static str> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 != 0 {
        return match rest.get(..4)? {
            b"avc1" => Some("H264"),
            b"hvc1" => Some("H265"),
            b"av01" => Some("AV1"),
            b"vp09" => Some("VP9"),
            _ => None,
        };
    }
    Some(match first & 15 {
        2 => "H263",
        3 | 6 => "Screen",
        4 | 5 => "VP6",
        7 => "H264",
        12 => "H265",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::{Message as Said, Timestamp, Value};

    fn text(words: &str) -> Vec<u8> {
        [&[2], u16::try_from(words.len()).unwrap().to_be_bytes().as_slice(), words.as_bytes()].concat()
    }

    fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
        let mut out = [[3, 0, 0, 0].as_slice(), &length, &[kind, 1, 0, 0, 0]].concat();
        for (number, piece) in body.chunks(128).enumerate() {
            if number > 0 {
                out.push(0xc3);
            }
            out.extend(piece);
        }
        out
    }

    /// A client that connects, publishes and sends two pictures.
    fn said() -> Vec<u8> {
        let number = [0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];
        let key = |name: &str| text(name).get(1..).unwrap_or_default().to_vec();
        let connect = [
            text("connect"),
            number.to_vec(),
            vec![3],
            key("app"),
            text("live"),
            key("tcUrl"),
            text(&format!("rtmp://live.example/live?{}", "x".repeat(150))),
            vec![0, 0, 9],
        ]
        .concat();
        let publish =
            [text("publish"), number.to_vec(), vec![5], text("drone-7-secret"), text("live")].concat();
        let mut said = vec![3];
        said.extend([0; RANDOM]);
        said.extend([7; RANDOM]);
        said.extend(chunk(20, &connect));
        said.extend(chunk(20, &publish));
        said.extend(chunk(9, &[[0x17, 1].as_slice(), &[0; 300]].concat()));
        said.extend(chunk(9, &[0x27, 1, 0, 0]));
        said
    }

    fn read(bytes: &[u8], step: usize) -> (Vec<Said>, [u64; 2]) {
        let (mut told, limits) = (Vec::new(), Limits::default());
        let mut session = Rtmp.start(&Means::default());
        for (packet, piece) in (1..).zip(bytes.chunks(step)) {
            let at = At { packet, time: Timestamp::default() };
            session.feed(&flow(), Side::Client, piece, at, &limits, &mut |message| told.push(message));
        }
        session.finish(&flow(), &limits, &mut |message| told.push(message));
        (told, session.readable())
    }

    #[test]
    fn what_is_published_where_is_told_however_it_is_cut() {
        let said = said();
        for step in [1, 100, 10_000] {
            let (told, readable) = read(&said, step);
            let commands: Vec<_> = told.iter().map(|message| message.text("command")).collect();
            assert_eq!(commands, [Some("connect"), Some("publish"), None], "{step}");
            assert_eq!(told.first().and_then(|message| message.text("app")), Some("live"));
            let stream = told.last().unwrap();
            assert!(told.iter().all(|message| message.text("stream_key").is_none()));
            let key = told.iter().flat_map(|message| message.parts.iter()).find(|part| part.is("stream_key"));
            assert_eq!(key.map(creance_model::Part::bytes), Some(&b"drone-7-secret"[..]));
            assert_eq!((stream.text("medium"), stream.text("codec")), (Some("video"), Some("H264")));
            assert_eq!(stream.field("payload_bytes"), Some(&Value::Integer(306)));
            assert_eq!(readable, [(said.len() - 306 - 2 * RANDOM) as u64, 0]);
        }
    }

    #[test]
    fn cut_anywhere_no_more_is_read_than_came() {
        let said = said();
        for cut in (0..said.len()).step_by(7) {
            assert!(read(said.get(..cut).unwrap_or_default(), 10_000).1[0] <= cut as u64);
        }
        assert_eq!(Rtmp.probe(&flow(), Side::Client, &said), Probe::Yes);
        assert_eq!(Rtmp.probe(&flow(), Side::Client, &[3, 0, 0, 19, 14, 0xe0, 0, 0]), Probe::No);
    }
}
