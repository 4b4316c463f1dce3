//! Captions that drones write beside their videos (`SubRip`, `.SRT`): a place and settings of the camera a frame or a second.
//!
//! | dialect | place |
//! |---|---|
//! | with names | `[latitude: 41.42] [longitude: 2.23] [rel_alt: 1.3 abs_alt: 120.4]`, also `[longtitude : …]` |
//! | `HOME(…) date`, then `GPS(…,…,16) BAROMETER:1.9` | longitude first |
//! | `GPS(…,…,0.0M) BAROMETER:0.3M` | latitude first |
//! | `GPS(…,…,69.8) BAROMETER(91.2) HOME(…,…)` | latitude first |
//! | `F/2.8, SS 30, ISO 260, EV 0, GPS (…, …, 17), D 221.21m, H 200.70m, H.S 1.2m/s` | longitude first |
//!
//! Without names the values themselves decide where they can: a latitude is at most 90, and between home and the aircraft lies
//! the distance `D`, if it is said. Where neither they nor the dialect do, places are told as text and not as a track. The third number is metres where it has decimals; a whole one counts
//! satellites, and then the barometer says the height above where it took off. Times are local: captions do not say their offset from UTC.

use std::{collections::BTreeSet, ops::Range};

use creance_model::{
    AltReference, Dated, Gaze, Inspection, Locations, Look, Piece, Refusal, Role, ScrubRequest, Scrubbed,
    Spot, Timestamp, Track, TrackPoint, is_place,
};

use crate::{Format, Options, text};

pub(crate) const FORMAT: Format = Format { name: "srt", is, read: inspect, scrub };

/// Points that are kept: ten hours at thirty a second.
const MOST: usize = 1 << 20;

fn is(head: &[u8]) -> bool {
    let Some(text) = text(head) else { return false };
    let mut lines = text.lines().map(str::trim);
    let counted =
        lines.next().is_some_and(|line| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()));
    let second = lines.next().unwrap_or_default();
    let dated = second.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    counted && (second.contains("-->") || second.is_empty() || dated && moment(second).is_some())
}

/// Which of two numbers without names is the latitude.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The first.
    LatitudeFirst,
    /// The second.
    LongitudeFirst,
}

/// What captions say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captions {
    /// Where the aircraft was; times are local.
    pub points: Vec<TrackPoint>,
    /// What the altitudes count from.
    pub alt_reference: Option<AltReference>,
    /// Places to go back to, each once.
    pub homes: Vec<(f64, f64)>,
    /// How the order of numbers without names was found, or that it was not.
    pub basis: Option<&'static str>,
    /// Places that are not told apart.
    pub undecided: usize,
    /// The first of them, as its two numbers are written.
    pub first_undecided: Option<(f64, f64)>,
    /// Where the camera looked first.
    pub look: Option<Gaze>,
    /// The first and the last time, local.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Captions without a place.
    pub without: usize,
    /// Points beyond the bound.
    pub beyond: usize,
}

impl Captions {
    /// Whether they say, or may say, where something was.
    pub fn says_place(&self) -> bool {
        !self.points.is_empty() || !self.homes.is_empty() || self.undecided > 0
    }
}

/// Reads captions, as text or as they stand in a video, one after another with a line between them.
pub fn captions(text: &str) -> Captions {
    let decided = order(text);
    let mut told = Captions { basis: decided.map(|(_, basis)| basis), ..Captions::default() };
    let mut time = None;
    let mut placed = true;
    for line in text.lines() {
        let line = line.trim();
        if line.contains("-->") {
            told.without += usize::from(!placed);
            (placed, time) = (false, None);
            continue;
        }
        if let Some(found) = moment(line) {
            let (first, last) = told.times.unwrap_or((found, found));
            told.times = Some((first.min(found), last.max(found)));
            time = Some(found);
        }
        if let Some(named) = named(line) {
            told.alt_reference = told.alt_reference.or(named.reference);
            told.look = told.look.or(named.point.gaze);
            placed = true;
            add(&mut told, TrackPoint { time, ..named.point });
        }
        for pair in pairs(line) {
            placed |= !pair.is_home;
            let Some((order, _)) = decided else {
                told.undecided += 1;
                told.first_undecided = told.first_undecided.or(Some((pair.first, pair.second)));
                continue;
            };
            let (lat, lon) = pair.place(order);
            if !is_place(lat, lon) {
                continue;
            }
            if pair.is_home {
                if told.homes.len() < 100 && !told.homes.contains(&(lat, lon)) {
                    told.homes.push((lat, lon));
                }
            } else {
                let (alt_m, reference) = pair.height(line);
                told.alt_reference = told.alt_reference.or(reference);
                let gaze = pitch_roll_yaw(line);
                told.look = told.look.or(gaze);
                add(&mut told, TrackPoint { gaze, ..TrackPoint::new(time, lat, lon, alt_m) });
            }
        }
    }
    told.without += usize::from(!placed);
    told
}

fn add(told: &mut Captions, point: TrackPoint) {
    if told.points.len() < MOST {
        told.points.push(point);
    } else {
        told.beyond += 1;
    }
}

fn inspect(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of("srt");
    let text = String::from_utf8_lossy(bytes);
    tell(&mut inspection, captions(text.trim_start_matches('\u{feff}')), "srt");
    inspection
}

/// Adds what captions say. `field`: where they stand.
pub fn tell(inspection: &mut Inspection, captions: Captions, field: &str) {
    for (lat, lon) in captions.homes {
        inspection.places.extend(Spot::new(Role::Home, lat, lon, format!("{field}:HOME")));
    }
    if let Some(basis) = captions.basis.filter(|_| !captions.points.is_empty()) {
        inspection.say("order of latitude and longitude", basis, format!("{field}:GPS"));
    }
    if captions.undecided > 0 {
        let why = "which number is the latitude is not said, and the values fit both ways";
        inspection.flaw(format!("{} places", captions.undecided), 0, why);
    }
    if let Some((first, second)) = captions.first_undecided {
        let value = format!("unknown: both are kept apart, as in the first place: {first}, {second}");
        inspection.say("order of latitude and longitude", value, format!("{field}:GPS"));
    }
    if let Some((first, last)) = captions.times {
        for (what, time) in [("start", first), ("end", last)] {
            inspection.times.push(Dated { what, time, zone_known: false, field: field.to_owned() });
        }
    }
    if let Some(Gaze { yaw, pitch, roll, .. }) = captions.look {
        let value = format!("yaw {yaw}, pitch {pitch}, roll {roll}");
        inspection.say("first attitude of the gimbal, degrees", value, field);
    }
    if captions.beyond > 0 {
        inspection.flaw("points", 0, &format!("{} are beyond the limit of {MOST}", captions.beyond));
    }
    if !captions.points.is_empty() {
        inspection.tracks.push(Track {
            role: Role::Aircraft,
            vehicle: None,
            alt_reference: captions.alt_reference,
            points: captions.points,
            field: field.to_owned(),
        });
    }
}

/// A place by names.
struct Named {
    point: TrackPoint,
    reference: Option<AltReference>,
}

/// A number behind a name, `[name : value]` or `name: value`.
struct Value<'a> {
    number: f64,
    /// Its letters, and where in the line they stand.
    text: &'a str,
    range: Range<usize>,
}

/// All numbers behind a name in a line.
fn values<'a>(line: &'a str, name: &'a str) -> impl Iterator<Item = Value<'a>> {
    line.match_indices(name).filter_map(move |(start, _)| {
        let before = line.get(..start)?.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let behind = line.get(start + name.len()..)?.trim_start().strip_prefix(':')?.trim_start();
        let at = line.len() - behind.len();
        let end = behind.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(behind.len());
        let text = behind.get(..end)?;
        Some(Value { number: text.parse().ok()?, text, range: at..at + end })
    })
}

/// The first of them.
fn value<'a>(line: &'a str, name: &'a str) -> Option<Value<'a>> {
    values(line, name).next()
}

/// Names of degrees; the second is a misspelling of real devices.
const LATITUDE: &[&str] = &["latitude"];
const LONGITUDE: &[&str] = &["longitude", "longtitude"];

fn named(line: &str) -> Option<Named> {
    let number = |names: &[&str]| names.iter().find_map(|name| value(line, name)).map(|one| one.number);
    let (lat, lon) = (number(LATITUDE)?, number(LONGITUDE)?);
    let (absolute, plain) = (number(&["abs_alt"]), number(&["altitude"]));
    let relative = number(&["rel_alt"]);
    let reference = match (absolute, plain, relative) {
        (Some(_), ..) => Some(AltReference::Amsl),
        (_, None, Some(_)) => Some(AltReference::TakeOff),
        _ => None,
    };
    let alt_m = absolute.or(plain).or(relative);
    let point = TrackPoint { gaze: gaze(line), ..TrackPoint::new(None, lat, lon, alt_m) };
    is_place(lat, lon).then_some(Named { point: point.at_height(relative), reference })
}

/// Where the gimbal looked, in degrees from north and from the horizon.
fn gaze(line: &str) -> Option<Gaze> {
    let number = |name| value(line, name).map(|one| one.number);
    let angles = [number("gb_yaw")?, number("gb_pitch")?, number("gb_roll")?];
    Some(Gaze::of(angles)?.with_width(lens(line).and_then(Look::wide)))
}

/// Millimetres of the lens, were the picture one on 35 mm film: with decimals, or in tenths without. Whether they hold for
/// the part that a digital zoom shows is not said, so beside one they are not taken.
fn lens(line: &str) -> Option<f64> {
    let one = value(line, "focal_len")?;
    let zoom = value(line, "dzoom_ratio").map(|zoom| zoom.number);
    let whole = zoom.is_none_or(|zoom| [1.0, 10_000.0].contains(&zoom));
    whole.then(|| if one.text.contains('.') { one.number } else { one.number / 10.0 })
}

/// Two numbers without names in `GPS(…)` or `HOME(…)`.
#[derive(Clone, Debug)]
struct Pair {
    is_home: bool,
    first: f64,
    second: f64,
    third: Option<f64>,
    /// Whether the third has the unit of metres behind it.
    has_unit: bool,
    /// Whether the third has decimals.
    has_decimals: bool,
    /// Where it stands in the line, from its name to its bracket.
    range: Range<usize>,
}

impl Pair {
    /// Metres of altitude and what they count from. Devices that write a unit leave the third at 0 and fill the barometer.
    fn height(&self, line: &str) -> (Option<f64>, Option<AltReference>) {
        if self.has_decimals && !self.has_unit {
            return (self.third, None);
        }
        let behind = line.get(self.range.end..).unwrap_or_default();
        let behind = behind.get(..behind.floor_char_boundary(LONGEST)).unwrap_or_default();
        let barometer = ["BAROMETER", "Hb"].iter().find_map(|name| value(behind, name));
        match barometer.map(|barometer| barometer.number).or_else(|| metres(behind, ", H ")) {
            Some(height) => (Some(height), Some(AltReference::TakeOff)),
            None => (self.third.filter(|_| self.has_decimals), None),
        }
    }

    fn place(&self, order: Order) -> (f64, f64) {
        match order {
            Order::LatitudeFirst => (self.first, self.second),
            Order::LongitudeFirst => (self.second, self.first),
        }
    }
}

/// Metres behind a name, `, D 221.21m`.
fn metres(line: &str, name: &str) -> Option<f64> {
    let (_, behind) = line.split_once(name)?;
    let end = behind.find(|c: char| !matches!(c, '0'..='9' | '.' | '-'))?;
    let (number, unit) = behind.split_at_checked(end)?;
    number.parse().ok().filter(|_| unit.starts_with('m'))
}

/// Where the gimbal looked, as `G.PRY (-24.4°, 0.0°, 110.4°)`: pitch, roll, yaw.
fn pitch_roll_yaw(line: &str) -> Option<Gaze> {
    let (_, behind) = line.split_once("G.PRY (")?;
    let (angles, _) = behind.split_once(')')?;
    let mut angles = angles.split(',').map(|angle| angle.trim().trim_end_matches('°').parse::<f64>().ok());
    let (pitch, roll, yaw) = (angles.next()??, angles.next()??, angles.next()??);
    Gaze::of([yaw, pitch, roll])
}

/// The order in which home and the aircraft lie as far apart as the line says; `None`: both do, or neither.
fn by_distance(line: &str) -> Option<Order> {
    let said = metres(line, ", D ").filter(|said| *said > FAR)?;
    let (mut home, mut here) = (None, None);
    for pair in pairs(line) {
        let slot = if pair.is_home { &mut home } else { &mut here };
        *slot = Some(pair);
    }
    let (home, here) = (home?, here?);
    let fits = |order| {
        let (from, to) = (home.place(order), here.place(order));
        let east = (to.1 - from.1) * from.0.to_radians().cos();
        let metres = (to.0 - from.0).hypot(east).to_radians() * 6_371_000.0;
        (metres - said).abs() < said * 0.03
    };
    match (fits(Order::LatitudeFirst), fits(Order::LongitudeFirst)) {
        (true, false) => Some(Order::LatitudeFirst),
        (false, true) => Some(Order::LongitudeFirst),
        _ => None,
    }
}

/// Metres from which on a distance says something beside the last digits of places.
const FAR: f64 = 20.0;

/// Letters between brackets that are looked at.
const LONGEST: usize = 200;

/// What stands in `GPS(…)` or `HOME(…)`, whatever it is: where, whether it is home, and what is between the brackets.
fn brackets(line: &str) -> impl Iterator<Item = (Range<usize>, bool, &str)> {
    [("GPS", false), ("HOME", true)].into_iter().flat_map(move |(name, is_home)| {
        line.match_indices(name).filter_map(move |(start, _)| {
            let behind = line.get(start + name.len()..)?.trim_start().strip_prefix('(')?;
            let end = behind.bytes().take(LONGEST).position(|byte| byte == b')')?;
            Some((start..line.len() - behind.len() + end + 1, is_home, behind.get(..end)?))
        })
    })
}

fn pairs(line: &str) -> impl Iterator<Item = Pair> {
    brackets(line).filter_map(|(range, is_home, content)| pair(range, is_home, content))
}

fn pair(range: Range<usize>, is_home: bool, content: &str) -> Option<Pair> {
    let mut numbers = content.split([',', ' ']).map(str::trim).filter(|text| !text.is_empty());
    let (first, second) = (number(numbers.next())?, number(numbers.next())?);
    let third = numbers.next();
    let has_unit = third.is_some_and(|text| text.ends_with(['M', 'm']));
    let has_decimals = third.is_some_and(|text| text.contains('.'));
    let third = number(third.map(|text| text.trim_end_matches(['M', 'm'])));
    Some(Pair { is_home, first, second, third, has_unit, has_decimals, range })
}

fn number(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// In which order numbers without names stand, and how one knows; `None`: there are none, or nothing decides.
fn order(text: &str) -> Option<(Order, &'static str)> {
    let (mut unit, mut with_brackets, mut home_and_date, mut settings) = (false, false, false, false);
    let (mut latitude, mut longitude) = (false, false);
    for line in text.lines() {
        let mut has_home = false;
        for pair in pairs(line) {
            if pair.first.abs() > 90.0 && pair.second.abs() <= 90.0 {
                return Some((Order::LongitudeFirst, "longitude first: a value beyond 90 stands first"));
            }
            if pair.second.abs() > 90.0 && pair.first.abs() <= 90.0 {
                return Some((Order::LatitudeFirst, "latitude first: a value beyond 90 stands second"));
            }
            unit |= pair.has_unit && !pair.is_home;
            has_home |= pair.is_home;
        }
        match by_distance(line) {
            Some(Order::LatitudeFirst) => latitude = true,
            Some(Order::LongitudeFirst) => longitude = true,
            None => {}
        }
        settings |= line.trim_start().starts_with("F/") && line.contains("GPS (") && line.contains(", H.S ");
        with_brackets |= line.contains("BAROMETER(");
        home_and_date |= has_home && line.starts_with("HOME") && moment(line).is_some();
    }
    match (latitude, longitude) {
        (true, false) => {
            return Some((Order::LatitudeFirst, "latitude first: so far from home is what is said"));
        }
        (false, true) => {
            return Some((Order::LongitudeFirst, "longitude first: so far from home is what is said"));
        }
        _ => {}
    }
    match (unit || with_brackets, home_and_date || settings) {
        (true, false) => Some((
            Order::LatitudeFirst,
            "latitude first, as this dialect writes it; the values fit both ways",
        )),
        (false, true) => Some((
            Order::LongitudeFirst,
            "longitude first, as this dialect writes it; the values fit both ways",
        )),
        _ => None,
    }
}

/// A date and time in a line: `2017.8.5 14:11:51`, `2022-08-07 13:40:40,774,808`, `2021-12-25 12:27:52.373`. The offset from UTC is
/// not said.
fn moment(line: &str) -> Option<Timestamp> {
    // The time is found by its colons, and the date before it.
    let bytes = line.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let time = (0..bytes.len()).find(|at| {
        [0, 1, 3, 4, 6, 7].iter().all(|step| is_digit(at + step))
            && [2, 5].iter().all(|step| bytes.get(at + step) == Some(&b':'))
    })?;
    let date = line.get(..time)?.trim_end();
    let date =
        date.get(date.rfind(|c: char| !matches!(c, '0'..='9' | '-' | '.' | '/')).map_or(0, |at| at + 1)..)?;
    let mut parts = date.split(['-', '.', '/']).map(str::parse::<u32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let clock = line.get(time..time + 8)?;
    let fraction = line.get(time + 8..)?;
    let digits = fraction.strip_prefix([',', '.']).unwrap_or_default();
    let digits = digits.get(..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()))?;
    let digits = if digits.is_empty() { "0" } else { digits.get(..digits.len().min(9))? };
    Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T{clock}.{digits}Z"))
}

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Refusal("it is no text in UTF-8".to_owned()));
    };
    let decided = order(text).map(|(order, _)| order);
    let mut scrubbed = Scrubbed::default();
    let (mut copied, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let mut edits = edits(line, request.locations, decided)?;
        edits.sort_by_key(|(range, _)| range.start);
        for (range, anew) in edits {
            let (from, to) = (at + range.start as u64, at + range.end as u64);
            // Brackets within brackets are gone with the outer ones.
            if from < copied {
                continue;
            }
            if scrubbed.removed.is_empty() {
                scrubbed.removed(if anew.is_empty() { "position" } else { "position, moved" }, "srt");
            }
            scrubbed.pieces.push(Piece::Copy(copied..from));
            scrubbed.pieces.push(Piece::Bytes(anew.into_bytes()));
            copied = to;
        }
        at += line.len() as u64;
    }
    scrubbed.pieces.push(Piece::Copy(copied..at));
    // Captions of other makers may say places in their own way: two fine numbers in a line.
    let clean = scrubbed.bytes(bytes);
    let before: BTreeSet<&str> = fine(text).collect();
    let holds_two = |line: &str| fine(line).filter(|number| before.contains(number)).count() >= 2;
    if std::str::from_utf8(&clean).is_ok_and(|clean| clean.lines().any(holds_two)) {
        return Err(Refusal("it holds numbers that may be places, in a form that is not known".to_owned()));
    }
    Ok(scrubbed)
}

/// Numbers as fine as degrees are written where they say a place: four decimals and more, behind a point or a comma.
fn fine(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !matches!(c, '0'..='9' | '.' | ','));
    words.filter(|word| {
        let parts = word.split_once(['.', ',']);
        parts.is_some_and(|(whole, decimals)| {
            let digits = decimals.bytes().take_while(u8::is_ascii_digit).count();
            let is_round = decimals.bytes().all(|digit| digit == b'0');
            digits >= 4
                && !is_round
                && whole.len() <= 3
                && whole.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
        })
    })
}

/// What is to be written in a line instead of what.
fn edits(
    line: &str,
    locations: Locations,
    order: Option<Order>,
) -> Result<Vec<(Range<usize>, String)>, Refusal> {
    let mut edits = Vec::new();
    let mut north = LATITUDE.iter().flat_map(|name| values(line, name));
    let mut east = LONGITUDE.iter().flat_map(|name| values(line, name));
    let zero = |one: Value<'_>| (one.range, "0".to_owned());
    loop {
        let (lat, lon) = match (north.next(), east.next()) {
            (Some(lat), Some(lon)) => (lat, lon),
            (None, None) => break,
            // Half a place is taken out.
            (lat, lon) => {
                edits.extend(lat.into_iter().chain(lon).map(zero));
                continue;
            }
        };
        let is_place = is_place(lat.number, lon.number);
        match locations.moved(lat.number, lon.number).filter(|_| is_place) {
            Some((north, east)) => {
                edits.push((lat.range, like(north, lat.text)));
                edits.push((lon.range, like(east, lon.text)));
            }
            None => edits.extend([zero(lat), zero(lon)]),
        }
    }
    // Heights above the sea tell one hill from another.
    if !matches!(locations, Locations::Offset { .. }) {
        edits.extend(["abs_alt", "altitude"].iter().flat_map(|name| values(line, name)).map(zero));
    }
    if locations == Locations::Remove {
        edits.extend(brackets(line).map(|(range, ..)| (range, String::new())));
        return Ok(edits);
    }
    for (range, is_home, content) in brackets(line) {
        // What is not understood goes, and so does home; its name stays, for by it the order is known.
        edits.push((range.clone(), if is_home { "HOME(0,0)".to_owned() } else { String::new() }));
        let Some(pair) = pair(range, is_home, content) else { continue };
        let Some(order) = order else {
            return Err(Refusal(
                "which number is the latitude is not known, so that places cannot be moved".to_owned(),
            ));
        };
        let (lat, lon) = pair.place(order);
        let Some((lat, lon)) = locations.moved(lat, lon).filter(|_| !is_home && is_place(lat, lon)) else {
            continue;
        };
        let (first, second) = if order == Order::LatitudeFirst { (lat, lon) } else { (lon, lat) };
        let third = pair.third.filter(|_| matches!(locations, Locations::Offset { .. })).unwrap_or(0.0);
        let decimals = usize::from(pair.has_decimals);
        let unit = if pair.has_unit { "M" } else { "" };
        if let Some((_, anew)) = edits.last_mut() {
            *anew = format!("GPS({first:.6},{second:.6},{third:.decimals$}{unit})");
        }
    }
    Ok(edits)
}

/// A number with as many decimals as a text has.
fn like(number: f64, text: &str) -> String {
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests;
