//! JPEG: the segments that a decoder needs, colour profiles, and the scans up to the end of the picture. What lies behind
//! it, such as previews, is left out.

use std::io;

use creance_cursor::Source;
use creance_model::{Piece, Refusal, ScrubRequest, Scrubbed};

use super::{anew, refused};
use crate::still::{
    flir, ifd,
    jpeg::{EXIF, FLIR, Segment, XMP, content, is_decoded, is_infiray, segments},
    scans::end,
    xmp,
};

/// A JPEG without what it gives away.
pub(super) fn scrub(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let found = segments(source)?;
    if let Some((at, why)) = found.flaw {
        return refused(format!("it is damaged at {at}: {why}"));
    }
    let Some(scan) = found.scan else { return refused("it has no picture") };
    // A picture that is cut ends with the file, unless more pictures are said to lie behind it.
    let is_index = |segment: &Segment| segment.marker == 0xe2 && segment.head.starts_with(b"MPF\0");
    let walk = end(source, scan)?;
    if walk.is_beyond {
        return refused("more stands between its scans than is told apart");
    }
    if walk.another.is_some() {
        return refused("a second picture begins within the first, and nobody can tell them apart");
    }
    let end = match walk.end {
        Some(end) => end,
        None if found.all.iter().any(is_index) => {
            return refused("the picture is cut, and cannot be told from the previews behind it");
        }
        None => source.length(),
    };
    let mut scrubbed = Scrubbed { pieces: vec![Piece::Bytes(vec![0xff, 0xd8])], removed: Vec::new() };
    let mut pieces = Vec::new();
    let mut block = Vec::new();
    let mut properties = Vec::new();
    for segment in &found.all {
        match (segment.marker, segment.head.as_slice()) {
            (0xe0, head) if head.starts_with(b"JFIF\0") => {
                pieces.push(jfif(&content(source, segment)?, &mut scrubbed));
            }
            (0xe1, head) if head.starts_with(EXIF) => {
                let content = content(source, segment)?;
                if let Some(tags) = ifd::Tags::read(content.get(EXIF.len()..).unwrap_or_default()) {
                    let place = anew::moved(&tags, request.locations);
                    block = anew::exif(&tags, place, &mut scrubbed.removed);
                } else {
                    scrubbed.removed("description", "exif");
                }
            }
            (0xe1, head) if head.starts_with(XMP) => {
                let content = content(source, segment)?;
                properties.extend(xmp::properties(content.get(XMP.len()..).unwrap_or_default()).0);
                scrubbed.removed("description", "xmp");
            }
            (0xe1, head) if head.starts_with(FLIR) && request.keep_thermal => {}
            (0xe2, head) if head.starts_with(b"ICC_PROFILE\0") => {
                pieces.push(Piece::Copy(segment.range.clone()));
            }
            (0xee, head) if head.starts_with(b"Adobe") && segment.range.end - segment.range.start == 16 => {
                pieces.push(Piece::Copy(segment.range.clone()));
            }
            (0xe3..=0xe5, head) if request.keep_thermal && is_thermal(head) && !is_infiray(&found.all) => {
                pieces.push(Piece::Copy(segment.range.clone()));
            }
            (0xe0..=0xef | 0xfe, head) => scrubbed.removed(named(segment.marker, head), name(segment)),
            (marker, _) if is_decoded(marker) => pieces.push(Piece::Copy(segment.range.clone())),
            (marker, _) => scrubbed.removed("data of an unknown kind", format!("marker {marker:#04x}")),
        }
    }
    if request.keep_thermal {
        pieces.extend(thermal(source, &found.all)?);
    }
    if !block.is_empty() {
        scrubbed.pieces.push(app1(EXIF, &block));
    }
    if let Some(packet) = anew::xmp(&properties, request.locations) {
        scrubbed.pieces.push(app1(XMP, &packet));
    }
    scrubbed.pieces.extend(pieces);
    let mut at = scan;
    for range in walk.between {
        scrubbed.removed("data between scans", "jpeg");
        scrubbed.pieces.push(Piece::Copy(at..range.start.min(end)));
        at = range.end.min(end);
    }
    scrubbed.pieces.push(Piece::Copy(at..end));
    if end < source.length() {
        scrubbed.removed("preview", "behind the picture");
    }
    Ok(Ok(scrubbed))
}

/// Whether bare measurements begin like this, as DJI writes them; other makers keep descriptions in these segments, and `InfiRay` all
/// that its sensors saw.
fn is_thermal(head: &[u8]) -> bool {
    ![&b"Meta"[..], b"RMETA", b"JPS", b"Exif", b"http"].iter().any(|name| head.starts_with(name))
}

/// What a segment holds, for people.
fn named(marker: u8, head: &[u8]) -> &'static str {
    match marker {
        0xe1 if head.starts_with(FLIR) => "thermal data",
        0xe1 => "description",
        0xe2 => "index of previews",
        0xe3..=0xe5 => "thermal data",
        0xe7 => "debugging text",
        0xfe | 0xed => "text",
        0xe0 => "thumbnail",
        _ => "data of an application",
    }
}

fn name(segment: &Segment) -> String {
    if segment.marker == 0xfe { "com".to_owned() } else { format!("app{}", segment.marker - 0xe0) }
}

/// JFIF without its thumbnail: marker, length, name, version, units, densities, no width and height.
fn jfif(content: &[u8], scrubbed: &mut Scrubbed) -> Piece {
    let mut anew = vec![0xff, 0xe0, 0, 16];
    anew.extend(content.iter().copied().chain(std::iter::repeat(0)).take(12));
    if content.get(12..14).is_some_and(|size| size != [0, 0]) {
        scrubbed.removed("thumbnail", "app0:JFIF");
    }
    anew.extend([0, 0]);
    Piece::Bytes(anew)
}

/// A segment APP1. The content is short: what stays of EXIF has no notes or thumbnails.
fn app1(name: &[u8], content: &[u8]) -> Piece {
    let content = content.get(..content.len().min(65_533 - name.len())).unwrap_or_default();
    let length = u16::try_from(2 + name.len() + content.len()).unwrap_or(u16::MAX);
    Piece::Bytes([&[0xff, 0xe1], &length.to_be_bytes()[..], name, content].concat())
}

/// FLIR's blocks with serial numbers and place overwritten, in segments as long as before.
fn thermal(source: &dyn Source, all: &[Segment]) -> io::Result<Vec<Piece>> {
    /// Behind the name of a block: 1, its number, the number of the last one.
    const NUMBERS: usize = 3;
    let blocks: Vec<Vec<u8>> = all
        .iter()
        .filter(|segment| segment.marker == 0xe1 && segment.head.starts_with(FLIR))
        .map(|segment| content(source, segment))
        .collect::<io::Result<_>>()?;
    let head = FLIR.len() + NUMBERS;
    let mut whole: Vec<u8> =
        blocks.iter().flat_map(|block| block.get(head..).unwrap_or_default()).copied().collect();
    flir::blank(&mut whole);
    let mut rest = whole.as_slice();
    let mut pieces = Vec::new();
    for block in &blocks {
        let (part, after) = rest.split_at(block.len().saturating_sub(head).min(rest.len()));
        rest = after;
        let length = u16::try_from(2 + block.len()).unwrap_or(u16::MAX).to_be_bytes();
        let head = block.get(..head).unwrap_or_default();
        pieces.push(Piece::Bytes([&[0xff, 0xe1], &length[..], head, part].concat()));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker][..], &length, content].concat()
    }

    #[test]
    fn only_what_a_decoder_needs_is_left() {
        let scan = || [segment(0xda, &[1, 1, 0, 0, 63, 0]), vec![0x12, 0xff, 0, 0x34]].concat();
        let picture = [
            vec![0xff, 0xd8],
            segment(0xf3, b"SECRET1"),
            segment(0xee, b"Adobe SECRET2 and more"),
            segment(0xc8, b"SECRET7"),
            segment(0xdb, &[0; 65]),
            scan(),
            segment(0xfe, b"SECRET3"),
            segment(0x02, b"SECRET5"),
            segment(0xc8, b"SECRET6"),
            scan(),
            vec![0xff, 0xd9],
            b"SECRET4".to_vec(),
        ]
        .concat();
        let clean = scrub(&picture.as_slice(), &ScrubRequest::default()).unwrap().unwrap().bytes(&picture);
        assert!(memchr::memmem::find(&clean, b"SECRET").is_none());
        let expected = [vec![0xff, 0xd8], segment(0xdb, &[0; 65]), scan(), scan(), vec![0xff, 0xd9]].concat();
        assert_eq!(clean, expected);
    }

    #[test]
    fn a_cut_picture_with_another_behind_it_is_refused() {
        let cut = [vec![0xff, 0xd8], segment(0xda, &[1, 1, 0, 0, 63, 0]), vec![0x12]].concat();
        assert!(scrub(&cut.as_slice(), &ScrubRequest::default()).unwrap().is_ok());
        let two = [cut.clone(), cut].concat();
        assert!(scrub(&two.as_slice(), &ScrubRequest::default()).unwrap().is_err());
    }
}
