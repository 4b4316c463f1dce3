//! Video without what it gives away: pictures and sound stay as they are, byte for byte, and where they are.
//!
//! What describes the film becomes free room of the same length, filled with zeros; so do tracks of telemetry, and their
//! samples are overwritten with zeros. So no offset changes.

use std::{io, ops::Range};

use creance_cursor::Source;
use creance_model::{Locations, Piece, Refusal, ScrubRequest, Scrubbed};

use super::{
    boxes::{self, Box},
    index, is_filled,
    movie::Movie,
    samples,
};

/// Boxes of a file that hold the film, or say how it is laid out.
const KEPT: &[&[u8; 4]] = &[b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"pdin", b"sidx", b"mfra", b"ssix"];

/// Bytes of samples that are overwritten: they are held as zeros until they are written.
const MOST_ZEROS: u64 = 512 << 20;

/// Boxes of the index, of a track, and of its media that say how the film is laid out and shown.
const KEPT_OF_INDEX: &[&[u8; 4]] = &[b"mvhd", b"trak", b"mvex", b"iods"];
const KEPT_OF_TRACK: &[&[u8; 4]] =
    &[b"tkhd", b"edts", b"tref", b"mdia", b"tapt", b"clip", b"matt", b"load", b"txas"];
const KEPT_OF_MEDIA: &[&[u8; 4]] = &[b"mdhd", b"hdlr", b"minf", b"elng"];

/// A video without what it gives away. The outer error: the source cannot be read.
pub fn scrub_video(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let refused = |why: &str| Ok(Err(Refusal(why.to_owned())));
    if request.locations != Locations::Remove {
        return refused("places in videos are taken out, not moved: scrub it with --location remove");
    }
    let (all, flaw) = boxes::of_file(source)?;
    if let Some((at, why)) = flaw {
        return refused(&format!("it is damaged at {at}: {why}"));
    }
    if all.iter().any(|one| &one.kind == b"moof") {
        return refused("it is fragmented: put it together first (ffmpeg -i IN -c copy OUT)");
    }
    let mut scrubbed = Scrubbed::default();
    let (mut anew, mut blanked) = (Vec::new(), Vec::new());
    for one in &all {
        if &one.kind == b"moov" {
            let bytes = match index(source, one)? {
                Ok(bytes) => bytes,
                Err(why) => return refused(&why),
            };
            let changed = match without(bytes, &all, &mut scrubbed) {
                Ok(changed) => changed,
                Err(why) => return refused(&format!("its index cannot be read in full: {why}")),
            };
            for gap in &changed.unnamed {
                if is_filled(source, gap)? {
                    scrubbed.removed("data that no track names", "mdat");
                    break;
                }
            }
            blanked.extend(changed.samples.into_iter().chain(changed.unnamed));
            anew.push((one.content.clone(), Some(changed.index)));
        } else if !KEPT.contains(&&one.kind) {
            let kind = String::from_utf8_lossy(&one.kind).into_owned();
            if !matches!(&one.kind, b"free" | b"skip") {
                scrubbed.removed("description", kind);
            }
            // Its kind, and all that follows but a long length.
            let kind_at = one.at + 4..one.at + 8;
            anew.push((kind_at, Some(b"free".to_vec())));
            blanked.push(one.content.clone());
        }
    }
    // Items of a picture file may lie among the samples.
    if all.iter().any(|one| &one.kind == b"meta") {
        return refused("it holds items beside its film, which are not read");
    }
    let zeros: u64 = blanked.iter().map(|range: &Range<u64>| range.end - range.start).sum();
    if zeros > MOST_ZEROS || blanked.iter().any(|range| range.end > source.length()) {
        return refused("its telemetry, or what describes it, is too long, or lies outside of the file");
    }
    anew.extend(blanked.into_iter().map(|range| (range, None)));
    match pieces(anew, source.length()) {
        Some(pieces) => scrubbed.pieces = pieces,
        None => return refused("samples of telemetry lie within the index"),
    }
    Ok(Ok(scrubbed))
}

/// What an index becomes.
struct Changed {
    index: Vec<u8>,
    /// Where samples of telemetry lie, and what no track names: to be overwritten.
    samples: Vec<Range<u64>>,
    unnamed: Vec<Range<u64>>,
}

/// The index without descriptions and telemetry. `all`: the boxes of the file.
fn without(mut bytes: Vec<u8>, all: &[Box], scrubbed: &mut Scrubbed) -> Result<Changed, String> {
    let held = bytes.clone();
    let movie = Movie::read(&held);
    if let Some((_, why)) = movie.flaws.first() {
        return Err(why.clone());
    }
    let (Some(shown), Some(named)) = (movie.shown(), movie.named()) else {
        return Err("where a track of pictures or sound lies is not said".to_owned());
    };
    let mut telemetry = Vec::new();
    let mut dropped = Vec::new();
    for track in &movie.telemetry {
        scrubbed.removed(track.kind.named(), track.name());
        dropped.push(track.at);
        telemetry.extend(track.samples.iter().filter(|sample| sample.start < sample.end).cloned());
    }
    if telemetry.iter().any(|sample| samples::between(sample, &shown) != std::slice::from_ref(sample)) {
        return Err("samples of telemetry lie among those of pictures or sound".to_owned());
    }
    for one in &movie.all {
        let is_dropped = &one.kind == b"trak" && dropped.contains(&one.at);
        if is_dropped || !KEPT_OF_INDEX.contains(&&one.kind) {
            gone(&mut bytes, one, scrubbed, is_dropped);
        } else if &one.kind == b"trak" {
            for inner in of_box(&held, one) {
                if !KEPT_OF_TRACK.contains(&&inner.kind) {
                    gone(&mut bytes, &inner, scrubbed, false);
                } else if &inner.kind == b"mdia" {
                    media(&held, &inner, &mut bytes, scrubbed);
                }
            }
        }
    }
    let data = all.iter().filter(|one| &one.kind == b"mdat");
    let unnamed = data.flat_map(|one| samples::between(&one.content, &named)).collect();
    Ok(Changed { index: bytes, samples: telemetry, unnamed })
}

/// The boxes in a box of content that is held, with offsets in that content.
fn of_box(held: &[u8], one: &Box) -> Vec<Box> {
    let from = one.content.start;
    let moved = |inner: Box| Box {
        kind: inner.kind,
        at: from + inner.at,
        content: from + inner.content.start..from + inner.content.end,
    };
    boxes::within(boxes::content(held, one)).into_iter().map(moved).collect()
}

/// The media of a track without descriptions, and without the name that its handler has for people.
fn media(held: &[u8], one: &Box, bytes: &mut [u8], scrubbed: &mut Scrubbed) {
    /// Version, flags, two types, and room for three numbers stand before the name (ISO/IEC 14496-12, 8.4.3).
    const NAME: u64 = 24;
    for inner in of_box(held, one) {
        if !KEPT_OF_MEDIA.contains(&&inner.kind) {
            gone(bytes, &inner, scrubbed, false);
        } else if &inner.kind == b"hdlr" {
            let name = (inner.content.start + NAME).min(inner.content.end)..inner.content.end;
            let name = usize::try_from(name.start).ok().zip(usize::try_from(name.end).ok());
            if let Some(name) = name.and_then(|(from, to)| bytes.get_mut(from..to)) {
                name.fill(0);
            }
        }
    }
}

/// Makes a box free room and tells it, unless it is free room, or told already.
fn gone(bytes: &mut [u8], one: &Box, scrubbed: &mut Scrubbed, told: bool) {
    if !told && !matches!(&one.kind, b"free" | b"skip") {
        scrubbed.removed("description", String::from_utf8_lossy(&one.kind));
    }
    blank(bytes, one);
}

/// Makes a box of content that is held free room.
fn blank(bytes: &mut [u8], one: &Box) {
    let range = |from: u64, to: u64| Some(usize::try_from(from).ok()?..usize::try_from(to).ok()?);
    if let Some(kind) = range(one.at + 4, one.at + 8).and_then(|range| bytes.get_mut(range)) {
        kind.copy_from_slice(b"free");
    }
    if let Some(content) = range(one.content.start, one.content.end).and_then(|range| bytes.get_mut(range)) {
        content.fill(0);
    }
}

/// The output: what is anew, or zeros, at its place, and all else copied; `None`: ranges lie within each other.
fn pieces(mut anew: Vec<(Range<u64>, Option<Vec<u8>>)>, length: u64) -> Option<Vec<Piece>> {
    anew.retain(|(range, _)| range.start < range.end);
    anew.sort_by_key(|(range, _)| (range.start, range.end));
    // Tables may name a sample twice.
    anew.dedup_by(|next, one| next.0 == one.0 && next.1.is_none() && one.1.is_none());
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (range, bytes) in anew {
        if range.start < at {
            return None;
        }
        if at < range.start {
            pieces.push(Piece::Copy(at..range.start));
        }
        at = range.end;
        let zeros = usize::try_from(range.end - range.start).ok()?;
        match (bytes, pieces.last_mut()) {
            (Some(bytes), _) => pieces.push(Piece::Bytes(bytes)),
            (None, Some(Piece::Bytes(last))) => last.resize(last.len() + zeros, 0),
            (None, _) => pieces.push(Piece::Bytes(vec![0; zeros])),
        }
    }
    pieces.push(Piece::Copy(at..length));
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{djmd::tests::frame, inspect_video};
    use creance_model::Inspection;
    use proptest::prelude::*;

    fn of(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len() + 8).unwrap().to_be_bytes()[..], &kind, content].concat()
    }

    /// A film of a picture's bytes and two frames of telemetry, with a place and a model in its user data.
    fn film() -> Vec<u8> {
        film_of(*b"meta", 8, b"")
    }

    /// The same; the track of telemetry says what it holds and where it begins among the samples, and some bytes are not named.
    fn film_of(holds: [u8; 4], begins: u32, unnamed: &[u8]) -> Vec<u8> {
        let frames = [frame(true, true, (47.5, -8.25)), frame(false, true, (47.6, -8.25))];
        let data = [b"PICTURE!".to_vec(), frames[0].clone(), frames[1].clone(), unnamed.to_vec()].concat();
        let ftyp = of(*b"ftyp", b"isom\0\0\0\0");
        let start = u32::try_from(ftyp.len() + 8).unwrap();
        let track = |handler: [u8; 4], format: [u8; 4], first: u32, sizes: &[usize]| {
            let hdlr = of(*b"hdlr", &[&[0; 8][..], &handler, &[0; 13]].concat());
            let stsd = of(*b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 16][..], &format, &[0; 8]].concat());
            let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
            let lengths: Vec<u8> = sizes.iter().flat_map(|size| number(*size)).collect();
            let size = of(*b"stsz", &[&[0; 8][..], &number(sizes.len()), &lengths].concat());
            let offset = of(*b"stco", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &first.to_be_bytes()].concat());
            let chunk = of(
                *b"stsc",
                &[&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &number(sizes.len()), &[0, 0, 0, 1]].concat(),
            );
            let stbl = of(*b"stbl", &[stsd, size, offset, chunk].concat());
            of(*b"trak", &of(*b"mdia", &[hdlr, of(*b"minf", &stbl)].concat()))
        };
        let picture = track(*b"vide", *b"avc1", start, &[8]);
        let telemetry = track(holds, *b"djmd", start + begins, &[frames[0].len(), frames[1].len()]);
        let place = of(*b"\xa9xyz", b"\0\x11\x15\xc7+47.5000-008.2500");
        let udta = of(*b"udta", &[place, of(*b"\xa9mdl", b"\0\x08\x15\xc7TestWing")].concat());
        [ftyp, of(*b"mdat", &data), of(*b"moov", &[picture, telemetry, udta].concat())].concat()
    }

    #[test]
    fn a_film_says_where_it_was_and_says_nothing_when_it_is_scrubbed() {
        let film = film();
        let told = inspect_video(&film.as_slice()).unwrap();
        assert_eq!(told.tracks[0].points.len(), 2);
        assert_eq!((told.places.len(), told.identifiers.len(), told.damage.len()), (1, 1, 0), "{told:?}");
        let scrubbed = scrub_video(&film.as_slice(), &ScrubRequest::default()).unwrap().unwrap();
        let clean = scrubbed.bytes(&film);
        assert_eq!(clean.len(), film.len());
        let told = inspect_video(&clean.as_slice()).unwrap();
        assert!(told.tracks.is_empty() && told.places.is_empty() && told.identifiers.is_empty());
        assert_eq!(told.device, creance_model::Device::default());
        assert!(memchr::memmem::find(&clean, b"PICTURE!").is_some());
        for secret in [&b"TESTAB00"[..], b"TestWing", b"47.5", &47.6_f64.to_le_bytes()] {
            assert!(
                memchr::memmem::find(&film, secret).is_some()
                    && memchr::memmem::find(&clean, secret).is_none()
            );
        }
    }

    #[test]
    fn telemetry_is_found_by_its_format_and_data_that_no_track_names_goes() {
        for holds in [*b"vide", *b"tmcd", *b"soun"] {
            let film = film_of(holds, 8, b"SERIAL-OF-NOBODY");
            let told = inspect_video(&film.as_slice()).unwrap();
            assert_eq!((told.tracks[0].points.len(), told.identifiers.len()), (2, 1), "{told:?}");
            assert!(
                told.hidden
                    .iter()
                    .any(|hidden| (hidden.what, hidden.bytes) == ("data that no track names", 16)),
                "{:?}",
                told.hidden
            );
            let scrubbed = scrub_video(&film.as_slice(), &ScrubRequest::default()).unwrap().unwrap();
            let clean = scrubbed.bytes(&film);
            for secret in [&b"TESTAB00"[..], b"SERIAL-OF-NOBODY"] {
                assert!(memchr::memmem::find(&clean, secret).is_none());
            }
            assert!(memchr::memmem::find(&clean, b"PICTURE!").is_some());
        }
    }

    #[test]
    fn telemetry_that_lies_on_a_picture_is_refused() {
        let film = film_of(*b"meta", 4, b"");
        let refusal = scrub_video(&film.as_slice(), &ScrubRequest::default()).unwrap();
        assert!(refusal.is_err_and(|refusal| refusal.0.contains("among those of pictures")));
    }

    #[test]
    fn tracks_that_share_their_samples_share_what_is_read_of_them() {
        let film = film();
        let at = memchr::memmem::find(&film, b"djmd").unwrap();
        let from = film[..at].windows(4).rposition(|four| four == b"trak").unwrap() - 4;
        let length = u32::from_be_bytes(film[from..from + 4].try_into().unwrap());
        let track = film[from..from + length as usize].to_vec();
        let moov = memchr::memmem::find(&film, b"moov").unwrap() - 4;
        let content = [&film[moov + 8..], &track.repeat(3)].concat();
        let film = [&film[..moov], &of(*b"moov", &content)].concat();
        let told = inspect_video(&film.as_slice()).unwrap();
        assert_eq!(told.tracks.len(), 4);
        let mut left = super::super::Left { bytes: 1 << 20, points: 3 };
        let mut few = Inspection::of("mp4");
        let (all, _) = boxes::of_file(&film.as_slice()).unwrap();
        let moov = all.iter().find(|one| &one.kind == b"moov").unwrap();
        let held = boxes::content(&film, moov);
        for track in &Movie::read(held).telemetry {
            super::super::telemetry(&mut few, &film.as_slice(), track, &mut left).unwrap();
        }
        let points: usize = few.tracks.iter().map(|track| track.points.len()).sum();
        // Of the second track one point is left out, and the others are not read.
        assert_eq!((points, few.tracks.len(), few.damage.len()), (3, 2, 3), "{:?}", few.damage);
    }

    #[test]
    fn boxes_that_claim_gigabytes_are_answered() {
        let mut film = film();
        // The length of the box of samples, which stands behind the sixteen bytes of the first one.
        film[16..20].copy_from_slice(&[0xff, 0xff, 0xff, 0xf0]);
        let told = inspect_video(&film.as_slice()).unwrap();
        assert!(told.damage[0].why.contains("4294967280 bytes"), "{:?}", told.damage);
        assert!(scrub_video(&film.as_slice(), &ScrubRequest::default()).unwrap().is_err());
    }

    #[test]
    fn a_film_that_is_not_read_in_full_is_refused() {
        let film = film();
        // The last box of a kind is that of the track of telemetry.
        let edit = |kind: &[u8], before: usize, anew: &[u8]| {
            let at = memchr::memmem::rfind(&film, kind).unwrap() - before;
            let mut edited = film.clone();
            edited[at..at + anew.len()].copy_from_slice(anew);
            edited
        };
        for (edited, why) in [
            (edit(b"stsz", 0, b"stz2"), "lengths of samples in a box that is not read"),
            (edit(b"udta", 4, &[0xff]), "a box of the index that reaches behind its end"),
            (edit(b"minf", 0, b"none"), "no table"),
        ] {
            let refusal = scrub_video(&edited.as_slice(), &ScrubRequest::default()).unwrap();
            if let Err(refusal) = refusal {
                assert!(refusal.0.contains("in full"), "{why}: {refusal}");
            } else {
                unreachable!("{why}: scrubbed");
            }
        }
    }

    proptest! {
        #[test]
        fn any_damage_is_answered(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
            let mut film = film();
            for (index, byte) in edits {
                let at = index.index(film.len());
                film[at] = byte;
            }
            let before = inspect_video(&film.as_slice()).unwrap();
            if let Ok(scrubbed) = scrub_video(&film.as_slice(), &ScrubRequest::default()).unwrap() {
                let clean = scrubbed.bytes(&film);
                prop_assert_eq!(clean.len(), film.len());
                let after = inspect_video(&clean.as_slice()).unwrap();
                prop_assert!(after.places.is_empty() && after.tracks.is_empty(), "{:?} {:?}", before, after);
            }
        }
    }
}
