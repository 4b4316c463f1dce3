//! SMTP (RFC 5321): who writes to whom, how the client signs in (RFC 4954), and the mail itself (RFC 5322, MIME).
//!
//! ```text
//! client  EHLO │ AUTH │ MAIL FROM:<…> │ RCPT TO:<…> │ DATA │ lines of mail, one of "." ends them
//! server  220 │ 250 │ 334 │ 235 │ 354 │ …
//! ```
//!
//! A mail is one message, its envelope with it. What follows STARTTLS (RFC 3207) is read as a flow of its own.

use creance_model::{Carrier, Field, Flow, Message, Side, Transport, Value, Visibility};
use data_encoding::BASE64;

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Reader, Session,
    body::Tree,
    datagram::{Told, kept},
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
    Auth(String, Vec<String>),
    /// STARTTLS, once the server has agreed.
    Starting,
}

/// An envelope and its mail.
#[derive(Default)]
struct Mail {
    from: Option<String>,
    to: Vec<String>,
    body: Kept,
    cut: Option<&'static str>,
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
        let keep = kept(flow, from, limits);
        let lines = if from == Side::Client { &mut self.client } else { &mut self.server };
        lines.push(bytes, at);
        while let Some(line) = if from == Side::Client { self.client.next() } else { self.server.next() } {
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
        if let Some(gap) = self.behind_gap.get_mut(from.index()) {
            *gap = true;
        }
        if from == Side::Client && self.state == State::Data {
            self.mail.cut = Some(http::MISSING);
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
            self.mail(kept(flow, Side::Client, limits), limits, emit);
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
    fn said(&mut self, line: &Line, keep: bool, limits: &Limits, emit: Emit<'_>) {
        match std::mem::take(&mut self.state) {
            State::Data if line.text == b"." => {
                self.mail.note(line);
                self.mail(keep, limits, emit);
            }
            State::Data => {
                // A point in front of another one was doubled (RFC 5321 §4.5.2).
                let text = if line.text.starts_with(b"..") {
                    line.text.get(1..)
                } else {
                    Some(line.text.as_slice())
                };
                self.mail.take(text.unwrap_or_default(), line, keep, limits);
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
                words.push(String::from_utf8_lossy(&line.text).trim().to_owned());
                self.auth(mechanism, words, line, keep, emit);
            }
            State::Command | State::Starting => self.command(line, keep, emit),
        }
    }

    fn command(&mut self, line: &Line, keep: bool, emit: Emit<'_>) {
        let (command, argument) = line.command();
        match command.as_str() {
            "EHLO" | "HELO" | "LHLO" => {
                let mut told = Told::new("hello");
                told.value("client_name", argument);
                emit(told.message(
                    "smtp",
                    Side::Client,
                    line.at,
                    line.packets.clone(),
                    line.length as u64,
                    keep,
                ));
            }
            "AUTH" => {
                let mut words = argument.split_ascii_whitespace().map(str::to_owned);
                let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
                self.auth(mechanism, words.collect(), line, keep, emit);
            }
            "MAIL" => {
                self.mail = Mail { from: Some(path(&argument)), ..Mail::default() };
                self.mail.note(line);
            }
            "RCPT" => {
                self.mail.note(line);
                if self.mail.to.len() < MOST_RECEIVERS {
                    self.mail.to.push(path(&argument));
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
                }
            }
            "STARTTLS" => self.state = State::Starting,
            _ => {}
        }
    }

    /// Tells who signs in when enough has been said, or waits for more.
    fn auth(&mut self, mechanism: String, words: Vec<String>, line: &Line, keep: bool, emit: Emit<'_>) {
        let needed = if mechanism == "LOGIN" { 2 } else { 1 };
        if words.len() < needed && words.len() < MOST_WORDS {
            self.state = State::Auth(mechanism, words);
            return;
        }
        let decoded = |word: Option<&String>| {
            BASE64.decode(word.map_or("", String::as_str).as_bytes()).unwrap_or_default()
        };
        let mut told = Told::new("auth");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match mechanism.as_str() {
            "LOGIN" => {
                told.value("username", text(&decoded(words.first())));
                told.value("password", text(&decoded(words.get(1))));
            }
            // An identity, a name and a password with zeros between them (RFC 4616).
            "PLAIN" => {
                let decoded = decoded(words.first());
                let mut parts = decoded.split(|byte| *byte == 0).skip(1);
                told.value("username", text(parts.next().unwrap_or_default()));
                told.value("password", text(parts.next().unwrap_or_default()));
            }
            _ => told.value("auth_token", text(&decoded(words.first()))),
        }
        told.fields.retain(|field| field.name == "username");
        told.text("mechanism", mechanism);
        emit(told.message("smtp", Side::Client, line.at, line.packets.clone(), line.length as u64, keep));
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
                tree.root(Carrier::Field, step, address.as_bytes().to_vec(), Some("mail".to_owned()));
            }
            if !body.is_empty() {
                tree.mail(&body);
            }
        }
        let (parts, limit) = tree.done();
        let limit = limit.or(mail.cut.filter(|cut| *cut == http::TOO_LONG));
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

/// The address of `FROM:<a@b.example> SIZE=…`.
fn path(argument: &str) -> String {
    let address = argument.split_once(':').map_or(argument, |(_, address)| address).trim();
    let address = match address.strip_prefix('<') {
        Some(rest) => rest.split('>').next().unwrap_or_default(),
        None => address.split_ascii_whitespace().next().unwrap_or_default(),
    };
    address.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    const SAID: &[u8] = b"EHLO tablet.example\r\nAUTH LOGIN\r\nYWRhQHNreWxhcmsuZXhhbXBsZQ==\r\nb3R0ZXI3\r\n\
        MAIL FROM:<ada@skylark.example> SIZE=9\r\nRCPT TO:<bob@b.example>\r\nDATA\r\n\
        Subject: =?utf-8?B?bG9ncw==?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nat 24.75=2C 121=\r\n.04\r\n--B\r\nContent-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        eyJzbiI6\r\nIjE1ODEifQ==\r\n--B--\r\n.\r\nQUIT\r\n";

    fn read(step: usize) -> (Vec<Message>, [u64; 2]) {
        let (mut told, limits) = (Vec::new(), Limits::default());
        let mut session = Smtp.start(&Means::default());
        for (packet, piece) in (1..).zip(SAID.chunks(step)) {
            let at = At { packet, time: Timestamp::default() };
            session.feed(&flow(), Side::Client, piece, at, &limits, &mut |message| told.push(message));
        }
        session.finish(&flow(), &limits, &mut |message| told.push(message));
        (told, session.readable())
    }

    #[test]
    fn a_mail_is_read_with_its_envelope_however_it_is_cut() {
        for step in [1, 11, 10_000] {
            let (told, readable) = read(step);
            let kinds: Vec<_> = told.iter().map(|message| message.kind).collect();
            assert_eq!(kinds, ["hello", "auth", "mail"], "{step}");
            assert_eq!(readable, [SAID.len() as u64, 0]);
            let parts: Vec<(&str, String)> = told
                .iter()
                .flat_map(|message| &message.parts)
                .map(|part| (part.step.as_ref(), String::from_utf8_lossy(&part.bytes).into_owned()))
                .collect();
            for expected in [
                ("password", "otter7"),
                ("username", "ada@skylark.example"),
                ("rcpt-to", "bob@b.example"),
                ("header:subject", "logs"),
                ("quoted-printable", "at 24.75, 121.04"),
                ("json:/sn", "1581"),
            ] {
                let found = parts.iter().any(|(step, bytes)| (*step, bytes.as_str()) == expected);
                assert!(found, "{expected:?} in {parts:?}");
            }
        }
    }

    #[test]
    fn a_receiver_refused_among_several_commands_sent_at_once_loses_no_mail() {
        let said: [(Side, &[u8]); 3] = [
            (
                Side::Client,
                b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n",
            ),
            (Side::Server, b"250 ok\r\n550 no such user\r\n250 ok\r\n354 go on\r\n"),
            (Side::Client, b"Subject: logs\r\n\r\nHELO is no command here\r\n.\r\n"),
        ];
        let (mut told, limits) = (Vec::new(), Limits::default());
        let mut session = Smtp.start(&Means::default());
        for (packet, (from, bytes)) in (1..).zip(said) {
            let at = At { packet, time: Timestamp::default() };
            session.feed(&flow(), from, bytes, at, &limits, &mut |message| told.push(message));
        }
        let [mail] = told.as_slice() else { panic!("{told:?}") };
        assert!(mail.parts.iter().any(|part| part.step == "header:subject" && part.bytes == b"logs"));
    }

    #[test]
    fn ftp_greets_likewise_and_is_not_mine() {
        let mut flow = flow();
        assert_eq!(Smtp.probe(&flow, Side::Server, b"220 ProFTPD\r\n"), Probe::No);
        assert_eq!(Smtp.probe(&flow, Side::Server, b"220 mx.example ESMTP\r\n"), Probe::Yes);
        flow.server.port = 25;
        assert_eq!(Smtp.probe(&flow, Side::Server, b"22"), Probe::Perhaps);
    }
}
