//! Logs of calls and short messages: rows of a telephone number, a time and what happened.

use std::collections::BTreeMap;

use creance_model::{DataClass, Match};

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View,
    key::{Names, Words},
    phone,
    view::{Glance, sign},
};

/// Logs of calls and messages.
pub(crate) struct Messages;

impl Detector for Messages {
    fn card(&self) -> &'static Card {
        &Card {
            id: "messages",
            what: "a log of calls or short messages: two rows or more with a telephone number, a time and what happened",
            why: "Whom somebody talks to, and when, tells as much as what was said.",
            wrong: "A list of a company's own calls to its users looks the same.",
            classes: &[DataClass::Messages],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let mut lists: BTreeMap<usize, Vec<(usize, &str)>> = BTreeMap::new();
        let mut seen = 0;
        let wanted = |glance: Glance, words: Words<'_>| {
            glance.has(sign::DIGIT)
                && !glance.has(sign::OTHER)
                && (glance.has(sign::PLUS) || words.say(Names::Phones) || words.are(Names::Peers))
        };
        for (index, _, text) in message.named_where(wanted) {
            let number = text.trim();
            let Some(record) = message.parent(index).filter(|_| phone::is_shaped(number)) else { continue };
            let Some(list) = message.parent(record) else { continue };
            let (mut time, mut event) = (false, false);
            for field in message.record(record).filter(|field| *field != index) {
                let (words, text) = (message.words(field), message.text(field).trim());
                time |= is_time(words, text);
                event |= is_event(words, text);
            }
            if !time || !event {
                continue;
            }
            if seen == MOST {
                sink.limited("calls and messages in one message");
                break;
            }
            seen += 1;
            lists.entry(list).or_default().push((index, number));
        }
        for rows in lists.into_values().filter(|rows| rows.len() >= 2) {
            let Some((first, _)) = rows.first() else { continue };
            let mut numbers: Vec<&str> = Vec::new();
            for (_, number) in rows.iter().take(MOST_SHOWN) {
                if !numbers.contains(number) {
                    numbers.push(number);
                }
            }
            let value = numbers.join(", ");
            sink.sight(Sighting::whole(DataClass::Messages, Match::Structured, "messages", *first, value));
        }
    }
}

/// Rows of which the numbers are told.
const MOST_SHOWN: usize = 100;

/// Names of whoever was called or wrote.
pub(crate) const PEERS: &[&str] = &[
    "n",
    "num",
    "number",
    "address",
    "addr",
    "from",
    "to",
    "caller",
    "callee",
    "peer",
    "contact",
    "sender",
    "recipient",
    "party",
];

/// Names of what only a call or a message has.
pub(crate) const EVENTS: &[&str] = &[
    "duration",
    "durationsec",
    "callduration",
    "body",
    "snippet",
    "threadid",
    "calltype",
    "smstype",
    "msgtype",
];

/// A date with a time of day, or seconds or milliseconds since 1970 in a field called so.
fn is_time(words: Words<'_>, text: &str) -> bool {
    let bytes = text.as_bytes();
    let date = bytes.len() >= 16
        && bytes.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit))
        && matches!(bytes.get(4), Some(b'-' | b'/'))
        && matches!(bytes.get(10), Some(b'T' | b' '))
        && bytes.get(13) == Some(&b':');
    let since =
        matches!(bytes.len(), 10 | 13) && bytes.iter().all(u8::is_ascii_digit) && bytes.starts_with(b"1");
    date || since && words.iter().any(|word| TIMES.contains(&word))
}

const TIMES: &[&str] = &["time", "date", "at", "ts", "timestamp", "start", "when", "sent", "received"];

/// What happened, or a field that only calls and messages have.
fn is_event(words: Words<'_>, text: &str) -> bool {
    words.are(Names::Events) || HAPPENED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

const HAPPENED: &[&str] = &[
    "sent",
    "received",
    "missed",
    "incoming",
    "outgoing",
    "inbox",
    "outbox",
    "draft",
    "rejected",
    "blocked",
    "voicemail",
    "answered",
    "call",
    "sms",
    "mms",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, parts, told};
    use creance_model::Carrier;

    fn log(names: [&'static str; 3], rows: &[[&'static str; 3]]) -> Vec<String> {
        let mut all: Vec<Shape<'_>> = vec![
            (Carrier::Body, None, "request body", None, b""),
            (Carrier::Body, Some(0), "json:/calls", None, b""),
        ];
        for row in rows {
            let record = all.len();
            all.push((Carrier::Body, Some(1), "json:/calls/0", None, b""));
            for (name, text) in names.iter().zip(row) {
                all.push((Carrier::Body, Some(record), "json:/calls/0/x", Some(name), text.as_bytes()));
            }
        }
        let told = told(&parts(&all));
        told.into_iter()
            .filter(|(class, ..)| *class == DataClass::Messages)
            .map(|(.., value)| value)
            .collect()
    }

    #[test]
    fn logs_are_told_by_their_numbers() {
        let rows = [
            ["+886900775550", "missed", "2026-06-09T09:28:00Z"],
            ["+886900775587", "outgoing", "2026-06-03T12:46:00Z"],
        ];
        assert_eq!(log(["n", "t", "at"], &rows), ["+886900775550, +886900775587"]);
        assert_eq!(log(["sms", "sms", "sms"], &rows), ["+886900775550, +886900775587"]);
        let other = [["0900775550", "12", "1781164812"], ["0900775551", "9", "1781164912"]];
        assert_eq!(log(["number", "duration", "date"], &other), ["0900775550, 0900775551"]);
    }

    #[test]
    fn ignores() {
        let one = [["+886900775550", "missed", "2026-06-09T09:28:00Z"]];
        assert!(log(["n", "t", "at"], &one).is_empty());
        let two =
            [["+886900775550", "x", "2026-06-09T09:28:00Z"], ["+886900775551", "y", "2026-06-09T09:28:00Z"]];
        assert!(log(["n", "t", "at"], &two).is_empty());
        let untimed = [["+886900775550", "sent", "a"], ["+886900775551", "sent", "b"]];
        assert!(log(["n", "t", "at"], &untimed).is_empty());
    }
}
