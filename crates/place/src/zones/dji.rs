//! DJI's geofencing zones, as its map service answers: `areas` with circles and polygons, in parts (`sub_areas`).
//!
//! These are the vendor's zones, not the law's. A `height` is how high one may fly there, so the zone is there below it too. Parts that ask
//! for different things are zones of their own. The circle of the area itself is only drawn around them where a part asks what the area
//! does, and `shape` does not say that the area is a circle (0; a polygon is 1); else it is kept, and its zone marked.

use std::collections::{HashMap, HashSet};

use super::{
    Band, Edges, Moment, Period, Position, Restriction, Shape, Volume, Zone,
    read::{Content, Found, Volumes, note},
};
use crate::json::Json;

fn areas(document: &Json) -> Option<&Json> {
    document.get("areas").or_else(|| document.get("data")?.get("areas"))
}

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let list = areas(document).unwrap_or(document).each();
    list.iter().take(20).any(|area| {
        area.get("area_id").is_some()
            || area.get("sub_areas").is_some()
            || area.get("polygon_points").is_some()
    })
}

/// A level beside a number and a shape.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let list = areas(document).unwrap_or(document).each();
    list.iter().take(20).any(|area| {
        let shaped = ["radius", "sub_areas", "polygon_points"].iter().any(|key| area.get(key).is_some());
        area.get("area_id").is_some() && area.get("level").is_some() && shaped
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as the list of formats has it")]
pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    for area in areas(document).unwrap_or(document).each() {
        let mut zone = Zone {
            id: area.get("area_id").or_else(|| area.get("id")).and_then(Json::label).unwrap_or_default(),
            name: area.get("name").and_then(Json::text).map(str::to_owned),
            country: area.get("country").and_then(Json::text).map(str::to_owned),
            ..Zone::default()
        };
        let moment = |key: &str| {
            let seconds =
                area.get(key).and_then(Json::number).filter(|seconds| *seconds > 0.0 && *seconds < 1e10)?;
            #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
            Some(Moment { time: creance_model::Timestamp::from_secs(seconds as i64), zoned: true })
        };
        match (moment("begin_at"), moment("end_at")) {
            (None, None) => {}
            (Some(from), Some(to)) if to.time <= from.time => {
                note(&mut zone.degraded, "it ends before it starts".to_owned());
            }
            (from, to) => zone.periods = vec![Period { from, to, ..Period::default() }],
        }
        // Its zones, by what they ask.
        let mut all: Vec<(Zone, Volumes)> = Vec::new();
        let (mut known, mut kinds) = (HashMap::new(), HashSet::new());
        let parts = area.get("sub_areas").unwrap_or(&Json::Null).each();
        for one in parts.iter().chain([area]) {
            let (kind, says) = (level(one, area), ceiling(one));
            let around = if !std::ptr::eq(one, area) {
                Around::Part
            } else if all.is_empty() || !all.iter().all(|(_, volumes)| volumes.is_whole()) {
                // What a part that is not known would cover stays covered.
                Around::Nothing
            } else if kinds.contains(kind) && area.get("shape").and_then(Json::number) != Some(0.0) {
                Around::Parts
            } else {
                Around::PerhapsParts
            };
            kinds.insert(kind);
            let at = *known.entry((kind, says.clone())).or_insert_with(|| {
                let restriction = Restriction::Other(kind.to_owned());
                all.push((Zone { restriction, says, ..zone.clone() }, Volumes::default()));
                all.len() - 1
            });
            if let Some((zone, volumes)) = all.get_mut(at) {
                shapes(one, around, found, &mut zone.degraded, volumes);
            }
        }
        all.retain(|(_, volumes)| !volumes.is_empty());
        if all.is_empty() {
            let mut volumes = Volumes::default();
            volumes.push(Err("it has neither a radius nor polygon_points".to_owned()));
            all.push((zone, volumes));
        }
        for (zone, volumes) in all {
            found.add(zone, volumes);
        }
    }
    Ok(())
}

/// How high one may fly, where that is said.
fn ceiling(one: &Json) -> Option<String> {
    let metres = one.get("height").and_then(Json::number).filter(|metres| *metres > 0.0)?;
    Some(format!("up to {metres:.0} m above ground"))
}

/// What a part of an area asks. The server gives restricted and recommended zones out that are none: one may fly there up to a height,
/// or their colour is that of regulatory restrictions.
fn level(one: &Json, area: &Json) -> &'static str {
    let told = |key: &str| one.get(key).or_else(|| area.get(key));
    let colour = told("color").and_then(Json::text).unwrap_or_default();
    let is_coloured = |wanted: &str| colour.eq_ignore_ascii_case(wanted);
    let level = match told("level").and_then(Json::number) {
        Some(2.0) if ceiling(one).is_some() || is_coloured("#979797") => Some(6.0),
        Some(7.0) if is_coloured("#37C4DB") => Some(4.0),
        level => level,
    };
    match level {
        Some(0.0) => "DJI warning zone",
        Some(1.0) => "DJI authorisation zone",
        Some(2.0) => "DJI restricted zone",
        Some(3.0) => "DJI enhanced warning zone",
        Some(4.0) => "DJI regulatory restricted zone",
        Some(5.0 | 7.0) => "DJI recommended zone",
        Some(6.0) => "DJI altitude zone",
        Some(8.0) => "DJI approved zone for light aircraft",
        Some(9.0) => "DJI densely populated area",
        _ => "DJI zone",
    }
}

/// What a circle is drawn around.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Around {
    /// It is a part of an area.
    Part,
    /// It is an area.
    Nothing,
    /// Parts, and is nothing itself.
    Parts,
    /// It may be either.
    PerhapsParts,
}

fn shapes(area: &Json, around: Around, found: &mut Found, notes: &mut Vec<String>, volumes: &mut Volumes) {
    let band = Band::default();
    let rings: Vec<Option<&Vec<Position>>> = match area.get("polygon_points") {
        Some(Json::Line(points)) => vec![Some(points)],
        // An empty ring is none.
        Some(list) => list
            .items()
            .iter()
            .filter(|ring| !matches!(ring, Json::List(items) if items.is_empty()))
            .map(|ring| if let Json::Line(points) = ring { Some(points) } else { None })
            .collect(),
        None => Vec::new(),
    };
    let (has_shape, has_corners) = (!rings.is_empty(), rings.iter().any(Option::is_some));
    for ring in rings {
        volumes.push(match ring {
            Some(ring) => found.area(std::slice::from_ref(ring), Edges::Straight, band, notes),
            None => Err("corners of polygon_points are no places".to_owned()),
        });
    }
    let number = |key: &str| area.get(key).and_then(Json::number);
    let radius = number("radius").filter(|radius| *radius > 0.0);
    if around == Around::Part && !has_shape && radius.is_none() {
        volumes.push(Err("a part has neither a radius nor polygon_points".to_owned()));
    }
    let Some(radius) = radius.filter(|_| !has_corners && around != Around::Parts) else { return };
    if around == Around::PerhapsParts {
        note(notes, "its circle may only be drawn around its parts, and is kept");
    }
    let circle = || -> Result<Shape, String> {
        let (lat, lon) =
            number("lat").zip(number("lng").or(number("lon"))).ok_or("a circle has no lat and lng")?;
        Ok(Shape::circle([lon, lat], radius)?)
    };
    volumes.push(circle().map(|shape| Volume { shape, band }));
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, Place, Source, Zones, read as read_file, testing::answer};

    #[test]
    fn no_corners_and_a_radius_are_a_circle() {
        for corners in ["[]", "[[]]", "null"] {
            let file = format!(
                r#"{{"areas": [{{"area_id": 1, "lat": 47, "lng": 8, "radius": 100, "polygon_points": {corners}}}]}}"#
            );
            let (_, zones) = read_file("x", file.as_bytes()).unwrap();
            assert_eq!(answer(&zones, 47.0, 8.001), Some(Answer::Inside), "{corners}");
        }
    }

    #[test]
    fn parts_are_of_different_levels_and_the_circle_around_them_is_none() {
        let file = br##"{"areas": [{"area_id": 7, "name": "Field", "shape": 2, "lat": 46, "lng": 8, "radius": 20000, "level": 2, "color": "#DE4329", "sub_areas": [
            {"level": 2, "height": 0, "color": "#DE4329", "shape": 0, "lat": 46, "lng": 8, "radius": 1000, "polygon_points": null},
            {"level": 2, "height": 60, "color": "#979797", "shape": 1, "lat": 46, "lng": 8.05, "radius": 2000, "polygon_points": [[[8.02, 46], [8.1, 46], [8.1, 46.01], [8.02, 46.01], [8.02, 46]]]},
            {"level": 7, "color": "#37C4DB", "shape": 0, "lat": 45, "lng": 8, "radius": 100}]}]}"##;
        let (_, zones) = read_file("x", file).unwrap();
        let zones = Zones::new([(Source::default(), zones)]);
        let asks = |lat, lon| {
            let place = Place { lat, lon, time: None, height: None, accuracy_m: 1.0 };
            let met = zones.check(&place);
            met.iter()
                .map(|met| (met.zone.restriction.to_string(), met.zone.says.as_deref()))
                .collect::<Vec<_>>()
        };
        assert_eq!(asks(46.005, 8.0), [("DJI restricted zone".to_owned(), None)]);
        assert_eq!(asks(46.005, 8.05), [("DJI altitude zone".to_owned(), Some("up to 60 m above ground"))]);
        assert_eq!(asks(45.0, 8.0), [("DJI regulatory restricted zone".to_owned(), None)]);
        assert_eq!(asks(46.1, 8.0), []);
    }

    #[test]
    fn the_circle_of_an_area_is_lost_only_where_parts_stand_for_it() {
        for (shape, level, is_kept) in
            [("2", 2, false), ("null", 2, false), ("0", 2, true), ("2", 6, true), ("1", 1, true)]
        {
            let file = format!(
                r#"{{"areas": [{{"area_id": 7, "shape": {shape}, "lat": 46, "lng": 8, "radius": 20000, "level": 2, "sub_areas": [
                    {{"level": {level}, "shape": 0, "lat": 46, "lng": 8, "radius": 1000}}]}}]}}"#
            );
            let (source, zones) = read_file("x", file.as_bytes()).unwrap();
            let expected = is_kept.then_some(Answer::Inside);
            assert_eq!((answer(&zones, 46.1, 8.0), source.flaws.len()), (expected, 0), "{shape} {level}");
            let marked =
                zones.iter().any(|zone| zone.degraded.iter().any(|why| why.contains("around its parts")));
            assert_eq!(marked, is_kept, "{shape} {level}");
        }
    }

    #[test]
    fn a_part_that_cannot_be_read_leaves_the_circle_and_is_told() {
        for part in
            [r#"{"polygon_points": [[{"lat": 46, "lng": 8}]]}"#, r#"{"radius": 50}"#, r#"{"height": 60}"#]
        {
            let file = format!(
                r#"{{"areas": [{{"area_id": 7, "lat": 46, "lng": 8, "radius": 20000, "sub_areas": [
                    {{"lat": 46, "lng": 8, "radius": 1000}}, {part}]}}]}}"#
            );
            let (source, zones) = read_file("x", file.as_bytes()).unwrap();
            assert_eq!(answer(&zones, 46.1, 8.0), Some(Answer::Inside), "{part}");
            assert!(zones.iter().any(|zone| !zone.degraded.is_empty()) || !source.flaws.is_empty(), "{part}");
        }
    }

    #[test]
    fn circles_and_parts() {
        let file = br#"{"code": 0, "data": {"areas": [
            {"area_id": 12, "name": "Field", "shape": 0, "lat": 47, "lng": 8, "radius": 5000, "level": 2, "begin_at": 0, "end_at": 0, "sub_areas": [], "polygon_points": null},
            {"area_id": 13, "name": "Strip", "lat": 46, "lng": 8, "radius": 0, "level": 6, "sub_areas": [
                {"level": 6, "height": 60, "polygon_points": [[[8, 46], [8.1, 46], [8.1, 46.1], [8, 46.1]]]}, {"lat": 45, "lng": 8, "radius": 100}]}]}}"#;
        let (source, zones) = read_file("x", file).unwrap();
        assert_eq!((source.format, zones.len()), ("DJI", 3));
        for (lat, lon, expected) in [
            (47.044, 8.0, Some(Answer::Inside)),
            (47.046, 8.0, None),
            (46.05, 8.05, Some(Answer::Inside)),
            (45.0, 8.001, Some(Answer::Inside)),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }
}
