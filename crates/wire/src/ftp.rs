//! FTP (RFC 959, 2428): who signs in, and which files go where. The files themselves go over connections of their own,
//! which say nothing of what they are.
//!
//! ```text
//! client  USER │ PASS │ PASV or PORT │ STOR name │ …        server  220 │ 331 │ 230 │ 227 │ …
//! ```
//!
//! What follows AUTH TLS (RFC 4217) is read as a flow of its own.

use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Reader, Session,
    datagram::Told,
    lines::{Line, Lines},
};

/// FTP's connection of commands.
pub(crate) struct Ftp;

impl Protocol for Ftp {
    fn name(&self) -> &'static str {
        "ftp"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        let port = flow.server.port == 21;
        match (from, head) {
            (Side::Server, [b'2', b'2', b'0', b' ' | b'-', greeting @ ..]) => {
                let line = greeting.split(|byte| *byte == b'\n').next().unwrap_or_default();
                if port || memchr::memmem::find(line, b"FTP").is_some() { Probe::Yes } else { Probe::No }
            }
            (Side::Server, head) if port && b"220".starts_with(head) => Probe::Perhaps,
            (Side::Client, head) if port => {
                let word = head.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
                let known = COMMANDS.iter().any(|command| word.eq_ignore_ascii_case(command.as_bytes()));
                if known && word.len() < head.len() { Probe::Yes } else { Probe::No }
            }
            _ => Probe::No,
        }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Box::new(Connection { means: means.clone(), ..Connection::default() })
    }
}

const COMMANDS: &[&str] = &[
    "USER", "PASS", "ACCT", "CWD", "PWD", "TYPE", "PASV", "EPSV", "PORT", "EPRT", "STOR", "STOU", "APPE",
    "RETR", "LIST", "NLST", "MLSD", "MLST", "DELE", "RNFR", "RNTO", "MKD", "RMD", "SIZE", "SYST", "FEAT",
    "OPTS", "AUTH", "QUIT", "NOOP",
];

#[derive(Default)]
struct Connection {
    means: Means,
    client: Lines,
    server: Lines,
    /// TLS was asked for.
    asked: bool,
    readable: [u64; 2],
    inner: Option<Box<Reader>>,
}

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
        if self.asked && self.client.is_tls() {
            let mut inner = Reader::within(&self.means);
            for (piece, at) in self.client.rest() {
                inner.feed(flow, Side::Client, &piece, at, limits, emit);
            }
            self.inner = Some(Box::new(inner));
            return Progress::More;
        }
        while let Some(line) = if from == Side::Client { self.client.next() } else { self.server.next() } {
            if let Some(readable) = self.readable.get_mut(from.index()) {
                *readable += line.length as u64;
            }
            if from == Side::Client {
                self.said(&line, keep, emit);
            } else if self.asked && line.answer().is_some() {
                self.asked = false;
                if line.answer() == Some(234) {
                    let mut inner = Reader::within(&self.means);
                    for (piece, at) in self.server.rest() {
                        inner.feed(flow, from, &piece, at, limits, emit);
                    }
                    self.inner = Some(Box::new(inner));
                    break;
                }
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
        match &mut self.inner {
            Some(inner) => inner.gap(flow, from, bytes, at, limits, emit),
            None if from == Side::Client => self.client = Lines::default(),
            None => self.server = Lines::default(),
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let Some(inner) = &mut self.inner {
            inner.finish(flow, limits, emit);
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
        "ftp"
    }
}

impl Connection {
    fn said(&mut self, line: &Line, keep: bool, emit: Emit<'_>) {
        let (command, argument) = line.command();
        self.asked = command == "AUTH";
        let mut told = Told::new("command");
        // What is no command of the standards was said all the same.
        if COMMANDS.contains(&command.as_str()) {
            told.text("command", command.as_str());
        } else {
            told.value("command", command.as_str());
        }
        let name = match command.as_str() {
            "USER" => "username",
            "PASS" => "password",
            "STOR" | "STOU" | "APPE" | "RETR" | "DELE" | "RNFR" | "RNTO" | "SIZE" => "filename",
            _ => "argument",
        };
        if !argument.is_empty() {
            told.value(name, argument);
            told.fields.retain(|field| field.name != "password");
        }
        emit(line.message("ftp", told, keep));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    #[test]
    fn who_signs_in_and_which_file_leaves_is_told() {
        let said = b"USER ada\r\nPASS otter7\r\nTYPE I\r\nSTOR DJI_0001.JPG\r\nSITE planted\r\n";
        for step in [1, 100] {
            let mut told = Vec::new();
            let mut session = Ftp.start(&Means::default());
            for (packet, piece) in (1..).zip(said.chunks(step)) {
                let at = At { packet, time: Timestamp::default() };
                session.feed(&flow(), Side::Client, piece, at, &Limits::default(), &mut |message| {
                    told.push(message);
                });
            }
            let parts: Vec<_> = told
                .iter()
                .flat_map(|message| message.parts.iter())
                .map(|part| (part.step().into_owned(), part.bytes()))
                .collect();
            let expected: [(&str, &[u8]); 6] = [
                ("username", b"ada"),
                ("password", b"otter7"),
                ("argument", b"I"),
                ("filename", b"DJI_0001.JPG"),
                ("command", b"SITE"),
                ("argument", b"planted"),
            ];
            assert_eq!(parts, expected.map(|(step, bytes)| (step.to_owned(), bytes)));
            assert!(told.iter().all(|message| message.text("password").is_none()));
            assert_eq!(session.readable(), [said.len() as u64, 0]);
        }
    }

    #[test]
    fn a_handshake_follows_a_command_whose_answer_was_not_captured() {
        let mut session = Ftp.start(&Means::default());
        let at = At { packet: 1, time: Timestamp::default() };
        for bytes in [b"AUTH TLS\r\n".as_slice(), &[0x16, 3, 1, 0, 2, 1, b'\n', 0, 0, b'\n']] {
            let mut told = 0;
            session.feed(&flow(), Side::Client, bytes, at, &Limits::default(), &mut |_| told += 1);
            assert_eq!(told, usize::from(bytes.starts_with(b"AUTH")));
        }
    }

    #[test]
    fn mail_greets_likewise_and_is_not_mine() {
        let mut flow = flow();
        assert_eq!(Ftp.probe(&flow, Side::Server, b"220 mx.example ESMTP\r\n"), Probe::No);
        flow.server.port = 21;
        assert_eq!(Ftp.probe(&flow, Side::Server, b"220 ready\r\n"), Probe::Yes);
        assert_eq!(Ftp.probe(&flow, Side::Client, b"GET / HTTP/1.1\r\n"), Probe::No);
    }
}
