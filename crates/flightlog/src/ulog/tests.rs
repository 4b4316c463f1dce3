//! Logs made here, and what becomes of them.

use super::*;
use creance_model::{FlightState, Locations, ScrubRequest};
use proptest::prelude::*;

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut message = u16::try_from(content.len()).unwrap().to_le_bytes().to_vec();
    message.push(kind);
    message.extend(content);
    message
}

fn pair(kind: u8, key: &str, value: &[u8]) -> Vec<u8> {
    message(kind, &[&[u8::try_from(key.len()).unwrap()], key.as_bytes(), value].concat())
}

fn topic(number: u16, instance: u8, name: &str) -> Vec<u8> {
    message(b'A', &[&[instance][..], &number.to_le_bytes(), name.as_bytes()].concat())
}

fn data(number: u16, second: u64, fields: &[&[u8]]) -> Vec<u8> {
    let stamp = (second * 1_000_000).to_le_bytes();
    message(b'D', &[&number.to_le_bytes()[..], &stamp, &fields.concat()].concat())
}

/// Boot was at 2026-06-11T08:00:00Z.
const BOOT: u64 = 1_781_164_800;

fn fix(number: u16, second: u64, lat: i32, fix: u8) -> Vec<u8> {
    let utc = ((BOOT + second) * 1_000_000).to_le_bytes();
    data(
        number,
        second,
        &[&utc, &lat.to_le_bytes(), &85_000_000_i32.to_le_bytes(), &512_000_i32.to_le_bytes(), &[fix]],
    )
}

/// The first message is of flags; `appended`: where something was appended.
fn log(appended: u64) -> Vec<Vec<u8>> {
    let mut head = messages::MAGIC.to_vec();
    head.extend([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let flags = [&[0; 8][..], &[u8::from(appended > 0)], &[0; 7], &appended.to_le_bytes(), &[0; 16]].concat();
    let mut log = vec![
        head,
        message(b'B', &flags),
        message(b'F', b"sensor_gps:uint64_t timestamp;uint64_t time_utc_usec;int32_t lat;int32_t lon;int32_t alt;uint8_t fix_type;"),
        message(b'F', b"vehicle_status:uint64_t timestamp;uint8_t[3] other;uint8_t arming_state;"),
        message(b'F', b"setpoint:uint64_t timestamp;double lat;double lon;float alt;bool valid;"),
        message(b'F', b"position_setpoint_triplet:uint64_t timestamp;setpoint previous;setpoint current;"),
        message(b'F', b"battery_status:uint64_t timestamp;uint16_t serial_number;"),
        pair(b'I', "char[8] sys_name", b"PX4\0\0\0\0\0"),
        pair(b'I', "char[7] ver_hw", b"HAWK_V7"),
        pair(b'I', "uint32_t ver_sw_release", &0x010f_02ff_u32.to_le_bytes()),
        pair(b'I', "char[12] sys_uuid", b"0006000042ab"),
        pair(b'I', "int32_t time_ref_utc", &28_800_i32.to_le_bytes()),
        pair(b'P', "int32_t COM_FLIGHT_UUID", &65_i32.to_le_bytes()),
        message(b'M', &[&[0, 28], &b"char[5] boot_console_output "[..27], b"\0boots"].concat()),
        topic(1, 0, "sensor_gps"),
        topic(2, 1, "sensor_gps"),
        topic(3, 0, "vehicle_status"),
        topic(4, 0, "position_setpoint_triplet"),
        topic(5, 0, "battery_status"),
        topic(6, 0, "sensor_accel"),
        data(6, 1, &[&[1; 12]]),
        data(5, 1, &[&4711_u16.to_le_bytes()]),
        data(3, 2, &[&[9, 9, 9, 1]]),
        fix(1, 3, 1, 0),
    ];
    for second in 10..20 {
        log.push(fix(1, second, 471_000_000 + i32::try_from(second).unwrap(), 3));
        log.push(fix(2, second, 471_000_500, 3));
    }
    let point = |lat: f64, valid| {
        [
            &9_u64.to_le_bytes()[..],
            &lat.to_le_bytes(),
            &8.5_f64.to_le_bytes(),
            &30_f32.to_le_bytes(),
            &[valid],
        ]
        .concat()
    };
    log.push(data(4, 20, &[&point(47.4, 1), &point(47.5, 1)]));
    log.push(data(4, 20, &[&point(47.4, 1), &point(47.6, 0)]));
    log.push(data(3, 21, &[&[9, 9, 9, 2]]));
    let stamp = 22_000_000_u64.to_le_bytes();
    log.push(message(
        b'L',
        &[&b"6"[..], &stamp, "[commander] \u{1b}[32mReady\u{1b}[0m\t".as_bytes()].concat(),
    ));
    log.push(message(b'O', &30_u16.to_le_bytes()));
    log.push(data(3, 31, &[&[9, 9, 9, 1]]));
    log
}

#[test]
fn a_flight_its_plan_and_its_parts_are_told() {
    let bytes = log(0).concat();
    assert!(is(&bytes));
    let told = read(&bytes, &Options::default());
    let tracks: Vec<_> = told.tracks.iter().map(|track| (track.field.as_str(), track.points.len())).collect();
    assert_eq!(tracks, [("sensor_gps", 10), ("sensor_gps[1]", 10)]);
    let first = told.tracks[0].points[0];
    assert_eq!((first.time, first.lat), (Timestamp::parse("2026-06-11T08:00:10Z"), 47.100_001));
    assert_eq!((first.lon, first.alt_m), (8.5, Some(512.0)));
    let places: Vec<_> = told.places.iter().map(|spot| (spot.role, spot.lat, spot.alt_m)).collect();
    assert_eq!(places, [(Role::Target, 47.5, Some(30.0))], "the other is not valid");
    let phases: Vec<_> = told.phases.iter().map(|one| (one.from.to_string(), one.state)).collect();
    let at = |second: &str| format!("2026-06-11T08:00:{second}Z");
    assert_eq!(
        phases,
        [(at("02"), FlightState::Ground), (at("21"), FlightState::Flying)],
        "nothing is said behind the last word"
    );
    let names: Vec<_> = told.identifiers.iter().map(|one| (one.value.as_str(), one.of)).collect();
    assert_eq!(names, [("0006000042ab", Some(Component::Aircraft)), ("4711", Some(Component::Battery))]);
    assert_eq!(told.device.software.as_deref(), Some("1.15.2"));
    assert_eq!(told.device.model.as_deref(), Some("HAWK_V7"));
    let facts: Vec<_> = told.facts.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(facts, ["480 min", "[commander] Ready", "65"]);
    assert_eq!((told.hidden.len(), told.hidden[0].bytes), (1, 5));
    let damage: Vec<_> = told.damage.iter().map(|flaw| flaw.why.as_str()).collect();
    assert_eq!(damage, ["1 of 30 ms in all: the logger could not keep up"]);
}

#[test]
fn a_gimbal_says_where_the_aircraft_looks() {
    let mut log = vec![log(0).swap_remove(0)];
    for format in [
        "vehicle_global_position:uint64_t timestamp;double lat;double lon;float alt;",
        "home_position:uint64_t timestamp;double lat;double lon;float alt;bool valid_alt;",
        "vehicle_local_position:uint64_t timestamp;float heading;",
        "gimbal_device_attitude_status:uint64_t timestamp;float[4] q;uint16_t device_flags;",
    ] {
        log.push(message(b'F', format.as_bytes()));
    }
    let topics = [
        "vehicle_global_position",
        "home_position",
        "vehicle_local_position",
        "gimbal_device_attitude_status",
    ];
    log.extend((1..).zip(topics).map(|(number, name)| topic(number, 0, name)));
    let place = |alt: f32| [&47.1_f64.to_le_bytes()[..], &8.5_f64.to_le_bytes(), &alt.to_le_bytes()].concat();
    log.push(data(1, 1, &[&place(500.0)]));
    log.push(data(2, 2, &[&place(450.0), &[1]]));
    log.push(data(3, 2, &[&std::f32::consts::FRAC_PI_2.to_le_bytes()]));
    let (sin, cos) = 15_f32.to_radians().sin_cos();
    let rotation = [cos, 0.0, -sin, 0.0].map(f32::to_le_bytes).concat();
    for (second, flags) in [(3, 32_u16), (4, 64)] {
        log.push(data(4, second, &[&rotation, &flags.to_le_bytes()]));
        log.push(data(1, second, &[&place(512.5)]));
    }
    let told = read(&log.concat(), &Options::default());
    let points = &told.tracks[0].points;
    assert_eq!((points[0].gaze, points[0].height_m), (None, None), "nothing was said yet");
    for (point, yaw) in points[1..].iter().zip([90.0, 0.0]) {
        let gaze = point.gaze.unwrap();
        assert!((gaze.yaw - yaw).abs() < 1e-3 && (gaze.pitch + 30.0).abs() < 1e-3, "{gaze:?}");
        assert_eq!((gaze.field_of_view, point.height_m), (None, Some(62.5)));
    }
}

#[test]
fn what_was_appended_is_read_behind_a_cut() {
    let mut bytes = log(0).concat();
    let whole = read(&bytes, &Options::default());
    bytes.truncate(bytes.len() - 30);
    let cut = bytes.len();
    bytes.extend(message(b'L', &[&b"3"[..], &25_000_000_u64.to_le_bytes(), b"hard fault"].concat()));
    bytes.splice(..log(0)[..2].concat().len(), log(cut as u64)[..2].concat());
    let told = read(&bytes, &Options::default());
    assert_eq!(told.tracks, whole.tracks);
    assert!(told.facts.iter().any(|fact| fact.value == "hard fault"));
    assert!(told.damage.iter().any(|flaw| flaw.what == "message"), "{:?}", told.damage);
}

#[test]
fn flags_that_are_not_known_and_damage_are_told() {
    let mut messages = log(0);
    messages[1][3 + 9] = 2;
    messages[20] = vec![0xff; 40];
    let told = read(&messages.concat(), &Options::default());
    let what: Vec<_> = told.damage.iter().map(|flaw| flaw.what.as_str()).collect();
    assert_eq!(what, ["flags", "message", "dropouts"]);
    assert_eq!(told.tracks.len(), 2, "reading goes on behind it");
}

#[test]
fn in_the_air_is_flight_where_nothing_says_armed() {
    let mut log = log(0);
    log.retain(|one| !one.windows(14).any(|bytes| bytes == b"vehicle_status"));
    log.insert(2, message(b'F', b"vehicle_land_detected:uint64_t timestamp;bool landed;"));
    log.push(topic(9, 0, "vehicle_land_detected"));
    for (second, landed) in [(40, 1), (41, 0), (50, 1)] {
        log.push(data(9, second, &[&[landed]]));
    }
    let told = read(&log.concat(), &Options::default());
    let states: Vec<_> = told.phases.iter().map(|one| one.state).collect();
    assert_eq!(states, [FlightState::Ground, FlightState::Flying]);
}

#[test]
fn a_scrubbed_log_flies_elsewhere_or_nowhere_and_names_nobody() {
    let mut bytes = log(0).concat();
    let before = read(&bytes, &Options::default());
    let cut = bytes.len();
    bytes.extend(message(b'L', &[&b"3"[..], &25_000_000_u64.to_le_bytes(), b"hard fault"].concat()));
    bytes.splice(..log(0)[..2].concat().len(), log(cut as u64)[..2].concat());
    for (locations, lat) in
        [(Locations::Remove, None), (Locations::Offset { lat: 1.0, lon: 0.0 }, Some(48.100_001))]
    {
        let scrubbed = scrub(&bytes, &ScrubRequest { locations, ..ScrubRequest::default() }).unwrap();
        let told = read(&scrubbed.bytes(&bytes), &Options::default());
        assert_eq!(told.tracks.first().map(|track| track.points[0].lat), lat);
        assert!(told.identifiers.is_empty() && told.facts.is_empty() && told.hidden.is_empty(), "{told:?}");
        assert!(told.places.is_empty());
        assert_eq!((told.phases, told.device), (before.phases.clone(), before.device.clone()));
        assert_eq!(told.damage, before.damage, "the dropout");
    }
    let mut flags = log(0);
    flags[1][3 + 9] = 2;
    assert!(scrub(&flags.concat(), &ScrubRequest::default()).is_err());
}

proptest! {
    #[test]
    fn a_cut_log_gives_what_stands_before_the_cut(cut in 0_usize..3000) {
        let bytes = log(0).concat();
        let whole = read(&bytes, &Options::default());
        let told = read(&bytes[..cut.min(bytes.len())], &Options::default());
        prop_assert!(whole.places.starts_with(&told.places));
        for (track, all) in told.tracks.iter().zip(&whole.tracks) {
            let n = track.points.len();
            let places = |track: &creance_model::Track| track.points[..n].iter().map(|one| one.lat.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(places(track), places(all));
        }
    }

    #[test]
    fn any_bytes_within_are_answered(at in 0_usize..3000, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut log = log(0).concat();
        let at = at.min(log.len());
        log.splice(at..at, bytes);
        prop_assert_eq!(read(&log, &Options::default()).kind, "ulog");
    }
}
