//! The timetable of a scenario: all that is known before it begins.

use std::time::Duration;

use crate::{
    flight::{Track, home},
    scenario::Scenario,
};

/// What happens when.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) track: Track,
    pub(crate) actions: Vec<Action>,
    pub(crate) photos: Vec<Photo>,
    /// One in which somebody looks into the camera.
    pub(crate) passer_by: Photo,
    pub(crate) drone_on: Duration,
    pub(crate) take_off: Duration,
    pub(crate) drone_off: Duration,
    /// The user swipes the app away.
    pub(crate) app_closed: Duration,
    /// The phone is locked, and lies there.
    pub(crate) locked: Duration,
    pub(crate) ends: Duration,
    pub(crate) states: Vec<States>,
}

/// Something that the person did.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) time: Duration,
    pub(crate) name: &'static str,
    pub(crate) detail: String,
}

/// A photo that is taken.
#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) time: Duration,
}

/// What app and phone do in an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct States {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) app: &'static str,
    pub(crate) phone: &'static str,
}

/// What app and phone do between actions.
fn states(actions: &[Action]) -> Vec<States> {
    let (mut open, mut front, mut phone) = (false, true, "locked");
    let mut states = Vec::new();
    for pair in actions.windows(2) {
        let [action, next] = pair else { continue };
        match action.name {
            "lock_phone" => phone = "locked",
            "unlock_phone" => phone = "unlocked",
            "open_app" => (open, front) = (true, true),
            "close_app" => open = false,
            "switch_app" => front = false,
            "return_to_app" => front = true,
            _ => {}
        }
        let app = match (open, front && phone == "unlocked") {
            (false, _) => "closed",
            (true, true) => "foreground",
            (true, false) => "background",
        };
        states.push(States { from: action.time, to: next.time, app, phone });
    }
    states.dedup_by(|next, last| {
        let same = (next.app, next.phone) == (last.app, last.phone);
        if same {
            last.to = next.to;
        }
        same
    });
    states
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.max(0.0))
}

impl Plan {
    /// Where is flown follows from one chance, and when from another.
    pub(crate) fn new(scenario: &Scenario, place: &mut fastrand::Rng, random: &mut fastrand::Rng) -> Self {
        let vary = |about: f64, random: &mut fastrand::Rng| {
            secs(about + (random.f64() - 0.5) * 2.0 * scenario.network.jitter_s.min(2.0))
        };
        let (unlock, open) = (secs(3.5), vary(6.0, random));
        let drone_on = vary(14.0, random);
        let take_off = vary(60.0, random);
        let stay = vary(75.0, random);
        let track = Track::fly(scenario, drone_on, take_off, stay, home(scenario, place), random);
        // When it is told to and when it does are a moment apart.
        let lifted = track.samples.iter().find(|sample| sample.flying);
        let take_off = lifted.map_or(take_off, |sample| sample.time);
        let landing = track.landing;
        let drone_off = landing + stay;
        let app_closed = drone_off + vary(20.0, random);
        let locked = app_closed + vary(30.0, random);
        let watched = secs(scenario.user.watched_minutes * 60.0);
        let ends = locked + vary(45.0, random) + watched;
        let photos: Vec<Photo> = track
            .visits
            .iter()
            .zip(1..)
            .map(|(reached, number)| Photo {
                name: format!("HLY_{number:04}.JPG"),
                time: *reached + secs(2.5),
            })
            .collect();
        let last = photos.last().map_or(take_off, |photo| photo.time);
        let passer_by = Photo { name: "HLY_0051.JPG".to_owned(), time: last + Duration::from_secs(2) };
        let mut actions = vec![
            Action::new(Duration::ZERO, "log_starts", "app closed, phone locked"),
            Action::new(unlock, "unlock_phone", ""),
            Action::new(open, "open_app", "drone app"),
            Action::new(drone_on, "power_on_drone", ""),
        ];
        if scenario.flies() {
            actions.extend([
                Action::new(take_off, "take_off", ""),
                Action::new(passer_by.time, "take_photo", &passer_by.name),
                Action::new(landing, "land", ""),
            ]);
        }
        actions.extend(photos.iter().map(|photo| Action::new(photo.time, "take_photo", &photo.name)));
        let shares = photos.iter().take(scenario.user.shares).zip(1_u32..);
        actions.extend(shares.map(|(photo, number)| {
            Action::new(
                landing + Duration::from_secs(10) + Duration::from_secs(14) * number,
                "share_photo",
                &photo.name,
            )
        }));
        actions.extend([
            Action::new(drone_off, "power_off_drone", ""),
            Action::new(app_closed, "close_app", "swiped away"),
            Action::new(locked, "lock_phone", ""),
            Action::new(ends, "log_ends", ""),
        ]);
        // The phone is locked for a while, and another app looked at, between photos.
        for (photo, [away, back]) in
            photos.iter().skip(1).zip([["lock_phone", "unlock_phone"], ["switch_app", "return_to_app"]])
        {
            let away_at = photo.time + vary(4.0, random);
            actions.push(Action::new(away_at, away, ""));
            actions.push(Action::new(away_at + secs(6.0), back, ""));
        }
        actions.sort_by_key(|action| action.time);
        let states = states(&actions);
        Self {
            track,
            actions,
            photos,
            passer_by,
            drone_on,
            take_off,
            drone_off,
            app_closed,
            locked,
            ends,
            states,
        }
    }

    /// `off`, `ground` or `flying`.
    pub(crate) fn flight_state(&self, moment: Duration) -> &'static str {
        if (self.take_off..self.track.landing).contains(&moment) {
            "flying"
        } else if (self.drone_on..self.drone_off).contains(&moment) {
            "ground"
        } else {
            "off"
        }
    }

    /// What app and phone do at a moment.
    pub(crate) fn states(&self, moment: Duration) -> Option<&States> {
        self.states.iter().find(|states| (states.from..states.to).contains(&moment))
    }

    /// When an action with a name was done, each time, and with what.
    pub(crate) fn done<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Action> {
        self.actions.iter().filter(move |action| action.name == name)
    }
}

impl Action {
    fn new(time: Duration, name: &'static str, detail: &str) -> Self {
        Self { time, name, detail: detail.to_owned() }
    }
}
