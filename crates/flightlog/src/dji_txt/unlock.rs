//! Getting at the content of records: plain up to version 6, scrambled from 7 on, and from 13 on most kinds encrypted
//! beneath the scrambling.
//!
//! The scrambling is no secret: its key follows from the kind of the record and its first byte. The encryption is
//! AES-256-CBC, with one key for each *feature point* (a group of kinds) and each record's first block chained to the last
//! ciphertext of the record of that feature point before it.

use std::collections::{BTreeMap, VecDeque};

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};

use super::keychain::{Key, Keychain};

/// Length of a block of AES, in bytes.
const BLOCK: usize = 16;

/// The feature point of kinds that are scrambled but never encrypted.
pub(super) const PLAIN: u16 = 8;

/// Why the content of a record cannot be had.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Locked {
    /// No key is known for its feature point.
    NoKey,
    /// The key does not fit.
    WrongKey,
}

/// Opens the records of one log, in their order.
#[derive(Debug)]
pub(super) struct Opener {
    version: u8,
    keys: BTreeMap<u16, Key>,
    later: VecDeque<BTreeMap<u16, Key>>,
}

impl Opener {
    pub(super) fn new(version: u8, keychain: Option<&Keychain>) -> Self {
        let mut later: VecDeque<_> = keychain.map(|chain| chain.groups().clone()).unwrap_or_default().into();
        Self { version, keys: later.pop_front().unwrap_or_default(), later }
    }

    /// The app began anew within the file: from here on, the next keys hold.
    pub(super) fn next_keys(&mut self) {
        self.keys = self.later.pop_front().unwrap_or_default();
    }

    /// The content of a record.
    pub(super) fn open(&mut self, kind: u8, payload: &[u8]) -> Result<Vec<u8>, Locked> {
        if self.version < 7 {
            return Ok(payload.to_vec());
        }
        let mut content = unscrambled(kind, payload);
        let feature = feature_point(kind, self.version);
        if self.version < 13 || feature == PLAIN {
            return Ok(content);
        }
        let key = self.keys.get_mut(&feature).ok_or(Locked::NoKey)?;
        let chained = content.last_chunk::<BLOCK>().copied().ok_or(Locked::WrongKey)?;
        let decryptor = cbc::Decryptor::<Aes256>::new_from_slices(&key.key, &key.iv);
        key.iv = chained;
        let opened = decryptor
            .ok()
            .and_then(|decryptor| decryptor.decrypt_padded::<Pkcs7>(&mut content).ok().map(<[u8]>::len));
        content.truncate(opened.ok_or(Locked::WrongKey)?);
        Ok(content)
    }
}

/// A payload without its scrambling: its first byte makes the key, its last is a counter; neither is content.
pub(super) fn unscrambled(kind: u8, payload: &[u8]) -> Vec<u8> {
    let [seed, content @ .., _] = payload else { return Vec::new() };
    let key = key(*seed, kind);
    content.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// The key of the scrambling: CRC-64 (Jones) of a product of the first byte, begun with that byte plus the kind.
pub(super) fn key(seed: u8, kind: u8) -> [u8; 8] {
    let product = 0x1234_5678_9abc_def0_u64.wrapping_mul(u64::from(seed));
    let mut crc = u64::from(seed.wrapping_add(kind));
    for byte in product.to_le_bytes() {
        crc ^= u64::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

/// Under whose key a kind of record is: 1 base, 2 vision, 3 waypoints, 4 agriculture, 5 radio link, 6 after sales,
/// 7 the app, 8 nobody's, 9 fleet, 10 gimbal, 11 remote controller, 12 camera, 13 battery, 14 fly-safe, 15 security.
///
/// Source: the table of the open parser lvauvillier/dji-log-parser.
pub(super) fn feature_point(kind: u8, version: u8) -> u16 {
    // Version 13 had fewer feature points.
    let since_14 = |then: u16, before: u16| if version == 13 { before } else { then };
    match kind {
        1 | 2 | 6 | 13 | 14 | 15 | 40 | 58 | 59 | 63 => 1,
        17 | 18 => 2,
        31 | 32 | 34 | 35 | 36 | 38 | 39 => 3,
        21 | 41 | 43..=48 => 4,
        49 => 5,
        12 | 16 | 19 | 26 | 27 => 6,
        5 | 9 | 10 | 20 | 24 | 30 | 54 => 7,
        3 => since_14(10, 1),
        4 | 11 | 29 | 33 => since_14(11, 1),
        62 => 11,
        25 => since_14(12, 1),
        7 | 8 => since_14(13, 1),
        22 => since_14(13, 6),
        28 | 51 | 52 => since_14(14, 6),
        53 => since_14(9, 6),
        55 => 15,
        _ => PLAIN,
    }
}

/// Whether a kind of record is known at all, read here or not.
pub(super) fn is_known(kind: u8) -> bool {
    matches!(kind, 50 | 56) || feature_point(kind, 14) != PLAIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_scrambling_is_crc_64_jones() {
        // A seed of 0 makes a product of 0: what is left is the checksum of eight zeros begun with the kind.
        assert_eq!(key(0, 0), [0; 8]);
        assert_ne!(key(0, 1), key(0, 2));
        let payload = [&[7][..], &[1, 2, 3], &[9]].concat();
        let once = unscrambled(1, &payload);
        let again = unscrambled(1, &[&[7][..], &once, &[9]].concat());
        assert_eq!(again, [1, 2, 3]);
        assert!(unscrambled(1, &[7]).is_empty());
    }

    #[test]
    fn without_a_key_a_record_stays_locked() {
        let mut opener = Opener::new(13, None);
        assert_eq!(opener.open(1, &[0; 40]), Err(Locked::NoKey));
        assert!(opener.open(56, &[0; 40]).is_ok());
        assert_eq!(Opener::new(6, None).open(1, &[1, 2]), Ok(vec![1, 2]));
    }
}
