//! SMTP (RFC 5321): who writes to whom, how the client signs in (RFC 4954), and the mail itself (RFC 5322, MIME).
//!
//! ```text
//! client  EHLO │ AUTH │ MAIL FROM:<…> │ RCPT TO:<…> │ DATA │ lines of mail, one of "." ends them
//! server  220 │ 250 │ 334 │ 235 │ 354 │ …
//! ```
//!
//! A mail is one message, its envelope with it. What follows STARTTLS (RFC 3207) is read as a flow of its own.

mod auth;

use creance_model::{Carrier, Field, Flow, Message, Side, Transport, Value, Visibility};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Reader, Session,
    body::Tree,
    datagram::Told,
    http,
    kept::Kept,
    lines::{Line, Lines},
};

/// SMTP.
pub(crate) struct Smtp;

const PORTS: [u16; 4] = [25, 465, 587, 2525];

impl Protocol for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        let port = PORTS.contains(&flow.server.port);
        match (from, head) {
            (Side::Client, [b'E', b'H', b'L', b'O', b' ', ..] | [b'H', b'E', b'L', b'O', b' ', ..]) => {
                Probe::Yes
            }
            (Side::Server, [b'2', b'2', b'0', b' ' | b'-', greeting @ ..]) => {
                let line = greeting.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let named = memchr::memmem::find(line, b"SMTP").is_some();
                if port || named { Probe::Yes } else { Probe::No }
            }
            (Side::Server, head) if port && b"220".starts_with(head) => Probe::Perhaps,
            _ => Probe::No,
        }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Box::new(Connection { means: means.clone(), ..Connection::default() })
    }
}

#[derive(Default)]
struct Connection {
    means: Means,
    client: Lines,
    server: Lines,
    state: State,
    mail: Mail,
    readable: [u64; 2],
    /// Bytes are missing: what comes is read from the next line on.
    behind_gap: [bool; 2],
    inner: Option<Box<Reader>>,
}

/// What the client says next.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Command,
    /// Mail, once the server has agreed.
    Data,
    /// So many bytes of mail, and whether they are the last (RFC 3030).
    Chunk(usize, bool),
    /// Words of a mechanism, of which so many were said.
    Auth(String, Vec<auth::Word>),
    /// STARTTLS, once the server has agreed.
    Starting,
}

/// An envelope and its mail.
#[derive(Default)]
struct Mail {
    from: Option<String>,
    to: Vec<String>,
    /// What stood behind the addresses.
    parameters: Vec<String>,
    body: Kept,
    cut: Option<&'static str>,
    limit: Option<&'static str>,
    first: Option<At>,
    packets: Vec<u64>,
    length: u64,
}

/// Receivers of one mail that are told.
const MOST_RECEIVERS: usize = 1000;

/// Packets listed for one mail.
const MOST_PACKETS: usize = 1 << 16;

/// Words that a client says to sign in.
const MOST_WORDS: usize = 4;

impl Session for Connection {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if let Some(inner) = &mut self.inner {
            inner.feed(flow, from, bytes, at, limits, emit);
            return Progress::More;
        }
        let keep = limits.keeps(flow, from);
        let lines = if from == Side::Client { &mut self.client } else { &mut self.server };
        lines.push(bytes, at);
        // Where the server's agreement was not captured, the client's handshake shows it.
        if self.state == State::Starting && self.client.is_tls() {
            self.inner = Some(Box::new(Reader::within(&self.means)));
            self.hand_over(flow, limits, emit);
            return Progress::More;
        }
        while let Some(line) = self.next(from) {
            if let Some(gap) = self.behind_gap.get_mut(from.index())
                && std::mem::take(gap)
            {
                continue;
            }
            if let Some(readable) = self.readable.get_mut(from.index()) {
                *readable += line.length as u64;
            }
            match from {
                Side::Client => self.said(&line, keep, limits, emit),
                Side::Server => self.answered(&line),
            }
            if self.inner.is_some() {
                self.hand_over(flow, limits, emit);
                break;
            }
        }
        Progress::More
    }

    fn gap(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: u64,
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if let Some(inner) = &mut self.inner {
            inner.gap(flow, from, bytes, at, limits, emit);
            return Progress::More;
        }
        let lines = if from == Side::Client { &mut self.client } else { &mut self.server };
        *lines = Lines::default();
        let mut within_chunk = false;
        if let (Side::Client, State::Data | State::Chunk(..)) = (from, &self.state) {
            self.mail.cut = Some(http::MISSING);
        }
        if let (Side::Client, State::Chunk(left, last)) = (from, self.state.clone()) {
            within_chunk = bytes <= left as u64;
            let left = usize::try_from(bytes).map_or(0, |bytes| left.saturating_sub(bytes));
            self.state = if left > 0 { State::Chunk(left, last) } else { State::Command };
            if left == 0 && last {
                self.mail(limits.keeps(flow, from), limits, emit);
            }
        }
        if let Some(gap) = self.behind_gap.get_mut(from.index()) {
            *gap = !within_chunk;
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let Some(inner) = &mut self.inner {
            return inner.finish(flow, limits, emit);
        }
        if self.mail.from.is_some() || self.mail.body.len() > 0 {
            if self.state != State::Command {
                self.mail.cut = self.mail.cut.or(Some("the flow ended within the mail"));
            }
            self.mail(limits.keeps(flow, Side::Client), limits, emit);
        }
    }

    fn readable(&self) -> [u64; 2] {
        let [client, server] = self.inner.as_ref().map_or([0; 2], |inner| inner.readable());
        let [a, b] = self.readable;
        [a + client, b + server]
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.inner.as_ref().map_or([None; 2], |inner| inner.opaque())
    }

    fn protocol(&self) -> &'static str {
        "smtp"
    }
}

impl Connection {
    /// The next line, or what is there of a chunk.
    fn next(&mut self, from: Side) -> Option<Line> {
        match (from, &self.state) {
            (Side::Client, State::Chunk(left, _)) => self.client.take(*left),
            (Side::Client, _) => self.client.next(),
            (Side::Server, _) => self.server.next(),
        }
    }

    /// Tells a mail whose end was not seen, before another one begins.
    fn end(&mut self, keep: bool, limits: &Limits, emit: Emit<'_>) {
        if self.mail.body.len() > 0 {
            self.mail.cut = self.mail.cut.or(Some("the end of the mail was not seen"));
            self.mail(keep, limits, emit);
        }
    }

    fn said(&mut self, line: &Line, keep: bool, limits: &Limits, emit: Emit<'_>) {
        match std::mem::take(&mut self.state) {
            State::Data if line.text == b"." && !line.continued => {
                self.mail.note(line);
                self.mail(keep, limits, emit);
            }
            State::Data => {
                // A point in front of a line was added (RFC 5321 §4.5.2).
                let text = line.text.strip_prefix(b".").filter(|_| !line.continued).unwrap_or(&line.text);
                self.mail.take(text, line, keep, limits);
                self.state = State::Data;
            }
            State::Chunk(left, last) => {
                self.mail.take(&line.text, line, keep, limits);
                if left > line.length {
                    self.state = State::Chunk(left - line.length, last);
                } else if last {
                    self.mail(keep, limits, emit);
                }
            }
            State::Auth(mechanism, mut words) => {
                let text = String::from_utf8_lossy(&line.text).trim().to_owned();
                words.push(auth::Word { text, packets: line.packets.clone() });
                self.auth(mechanism, words, line, keep, emit);
            }
            State::Command | State::Starting => self.command(line, keep, limits, emit),
        }
    }

    fn command(&mut self, line: &Line, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let (command, argument) = line.command();
        match command.as_str() {
            "EHLO" | "HELO" | "LHLO" => {
                let mut told = Told::new("hello");
                told.value("client_name", argument);
                emit(line.message("smtp", told, keep));
            }
            "AUTH" => {
                let mut words = argument.split_ascii_whitespace();
                let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
                let word = |text: &str| auth::Word { text: text.to_owned(), packets: line.packets.clone() };
                let words = words.map(word);
                self.auth(mechanism, words.collect(), line, keep, emit);
            }
            "MAIL" => {
                self.end(keep, limits, emit);
                let (from, parameters) = path(&argument);
                self.mail = Mail { from: Some(from), ..Mail::default() };
                self.mail.parameters.extend(parameters);
                self.mail.note(line);
            }
            "RCPT" => {
                self.mail.note(line);
                if self.mail.to.len() < MOST_RECEIVERS {
                    let (to, parameters) = path(&argument);
                    self.mail.to.push(to);
                    self.mail.parameters.extend(parameters);
                } else {
                    self.mail.limit = Some("receivers of one mail");
                }
            }
            "DATA" => {
                self.mail.note(line);
                self.state = State::Data;
            }
            "BDAT" => {
                self.mail.note(line);
                let mut words = argument.split_ascii_whitespace();
                let size = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
                let last = words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
                if size > 0 {
                    self.state = State::Chunk(size, last);
                } else if last {
                    self.mail(keep, limits, emit);
                }
            }
            "STARTTLS" => self.state = State::Starting,
            "QUIT" | "NOOP" | "HELP" if argument.is_empty() => {}
            "RSET" => {
                self.end(keep, limits, emit);
                self.mail = Mail::default();
            }
            _ => {
                let mut told = Told::new("command");
                told.value("command", command);
                if !argument.is_empty() {
                    told.value("argument", argument);
                }
                emit(line.message("smtp", told, keep));
            }
        }
    }

    /// Tells who signs in when enough has been said, or waits for more.
    fn auth(&mut self, mechanism: String, words: Vec<auth::Word>, line: &Line, keep: bool, emit: Emit<'_>) {
        let needed = if mechanism == "LOGIN" { 2 } else { 1 };
        if words.len() < needed && words.len() < MOST_WORDS {
            self.state = State::Auth(mechanism, words);
            return;
        }
        let told = auth::told(mechanism, &words);
        let mut message = line.message("smtp", told, keep);
        let before = words.iter().flat_map(|word| &word.packets);
        message.packets = before.chain(&line.packets).copied().collect();
        message.packets.sort_unstable();
        message.packets.dedup();
        emit(message);
    }

    fn answered(&mut self, line: &Line) {
        match (line.answer(), &self.state) {
            (Some(220), State::Starting) => self.inner = Some(Box::new(Reader::within(&self.means))),
            // An answer to an earlier command may have come in between.
            (Some(354), State::Command) => self.state = State::Data,
            // What the server refuses does not follow.
            (Some(400..), State::Data | State::Auth(..) | State::Starting) if self.mail.body.len() == 0 => {
                self.state = State::Command;
            }
            _ => {}
        }
    }

    /// What came behind the answer belongs to what is inside.
    fn hand_over(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        let Some(inner) = &mut self.inner else { return };
        for (side, lines) in [(Side::Server, &mut self.server), (Side::Client, &mut self.client)] {
            for (piece, at) in lines.rest() {
                inner.feed(flow, side, &piece, at, limits, emit);
            }
        }
    }

    /// The mail is over.
    fn mail(&mut self, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let mut mail = std::mem::take(&mut self.mail);
        let body = mail.body.take();
        let text = |name, value: String| Field { name, value: Value::Text(value) };
        let mut fields = vec![text("from", mail.from.clone().unwrap_or_default())];
        fields.push(Field {
            name: "to",
            value: Value::List(mail.to.iter().cloned().map(Value::Text).collect()),
        });
        fields.extend(mail.cut.map(|cut| text("body_cut", cut.to_owned())));
        let mut tree = Tree::new(limits);
        if keep {
            for (step, address) in mail
                .from
                .iter()
                .map(|from| ("mail-from", from))
                .chain(mail.to.iter().map(|to| ("rcpt-to", to)))
            {
                tree.root(Carrier::Field, step, address.as_str(), Some("mail"));
            }
            for parameters in &mail.parameters {
                tree.root(Carrier::Field, "parameters", parameters.as_str(), None);
            }
            if !body.is_empty() {
                tree.mail(&body);
            }
        }
        let (parts, limit) = tree.done();
        let limit = limit.or(mail.limit).or(mail.cut.filter(|cut| *cut == http::TOO_LONG));
        fields.extend(limit.map(|limit| text("limit", limit.to_owned())));
        mail.packets.sort_unstable();
        mail.packets.dedup();
        emit(Message {
            time: mail.first.map_or_else(Default::default, |at| at.time),
            protocol: "smtp",
            kind: "mail",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: mail.packets,
            bytes: mail.length,
            fields,
            parts,
        });
    }
}

impl Mail {
    fn note(&mut self, line: &Line) {
        self.first.get_or_insert(line.at);
        self.length += line.length as u64;
        if self.packets.len() < MOST_PACKETS {
            let new = line.packets.iter().copied().filter(|packet| self.packets.last() != Some(packet));
            let new: Vec<u64> = new.collect();
            self.packets.extend(new);
        }
    }

    /// A line of the mail.
    fn take(&mut self, text: &[u8], line: &Line, keep: bool, limits: &Limits) {
        self.note(line);
        if !keep {
            return;
        }
        let end: &[u8] = if line.cut { b"" } else { b"\r\n" };
        let had = self.body.push(text, limits) + self.body.push(end, limits);
        if had < text.len() + end.len() {
            self.cut = Some(http::TOO_LONG);
        }
    }
}

/// The address of `FROM:<a@b.example> SIZE=…`, and what stands behind it.
fn path(argument: &str) -> (String, Option<String>) {
    let address = argument.split_once(':').map_or(argument, |(_, address)| address).trim();
    let (address, behind) = match address.strip_prefix('<') {
        Some(rest) => rest.split_once('>').unwrap_or((rest, "")),
        None => address.split_once([' ', '\t']).unwrap_or((address, "")),
    };
    let behind = behind.trim();
    (address.to_owned(), (!behind.is_empty()).then(|| behind.to_owned()))
}

#[cfg(test)]
mod tests;
