//! Captures as tshark sees them: whole, with right checksums, and readable with their keys.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that is skipped says so"
)]

use std::{fs, path::Path, process::Command};

use creance_range::{Scenario, by_chance, run};

/// Packets that go wrong.
const FAULTS: &str =
    "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";

/// The packets that a filter lets through, a line each; nothing where there is no tshark, which under CI must be there.
fn tshark(folder: &Path, capture: &str, keys: &str, filter: &str) -> Option<String> {
    let keys = format!("tls.keylog_file:{}", folder.join(keys).display());
    let output = Command::new("tshark")
        .arg("-r")
        .arg(folder.join(capture))
        .args(["-o", &keys, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"])
        // Packets are lost and overtaken here: without this, tshark takes a retransmission that is cut otherwise for a fault.
        .args(["-o", "udp.check_checksum:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", filter])
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
            let Some(wrong) = tshark(folder.path(), capture, "capture.keys", FAULTS) else { return };
            assert_eq!(wrong, "", "{} {seed} {capture}", scenario.name);
        }
        let events = case.truth()["events"].as_array().unwrap();
        let requests = |keys| {
            let asked = tshark(folder.path(), "capture.pcapng", keys, "http.request || http2.headers.method");
            asked.unwrap().lines().count()
        };
        let starts: std::collections::BTreeSet<String> = events
            .iter()
            .filter(|event| {
                event["visibility"] == "keys" && event["protocol"].as_str().unwrap().starts_with("http")
            })
            .map(|event| event["time"].to_string())
            .collect();
        let with = requests("capture.keys");
        assert!(with >= starts.len(), "{} {seed}", scenario.name);
        // Without them, less is to be seen.
        assert!(seed != 1 || requests("none.keys") < with / 2, "{} {seed}", scenario.name);
    }
}

/// A tunnel is one to tshark too, and a byte that is changed on the way is seen.
#[test]
fn tshark_names_the_tunnel_and_sees_a_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    run(&Scenario::load("behind-a-vpn").unwrap(), 5).unwrap().write(folder.path()).unwrap();
    let seen = |filter: &str| tshark(folder.path(), "capture.pcapng", "capture.keys", filter);
    let Some(tunnel) = seen("wg") else { return };
    let count = |words: &str| tunnel.lines().filter(|line| line.contains(words)).count();
    let [first, second] = ["Handshake Initiation", "Handshake Response"].map(count);
    assert!(first > 1 && first == second && count("Transport Data") > 1000, "{first} {second}");
    assert_eq!(seen("udp && !wg && !dns && !(udp.port == 14550)").unwrap(), "");

    let path = folder.path().join("capture.pcapng");
    let mut bytes = fs::read(&path).unwrap();
    // The last byte of a datagram with a first message: of a mark that is zero.
    let at = bytes.windows(4).position(|four| four == [1, 0, 0, 0]).unwrap();
    let at = at + bytes[at..].windows(16).position(|mark| mark == [0; 16]).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(seen(FAULTS).unwrap().lines().count(), 1);
}
