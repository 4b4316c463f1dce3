//! Boundaries of countries: in which one a place lies, and how far it is to the others. Layout, maker and sources:
//! `knowledge/region/boundaries/build.py`.
//!
//! The lines are generalised for maps of 1:10 000 000. 21 border crossings, placed from other maps by hand and some of them
//! roughly, lie some 750 m off in the root mean square and 1.8 km at worst: an estimate ([`LINE_ERROR_M`]). So nearer to a
//! border than some 2.5 km this answers with both sides.
//!
//! A table may have been damaged, so nothing in it is trusted: counts are held against the bytes that are left before
//! memory is taken, areas must exist, places must be on the globe.

use std::sync::OnceLock;

use crate::Error;
use crate::country::Country;
use crate::table::Reader;
use creance_cursor::inflate::{End, Method, inflate};

const PACKED: &[u8] = include_bytes!("../../../../knowledge/region/boundaries/boundaries.bin.zst");
const FILE: &str = "boundaries";
const MAGIC: &[u8] = b"creance\x01";
/// The bundled file, and its name as `knowledge/SOURCES.toml` has it.
pub(crate) const FILE_AND_BYTES: (&str, &[u8]) = ("region/boundaries/boundaries.bin.zst", PACKED);
const KIND: u8 = 3;
/// What a table may unpack to: ten times the bundled one.
const LIMIT: usize = 16 << 20;

/// How far the lines lie off, in metres, one standard deviation.
pub const LINE_ERROR_M: f64 = 750.0;

/// Countries around which the lines are known to be worse, with how far they lie off, in metres: of Macau's surroundings the
/// source lacks islands (Hengqin) and reclaimed land.
const WORSE: &[(&str, f64)] = &[("MO", 6_000.0)];

/// How far the lines around a place may lie off, one standard deviation or a third of what is known.
pub fn line_error_m(place: &Whereabouts) -> f64 {
    let near = |code: &str, reach: f64| {
        let is = |country: &Country| country.to_string() == code;
        place.land.as_ref().is_some_and(is)
            || place.near.iter().any(|(one, metres)| is(one) && *metres < reach)
    };
    let worse = WORSE.iter().filter(|(code, off)| near(code, *off)).map(|(_, off)| off / 3.0);
    worse.fold(LINE_ERROR_M, f64::max)
}

/// How far a place may be from a country to be told of it: more than 35 km that mobile cells reach over a border, and the 12
/// nautical miles of the territorial sea.
pub const REACH_M: f64 = 60_000.0;

/// Arc seconds in a degree, the unit of the table.
const SECONDS: f64 = 3600.0;
/// Metres in an arc second along a meridian, by the mean radius of the Earth (6 371 008.8 m).
const METRES: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0 / SECONDS;
/// The height of a band of the index, in arc seconds, and their number.
const BAND: i32 = 900;
const BANDS: usize = 720;
const EAST: i32 = 180 * 3600;
const NORTH: i32 = 90 * 3600;

/// What a line bounds.
#[derive(Clone, Debug)]
enum Area {
    /// A country; nothing: land of no country.
    Country(Option<Country>),
    Disputed(Disputed),
}

/// An area that more than one state claims, or that governs itself against a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disputed {
    /// What it is called in the source.
    pub name: String,
    /// Who holds it; nothing: none of the claimants.
    pub held: Option<Country>,
    /// Who claims it, the holder among them.
    pub claimants: Vec<Country>,
}

/// A piece of a line, in arc seconds.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: (i32, i32),
    to: (i32, i32),
    line: u32,
}

/// All boundaries, indexed by latitude.
#[derive(Debug)]
pub struct Boundaries {
    areas: Vec<Area>,
    /// The areas that each line bounds.
    sides: Vec<Vec<u32>>,
    pieces: Vec<Piece>,
    /// The pieces that reach into each band, from the south.
    bands: Vec<Vec<u32>>,
}

/// Where a place is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whereabouts {
    /// The country on whose land it lies.
    pub land: Option<Country>,
    /// On no land at all: sea. (Lakes are land.)
    pub sea: bool,
    /// Other countries within [`REACH_M`], nearest first, with the distance in metres to their land.
    pub near: Vec<(Country, f64)>,
    /// Disputed areas that it lies in.
    pub disputed: Vec<Disputed>,
    /// Disputed areas within [`REACH_M`] that it does not lie in, nearest first.
    pub disputed_near: Vec<(Disputed, f64)>,
}

impl Boundaries {
    /// The bundled ones, unpacked once in a process.
    pub fn bundled() -> Result<&'static Self, Error> {
        static BUNDLED: OnceLock<Boundaries> = OnceLock::new();
        if let Some(known) = BUNDLED.get() {
            return Ok(known);
        }
        let unpacked = Self::unpack(PACKED)?;
        Ok(BUNDLED.get_or_init(|| unpacked))
    }

    /// Reads a zstd frame.
    pub(crate) fn unpack(packed: &[u8]) -> Result<Self, Error> {
        let body = inflate(Method::Zstd, packed, LIMIT);
        match body.end {
            End::Whole => Self::read(&body.bytes),
            End::Limit => {
                Err(Error::Packed { file: FILE, why: format!("unpacks to more than {LIMIT} bytes") })
            }
            End::Damaged(why) => Err(Error::Packed { file: FILE, why }),
        }
    }

    /// Reads what the zstd frame holds.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body, FILE);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(reader.error("not a table of this version"));
        }
        if reader.u8()? != KIND {
            return Err(reader.error("another kind of table"));
        }
        let areas: Vec<Area> = (0..reader.count(3)?).map(|_| area(&mut reader)).collect::<Result<_, _>>()?;
        let lines = reader.count(5)?;
        let lengths: Vec<usize> = (0..lines).map(|_| reader.count(1)).collect::<Result<_, _>>()?;
        let sides: Vec<Vec<u32>> =
            (0..lines).map(|_| bounds(&mut reader, areas.len())).collect::<Result<_, _>>()?;
        let points = lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
        let points = points.filter(|points| *points <= body.len());
        let points = points.ok_or_else(|| reader.error("more points than bytes"))?;
        let east = column(&mut reader, points, EAST)?;
        let north = column(&mut reader, points, NORTH)?;
        if !reader.is_at_end() {
            return Err(reader.error("bytes after the end"));
        }
        let mut places = east.into_iter().zip(north);
        let mut pieces = Vec::with_capacity(points);
        for (line, length) in (0_u32..).zip(lengths) {
            let mut before = None;
            for to in places.by_ref().take(length) {
                pieces.extend(before.map(|from| Piece { from, to, line }));
                before = Some(to);
            }
        }
        let mut bands = vec![Vec::new(); BANDS];
        // A line from pole to pole is in every band: tables with many of them would take much memory.
        let mut left = body.len().saturating_mul(4) + BANDS;
        for (number, piece) in (0_u32..).zip(&pieces) {
            let (low, high) = (piece.from.1.min(piece.to.1), piece.from.1.max(piece.to.1));
            for band in bands.iter_mut().take(band(high) + 1).skip(band(low)) {
                left = left.checked_sub(1).ok_or_else(|| reader.error("lines too long"))?;
                band.push(number);
            }
        }
        Ok(Self { areas, sides, pieces, bands })
    }

    /// Where a place is; nothing for what is no place on Earth. Degrees of WGS 84.
    pub fn at(&self, lat: f64, lon: f64) -> Option<Whereabouts> {
        if !(lat.abs() <= 90.0 && lon.abs() <= 180.0) {
            return None;
        }
        let (x, y) = (lon * SECONDS, lat * SECONDS);
        let inside = self.inside(x, y);
        let distances = self.distances(x, y);
        let mut found = Whereabouts { sea: true, ..Whereabouts::default() };
        for ((area, inside), metres) in self.areas.iter().zip(inside).zip(distances) {
            let near = (metres <= REACH_M).then_some(metres);
            match area {
                Area::Country(country) if inside => {
                    found.sea = false;
                    found.land = found.land.or(*country);
                }
                Area::Country(Some(country)) => found.near.extend(near.map(|near| (*country, near))),
                Area::Country(None) => {}
                Area::Disputed(disputed) if inside => found.disputed.push(disputed.clone()),
                Area::Disputed(disputed) => {
                    found.disputed_near.extend(near.map(|near| (disputed.clone(), near)));
                }
            }
        }
        found.near.sort_by(|a, b| a.1.total_cmp(&b.1));
        found.disputed_near.sort_by(|a, b| a.1.total_cmp(&b.1));
        Some(found)
    }

    fn piece(&self, number: u32) -> Option<(&Piece, &[u32])> {
        let piece = self.pieces.get(usize::try_from(number).ok()?)?;
        Some((piece, self.sides.get(usize::try_from(piece.line).ok()?)?))
    }

    /// Whether the place is in each area: whether a line due east crosses its boundary an odd number of times.
    fn inside(&self, x: f64, y: f64) -> Vec<bool> {
        let mut inside = vec![false; self.areas.len()];
        #[expect(clippy::cast_possible_truncation, reason = "within a globe's arc seconds")]
        let band = band(y.floor() as i32);
        for number in self.bands.get(band).into_iter().flatten() {
            let Some((piece, sides)) = self.piece(*number) else { continue };
            let ((ax, ay), (bx, by)) = (pair(piece.from), pair(piece.to));
            if (ay > y) != (by > y) && ax + (y - ay) / (by - ay) * (bx - ax) > x {
                for side in sides {
                    if let Some(one) = usize::try_from(*side).ok().and_then(|side| inside.get_mut(side)) {
                        *one = !*one;
                    }
                }
            }
        }
        inside
    }

    /// The distance in metres to the boundary of each area, on a plane that touches the Earth at the place: within
    /// [`REACH_M`] that is wrong by less than a hundredth, but very near the poles.
    fn distances(&self, x: f64, y: f64) -> Vec<f64> {
        let mut nearest = vec![f64::INFINITY; self.areas.len()];
        let reach = REACH_M / METRES;
        let squeeze = (y / SECONDS).to_radians().cos().max(0.001);
        #[expect(clippy::cast_possible_truncation, reason = "within a globe's arc seconds")]
        let band_of = |y: f64| band(y.floor().clamp(f64::from(-NORTH), f64::from(NORTH)) as i32);
        let (first, last) = (band_of(y - reach), band_of(y + reach));
        for number in self.bands.iter().take(last + 1).skip(first).flatten() {
            let Some((piece, sides)) = self.piece(*number) else { continue };
            if is_seam(piece) {
                continue;
            }
            let ((ax, ay), (bx, by)) = (pair(piece.from), pair(piece.to));
            let (east, north) = (around(ax - x) * squeeze, ay - y);
            let (dx, dy) = ((bx - ax) * squeeze, by - ay);
            if east.min(east + dx) > reach || east.max(east + dx) < -reach {
                continue;
            }
            let length = dx * dx + dy * dy;
            let share = if length > 0.0 { (-(east * dx + north * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
            let metres = (east + share * dx).hypot(north + share * dy) * METRES;
            for side in sides {
                if let Some(one) = usize::try_from(*side).ok().and_then(|side| nearest.get_mut(side)) {
                    *one = one.min(metres);
                }
            }
        }
        nearest
    }
}

fn pair((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x), f64::from(y))
}

/// A difference of longitudes, the short way around.
fn around(seconds: f64) -> f64 {
    let whole = f64::from(2 * EAST);
    seconds - (seconds / whole).round() * whole
}

/// Where a map's sheet ends, which is no border.
fn is_seam(piece: &Piece) -> bool {
    let at_edge = |x: i32| x.abs() == EAST;
    (at_edge(piece.from.0) && at_edge(piece.to.0)) || (piece.from.1 == -NORTH && piece.to.1 == -NORTH)
}

fn band(y: i32) -> usize {
    usize::try_from((y + NORTH).max(0) / BAND).map_or(0, |band| band.min(BANDS - 1))
}

fn area(reader: &mut Reader<'_>) -> Result<Area, Error> {
    match reader.u8()? {
        0 => Ok(Area::Country(code(reader)?)),
        1 => {
            let length = reader.count(1)?;
            let name = String::from_utf8(reader.take(length)?.to_vec());
            let name = name.map_err(|_| reader.error("a name that is not UTF-8"))?;
            let held = code(reader)?;
            let claimants = (0..reader.count(2)?).map(|_| code(reader)).collect::<Result<Vec<_>, _>>()?;
            Ok(Area::Disputed(Disputed { name, held, claimants: claimants.into_iter().flatten().collect() }))
        }
        _ => Err(reader.error("an area of an unknown kind")),
    }
}

/// A country code; two zero bytes are none.
fn code(reader: &mut Reader<'_>) -> Result<Option<Country>, Error> {
    let bytes = [reader.u8()?, reader.u8()?];
    let country = Country::from_bytes(bytes);
    if country.is_none() && bytes != [0; 2] {
        return Err(reader.error("a country code that is not two capitals"));
    }
    Ok(country)
}

/// The areas that a line bounds.
fn bounds(reader: &mut Reader<'_>, areas: usize) -> Result<Vec<u32>, Error> {
    let one = |reader: &mut Reader<'_>| {
        let area = u32::try_from(reader.leb128()?).ok();
        let known = area.filter(|area| usize::try_from(*area).is_ok_and(|area| area < areas));
        known.ok_or_else(|| reader.error("an area that is not listed"))
    };
    (0..reader.count(1)?).map(|_| one(reader)).collect()
}

/// Coordinates, each the distance to the one before, up to `most` either way.
fn column(reader: &mut Reader<'_>, count: usize, most: i32) -> Result<Vec<i32>, Error> {
    let mut at = 0_i32;
    let mut column = Vec::with_capacity(count);
    for _ in 0..count {
        let number = reader.leb128()?;
        let half = i32::try_from(number >> 1).ok();
        let step = half.map(|half| if number & 1 == 1 { -half - 1 } else { half });
        let next = step.and_then(|step| at.checked_add(step)).filter(|at| at.abs() <= most);
        at = next.ok_or_else(|| reader.error("a place that is not on the globe"))?;
        column.push(at);
    }
    Ok(column)
}

/// Reads bytes as a table, packed and unpacked, and asks it for some places: what a fuzzer calls. True if one was valid.
pub fn check(bytes: &[u8]) -> bool {
    let places = [(0.0, 0.0), (90.0, 180.0), (-90.0, -180.0), (22.5, 114.1)];
    let one = |table: Result<Boundaries, Error>| {
        table.is_ok_and(|table| places.iter().all(|(lat, lon)| table.at(*lat, *lon).is_some()))
    };
    [one(Boundaries::read(bytes)), one(Boundaries::unpack(bytes))].contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(lat: f64, lon: f64) -> Whereabouts {
        Boundaries::bundled().unwrap().at(lat, lon).unwrap()
    }

    fn land(lat: f64, lon: f64) -> Option<String> {
        at(lat, lon).land.map(|country| country.to_string())
    }

    #[test]
    fn cities_lie_in_their_countries() {
        for (lat, lon, code) in [
            (41.668, -93.721, "US"),
            (30.913, 103.573, "CN"),
            (22.3193, 114.1694, "HK"),
            (22.5431, 114.0579, "CN"),
            (22.1900, 113.5440, "MO"),
            (25.0330, 121.5654, "TW"),
            (24.4400, 118.3800, "TW"),
            (35.6812, 139.7671, "JP"),
            (51.5074, -0.1278, "GB"),
            (48.8566, 2.3522, "FR"),
            (-33.8688, 151.2093, "AU"),
            (45.4215, -75.6972, "CA"),
            (21.3069, -157.8583, "US"),
            (61.2181, -149.9003, "US"),
            (-16.4990, 179.3700, "FJ"),
            (66.5, -172.0, "RU"),
            (-77.85, 166.67, "AQ"),
            (-89.9, 0.0, "AQ"),
            (13.4443, 144.7937, "GU"),
            (46.5, 9.84, "CH"),
            (43.0, -79.9, "CA"),
        ] {
            assert_eq!(land(lat, lon).as_deref(), Some(code), "{lat} {lon}");
        }
    }

    #[test]
    fn the_sea_is_of_nobody_and_says_whose_coast_is_near() {
        let far = at(0.0, -140.0);
        assert!(far.sea && far.land.is_none() && far.near.is_empty());
        let strait = at(24.5, 119.6);
        assert!(strait.sea && strait.near.is_empty(), "{strait:?}");
        let near = at(37.70, -122.62);
        assert!(near.sea);
        assert_eq!(near.near.first().map(|(country, _)| country.to_string()).as_deref(), Some("US"));
        assert!((5_000.0..15_000.0).contains(&near.near[0].1), "{near:?}");
    }

    #[test]
    fn distances_to_neighbours_are_those_of_maps() {
        // Basel's Marktplatz: 2.6 km to France, 3.1 km to Germany, by other maps.
        let basel = at(47.5581, 7.5878);
        let metres = |code: &str| {
            basel.near.iter().find(|(country, _)| country.to_string() == code).map(|(_, metres)| *metres)
        };
        assert!((metres("FR").unwrap() - 2600.0).abs() < 2.5 * LINE_ERROR_M, "{basel:?}");
        assert!((metres("DE").unwrap() - 3100.0).abs() < 2.5 * LINE_ERROR_M, "{basel:?}");
        // Across the line where a map's sheet ends: Big Diomede is Russian, Little Diomede American.
        assert!(at(65.78, -169.06).near.iter().any(|(country, _)| country.to_string() == "US"));
    }

    #[test]
    fn disputed_areas_name_who_claims_them() {
        let claimants = |lat, lon| {
            let found = at(lat, lon).disputed;
            found.iter().flat_map(|one| &one.claimants).map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(claimants(44.95, 34.10), ["UA", "RU"]);
        assert_eq!(claimants(34.08, 74.80), ["IN", "PK"]);
        assert_eq!(claimants(35.2, 79.2), ["CN", "IN"]);
        assert!(claimants(28.0, 94.5).contains(&"CN".to_owned()));
        assert!(claimants(40.0, -100.0).is_empty());
    }

    #[test]
    fn damage_is_named() {
        let error = |bytes: &[u8]| Boundaries::read(bytes).unwrap_err().to_string();
        assert!(error(b"creance\x02").contains("not a table of this version"));
        assert!(error(b"creance\x01\x01").contains("another kind of table"));
        assert!(error(b"creance\x01\x03\xff\xff\x03").contains("a count too high"));
        let body = inflate(Method::Zstd, PACKED, LIMIT).bytes;
        assert!(error(&body[..body.len() - 1]).contains("cut short"));
        assert!(error(&[body.as_slice(), &[0]].concat()).contains("bytes after the end"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_place_makes_it_panic(lat in any::<f64>(), lon in any::<f64>()) {
            let _ = Boundaries::bundled().unwrap().at(lat, lon);
        }

        #[test]
        fn every_place_is_somewhere(lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64) {
            let found = at(lat, lon);
            prop_assert!(!(found.sea && found.land.is_some()));
            prop_assert!(found.near.iter().all(|(country, metres)| *metres <= REACH_M && Some(*country) != found.land));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut table = [MAGIC, &[KIND]].concat();
            table.extend(bytes);
            check(&table);
        }
    }
}
