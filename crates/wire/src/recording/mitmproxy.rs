//! Flow files of mitmproxy, of versions 4 to 21 of its format (mitmproxy 4 to 11): HTTP, WebSocket, TCP, UDP, DNS.
//!
//! ```text
//! length ":" {"type", "client_conn", "server_conn", "request", "response", "websocket" | "messages", …} "}"
//! ```
//!
//! What the app sent to the proxy has left it, whether or not the proxy passed it on. Certificates, and proxies behind
//! the proxy, are left out.

use std::{io::Read, net::IpAddr};

use creance_model::{Endpoint, Side, Timestamp, Transport};

use super::{
    Conversation, Fault, Known, LONG, MOST_PIECES, Next, Piece, Said,
    exchange::{Body, Exchange, Half, Line, add},
    query::Query,
    tnetstring::{self, Item},
    unknown,
};
use crate::Limits;

/// A stream of flows.
pub(super) struct Flows {
    reader: Box<dyn Read + Send>,
    offset: u64,
    over: bool,
    longest: usize,
}

/// The bytes of one flow.
pub(super) struct Flow {
    bytes: Vec<u8>,
    pub(super) whole: bool,
    /// Bytes beyond what is held.
    beyond: u64,
    pub(super) offset: u64,
}

impl Flows {
    pub(super) fn new(reader: Box<dyn Read + Send>, limits: &Limits) -> Self {
        Self { reader, offset: 0, over: false, longest: 2 * limits.body + (4 << 20) }
    }

    /// The next flow, or where the stream could not be followed: nothing can be read behind that.
    pub(super) fn next(&mut self) -> Option<Result<Flow, Fault>> {
        if self.over {
            return None;
        }
        let offset = self.offset;
        match self.read() {
            Ok(Some(flow)) => {
                self.over |= !flow.whole;
                Some(Ok(flow))
            }
            Ok(None) => {
                self.over = true;
                None
            }
            Err(error) => {
                self.over = true;
                Some(Err(Fault::reading(offset, &error)))
            }
        }
    }

    fn read(&mut self) -> std::io::Result<Option<Flow>> {
        let offset = self.offset;
        let mut head = Vec::new();
        while tnetstring::length(&head).is_none() {
            let before = head.len();
            self.reader.by_ref().take(1).read_to_end(&mut head)?;
            if head.is_empty() {
                return Ok(None);
            }
            let digits = head.last().is_some_and(u8::is_ascii_digit);
            if head.len() == before || (!digits && tnetstring::length(&head).is_none()) {
                return Err(std::io::Error::other("no length stands where a flow begins"));
            }
        }
        let Some((length, taken)) = tnetstring::length(&head) else { return Ok(None) };
        let most = length.min(self.longest as u64);
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(most).read_to_end(&mut bytes)? as u64;
        let passed = std::io::copy(&mut self.reader.by_ref().take(length - most), &mut std::io::sink())?;
        let mut kind = Vec::new();
        self.reader.by_ref().take(1).read_to_end(&mut kind)?;
        self.offset += taken as u64 + read + passed + kind.len() as u64;
        Ok(Some(Flow { bytes, whole: kind == b"}", beyond: passed, offset }))
    }
}

impl Flow {
    /// Where it is whole and yet cannot be followed to its end.
    pub(super) fn damage(&self, number: u64) -> Option<Fault> {
        let damaged = self.whole && self.beyond == 0 && !Item::dictionary(&self.bytes).is_sound();
        damaged.then(|| {
            let why = format!("entry {number} has lengths that do not add up, or values of no known kind");
            Fault { what: "flow", offset: self.offset, why }
        })
    }

    pub(super) fn conversation(&self, number: u64, limits: &Limits) -> Next {
        let flow = Item::dictionary(&self.bytes);
        // What mitmproxy sent again by itself, the app did not.
        let again = flow.text("is_replay").is_some_and(|side| side == "request");
        if again || flow.get("request").is_some_and(|request| request.flag("is_replay")) {
            return Next::Unsent;
        }
        if let Some(conversation) = conversation(flow, number, limits, self.beyond) {
            return Next::Conversation(Box::new(conversation));
        }
        let why = format!("entry {number} tells no messages");
        Next::Fault(Fault { what: "flow", offset: self.offset, why })
    }
}

fn conversation(flow: Item<'_>, number: u64, limits: &Limits, beyond: u64) -> Option<Conversation> {
    let (client_conn, server_conn) = (flow.get("client_conn"), flow.get("server_conn"));
    let client = client_conn.and_then(|conn| end(conn.get("peername").or_else(|| conn.get("address"))?));
    let at = |name| server_conn.and_then(|conn| end(conn.get(name)?));
    let server = at("peername").or_else(|| at("ip_address")).or_else(|| at("address"));
    let tls =
        |conn: Item<'_>| ["tls", "tls_established", "ssl_established"].iter().any(|name| conn.flag(name));
    let sealed = client_conn.is_some_and(tls);
    let began = flow
        .moment("timestamp_created")
        .or_else(|| client_conn?.moment("timestamp_start"))
        .unwrap_or_default();
    let kind = flow.text("type")?;
    let (said, transport) = match kind.as_str() {
        "http" | "websocket" => {
            let exchange = exchange(flow, sealed, began, limits, beyond > 0)?;
            let transport = exchange.transport();
            (Said::Http(Box::new(exchange)), transport)
        }
        "tcp" | "udp" => {
            let mut all = flow.get("messages")?.list().map(|message| piece(message, 0, began));
            let kept: Vec<Piece> = all.by_ref().take(MOST_PIECES).collect();
            let mut skipped = [0; 2];
            for piece in all {
                add(&mut skipped, &[piece]);
            }
            // Whose the bytes are that are not held is not known: the last one's.
            let last = kept.last().map_or(Side::Client, |piece| piece.from);
            if let Some(sum) = skipped.get_mut(last.index()) {
                *sum += beyond;
            }
            let transport = if kind == "tcp" { Transport::Tcp } else { Transport::Udp };
            (Said::Bytes(kept, Known { sealed, dns: false, skipped }), transport)
        }
        "dns" => {
            let sides = [("request", Side::Client), ("response", Side::Server)];
            let pieces = sides.into_iter().filter_map(|(name, from)| {
                let message = flow.get(name)?;
                let time = message.moment("timestamp").unwrap_or(began);
                Some(Piece { from, time, bytes: dns(message), text: false, cut: false })
            });
            (Said::Bytes(pieces.collect(), Known { sealed, dns: true, skipped: [0; 2] }), Transport::Udp)
        }
        _ => return None,
    };
    let (bytes, first, last) = said.sums(began);
    let port = match &said {
        Said::Http(exchange) => exchange.port(),
        Said::Bytes(..) if kind == "dns" => 53,
        Said::Bytes(..) => 0,
    };
    let server = server.unwrap_or_else(|| unknown(port));
    let named = |conn: Option<Item<'_>>| conn?.text("sni").filter(|name| !name.is_empty() && name != "true");
    Some(Conversation {
        number,
        transport,
        client: client.unwrap_or_else(|| unknown(0)),
        server: if server.port == 0 { Endpoint { port, ..server } } else { server },
        first,
        last,
        app: client_conn.and_then(|conn| app(&conn.text("proxy_mode")?)),
        sni: named(client_conn).or_else(|| named(server_conn)),
        host: server_conn.and_then(|conn| named_server(conn.get("address")?)),
        bytes,
        unanswered: said.unanswered(),
        said,
    })
}

/// An address and port: a list, in old files within a dictionary. A name is no address.
fn end(at: Item<'_>) -> Option<Endpoint> {
    let at = at.get("address").unwrap_or(at);
    let mut fields = at.list();
    let host = fields.next()?.words()?;
    let port = fields.next()?.words()?.parse().ok()?;
    let ip = host.split('%').next()?.parse::<IpAddr>();
    Some(ip.map_or_else(|_| unknown(port), |ip| Endpoint { ip, port }))
}

/// The name in an address, if it is no number.
fn named_server(at: Item<'_>) -> Option<String> {
    let at = at.get("address").unwrap_or(at);
    at.list().next()?.words().filter(|host| !host.is_empty() && host.parse::<IpAddr>().is_err())
}

/// The app that mitmproxy was told to listen to (`local:NAME`), where it is one and not a process number.
fn app(mode: &str) -> Option<String> {
    let name = mode.strip_prefix("local:")?.trim();
    let one = !name.is_empty() && !name.contains([',', '!']) && name.parse::<u32>().is_err();
    one.then(|| name.to_owned())
}

fn exchange(flow: Item<'_>, sealed: bool, began: Timestamp, limits: &Limits, long: bool) -> Option<Exchange> {
    // Of what was edited in mitmproxy, the backup is what came from the app and from the server.
    let came = |name| flow.get("backup").and_then(|backup| backup.get(name)).or_else(|| flow.get(name));
    let (asked, answered) = (came("request"), came("response"));
    let failed = flow.get("error").and_then(|error| error.text("msg"));
    let request = asked.map(|request| {
        let scheme = request.text("scheme").unwrap_or_default();
        let host = request.text("host").unwrap_or_default();
        let authority = request.text("authority").filter(|name| !name.is_empty()).unwrap_or(host);
        let line = Line::Request {
            method: request.text("method").unwrap_or_default(),
            target: request.text("path").unwrap_or_default(),
            authority,
        };
        let mut half = half(request, line, began, limits);
        half.port = request.number("port").and_then(|port| u16::try_from(port).ok());
        (half, scheme)
    });
    let (request, scheme) = request.map_or((None, String::new()), |(half, scheme)| (Some(half), scheme));
    let version = asked.and_then(|request| request.text("http_version")).unwrap_or_default();
    let sealed = if scheme.is_empty() { sealed } else { scheme == "https" };
    let response = answered.map(|response| {
        let status = response
            .number("status_code")
            .or_else(|| response.number("code"))
            .and_then(|status| i64::try_from(status).ok());
        half(response, Line::Status(status.unwrap_or_default()), began, limits)
    });
    // Before version 12 of the format the messages are a flow of their own.
    let messages = match flow.get("websocket") {
        Some(websocket) => websocket.get("messages"),
        None => flow.get("messages"),
    };
    let mut all = messages.into_iter().flat_map(Query::list);
    let messages: Vec<Piece> =
        all.by_ref().take(MOST_PIECES).map(|message| piece(message, 1, began)).collect();
    let limit = (long || all.next().is_some()).then_some(LONG);
    let exchange = Exchange { version, sealed, request, response, messages, failed, limit };
    (exchange.request.is_some() || exchange.response.is_some() || !exchange.messages.is_empty())
        .then_some(exchange)
}

fn half(message: Item<'_>, line: Line, began: Timestamp, limits: &Limits) -> Half {
    let headers = message.get("headers").into_iter().flat_map(Query::list).filter_map(|header| {
        let mut pair = header.list();
        Some((pair.next()?.words()?, pair.next()?.bytes()?.0))
    });
    // What is null was passed on and not recorded.
    let body = match message.get("content") {
        Some(content) => content.bytes().map_or_else(Body::default, |(bytes, cut)| Body::sent(bytes, cut)),
        None => Body { absent: true, ..Body::default() },
    };
    let time = message.moment("timestamp_start").unwrap_or(began);
    Half::new(time, line, headers, body, limits)
}

/// A message of a WebSocket (`[kind, from client, content, time, …]`), or of TCP and UDP, which lack the kind.
fn piece(message: Item<'_>, skip: usize, began: Timestamp) -> Piece {
    let kind = if skip > 0 { message.list().next().and_then(Query::words) } else { None };
    let mut fields = message.list().skip(skip);
    let client = fields.next().and_then(Query::words).is_some_and(|word| word == "true");
    let (bytes, cut) = fields.next().and_then(Query::bytes).unwrap_or_default();
    let time = fields.next().and_then(Query::words).and_then(|time| Timestamp::parse(&time)).unwrap_or(began);
    let from = if client { Side::Client } else { Side::Server };
    Piece { from, time, bytes, text: kind.as_deref() == Some("1"), cut }
}

/// A DNS message in the format of the wire (RFC 1035 §4), for it is told field by field.
fn dns(message: Item<'_>) -> Vec<u8> {
    let number = |name: &str| message.number(name).unwrap_or_default();
    let flag = |name: &str, bit: u32| u16::from(message.flag(name)) << bit;
    let short = |number: u64| u16::try_from(number).unwrap_or_default().to_be_bytes();
    let flags = u16::from(!message.flag("query")) << 15
        | flag("authoritative_answer", 10)
        | flag("truncation", 9)
        | flag("recursion_desired", 8)
        | flag("recursion_available", 7)
        | u16::try_from(number("op_code") & 0xf).unwrap_or_default() << 11
        | u16::try_from(number("response_code") & 0xf).unwrap_or_default();
    let sections = ["questions", "answers", "authorities", "additionals"];
    let records = |name| message.get(name).into_iter().flat_map(Query::list).take(usize::from(u16::MAX));
    let mut bytes = [short(number("id")), flags.to_be_bytes()].concat();
    for name in sections {
        bytes.extend(short(records(name).count() as u64));
    }
    for name in sections {
        for record in records(name) {
            for label in record.text("name").unwrap_or_default().split('.').filter(|label| !label.is_empty())
            {
                let label = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
                bytes.push(u8::try_from(label.len()).unwrap_or_default());
                bytes.extend_from_slice(label);
            }
            bytes.push(0);
            bytes.extend(short(record.number("type").unwrap_or_default()));
            let class = record.number("class_").or_else(|| record.number("class"));
            bytes.extend(short(class.unwrap_or(1)));
            if name != "questions" {
                let data = record.get("data").and_then(Query::bytes).unwrap_or_default().0;
                let data = data.get(..usize::from(u16::MAX)).unwrap_or(&data);
                bytes.extend(
                    u32::try_from(record.number("ttl").unwrap_or_default()).unwrap_or(u32::MAX).to_be_bytes(),
                );
                bytes.extend(short(data.len() as u64));
                bytes.extend_from_slice(data);
            }
        }
    }
    bytes.truncate(usize::from(u16::MAX));
    bytes
}
