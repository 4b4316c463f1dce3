//! What settings on a phone say of jurisdiction.

use std::path::{Path, PathBuf};

use super::words::{Plain, Said};

/// Files of the device that are read, bytes of one, and folders deep.
const MOST_FILES: usize = 2_000;
const LARGEST_FILE: u64 = 256 << 10;
const DEEPEST: usize = 8;

/// What settings on the phone say: JSON documents with fields of such names.
pub(super) fn of_device(folders: &[PathBuf]) -> Said {
    let mut said = Said::default();
    let mut left = MOST_FILES;
    let mut files = Vec::new();
    for folder in folders {
        walk(folder, DEEPEST, &mut left, &mut files);
    }
    files.sort();
    for file in files {
        let Ok(bytes) = std::fs::read(file) else { continue };
        if let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(&bytes) {
            for (name, value) in fields {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let Some(name) = Plain::of(&name) else { continue };
                said.note(name.text(), &text);
            }
        }
    }
    said
}

fn walk(folder: &Path, deep: usize, left: &mut usize, files: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        let (Ok(kind), path) = (entry.file_type(), entry.path()) else { continue };
        if kind.is_dir() && deep > 0 {
            walk(&path, deep - 1, left, files);
        } else if kind.is_file()
            && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
            && entry.metadata().is_ok_and(|found| found.len() <= LARGEST_FILE)
        {
            files.push(path);
        }
    }
}
