//! `MessagePack` (github.com/msgpack/msgpack/blob/master/spec.md).
//!
//! The first byte says the kind, and for small ones the length or the value; lengths and numbers are in network order.
//! Extensions, timestamps among them, are read as bytes.

use std::borrow::Cow;

use super::{
    Stop, Tree,
    items::{self, Item, Items, Said},
};

impl Tree<'_> {
    /// Takes a part apart as `MessagePack`. False if it is none.
    pub(super) fn msgpack(&mut self, part: usize) -> bool {
        self.lend(part, |tree, bytes| items::grow(tree, part, Reader { rest: bytes }))
    }
}

/// What a whole buffer is worth as a map or list (see [`super::shape`]). None if it is none.
pub(super) fn worth(bytes: &[u8], depth: usize) -> Option<u32> {
    match bytes {
        [0x80..=0x9f | 0xdc..=0xdf, ..] => items::worth(Reader { rest: bytes }, depth),
        _ => None,
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: u64) -> Result<&'b [u8], Stop> {
        let length = usize::try_from(length).map_err(|_| Stop::Cut)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A number of 1, 2, 4 or 8 bytes: the `size`th of these.
    fn number(&mut self, size: u8) -> Result<u64, Stop> {
        let bytes = self.take(1 << size)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A negative number has its sign in the first bit.
    fn signed(&mut self, size: u8) -> Result<i64, Stop> {
        let shift = 64 - (8 << size);
        Ok(self.number(size)?.cast_signed() << shift >> shift)
    }

    /// Text or bytes behind a length, with `more` bytes between the two.
    fn said(&mut self, size: u8, more: u64) -> Result<Said<'b>, Stop> {
        let length = self.number(size)?;
        self.take(more)?;
        Ok(Said { bytes: Cow::Borrowed(self.take(length)?), bits: 8 << size })
    }
}

impl<'b> Items<'b> for Reader<'b> {
    const KIND: &'static str = "msgpack";

    fn next(&mut self) -> Result<Item<'b>, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(match first {
            0x00..=0x7f => Item::Word(first.to_string()),
            0xe0..=0xff => Item::Word(first.cast_signed().to_string()),
            0x80..=0x8f => Item::Map(Some(u64::from(first & 15))),
            0x90..=0x9f => Item::List(Some(u64::from(first & 15))),
            0xa0..=0xbf => {
                Item::Text(Said { bytes: Cow::Borrowed(self.take(u64::from(first & 31))?), bits: 5 })
            }
            0xc0 => Item::Null,
            0xc1 => return Err(Stop::Wrong),
            0xc2 => Item::Word("false".to_owned()),
            0xc3 => Item::Word("true".to_owned()),
            0xc4..=0xc6 => Item::Bytes(self.said(first - 0xc4, 0)?),
            0xc7..=0xc9 => Item::Bytes(self.said(first - 0xc7, 1)?),
            0xca => {
                let bits = u32::try_from(self.number(2)?).map_err(|_| Stop::Wrong)?;
                Item::Float(f32::from_bits(bits).into(), f32::from_bits(bits).to_string(), false)
            }
            0xcb => {
                let number = f64::from_bits(self.number(3)?);
                Item::Float(number, number.to_string(), true)
            }
            0xcc..=0xcf => Item::Word(self.number(first - 0xcc)?.to_string()),
            0xd0..=0xd3 => Item::Word(self.signed(first - 0xd0)?.to_string()),
            0xd4..=0xd8 => {
                self.take(1)?;
                Item::Bytes(Said { bytes: Cow::Borrowed(self.take(1 << (first - 0xd4))?), bits: 8 })
            }
            0xd9..=0xdb => Item::Text(self.said(first - 0xd9, 0)?),
            0xdc | 0xdd => Item::List(Some(self.number(first - 0xdb)?)),
            0xde | 0xdf => Item::Map(Some(self.number(first - 0xdd)?)),
        })
    }

    fn is_over(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, expand};

    fn leaves(bytes: &[u8], kind: Option<&str>) -> Vec<String> {
        expand(bytes, kind, &Limits::default())
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect()
    }

    const KIND: Option<&str> = Some("application/x-msgpack");

    #[test]
    fn maps_and_lists_are_read_with_a_type_and_without() {
        let mut bytes = b"\x83\xa3lat\xcb".to_vec();
        bytes.extend(24.745_f64.to_be_bytes());
        bytes.extend(b"\xa3lon\xca");
        bytes.extend(121.042_f32.to_be_bytes());
        bytes.extend(b"\xa1l\x95\x01\xff\xd1\xff\x00\xc3\xcd\x01\x00");
        let told = [
            "msgpack:/lat=24.745",
            "msgpack:/lon=121.042",
            "msgpack:/l/0=1",
            "msgpack:/l/1=-1",
            "msgpack:/l/2=-256",
            "msgpack:/l/3=true",
            "msgpack:/l/4=256",
        ];
        assert_eq!(leaves(&bytes, KIND), told);
        assert_eq!(leaves(&bytes, None), told);
    }

    #[test]
    fn text_bytes_and_extensions_of_each_size_are_read() {
        let bytes = b"\x96\xd9\x01a\xda\x00\x01b\xc4\x01c\xc7\x01\x05d\xd4\x05e\xc0";
        assert_eq!(
            leaves(bytes, KIND),
            ["msgpack:/0=a", "msgpack:/1=b", "msgpack:/2=c", "msgpack:/3=d", "msgpack:/4=e"]
        );
    }

    #[test]
    fn damage_keeps_what_came_before_and_claims_cost_nothing() {
        assert_eq!(leaves(b"\x82\xa1a\x01\xa1b\xdb\xff\xff\xff\xff", KIND), ["msgpack:/a=1"]);
        assert!(leaves(b"\xdd\xff\xff\xff\xff", KIND).is_empty());
        assert!(leaves(b"\xc1", KIND).is_empty());
        assert!(expand(&vec![0x91; 100_000], KIND, &Limits::default()).len() < 200);
        assert!(expand(&vec![0x91; 100_000], None, &Limits::default()).len() < 200);
    }
}
