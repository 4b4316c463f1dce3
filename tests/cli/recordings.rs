//! HAR and flow files of mitmproxy as inputs: what is found does not depend on which recording of the same traffic is given.

use std::{fs, path::Path};

use creance_tests::{run, tnetstring::Net};
use serde_json::{Value, json};

use crate::{code, text};

const BODY: &str = r#"{"user":{"mail":"ada.lark@skylark.example","phone":"+886912345678"},"pos":{"lat":24.801868,"lon":120.965208}}"#;
const TARGET: &str = "/v1/track?imei=490154203237518";
const HOST: &str = "api.skylark.example";
const TIME: u64 = 1_781_164_812;

fn headers() -> [(&'static str, String); 4] {
    [
        ("Host", HOST.to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("Cookie", "session=7f3c9e2ab1d84c60; mail=ben.lark@skylark.example".to_owned()),
        ("Content-Length", BODY.len().to_string()),
    ]
}

/// The exchange as IP packets.
fn packets() -> Vec<Vec<u8>> {
    let head: Vec<String> = headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = head.concat();
    let request = format!("POST {TARGET} HTTP/1.1\r\n{head}\r\n{BODY}").into_bytes();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let (up, down) = (1000_u32, 5000_u32);
    let after = up + 1 + u32::try_from(request.len()).unwrap();
    let segments = [
        (true, up, 0, 0x02, Vec::new()),
        (false, down, up + 1, 0x12, Vec::new()),
        (true, up + 1, down + 1, 0x18, request),
        (false, down + 1, after, 0x18, answer),
    ];
    let packet = |(ours, sequence, acknowledged, flags, payload): (bool, u32, u32, u8, Vec<u8>)| {
        let (here, there) = ([192, 168, 42, 10], [203, 0, 113, 9]);
        let (source, target) = if ours { (here, there) } else { (there, here) };
        let (from, to) = if ours { (50_000_u16, 80_u16) } else { (80, 50_000) };
        let length = u16::try_from(40 + payload.len()).unwrap();
        let ip =
            [&[0x45, 0][..], &length.to_be_bytes(), &[0, 1, 0, 0, 64, 6, 0, 0], &source, &target].concat();
        let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
        let numbers = [sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat();
        [ip, ports, numbers, vec![5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat()
    };
    segments.into_iter().map(packet).collect()
}

/// Frames as a capture.
fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 1, 0], &link.to_le_bytes()]
            .concat();
    for frame in frames {
        let size = u32::try_from(frame.len()).unwrap().to_le_bytes();
        file.extend(u32::try_from(TIME).unwrap().to_le_bytes());
        file.extend([&[0; 4][..], &size, &size, frame].concat());
    }
    file
}

/// The exchange as an entry of a HAR.
fn entry() -> Value {
    let pairs = headers().map(|(name, value)| json!({"name": name, "value": value}));
    json!({
        "startedDateTime": "2026-06-11T10:00:12+02:00", "time": 0, "serverIPAddress": "203.0.113.9",
        "request": {
            "method": "POST", "url": format!("http://{HOST}{TARGET}"), "httpVersion": "HTTP/1.1",
            "headers": pairs, "bodySize": BODY.len(), "headersSize": -1,
            "postData": {"mimeType": "application/json", "text": BODY},
            "_stacktrace": {"process": "example.skylark", "compact": ["example.skylark.Track"]},
        },
        "response": {
            "status": 200, "httpVersion": "HTTP/1.1", "bodySize": 2,
            "headers": [{"name": "Content-Length", "value": "2"}],
            "content": {"size": 2, "mimeType": "text/plain", "text": "ok"},
        },
    })
}

fn har(entries: &[Value]) -> Vec<u8> {
    json!({"log": {"version": "1.2", "creator": {"name": "skylark", "version": "1"}, "entries": entries}})
        .to_string()
        .into_bytes()
}

/// The exchange as a flow of mitmproxy.
fn flow() -> Vec<u8> {
    let pair = |name: &'static str, value: &'static str| {
        Net::List(vec![Net::Bytes(name.as_bytes()), Net::Bytes(value.as_bytes())])
    };
    let all = headers();
    let fields = all
        .iter()
        .map(|(name, value)| Net::List(vec![Net::Bytes(name.as_bytes()), Net::Bytes(value.as_bytes())]))
        .collect();
    let end = |ip, port| Net::List(vec![Net::Text(ip), Net::Number(port)]);
    Net::Object(vec![
        ("version", Net::Number(21)),
        ("type", Net::Text("http")),
        ("client_conn", Net::Object(vec![("peername", end("192.168.42.10", 50_000))])),
        ("server_conn", Net::Object(vec![("peername", end("203.0.113.9", 80)), ("address", end(HOST, 80))])),
        ("error", Net::Null),
        (
            "request",
            Net::Object(vec![
                ("method", Net::Bytes(b"POST")),
                ("scheme", Net::Bytes(b"http")),
                ("host", Net::Text(HOST)),
                ("port", Net::Number(80)),
                ("path", Net::Bytes(TARGET.as_bytes())),
                ("authority", Net::Bytes(b"")),
                ("http_version", Net::Bytes(b"HTTP/1.1")),
                ("headers", Net::List(fields)),
                ("content", Net::Bytes(BODY.as_bytes())),
                ("timestamp_start", Net::Seconds("1781164812.0")),
            ]),
        ),
        (
            "response",
            Net::Object(vec![
                ("status_code", Net::Number(200)),
                ("http_version", Net::Bytes(b"HTTP/1.1")),
                ("headers", Net::List(vec![pair("Content-Length", "2")])),
                ("content", Net::Bytes(b"ok")),
                ("timestamp_start", Net::Seconds("1781164812.0")),
            ]),
        ),
        ("websocket", Net::Null),
    ])
    .written()
}

fn audit(folder: &Path, name: &str, bytes: &[u8], expected: i32) -> Value {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    let output =
        run([Path::new("audit"), &path, Path::new("--format"), Path::new("json"), Path::new("--reveal")]);
    assert_eq!(code(&output), expected, "{name}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Findings without what says where they were seen: evidence, digests (of which each case has its own) and the numbers
/// that order by them.
fn found(document: &Value, without: &[&str]) -> Vec<Value> {
    let mut findings = document["findings"].as_array().unwrap().clone();
    for finding in &mut findings {
        let fields = finding.as_object_mut().unwrap();
        fields.retain(|name, _| !["id", "digest", "evidence", "occurrences"].contains(&name.as_str()));
        fields.retain(|name, _| !without.contains(&name.as_str()));
    }
    findings.sort_by_key(ToString::to_string);
    findings
}

#[test]
fn equal_traffic_gives_equal_findings_however_it_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let packets = audit(folder.path(), "same.pcap", &pcap(101, &packets()), 0);
    let flows = audit(folder.path(), "same.mitm", &flow(), 0);
    let entries = audit(folder.path(), "same.har", &har(&[entry()]), 0);
    let classes: Vec<_> = found(&packets, &[]).iter().map(|finding| finding["data_class"].clone()).collect();
    for class in ["email", "phone", "location", "device-id"] {
        assert!(classes.contains(&json!(class)), "{class}: {classes:?}");
    }
    assert_eq!(found(&packets, &[]), found(&flows, &[]));
    // A HAR does not tell who asked, but what app did.
    assert_eq!(found(&packets, &["source"]), found(&entries, &["source"]));
    let source = &entries["findings"][0]["source"];
    assert_eq!((&source["basis"], &source["app"]), (&json!("recorded"), &json!("example.skylark")));
    assert_eq!(packets["coverage"]["opaque"], entries["coverage"]["opaque"]);
    assert_eq!(entries["findings"][0]["evidence"]["packets"], json!([1]));
    let kinds = [&packets, &flows, &entries].map(|document| document["case"]["inputs"][0]["kind"].clone());
    assert_eq!(kinds, ["capture", "mitmproxy", "har"]);
}

/// A name in a field of 20 bytes.
fn named(name: &str) -> Vec<u8> {
    let mut name = name.as_bytes().to_vec();
    name.resize(20, 0);
    name
}

/// Blocks of a pcapng as PCAPdroid writes it: the app is told by the user that a comment names.
fn by_user() -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = u32::try_from(12 + body.len() + padding.len()).unwrap().to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &padding, &length].concat()
    };
    let mut file =
        block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    file.extend(block(1, &[101, 0, 0, 0, 0, 0, 0, 0]));
    let apps = [
        &62_652_u32.to_le_bytes()[..],
        &[1, 0, 1, 0],
        &10_123_u32.to_le_bytes(),
        &[15, 7],
        b"example.skylarkSkylark",
    ];
    file.extend(block(0xbad, &apps.concat()));
    let micros = TIME * 1_000_000;
    for packet in packets() {
        let size = u32::try_from(packet.len()).unwrap().to_le_bytes();
        let (high, low) =
            (u32::try_from(micros >> 32).unwrap(), u32::try_from(micros & 0xffff_ffff).unwrap());
        let mut body = [&[0; 4][..], &high.to_le_bytes(), &low.to_le_bytes(), &size, &size, &packet].concat();
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(b"\x01\0\x07\0u-10123\0\0\0\0\0");
        file.extend(block(6, &body));
    }
    file
}

#[test]
fn a_capture_that_names_the_app_gives_findings_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let pcapdroid = |packet: Vec<u8>| {
        let mut frame = [&[0; 12][..], &[8, 0], &packet].concat();
        frame.resize(frame.len().next_multiple_of(4), 0);
        [&frame[..], &[1, 7, 0x20, 0x21, 0, 0, 0x27, 0x8d], &named("Skylark"), &[0; 4]].concat()
    };
    let pktap = |packet: Vec<u8>| {
        let numbers: Vec<u8> = [108_u32, 1, 12].iter().flat_map(|number| number.to_le_bytes()).collect();
        [&numbers[..], &[0; 44], &named("Skylark"), &[0; 32], &packet].concat()
    };
    let rndis = |packet: Vec<u8>| {
        let frame = [&[2; 6][..], &[4; 6], &[8, 0], &packet].concat();
        let length = u32::try_from(frame.len()).unwrap();
        let message: Vec<u8> =
            [1, 44 + length, 36, length].iter().flat_map(|number| number.to_le_bytes()).collect();
        [&[0; 9][..], &[3], &[0; 54], &message, &[0; 28], &frame].concat()
    };
    let plain = audit(folder.path(), "plain.pcap", &pcap(101, &packets()), 0);
    let files = [
        ("pcapdroid.pcap", pcap(1, &packets().into_iter().map(pcapdroid).collect::<Vec<_>>())),
        ("pktap.pcap", pcap(149, &packets().into_iter().map(pktap).collect::<Vec<_>>())),
        ("pcapdroid.pcapng", by_user()),
    ];
    for (name, bytes) in files {
        let document = audit(folder.path(), name, &bytes, 0);
        assert_eq!(found(&document, &["source"]), found(&plain, &["source"]), "{name}");
        for finding in document["findings"].as_array().unwrap() {
            assert_eq!(finding["source"]["app"], "Skylark", "{name}");
        }
        let notes = document["case"]["notes"].to_string();
        assert_eq!(notes.contains("written by PCAPdroid"), name.starts_with("pcapdroid"), "{name}: {notes}");
    }
    let usb = pcap(220, &packets().into_iter().map(rndis).collect::<Vec<_>>());
    let document = audit(folder.path(), "usb.pcap", &usb, 0);
    assert_eq!(found(&document, &["source"]), found(&plain, &["source"]));
}

#[test]
fn what_802_11_encrypts_is_opaque_and_its_cause_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let protected = [&[0x08, 0x41][..], &[0; 98]].concat();
    let document = audit(folder.path(), "air.pcap", &pcap(105, &[protected.clone(), protected]), 0);
    let coverage = &document["coverage"];
    assert_eq!((&coverage["bytes"], &coverage["opaque"]), (&json!(200), &json!(200)));
    assert_eq!(coverage["unread"][0]["why"], "802.11 encryption");
}

#[test]
fn several_recordings_and_captures_are_one_case_and_each_is_cited() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), pcap(101, &packets())).unwrap();
    let second = {
        let mut entry = entry();
        entry["request"]["url"] = json!("https://other.skylark.example/x");
        entry
    };
    fs::write(folder.path().join("b.har"), har(&[entry(), second])).unwrap();
    fs::write(folder.path().join("c.json"), b"{\"no\": \"har\"}").unwrap();
    let output = run([Path::new("audit"), folder.path(), Path::new("--format"), Path::new("json")]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let inputs = document["case"]["inputs"].as_array().unwrap();
    let packets: Vec<_> = inputs.iter().map(|input| input["packets"].clone()).collect();
    assert_eq!(packets, [4, 2], "other JSON in a folder is none of it");
    let of = |number: usize| format!("sha256:{}", inputs[number]["sha256"].as_str().unwrap());
    for finding in document["findings"].as_array().unwrap() {
        let har = finding["source"]["basis"] == "recorded";
        assert_eq!(finding["evidence"]["input"], of(usize::from(har)).as_str());
        // The Host field says what the first says: the port tells them apart.
        let other = finding["destination"]["port"] == 443;
        let entry = if other { json!([2]) } else { json!([1]) };
        assert!(!har || finding["evidence"]["packets"] == entry, "{finding}");
        assert_eq!(finding["visibility"], if other { "decrypted" } else { "clear" });
    }
}

#[test]
fn a_recording_that_is_cut_is_code_4_with_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let whole = har(&[entry(), entry()]);
    let document = audit(folder.path(), "cut.har", &whole[..whole.len() - 80], 4);
    assert_eq!(document["damage"][0]["what"], "recording cut short");
    assert_eq!(document["case"]["packets"], 2);
    let flows = [flow(), flow()].concat();
    let document = audit(folder.path(), "cut.mitm", &flows[..flows.len() - 300], 4);
    assert_eq!(document["damage"][0]["what"], "recording cut short");
    assert!(!document["findings"].as_array().unwrap().is_empty());
}

#[test]
fn json_that_is_no_har_is_code_3() {
    let folder = tempfile::tempdir().unwrap();
    for (content, why) in [(&b"{\"a\": 1}"[..], "no HAR"), (b"{\"log\": {}}", "holds no entries")] {
        let path = folder.path().join("other.har");
        fs::write(&path, content).unwrap();
        let output = run([Path::new("audit"), &path]);
        assert_eq!(code(&output), 3);
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
    }
}

#[test]
fn a_body_that_a_har_lacks_is_opaque() {
    let folder = tempfile::tempdir().unwrap();
    let mut entry = entry();
    entry["request"].as_object_mut().unwrap().remove("postData");
    entry["request"]["bodySize"] = json!(5000);
    let document = audit(folder.path(), "lacking.har", &har(&[entry]), 0);
    assert_eq!(document["coverage"]["opaque"], 5000);
    assert_eq!(document["coverage"]["unread"][0]["why"], "body not in the recording");
}

#[test]
fn messages_flows_and_extract_take_recordings_from_standard_input() {
    use std::{io::Write, process::Stdio};
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (arguments, expected) in [
        (vec!["messages", "-", "--reveal"], "example.skylark.Track"),
        (vec!["flows", "-"], "\"app\":\"example.skylark\""),
        (vec!["extract", "-", "-o", out.to_str().unwrap(), "--all"], "files in"),
    ] {
        let mut child = creance_tests::creance()
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&har(&[entry()])).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains(expected), "{arguments:?}: {}", text(&output.stdout));
    }
    let body =
        fs::read_dir(&out).unwrap().any(|file| fs::read(file.unwrap().path()).unwrap() == BODY.as_bytes());
    assert!(body, "the body is among the files");
}

#[test]
fn entries_of_recordings_are_not_taken_for_packets() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (capture, recording, case, out) =
        (path("a.pcap"), path("b.mitm"), path("case"), path("shown.pcapng"));
    let packets = packets();
    fs::write(&capture, pcap(101, &packets)).unwrap();
    // The request is packet 3, and entry 1 as well: of one conversation, which is one finding.
    fs::write(&recording, flow()).unwrap();
    assert_eq!(code(&run(["audit", &capture, &recording, "-q", "-o", &case])), 0);
    let output = run(["report", &case, "--format", "pcapng", "-o", &out]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let read = creance_capture::Options::default();
    let mut copied = creance_capture::Capture::open(&[out.into()], &read).unwrap();
    assert_eq!(copied.next_packet().unwrap().data, packets[2]);
    assert!(copied.next_packet().is_none());

    // Alone it has no packets at all.
    let case = path("recorded");
    assert_eq!(code(&run(["audit", &recording, "-q", "-o", &case])), 0);
    let output = run(["report", &case, "--format", "pcapng"]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("hold no packets"), "{}", text(&output.stderr));
}
