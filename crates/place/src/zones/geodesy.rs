//! Metres on the ellipsoid of WGS 84.
//!
//! Near a place the ellipsoid is a plane whose degrees have a length each way ([`Scale`]); far away, and near the poles, the
//! geodesic is solved as Karney does (`geographiclib-rs`), which fails nowhere.

use geographiclib_rs::{Geodesic, InverseGeodesic as _};

/// Degrees east and north, as the formats write them.
pub type Position = [f64; 2];

/// Equatorial radius in metres, and the square of the eccentricity.
const RADIUS: f64 = 6_378_137.0;
const E2: f64 = 0.006_694_379_990_141_317;

/// Metres of the shortest degree of latitude there is.
pub(super) const SHORTEST_DEGREE: f64 = 110_574.0;

/// Metres of the geodesic between two places.
pub(super) fn geodesic(from: Position, to: Position) -> f64 {
    let [[lon, lat], [to_lon, to_lat]] = [from, to];
    let metres: f64 = Geodesic::wgs84().inverse(lat, lon, to_lat, to_lon);
    metres
}

/// Metres of a degree of longitude and of one of latitude, at a latitude.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) east: f64,
    pub(super) north: f64,
}

impl Scale {
    pub(super) fn at(lat: f64) -> Self {
        let (sin, cos) = lat.to_radians().sin_cos();
        let flat = 1.0 - E2 * sin * sin;
        let across = RADIUS / flat.sqrt();
        Self { east: (across * cos.max(0.0)).to_radians(), north: (across * (1.0 - E2) / flat).to_radians() }
    }
}

/// Metres up to which, and the latitude below which, the plane is good to a few centimetres.
const NEAR: f64 = 3_000.0;
const TAME: f64 = 80.0;

/// Metres between two places whose longitudes are less than 180° apart as numbers: on the plane where it is good enough.
pub(super) fn metres(from: Position, to: Position) -> f64 {
    let [[lon, lat], [to_lon, to_lat]] = [from, to];
    let scale = Scale::at(f64::midpoint(lat, to_lat));
    let flat = ((to_lon - lon) * scale.east).hypot((to_lat - lat) * scale.north);
    if flat <= NEAR && lat.abs() <= TAME { flat } else { geodesic(from, to) }
}

/// Pieces of one edge, and how far their chords may lie from it, in metres.
const MOST_PIECES: usize = 1 << 14;
const FLAT: f64 = 0.05;

/// Adds what lies between two corners on the geodesic, such that straight lines between the points keep to it within some
/// centimetres. Longitudes go on from that of `from` without a jump. `false`: more pieces would be needed than `room`.
pub(super) fn follow(from: Position, to: Position, room: &mut usize, out: &mut Vec<Position>) -> bool {
    let start = out.len();
    // Halves that are still to be looked at; the one nearest to `from` last.
    let mut waiting = vec![to];
    let mut last = from;
    while let Some(next) = waiting.pop() {
        let middle = midpoint(last, next);
        let chord = [f64::midpoint(last[0], next[0]), f64::midpoint(last[1], next[1])];
        let scale = Scale::at(middle[1]);
        let off = ((middle[0] - chord[0]) * scale.east).hypot((middle[1] - chord[1]) * scale.north);
        if off > FLAT && waiting.len() < 40 {
            if *room == 0 || out.len() - start > MOST_PIECES {
                out.truncate(start);
                return false;
            }
            *room -= 1;
            waiting.push(next);
            waiting.push(middle);
            continue;
        }
        last = next;
        if !waiting.is_empty() {
            out.push(next);
        }
    }
    true
}

/// The middle of a geodesic, with a longitude between those of its ends as numbers.
fn midpoint(from: Position, to: Position) -> Position {
    use geographiclib_rs::DirectGeodesic as _;
    let [[lon, lat], [to_lon, to_lat]] = [from, to];
    let (metres, azimuth, _, _) = Geodesic::wgs84().inverse(lat, lon, to_lat, to_lon);
    let metres: f64 = metres;
    let (middle_lat, middle_lon): (f64, f64) = Geodesic::wgs84().direct(lat, lon, azimuth, metres / 2.0);
    let around = ((f64::midpoint(lon, to_lon) - middle_lon) / 360.0).round() * 360.0;
    [middle_lon + around, middle_lat]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_and_the_geodesic_agree() {
        for lat in [0.0, 30.0, -47.0, 79.0] {
            let (from, to) = ([8.0, lat], [8.02, lat + 0.01]);
            let flat = metres(from, to);
            assert!((flat - geodesic(from, to)).abs() < 0.02, "{lat}: {flat}");
        }
        assert!((geodesic([0.0, 0.0], [180.0, 0.0]) - 20_003_931.459).abs() < 0.01, "over the pole");
    }

    #[test]
    fn a_long_edge_is_followed() {
        let mut points = Vec::new();
        let mut room = 100_000;
        assert!(follow([7.0, 60.0], [8.0, 60.0], &mut room, &mut points));
        let top = points.iter().map(|[_, lat]| *lat).fold(0.0, f64::max);
        // L² tan φ / 8R: 106 m over 55.8 km at 60°.
        let rise = (top - 60.0) * Scale::at(60.0).north;
        assert!((100.0..112.0).contains(&rise), "{rise}");
        assert!(points.windows(2).all(|two| two[0][0] < two[1][0]) && points.len() < 200);
        assert!(!follow([7.0, 60.0], [8.0, 60.0], &mut 3, &mut points));
    }
}
