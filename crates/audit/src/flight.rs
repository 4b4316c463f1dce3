//! Flight logs: where the aircraft was and whether it flew, one format per file.
//!
//! A log gives [`Sample`]s. What they amount to over time is the business of `phases`.

mod csv_log;
mod dji_txt;
mod gpx;
pub(crate) mod heard;
mod inspected;
mod others;
pub(crate) mod telemetry;
mod tlog;

use std::collections::BTreeMap;

use creance_detect::{Fix, Path, Role};
use creance_model::{FlightState, Timestamp};

use crate::Error;

/// What a flight log says of one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Which aircraft, where one source tells of several.
    pub(crate) vehicle: i64,
    /// When.
    pub(crate) time: Timestamp,
    /// The state, if the sample says one.
    pub(crate) state: Option<FlightState>,
    /// Latitude and longitude in degrees (WGS 84), if the sample says them.
    pub(crate) position: Option<(f64, f64)>,
}

/// What a flight log says: of the aircraft over time, and of where others were.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) samples: Vec<Sample>,
    others: others::Others,
}

impl Log {
    /// Where everybody was: one path for each.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut paths = aircraft(&self.samples);
        paths.extend(self.others.paths());
        paths
    }
}

/// The paths of the aircraft of one source.
fn aircraft(samples: &[Sample]) -> Vec<Path> {
    let mut fixes: BTreeMap<i64, Vec<Fix>> = BTreeMap::new();
    for sample in samples {
        if let Some((lat, lon)) = sample.position {
            fixes.entry(sample.vehicle).or_default().push(Fix { time: sample.time, lat, lon });
        }
    }
    fixes.into_values().map(|fixes| Path { role: Role::Aircraft, fixes }).collect()
}

/// The largest flight log that is read, in bytes.
const LIMIT: u64 = 1 << 30;

/// Reads a flight log, whatever its format: MAVLink `.tlog`, GPX, DJI `.txt`, CSV with a header, or any other of
/// `creance-flightlog` that says when the aircraft was where.
pub(crate) fn read(path: &std::path::Path) -> Result<Log, Error> {
    let shown = path.display().to_string();
    let io = |source| Error::Io { path: shown.clone(), source };
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > LIMIT {
        return Err(Error::File { path: shown, why: format!("{length} bytes, at most {LIMIT} are read") });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let log = if let Some(log) = inspected::read(&bytes) { Ok(log) } else { read_usual(&bytes) }
        .map_err(|why| Error::File { path: shown.clone(), why })?;
    if log.samples.is_empty() {
        return Err(Error::File { path: shown, why: "no dated sample found in it".to_owned() });
    }
    Ok(log)
}

/// The formats that a flight log is mostly given in.
fn read_usual(bytes: &[u8]) -> Result<Log, String> {
    let alone = |samples| Log { samples, ..Log::default() };
    match kind(bytes) {
        Kind::Tlog => Ok(tlog::read(bytes)),
        Kind::Gpx => Ok(alone(gpx::read(bytes))),
        Kind::DjiTxt => dji_txt::read(bytes).map(|summary| inspected::with_places(summary, bytes)),
        Kind::Csv => csv_log::read(bytes),
    }
}

enum Kind {
    Tlog,
    Gpx,
    DjiTxt,
    Csv,
}

fn kind(bytes: &[u8]) -> Kind {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    if head.get(8).is_some_and(|magic| matches!(magic, 0xfe | 0xfd)) && tlog::looks_like(bytes) {
        return Kind::Tlog;
    }
    let text = String::from_utf8_lossy(head);
    if text.contains("<gpx") {
        return Kind::Gpx;
    }
    if text.chars().take(512).any(|c| c.is_control() && !c.is_whitespace()) {
        return Kind::DjiTxt;
    }
    Kind::Csv
}

/// Whether a pair of degrees can be a place. (0, 0) is what receivers say without a fix.
fn place(lat: f64, lon: f64) -> Option<(f64, f64)> {
    let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat.abs() > 1e-6 || lon.abs() > 1e-6);
    valid.then_some((lat, lon))
}

/// Says whether a track without a state of its own shows flight, by movement and height.
///
/// A sample counts as `flying` when it is more than 2 m above the first height, or faster than 1.5 m/s since the
/// sample before (domain practice: two weak signs in the air; here in retrospect one is enough). Others stay without
/// a state: a receiver lying on a table is no evidence of power or disarming of an aircraft.
fn flying_by_movement(samples: &mut [Sample], heights: &[Option<f64>]) {
    let ground = heights.iter().copied().flatten().next();
    for index in 0..samples.len() {
        let high = heights
            .get(index)
            .copied()
            .flatten()
            .zip(ground)
            .is_some_and(|(height, ground)| height - ground > 2.0);
        let fast = index
            .checked_sub(1)
            .and_then(|before| speed(samples.get(before)?, samples.get(index)?))
            .is_some_and(|v| v > 1.5);
        if let Some(sample) = samples.get_mut(index)
            && sample.state.is_none()
            && (high || fast)
        {
            sample.state = Some(FlightState::Flying);
        }
    }
}

/// Metres per second between two samples, on a sphere of 6 371 km.
fn speed(a: &Sample, b: &Sample) -> Option<f64> {
    let ((lat_a, lon_a), (lat_b, lon_b)) = (a.position?, b.position?);
    let seconds = b.time.as_secs_f64() - a.time.as_secs_f64();
    if seconds <= 0.0 {
        return None;
    }
    let north = (lat_b - lat_a).to_radians();
    let east = (lon_b - lon_a).to_radians() * lat_a.to_radians().cos();
    Some(north.hypot(east) * 6_371_000.0 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_that_moves_flies_and_one_that_lies_still_says_nothing() {
        let at = |second, lat| Sample {
            vehicle: 0,
            time: Timestamp::from_secs(second),
            state: None,
            position: Some((lat, 8.0)),
        };
        let mut samples = [at(0, 47.0), at(1, 47.0), at(2, 47.001)];
        flying_by_movement(&mut samples, &[None, None, None]);
        assert_eq!(samples.map(|sample| sample.state), [None, None, Some(FlightState::Flying)]);
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a skip is said")]
    fn real_flight_records_begin_and_end_as_the_oracle_says() {
        let folder = std::path::Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/data/files/logs_dji_txt"
        ));
        if !folder.is_dir() {
            println!("skipped: no shared flight records");
            return;
        }
        for entry in std::fs::read_dir(folder.join("oracle")).unwrap() {
            let oracle: serde_json::Value =
                serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
            let samples = read(&folder.join(oracle["file"].as_str().unwrap())).unwrap().samples;
            let (first, last) = (samples.first().unwrap().time, samples.last().unwrap().time);
            assert_eq!(Some(first), Timestamp::parse(oracle["details"]["startTime"].as_str().unwrap()));
            let seconds = last.as_secs_f64() - first.as_secs_f64();
            assert!((seconds - oracle["details"]["totalTime"].as_f64().unwrap()).abs() < 0.01, "{seconds}");
        }
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a skip is said")]
    fn a_real_telemetry_log_says_what_pymavlink_says() {
        let folder = std::path::Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/data/files/logs_mavlink"
        ));
        let name = "vtol_first900k.tlog";
        let Ok(oracle) = std::fs::read(folder.join("oracle").join(format!("{name}.json"))) else {
            println!("skipped: no shared telemetry logs");
            return;
        };
        let oracle: serde_json::Value = serde_json::from_slice(&oracle).unwrap();
        let samples = read(&folder.join(name)).unwrap().samples;
        let near = |a: f64, b: &serde_json::Value, most: f64| (a - b.as_f64().unwrap()).abs() < most;
        let places: Vec<(f64, f64)> = samples.iter().filter_map(|sample| sample.position).collect();
        let first = samples.iter().find(|sample| sample.position.is_some()).unwrap();
        assert!(near(first.time.as_secs_f64(), &oracle["first_fix"][0], 0.001), "{first:?}");
        assert!(near(places[0].0, &oracle["first_fix"][1], 1e-7), "{first:?}");
        assert!(near(places[0].1, &oracle["first_fix"][2], 1e-7), "{first:?}");
        // The log's two sources of places differ by some metres; pymavlink was asked for one of them.
        let least = |of: fn(&(f64, f64)) -> f64| places.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| places.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        for (index, edge) in
            [least(|one| one.0), least(|one| one.1), most(|one| one.0), most(|one| one.1)].iter().enumerate()
        {
            assert!(near(*edge, &oracle["bbox"][index], 1e-4), "{index} {edge}");
        }
        let mut changes: Vec<(f64, FlightState)> = Vec::new();
        for sample in &samples {
            if let Some(state) = sample.state
                && changes.last().is_none_or(|(_, last)| *last != state)
            {
                changes.push((sample.time.as_secs_f64(), state));
            }
        }
        let armed = oracle["armed_events"].as_array().unwrap();
        assert_eq!(changes.len(), armed.len(), "{changes:?}");
        for ((time, state), event) in changes.iter().zip(armed) {
            assert!(near(*time, &event[0], 0.001), "{changes:?}");
            assert_eq!(*state == FlightState::Flying, event[1].as_bool().unwrap());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes: Vec<u8>) {
            let _ = (tlog::read(&bytes), gpx::read(&bytes), dji_txt::read(&bytes), csv_log::read(&bytes));
        }
    }
}
