//! A handshake, as far as Initial packets hold it: frames, and the hellos in them.

use std::sync::{Arc, Mutex};

use creance_cursor::Cursor;
use creance_model::{Field, Message, Parts, Side, Timestamp, Value, Visibility};

use super::{frames::Frame, google, opened::Opened, stream::Stream, version::Version};
use crate::{
    At, Limits,
    held::Held,
    tls::{self, hello},
};

/// A handshake, by what its keys follow from. The keys themselves are derived anew for each of the few packets that
/// need them: they are large.
pub(super) struct Handshake {
    /// The id that the client first chose for its server.
    pub(super) id: Vec<u8>,
    pub(super) version: Version,
    pub(super) salt: &'static [u8],
    sides: [Half; 2],
    /// The client's random, and the protocol that it offers first.
    pub(super) offer: Option<([u8; 32], Option<String>)>,
    /// The suite that the server chose, in which version.
    pub(super) suite: Option<(Version, u16)>,
    /// What goes on with the keys of this handshake, where they are known.
    pub(super) opened: Option<Arc<Mutex<Opened>>>,
}

#[derive(Default)]
struct Half {
    crypto: Stream,
    /// The id by which it wants to be addressed.
    id: Option<Vec<u8>>,
    /// Bytes of the handshake that were told.
    told: usize,
    /// A hello was told that is no request for another one.
    over: bool,
}

impl Handshake {
    /// A handshake of which nothing was read.
    pub(super) fn new(id: &[u8], version: Version, salt: &'static [u8]) -> Self {
        Self {
            id: id.to_vec(),
            version,
            salt,
            sides: Default::default(),
            offer: None,
            suite: None,
            opened: None,
        }
    }

    /// Whether both hellos were told.
    pub(super) fn is_over(&self) -> bool {
        self.sides.iter().all(|half| half.over)
    }

    /// Lets go what is held: nothing more is waited for.
    pub(super) fn forget(&mut self) {
        self.sides.iter_mut().for_each(|half| half.crypto = Stream::default());
    }

    /// Notes the id by which a side wants to be addressed, which an Initial packet of its own tells.
    pub(super) fn addressed(&mut self, side: Side, id: &[u8]) {
        self.half(side).id.get_or_insert_with(|| id.to_vec());
    }

    /// The ids by which the sides are addressed.
    pub(super) fn ids(&self) -> impl Iterator<Item = (Side, &[u8])> {
        [Side::Client, Side::Server]
            .into_iter()
            .zip(&self.sides)
            .filter_map(|(side, half)| Some((side, half.id.as_deref()?)))
    }

    /// Whether a packet of one side that goes to this id may be of this handshake.
    pub(super) fn goes_to(&self, from: Side, id: &[u8]) -> bool {
        let [client, server] = &self.sides;
        let other = if from == Side::Client { server } else { client };
        other.id.as_deref() == Some(id) || from == Side::Client && self.id == id
    }

    /// Whether what a packet brings was told before, but for what says how the connection goes.
    pub(super) fn knows(&self, from: Side, payload: &[u8]) -> bool {
        let [client, server] = &self.sides;
        let told = (if from == Side::Client { client } else { server }).told as u64;
        let mut cursor = Cursor::new(payload);
        while !cursor.is_empty() {
            match Frame::read(&mut cursor, self.version.has_google_frames()) {
                Ok(Frame::Other) => {}
                Ok(Frame::Crypto { offset, bytes }) if offset.saturating_add(bytes.len() as u64) <= told => {}
                _ => return false,
            }
        }
        true
    }

    /// Takes the handshake out of the frames that Initial packets may hold (RFC 9000 §12.4); says how many bytes were
    /// not read. Nothing: a limit was reached.
    pub(super) fn frames(&mut self, from: Side, payload: &[u8], at: At, limits: &Limits) -> Option<u64> {
        let mut cursor = Cursor::new(payload);
        let mut kept = true;
        while !cursor.is_empty() {
            let rest = cursor.len() as u64;
            match Frame::read(&mut cursor, self.version.has_google_frames()) {
                Ok(Frame::Crypto { offset, bytes }) => {
                    kept &= self.half(from).crypto.add(offset, bytes, at, limits);
                }
                Ok(Frame::Other) => {}
                // What is damaged, or must not be here, ends the packet; what came before it counts.
                _ => return kept.then_some(rest),
            }
        }
        kept.then_some(0)
    }

    fn half(&mut self, from: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if from == Side::Client { client } else { server }
    }

    /// Tells the handshake messages that are whole, each with what keys follow from.
    pub(super) fn hellos(&mut self, from: Side, tell: &mut dyn FnMut(Message, Said)) {
        let version = self.version;
        let half = self.half(from);
        let mut held = half.crypto.whole();
        held.consume(half.told);
        if version.is_google() {
            if let Some((fields, true)) = google::tags(held.bytes())
                && from == Side::Client
                && !half.over
            {
                half.over = true;
                let length = held.bytes().len();
                tell(message(from, "client-hello", version, fields, evidence(&held, length)), Said::Nothing);
            }
            return;
        }
        while let Some((&[kind, a, b, c], body)) = held.bytes().split_first_chunk::<4>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(body) = body.get(..length) else { break };
            match (kind, from) {
                (1, Side::Client) => {
                    if let Ok((fields, offer)) = hello::client_hello(body, hello::Over::Quic) {
                        let message =
                            message(from, "client-hello", version, fields, evidence(&held, length + 4));
                        half.over = true;
                        tell(message, Said::Offer(offer.random));
                    }
                }
                (2, Side::Server) => {
                    if let Ok((fields, choice)) = hello::server_hello(body) {
                        let message =
                            message(from, "server-hello", version, fields, evidence(&held, length + 4));
                        half.over = !choice.retry;
                        tell(message, if choice.retry { Said::Nothing } else { Said::Choice(choice.suite) });
                    }
                }
                _ => {}
            }
            half.told += 4 + length;
            held.consume(4 + length);
        }
    }
}

/// What a hello says that keys follow from.
pub(super) enum Said {
    /// The client's random.
    Offer([u8; 32]),
    /// The suite that the server chose.
    Choice(u16),
    Nothing,
}

/// Length, time and packets of the first bytes.
pub(super) fn evidence(held: &Held, length: usize) -> Evidence {
    (length, held.first().map_or_else(Timestamp::default, |at| at.time), held.packets(length))
}

pub(super) type Evidence = (usize, Timestamp, Vec<u64>);

pub(super) fn message(
    from: Side,
    kind: &'static str,
    version: Version,
    mut fields: Vec<Field>,
    (length, time, packets): Evidence,
) -> Message {
    fields.push(Field { name: "quic", value: Value::Text(version.name()) });
    let mut message = Message {
        time,
        protocol: "quic",
        kind,
        from,
        visibility: Visibility::Clear,
        packets,
        bytes: length as u64,
        fields,
        parts: Parts::default(),
    };
    message.parts = tls::names(&message);
    message
}
