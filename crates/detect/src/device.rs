//! Files of the examined device: their content in what was sent, whole or in pieces, or their hash in a text.

mod pictures;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::RangeInclusive,
};

use creance_model::{DataClass, Match, Part};
use data_encoding::HEXLOWER;
use ring::digest;

use crate::{
    Card, Context, Detector, FileBytes, Pieces, Sample, Sampler, Sighting, Sink, View,
    content::{Content, Piece},
    image,
};

pub(crate) use pictures::Copies;
pub use pictures::{DevicePicture, DevicePictures};

/// A file of the device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceFile {
    /// Its path below the folder that was given.
    pub name: String,
    /// What it holds; `None` for files that are no record of their own, such as settings.
    pub class: Option<DataClass>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Hashes of its content.
    pub sha256: [u8; 32],
    /// As above.
    pub sha1: [u8; 20],
    /// As above.
    pub md5: [u8; 16],
}

/// Files of the device, ready to be looked for.
#[derive(Debug, Default)]
pub struct DeviceFiles {
    files: Vec<DeviceFile>,
    by_length: BTreeMap<u64, Vec<usize>>,
    /// All hashes in hex, lower case, and of which file and which hash each is.
    hashes: HashMap<String, (usize, &'static str)>,
    /// Files beyond a bound: of these only the content, or nothing, is known.
    beyond: usize,
    /// Fingerprints of records, by which pieces of them are found.
    content: Option<Content>,
}

/// Shorter files are the same on many devices.
const LEAST: u64 = 64;

/// Files whose hashes are looked for.
const MOST: usize = 20_000;

/// Bytes of the shortest hash in hex; files have more.
const SHORTEST: u32 = 32;

/// Digits of the hashes in hex.
const LENGTHS: [usize; 3] = [64, 40, 32];

/// Hexadecimal numbers of as many digits as a hash has: start and digits. A longer run of digits is another number.
fn long_numbers(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut from = 0;
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    std::iter::from_fn(move || {
        loop {
            // Any number of so many digits has one at this place.
            let at = from + SHORTEST as usize - 1;
            if !bytes.get(at)?.is_ascii_hexdigit() {
                from = at + 1;
                continue;
            }
            let before =
                bytes.get(from..at)?.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let (start, end) = (at - before, at + digits(bytes.get(at..)?));
            from = end;
            let number = bytes.get(start..end)?;
            if LENGTHS.contains(&number.len()) {
                return Some((start, number));
            }
        }
    })
}

impl DeviceFiles {
    /// Files of the device, and how many more there were that were not read. Very short ones are left out.
    pub fn new(files: impl IntoIterator<Item = DeviceFile>, unread: usize) -> Self {
        let files: Vec<DeviceFile> = files.into_iter().filter(|file| file.bytes >= LEAST).collect();
        let mut by_length: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, file) in files.iter().enumerate().filter(|(_, file)| file.class.is_some()) {
            by_length.entry(file.bytes).or_default().push(index);
        }
        let mut hashes = HashMap::new();
        for (index, file) in files.iter().take(MOST).enumerate() {
            let [sha256, sha1, md5] =
                [HEXLOWER.encode(&file.sha256), HEXLOWER.encode(&file.sha1), HEXLOWER.encode(&file.md5)];
            // Of equal files the first is told.
            for (hash, kind) in [(sha256, "sha256-hex"), (sha1, "sha1-hex"), (md5, "md5-hex")] {
                hashes.entry(hash).or_insert((index, kind));
            }
        }
        let beyond = unread + files.len().saturating_sub(MOST);
        Self { files, by_length, hashes, beyond, content: None }
    }

    /// The same, and pieces of records found as well: with samples of each of the files given, in their order, none of
    /// which may be shorter than [`Self::LEAST`], and what reads them.
    #[must_use]
    pub fn with_content(mut self, mut samples: Vec<Vec<Sample>>, bytes: Box<dyn FileBytes>) -> Self {
        samples.resize_with(self.files.len(), Vec::new);
        let mut known = HashSet::new();
        for (file, samples) in self.files.iter().zip(&mut samples) {
            // Of equal files the first is told.
            if file.class.is_none() || !known.insert(file.sha256) {
                *samples = Vec::new();
            }
        }
        let lengths = self.files.iter().map(|file| file.bytes).collect();
        self.content = Some(Content::new(lengths, samples, bytes));
        self
    }

    /// Bytes of the shortest file that says something: shorter ones are the same on many devices.
    pub const LEAST: u64 = LEAST;

    /// What fingerprints of files take, in bytes, and how many were left out for they are common.
    pub fn fingerprints(&self) -> (usize, usize) {
        self.content.as_ref().map_or((0, 0), Content::fingerprints)
    }

    /// How many files were beyond a bound: their hashes are not looked for.
    pub const fn beyond(&self) -> usize {
        self.beyond
    }

    /// Records, such as pictures and logs, whose lengths lie in this range, the shortest first.
    pub(crate) fn of_length(
        &self,
        range: RangeInclusive<u64>,
    ) -> impl Iterator<Item = (&DeviceFile, DataClass)> {
        let all = if range.is_empty() { None } else { Some(self.by_length.range(range)) };
        let files = all.into_iter().flatten().flat_map(|(_, files)| files);
        files.filter_map(|index| self.files.get(*index)).filter_map(|file| Some((file, file.class?)))
    }

    /// Whether nothing is known of a device.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The record whose whole content a part is.
    pub(crate) fn content(&self, part: Part<'_>) -> Option<(&DeviceFile, DataClass)> {
        let same_length = self.by_length.get(&(part.length() as u64))?;
        let hash = digest::digest(&digest::SHA256, part.bytes());
        let files = same_length.iter().filter_map(|index| self.files.get(*index));
        let file = files.into_iter().find(|file| file.sha256 == hash.as_ref())?;
        Some((file, file.class?))
    }
}

/// A sampler for a file of so many bytes, by the first of them. What describes a picture stands in others too, and is
/// not sampled.
pub fn sampler(head: &[u8], bytes: u64) -> Sampler {
    Sampler::from(image::content_start(head), bytes)
}

/// Files of the device by content and by hash.
pub(crate) struct Device;

/// The name of what is found by what the device holds: its files here, values from them among the canaries.
pub(crate) const ID: &str = "device";

impl Detector for Device {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "the content of a file on the examined device, whole or in pieces of any length from 256 bytes on, 4096 or most of a short file together; its SHA-256, SHA-1 or MD5 in hex, or a value that stands in one in a field named for it, as it is or encoded or hashed",
            why: "It is the very file: nothing else has its hash. A hash sent alone tells who else has the file. A value from the device was taken from it, or from where it came.",
            wrong: "Files that many devices share, such as those of an app itself, say nothing about the user; of a camera's raw pictures, tables of several kilobytes may be the same in others; a value may have come to the app another way.",
            classes: DataClass::ALL,
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let device = &context.device;
        if device.files.is_empty() {
            return;
        }
        let mut whole = HashSet::new();
        for (index, _, part) in message.glances_from(SHORTEST) {
            if let Some((file, class)) = device.content(part) {
                let value = file.described(part.bytes());
                whole.insert(file.sha256);
                sink.sight(Sighting {
                    file: Some(file.name.clone()),
                    pieces: Some(Pieces::new(file.bytes, [[0, file.bytes]])),
                    ..Sighting::whole(class, Match::Device, ID, index, value)
                });
            }
            for (start, digits) in long_numbers(part.bytes()) {
                let value = String::from_utf8_lossy(digits).to_lowercase();
                let Some((file, kind)) = device.hashes.get(&value) else { continue };
                let Some(file) = device.files.get(*file) else { continue };
                sink.sight(Sighting {
                    range: Some([start as u64, (start + digits.len()) as u64]),
                    encoding: vec![(*kind).to_owned()],
                    file: Some(file.name.clone()),
                    ..Sighting::whole(DataClass::FileHash, Match::Device, ID, index, value)
                });
            }
        }
        if let Some(content) = &device.content {
            device.pieces(content, &whole, message, sink);
        }
    }
}

impl DeviceFile {
    /// What is told of it, by its first bytes or all.
    fn described(&self, head: &[u8]) -> String {
        image::described_by(head, self.bytes, &self.sha256).unwrap_or_else(|| {
            format!("file, {} bytes, SHA-256 {}", self.bytes, HEXLOWER.encode(&self.sha256))
        })
    }
}

/// Bytes of a file that describe it, as far as they are told.
const HEAD: usize = 256 << 10;

impl DeviceFiles {
    /// Tells pieces of files that were not told whole.
    fn pieces(&self, content: &Content, whole: &HashSet<[u8; 32]>, message: &View<'_>, sink: &mut Sink<'_>) {
        let found = content.pieces(message.parts().stores());
        if found.limited {
            sink.limited("pieces of files in one message");
        }
        for (number, pieces) in found.files {
            let Some((file, class)) = self.files.get(number).and_then(|file| Some((file, file.class?)))
            else {
                continue;
            };
            let longest =
                pieces.iter().reduce(|one, other| if other.length > one.length { other } else { one });
            let at =
                longest.filter(|_| !whole.contains(&file.sha256)).and_then(|piece| holder(message, *piece));
            let Some((part, range)) = at else { continue };
            let stretches = pieces.iter().map(|piece| [piece.offset, piece.offset + piece.length as u64]);
            let value = file.described(&content.head(number, HEAD));
            sink.sight(Sighting {
                range: Some(range),
                encoding: vec!["part-of-file".to_owned()],
                file: Some(file.name.clone()),
                pieces: Some(Pieces::new(file.bytes, stretches)),
                ..Sighting::whole(class, Match::Device, ID, part, value)
            });
        }
    }
}

/// The part that holds the most of a piece, the innermost of several, and where in it.
fn holder(message: &View<'_>, piece: Piece) -> Option<(usize, [u64; 2])> {
    let end = piece.start + piece.length;
    let parts = message.parts().iter().filter(|part| part.store() == piece.store);
    let ranges = parts.map(|part| {
        let (first, last) = (part.start(), part.start() + part.length());
        let (from, to) = (piece.start.clamp(first, last), end.clamp(first, last));
        (part.index(), [(from - first) as u64, (to - first) as u64])
    });
    ranges.filter(|(_, [from, to])| from < to).max_by_key(|(index, [from, to])| (to - from, *index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        content::fixture::{Files, noise},
        fixture::{body, parts},
        look,
    };
    use creance_model::{Carrier, Message};
    use md5::{Digest, Md5};

    fn context(content: &[u8]) -> Context {
        let ring = |algorithm| digest::digest(algorithm, content).as_ref().to_vec();
        let file = DeviceFile {
            name: "phone/voice/note.wav".to_owned(),
            class: Some(DataClass::Audio),
            bytes: content.len() as u64,
            sha256: ring(&digest::SHA256).try_into().unwrap(),
            sha1: ring(&digest::SHA1_FOR_LEGACY_USE_ONLY).try_into().unwrap(),
            md5: Md5::digest(content).into(),
        };
        Context { device: DeviceFiles::new([file], 0), ..Context::default() }
    }

    fn told(bytes: &[u8], context: &Context) -> Vec<(DataClass, Match, Option<String>)> {
        look(&body(bytes), context)
            .sightings
            .into_iter()
            .map(|one| (one.data_class, one.matched, one.file))
            .collect()
    }

    #[test]
    fn the_content_and_the_hashes_of_a_file_are_found_and_others_are_not() {
        let content = vec![7; 300];
        let given = context(&content);
        let file = Some("phone/voice/note.wav".to_owned());
        assert_eq!(told(&content, &given), [(DataClass::Audio, Match::Device, file.clone())]);
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, &content).as_ref());
        for text in [format!("{{\"sha\":\"{hash}\"}}"), hash.to_uppercase()] {
            assert_eq!(told(text.as_bytes(), &given), [(DataClass::FileHash, Match::Device, file.clone())]);
        }
        assert!(told(&[8; 300], &given).is_empty() && told(format!("{hash}0").as_bytes(), &given).is_empty());
    }

    /// The device of these files, and pieces of them.
    fn device(files: &[(&str, &[u8])]) -> Context {
        let file = |(name, bytes): &(&str, &[u8])| DeviceFile {
            name: (*name).to_owned(),
            class: Some(DataClass::Imagery),
            bytes: bytes.len() as u64,
            sha256: digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap(),
            sha1: [0; 20],
            md5: [0; 16],
        };
        let samples = |(_, bytes): &(&str, &[u8])| {
            let mut sampler = sampler(bytes, bytes.len() as u64);
            sampler.update(bytes);
            sampler.finish()
        };
        let bytes = Box::new(Files(files.iter().map(|(_, bytes)| bytes.to_vec()).collect()));
        let known = DeviceFiles::new(files.iter().map(file), 0);
        Context {
            device: known.with_content(files.iter().map(samples).collect(), bytes),
            ..Context::default()
        }
    }

    /// File, encoding, range, and how much of the file.
    type Piece = (String, Vec<String>, Option<[u64; 2]>, String);

    fn pieces(message: &Message, context: &Context) -> Vec<Piece> {
        let sightings =
            look(message, context).sightings.into_iter().filter(|one| one.matched == Match::Device);
        let told = |one: Sighting| (one.file.unwrap(), one.encoding, one.range, one.pieces.unwrap().told());
        sightings.map(told).collect()
    }

    #[test]
    fn pieces_are_told_with_the_file_and_the_part_that_holds_them() {
        let (one, other) = (noise(1, 300_000), noise(2, 100_000));
        let context = device(&[("A.JPG", &one), ("B.JPG", &other)]);
        let sent = [b"head of some protocol", &one[100..90_100], b"--", &one[200_000..]].concat();
        let found = pieces(&body(&sent), &context);
        let of = |range, told: &str| {
            ("A.JPG".to_owned(), vec!["part-of-file".to_owned()], Some(range), told.to_owned())
        };
        let told = "63.3 % of the file: of 300000 bytes 100–90099, 200000–299999";
        assert_eq!(found, [of([90_023, 190_023], told)]);
        let whole = [("B.JPG".to_owned(), Vec::new(), None, "100 % of the file".to_owned())];
        assert_eq!(pieces(&body(&other), &context), whole);
        assert!(pieces(&body(&noise(3, 100_000)), &context).is_empty());
        // Of a part within another, the inner one; of many short ones, each.
        let inner = parts(&[
            (Carrier::Body, None, "request body", None, b"{}"),
            (Carrier::Body, Some(0), "json:/data", Some("data"), &one[..5000]),
            (Carrier::Body, Some(0), "json:/more", Some("more"), &other[..900]),
        ]);
        let found = pieces(&inner, &context);
        assert_eq!(found[0], of([0, 5000], "1.6 % of the file: of 300000 bytes 0–4999"));
    }

    #[test]
    fn pieces_say_the_value_that_the_whole_file_has_and_hide_that_they_look_like_one() {
        let picture: &[u8] = include_bytes!("../../../examples/skylark/device/DCIM/100MEDIA/SKY_0001.JPG");
        let context = device(&[("SKY_0001.JPG", picture)]);
        let [whole, piece] = [picture, &picture[..picture.len() - 1]].map(|bytes| {
            let sightings = look(&body(bytes), &context).sightings;
            sightings.into_iter().filter(|one| one.data_class == DataClass::Imagery).collect::<Vec<_>>()
        });
        assert_eq!((whole.len(), piece.len()), (1, 1), "{piece:?}");
        assert_eq!(whole[0].value, piece[0].value);
    }

    #[test]
    fn other_pictures_of_the_same_encoder_are_not_found() {
        let pictures: [&[u8]; 3] = [
            include_bytes!("../../../examples/skylark/device/DCIM/100MEDIA/SKY_0001.JPG"),
            include_bytes!("../../../examples/skylark/device/DCIM/100MEDIA/SKY_0002.JPG"),
            include_bytes!("../../../examples/skylark/device/phone/avatar.jpg"),
        ];
        // A profile of 60 kB, as sRGB v4 has.
        let profile: Vec<u8> = [&[0xff, 0xe2, 0xea, 0x62][..], &noise(5, 60_000)].concat();
        let with = |picture: &[u8]| [&picture[..2], &profile, &picture[2..]].concat();
        for (at, picture) in pictures.iter().enumerate() {
            let context = device(&[("A.JPG", picture)]);
            let profiled = with(picture);
            let described = device(&[("A.JPG", &profiled)]);
            for (_, other) in pictures.iter().enumerate().filter(|(other, _)| *other != at) {
                assert!(pieces(&body(other), &context).is_empty());
                assert!(pieces(&body(&with(other)), &described).is_empty());
            }
            assert_eq!(pieces(&body(&profiled[..profiled.len() - 1]), &described).len(), 1);
        }
    }

    #[test]
    fn numbers_of_the_length_of_a_hash_are_found_wherever_they_stand() {
        let md5 = "0123456789abcdefABCDEF0123456789";
        for before in 0..70 {
            let text = format!("{}ff {md5}, {md5}0 {md5}", "x".repeat(before));
            let found: Vec<usize> = long_numbers(text.as_bytes()).map(|(start, _)| start).collect();
            assert_eq!(found, [before + 3, before + 3 + 2 * 34], "{text}");
        }
        assert_eq!(long_numbers(b"").chain(long_numbers(&[b'a'; 33])).next(), None);
    }

    #[test]
    fn short_files_say_nothing() {
        assert!(told(&[7; 20], &context(&[7; 20])).is_empty());
    }
}
