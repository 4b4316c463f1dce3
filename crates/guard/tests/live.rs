//! `simulate --live`: what a policy says of a capture, and what a guard with it lets through in namespaces, are the same.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, and one that is skipped says so"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Maps always, the maker on the ground alone, one host of it never.
const OWN: &str = r#"
@id("maps") permit (principal, action, resource in Domain::"openmaps.example");
@id("ground") permit (principal, action, resource in Domain::"skyvendor.example")
when { context has flight && context.flight == Flight::"ground" };
@id("hk") forbid (principal, action, resource in Domain::"upload-hk.skyvendor.example");
"#;

fn able() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let able = nix::unistd::geteuid().is_root() && ["nft", "tcpdump", "conntrack"].into_iter().all(there);
    assert!(able || std::env::var("CI").as_deref() != Ok("true"), "needs root, nft, tcpdump and conntrack");
    if !able {
        eprintln!("skipped: needs root, nft, tcpdump and conntrack");
    }
    able
}

/// What passed on the ground and in the air, of all destinations; it is what the policy said, or the exit code would tell.
fn passed(capture: &Path, policy: &str) -> BTreeSet<(String, bool, bool)> {
    let output = Command::new(env!("CARGO_BIN_EXE_creance-guard"))
        .args(["simulate", "--live", "--format", "json", "--policy", policy])
        .arg(capture)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{policy}: {said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answer: Value = serde_json::from_str(&said).unwrap();
    let tried = answer["live"].as_array().unwrap();
    assert!(!tried.is_empty());
    tried
        .iter()
        .map(|one| {
            assert_eq!(one["said"], one["passed"], "{policy}: {one}");
            let passed = |at: usize| one["passed"][at].as_bool().unwrap();
            (one["to"].as_str().unwrap().to_owned(), passed(0), passed(1))
        })
        .collect()
}

#[test]
fn what_a_policy_says_of_the_example_is_what_passes() {
    if !able() {
        return;
    }
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/skylark/capture.pcapng");
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.cedar");
    fs::write(&own, OWN).unwrap();
    let all = passed(&capture, "local-data-mode");
    assert!(all.iter().all(|(_, ground, air)| *ground && !air), "{all:?}");
    let observed = passed(&capture, "lab-observe");
    assert!(observed.iter().all(|(_, ground, air)| *ground && *air), "{observed:?}");
    let own = passed(&capture, own.to_str().unwrap());
    let of = |name: &str| own.iter().find(|(to, ..)| to == name).map(|(_, ground, air)| (*ground, *air));
    assert_eq!(of("tiles.openmaps.example:443"), Some((true, true)));
    assert_eq!(of("v6.skyvendor.example:443"), Some((true, false)));
    assert_eq!(of("upload-hk.skyvendor.example:443"), Some((false, false)));
    assert_eq!(of("203.107.6.88:123"), Some((false, false)));
    let us = passed(&capture, "allow-only-us");
    assert!(us.iter().any(|(_, _, air)| *air) && us.iter().any(|(_, ground, _)| !ground), "{us:?}");
}

#[test]
fn what_a_policy_says_of_the_lab_is_what_passes() {
    let lab = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab");
    if !lab.is_dir() {
        eprintln!("skipped: ../shared is not there");
        return;
    }
    if !able() {
        return;
    }
    for case in ["dev-01-idle", "dev-02-flight", "dev-03-local-data-mode"] {
        for policy in ["local-data-mode", "allow-only-us"] {
            passed(&lab.join(case).join("capture.pcapng"), policy);
        }
    }
}
