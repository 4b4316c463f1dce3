//! Captures as tshark sees them: whole, with right checksums, and readable with their keys.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that is skipped says so"
)]

use std::{fs, ops::Range, path::Path, process::Command};

use creance_range::{Case, Scenario, by_chance, run};
use serde_json::Value;

/// Packets that go wrong.
const FAULTS: &str =
    "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";

/// The packets that a filter lets through, a line each; nothing where there is no tshark, which under CI must be there.
fn tshark(folder: &Path, capture: &str, keys: &str, filter: &str, told: &[&str]) -> Option<String> {
    let keys = format!("tls.keylog_file:{}", folder.join(keys).display());
    let output = Command::new("tshark")
        .arg("-r")
        .arg(folder.join(capture))
        .args(["-o", &keys, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"])
        // Packets are lost and overtaken here: without this, tshark takes a retransmission that is cut otherwise for a fault.
        .args(["-o", "udp.check_checksum:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", filter])
        .args(told)
        .output();
    assert!(output.is_ok() || std::env::var("CI").as_deref() != Ok("true"), "needs tshark");
    let Ok(output) = output else {
        eprintln!("skipped: there is no tshark");
        return None;
    };
    assert!(output.status.success(), "{capture}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn no_packet_is_malformed_no_checksum_wrong_and_keys_open_what_they_should() {
    let scenarios = [(1, "as-alleged"), (2, "as-claimed"), (3, "first-day"), (4, "behind-a-vpn")];
    whole(scenarios.map(|(seed, name)| (seed, Scenario::load(name).unwrap())).into());
}

#[test]
fn no_packet_is_malformed_in_worlds_by_chance() {
    whole((10..14).map(|seed| (seed, by_chance(seed).unwrap().1)).collect());
}

fn whole(scenarios: Vec<(u64, Scenario)>) {
    for (seed, scenario) in scenarios {
        let folder = tempfile::tempdir().unwrap();
        let case = run(&scenario, seed).unwrap();
        case.write(folder.path()).unwrap();
        for capture in ["capture.pcapng", "capture-wan.pcapng", "inside-vpn.pcapng", "remote-id.pcapng"] {
            if case.file(capture).is_none() {
                continue;
            }
            let Some(wrong) = tshark(folder.path(), capture, "capture.keys", FAULTS, &[]) else { return };
            assert_eq!(wrong, "", "{} {seed} {capture}", scenario.name);
        }
        let unseen = unseen(&case, folder.path(), "capture.keys");
        assert!(unseen.is_empty(), "{} {seed}: {unseen:#?}", scenario.name);
    }
}

/// What each protocol of the truth is to tshark.
const PROTOCOLS: [(&str, &str); 5] = [
    ("http/1.1", "http.request"),
    ("http/2", "http2.headers.method"),
    ("http/3", "http3"),
    ("mqtt", "mqtt.msgtype == 1 || mqtt.msgtype == 3"),
    ("websocket", "websocket"),
];

/// Events that can be read, of which tshark sees no message from the tablet's port in their packets.
fn unseen(case: &Case, folder: &Path, keys: &str) -> Vec<String> {
    let seen = PROTOCOLS.map(|(protocol, filter)| {
        let fields = ["frame.number", "tcp.srcport", "udp.srcport"].map(|field| ["-e", field]).concat();
        let lines = tshark(folder, "capture.pcapng", keys, filter, &[&["-T", "fields"], &*fields].concat());
        let lines = lines.unwrap();
        let number = |text: &str| text.parse::<u64>().unwrap();
        let read = |line: &str| {
            let mut words = line.split_whitespace();
            (number(words.next().unwrap()), number(words.next().unwrap()))
        };
        (protocol, lines.lines().map(read).collect::<Vec<_>>())
    });
    let events = case.truth()["events"].as_array().unwrap().iter();
    let open = events.filter(|event| event["visibility"] != "opaque");
    let is_unseen = |event: &&Value| {
        let frames = [0, 1].map(|at| event["frames"][at].as_u64().unwrap());
        let port = event["src_port"].as_u64().unwrap();
        let (_, seen) = seen.iter().find(|(protocol, _)| event["protocol"] == *protocol).unwrap();
        !seen.iter().any(|(frame, from)| (frames[0]..=frames[1]).contains(frame) && *from == port)
    };
    open.filter(is_unseen).map(ToString::to_string).collect()
}

/// Without its keys, nothing is to be seen of what is encrypted, and all of what is not.
#[test]
fn without_keys_what_is_encrypted_is_not_seen() {
    let scenario = Scenario::load("as-alleged").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let case = run(&scenario, 1).unwrap();
    case.write(folder.path()).unwrap();
    if tshark(folder.path(), "capture.pcapng", "none.keys", "frame.number == 1", &[]).is_none() {
        return;
    }
    let events = case.truth()["events"].as_array().unwrap().iter();
    let encrypted: Vec<String> =
        events.filter(|event| event["visibility"] == "keys").map(ToString::to_string).collect();
    assert!(encrypted.len() > 100);
    assert_eq!(unseen(&case, folder.path(), "none.keys"), encrypted);
}

/// A tunnel is one to tshark too, and a byte that is changed on the way is seen.
#[test]
fn tshark_names_the_tunnel_and_sees_a_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    run(&Scenario::load("behind-a-vpn").unwrap(), 5).unwrap().write(folder.path()).unwrap();
    let seen = |filter: &str| tshark(folder.path(), "capture.pcapng", "capture.keys", filter, &[]);
    let Some(tunnel) = seen("wg") else { return };
    let count = |words: &str| tunnel.lines().filter(|line| line.contains(words)).count();
    let [first, second] = ["Handshake Initiation", "Handshake Response"].map(count);
    assert!(first > 1 && first == second && count("Transport Data") > 1000, "{first} {second}");
    assert_eq!(seen("udp && !wg && !dns && !(udp.port == 14550)").unwrap(), "");

    let path = folder.path().join("capture.pcapng");
    let mut bytes = fs::read(&path).unwrap();
    // The last byte of the first message: of a mark that is zero.
    let number = ["-T", "fields", "-e", "frame.number"];
    let firsts = tshark(folder.path(), "capture.pcapng", "capture.keys", "wg.type == 1", &number).unwrap();
    let number: usize = firsts.lines().next().unwrap().trim().parse().unwrap();
    let frame = frames(&bytes).nth(number - 1).unwrap();
    assert_eq!(frame.len(), 14 + 20 + 8 + 148);
    bytes[frame.end - 1] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(seen(FAULTS).unwrap().lines().count(), 1);
}

/// Where the bytes of each frame are in a pcapng file: of its enhanced packet blocks, in their order.
fn frames(file: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let number =
        |at: usize| usize::try_from(u32::from_le_bytes(file[at..at + 4].try_into().unwrap())).unwrap();
    let next = move |at: &usize| Some(at + number(at + 4)).filter(|next| next + 28 <= file.len());
    let blocks = std::iter::successors(Some(0), next);
    blocks.filter(move |at| number(*at) == 6).map(move |at| at + 28..at + 28 + number(at + 20))
}
