//! Recordings of messages: on how many threads they are read, and in which order their entries stand.

use std::path::Path;

use creance_tests::{essence, tnetstring::Net};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{audited, difference, without_packets};

/// What an app said once: when, to whom, what.
#[derive(Clone, Debug)]
struct Said {
    /// Milliseconds after the first second of the recording.
    after: u64,
    host: String,
    body: String,
}

const BEGAN: u64 = 1_781_164_812_000;

impl Said {
    /// One of few people at one of few places says so to one of few hosts, so that most of it is said again and again.
    fn new(after: u64, (host, person, place, form): (u8, u8, u8, u8)) -> Self {
        let (lat, lon) = (24.801_868 + f64::from(place), 120.965_208);
        let mail = format!("lark{person}@skylark.example");
        let body = match form {
            0 => json!({"user": {"mail": mail}, "pos": {"lat": lat, "lon": lon}}).to_string(),
            1 => json!({"list": [{"owner": mail, "phone": format!("+88691234567{person}")}]}).to_string(),
            _ => format!("mail={mail}&imei=490154203237518"),
        };
        Self { after, host: format!("api{host}.skylark.example"), body }
    }

    fn seconds(&self) -> String {
        let millis = BEGAN + self.after;
        format!("{}.{:03}", millis / 1000, millis % 1000)
    }

    fn media_type(&self) -> &'static str {
        if self.body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" }
    }

    fn entry(&self) -> Value {
        // The recording lasts less than a minute.
        let (second, milli) = (12 + self.after / 1000, self.after % 1000);
        json!({
            "startedDateTime": format!("2026-06-11T08:00:{second:02}.{milli:03}Z"), "time": 0,
            "serverIPAddress": "203.0.113.9",
            "request": {
                "method": "POST", "url": format!("https://{}/v1/track", self.host), "httpVersion": "HTTP/1.1",
                "headers": [{"name": "Content-Type", "value": self.media_type()}],
                "bodySize": self.body.len(), "headersSize": -1,
                "postData": {"mimeType": self.media_type(), "text": self.body},
            },
            "response": {
                "status": 200, "httpVersion": "HTTP/1.1", "bodySize": 2, "headers": [],
                "content": {"size": 2, "mimeType": "text/plain", "text": "ok"},
            },
        })
    }

    fn flow(&self, number: u64) -> Vec<u8> {
        let seconds = self.seconds();
        let end = |ip, port| Net::List(vec![Net::Text(ip), Net::Number(port)]);
        let media_type =
            Net::List(vec![Net::Bytes(b"Content-Type"), Net::Bytes(self.media_type().as_bytes())]);
        let request = Net::Object(vec![
            ("method", Net::Bytes(b"POST")),
            ("scheme", Net::Bytes(b"https")),
            ("host", Net::Text(&self.host)),
            ("port", Net::Number(443)),
            ("path", Net::Bytes(b"/v1/track")),
            ("authority", Net::Bytes(b"")),
            ("http_version", Net::Bytes(b"HTTP/1.1")),
            ("headers", Net::List(vec![media_type])),
            ("content", Net::Bytes(self.body.as_bytes())),
            ("timestamp_start", Net::Seconds(&seconds)),
        ]);
        Net::Object(vec![
            ("version", Net::Number(21)),
            ("type", Net::Text("http")),
            ("client_conn", Net::Object(vec![("peername", end("192.168.42.10", 50_000 + number))])),
            (
                "server_conn",
                Net::Object(vec![("peername", end("203.0.113.9", 443)), ("address", end(&self.host, 443))]),
            ),
            ("error", Net::Null),
            ("request", request),
            ("response", Net::Null),
            ("websocket", Net::Null),
        ])
        .written()
    }
}

/// The same said, as both kinds of recordings, each by its entries.
fn recorded(all: &[Said]) -> [(&'static str, Vec<Vec<u8>>); 2] {
    let entries = all.iter().map(|said| said.entry().to_string().into_bytes()).collect();
    let flows = (0..).zip(all).map(|(number, said)| said.flow(number)).collect();
    [("said.har", entries), ("said.mitm", flows)]
}

fn written(folder: &Path, name: &str, entries: &[&[u8]]) -> std::path::PathBuf {
    let path = folder.join(name);
    let whole = if Path::new(name).extension() == Some("har".as_ref()) {
        [b"{\"log\": {\"version\": \"1.2\", \"entries\": [", &*entries.join(&b','), b"]}}"].concat()
    } else {
        entries.concat()
    };
    std::fs::write(&path, whole).unwrap();
    path
}

/// Entries of moments of their own.
fn said() -> impl Strategy<Value = Vec<Said>> {
    let one = (0..3_u8, 0..3_u8, 0..3_u8, 0..3_u8);
    prop::collection::vec((0..300_u64, one), 1..60).prop_map(|all| {
        let mut after = 0;
        let later = all.into_iter().map(|(pause, one)| {
            after += pause + 1;
            Said::new(after, one)
        });
        later.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_number_of_threads_changes_nothing_of_a_recording(all in said()) {
        let folder = tempfile::tempdir().unwrap();
        for (name, entries) in recorded(&all) {
            let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
            let path = written(folder.path(), name, &entries);
            let one = audited(&path, &path, 1);
            prop_assert!(!one["findings"].as_array().unwrap().is_empty());
            for jobs in [2, 5] {
                prop_assert_eq!(difference("", &one, &audited(&path, &path, jobs)), None, "{} on {}", name, jobs);
            }
        }
    }

    #[test]
    fn the_order_of_the_entries_of_a_recording_changes_nothing(
        (all, order) in said().prop_flat_map(|all| {
            let order = Just((0..all.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(all), order)
        }),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (name, entries) in recorded(&all) {
            let told = |order: &mut dyn Iterator<Item = usize>| {
                let entries: Vec<&[u8]> = order.map(|at| entries[at].as_slice()).collect();
                let path = written(folder.path(), name, &entries);
                let mut document = audited(&path, &path, 2);
                // Their numbers are their places.
                without_packets(&mut document);
                essence(document)
            };
            let [before, after] = [told(&mut (0..all.len())), told(&mut order.iter().copied())];
            prop_assert_eq!(difference("", &before, &after), None, "{}", name);
        }
    }
}
