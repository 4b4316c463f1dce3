//! Data in the labels of DNS names: decoded alone, and joined over successive queries.
//!
//! What leaves by DNS is written in base32, hex or base64url into labels, split over queries that count themselves:
//! `ge2tqmk….0.t.example`, `ys4mbug….1.t.example`.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use creance_model::{Carrier, Flow, Message, Parts};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};

/// Shortest text that is believed to be data: shorter strings decode by chance.
const LEAST: usize = 8;

/// Series followed at one time, and queries of one series. Series beyond are over.
const MOST_SERIES: usize = 64;
const MOST_QUERIES: usize = 1024;

/// Adds a part for what the labels of a name decode to, if they do.
pub(crate) fn decode_labels(name: &str, parts: &mut Parts) {
    let labels: Vec<&str> = name.split('.').collect();
    let domain = Split::of(name)
        .map_or(2, |split| split.domain.split('.').count() + usize::from(split.number.is_some()));
    // Data may be followed by labels that are none: `<base32>.t.vendor.example`. The longest that decodes is told.
    for end in (1..=labels.len().saturating_sub(domain)).rev() {
        if push(&labels.get(..end).unwrap_or_default().concat(), parts) {
            return;
        }
    }
}

/// Joins the data of queries that count themselves, by client and domain.
#[derive(Debug, Default)]
pub struct TunnelJoiner {
    series: VecDeque<Series>,
}

/// The queries of one client below one domain.
#[derive(Debug)]
struct Series {
    client: IpAddr,
    domain: String,
    flow: Flow,
    queries: BTreeMap<u32, (String, Message)>,
}

impl TunnelJoiner {
    /// Takes a query; gives the series that it shows to be over, if together they decode to more.
    pub fn query(&mut self, flow: &Flow, message: &Message) -> Option<(Flow, Message)> {
        let Split { data, number, domain } = Split::of(message.text("name")?)?;
        let number = number?;
        let client = flow.end(message.from).ip;
        let mut over = None;
        let known = self.series.iter().position(|series| series.client == client && series.domain == domain);
        let mut series = known.and_then(|at| self.series.remove(at));
        // The same name is asked again for other types and after a loss; another one under the same number begins anew.
        if let Some((told, _)) = series.as_ref().and_then(|series| series.queries.get(&number))
            && *told != data
        {
            over = series.take();
        }
        let mut series =
            series.unwrap_or_else(|| Series { client, domain, flow: flow.clone(), queries: BTreeMap::new() });
        if series.queries.len() < MOST_QUERIES {
            series
                .queries
                .entry(number)
                .or_insert_with(|| (data, Message { parts: Parts::default(), ..message.clone() }));
        }
        self.series.push_back(series);
        if self.series.len() > MOST_SERIES {
            over = over.or_else(|| self.series.pop_front());
        }
        over?.joined()
    }

    /// The capture is over, and with it every series.
    pub fn finish(&mut self) -> Vec<(Flow, Message)> {
        std::mem::take(&mut self.series).into_iter().filter_map(Series::joined).collect()
    }
}

impl Series {
    /// The queries from the first up to the first that is missing, as one message.
    fn joined(self) -> Option<(Flow, Message)> {
        let whole =
            self.queries.into_iter().zip(0..).take_while(|((number, _), expected)| number == expected);
        let (texts, messages): (Vec<String>, Vec<Message>) = whole.map(|((_, query), _)| query).unzip();
        if messages.len() < 2 {
            return None;
        }
        let data = texts.concat();
        let mut packets: Vec<u64> =
            messages.iter().flat_map(|message| message.packets.iter().copied()).collect();
        packets.sort_unstable();
        packets.dedup();
        let mut joined = Message {
            time: messages.iter().map(|message| message.time).min()?,
            bytes: messages.iter().map(|message| message.bytes).sum(),
            packets,
            ..messages.into_iter().next()?
        };
        joined.parts.add(Carrier::DnsLabel, None, "names joined", None, data.as_str());
        push(&data, &mut joined.parts).then_some((self.flow, joined))
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

/// Adds what a text decodes to, if it makes sense.
fn push(data: &str, parts: &mut Parts) -> bool {
    if data.len() < LEAST {
        return false;
    }
    let attempts = [
        ("hex", HEXLOWER.decode(data.to_lowercase().as_bytes()).ok()),
        ("base32", BASE32_NOPAD.decode(data.to_uppercase().trim_end_matches('=').as_bytes()).ok()),
        ("base64", BASE64URL_NOPAD.decode(data.trim_end_matches('=').as_bytes()).ok()),
    ];
    for (step, bytes) in attempts {
        let Some(bytes) = bytes.filter(|bytes| bytes.len() >= LEAST && printable(bytes)) else { continue };
        parts.add(Carrier::DnsLabel, parts.len().checked_sub(1), step, None, bytes);
        return true;
    }
    false
}

fn printable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Endpoint, Field, InsideBasis, Side, Timestamp, Transport, Value, Visibility};

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
            parts: Parts::default(),
        }
    }

    fn flow(client: &str) -> Flow {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        Flow {
            id: 1,
            transport: Transport::Udp,
            client: end(client, 5353),
            server: end("8.8.8.8", 53),
            inside: Some(Side::Client),
            inside_basis: InsideBasis::PrivateRange,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        }
    }

    fn halves(text: &str) -> [String; 2] {
        let data = BASE32_NOPAD.encode(text.as_bytes()).to_lowercase();
        let (first, second) = data.split_at(30);
        [format!("{first}.0.t.vendor.example"), format!("{second}.1.t.vendor.example")]
    }

    #[test]
    fn the_series_of_each_client_is_joined_and_cites_its_packets() {
        let [a, b] =
            ["position 24.744672,121.044483 of the aircraft", "position 31.230416,121.473701 of the other"];
        let ([a0, a1], [b0, b1]) = (halves(a), halves(b));
        let (one, two) = (flow("192.168.1.2"), flow("192.168.1.3"));
        let mut joiner = TunnelJoiner::default();
        // Asked for twice, as for A and AAAA.
        for (flow, name, packet) in
            [(&one, &a0, 1), (&one, &a0, 2), (&two, &b0, 3), (&one, &a1, 4), (&two, &b1, 5)]
        {
            assert!(joiner.query(flow, &query(name, packet)).is_none());
        }
        let whole = joiner.finish();
        let told: Vec<_> = whole
            .iter()
            .map(|(flow, message)| {
                (flow.client.ip, message.packets.clone(), message.parts.get(1).unwrap().bytes().to_vec())
            })
            .collect();
        assert_eq!(
            told,
            [
                (one.client.ip, vec![1, 4], a.as_bytes().to_vec()),
                (two.client.ip, vec![3, 5], b.as_bytes().to_vec())
            ]
        );
    }

    #[test]
    fn a_new_series_ends_the_one_before() {
        let mut joiner = TunnelJoiner::default();
        let ([a0, a1], [b0, _]) =
            (halves("position 24.744672,121.044483 now"), halves("position 24.744699,121.044499 now"));
        for (name, packet) in [(&a0, 1), (&a1, 2)] {
            assert!(joiner.query(&flow("10.0.0.2"), &query(name, packet)).is_none());
        }
        let (_, first) = joiner.query(&flow("10.0.0.2"), &query(&b0, 3)).unwrap();
        assert_eq!(first.packets, [1, 2]);
        assert!(joiner.finish().is_empty(), "one query alone is no series");
    }

    #[test]
    fn labels_behind_the_data_are_passed_over() {
        let data = BASE32_NOPAD.encode(b"24.744672,121.044483").to_lowercase();
        let mut parts = Parts::one(Carrier::DnsLabel, "name", "");
        decode_labels(&format!("{data}.t.vendor.example"), &mut parts);
        assert_eq!(parts.get(1).unwrap().bytes(), b"24.744672,121.044483");
    }

    #[test]
    fn words_are_no_data() {
        let mut parts = Parts::default();
        decode_labels("connectivitycheck.portal.example", &mut parts);
        decode_labels("www.example.org", &mut parts);
        assert!(parts.is_empty(), "{parts:?}");
    }
}
