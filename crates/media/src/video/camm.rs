//! Camera motion metadata (`camm`, developers.google.com/streetview/publish/camm-spec): packets of sensors, in Intel's order.
//!
//! ```text
//! 0 u16 · type u16 · type 5: latitude, longitude f64, degrees · altitude f64, metres
//!                    type 6: time f64, seconds since 1980 (GPS) · fix i32 · latitude, longitude f64 · altitude f32 · …
//! ```

use creance_cursor::{Cursor, Malformed};
use creance_model::{AltReference, Inspection, Role, Timestamp, Track, TrackPoint, is_place};

/// Points that are read.
const MOST: usize = 1 << 20;

/// Seconds from 1970 to 1980-01-06, and by how many the time of GPS is ahead of UTC since 2017.
const EPOCH: f64 = 315_964_800.0;
const AHEAD: f64 = 18.0;

/// The samples of a track.
#[derive(Default)]
pub(crate) struct Camm {
    points: Vec<TrackPoint>,
    /// Points of the tracks before: all of a film share a limit.
    taken: usize,
    beyond: usize,
    unread: usize,
}

impl Camm {
    /// Of a track that follows others of its film, which hold so many points.
    pub(crate) fn after(taken: usize) -> Self {
        Self { taken, ..Self::default() }
    }

    /// Reads a sample: packets behind each other, of which one whose length is not known ends what is read.
    pub(crate) fn sample(&mut self, sample: &[u8]) {
        let mut cursor = Cursor::new(sample);
        while !cursor.is_empty() {
            match packet(&mut cursor) {
                Ok(Packet::Place(point)) if !is_place(point.lat, point.lon) => {}
                Ok(Packet::Place(point)) if self.taken + self.points.len() < MOST => self.points.push(point),
                Ok(Packet::Place(_)) => self.beyond += 1,
                Ok(Packet::Other) => {}
                Ok(Packet::Unknown) | Err(_) => {
                    self.unread += 1;
                    return;
                }
            }
        }
    }

    /// Adds what the samples said.
    pub(crate) fn tell(self, inspection: &mut Inspection) {
        if self.unread > 0 {
            inspection.flaw("camm", 0, &format!("{} samples are cut, or of unknown kinds", self.unread));
        }
        if self.beyond > 0 {
            inspection.flaw("points", 0, &format!("{} are beyond the limit of {MOST}", self.beyond));
        }
        if !self.points.is_empty() {
            let (role, alt_reference) = (Role::Camera, Some(AltReference::Ellipsoid));
            let field = "camm".to_owned();
            inspection.tracks.push(Track { role, vehicle: None, alt_reference, points: self.points, field });
        }
    }
}

/// What a packet says.
enum Packet {
    Place(TrackPoint),
    /// Nothing of places.
    Other,
    /// Nobody knows, nor where it ends.
    Unknown,
}

fn packet(cursor: &mut Cursor<'_>) -> Result<Packet, Malformed> {
    cursor.take("camm reserved", 2)?;
    let kind = cursor.u16_le("camm type")?;
    let others = match kind {
        5 => {
            let [lat, lon, alt] = [
                cursor.f64_le("camm latitude")?,
                cursor.f64_le("camm longitude")?,
                cursor.f64_le("camm altitude")?,
            ];
            return Ok(Packet::Place(TrackPoint::new(
                None,
                lat,
                lon,
                Some(alt).filter(|metres| metres.is_finite()),
            )));
        }
        6 => {
            let time = cursor.f64_le("camm time")?;
            let fix = cursor.i32_le("camm fix")?;
            let [lat, lon] = [cursor.f64_le("camm latitude")?, cursor.f64_le("camm longitude")?];
            let alt = f32::from_le_bytes(cursor.array("camm altitude")?);
            cursor.take("camm accuracies and speeds", 24)?;
            if fix < 2 {
                return Ok(Packet::Other);
            }
            let alt = Some(f64::from(alt)).filter(|metres| fix > 2 && metres.is_finite());
            return Ok(Packet::Place(TrackPoint::new(moment(time), lat, lon, alt)));
        }
        // Angles, exposure, rates of turn, acceleration, position, magnetic field.
        1 => 8,
        0 | 2..=4 | 7 => 12,
        _ => return Ok(Packet::Unknown),
    };
    cursor.take("camm packet", others)?;
    Ok(Packet::Other)
}

/// A time of GPS, of this century.
fn moment(seconds: f64) -> Option<Timestamp> {
    let nanos = (seconds + EPOCH - AHEAD) * 1e9;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by a century")]
    (seconds > 0.0 && nanos < 4.1e18).then(|| Timestamp::from_secs(0).plus_nanos(nanos as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_kinds_of_places_are_read_among_other_packets() {
        let packet = |kind: u16, content: &[u8]| [&[0, 0], &kind.to_le_bytes()[..], content].concat();
        let numbers = |all: &[f64]| all.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<u8>>();
        let timed = |fix: i32| {
            let time = numbers(&[1_261_872_018.0]);
            let alt = 412.5_f32.to_le_bytes();
            packet(6, &[&time[..], &fix.to_le_bytes(), &numbers(&[47.6, -8.25]), &alt, &[0; 24]].concat())
        };
        let mut camm = Camm::default();
        camm.sample(&packet(2, &[0; 12]));
        camm.sample(
            &[packet(1, &[0; 8]), packet(5, &numbers(&[47.5, -8.25, 400.0])), timed(3), timed(0)].concat(),
        );
        camm.sample(&packet(9, &[]));
        let mut inspection = Inspection::of("mp4");
        camm.tell(&mut inspection);
        let points = &inspection.tracks[0].points;
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].lat, points[0].lon, points[0].alt_m), (47.5, -8.25, Some(400.0)));
        assert_eq!((points[1].lat, points[1].alt_m), (47.6, Some(412.5)));
        // 2020-01-01 is 1,261,872,000 seconds behind the epoch of GPS, leap seconds left out.
        assert_eq!(points[1].time, Timestamp::parse("2020-01-01T00:00:00Z"));
        assert_eq!(inspection.damage.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0_u8..9) {
            let mut camm = Camm::default();
            camm.sample(&bytes);
            camm.sample(&[&[0, 0, kind, 0], &bytes[..]].concat());
            let mut inspection = Inspection::of("mp4");
            camm.tell(&mut inspection);
            prop_assert!(inspection.tracks.iter().flat_map(|track| &track.points).all(|point| is_place(point.lat, point.lon)));
        }
    }
}
