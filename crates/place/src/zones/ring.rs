//! One edge around: is a place within, and how far is the edge.
//!
//! Edges stand in order; boxes around sixteen of them, and around sixteen boxes, make both questions cheap. A run of edges that
//! lies wholly to the east of a place is crossed by its ray as often, up to pairs, as its first and last corner say: so even ten
//! million corners that zigzag cost little.
#![expect(clippy::float_cmp, reason = "corners are the same where they are written the same")]

use super::geodesy::{self, Position, SHORTEST_DEGREE, Scale};

/// Edges in a box, and boxes in a box.
const RUN: usize = 16;

/// Corners in order, longitudes unrolled; of a closed ring the last is the first.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    points: Vec<Position>,
    /// Edges that are edges: those after were added to close it over a pole.
    real: usize,
    /// Whether edges along the meridian of 180° are cuts.
    cut: bool,
    /// Boxes of runs of edges, then boxes of those, up to a single one: west, south, east, north.
    levels: Vec<Vec<[f64; 4]>>,
}

/// How the ray to the east from a place meets a ring.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crossings {
    odd: bool,
    winding: i32,
}

impl Crossings {
    /// Within, by the even-odd rule.
    pub(super) const fn is_odd(self) -> bool {
        self.odd
    }

    /// Within, if every turn around it counts.
    pub(super) const fn winds(self) -> bool {
        self.winding != 0
    }

    /// An edge or a run of edges from one latitude to another, all to the east.
    fn meet(&mut self, from: f64, to: f64, lat: f64) {
        if (from > lat) != (to > lat) {
            self.odd = !self.odd;
            self.winding += if to > lat { 1 } else { -1 };
        }
    }
}

impl Ring {
    /// A ring of corners whose longitudes lie in −180 … 180, closed or not; its edges follow geodesics if `follow`. With it, what
    /// had to be mended.
    pub(super) fn closed(
        corners: &[Position],
        follow: bool,
        room: &mut usize,
    ) -> Result<(Self, Option<&'static str>), &'static str> {
        let mut note = None;
        let (Some(first), Some(last)) = (corners.first(), corners.last()) else {
            return Err("a ring has no corner");
        };
        let open =
            if first == last { corners.get(..corners.len() - 1) } else { Some(corners) }.unwrap_or_default();
        if first != last {
            note = Some("a ring is not closed");
        }
        if open.len() < 3 {
            return Err("a ring has less than three corners");
        }
        let mut points: Vec<Position> = Vec::with_capacity(open.len() + 4);
        let around = |at: usize| open.get(at % open.len()).copied().unwrap_or_default();
        points.push(around(0));
        for at in 1..=open.len() {
            let (before, written, corner) = (around(at + open.len() - 2), around(at - 1), around(at));
            let last = points.last().copied().unwrap_or_default();
            let whole = (corner[0] - written[0]).abs() == 360.0;
            let steps_over = is_inland(before[0], written[0]) || is_inland(around(at + 1)[0], corner[0]);
            let by = if whole && !steps_over { corner[0] - written[0] } else { step(written[0], corner[0]) };
            let next = [last[0] + by, corner[1]];
            if follow && by.abs() < 360.0 && !geodesy::follow(last, next, room, &mut points) {
                note = Some("its edges are too long to be followed as geodesics");
            }
            if next != last {
                points.push(next);
            }
        }
        let mut real = points.len() - 1;
        let turned = points.last().zip(points.first()).map_or(0.0, |(last, first)| last[0] - first[0]);
        if turned.abs() > 180.0 {
            // It goes around a pole: the one that its corners are nearer to.
            #[expect(clippy::cast_precision_loss, reason = "a mean")]
            let mean = points.iter().map(|[_, lat]| lat).sum::<f64>() / points.len() as f64;
            let pole = if mean < 0.0 { -90.0 } else { 90.0 };
            if turned.abs() > 540.0 {
                note = Some("a ring winds around the earth more than once");
            }
            if let (Some(last), Some(first)) = (points.last().copied(), points.first().copied()) {
                points.extend([[last[0], pole], [first[0], pole], first]);
            }
        } else if let (Some(first), Some(last)) = (points.first().copied(), points.last_mut()) {
            *last = first;
        }
        if points.len() < 4 {
            return Err("a ring has less than three different corners");
        }
        real = real.min(points.len() - 1);
        Ok((Self::over(points, real), note))
    }

    /// A line.
    pub(super) fn open(corners: &[Position]) -> Option<Self> {
        let mut points: Vec<Position> = Vec::with_capacity(corners.len());
        for corner in corners {
            let lon = points.last().map_or(corner[0], |last| last[0] + step(last[0], corner[0]));
            points.push([lon, corner[1]]);
        }
        let real = points.len().checked_sub(1).filter(|edges| *edges > 0)?;
        Some(Self::over(points, real))
    }

    fn over(mut points: Vec<Position>, real: usize) -> Self {
        // West of the ring is to lie in −180 … 180.
        let west = points.iter().map(|[lon, _]| *lon).fold(f64::INFINITY, f64::min);
        let by = -((west + 180.0) / 360.0).floor() * 360.0;
        if by != 0.0 {
            for [lon, _] in &mut points {
                *lon += by;
            }
        }
        let edges = points.len() - 1;
        let of_run =
            |at: usize| bounds(points.get(at * RUN..=(at * RUN + RUN).min(edges)).unwrap_or_default());
        let mut levels = vec![(0..edges.div_ceil(RUN)).map(of_run).collect::<Vec<_>>()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(RUN).map(|boxes| {
                boxes.iter().fold(EMPTY, |[west, south, east, north], one| {
                    [west.min(one[0]), south.min(one[1]), east.max(one[2]), north.max(one[3])]
                })
            });
            levels.push(above.collect());
        }
        Self { points, real, cut: false, levels }
    }

    /// Unrolls it anew: by so many degrees east.
    pub(super) fn shift(&mut self, by: f64) {
        if by != 0.0 {
            self.points.iter_mut().for_each(|[lon, _]| *lon += by);
            for [west, _, east, _] in self.levels.iter_mut().flatten() {
                *west += by;
                *east += by;
            }
        }
    }

    pub(super) fn bounds(&self) -> [f64; 4] {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or(EMPTY)
    }

    /// Corners that are corners.
    pub(super) fn points(&self) -> &[Position] {
        self.points.get(..=self.real).unwrap_or(&self.points)
    }

    /// Says that edges along the meridian of 180° are cuts.
    pub(super) const fn join_cuts(&mut self) {
        self.cut = true;
    }

    /// Edges along the meridian of 180°: with the ring to their east (written −180), and to their west (180).
    pub(super) fn along_180(&self) -> [bool; 2] {
        let [west, _, east, _] = self.bounds();
        let upright = |two: &&[Position]| matches!(two, [a, b] if a[0] == b[0] && is_180(a[0]));
        self.points().windows(2).filter(upright).fold([false; 2], |[on_west, on_east], two| {
            let lon = two.first().map_or(0.0, |point| point[0]);
            [on_west || lon == west, on_east || lon == east]
        })
    }

    /// How the ray to the east meets it; the longitude as it is unrolled here.
    pub(super) fn crossings(&self, place: Position) -> Crossings {
        let mut crossings = Crossings::default();
        let [west, south, east, north] = self.bounds();
        if place[0] >= west && place[0] <= east && place[1] >= south && place[1] <= north {
            self.cross(self.levels.len() - 1, 0, place, &mut crossings);
        }
        crossings
    }

    fn cross(&self, level: usize, at: usize, place: Position, crossings: &mut Crossings) {
        let Some([west, south, east, north]) = self.levels.get(level).and_then(|boxes| boxes.get(at)) else {
            return;
        };
        let [lon, lat] = place;
        if lat < *south || lat > *north || lon > *east {
            return;
        }
        let edges = self.points.len() - 1;
        let run = RUN.pow(u32::try_from(level).unwrap_or(0) + 1);
        let (start, end) = (at * run, (at * run + run).min(edges));
        if lon < *west {
            if let (Some(from), Some(to)) = (self.points.get(start), self.points.get(end)) {
                crossings.meet(from[1], to[1], lat);
            }
            return;
        }
        if level > 0 {
            for child in at * RUN..at * RUN + RUN {
                self.cross(level - 1, child, place, crossings);
            }
            return;
        }
        for two in self.points.get(start..=end).unwrap_or_default().windows(2) {
            if let [from, to] = two
                && (from[1] > lat) != (to[1] > lat)
                && from[0] + (to[0] - from[0]) * ((lat - from[1]) / (to[1] - from[1])) > lon
            {
                crossings.meet(from[1], to[1], lat);
            }
        }
    }

    /// Metres to the nearest edge; infinite if none is within `most`.
    pub(super) fn nearest(&self, place: Position, most: f64) -> f64 {
        let mut best = Nearest { at: place, scale: Scale::at(place[1]), metres: most, foot: None };
        if best.least(self.bounds()) < most {
            self.near(self.levels.len() - 1, 0, &mut best);
        }
        best.foot.map_or(f64::INFINITY, |foot| geodesy::metres(place, foot).min(best.metres))
    }

    fn near(&self, level: usize, at: usize, best: &mut Nearest) {
        if level == 0 {
            let last = (at * RUN + RUN).min(self.real);
            for two in self.points.get(at * RUN..=last).unwrap_or_default().windows(2) {
                if let [from, to] = two
                    && !self.is_seam(*from, *to)
                {
                    best.edge(*from, *to);
                }
            }
            return;
        }
        let Some(below) = self.levels.get(level - 1) else { return };
        let first = at * RUN;
        let boxes = below.get(first..(first + RUN).min(below.len())).unwrap_or_default();
        let mut order = [(f64::INFINITY, 0); RUN];
        for (slot, (child, bounds)) in order.iter_mut().zip(boxes.iter().enumerate()) {
            *slot = (best.least(*bounds), child);
        }
        let order = order.get_mut(..boxes.len()).unwrap_or_default();
        order.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        for (least, child) in order.iter() {
            if *least < best.metres {
                self.near(level - 1, first + child, best);
            }
        }
    }

    /// Edges that bound nothing: along a pole, and along a cut.
    fn is_seam(&self, from: Position, to: Position) -> bool {
        let pole = from[1] == to[1] && from[1].abs() == 90.0;
        pole || self.cut && from[0] == to[0] && is_180(from[0])
    }
}

/// The nearest place of edges so far.
struct Nearest {
    at: Position,
    scale: Scale,
    metres: f64,
    foot: Option<Position>,
}

impl Nearest {
    fn edge(&mut self, from: Position, to: Position) {
        let [lon, lat] = self.at;
        let foot = |scale: Scale| {
            let [x, y] = [(from[0] - lon) * scale.east, (from[1] - lat) * scale.north];
            let [dx, dy] = [(to[0] - from[0]) * scale.east, (to[1] - from[1]) * scale.north];
            let square = dx * dx + dy * dy;
            let along = if square > 0.0 { (-(x * dx + y * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
            (
                [from[0] + along * (to[0] - from[0]), from[1] + along * (to[1] - from[1])],
                (x + along * dx).hypot(y + along * dy),
            )
        };
        let (first, mut metres) = foot(self.scale);
        let mut found = first;
        // Far away the degrees between are those that count: by as much as a degree is shorter there.
        let off = (first[1] - lat).abs();
        if metres * (1.0 - (off * 0.1).min(1.0)) < self.metres && off > 0.001 {
            (found, metres) = foot(Scale::at(f64::midpoint(lat, first[1])));
        }
        if metres < self.metres {
            (self.metres, self.foot) = (metres, Some(found));
        }
    }

    /// Metres that a box is away at the least.
    fn least(&self, [west, south, east, north]: [f64; 4]) -> f64 {
        let [lon, lat] = self.at;
        let up = (south - lat).max(lat - north).max(0.0) * SHORTEST_DEGREE;
        let across = (west - lon).max(lon - east).max(0.0);
        if across == 0.0 {
            return up * 0.999;
        }
        let farthest = lat.abs().max(south.abs()).max(north.abs());
        // A degree of longitude is shorter towards the pole.
        (across * farthest.to_radians().cos().max(0.0) * 111_000.0).hypot(up) * 0.99
    }
}

const EMPTY: [f64; 4] = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];

fn bounds(points: &[Position]) -> [f64; 4] {
    points.iter().fold(EMPTY, |[west, south, east, north], [lon, lat]| {
        [west.min(*lon), south.min(*lat), east.max(*lon), north.max(*lat)]
    })
}

/// Degrees east from one longitude to another: by less than half the earth.
fn step(from: f64, to: f64) -> f64 {
    let by = to - from;
    by - (by / 360.0).round() * 360.0
}

/// Whether a corner lies beside the meridian of 180°, on the side from which another on it was written. If so, an edge from 180 to
/// −180 steps over it; if not, it runs all around the earth.
fn is_inland(lon: f64, of: f64) -> bool {
    lon.abs() < 180.0 && lon * of > 0.0
}

fn is_180(lon: f64) -> bool {
    (lon.abs() - 180.0) % 360.0 == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(corners: &[Position]) -> Ring {
        Ring::closed(corners, false, &mut 0).unwrap().0
    }

    fn within(ring: &Ring, lon: f64, lat: f64) -> bool {
        ring.crossings([lon, lat]).is_odd()
    }

    #[test]
    fn edges_from_180_to_minus_180_step_over_it_or_go_around() {
        // A cap written as a box of degrees, and a narrow box with the meridian written twice.
        let cap = ring(&[[-180.0, 60.0], [180.0, 60.0], [180.0, 90.0], [-180.0, 90.0]]);
        assert!(within(&cap, 0.0, 70.0) && within(&cap, 179.0, 61.0) && !within(&cap, 0.0, 59.0));
        let narrow = ring(&[
            [179.0, 0.0],
            [180.0, 0.0],
            [-180.0, 0.0],
            [-179.0, 0.0],
            [-179.0, 1.0],
            [-180.0, 1.0],
            [180.0, 1.0],
            [179.0, 1.0],
        ]);
        assert_eq!(narrow.bounds(), [179.0, 0.0, 181.0, 1.0]);
        assert!(within(&narrow, 180.5, 0.5) && !within(&narrow, 0.0, 0.5));
    }

    #[test]
    fn a_ring_around_a_pole_holds_it() {
        let south = ring(&[[0.0, -70.0], [90.0, -65.0], [180.0, -70.0], [-90.0, -65.0]]);
        assert!(within(&south, 10.0, -89.9) && within(&south, 200.0, -75.0) && !within(&south, 10.0, -60.0));
        // What was added to close it is no edge.
        assert!(south.nearest([0.0, -89.0], f64::INFINITY) > 2_000_000.0 * 0.9);
    }

    #[test]
    fn many_corners_are_as_one() {
        let corners: Vec<Position> = (0..100_000)
            .map(|at| {
                let (sin, cos) = (f64::from(at) * std::f64::consts::TAU / 100_000.0).sin_cos();
                [8.0 + cos, 47.0 + sin]
            })
            .collect();
        let round = ring(&corners);
        for (lon, lat) in [(8.0, 47.0), (8.7, 47.7), (8.72, 47.72), (7.0, 47.9), (8.999, 47.0)] {
            let far = f64::hypot(lon - 8.0, lat - 47.0);
            assert_eq!(within(&round, lon, lat), far < 1.0, "{lon} {lat}");
            let each =
                corners.iter().map(|corner| geodesy::geodesic([lon, lat], *corner)).fold(1e9, f64::min);
            assert!(
                (round.nearest([lon, lat], f64::INFINITY) - each).abs() < 4.0 + each * 1e-4,
                "{lon} {lat}: {each}"
            );
        }
    }
}
