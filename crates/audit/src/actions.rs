//! The action log: what the user did, as CSV `time,action,detail`.
//!
//! It says what the app and the phone were doing, when the aircraft was switched on and off, and which requests the
//! user's hand explains. It is complete between `log_starts` (whose detail gives the state then) and `log_ends`;
//! outside, app state and trigger are `unknown`.

use std::path::Path;

use creance_model::{AppState, DataClass, FlightState, Interval, Phase, Timestamp, Trigger};

use crate::Error;

/// How long after an action a request may begin and still be explained by it.
const EXPLAINS_FOR: i64 = 10_000_000_000;

/// Which action explains which class of data, in the words of the capture protocol.
const EXPLAINS: &[(&str, DataClass)] = &[
    ("log_in", DataClass::Credential),
    ("bind_aircraft", DataClass::Serial),
    ("share_photo", DataClass::Imagery),
    ("share_video", DataClass::Video),
    ("sync_flight_records", DataClass::FlightLog),
    ("invite_contact", DataClass::Contacts),
    ("enrol_face", DataClass::Face),
    ("record_voice_note", DataClass::Audio),
    ("edit_profile", DataClass::PersonName),
];

/// One line of the log.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Action {
    time: Timestamp,
    name: String,
    detail: String,
}

/// An action log, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions {
    log: Vec<Action>,
    covers: Option<(Timestamp, Timestamp)>,
    source: String,
}

impl Actions {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: shown.clone(), source })?;
        let source =
            path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        Self::parse(&bytes, &source).map_err(|why| Error::File { path: shown, why })
    }

    fn parse(bytes: &[u8], source: &str) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        let column = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let time = column("time").ok_or("the header lacks a column time, expected time,action,detail")?;
        let action =
            column("action").ok_or("the header lacks a column action, expected time,action,detail")?;
        let detail = column("detail");
        let mut actions = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = record.get(time).unwrap_or_default();
            let moment = Timestamp::parse(cell)
                .ok_or_else(|| format!("line {line}: time is `{cell}`, expected ISO 8601 or Unix time"))?;
            actions.push(Action {
                time: moment,
                name: record.get(action).unwrap_or_default().to_lowercase(),
                detail: detail.and_then(|column| record.get(column)).unwrap_or_default().to_owned(),
            });
        }
        actions.sort_by_key(|action| action.time);
        let moment = |name: &str| actions.iter().find(|action| action.name == name).map(|action| action.time);
        let first = actions.first().map(|action| action.time);
        let last = actions.last().map(|action| action.time);
        let covers = moment("log_starts").or(first).zip(moment("log_ends").or(last));
        Ok(Self { log: actions, covers, source: source.to_owned() })
    }

    /// When the aircraft was switched on (`true`) and off.
    pub(crate) fn power(&self) -> Vec<(Timestamp, bool, String)> {
        let on = |action: &Action| match action.name.as_str() {
            "power_on_drone" | "power_on" => Some(true),
            "power_off_drone" | "power_off" => Some(false),
            _ => None,
        };
        self.log.iter().filter_map(|action| Some((action.time, on(action)?, self.source.clone()))).collect()
    }

    /// What was noted of flight: on the ground between switching on and take-off, and between landing and switching off; flying
    /// between take-off and landing. Where one of both is not noted, nothing is said.
    pub(crate) fn marks(&self) -> Vec<Phase> {
        let mark = |action: &Action| match action.name.as_str() {
            "power_on_drone" | "power_on" => Some(Mark::On),
            "take_off" | "takeoff" => Some(Mark::TakeOff),
            "land" | "landing" | "landed" => Some(Mark::Landing),
            "power_off_drone" | "power_off" => Some(Mark::Off),
            _ => None,
        };
        let marks: Vec<(Timestamp, Mark)> =
            self.log.iter().filter_map(|action| Some((action.time, mark(action)?))).collect();
        let phases = marks.windows(2).filter_map(|pair| {
            let [(from, before), (to, after)] = pair else { return None };
            let state = match (before, after) {
                (Mark::TakeOff, Mark::Landing) => FlightState::Flying,
                (Mark::On | Mark::Landing, Mark::TakeOff | Mark::Off) => FlightState::Ground,
                _ => return None,
            };
            Some(Phase { from: *from, to: *to, state, source: self.source.clone() })
        });
        phases.filter(|phase| phase.from < phase.to).collect()
    }

    /// Scenarios: each begins with an action `scenario` that names it, and ends with the next, with `scenario_ends`, or with
    /// the log.
    pub(crate) fn scenarios(&self) -> Vec<Interval<String>> {
        let mut scenarios: Vec<Interval<String>> = Vec::new();
        let mut open: Option<(Timestamp, &str)> = None;
        let mut close = |open: &mut Option<(Timestamp, &str)>, to: Timestamp| {
            if let Some((from, name)) = open.take().filter(|(from, _)| *from < to) {
                scenarios.push(Interval { from, to, state: name.to_owned(), source: self.source.clone() });
            }
        };
        for action in &self.log {
            match action.name.as_str() {
                "scenario" => {
                    close(&mut open, action.time);
                    open = Some((action.time, action.detail.trim())).filter(|(_, name)| !name.is_empty());
                }
                "scenario_ends" => close(&mut open, action.time),
                _ => {}
            }
        }
        if let Some((_, to)) = self.covers {
            close(&mut open, to);
        }
        scenarios
    }

    /// App states over the time that the log covers.
    pub(crate) fn app_states(&self) -> Vec<Interval<AppState>> {
        let Some((from, to)) = self.covers else { return Vec::new() };
        let mut intervals: Vec<Interval<AppState>> = Vec::new();
        let mut app = App::default();
        let mut since = from;
        let mut close = |since: Timestamp, until: Timestamp, state: AppState| {
            if since >= until || state == AppState::Unknown {
                return;
            }
            match intervals.last_mut() {
                Some(last) if last.state == state && last.to == since => last.to = until,
                _ => intervals.push(Interval { from: since, to: until, state, source: self.source.clone() }),
            }
        };
        for action in &self.log {
            let before = app.state();
            app.after(action);
            let time = action.time.max(from).min(to);
            if app.state() != before {
                close(since, time, before);
                since = time;
            }
        }
        close(since, to, app.state());
        intervals
    }

    /// What made a request begin at `time` that carries `classes`: `user` if a fitting action came at most ten seconds
    /// before and the request carries the file that the action names (`carries` answers that), if it names one.
    pub(crate) fn trigger(
        &self,
        time: Timestamp,
        classes: &[DataClass],
        carries: impl Fn(&str) -> bool,
    ) -> Trigger {
        let Some((from, to)) = self.covers else { return Trigger::Unknown };
        if time < from || time > to {
            return Trigger::Unknown;
        }
        let explained = self.log.iter().any(|action| {
            (0..=EXPLAINS_FOR).contains(&time.since(action.time))
                && EXPLAINS.iter().any(|(name, class)| *name == action.name && classes.contains(class))
                && (!names_file(&action.detail) || carries(&action.detail))
        });
        if explained { Trigger::User } else { Trigger::Automatic }
    }

    /// Whether a login at `time` was asked for by the app, by what the user noted: the note of a login just before says that it
    /// insists; or none is there, though the log covers the time. `Some(false)`: the user chose to.
    pub(crate) fn login(&self, time: Timestamp) -> Option<bool> {
        const WORDS: &[&str] = &["insist", "force", "require", "demand", "must"];
        let (from, to) = self.covers?;
        if time < from || time > to {
            return None;
        }
        let before = |action: &&Action| {
            action.name == "log_in" && (0..=EXPLAINS_FOR).contains(&time.since(action.time))
        };
        let noted = self.log.iter().rfind(before);
        Some(noted.is_none_or(|action| {
            let detail = action.detail.to_lowercase();
            WORDS.iter().any(|word| detail.contains(word))
        }))
    }

    /// What the states come from.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

fn names_file(detail: &str) -> bool {
    detail.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (2..=4).contains(&extension.len())
            && extension.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// What a note says of flight.
enum Mark {
    On,
    TakeOff,
    Landing,
    Off,
}

/// The app and the phone it runs on.
#[derive(Default)]
struct App {
    open: Option<bool>,
    in_front: bool,
    locked: bool,
}

impl App {
    fn after(&mut self, action: &Action) {
        match action.name.as_str() {
            "log_starts" => {
                let detail = action.detail.to_lowercase();
                if detail.contains("closed") {
                    self.open = Some(false);
                } else if detail.contains("foreground") || detail.contains("open") {
                    (self.open, self.in_front) = (Some(true), true);
                } else if detail.contains("background") {
                    (self.open, self.in_front) = (Some(true), false);
                }
                self.locked = detail.contains("locked") && !detail.contains("unlocked");
            }
            "open_app" | "return_to_app" => {
                (self.open, self.in_front, self.locked) = (Some(true), true, false);
            }
            "switch_app" => self.in_front = false,
            "close_app" => self.open = Some(false),
            "lock_phone" => self.locked = true,
            "unlock_phone" => self.locked = false,
            _ => {}
        }
    }

    fn state(&self) -> AppState {
        match self.open {
            None if self.locked => AppState::Locked,
            None => AppState::Unknown,
            Some(false) => AppState::Closed,
            Some(true) if self.locked || !self.in_front => AppState::Background,
            Some(true) => AppState::Foreground,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "time,action,detail\n\
        100,log_starts,\"app closed, phone locked\"\n110,unlock_phone,\n120,open_app,drone app\n\
        130,share_photo,SKY_0001.JPG\n150,lock_phone,\n160,unlock_phone,\n170,close_app,swiped away\n180,log_ends,\n";

    fn t(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    #[test]
    fn states_follow_the_log_and_end_with_it() {
        let states = Actions::parse(LOG.as_bytes(), "actions.csv").unwrap().app_states();
        let told: Vec<_> = states
            .iter()
            .map(|interval| (interval.from.as_nanos() / 1_000_000_000, interval.state))
            .collect();
        assert_eq!(
            told,
            [
                (100, AppState::Closed),
                (120, AppState::Foreground),
                (150, AppState::Background),
                (160, AppState::Foreground),
                (170, AppState::Closed)
            ]
        );
        assert_eq!(states.last().unwrap().to, t(180));
    }

    #[test]
    fn a_share_explains_only_the_picture_it_names_and_only_for_ten_seconds() {
        let actions = Actions::parse(LOG.as_bytes(), "actions.csv").unwrap();
        let imagery = [DataClass::Imagery];
        assert_eq!(actions.trigger(t(135), &imagery, |file| file == "SKY_0001.JPG"), Trigger::User);
        assert_eq!(actions.trigger(t(135), &imagery, |_| false), Trigger::Automatic);
        assert_eq!(actions.trigger(t(141), &imagery, |_| true), Trigger::Automatic);
        assert_eq!(actions.trigger(t(135), &[DataClass::Email], |_| true), Trigger::Automatic);
        assert_eq!(actions.trigger(t(190), &imagery, |_| true), Trigger::Unknown);
    }

    #[test]
    fn notes_of_flight_and_of_scenarios_are_intervals() {
        let log = "time,action,detail\n100,log_starts,\n110,power_on_drone,\n115,scenario,idle\n120,take_off,\n125,scenario,mode on\n\
            180,land,\n190,power_off_drone,\n200,take_off,\n210,scenario_ends,\n220,log_ends,\n";
        let actions = Actions::parse(log.as_bytes(), "actions.csv").unwrap();
        let marks = actions.marks();
        let told: Vec<_> = marks.iter().map(|phase| (phase.from, phase.to, phase.state)).collect();
        let (ground, flying) = (FlightState::Ground, FlightState::Flying);
        // Of the second flight no landing was noted.
        assert_eq!(told, [(t(110), t(120), ground), (t(120), t(180), flying), (t(180), t(190), ground)]);
        let scenarios = actions.scenarios();
        let told: Vec<_> = scenarios.iter().map(|one| (one.from, one.to, one.state.as_str())).collect();
        assert_eq!(told, [(t(115), t(125), "idle"), (t(125), t(210), "mode on")]);
    }

    #[test]
    fn a_bad_time_is_named_with_its_line() {
        let error = Actions::parse(b"time,action,detail\nnoon,land,\n", "a").unwrap_err();
        assert_eq!(error, "line 2: time is `noon`, expected ISO 8601 or Unix time");
    }
}
