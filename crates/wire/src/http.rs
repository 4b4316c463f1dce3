//! What the versions of HTTP share: the content of a message that leaves our side, as parts: target, fields, cookies,
//! body.

mod huffman;
pub(crate) mod literal;
mod pending;

use std::borrow::Cow;

use creance_cursor::inflate::{End, Method, inflate};
use creance_model::{Carrier, Field, Message, Step, Value};

use data_encoding::BASE64URL_NOPAD;

use crate::{Emit, Keep, Limits, aws_chunked, body::Tree, dns, storage};

pub(crate) use pending::Pending;

/// A message's semantics (RFC 9110), whatever version carried it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// The target of a request.
    pub(crate) target: Option<&'a str>,
    /// Fields in their order, names in lower case.
    pub(crate) headers: &'a [(String, Vec<u8>)],
    /// Whether there were more fields than are kept.
    pub(crate) more: bool,
}

impl<'a> Head<'a> {
    /// The first field of this name (lower case).
    pub(crate) fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// Content encodings, in the order in which they were applied.
    fn encodings(&self) -> Vec<String> {
        encodings(&self.header("content-encoding").unwrap_or_default())
    }

    /// Whether the body is in signed chunks. Some clients do not say so in the encoding.
    fn in_signed_chunks(&self) -> bool {
        let encodings = self.header("content-encoding").unwrap_or_default();
        encodings.split(',').any(|one| one.trim().eq_ignore_ascii_case(AWS_CHUNKED))
            || self.header("x-amz-content-sha256").is_some_and(|digest| digest.starts_with("STREAMING-"))
    }

    /// The fields that are told of every message.
    pub(crate) fn told(&self) -> impl Iterator<Item = Field> + use<'_, 'a> {
        [("content_type", "content-type"), ("user_agent", "user-agent")].into_iter().filter_map(
            |(name, header)| Some(Field { name, value: Value::Text(self.header(header)?.into_owned()) }),
        )
    }
}

/// Longest body that is looked into though none of its side is kept.
pub(crate) const LONGEST_ANSWER: usize = 4096;

/// What an answer that is looked into anyway may decode to.
const LONGEST_DECODED: usize = 64 << 10;

/// Whether a body is looked into even where none of its side is kept: names that were asked for, and an answer that may
/// say how an upload goes on, or where the app is. It may turn out to be longer than [`LONGEST_ANSWER`].
/// Where no content is taken out, names alone are.
pub(crate) fn is_always_kept(head: &Head<'_>, limits: &Limits) -> bool {
    let length = head.header("content-length").and_then(|length| length.trim().parse().ok());
    let kind = head.header("content-type").unwrap_or_default();
    length.is_none_or(|length: usize| length <= LONGEST_ANSWER)
        && is_wanted(&kind, head.target.is_none() && limits.keep != Keep::Nothing)
}

/// Whether a body of this type is one that is looked into anyway.
pub(crate) fn is_wanted(kind: &str, is_answer: bool) -> bool {
    kind.starts_with(DNS) || (is_answer && kind.contains("json"))
}

/// The type of a body that is a message of DNS (RFC 8484).
const DNS: &str = "application/dns-message";

/// Tells a message of DNS that is the body, or is in the target (RFC 8484 §4.1).
fn names_asked(message: &Message, head: &Head<'_>, body: &[u8], emit: Emit<'_>) {
    let is = |name| head.header(name).is_some_and(|kind| kind.starts_with(DNS));
    let asked = head.target.and_then(|target| {
        let (_, query) = target.split_once('?')?;
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("dns="))?;
        BASE64URL_NOPAD.decode(asked.trim_end_matches('=').as_bytes()).ok()
    });
    let dns = match asked.filter(|_| is("accept")) {
        Some(asked) => Cow::Owned(asked),
        None if is("content-type") => Cow::Borrowed(body),
        None => return,
    };
    if !dns.is_empty() {
        dns::tell("dns", message.from, &dns, &message.packets, message.time, emit);
    }
}

/// Tells a message with its content, and before it what it carries for DNS.
pub(crate) fn tell(
    message: Message,
    head: &Head<'_>,
    content: Content,
    keep: bool,
    limits: &Limits,
    emit: Emit<'_>,
) {
    names_asked(&message, head, &content.body, emit);
    emit(fill(message, head, content, keep, limits));
}

/// What Kodo calls the part of a block that it has (`{"ctx": "…", "offset": …}`).
fn upload_context(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok().filter(|body| body.len() <= LONGEST_ANSWER)?;
    let (_, rest) = body.split_once("\"ctx\"").filter(|_| body.contains("\"offset\""))?;
    let (context, _) =
        rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split_once('"')?;
    (!context.is_empty()).then(|| context.to_owned())
}

const AWS_CHUNKED: &str = "aws-chunked";

/// Why a body is cut that has gaps: bytes behind one are not where they were.
pub(crate) const MISSING: &str = "bytes missing in the capture";

/// Why a body is cut whose end the capture lacks.
pub(crate) const ENDS_EARLY: &str = "the end is missing in the capture";

/// Why a body is cut that is longer than [`Limits::body`].
pub(crate) const TOO_LONG: &str = "body longer than what is kept";

/// Fields that say how the connection works and what is understood. What is planted may ride in them, so they are
/// parts; but they are no named fields: shapes in them are mostly versions and addresses of makers.
const DULL: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-charset",
    "cache-control",
    "pragma",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "date",
    "etag",
    "vary",
    "server",
    "keep-alive",
    "if-none-match",
    "if-modified-since",
    "range",
    "origin",
    "dnt",
    "user-agent",
];

/// The body of a message and what is known of it.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) body: Vec<u8>,
    /// Content encodings that are on it, in the order in which they were applied.
    pub(crate) encodings: Vec<String>,
    pub(crate) media_type: Option<String>,
    /// Why it is not whole, if it is not.
    pub(crate) cut: Option<&'static str>,
}

impl Content {
    /// A body as its head describes it. Of one that is not here nothing is described.
    pub(crate) fn of(head: &Head<'_>, body: Vec<u8>, cut: Option<&'static str>) -> Self {
        if body.is_empty() {
            return Self { body, encodings: Vec::new(), media_type: None, cut };
        }
        Self {
            body,
            encodings: head.encodings(),
            media_type: head.header("content-type").map(Cow::into_owned),
            cut,
        }
    }
}

/// Adds parts to a message whose side is kept, and those of its body to a short answer; says on any message that its body is
/// cut.
pub(crate) fn fill(
    mut message: Message,
    head: &Head<'_>,
    content: Content,
    keep: bool,
    limits: &Limits,
) -> Message {
    let Content { body, encodings, media_type, cut } = content;
    if let Some(why) = cut {
        message.fields.push(Field { name: "body_cut", value: Value::Text(why.to_owned()) });
    }
    if message.kind == "response"
        && let Some(context) = upload_context(&body)
    {
        message.fields.push(Field { name: "upload_context", value: Value::Text(context) });
    }
    if !keep {
        if message.kind == "response" && !body.is_empty() && body.len() <= LONGEST_ANSWER && cut.is_none() {
            let limits = Limits { decoded: LONGEST_DECODED, ..limits.clone() };
            let mut tree = Tree::new(&limits);
            add_body(&mut tree, "response body", body, &encodings, media_type.as_deref());
            message.parts = tree.done().0;
        }
        return message;
    }
    let mut tree = Tree::new(limits);
    if let Some(target) = &head.target {
        let uri = tree.root(Carrier::Uri, "uri", *target, None);
        let query = target.split_once('?').map_or("", |(_, query)| query);
        tree.form(uri, "query", query.as_bytes(), target.as_bytes());
    }
    for (name, value) in head.headers.iter().filter(|(name, _)| name != "cookie") {
        let dull = DULL.contains(&name.as_str());
        let named = (!dull).then_some(name.as_str());
        let part = tree.root(Carrier::Header, Step::Of("header", name), value.as_slice(), named);
        if !dull {
            tree.open(part);
        }
    }
    if head.more {
        tree.reached("header fields");
    }
    for (_, cookies) in head.headers.iter().filter(|(name, _)| name == "cookie") {
        for cookie in cookies.split(|byte| *byte == b';') {
            let text = String::from_utf8_lossy(cookie);
            let Some((name, value)) = text.trim().split_once('=') else { continue };
            let part = tree.root(Carrier::Cookie, Step::Of("cookie", name), value, Some(name));
            tree.open(part);
        }
    }
    if !body.is_empty() {
        let step = if message.kind == "request" { "request body" } else { "response body" };
        // As other framing, it is no part of what was sent.
        let opened = head.in_signed_chunks().then(|| aws_chunked::open(&body)).flatten();
        add_body(&mut tree, step, opened.unwrap_or(body), &encodings, media_type.as_deref());
    }
    let divided = tree.is_divided();
    let (parts, limit) = tree.done();
    let host = message.text("host").unwrap_or_default();
    // Stores read what stands in forms of several parts.
    let form = divided.then_some(&parts);
    if let Some(stored) = storage::describe(host, head, form) {
        message.fields.extend(stored.fields());
    }
    message.parts = parts;
    if let Some(limit) = limit.or(cut.filter(|why| *why == TOO_LONG)) {
        message.fields.push(Field { name: "limit", value: Value::Text(limit.to_owned()) });
    }
    message
}

/// Adds a body and what is in it.
fn add_body(
    tree: &mut Tree<'_>,
    step: &'static str,
    body: Vec<u8>,
    encodings: &[String],
    media_type: Option<&str>,
) {
    let part = tree.root(Carrier::Body, step, body, None);
    let part = decoded(tree, part, encodings);
    tree.content(part, media_type);
}

/// Content encodings, in the order in which they were applied (RFC 9110 §8.4).
fn encodings(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(|one| one.trim().to_lowercase())
        .filter(|one| !one.is_empty() && one != "identity" && one != AWS_CHUNKED)
        .collect()
}

/// The content encodings of a message that was made of a head.
pub(crate) fn encodings_of(message: &Message) -> Vec<String> {
    let header = message
        .parts
        .iter()
        .find(|part| part.carrier() == Carrier::Header && part.is("header:content-encoding"));
    header.map(|part| encodings(&String::from_utf8_lossy(part.bytes()))).unwrap_or_default()
}

/// Takes content encodings off, as far as that goes; gives the innermost part.
pub(crate) fn decoded(tree: &mut Tree<'_>, mut part: usize, encodings: &[String]) -> usize {
    for encoding in encodings.iter().rev() {
        match decode(tree, part, encoding) {
            Some(next) => part = next,
            None => break,
        }
    }
    part
}

/// Takes one content encoding off (RFC 9110 §8.4). `deflate` may be with or without the zlib wrapper.
fn decode(tree: &mut Tree<'_>, part: usize, encoding: &str) -> Option<usize> {
    let methods: &[Method] = match encoding {
        "gzip" | "x-gzip" => &[Method::Gzip],
        "deflate" => &[Method::Zlib, Method::Deflate],
        "br" => &[Method::Brotli],
        "zstd" => &[Method::Zstd],
        _ => return None,
    };
    let (input, room) = (tree.bytes(part), tree.room());
    let out = methods
        .iter()
        .map(|method| (inflate(*method, input, room), method.name()))
        .find(|(out, _)| out.end == End::Whole || !out.bytes.is_empty())?;
    if out.0.end == End::Limit {
        tree.reached("decompressed content");
    }
    Some(tree.child(part, out.1, out.0.bytes, None))
}
