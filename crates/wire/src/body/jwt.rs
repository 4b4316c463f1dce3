//! JSON web tokens (RFC 7519) in values: their header and their claims become parts.
//!
//! The token itself stays in the value that holds it. A signed token has three segments, an encrypted one has five, of
//! which the first can be read.

use data_encoding::BASE64URL_NOPAD;
use memchr::memmem;

use super::{Tree, shape};

/// Bytes of a value that are searched, and tokens of it that are opened.
const MOST_BYTES: usize = 64 << 10;
const MOST_TOKENS: usize = 16;

/// Bytes of the shortest token: its header says `"alg"`, in base64.
const SHORTEST: usize = 12;

/// What may stand beside a token that is all of a value: `Bearer `, quotes.
const BESIDE: usize = 12;

impl Tree<'_> {
    /// Opens the tokens in a value. False if there is none.
    pub(super) fn tokens(&mut self, part: usize) -> bool {
        let bytes = self.bytes(part);
        let head = bytes.get(..bytes.len().min(MOST_BYTES)).unwrap_or_default();
        // Most values are none, and this is quickly seen.
        if head.len() < SHORTEST {
            return false;
        }
        let mut points = memchr::memchr_iter(b'.', head);
        if points.nth(1).is_none() || !BEGINNINGS.iter().any(|begin| memmem::find(head, begin).is_some()) {
            return false;
        }
        let found: Vec<Token> = tokens(head).take(MOST_TOKENS).collect();
        if found.is_empty() {
            return false;
        }
        let beside = bytes.len() - found.iter().map(|token| token.length).sum::<usize>();
        // A part that has others below it is not read as text any more: what stands beside the tokens would be lost.
        if beside > BESIDE && shape::is_text(bytes) {
            let text = bytes.to_vec();
            self.child(part, "text", text, None);
        }
        for token in found {
            for (step, bytes) in [("jwt:header", Some(token.header)), ("jwt:claims", token.claims)] {
                if let Some(bytes) = bytes.filter(|_| !self.full()) {
                    let child = self.child(part, step, bytes, None);
                    self.content(child, None);
                }
            }
        }
        true
    }
}

struct Token {
    length: usize,
    header: Vec<u8>,
    claims: Option<Vec<u8>>,
}

/// How `{"`, and a brace at the end of a line, begin in base64.
const BEGINNINGS: [&[u8]; 2] = [b"eyJ", b"ewog"];

/// The tokens in a text.
fn tokens(text: &[u8]) -> impl Iterator<Item = Token> + '_ {
    let words = text.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
    words.filter(|word| BEGINNINGS.iter().any(|begin| word.starts_with(begin))).filter_map(token)
}

fn token(word: &[u8]) -> Option<Token> {
    let mut segments = word.split(|byte| *byte == b'.');
    let (header, claims) = (segments.next()?, segments.next()?);
    let further = segments.count();
    let decode = |segment: &[u8]| BASE64URL_NOPAD.decode(segment).ok();
    let header = decode(header).filter(|header| header.windows(5).any(|some| some == b"\"alg\""))?;
    let claims = if further == 1 { Some(decode(claims)?) } else { None };
    matches!(further, 1 | 3).then_some(Token { length: word.len(), header, claims })
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::{Limits, expand};

    fn segment(text: &str) -> String {
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn steps(text: &str) -> Vec<(String, String)> {
        expand(text.as_bytes(), None, &Limits::default())
            .iter()
            .skip(1)
            .map(|part| (part.step().into_owned(), String::from_utf8_lossy(part.bytes()).into_owned()))
            .collect()
    }

    #[test]
    fn header_and_claims_are_parts_wherever_a_token_stands() {
        let token =
            format!("{}.{}.c2ln", segment(r#"{"alg":"HS256"}"#), segment(r#"{"email":"a@b.example"}"#));
        let expected = [
            ("jwt:header", r#"{"alg":"HS256"}"#),
            ("json:/", ""),
            ("json:/alg", "HS256"),
            ("jwt:claims", r#"{"email":"a@b.example"}"#),
            ("json:/", ""),
            ("json:/email", "a@b.example"),
        ]
        .map(|(step, bytes)| (step.to_owned(), bytes.to_owned()));
        assert_eq!(steps(&token), expected);
        assert_eq!(steps(&format!("Bearer {token}")), expected);
        let sentence = format!("ask ops@b.example, not with {token}");
        let told = steps(&sentence);
        assert_eq!(told[0], ("text".to_owned(), sentence));
        assert_eq!(told[1..], expected);
        let inside = steps(&format!(r#"{{"t":"{token}"}}"#));
        assert_eq!(inside[1], ("json:/t".to_owned(), token));
        assert_eq!(inside[2..], expected);
    }

    #[test]
    fn of_an_encrypted_token_the_header_is_read() {
        let told = steps(&format!("{}.QQ.QQ.QQ.QQ", segment(r#"{"alg":"dir","enc":"A128GCM"}"#)));
        assert_eq!(told[0].0, "jwt:header");
        assert!(told.iter().all(|(step, _)| step != "jwt:claims"));
    }

    #[test]
    fn other_dotted_words_are_none() {
        for text in ["www.example.org", "eyJx.eyJx.x", "eyJhIjoxfQ.eyJhIjoxfQ.c2ln", "1.2.3"] {
            assert!(steps(text).is_empty(), "{text}");
        }
    }
}
