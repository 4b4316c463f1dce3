//! A connection whose secrets are known: its packets opened, its handshake read, its streams handed on.

use std::collections::{BTreeMap, VecDeque};

use creance_cursor::{Cursor, Malformed};
use creance_model::{Flow, Side, Visibility};

use super::{
    frames::Frame,
    handshake::message,
    incoming::{Done, Incoming, Over},
    protection::Protection,
    version::Version,
};
use crate::{
    At, Emit, KeyLog, Limits,
    held::Held,
    http3::{End, Http3},
    keys::Label,
    tls::{Suite, cause, hello},
};

/// Streams of one side that may be open at one time.
const MOST_STREAMS: usize = 512;

/// Pieces that may wait in all streams of one side.
const MOST_PIECES: usize = 1 << 14;

/// Ids of one side that are known at one time: peers agree on far fewer.
const MOST_IDS: usize = 32;

/// Longest handshake message that is read: chains of certificates are long.
const MOST_MESSAGE: usize = 1 << 17;

const LOST: &str = "stream of QUIC behind missing bytes";
const AGAIN: &str = "sent again within QUIC, or behind the end of a stream";
pub(super) const FRAME: &str = "frame of QUIC not read";
const DATAGRAM: &str = "datagrams within QUIC not read";
pub(super) const LIMIT: &str = "streams of QUIC beyond a limit";

/// Which keys a packet is protected with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Space {
    Early,
    Handshake,
    Data,
}

/// A packet, and what reading it needs.
pub(super) struct Heard<'a, 'b> {
    pub(super) flow: &'a Flow,
    pub(super) from: Side,
    pub(super) packet: &'a [u8],
    /// Where its number stands.
    pub(super) number: usize,
    pub(super) at: At,
    pub(super) limits: &'a Limits,
    pub(super) emit: Emit<'b>,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tried {
    /// It was read; what was not of it stands in what the connection owes.
    Read,
    /// Its authentication fails.
    Failed,
    /// The server's hello will tell the keys.
    NotYet,
    /// There is no key.
    NoKey,
}

/// A connection.
pub(super) struct Opened {
    keys: KeyLog,
    random: [u8; 32],
    version: Version,
    suite: Option<Suite>,
    early: Vec<Protection>,
    sides: [Half; 2],
    application: Application,
    /// What the client offered first.
    offered: Option<String>,
    plain: Vec<u8>,
    /// Ids that nobody else knows of yet.
    fresh: Vec<(Side, Vec<u8>)>,
    /// Bytes of each side that count as read, packet for packet, and are not.
    owes: [u64; 2],
}

#[derive(Default)]
struct Half {
    handshake: Option<Protection>,
    data: Option<Protection>,
    /// Of the handshake, and of what comes behind it: each counts from zero (RFC 9001 §4.1.3). With bytes of a message
    /// that is not whole.
    crypto: [(Incoming, Held); 2],
    streams: BTreeMap<u64, Incoming>,
    /// Pieces that wait in all streams.
    pieces: usize,
    /// By the two lowest bits of their ids.
    done: [Done; 4],
    /// By which ids the other side addresses this one.
    ids: VecDeque<Vec<u8>>,
    cause: Option<&'static str>,
}

impl Half {
    fn held(&mut self, space: Space) -> &mut Held {
        let [first, behind] = &mut self.crypto;
        if space == Space::Data { &mut behind.1 } else { &mut first.1 }
    }
}

/// What is spoken in the streams.
enum Application {
    Unknown,
    Http3(Box<Http3>),
    /// A protocol that is not read, under its name in outputs.
    Other(&'static str),
}

impl Application {
    /// That of a name in TLS (RFC 7301).
    fn of(alpn: &str) -> Self {
        match alpn {
            _ if alpn == "h3" || alpn.starts_with("h3-") => Self::Http3(Box::default()),
            "doq" | "doq-i00" => Self::Other("doq"),
            _ => Self::Other("quic"),
        }
    }
}

impl Opened {
    /// A connection whose client's hello was read: its random, and what it offers first.
    pub(super) fn new(keys: KeyLog, random: [u8; 32], version: Version, offered: Option<String>) -> Self {
        // The suite of early data is that of an earlier connection; authentication tells which.
        let early = keys.secret(&random, Label::ClientEarly).into_iter().flat_map(|secret| {
            [0x1301, 0x1302, 0x1303]
                .into_iter()
                .filter_map(Suite::of)
                .filter_map(move |suite| Protection::new(suite, version, secret.clone()))
        });
        Self {
            early: early.collect(),
            keys,
            random,
            version,
            suite: None,
            sides: Default::default(),
            application: Application::Unknown,
            offered,
            plain: Vec::new(),
            fresh: Vec::new(),
            owes: [0; 2],
        }
    }

    /// Takes back what was counted as read and is not. What is more than was counted here stays: it was counted where
    /// the connection was before.
    pub(super) fn pay(&mut self, readable: &mut [u64; 2]) {
        for (owes, readable) in self.owes.iter_mut().zip(readable) {
            let paid = (*owes).min(*readable);
            *owes -= paid;
            *readable -= paid;
        }
    }

    fn owe(&mut self, unread: [u64; 2]) {
        self.owes.iter_mut().zip(unread).for_each(|(owes, unread)| *owes += unread);
    }

    /// The server's hello chose a suite.
    pub(super) fn choose(&mut self, version: Version, suite: u16) {
        let suite = Suite::of(suite);
        (self.version, self.suite) = (version, suite);
        let labels =
            [[Label::ClientHandshake, Label::ClientTraffic], [Label::ServerHandshake, Label::ServerTraffic]];
        for (half, labels) in self.sides.iter_mut().zip(labels) {
            let [handshake, data] = labels.map(|label| self.keys.secret(&self.random, label));
            let known = handshake.is_some() || data.is_some();
            let new = |secret: Option<Vec<u8>>| Protection::new(suite?, version, secret?);
            (half.handshake, half.data) = (new(handshake), new(data));
            if known && half.handshake.is_none() && half.data.is_none() {
                half.cause = Some(if suite.is_none() { cause::SUITE } else { cause::MISFIT });
            }
        }
        if suite.is_none() {
            self.sides.iter_mut().for_each(|half| half.cause = Some(cause::SUITE));
        }
    }

    /// Whether the suite is known, by the server's hello.
    pub(super) fn is_chosen(&self) -> bool {
        self.sides.iter().any(|half| half.handshake.is_some() || half.data.is_some() || half.cause.is_some())
    }

    /// Notes an id by which a side is addressed.
    pub(super) fn addressed(&mut self, side: Side, id: &[u8]) {
        let ids = &mut self.half(side).ids;
        if ids.iter().any(|known| known == id) {
            return;
        }
        if ids.len() == MOST_IDS {
            // The first is kept: the others have its length.
            ids.remove(1);
        }
        ids.push_back(id.to_vec());
        self.fresh.push((side, id.to_vec()));
    }

    /// The ids that came since this was asked.
    pub(super) fn fresh(&mut self) -> Vec<(Side, Vec<u8>)> {
        std::mem::take(&mut self.fresh)
    }

    /// The ids by which a side is addressed.
    pub(super) fn ids(&self, side: Side) -> impl Iterator<Item = &[u8]> {
        let [client, server] = &self.sides;
        (if side == Side::Client { client } else { server }).ids.iter().map(Vec::as_slice)
    }

    fn half(&mut self, from: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if from == Side::Client { client } else { server }
    }

    /// Opens and reads a packet.
    pub(super) fn packet(&mut self, space: Space, heard: &mut Heard<'_, '_>) -> Tried {
        let mut plain = std::mem::take(&mut self.plain);
        let (packet, number) = (heard.packet, heard.number);
        let chosen = self.is_chosen();
        let half = self.half(heard.from);
        let opened = match space {
            Space::Handshake => half.handshake.as_mut().map(|keys| keys.open(packet, number, &mut plain)),
            Space::Data => half.data.as_mut().map(|keys| keys.open(packet, number, &mut plain)),
            Space::Early => {
                let keys = &mut self.early;
                let fits = keys.iter_mut().position(|keys| keys.open(packet, number, &mut plain));
                if let Some(fits) = fits {
                    keys.swap(0, fits);
                    keys.truncate(1);
                }
                (!keys.is_empty()).then_some(fits.is_some())
            }
        };
        let tried = match opened {
            Some(true) => {
                let unread = self.frames(&plain, space, heard);
                if let Some(owes) = self.owes.get_mut(heard.from.index()) {
                    *owes += unread;
                }
                Tried::Read
            }
            Some(false) => Tried::Failed,
            None if !chosen && space != Space::Early => Tried::NotYet,
            None => {
                let why = if space == Space::Early { cause::EARLY } else { cause::NO_KEY };
                self.half(heard.from).cause.get_or_insert(why);
                Tried::NoKey
            }
        };
        self.plain = plain;
        tried
    }

    /// A packet of this side fits no connection; by its id it is of this one.
    pub(super) fn fails(&mut self, from: Side) {
        self.half(from).cause.get_or_insert(cause::MISFIT);
    }

    /// Reads the frames of a packet; says how many bytes were not read.
    fn frames(&mut self, plain: &[u8], space: Space, heard: &mut Heard<'_, '_>) -> u64 {
        let mut cursor = Cursor::new(plain);
        let mut unread = 0;
        while !cursor.is_empty() {
            let rest = cursor.len() as u64;
            if let Ok(more) = self.frame(&mut cursor, space, heard) {
                unread += more;
            } else {
                self.half(heard.from).cause.get_or_insert(FRAME);
                return unread + rest;
            }
        }
        unread
    }

    fn frame(
        &mut self,
        cursor: &mut Cursor<'_>,
        space: Space,
        heard: &mut Heard<'_, '_>,
    ) -> Result<u64, Malformed> {
        let rest = cursor.len();
        match Frame::read(cursor, self.version.has_google_frames())? {
            Frame::Crypto { offset, bytes } => {
                let half = self.half(heard.from);
                let [first, behind] = &mut half.crypto;
                let (crypto, held) = if space == Space::Data { behind } else { first };
                if !crypto.add(offset, bytes, heard.at, heard.limits, &mut |bytes, at| held.push(bytes, at)) {
                    half.cause = Some(LIMIT);
                    return Ok(bytes.len() as u64);
                }
                self.handshake(space, heard);
            }
            Frame::Stream { id, offset, bytes, ends } => {
                return Ok(self.stream(id, offset, bytes, ends, heard));
            }
            Frame::Reset { id, size } => {
                if self.half(heard.from).streams.contains_key(&id) {
                    self.half(heard.from).streams.entry(id).or_default().reset = true;
                    return Ok(self.stream(id, size, &[], true, heard));
                }
            }
            Frame::Id(id) => self.addressed(heard.from, id),
            Frame::Datagram(bytes) => {
                self.half(heard.from).cause.get_or_insert(DATAGRAM);
                return Ok(bytes.len() as u64);
            }
            Frame::Other => {}
            Frame::Unknown => {
                cursor.take("frames", cursor.len())?;
                self.half(heard.from).cause.get_or_insert(FRAME);
                return Ok(rest as u64);
            }
        }
        Ok(0)
    }

    /// Reads the handshake messages that are whole: what the server chooses, and the certificates.
    fn handshake(&mut self, space: Space, heard: &mut Heard<'_, '_>) {
        let (version, from) = (self.version, heard.from);
        let mut held = std::mem::take(self.half(from).held(space));
        while let Some((&[kind, a, b, c], body)) = held.bytes().split_first_chunk::<4>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MOST_MESSAGE {
                self.half(from).cause = Some(cause::BROKEN);
                return;
            }
            let Some(body) = body.get(..length) else { break };
            let (name, fields) = match kind {
                8 => ("encrypted-extensions", hello::encrypted_extensions(body).unwrap_or_default()),
                11 => ("certificate", hello::certificate(body, true, true)),
                _ => ("", Vec::new()),
            };
            if !fields.is_empty() {
                let evidence = super::handshake::evidence(&held, length + 4);
                let mut message = message(from, name, version, fields, evidence);
                message.visibility = Visibility::Decrypted;
                if kind == 8
                    && let Some(alpn) = message.text("alpn")
                {
                    self.speaks(alpn);
                }
                (heard.emit)(message);
            }
            held.consume(length + 4);
        }
        *self.half(from).held(space) = held;
    }

    /// What is spoken is known, if it was not before.
    fn speaks(&mut self, alpn: &str) {
        if matches!(self.application, Application::Unknown) {
            self.application = Application::of(alpn);
        }
    }

    /// Takes a frame of a stream; says how many bytes were not read.
    fn stream(&mut self, id: u64, offset: u64, bytes: &[u8], ends: bool, heard: &mut Heard<'_, '_>) -> u64 {
        if let Some(offered) = self.offered.take() {
            // Early data, or the keys of the handshake are lacking: the client goes by what it offered.
            self.speaks(&offered);
        }
        let from = heard.from;
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        let (done, count) = (half.done.get_mut((id & 3) as usize), id >> 2);
        let Some(done) = done else { return bytes.len() as u64 };
        match done.is_over(count) {
            Over::Yes => {
                half.cause.get_or_insert(AGAIN);
                return bytes.len() as u64;
            }
            Over::Forgotten => {
                half.cause = Some(LIMIT);
                return bytes.len() as u64;
            }
            Over::No => {}
        }
        let mut unread = 0;
        if !half.streams.contains_key(&id) && half.streams.len() == MOST_STREAMS {
            // Those of one direction are few and last.
            let oldest = half.streams.keys().find(|id| **id & 2 == 0).or(half.streams.keys().next()).copied();
            half.cause = Some(LIMIT);
            unread += oldest.map_or(0, |id| self.end(from, id, End::Many, heard));
        }
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        let incoming = half.streams.entry(id).or_default();
        if ends {
            incoming.size.get_or_insert(offset.saturating_add(bytes.len() as u64));
        }
        let application = &mut self.application;
        let cause = &mut half.cause;
        let emit = &mut *heard.emit;
        let (flow, limits) = (heard.flow, heard.limits);
        let before = incoming.pieces();
        let known = incoming.knows(offset, bytes.len());
        if known > 0 {
            cause.get_or_insert(AGAIN);
        }
        let mut unread_by_side = [0; 2];
        let kept = incoming.add(offset, bytes, heard.at, limits, &mut |bytes, at| {
            if let Application::Http3(http3) = application {
                let more = http3.feed(flow, from, id, bytes, at, limits, emit);
                unread_by_side.iter_mut().zip(more).for_each(|(unread, more)| *unread += more);
            } else {
                cause.get_or_insert(cause::INNER);
                unread += bytes.len() as u64;
            }
        });
        half.pieces = half.pieces + incoming.pieces() - before;
        let (whole, reset) = (incoming.is_whole(), incoming.reset);
        let beyond = !kept || half.pieces > MOST_PIECES;
        self.owe(unread_by_side);
        unread += if kept { known } else { bytes.len() as u64 };
        if beyond {
            unread += self.end(from, id, End::Limit, heard);
        } else if whole {
            unread += self.end(from, id, if reset { End::Reset } else { End::Whole }, heard);
        }
        unread
    }

    /// A stream is over; says how many bytes of it were counted as read, and are not.
    fn end(&mut self, from: Side, id: u64, how: End, heard: &mut Heard<'_, '_>) -> u64 {
        let half = self.half(from);
        if let Some(done) = half.done.get_mut((id & 3) as usize) {
            done.insert(id >> 2);
        }
        let incoming = half.streams.remove(&id).unwrap_or_default();
        half.pieces -= incoming.pieces();
        let unread = incoming.held();
        if unread > 0 || how == End::Limit {
            half.cause.get_or_insert(if how == End::Limit { LIMIT } else { LOST });
        }
        let Application::Http3(http3) = &mut self.application else { return unread };
        unread + http3.end(heard.flow, from, id, how, heard.limits, heard.emit)
    }

    /// The flow is over.
    pub(super) fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        let mut unread = [0; 2];
        for (side, unread) in [Side::Client, Side::Server].into_iter().zip(&mut unread) {
            let half = self.half(side);
            let streams = std::mem::take(&mut half.streams);
            if streams.values().any(|incoming| incoming.held() > 0) {
                half.cause.get_or_insert(LOST);
            }
            for (id, incoming) in streams {
                let how = match () {
                    () if incoming.held() > 0 => End::Missing,
                    () if incoming.reset => End::Reset,
                    () => End::Flow,
                };
                *unread += incoming.held();
                if let Application::Http3(http3) = &mut self.application {
                    *unread += http3.end(flow, side, id, how, limits, emit);
                }
            }
        }
        if let Application::Http3(http3) = &mut self.application {
            let more = http3.finish(flow, limits, emit);
            unread.iter_mut().zip(more).for_each(|(unread, more)| *unread += more);
        }
        self.owe(unread);
    }

    /// Why the rest was not read, by [`Side::index`].
    pub(super) fn opaque(&self) -> [Option<&'static str>; 2] {
        let inner = match &self.application {
            Application::Http3(http3) => http3.opaque(),
            _ => [None; 2],
        };
        let [client, server] = &self.sides;
        let [of_client, of_server] = inner;
        [client.cause.or(of_client), server.cause.or(of_server)]
    }

    /// The name of what is spoken.
    pub(super) fn protocol(&self) -> &'static str {
        match &self.application {
            Application::Unknown => "quic",
            Application::Http3(_) => "http/3",
            Application::Other(name) => name,
        }
    }
}
