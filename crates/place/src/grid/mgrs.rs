//! MGRS, the grid of NATO (NGA.STND.0037, 2014): a strip and a band, two letters for a square of 100 km, and metres in it.
//!
//! `51RUH 02145 38540`: strip 51, band R, square UH, 2145 m east and 38 540 m north in it. The polar areas, which have no
//! strip, are not read.

use super::{
    Area,
    utm::{self, Utm},
};

/// Bands of eight degrees from 80° south.
const BANDS: &[u8; 20] = b"CDEFGHJKLMNPQRSTUVWX";

/// Rows of squares, which come again every 2000 km; in even strips they begin at the sixth.
const ROWS: &[u8; 20] = b"ABCDEFGHJKLMNPQRSTUV";

/// Columns of squares, of three strips.
const COLUMNS: [&[u8; 8]; 3] = [b"STUVWXYZ", b"ABCDEFGH", b"JKLMNPQR"];

const SQUARE: f64 = 100_000.0;
const CYCLE: f64 = 2_000_000.0;

/// The area that a code names, written without spaces.
pub fn decode(code: &str) -> Option<Area> {
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    let zone: u8 = code.get(..digits).filter(|zone| zone.len() <= 2)?.parse().ok()?;
    let letters = code.get(digits..digits + 3)?.to_ascii_uppercase();
    let [band, column, row] = *letters.as_bytes() else { return None };
    let metres = code.get(digits + 3..)?;
    let half = metres.len() / 2;
    if !metres.len().is_multiple_of(2) || half > 5 || !metres.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unit = SQUARE / 10_f64.powi(i32::try_from(half).ok()?);
    let number = |text: &str| if text.is_empty() { Some(0.0) } else { text.parse::<f64>().ok() };
    let east = number(metres.get(..half)?)? * unit;
    let north = number(metres.get(half..)?)? * unit;

    let place = |letters: &[u8], letter: u8| {
        let index = letters.iter().position(|known| *known == letter)?;
        Some(f64::from(u8::try_from(index).ok()?))
    };
    let easting = (place(*COLUMNS.get(usize::from(zone % 3))?, column)? + 1.0) * SQUARE + east;
    let first = if zone.is_multiple_of(2) { 5.0 } else { 0.0 };
    let within = (place(ROWS, row)? - first).rem_euclid(20.0) * SQUARE + north;
    let index = place(BANDS, band)?;
    // Of all rows of this letter, the one in the band: the nearest to its middle.
    let lat = -76.0 + 8.0 * index + if band == b'X' { 2.0 } else { 0.0 };
    let middle = utm::encode(lat, f64::from(zone) * 6.0 - 183.0).northing;
    let northing = within + ((middle - within) / CYCLE).round() * CYCLE;
    let utm = Utm { zone, north: lat >= 0.0, easting: easting + unit / 2.0, northing: northing + unit / 2.0 };
    let (lat, lon) = utm.decode()?;
    // Half a diagonal: strips are not drawn along meridians.
    Some(Area::around(lat, lon, unit * 0.708))
}

/// The square of 100 km in which a place lies: `51RUH`.
pub fn square(lat: f64, lon: f64) -> Option<String> {
    let utm = utm::encode(lat, lon);
    let at = |letters: &[u8], index: f64| {
        let found = (0_u8..).zip(letters).find(|(place, _)| f64::from(*place) >= index.floor());
        found.map(|(_, letter)| char::from(*letter))
    };
    if !(-80.0..=84.0).contains(&lat) {
        return None;
    }
    let band = at(BANDS, ((lat + 80.0) / 8.0).min(19.0))?;
    let column = at(*COLUMNS.get(usize::from(utm.zone % 3))?, utm.easting / SQUARE - 1.0)?;
    let first = if utm.zone.is_multiple_of(2) { 5.0 } else { 0.0 };
    let row = at(ROWS, ((utm.northing / SQUARE).floor() + first).rem_euclid(20.0))?;
    Some(format!("{}{band}{column}{row}", utm.zone))
}
