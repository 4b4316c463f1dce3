//! Logs of PX4 (`.ulg`): `ULog`, whose messages and formats `ulog/messages.rs` reads.
//!
//! Topics are those of `docs.px4.io/main/en/msg_docs`. Times count from when the autopilot began; a receiver with a fix says
//! what time that was.

mod messages;
mod scrub;
mod topics;

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

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
        // The loopback address of a simulation is nobody's.
        if let Some((_, address)) = text.split_once("partner IP: ")
            && !address.trim().parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
        {
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
mod tests;
