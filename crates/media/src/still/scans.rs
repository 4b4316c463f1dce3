//! The scans of a JPEG (ITU-T T.81, B.1.1.2): where the picture ends, and what programs write between them.

use std::{io, ops::Range};

use creance_cursor::Source;
use memchr::memmem;

use super::jpeg::is_decoded;

/// Bytes that are looked through at a time: what stays in a processor's cache.
const WINDOW: usize = 1 << 16;

/// Where scans lead.
#[derive(Default)]
pub(crate) struct Walk {
    /// Where the picture ends, behind its last marker (EOI); `None`: the file ends before.
    pub(crate) end: Option<u64>,
    /// Where another picture begins within this one.
    pub(crate) another: Option<u64>,
    /// Segments between scans that no decoder needs: of programs, of text, of reserved markers.
    pub(crate) between: Vec<Range<u64>>,
    /// Whether there are more of these than are told apart.
    pub(crate) is_beyond: bool,
}

/// Segments between scans that are told apart.
const MOST_BETWEEN: usize = 10_000;

/// A piece of a source in room that is used again.
struct Pieces<'a> {
    source: &'a dyn Source,
    room: Vec<u8>,
}

impl<'a> Pieces<'a> {
    fn new(source: &'a dyn Source) -> Self {
        // Of a part of a file there may be a million, each as short as this.
        let room = usize::try_from(source.length()).map_or(WINDOW, |length| length.min(WINDOW));
        Self { source, room: vec![0; room] }
    }

    fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let read = self.source.read_at(offset, &mut self.room)?;
        Ok(self.room.get(..read).unwrap_or_default())
    }
}

/// Walks the scans, the first of which begins at `scan`, up to the end or to where another picture begins.
pub(crate) fn end(source: &dyn Source, scan: u64) -> io::Result<Walk> {
    let mut walk = Walk::default();
    let mut pieces = Pieces::new(source);
    let mut at = scan;
    loop {
        let piece = pieces.at(at)?;
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
                    return Ok(walk);
                }
                Some(0xd8) => {
                    walk.another = Some(here);
                    return Ok(walk);
                }
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
                    if !is_decoded(*marker) {
                        if walk.between.len() >= MOST_BETWEEN {
                            walk.is_beyond = true;
                            return Ok(walk);
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
            _ => return Ok(walk),
        };
        if at + 1 >= source.length() {
            return Ok(walk);
        }
    }
}

/// The same of a picture of one scan, in which neither marker can stand before its end: what is looked for is looked for at
/// once, several times as fast. Where something stands before the end that is neither of the scan nor its end, it gives no end.
pub(crate) fn first_end(source: &dyn Source, scan: u64) -> io::Result<Walk> {
    let (ends, begins) = (memmem::Finder::new(&[0xff, 0xd9]), memmem::Finder::new(&[0xff, 0xd8, 0xff]));
    let mut pieces = Pieces::new(source);
    let mut walk = Walk::default();
    let mut at = scan;
    while at + 2 < source.length() {
        let piece = pieces.at(at)?;
        let (end, another) = (ends.find(piece), begins.find(piece));
        // The marker of the scan itself is none that stands in it.
        let from = if at == scan { 2 } else { 0 };
        let until = end.or(another).map_or(piece.len(), |end| end + 1);
        if !is_plain(piece.get(from..until).unwrap_or_default()) {
            return Ok(walk);
        }
        let place = |within: usize| at + within as u64;
        match (end, another) {
            (end, Some(another)) if end.is_none_or(|end| another < end) => {
                walk.another = Some(place(another));
                return Ok(walk);
            }
            (Some(end), _) => {
                walk.end = Some(place(end) + 2);
                return Ok(walk);
            }
            (None, _) => {}
        }
        // Markers may lie across pieces.
        let last = piece.len() as u64;
        if last <= 2 {
            break;
        }
        at += last - 2;
    }
    Ok(walk)
}

/// Whether of the markers only those stand in these bytes that have no length: restarts, ends and beginnings. Written so that a processor
/// looks at many bytes at once.
fn is_plain(bytes: &[u8]) -> bool {
    let has_length = |byte: u8| !matches!(byte, 0x00 | 0x01 | 0xd0..=0xd9 | 0xff);
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    !pairs.fold(false, |found, (one, next)| found | ((*one == 0xff) & has_length(*next)))
}

/// Where the first byte from `at` on stands that is not zero; the end of the source, if there is none.
pub(crate) fn filled(source: &dyn Source, mut at: u64) -> io::Result<u64> {
    let mut pieces = Pieces::new(source);
    loop {
        let piece = pieces.at(at)?;
        if piece.is_empty() {
            return Ok(source.length());
        }
        if let Some(place) = piece.iter().position(|byte| *byte != 0) {
            return Ok(at + place as u64);
        }
        at += piece.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_stands_before_the_end_of_a_scan_makes_the_other_walk_needed(length in 65_500_usize..65_600, marker in 2_u8..=0xfe) {
            prop_assume!(!matches!(marker, 0xd0..=0xd9));
            let bytes = [&[0xff, 0xda, 0, 2][..], &vec![7; length], &[0xff, marker, 0, 3, 5, 0xff, 0xd9]].concat();
            prop_assert_eq!(first_end(&bytes.as_slice(), 0).unwrap().end, None);
            let walk = end(&bytes.as_slice(), 0).unwrap();
            prop_assert_eq!(walk.end, Some(bytes.len() as u64));
            prop_assert_eq!(walk.between.len(), usize::from(!is_decoded(marker)));
        }

        #[test]
        fn of_a_picture_of_one_scan_both_walks_end_alike(length in 65_500_usize..65_600, cut: bool, behind in prop::sample::select(vec![&b""[..], b"\0\0", b"\xff\xd8\xff\xe0", b"x"])) {
            let mut bytes = [&[0xff, 0xda, 0, 2][..], &vec![7; length]].concat();
            if !cut {
                bytes.extend([0xff, 0xd9]);
            }
            bytes.extend(behind);
            let (walk, first) = (end(&bytes.as_slice(), 0).unwrap(), first_end(&bytes.as_slice(), 0).unwrap());
            prop_assert_eq!((walk.end, walk.another), (first.end, first.another));
            prop_assert_eq!(walk.end, (!cut).then_some(length as u64 + 6));
            if let Some(end) = walk.end {
                let wanted = if behind.first().is_some_and(|byte| *byte != 0) { end } else { bytes.len() as u64 };
                prop_assert_eq!(filled(&bytes.as_slice(), end).unwrap(), wanted);
            }
        }
    }
}
