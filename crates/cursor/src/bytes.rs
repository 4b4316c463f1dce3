//! A reading position in bytes that nobody vouches for.

use thiserror::Error;

/// Why a stretch of evidence could not be read.
///
/// A `Malformed` is an observation about the evidence, not a failure of creance: callers record it and carry on.
/// It reads well after "cannot read dns: ".
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes ended inside a field.
    #[error("{field} at offset {at} needs {need} bytes, found {have}")]
    Short {
        /// The field that was being read.
        field: &'static str,
        /// Where it began.
        at: usize,
        /// How long it is.
        need: usize,
        /// How many bytes were left.
        have: usize,
    },
    /// A field holds a value that the specification forbids.
    #[error("{field} at offset {at} is {found:#x}, expected {expected}")]
    Unexpected {
        /// The field that was being read.
        field: &'static str,
        /// Where it began.
        at: usize,
        /// What it held.
        found: u64,
        /// What the specification asks for.
        expected: &'static str,
    },
}

/// A reading position. Offsets in errors count from where the outermost cursor began.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// At the first of these bytes, which is at offset `at` of something larger.
    pub const fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        Self { rest: bytes, at }
    }

    /// The offset of the next byte.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes left, without moving.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    pub fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], Malformed> {
        let Some((head, rest)) = self.rest.split_at_checked(len) else {
            return Err(Malformed::Short { field, at: self.at, need: len, have: self.rest.len() });
        };
        self.rest = rest;
        self.at += len;
        Ok(head)
    }

    /// A cursor over the next `len` bytes; this one moves past them.
    pub fn sub(&mut self, field: &'static str, len: usize) -> Result<Self, Malformed> {
        let at = self.at;
        Ok(Self { rest: self.take(field, len)?, at })
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    /// A byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Two bytes in network order.
    pub fn u16_be(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Three bytes in network order.
    pub fn u24_be(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array::<3>(field).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes in network order.
    pub fn u32_be(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Two bytes, least significant first.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Four bytes, least significant first.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Four signed bytes, least significant first.
    pub fn i32_le(&mut self, field: &'static str) -> Result<i32, Malformed> {
        self.array(field).map(i32::from_le_bytes)
    }

    /// Eight bytes, least significant first.
    pub fn u64_le(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// Eight bytes of an IEEE 754 number, least significant first.
    pub fn f64_le(&mut self, field: &'static str) -> Result<f64, Malformed> {
        self.array(field).map(f64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_field_says_where_and_by_how_much() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        assert_eq!(cursor.u16_be("length"), Ok(0x0102));
        let error = cursor.u32_be("identifier").unwrap_err();
        assert_eq!(error.to_string(), "identifier at offset 2 needs 4 bytes, found 1");
        assert_eq!(cursor.rest(), &[3], "a failed read does not move");
    }

    #[test]
    fn offsets_of_a_part_count_from_the_whole() {
        let mut cursor = Cursor::new(&[0; 8]);
        cursor.take("head", 3).unwrap();
        let mut part = cursor.sub("part", 2).unwrap();
        assert_eq!(part.u32_be("x").unwrap_err().to_string(), "x at offset 3 needs 4 bytes, found 2");
    }
}
