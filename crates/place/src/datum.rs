//! Datums of mainland China: what its maps and the apps made for them show in place of WGS 84.
//!
//! | datum | what |
//! |---|---|
//! | GCJ-02 | the national obfuscation: a shift of 100 to 700 m that varies from place to place (GB 20263-2006) |
//! | BD-09 | GCJ-02 shifted once more, by Baidu |
//!
//! The formulas were never published; they are those that open implementations agree on (eviltransform and others). Coders
//! apply them inside a box that reaches far beyond the border: over Hong Kong, Macau, Taiwan and Korea the shift is none
//! of the law and shows whose code it was. So the box, and no border, is asked here.

use std::f64::consts::PI;

/// How degrees are to be read.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Datum {
    /// What receivers say.
    #[default]
    Wgs84,
    /// The national one of China.
    Gcj02,
    /// Baidu's.
    Bd09,
}

impl Datum {
    /// All of them, the plainest first.
    pub const ALL: [Self; 3] = [Self::Wgs84, Self::Gcj02, Self::Bd09];

    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }

    /// A place given in WGS 84, in this datum.
    pub fn from_wgs84(self, (lat, lon): (f64, f64)) -> (f64, f64) {
        if self == Self::Wgs84 || !is_shifted((lat, lon)) {
            return (lat, lon);
        }
        let gcj = gcj02((lat, lon));
        if self == Self::Bd09 { bd09(gcj) } else { gcj }
    }

    /// A place given in this datum, in WGS 84, to within a millimetre.
    pub fn to_wgs84(self, place: (f64, f64)) -> (f64, f64) {
        if self == Self::Wgs84 || !is_shifted(place) {
            return place;
        }
        // The shift varies slowly: each round leaves less than a hundredth of the error.
        let mut guess = place;
        for _ in 0..ROUNDS {
            let there = self.from_wgs84(guess);
            guess = (guess.0 + place.0 - there.0, guess.1 + place.1 - there.1);
        }
        guess
    }
}

/// Rounds of the inverse.
const ROUNDS: usize = 6;

/// Whether coders shift a place: the box that nearly all of them have.
pub fn is_shifted((lat, lon): (f64, f64)) -> bool {
    (0.8293..=55.8271).contains(&lat) && (72.004..=137.8347).contains(&lon)
}

/// Krasovsky's ellipsoid: its longer half axis in metres, and the square of its eccentricity.
const AXIS: f64 = 6_378_245.0;
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;

fn gcj02((lat, lon): (f64, f64)) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = |size: f64, angle: f64| size * (angle * PI).sin();
    let both = 20.0 * ((6.0 * x * PI).sin() + (2.0 * x * PI).sin());
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + (both + wave(20.0, y) + wave(40.0, y / 3.0) + wave(160.0, y / 12.0) + wave(320.0, y / 30.0)) * 2.0
            / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + (both + wave(20.0, x) + wave(40.0, x / 3.0) + wave(150.0, x / 12.0) + wave(300.0, x / 30.0)) * 2.0
            / 3.0;
    let angle = lat.to_radians();
    let magic = 1.0 - ECCENTRICITY * angle.sin() * angle.sin();
    let metres_north = AXIS * (1.0 - ECCENTRICITY) / (magic * magic.sqrt());
    let metres_east = AXIS / magic.sqrt() * angle.cos();
    (lat + (north / metres_north).to_degrees(), lon + (east / metres_east).to_degrees())
}

fn bd09((lat, lon): (f64, f64)) -> (f64, f64) {
    let turn = PI * 3000.0 / 180.0;
    let radius = lon.hypot(lat) + 0.000_02 * (lat * turn).sin();
    let angle = lat.atan2(lon) + 0.000_003 * (lon * turn).cos();
    (radius * angle.sin() + 0.006, radius * angle.cos() + 0.0065)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(one: (f64, f64), other: (f64, f64), within: f64) -> bool {
        (one.0 - other.0).abs() < within && (one.1 - other.1).abs() < within
    }

    /// Made with eviltransform 0.1.1, `wgs2gcj` and `wgs2bd`; it takes the axis of WGS 84, and so differs by centimetres.
    const VECTORS: &[[(f64, f64); 3]] = &[
        [(31.177_427_6, 121.527_210_6), (31.175_303_9, 121.531_541_9), (31.181_328_6, 121.538_015_8)],
        [(39.908_724_3, 116.397_479_9), (39.910_127_8, 116.403_723_6), (39.916_467_1, 116.410_096_5)],
        [(22.543_1, 114.057_9), (22.540_382_8, 114.063_014_1), (22.546_041_5, 114.069_564_1)],
        [(43.825_6, 87.616_8), (43.826_805_4, 87.619_65), (43.832_949_8, 87.626_099_8)],
        [(24.745_690_9, 121.042_987_2), (24.742_996_6, 121.047_022_6), (24.748_944, 121.053_552_5)],
        [(22.319_3, 114.169_4), (22.316_550_8, 114.174_367_2), (22.322_222_3, 114.180_927_7)],
        [(37.566_5, 126.978), (37.567_402_1, 126.983_082_8), (37.573_539_2, 126.989_550_1)],
    ];

    #[test]
    fn places_are_shifted_as_others_shift_them() {
        for [wgs, gcj, bd] in VECTORS {
            assert!(near(Datum::Gcj02.from_wgs84(*wgs), *gcj, 1e-6), "{wgs:?}");
            assert!(near(Datum::Bd09.from_wgs84(*wgs), *bd, 1e-6), "{wgs:?}");
        }
    }

    #[test]
    fn outside_the_box_nothing_is_shifted() {
        for datum in Datum::ALL {
            assert_eq!(datum.from_wgs84((47.5, 8.5)), (47.5, 8.5));
            assert_eq!(datum.to_wgs84((-33.9, 151.2)), (-33.9, 151.2));
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_it_was(lat in 1.0..55.0_f64, lon in 73.0..137.0_f64) {
            for datum in Datum::ALL {
                let back = datum.to_wgs84(datum.from_wgs84((lat, lon)));
                prop_assert!(near(back, (lat, lon), 1e-8), "{datum:?} {back:?}");
            }
        }

        #[test]
        fn any_numbers_are_answered(lat: f64, lon: f64) {
            for datum in Datum::ALL {
                let _ = (datum.from_wgs84((lat, lon)), datum.to_wgs84((lat, lon)));
            }
        }
    }
}
