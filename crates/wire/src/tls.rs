//! TLS (RFC 8446, 5246): hellos, certificates and alerts; with keys, what is inside.
//!
//! ```text
//! record   ┌──────┬─────────┬────────┬─────────      handshake ┌──────┬──────────┬────
//!          │ type │ version │ length │ fragment              │ type │ length24 │ body
//!          └──────┴─────────┴────────┴─────────              └──────┴──────────┴────
//!
//! a side   clear ─▶ [early data] ─▶ handshake ─▶ data ─▶ data with updated keys …      TLS 1.3
//!          clear ─▶ data                                                               TLS 1.2
//! ```
//!
//! Messages may be split over records and segments; each cites the packets of its own bytes alone, for a byte of what
//! was encrypted stands where the encrypted byte stood. A record is read only if its authentication holds. What cannot
//! be opened has a cause, told once for each side. Application data is read as a flow of its own.
//! Encrypted Client Hello (RFC 9849) is told where its extension is present; by design nobody can tell a real one from
//! GREASE, so that is what is said.

mod failed;
pub(crate) mod hello;
mod lengths;
mod open;
mod stages;
mod suites;

use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Transport, Value, Visibility};

use crate::{At, Emit, Keep, Limits, Means, Probe, Progress, Protocol, Reader, Session, held::Held};

use hello::{Choice, Offer};
use lengths::Lengths;
use stages::{Stage, TLS13};

pub(crate) use open::Key;
pub(crate) use stages::cause;
pub(crate) use suites::{Cipher, Suite};

/// TLS over TCP.
pub(crate) struct Tls;

/// Longest handshake message that is read: certificates chains are long, hellos with post-quantum keys too.
const MOST_MESSAGE: usize = 1 << 17;

/// Longest record (RFC 8446 §5.2, with what older versions allowed).
const MOST_RECORD: usize = (1 << 14) + 2048;

/// Bytes of a client that wait for the server's hello.
const MOST_WAITING: usize = 1 << 18;

impl Protocol for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Tcp {
            return Probe::No;
        }
        match head {
            [20..=23, 3, 0..=4, high, low, ..]
                if usize::from(u16::from_be_bytes([*high, *low])) <= MOST_RECORD =>
            {
                Probe::Yes
            }
            [] | [20..=23] | [20..=23, 3] | [20..=23, 3, 0..=4] | [20..=23, 3, 0..=4, _] => Probe::Perhaps,
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
    sides: [Half; 2],
    offer: Option<Offer>,
    choice: Option<Choice>,
    /// The packets of the server's hello, and when it came.
    chosen: (Vec<u64>, creance_model::Timestamp),
    premaster: Option<Vec<u8>>,
    /// An alert of the client before any data: its name.
    refused: Option<String>,
    inner: Option<Box<Reader>>,
    /// DNS is asked here (RFC 7858): its port, or its name among the protocols.
    dns: bool,
    /// The content of the record being read.
    plain: Vec<u8>,
    /// How long what cannot be opened is.
    lengths: Option<Box<Lengths>>,
}

#[derive(Default)]
struct Half {
    /// Bytes of a record that is not whole.
    record: Held,
    /// Bytes of a handshake message that is not whole.
    handshake: Held,
    stage: Stage,
    /// A change of cipher was seen.
    changed: bool,
    /// Bytes of encrypted records, whether opened or not.
    sealed: u64,
    /// Why records of this side were not opened.
    cause: Option<&'static str>,
    readable: u64,
}

/// What a record gave.
enum Step {
    /// It is used up.
    Next,
    /// More bytes are needed, or the other side must speak first.
    Wait,
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
        self.dns |= flow.server.port == 853;
        let half = self.half(from);
        if matches!(half.stage, Stage::Over) {
            half.sealed += bytes.len() as u64;
            if let Some(lengths) = &mut self.lengths {
                lengths.feed(from, bytes, at, emit);
            }
            return self.progress();
        }
        half.record.push(bytes, at);
        self.read(flow, from, limits, emit);
        // What the client sent may have waited for the server's hello.
        if from == Side::Server && !self.half(Side::Client).record.bytes().is_empty() {
            self.read(flow, Side::Client, limits, emit);
        }
        self.progress()
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        // Record borders are lost with the bytes.
        self.end(from, cause::LOST);
        self.lengths = None;
        self.progress()
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let Some(inner) = &mut self.inner {
            inner.finish(flow, limits, &mut decrypted(emit));
        }
        if let Some(mut lengths) = self.lengths.take() {
            lengths.finish(emit);
        }
        if let Some(why) = self.failed() {
            for half in &mut self.sides {
                half.cause = Some(cause::REFUSED);
            }
            let (packets, time) = std::mem::take(&mut self.chosen);
            let bytes = self.sides.iter().map(|half| half.readable).sum();
            emit(Message {
                time,
                protocol: "tls",
                kind: "handshake-failed",
                from: Side::Client,
                visibility: Visibility::Clear,
                packets,
                bytes,
                fields: vec![Field { name: "why", value: Value::Text(why) }],
                parts: Parts::default(),
            });
        }
    }

    fn readable(&self) -> [u64; 2] {
        let [client, server] = self.inner.as_ref().map_or([0; 2], |inner| inner.readable());
        let [a, b] = &self.sides;
        [a.readable + client, b.readable + server]
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        let inner = self.inner.as_ref().map_or([None; 2], |inner| inner.opaque());
        let [a, b] = &self.sides;
        let of = |half: &Half, inner: Option<&'static str>| {
            half.cause.or(inner).or(self.inner.is_some().then_some(cause::INNER))
        };
        [of(a, inner[0]), of(b, inner[1])]
    }

    fn protocol(&self) -> &'static str {
        match &self.inner {
            Some(inner) if inner.protocol() != "unknown" => inner.protocol(),
            _ if self.dns => "dot",
            _ => "tls",
        }
    }
}

/// Marks what is told inside.
pub(crate) fn decrypted(emit: Emit<'_>) -> impl FnMut(Message) {
    move |message| emit(Message { visibility: Visibility::Decrypted, ..message })
}

impl Connection {
    fn half(&mut self, from: Side) -> &mut Half {
        let [client, server] = &mut self.sides;
        if from == Side::Client { client } else { server }
    }

    /// Nothing more of this side is read.
    fn end(&mut self, from: Side, why: &'static str) {
        let half = self.half(from);
        half.stage = Stage::Over;
        half.cause = Some(why);
        half.sealed += half.record.bytes().len() as u64;
        (half.record, half.handshake) = (Held::default(), Held::default());
    }

    fn progress(&self) -> Progress {
        let over = self.sides.iter().all(|half| matches!(half.stage, Stage::Over)) && self.lengths.is_none();
        // Until the client has said more than an alert, it may yet refuse.
        if over && self.sides[0].sealed > LONGEST_ALERT { Progress::Done } else { Progress::More }
    }

    fn read(&mut self, flow: &Flow, from: Side, limits: &Limits, emit: Emit<'_>) {
        let mut record = std::mem::take(&mut self.half(from).record);
        while let Step::Next = self.record(flow, from, &mut record, limits, emit) {}
        if matches!(self.half(from).stage, Stage::Over) {
            self.half(from).sealed += record.bytes().len() as u64;
            self.measure(from, &record, limits, emit);
        } else {
            self.half(from).record = record;
        }
    }

    /// From a record on that cannot be opened, the lengths of records are told, if somebody wants to know.
    fn measure(&mut self, from: Side, record: &Held, limits: &Limits, emit: Emit<'_>) {
        let borders = self.sides.iter().all(|half| !matches!(half.cause, Some(cause::LOST | cause::BROKEN)));
        if !limits.lengths || !borders {
            return;
        }
        let lengths = self.lengths.get_or_insert_with(|| Box::new(Lengths::new(self.choice)));
        for (piece, at) in record.pieces(0, usize::MAX) {
            lengths.feed(from, piece, at, emit);
        }
    }

    /// Reads one record.
    fn record(
        &mut self,
        flow: &Flow,
        from: Side,
        record: &mut Held,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Step {
        let Some((header, body)) = record.bytes().split_first_chunk::<5>() else { return Step::Wait };
        let [kind, major, _, high, low] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let half = self.half(from);
        if matches!(half.stage, Stage::Over) {
            return Step::Wait;
        }
        if !(20..=23).contains(&kind) || major != 3 || length > MOST_RECORD {
            self.end(from, cause::BROKEN);
            return Step::Wait;
        }
        if matches!(half.stage, Stage::Clear) {
            match self.is_sealed(from, kind, length, body) {
                Some(true) => match self.unlock(from) {
                    Some(Ok(open)) => self.half(from).stage = Stage::Open(Box::new(open)),
                    Some(Err(why)) => {
                        self.end(from, why);
                        return Step::Wait;
                    }
                    None => {
                        if record.bytes().len() > MOST_WAITING {
                            self.end(from, cause::NO_HELLO);
                        }
                        return Step::Wait;
                    }
                },
                Some(false) => {}
                None => return Step::Wait,
            }
        }
        let Some(fragment) = body.get(..length) else { return Step::Wait };
        let whole = 5 + length as u64;
        if matches!(self.half(from).stage, Stage::Clear) {
            self.half(from).readable += whole;
            match kind {
                20 => self.half(from).changed = true,
                21 => self.alert(from, fragment, Visibility::Clear, record, 5 + length, emit),
                _ => {
                    for (piece, at) in record.pieces(5, length) {
                        self.half(from).handshake.push(piece, at);
                    }
                    self.messages(from, Visibility::Clear, limits, emit);
                }
            }
        } else {
            self.half(from).sealed += whole;
            let mut plain = std::mem::take(&mut self.plain);
            if let Some(opened) = self.open(from, *header, fragment, &mut plain) {
                self.opened(flow, from, opened, &plain, record, limits, emit);
                let content = if opened.kind == 23 { plain.len() as u64 } else { 0 };
                self.half(from).readable += whole - content.min(whole);
            }
            self.plain = plain;
        }
        if matches!(self.half(from).stage, Stage::Over) {
            return Step::Wait;
        }
        record.consume(5 + length);
        Step::Next
    }

    /// Whether a record is encrypted, while the side's earlier ones were not. `None`: its first bytes will tell.
    fn is_sealed(&self, from: Side, kind: u8, length: usize, body: &[u8]) -> Option<bool> {
        let [client, server] = &self.sides;
        let changed = if from == Side::Client { client.changed } else { server.changed };
        match kind {
            23 => Some(true),
            21 => Some(changed && length != 2),
            22 if changed => {
                if self.choice.is_some_and(|choice| choice.version < TLS13) {
                    return Some(true);
                }
                // After a retry request a hello comes in the clear: it fills its record.
                let [kind, a, b, c] = *body.first_chunk::<4>()?;
                let message = u32::from_be_bytes([0, a, b, c]) as usize;
                Some(!(matches!(kind, 1 | 2) && message + 4 == length))
            }
            _ => Some(false),
        }
    }

    /// Reads the content of a record that was opened.
    #[expect(clippy::too_many_arguments, reason = "what a session is given, and the record")]
    fn opened(
        &mut self,
        flow: &Flow,
        from: Side,
        opened: open::Opened,
        plain: &[u8],
        record: &Held,
        limits: &Limits,
        emit: Emit<'_>,
    ) {
        // A byte of content stands where the encrypted byte stood.
        let mut rest = plain;
        let pieces = record.pieces(5 + opened.before, plain.len()).map_while(|(sealed, at)| {
            let (piece, behind) = rest.split_at_checked(sealed.len())?;
            rest = behind;
            Some((piece, at))
        });
        match opened.kind {
            // Renegotiation: the keys of the newest handshake.
            20 if !plain.is_empty() => match self.unlock(from) {
                Some(Ok(open)) => self.half(from).stage = Stage::Open(Box::new(open)),
                Some(Err(why)) => self.end(from, why),
                None => {}
            },
            21 => self.alert(
                from,
                plain,
                Visibility::Decrypted,
                record,
                record.bytes().len().min(5 + opened.before + plain.len()),
                emit,
            ),
            22 => {
                for (piece, at) in pieces {
                    self.half(from).handshake.push(piece, at);
                }
                self.messages(from, Visibility::Decrypted, limits, emit);
            }
            23 => {
                let means = &self.means;
                let inner = self.inner.get_or_insert_with(|| Box::new(Reader::within(means)));
                for (piece, at) in pieces {
                    inner.feed(flow, from, piece, at, limits, &mut decrypted(emit));
                }
            }
            _ => {}
        }
    }

    /// Reads handshake messages that are whole.
    fn messages(&mut self, from: Side, visibility: Visibility, limits: &Limits, emit: Emit<'_>) {
        let mut held = std::mem::take(&mut self.half(from).handshake);
        let all = limits.keep != Keep::Nothing;
        while let Some((&[kind, a, b, c], body)) = held.bytes().split_first_chunk::<4>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MOST_MESSAGE {
                return self.end(from, cause::BROKEN);
            }
            let Some(body) = body.get(..length) else { break };
            let tls13 = self.choice.is_some_and(|choice| choice.version >= TLS13);
            let (name, fields) = match kind {
                1 => match hello::client_hello(body, hello::Over::Tcp) {
                    Ok((fields, offer)) if from == Side::Client => {
                        self.offer = Some(offer);
                        ("client-hello", fields)
                    }
                    Ok((fields, _)) => ("client-hello", fields),
                    Err(_) => ("", Vec::new()),
                },
                2 => match hello::server_hello(body) {
                    Ok((fields, choice)) => {
                        if from == Side::Server && !choice.retry {
                            self.choice = Some(choice);
                            self.chosen = (
                                held.packets(length + 4),
                                held.first().map_or_else(Default::default, |at| at.time),
                            );
                        }
                        ("server-hello", fields)
                    }
                    Err(_) => ("", Vec::new()),
                },
                8 => ("encrypted-extensions", hello::encrypted_extensions(body).unwrap_or_default()),
                11 => ("certificate", hello::certificate(body, tls13, all)),
                16 => {
                    let encrypted = body.get(2..).unwrap_or_default();
                    self.premaster =
                        self.means.keys.premaster(encrypted).or_else(|| self.means.keys.premaster(body));
                    ("", Vec::new())
                }
                _ => ("", Vec::new()),
            };
            if !fields.is_empty() {
                self.dns |= from == Side::Client && hello::names_dns(&fields);
                let mut message = message(from, name, &held, length + 4, fields);
                message.visibility = visibility;
                if all {
                    message.parts = names(&message);
                }
                emit(message);
            }
            held.consume(length + 4);
            self.turn(from, kind);
        }
        let half = self.half(from);
        if !matches!(half.stage, Stage::Over) {
            half.handshake = held;
        }
    }

    fn alert(
        &mut self,
        from: Side,
        fragment: &[u8],
        visibility: Visibility,
        record: &Held,
        length: usize,
        emit: Emit<'_>,
    ) {
        // Alerts are two bytes; longer ones are encrypted.
        let [level @ 1..=2, description] = fragment else { return };
        let name = hello::alert_name(*description);
        if from == Side::Client && matches!(description, 42..=46 | 48) && self.inner.is_none() {
            self.refused = Some(name.clone());
        }
        let level = if *level == 2 { "fatal" } else { "warning" };
        let fields = vec![
            Field { name: "level", value: Value::Text(level.to_owned()) },
            Field { name: "description", value: Value::Text(name) },
        ];
        emit(Message { bytes: 2, visibility, ..message(from, "alert", record, length, fields) });
    }
}

/// An alert of TLS 1.3 in its record: five bytes of header, the alert, its type, a tag, and little padding.
const LONGEST_ALERT: u64 = 40;

/// What a client says of itself or of whom it asks for: server name, protocols, the names in its certificate.
pub(crate) fn names(message: &Message) -> Parts {
    let mut parts = Parts::default();
    if message.from == Side::Server {
        return parts;
    }
    for Field { name, value } in
        message.fields.iter().filter(|field| matches!(field.name, "sni" | "alpn" | "names"))
    {
        let all = match value {
            Value::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for one in all {
            if let Value::Text(text) = one {
                parts.add(Carrier::Handshake, None, *name, None, text.as_str());
            }
        }
    }
    parts
}

fn message(from: Side, kind: &'static str, held: &Held, length: usize, fields: Vec<Field>) -> Message {
    Message {
        time: held.first().map_or_else(Default::default, |at| at.time),
        protocol: "tls",
        kind,
        from,
        visibility: Visibility::Clear,
        packets: held.packets(length),
        bytes: length as u64,
        fields,
        parts: Parts::default(),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1], u16::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
    }

    fn hello(kind: u8) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend(if kind == 1 { &[0, 2, 0x13, 1, 1, 0][..] } else { &[0x13, 1, 0][..] });
        [&[kind, 0, 0, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    }

    fn told(connection: &mut Connection, pieces: &[(Side, &[u8])]) -> Vec<(&'static str, Vec<u64>)> {
        let mut told = Vec::new();
        let mut emit = |message: Message| told.push((message.kind, message.packets));
        for (packet, (from, piece)) in (1..).zip(pieces) {
            let at = At { packet, time: Timestamp::default() };
            connection.feed(&flow(), *from, piece, at, &Limits::default(), &mut emit);
        }
        connection.finish(&flow(), &Limits::default(), &mut emit);
        told
    }

    use Side::{Client, Server};

    #[test]
    fn each_message_cites_only_its_packets() {
        let second = record(22, &hello(1));
        let (left, right) = second.split_at(20);
        let pieces: &[(Side, &[u8])] = &[
            (Server, &record(22, &hello(2))),
            (Client, left),
            (Client, right),
            (Client, &record(21, &[2, 80])),
        ];
        let told = told(&mut Connection::default(), pieces);
        assert_eq!(told[..3], [("server-hello", vec![1]), ("client-hello", vec![2, 3]), ("alert", vec![4])]);
    }

    #[test]
    fn a_hello_after_a_change_of_cipher_is_read_and_an_encrypted_record_is_not() {
        let change = record(20, &[1]);
        let pieces: &[(Side, &[u8])] = &[
            (Client, &record(22, &hello(1))),
            (Client, &change),
            (Client, &record(22, &hello(1))),
            (Server, &record(22, &hello(2))),
            (Client, &record(23, &[9; 40])),
        ];
        let mut connection = Connection::default();
        assert_eq!(told(&mut connection, pieces).len(), 3);
        assert_eq!(connection.opaque()[0], Some(cause::NO_KEY));
        let mut connection = Connection::default();
        assert!(told(&mut connection, &[(Client, &change), (Client, &record(22, &[0; 40]))]).is_empty());
        assert_eq!(connection.opaque()[0], Some(cause::NO_HELLO));
    }

    #[test]
    fn a_client_that_refuses_is_told() {
        let (ours, theirs) = (record(22, &hello(1)), record(22, &hello(2)));
        for last in [record(21, &[2, 48]), record(23, &[9; 19])] {
            let pieces: &[(Side, &[u8])] = &[(Client, &ours), (Server, &theirs), (Client, &last)];
            let told = told(&mut Connection::default(), pieces);
            // The hello of these tests chooses TLS 1.2, where alerts are clear.
            let refused = told.last().is_some_and(|(kind, _)| *kind == "handshake-failed");
            assert_eq!(refused, last.len() == 7, "{told:?}");
        }
        let told = told(&mut Connection::default(), &[(Server, &theirs)]);
        assert_eq!(told.len(), 1, "a capture of one side shows no refusal: {told:?}");
    }
}
