//! Registers that the examiner brings: protected places, zones of airspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use creance_place::{sites::Sites, zones::Zones};

use crate::Error;

/// The largest register that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// The protected places of a file. Errors: it cannot be read, or is no register; they name the file.
pub fn sites(path: &Path) -> Result<Sites, Error> {
    let read = creance_place::sites::read(&bytes(path)?);
    Ok(Sites::new(read.map_err(|why| Error::File { path: path.display().to_string(), why })?))
}

/// The zones of files. Errors: one cannot be read, or has no zones; they name the file and the field.
pub fn zones(paths: &[PathBuf]) -> Result<Zones, Error> {
    let read = |path: &PathBuf| {
        let shown = path.display().to_string();
        creance_place::zones::read(&shown, &bytes(path)?).map_err(|why| Error::File { path: shown, why })
    };
    Ok(Zones::new(paths.iter().map(read).collect::<Result<Vec<_>, Error>>()?))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let shown = || path.display().to_string();
    let io = |source| Error::Io { path: shown(), source };
    let length = fs::metadata(path).map_err(io)?.len();
    if length > LARGEST {
        let why = format!("{length} bytes, at most {LARGEST} are read: split it into smaller files");
        return Err(Error::File { path: shown(), why });
    }
    fs::read(path).map_err(io)
}
