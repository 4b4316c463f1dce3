//! Text in UTF-16 (RFC 2781): what begins with its mark, and JSON without one.
//!
//! ```text
//! FF FE │ 7B 00 22 00 …   little-endian        FE FF │ 00 7B 00 22 …   big-endian
//! ```
//!
//! The first two characters of a JSON text are of ASCII, so that zeros beside them tell how it is written (RFC 4627 §3):
//! what a media type says of its characters is not needed.

use super::Tree;

/// Units that must be text for a mark to be one: other formats may begin with its bytes.
const HEAD: usize = 64;

impl Tree<'_> {
    /// Opens a part that is text in UTF-16. False if it is none.
    pub(super) fn utf16(&mut self, part: usize) -> bool {
        let room = self.room();
        let Some((order, text)) = order(self.bytes(part)) else { return false };
        // At most three bytes come of two.
        let most = room / 3 * 2;
        let fits = text.len() <= most;
        let units = units(order, text.get(..text.len().min(most)).unwrap_or_default());
        let letters = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        let plain = letters.collect::<String>().into_bytes();
        let child = self.child(part, order.name(), plain, None);
        if !fits {
            self.reached("decoded bytes");
        }
        self.content(child, None);
        true
    }
}

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Little,
    Big,
}

impl Order {
    /// The step, as decode paths have it.
    const fn name(self) -> &'static str {
        match self {
            Self::Little => "utf-16",
            Self::Big => "utf-16be",
        }
    }

    const fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }
}

/// Whether bytes are text in UTF-16.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    order(bytes).is_some()
}

/// How text in UTF-16 is written, and it without its mark.
fn order(bytes: &[u8]) -> Option<(Order, &[u8])> {
    let (order, text) = match bytes {
        [0xff, 0xfe, text @ ..] => (Order::Little, text),
        [0xfe, 0xff, text @ ..] => (Order::Big, text),
        [b'{' | b'[', 0, next, 0, ..] if is_ascii(*next) => return Some((Order::Little, bytes)),
        [0, b'{' | b'[', 0, next, ..] if is_ascii(*next) => return Some((Order::Big, bytes)),
        _ => return None,
    };
    let head = char::decode_utf16(units(order, text).take(HEAD));
    // A character may be cut at the end of what is looked at.
    let wrong = head.enumerate().any(|(at, c)| match c {
        Ok(c) => c.is_control() && !c.is_whitespace(),
        Err(_) => at + 1 < HEAD,
    });
    (text.len() >= 4 && !wrong).then_some((order, text))
}

/// Of text, as a character of JSON is.
const fn is_ascii(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

fn units(order: Order, text: &[u8]) -> impl Iterator<Item = u16> {
    text.as_chunks::<2>().0.iter().map(move |bytes| order.unit(*bytes))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use crate::{Limits, expand};

    fn told(bytes: &[u8], kind: Option<&str>) -> Vec<String> {
        let parts = expand(bytes, kind, &Limits::default());
        let named = parts.iter().filter(|part| part.is_named());
        named.map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes()))).collect()
    }

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    const DOCUMENT: &str = r#"{"mail":"zo\u00eb@x.example","lat":24.7446,"name":"Zoë 😀"}"#;
    const FIELDS: [&str; 3] = ["json:/mail=zoë@x.example", "json:/lat=24.7446", "json:/name=Zoë 😀"];

    #[test]
    fn json_is_read_in_either_order_with_and_without_a_mark() {
        for bytes in [
            little(DOCUMENT),
            big(DOCUMENT),
            little(&format!("\u{feff}{DOCUMENT}")),
            big(&format!("\u{feff}{DOCUMENT}")),
        ] {
            for kind in [Some("application/json; charset=utf-16le"), Some("text/plain"), None] {
                assert_eq!(told(&bytes, kind), FIELDS, "{kind:?}");
            }
        }
    }

    #[test]
    fn json_in_base64_and_hex_is_read() {
        let base64 = data_encoding::BASE64.encode(&little(DOCUMENT));
        assert_eq!(told(format!("v=1&d={base64}").replace('+', "%2B").as_bytes(), None)[2..], FIELDS);
        let hex = data_encoding::HEXLOWER.encode(&big(DOCUMENT));
        assert_eq!(told(format!(r#"{{"d":"{hex}"}}"#).as_bytes(), None)[1..], FIELDS);
    }

    #[test]
    fn what_is_cut_gives_what_came_before_and_what_is_no_text_is_none() {
        let cut = little(DOCUMENT);
        assert_eq!(told(&cut[..cut.len() - 21], None), FIELDS[..2]);
        let all: [&[u8]; 5] =
            [&[0xff, 0xfe, 0, 0, b'{', 0, 0, 0], b"\xff\xfe\x41", b"{\0\x01\0", b"\xfe\xff\xdc\0\0a\0b", b""];
        for none in all {
            assert!(!super::is_text(none), "{none:?}");
        }
    }
}
