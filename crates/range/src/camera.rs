//! The camera: pictures of nothing in particular, with what cameras of aircraft write into them.
//!
//! EXIF 2.32 (CIPA DC-008) and an XMP packet, each in an APP1 segment as their standards say.

use std::io::Cursor;

use exif::{Field, In, Rational, Tag, Value, experimental::Writer};
use jpeg_encoder::{ColorType, Encoder};

use crate::{Error, flight::Sample};

/// What a picture says of itself.
pub(crate) struct Shot<'a> {
    pub(crate) vendor: &'a str,
    pub(crate) model: &'a str,
    pub(crate) firmware: &'a str,
    pub(crate) serial: &'a str,
    /// `2026:06:11 08:01:40`.
    pub(crate) taken: String,
    /// Where it was taken; nothing where pictures are not tagged.
    pub(crate) place: Option<Sample>,
}

const SIDE: u16 = 12;
const QUALITY: u8 = 82;

/// A picture of fields and roofs, as they look from above.
pub(crate) fn picture(shot: &Shot<'_>, random: &mut fastrand::Rng) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Picture(error.to_string());
    let (across, down) = (random.u16(40..56), random.u16(30..40));
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    let tiff = exif(shot).map_err(|error| failed(&error))?;
    encoder.add_exif_metadata(&tiff).map_err(|error| failed(&error))?;
    let packet = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), xmp(shot).as_bytes()].concat();
    encoder.add_app_segment(1, packet).map_err(|error| failed(&error))?;
    encoder
        .encode(&ground(across, down, random), across * SIDE, down * SIDE, ColorType::Rgb)
        .map_err(|error| failed(&error))?;
    Ok(jpeg)
}

/// A JPEG that says of itself this instead of what it said.
pub(crate) fn retagged(jpeg: &[u8], shot: &Shot<'_>) -> Result<Vec<u8>, Error> {
    let failed = |why: &dyn std::fmt::Display| Error::Picture(why.to_string());
    let tiff = exif(shot).map_err(|error| failed(&error))?;
    let segment = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(segment.len() + 2).map_err(|error| failed(&error))?;
    let mut written = [&[0xff, 0xd8, 0xff, 0xe1], length.to_be_bytes().as_slice(), &segment].concat();
    written.extend(bare(jpeg)?.get(2..).unwrap_or_default());
    Ok(written)
}

/// A JPEG that says nothing of itself any more: what is to be seen stays.
pub(crate) fn bare(jpeg: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |why: &dyn std::fmt::Display| Error::Picture(why.to_string());
    let (start, mut rest) = jpeg.split_at_checked(2).ok_or_else(|| failed(&"no JPEG"))?;
    let mut written = start.to_vec();
    // Segments of applications (APPn) and comments go; tables and the picture stay.
    while let [0xff, kind @ (0xe0..=0xef | 0xfe | 0xdb), high, low, ..] = rest {
        let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
        let (whole, behind) = rest.split_at_checked(length).ok_or_else(|| failed(&"a JPEG that is cut"))?;
        if *kind == 0xdb {
            written.extend_from_slice(whole);
        }
        rest = behind;
    }
    written.extend_from_slice(rest);
    Ok(written)
}

/// Red, green and blue of every pixel: patches in the colours of a season, with noise.
fn ground(across: u16, down: u16, random: &mut fastrand::Rng) -> Vec<u8> {
    let width = usize::from(across * SIDE);
    let patches: Vec<[u8; 3]> =
        (0..across * down).map(|_| [random.u8(60..150), random.u8(90..170), random.u8(40..110)]).collect();
    let mut pixels = Vec::with_capacity(width * usize::from(down * SIDE) * 3);
    for y in 0..usize::from(down * SIDE) {
        for x in 0..width {
            let patch = y / usize::from(SIDE) * usize::from(across) + x / usize::from(SIDE);
            let colour = patches.get(patch).copied().unwrap_or_default();
            let noise = random.u8(0..14);
            pixels.extend(colour.map(|value| value.saturating_add(noise)));
        }
    }
    pixels
}

fn exif(shot: &Shot<'_>) -> Result<Vec<u8>, exif::Error> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let text = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let mut fields = vec![
        field(Tag::Make, text(&capital(shot.vendor))),
        field(Tag::Model, text(shot.model)),
        field(Tag::Software, text(shot.firmware)),
        field(Tag::DateTimeOriginal, text(&shot.taken)),
        field(Tag::BodySerialNumber, text(shot.serial)),
    ];
    if let Some(sample) = &shot.place {
        fields.push(field(Tag::GPSLatitudeRef, text(if sample.lat < 0.0 { "S" } else { "N" })));
        fields.push(field(Tag::GPSLatitude, angle(sample.lat)));
        fields.push(field(Tag::GPSLongitudeRef, text(if sample.lon < 0.0 { "W" } else { "E" })));
        fields.push(field(Tag::GPSLongitude, angle(sample.lon)));
        fields.push(field(Tag::GPSAltitudeRef, Value::Byte(vec![0])));
        let height = sample.height + crate::flight::GROUND;
        fields.push(field(Tag::GPSAltitude, Value::Rational(vec![rational(height, 10)])));
    }
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false)?;
    Ok(tiff.into_inner())
}

/// Degrees, minutes and seconds; a ten-thousandth of a second is three millimetres.
fn angle(degrees: f64) -> Value {
    let degrees = degrees.abs();
    let minutes = degrees.fract() * 60.0;
    let seconds = minutes.fract() * 60.0;
    Value::Rational(vec![
        rational(degrees.trunc(), 1),
        rational(minutes.trunc(), 1),
        rational(seconds, 10_000),
    ])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers that are not negative"
)]
fn rational(value: f64, denom: u32) -> Rational {
    Rational { num: (value * f64::from(denom)).round() as u32, denom }
}

fn xmp(shot: &Shot<'_>) -> String {
    let Shot { vendor, serial, .. } = shot;
    let place = shot.place.map(|sample| {
        format!(
            "\n   drone-{vendor}:GpsLatitude=\"{:+.7}\"\n   drone-{vendor}:GpsLongitude=\"{:+.7}\"\n   drone-{vendor}:RelativeAltitude=\"{:+.2}\"\n   drone-{vendor}:GimbalPitchDegree=\"-90.00\"\n   drone-{vendor}:FlightYawDegree=\"{:+.2}\"",
            sample.lat, sample.lon, sample.height, sample.heading,
        )
    });
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n  <rdf:Description rdf:about=\"\"\n   xmlns:drone-{vendor}=\"http://www.{vendor}.example/drone/1.0/\"\n   drone-{vendor}:DroneSerialNumber=\"{serial}\"{}/>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>",
        place.unwrap_or_default(),
    )
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_picture_says_where_it_was_taken_only_if_it_is_tagged() {
        let sample = Sample {
            time: Duration::ZERO,
            lat: 41.123_456_7,
            lon: -95.765_432_1,
            height: 60.0,
            speed: [0.0; 3],
            heading: 10.0,
            flying: true,
        };
        for place in [Some(sample), None] {
            let shot = Shot {
                vendor: "halyard",
                model: "Q4 Survey",
                firmware: "03.02.0411",
                serial: "9H7KF2AAAABBBBCCCCDD",
                taken: "2026:06:11 08:01:40".to_owned(),
                place,
            };
            let jpeg = picture(&shot, &mut fastrand::Rng::with_seed(1)).unwrap();
            assert!((8_000..200_000).contains(&jpeg.len()), "{}", jpeg.len());
            let read = exif::Reader::new().read_from_container(&mut Cursor::new(&jpeg)).unwrap();
            assert!(read.get_field(Tag::BodySerialNumber, In::PRIMARY).is_some());
            let latitude = read.get_field(Tag::GPSLatitude, In::PRIMARY);
            assert_eq!(latitude.is_some(), place.is_some());
            if let Some(Value::Rational(parts)) = latitude.map(|field| &field.value) {
                let degrees = parts[0].to_f64() + parts[1].to_f64() / 60.0 + parts[2].to_f64() / 3600.0;
                assert!((degrees - 41.123_456_7).abs() < 1e-7);
            }
        }
    }
}
