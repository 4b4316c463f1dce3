//! S2 cells (Google, s2geometry.io): a cube's six faces, each cut in four up to thirty times along a Hilbert curve.
//!
//! ```text
//! │ face, 3 bits │ two bits for each level │ 1 │ zeros │      shown as a number, or as a token: its hexadecimal digits
//!                                                           without the zeros at the end
//! ```

use super::Area;

const LEVELS: u32 = 30;

/// For each orientation of the curve, which quarter is passed through first, second, third and last: a bit for i and one
/// for j. And the other way round.
const QUARTERS: [[u64; 4]; 4] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]];
const POSITIONS: [[u64; 4]; 4] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]];

/// How the orientation changes in each quarter passed through.
const TURNS: [u64; 4] = [1, 0, 0, 3];

/// The area of a cell, by its number.
#[expect(clippy::many_single_char_names, reason = "as the documents of S2 name them")]
pub fn decode(number: u64) -> Option<Area> {
    let face = number >> 61;
    let zeros = number.trailing_zeros();
    if face > 5 || !zeros.is_multiple_of(2) || zeros > 60 {
        return None;
    }
    let level = LEVELS - zeros / 2;
    let (mut i, mut j, mut orientation) = (0_u64, 0_u64, face & 1);
    for step in 0..level {
        let position = number >> (59 - 2 * step) & 3;
        let quarter = at(&QUARTERS, orientation, position);
        (i, j) = (i << 1 | quarter >> 1, j << 1 | quarter & 1);
        orientation ^= turn(position);
    }
    let size = 1.0 / float(1 << level);
    let (u, v) = (bent((float(i) + 0.5) * size), bent((float(j) + 0.5) * size));
    let (x, y, z) = match face {
        0 => (1.0, u, v),
        1 => (-u, 1.0, v),
        2 => (-u, -v, 1.0),
        3 => (-1.0, -v, -u),
        4 => (v, -1.0, -u),
        _ => (v, u, -1.0),
    };
    let (lat, lon) = (z.atan2(x.hypot(y)).to_degrees(), y.atan2(x).to_degrees());
    // No diagonal is longer than 2.44 radians over the size of a level (S2's `kMaxDiag`): half of it reaches everywhere.
    let half_lat = (1.22 * size).to_degrees().min(180.0);
    let widest = (lat.abs() + half_lat).min(89.9).to_radians().cos();
    Some(Area { lat, lon, half_lat, half_lon: half_lat / widest })
}

/// The number that a token shows.
pub fn token(token: &str) -> Option<u64> {
    if token.is_empty() || token.len() > 16 || token.ends_with('0') {
        return None;
    }
    let digits = u64::from_str_radix(token, 16).ok()?;
    Some(digits << (4 * (16 - token.len())))
}

/// The number of the smallest cell that holds a place.
#[expect(clippy::many_single_char_names, reason = "as the documents of S2 name them")]
pub fn encode(lat: f64, lon: f64) -> u64 {
    let (lat, lon) = (lat.to_radians(), lon.to_radians());
    let (x, y, z) = (lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin());
    let (face, u, v) = if x.abs() >= y.abs() && x.abs() >= z.abs() {
        if x >= 0.0 { (0, y / x, z / x) } else { (3, z / x, y / x) }
    } else if y.abs() >= z.abs() {
        if y >= 0.0 { (1, -x / y, z / y) } else { (4, z / y, -x / y) }
    } else if z >= 0.0 {
        (2, -x / z, -y / z)
    } else {
        (5, -y / z, -x / z)
    };
    let (i, j) = (cut(straight(u)), cut(straight(v)));
    let (mut curve, mut orientation) = (0_u64, face & 1);
    for level in (0..LEVELS).rev() {
        let quarter = (i >> level & 1) << 1 | j >> level & 1;
        let position = at(&POSITIONS, orientation, quarter);
        curve = curve << 2 | position;
        orientation ^= turn(position);
    }
    face << 61 | curve << 1 | 1
}

fn at(table: &[[u64; 4]; 4], orientation: u64, place: u64) -> u64 {
    let row = table.iter().zip(0..).find(|(_, index)| *index == orientation).map(|(row, _)| row);
    row.and_then(|row| row.iter().zip(0..).find(|(_, index)| *index == place)).map_or(0, |(value, _)| *value)
}

fn turn(position: u64) -> u64 {
    TURNS.iter().zip(0..).find(|(_, index)| *index == position).map_or(0, |(turn, _)| *turn)
}

/// From a side of the cube to a line on it where cells are of nearly one size (S2's quadratic projection), and back.
fn bent(s: f64) -> f64 {
    if s >= 0.5 { (4.0 * s * s - 1.0) / 3.0 } else { (1.0 - 4.0 * (1.0 - s) * (1.0 - s)) / 3.0 }
}

fn straight(u: f64) -> f64 {
    if u >= 0.0 { 0.5 * (1.0 + 3.0 * u).sqrt() } else { 1.0 - 0.5 * (1.0 - 3.0 * u).sqrt() }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from nothing up to 2^30")]
fn cut(s: f64) -> u64 {
    ((s * float(1 << LEVELS)).max(0.0) as u64).min((1 << LEVELS) - 1)
}

#[expect(clippy::cast_precision_loss, reason = "up to 2^30")]
const fn float(number: u64) -> f64 {
    number as f64
}
