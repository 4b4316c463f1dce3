//! What a flight log says, by the readers of `creance-flightlog`: dated places and phases become samples.

use creance_detect::Role;
use creance_flightlog::Options;
use creance_model::{FlightState, Inspection, Interval, Timestamp};

use super::{Log, Sample, others::Others};

/// Captions: their times are local, and nothing says of where.
const UNDATED: &str = "srt";

/// Nanoseconds between two samples of a phase: less than the silence that ends a state.
const STEP: i64 = 2_000_000_000;

/// Samples of phases alone: two days.
const MOST: usize = 100_000;

/// What a log says. Errors: why it is of no use, reads well after the name of the file.
pub(super) fn read(bytes: &[u8]) -> Result<Log, String> {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let format = creance_flightlog::format(head)
        .filter(|format| format.name != UNDATED)
        .ok_or("no flight log that says when the aircraft was where: expected one of DJI (.txt), MAVLink (.tlog), ArduPilot, PX4, Blackbox, GPX, KML, or a table (CSV) whose header names a time, a latitude and a longitude, such as time,lat,lon")?;
    let told = format.read(bytes, &Options::default());
    let mut log = samples(&told);
    if log.samples.is_empty() {
        let why = told.damage.first().map_or(String::new(), |flaw| format!(": {} ({})", flaw.why, flaw.what));
        return Err(format!("no dated place and no state was found in this {} log{why}", format.name));
    }
    log.tracks = told.tracks;
    Ok(log)
}

/// Dated places and phases as samples.
fn samples(told: &Inspection) -> Log {
    let (mut samples, mut others) = (Vec::new(), Others::default());
    let mut vehicle = 0;
    for track in &told.tracks {
        for point in &track.points {
            let Some(time) = point.time else { continue };
            match track.role {
                creance_model::Role::Home => others.add(Role::Home, time, point.lat, point.lon),
                creance_model::Role::Operator => others.add(Role::Operator, time, point.lat, point.lon),
                creance_model::Role::Aircraft => {
                    let (state, position) = (state(&told.phases, time), Some((point.lat, point.lon)));
                    samples.push(Sample { vehicle, time, state, position });
                }
                creance_model::Role::Camera | creance_model::Role::Target => {}
            }
        }
        vehicle += i64::from(track.role == creance_model::Role::Aircraft);
    }
    let mut left = MOST;
    for phase in &told.phases {
        let last = phase.to.plus_nanos(-1);
        let steps = std::iter::successors(Some(phase.from), |time| Some(time.plus_nanos(STEP)));
        let times = steps.take_while(|time| *time < last).take(left).chain([last]);
        let state = Some(phase.state);
        let before = samples.len();
        samples.extend(times.map(|time| Sample { vehicle: 0, time, state, position: None }));
        left = left.saturating_sub(samples.len() - before);
    }
    for spot in &told.places {
        let first = told.phases.first().map(|phase| phase.from);
        let first = first.or_else(|| samples.first().map(|sample: &Sample| sample.time));
        let role = match spot.role {
            creance_model::Role::Home => Role::Home,
            creance_model::Role::Operator => Role::Operator,
            _ => continue,
        };
        if let Some(time) = spot.time.or(first) {
            others.add(role, time, spot.lat, spot.lon);
        }
    }
    samples.sort_by_key(|sample| sample.time);
    Log { samples, tracks: Vec::new(), others }
}

/// What the aircraft was doing at a moment.
fn state(phases: &[Interval<FlightState>], time: Timestamp) -> Option<FlightState> {
    let after = phases.partition_point(|phase| phase.from <= time);
    let phase = phases.get(after.checked_sub(1)?).filter(|phase| time <= phase.to)?;
    Some(phase.state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_of_kml_says_where_the_aircraft_was() {
        let kml = "<kml><gx:Track><when>2031-06-11T08:00:00Z</when><when>2031-06-11T08:00:09Z</when><gx:coord>8.5 47.5 420</gx:coord><gx:coord>8.5 47.5 420</gx:coord></gx:Track></kml>";
        let samples = read(kml.as_bytes()).unwrap().samples;
        assert_eq!(samples.len(), 2);
        assert_eq!((samples[1].position, samples[1].state), (Some((47.5, 8.5)), None));
    }

    #[test]
    fn columns_of_home_and_operator_are_others() {
        let log =
            b"time,lat,lon,home_lat,home_lon,rc_latitude,rc_longitude\n100,47.0,8.0,47.1,8.1,47.2,8.2\n";
        let paths = read(log).unwrap().others.paths();
        let told: Vec<_> =
            paths.iter().map(|path| (path.role, path.fixes[0].lat, path.fixes[0].lon)).collect();
        assert_eq!(told, [(Role::Home, 47.1, 8.1), (Role::Operator, 47.2, 8.2)]);
    }

    #[test]
    fn states_are_those_that_the_log_says_or_that_height_tells() {
        let states = |log: &[u8]| -> Vec<Option<FlightState>> {
            let samples = read(log).unwrap().samples;
            samples.iter().filter(|sample| sample.position.is_some()).map(|sample| sample.state).collect()
        };
        let said = b"time,lat,lon,is_flying\n100,47.0,8.0,0\n101,47.0,8.0,1\n102,47.0,8.0,1\n";
        let (ground, flying) = (Some(FlightState::Ground), Some(FlightState::Flying));
        assert_eq!(states(said), [ground, flying, flying]);
        assert_eq!(states(b"time,lat,lon,alt\n100,47.0,8.0,400\n101,47.0,8.0,410\n"), [None, flying]);
    }

    #[test]
    fn what_is_of_no_use_is_refused_with_the_reason() {
        for (log, why) in [
            (&b"lat,lon\n1,2\n"[..], "header names a time"),
            (b"1\n00:00:00,000 --> 00:00:01,000\n[latitude: 47.5] [longitude: 8.5]\n", "says when"),
            (b"time,lat,lon\nnever,,\n", "without a time that can be read"),
            (&[1; 200], "no flight log"),
        ] {
            let error = read(log).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_state_is_that_of_the_phase_and_lasts_as_long() {
        let at = Timestamp::from_secs;
        let phase = |from, to, state| Interval { from: at(from), to: at(to), state, source: String::new() };
        let phases = vec![phase(10, 20, FlightState::Ground), phase(20, 30, FlightState::Flying)];
        let told: Vec<_> = [5, 10, 20, 30, 31].map(|second| state(&phases, at(second))).to_vec();
        let (ground, flying) = (Some(FlightState::Ground), Some(FlightState::Flying));
        assert_eq!(told, [None, ground, flying, flying, None]);
        let log = samples(&Inspection { phases, ..Inspection::of("x") });
        let changed = log.samples.iter().find(|sample| sample.state == flying).unwrap().time;
        assert_eq!((changed, log.samples.len()), (at(20), 12));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
