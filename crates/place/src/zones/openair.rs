//! `OpenAir`: airspace as glider pilots exchange it, in lines of text.
//!
//! `AC` class, `AN` name, `AL` and `AH` limits, `DP` corners, `DC` circles, `DA` and `DB` arcs about `V X=` in direction `V D=`; `AY`,
//! `AI`, `AA` are those of the second version. How an edge runs between two corners is not said. Arcs are drawn with corners that
//! keep within some centimetres of the circle.

use geographiclib_rs::{DirectGeodesic as _, Geodesic, InverseGeodesic as _};

use super::{
    Band, Datum, Edges, Limit, Moment, Period, Position, Restriction, Shape, Volume, Zone,
    heights::FOOT,
    read::{Content, Found, Volumes, note},
};

/// Metres of a nautical mile.
const MILE: f64 = 1852.0;

/// Corners of one file.
const MOST_CORNERS: usize = 20_000_000;

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Text(text) = content else { return false };
    let mut kinds = [false; 2];
    for line in text.lines().take(10_000) {
        match record(line) {
            Some(("AC", _)) => kinds[0] = true,
            Some(("DP" | "DC" | "DA" | "DB" | "AH" | "AL", _)) => kinds[1] = true,
            _ => {}
        }
    }
    kinds == [true; 2]
}

/// Of its first lines nearly all are records, and among them are classes, names and shapes.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Text(text) = content else { return false };
    let (mut lines, mut records, mut kinds) = (0_usize, 0_usize, [false; 3]);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('*')).take(1_000) {
        lines += 1;
        let Some((kind, _)) = record(line) else { continue };
        records += 1;
        kinds[0] |= kind == "AC";
        kinds[1] |= kind == "AN";
        kinds[2] |= matches!(kind, "DP" | "DC" | "DA" | "DB" | "DY");
    }
    kinds == [true; 3] && records * 10 >= lines * 9
}

/// The letters of a line and what follows. Comments and what is none give nothing.
fn record(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.find(" *").map_or(line, |at| line.get(..at).unwrap_or(line)).trim_end();
    // In small letters, and without a blank behind them, they are known too: a corner must not be missed.
    let known = RECORDS.iter().find_map(|known| {
        let (kind, rest) = line.split_at_checked(known.len())?;
        // Words of a text begin like some of them.
        let ends = match *known {
            "V" => rest.contains('='),
            "TO" | "TC" if kind != *known => false,
            _ => !rest.starts_with(char::is_alphabetic),
        };
        (ends && !rest.is_empty() && kind.eq_ignore_ascii_case(known)).then(|| (*known, rest.trim()))
    });
    known.or_else(|| {
        let (kind, rest) = line.split_once(char::is_whitespace)?;
        (kind.len() <= 2 && kind.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| (kind, rest.trim()))
    })
}

/// Records that say something about a zone, or begin something else.
const RECORDS: [&str; 15] =
    ["AC", "AN", "AI", "AY", "AL", "AH", "AA", "DP", "DA", "DB", "DC", "DY", "TO", "TC", "V"];

/// An airspace being read.
#[derive(Default)]
struct Draft {
    zone: Zone,
    begun: bool,
    corners: Vec<Position>,
    circles: Vec<(Position, f64)>,
    airway: Vec<Position>,
    lower: Option<Limit>,
    upper: Option<Limit>,
    centre: Option<Position>,
    counter: bool,
    width: f64,
    /// Whether times of it are not known: it holds always.
    is_timeless: bool,
    wrong: Option<String>,
}

impl Draft {
    /// What it holds: corners, circles, periods.
    fn size(&self) -> usize {
        self.corners.len() + self.circles.len() + self.airway.len() + self.zone.periods.len()
    }
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Text(text) = content else { return Ok(()) };
    let mut draft = Draft::default();
    let mut room = MOST_CORNERS;
    for (number, line) in text.lines().enumerate() {
        let Some((kind, rest)) = record(line) else { continue };
        if matches!(kind, "AC" | "TO" | "TC") {
            // Directions begin anew, a centre holds until there is another. Terrain is none of the airspace.
            let next = Draft { centre: draft.centre, begun: kind == "AC", ..Draft::default() };
            finish(std::mem::replace(&mut draft, next), found);
            draft.zone.restriction = class(rest);
            continue;
        }
        if !draft.begun {
            continue;
        }
        let before = draft.size();
        if let Err(why) = take(&mut draft, kind, rest) {
            draft.wrong = draft.wrong.or(Some(format!("line {}: {why}", number + 1)));
        }
        room = room
            .checked_sub(draft.size() - before)
            .ok_or("it has too many corners: split the file into smaller ones")?;
    }
    finish(draft, found);
    Ok(())
}

fn take(draft: &mut Draft, kind: &str, rest: &str) -> Result<(), String> {
    match kind {
        "AN" => draft.zone.name = Some(rest.to_owned()),
        "AI" => rest.clone_into(&mut draft.zone.id),
        "AY" if rest != "UNC" && draft.zone.restriction != Restriction::Prohibited => {
            draft.zone.restriction = class(rest);
        }
        "AL" | "AH" => {
            let (limit, wrong) = altitude(rest);
            if wrong {
                let limit: String = rest.chars().take(40).collect();
                note(&mut draft.zone.degraded, format!("its limit `{limit}` is not known"));
            }
            if kind == "AL" { draft.lower = limit } else { draft.upper = limit }
        }
        "AA" => {
            if let Some(period) = activation(rest) {
                draft.zone.periods.push(period);
            } else {
                draft.is_timeless = true;
                note(&mut draft.zone.degraded, "its times are not known");
            }
        }
        "V" => {
            let (name, value) = rest.split_once('=').ok_or("expected a name and a value after V")?;
            match name.trim().to_ascii_uppercase().as_str() {
                "X" => {
                    // One that cannot be read is not the one before.
                    draft.centre = None;
                    draft.centre = Some(place(value)?);
                }
                "D" => draft.counter = value.trim().starts_with('-'),
                "W" => draft.width = number(value)? * MILE,
                _ => {}
            }
        }
        "DP" => draft.corners.push(place(rest)?),
        "DY" => draft.airway.push(place(rest)?),
        "DC" => {
            let centre = draft.centre.ok_or("a circle has no centre")?;
            draft.circles.push((centre, number(rest)? * MILE));
        }
        "DA" => {
            let centre = draft.centre.ok_or("an arc has no centre")?;
            let parts: Vec<&str> = rest.split(',').collect();
            let [radius, from, to] = parts.as_slice() else {
                return Err("expected radius, from, to after DA".to_owned());
            };
            let radius = number(radius)? * MILE;
            arc(centre, (radius, number(from)?), (radius, number(to)?), draft.counter, &mut draft.corners);
        }
        "DB" => {
            let centre = draft.centre.ok_or("an arc has no centre")?;
            let (from, to) = rest.split_once(',').ok_or("expected two places after DB")?;
            let side = |to: Position| {
                let (metres, azimuth, _, _) = Geodesic::wgs84().inverse(centre[1], centre[0], to[1], to[0]);
                let metres: f64 = metres;
                (metres, azimuth)
            };
            let (from, to) = (place(from)?, place(to)?);
            draft.corners.push(from);
            arc(centre, side(from), side(to), draft.counter, &mut draft.corners);
            draft.corners.push(to);
        }
        _ => {}
    }
    Ok(())
}

fn finish(mut draft: Draft, found: &mut Found) {
    if !draft.begun {
        return;
    }
    let zone = &mut draft.zone;
    if draft.is_timeless {
        zone.periods.clear();
    }
    let band = Band::new(draft.lower, draft.upper).unwrap_or_else(|why| {
        note(&mut zone.degraded, why.to_owned());
        Band::default()
    });
    let mut volumes = Volumes::default();
    for (centre, radius) in draft.circles {
        volumes
            .push(Shape::circle(centre, radius).map(|shape| Volume { shape, band }).map_err(str::to_owned));
    }
    if !draft.corners.is_empty() {
        // Rings are closed by the format.
        draft.corners.extend(draft.corners.first().copied());
        volumes.push(found.area(&[draft.corners], Edges::Unsaid, band, &mut zone.degraded));
    }
    if !draft.airway.is_empty() {
        let shape = Shape::line(&draft.airway, draft.width / 2.0);
        volumes.push(shape.map(|shape| Volume { shape, band }).map_err(str::to_owned));
    }
    if let Some(why) = draft.wrong {
        volumes.push(Err(why));
    } else if volumes.is_empty() {
        volumes.push(Err("it has no shape".to_owned()));
    }
    found.add(draft.zone, volumes);
}

/// What a class or type asks.
pub(super) fn class(name: &str) -> Restriction {
    match name.trim() {
        "P" | "PROHIBITED" => Restriction::Prohibited,
        "R" | "RESTRICTED" => Restriction::Other("restricted area".to_owned()),
        "Q" | "D AREA" | "DANGER" => Restriction::Other("danger area".to_owned()),
        "A" | "B" | "C" | "D" | "E" | "F" | "G" => Restriction::Other(format!("airspace of class {name}")),
        other => Restriction::Other(other.chars().take(40).collect()),
    }
}

/// A limit, and whether it could not be understood.
pub(super) fn altitude(text: &str) -> (Option<Limit>, bool) {
    let text = text.to_ascii_uppercase();
    let digits = text.find(|c: char| c.is_ascii_digit());
    let is = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let Some(at) = digits else {
        return if is(&["GND", "SFC", "GROUND", "SURFACE"]) {
            (Some(Limit::new(0.0, Datum::Ground)), false)
        } else {
            (None, !is(&["UNL", "NOLIMIT", "NO LIMIT"]))
        };
    };
    let (before, rest) = text.split_at_checked(at).unwrap_or((&text, ""));
    // What stands before a number is of it, or the number is one of something else: a frequency.
    let mut words = before.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let Some((value, unit)) = words.all(|word| BEFORE.contains(&word)).then(|| value(rest)).flatten() else {
        return (None, true);
    };
    let value = if before.trim_end().ends_with('-') { -value } else { value };
    if is(&["FL"]) {
        return (Some(Limit::new(value * 100.0 * FOOT, Datum::Pressure)), false);
    }
    let unit = unit.trim_start();
    // A bare nothing is the ground.
    if value == 0.0 && !is(&["MSL", "STD"]) {
        return (Some(Limit::new(0.0, Datum::Ground)), false);
    }
    let is_metres = unit.starts_with('M') && !unit.starts_with("MSL");
    let metres = value * if is_metres { 1.0 } else { FOOT };
    let datum = if is(&["AGL", "ASFC", "GND", "SFC"]) {
        Datum::Ground
    } else if is(&["STD"]) {
        Datum::Pressure
    } else {
        Datum::Sea
    };
    (Some(Limit::new(metres, datum)), false)
}

/// Words that may stand before the number of a limit.
const BEFORE: [&str; 12] =
    ["FL", "ALT", "ALTITUDE", "MSL", "AMSL", "AGL", "ASFC", "GND", "SFC", "STD", "QNH", "ABOVE"];

/// The number that a text begins with and what follows: `1,500 ft` and `1 500 ft` are fifteen hundred. `None`: there is another
/// number in what follows, or one cannot say what its comma means.
fn value(text: &str) -> Option<(f64, &str)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let end = text.find(|c: char| !is_digit(c)).unwrap_or(text.len());
    let (digits, mut rest) = text.split_at_checked(end)?;
    let mut number = digits.to_owned();
    while let Some(group) = rest
        .strip_prefix([' ', ',', '\''])
        .filter(|group| group.find(|c: char| !is_digit(c)).unwrap_or(group.len()) == 3)
    {
        let (three, after) = group.split_at_checked(3)?;
        number.push_str(three);
        rest = after;
    }
    if let Some(part) = rest.strip_prefix('.') {
        let end = part.find(|c: char| !is_digit(c)).unwrap_or(part.len());
        let (part, after) = part.split_at_checked(end)?;
        number.push('.');
        number.push_str(part);
        rest = after;
    }
    if rest.contains(is_digit) {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// `2025-01-01T12:00Z/NONE`.
fn activation(text: &str) -> Option<Period> {
    let (from, to) = text.split_once('/')?;
    let end = |text: &str, parse: fn(&str) -> Option<Moment>| {
        let text = text.trim();
        if text.eq_ignore_ascii_case("NONE") { Some(None) } else { parse(text).map(Some) }
    };
    let period =
        Period { from: end(from, Moment::parse)?, to: end(to, Moment::parse_end)?, ..Period::default() };
    let backward = period.from.zip(period.to).is_some_and(|(from, to)| to.time <= from.time);
    (!backward).then_some(period)
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{}` is no number", text.trim().chars().take(40).collect::<String>()))
}

/// `46:58:29 N 008:15:29 E`, `46:58.5N 8:15.2E`, `46.97 N 8.25 E`.
pub(super) fn place(text: &str) -> Result<Position, String> {
    let wrong = || format!("`{}` is no place", text.trim().chars().take(40).collect::<String>());
    let upper = text.to_ascii_uppercase();
    let at = upper.find(['N', 'S']).ok_or_else(wrong)?;
    let (north, rest) = upper.split_at_checked(at).ok_or_else(wrong)?;
    let south = rest.starts_with('S');
    let rest = rest.get(1..).unwrap_or_default();
    let at = rest.find(['E', 'W']).ok_or_else(wrong)?;
    let (east, end) = rest.split_at_checked(at).ok_or_else(wrong)?;
    let degrees = |text: &str, most: f64| {
        let mut value = 0.0;
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == ',');
        let mut count = 0;
        let parts = trimmed.trim_end_matches(['"', '″', '\'', '′', '°']).split([':', '°', '\'', '′']);
        for part in parts {
            let (unit, most) = *[(1.0, 180.0), (60.0, 60.0), (3600.0, 60.0)].get(count)?;
            let part: f64 = part.trim().parse().ok().filter(|part: &f64| (0.0..=most).contains(part))?;
            value += part / unit;
            count += 1;
        }
        (count > 0 && value <= most).then_some(value)
    };
    let lat = degrees(north, 90.0).ok_or_else(wrong)?;
    let lon = degrees(east, 180.0).ok_or_else(wrong)?;
    Ok([if end.starts_with('W') { -lon } else { lon }, if south { -lat } else { lat }])
}

/// Corners along an arc about a centre, from one distance and azimuth to another, ends included.
pub(super) fn arc(
    centre: Position,
    (radius, from): (f64, f64),
    (to_radius, to): (f64, f64),
    counter: bool,
    corners: &mut Vec<Position>,
) {
    let turn = if counter { (from - to).rem_euclid(360.0) } else { (to - from).rem_euclid(360.0) };
    // One that ends where it starts goes all around: an arc of nothing would be no part of an edge.
    let turn = if turn == 0.0 { 360.0 } else { turn };
    // The chord of a step keeps within ten centimetres of the arc.
    let step = (2.0 * (1.0 - 0.1 / radius.max(to_radius).max(1.0)).acos()).to_degrees().clamp(0.2, 15.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1800")]
    let steps = (turn / step).ceil().max(1.0) as u32;
    for at in 0..=steps {
        let part = f64::from(at) / f64::from(steps);
        let azimuth = from + part * if counter { -turn } else { turn };
        let metres = radius + part * (to_radius - radius);
        let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(centre[1], centre[0], azimuth, metres);
        corners.push([lon, lat]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{
        Answer, read as read_file,
        testing::{answer, check},
    };

    const FILE: &str = "* Made 08.09.2016\n\nAC P\nAN Round\nAL GND\nAH UNLIM\nV X=47:00:00 N 008:00:00 E\nDC 5\n\
        AC D\nAN Square\nAL GND\nAH UNL\nDP 46:00:00 N 007:00:00 E\nDP 46:00:00 N 007:06:00 E\nDP 46:06:00 N 007:06:00 E\nDP 46:06.0 N 007:00.0 E\n\
        AC R\nAN Half\nAL SFC\nAH UNL\nAA 2026-01-01T12:00Z/NONE\nV X=45:00:00 N 008:00:00 E\nV D=-\nDA 10,90,270\n\
        AC Q\nAN Sector\nAL 0\nAH UNL\nV X=44:00:00 N 008:00:00 E\nDP 44:00:00 N 008:00:00 E\nDB 44:05:00 N 008:00:00 E, 44:00:00 N 008:07:00 E\n\
        AC C\nAN Broken\nDP here\n";

    #[test]
    fn circles_corners_and_arcs() {
        let (source, zones) = read_file("x.txt", FILE.as_bytes()).unwrap();
        assert_eq!(
            (source.format, source.issued),
            ("OpenAir", None),
            "a date in a comment is none of the data"
        );
        assert_eq!((zones.len(), source.flaws.len()), (4, 1));
        assert!(
            source.flaws[0].contains("`Broken`: line") && source.flaws[0].contains("`here` is no place"),
            "{:?}",
            source.flaws
        );
        for (lat, lon, expected) in [
            (47.08, 8.0, Some(Answer::Inside)),
            (47.0835, 8.0, None),
            (46.05, 7.05, Some(Answer::Inside)),
            // The northern half of a circle of 18.52 km: when it holds is not known without a time.
            (45.1, 8.0, Some(Answer::Uncertain)),
            (44.9, 8.0, None),
            (45.17, 8.0, None),
            (44.05, 8.05, Some(Answer::Inside)),
            (43.99, 8.01, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
        let margin = check(&zones, 47.0, 8.0)[0].1;
        assert!((margin + 9260.0).abs() < 0.01, "{margin}");
    }

    #[test]
    fn an_arc_that_ends_where_it_starts_is_a_circle() {
        for arc in ["DA 5,0,360", "DA 5,90,90", "DB 47:05:00 N 008:00:00 E, 47:05:00 N 008:00:00 E"] {
            let text = format!("AC P\nAN Round\nAL GND\nAH UNL\nV X=47:00:00 N 008:00:00 E\n{arc}\n");
            let (_, zones) = read_file("x.txt", text.as_bytes()).unwrap();
            for (lat, lon, expected) in
                [(47.08, 8.0, Some(Answer::Inside)), (47.0, 7.9, Some(Answer::Inside)), (47.085, 8.0, None)]
            {
                assert_eq!(answer(&zones, lat, lon), expected, "{arc} {lon}");
            }
        }
    }

    #[test]
    fn a_centre_holds_until_there_is_another_and_terrain_is_no_airspace() {
        let text = "AC C\nAN Inner\nAL SFC\nAH UNL\nV X=47:00:00 N 008:00:00 E\nDC 5\n\
            AC C\nAN Outer\nAL SFC\nAH UNL\nDA 10,0,180\nV D=-\nDA 5,180,0\n\
            TC Lake\nSP 0,1,0,0,255\nDP 46:00:00 N 007:00:00 E\nDP 46:00:00 N 007:06:00 E\nDP 46:06:00 N 007:06:00 E\n";
        let (source, zones) = read_file("x.txt", text.as_bytes()).unwrap();
        assert_eq!((zones.len(), source.flaws.len()), (2, 0), "{:?}", source.flaws);
        for (lat, lon, expected) in [
            (47.0, 8.05, Some(Answer::Inside)),
            (47.0, 8.2, Some(Answer::Inside)),
            (47.0, 7.8, None),
            (46.01, 7.08, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }

    #[test]
    fn records_without_a_blank_and_in_small_letters_are_not_missed() {
        let text = "ac P\nAN X\nAL GND\nAH UNL\nDP46:00:00 N 007:00:00 E\ndp 46:00:00 N 007:06:00 E\nDP 46:06:00 N 007:06:00 E\nDP\t46:06:00 N 007:00:00 E\n\
            AC P\nAN Y\nAL GND\nAH UNL\nVX=47:00:00 N 008:00:00 E\nDC5\n";
        let (_, zones) = read_file("x.txt", text.as_bytes()).unwrap();
        assert_eq!(zones.len(), 2);
        for (lat, lon) in [(46.05, 7.01), (46.09, 7.05), (47.0, 8.1)] {
            assert_eq!(answer(&zones, lat, lon), Some(Answer::Inside), "{lat} {lon}");
        }
    }

    #[test]
    fn a_centre_that_cannot_be_read_is_not_the_one_before_and_words_are_no_records() {
        let text = "AC P\nAN A\nAL GND\nAH UNL\nV X=47:00:00 N 008:00:00 E\nDC 5\n\
            AC P\nAN B\nAL GND\nAH UNL\nv x=46:00:00 N 008:00:00 E\nTo be activated by NOTAM\nValid from May\nDC 5\n\
            AC P\nAN C\nAL GND\nAH UNL\nV X=there\nDC 5\n";
        let (source, zones) = read_file("x.txt", text.as_bytes()).unwrap();
        assert_eq!((zones.len(), source.flaws.len()), (2, 1), "{:?}", source.flaws);
        for lat in [47.0, 46.0] {
            assert_eq!(answer(&zones, lat, 8.05), Some(Answer::Inside), "{lat}");
        }
    }

    #[test]
    fn altitudes_are_read_as_pilots_write_them() {
        for (text, expected) in [
            ("GND", "ground"),
            ("2000 ft", "610 m above sea"),
            ("FL 65", "FL65"),
            ("FL65", "FL65"),
            ("100m GND", "100 m above ground"),
            ("450m", "450 m above sea"),
            ("50 GND", "15 m above ground"),
            ("5000 STD", "FL50"),
            ("100 Agl", "30 m above ground"),
            ("40000ft AMSL", "12192 m above sea"),
            ("2500MSL", "762 m above sea"),
            ("1,500 ft", "457 m above sea"),
            ("1 500 ft", "457 m above sea"),
            ("1.5 m", "2 m above sea"),
            ("-100 m MSL", "-100 m above sea"),
        ] {
            assert_eq!(altitude(text).0.unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(altitude("UNLIM"), (None, false));
        for text in ["by NOTAM", "Ask on 122.8 ", "1,5 ft", "15 00 ft", "FL 65 1000 ft"] {
            assert_eq!(altitude(text), (None, true), "{text}");
        }
    }

    #[test]
    fn times_that_are_not_known_are_always() {
        let text = "AC P\nAN X\nAL GND\nAH UNL\nAA 2026-01-01T12:00Z/2026-01-02T12:00Z\nAA at weekends\nV X=47:00:00 N 008:00:00 E\nDC 5\n";
        let (_, zones) = read_file("x.txt", text.as_bytes()).unwrap();
        assert_eq!((zones[0].periods.len(), zones[0].degraded.len()), (0, 1));
        assert_eq!(answer(&zones, 47.0, 8.0), Some(Answer::Inside));
    }

    #[test]
    fn places_are_read_as_pilots_write_them() {
        for (text, lon, lat) in [
            ("46:58:30 N 008:15:00 E", 8.25, 46.975),
            ("01:05.5 N 000:05.5 E", 5.5 / 60.0, 1.0 + 5.5 / 60.0),
            ("46.975N,8.25W", -8.25, 46.975),
            ("46:58:30S 008:15:00E", 8.25, -46.975),
            ("46°58'30\"N 008°15'00\"E", 8.25, 46.975),
            ("46:58:30 N 008:15:00 E    c29", 8.25, 46.975),
        ] {
            let [x, y] = place(text).unwrap();
            assert!((x - lon).abs() < 1e-9 && (y - lat).abs() < 1e-9, "{text}");
        }
        for wrong in ["91:00:00 N 0:0:0 E", "N E", "46:75:00 N 8:00:00 E", "46:00:00:30 N 8:00:00 E"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
