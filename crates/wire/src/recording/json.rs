//! One entry of a HAR as a tree, read leniently: of what is cut or wrong, all that came before stands.

use super::query::Query;

/// A value. Text is kept as it stands, escapes and all.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Text {
        raw: &'a [u8],
        cut: bool,
    },
    /// A number, `true`, `false`, `null`.
    Word(&'a [u8]),
    List(Vec<Self>),
    Object(Vec<(Vec<u8>, Self)>),
}

/// Values of one entry that are kept: each takes some forty bytes.
const MOST: usize = 1 << 20;

/// Deepest nesting that is followed.
const DEEPEST: usize = 64;

/// What a tree lacks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Lacks {
    /// A bound left something out.
    pub(super) bounded: bool,
    /// Bytes were passed over that are no JSON.
    pub(super) damaged: bool,
}

/// A tree, and what it lacks.
pub(super) fn parse<'a>(bytes: &'a [u8], cuts: &'a [usize]) -> (Node<'a>, Lacks) {
    let mut walk = Walk { bytes, at: 0, cuts, left: MOST, lacks: Lacks::default() };
    let node = walk.value(0).unwrap_or(Node::Word(b"null"));
    (node, walk.lacks)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where strings begin that were cut.
    cuts: &'a [usize],
    left: usize,
    lacks: Lacks,
}

impl<'a> Walk<'a> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// A value; `None` where none stands, or a bound is reached: nothing behind is read then.
    fn value(&mut self, depth: usize) -> Option<Node<'a>> {
        let first = self.peek()?;
        if self.left == 0 || depth > DEEPEST {
            self.lacks.bounded = true;
            self.at = self.bytes.len();
            return None;
        }
        self.left -= 1;
        match first {
            b'"' => {
                let (raw, cut) = self.string();
                Some(Node::Text { raw, cut })
            }
            b'{' => Some(self.object(depth)),
            b'[' => Some(self.list(depth)),
            b'}' | b']' | b',' | b':' => {
                self.lacks.damaged = true;
                None
            }
            _ => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                let length = rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
                self.lacks.damaged |= length == 0;
                let length = length.max(1);
                self.at += length;
                Some(Node::Word(rest.get(..length).unwrap_or_default()))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Node<'a> {
        self.at += 1;
        let mut fields = Vec::new();
        while let Some(next) = self.peek() {
            match next {
                b'"' => {
                    let key = unescape(self.string().0);
                    match self.peek() {
                        Some(b':') => self.at += 1,
                        Some(_) => self.lacks.damaged = true,
                        None => {}
                    }
                    if let Some(value) = self.value(depth + 1) {
                        fields.push((key, value));
                    }
                }
                b'}' => {
                    self.at += 1;
                    break;
                }
                // A list that ends here was not closed.
                b']' => {
                    self.lacks.damaged = true;
                    break;
                }
                other => {
                    self.lacks.damaged |= other != b',';
                    self.at += 1;
                }
            }
        }
        Node::Object(fields)
    }

    fn list(&mut self, depth: usize) -> Node<'a> {
        self.at += 1;
        let mut values = Vec::new();
        while let Some(next) = self.peek() {
            match next {
                b']' => {
                    self.at += 1;
                    break;
                }
                b'}' => {
                    self.lacks.damaged = true;
                    break;
                }
                b',' | b':' => {
                    self.lacks.damaged |= next == b':';
                    self.at += 1;
                }
                _ => values.extend(self.value(depth + 1)),
            }
        }
        Node::List(values)
    }

    /// A string without its marks, and whether its end is missing.
    fn string(&mut self) -> (&'a [u8], bool) {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        while let Some(byte) = self.bytes.get(self.at) {
            if *byte == b'"' && !escaped {
                let raw = self.bytes.get(start + 1..self.at).unwrap_or_default();
                self.at += 1;
                return (raw, self.cuts.binary_search(&start).is_ok());
            }
            self.lacks.damaged |= escaped && !b"\"\\/bfnrtu".contains(byte);
            escaped = *byte == b'\\' && !escaped;
            self.at += 1;
        }
        (self.bytes.get(start + 1..).unwrap_or_default(), true)
    }
}

/// A string with its escapes undone (RFC 8259 §7); what is no escape stands as it is.
pub(super) fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, behind) = rest.split_at(at);
        text.extend_from_slice(plain);
        rest = match behind {
            [_, b'n', rest @ ..] => one(&mut text, b'\n', rest),
            [_, b't', rest @ ..] => one(&mut text, b'\t', rest),
            [_, b'r', rest @ ..] => one(&mut text, b'\r', rest),
            [_, b'b', rest @ ..] => one(&mut text, 8, rest),
            [_, b'f', rest @ ..] => one(&mut text, 12, rest),
            [_, mark @ (b'"' | b'\\' | b'/'), rest @ ..] => one(&mut text, *mark, rest),
            [_, b'u', rest @ ..] if unit(rest).is_some() => character(&mut text, rest),
            [slash, rest @ ..] => one(&mut text, *slash, rest),
            [] => &[],
        };
    }
    text.extend_from_slice(rest);
    text
}

fn one<'a>(text: &mut Vec<u8>, byte: u8, rest: &'a [u8]) -> &'a [u8] {
    text.push(byte);
    rest
}

/// The character whose number stands at the front.
fn character<'a>(text: &mut Vec<u8>, rest: &'a [u8]) -> &'a [u8] {
    let (first, rest) = (unit(rest).unwrap_or_default(), rest.get(4..).unwrap_or_default());
    let second = match rest {
        [b'\\', b'u', after @ ..] if (0xd800..0xdc00).contains(&first) => unit(after),
        _ => None,
    };
    // Python writes a byte that is no UTF-8 as half of a pair (PEP 383), and so does mitmproxy.
    if let (0xdc80..=0xdcff, [low, _]) = (first, first.to_le_bytes()) {
        text.push(low);
    } else {
        let units = [Some(first), second].into_iter().flatten().collect::<Vec<_>>();
        text.extend_from_slice(String::from_utf16_lossy(&units).as_bytes());
    }
    if second.is_some() { rest.get(6..).unwrap_or_default() } else { rest }
}

fn unit(rest: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

impl<'a> Query for &'a Node<'a> {
    fn get(self, name: &str) -> Option<Self> {
        match self {
            // Where a key stands twice, readers of JSON take the last.
            Node::Object(fields) => {
                fields.iter().rev().find(|(key, _)| key == name.as_bytes()).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    fn list(self) -> impl Iterator<Item = Self> {
        match self {
            Node::List(values) => values.as_slice(),
            _ => &[],
        }
        .iter()
    }

    fn bytes(self) -> Option<(Vec<u8>, bool)> {
        match self {
            Node::Text { raw, cut } => Some((unescape(raw), *cut)),
            Node::Word(word) if *word != b"null" => Some((word.to_vec(), false)),
            _ => None,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Node::Text { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_what_is_none_stands() {
        assert_eq!(unescape(br"a\n\u00e4\ud83d\ude80\x\u12"), "a\nä🚀\\x\\u12".as_bytes());
        assert_eq!(unescape(br"\ud800!\"), "\u{fffd}!\\".as_bytes());
        assert_eq!(unescape(br"\udcff\udc80a"), [0xff, 0x80, b'a']);
    }

    #[test]
    fn a_tree_that_is_cut_holds_what_came_before() {
        let (node, lacks) = parse(br#"{"a": {"b": "c", "l": [1, {"d": "half"#, &[]);
        let inner = (&node).get("a").unwrap();
        assert_eq!(inner.text("b").as_deref(), Some("c"));
        let last = inner.get("l").unwrap().list().last().unwrap();
        assert_eq!(last.get("d").and_then(Query::bytes), Some((b"half".to_vec(), true)));
        assert_eq!(lacks, Lacks::default());
    }

    #[test]
    fn what_is_no_json_is_told() {
        for text in [
            r#"{"a" 1}"#,
            r#"{"a": }"#,
            r#"{x"a": 1}"#,
            r#"{"a": [1:2]}"#,
            r#"{"a": [1}"#,
            r#"{"a": "\x"}"#,
            r#"{"a": %}"#,
        ] {
            assert!(parse(text.as_bytes(), &[]).1.damaged, "{text}");
        }
        assert!(!parse(br#"{"a": [1, -2.5e3, true, null, "\u00e4\n"], "b": {}}"#, &[]).1.damaged);
    }

    #[test]
    fn endless_nesting_is_a_bound() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert!(parse(&deep, &[]).1.bounded);
    }
}
