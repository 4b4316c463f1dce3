//! Messages with a head like that of HTTP and a body whose length it states: RTSP and SIP over streams, and the same
//! in datagrams.

use creance_model::{Field, Message, Parts, Side, Value, Visibility};

use crate::{
    At, Limits,
    held::Held,
    http,
    http1::head::{Head, Line},
    media::sdp::Sdp,
};

/// A protocol of this kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Its name in outputs.
    pub(crate) name: &'static str,
    /// How its version begins, with which a first line ends or an answer begins.
    pub(crate) version: &'static str,
    /// Fields that are told of each message: the name here, the header, and its short form.
    pub(crate) told: &'static [(&'static str, &'static str, &'static str)],
}

/// A message that is whole, or as much of it as is kept.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    cut: Option<&'static str>,
    at: At,
    packets: Vec<u64>,
    length: usize,
}

/// What a stream had.
#[derive(Debug)]
pub(crate) enum Next {
    /// Not enough.
    Wait,
    Whole(Box<Whole>),
    /// This is no message.
    Broken,
}

/// Longest body that is kept, in bytes: descriptions and short messages.
const MOST_BODY: usize = 1 << 20;

/// Longest body that is believed, in bytes.
const LONGEST_BODY: usize = 1 << 32;

/// One direction of a stream.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) held: Held,
    /// Bytes in which no end of a head was found.
    searched: usize,
    /// The length of a head whose body is not whole, and how much of the body is kept.
    waiting: Option<(usize, usize)>,
    /// Bytes of a body that are passed over.
    skip: usize,
}

impl Stream {
    pub(crate) fn push(&mut self, bytes: &[u8], at: At) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.held.push(bytes.get(skipped..).unwrap_or_default(), at);
    }

    /// Takes the next message off.
    pub(crate) fn next(&mut self, dialect: &Dialect, limits: &Limits) -> Next {
        if let Some((end, kept)) = self.waiting
            && self.held.bytes().len() < end + kept
        {
            return Next::Wait;
        }
        self.waiting = None;
        // Empty lines before a message keep connections alive (RFC 5626 §3.5.1).
        let empty = self.held.bytes().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if empty > 0 {
            self.held.consume(empty);
            self.searched = 0;
        }
        let bytes = self.held.bytes();
        let from = self.searched.saturating_sub(3).min(bytes.len());
        let found = memchr::memmem::find(bytes.get(from..).unwrap_or_default(), b"\r\n\r\n");
        let Some(end) = found.map(|at| from + at + 4) else {
            self.searched = bytes.len();
            return if bytes.len() > limits.head { Next::Broken } else { Next::Wait };
        };
        let Some(head) = Head::of(dialect.version, bytes.get(..end).unwrap_or_default()) else {
            return Next::Broken;
        };
        let stated = body_length(&head).unwrap_or(0);
        if stated > LONGEST_BODY {
            return Next::Broken;
        }
        let kept = stated.min(MOST_BODY.min(limits.body));
        let Some(body) = bytes.get(end..end.saturating_add(kept)) else {
            self.searched = end - 4;
            self.waiting = Some((end, kept));
            return Next::Wait;
        };
        let whole = Whole {
            body: body.to_vec(),
            head,
            cut: (kept < stated).then_some(http::TOO_LONG),
            at: self.held.first().unwrap_or(At { packet: 0, time: creance_model::Timestamp::default() }),
            packets: self.held.packets(end + kept),
            length: end.saturating_add(stated),
        };
        let have = self.held.bytes().len().min(whole.length);
        self.skip = whole.length - have;
        self.held.consume(have);
        self.searched = 0;
        Next::Whole(Box::new(whole))
    }

    /// What waits is let go; how much that was.
    pub(crate) fn lose(&mut self) -> usize {
        let lost = self.held.bytes().len();
        *self = Self::default();
        lost
    }
}

fn body_length(head: &Head) -> Option<usize> {
    let length = head.header("content-length").or_else(|| head.header("l"))?;
    length.trim().parse().ok()
}

impl Whole {
    /// A datagram that is one message.
    pub(crate) fn datagram(dialect: &Dialect, bytes: &[u8], at: At) -> Option<Self> {
        // Empty lines keep connections alive (RFC 3261 §7.5).
        let start = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let message = bytes.get(start..)?;
        let end = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
        let (head, body) = message.split_at_checked(end)?;
        let head = Head::of(dialect.version, head)?;
        // What follows the stated length was sent all the same.
        let body = body.to_vec();
        Some(Self { head, body, cut: None, at, packets: vec![at.packet], length: bytes.len() })
    }

    /// How many bytes of it were read.
    pub(crate) fn readable(&self) -> u64 {
        let unread = if self.cut.is_some() { self.length.saturating_sub(self.body.len()) } else { 0 };
        (self.length - unread) as u64
    }

    /// What its body describes, if it is a description of media.
    pub(crate) fn sdp(&self) -> Option<Sdp> {
        let kind = self.head.header("content-type").or_else(|| self.head.header("c"))?;
        kind.to_lowercase().contains("sdp").then(|| Sdp::read(&self.body))
    }

    pub(crate) fn message(
        self,
        dialect: &Dialect,
        from: Side,
        sdp: Option<&Sdp>,
        keep: bool,
        limits: &Limits,
    ) -> Message {
        let text = |name, value: String| Field { name, value: Value::Text(value) };
        let (kind, mut fields) = match &self.head.line {
            Line::Request { method, target } => {
                ("request", vec![text("method", method.clone()), text("uri", target.clone())])
            }
            Line::Status { status } => {
                ("response", vec![Field { name: "status", value: Value::Integer(i64::from(*status)) }])
            }
        };
        for (name, header, short) in dialect.told {
            let found = self.head.header(header).or_else(|| self.head.header(short));
            fields.extend(found.map(|value| text(name, value.into_owned())));
        }
        if let Some(sdp) = sdp.filter(|sdp| !sdp.media.is_empty()) {
            let media = sdp.media.iter().map(|media| Value::Text(media.shown())).collect();
            fields.push(Field { name: "media", value: Value::List(media) });
        }
        let message = Message {
            time: self.at.time,
            protocol: dialect.name,
            kind,
            from,
            visibility: Visibility::Clear,
            packets: self.packets,
            bytes: self.length as u64,
            fields,
            parts: Parts::default(),
        };
        let head = self.head.shared();
        let content = http::Content::of(&head, self.body, self.cut);
        let mut message = http::fill(message, &head, content, keep, limits);
        if sdp.is_some_and(|sdp| sdp.more) && message.field("limit").is_none() {
            message.fields.push(text("limit", "media of one description".to_owned()));
        }
        message
    }
}
