//! What a client asks, read from bytes that may be anything: one question, and nothing that a question has no need of.
//!
//! ```text
//! ┌────┬───────┬──────────────────┬───────────────────┬──────────────┬──────────────────────┐
//! │ id │ flags │ 1, 0, 0, records │ name, uncompressed│ type, class  │ OPT (RFC 6891), others│
//! └────┴───────┴──────────────────┴───────────────────┴──────────────┴──────────────────────┘
//! ```
//!
//! It is read here and not by a library, for most questions are answered from what is kept, and then this is all the reading
//! there is. What is asked on and what is answered goes through hickory.

use std::net::IpAddr;

use super::wire::{Cursor, HEADER};

/// `OPCODE`, `RCODE` and types by number (IANA, Domain Name System Parameters).
pub(super) mod rcode {
    pub(crate) const FORMAT: u8 = 1;
    pub(crate) const FAILED: u8 = 2;
    pub(crate) const NO_NAME: u8 = 3;
    pub(crate) const NOT_DONE: u8 = 4;
    pub(crate) const REFUSED: u8 = 5;
    /// With the upper bits in OPT.
    pub(crate) const BAD_VERSION: u16 = 16;
}

/// Types that are told apart.
pub(super) mod kind {
    pub(crate) const A: u16 = 1;
    pub(crate) const CNAME: u16 = 5;
    pub(crate) const NULL: u16 = 10;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const SRV: u16 = 33;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const SVCB: u16 = 64;
    pub(crate) const HTTPS: u16 = 65;
}

/// For how many seconds an address that is made up holds.
const MOMENT_S: u8 = 5;
const INTERNET: u16 = 1;
/// The longest name in bytes, with the lengths of its labels and the end.
const LONGEST_NAME: usize = 255;
/// Records after the question that are looked at.
const MOST_RECORDS: u16 = 8;

/// A question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// Its number.
    pub id: u16,
    /// The second half of the header's flags that is given back: recursion desired, checking disabled.
    pub(super) desired: bool,
    /// Name, type and class as they came.
    pub(super) asked: Box<[u8]>,
    /// The name in lower case and the type: what equal questions have in common.
    pub(super) key: Key,
    /// The largest datagram that it takes, where it has OPT.
    pub(super) edns: Option<u16>,
}

/// A name on the wire in lower case, and behind it the type.
pub(super) type Key = Box<[u8]>;

/// What is to be done about what came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Read {
    /// To answer a question.
    Ask(Question),
    /// To say that it is none, and why.
    Tell(Vec<u8>),
    /// Nothing: an answer to it would be worth more to an attacker than to anybody else.
    Drop,
}

impl Question {
    /// Reads what came.
    pub fn read(bytes: &[u8]) -> Read {
        let Some(header) = bytes.first_chunk::<HEADER>() else { return Read::Drop };
        let [i, d, flags, _, counts @ ..] = *header;
        if flags & 0x80 != 0 {
            return Read::Drop;
        }
        let id = u16::from_be_bytes([i, d]);
        let wrong = |code: u8| Read::Tell(vec![i, d, 0x80 | flags & 0x79, code, 0, 0, 0, 0, 0, 0, 0, 0]);
        if flags & 0x78 != 0 {
            return wrong(rcode::NOT_DONE);
        }
        let [0, 1, 0, 0, 0, 0, high, low] = counts else { return wrong(rcode::FORMAT) };
        let records = u16::from_be_bytes([high, low]);
        if records > MOST_RECORDS {
            return wrong(rcode::FORMAT);
        }
        let mut cursor = Cursor::new(bytes, HEADER);
        let Some(key) = key(&mut cursor) else { return wrong(rcode::FORMAT) };
        let Some(class) = cursor.two() else { return wrong(rcode::FORMAT) };
        let asked = bytes.get(HEADER..cursor.at()).unwrap_or_default().into();
        let mut edns = None;
        for _ in 0..records {
            let Some((kind, size, version)) = record(&mut cursor) else { return wrong(rcode::FORMAT) };
            if kind == kind::OPT && edns.replace((size, version)).is_some() {
                return wrong(rcode::FORMAT);
            }
        }
        let question =
            Self { id, desired: flags & 1 != 0, asked, key, edns: edns.map(|(size, _)| size.max(512)) };
        match edns {
            Some((_, version)) if version != 0 => Read::Tell(question.short(rcode::BAD_VERSION, None)),
            _ if class != INTERNET => Read::Tell(question.short(rcode::REFUSED.into(), None)),
            _ => Read::Ask(question),
        }
    }

    /// Its type.
    pub(super) fn kind(&self) -> u16 {
        self.key.last_chunk().map_or(0, |two| u16::from_be_bytes(*two))
    }

    /// The name as people write it, in lower case without a point at the end. None where it has letters that no name of a host
    /// has, or is that of the root.
    pub(super) fn name(&self) -> Option<String> {
        let mut text = String::with_capacity(self.key.len());
        let mut rest = self.key.get(..self.key.len().checked_sub(3)?)?;
        while let Some((length, after)) = rest.split_first() {
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
                return None;
            }
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(std::str::from_utf8(label).ok()?);
            rest = after;
        }
        (!text.is_empty()).then_some(text)
    }

    /// An answer without records. `why` is an extended error (RFC 8914).
    pub(super) fn short(&self, code: u16, why: Option<u16>) -> Vec<u8> {
        let [high, low] = code.to_be_bytes();
        let mut bytes = Vec::with_capacity(HEADER + self.asked.len() + 17);
        bytes.extend(self.id.to_be_bytes());
        // An answer, with recursion where it was asked for.
        bytes.extend([0x80 | u8::from(self.desired), 0x80 | low & 0x0f]);
        bytes.extend([0, 1, 0, 0, 0, 0, 0, u8::from(self.edns.is_some())]);
        bytes.extend(&self.asked);
        if self.edns.is_some() {
            let extended = (low >> 4) | (high << 4);
            let rest: &[u8] = match why {
                Some(why) => &[0, 6, 0, 15, 0, 2, why.to_be_bytes()[0], why.to_be_bytes()[1]],
                None => &[0, 0],
            };
            bytes.extend(opt(extended));
            bytes.extend(rest);
        }
        bytes
    }

    /// An answer of one address, that holds for a moment.
    pub(super) fn address(&self, ip: IpAddr, why: Option<u16>) -> Vec<u8> {
        let (kind, bytes) = match ip {
            IpAddr::V4(ip) => (kind::A, ip.octets().to_vec()),
            IpAddr::V6(ip) => (kind::AAAA, ip.octets().to_vec()),
        };
        // The name is that of the question, which begins behind the header.
        let mut record = vec![0xc0, 12];
        record.extend([kind.to_be_bytes(), INTERNET.to_be_bytes(), [0, 0], [0, MOMENT_S]].concat());
        record.extend([0, if ip.is_ipv4() { 4 } else { 16 }]);
        record.extend(bytes);
        let mut answer = self.short(0, why);
        let behind = HEADER + self.asked.len();
        answer.splice(behind..behind, record);
        if let Some(count) = answer.get_mut(7) {
            *count = 1;
        }
        answer
    }

    /// The largest answer that a datagram may carry to whoever asked.
    pub(super) fn largest(&self) -> usize {
        usize::from(self.edns.map_or(512, |size| size.min(LARGEST)))
    }
}

/// The largest datagram that is sent: it fits through any link in one piece (DNS Flag Day 2020).
pub(super) const LARGEST: u16 = 1232;

/// OPT up to its length.
pub(super) fn opt(extended: u8) -> [u8; 9] {
    let [high, low] = LARGEST.to_be_bytes();
    [0, 0, 41, high, low, extended, 0, 0, 0]
}

/// A name and type in lower case. Nothing may be compressed: there is nothing before it to point to.
fn key(cursor: &mut Cursor<'_>) -> Option<Key> {
    let mut key = Vec::with_capacity(64);
    loop {
        let length = cursor.one()?;
        key.push(length);
        if length == 0 {
            break;
        }
        if length > 63 || key.len() + usize::from(length) >= LONGEST_NAME {
            return None;
        }
        key.extend(cursor.take(length.into())?.iter().map(u8::to_ascii_lowercase));
    }
    key.extend(cursor.two()?.to_be_bytes());
    Some(key.into())
}

/// A record: type, class and, of OPT, the version.
fn record(cursor: &mut Cursor<'_>) -> Option<(u16, u16, u8)> {
    cursor.pass_name()?;
    let (kind, class) = (cursor.two()?, cursor.two()?);
    let [_, version, ..] = *cursor.take(4)?.first_chunk::<4>()?;
    let length = cursor.two()?;
    cursor.take(length.into())?;
    Some((kind, class, version))
}

#[cfg(test)]
pub(super) mod tests {

    use hickory_proto::{
        op::{Edns, Message, MessageType, OpCode, Query},
        rr::{Name, RecordType},
    };
    use proptest::prelude::*;

    use super::*;

    /// A question as a client's library writes it.
    pub(crate) fn written(name: &str, kind: RecordType, edns: bool) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        if edns {
            let mut opt = Edns::new();
            opt.set_max_payload(4096);
            message.set_edns(opt);
        }
        message.to_vec().unwrap()
    }

    pub(crate) fn question(name: &str, kind: RecordType) -> Question {
        match Question::read(&written(name, kind, true)) {
            Read::Ask(question) => question,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_question_is_read_and_its_name_is_told_in_lower_case() {
        let one = question("WWW.Example.", RecordType::AAAA);
        assert_eq!((one.id, one.desired, one.kind(), one.edns), (7, true, kind::AAAA, Some(4096)));
        assert_eq!((one.name().as_deref(), one.largest()), (Some("www.example"), 1232));
        assert_eq!(one.key, question("www.example.", RecordType::AAAA).key);
        assert_ne!(one.key, question("www.example.", RecordType::A).key);
        assert!(one.asked.starts_with(b"\x03WWW"));
        assert_eq!(question(".", RecordType::NS).name(), None);
    }

    #[test]
    fn answers_are_dropped_and_what_is_no_question_is_told_so() {
        let bytes = written("a.example.", RecordType::A, false);
        let with = |at: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            Question::read(&bytes)
        };
        assert_eq!(with(2, 0x81), Read::Drop);
        assert_eq!(Question::read(&bytes[..11]), Read::Drop);
        // Two questions, none, an answer in it, a compressed name, an update, another class.
        for (at, value, code) in
            [(5, 2, 1), (5, 0, 1), (7, 1, 1), (12, 0xc0, 1), (2, 0x28, 4), (bytes.len() - 1, 3, 5)]
        {
            let Read::Tell(told) = with(at, value) else { panic!("{at}") };
            assert_eq!((told[3] & 0x0f, &told[..2]), (code, &bytes[..2]), "{at}");
        }
        let mut two = written("a.example.", RecordType::A, true);
        two.extend_from_within(two.len() - 11..);
        two[11] = 2;
        assert!(matches!(Question::read(&two), Read::Tell(_)));
        let mut newer = written("a.example.", RecordType::A, true);
        let at = newer.len() - 5;
        newer[at] = 1;
        let Read::Tell(told) = Question::read(&newer) else { panic!() };
        let told = Message::from_vec(&told).unwrap();
        assert_eq!(u16::from(told.metadata.response_code), rcode::BAD_VERSION);
    }

    #[test]
    fn a_short_answer_is_read_by_others() {
        let one = question("a.example.", RecordType::A);
        let told = Message::from_vec(&one.short(rcode::REFUSED.into(), Some(15))).unwrap();
        assert_eq!(told.metadata.response_code, hickory_proto::op::ResponseCode::Refused);
        assert_eq!((told.queries.len(), told.metadata.id), (1, 7));
        assert!(told.edns.is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_and_what_is_taken_is_what_hickory_reads(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                (prop::collection::vec(any::<u8>(), 0..8), 0..60_usize).prop_map(|(noise, at)| {
                    let mut bytes = written("a.b.example.", RecordType::TXT, true);
                    for (place, byte) in bytes.iter_mut().skip(at).zip(noise) {
                        *place = byte;
                    }
                    bytes
                }),
            ],
        ) {
            match Question::read(&bytes) {
                Read::Ask(question) => {
                    let read = Message::from_vec(&question.short(5, Some(15))).unwrap();
                    prop_assert_eq!(read.queries.len(), 1);
                    let by_hickory = read.queries[0].name().to_ascii().to_lowercase();
                    if let Some(name) = question.name() {
                        prop_assert_eq!(name + ".", by_hickory);
                    }
                    prop_assert_eq!(u16::from(read.queries[0].query_type()), question.kind());
                }
                // Never longer than what was asked, but for the kind of refusal.
                Read::Tell(told) => prop_assert!(told.len() <= bytes.len().max(12) + 11),
                Read::Drop => {}
            }
        }
    }
}
