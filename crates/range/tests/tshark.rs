//! Captures as tshark sees them: whole, with right checksums, and readable with their keys.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{path::Path, process::Command};

use creance_range::{Scenario, by_chance, run};

fn tshark(folder: &Path, capture: &str, filter: &str) -> Option<String> {
    let keys = format!("tls.keylog_file:{}", folder.join("capture.keys").display());
    let output = Command::new("tshark")
        .arg("-r")
        .arg(folder.join(capture))
        .args(["-o", &keys, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"])
        // Packets are lost and overtaken here: without this, tshark takes a retransmission that is cut otherwise for a fault.
        .args(["-o", "udp.check_checksum:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", filter])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn no_packet_is_malformed_no_checksum_wrong_and_keys_open_what_they_should() {
    let scenarios = [(1, "as-alleged"), (2, "as-claimed"), (3, "first-day")]
        .map(|(seed, name)| (seed, Scenario::load(name).unwrap()));
    let chance = (10..14).map(|seed| (seed, by_chance(seed).unwrap().1));
    for (seed, scenario) in scenarios.into_iter().chain(chance) {
        let folder = tempfile::tempdir().unwrap();
        let case = run(&scenario, seed).unwrap();
        case.write(folder.path()).unwrap();
        let faults = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
        for capture in ["capture.pcapng", "capture-wan.pcapng", "remote-id.pcapng"] {
            if case.file(capture).is_none() {
                continue;
            }
            let Some(wrong) = tshark(folder.path(), capture, faults) else {
                eprintln!("skipped: there is no tshark");
                return;
            };
            assert_eq!(wrong, "", "{} {seed} {capture}", scenario.name);
        }
        let events = case.truth()["events"].as_array().unwrap();
        let requests =
            tshark(folder.path(), "capture.pcapng", "http.request || http2.headers.method").unwrap();
        let starts: std::collections::BTreeSet<String> = events
            .iter()
            .filter(|event| {
                event["visibility"] == "keys" && event["protocol"].as_str().unwrap().starts_with("http")
            })
            .map(|event| event["time"].to_string())
            .collect();
        assert!(requests.lines().count() >= starts.len(), "{} {seed}", scenario.name);
    }
}
