//! Protected places: which of them somebody was at, or a camera looked at.
//!
//! Distances of a few kilometres are measured on a plane that touches the earth at the place in question (a sphere of
//! 6 371 km): within 20 km the error is below a tenth of a percent. A site is a point, lines, or areas, with a buffer around.

mod read;
mod sector;
mod seen;
mod tall;
mod view;

use std::collections::{BTreeMap, HashMap};

use creance_model::DEGREE_M;

pub use read::read;
pub use seen::{Seen, seen, views};
pub use view::View;
use view::{FARTHEST, Footprint, Reach};

/// A protected place.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its sector: one of the sixteen of CISA or law enforcement by its name, where the register's word for it is known; else
    /// that word.
    pub sector: Option<String>,
    /// Metres around it that count as it.
    pub buffer_m: f64,
    /// Metres that it stands above the ground: what a camera sees of it begins above its foot.
    pub height_m: f64,
    /// Its shape: parts, each a point, a line, or a ring.
    pub parts: Vec<Part>,
}

/// A part of the shape of a site, in degrees north and east.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A point.
    Point([f64; 2]),
    /// A line.
    Line(Vec<[f64; 2]>),
    /// An area: its edge, and then its holes. Edges are straight on a map of degrees.
    Area(Vec<Vec<[f64; 2]>>),
}

/// How a site was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// It was there: within the site or its buffer; metres to its edge, 0 within.
    Near(f64),
    /// A camera looked at it; metres from where it stood.
    LookedAt(f64),
}

/// Sites, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    all: Vec<Site>,
    /// Sites by the cells of a grid of a twentieth of a degree that they and their buffers touch.
    cells: HashMap<(i32, i32), Vec<u32>>,
    /// Sites that touch very many cells.
    large: Vec<u32>,
    /// A circle around each site with its buffer.
    circles: Vec<Circle>,
    /// Metres that the tallest stands above the ground.
    tallest_m: f64,
    /// What could not be read of their register.
    flaws: Vec<String>,
}

/// A circle on the earth, around a site: what does not reach it does not reach the site.
#[derive(Clone, Copy, Debug)]
struct Circle {
    centre: [f64; 2],
    /// Metres; infinite for sites so large, or so near a pole, that distances on a plane do not hold for them.
    radius: f64,
}

impl Circle {
    fn around([south, west, north, east]: [f64; 4], buffer_m: f64) -> Self {
        let centre = [f64::midpoint(south, north), f64::midpoint(west, east)];
        let most = south.abs().max(north.abs());
        // The longest degree of longitude is the one nearest to the equator.
        let least = if south < 0.0 && north > 0.0 { 0.0 } else { south.abs().min(north.abs()) };
        let across = [(north - south) * DEGREE_M, (east - west) * DEGREE_M * least.to_radians().cos()];
        // Of the length of a degree that differs between the planes of a camera and of the centre a hundredth is more than enough.
        let radius = 1.0 + length(across) / 2.0 * 1.01 + buffer_m;
        let fits = most < 80.0 && radius < FARTHEST;
        Self { centre, radius: if fits { radius } else { f64::INFINITY } }
    }
}

/// Sites around the place that a camera looked from last: those of the cells as far as it sees.
#[derive(Debug, Default)]
struct Around {
    cells: Option<[std::ops::RangeInclusive<i32>; 2]>,
    numbers: Vec<u32>,
}

/// What the footprint for a site that stands above the ground is taken to cost, in comparisons.
const TALL: u64 = 2_000;

/// Cells of a degree.
const CELLS: f64 = 20.0;

/// Degrees north or south beyond which meridians run together: a plane about the pole measures there, and sites are looked at for
/// each place.
const POLAR: f64 = 88.0;

/// Cells of one site, beyond which it is looked at for each place.
const MOST_CELLS: i64 = 10_000;

impl Sites {
    /// These sites.
    pub fn new(all: Vec<Site>) -> Self {
        let mut sites = Self { all, ..Self::default() };
        for (number, site) in (0_u32..).zip(&sites.all) {
            let [south, west, north, east] = bounds(site);
            sites.tallest_m = sites.tallest_m.max(site.height_m);
            sites.circles.push(Circle::around([south, west, north, east], site.buffer_m));
            let lat_by = site.buffer_m / DEGREE_M;
            let lon_by = lat_by / south.abs().max(north.abs()).min(89.0).to_radians().cos();
            let rows = cell(south - lat_by)..=cell(north + lat_by);
            let columns = cell(west - lon_by)..=cell(east + lon_by);
            let count = |range: &std::ops::RangeInclusive<i32>| {
                i64::from(*range.end()) - i64::from(*range.start()) + 1
            };
            let is_polar = south.abs().max(north.abs()) + lat_by > POLAR;
            if is_polar || count(&rows) * count(&columns) > MOST_CELLS {
                sites.large.push(number);
                continue;
            }
            for row in rows {
                for column in columns.clone() {
                    sites.cells.entry((row, wrapped(column))).or_default().push(number);
                }
            }
        }
        sites
    }

    /// All of them.
    pub fn all(&self) -> &[Site] {
        &self.all
    }

    /// What could not be read of the register that they come from: one entry each.
    pub fn flaws(&self) -> &[String] {
        &self.flaws
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Sectors of the register that are none of the sixteen of CISA nor law enforcement, with how many sites have each.
    pub fn strange_sectors(&self) -> BTreeMap<&str, usize> {
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for sector in self.all.iter().filter_map(|site| site.sector.as_deref()) {
            *all.entry(sector).or_default() += 1;
        }
        all.retain(|sector, _| !sector::is_known(sector));
        all
    }

    /// The sites in whose shape or buffer a place lies, with the metres to their edge.
    pub fn near(&self, lat: f64, lon: f64) -> Vec<(&Site, How)> {
        self.compared(lat, lon, &mut 0)
    }

    /// The same, adding to `compared` how many corners the place was compared with.
    fn compared(&self, lat: f64, lon: f64, compared: &mut u64) -> Vec<(&Site, How)> {
        let numbers = self.candidates(cell(lat)..=cell(lat), cell(lon)..=cell(lon));
        *compared += numbers.len() as u64;
        let mut near = |site: &Site| {
            *compared += site.corners();
            Some(site.distance(lat, lon)).filter(|metres| *metres <= site.buffer_m)
        };
        let reached = self.reached(&numbers, lat, lon, 0.0);
        reached.filter_map(|(site, ..)| Some((site, How::Near(near(site)?)))).collect()
    }

    /// The sites that a camera looked at, with the metres from it to them: those that stand, with their buffer, in what its
    /// picture shows, were the ground flat and level and nothing before them, up to 5 km away.
    pub fn looked_at(&self, view: &View) -> Vec<(&Site, How)> {
        self.shown(view, &mut Around::default(), &mut 0)
    }

    /// The same, adding to `compared` what it cost: sites that may lie there, and each corner of those with each edge of what is
    /// seen. `around`: the sites around the last view, which are those around this one if it is of about the same place.
    fn shown(&self, view: &View, around: &mut Around, compared: &mut u64) -> Vec<(&Site, How)> {
        let lat_by = FARTHEST / DEGREE_M;
        let lon_by = lat_by / view.lat.abs().min(89.0).to_radians().cos();
        let rows = cell(view.lat - lat_by)..=cell(view.lat + lat_by);
        let columns = cell(view.lon - lon_by)..=cell(view.lon + lon_by);
        let cells = Some([rows.clone(), columns.clone()]);
        if around.cells != cells {
            *around = Around { cells, numbers: self.candidates(rows, columns) };
        }
        *compared += around.numbers.len() as u64;
        let mut reached = self.reached(&around.numbers, view.lat, view.lon, FARTHEST).peekable();
        if reached.peek().is_none() {
            return Vec::new();
        }
        let ground = view.footprint();
        let (mut highest, mut tall) = (None, None);
        let mut shown = |site: &Site, centre, radius| {
            let mut footprint = &ground;
            if site.height_m > 0.0 {
                // What is out of reach of the tallest is out of reach.
                let highest = highest.get_or_insert_with(|| view.footprint_up_to(self.tallest_m));
                if highest.reach(centre, radius) == Reach::None {
                    return None;
                }
                *compared += TALL;
                footprint = tall.insert(view.footprint_up_to(site.height_m));
            }
            let is_shown = match footprint.reach(centre, radius) {
                Reach::None => false,
                Reach::Whole => true,
                Reach::Perhaps => {
                    *compared += site.corners() * footprint.len();
                    site.is_shown(view, footprint)
                }
            };
            is_shown.then(|| {
                *compared += site.corners();
                How::LookedAt(site.distance(view.lat, view.lon))
            })
        };
        reached.filter_map(|(site, centre, radius)| Some((site, shown(site, centre, radius)?))).collect()
    }

    /// Of these sites those whose circle comes within some metres of a place; with where its centre lies from there, and its radius.
    fn reached<'s>(
        &'s self,
        numbers: &[u32],
        lat: f64,
        lon: f64,
        metres: f64,
    ) -> impl Iterator<Item = (&'s Site, [f64; 2], f64)> {
        numbers.iter().filter_map(move |number| {
            let Circle { centre, radius } = *self.circles.get(*number as usize)?;
            // On the plane about a pole, what lies around the other one lies around everything.
            if lat.abs() > POLAR && centre[0] * lat < 0.0 {
                return None;
            }
            // Whoever is too far north or south need not be measured.
            if (centre[0] - lat).abs() * DEGREE_M > metres + radius {
                return None;
            }
            let centre = plane(lat, lon, centre);
            let site = self.all.get(*number as usize)?;
            (length(centre) <= metres + radius).then_some((site, centre, radius))
        })
    }

    fn candidates(
        &self,
        rows: std::ops::RangeInclusive<i32>,
        columns: std::ops::RangeInclusive<i32>,
    ) -> Vec<u32> {
        let cells = rows.flat_map(|row| columns.clone().map(move |column| (row, wrapped(column))));
        let mut numbers: Vec<u32> =
            cells.filter_map(|cell| self.cells.get(&cell)).flatten().copied().collect();
        numbers.extend(&self.large);
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees times twenty, bounded first")]
fn cell(degrees: f64) -> i32 {
    (degrees.clamp(-720.0, 720.0) * CELLS).floor() as i32
}

/// Columns go around the earth.
const fn wrapped(column: i32) -> i32 {
    column.rem_euclid(7200)
}

/// South, west, north, east of all parts.
fn bounds(site: &Site) -> [f64; 4] {
    let mut bounds = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let mut add = |[lat, lon]: &[f64; 2]| {
        let [south, west, north, east] = bounds;
        bounds = [south.min(*lat), west.min(*lon), north.max(*lat), east.max(*lon)];
    };
    for part in &site.parts {
        match part {
            Part::Point(point) => add(point),
            Part::Line(line) => line.iter().for_each(&mut add),
            Part::Area(rings) => rings.iter().flatten().for_each(&mut add),
        }
    }
    bounds
}

impl Site {
    /// Corners of all its parts.
    fn corners(&self) -> u64 {
        let of = |part: &Part| match part {
            Part::Point(_) => 1,
            Part::Line(line) => line.len(),
            Part::Area(rings) => rings.iter().map(Vec::len).sum(),
        };
        self.parts.iter().map(of).sum::<usize>() as u64
    }

    /// Metres from a place to this site, 0 within.
    pub fn distance(&self, lat: f64, lon: f64) -> f64 {
        self.nearest(lat, lon).map_or(f64::INFINITY, |[east, north]| east.hypot(north))
    }

    /// Where the nearest point of the site lies, in metres east and north of a place; the place itself where it lies within.
    fn nearest(&self, lat: f64, lon: f64) -> Option<[f64; 2]> {
        let plane = |point: &[f64; 2]| plane(lat, lon, *point);
        let candidates = self.parts.iter().filter_map(|part| match part {
            Part::Point(point) => Some(plane(point)),
            Part::Line(line) => nearest_of_line(&line.iter().map(plane).collect::<Vec<_>>()),
            Part::Area(rings) => {
                let rings: Vec<Vec<[f64; 2]>> =
                    rings.iter().map(|ring| ring.iter().map(plane).collect()).collect();
                if is_within(&rings) {
                    return Some([0.0, 0.0]);
                }
                let edges = rings.iter().filter_map(|ring| nearest_of_line(&closed(ring)));
                edges.min_by(|one, other| length(*one).total_cmp(&length(*other)))
            }
        });
        candidates.min_by(|one, other| length(*one).total_cmp(&length(*other)))
    }

    /// Whether what a camera sees reaches the site or its buffer.
    fn is_shown(&self, view: &View, footprint: &Footprint) -> bool {
        let plane = |point: &[f64; 2]| plane(view.lat, view.lon, *point);
        let on_plane = |line: &Vec<[f64; 2]>| line.iter().map(plane).collect::<Vec<_>>();
        self.parts.iter().any(|part| {
            let apart = match part {
                Part::Point(point) => footprint.to_point(plane(point)),
                Part::Line(line) => footprint.to_line(&on_plane(line)),
                Part::Area(rings) => footprint.to_area(&rings.iter().map(on_plane).collect::<Vec<_>>()),
            };
            apart <= self.buffer_m
        })
    }
}

/// Metres east and north of a place on the plane that touches the earth there, or near the pole.
fn plane(lat: f64, lon: f64, [to_lat, to_lon]: [f64; 2]) -> [f64; 2] {
    if lat.abs() > POLAR {
        let pole = 90_f64.copysign(lat);
        let (from, to) = ((pole - lat).abs(), (pole - to_lat).abs());
        let (sin, cos) = (to_lon - lon).to_radians().sin_cos();
        return [to * sin * DEGREE_M, (from - to * cos) * lat.signum() * DEGREE_M];
    }
    let around = ((to_lon - lon) / 360.0).round() * 360.0;
    let east = (to_lon - lon - around) * f64::midpoint(lat, to_lat).to_radians().cos();
    [east * DEGREE_M, (to_lat - lat) * DEGREE_M]
}

fn length([east, north]: [f64; 2]) -> f64 {
    east.hypot(north)
}

fn closed(ring: &[[f64; 2]]) -> Vec<[f64; 2]> {
    ring.iter().chain(ring.first()).copied().collect()
}

/// The point of a line that is nearest to 0, 0.
fn nearest_of_line(line: &[[f64; 2]]) -> Option<[f64; 2]> {
    let legs = line.windows(2).filter_map(|leg| {
        let ([from, to], [x, y]) = (<[[f64; 2]; 2]>::try_from(leg).ok()?, *leg.first()?);
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let square = dx * dx + dy * dy;
        let along = if square > 0.0 { (-(x * dx + y * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
        Some([x + along * dx, y + along * dy])
    });
    let nearest = legs.min_by(|one, other| length(*one).total_cmp(&length(*other)));
    nearest.or_else(|| line.first().copied())
}

/// Whether 0, 0 lies in an area: within its edge and no hole, by the even-odd rule.
fn is_within(rings: &[Vec<[f64; 2]>]) -> bool {
    let crossings = rings.iter().map(|ring| {
        let ring = closed(ring);
        let crosses = |leg: &&[[f64; 2]]| match leg {
            [[x, y], [to_x, to_y]] => (*y > 0.0) != (*to_y > 0.0) && x + (to_x - x) * (-y) / (to_y - y) > 0.0,
            _ => false,
        };
        ring.windows(2).filter(crosses).count()
    });
    crossings.sum::<usize>() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, buffer_m: f64, parts: Vec<Part>) -> Site {
        Site { name: name.to_owned(), sector: None, buffer_m, height_m: 0.0, parts }
    }

    fn sites() -> Sites {
        let square = vec![[47.0, 8.0], [47.0, 8.01], [47.01, 8.01], [47.01, 8.0]];
        let hole = vec![[47.004, 8.004], [47.004, 8.006], [47.006, 8.006], [47.006, 8.004]];
        Sites::new(vec![
            site("mast", 100.0, vec![Part::Point([47.1, 8.1])]),
            site("works", 50.0, vec![Part::Area(vec![square, hole])]),
            site("bridge", 30.0, vec![Part::Line(vec![[47.2, 8.2], [47.2, 8.3]])]),
            site("strait", 100.0, vec![Part::Point([0.0, 179.9995])]),
        ])
    }

    fn names(found: &[(&Site, How)]) -> Vec<String> {
        found.iter().map(|(site, _)| site.name.clone()).collect()
    }

    #[test]
    fn points_lines_areas_and_holes_are_near_within_their_buffer() {
        let sites = sites();
        for (lat, lon, expected) in [
            (47.1008, 8.1, &["mast"][..]),
            (47.101, 8.1, &[]),
            (47.001, 8.001, &["works"]),
            // In the middle of the hole, 77 m and more from its edge.
            (47.005, 8.005, &[]),
            (46.9996, 8.005, &["works"]),
            (47.2002, 8.25, &["bridge"]),
            (0.0, -179.9998, &["strait"]),
        ] {
            assert_eq!(names(&sites.near(lat, lon)), expected, "{lat} {lon}");
        }
    }

    #[test]
    fn at_the_poles_all_meridians_are_near() {
        let square = vec![[-89.999, 0.0], [-89.999, 90.0], [-89.999, 180.0], [-89.999, -90.0]];
        let sites = Sites::new(vec![
            site("hut", 100.0, vec![Part::Point([89.9996, 10.0])]),
            site("station", 50.0, vec![Part::Area(vec![square])]),
        ]);
        for (lat, lon, expected) in [
            // On the other side of the pole, 78 m and 111 m away; a quarter around it, 63 m.
            (89.9997, -170.0, &["hut"][..]),
            (89.9994, -170.0, &[]),
            (89.9996, 100.0, &["hut"]),
            (90.0, 77.0, &["hut"]),
            (-89.9995, 45.0, &["station"]),
            (-90.0, 0.0, &["station"]),
            (-89.998, 0.0, &[]),
        ] {
            assert_eq!(names(&sites.near(lat, lon)), expected, "{lat} {lon}");
        }
        let metres = sites.all()[0].distance(89.9997, -170.0);
        assert!((metres - 0.0007 * DEGREE_M).abs() < 0.01, "{metres}");
        // A camera 300 m south of the pole, on the other side of it, that looks north.
        let view = View {
            lat: 89.9973,
            lon: -170.0,
            height_m: 100.0,
            yaw: 0.0,
            pitch: -17.0,
            roll: 0.0,
            width: 70.0,
            height: 50.0,
        };
        assert_eq!(names(&sites.looked_at(&view)), ["hut"]);
        assert!(sites.looked_at(&View { yaw: 180.0, ..view }).is_empty());
    }

    #[test]
    fn a_camera_sees_what_lies_before_it() {
        let sites = sites();
        let view = |yaw, pitch| View {
            lat: 47.096,
            lon: 8.1,
            height_m: 100.0,
            yaw,
            pitch,
            roll: 0.0,
            width: 70.0,
            height: 50.0,
        };
        // The mast stands 445 m to the north: 13° below the horizon.
        assert_eq!(names(&sites.looked_at(&view(0.0, -15.0))), ["mast"]);
        assert_eq!(names(&sites.looked_at(&view(30.0, -15.0))), ["mast"]);
        assert!(sites.looked_at(&view(180.0, -15.0)).is_empty());
        assert!(sites.looked_at(&view(0.0, -80.0)).is_empty());
        let above = View { lat: 47.1, ..view(90.0, -90.0) };
        assert_eq!(names(&sites.looked_at(&above)), ["mast"]);
    }
}
