//! The FAA's UAS facility maps as a table (CSV): a row for each cell, without its edge.
//!
//! A cell is of 30″ each way, and lies on the grid of whole half minutes: a place in the middle of such a cell tells which it is
//! (`LATITUDE`, `LONGITUDE`). Places elsewhere tell of no cell and are flaws. What is in the other columns stands in [`super::faa`].

use super::{
    Position, Zone, faa,
    read::{Content, Found, Volumes},
};
use crate::json::Json;

/// Cells of a degree.
const CELLS: f64 = 120.0;

/// How far from the middle of a cell its place may be written, in cells.
const OFF: f64 = 0.02;

const INSTEAD: &str = "download the same data as GeoJSON, which has the edges of areas";

fn header(text: &str) -> impl Iterator<Item = &str> {
    text.lines().next().unwrap_or_default().split(',').map(|title| title.trim().trim_matches('"'))
}

/// A column of ceilings beside one that only these maps have.
pub(super) fn is(content: &Content<'_>) -> bool {
    let Content::Text(text) = content else { return false };
    let has =
        |names: &[&str]| header(text).any(|title| names.iter().any(|name| title.eq_ignore_ascii_case(name)));
    has(&["CEILING"]) && has(&faa::FACILITY)
}

pub(super) fn read(content: &Content<'_>, found: &mut Found) -> Result<(), String> {
    let Content::Text(text) = content else { return Ok(()) };
    let mut rows = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let titles = rows.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| titles.iter().position(|title| title.eq_ignore_ascii_case(name));
    if column("FLOOR").or(column("Base")).is_some() {
        return Err(format!("the table is of areas that are no cells: {INSTEAD}"));
    }
    let (Some(lat), Some(lon)) = (column("LATITUDE"), column("LONGITUDE")) else {
        return Err(format!("the table has no columns LATITUDE and LONGITUDE: {INSTEAD}"));
    };
    for (number, row) in rows.records().enumerate() {
        let mut none = Volumes::default();
        let wrong =
            |why: &str| (Zone { id: format!("row {}", number + 2), ..Zone::default() }, Err(why.to_owned()));
        let (zone, why) = match &row {
            Err(error) => wrong(&error.to_string()),
            Ok(row) => {
                let degrees = |column: usize| row.get(column).and_then(|text| text.parse::<f64>().ok());
                match degrees(lon).zip(degrees(lat)).and_then(|(lon, lat)| cell([lon, lat])) {
                    Some(ring) => {
                        faa::zone(&feature(&titles, row, ring), true, |place| place, found);
                        continue;
                    }
                    None => wrong(&format!(
                        "its LATITUDE and LONGITUDE are not the middle of a cell of 30 seconds: {INSTEAD}"
                    )),
                }
            }
        };
        none.push(why);
        found.add(zone, none);
    }
    Ok(())
}

/// The edge of the cell in whose middle a place lies.
fn cell(middle: Position) -> Option<Vec<Position>> {
    let is_middle = |degrees: f64| ((degrees * CELLS).rem_euclid(1.0) - 0.5).abs() <= OFF;
    let [west, south] = middle.map(|degrees| (degrees * CELLS).floor());
    let corners =
        [[west, south], [west + 1.0, south], [west + 1.0, south + 1.0], [west, south + 1.0], [west, south]];
    middle
        .into_iter()
        .all(is_middle)
        .then(|| corners.map(|corner| corner.map(|cells| cells / CELLS)).to_vec())
}

/// A row as the feature that the FAA's server would give out.
fn feature(titles: &csv::StringRecord, row: &csv::StringRecord, ring: Vec<Position>) -> Json {
    let values = titles.iter().zip(row).filter(|(_, text)| !text.is_empty());
    let says = values.map(|(title, text)| (title.to_owned(), Json::Text(text.to_owned()))).collect();
    let kind = ("type".to_owned(), Json::Text("Polygon".to_owned()));
    let geometry = vec![kind, ("coordinates".to_owned(), Json::List(vec![Json::Line(ring)]))];
    Json::Object(vec![
        ("properties".to_owned(), Json::Object(says)),
        ("geometry".to_owned(), Json::Object(geometry)),
    ])
}

#[cfg(test)]
mod tests {
    use crate::zones::{Answer, Restriction, read as read_file, testing::answer};

    const TABLE: &str = "\u{feff}OBJECTID,CEILING,UNIT,MAP_EFF,LAST_EDIT,LATITUDE,LONGITUDE,APT1_NAME,APT1_LAANC\r\n\
        1,200,XYZ ATCT,2026/06/12 00:00:00+00,2026/06/14 11:00:00+00,40.7708333,-73.9041667,\"Some Airport, East\",1\r\n";

    #[test]
    fn a_row_is_the_cell_around_its_place() {
        let (source, zones) = read_file("x.csv", TABLE.as_bytes()).unwrap();
        assert_eq!((source.format, zones.len(), source.flaws.len()), ("FAA CSV", 1, 0));
        assert_eq!(source.issued.unwrap().to_string(), "2026-06-14T00:00:00Z");
        assert_eq!(zones[0].restriction, Restriction::Authorisation);
        assert_eq!(zones[0].name.as_deref(), Some("Some Airport, East, 200 ft"));
        assert_eq!(zones[0].says.as_deref(), Some("authorised by machine up to 200 ft (61 m) above ground"));
        for (lat, lon, expected) in [
            (40.7668, -73.9082, Some(Answer::Inside)),
            (40.7748, -73.9002, Some(Answer::Inside)),
            (40.7665, -73.9041, None),
            (40.7708, -73.8998, None),
        ] {
            assert_eq!(answer(&zones, lat, lon), expected, "{lat} {lon}");
        }
    }

    #[test]
    fn what_is_no_cell_is_told() {
        // The corner of a cell, nothing, a row cut short.
        for row in ["2,100,A,,,40.775,-73.9,,", "2,100,A,,,,,,", "2,100", "2,100,A,,,1e300,8,,"] {
            let (source, zones) = read_file("x.csv", format!("{TABLE}{row}\n").as_bytes()).unwrap();
            assert_eq!((zones.len(), source.flaws.len()), (1, 1), "{row}");
            assert!(
                source.flaws[0].contains("`row 3`: its LATITUDE and LONGITUDE are not the middle"),
                "{:?}",
                source.flaws
            );
        }
        for (from, to) in [("LATITUDE", "Y"), ("APT1_LAANC", "FLOOR")] {
            let why = read_file("x.csv", TABLE.replace(from, to).as_bytes()).unwrap_err();
            assert!(why.contains("download the same data as GeoJSON"), "{why}");
        }
    }
}
