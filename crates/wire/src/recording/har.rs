//! HTTP Archive 1.2 and what its writers add: Chrome and Firefox, mitmproxy, PCAPdroid, `PiRogue`, Charles, Playwright.
//!
//! Bodies are told without their content encodings. A body that is not there is unknown, not empty. Of added fields are
//! read: `_webSocketMessages`, `_fromCache`, `_error`, `_initiator`, and of `PiRogue` `_communication`, `_stacktrace`,
//! `_content`. Left out: pages, timings but the whole, `queryString`, which repeats the address.

use std::{fmt::Write, net::IpAddr};

use creance_model::{Endpoint, Side, Timestamp};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

use super::{
    Conversation, Fault, LONG, MOST_PIECES, Next, Piece, Said,
    entries::Entry,
    exchange::{Body, Exchange, Half, Line},
    json::{self, Node},
    query::Query,
    unknown,
};
use crate::{
    Limits,
    body::{has_magic, percent},
};

/// What an entry tells, and that there is damage within it.
pub(super) fn conversation(entry: &Entry, number: u64, limits: &Limits) -> (Next, Option<Fault>) {
    let (tree, lacks) = json::parse(&entry.bytes, &entry.cuts);
    let damage = (lacks.damaged && !entry.long).then(|| {
        let why = format!("entry {number} holds bytes that are no JSON");
        Fault { what: "entry", offset: entry.offset, why }
    });
    match told(&tree, lacks.bounded, entry, number, limits) {
        next @ Next::Fault(_) => (next, None),
        next => (next, damage),
    }
}

fn told(node: &Node<'_>, bounded: bool, entry: &Entry, number: u64, limits: &Limits) -> Next {
    let Some(request) = node.get("request") else {
        let why = format!("entry {number} has no request");
        return Next::Fault(Fault { what: "entry", offset: entry.offset, why });
    };
    let url = Url::parse(&request.text("url").unwrap_or_default());
    let cached = node.text("_fromCache").is_some_and(|from| !from.is_empty() && from != "false");
    if cached || url.within_the_app() {
        return Next::Unsent;
    }
    let exchange = exchange(node, request, &url, entry.long || bounded, limits);
    let transport = exchange.transport();
    let port = exchange.port();
    let said = Said::Http(Box::new(exchange));
    let (bytes, first, last) = said.sums(began(node));
    let end_of = |side| request.get("_communication").and_then(|both| end(both.get(side)?));
    let server = node.text("serverIPAddress").and_then(|ip| address(&ip)).or_else(|| address(&url.host));
    let server =
        server.map(|ip| Endpoint { ip, port }).or_else(|| end_of("dst")).unwrap_or_else(|| unknown(port));
    let app = request.get("_stacktrace").and_then(|trace| trace.text("process"));
    Next::Conversation(Box::new(Conversation {
        number,
        transport,
        client: end_of("src").unwrap_or_else(|| unknown(0)),
        server,
        first,
        last,
        app: app.filter(|app| !app.is_empty()),
        sni: None,
        host: Some(url.host).filter(|host| !host.is_empty() && address(host).is_none()),
        bytes,
        unanswered: said.unanswered(),
        said,
    }))
}

fn began(node: &Node<'_>) -> Timestamp {
    node.moment("startedDateTime").unwrap_or_default()
}

fn exchange(node: &Node<'_>, request: &Node<'_>, url: &Url, bounded: bool, limits: &Limits) -> Exchange {
    let began = began(node);
    let line = Line::Request {
        method: request.text("method").unwrap_or_default(),
        target: url.target.clone(),
        authority: url.authority.clone(),
    };
    let sent = request_body(request);
    let mut asked = Half::new(began, line, headers(request).into_iter(), sent, limits);
    asked.port = url.port();
    asked.stack = stack(node, request);
    let elapsed = node.number("time").and_then(|ms| i64::try_from(ms).ok()).unwrap_or_default();
    let answered = node.get("response").and_then(|response| {
        let status = response.number("status").filter(|status| *status > 0)?;
        let time = began.plus_nanos(elapsed.saturating_mul(1_000_000));
        let line = Line::Status(i64::try_from(status).unwrap_or_default());
        let bodiless = matches!(status, 100..200 | 204 | 304)
            || request.text("method").is_some_and(|method| method.eq_ignore_ascii_case("HEAD"));
        let body = response_body(response, bodiless);
        Some(Half::new(time, line, headers(response).into_iter(), body, limits))
    });
    let errors = [node.text("_error"), node.get("response").and_then(|response| response.text("_error"))];
    let mut messages = node.get("_webSocketMessages").into_iter().flat_map(Query::list);
    let pieces: Vec<Piece> =
        messages.by_ref().take(MOST_PIECES).map(|message| piece(message, began)).collect();
    let bounded = bounded || messages.next().is_some();
    Exchange {
        version: request.text("httpVersion").unwrap_or_default(),
        sealed: url.sealed(),
        request: Some(asked),
        response: answered,
        messages: pieces,
        failed: errors.into_iter().flatten().find(|why| !why.is_empty()),
        limit: bounded.then_some(LONG),
    }
}

/// Fields of a request or an answer. Cookies stand among them; where they do not, their own list is taken.
fn headers(half: &Node<'_>) -> Vec<(String, Vec<u8>)> {
    let pairs = |name: &str| {
        half.get(name).into_iter().flat_map(Query::list).filter_map(|pair| {
            let value = pair.get("value").and_then(Query::bytes).unwrap_or_default().0;
            Some((pair.text("name")?, value))
        })
    };
    let mut headers: Vec<_> = pairs("headers").collect();
    let cookie = if half.get("status").is_some() { "set-cookie" } else { "cookie" };
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(cookie)) {
        let each = pairs("cookies").map(|(name, value)| [name.as_bytes(), b"=", &value].concat());
        if cookie == "cookie" {
            let all = each.collect::<Vec<_>>().join(&b"; "[..]);
            headers.extend((!all.is_empty()).then(|| (cookie.to_owned(), all)));
        } else {
            headers.extend(each.map(|one| (cookie.to_owned(), one)));
        }
    }
    headers
}

fn request_body(request: &Node<'_>) -> Body {
    let sent = request.number("bodySize");
    let data = request.get("postData").or_else(|| request.get("_content"));
    let (media_type, told) = (data.and_then(|data| data.text("mimeType")), data.and_then(text));
    let params = data.and_then(|data| data.get("params")).into_iter().flat_map(Query::list);
    let fields: Vec<_> = params.filter_map(|param| Some((param.text("name")?, param))).collect();
    // Some writers give an empty text beside the fields of a form.
    if let Some((bytes, cut)) = told.filter(|(bytes, _)| !bytes.is_empty() || fields.is_empty()) {
        // Some writers claim a size of zero beside the text.
        let sent = sent.filter(|sent| *sent > 0);
        let textual = media_type.as_deref().is_some_and(is_textual);
        let bytes = sent.and_then(|sent| latin(&bytes, sent, textual)).unwrap_or(bytes);
        let encoded = headers(request).iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        let full = sent.filter(|_| !encoded);
        return Body { bytes, cut, plain: true, sent, full, media_type, ..Body::default() };
    }
    if !fields.is_empty() {
        // What a form said is kept, though not how: files in it are named and lack their content.
        let mut form = Vec::new();
        for (name, param) in &fields {
            for (name, value) in
                [(name.clone(), param.text("value")), (format!("{name}-file"), param.text("fileName"))]
            {
                if let Some(value) = value {
                    let pair = format!("{}={}", encoded(&name), encoded(&value));
                    form.extend_from_slice(if form.is_empty() { b"" } else { b"&" });
                    form.extend_from_slice(pair.as_bytes());
                }
            }
        }
        let full = sent.filter(|sent| *sent > form.len() as u64);
        let media_type = Some("application/x-www-form-urlencoded".to_owned());
        return Body { bytes: form, plain: true, sent, full, media_type, ..Body::default() };
    }
    let long = |name: &str| {
        headers(request).iter().any(|(known, value)| known.eq_ignore_ascii_case(name) && value != b"0")
    };
    let expected = || {
        let method = request.text("method").unwrap_or_default();
        let posts = ["POST", "PUT", "PATCH"].contains(&method.as_str());
        let told = headers(request).iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        long("content-length") || (posts && !told)
    };
    Body { absent: sent.map_or_else(expected, |sent| sent > 0), sent, ..Body::default() }
}

/// The bytes of a body that is told byte by byte as characters (ISO 8859-1): there are as many of these as were sent.
/// Of text that count may be one of characters: it is taken for bytes where these are text, or begin as known files do.
fn latin(text: &[u8], sent: u64, textual: bool) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() as u64 > sent)?;
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>()?;
    let fits = bytes.len() as u64 == sent;
    let known = !textual || std::str::from_utf8(&bytes).is_ok() || has_magic(&bytes);
    (fits && known).then_some(bytes)
}

fn is_textual(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    ["text", "json", "form", "xml", "javascript"].iter().any(|word| media_type.contains(word))
}

fn response_body(response: &Node<'_>, bodiless: bool) -> Body {
    let content = response.get("content");
    let sent = response.number("bodySize").or_else(|| response.number("_transferSize"));
    let full = content.and_then(|content| content.number("size"));
    let media_type = content.and_then(|content| content.text("mimeType"));
    match content.and_then(text) {
        Some((bytes, cut)) if !bytes.is_empty() || full.unwrap_or_default() == 0 => {
            Body { bytes, cut, plain: true, sent, full, media_type, ..Body::default() }
        }
        _ => {
            let sent = sent.or(full).filter(|_| !bodiless);
            let absent = !bodiless && sent.is_none_or(|sent| sent > 0);
            Body { absent, sent: sent.or(Some(0)), ..Body::default() }
        }
    }
}

/// The text of a body, its base64 undone, and whether bytes are missing.
fn text(data: &Node<'_>) -> Option<(Vec<u8>, bool)> {
    let (text, cut) = data.get("text").filter(|text| text.is_text())?.bytes()?;
    let base64 =
        ["encoding", "_encoding"].iter().any(|name| data.text(name).is_some_and(|name| name == "base64"));
    let decoded = if base64 { decoded(&text) } else { None };
    Some((decoded.unwrap_or(text), cut))
}

/// Base64 of either alphabet, padded or not, cut or whole.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain: Vec<u8> =
        text.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
    if plain.len() % 4 == 1 {
        plain.pop();
    }
    // The last bits of a text that is cut belong to a byte that is not there.
    let mut lenient = BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let lenient = lenient.encoding().ok()?;
    let url = plain.iter().any(|byte| matches!(byte, b'-' | b'_'));
    BASE64
        .decode(text)
        .or_else(|_| if url { BASE64URL_NOPAD.decode(&plain) } else { lenient.decode(&plain) })
        .ok()
}

fn piece(message: &Node<'_>, began: Timestamp) -> Piece {
    let (bytes, cut) = message.get("data").and_then(Query::bytes).unwrap_or_default();
    let text = message.number("opcode") != Some(2);
    let bytes = if text { bytes } else { decoded(&bytes).unwrap_or(bytes) };
    let sent = message.text("type").is_some_and(|kind| kind == "send" || kind == "request");
    let from = if sent { Side::Client } else { Side::Server };
    Piece { from, time: message.moment("time").unwrap_or(began), bytes, text, cut }
}

/// Frames that are told of one request.
const MOST_FRAMES: usize = 16;

/// Where in the app a request was sent: classes that `PiRogue` saw on the stack, or functions that Chrome did.
fn stack(node: &Node<'_>, request: &Node<'_>) -> Vec<String> {
    let trace = request.get("_stacktrace");
    let classes = trace
        .and_then(|trace| trace.get("compact"))
        .into_iter()
        .flat_map(Query::list)
        .filter_map(Query::words);
    let calls = trace.and_then(|trace| trace.get("stack")).into_iter().flat_map(Query::list);
    let calls = calls.filter_map(|call| call.text("class").or_else(|| call.words()));
    let script = node.get("_initiator").and_then(|initiator| initiator.get("stack")?.get("callFrames"));
    let script = script.into_iter().flat_map(Query::list).filter_map(|frame| {
        let (function, url) = (frame.text("functionName").unwrap_or_default(), frame.text("url")?);
        Some(format!("{function}@{url}:{}", frame.text("lineNumber").unwrap_or_default()))
    });
    let mut frames: Vec<String> = classes.collect();
    if frames.is_empty() {
        frames = calls.take(MOST_FRAMES).collect();
    }
    frames.extend(script.take(MOST_FRAMES));
    frames.truncate(MOST_FRAMES);
    frames.iter().map(|frame| frame.chars().take(200).collect()).collect()
}

fn end(end: &Node<'_>) -> Option<Endpoint> {
    let port = end.number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    Some(Endpoint { ip: address(&end.text("ip")?)?, port })
}

fn address(text: &str) -> Option<IpAddr> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    }
    text.trim_matches(['[', ']']).split('%').next()?.parse().ok()
}

/// Percent-encoded, but for what needs none (WHATWG URL, application/x-www-form-urlencoded).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut done, byte| {
        if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) {
            done.push(char::from(byte));
        } else {
            let _ = write!(done, "%{byte:02X}");
        }
        done
    })
}

/// The parts of an address that a request says.
struct Url {
    scheme: String,
    authority: String,
    host: String,
    target: String,
}

impl Url {
    /// `scheme://user@host:port/path?query#fragment`; neither the user nor the fragment is sent.
    fn parse(url: &str) -> Self {
        let Some((scheme, rest)) = url.split_once("://") else {
            let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
            return Self { scheme, authority: String::new(), host: String::new(), target: url.to_owned() };
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let target = target.split('#').next().unwrap_or_default();
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let host = String::from_utf8_lossy(&percent(host.as_bytes())).into_owned();
        Self { scheme: scheme.to_ascii_lowercase(), authority: authority.to_owned(), host, target }
    }

    fn sealed(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "wss")
    }

    fn port(&self) -> Option<u16> {
        self.authority.rsplit_once(':')?.1.parse().ok()
    }

    /// Whether what it names lies in the app itself.
    fn within_the_app(&self) -> bool {
        ["data", "blob", "about", "file", "chrome-extension", "moz-extension", "filesystem"]
            .contains(&self.scheme.as_str())
    }
}
