//! Places of a case as GeoJSON (RFC 7946).

use std::io;

use creance_model::Report;
use serde_json::{Value, json};

use crate::{
    Options, Output,
    places::{Feature, features, is_closed},
    reviews::reviews,
};

/// A collection of features.
pub(crate) struct GeoJson;

impl Output for GeoJson {
    fn name(&self) -> &'static str {
        "geojson"
    }

    fn extension(&self) -> &'static str {
        "geojson"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        let features: Vec<Value> = features(report).iter().map(feature).collect();
        let document = json!({
            "type": "FeatureCollection",
            "case": report.case.id,
            "tool": report.case.tool,
            "revealed": report.revealed,
            "tlp": report.banner().label(),
            "reviews": reviews(report),
            "features": features,
        });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    }
}

fn feature(feature: &Feature) -> Value {
    let geometries: Vec<Value> = feature.lines.iter().map(|line| geometry(line)).collect();
    let geometry = match geometries.as_slice() {
        [one] => one.clone(),
        _ => json!({"type": "GeometryCollection", "geometries": geometries}),
    };
    json!({
        "type": "Feature",
        "properties": {"name": feature.name, "kind": feature.kind, "says": feature.says, "tlp": feature.tlp.label()},
        "geometry": geometry,
    })
}

/// Longitude stands first (RFC 7946, 3.1.1), and edges run against the clock (3.1.6).
fn geometry(line: &[(f64, f64)]) -> Value {
    let mut places: Vec<[f64; 2]> = line.iter().map(|(lat, lon)| [*lon, *lat]).collect();
    match places.as_slice() {
        [place] => json!({"type": "Point", "coordinates": place}),
        _ if is_closed(line) => {
            let area = |pair: &[[f64; 2]]| match pair {
                [[x, y], [to_x, to_y]] => x * to_y - to_x * y,
                _ => 0.0,
            };
            if places.windows(2).map(area).sum::<f64>() < 0.0 {
                places.reverse();
            }
            json!({"type": "Polygon", "coordinates": [places]})
        }
        _ => json!({"type": "LineString", "coordinates": places}),
    }
}
