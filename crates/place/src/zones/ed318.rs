//! ED-318 (EUROCAE): the successor of ED-269, in GeoJSON with layers of height.
//!
//! Edges are those of GeoJSON. Read with older drafts and what states make of them: properties nested in `UASZone` or beside it, layers and
//! periods in the properties, the limits of ED-269 in a feature of GeoJSON. A date of the file as a whole that is none is refused; what is
//! wrong in one zone marks that zone.

use super::{
    Band, Edges, Restriction, Zone, applicability,
    ed269::limit,
    geojson::{EMPTY, Way, features, restriction, shapes},
    heights,
    read::{Content, Found, Volumes, end, moment, note},
};
use crate::json::Json;

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let like = |feature: &Json| {
        let properties = properties(feature);
        let layered = feature.get("geometry").is_some_and(|geometry| {
            let parts = geometry.get("geometries").unwrap_or(&Json::Null).items();
            std::iter::once(geometry).chain(parts).any(|one| one.any(&["layer", "verticalLayer"]).is_some())
        });
        layered
            || properties.get("variant").is_some()
            || properties.get("limitedApplicability").is_some()
            || properties.get("identifier").is_some()
                && properties.get("country").is_some()
                && properties.get("type").is_some()
    };
    features(document).unwrap_or_default().iter().take(100).any(like)
}

/// Layers of height, or one of the standard's types beside what else is its own.
pub(super) fn is_certain(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let like = |feature: &Json| {
        let says = properties(feature);
        let is_typed = !matches!(asked(says), Restriction::Unsaid | Restriction::Other(_));
        let layers = feature.get("geometry").is_some_and(|geometry| {
            let parts = geometry.get("geometries").unwrap_or(&Json::Null).items();
            let layers =
                std::iter::once(geometry).chain(parts).filter_map(|one| one.any(&["layer", "verticalLayer"]));
            layers.into_iter().any(|layer| layer.any(&["upperReference", "lowerReference"]).is_some())
        });
        layers || is_typed && says.any(&["variant", "identifier", "limitedApplicability"]).is_some()
    };
    features(document).unwrap_or_default().iter().take(100).any(like)
}

fn properties(feature: &Json) -> &Json {
    let properties = feature.get("properties").unwrap_or(&Json::Null);
    properties.get("UASZone").unwrap_or(properties)
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    for key in ["metadata", "datasetMetadata"] {
        let Some(metadata) = document.get(key) else { continue };
        if !matches!(metadata, Json::Object(_)) {
            return Err(format!("{key} is {}, expected an object", metadata.kind()));
        }
        let path = format!("{key}.");
        let issued = moment(metadata, "issued", &path)?;
        let from = moment(metadata, "validFrom", &path)?;
        found.issued = issued.or(from);
        found.valid_to = end(metadata, "validTo", &path)?;
        if let (Some(from), Some(to)) = (from, found.valid_to)
            && to < from
        {
            return Err(format!("{key}.validTo is before {key}.validFrom"));
        }
    }
    for (number, feature) in features(document)?.iter().enumerate() {
        if !matches!(feature, Json::Object(_)) {
            return Err(format!("feature {} is {}, expected an object", number + 1, feature.kind()));
        }
        zone(feature, found);
    }
    Ok(())
}

fn zone(feature: &Json, found: &mut Found) {
    let says = properties(feature);
    let around = feature.get("properties").unwrap_or(&Json::Null);
    // What is not told within `UASZone` may be told beside it.
    let told = |keys: &[&str]| says.any(keys).or_else(|| around.any(keys));
    let mut zone = Zone {
        id: says.get("identifier").and_then(Json::label).unwrap_or_default(),
        name: says.get("name").and_then(Json::said),
        country: says.get("country").and_then(Json::text).map(str::to_owned),
        restriction: asked(says),
        says: says.get("message").and_then(Json::said),
        updated: told(&["dataSource", "metaData"]).and_then(|source| {
            let text = source.any(&["updateDateTime", "creationDateTime"])?.text()?;
            Some(super::Moment::parse(text)?.time)
        }),
        ..Zone::default()
    };
    if matches!(zone.restriction, Restriction::Unsaid | Restriction::Other(_)) {
        note(&mut zone.degraded, "its type is not one of the standard".to_owned());
    }
    // Tables have its columns among the others.
    match applicability::periods(told(&["limitedApplicability", "applicability"]).unwrap_or(around)) {
        Ok(periods) => zone.periods = periods,
        Err(why) => note(&mut zone.degraded, why),
    }
    let geometry = feature.get("geometry").unwrap_or(&Json::Null);
    // A layer may stand in the properties, at the geometry, and at each part of a collection.
    let outer = told(&["layer", "verticalLayer"]).or_else(|| {
        let one = told(&["geometry"]).map(Json::each).filter(|volumes| volumes.len() == 1);
        one.and_then(<[Json]>::first).into_iter().chain([says, around]).find(|one| one.any(&LIMITS).is_some())
    });
    let mut volumes = Volumes::default();
    layered(geometry, outer, found, &mut zone.degraded, &mut volumes, 0);
    if volumes.is_empty() {
        volumes.push(Err("it has no geometry".to_owned()));
    }
    found.add(zone, volumes);
}

/// What it asks: `type` in ED-318, `restriction` in ED-269, where `type` is something else.
fn asked(says: &Json) -> Restriction {
    let asked = ["type", "restriction"].map(|key| restriction(says.any(&[key])));
    let is_known = |one: &Restriction| !matches!(one, Restriction::Unsaid | Restriction::Other(_));
    asked.iter().find(|one| is_known(one)).or(asked.first()).cloned().unwrap_or_default()
}

fn layered(
    geometry: &Json,
    outer: Option<&Json>,
    found: &mut Found,
    notes: &mut Vec<String>,
    volumes: &mut Volumes,
    depth: usize,
) {
    let layer = geometry.any(&["layer", "verticalLayer"]).or(outer);
    if geometry.get("type").and_then(Json::text) == Some("GeometryCollection") && depth < 4 {
        let parts = geometry.get("geometries").unwrap_or(&Json::Null).items();
        if parts.is_empty() {
            volumes.push(Err(EMPTY.to_owned()));
        }
        for one in parts {
            layered(one, layer, found, notes, volumes, depth + 1);
        }
        return;
    }
    let band = layer.map_or_else(|| Ok(Band::default()), band).unwrap_or_else(|why| {
        note(notes, why);
        Band::default()
    });
    shapes(geometry, &Way { edges: Edges::Straight, band, reach: Ok(None) }, found, notes, volumes, depth);
}

/// The limits of a layer, as ED-318 or ED-269 call them.
const LIMITS: [&str; 4] = ["lower", "upper", "lowerLimit", "upperLimit"];

fn band(layer: &Json) -> Result<Band, String> {
    // Metres where it is left out (ED-318, 4.2.3.2, VerticalLayer); a blank is no value of it.
    let unit = heights::unit(layer.any(&["uom", "uomDimensions"]), Some(1.0));
    let [lower, upper] = [
        (["lower", "lowerLimit"], ["lowerReference", "lowerVerticalReference"]),
        (["upper", "upperLimit"], ["upperReference", "upperVerticalReference"]),
    ]
    .map(|(value, reference)| limit(layer.any(&value), layer.any(&reference), unit));
    let (lower, upper) = (lower?, upper?);
    Band::new(lower, upper).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, read as read_file, testing::answer};

    const FILE: &str = r#"{"type": "FeatureCollection", "metadata": {"issued": "2026-01-02T00:00:00Z", "validFrom": "2026-01-03T00:00:00Z"}, "features": [
        {"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": [
            {"type": "Polygon", "coordinates": [[[8, 47], [8.01, 47], [8.01, 47.01], [8, 47.01], [8, 47]]], "layer": {"upper": 150, "upperReference": "AGL", "lower": 50, "lowerReference": "AGL", "uom": "m"}},
            {"type": "Point", "coordinates": [9, 47], "extent": {"subType": "Circle", "radius": 500}}]},
         "properties": {"identifier": "A1", "country": "CHE", "name": [{"text": "Gare", "lang": "fr-CH"}, {"text": "Station", "lang": "en-GB"}],
            "type": "PROHIBITED", "variant": "COMMON", "zoneAuthority": []}}]}"#;

    #[test]
    fn layers_and_circles() {
        let (source, zones) = read_file("x.json", FILE.as_bytes()).unwrap();
        assert_eq!(
            (source.format, source.issued.unwrap().to_string()),
            ("ED-318", "2026-01-02T00:00:00Z".to_owned())
        );
        assert_eq!((zones[0].name.as_deref(), zones[0].degraded.len()), (Some("Station"), 0));
        assert_eq!(zones[0].volumes[0].band.to_string(), "50 m above ground to 150 m above ground");
        assert_eq!(answer(&zones, 47.005, 8.005), Some(Answer::Uncertain), "its height is not known");
        assert_eq!(
            answer(&zones, 47.001, 9.0),
            Some(Answer::Inside),
            "without a layer it holds at all heights"
        );
    }

    #[test]
    fn a_date_that_is_none_is_refused_by_name() {
        for (from, to, why) in [
            (r#""2026-01-03T00:00:00Z""#, r#"{"not": "a date"}"#, "metadata.validFrom is an object"),
            (r#""2026-01-03T00:00:00Z""#, r#""tomorrow""#, "metadata.validFrom is `tomorrow`"),
            (
                r#""2026-01-03T00:00:00Z""#,
                r#""2026-01-03T00:00:00Z", "validTo": "2025-01-01T00:00:00Z""#,
                "before",
            ),
        ] {
            let error = read_file("x.json", FILE.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    /// A feature around 8° E and 47° N with these properties.
    fn feature(properties: &str) -> String {
        format!(
            r#"{{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {properties}, "geometry":
            {{"type": "Polygon", "coordinates": [[[8, 47], [8.01, 47], [8.01, 47.01], [8, 47.01], [8, 47]]]}}}}]}}"#
        )
    }

    #[test]
    fn layers_and_periods_are_found_where_states_put_them() {
        let zone =
            r#""identifier": "A1", "country": "XYZ", "type": "REQ_AUTHORIZATION", "variant": "COMMON""#;
        let layer = |unit| {
            format!(r#""upper": 900, "upperReference": "AGL", "lower": 45, "lowerReference": "AGL", {unit}"#)
        };
        let when = r#""startDateTime": "2026-06-01T00:00:00Z", "endDateTime": "2026-07-01T00:00:00Z""#;
        let (metres, feet, none) = (
            "45 m above ground to 900 m above ground",
            "14 m above ground to 274 m above ground",
            "up to 120 m above ground",
        );
        for (properties, band) in [
            // Beside `UASZone`.
            (
                format!(
                    r#"{{"UASZone": {{{zone}}}, "limitedApplicability": [{{{when}}}], "verticalLayer": {{{}}}}}"#,
                    layer(r#""UOM": null"#)
                ),
                metres,
            ),
            (
                format!(
                    r#"{{"UASZone": {{{zone}}}, "limitedApplicability": [{{{when}}}], "verticalLayer": {{{}}}}}"#,
                    layer(r#""UOM": "FT""#)
                ),
                feet,
            ),
            // As columns of a table.
            (
                format!(
                    r#"{{{zone}, {}, {when}, "day": "ANY", "startTime": "", "startEvent": "", "endTime": "", "endEvent": ""}}"#,
                    layer(r#""uom": "M""#)
                ),
                metres,
            ),
            // The limits of ED-269.
            (
                format!(
                    r#"{{"identifier": "A1", "country": "XYZ", "type": "COMMON", "restriction": "REQ_AUTHORISATION", "applicability": [{{"permanent": "NO", {when}, "schedule": []}}],
                "geometry": {{"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": 120, "upperVerticalReference": "AGL"}}}}"#
                ),
                none,
            ),
        ] {
            let (source, zones) = read_file("x.json", feature(&properties).as_bytes()).unwrap();
            let zone = &zones[0];
            assert_eq!(
                (source.format, zone.volumes[0].band.to_string().as_str()),
                ("ED-318", band),
                "{properties}"
            );
            assert_eq!(
                (zone.restriction.clone(), &zone.degraded),
                (crate::zones::Restriction::Authorisation, &Vec::<String>::new()),
                "{properties}"
            );
            assert_eq!(zone.periods.len(), 1, "{properties}");
        }
    }

    #[test]
    fn a_zone_that_is_wrong_is_kept_and_marked() {
        for unit in ["fathoms", "", " "] {
            let unit = format!(r#""uom": "{unit}""#);
            let file = FILE.replace("PROHIBITED", "CLOSED").replace(r#""uom": "m""#, &unit);
            let (_, zones) = read_file("x.json", file.as_bytes()).unwrap();
            assert_eq!(zones[0].degraded.len(), 2, "{unit}");
            assert_eq!(
                answer(&zones, 47.005, 8.005),
                Some(Answer::Inside),
                "taken to hold at all heights, {unit}"
            );
        }
    }
}
