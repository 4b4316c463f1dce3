//! When the sun rises and sets, by the equations of NOAA's solar calculator, which follow Meeus, *Astronomical Algorithms*.
//!
//! Good to about a minute below 72° of latitude; refraction, the horizon and the height above it do more than that.

/// An event of a day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Morning civil twilight begins (BMCT): the sun stands 6° below the horizon.
    Dawn,
    /// Sunrise (SR): its upper edge appears, 0.833° below with refraction.
    Rise,
    /// Sunset (SS).
    Set,
    /// Evening civil twilight ends (EECT).
    Dusk,
}

/// When an event happens on the day whose local noon is nearest to noon of the `day` (days since 1970, by local mean time), in Unix
/// seconds. `None`: the sun does not reach that height on that day.
pub(super) fn moment(event: Event, day: i64, lat: f64, lon: f64) -> Option<f64> {
    let (height, sign) = match event {
        Event::Dawn => (-6.0_f64, -1.0),
        Event::Rise => (-0.833, -1.0),
        Event::Set => (-0.833, 1.0),
        Event::Dusk => (-6.0, 1.0),
    };
    #[expect(clippy::cast_precision_loss, reason = "days of a few centuries")]
    let noon = day as f64 * 86_400.0 + 43_200.0 - lon * 240.0;
    // The sun moves between noon and the event: twice is enough.
    let mut moment = noon;
    for _ in 0..3 {
        let (declination, equation) = sun(moment);
        let (sin_lat, cos_lat) = lat.to_radians().sin_cos();
        let (along, across) = declination.sin_cos();
        let angle = (height.to_radians().sin() - sin_lat * along) / (cos_lat * across);
        if !(-1.0..=1.0).contains(&angle) {
            return None;
        }
        moment = noon - equation * 60.0 + sign * angle.acos().to_degrees() * 240.0;
    }
    Some(moment)
}

/// The declination in radians, and the equation of time in minutes.
fn sun(unix: f64) -> (f64, f64) {
    let t = (unix / 86_400.0 + 2_440_587.5 - 2_451_545.0) / 36_525.0;
    let mean = (280.466_46 + t * (36_000.769_83 + t * 0.000_303_2)).to_radians();
    let anomaly = (357.529_11 + t * (35_999.050_29 - 0.000_153_7 * t)).to_radians();
    let eccentricity = 0.016_708_634 - t * (0.000_042_037 + 0.000_000_126_7 * t);
    let centre = anomaly.sin() * (1.914_602 - t * (0.004_817 + 0.000_014 * t))
        + (2.0 * anomaly).sin() * (0.019_993 - 0.000_101 * t)
        + (3.0 * anomaly).sin() * 0.000_289;
    let node = (125.04 - 1934.136 * t).to_radians();
    let apparent = mean + (centre - 0.005_69 - 0.004_78 * node.sin()).to_radians();
    let obliquity = (23.439_291 - t * 0.013_004_2 + 0.002_56 * node.cos()).to_radians();
    let declination = (obliquity.sin() * apparent.sin()).asin();
    let y = (obliquity / 2.0).tan().powi(2);
    let equation = y * (2.0 * mean).sin() - 2.0 * eccentricity * anomaly.sin()
        + 4.0 * eccentricity * y * anomaly.sin() * (2.0 * mean).cos()
        - 0.5 * y * y * (4.0 * mean).sin()
        - 1.25 * eccentricity * eccentricity * (2.0 * anomaly).sin();
    (declination, 4.0 * equation.to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes of a day, UTC.
    #[expect(clippy::cast_precision_loss, reason = "days of this century")]
    fn clock(event: Event, day: i64, lat: f64, lon: f64) -> Option<f64> {
        moment(event, day, lat, lon).map(|moment| (moment - day as f64 * 86_400.0) / 60.0)
    }

    #[test]
    fn known_days() {
        // Greenwich at the equinox of 2024 (20 March, day 19802): rise 06:04, set 18:13 UTC, as almanacs say.
        assert!((clock(Event::Rise, 19_802, 51.48, 0.0).unwrap() - 364.0).abs() < 2.5);
        assert!((clock(Event::Set, 19_802, 51.48, 0.0).unwrap() - 1093.0).abs() < 2.5);
        // Civil twilight lasts about 33 minutes there.
        let dusk =
            clock(Event::Dusk, 19_802, 51.48, 0.0).unwrap() - clock(Event::Set, 19_802, 51.48, 0.0).unwrap();
        assert!((31.0..36.0).contains(&dusk), "{dusk}");
        // Midsummer beyond the polar circle: no sunset.
        assert_eq!(moment(Event::Set, 19_895, 70.0, 20.0), None);
    }
}
