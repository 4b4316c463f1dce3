//! Bodies taken apart into a tree of parts: JSON, forms, multipart, and encodings inside values.
//!
//! Every part knows the step that leads to it; depth, number and size are bounded, and a bound that is reached is said.

mod json;
mod multipart;
mod nested;

use std::borrow::Cow;

use creance_model::{Carrier, Part};

use crate::Limits;

/// A tree of parts being grown.
pub(crate) struct Tree<'a> {
    parts: Vec<Part>,
    limits: &'a Limits,
    decoded: usize,
    limit: Option<&'static str>,
}

impl<'a> Tree<'a> {
    pub(crate) const fn new(limits: &'a Limits) -> Self {
        Self { parts: Vec::new(), limits, decoded: 0, limit: None }
    }

    /// The parts, and the limit that was reached first.
    pub(crate) fn done(self) -> (Vec<Part>, Option<&'static str>) {
        (self.parts, self.limit)
    }

    /// Notes that a limit was reached.
    pub(crate) fn reached(&mut self, what: &'static str) {
        self.limit.get_or_insert(what);
    }

    /// Bytes that may still be decoded.
    pub(crate) const fn room(&self) -> usize {
        self.limits.decoded.saturating_sub(self.decoded)
    }

    pub(crate) fn bytes(&self, part: usize) -> &[u8] {
        self.parts.get(part).map_or(&[], |part| part.bytes.as_slice())
    }

    /// A part that hangs on the message itself.
    pub(crate) fn root(
        &mut self,
        carrier: Carrier,
        step: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
        name: Option<String>,
    ) -> usize {
        self.push(Part {
            carrier,
            parent: None,
            step: step.into(),
            name,
            bytes,
            media_type: None,
            packets: Vec::new(),
        })
    }

    /// A part decoded from another.
    pub(crate) fn child(
        &mut self,
        parent: usize,
        step: Cow<'static, str>,
        bytes: Vec<u8>,
        name: Option<String>,
    ) -> usize {
        let carrier = self.parts.get(parent).map_or(Carrier::Body, |part| part.carrier);
        self.decoded += bytes.len();
        self.push(Part {
            carrier,
            parent: Some(parent),
            step,
            name,
            bytes,
            media_type: None,
            packets: Vec::new(),
        })
    }

    fn push(&mut self, part: Part) -> usize {
        self.parts.push(part);
        self.parts.len() - 1
    }

    /// Whether another part may be added.
    fn full(&mut self) -> bool {
        if self.parts.len() >= self.limits.parts {
            self.reached("number of parts");
        } else if self.decoded >= self.limits.decoded {
            self.reached("decoded bytes");
        } else {
            return false;
        }
        true
    }

    /// Whether a part is too deep to go on from.
    fn too_deep(&mut self, part: usize) -> bool {
        let mut depth = 0;
        let mut next = Some(part);
        while let Some(part) = next.and_then(|part| self.parts.get(part)) {
            depth += 1;
            next = part.parent;
        }
        if depth > self.limits.depth {
            self.reached("depth of parts");
        }
        depth > self.limits.depth
    }

    /// Takes a body apart by its media type, or by its first bytes.
    pub(crate) fn content(&mut self, part: usize, media_type: Option<&str>) {
        if self.full() || self.too_deep(part) {
            return;
        }
        if let (Some(kind), Some(part)) = (media_type, self.parts.get_mut(part)) {
            part.media_type = Some(kind.to_owned());
        }
        let kind = media_type.unwrap_or_default().to_lowercase();
        if kind.starts_with("multipart/") {
            if let Some(boundary) = multipart::boundary(media_type.unwrap_or_default()) {
                self.multipart(part, &boundary);
            }
        } else if kind.contains("x-www-form-urlencoded") {
            let bytes = self.bytes(part).to_vec();
            if !self.json(part) {
                self.form(part, "form", &bytes);
            }
        } else if self.json(part) {
        } else if kind.is_empty() && looks_like_a_form(self.bytes(part)) {
            let bytes = self.bytes(part).to_vec();
            self.form(part, "form", &bytes);
        } else {
            self.open(part);
        }
    }

    /// `a=b&c=d`, percent-decoded (WHATWG URL, application/x-www-form-urlencoded).
    pub(crate) fn form(&mut self, parent: usize, kind: &str, bytes: &[u8]) {
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if self.full() {
                return;
            }
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let name = String::from_utf8_lossy(&nested::percent(name)).into_owned();
            let value = nested::percent(value.get(1..).unwrap_or_default());
            let part = self.child(parent, Cow::Owned(format!("{kind}:{name}")), value, Some(name));
            self.open(part);
        }
    }
}

fn looks_like_a_form(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let at = head.iter().position(|byte| *byte == b'=').unwrap_or(0);
    at > 0
        && head.iter().take(at).all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte))
        && head.iter().all(|byte| (0x20..0x7f).contains(byte) || matches!(byte, b'\r' | b'\n'))
}

/// Takes bytes apart as the body of a message would be. For other crates' tests and for fuzzing.
pub fn expand(bytes: &[u8], media_type: Option<&str>, limits: &Limits) -> Vec<Part> {
    let mut tree = Tree::new(limits);
    let part = tree.root(Carrier::Body, "body", bytes.to_vec(), None);
    tree.content(part, media_type);
    tree.done().0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(bytes: &[u8], kind: Option<&str>) -> Vec<(String, String)> {
        let parts = expand(bytes, kind, &Limits::default());
        parts
            .iter()
            .skip(1)
            .map(|part| (part.step.to_string(), String::from_utf8_lossy(&part.bytes).into_owned()))
            .collect()
    }

    fn pair(step: &str, bytes: &str) -> (String, String) {
        (step.to_owned(), bytes.to_owned())
    }

    #[test]
    fn json_gives_objects_and_their_fields() {
        let told = steps(br#"{"pos":{"lat":24.75,"lon":121.0},"z":"x"}"#, Some("application/json"));
        assert_eq!(
            told,
            [
                pair("json:/", ""),
                pair("json:/pos", ""),
                pair("json:/pos/lat", "24.75"),
                pair("json:/pos/lon", "121.0"),
                pair("json:/z", "x")
            ]
        );
    }

    #[test]
    fn base64_inside_a_value_is_undone() {
        let told = steps(br#"{"d":"eyJtYWlsIjoiYUBiLmV4YW1wbGUifQ=="}"#, None);
        assert!(told.contains(&pair("json:/mail", "a@b.example")), "{told:?}");
    }

    #[test]
    fn multipart_gives_each_part_with_its_file_name() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"A.JPG\"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--B--\r\n";
        let parts = expand(body, Some("multipart/form-data; boundary=B"), &Limits::default());
        assert!(parts.iter().any(|part| part.step == "multipart:f" && part.bytes == b"\xff\xd8\xff"));
        assert!(parts.iter().any(|part| part.step == "multipart-filename" && part.bytes == b"A.JPG"));
    }
}
