//! What a log says, in the making: bounded whatever its length, and dated once its clock is understood.
//!
//! Many logs count from when the device began and learn from a satellite, somewhere in the middle, what time that was. So
//! all times here are of the log's own clock until [`Record::finish`] is told how far that is from 1970.

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{
    AltReference, Component, DataClass, Dated, Device, FlightState, Gaze, Identifier, Inspection, Interval,
    Look, Role, Spot, Timestamp, Track, TrackPoint, is_place,
};

use crate::gaze::Gazes;

/// Points of all tracks of a file. Of more, every second one goes, as often as need be: a track that is thinned still
/// shows the whole way.
const MOST_POINTS: usize = 1_000_000;

/// Tracks of a file, and aircraft whose state is followed.
const MOST_TRACKS: usize = 256;

/// Places that stand for themselves, identifiers, and facts: each.
const MOST_TOLD: usize = 10_000;

/// Stretches of one state of all aircraft.
const MOST_PHASES: usize = 10_000;

/// Damage that is told one by one.
const MOST_FLAWS: usize = 100;

/// How long a state holds that a log tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holds {
    /// It is told again and again: a silence of more than 15 s says nothing any more. After the last word it holds 2 s.
    Beats,
    /// It is told when it changes: it holds until the next word, or the end of the log.
    Changes,
}

const BRIDGE: i64 = 15_000_000_000;
const GRACE: i64 = 2_000_000_000;

/// Whose track, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    pub(crate) role: Role,
    /// Which aircraft, where a log tells of several.
    pub(crate) vehicle: Option<&'a str>,
    pub(crate) alt_reference: Option<AltReference>,
    /// The name of the messages.
    pub(crate) field: &'a str,
}

/// What a log says, as far as it is read.
#[derive(Debug)]
pub(crate) struct Record {
    told: Inspection,
    holds: Holds,
    /// Which messages tell states.
    source: &'static str,
    tracks: BTreeMap<(Role, String, Option<String>), (u64, Track)>,
    /// One of how many points is kept of each track.
    stride: u64,
    points: usize,
    states: BTreeMap<String, Vec<Stretch>>,
    stretches: usize,
    /// The first and the last moment that the log tells of.
    span: Option<(Timestamp, Timestamp)>,
    identifiers: BTreeSet<Identifier>,
    facts: BTreeSet<(&'static str, String)>,
    /// What is told again and again: the last word, by where it stands.
    latest: BTreeMap<String, (&'static str, String)>,
    /// Places that were told, to a metre.
    spots: BTreeSet<(Role, String, [i32; 2])>,
    /// Where cameras look. Its times are of the log's own clock.
    gazes: Gazes,
    /// How many there were of what is bounded, beyond its bound.
    beyond: BTreeMap<&'static str, u64>,
}

/// A stretch of time in which an aircraft flies, or stands.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    flying: bool,
}

impl Record {
    /// Nothing yet, of a log of this kind whose states stand in `source`.
    pub(crate) fn of(kind: &'static str, holds: Holds, source: &'static str) -> Self {
        Self {
            told: Inspection::of(kind),
            holds,
            source,
            tracks: BTreeMap::new(),
            stride: 1,
            points: 0,
            states: BTreeMap::new(),
            stretches: 0,
            span: None,
            identifiers: BTreeSet::new(),
            facts: BTreeSet::new(),
            latest: BTreeMap::new(),
            spots: BTreeSet::new(),
            gazes: Gazes::default(),
            beyond: BTreeMap::new(),
        }
    }

    /// What the log was made with.
    pub(crate) fn device(&mut self) -> &mut Device {
        &mut self.told.device
    }

    /// A moment that the log tells of: it begins and ends with such.
    pub(crate) fn moment(&mut self, time: Timestamp) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// Where cameras look: what is said there holds for the points of aircraft, and for pictures, that follow.
    pub(crate) const fn gazes(&mut self) -> &mut Gazes {
        &mut self.gazes
    }

    /// Where the camera of an aircraft looks.
    fn gaze(&self, vehicle: Option<&str>, time: Option<Timestamp>) -> Option<Gaze> {
        self.gazes.at(vehicle.unwrap_or_default(), time?)
    }

    /// A point of a track; what is no place is left out.
    pub(crate) fn point(&mut self, whose: Whose<'_>, mut point: TrackPoint) {
        if !is_place(point.lat, point.lon) {
            return;
        }
        if whose.role == Role::Aircraft {
            point.gaze = self.gaze(whose.vehicle, point.time);
        }
        let key = (whose.role, whose.field.to_owned(), whose.vehicle.map(str::to_owned));
        if self.tracks.len() >= MOST_TRACKS && !self.tracks.contains_key(&key) {
            *self.beyond.entry("points of further tracks").or_default() += 1;
            return;
        }
        let (seen, track) = self.tracks.entry(key).or_insert_with(|| {
            let track = Track {
                role: whose.role,
                vehicle: whose.vehicle.map(str::to_owned),
                alt_reference: whose.alt_reference,
                points: Vec::new(),
                field: whose.field.to_owned(),
            };
            (0, track)
        });
        if *seen % self.stride == 0 {
            track.points.push(point);
            self.points += 1;
        }
        *seen += 1;
        if self.points > MOST_POINTS {
            self.thin();
        }
    }

    /// Every second point of each track goes.
    fn thin(&mut self) {
        self.stride *= 2;
        self.points = 0;
        for (_, track) in self.tracks.values_mut() {
            let mut keep = false;
            track.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.points += track.points.len();
        }
    }

    /// A place that stands for itself. One within about a metre of one that was told is left out, for homes and targets are
    /// told again and again; unless it is a camera's: of those each is a picture.
    pub(crate) fn spot(&mut self, mut spot: Spot) {
        if spot.role == Role::Camera {
            spot.look = self.gaze(None, spot.time).map(Look::from);
        }
        #[expect(clippy::cast_possible_truncation, reason = "180 degrees at most")]
        let metres = [spot.lat, spot.lon].map(|degrees| (degrees * 1e5).round() as i32);
        let key = (spot.role, spot.field.clone(), metres);
        if self.told.places.len() >= MOST_TOLD {
            *self.beyond.entry("places").or_default() += u64::from(!self.spots.contains(&key));
        } else if self.spots.insert(key) || spot.role == Role::Camera {
            self.told.places.push(spot);
        }
    }

    /// Whether an aircraft flies at a moment. Words of one aircraft come in the order of time, or nearly so.
    pub(crate) fn state(&mut self, vehicle: &str, time: Timestamp, flying: bool) {
        self.moment(time);
        if self.stretches >= MOST_PHASES
            || self.states.len() >= MOST_TRACKS && !self.states.contains_key(vehicle)
        {
            *self.beyond.entry("changes of state").or_default() += 1;
            return;
        }
        let stretches = self.states.entry(vehicle.to_owned()).or_default();
        let mut from = time;
        if let Some(last) = stretches.last_mut() {
            let bridged = match self.holds {
                Holds::Beats => time.since(last.to).unsigned_abs() <= BRIDGE.unsigned_abs(),
                Holds::Changes => true,
            };
            if bridged {
                last.to = last.to.max(time);
                from = last.to;
                if last.flying == flying {
                    return;
                }
            } else {
                last.to = last.to.plus_nanos(GRACE);
            }
        }
        stretches.push(Stretch { from, to: from, flying });
        self.stretches += 1;
    }

    /// An identifier, once; see [`Inspection::identify`].
    pub(crate) fn identify(&mut self, class: DataClass, of: Option<Component>, value: &str, field: &str) {
        let identifier = Identifier { class, of, value: value.to_owned(), field: field.to_owned() };
        if self.identifiers.len() >= MOST_TOLD {
            *self.beyond.entry("identifiers").or_default() +=
                u64::from(!self.identifiers.contains(&identifier));
        } else if self.identifiers.insert(identifier) {
            // What differs in blanks alone is few: the same again was just sorted out.
            self.told.identify(class, of, value, field);
        }
    }

    /// Something else that the log says, once.
    pub(crate) fn say(&mut self, what: &'static str, value: &str, field: &str) {
        let value = value.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let key = (what, value.to_owned());
        if self.facts.len() >= MOST_TOLD {
            *self.beyond.entry("facts").or_default() += u64::from(!self.facts.contains(&key));
        } else if self.facts.insert(key) {
            self.told.say(what, value, field);
        }
    }

    /// Something that the log says again and again, such as a counter: the last word is told. Where it stands is of a list,
    /// not of the log.
    pub(crate) fn latest(&mut self, what: &'static str, value: &str, field: String) {
        self.latest.insert(field, (what, value.to_owned()));
    }

    /// A moment that stands for itself, of the log's own clock.
    pub(crate) fn dated(&mut self, what: &'static str, time: Timestamp, field: &str) {
        if self.told.times.len() < MOST_TOLD {
            self.told.times.push(Dated { what, time, zone_known: true, field: field.to_owned() });
        } else {
            *self.beyond.entry("moments").or_default() += 1;
        }
    }

    /// Something that could not be read.
    pub(crate) fn flaw(&mut self, what: &str, offset: usize, why: &(impl ToString + ?Sized)) {
        if self.told.damage.len() < MOST_FLAWS {
            self.told.flaw(what, offset as u64, why);
        } else {
            *self.beyond.entry("damaged stretches").or_default() += 1;
        }
    }

    /// What the log says, all in all. `zero`: nanoseconds from 1970 to where its clock began; `None`: it never says, so
    /// nothing has a date, and when it flew is told as seconds of its own clock.
    pub(crate) fn finish(mut self, zero: Option<i64>) -> Inspection {
        let phases = self.phases();
        let mut told = self.told;
        let dated = |time: Timestamp| zero.map(|zero| time.plus_nanos(zero));
        told.tracks = self.tracks.into_values().map(|(_, track)| track).collect();
        for track in &mut told.tracks {
            let width = self.gazes.width_of(track.vehicle.as_deref().unwrap_or_default());
            for point in &mut track.points {
                point.time = point.time.and_then(dated);
                let wide =
                    |gaze: Gaze| if gaze.field_of_view.is_some() { gaze } else { gaze.with_width(width) };
                point.gaze = point.gaze.map(wide);
            }
        }
        let width = self.gazes.width_of("");
        for spot in &mut told.places {
            spot.time = spot.time.and_then(dated);
            if let Some(look) = &mut spot.look {
                look.field_of_view = look.field_of_view.or(width);
            }
        }
        if let Some(zero) = zero {
            for one in &mut told.times {
                one.time = one.time.plus_nanos(zero);
            }
            let interval = |phase: &Stretch| Interval {
                from: phase.from.plus_nanos(zero),
                to: phase.to.plus_nanos(zero),
                state: if phase.flying { FlightState::Flying } else { FlightState::Ground },
                source: self.source.to_owned(),
            };
            told.phases = phases.iter().map(interval).collect();
        } else {
            told.times.clear();
            for phase in phases.iter().filter(|phase| phase.flying) {
                let (from, to) = (phase.from.as_secs_f64(), phase.to.as_secs_f64());
                told.say("flying", format!("{from:.1} s to {to:.1} s of the log's clock"), self.source);
            }
        }
        for (field, (what, value)) in self.latest {
            told.say(what, value, field);
        }
        if self.stride > 1 {
            told.flaw(
                "tracks",
                0,
                &format!("more than {MOST_POINTS} points: one of {} is told", self.stride),
            );
        }
        for (what, count) in self.beyond {
            told.flaw("limit", 0, &format!("{count} more {what} are not told"));
        }
        told
    }

    /// When it flew and when it stood, of all aircraft: while any of them flies, it is flying.
    fn phases(&mut self) -> Vec<Stretch> {
        let mut borders = Vec::new();
        for stretches in self.states.values_mut() {
            if let Some(last) = stretches.last_mut() {
                last.to = match (self.holds, self.span) {
                    (Holds::Beats, _) => last.to.plus_nanos(GRACE),
                    (Holds::Changes, Some((_, end))) => last.to.max(end),
                    (Holds::Changes, None) => last.to,
                };
            }
            for stretch in stretches.iter() {
                borders.extend([(stretch.from, 1, stretch.flying), (stretch.to, -1, stretch.flying)]);
            }
        }
        borders.sort_unstable();
        let (mut phases, mut open) = (Vec::<Stretch>::new(), [0_i32; 2]);
        let mut since: Option<Timestamp> = None;
        for (time, step, flying) in borders {
            let [standing, flown] = open;
            if let Some(from) = since.filter(|from| *from < time)
                && standing + flown > 0
            {
                let flying = flown > 0;
                match phases.last_mut() {
                    Some(last) if last.to == from && last.flying == flying => last.to = time,
                    _ => phases.push(Stretch { from, to: time, flying }),
                }
            }
            since = Some(time);
            open = if flying { [standing, flown + step] } else { [standing + step, flown] };
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaze::Yaw;
    use proptest::prelude::*;

    fn whose(field: &str) -> Whose<'_> {
        Whose { role: Role::Aircraft, vehicle: None, alt_reference: None, field }
    }

    fn at(seconds: i64, lat: f64) -> TrackPoint {
        TrackPoint::new(Some(Timestamp::from_secs(seconds)), lat, 8.0, None)
    }

    #[test]
    fn a_long_track_is_thinned_and_still_shows_the_whole_way() {
        let mut record = Record::of("x", Holds::Beats, "x");
        let most = i64::try_from(MOST_POINTS).unwrap();
        for second in 0..2 * most + 2 {
            record.point(whose("GPS"), at(second, 47.0));
        }
        let told = record.finish(Some(0));
        let points = &told.tracks[0].points;
        assert!((MOST_POINTS / 2..=MOST_POINTS).contains(&points.len()), "{}", points.len());
        assert!(
            points.windows(2).all(|two| two[1].time.unwrap().since(two[0].time.unwrap()) == 4_000_000_000)
        );
        assert_eq!(points[0].time, Some(Timestamp::from_secs(0)));
        assert_eq!(told.damage[0].why, "more than 1000000 points: one of 4 is told");
    }

    #[test]
    fn times_move_with_the_clock_or_are_not_told() {
        let log = || {
            let mut record = Record::of("x", Holds::Changes, "ARM");
            record.point(whose("GPS"), at(1, 47.0));
            record.point(whose("GPS"), at(2, 0.0).with_lon(0.0));
            record.dated("taken", Timestamp::from_secs(3), "CAM");
            record.state("", Timestamp::from_secs(4), false);
            record.state("", Timestamp::from_secs(5), true);
            record.moment(Timestamp::from_secs(900));
            record
        };
        let told = log().finish(Some(1_000_000_000_000));
        assert_eq!(told.tracks[0].points, [at(1001, 47.0)], "0, 0 is no place");
        assert_eq!(told.times[0].time, Timestamp::from_secs(1003));
        let phases: Vec<_> =
            told.phases.iter().map(|one| (one.from.as_nanos() / 1_000_000_000, one.state)).collect();
        assert_eq!(phases, [(1004, FlightState::Ground), (1005, FlightState::Flying)]);
        assert_eq!(told.phases[1].to, Timestamp::from_secs(1900), "until the log ends");
        let told = log().finish(None);
        assert_eq!((told.tracks[0].points[0].time, told.times.len(), told.phases.len()), (None, 0, 0));
        assert_eq!(told.facts[0].value, "5.0 s to 900.0 s of the log's clock");
    }

    #[test]
    fn the_camera_of_an_aircraft_looks_from_its_points_and_pictures() {
        let mut record = Record::of("x", Holds::Changes, "ARM");
        let angles = [80.0, -30.0, 0.0];
        record.gazes().gimbal("", Timestamp::from_secs(1), angles, Yaw::Earth);
        record.point(whose("GPS"), at(1, 47.0));
        record.point(Whose { role: Role::Operator, ..whose("RC") }, at(1, 47.0));
        for role in [Role::Camera, Role::Target] {
            let time = Some(Timestamp::from_secs(2));
            record.spot(Spot { time, ..Spot::new(role, 47.0, 8.0, "CAM").unwrap() });
        }
        record.point(whose("GPS"), at(9, 47.0));
        // How wide it sees may be said at the end.
        record.gazes().width("", 60.0);
        let told = record.finish(Some(0));
        let gaze = Gaze::of(angles).map(|gaze| gaze.with_width(Some(60.0)));
        let gazes: Vec<_> =
            told.tracks.iter().flat_map(|track| &track.points).map(|point| point.gaze).collect();
        assert_eq!(gazes, [gaze, None, None], "the aircraft's, what is old, the operator's");
        let looks: Vec<_> = told.places.iter().map(|spot| spot.look).collect();
        assert_eq!(looks, [gaze.map(Look::from), None]);
    }

    trait WithLon {
        fn with_lon(self, lon: f64) -> Self;
    }

    impl WithLon for TrackPoint {
        fn with_lon(self, lon: f64) -> Self {
            Self { lon, ..self }
        }
    }

    #[test]
    fn while_any_flies_it_is_flying_and_a_long_silence_says_nothing() {
        let mut record = Record::of("x", Holds::Beats, "HEARTBEAT");
        for second in 0..30 {
            record.state("1", Timestamp::from_secs(second), (10..20).contains(&second));
            record.state("2", Timestamp::from_secs(second), false);
        }
        record.state("1", Timestamp::from_secs(100), false);
        let told = record.finish(Some(0));
        let seconds = |time: Timestamp| time.as_nanos() / 1_000_000_000;
        let phases: Vec<_> =
            told.phases.iter().map(|one| (seconds(one.from), seconds(one.to), one.state)).collect();
        assert_eq!(
            phases,
            [
                (0, 10, FlightState::Ground),
                (10, 20, FlightState::Flying),
                (20, 31, FlightState::Ground),
                (100, 102, FlightState::Ground)
            ]
        );
    }

    proptest! {
        #[test]
        fn phases_are_in_order_and_do_not_overlap(
            words in prop::collection::vec((0_u8..3, 0_i64..200, any::<bool>()), 0..60),
            beats: bool,
        ) {
            let mut record = Record::of("x", if beats { Holds::Beats } else { Holds::Changes }, "x");
            for (vehicle, second, flying) in words {
                record.state(&vehicle.to_string(), Timestamp::from_secs(second), flying);
            }
            let told = record.finish(Some(0));
            prop_assert!(told.phases.iter().all(|one| one.from < one.to));
            prop_assert!(told.phases.windows(2).all(|two| two[0].to <= two[1].from));
        }
    }

    #[test]
    fn what_is_said_again_is_told_once() {
        let mut record = Record::of("x", Holds::Beats, "x");
        for _ in 0..3 {
            record.say("message", "Ready\0", "MSG");
            record.identify(DataClass::Serial, None, "AB1", "MSG");
            for role in [Role::Home, Role::Camera] {
                record.spot(Spot::new(role, 1.0, 2.0, "x").unwrap());
            }
        }
        let told = record.finish(None);
        assert_eq!((told.facts.len(), told.identifiers.len(), told.places.len()), (1, 1, 4));
    }

    #[test]
    fn what_has_no_end_is_counted() {
        let mut record = Record::of("x", Holds::Beats, "x");
        for number in 0..20_000_u32 {
            record.say("message", &number.to_string(), "MSG");
            record.flaw("frame", 0, "lost");
            record.state(&number.to_string(), Timestamp::from_secs(1), true);
            record.point(whose(&number.to_string()), at(1, 47.0));
        }
        let told = record.finish(Some(0));
        assert_eq!((told.facts.len(), told.tracks.len()), (MOST_TOLD, MOST_TRACKS));
        let counted: Vec<_> = told.damage[MOST_FLAWS..].iter().map(|flaw| flaw.why.as_str()).collect();
        assert_eq!(
            counted,
            [
                "19744 more changes of state are not told",
                "19900 more damaged stretches are not told",
                "10000 more facts are not told",
                "19744 more points of further tracks are not told",
            ]
        );
    }
}
