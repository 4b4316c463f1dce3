//! Flight state over time, in retrospect (DESIGN §2).
//!
//! Armed or airborne evidence makes `flying` from its first to its last sample; powered and disarmed makes `ground`;
//! `off` needs evidence: the action log, or the end of a log together with the silence of a link that was heard before.
//! Everything else is `unknown`.

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{FlightState, Phase, Timestamp};

use crate::flight::Sample;

/// Longest silence within one state that is still the same state. Telemetry comes at least once a second; log writers
/// thin it out.
const BRIDGE: i64 = 15 * SECOND;

/// How long after the last sample of a log its state still holds.
const GRACE: i64 = 2 * SECOND;

/// Phases told; of an aircraft that changes its state more often than one that flies can, the later ones are counted.
const MOST: usize = 10_000;

const SECOND: i64 = 1_000_000_000;

/// Everything that says something about flight.
#[derive(Debug, Default)]
pub(crate) struct FlightEvidence {
    /// Samples of one flight log each, with its name.
    pub(crate) logs: Vec<(String, Vec<Sample>)>,
    /// Samples of one link in the capture each, with its name.
    pub(crate) links: Vec<(String, Vec<Sample>)>,
    /// What was radiated for all to hear, or sent to us unasked. It counts where nothing else says a state: it is
    /// anybody's aircraft, and anybody's word.
    pub(crate) radiated: Vec<(String, Vec<Sample>)>,
    /// Moments at which the aircraft was switched on (`true`) or off, and who says so.
    pub(crate) power: Vec<(Timestamp, bool, String)>,
    /// What the action log says of flight.
    pub(crate) marks: Vec<Phase>,
    /// Whether the capture itself shows telemetry, and the time it covers.
    pub(crate) capture: Option<(Timestamp, Timestamp)>,
    /// When telemetry was seen in the capture: first and last.
    pub(crate) link: Option<(Timestamp, Timestamp)>,
}

impl FlightEvidence {
    /// The phases that the evidence amounts to, ascending and not overlapping, and how many more there are beyond the
    /// bound. Gaps between them are `unknown`.
    ///
    /// Each aircraft of each source has a track of its own; while any of them flies, the state is `flying`.
    pub(crate) fn phases(&self) -> (Vec<Phase>, u64) {
        let mut logs = tracks(&self.logs);
        let mut links = tracks(&self.links);
        let phases = if logs.is_empty() && links.is_empty() {
            // The operator's own word on the power is stronger than a stranger's on flight.
            fill(self.power_off(), together(tracks(&self.radiated)))
        } else {
            let mut off = self.power_off();
            off.extend(self.fallen_silent(&logs, &links));
            logs.append(&mut links);
            // Telemetry is stronger than a note in a log: off fills only what telemetry leaves open.
            fill(together(logs), off)
        };
        // What the operator noted fills what nothing measured.
        let mut phases = fill(phases, self.marks.clone());
        let beyond = phases.len().saturating_sub(MOST) as u64;
        phases.truncate(MOST);
        (phases, beyond)
    }

    /// `off` where the action log says so.
    fn power_off(&self) -> Vec<Phase> {
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
        off
    }

    /// `off` where a log has ended and a link that was heard is silent, if nothing says when the power went.
    ///
    /// A log or a link that ends in the air shows no landing, and much less that anything was switched off: every
    /// aircraft must have ended on the ground. A link alone that ends may be out of reach.
    fn fallen_silent(&self, logs: &[Vec<Phase>], links: &[Vec<Phase>]) -> Option<Phase> {
        let last = |track: &&Vec<Phase>| track.last().cloned();
        let ends: Vec<Phase> = logs.iter().chain(links).filter_map(|track| last(&track)).collect();
        let log = logs.iter().filter_map(|track| last(&track)).max_by_key(|phase| phase.to)?;
        let ((_, link), (_, capture)) = self.link.zip(self.capture)?;
        let silent = ends.iter().map(|phase| phase.to).max()?.max(link.plus_nanos(GRACE));
        let down = ends.iter().all(|phase| phase.state == FlightState::Ground);
        (self.power.is_empty() && down && capture.since(silent) > BRIDGE).then(|| Phase {
            from: silent,
            to: Timestamp::from_nanos(i64::MAX),
            state: FlightState::Off,
            source: format!("{} ends and its link is silent", log.source),
        })
    }
}

/// The tracks of every aircraft of every source that says states.
fn tracks(sources: &[(String, Vec<Sample>)]) -> Vec<Vec<Phase>> {
    let mut points: BTreeMap<(usize, i64), Vec<(Timestamp, FlightState)>> = BTreeMap::new();
    for (source, (_, samples)) in sources.iter().enumerate() {
        for sample in samples {
            if let Some(state) = sample.state {
                points.entry((source, sample.vehicle)).or_default().push((sample.time, state));
            }
        }
    }
    let named = |source: usize| sources.get(source).map_or("", |(name, _)| name.as_str());
    points.into_iter().map(|((source, _), points)| track(points, named(source))).collect()
}

/// Adds `weaker` phases where the others leave time open.
fn fill(mut phases: Vec<Phase>, weaker: Vec<Phase>) -> Vec<Phase> {
    let known = phases.clone();
    for phase in weaker {
        let mut from = phase.from;
        let first = known.partition_point(|taken| taken.to <= phase.from);
        let within = known.iter().skip(first).take_while(|taken| taken.from < phase.to);
        for taken in within {
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
    phases
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
        FlightEvidence { logs: vec![("log".to_owned(), samples)], ..FlightEvidence::default() }
    }

    fn states(phases: &[Phase], seconds: &[i64]) -> Vec<Option<FlightState>> {
        seconds.iter().map(|second| at(phases, t(*second)).map(|phase| phase.state)).collect()
    }

    #[test]
    fn marks_of_the_operator_fill_what_nothing_measured() {
        let mark = |from, to, state| Phase { from: t(from), to: t(to), state, source: "actions".to_owned() };
        let mut told = evidence(&[(10, Ground), (12, Flying), (20, Flying)]);
        told.marks = vec![mark(0, 14, Ground), mark(14, 90, Flying), mark(90, 95, Ground)];
        let (phases, _) = told.phases();
        let expected = [Some(Ground), Some(Flying), Some(Flying), Some(Flying), Some(Ground), None];
        assert_eq!(states(&phases, &[5, 13, 21, 60, 92, 96]), expected);
        assert_eq!(at(&phases, t(13)).unwrap().source, "log");
    }

    #[test]
    fn flying_reaches_from_its_first_to_its_last_sample() {
        let phases =
            evidence(&[(10, Ground), (11, Ground), (12, Flying), (13, Flying), (14, Ground)]).phases().0;
        assert_eq!(
            states(&phases, &[9, 10, 12, 13, 14, 15, 30]),
            [None, Some(Ground), Some(Flying), Some(Flying), Some(Ground), Some(Ground), None]
        );
    }

    #[test]
    fn a_long_silence_is_unknown() {
        let phases = evidence(&[(10, Flying), (100, Flying)]).phases().0;
        assert_eq!(states(&phases, &[10, 50, 100]), [Some(Flying), None, Some(Flying)]);
    }

    #[test]
    fn of_several_aircraft_any_that_flies_makes_it_flying() {
        let mut evidence = evidence(&[(10, Flying), (20, Flying)]);
        let (_, samples) = &mut evidence.logs[0];
        samples.extend((8..=24).map(|second| Sample {
            vehicle: 2,
            time: t(second),
            state: Some(Ground),
            position: None,
        }));
        let phases = evidence.phases().0;
        assert_eq!(phases.len(), 3, "{phases:?}");
        assert_eq!(states(&phases, &[9, 10, 15, 21, 23]), [Ground, Flying, Flying, Flying, Ground].map(Some));
        assert_eq!(throughout(&phases, t(11), t(13)), Some(Flying));
        assert_eq!(throughout(&phases, t(8), t(11)), None);
    }

    #[test]
    fn what_is_radiated_counts_where_nothing_else_says_a_state_and_its_silence_is_no_power_off() {
        let told = |state| evidence(&[(10, state), (20, state)]);
        let mut known = told(Ground);
        known.radiated = told(Flying).logs;
        assert_eq!(states(&known.phases().0, &[15]), [Some(Ground)]);
        let mut heard = FlightEvidence { radiated: told(Ground).logs, ..FlightEvidence::default() };
        heard.capture = Some((t(0), t(200)));
        assert_eq!(states(&heard.phases().0, &[15, 100]), [Some(Ground), None]);
    }

    #[test]
    fn a_log_that_ends_in_the_air_shows_no_power_off() {
        let mut evidence = evidence(&[(10, Ground), (20, Flying)]);
        evidence.capture = Some((t(0), t(200)));
        assert_eq!(states(&evidence.phases().0, &[100]), [None]);
    }

    #[test]
    fn off_needs_evidence() {
        let mut evidence = evidence(&[(10, Ground), (20, Ground)]);
        evidence.power = vec![(t(8), true, "actions".into()), (t(25), false, "actions".into())];
        let phases = evidence.phases().0;
        assert_eq!(states(&phases, &[5, 9, 15, 23, 26]), [Some(Off), None, Some(Ground), None, Some(Off)]);
    }

    #[test]
    fn the_end_of_a_log_and_a_silent_link_mean_off() {
        let mut evidence = evidence(&[(10, Ground)]);
        assert_eq!(states(&evidence.phases().0, &[100]), [None], "no capture covers the moment");
        evidence.capture = Some((t(50), t(200)));
        assert_eq!(states(&evidence.phases().0, &[100]), [None], "no link was heard that could be silent");
        evidence.link = Some((t(50), t(60)));
        assert_eq!(states(&evidence.phases().0, &[61, 100]), [None, Some(Off)]);
        evidence.capture = Some((t(50), t(70)));
        assert_eq!(states(&evidence.phases().0, &[69]), [None], "a pause is no silence");
        evidence.capture = Some((t(50), t(200)));
        evidence.links = std::mem::take(&mut evidence.logs);
        assert_eq!(states(&evidence.phases().0, &[100]), [None], "a link that ends may be out of reach");
    }

    #[test]
    fn of_two_aircraft_one_that_ends_in_the_air_was_not_switched_off() {
        let mut evidence = evidence(&[(10, Ground), (40, Ground)]);
        evidence.logs.push(("second".to_owned(), self::evidence(&[(20, Flying)]).logs.remove(0).1));
        (evidence.capture, evidence.link) = (Some((t(0), t(200))), Some((t(0), t(50))));
        assert_eq!(states(&evidence.phases().0, &[100]), [None]);
        evidence.logs.truncate(1);
        assert_eq!(states(&evidence.phases().0, &[100]), [Some(Off)]);
    }

    #[test]
    fn an_action_log_is_stronger_than_what_a_stranger_radiates() {
        let radiated = evidence(&[(10, Flying), (20, Flying), (30, Flying)]).logs;
        let power = vec![(t(15), false, "actions".into()), (t(25), true, "actions".into())];
        let heard = FlightEvidence { radiated, power, ..FlightEvidence::default() };
        let phases = heard.phases().0;
        assert_eq!(states(&phases, &[12, 16, 24, 28]), [Flying, Off, Off, Flying].map(Some));
    }

    #[test]
    fn phases_are_bounded_and_those_beyond_are_counted() {
        let states: Vec<_> = (0..)
            .map(|second| (second, if second % 2 == 0 { Ground } else { Flying }))
            .take(MOST + 5)
            .collect();
        let (phases, beyond) = evidence(&states).phases();
        assert_eq!((phases.len(), beyond), (MOST, 5));
    }
}
