//! GCJ-02, the datum of Chinese maps: positions moved by some hundred metres, as published implementations have it.
//!
//! Written apart from what the audit reads with (`creance_place::datum`): a mistake in one of both shows in the truth.

use std::f64::consts::PI;

/// The ellipsoid of Krassovsky: half its long axis in metres, and the square of its eccentricity.
const AXIS: f64 = 6_378_245.0;
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;

/// Degrees of WGS 84, moved.
pub(crate) fn moved((lat, lon): (f64, f64)) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = |value: f64, by: f64| by * (value * PI).sin();
    let common = (wave(6.0 * x, 20.0) + wave(2.0 * x, 20.0)) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + common
        + (wave(y, 20.0) + wave(y / 3.0, 40.0)) * 2.0 / 3.0
        + (wave(y / 12.0, 160.0) + wave(y / 30.0, 320.0)) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + common
        + (wave(x, 20.0) + wave(x / 3.0, 40.0)) * 2.0 / 3.0
        + (wave(x / 12.0, 150.0) + wave(x / 30.0, 300.0)) * 2.0 / 3.0;
    let angle = lat.to_radians();
    let magic = 1.0 - ECCENTRICITY * angle.sin().powi(2);
    let root = magic.sqrt();
    let lat_moved = lat + north * 180.0 / (AXIS * (1.0 - ECCENTRICITY) / (magic * root) * PI);
    let lon_moved = lon + east * 180.0 / (AXIS / root * angle.cos() * PI);
    (lat_moved, lon_moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_cities_are_moved_as_others_move_them() {
        for (wgs, gcj) in [
            ((31.177_427_6, 121.527_210_6), (31.175_304_0, 121.531_541_9)),
            ((39.908_724_3, 116.397_479_9), (39.910_127_8, 116.403_723_5)),
            ((43.825_6, 87.616_8), (43.826_805_4, 87.619_649_9)),
        ] {
            let (lat, lon) = moved(wgs);
            assert!((lat - gcj.0).abs() < 1e-6 && (lon - gcj.1).abs() < 1e-6, "{lat} {lon}");
        }
    }
}
