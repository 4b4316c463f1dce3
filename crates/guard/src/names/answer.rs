//! What a resolver outside answered: read, cut to what belongs to the question, and written anew for a client.
//!
//! Taken away are addresses that are not public (an outside name must not point into the house), and of `HTTPS` and `SVCB`
//! records all that hides the name in the handshake (`ech`, RFC 9849) or gives addresses past those that are judged.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use creance_place::Scope;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{HTTPS, SVCB, svcb::SvcParamKey},
    },
    serialize::binary::{BinDecodable, BinDecoder},
};

use super::{
    Settings,
    question::{Question, kind, opt},
    wire::{HEADER, times},
};

/// Names that one question may lead through.
const LONGEST_CHAIN: usize = 16;
/// Records that one answer may have.
const MOST_RECORDS: usize = 64;
/// For how long it is kept that there is no such name or record.
const NOTHING_HOLDS: u32 = 30;

/// An answer, as far as it answers.
#[derive(Clone, Debug)]
pub struct Found {
    exists: bool,
    /// The name that was asked for, and every one that it led to; in lower case, without a point at the end.
    pub(super) names: Vec<String>,
    records: Vec<Record>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    pub(super) ttl: u32,
    pub(super) born: Instant,
    /// Addresses that were taken away, as they are not public.
    pub(super) inward: usize,
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    /// It is to be asked for over TCP.
    Cut,
    /// The resolver could not, or what it said is no message.
    Failed,
}

impl Found {
    /// Reads what a resolver said to a question.
    pub fn read(
        bytes: &[u8],
        question: &Question,
        settings: &Settings,
        now: Instant,
    ) -> Result<Self, Unusable> {
        let message = Message::from_vec(bytes).map_err(|_| Unusable::Failed)?;
        if message.metadata.truncation {
            return Err(Unusable::Cut);
        }
        let exists = match message.metadata.response_code {
            ResponseCode::NoError => true,
            ResponseCode::NXDomain => false,
            _ => return Err(Unusable::Failed),
        };
        let asked = question.name().ok_or(Unusable::Failed)?;
        let mut found = Self {
            exists,
            names: vec![asked.clone()],
            records: Vec::new(),
            addresses: Vec::new(),
            ttl: NOTHING_HOLDS,
            born: now,
            inward: 0,
        };
        let mut at = asked.clone();
        while question.kind() != kind::CNAME && found.names.len() < LONGEST_CHAIN {
            let next = message.answers.iter().find_map(|record| match &record.data {
                RData::CNAME(to) if text(&record.name) == at => Some((text(&to.0), record)),
                _ => None,
            });
            let Some((to, record)) = next else { break };
            if found.names.contains(&to) {
                return Err(Unusable::Failed);
            }
            found.names.push(to.clone());
            found.records.push(record.clone());
            at = to;
        }
        let kind = RecordType::from(question.kind());
        let private = settings.may_be_private(&asked);
        let ours =
            message.answers.iter().filter(|record| record.record_type() == kind && text(&record.name) == at);
        for record in ours.take(MOST_RECORDS) {
            let mut record = record.clone();
            match &mut record.data {
                RData::HTTPS(HTTPS(service)) | RData::SVCB(service) => {
                    if !bare(service) {
                        continue;
                    }
                    let target = text(&service.target_name);
                    if !target.is_empty() && !found.names.contains(&target) {
                        found.names.push(target);
                    }
                }
                data => {
                    if let Some(ip) = data.ip_addr() {
                        if !private && Scope::of(ip) != Scope::Public {
                            found.inward += 1;
                            continue;
                        }
                        found.addresses.push(ip);
                    }
                }
            }
            found.records.push(record);
        }
        if let Some(least) = found.records.iter().map(|record| record.ttl).min() {
            found.ttl = u32::try_from(settings.hold(least).as_secs()).unwrap_or(u32::MAX);
        }
        for record in &mut found.records {
            record.name = record.name.to_lowercase();
        }
        Ok(found)
    }

    /// Until when it holds.
    pub(super) fn until(&self) -> Instant {
        self.born + Duration::from_secs(self.ttl.into())
    }

    /// It, written for whoever asks, with those of its addresses that may be told.
    pub fn written(&self, question: &Question, may: impl Fn(IpAddr) -> bool) -> Option<Written> {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.recursion_available = true;
        message.metadata.response_code =
            if self.exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
        let name = Name::read(&mut BinDecoder::new(&question.key)).ok()?;
        message.add_query(Query::query(name, question.kind().into()));
        for record in &self.records {
            if record.data.ip_addr().is_none_or(&may) {
                message.add_answer(record.clone());
            }
        }
        let bytes = message.to_vec().ok()?;
        Some(Written { times: times(&bytes)?, bytes, ttl: self.ttl, born: self.born })
    }
}

/// Takes from a service all but what a client needs to reach it by its name. False where it cannot be reached without.
fn bare(service: &mut SVCB) -> bool {
    let stays = |key: &SvcParamKey| {
        matches!(
            key,
            SvcParamKey::Mandatory | SvcParamKey::Alpn | SvcParamKey::NoDefaultAlpn | SvcParamKey::Port
        )
    };
    let needed = service.svc_params.iter().all(|(_, value)| match value {
        hickory_proto::rr::rdata::svcb::SvcParamValue::Mandatory(keys) => keys.0.iter().all(stays),
        _ => true,
    });
    service.svc_params.retain(|(key, _)| stays(key));
    needed
}

/// A name in lower case, without the point at its end.
fn text(name: &Name) -> String {
    let mut text = name.to_ascii();
    text.make_ascii_lowercase();
    text.truncate(text.trim_end_matches('.').len());
    text
}

/// An answer in bytes, but for what differs between those who ask the same.
#[derive(Clone, Debug)]
pub struct Written {
    bytes: Vec<u8>,
    times: Vec<usize>,
    ttl: u32,
    born: Instant,
}

impl Written {
    /// Its length, without what belongs to a question.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// It, for a question that is equal to the one it was written for. `largest`: more than this is left out, and told to be.
    pub fn answer(&self, question: &Question, now: Instant, largest: usize) -> Vec<u8> {
        let opt_length = if question.edns.is_some() { 11 } else { 0 };
        let whole = self.bytes.len() + opt_length <= largest;
        let end = if whole { self.bytes.len() } else { HEADER + question.asked.len() };
        let mut bytes = Vec::with_capacity(end + opt_length);
        bytes.extend(self.bytes.get(..end).unwrap_or_default());
        // Recursion desired as asked; truncated.
        let flags = 0x80 | u8::from(question.desired) | if whole { 0 } else { 2 };
        let [high, low] = question.id.to_be_bytes();
        set(&mut bytes, 0, &[high, low, flags]);
        if !whole {
            set(&mut bytes, 6, &[0; 6]);
        }
        set(&mut bytes, HEADER, &question.asked);
        if whole {
            let age = u32::try_from(now.saturating_duration_since(self.born).as_secs()).unwrap_or(u32::MAX);
            let left = self.ttl.saturating_sub(age).to_be_bytes();
            for at in &self.times {
                set(&mut bytes, *at, &left);
            }
        }
        if question.edns.is_some() {
            set(&mut bytes, 11, &[1]);
            bytes.extend(opt(0));
            bytes.extend([0, 0]);
        }
        bytes
    }
}

fn set(bytes: &mut [u8], at: usize, to: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + to.len()) {
        place.copy_from_slice(to);
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{
        A, CNAME, TXT,
        svcb::{Alpn, EchConfigList, IpHint, Mandatory, SvcParamValue},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::names::question::tests::question;

    fn settings() -> Settings {
        toml::from_str("listen = ['10.0.0.1']\nupstream = ['9.9.9.9']\nprivate = ['lan.example']").unwrap()
    }

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn said(asked: &str, kind: RecordType, records: Vec<Record>) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(name(asked), kind));
        message.add_answers(records);
        message.to_vec().unwrap()
    }

    fn a(owner: &str, ip: &str, ttl: u32) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(A(ip.parse().unwrap())))
    }

    fn alias(owner: &str, to: &str) -> Record {
        Record::from_rdata(name(owner), 300, RData::CNAME(CNAME(name(to))))
    }

    fn found(asked: &str, kind: RecordType, records: Vec<Record>) -> Result<Found, Unusable> {
        Found::read(&said(asked, kind, records), &question(asked, kind), &settings(), Instant::now())
    }

    #[test]
    fn only_what_answers_is_taken_along_the_chain() {
        let records = vec![
            a("c.example.", "8.8.8.8", 90),
            alias("A.example.", "b.example."),
            alias("b.example.", "C.example."),
            a("other.example.", "1.1.1.1", 5),
            Record::from_rdata(name("c.example."), 5, RData::TXT(TXT::new(vec!["x".to_owned()]))),
        ];
        let found = found("a.example.", RecordType::A, records).unwrap();
        assert_eq!(found.names, ["a.example", "b.example", "c.example"]);
        assert_eq!(found.addresses, ["8.8.8.8".parse::<IpAddr>().unwrap()]);
        assert_eq!((found.records.len(), found.ttl), (3, 90));
    }

    #[test]
    fn a_chain_that_bites_its_tail_is_no_answer() {
        let records = vec![alias("a.example.", "b.example."), alias("b.example.", "a.example.")];
        assert_eq!(found("a.example.", RecordType::A, records).unwrap_err(), Unusable::Failed);
    }

    #[test]
    fn addresses_that_are_not_public_are_dropped_but_of_domains_that_may_have_them() {
        for inward in ["10.1.2.3", "127.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"] {
            let seen = found("a.example.", RecordType::A, vec![a("a.example.", inward, 9)]).unwrap();
            assert_eq!((seen.addresses.len(), seen.records.len(), seen.inward), (0, 0, 1), "{inward}");
        }
        let own =
            found("nas.lan.example.", RecordType::A, vec![a("nas.lan.example.", "10.1.2.3", 9)]).unwrap();
        assert_eq!((own.addresses.len(), own.inward), (1, 0));
    }

    #[test]
    fn ech_and_hints_are_stripped_from_services() {
        let service = |target: &str, params| {
            Record::from_rdata(
                name("a.example."),
                300,
                RData::HTTPS(HTTPS(SVCB::new(1, name(target), params))),
            )
        };
        let alpn = (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(vec!["h3".to_owned()])));
        let ech = (SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(vec![1, 2, 3])));
        let hint =
            (SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(vec![A("8.8.8.8".parse().unwrap())])));
        let records = vec![service("b.example.", vec![alpn.clone(), hint, ech.clone()])];
        let seen = found("a.example.", RecordType::HTTPS, records).unwrap();
        let RData::HTTPS(HTTPS(left)) = &seen.records[0].data else { panic!() };
        assert_eq!(left.svc_params, [alpn]);
        assert_eq!(seen.names, ["a.example", "b.example"]);
        // A service that must not be used without ECH is none.
        let mandatory = SvcParamValue::Mandatory(Mandatory(vec![SvcParamKey::EchConfigList]));
        let seen = found(
            "a.example.",
            RecordType::HTTPS,
            vec![service(".", vec![(SvcParamKey::Mandatory, mandatory), ech])],
        );
        assert!(seen.unwrap().records.is_empty());
    }

    #[test]
    fn what_is_written_is_read_by_others_with_the_letters_and_time_of_whoever_asks() {
        let records = vec![a("a.example.", "8.8.8.8", 100), a("a.example.", "1.1.1.1", 100)];
        let found = found("a.example.", RecordType::A, records).unwrap();
        let written =
            found.written(&question("a.example.", RecordType::A), |ip| ip.to_string() == "8.8.8.8").unwrap();
        let asker = question("A.eXample.", RecordType::A);
        let bytes = written.answer(&asker, found.born + Duration::from_secs(30), 1232);
        let read = Message::from_vec(&bytes).unwrap();
        assert_eq!(read.queries[0].name().to_ascii(), "A.eXample.");
        assert_eq!((read.answers.len(), read.answers[0].ttl, read.metadata.id), (1, 70, 7));
        assert_eq!(read.answers[0].data.ip_addr(), Some("8.8.8.8".parse().unwrap()));
        assert!(read.edns.is_some() && read.metadata.recursion_desired && !read.metadata.truncation);
        let cut = Message::from_vec(&written.answer(&asker, found.born, 30)).unwrap();
        assert!(cut.metadata.truncation && cut.answers.is_empty() && cut.edns.is_some());
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(at in 0..70_usize, noise in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut bytes = said(
                "a.example.",
                RecordType::A,
                vec![alias("a.example.", "b.example."), a("b.example.", "8.8.8.8", 100)],
            );
            for (place, byte) in bytes.iter_mut().skip(at).zip(noise) {
                *place = byte;
            }
            let asked = question("a.example.", RecordType::A);
            if let Ok(found) = Found::read(&bytes, &asked, &settings(), Instant::now())
                && let Some(written) = found.written(&asked, |_| true)
            {
                let read = Message::from_vec(&written.answer(&asked, Instant::now(), 1232));
                prop_assert!(read.is_ok());
                prop_assert_eq!(found.names[0].as_str(), "a.example");
            }
        }
    }
}
