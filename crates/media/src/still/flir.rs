//! FLIR's blocks in JPEGs (`FFF`), which hold raw thermal measurements, serial numbers and a place.
//!
//! ```text
//!  0     4            16+4        24            28
//! "FFF\0" creator[16]  version     offset of the index, number of its records
//! record: type u16 · subtype u16 · version u32 · id u32 · offset u32 · length u32 · … (32 bytes)
//! ```
//!
//! Source: the layout that the documentation of `ExifTool` publishes (FLIR tags). The head is written in either byte order.

use std::ops::Range;

use creance_model::{Component, DataClass, Hidden, Inspection, Role, Spot};

/// Records that hold what we look for.
const RAW: u16 = 1;
const CAMERA: u16 = 0x20;
const GPS: u16 = 0x2b;
/// The photograph that was taken beside the measurements.
const PHOTOGRAPH: u16 = 0x0e;
/// What measurements are read and shown with: a correction of gain, a palette, parameters of the measurement.
const CORRECTION: u16 = 5;
const PALETTE: u16 = 0x22;
const PARAMETERS: u16 = 0x21;

/// Records of an index that are read.
const MOST: usize = 256;

/// Texts in the record of the camera: offset, length, and what they are.
const TEXTS: &[(usize, usize, Text)] = &[
    (212, 32, Text::Model),
    (260, 16, Text::Serial(Component::Camera)),
    (276, 16, Text::Software),
    (416, 16, Text::Serial(Component::Lens)),
    (524, 16, Text::Serial(Component::Lens)),
];

#[derive(Clone, Copy, Debug)]
enum Text {
    Model,
    Software,
    Serial(Component),
}

/// A record and where it stands.
struct Record {
    kind: u16,
    range: Range<usize>,
}

/// The records of a block, as far as they lie within it.
fn records(block: &[u8]) -> Vec<Record> {
    if !block.starts_with(b"FFF\0") && !block.starts_with(b"AFF\0") {
        return Vec::new();
    }
    // Versions are around a hundred: read in the right order they are small.
    let big = block.get(20..24).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    let big = (1..0x1_0000).contains(&big);
    let u32_at = |at: usize| -> Option<usize> {
        let four = *block.get(at..)?.first_chunk()?;
        usize::try_from(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }).ok()
    };
    let u16_at = |at: usize| -> Option<u16> {
        let two = *block.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let (Some(index), Some(count)) = (u32_at(24), u32_at(28)) else { return Vec::new() };
    let record = |number: usize| {
        let at = index.checked_add(number * 32)?;
        let (kind, from, length) = (u16_at(at)?, u32_at(at + 12)?, u32_at(at + 16)?);
        let range = from..from.checked_add(length)?;
        (kind != 0 && range.end <= block.len()).then_some(Record { kind, range })
    };
    (0..count.min(MOST)).filter_map(record).collect()
}

/// Adds what the blocks say.
pub(crate) fn tell(inspection: &mut Inspection, block: &[u8]) {
    for record in records(block) {
        let content = block.get(record.range.clone()).unwrap_or_default();
        match record.kind {
            RAW => {
                let (field, bytes) = ("flir:RawData".to_owned(), content.len() as u64);
                inspection.hidden.push(Hidden { what: "thermal data", field, bytes });
            }
            CAMERA => camera(inspection, content),
            GPS => gps(inspection, content),
            PHOTOGRAPH => {
                let (field, bytes) = ("flir:EmbeddedImage".to_owned(), content.len() as u64);
                inspection.hidden.push(Hidden { what: "preview", field, bytes });
            }
            _ => {}
        }
    }
}

/// Overwrites serial numbers, the place, and records that are not known or show a photograph with zeros.
pub(crate) fn blank(block: &mut [u8]) {
    for record in records(block) {
        let Some(content) = block.get_mut(record.range) else { continue };
        match record.kind {
            RAW | CORRECTION | PALETTE | PARAMETERS => {}
            CAMERA => {
                for (at, length, _) in TEXTS.iter().filter(|(.., what)| matches!(what, Text::Serial(_))) {
                    if let Some(text) = content.get_mut(*at..at + length) {
                        text.fill(0);
                    }
                }
            }
            _ => content.fill(0),
        }
    }
}

fn camera(inspection: &mut Inspection, content: &[u8]) {
    for (at, length, what) in TEXTS {
        let bytes = content.get(*at..at + length).unwrap_or_default();
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_owned();
        if text.is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            continue;
        }
        match what {
            Text::Serial(of) => {
                inspection.identify(DataClass::Serial, Some(*of), &text, "flir:CameraInfo");
            }
            Text::Model => inspection.say("model of the thermal camera", text, "flir:CameraModel"),
            Text::Software => inspection.say("software of the thermal camera", text, "flir:CameraSoftware"),
        }
    }
}

/// Whether it is valid u32, version[4], references N/S and E/W, latitude f64 at 16, longitude f64 at 24, altitude f32 at 32.
fn gps(inspection: &mut Inspection, content: &[u8]) {
    let f64_at = |at: usize| content.get(at..)?.first_chunk().map(|eight| f64::from_le_bytes(*eight));
    let valid = content.get(..4).is_some_and(|valid| valid.iter().any(|byte| *byte != 0));
    let (Some(lat), Some(lon)) = (f64_at(16), f64_at(24)) else { return };
    let negative = |at: usize, letter: u8| content.get(at) == Some(&letter);
    let lat = if negative(8, b'S') { -lat.abs() } else { lat };
    let lon = if negative(10, b'W') { -lon.abs() } else { lon };
    if let Some(mut spot) = Spot::new(Role::Camera, lat, lon, "flir:GPSInfo").filter(|_| valid) {
        let altitude = content.get(32..).and_then(<[u8]>::first_chunk).map(|four| f32::from_le_bytes(*four));
        spot.alt_m = altitude.filter(|metres| metres.is_finite()).map(f64::from);
        inspection.places.push(spot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serial_and_raw_data_are_found_by_the_index() {
        let mut block = b"FFF\0".to_vec();
        block.resize(20, 0);
        block.extend([0, 0, 0, 100, 0, 0, 0, 32, 0, 0, 0, 2]);
        block.resize(32, 0);
        let entry = |kind: u8, from: u32, length: u32| {
            let mut entry = vec![0, kind, 0, 0, 0, 0, 0, 100, 0, 0, 0, 1];
            entry.extend(from.to_be_bytes());
            entry.extend(length.to_be_bytes());
            entry.resize(32, 0);
            entry
        };
        block.extend(entry(1, 96, 10));
        block.extend(entry(0x20, 106, 300));
        let mut camera = vec![0; 300];
        camera[260..267].copy_from_slice(b"1234567");
        block.extend([7; 10]);
        block.extend(camera);
        let mut inspection = Inspection::of("jpeg");
        tell(&mut inspection, &block);
        assert_eq!(inspection.identifiers[0].value, "1234567");
        assert_eq!((inspection.hidden[0].what, inspection.hidden[0].bytes), ("thermal data", 10));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = [b"FFF\0", &bytes[..]].concat();
            for record in records(&whole) {
                prop_assert!(record.range.end <= whole.len());
            }
            tell(&mut Inspection::of("jpeg"), &whole);
        }
    }
}
