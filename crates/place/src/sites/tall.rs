//! What a camera sees of sites that stand above the ground: towers are seen where their feet are not.
//!
//! A site with a height is its shape, standing up to that height. What a picture shows between the ground and that height is a
//! convex body, and the picture shows a part of the site if and only if the ground below that body meets the site's shape. So
//! a footprint that is wider answers for sites that are taller. Nothing is taken to stand before anything else.

use super::view::{FARTHEST, Footprint, View, ring};

impl View {
    /// The ground below all that the picture shows up to so many metres above the ground.
    pub(super) fn footprint_up_to(&self, top_m: f64) -> Footprint {
        if self.height_m.is_nan() || self.height_m <= 0.0 {
            return Footprint::of(Vec::new());
        }
        let at = |height: f64| -> Vec<[f64; 3]> {
            ring(FARTHEST).map(|[east, north]| [east, north, height - self.height_m]).collect()
        };
        let (floor, ceiling) = (at(0.0), at(top_m));
        let walls = edges(&floor).zip(edges(&ceiling)).map(|([a, b], [c, d])| vec![a, b, d, c]);
        let mut faces: Vec<Vec<[f64; 3]>> = walls.collect();
        faces.extend([floor, ceiling]);
        for normal in self.inwards() {
            let inner = |[east, north, up]: [f64; 3]| normal[0] * east + normal[1] * north + normal[2] * up;
            for face in &mut faces {
                *face = cut(face, &inner);
            }
        }
        let mut below: Vec<[f64; 2]> =
            faces.iter().flatten().map(|[east, north, _]| [*east, *north]).collect();
        // The camera itself is a corner of what it sees, where it stands no higher than that.
        if self.height_m <= top_m {
            below.push([0.0, 0.0]);
        }
        Footprint::of(hull(below))
    }
}

fn edges(corners: &[[f64; 3]]) -> impl Iterator<Item = [[f64; 3]; 2]> {
    corners.iter().zip(corners.iter().cycle().skip(1)).map(|(from, to)| [*from, *to])
}

/// The part of a convex face where a linear function is not negative (Sutherland and Hodgman).
fn cut(face: &[[f64; 3]], inner: &dyn Fn([f64; 3]) -> f64) -> Vec<[f64; 3]> {
    let mut kept = Vec::with_capacity(face.len() + 1);
    for [from, to] in edges(face) {
        let (at_from, at_to) = (inner(from), inner(to));
        if at_from >= 0.0 {
            kept.push(from);
        }
        if (at_from < 0.0) != (at_to < 0.0) {
            let along = at_from / (at_from - at_to);
            kept.push(std::array::from_fn(|axis| from[axis] + along * (to[axis] - from[axis])));
        }
    }
    kept
}

/// The corners of the convex hull, clockwise (Andrew's monotone chains).
fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let chain = |points: &mut dyn Iterator<Item = &[f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice() {
                let turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]);
                if turn < 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(*point);
        }
        // The last is the first of the other chain.
        chain.pop();
        chain
    };
    let mut corners = chain(&mut points.iter());
    corners.extend(chain(&mut points.iter().rev()));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(yaw: f64, pitch: f64, roll: f64, height_m: f64) -> View {
        View { lat: 0.0, lon: 0.0, height_m, yaw, pitch, roll, width: 60.0, height: 40.0 }
    }

    fn metres(seen: &Footprint, point: [f64; 2]) -> f64 {
        if seen.len() == 0 { f64::INFINITY } else { seen.to_point(point) }
    }

    #[test]
    fn the_top_of_a_tower_is_seen_where_its_foot_is_not() {
        // The lower edge of the picture looks 20° down: the ground begins 274.7 m ahead, what is 60 m high 109.9 m ahead.
        let level = view(0.0, 0.0, 0.0, 100.0);
        assert!((metres(&level.footprint_up_to(0.0), [0.0, 200.0]) - 74.7).abs() < 0.1);
        assert!(metres(&level.footprint_up_to(60.0), [0.0, 115.0]) < 1e-9);
        assert!((metres(&level.footprint_up_to(60.0), [0.0, 100.0]) - 9.9).abs() < 0.1);
        // What is as high as the camera is seen from right before it.
        assert!(metres(&level.footprint_up_to(120.0), [0.0, 1.0]) < 1e-9);
        // A camera that looks above the horizon sees no ground, and the tower.
        let upwards = view(0.0, 30.0, 0.0, 10.0);
        assert_eq!(upwards.footprint_up_to(0.0).len(), 0);
        assert!(metres(&upwards.footprint_up_to(100.0), [0.0, 50.0]) < 1e-9);
        assert!(metres(&upwards.footprint_up_to(100.0), [0.0, -50.0]) > 49.0);
    }

    #[test]
    fn a_narrow_view_that_meets_neither_ground_nor_top_shows_what_stands_between() {
        let narrow = View { width: 0.2, height: 0.1, ..view(90.0, 0.0, 0.0, 100.0) };
        assert_eq!(narrow.footprint_up_to(0.0).len(), 0);
        let seen = narrow.footprint_up_to(200.0);
        assert!(metres(&seen, [4_000.0, 0.0]) < 1e-9 && metres(&seen, [4_000.0, 50.0]) > 40.0);
    }

    proptest! {
        #[test]
        fn what_is_flat_is_seen_as_ground_is(
            yaw in 0.0_f64..360.0, pitch in -90.0_f64..30.0, roll in -30.0_f64..30.0,
            x in -6000.0_f64..6000.0, y in -6000.0_f64..6000.0,
        ) {
            let view = view(yaw, pitch, roll, 100.0);
            let (flat, ground) = (metres(&view.footprint_up_to(0.0), [x, y]), metres(&view.footprint(), [x, y]));
            prop_assert!(flat.is_infinite() && ground.is_infinite() || (flat - ground).abs() < 1e-3, "{} {}", flat, ground);
        }

        #[test]
        fn a_point_in_the_picture_is_above_what_is_seen(
            yaw in 0.0_f64..360.0, pitch in -90.0_f64..40.0, roll in -30.0_f64..30.0, height in 1.0_f64..300.0,
            top in 0.0_f64..200.0, share in 0.0_f64..1.0, across in -0.99_f64..0.99, upwards in -0.99_f64..0.99,
        ) {
            let view = view(yaw, pitch, roll, height);
            let [forward, right, up] = view.axes();
            let half = |degrees: f64| (degrees / 2.0).to_radians().tan();
            let ray: [f64; 3] = std::array::from_fn(|axis| {
                forward[axis] + across * half(60.0) * right[axis] + upwards * half(40.0) * up[axis]
            });
            // Where the ray is as high as a part of the tower.
            let far = (share * top - height) / ray[2];
            let point = [far * ray[0], far * ray[1]];
            prop_assume!(far > 0.01 && point[0].hypot(point[1]) < 4_900.0);
            prop_assert!(metres(&view.footprint_up_to(top), point) < 1e-6);
        }
    }

    #[test]
    fn a_hull_holds_its_points_and_has_no_needless_corner() {
        let square = [[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0]];
        let within = [[1.0, 1.0], [1.0, 2.0], [0.0, 0.0]];
        assert_eq!(hull([square.as_slice(), &within].concat()).len(), 4);
        assert_eq!(hull(square.to_vec()), square);
    }
}
