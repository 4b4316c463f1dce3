//! How a place lies to a zone, and why one may say so.

use std::fmt::Write as _;

use creance_model::Timestamp;

use super::{Band, Doubt, Height, Lies, Place, Source, Sure, Zone, heights::Level};

/// Where a place is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Answer {
    /// Outside of the zone.
    Outside,
    /// It cannot be said: to be taken for inside.
    Uncertain,
    /// Inside.
    Inside,
}

impl Answer {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Uncertain => "uncertain",
            Self::Inside => "inside",
        }
    }
}

/// How a place lies to a zone.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// Which.
    pub zone: &'a Zone,
    /// The file that it is from.
    pub source: Option<&'a Source>,
    pub(super) band: Band,
    pub(super) lies: Lies,
    pub(super) level: Level,
    pub(super) then: Sure,
    pub(super) place: Place,
    /// Of a way: between what.
    pub(super) between: Option<Between>,
}

/// What a straight way of some metres is between.
#[derive(Clone, Copy, Debug)]
pub(super) enum Between {
    /// Two corners of a plan.
    Corners(f64),
    /// Two places that a log tells: how it flew between them it does not.
    Fixes(f64),
}

impl Verdict<'_> {
    /// Inside, outside or uncertain.
    pub fn answer(&self) -> Answer {
        let along = if matches!(self.between, Some(Between::Fixes(_))) { Sure::Unknown } else { Sure::Yes };
        match self.across().and(self.level.within).and(self.then).and(along) {
            Sure::Yes => Answer::Inside,
            Sure::No => Answer::Outside,
            Sure::Unknown => Answer::Uncertain,
        }
    }

    /// Metres to the edge of the shape on the ground, negative within. Of a place that height alone keeps out: the metres above
    /// or below the zone, those that are certain where position and limits do not count from the same.
    pub fn margin_m(&self) -> f64 {
        let across = self.lies.margin_m;
        if across <= 0.0 && self.level.within == Sure::No {
            return self.level.beyond_m;
        }
        across
    }

    /// The place that was checked; of a way the one where it comes to the zone first.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Metres above or below its limits, negative between them, where position and limits count from the same.
    pub const fn vertical_margin_m(&self) -> Option<f64> {
        self.level.margin_m
    }

    /// Whether the zone holds, or may hold, at that time.
    pub(super) fn holds_then(&self) -> bool {
        self.then != Sure::No
    }

    /// Of two volumes of a zone, the one that is to be told stands first.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.answer().cmp(&self.answer()).then(self.margin_m().total_cmp(&other.margin_m()))
    }

    fn across(&self) -> Sure {
        let Lies { margin_m, doubt } = self.lies;
        let accuracy = self.place.accuracy_m.max(0.0);
        if doubt.is_some() || margin_m.abs() < accuracy {
            Sure::Unknown
        } else if margin_m <= 0.0 {
            Sure::Yes
        } else {
            Sure::No
        }
    }

    /// One sentence: what the zone asks, and what makes the answer this one.
    pub fn why(&self) -> String {
        let zone = self.zone;
        let mut why = format!("{}, {}", zone.name.as_deref().unwrap_or(&zone.id), zone.restriction);
        let _ = write!(why, ", {}", self.band);
        let answer = self.answer();
        let margin = self.lies.margin_m;
        why.push_str(": ");
        if let Some(Between::Corners(long) | Between::Fixes(long)) = self.between {
            let what =
                if matches!(self.between, Some(Between::Fixes(_))) { "fixes" } else { "corners of the plan" };
            let _ = write!(why, "the straight way of {} between two {what}, at most ", metres(long));
        }
        let _ = match margin {
            // The whole earth has no edge.
            f64::NEG_INFINITY => write!(why, "it has no edge"),
            _ if margin <= 0.0 => write!(why, "{} within its edge", metres(-margin)),
            _ => write!(why, "{} from its edge", metres(margin)),
        };
        if let Some(vertical) = self.level.margin_m {
            let _ = match self.level.within {
                Sure::No => write!(why, ", {} beyond its limit of height", metres(self.level.beyond_m)),
                _ => write!(why, ", {} within its limits of height", metres(-vertical)),
            };
        } else if self.level.within == Sure::No {
            let least = metres(self.level.beyond_m);
            let _ = write!(why, ", {least} or more beyond its limit of height wherever ground and geoid lie");
        }
        if self.then == Sure::No {
            why.push_str(", not in force at that time");
        }
        if answer == Answer::Uncertain {
            why.push_str("; uncertain, for ");
            why.push_str(&self.doubts().join(", and "));
        }
        if let Some(says) = &zone.says {
            let _ = write!(why, "; it says: {}", says.chars().take(200).collect::<String>());
        }
        if let Some(wrong) = zone.degraded.first() {
            let _ = write!(why, "; the zone is faulty ({wrong}) and taken to hold");
        }
        if let Some(age) = self.age() {
            let _ = write!(why, "; {age}");
        }
        why
    }

    /// What keeps the answer from being certain.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        match self.lies.doubt {
            Some(Doubt::Edges) => doubts.push(
                "it lies between the straight edge and the geodesic, and the format does not say which is meant".to_owned(),
            ),
            Some(Doubt::Crossed) => doubts.push("the edge of the zone crosses itself".to_owned()),
            Some(Doubt::Long) => doubts.push("it runs along the edge for too long to be followed closely".to_owned()),
            None if self.across() == Sure::Unknown => {
                let what = if self.between.is_some() { "way" } else { "position" };
                doubts.push(format!("the {what} is known to {} only", metres(self.place.accuracy_m)));
            }
            None => {}
        }
        if matches!(self.between, Some(Between::Fixes(_))) {
            doubts.push("how it flew between the two is not known".to_owned());
        }
        if self.level.within == Sure::Unknown {
            doubts.push(match self.place.height {
                _ if self.between.is_some() => "its height on the way is not known closely enough".to_owned(),
                None => "its height is not known".to_owned(),
                Some(Height { reference: None, metres: height }) => {
                    format!("what its height of {} counts from is not known", metres(height))
                }
                Some(Height { reference: Some(reference), metres: height }) => {
                    format!(
                        "its height of {} {} cannot be turned into that of the limits closely enough",
                        metres(height),
                        counted(reference)
                    )
                }
            });
        }
        if self.then == Sure::Unknown {
            doubts.push(match self.place.time {
                None => "the zone holds at times, and when this was is not known".to_owned(),
                Some(_) => "the hours of the zone are not told exactly enough".to_owned(),
            });
        }
        doubts
    }

    /// When the data was issued, and how long before the place was passed.
    fn age(&self) -> Option<String> {
        let issued = self.zone.updated.or(self.source?.issued)?;
        let day = day(issued);
        let ended = self.source?.valid_to.zip(self.place.time).is_some_and(|(to, time)| time > to);
        let ended = if ended { ", no longer valid then" } else { "" };
        Some(match self.place.time {
            Some(time) => format!("data of {day}, {}{ended}", elapsed(issued, time)),
            None => format!("data of {day}"),
        })
    }
}

/// The day of a moment.
pub fn day(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}

/// How much later one moment is than another, in words.
pub fn elapsed(from: Timestamp, to: Timestamp) -> String {
    const DAY: i64 = 86_400_000_000_000;
    let days = to.since(from).div_euclid(DAY);
    let count = |number: i64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    match days {
        i64::MIN..=-1 => format!("issued {} later", count(-days, "day")),
        0 => "of the same day".to_owned(),
        1..=60 => format!("{} old", count(days, "day")),
        61..=729 => format!("{} old", count(days / 30, "month")),
        _ => format!("{} old", count(days / 365, "year")),
    }
}

fn metres(metres: f64) -> String {
    // None is not less than none.
    let metres = metres + 0.0;
    match metres.abs() {
        0.0..10.0 => format!("{metres:.1} m"),
        10.0..10_000.0 => format!("{metres:.0} m"),
        _ => format!("{:.1} km", metres / 1000.0),
    }
}

const fn counted(reference: creance_model::AltReference) -> &'static str {
    use creance_model::AltReference::{Amsl, Ellipsoid, Ground, TakeOff};
    match reference {
        Amsl => "above sea",
        Ellipsoid => "above the ellipsoid",
        TakeOff => "above the take-off",
        Ground => "above ground",
    }
}
