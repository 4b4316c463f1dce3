//! Where the parts of a flight record stand.
//!
//! ```text
//!  0             8         10        11          12 (version < 6) / 100
//! ┌─────────────┬─────────┬─────────┬─ … ────────┬──────────────────────────────
//! │ offset  u64 │ len u16 │ version │ reserved   │
//! └─────────────┴─────────┴─────────┴────────────┴──────────────────────────────
//! version  1–11: records, pictures │ at the offset: details
//! version    12: details, 436 bytes │ records
//! version 13–14: 00 len16 details (scrambled) │ 01 len16 app │ at the offset: records (encrypted)
//! ```

use std::{borrow::Cow, ops::Range};

use creance_cursor::{Cursor, Malformed};

use super::unlock::unscrambled;

/// The first version whose records are encrypted.
pub(super) const ENCRYPTED: u8 = 13;

/// The last version that is known.
pub(super) const LATEST: u8 = 14;

/// Length of the beginning from version 6 on, and before.
const PREFIX: usize = 100;
const OLD_PREFIX: usize = 12;

/// Length of the details in version 12, whatever is said.
const DETAILS: usize = 436;

/// The parts of a flight record.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) version: u8,
    /// The details, and their offset; empty where the file ends before them.
    pub(super) details: Cow<'a, [u8]>,
    pub(super) details_at: usize,
    /// The offsets of records and pictures; within the file.
    pub(super) records: Range<usize>,
    /// From version 13 on: which version of keys is in use, and which app wrote it.
    pub(super) app: Option<(u16, u8)>,
}

impl<'a> Layout<'a> {
    /// Finds the parts; an error where not even the version can be had.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut prefix = Cursor::new(bytes);
        let offset = usize::try_from(prefix.u64_le("offset")?).unwrap_or(usize::MAX);
        prefix.u16_le("length of the details")?;
        let version = prefix.u8("version")?;
        if !(1..=LATEST).contains(&version) {
            return Err(Malformed::Unexpected {
                field: "version",
                at: 10,
                found: u64::from(version),
                expected: "1 to 14",
            });
        }
        let from = |at: usize| bytes.get(at..).unwrap_or_default();
        let end = bytes.len();
        let range = |first: usize, last: usize| first.min(end)..last.min(end).max(first.min(end));
        let layout = |details, details_at, records, app| Self { version, details, details_at, records, app };
        Ok(match version {
            0..=11 => {
                let first = if version < 6 { OLD_PREFIX } else { PREFIX };
                // A log that was not finished has no details: its records go on to the end.
                let (details, last) = if offset > first { (from(offset), offset) } else { (&[][..], end) };
                layout(Cow::Borrowed(details), offset, range(first, last), None)
            }
            12 => {
                let details = bytes.get(PREFIX..end.min(PREFIX + DETAILS)).unwrap_or_default();
                layout(Cow::Borrowed(details), PREFIX, range(PREFIX + DETAILS, end), None)
            }
            _ => {
                let mut blocks = Cursor::starting_at(from(PREFIX), PREFIX.min(end));
                let details = auxiliary(&mut blocks).and_then(|(kind, block)| details(kind, block));
                let app = auxiliary(&mut blocks).and_then(|(kind, block)| app(kind, block));
                // The offset is 0 in a log that was not finished.
                let first = if offset > PREFIX { offset } else { blocks.at() };
                layout(Cow::Owned(details.unwrap_or_default()), PREFIX, range(first, end), app)
            }
        })
    }
}

/// A block of versions 13 and later: its kind and content.
fn auxiliary<'a>(blocks: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let kind = blocks.u8("kind of block").ok()?;
    let length = blocks.u16_le("length of block").ok()?;
    Some((kind, blocks.take("block", usize::from(length)).ok()?))
}

/// The details in their block: scrambled like a record of kind 0; inside version u8, length u16, details.
fn details(kind: u8, block: &[u8]) -> Option<Vec<u8>> {
    // Unlike a record, the block has no counter behind its content.
    let plain = unscrambled(kind, &[block, &[0]].concat());
    let mut plain = Cursor::new(&plain);
    plain.u8("version of the block").ok()?;
    let length = plain.u16_le("length of the details").ok()?;
    (kind == 0).then(|| plain.rest().get(..usize::from(length)).unwrap_or(plain.rest()).to_vec())
}

/// Which version of keys is in use, and which app wrote it.
fn app(kind: u8, block: &[u8]) -> Option<(u16, u8)> {
    let mut block = Cursor::new(block);
    let version = block.u16_le("version of keys").ok()?;
    let department = block.u8("app").ok()?;
    (kind == 1).then_some((version, department))
}

/// Whether bytes begin like a flight record. There is no signature: the version is one that exists, the offset can be one,
/// and the first record, or the first block, has its shape.
pub(super) fn is(head: &[u8]) -> bool {
    let Ok(layout) = Layout::of(head) else { return false };
    // A log of more than 4 GiB has not been seen.
    let offset = head.get(4..8) == Some(&[0; 4]);
    let record = |at: usize| {
        let Some([kind, length]) = head.get(at..at + 2) else { return false };
        *kind != 0 && head.get(at + 2 + usize::from(*length)) == Some(&0xff)
    };
    let block = |at: usize| {
        let Some([0, low, high]) = head.get(at..at + 3) else { return false };
        let next = at + 3 + usize::from(u16::from_le_bytes([*low, *high]));
        next > at + 3 && head.get(next).is_none_or(|kind| *kind == 1)
    };
    offset
        && match layout.version {
            0..=5 => record(OLD_PREFIX),
            6..=11 => record(PREFIX),
            12 => record(PREFIX + DETAILS),
            _ => block(PREFIX),
        }
}
