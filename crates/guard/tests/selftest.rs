//! `creance-guard selftest`: nothing gets past a cut, as an independent tcpdump sees it. Needs root and namespaces.

#![expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a test that is skipped says so")]

use std::process::Command;

#[test]
fn nothing_gets_past_a_cut() {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let able = nix::unistd::geteuid().is_root() && ["nft", "tcpdump", "conntrack"].into_iter().all(there);
    if !able {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "needs root, nft, tcpdump and conntrack");
        eprintln!("skipped: needs root, nft, tcpdump and conntrack");
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_creance-guard")).arg("selftest").output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(table.contains("restart in flight"), "{table}");
}
