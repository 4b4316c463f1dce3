//! Small maps: a plane about the middle of what is drawn, with a bar for the scale.

/// Width and height of a map, and of the blank around what it shows.
pub(crate) const SIZE: (f64, f64) = (640.0, 360.0);
const EDGE: f64 = 28.0;

/// A plane about the middle of points.
pub(crate) struct Plane {
    middle: (f64, f64),
    /// Units of the picture for a degree of latitude.
    scale: f64,
}

/// Metres of a degree of latitude, on a sphere of 6 371 km.
const DEGREE_M: f64 = 111_195.0;

impl Plane {
    /// `None`: there are no points.
    pub(crate) fn of(points: &[(f64, f64)]) -> Option<Self> {
        let (first, rest) = points.split_first()?;
        // Longitudes go on beyond ±180° rather than around the earth.
        let near = |lon: f64| lon - ((lon - first.1) / 360.0).round() * 360.0;
        let mut bounds = [first.0, first.1, first.0, first.1];
        for (lat, lon) in rest {
            let [south, west, north, east] = bounds;
            bounds = [south.min(*lat), west.min(near(*lon)), north.max(*lat), east.max(near(*lon))];
        }
        let [south, west, north, east] = bounds;
        let middle = (f64::midpoint(south, north), f64::midpoint(west, east));
        let across = (east - west) * middle.0.to_radians().cos().max(0.01);
        let room = (SIZE.0 - 2.0 * EDGE, SIZE.1 - 2.0 * EDGE);
        // A single place is shown within some hundred metres.
        let scale = (room.0 / across.max(0.004)).min(room.1 / (north - south).max(0.002));
        Some(Self { middle, scale })
    }

    pub(crate) fn at(&self, lat: f64, lon: f64) -> (f64, f64) {
        let lon = lon - ((lon - self.middle.1) / 360.0).round() * 360.0;
        let x = (lon - self.middle.1) * self.middle.0.to_radians().cos().max(0.01) * self.scale;
        (SIZE.0 / 2.0 + x, SIZE.1 / 2.0 - (lat - self.middle.0) * self.scale)
    }

    /// A round length in metres of about a fifth of the picture, and how wide it is drawn.
    pub(crate) fn bar(&self) -> (f64, f64) {
        let metres = SIZE.0 / 5.0 / self.scale * DEGREE_M;
        let power = 10_f64.powf(metres.log10().floor());
        let step = [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= metres).unwrap_or(1.0);
        (step * power, step * power / DEGREE_M * self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_keeps_its_points_within_and_does_not_break_at_the_antimeridian() {
        let points = [(10.0, 179.9), (10.1, -179.9)];
        let plane = Plane::of(&points).unwrap();
        for (lat, lon) in points {
            let (x, y) = plane.at(lat, lon);
            assert!((0.0..=SIZE.0).contains(&x) && (0.0..=SIZE.1).contains(&y), "{x} {y}");
        }
        let (metres, width) = plane.bar();
        assert!(metres >= 1000.0 && width < SIZE.0 / 4.0, "{metres} {width}");
    }
}
