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

/// What a line is.
enum Row {
    Place(Line),
    /// The head, what has no place, and blank lines.
    Kept,
    Comment,
    /// It may hold anything, a place too.
    Unknown,
}

/// A whole number, behind which some writers put decimals.
fn whole(word: &str) -> Option<u64> {
    let number: f64 = word.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 65535, and no fraction"
    )]
    (number.fract() == 0.0 && (0.0..=65_535.0).contains(&number)).then_some(number as u64)
}

/// Reads a line. Nothing but the words of a place is changed in it, so there may be no more words than have a meaning.
fn row(text: &str) -> Row {
    let words: Vec<&str> = text.trim_start_matches('\u{feff}').split_whitespace().collect();
    let numbers =
        |words: &[&str]| words.iter().all(|word| word.parse().is_ok_and(|number: f64| number.is_finite()));
    match words.as_slice() {
        [] => Row::Kept,
        [first, ..] if first.starts_with('#') => Row::Comment,
        ["QGC", "WPL", version] if version.parse::<u32>().is_ok() => Row::Kept,
        ["RALLY", rest @ ..] if (2..=6).contains(&rest.len()) && numbers(rest) => simple(&words, 1, "rally"),
        [lat, lon] if corner(&format!("{lat} {lon}")).is_some() => simple(&words, 0, "fence"),
        all if (11..=12).contains(&all.len()) && numbers(all) => item(all),
        _ => Row::Unknown,
    }
}

/// A line of latitude, longitude and maybe a height, from a word on.
fn simple(words: &[&str], from: usize, field: &str) -> Row {
    let number = |at: usize| words.get(at)?.parse::<f64>().ok();
    let Some((lat, lon)) = number(from).zip(number(from + 1)) else { return Row::Unknown };
    Row::Place(Line {
        role: Role::Target,
        lat,
        lon,
        alt_m: number(from + 2),
        alt_reference: None,
        words: (from, from + 1),
        field: field.to_owned(),
    })
}

/// An item of a mission.
fn item(words: &[&str]) -> Row {
    let number = |at: usize| words.get(at)?.parse::<f64>().ok();
    let count = |at: usize| words.get(at).copied().and_then(whole);
    let command = count(3).and_then(|command| u16::try_from(command).ok());
    let (Some(index), Some(command), Some(lat), Some(lon)) = (count(0), command, number(8), number(9)) else {
        return Row::Unknown;
    };
    let frame = count(2).filter(|frame| *frame <= 255);
    let is_known = WITH_PLACE.contains(&command) && frame.is_some_and(is_global);
    if !is_known && !may_be_place(lat, lon) {
        return Row::Kept;
    }
    // The first line is home, in a frame above the sea.
    let is_home = index == 0 && frame == Some(0) || command == SET_HOME;
    let role = if is_home { Role::Home } else { Role::Target };
    Row::Place(Line {
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
    let (mut at, mut unread, mut first) = (0_u64, 0_u64, 0);
    for (number, one) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if inspection.places.len() >= MOST {
            inspection.flaw("places", 0, &format!("those from line {} on are beyond the limit", number + 1));
            break;
        }
        match row(&String::from_utf8_lossy(one)) {
            Row::Place(line) => {
                let spot = Spot::new(line.role, line.lat, line.lon, line.field);
                let Line { alt_m, alt_reference, .. } = line;
                inspection.places.extend(spot.map(|spot| Spot { alt_m, alt_reference, ..spot }));
            }
            Row::Kept | Row::Comment => {}
            Row::Unknown => {
                first = if unread == 0 { at } else { first };
                unread += 1;
            }
        }
        at += one.len() as u64;
    }
    if unread > 0 {
        inspection.flaw("lines", first, &format!("{unread} that are not understood"));
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
        match row(one) {
            Row::Kept => anew.push_str(one.trim_end()),
            Row::Comment => scrubbed.removed("text", "comment"),
            // It may hold a place all the same, which beside moved ones would tell by how much they moved.
            Row::Unknown => scrubbed.removed("text", "line that is not understood"),
            Row::Place(line) => {
                // Home goes with its height where places go to a grid; moved with all others, it tells nothing that they do not.
                let coarse = !request.locations.keeps_height();
                let goes = coarse && line.role == Role::Home;
                let flat = goes || coarse && line.alt_reference == Some(AltReference::Amsl);
                let stays = !goes && creance_model::is_place(line.lat, line.lon);
                let moved = request.locations.moved(line.lat, line.lon).filter(|_| stays).unwrap_or_default();
                let words = one.split_whitespace().enumerate().map(|(at, word)| match at {
                    _ if at == line.words.0 => format!("{:.8}", moved.0),
                    _ if at == line.words.1 => format!("{:.8}", moved.1),
                    _ if at == line.words.1 + 1 && flat => "0".to_owned(),
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

    #[test]
    fn lines_that_are_not_understood_are_told_and_go() {
        let cut = "3\t0\t3\t16\t0\t0\t0\t0\t47.4012345\t8.5512345\n";
        for line in [
            "meeting point of Ada Example: 47.4012345 8.5512345\n",
            "RALLY 47.4012345 8.5512345 Ada\n",
            "47.4012345 8.5512345 Ada\n",
            "4\t0\t3\tlanding\t0\t0\t0\t0\t47.4012345\t8.5512345\t30\t1\n",
            cut,
        ] {
            let text = format!("{WPL}{line}");
            let told = inspect(text.as_bytes(), &Options::default());
            assert_eq!((told.damage.len(), told.damage[0].offset), (1, WPL.len() as u64), "{line}");
            let request = ScrubRequest {
                locations: Locations::Offset { lat: 1.0, lon: 1.0 },
                ..ScrubRequest::default()
            };
            let scrubbed = scrub(text.as_bytes(), &request).unwrap();
            let clean = String::from_utf8(scrubbed.bytes(text.as_bytes())).unwrap();
            assert!(!clean.contains("4012345") && !clean.contains("Ada"), "{clean}");
            assert!(scrubbed.removed.iter().any(|one| one.what == "text"), "{line}");
            assert_eq!(inspect(clean.as_bytes(), &Options::default()).damage, [], "{clean}");
        }
        assert_eq!(inspect(WPL.as_bytes(), &Options::default()).damage, []);
    }

    #[test]
    fn commands_may_have_decimals_and_heights_above_the_sea_do_not_outlive_a_grid() {
        let text = "QGC WPL 110\n1\t0\t0\t16.000\t0\t0\t0\t0\t47.2\t8.2\t583.4\t1\n";
        let told = inspect(text.as_bytes(), &Options::default());
        assert_eq!((told.places.len(), told.damage.len()), (1, 0));
        let grid = ScrubRequest { locations: Locations::Grid { km: 10.0 }, ..ScrubRequest::default() };
        let clean = scrub(text.as_bytes(), &grid).unwrap().bytes(text.as_bytes());
        assert!(!String::from_utf8(clean).unwrap().contains("583"));
    }

    proptest! {
        #[test]
        fn any_lines_are_answered(text in "([0-9.]{1,6}[\\t ]){0,14}\\n{0,1}[A-Z 0-9.-]{0,60}") {
            inspect(text.as_bytes(), &Options::default());
        }
    }
}
