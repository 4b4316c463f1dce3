//! What EXIF says (CIPA DC-008, and the tags of DNG and of Windows): where, when, with what, by whom.

use creance_model::{
    AltReference, Component, DataClass, Dated, Hidden, Inspection, Look, Role, Spot, Timestamp,
};

use super::{
    ifd::{Directory, Tags},
    maker,
};

/// Tags of text that identify: of which class, of what, and their names.
const IDENTIFIERS: &[(u16, DataClass, Option<Component>, &str)] = &[
    (0xa431, DataClass::Serial, Some(Component::Camera), "BodySerialNumber"),
    (0xa435, DataClass::Serial, Some(Component::Lens), "LensSerialNumber"),
    (0xc62f, DataClass::Serial, Some(Component::Camera), "CameraSerialNumber"),
    (0xfde9, DataClass::Serial, Some(Component::Camera), "SerialNumber"),
    (0xa430, DataClass::PersonName, None, "CameraOwnerName"),
    (0xa437, DataClass::PersonName, None, "Photographer"),
    (0xa438, DataClass::PersonName, None, "ImageEditor"),
    (0xfde8, DataClass::PersonName, None, "OwnerName"),
    (0x013b, DataClass::PersonName, None, "Artist"),
    (0xa420, DataClass::DeviceId, None, "ImageUniqueID"),
];

/// Tags of text that say something else.
const FACTS: &[(u16, &str, &str)] = &[
    (0x000b, "software that edited it", "ProcessingSoftware"),
    (0x010d, "text", "DocumentName"),
    (0x010e, "text", "ImageDescription"),
    (0x013c, "computer", "HostComputer"),
    (0x8298, "rights", "Copyright"),
    (0x9213, "text", "ImageHistory"),
    (0xa436, "text", "ImageTitle"),
    (0xa439, "firmware of the camera", "CameraFirmware"),
    (0xa43a, "software that edited it", "RAWDevelopingSoftware"),
    (0xa43b, "software that edited it", "ImageEditingSoftware"),
    (0xa43c, "software that edited it", "MetadataEditingSoftware"),
    (0xc68b, "name of the original file", "OriginalRawFileName"),
];

/// Tags of text in UTF-16 that Windows writes.
const WINDOWS: &[(u16, &str)] = &[
    (0x9c9b, "XPTitle"),
    (0x9c9c, "XPComment"),
    (0x9c9d, "XPAuthor"),
    (0x9c9e, "XPKeywords"),
    (0x9c9f, "XPSubject"),
];

/// Where the focal length stands that tells the field of view.
pub(crate) const FOCAL_LENGTH: &str = "exif:FocalLengthIn35mmFilm";

const USER_COMMENT: u16 = 0x9286;
const MAKER_NOTE: u16 = 0x927c;

/// Adds what the tags say. `base`: where the block stands in the file.
pub(crate) fn tell(inspection: &mut Inspection, tags: &Tags<'_>, base: u64) {
    for (at, why) in &tags.flaws {
        inspection.flaw("exif", base.saturating_add(*at as u64), why);
    }
    let main =
        |tag| tags.get(Directory::Main, tag).map(|entry| tags.text(entry)).filter(|text| !text.is_empty());
    inspection.device.make = main(0x010f).or(inspection.device.make.take());
    inspection.device.model = main(0x0110).or(inspection.device.model.take());
    inspection.device.software = main(0x0131).or(inspection.device.software.take());
    for entry in &tags.entries {
        if matches!(entry.directory, Directory::Gps | Directory::Interop) {
            continue;
        }
        if let Some((_, class, of, name)) = IDENTIFIERS.iter().find(|(tag, ..)| *tag == entry.tag) {
            inspection.identify(*class, *of, &tags.text(entry), format!("exif:{name}"));
        } else if let Some((_, what, name)) = FACTS.iter().find(|(tag, ..)| *tag == entry.tag) {
            inspection.say(what, tags.text(entry), format!("exif:{name}"));
        } else if let Some((_, name)) = WINDOWS.iter().find(|(tag, _)| *tag == entry.tag) {
            let text = utf16(tags.bytes_of(entry), true);
            if *name == "XPAuthor" {
                inspection.identify(DataClass::PersonName, None, &text, "exif:XPAuthor");
            } else {
                inspection.say("text", text, format!("exif:{name}"));
            }
        } else if entry.tag == USER_COMMENT {
            inspection.say("text", comment(tags.bytes_of(entry), tags.little), "exif:UserComment");
        }
    }
    let focal = tags.get(Directory::Exif, 0xa405).and_then(|entry| tags.floats(entry).first().copied());
    if let Some(millimetres) = focal.filter(|millimetres| *millimetres > 0.0) {
        inspection.say("focal length as on 35 mm film, mm", format!("{millimetres}"), FOCAL_LENGTH);
    }
    times(inspection, tags);
    gps(inspection, tags);
    note(inspection, tags);
    thumbnail(inspection, tags);
}

/// Text in UTF-16; a mark of its order at the beginning counts more than what is expected.
fn utf16(bytes: &[u8], little: bool) -> String {
    let (little, bytes) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ => (little, bytes),
    };
    let unit = |two: [u8; 2]| if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) };
    let units = bytes.chunks_exact(2).filter_map(|two| two.try_into().ok().map(unit));
    char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|c| c.unwrap_or('\u{fffd}')).collect()
}

/// A comment stands behind eight bytes that name its letters; in UTF-16 they have the order of the block.
fn comment(bytes: &[u8], little: bool) -> String {
    let (code, text) = bytes.split_at_checked(8).unwrap_or((&[], bytes));
    if code.starts_with(b"UNICODE") {
        return utf16(text, little).trim().to_owned();
    }
    let text = String::from_utf8_lossy(text);
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()
}

fn times(inspection: &mut Inspection, tags: &Tags<'_>) {
    let exif = |tag| tags.get(Directory::Exif, tag).map(|entry| tags.text(entry));
    let main = |tag| tags.get(Directory::Main, tag).map(|entry| tags.text(entry));
    for (what, text, offset, name) in [
        ("taken", exif(0x9003), exif(0x9011), "DateTimeOriginal"),
        ("digitised", exif(0x9004), exif(0x9012), "DateTimeDigitized"),
        ("changed", main(0x0132), exif(0x9010), "DateTime"),
    ] {
        let offset = offset.filter(|offset| !offset.is_empty());
        let text = text.map(|text| dated(&text) + offset.as_deref().unwrap_or_default());
        if let Some(time) = text.and_then(|text| Timestamp::parse(&text)) {
            let (zone_known, field) = (offset.is_some(), format!("exif:{name}"));
            inspection.times.push(Dated { what, time, zone_known, field });
        }
    }
}

/// EXIF writes dates with colons.
fn dated(text: &str) -> String {
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    format!("{}{time}", date.replace(':', "-"))
}

fn gps(inspection: &mut Inspection, tags: &Tags<'_>) {
    let get = |tag| tags.get(Directory::Gps, tag);
    let text = |tag| get(tag).map(|entry| tags.text(entry));
    let number = |tag| get(tag).and_then(|entry| tags.floats(entry).first().copied());
    let degrees = |tag: u16, negative: &str| {
        let parts = get(tag).map(|entry| tags.floats(entry))?;
        let value = parts.iter().zip([1.0, 60.0, 3600.0]).map(|(part, over)| part / over).sum::<f64>();
        // The reference stands in the tag before; some write it in small letters.
        let negative = text(tag - 1).is_some_and(|reference| reference.eq_ignore_ascii_case(negative));
        (!parts.is_empty() && value.is_finite()).then_some(if negative { -value.abs() } else { value })
    };
    let time = text(0x1d).and_then(|date| {
        let clock = get(0x07).map(|entry| tags.floats(entry))?;
        let [hours, minutes, seconds] = clock.get(..3)? else { return None };
        let midnight = Timestamp::parse(&format!("{}T00:00:00Z", dated(&date)))?;
        let nanos = (hours * 3600.0 + minutes * 60.0 + seconds) * 1e9;
        #[expect(clippy::cast_possible_truncation, reason = "a day has 8.64e13 ns")]
        (0.0..9e13).contains(&nanos).then(|| midnight.plus_nanos(nanos as i64))
    });
    let (lat, lon) = (degrees(0x02, "S"), degrees(0x04, "W"));
    let spot = lat.zip(lon).and_then(|(lat, lon)| Spot::new(Role::Camera, lat, lon, "exif:GPS"));
    // 1 and 3 are below; 2 and 3 count from the ellipsoid (CIPA DC-008-2023).
    let reference = get(0x05).and_then(|entry| tags.bytes_of(entry).first().copied()).unwrap_or(0);
    let altitude = number(0x06).map(|metres| if reference % 2 == 1 { -metres } else { metres });
    // A compass alone does not say how steeply the camera looked.
    if let Some(yaw) = number(0x11) {
        let north = if text(0x10).as_deref() == Some("M") { "magnetic" } else { "true" };
        let view = format!("{yaw} from {north} north");
        inspection.say("direction of view, degrees", view, "exif:GPSImgDirection");
    }
    if let Some(mut spot) = spot {
        spot.alt_m = altitude;
        spot.alt_reference = spot.alt_m.map(|_| match reference {
            0 | 1 => AltReference::Amsl,
            _ => AltReference::Ellipsoid,
        });
        spot.time = time;
        inspection.places.push(spot);
    } else if let Some(metres) = altitude.filter(|metres| *metres != 0.0) {
        inspection.say(ALTITUDE, format!("{metres}"), "exif:GPSAltitude");
    }
    let (target_lat, target_lon) = (degrees(0x14, "S"), degrees(0x16, "W"));
    let target = target_lat.zip(target_lon);
    inspection.places.extend(target.and_then(|(lat, lon)| Spot::new(Role::Target, lat, lon, "exif:GPSDest")));
    for (lat, lon, name) in [(lat, lon, "exif:GPS"), (target_lat, target_lon, "exif:GPSDest")] {
        half(inspection, lat, lon, name);
    }
    if let Some(speed) = number(0x0d).filter(|speed| *speed != 0.0) {
        let unit = match text(0x0c).as_deref() {
            Some("M") => "mph",
            Some("N") => "kn",
            _ => "km/h",
        };
        inspection.say("speed", format!("{speed} {unit}"), "exif:GPSSpeed");
    }
    for (tag, name) in [(0x1b, "GPSProcessingMethod"), (0x1c, "GPSAreaInformation")] {
        if let Some(entry) = get(tag) {
            inspection.say("text", comment(tags.bytes_of(entry), tags.little), format!("exif:{name}"));
        }
    }
    if let Some(time) = time {
        let (zone_known, field) = (true, "exif:GPSTimeStamp".to_owned());
        inspection.times.push(Dated { what: "fix", time, zone_known, field });
    }
}

/// What of a place without its other half is called, and how high a camera was of which no more is known.
pub(super) const LATITUDE: &str = "latitude without a longitude, degrees";
pub(super) const LONGITUDE: &str = "longitude without a latitude, degrees";
pub(super) const ALTITUDE: &str = "altitude, m";

/// Adds one half of a place whose other half is not said: a parallel or a meridian tells where as well.
fn half(inspection: &mut Inspection, lat: Option<f64>, lon: Option<f64>, name: &str) {
    match (lat, lon) {
        (Some(lat), None) if lat != 0.0 => {
            inspection.say(LATITUDE, format!("{lat:.7}"), format!("{name}Latitude"));
        }
        (None, Some(lon)) if lon != 0.0 => {
            inspection.say(LONGITUDE, format!("{lon:.7}"), format!("{name}Longitude"));
        }
        _ => {}
    }
}

/// The note of the maker: DJI's is a directory of angles and speeds; debugging text stands in notes of any maker.
fn note(inspection: &mut Inspection, tags: &Tags<'_>) {
    let Some(entry) = tags.get(Directory::Exif, MAKER_NOTE) else { return };
    let note = tags.bytes_of(entry);
    inspection.hidden.push(Hidden {
        what: "maker note",
        field: "exif:MakerNote".to_owned(),
        bytes: note.len() as u64,
    });
    debug_text(inspection, note, "exif:MakerNote");
    maker::tell(inspection, tags, entry);
    if inspection.device.make.as_deref() != Some("DJI") {
        return;
    }
    let dji = Tags::bare(note, order(note, tags.little));
    let number = |tag| dji.get(Directory::Main, tag).and_then(|entry| dji.floats(entry).first().copied());
    if let (Some(pitch), Some(yaw)) = (number(0x09), number(0x0a)) {
        let look = Look { yaw, pitch, roll: number(0x0b).unwrap_or(0.0), field_of_view: None };
        if let Some(spot) = inspection.places.iter_mut().find(|spot| spot.field == "exif:GPS") {
            spot.look = Some(look);
        }
    }
    for (tag, what, name) in [
        (0x03, "speed north, m/s", "SpeedX"),
        (0x04, "speed east, m/s", "SpeedY"),
        (0x05, "speed down, m/s", "SpeedZ"),
        (0x07, "heading of the aircraft, degrees", "Yaw"),
    ] {
        if let Some(number) = number(tag) {
            inspection.say(what, format!("{number}"), format!("makernote:DJI:{name}"));
        }
    }
}

/// Text in brackets that cameras of DJI leave for their makers: `[ae_dbg_info:…][FlightDegree(Y,P,R):…]`.
pub(crate) fn debug_text(inspection: &mut Inspection, bytes: &[u8], field: &str) {
    // The longest run of printable letters that begins with a bracket, of those there are.
    let runs = bytes.split(|byte| !matches!(byte, b' '..=b'~'));
    let texts = runs
        .filter_map(|run| std::str::from_utf8(run.get(run.iter().position(|byte| *byte == b'[')?..)?).ok());
    let Some(text) =
        texts.filter(|text| text.contains(']') && text.contains(':')).max_by_key(|text| text.len())
    else {
        return;
    };
    inspection.hidden.push(Hidden {
        what: "debugging text",
        field: field.to_owned(),
        bytes: text.len() as u64,
    });
    let item = |name: &str| {
        text.split('[')
            .find_map(|item| Some(item.strip_prefix(name)?.strip_prefix(':')?.split(']').next()?.trim()))
    };
    for (name, what) in [
        ("FlightDegree(Y,P,R)", "attitude of the aircraft, degrees"),
        ("GimbalDegree(Y,P,R)", "attitude of the gimbal, degrees"),
    ] {
        if let Some(value) = item(name) {
            inspection.say(what, value, field);
        }
    }
    if let Some(number) = item("sensor_id") {
        inspection.identify(DataClass::Serial, Some(Component::Camera), number, field);
    }
}

fn thumbnail(inspection: &mut Inspection, tags: &Tags<'_>) {
    for entry in tags.entries.iter().filter(|entry| entry.tag == 0x0202) {
        if let Some(bytes) = tags.numbers(entry).first().filter(|bytes| **bytes > 0) {
            inspection.hidden.push(Hidden {
                what: "thumbnail",
                field: "exif:Thumbnail".to_owned(),
                bytes: *bytes,
            });
        }
    }
}

/// Whether the numbers of a maker's note are little-endian: programs that write EXIF in the other order leave the note as it
/// was. The number of its entries says so, if it fits in one order alone.
fn order(note: &[u8], around: bool) -> bool {
    let Some([first, second]) = note.first_chunk() else { return around };
    let fits = |count: u16| count > 0 && 2 + usize::from(count) * 12 <= note.len();
    match (fits(u16::from_le_bytes([*first, *second])), fits(u16::from_be_bytes([*first, *second]))) {
        (true, false) => true,
        (false, true) => false,
        _ => around,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_the_order_in_which_the_number_of_its_entries_fits() {
        let note = |count: [u8; 2]| [&count[..], &[0; 3 * 12]].concat();
        for around in [false, true] {
            assert!(order(&note([3, 0]), around));
            assert!(!order(&note([0, 3]), around));
            // Too short, or none: as the rest.
            assert_eq!((order(&[3], around), order(&note([0, 0]), around)), (around, around));
        }
    }

    #[test]
    fn half_a_place_and_a_height_are_told_as_well() {
        // A main directory that leads to one of GPS at 26.
        let told = |tags: &[(u16, u16, [u8; 2], f32)]| {
            let mut block = b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
            block.extend(u16::try_from(tags.len()).unwrap().to_le_bytes());
            for (tag, kind, text, number) in tags {
                let value = if *kind == 2 { [text[0], text[1], 0, 0] } else { number.to_le_bytes() };
                block.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
                block.extend([[if *kind == 2 { 2 } else { 1 }, 0, 0, 0], value].concat());
            }
            block.extend([0; 4]);
            let mut inspection = Inspection::of("jpeg");
            tell(&mut inspection, &Tags::read(&block).unwrap(), 0);
            assert!(inspection.places.is_empty() && inspection.damage.is_empty(), "{inspection:?}");
            inspection.facts.into_iter().map(|fact| (fact.field, fact.value)).collect::<Vec<_>>()
        };
        let is = |field: &str, value: &str| (field.to_owned(), value.to_owned());
        assert_eq!(
            told(&[(1, 2, *b"S\0", 0.0), (2, 11, [0; 2], 47.5)]),
            [is("exif:GPSLatitude", "-47.5000000")]
        );
        assert_eq!(told(&[(4, 11, [0; 2], 8.25)]), [is("exif:GPSLongitude", "8.2500000")]);
        assert_eq!(told(&[(6, 11, [0; 2], 412.5)]), [is("exif:GPSAltitude", "412.5")]);
        // 0, 0 is what cameras write that know no place.
        assert_eq!(told(&[(2, 11, [0; 2], 0.0), (4, 11, [0; 2], 0.0), (6, 11, [0; 2], 0.0)]), []);
    }

    #[test]
    fn comments_in_utf_16_have_the_order_of_their_block_or_of_their_mark() {
        let written = |order: fn(u16) -> [u8; 2], mark: bool| {
            let units = mark.then_some(0xfeff).into_iter().chain("Mast 7".encode_utf16());
            [&b"UNICODE\0"[..], &units.flat_map(order).collect::<Vec<u8>>()].concat()
        };
        assert_eq!(comment(&written(u16::to_be_bytes, false), false), "Mast 7");
        assert_eq!(comment(&written(u16::to_le_bytes, false), true), "Mast 7");
        assert_eq!(comment(&written(u16::to_be_bytes, true), true), "Mast 7");
        assert_eq!(comment(b"ASCII\0\0\0Mast 7\0", true), "Mast 7");
    }
}
