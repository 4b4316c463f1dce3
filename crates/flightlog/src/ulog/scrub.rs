//! `ULog` without what it gives away.

use std::{collections::BTreeMap, rc::Rc};

use creance_model::{Locations, Refusal, ScrubRequest, Scrubbed};

use super::{
    messages::{self, Formats, Found},
    topics::{Data, PLACES, Topic, letters},
};
use crate::rewrite::{Rewrite, moved, tenth_micro};

/// Information about what every such aircraft has.
const INFORMATION: &[&str] = &[
    "sys_mcu",
    "sys_name",
    "sys_os_name",
    "sys_os_ver",
    "sys_os_ver_release",
    "sys_toolchain",
    "sys_toolchain_ver",
    "ver_data_format",
    "ver_hw",
    "ver_hw_subtype",
    "ver_sw",
    "ver_sw_release",
];

/// Topics that hold neither place nor name.
const KEPT: &[&str] = &[
    "actuator_armed",
    "actuator_controls_0",
    "actuator_controls_1",
    "actuator_motors",
    "actuator_outputs",
    "actuator_servos",
    "airspeed",
    "airspeed_validated",
    "commander_state",
    "control_allocator_status",
    "cpuload",
    "differential_pressure",
    "ekf2_timestamps",
    "esc_status",
    "failsafe_flags",
    "failure_detector_status",
    "hover_thrust_estimate",
    "input_rc",
    "landing_gear",
    "manual_control_setpoint",
    "rate_ctrl_status",
    "sensor_accel",
    "sensor_baro",
    "sensor_combined",
    "sensor_gyro",
    "sensor_mag",
    "sensor_preflight",
    "sensor_selection",
    "sensors_status_imu",
    "system_power",
    "takeoff_status",
    "vehicle_acceleration",
    "vehicle_air_data",
    "vehicle_angular_acceleration",
    "vehicle_angular_velocity",
    "vehicle_attitude",
    "vehicle_attitude_setpoint",
    "vehicle_control_mode",
    "vehicle_imu",
    "vehicle_imu_status",
    "vehicle_land_detected",
    "vehicle_magnetometer",
    "vehicle_rates_setpoint",
    "vehicle_status",
    "vehicle_status_flags",
    "vehicle_thrust_setpoint",
    "vehicle_torque_setpoint",
    "vtol_vehicle_status",
];

/// Topics with fields that are changed, and whether they are of use without a place.
const CHANGED: &[(&str, bool)] = &[
    ("sensor_gps", true),
    ("vehicle_gps_position", true),
    ("vehicle_global_position", true),
    ("battery_status", true),
    ("home_position", false),
    ("camera_capture", false),
];

/// What becomes of the messages of a topic.
enum Fate {
    Kept,
    Changed(Rc<Topic>),
}

pub(super) fn scrub(bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
    let mut log = Log {
        rewrite: Rewrite::default(),
        locations: request.locations,
        formats: Formats::default(),
        topics: BTreeMap::new(),
        changed: BTreeMap::new(),
        refused: false,
    };
    log.rewrite.keep(0, messages::HEADER.min(bytes.len()));
    messages::walk(bytes, |found| match found {
        Found::Message(kind, content, at) => log.take(*kind, content, *at),
        Found::Lost(..) => log.rewrite.removed("bytes that are no message", "between messages"),
    });
    if log.refused {
        return Err(Refusal("it has a feature that is not known; leave it out".to_owned()));
    }
    Ok(log.rewrite.done())
}

/// A log being rewritten.
struct Log {
    rewrite: Rewrite,
    locations: Locations,
    formats: Formats,
    /// What becomes of topics, by their numbers.
    topics: BTreeMap<u16, Fate>,
    /// Those that are changed, by their names: each is looked up once.
    changed: BTreeMap<&'static str, Rc<Topic>>,
    refused: bool,
}

impl Log {
    fn take(&mut self, kind: u8, content: &[u8], at: usize) {
        let number = |at: usize| content.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two));
        let whole = |rewrite: &mut Rewrite| rewrite.keep(at - 3, at + content.len());
        match kind {
            b'B' => {
                self.refused |= messages::forbids(content);
                // What was appended follows without a gap.
                let mut flags = content.to_vec();
                flags.iter_mut().skip(8).for_each(|byte| *byte = 0);
                self.put(kind, &flags);
            }
            b'F' => {
                self.formats.add(&String::from_utf8_lossy(content));
                whole(&mut self.rewrite);
            }
            b'O' | b'S' => whole(&mut self.rewrite),
            b'I' => match messages::pair(content) {
                Some((_, key, _)) if INFORMATION.contains(&key) => whole(&mut self.rewrite),
                Some((_, key, _)) => self.rewrite.removed("information", key),
                None => {}
            },
            b'A' => {
                let Some((number, name)) = number(1).zip(content.get(3..)) else { return };
                let name = letters(name);
                if let Some(fate) = self.fate(&name) {
                    self.topics.insert(number, fate);
                    whole(&mut self.rewrite);
                } else {
                    self.topics.remove(&number);
                    self.rewrite.removed("topic", &name);
                }
            }
            b'R' => {
                if number(0).is_some_and(|number| self.topics.remove(&number).is_some()) {
                    whole(&mut self.rewrite);
                }
            }
            b'D' => match number(0).and_then(|number| self.topics.get(&number)) {
                Some(Fate::Kept) => whole(&mut self.rewrite),
                Some(Fate::Changed(topic)) => {
                    let anew = changed(topic, content, self.locations);
                    self.rewrite.removed("position or serial", &topic.name);
                    self.put(kind, &anew);
                }
                None => {}
            },
            b'P' | b'Q' => self.rewrite.removed("parameters", "P, Q"),
            _ => self.rewrite.removed("text", &char::from(kind).to_string()),
        }
    }

    fn fate(&mut self, name: &str) -> Option<Fate> {
        if KEPT.contains(&name) {
            return Some(Fate::Kept);
        }
        let (name, alone) = CHANGED.iter().find(|(changed, _)| *changed == name)?;
        if !alone && self.locations == Locations::Remove {
            return None;
        }
        let topic = self.changed.entry(name).or_insert_with(|| Rc::new(Topic::new(name, &self.formats)));
        Some(Fate::Changed(Rc::clone(topic)))
    }

    fn put(&mut self, kind: u8, content: &[u8]) {
        let Ok(length) = u16::try_from(content.len()) else { return };
        self.rewrite.put(&length.to_le_bytes());
        self.rewrite.put(&[kind]);
        self.rewrite.put(content);
    }
}

/// The content of a message, its places moved or taken out, without serial numbers.
fn changed(topic: &Topic, content: &[u8], locations: Locations) -> Vec<u8> {
    let mut anew = content.to_vec();
    let mut write = |field: &str, bytes: &[u8]| {
        let place = topic.fields.get(field).map(|place| place.at + 2);
        if let Some(target) = place.and_then(|at| anew.get_mut(at..)?.get_mut(..bytes.len())) {
            target.copy_from_slice(bytes);
        }
    };
    let data = Data { topic, bytes: content.get(2..).unwrap_or_default() };
    for (lat, lon) in PLACES {
        let Some((north, east)) = data.degrees(lat, lon) else { continue };
        let (north, east) = moved(locations, north, east);
        for (field, degrees) in [(lat, north), (lon, east)] {
            match topic.fields.get(field).map(|place| place.kind.as_str()) {
                Some("int32_t") => write(field, &tenth_micro(degrees).to_le_bytes()),
                Some("double") => write(field, &degrees.to_le_bytes()),
                #[expect(clippy::cast_possible_truncation, reason = "as exact as the field was")]
                Some("float") => write(field, &(degrees as f32).to_le_bytes()),
                _ => {}
            }
        }
    }
    if let Some(place) = topic.fields.get("serial_number") {
        let size = messages::basic(&place.kind).unwrap_or_default();
        write("serial_number", &vec![0; size.saturating_mul(place.count).min(content.len())]);
    }
    anew
}
