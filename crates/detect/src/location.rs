//! Places: named pairs of degrees.

use std::{cell::LazyCell, collections::HashSet};

use creance_model::{Carrier, DataClass, Match, Part};
use smallvec::SmallVec;

use crate::{
    Card, Context, Detector, Sighting, Sink, View,
    key::{Names, Words},
};

const ID: &str = "location";

/// Latitude and longitude side by side, or in one field named for a place.
pub(crate) struct Location;

impl Detector for Location {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "a place: a latitude and a longitude in neighbouring fields, or a pair in a field named for a place",
            why: "It says where people, aircraft and what they look at are.",
            wrong: "A place may be one that the user looked up, not one where anybody was; a pair of other numbers in fields so named is possible.",
            classes: &[DataClass::Location],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        named(message, sink);
        hidden(message, sink);
    }
}

/// Pairs in fields named for them.
fn named(message: &View<'_>, sink: &mut Sink<'_>) {
    let is_pair = |words: Words<'_>| words.are(Names::Degrees) || words.are(Names::Places);
    if !message.keys().iter().any(|words| words.may_be_coordinate() || is_pair(words)) {
        return;
    }
    let of_keys: Vec<Option<Axis<'_>>> = message.keys().iter().map(Axis::of).collect();
    let axis = |key: usize| of_keys.get(key)?.as_ref();
    let asked: Vec<bool> = message
        .keys()
        .iter()
        .zip(&of_keys)
        .map(|(words, axis)| is_pair(words) || axis.as_ref().is_some_and(|axis| axis.latitude))
        .collect();
    let text = |index: usize| message.text(index);
    let mut tell = |index: usize, lat: f64, lon: f64| {
        if believable(lat, lon) {
            let value = format!("{lat},{lon}");
            sink.sight(Sighting::whole(DataClass::Location, Match::Structured, ID, index, value));
        }
    };
    let geometries = LazyCell::new(|| geometries(message));
    let wanted = |key: usize| asked.get(key).copied().unwrap_or(false);
    for (index, key) in message.fields_where(wanted) {
        if let Some(own) = axis(key).filter(|axis| axis.latitude) {
            let Some(lat) = scale_text(text(index), own.scale) else { continue };
            // The nearest longitude of the same thing: `home_lat` goes with `home_lon`, not with `lon`.
            let before: SmallVec<[_; NEAR]> = message.fields_before(index).take(NEAR).collect();
            let behind = message.fields_behind(index).take(2 * NEAR - before.len());
            let before = before.into_iter().enumerate().map(|(away, field)| (away, true, field));
            let behind = behind.enumerate().map(|(away, field)| (away, false, field));
            let other = before
                .chain(behind)
                .filter(|(.., (other, _))| message.parent(*other) == message.parent(index))
                .filter_map(|(away, before, (other, key))| {
                    let its = axis(key).filter(|its| !its.latitude && its.is_beside(own))?;
                    Some(((away, before), scale_text(text(other), its.scale)?, text(other)))
                })
                .min_by_key(|(place, ..)| *place);
            if let Some((_, lon, lon_text)) = other
                && (own.scale > 1.0 || decimals(text(index)) >= 3 || decimals(lon_text) >= 3)
            {
                tell(index, lat, lon);
            }
        } else if is_pair(message.words(index)) {
            let words = message.words(index);
            let next = message.fields_behind(index).next().map(|(next, _)| next).filter(|next| {
                message.parent(*next) == message.parent(index)
                    && message.name(*next) == message.name(index)
                    && follows(message, index, *next)
            });
            let pair = next.map(|next| (text(index), text(next))).or_else(|| halves(text(index)));
            let Some((first, second)) = pair else { continue };
            let Some((lat, lon)) = scale_text(first, 1.0).zip(scale_text(second, 1.0)) else { continue };
            let (fewer, more) =
                (decimals(first).min(decimals(second)), decimals(first).max(decimals(second)));
            let coordinates = words.are(Names::Coordinates);
            let sure =
                if words.are(Names::Degrees) || coordinates && geometries.contains(&object(message, index)) {
                    more >= 3 && (next.is_some() || fewer >= 1)
                } else {
                    // `point` and `position` are places on a screen or in a model as well.
                    fewer >= 4 && (lat.abs() > 1.0 || lon.abs() > 1.0)
                };
            let swapped = coordinates && (next.is_some() || text(index).trim_start().starts_with('['));
            if sure {
                let (lat, lon) = if swapped { (lon, lat) } else { (lat, lon) };
                tell(index, lat, lon);
            }
        }
    }
}

/// Fields between a latitude and its longitude, at most.
const NEAR: usize = 8;

/// Whether two parts are the first and second element of one JSON array.
fn follows(message: &View<'_>, first: usize, second: usize) -> bool {
    let step = |index: usize| message.parts().get(index).map(Part::step);
    let Some((first, second)) = step(first).zip(step(second)) else { return false };
    first.strip_suffix("/0").is_some_and(|array| second.strip_suffix("/1") == Some(array))
}

/// Objects that are geometries of GeoJSON (RFC 7946), by their `type`.
fn geometries(message: &View<'_>) -> HashSet<Option<usize>> {
    let types = ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"];
    message
        .named()
        .filter(|(_, name, text)| *name == "type" && types.contains(text))
        .map(|(index, ..)| message.parent(index))
        .collect()
}

/// The object that a number among its `coordinates` belongs to: above the arrays.
fn object(message: &View<'_>, index: usize) -> Option<usize> {
    let part = |index: usize| message.parts().get(index);
    let mut at = part(index)?.parent();
    while let Some(array) = at.and_then(part).filter(|part| part.step().contains("/coordinates")) {
        at = array.parent();
    }
    at
}

/// Pairs without a name, where somebody took pains to hide them: in text that was decoded from a DNS name.
fn hidden(message: &View<'_>, sink: &mut Sink<'_>) {
    let decoded = |part: Part<'_>| part.carrier() == Carrier::DnsLabel && part.parent().is_some();
    if !message.parts().iter().any(decoded) {
        return;
    }
    for (index, _, text) in message.texts().filter(|(_, part, _)| decoded(*part)) {
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
        let numbers: Vec<&str> = text.split(|c| !numeric(c)).filter(|word| !word.is_empty()).collect();
        for window in numbers.windows(2) {
            let [first, second] = window else { continue };
            if let (Some(lat), Some(lon)) = (scale_text(first, 1.0), scale_text(second, 1.0))
                && decimals(first) >= 4
                && decimals(second) >= 4
                && believable(lat, lon)
            {
                sink.sight(Sighting::whole(
                    DataClass::Location,
                    Match::Pattern,
                    ID,
                    index,
                    format!("{lat},{lon}"),
                ));
            }
        }
    }
}

const LATITUDE: &[&str] = &["lat", "latitude"];
const LONGITUDE: &[&str] = &["lon", "lng", "long", "longitude", "longtitude"];
/// Fields of a pair of degrees.
pub(crate) const DEGREES: &[&str] = &["ll", "latlng", "latlon", "geo", "gps"];
/// Fields of a pair that may be degrees.
pub(crate) const PLACES: &[&str] =
    &["loc", "location", "coord", "coords", "coordinates", "pos", "position", "point"];
/// Fields of GeoJSON.
pub(crate) const COORDINATES: &[&str] = &["coordinates"];

/// What a key says that is one of a coordinate.
#[derive(Debug)]
struct Axis<'k> {
    latitude: bool,
    /// Whose it is: `home` of `homeLat` and of `homelat`, nothing of `lat`; the words, and what they are written with.
    whose: [&'k str; 2],
    /// What its numbers are to be divided by: 1, or 10^7 and 10^6 where the key says so.
    scale: f64,
}

impl<'k> Axis<'k> {
    fn of(words: Words<'k>) -> Option<Self> {
        if !words.may_be_coordinate() {
            return None;
        }
        let latitude = Self::among(words, LATITUDE, true);
        latitude.or_else(|| Self::among(words, LONGITUDE, false))
    }

    fn among(words: Words<'k>, names: &[&str], latitude: bool) -> Option<Self> {
        // `latE7`, `lat_e7` and `late7` say the same.
        let divisor = matches!(words.iter().last(), Some("e6" | "e7" | "0"));
        let before = words.len().checked_sub(if divisor && words.len() > 1 { 2 } else { 1 })?;
        let owner = words.joined(0, before);
        let last = words.joined(before, words.len());
        let (last, scale) = match (last.strip_suffix("e7"), last.strip_suffix("e6")) {
            (Some(stem), _) => (stem, 1e7),
            (_, Some(stem)) => (stem, 1e6),
            _ => (last.strip_suffix('0').unwrap_or(last), 1.0),
        };
        // Keys in lower case run their words together.
        let stem =
            WHOSE.iter().find(|whose| last.strip_prefix(**whose).is_some_and(|rest| names.contains(&rest)));
        if stem.is_none() && !names.contains(&last) {
            return None;
        }
        let whose = [owner, stem.copied().unwrap_or_default()];
        (!whose.concat().contains("center") && !whose.concat().contains("bbox")).then_some(Self {
            latitude,
            whose,
            scale,
        })
    }

    /// Whether both are of one thing.
    fn is_beside(&self, other: &Self) -> bool {
        self.whose.iter().flat_map(|part| part.bytes()).eq(other.whose.iter().flat_map(|part| part.bytes()))
    }
}

/// What `lat` may be of, written without a break.
const WHOSE: &[&str] = &[
    "home", "gps", "drone", "p", "start", "end", "user", "pilot", "phone", "take", "takeoff", "rc", "my",
    "cur",
];

fn scale_text(text: &str, scale: f64) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number / scale)
}

pub(crate) fn decimals(text: &str) -> usize {
    let mut bytes = text.bytes();
    bytes.by_ref().find(|byte| *byte == b'.');
    bytes.take_while(u8::is_ascii_digit).count()
}

/// In range, not what receivers say without a fix, and not a pair of whole numbers.
pub(crate) fn believable(lat: f64, lon: f64) -> bool {
    lat.abs() <= 90.0
        && lon.abs() <= 180.0
        && (lat.abs() > 1e-4 || lon.abs() > 1e-4)
        && (lat.fract() != 0.0 || lon.fract() != 0.0)
}

/// `24.801,120.96`: two numbers with a decimal point, at least three decimals in one of them, and nothing else.
pub(crate) fn pair(text: &str) -> Option<(f64, f64)> {
    let (first, second) = halves(text)?;
    let (one, other) = (decimals(first), decimals(second));
    (one.min(other) >= 1 && one.max(other) >= 3).then_some(())?;
    Some((scale_text(first, 1.0)?, scale_text(second, 1.0)?))
}

/// The decimals that both numbers of a pair have.
pub(crate) fn least_decimals(text: &str) -> usize {
    halves(text).map_or(0, |(first, second)| decimals(first).min(decimals(second)))
}

fn halves(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let text = text.strip_prefix("geo:").unwrap_or(text);
    let text = text.trim_matches(|c| matches!(c, '[' | ']' | '(' | ')'));
    let (first, second) = text.split_once([',', ';', ' '])?;
    Some((first.trim(), second.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, fields, parts, told};

    #[test]
    fn reports() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("lat", "24.745"), ("lon", "121.042")], "24.745,121.042"),
            (&[("Latitude", "24.8"), ("x", "1"), ("Longitude", "121.0425")], "24.8,121.0425"),
            (&[("latE7", "247450000"), ("lngE7", "1210420000")], "24.745,121.042"),
            (&[("lat_e7", "247450000"), ("lon_e7", "1210420000")], "24.745,121.042"),
            (&[("pilot_lat", "24.745"), ("pilot_lng", "121.042")], "24.745,121.042"),
            (&[("homelat", "-24.745"), ("homelng", "121.042")], "-24.745,121.042"),
            (&[("ll", "24.801868,120.965208")], "24.801868,120.965208"),
            (&[("ll", "24.801868, 120.9")], "24.801868,120.9"),
            (&[("latlng", "0.4321,0.8765")], "0.4321,0.8765"),
            (&[("loc", "24.801868, 0.9652")], "24.801868,0.9652"),
            (&[("position", "(24.801868 120.965208)")], "24.801868,120.965208"),
        ];
        for (list, place) in table {
            let told = told(&fields(list));
            assert_eq!(told, [(DataClass::Location, Match::Structured, (*place).to_owned())], "{list:?}");
        }
    }

    #[test]
    fn ignores() {
        let table: &[&[(&str, &str)]] = &[
            &[("app", "12.3456"), ("fw", "98.7654"), ("sdk", "33.8688"), ("lib", "151.2093")],
            &[("lat", "0.0"), ("lon", "0.0000")],
            &[("lat", "24.7"), ("lon", "121.0")],
            &[("lat", "95.1234"), ("lon", "121.1234")],
            &[("lat", "24.1234")],
            &[("lat", "24.1234"), ("home_lon", "121.1234")],
            &[("lat_ms", "24.1234"), ("lon_ms", "121.1234")],
            &[("center", "24.801868,120.965208")],
            &[("center_lat", "24.801868"), ("center_lon", "120.965208")],
            &[("price", "12.999,13.999")],
            &[("loc", "zh_TW"), ("pos", "3,4")],
            &[("point", "0.4321,0.8765")],
            &[("coords", "-0.432100,0.876500")],
            &[("position", "1.234,5.678")],
            &[("loc", "24.801868, 120.9")],
        ];
        for list in table {
            assert!(told(&fields(list)).is_empty(), "{list:?}: {:?}", told(&fields(list)));
        }
    }

    #[test]
    fn each_latitude_finds_its_own_longitude() {
        let message = fields(&[
            ("lat", "24.745"),
            ("lon", "121.042"),
            ("homeLat", "25.123"),
            ("homeLon", "122.456"),
            ("lat", "26.745"),
            ("lon", "123.042"),
        ]);
        let places: Vec<String> = told(&message).into_iter().map(|(.., value)| value).collect();
        assert_eq!(places, ["24.745,121.042", "25.123,122.456", "26.745,123.042"]);
    }

    #[test]
    fn arrays_are_pairs_and_geojson_begins_with_the_longitude() {
        for (name, first, second) in
            [("coords", "24.7453", "121.0425"), ("coordinates", "121.0425", "24.7453")]
        {
            let steps = [format!("json:/{name}/0"), format!("json:/{name}/1")];
            let message = parts(&[
                (Carrier::Body, None, "json:/", None, b""),
                (Carrier::Body, Some(0), &steps[0], Some(name), first.as_bytes()),
                (Carrier::Body, Some(0), &steps[1], Some(name), second.as_bytes()),
            ]);
            let place = (DataClass::Location, Match::Structured, "24.7453,121.0425".to_owned());
            assert_eq!(told(&message), [place], "{name}");
        }
    }

    /// A JSON object of a `type` and an array `name` of arrays of these numbers.
    fn nested(kind: &str, name: &str, numbers: [&str; 3]) -> Vec<String> {
        let steps: Vec<String> = (0..3).map(|index| format!("json:/{name}/0/{index}")).collect();
        let array = format!("json:/{name}");
        let inner = format!("json:/{name}/0");
        let mut shapes: Vec<Shape<'_>> = vec![
            (Carrier::Body, None, "json:/", None, b""),
            (Carrier::Body, Some(0), &array, None, b""),
            (Carrier::Body, Some(1), &inner, None, b""),
        ];
        for (step, number) in steps.iter().zip(numbers) {
            shapes.push((Carrier::Body, Some(2), step, Some(name), number.as_bytes()));
        }
        shapes.push((Carrier::Body, Some(0), "json:/type", Some("type"), kind.as_bytes()));
        told(&parts(&shapes)).into_iter().map(|(.., value)| value).collect()
    }

    #[test]
    fn coordinates_beside_a_type_of_geojson_are_places_and_points_on_a_screen_are_not() {
        assert_eq!(nested("LineString", "coordinates", ["0.42", "0.876", "9.1"]), ["0.876,0.42"]);
        assert_eq!(nested("focus", "coordinates", ["0.4321", "0.8765", "0"]), [""; 0]);
        assert_eq!(nested("focus", "coordinates", ["121.0425", "24.7453", "0"]), ["24.7453,121.0425"]);
        assert_eq!(nested("Point", "point", ["0.4321", "0.8765", "0"]), [""; 0]);
        assert_eq!(nested("mesh", "position", ["1.234", "5.678", "9.1"]), [""; 0]);
    }

    #[test]
    fn pairs_need_decimals_and_nothing_else() {
        assert_eq!(pair("24.801868,120.965208"), Some((24.801_868, 120.965_208)));
        for text in
            ["1,2", "12.34,56.78", "a,b", "24.801868", "24.801868,120.965208,7", "1920.000", "24.801,120"]
        {
            assert_eq!(pair(text), None, "{text}");
        }
    }
}
