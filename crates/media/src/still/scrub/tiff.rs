//! TIFF and DNG: what gives something away is taken out of its directory, and its value overwritten; all else keeps its
//! place, for parts of a TIFF point at each other.

use std::{collections::BTreeSet, io, ops::Range};

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::{anew, refused};
use crate::still::{
    ifd::{Directory, Entry, Tags},
    tiff::{XMP, parts, parts::JPEG_TABLES},
    xmp,
};

/// The largest file that is scrubbed, in bytes: it is held while it is done.
const LONGEST: u64 = 256 << 20;

/// Tags that give something away, and what: of TIFF, EXIF, DNG, IPTC, Photoshop, Windows.
const REMOVED: &[(u16, &str)] = &[
    (0x010d, "text"), // DocumentName
    (0x010e, "text"), // ImageDescription
    (0x0131, "software"),
    (0x013b, "owner"),       // Artist
    (0x013c, "identifier"),  // HostComputer
    (0x02bc, "description"), // XMP
    (0x8298, "owner"),       // Copyright
    // GeoTIFF: scale, points, keys.
    (0x830e, "position"),
    (0x8480, "position"),
    (0x8482, "position"),
    (0x85d8, "position"),
    (0x87af, "position"),
    (0x87b0, "position"),
    (0x87b1, "position"),
    (0x83bb, "text"), // IPTC
    (0x8649, "text"), // Photoshop
    (0x927c, "maker note"),
    (0x9286, "text"), // UserComment
    (0x9c9b, "text"),
    (0x9c9c, "text"),
    (0x9c9d, "owner"),
    (0x9c9e, "text"),
    (0x9c9f, "text"),
    (0xa480, "description"),   // GDAL
    (0xa420, "identifier"),    // ImageUniqueID
    (0xa430, "owner"),         // CameraOwnerName
    (0xa431, "serial"),        // BodySerialNumber
    (0xa435, "serial"),        // LensSerialNumber
    (0xc62f, "serial"),        // CameraSerialNumber of DNG
    (0xc634, "maker note"),    // DNGPrivateData
    (0xc65d, "identifier"),    // RawDataUniqueID
    (0xc68b, "text"),          // OriginalRawFileName
    (0xc68c, "original file"), // OriginalRawFileData
    (0xfde9, "serial"),
    (0xfdea, "identifier"),
];

const GPS: u16 = 0x8825;

/// Tags of text, of bytes and of what makers define that stay: how the picture is shown, with what and when it was taken.
/// Others of these types go, for they may hold anything.
const KEPT: &[u16] = &[
    0x010f, 0x0110, 0x0132, 0x013d, 0x0152, 0x015b, 0x828d, 0x828e, 0x8773, 0x9000, 0x9003, 0x9004, 0x9010,
    0x9011, 0x9012, 0x9101, 0x9290, 0x9291, 0x9292, 0xa000, 0xa20c, 0xa300, 0xa301, 0xa302, 0xc612, 0xc613,
    0xc614, 0xc616, 0xc68f, 0xc691, 0xc6f3, 0xc6f4, 0xc6f6, 0xc6f8, 0xc740, 0xc741, 0xc74e, 0xcd2d, 0xcd2e,
    0xcd38,
];

/// Types of text, of bytes and of what makers define.
const OPAQUE: &[u16] = &[1, 2, 6, 7, 129];

/// Compressions of raw pictures of makers, whose notes hold what decoding needs: Sony, Nikon, Pentax, Samsung, Canon.
const RAW: &[u64] = &[32_767, 32_769, 32_770, 32_772, 34_713, 65_535];

/// A TIFF or DNG without what it gives away.
pub(super) fn scrub(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    if source.length() > LONGEST {
        return refused(format!("it is longer than {LONGEST} bytes"));
    }
    let mut bytes = source.piece(0, usize::try_from(LONGEST).unwrap_or(usize::MAX))?;
    let whole = bytes.clone();
    let Some(tags) = Tags::read(&whole) else { return refused("its header is damaged") };
    if tags.big {
        return refused(
            "BigTIFF is read and not written: export it as TIFF (tiffcp -c none IN OUT, or gdal_translate), and scrub that",
        );
    }
    if let Some((at, why)) = tags.flaws.first() {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let is_dng = tags.get(Directory::Main, 0xc612).is_some();
    let of = |tag: u16| tags.entries.iter().filter(move |entry| entry.tag == tag);
    if !is_dng && of(0x0103).flat_map(|entry| tags.numbers(entry)).any(|number| RAW.contains(&number)) {
        return refused(
            "it is a raw picture of a maker, whose notes decoding needs: export it as TIFF or JPEG, and scrub that",
        );
    }
    let place = anew::moved(&tags, request.locations);
    let places =
        tags.entries.iter().filter(|entry| entry.directory == Directory::Gps && entry.tag == 2).count();
    if place.is_some() && places > 1 {
        return refused(
            "it has several places, which cannot be moved where they stand: take them out with --location remove",
        );
    }
    let packet = angles(&tags, request);
    let mut scrubbed = Scrubbed::default();
    // Of the directory of GPS only a place that was moved stays.
    let stays = |entry: &Entry| match entry.directory {
        Directory::Gps => place.is_some_and(|place| {
            matches!(entry.tag, 0..=4) || matches!(entry.tag, 5 | 6) && place.altitude.is_some()
        }),
        Directory::Main if entry.tag == XMP => packet.is_some(),
        _ if OPAQUE.contains(&entry.kind()) => KEPT.contains(&entry.tag),
        _ => !(REMOVED.iter().any(|(tag, _)| *tag == entry.tag) || entry.tag == GPS && place.is_none()),
    };
    let kept: BTreeSet<Span> =
        tags.entries.iter().filter(|entry| stays(entry)).map(|entry| span(&entry.value)).collect();
    let found = parts::parts(&tags)?;
    if let Some(why) = found.beyond {
        return refused(why);
    }
    if overlaps(&tags, (&found.places, &kept), &stays) {
        return refused("values that would go lie on top of what stays");
    }
    for entry in tags.entries.iter().filter(|entry| !stays(entry)) {
        if entry.directory != Directory::Gps && entry.tag != GPS {
            let what = REMOVED
                .iter()
                .find(|(tag, _)| *tag == entry.tag)
                .map_or("data of a program", |(_, what)| what);
            scrubbed.removed(what, format!("tiff:{:#06x}", entry.tag));
        }
        // A value that another tag shares stays its value.
        if !entry.is_inline() && !kept.contains(&span(&entry.value)) {
            fill(&mut bytes, entry.value.clone());
        }
    }
    if tags.entries.iter().any(|entry| entry.directory == Directory::Gps) {
        scrubbed.removed(if place.is_some() { "position, moved" } else { "position" }, "exif:GPS");
    }
    for table in &tags.tables {
        compact(&tags, table.at, &stays, &mut bytes);
    }
    if place.is_some_and(|place| !set_place(&tags, &place, &mut bytes)) {
        return refused(
            "its place cannot be moved where it stands, for it is written in another form or would change its hemisphere",
        );
    }
    let xmp = tags.get(Directory::Main, XMP).and_then(|entry| bytes.get_mut(entry.value.clone()));
    if let (Some(value), Some(packet)) = (xmp, packet) {
        value.copy_from_slice(&packet);
    }
    if !found.all.is_empty() {
        let before = values(&bytes);
        for range in found.all.iter().flat_map(|part| &part.describing) {
            fill(&mut bytes, range.clone());
        }
        if values(&bytes) != before {
            return refused("a preview or a part lies on top of what describes the picture");
        }
        scrubbed.removed("description", "preview");
    }
    // What was no directory must not be read as one now.
    let is_known = |at: usize| tags.tables.iter().any(|table| table.at == at);
    if !Tags::read(&bytes).is_some_and(|after| after.tables.iter().all(|table| is_known(table.at))) {
        return refused("without what goes, its parts would point at each other in another way");
    }
    scrubbed.pieces.push(Piece::Bytes(bytes));
    Ok(Ok(scrubbed))
}

/// Whether directories lie on top of each other, or a value that goes on a part of one that stays, of a directory, or of the
/// picture. One that is the very value of another tag that stays is left alone.
fn overlaps(
    tags: &Tags<'_>,
    (places, values): (&[Range<usize>], &BTreeSet<Span>),
    stays: &dyn Fn(&Entry) -> bool,
) -> bool {
    let mut kept: Vec<Span> =
        tags.tables.iter().map(|table| (table.at, table.at + 6 + table.count * 12)).collect();
    kept.sort_unstable();
    // The offset of a next directory may be left out where another begins.
    if kept.windows(2).any(|two| matches!(two, [(_, end), (next, _)] if *next + 4 < *end)) {
        return true;
    }
    kept.extend(
        tags.entries
            .iter()
            .filter(|entry| stays(entry) && !entry.is_inline())
            .map(|entry| span(&entry.value)),
    );
    kept.extend(places.iter().map(span));
    kept.sort_unstable();
    // The farthest end of all that begin before.
    let mut farthest = 0;
    let ends: Vec<usize> = kept
        .iter()
        .map(|(_, end)| {
            farthest = farthest.max(*end);
            farthest
        })
        .collect();
    let gone =
        tags.entries.iter().filter(|entry| !stays(entry) && !entry.is_inline() && !entry.value.is_empty());
    gone.map(|entry| span(&entry.value)).any(|(from, end)| {
        let before = kept.partition_point(|(start, _)| *start < end);
        let reaches =
            before.checked_sub(1).and_then(|last| ends.get(last)).is_some_and(|reach| *reach > from);
        reaches && !values.contains(&(from, end))
    })
}

/// All tags with their values, by where they stand; without the tables of JPEGs, which are parts.
fn values(bytes: &[u8]) -> Option<Vec<(usize, Vec<u8>)>> {
    let tags = Tags::read(bytes)?;
    let raw = |entry: &Entry| {
        let value = if entry.tag == JPEG_TABLES { &[] } else { tags.bytes_of(entry) };
        [bytes.get(entry.at..entry.at + 8).unwrap_or_default(), value].concat()
    };
    Some(tags.entries.iter().map(|entry| (entry.at, raw(entry))).collect())
}

type Span = (usize, usize);

const fn span(range: &Range<usize>) -> Span {
    (range.start, range.end)
}

fn fill(bytes: &mut [u8], range: Range<usize>) {
    if let Some(value) = bytes.get_mut(range) {
        value.fill(0);
    }
}

/// Writes a directory again with the entries that stay, and zeros where the others stood; those of a type that is not known
/// go as well, for nobody can say what they hold.
fn compact(tags: &Tags<'_>, at: usize, stays: &dyn Fn(&Entry) -> bool, bytes: &mut [u8]) {
    let Some(table) = tags.tables.iter().find(|table| table.at == at) else { return };
    let end = at + 2 + table.count * 12;
    let kept: BTreeSet<usize> = tags
        .entries
        .iter()
        .filter(|entry| (at..end).contains(&entry.at) && stays(entry))
        .map(|entry| entry.at)
        .collect();
    if kept.len() == table.count {
        return;
    }
    let mut anew = Vec::new();
    for entry in kept {
        anew.extend_from_slice(tags.bytes.get(entry..entry + 12).unwrap_or_default());
    }
    let count = u16::try_from(anew.len() / 12).unwrap_or(0);
    let count = if tags.little { count.to_le_bytes() } else { count.to_be_bytes() };
    // The offset of the next directory follows the entries; a file may end, or another directory begin, before it.
    let following = tags.tables.iter().map(|table| table.at).filter(|at| *at >= end).min();
    let stop = (end + 4).min(bytes.len()).min(following.unwrap_or(usize::MAX));
    let mut table = [&count[..], &anew, tags.bytes.get(end..end + 4).unwrap_or_default()].concat();
    table.resize(stop.saturating_sub(at), 0);
    if let Some(place) = bytes.get_mut(at..stop) {
        place.copy_from_slice(&table);
    }
}

/// Writes a place that was moved over the old one, if it is written as degrees, minutes and seconds in the same hemisphere.
fn set_place(tags: &Tags<'_>, place: &anew::Moved, bytes: &mut [u8]) -> bool {
    let writer = anew::Writer { little: tags.little };
    let mut set = |tag: u16, value: f64, negative: &str| {
        let reference = tags.get(Directory::Gps, tag - 1).map(|entry| tags.text(entry)).unwrap_or_default();
        let same = reference.eq_ignore_ascii_case(negative) == (value < 0.0);
        let old = tags.get(Directory::Gps, tag).and_then(|entry| bytes.get_mut(entry.value.clone()));
        let anew = writer.degrees(value);
        match old.filter(|old| same && old.len() == anew.len()) {
            Some(old) => {
                old.copy_from_slice(&anew);
                true
            }
            None => false,
        }
    };
    set(2, place.lat, "S") && set(4, place.lon, "W")
}

/// XMP for photogrammetry, if places move alike, as long as the old one by blanks.
fn angles(tags: &Tags<'_>, request: &ScrubRequest) -> Option<Vec<u8>> {
    let entry = tags.get(Directory::Main, XMP)?;
    let mut packet = anew::xmp(&xmp::properties(tags.bytes_of(entry)).0, request.locations)?;
    let room = entry.value.len();
    (packet.len() <= room).then(|| {
        packet.resize(room, b' ');
        packet
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Still;
    use creance_model::{Inspection, Locations};

    /// A TIFF of a picture's width, an artist, a serial number in EXIF, and a place.
    fn picture() -> Vec<u8> {
        let writer = anew::Writer { little: true };
        let place = anew::Moved { lat: 47.5, lon: 8.25, altitude: None };
        writer.block(
            vec![(0x0100, 3, 1, vec![64, 0]), (0x013b, 2, 12, b"Ada Example\0".to_vec())],
            vec![(0x829a, 5, 1, vec![1, 0, 0, 0, 100, 0, 0, 0]), (0xa431, 2, 7, b"SER123\0".to_vec())],
            writer.gps(&place),
        )
    }

    fn told(bytes: &[u8]) -> Inspection {
        Still::of(bytes).unwrap().inspect(&bytes).unwrap()
    }

    #[test]
    fn what_gives_away_is_gone_and_the_rest_stands_where_it_stood() {
        let picture = picture();
        assert_eq!((told(&picture).identifiers.len(), told(&picture).places.len()), (2, 1));
        let scrubbed = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap();
        let after = scrubbed.bytes(&picture);
        assert_eq!(after.len(), picture.len());
        let inspection = told(&after);
        assert!(inspection.identifiers.is_empty() && inspection.places.is_empty(), "{inspection:?}");
        assert!(inspection.damage.is_empty());
        for secret in [&b"Ada"[..], b"SER123"] {
            assert!(memchr::memmem::find(&after, secret).is_none());
        }
        let tags = Tags::read(&after).unwrap();
        assert!(tags.get(Directory::Main, 0x0100).is_some() && tags.get(Directory::Exif, 0x829a).is_some());
    }

    #[test]
    fn a_directory_that_begins_where_the_offset_of_the_next_one_would_stand_keeps_its_count() {
        // The main directory leads to one of EXIF at 26, which ends at 40; there another begins, with the width of a picture.
        let mut picture = b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0".to_vec();
        picture.extend(40_u32.to_le_bytes());
        picture.extend(b"\x01\0\x31\xa4\x02\0\x04\0\0\0S42\0");
        picture.extend(b"\x01\0\0\x01\x03\0\x01\0\0\0\x40\0\0\0\0\0\0\0");
        let tables = |bytes: &[u8]| {
            Tags::read(bytes).unwrap().tables.iter().map(|table| (table.at, table.count)).collect::<Vec<_>>()
        };
        assert_eq!(tables(&picture), [(8, 1), (40, 1), (26, 1)]);
        let scrubbed = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap();
        assert_eq!(tables(&scrubbed.bytes(&picture)), [(8, 1), (40, 1), (26, 0)]);
    }

    #[test]
    fn a_directory_that_the_file_cuts_leads_nowhere_when_it_shrinks() {
        // A second directory at the end, of one text; of the offset of a next one only one byte is there, which is no zero.
        let mut picture = b"II*\0\x08\0\0\0\0\0\x0e\0\0\0".to_vec();
        picture.extend(b"\x01\0\x3b\x01\x02\0\x04\0\0\0Ada\0\x02");
        let scrubbed = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap();
        let after = scrubbed.bytes(&picture);
        let tables: Vec<usize> = Tags::read(&after).unwrap().tables.iter().map(|table| table.at).collect();
        assert_eq!(tables, [8, 14]);
    }

    #[test]
    fn a_directory_at_the_end_of_a_file_and_tags_of_unknown_types_are_taken_out() {
        let mut picture = b"II*\0\x08\0\0\0\x03\0".to_vec();
        picture.extend([0x0f, 1, 2, 0, 4, 0, 0, 0, b'D', b'J', b'I', 0]);
        picture.extend([0x3b, 1, 2, 0, 4, 0, 0, 0, b'A', b'd', b'a', 0]);
        picture.extend([0x99, 0x99, 0x77, 0, 4, 0, 0, 0, b'E', b'v', b'e', 0]);
        let after = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap().bytes(&picture);
        assert_eq!(told(&after).device.make.as_deref(), Some("DJI"));
        for secret in [&b"Ada"[..], b"Eve"] {
            assert!(memchr::memmem::find(&after, secret).is_none());
        }
    }

    #[test]
    fn a_place_moves_where_it_stands() {
        let picture = picture();
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 0.5, lon: -1.0 }, ..ScrubRequest::default() };
        let after = scrub(&picture.as_slice(), &request).unwrap().unwrap().bytes(&picture);
        let places = told(&after).places;
        assert_eq!(places.len(), 1);
        assert!((places[0].lat - 48.0).abs() < 1e-8 && (places[0].lon - 7.25).abs() < 1e-8);
        let request = ScrubRequest { locations: Locations::Offset { lat: -60.0, lon: 0.0 }, ..request };
        assert!(scrub(&picture.as_slice(), &request).unwrap().is_err());
    }
}
