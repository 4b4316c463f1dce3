//! MAVLink telemetry logs (`.tlog`, as `QGroundControl` and Mission Planner write them).
//!
//! ```text
//! ┌──────────────────────┬───────────────┬──────────────────────┬──
//! │ µs since 1970, u64 BE│ MAVLink frame │ µs since 1970, u64 BE│ …
//! └──────────────────────┴───────────────┴──────────────────────┴──
//! ```
//!
//! Messages without a definition in `creance_wire::mavlink` are passed over by the length that they state; where no frame
//! is, reading goes on a byte at a time until the next good one.

use std::collections::BTreeSet;

use creance_model::{
    AltReference, Component, DataClass, Field, Inspection, Refusal, Role, ScrubRequest, Scrubbed, Spot,
    Timestamp, TrackPoint, Value,
};
use creance_wire::mavlink::{self, Vehicles};

use crate::{
    Format, Options,
    ardupilot::{sentence, setting},
    record::{Holds, Record, Whose},
};

pub(crate) const FORMAT: Format = Format { name: "tlog", is, read, scrub };

/// Whether the log begins with a time between 2000 and 2100 and the first byte of a frame.
fn is(head: &[u8]) -> bool {
    let stamp = head.first_chunk().map_or(0, |stamp| u64::from_be_bytes(*stamp));
    let dated = (946_684_800_000_000..4_102_444_800_000_000).contains(&stamp);
    dated && matches!(head.get(8), Some(0xfe | 0xfd))
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut log = Log {
        record: Record::of("tlog", Holds::Beats, "HEARTBEAT"),
        vehicles: Vehicles::default(),
        stations: BTreeSet::new(),
    };
    let (mut at, mut lost) = (0, 0);
    while let Some((stamp, rest)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let known = mavlink::parse_frame(rest);
        let unread = || mavlink::unread_length(rest).filter(|length| follows(rest, *length));
        let Some(length) = known.as_ref().map(|(_, length)| *length).or_else(unread) else {
            at += 1;
            continue;
        };
        if lost < at {
            log.record.flaw("frame", lost, &format!("{} bytes are no frame", at - lost));
        }
        at += 8 + length;
        lost = at;
        let micros = i64::try_from(u64::from_be_bytes(*stamp));
        if let (Some((frame, _)), Ok(micros)) = (known, micros) {
            log.take(&frame, Timestamp::from_nanos(micros.saturating_mul(1000)));
        }
    }
    if lost < bytes.len() {
        log.record.flaw("frame", lost, &format!("{} bytes at the end are no frame", bytes.len() - lost));
    }
    log.record.finish(Some(0))
}

/// Whether the log goes on, or ends, behind a frame whose checksum cannot be tried.
fn follows(rest: &[u8], length: usize) -> bool {
    rest.get(length..).is_some_and(|next| next.is_empty() || is(next))
}

/// A log being read.
struct Log {
    record: Record,
    vehicles: Vehicles,
    /// Systems that say that they are ground stations: where those are, somebody who flies is.
    stations: BTreeSet<u8>,
}

impl Log {
    fn take(&mut self, frame: &mavlink::Frame, time: Timestamp) {
        let Some(fields) = self.vehicles.fields(frame, time) else { return };
        let said = Said(&fields);
        let record = &mut self.record;
        record.moment(time);
        let message = said.text("message").unwrap_or_default();
        let vehicle = match said.value("vehicle") {
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Text(name)) => name.clone(),
            _ => return,
        };
        // MAV_TYPE_GCS
        if said.integer("type") == Some(6) {
            self.stations.insert(frame.system);
        }
        if let Some(Value::Flag(flying)) = said.value("flying") {
            record.state(&vehicle, time, *flying);
        }
        let station = self.stations.contains(&frame.system);
        for (prefix, role) in [
            ("", if station { Role::Operator } else { Role::Aircraft }),
            ("other_", Role::Aircraft),
            ("operator_", Role::Operator),
        ] {
            if let Some((lat, lon)) = said.place(prefix) {
                let whose = Whose {
                    role,
                    vehicle: Some(&vehicle),
                    alt_reference: Some(AltReference::Amsl),
                    field: message,
                };
                let alt_m = said.number(&format!("{prefix}alt_m"));
                record.point(whose, TrackPoint { time: Some(time), lat, lon, alt_m });
            }
        }
        for (prefix, role) in [("home_", Role::Home), ("target_", Role::Target), ("camera_", Role::Camera)] {
            let spot = said.place(prefix).and_then(|(lat, lon)| Spot::new(role, lat, lon, message));
            if let Some(spot) = spot {
                // A mission's heights may count from anything; its frame is not followed.
                let alt_reference = (role != Role::Target).then_some(AltReference::Amsl);
                let alt_m = said.number(&format!("{prefix}alt_m"));
                record.spot(Spot {
                    alt_m,
                    alt_reference: alt_reference.filter(|_| alt_m.is_some()),
                    time: (role != Role::Target).then_some(time),
                    ..spot
                });
            }
        }
        self.names(&said, message);
    }

    /// Who and what it says it is.
    fn names(&mut self, said: &Said<'_>, message: &str) {
        let record = &mut self.record;
        for (name, class, of) in [
            ("hwid", DataClass::Serial, Some(Component::Aircraft)),
            ("serial", DataClass::Serial, Some(Component::Aircraft)),
            ("node_uid", DataClass::Serial, None),
            ("battery_serial", DataClass::Serial, Some(Component::Battery)),
            ("gimbal_uid", DataClass::Serial, Some(Component::Gimbal)),
            ("registration_id", DataClass::AccountId, Some(Component::Aircraft)),
            ("operator_id", DataClass::AccountId, None),
            ("utm_id", DataClass::DeviceId, Some(Component::Aircraft)),
            ("session_id", DataClass::DeviceId, Some(Component::Aircraft)),
            ("ssid", DataClass::NetworkInfo, None),
            ("password", DataClass::Credential, None),
        ] {
            if let Some(value) = said.text(name) {
                record.identify(class, of, value, message);
            }
        }
        for (name, what) in [
            ("description", "description of the flight"),
            ("file_url", "address of a picture"),
            ("camera_vendor", "maker of the camera"),
            ("camera_model", "model of the camera"),
            ("gimbal_vendor", "maker of the gimbal"),
            ("gimbal_model", "model of the gimbal"),
            ("gimbal_name", "name of the gimbal"),
            ("battery_name", "name of the battery"),
            ("node", "node on the bus"),
            ("flight_custom_version", "hash of the firmware"),
        ] {
            if let Some(value) = said.text(name) {
                record.say(what, value, message);
            }
        }
        if let Some(version) = said.integer("flight_sw_version").filter(|version| *version != 0) {
            let [major, minor, patch, _] = u32::try_from(version).unwrap_or_default().to_be_bytes();
            record.say("version of the firmware", &format!("{major}.{minor}.{patch}"), message);
        }
        if said.value("armed").is_some()
            && let Some(kind) = said.integer("type").and_then(kind)
        {
            record.say("kind of aircraft", kind, message);
        }
        if let Some(autopilot) = said.integer("autopilot").and_then(autopilot)
            && record.device().make.is_none()
        {
            record.device().make = Some(autopilot.to_owned());
        }
        if let Some(text) = said.text("text") {
            sentence(record, text, message);
        }
        if let Some((name, value)) = said.text("param").zip(said.number("param_value")) {
            setting(record, name, value, message);
        }
        if let Some(Value::Flag(true)) = said.value("signed") {
            record.say("signed", "frames are signed", "signature");
        }
    }
}

/// The fields of a message.
struct Said<'a>(&'a [Field]);

impl<'a> Said<'a> {
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    fn place(&self, prefix: &str) -> Option<(f64, f64)> {
        self.number(&format!("{prefix}lat")).zip(self.number(&format!("{prefix}lon")))
    }
}

/// `MAV_TYPE` of what flies.
const fn kind(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "fixed wing",
        2 => "quadrotor",
        3 => "coaxial helicopter",
        4 => "helicopter",
        7 => "airship",
        10 => "ground rover",
        11 => "boat",
        12 => "submarine",
        13 => "hexarotor",
        14 => "octorotor",
        15 => "tricopter",
        19..=25 => "VTOL",
        _ => return None,
    })
}

/// `MAV_AUTOPILOT` of those that are common.
const fn autopilot(number: i64) -> Option<&'static str> {
    match number {
        3 => Some("ArduPilot"),
        12 => Some("PX4"),
        _ => None,
    }
}

fn scrub(_: &[u8], _: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    Err(Refusal("a telemetry log is places and identifiers throughout; leave it out".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::FlightState;
    use proptest::prelude::*;

    const START: i64 = 1_800_000_000;

    /// A frame of version 1 with a good checksum, at a second.
    fn frame(second: i64, system: u8, message: u8, extra: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((START + second) * 1_000_000).to_be_bytes().to_vec();
        let length = u8::try_from(payload.len()).unwrap();
        let mut body = vec![length, 0, system, 1, message];
        body.extend(payload);
        let crc = body.iter().chain([&extra]).fold(0xffff_u16, |crc, byte| {
            let low = (crc & 0xff) as u8 ^ byte;
            let low = u16::from(low ^ (low << 4));
            (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
        });
        bytes.push(0xfe);
        bytes.extend(body);
        bytes.extend(crc.to_le_bytes());
        bytes
    }

    fn heartbeat(second: i64, system: u8, kind: u8, armed: bool) -> Vec<u8> {
        let autopilot = if kind == 6 { 8 } else { 3 };
        frame(second, system, 0, 50, &[0, 0, 0, 0, kind, autopilot, if armed { 0x80 } else { 0 }, 4, 3])
    }

    fn position(second: i64, system: u8, lat: i32) -> Vec<u8> {
        let mut payload = vec![0; 28];
        for (at, value) in [(4, lat), (8, 85_000_000), (12, 512_000)] {
            payload[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        frame(second, system, 33, 104, &payload)
    }

    fn log() -> Vec<Vec<u8>> {
        let mut item = vec![0; 37];
        for (at, value) in [(16, 47.5_f32), (20, 8.5), (24, 30.0)] {
            item[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        item[34] = 3;
        let mut home = vec![0; 52];
        home[..4].copy_from_slice(&471_000_000_i32.to_le_bytes());
        home[4..8].copy_from_slice(&85_000_000_i32.to_le_bytes());
        let mut words = vec![6];
        words.extend(b"PX4v4 00360029 30365103 31323731");
        words.resize(51, 0);
        let mut log =
            vec![heartbeat(0, 255, 6, false), frame(0, 1, 39, 254, &item), frame(0, 1, 242, 104, &home)];
        log.push(frame(0, 1, 253, 83, &words));
        // A message that is not read.
        log.push(frame(0, 1, 30, 39, &[7; 28]));
        for second in 0..20 {
            log.push(heartbeat(second, 1, 2, (5..15).contains(&second)));
            log.push(position(second, 1, 471_000_000 + i32::try_from(second).unwrap()));
            log.push(position(second, 255, 472_000_000));
        }
        log
    }

    #[test]
    fn aircraft_station_home_mission_and_flight_are_told() {
        let bytes = log().concat();
        assert!(is(&bytes));
        let told = read(&bytes, &Options::default());
        let tracks: Vec<_> = told
            .tracks
            .iter()
            .map(|track| (track.role, track.vehicle.as_deref(), track.points.len(), track.points[0].lat))
            .collect();
        assert_eq!(tracks, [(Role::Aircraft, Some("1"), 20, 47.1), (Role::Operator, Some("255"), 20, 47.2)]);
        assert_eq!(told.tracks[0].points[0].alt_m, Some(512.0));
        let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.alt_m)).collect();
        assert_eq!(places, [(Role::Target, 47.5, Some(30.0)), (Role::Home, 47.1, Some(0.0))]);
        let second = |time: Timestamp| time.as_nanos() / 1_000_000_000 - START;
        let phases: Vec<_> =
            told.phases.iter().map(|one| (second(one.from), second(one.to), one.state)).collect();
        assert_eq!(
            phases,
            [(0, 5, FlightState::Ground), (5, 15, FlightState::Flying), (15, 21, FlightState::Ground)]
        );
        assert_eq!(told.identifiers[0].value, "003600293036510331323731");
        assert_eq!(told.device.make.as_deref(), Some("ArduPilot"));
        assert!(told.facts.iter().any(|fact| fact.value == "quadrotor"));
        assert!(told.damage.is_empty(), "{:?}", told.damage);
    }

    #[test]
    fn damage_costs_the_frame_that_it_hits() {
        let mut frames = log();
        frames[10][20] ^= 1;
        let told = read(&frames.concat(), &Options::default());
        let at: usize = frames[..10].iter().map(Vec::len).sum();
        let damage: Vec<_> = told.damage.iter().map(|flaw| (flaw.offset, flaw.why.as_str())).collect();
        assert_eq!(damage.len(), 1);
        assert_eq!(damage[0].0, at as u64);
        let points: usize = told.tracks.iter().map(|track| track.points.len()).sum();
        assert_eq!(points, 39);
    }

    proptest! {
        #[test]
        fn a_cut_log_gives_what_stands_before_the_cut(cut in 0_usize..3000) {
            let bytes = log().concat();
            let whole = read(&bytes, &Options::default());
            let told = read(&bytes[..cut.min(bytes.len())], &Options::default());
            prop_assert!(whole.places.starts_with(&told.places));
            for (track, all) in told.tracks.iter().zip(&whole.tracks) {
                prop_assert!(all.points.starts_with(&track.points));
            }
        }

        #[test]
        fn flipped_bytes_are_answered(at in 0_usize..3000, byte: u8) {
            let mut bytes = log().concat();
            let at = at % bytes.len();
            bytes[at] = byte;
            let told = read(&bytes, &Options::default());
            prop_assert!(told.tracks.iter().map(|track| track.points.len()).sum::<usize>() >= 38);
        }
    }
}
