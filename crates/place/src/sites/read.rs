//! Registers of sites: GeoJSON (RFC 7946) with properties `name`, `sector`, `buffer_m`, `height_m`, or a table (CSV) with
//! columns of these names and `lat`, `lon`. What cannot be read of one site is told, and the others are read.

use std::borrow::Cow;

use super::{Part, Site, Sites, sector};
use crate::error::printable;
use crate::json::{self, Json};
use crate::zones::refuse_other_systems;

/// Metres around a site for which the register says none.
const BUFFER_M: f64 = 100.0;

/// What registers call the metres around a site, and those that it stands above the ground.
const BUFFER: &[&str] = &["buffer_m", "buffer", "radius"];
const HEIGHT: &[&str] = &["height_m", "height"];

/// Sites that are read.
const MOST: usize = 1_000_000;

/// Sites that could not be read of which it is told why.
const MOST_FLAWS: usize = 20;

/// What is in a register.
#[derive(Debug, Default)]
struct Found {
    sites: Vec<Site>,
    flaws: Vec<String>,
    more_flaws: usize,
}

impl Found {
    /// Keeps a site, or why it is none. `Err`: there are too many.
    fn add(&mut self, at: impl FnOnce() -> String, site: Result<Site, String>) -> Result<(), String> {
        match site {
            Ok(_) if self.sites.len() >= MOST => {
                return Err(format!("{}: at most {MOST} sites are read", at()));
            }
            Ok(site) => self.sites.push(site),
            Err(why) if self.flaws.len() < MOST_FLAWS => {
                self.flaws.push(printable(&format!("{}: {why}", at())));
            }
            Err(_) => self.more_flaws += 1,
        }
        Ok(())
    }
}

/// Reads a register. What could not be read of it is in [`Sites::flaws`]. Errors say what is wrong and where, for people: nothing of it
/// can be read.
pub fn read(bytes: &[u8]) -> Result<Sites, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut found = Found::default();
    let read = if bytes.trim_ascii_start().starts_with(b"{") {
        geojson(bytes, &mut found)
    } else {
        table(bytes, &mut found)
    };
    read.map_err(|why| printable(&why))?;
    let Found { sites, mut flaws, more_flaws } = found;
    if sites.is_empty() {
        return Err(flaws.into_iter().next().unwrap_or_else(|| "it has no site".to_owned()));
    }
    if more_flaws > 0 {
        flaws.push(format!("{more_flaws} more sites could not be read"));
    }
    Ok(Sites { flaws, ..Sites::new(sites) })
}

fn geojson(bytes: &[u8], found: &mut Found) -> Result<(), String> {
    let document = json::parse(bytes)?;
    refuse_other_systems(&document)?;
    let kind = document.get("type").and_then(Json::text);
    let features = match (document.get("features"), kind) {
        (Some(Json::List(features)), _) => features.as_slice(),
        (None, Some("Feature")) => std::slice::from_ref(&document),
        _ => return Err("expected a FeatureCollection or a Feature".to_owned()),
    };
    for (number, feature) in features.iter().enumerate() {
        found.add(|| format!("feature {}", number + 1), of_feature(number, feature))?;
    }
    Ok(())
}

fn of_feature(number: usize, feature: &Json) -> Result<Site, String> {
    let mut parts = Vec::new();
    shape(feature.get("geometry").unwrap_or(&Json::Null), &mut parts, 0)?;
    let properties = feature.get("properties").unwrap_or(&Json::Null);
    let text = |keys: &[&str]| properties.any(keys).and_then(Json::text);
    let metres = |what: &str, keys: &[&str]| {
        let said = properties.any(keys);
        said.map(|said| said.number().ok_or_else(|| format!("{what} is {}, expected metres", said.kind())))
            .transpose()
    };
    Ok(Site {
        name: text(&["name", "title"]).map_or_else(|| format!("site {}", number + 1), str::to_owned),
        sector: text(&["sector", "category"]).map(sector::named),
        buffer_m: buffered(metres("buffer_m", BUFFER)?)?,
        height_m: standing(metres("height_m", HEIGHT)?)?,
        parts,
    })
}

fn buffered(metres: Option<f64>) -> Result<f64, String> {
    match metres {
        None => Ok(BUFFER_M),
        Some(metres) if (0.0..=100_000.0).contains(&metres) => Ok(metres),
        Some(metres) => Err(format!("the buffer is {metres} m, expected 0 to 100000")),
    }
}

fn standing(metres: Option<f64>) -> Result<f64, String> {
    match metres {
        None => Ok(0.0),
        Some(metres) if (0.0..=1_000.0).contains(&metres) => Ok(metres),
        Some(metres) => Err(format!("the height is {metres} m, expected 0 to 1000")),
    }
}

/// Adds the parts of a geometry.
fn shape(geometry: &Json, parts: &mut Vec<Part>, depth: usize) -> Result<(), String> {
    let kind = geometry.get("type").and_then(Json::text).ok_or("it has no geometry")?;
    let coordinates = geometry.get("coordinates").unwrap_or(&Json::Null);
    let is_no_list = || format!("coordinates of {kind} are no list of places");
    let lines = |value: &Json| -> Result<Vec<Vec<[f64; 2]>>, String> {
        let Json::List(lines) = value else { return Err(is_no_list()) };
        lines.iter().map(line).collect::<Option<Result<_, _>>>().ok_or_else(is_no_list)?
    };
    match (kind, coordinates) {
        ("Point", Json::Place(at)) => parts.push(Part::Point(place(*at)?)),
        ("MultiPoint", points) => {
            parts.extend(line(points).ok_or_else(is_no_list)??.into_iter().map(Part::Point));
        }
        ("LineString", points) => parts.push(Part::Line(line(points).ok_or_else(is_no_list)??)),
        ("MultiLineString", several) => parts.extend(lines(several)?.into_iter().map(Part::Line)),
        ("Polygon", rings) => parts.push(Part::Area(lines(rings)?)),
        ("MultiPolygon", Json::List(several)) => {
            for rings in several {
                parts.push(Part::Area(lines(rings)?));
            }
        }
        ("GeometryCollection", _) if depth < 4 => {
            for one in geometry.get("geometries").map(Json::items).into_iter().flatten() {
                shape(one, parts, depth + 1)?;
            }
        }
        ("GeometryCollection", _) => return Err("more than 4 geometries lie within each other".to_owned()),
        ("Point" | "MultiPolygon", _) => return Err(is_no_list()),
        (other, _) => return Err(format!("a geometry of type {other} is not read")),
    }
    if parts.is_empty() { Err("it has no place".to_owned()) } else { Ok(()) }
}

/// Places of a line; `None`: it is none.
fn line(value: &Json) -> Option<Result<Vec<[f64; 2]>, String>> {
    match value {
        Json::Line(places) => Some(places.iter().copied().map(place).collect()),
        Json::List(none) if none.is_empty() => Some(Ok(Vec::new())),
        _ => None,
    }
}

/// Longitude stands first (RFC 7946, 3.1.1).
fn place([lon, lat]: [f64; 2]) -> Result<[f64; 2], String> {
    if lat.abs() <= 90.0 && lon.abs() <= 360.0 {
        Ok([lat, lon])
    } else {
        Err(format!("[{lon}, {lat}] is no longitude and latitude"))
    }
}

/// Where the columns of a table are.
struct Columns {
    lat: usize,
    lon: usize,
    name: Option<usize>,
    sector: Option<usize>,
    buffer: Option<usize>,
    height: Option<usize>,
}

fn table(bytes: &[u8], found: &mut Found) -> Result<(), String> {
    // Old tables are in Latin-1.
    let text = match String::from_utf8_lossy(bytes) {
        Cow::Owned(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        valid @ Cow::Borrowed(_) => valid,
    };
    let head = text.lines().next().unwrap_or_default();
    let delimiter =
        [b',', b';', b'\t'].into_iter().find(|one| head.contains(char::from(*one))).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |names: &[&str]| {
        names.iter().find_map(|name| header.iter().position(|title| title.eq_ignore_ascii_case(name)))
    };
    let columns = Columns {
        // Portals have columns X and Y too, which may be of another map: they count where nothing else is there.
        lat: column(&["lat", "latitude", "y"])
            .ok_or("the header names no latitude, expected a column lat or latitude")?,
        lon: column(&["lon", "lng", "long", "longitude", "x"])
            .ok_or("the header names no longitude, expected a column lon or longitude")?,
        name: column(&["name", "title"]),
        sector: column(&["sector", "category", "primary_fuel"]),
        buffer: column(BUFFER),
        height: column(HEIGHT),
    };
    for (row, record) in reader.records().enumerate() {
        let site =
            record.map_err(|error| error.to_string()).and_then(|record| of_row(row, &record, &columns));
        found.add(|| format!("row {}", row + 2), site)?;
    }
    Ok(())
}

fn of_row(row: usize, record: &csv::StringRecord, columns: &Columns) -> Result<Site, String> {
    let text =
        |column: Option<usize>| column.and_then(|column| record.get(column)).filter(|text| !text.is_empty());
    let number = |column| text(Some(column)).and_then(|text| text.parse::<f64>().ok());
    let metres = |column: Option<usize>| match text(column) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| format!("{text} is no number of metres")),
    };
    let place = number(columns.lat).zip(number(columns.lon));
    let (lat, lon) = place
        .filter(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 360.0)
        .ok_or("it has no latitude and longitude")?;
    Ok(Site {
        name: text(columns.name).map_or_else(|| format!("site {}", row + 1), str::to_owned),
        sector: text(columns.sector).map(sector::named),
        buffer_m: buffered(metres(columns.buffer)?)?,
        height_m: standing(metres(columns.height)?)?,
        parts: vec![Part::Point([lat, lon])],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn registers_of_both_kinds_are_read() {
        let json = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"name":"Works","sector":"WATR","buffer_m":50,"height_m":12.5},"geometry":{"type":"Polygon","coordinates":[[[8,47],[8.01,47],[8.01,47.01],[8,47]]]}},
            {"type":"Feature","properties":{},"geometry":{"type":"MultiPoint","coordinates":[[8.1,47.1],[8.2,47.2]]}}]}"#;
        let all = |bytes: &[u8]| read(bytes).unwrap().all().to_vec();
        let sites = all(json.as_bytes());
        assert_eq!(
            (sites[0].name.as_str(), sites[0].sector.as_deref(), sites[0].buffer_m, sites[0].height_m),
            ("Works", Some("Water and Wastewater Systems"), 50.0, 12.5)
        );
        assert_eq!(sites[1].parts.len(), 2);
        assert_eq!((sites[1].name.as_str(), sites[1].buffer_m, sites[1].height_m), ("site 2", BUFFER_M, 0.0));
        let sites = all(b"name,latitude,longitude,sector,height\nMast,47.1,8.1,COMM,80\nQuay,47.2,8.1,,\n");
        assert_eq!(sites[0].parts, [Part::Point([47.1, 8.1])]);
        assert_eq!((sites[0].sector.as_deref(), sites[0].height_m), (Some("Communications"), 80.0));
        assert_eq!((sites[1].sector.as_deref(), sites[1].height_m), (None, 0.0));
    }

    #[test]
    fn tables_of_portals_are_read() {
        for table in [
            "X,Y,OBJECTID,NAME,LATITUDE,LONGITUDE\n901700.5,5955000.2,1,Mast,47.1,8.1\n",
            "X,Y,OBJECTID,NAME\n8.1,47.1,1,Mast\n",
            "name;lat;long\nMast;47.1;8.1\n",
            "name\tlat\tlng\nMast\t47.1\t8.1\n",
        ] {
            let sites = read(table.as_bytes()).unwrap().all().to_vec();
            assert_eq!(
                (sites[0].name.as_str(), &sites[0].parts),
                ("Mast", &vec![Part::Point([47.1, 8.1])]),
                "{table}"
            );
        }
        let why = read(b"X,Y,NAME\n901700.5,5955000.2,Mast\n").unwrap_err();
        assert!(why.contains("row 2"), "{why}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("name,lat\nMast,47.1\n", "names no longitude"),
            ("lat,lon\nx,8.1\n", "row 2: it has no latitude"),
            (
                r#"{"type":"Feature","properties":{"buffer_m":-1},"geometry":{"type":"Point","coordinates":[8,47]}}"#,
                "the buffer is -1",
            ),
            ("lat,lon,height_m\n47.1,8.1,tall\n", "row 2: tall is no number"),
            ("lat,lon,height_m\n47.1,8.1,4000\n", "the height is 4000 m"),
            (
                r#"{"type":"Feature","properties":{"height":"high"},"geometry":{"type":"Point","coordinates":[8,47]}}"#,
                "height_m is a text, expected metres",
            ),
            (r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[8,147]}}"#, "feature 1"),
            (r#"{"type":"FeatureCollection","features":[]}"#, "no site"),
            (
                r#"{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:2056"}},"features":[]}"#,
                "crs is `EPSG:2056`",
            ),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_kept() {
        let point = |properties: &str, geometry: &str| {
            format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#)
        };
        let good = r#"{"type":"Point","coordinates":[8,47]}"#;
        let features = [
            point(r#"{"name":"a"}"#, good),
            point("{}", "null"),
            "7".to_owned(),
            point(r#"{"buffer_m":"wide\u001b[31m"}"#, good),
            point("{}", r#"{"type":"GeometryCollection","geometries":[]}"#),
            point(r#"{"name":"b"}"#, good),
        ];
        let json = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
        let table = b"name,lat,lon,height\na,47,8,\nx,,,\ny,147,8,\nz,47,8,tall\nshort\nD\xfcne,47,8,\n";
        for (bytes, names, told) in [
            (
                json.as_bytes(),
                ["a", "b"],
                [
                    "feature 2: it has no geometry",
                    "feature 3: it has no geometry",
                    "feature 4: ",
                    "feature 5: it has no place",
                ],
            ),
            (table, ["a", "D\u{fc}ne"], ["row 3: ", "row 4: ", "row 5: ", "row 6: "]),
        ] {
            let sites = read(bytes).unwrap();
            assert_eq!(sites.all().iter().map(|site| site.name.as_str()).collect::<Vec<_>>(), names);
            let flaws = sites.flaws();
            assert!(
                flaws.len() == 4 && flaws.iter().zip(told).all(|(flaw, at)| flaw.starts_with(at)),
                "{flaws:?}"
            );
            assert!(flaws.iter().all(|flaw| !flaw.contains('\u{1b}')), "{flaws:?}");
        }
        let many = format!("lat,lon\n47,8\n{}", "x,x\n".repeat(50));
        let sites = read(many.as_bytes()).unwrap();
        assert_eq!(
            (sites.flaws().len(), sites.flaws()[20].as_str()),
            (21, "30 more sites could not be read")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\",:a-zA-Z0-9.]{0,200}") {
            let _ = (read(&bytes), read(text.as_bytes()), read(format!("lat,lon\n{text}").as_bytes()));
        }
    }
}
