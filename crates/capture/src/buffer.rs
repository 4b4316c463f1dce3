//! A sliding window over a stream.
//!
//! ```text
//!  taken last      available        room
//! ┌───────────────┬────────────────┬──────────────┐
//! └───────────────┴────────────────┴──────────────┘
//!                 start            end
//! ```
//!
//! It grows only as far as bytes really arrive: a length that a file merely claims costs nothing.

use std::io::{self, ErrorKind, Read};

/// Bytes of a stream, filled ahead of the reader.
pub(crate) struct Buffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the stream of the next byte.
    offset: u64,
    last: usize,
    ended: bool,
    /// Why the stream ended before its end. Said again whenever more is wanted than there is.
    failed: Option<(ErrorKind, String)>,
}

/// How much is read at once: what stays in a processor's own cache until it is parsed.
pub(crate) const PIECE: usize = 1 << 16;

impl Buffer {
    /// A window that reads `piece` bytes at once.
    pub(crate) fn new(reader: Box<dyn Read + Send>, piece: usize) -> Self {
        let bytes = vec![0; piece.max(64)];
        Self { reader, bytes, start: 0, end: 0, offset: 0, last: 0, ended: false, failed: None }
    }

    /// The offset of the next byte in the (decompressed) stream.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes `length` bytes available, or as many as the stream still has; says how many there are.
    #[inline]
    pub(crate) fn fill(&mut self, length: usize) -> io::Result<usize> {
        let have = self.end - self.start;
        if have >= length { Ok(have) } else { self.refill(length) }
    }

    #[cold]
    fn refill(&mut self, length: usize) -> io::Result<usize> {
        if self.start > 0 && !self.ended {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.last = 0;
        }
        while self.end - self.start < length && !self.ended {
            if self.end == self.bytes.len() {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            let Some(room) = self.bytes.get_mut(self.end..) else { break };
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                // A reader that claims more than it was given room for is believed no further.
                Ok(read) => self.end = self.bytes.len().min(self.end + read),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failed = Some((error.kind(), error.to_string()));
                }
            }
        }
        let have = self.end - self.start;
        match &self.failed {
            Some((kind, why)) if have < length => Err(io::Error::new(*kind, why.clone())),
            _ => Ok(have),
        }
    }

    /// The bytes that are available.
    pub(crate) fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Moves past `length` available bytes and gives them back.
    pub(crate) fn take(&mut self, length: usize) -> &[u8] {
        let length = length.min(self.end - self.start);
        let from = self.start;
        self.start += length;
        self.offset += length as u64;
        self.last = length;
        self.bytes.get(from..from + length).unwrap_or_default()
    }

    /// The bytes that were taken last. They stay until the next [`Self::fill`].
    pub(crate) fn last(&self) -> &[u8] {
        self.bytes.get(self.start - self.last..self.start).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_length_costs_no_memory() {
        let mut buffer = Buffer::new(Box::new(&[1_u8, 2, 3][..]), PIECE);
        assert_eq!(buffer.fill(30 << 20).unwrap(), 3);
        assert_eq!(buffer.bytes.len(), PIECE);
    }

    #[test]
    fn what_arrives_is_held_though_it_is_longer_than_a_piece() {
        let mut buffer = Buffer::new(Box::new(io::repeat(7).take(1000)), 64);
        assert_eq!(buffer.fill(900).unwrap(), 1000);
        assert_eq!((buffer.take(900).len(), buffer.offset()), (900, 900));
        assert_eq!(buffer.fill(900).unwrap(), 100);
    }

    #[test]
    fn an_error_is_said_again() {
        let broken = io::Cursor::new([1_u8; 10]).chain(Broken);
        let mut buffer = Buffer::new(Box::new(broken), 64);
        assert_eq!(buffer.fill(10).unwrap(), 10);
        assert!(buffer.fill(11).is_err());
        buffer.take(10);
        assert_eq!(buffer.fill(1).unwrap_err().to_string(), "the disk is gone");
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
}
