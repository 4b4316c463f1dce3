//! Pictures within a TIFF that are JPEGs themselves: previews of a DNG, strips and tiles that are compressed so, and the tables that these
//! share. What programs and cameras left in their segments is read as that of any JPEG, and overwritten with zeros when it is to go, and
//! so is what stands between their scans and behind their end: no part may move.

use std::{cmp::Reverse, io, ops::Range};

use creance_model::{Hidden, Inspection};

use crate::still::{
    ifd::Tags,
    jpeg::{self, BEGINNING, is_decoded},
    scans, within,
};

/// Tags that say where parts of pictures stand, and those of their lengths: strips, tiles, previews in the form of TIFF 6.0.
const PLACES: [(u16, u16); 3] = [(0x0111, 0x0117), (0x0144, 0x0145), (PREVIEW, 0x0202)];
const PREVIEW: u16 = 0x0201;

/// How parts are compressed, and that they are JPEGs: of TIFF 6.0, of its Technical Note 2, and lossy ones of DNG.
const COMPRESSION: u16 = 0x0103;
const COMPRESSED: [u64; 3] = [6, 7, 34_892];

/// How a JPEG begins, whatever follows.
const START: &[u8] = &[0xff, 0xd8];

/// Tables that strips and tiles share, as a JPEG without a scan (Adobe, TIFF Technical Note 2).
pub(crate) const JPEG_TABLES: u16 = 0x015b;

/// Parts of one file that are told apart; and those among them that are read, for they describe something: previews are few.
const MOST: usize = 1 << 20;
const MOST_READ: usize = 64;

/// Why parts are not told apart.
const TOO_MANY: &str = "it has more parts than are told apart";
const ON_TOP: &str = "its previews or parts lie on top of each other";
const UNKNOWN: &str = "where its parts stand is written in a form that is not read";
const DAMAGED: &str = "a preview or a part is damaged, or in a form that is not read";

/// What a JPEG within a file describes.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    /// Where the JPEG stands.
    pub(crate) whole: Range<usize>,
    /// Where in the file that stands which no decoder needs.
    pub(crate) describing: Vec<Range<usize>>,
}

/// The parts of a file.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Where all of them stand, JPEGs or not, as the tags say.
    pub(crate) places: Vec<Range<usize>>,
    /// JPEGs that describe something.
    pub(crate) all: Vec<Part>,
    /// Why there may be some that were not looked into.
    pub(crate) beyond: Option<&'static str>,
}

/// Looks into the JPEGs that the tags lead to.
pub(crate) fn parts(tags: &Tags<'_>) -> io::Result<Parts> {
    let mut parts = Parts::default();
    let (mut jpegs, mut others) = parts.find(tags);
    for tables in tags.entries.iter().filter(|entry| entry.tag == JPEG_TABLES) {
        if tags.bytes_of(tables).starts_with(START) {
            jpegs.push(tables.value.clone());
        } else if tags.bytes_of(tables).iter().any(|byte| *byte != 0) {
            parts.beyond = parts.beyond.or(Some(DAMAGED));
        }
    }
    // Tiles that are alike may be one and the same, and a strip may stand where a preview does, with another length.
    jpegs.sort_unstable_by_key(|part| (part.start, Reverse(part.end)));
    jpegs.dedup_by_key(|part| part.start);
    let mut end = 0;
    for whole in jpegs {
        if whole.start < end {
            parts.beyond = parts.beyond.or(Some(ON_TOP));
            continue;
        }
        end = whole.end;
        let Some(mut describing) = describing(tags.bytes.get(whole.clone()).unwrap_or_default())? else {
            parts.beyond = parts.beyond.or(Some(DAMAGED));
            continue;
        };
        if !describing.is_empty() {
            for range in &mut describing {
                *range = whole.start + range.start..whole.start + range.end;
            }
            parts.all.push(Part { whole, describing });
        }
    }
    others.sort_unstable_by_key(|place| place.start);
    let mut farthest = 0;
    let mut others = others.into_iter().peekable();
    for range in parts.all.iter().flat_map(|part| &part.describing) {
        while let Some(other) = others.next_if(|other| other.start < range.end) {
            farthest = farthest.max(other.end);
        }
        if farthest > range.start {
            parts.beyond = parts.beyond.or(Some(ON_TOP));
        }
    }
    Ok(parts)
}

impl Parts {
    /// Finds where the parts stand, and gives those that are JPEGs and the others.
    fn find(&mut self, tags: &Tags<'_>) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
        let (mut jpegs, mut others) = (Vec::new(), Vec::new());
        let mut refuse = |why| self.beyond = self.beyond.or(Some(why));
        for (places, lengths) in PLACES {
            for entry in tags.entries.iter().filter(|entry| entry.tag == places) {
                let Some(offsets) = tags.all_numbers(entry) else {
                    refuse(UNKNOWN);
                    continue;
                };
                let is_compressed =
                    |entry| tags.numbers(entry).iter().any(|number| COMPRESSED.contains(number));
                let is_meant = places == PREVIEW || tags.beside(entry, COMPRESSION).any(is_compressed);
                // Among other pixels the two bytes may stand by chance.
                let start = if is_meant { START } else { BEGINNING };
                let mut beside = tags.beside(entry, lengths);
                let (first, second) = (beside.next(), beside.next());
                let mut lengths = first.and_then(|lengths| tags.all_numbers(lengths));
                if second.is_some() || first.is_some() && lengths.is_none() {
                    refuse(UNKNOWN);
                }
                for from in offsets {
                    let length = lengths.as_mut().and_then(Iterator::next);
                    let narrow = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
                    let (from, length) = (narrow(from), length.map(narrow));
                    let Some(rest) = tags.bytes.get(from..) else { continue };
                    let Some(length) = length else {
                        if rest.starts_with(start) {
                            refuse(UNKNOWN);
                        }
                        continue;
                    };
                    if self.places.len() == MOST {
                        refuse(TOO_MANY);
                        return (jpegs, others);
                    }
                    let place = from..from + length.min(rest.len());
                    let is_jpeg = length >= start.len() && rest.starts_with(start);
                    if is_jpeg { &mut jpegs } else { &mut others }.push(place.clone());
                    self.places.push(place);
                }
            }
        }
        (jpegs, others)
    }
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
        let inner = jpeg::inspect(&tags.bytes.get(part.whole.clone()).unwrap_or_default())?;
        within::tell(inspection, inner, part.whole.start as u64, "preview");
    }
    let too_many = (found.all.len() > MOST_READ).then_some("it has more previews than are read");
    if let Some(why) = found.beyond.or(too_many) {
        inspection.flaw("preview", 0, why);
    }
    Ok(())
}

/// Where in a JPEG something stands that decoders do not need, and that is not zeros: in segments before its scans and between them, and
/// behind its end. `None`: it cannot be told.
fn describing(part: &[u8]) -> io::Result<Option<Vec<Range<usize>>>> {
    /// What stands in JFIF before its thumbnail: name, version, units, densities.
    const BEFORE_THUMBNAIL: u64 = 12;
    let found = jpeg::segments(&part)?;
    let mut all = Vec::new();
    for segment in found.all {
        let content = segment.content();
        let from = match (segment.marker, segment.head.as_slice()) {
            // JPEG-LS, in whose scans markers look otherwise.
            (0xf7, _) => return Ok(None),
            (0xe0, head) if head.starts_with(b"JFIF\0") => content.start + BEFORE_THUMBNAIL,
            (0xe2, head) if head.starts_with(b"ICC_PROFILE\0") => continue,
            (0xee, head) if head.starts_with(b"Adobe") && content.end - content.start == 12 => continue,
            (marker, _) if is_decoded(marker) => continue,
            _ => content.start,
        };
        all.push(from..content.end);
    }
    let length = part.len() as u64;
    let end = match (found.scan, found.flaw) {
        (Some(scan), _) => {
            let walk = scans::end(&part, scan)?;
            if walk.is_beyond || walk.another.is_some() {
                return Ok(None);
            }
            all.extend(walk.between.into_iter().map(|range| range.start + 4..range.end.min(length)));
            // One that is cut ends where it is said to end.
            walk.end.unwrap_or(length)
        }
        // Tables have an end and no scan; whether the end is there matters to nobody.
        (None, Some((at, _))) => match usize::try_from(at).ok().and_then(|at| part.get(at..)) {
            Some([0xff, 0xd9, ..]) => at + 2,
            Some([]) => length,
            _ => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    all.push(end..length);
    let narrow = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let ranges = all.into_iter().map(|range| narrow(range.start)..narrow(range.end));
    let is_filled = |range: &Range<usize>| {
        part.get(range.clone()).is_some_and(|content| content.iter().any(|byte| *byte != 0))
    };
    Ok(Some(ranges.filter(is_filled).collect()))
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
                    told.identifiers.is_empty() && told.facts.is_empty() && told.hidden.is_empty(),
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

    fn is_refused(bytes: &[u8]) -> bool {
        Still::Tiff.scrub(&bytes, &ScrubRequest::default()).unwrap().is_err()
    }

    /// A directory that stands there: entries of tag, type, count, value, and where the next one stands.
    fn directory(entries: &[(u16, u16, u32, usize)], next: usize) -> Vec<u8> {
        let four = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let mut bytes = u16::try_from(entries.len()).unwrap().to_le_bytes().to_vec();
        for (tag, kind, count, value) in entries {
            bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            bytes.extend([count.to_le_bytes(), four(*value)].concat());
        }
        [bytes, four(next).to_vec()].concat()
    }

    #[test]
    fn previews_that_cannot_be_read_to_their_scan_are_told_and_refused() {
        let [begin, rest] = [&preview()[..2], &preview()[2..]].map(<[u8]>::to_vec);
        let many = segment(0xfe, b"").repeat(4096);
        let lossless = segment(0xf7, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]);
        for between in [b"\0".to_vec(), many, lossless, vec![0xff, 0xd8, 0xff, 0xff]] {
            let picture = tiff(PLACES[2], &[[&begin[..], &between, &rest].concat()]);
            assert_eq!(told(&picture).damage.len(), 1, "{:?}", told(&picture).damage);
            assert!(is_refused(&picture));
        }
        // Of what is compressed so, strips as well.
        let strip = |compression| {
            let part = [&begin[..], b"\0", &rest].concat();
            let entries = [(COMPRESSION, 3, 1, compression), (0x0111, 4, 1, 50), (0x0117, 4, 1, part.len())];
            [b"II*\0\x08\0\0\0", &directory(&entries, 0)[..], &part].concat()
        };
        assert_eq!([1, 7, 34_892].map(|compression| is_refused(&strip(compression))), [false, true, true]);
        // Without lengths, with two of them, and places as bytes.
        let picture = tiff(PLACES[0], &[preview()]);
        for (at, with) in [(22, [0x18, 1]), (10, [0x17, 1]), (12, [1, 0]), (24, [11, 0])] {
            let mut other = picture.clone();
            other[at..at + 2].copy_from_slice(&with);
            let has_place = at != 10;
            assert_eq!(is_refused(&other), has_place, "{at}");
            assert_eq!(told(&other).damage.len(), usize::from(has_place), "{at}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_same_directory() {
        // Two directories, each with one below it; that of the second holds the preview.
        let at = [8, 8 + 18, 8 + 36, 8 + 36 + 30];
        let part = at[3] + 30;
        let below = |from, length| [(0x0111, 4, 1, from), (0x0117, 4, 1, length)];
        let picture = [
            b"II*\0\x08\0\0\0".to_vec(),
            directory(&[(0x014a, 4, 1, at[2])], at[1]),
            directory(&[(0x014a, 4, 1, at[3])], 0),
            directory(&below(part, 3), 0),
            directory(&below(part + 3, preview().len()), 0),
            b"\xff\xd8\xff".to_vec(),
            preview(),
        ]
        .concat();
        let mut other = picture.clone();
        // The first strip as well is one whose lengths are told: of three bytes, which are no JPEG.
        other[part] = 0;
        assert_eq!(told(&other).identifiers.len(), 1);
        assert!(memchr::memmem::find(&clean(&other), b"SERIAL7").is_none());
        assert!(is_refused(&picture), "three bytes are no JPEG");
    }

    #[test]
    fn numbers_with_a_sign_lead_to_parts_and_tables_are_parts() {
        for kind in [9, 4, 13] {
            let mut picture = tiff(PLACES[0], &[preview(), preview()]);
            picture[12] = kind;
            picture[24] = kind;
            assert_eq!(told(&picture).identifiers.len(), 1, "{kind}");
            assert!(memchr::memmem::find(&clean(&picture), b"SERIAL7").is_none());
        }
        let tables = [&preview()[..preview().len() - 14], &[0xff, 0xdb, 0, 3, 7, 0xff, 0xd9]].concat();
        let picture = |tables: &[u8]| {
            let length = u32::try_from(tables.len()).unwrap();
            [b"II*\0\x08\0\0\0", &directory(&[(JPEG_TABLES, 7, length, 26)], 0)[..], tables].concat()
        };
        assert_eq!(told(&picture(&tables)).identifiers.len(), 1);
        let after = clean(&picture(&tables));
        assert!(
            memchr::memmem::find(&after, b"SERIAL7").is_none()
                && after.ends_with(&tables[tables.len() - 7..])
        );
        assert!(told(&after).hidden.is_empty() && told(&after).damage.is_empty());
        assert!(is_refused(&picture(b"SERIAL7")));
    }

    #[test]
    fn what_stands_between_scans_and_behind_the_end_of_a_part_goes() {
        let whole = preview();
        let scans = &whole[..whole.len() - 2];
        let end = [0xff, 0xd9];
        for hiding in [
            [scans, &segment(0xfe, b"SECRET"), &end].concat(),
            [scans, &segment(0x02, b"SECRET"), &end].concat(),
            [scans, &segment(0xc8, b"SECRET"), &end].concat(),
            [scans, &end, b"SECRET"].concat(),
            [scans, &end, &whole[..2], &segment(0xfe, b"SECRET"), &whole[2..]].concat(),
            [&whole[..2], &segment(0x02, b"SECRET"), &whole[2..]].concat(),
            [&whole[..2], &segment(0xd8, b"SECRET"), &whole[2..]].concat(),
        ] {
            let picture = tiff(PLACES[2], &[vec![1; 9], hiding.clone()]);
            assert!(told(&picture).hidden.iter().any(|one| one.what.starts_with("description")));
            let after = clean(&picture);
            assert_eq!(after.len(), picture.len());
            for gone in [&b"SECRET"[..], b"SERIAL7"] {
                assert!(memchr::memmem::find(&after, gone).is_none());
            }
            assert!(memchr::memmem::find(&after, &[0x12, 0x34]).is_some());
            assert!(told(&after).hidden.is_empty() && told(&after).damage.is_empty(), "{:?}", told(&after));
        }
        // Not where another part stands in it.
        let mut picture = tiff(PLACES[0], &[[&whole[..], b"PIXELS"].concat(), vec![1; 6]]);
        let at = u32::try_from(54 + whole.len()).unwrap();
        picture[42..46].copy_from_slice(&at.to_le_bytes());
        assert!(is_refused(&picture) && told(&picture).damage.len() == 1);
    }

    #[test]
    fn a_strip_that_begins_where_a_preview_does_is_the_same_picture() {
        let part = 8 + 2 + 4 * 12 + 4;
        let length = preview().len();
        let entries =
            [(0x0111, 4, 1, part), (0x0117, 4, 1, length), (0x0201, 4, 1, part), (0x0202, 4, 1, length + 4)];
        let picture = [b"II*\0\x08\0\0\0", &directory(&entries, 0)[..], &preview(), b"Eve!"].concat();
        let after = clean(&picture);
        for gone in [&b"SERIAL7"[..], b"Eve!"] {
            assert!(memchr::memmem::find(&after, gone).is_none());
        }
    }

    #[test]
    fn no_strip_is_overwritten_however_many_there_are() {
        // A text is said to stand where the last of 5000 strips does.
        let count = 5000_usize;
        let strips = 8 + 2 + 3 * 12 + 4;
        let places = strips + 6 * count;
        let number = u32::try_from(count).unwrap();
        let entries = [
            (0x010e, 2, 6, strips + 6 * (count - 1)),
            (0x0111, 4, number, places),
            (0x0117, 4, number, places + 4 * count),
        ];
        let offsets: Vec<u8> =
            (0..number).flat_map(|at| (u32::try_from(strips).unwrap() + 6 * at).to_le_bytes()).collect();
        let picture = [
            b"II*\0\x08\0\0\0",
            &directory(&entries, 0)[..],
            &b"PIXELS".repeat(count),
            &offsets,
            &6_u32.to_le_bytes().repeat(count),
        ]
        .concat();
        let scrubbed = Still::Tiff.scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap();
        assert!(
            scrubbed.is_err() || scrubbed.unwrap().bytes(&picture)[strips..places] == picture[strips..places]
        );
        assert!(is_refused(&picture));
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
