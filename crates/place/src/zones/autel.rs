//! Lists of no-fly zones as other vendors' apps keep them, Autel's among them: objects with a centre and a radius, or with corners.
//!
//! No vendor publishes what it writes, so the shapes are known by the names that are usual: `lat`/`latitude`, `lng`/`lon`/`longitude`,
//! `radius` in metres, `points`/`polygon`/`coordinates`/`vertices`. Whatever else stands there limits nothing.

use super::{
    Band, Edges, Position, Shape, Volume, Zone,
    geojson::restriction,
    read::{Content, Found, Volumes},
};
use crate::json::Json;

const LISTS: [&str; 9] =
    ["zones", "noFlyZones", "no_fly_zones", "nfz", "nfzList", "flyZones", "fly_zones", "list", "data"];

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
    zones(document).iter().take(20).any(|zone| circle(zone).is_some() || ring(zone).is_some())
}

/// A list of shapes whose name says that one must not fly in them.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
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

fn place(value: &Json) -> Option<Position> {
    if let Json::Place([lon, lat]) = value {
        return Some([*lon, *lat]);
    }
    let lat = number(value, &["lat", "latitude"])?;
    Some([number(value, &["lng", "lon", "longitude", "long"])?, lat])
}

fn circle(zone: &Json) -> Option<(Position, f64)> {
    let radius = number(zone, &["radius", "radius_m", "r"]).filter(|radius| *radius > 0.0)?;
    let centre =
        place(zone).or_else(|| zone.any(&["center", "centre", "centerPoint", "location"]).and_then(place))?;
    Some((centre, radius))
}

fn ring(zone: &Json) -> Option<Vec<Position>> {
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
        Json::Line(points) => Some(points.clone()),
        Json::List(items) => match items.as_slice() {
            [Json::Line(points)] => Some(points.clone()),
            _ => items.iter().map(place).collect(),
        },
        _ => None,
    }
    .filter(|ring| ring.len() >= 3)
}

#[expect(clippy::unnecessary_wraps, reason = "as the list of formats has it")]
pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    for one in zones(document) {
        let mut zone = Zone {
            id: one.any(&["id", "zoneId", "areaId", "uuid"]).and_then(Json::label).unwrap_or_default(),
            name: one.any(&["name", "title", "zoneName"]).and_then(Json::said),
            country: one.any(&["country", "countryCode"]).and_then(Json::text).map(str::to_owned),
            restriction: restriction(one.any(&["type", "level", "category", "zoneType"])),
            ..Zone::default()
        };
        let band = Band::default();
        let mut volumes = Volumes::default();
        if let Some(ring) = ring(one) {
            volumes.push(found.area(&[ring], Edges::Straight, band, &mut zone.degraded));
        } else if let Some((centre, radius)) = circle(one) {
            volumes.push(
                Shape::circle(centre, radius).map(|shape| Volume { shape, band }).map_err(str::to_owned),
            );
        } else {
            volumes.push(Err("it has neither a centre and radius nor corners".to_owned()));
        }
        found.add(zone, volumes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, read as read_file, testing::answer};

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
