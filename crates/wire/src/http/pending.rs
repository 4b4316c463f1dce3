//! A message of HTTP/2 or HTTP/3 on its way: what its header blocks and its body have brought so far, and in which
//! packets.

use creance_model::{Field, Message, Parts, Side, Timestamp, Value, Visibility};

use super::{
    Content, Head, LONGEST_ANSWER, TOO_LONG, is_always_kept,
    literal::{Block, Header},
    tell,
};
use crate::{At, Emit, Limits, kept::Kept};

/// Packets listed for one message.
const MOST_PACKETS: usize = 1 << 16;

/// One message on its way.
#[derive(Default)]
pub(crate) struct Pending {
    headers: Vec<Header>,
    /// Bytes of `headers`.
    header_bytes: usize,
    more: bool,
    /// Sent by a server of its own accord.
    pub(crate) pushed: bool,
    body: Kept,
    /// Why the body is not whole.
    pub(crate) cut: Option<&'static str>,
    packets: Vec<u64>,
    first: Option<Timestamp>,
    /// Bytes on the wire.
    pub(crate) length: u64,
}

impl Pending {
    /// Whether a header block has come.
    pub(crate) fn has_begun(&self) -> bool {
        !self.headers.is_empty() || self.more
    }

    /// Notes a packet that brought something of it.
    pub(crate) fn note(&mut self, at: At) {
        if self.packets.last() != Some(&at.packet) {
            if self.packets.len() == MOST_PACKETS {
                self.packets.pop();
            }
            self.packets.push(at.packet);
        }
        self.first.get_or_insert(at.time);
    }

    /// Bytes of fields that may yet be added.
    pub(crate) fn room(&self, limits: &Limits) -> usize {
        limits.head.saturating_sub(self.header_bytes)
    }

    /// Adds a header block: the head, or trailers, which follow the fields before.
    pub(crate) fn add(&mut self, block: Block) {
        let interim =
            self.headers.first().is_some_and(|(name, value)| name == ":status" && value.starts_with(b"1"));
        if interim {
            // An interim answer is over when the next one begins; its fields stand before those of that one.
            self.headers.retain(|(name, _)| !name.starts_with(':'));
        }
        self.header_bytes +=
            block.headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>();
        self.headers.extend(block.headers);
        self.more |= block.more;
    }

    /// Whether its body is looked into, whichever side sent it.
    fn is_wanted(&self, limits: &Limits) -> bool {
        let target = self.headers.iter().any(|(name, _)| name == ":path").then_some("");
        is_always_kept(&Head { target, headers: &self.headers, more: self.more }, limits)
    }

    /// Adds to its body, given whether bodies of its side are kept; says how many bytes that should be kept had no room.
    pub(crate) fn push(&mut self, content: &[u8], keep: bool, limits: &Limits) -> usize {
        if !keep {
            if self.is_wanted(limits) {
                self.body.push_short(content, LONGEST_ANSWER, limits);
            }
            return 0;
        }
        let left_out = content.len() - self.body.push(content, limits);
        if left_out > 0 {
            self.cut = self.cut.or(Some(TOO_LONG));
        }
        left_out
    }

    /// Tells the message. `keep`: whether messages of this side are taken apart.
    pub(crate) fn tell(
        mut self,
        protocol: &'static str,
        from: Side,
        keep: bool,
        limits: &Limits,
        emit: Emit<'_>,
    ) {
        let pseudo = |name: &str| {
            let found = self.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let text =
            |name, value: Option<String>| Field { name, value: Value::Text(value.unwrap_or_default()) };
        let target = pseudo(":path");
        let request = pseudo(":method").is_some() || target.is_some();
        let mut fields = if request {
            let host = pseudo(":authority").or_else(|| pseudo("host"));
            vec![text("method", pseudo(":method")), text("host", host), text("uri", target.clone())]
        } else {
            let status = pseudo(":status").and_then(|status| status.parse().ok());
            vec![Field { name: "status", value: Value::Integer(status.unwrap_or_default()) }]
        };
        // What is told otherwise stands once; of others nothing is told.
        let mut told: Vec<&str> = vec![":method", ":scheme", ":authority", ":path", ":status", ":protocol"];
        self.headers.retain(|(name, _)| match told.iter().position(|known| known == name) {
            Some(at) => {
                told.swap_remove(at);
                false
            }
            None => true,
        });
        let head = Head { target: target.as_deref(), headers: &self.headers, more: self.more };
        fields.extend(head.told());
        self.packets.sort_unstable();
        self.packets.dedup();
        let message = Message {
            time: self.first.unwrap_or_default(),
            protocol,
            kind: match (request, self.pushed) {
                (true, true) => "push-promise",
                (true, false) => "request",
                (false, _) => "response",
            },
            from,
            visibility: Visibility::Clear,
            packets: self.packets,
            bytes: self.length,
            fields,
            parts: Parts::default(),
        };
        let content = Content::of(&head, self.body.take(), self.cut);
        tell(message, &head, content, keep, limits, emit);
    }
}
