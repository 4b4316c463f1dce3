//! The content of cards and phones: every file's length and hashes, what kind of record it is, and the values in it that
//! say whose it is.

mod pictures;
mod values;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use creance_detect::{DeviceFile, DevicePicture, Known};
use creance_model::DataClass;
use md5::{Digest, Md5};
use ring::digest;

use crate::Error;

use pictures::PicturesOfDevice;
use values::Values;

/// Files that are read; of further ones nothing is known.
const MOST: usize = 100_000;

/// What is on a device.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) files: Vec<DeviceFile>,
    /// Values that say whose it is.
    pub(crate) known: Vec<Known>,
    /// Files and values beyond a bound.
    pub(crate) unread: usize,
    pub(crate) unknown: usize,
    pub(crate) pictures: Vec<DevicePicture>,
    /// Pictures that were not decoded.
    pub(crate) unseen: usize,
}

/// Reads folders. Links are not followed.
pub(crate) fn read(folders: &[PathBuf]) -> Result<Content, Error> {
    let (mut values, mut pictures) = (Values::default(), PicturesOfDevice::default());
    let mut content = Content::default();
    for folder in folders {
        let (files, unread) = read_folder(folder, &mut values, &mut pictures)?;
        content.files.extend(files);
        content.unread += unread;
    }
    (content.known, content.unknown) = values.done();
    (content.pictures, content.unseen) = pictures.done();
    Ok(content)
}

/// Reads a folder, and says how many files it left out.
fn read_folder(
    folder: &Path,
    values: &mut Values,
    pictures: &mut PicturesOfDevice,
) -> Result<(Vec<DeviceFile>, usize), Error> {
    let mut paths = Vec::new();
    let (mut files, mut unread) = (Vec::new(), 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let io = |source| Error::Io { path: next.display().to_string(), source };
        // In order of names: which files are beyond the bound must not depend on the file system.
        let mut entries =
            fs::read_dir(&next).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(io)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(io)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && paths.len() >= MOST {
                unread += 1;
            } else if kind.is_file() {
                let path = entry.path();
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                paths.push((name, path));
            }
        }
    }
    paths.sort();
    for (name, path) in paths {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        pictures.read(&path, &name).map_err(io)?;
        files.push(read_file(&path, name, values).map_err(io)?);
    }
    Ok((files, unread))
}

/// Reads a file once: its hashes, and of documents the values.
fn read_file(path: &Path, name: String, values: &mut Values) -> io::Result<DeviceFile> {
    let mut file = File::open(path)?;
    let (mut sha256, mut sha1, mut md5) = (
        digest::Context::new(&digest::SHA256),
        digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        Md5::new(),
    );
    let mut buffer = vec![0; 1 << 17];
    let (mut bytes, mut head, mut wanted) = (0, Vec::new(), 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        if bytes == 0 {
            wanted = values::wanted(&name, piece).max(HEAD);
        }
        let room = wanted.saturating_sub(head.len()).min(piece.len());
        head.extend_from_slice(piece.get(..room).unwrap_or(piece));
        bytes += read as u64;
        sha256.update(piece);
        sha1.update(piece);
        md5.update(piece);
    }
    let whole = head.len() as u64 == bytes;
    let head = values::with_log(head, path)?;
    values.read(&name, &head, whole);
    Ok(DeviceFile {
        class: class(&name, head.get(..HEAD).unwrap_or(&head)),
        name,
        bytes,
        sha256: sha256.finish().as_ref().try_into().unwrap_or_default(),
        sha1: sha1.finish().as_ref().try_into().unwrap_or_default(),
        md5: md5.finalize().into(),
    })
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
    use super::*;

    #[test]
    fn files_are_classed_and_tables_only_if_they_hold_places() {
        assert_eq!(class("DCIM/A.JPG", b""), Some(DataClass::Imagery));
        assert_eq!(class("log.csv", b"time,lat,lon\n"), Some(DataClass::FlightLog));
        assert_eq!(class("prices.csv", b"time,price\n"), None);
        assert_eq!(class("FlightRecord_1.txt", b""), Some(DataClass::FlightLog));
        assert_eq!(class("readme.txt", b""), None);
    }
}
