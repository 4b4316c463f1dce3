//! Zones of airspace: is a place inside one, outside, or uncertain, and by how many metres.
//!
//! ```text
//! file ─▶ read (format by content) ─▶ Zone: volumes (shape × heights) × periods
//!                                       │
//! place, time, height ─▶ Zones::check ──┴─▶ Verdict: inside | uncertain, margin, why
//! ```
//!
//! A zone holds where its shape, its heights and its periods do. Each says yes, no, or unknown: one no is outside, all yes is
//! inside, and everything else is uncertain, which whoever is careful takes for inside. What is wrong in a zone never makes it
//! smaller: it is kept, marked, and taken to hold.

mod aixm;
mod applicability;
mod autel;
mod dji;
mod ed269;
mod ed318;
mod faa;
mod faa_table;
mod geodesy;
mod geojson;
mod geometry;
mod heights;
mod kml;
mod leg;
mod list;
mod openair;
mod read;
mod ring;
mod seen;
mod sua;
mod sun;
mod tfr;
mod timesheet;
mod verdict;
mod walls;
mod way;
mod when;
mod xml;

use std::fmt;

use creance_model::Timestamp;
use static_aabb2d_index::{StaticAABB2DIndex, StaticAABB2DIndexBuilder};

pub use geodesy::Position;
pub(crate) use geojson::refuse_other_systems;
pub use geometry::{Doubt, Edges, Lies, Shape};
pub use heights::{Band, Datum, Height, Limit};
pub use leg::{Leg, WORK};
pub use list::{LIST_HEAD, LONGEST_LIST, inspect, may_list};
pub use read::read;
pub use seen::{ACCURACY_M, Seen, seen};
pub use sun::Event;
pub use verdict::{Answer, Verdict, day, elapsed};
pub use way::legs;
pub use when::{ALL_DAYS, Hours, Mark, Moment, Period};

use geodesy::{SHORTEST_DEGREE, Scale};

/// What a zone asks of who flies in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Restriction {
    /// No flight.
    Prohibited,
    /// None without an authorisation.
    Authorisation,
    /// Under conditions.
    Conditional,
    /// Nothing: the zone frees from what holds around it.
    None,
    /// U-space: its services must be used.
    USpace,
    /// A class or type of airspace, or whatever the file calls it.
    Other(String),
    /// It does not say.
    #[default]
    Unsaid,
}

/// A zone.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// By what it is known: its identifier, or its name, or its place in the file.
    pub id: String,
    /// What it is called.
    pub name: Option<String>,
    /// Its country, as the file writes it.
    pub country: Option<String>,
    /// What it asks.
    pub restriction: Restriction,
    /// What it says to who flies there: a message, conditions, a ceiling up to which authorisation is automatic.
    pub says: Option<String>,
    /// Where it holds: any of these.
    pub volumes: Vec<Volume>,
    /// When it holds: any of these; none: always.
    pub periods: Vec<Period>,
    /// When it was last changed, if that is said of this zone.
    pub updated: Option<Timestamp>,
    /// What is wrong with it. It is taken to hold all the more.
    pub degraded: Vec<String>,
    /// The number of its file in [`Zones::sources`].
    pub source: usize,
}

/// A shape and the heights at which it holds.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Where.
    pub shape: Shape,
    /// How high.
    pub band: Band,
}

/// A file of zones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// Its name.
    pub file: String,
    /// Its format.
    pub format: &'static str,
    /// When its data was issued, if it says so.
    pub issued: Option<Timestamp>,
    /// Until when it is valid, if it says so.
    pub valid_to: Option<Timestamp>,
    /// What could not be read as a zone: one entry each.
    pub flaws: Vec<String>,
}

/// A place to be checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// When; without it zones that do not always hold are uncertain.
    pub time: Option<Timestamp>,
    /// How high; without it zones with limits are uncertain.
    pub height: Option<Height>,
    /// Metres within which the place is known.
    pub accuracy_m: f64,
}

/// Yes, no, or it cannot be said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sure {
    Yes,
    No,
    Unknown,
}

impl Sure {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    const fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// Zones, ready to be asked.
#[derive(Default)]
pub struct Zones {
    all: Vec<Zone>,
    sources: Vec<Source>,
    /// Boxes of degrees; `None`: there are none.
    index: Option<StaticAABB2DIndex<f64>>,
    /// Zone and volume of each box.
    entries: Vec<(u32, u32)>,
}

impl fmt::Debug for Zones {
    /// Their number: there may be a hundred thousand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zones").field("zones", &self.all.len()).finish_non_exhaustive()
    }
}

/// How far the nearest zone is looked for, in metres: from here, twice as far each time, to there.
const NEAREST: [f64; 2] = [500.0, 1_024_000.0];

impl Zones {
    /// The zones of files.
    pub fn new(files: impl IntoIterator<Item = (Source, Vec<Zone>)>) -> Self {
        let (mut sources, mut zones) = (Vec::new(), Vec::new());
        for (source, of_file) in files {
            let number = sources.len();
            sources.push(source);
            zones.extend(of_file.into_iter().map(|zone| Zone { source: number, ..zone }));
        }
        zones.iter_mut().for_each(join_cuts);
        let (mut entries, mut boxes) = (Vec::new(), Vec::new());
        for (zone, of) in (0_u32..).zip(&zones) {
            for (volume, of) in (0_u32..).zip(&of.volumes) {
                let [west, south, east, north] = of.shape.bounds();
                for by in [0.0, -360.0] {
                    // What goes on beyond 180° stands twice.
                    if by == 0.0 || east > 180.0 {
                        boxes.push([west + by, south, east + by, north]);
                        entries.push((zone, volume));
                    }
                }
            }
        }
        let mut index = StaticAABB2DIndexBuilder::new(boxes.len());
        for [west, south, east, north] in boxes {
            index.add(west, south, east, north);
        }
        Self { all: zones, sources, index: index.build().ok(), entries }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn all(&self) -> &[Zone] {
        &self.all
    }

    /// The files they are from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The zones that a place is inside of, or may be, in the order of the files.
    pub fn check(&self, place: &Place) -> Vec<Verdict<'_>> {
        let reach = place.accuracy_m.max(0.0);
        let mut found: Vec<Verdict<'_>> = Vec::new();
        self.visit(place, reach, |zone, _, volume, here| {
            let verdict = volume.shape.lies(here, reach).map(|lies| self.verdict(place, zone, volume, lies));
            found.extend(verdict.filter(|verdict| verdict.answer() != Answer::Outside));
        });
        // Of each zone the volume that is the most likely to hold it.
        let order = |one: &Verdict<'_>| std::ptr::from_ref(one.zone);
        found.sort_by(|one, other| order(one).cmp(&order(other)).then_with(|| one.order(other)));
        found.dedup_by_key(|verdict| order(verdict));
        found
    }

    /// What it costs to check a place: the corners of all volumes whose box it lies in.
    fn cost(&self, place: &Place) -> u64 {
        let mut corners = 0;
        self.visit(place, place.accuracy_m.max(0.0), |_, _, volume, _| corners += volume.shape.corners());
        corners
    }

    /// The nearest zone that holds at that time, and how a place lies to it: for places that [`Self::check`] finds outside of all.
    /// `None`: there is none within a thousand kilometres.
    pub fn nearest(&self, place: &Place) -> Option<Verdict<'_>> {
        let [mut reach, most] = NEAREST;
        loop {
            let (mut nearest, mut least) = (None, reach);
            self.visit(place, reach, |zone, _, volume, here| {
                let Some(lies) = volume.shape.lies(here, least) else { return };
                let verdict = self.verdict(place, zone, volume, lies);
                if verdict.holds_then() && verdict.margin_m() <= least {
                    least = verdict.margin_m();
                    nearest = Some(verdict);
                }
            });
            if nearest.is_some() || reach >= most {
                return nearest;
            }
            reach *= 2.0;
        }
    }

    fn verdict<'a>(&'a self, place: &Place, zone: &'a Zone, volume: &Volume, lies: Lies) -> Verdict<'a> {
        Verdict {
            zone,
            source: self.sources.get(zone.source),
            band: volume.band,
            lies,
            level: volume.band.level(place.height, [place.lon, place.lat]),
            then: when::holds(&zone.periods, place.time, place.lat, place.lon),
            place: *place,
            between: None,
        }
    }

    /// Hands out the volumes whose boxes come within some metres of a place, with their numbers in their zones and the longitude of
    /// the place in −180 … 180.
    fn visit<'a>(
        &'a self,
        place: &Place,
        reach: f64,
        mut take: impl FnMut(&'a Zone, u32, &'a Volume, Position),
    ) {
        let lon =
            if place.lon.abs() <= 180.0 { place.lon } else { (place.lon + 180.0).rem_euclid(360.0) - 180.0 };
        let Some(index) = self.index.as_ref().filter(|_| lon.is_finite() && place.lat.abs() <= 90.0) else {
            return;
        };
        // The pole itself is on every meridian: a tenth of a millimetre beside it is on one.
        let here = [lon, place.lat.clamp(-89.999_999_999, 89.999_999_999)];
        for [west, south, east, north] in windows(here, reach).into_iter().flatten() {
            index.visit_query(west, south, east, north, &mut |entry: usize| {
                let found = self.entries.get(entry).and_then(|(zone, number)| {
                    let zone = self.all.get(*zone as usize)?;
                    Some((zone, *number, zone.volumes.get(*number as usize)?))
                });
                if let Some((zone, number, volume)) = found {
                    take(zone, number, volume, here);
                }
            });
        }
    }
}

/// Where a zone was cut along the meridian of 180°, the cut is no edge of it.
fn join_cuts(zone: &mut Zone) {
    let cuts = zone.volumes.iter().map(|volume| volume.shape.along_180());
    let [west, east] =
        cuts.fold([false; 2], |[west, east], [more_west, more_east]| [west || more_west, east || more_east]);
    if west && east {
        zone.volumes.iter_mut().for_each(|volume| volume.shape.join_cuts());
    }
}

/// Boxes of degrees with everything within some metres of a place; two where the meridian of 180° is among it.
fn windows([lon, lat]: Position, metres: f64) -> [Option<[f64; 4]>; 2] {
    let up = metres / SHORTEST_DEGREE * 1.001;
    let (south, north) = (lat - up, lat + up);
    let farthest = south.abs().max(north.abs());
    let across = metres / Scale::at(farthest.min(90.0)).east * 1.001;
    if farthest >= 89.9 || across >= 180.0 || across.is_nan() {
        return [Some([-180.0, south, 180.0, north]), None];
    }
    let (west, east) = (lon - across, lon + across);
    let other = if west <= -180.0 {
        Some([west + 360.0, south, 180.0, north])
    } else if east >= 180.0 {
        Some([-180.0, south, east - 360.0, north])
    } else {
        None
    };
    [Some([west, south, east, north]), other]
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prohibited => "no flight",
            Self::Authorisation => "only with authorisation",
            Self::Conditional => "under conditions",
            Self::None => "no restriction",
            Self::USpace => "U-space",
            Self::Other(text) => text,
            Self::Unsaid => "restriction not said",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::windows;

    #[test]
    fn the_meridian_of_180_is_looked_for_on_both_sides() {
        for lon in [180.0, -180.0] {
            let found: Vec<f64> = windows([lon, 10.0], 0.0).into_iter().flatten().map(|one| one[0]).collect();
            assert_eq!(found, [lon, -lon]);
        }
    }
}

#[cfg(test)]
mod testing {
    use super::{Answer, Place, Source, Zone, Zones};

    /// Answer, margin and reason for each zone that a place is inside of, or may be; at no known time and height, known to a metre.
    pub(super) fn check(zones: &[Zone], lat: f64, lon: f64) -> Vec<(Answer, f64, String)> {
        let zones = Zones::new([(Source::default(), zones.to_vec())]);
        let place = Place { lat, lon, time: None, height: None, accuracy_m: 1.0 };
        zones
            .check(&place)
            .iter()
            .map(|verdict| (verdict.answer(), verdict.margin_m(), verdict.why()))
            .collect()
    }

    /// The answer for the first of them.
    pub(super) fn answer(zones: &[Zone], lat: f64, lon: f64) -> Option<Answer> {
        check(zones, lat, lon).first().map(|(answer, ..)| *answer)
    }
}
