//! The scans of a JPEG (ITU-T T.81, B.1.1.2): where the picture ends, and what programs write between them.

use std::{io, ops::Range};

use creance_cursor::Source;

/// Bytes that are looked through at a time: what stays in a processor's cache.
const WINDOW: usize = 1 << 16;

/// Where scans lead.
#[derive(Default)]
pub(crate) struct Walk {
    /// Where the picture ends, behind its last marker (EOI); `None`: the file ends before.
    pub(crate) end: Option<u64>,
    /// Segments of programs and of text between scans.
    pub(crate) between: Vec<Range<u64>>,
}

/// Segments between scans that are told apart.
const MOST_BETWEEN: usize = 10_000;

/// Walks the scans, the first of which begins at `scan`; `None`: another picture begins within them.
pub(crate) fn end(source: &dyn Source, scan: u64) -> io::Result<Option<Walk>> {
    let mut walk = Walk::default();
    let mut at = scan;
    loop {
        let piece = source.piece(at, WINDOW)?;
        // A marker is two bytes, and may lie across pieces.
        let mut from = 0;
        let mut next = None;
        while let Some(found) = piece.get(from..).and_then(|rest| memchr::memchr(0xff, rest)) {
            let place = from + found;
            let here = at + place as u64;
            match piece.get(place + 1) {
                None => break,
                Some(0xd9) => {
                    walk.end = Some(here + 2);
                    return Ok(Some(walk));
                }
                Some(0xd8) => return Ok(None),
                // Bytes that are stuffed, restarts, and fill bytes belong to the scan.
                Some(0x00 | 0x01 | 0xd0..=0xd7) => from = place + 2,
                Some(0xff) => from = place + 1,
                // Tables, further scans, and what programs write have a length.
                Some(marker) => {
                    let Some([high, low]) = piece.get(place + 2..place + 4) else {
                        next = Some(here);
                        break;
                    };
                    let after = here + 2 + u64::from(u16::from_be_bytes([*high, *low])).max(2);
                    if matches!(marker, 0xe0..=0xfe) {
                        if walk.between.len() >= MOST_BETWEEN {
                            return Ok(None);
                        }
                        walk.between.push(here..after);
                    }
                    let Some(within) = usize::try_from(after - at).ok().filter(|after| *after <= piece.len())
                    else {
                        next = Some(after);
                        break;
                    };
                    from = within;
                }
            }
        }
        let last = piece.len() as u64;
        at = match next {
            Some(next) if next > at => next,
            _ if last > 1 => at + last - 1,
            _ => return Ok(Some(walk)),
        };
        if at + 1 >= source.length() {
            return Ok(Some(walk));
        }
    }
}
