//! multipart bodies (RFC 2046, RFC 7578), nested.

use std::borrow::Cow;

use super::Tree;

/// The boundary that a media type names.
pub(super) fn boundary(media_type: &str) -> Option<String> {
    media_type.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })
}

impl Tree<'_> {
    pub(super) fn multipart(&mut self, parent: usize, boundary: &str) {
        let bytes = self.bytes(parent).to_vec();
        let mark = [b"--", boundary.as_bytes()].concat();
        let mut marks = find_all(&bytes, &mark).peekable();
        while let Some(start) = marks.next() {
            if self.full() {
                return;
            }
            let from = start + mark.len();
            // The last part may be cut: it reaches to the end then.
            let to = marks.peek().copied().unwrap_or(bytes.len());
            let Some(part) = bytes.get(from..to).filter(|part| !part.starts_with(b"--")) else { continue };
            self.one(parent, part);
        }
    }

    fn one(&mut self, parent: usize, part: &[u8]) {
        let Some(head) = find_all(part, b"\r\n\r\n").next() else { return };
        let (lines, content) = part.split_at(head);
        let content = content.get(4..).unwrap_or_default();
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
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
        let step = format!("multipart:{}", name.as_deref().unwrap_or_default());
        let child = self.child(parent, Cow::Owned(step), content.to_vec(), name);
        if let Some(file) = file {
            self.child(
                child,
                Cow::Borrowed("multipart-filename"),
                file.into_bytes(),
                Some("multipart-filename".to_owned()),
            );
        }
        self.content(child, header("content-type").as_deref());
    }
}

/// `name="value"` in a Content-Disposition.
fn parameter(disposition: &str, name: &str) -> Option<String> {
    disposition.split(';').skip(1).find_map(|parameter| {
        let (known, value) = parameter.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Where `needle` stands in `bytes`, not overlapping.
fn find_all<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    let first = needle.first().copied();
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(from..)?;
            let at = from + rest.iter().position(|byte| Some(*byte) == first)?;
            if bytes.get(at..)?.starts_with(needle) {
                from = at + needle.len();
                return Some(at);
            }
            from = at + 1;
        }
    })
}
