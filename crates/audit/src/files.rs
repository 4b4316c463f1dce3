//! Files of folders that an examiner names, and what lies beside them. Links are not followed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::Error;

/// The files below a folder, at most so many, and how many more there are.
pub(crate) fn below(folder: &Path, most: usize) -> Result<(Vec<PathBuf>, usize), Error> {
    let (mut files, mut beyond) = (Vec::new(), 0);
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
            } else if kind.is_file() && files.len() >= most {
                beyond += 1;
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok((files, beyond))
}

/// Refuses what is no regular file: opening a pipe waits until somebody writes into it.
pub(crate) fn regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

/// The first bytes of a file; of a database of `SQLite`, with what its log adds (`name-wal`, of which at most so many bytes are
/// read): what was written last stands there alone.
pub(crate) fn with_log(path: &Path, head: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-wal");
    let is_file = || fs::symlink_metadata(&beside).is_ok_and(|about| about.is_file());
    if !head.starts_with(b"SQLite format 3\0") || !is_file() {
        return Ok(head);
    }
    let mut log = Vec::new();
    File::open(&beside)?.take(most).read_to_end(&mut log)?;
    Ok(creance_wire::with_wal(head, &log))
}
