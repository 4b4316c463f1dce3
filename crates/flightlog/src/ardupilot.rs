//! What autopilots say in words and settings, in telemetry and in logs alike.

use creance_model::{Component, DataClass};

use crate::record::Record;

/// A sentence of an autopilot: of its firmware and boards, or of what happens.
///
/// `ArduPilot` names itself with a version and a hash, `ArduCopter V4.5.7 (2a3dc4b7)`, and its board with the unique
/// number of the chip in three words of eight digits, `CubeOrange 002A0029 31335102 33343838`.
pub(crate) fn sentence(record: &mut Record, text: &str, field: &str) {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    record.say("message", text, field);
    if is_firmware(text) && record.device().software.is_none() {
        record.device().software = Some(text.to_owned());
    }
    if let Some((board, chip)) = chip(text) {
        record.identify(DataClass::Serial, Some(Component::Aircraft), &chip, field);
        if record.device().model.is_none() {
            record.device().model = Some(board.to_owned());
        }
    }
}

fn is_firmware(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let version = words.next().and_then(|word| word.strip_prefix(['V', 'v'])).unwrap_or_default();
    let known = ["Ardu", "APM:", "AntennaTracker", "Blimp", "Rover", "Sub"];
    known.iter().any(|known| name.starts_with(known)) && version.starts_with(|c: char| c.is_ascii_digit())
}

/// Board and number of its chip, if a sentence is of them.
fn chip(text: &str) -> Option<(&str, String)> {
    let (board, words) = text.split_once(' ')?;
    let words: Vec<&str> = words.split(' ').take(4).collect();
    let hex = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    (words.len() == 3 && words.iter().all(hex)).then(|| (board, words.concat()))
}

/// A setting, if it says something of the equipment or of its life.
pub(crate) fn setting(record: &mut Record, name: &str, value: f64, field: &str) {
    let shown = value.to_string();
    match name {
        // −1 is "not known".
        "BRD_SERIAL_NUM" if value > 0.0 => {
            record.identify(DataClass::Serial, Some(Component::Aircraft), &shown, &format!("{field}:{name}"));
        }
        _ if is_battery(name) && value > 0.0 => {
            record.identify(DataClass::Serial, Some(Component::Battery), &shown, &format!("{field}:{name}"));
        }
        _ => {
            if let Some((_, what)) = SETTINGS.iter().find(|(known, _)| *known == name) {
                record.latest(what, &shown, format!("{field}:{name}"));
            }
        }
    }
}

/// A setting, if it says how wide the first camera sees (`ArduPilot`, degrees; 0 is "not known").
pub(crate) fn width(record: &mut Record, vehicle: &str, name: &str, value: f64) {
    if name == "CAM1_HFOV" {
        record.gazes().width(vehicle, value);
    }
}

/// `BATT_SERIAL_NUM`, `BATT2_SERIAL_NUM`, …
fn is_battery(name: &str) -> bool {
    name.strip_prefix("BATT")
        .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()) == "_SERIAL_NUM")
}

/// Settings of `ArduPilot` and PX4, and what they say.
const SETTINGS: &[(&str, &str)] = &[
    ("SYSID_THISMAV", "number of the system"),
    ("MAV_SYSID", "number of the system"),
    ("MAV_SYS_ID", "number of the system"),
    ("SYSID_MYGCS", "number of the ground station"),
    ("MAV_GCS_SYSID", "number of the ground station"),
    ("STAT_BOOTCNT", "times switched on"),
    ("STAT_FLTTIME", "seconds flown in its life"),
    ("STAT_RUNTIME", "seconds on in its life"),
    ("STAT_RESET", "statistics since (seconds from 2016)"),
    ("COM_FLIGHT_UUID", "flights in its life"),
    ("LND_FLIGHT_T_LO", "microseconds flown in its life, low half"),
    ("LND_FLIGHT_T_HI", "microseconds flown in its life, high half"),
    ("FENCE_ENABLE", "fence on"),
    ("DID_ENABLE", "Remote ID on"),
    ("ADSB_ICAO_ID", "ICAO address"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Holds;

    #[test]
    fn sentences_name_firmware_board_and_chip() {
        let mut record = Record::of("x", Holds::Beats, "x");
        for text in [
            "ArduPilot: calibrating",
            "ArduPlane V3.8.2-dev (8178ab40)",
            "PX4v4 00360029 30365103 31323731",
            "Mission: 3 WP",
            "one two three four",
        ] {
            sentence(&mut record, text, "MSG");
        }
        let told = record.finish(None);
        assert_eq!(told.device.software.as_deref(), Some("ArduPlane V3.8.2-dev (8178ab40)"));
        assert_eq!(told.device.model.as_deref(), Some("PX4v4"));
        let serials: Vec<_> = told.identifiers.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(serials, ["003600293036510331323731"]);
        assert_eq!(told.facts.len(), 5);
    }

    #[test]
    fn settings_of_the_equipment_are_told_and_gains_are_not() {
        let mut record = Record::of("x", Holds::Beats, "x");
        for (name, value) in [
            ("BATT2_SERIAL_NUM", 4711.0),
            ("BATT_SERIAL_NUM", -1.0),
            ("STAT_BOOTCNT", 12.0),
            ("ATC_RAT_P", 0.1),
        ] {
            setting(&mut record, name, value, "PARM");
        }
        let told = record.finish(None);
        let of: Vec<_> =
            told.identifiers.iter().map(|one| (one.of, one.value.as_str(), one.field.as_str())).collect();
        assert_eq!(of, [(Some(Component::Battery), "4711", "PARM:BATT2_SERIAL_NUM")]);
        assert_eq!((told.facts.len(), told.facts[0].value.as_str()), (1, "12"));
    }
}
