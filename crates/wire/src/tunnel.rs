//! Data in the labels of DNS names: decoded alone, and joined over successive queries.
//!
//! What leaves by DNS is written in base32, hex or base64url into labels, split over queries that count themselves:
//! `ge2tqmk….0.t.example`, `ys4mbug….1.t.example`.

use std::{borrow::Cow, collections::VecDeque};

use creance_model::{Carrier, Message, Part};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};

/// Shortest text that is believed to be data: shorter strings decode by chance.
const LEAST: usize = 8;

/// Queries remembered for joining.
const MEMORY: usize = 64;

/// Adds a part for what the labels of a name decode to, if they do.
pub(crate) fn decode_labels(name: &str, parts: &mut Vec<Part>) {
    let Some(split) = Split::of(name) else { return };
    push(&split.data, Vec::new(), parts);
}

/// Joins the data of queries that count themselves.
#[derive(Debug, Default)]
pub struct TunnelJoiner {
    seen: VecDeque<(String, u32, String, Message)>,
}

impl TunnelJoiner {
    /// Takes a query; gives a message over all queries of its series so far, if together they decode to more.
    pub fn query(&mut self, message: &Message) -> Option<Message> {
        let split = Split::of(message.text("name")?)?;
        let number = split.number?;
        if number == 0 {
            self.seen.retain(|(domain, ..)| *domain != split.domain);
        }
        self.seen.push_back((split.domain.clone(), number, split.data.clone(), message.clone()));
        if self.seen.len() > MEMORY {
            self.seen.pop_front();
        }
        let mut series: Vec<_> = self.seen.iter().filter(|(domain, ..)| *domain == split.domain).collect();
        series.sort_by_key(|(_, number, ..)| *number);
        series.dedup_by_key(|(_, number, ..)| *number);
        let counts = series.iter().zip(0..).all(|((_, number, ..), expected)| *number == expected);
        if series.len() < 2 || !counts {
            return None;
        }
        let data: String = series.iter().map(|(_, _, data, _)| data.as_str()).collect();
        let mut packets: Vec<u64> = series.iter().flat_map(|(.., message)| message.packets.clone()).collect();
        packets.sort_unstable();
        packets.dedup();
        let mut joined = Message { packets, parts: Vec::new(), ..message.clone() };
        joined.time = series.iter().map(|(.., message)| message.time).min()?;
        joined.bytes = series.iter().map(|(.., message)| message.bytes).sum();
        joined.parts.push(Part {
            carrier: Carrier::DnsLabel,
            parent: None,
            step: Cow::Borrowed("names joined"),
            name: None,
            bytes: data.clone().into_bytes(),
            media_type: None,
            packets: Vec::new(),
        });
        push(&data, Vec::new(), &mut joined.parts);
        (joined.parts.len() > 1).then_some(joined)
    }
}

/// A name as data, its number in a series, and the domain behind.
struct Split {
    data: String,
    number: Option<u32>,
    domain: String,
}

impl Split {
    fn of(name: &str) -> Option<Self> {
        let labels: Vec<&str> = name.split('.').collect();
        // The last label with a number alone, if any, parts data from domain; else all but the last two labels are data.
        let counter = labels.iter().rposition(|label| label.len() <= 5 && label.parse::<u32>().is_ok());
        let (data, number, domain) = match counter {
            Some(at) if at > 0 => (labels.get(..at)?, labels.get(at)?.parse().ok(), labels.get(at + 1..)?),
            _ => {
                let at = labels.len().checked_sub(2)?;
                (labels.get(..at)?, None, labels.get(at..)?)
            }
        };
        let data: String = data.concat();
        (!data.is_empty() && domain.len() >= 2).then(|| Self { data, number, domain: domain.join(".") })
    }
}

fn push(data: &str, packets: Vec<u64>, parts: &mut Vec<Part>) {
    if data.len() < LEAST {
        return;
    }
    let attempts = [
        ("hex", HEXLOWER.decode(data.to_lowercase().as_bytes()).ok()),
        ("base32", BASE32_NOPAD.decode(data.to_uppercase().trim_end_matches('=').as_bytes()).ok()),
        ("base64", BASE64URL_NOPAD.decode(data.trim_end_matches('=').as_bytes()).ok()),
    ];
    for (step, bytes) in attempts {
        let Some(bytes) = bytes.filter(|bytes| bytes.len() >= LEAST && printable(bytes)) else { continue };
        let parent = parts.len().checked_sub(1);
        parts.push(Part {
            carrier: Carrier::DnsLabel,
            parent,
            step: Cow::Borrowed(step),
            name: None,
            bytes,
            media_type: None,
            packets,
        });
        return;
    }
}

fn printable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::{Field, Side, Timestamp, Value, Visibility};

    fn query(name: &str, packet: u64) -> Message {
        Message {
            time: Timestamp::default(),
            protocol: "dns",
            kind: "query",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![packet],
            bytes: 1,
            fields: vec![Field { name: "name", value: Value::Text(name.to_owned()) }],
            parts: Vec::new(),
        }
    }

    #[test]
    fn a_series_is_joined_and_cites_all_its_packets() {
        let text = BASE32_NOPAD.encode(b"position 24.744672,121.044483 of the aircraft").to_lowercase();
        let (first, second) = text.split_at(30);
        let mut joiner = TunnelJoiner::default();
        assert!(joiner.query(&query(&format!("{first}.0.t.vendor.example"), 1)).is_none());
        let whole = joiner.query(&query(&format!("{second}.1.t.vendor.example"), 3)).unwrap();
        assert_eq!(whole.packets, [1, 3]);
        assert_eq!(whole.parts[1].bytes, b"position 24.744672,121.044483 of the aircraft");
    }

    #[test]
    fn words_are_no_data() {
        let mut parts = Vec::new();
        decode_labels("connectivitycheck.portal.example", &mut parts);
        decode_labels("www.example.org", &mut parts);
        assert!(parts.is_empty(), "{parts:?}");
    }
}
