//! The bytes of a device's files, read again where something is compared with them.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use creance_detect::FileBytes;

/// Files by their paths, with the lengths that they had.
#[derive(Debug, Default)]
pub(crate) struct Files(pub(super) Vec<(PathBuf, u64)>);

impl FileBytes for Files {
    fn read(&self, file: usize, offset: u64, buffer: &mut [u8]) -> Option<()> {
        let (path, length) = self.0.get(file)?;
        // A link that was put in its place is not followed.
        if !fs::symlink_metadata(path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        if file.metadata().ok()?.len() != *length {
            return None;
        }
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_exact(buffer).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_its_length_or_became_a_link_is_not_read() {
        let folder = std::env::temp_dir().join(format!("creance-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a");
        fs::write(&path, b"0123456789").unwrap();
        let files = Files(vec![(path.clone(), 10)]);
        let mut buffer = [0; 4];
        assert!(files.read(0, 3, &mut buffer).is_some() && &buffer == b"3456");
        assert!(files.read(0, 7, &mut buffer).is_none() && files.read(1, 0, &mut buffer).is_none());
        fs::write(&path, b"012345678").unwrap();
        assert!(files.read(0, 3, &mut buffer).is_none());
        #[cfg(unix)]
        {
            fs::remove_file(&path).unwrap();
            fs::write(folder.join("b"), b"0123456789").unwrap();
            std::os::unix::fs::symlink(folder.join("b"), &path).unwrap();
            assert!(files.read(0, 3, &mut buffer).is_none());
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
