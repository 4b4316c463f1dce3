//! Signatures of MAVLink 2 (`mavlink.io/en/guide/message_signing.html`): whose word on being on the ground is taken.
//!
//! Without a key nobody can tell whether a signature holds, but that an aircraft signs is known from the first that it sends: what
//! bears none then is not its own. With a key a frame must be signed by it, later than the one before on its link, and within
//! a minute of the clock of this machine: by one that is behind, what was recorded would be new.
//!
//! Both outlive a restart (`kept`). What is on the disk is ahead of what was used, so that not every frame is written down: a
//! restart costs an aircraft at most [`AHEAD`]. A frame that is later than what is on the disk is not believed yet.

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

use creance_wire::mavlink::{Frame, Signature};
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::digest::{Context, SHA256};

use super::kept::Memory;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of the hash that a frame ends with.
const HASH: usize = 6;
/// How far the time of a signature may be from that of this machine, in microseconds.
const APART: i64 = 60_000_000;
/// How far ahead of the last signature it is written down that all were used, in microseconds.
const AHEAD: i64 = 10_000_000;

/// What is known of the signatures of an aircraft.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    key: Option<[u8; KEY]>,
    /// Whether it ever signed.
    signs: bool,
    /// When it signed last, by link.
    last: BTreeMap<u8, i64>,
    /// Up to when signatures will count as used after a restart, by link: as it is to be written down, and as it is.
    until: BTreeMap<u8, i64>,
    written: BTreeMap<u8, i64>,
    /// Whether there is something to write down.
    changed: bool,
    /// Nothing that was signed until then counts.
    since: i64,
}

impl Signing {
    /// With the key in a file, if one is named: 64 digits of base 16.
    pub(crate) fn new(key: Option<&Path>) -> io::Result<Self> {
        Ok(Self { key: key.map(read).transpose()?, ..Self::default() })
    }

    /// With what is known of before a start at a time since 1970; nothing, where that cannot be read: then it may have signed, also
    /// by a clock that is ahead.
    pub(super) fn remembering(self, memory: Option<Memory>, start: Duration) -> Self {
        let start = micros(start);
        let since = if memory.is_some() { start } else { start.saturating_add(APART) };
        let Memory { signs, used } = memory.unwrap_or(Memory { signs: true, used: BTreeMap::new() });
        Self { signs, last: used.clone(), until: used.clone(), written: used, since, ..self }
    }

    /// What is to be known after a restart, if that has changed.
    pub(super) fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What is to be known after a restart.
    pub(super) fn memory(&self) -> Memory {
        Memory { signs: self.signs, used: self.until.clone() }
    }

    /// All that is to be known after a restart is on the disk.
    pub(super) fn is_written(&mut self) {
        if self.written != self.until {
            self.written.clone_from(&self.until);
        }
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
            self.changed |= !self.signs;
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
        let now = micros(now);
        if unix_us < now.saturating_sub(APART) {
            return Err("with a signature that is old");
        }
        if unix_us > now.saturating_add(APART) {
            return Err("with a signature of a time to come");
        }
        if unix_us <= self.since {
            return Err("with a signature of before the start");
        }
        self.last.insert(link, unix_us);
        let until = self.until.entry(link).or_insert(i64::MIN);
        if unix_us.saturating_add(AHEAD / 2) > *until {
            *until = unix_us.saturating_add(AHEAD);
            self.changed = true;
        }
        if self.written.get(&link).is_none_or(|written| *written < unix_us) {
            return Err("with a signature that is not written down yet");
        }
        Ok(self.kind())
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
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

    /// Where what is to be kept is on the disk at once.
    fn take(signing: &mut Signing, bytes: &[u8]) -> Result<&'static str, &'static str> {
        let (frame, length) = parse_frame(bytes).unwrap();
        assert_eq!(length, bytes.len());
        let now = Duration::from_secs(NOW.unsigned_abs());
        match signing.take(&frame, bytes, now) {
            Err("with a signature that is not written down yet") => {
                assert!(signing.changed());
                signing.is_written();
                Ok("mavlink, signed by its key")
            }
            other => other,
        }
    }

    fn with_key() -> (tempfile::TempDir, Signing) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "AB".repeat(KEY) + "\n").unwrap();
        let signing = Signing::new(Some(&path)).unwrap();
        (folder, signing)
    }

    /// After a restart so many seconds from [`NOW`].
    fn restarted(before: &Signing, memory: Option<Memory>, after: i64) -> Signing {
        let start = Duration::from_secs((NOW + after).unsigned_abs());
        Signing { key: before.key, ..Signing::default() }.remembering(memory, start)
    }

    #[test]
    fn a_restart_forgets_neither_who_signs_nor_what_was_used() {
        let key = Some(&[0xab; KEY]);
        let (_folder, mut signing) = with_key();
        assert!(take(&mut signing, &beat(key, 0, 0)).is_ok());
        // The clock goes on from where it stood long before.
        let mut again = restarted(&signing, Some(signing.memory()), -50);
        assert_eq!(take(&mut again, &beat(key, 0, 0)), Err("with a signature that was used before"));
        assert_eq!(take(&mut again, &beat(key, 0, AHEAD)), Err("with a signature that was used before"));
        assert!(take(&mut again, &beat(key, 0, AHEAD + 10)).is_ok(), "it costs no more than that");
        // What nobody heard, for no engine ran, was signed before the start.
        let mut again = restarted(&signing, Some(signing.memory()), 20);
        assert_eq!(take(&mut again, &beat(key, 1, 19_000_000)), Err("with a signature of before the start"));
        assert!(take(&mut again, &beat(key, 1, 21_000_000)).is_ok());
        let mut unsigned = Signing::default();
        assert!(take(&mut unsigned, &beat(key, 0, 0)).is_ok());
        let mut again = restarted(&unsigned, Some(unsigned.memory()), 0);
        assert_eq!(take(&mut again, &beat(None, 0, 0)), Err("which signs, without a signature"));
    }

    #[test]
    fn where_the_past_cannot_be_read_all_signed_until_the_start_and_a_minute_more() {
        let key = Some(&[0xab; KEY]);
        let (_folder, signing) = with_key();
        let mut again = restarted(&signing, None, -10);
        assert_eq!(take(&mut again, &beat(key, 0, 49_000_000)), Err("with a signature of before the start"));
        assert!(take(&mut again, &beat(key, 0, 51_000_000)).is_ok());
        let mut again = restarted(&Signing::default(), None, 0);
        assert!(take(&mut again, &beat(None, 0, 0)).is_err());
    }

    #[test]
    fn what_a_crash_would_undo_is_not_believed() {
        let key = [0xab; KEY];
        let (_folder, mut signing) = with_key();
        let mut at = |after: i64, written: bool| {
            let bytes = beat(Some(&key), 0, after);
            let (frame, _) = parse_frame(&bytes).unwrap();
            let taken = signing.take(&frame, &bytes, Duration::from_secs(NOW.unsigned_abs())).is_ok();
            let changed = signing.changed();
            if written {
                signing.is_written();
            }
            (taken, changed)
        };
        assert_eq!(at(0, false), (false, true));
        assert_eq!(at(10, true), (false, false));
        assert_eq!(at(20, false), (true, false));
        assert_eq!(at(AHEAD / 2 + 10, false), (true, true), "it is written ahead");
        assert_eq!(at(AHEAD, false), (true, false));
        assert_eq!(at(AHEAD + 10, true), (false, false), "the disk hangs");
        assert_eq!(at(AHEAD + 20, true), (true, true));
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
        let (_folder, mut signing) = with_key();
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
