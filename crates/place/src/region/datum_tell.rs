//! The datum of coordinates that an app sends, held against where the aircraft was.
//!
//! The law of mainland China asks for GCJ-02 there and nowhere else. Coders apply it in a box that reaches far beyond the
//! border: shifted coordinates in Hong Kong, Macau, Taiwan or Korea are the mark of code made for the mainland.

use crate::country::Country;
use crate::datum::Datum;
use crate::region::answer::{Group, Vote};
use crate::region::boundaries::Boundaries;

/// A datum is claimed where places fit within this, in metres …
const FITS_M: f64 = 10.0;
/// … a shifted one where they are off by more than this without it …
const OFF_M: f64 = 100.0;
/// … and two of them lie so far apart, five times what a fit may be off: nearer to each other they are one place, which may
/// fit by chance.
const APART_M: f64 = 50.0;
/// So far apart, where nothing is shifted: two places, and not one sent twice.
const TWO_M: f64 = 1.0;

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
        let fits = |datum: Datum| {
            let fit = |(sent, truth): &&((f64, f64), (f64, f64))| {
                metres(*sent, datum.from_wgs84(*truth)) < FITS_M
                    && (datum == Datum::Wgs84 || metres(*sent, *truth) > OFF_M)
            };
            let places: Vec<(f64, f64)> = self.sent.iter().filter(fit).map(|(_, truth)| *truth).collect();
            spread_m(&places) >= if datum == Datum::Wgs84 { TWO_M } else { APART_M }
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

/// How far places lie apart: from the one that is farthest from the first, to the one farthest from that.
fn spread_m(places: &[(f64, f64)]) -> f64 {
    let farthest = |from: (f64, f64)| {
        let far = places.iter().map(|place| (metres(from, *place), *place));
        far.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let end = places.first().and_then(|first| farthest(*first));
    end.and_then(|(_, end)| farthest(end)).map_or(0.0, |(metres, _)| metres)
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
        let truths = [(lat, lon), (lat + 0.0004, lon), (lat - 0.0004, lon)];
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
        let near = DatumSeen { sent: seen(Datum::Gcj02, chengdu, None).sent[..2].to_vec(), declared: None };
        assert_eq!(near.observed(), None, "44 m apart");
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
