//! What messages of MAVLink say (common.xml): who, where, whether they fly.
//!
//! Fields lie in the order of their size, numbers least significant byte first; offsets are those of common.xml at
//! de1e078a as pymavlink lays them out. Left out: what says neither who nor where nor whether it flies, nor what for.

use creance_model::Value;

use super::Frame;
use crate::{
    links::aircraft::{Told, Whose},
    links::remote_id,
};

/// A message that is read.
pub(super) struct Known {
    pub(super) number: u32,
    name: &'static str,
    /// What its definition adds to the checksum (`CRC_EXTRA`).
    pub(super) extra: u8,
    /// Bytes of its payload with all extensions.
    pub(super) full: usize,
}

const fn known(number: u32, name: &'static str, extra: u8, full: usize) -> Known {
    Known { number, name, extra, full }
}

const KNOWN: &[Known] = &[
    known(0, "HEARTBEAT", 50, 9),
    known(22, "PARAM_VALUE", 220, 25),
    known(24, "GPS_RAW_INT", 24, 52),
    known(33, "GLOBAL_POSITION_INT", 104, 28),
    known(39, "MISSION_ITEM", 254, 38),
    known(49, "GPS_GLOBAL_ORIGIN", 39, 20),
    known(63, "GLOBAL_POSITION_INT_COV", 119, 181),
    known(73, "MISSION_ITEM_INT", 38, 38),
    known(75, "COMMAND_INT", 158, 35),
    known(86, "SET_POSITION_TARGET_GLOBAL_INT", 5, 53),
    known(124, "GPS2_RAW", 87, 57),
    known(144, "FOLLOW_TARGET", 127, 93),
    known(148, "AUTOPILOT_VERSION", 178, 78),
    known(160, "FENCE_POINT", 78, 12),
    known(175, "RALLY_POINT", 138, 19),
    known(180, "CAMERA_FEEDBACK", 52, 47),
    known(234, "HIGH_LATENCY", 150, 40),
    known(235, "HIGH_LATENCY2", 179, 42),
    known(242, "HOME_POSITION", 104, 60),
    known(243, "SET_HOME_POSITION", 85, 61),
    known(245, "EXTENDED_SYS_STATE", 130, 2),
    known(253, "STATUSTEXT", 83, 54),
    known(259, "CAMERA_INFORMATION", 92, 237),
    known(263, "CAMERA_IMAGE_CAPTURED", 133, 255),
    known(265, "MOUNT_ORIENTATION", 26, 20),
    known(271, "CAMERA_FOV_STATUS", 22, 53),
    known(283, "GIMBAL_DEVICE_INFORMATION", 74, 149),
    known(285, "GIMBAL_DEVICE_ATTITUDE_STATUS", 137, 49),
    known(299, "WIFI_CONFIG_AP", 19, 96),
    known(311, "UAVCAN_NODE_INFO", 95, 116),
    known(370, "SMART_BATTERY_INFO", 75, 109),
    known(12900, "OPEN_DRONE_ID_BASIC_ID", 114, 44),
    known(12901, "OPEN_DRONE_ID_LOCATION", 254, 59),
    known(12903, "OPEN_DRONE_ID_SELF_ID", 249, 46),
    known(12904, "OPEN_DRONE_ID_SYSTEM", 77, 54),
    known(12905, "OPEN_DRONE_ID_OPERATOR_ID", 49, 43),
    known(12915, "OPEN_DRONE_ID_MESSAGE_PACK", 94, 249),
    known(12919, "OPEN_DRONE_ID_SYSTEM_UPDATE", 7, 18),
];

/// The message of this number, if it is read.
pub(super) fn of(number: u32) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.number == number)
}

/// The numbers of all messages that are read.
#[cfg(test)]
pub(super) fn numbers() -> Vec<u32> {
    KNOWN.iter().map(|known| known.number).collect()
}

/// What a frame says by itself, its bytes and places as parts.
pub(super) fn tell(frame: &Frame) -> Option<Told> {
    let name = of(frame.message)?.name;
    let payload = frame.payload.as_slice();
    let mut told = Told::new("mavlink", "telemetry", payload);
    told.word("message", name);
    told.number("sysid", frame.system);
    told.number("compid", frame.component);
    // What a receiver of Remote ID hands on is of another aircraft, which it names.
    let other =
        id_or_mac(frame.message).and_then(|id| payload.get(id)).filter(|id| id.iter().any(|byte| *byte != 0));
    match other {
        Some(id) => told.word("vehicle", &data_encoding::HEXLOWER.encode(id)),
        None => told.number("vehicle", frame.system),
    }
    if let Some(signature) = &frame.signature {
        told.field("signed", Value::Flag(true));
        told.number("signature_link", signature.link);
        told.number("signature_unix_us", signature.unix_us);
    }
    let byte = |at: usize| payload.get(at).copied();
    let mut place = |whose, lat: usize, lon: usize| {
        if let Some((lat, lon)) = int(payload, lat).zip(int(payload, lon)) {
            told.place(whose, f64::from(lat) / 1e7, f64::from(lon) / 1e7);
        }
    };
    match frame.message {
        // A receiver that has no fix (`GPS_FIX_TYPE` 0, 1) repeats the place of its last one.
        24 if matches!(byte(28), Some(0 | 1)) => {}
        124 if matches!(byte(32), Some(0 | 1)) => {}
        24 | 63 | 124 | 144 | 263 => {
            let (whose, at) = match frame.message {
                144 => (Whose::Operator, 16),
                263 => (Whose::Aircraft, 12),
                _ => (Whose::Aircraft, 8),
            };
            place(whose, at, at + 4);
        }
        33 | 234 | 235 => place(Whose::Aircraft, 4, 8),
        242 | 243 => place(Whose::Home, 0, 4),
        12901 => place(Whose::Aircraft, 0, 4),
        12904 | 12919 => place(Whose::Operator, 0, 4),
        _ => {}
    }
    match frame.message {
        0 => {
            let (kind, autopilot, mode) = (byte(4)?, byte(5)?, byte(6)?);
            told.number("type", kind);
            told.number("autopilot", autopilot);
            told.number("system_status", byte(7)?);
            // Ground stations, gimbals, cameras and the like beat too; only an autopilot (MAV_AUTOPILOT other than
            // INVALID, of a vehicle's type) is armed or not.
            if autopilot != 8 && !matches!(kind, 5 | 6 | 18 | 26..=28 | 30..=34) {
                told.field("armed", Value::Flag(mode & 0x80 != 0));
            }
        }
        24 => {
            told.number("fix_type", byte(28)?);
            metres(&mut told, "alt_m", payload, 16);
        }
        22 => {
            told.text("param", payload.get(8..24)?);
            told.number("param_type", byte(24)?);
            if let Some(value) = float(payload, 0) {
                told.float("param_value", value.into());
            }
        }
        33 => {
            metres(&mut told, "alt_m", payload, 12);
            metres(&mut told, "height_m", payload, 16);
            // All bits set is "not known".
            if let Some(heading) = short(payload, 26).filter(|heading| *heading != u16::MAX) {
                told.float("heading", f64::from(heading) / 100.0);
            }
        }
        49 => other_place(&mut told, ("origin_lat", "origin_lon"), payload, (0, 4)),
        39 if byte(34).is_some_and(is_global) => {
            told.number("command", short(payload, 30)?);
            if let Some((lat, lon)) = float(payload, 16).zip(float(payload, 20)) {
                told.named_place(TARGET, lat.into(), lon.into());
            }
            told.float("target_alt_m", float(payload, 24)?.into());
        }
        73 if byte(34).is_some_and(is_global) => {
            told.number("command", short(payload, 30)?);
            other_place(&mut told, TARGET, payload, (16, 20));
            told.float("target_alt_m", float(payload, 24)?.into());
        }
        // Where to, around what, or what to look at: MAV_CMD_DO_REPOSITION, MAV_CMD_DO_ORBIT, MAV_CMD_DO_SET_ROI_LOCATION
        // and MAV_CMD_DO_SET_ROI.
        75 if matches!(short(payload, 28), Some(192 | 34 | 195 | 201)) && byte(32).is_some_and(is_global) => {
            other_place(&mut told, TARGET, payload, (16, 20));
        }
        86 if byte(52).is_some_and(is_global) => other_place(&mut told, TARGET, payload, (4, 8)),
        148 => {
            for (name, at) in [("flight_sw_version", 16), ("board_version", 28)] {
                told.number(name, u32::from_le_bytes(*payload.get(at..)?.first_chunk()?));
            }
            // The beginning of the hash of the source that it was built from, as letters or as bytes.
            let hash = payload.get(36..44)?;
            if hash.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == 0) {
                told.text("flight_custom_version", hash);
            } else {
                told.word("flight_custom_version", &data_encoding::HEXLOWER.encode(hash));
            }
            // The longer one where there is one.
            let long = payload.get(60..78).filter(|id| id.iter().any(|byte| *byte != 0));
            let id = long.or_else(|| payload.get(8..16)).unwrap_or_default();
            if id.iter().any(|byte| *byte != 0) {
                told.text("hwid", data_encoding::HEXLOWER.encode(id).as_bytes());
            }
        }
        160 => {
            if let Some((lat, lon)) = float(payload, 0).zip(float(payload, 4)) {
                told.named_place(TARGET, lat.into(), lon.into());
            }
        }
        175 => other_place(&mut told, TARGET, payload, (0, 4)),
        180 => {
            other_place(&mut told, ("camera_lat", "camera_lon"), payload, (8, 12));
            told.float("camera_alt_m", float(payload, 16)?.into());
        }
        234 => {
            // MAV_MODE_FLAG_SAFETY_ARMED of an autopilot, as in its heartbeat.
            told.field("armed", Value::Flag(byte(26)? & 0x80 != 0));
            told.number("landed_state", byte(27)?);
        }
        242 | 243 => metres(&mut told, "home_alt_m", payload, 8),
        245 => told.number("landed_state", byte(1)?),
        253 => {
            told.number("severity", byte(0)?);
            told.text("text", payload.get(1..51)?);
        }
        259 => {
            told.text("camera_vendor", payload.get(30..62)?);
            told.text("camera_model", payload.get(62..94)?);
            // CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM: how long the lens is now is not said.
            let zooms = byte(20)? & 64 != 0;
            if let Some((lens, sensor)) = float(payload, 8).zip(float(payload, 12)).filter(|_| !zooms)
                && lens > 0.0
                && sensor > 0.0
            {
                told.float(
                    "lens_width",
                    2.0 * (f64::from(sensor) / 2.0 / f64::from(lens)).atan().to_degrees(),
                );
            }
        }
        263 => told.text("file_url", payload.get(50..255)?),
        // From the horizon, and from where the aircraft heads; an extension says the yaw from north, or is left off.
        265 => {
            let absolute = float(payload, 16).filter(|yaw| yaw.is_finite() && *yaw != 0.0);
            let yaw = absolute.or(float(payload, 12))?;
            told.field("gimbal_from_north", Value::Flag(absolute.is_some()));
            told.float("gimbal_yaw", yaw.into());
            told.float("gimbal_pitch", float(payload, 8)?.into());
            told.float("gimbal_roll", float(payload, 4)?.into());
        }
        271 => told.float("view_width", float(payload, 44)?.into()),
        285 => {
            for (name, at) in [("gimbal_w", 4), ("gimbal_x", 8), ("gimbal_y", 12), ("gimbal_z", 16)] {
                told.float(name, float(payload, at)?.into());
            }
            told.number("gimbal_flags", short(payload, 36)?);
        }
        283 => {
            let uid = payload.get(..8)?;
            if uid.iter().any(|byte| *byte != 0) {
                told.text("gimbal_uid", data_encoding::HEXLOWER.encode(uid).as_bytes());
            }
            told.text("gimbal_vendor", payload.get(48..80)?);
            told.text("gimbal_model", payload.get(80..112)?);
            told.text("gimbal_name", payload.get(112..144)?);
        }
        299 => {
            told.text("ssid", payload.get(..32)?);
            told.text("password", payload.get(32..96)?);
        }
        311 => {
            told.text("node", payload.get(16..96)?);
            let id = payload.get(98..114)?;
            if id.iter().any(|byte| *byte != 0) {
                told.text("node_uid", data_encoding::HEXLOWER.encode(id).as_bytes());
            }
        }
        370 => {
            told.text("battery_serial", payload.get(21..37)?);
            told.text("battery_name", payload.get(37..87)?);
        }
        12900 => {
            told.number("ua_type", byte(23)?);
            remote_id::basic_id(&mut told, byte(22)?, payload.get(24..)?.first_chunk()?);
        }
        12901 => remote_id::status(&mut told, byte(52)?),
        12903 => told.text("description", payload.get(23..46)?),
        12904 => remote_id::operator_location(&mut told, byte(50)?),
        12905 => told.text("operator_id", payload.get(23..43)?),
        12915 => {
            let count = usize::from(byte(23)?);
            for message in payload.get(24..249)?.chunks(25).take(count) {
                remote_id::tell(&mut told, message);
            }
        }
        _ => {}
    }
    if other.is_some() {
        told.fields.retain(|field| field.name != "flying");
        for field in &mut told.fields {
            field.name = match field.name {
                "lat" => "other_lat",
                "lon" => "other_lon",
                name => name,
            };
        }
    }
    Some(told)
}

/// Where a message of Remote ID says of whom it was received (`id_or_mac`, 20 bytes); zeros: of the sender itself.
const fn id_or_mac(message: u32) -> Option<std::ops::Range<usize>> {
    match message {
        12900 | 12903 | 12905 | 12915 => Some(2..22),
        12901 => Some(32..52),
        12904 => Some(30..50),
        _ => None,
    }
}

/// Where something is meant to be.
const TARGET: (&str, &str) = ("target_lat", "target_lon");

/// Whether a frame of coordinates (`MAV_FRAME`) is global: those have degrees, local ones have metres.
const fn is_global(frame: u8) -> bool {
    matches!(frame, 0 | 3 | 5 | 6 | 10 | 11)
}

fn float(payload: &[u8], at: usize) -> Option<f32> {
    payload.get(at..)?.first_chunk().map(|four| f32::from_le_bytes(*four))
}

fn short(payload: &[u8], at: usize) -> Option<u16> {
    payload.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn int(payload: &[u8], at: usize) -> Option<i32> {
    payload.get(at..)?.first_chunk().map(|four| i32::from_le_bytes(*four))
}

/// Millimetres, as metres.
fn metres(told: &mut Told, name: &'static str, payload: &[u8], at: usize) {
    if let Some(raw) = int(payload, at) {
        told.float(name, f64::from(raw) / 1e3);
    }
}

/// A place that is none of the aircraft's, its home's or its operator's.
fn other_place(
    told: &mut Told,
    names: (&'static str, &'static str),
    payload: &[u8],
    (lat, lon): (usize, usize),
) {
    if let Some((lat, lon)) = int(payload, lat).zip(int(payload, lon)) {
        told.named_place(names, f64::from(lat) / 1e7, f64::from(lon) / 1e7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::mavlink::{Vehicles, parse_frame};
    use creance_model::Timestamp;

    #[test]
    fn messages_say_what_pymavlink_put_into_them() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (name, hex, expected) in [
            (
                "OPEN_DRONE_ID_BASIC_ID",
                "fd2c0000000701643200000000000000000000000000000000000000000000000102313538314635424b443232354430304250383931cc34",
                vec![("serial", Value::Text("1581F5BKD225D00BP891".to_owned()))],
            ),
            (
                "OPEN_DRONE_ID_LOCATION",
                "fd3b00000007016532004c52401c44f417050000fa430000f543000040410000c8426400c80003000000000000000000000000000000000000000000000002000101010101d064",
                vec![("lat", Value::Float(47.397_742)), ("flying", Value::Flag(true))],
            ),
            (
                "OPEN_DRONE_ID_SYSTEM",
                "fd3600000007016832005035401c10dd170500000000000000000000c843e8030000010000000000000000000000000000000000000000000000000001010101b95b",
                vec![("operator_lon", Value::Float(8.545))],
            ),
            (
                "OPEN_DRONE_ID_OPERATOR_ID",
                "fd270000000701693200000000000000000000000000000000000000000000000046494e38376173747264676531326b38e73f",
                vec![("operator_id", Value::Text("FIN87astrdge12k8".to_owned()))],
            ),
            (
                "OPEN_DRONE_ID_MESSAGE_PACK",
                "fd2e00000007017332000000000000000000000000000000000000000000000019010212313538314635424b443232354430304250383931963a",
                vec![("serial", Value::Text("1581F5BKD225D00BP891".to_owned()))],
            ),
            (
                "AUTOPILOT_VERSION",
                "fd10000000070194000000000000000000008877665544332211ecad",
                vec![("hwid", Value::Text("8877665544332211".to_owned()))],
            ),
            (
                "HOME_POSITION",
                "fd1c0000000701f200004c52401c44f41705407207000000000000000000000000000000803f6eeb",
                vec![("home_lat", Value::Float(47.397_742)), ("home_alt_m", Value::Float(488.0))],
            ),
            (
                "FOLLOW_TARGET",
                "fd5d0000000701900000050000000000000000000000000000005035401c10dd17050000c8430000000000000000000000000000000000000000000000000000803f0000000000000000000000000000000000000000000000000000000000000000000000000150da",
                vec![("operator_lat", Value::Float(47.397))],
            ),
            (
                "MISSION_ITEM_INT",
                "fd250000000701490000000000000000000000000000000000003839401cf8e01705000048420000100001010600017f83",
                vec![("target_lon", Value::Float(8.5451))],
            ),
            (
                "GPS2_RAW",
                "fd2200000007017c000001000000000000004d52401c45f4170520a107000000000001000100010001000309d25d",
                vec![("lat", Value::Float(47.397_742_1))],
            ),
            (
                "HIGH_LATENCY2",
                "fd1a0000000701eb0000010000004f52401c47f417050100f401f4010000000000000203ddca",
                vec![("lon", Value::Float(8.545_594_3))],
            ),
            (
                "PARAM_VALUE",
                "fd19000000070116000000409a442c010400535441545f464c5454494d45000000000911c1",
                vec![("param", text("STAT_FLTTIME")), ("param_value", Value::Float(1234.0))],
            ),
            (
                "MISSION_ITEM",
                "fd2500000007012700000000000000000000000000000000000000003e42000008410000f04103001000ff0103000110bb",
                vec![("target_lat", Value::Float(47.5)), ("command", Value::Integer(16))],
            ),
            (
                "COMMAND_INT",
                "fd2100000007014b0000000000000000000000000000000000004c52401c44f4170500002041c300010105af80",
                vec![("target_lon", Value::Float(8.545_594))],
            ),
            (
                "SET_POSITION_TARGET_GLOBAL_INT",
                "fd350000000701560000010000004c52401c44f41705000020410000000000000000000000000000000000000000000000000000000000000000000001010691cc",
                vec![("target_lat", Value::Float(47.397_742))],
            ),
            (
                "RALLY_POINT",
                "fd120000000701af00004c52401c44f417051e0000000000010100018251",
                vec![("target_lat", Value::Float(47.397_742))],
            ),
            (
                "FENCE_POINT",
                "fd0c0000000701a0000000003e420000084101010001f2d1",
                vec![("target_lon", Value::Float(8.5))],
            ),
            (
                "CAMERA_FEEDBACK",
                "fd2b0000000701b4000001000000000000004c52401c44f417050040fa430000f041000000000000000000000000000000000900019584",
                vec![("camera_lat", Value::Float(47.397_742)), ("camera_alt_m", Value::Float(500.5))],
            ),
            (
                "HIGH_LATENCY",
                "fd270000000701ea0000000000004c52401c44f417050000000000000000e80100000000810200000000000003093214144669",
                vec![("lat", Value::Float(47.397_742)), ("flying", Value::Flag(true))],
            ),
            (
                "SET_HOME_POSITION",
                "fd350000000701f300004c52401c44f41705407207000000000000000000000000000000803f00000000000000000000000000000000000000000000000001b33f",
                vec![("home_lon", Value::Float(8.545_594))],
            ),
            (
                "STATUSTEXT",
                "fd1d0000000701fd00000641726475436f707465722056342e352e372028326133646334623729ef67",
                vec![("text", text("ArduCopter V4.5.7 (2a3dc4b7)"))],
            ),
            (
                "CAMERA_INFORMATION",
                "fd430000000701030100000000000000000000000000000000000000000000000000000000000000536b796c61726b000000000000000000000000000000000000000000000000004579652032a4ec",
                vec![("camera_vendor", text("Skylark")), ("camera_model", text("Eye 2"))],
            ),
            (
                "CAMERA_INFORMATION",
                "fd410000000701030100000000000100000000009041000010420000c04102000000000000000000536b796c61726b0000000000000000000000000000000000000000000000000045796538e5",
                vec![("lens_width", Value::Float(90.0))],
            ),
            (
                "GLOBAL_POSITION_INT",
                "fd1c0000000701210000e80300004c52401c44f4170520a1070054ec00000000000000002823d825",
                vec![("height_m", Value::Float(60.5)), ("heading", Value::Float(90.0))],
            ),
            (
                "MOUNT_ORIENTATION",
                "fd140000000701090100e80300000000003f0000f0c1000020410000c8423d17",
                vec![
                    ("gimbal_yaw", Value::Float(100.0)),
                    ("gimbal_pitch", Value::Float(-30.0)),
                    ("gimbal_roll", Value::Float(0.5)),
                    ("gimbal_from_north", Value::Flag(true)),
                ],
            ),
            (
                "MOUNT_ORIENTATION",
                "fd100000000701090100e80300000000003f0000f0c100002041befb",
                vec![("gimbal_yaw", Value::Float(10.0)), ("gimbal_from_north", Value::Flag(false))],
            ),
            (
                "CAMERA_FOV_STATUS",
                "fd3400000007010f0100e80300004c52401c44f4170520a10700000000000000000000000000ea46773f00000000ee8384be0000000000007a4200002042cc99",
                vec![("view_width", Value::Float(62.5))],
            ),
            (
                "GIMBAL_DEVICE_ATTITUDE_STATUS",
                "fd2500000007011d0100e8030000ea46773f00000000ee8384be00000000000000000000000000000000000000002c0b3c",
                vec![("gimbal_flags", Value::Integer(44)), ("gimbal_x", Value::Float(0.0))],
            ),
            (
                "GIMBAL_DEVICE_INFORMATION",
                "fd5200000007011b0100080706050403020100000000000000000000000000000000000000000000000000000000000000000000000000000000536b796c61726b0000000000000000000000000000000000000000000000000047316a1c",
                vec![("gimbal_uid", text("0807060504030201")), ("gimbal_model", text("G1"))],
            ),
            (
                "WIFI_CONFIG_AP",
                "fd2d00000007012b0100736b796c61726b2d370000000000000000000000000000000000000000000000636f727265637420686f727365626a",
                vec![("ssid", text("skylark-7")), ("password", text("correct horse"))],
            ),
            (
                "UAVCAN_NODE_INFO",
                "fd730000000701370100000000000000000000000000000000006f72672e736b796c61726b2e677073000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001000102030405060708090a0b0c0d0e0f100188ad",
                vec![
                    ("node", text("org.skylark.gps")),
                    ("node_uid", text("0102030405060708090a0b0c0d0e0f10")),
                ],
            ),
            (
                "SMART_BATTERY_INFO",
                "fd2f000000070172010000000000000000000000000000000000000000000042583030343200000000000000000000536b796c61726b2034535a97",
                vec![("battery_serial", text("BX0042")), ("battery_name", text("Skylark 4S"))],
            ),
            (
                "OPEN_DRONE_ID_SYSTEM_UPDATE",
                "fd0d00000007017732004c52401c44f417050000c84301b726",
                vec![("operator_lat", Value::Float(47.397_742))],
            ),
            (
                "AUTOPILOT_VERSION",
                "fd2c000000070194000000000000000000004d0000000000000000070504000000000000000009000000000000003261336463346237f0dd",
                vec![
                    ("flight_custom_version", text("2a3dc4b7")),
                    ("flight_sw_version", Value::Integer(0x0405_0700)),
                ],
            ),
            (
                "GPS_GLOBAL_ORIGIN",
                "fd0b00000007013100005052401c48f4170520a107ab99",
                vec![("origin_lat", Value::Float(47.397_742_4))],
            ),
        ] {
            let (frame, _) = parse_frame(&data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())
                .unwrap_or_else(|| panic!("{name}"));
            let told = Vehicles::default().fields(&frame, Timestamp::default()).unwrap();
            let value =
                |name: &str| told.iter().find(|field| field.name == name).map(|field| field.value.clone());
            assert_eq!(value("message"), Some(Value::Text(name.to_owned())));
            assert_eq!(value("vehicle"), Some(Value::Integer(7)));
            for (field, expected) in expected {
                assert_eq!(value(field), Some(expected), "{name} {field}");
            }
        }
    }
}
