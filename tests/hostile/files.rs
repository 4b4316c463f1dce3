//! Files made to hurt: archives within archives, lengths of gigabytes that are claimed, boxes that lead back to themselves. Each
//! is answered in little time and memory, and what was not read is said.

use std::{
    fs,
    time::{Duration, Instant},
};

use creance_tests::creance;
use serde_json::Value;

use super::most_memory;

/// A debug build on a busy machine; and memory in kB.
const LONGEST: Duration = Duration::from_secs(20);
const MOST: u64 = 100_000;

pub(super) fn told(name: &str, bytes: &[u8]) -> (Vec<Value>, Vec<String>) {
    told_within(MOST, name, bytes)
}

/// What `inspect` says of a file of these bytes: all that it tells of, and what it says was not read, which its exit code agrees
/// with. `scrub` answers too. Neither holds more than so many kB.
pub(super) fn told_within(most: u64, name: &str, bytes: &[u8]) -> (Vec<Value>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let begun = Instant::now();
    let (output, memory) =
        most_memory(creance().args(["inspect", "--format", "json", "--reveal"]).arg(&path));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
    let to = folder.path().join("clean");
    let (written, more) =
        most_memory(creance().args(["scrub", "--format", "json", "-o"]).arg(&to).arg(&path));
    let why = String::from_utf8_lossy(&written.stderr).into_owned();
    assert!(matches!(written.status.code(), Some(0 | 4)), "{name}: {why}");
    let took = begun.elapsed();
    assert!(took < LONGEST && memory.max(more) < most, "{name}: {took:?}, {memory} kB, {more} kB");
    let damage = all.iter().flat_map(|one| one["damage"].as_array().unwrap().clone());
    let damage: Vec<String> = damage.map(|one| one["why"].as_str().unwrap().to_owned()).collect();
    assert_eq!(output.status.code(), Some(if damage.is_empty() { 0 } else { 4 }), "{name}: {damage:?}");
    (all, damage)
}

/// A zip with one entry that is not compressed (APPNOTE 4.3).
pub(super) fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(content);
    let (length, name_length) = (u32::try_from(content.len()).unwrap(), u16::try_from(name.len()).unwrap());
    let mut about = vec![10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58];
    about.extend([sum.sum(), length, length].map(u32::to_le_bytes).concat());
    about.extend(name_length.to_le_bytes());
    let local = [b"PK\x03\x04", about.as_slice(), &[0; 2], name.as_bytes(), content].concat();
    let entry = [b"PK\x01\x02\x14\0", about.as_slice(), &[0; 16], name.as_bytes()].concat();
    let place = [u32::try_from(entry.len()).unwrap(), u32::try_from(local.len()).unwrap()];
    let end =
        [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &place.map(u32::to_le_bytes).concat(), &[0; 2]].concat();
    [local, entry, end].concat()
}

#[test]
fn of_archives_within_archives_those_that_are_too_deep_are_named() {
    let table = "time,lat,lon,serial\n100,47.5,8.5,0TESTAB001\n";
    let nested = |levels: u32| {
        (1..levels)
            .fold(zip("flight.csv", table.as_bytes()), |inner, level| zip(&format!("{level}.zip"), &inner))
    };
    // What is not too deep is read: the archives are good ones.
    let (all, damage) = told("three.zip", &nested(3));
    assert_eq!((all.len(), damage.len()), (4, 0));
    assert_eq!(all[3]["identifiers"][0]["value"], "0TESTAB001");
    let (all, damage) = told("ten.zip", &nested(10));
    assert_eq!(all.len(), 5);
    assert_eq!(damage.len(), 1);
    assert!(damage[0].contains("lie within each other"), "{damage:?}");
}

/// A segment of a JPEG.
fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], content].concat()
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    [&[0xff, 0xd8][..], &segments.concat(), &[0xff, 0xd9]].concat()
}

/// A directory of TIFF with these entries: tag, type, count, value.
fn exif(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let count = u16::try_from(entries.len()).unwrap();
    let mut tiff = [&b"Exif\0\0II*\0\x08\0\0\0"[..], &count.to_le_bytes()].concat();
    for (tag, kind, count, value) in entries {
        tiff.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        tiff.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    tiff.extend([0; 4]);
    tiff
}

#[test]
fn pictures_that_claim_four_gigabytes_are_damaged() {
    const ALL: u32 = u32::MAX;
    let mpf = |length: u32, at: u32| {
        // Two pictures, the second of which is of this length, there.
        let directory = [
            &b"MPF\0II*\0\x08\0\0\0\x02\0"[..],
            &[0x01, 0xb0, 4, 0, 1, 0, 0, 0, 2, 0, 0, 0],
            &[0x02, 0xb0, 7, 0, 32, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0],
            &[0; 16],
            &[0; 4],
        ];
        [&directory.concat()[..], &length.to_le_bytes(), &at.to_le_bytes(), &[0; 4]].concat()
    };
    let extended = |length: u32, at: u32| {
        let head = [&b"http://ns.adobe.com/xmp/extension/\0"[..], &[b'A'; 32]].concat();
        [&head[..], &length.to_be_bytes(), &at.to_be_bytes(), b"<x/>"].concat()
    };
    let cases = [
        ("a value of 4 GB", segment(0xe1, &exif(&[(0x010f, 2, ALL, 8)]))),
        ("4 billion numbers of 8 bytes", segment(0xe1, &exif(&[(0x8769, 4, 1, 8), (0x9003, 5, ALL, ALL)]))),
        (
            "a preview of 4 GB",
            segment(0xe1, &exif(&[(0x0201, 4, 1, ALL), (0x0202, 4, 1, ALL), (0x010e, 2, ALL, ALL)])),
        ),
        ("another picture of 4 GB", segment(0xe2, &mpf(ALL, 100))),
        ("another picture 4 GB on", segment(0xe2, &mpf(100, ALL))),
        ("XMP of 4 GB", segment(0xe1, &extended(ALL, ALL - 4))),
    ];
    for (name, hurt) in cases {
        let (_, damage) = told(&format!("{name}.jpg"), &jpeg(&[hurt]));
        assert!(!damage.is_empty(), "{name}");
    }
    // A segment that is longer than what is left.
    let cut = [&[0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff][..], b"Exif\0\0"].concat();
    assert!(!told("cut.jpg", &cut).1.is_empty());
}

fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length, &kind[..], content].concat()
}

/// A box whose length stands in 64 bits, whatever it holds.
fn long(kind: [u8; 4], length: u64, content: &[u8]) -> Vec<u8> {
    [&[0, 0, 0, 1], &kind[..], &length.to_be_bytes(), content].concat()
}

#[test]
fn films_whose_boxes_lead_back_or_are_of_any_length_are_answered() {
    let begin = boxed(*b"ftyp", b"isom\0\0\0\0isom");
    for length in [1 << 63, u64::MAX, u64::MAX - 7, 17, 8, 0] {
        for kind in [b"moov", b"mdat", b"udta"] {
            let film = [begin.clone(), long(*kind, length, &boxed(*b"trak", &[0; 40]))].concat();
            assert!(!told("length.mp4", &film).1.is_empty(), "{kind:?} {length}");
            let film =
                [begin.clone(), boxed(*b"moov", &long(*kind, length, &boxed(*b"trak", &[0; 40])))].concat();
            assert!(!told("inner.mp4", &film).1.is_empty(), "{kind:?} {length}");
        }
    }
    // Each box holds another of its kind, or claims to hold more than the one around it. What is behind levels that films do not
    // have is no part of them.
    for kinds in [
        &[b"moov"][..],
        &[b"moov", b"trak", b"mdia", b"minf", b"stbl"],
        &[b"moov", b"udta", b"meta", b"ilst"],
    ] {
        let deep: Vec<&[u8; 4]> = kinds.iter().copied().cycle().take(20_000).collect();
        let mut film = begin.clone();
        for (above, kind) in deep.iter().enumerate() {
            film.extend(u32::try_from((deep.len() - above) * 8).unwrap().to_be_bytes());
            film.extend(*kind);
        }
        told("deep.mp4", &film);
        let same = [&1000_u32.to_be_bytes(), &kinds[0][..]].concat().repeat(1000);
        told("same.mp4", &[begin.clone(), same].concat());
    }
}

/// A film of so many tracks of telemetry, each of which names these samples.
fn film(tracks: usize, format: [u8; 4], samples: &[Vec<u8>]) -> Vec<u8> {
    let begin = boxed(*b"ftyp", b"isom\0\0\0\0isom");
    let start = u32::try_from(begin.len() + 8).unwrap().to_be_bytes();
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let one = &[0, 0, 0, 0, 0, 0, 0, 1][..];
    let lengths: Vec<u8> = samples.iter().flat_map(|sample| number(sample.len())).collect();
    let table = [
        boxed(*b"stsd", &[one, &[0, 0, 0, 16], &format, &[0; 8]].concat()),
        boxed(*b"stsz", &[&[0; 8][..], &number(samples.len()), &lengths].concat()),
        boxed(*b"stco", &[one, &start].concat()),
        boxed(*b"stsc", &[one, &[0, 0, 0, 1], &number(samples.len()), &[0, 0, 0, 1]].concat()),
    ];
    let hdlr = boxed(*b"hdlr", &[&[0; 8][..], b"meta", &[0; 13]].concat());
    let minf = boxed(*b"minf", &boxed(*b"stbl", &table.concat()));
    let track = boxed(*b"trak", &boxed(*b"mdia", &[hdlr, minf].concat()));
    let data = boxed(*b"mdat", &samples.concat());
    [begin, data, boxed(*b"moov", &track.repeat(tracks))].concat()
}

#[test]
fn tracks_that_share_their_samples_share_what_is_held_of_them() {
    // GPMF: what the numbers are divided by, and points of five numbers each: as many as an item can have, three times.
    let point = [47_500_000_i32, 8_250_000, 412_000, 1000, 1000].map(i32::to_be_bytes).concat();
    let points = [&b"GPS5l\x14\xff\xff"[..], &point.repeat(65_535)].concat();
    let scale = [&b"SCALl\x04\0\x01"[..], &1_000_000_i32.to_be_bytes()].concat();
    let sample = [scale, points.repeat(3)].concat();
    let all = 3 * 65_535;
    for (tracks, samples) in [(256, 1), (256, 5), (3, 6)] {
        let film = film(tracks, *b"gpmd", &vec![sample.clone(); samples]);
        let (told, damage) = told_within(260_000, "shared.mp4", &film);
        let points =
            told[0]["tracks"].as_array().unwrap().iter().map(|track| track["points"].as_u64().unwrap());
        let points: u64 = points.sum();
        assert!(points >= (1 << 20) - 1 && points < (1 << 20) + all, "{tracks}, {samples}: {points}");
        assert!(damage.iter().any(|why| why.contains("points")), "{tracks}, {samples}: {damage:?}");
    }
}

#[test]
fn pictures_that_many_indexes_list_are_read_up_to_a_number() {
    let comments: Vec<_> =
        (0..2000).map(|number| segment(0xfe, format!("mast {number:06}").as_bytes())).collect();
    let little = jpeg(&[segment(0xfe, b"inner")]);
    let index = |place: u32| {
        let head = b"MPF\0II*\0\x08\0\0\0\x01\0\x02\xb0\x07\0\0\x04\0\0\x1a\0\0\0\0\0\0\0";
        let length = u32::try_from(little.len()).unwrap();
        segment(0xe2, &[&head[..], &[0, length, place, 0].map(u32::to_le_bytes).concat().repeat(64)].concat())
    };
    let (one, number) = (index(0).len(), 2000);
    let scan = b"\xff\xda\0\x02\0\xff\xd9";
    let behind = 2 + comments.concat().len() + number * one + scan.len();
    let place = |at: usize| u32::try_from(behind - (2 + comments.concat().len() + at * one + 8)).unwrap();
    let ways = [place(0), u32::try_from(one).unwrap()];
    let indexes: Vec<_> =
        (0..number).map(|at| index(ways[0] - u32::try_from(at).unwrap() * ways[1])).collect();
    let file = [&[0xff, 0xd8][..], &comments.concat(), &indexes.concat(), scan, &little].concat();
    let (all, damage) = told("listed.jpg", &file);
    assert!(damage.iter().any(|why| why.contains("more pictures than")), "{damage:?}");
    let facts = all[0]["facts"].as_array().unwrap();
    assert!(facts.len() > 1000 && facts.iter().any(|fact| fact["value"] == "inner"), "{}", facts.len());
}

#[test]
fn packets_of_a_gif_are_read_up_to_a_number() {
    let packet = br#"<x xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="47,30.0N" exif:GPSLongitude="8,15.0W"/>"#;
    let trailer = [&[1][..], &(0..=255).rev().collect::<Vec<u8>>(), &[0]].concat();
    let block = [&[0x21, 0xff, 11][..], b"XMP DataXMP", packet, &trailer].concat();
    let frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b];
    let gif = [&b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..], &block.repeat(100_000), &frame].concat();
    let (_, damage) = told("packets.gif", &gif);
    assert_eq!(damage.len(), 1, "{damage:?}");
}

/// A head of tar: its size as it is written, its kind, a sum that is right.
pub(super) fn tar_head(size: [u8; 12], kind: u8) -> Vec<u8> {
    let mut head = vec![0; 512];
    head[0] = b'a';
    head[124..136].copy_from_slice(&size);
    head[148..156].fill(b' ');
    head[156] = kind;
    head[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    head
}

#[test]
fn heads_of_a_tar_that_lead_nowhere_are_passed_once() {
    let (none, all, few) =
        ([0xff; 12], [0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255], *b"00000000001\0");
    let times = 40_000;
    // Sizes that are none; links that say what they have not; attributes of nothing; and one entry longer than any file.
    for (kind, size) in [(b'0', none), (b'1', few), (b'5', all), (b'x', few), (b'K', few), (b'0', all)] {
        let mut one = tar_head(size, kind);
        if matches!(kind, b'x' | b'K') {
            one.resize(1024, b'9');
        }
        let bytes = [tar_head(few, b'0'), vec![b'y'; 512], one.repeat(times)].concat();
        let (all, damage) = told("many.tar", &bytes);
        assert!(all.len() == 2 && damage.len() <= 1, "{kind}: {} {damage:?}", all.len());
    }
    // What is no head is skipped in one pass, whatever looks like the beginning of one.
    let noise = [tar_head(few, b'0'), vec![b'y'; 512], b"ustar\0".repeat(8 << 20)].concat();
    let (_, damage) = told("noise.tar", &noise);
    assert_eq!(damage.len(), 1, "{damage:?}");
}

#[test]
fn what_only_looks_like_a_picture_behind_one_is_tried_up_to_a_number() {
    let begin = b"\xff\xd8\xff\xda\0\x02\xff\xd9x";
    for looks in [&b"\xff\xd8\xff\xe2\0\x08"[..], b"\xff\xd8\xff\xfe", b"\0\0\0\x10ftypheic", b"\xff\xd8"] {
        let file = [&begin[..], &looks.repeat((16 << 20) / looks.len())].concat();
        let (all, _) = told("behind.jpg", &file);
        let hidden = all[0]["hidden"].as_array().unwrap();
        assert!((1..=70).contains(&hidden.len()), "{looks:?}: {}", hidden.len());
    }
}

#[test]
fn entries_of_a_tiff_are_counted_whether_they_are_kept_or_not() {
    let outside = [&[0x0f, 1, 2, 0][..], &[0xff; 16]].concat();
    let count = 500_000_usize;
    let head = [&b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"[..], &u64::MAX.to_le_bytes()].concat();
    let (_, damage) = told("many.tif", &[head, outside.repeat(count)].concat());
    assert!(
        damage.len() < 5000 && damage.iter().any(|why| why.contains("more than 4096 tags")),
        "{}",
        damage.len()
    );
}

#[test]
fn blocks_of_a_gif_that_say_something_are_told_up_to_a_number() {
    let frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b];
    for block in [&b"\x21\xff\x0bKESTREL 1.0\x01S\0"[..], b"\x21\xfe\x01S\0", b"\x21\x55\x01S\0"] {
        let gif =
            [&b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..], &block.repeat(300_000), &frame].concat();
        let (all, damage) = told("many.gif", &gif);
        let told = ["hidden", "facts"].map(|list| all[0][list].as_array().unwrap().len());
        assert_eq!((told.iter().sum::<usize>(), damage.len()), (4096, 1), "{damage:?}");
    }
}

#[test]
fn letters_of_a_gif_are_walked_once() {
    // Each picture has room for one letter, and holds a part of 255 bytes more.
    let frame = [&[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 255, 0x44, 1][..], &[b'S'; 253], &[0]].concat();
    let gif = [&b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..], &frame.repeat(60_000), b"\x3b"].concat();
    let (all, damage) = told("hiding.gif", &gif);
    assert_eq!((all[0]["hidden"][0]["bytes"].as_u64(), damage.len()), (Some(60_000 * 253), 0));
}

#[test]
fn what_fills_the_room_before_a_segment_is_walked_no_more_often_than_twice() {
    let begin = b"\xff\xd8\xff\xda\0\x02\xff\xd9x";
    // Places that look like pictures, each of which is filled up to the end; and pictures that are cut.
    for looks in [&b"\xff\xd8\xff\xff"[..], b"\xff\xd8\xff\xe0\0\x07JFIF\0"] {
        for filling in [&b"\xff"[..], b"\xff\xd0"] {
            let filled = filling.repeat((16 << 20) / filling.len());
            let file = [&begin[..], &looks.repeat(200), &filled].concat();
            let (all, _) = told("filled.jpg", &file);
            let hidden = all[0]["hidden"].as_array().unwrap();
            assert!((1..=70).contains(&hidden.len()), "{looks:?}: {}", hidden.len());
        }
    }
}

#[test]
fn comments_of_many_pictures_in_one_file_are_told_up_to_a_number() {
    let picture = |number: usize| {
        let comments: Vec<_> =
            (0..4000).map(|at| segment(0xfe, format!("{number}-{at}").as_bytes())).collect();
        [&[0xff, 0xd8][..], &comments.concat(), b"\xff\xda\0\x02\xff\xd9"].concat()
    };
    let file: Vec<u8> = (0..64).flat_map(picture).collect();
    let (all, damage) = told("comments.jpg", &file);
    let facts = all[0]["facts"].as_array().unwrap().len();
    assert!((4000..10_000).contains(&facts), "{facts}");
    assert_eq!(damage.len(), 1, "{damage:?}");
}

#[test]
fn what_goes_from_a_gif_is_told_once() {
    let frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b];
    let names: Vec<u8> = (0..200_000)
        .flat_map(|at| [&b"\x21\xff\x0b"[..], format!("{at:011}").as_bytes(), &[0]].concat())
        .collect();
    for blocks in [b"\x21\xfe\0".repeat(900_000), b"\x21\xf9\x04\0\0\0\0\x01\0\0".repeat(400_000), names] {
        let gif = [&b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..], &blocks, &frame].concat();
        told("many.gif", &gif);
    }
}

#[test]
fn parts_of_a_tiff_are_told_apart_up_to_a_number() {
    // As many strips as a file can say, each of which is a preview at another byte, or all at one; and previews in each other.
    let count = 1_500_000_u32;
    let first = 8 + 2 + 2 * 12 + 4;
    let head = |count: u32| {
        let entry = |tag: u16, value: u32| {
            [&tag.to_le_bytes()[..], &4_u16.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()]
                .concat()
        };
        let entries = [entry(0x0111, first), entry(0x0117, first + 4 * count)].concat();
        [&b"II*\0\x08\0\0\0\x02\0"[..], &entries, &[0; 4]].concat()
    };
    let part = b"\xff\xd8\xff\xfe\0\x04Ad\xff\xda\0\x02\xff\xd9";
    let length = u32::try_from(part.len()).unwrap();
    for step in [0, length, 1] {
        let count = if step == 0 { count } else { 500_000 };
        let at = first + 8 * count;
        let offsets: Vec<u8> = (0..count).flat_map(|number| (at + step * number).to_le_bytes()).collect();
        let lengths = length.to_le_bytes().repeat(count as usize);
        let file = [head(count), offsets, lengths, part.repeat(if step == 0 { 1 } else { 500_000 })].concat();
        let (_, damage) = told_within(200_000, "parts.tif", &file);
        assert!(!damage.is_empty(), "{step}");
    }
}
