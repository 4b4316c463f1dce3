//! Mail (RFC 5322): its header fields, and bodies in the encodings of MIME (RFC 2045, 2047).

use creance_model::{Carrier, Step};
use data_encoding::BASE64;

use super::Tree;

/// Header fields of one mail that are kept.
const MOST_FIELDS: usize = 256;

impl Tree<'_> {
    /// Takes a mail apart: what its header says, and its body.
    pub(crate) fn mail(&mut self, mail: &[u8]) {
        // Without fields there is but the empty line before the body.
        let end = match memchr::memmem::find(mail, b"\r\n\r\n") {
            _ if mail.starts_with(b"\r\n") => 0,
            found => found.map_or(mail.len(), |at| at + 2),
        };
        let (head, body) = mail.split_at(end);
        let (fields, others) = fields(head);
        if !others.is_empty() {
            let part = self.root(Carrier::Header, "lines", others, None);
            self.open(part);
        }
        for (name, value) in fields.iter().take(MOST_FIELDS) {
            let part = self.root(Carrier::Header, Step::Of("header", name), words(value), Some(name));
            self.open(part);
        }
        if fields.len() > MOST_FIELDS {
            self.reached("header fields");
        }
        let header =
            |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let body = body.strip_prefix(b"\r\n").unwrap_or(body);
        let part = self.root(Carrier::Body, "mail body", body, None);
        let part = self.transferred(part, header("content-transfer-encoding"));
        self.content(part, header("content-type").or(Some("text/plain")));
    }

    /// Takes off the encoding in which a body was transferred (RFC 2045 §6).
    pub(super) fn transferred(&mut self, part: usize, encoding: Option<&str>) -> usize {
        let (step, bytes) = match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "base64" => ("base64", base64(self.bytes(part))),
            "quoted-printable" => ("quoted-printable", quoted(self.bytes(part))),
            _ => return part,
        };
        self.child(part, step, bytes, None)
    }
}

/// Fields with their names in lower case, folded lines put together; and the lines that are none.
fn fields(head: &[u8]) -> (Vec<(String, String)>, String) {
    let (mut fields, mut others): (Vec<(String, String)>, String) = (Vec::new(), String::new());
    for line in String::from_utf8_lossy(head).lines() {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), fields.last_mut()) {
            value.push(' ');
            value.push_str(line.trim());
        } else if let Some((name, value)) = line.split_once(':') {
            if fields.len() <= MOST_FIELDS {
                fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
            }
        } else if !line.is_empty() {
            others.push_str(line);
            others.push('\n');
        }
    }
    (fields, others)
}

/// As much as can be decoded of letters in lines.
fn base64(bytes: &[u8]) -> Vec<u8> {
    let letters: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let whole = letters.get(..letters.len() - letters.len() % 4).unwrap_or_default();
    BASE64.decode(whole).unwrap_or_else(|error| {
        let sound = error.position - error.position % 4;
        BASE64.decode(whole.get(..sound).unwrap_or_default()).unwrap_or_default()
    })
}

/// `=41` is a byte, and `=` at the end of a line joins it with the next one (RFC 2045 §6.7).
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'=' {
            out.push(*first);
            continue;
        }
        match behind {
            [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => rest = after,
            [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                out.push(digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0));
                rest = after;
            }
            _ => out.push(b'='),
        }
    }
    out
}

/// Bytes in which an encoded word ends: it has 75 at most (RFC 2047 §2), and writers exceed that.
const MOST_WORD: usize = 256;

/// Words in other alphabets: `=?utf-8?B?…?=` (RFC 2047). Other character sets than UTF-8 stay as their bytes say.
fn words(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, word)) = rest.split_once("=?") {
        let near = word.get(..word.floor_char_boundary(MOST_WORD)).unwrap_or_default();
        let mut pieces = near.splitn(3, '?');
        let (charset, kind, behind) = (pieces.next(), pieces.next(), pieces.next());
        let decoded = charset.and(behind).and_then(|behind| {
            let (text, after) = behind.split_once("?=")?;
            let bytes = match kind? {
                "B" | "b" => base64(text.as_bytes()),
                "Q" | "q" => quoted(text.replace('_', " ").as_bytes()),
                _ => return None,
            };
            Some((String::from_utf8_lossy(&bytes).into_owned(), word.get(near.len() - after.len()..)?))
        });
        // Space between two such words is no part of them.
        if !(decoded.is_some() && before.trim().is_empty() && !out.is_empty()) {
            out.push_str(before);
        }
        if let Some((text, after)) = decoded {
            out.push_str(&text);
            rest = after;
        } else {
            out.push_str("=?");
            rest = word;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_mime_are_undone() {
        assert_eq!(quoted(b"a=3Db=\r\nc=\n=zz="), b"a=bc=zz=");
        assert_eq!(base64(b"aGVs\r\nbG8h\r\nxx!"), b"hello!");
        // The examples of RFC 2047 §8.
        assert_eq!(words("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>"), "Keith Moore <moore@cs.utk.edu>");
        assert_eq!(words("(=?UTF-8?Q?a?= =?UTF-8?Q?b?=)"), "(ab)");
        assert_eq!(words("a =?x? b"), "a =?x? b");
    }

    #[test]
    fn a_mail_without_fields_is_all_body_and_lines_that_are_none_are_kept() {
        let limits = crate::Limits::default();
        let parts = |mail: &[u8]| {
            let mut tree = Tree::new(&limits);
            tree.mail(mail);
            let (told, _) = tree.done();
            told.iter().map(|part| (part.step().into_owned(), part.bytes().to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(
            parts(b"\r\nbody\r\n\r\nmore").first().unwrap(),
            &("mail body".to_owned(), b"body\r\n\r\nmore".to_vec())
        );
        assert_eq!(
            parts(b"no field\r\nX: y\r\n\r\nz").first().unwrap(),
            &("lines".to_owned(), b"no field\n".to_vec())
        );
    }

    #[test]
    fn words_without_an_end_are_passed_in_linear_time() {
        let many = "=?x?Q?a ".repeat(100_000);
        let start = std::time::Instant::now();
        assert!(words(&many) == many);
        assert!(start.elapsed().as_secs() < 10);
    }
}
