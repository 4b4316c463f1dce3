//! Where the aircraft was, and what of it an app tells.

use creance_detect::{Fix, Path};
use creance_place::datum::Datum;
use creance_place::region::datum_tell::metres;
use creance_place::region::position::{Doubt, Position, Receiver};

use super::{MOST_COMPARED, Sent};

/// First and last place of each path, with what speaks against its receiver.
pub(super) fn positions(paths: &[Path]) -> Vec<Position> {
    let mut positions = Vec::new();
    for path in paths {
        let mut fixes: Vec<&Fix> = path.fixes.iter().collect();
        fixes.sort_by_key(|fix| fix.time);
        let doubts = if jumps(&fixes) { vec![Doubt::Jump] } else { Vec::new() };
        let ends = fixes.first().into_iter().chain(fixes.last().filter(|_| fixes.len() > 1));
        positions.extend(ends.map(|fix| Position {
            lat: fix.lat,
            lon: fix.lon,
            accuracy_m: None,
            receiver: Receiver::Aircraft,
            doubts: doubts.clone(),
        }));
    }
    positions.dedup_by(|a, b| metres((a.lat, a.lon), (b.lat, b.lon)) < 100.0);
    positions
}

/// Whether a path has a leap of more than a kilometre faster than 150 m/s: no drone of these flies so.
fn jumps(fixes: &[&Fix]) -> bool {
    fixes.windows(2).any(|pair| {
        let [a, b] = pair else { return false };
        let far = metres((a.lat, a.lon), (b.lat, b.lon));
        far > 1_000.0 && far > 150.0 * (b.time.as_secs_f64() - a.time.as_secs_f64()).max(0.1)
    })
}

/// Nanoseconds that a fix may be from a request that tells of it: telemetry comes about once a second.
const TOLD_WITHIN: i64 = 3_000_000_000;
/// Pairs looked at.
const MOST_PAIRS: usize = 256;

/// Places that were sent, each with the place where the aircraft was: of its way about that time the point that it fits best,
/// in any datum. Between fixes the way is straight: at one fix a second an aircraft is soon 10 m from the nearest.
pub(super) fn pairs<'a>(
    sent: impl Iterator<Item = &'a Sent>,
    paths: &[Path],
) -> Vec<((f64, f64), (f64, f64))> {
    let mut pairs = Vec::new();
    for sent in sent.filter(|sent| !sent.said.places.is_empty()).take(MOST_PAIRS) {
        let mut way = Vec::new();
        for path in paths {
            let near = path.fixes.iter().filter(|fix| fix.time.since(sent.time).abs() <= TOLD_WITHIN);
            let mut near: Vec<&Fix> = near.take(MOST_COMPARED).collect();
            near.sort_by_key(|fix| fix.time);
            let ends = near.iter().zip(near.iter().skip(1).chain(near.last()));
            way.extend(ends.map(|(a, b)| ((a.lat, a.lon), (b.lat, b.lon))));
            if way.len() >= MOST_COMPARED {
                break;
            }
        }
        for place in &sent.said.places {
            let fits = way.iter().flat_map(|(a, b)| Datum::ALL.map(|datum| nearest(*place, *a, *b, datum)));
            let truth = fits.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, truth)| truth);
            // A place far from the aircraft is somebody else's.
            pairs.extend(truth.filter(|truth| metres(*place, *truth) < 2_000.0).map(|truth| (*place, truth)));
        }
    }
    pairs
}

/// The point between `a` and `b` that a place fits best which is in this datum, and how many metres it is off.
fn nearest(place: (f64, f64), a: (f64, f64), b: (f64, f64), datum: Datum) -> (f64, (f64, f64)) {
    let (start, end) = (datum.from_wgs84(a), datum.from_wgs84(b));
    let narrow = start.0.to_radians().cos();
    let from_start = |(lat, lon): (f64, f64)| (lat - start.0, (lon - start.1) * narrow);
    let (way, off) = (from_start(end), from_start(place));
    let length = way.0 * way.0 + way.1 * way.1;
    let share = if length > 0.0 { ((way.0 * off.0 + way.1 * off.1) / length).clamp(0.0, 1.0) } else { 0.0 };
    let truth = (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    (metres(place, datum.from_wgs84(truth)), truth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    #[test]
    fn a_place_between_fixes_fits_its_datum() {
        let (a, b, middle) = ((30.9134, 103.5726), (30.9136, 103.5730), (30.9135, 103.5728));
        for datum in Datum::ALL {
            let (off, truth) = nearest(datum.from_wgs84(middle), a, b, datum);
            assert!(off < 0.1 && metres(truth, middle) < 0.1, "{off} {truth:?}");
            assert!(nearest(datum.from_wgs84(a), b, b, datum).0 > 30.0);
        }
    }

    #[test]
    fn a_leap_is_seen() {
        let fix = |second, lat| Fix { time: Timestamp::from_secs(second), lat, lon: 8.0 };
        let (a, b, c) = (fix(0, 47.0), fix(1, 47.0001), fix(2, 48.0));
        assert!(!jumps(&[&a, &b]));
        assert!(jumps(&[&a, &b, &c]));
    }
}
