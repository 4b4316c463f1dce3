//! Flight state over time, in retrospect (DESIGN §2).
//!
//! Armed or airborne evidence makes `flying` from its first to its last sample; powered and disarmed makes `ground`;
//! `off` needs evidence: the action log, or the end of a log together with the silence of its link. Everything else is
//! `unknown`.

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{FlightState, Phase, Timestamp};

use crate::flight::Sample;

/// Longest silence within one state that is still the same state. Telemetry comes at least once a second; log writers
/// thin it out.
const BRIDGE: i64 = 15 * SECOND;

/// How long after the last sample of a log its state still holds.
const GRACE: i64 = 2 * SECOND;

const SECOND: i64 = 1_000_000_000;

/// Everything that says something about flight.
#[derive(Debug, Default)]
pub(crate) struct FlightEvidence {
    /// Samples of one source each, with the name of the source.
    pub(crate) sources: Vec<(String, Vec<Sample>)>,
    /// What was radiated for all to hear. It counts where nothing else says a state: it is anybody's aircraft, and
    /// anybody's word.
    pub(crate) radiated: Vec<(String, Vec<Sample>)>,
    /// Moments at which the aircraft was switched on (`true`) or off, and who says so.
    pub(crate) power: Vec<(Timestamp, bool, String)>,
    /// Whether the capture itself shows telemetry, and the time it covers.
    pub(crate) capture: Option<(Timestamp, Timestamp)>,
    /// When telemetry was seen in the capture: first and last.
    pub(crate) link: Option<(Timestamp, Timestamp)>,
}

impl FlightEvidence {
    /// The phases that the evidence amounts to, ascending and not overlapping. Gaps between them are `unknown`.
    ///
    /// Each aircraft of each source has a track of its own; while any of them flies, the state is `flying`.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        let known = self.sources.iter().any(|(_, samples)| samples.iter().any(|one| one.state.is_some()));
        let sources = if known { &self.sources } else { &self.radiated };
        let mut tracks: BTreeMap<(usize, i64), Vec<(Timestamp, FlightState)>> = BTreeMap::new();
        for (source, (_, samples)) in sources.iter().enumerate() {
            for sample in samples {
                if let Some(state) = sample.state {
                    tracks.entry((source, sample.vehicle)).or_default().push((sample.time, state));
                }
            }
        }
        let named = |source: usize| sources.get(source).map_or("", |(name, _)| name.as_str());
        let tracks = tracks.into_iter().map(|((source, _), points)| track(points, named(source))).collect();
        let mut phases = together(tracks);
        self.add_off(&mut phases, known);
        phases
    }

    /// Adds `off` where the action log or the end of a log together with a silent link shows it. What is not heard on air
    /// any more is out of reach.
    fn add_off(&self, phases: &mut Vec<Phase>, known: bool) {
        let mut off: Vec<Phase> = Vec::new();
        let mut power = self.power.clone();
        power.sort();
        if let Some((time, true, source)) = power.first() {
            off.push(Phase {
                from: Timestamp::from_nanos(i64::MIN),
                to: *time,
                state: FlightState::Off,
                source: source.clone(),
            });
        }
        for (index, (time, on, source)) in power.iter().enumerate() {
            if !on {
                let to = power.get(index + 1).map_or(Timestamp::from_nanos(i64::MAX), |next| next.0);
                off.push(Phase { from: *time, to, state: FlightState::Off, source: source.clone() });
            }
        }
        if power.is_empty()
            && known
            && let (Some(last), Some((_, capture_end))) = (phases.last(), self.capture)
            // A log or a link that ends in the air shows no landing, and much less that anything was switched off.
            && last.state == FlightState::Ground
        {
            let silent_from = self.link.map_or(last.to, |(_, end)| end.plus_nanos(GRACE).max(last.to));
            if silent_from < capture_end {
                let source = format!("{} ends and its link is silent", last.source);
                off.push(Phase {
                    from: silent_from,
                    to: Timestamp::from_nanos(i64::MAX),
                    state: FlightState::Off,
                    source,
                });
            }
        }
        // Telemetry is stronger than a note in a log: off fills only what telemetry leaves open.
        let known = phases.clone();
        for phase in off {
            let mut from = phase.from;
            for taken in known.iter().filter(|taken| taken.to > phase.from && taken.from < phase.to) {
                if from < taken.from {
                    phases.push(Phase { from, to: taken.from, ..phase.clone() });
                }
                from = from.max(taken.to);
            }
            if from < phase.to {
                phases.push(Phase { from, ..phase });
            }
        }
        phases.sort_by_key(|phase| phase.from);
    }
}

/// The phases of one aircraft by one source.
fn track(mut points: Vec<(Timestamp, FlightState)>, source: &str) -> Vec<Phase> {
    // At the same moment, flying comes last and so wins.
    points.sort_by_key(|(time, state)| (*time, *state == FlightState::Flying));
    let mut phases: Vec<Phase> = Vec::new();
    for (time, state) in points {
        if let Some(last) = phases.last_mut() {
            if time.since(last.to) <= BRIDGE {
                last.to = time;
                if last.state == state {
                    continue;
                }
            } else {
                last.to = last.to.plus_nanos(GRACE);
            }
        }
        phases.push(Phase { from: time, to: time, state, source: source.to_owned() });
    }
    if let Some(last) = phases.last_mut() {
        last.to = last.to.plus_nanos(GRACE);
    }
    phases.retain(|phase| phase.from < phase.to);
    phases
}

/// Phases of several tracks as one: flying wherever any of them flies.
fn together(mut tracks: Vec<Vec<Phase>>) -> Vec<Phase> {
    if tracks.len() < 2 {
        return tracks.pop().unwrap_or_default();
    }
    let all: Vec<Phase> = tracks.into_iter().flatten().collect();
    // Ends before beginnings at the same moment.
    let mut borders: Vec<(Timestamp, bool, usize)> = all
        .iter()
        .enumerate()
        .flat_map(|(index, phase)| [(phase.from, true, index), (phase.to, false, index)])
        .collect();
    borders.sort_unstable();
    let mut open: BTreeSet<(bool, usize)> = BTreeSet::new();
    let mut phases: Vec<Phase> = Vec::new();
    let mut since = None;
    for (time, begins, index) in borders {
        let of = |index: usize| all.get(index);
        // What holds from the border before up to this one: ground sorts before flying.
        if let (Some(from), Some(phase)) = (since, open.last().and_then(|(_, index)| of(*index)))
            && from < time
        {
            match phases.last_mut() {
                Some(last) if last.to == from && last.state == phase.state && last.source == phase.source => {
                    last.to = time;
                }
                _ => phases.push(Phase { from, to: time, ..phase.clone() }),
            }
        }
        since = Some(time);
        let key = (of(index).is_some_and(|phase| phase.state == FlightState::Flying), index);
        if begins {
            open.insert(key);
        } else {
            open.remove(&key);
        }
    }
    phases
}

/// The state that holds over a whole stretch of time, if one does.
pub(crate) fn throughout(phases: &[Phase], from: Timestamp, to: Timestamp) -> Option<FlightState> {
    let mut phase = at(phases, from)?;
    let state = phase.state;
    while phase.to < to {
        phase = at(phases, phase.to).filter(|next| next.state == state)?;
    }
    Some(state)
}

/// The phase that covers a moment.
pub(crate) fn at(phases: &[Phase], time: Timestamp) -> Option<&Phase> {
    let after = phases.partition_point(|phase| phase.from <= time);
    phases.get(after.checked_sub(1)?).filter(|phase| time < phase.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FlightState::{Flying, Ground, Off};

    fn t(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn evidence(states: &[(i64, FlightState)]) -> FlightEvidence {
        let samples = states
            .iter()
            .map(|(second, state)| Sample {
                vehicle: 0,
                time: t(*second),
                state: Some(*state),
                position: None,
            })
            .collect();
        FlightEvidence { sources: vec![("log".to_owned(), samples)], ..FlightEvidence::default() }
    }

    fn states(phases: &[Phase], seconds: &[i64]) -> Vec<Option<FlightState>> {
        seconds.iter().map(|second| at(phases, t(*second)).map(|phase| phase.state)).collect()
    }

    #[test]
    fn flying_reaches_from_its_first_to_its_last_sample() {
        let phases =
            evidence(&[(10, Ground), (11, Ground), (12, Flying), (13, Flying), (14, Ground)]).phases();
        assert_eq!(
            states(&phases, &[9, 10, 12, 13, 14, 15, 30]),
            [None, Some(Ground), Some(Flying), Some(Flying), Some(Ground), Some(Ground), None]
        );
    }

    #[test]
    fn a_long_silence_is_unknown() {
        let phases = evidence(&[(10, Flying), (100, Flying)]).phases();
        assert_eq!(states(&phases, &[10, 50, 100]), [Some(Flying), None, Some(Flying)]);
    }

    #[test]
    fn of_several_aircraft_any_that_flies_makes_it_flying() {
        let mut evidence = evidence(&[(10, Flying), (20, Flying)]);
        let (_, samples) = &mut evidence.sources[0];
        samples.extend((8..=24).map(|second| Sample {
            vehicle: 2,
            time: t(second),
            state: Some(Ground),
            position: None,
        }));
        let phases = evidence.phases();
        assert_eq!(phases.len(), 3, "{phases:?}");
        assert_eq!(states(&phases, &[9, 10, 15, 21, 23]), [Ground, Flying, Flying, Flying, Ground].map(Some));
        assert_eq!(throughout(&phases, t(11), t(13)), Some(Flying));
        assert_eq!(throughout(&phases, t(8), t(11)), None);
    }

    #[test]
    fn what_is_radiated_counts_where_nothing_else_says_a_state_and_its_silence_is_no_power_off() {
        let told = |state| evidence(&[(10, state), (20, state)]);
        let mut known = told(Ground);
        known.radiated = told(Flying).sources;
        assert_eq!(states(&known.phases(), &[15]), [Some(Ground)]);
        let mut heard = FlightEvidence { radiated: told(Ground).sources, ..FlightEvidence::default() };
        heard.capture = Some((t(0), t(200)));
        assert_eq!(states(&heard.phases(), &[15, 100]), [Some(Ground), None]);
    }

    #[test]
    fn a_log_that_ends_in_the_air_shows_no_power_off() {
        let mut evidence = evidence(&[(10, Ground), (20, Flying)]);
        evidence.capture = Some((t(0), t(200)));
        assert_eq!(states(&evidence.phases(), &[100]), [None]);
    }

    #[test]
    fn off_needs_evidence() {
        let mut evidence = evidence(&[(10, Ground), (20, Ground)]);
        evidence.power = vec![(t(8), true, "actions".into()), (t(25), false, "actions".into())];
        let phases = evidence.phases();
        assert_eq!(states(&phases, &[5, 9, 15, 23, 26]), [Some(Off), None, Some(Ground), None, Some(Off)]);
    }

    #[test]
    fn the_end_of_a_log_and_a_silent_link_mean_off() {
        let mut evidence = evidence(&[(10, Ground)]);
        assert_eq!(states(&evidence.phases(), &[100]), [None], "no capture covers the moment");
        evidence.capture = Some((t(50), t(200)));
        assert_eq!(states(&evidence.phases(), &[100]), [Some(Off)]);
    }
}
