//! Flight logs and missions: what they give away, one format per file.
//!
//! ```text
//! bytes ─▶ format (by content) ─▶ read ─▶ Inspection: identity, tracks, home, operator, phases, hidden pictures
//! ```
//!
//! All bytes may be an adversary's. What is damaged is told in [`Inspection::damage`], and what was read before it is
//! kept. To add a format: one file here, and one line in [`FORMATS`].
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod ardupilot;
mod blackbox;
mod csv;
mod dataflash;
mod dji_txt;
mod gaze;
mod gps_time;
mod gpx;
mod kml;
mod kmz;
mod letters;
mod movement;
mod mrk;
mod qgc_plan;
mod record;
mod rewrite;
pub mod srt;
mod tlog;
mod ulog;
mod wpl;

use creance_model::{Inspection, Refusal, ScrubRequest, Scrubbed};
pub use dji_txt::{Keychain, export_key_request};

/// A format of logs or missions.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name in outputs: `gpx`, `ulog`, …
    pub name: &'static str,
    /// Whether bytes begin like it. Never true for what is clearly something else.
    is: fn(&[u8]) -> bool,
    /// What bytes of it give away.
    read: fn(&[u8], &Options) -> Inspection,
    /// Bytes of it without that, or why that cannot be.
    scrub: fn(&[u8], &ScrubRequest) -> Result<Scrubbed, Refusal>,
}

/// What a reader may need besides the bytes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The keys of a DJI flight record of version 13 or later.
    pub keychain: Option<Keychain>,
}

impl Options {
    /// With keys for flight records, if there are any.
    pub const fn with_keychain(keychain: Option<Keychain>) -> Self {
        Self { keychain }
    }
}

/// All formats; the first that fits is taken, so those with a signature stand before those of plain text.
pub const FORMATS: &[Format] = &[
    ulog::FORMAT,
    blackbox::FORMAT,
    dataflash::FORMAT,
    tlog::FORMAT,
    kmz::FORMAT,
    dji_txt::FORMAT,
    gpx::FORMAT,
    kml::FORMAT,
    qgc_plan::FORMAT,
    wpl::FORMAT,
    srt::FORMAT,
    mrk::FORMAT,
    csv::FORMAT,
];

/// The format of a file by its first bytes; 4 KiB are enough.
pub fn format(head: &[u8]) -> Option<Format> {
    FORMATS.iter().copied().find(|format| (format.is)(head))
}

impl Format {
    /// What a file of this format gives away.
    pub fn read(self, bytes: &[u8], options: &Options) -> Inspection {
        (self.read)(bytes, options)
    }

    /// A file of this format without what it gives away.
    pub fn scrub(self, bytes: &[u8], request: &ScrubRequest) -> Result<Scrubbed, Refusal> {
        (self.scrub)(bytes, request)
    }
}

/// The beginning of a text, without the mark of its encoding and blanks, as far as it is UTF-8; `None` for bytes that are no text.
fn text(head: &[u8]) -> Option<&str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head.get(..head.len().min(4096)).unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A letter cut by the end of the head.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    // Every format asks this of every text: without an early end it is a few instructions for many bytes.
    let any = |is: fn(u8) -> bool| text.bytes().fold(false, |any, byte| any | is(byte));
    let control = any(|byte| byte < 32 && !matches!(byte, 9..=13) || byte == 127)
        || !text.is_ascii() && text.chars().any(|c| c.is_control() && !c.is_whitespace());
    (!control).then(|| text.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            for format in FORMATS {
                let inspection = format.read(&bytes, &Options::default());
                prop_assert_eq!(inspection.kind, format.name);
            }
        }
    }
}
