//! The many ways in which one place can be written.

use serde_json::{Value, json};

/// A way, and the place written so.
pub(crate) fn by_chance((lat, lon): (f64, f64), random: &mut fastrand::Rng) -> (&'static str, Value) {
    match random.u8(0..5) {
        0 => ("e7", json!({"latE7": scaled(lat), "lngE7": scaled(lon)})),
        1 => {
            ("dms", json!({"pos": format!("{} {}", sexagesimal(lat, "N", "S"), sexagesimal(lon, "E", "W"))}))
        }
        2 => ("radians", json!({"lat_rad": lat.to_radians(), "lon_rad": lon.to_radians()})),
        3 => ("pair", json!({"coordinates": [lon, lat]})),
        _ => ("text", json!({"pos": format!("{lat:.6},{lon:.6}")})),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees fit")]
fn scaled(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}

fn sexagesimal(degrees: f64, positive: &str, negative: &str) -> String {
    let letter = if degrees < 0.0 { negative } else { positive };
    let whole = degrees.abs();
    let minutes = whole.fract() * 60.0;
    format!("{:.0}°{:02.0}'{:05.2}\"{letter}", whole.trunc(), minutes.trunc(), minutes.fract() * 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_minutes_and_seconds_are_those_of_the_place() {
        assert_eq!(sexagesimal(-93.504_166_7, "E", "W"), "93°30'15.00\"W");
    }
}
