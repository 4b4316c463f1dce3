//! How long the content of records is that cannot be opened: what was sent before the other side answered.
//!
//! ```text
//! client   │ 23 │ 23 │ 23 │          │ 23 │          a stretch of records is one upload
//! server                   │ 23 │ 23 │    │ 23 │     its answer ends it
//! ```
//!
//! A record is longer than its content by what the cipher adds: 17 bytes in TLS 1.3 (RFC 8446 §5.2), a nonce and a tag
//! before (RFC 5288, 7905). Left out: padding of TLS 1.3, which hides lengths; QUIC.

use creance_model::{Carrier, Field, Message, Parts, Side, Value, Visibility};

use super::{Choice, Cipher, Suite, TLS13, suites::Hash};
use crate::{At, Emit};

/// Shorter stretches are questions, not files.
const LEAST: u64 = 16 << 10;

/// Content of records of the server that says nothing of the application: windows and acknowledgements of HTTP/2.
const REMARK: u64 = 64;

/// Session tickets that a server of TLS 1.3 sends once it has the client's last word of the handshake (RFC 8446 §4.6.1):
/// amid an upload, as often as not.
const TICKETS: u8 = 2;

/// Content of a record with a ticket, at most.
const TICKET: u64 = 1024;

/// Packets cited for a stretch; the last one is always among them.
const MOST_PACKETS: usize = 63;

/// What cannot be opened, measured.
#[derive(Debug)]
pub(super) struct Lengths {
    /// What a record is longer than its content, at least and at most.
    added: (u64, u64),
    walks: [Walk; 2],
    stretch: Stretch,
    /// Tickets of the server that may yet come.
    tickets: u8,
}

/// Where in a record one side is.
#[derive(Debug, Default)]
struct Walk {
    header: [u8; 5],
    /// Bytes of the header that are here.
    have: usize,
    /// Bytes of the record that are not.
    left: usize,
    /// Not the format any more.
    broken: bool,
    /// Whether a record was seen.
    heard: bool,
}

/// Records of the client without an answer between them.
#[derive(Debug, Default)]
struct Stretch {
    least: u64,
    most: u64,
    first: Option<At>,
    packets: Vec<u64>,
    last: u64,
}

impl Lengths {
    /// Of a connection with this choice of the server.
    pub(super) fn new(choice: Option<Choice>) -> Self {
        let suite = choice.and_then(|choice| Suite::of(choice.suite));
        let added = match (choice, suite.map(|suite| suite.cipher)) {
            (Some(choice), _) if choice.version >= TLS13 => (17, 17),
            (_, Some(Cipher::ChaCha20Poly1305)) => (16, 16),
            (_, Some(Cipher::Aes128Gcm | Cipher::Aes256Gcm)) => (24, 24),
            (_, Some(Cipher::Ccm(_, tag))) => (8 + tag as u64, 8 + tag as u64),
            (_, Some(Cipher::Cbc(_, hash))) => {
                (16 + hash.length() as u64 + 1, 16 + hash.length() as u64 + 16)
            }
            _ => (16, 16 + Hash::Sha384.length() as u64 + 16),
        };
        let tickets = if choice.is_some_and(|choice| choice.version >= TLS13) { TICKETS } else { 0 };
        Self { added, walks: [Walk::default(), Walk::default()], stretch: Stretch::default(), tickets }
    }

    /// Takes what a side sent next.
    pub(super) fn feed(&mut self, from: Side, mut bytes: &[u8], at: At, emit: Emit<'_>) {
        while !bytes.is_empty() {
            let [client, server] = &mut self.walks;
            let walk = if from == Side::Client { client } else { server };
            if walk.broken {
                return;
            }
            let before = bytes.len();
            let begun = walk.take(&mut bytes);
            if from == Side::Client && (before > bytes.len()) {
                // The last word of the handshake and remarks between uploads are not where one begins.
                if begun.is_some() && self.stretch.most <= REMARK {
                    (self.stretch.first, self.stretch.packets) = (None, Vec::new());
                }
                self.stretch.cite(at);
            }
            let Some((kind, length)) = begun else { continue };
            let (least, most) = self.added;
            match (from, kind) {
                (Side::Client, 23) => {
                    self.stretch.least += length.saturating_sub(most);
                    self.stretch.most += length.saturating_sub(least);
                }
                (Side::Server, 23) => {
                    let content = length.saturating_sub(least);
                    if self.stretch.first.is_some()
                        && self.tickets > 0
                        && (REMARK..=TICKET).contains(&content)
                    {
                        self.tickets -= 1;
                    } else if content > REMARK {
                        self.finish(emit);
                    }
                }
                _ => {}
            }
        }
    }

    /// Tells what was sent since the last answer.
    pub(super) fn finish(&mut self, emit: Emit<'_>) {
        let Stretch { least, most, first, mut packets, last } = std::mem::take(&mut self.stretch);
        let [client, server] = &self.walks;
        let Some(first) = first else { return };
        // Where the server was not heard, nobody knows where one upload ends.
        if least < LEAST || client.left > 0 || client.broken || server.broken || !server.heard {
            return;
        }
        if packets.last() != Some(&last) {
            packets.push(last);
        }
        let number = |name, value: u64| Field { name, value: Value::Integer(value.cast_signed()) };
        emit(Message {
            time: first.time,
            protocol: "tls",
            kind: "opaque-upload",
            from: Side::Client,
            visibility: Visibility::Opaque,
            packets,
            bytes: most,
            fields: vec![number("least", least), number("most", most)],
            parts: Parts::one(Carrier::Field, "lengths of records", ""),
        });
    }
}

impl Walk {
    /// Takes bytes of one record; kind and length of it when its header is whole.
    fn take(&mut self, bytes: &mut &[u8]) -> Option<(u8, u64)> {
        if self.left > 0 {
            let (_, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.left -= bytes.len() - rest.len();
            *bytes = rest;
            return None;
        }
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        *self.header.get_mut(self.have)? = *first;
        self.have += 1;
        if self.have < self.header.len() {
            return None;
        }
        self.have = 0;
        let [kind, major, _, high, low] = self.header;
        self.left = usize::from(u16::from_be_bytes([high, low]));
        self.broken = !(20..=23).contains(&kind) || major != 3 || self.left > super::MOST_RECORD;
        self.heard = true;
        (!self.broken).then_some((kind, self.left as u64))
    }
}

impl Stretch {
    fn cite(&mut self, at: At) {
        self.first.get_or_insert(at);
        self.last = at.packet;
        if self.packets.len() < MOST_PACKETS && self.packets.last() != Some(&at.packet) {
            self.packets.push(at.packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    fn record(content: usize) -> Vec<u8> {
        let length = u16::try_from(content + 17).unwrap();
        [&[23, 3, 3][..], &length.to_be_bytes(), &vec![7; content + 17]].concat()
    }

    fn choice() -> Choice {
        Choice {
            random: [0; 32],
            version: TLS13,
            suite: 0x1301,
            encrypt_then_mac: false,
            extended_master: false,
            retry: false,
        }
    }

    fn told(pieces: &[(Side, Vec<u8>)]) -> Vec<(u64, Vec<u64>)> {
        let mut lengths = Lengths::new(Some(choice()));
        let mut all = Vec::new();
        let mut emit = |message: Message| {
            let Some(Value::Integer(most)) = message.field("most") else { return };
            all.push((most.cast_unsigned(), message.packets));
        };
        for (packet, (from, bytes)) in (1..).zip(pieces) {
            lengths.feed(*from, bytes, At { packet, time: Timestamp::default() }, &mut emit);
        }
        lengths.finish(&mut emit);
        all
    }

    #[test]
    fn what_was_sent_between_answers_is_one_upload() {
        let upload = [record(16_384), record(5000)].concat();
        let pieces = [
            (Side::Server, record(3000)),
            (Side::Client, upload),
            (Side::Server, [record(13), record(240), record(240)].concat()),
            (Side::Client, record(100)),
            (Side::Server, record(200)),
            (Side::Client, record(90)),
            (Side::Server, record(200)),
            (Side::Client, [record(16_384), record(1)].concat()),
        ];
        assert_eq!(told(&pieces), [(21_484, vec![2, 4]), (16_385, vec![8])]);
    }

    #[test]
    fn where_the_server_is_not_heard_or_not_understood_nothing_is_told() {
        let upload = (Side::Client, record(16_384));
        let noise = (Side::Server, vec![0; 40]);
        for server in [None, Some(noise)] {
            let pieces: Vec<_> = server.into_iter().chain([upload.clone(), upload.clone()]).collect();
            assert!(told(&pieces).is_empty());
        }
    }

    #[test]
    fn a_remark_long_before_is_not_where_an_upload_begins() {
        let pieces = [
            (Side::Server, record(3000)),
            (Side::Client, record(36)),
            (Side::Client, [record(16_384), record(10)].concat()),
        ];
        assert_eq!(told(&pieces), [(16_430, vec![3])]);
    }

    proptest! {
        #[test]
        fn the_pieces_of_records_do_not_matter(
            contents in prop::collection::vec(0..16_384_usize, 1..5),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let whole: Vec<u8> = contents.iter().flat_map(|content| record(*content)).collect();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len())).chain([0, whole.len()]).collect();
            at.sort_unstable();
            let upload = at.iter().zip(at.iter().skip(1)).map(|(from, to)| (Side::Client, whole.get(*from..*to).unwrap().to_vec()));
            let pieces: Vec<_> = [(Side::Server, record(100))].into_iter().chain(upload).collect();
            let sum = contents.iter().sum::<usize>() as u64;
            let lengths: Vec<u64> = told(&pieces).into_iter().map(|(most, _)| most).collect();
            prop_assert_eq!(lengths, if sum >= LEAST { vec![sum] } else { Vec::new() });
        }

        #[test]
        fn any_bytes_are_walked(pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..64)), 0..20)) {
            let side = |client| if client { Side::Client } else { Side::Server };
            told(&pieces.into_iter().map(|(client, bytes)| (side(client), bytes)).collect::<Vec<_>>());
        }
    }
}
