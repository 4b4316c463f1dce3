//! Which files an input means: a file, a folder of rotated files, a pattern.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    pcap::Pcap,
    pcapng,
    source::{decompressed, is_compressed},
};

/// The files that an input names: a file, the captures of a folder (not of its subfolders), or those a glob matches.
/// Sorted by name.
pub fn expand(input: &str) -> Result<Vec<PathBuf>, Error> {
    expand_with(input, 24, &|_| false)
}

/// As [`expand`]; of a folder also the files of whose first bytes, at most so many, `also` says yes.
pub fn expand_with(input: &str, head: usize, also: &dyn Fn(&[u8]) -> bool) -> Result<Vec<PathBuf>, Error> {
    let io = |source| Error::Io { path: input.to_owned(), source };
    let path = Path::new(input);
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if file.is_file() && is_capture(&file, head, also)? {
                files.push(file);
            }
        }
    } else if path.exists() || !input.contains(['*', '?', '[']) {
        fs::metadata(path).map_err(io)?;
        files.push(path.to_owned());
    } else {
        for file in glob::glob(input).map_err(|error| io(std::io::Error::other(error)))? {
            let file = file.map_err(|error| Error::Io {
                path: error.path().display().to_string(),
                source: error.into(),
            })?;
            if file.is_file() {
                files.push(file);
            }
        }
    }
    if files.is_empty() {
        return Err(Error::Nothing { path: input.to_owned() });
    }
    files.sort();
    Ok(files)
}

/// Whether these first bytes (24 are enough) are those of a capture or of something compressed.
pub fn looks_like_capture(head: &[u8]) -> bool {
    begins_capture(head) || is_compressed(head)
}

/// Whether these first bytes are those of a capture that is not compressed.
pub fn begins_capture(head: &[u8]) -> bool {
    pcapng::is_start(head) || Pcap::header(head).is_some()
}

/// Whether a file begins like a capture, looked at within its compression. A file that may not be read is an error: to
/// pass over it in silence would hide evidence.
fn is_capture(path: &Path, most: usize, also: &dyn Fn(&[u8]) -> bool) -> Result<bool, Error> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.display().to_string(), source })?;
    // What cannot be decompressed gives fewer bytes, and is no capture then.
    let mut head = Vec::new();
    let _ =
        decompressed(Box::new(file)).and_then(|file| file.take(most.max(24) as u64).read_to_end(&mut head));
    Ok(begins_capture(&head) || also(&head))
}
