//! Pictures, films and recordings in bodies, and what they say of themselves: places, serial numbers, owners.

use std::{cell::LazyCell, collections::HashMap};

use creance_media::Still;
use creance_model::{DataClass, Inspection, Match, Part, Picture};
use creance_place::sites;
use data_encoding::HEXLOWER;
use ring::digest;

use crate::{Card, Context, Detector, Sighting, Sink, View, inspected};

/// Pictures, films and recordings by their first bytes.
pub(crate) struct Image;

impl Detector for Image {
    fn card(&self) -> &'static Card {
        &Card {
            id: "image",
            what: "a picture, film or recording, and the positions, serial numbers, owners and identifiers that it carries",
            why: "It shows what the aircraft saw, and often says where and with which camera.",
            wrong: "A picture may be an avatar or a map tile; what it shows is not judged.",
            classes: &[
                DataClass::Imagery,
                DataClass::Video,
                DataClass::Audio,
                DataClass::Location,
                DataClass::Serial,
                DataClass::DeviceId,
                DataClass::AccountId,
                DataClass::PersonName,
                DataClass::NetworkInfo,
                DataClass::Email,
            ],
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let files = || {
            let files = message.parts().named("multipart-filename");
            files.filter_map(|part| Some((part.parent()?, part.bytes()))).collect::<HashMap<usize, &[u8]>>()
        };
        let files = LazyCell::new(files);
        for (index, _, part) in message.glances_from(SHORTEST) {
            let Some((class, kind)) = kind(part.bytes()) else {
                if let Some(class) = streamed(part) {
                    let kind = part.media_type().unwrap_or_default();
                    let value = describe(&format!("the beginning of a stream, {kind}"), None, part.bytes());
                    sink.sight(Sighting::whole(class, Match::Structured, "image", index, value));
                }
                continue;
            };
            let size = size(kind, part.bytes());
            let icon = size.is_some_and(|(width, height)| width <= ICON && height <= ICON);
            let said = inside(part.bytes());
            if part.length() >= LEAST && !icon {
                let value = describe(kind, size, part.bytes());
                // The name that a multipart body gives its file.
                let file = files.get(&index).map(|name| String::from_utf8_lossy(name).into_owned());
                let seen = said.as_ref().map(|said| sites::seen(said, &context.sites)).unwrap_or_default();
                if seen.beyond {
                    sink.limited(inspected::SITES);
                }
                let sighting =
                    Sighting::whole(class, Match::Structured, "image", index, value).at(&seen.sites);
                let picture = size.map(|size| fineness(size, said.as_ref()));
                sink.sight(Sighting { file, picture, ..sighting });
            }
            // A thumbnail shows little, and says as much as any picture about where it was taken.
            if let Some(said) = said {
                inspected::tell(&said, "image", index, true, sink);
            }
        }
    }
}

/// How fine a picture is: on flat ground, in the middle of what it shows, where it says from how high it was taken, how steeply
/// the camera looked down and how wide it saw.
fn fineness((width, height): (u16, u16), said: Option<&Inspection>) -> Picture {
    let ground_m = said.into_iter().flat_map(|said| &said.places).find_map(|spot| {
        let (look, height_m) = (spot.look?, spot.height_m.filter(|metres| *metres > 0.0)?);
        let down = -look.pitch.to_radians().sin();
        let wide = look.field_of_view.filter(|degrees| (0.1..179.0).contains(degrees))?;
        // Nearer to the horizon the ground in the middle is as far as one likes.
        (down > 0.05 && width > 0).then(|| {
            let away = height_m / down;
            2.0 * away * (wide / 2.0).to_radians().tan() / f64::from(width)
        })
    });
    Picture { width: width.into(), height: height.into(), ground_m }
}

/// What a picture, film or recording is called, if it is one.
pub(crate) fn described(bytes: &[u8]) -> Option<String> {
    described_by(bytes, bytes.len() as u64, digest::digest(&digest::SHA256, bytes).as_ref())
}

/// What a picture, film or recording is called, if it is one, by its first bytes or all: of so many, with this SHA-256.
pub(crate) fn described_by(head: &[u8], bytes: u64, sha256: &[u8]) -> Option<String> {
    let (_, kind) = kind(head)?;
    Some(called(kind, size(kind, head), bytes, sha256))
}

fn describe(kind: &str, size: Option<(u16, u16)>, bytes: &[u8]) -> String {
    called(kind, size, bytes.len() as u64, digest::digest(&digest::SHA256, bytes).as_ref())
}

fn called(kind: &str, size: Option<(u16, u16)>, bytes: u64, sha256: &[u8]) -> String {
    let size = size.map_or_else(String::new, |(width, height)| format!("{width}×{height}, "));
    format!("{kind}, {size}{bytes} bytes, SHA-256 {}", HEXLOWER.encode(sha256))
}

/// Where in a file its own content begins, by its first bytes: in a JPEG at the first scan (SOS), for the tables and
/// profiles before it are those of its camera (ITU-T T.81, annex B). A description longer than `head` ends with it.
pub(crate) fn content_start(head: &[u8]) -> u64 {
    let mut rest = head;
    if kind(head).is_some_and(|(_, kind)| kind == "JPEG") {
        rest = rest.get(2..).unwrap_or_default();
        while let [0xff, marker, tail @ ..] = rest {
            rest = match (marker, tail) {
                // Fill bytes.
                (0xff, _) => rest.get(1..).unwrap_or_default(),
                (0xda, _) => break,
                (_, [high, low, ..]) => {
                    tail.get(usize::from(u16::from_be_bytes([*high, *low])).max(2)..).unwrap_or_default()
                }
                _ => &[],
            };
        }
    }
    (head.len() - rest.len()) as u64
}

/// Nothing shorter says anything.
const SHORTEST: u32 = 20;

/// Shorter pictures are beacons.
const LEAST: usize = 200;

/// Pictures of no more pixels each way are icons.
const ICON: u16 = 64;

/// Width and height, where the head says them. Sizes that do not fit are those of no icon.
fn size(kind: &str, bytes: &[u8]) -> Option<(u16, u16)> {
    match kind {
        "JPEG" => jpeg_size(bytes),
        "PNG" => {
            let side = |at: usize| {
                let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
                Some(u16::try_from(u32::from_be_bytes(bytes)).unwrap_or(u16::MAX))
            };
            (bytes.get(12..16)? == b"IHDR").then_some((side(16)?, side(20)?))
        }
        _ => None,
    }
}

/// The frame header (SOF) of a JPEG, found by walking its segments (ITU-T T.81, annex B).
fn jpeg_size(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut rest = bytes.get(2..)?;
    while let [0xff, marker, tail @ ..] = rest {
        match marker {
            // Fill bytes.
            0xff => rest = rest.get(1..)?,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_, _, _, high, low, wide, narrow, ..] = tail else { return None };
                return Some((u16::from_be_bytes([*wide, *narrow]), u16::from_be_bytes([*high, *low])));
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

pub(crate) fn kind(bytes: &[u8]) -> Option<(DataClass, &'static str)> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some((DataClass::Imagery, "JPEG")),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, ..] => Some((DataClass::Imagery, "PNG")),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some((DataClass::Imagery, "TIFF")),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => Some(media(brand)),
        _ if Still::of(bytes).is_some() => Some((DataClass::Imagery, "WebP")),
        _ if creance_media::is_video(bytes) => Some((DataClass::Video, "QuickTime")),
        _ => None,
    }
}

/// What a part holds whose type is that of a codec, and not of a file: these are the names under which codecs are
/// registered for streams (RFC 4855).
fn streamed(part: Part<'_>) -> Option<DataClass> {
    let (medium, codec) = part.media_type()?.split_once('/')?;
    let is = |codecs: &[&str]| codecs.iter().any(|known| known.eq_ignore_ascii_case(codec));
    match medium {
        _ if part.length() < LEAST => None,
        "video" if is(PICTURES) => Some(DataClass::Video),
        "audio" if is(SOUNDS) => Some(DataClass::Audio),
        _ => None,
    }
}

const PICTURES: &[&str] =
    &["H261", "H263", "H263-1998", "H264", "H265", "JPEG", "MP2T", "MP4V-ES", "MPV", "VP8", "VP9", "AV1"];

const SOUNDS: &[&str] = &[
    "PCMU",
    "PCMA",
    "G722",
    "G723",
    "G728",
    "G729",
    "GSM",
    "MPA",
    "L16",
    "opus",
    "MP4A-LATM",
    "mpeg4-generic",
    "AAC",
];

/// What an ISO base media file holds, by its major brand (ISO/IEC 14496-12 and 23008-12; <https://mp4ra.org>). Sequences of pictures are films.
fn media(brand: &[u8]) -> (DataClass, &'static str) {
    match brand.get(..4) {
        Some(b"M4A " | b"M4B ") => (DataClass::Audio, "M4A"),
        Some(b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1") => (DataClass::Imagery, "HEIC"),
        Some(b"avif") => (DataClass::Imagery, "AVIF"),
        _ => (DataClass::Video, "MP4"),
    }
}

/// What a picture or film says of itself.
fn inside(bytes: &[u8]) -> Option<Inspection> {
    if let Some(still) = Still::of(bytes) {
        return still.inspect(&bytes).ok();
    }
    creance_media::is_video(bytes).then(|| creance_media::inspect_video(&bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;
    use creance_model::{Look, Role, Spot};

    #[test]
    fn first_bytes_tell_and_words_do_not() {
        assert_eq!(kind(&[0xff, 0xd8, 0xff, 0xe0]), Some((DataClass::Imagery, "JPEG")));
        assert_eq!(kind(b"\0\0\0\x18ftypisom"), Some((DataClass::Video, "MP4")));
        assert_eq!(kind(b"RIFF\x20\0\0\0WEBPVP8X"), Some((DataClass::Imagery, "WebP")));
        assert_eq!(kind(b"\0\0\0\x08wide\0\0\0\x10mdat").map(|one| one.0), Some(DataClass::Video));
        assert_eq!(kind(b"JPEG"), None);
    }

    #[test]
    fn the_major_brand_tells_sound_pictures_and_films_apart() {
        for (brand, class) in [
            ("M4A ", DataClass::Audio),
            ("M4B ", DataClass::Audio),
            ("heic", DataClass::Imagery),
            ("heix", DataClass::Imagery),
            ("mif1", DataClass::Imagery),
            ("msf1", DataClass::Imagery),
            ("avif", DataClass::Imagery),
            ("avis", DataClass::Video),
            ("hevc", DataClass::Video),
            ("isom", DataClass::Video),
            ("mp42", DataClass::Video),
            ("qt  ", DataClass::Video),
            ("", DataClass::Video),
        ] {
            let bytes = [b"\0\0\0\x18ftyp", brand.as_bytes()].concat();
            assert_eq!(kind(&bytes).map(|one| one.0), Some(class), "{brand}");
        }
    }

    use crate::fixture::{body, told};

    /// A JPEG of this size whose scan is zeros.
    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.resize(600, 0);
        bytes
    }

    #[test]
    fn reports() {
        let told = told(&body(&jpeg(640, 480)));
        assert_eq!(told.len(), 1);
        assert!(told[0].2.starts_with("JPEG, 640×480, 600 bytes, SHA-256 "), "{}", told[0].2);
    }

    #[test]
    fn ignores() {
        for bytes in [jpeg(64, 64), jpeg(640, 480)[..150].to_vec(), b"JPEG".repeat(100)] {
            assert!(told(&body(&bytes)).is_empty());
        }
    }

    #[test]
    fn a_picture_says_how_fine_it_shows_the_ground() {
        let look = |pitch: f64| Look { pitch, field_of_view: Some(90.0), ..Look::default() };
        let of = |pitch: f64, height_m: Option<f64>| {
            let spot = Spot {
                look: Some(look(pitch)),
                height_m,
                ..Spot::new(Role::Aircraft, 47.0, 8.0, "x").unwrap()
            };
            fineness((4000, 3000), Some(&Inspection { places: vec![spot], ..Inspection::of("jpeg") }))
                .ground_m
        };
        // Straight down from 100 m, 90° wide: 200 m over 4000 pixels.
        assert!((of(-90.0, Some(100.0)).unwrap() - 0.05).abs() < 1e-9);
        assert!((of(-30.0, Some(100.0)).unwrap() - 0.1).abs() < 1e-9);
        assert_eq!((of(0.0, Some(100.0)), of(-90.0, None), of(-90.0, Some(-3.0))), (None, None, None));
        assert_eq!(fineness((640, 480), None), Picture { width: 640, height: 480, ground_m: None });
    }

    #[test]
    fn place_and_serial_number_are_read_from_exif() {
        let told = told(&body(&crate::fixture::located()));
        assert!(
            told.contains(&(DataClass::Location, Match::Structured, "24.500000,-121.250000".to_owned())),
            "{told:?}"
        );
        assert!(told.contains(&(DataClass::Serial, Match::Structured, "ABCD1234".to_owned())), "{told:?}");
    }

    #[test]
    fn protected_places_that_a_picture_was_at_are_named() {
        let register = "name,lat,lon,buffer_m\nyard,24.5,-121.25,50\nelsewhere,25.5,-121.25,50\n";
        let sites = sites::read(register.as_bytes()).unwrap();
        let context = Context { sites, ..Context::default() };
        let mut picture = crate::fixture::located();
        picture.resize(600, 0);
        let seen = crate::look(&body(&picture), &context).sightings;
        let named: Vec<_> = seen.iter().map(|one| (one.data_class, one.sites.join(","))).collect();
        assert!(named.contains(&(DataClass::Imagery, "yard".to_owned())), "{named:?}");
        assert!(named.contains(&(DataClass::Location, "yard".to_owned())), "{named:?}");
    }

    #[test]
    fn the_beginning_of_a_stream_is_a_film_and_noise_under_another_type_is_none() {
        let of = |kind: &str, length| {
            let mut message = body(&vec![7; length]);
            message.parts.set_media_type(0, kind);
            told(&message).first().map(|one| one.0)
        };
        assert_eq!(of("video/H264", 256), Some(DataClass::Video));
        assert_eq!(of("audio/opus", 256), Some(DataClass::Audio));
        assert_eq!(of("video/H264", 20), None);
        assert_eq!(of("video/unknown", 256), None);
        assert_eq!(of("application/octet-stream", 256), None);
    }

    #[test]
    fn a_cut_picture_does_no_harm() {
        let cut = inside(&[0xff, 0xd8, 0xff, 0xe1, 0, 20, b'E', b'x', b'i', b'f', 0, 0, b'I', b'I']).unwrap();
        assert!(cut.places.is_empty() && !cut.damage.is_empty());
    }
}
