//! Logs of PX4 (`.ulg`): `ULog`, whose messages and formats `ulog/messages.rs` reads.
//!
//! Topics are those of `docs.px4.io/main/en/msg_docs`. Times count from when the autopilot began; a receiver with a fix says
//! what time that was.

mod messages;
mod scrub;
mod topics;

use std::{collections::BTreeMap, rc::Rc};

use creance_model::{
    AltReference, Component, DataClass, Hidden, Inspection, Role, Spot, Timestamp, TrackPoint,
};

use crate::{
    Format, Options,
    ardupilot::setting,
    gaze::{Yaw, angles},
    record::{Holds, Record, Whose},
};
use messages::{Formats, Found};
use scrub::scrub;
use topics::{Data, Topic, clock, letters};

pub(crate) const FORMAT: Format = Format { name: "ulog", is, read, scrub };

fn is(head: &[u8]) -> bool {
    head.starts_with(&messages::MAGIC)
}

fn read(bytes: &[u8], _: &Options) -> Inspection {
    let mut log = Log {
        record: Record::of("ulog", Holds::Changes, "vehicle_status"),
        formats: Formats::default(),
        topics: BTreeMap::new(),
        subscribed: BTreeMap::new(),
        zero: None,
        home: None,
        dropouts: (0, 0),
        attached: BTreeMap::new(),
    };
    messages::walk(bytes, |found| match found {
        Found::Message(kind, content, at) => log.take(*kind, content, *at),
        Found::Lost(at, length) => log.record.flaw("message", *at, &format!("{length} bytes are no message")),
    });
    let (count, ms) = log.dropouts;
    if count > 0 {
        let why = format!("{count} of {ms} ms in all: the logger could not keep up");
        log.record.flaw("dropouts", 0, &why);
    }
    let mut told = log.record.finish(log.zero);
    let text = |(field, bytes)| Hidden { what: "text of the system", field, bytes };
    told.hidden.extend(log.attached.into_iter().map(text));
    told
}

/// Texts attached to a log that are told one by one.
const MOST_ATTACHED: usize = 100;

/// A log being read.
struct Log {
    record: Record,
    formats: Formats,
    /// Where the fields that matter lie in each topic that matters, by its name.
    topics: BTreeMap<String, Rc<Topic>>,
    /// The topic of each number, and which of several of its kind it is.
    subscribed: BTreeMap<u16, (Rc<Topic>, Means, u8)>,
    /// Nanoseconds from 1970 to the beginning of the autopilot's clock.
    zero: Option<i64>,
    /// Metres above the sea of where it took off.
    home: Option<f64>,
    /// How often the logger lost something, and for how many milliseconds.
    dropouts: (u64, u64),
    /// Texts attached to the log, such as what the system wrote to its console.
    attached: BTreeMap<String, u64>,
}

/// What a topic says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Means {
    /// Where somebody is, again and again.
    Track(Role),
    /// A place that stands for itself.
    Spot(Role),
    Command,
    /// Where the aircraft heads.
    Heading,
    /// Where the camera looks.
    Gimbal,
    Armed,
    Landed,
    /// Who or what it is.
    Names,
}

const TOPICS: &[(&str, Means)] = &[
    ("vehicle_gps_position", Means::Track(Role::Aircraft)),
    ("sensor_gps", Means::Track(Role::Aircraft)),
    (FUSED, Means::Track(Role::Aircraft)),
    ("follow_target", Means::Track(Role::Operator)),
    ("open_drone_id_system", Means::Track(Role::Operator)),
    ("home_position", Means::Spot(Role::Home)),
    ("position_setpoint_triplet", Means::Spot(Role::Target)),
    ("navigator_mission_item", Means::Spot(Role::Target)),
    ("vehicle_roi", Means::Spot(Role::Target)),
    ("camera_capture", Means::Spot(Role::Camera)),
    ("vehicle_command", Means::Command),
    ("vehicle_local_position", Means::Heading),
    ("gimbal_device_attitude_status", Means::Gimbal),
    ("vehicle_status", Means::Armed),
    ("vehicle_land_detected", Means::Landed),
    ("battery_status", Means::Names),
    ("battery_info", Means::Names),
    ("device_information", Means::Names),
    ("open_drone_id_operator_id", Means::Names),
    ("open_drone_id_self_id", Means::Names),
];

/// Where the autopilot takes itself to be.
const FUSED: &str = "vehicle_global_position";

/// Commands whose place is where to go or what to look at: `MAV_CMD_DO_ORBIT`, `_DO_REPOSITION`, `_DO_SET_ROI_LOCATION`,
/// `_DO_SET_ROI`.
const TARGETS: [f64; 4] = [34.0, 192.0, 195.0, 201.0];

impl Log {
    fn take(&mut self, kind: u8, content: &[u8], at: usize) {
        let number = |at: usize| content.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two));
        match kind {
            b'B' if messages::forbids(content) => {
                self.record.flaw(
                    "flags",
                    at,
                    "a feature that is not known, which changes how it is to be read",
                );
            }
            b'F' => self.formats.add(&String::from_utf8_lossy(content)),
            b'I' => self.information(content),
            b'M' => {
                if let Some((_, key, value)) = content.get(1..).and_then(messages::pair)
                    && (self.attached.len() < MOST_ATTACHED || self.attached.contains_key(key))
                {
                    *self.attached.entry(key.to_owned()).or_default() += value.len() as u64;
                }
            }
            b'P' => {
                if let Some((kind, name, value)) = messages::pair(content)
                    && let Some(value) = messages::number(kind, value)
                {
                    setting(&mut self.record, name, value, "parameter");
                }
            }
            b'A' => {
                if let Some((number, name)) = number(1).zip(content.get(3..)) {
                    self.subscribe(number, content.first().copied().unwrap_or_default(), &letters(name));
                }
            }
            b'R' => {
                number(0).and_then(|number| self.subscribed.remove(&number));
            }
            b'D' => {
                let subscribed = number(0).and_then(|number| self.subscribed.get(&number));
                if let Some((topic, means, instance)) = subscribed {
                    let (topic, means, instance) = (Rc::clone(topic), *means, *instance);
                    let data = Data { topic: &topic, bytes: content.get(2..).unwrap_or_default() };
                    self.data(&data, means, instance);
                }
            }
            b'L' => self.said(content, 1),
            b'C' => self.said(content, 3),
            b'O' => {
                self.dropouts.0 += 1;
                self.dropouts.1 += u64::from(number(0).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn subscribe(&mut self, number: u16, instance: u8, name: &str) {
        let Some((_, means)) = TOPICS.iter().find(|(topic, _)| *topic == name) else {
            self.subscribed.remove(&number);
            return;
        };
        let topic = self.topics.entry(name.to_owned());
        let topic = topic.or_insert_with(|| Rc::new(Topic::new(name, &self.formats)));
        self.subscribed.insert(number, (Rc::clone(topic), *means, instance));
    }

    fn data(&mut self, data: &Data<'_>, means: Means, instance: u8) {
        let time = data.time();
        if let Some(time) = time {
            self.record.moment(time);
        }
        let name = data.topic.name.as_str();
        let is = |field: &str| data.number(field).map(|value| value > 0.0);
        match means {
            Means::Track(role) => {
                if data.number("fix_type").is_some_and(|fix| fix < 2.0) {
                    return;
                }
                // Receivers that know no date say 0, or a time of their own.
                let utc = data.number("time_utc_usec").filter(|us| *us > 1e15).and_then(clock);
                if let (None, Some(utc), Some(time)) = (self.zero, utc, time) {
                    self.zero = Some(utc.since(time));
                }
                let field = if instance > 0 { format!("{name}[{instance}]") } else { name.to_owned() };
                let whose =
                    Whose { role, vehicle: None, alt_reference: Some(AltReference::Amsl), field: &field };
                if let Some((lat, lon)) = data.place() {
                    let alt_m = data.height();
                    // Of receivers and of what is fused from them, only the latter is as exact as home is.
                    let height = alt_m.zip(self.home).map(|(alt, home)| alt - home);
                    let point = TrackPoint::new(time, lat, lon, alt_m);
                    self.record.point(whose, point.at_height(height.filter(|_| name == FUSED)));
                }
            }
            Means::Spot(_) if is("valid_hpos") == Some(false) || is("current.valid") == Some(false) => {}
            Means::Spot(role) => {
                if role == Role::Home && is("valid_alt") != Some(false) {
                    self.home = data.height().or(self.home);
                }
                self.spot(role, data, time);
            }
            Means::Heading => {
                let heading = data.number("heading").or_else(|| data.number("yaw"));
                if let Some((time, radians)) = time.zip(heading.filter(|radians| radians.is_finite())) {
                    self.record.gazes().heading("", time, radians.to_degrees());
                }
            }
            Means::Gimbal => {
                if let Some((time, (angles, yaw))) = time.zip(gimbal(data)) {
                    self.record.gazes().gimbal("", time, angles, yaw);
                }
            }
            Means::Command => {
                if data.number("command").is_some_and(|command| TARGETS.contains(&command)) {
                    self.spot(Role::Target, data, time);
                }
            }
            Means::Armed => {
                if let Some((time, state)) = time.zip(data.number("arming_state")) {
                    // ARMING_STATE_ARMED
                    self.record.state("", time, (state - 2.0).abs() < 0.5);
                }
            }
            // What stands may be armed: it tells where nothing else does.
            Means::Landed if self.topics.contains_key("vehicle_status") => {}
            Means::Landed => {
                if let Some((time, landed)) = time.zip(is("landed")) {
                    self.record.state("", time, !landed);
                }
            }
            Means::Names => self.names(data, name),
        }
    }

    fn spot(&mut self, role: Role, data: &Data<'_>, time: Option<Timestamp>) {
        let spot = data.place().and_then(|(lat, lon)| Spot::new(role, lat, lon, data.topic.name.as_str()));
        let Some(spot) = spot else { return };
        let alt_m = data.height();
        let alt_reference = alt_m.filter(|_| role != Role::Target).map(|_| AltReference::Amsl);
        let height = alt_m.zip(self.home).map(|(alt, home)| alt - home);
        let height_m = height.filter(|_| role == Role::Camera);
        self.record.spot(Spot { alt_m, alt_reference, height_m, time, ..spot });
        if let (Role::Camera, Some(time)) = (role, time) {
            self.record.dated("taken", time, &data.topic.name);
        }
    }

    fn names(&mut self, data: &Data<'_>, topic: &str) {
        let of = topic.starts_with("battery").then_some(Component::Battery);
        let field = format!("{topic}.serial_number");
        match data.topic.fields.get("serial_number").map(|place| place.kind.as_str()) {
            Some("char") => {
                let serial = data.text("serial_number").unwrap_or_default();
                self.record.identify(DataClass::Serial, of, &serial, &field);
            }
            // All bits set is "not known".
            Some(_) => {
                if let Some(serial) = data.number("serial_number").filter(|serial| *serial < 65_535.0) {
                    self.record.identify(DataClass::Serial, of, &serial.to_string(), &field);
                }
            }
            None => {}
        }
        if let Some(operator) = data.text("operator_id") {
            self.record.identify(DataClass::AccountId, None, &operator, topic);
        }
        for (field, what) in [
            ("description", "description of the flight"),
            ("vendor_name", "maker of a part"),
            ("model_name", "model of a part"),
        ] {
            if let Some(text) = data.text(field) {
                self.record.say(what, &text, topic);
            }
        }
    }

    fn information(&mut self, content: &[u8]) {
        let Some((kind, key, value)) = messages::pair(content) else { return };
        let (text, number) = (letters(value), messages::number(kind, value));
        let record = &mut self.record;
        match key {
            "sys_uuid" => record.identify(DataClass::Serial, Some(Component::Aircraft), &text, "sys_uuid"),
            "sys_name" => record.device().make = Some(text),
            "ver_hw" => record.device().model = Some(text),
            "ver_sw_release" => record.device().software = number.map(release),
            // Seconds east of Greenwich: where the log's owner lives.
            "time_ref_utc" => {
                if let Some(seconds) = number.filter(|seconds| *seconds != 0.0) {
                    record.say("local time ahead of UTC", &format!("{} min", seconds / 60.0), key);
                }
            }
            _ => {
                if let Some((_, what)) = INFORMATION.iter().find(|(known, _)| *known == key) {
                    record.say(what, &text, key);
                }
            }
        }
    }

    /// What the system said, behind its level and a time, which begins at `at`.
    fn said(&mut self, content: &[u8], at: usize) {
        let stamp = content.get(at..).and_then(|stamp| messages::number("uint64_t", stamp)).and_then(clock);
        if let Some(time) = stamp {
            self.record.moment(time);
        }
        let text = plain(&letters(content.get(at + 8..).unwrap_or_default()));
        if let Some((_, address)) = text.split_once("partner IP: ") {
            self.record.identify(DataClass::NetworkInfo, Some(Component::Controller), address, "message");
        }
        self.record.say("message", &text, "message");
    }
}

/// Yaw, pitch and roll of a gimbal: a rotation, and flags that say what its yaw counts from.
fn gimbal(data: &Data<'_>) -> Option<([f64; 3], Yaw)> {
    let flags = data.number("device_flags")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two bytes")]
    let flags = flags.clamp(0.0, f64::from(u16::MAX)) as u16;
    Some((angles(data.numbers("q")?)?, Yaw::by_flags(flags)))
}

/// A text without what colours it on a terminal.
fn plain(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

/// A version in four bytes; the last says what it is worth, 255 a release (docs.px4.io, `ver_sw_release`).
fn release(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "four bytes")]
    let [major, minor, patch, kind] = (number.clamp(0.0, f64::from(u32::MAX)) as u32).to_be_bytes();
    let kind = match kind {
        0..64 => " (in development)",
        64..128 => " (alpha)",
        128..192 => " (beta)",
        192..255 => " (candidate)",
        255 => "",
    };
    format!("{major}.{minor}.{patch}{kind}")
}

/// Keys of information that are told, and what they say.
const INFORMATION: &[(&str, &str)] = &[
    ("ver_sw", "hash of the firmware"),
    ("ver_sw_branch", "branch of the firmware"),
    ("ver_hw_subtype", "kind of the board"),
    ("sys_os_name", "operating system"),
    ("sys_os_ver", "hash of the operating system"),
    ("sys_mcu", "processor"),
    ("replay", "log that was replayed"),
];

#[cfg(test)]
mod tests {
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
        let flags =
            [&[0; 8][..], &[u8::from(appended > 0)], &[0; 7], &appended.to_le_bytes(), &[0; 16]].concat();
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
        let tracks: Vec<_> =
            told.tracks.iter().map(|track| (track.field.as_str(), track.points.len())).collect();
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
        let place =
            |alt: f32| [&47.1_f64.to_le_bytes()[..], &8.5_f64.to_le_bytes(), &alt.to_le_bytes()].concat();
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
            assert!(
                told.identifiers.is_empty() && told.facts.is_empty() && told.hidden.is_empty(),
                "{told:?}"
            );
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
}
