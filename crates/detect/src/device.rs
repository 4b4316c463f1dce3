//! Files of the examined device: their whole content in a body, or their hash in a text.

mod pictures;

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use creance_model::{DataClass, Match, Part};
use data_encoding::HEXLOWER;
use ring::digest;

use crate::{Card, Context, Detector, Sighting, Sink, View, image};

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
        Self { files, by_length, hashes, beyond }
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

/// Files of the device by content and by hash.
pub(crate) struct Device;

/// The name of what is found by what the device holds: its files here, values from them among the canaries.
pub(crate) const ID: &str = "device";

impl Detector for Device {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "the whole content of a file on the examined device, its SHA-256, SHA-1 or MD5 in hex, or a value that stands in one in a field named for it, as it is or encoded or hashed",
            why: "It is the very file: nothing else has its hash. A hash sent alone tells who else has the file. A value from the device was taken from it, or from where it came.",
            wrong: "Files that many devices share, such as those of an app itself, say nothing about the user; a value may have come to the app another way.",
            classes: DataClass::ALL,
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let device = &context.device;
        if device.files.is_empty() {
            return;
        }
        for (index, _, part) in message.glances().filter(|(_, glance, _)| glance.length >= SHORTEST) {
            if let Some((file, class)) = device.content(part) {
                let value = image::described(part.bytes()).unwrap_or_else(|| {
                    format!("file, {} bytes, SHA-256 {}", file.bytes, HEXLOWER.encode(&file.sha256))
                });
                sink.sight(Sighting {
                    file: Some(file.name.clone()),
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::body, look};
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
