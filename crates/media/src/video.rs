//! Video in MP4 and MOV (ISO/IEC 14496-12, and Apple's `QuickTime` File Format): what it gives away beside what it shows.
//!
//! ```text
//! ftyp · mdat: samples of all tracks · moov ─┬─ mvhd: when
//!                                            ├─ trak: picture, sound ─────────▶ not read
//!                                            ├─ trak: djmd │ gpmd │ camm │ captions ─▶ djmd │ gpmf │ camm │ srt ─▶ tracks
//!                                            └─ udta, meta, XMP ─────────────▶ userdata
//! ```
//!
//! The index (`moov`) says where samples lie, so that of a film of gigabytes only the telemetry is read.

pub(crate) mod boxes;
mod camm;
mod djmd;
pub(crate) mod gpmf;
mod movie;
mod samples;
mod scrub;
mod userdata;

use std::io;

use creance_cursor::Source;
use creance_model::{Hidden, Inspection};

use boxes::Box;
use movie::{Movie, Telemetry};

pub use scrub::scrub_video;

/// The largest index, and the largest box of XMP, that are read, in bytes.
const LONGEST_INDEX: u64 = 256 << 20;
const LONGEST_PACKET: u64 = 16 << 20;

/// Ranges that no track names, of one box of samples, that are looked at.
const MOST_GAPS: usize = 1024;

/// XMP in a box of its own (XMP specification part 3, 2.2).
const XMP: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// Whether these are the first bytes of an MP4 or MOV; 16 are enough.
pub fn is_video(head: &[u8]) -> bool {
    match head.get(4..8) {
        Some(b"ftyp") => crate::Still::of(head).is_none(),
        Some(b"moov" | b"mdat" | b"wide" | b"skip" | b"free") => {
            head.get(..4).is_some_and(|length| length != [0; 4])
        }
        _ => false,
    }
}

/// What a video gives away. Errors: the source cannot be read.
pub fn inspect_video(source: &dyn Source) -> io::Result<Inspection> {
    let mut inspection = Inspection::of("mp4");
    let (all, flaw) = boxes::of_file(source)?;
    if all.first().is_some_and(|first| &first.kind == b"ftyp") {
        let brand = source.piece(8, 4)?;
        if brand == b"qt  " {
            inspection.kind = "mov";
        }
    }
    for one in &all {
        match &one.kind {
            b"moov" => match index(source, one)? {
                Ok(bytes) => {
                    let movie = Movie::read(&bytes);
                    movie.tell(&mut inspection, one.content.start);
                    let mut left = Left { bytes: MOST_TELEMETRY, points: MOST_POINTS };
                    for track in &movie.telemetry {
                        telemetry(&mut inspection, source, track, &mut left)?;
                    }
                    unnamed(&mut inspection, source, &all, &movie)?;
                }
                Err(why) => inspection.flaw("index (moov)", one.at, &why),
            },
            b"uuid" => packet(&mut inspection, source, one)?,
            b"udta" | b"meta" => {
                let bytes = content(source, one, LONGEST_PACKET)?;
                userdata::tell(&mut inspection, one.kind, &bytes, one.content.start);
            }
            b"moof" if inspection.damage.is_empty() => {
                inspection.flaw("fragments", one.at, "samples of fragments are not read");
            }
            b"free" | b"skip" => hidden(&mut inspection, source, one)?,
            _ => {}
        }
    }
    if let Some((at, why)) = flaw {
        inspection.flaw("boxes", at, &why);
    }
    Ok(inspection)
}

/// The content of the index, or why it is not read.
fn index(source: &dyn Source, one: &Box) -> io::Result<Result<Vec<u8>, String>> {
    let length = one.content.end - one.content.start;
    if length > LONGEST_INDEX {
        return Ok(Err(format!("it says {length} bytes, at most {LONGEST_INDEX} are read")));
    }
    content(source, one, LONGEST_INDEX).map(Ok)
}

/// The content of a box, up to a limit.
fn content(source: &dyn Source, one: &Box, most: u64) -> io::Result<Vec<u8>> {
    let length = (one.content.end - one.content.start).min(most);
    source.piece(one.content.start, usize::try_from(length).unwrap_or(0))
}

/// XMP in a box of its own.
fn packet(inspection: &mut Inspection, source: &dyn Source, one: &Box) -> io::Result<()> {
    let bytes = content(source, one, LONGEST_PACKET)?;
    let Some(packet) = bytes.strip_prefix(&XMP) else {
        let (field, bytes) = ("uuid".to_owned(), one.content.end - one.content.start);
        inspection.hidden.push(Hidden { what: "data of an application", field, bytes });
        return Ok(());
    };
    userdata::xmp(inspection, packet, one.content.start);
    Ok(())
}

/// Room that is left free, and is not.
fn hidden(inspection: &mut Inspection, source: &dyn Source, one: &Box) -> io::Result<()> {
    if is_filled(source, &one.content)? {
        let (field, bytes) =
            (String::from_utf8_lossy(&one.kind).into_owned(), one.content.end - one.content.start);
        inspection.hidden.push(Hidden { what: "data in free room", field, bytes });
    }
    Ok(())
}

/// What lies among the samples and is none: what no track names, and is not zeros.
fn unnamed(
    inspection: &mut Inspection,
    source: &dyn Source,
    all: &[Box],
    movie: &Movie<'_>,
) -> io::Result<()> {
    let Some(named) = movie.named() else { return Ok(()) };
    let mut bytes = 0;
    for data in all.iter().filter(|one| &one.kind == b"mdat") {
        for gap in samples::between(&data.content, &named).into_iter().take(MOST_GAPS) {
            if is_filled(source, &gap)? {
                bytes += gap.end - gap.start;
            }
        }
    }
    if bytes > 0 {
        inspection.hidden.push(Hidden { what: "data that no track names", field: "mdat".to_owned(), bytes });
    }
    Ok(())
}

/// Whether there is more than zeros at the beginning of a range.
fn is_filled(source: &dyn Source, range: &std::ops::Range<u64>) -> io::Result<bool> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(4096);
    Ok(source.piece(range.start, length)?.iter().any(|byte| *byte != 0))
}

/// Bytes of telemetry of one film, of the captions of one track, and of one sample, that are read.
const MOST_TELEMETRY: u64 = 512 << 20;
const LONGEST_CAPTIONS: usize = 64 << 20;
const LONGEST_SAMPLE: u64 = 4 << 20;

/// Points of one film that are held.
const MOST_POINTS: usize = 1 << 20;

/// What of one film may still be read. Its tracks share it, for any number of them may say that the same bytes are theirs.
struct Left {
    bytes: u64,
    points: usize,
}

/// Adds what the samples of a track of telemetry say.
fn telemetry(
    inspection: &mut Inspection,
    source: &dyn Source,
    track: &movie::MetaTrack,
    left: &mut Left,
) -> io::Result<()> {
    let bytes = track.samples.iter().map(|range| range.end - range.start).sum();
    inspection.hidden.push(Hidden { what: track.kind.named(), field: track.name(), bytes });
    let taken = MOST_POINTS.saturating_sub(left.points);
    let mut reader = match track.kind {
        Telemetry::Dji => Reader::Dji(djmd::Djmd::after(taken)),
        Telemetry::GoPro => Reader::GoPro(gpmf::Gpmf::after(taken)),
        Telemetry::Captions => Reader::Captions(String::new()),
        Telemetry::Motion => Reader::Motion(camm::Camm::after(taken)),
        Telemetry::DjiDebug => return debugging(inspection, source, track),
        Telemetry::Other => return Ok(()),
    };
    if left.points == 0 {
        let why = format!("not read: the tracks before it hold more than {MOST_POINTS} points");
        inspection.flaw(track.name(), track.samples.first().map_or(0, |range| range.start), &why);
        return Ok(());
    }
    let tracks = inspection.tracks.len();
    for range in &track.samples {
        let length = range.end - range.start;
        if length > LONGEST_SAMPLE || length > left.bytes {
            let why = format!("a sample of {length} bytes, or more than {MOST_TELEMETRY} in all tracks");
            inspection.flaw(track.name(), range.start, &why);
            break;
        }
        left.bytes -= length;
        let sample = source.piece(range.start, usize::try_from(length).unwrap_or(0))?;
        if (sample.len() as u64) < length {
            inspection.flaw(track.name(), range.start, "a sample lies behind the end of the file");
            break;
        }
        match &mut reader {
            Reader::Dji(djmd) => djmd.sample(&sample),
            Reader::GoPro(gpmf) => gpmf.sample(&sample),
            Reader::Motion(camm) => camm.sample(&sample),
            Reader::Captions(text) => {
                // A sample of text begins with its length (3GPP TS 26.245).
                let caption = sample.get(2..).unwrap_or_default();
                if text.len() + caption.len() > LONGEST_CAPTIONS {
                    let why = format!("of captions {LONGEST_CAPTIONS} bytes are read");
                    inspection.flaw(track.name(), range.start, &why);
                    break;
                }
                text.push_str("-->\n");
                text.push_str(&String::from_utf8_lossy(caption));
                text.push('\n');
            }
        }
    }
    match reader {
        Reader::Dji(djmd) => djmd.tell(inspection),
        Reader::GoPro(gpmf) => gpmf.tell(inspection),
        Reader::Motion(camm) => camm.tell(inspection),
        Reader::Captions(text) => {
            let captions = creance_flightlog::srt::captions(&text);
            if captions.says_place() {
                creance_flightlog::srt::tell(inspection, captions, "captions");
                shorten(inspection, tracks, left.points);
            } else {
                inspection.hidden.retain(|hidden| hidden.field != track.name());
            }
        }
    }
    let points: usize = inspection.tracks.iter().skip(tracks).map(|track| track.points.len()).sum();
    left.points = left.points.saturating_sub(points);
    Ok(())
}

/// Keeps so many points of the tracks that were told behind the first ones, and tells how many there are more.
fn shorten(inspection: &mut Inspection, tracks: usize, mut most: usize) {
    let mut beyond = 0;
    for track in inspection.tracks.iter_mut().skip(tracks) {
        beyond += track.points.len().saturating_sub(most);
        track.points.truncate(most);
        most -= track.points.len();
    }
    if beyond > 0 {
        inspection.flaw("points", 0, &format!("{beyond} are beyond the limit of {MOST_POINTS} of a film"));
    }
}

/// Adds what looks like a serial number in the first sample of a track for debugging. The others say how the aircraft did, and are
/// longer than all else but the pictures.
fn debugging(inspection: &mut Inspection, source: &dyn Source, track: &movie::MetaTrack) -> io::Result<()> {
    if let Some(range) = track.samples.first() {
        let length = (range.end - range.start).min(LONGEST_SAMPLE);
        let sample = source.piece(range.start, usize::try_from(length).unwrap_or(0))?;
        djmd::possible_serials(inspection, &sample, "dbgi");
    }
    Ok(())
}

/// What reads the samples of one track.
enum Reader {
    Dji(djmd::Djmd),
    GoPro(gpmf::Gpmf),
    Motion(camm::Camm),
    Captions(String),
}
