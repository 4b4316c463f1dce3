//! Integers and strings as HPACK and QPACK write them (RFC 7541 §5, RFC 9204 §4.1), and the fields they make up.

use super::huffman;

/// A field: name and value.
pub(crate) type Header = (String, Vec<u8>);

/// The fields of a block, and whether some were left out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Block {
    pub(crate) headers: Vec<Header>,
    pub(crate) more: bool,
}

/// Bytes of which the front is read.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

/// Why nothing was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failed {
    /// The bytes end within it.
    Short,
    /// It is none.
    Broken,
}

impl<'a> Input<'a> {
    fn next(&mut self) -> Result<u8, Failed> {
        let (first, rest) = self.0.split_first().ok_or(Failed::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    /// An integer whose first bits share a byte.
    pub(crate) fn integer(&mut self, bits: u8) -> Result<usize, Failed> {
        let mask = u8::MAX >> (8 - bits);
        let prefix = self.next()? & mask;
        let mut value = usize::from(prefix);
        if prefix < mask {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.next()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Failed::Broken)
    }

    /// Passes over a string.
    pub(crate) fn pass(&mut self, bits: u8, most: usize) -> Result<(), Failed> {
        self.taken(bits, most).map(|_| ())
    }

    /// A string as it is written.
    fn taken(&mut self, bits: u8, most: usize) -> Result<&'a [u8], Failed> {
        let length = self.integer(bits)?;
        if length > most {
            return Err(Failed::Broken);
        }
        let (text, rest) = self.0.split_at_checked(length).ok_or(Failed::Short)?;
        self.0 = rest;
        Ok(text)
    }

    /// A string whose length shares its first byte with what stands before; the bit in front of the length says whether
    /// it is in Huffman's code. Longer than `most`, it is none.
    pub(crate) fn string(&mut self, bits: u8, most: usize) -> Result<Vec<u8>, Failed> {
        let coded = self.0.first().is_some_and(|first| first >> bits & 1 == 1);
        let text = self.taken(bits, most)?;
        if coded { huffman::decode(text).ok_or(Failed::Broken) } else { Ok(text.to_vec()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541, C.1.
    #[test]
    fn the_published_integers() {
        assert_eq!(Input(&[0b1010]).integer(5), Ok(10));
        assert_eq!(Input(&[0b1_1111, 0b1001_1010, 0b1010]).integer(5), Ok(1337));
        assert_eq!(Input(&[42]).integer(8), Ok(42));
        assert_eq!(Input(&[0b1_1111, 0b1001_1010]).integer(5), Err(Failed::Short));
        assert_eq!(Input(&[0xff; 9]).integer(8), Err(Failed::Broken));
    }

    #[test]
    fn a_string_that_is_not_whole_is_told_from_one_that_is_none() {
        assert_eq!(Input(b"\x63abc").string(3, 9), Ok(b"abc".to_vec()));
        assert_eq!(Input(b"\x63ab").string(3, 9), Err(Failed::Short));
        assert_eq!(Input(b"\x63abc").string(3, 2), Err(Failed::Broken));
        assert_eq!(Input(b"\x81\0").string(7, 9), Err(Failed::Broken), "no Huffman's code");
    }
}
