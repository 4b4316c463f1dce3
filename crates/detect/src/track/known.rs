//! Where the aircraft, its home and its operator were: points in time, and an index of them.
//!
//! Points of one path that follow each other closely are joined: whoever was at one place and a second later at another
//! was between them meanwhile. Each leg lies in the cells of a grid of a thousandth of a degree that its bounds touch, so
//! that a place is compared with what is near it alone. Places on both sides of 180° are not joined.

use std::{
    collections::HashMap,
    fmt,
    ops::{Range, RangeInclusive},
};

use creance_model::{DEGREE_M, Timestamp};

/// Whose path it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// The aircraft itself.
    Aircraft,
    /// Where it began, or goes back to.
    Home,
    /// Who flies it.
    Operator,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aircraft => "the aircraft",
            Self::Home => "its home point",
            Self::Operator => "its operator",
        })
    }
}

/// Where somebody was at a moment: degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// When.
    pub time: Timestamp,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// The fixes of one thing by one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Whose.
    pub role: Role,
    /// Where it was, in any order.
    pub fixes: Vec<Fix>,
}

/// All paths that are known, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Track {
    points: Vec<Point>,
    /// Whose points they are, path by path.
    paths: Vec<(Role, Range<usize>)>,
    /// Which legs touch each cell, by the point where they begin.
    cells: HashMap<(i32, i32), Vec<u32>, foldhash::fast::FixedState>,
    /// Points beyond the bound.
    beyond: usize,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    role: Role,
    fix: Fix,
    /// Whether a leg leads to the next one.
    joined: bool,
}

/// A place that is one of the track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    pub(crate) role: Role,
    /// Metres from the track, as the place was written.
    pub(crate) metres: f64,
    /// Seconds from when it was there to when it was sent; negative where it came there later.
    pub(crate) seconds: f64,
    /// Whether it was there when it was sent.
    pub(crate) now: bool,
}

/// How far a place may lie from the track, in degrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

/// Points kept: a day at three a second.
const MOST: usize = 1 << 18;

/// A point that lies as near to the last one, in time and metres, tells nothing new.
const SAME: (i64, f64) = (5 * SECOND, 2.0);

/// Points further apart, in time or metres, are not joined.
const JOINED: (i64, f64) = (10 * SECOND, 300.0);

/// Clocks of logs and captures differ, and what is sent may have waited: seconds that count as the same moment.
const NOW: i64 = 30 * SECOND;

const SECOND: i64 = 1_000_000_000;

/// Cells of a degree.
const CELLS: f64 = 1000.0;

/// Cells that one question goes through, and legs that it compares, at most.
const MOST_CELLS: i64 = 4096;
const MOST_LEGS: usize = 8192;

impl Track {
    /// The track of these paths.
    pub(crate) fn new(paths: impl IntoIterator<Item = Path>) -> Self {
        let mut track = Self::default();
        for path in paths {
            track.add(path);
        }
        for index in 0..track.points.len() {
            track.enter(index);
        }
        track
    }

    fn add(&mut self, mut path: Path) {
        let possible = |fix: &Fix| fix.lat.abs() <= 90.0 && fix.lon.abs() <= 180.0;
        path.fixes.retain(possible);
        path.fixes.sort_by_key(|fix| fix.time);
        let first = self.points.len();
        for fix in path.fixes {
            let last = self.points.get_mut(first..).and_then(<[Point]>::last_mut);
            if let Some(last) = last {
                let (apart, metres) = (fix.time.since(last.fix.time), metres(last.fix, fix));
                if apart <= SAME.0 && metres <= SAME.1 {
                    continue;
                }
                last.joined = apart <= JOINED.0 && metres <= JOINED.1;
            }
            if self.points.len() >= MOST {
                self.beyond += 1;
                continue;
            }
            self.points.push(Point { role: path.role, fix, joined: false });
        }
        self.paths.push((path.role, first..self.points.len()));
    }

    fn enter(&mut self, index: usize) {
        let (Some((from, to)), Ok(number)) = (self.leg(index), u32::try_from(index)) else { return };
        let span = |one: f64, other: f64| cell(one.min(other))..=cell(one.max(other));
        for lat in span(from.lat, to.lat) {
            for lon in span(from.lon, to.lon) {
                self.cells.entry((lat, lon)).or_default().push(number);
            }
        }
    }

    /// The leg that begins at a point; one that leads nowhere ends there.
    fn leg(&self, index: usize) -> Option<(Fix, Fix)> {
        let from = self.points.get(index)?;
        let to = self.points.get(index + 1).filter(|_| from.joined).unwrap_or(from);
        Some((from.fix, to.fix))
    }

    /// Whether nothing is known.
    pub(crate) const fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// How many fixes were beyond the bound.
    pub(crate) const fn beyond(&self) -> usize {
        self.beyond
    }

    /// Where it was, each place once or more.
    pub(crate) fn places(&self) -> impl Iterator<Item = (f64, f64)> {
        // Legs are long enough that what lies between their ends matters.
        (0..self.points.len()).filter_map(|index| self.leg(index)).flat_map(|(from, to)| {
            let middle = (f64::midpoint(from.lat, to.lat), f64::midpoint(from.lon, to.lon));
            [(from.lat, from.lon), middle]
        })
    }

    /// The ground that places within `tolerance` metres of the track cover, in square metres: of all, and of what was
    /// covered about a moment. Neither is less than it is.
    pub(crate) fn ground(&self, tolerance: f64, time: Option<Timestamp>) -> f64 {
        self.paths.iter().map(|path| self.ground_of(path, tolerance, time)).sum()
    }

    fn ground_of(&self, (role, path): &(Role, Range<usize>), tolerance: f64, time: Option<Timestamp>) -> f64 {
        let points = self.points.get(path.clone()).unwrap_or_default();
        let legs = match time.filter(|_| *role != Role::Home) {
            None => 0..points.len(),
            Some(time) => {
                let first = points.partition_point(|point| point.fix.time < time.plus_nanos(-NOW));
                let end = points.partition_point(|point| point.fix.time <= time.plus_nanos(NOW));
                first.saturating_sub(1)..end
            }
        };
        // A square about the first point of a chain, and what it sweeps along each leg.
        let mut ground = 0.0;
        let mut before = false;
        for leg in legs {
            if !before {
                ground += 4.0 * tolerance * tolerance;
            }
            before = points.get(leg).is_some_and(|point| point.joined);
            if let Some((from, to)) = self.leg(path.start + leg) {
                ground += 2.0 * std::f64::consts::SQRT_2 * tolerance * metres(from, to);
            }
        }
        ground
    }

    /// Whose place it is, if anybody's: best of all one where somebody was at that time, else the nearest.
    pub(crate) fn near(&self, (lat, lon): (f64, f64), within: Within, time: Timestamp) -> Option<Near> {
        let rows = cells(lat, within.lat);
        let columns = cells(lon, within.lon);
        let count = |range: &RangeInclusive<i32>| i64::from(*range.end()) - i64::from(*range.start()) + 1;
        let mut best: Option<Near> = None;
        let mut legs = 0;
        let compare = |best: &mut Option<Near>, index: usize| {
            let near = self.compare(index, (lat, lon), within, time);
            if let Some(near) = near
                && best.is_none_or(|best| (!near.now, near.metres) < (!best.now, best.metres))
            {
                *best = Some(near);
            }
        };
        if count(&rows) * count(&columns) > MOST_CELLS {
            return None;
        }
        for cell in rows.flat_map(|row| columns.clone().map(move |column| (row, column))) {
            for index in self.cells.get(&cell).into_iter().flatten() {
                if legs >= MOST_LEGS {
                    return best;
                }
                legs += 1;
                compare(&mut best, *index as usize);
            }
        }
        best
    }

    fn compare(&self, index: usize, (lat, lon): (f64, f64), within: Within, time: Timestamp) -> Option<Near> {
        let (role, (from, to)) = (self.points.get(index)?.role, self.leg(index)?);
        // Metres east and north of the place.
        let narrow = lat.to_radians().cos();
        let flat = |fix: Fix| ((fix.lon - lon) * narrow * DEGREE_M, (fix.lat - lat) * DEGREE_M);
        let ((x, y), (to_x, to_y)) = (flat(from), flat(to));
        let (along_x, along_y) = (to_x - x, to_y - y);
        let length = along_x * along_x + along_y * along_y;
        let part = if length > 0.0 { (-(x * along_x + y * along_y) / length).clamp(0.0, 1.0) } else { 0.0 };
        let (x, y) = (x + part * along_x, y + part * along_y);
        if y.abs() > within.lat * DEGREE_M || x.abs() > within.lon * narrow * DEGREE_M {
            return None;
        }
        let nearest = time.as_secs_f64().clamp(from.time.as_secs_f64(), to.time.as_secs_f64());
        let now = is_now(role, from.time, to.time, time);
        Some(Near { role, metres: x.hypot(y), seconds: time.as_secs_f64() - nearest, now })
    }
}

/// Whether somebody was on a leg at that time. A home stays where it is.
fn is_now(role: Role, from: Timestamp, to: Timestamp, time: Timestamp) -> bool {
    role == Role::Home || (from.since(time) <= NOW && time.since(to) <= NOW)
}

fn cell(degrees: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "degrees are at most 180 and what is more saturates")]
    let cell = (degrees * CELLS).floor() as i32;
    cell
}

fn cells(degrees: f64, within: f64) -> RangeInclusive<i32> {
    cell(degrees - within)..=cell(degrees + within)
}

/// Metres between two fixes that are near each other.
pub(crate) fn metres(one: Fix, other: Fix) -> f64 {
    apart((one.lat, one.lon), (other.lat, other.lon))
}

/// Metres between two places that are near each other.
pub(crate) fn apart(one: (f64, f64), other: (f64, f64)) -> f64 {
    let north = one.0 - other.0;
    let east = (one.1 - other.1) * one.0.to_radians().cos();
    north.hypot(east) * DEGREE_M
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(role: Role, fixes: &[(i64, f64, f64)]) -> Path {
        let fix = |(second, lat, lon): &(i64, f64, f64)| Fix { time: at(*second), lat: *lat, lon: *lon };
        Path { role, fixes: fixes.iter().map(fix).collect() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    const WITHIN: Within = Within { lat: 0.0002, lon: 0.0003 };

    #[test]
    fn between_two_fixes_it_was_between_them() {
        let track =
            Track::new([path(Role::Aircraft, &[(100, 47.0, 8.0), (110, 47.002, 8.0), (200, 47.1, 8.0)])]);
        let near = track.near((47.001, 8.0001), WITHIN, at(105)).unwrap();
        assert!(near.now && (7.0..8.0).contains(&near.metres), "{near:?}");
        assert_eq!(track.near((47.05, 8.0), WITHIN, at(150)), None, "a long silence is no leg");
        assert_eq!(track.near((47.001, 8.001), WITHIN, at(105)), None);
    }

    #[test]
    fn where_it_was_at_that_time_comes_before_where_it_was_nearer() {
        let track = Track::new([path(Role::Aircraft, &[(100, 47.0, 8.0), (1000, 47.0001, 8.0)])]);
        let near = track.near((47.0, 8.0), WITHIN, at(1000)).unwrap();
        assert!(near.now && near.metres > 10.0, "{near:?}");
        let near = track.near((47.0, 8.0), WITHIN, at(500)).unwrap();
        assert!(!near.now && near.seconds > 0.0 && near.metres < 1.0, "{near:?}");
    }

    #[test]
    fn a_home_is_where_it_is_at_any_time() {
        let track = Track::new([path(Role::Home, &[(100, 47.0, 8.0)])]);
        assert!(track.near((47.0, 8.0), WITHIN, at(9000)).unwrap().now);
    }

    #[test]
    fn fixes_that_tell_nothing_new_are_left_out_and_those_beyond_the_bound_counted() {
        let still: Vec<_> = (0..100).map(|second| (second, 47.0, 8.0)).collect();
        assert_eq!(Track::new([path(Role::Aircraft, &still)]).points.len(), 17);
        let many = (0..300_000).map(|second| (second * 20, 47.0, 8.0)).collect::<Vec<_>>();
        assert_eq!(Track::new([path(Role::Aircraft, &many)]).beyond(), 300_000 - MOST);
    }

    #[test]
    fn impossible_places_are_no_fixes() {
        let track = Track::new([path(
            Role::Aircraft,
            &[(1, 95.0, 8.0), (2, f64::NAN, 8.0), (3, 1.0, f64::INFINITY)],
        )]);
        assert!(track.is_empty());
    }

    proptest! {
        #[test]
        fn a_place_is_near_if_a_leg_comes_near_it(
            fixes in prop::collection::vec((0..600_i64, 0..40_i32, 0..40_i32), 1..30), north in 0..400_i32, east in 0..400_i32,
        ) {
            let degrees = |units: i32, by: f64| 47.0 + f64::from(units) * by;
            let fixes: Vec<_> = fixes.into_iter().map(|(second, lat, lon)| (second, degrees(lat, 1e-4), degrees(lon, 1e-4))).collect();
            let track = Track::new([path(Role::Aircraft, &fixes)]);
            let place = (degrees(north, 1e-5), degrees(east, 1e-5));
            let all = (0..track.points.len()).filter_map(|index| track.compare(index, place, WITHIN, at(300)));
            let expected = all.min_by(|one, other| (!one.now, one.metres).partial_cmp(&(!other.now, other.metres)).unwrap());
            let found = track.near(place, WITHIN, at(300));
            prop_assert_eq!(found.map(|near| (near.now, near.metres)), expected.map(|near| (near.now, near.metres)));
        }
    }
}
