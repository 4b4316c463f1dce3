//! PNG (W3C Portable Network Graphics): row by row, so that no more than a row and the small picture are held.
//!
//! Left out: interlaced pictures.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use crate::{Bounds, Grey, Unread, grey::Shrink};

/// Pixels of the widest picture that is read: two rows are held, of up to eight bytes each.
const WIDEST: u32 = 65_535;

/// Bytes that decoding may hold besides the picture: rows, palettes.
const MOST_HELD: usize = 8 << 20;

/// Width and height, by the header (IHDR), which stands first.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some((side(16)?, side(20)?))
}

/// The content of the first chunk of a kind, as far as the chunks before it are whole.
pub(crate) fn chunk(bytes: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    // Each chunk takes at least twelve bytes: length, kind, checksum.
    loop {
        let (length, tail) = rest.split_first_chunk()?;
        let (found, tail) = tail.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let content = tail.get(..length)?;
        if *found == kind {
            return Some(content);
        }
        rest = tail.get(length.checked_add(4)?..)?;
    }
}

/// Whether it is one picture whose rows can all be read.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let read = || -> Option<u32> {
        let decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_HELD });
        let mut reader = decoder.read_info().ok()?;
        let mut rows = 0;
        while reader.next_row().ok()?.is_some() {
            rows += 1;
        }
        Some(rows)
    };
    chunk(bytes, *b"acTL").is_none()
        && read().is_some_and(|rows| size(bytes).is_some_and(|(_, high)| high == rows))
}

/// The brightness of a picture of this size; what is transparent is taken as it is coloured.
pub(crate) fn decode(bytes: &[u8], (width, height): (u32, u32), bounds: &Bounds) -> Result<Grey, Unread> {
    if width > WIDEST {
        return Err(Unread::Size);
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_HELD });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|_| Unread::Damaged)?;
    let info = reader.info();
    if info.interlaced || (info.width, info.height) != (width, height) {
        return Err(Unread::Format);
    }
    let samples = match reader.output_color_type().0 {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(Unread::Format),
    };
    let mut shrink = Shrink::new(width as usize, height as usize, bounds.longest);
    let mut any = false;
    // What is cut or damaged ends here, and what came before it is kept.
    while let Ok(Some(row)) = reader.next_row() {
        any = true;
        shrink.row(row.data().chunks_exact(samples).map(brightness));
    }
    if any { Ok(shrink.done()) } else { Err(Unread::Damaged) }
}

/// Brightness of a pixel of one, two, three or four samples (ITU-R BT.601, as JPEG has it).
fn brightness(samples: &[u8]) -> u8 {
    match samples {
        [red, green, blue, ..] => {
            let sum = 299 * u32::from(*red) + 587 * u32::from(*green) + 114 * u32::from(*blue);
            u8::try_from(sum / 1000).unwrap_or(u8::MAX)
        }
        [grey, ..] => *grey,
        [] => 0,
    }
}
