//! Whether something may be flying: a function of evidence and of time that only runs forward.
//!
//! ```text
//!            any sign of flight, from anybody
//!  unknown ───────────────┬──────────────▶ airborne ──silence──▶ stale
//!     ▲ │                 │                    │                   │
//!     │ └─ all bound aircraft on the ground, ◀─┴───────────────────┘
//!  silence  for long, told in full
//!     │          │
//!  grounded ◀────┘          released: an operator's word, asked twice, until the next sign of flight
//! ```
//!
//! It rises at the first sign and falls slowly. Silence never opens. Who is not bound by the configuration can raise and
//! not release. After a restart nothing is known, and what flew before has not landed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Silence after which an aircraft is no longer heard: its heartbeat comes once a second.
const SILENCE: Duration = Duration::from_secs(5);
/// For how long an aircraft must tell that it is on the ground, and how often.
const SETTLES: Duration = Duration::from_secs(10);
const SAMPLES: u32 = 5;
/// For how long nobody may have said otherwise.
const UNDISPUTED: Duration = Duration::from_secs(15);
/// The age at which a fact is none any more.
const FRESH: Duration = Duration::from_secs(3);
/// Within this time two weak signs are one of flight.
const TOGETHER: Duration = Duration::from_secs(2);
/// How long an operator has to confirm a release.
const CONFIRM: Duration = Duration::from_mins(1);

/// What is believed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing is known.
    Unknown,
    /// Every aircraft that is bound has told, for long and in full, that it is on the ground.
    Grounded,
    /// Something says that it flies, or is about to.
    Airborne,
    /// Something flew and fell silent.
    Stale,
    /// An operator vouches that nothing flies.
    Released,
}

impl State {
    /// Whether the outside may be reached at all. The policy may still say no.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Grounded | Self::Released)
    }

    /// Whether something is in the air, or fell silent there.
    pub fn may_fly(self) -> bool {
        matches!(self, Self::Airborne | Self::Stale)
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Grounded => "grounded",
            Self::Airborne => "airborne",
            Self::Stale => "stale",
            Self::Released => "released",
        }
    }

    /// What is known after a restart of a guard that last believed this.
    fn after_restart(self) -> Self {
        if self.may_fly() { Self::Stale } else { Self::Unknown }
    }
}

/// What somebody said of an aircraft, at once. What was not said is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether its motors may turn.
    pub armed: Option<bool>,
    /// Whether it stands on the ground.
    pub landed: Option<bool>,
    /// Over ground, in metres a second.
    pub speed: Option<f64>,
    /// Up or down, in metres a second.
    pub climb: Option<f64>,
    /// Above the place where it took off, in metres.
    pub height: Option<f64>,
}

impl Facts {
    fn strong(&self) -> bool {
        self.armed == Some(true) || self.landed == Some(false)
    }

    /// For people; nothing, where there is nothing to say that alone has a meaning.
    pub(crate) fn in_words(&self) -> Option<String> {
        let words = match (self.armed, self.landed) {
            (Some(true), _) => "armed",
            (_, Some(false)) => "in the air",
            (Some(false), Some(true)) => "on the ground, disarmed",
            (Some(false), None) => "disarmed",
            (None, Some(true)) => "on the ground",
            (None, None) if self.weak().iter().filter(|sign| **sign).count() > 1 => "moves",
            (None, None) => return None,
        };
        Some(words.to_owned())
    }

    /// Signs that alone may be an error of measurement.
    fn weak(&self) -> [bool; 3] {
        let over = |value: Option<f64>, limit: f64| value.is_some_and(|value| value.abs() > limit);
        [over(self.speed, 1.5), over(self.climb, 0.7), self.height.is_some_and(|height| height > 2.0)]
    }
}

/// What comes in.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An aircraft, something that is posted, or a stranger was heard: the place among those that vouch, if it is one.
    Heard(Option<usize>, Facts),
    /// Somebody who vouches, or at whose place a flight would be heard, is heard no more: nothing stays open for what was said
    /// before, not by an operator either, who is to know of that.
    Deaf,
    /// Time has passed.
    Tick,
    /// An operator says that something flies.
    Fly,
    /// An operator takes that back. It opens nothing.
    Land,
    /// An operator asks to open, and is to repeat this code.
    Release(String),
    /// An operator repeats the code.
    Confirm(String),
}

/// Why an operator's word is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Something says right now that it flies.
    #[error("something says right now that it flies: land it, or take back the word that it does")]
    Flying,
    /// The code is another, too late, or none was asked for.
    #[error("no release is waiting for this code: ask again")]
    Code,
}

/// All that is remembered.
#[derive(Clone, Debug)]
pub struct Machine {
    tracks: Vec<Track>,
    /// When last anybody said that something flies.
    raised: Option<Duration>,
    /// Whether a stranger said so, and no aircraft has since settled on the ground. And when last.
    stranger: Option<Duration>,
    /// Whether something flew before the restart, and has not told since that it landed.
    before: bool,
    /// Whether an operator says that something flies.
    fly: bool,
    released: bool,
    waiting: Option<(String, Duration)>,
    state: State,
}

/// What is remembered of a bound aircraft.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    flew: bool,
    grounded: bool,
    heard: Option<Duration>,
    armed: Told<bool>,
    landed: Told<bool>,
    speed: Told<f64>,
    climb: Told<f64>,
    height: Told<f64>,
    weak: [Option<Duration>; 3],
    /// Since when it has told that it is on the ground, and how often.
    settling: Option<(Duration, u32)>,
}

/// A value and when it was told.
type Told<T> = Option<(T, Duration)>;

impl Machine {
    /// For so many that vouch, such as aircraft; `last` was believed before a restart.
    pub fn new(aircraft: usize, last: Option<State>) -> Self {
        let state = last.map_or(State::Unknown, State::after_restart);
        Self {
            tracks: vec![Track::default(); aircraft],
            raised: None,
            stranger: None,
            before: state == State::Stale,
            fly: false,
            released: false,
            waiting: None,
            state,
        }
    }

    /// What is believed.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes what came in at a time that never runs backwards. Refuses only operators.
    pub fn step(&mut self, input: Input, now: Duration) -> Result<State, Refusal> {
        let mut answer = Ok(());
        match input {
            Input::Heard(aircraft, facts) => self.hear(aircraft, &facts, now),
            Input::Deaf => self.settle_anew(),
            Input::Tick => {}
            Input::Fly => {
                self.fly = true;
                self.rise(now);
            }
            Input::Land => self.fly = false,
            Input::Release(code) => {
                self.waiting = Some((code, now));
            }
            Input::Confirm(code) => answer = self.confirm(&code, now),
        }
        for track in &mut self.tracks {
            track.fall_silent(now);
        }
        self.settle(now);
        let after = self.judge(now);
        let before = std::mem::replace(&mut self.state, after);
        if after == State::Airborne && before != State::Airborne {
            // What an operator vouched for before this is no longer so, whatever made it so.
            self.released = false;
            self.waiting = None;
        }
        answer.map(|()| self.state)
    }

    fn hear(&mut self, aircraft: Option<usize>, facts: &Facts, now: Duration) {
        let track = aircraft.and_then(|at| self.tracks.get_mut(at));
        let bound = track.is_some();
        let flies = match track {
            Some(track) => track.hear(facts, self.raised, now),
            None => facts.strong() || facts.weak().iter().filter(|sign| **sign).count() > 1,
        };
        if flies {
            self.rise(now);
            if !bound {
                self.stranger = Some(now);
            }
        }
    }

    fn rise(&mut self, now: Duration) {
        self.raised = Some(now);
        self.settle_anew();
    }

    /// A word against all of them: what was said counts no more.
    fn settle_anew(&mut self) {
        self.released = false;
        self.waiting = None;
        for track in &mut self.tracks {
            track.grounded = false;
            track.settling = None;
        }
    }

    fn confirm(&mut self, code: &str, now: Duration) -> Result<(), Refusal> {
        let (asked, at) = self.waiting.take().ok_or(Refusal::Code)?;
        if asked != code || now.saturating_sub(at) > CONFIRM {
            return Err(Refusal::Code);
        }
        if self.state == State::Airborne {
            return Err(Refusal::Flying);
        }
        self.released = true;
        Ok(())
    }

    /// Forgets what flew before, once every bound aircraft stands and nobody said otherwise for long.
    fn settle(&mut self, now: Duration) {
        let quiet = self.raised.is_none_or(|at| now.saturating_sub(at) >= UNDISPUTED);
        if self.all_grounded() && quiet {
            self.before = false;
            self.stranger = None;
        }
    }

    fn all_grounded(&self) -> bool {
        !self.tracks.is_empty() && self.tracks.iter().all(|track| track.grounded)
    }

    fn judge(&self, now: Duration) -> State {
        let recent = self.stranger.is_some_and(|at| now.saturating_sub(at) <= SILENCE);
        let flies = self.tracks.iter().any(|track| track.flew && track.heard.is_some());
        if self.fly || recent || flies {
            State::Airborne
        } else if self.released {
            State::Released
        } else if self.before || self.stranger.is_some() || self.tracks.iter().any(|track| track.flew) {
            State::Stale
        } else if self.all_grounded() {
            State::Grounded
        } else {
            State::Unknown
        }
    }
}

impl Track {
    /// Whether it flies.
    fn hear(&mut self, facts: &Facts, raised: Option<Duration>, now: Duration) -> bool {
        self.heard = Some(now);
        keep(&mut self.armed, facts.armed, now);
        keep(&mut self.landed, facts.landed, now);
        keep(&mut self.speed, facts.speed, now);
        keep(&mut self.climb, facts.climb, now);
        keep(&mut self.height, facts.height, now);
        for (last, sign) in self.weak.iter_mut().zip(facts.weak()) {
            if sign {
                *last = Some(now);
            }
        }
        let weak = self.weak.iter().flatten().filter(|at| now.saturating_sub(**at) <= TOGETHER).count();
        if facts.strong() || facts.weak().contains(&true) && weak > 1 {
            self.flew = true;
            self.grounded = false;
            self.settling = None;
            return true;
        }
        if !self.stands(now) {
            self.settling = None;
        } else if facts.armed.is_some() {
            let (since, samples) = self.settling.map_or((now, 1), |(since, samples)| (since, samples + 1));
            self.settling = Some((since, samples));
            let undisputed = raised.is_none_or(|at| now.saturating_sub(at) >= UNDISPUTED);
            if samples >= SAMPLES && now.saturating_sub(since) >= SETTLES && undisputed {
                self.grounded = true;
                self.flew = false;
            }
        }
        false
    }

    /// Whether all that must be told was told of late, and says that it stands.
    fn stands(&self, now: Duration) -> bool {
        let fresh = |at: Duration| now.saturating_sub(at) <= FRESH;
        let small = |told: Told<f64>, limit: f64| {
            told.is_some_and(|(value, at)| fresh(at) && value.is_finite() && value.abs() < limit)
        };
        self.armed.is_some_and(|(armed, at)| !armed && fresh(at))
            && self.landed.is_some_and(|(landed, at)| landed && fresh(at))
            && small(self.speed, 0.5)
            && small(self.climb, 0.5)
            && small(self.height, 2.0)
    }

    /// What is not heard any more stands nowhere.
    fn fall_silent(&mut self, now: Duration) {
        let old = |at: Option<Duration>| at.is_none_or(|at| now.saturating_sub(at) > SILENCE);
        let at = |told: Told<f64>| told.map(|(_, at)| at);
        if old(self.heard) {
            self.heard = None;
        }
        let flags = [self.armed, self.landed].into_iter().any(|told| old(told.map(|(_, at)| at)));
        if flags || [self.speed, self.climb, self.height].into_iter().any(|told| old(at(told))) {
            self.grounded = false;
            self.settling = None;
        }
    }
}

fn keep<T>(place: &mut Told<T>, value: Option<T>, now: Duration) {
    if let Some(value) = value {
        *place = Some((value, now));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn standing() -> Facts {
        Facts {
            armed: Some(false),
            landed: Some(true),
            speed: Some(0.1),
            climb: Some(0.0),
            height: Some(0.2),
        }
    }

    fn armed() -> Facts {
        Facts { armed: Some(true), ..Facts::default() }
    }

    /// An aircraft that has stood from second `from` to second `to`.
    fn stand(machine: &mut Machine, from: u32, to: u32) -> State {
        (from..=to).for_each(|second| {
            machine.step(Input::Heard(Some(0), standing()), at(second.into())).unwrap();
        });
        machine.state()
    }

    #[test]
    fn it_falls_slowly_and_rises_at_once() {
        let mut machine = Machine::new(1, None);
        assert_eq!(stand(&mut machine, 0, 9), State::Unknown);
        assert_eq!(stand(&mut machine, 10, 10), State::Grounded);
        assert_eq!(machine.step(Input::Heard(Some(0), armed()), at(10.1)), Ok(State::Airborne));
        assert_eq!(stand(&mut machine, 11, 25), State::Airborne);
        assert_eq!(stand(&mut machine, 26, 26), State::Grounded);
    }

    #[test]
    fn silence_never_opens() {
        let mut machine = Machine::new(1, None);
        stand(&mut machine, 0, 10);
        assert_eq!(machine.step(Input::Tick, at(15.5)), Ok(State::Unknown));
        machine.step(Input::Heard(Some(0), armed()), at(16.0)).unwrap();
        assert_eq!(machine.step(Input::Tick, at(1e6)), Ok(State::Stale));
        // A heartbeat alone, which says nothing of height and speed, does not keep it open either.
        let mut machine = Machine::new(1, None);
        stand(&mut machine, 0, 10);
        let beat = Facts { armed: Some(false), landed: Some(true), ..Facts::default() };
        for second in 11..=16 {
            machine.step(Input::Heard(Some(0), beat), at(second.into())).unwrap();
        }
        assert_eq!(machine.state(), State::Unknown);
    }

    #[test]
    fn two_weak_signs_are_one_and_one_is_none() {
        let fast = Facts { speed: Some(3.0), ..Facts::default() };
        let high = Facts { height: Some(9.0), ..Facts::default() };
        let mut machine = Machine::new(1, None);
        assert_eq!(machine.step(Input::Heard(Some(0), fast), at(0.0)), Ok(State::Unknown));
        assert_eq!(machine.step(Input::Heard(Some(0), high), at(2.5)), Ok(State::Unknown));
        assert_eq!(machine.step(Input::Heard(Some(0), fast), at(4.0)), Ok(State::Airborne));
    }

    #[test]
    fn strangers_raise_and_bound_aircraft_settle_it() {
        let mut machine = Machine::new(1, None);
        stand(&mut machine, 0, 10);
        assert_eq!(machine.step(Input::Heard(None, armed()), at(10.5)), Ok(State::Airborne));
        assert_eq!(stand(&mut machine, 11, 16), State::Stale);
        assert_eq!(stand(&mut machine, 17, 26), State::Grounded);
        let mut alone = Machine::new(0, None);
        alone.step(Input::Heard(None, armed()), at(0.0)).unwrap();
        for second in 1..1000 {
            alone.step(Input::Heard(None, standing()), at(second.into())).unwrap();
        }
        assert_eq!(alone.state(), State::Stale);
    }

    #[test]
    fn who_hears_no_more_closes_once() {
        let mut machine = Machine::new(1, None);
        stand(&mut machine, 0, 10);
        assert_eq!(machine.step(Input::Deaf, at(10.5)), Ok(State::Unknown));
        assert_eq!(stand(&mut machine, 11, 20), State::Unknown);
        assert_eq!(stand(&mut machine, 21, 21), State::Grounded);
    }

    #[test]
    fn an_operator_releases_in_two_steps_and_the_next_sign_takes_it_back() {
        let code = || "4711".to_owned();
        let mut machine = Machine::new(1, Some(State::Airborne));
        assert_eq!(machine.state(), State::Stale);
        assert_eq!(machine.step(Input::Confirm(code()), at(0.0)), Err(Refusal::Code));
        assert_eq!(machine.step(Input::Release(code()), at(1.0)), Ok(State::Stale));
        assert_eq!(machine.step(Input::Confirm("0".to_owned()), at(2.0)), Err(Refusal::Code));
        assert_eq!(machine.step(Input::Confirm(code()), at(2.0)), Err(Refusal::Code));
        machine.step(Input::Release(code()), at(3.0)).unwrap();
        assert_eq!(machine.step(Input::Confirm(code()), at(64.0)), Err(Refusal::Code));
        machine.step(Input::Release(code()), at(65.0)).unwrap();
        assert_eq!(machine.step(Input::Confirm(code()), at(66.0)), Ok(State::Released));
        assert_eq!(machine.step(Input::Heard(Some(0), armed()), at(67.0)), Ok(State::Airborne));
        machine.step(Input::Release(code()), at(68.0)).unwrap();
        assert_eq!(machine.step(Input::Confirm(code()), at(69.0)), Err(Refusal::Flying));
        assert_eq!(machine.step(Input::Tick, at(90.0)), Ok(State::Stale));
    }

    #[test]
    fn an_operators_word_that_it_flies_holds_until_it_is_taken_back() {
        let mut machine = Machine::new(1, None);
        stand(&mut machine, 0, 10);
        assert_eq!(machine.step(Input::Fly, at(10.1)), Ok(State::Airborne));
        assert_eq!(stand(&mut machine, 11, 60), State::Airborne);
        assert_eq!(machine.step(Input::Land, at(60.1)), Ok(State::Grounded));
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let number = || prop::option::of(prop_oneof![Just(0.1), -5.0..5.0, Just(f64::NAN)]);
        let flag = || prop::option::of(any::<bool>());
        (flag(), flag(), number(), number(), number())
            .prop_map(|(armed, landed, speed, climb, height)| Facts { armed, landed, speed, climb, height })
    }

    /// An aircraft that flew and fell silent is vouched for; then a sign that alone is none is heard of it, and silence again.
    #[test]
    fn silence_after_a_release_that_was_contradicted_does_not_open() {
        let mut machine = Machine::new(1, None);
        let second = Duration::from_secs;
        let flying = Facts { armed: Some(true), landed: Some(false), ..Facts::default() };
        assert_eq!(machine.step(Input::Heard(Some(0), flying), second(1)), Ok(State::Airborne));
        assert_eq!(machine.step(Input::Tick, second(30)), Ok(State::Stale));
        machine.step(Input::Release("1".to_owned()), second(31)).unwrap();
        assert_eq!(machine.step(Input::Confirm("1".to_owned()), second(32)), Ok(State::Released));
        let high = Facts { height: Some(40.0), ..Facts::default() };
        assert_eq!(machine.step(Input::Heard(Some(0), high), second(40)), Ok(State::Airborne));
        assert_eq!(machine.step(Input::Tick, second(60)), Ok(State::Stale));
    }

    fn inputs() -> impl Strategy<Value = Vec<(Input, u32)>> {
        let heard = |facts: Facts, who: Option<usize>| Input::Heard(who, facts);
        let input = prop_oneof![
            6 => prop::option::of(0..3usize).prop_map(move |who| heard(standing(), who)),
            2 => (facts(), prop::option::of(0..3usize)).prop_map(move |(facts, who)| heard(facts, who)),
            1 => Just(Input::Tick),
            1 => Just(Input::Deaf),
            1 => Just(Input::Fly),
            1 => Just(Input::Land),
        ];
        prop::collection::vec((input, prop_oneof![8 => 0..1500u32, 1 => 0..30_000u32]), 0..200)
    }

    proptest! {
        /// Without an operator's release it is open only while each bound aircraft has told all of late, nobody has
        /// spoken of flight for long, and at the first word of flight it is shut.
        #[test]
        fn it_is_never_open_without_fresh_trusted_and_undisputed_evidence(
            inputs in inputs(),
            aircraft in 0..3usize,
            last in prop::option::of(prop_oneof![Just(State::Airborne), Just(State::Grounded), Just(State::Released)]),
        ) {
            let mut machine = Machine::new(aircraft, last);
            prop_assert!(!machine.state().is_open());
            let (mut now, mut raised, mut told) = (0, None::<u32>, vec![Vec::<u32>::new(); aircraft]);
            for (input, wait) in inputs {
                now += wait;
                let sign = match &input {
                    Input::Heard(_, facts) => facts.strong(),
                    other => *other == Input::Fly,
                };
                if let Input::Heard(Some(who), facts) = &input
                    && let Some(times) = told.get_mut(*who)
                {
                    if facts.strong() { times.clear() } else { times.push(now) }
                }
                let state = machine.step(input, Duration::from_millis(now.into())).unwrap();
                if sign {
                    raised = Some(now);
                    prop_assert_eq!(state, State::Airborne);
                }
                if state.is_open() {
                    prop_assert!(aircraft > 0);
                    prop_assert!(raised.is_none_or(|at| now - at >= 15_000));
                    for times in &told {
                        let of_late = times.iter().filter(|at| now - **at <= 5000).count();
                        prop_assert!(of_late > 0 && times.len() >= 5);
                        prop_assert!(now - times.first().unwrap() >= 10_000);
                    }
                }
            }
        }

        /// Strangers alone open nothing, whatever they say.
        #[test]
        fn strangers_never_open(facts in prop::collection::vec(facts(), 0..100), aircraft in 0..3usize) {
            let mut machine = Machine::new(aircraft, None);
            for (second, facts) in facts.into_iter().enumerate() {
                let state = machine.step(Input::Heard(None, facts), Duration::from_secs(second as u64)).unwrap();
                prop_assert!(!state.is_open());
            }
        }
    }
}
