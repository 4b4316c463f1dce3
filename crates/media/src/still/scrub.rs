//! Pictures without what they give away, one format per file. Pixels stay as they are, bit for bit.
//!
//! JPEG, PNG, `WebP` and GIF are put together anew from what a viewer needs; what describes the picture is left out, and a
//! small block of EXIF is written in its place: orientation, colours, exposure and times. TIFF and DNG, whose parts point
//! at each other, keep their length: what gives something away is taken out of the directories and overwritten.

mod anew;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use std::io;

use creance_cursor::Source;
use creance_model::{Refusal, ScrubRequest, Scrubbed};

use super::Still;

impl Still {
    /// A picture of this format without what it gives away. The outer error: the source cannot be read.
    pub fn scrub(self, source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
        match self {
            Self::Jpeg => jpeg::scrub(source, request),
            Self::Tiff => tiff::scrub(source, request),
            Self::Png => png::scrub(source, request),
            Self::Webp => webp::scrub(source, request),
            Self::Gif => gif::scrub(source, request),
            Self::Heif => Ok(Err(Refusal(
                "HEIF and AVIF are read and not written: export the picture as JPEG, and scrub that"
                    .to_owned(),
            ))),
        }
    }
}

/// A refusal, as an answer.
#[expect(clippy::unnecessary_wraps, reason = "what is asked for answers like this")]
fn refused(why: impl Into<String>) -> io::Result<Result<Scrubbed, Refusal>> {
    Ok(Err(Refusal(why.into())))
}
