//! JPEG (ITU-T T.81): the segments before the first scan, and what programs and cameras keep in them.
//!
//! | segment | content |
//! |---|---|
//! | APP0 | JFIF, with a thumbnail |
//! | APP1 | `Exif\0\0`, XMP, extended XMP, `FLIR\0` |
//! | APP2 | `MPF\0`: an index of further pictures behind this one; colour profiles |
//! | APP3 to APP5 | thermal measurements of DJI (R-JPEG) |
//! | APP9 | sensors of `InfiRay`, whose APP2 begins with a number and `IJPEG\0` |
//! | APP6 | what cameras of `GoPro` say of themselves |
//! | APP7 | debugging text of DJI |
//! | APP13 | what Photoshop and news agencies write (IPTC) |
//! | COM | text |

mod behind;

use std::{collections::BTreeMap, io, ops::Range};

use creance_cursor::Source;
use creance_model::{Component, DataClass, Hidden, Inspection};

use super::{
    exif, flir, ifd, iptc, multi_picture,
    stretch::{Stretch, Window},
    within, xmp,
};
use crate::video::gpmf;

/// Segments of one picture that are read; an R-JPEG has some twenty.
const MOST: usize = 4096;

/// How every picture begins, with the first byte of its next marker.
pub(crate) const BEGINNING: &[u8] = &[0xff, 0xd8, 0xff];

/// Bytes of extended XMP and of FLIR's blocks that are joined.
const MOST_JOINED: usize = 16 << 20;

/// What stands before each kind of content.
pub(crate) const EXIF: &[u8] = b"Exif\0\0";
pub(crate) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
pub(crate) const FLIR: &[u8] = b"FLIR\0";
const MPF: &[u8] = b"MPF\0";
const DEBUG: &[u8] = b"DJI-DBG\0";
const GOPRO: &[u8] = b"GoPro\0";
/// Where in the sensors of `InfiRay` serial numbers stand, of 32 letters each, as `ExifTool` documents it: of the thermal one and
/// of the one for light.
const INFIRAY: [usize; 2] = [0x0c0, 0x240];
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Whether a decoder needs the segments of a marker that have a length (B.1.1.3): frames, tables, scans, intervals of restarts. Of the
/// others those that programs define describe something, and those that are reserved may hold anything.
pub(crate) const fn is_decoded(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xdd)
}

/// A segment: its marker, and where it stands with its marker and length.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    pub(crate) marker: u8,
    pub(crate) range: Range<u64>,
    /// Its first bytes, at most 64.
    pub(crate) head: Vec<u8>,
}

impl Segment {
    /// Where its content stands, behind marker and length.
    pub(crate) fn content(&self) -> Range<u64> {
        (self.range.start + 4).min(self.range.end)..self.range.end
    }
}

/// The segments before the first scan.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    pub(crate) all: Vec<Segment>,
    /// Where the first scan begins, at its marker; `None`: there is none.
    pub(crate) scan: Option<u64>,
    /// Why the walk ended before a scan, and where.
    pub(crate) flaw: Option<(u64, String)>,
}

impl Segments {
    /// How many bytes the walk took: up to the first scan, or to where it ended before.
    pub(crate) fn length(&self) -> u64 {
        self.scan.or(self.flaw.as_ref().map(|(at, _)| *at)).unwrap_or(2)
    }
}

/// Walks the segments, reading only their heads.
pub(crate) fn segments(source: &dyn Source) -> io::Result<Segments> {
    let mut found = Segments::default();
    let mut window = Window::new(source);
    let mut at = 2_u64;
    loop {
        let head = window.at(at, 64)?;
        let (marker, length) = match head {
            [0xff, 0xff, ..] => {
                // Fill bytes may stand before any marker (B.1.1.2); the last one begins it.
                let filling = head.iter().take_while(|byte| **byte == 0xff).count();
                at += filling as u64 - 1;
                continue;
            }
            [0xff, 0xda, ..] => {
                found.scan = Some(at);
                return Ok(found);
            }
            [0xff, 0xd9, ..] => {
                found.flaw = Some((at, "the picture ends before its first scan".to_owned()));
                return Ok(found);
            }
            [0xff, 0xd0..=0xd7 | 0x01, ..] => {
                let is_bare = |two: &&[u8]| matches!(two, [0xff, 0xd0..=0xd7 | 0x01]);
                at += 2 * head.chunks_exact(2).take_while(is_bare).count() as u64;
                continue;
            }
            [0xff, marker, high, low, ..] => (*marker, u64::from(u16::from_be_bytes([*high, *low]))),
            [] | [_] | [_, _] | [_, _, _] => {
                found.flaw = Some((at, "the file ends before the first scan".to_owned()));
                return Ok(found);
            }
            _ => {
                found.flaw =
                    Some((at, format!("marker is {:#04x}, expected 0xff", head.first().unwrap_or(&0))));
                return Ok(found);
            }
        };
        let end = at + 2 + length;
        if length < 2 || end > source.length() || found.all.len() >= MOST {
            let why = if found.all.len() >= MOST {
                format!("more than {MOST} segments")
            } else {
                format!("segment {marker:#04x} says {length} bytes, {} are left", source.length() - at - 2)
            };
            found.flaw = Some((at, why));
            return Ok(found);
        }
        let head =
            head.get(4..).map(|head| head.get(..head.len().min(usize::try_from(length - 2).unwrap_or(0))));
        found.all.push(Segment { marker, range: at..end, head: head.flatten().unwrap_or_default().to_vec() });
        at = end;
    }
}

/// The content of a segment.
pub(crate) fn content(source: &dyn Source, segment: &Segment) -> io::Result<Vec<u8>> {
    let content = segment.content();
    source.piece(content.start, usize::try_from(content.end - content.start).unwrap_or(0))
}

/// Pictures that indexes list and that are read: cameras list a few.
const MOST_LISTED: usize = 64;

/// What a JPEG gives away, and what lies behind it.
pub(crate) fn inspect(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("jpeg");
    let found = described(&mut inspection, source)?;
    let mut listed = Vec::new();
    for segment in found.all.iter().filter(|one| one.marker == 0xe2 && one.head.starts_with(MPF)) {
        listed.extend(indexed(source, segment)?);
        if listed.len() > MOST_LISTED {
            let why = format!("it lists more pictures than the {MOST_LISTED} that are read");
            inspection.flaw("multi-picture index", segment.content().start, &why);
            listed.truncate(MOST_LISTED);
            break;
        }
    }
    previews(&mut inspection, source, &listed)?;
    if let Some(scan) = found.scan {
        behind::tell(&mut inspection, source, (&found, scan), &listed)?;
    }
    Ok(inspection)
}

/// Adds what the segments of a picture say, and gives them.
pub(crate) fn described(inspection: &mut Inspection, source: &dyn Source) -> io::Result<Segments> {
    let segments = segments(source)?;
    tell(inspection, source, &segments.all)?;
    if let Some((at, why)) = &segments.flaw {
        inspection.flaw("segments", *at, why);
    }
    Ok(segments)
}

/// Adds what segments say.
fn tell(inspection: &mut Inspection, source: &dyn Source, segments: &[Segment]) -> io::Result<()> {
    let mut joined = Joined::default();
    let (mut properties, mut thermal) = (Vec::new(), 0_u64);
    for segment in segments {
        let at = segment.content().start;
        let length = segment.content().end - at;
        match (segment.marker, segment.head.as_slice()) {
            (0xe1, head) if head.starts_with(EXIF) => {
                let content = content(source, segment)?;
                let block = content.get(EXIF.len()..).unwrap_or_default();
                match ifd::Tags::read(block) {
                    Some(tags) => exif::tell(inspection, &tags, at + EXIF.len() as u64),
                    None => inspection.flaw("exif", at, "it has no TIFF header"),
                }
            }
            (0xe1, head) if head.starts_with(XMP) => {
                let content = content(source, segment)?;
                let (found, flaw) = xmp::properties(content.get(XMP.len()..).unwrap_or_default());
                xmp::join(&mut properties, found);
                if let Some(why) = flaw {
                    inspection.flaw("xmp", at, &why);
                }
            }
            (0xe1, head) if head.starts_with(EXTENDED_XMP) => joined.xmp(&content(source, segment)?),
            (0xe1, head) if head.starts_with(FLIR) => joined.flir(&content(source, segment)?),
            (0xe3..=0xe5, _) => thermal += length,
            (0xe6, head) if head.starts_with(GOPRO) => {
                let content = content(source, segment)?;
                gpmf::described(inspection, content.get(GOPRO.len()..).unwrap_or_default());
            }
            (0xe7, head) if head.starts_with(DEBUG) => {
                // Values have room behind them, which is filled with zeros.
                let mut text = content(source, segment)?;
                text.retain(|byte| *byte != 0);
                exif::debug_text(inspection, &text, "app7:DJI-DBG");
            }
            (0xe9, _) if is_infiray(segments) => {
                let content = content(source, segment)?;
                for number in INFIRAY.iter().filter_map(|at| content.get(*at..*at + 32)) {
                    let text = number.split(|byte| *byte == 0).next().unwrap_or_default();
                    let text = String::from_utf8_lossy(text);
                    inspection.identify(DataClass::Serial, Some(Component::Camera), &text, "app9:InfiRay");
                }
            }
            (0xed, head) if head.starts_with(PHOTOSHOP) => {
                iptc::tell(inspection, &content(source, segment)?);
            }
            (0xe0, head) if head.starts_with(b"JFXX\0") => {
                inspection.hidden.push(Hidden {
                    what: "thumbnail",
                    field: "app0:JFXX".to_owned(),
                    bytes: length,
                });
            }
            (0xe0, [b'J', b'F', b'I', b'F', 0, _, _, _, _, _, _, _, wide, high, ..])
                if *wide > 0 && *high > 0 =>
            {
                let bytes = u64::from(*wide) * u64::from(*high) * 3;
                inspection.hidden.push(Hidden { what: "thumbnail", field: "app0:JFIF".to_owned(), bytes });
            }
            (0xfe, _) => {
                let content = content(source, segment)?;
                let text = String::from_utf8_lossy(&content);
                inspection.say("text", text.trim_matches(|c: char| c == '\0' || c.is_whitespace()), "com");
            }
            _ => {}
        }
    }
    joined.tell(inspection, &mut properties);
    xmp::tell(inspection, &properties);
    if thermal > 0 {
        inspection.hidden.push(Hidden {
            what: "thermal data",
            field: "app3 to app5".to_owned(),
            bytes: thermal,
        });
    }
    Ok(())
}

/// Whether segments are those of `InfiRay`.
pub(crate) fn is_infiray(all: &[Segment]) -> bool {
    all.iter().any(|segment| segment.marker == 0xe2 && segment.head.get(4..10) == Some(b"IJPEG\0"))
}

/// Content that is spread over segments.
#[derive(Default)]
struct Joined {
    /// Extended XMP: pieces by their offset (ISO 16684-3, 1.1.3.1).
    xmp: BTreeMap<u32, Vec<u8>>,
    /// Blocks of FLIR by their number.
    flir: BTreeMap<u8, Vec<u8>>,
    held: usize,
}

impl Joined {
    fn xmp(&mut self, content: &[u8]) {
        // Behind the name: a digest of 32 letters, the whole length, the offset.
        let rest = content.get(EXTENDED_XMP.len() + 32 + 4..).unwrap_or_default();
        let Some((offset, piece)) = rest.split_first_chunk() else { return };
        if self.room(piece) {
            self.xmp.insert(u32::from_be_bytes(*offset), piece.to_vec());
        }
    }

    fn flir(&mut self, content: &[u8]) {
        // Behind the name: 1, the number of this block, the number of the last one.
        let rest = content.get(FLIR.len()..).unwrap_or_default();
        let Some(([_, number, _], block)) = rest.split_first_chunk() else { return };
        if self.room(block) {
            self.flir.insert(*number, block.to_vec());
        }
    }

    fn room(&mut self, piece: &[u8]) -> bool {
        self.held += piece.len();
        self.held <= MOST_JOINED
    }

    fn tell(self, inspection: &mut Inspection, properties: &mut Vec<xmp::Property>) {
        if !self.xmp.is_empty() {
            let (found, flaw) = xmp::properties(&self.xmp.into_values().collect::<Vec<_>>().concat());
            xmp::join(properties, found);
            if let Some(why) = flaw {
                inspection.flaw("extended xmp", 0, &why);
            }
        }
        if !self.flir.is_empty() {
            flir::tell(inspection, &self.flir.into_values().collect::<Vec<_>>().concat());
        }
        if self.held > MOST_JOINED {
            inspection.flaw("joined segments", 0, &format!("more than {MOST_JOINED} bytes"));
        }
    }
}

/// Adds the pictures that the index lists behind the first one, and what they say.
fn previews(inspection: &mut Inspection, source: &dyn Source, listed: &[Range<u64>]) -> io::Result<()> {
    // Many may be said to lie on top of each other.
    let mut left = source.length();
    for range in listed {
        let bytes = range.end - range.start;
        let picture = Stretch::new(source, range.clone());
        if picture.piece(0, 3)? != BEGINNING {
            inspection.flaw("multi-picture index", range.start, "it leads to no picture");
            continue;
        }
        inspection.hidden.push(Hidden { what: "preview", field: "mpf".to_owned(), bytes });
        if bytes > left {
            inspection.flaw("multi-picture index", range.start, "its pictures lie on top of each other");
            break;
        }
        left -= bytes;
        let mut inner = Inspection::of("jpeg");
        described(&mut inner, &picture)?;
        within::tell(inspection, inner, range.start, "mpf");
    }
    Ok(())
}

/// Where the pictures stand that the index lists behind the first one, as far as the file reaches.
fn indexed(source: &dyn Source, segment: &Segment) -> io::Result<Vec<Range<u64>>> {
    let content = content(source, segment)?;
    let start = segment.content().start + MPF.len() as u64;
    let listed = multi_picture::listed(content.get(MPF.len()..).unwrap_or_default());
    let within = listed
        .into_iter()
        .map(|range| start + range.start as u64..(start + range.end as u64).min(source.length()));
    Ok(within.filter(|range| range.start < range.end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_sensor_is_a_serial_number_with_zeros_behind_it_too() {
        let content = [DEBUG, b"[sensor_id:4TESTAA\0\0\0][other:1]"].concat();
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xe7], &length[..], &content, &[0xff, 0xda, 0, 2, 0xff, 0xd9]].concat();
        let told = inspect(&jpeg.as_slice()).unwrap();
        assert_eq!((told.identifiers[0].value.as_str(), told.identifiers.len()), ("4TESTAA", 1));
    }

    #[test]
    fn the_sensors_of_infiray_have_serial_numbers() {
        let segment = |marker: u8, content: &[u8]| {
            let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            [&[0xff, marker][..], &length, content].concat()
        };
        let mut sensor = vec![0; 0x300];
        sensor[0xc0..0xc8].copy_from_slice(b"IR-12345");
        sensor[0x240..0x248].copy_from_slice(b"VS-67890");
        let picture = |first: &[u8]| {
            [
                &[0xff, 0xd8][..],
                &segment(0xe2, first),
                &segment(0xe9, &sensor),
                &[0xff, 0xda, 0, 2, 0xff, 0xd9],
            ]
            .concat()
        };
        let told = inspect(&picture(b"\0\0\0\0IJPEG\0").as_slice()).unwrap();
        let values: Vec<_> = told.identifiers.iter().map(|one| one.value.as_str()).collect();
        assert_eq!(values, ["IR-12345", "VS-67890"]);
        assert!(inspect(&picture(b"ICC_PROFILE\0").as_slice()).unwrap().identifiers.is_empty());
    }

    #[test]
    fn what_a_camera_says_of_itself_is_told() {
        let serial = b"CASN\x63\x01\0\x0eC3261324500000\0\0";
        let content = [GOPRO, b"DEVC\0\x01\0\x18", serial].concat();
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xe6], &length[..], &content, &[0xff, 0xda, 0, 2, 0xff, 0xd9]].concat();
        let told = inspect(&jpeg.as_slice()).unwrap();
        let found: Vec<_> = told.identifiers.iter().map(|one| (one.class, one.value.as_str())).collect();
        assert_eq!(found, [(DataClass::Serial, "C3261324500000")]);
    }
}
