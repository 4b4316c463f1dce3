//! Where the aircraft was and whether it flew, by logs and by what links say in a capture.
//!
//! Each gives [`Sample`]s. What they amount to over time is the business of `phases`.

pub(crate) mod heard;
mod logged;
mod others;
pub(crate) mod telemetry;

use std::collections::BTreeMap;

use creance_detect::{Fix, Path, Role};
use creance_model::{FlightState, Timestamp, Track};

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
    /// Its tracks as they stand there.
    pub(crate) tracks: Vec<Track>,
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

/// Reads a flight log of any format that `creance-flightlog` reads and that says when the aircraft was where.
pub(crate) fn read(path: &std::path::Path) -> Result<Log, Error> {
    let shown = path.display().to_string();
    let io = |source| Error::Io { path: shown.clone(), source };
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > LIMIT {
        return Err(Error::File { path: shown, why: format!("{length} bytes, at most {LIMIT} are read") });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    logged::read(&bytes).map_err(|why| Error::File { path: shown.clone(), why })
}

/// Whether a pair of degrees can be a place. (0, 0) is what receivers say without a fix.
fn place(lat: f64, lon: f64) -> Option<(f64, f64)> {
    let valid = lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat.abs() > 1e-6 || lon.abs() > 1e-6);
    valid.then_some((lat, lon))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            // Frames begin and end some moments before or after what the summary says.
            let start = Timestamp::parse(oracle["details"]["startTime"].as_str().unwrap()).unwrap();
            let late = first.as_secs_f64() - start.as_secs_f64();
            let longer =
                last.as_secs_f64() - first.as_secs_f64() - oracle["details"]["totalTime"].as_f64().unwrap();
            println!("{} {late} {longer}", oracle["file"]);
            assert!(late.abs() < 3.0 && longer.abs() < 3.0, "{} {late} {longer}", oracle["file"]);
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
}
