//! What the EXIF of a picture says of where and with which camera it was taken (CIPA DC-008).

use std::io::Cursor;

use ::exif::{In, Reader, Tag, Value};

/// What is said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exif {
    /// Latitude and longitude as they stand there, in degrees, north and east positive; any finite numbers.
    pub place: Option<(f64, f64)>,
    /// The serial number of the camera's body, without blanks around it.
    pub serial: Option<String>,
    /// How it is to be turned to be upright: 1 to 8 (CIPA DC-008, Orientation).
    pub orientation: Option<u16>,
}

/// Reads the EXIF of a picture in JPEG, PNG, TIFF or HEIF; `None`: it has none. What is damaged is left out.
pub fn exif(bytes: &[u8]) -> Option<Exif> {
    let exif = read(|reader| reader.read_from_container(&mut Cursor::new(bytes)))?;
    let degrees = |tag, reference, negative: u8| {
        let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let [degrees, minutes, seconds] = parts.get(..3)? else { return None };
        let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
        let south = matches!(&exif.get_field(reference, In::PRIMARY)?.value, Value::Ascii(text) if text.first().and_then(|text| text.first()) == Some(&negative));
        value.is_finite().then_some(if south { -value } else { value })
    };
    let lat = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S');
    let lon = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W');
    let serial = match exif.get_field(Tag::BodySerialNumber, In::PRIMARY).map(|field| &field.value) {
        Some(Value::Ascii(text)) => text.first().map(|text| String::from_utf8_lossy(text).trim().to_owned()),
        _ => None,
    };
    let orientation = exif.get_field(Tag::Orientation, In::PRIMARY).and_then(|field| field.value.get_uint(0));
    let orientation = orientation.and_then(|number| u16::try_from(number).ok());
    Some(Exif { place: lat.zip(lon), serial, orientation })
}

/// Reads a block of EXIF, as much of it as can be read.
pub(crate) fn read(
    read: impl FnOnce(&Reader) -> Result<::exif::Exif, ::exif::Error>,
) -> Option<::exif::Exif> {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    match read(&reader) {
        Ok(exif) => Some(exif),
        Err(::exif::Error::PartialResult(partial)) => Some(partial.into_inner().0),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = [b"\xff\xd8\xff\xe1\x01\x30Exif\0\0II*\0\x08\0\0\0", &bytes[..]].concat();
            let said = exif(&whole).unwrap_or_default();
            prop_assert!(said.place.is_none_or(|(lat, lon)| lat.is_finite() && lon.is_finite()));
        }
    }
}
