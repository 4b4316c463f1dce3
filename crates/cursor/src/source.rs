//! Bytes that are read where they are wanted: a file of gigabytes of which a few kilobytes matter.

use std::{fs::File, io, os::unix::fs::FileExt as _};

/// Bytes at offsets. Reading changes nothing: several readers may share one.
pub trait Source {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Reads bytes from `offset` on into `buffer`, and says how many: fewer than wanted only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The bytes from `offset` on, at most `most` of them: fewer where the source ends.
    fn piece(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut piece = vec![0; most.min(left)];
        let read = self.read_at(offset, &mut piece)?;
        piece.truncate(read);
        Ok(piece)
    }
}

impl Source for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        let rest = self.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

/// A file and its length when it was opened. What is not a regular file has none, and is refused.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    length: u64,
}

impl FileSource {
    /// This file.
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { length: metadata.len(), file })
    }
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn pieces_end_where_the_source_ends() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        let file = FileSource::new(file).unwrap();
        for source in [&file as &dyn Source, &&b"abcdef"[..] as &dyn Source] {
            assert_eq!(source.length(), 6);
            assert_eq!(source.piece(2, 3).unwrap(), b"cde");
            assert_eq!(source.piece(4, usize::MAX).unwrap(), b"ef");
            assert!(source.piece(6, 9).unwrap().is_empty() && source.piece(u64::MAX, 9).unwrap().is_empty());
        }
    }

    #[test]
    fn a_folder_is_no_source() {
        assert!(FileSource::new(File::open("/").unwrap()).is_err());
    }
}
