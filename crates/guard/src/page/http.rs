//! A request of HTTP/1.1, read within bounds of bytes and time; one in each connection.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Bytes of the longest head and of the longest body.
const HEAD: usize = 8192;
const BODY: usize = 4096;
/// Most headers.
const HEADERS: usize = 48;
/// How long a request may take to arrive in all, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Request {
    pub(super) post: bool,
    /// Without what is behind a question mark.
    pub(super) path: String,
    /// By name in lower case; of one that comes twice, the last.
    pub(super) headers: BTreeMap<String, String>,
    /// What a form says.
    pub(super) form: BTreeMap<String, String>,
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn new(status: u16, kind: &'static str, body: String) -> Self {
        Self { status, kind, headers: Vec::new(), body }
    }

    /// A word for whoever sent something that is none.
    pub(super) fn refusal(status: u16) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{status} {}\n", reason(status)))
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Bad Request",
    }
}

/// What a head says, and how long its body is. `None` while it is not whole.
fn head(bytes: &[u8]) -> Result<Option<(Request, usize, usize)>, u16> {
    let mut space = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut space);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    let mut request = Request { post: parsed.method == Some("POST"), ..Request::default() };
    if !request.post && parsed.method != Some("GET") {
        return Err(405);
    }
    let path = parsed.path.unwrap_or_default();
    path.split('?').next().unwrap_or_default().clone_into(&mut request.path);
    let mut body = 0;
    for header in parsed.headers {
        let name = header.name.to_ascii_lowercase();
        let value = std::str::from_utf8(header.value).map_err(|_| 400_u16)?.trim().to_owned();
        match name.as_str() {
            "transfer-encoding" => return Err(501),
            // Twice is once too often: whoever counts otherwise sees another request.
            "content-length" if request.headers.contains_key(&name) => return Err(400),
            "content-length" => body = value.parse().map_err(|_| 400_u16)?,
            _ => {}
        }
        request.headers.insert(name, value);
    }
    if body > BODY {
        return Err(413);
    }
    Ok(Some((request, length, body)))
}

/// Reads a request. The status to answer with, where it is none; none where nobody is there any more.
pub(super) fn read(stream: &mut impl Read) -> Result<Request, Option<u16>> {
    let began = Instant::now();
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    let mut known = None;
    loop {
        if known.is_none() {
            known = head(&bytes).map_err(Some)?;
        }
        if let Some((mut request, length, body)) = known.take() {
            if let Some(body) = bytes.get(length..length + body) {
                request.form = form(body);
                return Ok(request);
            }
            known = Some((request, length, body));
        } else if bytes.len() > HEAD {
            return Err(Some(431));
        }
        if began.elapsed() > PATIENCE {
            return Err(Some(408));
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(None),
            Ok(read) => bytes.extend(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(Some(408));
            }
            Err(_) => return Err(None),
        }
    }
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// Writes an answer, and that nothing follows.
pub(super) fn write(stream: &mut impl Write, response: &Response) -> io::Result<()> {
    let Response { status, kind, headers, body } = response;
    let mut head = format!("HTTP/1.1 {status} {}\r\ncontent-type: {kind}\r\n", reason(*status));
    let always = [
        ("content-length", body.len().to_string()),
        ("connection", "close".to_owned()),
        ("cache-control", "no-store".to_owned()),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
                .to_owned(),
        ),
        ("x-content-type-options", "nosniff".to_owned()),
        // With `no-referrer` browsers send forms of our own with an origin of `null`.
        ("referrer-policy", "same-origin".to_owned()),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
    ];
    for (name, value) in always.iter().chain(headers) {
        head.extend([*name, ": ", value.as_str(), "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}

/// Sets how long is waited for each piece.
pub(super) fn patient(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Result<Request, Option<u16>> {
        read(&mut text.as_bytes())
    }

    #[test]
    fn forms_are_read_as_browsers_send_them() {
        let request = told(
            "POST /fly?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 26\r\n\r\nreason=take%2Doff+now&word=",
        )
        .unwrap();
        assert_eq!((request.post, request.path.as_str()), (true, "/fly"));
        assert_eq!(
            (request.form["reason"].as_str(), request.headers["host"].as_str()),
            ("take-off now", "a")
        );
    }

    #[test]
    fn what_is_too_long_or_ambiguous_is_refused() {
        let long = "a".repeat(HEAD);
        for (text, status) in [
            (format!("GET /{long}{long} HTTP/1.1\r\n"), 431),
            (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS + 1)), 431),
            (format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", BODY + 1), 413),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(), 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 501),
            ("PUT / HTTP/1.1\r\n\r\n".to_owned(), 405),
            ("\u{1}\r\n\r\n".to_owned(), 400),
        ] {
            assert_eq!(told(&text).err(), Some(Some(status)), "{text:.60}");
        }
        assert_eq!(told("GET / HTT").err(), Some(None));
    }

    proptest! {
        #[test]
        fn no_request_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..300), begin in prop::sample::select(vec!["", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])) {
            let all = [begin.as_bytes(), &bytes].concat();
            if let Ok(request) = read(&mut all.as_slice()) {
                prop_assert!(request.headers.len() <= HEADERS);
            }
        }
    }
}
