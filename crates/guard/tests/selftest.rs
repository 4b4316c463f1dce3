//! `creance-guard selftest`: nothing gets past a cut, as an independent tcpdump sees it. Needs root and namespaces.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, and one that is skipped says so"
)]

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
    assert!(said.contains("cuts whose bound the ledger does not know: 0\n"), "{said}");
    // Of all kinds of uplinks and work, and each as often as asked for.
    for kind in ["a bare link\n", "a queue of 100 ms", "a resolver that is busy\n"] {
        let bound =
            said.split_once(kind).and_then(|(_, rest)| rest.lines().find(|line| line.contains("at most")));
        assert!(bound.is_some_and(|line| line.ends_with("of 5")), "{kind}: {said}");
    }
}

#[test]
fn a_cut_outlives_what_breaks() {
    let Some(said) = selftest(&["--faults", "40"]) else { return };
    assert!(said.contains("records, verifies"), "{said}");
}

/// The laboratory tells one gateway from another: this one knows some addresses, and lets go on what was open.
#[test]
fn what_others_let_through_is_seen() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/guard/nftables-country");
    let Some(said) = selftest(&["--against", script]) else { return };
    let frames = |name: &str| -> Vec<usize> {
        let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().map(|number| number.parse().unwrap()).collect()
    };
    assert_eq!(frames("UDP over IPv6"), [0, 0, 1], "{said}");
    assert_eq!(frames("hard-coded address"), [1, 1, 1], "{said}");
    assert_eq!(frames("UDP over IPv4, also of a flow that was open"), [1, 1, 1], "{said}");
}
