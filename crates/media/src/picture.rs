//! Which format a picture has, how large it says it is, and its shades of grey.

use std::fmt;

use crate::{Grey, jpeg, png};

/// A format of pictures that is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// ITU-T T.81 (baseline and progressive).
    Jpeg,
    /// W3C Portable Network Graphics.
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
        })
    }
}

/// What may be spent on one picture.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Pixels of the largest picture that is decoded. Decoding takes up to six bytes of memory for each.
    pub pixels: u64,
    /// The longest side of what is given, in pixels: larger pictures are made smaller.
    pub longest: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { pixels: 50_000_000, longest: 800 }
    }
}

/// Why a picture was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unread {
    /// It is of no format that is read here, or of a variant that is not.
    Format,
    /// It says that it has more pixels than [`Bounds::pixels`], or none.
    Size,
    /// It is damaged.
    Damaged,
}

/// The format of a picture, by its first bytes.
pub fn format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, ..] => Some(Format::Png),
        _ => None,
    }
}

/// Width and height in pixels, where its head says them.
pub fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    match format(bytes)? {
        Format::Jpeg => jpeg::size(bytes),
        Format::Png => png::size(bytes),
    }
}

/// Pixels that [`decode`] will decode: none of a picture that it refuses by its head.
pub fn cost(bytes: &[u8], bounds: &Bounds) -> u64 {
    let pixels = size(bytes).map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    let refused = pixels > bounds.pixels
        || format(bytes) == Some(Format::Jpeg) && jpeg::is_refused(bytes, pixels, bounds);
    if refused { 0 } else { pixels }
}

/// The shades of grey of a picture, no larger than the bounds say. Of a JPEG that is cut what is there is given, and of a
/// cut PNG likewise; the rest is grey or black.
pub fn decode(bytes: &[u8], bounds: &Bounds) -> Result<Grey, Unread> {
    let format = format(bytes).ok_or(Unread::Format)?;
    let (width, height) = size(bytes).ok_or(Unread::Damaged)?;
    if u64::from(width) * u64::from(height) > bounds.pixels || width == 0 || height == 0 {
        return Err(Unread::Size);
    }
    match format {
        Format::Jpeg => jpeg::decode(bytes, (width, height), bounds),
        Format::Png => png::decode(bytes, (width, height), bounds),
    }
}
