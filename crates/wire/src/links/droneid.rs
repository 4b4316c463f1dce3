//! DroneID, what DJI's aircraft say of themselves in beacons of Wi-Fi (the element of 26:37:12).
//!
//! ```text
//! kind, 2 unknown │ 10 │ version │ number state serial (16) lon lat altitude height velocities … home product uuid
//! kind, 2 unknown │ 11 │ serial (16) │ length id (10) │ length purpose
//! ```
//!
//! Nothing of it is published by its maker: the layout is that of Kismet and of RUB-SysSec/DroneSecurity, which agree up
//! to the yaw. Numbers are sent least significant byte first, places in units of 10⁻⁷ radians. Altitude and height are
//! told as they stand, for their unit is disputed. Left out: `DroneID` over `OcuSync`, which no Wi-Fi radio hears.

use creance_cursor::{Cursor, Malformed};
use creance_model::Value;

use crate::links::aircraft::{Told, Whose};

/// The name in outputs.
pub(crate) const NAME: &str = "droneid";

/// What the element says behind its three bytes of maker.
pub(crate) fn read(bytes: &[u8]) -> Told {
    let kind = match bytes {
        [_, _, _, 0x10, ..] => "telemetry",
        [_, _, _, 0x11, ..] => "purpose",
        _ => "other",
    };
    let mut told = Told::new(NAME, kind, bytes);
    let record = bytes.get(4..).unwrap_or_default();
    // What is cut is told as far as it goes.
    let _ = match kind {
        "telemetry" => telemetry(&mut told, record),
        "purpose" => purpose(&mut told, record),
        _ => Ok(()),
    };
    told
}

/// Units of an angle in a degree.
const DEGREE: f64 = 174_533.0;

/// Bits of the state: the serial is valid, the pilot does not hide, motors on, in the air.
const KNOWN: u16 = 0x0003;
const MOTORS: u16 = 0x0010;
const IN_AIR: u16 = 0x0020;

fn telemetry(told: &mut Told, record: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(record);
    let version = cursor.u8("version")?;
    told.number("version", version);
    told.number("sequence", cursor.u16_le("sequence")?);
    let state = cursor.u16_le("state")?;
    told.number("state", state);
    if state & (MOTORS | IN_AIR) != 0 {
        told.flying(true);
    } else if state & KNOWN == KNOWN {
        told.flying(false);
    }
    told.field("hidden", Value::Flag(state & 2 == 0));
    told.text("serial", cursor.take("serial", 16)?);
    let lon = degrees(cursor.i32_le("longitude")?);
    let lat = degrees(cursor.i32_le("latitude")?);
    told.place(Whose::Aircraft, lat, lon);
    told.number("altitude", i16::from_le_bytes(cursor.array("altitude")?));
    told.number("height", i16::from_le_bytes(cursor.array("height")?));
    cursor.take("velocities", 6)?;
    if version >= 2 {
        cursor.take("yaw", 2)?;
        let time = cursor.u64_le("time of the receiver")?;
        told.number("gps_time_ms", i64::try_from(time).unwrap_or(i64::MAX));
        let lat = degrees(cursor.i32_le("latitude of the app")?);
        let lon = degrees(cursor.i32_le("longitude of the app")?);
        told.place(Whose::Operator, lat, lon);
    } else {
        cursor.take("angles", 6)?;
    }
    let lon = degrees(cursor.i32_le("longitude of home")?);
    let lat = degrees(cursor.i32_le("latitude of home")?);
    told.place(Whose::Home, lat, lon);
    told.number("product", cursor.u8("product")?);
    let length = usize::from(cursor.u8("length of the account")?).min(20);
    told.text("account_id", cursor.take("account", length)?);
    Ok(())
}

/// What the pilot typed.
fn purpose(told: &mut Told, record: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(record);
    told.text("serial", cursor.take("serial", 16)?);
    let length = usize::from(cursor.u8("length of the id")?).min(10);
    let id = cursor.take("id", 10)?;
    told.text("drone_id", id.get(..length).unwrap_or_default());
    let length = usize::from(cursor.u8("length of the purpose")?).min(cursor.len());
    told.text("purpose", cursor.take("purpose", length)?);
    Ok(())
}

fn degrees(raw: i32) -> f64 {
    f64::from(raw) / DEGREE
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(told: &Told, name: &str) -> Option<Value> {
        told.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    struct Spoken {
        version: u8,
        state: u16,
        aircraft: (i32, i32),
        operator: (i32, i32),
        home: (i32, i32),
    }

    fn element(spoken: &Spoken) -> Vec<u8> {
        let mut bytes = vec![0x58, 0x62, 0x13, 0x10, spoken.version, 7, 0];
        bytes.extend(spoken.state.to_le_bytes());
        bytes.extend(b"0K1CH12345678A\0\0");
        let place = |bytes: &mut Vec<u8>, first: i32, second: i32| {
            bytes.extend(first.to_le_bytes());
            bytes.extend(second.to_le_bytes());
        };
        place(&mut bytes, spoken.aircraft.1, spoken.aircraft.0);
        bytes.extend([10, 0, 20, 0]);
        bytes.extend([0; 6]);
        if spoken.version >= 2 {
            bytes.extend([0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
            place(&mut bytes, spoken.operator.0, spoken.operator.1);
        } else {
            bytes.extend([0; 6]);
        }
        place(&mut bytes, spoken.home.1, spoken.home.0);
        bytes.extend([16, 5]);
        bytes.extend(b"12345\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes
    }

    #[test]
    fn an_aircraft_of_either_version_says_who_and_where() {
        for version in [1, 2] {
            let spoken = Spoken {
                version,
                state: 0x1ff3,
                aircraft: (8_979_129, 1_268_413),
                operator: (7_551_700, 1_158_900),
                home: (8_979_132, 1_268_410),
            };
            let bytes = element(&spoken);
            // As domain.md has it: 75 bytes and 87 with the version.
            assert_eq!(bytes.len() - 4, if version == 1 { 75 } else { 87 });
            let told = read(&bytes);
            assert_eq!(value(&told, "serial"), Some(Value::Text("0K1CH12345678A".to_owned())));
            assert_eq!(value(&told, "account_id"), Some(Value::Text("12345".to_owned())));
            assert_eq!(value(&told, "flying"), Some(Value::Flag(true)));
            assert_eq!(value(&told, "lat"), Some(Value::Float(8_979_129.0 / 174_533.0)));
            assert_eq!(value(&told, "home_lon"), Some(Value::Float(1_268_410.0 / 174_533.0)));
            assert_eq!(value(&told, "operator_lat").is_some(), version == 2);
        }
    }

    #[test]
    fn the_purpose_is_what_was_typed() {
        let mut bytes = vec![0x58, 0x62, 0x13, 0x11];
        bytes.extend(b"0K1CH12345678A\0\0\x04sky1\0\0\0\0\0\0\x0croof survey, truncated");
        let told = read(&bytes);
        assert_eq!(value(&told, "drone_id"), Some(Value::Text("sky1".to_owned())));
        assert_eq!(value(&told, "purpose"), Some(Value::Text("roof survey,".to_owned())));
    }

    proptest! {
        #[test]
        fn places_survive_the_wire(version in 1_u8..=2, state: u16, aircraft: (i32, i32), operator: (i32, i32), home: (i32, i32)) {
            let told = read(&element(&Spoken { version, state, aircraft, operator, home }));
            for (names, (lat, lon), sent) in [
                (("lat", "lon"), aircraft, true),
                (("operator_lat", "operator_lon"), operator, version == 2),
                (("home_lat", "home_lon"), home, true),
            ] {
                let (lat, lon) = (f64::from(lat) / 174_533.0, f64::from(lon) / 174_533.0);
                let there = sent && lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat != 0.0 || lon != 0.0);
                prop_assert_eq!(value(&told, names.0), there.then_some(Value::Float(lat)));
                prop_assert_eq!(value(&told, names.1), there.then_some(Value::Float(lon)));
            }
            prop_assert_eq!(value(&told, "flying") == Some(Value::Flag(true)), state & 0x30 != 0);
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, cut in 0..91_usize) {
            read(&bytes);
            let whole = element(&Spoken { version: 2, state: 0, aircraft: (1, 1), operator: (1, 1), home: (1, 1) });
            prop_assert!(read(&whole[..cut.min(whole.len())]).fields.len() <= 20);
        }
    }
}
