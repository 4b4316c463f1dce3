//! The content of cards and phones: every file's length and hashes, what kind of record it is, and the values in it that
//! say whose it is.

mod contents;
pub(crate) mod document;
mod pictures;
mod values;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use creance_cursor::{FileSource, Source as _};
use creance_detect::{DeviceFile, DeviceFiles, DevicePicture, Known, Sample, sampler};
use creance_media::Still;
use creance_model::{DataClass, Inspection};
use md5::{Digest, Md5};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ring::digest;
use sha1::Sha1;

use crate::{
    Error, files,
    inspect::{self, kind},
};

use contents::Files;
use pictures::PicturesOfDevice;
use values::{Values, ValuesOfFile};

/// Files that are read; of further ones nothing is known.
const MOST: usize = 100_000;

/// What is on a device.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) files: Vec<DeviceFile>,
    /// Samples of each of these, and what reads them.
    pub(crate) samples: Vec<Vec<Sample>>,
    pub(crate) bytes: Files,
    /// Files beyond a bound.
    pub(crate) unread: usize,
    /// Values that say whose it is.
    pub(crate) known: Vec<Known>,
    /// Values beyond a bound.
    pub(crate) unknown: usize,
    pub(crate) pictures: Vec<DevicePicture>,
    /// Pictures that were not decoded.
    pub(crate) unseen: usize,
    pub(crate) unopened: Unopened,
}

/// What is known of one file when it was read.
struct ReadFile {
    file: DeviceFile,
    samples: Vec<Sample>,
    values: Option<ValuesOfFile>,
    unopened: Unopened,
}

/// What archives and logs on the device hold that was not read: sentences, and how many more there are.
#[derive(Debug, Default)]
pub(crate) struct Unopened {
    pub(crate) told: Vec<String>,
    pub(crate) further: usize,
}

/// Sentences about what was not read, of one file and of the device.
const MOST_UNOPENED: usize = 32;

/// Letters of a name that a sentence says.
const LONGEST_NAME: usize = 256;

impl Unopened {
    fn say(&mut self, name: &str, why: &str) {
        if self.told.len() >= MOST_UNOPENED {
            self.further += 1;
            return;
        }
        // The end of a name says more than its beginning: what lies within what.
        let from = name.ceil_char_boundary(name.len().saturating_sub(LONGEST_NAME));
        let cut = if from > 0 { "…" } else { "" };
        let name = name.get(from..).unwrap_or_default();
        self.told.push(format!("{cut}{name} on the device was not read in full: {why}."));
    }

    fn add(&mut self, other: Self) {
        let room = MOST_UNOPENED.saturating_sub(self.told.len());
        self.further += other.further + other.told.len().saturating_sub(room);
        self.told.extend(other.told.into_iter().take(room));
    }
}

/// Reads folders, with so many threads. Links are not followed.
pub(crate) fn read(folders: &[PathBuf], threads: usize) -> Result<Content, Error> {
    let (mut paths, mut unread) = (Vec::new(), 0);
    for folder in folders {
        let (found, left_out) = list(folder)?;
        paths.extend(found);
        unread += left_out;
    }
    // What is unpacked of an archive is held: of one at a time.
    let unpacking = Mutex::new(());
    let read = |(name, path): &(String, PathBuf)| {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        read_file(path, name, threads > 1, &unpacking).map_err(io)
    };
    let (mut values, mut pictures) = (Values::default(), PicturesOfDevice::default());
    let mut content = Content { unread, ..Content::default() };
    // What was read of a batch waits in memory.
    for batch in paths.chunks(BATCH) {
        let read: Vec<Result<ReadFile, Error>> =
            if threads > 1 { batch.par_iter().map(read).collect() } else { batch.iter().map(read).collect() };
        for (read, (name, path)) in read.into_iter().zip(batch) {
            let read = read?;
            let io = |source| Error::Io { path: path.display().to_string(), source };
            pictures.read(path, name).map_err(io)?;
            if let Some(of_file) = read.values {
                values.add(of_file);
            }
            content.unopened.add(read.unopened);
            if read.file.bytes >= DeviceFiles::LEAST {
                content.bytes.0.push((path.clone(), read.file.bytes));
                content.samples.push(read.samples);
                content.files.push(read.file);
            }
        }
    }
    (content.known, content.unknown) = values.done();
    (content.pictures, content.unseen) = pictures.done();
    Ok(content)
}

/// Names and paths of the files of a folder, and how many it left out.
fn list(folder: &Path) -> Result<(Vec<(String, PathBuf)>, usize), Error> {
    let (files, unread) = files::below(folder, MOST)?;
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let mut paths: Vec<(String, PathBuf)> = files.into_iter().map(|path| (name(&path), path)).collect();
    paths.sort();
    Ok((paths, unread))
}

/// Files that are read before what was read of them is taken.
const BATCH: usize = 64;

/// Bytes of a file that are read at once: few enough for a cache, many enough to be worth a thread.
const PIECE: usize = 1 << 18;

/// Reads a file once: its hashes, of records samples of the content, of documents the values. MD5, which takes as long as
/// all else, is made on another thread if there is one that is free.
fn read_file(path: &Path, name: &str, threads: bool, unpacking: &Mutex<()>) -> io::Result<ReadFile> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut sha256, mut sha1, mut md5) = (digest::Context::new(&digest::SHA256), Sha1::new(), Md5::new());
    let mut buffer = vec![0; PIECE.min(usize::try_from(length).unwrap_or(PIECE).max(1 << 12))];
    let (mut bytes, mut head, mut wanted) = (0, Vec::new(), 0);
    let (mut kind, mut samples) = (None, None);
    loop {
        let read = fill(&mut file, &mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        if bytes == 0 {
            wanted = document::wanted(name, piece).max(HEAD);
            kind = class(name, piece.get(..HEAD).unwrap_or(piece));
            samples = kind.map(|_| sampler(piece, length));
        }
        let room = wanted.saturating_sub(head.len()).min(piece.len());
        head.extend_from_slice(piece.get(..room).unwrap_or(piece));
        bytes += read as u64;
        let mut fast = || {
            sha256.update(piece);
            sha1.update(piece);
            if let Some(samples) = &mut samples {
                samples.update(piece);
            }
        };
        if threads && read == PIECE {
            rayon::join(fast, || md5.update(piece));
        } else {
            fast();
            md5.update(piece);
        }
    }
    let whole = head.len() as u64 == bytes;
    let head = files::with_log(path, head, document::LONGEST_DATABASE as u64)?;
    let file = DeviceFile {
        class: kind.or_else(|| class(name, &[])),
        name: name.to_owned(),
        bytes,
        sha256: sha256.finish().as_ref().try_into().unwrap_or_default(),
        sha1: sha1.finalize().into(),
        md5: md5.finalize().into(),
    };
    let samples = samples.map(creance_detect::Sampler::finish).unwrap_or_default();
    let mut values = values::of_file(name, &head, whole);
    let mut unopened = Unopened::default();
    for (name, inspection) in described(path, name, &head, unpacking, &mut unopened)? {
        values = Some(values.unwrap_or_default().with_inspection(&name, inspection));
    }
    Ok(ReadFile { file, samples, values, unopened })
}

/// The largest flight log and the largest archive that are read for what they say of the aircraft, in bytes; and bytes of the
/// entries of one that are unpacked.
const LONGEST_LOG: u64 = 64 << 20;
const LONGEST_ARCHIVE: u64 = 64 << 20;
const MOST_OF_ARCHIVE: u64 = 256 << 20;

/// What a picture, a film or a flight log says, or those in an archive, by their names, and what of them is not read; nothing, if it is
/// none.
fn described(
    path: &Path,
    name: &str,
    head: &[u8],
    unpacking: &Mutex<()>,
    unopened: &mut Unopened,
) -> io::Result<Vec<(String, Inspection)>> {
    let is_log = creance_flightlog::format(head).is_some();
    let is_one = Still::of(head).is_some() || creance_media::is_video(head) || is_log;
    if !is_one && !inspect::is_archive(head) {
        return Ok(Vec::new());
    }
    let source = FileSource::new(File::open(path)?)?;
    if !is_one {
        if source.length() > LONGEST_ARCHIVE {
            unopened.say(name, &format!("an archive of more than {LONGEST_ARCHIVE} bytes is not opened"));
            return Ok(Vec::new());
        }
        // Whoever failed while it was held left nothing behind in it.
        let one_at_a_time = unpacking.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inspect::entries(name, &source, MOST_OF_ARCHIVE)?;
        drop(one_at_a_time);
        for (name, flaw) in found.unread {
            unopened.say(&name, &format!("{}: {}", flaw.what, flaw.why));
        }
        return Ok(found.all.into_iter().map(|entry| (entry.file, entry.inspection)).collect());
    }
    if is_log && source.length() > LONGEST_LOG {
        unopened.say(name, &format!("a flight log of more than {LONGEST_LOG} bytes"));
        return Ok(Vec::new());
    }
    let logs = creance_flightlog::Options::default();
    let inspection = kind::inspect(&path.display().to_string(), &source, false, &logs)?;
    Ok(vec![(name.to_owned(), inspection)])
}

/// Reads until the buffer is full or the file is over; says how much.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Bytes that are enough to tell what a file is.
const HEAD: usize = 512;

/// What kind of record a file is, by its ending; a table, by its header; a text, by the name that apps give flight logs.
fn class(name: &str, head: &[u8]) -> Option<DataClass> {
    let lower = name.to_lowercase();
    let (stem, ending) = lower.rsplit_once('.')?;
    match ending {
        "jpg" | "jpeg" | "png" | "dng" | "heic" | "webp" | "tif" | "tiff" => Some(DataClass::Imagery),
        "mp4" | "mov" | "lrf" | "avi" | "mkv" | "ts" => Some(DataClass::Video),
        "wav" | "m4a" | "mp3" | "aac" | "amr" | "ogg" | "opus" | "flac" => Some(DataClass::Audio),
        "tlog" | "ulg" | "gpx" | "bfl" => Some(DataClass::FlightLog),
        "bin" if head.starts_with(&[0xa3, 0x95]) => Some(DataClass::FlightLog),
        // Subtitles in which aircraft write where they are.
        "srt" => String::from_utf8_lossy(head).to_lowercase().contains("lat").then_some(DataClass::FlightLog),
        "csv" => {
            let header =
                String::from_utf8_lossy(head.split(|byte| *byte == b'\n').next().unwrap_or_default())
                    .to_lowercase();
            let has = |name: &str| {
                header.split([',', ';', '\t']).any(|cell| cell.trim().trim_matches('"').starts_with(name))
            };
            (has("lat") && has("lon")).then_some(DataClass::FlightLog)
        }
        "txt" | "log" | "dat" => stem.contains("flight").then_some(DataClass::FlightLog),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn threads_change_nothing_and_pieces_of_files_are_found() {
        let folder = std::env::temp_dir().join(format!("creance-device-{}", std::process::id()));
        fs::create_dir_all(folder.join("DCIM")).unwrap();
        let bytes = |seed: u32, length: u32| {
            let number =
                |at: u32| (at ^ seed).wrapping_mul(0x9e37_79b1).rotate_left(13).wrapping_mul(0x85eb_ca6b);
            (0..length).map(|at| number(at).to_be_bytes()[0]).collect::<Vec<u8>>()
        };
        for (number, length) in [(1, 700_000), (2, 30), (3, 5000), (4, 300_000)] {
            fs::write(folder.join(format!("DCIM/{number}.MP4")), bytes(number, length)).unwrap();
        }
        let folders = [folder.clone()];
        let one = read(&folders, 1).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let three = pool.install(|| read(&folders, 3)).unwrap();
        assert_eq!(format!("{one:?}"), format!("{three:?}"));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(one.files.len(), 3);
        assert!(one.samples.iter().all(|samples| samples.len() > 5));
    }

    const LOG: &[u8] = b"time,lat,lon,serial\n100,47.5,8.5,0TESTAB001\n";

    /// A zip with an entry of another name before the log.
    fn zipped(before: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for (name, content) in [(before, &b"secret"[..]), ("logs/flight.csv", LOG)] {
            zip.start_file(name, stored).unwrap();
            io::Write::write_all(&mut zip, content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn known(content: &Content) -> Vec<(&str, &str)> {
        content.known.iter().map(|one| (one.value.as_str(), one.found_in.file.as_str())).collect()
    }

    #[test]
    fn what_logs_in_archives_identify_is_known() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("sent.zip"), zipped("a.txt")).unwrap();
        let content = read(&[folder.path().to_owned()], 1).unwrap();
        assert_eq!(known(&content), [("0TESTAB001", "sent.zip!/logs/flight.csv")]);
        assert!(content.unopened.told.is_empty(), "{:?}", content.unopened);
    }

    #[test]
    fn what_is_not_read_of_archives_is_told_and_what_is_behind_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut zip = zipped("a.txt");
        // The bit that says of an entry that it is encrypted (APPNOTE 4.4.4), in both places.
        zip[6] |= 1;
        let listed = zip.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
        zip[listed + 8] |= 1;
        fs::write(folder.path().join("a.zip"), &zip).unwrap();
        fs::write(folder.path().join("b.tar.xz"), b"\xfd7zXZ\0\0\x04").unwrap();
        let long = File::create(folder.path().join("c.zip")).unwrap();
        io::Write::write_all(&mut &long, &zip).unwrap();
        long.set_len(LONGEST_ARCHIVE + 1).unwrap();
        fs::write(folder.path().join("d.zip"), &zip[..zip.len() - 9]).unwrap();
        // One in another.
        let tar = |name: &str, content: &[u8]| {
            let mut head = vec![0; 512];
            head[..name.len()].copy_from_slice(name.as_bytes());
            head[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            head[156] = b'0';
            head[148..156].fill(b' ');
            head[257..263].copy_from_slice(b"ustar\0");
            let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
            head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            head.extend(content);
            head.resize(head.len().next_multiple_of(512), 0);
            head
        };
        fs::write(folder.path().join("e.tar"), tar("inner.7z", b"7z\xbc\xaf\x27\x1c")).unwrap();
        let folders = [folder.path().to_owned()];
        let content = read(&folders, 1).unwrap();
        assert_eq!(known(&content), [("0TESTAB001", "a.zip!/logs/flight.csv")]);
        let told = &content.unopened.told;
        let wanted = [
            ("a.zip ", "a.txt: encrypted"),
            ("b.tar.xz ", "xz is not opened"),
            ("c.zip ", "more than 67108864 bytes"),
            ("d.zip ", "archive: "),
            ("e.tar!/inner.7z ", "7z is not opened"),
        ];
        assert_eq!(told.len(), wanted.len(), "{told:?}");
        for (sentence, (name, why)) in told.iter().zip(wanted) {
            assert!(sentence.starts_with(name) && sentence.contains(why), "{sentence}");
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let three = pool.install(|| read(&folders, 3)).unwrap();
        assert_eq!(format!("{content:?}"), format!("{three:?}"));
    }

    #[test]
    fn files_are_classed_and_tables_only_if_they_hold_places() {
        assert_eq!(class("DCIM/A.JPG", b""), Some(DataClass::Imagery));
        assert_eq!(class("log.csv", b"time,lat,lon\n"), Some(DataClass::FlightLog));
        assert_eq!(class("prices.csv", b"time,price\n"), None);
        assert_eq!(class("FlightRecord_1.txt", b""), Some(DataClass::FlightLog));
        assert_eq!(class("readme.txt", b""), None);
    }
}
