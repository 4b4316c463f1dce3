//! Missions as text: `QGC WPL 110` (MAVLink's file formats), and lists of corners of fences and of rally points as `MAVProxy`
//! writes them.
//!
//! ```text
//! QGC WPL 110
//! index · current · frame · command · four parameters · latitude · longitude · altitude · goes on
//! ```

use creance_model::{AltReference, Inspection, Piece, Refusal, Role, ScrubRequest, Scrubbed, Spot};

use crate::{Format, Options, text};

pub(crate) const FORMAT: Format = Format { name: "wpl", is, read: inspect, scrub };

/// Places that are told.
const MOST: usize = 10_000;

/// Commands of MAVLink (`MAV_CMD`) that have a place.
pub(crate) const WITH_PLACE: &[u16] = &[
    16, 17, 18, 19, 20, 21, 22, 23, 24, 31, 33, 34, 35, 36, 80, 81, 82, 84, 85, 94, 179, 189, 192, 195, 201,
    5000, 5001, 5002, 5003, 5004, 5100, 30001, 31000, 31001, 31002, 31003, 31004, 31005, 31006, 31007, 31008,
    31009,
];

/// The command that sets where to go back to.
pub(crate) const SET_HOME: u16 = 179;

/// What altitudes of a frame of MAVLink (`MAV_FRAME`) are counted from.
pub(crate) const fn altitudes_of(frame: u64) -> Option<AltReference> {
    match frame {
        0 | 5 => Some(AltReference::Amsl),
        3 | 6 => Some(AltReference::TakeOff),
        10 | 11 => Some(AltReference::Ground),
        _ => None,
    }
}

/// Whether a frame of MAVLink (`MAV_FRAME`) is one of degrees.
pub(crate) const fn is_global(frame: u64) -> bool {
    altitudes_of(frame).is_some()
}

fn is(head: &[u8]) -> bool {
    let Some(text) = text(head) else { return false };
    let lines: Vec<&str> = text.lines().take(4).collect();
    let rally = |line: &&str| line.starts_with("RALLY ") || line.starts_with("RALLY\t");
    text.starts_with("QGC WPL")
        || lines.iter().any(rally)
        || lines.len() >= 3 && lines.iter().take(3).all(|line| corner(line).is_some())
}

/// Whether parameters of a command that is not known can be a place: degrees with decimals.
pub(crate) fn may_be_place(lat: f64, lon: f64) -> bool {
    creance_model::is_place(lat, lon) && lat.fract() != 0.0 && lon.fract() != 0.0
}

/// Two numbers with decimals and nothing else.
fn corner(line: &str) -> Option<(f64, f64)> {
    let mut words = line.split_whitespace();
    let (lat, lon) = (words.next()?, words.next()?);
    let both = words.next().is_none() && lat.contains('.') && lon.contains('.');
    let (lat, lon) = (lat.parse().ok()?, lon.parse().ok()?);
    (both && creance_model::is_place(lat, lon)).then_some((lat, lon))
}

/// A place in a line: whose, degrees, metres, and which words the degrees are.
struct Line {
    role: Role,
    lat: f64,
    lon: f64,
    alt_m: Option<f64>,
    alt_reference: Option<AltReference>,
    words: (usize, usize),
    field: String,
}

fn line(text: &str) -> Option<Line> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<f64>().ok();
    if words.first() == Some(&"RALLY") {
        let (lat, lon) = (number(1)?, number(2)?);
        return Some(Line {
            role: Role::Target,
            lat,
            lon,
            alt_m: number(3),
            alt_reference: None,
            words: (1, 2),
            field: "rally".to_owned(),
        });
    }
    if let Some((lat, lon)) = corner(text) {
        return Some(Line {
            role: Role::Target,
            lat,
            lon,
            alt_m: None,
            alt_reference: None,
            words: (0, 1),
            field: "fence".to_owned(),
        });
    }
    let (index, frame, command) =
        (words.first()?.parse::<u32>().ok()?, number(2)?, words.get(3)?.parse::<u16>().ok()?);
    // Whole numbers, some writers of which put decimals behind.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "frames are small numbers")]
    let frame = (frame.fract() == 0.0 && (0.0..=255.0).contains(&frame)).then_some(frame as u64);
    if words.len() < 11 {
        return None;
    }
    let (lat, lon) = (number(8)?, number(9)?);
    let is_known = WITH_PLACE.contains(&command) && frame.is_some_and(is_global);
    if !is_known && !may_be_place(lat, lon) {
        return None;
    }
    // The first line is home, in a frame above the sea.
    let is_home = index == 0 && frame == Some(0) || command == SET_HOME;
    let role = if is_home { Role::Home } else { Role::Target };
    Some(Line {
        role,
        lat,
        lon,
        alt_m: number(10),
        alt_reference: frame.and_then(altitudes_of),
        words: (8, 9),
        field: format!("item {index}, command {command}"),
    })
}

fn inspect(bytes: &[u8], _: &Options) -> Inspection {
    let mut inspection = Inspection::of("wpl");
    let text = String::from_utf8_lossy(bytes);
    for (number, one) in text.lines().enumerate() {
        if inspection.places.len() >= MOST {
            inspection.flaw("places", 0, &format!("those from line {} on are beyond the limit", number + 1));
            break;
        }
        if let Some(line) = line(one) {
            let spot = Spot::new(line.role, line.lat, line.lon, line.field);
            let Line { alt_m, alt_reference, .. } = line;
            inspection.places.extend(spot.map(|spot| Spot { alt_m, alt_reference, ..spot }));
        }
    }
    inspection
}

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    if request.locations.moved(1.0, 1.0).is_none() {
        return Err(Refusal(
            "it is nothing but places: leave it out, or move them with --location grid or offset".to_owned(),
        ));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Refusal("it is no text in UTF-8".to_owned()));
    };
    let mut scrubbed = Scrubbed::default();
    let mut anew = String::with_capacity(text.len());
    for one in text.lines() {
        match line(one) {
            None if one.trim_start().starts_with('#') => scrubbed.removed("text", "comment"),
            None => anew.push_str(one),
            Some(line) => {
                // Home goes with its height where places go to a grid; moved with all others, it tells nothing that they do not.
                let goes = line.role == Role::Home && !request.locations.keeps_height();
                let stays = !goes && creance_model::is_place(line.lat, line.lon);
                let moved = request.locations.moved(line.lat, line.lon).filter(|_| stays).unwrap_or_default();
                let words = one.split_whitespace().enumerate().map(|(at, word)| match at {
                    _ if at == line.words.0 => format!("{:.8}", moved.0),
                    _ if at == line.words.1 => format!("{:.8}", moved.1),
                    _ if at == line.words.1 + 1 && goes => "0".to_owned(),
                    _ => word.to_owned(),
                });
                anew.push_str(&words.collect::<Vec<_>>().join("\t"));
                scrubbed.removed(if stays { "position, moved" } else { "position" }, "wpl");
            }
        }
        anew.push('\n');
    }
    scrubbed.pieces.push(Piece::Bytes(anew.into_bytes()));
    Ok(scrubbed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Locations;
    use proptest::prelude::*;

    const WPL: &str = "QGC WPL 110\n0\t0\t0\t16\t0\t0\t0\t0\t47.1\t8.1\t583.4\t1\n1\t0\t3\t22\t10\t0\t0\t0\t47.2\t8.2\t30\t1\n2\t0\t2\t206\t0\t0\t0\t0\t25\t0\t1\t1\n";

    #[test]
    fn home_and_targets_are_told_and_move() {
        assert!(is(WPL.as_bytes()) && is(b"47.10 8.10\n47.20 8.20\n47.30 8.30\n") && !is(b"1 2\n3 4\n5 6\n"));
        let told = inspect(WPL.as_bytes(), &Options::default());
        let places: Vec<_> =
            told.places.iter().map(|spot| (spot.role, spot.lat, spot.alt_reference)).collect();
        let (sea, start) = (Some(AltReference::Amsl), Some(AltReference::TakeOff));
        assert_eq!(places, [(Role::Home, 47.1, sea), (Role::Target, 47.2, start)]);
        let request =
            ScrubRequest { locations: Locations::Offset { lat: 1.0, lon: 1.0 }, ..ScrubRequest::default() };
        let clean = scrub(WPL.as_bytes(), &request).unwrap().bytes(WPL.as_bytes());
        let told = inspect(&clean, &Options::default());
        let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.alt_m)).collect();
        assert_eq!(places, [(Role::Home, Some(583.4)), (Role::Target, Some(30.0))]);
        assert!((told.places[1].lat - 48.2).abs() < 1e-7 && (told.places[1].lon - 9.2).abs() < 1e-7);
        let grid = ScrubRequest { locations: Locations::Grid { km: 10.0 }, ..ScrubRequest::default() };
        let clean = scrub(WPL.as_bytes(), &grid).unwrap().bytes(WPL.as_bytes());
        let told = inspect(&clean, &Options::default());
        assert!(told.places.iter().all(|spot| spot.role == Role::Target), "home is no square of a grid");
        assert!(scrub(WPL.as_bytes(), &ScrubRequest::default()).is_err());
    }

    proptest! {
        #[test]
        fn any_lines_are_answered(text in "([0-9.]{1,6}[\\t ]){0,14}\\n{0,1}[A-Z 0-9.-]{0,60}") {
            inspect(text.as_bytes(), &Options::default());
        }
    }
}
