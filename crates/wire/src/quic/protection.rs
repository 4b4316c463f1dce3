//! The protection of packets (RFC 9001 §5, RFC 9369 §3.3): keys from secrets, header protection, packet numbers, and
//! keys that change while a connection lasts.
//!
//! A packet counts as opened only when its authentication holds.

use ring::{aead::quic, hkdf::Prk};

use super::version::Version;
use crate::{
    hkdf::expand_label,
    tls::{Cipher, Key, Suite},
};

/// Bytes from the packet number on that a packet has at least: four, and the sample of its protection.
pub(super) const LEAST: usize = 20;

/// Takes the protection off the packets of one side, of one packet number space.
pub(super) struct Protection {
    suite: Suite,
    version: Version,
    header: quic::HeaderProtectionKey,
    /// The keys of now, of before their last change, and of after their next one.
    now: Phase,
    before: Option<Phase>,
    next: Option<Phase>,
    /// The bit that names the keys of now.
    bit: bool,
    /// The first packet that was seen under the keys of now.
    since: u64,
    /// The next packet after the highest that was opened.
    expected: u64,
    /// Packets in a row whose number was looked for further on.
    sought: u8,
    /// The header, as it is authenticated.
    associated: Vec<u8>,
}

/// Packets in a row whose number is looked for further on, where many are missing in the capture; and how far.
const MOST_SOUGHT: u8 = 64;
const FURTHEST: u64 = 4;

/// The keys between two changes.
struct Phase {
    secret: Vec<u8>,
    key: Key,
    iv: [u8; 12],
}

impl Phase {
    fn new(suite: Suite, version: Version, secret: Vec<u8>) -> Option<Self> {
        let key = expand(suite, version, &secret, "key", suite.cipher.key_length())?;
        let iv = expand(suite, version, &secret, "iv", 12)?.try_into().ok()?;
        Some(Self { key: Key::of(suite.cipher, &key, None)?, iv, secret })
    }

    /// RFC 9001 §6.1.
    fn next(&self, suite: Suite, version: Version) -> Option<Self> {
        Self::new(suite, version, expand(suite, version, &self.secret, "ku", suite.hash.length())?)
    }

    /// Opens the payload of the packet of this number.
    fn open(&self, number: u64, associated: &[u8], sealed: &[u8], plain: &mut Vec<u8>) -> bool {
        plain.clear();
        plain.extend_from_slice(sealed);
        self.key.open(self.nonce(number), associated, plain).is_ok()
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, other) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= other;
        }
        nonce
    }
}

fn expand(suite: Suite, version: Version, secret: &[u8], what: &str, length: usize) -> Option<Vec<u8>> {
    let label = [version.prefix(), " ", what].concat();
    expand_label(&Prk::new_less_safe(suite.hash.hkdf(), secret), label.as_bytes(), length)
}

impl Protection {
    /// For a secret. `None` if the suite is none of QUIC's, or the secret has not the length that its hash gives.
    pub(super) fn new(suite: Suite, version: Version, secret: Vec<u8>) -> Option<Self> {
        let algorithm = match suite.cipher {
            Cipher::Aes128Gcm | Cipher::Ccm(16, 16) => &quic::AES_128,
            Cipher::Aes256Gcm => &quic::AES_256,
            Cipher::ChaCha20Poly1305 => &quic::CHACHA20,
            _ => return None,
        };
        if secret.len() != suite.hash.length() {
            return None;
        }
        let header = expand(suite, version, &secret, "hp", suite.cipher.key_length())?;
        Some(Self {
            header: quic::HeaderProtectionKey::new(algorithm, &header).ok()?,
            now: Phase::new(suite, version, secret)?,
            suite,
            version,
            before: None,
            next: None,
            bit: false,
            since: 0,
            expected: 0,
            sought: 0,
            associated: Vec::new(),
        })
    }

    /// Opens a packet whose number stands at `at`; its payload is then in `plain`.
    pub(super) fn open(&mut self, packet: &[u8], at: usize, plain: &mut Vec<u8>) -> bool {
        self.opened(packet, at, plain).is_some()
    }

    fn opened(&mut self, packet: &[u8], at: usize, plain: &mut Vec<u8>) -> Option<()> {
        let sample = packet.get(at.checked_add(4)?..)?.get(..16)?;
        let [first, mask @ ..] = self.header.new_mask(sample).ok()?;
        let long = packet.first()? & 0x80 != 0;
        let flags = packet.first()? ^ (first & if long { 0x0f } else { 0x1f });
        let length = usize::from(flags & 3) + 1;
        let sealed = packet.get(at + length..)?;
        self.associated.clear();
        self.associated.extend_from_slice(packet.get(..at + length)?);
        *self.associated.first_mut()? = flags;
        let mut truncated = 0;
        for (byte, mask) in self.associated.get_mut(at..)?.iter_mut().zip(mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let bit = !long && flags & 4 != 0;
        let number = number(self.expected, truncated, length);
        if self.unseal(bit, number, sealed, plain).is_some() {
            self.sought = 0;
            return Some(());
        }
        // So many packets may be missing that the number stands for one further on; its authentication tells.
        if length <= 2 && self.sought < MOST_SOUGHT {
            self.sought += 1;
            let step = 1 << (8 * length);
            for further in 1..=FURTHEST {
                if self.unseal(bit, number.checked_add(step * further)?, sealed, plain).is_some() {
                    self.sought = 0;
                    return Some(());
                }
            }
        }
        None
    }

    /// Opens a payload with the keys that its number and the bit of its header ask for (RFC 9001 §6.3).
    fn unseal(&mut self, bit: bool, number: u64, sealed: &[u8], plain: &mut Vec<u8>) -> Option<()> {
        if bit == self.bit {
            self.now.open(number, &self.associated, sealed, plain).then_some(())?;
        } else if let Some(before) = self.before.as_ref().filter(|_| number < self.since) {
            before.open(number, &self.associated, sealed, plain).then_some(())?;
        } else {
            let next = match self.next.take() {
                Some(next) => next,
                None => self.now.next(self.suite, self.version)?,
            };
            if !next.open(number, &self.associated, sealed, plain) {
                self.next = Some(next);
                return None;
            }
            self.before = Some(std::mem::replace(&mut self.now, next));
            (self.bit, self.since) = (bit, number);
        }
        self.since = if bit == self.bit { self.since.min(number) } else { self.since };
        self.expected = self.expected.max(number.saturating_add(1));
        Some(())
    }
}

/// The number of which the lowest `length` bytes are sent, where this one is expected (RFC 9000 §A.3).
fn number(expected: u64, truncated: u64, length: usize) -> u64 {
    let window = 1_u64 << (8 * length);
    let candidate = expected & !(window - 1) | truncated;
    if candidate + window / 2 <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
impl Protection {
    /// The reverse of [`Self::open`]: `header` ends with the packet number, of which so many bytes are sent.
    pub(super) fn seal(&self, mut header: Vec<u8>, number: u64, length: usize, payload: &[u8]) -> Vec<u8> {
        let at = header.len();
        header[0] |= u8::try_from(length - 1).unwrap();
        header.extend(&number.to_be_bytes()[8 - length..]);
        let mut sealed = payload.to_vec();
        self.now.key.seal(self.now.nonce(number), &header, &mut sealed);
        let mask = self.header.new_mask(&sealed[4 - length..20 - length]).unwrap();
        header[0] ^= mask[0] & if header[0] & 0x80 == 0 { 0x1f } else { 0x0f };
        for (byte, mask) in header[at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        [header, sealed].concat()
    }

    /// Goes over to the next keys.
    pub(super) fn update(&mut self) {
        self.now = self.now.next(self.suite, self.version).unwrap();
        self.bit = !self.bit;
    }

    /// The bit that a short header has for the keys of now.
    pub(super) fn bit(&self) -> u8 {
        u8::from(self.bit) << 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    const CHACHA_SECRET: &str = "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b";

    /// RFC 9001 §A.5: a packet with a short header under ChaCha20-Poly1305, number 654360564.
    #[test]
    fn the_published_short_packet_is_opened() {
        let suite = Suite::of(0x1303).unwrap();
        let mut protection = Protection::new(suite, Version(1), hex(CHACHA_SECRET)).unwrap();
        assert_eq!(protection.now.iv.to_vec(), hex("e0459b3474bdd0e44a41c144"));
        let updated = "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9";
        assert_eq!(protection.now.next(suite, Version(1)).unwrap().secret, hex(updated));
        protection.expected = 654_360_564;
        let mut plain = Vec::new();
        assert!(protection.open(&hex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb"), 1, &mut plain));
        assert_eq!(plain, [1], "a PING");
        assert!(!protection.open(&hex("4cfe4189655e5cd55c41f69080575d7999c25a5bfa"), 1, &mut plain));
    }

    /// RFC 9369 §A.5: the same of version 2.
    #[test]
    fn the_published_short_packet_of_version_2_is_opened() {
        let suite = Suite::of(0x1303).unwrap();
        let mut protection = Protection::new(suite, Version(0x6b33_43cf), hex(CHACHA_SECRET)).unwrap();
        let updated = "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88";
        assert_eq!(protection.now.next(suite, Version(0x6b33_43cf)).unwrap().secret, hex(updated));
        protection.expected = 654_360_564;
        let mut plain = Vec::new();
        assert!(protection.open(&hex("5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba"), 1, &mut plain));
        assert_eq!(plain, [1], "a PING");
    }

    /// RFC 9000 §A.3.
    #[test]
    fn the_published_number_is_recovered() {
        assert_eq!(number(0xa82f_30eb, 0x9b32, 2), 0xa82f_9b32);
        assert_eq!((number(0, 5, 1), number(256, 255, 1), number(1, 255, 1)), (5, 255, 255));
    }

    #[test]
    fn keys_change_and_packets_of_before_are_opened_still() {
        for suite in [0x1301, 0x1302, 0x1303].map(|number| Suite::of(number).unwrap()) {
            let new = || Protection::new(suite, Version(1), vec![7; suite.hash.length()]).unwrap();
            let (mut seals, mut opens) = (new(), new());
            let mut packets = Vec::new();
            for number in 0..12 {
                if number % 4 == 3 {
                    seals.update();
                }
                packets.push(seals.seal(vec![0x40 | seals.bit(), 1, 2, 3], number, 2, b"a payload"));
            }
            // Two that met on the way, across a change and within.
            packets.swap(2, 3);
            packets.swap(8, 9);
            let mut plain = Vec::new();
            for (which, packet) in packets.iter().enumerate() {
                assert!(opens.open(packet, 4, &mut plain), "{which}");
                assert_eq!(plain, b"a payload");
            }
        }
    }

    #[test]
    fn a_number_is_found_behind_many_that_are_missing() {
        let suite = Suite::of(0x1301).unwrap();
        let mut protection = Protection::new(suite, Version(1), vec![7; 32]).unwrap();
        let packet = |number| protection.seal(vec![0x40], number, 1, b"a payload");
        let packets = [0, 500, 501].map(packet);
        let mut plain = Vec::new();
        assert!(packets.iter().all(|packet| protection.open(packet, 1, &mut plain)));
    }
}
