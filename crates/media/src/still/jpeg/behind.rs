//! What lies behind a JPEG: further pictures, films of phones, text. Each is found by how it begins, whatever fills the room before it.

use std::{io, ops::Range};

use creance_cursor::Source;
use creance_model::{Hidden, Inspection};
use memchr::memmem::Finder;

use super::{BEGINNING, EXIF, MOST, Segment, Segments, XMP, described, segments};
use crate::{
    still::{scans, stretch::Stretch, within},
    video::boxes,
};

/// What lies behind a picture, one behind another, that is told.
const MOST_BEHIND: usize = 64;

/// Places that only look as if a picture began there, of one file, that are looked into.
const MOST_TRIED: usize = 256;

/// Bytes that are looked through at a time, and by which a picture or a film is told.
const WINDOW: usize = 1 << 16;
const HEAD: usize = 16;

/// The longest box with which a film begins; most have some 32 bytes.
const LONGEST_TYPE: u32 = 512;

/// Tells what lies behind the picture and is not in its index, and reads it.
pub(super) fn tell(
    inspection: &mut Inspection,
    source: &dyn Source,
    (found, scan): (&Segments, u64),
    listed: &[Range<u64>],
) -> io::Result<()> {
    let walk = walked(source, found, scan, listed)?;
    between(inspection, source, &walk)?;
    let Some(mut at) = walk.end.or(walk.another) else {
        if walk.is_beyond {
            inspection.flaw(
                "scans",
                scan,
                "more stands between them than is told apart: what lies behind is not known",
            );
        }
        return Ok(());
    };
    let mut hunt = Hunt::new(source);
    for number in 0.. {
        at = next(source, at)?;
        if at >= source.length() {
            break;
        }
        if number >= MOST_BEHIND {
            inspection.flaw("behind EOI", at, &format!("more than {MOST_BEHIND} pictures, films or data"));
            break;
        }
        // One that is listed was told, up to its own end: it may be said to be longer.
        if let Some(range) = listed.iter().find(|range| range.start == at) {
            let preview = Stretch::new(source, range.clone());
            if preview.piece(0, 3)? == BEGINNING {
                let mut inner = Inspection::of("jpeg");
                at += end_of(&mut inner, &preview, &segments(&preview)?)?;
                within::tell(inspection, inner, range.start, "mpf");
                continue;
            }
        }
        let beyond = listed.iter().map(|range| range.start).filter(|start| *start > at).min();
        let limit = beyond.unwrap_or(source.length());
        let rest = Stretch::new(source, at..limit);
        let head = rest.piece(0, HEAD)?;
        let (what, end) = if hunt.is_picture(&head, at..limit)? {
            let mut inner = Inspection::of("jpeg");
            let found = described(&mut inner, &rest)?;
            let end = at + end_of(&mut inner, &rest, &found)?;
            within::tell(inspection, inner, at, "behind EOI");
            ("picture behind the picture", end)
        } else if is_film(&head) {
            let end = hunt.end_of_film(at..limit)?;
            let film = Stretch::new(source, at..end);
            within::tell(inspection, crate::inspect_video(&film)?, at, "behind EOI");
            ("film behind the picture", end)
        } else {
            ("data behind the picture", hunt.next(at + 1..limit)?.unwrap_or(limit))
        };
        let (field, bytes) = ("behind EOI".to_owned(), end - at);
        inspection.hidden.push(Hidden { what, field, bytes });
        at = end;
    }
    if hunt.is_over {
        let why = "more places look like the beginning of a picture than are looked into";
        inspection.flaw("behind EOI", at, why);
    }
    Ok(())
}

/// Where a picture ends, or where another begins within it; and tells what stands between its scans. Of one that is cut before its first
/// scan nothing is known but its segments.
fn end_of(inspection: &mut Inspection, source: &dyn Source, found: &Segments) -> io::Result<u64> {
    let Some(scan) = found.scan else { return Ok(found.length()) };
    let walk = walked(source, found, scan, &[])?;
    between(inspection, source, &walk)?;
    Ok(walk.end.or(walk.another).unwrap_or(source.length()))
}

/// Tells what stands between scans that no decoder needs, and reads it.
fn between(inspection: &mut Inspection, source: &dyn Source, walk: &scans::Walk) -> io::Result<()> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for range in &walk.between {
        let range = range.start..range.end.min(source.length());
        let one = Segment { marker: 0, range, head: Vec::new() };
        let content = one.content();
        let rest = Stretch::new(source, content.clone());
        if scans::filled(&rest, 0)? >= rest.length() {
            continue;
        }
        bytes += rest.length();
        if all.len() < MOST {
            let marker = source.piece(one.range.start + 1, 1)?.first().copied().unwrap_or_default();
            all.push(Segment { marker, head: rest.piece(0, 64)?, ..one });
        }
    }
    if bytes > 0 {
        let field = "scans".to_owned();
        inspection.hidden.push(Hidden { what: "data between the scans of the picture", field, bytes });
        let mut inner = Inspection::of("jpeg");
        super::tell(&mut inner, source, &all)?;
        within::tell(inspection, inner, 0, "between scans");
    }
    Ok(())
}

/// Looks for pictures and films among other bytes. What is tried in vain is bounded: so many places, and of all of them together no
/// more bytes than twice those of the file.
struct Hunt<'a> {
    source: &'a dyn Source,
    tries: usize,
    bytes: u64,
    is_over: bool,
}

impl<'a> Hunt<'a> {
    fn new(source: &'a dyn Source) -> Self {
        Self { source, tries: MOST_TRIED, bytes: source.length().saturating_mul(2), is_over: false }
    }

    /// Where in a range the first picture or film begins.
    fn next(&mut self, range: Range<u64>) -> io::Result<Option<u64>> {
        let (picture, film) = (Finder::new(&BEGINNING[..2]), Finder::new(b"ftyp"));
        let mut at = range.start;
        loop {
            let most = usize::try_from(range.end.saturating_sub(at)).unwrap_or(usize::MAX);
            let piece = self.source.piece(at, most.min(WINDOW))?;
            // A beginning that lies across pieces is looked at in the next one.
            let is_last = piece.len() < WINDOW;
            let until = if is_last { piece.len() } else { WINDOW - HEAD };
            // The length of its box stands before the name of a film.
            let films = film.find_iter(&piece).filter_map(|place| place.checked_sub(4));
            let mut places: Vec<_> = picture.find_iter(&piece).chain(films).collect();
            places.sort_unstable();
            for place in places.into_iter().take_while(|place| *place < until) {
                let begins = at + place as u64;
                let head = piece.get(place..).unwrap_or_default();
                if is_film(head) || self.is_picture(head, begins..range.end)? {
                    return Ok(Some(begins));
                }
            }
            if is_last {
                return Ok(None);
            }
            at += until as u64;
        }
    }

    /// Where a film that fills a range ends: before its end only where a picture follows its boxes at once.
    fn end_of_film(&mut self, range: Range<u64>) -> io::Result<u64> {
        let (_, flaw) = boxes::of_file(&Stretch::new(self.source, range.clone()))?;
        let Some((place, _)) = flaw else { return Ok(range.end) };
        let end = range.start + place;
        let head = self.source.piece(end, HEAD)?;
        let is_followed = place > 0 && self.is_picture(&head, end..range.end)?;
        Ok(if is_followed { end } else { range.end })
    }

    /// Whether what begins like a picture is one: its segments lead to a scan, or the first is one that says what it is.
    fn is_picture(&mut self, head: &[u8], range: Range<u64>) -> io::Result<bool> {
        // What stands behind the marker of nearly all that only looks like one.
        let marker = head.strip_prefix(BEGINNING).and_then(|rest| rest.first());
        if !matches!(marker, Some(0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xdf | 0xe0..=0xef | 0xfe | 0xff)) {
            return Ok(false);
        }
        if self.tries == 0 || self.bytes == 0 {
            self.is_over = true;
            return Ok(false);
        }
        let found = segments(&Stretch::new(self.source, range))?;
        let says =
            |head: &[u8]| [EXIF, XMP, b"JFIF\0", b"ICC_PROFILE\0"].iter().any(|name| head.starts_with(name));
        if found.scan.is_some() || found.all.first().is_some_and(|first| says(&first.head)) {
            return Ok(true);
        }
        self.tries -= 1;
        self.bytes = self.bytes.saturating_sub(found.length());
        Ok(false)
    }
}

/// Whether a film begins with these bytes, of which there are to be 16.
fn is_film(head: &[u8]) -> bool {
    let length = head.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
    crate::is_video(head) && (head.get(4..8) != Some(b"ftyp") || (8..=LONGEST_TYPE).contains(&length))
}

/// Where something begins that lies behind a picture which ends at `end`, and behind zeros. The length with which a film begins has
/// such too.
fn next(source: &dyn Source, end: u64) -> io::Result<u64> {
    let filled = scans::filled(source, end)?;
    for at in filled.saturating_sub(3).max(end)..filled {
        if is_film(&source.piece(at, HEAD)?) {
            return Ok(at);
        }
    }
    Ok(filled)
}

/// Where a picture leads whose first scan begins there.
fn walked(
    source: &dyn Source,
    found: &Segments,
    scan: u64,
    listed: &[Range<u64>],
) -> io::Result<scans::Walk> {
    // One scan of all components, whose letters are coded one after another: nothing but restarts should stand between.
    let frame = found.all.iter().find(|segment| matches!(segment.marker, 0xc0 | 0xc1));
    let components = frame.and_then(|frame| frame.head.get(5));
    let is_one = components.is_some() && source.piece(scan + 4, 1)?.first() == components;
    if is_one {
        let walk = scans::first_end(source, scan)?;
        if let Some(end) = walk.end {
            let next = scans::filled(source, end)?;
            if next >= source.length() || listed.iter().any(|range| range.start == next) {
                return Ok(walk);
            }
        }
    }
    scans::end(source, scan)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{EXIF, inspect};
    use super::*;

    fn exif(serial: [u8; 8]) -> Vec<u8> {
        let tags = b"II*\0\x08\0\0\0\x01\0\x31\xa4\x02\0\x08\0\0\0\x1a\0\0\0\0\0\0\0";
        let content = [EXIF, tags, &serial].concat();
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, 0xe1][..], &length, &content].concat()
    }

    fn little(serial: [u8; 8]) -> Vec<u8> {
        [&[0xff, 0xd8][..], &exif(serial), &[0xff, 0xda, 0, 2, 5, 5, 0xff, 0xd9]].concat()
    }

    /// What lies behind, by what it is and its length, and the serial numbers that are read.
    fn found(file: &[u8]) -> (Vec<(&'static str, u64)>, Vec<String>) {
        let told = inspect(&file).unwrap();
        let hidden = told.hidden.iter().map(|one| (one.what, one.bytes)).collect();
        (hidden, told.identifiers.into_iter().map(|one| one.value).collect())
    }

    #[test]
    fn behind_filling_of_any_kind_pictures_and_films_are_read() {
        let (first, second) = (little(*b"FIRST42\0"), little(*b"SECND42\0"));
        let film = [&[0, 0, 0, 16][..], b"ftypisom\0\0\0\0", &[0, 0, 0, 90], b"mdat", &[1; 82]].concat();
        let (length, of_film) = (second.len() as u64, film.len() as u64);
        // Bytes that look like beginnings, and are none; where both lie across the pieces that are read.
        for filling in [
            &b"\xff\xff\xff"[..],
            b"MotionPhoto_Data",
            b"\xff\xd8\xff\xe1\xff\xff",
            b"ftypftyp\xff\xd8\xff\xd8\xff\0",
        ]
        .into_iter()
        .map(<[u8]>::to_vec)
        .chain((65_525..65_540).map(|length| vec![7; length]))
        {
            let filler = ("data behind the picture", filling.len() as u64);
            let whole = [&first[..], &filling, &second, &filling, &second, b"x"].concat();
            let another = ("picture behind the picture", length);
            let (hidden, serials) = found(&whole);
            assert_eq!(hidden, [filler, another, filler, another, (filler.0, 1)]);
            assert_eq!(serials, ["FIRST42", "SECND42"]);
            let (hidden, _) = found(&[&first[..], &filling, &film].concat());
            assert_eq!(hidden, [filler, ("film behind the picture", of_film)]);
            let (hidden, serials) = found(&[&first[..], &filling, &film, &second].concat());
            assert_eq!(hidden, [filler, ("film behind the picture", of_film), another]);
            assert_eq!(serials, ["FIRST42", "SECND42"]);
        }
        // One that is cut before its scan is read as far as it goes, and the next one as well.
        let cut = [&[0xff, 0xd8][..], &exif(*b"THIRD42\0")].concat();
        let (hidden, serials) = found(&[&first[..], b"filling", &cut, b"filling", &second].concat());
        assert_eq!(hidden.len(), 4, "{hidden:?}");
        assert_eq!(serials, ["FIRST42", "THIRD42", "SECND42"]);
    }

    #[test]
    fn behind_a_preview_that_an_index_says_to_be_longer_a_picture_is_found() {
        let (preview, second) = (little(*b"PREVW42\0"), little(*b"SECND42\0"));
        for says_more in [second.len(), 0] {
            // Of the index: two pictures, of which the second begins behind the first; offsets count from behind `MPF\0`.
            let length = u32::try_from(preview.len() + says_more).unwrap();
            let scan = [0xff, 0xda, 0, 2, 5, 5, 0xff, 0xd9];
            let head = b"MPF\0II*\0\x08\0\0\0\x01\0\x02\xb0\x07\0\x20\0\0\0\x1a\0\0\0\0\0\0\0";
            let from = u32::try_from(26 + 32 + scan.len()).unwrap();
            let content =
                [&head[..], &[0; 16], &[0, length, from, 0].map(u32::to_le_bytes).concat()].concat();
            let size = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            let first = [&[0xff, 0xd8, 0xff, 0xe2][..], &size, &content, &scan].concat();
            let (hidden, serials) = found(&[&first[..], &preview, &second].concat());
            assert_eq!(serials, ["PREVW42", "SECND42"], "{hidden:?}");
            assert_eq!(hidden[1], ("picture behind the picture", second.len() as u64));
        }
    }

    #[test]
    fn what_stands_between_scans_is_told_and_read() {
        let frame = b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\x07";
        let reserved = b"\xff\x02\0\x05Eve".to_vec();
        for (hiding, count) in
            [(exif(*b"SECND42\0"), 1), (reserved, 0), (b"\xff\xfe\0\x05\0\0\0".to_vec(), 0)]
        {
            let is_zeros = hiding.ends_with(&[0; 3]);
            let picture = [&[0xff, 0xd8][..], frame, &hiding, &[0xff, 0xd9]].concat();
            let (hidden, serials) = found(&picture);
            let expected = ("data between the scans of the picture", hiding.len() as u64 - 4);
            assert_eq!(hidden.first(), (!is_zeros).then_some(&expected));
            assert_eq!(serials.len(), count);
            // And in one behind another.
            let (hidden, serials) = found(&[&little(*b"FIRST42\0")[..], &picture].concat());
            assert_eq!((hidden.len(), serials.len()), (1 + usize::from(!is_zeros), 1 + count));
        }
    }

    #[test]
    fn what_only_looks_like_pictures_is_tried_up_to_a_number() {
        // Each says that a segment follows, which leads to no other.
        let many = [b"x", &b"\xff\xd8\xff\xe2\0\x08".repeat(100_000)[..]].concat();
        let told = inspect(&[&little(*b"FIRST42\0"), &many[..]].concat().as_slice()).unwrap();
        let hidden: Vec<_> = told.hidden.iter().map(|one| (one.what, one.bytes)).collect();
        assert_eq!(hidden, [("data behind the picture", many.len() as u64)]);
        assert!(
            told.damage.iter().any(|flaw| flaw.why.contains("than are looked into")),
            "{:?}",
            told.damage
        );
    }

    proptest! {
        #[test]
        fn a_picture_is_found_wherever_it_begins(before in prop::collection::vec(1_u8..=255, 1..40), times in 1_usize..4000, is_edge: bool) {
            prop_assume!(Finder::new(BEGINNING).find(&before.repeat(2)).is_none());
            let filling = before.repeat(if is_edge { times } else { 1 });
            let (hidden, serials) = found(&[&little(*b"FIRST42\0")[..], &filling, &little(*b"SECND42\0")].concat());
            prop_assert_eq!(&serials, &["FIRST42", "SECND42"]);
            prop_assert_eq!(hidden[0], ("data behind the picture", filling.len() as u64));
        }
    }

    #[test]
    fn a_second_picture_without_an_index_is_told_and_read() {
        let exif = |serial: &[u8; 8]| {
            let tags = b"II*\0\x08\0\0\0\x01\0\x31\xa4\x02\0\x08\0\0\0\x1a\0\0\0\0\0\0\0";
            let content = [EXIF, tags, serial].concat();
            let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            [&[0xff, 0xe1][..], &length, &content].concat()
        };
        // One scan of all components, in which the end may be looked for at once, and two.
        let frames = [
            b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0".to_vec(),
            b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x07\xff\xc4\0\x04\xff\xd9\xff\xda\0\x08\x01\x01\0\0\x3f\0"
                .to_vec(),
        ];
        for frame in frames {
            let picture = |serial: &[u8; 8]| {
                [&[0xff, 0xd8][..], &exif(serial), &frame, &vec![7; 70_000], &[0xff, 0xd9]].concat()
            };
            let (first, second) = (picture(b"FIRST42\0"), picture(b"SECND42\0"));
            for between in [&b""[..], &[0; 9]] {
                let both = [&first, between, &second, &[0; 3][..], &second].concat();
                let told = inspect(&both.as_slice()).unwrap();
                let serials: Vec<_> =
                    told.identifiers.iter().map(|one| (one.value.as_str(), one.field.as_str())).collect();
                assert_eq!(
                    serials,
                    [("FIRST42", "exif:BodySerialNumber"), ("SECND42", "behind EOI:exif:BodySerialNumber")]
                );
                let hidden: Vec<_> = told.hidden.iter().map(|one| (one.what, one.bytes)).collect();
                assert_eq!(hidden, [("picture behind the picture", second.len() as u64); 2]);
                assert!(told.damage.is_empty(), "{:?}", told.damage);
            }
            // One that is cut is followed by the other all the same.
            let cut = [&first[..first.len() - 2], &second].concat();
            let told = inspect(&cut.as_slice()).unwrap();
            assert_eq!((told.identifiers.len(), told.hidden.len()), (2, 1), "{told:?}");
        }
    }

    #[test]
    fn what_lies_behind_a_picture_is_told() {
        let picture = [&[0xff, 0xd8, 0xff, 0xda, 0, 2][..], &[7; 5000], &[0xff, 0xd9]].concat();
        let hidden = |behind: &[u8]| {
            let told = inspect(&[&picture, behind].concat().as_slice()).unwrap();
            told.hidden.iter().map(|one| (one.what, one.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(hidden(b""), []);
        assert_eq!(hidden(&[0; 9]), [], "zeros are no data");
        assert_eq!(hidden(b"SERIAL 42"), [("data behind the picture", 9)]);
        let film = [&[0, 0, 0, 16][..], b"ftypisom\0\0\0\0", &[1; 9000]].concat();
        assert_eq!(hidden(&film), [("film behind the picture", 9016)]);
        assert_eq!(hidden(&[&[0; 8], &film[..]].concat()), [("film behind the picture", 9016)]);
    }
}
