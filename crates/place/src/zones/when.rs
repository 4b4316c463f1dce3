//! Times at which a zone holds: intervals, and hours of days of the week within them.
//!
//! An end that is not after its start is on the next day. Hours may be told by the sun. A time that is told without an offset is
//! local, and what its offset is nobody says: where that decides, the answer is unknown.

use creance_model::Timestamp;

use super::{
    Sure,
    sun::{self, Event},
};

/// An interval, and the hours within it; without hours all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// From then; `None`: since ever.
    pub from: Option<Moment>,
    /// Until then; `None`: for ever.
    pub to: Option<Moment>,
    /// Hours of days. Several: any of them.
    pub hours: Vec<Hours>,
    /// Whether it holds is not sure even then.
    pub may: bool,
}

/// A moment, and whether its offset from UTC is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When; local times as if they were UTC.
    pub time: Timestamp,
    /// Whether the offset is told.
    pub zoned: bool,
}

/// From a time to another on some days of the week.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hours {
    /// Bits of the days: 1 is Monday, 64 Sunday.
    pub days: u8,
    /// From.
    pub from: Mark,
    /// To.
    pub to: Mark,
}

/// A time of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// Seconds since midnight, and the offset from UTC in seconds if it is told.
    Clock(i64, Option<i64>),
    /// By the sun.
    Sun(Event),
}

/// Every day.
pub const ALL_DAYS: u8 = 127;

/// Names of days in English, from Monday.
const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

pub(super) const DAY: i64 = 86_400;

/// Seconds by which the sun's events may be wrong.
const SUN_ERROR: f64 = 120.0;

/// Seconds by which local time may be off from UTC.
const FARTHEST_OFFSET: i64 = 14 * 3600;

/// The bit of a day, by its name or the beginning of it; `ANY` is all.
pub(super) fn day(name: &str) -> Option<u8> {
    let name = name.trim().to_ascii_uppercase();
    if name == "ANY" {
        return Some(ALL_DAYS);
    }
    DAYS.iter().position(|day| name.starts_with(day)).map(|at| 1 << at)
}

impl Moment {
    /// A moment as RFC 3339 writes it; without an offset it is local.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = text.get(..10).filter(|date| date.bytes().filter(|byte| *byte == b'-').count() == 2)?;
        let rest = text.get(10..).unwrap_or_default();
        let zoned = rest.contains(['Z', 'z', '+', '-']);
        let time = if rest.is_empty() {
            Timestamp::parse(&format!("{date}T00:00:00"))
        } else {
            Timestamp::parse(text)
        };
        Some(Self { time: time.or_else(|| Timestamp::parse(&format!("{date}T{}", tidy(rest)?)))?, zoned })
    }

    /// The end of an interval: a day is over when it ends.
    pub(super) fn parse_end(text: &str) -> Option<Self> {
        let moment = Self::parse(text)?;
        if text.trim().len() > 10 {
            return Some(moment);
        }
        let end = moment.time.as_nanos().checked_add(DAY * 1_000_000_000)?;
        Some(Self { time: Timestamp::from_nanos(end), ..moment })
    }

    /// Whether a time is at it or after it.
    fn is_before(self, time: i64) -> Sure {
        let slack = if self.zoned { 0 } else { FARTHEST_OFFSET };
        let since = time - self.time.as_nanos().div_euclid(1_000_000_000);
        match since {
            _ if since >= slack => Sure::Yes,
            _ if since < -slack => Sure::No,
            _ => Sure::Unknown,
        }
    }
}

/// `T16:00Z` → `16:00:00Z`.
fn tidy(rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    let end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at_checked(end)?;
    Some(if clock.len() == 5 { format!("{clock}:00{offset}") } else { rest.to_owned() })
}

impl Mark {
    /// `16:00`, `16:00:00Z`, `16:00:00+02:00`.
    pub(super) fn clock(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('T');
        let end = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
        let (clock, offset) = text.split_at_checked(end)?;
        let seconds = hours(clock)?;
        let offset = match offset.as_bytes() {
            [] => None,
            [b'Z' | b'z'] => Some(0),
            [sign, ..] => {
                let seconds = hours(offset.get(1..)?)?;
                Some(if *sign == b'-' { -seconds } else { seconds })
            }
        };
        Some(Self::Clock(seconds, offset))
    }

    /// `BMCT`, `SR`, `SS`, `EECT`.
    pub(super) fn event(text: &str) -> Option<Self> {
        Some(Self::Sun(match text.trim() {
            "BMCT" => Event::Dawn,
            "SR" => Event::Rise,
            "SS" => Event::Set,
            "EECT" => Event::Dusk,
            _ => return None,
        }))
    }

    /// Unix seconds of it on a day, and by how much they may be wrong.
    fn on(self, day: i64, local: i64, lat: f64, lon: f64) -> Option<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries")]
        match self {
            Self::Clock(seconds, offset) => {
                Some(((day * DAY + seconds - offset.unwrap_or(local)) as f64, 0.0))
            }
            Self::Sun(event) => Some((sun::moment(event, day, lat, lon)?, SUN_ERROR)),
        }
    }
}

/// Seconds of `H:MM`, `HH:MM:SS`, `HHMM`.
fn hours(text: &str) -> Option<i64> {
    let text = text.split('.').next()?;
    let parts: Vec<&str> = match text.len() {
        4 if !text.contains(':') => vec![text.get(..2)?, text.get(2..)?],
        _ => text.split(':').collect(),
    };
    let mut seconds = 0;
    for (part, (unit, most)) in parts.iter().zip([(3600, 24), (60, 59), (1, 60)]) {
        let number: i64 = part.parse().ok().filter(|number| (0..=most).contains(number))?;
        seconds += number * unit;
    }
    (parts.len() <= 3 && seconds <= DAY).then_some(seconds)
}

impl Hours {
    fn hold(&self, time: i64, lat: f64, lon: f64) -> Sure {
        let unzoned = |mark: Mark| matches!(mark, Mark::Clock(_, None));
        if !unzoned(self.from) && !unzoned(self.to) {
            return self.hold_at(time, 0, lat, lon);
        }
        // Local time is within three hours of that of the sun, in quarters of an hour.
        #[expect(clippy::cast_possible_truncation, reason = "at most twelve")]
        let solar = (lon / 15.0).round() as i64 * 3600;
        // Near the date line some keep the day of the other side: Samoa, Tonga, the Line Islands at 150° W; the Aleutians.
        let other_day = if lon < -150.0 {
            Some(DAY)
        } else if lon > 165.0 {
            Some(-DAY)
        } else {
            None
        };
        let days = std::iter::once(0).chain(other_day);
        let mut each = days
            .flat_map(|day| (-12..=12).map(move |quarter| day + quarter * 900))
            .map(|by| self.hold_at(time, solar + by, lat, lon));
        let first = each.next().unwrap_or(Sure::Unknown);
        if each.all(|other| other == first) { first } else { Sure::Unknown }
    }

    /// With this offset for times without one.
    fn hold_at(&self, time: i64, local: i64, lat: f64, lon: f64) -> Sure {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries")]
        let now = time as f64;
        let today = time.div_euclid(DAY);
        let mut sure = Sure::No;
        for day in today - 2..=today + 1 {
            // 1970-01-01 was a Thursday.
            let bit = 1_u8 << (day + 3).rem_euclid(7);
            if self.days & bit == 0 {
                continue;
            }
            let marks = self.from.on(day, local, lat, lon).zip(self.to.on(day, local, lat, lon));
            let Some(((from, from_error), (mut to, to_error))) = marks else {
                // The sun does not rise or set: on which side of it the hours lie nobody says.
                sure = sure.or(if (today - 1..=today).contains(&day) { Sure::Unknown } else { Sure::No });
                continue;
            };
            if to <= from {
                to = match self.to.on(day + 1, local, lat, lon) {
                    Some((next, _)) => next,
                    None => to + 86_400.0,
                };
            }
            sure = sure.or(if now >= from + from_error && now < to - to_error {
                Sure::Yes
            } else if now >= from - from_error && now < to + to_error {
                Sure::Unknown
            } else {
                Sure::No
            });
        }
        sure
    }
}

impl Period {
    fn holds(&self, time: Timestamp, lat: f64, lon: f64) -> Sure {
        let time = time.as_nanos().div_euclid(1_000_000_000);
        let begun = self.from.map_or(Sure::Yes, |from| from.is_before(time));
        let over = self.to.map_or(Sure::No, |to| to.is_before(time));
        let within = begun.and(over.not()).and(if self.may { Sure::Unknown } else { Sure::Yes });
        if self.hours.is_empty() || within == Sure::No {
            return within;
        }
        let hours = self.hours.iter().map(|hours| hours.hold(time, lat, lon)).fold(Sure::No, Sure::or);
        within.and(hours)
    }
}

/// Whether any of the periods holds; without periods: always.
pub(super) fn holds(periods: &[Period], time: Option<Timestamp>, lat: f64, lon: f64) -> Sure {
    match time {
        _ if periods.is_empty() => Sure::Yes,
        None => Sure::Unknown,
        Some(time) => periods.iter().map(|period| period.holds(time, lat, lon)).fold(Sure::No, Sure::or),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Timestamp::parse(text)
    }

    fn hours(days: u8, from: &str, to: &str) -> Vec<Period> {
        let mark = |text: &str| Mark::clock(text).or_else(|| Mark::event(text)).unwrap();
        vec![Period { hours: vec![Hours { days, from: mark(from), to: mark(to) }], ..Period::default() }]
    }

    #[test]
    fn intervals_hold_from_their_start_to_before_their_end() {
        let moment = |text: &str| Moment::parse(text);
        let periods = [Period {
            from: moment("2026-08-01T06:00:00+00:00"),
            to: moment("2026-08-01T18:00:00Z"),
            ..Period::default()
        }];
        for (time, sure) in [
            ("2026-08-01T05:59:59Z", Sure::No),
            ("2026-08-01T06:00:00Z", Sure::Yes),
            ("2026-08-01T18:00:00Z", Sure::No),
        ] {
            assert_eq!(holds(&periods, at(time), 47.0, 8.0), sure, "{time}");
        }
        assert_eq!(holds(&periods, None, 47.0, 8.0), Sure::Unknown);
        assert_eq!(holds(&[], None, 47.0, 8.0), Sure::Yes);
        let local = [Period { from: moment("2026-08-01T06:00:00"), ..Period::default() }];
        assert_eq!(holds(&local, at("2026-08-01T05:00:00Z"), 47.0, 8.0), Sure::Unknown);
        assert_eq!(moment("2026-08-01T06:00Z").unwrap().time, moment("2026-08-01T06:00:00Z").unwrap().time);
        assert_eq!(moment("soon"), None);
        assert_eq!(Moment::parse_end("2026-08-01"), moment("2026-08-02"));
        assert_eq!(Moment::parse_end("2026-08-01T06:00:00Z"), moment("2026-08-01T06:00:00Z"));
    }

    #[test]
    fn hours_go_on_over_midnight_on_the_day_they_began() {
        // Saturday 2026-08-01.
        let night = hours(day("SAT").unwrap(), "22:00:00Z", "02:00:00Z");
        for (time, sure) in [
            ("2026-08-01T21:59:59Z", Sure::No),
            ("2026-08-01T22:00:00Z", Sure::Yes),
            ("2026-08-02T01:59:59Z", Sure::Yes),
            ("2026-08-02T02:00:00Z", Sure::No),
            ("2026-08-01T01:00:00Z", Sure::No),
        ] {
            assert_eq!(holds(&night, at(time), 47.0, 8.0), sure, "{time}");
        }
        let offset = hours(ALL_DAYS, "08:00:00+02:00", "10:00:00+02:00");
        assert_eq!(holds(&offset, at("2026-08-01T06:30:00Z"), 47.0, 8.0), Sure::Yes);
        assert_eq!(holds(&offset, at("2026-08-01T08:30:00Z"), 47.0, 8.0), Sure::No);
    }

    #[test]
    fn local_hours_are_uncertain_where_the_offset_decides() {
        let local = hours(ALL_DAYS, "06:00", "22:00");
        for (time, sure) in [
            ("2026-08-01T12:00:00Z", Sure::Yes),
            ("2026-08-01T05:00:00Z", Sure::Unknown),
            ("2026-08-01T01:00:00Z", Sure::No),
        ] {
            assert_eq!(holds(&local, at(time), 47.0, 8.0), sure, "{time}");
        }
    }

    #[test]
    fn local_hours_in_quarters_and_on_the_other_day_by_the_date_line() {
        // Nepal is 5:45 ahead: there 06:00 … 06:10 is 00:15 … 00:25 UTC.
        let brief = hours(ALL_DAYS, "06:00", "06:10");
        assert_eq!(holds(&brief, at("2026-08-01T00:20:00Z"), 27.7, 85.3), Sure::Unknown);
        // Noon of Saturday in Samoa, 13 hours ahead, is 23:00 of Friday; by the sun it is Friday noon.
        let saturday = hours(day("SAT").unwrap(), "06:00", "18:00");
        assert_eq!(holds(&saturday, at("2026-07-31T23:00:00Z"), -13.8, -171.8), Sure::Unknown);
        assert_eq!(holds(&saturday, at("2026-07-30T23:00:00Z"), -13.8, -171.8), Sure::No);
        // Christmas Island, 14 hours ahead.
        assert_eq!(holds(&saturday, at("2026-07-31T22:00:00Z"), 1.9, -157.4), Sure::Unknown);
    }

    #[test]
    fn the_sun_opens_and_closes() {
        // In Bern on 2026-06-21 it rises about 03:35 and sets about 19:28 UTC.
        let day = hours(ALL_DAYS, "SR", "SS");
        let night = hours(ALL_DAYS, "SS", "SR");
        for (time, light) in [
            ("2026-06-21T03:25:00Z", Sure::No),
            ("2026-06-21T03:45:00Z", Sure::Yes),
            ("2026-06-21T19:20:00Z", Sure::Yes),
            ("2026-06-21T19:40:00Z", Sure::No),
        ] {
            assert_eq!(holds(&day, at(time), 46.95, 7.45), light, "{time}");
            assert_eq!(holds(&night, at(time), 46.95, 7.45), light.not(), "{time}");
        }
        assert_eq!(holds(&day, at("2026-06-21T12:00:00Z"), 75.0, 20.0), Sure::Unknown, "no sunset there");
        // Over the date line the day of the sun is another one.
        assert_eq!(holds(&day, at("2026-06-21T00:00:00Z"), -17.0, 179.0), Sure::Yes);
        assert_eq!(holds(&day, at("2026-06-21T00:00:00Z"), -17.0, -179.0), Sure::Yes);
    }
}
