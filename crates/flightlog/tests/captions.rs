//! Real captions against counts that were made with other means: `../shared/data/files/srt` (skipped where it is absent).
#![expect(clippy::print_stdout, reason = "a test")]

use std::{fs, path::Path};

use creance_flightlog::{Options, format};
use serde_json::Value;

#[test]
fn as_many_places_as_were_counted_and_the_first_is_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/files/srt");
    let Ok(oracles) = fs::read_dir(folder.join("oracle")) else {
        println!("skipped: no shared captions");
        return;
    };
    let mut compared = 0;
    for oracle in oracles {
        let oracle: Value = serde_json::from_slice(&fs::read(oracle.unwrap().path()).unwrap()).unwrap();
        let name = oracle["file"].as_str().unwrap();
        let bytes = fs::read(folder.join(name)).unwrap();
        let told = format(&bytes)
            .unwrap_or_else(|| unreachable!("{name} is no format"))
            .read(&bytes, &Options::default());
        assert_eq!(told.kind, "srt", "{name}");
        let count = |field: &str| oracle[field].as_u64().unwrap();
        let points = told.tracks.first().map_or(0, |track| track.points.len() as u64);
        assert_eq!(points, count("n_latitude_fields") + count("n_GPS_tuples"), "{name}");
        let Some(first) = told.tracks.first().and_then(|track| track.points.first()) else { continue };
        compared += 1;
        let near = |value: f64, text: &Value| {
            let number = text.as_f64().or_else(|| text.as_str()?.parse().ok()).unwrap();
            (value - number).abs() < 1e-9
        };
        if let Some(pair) = oracle["first_latlon_fields"].as_array() {
            assert!(near(first.lat, &pair[0]) && near(first.lon, &pair[1]), "{name}: {first:?}");
        } else if let Some(pair) = oracle["first_GPS_tuple_as_written"].as_array() {
            // In these files latitude stands first where HOME and date do not begin a caption.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let longitude_first = text.lines().any(|line| line.starts_with("HOME("));
            let (lat, lon) = if longitude_first { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
            assert!(near(first.lat, lat) && near(first.lon, lon), "{name}: {first:?}");
        }
        let dated = oracle["first_datetime_text"].as_str();
        if let Some((date, clock)) = dated.and_then(|text| text.split_once(' ')) {
            let time = told.times.first().unwrap().time.to_string();
            let parts: Vec<u32> = date.split(['-', '.']).map(|part| part.parse().unwrap()).collect();
            let date = parts.iter().map(|part| format!("{part:02}")).collect::<Vec<_>>().join("-");
            assert!(time.starts_with(&format!("{date}T{clock}")), "{name}: {time}");
        }
    }
    assert!(compared >= 10, "{compared}");
}
