//! What messages of MAVLink say (common.xml): who, where, whether they fly.
//!
//! Fields lie in the order of their size, numbers least significant byte first; offsets are those of common.xml at
//! de1e078a as pymavlink lays them out. Left out: what says neither who nor where nor whether it flies.

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
    known(24, "GPS_RAW_INT", 24, 52),
    known(33, "GLOBAL_POSITION_INT", 104, 28),
    known(49, "GPS_GLOBAL_ORIGIN", 39, 20),
    known(63, "GLOBAL_POSITION_INT_COV", 119, 181),
    known(73, "MISSION_ITEM_INT", 38, 38),
    known(124, "GPS2_RAW", 87, 57),
    known(144, "FOLLOW_TARGET", 127, 93),
    known(148, "AUTOPILOT_VERSION", 178, 78),
    known(235, "HIGH_LATENCY2", 179, 42),
    known(242, "HOME_POSITION", 104, 60),
    known(245, "EXTENDED_SYS_STATE", 130, 2),
    known(263, "CAMERA_IMAGE_CAPTURED", 133, 255),
    known(12900, "OPEN_DRONE_ID_BASIC_ID", 114, 44),
    known(12901, "OPEN_DRONE_ID_LOCATION", 254, 59),
    known(12903, "OPEN_DRONE_ID_SELF_ID", 249, 46),
    known(12904, "OPEN_DRONE_ID_SYSTEM", 77, 54),
    known(12905, "OPEN_DRONE_ID_OPERATOR_ID", 49, 43),
    known(12915, "OPEN_DRONE_ID_MESSAGE_PACK", 94, 249),
];

/// The message of this number, if it is read.
pub(super) fn of(number: u32) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.number == number)
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
        33 | 235 => place(Whose::Aircraft, 4, 8),
        242 => place(Whose::Home, 0, 4),
        12901 => place(Whose::Aircraft, 0, 4),
        12904 => place(Whose::Operator, 0, 4),
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
        33 => {
            metres(&mut told, "alt_m", payload, 12);
            metres(&mut told, "height_m", payload, 16);
        }
        49 => other_place(&mut told, ("origin_lat", "origin_lon"), payload, (0, 4)),
        // Global frames (MAV_FRAME) have degrees; local ones have metres.
        73 if matches!(byte(34), Some(0 | 3 | 5 | 6 | 10 | 11)) => {
            other_place(&mut told, ("target_lat", "target_lon"), payload, (16, 20));
        }
        148 => {
            // The longer one where there is one.
            let long = payload.get(60..78).filter(|id| id.iter().any(|byte| *byte != 0));
            let id = long.or_else(|| payload.get(8..16)).unwrap_or_default();
            if id.iter().any(|byte| *byte != 0) {
                told.text("hwid", data_encoding::HEXLOWER.encode(id).as_bytes());
            }
        }
        242 => metres(&mut told, "home_alt_m", payload, 8),
        245 => told.number("landed_state", byte(1)?),
        263 => told.text("file_url", payload.get(50..255)?),
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
