//! Packets that the keys of a connection protect: which connection they are of, and where its secrets are known, what is in
//! them.

use std::sync::{Arc, Mutex};

use creance_model::Flow;

use super::{
    Connection, LIMIT,
    header::Header,
    opened::{Heard, Opened, Space, Tried},
};
use crate::{Emit, Limits, kept::Kept};

/// Packets that may wait for hellos: those of the first flights.
const MOST_WAITING: usize = 64;

impl Connection {
    /// The connections whose secrets are known.
    pub(super) fn opened(&self) -> Vec<Arc<Mutex<Opened>>> {
        self.handshakes
            .iter()
            .filter_map(|handshake| handshake.opened.as_ref())
            .chain(&self.others)
            .cloned()
            .collect()
    }

    /// Packets that waited for a hello are read.
    pub(super) fn waited(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for (from, at, packet) in std::mem::take(&mut self.waiting) {
            let packet = packet.bytes();
            let number = Header::read(packet, false).and_then(|header| header.bounds().ok());
            let number = number.map_or(0, |(number, _)| number);
            self.sealed(&mut Heard { flow, from, packet, number, at, limits, emit });
        }
    }

    /// Tells what a connection has not told yet.
    pub(super) fn over(&mut self, opened: &Mutex<Opened>, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let Ok(mut opened) = opened.lock() {
            opened.finish(flow, limits, emit);
            opened.pay(&mut self.readable);
        }
    }

    /// A packet was read: counts it, but for what was not.
    fn read_of(&mut self, shared: &Arc<Mutex<Opened>>, opened: &mut Opened, heard: &Heard<'_, '_>) {
        self.means.connections.note(shared, opened.fresh());
        if let Some(readable) = self.readable.get_mut(heard.from.index()) {
            *readable += heard.packet.len() as u64;
        }
        opened.pay(&mut self.readable);
    }

    /// Reads a packet that the keys of a connection protect: of the one that its id names, or of any.
    pub(super) fn sealed(&mut self, heard: &mut Heard<'_, '_>) {
        let Some((flags, behind)) = heard.packet.split_first() else { return };
        let long = Header::read(heard.packet, false);
        let space = match &long {
            None => Space::Data,
            Some(header) if header.kind == header.version.early() => Space::Early,
            Some(_) => Space::Handshake,
        };
        let to = heard.from.other();
        let mut failed = None;
        let mut waits = self.handshakes.iter().any(|handshake| !handshake.is_over());
        for named in [true, false] {
            for opened in self.opened() {
                let Ok(mut connection) = opened.lock() else { continue };
                let id = match &long {
                    Some(header) => connection.ids(to).find(|id| *id == header.destination),
                    None => connection.ids(to).find(|id| behind.starts_with(id)),
                };
                if named != id.is_some() {
                    continue;
                }
                if long.is_none() {
                    let Some(id) = id.or_else(|| connection.ids(to).next()) else { continue };
                    heard.number = 1 + id.len();
                }
                match connection.packet(space, heard) {
                    Tried::Read => return self.read_of(&opened, &mut connection, heard),
                    Tried::Failed => {
                        failed.get_or_insert_with(|| Arc::clone(&opened));
                    }
                    Tried::NotYet => waits = true,
                    Tried::NoKey => {}
                }
            }
        }
        if long.is_none()
            && failed.is_none()
            && let Some(opened) = self.means.connections.find(to, behind)
            && !self.opened().iter().any(|known| Arc::ptr_eq(known, &opened))
            && let Ok(mut connection) = opened.lock()
        {
            // Anybody may write an id that was seen: a packet that opens proves that the connection goes on here.
            let length = connection.ids(to).find(|id| behind.starts_with(id)).map_or(0, <[u8]>::len);
            heard.number = 1 + length;
            if connection.packet(space, heard) == Tried::Read {
                self.others.push_back(Arc::clone(&opened));
                return self.read_of(&opened, &mut connection, heard);
            }
        }
        if waits && !self.means.keys.is_empty() && flags & 0x40 != 0 {
            let mut kept = Kept::default();
            if self.waiting.len() < MOST_WAITING
                && kept.push(heard.packet, heard.limits) == heard.packet.len()
            {
                self.waiting.push((heard.from, heard.at, kept));
            } else {
                self.cause = Some(LIMIT);
            }
        }
        if let Some(Ok(mut connection)) = failed.as_deref().map(Mutex::lock)
            && flags & 0x40 != 0
        {
            connection.fails(heard.from);
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::{
        At, KeyLog, Means, Session,
        quic::{
            protection::Protection,
            tests::{hello, initial, udp},
            version::Version,
        },
        tls::{Suite, cause},
    };
    use creance_model::{Message, Side, Timestamp};
    use proptest::prelude::*;

    /// The ends of a connection, as far as its packets are to be made.
    struct Play {
        version: Version,
        suite: u16,
        /// By side; of the handshake and of data.
        seals: [[Protection; 2]; 2],
        number: u64,
    }

    const LABELS: [&str; 4] = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_TRAFFIC_SECRET_0",
    ];
    const V1: Version = Version(1);
    const IDS: [&[u8]; 2] = [b"", b"server1"];

    impl Play {
        fn new(version: Version, suite: u16) -> Self {
            let seal = |which: u8| {
                let suite = Suite::of(suite).unwrap();
                Protection::new(suite, version, vec![which; suite.hash.length()]).unwrap()
            };
            Self { version, suite, seals: [[seal(0), seal(1)], [seal(2), seal(3)]], number: 0 }
        }

        fn keys(&self, add: u8) -> KeyLog {
            let keys = KeyLog::default();
            let length = Suite::of(self.suite).unwrap().hash.length();
            for (which, label) in (0_u8..).zip(LABELS) {
                let secret = format!("{:02x}", which + add).repeat(length);
                keys.add(format!("{label} {} {secret}\n", "07".repeat(32)).as_bytes());
            }
            keys
        }

        /// The client's hello; the server's with what it chooses in a packet of the handshake.
        fn hellos(&mut self, alpn: &str) -> [(Side, Vec<u8>); 2] {
            self.hellos_to(b"12345678", alpn)
        }

        /// `id`: that by which the client first addresses the server.
        fn hellos_to(&mut self, id: &[u8], alpn: &str) -> [(Side, Vec<u8>); 2] {
            let crypto = |bytes: &[u8]| {
                let length = (u16::try_from(bytes.len()).unwrap() | 0x4000).to_be_bytes();
                [&[6, 0], length.as_slice(), bytes].concat()
            };
            let mut choice = vec![2, 0, 0, 46, 3, 3];
            choice.extend([8; 32]);
            choice.push(0);
            choice.extend(self.suite.to_be_bytes());
            choice.extend([0, 0, 6, 0, 43, 0, 2, 3, 4]);
            let name = u8::try_from(alpn.len()).unwrap();
            let chosen =
                [&[8, 0, 0, name + 9, 0, name + 7, 0, 16, 0, name + 3, 0, name + 1, name], alpn.as_bytes()]
                    .concat();
            let ours = initial(self.version, id, 0, (id, IDS[0]), &crypto(&hello()));
            let theirs = initial(self.version, id, 1, (IDS[0], IDS[1]), &crypto(&choice));
            let extensions = self.long(1, 2, &crypto(&chosen));
            [(Side::Client, ours), (Side::Server, [theirs, extensions].concat())]
        }

        /// A packet with a long header: 1 early data, 2 the handshake.
        fn long(&mut self, side: usize, kind: u8, frames: &[u8]) -> Vec<u8> {
            self.number += 1;
            let payload = [&[0; 4], frames].concat();
            let mut header = vec![0xc0 | (self.version.initial() + kind) << 4];
            header.extend(self.version.0.to_be_bytes());
            for id in [IDS[1 - side], IDS[side]] {
                header.push(u8::try_from(id.len()).unwrap());
                header.extend(id);
            }
            header.extend((u16::try_from(payload.len() + 18).unwrap() | 0x4000).to_be_bytes());
            self.seals[side][0].seal(header, self.number, 2, &payload)
        }

        fn data(&mut self, from: Side, frames: &[u8]) -> (Side, Vec<u8>) {
            self.number += 1;
            let seal = &self.seals[from.index()][1];
            let header = [&[0x40 | seal.bit()], IDS[from.other().index()]].concat();
            (from, seal.seal(header, self.number, 2, &[frames, &[0; 4]].concat()))
        }

        /// Bytes of a stream in frames of so many, each in a datagram of its own.
        fn stream(&mut self, from: Side, id: u8, bytes: &[u8], step: usize) -> Vec<(Side, Vec<u8>)> {
            let number = |value: usize| (u16::try_from(value).unwrap() | 0x4000).to_be_bytes();
            let last = bytes.len().div_ceil(step) - 1;
            let pieces: Vec<(usize, &[u8])> = bytes.chunks(step).enumerate().collect();
            let datagram = |(which, piece): (usize, &[u8])| {
                let ends = u8::from(which == last && id & 2 == 0);
                let (offset, length) = (number(which * step), number(piece.len()));
                self.data(from, &[&[0x0e | ends, id], offset.as_slice(), &length, piece].concat())
            };
            pieces.into_iter().map(datagram).collect()
        }
    }

    /// POST /a, with a body.
    fn request(body: &[u8]) -> Vec<u8> {
        let mut head = b"\0\0\xd4\x51\x02/a\x50\x09h.example\xee".to_vec();
        head.splice(..0, [1, u8::try_from(head.len()).unwrap()]);
        head.extend([0, 0x80]);
        head.extend(u32::try_from(body.len()).unwrap().to_be_bytes()[1..].iter());
        let at = head.len() - 4;
        head[at] = 0x80;
        [head, body.to_vec()].concat()
    }

    fn body() -> Vec<u8> {
        br#"{"lat":24.744672,"lon":121.044483}"#.repeat(9)
    }

    fn told(connection: &mut Connection, datagrams: &[(Side, Vec<u8>)]) -> Vec<Message> {
        let mut told = Vec::new();
        for (packet, (from, datagram)) in (1..).zip(datagrams) {
            let at = At { packet, time: Timestamp::default() };
            connection.feed(&udp(), *from, datagram, at, &Limits::default(), &mut |one| told.push(one));
        }
        connection.finish(&udp(), &Limits::default(), &mut |one| told.push(one));
        told.retain(|one| one.protocol != "quic");
        told
    }

    fn with(keys: KeyLog) -> Connection {
        Connection { means: Means::new(keys), ..Connection::default() }
    }

    fn bodies(told: &[Message]) -> Vec<&[u8]> {
        let bodies = |one| -> &Message { one };
        told.iter()
            .map(bodies)
            .flat_map(|one| one.parts.iter().filter(|part| part.is("request body")))
            .map(creance_model::Part::bytes)
            .collect()
    }

    #[test]
    fn requests_are_read_in_every_suite_and_version() {
        for version in [V1, Version(0x6b33_43cf), Version(0xff00_001d)] {
            for suite in [0x1301, 0x1302, 0x1303] {
                let mut play = Play::new(version, suite);
                let mut datagrams = play.hellos("h3").to_vec();
                datagrams.extend(play.stream(Side::Client, 0, &request(&body()), 100));
                play.seals[0][1].update();
                datagrams.extend(play.stream(Side::Client, 4, &request(b"x"), 100));
                datagrams.extend(play.stream(Side::Server, 0, b"\x01\x03\0\0\xd9", 100));
                let mut connection = with(play.keys(0));
                let told = told(&mut connection, &datagrams);
                let kinds: Vec<_> = told.iter().map(|one| (one.kind, one.packets.clone())).collect();
                let packets = (3..3 + u64::try_from(request(&body()).len().div_ceil(100)).unwrap()).collect();
                let last = datagrams.len() as u64;
                assert_eq!(
                    kinds,
                    [("request", packets), ("request", vec![last - 1]), ("response", vec![last])],
                    "{version:?} {suite:x}"
                );
                assert_eq!(bodies(&told), [&body()[..], b"x"]);
                assert_eq!((told[0].text("host"), told[0].text("uri")), (Some("h.example"), Some("/a")));
                assert_eq!(connection.protocol(), "http/3");
                let sent = |side: Side| {
                    datagrams
                        .iter()
                        .filter(|(from, _)| *from == side)
                        .map(|(_, one)| one.len() as u64)
                        .sum::<u64>()
                };
                assert_eq!(connection.readable(), [sent(Side::Client), sent(Side::Server)], "all was read");
            }
        }
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_of_datagrams_changes_what_is_told(
            step in 40_usize..200,
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
        ) {
            let mut play = Play::new(V1, 0x1301);
            let [first, second] = play.hellos("h3");
            let mut datagrams = vec![second];
            for id in [0, 4, 8] {
                datagrams.extend(play.stream(Side::Client, id, &request(&body()[..usize::from(id) + 200]), step));
            }
            for (to, from) in (0..).zip(order) {
                let length = datagrams.len();
                datagrams.swap(to % length, from.index(length));
            }
            for which in again {
                datagrams.push(datagrams[which.index(datagrams.len())].clone());
            }
            datagrams.insert(0, first);
            let told = told(&mut with(play.keys(0)), &datagrams);
            let mut lengths: Vec<usize> = bodies(&told).iter().map(|body| body.len()).collect();
            lengths.sort_unstable();
            prop_assert_eq!(lengths, [200, 204, 208]);
            prop_assert!(bodies(&told).iter().all(|one| body().starts_with(one)));
        }
    }

    #[test]
    fn without_a_key_or_with_a_wrong_one_nothing_is_told_but_why() {
        let mut play = Play::new(V1, 0x1301);
        let mut datagrams = play.hellos("h3").to_vec();
        datagrams.extend(play.stream(Side::Client, 0, &request(&body()), 100));
        datagrams.extend(play.stream(Side::Server, 0, b"\x01\x03\0\0\xd9", 100));
        for (keys, why) in [(KeyLog::default(), cause::NO_KEY), (play.keys(9), cause::MISFIT)] {
            let mut connection = with(keys);
            assert_eq!(told(&mut connection, &datagrams).len(), 0, "{why}");
            assert_eq!(connection.opaque(), [Some(why); 2]);
        }
        let mut connection = with(play.keys(0));
        assert_eq!(told(&mut connection, &datagrams[2..]).len(), 0);
        assert_eq!(connection.opaque(), [Some(cause::NO_HELLO); 2]);
    }

    #[test]
    fn what_a_missing_packet_cuts_is_said_to_be_cut() {
        let mut play = Play::new(V1, 0x1301);
        let mut datagrams = play.hellos("h3").to_vec();
        datagrams.extend(play.stream(Side::Client, 0, &request(&body()), 100));
        datagrams.remove(3);
        let mut connection = with(play.keys(0));
        let told = told(&mut connection, &datagrams);
        assert_eq!((told.len(), told[0].text("body_cut")), (1, Some(crate::http::ENDS_EARLY)));
        assert!(
            connection.opaque()[0].is_some_and(|why| why.contains("missing")),
            "{:?}",
            connection.opaque()
        );
        let sent: usize =
            datagrams.iter().filter(|(from, _)| *from == Side::Client).map(|one| one.1.len()).sum();
        assert!(connection.readable()[0] < sent as u64 - 100);
    }

    #[test]
    fn a_protocol_that_is_not_read_is_named() {
        let mut play = Play::new(V1, 0x1301);
        let mut datagrams = play.hellos("doq").to_vec();
        datagrams.extend(play.stream(Side::Client, 0, b"\0\x05query", 100));
        let mut connection = with(play.keys(0));
        assert!(told(&mut connection, &datagrams).is_empty());
        assert_eq!((connection.protocol(), connection.opaque()[0]), ("doq", Some(cause::INNER)));
    }

    #[test]
    fn a_connection_that_goes_on_between_other_ports_is_followed() {
        let mut play = Play::new(V1, 0x1301);
        let mut before = play.hellos("h3").to_vec();
        let mut after = play.stream(Side::Client, 0, &request(&body()), 100);
        before.push(after.remove(0));
        after.extend(play.stream(Side::Server, 0, b"\x01\x03\0\0\xd9", 100));
        let means = Means::new(play.keys(0));
        let connection = || Connection { means: means.clone(), ..Connection::default() };
        let (mut one, mut other) = (connection(), connection());
        let at = At { packet: 1, time: Timestamp::default() };
        for (from, datagram) in &before {
            one.feed(&udp(), *from, datagram, at, &Limits::default(), &mut |_| {});
        }
        let told = told(&mut other, &after);
        assert_eq!(bodies(&told), [&body()[..]]);
        assert_eq!(
            (other.opaque()[0], other.readable()[1]),
            (Some(cause::NO_HELLO), after.last().unwrap().1.len() as u64)
        );
    }

    #[test]
    fn early_data_and_another_first_packet_after_a_retry_are_read() {
        let mut play = Play::new(V1, 0x1301);
        let [unheard, _] = play.hellos("h3");
        let [first, second] = play.hellos_to(b"retried", "h3");
        let log = play.keys(0);
        log.add(format!("CLIENT_EARLY_TRAFFIC_SECRET {} {}\n", "07".repeat(32), "00".repeat(32)).as_bytes());
        // The keys of these tests for the client's handshake serve for its early data too.
        let early = play.long(0, 1, &[&[0x09, 0][..], &request(&body()[..50])].concat());
        let retry = [&[0xf0, 0, 0, 0, 1, 0, 7][..], b"retried", b"token", &[0; 16]].concat();
        let datagrams = [unheard, (Side::Server, retry), first, (Side::Client, early), second];
        let told = told(&mut with(log), &datagrams);
        assert_eq!(bodies(&told), [&body()[..50]]);
    }
}
