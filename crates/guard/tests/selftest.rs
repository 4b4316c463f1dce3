//! `creance-guard selftest`: nothing gets past a cut, as an independent tcpdump sees it. Needs root and namespaces.

#![expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a test that is skipped says so")]

use std::process::Command;

/// What `selftest` prints, if this machine can run it.
fn selftest(arguments: &[&str]) -> Option<String> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let able = nix::unistd::geteuid().is_root() && ["nft", "tcpdump", "conntrack"].into_iter().all(there);
    if !able {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root, nft, tcpdump and conntrack");
        eprintln!("skipped: needs root, nft, tcpdump and conntrack");
        return None;
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_creance-guard")).arg("selftest").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(said)
}

#[test]
fn nothing_gets_past_a_cut() {
    let Some(table) = selftest(&[]) else { return };
    assert!(table.contains("restart in flight"), "{table}");
}

/// The first opening comes right after the start, when a guard might not listen yet, and the exit code says whether the
/// ledger bounds what left.
#[test]
fn what_leaves_after_evidence_is_within_what_the_ledger_says() {
    let Some(said) = selftest(&["--cuts", "5"]) else { return };
    assert!(said.contains("cuts that let out more than the ledger says: 0\n"), "{said}");
}

#[test]
fn a_cut_outlives_what_breaks() {
    let Some(said) = selftest(&["--faults", "40"]) else { return };
    assert!(said.contains("records, verifies"), "{said}");
}
