//! Where numbers must lie to be of the track at all: nearly none do, and this is all that most of them cost.

use creance_place::datum::Datum;

use super::{
    known::Track,
    number::{Axis, SCALES},
};

/// Stretches of numbers, ascending, that neither touch nor overlap.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<(f64, f64)>);

impl Spans {
    fn new(mut all: Vec<(f64, f64)>) -> Self {
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut merged: Vec<(f64, f64)> = Vec::new();
        for (from, to) in all {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    pub(super) fn hold(&self, number: f64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        after.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|(_, to)| number <= *to)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.iter().copied()
    }
}

/// The degrees of a track in every datum, and the numbers of every scale that mean them.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) lat: Spans,
    pub(super) lon: Spans,
    /// What either is written as.
    pub(super) numbers: Spans,
}

/// Degrees around the track: three decimals, cut, and what is near.
pub(super) const MARGIN: f64 = 0.0015;

impl Reach {
    pub(super) fn of(track: &Track) -> Self {
        let around = |degrees: f64| (degrees - MARGIN, degrees + MARGIN);
        let narrow = |lat: f64| MARGIN / lat.to_radians().cos().max(0.01);
        let (mut lats, mut lons) = (Vec::new(), Vec::new());
        for place in track.places() {
            for datum in Datum::ALL {
                let (lat, lon) = datum.from_wgs84(place);
                lats.push(around(lat));
                lons.push((lon - narrow(lat), lon + narrow(lat)));
            }
        }
        let (lat, lon) = (Spans::new(lats), Spans::new(lons));
        let mut numbers = Vec::new();
        for scale in SCALES {
            for (spans, axis) in [(&lat, Axis::Lat), (&lon, Axis::Lon)] {
                numbers.extend(spans.iter().map(|(from, to)| {
                    let (one, other) = ((scale.write)(from, axis), (scale.write)(to, axis));
                    (one.min(other), one.max(other))
                }));
            }
        }
        // Near a pole Web Mercator has no number.
        numbers.retain(|(from, to)| from.is_finite() && to.is_finite());
        Self { lat, lon, numbers: Spans::new(numbers) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_hold_what_one_of_them_holds(all in prop::collection::vec((0..100_i32, 0..20_i32), 0..10), number in 0..130_i32) {
            let all: Vec<(f64, f64)> = all.into_iter().map(|(from, more)| (from.into(), (from + more).into())).collect();
            let expected = all.iter().any(|(from, to)| (*from..=*to).contains(&number.into()));
            prop_assert_eq!(Spans::new(all).hold(number.into()), expected);
        }
    }
}
