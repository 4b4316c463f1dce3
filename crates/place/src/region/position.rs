//! Places from receivers: in which country, how near to the next, at sea how far from the coast.
//!
//! Rule for borders: nearer than `3 σ + 200 m`, where σ joins the receiver's error with that of the boundary lines, both sides
//! are named and neither is picked. The territorial sea reaches 12 nautical miles from the coast (UNCLOS, article 3; the
//! coast's line stands for the baselines, which are not at hand); between two coasts the nearer one has it.

use crate::country::Country;
use crate::region::answer::{Group, Vote, weight};
use crate::region::boundaries::{Boundaries, Whereabouts, line_error_m};

/// 12 nautical miles in metres.
pub const TERRITORIAL_SEA_M: f64 = 22_224.0;
/// The error of a receiver that states none, in metres.
const USUAL_ERROR_M: f64 = 10.0;
/// From here on a place is coarse: from cells or access points, or blurred.
const COARSE_M: f64 = 1_000.0;

/// Whose receiver it is.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Receiver {
    /// The aircraft's.
    #[default]
    Aircraft,
    /// The phone's or controller's.
    Phone,
    /// Estimated from cells and access points.
    Network,
}

impl Receiver {
    const fn source(self) -> &'static str {
        match self {
            Self::Aircraft => "gps",
            Self::Phone => "phone-gps",
            Self::Network => "network-location",
        }
    }

    /// How often it names the true country (domain estimates).
    const fn right(self) -> f64 {
        match self {
            Self::Aircraft => 0.995,
            Self::Phone => 0.98,
            Self::Network => 0.9,
        }
    }
}

/// A reason not to believe a receiver.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Doubt {
    /// It moved faster than anything that flies there.
    Jump,
    /// The aircraft is in simulator mode.
    Simulator,
    /// The last fix of an earlier time or place.
    Stale,
    /// Its height goes another way than the barometer's.
    Height,
    /// Its time is off.
    Time,
    /// Aircraft and app, or broadcasts and telemetry, put it more than 10 km apart.
    Apart,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Jump, Self::Simulator, Self::Stale, Self::Height, Self::Time, Self::Apart];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Simulator => "simulator",
            Self::Stale => "stale",
            Self::Height => "height",
            Self::Time => "time",
            Self::Apart => "apart",
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Jump => "it jumped as nothing flies",
            Self::Simulator => "the aircraft is in simulator mode",
            Self::Stale => "it is the last fix of an earlier time",
            Self::Height => "its height does not follow the barometer",
            Self::Time => "its time is off",
            Self::Apart => "another receiver of the same flight is more than 10 km away",
        }
    }
}

/// A place that a receiver says.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Degrees, WGS 84.
    pub lat: f64,
    /// Degrees, WGS 84.
    pub lon: f64,
    /// One standard deviation in metres, where it is stated.
    pub accuracy_m: Option<f64>,
    /// Whose it is.
    pub receiver: Receiver,
    /// Why it should not be believed.
    pub doubts: Vec<Doubt>,
}

impl Position {
    /// Whether it is a place at all: (0, 0) is what receivers say without a fix.
    pub fn is_fix(&self) -> bool {
        self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0 && (self.lat.abs() > 1e-6 || self.lon.abs() > 1e-6)
    }

    /// Nearer to a border than this, both sides are named.
    fn margin_m(&self, place: &Whereabouts) -> f64 {
        let error = self.accuracy_m.filter(|error| *error >= 0.0).unwrap_or(USUAL_ERROR_M);
        3.0 * error.hypot(line_error_m(place)) + 200.0
    }

    /// What it says.
    pub fn vote(&self, boundaries: &Boundaries) -> Vote {
        let source = self.receiver.source();
        let place = if self.is_fix() { boundaries.at(self.lat, self.lon) } else { None };
        let Some(place) = place else {
            let why = if self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0 {
                "(0, 0) is what receivers say without a fix"
            } else {
                "no place on Earth"
            };
            return Vote::nothing(source, Group::Position, why.to_owned());
        };
        let (says, mut why) = read(&place, (self.lat, self.lon), self.margin_m(&place));
        let coarse = self.accuracy_m.is_some_and(|error| error >= COARSE_M);
        let mut right =
            if coarse { self.receiver.right().min(Receiver::Network.right()) } else { self.receiver.right() };
        if coarse {
            why.push_str("; a coarse place");
        }
        for doubt in &self.doubts {
            right = 0.5;
            why = format!("{why}; not believed: {}", doubt.told());
        }
        let open = says.len() > 1 || !place.disputed.is_empty();
        Vote { source, group: Group::Position, says, fits: Vec::new(), weight: weight(right), open, why }
    }
}

fn join(countries: &[Country]) -> String {
    countries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded for people")]
fn km(metres: f64) -> String {
    if metres < 10_000.0 {
        format!("{:.1} km", metres / 1000.0)
    } else {
        format!("{} km", (metres / 1000.0).round() as u64)
    }
}

/// The countries that a place may be in, and why.
fn read(place: &Whereabouts, at: (f64, f64), margin_m: f64) -> (Vec<Country>, String) {
    if let Some(area) = place.disputed.first() {
        let mut says: Vec<Country> = Vec::new();
        for claimant in place.disputed.iter().flat_map(|area| &area.claimants) {
            if !says.contains(claimant) {
                says.push(*claimant);
            }
        }
        let held =
            area.held.map_or_else(|| "held by none of them".to_owned(), |held| format!("held by {held}"));
        let claimants = join(&says);
        return (says, format!("in {}, a disputed area: claimed by {claimants}, {held}", area.name));
    }
    let (mut says, mut why) = match place.land {
        Some(land) => on_land(land, place, margin_m),
        None if place.sea => at_sea(place, margin_m),
        None => (Vec::new(), "land of no country".to_owned()),
    };
    if place.sea
        && let Some(nearest) = says.first().copied()
        && let Some(reason) = mainland_waters(at, nearest, margin_m)
        && !says.contains(&Country::CN)
    {
        says.push(Country::CN);
        why = format!("{why}; {reason}");
    }
    // The sea around a disputed island is as disputed as the island.
    let coast = place.near.first().map_or(f64::INFINITY, |(_, metres)| *metres);
    let reach = if place.sea { (TERRITORIAL_SEA_M + margin_m).min(coast + margin_m) } else { margin_m };
    if place.sea
        && place.disputed_near.iter().any(|(_, metres)| *metres < reach.min(TERRITORIAL_SEA_M - margin_m))
    {
        says.clear();
    }
    for (area, metres) in place.disputed_near.iter().filter(|(_, metres)| *metres < reach) {
        for claimant in &area.claimants {
            if !says.contains(claimant) {
                says.push(*claimant);
            }
        }
        why = format!(
            "{why}; {} from {}, a disputed area claimed by {}",
            km(*metres),
            area.name,
            join(&area.claimants)
        );
    }
    (says, why)
}

fn on_land(land: Country, place: &Whereabouts, margin_m: f64) -> (Vec<Country>, String) {
    let mut says = vec![land];
    says.extend(place.near.iter().filter(|(_, metres)| *metres < margin_m).map(|(country, _)| *country));
    let why = match place.near.first() {
        Some((other, metres)) if says.len() > 1 => format!(
            "{} from the border with {other}, nearer than what the receiver and the map can tell apart ({})",
            km(*metres),
            km(margin_m)
        ),
        Some((other, metres)) => format!("on land of {land}, {} from {other}", km(*metres)),
        None => format!("on land of {land}, far from any border"),
    };
    (says, why)
}

fn at_sea(place: &Whereabouts, margin_m: f64) -> (Vec<Country>, String) {
    let Some((nearest, metres)) = place.near.first().copied() else {
        return (vec![Country::OPEN_SEA], "open sea, far from any coast".to_owned());
    };
    if metres > TERRITORIAL_SEA_M + margin_m {
        return (vec![Country::OPEN_SEA], format!("open sea, {} from the coast of {nearest}", km(metres)));
    }
    let mut says = vec![nearest];
    // The line between two coasts lies halfway.
    let rivals = place.near.iter().skip(1);
    let rivals =
        rivals.filter(|(_, other)| *other < TERRITORIAL_SEA_M + margin_m && other - metres < 2.0 * margin_m);
    says.extend(rivals.map(|(country, _)| *country));
    let coast = format!("at sea, {} from the coast of {nearest}", km(metres));
    if metres > TERRITORIAL_SEA_M - margin_m {
        says.push(Country::OPEN_SEA);
        return (says, format!("{coast}: about where the territorial sea ends (12 nautical miles)"));
    }
    let why = if says.len() > 1 {
        format!("{coast}, about as far from {}", join(says.get(1..).unwrap_or_default()))
    } else {
        format!("{coast}: its territorial sea")
    };
    (says, why)
}

/// The waters of Hong Kong end at meridians and a parallel, not at a distance from its coast (Order 221 of the State Council
/// of China, 1 July 1997): south, west and east, in degrees. In the north they meet the mainland's halfway, more or less.
const HONG_KONG_WATERS: (f64, f64, f64) = (22.1485, 113.869, 114.502);

/// At sea near Hong Kong or Macau: the mainland, where the waters of either may have ended.
fn mainland_waters(at: (f64, f64), nearest: Country, margin_m: f64) -> Option<&'static str> {
    let (south, west, east) = HONG_KONG_WATERS;
    let degrees = margin_m / 111_000.0;
    let well_inside = at.0 > south + degrees && at.1 > west + degrees && at.1 < east - degrees;
    match nearest.to_string().as_str() {
        "HK" if !well_inside => Some("the waters of HK end at lines of the mainland's law, which are near"),
        "MO" => Some("the waters of MO are narrow and lie in those of the mainland"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn says(lat: f64, lon: f64) -> Vec<String> {
        let position =
            Position { lat, lon, accuracy_m: None, receiver: Receiver::Aircraft, doubts: Vec::new() };
        position.vote(Boundaries::bundled().unwrap()).says.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn near_a_border_both_sides_are_named() {
        assert_eq!(says(22.3193, 114.1694), ["HK"]);
        assert_eq!(says(22.60, 114.00), ["CN"]);
        let border = says(22.5316, 114.1130);
        assert!(border.contains(&"CN".to_owned()) && border.contains(&"HK".to_owned()), "{border:?}");
    }

    #[test]
    fn the_sea_is_of_its_coast_for_twelve_miles() {
        assert_eq!(says(37.70, -122.62), ["US"]);
        assert_eq!(says(0.0, -140.0), ["XZ"]);
        assert_eq!(says(24.5, 119.6), ["XZ"]);
        // Some 22 km off the coast of Oregon, which is smooth there.
        assert_eq!(says(44.0, -124.41), ["US", "XZ"]);
    }

    #[test]
    fn a_doubted_receiver_weighs_nothing() {
        let mut position = Position {
            lat: 30.9,
            lon: 103.5,
            accuracy_m: None,
            receiver: Receiver::Aircraft,
            doubts: vec![Doubt::Jump],
        };
        assert!(position.vote(Boundaries::bundled().unwrap()).weight.abs() < 1e-9);
        (position.lat, position.lon) = (0.0, 0.0);
        assert!(position.vote(Boundaries::bundled().unwrap()).says.is_empty());
    }

    proptest! {
        #[test]
        fn no_place_makes_it_panic(lat in any::<f64>(), lon in any::<f64>(), error in any::<f64>()) {
            let position =
                Position { lat, lon, accuracy_m: Some(error), receiver: Receiver::Phone, doubts: Vec::new() };
            let vote = position.vote(Boundaries::bundled().unwrap());
            prop_assert!(vote.weight.is_finite() && vote.weight >= 0.0);
        }
    }
}
