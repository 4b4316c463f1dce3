//! UTM: sixty strips of six degrees, metres east and north in each (NGA.SIG.0012, 2014).
//!
//! Krüger's series of 1912 to the fourth order in the third flattening, as Karney (2011) gives it: within strips it is
//! exact to less than a millimetre.

/// A place in UTM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utm {
    /// The strip, 1 to 60.
    pub zone: u8,
    /// Whether metres north count from the equator, and not from 10 000 km south of it.
    pub north: bool,
    /// Metres east; 500 000 in the middle of the strip.
    pub easting: f64,
    /// Metres north.
    pub northing: f64,
}

/// WGS 84: longer half axis in metres, flattening.
const AXIS: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// The scale in the middle of a strip, and what is added so that no number is negative.
const SCALE: f64 = 0.9996;
const FALSE_EASTING: f64 = 500_000.0;
const FALSE_NORTHING: f64 = 10_000_000.0;

/// The third flattening.
const N: f64 = FLATTENING / (2.0 - FLATTENING);

/// The radius of a circle as long as a meridian.
const RADIUS: f64 = AXIS / (1.0 + N) * (1.0 + N * N / 4.0 + N * N * N * N / 64.0);

const FORWARD: [f64; 4] = [
    N / 2.0 - 2.0 * N * N / 3.0 + 5.0 * N * N * N / 16.0 + 41.0 * N * N * N * N / 180.0,
    13.0 * N * N / 48.0 - 3.0 * N * N * N / 5.0 + 557.0 * N * N * N * N / 1440.0,
    61.0 * N * N * N / 240.0 - 103.0 * N * N * N * N / 140.0,
    49_561.0 * N * N * N * N / 161_280.0,
];

const BACK: [f64; 4] = [
    N / 2.0 - 2.0 * N * N / 3.0 + 37.0 * N * N * N / 96.0 - N * N * N * N / 360.0,
    N * N / 48.0 + N * N * N / 15.0 - 437.0 * N * N * N * N / 1440.0,
    17.0 * N * N * N / 480.0 - 37.0 * N * N * N * N / 840.0,
    4397.0 * N * N * N * N / 161_280.0,
];

/// The strip of a place: every six degrees, but for the south of Norway and Svalbard.
pub fn zone(lat: f64, lon: f64) -> u8 {
    let lon = (lon + 180.0).rem_euclid(360.0) - 180.0;
    let usual = ((lon + 180.0) / 6.0).floor().clamp(0.0, 59.0) + 1.0;
    let zone = if (56.0..64.0).contains(&lat) && (3.0..12.0).contains(&lon) {
        32.0
    } else if (72.0..=84.0).contains(&lat) && (0.0..42.0).contains(&lon) {
        ((lon + 3.0) / 12.0).floor() * 2.0 + 31.0
    } else {
        usual
    };
    (1..=60).find(|number| f64::from(*number) >= zone).unwrap_or(60)
}

/// The longitude in the middle of a strip.
fn middle(zone: u8) -> f64 {
    f64::from(zone) * 6.0 - 183.0
}

/// A place, in its own strip.
pub fn encode(lat: f64, lon: f64) -> Utm {
    let zone = zone(lat, lon);
    let (phi, lambda) = (lat.to_radians(), (lon - middle(zone)).to_radians());
    let bend = 2.0 * N.sqrt() / (1.0 + N);
    let tau = (phi.sin().atanh() - bend * (bend * phi.sin()).atanh()).sinh();
    let (xi, eta) = (tau.atan2(lambda.cos()), (lambda.sin() / (1.0 + tau * tau).sqrt()).atanh());
    let (mut north, mut east) = (xi, eta);
    for (order, factor) in (1_u8..).zip(FORWARD) {
        let twice = 2.0 * f64::from(order);
        north += factor * (twice * xi).sin() * (twice * eta).cosh();
        east += factor * (twice * xi).cos() * (twice * eta).sinh();
    }
    let northing = SCALE * RADIUS * north;
    Utm {
        zone,
        north: lat >= 0.0,
        easting: FALSE_EASTING + SCALE * RADIUS * east,
        northing: if lat >= 0.0 { northing } else { northing + FALSE_NORTHING },
    }
}

impl Utm {
    /// Its latitude and longitude, if it lies in or near its strip.
    pub fn decode(&self) -> Option<(f64, f64)> {
        let (easting, northing) = (self.easting, self.northing);
        if !(1..=60).contains(&self.zone)
            || !(0.0..=1e6).contains(&easting)
            || !(0.0..=FALSE_NORTHING).contains(&northing)
        {
            return None;
        }
        let northing = if self.north { northing } else { northing - FALSE_NORTHING };
        let (xi, eta) = (northing / (SCALE * RADIUS), (easting - FALSE_EASTING) / (SCALE * RADIUS));
        let (mut north, mut east) = (xi, eta);
        for (order, factor) in (1_u8..).zip(BACK) {
            let twice = 2.0 * f64::from(order);
            north -= factor * (twice * xi).sin() * (twice * eta).cosh();
            east -= factor * (twice * xi).cos() * (twice * eta).sinh();
        }
        let conformal = (north.sin() / east.cosh()).asin();
        // From the conformal latitude to the geodetic one, in rounds that each add three digits and more.
        let bend = 2.0 * N.sqrt() / (1.0 + N);
        let psi = conformal.sin().atanh();
        let mut sine = conformal.sin();
        for _ in 0..6 {
            sine = (psi + bend * (bend * sine).atanh()).tanh();
        }
        let lon = middle(self.zone) + east.sinh().atan2(north.cos()).to_degrees();
        let lat = sine.asin().to_degrees();
        (lat.is_finite() && lon.is_finite()).then_some((lat, lon))
    }
}
