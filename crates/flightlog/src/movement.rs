//! What movement and states of a moment amount to over time, for formats that tell it sample by sample.

use creance_model::{FlightState, Inspection, Interval, Timestamp, TrackPoint};

/// What a log says of one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// When.
    pub(crate) time: Timestamp,
    /// Degrees north and east, a valid place.
    pub(crate) place: Option<(f64, f64)>,
    /// Metres of height, above whatever all samples of the log count from.
    pub(crate) height: Option<f64>,
    /// The state, if one is said.
    pub(crate) state: Option<FlightState>,
}

/// Metres above the first height from which on something flies, and metres per second.
const HIGH: f64 = 2.0;
const FAST: f64 = 1.5;

/// Says which samples of a log without states of its own show flight, by movement and height.
///
/// A sample counts as `flying` when it is more than 2 m above the first height, or faster than 1.5 m/s since the sample
/// before. Others stay without a state: a receiver lying on a table is no evidence of power or disarming.
pub(crate) fn flying_by_movement(samples: &mut [Sample]) {
    let ground = samples.iter().find_map(|sample| sample.height);
    let mut before: Option<Sample> = None;
    for sample in samples {
        let high = sample.height.zip(ground).is_some_and(|(height, ground)| height - ground > HIGH);
        let fast = before.and_then(|before| speed(&before, sample)).is_some_and(|speed| speed > FAST);
        before = Some(*sample);
        if sample.state.is_none() && (high || fast) {
            sample.state = Some(FlightState::Flying);
        }
    }
}

/// Adds the phases of flight of a track without states of its own, by movement and height.
pub(crate) fn phases_by_movement(inspection: &mut Inspection, points: &[TrackPoint]) {
    let samples = points.iter().filter_map(|point| {
        let place = Some((point.lat, point.lon));
        Some(Sample { time: point.time?, place, height: point.alt_m, state: None })
    });
    let mut samples: Vec<Sample> = samples.collect();
    flying_by_movement(&mut samples);
    let states = samples.iter().filter_map(|sample| Some((sample.time, sample.state?)));
    add_phases(inspection, states.collect(), "movement");
}

/// Metres per second between two samples, on a sphere of 6 371 km.
fn speed(a: &Sample, b: &Sample) -> Option<f64> {
    let ((lat_a, lon_a), (lat_b, lon_b)) = (a.place?, b.place?);
    let seconds = b.time.as_secs_f64() - a.time.as_secs_f64();
    let north = (lat_b - lat_a).to_radians();
    let east = (lon_b - lon_a).to_radians() * lat_a.to_radians().cos();
    (seconds > 0.0).then(|| north.hypot(east) * 6_371_000.0 / seconds)
}

/// Longest silence within one state that is still the same state, in nanoseconds; and the longest that the last word holds.
const BRIDGE: i64 = 15_000_000_000;
const GRACE: i64 = 2_000_000_000;

/// Phases that are told; an aircraft that changes its state more often is none.
const MOST: usize = 10_000;

/// Adds the phases that states of moments amount to: a state holds until the next word, or where none follows within 15 s
/// for as long as lay between the last two words, 2 s at most. At the same moment, flying wins.
pub(crate) fn add_phases(
    inspection: &mut Inspection,
    mut states: Vec<(Timestamp, FlightState)>,
    source: &str,
) {
    states.sort_by_key(|(time, state)| (*time, *state == FlightState::Flying));
    let mut phases: Vec<Interval<FlightState>> = Vec::new();
    let mut grace = GRACE;
    for (time, state) in states {
        if let Some(last) = phases.last_mut() {
            let silence = time.since(last.to);
            if silence > BRIDGE {
                last.to = last.to.plus_nanos(grace);
                grace = GRACE;
            } else {
                if silence > 0 {
                    grace = silence.min(GRACE);
                }
                last.to = time;
                if last.state == state {
                    continue;
                }
            }
        }
        if phases.len() == MOST {
            inspection.flaw("phases", 0, &format!("more than {MOST}; what is later is not told"));
            break;
        }
        phases.push(Interval { from: time, to: time, state, source: source.to_owned() });
    }
    if let Some(last) = phases.last_mut() {
        last.to = last.to.plus_nanos(grace);
    }
    phases.retain(|phase| phase.from < phase.to);
    inspection.phases = phases;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64, lat: f64, height: Option<f64>) -> Sample {
        Sample { time: Timestamp::from_secs(second), place: Some((lat, 8.0)), height, state: None }
    }

    #[test]
    fn what_moves_or_is_high_flies_and_what_lies_still_says_nothing() {
        let mut samples = [
            at(0, 47.0, Some(400.0)),
            at(1, 47.0, Some(401.0)),
            at(2, 47.001, None),
            at(3, 47.001, Some(402.5)),
        ];
        flying_by_movement(&mut samples);
        let flying = samples.map(|sample| sample.state.is_some());
        assert_eq!(flying, [false, false, true, true]);
    }

    #[test]
    fn a_state_holds_until_the_next_word_but_not_through_silence() {
        use FlightState::{Flying, Ground};
        let mut inspection = Inspection::of("x");
        let states = [(0, Ground), (5, Ground), (10, Flying), (12, Flying), (100, Flying), (101, Ground)];
        let states = states.map(|(second, state)| (Timestamp::from_secs(second), state));
        add_phases(&mut inspection, states.to_vec(), "x");
        let told: Vec<_> = inspection
            .phases
            .iter()
            .map(|phase| (phase.from.as_secs_f64(), phase.to.as_secs_f64(), phase.state))
            .collect();
        let wanted =
            [(0.0, 10.0, Ground), (10.0, 14.0, Flying), (100.0, 101.0, Flying), (101.0, 102.0, Ground)];
        assert_eq!(told, wanted);
    }

    proptest! {
        #[test]
        fn phases_are_in_order_and_do_not_overlap(states in prop::collection::vec((any::<i64>(), any::<bool>()), 0..100)) {
            let mut inspection = Inspection::of("x");
            let state = |flying| if flying { FlightState::Flying } else { FlightState::Ground };
            let states = states.into_iter().map(|(at, flying)| (Timestamp::from_nanos(at), state(flying)));
            add_phases(&mut inspection, states.collect(), "x");
            prop_assert!(inspection.phases.iter().all(|phase| phase.from < phase.to));
            prop_assert!(inspection.phases.windows(2).all(|two| two[0].to <= two[1].from));
        }
    }
}
