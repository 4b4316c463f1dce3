//! The datum of coordinates that an app sends, held against where the aircraft was.
//!
//! The law of mainland China asks for GCJ-02 there and nowhere else. Coders apply it in a box that reaches far beyond the
//! border: shifted coordinates in Hong Kong, Macau, Taiwan or Korea are the mark of code made for the mainland.

use crate::country::Country;
use crate::datum::Datum;
use crate::region::answer::{Group, Vote};
use crate::region::boundaries::Boundaries;

/// A shift is claimed where the place fits within this, in metres, in the shifted datum …
const FITS_M: f64 = 15.0;
/// … and is off by more than this without it.
const OFF_M: f64 = 100.0;
/// … at so many places that lie apart.
const PLACES: usize = 2;

/// How often such a tell names what the app believes.
const DECLARED: f64 = 0.9;
const SHIFTED: f64 = 0.95;
const BOX_ONLY: f64 = 0.7;

/// Coordinates that an app sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatumSeen {
    /// What the app calls their datum.
    pub declared: Option<Datum>,
    /// What was sent, and where the aircraft was (WGS 84): latitude and longitude in degrees.
    pub sent: Vec<((f64, f64), (f64, f64))>,
}

impl DatumSeen {
    /// The datum that the coordinates are in, where enough of them tell.
    pub fn observed(&self) -> Option<Datum> {
        let mut apart: Vec<((f64, f64), (f64, f64))> = Vec::new();
        for pair in &self.sent {
            if apart.iter().all(|known| metres(known.0, pair.0) > 1.0) {
                apart.push(*pair);
            }
        }
        let fits = |datum: Datum| {
            let fit = |(sent, truth): &&((f64, f64), (f64, f64))| {
                metres(*sent, datum.from_wgs84(*truth)) < FITS_M
                    && (datum == Datum::Wgs84 || metres(*sent, *truth) > OFF_M)
            };
            apart.iter().filter(fit).count() >= PLACES
        };
        // Nothing fits a shift by chance; what is not shifted may be something else that was sent beside.
        [Datum::Gcj02, Datum::Bd09, Datum::Wgs84].into_iter().find(|datum| fits(*datum))
    }

    /// What it says of the country that the app believes in.
    pub fn vote(&self, boundaries: &Boundaries) -> Option<Vote> {
        let observed = self.observed();
        let shifted = observed.filter(|datum| *datum != Datum::Wgs84);
        if let Some(datum) = shifted {
            let land = self.sent.first().and_then(|(_, (lat, lon))| boundaries.at(*lat, *lon)?.land);
            let name = told(datum);
            return Some(match land.filter(|land| *land != Country::CN) {
                None => {
                    let why =
                        format!("coordinates are sent in {name}, which the law of mainland China asks for");
                    Vote::one("datum", Group::Datum, Country::CN, SHIFTED, why)
                }
                Some(land) => {
                    let why = format!(
                        "coordinates are sent in {name} although {land} asks for none: code made for the mainland"
                    );
                    Vote::one("datum", Group::Datum, Country::CN, BOX_ONLY, why)
                }
            });
        }
        match (self.declared, observed) {
            (Some(Datum::Wgs84), _) | (None, Some(Datum::Wgs84)) => {
                let why = "coordinates are sent in WGS 84, as everywhere but in mainland China".to_owned();
                Some(Vote::nothing("datum", Group::Datum, why))
            }
            (Some(datum), _) => {
                let why = format!("coordinates are called {}, the datum of mainland China", told(datum));
                Some(Vote::one("datum", Group::Datum, Country::CN, DECLARED, why))
            }
            (None, _) => None,
        }
    }
}

/// A datum's name for people.
pub const fn told(datum: Datum) -> &'static str {
    match datum {
        Datum::Wgs84 => "WGS-84",
        Datum::Gcj02 => "GCJ-02",
        Datum::Bd09 => "BD-09",
    }
}

/// The datum of this name, as apps write it.
pub fn named(name: &str) -> Option<Datum> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "wgs84" | "wgs" | "epsg4326" | "gps" => Some(Datum::Wgs84),
        "gcj02" | "gcj" | "mars" | "amap" | "gaode" => Some(Datum::Gcj02),
        "bd09" | "bd09ll" | "baidu" => Some(Datum::Bd09),
        _ => None,
    }
}

/// Metres between two places that are near each other, on a sphere.
pub fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
    let north = (a.0 - b.0).to_radians();
    let east = (a.1 - b.1).to_radians() * a.0.to_radians().cos();
    north.hypot(east) * 6_371_008.8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(datum: Datum, (lat, lon): (f64, f64), declared: Option<Datum>) -> DatumSeen {
        let truths = [(lat, lon), (lat + 0.001, lon), (lat, lon + 0.001)];
        DatumSeen { declared, sent: truths.iter().map(|truth| (datum.from_wgs84(*truth), *truth)).collect() }
    }

    #[test]
    fn shifts_are_seen_where_there_are_any() {
        let chengdu = (30.91, 103.57);
        for datum in Datum::ALL {
            assert_eq!(seen(datum, chengdu, None).observed(), Some(datum));
        }
        assert_eq!(seen(Datum::Gcj02, (41.6, -93.7), None).observed(), Some(Datum::Wgs84));
        assert_eq!(DatumSeen::default().observed(), None);
        let one = DatumSeen { sent: seen(Datum::Gcj02, chengdu, None).sent[..1].to_vec(), declared: None };
        assert_eq!(one.observed(), None);
    }

    #[test]
    fn a_shift_outside_the_mainland_is_code_made_for_it() {
        let boundaries = Boundaries::bundled().unwrap();
        let mainland = seen(Datum::Gcj02, (30.91, 103.57), None).vote(boundaries).unwrap();
        let hong_kong = seen(Datum::Gcj02, (22.32, 114.17), None).vote(boundaries).unwrap();
        assert!(hong_kong.weight > 0.0 && hong_kong.weight < mainland.weight);
        assert!(hong_kong.why.contains("although HK asks for none"), "{}", hong_kong.why);
        let plain = seen(Datum::Wgs84, (22.32, 114.17), None).vote(boundaries).unwrap();
        assert!(plain.says.is_empty());
        let called = DatumSeen { declared: named("GCJ-02"), sent: Vec::new() }.vote(boundaries).unwrap();
        assert_eq!(called.says, [Country::CN]);
    }
}
