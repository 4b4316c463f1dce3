//! Degrees with minutes, and perhaps seconds: `24°44'43.4"N 121°02'33.4"E`, `24 44.7233, 121 2.5572`, `24:44:43 N`.
//!
//! **False alarms.** As of decimals: whole seconds are thirty metres.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{
    known::Within,
    number::{Axis, Number, power},
    spans::Reach,
    text::Spot,
};

/// Bytes between a latitude and its longitude.
const APART: usize = 24;

static ANGLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?xi)
        (?P<ahead> \b[NSEW] \s*)? (?P<minus> -)?
        (?P<degrees> \d{1,3}) \s* (?: [°º˚:*\-] | deg | d | \x20 ) \s*
        (?:
            (?P<fine> [0-5]?\d \. \d+ ) \s* (?: ['′’] | min | m )?
          |
            (?P<minutes> [0-5]?\d ) \s* (?: ['′’:\x20] | min | m ) \s*
            (?P<seconds> [0-5]?\d (?: \. \d+ )? ) \s* (?: ["″”] | '' | sec | s )?
        ) \s*
        (?P<behind> [NSEW]\b )?
        "#,
    )
    .ok()
});

/// A direction in degrees.
struct Angle {
    start: usize,
    end: usize,
    degrees: f64,
    grain: f64,
    side: Option<Axis>,
    encoding: &'static str,
}

/// Adds the places of a text that are written so.
pub(super) fn find(text: &str, reach: &Reach, spots: &mut Vec<Spot>) {
    let Some(pattern) = ANGLE.as_ref() else { return };
    let angles: Vec<Angle> = pattern.captures_iter(text).filter_map(|found| angle(text, &found)).collect();
    for pair in angles.windows(2) {
        let [first, second] = pair else { continue };
        if second.start.saturating_sub(first.end) > APART {
            continue;
        }
        for (lat, lon) in [(first, second), (second, first)] {
            let sides = lat.side != Some(Axis::Lon) && lon.side != Some(Axis::Lat);
            if sides && reach.lat.hold(lat.degrees) && reach.lon.hold(lon.degrees) {
                spots.push(Spot {
                    start: first.start,
                    end: second.end,
                    place: (lat.degrees, lon.degrees),
                    grain: Within { lat: lat.grain, lon: lon.grain },
                    encoding: lat.encoding,
                    plain: false,
                });
                break;
            }
        }
    }
}

fn angle(text: &str, found: &Captures<'_>) -> Option<Angle> {
    let all = found.get(0)?;
    // A longer number or a word is another thing.
    let before = text.get(..all.start()).and_then(|text| text.chars().next_back());
    if before.is_some_and(|before| before.is_ascii_digit() || before == '.') {
        return None;
    }
    let number = |name: &str| found.name(name).and_then(|text| Number::read(text.as_str().as_bytes()));
    let degrees = number("degrees")?;
    let (minutes, seconds, grain, encoding) = match number("fine") {
        Some(fine) if fine.decimals >= 2 => (fine.value, 0.0, 1.0 / 60.0 / power(fine.decimals), "dm"),
        Some(_) => return None,
        None => {
            let (minutes, seconds) = (number("minutes")?, number("seconds")?);
            (minutes.value, seconds.value, 1.0 / 3600.0 / power(seconds.decimals), "dms")
        }
    };
    let letter = found.name("behind").or(found.name("ahead")).and_then(|text| text.as_str().chars().next());
    let letter = letter.map(|letter| letter.to_ascii_uppercase());
    let size = degrees.value + minutes / 60.0 + seconds / 3600.0;
    let negative = found.name("minus").is_some() || matches!(letter, Some('S' | 'W'));
    Some(Angle {
        start: all.start(),
        end: all.end(),
        degrees: if negative { -size } else { size },
        grain,
        side: letter.map(|letter| if matches!(letter, 'N' | 'S') { Axis::Lat } else { Axis::Lon }),
        encoding,
    })
}
