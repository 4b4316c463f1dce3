//! Which files an input means.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use crate::{error::Error, pcap::Pcap, pcapng};

/// The files that an input names: a file, the captures of a folder (not of its subfolders), or those a glob matches.
/// Sorted by name.
pub fn expand(input: &str) -> Result<Vec<PathBuf>, Error> {
    let io = |source| Error::Io { path: input.to_owned(), source };
    let path = Path::new(input);
    let files = if path.is_dir() {
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(io)? {
            let file = entry.map_err(io)?.path();
            if file.is_file() && begins_like_a_capture(&file) {
                files.push(file);
            }
        }
        files
    } else if path.exists() || !input.contains(['*', '?', '[']) {
        fs::metadata(path).map_err(io)?;
        vec![path.to_owned()]
    } else {
        let matched = glob::glob(input).map_err(|error| io(std::io::Error::other(error)))?;
        matched.filter_map(Result::ok).filter(|file| file.is_file()).collect()
    };
    if files.is_empty() {
        return Err(Error::Nothing { path: input.to_owned() });
    }
    let mut files = files;
    files.sort();
    Ok(files)
}

/// Whether these first bytes (24 are enough) are those of a capture or of something compressed.
pub fn looks_like_capture(head: &[u8]) -> bool {
    pcapng::is_start(head)
        || Pcap::header(head).is_some()
        || head.starts_with(&[0x1f, 0x8b])
        || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn begins_like_a_capture(path: &Path) -> bool {
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(24).read_to_end(&mut head)).is_ok()
        && looks_like_capture(&head)
}
