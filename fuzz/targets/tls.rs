//! Any records behind hellos whose secrets are known: what only a holder of the keys could write is sealed here, so that
//! the reader opens it. The first two bytes choose the suite, what the hellos offer and which secrets are in the log.
//!
//! Then chunks follow a head of two bytes: `side 1, how 2, kind 2, length 11`. How: 0 bytes as they are, 1 a record in
//! the clear, 2 a record under the secrets of the handshake, 3 one under those of application data.
#![no_main]

use std::net::Ipv4Addr;

use creance_model::{Endpoint, Flow, InsideBasis, Message, Side, Timestamp, Transport};
use creance_wire::{At, Budget, Keep, KeyLog, Limits, Means, Reader};
use libfuzzer_sys::fuzz_target;
use ring::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};

fuzz_target!(|bytes: &[u8]| {
    let [choice, lacking, rest @ ..] = bytes else { return };
    let suite = SUITES[usize::from(choice & 15) % SUITES.len()];
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
    feed(Side::Client, &record(22, &client_hello(suite, choice & 0x40 != 0)));
    feed(Side::Server, &record(22, &server_hello(suite, choice >> 4 & 3)));
    let mut seals: [Seal; 4] = std::array::from_fn(|which| Seal::new(suite, which));
    let mut rest = rest;
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let head = u16::from_be_bytes(*head);
        let (chunk, tail) = tail.split_at(tail.len().min(usize::from(head & 0x7ff)));
        rest = tail;
        let from = if head & 0x8000 == 0 { Side::Client } else { Side::Server };
        let kind = 20 + u8::try_from(head >> 11 & 3).unwrap();
        match head >> 13 & 3 {
            0 => feed(from, chunk),
            1 => feed(from, &record(kind, chunk)),
            stage => feed(from, &seals[usize::from(stage & 1) * 2 + from.index()].record(kind, chunk)),
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
    /// What can be sealed here; of the others, records come as the input has them.
    cipher: Option<&'static Algorithm>,
    tls13: bool,
    hash: Hash,
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    fn length(self) -> usize {
        if matches!(self, Self::Sha256) { 32 } else { 48 }
    }

    fn hmac(self) -> hmac::Algorithm {
        if matches!(self, Self::Sha256) { hmac::HMAC_SHA256 } else { hmac::HMAC_SHA384 }
    }

    fn hkdf(self) -> hkdf::Algorithm {
        if matches!(self, Self::Sha256) { hkdf::HKDF_SHA256 } else { hkdf::HKDF_SHA384 }
    }
}

const SUITES: &[Suite] = &[
    Suite { number: 0x1301, cipher: Some(&AES_128_GCM), tls13: true, hash: Hash::Sha256 },
    Suite { number: 0x1302, cipher: Some(&AES_256_GCM), tls13: true, hash: Hash::Sha384 },
    Suite { number: 0x1303, cipher: Some(&CHACHA20_POLY1305), tls13: true, hash: Hash::Sha256 },
    Suite { number: 0x1304, cipher: None, tls13: true, hash: Hash::Sha256 },
    Suite { number: 0x1305, cipher: None, tls13: true, hash: Hash::Sha256 },
    Suite { number: 0xc02f, cipher: Some(&AES_128_GCM), tls13: false, hash: Hash::Sha256 },
    Suite { number: 0xc030, cipher: Some(&AES_256_GCM), tls13: false, hash: Hash::Sha384 },
    Suite { number: 0xcca8, cipher: Some(&CHACHA20_POLY1305), tls13: false, hash: Hash::Sha256 },
    Suite { number: 0xc09d, cipher: None, tls13: false, hash: Hash::Sha256 },
    Suite { number: 0xc0a0, cipher: None, tls13: false, hash: Hash::Sha256 },
    Suite { number: 0x002f, cipher: None, tls13: false, hash: Hash::Sha256 },
    Suite { number: 0xc027, cipher: None, tls13: false, hash: Hash::Sha256 },
    Suite { number: 0xc028, cipher: None, tls13: false, hash: Hash::Sha384 },
    Suite { number: 0x0004, cipher: None, tls13: false, hash: Hash::Sha256 },
];

const CLIENT_RANDOM: [u8; 32] = [1; 32];
const SERVER_RANDOM: [u8; 32] = [2; 32];
const MASTER: [u8; 48] = [3; 48];

/// Labels of the traffic secrets, in the order of [`Seal::new`]; each secret is its place, repeated.
const LABELS: [&str; 4] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
];

/// Every secret whose bit is not set in `lacking`; the highest bit cuts all of them short.
fn key_log(suite: Suite, lacking: u8) -> Vec<u8> {
    let length = if lacking & 0x80 == 0 { suite.hash.length() } else { 7 };
    let mut lines: Vec<(&str, Vec<u8>)> =
        LABELS.iter().zip(0..).map(|(label, which)| (*label, vec![which; length])).collect();
    lines.push(("CLIENT_RANDOM", MASTER.to_vec()));
    lines.push(("CLIENT_EARLY_TRAFFIC_SECRET", vec![9; length]));
    lines.push(("PMS_CLIENT_RANDOM", vec![4; 48]));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let known = lines.iter().enumerate().filter(|(bit, _)| lacking >> bit & 1 == 0);
    known
        .map(|(_, (label, secret))| format!("{label} {} {}\n", hex(&CLIENT_RANDOM), hex(secret)))
        .collect::<String>()
        .into_bytes()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], length.as_slice(), fragment].concat()
}

fn client_hello(suite: Suite, early: bool) -> Vec<u8> {
    let [high, low] = suite.number.to_be_bytes();
    hello(1, CLIENT_RANDOM, &[0, 2, high, low, 1, 0], if early { &[0, 42, 0, 0] } else { &[] })
}

/// `more`: whether the MAC stands behind the encryption, and whether the master secret is the extended one.
fn server_hello(suite: Suite, more: u8) -> Vec<u8> {
    let [high, low] = suite.number.to_be_bytes();
    let mut extensions = Vec::new();
    for (bit, kind) in [(1, 22), (2, 23)] {
        if more & bit != 0 {
            extensions.extend([0, kind, 0, 0]);
        }
    }
    if suite.tls13 {
        extensions.extend([0, 43, 0, 2, 3, 4]);
    }
    hello(2, SERVER_RANDOM, &[high, low, 0], &extensions)
}

fn hello(kind: u8, random: [u8; 32], choice: &[u8], extensions: &[u8]) -> Vec<u8> {
    let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    let body = [&[3, 3], random.as_slice(), &[0], choice, &length, extensions].concat();
    [&[kind, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

/// One side's encryption in one stage. TLS 1.2 has but one stage.
struct Seal {
    suite: Suite,
    secret: Vec<u8>,
    sequence: u64,
    /// Key and IV of TLS 1.2.
    old: (Vec<u8>, Vec<u8>),
}

impl Seal {
    fn new(suite: Suite, which: usize) -> Self {
        let secret = vec![u8::try_from(which).unwrap(); suite.hash.length()];
        Self { suite, secret, sequence: 0, old: key_block(suite, which & 1) }
    }

    fn record(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let Some(cipher) = self.suite.cipher else { return record(kind, content) };
        let sequence = self.sequence.to_be_bytes();
        self.sequence += 1;
        let tls13 = self.suite.tls13;
        let explicit = !tls13 && self.old.1.len() == 4;
        let (key, mut iv) = if tls13 {
            let key = expand(self.suite.hash, &self.secret, b"key", cipher.key_len());
            (key, expand(self.suite.hash, &self.secret, b"iv", 12))
        } else {
            self.old.clone()
        };
        iv.resize(12, 0);
        for (byte, other) in iv.iter_mut().skip(4).zip(sequence) {
            *byte ^= other;
        }
        let (mut sealed, outer) = (content.to_vec(), if tls13 { 23 } else { kind });
        if tls13 {
            sealed.push(kind);
        }
        let length = sealed.len() + if tls13 { cipher.tag_len() } else { 0 };
        let head = [&[outer, 3, 3], u16::try_from(length).unwrap().to_be_bytes().as_slice()].concat();
        let associated = if tls13 { head } else { [&sequence, head.as_slice()].concat() };
        let nonce = Nonce::assume_unique_for_key(iv.try_into().unwrap());
        LessSafeKey::new(UnboundKey::new(cipher, &key).unwrap())
            .seal_in_place_append_tag(nonce, Aad::from(associated), &mut sealed)
            .unwrap();
        if tls13 && kind == 22 && content.first() == Some(&24) {
            self.secret = expand(self.suite.hash, &self.secret, b"traffic upd", self.suite.hash.length());
            self.sequence = 0;
        }
        if explicit {
            record(outer, &[&sequence, sealed.as_slice()].concat())
        } else {
            record(outer, &sealed)
        }
    }
}

/// Key and IV of one side (RFC 5246 §6.3).
fn key_block(suite: Suite, side: usize) -> (Vec<u8>, Vec<u8>) {
    let Some(cipher) = suite.cipher.filter(|_| !suite.tls13) else { return Default::default() };
    let (key, iv) = (cipher.key_len(), if suite.number == 0xcca8 { 12 } else { 4 });
    let secret = hmac::Key::new(suite.hash.hmac(), &MASTER);
    let seed = [b"key expansion".as_slice(), &SERVER_RANDOM, &CLIENT_RANDOM].concat();
    let (mut a, mut block) = (hmac::sign(&secret, &seed), Vec::new());
    while block.len() < 2 * (key + iv) {
        block.extend_from_slice(hmac::sign(&secret, &[a.as_ref(), &seed].concat()).as_ref());
        a = hmac::sign(&secret, a.as_ref());
    }
    let part = |start: usize, length: usize| block[start + side * length..][..length].to_vec();
    (part(0, key), part(2 * key, iv))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand(hash: Hash, secret: &[u8], label: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let size = u16::try_from(length).unwrap().to_be_bytes();
    let label_length = [u8::try_from(label.len() + 6).unwrap()];
    let info = [size.as_slice(), &label_length, b"tls13 ", label, &[0]];
    let prk = hkdf::Prk::new_less_safe(hash.hkdf(), secret);
    prk.expand(&info, Length(length)).unwrap().fill(&mut out).unwrap();
    out
}

fn flow() -> Flow {
    Flow {
        id: 1,
        transport: Transport::Tcp,
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
