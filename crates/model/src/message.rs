//! What was said: units of application protocols, taken apart.

use std::{borrow::Cow, net::IpAddr};

use serde::Serialize;

use crate::{Side, Timestamp};

/// Whether the bytes could be read.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Sent in the clear.
    #[default]
    Clear,
    /// Sent encrypted, read with keys that the examiner gave.
    Decrypted,
    /// Not readable. Opaque is not innocent.
    Opaque,
}

/// Where in a message something rode.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// A request target: path and query.
    Uri,
    /// A header field other than a cookie.
    Header,
    /// A cookie.
    Cookie,
    /// A body.
    Body,
    /// Labels of a DNS name.
    DnsLabel,
    /// A handshake field, such as a server name.
    Handshake,
    /// A field of a binary protocol.
    Field,
}

impl Carrier {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uri => "uri",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::DnsLabel => "dns-label",
            Self::Handshake => "handshake",
            Self::Field => "field",
        }
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Words.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with decimals.
    Float(f64),
    /// Yes or no.
    Flag(bool),
    /// An IP address.
    Address(IpAddr),
    /// Several values.
    List(Vec<Value>),
}

/// A named value, under the name its standard uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: Value,
}

/// A stretch of content inside a message, with the way that leads to it.
///
/// Parts form a tree: a body, what its decompression gives, each field of the JSON inside, … A part without
/// `name` is a container or raw content; a part with `name` is a named field, whose siblings share its `parent`.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where in the message its root rides.
    pub carrier: Carrier,
    /// The part it was decoded from, as an index into [`Message::parts`] (always smaller than its own).
    pub parent: Option<usize>,
    /// The step from the parent: `request body`, `gzip`, `json:/user/mail`, `form:mail`, `query:ll`, `base64`, …
    pub step: Cow<'static, str>,
    /// The name of the field, if it is one: the last key of `json:/user/mail` is `mail`.
    pub name: Option<String>,
    /// The decoded bytes.
    pub bytes: Vec<u8>,
    /// Whether the bytes are the image of a whole file or document (then `name` may be its file name).
    pub media_type: Option<String>,
    /// The packets that carried it; empty means those of the message.
    pub packets: Vec<u64>,
}

impl Part {
    /// A part of these bytes; its packets are those of the message.
    pub fn new(
        carrier: Carrier,
        parent: Option<usize>,
        step: impl Into<Cow<'static, str>>,
        name: Option<&str>,
        bytes: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            carrier,
            parent,
            step: step.into(),
            name: name.map(str::to_owned),
            bytes: bytes.into(),
            media_type: None,
            packets: Vec::new(),
        }
    }
}

/// One unit of an application protocol: a request, an answer, a handshake message, a telemetry frame.
#[derive(Clone, Debug)]
pub struct Message {
    /// When its first byte was captured.
    pub time: Timestamp,
    /// The protocol, as outputs name it: `dns`, `tls`, `http/1`, `mavlink`, …
    pub protocol: &'static str,
    /// What it is within its protocol: `query`, `response`, `client-hello`, `certificate`, `request`, `heartbeat`, …
    pub kind: &'static str,
    /// Which end sent it.
    pub from: Side,
    /// Whether it was readable.
    pub visibility: Visibility,
    /// The packets that carried it, ascending, each once; only its own.
    pub packets: Vec<u64>,
    /// Its length on the wire in bytes, headers of lower layers not counted.
    pub bytes: u64,
    /// Its fields, under the names of DESIGN §4.
    pub fields: Vec<Field>,
    /// Its content.
    pub parts: Vec<Part>,
}

impl Message {
    /// The first field called `name`.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// The first field called `name`, if it holds words.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.field(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Every step from the message to a part, outermost first.
    pub fn decode_path(&self, part: usize) -> Vec<String> {
        let mut steps = Vec::new();
        let mut next = Some(part);
        while let Some(part) = next.and_then(|index| self.parts.get(index)) {
            steps.push(part.step.to_string());
            next = part.parent;
        }
        steps.reverse();
        steps
    }

    /// The packets that carried a part: its own if it has any, else those of the nearest ancestor, else the message's.
    pub fn packets_of(&self, part: usize) -> &[u64] {
        let mut next = Some(part);
        while let Some(part) = next.and_then(|index| self.parts.get(index)) {
            if !part.packets.is_empty() {
                return &part.packets;
            }
            next = part.parent;
        }
        &self.packets
    }
}
