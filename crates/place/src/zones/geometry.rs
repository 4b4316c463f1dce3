//! Shapes of zones: whether a place lies in one, and how far from its edge.
//!
//! A ring is kept in degrees, its longitudes unrolled: an edge never jumps by more than half the earth. One that goes around a
//! pole is closed over that pole. Which way an edge runs between two corners is said by [`Edges`]; where a format does not say,
//! both ways are kept, and a place between them is uncertain.

use super::{
    geodesy::{self, Position, SHORTEST_DEGREE, Scale},
    ring::Ring,
};

/// How edges run between their corners.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edges {
    /// Straight on a map of degrees: GeoJSON (RFC 7946, 3.1.1) and what builds on it.
    Straight,
    /// The shortest way on the ellipsoid.
    Geodesic,
    /// The format does not say: either.
    Unsaid,
}

/// A shape with everything within `reach_m` of it: a circle is a point with reach.
#[derive(Clone, Debug)]
pub struct Shape {
    kind: Kind,
    reach_m: f64,
    /// West, south, east, north. West lies in −180 … 180, east may go on beyond it.
    bounds: [f64; 4],
}

#[derive(Clone, Debug)]
enum Kind {
    Point(Position),
    Line(Ring),
    Area { straight: Option<Rings>, geodesic: Option<Rings> },
}

/// An edge around, and its holes.
#[derive(Clone, Debug)]
struct Rings {
    outer: Ring,
    holes: Vec<Ring>,
}

/// Where a place lies to a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lies {
    /// Metres to the edge; negative within.
    pub margin_m: f64,
    /// Why one cannot say whether it is within, however far the edge.
    pub doubt: Option<Doubt>,
}

/// Why one cannot say whether a place is within a shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// It lies between the straight edge and the geodesic.
    Edges,
    /// The edge crosses itself around it.
    Crossed,
    /// A way runs along the edge for longer than it is followed closely.
    Long,
}

/// What is wrong with corners.
pub(super) type Wrong = &'static str;

impl Shape {
    /// A circle, or a mere point.
    pub fn circle(centre: Position, reach_m: f64) -> Result<Self, Wrong> {
        let centre = valid(centre)?;
        if !(0.0..=20_100_000.0).contains(&reach_m) {
            return Err("the radius is not between 0 and half the earth");
        }
        let bounds = around([centre[0], centre[1], centre[0], centre[1]], reach_m);
        Ok(Self { kind: Kind::Point(centre), reach_m, bounds })
    }

    /// A line with a reach to both sides.
    pub fn line(points: &[Position], reach_m: f64) -> Result<Self, Wrong> {
        let points = points.iter().copied().map(valid).collect::<Result<Vec<_>, _>>()?;
        let line = Ring::open(&points).ok_or("a line has less than two points")?;
        let bounds = around(line.bounds(), reach_m.max(0.0));
        Ok(Self { kind: Kind::Line(line), reach_m: reach_m.max(0.0), bounds })
    }

    /// An area: its edge, then its holes. `room` bounds the points that are added to follow geodesics; `Ok` says in words what had
    /// to be mended.
    pub fn area(
        rings: &[Vec<Position>],
        edges: Edges,
        room: &mut usize,
    ) -> Result<(Self, Option<Wrong>), Wrong> {
        let mut note = None;
        let mut valid_rings = Vec::with_capacity(rings.len());
        for ring in rings {
            valid_rings.push(ring.iter().copied().map(valid).collect::<Result<Vec<_>, _>>()?);
        }
        let (outer, holes) = valid_rings.split_first().ok_or("an area has no edge")?;
        let mut build = |follow: bool| -> Result<Rings, Wrong> {
            let mut one = |points: &Vec<Position>| -> Result<Ring, Wrong> {
                let (ring, mended) = Ring::closed(points, follow, room)?;
                note = note.or(mended);
                Ok(ring)
            };
            let outer = one(outer)?;
            // A hole that is none takes nothing away. One on the other side of 180° is unrolled as its edge is.
            let middle = |ring: &Ring| f64::midpoint(ring.bounds()[0], ring.bounds()[2]);
            let unrolled = |mut hole: Ring| {
                hole.shift(((middle(&outer) - middle(&hole)) / 360.0).round() * 360.0);
                hole
            };
            let holes = holes.iter().filter_map(|hole| one(hole).ok()).map(unrolled).collect();
            Ok(Rings { outer, holes })
        };
        let mut straight = Some(build(false)?);
        let mut geodesic = None;
        if edges != Edges::Straight && valid_rings.iter().any(|ring| bends(ring)) {
            let followed = build(true)?;
            // Where there was no room, straight edges stand for themselves.
            geodesic = Some(followed);
            if edges == Edges::Geodesic {
                straight = None;
            }
        }
        let bounds = [&straight, &geodesic].into_iter().flatten().map(|rings| rings.outer.bounds());
        let bounds = bounds.reduce(joined).ok_or("an area has no edge")?;
        Ok((Self { kind: Kind::Area { straight, geodesic }, reach_m: 0.0, bounds }, note))
    }

    /// West, south, east, north: a box that holds the shape. East may lie beyond 180.
    pub const fn bounds(&self) -> [f64; 4] {
        self.bounds
    }

    /// Where a place lies to it, its longitude in −180 … 180. `None`: outside, farther than `reach` metres from its edge.
    pub fn lies(&self, place: Position, reach: f64) -> Option<Lies> {
        let near = |margin_m: f64| (margin_m <= reach).then_some(Lies { margin_m, doubt: None });
        match &self.kind {
            Kind::Point(centre) => near(self.to_centre(*centre, place) - self.reach_m),
            Kind::Line(line) => {
                let most = reach + self.reach_m;
                let metres =
                    self.copies(place).map(|place| line.nearest(place, most)).fold(f64::INFINITY, f64::min);
                near(metres - self.reach_m)
            }
            Kind::Area { straight, geodesic } => {
                let to = |rings: &Rings| {
                    let copies = self.copies(place).filter_map(|place| rings.lies(place, reach));
                    copies.reduce(|one, other| if other.margin_m < one.margin_m { other } else { one })
                };
                match (straight.as_ref(), geodesic.as_ref()) {
                    (Some(rings), None) | (None, Some(rings)) => to(rings),
                    (None, None) => None,
                    (Some(straight), Some(geodesic)) => match (to(straight), to(geodesic)) {
                        (None, None) => None,
                        (Some(one), None) | (None, Some(one)) => {
                            let doubt = one.doubt.or((one.margin_m <= 0.0).then_some(Doubt::Edges));
                            Some(Lies { doubt, ..one })
                        }
                        (Some(one), Some(other)) => {
                            let apart = (one.margin_m <= 0.0) != (other.margin_m <= 0.0);
                            let doubt = one.doubt.or(other.doubt).or(apart.then_some(Doubt::Edges));
                            Some(Lies { margin_m: one.margin_m.min(other.margin_m), doubt })
                        }
                    },
                }
            }
        }
    }

    /// Corners to draw: lines of places, longitudes unrolled.
    pub fn outline(&self) -> Vec<Vec<Position>> {
        match &self.kind {
            Kind::Point(centre) => {
                use geographiclib_rs::{DirectGeodesic as _, Geodesic};
                let step = |at: u32| {
                    let (lat, lon): (f64, f64) =
                        Geodesic::wgs84().direct(centre[1], centre[0], f64::from(at) * 5.0, self.reach_m);
                    [lon + ((centre[0] - lon) / 360.0).round() * 360.0, lat]
                };
                vec![(0..=72).map(step).collect()]
            }
            Kind::Line(line) => vec![line.points().to_vec()],
            Kind::Area { straight, geodesic } => {
                let rings = straight.iter().chain(geodesic).next_back();
                let lines =
                    rings.into_iter().flat_map(|rings| std::iter::once(&rings.outer).chain(&rings.holes));
                lines.map(|ring| ring.points().to_vec()).collect()
            }
        }
    }

    /// How many corners a place is compared with, at most.
    pub(super) fn corners(&self) -> u64 {
        let corners = match &self.kind {
            Kind::Point(_) => 1,
            Kind::Line(line) => line.points().len(),
            Kind::Area { straight, geodesic } => straight
                .iter()
                .chain(geodesic)
                .flat_map(|rings| std::iter::once(&rings.outer).chain(&rings.holes))
                .map(|ring| ring.points().len())
                .sum(),
        };
        corners as u64
    }

    /// Edges along the meridian of 180°, west (−180) and east (180) of it: where both are, the shape was cut there.
    pub(super) fn along_180(&self) -> [bool; 2] {
        self.rings().fold([false; 2], |[west, east], ring| {
            let [more_west, more_east] = ring.along_180();
            [west || more_west, east || more_east]
        })
    }

    /// Says that edges along the meridian of 180° are cuts and no edges.
    pub(super) fn join_cuts(&mut self) {
        if let Kind::Area { straight, geodesic } = &mut self.kind {
            for rings in [straight, geodesic].into_iter().flatten() {
                std::iter::once(&mut rings.outer).chain(&mut rings.holes).for_each(Ring::join_cuts);
            }
        }
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        let all = match &self.kind {
            Kind::Area { straight, geodesic } => [straight.as_ref(), geodesic.as_ref()],
            Kind::Point(_) | Kind::Line(_) => [None, None],
        };
        all.into_iter().flatten().flat_map(|rings| std::iter::once(&rings.outer).chain(&rings.holes))
    }

    /// A place as often as it may lie in the unrolled box: more than once where that is wider than half the earth.
    fn copies(&self, place: Position) -> impl Iterator<Item = Position> + use<> {
        let [west, _, east, _] = self.bounds;
        let around = ((f64::midpoint(west, east) - place[0]) / 360.0).round() * 360.0;
        let nearest = place[0] + around;
        let others = if east - west > 180.0 { [-360.0, 360.0].as_slice() } else { &[] };
        std::iter::once(&0.0).chain(others).map(move |by| [nearest + by, place[1]])
    }

    /// Metres to the centre of a circle, exact where it matters.
    fn to_centre(&self, centre: Position, place: Position) -> f64 {
        let around = ((centre[0] - place[0]) / 360.0).round() * 360.0;
        let place = [place[0] + around, place[1]];
        if self.reach_m <= 20_000.0 && centre[1].abs() <= 80.0 {
            let scale = Scale::at(f64::midpoint(centre[1], place[1]));
            let flat = ((place[0] - centre[0]) * scale.east).hypot((place[1] - centre[1]) * scale.north);
            // The plane is good to a hundred thousandth here.
            if flat <= 50_000.0 && (flat - self.reach_m).abs() > 1.0 + flat * 1e-3 {
                return flat;
            }
        }
        geodesy::geodesic(centre, place)
    }
}

impl Rings {
    fn lies(&self, place: Position, reach: f64) -> Option<Lies> {
        let outer = self.outer.crossings(place);
        let (mut sure, mut possible) = (outer.is_odd(), outer.winds());
        for hole in &self.holes {
            if !(sure || possible) {
                break;
            }
            let crossings = hole.crossings(place);
            sure &= !crossings.winds();
            possible &= !(crossings.is_odd() && crossings.winds());
        }
        let doubt = (sure != possible).then_some(Doubt::Crossed);
        let within = sure || possible;
        let rings = std::iter::once(&self.outer).chain(&self.holes);
        let metres = rings.fold(if within { f64::INFINITY } else { reach.next_up() }, |most, ring| {
            ring.nearest(place, most).min(most)
        });
        if within {
            return Some(Lies { margin_m: -metres, doubt });
        }
        (metres <= reach).then_some(Lies { margin_m: metres, doubt })
    }
}

/// A place that is one, its longitude in −180 … 180.
fn valid([lon, lat]: Position) -> Result<Position, Wrong> {
    if !(lon.abs() <= 720.0 && lat.abs() <= 90.0) {
        return Err("a corner is no longitude and latitude in degrees");
    }
    Ok([if lon.abs() <= 180.0 { lon } else { (lon + 180.0).rem_euclid(360.0) - 180.0 }, lat])
}

/// Whether a geodesic between two neighbouring corners lies more than some centimetres from the straight edge.
fn bends(ring: &[Position]) -> bool {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges.into_iter().any(|([lon, lat], [to_lon, to_lat])| {
        let across = (to_lon - lon).abs();
        let across = across.min(360.0 - across);
        let scale = Scale::at(f64::midpoint(*lat, *to_lat));
        let metres = (across * scale.east).hypot((to_lat - lat) * scale.north);
        let lat = lat.abs().max(to_lat.abs()).min(89.999);
        metres * metres * lat.to_radians().tan() / (8.0 * 6_371_000.0) > 0.05
    })
}

fn joined(one: [f64; 4], other: [f64; 4]) -> [f64; 4] {
    [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
}

/// A box and everything within some metres of it.
fn around([west, south, east, north]: [f64; 4], metres: f64) -> [f64; 4] {
    let degrees = metres / SHORTEST_DEGREE * 1.001;
    let (south, north) = (south - degrees, north + degrees);
    let farthest = south.abs().max(north.abs());
    if farthest >= 89.9 {
        return [-180.0, south.max(-90.0), 180.0, north.min(90.0)];
    }
    // On a sphere a circle is widest at a latitude between its centre and the pole.
    let angle = degrees.to_radians();
    let cos = (south + degrees).abs().max((north - degrees).abs()).to_radians().cos();
    let by = (angle.sin() / cos).asin().to_degrees() * 1.01;
    if angle >= 1.5 || !by.is_finite() || east - west + 2.0 * by >= 360.0 {
        return [-180.0, south, 180.0, north];
    }
    let wrap = if west - by < -180.0 { 360.0 } else { 0.0 };
    [west - by + wrap, south, east + by + wrap, north]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_beyond_180_is_one_of_an_edge_before_it() {
        let ring = |west: f64, east: f64, south: f64, north: f64| {
            vec![[west, south], [east, south], [east, north], [west, north]]
        };
        let rings = [ring(177.0, -178.0, 0.0, 2.0), ring(-179.75, -179.25, 0.75, 1.25)];
        let (shape, _) = Shape::area(&rings, Edges::Straight, &mut 0).unwrap();
        for (lon, within) in [(-179.5, false), (-179.0, true), (178.0, true), (180.0, true), (-177.0, false)]
        {
            let lies = shape.lies([lon, 1.0], 1e6).unwrap();
            assert_eq!(lies.margin_m <= 0.0, within, "{lon}");
        }
        let [margin, other] = [-179.5, -179.0].map(|lon| shape.lies([lon, 1.0], 1e6).unwrap().margin_m);
        assert!((margin - 27_640.0).abs() < 100.0 && (other + 27_830.0).abs() < 100.0, "{margin} {other}");
    }
}
