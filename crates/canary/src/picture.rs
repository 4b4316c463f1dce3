//! A picture of one run: coloured squares that no other picture has, and a place and a serial number in its EXIF.
//!
//! A server that shrinks or encodes it anew keeps the look of it and changes its hashes: then the EXIF may tell, if it was
//! kept, and the picture itself can be compared by eye.

use std::io::Cursor;

use creance_detect::CanaryPicture;
use creance_model::DataClass;
use exif::{Field, In, Rational, Tag, Value, experimental::Writer};
use jpeg_encoder::{ColorType, Encoder};
use md5::{Digest, Md5};
use ring::digest;

use crate::{Error, Made, Random};

/// Squares each way, and pixels of a side.
const SQUARES: (u16, u16) = (40, 30);
const SIDE: u16 = 16;

/// High enough that squares stay apart.
const QUALITY: u8 = 90;

/// Makes a picture with the first place and serial number of what was made, and what a canary file says of it.
pub fn picture(made: &Made, random: &mut Random, name: &str) -> Result<(Vec<u8>, CanaryPicture), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Picture(error.to_string());
    let (width, height) = (SQUARES.0 * SIDE, SQUARES.1 * SIDE);
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    let exif = exif(made).map_err(|error| failed(&error))?;
    encoder.add_exif_metadata(&exif).map_err(|error| failed(&error))?;
    encoder.encode(&pixels(random), width, height, ColorType::Rgb).map_err(|error| failed(&error))?;
    let told = CanaryPicture {
        file: name.to_owned(),
        bytes: jpeg.len() as u64,
        sha256: digest::digest(&digest::SHA256, &jpeg).as_ref().try_into().unwrap_or_default(),
        sha1: digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &jpeg)
            .as_ref()
            .try_into()
            .unwrap_or_default(),
        md5: Md5::digest(&jpeg).into(),
    };
    Ok((jpeg, told))
}

/// Red, green and blue of every pixel, row by row.
fn pixels(random: &mut Random) -> Vec<u8> {
    let (across, down) = SQUARES;
    let mut pixels = Vec::new();
    for _ in 0..down {
        let colours: Vec<[u8; 3]> = (0..across).map(|_| random.bytes()).collect();
        let row: Vec<u8> = colours.iter().flat_map(|colour| colour.repeat(usize::from(SIDE))).collect();
        pixels.extend(row.repeat(usize::from(SIDE)));
    }
    pixels
}

/// TIFF with the fields of Exif 2.32 (CIPA DC-008 §4.6): who made it, where, and with which camera.
fn exif(made: &Made) -> Result<Vec<u8>, exif::Error> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let text = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let mut fields = vec![field(Tag::Make, text("Canary")), field(Tag::Model, text("Canary 1"))];
    if let Some(serial) = made.first(DataClass::Serial) {
        fields.push(field(Tag::BodySerialNumber, text(serial)));
    }
    let place = made.first(DataClass::Location).and_then(|place| place.split_once(','));
    if let Some((lat, lon)) = place.and_then(|(lat, lon)| Some((angle(lat)?, angle(lon)?))) {
        fields.push(field(Tag::GPSLatitudeRef, text(if lat.0 { "S" } else { "N" })));
        fields.push(field(Tag::GPSLatitude, lat.1));
        fields.push(field(Tag::GPSLongitudeRef, text(if lon.0 { "W" } else { "E" })));
        fields.push(field(Tag::GPSLongitude, lon.1));
    }
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false)?;
    Ok(tiff.into_inner())
}

/// Degrees of six decimals: whether south or west, and degrees, minutes and seconds without any loss.
fn angle(text: &str) -> Option<(bool, Value)> {
    let (whole, decimals) = text.trim_start_matches('-').split_once('.')?;
    let degrees: u32 = whole.parse().ok()?;
    // Millionths of a degree, then of a minute, then of a second.
    let minutes = format!("{decimals:0<6}").get(..6)?.parse::<u32>().ok()? * 60;
    let seconds = minutes % 1_000_000 * 60;
    let rational = |num, denom| Rational { num, denom };
    let angle = vec![rational(degrees, 1), rational(minutes / 1_000_000, 1), rational(seconds, 1_000_000)];
    Some((text.starts_with('-'), Value::Rational(angle)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, made};

    #[test]
    fn the_picture_is_a_jpeg_of_this_run_with_its_place_and_serial_number() {
        let mut random = Random::seeded(5);
        let made = made(&Options { run: None, count: 1, near: None }, &mut random).unwrap();
        let (jpeg, told) = picture(&made, &mut random, "a.jpg").unwrap();
        assert_eq!((jpeg.get(..3), told.bytes), (Some([0xff, 0xd8, 0xff].as_slice()), jpeg.len() as u64));
        let read = exif::Reader::new().read_from_container(&mut Cursor::new(&jpeg)).unwrap();
        let shown = |tag| read.get_field(tag, In::PRIMARY).unwrap().display_value().to_string();
        assert_eq!(shown(Tag::BodySerialNumber), format!("\"{}\"", made.first(DataClass::Serial).unwrap()));
        let degrees = |tag| {
            let Value::Rational(parts) = &read.get_field(tag, In::PRIMARY).unwrap().value else {
                unreachable!()
            };
            parts[0].to_f64() + parts[1].to_f64() / 60.0 + parts[2].to_f64() / 3600.0
        };
        let written = format!("-{:.6},-{:.6}", degrees(Tag::GPSLatitude), degrees(Tag::GPSLongitude));
        assert_eq!(Some(written.as_str()), made.first(DataClass::Location));
        let (other, _) = picture(&made, &mut random, "a.jpg").unwrap();
        assert_ne!(other, jpeg, "no two have the same pixels");
    }
}
