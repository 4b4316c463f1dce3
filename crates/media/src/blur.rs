//! Pictures with mosaics for faces: each becomes a few squares of one colour, and the picture is encoded anew.
//!
//! What else the file says is left to the scrubbing of its format; colour profiles and orientation are carried over.

use creance_model::{Rectangle, Refusal};
use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::{Format, Unread, face::LOOK, format, jpeg, locate_faces, png};

/// Squares across a face, and of what is tried next if that still looks like one.
const SQUARES: [u32; 3] = [6, 3, 1];

/// Of 100: how close JPEG comes to the pixels it is given.
const QUALITY: u8 = 95;

/// A JPEG with mosaics for its faces, and how many there were; `None`: a JPEG or PNG that shows none that are found. What
/// cannot be looked at as a whole is refused with the reason: what other programs show of it may be a face.
pub fn without_faces(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
    let found = located(bytes)?;
    if format(bytes) == Some(Format::Png) {
        if !png::is_whole(bytes) {
            return Err(Refusal(
                "it is animated or damaged: not all that it shows can be looked at".to_owned(),
            ));
        }
        if found.is_empty() {
            return Ok(None);
        }
        let why =
            format!("it shows {} faces, and they are blurred in JPEG only: export it as JPEG", found.len());
        return Err(Refusal(why));
    }
    // Strictly: a damaged part is looked at by nobody here, and shown by others.
    let mut picture = Picture::decoded(bytes)?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut left = found.clone();
    for squares in SQUARES {
        for face in &left {
            picture.blur(*face, squares);
        }
        let blurred = picture.encoded(bytes)?;
        left = located(&blurred)?;
        if left.is_empty() {
            return Ok(Some((blurred, found.len())));
        }
    }
    Err(Refusal(format!("{} places still look like faces when they are blurred", left.len())))
}

fn located(bytes: &[u8]) -> Result<Vec<Rectangle>, Refusal> {
    let found = locate_faces(bytes).map_err(|why| {
        Refusal(match why {
            Unread::Size => {
                format!(
                    "it has too many pixels to look for faces: at most {}, a quarter if it is progressive",
                    LOOK.pixels
                )
            }
            Unread::Format => {
                "faces are looked for in JPEG and PNG only, and not in interlaced ones".to_owned()
            }
            Unread::Damaged => "its pixels cannot be read to look for faces".to_owned(),
        })
    })?;
    if found.limited {
        let why = "more places in it look like faces at first sight than are looked at";
        return Err(Refusal(why.to_owned()));
    }
    Ok(found.faces)
}

/// Pixels of one or three samples, row by row.
struct Picture {
    width: usize,
    samples: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// The pixels of a JPEG whose size was checked.
    fn decoded(bytes: &[u8]) -> Result<Self, Refusal> {
        let unread = || Refusal("its colours cannot be read to blur faces".to_owned());
        let (width, height) = jpeg::size(bytes).ok_or_else(unread)?;
        let (width, height) = (width as usize, height as usize);
        let options = DecoderOptions::new_safe()
            .set_max_width(width)
            .set_max_height(height)
            .set_strict_mode(true)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|_| unread())?;
        let samples = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => 1,
            Some(ColorSpace::YCbCr | ColorSpace::RGB) => 3,
            _ => return Err(unread()),
        };
        if samples == 1 {
            decoder.set_options(decoder.options().jpeg_set_out_colorspace(ColorSpace::Luma));
        }
        let pixels = decoder.decode().map_err(|_| unread())?;
        if pixels.len() != width * height * samples {
            return Err(unread());
        }
        Ok(Self { width, samples, pixels })
    }

    /// Makes a face, and a fifth of it around, squares of one colour each.
    fn blur(&mut self, face: Rectangle, squares: u32) {
        let height = self.pixels.len() / self.samples / self.width.max(1);
        let grown = |from: u32, side: u32, most: usize| {
            let (from, more) = (from as usize, side as usize / 5);
            (from.saturating_sub(more), (from + side as usize + more).min(most))
        };
        let (left, right) = grown(face.left, face.width, self.width);
        let (top, bottom) = grown(face.top, face.height, height);
        let step = (right - left).max(bottom - top).div_ceil(squares as usize).max(1);
        for y in (top..bottom).step_by(step) {
            for x in (left..right).step_by(step) {
                self.fill((x, (x + step).min(right)), (y, (y + step).min(bottom)));
            }
        }
    }

    /// Gives all pixels of columns and rows their mean.
    fn fill(&mut self, (left, right): (usize, usize), (top, bottom): (usize, usize)) {
        let count = ((right - left) * (bottom - top)).max(1) as u64;
        for sample in 0..self.samples {
            let (width, samples) = (self.width, self.samples);
            let at = move |x: usize, y: usize| (y * width + x) * samples + sample;
            let all = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
            let sum: u64 =
                all.clone().map(|(x, y)| u64::from(self.pixels.get(at(x, y)).copied().unwrap_or(0))).sum();
            let mean = u8::try_from(sum / count).unwrap_or(u8::MAX);
            for (x, y) in all {
                if let Some(pixel) = self.pixels.get_mut(at(x, y)) {
                    *pixel = mean;
                }
            }
        }
    }

    /// As JPEG, with the segments of applications that the scrubbed picture has, but for those that say how its own bytes
    /// are coded.
    fn encoded(&self, scrubbed: &[u8]) -> Result<Vec<u8>, Refusal> {
        let unwritten = || Refusal("the picture cannot be encoded anew".to_owned());
        let side = |side: usize| u16::try_from(side).map_err(|_| unwritten());
        let (width, height) = (self.width, self.pixels.len() / self.samples / self.width.max(1));
        let (width, height) = side(width).and_then(|width| Ok((width, side(height)?)))?;
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, QUALITY);
        for (number, _, content) in jpeg::applications(scrubbed) {
            if !matches!(number, 0 | 14) {
                encoder.add_app_segment(number, content.to_vec()).map_err(|_| unwritten())?;
            }
        }
        let kind = if self.samples == 1 { ColorType::Luma } else { ColorType::Rgb };
        encoder.encode(&self.pixels, width, height, kind).map_err(|_| unwritten())?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTRAIT: &[u8] = include_bytes!("../../detect/src/face/portrait.jpg");

    #[test]
    fn a_face_is_gone_and_the_rest_of_the_picture_is_as_it_was() {
        let before = located(PORTRAIT).unwrap();
        let (blurred, faces) = without_faces(PORTRAIT).unwrap().unwrap();
        assert_eq!(faces, before.len());
        assert!(located(&blurred).unwrap().is_empty());
        let (old, new) = (Picture::decoded(PORTRAIT).unwrap(), Picture::decoded(&blurred).unwrap());
        assert_eq!((old.width, old.pixels.len()), (new.width, new.pixels.len()));
        let is_far = |at: usize| {
            let (x, y) = (at / old.samples % old.width, at / old.samples / old.width);
            before.iter().all(|face| {
                let apart = |at: usize, from: u32, side: u32| {
                    let (from, side) = (from as usize, side as usize);
                    at + side / 2 < from || at > from + side + side / 2
                };
                apart(x, face.left, face.width) || apart(y, face.top, face.height)
            })
        };
        let far: Vec<u64> = (0..old.pixels.len())
            .filter(|at| is_far(*at))
            .map(|at| u64::from(old.pixels[at].abs_diff(new.pixels[at])))
            .collect();
        assert!(far.len() > old.pixels.len() / 10);
        let mean = far.iter().sum::<u64>() / far.len() as u64;
        assert!(mean < 4, "{mean}");
        assert_eq!(without_faces(&blurred).unwrap(), None);
    }

    #[test]
    fn profile_and_orientation_are_carried_over() {
        // An Exif block that says the picture is upright (orientation 1), as scrubbing writes it.
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let with = [&PORTRAIT[..2], &[0xff, 0xe1], &length, exif, &PORTRAIT[2..]].concat();
        let (blurred, _) = without_faces(&with).unwrap().unwrap();
        assert!(jpeg::applications(&blurred).any(|(number, _, content)| (number, content) == (1, &exif[..])));
    }

    #[test]
    fn pictures_of_which_not_all_is_looked_at_are_refused() {
        let png = |animated: bool, rows: u8| {
            let mut bytes = Vec::new();
            let mut encoder = ::png::Encoder::new(&mut bytes, 8, 8);
            encoder.set_color(::png::ColorType::Grayscale);
            if animated {
                encoder.set_animated(1, 0).unwrap();
            }
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[90; 64]).unwrap();
            writer.finish().unwrap();
            bytes.truncate(bytes.len() * usize::from(rows) / 8);
            bytes
        };
        assert_eq!(without_faces(&png(false, 8)).unwrap(), None);
        for bytes in [png(true, 8), png(false, 6)] {
            assert!(without_faces(&bytes).is_err());
        }
        // A scan that breaks off is shown by other programs as far as it goes.
        assert!(without_faces(&PORTRAIT[..PORTRAIT.len() * 2 / 3]).is_err());
    }

    #[test]
    fn what_cannot_be_blurred_is_refused() {
        assert!(without_faces(b"II*\0\x08\0\0\0").unwrap_err().0.contains("JPEG and PNG only"));
        assert!(without_faces(b"\xff\xd8\xff\xd9").unwrap_err().0.contains("cannot be read"));
    }
}
