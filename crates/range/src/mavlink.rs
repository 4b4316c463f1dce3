//! MAVLink 2 frames of the aircraft and its ground station (mavlink.io, common.xml).
//!
//! ```text
//! FD │ length │ 0 │ 0 │ sequence │ system │ component │ message (3, LE) │ payload │ X.25 checksum (2, LE)
//! ```
//!
//! Zeros at the end of a payload are left out, as version 2 has it.

use std::time::Duration;

use crate::flight::{GROUND, Sample};

/// Whoever sends: the aircraft is 1/1, the station 255/190.
pub(crate) struct Sender {
    system: u8,
    component: u8,
    sequence: u8,
}

/// Armed, stabilised, guided.
const ARMED: u8 = 0x80;
const STABILISED: u8 = 0x51;

impl Sender {
    pub(crate) const fn aircraft() -> Self {
        Self { system: 1, component: 1, sequence: 0 }
    }

    pub(crate) const fn station() -> Self {
        Self { system: 255, component: 190, sequence: 0 }
    }

    fn frame(&mut self, message: u32, extra: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
        let payload = payload.get(..length).unwrap_or_default();
        let [low, middle, high, _] = message.to_le_bytes();
        let mut frame = vec![
            0xfd,
            u8::try_from(length).unwrap_or_default(),
            0,
            0,
            self.sequence,
            self.system,
            self.component,
            low,
            middle,
            high,
        ];
        self.sequence = self.sequence.wrapping_add(1);
        frame.extend(payload);
        let checksum = checksum(frame.iter().skip(1).chain([&extra]));
        frame.extend(checksum.to_le_bytes());
        frame
    }

    /// HEARTBEAT of a quadrotor with ArduPilot.
    pub(crate) fn heartbeat(&mut self, flying: bool) -> Vec<u8> {
        let (mode, status) = if flying { (STABILISED | ARMED, 4) } else { (STABILISED, 3) };
        self.frame(0, 50, &[0, 0, 0, 0, 2, 3, mode, status, 3])
    }

    /// HEARTBEAT of a ground station.
    pub(crate) fn station_heartbeat(&mut self) -> Vec<u8> {
        self.frame(0, 50, &[0, 0, 0, 0, 6, 8, 0, 4, 3])
    }

    /// `GLOBAL_POSITION_INT`.
    pub(crate) fn position(&mut self, sample: &Sample, since_boot: Duration) -> Vec<u8> {
        let millis = u32::try_from(since_boot.as_millis()).unwrap_or_default();
        let mut payload = millis.to_le_bytes().to_vec();
        for value in [scaled(sample.lat, 1e7), scaled(sample.lon, 1e7)] {
            payload.extend(value.to_le_bytes());
        }
        for value in [scaled(sample.height + GROUND, 1e3), scaled(sample.height, 1e3)] {
            payload.extend(value.to_le_bytes());
        }
        for value in sample.speed {
            payload.extend(small(value, 1e2).to_le_bytes());
        }
        let heading = u16::try_from(scaled(sample.heading, 1e2)).unwrap_or(u16::MAX);
        payload.extend(heading.to_le_bytes());
        self.frame(33, 104, &payload)
    }

    /// `GPS_RAW_INT` with a fix in three dimensions.
    pub(crate) fn gps(&mut self, sample: &Sample, unix_micros: u64) -> Vec<u8> {
        let mut payload = unix_micros.to_le_bytes().to_vec();
        for value in [scaled(sample.lat, 1e7), scaled(sample.lon, 1e7), scaled(sample.height + GROUND, 1e3)] {
            payload.extend(value.to_le_bytes());
        }
        let speed = u16::try_from(scaled(sample.speed[0].hypot(sample.speed[1]), 1e2)).unwrap_or_default();
        let course = u16::try_from(scaled(sample.heading, 1e2)).unwrap_or(u16::MAX);
        for value in [82, 110, speed, course] {
            payload.extend(value.to_le_bytes());
        }
        payload.extend([3, 14]);
        self.frame(24, 24, &payload)
    }

    /// `STATUSTEXT` of a notice; fifty letters fit.
    pub(crate) fn says(&mut self, words: &str) -> Vec<u8> {
        let words = words.bytes().take(50);
        self.frame(253, 83, &[6].into_iter().chain(words).collect::<Vec<u8>>())
    }

    /// `EXTENDED_SYS_STATE`: in the air or on the ground.
    pub(crate) fn landed(&mut self, flying: bool) -> Vec<u8> {
        self.frame(245, 130, &[0, if flying { 2 } else { 1 }])
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees, metres and their speeds fit; others saturate")]
fn scaled(value: f64, by: f64) -> i32 {
    (value * by).round() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "speeds fit; others saturate")]
fn small(value: f64, by: f64) -> i16 {
    (value * by).round() as i16
}

/// CRC-16/MCRF4XX.
fn checksum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u16 {
    bytes.fold(0xffff, |crc: u16, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_catalogue() {
        // "123456789" gives 0x6f91 (reveng's catalogue of CRC algorithms, CRC-16/MCRF4XX).
        assert_eq!(checksum(b"123456789".iter()), 0x6f91);
    }

    #[test]
    fn frames_count_up_and_leave_zeros_out() {
        let mut sender = Sender::aircraft();
        let (first, second) = (sender.landed(true), sender.heartbeat(true));
        assert_eq!(first.get(..10), Some([0xfd, 2, 0, 0, 0, 1, 1, 245, 0, 0].as_slice()));
        assert_eq!((second[4], second[1], second.len()), (1, 9, 21));
    }
}
