//! CBOR (RFC 8949) and sequences of it (RFC 8742).
//!
//! ```text
//! head   3 bits   kind: 0 number, 1 negative number, 2 bytes, 3 text, 4 list, 5 map, 6 tag, 7 float or simple value
//!        5 bits   the argument, or how it follows: 24..27 in 1, 2, 4 or 8 bytes; 31 without end, up to a break
//! ```
//!
//! Tags are passed over: what they stand before is read as it is.

use std::borrow::Cow;

use super::{
    Stop, Tree,
    items::{self, Item, Items, Said},
};

impl Tree<'_> {
    /// Takes a part apart as CBOR. False if it is none.
    pub(super) fn cbor(&mut self, part: usize) -> bool {
        self.lend(part, |tree, bytes| items::grow(tree, part, Reader { rest: bytes }))
    }
}

/// What a whole buffer is worth as a map or list (see [`super::shape`]). None if it is none.
pub(super) fn worth(bytes: &[u8], depth: usize) -> Option<u32> {
    // A list, a map, or the tag that says that this is CBOR (RFC 8949 §3.4.6).
    match bytes {
        [0x80..=0xbf, ..] => items::worth(Reader { rest: bytes }, depth),
        [0xd9, 0xd9, 0xf7, rest @ ..] => items::worth(Reader { rest }, depth).map(|worth| worth + 4 * 24),
        _ => None,
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

/// The argument of a head.
#[derive(Clone, Copy)]
enum Argument {
    /// A number, and the bits it took.
    Number(u64, u32),
    Endless,
}

impl<'b> Reader<'b> {
    fn head(&mut self) -> Result<(u8, u8, Argument), Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Cut)?;
        let low = first & 31;
        let (argument, rest) = match low {
            0..=23 => (Argument::Number(low.into(), 5), rest),
            24..=27 => {
                let length = 1_usize << (low - 24);
                let (bytes, rest) = rest.split_at_checked(length).ok_or(Stop::Cut)?;
                let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
                (Argument::Number(number, 8 << (low - 24)), rest)
            }
            31 => (Argument::Endless, rest),
            _ => return Err(Stop::Wrong),
        };
        self.rest = rest;
        Ok((first >> 5, low, argument))
    }

    /// Bytes or text: of a length, or in pieces up to a break.
    fn string(&mut self, kind: u8, argument: Argument) -> Result<Said<'b>, Stop> {
        if let Argument::Number(length, bits) = argument {
            return Ok(Said { bytes: Cow::Borrowed(self.take(length)?), bits });
        }
        let mut whole = Vec::new();
        loop {
            match self.head()? {
                (7, _, Argument::Endless) => return Ok(Said { bytes: Cow::Owned(whole), bits: 8 }),
                (piece, _, Argument::Number(length, _)) if piece == kind => {
                    whole.extend_from_slice(self.take(length)?);
                }
                _ => return Err(Stop::Wrong),
            }
        }
    }

    fn take(&mut self, length: u64) -> Result<&'b [u8], Stop> {
        let length = usize::try_from(length).map_err(|_| Stop::Cut)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'b> Items<'b> for Reader<'b> {
    const KIND: &'static str = "cbor";

    fn next(&mut self) -> Result<Item<'b>, Stop> {
        loop {
            let (kind, low, argument) = self.head()?;
            let count = match argument {
                Argument::Number(number, _) => Some(number),
                Argument::Endless => None,
            };
            return match (kind, count) {
                (0, Some(number)) => Ok(Item::Word(number.to_string())),
                (1, Some(number)) => Ok(Item::Word((-1 - i128::from(number)).to_string())),
                (2, _) => self.string(kind, argument).map(Item::Bytes),
                (3, _) => self.string(kind, argument).map(Item::Text),
                (4, count) => Ok(Item::List(count)),
                (5, count) => Ok(Item::Map(count)),
                (6, Some(_)) => continue,
                (7, None) => Ok(Item::Break),
                (7, Some(number)) => simple(low, number),
                _ => Err(Stop::Wrong),
            };
        }
    }

    fn is_over(&self) -> bool {
        self.rest.is_empty()
    }
}

fn simple<'b>(low: u8, number: u64) -> Result<Item<'b>, Stop> {
    let bits32 = || u32::try_from(number).map(f32::from_bits).map_err(|_| Stop::Wrong);
    match low {
        20 => Ok(Item::Word("false".to_owned())),
        21 => Ok(Item::Word("true".to_owned())),
        25 => u16::try_from(number)
            .map(half)
            .map(|half| Item::Float(half, half.to_string(), false))
            .map_err(|_| Stop::Wrong),
        26 => bits32().map(|float| Item::Float(float.into(), float.to_string(), false)),
        27 => Ok(Item::Float(f64::from_bits(number), f64::from_bits(number).to_string(), true)),
        // Null, undefined, and values that nobody has given a meaning.
        _ => Ok(Item::Null),
    }
}

/// A half-precision float: sign, 5 bits of exponent, 10 bits of fraction.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match bits >> 10 & 0x1f {
        0 => fraction / 16_777_216.0,
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2_f64.powi(i32::from(exponent) - 15),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::half;
    use crate::{Limits, expand};

    fn leaves(bytes: &[u8], kind: Option<&str>) -> Vec<String> {
        expand(bytes, kind, &Limits::default())
            .iter()
            .filter(|part| part.name().is_some())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect()
    }

    const KIND: Option<&str> = Some("application/cbor");

    #[test]
    fn maps_and_lists_are_read_with_a_type_and_without() {
        let mut bytes = b"\xa2\x63pos\xa2\x63lat\xfb".to_vec();
        bytes.extend(24.745_f64.to_be_bytes());
        bytes.extend(b"\x63lon\xfa");
        bytes.extend(121.042_f32.to_be_bytes());
        bytes.extend(b"\x61l\x83\x01\x38\x63\xf5");
        let told = [
            "cbor:/pos/lat=24.745",
            "cbor:/pos/lon=121.042",
            "cbor:/l/0=1",
            "cbor:/l/1=-100",
            "cbor:/l/2=true",
        ];
        assert_eq!(leaves(&bytes, KIND), told);
        assert_eq!(leaves(&bytes, None), told);
        assert_eq!(leaves(&[b"\xd9\xd9\xf7", &bytes[..]].concat(), None), told);
    }

    #[test]
    fn what_has_no_end_and_what_is_tagged_is_read() {
        // RFC 8949, appendix A: a map without end, text in pieces, a tagged time, a key that is a number.
        assert_eq!(leaves(b"\xbf\x63Fun\xf5\x63Amt\x21\xff", KIND), ["cbor:/Fun=true", "cbor:/Amt=-2"]);
        assert_eq!(leaves(b"\x81\x7f\x65strea\x64ming\xff", KIND), ["cbor:/0=streaming"]);
        assert_eq!(leaves(b"\xa1\x01\xc1\x1a\x51\x4b\x67\xb0", KIND), ["cbor:/1=1363896240"]);
        assert_eq!(leaves(b"\x01\x02", KIND), ["cbor:/=1", "cbor:/=2"]);
    }

    #[test]
    fn halves_are_those_of_the_standard() {
        let table = [
            (0x3c00, 1.0),
            (0x3e00, 1.5),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0xc400, -4.0),
        ];
        for (bits, number) in table {
            assert!((half(bits) - number).abs() < f64::EPSILON, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00).is_infinite());
    }

    #[test]
    fn damage_keeps_what_came_before_and_claims_cost_nothing() {
        assert_eq!(leaves(b"\xa2\x61a\x01\x61b\x5b\xff\xff\xff\xff\xff\xff\xff\xff", KIND), ["cbor:/a=1"]);
        assert!(leaves(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", KIND).is_empty());
        assert!(expand(&vec![0x81; 100_000], KIND, &Limits::default()).len() < 200);
        assert!(expand(&vec![0x9f; 100_000], None, &Limits::default()).len() < 200);
        assert!(expand(&vec![0xc1; 100_000], KIND, &Limits::default()).len() < 200);
    }
}
