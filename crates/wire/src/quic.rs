//! QUIC (RFC 9000, 9001, 9369), its drafts from 21 on, Facebook's mvfst and Google's own versions: who is asked for.
//!
//! ```text
//! datagram   ┌ packet ┬ packet …                                    several may share one
//! Initial    ┌──────┬─────────┬───────────┬────────┬───────┬────────┬────────┬─────────
//!            │ type │ version │ server id │ our id │ token │ length │ number │ frames
//!            └──────┴─────────┴───────────┴────────┴───────┴────────┴────────┴─────────
//! Google's   ┌──────┬────┬─────────┬────────┬──────┬────────────────────────
//! (to Q046)  │ type │ id │ version │ number │ hash │ … "CHLO", tags, values      in the clear
//!            └──────┴────┴─────────┴────────┴──────┴────────────────────────
//! ```
//!
//! Initial packets are protected with keys that follow from what everyone sees; their CRYPTO frames hold the hellos of
//! TLS. Left out, and counted as opaque: 0-RTT, Handshake and 1-RTT packets, even where a key log has their secrets;
//! versions whose salt is not known are named.

mod google;
mod initial;
mod stream;
mod version;

use creance_cursor::{Cursor, Malformed};
use creance_model::{Field, Flow, Message, Side, Transport, Value, Visibility};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    tls::{self, hello},
};
use initial::Initial;
use stream::Stream;
use version::Version;

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
        match Header::read(head) {
            // Numbers that nobody knows are believed where servers listen for QUIC.
            Some(header) if header.version.is_known() || flow.server.port == 443 => Probe::Yes,
            _ => match google::version(head) {
                Some(_) => Probe::Yes,
                None => Probe::No,
            },
        }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Box::new(Connection { means: means.clone(), ..Connection::default() })
    }
}

/// Datagrams after which a handshake that has not been read is not waited for any longer.
const MOST_DATAGRAMS: u32 = 200;

#[derive(Default)]
struct Connection {
    means: Means,
    version: Option<Version>,
    initial: Option<Initial>,
    sides: [Half; 2],
    datagrams: u32,
    /// A key log has secrets of this connection, which are of no use yet.
    keyed: bool,
}

#[derive(Default)]
struct Half {
    crypto: Stream,
    /// Bytes of the handshake that were told.
    told: usize,
    readable: u64,
}

/// A packet with a long header, as far as it is not protected.
struct Header<'a> {
    version: Version,
    kind: u8,
    destination: &'a [u8],
    /// Behind the connection ids.
    rest: Cursor<'a>,
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let flags = cursor.u8("flags").ok().filter(|flags| flags & 0xc0 == 0xc0)?;
        let version = Version(cursor.u32_be("version").ok().filter(|version| *version != 0)?);
        let mut id = || {
            let length = usize::from(cursor.u8("connection id length").ok()?);
            cursor.take("connection id", length).ok().filter(|id| id.len() <= 20)
        };
        let destination = id()?;
        id()?;
        Some(Self { version, kind: flags >> 4 & 3, destination, rest: cursor })
    }

    /// Where the packet number of an Initial packet stands, and where the packet ends.
    fn bounds(&self) -> Result<(usize, usize), Malformed> {
        let mut rest = self.rest.clone();
        if self.kind == self.version.initial() {
            let token = length(&mut rest)?;
            rest.take("token", token)?;
        }
        let length = length(&mut rest)?;
        Ok((rest.at(), rest.at().saturating_add(length)))
    }
}

/// A number of variable length (RFC 9000 §16).
fn number(cursor: &mut Cursor<'_>) -> Result<u64, Malformed> {
    let first = cursor.u8("number")?;
    let more = cursor.take("number", (1 << (first >> 6)) - 1)?;
    Ok(more.iter().fold(u64::from(first & 0x3f), |number, byte| number << 8 | u64::from(*byte)))
}

fn length(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    Ok(usize::try_from(number(cursor)?).unwrap_or(usize::MAX))
}

impl Session for Connection {
    fn feed(&mut self, _: &Flow, from: Side, bytes: &[u8], at: At, _: &Limits, emit: Emit<'_>) -> Progress {
        self.datagrams += 1;
        match google::version(bytes) {
            Some(version) if from == Side::Client => {
                self.version.get_or_insert(version);
                if let Some((told, length)) = google::hello(bytes) {
                    self.google_hello(version, told, length, at, emit);
                    return Progress::Done;
                }
            }
            _ => self.datagram(from, bytes, at, emit),
        }
        let [client, server] = &self.sides;
        let over = client.told > 0 && server.told > 0 || self.datagrams >= MOST_DATAGRAMS;
        if over { Progress::Done } else { Progress::More }
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        let old = self.version.is_some_and(|version| version.salts().is_empty());
        [Some(match (self.keyed, old) {
            (true, _) => "encrypted, keys of QUIC are not used yet",
            (_, true) => "encrypted, version of QUIC not read",
            _ => "encrypted, no key",
        }); 2]
    }

    fn protocol(&self) -> &'static str {
        "quic"
    }
}

impl Connection {
    fn half(&mut self, from: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if from == Side::Client { client } else { server }
    }

    /// Reads the packets of a datagram.
    fn datagram(&mut self, from: Side, bytes: &[u8], at: At, emit: Emit<'_>) {
        let mut rest = bytes;
        while let Some(header) = Header::read(rest) {
            if from == Side::Client {
                self.version = Some(header.version);
            }
            let Ok((number, end)) = header.bounds() else { return };
            let Some((packet, behind)) = rest.split_at_checked(end) else { return };
            if header.kind == header.version.initial()
                && let Some(payload) = self.open(from, &header, packet, number)
            {
                self.half(from).readable += packet.len() as u64;
                // What is damaged ends the packet; what came before it counts.
                let _ = self.frames(from, &payload, at);
                self.hellos(from, header.version, emit);
            }
            rest = behind;
        }
    }

    fn open(&mut self, from: Side, header: &Header<'_>, packet: &[u8], number: usize) -> Option<Vec<u8>> {
        let opened = self.initial.as_ref().and_then(|initial| initial.open(from.index(), packet, number));
        if opened.is_some() || from == Side::Server {
            return opened;
        }
        // The first packet, or the first after the server asked for another one (RFC 9000 §8.1), or of another version.
        header.version.salts().iter().find_map(|salt| {
            let initial = Initial::new(header.version, salt, header.destination)?;
            let opened = initial.open(from.index(), packet, number)?;
            self.initial = Some(initial);
            Some(opened)
        })
    }

    /// Takes the handshake out of the frames that Initial packets may hold (RFC 9000 §12.4).
    fn frames(&mut self, from: Side, payload: &[u8], at: At) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(payload);
        while !cursor.is_empty() {
            match number(&mut cursor)? {
                0 | 1 => {}
                kind @ (2 | 3) => {
                    number(&mut cursor)?;
                    number(&mut cursor)?;
                    let ranges = number(&mut cursor)?;
                    number(&mut cursor)?;
                    for _ in 0..ranges {
                        number(&mut cursor)?;
                        number(&mut cursor)?;
                    }
                    for _ in 0..if kind == 3 { 3 } else { 0 } {
                        number(&mut cursor)?;
                    }
                }
                6 => {
                    let offset = number(&mut cursor)?;
                    let length = length(&mut cursor)?;
                    let bytes = cursor.take("crypto data", length)?;
                    self.half(from).crypto.add(offset, bytes, at);
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Tells the handshake messages that are whole.
    fn hellos(&mut self, from: Side, version: Version, emit: Emit<'_>) {
        if self.half(from).crypto.is_empty() {
            return;
        }
        let (whole, brought) = self.half(from).crypto.whole();
        if version.is_google() {
            if let Some(told) = google::tags(&whole).filter(|_| self.half(from).told == 0) {
                self.half(from).told = whole.len();
                emit(message(from, "client-hello", version, told, whole.len(), &brought));
            }
            return;
        }
        while let Some((&[kind, a, b, c], body)) =
            whole.get(self.half(from).told..).and_then(|rest| rest.split_first_chunk::<4>())
        {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(body) = body.get(..length) else { break };
            self.half(from).told += 4 + length;
            let (name, fields) = match kind {
                1 => match hello::client_hello(body, hello::Over::Quic) {
                    Ok((fields, offer)) => {
                        self.keyed |= self.means.keys.knows(&offer.random);
                        ("client-hello", fields)
                    }
                    Err(_) => continue,
                },
                2 => match hello::server_hello(body) {
                    Ok((fields, _)) => ("server-hello", fields),
                    Err(_) => continue,
                },
                _ => continue,
            };
            emit(message(from, name, version, fields, 4 + length, &brought));
        }
    }

    fn google_hello(&mut self, version: Version, told: Vec<Field>, length: usize, at: At, emit: Emit<'_>) {
        let half = self.half(Side::Client);
        half.readable += length as u64;
        half.told = length;
        emit(message(Side::Client, "client-hello", version, told, length, &[at]));
    }
}

fn message(
    from: Side,
    kind: &'static str,
    version: Version,
    mut fields: Vec<Field>,
    length: usize,
    brought: &[At],
) -> Message {
    fields.push(Field { name: "quic", value: Value::Text(version.name()) });
    let mut packets: Vec<u64> = brought.iter().map(|at| at.packet).collect();
    packets.sort_unstable();
    packets.dedup();
    let mut message = Message {
        time: brought.iter().map(|at| at.time).min().unwrap_or_default(),
        protocol: "quic",
        kind,
        from,
        visibility: Visibility::Clear,
        packets,
        bytes: length as u64,
        fields,
        parts: Vec::new(),
    };
    message.parts = tls::names(&message);
    message
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    /// A ClientHello that asks for `a.example`.
    fn hello() -> Vec<u8> {
        let name = b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09a.example";
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0, 0, 18]);
        body.extend(name);
        [&[1, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    }

    /// An Initial packet of a client with one CRYPTO frame.
    fn packet(version: Version, id: &[u8], number: u8, offset: u8, crypto: &[u8]) -> Vec<u8> {
        let salt = version.salts().first().unwrap();
        let initial = Initial::new(version, salt, id).unwrap();
        let mut payload = vec![6, offset, u8::try_from(crypto.len()).unwrap()];
        payload.extend(crypto);
        payload.resize(60.max(payload.len()), 0);
        let length = u16::try_from(payload.len() + 17).unwrap() | 0x4000;
        let mut header = vec![0xc0 | version.initial() << 4];
        header.extend(version.0.to_be_bytes());
        header.push(u8::try_from(id.len()).unwrap());
        header.extend(id);
        header.extend([0, 0]);
        header.extend(length.to_be_bytes());
        header.push(number);
        initial.seal(0, header, &payload)
    }

    fn told(datagrams: &[Vec<u8>]) -> Vec<Message> {
        let flow = Flow { transport: Transport::Udp, ..flow() };
        let mut told = Vec::new();
        let mut connection = Connection::default();
        for (packet, datagram) in (1..).zip(datagrams) {
            let at = At { packet, time: Timestamp::default() };
            connection.feed(&flow, Side::Client, datagram, at, &Limits::default(), &mut |one| told.push(one));
        }
        told
    }

    #[test]
    fn a_hello_over_several_datagrams_in_any_order_is_read() {
        let hello = hello();
        let (first, second) = hello.split_at(20);
        for version in [1, 0x6b33_43cf, 0xff00_001d, 0xface_b001, 0x1a2a_3a4a].map(Version) {
            let late = packet(version, b"12345678", 0, 20, second);
            let early = packet(version, b"12345678", 1, 0, first);
            let told = told(&[late, early]);
            assert_eq!(told.len(), 1, "{version:?}");
            assert_eq!((told[0].text("sni"), told[0].packets.as_slice()), (Some("a.example"), &[1, 2][..]));
            assert_eq!(told[0].text("quic"), Some(version.name().as_str()));
            assert!(told[0].text("ja4").is_some_and(|ja4| ja4.starts_with('q')));
        }
    }

    #[test]
    fn packets_that_share_a_datagram_and_a_new_id_after_a_retry_are_read() {
        let hello = hello();
        let (first, second) = hello.split_at(30);
        let one = packet(Version(1), b"1234", 0, 0, first);
        let two = packet(Version(1), b"1234", 1, 30, second);
        assert_eq!(told(&[[one.clone(), two].concat()]).len(), 1);
        // The server asked for another packet: its id is the new one's, whose keys follow from it.
        let again = packet(Version(1), b"abcdefgh", 1, 30, second);
        assert_eq!(told(&[one.clone(), again]).len(), 1);
        let mut flipped = one;
        *flipped.last_mut().unwrap() ^= 1;
        assert!(told(&[flipped]).is_empty(), "authentication fails");
    }
}
