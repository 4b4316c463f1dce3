//! Pictures within a TIFF that are JPEGs themselves: previews of a DNG, and strips and tiles that are compressed so. What programs and
//! cameras left in their segments is read as that of any JPEG, and overwritten with zeros when it is to go: no part may move. What
//! lies behind the first scan of such a part is not looked at.

use std::{io, ops::Range};

use creance_model::{Hidden, Inspection};

use crate::still::{
    ifd::Tags,
    jpeg::{self, BEGINNING},
    within,
};

/// Tags that say where parts of pictures stand, and those of their lengths: strips, tiles, previews in the form of TIFF 6.0.
pub(crate) const PLACES: [(u16, u16); 3] = [(0x0111, 0x0117), (0x0144, 0x0145), (0x0201, 0x0202)];

/// JPEGs of one file that are looked into; and those among them that are read, for they describe something: previews are few.
const MOST: usize = 1 << 20;
const MOST_READ: usize = 64;

/// What segments of a JPEG within a file describe.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    /// Where the JPEG stands.
    pub(crate) whole: Range<usize>,
    /// Where what describes something stands in the file.
    pub(crate) describing: Vec<Range<usize>>,
}

/// The JPEGs of a file whose segments describe something.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) all: Vec<Part>,
    /// Whether there are JPEGs that were not looked into: there are too many, or they lie on top of each other.
    pub(crate) is_beyond: bool,
}

/// Looks into the JPEGs that the tags lead to.
pub(crate) fn parts(tags: &Tags<'_>) -> io::Result<Parts> {
    let mut parts = Parts::default();
    let mut end = 0;
    for whole in jpegs(tags, &mut parts.is_beyond) {
        if whole.start < end {
            parts.is_beyond = true;
            continue;
        }
        end = whole.end;
        let mut describing = describing(tags.bytes.get(whole.clone()).unwrap_or_default())?;
        if !describing.is_empty() {
            for range in &mut describing {
                *range = whole.start + range.start..whole.start + range.end;
            }
            parts.all.push(Part { whole, describing });
        }
    }
    Ok(parts)
}

/// Adds what the JPEGs within a file say.
pub(crate) fn tell(inspection: &mut Inspection, tags: &Tags<'_>) -> io::Result<()> {
    let found = parts(tags)?;
    let bytes: usize = found.all.iter().flat_map(|part| &part.describing).map(ExactSizeIterator::len).sum();
    if bytes > 0 {
        let (what, field) = ("description within a preview or a part", "preview".to_owned());
        inspection.hidden.push(Hidden { what, field, bytes: bytes as u64 });
    }
    for part in found.all.iter().take(MOST_READ) {
        let mut inner = Inspection::of("jpeg");
        jpeg::described(&mut inner, &tags.bytes.get(part.whole.clone()).unwrap_or_default())?;
        within::tell(inspection, inner, part.whole.start as u64, "preview");
    }
    if found.is_beyond || found.all.len() > MOST_READ {
        let why = "its previews and parts are too many to be read, or lie on top of each other";
        inspection.flaw("preview", 0, why);
    }
    Ok(())
}

/// Where JPEGs stand, in order.
fn jpegs(tags: &Tags<'_>, is_beyond: &mut bool) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    for (places, lengths) in PLACES {
        for entry in tags.entries.iter().filter(|entry| entry.tag == places) {
            let Some(lengths) = tags.get(entry.directory, lengths) else { continue };
            for (from, length) in tags.all_numbers(entry).zip(tags.all_numbers(lengths)) {
                let narrow = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                let (from, end) = (narrow(from), narrow(from.saturating_add(length)).min(tags.bytes.len()));
                if !tags.bytes.get(from..end).is_some_and(|part| part.starts_with(BEGINNING)) {
                    continue;
                }
                if all.len() == MOST {
                    *is_beyond = true;
                    break;
                }
                all.push(from..end);
            }
        }
    }
    all.sort_unstable_by_key(|part| (part.start, part.end));
    // Tiles that are alike may be one and the same.
    all.dedup();
    all
}

/// Where in the segments of a JPEG something is described: all that decoders do not need, and that is not zeros.
fn describing(part: &[u8]) -> io::Result<Vec<Range<usize>>> {
    /// What stands in JFIF before its thumbnail: name, version, units, densities.
    const BEFORE_THUMBNAIL: u64 = 12;
    let mut all = Vec::new();
    for segment in jpeg::segments(&part)?.all {
        let content = segment.content();
        let from = match (segment.marker, segment.head.as_slice()) {
            (0xe0, head) if head.starts_with(b"JFIF\0") => content.start + BEFORE_THUMBNAIL,
            (0xe2, head) if head.starts_with(b"ICC_PROFILE\0") => continue,
            (0xee, head) if head.starts_with(b"Adobe") && content.end - content.start == 12 => continue,
            // Not those of JPEG-LS, f7 and f8.
            (0xe0..=0xef | 0xf0..=0xf6 | 0xf9..=0xfe, _) => content.start,
            _ => continue,
        };
        let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(content.end).unwrap_or(0);
        if part.get(range.clone()).is_some_and(|content| content.iter().any(|byte| *byte != 0)) {
            all.push(range);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Still;
    use creance_model::ScrubRequest;
    use proptest::prelude::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker][..], &length, content].concat()
    }

    /// A JPEG with JFIF, a thumbnail in it, colours of Adobe, a profile, EXIF with a serial number, and text.
    fn preview() -> Vec<u8> {
        let tags = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x31\xa4\x02\0\x08\0\0\0\x1a\0\0\0\0\0\0\0SERIAL7\0";
        [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01RGB"),
            segment(0xee, b"Adobe\0\x64\0\0\0\0\x01"),
            segment(0xe2, b"ICC_PROFILE\0\x01\x01"),
            segment(0xe1, tags),
            segment(0xfe, b"Mast 7"),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![0x12, 0x34, 0xff, 0xd9],
        ]
        .concat()
    }

    /// A TIFF of some strips or tiles, each of these bytes.
    fn tiff(tags: (u16, u16), parts: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(parts.len()).unwrap();
        let (places, lengths) = (38, 38 + 4 * count);
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        let mut entry = |tag: u16, at: u32, one: usize| {
            let value = if count == 1 { u32::try_from(one).unwrap() } else { at };
            tiff.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
            tiff.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        };
        let first = 38 + 8 * parts.len();
        entry(tags.0, places, first);
        entry(tags.1, lengths, parts[0].len());
        tiff.extend([0; 4]);
        let mut at = first;
        for part in parts {
            tiff.extend(u32::try_from(at).unwrap().to_le_bytes());
            at += part.len();
        }
        tiff.extend(parts.iter().flat_map(|part| u32::try_from(part.len()).unwrap().to_le_bytes()));
        [tiff, parts.concat()].concat()
    }

    fn told(bytes: &[u8]) -> Inspection {
        Still::of(bytes).unwrap().inspect(&bytes).unwrap()
    }

    fn clean(bytes: &[u8]) -> Vec<u8> {
        let scrubbed = Still::Tiff.scrub(&bytes, &ScrubRequest::default()).unwrap();
        scrubbed.unwrap_or_else(|why| unreachable!("{why}")).bytes(bytes)
    }

    #[test]
    fn what_previews_describe_is_told_and_goes_and_they_stay_where_they_are() {
        for tags in PLACES {
            for parts in
                [vec![preview()], vec![vec![7; 30], preview(), vec![0xff, 0xd8, 0xff, 0xd9], preview()]]
            {
                let picture = tiff(tags, &parts);
                let before = told(&picture);
                let found: Vec<_> =
                    before.identifiers.iter().map(|one| (one.value.as_str(), one.field.as_str())).collect();
                assert_eq!(found, [("SERIAL7", "preview:exif:BodySerialNumber")], "{before:?}");
                assert!(before.facts.iter().any(|fact| fact.value == "Mast 7"));
                let after = clean(&picture);
                assert_eq!(after.len(), picture.len());
                for gone in [&b"SERIAL7"[..], b"Mast 7", b"RGB", b"Exif"] {
                    assert!(memchr::memmem::find(&after, gone).is_none(), "{gone:?}");
                }
                let at = picture.len() - preview().len();
                let bounds = |bytes: &[u8]| {
                    let all = jpeg::segments(&&bytes[at..]).unwrap().all;
                    all.into_iter().map(|one| (one.marker, one.range)).collect::<Vec<_>>()
                };
                assert_eq!(bounds(&after), bounds(&picture));
                for kept in [&b"Adobe\0\x64"[..], b"ICC_PROFILE\0\x01\x01", b"JFIF\0\x01\x01\0\0\x01\0\x01"] {
                    assert!(memchr::memmem::find(&after[at..], kept).is_some());
                }
                assert_eq!(after[picture.len() - 4..], [0x12, 0x34, 0xff, 0xd9]);
                let told = told(&after);
                assert!(
                    told.identifiers.is_empty()
                        && told.facts.is_empty()
                        && told.hidden.iter().all(|one| one.what == "thumbnail"),
                    "{told:?}"
                );
            }
        }
    }

    #[test]
    fn parts_that_share_bytes_are_refused_and_those_that_are_one_are_not() {
        let mut same = tiff(PLACES[0], &[preview(), preview()]);
        let first = same[38..42].to_vec();
        same[42..46].copy_from_slice(&first);
        assert!(told(&same).damage.is_empty());
        assert!(memchr::memmem::find(&clean(&same)[..54 + preview().len()], b"SERIAL7").is_none());
        let mut over = tiff(PLACES[0], &[[preview(), preview()].concat(), preview()]);
        let second =
            u32::from_le_bytes(over[38..42].try_into().unwrap()) + u32::try_from(preview().len()).unwrap();
        over[42..46].copy_from_slice(&second.to_le_bytes());
        assert_eq!(told(&over).damage.len(), 1);
        assert!(Still::Tiff.scrub(&over.as_slice(), &ScrubRequest::default()).unwrap().is_err());
    }

    #[test]
    fn of_many_previews_some_are_read_and_all_are_scrubbed() {
        let picture = tiff(PLACES[1], &vec![preview(); 500]);
        assert_eq!(told(&picture).damage.len(), 1);
        let after = clean(&picture);
        assert!(memchr::memmem::find(&after, b"SERIAL7").is_none() && told(&after).damage.is_empty());
    }

    proptest! {
        #[test]
        fn any_damage_is_answered(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
            let mut picture = tiff(PLACES[0], &[preview(), preview()]);
            for (index, byte) in edits {
                let at = index.index(picture.len());
                picture[at] = byte;
            }
            let Some(still) = Still::of(&picture) else { return Ok(()) };
            still.inspect(&picture.as_slice()).unwrap();
            if let Ok(scrubbed) = still.scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap() {
                let after = still.inspect(&scrubbed.bytes(&picture).as_slice()).unwrap();
                prop_assert!(after.identifiers.is_empty(), "{:?}", after.identifiers);
            }
        }
    }
}
