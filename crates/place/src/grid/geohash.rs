//! Geohash (geohash.org, 2008): bits of longitude and latitude in turn, five to a letter.

use super::Area;

/// Letters that have bits; more say less than a millimetre.
const MOST: usize = 12;

/// The area that a code names. Capitals are as small letters.
pub fn decode(code: &str) -> Option<Area> {
    if code.is_empty() || code.len() > MOST {
        return None;
    }
    let (middle, half_lon, half_lat) = geohash::decode(&code.to_ascii_lowercase()).ok()?;
    Some(Area { lat: middle.y, lon: middle.x, half_lat, half_lon })
}

/// The code of a place, so many letters of it.
pub fn encode(lat: f64, lon: f64, letters: usize) -> Option<String> {
    geohash::encode(geohash::Coord { x: lon, y: lat }, letters).ok()
}
