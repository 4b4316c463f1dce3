//! A small block of EXIF, and XMP for photogrammetry, written anew.

use std::fmt::Write as _;

use creance_model::{Locations, Removal};

use crate::still::{
    ifd::{Directory, EXIF, Entry, GPS, Tags},
    xmp::Property,
};

/// Tags that say how to show a picture, how it was exposed, and when: they stay.
const KEPT: &[u16] = &[
    // Of the picture: make, model, orientation, resolution, time, where colours lie.
    0x010f, 0x0110, 0x0112, 0x011a, 0x011b, 0x0128, 0x0132, 0x0213,
    // Of EXIF: exposure, version, times and their offsets from UTC, light, focal length, colours, size.
    0x829a, 0x829d, 0x8822, 0x8827, 0x8830, 0x8831, 0x9000, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9101,
    0x9102, 0x9201, 0x9202, 0x9203, 0x9204, 0x9205, 0x9206, 0x9207, 0x9208, 0x9209, 0x920a, 0x9290, 0x9291,
    0x9292, 0xa000, 0xa001, 0xa002, 0xa003, 0xa20e, 0xa20f, 0xa210, 0xa215, 0xa217, 0xa300, 0xa301, 0xa302,
    0xa401, 0xa402, 0xa403, 0xa404, 0xa405, 0xa406, 0xa407, 0xa408, 0xa409, 0xa40a, 0xa40c, 0xa432,
];

/// Whether a tag stays.
pub(super) fn stays(tag: u16) -> bool {
    KEPT.contains(&tag)
}

/// Bytes of the longest value that stays: none of the tags needs as many.
const LONGEST_VALUE: usize = 1024;

/// What becomes of the place of a picture: degrees, and metres of altitude with their reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moved {
    pub(super) lat: f64,
    pub(super) lon: f64,
    pub(super) altitude: Option<(u8, f64)>,
}

/// The place of the tags, moved as is wanted; `None`: there is none, or it is taken out.
pub(super) fn moved(tags: &Tags<'_>, locations: Locations) -> Option<Moved> {
    let get = |tag| tags.get(Directory::Gps, tag);
    let degrees = |tag: u16, negative: &str| {
        let parts = tags.floats(get(tag)?);
        let value = parts.iter().zip([1.0, 60.0, 3600.0]).map(|(part, over)| part / over).sum::<f64>();
        let negative = get(tag - 1).is_some_and(|entry| tags.text(entry).eq_ignore_ascii_case(negative));
        (!parts.is_empty() && value.is_finite()).then_some(if negative { -value.abs() } else { value })
    };
    let (lat, lon) = (degrees(2, "S")?, degrees(4, "W")?);
    let (lat, lon) = creance_model::is_place(lat, lon).then(|| locations.moved(lat, lon))??;
    let reference = get(5).and_then(|entry| tags.bytes_of(entry).first().copied()).unwrap_or(0);
    let metres = get(6).and_then(|entry| tags.floats(entry).first().copied());
    let altitude = metres.filter(|_| locations.keeps_height()).map(|metres| (reference, metres));
    Some(Moved { lat, lon, altitude })
}

/// A block of EXIF with what stays of the tags, and a place if there is one; empty: nothing stays. Tells what does not.
pub(super) fn exif(tags: &Tags<'_>, place: Option<Moved>, removed: &mut Vec<Removal>) -> Vec<u8> {
    let kept = |directory: Directory| {
        tags.entries.iter().filter(move |entry| entry.directory == directory && stays(entry.tag))
    };
    // Behind the zero that ends a text cameras leave what their memory held before.
    let raw = |entry: &Entry| {
        let bytes = tags.bytes_of(entry);
        let is_text = entry.kind() == 2;
        let end = bytes.iter().position(|byte| *byte == 0).filter(|_| is_text).map(|end| end + 1);
        let value = bytes.get(..end.unwrap_or(bytes.len()).min(LONGEST_VALUE)).unwrap_or_default().to_vec();
        let count = if is_text { u32::try_from(value.len()).unwrap_or(0) } else { entry.count() };
        (entry.tag, entry.kind(), count, value)
    };
    let fits = |entry: &&Entry| entry.value.len() <= LONGEST_VALUE || entry.kind() == 2;
    let main: Vec<Raw> = kept(Directory::Main).filter(fits).map(raw).collect();
    let exif: Vec<Raw> = kept(Directory::Exif).filter(fits).map(raw).collect();
    left_out(tags, place.is_some(), removed);
    let writer = Writer { little: tags.little };
    let gps = place.map(|place| writer.gps(&place)).unwrap_or_default();
    if main.is_empty() && exif.is_empty() && gps.is_empty() {
        return Vec::new();
    }
    writer.block(main, exif, gps)
}

/// Tells which tags are left out.
fn left_out(tags: &Tags<'_>, placed: bool, removed: &mut Vec<Removal>) {
    let mut tell = |what, field: &str| removed.push(Removal { what, field: field.to_owned() });
    if tags.entries.iter().any(|entry| entry.directory == Directory::Gps) {
        tell(if placed { "position, moved" } else { "position" }, "exif:GPS");
    }
    for (tag, what, name) in [
        (0xa431, "serial", "exif:BodySerialNumber"),
        (0xa435, "serial", "exif:LensSerialNumber"),
        (0xa430, "owner", "exif:CameraOwnerName"),
        (0x013b, "owner", "exif:Artist"),
        (0x8298, "owner", "exif:Copyright"),
        (0x013c, "identifier", "exif:HostComputer"),
        (0xa420, "identifier", "exif:ImageUniqueID"),
        (0x0131, "software", "exif:Software"),
        (0x927c, "maker note", "exif:MakerNote"),
        (0x9286, "text", "exif:UserComment"),
        (0x010e, "text", "exif:ImageDescription"),
    ] {
        if tags.entries.iter().any(|entry| entry.tag == tag) {
            tell(what, name);
        }
    }
    if tags.entries.iter().any(|entry| matches!(entry.directory, Directory::Next(_))) {
        tell("thumbnail", "exif:Thumbnail");
    }
}

/// Tag, type, count, value.
pub(super) type Raw = (u16, u16, u32, Vec<u8>);

/// Writes directories in one order of bytes.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    pub(super) little: bool,
}

impl Writer {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    /// Degrees, minutes and seconds to the ten-millionth.
    pub(super) fn degrees(self, value: f64) -> Vec<u8> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 180 degrees are 6.48e12 ten-millionths of a second, and none is negative"
        )]
        let parts = (value.abs().min(180.0) * 3600.0 * 1e7).round() as u64;
        let seconds = parts % (60 * 10_000_000);
        let minutes = parts / (60 * 10_000_000);
        let rational =
            |over: u64, under: u32| [self.u32(u32::try_from(over).unwrap_or(0)), self.u32(under)].concat();
        [rational(minutes / 60, 1), rational(minutes % 60, 1), rational(seconds, 10_000_000)].concat()
    }

    pub(super) fn gps(self, place: &Moved) -> Vec<Raw> {
        let letter = |negative: bool, letters: [u8; 2]| vec![letters[usize::from(negative)], 0];
        let mut tags = vec![
            (0, 1, 4, vec![2, 3, 0, 0]),
            (1, 2, 2, letter(place.lat < 0.0, *b"NS")),
            (2, 5, 3, self.degrees(place.lat)),
            (3, 2, 2, letter(place.lon < 0.0, *b"EW")),
            (4, 5, 3, self.degrees(place.lon)),
        ];
        if let Some((reference, metres)) = place.altitude {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bounded first, and not negative"
            )]
            let millimetres = (metres.abs().min(4e6) * 1000.0).round() as u32;
            tags.push((5, 1, 1, vec![reference]));
            tags.push((6, 5, 1, [self.u32(millimetres), self.u32(1000)].concat()));
        }
        tags
    }

    /// Header, first directory, that of EXIF, that of GPS, each with its values behind it.
    pub(super) fn block(self, mut main: Vec<Raw>, exif: Vec<Raw>, gps: Vec<Raw>) -> Vec<u8> {
        let mut block = if self.little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        block.extend(self.u32(8));
        let pointers = usize::from(!exif.is_empty()) + usize::from(!gps.is_empty());
        let end = 8 + size(&main) + pointers * 12;
        if !exif.is_empty() {
            main.push((EXIF, 4, 1, self.u32(narrow(end)).to_vec()));
        }
        if !gps.is_empty() {
            let at = end + if exif.is_empty() { 0 } else { size(&exif) };
            main.push((GPS, 4, 1, self.u32(narrow(at)).to_vec()));
        }
        for directory in [main, exif, gps] {
            if !directory.is_empty() {
                self.directory(&mut block, directory);
            }
        }
        block
    }

    fn directory(self, block: &mut Vec<u8>, mut tags: Vec<Raw>) {
        tags.sort_by_key(|(tag, ..)| *tag);
        let values = block.len() + 2 + tags.len() * 12 + 4;
        let mut behind = Vec::new();
        block.extend(self.u16(u16::try_from(tags.len()).unwrap_or(u16::MAX)));
        for (tag, kind, count, value) in tags {
            block.extend(self.u16(tag));
            block.extend(self.u16(kind));
            block.extend(self.u32(count));
            if value.len() <= 4 {
                let mut inline = value;
                inline.resize(4, 0);
                block.extend(inline);
            } else {
                block.extend(self.u32(narrow(values + behind.len())));
                behind.extend(&value);
                behind.resize(behind.len() + value.len() % 2, 0);
            }
        }
        block.extend(self.u32(0));
        block.extend(behind);
    }
}

/// Bytes of a directory with its values behind it.
fn size(tags: &[Raw]) -> usize {
    let behind = |value: &[u8]| if value.len() > 4 { value.len() + value.len() % 2 } else { 0 };
    2 + tags.len() * 12 + 4 + tags.iter().map(|(.., value)| behind(value)).sum::<usize>()
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Namespaces whose angles and heights photogrammetry reads.
const NAMESPACES: &[(&str, &str)] = &[
    ("drone-dji", "http://www.dji.com/drone-dji/1.0/"),
    ("drone-parrot", "http://www.parrot.com/drone-parrot/1.0/"),
    ("Camera", "http://pix4d.com/camera/1.0/"),
];

/// Properties of these that stay where all places move alike.
const ANGLES: &[&str] = &[
    "AbsoluteAltitude",
    "RelativeAltitude",
    "GimbalRollDegree",
    "GimbalYawDegree",
    "GimbalPitchDegree",
    "FlightRollDegree",
    "FlightYawDegree",
    "FlightPitchDegree",
    "CameraRollDegree",
    "CameraYawDegree",
    "CameraPitchDegree",
    "Yaw",
    "Pitch",
    "Roll",
    "CalibratedFocalLength",
    "CalibratedOpticalCenterX",
    "CalibratedOpticalCenterY",
    "DewarpData",
    "DewarpFlag",
    "RtkFlag",
    "RtkStdLat",
    "RtkStdLon",
    "RtkStdHgt",
];

/// XMP for photogrammetry: angles, heights and calibration as they are, and the place moved; `None` unless places move alike.
pub(super) fn xmp(properties: &[Property], locations: Locations) -> Option<Vec<u8>> {
    if !matches!(locations, Locations::Offset { .. }) {
        return None;
    }
    let plain = |value: &str| {
        value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b';' | b'e' | b'E'))
    };
    let mut attributes = String::new();
    for (prefix, uri) in NAMESPACES {
        let of =
            || properties.iter().filter(|property| property.prefix == *prefix && property.holder.is_empty());
        let kept: Vec<&Property> = of()
            .filter(|property| ANGLES.contains(&property.name.as_str()) && plain(&property.value))
            .collect();
        let degrees = |names: &[&str]| {
            of().find(|property| names.contains(&property.name.as_str()))?
                .value
                .trim_start_matches('+')
                .parse::<f64>()
                .ok()
        };
        let place = degrees(&["GpsLatitude", "GPSLatitude", "Latitude"])
            .zip(degrees(&["GpsLongitude", "GpsLongtitude", "GPSLongitude", "GPSLongtitude", "Longitude"]))
            .filter(|(lat, lon)| creance_model::is_place(*lat, *lon))
            .and_then(|(lat, lon)| locations.moved(lat, lon));
        if kept.is_empty() && place.is_none() {
            continue;
        }
        let _ = write!(attributes, " xmlns:{prefix}=\"{uri}\"");
        for property in kept {
            let _ = write!(attributes, " {prefix}:{}=\"{}\"", property.name, property.value);
        }
        if let Some((lat, lon)) = place {
            let _ =
                write!(attributes, " {prefix}:GpsLatitude=\"{lat:+.9}\" {prefix}:GpsLongitude=\"{lon:+.9}\"");
        }
    }
    let packet = format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\"{attributes}/></rdf:RDF></x:xmpmeta>"
    );
    (!attributes.is_empty()).then(|| packet.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::{exif as meaning, xmp as packets};
    use creance_model::{Inspection, Spot};

    #[test]
    fn degrees_come_back_to_a_millimetre() {
        for value in [0.0, 47.123_456_789, 179.999_999_99, 59.999_999_999_9] {
            let little = Writer { little: true };
            let bytes = little.degrees(value);
            let number = |at: usize| f64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
            let back = number(0) + number(8) / 60.0 + number(16) / number(20) / 3600.0;
            assert!((back - value).abs() < 1e-8, "{value} {back}");
        }
    }

    #[test]
    fn what_stays_is_read_back_and_the_rest_is_gone() {
        for little in [true, false] {
            let writer = Writer { little };
            let place = Moved { lat: -47.5, lon: 8.25, altitude: Some((0, 412.5)) };
            let main = vec![(0x010f, 2, 4, b"Abc\0".to_vec()), (0x013b, 2, 12, b"Ada Example\0".to_vec())];
            let exif = vec![
                (0xa431, 2, 7, b"SER123\0".to_vec()),
                (0x9003, 2, 20, b"2026:06:11 08:00:00\0".to_vec()),
            ];
            let first = writer.block(main, exif, writer.gps(&place));
            let tags = Tags::read(&first).unwrap();
            assert!(tags.flaws.is_empty(), "{:?}", tags.flaws);
            let mut removed = Vec::new();
            let offset = Locations::Offset { lat: 1.0, lon: -1.0 };
            let second = super::exif(&tags, moved(&tags, offset), &mut removed);
            let mut told = Inspection::of("jpeg");
            meaning::tell(&mut told, &Tags::read(&second).unwrap(), 0);
            let Spot { lat, lon, alt_m, .. } = told.places[0].clone();
            assert!((lat + 46.5).abs() < 1e-8 && (lon - 7.25).abs() < 1e-8, "{lat} {lon}");
            assert_eq!(alt_m, Some(412.5));
            assert!(told.identifiers.is_empty() && told.times.len() == 1);
            assert_eq!(told.device.make.as_deref(), Some("Abc"));
            let what: Vec<&str> = removed.iter().map(|one| one.what).collect();
            assert_eq!(what, ["position, moved", "serial", "owner"]);
        }
    }

    #[test]
    fn photogrammetry_keeps_angles_and_moves_places() {
        let packet = br#"<rdf:Description drone-dji:GpsLatitude="+47.5" drone-dji:GpsLongitude="8.25" drone-dji:GimbalYawDegree="-10.5" drone-dji:DroneSerialNumber="SER123" drone-dji:SelfData="Ada"/>"#;
        let (properties, _) = packets::properties(packet);
        assert_eq!(xmp(&properties, Locations::Remove), None);
        let anew = xmp(&properties, Locations::Offset { lat: 1.0, lon: 1.0 }).unwrap();
        let text = String::from_utf8(anew).unwrap();
        assert!(!text.contains("SER123") && !text.contains("Ada") && !text.contains("47.5"));
        let mut told = Inspection::of("jpeg");
        packets::tell(&mut told, &packets::properties(text.as_bytes()).0);
        assert_eq!((told.places[0].lat, told.places[0].lon), (48.5, 9.25));
        assert!(text.contains("-10.5"));
    }
}
