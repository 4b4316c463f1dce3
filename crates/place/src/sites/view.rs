//! What a camera sees of flat ground: where it looks from and whither, and the part of the ground that its picture shows.
//!
//! A point of the ground is in the picture if it lies on the right side of four planes through the camera, one for each edge.
//! Planes cut the ground in straight lines, so what is seen is a convex polygon: a disc as far as one can see, cut four times.

use creance_model::DEGREE_M;

use super::{closed, is_within, length};

/// From where a camera looked, and whither.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres above the ground, as far as one knows.
    pub height_m: f64,
    /// Degrees clockwise from true north.
    pub yaw: f64,
    /// Degrees above the horizon.
    pub pitch: f64,
    /// Degrees that the right side of the camera is lowered.
    pub roll: f64,
    /// Degrees that the picture is wide.
    pub width: f64,
    /// Degrees that the picture is high.
    pub height: f64,
}

/// How far a camera is taken to see, in metres: beyond, a site fills no more than a few pixels.
pub(super) const FARTHEST: f64 = 5_000.0;

/// Corners of the polygon that stands for the disc: its edges lie at most 10 m within it.
const CORNERS: u8 = 48;

/// A part of the ground that is convex, in metres east and north of the camera; empty, where it sees none.
#[derive(Debug)]
pub(super) struct Footprint {
    corners: Vec<[f64; 2]>,
    /// Of each edge the direction outwards, of length 1, and how far outwards it lies.
    sides: Vec<([f64; 2], f64)>,
}

/// How much of a circle what is seen reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// Nothing.
    None,
    /// Perhaps a part.
    Perhaps,
    /// All of it.
    Whole,
}

impl View {
    /// The ground that the picture shows.
    pub(super) fn footprint(&self) -> Footprint {
        if self.height_m.is_nan() || self.height_m <= 0.0 {
            return Footprint::of(Vec::new());
        }
        let mut seen: Vec<[f64; 2]> = ring(FARTHEST).collect();
        for [east, north, above] in self.inwards() {
            seen = cut(&seen, &|[x, y]: [f64; 2]| east * x + north * y - above * self.height_m);
        }
        Footprint::of(seen)
    }

    /// Of the four planes that bound the picture, the directions inwards: a point is in the picture, if seen from the camera
    /// it lies on that side of all.
    pub(super) fn inwards(&self) -> [[f64; 3]; 4] {
        let [forward, right, up] = self.axes();
        let half = |degrees: f64| (degrees.clamp(0.1, 179.0) / 2.0).to_radians().tan();
        let (wide, high) = (half(self.width), half(self.height));
        // No farther aside than its depth allows.
        let inward = |(aside, most): ([f64; 3], f64)| {
            std::array::from_fn(|axis| most.abs() * forward[axis] - most.signum() * aside[axis])
        };
        [(right, wide), (right, -wide), (up, high), (up, -high)].map(inward)
    }

    /// The corners of the ground that the picture shows, latitude and longitude in degrees; none, where it shows no ground.
    pub fn ground(&self) -> Vec<(f64, f64)> {
        let narrow = self.lat.to_radians().cos().max(0.01);
        let place =
            |[east, north]: &[f64; 2]| (self.lat + north / DEGREE_M, self.lon + east / DEGREE_M / narrow);
        self.footprint().corners.iter().map(place).collect()
    }

    /// Unit vectors to where it looks, to its right and upwards: east, north, up.
    pub(super) fn axes(&self) -> [[f64; 3]; 3] {
        let (sin_yaw, cos_yaw) = self.yaw.to_radians().sin_cos();
        let (sin_pitch, cos_pitch) = self.pitch.to_radians().sin_cos();
        let (sin_roll, cos_roll) = self.roll.to_radians().sin_cos();
        let forward = [sin_yaw * cos_pitch, cos_yaw * cos_pitch, sin_pitch];
        let level = [cos_yaw, -sin_yaw, 0.0];
        let upright = [-sin_yaw * sin_pitch, -cos_yaw * sin_pitch, cos_pitch];
        let mixed = |by_level: f64, by_upright: f64| {
            std::array::from_fn(|axis| by_level * level[axis] + by_upright * upright[axis])
        };
        [forward, mixed(cos_roll, -sin_roll), mixed(sin_roll, cos_roll)]
    }
}

/// The corners of a disc around the camera, clockwise.
pub(super) fn ring(radius: f64) -> impl Iterator<Item = [f64; 2]> {
    let turn = std::f64::consts::TAU / f64::from(CORNERS);
    (0..CORNERS).map(move |corner| {
        let (east, north) = (f64::from(corner) * turn).sin_cos();
        [east * radius, north * radius]
    })
}

/// The part of a convex polygon where a linear function is not negative (Sutherland and Hodgman).
fn cut(polygon: &[[f64; 2]], inner: &dyn Fn([f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for edge in closed(polygon).windows(2) {
        let [from, to] = [edge[0], edge[1]];
        let (at_from, at_to) = (inner(from), inner(to));
        if at_from >= 0.0 {
            kept.push(from);
        }
        if (at_from < 0.0) != (at_to < 0.0) {
            let along = at_from / (at_from - at_to);
            kept.push([from[0] + along * (to[0] - from[0]), from[1] + along * (to[1] - from[1])]);
        }
    }
    kept
}

impl Footprint {
    /// By its corners, which run clockwise: outwards is to the left.
    pub(super) fn of(corners: Vec<[f64; 2]>) -> Self {
        let mut footprint = Self { corners, sides: Vec::new() };
        let side = |[from, to]: [[f64; 2]; 2]| {
            let [east, north] = [to[0] - from[0], to[1] - from[1]];
            let metres = length([east, north]);
            let out = [-north / metres, east / metres];
            (metres > 1e-9).then_some((out, out[0] * from[0] + out[1] * from[1]))
        };
        footprint.sides = footprint.edges().filter_map(side).collect();
        footprint
    }

    /// How many corners it has; 0 where the camera sees no ground.
    pub(super) const fn len(&self) -> u64 {
        self.corners.len() as u64
    }

    /// Whether it reaches a circle: not, where the circle lies beyond one of its edges; wholly, where it lies within all.
    pub(super) fn reach(&self, [x, y]: [f64; 2], radius: f64) -> Reach {
        let beyond = self.sides.iter().map(|([east, north], edge)| east * x + north * y - edge);
        let most = beyond.fold(f64::NEG_INFINITY, f64::max);
        match self.sides.len() {
            0 => Reach::None,
            _ if most > radius => Reach::None,
            3.. if most < -radius => Reach::Whole,
            _ => Reach::Perhaps,
        }
    }

    /// Metres to a point, 0 within.
    pub(super) fn to_point(&self, point: [f64; 2]) -> f64 {
        let (mut left, mut right, mut least) = (false, false, f64::INFINITY);
        for [from, to] in self.edges() {
            let turn = (to[0] - from[0]) * (point[1] - from[1]) - (to[1] - from[1]) * (point[0] - from[0]);
            left |= turn > 0.0;
            right |= turn < 0.0;
            least = least.min(to_leg(point, [from, to]));
        }
        // On one side of all edges: within. On no side of any: what is seen is no more than a line.
        if left == right { least } else { 0.0 }
    }

    fn edges(&self) -> impl Iterator<Item = [[f64; 2]; 2]> {
        let following = self.corners.iter().skip(1).chain(self.corners.first());
        self.corners.iter().zip(following).map(|(from, to)| [*from, *to])
    }

    /// Metres to a line, 0 where it enters.
    pub(super) fn to_line(&self, line: &[[f64; 2]]) -> f64 {
        let mut least = line.first().map_or(f64::INFINITY, |point| self.to_point(*point));
        for leg in line.windows(2).filter_map(|leg| <[[f64; 2]; 2]>::try_from(leg).ok()) {
            least = least.min(self.to_point(leg[1]));
            // A corner of what is seen may be nearer to the middle of a leg than the ends of the leg are to it.
            for edge in self.edges() {
                if cross(leg, edge) {
                    return 0.0;
                }
                least = least.min(to_leg(edge[0], leg));
            }
            if least == 0.0 {
                return 0.0;
            }
        }
        least
    }

    /// Metres to an area of an edge and holes, 0 where it lies within or enters.
    pub(super) fn to_area(&self, rings: &[Vec<[f64; 2]>]) -> f64 {
        let is_inside = self.corners.first().is_some_and(|[x, y]| {
            let about =
                |ring: &Vec<[f64; 2]>| ring.iter().map(|[east, north]| [east - x, north - y]).collect();
            is_within(&rings.iter().map(about).collect::<Vec<_>>())
        });
        if is_inside {
            return 0.0;
        }
        rings.iter().map(|ring| self.to_line(&closed(ring))).fold(f64::INFINITY, f64::min)
    }
}

/// Metres from a point to a leg.
fn to_leg([x, y]: [f64; 2], [from, to]: [[f64; 2]; 2]) -> f64 {
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let square = dx * dx + dy * dy;
    let along = if square > 0.0 { ((x - from[0]) * dx + (y - from[1]) * dy) / square } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    length([from[0] + along * dx - x, from[1] + along * dy - y])
}

/// Whether two legs cross.
fn cross([a, b]: [[f64; 2]; 2], [c, d]: [[f64; 2]; 2]) -> bool {
    let side = |from: [f64; 2], to: [f64; 2], point: [f64; 2]| {
        (to[0] - from[0]) * (point[1] - from[1]) - (to[1] - from[1]) * (point[0] - from[0]) > 0.0
    };
    side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(yaw: f64, pitch: f64, roll: f64) -> View {
        View { lat: 0.0, lon: 0.0, height_m: 100.0, yaw, pitch, roll, width: 90.0, height: 60.0 }
    }

    #[test]
    fn a_camera_that_looks_down_sees_a_rectangle() {
        let seen = view(90.0, -90.0, 0.0).footprint();
        // 100 m to its left and right, which are north and south; 57.7 m before it and behind.
        for (point, expected) in
            [([50.0, 90.0], 0.0), ([-50.0, -90.0], 0.0), ([67.735, 0.0], 10.0), ([0.0, 110.0], 10.0)]
        {
            assert!((seen.to_point(point) - expected).abs() < 0.01, "{point:?} {}", seen.to_point(point));
        }
    }

    #[test]
    fn what_lies_behind_and_above_the_horizon_is_not_seen() {
        assert_eq!(view(0.0, 45.0, 0.0).footprint().len(), 0);
        let level = view(0.0, 0.0, 0.0).footprint();
        // The lower edge looks 30° down: the ground begins 173.2 m ahead.
        assert!((level.to_point([0.0, 163.205]) - 10.0).abs() < 0.01);
        assert!(level.to_point([0.0, -300.0]) > 400.0);
        assert!(level.to_point([0.0, 4_900.0]) < 0.01 && level.to_point([0.0, 6_000.0]) > 990.0);
    }

    #[test]
    fn a_rolled_camera_sees_more_on_the_side_that_is_lowered() {
        let rolled = view(0.0, 0.0, 40.0).footprint();
        assert!(rolled.to_point([60.0, 150.0]) < 0.01 && rolled.to_point([-60.0, 150.0]) > 1.0);
    }

    #[test]
    fn lines_that_pass_through_and_areas_around_are_seen() {
        let seen = view(0.0, -90.0, 0.0).footprint();
        assert!(seen.to_line(&[[-500.0, 0.0], [500.0, 0.0]]) < 1e-9);
        assert!((seen.to_line(&[[-500.0, 67.735], [500.0, 67.735]]) - 10.0).abs() < 0.01);
        let square = |side: f64| vec![[-side, -side], [side, -side], [side, side], [-side, side]];
        assert!(seen.to_area(&[square(1000.0)]) < 1e-9);
        let hole = seen.to_area(&[square(1000.0), square(120.0)]);
        assert!((hole - 20.0).abs() < 0.01, "{hole}");
    }

    proptest! {
        #[test]
        fn a_point_is_seen_if_its_ray_lies_in_the_picture(
            yaw in -400.0_f64..400.0, pitch in -90.0_f64..30.0, roll in -30.0_f64..30.0,
            x in -800.0_f64..800.0, y in -800.0_f64..800.0,
        ) {
            let view = view(yaw, pitch, roll);
            let [forward, right, up] = view.axes();
            let along = |axis: [f64; 3]| axis[0] * x + axis[1] * y - axis[2] * view.height_m;
            let (depth, aside, above) = (along(forward), along(right), along(up));
            let margin = (depth - aside.abs()).min(depth * 30_f64.to_radians().tan() - above.abs());
            prop_assume!(margin.abs() > 0.01);
            let seen = view.footprint();
            prop_assert_eq!(seen.len() > 0 && seen.to_point([x, y]) == 0.0, margin > 0.0);
        }

        #[test]
        fn what_is_out_of_reach_is_far_away_and_what_is_wholly_in_reach_is_seen(
            yaw in 0.0_f64..360.0, pitch in -90.0_f64..30.0, roll in -30.0_f64..30.0,
            x in -8000.0_f64..8000.0, y in -8000.0_f64..8000.0, radius in 0.0_f64..3000.0,
        ) {
            let seen = view(yaw, pitch, roll).footprint();
            let metres = if seen.len() > 0 { seen.to_point([x, y]) } else { f64::INFINITY };
            match seen.reach([x, y], radius) {
                Reach::None => prop_assert!(metres + 1e-6 > radius),
                Reach::Perhaps => {}
                Reach::Whole => prop_assert!(metres == 0.0),
            }
        }

        #[test]
        fn of_what_is_far_away_most_is_out_of_reach(x in -8000.0_f64..8000.0, y in 500.0_f64..8000.0) {
            let seen = view(0.0, -90.0, 0.0).footprint();
            prop_assert_eq!(seen.reach([x, y], 100.0), Reach::None);
            prop_assert_eq!(seen.reach([0.0, 0.0], 50.0), Reach::Whole);
        }
    }
}
