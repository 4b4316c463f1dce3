//! Pictures within a picture: the thumbnail of its EXIF (CIPA DC-008, the second directory), and the previews of its
//! multi-picture index (CIPA DC-007, "MPF"), which cameras of aircraft write behind the picture.

use crate::{
    exif, jpeg,
    still::{
        ifd::{Directory, Tags},
        multi_picture,
    },
};

/// Shorter ones show nothing.
const LEAST: usize = 200;

/// Previews of one picture that are told.
const MOST: usize = 8;

/// The JPEGs that are embedded in a JPEG for a quick look, whole, at most eight. What lies outside of these bytes is left out.
pub fn previews(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = thumbnail(bytes).into_iter().collect();
    found.extend(indexed(bytes));
    found.retain(|one| one.len() >= LEAST && one.starts_with(&[0xff, 0xd8, 0xff]) && one.len() < bytes.len());
    found.truncate(MOST);
    found
}

/// The second directory of EXIF says where its thumbnail is, and how long.
fn thumbnail(bytes: &[u8]) -> Option<&[u8]> {
    let block = exif::block(bytes)?;
    let tags = Tags::read(block)?;
    let number = |tag| {
        let number = *tags.numbers(tags.get(Directory::Next(1), tag)?).first()?;
        usize::try_from(number).ok()
    };
    let start = number(0x0201)?;
    block.get(start..start.checked_add(number(0x0202)?)?)
}

/// The pictures that the index lists besides the first, which is the picture itself.
fn indexed(bytes: &[u8]) -> Vec<&[u8]> {
    let Some((start, index)) = index(bytes) else { return Vec::new() };
    let ranges = multi_picture::listed(index).into_iter().take(MOST);
    ranges
        .filter_map(|range| bytes.get(start.checked_add(range.start)?..start.checked_add(range.end)?))
        .collect()
}

/// The multi-picture index, and where it starts.
fn index(bytes: &[u8]) -> Option<(usize, &[u8])> {
    jpeg::applications(bytes)
        .filter(|(number, ..)| *number == 2)
        .find_map(|(_, start, content)| Some((start + 4, content.strip_prefix(b"MPF\0")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What begins like a JPEG.
    fn small(fill: u8) -> Vec<u8> {
        [vec![0xff, 0xd8, 0xff, 0xe0], vec![fill; 300]].concat()
    }

    fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker][..], &length, content].concat()
    }

    #[test]
    fn the_thumbnail_of_exif_and_the_previews_of_the_index_are_given() {
        let thumbnail = small(1);
        let length = u32::try_from(thumbnail.len()).unwrap();
        // An empty first directory at 8, the second at 14 with place and length, the thumbnail at 44.
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\x0e\0\0\0\x02\0".to_vec();
        exif.extend(
            [entry(0x201, 4, 1, 44), entry(0x202, 4, 1, length), vec![0; 4], thumbnail.clone()].concat(),
        );
        let preview = small(2);
        let mut index = b"MPF\0II*\0\x08\0\0\0\x01\0".to_vec();
        index.extend(entry(0xb002, 7, 32, 26));
        index.extend([0; 4]);
        let list = |place: usize| {
            let place = u32::try_from(place).unwrap();
            [0_u32, 9, 0, 0, 0, u32::try_from(preview.len()).unwrap(), place, 0]
                .map(u32::to_le_bytes)
                .concat()
        };
        let head = [vec![0xff, 0xd8], segment(0xe1, &exif)].concat();
        let before = head.len() + 4 + index.len() + 32 + 2;
        let place = before - (head.len() + 8);
        let whole =
            [head, segment(0xe2, &[index, list(place)].concat()), vec![0xff, 0xd9], preview.clone()].concat();
        assert_eq!(previews(&whole), [thumbnail, preview]);
        let cut = &whole[..whole.len() - 1];
        assert_eq!(previews(cut).len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0_usize..300) {
            let mut whole = [&[0xff, 0xd8][..], &segment(0xe1, b"Exif\0\0II*\0\x08\0\0\0"), &segment(0xe2, b"MPF\0MM\0*\0\0\0\x08")].concat();
            whole.splice(at.min(whole.len()).., bytes);
            prop_assert!(previews(&whole).len() <= MOST);
        }
    }
}
