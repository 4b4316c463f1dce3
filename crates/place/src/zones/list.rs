//! Lists of zones as a device holds them: that a file is one, and what it tells of where somebody flies.
//!
//! Only what is one beyond doubt counts: a place on a map, a room with a ceiling and a table of letters are none.

use std::collections::BTreeSet;

use creance_model::{Dated, Inspection};

use super::{Zone, read};

/// Bytes of a file that are read for zones.
pub const LONGEST_LIST: u64 = 256 << 20;

/// Bytes at the beginning of a file among which words of a zone stand.
pub const LIST_HEAD: usize = 1 << 20;

/// Names and countries that are told.
const MOST: usize = 10;

/// Words of which each list of zones in JSON has one: keys and values of the formats, in small letters.
const WORDS: [&str; 17] = [
    "horizontalprojection",
    "restriction",
    "applicability",
    "verticalreference",
    "upperreference",
    "lowerreference",
    "variant",
    "area_id",
    "noflyzones",
    "no_fly_zones",
    "nfz",
    "map_eff",
    "apt1_",
    "laanc",
    "arpt_count",
    "upper_val",
    "prohibited",
];

/// Whether a file that begins so may be a list of zones: else it need not be read for that.
pub fn may_list(head: &[u8]) -> bool {
    let head = head.get(..LIST_HEAD).unwrap_or(head);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let text = String::from_utf8_lossy(head);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let begins = |word: &str| text.lines().any(|line| line.trim_start().starts_with(word));
    match head.first() {
        Some(b'{' | b'[') => {
            let small = text.to_ascii_lowercase();
            WORDS.iter().any(|word| small.contains(word)) || has(&["REQ_AUTHORI", "USPACE", "\"FLOOR\""])
        }
        Some(b'<') => has(&["AIXMBasicMessage", "AirspaceTimeSlice", "XNOTAM-Update"]),
        Some(_) => begins("AC ") && begins("AN ") || ["TITLE=", "TYPE=", "BASE="].into_iter().all(begins),
        None => false,
    }
}

/// What a list of zones gives away: how many, of whom, where, how old. `None`: it is none.
pub fn inspect(name: &str, bytes: &[u8]) -> Option<Inspection> {
    let (format, read) = read::certain(name, bytes)?;
    let mut inspection = Inspection::of("zones");
    let (source, zones) = match read {
        Ok(read) => read,
        Err(why) => {
            inspection.say("format of zones", format, format);
            inspection.flaw("zones", 0, &why);
            return Some(inspection);
        }
    };
    inspection.say("zones", format!("{}, {format}", zones.len()), format);
    let few = |what, all: BTreeSet<&str>, inspection: &mut Inspection| {
        let told: Vec<&str> = all.iter().take(MOST).copied().collect();
        let more = all.len().saturating_sub(MOST);
        let more = if more > 0 { format!("; {more} more") } else { String::new() };
        inspection.say(what, told.join("; ") + &more, format);
    };
    few(
        "countries of zones",
        zones.iter().filter_map(|zone| zone.country.as_deref()).collect(),
        &mut inspection,
    );
    few(
        "names of zones",
        zones.iter().map(|zone| zone.name.as_deref().unwrap_or(&zone.id)).collect(),
        &mut inspection,
    );
    if let Some([west, south, east, north]) = reach(&zones) {
        let east = if east > 180.0 { east - 360.0 } else { east };
        inspection.say(
            "reach of zones",
            format!("{south:.0} to {north:.0} degrees north, {west:.0} to {east:.0} degrees east"),
            format,
        );
    }
    let updated = zones.iter().filter_map(|zone| zone.updated).max();
    for (what, time) in [("issued", source.issued.or(updated)), ("valid until", source.valid_to)] {
        inspection.times.extend(time.map(|time| Dated {
            what,
            time,
            zone_known: true,
            field: format.to_owned(),
        }));
    }
    for flaw in &source.flaws {
        inspection.flaw("zones", 0, flaw);
    }
    Some(inspection)
}

/// West, south, east, north of all zones in whole degrees; east may lie beyond 180.
fn reach(zones: &[Zone]) -> Option<[f64; 4]> {
    let boxes = || zones.iter().flat_map(|zone| &zone.volumes).map(|volume| volume.shape.bounds());
    // Where half of the earth lies between them, they are told as those over the date line.
    let joined = |from: f64| {
        boxes()
            .map(|[west, south, east, north]| {
                let by = if west < from { 360.0 } else { 0.0 };
                [west + by, south, east + by, north]
            })
            .reduce(|one, other| {
                [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
            })
    };
    let (plain, turned) = (joined(-180.0)?, joined(0.0)?);
    let [west, south, east, north] = if turned[2] - turned[0] < plain[2] - plain[0] { turned } else { plain };
    let by = if west >= 180.0 { -360.0 } else { 0.0 };
    Some([(west + by).floor(), south.floor(), (east + by).ceil(), north.ceil()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Option<Vec<String>> {
        let told = may_list(text.as_bytes()).then(|| inspect("x", text.as_bytes()))??;
        assert_eq!(told.kind, "zones");
        Some(told.facts.into_iter().map(|fact| fact.value).collect())
    }

    const SQUARE: &str = r#""geometry": {"type": "Polygon", "coordinates": [[[8, 47], [8.01, 47], [8.01, 47.01], [8, 47.01], [8, 47]]]}"#;

    fn feature(properties: &str) -> String {
        format!(
            r#"{{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {properties}, {SQUARE}}}]}}"#
        )
    }

    #[test]
    fn each_format_is_known_by_what_it_says() {
        let ed269 = r#"{"features": [{"identifier": "A1", "country": "CHE", "name": "Yard", "restriction": "PROHIBITED", "applicability": [{"permanent": "YES"}],
            "geometry": [{"uomDimensions": "M", "horizontalProjection": {"type": "Circle", "center": [8.5, 47.5], "radius": 500}}]}]}"#;
        let expected = ["1, ED-269", "CHE", "Yard", "47 to 48 degrees north, 8 to 9 degrees east"];
        assert_eq!(facts(ed269).unwrap(), expected);
        for (text, format) in [
            (feature(r#"{"identifier": "A1", "country": "IRL", "type": "REQ_AUTHORIZATION", "variant": "COMMON"}"#), "1, ED-318"),
            (feature(r#"{"CEILING": 200, "UNIT": "LGA", "MAP_EFF": "2026-06-12"}"#), "1, FAA"),
            (feature(r#"{"name": "Works", "type": "PROHIBITED"}"#), "1, GeoJSON"),
            (feature(r#"{"name": "Works", "upper": 120, "upperReference": "AGL"}"#), "1, GeoJSON"),
            (r#"{"areas": [{"area_id": 7, "level": 2, "lat": 47, "lng": 8, "radius": 500}]}"#.to_owned(), "1, DJI"),
            (r#"{"data": {"noFlyZones": [{"lat": 47, "lng": 8, "radius": 500}]}}"#.to_owned(), "1, Autel"),
            ("AC R\nAN Range\nAL GND\nAH 5000ft\nV X=47:00:00 N 008:00:00 E\nDC 2\n".to_owned(), "1, OpenAir"),
            ("INCLUDE=YES\nTITLE=Range\nTYPE=C\nBASE=1000 ft\nTOPS=2000 ft\nCIRCLE RADIUS=5 CENTRE=N470000 E0080000\n".to_owned(), "1, SUA"),
            (
                "<XNOTAM-Update><Not><txtLocalName>6/1</txtLocalName><aseTFRArea/><aseShapes><Avx><codeType>CIR</codeType><geoLat>40N</geoLat><geoLong>100W</geoLong><valRadiusArc>5</valRadiusArc></Avx></aseShapes></Not></XNOTAM-Update>".to_owned(),
                "1, FAA TFR",
            ),
        ] {
            assert_eq!(facts(&text).map(|facts| facts[0].clone()), Some(format.to_owned()), "{text}");
        }
        let refused = r#"{"metadata": {"validFrom": {}}, "type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"variant": "COMMON", "type": "PROHIBITED"}}]}"#;
        let told = inspect("x", refused.as_bytes()).unwrap();
        assert!(told.damage[0].why.contains("validFrom is an object"), "{:?}", told.damage);
    }

    #[test]
    fn what_is_no_list_of_zones_is_none() {
        for text in [
            feature("{}"),
            feature(
                r#"{"name": "Park", "type": "park", "category": "leisure", "restriction": "dogs on a lead"}"#,
            ),
            feature(r#"{"name": "Room 7", "FLOOR": 2, "CEILING": 3}"#),
            feature(r#"{"height": 12, "variant": "blue", "layer": 3}"#),
            r#"{"type": "prohibited", "noFlyZones": []}"#.to_owned(),
            r#"{"data": [{"lat": 47, "lng": 8, "radius": 500}]}"#.to_owned(),
            r#"{"applicability": 7, "area_id": 3}"#.to_owned(),
            "AC Milan\nAN old club\nDP is nothing\nwon in 1901\nand in 1906\n".to_owned(),
            "AC means current\nAN example\n".to_owned(),
            "<kml><Placemark><name>PROHIBITED</name></Placemark></kml>".to_owned(),
            "<AIXMBasicMessage><hasMember/></AIXMBasicMessage>".to_owned(),
            String::new(),
        ] {
            assert_eq!(facts(&text), None, "{text}");
        }
    }

    #[test]
    fn zones_on_both_sides_of_the_date_line_reach_over_it() {
        let zone = |lon: f64| format!(r#"{{"lat": -17, "lng": {lon}, "radius": 500}}"#);
        let text = format!(r#"{{"nfz": [{}, {}]}}"#, zone(179.5), zone(-179.5));
        assert_eq!(
            facts(&text).unwrap().last().unwrap(),
            "-18 to -16 degrees north, 179 to -179 degrees east"
        );
    }
}
