//! The steps from packets to a value that a bundle may have: a closed list (docs/proof/SPEC.md, "Steps").

use std::collections::BTreeMap;

use creance_cursor::inflate::{End, Method, inflate};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::value::RawValue;

use super::http;

/// The most bytes that a step may give.
const MOST: usize = 64 << 20;

/// A step.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProofStep {
    /// TLS 1.3, opened.
    Tls,
    /// A request of HTTP/1, counted from 0, and what of it: `body`, `uri`, or `header` and a name.
    Http1(u64, Http1),
    /// The body of a stream of HTTP/2.
    Http2(u32),
    /// The name that a DNS query asks for.
    DnsName,
    /// Labels of a name, from one to before another, without the points between them.
    Labels(u64, u64),
    /// Compression: `gzip`, `zlib`, `deflate`; writing: `base64`, `base32`, `hex`, `percent`.
    Undo(&'static str),
    /// A text or number in JSON, by a pointer (RFC 6901).
    Json(String),
    /// A field of a form, or of the query of a target.
    Form(String),
    /// Bytes from one to before another.
    Range(u64, u64),
}

/// What of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Http1 {
    /// Its body, decoded from chunks, as far as it was sent.
    Body,
    /// Its target.
    Uri,
    /// The first header of this name, in lower case.
    Header(String),
}

/// What can be undone.
const UNDO: &[&str] = &["gzip", "zlib", "deflate", "base64", "base32", "hex", "percent"];

impl ProofStep {
    /// As it is written in a bundle: a list of a word and what belongs to it.
    pub fn document(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::Tls => json!(["tls"]),
            Self::Http1(number, Http1::Body) => json!(["http/1", number, "body"]),
            Self::Http1(number, Http1::Uri) => json!(["http/1", number, "uri"]),
            Self::Http1(number, Http1::Header(name)) => json!(["http/1", number, "header", name]),
            Self::Http2(stream) => json!(["http/2", stream]),
            Self::DnsName => json!(["dns"]),
            Self::Labels(from, to) => json!(["labels", from, to]),
            Self::Undo(what) => json!([what]),
            Self::Json(pointer) => json!(["json", pointer]),
            Self::Form(name) => json!(["form", name]),
            Self::Range(from, to) => json!(["range", from, to]),
        }
    }

    /// The step behind the first of a decode path that has this name; the name, if bundles have none such.
    pub(super) fn behind(name: &str) -> Result<Self, String> {
        let unknown = || Err(name.to_owned());
        if let Some(what) = UNDO.iter().find(|what| **what == name) {
            return Ok(Self::Undo(what));
        }
        match name.split_once(':') {
            Some((_, rest)) if rest.contains('…') => unknown(),
            Some(("json", pointer)) => Ok(Self::Json(pointer.to_owned())),
            Some(("form" | "query", name)) => Ok(Self::Form(name.to_owned())),
            _ => unknown(),
        }
    }

    /// What a step behind the first gives of what the step before it gave.
    pub(super) fn run(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Labels(from, to) => {
                let labels: Vec<&[u8]> = bytes.split(|byte| *byte == b'.').collect();
                Some(labels.get(index(*from)?..index(*to)?)?.concat())
            }
            Self::Undo(what) => undo(what, bytes),
            Self::Json(pointer) => json(bytes, pointer),
            Self::Form(name) => form(bytes, name),
            Self::Range(from, to) => Some(bytes.get(index(*from)?..index(*to)?)?.to_vec()),
            Self::Tls | Self::Http1(..) | Self::Http2(_) | Self::DnsName => None,
        }
    }
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

fn undo(what: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let bare =
        |keep: &dyn Fn(u8) -> bool| -> Vec<u8> { bytes.iter().copied().filter(|byte| keep(*byte)).collect() };
    match what {
        "gzip" => inflated(Method::Gzip, bytes),
        "zlib" => inflated(Method::Zlib, bytes),
        "deflate" => inflated(Method::Deflate, bytes),
        "base64" => {
            let mut letters = bare(&|byte| !byte.is_ascii_whitespace() && byte != b'=');
            for letter in &mut letters {
                *letter = match *letter {
                    b'-' => b'+',
                    b'_' => b'/',
                    letter => letter,
                };
            }
            BASE64_NOPAD.decode(&letters).ok()
        }
        "base32" => {
            let letters = bare(&|byte| !byte.is_ascii_whitespace() && byte != b'=').to_ascii_uppercase();
            BASE32_NOPAD.decode(&letters).ok()
        }
        "hex" => HEXLOWER_PERMISSIVE.decode(&bare(&|byte| !byte.is_ascii_whitespace())).ok(),
        "percent" => Some(percent(bytes, false)),
        _ => None,
    }
}

fn inflated(method: Method, bytes: &[u8]) -> Option<Vec<u8>> {
    let inflated = inflate(method, bytes, MOST);
    (inflated.end == End::Whole).then_some(inflated.bytes)
}

fn percent(bytes: &[u8], plus: bool) -> Vec<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', ..) if plus => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    out
}

/// A text as it is meant, a number as it stands.
fn json(bytes: &[u8], pointer: &str) -> Option<Vec<u8>> {
    let mut at: &RawValue = serde_json::from_slice(bytes).ok()?;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        at = if at.get().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(at.get()).ok()?;
            items.get(key.parse::<usize>().ok()?)?
        } else {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(at.get()).ok()?;
            members.get(&key)?
        };
    }
    let text = at.get();
    match text.bytes().next()? {
        b'"' => serde_json::from_str::<String>(text).ok().map(String::into_bytes),
        b'-' | b'0'..=b'9' => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

/// Of a target, what stands behind the question mark.
fn form(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let query = http::find(bytes, b"?").map_or(bytes, |at| bytes.get(at + 1..).unwrap_or_default());
    query.split(|byte| *byte == b'&').find_map(|field| {
        let equals = field.iter().position(|byte| *byte == b'=')?;
        let (key, value) = field.split_at(equals);
        (percent(key, true) == name.as_bytes()).then(|| percent(value.get(1..).unwrap_or_default(), true))
    })
}

/// The name of the first question of a DNS message, labels joined by points.
pub(super) fn dns_name(message: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*message.get(at)?);
        if length == 0 {
            return Some(name);
        }
        if length > 63 {
            return None;
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(message.get(at + 1..=at + length)?);
        at += 1 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(step: &ProofStep, bytes: &[u8]) -> Option<String> {
        step.run(bytes).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn each_step_gives_what_the_specification_says() {
        let json = |pointer: &str| ProofStep::Json(pointer.to_owned());
        let document = br#"{"a":{"lat":24.7440,"x/y":["\u00e9",-1e3,{}]},"a~b":true}"#;
        assert_eq!(text(&json("/a/lat"), document).unwrap(), "24.7440");
        assert_eq!(text(&json("/a/x~1y/0"), document).unwrap(), "é");
        assert_eq!(text(&json("/a/x~1y/1"), document).unwrap(), "-1e3");
        assert_eq!(text(&json("/a/x~1y/2"), document), None);
        assert_eq!(text(&json("/a~0b"), document), None);
        let form = ProofStep::Form("n".to_owned());
        assert_eq!(text(&form, b"/u?m=1&n=a+b%2Bc").unwrap(), "a b+c");
        assert_eq!(text(&ProofStep::Undo("base64"), b"aGk_aGk").unwrap(), "hi?hi");
        assert_eq!(text(&ProofStep::Undo("base32"), b"nbuq====").unwrap(), "hi");
        assert_eq!(text(&ProofStep::Undo("hex"), b"68 69").unwrap(), "hi");
        assert_eq!(text(&ProofStep::Undo("percent"), b"a%2bb+%").unwrap(), "a+b+%");
        assert_eq!(text(&ProofStep::Labels(0, 2), b"ab.cd.example").unwrap(), "abcd");
        assert_eq!(text(&ProofStep::Range(1, 3), b"abcd").unwrap(), "bc");
        assert_eq!(ProofStep::Range(1, 9).run(b"abcd"), None);
        assert_eq!(dns_name(b"0123456789ab\x02hi\x07example\0\0\x01").unwrap(), b"hi.example");
    }

    #[test]
    fn what_is_not_on_the_list_is_named() {
        for name in ["br", "protobuf:/1", "json:/…/x", "jwt:claims", "md5"] {
            assert_eq!(ProofStep::behind(name), Err(name.to_owned()));
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, from: u64, to: u64) {
            let steps = UNDO.iter().map(|what| ProofStep::Undo(what));
            let others = [ProofStep::Range(from, to), ProofStep::Labels(from, to), ProofStep::Json("/a".to_owned()), ProofStep::Form("a".to_owned())];
            for step in steps.chain(others) {
                let _ = step.run(&bytes);
            }
            let _ = dns_name(&bytes);
        }
    }
}
