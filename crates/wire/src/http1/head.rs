//! The head of an HTTP/1 message, and of those that are like it (RTSP, SIP, SSDP): its first line and its fields.

use std::borrow::Cow;

use creance_model::{Field, Value};

use super::State;
use crate::{Probe, http};

/// A head, read leniently: what a server may accept is evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) line: Line,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// Whether there were more fields than are kept.
    pub(crate) more: bool,
}

/// The first line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    Request { method: String, target: String },
    Status { status: u16 },
}

/// How the version of HTTP/1 begins.
const HTTP: &str = "HTTP/1.";

/// Room for fields, that most heads need no more.
const USUAL_FIELDS: usize = 12;

/// Fields of one head that are kept.
const MOST_FIELDS: usize = 256;

/// Fields that say how a message is to be read, or are told of each: of what is not kept no others are remembered.
const SHAPING: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "user-agent",
    "accept",
    "upgrade",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
];

fn shapes(name: &[u8]) -> bool {
    // Their lengths tell nearly all others apart.
    let long = |shaping: &&&str| shaping.len() == name.len();
    SHAPING.iter().filter(long).any(|shaping| name.eq_ignore_ascii_case(shaping.as_bytes()))
}

/// Whether bytes begin like a message.
pub(crate) fn probe(bytes: &[u8]) -> Probe {
    if bytes.starts_with(b"HTTP/1.") {
        return Probe::Yes;
    }
    if b"HTTP/1.".starts_with(bytes) {
        return Probe::Perhaps;
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    if word.is_empty()
        || word.len() > 20
        || !word.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
    {
        return Probe::No;
    }
    if line.len() == bytes.len() {
        // No line end yet: a known method and a target are enough, for long targets span segments.
        let target = line.get(word.len() + 1..).unwrap_or_default();
        let known = METHODS.contains(&word) && !target.is_empty() && !is_of_others(target);
        return if known { Probe::Yes } else { Probe::Perhaps };
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let versioned = line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0");
    // A malformed first line is evidence as well, where a Host follows.
    if versioned || contains(bytes, b"\nHost: ") { Probe::Yes } else { Probe::No }
}

/// Whether a target is one of protocols that share a method with HTTP.
fn is_of_others(target: &[u8]) -> bool {
    [b"rtsp".as_slice(), b"sip"].iter().any(|scheme| {
        let (start, _) = target.split_at(target.len().min(scheme.len()));
        start.eq_ignore_ascii_case(scheme.get(..start.len()).unwrap_or_default())
    })
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes
        .get(..bytes.len().min(4096))
        .unwrap_or_default()
        .windows(needle.len())
        .any(|window| window == needle)
}

const METHODS: &[&[u8]] =
    &[b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE", b"PROPFIND"];

impl Head {
    /// A head of HTTP/1, with all of its fields or those alone that say how its message is to be read.
    pub(crate) fn parse(bytes: &[u8], all: bool) -> Option<Self> {
        Self::read(HTTP, bytes, all)
    }

    /// A head of the protocol whose version is written so.
    pub(crate) fn of(version: &str, bytes: &[u8]) -> Option<Self> {
        Self::read(version, bytes, true)
    }

    fn read(version: &str, bytes: &[u8], all: bool) -> Option<Self> {
        let mut lines = lines(bytes).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.by_ref().find(|line| !line.is_empty())?;
        let first = String::from_utf8_lossy(first);
        let mut headers: Vec<(String, Vec<u8>)> = Vec::with_capacity(USUAL_FIELDS);
        let (mut more, mut passed) = (false, false);
        for line in lines.filter(|line| !line.is_empty()) {
            if let ([b' ' | b'\t', ..], Some((_, value))) = (line, headers.last_mut()) {
                // A folded line goes on with the value before (RFC 9112 §5.2).
                if !passed {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                continue;
            }
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = line.split_at(colon);
            let name = name.trim_ascii();
            passed = !all && !shapes(name);
            more |= headers.len() >= MOST_FIELDS;
            if !more && !passed {
                let name = lower(name);
                headers.push((name, value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
            }
        }
        let host = version == HTTP && headers.iter().any(|(name, _)| name == "host");
        let line = parse_line(version, &first, host)?;
        Some(Self { line, headers, more })
    }

    /// The first field of this name (lower case).
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.shared().header(name)
    }

    /// How the body is framed, if the head says so (RFC 9112 §6.3: chunks come before a length).
    pub(super) fn framing(&self) -> Option<State> {
        if self.header("transfer-encoding").is_some_and(|value| value.to_lowercase().contains("chunked")) {
            return Some(State::Size(0, false));
        }
        let length = self.header("content-length")?;
        length.split(',').next()?.trim().parse().ok().map(State::Length)
    }

    /// What the two versions share.
    pub(crate) fn shared(&self) -> http::Head<'_> {
        let target = match &self.line {
            Line::Request { target, .. } => Some(target.as_str()),
            Line::Status { .. } => None,
        };
        http::Head { target, headers: &self.headers, more: self.more }
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        let text = |name, value: String| Field { name, value: Value::Text(value) };
        let mut fields = match &self.line {
            Line::Request { method, target } => {
                let host = self.header("host").unwrap_or_default();
                vec![
                    text("method", method.clone()),
                    text("host", host.into_owned()),
                    text("uri", target.clone()),
                ]
            }
            Line::Status { status } => {
                vec![Field { name: "status", value: Value::Integer(i64::from(*status)) }]
            }
        };
        fields.extend(self.shared().told());
        fields
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]).map(move |end| {
        let line = bytes.get(start..end).unwrap_or_default();
        start = end + 1;
        line
    })
}

/// A name in lower case. Nearly all are ASCII, as they should be.
fn lower(name: &[u8]) -> String {
    String::from_utf8(name.to_ascii_lowercase())
        .ok()
        .filter(|name| name.is_ascii())
        .unwrap_or_else(|| String::from_utf8_lossy(name).to_lowercase())
}

/// A first line; one without a version is taken where a Host field vouches for it.
fn parse_line(version: &str, line: &str, host: bool) -> Option<Line> {
    if let Some(rest) = line.strip_prefix(version) {
        let status = rest.split(' ').nth(1)?.parse().ok()?;
        return Some(Line::Status { status });
    }
    // A method alone is what some clients send by mistake.
    let (method, rest) = line.split_once(' ').or(host.then_some((line, "")))?;
    if method.is_empty() || !method.chars().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let target = match rest.rsplit_once(' ') {
        Some((target, written)) if written.starts_with(version) => target,
        _ if host => rest,
        _ => return None,
    };
    Some(Line::Request { method: method.to_owned(), target: target.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_leniently() {
        let head = Head::parse(b"POST /a b HTTP/1.1\nHost : X\r\nA: 1\r\n 2\r\n\r\n", true).unwrap();
        assert_eq!(head.line, Line::Request { method: "POST".into(), target: "/a b".into() });
        assert_eq!((head.header("host").unwrap(), head.header("a").unwrap()), ("X".into(), "1 2".into()));
    }

    #[test]
    fn of_what_is_not_kept_only_what_shapes_it_is_remembered() {
        let head =
            Head::parse(b"GET / HTTP/1.1\r\nX: 1\r\n 2\r\nHOST: a\r\n b\r\nY: 3\r\n\r\n", false).unwrap();
        assert_eq!(head.headers, [("host".to_owned(), b"a b".to_vec())]);
    }

    #[test]
    fn words_that_look_like_methods_are_not_enough() {
        assert_eq!(probe(b"HELO mail.example\r\n"), Probe::No);
        assert_eq!(probe(b"OPTIONS rtsp://a RTSP/1.0\r\n"), Probe::No);
        assert_eq!(probe(b"OPTIONS rtsp://a"), Probe::Perhaps);
        assert_eq!(probe(b"OPTIONS /a"), Probe::Yes);
        assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Probe::Yes);
        assert_eq!(probe(b"HTTP/1.1 200 OK\r\n"), Probe::Yes);
    }
}
