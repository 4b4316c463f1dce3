//! `deploy/creance-guard.service`: starts before the network, and keeps what stands; it and the page's, which is nobody, are understood
//! by systemd.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{fs, process::Command};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");

#[test]
fn the_unit_comes_before_the_network_and_is_understood() {
    let unit = fs::read_to_string(format!("{DEPLOY}/creance-guard.service")).unwrap();
    assert!(unit.contains("\nBefore=network-pre.target"));
    let forwards = unit.find("ip_forward=1 ").unwrap();
    assert!(unit.find("creance-guard status").unwrap() < forwards, "forwarding begins before it enforces");
    // However often it ends, it is begun anew.
    let (about, service) = unit.split_once("\n[Service]\n").unwrap();
    assert!(about.lines().any(|line| line == "StartLimitIntervalSec=0"));
    assert!(service.lines().any(|line| line == "Restart=always"));
    understood("creance-guard", &unit.replace("man:nft(8)", "man:true(1)"));
}

/// Rules that stand are those of an engine before, with what they counted since it wrote that down last.
#[test]
fn rules_that_stand_are_not_put_anew_before_they_are_read() {
    let unit = fs::read_to_string(format!("{DEPLOY}/creance-guard.service")).unwrap();
    let before = unit.lines().find_map(|line| line.strip_prefix("ExecStartPre=/bin/sh -c '")).unwrap();
    let before = before.strip_suffix('\'').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (nft, loaded) = (folder.path().join("nft"), folder.path().join("loaded"));
    // Of these families it knows the table.
    let nft_that_knows = |families: &str| {
        let script = format!(
            "case $1 in list) case ' {families} ' in *\" $3 \"*) ;; *) exit 1 ;; esac ;; *) cat >> {} ;; esac",
            loaded.display()
        );
        fs::write(&nft, script).unwrap();
        let command = before
            .replace("/usr/sbin/nft", &format!("sh {}", nft.display()))
            .replace("/usr/bin/creance-guard", "echo");
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        fs::read_to_string(&loaded).unwrap_or_default()
    };
    assert_eq!(nft_that_knows("inet bridge"), "");
    assert_eq!(nft_that_knows("bridge"), "rules\n");
    assert_eq!(nft_that_knows("inet"), "rules\nrules\n");
}

/// Whether systemd has anything to say against a unit.
fn understood(name: &str, unit: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.service"));
    fs::write(&path, unit.replace("/usr/bin/creance-guard", "/bin/true")).unwrap();
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&path).output() else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let about_it: Vec<_> = said.lines().filter(|line| line.contains(&format!("{name}.service"))).collect();
    assert!(about_it.is_empty(), "{about_it:?}");
}

#[test]
fn the_page_is_nobody_and_can_do_no_more_than_ask() {
    let read = |name: &str| fs::read_to_string(format!("{DEPLOY}/{name}")).unwrap();
    let unit = read("creance-guard-page.service");
    for line in [
        "User=creance-page",
        "Group=creance-page",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    assert!(!unit.contains("AF_PACKET") && !unit.contains("AF_NETLINK"));
    // Nothing of it is done as root.
    assert!(!unit.lines().any(|line| line.starts_with("Exec") && line.contains("=+")));
    assert!(read("creance-guard.sysusers").lines().any(|line| line.starts_with("u creance-page ")));
    // The engine gives its socket to that group, which it must be able to.
    let engine = read("creance-guard.service");
    let rights = engine.lines().find(|line| line.starts_with("CapabilityBoundingSet=")).unwrap();
    assert!(rights.contains("CAP_CHOWN"), "{rights}");
    understood("creance-guard-page", &unit.replace("Requires=creance-guard.service\n", ""));
    // As systemd reckons how much it is exposed: 0 is best, 100 worst.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("creance-guard-page.service");
    fs::write(&path, &unit).unwrap();
    let Ok(output) = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--threshold=20"])
        .arg(&path)
        .output()
    else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
