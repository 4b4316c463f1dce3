//! ED-269 (EUROCAE): UAS geographical zones as European states publish them, in JSON.
//!
//! What states write differs from the standard: lists named `features` or `UASZoneList`, numbers as text, `dailyPeriod` for
//! `schedule`, empty dates, 99999 for "no limit". The standard does not say how an edge runs between two corners.

use super::{
    Band, Datum, Edges, Limit, Restriction, Shape, Volume, Zone, applicability,
    geojson::{corners, reach, restriction},
    heights,
    read::{Content, Found, Volumes, end, moment, note},
};
use crate::json::Json;

fn list(document: &Json) -> Option<&Json> {
    document.any(&["features", "UASZoneList", "uasZoneVersion", "UASZones"])
}

pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Json(document) = content else { return false };
    let zones = list(document).unwrap_or(document).each();
    let projected = |zone: &Json| {
        let volumes = zone.get("geometry").unwrap_or(&Json::Null);
        volumes.each().iter().any(|volume| volume.get("horizontalProjection").is_some())
    };
    zones.iter().take(100).any(|zone| {
        projected(zone) || zone.get("applicability").is_some() && zone.get("restriction").is_some()
    })
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Json(document) = content else { return Ok(()) };
    found.issued = moment(document, "createdAt", "")?.or(moment(document, "issued", "")?);
    found.valid_to = end(document, "validTo", "")?;
    for (number, one) in list(document).unwrap_or(document).each().iter().enumerate() {
        if !matches!(one, Json::Object(_)) {
            return Err(format!("zone {} is {}, expected an object", number + 1, one.kind()));
        }
        let mut zone = Zone {
            id: one.get("identifier").and_then(Json::label).unwrap_or_default(),
            name: one.get("name").and_then(Json::said),
            country: one.get("country").and_then(Json::text).map(str::to_owned),
            restriction: restriction(one.get("restriction")),
            says: one.get("message").and_then(Json::said),
            ..Zone::default()
        };
        if matches!(zone.restriction, Restriction::Unsaid | Restriction::Other(_)) {
            note(&mut zone.degraded, "its restriction is not one of the standard".to_owned());
        }
        match applicability::periods(one.get("applicability").unwrap_or(&Json::Null)) {
            Ok(periods) => zone.periods = periods,
            Err(why) => note(&mut zone.degraded, why),
        }
        let mut volumes = Volumes::default();
        for volume in one.get("geometry").unwrap_or(&Json::Null).each() {
            volumes.push(read_volume(volume, found, &mut zone.degraded));
        }
        if volumes.is_empty() {
            volumes.push(Err("it has no geometry".to_owned()));
        }
        found.add(zone, volumes);
    }
    Ok(())
}

fn read_volume(volume: &Json, found: &mut Found, notes: &mut Vec<String>) -> Result<Volume, String> {
    // The standard has no unit of its own: `uomDimensions` must be there.
    let unit = heights::unit(volume.get("uomDimensions"), None);
    let mut limit = |value: &str, reference: &str| {
        limit(volume.get(value), volume.get(reference), unit).unwrap_or_else(|why| {
            note(notes, why);
            None
        })
    };
    let (lower, upper) =
        (limit("lowerLimit", "lowerVerticalReference"), limit("upperLimit", "upperVerticalReference"));
    let band = Band::new(lower, upper).unwrap_or_else(|why| {
        note(notes, why.to_owned());
        Band::default()
    });
    let projection = volume.get("horizontalProjection").ok_or("it has no horizontalProjection")?;
    let kind = projection.get("type").and_then(Json::text).unwrap_or_default();
    if kind.eq_ignore_ascii_case("Circle") || projection.get("radius").is_some() {
        let centre = projection.any(&["center", "centre", "coordinates"]);
        let Some(Json::Place(centre)) = centre else { return Err("its circle has no centre".to_owned()) };
        // Metres, whatever uomDimensions says, if the radius has no unit of its own.
        let radius = reach(projection, &["radius"])?.ok_or("its circle has no radius")?;
        let shape = Shape::circle(*centre, radius).map_err(str::to_owned)?;
        return Ok(Volume { shape, band });
    }
    if !kind.eq_ignore_ascii_case("Polygon") {
        return Err(format!(
            "its horizontalProjection is `{}`, expected Circle or Polygon",
            kind.chars().take(40).collect::<String>()
        ));
    }
    let rings = corners(projection.get("coordinates").unwrap_or(&Json::Null))?;
    found.area(&rings, Edges::Unsaid, band, notes)
}

/// A limit of ED-269 or ED-318. `Err` says what is wrong: then there is none.
pub(super) fn limit(
    value: Option<&Json>,
    reference: Option<&Json>,
    unit: Result<f64, &'static str>,
) -> Result<Option<Limit>, String> {
    let Some(value) = value.filter(|value| !matches!(value, Json::Text(text) if text.trim().is_empty()))
    else {
        return Ok(None);
    };
    let number = value.number().ok_or("a limit of height is no number")?;
    let datum = match reference.and_then(Json::text).map(str::to_ascii_uppercase).as_deref() {
        Some("AGL" | "SFC" | "GND") => Datum::Ground,
        Some("AMSL" | "MSL") => Datum::Sea,
        Some("WGS84" | "HAE") => Datum::Ellipsoid,
        Some("STD" | "FL") => Datum::Pressure,
        // From nothing up is from the ground.
        _ if number <= 0.0 => return Ok(None),
        _ => return Err("what a limit of height counts from is not said".to_owned()),
    };
    // Nothing is nothing in every unit.
    let metres = if number == 0.0 { 0.0 } else { number * unit? };
    Ok(Some(Limit::new(metres, datum)))
}

#[cfg(test)]
mod tests {
    use crate::zones::{
        Answer, read as read_file,
        testing::{answer, check},
    };

    const FILE: &str = r#"{"title": "Zones - created on 2026-08-01T10:04:59+02:00", "createdAt": "2026-08-02T10:04:59+02:00", "features": [
        {"identifier": "X1", "country": "CHE", "name": "Works", "type": "COMMON", "restriction": "PROHIBITED", "reason": ["OTHER"],
         "applicability": [{"permanent": "YES"}],
         "geometry": [{"uomDimensions": "FT", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": "400", "upperVerticalReference": "AGL",
            "horizontalProjection": {"type": "Circle", "center": [8.0, 47.0], "radius": 1000}}]},
        {"identifier": "X2", "country": "CHE", "restriction": "REQ_AUTHORISATION",
         "applicability": [{"permanent": "NO", "startDateTime": "2026-08-03T00:00:00Z", "endDateTime": "2026-08-01T00:00:00Z"}],
         "geometry": [{"uomDimensions": "M", "lowerLimit": 0, "lowerVerticalReference": "AGL", "upperLimit": 99999, "upperVerticalReference": "AMSL",
            "horizontalProjection": {"type": "Polygon", "coordinates": [[[8.1, 47.0], [8.2, 47.0], [8.2, 47.1], [8.1, 47.1]]]}}]}]}"#;

    #[test]
    fn circles_polygons_and_faults() {
        let (source, zones) = read_file("x.json", FILE.as_bytes()).unwrap();
        assert_eq!(
            (source.format, source.issued.unwrap().to_string()),
            ("ED-269", "2026-08-02T08:04:59Z".to_owned())
        );
        assert_eq!(zones[0].volumes[0].band.to_string(), "up to 122 m above ground");
        assert_eq!(zones[1].degraded, ["it ends before it starts", "a ring is not closed"]);
        // A faulty period holds always; the circle needs a height.
        assert_eq!(answer(&zones, 47.05, 8.15), Some(Answer::Inside));
        assert_eq!(answer(&zones, 47.0, 8.0), Some(Answer::Uncertain));
        assert_eq!(answer(&zones, 47.02, 8.0), None);
        let margin = check(&zones, 47.0, 8.0)[0].1;
        assert!((margin + 1000.0).abs() < 0.001, "{margin}");
    }

    #[test]
    fn units_of_heights_and_of_the_radius() {
        let (_, zones) = read_file("x", FILE.replace(r#""FT""#, r#""FEET""#).as_bytes()).unwrap();
        assert_eq!(zones[0].volumes[0].band.to_string(), "up to 122 m above ground");
        let (_, zones) = read_file("x", FILE.replace(r#""FT""#, r#""YD""#).as_bytes()).unwrap();
        assert_eq!(
            (zones[0].volumes[0].band.to_string().as_str(), zones[0].degraded.len()),
            ("all heights", 1)
        );
        for unit in [r#""uomDimensions": "","#, r#""uomDimensions": null,"#, ""] {
            let (_, zones) =
                read_file("x", FILE.replace(r#""uomDimensions": "FT","#, unit).as_bytes()).unwrap();
            assert_eq!(
                (zones[0].volumes[0].band.to_string().as_str(), zones[0].degraded.as_slice()),
                ("all heights", ["the unit of its limits is not said".to_owned()].as_slice()),
                "{unit}"
            );
        }
        let file = FILE.replace(r#""radius": 1000"#, r#""radius": 5, "radiusUnit": "km""#);
        let (_, zones) = read_file("x", file.as_bytes()).unwrap();
        assert_eq!(answer(&zones, 47.04, 8.0), Some(Answer::Uncertain), "for its height");
    }

    #[test]
    fn a_date_in_a_title_is_not_that_of_the_data() {
        let file = FILE.replacen(r#""createdAt": "2026-08-02T10:04:59+02:00", "#, "", 1);
        assert_eq!(read_file("x.json", file.as_bytes()).unwrap().0.issued, None);
    }

    #[test]
    fn what_is_no_date_of_the_file_is_refused() {
        let file = FILE.replacen(r#""2026-08-02T10:04:59+02:00""#, r#"{"x": 1}"#, 1);
        let why = read_file("x.json", file.as_bytes()).unwrap_err();
        assert!(why.contains("createdAt is an object, expected a date and time"), "{why}");
    }
}
