//! The FAA's layers of airspace, as its `ArcGIS` servers write them: `GeoJSON` or Esri JSON.
//!
//! * UAS facility maps: cells of 30″ in controlled airspace. `CEILING` is the height in feet above ground up to which authorisation
//!   is given by machine: it is no limit of the zone, which asks for authorisation at every height.
//! * National security UAS restrictions: `FLOOR` and `CEILING` are limits, in feet above ground.
//! * Airspace: `LOWER_VAL`, `UPPER_VAL` with codes for what they count from.
//!
//! Esri JSON without these fields is somebody else's: its zones hold at all heights.

use creance_model::Timestamp;

use super::{
    Band, Datum, Edges, Limit, Moment, Position, Restriction, Zone,
    geojson::{Way, restriction, shapes},
    heights::FOOT,
    read::{Content, Found, Volumes, note},
};
use crate::json::Json;

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let features = document.get("features").unwrap_or(&Json::Null).items();
    features.iter().take(20).any(|feature| {
        let attributes = attributes(feature);
        attributes.any(&["CEILING"]).is_some() && attributes.any(&FACILITY).is_some()
            || attributes.any(&["UPPER_VAL"]).is_some()
    })
}

/// Fields that only these layers have: rooms have ceilings too.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let features = document.get("features").unwrap_or(&Json::Null).items();
    features.iter().take(20).any(|feature| {
        let says = attributes(feature);
        let facility = ["MAP_EFF", "APT1_ICAO", "APT1_FAAID", "APT1_LAANC", "LAANC", "ARPT_COUNT"];
        says.any(&["CEILING"]).is_some()
            && (says.any(&facility).is_some()
                || says.any(&["FLOOR"]).is_some() && says.any(&["Base"]).is_some())
            || says.any(&["UPPER_VAL"]).is_some() && says.any(&["LOWER_VAL"]).is_some()
    })
}

/// Whatever else is in Esri JSON.
pub(super) fn is_esri(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let features = document.get("features").unwrap_or(&Json::Null).items();
    features.iter().take(20).any(|feature| feature.get("attributes").is_some())
}

/// What only these layers have.
pub(super) const FACILITY: [&str; 10] = [
    "UNIT",
    "MAP_EFF",
    "LAST_EDIT",
    "APT1_ICAO",
    "APT1_FAAID",
    "APT1_LAANC",
    "LAANC",
    "ARPT_COUNT",
    "FLOOR",
    "Base",
];

fn attributes(feature: &Json) -> &Json {
    feature.get("attributes").or_else(|| feature.get("properties")).unwrap_or(&Json::Null)
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    let project = project(document)?;
    let is_faa = is(content);
    for feature in document.get("features").unwrap_or(&Json::Null).items() {
        zone(feature, is_faa, project, found);
    }
    Ok(())
}

/// Reads a feature.
pub(super) fn zone(feature: &Json, is_faa: bool, project: Project, found: &mut Found) {
    let says = attributes(feature);
    let said = |keys: &[&str]| says.any(keys).and_then(Json::label);
    let mut zone = Zone {
        id: said(&["GLOBALID", "GLOBAL_ID", "OBJECTID", "FID", "IDENT"]).unwrap_or_default(),
        name: said(&["NAME", "Base", "Facility"]).or_else(|| facility(says)),
        country: is_faa.then(|| "USA".to_owned()),
        updated: says.any(&["MAP_EFF", "LAST_EDIT", "EFFECTIVE"]).and_then(date),
        ..Zone::default()
    };
    let edition = says.any(&["LAST_EDIT"]).and_then(date).max(zone.updated);
    found.issued = found.issued.max(edition);
    let number = |keys: &[&str]| says.any(keys).and_then(Json::number);
    let band = if !is_faa {
        zone.restriction = restriction(says.any(&["restriction", "restrictions", "type", "category"]));
        Ok(Band::default())
    } else if says.any(&["UPPER_VAL", "LOWER_VAL"]).is_some() {
        zone.restriction = Restriction::Other(
            said(&["TYPE_CODE", "CLASS", "LOCAL_TYPE"]).unwrap_or_else(|| "airspace".to_owned()),
        );
        airspace(says)
    } else if says.any(&["FLOOR", "Base"]).is_some() {
        zone.restriction = Restriction::Prohibited;
        let limit = |feet: f64| Limit::new(feet * FOOT, Datum::Ground);
        Band::new(number(&["FLOOR"]).map(limit), number(&["CEILING"]).map(limit))
    } else {
        zone.restriction = Restriction::Authorisation;
        match number(&["CEILING"]) {
            Some(feet) if feet > 0.0 => {
                zone.says = Some(format!(
                    "authorised by machine up to {feet:.0} ft ({:.0} m) above ground",
                    feet * FOOT
                ));
            }
            Some(_) => zone.says = Some("not authorised by machine at any height".to_owned()),
            None => note(&mut zone.degraded, "it has no CEILING".to_owned()),
        }
        Ok(Band::default())
    };
    let band = band.unwrap_or_else(|why| {
        note(&mut zone.degraded, why.to_owned());
        Band::default()
    });
    let geometry = feature.get("geometry").unwrap_or(&Json::Null);
    let mut volumes = Volumes::default();
    if let Some(rings) = geometry.get("rings") {
        for rings in parts(rings, project) {
            volumes.push(found.area(&rings, Edges::Straight, band, &mut zone.degraded));
        }
        if volumes.is_empty() {
            volumes.push(Err("its rings have no corners".to_owned()));
        }
    } else {
        let way = Way { edges: Edges::Straight, band, reach: Ok(None) };
        shapes(geometry, &way, found, &mut zone.degraded, &mut volumes, 0);
    }
    found.add(zone, volumes);
}

/// `LaGuardia Airport, 200 ft`.
fn facility(says: &Json) -> Option<String> {
    let airport = says.any(&["APT1_NAME", "APT1_ICAO", "UNIT"]).and_then(Json::text)?;
    let feet = says.any(&["CEILING"]).and_then(Json::number)?;
    Some(format!("{airport}, {feet:.0} ft"))
}

/// A day, or milliseconds since 1970.
fn date(value: &Json) -> Option<Timestamp> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "checked against the range first")]
        Json::Number(millis) if millis.abs() < 9e12 => {
            Some(Timestamp::from_nanos(*millis as i64 * 1_000_000))
        }
        other => {
            let text = other.text()?;
            // 12/28/2026 is American.
            let american: Vec<&str> = text.split(' ').next()?.split('/').collect();
            match american.as_slice() {
                [month, day, year] if year.len() == 4 => {
                    Moment::parse(&format!("{year}-{month:0>2}-{day:0>2}")).map(|moment| moment.time)
                }
                [year, month, day] if year.len() == 4 => {
                    Moment::parse(&format!("{year}-{month:0>2}-{day:0>2}")).map(|moment| moment.time)
                }
                _ => Moment::parse(text).map(|moment| moment.time),
            }
        }
    }
}

fn airspace(says: &Json) -> Result<Band, &'static str> {
    let limit = |side: &str| {
        let key = |what: &str| says.any(&[&format!("{side}_{what}")]).cloned();
        let value = key("VAL").as_ref().and_then(Json::number)?;
        // −9998 stands for none.
        if value <= -9_000.0 {
            return None;
        }
        let code = key("CODE").as_ref().and_then(Json::text).unwrap_or_default().to_ascii_uppercase();
        let unit = key("UOM").as_ref().and_then(Json::text).unwrap_or("FT").to_ascii_uppercase();
        let (scale, datum) = match (unit.as_str(), code.as_str()) {
            ("FL", _) | (_, "STD") => (if value < 1000.0 { 100.0 * FOOT } else { FOOT }, Datum::Pressure),
            ("M", "AGL" | "SFC") => (1.0, Datum::Ground),
            ("M", _) => (1.0, Datum::Sea),
            (_, "AGL" | "SFC") => (FOOT, Datum::Ground),
            _ => (FOOT, Datum::Sea),
        };
        Some(Limit::new(value * scale, datum))
    };
    Band::new(limit("LOWER"), limit("UPPER"))
}

/// Degrees of coordinates: as they are, or of the Mercator map of the web.
pub(super) type Project = fn(Position) -> Position;

fn project(document: &Json) -> Result<Project, String> {
    let Some(system) = document.get("spatialReference") else { return Ok(|place| place) };
    let number = |key: &str| system.get(key).and_then(Json::number);
    match number("latestWkid").or(number("wkid")) {
        None | Some(4326.0 | 4269.0 | 4979.0) => Ok(|place| place),
        Some(3857.0 | 102_100.0 | 102_113.0) => Ok(|[x, y]| {
            const RADIUS: f64 = 6_378_137.0;
            [(x / RADIUS).to_degrees(), (y / RADIUS).sinh().atan().to_degrees()]
        }),
        Some(other) => Err(format!(
            "spatialReference.wkid is {other}, expected 4326 or 3857; ask the server for outSR=4326"
        )),
    }
}

/// Corners that are looked at to find the areas that holes of one zone lie in.
const MOST_WORK: usize = 20_000_000;

/// Areas of Esri's rings: those that turn clockwise are edges, the others holes of the edge that holds them.
fn parts(rings: &Json, project: Project) -> Vec<Vec<Vec<Position>>> {
    let lines = match rings {
        Json::Line(points) => vec![points.clone()],
        other => other
            .items()
            .iter()
            .filter_map(|ring| if let Json::Line(points) = ring { Some(points.clone()) } else { None })
            .collect(),
    };
    let mut areas: Vec<Vec<Vec<Position>>> = Vec::new();
    let mut holes = Vec::new();
    for ring in lines {
        let ring: Vec<Position> = ring.into_iter().map(project).collect();
        if turns_left(&ring) { holes.push(ring) } else { areas.push(vec![ring]) }
    }
    if areas.is_empty() {
        return holes.into_iter().map(|ring| vec![ring]).collect();
    }
    if let [only] = areas.as_mut_slice() {
        only.extend(holes);
        return areas;
    }
    // Among many areas one would search long: holes beyond that stay filled.
    let mut work = MOST_WORK;
    for hole in holes {
        let Some(corner) = hole.first().copied() else { continue };
        let owner = areas.iter_mut().find(|area| {
            let ring = area.first().map(Vec::as_slice).unwrap_or_default();
            work = work.saturating_sub(ring.len());
            work > 0 && holds(ring, corner)
        });
        if let Some(owner) = owner {
            owner.push(hole);
        }
    }
    areas
}

fn turns_left(ring: &[Position]) -> bool {
    let pairs = ring.iter().zip(ring.iter().cycle().skip(1));
    pairs.map(|([x, y], [to_x, to_y])| x * to_y - to_x * y).sum::<f64>() > 0.0
}

fn holds(ring: &[Position], [x, y]: Position) -> bool {
    let pairs = ring.iter().zip(ring.iter().cycle().skip(1));
    let crossed = pairs.filter(|([from_x, from_y], [to_x, to_y])| {
        (*from_y > y) != (*to_y > y) && from_x + (to_x - from_x) * (y - from_y) / (to_y - from_y) > x
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use crate::zones::{
        Answer, read as read_file,
        testing::{answer, check},
    };

    #[test]
    fn a_facility_map_asks_at_every_height() {
        let file = br#"{"type": "FeatureCollection", "features": [{"type": "Feature",
            "properties": {"OBJECTID": 2, "CEILING": 200, "UNIT": "XYZ ATCT", "APT1_NAME": "Some Airport", "MAP_EFF": "2026-06-12"},
            "geometry": {"type": "Polygon", "coordinates": [[[-73.92, 40.76], [-73.90, 40.76], [-73.90, 40.78], [-73.92, 40.78], [-73.92, 40.76]]]}}]}"#;
        let (source, zones) = read_file("x", file).unwrap();
        assert_eq!(
            (source.format, source.issued.unwrap().to_string()),
            ("FAA", "2026-06-12T00:00:00Z".to_owned())
        );
        assert_eq!(zones[0].name.as_deref(), Some("Some Airport, 200 ft"));
        assert_eq!(answer(&zones, 40.77, -73.91), Some(Answer::Inside));
        assert!(check(&zones, 40.77, -73.91)[0].2.contains("up to 200 ft (61 m)"));
    }

    #[test]
    fn esri_json_with_a_hole_in_mercator() {
        // The cell of 0 … 1° on Esri's map; its hole is the middle tenth.
        let file = br#"{"geometryType": "esriGeometryPolygon", "spatialReference": {"wkid": 102100, "latestWkid": 3857}, "features": [
            {"attributes": {"NAME": "Cell", "LOWER_VAL": 0, "LOWER_CODE": "SFC", "UPPER_VAL": -9998, "LAST_EDIT": 1781164812000},
             "geometry": {"rings": [[[0,0],[0,111325.14],[111319.49,111325.14],[111319.49,0],[0,0]],
                                    [[50000,50000],[60000,50000],[60000,60000],[50000,60000],[50000,50000]]]}}]}"#;
        let (_, zones) = read_file("x", file).unwrap();
        for (lat, lon, expected) in [(0.1, 0.1, Some(Answer::Inside)), (0.5, 0.5, None), (1.001, 0.5, None)] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
        let plain = String::from_utf8_lossy(file).replace("_VAL", "").replace("LAST_EDIT", "X");
        let (source, zones) = read_file("x", plain.as_bytes()).unwrap();
        assert_eq!((source.format, zones[0].country.as_deref()), ("Esri JSON", None));
        assert_eq!(answer(&zones, 0.1, 0.1), Some(Answer::Inside));
        let other = String::from_utf8_lossy(file).replace("102100", "2263").replace("3857", "2263");
        assert!(read_file("x", other.as_bytes()).unwrap_err().contains("2263"));
    }
}
