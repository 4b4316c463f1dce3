//! Any frames within a connection of QUIC whose secrets are known: what only a holder of the keys could write is sealed
//! here, so that the reader opens it. The first two bytes choose version and suite, and which secrets are in the log.
//!
//! Then chunks follow a head of two bytes: `side 1, how 2, update 1, length 12`. How: 0 a datagram as it is, 1 frames in an
//! Initial packet, 2 in a packet of the handshake, 3 in one with a short header; update: under the next keys from here on.
#![no_main]

use std::net::Ipv4Addr;

use creance_model::{Endpoint, Flow, InsideBasis, Message, Side, Timestamp, Transport};
use creance_wire::{At, Budget, Keep, KeyLog, Limits, Means, Reader};
use libfuzzer_sys::fuzz_target;
use ring::{
    aead::{self, AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey, quic},
    hkdf,
};

fuzz_target!(|bytes: &[u8]| {
    let [choice, lacking, rest @ ..] = bytes else { return };
    let suite = SUITES[usize::from(choice & 3) % SUITES.len()];
    let version = VERSIONS[usize::from(choice >> 2 & 3) % VERSIONS.len()];
    let (keys, flow) = (KeyLog::default(), flow());
    keys.add(&key_log(suite, *lacking));
    let mut reader = Reader::new(&Means::new(keys));
    // Small limits, so that a short input reaches them.
    let limits = Limits {
        head: 4096,
        body: 32_768,
        bodies: Budget::new(65_536),
        decoded: 65_536,
        parts: 256,
        depth: 6,
        keep: if choice & 0x80 == 0 { Keep::Outbound } else { Keep::All },
        lengths: true,
    };
    let (mut sent, mut number) = ([0; 2], 0);
    let mut feed = |from: Side, bytes: &[u8]| {
        number += 1;
        sent[from.index()] += bytes.len() as u64;
        let at = At { packet: number, time: Timestamp::from_nanos(0) };
        reader.feed(&flow, from, bytes, at, &limits, &mut |message| check(&message, number));
    };
    let initial = ["client in", "server in"].map(|side| {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, version.salt).extract(ID);
        Seal::new(SUITES[0], version, expand(&secret, side, 32))
    });
    let mut seals: [Seal; 4] =
        std::array::from_fn(|which| Seal::new(suite, version, vec![which as u8; suite.length]));
    let mut count = 0;
    for (side, hello) in (0..).zip([client_hello(), server_hello(suite)]) {
        let from = if side == 0 { Side::Client } else { Side::Server };
        feed(from, &initial[side].long(version, 0, 0, &crypto(&hello), 1200));
    }
    let mut rest = rest;
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let head = u16::from_be_bytes(*head);
        let (chunk, tail) = tail.split_at(tail.len().min(usize::from(head & 0xfff)));
        (rest, count) = (tail, count + 1);
        let from = if head & 0x8000 == 0 { Side::Client } else { Side::Server };
        let seal = &mut seals[2 * from.index() + usize::from(head >> 13 & 1)];
        match head >> 13 & 3 {
            0 => feed(from, chunk),
            1 => feed(from, &initial[from.index()].long(version, 0, count, chunk, 1200)),
            2 => feed(from, &seal.long(version, 2, count, chunk, 0)),
            _ => {
                if head & 0x1000 != 0 {
                    seal.update();
                }
                feed(from, &seal.short(count, chunk));
            }
        }
    }
    reader.finish(&flow, &limits, &mut |message| check(&message, number));
    for (read, sent) in reader.readable().into_iter().zip(sent) {
        assert!(read <= sent, "no more is read than was sent");
    }
});

fn check(message: &Message, packets: u64) {
    let ascending = message.packets.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascending, "packets are cited in order, each once: {:?}", message.packets);
    assert!(message.packets.iter().all(|packet| (1..=packets).contains(packet)));
}

#[derive(Clone, Copy)]
struct Suite {
    number: u16,
    cipher: &'static aead::Algorithm,
    header: &'static quic::Algorithm,
    /// Bytes of a secret.
    length: usize,
}

const SUITES: &[Suite] = &[
    Suite { number: 0x1301, cipher: &AES_128_GCM, header: &quic::AES_128, length: 32 },
    Suite { number: 0x1302, cipher: &AES_256_GCM, header: &quic::AES_256, length: 48 },
    Suite { number: 0x1303, cipher: &CHACHA20_POLY1305, header: &quic::CHACHA20, length: 32 },
];

#[derive(Clone, Copy)]
struct Version {
    number: u32,
    salt: &'static [u8],
    prefix: &'static str,
    /// The type of Initial packets.
    initial: u8,
}

const VERSIONS: &[Version] = &[
    Version {
        number: 1,
        salt: b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
        prefix: "quic",
        initial: 0,
    },
    Version {
        number: 0x6b33_43cf,
        salt: b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
        prefix: "quicv2",
        initial: 1,
    },
    Version {
        number: 0xff00_001d,
        salt: b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
        prefix: "quic",
        initial: 0,
    },
];

const ID: &[u8] = b"original";
const RANDOM: [u8; 32] = [1; 32];

/// Labels of the secrets, in the order of the seals: by side, the handshake and data. Each secret is its place, repeated.
const LABELS: [&str; 4] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_TRAFFIC_SECRET_0",
];

/// Every secret whose bit is not set in `lacking`; the highest bit cuts all of them short.
fn key_log(suite: Suite, lacking: u8) -> Vec<u8> {
    let length = if lacking & 0x80 == 0 { suite.length } else { 7 };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let known = LABELS.iter().enumerate().filter(|(bit, _)| lacking >> bit & 1 == 0);
    known
        .map(|(which, label)| format!("{label} {} {}\n", hex(&RANDOM), hex(&vec![which as u8; length])))
        .collect::<String>()
        .into_bytes()
}

fn client_hello() -> Vec<u8> {
    hello(1, RANDOM, &[0, 2, 0x13, 1, 1, 0], b"\0\x10\0\x05\0\x03\x02h3")
}

fn server_hello(suite: Suite) -> Vec<u8> {
    let [high, low] = suite.number.to_be_bytes();
    hello(2, [2; 32], &[high, low, 0], &[0, 43, 0, 2, 3, 4])
}

fn hello(kind: u8, random: [u8; 32], choice: &[u8], extensions: &[u8]) -> Vec<u8> {
    let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    let body = [&[3, 3], random.as_slice(), &[0], choice, &length, extensions].concat();
    [&[kind, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

fn crypto(bytes: &[u8]) -> Vec<u8> {
    let length = (u16::try_from(bytes.len()).unwrap() | 0x4000).to_be_bytes();
    [&[6, 0], length.as_slice(), bytes].concat()
}

/// One side's protection in one packet number space (RFC 9001 §5).
struct Seal {
    suite: Suite,
    version: Version,
    secret: Vec<u8>,
    header: quic::HeaderProtectionKey,
    bit: u8,
}

impl Seal {
    fn new(suite: Suite, version: Version, secret: Vec<u8>) -> Self {
        let seal = |header| Self { suite, version, secret: secret.clone(), header, bit: 0 };
        let none = quic::HeaderProtectionKey::new(suite.header, &vec![0; suite.cipher.key_len()]).unwrap();
        let key = seal(none).expand("hp", suite.cipher.key_len());
        seal(quic::HeaderProtectionKey::new(suite.header, &key).unwrap())
    }

    fn expand(&self, what: &str, length: usize) -> Vec<u8> {
        let hash = if self.suite.length == 48 { hkdf::HKDF_SHA384 } else { hkdf::HKDF_SHA256 };
        let prk = hkdf::Prk::new_less_safe(hash, &self.secret);
        expand(&prk, &format!("{} {what}", self.version.prefix), length)
    }

    fn update(&mut self) {
        self.secret = self.expand("ku", self.suite.length);
        self.bit ^= 4;
    }

    /// `kind`: how far its type is from that of Initial packets. `least`: bytes of frames, at least.
    fn long(&self, version: Version, kind: u8, number: u16, frames: &[u8], least: usize) -> Vec<u8> {
        let mut payload = frames.to_vec();
        payload.resize(frames.len().max(least).max(4), 0);
        let mut header = vec![0xc1 | (version.initial + kind & 3) << 4];
        header.extend(version.number.to_be_bytes());
        header.push(ID.len() as u8);
        header.extend(ID);
        header.push(0);
        if kind == 0 {
            header.push(0);
        }
        header.extend((u16::try_from(payload.len() + 18).unwrap() | 0x4000).to_be_bytes());
        self.packet(header, number, payload)
    }

    fn short(&self, number: u16, frames: &[u8]) -> Vec<u8> {
        let mut payload = frames.to_vec();
        payload.resize(frames.len().max(4), 0);
        self.packet(vec![0x41 | self.bit], number, payload)
    }

    fn packet(&self, mut header: Vec<u8>, number: u16, mut payload: Vec<u8>) -> Vec<u8> {
        let (at, number) = (header.len(), number.to_be_bytes());
        header.extend(number);
        let key =
            UnboundKey::new(self.suite.cipher, &self.expand("key", self.suite.cipher.key_len())).unwrap();
        let mut nonce: [u8; 12] = self.expand("iv", 12).try_into().unwrap();
        nonce[10] ^= number[0];
        nonce[11] ^= number[1];
        LessSafeKey::new(key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&header), &mut payload)
            .unwrap();
        let mask = self.header.new_mask(&payload[2..18]).unwrap();
        header[0] ^= mask[0] & if header[0] & 0x80 == 0 { 0x1f } else { 0x0f };
        header[at] ^= mask[1];
        header[at + 1] ^= mask[2];
        [header, payload].concat()
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand(prk: &hkdf::Prk, label: &str, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let size = u16::try_from(length).unwrap().to_be_bytes();
    let label_length = [u8::try_from(label.len() + 6).unwrap()];
    let info = [size.as_slice(), &label_length, b"tls13 ", label.as_bytes(), &[0]];
    prk.expand(&info, Length(length)).unwrap().fill(&mut out).unwrap();
    out
}

fn flow() -> Flow {
    Flow {
        id: 1,
        transport: Transport::Udp,
        client: Endpoint { ip: Ipv4Addr::new(192, 168, 42, 10).into(), port: 40_000 },
        server: Endpoint { ip: Ipv4Addr::new(203, 0, 113, 9).into(), port: 443 },
        inside: Some(Side::Client),
        inside_basis: InsideBasis::PrivateRange,
        first: Timestamp::from_nanos(0),
        client_mac: None,
        server_mac: None,
        app: None,
    }
}
