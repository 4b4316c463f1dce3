//! Bodies taken apart into a tree of parts: JSON, forms, multipart, XML, property lists, tables, databases of `SQLite`, CBOR, `MessagePack`, protocol
//! buffers, tokens, and encodings inside values.
//!
//! Every part knows the step that leads to it; depth, number and size are bounded, and a bound that is reached is said.

mod cbor;
mod csv;
mod grpc;
mod items;
mod json;
mod jwt;
mod mail;
mod msgpack;
mod multipart;
mod nested;
mod path;
mod plist;
mod protobuf;
mod shape;
mod sqlite;
mod utf16;
mod xml;

use std::borrow::Cow;

pub(crate) use nested::{has_magic, percent};
pub use sqlite::with_wal;

use creance_model::{Carrier, Content, End, Part, Parts, Step};

use crate::Limits;

/// Deepest nesting of one document.
const DEEPEST: usize = 96;

/// Parts that room is made for before they come.
const MOST_EXPECTED: usize = 4096;

/// Why the walk through a document ended early.
#[derive(Debug)]
enum Stop {
    /// The bytes are over.
    Cut,
    /// This is not the format.
    Wrong,
    /// A limit was reached.
    Limit,
}

/// A tree of parts being grown.
pub(crate) struct Tree<'a> {
    parts: Parts,
    /// How deep each part lies; the message's own are at 1.
    depths: Vec<u32>,
    limits: &'a Limits,
    decoded: usize,
    limit: Option<&'static str>,
    /// Whether there are parts of multipart bodies.
    divided: bool,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { parts: Parts::default(), depths: Vec::new(), limits, decoded: 0, limit: None, divided: false }
    }

    /// The parts, and the limit that was reached first.
    pub(crate) fn done(self) -> (Parts, Option<&'static str>) {
        (self.parts, self.limit)
    }

    /// Whether there are parts of multipart bodies.
    pub(crate) const fn is_divided(&self) -> bool {
        self.divided
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
        self.parts.get(part).map_or(&[], Part::bytes)
    }

    /// A part that hangs on the message itself.
    pub(crate) fn root<'s>(
        &mut self,
        carrier: Carrier,
        step: impl Into<Step<'s>>,
        bytes: impl Into<Content<'s>>,
        name: Option<&str>,
    ) -> usize {
        self.depths.push(1);
        self.parts.add(carrier, None, step, name, bytes)
    }

    /// A part decoded from another.
    #[inline]
    pub(crate) fn child<'s>(
        &mut self,
        parent: usize,
        step: impl Into<Step<'s>>,
        bytes: impl Into<Content<'s>>,
        name: Option<&str>,
    ) -> usize {
        let carrier = self.parts.get(parent).map_or(Carrier::Body, Part::carrier);
        let above = self.depths.get(parent).copied().unwrap_or(0);
        self.depths.push(above.saturating_add(1));
        let bytes = bytes.into();
        self.decoded += bytes.length();
        self.parts.add(carrier, Some(parent), step, name, bytes)
    }

    /// Lends the bytes of a part out while the tree grows.
    pub(crate) fn lend<R>(&mut self, part: usize, read: impl FnOnce(&mut Self, &[u8]) -> R) -> R {
        let lent = self.parts.lend(part);
        read(self, &lent)
    }

    /// Makes room for so many parts, or as many as may come.
    fn expect(&mut self, parts: usize) {
        let parts = parts.min(MOST_EXPECTED);
        self.parts.reserve(parts);
        self.depths.reserve(parts);
    }

    /// Where the tree ends: it may be cut [`back`](Self::back) to here.
    const fn mark(&self) -> Mark {
        Mark { parts: self.parts.end(), decoded: self.decoded }
    }

    fn back(&mut self, mark: Mark) {
        self.parts.back(mark.parts);
        self.depths.truncate(mark.parts.parts());
        self.decoded = mark.decoded;
    }

    /// How many named fields have been added.
    fn named_since(&self, mark: Mark) -> usize {
        self.parts.iter().skip(mark.parts.parts()).filter(|part| part.is_named()).count()
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
        let depth = self.depths.get(part).map_or(0, |depth| *depth as usize);
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
        if let Some(kind) = media_type {
            self.parts.set_media_type(part, kind);
        }
        if self.inflated(part, media_type) {
            return;
        }
        let kind = essence(media_type.unwrap_or_default());
        let known = if kind.starts_with("multipart/") {
            self.multipart_content(part, media_type.unwrap_or_default())
        } else if kind.contains("x-www-form-urlencoded") {
            self.json(part) || self.form_content(part)
        } else if kind.starts_with("application/grpc") && !kind.ends_with("json") {
            self.grpc(part) || self.protobuf(part)
        } else if kind.contains("protobuf") {
            self.protobuf(part)
        } else if kind.contains("cbor") {
            self.cbor(part)
        } else if kind.contains("msgpack") {
            self.msgpack(part)
        } else if kind == "text/csv" || kind == "text/tab-separated-values" {
            self.csv(part)
        } else if kind.ends_with("/xml") || kind.ends_with("+xml") {
            self.xml(part, true)
        } else {
            false
        };
        if known || self.json(part) {
            return;
        }
        if may_be_a_form(&kind) && looks_like_a_form(self.bytes(part)) {
            self.form_content(part);
        } else if kind == "text/html" {
            // A page is no data.
            self.encoded(part);
        } else {
            self.otherwise(part);
        }
    }

    fn multipart_content(&mut self, part: usize, media_type: &str) -> bool {
        let boundary = multipart::boundary(media_type);
        if let Some(boundary) = &boundary {
            self.multipart(part, boundary);
        }
        boundary.is_some()
    }

    fn form_content(&mut self, part: usize) -> bool {
        self.lend(part, |tree, bytes| tree.form(part, "form", bytes, bytes));
        true
    }

    /// `a=b&c=d`, percent-decoded (WHATWG URL, application/x-www-form-urlencoded), in `whole`, which is all of the parent.
    pub(crate) fn form(&mut self, parent: usize, kind: &'static str, bytes: &[u8], whole: &[u8]) {
        let place = self.parts.place(parent);
        let plain = |bytes: &[u8]| memchr::memchr2(b'%', b'+', bytes).is_none();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if self.full() {
                return;
            }
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let name = if plain(name) { Cow::Borrowed(name) } else { Cow::Owned(percent(name)) };
            let name = String::from_utf8_lossy(&name);
            let value = value.get(1..).unwrap_or_default();
            let value =
                if plain(value) { Content::At(place.of(value, whole)) } else { Content::Own(percent(value)) };
            let part = self.child(parent, Step::Of(kind, &name), value, Some(&name));
            self.open(part);
        }
    }
}

/// Where a tree ended.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Mark {
    parts: End,
    decoded: usize,
}

/// A media type without its parameters, in lower case.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_lowercase()
}

/// Whether a body of this type may be a form: `navigator.sendBeacon` sends them as text.
fn may_be_a_form(kind: &str) -> bool {
    kind.is_empty()
        || (kind.starts_with("text/") && !["html", "css", "script", "xml"].iter().any(|of| kind.contains(of)))
}

fn looks_like_a_form(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default().trim_ascii_end();
    let at = head.iter().position(|byte| *byte == b'=').unwrap_or(0);
    at > 0
        && head.iter().take(at).all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte))
        // Prose has spaces, and base64 ends in what looks like an empty value.
        && head.iter().all(|byte| byte.is_ascii_graphic() || (*byte == b' ' && head.contains(&b'&')))
        && head.iter().skip(at).any(|byte| *byte != b'=')
}

/// Takes bytes apart as the body of a message would be.
pub fn expand(bytes: &[u8], media_type: Option<&str>, limits: &Limits) -> Parts {
    expanded(bytes, media_type, limits).0
}

/// As [`expand`], with the limit that was reached first, if one was.
pub fn expanded(bytes: &[u8], media_type: Option<&str>, limits: &Limits) -> (Parts, Option<&'static str>) {
    let mut tree = Tree::new(limits);
    let part = tree.root(Carrier::Body, "body", bytes, None);
    tree.content(part, media_type);
    tree.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(bytes: &[u8], kind: Option<&str>) -> Vec<(String, String)> {
        let parts = expand(bytes, kind, &Limits::default());
        parts
            .iter()
            .skip(1)
            .map(|part| (part.step().into_owned(), String::from_utf8_lossy(part.bytes()).into_owned()))
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
    fn forms_are_read_as_text_and_in_values_and_prose_is_not() {
        let told = [pair("form:lat", "24.745"), pair("form:lon", "121.042")];
        assert_eq!(steps(b"lat=24.745&lon=121.042", Some("text/plain;charset=UTF-8")), told);
        let inside = steps(br#"{"q":"lat=24.745&lon=121.042"}"#, Some("text/json"));
        assert_eq!(inside.get(2..).unwrap(), told);
        for text in ["a=b is what it says", "QWxhZGRpbjpvcGVuIA==", "x==", "see a=b", "<a=b>"] {
            let told = steps(text.as_bytes(), Some("text/plain"));
            assert!(told.iter().all(|(step, _)| !step.starts_with("form")), "{text}: {told:?}");
        }
        assert!(steps(b"a=b&c=d", Some("text/css")).is_empty());
    }

    #[test]
    fn the_end_of_a_type_says_the_format() {
        for (kind, bytes) in [
            ("application/problem+json", b"{\"a\":1}".as_slice()),
            ("application/senml+cbor; charset=x", b"\xa1\x61a\x01"),
            ("application/atom+xml", b"<r><a>1</a></r>"),
            ("application/vnd.google.protobuf", b"\x0a\x011"),
            ("application/vnd.msgpack", b"\x81\xa1a\x01"),
        ] {
            assert_eq!(
                steps(bytes, Some(kind)).last().map(|(_, bytes)| bytes.clone()),
                Some("1".to_owned()),
                "{kind}"
            );
        }
    }

    #[test]
    fn what_is_compressed_keeps_the_type_it_was_sent_with() {
        let body = b"\x0a\x03one";
        let packed = zstd::bulk::compress(body, 1).unwrap();
        let told = steps(&packed, Some("application/x-protobuf"));
        assert_eq!(told.last(), Some(&pair("protobuf:/1", "one")));
    }

    #[test]
    fn multipart_gives_each_part_with_its_file_name() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"A.JPG\"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--B--\r\n";
        let parts = expand(body, Some("multipart/form-data; boundary=B"), &Limits::default());
        assert!(parts.iter().any(|part| part.is("multipart:f") && part.bytes() == b"\xff\xd8\xff"));
        assert!(parts.iter().any(|part| part.is("multipart-filename") && part.bytes() == b"A.JPG"));
    }
}
