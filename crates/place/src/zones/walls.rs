//! Bodies that are drawn by their walls: polygons that stand upright, of which only the foot is to be seen on the ground.
//!
//! Programs that draw airspace as bodies give floor, walls and roof, or the walls alone. Walls along the edge of a floor say nothing
//! new. Others that close enclose an area; what is enclosed by walls that meet in threes, or do not close, is not known.

use std::collections::{HashMap, HashSet};

use super::{
    Band, Edges, Position, Shape, Volume,
    read::{Found, Volumes, note},
};

/// Degrees by which corners of a straight wall may lie beside its foot, and ends of walls apart: a centimetre.
const NEAR: f64 = 1e-7;

/// A corner, as those of two walls are the same.
type Corner = [u64; 2];

/// The edge between two corners, whichever comes first.
type Edge = [Corner; 2];

/// Walls of one body, and the edges of its floors.
#[derive(Debug, Default)]
pub(super) struct Walls {
    feet: Vec<[Position; 2]>,
    edges: HashSet<Edge>,
}

impl Walls {
    /// Takes a polygon if it is a wall; else keeps in mind where its edges run.
    pub(super) fn take(&mut self, rings: &[Vec<Position>]) -> bool {
        if let [ring] = rings
            && let Some(feet) = feet(ring)
        {
            self.feet.extend(feet);
            return true;
        }
        self.edges.extend(rings.iter().flat_map(|ring| around(ring)).map(|[from, to]| edge(from, to)));
        false
    }

    /// Takes the walls that stand on a line.
    pub(super) fn line(&mut self, line: &[Position]) {
        self.feet.extend(steps(line.iter(), line.iter().skip(1)));
    }

    /// What the walls stand for: areas where they close, else lines and what is wrong with them.
    pub(super) fn volumes(
        mut self,
        found: &mut Found,
        band: Band,
        notes: &mut Vec<String>,
        volumes: &mut Volumes,
    ) {
        let edges = &mut self.edges;
        self.feet.retain(|[from, to]| edges.insert(edge(*from, *to)));
        let mut meets = Meets::default();
        for (number, foot) in self.feet.iter().enumerate() {
            for end in foot {
                meets.entry(corner(*end)).or_default().push(number);
            }
        }
        let count: HashMap<Corner, usize> = meets.iter().map(|(end, walls)| (*end, walls.len())).collect();
        let mut left = vec![true; self.feet.len()];
        for start in 0..self.feet.len() {
            let body = self.body(start, &mut meets, &mut left);
            let mut ends = body.iter().flatten().filter_map(|end| count.get(&corner(*end)));
            if body.is_empty() {
                continue;
            }
            if ends.clone().all(|walls| *walls == 2) {
                note(notes, "only its walls are given, and what they enclose is taken for it");
                let ring = body.iter().map(|[from, _]| *from).collect();
                volumes.push(found.area(&[ring], Edges::Unsaid, band, notes));
                continue;
            }
            if ends.any(|walls| *walls > 2) {
                let why = "its walls meet in threes, and what they enclose is not known: draw its floor";
                volumes.push(Err(why.to_owned()));
            }
            note(notes, "it has walls that enclose nothing and are taken for lines");
            for wall in &body {
                let line = Shape::line(wall, 0.0).map(|shape| Volume { shape, band });
                volumes.push(line.map_err(str::to_owned));
            }
        }
    }

    /// The walls that hang together with one, each once. Where each meets two others they stand in order, and each begins where the
    /// one before ends.
    fn body(&self, start: usize, meets: &mut Meets, left: &mut [bool]) -> Vec<[Position; 2]> {
        let mut body = Vec::new();
        let mut next = vec![(start, None)];
        while let Some((number, from)) = next.pop() {
            let Some(is_left) = left.get_mut(number).filter(|is_left| **is_left) else { continue };
            *is_left = false;
            let Some([one, other]) = self.feet.get(number).copied() else { continue };
            let foot = if from == Some(corner(other)) { [other, one] } else { [one, other] };
            body.push(foot);
            for end in foot.map(corner) {
                let walls = meets.remove(&end).unwrap_or_default();
                next.extend(walls.into_iter().map(|wall| (wall, Some(end))));
            }
        }
        body
    }
}

/// The walls that meet at each corner.
type Meets = HashMap<Corner, Vec<usize>>;

/// The feet of a wall, if a ring stands upright: each edge is gone along there and back, or all corners lie on a straight line.
fn feet(ring: &[Position]) -> Option<Vec<[Position; 2]>> {
    let mut times: HashMap<Edge, (usize, [Position; 2])> = HashMap::new();
    let mut order = Vec::new();
    for [from, to] in around(ring) {
        let edge = edge(from, to);
        times
            .entry(edge)
            .or_insert_with(|| {
                order.push(edge);
                (0, [from, to])
            })
            .0 += 1;
    }
    if !order.is_empty() && times.values().all(|(count, _)| count % 2 == 0) {
        return Some(order.iter().filter_map(|edge| times.get(edge)).map(|(_, foot)| *foot).collect());
    }
    let farthest = |from: Position| {
        let square = |place: &&Position| (place[0] - from[0]).powi(2) + (place[1] - from[1]).powi(2);
        ring.iter().max_by(|one, other| square(one).total_cmp(&square(other))).copied()
    };
    let from = farthest(*ring.first()?)?;
    let to = farthest(from)?;
    let [x, y] = [to[0] - from[0], to[1] - from[1]];
    let length = x.hypot(y);
    let beside = |place: &Position| ((place[0] - from[0]) * y - (place[1] - from[1]) * x).abs();
    // One that runs along a parallel around the earth encloses a pole.
    let is_straight =
        length > NEAR && x.abs() <= 180.0 && ring.iter().all(|place| beside(place) <= NEAR * length);
    is_straight.then(|| vec![[from, to]])
}

/// The edges of a ring.
fn around(ring: &[Position]) -> impl Iterator<Item = [Position; 2]> {
    steps(ring.iter(), ring.iter().skip(1).chain(ring.first()))
}

/// From each place to its next, without those that are one.
fn steps<'a>(
    from: impl Iterator<Item = &'a Position>,
    to: impl Iterator<Item = &'a Position>,
) -> impl Iterator<Item = [Position; 2]> {
    from.zip(to).map(|(from, to)| [*from, *to]).filter(|[from, to]| corner(*from) != corner(*to))
}

/// Adding nothing makes of the two zeros one.
fn corner(place: Position) -> Corner {
    place.map(|degrees| ((degrees / NEAR).round() + 0.0).to_bits())
}

fn edge(from: Position, to: Position) -> Edge {
    let mut edge = [corner(from), corner(to)];
    edge.sort_unstable();
    edge
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_that_stands_upright_is_a_wall() {
        let (a, b, c) = ([8.0, 47.0], [8.01, 47.0], [8.01, 47.01]);
        for (ring, walls) in [
            (vec![a, b, b, a, a], Some(1)),
            (vec![a, b, b], Some(1)),
            // Its top has a corner more than its foot.
            (vec![a, b, b, [8.004, 47.0], a], Some(1)),
            (vec![a, b, c, c, b, a], Some(2)),
            (vec![a, b, c, a], None),
            (vec![a], None),
            (vec![[-180.0, 80.0], [-60.0, 80.0], [60.0, 80.0], [180.0, 80.0]], None),
        ] {
            assert_eq!(feet(&ring).map(|feet| feet.len()), walls, "{ring:?}");
        }
    }

    #[test]
    fn very_many_walls_at_one_corner_are_gone_through_once() {
        let mut walls = Walls::default();
        for number in 0..200_000_u32 {
            walls.line(&[[8.0, 47.0], [9.0, 40.0 + f64::from(number) * 1e-6]]);
        }
        let (mut notes, mut volumes) = (Vec::new(), Volumes::default());
        walls.volumes(&mut Found::default(), Band::default(), &mut notes, &mut volumes);
        assert!(!volumes.is_whole() && notes.len() == 1, "{notes:?}");
    }
}
