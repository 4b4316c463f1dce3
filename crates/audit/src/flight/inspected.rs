//! Flight logs that `creance-flightlog` reads and nothing here does: `ArduPilot` (bytes and text), PX4, Blackbox, KML tracks; and
//! the places in DJI's flight records, beside what their summary says.

use creance_detect::Role;
use creance_flightlog::Options;
use creance_model::{FlightState, Inspection, Interval, Timestamp};

use super::{Log, Sample, others::Others};

/// Formats that are read here by their samples, each with what says a state; and captions, whose times are local.
const NOT_HERE: &[&str] = &["tlog", "gpx", "csv", "srt", DJI];

/// DJI's flight records.
const DJI: &str = "dji-txt";

/// Adds to the summary of a flight record where everybody was by its frames, as far as they can be read. What the aircraft did
/// is known from the summary.
pub(super) fn with_places(summary: Vec<Sample>, bytes: &[u8]) -> Log {
    let format = creance_flightlog::FORMATS.iter().find(|format| format.name == DJI);
    let frames = format.map(|format| samples(&format.read(bytes, &Options::default()))).unwrap_or_default();
    let Log { samples: frames, others } = frames;
    let within = summary.first().zip(summary.last()).map(|(first, last)| first.time..=last.time);
    let kept =
        frames.into_iter().filter(|frame| within.as_ref().is_some_and(|within| within.contains(&frame.time)));
    let mut samples = summary;
    samples.extend(kept.map(|frame| Sample { state: None, ..frame }));
    samples.sort_by_key(|sample| sample.time);
    Log { samples, others }
}

/// What such a log says; `None`: it is none, or says no dated place.
pub(super) fn read(bytes: &[u8]) -> Option<Log> {
    let format = creance_flightlog::format(bytes.get(..bytes.len().min(4096))?)?;
    if NOT_HERE.contains(&format.name) {
        return None;
    }
    let log = samples(&format.read(bytes, &Options::default()));
    (!log.samples.is_empty()).then_some(log)
}

/// Dated places as samples.
fn samples(told: &Inspection) -> Log {
    let (mut samples, mut others) = (Vec::new(), Others::default());
    for (vehicle, track) in (0_i64..).zip(&told.tracks) {
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
    }
    for spot in &told.places {
        let first = samples.first().map(|sample: &Sample| sample.time);
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
    Log { samples, others }
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

    #[test]
    fn a_track_of_kml_says_where_the_aircraft_was() {
        let kml = "<kml><gx:Track><when>2031-06-11T08:00:00Z</when><when>2031-06-11T08:00:01Z</when><gx:coord>8.5 47.5 420</gx:coord><gx:coord>8.6 47.6 430</gx:coord></gx:Track></kml>";
        let samples = read(kml.as_bytes()).unwrap().samples;
        assert_eq!(samples.len(), 2);
        assert_eq!((samples[1].position, samples[1].state), (Some((47.6, 8.6)), None));
        assert!(read(b"time,lat,lon\n1,2,3\n").is_none());
    }

    #[test]
    fn the_state_is_that_of_the_phase() {
        let at = Timestamp::from_secs;
        let phase = |from, to, state| Interval { from: at(from), to: at(to), state, source: String::new() };
        let phases = [phase(10, 20, FlightState::Ground), phase(20, 30, FlightState::Flying)];
        let told: Vec<_> = [5, 10, 20, 30, 31].map(|second| state(&phases, at(second))).to_vec();
        let flying = Some(FlightState::Flying);
        assert_eq!(told, [None, Some(FlightState::Ground), flying, flying, None]);
    }
}
