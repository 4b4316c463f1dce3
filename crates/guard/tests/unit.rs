//! `deploy/creance-guard.service`: starts before the network, and systemd understands it.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{fs, process::Command};

#[test]
fn the_unit_comes_before_the_network_and_is_understood() {
    let unit = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/creance-guard.service"))
        .unwrap();
    assert!(unit.contains("\nBefore=network-pre.target"));
    let forwards = unit.find("ip_forward=1 ").unwrap();
    assert!(unit.find("creance-guard status").unwrap() < forwards, "forwarding begins before it enforces");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("creance-guard.service");
    fs::write(
        &path,
        unit.replace("/usr/bin/creance-guard", "/bin/true").replace("man:nft(8)", "man:true(1)"),
    )
    .unwrap();
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&path).output() else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("creance-guard")).collect();
    assert!(about_it.is_empty(), "{about_it:?}");
}
