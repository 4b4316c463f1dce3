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
    AltReference, Component, DataClass, Field, Inspection, Locations, Refusal, Role, ScrubRequest, Scrubbed,
    Spot, Timestamp, TrackPoint, Value,
};
use creance_wire::mavlink::{self, Vehicles};

use crate::{
    Format, Options,
    ardupilot::{sentence, setting, width},
    gaze::{Yaw, angles},
    record::{Holds, Record, Whose},
    rewrite::{Rewrite, moved, tenth_micro},
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
    walk(bytes, |found| match found {
        Found::Record { time, known: Some(frame), .. } => {
            if let Ok(micros) = i64::try_from(time) {
                log.take(&frame, Timestamp::from_nanos(micros.saturating_mul(1000)));
            }
        }
        Found::Record { known: None, .. } => {}
        Found::Lost(at, length) => log.record.flaw("frame", at, &format!("{length} bytes are no frame")),
    });
    log.record.finish(Some(0))
}

/// What a stretch of a log is.
enum Found<'a> {
    /// A time, and a frame that ends where the next record begins.
    Record { time: u64, bytes: &'a [u8], at: usize, known: Option<mavlink::Frame> },
    /// No record: from where on, and how many bytes.
    Lost(usize, usize),
}

/// Calls `take` with what is found in a log, in order.
fn walk(bytes: &[u8], mut take: impl FnMut(Found<'_>)) {
    let (mut at, mut good) = (0, 0);
    while let Some((stamp, rest)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let known = mavlink::parse_frame(rest);
        let unread = || mavlink::unread_length(rest).filter(|length| follows(rest, *length));
        let length = known.as_ref().map(|(_, length)| *length).or_else(unread);
        let Some(frame) = length.and_then(|length| rest.get(..length)) else {
            at += 1;
            continue;
        };
        if good < at {
            take(Found::Lost(good, at - good));
        }
        let known = known.map(|(frame, _)| frame);
        take(Found::Record { time: u64::from_be_bytes(*stamp), bytes: frame, at, known });
        at += 8 + frame.len();
        good = at;
    }
    if good < bytes.len() {
        take(Found::Lost(good, bytes.len() - good));
    }
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
        self.looks(&said, &vehicle, time);
        let record = &mut self.record;
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
                let height = said.number("height_m").filter(|_| prefix.is_empty());
                let point = TrackPoint::new(Some(time), lat, lon, alt_m);
                record.point(whose, point.at_height(height.filter(|_| message == "GLOBAL_POSITION_INT")));
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

    /// Where the camera of a vehicle looks, and where it heads.
    fn looks(&mut self, said: &Said<'_>, vehicle: &str, time: Timestamp) {
        let gazes = self.record.gazes();
        if let Some(heading) = said.number("heading") {
            gazes.heading(vehicle, time, heading);
        }
        let all = |names: [&str; 3]| {
            let [a, b, c] = names.map(|name| said.number(name));
            Some([a?, b?, c?])
        };
        if let Some(angles) = all(["gimbal_yaw", "gimbal_pitch", "gimbal_roll"]) {
            let north = matches!(said.value("gimbal_from_north"), Some(Value::Flag(true)));
            gazes.gimbal(vehicle, time, angles, if north { Yaw::Earth } else { Yaw::Vehicle });
        }
        let rotation = said.number("gimbal_w").zip(all(["gimbal_x", "gimbal_y", "gimbal_z"]));
        let flags = said.integer("gimbal_flags").and_then(|flags| u16::try_from(flags).ok());
        if let Some(((w, [x, y, z]), flags)) = rotation.zip(flags)
            && let Some(angles) = angles([w, x, y, z])
        {
            gazes.gimbal(vehicle, time, angles, Yaw::by_flags(flags));
        }
        if let Some(degrees) = said.number("view_width") {
            gazes.zoom(vehicle, time, degrees);
        }
        if let Some(degrees) = said.number("lens_width") {
            gazes.width(vehicle, degrees);
        }
        if let Some((name, value)) = said.text("param").zip(said.number("param_value")) {
            width(&mut self.record, vehicle, name, value);
        }
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

/// Messages that hold neither place nor name: they stay as they are. Numbers of common.xml and ardupilotmega.xml.
const KEPT: &[u32] = &[
    0, 1, 2, 4, 26, 27, 29, 30, 31, 35, 36, 42, 46, 62, 65, 69, 70, 74, 77, 83, 109, 116, 125, 129, 137, 143,
    147, 152, 163, 165, 166, 168, 193, 230, 241, 245,
];

/// Messages that hold a place, where its latitude and longitude lie, and whether they are of use without.
const MOVED: &[(u32, usize, usize, bool)] =
    &[(24, 8, 12, true), (33, 4, 8, true), (124, 8, 12, true), (49, 0, 4, false), (242, 0, 4, false)];

fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let mut rewrite = Rewrite::default();
    walk(bytes, |found| {
        let Found::Record { bytes: frame, at, known, .. } = found else {
            return rewrite.removed("bytes that are no frame", "between frames");
        };
        let number = mavlink::message_number(frame).unwrap_or(u32::MAX);
        if KEPT.contains(&number) {
            return rewrite.keep(at, at + 8 + frame.len());
        }
        let place = MOVED.iter().find(|(moved, _, _, alone)| {
            *moved == number && (*alone || request.locations != Locations::Remove)
        });
        let field = format!("message {number}");
        let Some((anew, known)) = place.zip(known).and_then(|((_, lat, lon, _), known)| {
            let payload = with_place(&known.payload, *lat, *lon, request.locations)?;
            Some((mavlink::with_payload(frame, &payload)?, known))
        }) else {
            return rewrite.removed("message", &field);
        };
        rewrite.removed("position", &field);
        if known.signature.is_some() {
            rewrite.removed("signature", &field);
        }
        rewrite.put(bytes.get(at..at + 8).unwrap_or_default());
        rewrite.put(&anew);
    });
    let scrubbed = rewrite.done();
    if scrubbed.pieces.is_empty() {
        return Err(Refusal("none of its messages is known to give nothing away; leave it out".to_owned()));
    }
    Ok(scrubbed)
}

/// A payload whose place is moved or taken out.
fn with_place(payload: &[u8], lat: usize, lon: usize, locations: Locations) -> Option<Vec<u8>> {
    let degrees = |at: usize| {
        let raw = payload.get(at..)?.first_chunk().map(|four| i32::from_le_bytes(*four))?;
        Some(f64::from(raw) / 1e7)
    };
    let (north, east) = moved(locations, degrees(lat)?, degrees(lon)?);
    let mut anew = payload.to_vec();
    for (at, degrees) in [(lat, north), (lon, east)] {
        anew.get_mut(at..at + 4)?.copy_from_slice(&tenth_micro(degrees).to_le_bytes());
    }
    Some(anew)
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{FlightState, Removal};
    use proptest::prelude::*;

    const START: i64 = 1_800_000_000;

    /// A frame with a good checksum, at a second: of version 1, or of 2 where the number of its message asks for it.
    fn frame(second: i64, system: u8, message: u32, extra: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((START + second) * 1_000_000).to_be_bytes().to_vec();
        let length = u8::try_from(payload.len()).unwrap();
        let [low, middle, ..] = message.to_le_bytes();
        let mut body = match middle {
            0 => vec![length, 0, system, 1, low],
            _ => vec![length, 0, 0, 0, system, 1, low, middle, 0],
        };
        body.extend(payload);
        let crc = body.iter().chain([&extra]).fold(0xffff_u16, |crc, byte| {
            let low = (crc & 0xff) as u8 ^ byte;
            let low = u16::from(low ^ (low << 4));
            (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
        });
        bytes.push(if middle == 0 { 0xfe } else { 0xfd });
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
    fn a_gimbal_says_where_the_aircraft_looks() {
        let four = |all: &[f32]| all.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<u8>>();
        let (sin, cos) = 15_f32.to_radians().sin_cos();
        let gimbal = |second, flags: u16| {
            let rotation = four(&[0.0, cos, 0.0, -sin, 0.0, 0.0, 0.0, 0.0, 0.0]);
            frame(second, 1, 285, 137, &[&rotation[..], &flags.to_le_bytes(), &[0, 0]].concat())
        };
        let place = |second: i64| {
            let words = [0, 471_000_000, 85_000_000, 512_000, 60_500, 0, 0x2328_0000_i32];
            let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            frame(second, 1, 33, 104, &words)
        };
        let zoom = frame(6, 1, 271, 22, &[&four(&[0.0; 11])[..], &four(&[62.5, 40.0])].concat());
        let mount = |second: i64| frame(second, 1, 265, 26, &four(&[0.0, 0.5, -45.0, 10.0]));
        let log = [place(0), gimbal(1, 32), place(1), gimbal(3, 64), place(3), mount(6), zoom, place(6)];
        let told = read(&log.concat(), &Options::default());
        assert!(told.damage.is_empty(), "{:?}", told.damage);
        let points = &told.tracks[0].points;
        assert_eq!(points[0].gaze, None);
        let expected = [[90.0, -30.0, 0.0], [0.0, -30.0, 0.0], [100.0, -45.0, 0.5]];
        for (point, [yaw, pitch, roll]) in points[1..].iter().zip(expected) {
            let gaze = point.gaze.unwrap();
            let apart = [gaze.yaw - yaw, gaze.pitch - pitch, gaze.roll - roll];
            assert!(apart.iter().all(|apart| apart.abs() < 1e-3), "{gaze:?}");
            assert_eq!(point.height_m, Some(60.5));
        }
        let widths: Vec<_> =
            points.iter().map(|point| point.gaze.and_then(|gaze| gaze.field_of_view)).collect();
        assert_eq!(widths, [None, None, None, Some(62.5)]);
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

    #[test]
    fn a_scrubbed_log_flies_elsewhere_or_nowhere_and_names_nobody() {
        let bytes = log().concat();
        for (locations, lat) in
            [(Locations::Remove, None), (Locations::Offset { lat: 1.0, lon: -1.0 }, Some((48.1, 7.5)))]
        {
            let scrubbed = scrub(&bytes, &ScrubRequest { locations, ..ScrubRequest::default() }).unwrap();
            let told = read(&scrubbed.bytes(&bytes), &Options::default());
            let first = told.tracks.first().map(|track| (track.points[0].lat, track.points[0].lon));
            assert_eq!(first, lat);
            assert_eq!(told.phases, read(&bytes, &Options::default()).phases);
            assert!(told.identifiers.is_empty() && told.damage.is_empty(), "{told:?}");
            assert_eq!(told.places.is_empty(), lat.is_none(), "home goes with it");
            assert!(told.places.iter().all(|spot| spot.role == Role::Home));
            let removed = |what: &'static str, field: &str| Removal { what, field: field.to_owned() };
            for gone in [removed("position", "message 33"), removed("message", "message 253")] {
                assert!(scrubbed.removed.contains(&gone), "{:?}", scrubbed.removed);
            }
        }
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
