//! Still pictures: what they give away beside what they show, one format per file.
//!
//! ```text
//! source ─▶ jpeg │ tiff (and DNG) │ png │ webp │ heif │ gif ─▶ blocks: EXIF ─▶ ifd ─▶ exif ─┐
//!                                                             XMP ──────────▶ xmp ─────────┼─▶ Inspection
//!                                                             FLIR, IPTC ──────────────────┘
//! ```
//!
//! Only what describes a picture is read; its pixels are not.

mod exif;
mod flir;
mod gdal;
mod gif;
mod heif;
pub(crate) mod ifd;
mod iptc;
mod jpeg;
mod maker;
pub(crate) mod multi_picture;
mod packet;
mod png;
mod scans;
mod scrub;
mod stretch;
mod tiff;
mod webp;
mod within;
pub(crate) mod xmp;

use std::io;

use creance_cursor::Source;
use creance_model::{Inspection, Look};

/// A format of pictures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Still {
    /// ITU-T T.81.
    Jpeg,
    /// TIFF 6.0, `BigTIFF` and DNG.
    Tiff,
    /// W3C Portable Network Graphics.
    Png,
    /// RFC 9649.
    Webp,
    /// ISO/IEC 23008-12, and AVIF.
    Heif,
    /// `CompuServe`'s GIF, in its form of 1989.
    Gif,
}

impl Still {
    /// The format of a picture by its first bytes; 16 are enough.
    pub fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            _ if webp::is(head) => Self::Webp,
            _ if heif::is(head) => Self::Heif,
            _ => return None,
        })
    }

    /// What a picture of this format gives away. Errors: the source cannot be read.
    pub fn inspect(self, source: &dyn Source) -> io::Result<Inspection> {
        let mut inspection = match self {
            Self::Jpeg => jpeg::inspect(source),
            Self::Tiff => tiff::inspect(source),
            Self::Png => png::inspect(source),
            Self::Webp => webp::inspect(source),
            Self::Heif => heif::inspect(source),
            Self::Gif => gif::inspect(source),
        }?;
        widen(&mut inspection);
        Ok(inspection)
    }
}

/// Says how wide a picture is where the focal length tells it.
fn widen(inspection: &mut Inspection) {
    let focal = inspection.facts.iter().find(|fact| fact.field == exif::FOCAL_LENGTH);
    let Some(degrees) = focal.and_then(|fact| Look::wide(fact.value.parse().ok()?)) else { return };
    for look in inspection.places.iter_mut().filter_map(|spot| spot.look.as_mut()) {
        look.field_of_view = Some(degrees);
    }
}
