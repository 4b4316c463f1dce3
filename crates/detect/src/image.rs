//! Pictures and films in bodies, and the place and serial number inside a JPEG.

use std::io::Cursor;

use creance_model::{DataClass, Match, Message};
use data_encoding::HEXLOWER;
use exif::{In, Tag, Value};
use ring::digest;

use crate::{Card, Context, Detector, Sighting};

/// Pictures by their first bytes.
pub(crate) struct Image;

impl Detector for Image {
    fn card(&self) -> &'static Card {
        &Card {
            id: "image",
            what: "a picture or film, and the GPS position and serial number in a picture's EXIF",
            why: "It shows what the aircraft saw, and often says where and with which camera.",
            wrong: "A picture may be an avatar or a map tile; what it shows is not judged.",
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, part) in message.parts.iter().enumerate() {
            let Some((class, kind)) = kind(&part.bytes) else { continue };
            if part.bytes.len() < LEAST {
                continue;
            }
            let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, &part.bytes).as_ref());
            let value = format!("{kind}, {} bytes, SHA-256 {hash}", part.bytes.len());
            let file = file_name(message, index);
            emit(Sighting { file, ..Sighting::whole(class, Match::Structured, "image", index, value) });
            if kind == "JPEG" {
                inside(index, &part.bytes, emit);
            }
        }
    }
}

/// Smaller pictures are icons and beacons.
const LEAST: usize = 1024;

fn kind(bytes: &[u8]) -> Option<(DataClass, &'static str)> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some((DataClass::Imagery, "JPEG")),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, ..] => Some((DataClass::Imagery, "PNG")),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some((DataClass::Imagery, "TIFF")),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..] => Some((DataClass::Imagery, "HEIC")),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some((DataClass::Video, "MP4")),
        _ => None,
    }
}

/// The name that a multipart body gives its file.
fn file_name(message: &Message, index: usize) -> Option<String> {
    let named =
        message.parts.iter().find(|part| part.parent == Some(index) && part.step == "multipart-filename")?;
    Some(String::from_utf8_lossy(&named.bytes).into_owned())
}

/// Place and serial number in the EXIF of a JPEG (CIPA DC-008).
fn inside(index: usize, bytes: &[u8], emit: &mut dyn FnMut(Sighting)) {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let exif = match reader.read_from_container(&mut Cursor::new(bytes)) {
        Ok(exif) => exif,
        Err(exif::Error::PartialResult(partial)) => partial.into_inner().0,
        Err(_) => return,
    };
    let degrees = |tag, reference, negative: u8| {
        let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let [degrees, minutes, seconds] = parts.get(..3)? else { return None };
        let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
        let south = matches!(&exif.get_field(reference, In::PRIMARY)?.value, Value::Ascii(text) if text.first().and_then(|text| text.first()) == Some(&negative));
        value.is_finite().then_some(if south { -value } else { value })
    };
    let lat = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S');
    let lon = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W');
    if let (Some(lat), Some(lon)) = (lat, lon)
        && (lat != 0.0 || lon != 0.0)
    {
        let encoding = vec!["exif:GPS".to_owned()];
        let value = format!("{lat:.6},{lon:.6}");
        emit(Sighting {
            encoding,
            ..Sighting::whole(DataClass::Location, Match::Structured, "image", index, value)
        });
    }
    if let Some(Value::Ascii(text)) =
        exif.get_field(Tag::BodySerialNumber, In::PRIMARY).map(|field| &field.value)
        && let Some(serial) = text
            .first()
            .map(|text| String::from_utf8_lossy(text).trim().to_owned())
            .filter(|serial| serial.len() >= 4)
    {
        let encoding = vec!["exif:BodySerialNumber".to_owned()];
        emit(Sighting {
            encoding,
            ..Sighting::whole(DataClass::Serial, Match::Structured, "image", index, serial)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_and_words_do_not() {
        assert_eq!(kind(&[0xff, 0xd8, 0xff, 0xe0]), Some((DataClass::Imagery, "JPEG")));
        assert_eq!(kind(b"\0\0\0\x18ftypisom"), Some((DataClass::Video, "MP4")));
        assert_eq!(kind(b"JPEG"), None);
    }

    #[test]
    fn a_cut_picture_does_no_harm() {
        inside(0, &[0xff, 0xd8, 0xff, 0xe1, 0, 20, b'E', b'x', b'i', b'f', 0, 0, b'I', b'I'], &mut |_| {});
    }
}
