//! Tiles of web maps: Web Mercator cut into 2^z by 2^z squares, from the north-west (OpenStreetMap, Google), or their
//! number in base four, a digit for each level (Bing's quadkey).

use std::f64::consts::PI;

use super::Area;

/// The deepest level that map servers have.
const DEEPEST: u32 = 30;

/// The area of a tile.
pub fn area(z: u32, x: u64, y: u64) -> Option<Area> {
    if z > DEEPEST || x >= 1 << z || y >= 1 << z {
        return None;
    }
    let size = float(1 << z);
    let lon = |x: u64| float(x) / size * 360.0 - 180.0;
    let lat = |y: u64| (PI * (1.0 - 2.0 * float(y) / size)).sinh().atan().to_degrees();
    let (west, east, north, south) = (lon(x), lon(x + 1), lat(y), lat(y + 1));
    Some(Area {
        lat: f64::midpoint(north, south),
        lon: f64::midpoint(west, east),
        half_lat: (north - south) / 2.0,
        half_lon: (east - west) / 2.0,
    })
}

/// The tile that holds a place, as x and y.
pub fn of(lat: f64, lon: f64, z: u32) -> (u64, u64) {
    let z = z.min(DEEPEST);
    let size = float(1 << z);
    let lat = lat.to_radians();
    (cut((lon + 180.0) / 360.0 * size, z), cut((1.0 - lat.tan().asinh() / PI) / 2.0 * size, z))
}

/// The level, x and y that a quadkey says.
pub fn quadkey(key: &str) -> Option<(u32, u64, u64)> {
    let z = u32::try_from(key.len()).ok().filter(|z| (1..=DEEPEST).contains(z))?;
    let (mut x, mut y) = (0, 0);
    for digit in key.bytes() {
        let digit = u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 4)?);
        (x, y) = (x << 1 | digit & 1, y << 1 | digit >> 1);
    }
    Some((z, x, y))
}

/// The quadkey of the tile that holds a place.
pub fn to_quadkey(lat: f64, lon: f64, z: u32) -> String {
    let (x, y) = of(lat, lon, z);
    let digit =
        |bit: u32| char::from_digit(u32::from(y >> bit & 1 == 1) * 2 + u32::from(x >> bit & 1 == 1), 4);
    (0..z.min(DEEPEST)).rev().filter_map(digit).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from nothing up to 2^30")]
fn cut(number: f64, z: u32) -> u64 {
    (number.max(0.0) as u64).min((1 << z) - 1)
}

#[expect(clippy::cast_precision_loss, reason = "up to 2^30")]
const fn float(number: u64) -> f64 {
    number as f64
}
