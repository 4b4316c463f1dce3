//! The block of EXIF of a JPEG or PNG, for those who ask only how it is to be turned or what is embedded in it.

use crate::{
    jpeg, png,
    still::ifd::{Directory, Tags},
};

/// Orientation (CIPA DC-008).
const ORIENTATION: u16 = 0x0112;

/// How a picture is to be turned to be upright: 1 to 8 (CIPA DC-008, Orientation), 1 where nothing says it.
pub fn orientation(bytes: &[u8]) -> u16 {
    let tags = block(bytes).and_then(Tags::read);
    let number = tags.and_then(|tags| {
        tags.numbers(tags.get(Directory::Main, ORIENTATION)?)
            .first()
            .and_then(|number| u16::try_from(*number).ok())
    });
    number.filter(|number| (1..=8).contains(number)).unwrap_or(1)
}

/// The block, which begins with a TIFF header.
pub(crate) fn block(bytes: &[u8]) -> Option<&[u8]> {
    let of_jpeg = || {
        let mut segments = jpeg::applications(bytes).filter(|(number, ..)| *number == 1);
        segments.find_map(|(_, _, content)| content.strip_prefix(b"Exif\0\0"))
    };
    if bytes.starts_with(&[0xff, 0xd8]) { of_jpeg() } else { png::chunk(bytes, *b"eXIf") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block that says one orientation.
    fn said(number: u8) -> Vec<u8> {
        [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[number], &[0; 6]].concat()
    }

    #[test]
    fn the_orientation_of_a_jpeg_and_of_a_png_is_read() {
        let jpeg = |number| [&b"\xff\xd8\xff\xe1\0\x22Exif\0\0"[..], &said(number), &[0xff, 0xd9]].concat();
        let png = |number| {
            let text = [&4_u32.to_be_bytes()[..], b"tEXta\0bc", &[0; 4]].concat();
            let exif = [&26_u32.to_be_bytes()[..], b"eXIf", &said(number), &[0; 4]].concat();
            [&b"\x89PNG\r\n\x1a\n"[..], &text, &exif].concat()
        };
        assert_eq!((orientation(&jpeg(6)), orientation(&png(8))), (6, 8));
        assert_eq!((orientation(&jpeg(9)), orientation(b"\xff\xd8\xff\xd9")), (1, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), png: bool) {
            let head: &[u8] =
                if png { b"\x89PNG\r\n\x1a\n\0\0\0\x20eXIfII*\0\x08\0\0\0" } else { b"\xff\xd8\xff\xe1\x01\x30Exif\0\0II*\0\x08\0\0\0" };
            prop_assert!((1..=8).contains(&orientation(&[head, &bytes[..]].concat())));
        }
    }
}
