//! Open Drone ID: ASTM F3411-22a, ASD-STAN EN 4709-002. What aircraft must say to all who listen.
//!
//! ```text
//! message   kind 4 bits, version 4 bits │ 24 bytes                        kinds 0 to 5
//! pack      f and version │ 19 │ count │ count messages of 25 bytes
//! ```
//!
//! Numbers are sent least significant byte first. It rides in beacons and NAN frames of Wi-Fi (`wifi.rs`), in
//! advertisements of Bluetooth (`bluetooth.rs`) and in MAVLink. Left out: authentication is not verified, for no key is
//! known; what its pages hold is told as bytes.

use creance_cursor::{Cursor, Malformed};
use creance_model::Value;

use crate::links::aircraft::{Told, Whose};

/// The name in outputs.
pub(crate) const NAME: &str = "remote-id";

/// Bytes of a message.
const SIZE: usize = 25;

/// Messages of a pack, at most (F3411-22a §5.4.5.23).
const MOST: usize = 9;

/// What a pack, a message, or messages one after the other (as some did before packs) say.
pub(crate) fn read(bytes: &[u8]) -> Told {
    let (kind, messages) = match bytes {
        // A pack states the size of its messages; none but 25 is known.
        [0xf0..=0xff, 25, count, messages @ ..] => {
            let most = usize::from(*count).min(MOST) * SIZE;
            ("pack", messages.get(..most.min(messages.len())).unwrap_or_default())
        }
        [0xf0..=0xff, ..] => ("other", &[][..]),
        [first, ..] if bytes.len() < 2 * SIZE => (name(*first >> 4), bytes),
        _ => ("pack", bytes.get(..MOST * SIZE).unwrap_or(bytes)),
    };
    let mut told = Told::new(NAME, kind, bytes);
    for message in messages.chunks(SIZE) {
        tell(&mut told, message);
    }
    let cut = match bytes {
        [0xf0..=0xff, 25, count, rest @ ..] => {
            rest.len() < usize::from(*count) * SIZE || usize::from(*count) > MOST
        }
        _ => kind == "pack" && bytes.len() > MOST * SIZE,
    };
    if cut {
        told.field("truncated", Value::Flag(true));
    }
    told
}

const fn name(kind: u8) -> &'static str {
    match kind {
        0 => "basic-id",
        1 => "location",
        2 => "authentication",
        3 => "self-id",
        4 => "system",
        5 => "operator-id",
        _ => "other",
    }
}

/// What a message of 25 bytes says; one that is cut is told as far as it goes.
pub(crate) fn tell(told: &mut Told, message: &[u8]) {
    let _ = values(told, message);
}

fn values(told: &mut Told, message: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(message);
    match cursor.u8("kind and version")? >> 4 {
        0 => {
            let kinds = cursor.u8("kinds of id and aircraft")?;
            let id: [u8; 20] = cursor.array("id")?;
            told.number("ua_type", kinds & 15);
            basic_id(told, kinds >> 4, &id);
        }
        1 => location(told, &mut cursor)?,
        2 => {
            let kind = cursor.u8("kind of authentication and page")?;
            told.number("auth_type", kind >> 4);
            told.number("auth_page", kind & 15);
        }
        3 => {
            told.number("description_type", cursor.u8("kind of description")?);
            told.text("description", cursor.take("description", 23)?);
        }
        4 => system(told, &mut cursor)?,
        5 => {
            cursor.u8("kind of operator")?;
            told.text("operator_id", cursor.take("operator id", 20)?);
        }
        _ => {}
    }
    Ok(())
}

/// Who it is (Basic ID): 1 a serial of CTA-2063-A, 2 a registration, 3 a UUID of traffic management, 4 a session.
pub(crate) fn basic_id(told: &mut Told, kind: u8, id: &[u8; 20]) {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    match kind {
        1 => told.text("serial", id),
        2 => told.text("registration_id", id),
        3 if *id != [0; 20] => told.text("utm_id", hex(id.get(..16).unwrap_or_default()).as_bytes()),
        4 if *id != [0; 20] => told.text("session_id", hex(id).as_bytes()),
        _ => {}
    }
}

/// Whether it flies, by the status of a Location message: 2 in the air. On the ground (1) its motors may run; an emergency
/// (3) and a failure of the system itself (4) say nothing either.
pub(crate) fn status(told: &mut Told, status: u8) {
    told.word(
        "status",
        match status {
            0 => "undeclared",
            1 => "ground",
            2 => "airborne",
            3 => "emergency",
            4 => "system failure",
            _ => "reserved",
        },
    );
    if status == 2 {
        told.flying(true);
    }
}

fn location(told: &mut Told, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    let flags = cursor.u8("status and flags")?;
    status(told, flags >> 4);
    let direction = u16::from(cursor.u8("direction")?) + if flags & 2 != 0 { 180 } else { 0 };
    let speed = cursor.u8("speed")?;
    let vertical = i8::from_le_bytes([cursor.u8("vertical speed")?]);
    degrees(told, Whose::Aircraft, cursor)?;
    altitude(told, "pressure_alt_m", cursor.u16_le("pressure altitude")?);
    altitude(told, "alt_m", cursor.u16_le("altitude")?);
    altitude(told, "height_m", cursor.u16_le("height")?);
    told.word("height_over", if flags & 4 == 0 { "take-off" } else { "ground" });
    if direction < 361 {
        told.number("direction_deg", direction);
    }
    match (flags & 1, speed) {
        (1, 255) => {}
        (1, speed) => told.float("speed_m_s", f64::from(speed).mul_add(0.75, 63.75)),
        (_, speed) => told.float("speed_m_s", f64::from(speed) * 0.25),
    }
    if vertical != 126 {
        told.float("vertical_speed_m_s", f64::from(vertical) * 0.5);
    }
    cursor.take("accuracies", 2)?;
    let tenths = cursor.u16_le("timestamp")?;
    if tenths != 0xffff {
        told.float("seconds_after_the_hour", f64::from(tenths) / 10.0);
    }
    Ok(())
}

fn system(told: &mut Told, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    let flags = cursor.u8("flags")?;
    operator_location(told, flags & 3);
    degrees(told, Whose::Operator, cursor)?;
    told.number("area_count", cursor.u16_le("area count")?);
    told.number("area_radius_m", u16::from(cursor.u8("area radius")?) * 10);
    altitude(told, "area_ceiling_m", cursor.u16_le("area ceiling")?);
    altitude(told, "area_floor_m", cursor.u16_le("area floor")?);
    cursor.u8("category and class")?;
    altitude(told, "operator_alt_m", cursor.u16_le("operator altitude")?);
    let stamp = cursor.u32_le("timestamp")?;
    if stamp != 0 {
        // Seconds since 2019-01-01T00:00:00Z.
        told.number("unix_time", i64::from(stamp) + 1_546_300_800);
    }
    Ok(())
}

/// How the operator's place is known.
pub(crate) fn operator_location(told: &mut Told, kind: u8) {
    let words = ["take-off", "live", "fixed"];
    told.word("operator_location", words.get(usize::from(kind)).copied().unwrap_or("reserved"));
}

/// Latitude and longitude in units of 10⁻⁷ degrees.
fn degrees(told: &mut Told, whose: Whose, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    let lat = cursor.i32_le("latitude")?;
    let lon = cursor.i32_le("longitude")?;
    told.place(whose, f64::from(lat) / 1e7, f64::from(lon) / 1e7);
    Ok(())
}

/// Half metres above −1000 m, which means that it is not known.
fn altitude(told: &mut Told, name: &'static str, raw: u16) {
    if raw != 0 {
        told.float(name, f64::from(raw).mul_add(0.5, -1000.0));
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Field;
    use proptest::prelude::*;

    fn value(told: &Told, name: &str) -> Option<Value> {
        told.fields.iter().find(|field| field.name == name).map(|Field { value, .. }| value.clone())
    }

    fn location_message(flags: u8, rest: [u8; 3], lat: i32, lon: i32, alts: [u16; 3]) -> Vec<u8> {
        let mut message = vec![0x12, flags, rest[0], rest[1], rest[2]];
        message.extend(lat.to_le_bytes());
        message.extend(lon.to_le_bytes());
        message.extend(alts.into_iter().flat_map(u16::to_le_bytes));
        message.extend([0x39, 0x41, 0x07, 0x08, 10, 0]);
        message
    }

    #[test]
    fn a_location_as_the_demonstration_set_sends_it_is_read_as_the_dissector_reads_it() {
        // Frame 1 of odid_wifi_sample.pcap, by opendroneid/wireshark-dissector: status 0, direction 129 in the eastern
        // half, speed 82, geodetic altitude 2474, height 2200, stamp 2055.
        let message = location_message(0, [129, 82, 0], 455_450_519, -1_229_722_906, [0, 2474, 2200]);
        assert_eq!(message.len(), SIZE);
        let told = read(&message);
        assert_eq!(told.kind, "location");
        for (name, expected) in [
            ("lat", 45.545_051_9),
            ("lon", -122.972_290_6),
            ("alt_m", 237.0),
            ("height_m", 100.0),
            ("speed_m_s", 20.5),
            ("seconds_after_the_hour", 205.5),
        ] {
            assert_eq!(value(&told, name), Some(Value::Float(expected)), "{name}");
        }
        assert_eq!(value(&told, "direction_deg"), Some(Value::Integer(129)));
        assert_eq!((value(&told, "pressure_alt_m"), value(&told, "flying")), (None, None));
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let told = read(&location_message(0x23, [181, 255, 126], 0, 0, [0; 3]));
        let names: Vec<_> = told.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["status", "flying", "height_over", "seconds_after_the_hour"]);
        assert_eq!(value(&told, "flying"), Some(Value::Flag(true)));
        let parked = read(&location_message(0x13, [181, 255, 126], 0, 0, [0; 3]));
        assert_eq!(
            (value(&parked, "flying"), parked.fields[0].value.clone()),
            (None, Value::Text("ground".to_owned()))
        );
    }

    #[test]
    fn a_pack_says_what_its_messages_say_up_to_where_it_is_cut() {
        let mut basic = vec![0x02, 0x12];
        basic.extend(b"1581F6N8A23B2ML3Y3KR\0\0\0");
        let mut registered = vec![0x02, 0x22];
        registered.extend(b"FA12345897\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let mut operator = vec![0x52, 0];
        operator.extend(b"FIN87astrdge12k8\0\0\0\0\0\0\0");
        let mut remark = vec![0x32, 0];
        remark.extend(b"Recreational\0\0\0\0\0\0\0\0\0\0\0");
        let system = [
            &[0x42, 5][..],
            &336_632_364_i32.to_le_bytes(),
            &(-821_916_647_i32).to_le_bytes(),
            &[1, 0, 5, 0, 0, 0, 0, 0x12],
            &2400_u16.to_le_bytes(),
            &[0, 0, 0, 1, 0],
        ]
        .concat();
        let messages = [basic, registered, operator, remark, system].concat();
        let pack = [&[0xf2, 25, 5][..], &messages].concat();
        let told = read(&pack);
        for (name, expected) in [
            ("serial", "1581F6N8A23B2ML3Y3KR"),
            ("registration_id", "FA12345897"),
            ("operator_id", "FIN87astrdge12k8"),
            ("description", "Recreational"),
            ("operator_location", "live"),
        ] {
            assert_eq!(value(&told, name), Some(Value::Text(expected.to_owned())), "{name}");
        }
        assert_eq!(value(&told, "operator_lat"), Some(Value::Float(33.663_236_4)));
        assert_eq!(value(&told, "area_radius_m"), Some(Value::Integer(50)));
        assert_eq!(value(&told, "unix_time"), Some(Value::Integer(1_546_300_800 + 0x0100_0000)));
        assert_eq!(value(&told, "truncated"), None);
        // Without the head of a pack, as some sent it once.
        assert_eq!(value(&read(&messages), "operator_lon"), Some(Value::Float(-82.191_664_7)));
        let cut = read(&pack[..3 + 60]);
        assert_eq!(value(&cut, "truncated"), Some(Value::Flag(true)));
        assert!(value(&cut, "serial").is_some() && value(&cut, "operator_id").is_none());
    }

    #[test]
    fn packs_of_other_sizes_are_bytes_and_rows_without_end_are_cut() {
        let mut operator = vec![0x52, 0];
        operator.extend(b"FIN87astrdge12k8\0\0\0\0\0\0\0");
        let other = read(&[&[0xf2, 24, 2][..], &operator, &operator].concat());
        assert_eq!((other.kind, other.fields.len()), ("other", 0));
        let row = read(&operator.repeat(MOST + 1));
        assert_eq!(row.fields.iter().filter(|field| field.name == "operator_id").count(), MOST);
        assert_eq!(value(&row, "truncated"), Some(Value::Flag(true)));
    }

    proptest! {
        #[test]
        fn places_survive_the_wire(lat in -900_000_000_i32..=900_000_000, lon in -1_800_000_000_i32..=1_800_000_000, flags: u8, rest: [u8; 3], alts: [u16; 3]) {
            let told = read(&location_message(flags, rest, lat, lon, alts));
            let somewhere = lat.abs() > 10 || lon.abs() > 10;
            prop_assert_eq!(value(&told, "lat"), somewhere.then_some(Value::Float(f64::from(lat) / 1e7)));
            prop_assert_eq!(value(&told, "lon"), somewhere.then_some(Value::Float(f64::from(lon) / 1e7)));
            let flying = (flags >> 4 == 2).then_some(true);
            prop_assert_eq!(value(&told, "flying"), flying.map(Value::Flag));
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let told = read(&bytes);
            prop_assert!(told.fields.len() <= 14 * (bytes.len() / SIZE + 1) + 1);
        }
    }
}
