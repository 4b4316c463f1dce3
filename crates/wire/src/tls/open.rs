//! Records opened: keys from secrets (RFC 8446 §7, RFC 5246 §6.3), and the encryption of a record undone.
//!
//! A record counts as opened only when its authentication holds.

use aes::{Aes128, Aes256};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use ccm::{
    Ccm,
    aead::{AeadInOut, KeyInit},
    consts::{U8, U12, U16},
};
use ring::{
    aead::{Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};

use super::suites::{Cipher, Hash, Suite};
use crate::hkdf::expand_label;

/// Opens the records of one side, from one change of keys to the next.
pub(super) struct Opener {
    key: Key,
    iv: [u8; 12],
    framing: Framing,
    /// Records opened, or given up, so far.
    pub(super) sequence: u64,
}

/// What encrypts, with its key.
pub(crate) enum Key {
    Ring(LessSafeKey),
    Ccm128(Ccm<Aes128, U16, U12>),
    Ccm128Short(Ccm<Aes128, U8, U12>),
    Ccm256(Ccm<Aes256, U16, U12>),
    Ccm256Short(Ccm<Aes256, U8, U12>),
    Cbc { key: Vec<u8>, mac: hmac::Key, hash: Hash, encrypt_then_mac: bool },
}

/// How nonce and associated data are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Framing {
    /// RFC 8446 §5.2: nonce by sequence, type inside.
    Tls13,
    /// RFC 7905: nonce by sequence.
    Implicit,
    /// RFC 5288: eight bytes of the nonce stand in the record.
    Explicit,
}

/// A record opened: its type, and how many bytes of the record stand before the first encrypted one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Opened {
    pub(super) kind: u8,
    pub(super) before: usize,
}

/// The record's authentication fails, or it is too short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Failed;

impl Opener {
    /// For a traffic secret of TLS 1.3. `None` if the secret has not the length that the suite's hash gives.
    pub(super) fn tls13(suite: Suite, secret: &[u8]) -> Option<Self> {
        if secret.len() != suite.hash.length() {
            return None;
        }
        let key = expand(suite.hash, secret, b"key", suite.cipher.key_length())?;
        let iv = expand(suite.hash, secret, b"iv", 12)?;
        Some(Self {
            key: Key::of(suite.cipher, &key, None)?,
            iv: iv.try_into().ok()?,
            framing: Framing::Tls13,
            sequence: 0,
        })
    }

    /// For the keys of TLS 1.2 of one side.
    pub(super) fn tls12(
        suite: Suite,
        block: &KeyBlock,
        client: bool,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let (mac, key, iv) = block.of(client);
        let mut whole = [0; 12];
        whole.get_mut(..iv.len())?.copy_from_slice(iv);
        Some(Self {
            key: Key::of(suite.cipher, key, Some((mac, encrypt_then_mac)))?,
            iv: whole,
            framing: if suite.cipher == Cipher::ChaCha20Poly1305 {
                Framing::Implicit
            } else {
                Framing::Explicit
            },
            sequence: 0,
        })
    }

    /// Opens the body of a record into `plain`.
    pub(super) fn open(
        &mut self,
        header: [u8; 5],
        body: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<Opened, Failed> {
        plain.clear();
        let [kind, major, minor, ..] = header;
        let before = match (&self.key, self.framing) {
            (Key::Cbc { .. }, _) => 16,
            (_, Framing::Explicit) => 8,
            _ => 0,
        };
        let (explicit, sealed) = body.split_at_checked(before).ok_or(Failed)?;
        plain.extend_from_slice(sealed);
        let sequence = self.sequence.to_be_bytes();
        let opened = if let Key::Cbc { key, mac, hash, encrypt_then_mac } = &self.key {
            let cbc = Cbc { key, mac, hash: *hash, encrypt_then_mac: *encrypt_then_mac };
            cbc.open(&[&sequence[..], &[kind, major, minor]].concat(), explicit, sealed, plain)
        } else {
            let mut nonce = self.iv;
            let by_sequence = if self.framing == Framing::Explicit { explicit } else { &sequence };
            for (byte, other) in nonce.iter_mut().skip(4).zip(by_sequence) {
                // The explicit part follows four bytes of salt, behind which the IV holds zeros.
                *byte ^= other;
            }
            let tag = self.key.tag_length();
            let length = sealed.len().checked_sub(tag).ok_or(Failed)?;
            let length = u16::try_from(length).map_err(|_| Failed)?.to_be_bytes();
            match self.framing {
                Framing::Tls13 => self.key.open(nonce, &header, plain),
                _ => self.key.open(nonce, &[&sequence[..], &[kind, major, minor], &length].concat(), plain),
            }
        };
        // A record whose authentication fails is one of the sequence all the same.
        self.sequence += 1;
        opened?;
        let mut opened = Opened { kind, before };
        if self.framing == Framing::Tls13 {
            // Zeros of padding, then the type.
            let end = plain.iter().rposition(|byte| *byte != 0).ok_or(Failed)?;
            opened.kind = plain.get(end).copied().ok_or(Failed)?;
            plain.truncate(end);
        }
        Ok(opened)
    }
}

impl Key {
    /// `mac`: the key of the MAC, and whether it stands behind the encryption, for ciphers that have one of their own.
    pub(crate) fn of(cipher: Cipher, key: &[u8], mac: Option<(&[u8], bool)>) -> Option<Self> {
        if let Some(algorithm) = cipher.ring() {
            return Some(Self::Ring(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?)));
        }
        Some(match cipher {
            Cipher::Ccm(16, 16) => Self::Ccm128(Ccm::new_from_slice(key).ok()?),
            Cipher::Ccm(16, _) => Self::Ccm128Short(Ccm::new_from_slice(key).ok()?),
            Cipher::Ccm(_, 16) => Self::Ccm256(Ccm::new_from_slice(key).ok()?),
            Cipher::Ccm(..) => Self::Ccm256Short(Ccm::new_from_slice(key).ok()?),
            Cipher::Cbc(_, hash) => {
                let (mac, encrypt_then_mac) = mac?;
                Self::Cbc { key: key.to_vec(), mac: hmac::Key::new(hash.hmac(), mac), hash, encrypt_then_mac }
            }
            _ => return None,
        })
    }

    const fn tag_length(&self) -> usize {
        match self {
            Self::Ccm128Short(_) | Self::Ccm256Short(_) => 8,
            _ => 16,
        }
    }

    /// Opens ciphertext and tag in place.
    pub(crate) fn open(&self, nonce: [u8; 12], associated: &[u8], bytes: &mut Vec<u8>) -> Result<(), Failed> {
        let length = bytes.len().checked_sub(self.tag_length()).ok_or(Failed)?;
        let done = match self {
            Self::Ring(key) => key
                .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(associated), bytes)
                .map(drop)
                .map_err(|_| Failed),
            Self::Ccm128(key) => detached(key, nonce, associated, bytes),
            Self::Ccm128Short(key) => detached(key, nonce, associated, bytes),
            Self::Ccm256(key) => detached(key, nonce, associated, bytes),
            Self::Ccm256Short(key) => detached(key, nonce, associated, bytes),
            Self::Cbc { .. } => Err(Failed),
        };
        bytes.truncate(length);
        done
    }
}

#[cfg(test)]
impl Key {
    /// The reverse of [`Self::open`], for the ciphers that ring has.
    pub(crate) fn seal(&self, nonce: [u8; 12], associated: &[u8], bytes: &mut Vec<u8>) {
        let Self::Ring(key) = self else { panic!("no test seals with this cipher") };
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), bytes)
            .unwrap();
    }
}

fn detached<A: AeadInOut>(
    key: &A,
    nonce: [u8; 12],
    associated: &[u8],
    bytes: &mut [u8],
) -> Result<(), Failed> {
    let tag_length = size_of::<ccm::aead::Tag<A>>();
    let (text, tag) =
        bytes.split_at_mut_checked(bytes.len().checked_sub(tag_length).ok_or(Failed)?).ok_or(Failed)?;
    let nonce = ccm::aead::Nonce::<A>::try_from(nonce.as_slice()).map_err(|_| Failed)?;
    let tag = ccm::aead::Tag::<A>::try_from(&*tag).map_err(|_| Failed)?;
    key.decrypt_inout_detached(&nonce, associated, text.into(), &tag).map_err(|_| Failed)
}

/// AES-CBC with HMAC (RFC 5246 §6.2.3.2), the MAC inside or (RFC 7366) behind.
struct Cbc<'a> {
    key: &'a [u8],
    mac: &'a hmac::Key,
    hash: Hash,
    encrypt_then_mac: bool,
}

impl Cbc<'_> {
    /// `head`: sequence, type and version, to which the MAC adds the length.
    fn open(&self, head: &[u8], iv: &[u8], sealed: &[u8], plain: &mut Vec<u8>) -> Result<(), Failed> {
        let tag = self.hash.length();
        let verify = |length: usize, parts: &[&[u8]], tag: &[u8]| {
            let length = u16::try_from(length).map_err(|_| Failed)?.to_be_bytes();
            let whole = [&[head, &length], parts].concat().concat();
            hmac::verify(self.mac, &whole, tag).map_err(|_| Failed)
        };
        if self.encrypt_then_mac {
            let (text, tag) =
                sealed.split_at_checked(sealed.len().checked_sub(tag).ok_or(Failed)?).ok_or(Failed)?;
            verify(iv.len() + text.len(), &[iv, text], tag)?;
            plain.truncate(text.len());
        }
        match self.key.len() {
            16 => cbc::Decryptor::<Aes128>::new_from_slices(self.key, iv)
                .map_err(|_| Failed)?
                .decrypt_padded::<NoPadding>(plain)
                .map_err(|_| Failed)?,
            _ => cbc::Decryptor::<Aes256>::new_from_slices(self.key, iv)
                .map_err(|_| Failed)?
                .decrypt_padded::<NoPadding>(plain)
                .map_err(|_| Failed)?,
        };
        let padding = usize::from(*plain.last().ok_or(Failed)?) + 1;
        let length = plain.len().checked_sub(padding).ok_or(Failed)?;
        plain.truncate(length);
        if !self.encrypt_then_mac {
            let length = length.checked_sub(tag).ok_or(Failed)?;
            let (text, tag) = plain.split_at_checked(length).ok_or(Failed)?;
            verify(length, &[text], tag)?;
            plain.truncate(length);
        }
        Ok(())
    }
}

/// The keys of both sides (RFC 5246 §6.3).
pub(super) struct KeyBlock {
    bytes: Vec<u8>,
    mac: usize,
    key: usize,
    iv: usize,
}

impl KeyBlock {
    pub(super) fn new(
        suite: Suite,
        master: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        let (mac, iv) = match suite.cipher {
            Cipher::Cbc(_, hash) => (hash.length(), 0),
            Cipher::ChaCha20Poly1305 => (0, 12),
            _ => (0, 4),
        };
        let key = suite.cipher.key_length();
        let seed = [server_random.as_slice(), client_random].concat();
        let bytes = prf(suite.hash, master, b"key expansion", &seed, 2 * (mac + key + iv));
        Self { bytes, mac, key, iv }
    }

    /// MAC key, key and IV of one side.
    fn of(&self, client: bool) -> (&[u8], &[u8], &[u8]) {
        let side = usize::from(!client);
        let part = |start: usize, length: usize| {
            let start = start + side * length;
            self.bytes.get(start..start + length).unwrap_or_default()
        };
        (part(0, self.mac), part(2 * self.mac, self.key), part(2 * (self.mac + self.key), self.iv))
    }
}

/// The master secret (RFC 5246 §8.1). The extended one (RFC 7627) needs the whole handshake and is not made here.
pub(super) fn master(
    hash: Hash,
    premaster: &[u8],
    client_random: &[u8; 32],
    server_random: &[u8; 32],
) -> Vec<u8> {
    prf(hash, premaster, b"master secret", &[client_random.as_slice(), server_random].concat(), 48)
}

/// The pseudorandom function of TLS 1.2 (RFC 5246 §5).
fn prf(hash: Hash, secret: &[u8], label: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let key = hmac::Key::new(hash.hmac(), secret);
    let seed = [label, seed].concat();
    let mut a = hmac::sign(&key, &seed);
    let mut out = Vec::with_capacity(length + 48);
    while out.len() < length {
        out.extend_from_slice(hmac::sign(&key, &[a.as_ref(), &seed].concat()).as_ref());
        a = hmac::sign(&key, a.as_ref());
    }
    out.truncate(length);
    out
}

/// The secret after a key update (RFC 8446 §7.2).
pub(super) fn updated(hash: Hash, secret: &[u8]) -> Option<Vec<u8>> {
    expand(hash, secret, b"traffic upd", hash.length())
}

/// HKDF-Expand-Label of a secret.
fn expand(hash: Hash, secret: &[u8], label: &[u8], length: usize) -> Option<Vec<u8>> {
    expand_label(&hkdf::Prk::new_less_safe(hash.hkdf(), secret), label, length)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    /// RFC 8448 §3, "{server} derive write traffic keys for application data".
    #[test]
    fn the_published_trace() {
        let secret = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
        let secret = data_encoding::HEXLOWER.decode(secret.as_bytes()).unwrap();
        let hex = |bytes: Vec<u8>| data_encoding::HEXLOWER.encode(&bytes);
        assert_eq!(
            hex(expand(Hash::Sha256, &secret, b"key", 16).unwrap()),
            "9f02283b6c9c07efc26bb9f2ac92e356"
        );
        assert_eq!(hex(expand(Hash::Sha256, &secret, b"iv", 12).unwrap()), "cf782b88dd83549aadf1e984");
    }

    #[test]
    fn a_record_is_opened_and_a_flipped_bit_is_not() {
        for number in [0x1301_u16, 0x1302, 0x1303] {
            let suite = Suite::of(number).unwrap();
            let secret = vec![7; suite.hash.length()];
            let key = expand(suite.hash, &secret, b"key", suite.cipher.key_length()).unwrap();
            let iv: [u8; 12] = expand(suite.hash, &secret, b"iv", 12).unwrap().try_into().unwrap();
            let sealing = LessSafeKey::new(UnboundKey::new(suite.cipher.ring().unwrap(), &key).unwrap());
            let mut body = b"hello\x17\0\0\0".to_vec();
            let header = [23, 3, 3, 0, u8::try_from(body.len() + 16).unwrap()];
            sealing
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::from(header), &mut body)
                .unwrap();
            let mut plain = Vec::new();
            let mut opener = Opener::tls13(suite, &secret).unwrap();
            assert_eq!(opener.open(header, &body, &mut plain), Ok(Opened { kind: 23, before: 0 }));
            assert_eq!(plain, b"hello");
            body[0] ^= 1;
            let mut opener = Opener::tls13(suite, &secret).unwrap();
            assert_eq!(opener.open(header, &body, &mut plain), Err(Failed));
        }
    }
}
