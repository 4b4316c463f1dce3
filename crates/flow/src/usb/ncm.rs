//! Blocks of NCM (NCM 1.0 §3): a header, tables of frames, frames.

use super::{Found, LONGEST, MOST_FRAMES, Rest};

/// One of the two formats of a block.
pub(super) struct Format {
    /// Bytes of a length or place.
    width: usize,
    /// Bytes of the header, whose last field is the place of the first table.
    header: usize,
    /// How a table begins, without and with check sequences.
    tables: [&'static [u8]; 2],
    /// Bytes of a table before its entries, and where the next table is told.
    entries: usize,
    next: usize,
}

/// Of up to 64 KiB.
pub(super) const SHORT: Format =
    Format { width: 2, header: 12, tables: [b"NCM0", b"NCM1"], entries: 8, next: 6 };

/// Of any length.
pub(super) const LONG: Format =
    Format { width: 4, header: 16, tables: [b"ncm0", b"ncm1"], entries: 16, next: 8 };

/// Where the frames of a block lie. `goes_on`: whether more of it may come.
pub(super) fn frames(block: &[u8], format: &Format, goes_on: bool) -> Option<Found> {
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(*block.get(at..)?.first_chunk()?)));
    let field = |at: usize| match format.width {
        2 => short(at),
        _ => usize::try_from(u32::from_le_bytes(*block.get(at..)?.first_chunk()?)).ok(),
    };
    let (length, mut table) = (field(8)?, field(format.header - format.width)?);
    // A length of zero is that of the transfer.
    if goes_on && (block.len() + 1..=LONGEST).contains(&length) {
        return Some(Found { frames: Vec::new(), rest: Rest::Begins(0) });
    }
    let (mut frames, mut left, mut whole) = (Vec::new(), block.len(), true);
    // Each table tells the next; one that lies before is a circle.
    while table >= format.header && frames.len() < MOST_FRAMES {
        let kind = block.get(table..table.checked_add(4)?)?;
        if !format.tables.contains(&kind) {
            break;
        }
        let end = table + short(table + 4)?;
        for at in (table + format.entries..end).step_by(2 * format.width) {
            let (index, length) = (field(at)?, field(at + format.width)?);
            // Frames do not share bytes: together they are no longer than the block.
            if index == 0 || length == 0 {
                break;
            }
            let frame = index..index.saturating_add(length);
            if block.get(frame.clone()).is_none() || length > left {
                whole = false;
                continue;
            }
            if frames.len() == MOST_FRAMES {
                whole = false;
                break;
            }
            left -= length;
            frames.push(frame);
        }
        let next = field(table + format.next)?;
        // Tables do not share bytes either: each is read once.
        whole &= next == 0 || next >= end;
        table = if next >= end { next } else { 0 };
    }
    whole &= table == 0;
    let rest = if whole { Rest::Nothing } else { Rest::Other };
    (!frames.is_empty()).then_some(Found { frames, rest })
}
