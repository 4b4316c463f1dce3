//! What the aircraft says to all who listen: Open Drone ID (ASTM F3411-22a, ASD-STAN EN 4709-002) in beacons of Wi-Fi.
//!
//! ```text
//! radiotap │ beacon (IEEE 802.11 §9.3.3.2) │ SSID │ rates │ DD length FA 0B BC 0D counter │ F2 19 count │ messages of 25 bytes
//! ```
//!
//! A beacon a second from switching on to switching off, in a capture of its own: a radio in monitor mode hears it, the
//! tablet does not. It is no leak of the app: the law asks for it.

use std::{io, time::Duration};

use creance_capture::write::PcapngWriter;
use creance_model::LinkType;

use crate::{
    flight::{GROUND, Sample},
    moment::Clock,
    person::Owner,
    plan::Plan,
};

/// Version 2 of F3411, in the low half of each first byte.
const VERSION: u8 = 2;

/// The address that sends: locally administered, as all of the range.
const SENDER: [u8; 6] = [0x02, 0x1c, 0x42, 0x00, 0x00, 0x02];

/// Seconds of Unix at 2019-01-01, from where the standard counts.
const EPOCH: i64 = 1_546_300_800;

/// Degrees of 10⁻⁷.
const DEGREE: f64 = 1e7;

/// The capture of a radio nearby; nothing where the aircraft is never on.
pub(crate) fn capture(plan: &Plan, owner: &Owner, clock: &Clock) -> io::Result<Vec<u8>> {
    let mut writer = PcapngWriter::new(Vec::new(), LinkType::IEEE802_11_RADIOTAP, false)?;
    let mut beacons = 0_u8;
    for (sample, number) in plan.track.seconds(Duration::ZERO, plan.drone_off).zip(0_u16..) {
        let messages = messages(sample, plan.track.home, &owner.serial, clock);
        let frame = beacon(&messages, beacons, number, sample.time.saturating_sub(plan.drone_on));
        beacons = beacons.wrapping_add(1);
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        writer.packet(clock.at(sample.time), length, &frame)?;
    }
    Ok(if beacons == 0 && plan.track.samples.is_empty() { Vec::new() } else { writer.into_inner() })
}

/// Basic ID, Location, System.
fn messages(sample: &Sample, (lat, lon): (f64, f64), serial: &str, clock: &Clock) -> [[u8; 25]; 3] {
    let now = clock.at(sample.time);
    let mut id = vec![VERSION, 1 << 4 | 2];
    id.extend(serial.bytes().take(20));

    let [north, east, down] = sample.speed;
    let heading = number(sample.heading, 1.0, 0.0).rem_euclid(360);
    let (status, west) = (if sample.flying { 2 } else { 1 }, u8::from(heading >= 180));
    let mut location = vec![1 << 4 | VERSION, status << 4 | west << 1];
    location.push(byte(heading - i64::from(west) * 180));
    location.push(byte(number(north.hypot(east), 4.0, 0.0)));
    location.push(i8::try_from(number(-down, 2.0, 0.0)).unwrap_or(126).to_le_bytes()[0]);
    location.extend(degrees(sample.lat, sample.lon));
    let height = sample.height + GROUND;
    location.extend([altitude(height), altitude(height), altitude(sample.height)].concat());
    // Accuracies: 10 m across, 10 m up, 1 m/s.
    location.extend([4 << 4 | 0xa, 3]);
    let tenths = now.as_nanos() / 100_000_000 % 36_000;
    location.extend(u16::try_from(tenths).unwrap_or(u16::MAX).to_le_bytes());
    location.push(1);

    // The operator is where was taken off.
    let mut system = vec![4 << 4 | VERSION, 0];
    system.extend(degrees(lat, lon));
    system.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    system.extend(altitude(GROUND));
    let seconds = now.as_nanos() / 1_000_000_000 - EPOCH;
    system.extend(u32::try_from(seconds).unwrap_or_default().to_le_bytes());

    [id, location, system].map(|said| std::array::from_fn(|at| said.get(at).copied().unwrap_or_default()))
}

fn beacon(messages: &[[u8; 25]], counter: u8, sequence: u16, since_boot: Duration) -> Vec<u8> {
    // Radiotap without a field: what a radio adds of itself is not played.
    let mut frame = vec![0, 0, 8, 0, 0, 0, 0, 0];
    frame.extend([0x80, 0, 0, 0]);
    frame.extend([[0xff; 6], SENDER, SENDER].concat());
    frame.extend((sequence << 4).to_le_bytes());
    frame.extend(u64::try_from(since_boot.as_micros()).unwrap_or_default().to_le_bytes());
    // Every 100 units of 1024 µs; an infrastructure.
    frame.extend([100, 0, 1, 0]);
    let mut pack = vec![0xfa, 0x0b, 0xbc, 0x0d, counter, 0xf0 | VERSION, 25];
    pack.push(u8::try_from(messages.len()).unwrap_or_default());
    pack.extend(messages.concat());
    let rates = [0x82, 0x84, 0x8b, 0x96];
    let elements: [(u8, &[u8]); 4] = [(0, b"RID"), (1, &rates), (3, &[6]), (0xdd, &pack)];
    for (kind, body) in elements {
        frame.push(kind);
        frame.push(u8::try_from(body.len()).unwrap_or_default());
        frame.extend(body);
    }
    frame
}

fn degrees(lat: f64, lon: f64) -> Vec<u8> {
    let of = |value| i32::try_from(number(value, DEGREE, 0.0)).unwrap_or_default().to_le_bytes();
    [of(lat), of(lon)].concat()
}

/// Half metres above −1000 m.
fn altitude(metres: f64) -> Vec<u8> {
    u16::try_from(number(metres, 2.0, 2000.0)).unwrap_or_default().to_le_bytes().to_vec()
}

fn byte(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "degrees, metres and their speeds fit; others saturate")]
fn number(value: f64, by: f64, and: f64) -> i64 {
    value.mul_add(by, and).round() as i64
}
