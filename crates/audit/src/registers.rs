//! Registers that the examiner brings: protected places, zones of airspace.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use creance_place::{sites::Sites, zones::Zones};

use crate::{Error, files};

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
    bounded(path, LARGEST)
}

/// A file of at most so many bytes; it may grow while it is read.
fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let shown = || path.display().to_string();
    let io = |source| Error::Io { path: shown(), source };
    files::regular(path).map_err(io)?;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() as u64 > most {
        let why = format!("more than {most} bytes: split it into smaller files");
        return Err(Error::File { path: shown(), why });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_or_no_file_is_refused() {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("creance-register-{}", std::process::id()));
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(bounded(&path, 5).unwrap(), b"12345");
        assert!(matches!(bounded(&path, 4), Err(Error::File { .. })));
        std::fs::remove_file(path).unwrap();
        assert!(matches!(bytes(&folder), Err(Error::Io { .. })));
    }
}
