//! A sliding window over a stream.

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
}

/// How much is read at once.
const PIECE: usize = 1 << 20;

impl Buffer {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, bytes: vec![0; PIECE], start: 0, end: 0, offset: 0, last: 0, ended: false }
    }

    /// The offset of the next byte in the (decompressed) stream.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes `length` bytes available, or as many as the stream still has; says how many there are.
    pub(crate) fn fill(&mut self, length: usize) -> io::Result<usize> {
        while self.end - self.start < length && !self.ended {
            if self.start > 0 && self.bytes.len() - self.start < length.max(PIECE / 2) {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.bytes.len() - self.start < length {
                self.bytes.resize(length, 0);
            }
            let Some(room) = self.bytes.get_mut(self.end..) else { break };
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(self.end - self.start)
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
