//! Lists of no-fly zones as other vendors' apps keep them, Autel's among them: objects with a centre and a radius, or with corners.
//!
//! No vendor publishes what it writes, so the shapes are known by the names that are usual: `lat`/`latitude`, `lng`/`lon`/`longitude`,
//! `radius` in metres if no unit is said, `points`/`polygon`/`coordinates`/`vertices`. Whatever else stands there limits nothing. Autel's map answers with
//! places (`nfz_dots`, `locations`) around which three circles lie: no flight, a limit of height, a warning.

use super::{
    Band, Edges, Position, Restriction, Shape, Volume, Zone,
    geojson::{reach, restriction},
    read::{Content, Found, Volumes},
};
use crate::json::Json;

const LISTS: [&str; 9] =
    ["zones", "noFlyZones", "no_fly_zones", "nfz", "nfzList", "flyZones", "fly_zones", "list", "data"];

/// Circles around the places of Autel's map, and what they ask.
const CIRCLES: [(&str, Option<&str>); 3] = [
    ("nofly_radius", None),
    ("height_limit_radius", Some("limit of height")),
    ("warning_radius", Some("warning zone")),
];

fn zones(document: &Json) -> &[Json] {
    let mut at = document;
    // A list may stand a few objects deep.
    for _ in 0..4 {
        match at {
            Json::List(items) => return items,
            _ => match at.any(&LISTS) {
                Some(inner) => at = inner,
                None => return &[],
            },
        }
    }
    at.items()
}

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    zones(document)
        .iter()
        .take(20)
        .any(|zone| matches!(circle(zone), Some(Ok(_))) || ring(zone).is_some() || dots(zone).is_some())
}

/// A list of shapes whose name says that one must not fly in them.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    if zones(document).iter().take(20).any(|zone| dots(zone).is_some()) {
        return true;
    }
    let mut at = document;
    for _ in 0..4 {
        if at.any(&["noFlyZones", "no_fly_zones", "nfz", "nfzList"]).is_some() {
            return is(content);
        }
        match at.any(&LISTS) {
            Some(inner) => at = inner,
            None => break,
        }
    }
    false
}

fn number(value: &Json, keys: &[&str]) -> Option<f64> {
    value.any(keys).and_then(Json::number)
}

fn place(value: &Json) -> Result<Position, String> {
    if let Json::Place([lon, lat]) = value {
        return Ok([*lon, *lat]);
    }
    let side = |keys: &[&str], half: &str, ahead: [&str; 2], back: [&str; 2]| {
        let degrees = number(value, keys).ok_or("a place has no latitude and longitude")?;
        let told = value.any(&[half]).and_then(Json::label).unwrap_or_default();
        let is_of = |words: [&str; 2]| words.iter().any(|word| told.eq_ignore_ascii_case(word));
        if told.is_empty() || is_of(ahead) && degrees >= 0.0 {
            Ok(degrees)
        } else if is_of(back) {
            // Some write the sign and the letter.
            Ok(-degrees.abs())
        } else {
            Err(format!(
                "of a place `{half}` is `{}` and the number {degrees}",
                told.chars().take(20).collect::<String>()
            ))
        }
    };
    let lat = side(&["lat", "latitude"], "latitude_type", ["N", "north"], ["S", "south"])?;
    Ok([side(&["lng", "lon", "longitude", "long"], "longitude_type", ["E", "east"], ["W", "west"])?, lat])
}

/// The places of Autel's map, of one zone.
fn dots(zone: &Json) -> Option<&[Json]> {
    zone.any(&["nfz_dots"]).map(Json::each)
}

/// Centre and metres; `None`: no radius is said.
fn circle(zone: &Json) -> Option<Result<(Position, f64), String>> {
    let radius = match reach(zone, &["radius", "radius_m", "r"]) {
        Ok(radius) => radius.filter(|radius| *radius > 0.0)?,
        Err(why) => return Some(Err(why.to_owned())),
    };
    let own = ["lat", "latitude", "lng", "lon", "longitude", "long"];
    let inner =
        zone.any(&["center", "centre", "centerPoint", "location"]).filter(|_| zone.any(&own).is_none());
    Some(place(inner.unwrap_or(zone)).map(|centre| (centre, radius)))
}

/// Corners; `None`: none are said.
fn ring(zone: &Json) -> Option<Result<Vec<Position>, String>> {
    let points = zone.any(&[
        "points",
        "polygon",
        "polygonPoints",
        "coordinates",
        "vertices",
        "vertexs",
        "boundary_pts",
    ])?;
    match points {
        Json::Line(points) => Some(Ok(points.clone())),
        Json::List(items) => match items.as_slice() {
            [] => None,
            [Json::Line(points)] => Some(Ok(points.clone())),
            _ => Some(
                items
                    .iter()
                    .map(place)
                    .collect::<Result<_, _>>()
                    .map_err(|why| format!("of its corners {why}")),
            ),
        },
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the list of formats has it")]
pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    for one in zones(document) {
        let mut zone = Zone {
            id: one.any(&["id", "zoneId", "areaId", "uuid"]).and_then(Json::label).unwrap_or_default(),
            name: one.any(&["name", "title", "zoneName", "nfz_name"]).and_then(Json::said),
            country: one.any(&["country", "countryCode"]).and_then(Json::text).map(str::to_owned),
            ..Zone::default()
        };
        if let Some(dots) = dots(one) {
            read_dots(dots, &zone, found);
            continue;
        }
        zone.restriction = restriction(one.any(&["type", "level", "category", "zoneType"]));
        let band = Band::default();
        let mut volumes = Volumes::default();
        if let Some(ring) = ring(one) {
            volumes
                .push(ring.and_then(|ring| found.area(&[ring], Edges::Straight, band, &mut zone.degraded)));
        }
        // Beside corners that are known it says nothing; of those that are not it may cover some.
        if !volumes.is_whole()
            && let Some(circle) = circle(one)
        {
            let shape = circle.and_then(|(centre, radius)| Ok(Shape::circle(centre, radius)?));
            volumes.push(shape.map(|shape| Volume { shape, band }));
        }
        if volumes.is_empty() {
            volumes.push(Err("it has neither a centre and radius nor corners".to_owned()));
        }
        found.add(zone, volumes);
    }
    Ok(())
}

/// A zone for each kind of circle. Places without any are the corners of an area.
fn read_dots(dots: &[Json], zone: &Zone, found: &mut Found) {
    let band = Band::default();
    let mut all = CIRCLES.map(|_| Volumes::default());
    let mut degraded = Vec::new();
    for dot in dots {
        let places = dot.any(&["locations"]).map(Json::each).unwrap_or_default();
        if places.is_empty() {
            all.iter_mut().take(1).for_each(|nofly| nofly.push(Err("a dot has no locations".to_owned())));
        }
        let mut corners = Vec::new();
        for one in places {
            let mut has_circle = false;
            for ((key, _), volumes) in CIRCLES.iter().zip(&mut all) {
                let radius = reach(one, &[key]).transpose().filter(|radius| *radius != Ok(0.0));
                let Some(radius) = radius else { continue };
                has_circle = true;
                let shape = || -> Result<Shape, String> { Ok(Shape::circle(place(one)?, radius?)?) };
                volumes.push(shape().map(|shape| Volume { shape, band }));
            }
            if !has_circle {
                corners.push(place(one));
            }
        }
        if let ([nofly, ..], false) = (&mut all, corners.is_empty()) {
            let ring: Result<Vec<Position>, String> = corners.into_iter().collect();
            nofly.push(ring.and_then(|ring| found.area(&[ring], Edges::Straight, band, &mut degraded)));
        }
    }
    let mut is_placed = false;
    for ((_, asks), volumes) in CIRCLES.iter().zip(all) {
        if volumes.is_empty() {
            continue;
        }
        is_placed = true;
        let restriction = asks.map_or(Restriction::Prohibited, |asks| Restriction::Other(asks.to_owned()));
        found.add(Zone { restriction, degraded: degraded.clone(), ..zone.clone() }, volumes);
    }
    if !is_placed {
        let mut none = Volumes::default();
        none.push(Err("it has neither circles nor corners".to_owned()));
        found.add(zone.clone(), none);
    }
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, Place, Source, Zones, read as read_file, testing::answer};

    #[test]
    fn circles_of_three_kinds_around_a_place() {
        let file = br#"[{"country": "Nowhere", "nfz_name": "Field", "nfz_type": "Airport", "nfz_dots": [{"dot_type": 1, "locations": [
            {"longitude": 8.0, "latitude": -47.0, "longitude_type": "W", "latitude_type": "S", "nofly_radius": 2000, "height_limit_radius": 8000, "warning_radius": 9000}]}]},
            {"nfz_name": "Yard", "nfz_dots": [{"dot_type": 2, "locations": [{"longitude": 8, "latitude": 46}, {"longitude": 8.1, "latitude": 46}, {"longitude": 8.1, "latitude": 46.1}]}]},
            {"nfz_name": "Nothing", "nfz_dots": []}]"#;
        let (source, zones) = read_file("x", file).unwrap();
        assert_eq!((source.format, zones.len(), source.flaws.len()), ("Autel", 4, 1));
        let zones = Zones::new([(Source::default(), zones)]);
        for (lat, lon, expected) in [
            (-47.01, -8.0, vec!["no flight", "limit of height", "warning zone"]),
            (-47.05, -8.0, vec!["limit of height", "warning zone"]),
            (-47.08, -8.0, vec!["warning zone"]),
            (-47.01, 8.0, vec![]),
            (46.02, 8.05, vec!["no flight"]),
        ] {
            let place = Place { lat, lon, time: None, height: None, accuracy_m: 1.0 };
            let asks: Vec<String> =
                zones.check(&place).iter().map(|met| met.zone.restriction.to_string()).collect();
            assert_eq!(asks, expected, "{lat} {lon}");
        }
    }

    #[test]
    fn what_is_not_understood_of_a_shape_is_told() {
        let file =
            |zone: &str| format!(r#"{{"noFlyZones": [{zone}, {{"lat": 10, "lng": 10, "radius": 50}}]}}"#);
        let corner = r#"{"lat": 47.04, "lng": 8}, {"lat": 47.04, "lng": 8.1}"#;
        let place = |half: &str| {
            format!(
                r#"{{"nfz_dots": [{{"locations": [{{"longitude": 8, "latitude": 47, {half}, "nofly_radius": 5000}}]}}]}}"#
            )
        };
        for (zone, why, inside) in [
            (r#"{"lat": 47, "lng": 8, "radius": 5, "radiusUnit": "km"}"#.to_owned(), "", true),
            (r#"{"lat": 47, "lng": 8, "radius": "5 km"}"#.to_owned(), "", true),
            (r#"{"lat": 47, "lng": 8, "radius": "5 leagues"}"#.to_owned(), "unit of its radius", false),
            (r#"{"radius": 5000}"#.to_owned(), "no latitude and longitude", false),
            (r#"{"center": {"lat": 47, "lng": 8}, "radius": 5000}"#.to_owned(), "", true),
            (
                r#"{"lat": 47, "center": {"lat": 47, "lng": 8}, "radius": 5000}"#.to_owned(),
                "no latitude and longitude",
                false,
            ),
            // The circle is kept, for the corners may lie in it.
            (
                format!(
                    r#"{{"lat": 47, "lng": 8, "radius": 5000, "points": [{corner}, {{"lat": "x", "lng": 8}}]}}"#
                ),
                "of its corners",
                true,
            ),
            (format!(r#"{{"points": [{corner}, 7]}}"#), "of its corners", false),
            (place(r#""latitude_type": "North", "longitude_type": "EAST""#), "", true),
            (place(r#""latitude_type": "", "longitude_type": null"#), "", true),
            (place(r#""latitude_type": "Z""#), "`latitude_type` is `Z`", false),
            (place(r#""longitude_type": 1"#), "`longitude_type` is `1`", false),
            (place(r#""longitude_type": "W""#), "", false),
            (place(r#""nofly_radius": "5 km""#), "", true),
        ] {
            let (source, zones) = read_file("x", file(&zone).as_bytes()).unwrap();
            assert_eq!(answer(&zones, 47.04, 8.0) == Some(Answer::Inside), inside, "{zone}");
            assert_eq!(source.flaws.is_empty(), why.is_empty(), "{zone}: {:?}", source.flaws);
            assert!(source.flaws.iter().all(|flaw| flaw.contains(why)), "{zone}: {:?}", source.flaws);
        }
        let contrary = r#"{"nfz_dots": [{"locations": [{"longitude": 8, "latitude": -47, "latitude_type": "N", "nofly_radius": 50}]}]}"#;
        let (source, _) = read_file("x", file(contrary).as_bytes()).unwrap();
        assert!(source.flaws[0].contains("the number -47"), "{:?}", source.flaws);
    }

    #[test]
    fn circles_and_corners() {
        let file = br#"{"code": 200, "data": {"list": [
            {"id": 1, "name": "Airport", "latitude": 47.0, "longitude": 8.0, "radius": 1000},
            {"id": 2, "name": "Yard", "points": [{"lat": 46, "lng": 8}, {"lat": 46, "lng": 8.1}, {"lat": 46.1, "lng": 8.1}]},
            {"id": 3, "name": "Nowhere"}]}}"#;
        let (source, zones) = read_file("x", file).unwrap();
        assert_eq!((source.format, zones.len(), source.flaws.len()), ("Autel", 2, 1));
        for (lat, lon, expected) in
            [(47.008, 8.0, Some(Answer::Inside)), (47.01, 8.0, None), (46.02, 8.05, Some(Answer::Inside))]
        {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }
}
