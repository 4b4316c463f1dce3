//! Real DJI flight records against what another program exported from them, and against their details as another parser
//! reads them.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "figures and a skip are said; a test may panic"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use creance_flightlog::{Options, format};
use creance_model::{Component, DataClass, Inspection, Role, Timestamp, TrackPoint};
use serde_json::Value;

/// Degrees that a position may differ: the export writes thirteen digits behind the point at most.
const DEGREES: f64 = 1e-9;
/// Metres of height: the export is in feet.
const METRES: f64 = 0.01;
/// Degrees of the gimbal: both have tenths.
const GIMBAL: f32 = 0.001;
/// Seconds between an exported row and a position: the export rounds to whole seconds.
const SECONDS: f64 = 0.51;

fn shared(folder: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/files").join(folder);
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn inspect(path: &Path, name: &str) -> Inspection {
    let bytes = std::fs::read(path).unwrap();
    let format = format(&bytes[..bytes.len().min(4096)]).unwrap();
    assert_eq!(format.name, name);
    format.read(&bytes, &Options::default())
}

/// The logs with the exports of the same flights, by the day that stands in their names.
fn pairs() -> Vec<(PathBuf, PathBuf)> {
    let (Some(logs), Some(exports)) = (shared("logs_dji_txt"), shared("logs_dji_csv")) else {
        return Vec::new();
    };
    let files = |folder: &Path, end: &str| -> Vec<PathBuf> {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == end)).collect()
    };
    let day = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.trim_start_matches("DJIFlightRecord_")[..10].to_owned()
    };
    let by_day: BTreeMap<_, _> = files(&exports, "csv").into_iter().map(|path| (day(&path), path)).collect();
    let logs = files(&logs, "txt").into_iter();
    logs.filter_map(|log| Some((by_day.get(&day(&log))?.clone(), log)))
        .map(|(export, log)| (log, export))
        .collect()
}

#[test]
fn every_exported_row_is_a_position_of_the_log() {
    for (log, export) in pairs() {
        let told = inspect(&log, "dji-txt");
        let track = &told.tracks.iter().find(|track| track.field == "OSD").unwrap().points;
        let mut reader = csv::Reader::from_path(&export).unwrap();
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (lat, lon) = (column("latitude"), column("longitude"));
        let (time, ascent) = (column("datetime(utc)"), column("ascent(feet)"));
        let (photo, mut photos) = (column("isPhoto"), 0);
        let (mut rows, mut matched, mut late) = (0, 0, 0.0_f64);
        for row in reader.records() {
            let row = row.unwrap();
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let moment = Timestamp::parse(&row[time]).unwrap();
            let fits = |point: &&TrackPoint| {
                let apart = point.time.unwrap().as_secs_f64() - moment.as_secs_f64();
                let height = point.alt_m.unwrap() - number(ascent) * 0.3048;
                (point.lat - number(lat)).abs() < DEGREES
                    && (point.lon - number(lon)).abs() < DEGREES
                    && height.abs() < METRES
                    && apart.abs() < SECONDS
            };
            let found = track
                .iter()
                .filter(fits)
                .map(|point| (point.time.unwrap().as_secs_f64() - moment.as_secs_f64()).abs());
            rows += 1;
            if let Some(apart) = found.reduce(f64::min) {
                matched += 1;
                late = late.max(apart);
            }
            photos += usize::from(&row[photo] == "1");
        }
        eprintln!(
            "{}: {matched} of {rows} rows found among {} positions, at most {late:.3} s apart",
            log.display(),
            track.len()
        );
        assert_eq!((matched, track.len()), (rows, rows));
        assert_eq!(told.times.iter().filter(|dated| dated.what == "taken").count(), photos);
        assert_eq!(told.damage, []);
        // Whoever flies these stands within sight.
        let start = track[0];
        for phone in
            told.tracks.iter().filter(|track| track.role == Role::Operator).flat_map(|track| &track.points)
        {
            let near = (phone.lat - start.lat).abs() < 0.01 && (phone.lon - start.lon).abs() < 0.01;
            assert!(near, "{phone:?} {start:?}");
        }
    }
}

#[test]
fn the_log_and_its_export_say_the_same() {
    for (log, export) in pairs() {
        let (log, export) = (inspect(&log, "dji-txt"), inspect(&export, "csv"));
        let way = |told: &Inspection| {
            told.tracks.iter().find(|one| one.role == Role::Aircraft).unwrap().points.clone()
        };
        let (ours, exported) = (way(&log), way(&export));
        assert_eq!(ours.len(), exported.len());
        for (a, b) in ours.iter().zip(&exported) {
            assert!((a.lat - b.lat).abs() < DEGREES && (a.lon - b.lon).abs() < DEGREES, "{a:?} {b:?}");
            assert!((a.alt_m.unwrap() - b.alt_m.unwrap()).abs() < METRES, "{a:?} {b:?}");
            // The export has yaw from 0 to 360, and does not tell of roll.
            let (ours, theirs) = a.gaze.zip(b.gaze).unwrap();
            assert!((ours.yaw.rem_euclid(360.0) - theirs.yaw).abs() < GIMBAL, "{a:?} {b:?}");
            assert!((ours.pitch - theirs.pitch).abs() < GIMBAL, "{a:?} {b:?}");
            // The export begins in the middle of a second that it does not name, and counts from there.
            let apart = a.time.unwrap().since(b.time.unwrap());
            assert!(apart.abs() < 1_500_000_000, "{a:?} {b:?}");
        }
        let taken = |told: &Inspection| told.times.iter().filter(|dated| dated.what == "taken").count();
        assert_eq!(taken(&log), taken(&export));
        assert_eq!(export.damage, []);
    }
}

#[test]
fn details_are_what_another_parser_reads() {
    let Some(folder) = shared("logs_dji_txt") else { return };
    for entry in folder.join("oracle").read_dir().unwrap() {
        let oracle: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let told = inspect(&folder.join(oracle["file"].as_str().unwrap()), "dji-txt");
        let details = &oracle["details"];
        let text = |key: &str| details[key].as_str().unwrap();
        for (of, key) in [
            (Component::Aircraft, "aircraftSn"),
            (Component::Camera, "cameraSn"),
            (Component::Controller, "rcSn"),
            (Component::Battery, "batterySn"),
        ] {
            let serials: Vec<_> = told
                .identifiers
                .iter()
                .filter(|identifier| identifier.class == DataClass::Serial && identifier.of == Some(of))
                .map(|identifier| identifier.value.as_str())
                .collect();
            // Once of the details, and once of the record that repeats them.
            assert_eq!(serials, [text(key), text(key)], "{key}");
        }
        let facts: Vec<&str> = told.facts.iter().map(|fact| fact.value.as_str()).collect();
        for key in ["subStreet", "city", "aircraftName"] {
            // What the app shows until it knows the name is no place.
            assert_eq!(facts.contains(&text(key)), text(key) != "Map Loading", "{key}");
        }
        let version = oracle["version"].to_string();
        assert!(facts.contains(&version.as_str()));
        let start = told.times.iter().find(|dated| dated.what == "start").unwrap();
        assert_eq!(Some(start.time), Timestamp::parse(text("startTime")));
        let home = &told.places[0];
        let near = |a: f64, b: &Value| (a - b.as_f64().unwrap()).abs() < 1e-12;
        assert!(near(home.lat, &details["latitude"]) && near(home.lon, &details["longitude"]));
        let lengths = ["momentPicImageBufferLen", "momentPicShrinkImageBufferLen"]
            .iter()
            .flat_map(|key| details[key].as_array().unwrap())
            .filter_map(Value::as_u64)
            .filter(|length| *length > 0);
        let hidden = told.hidden.iter().map(|hidden| hidden.bytes);
        assert!(hidden.eq(lengths), "{:?}", told.hidden);
        let counts = &oracle["independent_walk"]["counts_by_type"];
        let points = |field: &str| {
            told.tracks.iter().find(|track| track.field == field).map(|track| track.points.len() as u64)
        };
        assert_eq!((points("OSD"), points("AppGPS")), (counts["1"].as_u64(), counts["14"].as_u64()));
    }
}
