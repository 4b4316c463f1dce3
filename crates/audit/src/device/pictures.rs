//! Pictures of the device: the previews that are embedded in each, and what it looks like.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use creance_detect::DevicePicture;
use creance_media::{Bounds, Likeness, decode, previews, size};
use ring::digest;

/// Bytes of the largest picture that is read.
const LARGEST: u64 = 64 << 20;

/// Pixels of all pictures together that are decoded for what they look like: some seconds.
const MOST_PIXELS: u64 = 1_000_000_000;

/// The shorter side of a preview that shows what its picture looks like, in pixels.
const LEAST_PREVIEW: u32 = 200;

/// How much the shape of a preview may differ from that of its picture, by share: others have bars at their edges.
const SHAPE: f64 = 0.01;

/// The pictures of a device.
#[derive(Debug)]
pub(super) struct PicturesOfDevice {
    known: Vec<DevicePicture>,
    /// Pixels that may yet be decoded.
    pixels: u64,
    /// Pictures beyond a bound, or that could not be read.
    unseen: usize,
}

impl Default for PicturesOfDevice {
    fn default() -> Self {
        Self { known: Vec::new(), pixels: MOST_PIXELS, unseen: 0 }
    }
}

impl PicturesOfDevice {
    /// Reads a file that is a picture by its first bytes.
    pub(super) fn read(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        file.by_ref().take(16).read_to_end(&mut bytes)?;
        if creance_media::format(&bytes).is_none() {
            return Ok(());
        }
        if file.metadata()?.len() > LARGEST {
            self.unseen += 1;
            return Ok(());
        }
        file.take(LARGEST).read_to_end(&mut bytes)?;
        self.look(name, &bytes);
        Ok(())
    }

    /// Looks at a picture.
    fn look(&mut self, name: &str, bytes: &[u8]) {
        let previews = previews(bytes);
        let preview = previews.iter().find(|preview| shows(preview, bytes));
        let of_preview = preview.and_then(|preview| Likeness::of(&self.decoded(preview)?));
        let likeness = of_preview.or_else(|| {
            let decoded = self.decoded(bytes);
            self.unseen += usize::from(decoded.is_none());
            Likeness::of(&decoded?)
        });
        let hash =
            |bytes: &[u8]| digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap_or_default();
        self.known.push(DevicePicture {
            name: name.to_owned(),
            previews: previews.iter().map(|preview| hash(preview)).collect(),
            likeness,
        });
    }

    fn decoded(&mut self, bytes: &[u8]) -> Option<creance_media::Grey> {
        let (width, height) = size(bytes).unwrap_or_default();
        let left = self.pixels.checked_sub(u64::from(width) * u64::from(height));
        left.and_then(|left| {
            self.pixels = left;
            decode(bytes, &Bounds::default()).ok()
        })
    }

    /// The pictures, and how many were not decoded.
    pub(super) fn done(self) -> (Vec<DevicePicture>, usize) {
        (self.known, self.unseen)
    }
}

/// Whether a preview is large enough, and of the shape of its picture, so that it looks like it.
fn shows(preview: &[u8], picture: &[u8]) -> bool {
    let (Some(small), Some(large)) = (size(preview), size(picture)) else { return false };
    let shape = |(width, height): (u32, u32)| f64::from(width) / f64::from(height.max(1));
    small.0.min(small.1) >= LEAST_PREVIEW && (shape(small) / shape(large) - 1.0).abs() <= SHAPE
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &[u8] = include_bytes!("../../../detect/src/face/nobody.jpg");

    /// The picture with another as the thumbnail of its EXIF.
    fn with_thumbnail(thumbnail: &[u8]) -> Vec<u8> {
        let entry = |tag: u16, value: usize| {
            let value = u32::try_from(value).unwrap().to_le_bytes();
            [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value].concat()
        };
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\x0e\0\0\0\x02\0".to_vec();
        exif.extend(
            [entry(0x201, 44), entry(0x202, thumbnail.len()), vec![0; 4], thumbnail.to_vec()].concat(),
        );
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&[0xff, 0xd8, 0xff, 0xe1][..], &length, &exif, &PICTURE[2..]].concat()
    }

    #[test]
    fn previews_and_likeness_are_known_and_damaged_pictures_are_counted() {
        let mut pictures = PicturesOfDevice::default();
        let thumbnail = &PICTURE[..10_000];
        pictures.look("a.jpg", &with_thumbnail(thumbnail));
        pictures.look("b.jpg", &PICTURE[..40]);
        let (known, unseen) = pictures.done();
        let hash: [u8; 32] = digest::digest(&digest::SHA256, thumbnail).as_ref().try_into().unwrap();
        assert_eq!((known[0].previews.as_slice(), known[0].likeness.is_some()), (&[hash][..], true));
        assert_eq!((known[1].previews.len(), known[1].likeness.is_some(), unseen), (0, false, 1));
    }

    #[test]
    fn pixels_beyond_the_bound_are_not_decoded() {
        let mut pictures = PicturesOfDevice { pixels: 640 * 480, ..PicturesOfDevice::default() };
        pictures.look("a.jpg", PICTURE);
        pictures.look("b.jpg", PICTURE);
        let (known, unseen) = pictures.done();
        assert_eq!((known[0].likeness.is_some(), known[1].likeness.is_some(), unseen), (true, false, 1));
    }
}
