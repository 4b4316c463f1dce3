//! What was said: units of application protocols, taken apart.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Parts, Side, Timestamp};

/// Whether the bytes could be read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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

impl Visibility {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Decrypted => "decrypted",
            Self::Opaque => "opaque",
        }
    }
}

/// Where in a message something rode.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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
    pub parts: Parts,
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
        self.parts.decode_path(part)
    }

    /// The packets that carried a part: its own if it has any, else those of the nearest ancestor, else the message's.
    pub fn packets_of(&self, part: usize) -> &[u64] {
        self.parts.packets_of(part).unwrap_or(&self.packets)
    }
}
