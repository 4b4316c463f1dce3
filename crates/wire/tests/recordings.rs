//! What holds of recordings of messages: no bytes make a reader panic, how they arrive changes nothing, and of what is cut all
//! that came before stands.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::{self, Read};

use creance_model::{Flow, InsideBasis, Message, Side, Value};
use creance_wire::{Conversation, Form, Limits, Means, Next, Recording};
use proptest::prelude::*;
use serde_json::json;

/// Gives one byte at a time.
struct Slow(io::Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}

fn flow(entry: &Conversation) -> Flow {
    Flow {
        id: entry.number,
        transport: entry.transport,
        client: entry.client,
        server: entry.server,
        inside: Some(Side::Client),
        inside_basis: InsideBasis::Recorded,
        first: entry.first,
        client_mac: None,
        server_mac: None,
        app: None,
    }
}

/// The messages of all entries, and how many places could not be followed.
fn read(form: Form, reader: Box<dyn Read + Send>, limits: &Limits) -> (Vec<Message>, usize) {
    let mut recording = Recording::new(form, reader, limits);
    let (mut told, mut faults) = (Vec::new(), 0);
    while let Some(next) = recording.advance() {
        match next {
            Next::Conversation(entry) => {
                let (flow, sent) = (flow(&entry), entry.bytes);
                let mut reader = entry.into_reader(&Means::default());
                reader.finish(&flow, limits, &mut |message| told.push(message));
                let readable = reader.readable();
                assert!(readable[0] <= sent[0] && readable[1] <= sent[1], "{readable:?} of {sent:?}");
            }
            Next::Unsent => {}
            Next::Fault(_) => faults += 1,
        }
    }
    (told, faults)
}

fn whole(form: Form, bytes: &[u8]) -> (Vec<String>, usize) {
    let (told, faults) = read(form, Box::new(io::Cursor::new(bytes.to_vec())), &Limits::default());
    (shown(&told), faults)
}

fn shown(told: &[Message]) -> Vec<String> {
    told.iter().map(|message| format!("{message:?}")).collect()
}

fn entry(target: &str, body: &str) -> serde_json::Value {
    json!({
        "startedDateTime": "2026-06-11T10:00:12.250+02:00", "time": 12,
        "request": {
            "method": "POST", "url": format!("https://api.skylark.example{target}"), "httpVersion": "h2",
            "headers": [{"name": ":authority", "value": "api.skylark.example"}, {"name": "X-\u{e4}", "value": "\u{1f681}\"\\"}],
            "cookies": [{"name": "mail", "value": "ada@skylark.example"}], "bodySize": body.len(),
            "postData": {"mimeType": "application/json", "text": body},
        },
        "response": {"status": 200, "headers": [], "bodySize": 4, "content": {"size": 4, "text": "b2theQ==", "encoding": "base64"}},
        "_webSocketMessages": [{"type": "send", "time": 1_781_164_813.5, "opcode": 2, "data": "AAH/"}],
    })
}

fn har() -> Vec<u8> {
    let entries = [entry("/a?lat=24.75#x", r#"{"lon":121.04}"#), entry("/b", "[]")];
    json!({"log": {"version": "1.2", "entries": entries}}).to_string().into_bytes()
}

/// Values as tagged netstrings: text for words, the list and the dictionary.
fn net(value: &serde_json::Value) -> Vec<u8> {
    let (kind, content) = match value {
        serde_json::Value::Null => (b'~', Vec::new()),
        serde_json::Value::Bool(flag) => (b'!', flag.to_string().into_bytes()),
        serde_json::Value::Number(number) if number.is_f64() => (b'^', number.to_string().into_bytes()),
        serde_json::Value::Number(number) => (b'#', number.to_string().into_bytes()),
        serde_json::Value::String(text) => (b';', text.clone().into_bytes()),
        serde_json::Value::Array(values) => (b']', values.iter().flat_map(net).collect()),
        serde_json::Value::Object(fields) => {
            (b'}', fields.iter().flat_map(|(key, value)| [net(&json!(key)), net(value)].concat()).collect())
        }
    };
    [content.len().to_string().as_bytes(), b":", &content, &[kind]].concat()
}

fn flows() -> Vec<u8> {
    let request = json!({
        "method": "POST", "scheme": "https", "host": "api.skylark.example", "port": 443, "path": "/v1?lat=24.75",
        "authority": "", "http_version": "HTTP/2.0", "headers": [["x", "ada@skylark.example"]], "content": "{\"a\":1}",
        "timestamp_start": 1_781_164_812.5,
    });
    let flow = |kind: &str, said: serde_json::Value| {
        let mut flow = json!({
            "version": 21, "type": kind, "server_conn": {"address": ["api.skylark.example", 443], "peername": null},
            "client_conn": {"peername": ["192.168.42.10", 5], "tls": true, "sni": "api.skylark.example"},
        });
        for (name, value) in said.as_object().unwrap() {
            flow[name] = value.clone();
        }
        net(&flow)
    };
    let words = "GET /a HTTP/1.1\r\nHost: h.example\r\n\r\n";
    let question =
        json!({"id": 7, "query": true, "questions": [{"name": "a.skylark.example", "type": 1, "class_": 1}]});
    [
        flow(
            "http",
            json!({"request": request, "response": {"status_code": 204, "headers": [], "content": ""}}),
        ),
        flow("tcp", json!({"messages": [[true, words, 1.5]]})),
        flow("dns", json!({"request": question})),
    ]
    .concat()
}

#[test]
fn the_recordings_of_these_tests_are_understood() {
    let kinds = |form, bytes: &[u8]| {
        let (told, faults) = read(form, Box::new(io::Cursor::new(bytes.to_vec())), &Limits::default());
        assert_eq!(faults, 0);
        told.iter().map(|message| format!("{} {}", message.protocol, message.kind)).collect::<Vec<_>>()
    };
    let entry = ["http/2 request", "http/2 response", "websocket message"];
    assert_eq!(kinds(Form::Har, &har()), [entry, entry].concat());
    let flows = kinds(Form::Mitmproxy, &flows());
    assert_eq!(flows, ["http/2 request", "http/2 response", "http/1 request", "dns query"]);
    assert_eq!((Form::of(&har()), Form::of(&flows_head())), (Some(Form::Har), Some(Form::Mitmproxy)));
}

fn flows_head() -> Vec<u8> {
    flows()[..64].to_vec()
}

#[test]
fn a_request_of_a_har_is_told_as_one_of_a_capture() {
    let (told, _) = read(Form::Har, Box::new(io::Cursor::new(har())), &Limits::default());
    let request = &told[0];
    let fields = ["method", "host", "uri"].map(|name| request.text(name).unwrap());
    assert_eq!(fields, ["POST", "api.skylark.example", "/a?lat=24.75"], "no fragment is sent");
    assert_eq!(request.time.to_string(), "2026-06-11T08:00:12.25Z");
    assert_eq!(told[1].time.to_string(), "2026-06-11T08:00:12.262Z");
    let part = |step: &str| request.parts.iter().find(|part| part.is(step)).unwrap();
    assert_eq!(part("cookie:mail").bytes(), b"ada@skylark.example");
    assert_eq!(part("json:/lon").bytes(), b"121.04");
    assert_eq!(part("header:x-\u{e4}").bytes(), "\u{1f681}\"\\".as_bytes());
    assert_eq!(told[2].parts.first().unwrap().bytes(), [0, 1, 255]);
    assert_eq!(told[3].packets, [2]);
}

#[test]
fn bytes_that_are_told_as_characters_are_bytes_again() {
    let picture = [0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F'];
    let mut entry = entry("/a", "");
    entry["request"]["bodySize"] = json!(picture.len());
    entry["request"]["postData"]["text"] = json!(picture.map(char::from).iter().collect::<String>());
    let document = json!({"log": {"entries": [entry]}}).to_string();
    let (told, _) = read(Form::Har, Box::new(io::Cursor::new(document.into_bytes())), &Limits::default());
    assert_eq!(told[0].parts.iter().find(|part| part.is("request body")).unwrap().bytes(), picture);
}

#[test]
fn text_whose_length_was_counted_in_characters_stays_text() {
    let body = "{\"name\":\"J\u{fc}rgen\"}";
    let mut entry = entry("/a", body);
    entry["request"]["bodySize"] = json!(body.chars().count());
    let document = json!({"log": {"entries": [entry]}}).to_string();
    let (told, _) = read(Form::Har, Box::new(io::Cursor::new(document.into_bytes())), &Limits::default());
    assert_eq!(told[0].parts.iter().find(|part| part.is("request body")).unwrap().bytes(), body.as_bytes());
}

#[test]
fn a_form_beside_an_empty_text_is_told_and_a_name_asked_over_https_is_too() {
    let mut form = entry("/a", "");
    form["request"]["postData"] = json!({"mimeType": "application/x-www-form-urlencoded", "text": "",
        "params": [{"name": "mail", "value": "ada@skylark.example"}]});
    // RFC 8484 §4.1.1: a question about www.example.com.
    let mut asked = entry("/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", "");
    asked["request"]["headers"] = json!([{"name": "accept", "value": "application/dns-message"}]);
    let document = json!({"log": {"entries": [form, asked]}}).to_string();
    let (told, faults) =
        read(Form::Har, Box::new(io::Cursor::new(document.into_bytes())), &Limits::default());
    assert_eq!(faults, 0);
    assert!(told[0].parts.iter().any(|part| part.bytes() == b"ada@skylark.example"));
    assert!(
        told.iter()
            .any(|message| message.protocol == "dns" && format!("{message:?}").contains("www.example.com"))
    );
}

#[test]
fn damage_within_an_entry_is_told_beside_it() {
    let document = String::from_utf8(har()).unwrap().replacen("\"method\":", "\"method\" ", 1);
    let (told, faults) = whole(Form::Har, document.as_bytes());
    assert_eq!((told.len(), faults), (6, 1));
    // The length of a field within is one too many.
    let flow = String::from_utf8(flows()).unwrap().replacen("4:POST;", "5:POST;", 1);
    assert!(whole(Form::Mitmproxy, flow.as_bytes()).1 > 0);
}

#[test]
fn what_a_long_connection_holds_beyond_the_limit_is_told() {
    let limits = Limits { body: 1000, ..Limits::default() };
    let words = format!("GET /a HTTP/1.1\r\nHost: h.example\r\n\r\n{}", "x".repeat(5 << 20));
    // What mitmproxy says of a flow stands before its messages.
    let said = [json!("type"), json!("tcp"), json!("messages"), json!([[true, words, 1.5]])];
    let content: Vec<u8> = said.iter().flat_map(net).collect();
    let flow = [content.len().to_string().as_bytes(), b":", &content, b"}"].concat();
    let mut recording = Recording::new(Form::Mitmproxy, Box::new(io::Cursor::new(flow.clone())), &limits);
    let Some(Next::Conversation(first)) = recording.advance() else { panic!("a flow") };
    assert!(first.bytes[0] > 5 << 20, "{:?}", first.bytes);
    let (told, _) = read(Form::Mitmproxy, Box::new(io::Cursor::new(flow)), &limits);
    assert_eq!(told[0].field("limit"), Some(&Value::Text("length of an entry of a recording".to_owned())));
}

#[test]
fn what_mitmproxy_sent_itself_is_not_the_apps_and_what_was_edited_is_told_as_it_was() {
    let request = |path: &str| json!({"method": "GET", "scheme": "https", "host": "h.example", "port": 443, "path": path, "headers": []});
    let flow = json!({"version": 21, "type": "http", "is_replay": "request", "request": request("/again")});
    let mut recording =
        Recording::new(Form::Mitmproxy, Box::new(io::Cursor::new(net(&flow))), &Limits::default());
    assert!(matches!(recording.advance(), Some(Next::Unsent)));
    let flow = json!({"version": 21, "type": "http", "request": request("/edited"),
        "backup": {"version": 21, "type": "http", "request": request("/sent")}});
    let (told, _) = read(Form::Mitmproxy, Box::new(io::Cursor::new(net(&flow))), &Limits::default());
    assert_eq!(told[0].text("uri"), Some("/sent"));
}

#[test]
fn bodies_longer_than_what_is_kept_are_a_limit_that_is_told() {
    let limits = Limits { body: 1000, ..Limits::default() };
    let long = json!({"log": {"entries": [entry("/a", &"x".repeat(10_000)), entry("/b", "[]")]}}).to_string();
    let mut recording =
        Recording::new(Form::Har, Box::new(io::Cursor::new(long.clone().into_bytes())), &limits);
    let Some(Next::Conversation(first)) = recording.advance() else { panic!("an entry") };
    let (flow, sent) = (flow(&first), first.bytes[0]);
    let mut reader = first.into_reader(&Means::default());
    reader.finish(&flow, &limits, &mut |_| {});
    assert_eq!(sent - reader.readable()[0], 9000, "what was sent and not kept is not read");
    let (told, faults) = read(Form::Har, Box::new(io::Cursor::new(long.into_bytes())), &limits);
    assert_eq!((told.len(), faults), (6, 0));
    assert_eq!(told[0].field("limit"), Some(&Value::Text("body longer than what is kept".to_owned())));
    assert_eq!(told[3].field("limit"), None);
    let body = told[0].parts.iter().find(|part| part.is("request body")).unwrap();
    assert_eq!(body.bytes(), [b'x'; 1000]);
}

#[test]
fn of_what_is_cut_all_entries_before_stand() {
    for (form, bytes) in [(Form::Har, har()), (Form::Mitmproxy, flows())] {
        let (all, _) = whole(form, &bytes);
        for length in 0..bytes.len() {
            let (told, faults) = whole(form, &bytes[..length]);
            let cut = bytes.len() - length;
            let same = told.iter().zip(&all).take_while(|(told, whole)| told == whole).count();
            // What is not the same belongs to the last entry.
            assert!(told.len() - same <= 3, "{form:?} cut at {length}");
            let between = form == Form::Mitmproxy && faults == 0;
            assert!(faults > 0 || between || length < 12, "{form:?} cut {cut} before its end says so");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        whole(Form::Har, &bytes);
        whole(Form::Mitmproxy, &bytes);
    }

    #[test]
    fn changed_bytes_make_no_reader_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), length in 0_usize..40) {
        for (form, mut bytes) in [(Form::Har, har()), (Form::Mitmproxy, flows())] {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + length);
            bytes.splice(at..end, [byte]);
            whole(form, &bytes);
        }
    }

    #[test]
    fn how_a_recording_arrives_changes_nothing(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (form, mut bytes) in [(Form::Har, har()), (Form::Mitmproxy, flows())] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let limits = Limits { body: 40, ..Limits::default() };
            let quick = read(form, Box::new(io::Cursor::new(bytes.clone())), &limits);
            let slow = read(form, Box::new(Slow(io::Cursor::new(bytes))), &limits);
            prop_assert_eq!((shown(&quick.0), quick.1), (shown(&slow.0), slow.1));
        }
    }
}
