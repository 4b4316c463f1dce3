//! JPEG (ITU-T T.81): baseline and progressive.
//!
//! The size is read here by walking the segments; decoding is zune-jpeg's, built without its processor-specific parts, which
//! are the only `unsafe` ones. Only brightness is decoded.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::{Bounds, Grey, Unread, grey::Shrink};

/// Scans of a progressive picture that are read; cameras write ten or so, and each is a pass over all coefficients.
const MOST_SCANS: usize = 64;

/// A progressive picture is held whole, as coefficients of all its components: it may have this many times fewer pixels.
const PROGRESSIVE: u64 = 4;

/// Bytes without which no picture has this many pixels: a block of 8×8 takes at least six bits for its three components in
/// a progressive scan, and so do runs of blocks that are equal. What says to be larger than its bytes allow by far is a
/// picture of one colour, or a trap.
const MOST_PIXELS_OF_A_BYTE: u64 = 4096;

/// Width and height, by the frame header.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    frame(bytes).map(|(_, size)| size)
}

/// The frame header (SOF): whether it is progressive, width and height; found by walking the segments (annex B).
fn frame(bytes: &[u8]) -> Option<(bool, (u32, u32))> {
    let mut rest = bytes.get(2..)?;
    while let [0xff, marker, tail @ ..] = rest {
        match marker {
            // Fill bytes.
            0xff => rest = rest.get(1..)?,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_, _, _, high, low, wide, narrow, ..] = tail else { return None };
                let side = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                return Some((*marker == 0xc2, (side(*wide, *narrow), side(*high, *low))));
            }
            // The scan begins, or the picture ends, before any frame.
            0xd9 | 0xda => return None,
            _ => {
                let [high, low, ..] = tail else { return None };
                rest = tail.get(usize::from(u16::from_be_bytes([*high, *low])).max(2)..)?;
            }
        }
    }
    None
}

/// The segments of applications (B.2.4.6) before the first scan: their number, where their content begins, and the content.
pub(crate) fn applications(bytes: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    let mut at = 2_usize;
    // Each segment takes at least four bytes.
    let segments = std::iter::from_fn(move || {
        let [0xff, marker, high, low] = bytes.get(at..at.checked_add(4)?)? else { return None };
        if matches!(marker, 0xd9 | 0xda | 0xff) {
            return None;
        }
        let start = at + 4;
        at = at + 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
        Some((*marker, start, bytes.get(start..at)?))
    });
    segments.filter_map(|(marker, start, content)| {
        Some((marker.checked_sub(0xe0).filter(|number| *number < 16)?, start, content))
    })
}

/// Whether a picture of so many pixels takes more to decode than it is worth, or cannot be of so few bytes.
pub(crate) fn is_refused(bytes: &[u8], pixels: u64, bounds: &Bounds) -> bool {
    let progressive = frame(bytes).is_some_and(|(progressive, _)| progressive);
    progressive && pixels > bounds.pixels / PROGRESSIVE
        || pixels > MOST_PIXELS_OF_A_BYTE.saturating_mul(bytes.len() as u64)
}

/// The brightness of a picture of this size.
pub(crate) fn decode(bytes: &[u8], (width, height): (u32, u32), bounds: &Bounds) -> Result<Grey, Unread> {
    if is_refused(bytes, u64::from(width) * u64::from(height), bounds) {
        return Err(Unread::Size);
    }
    let (width, height) = (width as usize, height as usize);
    let options = DecoderOptions::new_safe()
        .set_max_width(width)
        .set_max_height(height)
        .set_strict_mode(false)
        .jpeg_set_max_scans(MOST_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| Unread::Damaged)?;
    // What the decoder says counts: it is what will be filled.
    let info = decoder.info().ok_or(Unread::Damaged)?;
    if (usize::from(info.width), usize::from(info.height)) != (width, height) {
        return Err(Unread::Damaged);
    }
    if decoder.output_colorspace() != Some(ColorSpace::Luma) {
        return Err(Unread::Format);
    }
    let pixels = decoder.decode().map_err(|_| Unread::Damaged)?;
    if pixels.len() != width * height {
        return Err(Unread::Format);
    }
    let mut shrink = Shrink::new(width, height, bounds.longest);
    pixels.chunks_exact(width).for_each(|row| shrink.row(row.iter().copied()));
    Ok(shrink.done())
}
