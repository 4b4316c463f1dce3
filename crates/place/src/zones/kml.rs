//! KML 2.2 (OGC 07-147r2) and KMZ: zones as people draw them on a globe.
//!
//! Each placemark with an area, a line or a point is a zone. KML has no limits of height, only surfaces to be seen: a zone holds at
//! all heights, and walls stand for what they enclose. How an edge runs between two corners is not said.

use std::{borrow::Cow, io::Read as _};

use super::{
    Band, Edges, Position, Restriction, Shape, Volume, Zone,
    geojson::{length, restriction},
    read::{Content, Found, Volumes, note},
    walls::Walls,
    xml::{self, Node},
};
use crate::json::Json;

pub(super) fn is(content: &Content<'_>) -> bool {
    matches!(content, Content::Xml(text) if xml::begins_with(text, "kml") || xml::begins_with(text, "Placemark"))
}

/// The KML in a KMZ: `doc.kml`, or the first. With it, what to say of others that are in there too.
pub(super) fn unpack(bytes: &[u8], most: u64) -> Result<(Vec<u8>, Option<String>), String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes))
        .map_err(|error| format!("the archive is damaged: {error}"))?;
    let is_kml = |name: &String| name.to_ascii_lowercase().ends_with(".kml");
    let names: Vec<String> = archive.file_names().flatten().map(Cow::into_owned).filter(is_kml).collect();
    let main = names.iter().find(|name| name.as_str() == "doc.kml").or(names.first());
    let name = main.ok_or("the archive holds no KML; unpack it and name the files in it")?;
    let file = archive.by_name(name).map_err(|error| format!("{name} in the archive is damaged: {error}"))?;
    let mut unpacked = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("{name} in the archive is damaged: {error}"))?;
    if unpacked.len() as u64 > most {
        return Err(format!("{name} in the archive has more than {most} bytes"));
    }
    let others = names.len() - 1;
    let left = (others > 0).then(|| {
        format!(
            "of the archive {name} was read, and {others} more KML in it not: unpack it and name the files"
        )
    });
    Ok((unpacked, left))
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Xml(text) = content else { return Ok(()) };
    let read = xml::each(text, "Placemark", &mut |placemark| {
        let mut zone = Zone {
            id: placemark.attribute("id").unwrap_or_default().to_owned(),
            name: placemark.said("name").map(str::to_owned),
            ..Zone::default()
        };
        if let Some(name) = &zone.name {
            zone.id.clone_from(name);
        }
        let data = |wanted: &str| {
            let mut all = Vec::new();
            placemark.all("Data", &mut all);
            placemark.all("SimpleData", &mut all);
            let named = all
                .into_iter()
                .find(|data| data.attribute("name").is_some_and(|name| name.eq_ignore_ascii_case(wanted)))?;
            let text = named.said("value").unwrap_or(named.text.trim());
            (!text.is_empty()).then(|| text.to_owned())
        };
        let kind = ["restriction", "type", "class", "category"].into_iter().find_map(data);
        zone.restriction = match kind.map(Json::Text) {
            Some(kind) => restriction(Some(&kind)),
            None => Restriction::Unsaid,
        };
        let radius = ["radius_m", "radius", "buffer_m"]
            .into_iter()
            .find_map(data)
            .map(|text| length(&Json::Text(text), None))
            .transpose();
        let (mut volumes, mut walls) = (Volumes::default(), Walls::default());
        shapes(&placemark, radius, found, &mut zone.degraded, &mut volumes, &mut walls);
        walls.volumes(found, Band::default(), &mut zone.degraded, &mut volumes);
        if volumes.is_empty() {
            // A view, an overlay, a model: nothing that could be a zone.
            return;
        }
        found.add(zone, volumes);
    });
    // What stands before the damage is kept.
    match read {
        Err(why) if !found.zones.is_empty() => found.flaw(&why),
        other => other?,
    }
    Ok(())
}

fn shapes(
    node: &Node,
    radius: Result<Option<f64>, &'static str>,
    found: &mut Found,
    notes: &mut Vec<String>,
    volumes: &mut Volumes,
    walls: &mut Walls,
) {
    let band = Band::default();
    for child in &node.children {
        match child.name.as_str() {
            "Polygon" => {
                let ring = |side: &Node| side.first("coordinates").map(|text| coordinates(&text.text));
                let outer = child.child("outerBoundaryIs").and_then(ring);
                let holes =
                    child.children.iter().filter(|side| side.name == "innerBoundaryIs").filter_map(ring);
                let outer = outer.unwrap_or_else(|| Err("a polygon has no outer edge".to_owned()));
                match std::iter::once(outer).chain(holes).collect::<Result<Vec<_>, _>>() {
                    Ok(rings) if walls.take(&rings) => {}
                    Ok(rings) => volumes.push(found.area(&rings, Edges::Unsaid, band, notes)),
                    Err(why) => volumes.push(Err(why)),
                }
            }
            "LineString" | "LinearRing" => {
                let stands = child.name == "LinearRing"
                    || child.said("extrude").is_some_and(|how| how != "0" && how != "false");
                match coordinates(child.said("coordinates").unwrap_or_default()) {
                    // What is drawn down to the ground, or closed, is the edge of something.
                    Ok(line) if line.len() > 1 && stands && radius == Ok(None) => walls.line(&line),
                    line => {
                        let line = || Shape::line(&line?, radius?.unwrap_or(0.0)).map_err(str::to_owned);
                        volumes.push(line().map(|shape| Volume { shape, band }));
                    }
                }
            }
            "Point" => {
                if radius == Ok(None) {
                    note(notes, "it is a point, and how far around it it reaches is not said");
                }
                let point = || -> Result<Volume, String> {
                    let places = coordinates(child.said("coordinates").unwrap_or_default())?;
                    let place = places.first().ok_or("it has no coordinates")?;
                    let shape = Shape::circle(*place, radius?.unwrap_or(0.0))?;
                    Ok(Volume { shape, band })
                };
                volumes.push(point());
            }
            "MultiGeometry" => shapes(child, radius, found, notes, volumes, walls),
            _ => {}
        }
    }
}

/// `lon,lat[,altitude]`, between blanks. Blanks after a comma are a common mistake: commas then end places, or stand within them, or
/// lines end places, whichever gives places of two or three numbers alone.
fn coordinates(text: &str) -> Result<Vec<Position>, String> {
    let place = |word: &str| {
        let wrong =
            || format!("`{}` is no longitude and latitude", word.chars().take(40).collect::<String>());
        let mut numbers = word.strip_suffix(',').unwrap_or(word).split(',');
        let mut number = || numbers.next().and_then(|number| number.parse::<f64>().ok());
        match (number(), number(), numbers.count()) {
            (Some(lon), Some(lat), 0 | 1) => Ok([lon, lat]),
            _ => Err(wrong()),
        }
    };
    let joined = |text: &str| text.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    text.split_whitespace()
        .map(place)
        .collect::<Result<Vec<_>, _>>()
        .or_else(|_| joined(text).split_whitespace().map(place).collect())
        .or_else(|why: String| {
            lines().map(|line| place(&joined(line))).collect::<Result<_, _>>().map_err(|_| why)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zones::{Answer, read as read_file, testing::answer};
    use std::io::Write as _;

    const FILE: &str = r#"<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>
        <Placemark id="a"><name>Yard &amp; gate</name><ExtendedData><Data name="restriction"><value>PROHIBITED</value></Data></ExtendedData>
          <MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>8,47,0 8.01,47,0
            8.01,47.01,0 8,47.01,0 8,47,0</coordinates></LinearRing></outerBoundaryIs>
            <innerBoundaryIs><LinearRing><coordinates>8.004,47.004 8.006,47.004 8.006,47.006 8.004,47.006 8.004,47.004</coordinates></LinearRing></innerBoundaryIs></Polygon>
          </MultiGeometry></Placemark>
        <Placemark><name>View</name><LookAt><longitude>8</longitude></LookAt></Placemark>
        <Placemark><name>Mast</name><ExtendedData><Data name="radius"><value>200</value></Data></ExtendedData><Point><coordinates>9,47</coordinates></Point></Placemark>
        </Folder></Document></kml>"#;

    #[test]
    fn placemarks_are_zones() {
        let (source, zones) = read_file("x.kml", FILE.as_bytes()).unwrap();
        assert_eq!((source.format, zones.len(), zones[0].id.as_str()), ("KML", 2, "Yard & gate"));
        assert_eq!(zones[0].restriction, Restriction::Prohibited);
        for (lat, lon, expected) in [
            (47.001, 8.001, Some(Answer::Inside)),
            (47.005, 8.005, None),
            (47.0017, 9.0, Some(Answer::Inside)),
            (47.0019, 9.0, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }

    #[test]
    fn blanks_after_commas_are_understood_or_refused() {
        let places = vec![[8.0, 47.0], [8.1, 47.0]];
        for text in [
            "8.0,47.0 8.1,47.0",
            "8.0,47.0, 8.1,47.0",
            "8.0, 47.0 8.1, 47.0",
            "8.0 , 47.0, 400\n8.1 , 47.0, 400",
            "8.0,47.0,0, 8.1,47.0,0,",
            "8.0,47.0, 400,\n 8.1,47.0, 400,\n",
        ] {
            assert_eq!(coordinates(text), Ok(places.clone()), "{text}");
        }
        for text in ["8.0, 47.0, 8.1, 47.0", "8,47,8,47", "8 47", "8,x"] {
            assert!(coordinates(text).unwrap_err().contains("no longitude and latitude"), "{text}");
        }
    }

    fn wall([from, to]: [&str; 2]) -> String {
        format!(
            "<Polygon><outerBoundaryIs><LinearRing><coordinates>{from},0 {to},0 {to},300 {from},300 {from},0</coordinates></LinearRing></outerBoundaryIs></Polygon>"
        )
    }

    #[test]
    fn the_walls_of_a_body_with_a_floor_say_nothing_new() {
        let walls = [["8,47", "8.01,47"], ["8.004,47.004", "8.006,47.004"]].map(wall).concat();
        let file = FILE.replacen("</MultiGeometry>", &format!("{walls}</MultiGeometry>"), 1);
        let (source, zones) = read_file("x.kml", file.as_bytes()).unwrap();
        assert_eq!((zones[0].volumes.len(), source.flaws.len(), zones[0].degraded.len()), (1, 0, 0));
        assert_eq!(answer(&zones, 47.005, 8.005), None, "the hole is one");
    }

    #[test]
    fn walls_alone_stand_for_what_they_enclose() {
        let corners = ["8,47", "8.01,47", "8.01,47.01", "8,47.01"];
        let side = |number: usize| [corners[number % 4], corners[(number + 1) % 4]];
        let file = |geometry: &str| {
            format!("<kml><Placemark><MultiGeometry>{geometry}</MultiGeometry></Placemark></kml>")
        };
        // In any order, and some the other way round.
        let walls = [side(2), side(0), [side(1)[1], side(1)[0]], side(3)].map(wall).concat();
        let around = format!("{} {}", corners.join(" "), corners[0]);
        let line =
            |kind: &str, how: &str| format!("<{kind}>{how}<coordinates>{around}</coordinates></{kind}>");
        for geometry in [walls, line("LineString", "<extrude>1</extrude>"), line("LinearRing", "")] {
            let (source, zones) = read_file("x.kml", file(&geometry).as_bytes()).unwrap();
            assert_eq!(answer(&zones, 47.005, 8.005), Some(Answer::Inside), "{geometry}");
            assert_eq!(answer(&zones, 47.005, 8.015), None, "{geometry}");
            assert!(source.flaws.is_empty() && zones[0].degraded[0].contains("only its walls"), "{geometry}");
        }
        // What does not close is told.
        let (_, zones) = read_file("x.kml", file(&[side(0), side(1)].map(wall).concat()).as_bytes()).unwrap();
        assert_eq!((zones[0].volumes.len(), zones[0].degraded.len()), (2, 1));
        assert!(zones[0].degraded[0].contains("enclose nothing"), "{:?}", zones[0].degraded);
        let within = [side(0), side(1), side(2), side(3), [corners[0], corners[2]]].map(wall).concat();
        let (source, _) = read_file("x.kml", file(&within).as_bytes()).unwrap();
        assert!(source.flaws[0].contains("meet in threes"), "{:?}", source.flaws);
        let (_, zones) = read_file("x.kml", file(&line("LineString", "")).as_bytes()).unwrap();
        assert_eq!(answer(&zones, 47.005, 8.005), None, "a line is one");
    }

    #[test]
    fn a_radius_has_a_unit_and_a_polygon_an_outer_edge() {
        let (_, zones) = read_file("x", FILE.replace("<value>200<", "<value>5 km<").as_bytes()).unwrap();
        assert_eq!(answer(&zones, 47.044, 9.0), Some(Answer::Inside));
        assert_eq!(answer(&zones, 47.046, 9.0), None);
        for (from, to, why) in [
            ("<value>200<", "<value>far<", "radius is no number"),
            ("outerBoundaryIs", "edge", "no outer edge"),
        ] {
            let (source, zones) = read_file("x", FILE.replace(from, to).as_bytes()).unwrap();
            assert_eq!((zones.len(), source.flaws.len()), (1, 1));
            assert!(source.flaws[0].contains(why), "{:?}", source.flaws);
        }
    }

    #[test]
    fn kmz_is_unpacked_and_what_is_cut_keeps_what_stands_before() {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("doc.kml", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(FILE.as_bytes()).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let (source, zones) = read_file("x.kmz", &bytes).unwrap();
        assert_eq!((zones.len(), source.flaws.len()), (2, 0));
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["files/more.kml", "doc.kml"] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(FILE.as_bytes()).unwrap();
        }
        let (source, _) = read_file("x.kmz", &archive.finish().unwrap().into_inner()).unwrap();
        assert!(source.flaws[0].contains("doc.kml was read, and 1 more"), "{:?}", source.flaws);
        let (source, zones) = read_file("x.kml", &FILE.as_bytes()[..FILE.len() - 120]).unwrap();
        assert_eq!((zones.len(), source.flaws.len()), (1, 1));
        assert!(read_file("x.kmz", &bytes[..40]).is_err());
    }
}
