//! Tim Newport-Peace's format of special-use airspace: blocks of `KEY=VALUE`, as British glider pilots use it.

use super::{
    Band, Edges, Position, Shape, Volume, Zone,
    openair::{altitude, arc, class},
    read::{Content, Found, Volumes, note},
};

const MILE: f64 = 1852.0;

/// Corners of one file.
const MOST_CORNERS: usize = 20_000_000;

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Text(text) = content else { return false };
    let mut found = [false; 3];
    for line in text.lines().take(10_000) {
        let line = line.trim_start();
        for (slot, prefix) in found.iter_mut().zip(["TITLE=", "BASE=", "TYPE="]) {
            *slot |= line.starts_with(prefix);
        }
    }
    found == [true; 3]
}

#[derive(Default)]
struct Draft {
    zone: Zone,
    kind: String,
    base: String,
    tops: String,
    corners: Vec<Position>,
    circles: Vec<(Position, f64)>,
    wrong: Option<String>,
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Text(text) = content else { return Ok(()) };
    let mut draft = Draft::default();
    let (mut included, mut room) = (true, MOST_CORNERS);
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or(("", ""));
        match key {
            "INCLUDE" => included = value != "NO",
            // A block begins with its title, or with its type where that stands first.
            "TITLE" if draft.zone.name.is_some() => {
                finish(&mut draft, found);
                draft.zone.name = Some(value.to_owned());
            }
            "TITLE" => draft.zone.name = Some(value.to_owned()),
            "TYPE" | "CLASS" => {
                if !draft.corners.is_empty() || !draft.circles.is_empty() {
                    finish(&mut draft, found);
                }
                value.clone_into(&mut draft.kind);
            }
            "BASE" => value.clone_into(&mut draft.base),
            "TOPS" => value.clone_into(&mut draft.tops),
            _ if included => {
                let before = draft.corners.len() + draft.circles.len();
                if let Err(why) = shape(line, &mut draft) {
                    draft.wrong = draft.wrong.or(Some(format!("line {}: {why}", number + 1)));
                }
                let added = draft.corners.len() + draft.circles.len() - before;
                room = room
                    .checked_sub(added)
                    .ok_or("it has too many corners: split the file into smaller ones")?;
            }
            _ => {}
        }
    }
    finish(&mut draft, found);
    Ok(())
}

fn shape(line: &str, draft: &mut Draft) -> Result<(), String> {
    let value = |name: &str| line.split_once(name).map(|(_, rest)| rest);
    let word = |name: &str| value(name).and_then(|rest| rest.split_whitespace().next());
    let two = |name: &str| {
        let mut words = value(name)?.split_whitespace();
        Some((words.next()?, words.next()?))
    };
    let at = |name: &str| two(name).and_then(place).ok_or_else(|| format!("expected a place after {name}"));
    let radius = || {
        let miles =
            word("RADIUS=").and_then(|text| text.parse::<f64>().ok()).filter(|miles| miles.is_finite());
        miles.map(|miles| miles * MILE).ok_or("expected a number after RADIUS=")
    };
    if line.starts_with("POINT=") {
        draft.corners.push(at("POINT=")?);
    } else if line.starts_with("CIRCLE") {
        draft.circles.push((at("CENTRE=")?, radius()?));
    } else if line.starts_with("CLOCKWISE") || line.starts_with("ANTI-CLOCKWISE") {
        use geographiclib_rs::{Geodesic, InverseGeodesic as _};
        let (centre, to) = (at("CENTRE=")?, at("TO=")?);
        let from = draft.corners.last().copied().ok_or("an arc has no start")?;
        let side = |to: Position| {
            let (metres, azimuth, _, _) = Geodesic::wgs84().inverse(centre[1], centre[0], to[1], to[0]);
            let metres: f64 = metres;
            (metres, azimuth)
        };
        arc(centre, side(from), side(to), line.starts_with("ANTI"), &mut draft.corners);
        draft.corners.push(to);
    }
    Ok(())
}

/// `N010530 E0000530`.
fn place((north, east): (&str, &str)) -> Option<Position> {
    let degrees = |text: &str, whole: usize| {
        let digits = text.get(1..)?;
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<f64>().ok();
        let seconds =
            digits.get(whole + 2..)?.parse::<f64>().ok().filter(|seconds| (0.0..=60.0).contains(seconds))?;
        Some(part(0, whole)? + part(whole, whole + 2)? / 60.0 + seconds / 3600.0)
    };
    let (lat, lon) = (degrees(north, 2)?, degrees(east, 3)?);
    let lat = if north.starts_with('S') { -lat } else { lat };
    Some([if east.starts_with('W') { -lon } else { lon }, lat])
}

fn finish(draft: &mut Draft, found: &mut Found) {
    let Draft { mut zone, kind, base, tops, mut corners, circles, wrong } = std::mem::take(draft);
    if corners.is_empty() && circles.is_empty() && wrong.is_none() {
        return;
    }
    zone.restriction = class(&kind);
    let mut limit = |text: &str| {
        let (limit, wrong) = altitude(text);
        if wrong {
            let limit: String = text.chars().take(40).collect();
            note(&mut zone.degraded, format!("its limit `{limit}` is not known"));
        }
        limit
    };
    let (lower, upper) = (limit(&base), limit(&tops));
    let band = Band::new(lower, upper).unwrap_or_else(|why| {
        note(&mut zone.degraded, why.to_owned());
        Band::default()
    });
    let circles = circles.into_iter().map(|(centre, radius)| Shape::circle(centre, radius));
    let mut volumes = Volumes::default();
    volumes.extend(circles.map(|shape| shape.map(|shape| Volume { shape, band }).map_err(str::to_owned)));
    if !corners.is_empty() {
        corners.extend(corners.first().copied());
        volumes.push(found.area(&[corners], Edges::Unsaid, band, &mut zone.degraded));
    }
    volumes.extend(wrong.map(Err));
    found.add(zone, volumes);
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, read as read_file, testing::answer};

    #[test]
    fn blocks_with_circles_points_and_arcs() {
        let text = "INCLUDE=YES\n\nTITLE=Round\nTYPE=P\nBASE=SFC\nTOPS=UNL\nCIRCLE RADIUS=5 CENTRE=N470000 E0080000\n\n\
            TYPE=D\nTITLE=Sector\nBASE=0\nTOPS=UNL\nPOINT=N440000 E0080000\nPOINT=N440500 E0080000\n\
            CLOCKWISE RADIUS=5 CENTRE=N440000 E0080000 TO=N440000 E0080700\n";
        let (source, zones) = read_file("x.sua", text.as_bytes()).unwrap();
        assert_eq!((source.format, zones.len()), ("SUA", 2));
        for (lat, lon, expected) in [
            (47.08, 8.0, Some(Answer::Inside)),
            (47.084, 8.0, None),
            (44.05, 8.05, Some(Answer::Inside)),
            (43.99, 8.01, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }
}
