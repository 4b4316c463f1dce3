//! GeoJSON (RFC 7946), as states and people draw zones: areas, circles as points with a radius, lines with a width.
//!
//! Edges are straight in degrees, as the standard says. Whatever else a feature says has no standard: a name, what is asked, a
//! radius and limits of height are looked for under the names that are usual, and what is not found limits nothing.

use super::{
    Band, Datum, Edges, Limit, Moment, Period, Position, Restriction, Shape, Volume, Zone,
    heights::{self, FOOT},
    read::{Content, Found, Volumes, moment, note},
};
use crate::json::Json;

/// Geometries within geometries.
const DEEPEST: usize = 8;

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    kind(document) == "FeatureCollection"
        || kind(document) == "Feature"
        || GEOMETRIES.contains(&kind(document))
}

/// What a zone asks, in the words of the standards, or limits of height that say what they count from.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let like = |feature: &Json| {
        let Some(says) = feature.get("properties") else { return false };
        let asks = ["restriction", "restrictions", "type", "category", "class"].iter().any(|key| {
            matches!(
                restriction(says.any(&[key])),
                Restriction::Prohibited | Restriction::Authorisation | Restriction::USpace
            )
        });
        asks || band(says).is_ok_and(|band| !band.is_unlimited())
    };
    features(document).unwrap_or_default().iter().take(100).any(like)
}

const GEOMETRIES: [&str; 7] =
    ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"];

fn kind(value: &Json) -> &str {
    value.get("type").and_then(Json::text).unwrap_or_default()
}

/// The features of a document, and the properties of one.
pub(super) fn features(document: &Json) -> Result<&[Json], String> {
    if kind(document) != "FeatureCollection" {
        return Ok(std::slice::from_ref(document));
    }
    match document.get("features") {
        Some(Json::List(features)) => Ok(features),
        None => Err("the collection has no features".to_owned()),
        Some(other) => Err(format!("features is {}, expected a list", other.kind())),
    }
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    refuse_other_systems(document)?;
    for key in ["issued", "timestamp", "generated", "created"] {
        found.issued = found.issued.or(moment(document, key, "")?);
    }
    for (number, feature) in features(document)?.iter().enumerate() {
        if !matches!(feature, Json::Object(_)) {
            return Err(format!("feature {} is {}, expected an object", number + 1, feature.kind()));
        }
        let properties = feature.get("properties").unwrap_or(&Json::Null);
        let said = |keys: &[&str]| properties.any(keys).and_then(Json::said);
        let id = feature.get("id").or_else(|| properties.any(&["id", "identifier", "designator"]));
        let mut zone = Zone {
            id: id.and_then(Json::label).unwrap_or_default(),
            name: said(&["name", "title", "designation", "label"]),
            country: said(&["country"]),
            restriction: restriction(properties.any(&[
                "restriction",
                "restrictions",
                "type",
                "typeId",
                "category",
                "class",
            ])),
            says: said(&["message", "remarks"]),
            ..Zone::default()
        };
        let geometry =
            if kind(feature) == "Feature" { feature.get("geometry").unwrap_or(&Json::Null) } else { feature };
        let band = band(properties);
        if band.is_ok() {
            zone.periods = periods(properties, &mut zone.degraded);
        }
        let band = band.unwrap_or_else(|why| {
            note(&mut zone.degraded, why);
            Band::default()
        });
        let reach = reach(properties, &["radius_m", "radius", "buffer_m", "buffer", "bufferzone"]);
        let mut volumes = Volumes::default();
        let way = Way { edges: Edges::Straight, band, reach };
        shapes(geometry, &way, found, &mut zone.degraded, &mut volumes, 0);
        found.add(zone, volumes);
    }
    Ok(())
}

/// Coordinates that are no degrees would lie elsewhere: a file that names another system is refused.
pub(crate) fn refuse_other_systems(document: &Json) -> Result<(), String> {
    let name = document.get("crs").and_then(|crs| crs.get("properties")?.get("name")?.text());
    match name {
        None => Ok(()),
        Some(name)
            if ["4326", "CRS84", "4979", "4258", "WGS84", "WGS 84"]
                .iter()
                .any(|known| name.contains(known)) =>
        {
            Ok(())
        }
        Some(name) => Err(format!(
            "crs is `{}`, expected degrees of WGS 84; convert the file (ogr2ogr -t_srs EPSG:4326)",
            name.chars().take(60).collect::<String>()
        )),
    }
}

/// What is wrong with a collection of geometries without any.
pub(super) const EMPTY: &str = "its geometry is a collection of nothing";

/// How shapes are made of geometries.
pub(super) struct Way {
    pub(super) edges: Edges,
    pub(super) band: Band,
    /// Metres about points and lines, if that is said; `Err`: it is not understood.
    pub(super) reach: Result<Option<f64>, &'static str>,
}

/// Adds the volumes of a geometry.
pub(super) fn shapes(
    geometry: &Json,
    way: &Way,
    found: &mut Found,
    notes: &mut Vec<String>,
    volumes: &mut Volumes,
    depth: usize,
) {
    let coordinates = geometry.get("coordinates").unwrap_or(&Json::Null);
    let band = way.band;
    let own = match reach(geometry.get("extent").unwrap_or(&Json::Null), &["radius"]) {
        Ok(None) => reach(geometry, &["radius"]),
        told => told,
    };
    let reach = if own == Ok(None) { way.reach } else { own };
    let mut point = |place: Position| {
        let reach = reach?.filter(|metres| *metres > 0.0);
        if reach.is_none() {
            note(notes, "it is a point, and how far around it it reaches is not said");
        }
        let shape = Shape::circle(place, reach.unwrap_or(0.0))?;
        Ok(Volume { shape, band })
    };
    let line = |points: &[Position]| {
        let shape = Shape::line(points, reach?.unwrap_or(0.0))?;
        Ok(Volume { shape, band })
    };
    match (kind(geometry), coordinates) {
        ("Point" | "Circle", Json::Place(place)) => volumes.push(point(*place)),
        ("MultiPoint", Json::Line(places)) => volumes.extend(places.iter().copied().map(point)),
        ("LineString", Json::Line(points)) => volumes.push(line(points)),
        ("MultiLineString", Json::List(lines)) if !lines.is_empty() => {
            for one in lines {
                volumes.push(match one {
                    Json::Line(points) => line(points),
                    _ => Err("a line of its geometry is no list of places".to_owned()),
                });
            }
        }
        ("Polygon", rings) => {
            let rings = corners(rings);
            volumes.push(rings.and_then(|rings| found.area(&rings, way.edges, band, notes)));
        }
        ("MultiPolygon", polygons) => {
            if polygons.items().is_empty() {
                volumes.push(Err("its geometry has no coordinates".to_owned()));
            }
            for rings in polygons.items() {
                let rings = corners(rings);
                volumes.push(rings.and_then(|rings| found.area(&rings, way.edges, band, notes)));
            }
        }
        ("GeometryCollection", _) if depth < DEEPEST => {
            let parts = geometry.get("geometries").unwrap_or(&Json::Null).items();
            if parts.is_empty() {
                volumes.push(Err(EMPTY.to_owned()));
            }
            for one in parts {
                shapes(one, way, found, notes, volumes, depth + 1);
            }
        }
        ("GeometryCollection", _) => {
            volumes.push(Err(format!("more than {DEEPEST} geometries lie within each other")));
        }
        ("", _) => volumes.push(Err("it has no geometry".to_owned())),
        (known, _) if GEOMETRIES.contains(&known) => {
            volumes.push(Err(format!("the coordinates are not those of a {known}")));
        }
        (other, _) => {
            let other: String = other.chars().take(40).collect();
            volumes.push(Err(format!("a geometry of type `{other}` is not read")));
        }
    }
}

/// The rings of a polygon.
pub(super) fn corners(rings: &Json) -> Result<Vec<Vec<Position>>, String> {
    let ring = |ring: &Json| match ring {
        Json::Line(points) => Ok(points.clone()),
        _ => Err("a corner is no list of longitude and latitude".to_owned()),
    };
    match rings {
        // One ring where a list of rings is expected.
        Json::Line(points) => Ok(vec![points.clone()]),
        Json::List(rings) if !rings.is_empty() => rings.iter().map(ring).collect(),
        _ => Err("it has no coordinates".to_owned()),
    }
}

/// What a zone asks, in the words of several standards.
pub(super) fn restriction(value: Option<&Json>) -> Restriction {
    let Some(text) = value.and_then(Json::label) else { return Restriction::Unsaid };
    match text.to_ascii_uppercase().replace(['-', ' '], "_").as_str() {
        "PROHIBITED" | "FORBIDDEN" | "NO_FLY" | "NO_FLY_ZONE" => Restriction::Prohibited,
        "REQ_AUTHORISATION" | "REQ_AUTHORIZATION" => Restriction::Authorisation,
        "CONDITIONAL" => Restriction::Conditional,
        "NO_RESTRICTION" => Restriction::None,
        "USPACE" | "U_SPACE" => Restriction::USpace,
        _ => Restriction::Other(text.chars().take(80).collect()),
    }
}

/// Metres about a point or a line, of the first of these names: a number, its unit beside it or behind it, or metres.
pub(super) fn reach(of: &Json, names: &[&str]) -> Result<Option<f64>, &'static str> {
    let blank = |value: &&Json| matches!(value, Json::Text(_)) && value.text().is_none();
    let Some(value) = of.any(names).filter(|value| !blank(value)) else { return Ok(None) };
    let own =
        ["radiusUnit", "radius_unit", "radiusUnits", "radius_units", "radiusUom", "radius_uom", "uomRadius"];
    let beside = if let Some(unit) = of.any(&own) {
        Some(unit.text().ok_or(UNIT)?)
    } else {
        // One that may be that of the heights counts only if it makes more of the radius than metres.
        let shared = of.any(&["uom", "unit", "units"]).and_then(Json::text);
        shared.filter(|unit| scale(unit).is_some_and(|scale| scale > 1.0))
    };
    length(value, beside).map(Some)
}

const UNIT: &str = "the unit of its radius is not known";

/// Metres of a number, or of a text with a unit.
pub(super) fn length(value: &Json, beside: Option<&str>) -> Result<f64, &'static str> {
    let (number, unit) = if let Some(number) = value.number() {
        (Some(number), "")
    } else {
        let text = value.text().unwrap_or_default();
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
        let (number, unit) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or_default();
        // `1,5` is one and a half for one, `1,500` is fifteen hundred for another.
        let number = match number.split_once(',') {
            Some((_, part)) if part.len() > 2 => None,
            _ => number.replace(',', ".").parse().ok(),
        };
        (number, unit.trim())
    };
    let unit = if unit.is_empty() { beside.unwrap_or("m") } else { unit };
    let number = number.filter(|number: &f64| *number >= 0.0).ok_or("its radius is no number")?;
    Ok(number * scale(unit).ok_or(UNIT)?)
}

/// Metres of a unit of lengths on the ground.
fn scale(unit: &str) -> Option<f64> {
    Some(match unit.trim().to_ascii_lowercase().as_str() {
        "m" | "meter" | "metre" | "meters" | "metres" => 1.0,
        "km" | "kilometer" | "kilometre" | "kilometers" | "kilometres" => 1000.0,
        "nm" | "nmi" => 1852.0,
        "mi" | "mile" | "miles" => 1609.344,
        "ft" | "foot" | "feet" => FOOT,
        _ => return None,
    })
}

/// Limits where both value and datum are said: `{"value": …, "unit": …, "referenceDatum": …}`, or a number with its reference
/// beside it. What is not said limits nothing.
fn band(properties: &Json) -> Result<Band, String> {
    let limit = |names: [&str; 3], references: [&str; 3]| -> Result<Option<Limit>, String> {
        let Some(value) = properties.any(&names) else { return Ok(None) };
        let (number, unit, reference) = match value {
            Json::Object(_) => (value.get("value"), value.get("unit"), value.get("referenceDatum")),
            other => {
                (Some(other), properties.any(&["uom", "uomDimensions", "unit"]), properties.any(&references))
            }
        };
        let (Some(number), Some(reference)) = (number.and_then(Json::number), reference) else {
            return Ok(None);
        };
        // openAIP writes numbers for both.
        let code = unit.filter(|unit| matches!(unit, Json::Number(_))).and_then(Json::number);
        let is_level = unit.and_then(Json::text).is_some_and(|unit| unit.eq_ignore_ascii_case("fl"));
        let scale = match code {
            Some(0.0) => 1.0,
            Some(1.0) => FOOT,
            _ if is_level || code == Some(6.0) => 100.0 * FOOT,
            // No standard says one: metres, as heights of GeoJSON are (RFC 7946, 4).
            _ => heights::unit(unit, Some(1.0))?,
        };
        let datum = match reference.label().map(|label| label.to_ascii_uppercase()).as_deref() {
            Some("AGL" | "GND" | "SFC" | "0") => Datum::Ground,
            Some("AMSL" | "MSL" | "1") => Datum::Sea,
            Some("WGS84" | "HAE") => Datum::Ellipsoid,
            Some("STD" | "2") => Datum::Pressure,
            _ => return Ok(None),
        };
        Ok(Some(Limit::new(number * scale, datum)))
    };
    let lower = limit(
        ["lowerLimit", "lower", "lowerCeiling"],
        ["lowerVerticalReference", "lowerReference", "lower_reference"],
    )?;
    let upper = limit(
        ["upperLimit", "upper", "upperCeiling"],
        ["upperVerticalReference", "upperReference", "upper_reference"],
    )?;
    Band::new(lower, upper).map_err(str::to_owned)
}

/// One interval, where its ends are said under the names of ED-269.
fn periods(properties: &Json, notes: &mut Vec<String>) -> Vec<Period> {
    let mut end = |key: &str, parse: fn(&str) -> Option<Moment>| {
        let told =
            properties.any(&[key]).filter(|told| told.text().is_some() || !matches!(told, Json::Text(_)))?;
        let moment = told.text().and_then(parse);
        if moment.is_none() {
            note(notes, format!("its {key} is no date and time"));
        }
        moment
    };
    let (from, to) = (end("startDateTime", Moment::parse), end("endDateTime", Moment::parse_end));
    match (from, to) {
        (None, None) => Vec::new(),
        (Some(from), Some(to)) if to.time <= from.time => {
            note(notes, "it ends before it starts".to_owned());
            Vec::new()
        }
        _ => vec![Period { from, to, ..Period::default() }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{
        Answer, read as read_file,
        testing::{answer, check},
    };

    fn file(features: &str) -> String {
        format!(r#"{{"type": "FeatureCollection", "features": [{features}]}}"#)
    }

    #[test]
    fn areas_holes_circles_and_lines() {
        let text = file(
            r#"{"type": "Feature", "properties": {"name": "Yard", "type": "PROHIBITED"}, "geometry": {"type": "Polygon", "coordinates":
                [[[8, 47, 0], [8.01, 47, 0], [8.01, 47.01, 0], [8, 47.01, 0], [8, 47, 0]], [[8.004, 47.004], [8.006, 47.004], [8.006, 47.006], [8.004, 47.006], [8.004, 47.004]]]}},
              {"type": "Feature", "properties": {"title": "Mast", "Bufferzone": "1 km"}, "geometry": {"type": "Point", "coordinates": [9, 47]}},
              {"type": "Feature", "id": 7, "properties": null, "geometry": {"type": "Point", "coordinates": [9.5, 47]}},
              {"type": "Feature", "properties": {"name": "Line", "buffer_m": 50}, "geometry": {"type": "LineString", "coordinates": [[10, 47], [10.1, 47]]}}"#,
        );
        let (source, zones) = read_file("x.geojson", text.as_bytes()).unwrap();
        assert_eq!((source.format, zones.len(), zones[2].id.as_str()), ("GeoJSON", 4, "7"));
        assert_eq!(zones[0].restriction, Restriction::Prohibited);
        for (lat, lon, expected) in [
            (47.001, 8.001, Some(Answer::Inside)),
            // In the hole.
            (47.005, 8.005, None),
            (47.0, 8.005, Some(Answer::Uncertain)),
            (47.0089, 9.0, Some(Answer::Inside)),
            (47.0091, 9.0, None),
            (47.0004, 10.05, Some(Answer::Inside)),
            (47.0005, 10.05, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
        assert!(zones[2].degraded[0].contains("how far around"));
        // 0.004° to the hole, 0.001° to the edge.
        let margin = check(&zones, 47.001, 8.005)[0].1;
        assert!((margin + 111.2).abs() < 0.1, "{margin}");
    }

    #[test]
    fn faulty_limits_and_units_make_no_zone_smaller() {
        for (said, lat, expected) in [
            (
                r#""radius": 5000, "lower": 9, "lowerReference": "AGL", "upper": 1, "upperReference": "AGL""#,
                47.04,
                Some(Answer::Inside),
            ),
            (
                r#""radius": 5000, "upper": 9, "upperReference": "AGL", "unit": "fathoms""#,
                47.04,
                Some(Answer::Inside),
            ),
            (r#""radius": 5, "radius_unit": "km""#, 47.04, Some(Answer::Inside)),
            (r#""radius": 5, "unit": "KM""#, 47.04, Some(Answer::Inside)),
            (r#""radius": "5", "radiusUnit": "NM""#, 47.08, Some(Answer::Inside)),
            (r#""radius": "5 km""#, 47.046, None),
            (
                r#""radius": 5000, "upper": 9, "upperReference": "AGL", "unit": """#,
                47.04,
                Some(Answer::Inside),
            ),
        ] {
            let one = format!(
                r#"{{"type": "Feature", "properties": {{{said}}}, "geometry": {{"type": "Point", "coordinates": [8, 47]}}}}"#
            );
            let (_, zones) = read_file("x", file(&one).as_bytes()).unwrap();
            assert_eq!(answer(&zones, lat, 8.0), expected, "{said}");
        }
        for (radius, why) in
            [(r#""5 leagues""#, "unit of its radius"), (r#""1,500 m""#, "no number"), ("-5", "no number")]
        {
            let one = format!(
                r#"{{"type": "Feature", "properties": {{"radius": {radius}}}, "geometry": {{"type": "Point", "coordinates": [8, 47]}}}}"#
            );
            let error = read_file("x", file(&one).as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn limits_as_openaip_writes_them() {
        for (unit, datum, band) in [
            (1, 0, "up to 30 m above ground"),
            (0, 1, "up to 100 m above sea"),
            (6, 2, "up to FL100"),
            (7, 0, "all heights"),
            (1, 7, "all heights"),
        ] {
            let one = format!(
                r#"{{"type": "Feature", "properties": {{"name": "X", "upperLimit": {{"value": 100, "unit": {unit}, "referenceDatum": {datum}}}, "lowerLimit": {{"value": 0, "unit": 1, "referenceDatum": 0}}}},
                "geometry": {{"type": "Polygon", "coordinates": [[[8, 47], [8.01, 47], [8.01, 47.01], [8, 47]]]}}}}"#
            );
            let (_, zones) = read_file("x", file(&one).as_bytes()).unwrap();
            assert_eq!(zones[0].volumes[0].band.to_string(), band, "{unit} {datum}");
        }
    }

    #[test]
    fn what_cannot_be_placed_is_told_and_the_rest_kept() {
        let text = file(
            r#"{"type": "Feature", "properties": {"name": "Bad"}, "geometry": {"type": "Polygon", "coordinates": [[[8, 147], [9, 47], [9, 48]]]}},
               {"type": "Feature", "properties": {"name": "None"}, "geometry": null},
               {"type": "Feature", "properties": {}, "geometry": {"type": "GeometryCollection", "geometries": []}},
               {"type": "Feature", "properties": {}, "geometry": {"type": "GeometryCollection"}},
               {"type": "Feature", "properties": {}, "geometry": {"type": "MultiLineString", "coordinates": []}},
               {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPoint", "coordinates": []}},
               {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [[[8, 47], [9, 47], [9, 48]]]}}"#,
        );
        let (source, zones) = read_file("x", text.as_bytes()).unwrap();
        assert_eq!((zones.len(), source.flaws.len()), (1, 6));
        assert!(source.flaws[0].contains("`Bad`: a corner is no longitude"), "{:?}", source.flaws);
        for (text, why) in [
            (r#"{"type": "FeatureCollection", "features": {}}"#, "features is an object"),
            (r#"{"type": "FeatureCollection", "features": []}"#, "no zone"),
            (r#"{"type": "FeatureCollection", "features": [7]}"#, "feature 1 is a number"),
            (
                r#"{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:2056"}}, "features": []}"#,
                "EPSG:2056",
            ),
            (r#"{"a": 1}"#, "no known format"),
            (r#"{"type": "FeatureCollection", "created": "lately", "features": []}"#, "created is `lately`"),
        ] {
            let error = read_file("x", text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
