//! How far apart the clocks of sources are: a flight log and a link that tell of the same flight were at the same places, and
//! each says when by its own clock.
//!
//! For points of the one at which the aircraft moved, the moment is looked for at which the other's track comes nearest. Most
//! of these differences agree, but for places that were passed twice: the densest second of them is the offset. Sources
//! without places that agree are compared by the moments at which they say that flight began and ended.

use std::collections::BTreeMap;

use creance_model::{ClockOffset, DEGREE_M, FlightState, Timestamp};

use crate::flight::Sample;

/// Points of the one source, and of the other, that are compared: some hundred thousand distances.
const POINTS: usize = 300;
const AGAINST: usize = 3_000;

/// Pairs of sources that are compared.
const PAIRS: usize = 16;

/// Slower than this, in metres a second, a place does not tell the moment.
const MOVING: f64 = 2.0;

/// Farther apart than this, in metres, it is not the same place.
const SAME_PLACE: f64 = 25.0;

/// Points that must agree, and of all that share.
const FEWEST: usize = 8;
const SHARE: f64 = 0.3;

/// Seconds that matter: telemetry is thinned out to one a second.
const MATTERS: f64 = 2.0;

/// Seconds within which differences agree.
const WINDOW: f64 = 1.0;

/// The offsets between the logs and everything else that tells of places or of flight.
pub(crate) fn offsets(logs: &[(String, Vec<Sample>)], links: &[(String, Vec<Sample>)]) -> Vec<ClockOffset> {
    let pairs = logs.iter().enumerate().flat_map(|(index, log)| {
        let later = logs.iter().skip(index + 1);
        links.iter().chain(later).map(move |other| (log, other))
    });
    pairs.take(PAIRS).filter_map(|(log, other)| offset(log, other)).collect()
}

/// A sentence of each pair of clocks that differ by more than may be, and by enough to matter.
pub(crate) fn notes(clocks: &[ClockOffset]) -> impl Iterator<Item = String> {
    let differ = clocks.iter().filter(|clock| clock.seconds.abs() > clock.error_s.max(MATTERS));
    differ.map(|clock| {
        let ahead = if clock.seconds > 0.0 { "ahead of" } else { "behind" };
        format!(
            "The clock of {} is {:.1} s (± {:.1} s) {ahead} that of {}: states near take-off and landing, and what was sent then, may be told wrong by so much.",
            clock.source,
            clock.seconds.abs(),
            clock.error_s,
            clock.against
        )
    })
}

fn offset(
    (source, samples): &(String, Vec<Sample>),
    (against, others): &(String, Vec<Sample>),
) -> Option<ClockOffset> {
    let by_track = by_track(&way(samples), &way(others)).map(|found| ("track", found));
    let (by, (seconds, error_s, points)) =
        by_track.or_else(|| Some(("flight", by_flight(samples, others)?)))?;
    // As people read it: a hundredth of a second.
    let rounded = |seconds: f64| (seconds * 100.0).round() / 100.0;
    Some(ClockOffset {
        source: source.clone(),
        against: against.clone(),
        seconds: rounded(seconds),
        error_s: rounded(error_s).max(0.01),
        by: by.into(),
        points: points as u64,
    })
}

/// Seconds, degrees north and east.
type Point = (f64, [f64; 2]);

/// Where the aircraft was that the source tells most of, in order of time.
fn way(samples: &[Sample]) -> Vec<Point> {
    let mut by_vehicle: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
    for sample in samples {
        if let Some((lat, lon)) = sample.position {
            by_vehicle.entry(sample.vehicle).or_default().push((sample.time.as_secs_f64(), [lat, lon]));
        }
    }
    let mut way = by_vehicle.into_values().max_by_key(Vec::len).unwrap_or_default();
    way.sort_by(|one, other| one.0.total_cmp(&other.0));
    way.dedup_by(|later, earlier| later.0 <= earlier.0);
    way
}

fn by_track(ours: &[Point], theirs: &[Point]) -> Option<(f64, f64, usize)> {
    let theirs = thinned(theirs, AGAINST);
    let origin = theirs.first()?.1;
    let narrow = origin[0].to_radians().cos();
    let flat = |[lat, lon]: [f64; 2]| [(lon - origin[1]) * narrow * DEGREE_M, (lat - origin[0]) * DEGREE_M];
    let moving: Vec<&[Point]> = ours.windows(2).filter(|leg| speed(leg) > MOVING).collect();
    let step = moving.len().div_ceil(POINTS).max(1);
    let theirs: Vec<Point> = theirs.into_iter().map(|(time, place)| (time, flat(place))).collect();
    let mut apart: Vec<f64> = moving
        .iter()
        .step_by(step)
        .filter_map(|leg| {
            let (time, place) = *leg.first()?;
            let (metres, then) = passed(&theirs, flat(place))?;
            (metres <= SAME_PLACE).then_some(time - then)
        })
        .collect();
    apart.sort_by(f64::total_cmp);
    // The densest window.
    let mut best = 0..0;
    let mut from = 0;
    for to in 0..apart.len() {
        while apart[to] - apart[from] > WINDOW {
            from += 1;
        }
        if to + 1 - from > best.len() {
            best = from..to + 1;
        }
    }
    let agreeing = apart.get(best)?;
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let enough = agreeing.len() >= FEWEST && agreeing.len() as f64 >= SHARE * apart.len() as f64;
    let middle = agreeing.get(agreeing.len() / 2).copied().filter(|_| enough)?;
    let widest = agreeing.last()? - agreeing.first()?;
    Some((middle, widest / 2.0 + 0.05, agreeing.len()))
}

/// Metres a second over a leg.
fn speed(leg: &[Point]) -> f64 {
    let [(from, [lat, lon]), (to, [to_lat, to_lon])] = leg else { return 0.0 };
    let east = (to_lon - lon) * lat.to_radians().cos();
    let seconds = to - from;
    if seconds > 0.0 && seconds < 10.0 { (to_lat - lat).hypot(east) * DEGREE_M / seconds } else { 0.0 }
}

/// How near a way comes to a place, in metres, and when.
fn passed(way: &[Point], [x, y]: [f64; 2]) -> Option<(f64, f64)> {
    let legs = way.windows(2).filter_map(|leg| {
        let [(from, a), (to, b)] = leg else { return None };
        let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        let square = dx * dx + dy * dy;
        let along =
            if square > 0.0 { (((x - a[0]) * dx + (y - a[1]) * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
        Some(((a[0] + along * dx - x).hypot(a[1] + along * dy - y), from + along * (to - from)))
    });
    legs.min_by(|one, other| one.0.total_cmp(&other.0))
}

fn thinned(way: &[Point], most: usize) -> Vec<Point> {
    way.iter().step_by(way.len().div_ceil(most).max(1)).copied().collect()
}

/// By the moments at which flight began and ended: those of the one source that the other has too.
fn by_flight(ours: &[Sample], theirs: &[Sample]) -> Option<(f64, f64, usize)> {
    let (ours, theirs) = (changes(ours), changes(theirs));
    if ours.is_empty() || ours.len() != theirs.len() {
        return None;
    }
    let apart: Vec<(f64, f64)> = ours
        .iter()
        .zip(&theirs)
        .filter(|(one, other)| one.flying == other.flying)
        .map(|(one, other)| (one.time - other.time, one.gap + other.gap))
        .collect();
    let (least, most) =
        apart.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), (seconds, _)| {
            (least.min(*seconds), most.max(*seconds))
        });
    let gap = apart.iter().map(|(_, gap)| *gap).fold(0.0, f64::max);
    // Flights of different lengths are different flights.
    let same = apart.len() == ours.len() && most - least <= gap + WINDOW;
    same.then(|| (f64::midpoint(least, most), f64::midpoint(most - least, gap) + 0.05, apart.len()))
}

/// A moment at which flight began or ended: in seconds, somewhere within the gap before it.
struct Change {
    time: f64,
    gap: f64,
    flying: bool,
}

fn changes(samples: &[Sample]) -> Vec<Change> {
    let mut said: Vec<(Timestamp, bool)> = samples
        .iter()
        .filter_map(|sample| Some((sample.time, sample.state? == FlightState::Flying)))
        .collect();
    said.sort_unstable();
    let pairs = said.windows(2).filter_map(|pair| {
        let [(before, was), (time, flying)] = pair else { return None };
        let gap = time.as_secs_f64() - before.as_secs_f64();
        (was != flying && gap < 10.0).then(|| Change { time: time.as_secs_f64(), gap, flying: *flying })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A flight of some minutes in curves, told every `every` seconds by a clock that is `ahead`.
    fn flown(ahead: f64, every: f64, vehicle: i64) -> Vec<Sample> {
        let mut samples = Vec::new();
        let mut second = 0.0_f64;
        while second < 240.0 {
            let (lat, lon) = (47.0 + second * 4e-5, 8.0 + (second / 30.0).sin() * 2e-3);
            #[expect(clippy::cast_possible_truncation, reason = "a test")]
            let time = Timestamp::from_nanos(((1_780_000_000.0 + second + ahead) * 1e9) as i64);
            let state =
                Some(if (20.0..220.0).contains(&second) { FlightState::Flying } else { FlightState::Ground });
            samples.push(Sample { vehicle, time, state, position: Some((lat, lon)) });
            second += every;
        }
        samples
    }

    fn one(ours: Vec<Sample>, theirs: Vec<Sample>) -> Option<ClockOffset> {
        let told = offsets(&[("log".to_owned(), ours)], &[("link".to_owned(), theirs)]);
        assert!(told.len() < 2);
        told.into_iter().next()
    }

    #[test]
    fn another_flight_says_nothing_and_two_passes_of_one_place_are_not_confused() {
        let mut elsewhere = flown(0.0, 1.0, 0);
        for sample in &mut elsewhere {
            sample.position = sample.position.map(|(lat, lon)| (lat + 1.0, lon));
            sample.state = None;
        }
        assert_eq!(one(flown(0.0, 1.0, 0), elsewhere), None);
        // There and back by the same way.
        let there_and_back = |ahead: f64| {
            let mut samples = flown(ahead, 1.0, 0);
            let back: Vec<Sample> = samples
                .iter()
                .rev()
                .zip(&flown(ahead + 240.0, 1.0, 0))
                .map(|(place, time)| Sample { time: time.time, ..place.clone() })
                .collect();
            samples.extend(back);
            samples
        };
        let told = one(there_and_back(7.0), there_and_back(0.0)).unwrap();
        assert!((told.seconds - 7.0).abs() <= told.error_s + 0.2, "{told:?}");
    }

    #[test]
    fn without_places_the_beginning_and_end_of_flight_are_compared() {
        let blind = |samples: Vec<Sample>| -> Vec<Sample> {
            samples.into_iter().map(|sample| Sample { position: None, ..sample }).collect()
        };
        let told = one(blind(flown(-3.0, 1.0, 0)), blind(flown(0.0, 0.5, 1))).unwrap();
        assert_eq!((told.by.as_ref(), told.points), ("flight", 2));
        assert!((told.seconds + 3.0).abs() <= told.error_s, "{told:?}");
        assert_eq!(one(blind(flown(0.0, 1.0, 0)), Vec::new()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_offset_is_found_within_what_is_said(ahead in -4000.0_f64..4000.0, ours in 0.2_f64..2.0, theirs in 0.2_f64..2.0) {
            let told = one(flown(ahead, ours, 0), flown(0.0, theirs, 3)).unwrap();
            prop_assert_eq!(told.by.as_ref(), "track");
            prop_assert!((told.seconds - ahead).abs() <= told.error_s + 0.02, "{:?} {}", told, ahead);
        }

        #[test]
        fn any_samples_are_answered(points in prop::collection::vec((0_i64..9, -9_i64..90, any::<bool>(), -90.0_f64..90.0, -180.0_f64..180.0), 0..60)) {
            let samples: Vec<Sample> = points.into_iter().map(|(vehicle, second, flies, lat, lon)| Sample {
                vehicle,
                time: Timestamp::from_secs(second),
                state: flies.then_some(FlightState::Flying),
                position: Some((lat, lon)),
            }).collect();
            let _ = one(samples.clone(), samples);
        }
    }
}
