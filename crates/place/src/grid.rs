//! Grids that name places by codes, one per file: from a code to the area that it names, and from a place to its code.

pub mod geohash;
pub mod h3;
pub mod mgrs;
pub mod plus_code;
pub mod s2;
pub mod tile;
pub mod utm;

/// The area that a code names: its middle, and how far it reaches from there. All in degrees of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The latitude of its middle.
    pub lat: f64,
    /// The longitude of its middle.
    pub lon: f64,
    /// Degrees from its middle to its northern and southern end, at most.
    pub half_lat: f64,
    /// Degrees from its middle to its eastern and western end, at most.
    pub half_lon: f64,
}

impl Area {
    /// An area that reaches so many metres from its middle.
    fn around(lat: f64, lon: f64, metres: f64) -> Self {
        let half_lat = (metres / EARTH).to_degrees();
        Self { lat, lon, half_lat, half_lon: half_lat / lat.to_radians().cos().max(0.01) }
    }

    /// Whether a place lies in it, or on its edge as far as rounding leaves one.
    pub fn holds(&self, lat: f64, lon: f64) -> bool {
        let within = |one: f64, other: f64, most: f64| (one - other).abs() <= most + 1e-9;
        within(lat, self.lat, self.half_lat) && within(lon, self.lon, self.half_lon)
    }
}

/// The mean radius of the earth, in metres.
const EARTH: f64 = 6_371_008.8;
