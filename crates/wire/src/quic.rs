//! QUIC (RFC 9000, 9001, 9369), its drafts from 21 on, Facebook's mvfst and Google's own versions: who is asked for; with
//! keys, what is inside.
//!
//! ```text
//! datagram   ┌ packet ┬ packet …                                    several may share one
//! short      ┌──────┬───────────┬────────┬────────
//!            │ type │ server id │ number │ frames                   its length and that of the id are not stated
//!            └──────┴───────────┴────────┴────────
//! Initial    ┌──────┬─────────┬───────────┬────────┬───────┬────────┬────────┬─────────
//!            │ type │ version │ server id │ our id │ token │ length │ number │ frames
//!            └──────┴─────────┴───────────┴────────┴───────┴────────┴────────┴─────────
//! Google's   ┌──────┬────┬─────────┬────────┬──────┬────────────────────────
//! (to Q046)  │ type │ id │ version │ number │ hash │ … "CHLO", tags, values      in the clear
//!            └──────┴────┴─────────┴────────┴──────┴────────────────────────
//! ```
//!
//! Initial packets are protected with keys that follow from what everyone sees; their CRYPTO frames hold the hellos of
//! TLS, from which follow, with a key log, the keys of all others. One pair of ports may serve several connections, each
//! with a first connection id of its own. A packet is read only if its authentication holds. Packets that come before
//! the hellos that they need wait for them. Of versions that are not read, the name is told.

mod frames;
mod google;
mod handshake;
mod header;
mod ids;
mod incoming;
mod initial;
mod ongoing;
mod opened;
mod protection;
mod sealed;
mod stream;
mod version;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use creance_model::{Field, Flow, Message, Side, Transport, Value};

use crate::{At, Emit, Limits, Means, Probe, Progress, Protocol, Session, kept::Kept, tls::cause};
use handshake::{Handshake, Said, message};
use header::Header;
use initial::Initial;
use opened::{Heard, Opened};
use version::Version;

pub(crate) use frames::number;
pub(crate) use ids::Connections;
pub(crate) use ongoing::Ongoing;

/// QUIC over UDP.
pub(crate) struct Quic;

impl Protocol for Quic {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Udp || from == Side::Server {
            return Probe::No;
        }
        let begins = Header::read(head, true).is_some_and(|header| {
            // Elsewhere than where servers listen for QUIC, only what clients must send first is believed to be it.
            header.kind == header.version.initial()
                && (flow.server.port == 443
                    || header.version.is_known()
                        && head.len() >= SHORTEST_FIRST
                        && header.bounds().is_ok_and(|(_, end)| end <= head.len()))
        });
        if begins || google::version(head).is_some() { Probe::Yes } else { Probe::No }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Box::new(Connection { means: means.clone(), ..Connection::default() })
    }
}

/// Longest head of an Initial packet without a token: flags, version, two ids with their lengths, two more lengths.
const LONGEST_HEADER: usize = 1 + 4 + 2 * (1 + 20) + 2 * 8;

/// Clients fill up the datagrams of their Initial packets to at least this (RFC 9000 §14.1).
const SHORTEST_FIRST: usize = 1200;

/// Handshakes followed at once between one pair of ports.
const MOST_HANDSHAKES: usize = 4;

/// Keys derived in vain before no more are: each takes some microseconds.
const MOST_TRIES: u8 = 64;

/// Packets of one datagram that may begin a handshake.
const MOST_FIRST: u8 = 2;

#[derive(Default)]
struct Connection {
    means: Means,
    handshakes: VecDeque<Handshake>,
    tries: u8,
    /// The first version that the client used, and where, while nothing was told of it.
    asked: Option<(Version, At)>,
    told: bool,
    readable: [u64; 2],
    /// Why the rest was not read, where more is known than that there is no key.
    cause: Option<&'static str>,
    /// Connections whose handshake is gone, because too many others followed.
    others: VecDeque<Arc<Mutex<Opened>>>,
    /// Packets that came before the hellos that they need.
    waiting: Vec<(Side, At, Kept)>,
    /// A hello came that packets may have waited for.
    turned: bool,
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
        match google::version(bytes) {
            Some(version) if from == Side::Client => self.google(version, bytes, at, emit),
            _ => self.datagram(flow, from, bytes, at, limits, emit),
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for opened in self.opened() {
            // Where another flow goes on with it, that one tells the rest.
            if Arc::strong_count(&opened) <= 2 {
                self.over(&opened, flow, limits, emit);
            }
        }
        let limit = (self.cause == Some(LIMIT))
            .then(|| Field { name: "limit", value: Value::Text(LIMIT.to_owned()) });
        if let Some((version, at)) = self.asked.filter(|_| !self.told || limit.is_some()) {
            let fields = Vec::from_iter(limit);
            emit(message(Side::Client, "initial", version, fields, (0, at.time, vec![at.packet])));
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        let unread = |version: Version| version.salts().is_empty() || !version.is_known();
        let version = self.asked.filter(|(version, _)| !self.told && unread(*version)).map(|_| VERSION);
        let unseen = self.asked.is_none().then_some(cause::NO_HELLO);
        let mut causes = [self.cause; 2];
        for opened in self.opened() {
            let of = opened.lock().map_or([None; 2], |opened| opened.opaque());
            causes.iter_mut().zip(of).for_each(|(cause, of)| *cause = cause.or(of));
        }
        causes.map(|cause| cause.or(version).or(unseen).or(Some(cause::NO_KEY)))
    }

    fn protocol(&self) -> &'static str {
        let spoken = self.opened().into_iter().filter_map(|opened| Some(opened.lock().ok()?.protocol()));
        spoken.into_iter().find(|name| *name != "quic").unwrap_or("quic")
    }
}

/// Why the rest was not read.
const VERSION: &str = "encrypted, version of QUIC not read";
const LIMIT: &str = "handshake of QUIC beyond a limit";

impl Connection {
    /// Reads the packets of a datagram.
    fn datagram(&mut self, flow: &Flow, from: Side, bytes: &[u8], at: At, limits: &Limits, emit: Emit<'_>) {
        let mut rest = bytes;
        let mut first = if bytes.len() < SHORTEST_FIRST { 0 } else { MOST_FIRST };
        while let Some(header) = Header::read(rest, self.handshakes.is_empty()) {
            if header.kind == header.version.retry() {
                return;
            }
            let Ok((number, end)) = header.bounds() else { return };
            let Some((packet, behind)) = rest.split_at_checked(end) else { return };
            if header.kind == header.version.initial() {
                if from == Side::Client {
                    self.asked.get_or_insert((header.version, at));
                }
                if let Some((which, payload)) = self.open(from, &header, packet, number, &mut first)
                    && let Some(unread) = self.read(which, from, header.source, &payload, at, limits, emit)
                    && let Some(readable) = self.readable.get_mut(from.index())
                {
                    // A token in front is the server's own, or whatever a client puts there.
                    let token = number.saturating_sub(LONGEST_HEADER) as u64;
                    *readable += (packet.len() as u64).saturating_sub(unread + token);
                }
            } else {
                self.sealed(&mut Heard { flow, from, packet, number, at, limits, emit });
            }
            rest = behind;
        }
        if rest.first().is_some_and(|flags| flags & 0x80 == 0) {
            self.sealed(&mut Heard { flow, from, packet: rest, number: 0, at, limits, emit });
        }
        if std::mem::take(&mut self.turned) {
            self.waited(flow, limits, emit);
        }
        while self.others.len() > MOST_HANDSHAKES
            && let Some(opened) = self.others.pop_front()
        {
            self.cause = Some(LIMIT);
            // Where another flow goes on with it, that one tells the rest.
            if Arc::strong_count(&opened) == 1 {
                self.over(&opened, flow, limits, emit);
            }
        }
    }

    /// The payload of an Initial packet, and which handshake it belongs to.
    fn open(
        &mut self,
        from: Side,
        header: &Header<'_>,
        packet: &[u8],
        number: usize,
        first: &mut u8,
    ) -> Option<(usize, Vec<u8>)> {
        if packet.len() < number + protection::LEAST {
            return None;
        }
        if self.tries == MOST_TRIES {
            self.cause = Some(LIMIT);
            return None;
        }
        for (which, handshake) in self.handshakes.iter_mut().enumerate().rev() {
            // Of those that are over, packets are opened that name them: they say what came.
            let passed = handshake.is_over() && !handshake.goes_to(from, header.destination);
            if passed || self.tries == MOST_TRIES {
                continue;
            }
            self.tries += 1;
            // A server may answer in another version, with keys from the same id (RFC 9368).
            let other = header.version.salts().first().filter(|_| header.version != handshake.version);
            for (version, salt) in other
                .map(|salt| (header.version, salt.as_slice()))
                .into_iter()
                .chain([(handshake.version, handshake.salt)])
            {
                let initial = Initial::new(version, salt, &handshake.id);
                if let Some(payload) = initial.and_then(|mut one| one.open(from.index(), packet, number)) {
                    (handshake.version, handshake.salt) = (version, salt);
                    self.tries -= 1;
                    return Some((which, payload));
                }
            }
        }
        // The first packet, or the first after the server asked for another one (RFC 9000 §8.1).
        if from == Side::Server || *first == 0 || self.tries == MOST_TRIES {
            return None;
        }
        *first -= 1;
        self.tries += 1;
        let opened = header.version.salts().iter().find_map(|salt| {
            let mut initial = Initial::new(header.version, salt, header.destination)?;
            Some((salt.as_slice(), initial.open(from.index(), packet, number)?))
        });
        let (salt, payload) = opened?;
        self.tries -= 1;
        if self.handshakes.len() == MOST_HANDSHAKES {
            let oldest = self.handshakes.iter().position(|one| one.opened.is_none()).unwrap_or(0);
            if let Some(oldest) = self.handshakes.remove(oldest) {
                if !oldest.is_over() {
                    self.cause = Some(LIMIT);
                }
                self.others.extend(oldest.opened);
            }
        }
        self.handshakes.push_back(Handshake::new(header.destination, header.version, salt));
        Some((self.handshakes.len() - 1, payload))
    }

    /// Reads the frames of an Initial packet; says how many bytes were not read. Nothing: none, or a limit was reached.
    #[expect(clippy::too_many_arguments, reason = "a packet, and what a session is given")]
    fn read(
        &mut self,
        which: usize,
        from: Side,
        source: &[u8],
        payload: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Option<u64> {
        let Self { means, handshakes, cause, told, turned, .. } = self;
        let handshake = handshakes.get_mut(which)?;
        if handshake.is_over() {
            return handshake.knows(from, payload).then_some(0);
        }
        handshake.addressed(from, source);
        let unread = handshake.frames(from, payload, at, limits);
        match unread {
            Some(0) => {}
            Some(_) => *cause = cause.or(Some(opened::FRAME)),
            None => *cause = Some(LIMIT),
        }
        let (mut offer, mut suite) = (None, None);
        handshake.hellos(from, &mut |message, said| {
            *told = true;
            match said {
                Said::Offer(random) => offer = offer.take().or(Some((random, first_offered(&message)))),
                Said::Choice(chosen) => suite = Some(chosen),
                Said::Nothing => {}
            }
            emit(message);
        });
        *turned |= offer.is_some() || suite.is_some();
        handshake.offer = handshake.offer.take().or(offer);
        handshake.suite = handshake.suite.or(suite.map(|suite| (handshake.version, suite)));
        if handshake.opened.is_none()
            && let Some((random, offered)) = &handshake.offer
            && means.keys.knows(random)
        {
            let opened = Opened::new(means.keys.clone(), *random, handshake.version, offered.clone());
            handshake.opened = Some(Arc::new(Mutex::new(opened)));
        }
        if let Some(shared) = &handshake.opened
            && let Ok(mut opened) = shared.lock()
        {
            handshake.ids().for_each(|(side, id)| opened.addressed(side, id));
            means.connections.note(shared, opened.fresh());
            if let Some((version, suite)) = handshake.suite.filter(|_| !opened.is_chosen()) {
                opened.choose(version, suite);
            }
        }
        if handshake.is_over() {
            handshake.forget();
        }
        unread
    }

    /// Google's own QUIC without protection.
    fn google(&mut self, version: Version, bytes: &[u8], at: At, emit: Emit<'_>) {
        self.asked.get_or_insert((version, at));
        self.cause.get_or_insert(VERSION);
        if let Some((fields, length)) = google::hello(bytes) {
            self.told = true;
            self.readable[0] += length as u64;
            emit(message(Side::Client, "client-hello", version, fields, (length, at.time, vec![at.packet])));
        }
    }
}

/// The protocol that a client's hello offers first.
fn first_offered(hello: &Message) -> Option<String> {
    match hello.field("alpn") {
        Some(Value::List(names)) => match names.first() {
            Some(Value::Text(name)) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
pub(super) mod tests {
    use super::*;
    use crate::{fixture::flow, tls::hello};
    use creance_model::Timestamp;

    /// A ClientHello that asks for HTTP/3 of `a.example`.
    pub(super) fn hello() -> Vec<u8> {
        let name = b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.example";
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 27]);
        body.extend(name);
        body.extend(b"\0\x10\0\x05\0\x03\x02h3");
        [&[1, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    }

    /// An Initial packet with one CRYPTO frame, of the side of this index.
    pub(super) fn packet(version: Version, id: &[u8], side: usize, offset: u8, crypto: &[u8]) -> Vec<u8> {
        let kind = if version.has_google_frames() { 8 } else { 6 };
        let number = |value: usize| (u16::try_from(value).unwrap() | 0x4000).to_be_bytes();
        let (offset, length) = (number(offset.into()), number(crypto.len()));
        sealed(version, id, side, &[&[kind], offset.as_slice(), &length, crypto].concat())
    }

    fn sealed(version: Version, id: &[u8], side: usize, frames: &[u8]) -> Vec<u8> {
        initial(version, id, side, (id, &[]), frames)
    }

    /// An Initial packet with keys from this id, between these.
    pub(super) fn initial(
        version: Version,
        id: &[u8],
        side: usize,
        (to, from): (&[u8], &[u8]),
        frames: &[u8],
    ) -> Vec<u8> {
        let initial = Initial::new(version, version.salts().first().unwrap(), id).unwrap();
        let mut payload = frames.to_vec();
        payload.resize(SHORTEST_FIRST, 0);
        let length = u16::try_from(payload.len() + 17).unwrap() | 0x4000;
        let mut header = vec![0xc0 | version.initial() << 4];
        header.extend(version.0.to_be_bytes());
        for id in [to, from] {
            header.push(u8::try_from(id.len()).unwrap());
            header.extend(id);
        }
        header.push(0);
        header.extend(length.to_be_bytes());
        initial.seal(side, header, &payload)
    }

    pub(super) fn udp() -> Flow {
        Flow { transport: Transport::Udp, ..flow() }
    }

    fn feed(connection: &mut Connection, datagrams: &[(Side, Vec<u8>)]) -> Vec<Message> {
        let mut told = Vec::new();
        for (packet, (from, datagram)) in (1..).zip(datagrams) {
            let at = At { packet, time: Timestamp::default() };
            connection.feed(&udp(), *from, datagram, at, &Limits::default(), &mut |one| told.push(one));
        }
        connection.finish(&udp(), &Limits::default(), &mut |one| told.push(one));
        told
    }

    fn told(datagrams: &[Vec<u8>]) -> Vec<Message> {
        let datagrams: Vec<_> = datagrams.iter().map(|bytes| (Side::Client, bytes.clone())).collect();
        feed(&mut Connection::default(), &datagrams)
    }

    fn kinds(told: &[Message]) -> Vec<(&str, &[u64])> {
        told.iter().map(|one| (one.kind, one.packets.as_slice())).collect()
    }

    const V1: Version = Version(1);

    #[test]
    fn a_hello_over_several_datagrams_in_any_order_is_read() {
        let hello = hello();
        let (first, second) = hello.split_at(20);
        for version in
            [1, 0x6b33_43cf, 0xff00_001d, 0xface_b001, 0xface_b003, 0x1a2a_3a4a, 0x5430_3531].map(Version)
        {
            let late = packet(version, b"12345678", 0, 20, second);
            let early = packet(version, b"12345678", 0, 0, first);
            let told = told(&[late, early]);
            assert_eq!(kinds(&told), [("client-hello", &[1, 2][..])], "{version:?}");
            assert_eq!(told[0].text("sni"), Some("a.example"));
            assert_eq!(told[0].text("quic"), Some(version.name().as_str()));
            assert!(told[0].text("ja4").is_some_and(|ja4| ja4.starts_with('q')));
        }
    }

    #[test]
    fn googles_hello_is_waited_for_until_its_values_are_there() {
        let hello = b"CHLO\x01\0\0\0SNI\0\x09\0\0\0a.example";
        let q050 = Version(0x5130_3530);
        let (first, second) = hello.split_at(18);
        let told = told(&[packet(q050, b"1234", 0, 0, first), packet(q050, b"1234", 0, 18, second)]);
        assert_eq!(kinds(&told), [("client-hello", &[1, 2][..])]);
        assert_eq!(told[0].text("sni"), Some("a.example"));
    }

    #[test]
    fn both_sides_are_read_and_a_request_for_another_hello_is_not_the_end() {
        let mut server = vec![3, 3];
        server.extend([7; 32]);
        server.extend([0, 0x13, 1, 0]);
        let mut retry = server.clone();
        retry[2..34].copy_from_slice(&hello::RETRY);
        let framed = |body: &[u8]| [&[2, 0, 0, u8::try_from(body.len()).unwrap()], body].concat();
        let (server, retry) = (framed(&server), framed(&retry));
        let at = u8::try_from(retry.len()).unwrap();
        let again = u8::try_from(hello().len()).unwrap();
        let mut connection = Connection::default();
        let told = feed(
            &mut connection,
            &[
                (Side::Client, packet(V1, b"1234", 0, 0, &hello())),
                (Side::Server, packet(V1, b"1234", 1, 0, &retry)),
                (Side::Client, packet(V1, b"1234", 0, again, &hello())),
                (Side::Server, packet(V1, b"1234", 1, at, &server)),
            ],
        );
        assert_eq!(
            kinds(&told),
            [
                ("client-hello", &[1][..]),
                ("server-hello", &[2]),
                ("client-hello", &[3]),
                ("server-hello", &[4])
            ]
        );
        assert!(connection.readable().iter().all(|readable| *readable > 2 * 1200));
        // A hello of a client from the server says nothing of the client.
        let spoofed = feed(
            &mut Connection::default(),
            &[
                (Side::Client, packet(V1, b"1234", 0, 0, &hello()[..9])),
                (Side::Server, packet(V1, b"1234", 1, 0, &hello())),
            ],
        );
        assert_eq!(kinds(&spoofed), [("initial", &[1][..])]);
    }

    #[test]
    fn packets_that_share_a_datagram_connections_that_share_ports_and_retries_are_read() {
        let hello = hello();
        let (first, second) = hello.split_at(30);
        let (one, two) = (packet(V1, b"1234", 0, 0, first), packet(V1, b"1234", 0, 30, second));
        assert_eq!(told(&[[one.clone(), two.clone()].concat()]).len(), 1);
        // Another connection between the first one's packets, and the whole hello again behind a new id.
        let other = packet(V1, b"abcdefgh", 0, 0, &hello);
        let told = told(&[one, other, two]);
        assert_eq!(kinds(&told), [("client-hello", &[2][..]), ("client-hello", &[1, 3])]);
    }

    #[test]
    fn what_does_not_authenticate_or_is_cut_tells_its_version_alone() {
        let whole = packet(V1, b"1234", 0, 0, &hello());
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let told_of = told(&[flipped]);
        assert_eq!(kinds(&told_of), [("initial", &[1][..])]);
        assert_eq!(told_of[0].text("quic"), Some("1"));
        for length in 0..whole.len() {
            let told = told(&[whole[..length].to_vec()]);
            assert!(told.iter().all(|one| one.kind == "initial"), "{length}");
        }
    }

    #[test]
    fn a_hello_is_not_hidden_in_silence() {
        let flood: Vec<Vec<u8>> = (0..4_u8)
            .map(|turn| {
                let frame = |one: u8| [6, 0x40 | turn, one | 0x80, 1, 0];
                sealed(V1, b"1234", 0, &(0..60).step_by(2).flat_map(frame).collect::<Vec<u8>>())
            })
            .collect();
        let mut datagrams: Vec<_> = flood.into_iter().map(|one| (Side::Client, one)).collect();
        datagrams.push((Side::Client, packet(V1, b"1234", 0, 0, &hello())));
        let mut connection = Connection::default();
        let told = feed(&mut connection, &datagrams);
        assert_eq!(kinds(&told), [("initial", &[1][..])]);
        assert_eq!((told[0].text("limit"), connection.opaque()[0]), (Some(LIMIT), Some(LIMIT)));
    }

    #[test]
    fn a_hello_behind_too_many_others_is_not_hidden_in_silence_either() {
        let mut broken = packet(V1, b"1234", 0, 0, &hello());
        *broken.last_mut().unwrap() ^= 1;
        let mut datagrams = vec![(Side::Client, broken); usize::from(MOST_TRIES)];
        datagrams.push((Side::Client, packet(V1, b"1234", 0, 0, &hello())));
        let begun = |id: u8| (Side::Client, packet(V1, &[id; 8], 0, 0, &hello()[..9]));
        let more = (0..=u8::try_from(MOST_HANDSHAKES).unwrap()).map(begun).collect();
        for datagrams in [datagrams, more] {
            let mut connection = Connection::default();
            assert_eq!(kinds(&feed(&mut connection, &datagrams)), [("initial", &[1][..])]);
            assert_eq!(connection.opaque()[0], Some(LIMIT));
        }
    }

    #[test]
    fn other_protocols_are_not_taken_for_it() {
        let flow = Flow { server: creance_model::Endpoint { port: 14550, ..udp().server }, ..udp() };
        // MAVLink 2 with a full payload looks like a draft's long header.
        let mavlink = [&[0xfd, 0xff, 0, 0, 1, 1, 1, 10, 1, 0][..], &[0; 257]].concat();
        assert_eq!(Quic.probe(&flow, Side::Client, &mavlink), Probe::No);
        let initial = packet(V1, b"1234", 0, 0, &hello());
        assert_eq!(Quic.probe(&flow, Side::Client, &initial), Probe::Yes);
        assert_eq!(Quic.probe(&flow, Side::Server, &initial), Probe::No);
        assert_eq!(Quic.probe(&udp(), Side::Client, &[0x40, 1, 2, 3]), Probe::No);
        // Ids longer than there may be, and lengths near the largest number.
        assert_eq!(
            Quic.probe(&udp(), Side::Client, &[&[0xc0, 0, 0, 0, 1, 21][..], &[0; 40]].concat()),
            Probe::No
        );
        let endless = [&[0xc0, 0, 0, 0, 1, 0, 0][..], &[0xff; 16], &[0; 1200]].concat();
        assert_eq!(kinds(&told(&[endless])), []);
    }
}
