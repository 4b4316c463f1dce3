//! Real logs, against what the makers' own readers say of them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![expect(clippy::print_stderr, reason = "a skip is said")]

use std::path::PathBuf;

use creance_flightlog::{Options, format};
use creance_model::{FlightState, Inspection, Role, Track};
use serde_json::Value;

/// Each log of a folder of the samples with this ending that has an oracle, read, with the oracle.
fn logs(folder: &str, ending: &str) -> Vec<(Inspection, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/files").join(folder);
    let Ok(entries) = folder.join("oracle").read_dir() else {
        eprintln!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let oracle: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let log = folder.join(oracle["file"].as_str().unwrap());
        let bytes = log.extension().is_some_and(|one| one == ending).then(|| std::fs::read(log).unwrap())?;
        let format = format(&bytes[..bytes.len().min(4096)]).unwrap();
        Some((format.read(&bytes, &Options::default()), oracle))
    };
    paths.into_iter().filter_map(read).collect()
}

fn named<'a>(told: &'a Inspection, field: &str) -> &'a Track {
    told.tracks.iter().find(|track| track.field == field).unwrap_or_else(|| panic!("no track of {field}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

fn near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by
}

/// South, west, north, east.
fn bounds(track: &Track) -> [f64; 4] {
    let start = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    track.points.iter().fold(start, |[s, w, n, e], point| {
        [s.min(point.lat), w.min(point.lon), n.max(point.lat), e.max(point.lon)]
    })
}

/// That a track has the fixes of an oracle of pymavlink: how many, the first, the last, and where they lie.
fn agrees(track: &Track, oracle: &Value) {
    assert_eq!(track.points.len() as u64, oracle["gps_fix3_points"].as_u64().unwrap());
    let ends = [track.points.first().unwrap(), track.points.last().unwrap()];
    for (point, name) in ends.into_iter().zip(["first_fix", "last_fix"]) {
        let [time, lat, lon, height] = numbers(&oracle[name])[..] else { panic!("{name}") };
        assert!(near(point.time.unwrap().as_secs_f64(), time, 1e-3), "{name} {:?} {time}", point.time);
        assert!(near(point.lat, lat, 1e-9) && near(point.lon, lon, 1e-9), "{name} {point:?}");
        assert!(near(point.alt_m.unwrap(), height, 1e-6), "{name} {point:?}");
    }
    for (ours, theirs) in bounds(track).into_iter().zip(numbers(&oracle["bbox"])) {
        assert!(near(ours, theirs, 1e-9));
    }
}

#[test]
fn telemetry_says_what_pymavlink_says() {
    for (told, oracle) in logs("logs_mavlink", "tlog") {
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        agrees(named(&told, "GPS_RAW_INT"), &oracle);
        let points = named(&told, "GLOBAL_POSITION_INT").points.len() as u64;
        assert_eq!(points, oracle["types"]["GLOBAL_POSITION_INT"]);
        let armed = |at: usize| oracle["armed_events"][at][0].as_f64().unwrap();
        let flying = &told.phases[0];
        assert_eq!(flying.state, FlightState::Flying);
        assert!(near(flying.from.as_secs_f64(), armed(0), 1e-3));
        assert!(near(flying.to.as_secs_f64(), armed(1), 1e-3));
        for role in [Role::Home, Role::Target] {
            assert!(told.places.iter().any(|spot| spot.role == role), "{role}");
        }
    }
}

#[test]
fn logs_of_ardupilot_say_what_pymavlink_says() {
    for (told, oracle) in logs("logs_mavlink", "BIN") {
        agrees(named(&told, "GPS"), &oracle);
        assert_eq!(named(&told, "POS").points.len() as u64, oracle["types"]["POS"]);
        let commands = told.places.iter().filter(|spot| spot.field == "CMD").count() as u64;
        assert!(commands > 0 && commands <= oracle["types"]["CMD"].as_u64().unwrap());
        assert_eq!(told.device.software.as_deref(), oracle["first_msgs"][0].as_str());
        let board = oracle["first_msgs"][2].as_str().unwrap().replace(' ', "");
        assert!(told.identifiers.iter().any(|one| board.ends_with(&one.value)), "{:?}", told.identifiers);
        // The sample is the beginning of a longer log: its last row is cut.
        assert_eq!(told.damage.len(), 1);
    }
}

#[test]
fn logs_of_px4_say_what_pyulog_says() {
    for (told, oracle) in logs("logs_px4", "ulg") {
        let text = |key: &str| oracle["info"][key].as_str();
        assert_eq!(told.device.make.as_deref(), text("sys_name"));
        assert_eq!(told.device.model.as_deref(), text("ver_hw"));
        let serial = told.identifiers.iter().find(|one| one.field == "sys_uuid");
        assert_eq!(serial.map(|one| one.value.as_str()), text("sys_uuid"));
        let damage: Vec<_> = told.damage.iter().map(|flaw| flaw.what.as_str()).collect();
        assert_eq!(damage, if oracle["dropouts"] == 0 { vec![] } else { vec!["dropouts"] });
        let messages = told.facts.iter().filter(|fact| fact.what == "message").count() as u64;
        assert!(messages <= oracle["logged"].as_u64().unwrap());
        let Some(topic) = oracle["gps"]["topic"].as_str() else {
            assert!(told.tracks.is_empty());
            continue;
        };
        let track = named(&told, topic);
        let number = |key: &str| oracle["gps"][key].as_u64().unwrap();
        // The oracle counts fixes of three dimensions; those of two are told as well.
        assert!((number("n_fix3")..=number("n")).contains(&(track.points.len() as u64)));
        let end = track.points.last().unwrap();
        let [lat, lon] = numbers(&oracle["gps"]["last"])[..] else { panic!("last") };
        assert!(near(end.lat, lat, 1e-7) && near(end.lon, lon, 1e-7), "{end:?}");
        let [south, _, north, _] = bounds(track);
        let bbox = numbers(&oracle["gps"]["bbox"]);
        assert!(near(south, bbox[0], 1e-6) && near(north, bbox[2], 1e-6), "{south} {north} {bbox:?}");
        let utc = number("time_utc_usec_last");
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this century")]
        let utc = utc as f64 / 1e6;
        assert!(near(end.time.unwrap().as_secs_f64(), utc, 0.05), "{:?} {utc}", end.time);
        let changes = oracle["arming_state_changes"].as_array().unwrap();
        assert_eq!(told.phases.len(), changes.len());
        for (phase, change) in told.phases.iter().zip(changes) {
            let state = if change[1] == 2 { FlightState::Flying } else { FlightState::Ground };
            assert_eq!(phase.state, state);
            let since = change[0].as_i64().unwrap() - changes[0][0].as_i64().unwrap();
            assert_eq!(phase.from.since(told.phases[0].from), since * 1000);
        }
    }
}

#[test]
fn a_blackbox_log_that_is_damaged_on_purpose_is_read_on_both_sides() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/files/logs_other/error-recovery.bbl");
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return;
    };
    let told = format(&bytes).unwrap().read(&bytes, &Options::default());
    assert_eq!(told.kind, "blackbox");
    // A letter too many, and an event that nobody knows: three bytes.
    let lost: Vec<_> = told.damage.iter().map(|flaw| flaw.why.as_str()).collect();
    assert_eq!(lost, ["1 bytes are no frame", "3 bytes are no frame"]);
}
