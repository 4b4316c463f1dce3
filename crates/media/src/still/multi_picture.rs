//! The index of a file of several pictures (CIPA DC-007, "MPF"): where they stand behind the first one.

use std::ops::Range;

use super::ifd::{Directory, Tags};

/// The tag of the list (`MPEntry`).
const ENTRIES: u16 = 0xb002;

/// Pictures of one file that are told.
const MOST: usize = 64;

/// Where the pictures besides the first stand, counted from the beginning of the index, which begins with a TIFF header.
/// They may lie outside of the file.
pub(crate) fn listed(index: &[u8]) -> Vec<Range<usize>> {
    let Some(tags) = Tags::read(index) else { return Vec::new() };
    let Some(list) = tags.get(Directory::Main, ENTRIES) else { return Vec::new() };
    let number = |four: Option<&[u8]>| {
        let four = four?.try_into().ok()?;
        usize::try_from(if tags.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }).ok()
    };
    // Attributes, length, place from the start of the index, and what it belongs to.
    let entries = tags.bytes_of(list).chunks_exact(16).take(MOST).filter_map(|entry| {
        let (length, place) = (number(entry.get(4..8))?, number(entry.get(8..12))?);
        (place > 0 && length > 0).then_some(place..place.checked_add(length)?)
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_first_picture_are_listed() {
        let mut index = b"II*\0\x08\0\0\0\x01\0\x02\xb0\x07\0\x20\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
        for (length, place) in [(900_u32, 0_u32), (50, 1000)] {
            index.extend([0, length, place, 0].map(u32::to_le_bytes).concat());
        }
        let listed_there = listed(&index);
        let [range] = listed_there.as_slice() else { panic!("{listed_there:?}") };
        assert_eq!((range.start, range.end), (1000, 1050));
        assert!(listed(&index[..20]).is_empty());
    }
}
