//! Text in UTF-16, in either order, which nobody takes apart: what is written in it is read as other text is.

use super::{Flight, Written, text};

/// Two bytes to a sign: a text, and how its signs lie in the bytes.
pub(super) struct Wide {
    text: String,
    encoding: &'static str,
    /// Bytes of the mark at its beginning.
    mark: usize,
}

/// Bytes that are read, at most.
const MOST: usize = 1 << 22;

/// Bytes that are asked whether they look like it.
const ASKED: usize = 64;

/// Reads bytes that look like UTF-16: by the mark at their beginning, or because every other one is zero.
pub(super) fn read(bytes: &[u8]) -> Option<Wide> {
    let (big, mark) = match bytes {
        [0xff, 0xfe, ..] => (false, 2),
        [0xfe, 0xff, ..] => (true, 2),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => (true, 0),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => (false, 0),
        _ => return None,
    };
    let body = bytes.get(mark..bytes.len().min(MOST))?;
    let zero = |pair: &[u8]| if big { pair.first() == Some(&0) } else { pair.get(1) == Some(&0) };
    let asked = body.chunks_exact(2).take(ASKED / 2);
    if asked.clone().filter(|pair| zero(pair)).count() * 4 < asked.count() * 3 {
        return None;
    }
    let units = body.chunks_exact(2).filter_map(|pair| pair.first_chunk::<2>());
    let units = units.map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let text = char::decode_utf16(units).map(|sign| sign.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(Wide { text, encoding: if big { "utf-16be" } else { "utf-16le" }, mark })
}

/// The places that it says.
pub(super) fn find(part: usize, wide: &Wide, flight: &Flight, tell: &mut dyn FnMut(Written) -> bool) {
    text::find(part, &wide.text, false, &flight.forms, &flight.reach, &mut |written| {
        let range = written.range.map(|range| range.map(|at| wide.place(at)));
        let encoding = match written.encoding.as_str() {
            "" => wide.encoding.to_owned(),
            name => format!("{}+{name}", wide.encoding),
        };
        tell(Written { range, encoding, ..written })
    });
}

impl Wide {
    /// Where in the bytes stands what stands there in the text.
    fn place(&self, at: u64) -> u64 {
        let before = usize::try_from(at).ok().and_then(|at| self.text.get(..at)).unwrap_or(&self.text);
        (self.mark + 2 * before.encode_utf16().count()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_are_read_and_other_bytes_are_not() {
        for (text, bytes) in [
            ("aé1", &b"a\0\xe9\x001\0"[..]),
            ("ab", b"\xff\xfea\0b\0"),
            ("ab", b"\0a\0b"),
            ("ab", b"\xfe\xff\0a\0b"),
        ] {
            assert_eq!(read(bytes).unwrap().text, text);
        }
        for bytes in [&b""[..], b"a\0b", b"abcd", b"\0\0\0\0", b"a\0b\0cdefghijklmnop"] {
            assert!(read(bytes).is_none_or(|wide| wide.text.is_empty()), "{bytes:?}");
        }
    }
}
