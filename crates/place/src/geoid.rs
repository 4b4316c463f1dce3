//! The geoid: how high mean sea level lies above the ellipsoid of WGS 84. EGM96 in steps of 15 minutes; layout, maker and source:
//! `knowledge/geoid/build.py`.
//!
//! No model of it is the sea that a height in a file counts from, so the answer is a range ([`OFF_M`]).

use std::sync::LazyLock;

use creance_cursor::inflate::{End, Method, inflate};

use crate::{Error, table::Reader};

const PACKED: &[u8] = include_bytes!("../../../knowledge/geoid/egm96.bin.zst");
const FILE: &str = "geoid";
/// The bundled file, and its name as `knowledge/SOURCES.toml` has it.
pub(crate) const FILE_AND_BYTES: (&str, &[u8]) = ("geoid/egm96.bin.zst", PACKED);
const MAGIC: &[u8] = b"creance\x01";
const KIND: u8 = 4;
/// What the grid may unpack to: twice the bundled one.
const LIMIT: usize = 2 << 20;

const ROWS: usize = 721;
const COLUMNS: usize = 1440;
/// Steps of the grid in a degree.
const STEPS: f64 = 4.0;
/// Metres of a number in the grid.
const UNIT: f64 = 0.1;

/// The geoid above the ellipsoid, in metres: the least and the most on earth (EGM96 and EGM2008: −107 and +86).
const ANYWHERE: [f64; 2] = [-107.0, 86.0];

/// How far the sea that heights count from may lie from this grid, in metres: between its points it is off by less than half a
/// metre, EGM96 differs from EGM2008 by half a metre in the root mean square and at worst, over deep trenches, by ten, and
/// national levels lie up to two metres from either.
pub(crate) const OFF_M: f64 = 12.0;

/// Heights of the geoid in units, from the north pole and Greenwich.
struct Geoid(Vec<i16>);

/// The range in which the geoid lies above the ellipsoid at a place, in metres. Degrees; for what is no place, that of the whole
/// earth.
pub(crate) fn range(lat: f64, lon: f64) -> [f64; 2] {
    static BUNDLED: LazyLock<Option<Geoid>> = LazyLock::new(|| Geoid::unpack(PACKED).ok());
    // The bundled grid is read by a test: it is there.
    match BUNDLED.as_ref().and_then(|geoid| geoid.above(lat, lon)) {
        Some(metres) => [metres - OFF_M, metres + OFF_M],
        None => ANYWHERE,
    }
}

impl Geoid {
    /// Reads a zstd frame.
    fn unpack(packed: &[u8]) -> Result<Self, Error> {
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
    fn read(body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body, FILE);
        if reader.take(MAGIC.len())? != MAGIC || reader.u8()? != KIND {
            return Err(reader.error("no geoid of this version"));
        }
        let mut heights: Vec<i16> = Vec::with_capacity(ROWS * COLUMNS);
        let mut above = vec![0_i16; COLUMNS];
        for _ in 0..ROWS {
            let (mut before, mut beyond) = (0_i16, 0_i16);
            for over in &mut above {
                let number = reader.leb128()?;
                let half = i32::try_from(number >> 1).map_err(|_| reader.error("a step too large"))?;
                let step = if number & 1 == 1 { -half - 1 } else { half };
                let plane = i32::from(before) + i32::from(*over) - i32::from(beyond);
                let height = plane.checked_add(step).and_then(|height| i16::try_from(height).ok());
                let height = height.ok_or_else(|| reader.error("a height that is none"))?;
                (before, beyond, *over) = (height, *over, height);
                heights.push(height);
            }
        }
        if !reader.is_at_end() {
            return Err(reader.error("bytes after the end"));
        }
        Ok(Self(heights))
    }

    /// Metres above the ellipsoid, between the four points around a place.
    fn above(&self, lat: f64, lon: f64) -> Option<f64> {
        if !(lat.abs() <= 90.0 && lon.is_finite()) {
            return None;
        }
        let (down, across) = ((90.0 - lat) * STEPS, lon.rem_euclid(360.0) * STEPS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 … 720 and 0 … 1440")]
        let (row, column) = ((down as usize).min(ROWS - 2), across as usize);
        let at = |row: usize, column: usize| {
            self.0.get(row * COLUMNS + column % COLUMNS).map(|units| f64::from(*units) * UNIT)
        };
        #[expect(clippy::cast_precision_loss, reason = "0 … 1440")]
        let (down, across) = (down - row as f64, across - column as f64);
        let between = |row: usize| {
            let (west, east) = (at(row, column)?, at(row, column + 1)?);
            Some(west + (east - west) * across)
        };
        let (north, south) = (between(row)?, between(row + 1)?);
        Some(north + (south - north) * down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NGA's test points for programs that evaluate EGM96 (OUTINTPT.DAT).
    const PUBLISHED: [[f64; 3]; 6] = [
        [38.628_155_0, 269.779_155_0, -31.628],
        [-14.621_217_0, 305.021_114_0, -2.969],
        [46.874_319_0, 102.448_729_0, -43.575],
        [-23.617_446_0, 133.874_712_0, 15.871],
        [38.625_473_0, 359.999_500_0, 50.066],
        [-0.466_744_0, 0.002_300_0, 17.329],
    ];

    #[test]
    fn the_bundled_grid_says_what_was_published() {
        let geoid = Geoid::unpack(PACKED).unwrap();
        for [lat, lon, metres] in PUBLISHED {
            for lon in [lon, lon - 360.0, lon + 360.0] {
                let found = geoid.above(lat, lon).unwrap();
                assert!((found - metres).abs() < 0.1, "{lat} {lon}: {found}, published {metres}");
            }
        }
        let least = geoid.0.iter().min().map(|least| f64::from(*least) * UNIT).unwrap();
        let most = geoid.0.iter().max().map(|most| f64::from(*most) * UNIT).unwrap();
        assert!(least >= ANYWHERE[0] && most <= ANYWHERE[1], "{least} {most}");
    }

    #[test]
    fn every_place_has_a_range_and_what_is_none_that_of_the_earth() {
        for [lat, lon, metres] in [[90.0, 12.0, 13.6], [-90.0, -170.0, -29.5], [0.0, 360.0, 17.2]] {
            let [low, high] = range(lat, lon);
            assert!((f64::midpoint(low, high) - metres).abs() < 0.1 && high - low == 2.0 * OFF_M, "{low}");
        }
        let [[west, _], [east, _]] = [range(10.0, -180.0), range(10.0, 180.0)];
        assert!((west - east).abs() < 1e-9);
        for (lat, lon) in [(91.0, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            let [low, high] = range(lat, lon);
            assert!(low < -106.0 && high > 85.0, "{low} {high}");
        }
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        let body = inflate(Method::Zstd, PACKED, LIMIT).bytes;
        for cut in [0, 8, 9, body.len() - 1] {
            assert!(Geoid::read(&body[..cut]).is_err(), "{cut}");
        }
        assert!(Geoid::read(&[&body[..], b"\0"].concat()).is_err());
        let mut wild = body;
        wild.splice(9..9, [0xff, 0xff, 0x7f]);
        assert!(Geoid::read(&wild).is_err());
    }
}
