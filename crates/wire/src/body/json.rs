//! JSON (RFC 8259) and JSON lines: a part for each object, and under it one for each value that is no object.
//!
//! The walk is over the bytes, not over a tree of values: a key that stands twice gives two parts, numbers keep the
//! digits they were sent with, and of a document that is cut all that came before the cut is there.

use std::borrow::Cow;

use creance_model::{Content, Place, Step};

use super::{DEEPEST, Stop, Tree, path};

/// Values that must have been read of a document that goes on as something else, for them to count.
const FEWEST: usize = 2;

/// Bytes that a value takes with its key, about.
const BYTES_PER_PART: usize = 12;

/// What servers put in front of JSON so that it is no script.
const GUARD: &[u8] = b")]}'";

impl Tree<'_> {
    /// Takes a part apart as JSON. False if it is none.
    pub(super) fn json(&mut self, part: usize) -> bool {
        let begins = matches!(unguarded(self.bytes(part)).trim_ascii_start().first(), Some(b'{' | b'['));
        begins && self.lend(part, |tree, bytes| tree.documents(part, bytes))
    }

    /// Takes documents one behind another apart.
    fn documents(&mut self, part: usize, bytes: &[u8]) -> bool {
        self.expect(bytes.len() / BYTES_PER_PART);
        let mut walk = Walk { rest: unguarded(bytes), whole: bytes, place: self.parts.place(part) };
        let (begin, mut read) = (self.mark(), false);
        loop {
            walk.space();
            if !matches!(walk.rest.first(), Some(b'{' | b'[')) {
                break;
            }
            let before = self.mark();
            let start = walk.rest;
            let end = walk.value(self, part, Step::Document("json"), None, 0);
            match end {
                Ok(()) => read = true,
                Err(Stop::Limit) => return true,
                Err(Stop::Cut) if self.named_since(before) > 0 => return true,
                Err(Stop::Wrong) if self.named_since(before) >= FEWEST => {
                    read = true;
                    break;
                }
                Err(_) => {
                    self.back(before);
                    walk.rest = start;
                    break;
                }
            }
        }
        if read && !walk.rest.is_empty() {
            // `[] buy milk`.
            if self.named_since(begin) == 0 {
                self.back(begin);
                return false;
            }
            // What is no JSON is not lost.
            if !self.full() {
                self.child(part, "rest", walk.place.of(walk.rest, walk.whole), None);
            }
        }
        read
    }
}

/// A document without what may stand in front of it.
fn unguarded(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.strip_prefix(GUARD).map_or(bytes, |rest| rest.strip_prefix(b",").unwrap_or(rest))
}

struct Walk<'b> {
    rest: &'b [u8],
    /// All that is walked through, and where it lies.
    whole: &'b [u8],
    place: Place,
}

impl<'b> Walk<'b> {
    fn space(&mut self) {
        // Programs write none.
        if self.rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.rest = self.rest.trim_ascii_start();
        }
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::Cut)?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next byte that is no space.
    fn mark(&mut self) -> Result<u8, Stop> {
        self.space();
        self.next()
    }

    fn value(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        step: Step<'_>,
        name: Option<&str>,
        depth: usize,
    ) -> Result<(), Stop> {
        if tree.full() {
            return Err(Stop::Limit);
        }
        if depth > DEEPEST {
            tree.reached("depth of parts");
            return Err(Stop::Limit);
        }
        self.space();
        match self.rest.first() {
            Some(b'{') => self.object(tree, parent, step, depth),
            Some(b'[') => self.array(tree, parent, step, name, depth),
            Some(b'"') => {
                let start = self.rest;
                self.next()?;
                let text = self.string().inspect_err(|_| self.rest = start)?;
                let text = match text {
                    Cow::Borrowed(text) => self.place.of(text, self.whole).into(),
                    Cow::Owned(text) => Content::Own(text),
                };
                let leaf = tree.child(parent, step, text, Some(name.unwrap_or_default()));
                tree.open(leaf);
                Ok(())
            }
            Some(_) => {
                let word = self.word()?;
                if word != b"null" {
                    let word = self.place.of(word, self.whole);
                    tree.child(parent, step, word, Some(name.unwrap_or_default()));
                }
                Ok(())
            }
            None => Err(Stop::Cut),
        }
    }

    fn object(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        step: Step<'_>,
        depth: usize,
    ) -> Result<(), Stop> {
        self.next()?;
        self.space();
        if self.rest.first() == Some(&b'}') && depth > 0 {
            return self.next().map(drop);
        }
        let object = tree.child(parent, step, Place::default(), None);
        let mut mark = self.mark()?;
        while mark != b'}' {
            if mark != b'"' {
                return Err(Stop::Wrong);
            }
            let key = self.string()?;
            let key = match std::str::from_utf8(&key) {
                Ok(key) => Cow::Borrowed(key),
                Err(_) => String::from_utf8_lossy(&key),
            };
            let key = path::key(&key);
            if self.mark()? != b':' {
                return Err(Stop::Wrong);
            }
            self.value(tree, object, Step::Key(key), Some(key), depth + 1)?;
            mark = match self.mark()? {
                b',' => self.mark()?,
                b'}' => b'}',
                _ => return Err(Stop::Wrong),
            };
        }
        Ok(())
    }

    fn array(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        step: Step<'_>,
        name: Option<&str>,
        depth: usize,
    ) -> Result<(), Stop> {
        self.next()?;
        let array = tree.child(parent, step, Place::default(), None);
        for index in 0_usize.. {
            // An empty array, or a comma behind the last value.
            self.space();
            if self.rest.first() == Some(&b']') {
                return self.next().map(drop);
            }
            self.value(tree, array, Step::Index(index), name, depth + 1)?;
            match self.mark()? {
                b',' => {}
                b']' => break,
                _ => return Err(Stop::Wrong),
            }
        }
        Ok(())
    }

    /// A number, `true`, `false` or `null`, and what some writers give for numbers that are none. One that ends with the
    /// bytes may go on: it does not count.
    fn word(&mut self) -> Result<&'b [u8], Stop> {
        let mut seen = 0;
        let mut ends = |byte: &u8| {
            let class = WORDS.get(usize::from(*byte)).copied().unwrap_or(END);
            seen |= class;
            class == END
        };
        let length = self.rest.iter().position(&mut ends).ok_or(Stop::Cut)?;
        let (word, rest) = self.rest.split_at(length);
        let number = seen & (DIGIT | LETTER) == DIGIT && matches!(word.first(), Some(b'-' | b'0'..=b'9'));
        let known = || matches!(word, b"true" | b"false" | b"null" | b"NaN" | b"Infinity" | b"-Infinity");
        if !number && !known() {
            return Err(Stop::Wrong);
        }
        self.rest = rest;
        Ok(word)
    }

    /// The rest of a string, escapes undone; bytes that are not UTF-8 stay as they are.
    fn string(&mut self) -> Result<Cow<'b, [u8]>, Stop> {
        let mut text = Vec::new();
        loop {
            let length = end_of_plain(self.rest).ok_or(Stop::Cut)?;
            let (plain, rest) = self.rest.split_at(length);
            self.rest = rest;
            if self.next()? == b'"' {
                if text.is_empty() {
                    return Ok(Cow::Borrowed(plain));
                }
                text.extend_from_slice(plain);
                return Ok(Cow::Owned(text));
            }
            text.extend_from_slice(plain);
            match self.next()? {
                b'n' => text.push(b'\n'),
                b't' => text.push(b'\t'),
                b'r' => text.push(b'\r'),
                b'b' => text.push(8),
                b'f' => text.push(12),
                b'u' => {
                    let first = self.unit()?;
                    let mut units = [first, 0];
                    let mut length = 1;
                    if let (0xd800..=0xdbff, [b'\\', b'u', after @ ..]) = (first, self.rest) {
                        self.rest = after;
                        units = [first, self.unit()?];
                        length = 2;
                    }
                    let decoded = char::decode_utf16(units.into_iter().take(length));
                    for c in decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)) {
                        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                other @ (b'"' | b'\\' | b'/') => text.push(other),
                _ => return Err(Stop::Wrong),
            }
        }
    }

    fn unit(&mut self) -> Result<u16, Stop> {
        let (digits, rest) = self.rest.split_first_chunk::<4>().ok_or(Stop::Cut)?;
        self.rest = rest;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Stop::Wrong);
        }
        std::str::from_utf8(digits)
            .ok()
            .and_then(|text| u16::from_str_radix(text, 16).ok())
            .ok_or(Stop::Wrong)
    }
}

/// What the bytes of words are: digits, signs in numbers (of no bit), letters, and what ends them.
#[expect(clippy::indexing_slicing, reason = "as many as there are bytes")]
const WORDS: [u8; 256] = {
    let mut classes = [END; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => DIGIT,
            b'+' | b'-' | b'.' | b'e' | b'E' => 0,
            _ if byte.is_ascii_alphabetic() => LETTER,
            _ => END,
        };
        byte += 1;
    }
    classes
};
const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const END: u8 = 4;

/// Where the next quote or escape is.
fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    // Most strings are so short that a search with vectors has no use: eight bytes are looked at as one number, and a
    // byte of it becomes nothing where it is the one that is looked for.
    let zeros = |number: u64| number.wrapping_sub(ONES) & !number & (ONES << 7);
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).filter(|_| at < USUAL_STRING).and_then(<[u8]>::first_chunk) {
        let eight = u64::from_le_bytes(*eight);
        let found = zeros(eight ^ (ONES * u64::from(b'"'))) | zeros(eight ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', bytes.get(at..)?).map(|behind| at + behind)
}

/// Bytes of most keys and short values.
const USUAL_STRING: usize = 24;

/// A one in each byte.
const ONES: u64 = u64::from_le_bytes([1; 8]);

#[cfg(test)]
mod tests {
    use crate::{Limits, expand};

    fn leaves(bytes: &[u8]) -> Vec<String> {
        expand(bytes, Some("application/json"), &Limits::default())
            .iter()
            .filter(|part| part.is_named())
            .map(|part| format!("{}={}", part.step(), String::from_utf8_lossy(part.bytes())))
            .collect()
    }

    #[test]
    fn a_key_that_stands_twice_counts_twice_and_digits_stay() {
        assert_eq!(
            leaves(br#"{"a":24.744672000,"a":1e3,"big":12345678901234567890123}"#),
            ["json:/a=24.744672000", "json:/a=1e3", "json:/big=12345678901234567890123"]
        );
    }

    #[test]
    fn what_came_before_a_cut_is_kept_and_a_cut_value_is_not() {
        assert_eq!(leaves(br#"{"a":{"mail":"m@x.example"},"lat":24.7"#), ["json:/a/mail=m@x.example"]);
        assert!(leaves(b"[2026").is_empty());
        assert!(leaves(b"{not json}").is_empty());
        assert!(leaves(b"[a link](x) and {\"b\":1}").is_empty());
    }

    #[test]
    fn small_faults_do_not_lose_a_document() {
        let told = ["json:/a=NaN", "json:/b/0=-Infinity", "json:/c=1"];
        assert_eq!(leaves(br#"{"a":NaN,"b":[-Infinity,],"c":1,}"#), told);
        assert_eq!(leaves(b")]}',\n{\"a\":1}"), ["json:/a=1"]);
        assert_eq!(leaves(br#"{"a":1,"b":2,'c':"d"}"#), ["json:/a=1", "json:/b=2"]);
        assert!(leaves(br#"{"a":1,'c':2}"#).is_empty());
        assert!(leaves(b"[,]").is_empty() && leaves(b"[1,,2]").is_empty());
    }

    #[test]
    fn what_follows_json_is_not_lost() {
        let rest = |bytes: &[u8]| {
            let parts = expand(bytes, None, &Limits::default());
            parts
                .iter()
                .find(|part| part.is("rest"))
                .map(|part| String::from_utf8(part.bytes().to_vec()).unwrap())
        };
        assert_eq!(rest(b"{\"a\":1} by a@b.example"), Some("by a@b.example".to_owned()));
        assert_eq!(rest(br#"{"a":1,"b":2,"c":"\x41","d":3}"#), Some(r#""\x41","d":3}"#.to_owned()));
        assert_eq!(rest(br#"{"a":1,"b":2,"c":undefined}"#), Some("undefined}".to_owned()));
        assert_eq!(rest(b"{\"a\":1}\n{\"a\":2}\n"), None);
        assert_eq!(rest(b"[] buy milk"), None);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(
            leaves(br#"{"a":"\u00e9\ud83d\ude00\ud800\"\/\n"}"#),
            ["json:/a=\u{e9}\u{1f600}\u{fffd}\"/\n"]
        );
        assert_eq!(leaves(br#"{"a/b~":["x",{"c":true}]}"#), ["json:/a~1b~0/0=x", "json:/a~1b~0/1/c=true"]);
    }

    #[test]
    fn a_long_key_over_many_values_takes_little_memory() {
        let body = format!("{{\"{}\":[{}1]}}", "k".repeat(1 << 20), "1,".repeat(15_000));
        let parts = expand(body.as_bytes(), None, &Limits::default());
        assert!(parts.len() > 15_000);
        assert!(parts.held() < 4 << 20, "{}", parts.held());
    }

    #[test]
    fn deep_nesting_ends_and_lines_are_read() {
        assert!(expand("[".repeat(100_000).as_bytes(), None, &Limits::default()).len() < 200);
        assert_eq!(leaves(b"{\"a\":1}\n{\"a\":2}\n"), ["json:/a=1", "json:/a=2"]);
    }
}
