//! Signatures of MAVLink 2 (`mavlink.io/en/guide/message_signing.html`): whose word on being on the ground is taken.
//!
//! Without a key nobody can tell whether a signature holds, but that an aircraft signs is known from the first that it sends: what
//! bears none then is not its own. With a key a frame must be signed by it, later than the one before on its link, and within
//! a minute of the clock of this machine: by one that is behind, what was recorded would be new.

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

use creance_wire::mavlink::{Frame, Signature};
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{Context, SHA256};

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of the hash that a frame ends with.
const HASH: usize = 6;
/// How far the time of a signature may be from that of this machine, in microseconds.
const APART: i64 = 60_000_000;

/// What is known of the signatures of an aircraft.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    key: Option<[u8; KEY]>,
    /// Whether it ever signed.
    signs: bool,
    /// When it signed last, by link.
    last: BTreeMap<u8, i64>,
}

impl Signing {
    /// With the key in a file, if one is named: 64 digits of base 16.
    pub(crate) fn new(key: Option<&Path>) -> io::Result<Self> {
        Ok(Self { key: key.map(read).transpose()?, ..Self::default() })
    }

    /// How it is heard.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.key, self.signs) {
            (Some(_), _) => "mavlink, signed by its key",
            (None, true) => "mavlink, signed, by which key is not known",
            (None, false) => "mavlink, not signed",
        }
    }

    /// Whether a frame under its number is taken for its own, and how it is heard; else why it is not.
    pub(crate) fn take(
        &mut self,
        frame: &Frame,
        bytes: &[u8],
        now: Duration,
    ) -> Result<&'static str, &'static str> {
        let Some(signature) = frame.signature else {
            return if self.key.is_some() || self.signs {
                Err("which signs, without a signature")
            } else {
                Ok(self.kind())
            };
        };
        let Some(key) = self.key else {
            self.signs = true;
            return Ok(self.kind());
        };
        if !holds(&key, bytes) {
            return Err("with a signature that is not by its key");
        }
        let Signature { link, unix_us } = signature;
        if self.last.get(&link).is_some_and(|last| *last >= unix_us) {
            return Err("with a signature that was used before");
        }
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        if unix_us < now.saturating_sub(APART) {
            return Err("with a signature that is old");
        }
        if unix_us > now.saturating_add(APART) {
            return Err("with a signature of a time to come");
        }
        self.last.insert(link, unix_us);
        Ok(self.kind())
    }
}

/// Whether a frame ends with the beginning of the hash of key and frame.
fn holds(key: &[u8; KEY], bytes: &[u8]) -> bool {
    bytes.split_last_chunk::<HASH>().is_some_and(|(signed, hash)| digest(key, signed) == *hash)
}

fn digest(key: &[u8; KEY], signed: &[u8]) -> [u8; HASH] {
    let mut context = Context::new(&SHA256);
    context.update(key);
    context.update(signed);
    let whole = context.finish();
    whole.as_ref().first_chunk().copied().unwrap_or_default()
}

fn read(path: &Path) -> io::Result<[u8; KEY]> {
    let named = |kind, why: &dyn std::fmt::Display| {
        io::Error::new(kind, format!("`signing_key` {}: {why}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(|error| named(error.kind(), &error))?;
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| named(io::ErrorKind::InvalidData, &"a key of MAVLink is 64 digits of base 16"))
}

#[cfg(test)]
mod tests {
    use creance_wire::mavlink::parse_frame;

    use super::*;

    /// Seconds since 1970.
    const NOW: i64 = 1_800_000_000;

    /// A heartbeat of MAVLink 2 of a system that stands by, signed on a link so many microseconds after [`NOW`].
    fn beat(key: Option<&[u8; KEY]>, link: u8, after_us: i64) -> Vec<u8> {
        let mut frame =
            vec![0xfd, 9, u8::from(key.is_some()), 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0x51, 3, 3];
        let sum = super::super::mavlink::sum(frame.iter().skip(1).chain([&50]));
        frame.extend(sum.to_le_bytes());
        if let Some(key) = key {
            frame.push(link);
            let since = ((NOW - 1_420_070_400) * 1_000_000 + after_us) / 10;
            frame.extend(&since.to_le_bytes()[..6]);
            frame.extend(digest(key, &frame));
        }
        frame
    }

    fn take(signing: &mut Signing, bytes: &[u8]) -> Result<&'static str, &'static str> {
        let (frame, length) = parse_frame(bytes).unwrap();
        assert_eq!(length, bytes.len());
        signing.take(&frame, bytes, Duration::from_secs(NOW.unsigned_abs()))
    }

    #[test]
    fn whoever_signed_once_is_not_believed_without() {
        let mut signing = Signing::default();
        assert_eq!(take(&mut signing, &beat(None, 0, 0)), Ok("mavlink, not signed"));
        assert!(take(&mut signing, &beat(Some(&[1; KEY]), 0, 0)).is_ok());
        assert!(take(&mut signing, &beat(None, 0, 0)).is_err());
        assert!(take(&mut signing, &beat(Some(&[1; KEY]), 0, 1)).is_ok());
    }

    #[test]
    fn with_a_key_signatures_are_by_it_new_and_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "AB".repeat(KEY) + "\n").unwrap();
        let mut signing = Signing::new(Some(&path)).unwrap();
        let key = Some(&[0xab; KEY]);
        assert_eq!(take(&mut signing, &beat(None, 0, 0)), Err("which signs, without a signature"));
        assert_eq!(
            take(&mut signing, &beat(Some(&[1; KEY]), 0, 0)),
            Err("with a signature that is not by its key")
        );
        assert_eq!(take(&mut signing, &beat(key, 0, 0)), Ok("mavlink, signed by its key"));
        assert_eq!(take(&mut signing, &beat(key, 0, 0)), Err("with a signature that was used before"));
        assert!(take(&mut signing, &beat(key, 1, 0)).is_ok(), "links count apart");
        assert!(take(&mut signing, &beat(key, 0, 10)).is_ok());
        assert_eq!(take(&mut signing, &beat(key, 2, -61_000_000)), Err("with a signature that is old"));
        // A clock that nobody has set knows nothing of age.
        assert_eq!(take(&mut signing, &beat(key, 3, 61_000_000)), Err("with a signature of a time to come"));
        assert!(take(&mut signing, &beat(key, 3, 59_000_000)).is_ok());
        let mut forged = beat(key, 0, 20);
        // Armed or not: the checksum is made anew, the hash cannot be.
        forged[16] = 0;
        let sum = super::super::mavlink::sum(forged[1..19].iter().chain([&50])).to_le_bytes();
        forged[19..21].copy_from_slice(&sum);
        assert_eq!(take(&mut signing, &forged), Err("with a signature that is not by its key"));
    }

    #[test]
    fn a_frame_that_another_program_signed_holds() {
        // pymavlink 2.4.50, link 3, time 10^13 + 5.
        let digits = b"fd09010000070100000000000000020381040395a60305a0724e18094664c4db08e1";
        let mut frame = HEXLOWER_PERMISSIVE.decode(digits).unwrap();
        assert!(holds(&[1; KEY], &frame));
        frame[16] ^= 1;
        assert!(!holds(&[1; KEY], &frame));
    }

    #[test]
    fn a_key_is_64_digits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for wrong in ["", "ab", "xy".repeat(KEY).as_str(), "ab".repeat(KEY + 1).as_str()] {
            fs::write(&path, wrong).unwrap();
            let error = Signing::new(Some(&path)).unwrap_err().to_string();
            assert!(error.starts_with("`signing_key` /"), "{wrong}: {error}");
        }
        assert!(Signing::new(Some(&folder.path().join("none"))).is_err());
    }
}
