//! What states of a moment amount to over time, for formats that tell them sample by sample.

use creance_model::{FlightState, Inspection, Interval, Timestamp};

/// Longest silence within one state that is still the same state, in nanoseconds; and how long the last word holds.
const BRIDGE: i64 = 15_000_000_000;
const GRACE: i64 = 2_000_000_000;

/// Phases that are told; an aircraft that changes its state more often is none.
const MOST: usize = 10_000;

/// Adds the phases that states of moments amount to: a state holds until the next word, or 2 s where none follows within
/// 15 s. At the same moment, flying wins.
pub(crate) fn add_phases(
    inspection: &mut Inspection,
    mut states: Vec<(Timestamp, FlightState)>,
    source: &'static str,
) {
    states.sort_by_key(|(time, state)| (*time, *state == FlightState::Flying));
    let mut phases: Vec<Interval<FlightState>> = Vec::new();
    for (time, state) in states {
        if let Some(last) = phases.last_mut() {
            if time.since(last.to) > BRIDGE {
                last.to = last.to.plus_nanos(GRACE);
            } else {
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
        last.to = last.to.plus_nanos(GRACE);
    }
    phases.retain(|phase| phase.from < phase.to);
    inspection.phases = phases;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            [(0.0, 10.0, Ground), (10.0, 14.0, Flying), (100.0, 101.0, Flying), (101.0, 103.0, Ground)];
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
