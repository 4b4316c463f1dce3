//! Places: named pairs of degrees.

use creance_model::{Carrier, DataClass, Match, Message, Part};

use crate::{Card, Context, Detector, Sighting, key, named, texts};

/// Latitude and longitude side by side, or in one field named for a place.
pub(crate) struct Location;

impl Detector for Location {
    fn card(&self) -> &'static Card {
        &Card {
            id: "location",
            what: "a place: a latitude and a longitude in neighbouring fields, or a pair in a field named for a place",
            why: "It says where people, aircraft and what they look at are.",
            wrong: "A place may be one that the user looked up, not one where anybody was; a pair of other numbers in fields so named is possible.",
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        let fields: Vec<(usize, &str, &str)> = named(message).collect();
        for (position, (index, name, text)) in fields.iter().enumerate() {
            if let Some(scale) = scale(name, LATITUDE) {
                let parent = message.parts.get(*index).and_then(|part| part.parent);
                let near = fields.iter().skip(position.saturating_sub(8)).take(17);
                let other = near
                    .filter(|(other, ..)| message.parts.get(*other).is_some_and(|part| part.parent == parent))
                    .find_map(|(_, name, text)| {
                        Some((scale_text(text, self::scale(name, LONGITUDE)?)?, *text))
                    });
                if let (Some(lat), Some((lon, lon_text))) = (scale_text(text, scale), other)
                    && believable(lat, lon)
                    && (scale > 1.0 || decimals(text) >= 3 || decimals(lon_text) >= 3)
                {
                    emit(Sighting::whole(
                        DataClass::Location,
                        Match::Structured,
                        "location",
                        *index,
                        format!("{lat},{lon}"),
                    ));
                }
            } else if key::is(name, PAIR)
                && let Some((lat, lon)) = pair(text)
                && believable(lat, lon)
            {
                emit(Sighting::whole(
                    DataClass::Location,
                    Match::Structured,
                    "location",
                    *index,
                    format!("{lat},{lon}"),
                ));
            }
        }
        hidden(message, emit);
    }
}

/// Pairs without a name, where somebody took pains to hide them: in text that was decoded from a DNS name.
fn hidden(message: &Message, emit: &mut dyn FnMut(Sighting)) {
    let decoded = |part: &Part| part.carrier == Carrier::DnsLabel && part.parent.is_some();
    for (index, _, text) in texts(message).filter(|(_, part, _)| decoded(part)) {
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
        let numbers: Vec<&str> = text.split(|c| !numeric(c)).filter(|word| !word.is_empty()).collect();
        for window in numbers.windows(2) {
            let [first, second] = window else { continue };
            if let (Some(lat), Some(lon)) = (scale_text(first, 1.0), scale_text(second, 1.0))
                && decimals(first) >= 4
                && decimals(second) >= 4
                && believable(lat, lon)
            {
                emit(Sighting::whole(
                    DataClass::Location,
                    Match::Pattern,
                    "location",
                    index,
                    format!("{lat},{lon}"),
                ));
            }
        }
    }
}

const LATITUDE: &[&str] =
    &["lat", "latitude", "homelat", "gpslat", "dronelat", "lat0", "plat", "startlat", "userlat"];
const LONGITUDE: &[&str] = &[
    "lon",
    "lng",
    "long",
    "longitude",
    "homelon",
    "homelng",
    "gpslon",
    "gpslng",
    "dronelon",
    "lon0",
    "plon",
    "startlng",
    "userlng",
    "longtitude",
];
const PAIR: &[&str] = &[
    "ll",
    "latlng",
    "latlon",
    "loc",
    "location",
    "coord",
    "coords",
    "coordinates",
    "geo",
    "gps",
    "pos",
    "position",
    "point",
];

/// What numbers under a key are to be divided by: 1, or 10^7 and 10^6 where the key says so.
fn scale(name: &str, names: &[&str]) -> Option<f64> {
    if key::is(name, names) {
        return Some(1.0);
    }
    let whole = key::words(name).concat();
    for (suffix, scale) in [("e7", 1e7), ("e6", 1e6)] {
        if whole.strip_suffix(suffix).is_some_and(|rest| names.contains(&rest)) {
            return Some(scale);
        }
    }
    None
}

fn scale_text(text: &str, scale: f64) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number / scale)
}

fn decimals(text: &str) -> usize {
    text.trim()
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.chars().take_while(char::is_ascii_digit).count())
}

/// In range, not what receivers say without a fix, and not a pair of whole numbers.
fn believable(lat: f64, lon: f64) -> bool {
    lat.abs() <= 90.0
        && lon.abs() <= 180.0
        && (lat.abs() > 1e-4 || lon.abs() > 1e-4)
        && (lat.fract() != 0.0 || lon.fract() != 0.0)
}

/// `24.80,120.96`: two numbers with at least three decimals each, and nothing else.
pub(crate) fn pair(text: &str) -> Option<(f64, f64)> {
    let text = text.trim().trim_matches(|c| matches!(c, '[' | ']' | '(' | ')'));
    let (first, second) = text.split_once([',', ';', ' '])?;
    let second = second.trim();
    (decimals(first) >= 3 && decimals(second) >= 3).then_some(())?;
    Some((scale_text(first, 1.0)?, scale_text(second, 1.0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_need_decimals_and_nothing_else() {
        assert_eq!(pair("24.801868,120.965208"), Some((24.801_868, 120.965_208)));
        for text in ["1,2", "12.34,56.78", "a,b", "24.801868", "24.801868,120.965208,7", "1920.000"] {
            assert_eq!(pair(text), None, "{text}");
        }
    }

    #[test]
    fn keys_say_the_scale() {
        assert_eq!(scale("latE7", LATITUDE), Some(1e7));
        assert_eq!(scale("app", LATITUDE), None);
        assert!(!believable(0.0, 0.0) && !believable(91.5, 2.5) && believable(24.8, 121.0));
    }
}
