//! Uploads that could not be read, as long as a file of the device and what a request adds.
//!
//! ```text
//! content of records   │ head of the request │ (head of a part) │ the file │ (end of the parts) │
//!                       ◀──────────────── `ADDED` bytes in all ─────────────────────────────────▶  + 9 for each frame of HTTP/2
//! ```
//!
//! How likely chance is: a length is taken for one of any between half and twice the upload's; of these, so many fit one of
//! the files. Where more than [`LIKELY`] do, a length says nothing, and nothing is told. Never more than moderate evidence.
//!
//! Left out: files in several uploads, compressed files.

use std::ops::RangeInclusive;

use creance_model::{DataClass, Match, Value};
use data_encoding::HEXLOWER;

use crate::{Card, Context, Detector, DeviceFile, DeviceFiles, Sighting, Sink, View};

/// Files by the length of opaque uploads.
pub(crate) struct Size;

/// Bytes that a request adds to a file: a head, and in forms the heads of parts.
const ADDED: RangeInclusive<u64> = 100..=1500;

/// Bytes in one frame of HTTP/2, and of its head (RFC 9113 §4.1, §6.5.2).
const FRAME: (u64, u64) = (16_384, 9);

/// From this share of fitting lengths on, one that fits says nothing.
const LIKELY: f64 = 0.2;

impl Detector for Size {
    fn card(&self) -> &'static Card {
        &Card {
            id: "size",
            what: "an upload that could not be read, as long as a file on the device and the head of a request",
            why: "Opaque is not innocent: it may be that very file.",
            wrong: "Easily: any upload may have that length. The value says how likely chance is for one upload; of many, some will fit.",
            classes: &[DataClass::Imagery, DataClass::Video, DataClass::Audio, DataClass::FlightLog],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let Some((least, most)) = message.opaque_upload() else { return };
        let chance = chance(&context.device, least, most);
        if chance > LIKELY {
            return;
        }
        let mut fitting = context.device.of_length(lengths(least, most));
        // The nearest: the longest that fits.
        let Some((file, class)) = fitting.by_ref().last() else { return };
        let value = format!(
            "upload as long as a file of {} bytes (by chance: {:.1} %), SHA-256 {}",
            file.bytes,
            chance * 100.0,
            HEXLOWER.encode(&file.sha256)
        );
        sink.sight(Sighting {
            file: Some(file.name.clone()),
            encoding: vec!["opaque-size".to_owned()],
            ..Sighting::whole(class, Match::Size, "size", 0, value)
        });
    }
}

/// How long a file may be that is in an upload of so many bytes.
fn lengths(least: u64, most: u64) -> RangeInclusive<u64> {
    let frames = (most / FRAME.0 + 2) * FRAME.1;
    least.saturating_sub(ADDED.end() + frames)..=most.saturating_sub(*ADDED.start())
}

/// The share of lengths between half and twice of this that fit a file of the device: at least so much, if it is more than
/// [`LIKELY`].
fn chance(device: &DeviceFiles, least: u64, most: u64) -> f64 {
    let span = (most / 2).max(1)..=most.saturating_mul(2);
    let unknown = most - least.min(most);
    let width =
        |file: &DeviceFile| ADDED.end() - ADDED.start() + unknown + (file.bytes / FRAME.0 + 2) * FRAME.1;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let all = (span.end() - span.start() + 1) as f64;
    let mut share = 0.0;
    for (file, _) in device.of_length(span) {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let fitting = width(file) as f64;
        share += fitting / all;
        if share > LIKELY {
            break;
        }
    }
    share
}

impl View<'_> {
    /// How long an upload is that could not be read: at least and at most.
    fn opaque_upload(&self) -> Option<(u64, u64)> {
        let number = |name| match self.field(name)? {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        (self.kind() == "opaque-upload").then_some(())?;
        Some((number("least")?, number("most")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::parts, look};
    use creance_model::{Carrier, Field, Message};

    fn upload(length: u64) -> Message {
        let number = |name| Field { name, value: Value::Integer(length.cast_signed()) };
        Message {
            kind: "opaque-upload",
            fields: vec![number("least"), number("most")],
            ..parts(&[(Carrier::Field, None, "lengths of records", None, b"")])
        }
    }

    fn device(lengths: &[u64]) -> Context {
        let file = |bytes: &u64| DeviceFile {
            name: format!("DCIM/{bytes}.JPG"),
            class: Some(DataClass::Imagery),
            bytes: *bytes,
            sha256: [0; 32],
            sha1: [0; 20],
            md5: [0; 16],
        };
        Context { device: DeviceFiles::new(lengths.iter().map(file), 0), ..Context::default() }
    }

    fn found(length: u64, files: &[u64]) -> Vec<String> {
        look(&upload(length), &device(files)).sightings.into_iter().filter_map(|one| one.file).collect()
    }

    #[test]
    fn an_upload_fits_a_file_and_a_head() {
        assert_eq!(found(58_305 + 400, &[58_305, 90_000]), ["DCIM/58305.JPG"]);
        assert_eq!(found(9_000_000 + 700 + 550 * 9, &[9_000_000]), ["DCIM/9000000.JPG"]);
        for length in [58_305, 58_305 + 20, 58_305 + 2000, 58_305 * 2] {
            assert!(found(length, &[58_305]).is_empty(), "{length}");
        }
    }

    #[test]
    fn where_most_lengths_fit_some_file_nothing_is_told() {
        let files: Vec<u64> = (0..40).map(|number| 50_000 + number * 1000).collect();
        assert!(found(58_305, &files).is_empty());
        assert!(chance(&device(&files).device, 58_305, 58_305) > LIKELY);
    }

    #[test]
    fn the_chance_is_about_what_random_lengths_show() {
        let files: Vec<u64> = (0..6).map(|number| 3_000_000 + number * 217_000).collect();
        let context = device(&files);
        // What the cipher leaves open makes chance likelier.
        assert!(
            chance(&context.device, 3_400_000, 3_500_000)
                > 2.0 * chance(&context.device, 3_500_000, 3_500_000)
        );
        let stated = chance(&context.device, 3_500_000, 3_500_000);
        let tries = 20_000_u64;
        let hits = (0..tries).filter(|try_| {
            // Lengths spread evenly over the span that is meant.
            let length = 1_750_000 + try_ * 5_250_000 / tries;
            context.device.of_length(lengths(length, length)).next().is_some()
        });
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let measured = hits.count() as f64 / tries as f64;
        assert!(measured <= stated * 1.1 && measured >= stated * 0.5, "{measured} {stated}");
    }
}
