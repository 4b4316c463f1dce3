//! `….MRK`: where DJI aircraft with a precise receiver took each picture, for later correction.
//!
//! ```text
//! 1   400373.488877   [2264]   -40,N   0,E   86,V   44.42824637,Lat   1.26196331,Lon   359.494,Ellh   0.028, 0.031, 0.055   16,Q
//! ```
//!
//! Number of the picture, seconds of the GPS week, the week, millimetres from antenna to camera, place and height of the
//! antenna, standard deviations, quality; parted by tabs.

use creance_model::{
    AltReference, Inspection, Locations, Piece, Refusal, Role, ScrubRequest, Scrubbed, Timestamp, Track,
    TrackPoint, is_place,
};

use crate::{Format, Options, text};

pub(crate) const FORMAT: Format = Format { name: "mrk", is, read, scrub };

/// 1980-01-06, where the weeks of GPS begin, in seconds since 1970; and by how much its time is ahead of UTC since 2017,
/// before the first of these aircraft.
const GPS_EPOCH: i64 = 315_964_800;
const LEAP_SECONDS: i64 = 18;

const WEEK: i64 = 604_800;

fn is(head: &[u8]) -> bool {
    let line = text(head).and_then(|text| text.lines().next());
    line.is_some_and(|line| line.contains(",Lat") && line.contains(",Lon") && week(line).is_some())
}

/// The number before a word such as `,Lat`, and where it stands in the line.
fn before<'a>(line: &'a str, word: &str) -> Option<(usize, &'a str)> {
    let end = line.find(word)?;
    let head = line.get(..end)?;
    let start = head.rfind(|c: char| c.is_whitespace() || c == ',').map_or(0, |at| at + 1);
    Some((start, head.get(start..)?))
}

/// Whether the place was taken out.
fn is_emptied(line: &str) -> bool {
    let empty = |word| before(line, word).is_some_and(|(_, text)| text.is_empty());
    empty(",Lat") && empty(",Lon")
}

fn number(line: &str, word: &str) -> Option<f64> {
    before(line, word)?.1.parse().ok()
}

fn week(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once('[')?;
    rest.split_once(']')?.0.trim().parse().ok().filter(|week| (0..10_000).contains(week))
}

fn time(line: &str) -> Option<Timestamp> {
    let seconds: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    if !(0.0..=604_800.0).contains(&seconds) {
        return None;
    }
    let begin = Timestamp::from_secs(GPS_EPOCH + week(line)? * WEEK - LEAP_SECONDS);
    #[expect(clippy::cast_possible_truncation, reason = "at most a week of microseconds")]
    let micros = (seconds * 1e6).round() as i64;
    Some(begin.plus_nanos(micros * 1000))
}

/// The lines, each with its offset.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let begin = at;
        at += line.len();
        (begin, line)
    })
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of(FORMAT.name);
    let mut points = Vec::new();
    let (mut unread, mut first) = (0_u64, 0);
    for (at, line) in lines(bytes) {
        let line = String::from_utf8_lossy(line);
        let place = number(&line, ",Lat").zip(number(&line, ",Lon"));
        match place.filter(|(lat, lon)| is_place(*lat, *lon)) {
            Some((lat, lon)) => {
                points.push(TrackPoint::new(time(&line), lat, lon, number(&line, ",Ellh")));
            }
            None if line.trim().is_empty() || is_emptied(&line) => {}
            None => {
                first = if unread == 0 { at } else { first };
                unread += 1;
            }
        }
    }
    if unread > 0 {
        inspection.flaw("lines", first as u64, &format!("{unread} without a place"));
    }
    if !points.is_empty() {
        inspection.say("pictures", points.len().to_string(), "MRK");
        inspection.tracks.push(Track {
            role: Role::Camera,
            vehicle: None,
            alt_reference: Some(AltReference::Ellipsoid),
            points,
            field: "MRK".to_owned(),
        });
    }
    inspection
}

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    if !is(bytes) {
        return Err(Refusal("its first line does not say where a picture was taken".to_owned()));
    }
    let mut output = Vec::with_capacity(bytes.len());
    let mut dropped = false;
    for (_, line) in lines(bytes) {
        let moved = std::str::from_utf8(line).ok().and_then(|line| moved(line, request.locations));
        // A line that is not understood may hold a place all the same: it goes.
        dropped |= moved.is_none() && !line.trim_ascii().is_empty();
        output.extend_from_slice(moved.as_deref().unwrap_or("\n").as_bytes());
    }
    let mut scrubbed = Scrubbed { pieces: vec![Piece::Bytes(output)], removed: Vec::new() };
    scrubbed.removed("position", "Lat");
    scrubbed.removed("position", "Lon");
    if !request.locations.keeps_height() {
        scrubbed.removed("height above the sea", "Ellh");
    }
    if dropped {
        scrubbed.removed("text", "line that is not understood");
    }
    Ok(scrubbed)
}

/// Words behind numbers, each once in a line; and numbers of a line.
const WORDS: &[&str] = &["N", "E", "V", "Lat", "Lon", "Ellh", "Q"];
const MOST_NUMBERS: usize = 13;

/// Whether a line holds what belongs there and nothing else.
fn is_understood(line: &str) -> bool {
    let parted = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']');
    let (words, numbers): (Vec<&str>, Vec<&str>) =
        line.split(parted).filter(|word| !word.is_empty()).partition(|word| WORDS.contains(word));
    let mut once = std::collections::HashSet::new();
    let is_number = |word: &&str| word.parse().is_ok_and(|number: f64| number.is_finite());
    words.iter().all(|word| once.insert(*word))
        && numbers.len() <= MOST_NUMBERS
        && numbers.iter().all(is_number)
}

/// A line with its place moved or emptied, and its height emptied where that would tell the place.
fn moved(line: &str, locations: Locations) -> Option<String> {
    let (lat, lon) = number(line, ",Lat").zip(number(line, ",Lon")).filter(|_| is_understood(line))?;
    let (north, east) = Some((lat, lon))
        .filter(|(lat, lon)| is_place(*lat, *lon))
        .and_then(|(lat, lon)| locations.moved(lat, lon))
        .map_or_else(Default::default, |(lat, lon)| (format!("{lat:.8}"), format!("{lon:.8}")));
    let anew = with(&with(line, ",Lat", &north)?, ",Lon", &east)?;
    if locations.keeps_height() || !line.contains(",Ellh") {
        return Some(anew);
    }
    number(line, ",Ellh").and_then(|_| with(&anew, ",Ellh", ""))
}

/// A line with another text before a word.
fn with(line: &str, word: &str, anew: &str) -> Option<String> {
    let (at, old) = before(line, word)?;
    Some(format!("{}{anew}{}", line.get(..at)?, line.get(at + old.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MRK: &str = "1\t400373.488877\t[2264]\t   -40,N\t     0,E\t    86,V\t47.42824637,Lat\t8.26196331,Lon\t359.494,Ellh\t0.028, 0.031, 0.055\t16,Q\r\n\
        2\t400376.5\t[2264]\t-40,N\t0,E\t86,V\t47.42834637,Lat\t8.26196331,Lon\t360,Ellh\t1, 1, 1\t50,Q\r\n";

    fn told(text: &str) -> Inspection {
        read(text.as_bytes(), &Options::default())
    }

    #[test]
    fn each_line_is_where_and_when_a_picture_was_taken() {
        assert!(is(MRK.as_bytes()) && !is(b"47.4,Lat 8.2,Lon") && !is(b"\0"));
        let told = told(MRK);
        assert_eq!(told.damage, []);
        let track = &told.tracks[0];
        assert_eq!((track.role, track.points.len()), (Role::Camera, 2));
        let first = track.points[0];
        assert_eq!((first.lat, first.lon, first.alt_m), (47.428_246_37, 8.261_963_31, Some(359.494)));
        // 2264 weeks after 1980-01-06 is 2023-05-28, a Sunday; 400 373 s are four days, 15:12:53, and 18 s less.
        assert_eq!(first.time.unwrap().to_string(), "2023-06-01T15:12:35.488877Z");
    }

    #[test]
    fn damage_is_counted_and_the_rest_is_read() {
        let told = told(&format!("{MRK}3\tnothing\n\n"));
        assert_eq!((told.damage[0].offset, told.tracks[0].points.len()), (MRK.len() as u64, 2));
    }

    #[test]
    fn places_move_or_go_and_the_rest_stays() {
        let scrubbed = |locations| {
            let request = ScrubRequest { locations, ..ScrubRequest::default() };
            let scrubbed = scrub(MRK.as_bytes(), &request).unwrap();
            String::from_utf8(scrubbed.bytes(MRK.as_bytes())).unwrap()
        };
        assert_eq!(
            scrubbed(Locations::Offset { lat: 1.0, lon: 1.0 }),
            MRK.replace("47.", "48.").replace("8.26", "9.26")
        );
        let without = scrubbed(Locations::Remove);
        assert!(without.contains("\t,Lat\t,Lon\t,Ellh\t0.028, 0.031, 0.055\t16,Q\r\n"), "{without}");
        assert!(told(&without).tracks.is_empty());
        // In a square of kilometres a height to the millimetre would be a narrow strip.
        let coarse = scrubbed(Locations::Grid { km: 10.0 });
        assert!(!coarse.contains("359") && told(&coarse).tracks[0].points.len() == 2, "{coarse}");
        // What was taken out is no damage.
        assert_eq!(told(&without).damage, []);
    }

    #[test]
    fn lines_with_more_than_belongs_there_go() {
        let line = MRK.lines().next().unwrap();
        for more in ["Ada Example", "47.42824637,Lat", "47.42824637"] {
            let text = format!("{MRK}{line}\t{more}\n");
            for locations in [Locations::Remove, Locations::Offset { lat: 1.0, lon: 1.0 }] {
                let request = ScrubRequest { locations, ..ScrubRequest::default() };
                let scrubbed = scrub(text.as_bytes(), &request).unwrap();
                let clean = String::from_utf8(scrubbed.bytes(text.as_bytes())).unwrap();
                assert!(!clean.contains("47.4") && !clean.contains("Ada"), "{clean}");
                assert!(scrubbed.removed.iter().any(|one| one.what == "text"));
            }
        }
        let apart = MRK.replace(",Lat", " ,Lat");
        let clean = scrub(apart.as_bytes(), &ScrubRequest::default()).unwrap().bytes(apart.as_bytes());
        assert!(!String::from_utf8(clean).unwrap().contains("47."));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_scrubbing_leaves_no_place(text in "(1,Lat 2,Lon \\[22\\]\n)?([0-9.,\\-\t ]{0,6}(,Lat|,Lon|\\[22\\]|\n|é)){0,30}") {
            let _ = (is(text.as_bytes()), told(&text));
            if let Ok(scrubbed) = scrub(text.as_bytes(), &ScrubRequest::default()) {
                let left = read(&scrubbed.bytes(text.as_bytes()), &Options::default());
                prop_assert!(left.tracks.is_empty());
            }
        }
    }
}
