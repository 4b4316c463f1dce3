//! Encodings inside values: base64, hex, percent signs, JSON in strings, compression by its first bytes.

use creance_cursor::inflate::{End, Method, inflate};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

use super::{
    Tree, looks_like_a_form,
    shape::{self, Format},
    sqlite, utf16,
};

/// Shortest text that is tried as base64 or hex: shorter ones decode by chance.
const LEAST: usize = 12;

impl Tree<'_> {
    /// Opens a value as far as it goes.
    pub(crate) fn open(&mut self, part: usize) {
        if self.full() || self.too_deep(part) {
            return;
        }
        match look(self.bytes(part)) {
            Look::Plain => {
                self.tokens(part);
                return;
            }
            Look::Letters => return self.encoded(part),
            Look::Other => {}
        }
        if self.inflated(part, None) || self.json(part) {
            return;
        }
        // One pair may be anything.
        if looks_like_a_form(self.bytes(part)) && self.bytes(part).contains(&b'&') {
            self.form_content(part);
        } else {
            self.otherwise(part);
        }
    }

    /// Opens what is compressed. False if it is not.
    pub(super) fn inflated(&mut self, part: usize, media_type: Option<&str>) -> bool {
        let bytes = self.bytes(part);
        let Some(method) = compressed(bytes) else { return false };
        let out = inflate(method, bytes, self.room());
        if out.end == End::Limit {
            self.reached("decompressed content");
        } else if out.bytes.is_empty() {
            return false;
        }
        let child = self.child(part, method.name(), out.bytes, None);
        self.content(child, media_type);
        true
    }

    /// Opens what is neither compressed nor JSON.
    pub(super) fn otherwise(&mut self, part: usize) {
        if self.utf16(part) || self.sqlite(part) || self.binary_plist(part) || self.xml(part, false) {
            return;
        }
        let opened = match shape::format(self.bytes(part)) {
            Some(Format::Cbor) => self.cbor(part),
            Some(Format::Msgpack) => self.msgpack(part),
            Some(Format::Protobuf) => self.protobuf(part),
            None => false,
        };
        if !opened {
            self.encoded(part);
        }
    }

    /// Opens text that stands for something else.
    pub(super) fn encoded(&mut self, part: usize) {
        match decoded(self.bytes(part)) {
            Some((step, bytes)) => {
                let child = self.child(part, step, bytes, None);
                self.content(child, None);
            }
            None => {
                self.tokens(part);
            }
        }
    }
}

/// What bytes may stand for, at first sight.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Look {
    /// Nothing else, but for the tokens in them: words and numbers, as most values are.
    Plain,
    /// Text of the letters of hex or base64: a number in these, if anything.
    Letters,
    Other,
}

fn look(bytes: &[u8]) -> Look {
    let class = |byte: &u8| CLASSES.get(usize::from(*byte)).copied().unwrap_or(OPENS);
    let seen = bytes.iter().fold(0, |seen, byte| seen | class(byte));
    if seen & OPENS != 0 || bytes.starts_with(b"bplist") {
        return Look::Other;
    }
    if bytes.len() >= LEAST && (seen & BREAKS == 0 || bytes.trim_ascii_start().starts_with(b"data:")) {
        return Look::Letters;
    }
    Look::Plain
}

/// Bytes that are no text, or that documents, forms and escapes have.
const OPENS: u8 = 1;

/// Bytes that neither hex nor base64 has, nor what stands around it.
const BREAKS: u8 = 2;

#[expect(clippy::indexing_slicing, reason = "as many as there are bytes")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'\t' | b'\n' | b'\r' | b' ' | b'+' | b'/' | b'-' | b'_' | b'=' => 0,
            _ if byte.is_ascii_alphanumeric() => 0,
            b'{' | b'[' | b'<' | b'%' | b'&' | 0..=31 | 127.. => OPENS,
            _ => BREAKS,
        };
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

/// Compression told by its first bytes.
fn compressed(bytes: &[u8]) -> Option<Method> {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Method::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Method::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(Method::Lz4),
        // RFC 1950: method 8, window up to 32 KiB, no dictionary, and a checksum over both bytes. Words may begin so.
        [head @ (0x58 | 0x68 | 0x78), flags, ..]
            if (u16::from(*head) << 8 | u16::from(*flags)) % 31 == 0
                && flags & 0x20 == 0
                && bytes.len() > 8
                && !shape::is_text(bytes.get(..bytes.len().min(64)).unwrap_or_default()) =>
        {
            Some(Method::Zlib)
        }
        _ => None,
    }
}

/// Percent signs, hex or base64 undone, where what comes out makes sense.
fn decoded(bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    // Encodings are text. One that is cut here may be so within a letter: that is looked at with all of it.
    let mut head = bytes.iter().take(256);
    if head.any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        return None;
    }
    if has_escape(bytes) {
        let plain = percent(bytes);
        if makes_sense(&plain) {
            return Some(("percent", plain));
        }
    }
    if bytes.len() < LEAST || bytes.len() > 64 << 20 {
        return None;
    }
    let text = bytes.trim_ascii();
    // RFC 2397: `data:image/jpeg;base64,…`.
    let marked = if text.starts_with(b"data:") {
        text.windows(8).take(128).position(|some| some == b";base64,")
    } else {
        None
    };
    let text = marked.and_then(|at| text.get(at + 8..)).unwrap_or(text);
    // RFC 2045: lines of at most 76.
    let unbroken: Vec<u8>;
    let text = if text.contains(&b'\n') && base64_lines(text) {
        unbroken = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        unbroken.as_slice()
    } else {
        text
    };
    let seen =
        text.iter().fold(0, |seen, byte| seen | LETTERS.get(usize::from(*byte)).copied().unwrap_or(OTHER));
    if text.len().is_multiple_of(2)
        && seen == 0
        && let Ok(plain) = HEXLOWER_PERMISSIVE.decode(text)
        && makes_sense(&plain)
    {
        return Some(("hex", plain));
    }
    if seen & OTHER != 0 {
        return None;
    }
    // A letter alone behind groups of four stands for nothing.
    if text.len() % 4 == 1 {
        return None;
    }
    // Padding fills up to a multiple of four, and the letters of the two alphabets are not mixed.
    let padded = text.len().is_multiple_of(4);
    let (plain, url) = (seen & URL == 0, seen & STANDARD == 0);
    [(&BASE64, padded && plain), (&BASE64URL, padded && url), (&BASE64_NOPAD, plain), (&BASE64URL_NOPAD, url)]
        .into_iter()
        .filter(|(_, may_be)| *may_be)
        .find_map(|(encoding, _)| encoding.decode(text).ok())
        .filter(|plain| makes_sense(plain) || marked.is_some() || is_long(text))
        .map(|plain| ("base64", plain))
}

/// Bytes of a text that is base64 though what it stands for makes no sense of its own: a piece of a picture does not.
const LONG: usize = 1024;

/// Whether a text is so long, and of so many letters, that it is base64: a word or number is not.
fn is_long(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().take(LONG).any(is);
    text.len() >= LONG
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && has(|byte| !byte.is_ascii_hexdigit())
}

/// What the letters of encodings are: digits of hex (of no bit), letters of base64 (RFC 4648 §4) or of its alphabet for
/// URLs (§5) alone, letters of both, and others.
#[expect(clippy::indexing_slicing, reason = "as many as there are bytes")]
const LETTERS: [u8; 256] = {
    let mut letters = [OTHER; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        letters[byte as usize] = match byte {
            b'+' | b'/' => STANDARD,
            b'-' | b'_' => URL,
            b'=' => BOTH,
            _ if byte.is_ascii_hexdigit() => 0,
            _ if byte.is_ascii_alphanumeric() => BOTH,
            _ => OTHER,
        };
        byte += 1;
    }
    letters
};
const BOTH: u8 = 1;
const STANDARD: u8 = 2;
const URL: u8 = 4;
const OTHER: u8 = 8;

/// Whether lines are as base64 is broken: of one length, the last one at most as long.
fn base64_lines(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).peekable();
    let width = lines.peek().map_or(0, |line| line.len());
    width >= 60
        && std::iter::from_fn(|| lines.next().map(|line| (line.len(), lines.peek().is_none())))
            .all(|(length, last)| length == width || (last && length < width))
}

/// Text, a beginning that is known, or one document of a format that is read. Random bytes are text once in a blue moon:
/// 9 bytes in about 10^4.
fn makes_sense(bytes: &[u8]) -> bool {
    if has_magic(bytes) {
        return true;
    }
    let text = bytes.len() >= 6
        && std::str::from_utf8(bytes)
            .is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()));
    text || shape::format(bytes).is_some() || utf16::is_text(bytes)
}

/// Whether the first bytes say what this is.
pub(crate) fn has_magic(bytes: &[u8]) -> bool {
    let known: &[&[u8]] = &[b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04", b"bplist00", sqlite::MAGIC];
    known.iter().any(|magic| bytes.starts_with(magic)) || compressed(bytes).is_some()
}

/// `%41` and `+` undone; what is no escape stays.
pub(crate) fn percent(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'%', b'+', rest) {
        let (before, sign) = rest.split_at(at);
        plain.extend_from_slice(before);
        let (byte, length) = match sign {
            [b'+', ..] => (b' ', 1),
            _ => escape(sign).map_or((b'%', 1), |byte| (byte, 3)),
        };
        plain.push(byte);
        rest = sign.get(length..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

/// Whether there is anything of the kind of `%41`.
fn has_escape(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).any(|at| bytes.get(at..).and_then(escape).is_some())
}

/// The byte that `%41` at the beginning stands for.
fn escape(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Nothing but tokens is looked for in what is plain: that must be right.
        #[test]
        fn what_is_plain_stands_for_nothing_else_and_letters_for_what_is_in_them(bytes in prop_oneof![
            "[ -~]{0,60}".prop_map(String::into_bytes),
            "[a-zA-Z0-9+/=_ .-]{0,40}".prop_map(String::into_bytes),
            "(data:|bplist|xz|hH|X\\\\)?[ -~]{0,30}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..30),
        ]) {
            let look = look(&bytes);
            if look != Look::Other {
                prop_assert!(compressed(&bytes).is_none());
                prop_assert!(look == Look::Letters || decoded(&bytes).is_none());
                prop_assert!(shape::format(&bytes).is_none());
                let opens = bytes.iter().any(|byte| b"&{[<".contains(byte)) || bytes.starts_with(b"bplist");
                prop_assert!(!opens);
            }
        }
    }

    #[test]
    fn data_urls_and_broken_lines_are_undone() {
        let picture = [b"\xff\xd8\xff".as_slice(), &[0; 200]].concat();
        let text = BASE64.encode(&picture);
        let url = format!("data:image/jpeg;base64,{text}");
        assert_eq!(decoded(url.as_bytes()), Some(("base64", picture.clone())));
        let lines: Vec<_> = text.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
        assert_eq!(decoded(lines.join("\r\n").as_bytes()), Some(("base64", picture)));
    }

    #[test]
    fn a_long_text_of_all_letters_is_base64_whatever_it_stands_for() {
        let piece: Vec<u8> = (0_u32..900).map(|at| at.wrapping_mul(0x9e37_79b1).to_be_bytes()[0]).collect();
        assert_eq!(decoded(BASE64.encode(&piece).as_bytes()), Some(("base64", piece.clone())));
        assert_eq!(decoded(BASE64.encode(piece.get(..300).unwrap()).as_bytes()), None);
        assert_eq!(decoded("longword".repeat(200).as_bytes()), None);
    }

    #[test]
    fn words_over_lines_are_no_base64() {
        assert_eq!(decoded(b"somewords\nmorewords"), None);
    }
}
