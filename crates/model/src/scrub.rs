//! Taking out what a file gives away: what is wanted, and what comes of it. No I/O: what comes out is told as pieces, so
//! that the frames of a video are copied without being held.

use std::{fmt, ops::Range};

use crate::DEGREE_M;

/// What becomes of places.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Locations {
    /// They are taken out.
    #[default]
    Remove,
    /// Each moves to the middle of its square in a grid.
    Grid {
        /// The side of a square in kilometres, more than 0.
        km: f64,
    },
    /// All move by the same way, so that they still fit each other, as photogrammetry needs.
    Offset {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
    },
}

impl Locations {
    /// Whether altitudes stay: the middle of a square of kilometres with the height to a centimetre would be a narrow strip.
    pub const fn keeps_height(self) -> bool {
        matches!(self, Self::Offset { .. })
    }

    /// What becomes of a place: degrees north and east; `None`: it is taken out.
    ///
    /// Squares of a grid are bounded by parallels, and by meridians that stand as far apart as the side is long at the
    /// middle of their row.
    pub fn moved(self, lat: f64, lon: f64) -> Option<(f64, f64)> {
        let wrapped = |lon: f64| (lon + 180.0).rem_euclid(360.0) - 180.0;
        match self {
            Self::Remove => None,
            Self::Grid { km } => {
                let step = km * 1000.0 / DEGREE_M;
                let middle = |value: f64, step: f64| (value / step).floor() * step + step / 2.0;
                let north = middle(lat, step).clamp(-90.0, 90.0);
                let east = step / north.to_radians().cos().max(step / 360.0);
                Some((north, wrapped(middle(lon, east))))
            }
            Self::Offset { lat: north, lon: east } => {
                Some(((lat + north).clamp(-90.0, 90.0), wrapped(lon + east)))
            }
        }
    }
}

/// What is to be taken out. Serials, identifiers, owners, places of operators, thumbnails and previews always are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScrubRequest {
    /// What becomes of places.
    pub locations: Locations,
    /// Thermal measurements stay in pictures.
    pub keep_thermal: bool,
}

/// A stretch of the output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// As it stands in the input: a range of offsets in bytes.
    Copy(Range<u64>),
    /// Anew.
    Bytes(Vec<u8>),
}

/// What was taken out or changed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Removal {
    /// What: `position`, `serial`, `thumbnail`, …
    pub what: &'static str,
    /// Where it stood.
    pub field: String,
}

/// A file without what it gave away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrubbed {
    /// The output, in order.
    pub pieces: Vec<Piece>,
    /// What was taken out or changed.
    pub removed: Vec<Removal>,
}

impl Scrubbed {
    /// The output as bytes, given all of the input; ranges outside of it give nothing.
    pub fn bytes(&self, input: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Copy(range) => {
                    let (from, to) = (usize::try_from(range.start), usize::try_from(range.end));
                    let copied = from.ok().zip(to.ok()).and_then(|(from, to)| input.get(from..to));
                    bytes.extend_from_slice(copied.unwrap_or_default());
                }
                Piece::Bytes(anew) => bytes.extend_from_slice(anew),
            }
        }
        bytes
    }

    /// Adds something that was taken out.
    pub fn removed(&mut self, what: &'static str, field: impl Into<String>) {
        self.removed.push(Removal { what, field: field.into() });
    }
}

/// Why a file cannot be scrubbed: a sentence for people. Reads well after "not scrubbed: ".
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_square_become_one_and_an_offset_keeps_their_distance() {
        let grid = Locations::Grid { km: 10.0 };
        let moved = grid.moved(47.001, 8.001).unwrap();
        assert_eq!(grid.moved(47.002, 8.003), Some(moved));
        let metres = (moved.0 - 47.001).hypot((moved.1 - 8.001) * 47_f64.to_radians().cos()) * DEGREE_M;
        assert!(metres < 7_100.0, "{metres}");
        assert_eq!(Locations::Offset { lat: 1.0, lon: 2.0 }.moved(10.0, 179.0), Some((11.0, -179.0)));
        assert_eq!(Locations::Remove.moved(1.0, 2.0), None);
        for lat in [90.0, -90.0] {
            let (north, east) = grid.moved(lat, 180.0).unwrap();
            assert!(north.abs() <= 90.0 && (-180.0..=180.0).contains(&east));
        }
    }

    #[test]
    fn pieces_are_the_output_in_order() {
        let scrubbed = Scrubbed {
            pieces: vec![
                Piece::Copy(0..2),
                Piece::Bytes(b"-".to_vec()),
                Piece::Copy(4..6),
                Piece::Copy(5..9),
            ],
            removed: Vec::new(),
        };
        assert_eq!(scrubbed.bytes(b"abcdef"), b"ab-ef");
    }
}
