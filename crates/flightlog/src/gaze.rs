//! Where the cameras of a log look: its angles stand apart from its places, and come at other times.

use std::collections::BTreeMap;

use creance_model::{Gaze, Timestamp};

/// Aircraft whose cameras are followed.
const MOST: usize = 256;

/// Nanoseconds that a word of a gimbal or compass holds: gimbals speak once a second at least, and what is silent may have
/// turned since.
const HOLDS: i64 = 2_000_000_000;

/// What the yaw of a gimbal counts from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Yaw {
    /// From true north.
    Earth,
    /// From where the aircraft heads.
    Vehicle,
}

impl Yaw {
    /// By the flags of a gimbal: `GIMBAL_DEVICE_FLAGS` of MAVLink, which PX4 logs as well. Gimbals that set neither of the
    /// flags for it count from north where they lock it.
    pub(crate) const fn by_flags(flags: u16) -> Self {
        let [lock, vehicle, earth] = [flags & 16 != 0, flags & 32 != 0, flags & 64 != 0];
        if earth || lock && !vehicle { Self::Earth } else { Self::Vehicle }
    }
}

/// Degrees of yaw, pitch and roll of a rotation (w, x, y, z; axes forward, right, down); `None` of what is no rotation.
pub(crate) fn angles([w, x, y, z]: [f64; 4]) -> Option<[f64; 3]> {
    let norm = w * w + x * x + y * y + z * z;
    (0.9..1.1).contains(&norm).then(|| {
        let pitch = (2.0 * (w * y - z * x) / norm).clamp(-1.0, 1.0).asin();
        let yaw = (2.0 * (w * z + x * y)).atan2(w * w + x * x - y * y - z * z);
        let roll = (2.0 * (w * x + y * z)).atan2(w * w - x * x - y * y + z * z);
        [yaw, pitch, roll].map(f64::to_degrees)
    })
}

/// The last words of the cameras of each aircraft.
#[derive(Debug, Default)]
pub(crate) struct Gazes(BTreeMap<String, Last>);

/// The last words of one.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    gimbal: Option<(Timestamp, [f64; 3], Yaw)>,
    heading: Option<(Timestamp, f64)>,
    /// How wide the picture is: at a moment, and always.
    zoom: Option<(Timestamp, f64)>,
    width: Option<f64>,
}

impl Gazes {
    fn of(&mut self, vehicle: &str) -> Option<&mut Last> {
        if self.0.len() >= MOST && !self.0.contains_key(vehicle) {
            return None;
        }
        Some(self.0.entry(vehicle.to_owned()).or_default())
    }

    /// Yaw, pitch and roll of a gimbal, in degrees.
    pub(crate) fn gimbal(&mut self, vehicle: &str, time: Timestamp, angles: [f64; 3], yaw: Yaw) {
        if let Some(last) = self.of(vehicle) {
            last.gimbal = Some((time, angles, yaw));
        }
    }

    /// Degrees from true north to where an aircraft heads.
    pub(crate) fn heading(&mut self, vehicle: &str, time: Timestamp, degrees: f64) {
        if let Some(last) = self.of(vehicle) {
            last.heading = Some((time, degrees));
        }
    }

    /// Degrees that the picture is wide at a moment.
    pub(crate) fn zoom(&mut self, vehicle: &str, time: Timestamp, degrees: f64) {
        if let Some(last) = self.of(vehicle) {
            last.zoom = Some((time, degrees));
        }
    }

    /// Degrees that pictures are wide unless something else is said at a moment.
    pub(crate) fn width(&mut self, vehicle: &str, degrees: f64) {
        if let Some(last) = self.of(vehicle).filter(|_| degrees > 0.0) {
            last.width = Some(degrees);
        }
    }

    /// Where the camera of an aircraft looks at a moment.
    pub(crate) fn at(&self, vehicle: &str, time: Timestamp) -> Option<Gaze> {
        let last = self.0.get(vehicle)?;
        let fresh = |told: Timestamp| time.since(told).abs() <= HOLDS;
        let (_, [yaw, pitch, roll], from) = last.gimbal.filter(|(told, ..)| fresh(*told))?;
        let north = match from {
            Yaw::Earth => 0.0,
            Yaw::Vehicle => last.heading.filter(|(told, _)| fresh(*told))?.1,
        };
        let zoom = last.zoom.filter(|(told, _)| fresh(*told)).map(|(_, degrees)| degrees);
        Some(Gaze::of([(yaw + north).rem_euclid(360.0), pitch, roll])?.with_width(zoom))
    }

    /// Degrees that pictures of an aircraft are always wide.
    pub(crate) fn width_of(&self, vehicle: &str) -> Option<f64> {
        self.0.get(vehicle)?.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    #[test]
    fn yaw_counts_from_what_the_flags_say() {
        for (flags, from) in [
            (0x20 | 0xc, Yaw::Vehicle),
            (0x40 | 0xc, Yaw::Earth),
            (0x10, Yaw::Earth),
            (0, Yaw::Vehicle),
            (0x10 | 0x20, Yaw::Vehicle),
        ] {
            assert_eq!(Yaw::by_flags(flags), from, "{flags}");
        }
    }

    #[test]
    fn a_yaw_of_the_aircraft_needs_its_heading_and_words_grow_old() {
        let mut gazes = Gazes::default();
        gazes.gimbal("1", second(10), [350.0, -30.0, 0.0], Yaw::Vehicle);
        assert_eq!(gazes.at("1", second(10)), None, "the heading is not known");
        gazes.heading("1", second(9), 90.0);
        gazes.width("1", 60.0);
        let gaze = gazes.at("1", second(11)).unwrap();
        assert_eq!((gaze.yaw, gaze.pitch, gaze.field_of_view), (80.0, -30.0, None));
        gazes.zoom("1", second(11), 20.0);
        assert_eq!(gazes.at("1", second(11)).unwrap().field_of_view, Some(20.0));
        assert_eq!((gazes.at("1", second(12)), gazes.at("2", second(10))), (None, None));
        gazes.gimbal("1", second(20), [10.0, -30.0, 0.0], Yaw::Earth);
        assert_eq!(gazes.at("1", second(20)).map(|gaze| gaze.yaw), Some(10.0));
        assert_eq!(gazes.width_of("1"), Some(60.0));
    }

    proptest! {
        #[test]
        fn a_rotation_gives_the_angles_that_it_was_made_of(
            yaw in -179.0_f64..179.0, pitch in -89.0_f64..89.0, roll in -179.0_f64..179.0, w in -2.0_f64..2.0,
        ) {
            let half = |degrees: f64| (degrees / 2.0).to_radians().sin_cos();
            let ((sy, cy), (sp, cp), (sr, cr)) = (half(yaw), half(pitch), half(roll));
            let rotation = [
                cr * cp * cy + sr * sp * sy,
                sr * cp * cy - cr * sp * sy,
                cr * sp * cy + sr * cp * sy,
                cr * cp * sy - sr * sp * cy,
            ];
            let found = angles(rotation).unwrap();
            for (found, made) in found.into_iter().zip([yaw, pitch, roll]) {
                prop_assert!((found - made).abs() < 1e-6, "{} {}", found, made);
            }
            prop_assert!(angles([w, f64::NAN, 0.0, 0.0]).is_none() && angles([0.0; 4]).is_none());
        }
    }
}
