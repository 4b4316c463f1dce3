//! A request, its answer and what followed them, as recordings tell them: made into the messages that a capture of the
//! same would give.

use std::borrow::Cow;

use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Timestamp, Transport, Value, Visibility};

use super::{LONGEST, Piece, Said};
use crate::{
    At, Emit, Limits, Means, Protocol, Reader,
    body::Tree,
    http::{self, Content},
    mqtt,
};

/// One request with its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    /// As the recording writes it: `HTTP/1.1`, `h2`, ….
    pub(super) version: String,
    /// Whether it went through TLS.
    pub(super) sealed: bool,
    pub(super) request: Option<Half>,
    pub(super) response: Option<Half>,
    /// Messages of a WebSocket.
    pub(super) messages: Vec<Piece>,
    /// Why there is no answer.
    pub(super) failed: Option<String>,
    /// A bound that the entry reached.
    pub(super) limit: Option<&'static str>,
}

/// A request or an answer.
#[derive(Debug)]
pub(super) struct Half {
    time: Timestamp,
    line: Line,
    headers: Vec<(String, Vec<u8>)>,
    more: bool,
    body: Body,
    cut: Option<&'static str>,
    /// Bytes on the wire, as far as they are told.
    length: u64,
    unread: u64,
    /// Where in the app it was sent, innermost first.
    pub(super) stack: Vec<String>,
    pub(super) port: Option<u16>,
}

#[derive(Debug)]
pub(super) enum Line {
    Request { method: String, target: String, authority: String },
    Status(i64),
}

/// A body as it is recorded.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Whether the recording holds more than was read of it.
    pub(super) cut: bool,
    /// Whether there was one that the recording lacks.
    pub(super) absent: bool,
    /// Whether content encodings have been taken off.
    pub(super) plain: bool,
    /// Its length on the wire.
    pub(super) sent: Option<u64>,
    /// Its length without content encodings.
    pub(super) full: Option<u64>,
    /// Where the fields do not tell, or are not what the bytes are.
    pub(super) media_type: Option<String>,
}

impl Body {
    /// A body as it went over the wire.
    pub(super) fn sent(bytes: Vec<u8>, cut: bool) -> Self {
        Self { bytes, cut, ..Self::default() }
    }
}

const ABSENT: &str = "body not in the recording";
const PARTIAL: &str = "body not whole in the recording";

/// Fields of one head that are kept.
const MOST_FIELDS: usize = 256;

impl Half {
    pub(super) fn new(
        time: Timestamp,
        line: Line,
        headers: impl Iterator<Item = (String, Vec<u8>)>,
        mut body: Body,
        limits: &Limits,
    ) -> Self {
        let mut all = headers.filter(|(name, _)| !name.starts_with(':'));
        let headers: Vec<_> =
            all.by_ref().take(MOST_FIELDS).map(|(name, value)| (name.to_lowercase(), value)).collect();
        let more = all.next().is_some();
        let told = headers.iter().find(|(name, _)| name == "content-length");
        let told = told.and_then(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok());
        let have = body.bytes.len() as u64;
        let sent = body.sent.or(if body.absent { told } else { Some(have) }).unwrap_or_default().min(LONGEST);
        let lacking = body.full.unwrap_or_default().saturating_sub(have).min(sent);
        let (mut cut, mut unread) = match (body.absent, lacking) {
            (true, _) => (Some(ABSENT), sent),
            (false, 0) => (None, 0),
            (false, lacking) => (Some(PARTIAL), lacking),
        };
        if body.cut || body.bytes.len() > limits.body {
            let beyond = have.max(sent).saturating_sub(limits.body as u64);
            body.bytes.truncate(limits.body);
            (cut, unread) = (Some(http::TOO_LONG), unread.max(beyond).min(sent));
        }
        let line_length = match &line {
            Line::Request { method, target, .. } => method.len() + target.len(),
            Line::Status(_) => 4,
        };
        let head: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        // Spaces, the version, line ends, and the empty line.
        let length = (line_length + head + 14) as u64 + sent;
        Self { time, line, headers, more, body, cut, length, unread, stack: Vec::new(), port: None }
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        http::Head { target: None, headers: &self.headers, more: false }.header(name)
    }

    fn fields(&self) -> Vec<Field> {
        let text = |name, value: &str| Field { name, value: Value::Text(value.to_owned()) };
        match &self.line {
            Line::Request { method, target, authority } => {
                let host = self.header("host");
                let host = host.as_deref().unwrap_or(authority);
                vec![text("method", method), text("host", host), text("uri", target)]
            }
            Line::Status(status) => vec![Field { name: "status", value: Value::Integer(*status) }],
        }
    }
}

impl Exchange {
    pub(super) fn protocol(&self) -> &'static str {
        match (self.messages.is_empty(), self.speaks_mqtt()) {
            (false, true) => "mqtt",
            (false, false) => "websocket",
            (true, _) => self.http(),
        }
    }

    fn http(&self) -> &'static str {
        let version = self.version.to_ascii_lowercase();
        match version.trim_start_matches("http/").trim_start_matches('h').chars().next() {
            Some('2') => "http/2",
            Some('3') => "http/3",
            _ => "http/1",
        }
    }

    pub(super) fn transport(&self) -> Transport {
        if self.http() == "http/3" { Transport::Udp } else { Transport::Tcp }
    }

    pub(super) fn port(&self) -> u16 {
        let told = self.request.as_ref().and_then(|request| request.port);
        told.unwrap_or(if self.sealed { 443 } else { 80 })
    }

    /// MQTT over WebSocket names itself (MQTT 5 §6).
    fn speaks_mqtt(&self) -> bool {
        let chosen = self.response.as_ref().and_then(|response| response.header("sec-websocket-protocol"));
        chosen.is_some_and(|protocol| protocol.to_ascii_lowercase().starts_with("mqtt"))
    }

    fn unanswered(&self) -> bool {
        self.response.is_none() && self.messages.is_empty()
    }

    fn halves(&self) -> [Option<&Half>; 2] {
        [self.request.as_ref(), self.response.as_ref()]
    }

    pub(super) fn readable(&self) -> [u64; 2] {
        let mut readable = self.halves().map(|half| half.map_or(0, |half| half.length - half.unread));
        add(&mut readable, &self.messages);
        readable
    }

    pub(super) fn opaque(&self) -> [Option<&'static str>; 2] {
        self.halves().map(|half| half?.cut.filter(|cut| [ABSENT, PARTIAL].contains(cut)))
    }

    /// Tells all messages.
    pub(super) fn tell(self, flow: &Flow, number: u64, means: &Means, limits: &Limits, emit: Emit<'_>) {
        let (protocol, mqtt) = (self.http(), self.speaks_mqtt());
        let visibility = if self.sealed { Visibility::Decrypted } else { Visibility::Clear };
        let mut emit = |message: Message| emit(Message { visibility, packets: vec![number], ..message });
        let unanswered = self.unanswered();
        let failed = self.failed.or_else(|| unanswered.then(|| "no answer in the recording".to_owned()));
        for (half, from) in [(self.request, Side::Client), (self.response, Side::Server)] {
            let Some(half) = half else { continue };
            let mut fields = half.fields();
            let target = match &half.line {
                Line::Request { target, .. } => Some(target.as_str()),
                Line::Status(_) => None,
            };
            let head = http::Head { target, headers: &half.headers, more: half.more };
            fields.extend(head.told());
            if !half.stack.is_empty() {
                let frames = half.stack.into_iter().map(Value::Text).collect();
                fields.push(Field { name: "stack", value: Value::List(frames) });
            }
            if let (Some(why), Side::Client) = (&failed, from) {
                let why = why.chars().take(200).collect();
                fields.push(Field { name: "failed", value: Value::Text(why) });
            }
            let message = Message {
                time: half.time,
                protocol,
                kind: if from == Side::Client { "request" } else { "response" },
                from,
                visibility,
                packets: vec![number],
                bytes: half.length,
                fields,
                parts: Parts::default(),
            };
            let keep = limits.keeps(flow, from);
            let mut content = Content::of(&head, half.body.bytes, half.cut);
            if half.body.plain {
                content.encodings.clear();
            }
            content.media_type = half.body.media_type.or(content.media_type);
            let kind = content.media_type.as_deref().unwrap_or_default();
            if !keep && !http::is_wanted(kind, head.target.is_none()) {
                content.body.clear();
            }
            http::tell(message, &head, content, keep, limits, &mut |mut message| {
                let own = message.protocol == protocol;
                if let (Some(limit), Side::Client, true, None) =
                    (self.limit, from, own, message.field("limit"))
                {
                    message.fields.push(Field { name: "limit", value: Value::Text(limit.to_owned()) });
                }
                emit(message);
            });
        }
        let mut inner = mqtt.then(|| Reader::reading(mqtt::Mqtt.start(means), means));
        for piece in self.messages {
            if let Some(inner) = &mut inner {
                let at = At { packet: number, time: piece.time };
                inner.feed(flow, piece.from, &piece.bytes, at, limits, &mut emit);
            } else {
                let keep = limits.keeps(flow, piece.from);
                emit(websocket(piece, keep, limits));
            }
        }
        if let Some(mut inner) = inner {
            inner.finish(flow, limits, &mut emit);
        }
    }
}

/// A message of a WebSocket.
fn websocket(piece: Piece, keep: bool, limits: &Limits) -> Message {
    let text = |name, value: &str| Field { name, value: Value::Text(value.to_owned()) };
    let long = piece.cut || piece.bytes.len() > limits.body;
    let mut message = Message {
        time: piece.time,
        protocol: "websocket",
        kind: "message",
        from: piece.from,
        visibility: Visibility::Clear,
        packets: Vec::new(),
        bytes: piece.bytes.len() as u64,
        fields: vec![text("opcode", if piece.text { "text" } else { "binary" })],
        parts: Parts::default(),
    };
    if long {
        message.fields.push(text("body_cut", http::TOO_LONG));
    }
    if keep {
        let mut body = piece.bytes;
        body.truncate(limits.body);
        let mut tree = Tree::new(limits);
        let part = tree.root(Carrier::Body, "message", body, None);
        tree.content(part, None);
        let (parts, limit) = tree.done();
        message.parts = parts;
        if let Some(limit) = limit.or(long.then_some(http::TOO_LONG)) {
            message.fields.push(text("limit", limit));
        }
    }
    message
}

/// Adds the lengths of pieces to those of their sides.
pub(super) fn add(sums: &mut [u64; 2], pieces: &[Piece]) {
    for piece in pieces {
        if let Some(sum) = sums.get_mut(piece.from.index()) {
            *sum += piece.bytes.len() as u64;
        }
    }
}

impl Said {
    pub(super) fn unanswered(&self) -> bool {
        matches!(self, Self::Http(exchange) if exchange.unanswered())
    }

    /// Bytes of both sides, and the first and the last moment.
    pub(super) fn sums(&self, began: Timestamp) -> ([u64; 2], Timestamp, Timestamp) {
        let (mut bytes, pieces, halves) = match self {
            Self::Http(exchange) => {
                let bytes = exchange.halves().map(|half| half.map_or(0, |half| half.length));
                (bytes, &exchange.messages, exchange.halves())
            }
            Self::Bytes(pieces, known) => (known.skipped, pieces, [None; 2]),
        };
        add(&mut bytes, pieces);
        let times = || {
            let halves = halves.iter().flatten().map(|half| half.time);
            halves.chain(pieces.iter().map(|piece| piece.time))
        };
        (bytes, times().min().unwrap_or(began), times().max().unwrap_or(began))
    }
}
