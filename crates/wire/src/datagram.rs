//! Protocols of which each datagram is a message: they share one session.

use creance_cursor::Malformed;
use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Value, Visibility};

use crate::{At, Emit, Limits, Progress, Session};

/// What a message says, beside when and whence.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) kind: &'static str,
    pub(crate) fields: Vec<Field>,
    pub(crate) parts: Parts,
}

impl Told {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(crate) fn number(&mut self, name: &'static str, value: impl Into<i64>) {
        self.fields.push(Field { name, value: Value::Integer(value.into()) });
    }

    pub(crate) fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.fields.push(Field { name, value: Value::Text(value.into()) });
    }

    /// A value that somebody gave: a field, and a part under the same name, which is what detectors see.
    pub(crate) fn value(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        self.parts.add(Carrier::Field, None, name, Some(name), value.as_str());
        self.text(name, value);
    }

    /// The message. Parts are kept of what leaves.
    pub(crate) fn message(
        self,
        protocol: &'static str,
        from: Side,
        at: At,
        packets: Vec<u64>,
        bytes: u64,
        keep: bool,
    ) -> Message {
        Message {
            time: at.time,
            protocol,
            kind: self.kind,
            from,
            visibility: Visibility::Clear,
            packets,
            bytes,
            fields: self.fields,
            parts: if keep { self.parts } else { Parts::default() },
        }
    }
}

/// Reads one datagram.
pub(crate) type Read = fn(&[u8]) -> Result<Told, Malformed>;

/// A conversation of such datagrams.
pub(crate) struct Each {
    name: &'static str,
    read: Read,
    readable: [u64; 2],
}

impl Each {
    /// Under this name, read by this function.
    pub(crate) fn start(name: &'static str, read: Read) -> Box<dyn Session> {
        Box::new(Self { name, read, readable: [0; 2] })
    }
}

impl Session for Each {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if let Ok(told) = (self.read)(bytes) {
            let keep = limits.keeps(flow, from);
            emit(told.message(self.name, from, at, vec![at.packet], bytes.len() as u64, keep));
            if let Some(readable) = self.readable.get_mut(from.index()) {
                *readable += bytes.len() as u64;
            }
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn protocol(&self) -> &'static str {
        self.name
    }
}
