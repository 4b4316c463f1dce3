//! multipart bodies (RFC 2046, RFC 7578), nested.

use creance_model::Step;
use memchr::memmem;

use super::Tree;

/// The boundary that a media type names.
pub(super) fn boundary(media_type: &str) -> Option<String> {
    parameter(media_type, "boundary").filter(|boundary| !boundary.is_empty())
}

impl Tree<'_> {
    pub(super) fn multipart(&mut self, parent: usize, boundary: &str) {
        self.lend(parent, |tree, bytes| tree.divided(parent, bytes, boundary));
    }

    fn divided(&mut self, parent: usize, bytes: &[u8], boundary: &str) {
        let mark = [b"--", boundary.as_bytes()].concat();
        // A boundary stands at the beginning of a line and fills it (RFC 2046 §5.1.1): one that begins with another
        // is not it.
        let alone = |at: &usize| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let behind = bytes.get(at + mark.len()..).unwrap_or_default();
            matches!(before, None | Some(b'\n'))
                && matches!(behind, [] | [b'\r' | b'\n' | b' ' | b'\t', ..] | [b'-', b'-', ..])
        };
        let mut marks = memmem::find_iter(bytes, &mark).filter(alone).peekable();
        while let Some(start) = marks.next() {
            if self.full() {
                return;
            }
            let from = start + mark.len();
            // The last part may be cut: it reaches to the end then.
            let to = marks.peek().copied().unwrap_or(bytes.len());
            let Some(part) = bytes.get(from..to).filter(|part| !part.starts_with(b"--")) else { continue };
            self.one(parent, part, bytes);
        }
    }

    /// One part, in `whole`, which is all of the parent.
    fn one(&mut self, parent: usize, part: &[u8], whole: &[u8]) {
        // Some clients write bare line feeds.
        let usual = memmem::find(part, b"\r\n\r\n");
        let before = part.get(..usual.unwrap_or(part.len())).unwrap_or_default();
        let bare = memmem::find(before, b"\n\n").map(|at| (at, 2));
        let Some((head, end)) = bare.or(usual.map(|at| (at, 4))) else { return };
        let (lines, content) = part.split_at(head);
        let content = content.get(end..).unwrap_or_default();
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let lines = String::from_utf8_lossy(lines);
        let header = |name: &str| {
            lines.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let disposition = header("content-disposition").unwrap_or_default();
        let name = parameter(&disposition, "name");
        let file = parameter(&disposition, "filename");
        let step = Step::Of("multipart", name.as_deref().unwrap_or_default());
        let place = self.parts.place(parent).of(content, whole);
        let child = self.child(parent, step, place, name.as_deref());
        self.divided = true;
        if let Some(file) = file {
            self.child(child, "multipart-filename", file, Some("multipart-filename"));
        }
        let child = self.transferred(child, header("content-transfer-encoding").as_deref());
        self.content(child, header("content-type").as_deref());
    }
}

/// `name="value"` behind the first semicolon of a field; a value in quotes may hold semicolons.
fn parameter(field: &str, name: &str) -> Option<String> {
    let (_, mut rest) = field.split_once(';')?;
    loop {
        let (known, behind) = rest.split_once('=')?;
        // A parameter without value may come before.
        let known = known.rsplit(';').next().unwrap_or(known).trim();
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => behind.split_once(';').map_or((behind, ""), |(value, after)| (value.trim_end(), after)),
        };
        if known.eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, expand};

    #[test]
    fn a_quoted_value_may_hold_a_semicolon() {
        let field = "form-data; name=\"f\"; filename=\"a;b.jpg\"";
        assert_eq!(parameter(field, "filename").as_deref(), Some("a;b.jpg"));
        assert_eq!(parameter(field, "name").as_deref(), Some("f"));
        assert_eq!(boundary("multipart/mixed; charset=x; boundary=B").as_deref(), Some("B"));
        assert_eq!(boundary("multipart/mixed"), None);
    }

    #[test]
    fn a_longer_boundary_inside_is_not_this_one_and_line_feeds_do() {
        let body = b"--B\nContent-Disposition: form-data; name=\"a\"\n\none --B2 two\n--B\n\
            Content-Disposition: form-data; name=\"b\"\n\nx\n--B--\n";
        let parts = expand(body, Some("multipart/form-data; boundary=B"), &Limits::default());
        let told: Vec<_> = parts.iter().skip(1).map(|part| (part.step(), part.bytes())).collect();
        assert_eq!(told, [("multipart:a".into(), b"one --B2 two".as_slice()), ("multipart:b".into(), b"x")]);
    }
}
