//! A laboratory whose machines all have private addresses: who of them is ours.

use std::fs;

use serde_json::Value;

use crate::{code, json, text};

/// A request that names its sender, of one connection, as raw IPv4 (RFC 791, 9293); without checksums.
fn conversation(client: [u8; 4], server: [u8; 4]) -> Vec<Vec<u8>> {
    let body = br#"{"email": "ana.silva@skylark.example"}"#;
    let mut request = b"POST /login HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n".to_vec();
    request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    request.extend(body);
    let packet = |ours: bool, sequence: u32, acknowledged: u32, flags: u8, payload: &[u8]| {
        let (source, target) = if ours { (client, server) } else { (server, client) };
        let (from, to) = if ours { (50_000_u16, 80_u16) } else { (80, 50_000) };
        let length = u16::try_from(40 + payload.len()).unwrap();
        let ip =
            [&[0x45, 0][..], &length.to_be_bytes(), &[0, 1, 0, 0, 64, 6, 0, 0], &source, &target].concat();
        let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
        let numbers = [sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat();
        [&ip[..], &ports, &numbers, &[5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0], payload].concat()
    };
    vec![
        packet(true, 1000, 0, 0x02, &[]),
        packet(false, 5000, 1001, 0x12, &[]),
        packet(true, 1001, 5001, 0x18, &request),
    ]
}

/// Conversations as a capture of raw IP.
fn pcap(conversations: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let head = [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 1, 0], &[101, 0, 0, 0]];
    let mut file = head.concat();
    for (second, frame) in (1_781_164_800_u32..).zip(conversations.iter().flatten()) {
        let size = u32::try_from(frame.len()).unwrap().to_le_bytes();
        file.extend([&second.to_le_bytes()[..], &[0; 4], &size, &size, frame].concat());
    }
    file
}

/// Who sent an e-mail address to whom, by what basis; and the notes of the case.
fn told(report: &Value) -> (Vec<[String; 3]>, String) {
    let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |finding: &Value| {
        let (source, destination) = (&finding["source"], &finding["destination"]);
        [said(&source["ip"]), said(&destination["ip"]), said(&source["basis"])]
    };
    let findings = report["findings"].as_array().unwrap();
    let mails = findings.iter().filter(|finding| finding["data_class"] == "email").map(row).collect();
    (mails, report["case"]["notes"].to_string())
}

#[test]
fn a_client_that_reaches_no_further_than_its_private_server_is_taken_for_ours_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let [phone, server, other, routed] =
        [[192, 168, 32, 4], [192, 168, 32, 3], [10, 10, 1, 4], [47, 95, 1, 2]];
    let audited = |name: &str, conversations: &[Vec<Vec<u8>>], extra: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, pcap(conversations)).unwrap();
        let path = path.display().to_string();
        told(&json(&[&["audit", &path, "--reveal"], extra].concat()))
    };
    let row = |all: [&str; 3]| all.map(str::to_owned);
    let login = conversation(phone, server);

    let (mails, notes) = audited("private", std::slice::from_ref(&login), &[]);
    assert_eq!(mails, [row(["192.168.32.4", "192.168.32.3", "presumed"])]);
    assert!(notes.contains("192.168.32.4") && notes.contains("--inside"), "{notes}");
    // Another machine that reaches the internet changes nothing about this one.
    let (mut mails, _) = audited("beside", &[login.clone(), conversation(other, routed)], &[]);
    mails.sort();
    let far = row(["10.10.1.4", "47.95.1.2", "private-range"]);
    assert_eq!(mails, [far, row(["192.168.32.4", "192.168.32.3", "presumed"])]);
    // What reaches the internet itself has neighbours that are ours as well, and what is stated wins.
    let (mails, notes) = audited("reaches", &[login.clone(), conversation(phone, routed)], &[]);
    assert_eq!(mails, [row(["192.168.32.4", "47.95.1.2", "private-range"])]);
    assert!(!notes.contains("--inside"), "{notes}");
    assert_eq!(audited("stated", &[login], &["--inside", "192.168.0.0/16"]).0.len(), 0);
}

#[test]
fn a_finding_of_a_presumed_client_is_traced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private.pcap");
    fs::write(&path, pcap(&[conversation([192, 168, 32, 4], [192, 168, 32, 3])])).unwrap();
    let output = creance_tests::run(["audit", path.to_str().unwrap(), "--trace", "F0001", "--reveal"]);
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(code(&output), 0, "{wrong}");
    assert!(said.contains("ana.silva@skylark.example"), "{said}{wrong}");
}
