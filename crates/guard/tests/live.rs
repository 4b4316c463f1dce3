//! `simulate --live`: what a policy says of a capture, and what a guard with it lets through in namespaces, are the same: by destination,
//! and played packet by packet. The exit code tells of each difference; here it is looked whether there was something to differ.

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

/// Does the same with each at once, for most of the time an aircraft is waited for to stand long enough.
fn at_once<A: Send, B: Send, const N: usize>(all: [A; N], act: impl Fn(A) -> B + Sync) -> [B; N] {
    let act = &act;
    std::thread::scope(|scope| all.map(|one| scope.spawn(move || act(one))).map(|one| one.join().unwrap()))
}

/// What `simulate --live` says of a capture; it is what the policy says, or the exit code would tell.
fn simulated(capture: &Path, policy: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_creance-guard"))
        .args(["simulate", "--live", "--format", "json", "--policy", policy])
        .arg(capture)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    let answer: Option<Value> = serde_json::from_str(&said).ok();
    assert!(answer.is_some(), "{policy}: {said}\n{error}");
    let answer = answer.unwrap();
    assert_eq!(output.status.code(), Some(0), "{policy}: {:#}\n{error}", differences(&answer));
    answer
}

/// What is not as the policy says.
fn differences(answer: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let tried = list(&answer["live"]).into_iter().filter(|one| one["said"] != one["passed"]);
    let played = list(&answer["played"]["scenes"]).into_iter().filter_map(|mut scene| {
        let rows: Vec<Value> =
            list(&scene["conversations"]).into_iter().filter(|row| !row["differs"].is_null()).collect();
        let differs = !rows.is_empty() || !scene["differs"].is_null();
        scene["conversations"] = rows.into();
        differs.then_some(scene)
    });
    tried.chain(played).collect()
}

/// What passed on the ground and in the air, of all destinations.
fn passed(answer: &Value) -> BTreeSet<(String, bool, bool)> {
    let tried = answer["live"].as_array().unwrap();
    assert!(!tried.is_empty());
    tried
        .iter()
        .map(|one| {
            assert_eq!(one["said"], one["passed"], "{one}");
            let passed = |at: usize| one["passed"][at].as_bool().unwrap();
            (one["to"].as_str().unwrap().to_owned(), passed(0), passed(1))
        })
        .collect()
}

/// Conversations that passed, were refused, and cannot be told, in all scenes of a state of the flight; and packets seen outside.
fn played(answer: &Value, state: &str) -> ([usize; 3], u64) {
    let scenes = answer["played"]["scenes"].as_array().unwrap();
    let of = scenes.iter().filter(|scene| scene["flight_state"] == state);
    let rows: Vec<&Value> = of.flat_map(|scene| scene["conversations"].as_array().unwrap()).collect();
    let count = |what: &Value| rows.iter().filter(|row| row["passed"] == *what).count();
    let seen = rows.iter().map(|row| row["seen"].as_u64().unwrap()).sum();
    ([count(&true.into()), count(&false.into()), count(&Value::Null)], seen)
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
    let policies = ["local-data-mode", "lab-observe", own.to_str().unwrap(), "allow-only-us"];
    let [local, observed, answer, us] = at_once(policies, |policy| simulated(&capture, policy));
    let all = passed(&local);
    assert!(all.iter().all(|(_, ground, air)| *ground && !air), "{all:?}");
    let ([passes, refused, untold], seen) = played(&local, "ground");
    assert!(passes > 10 && refused == 0 && seen > 100, "{passes} {refused} {untold} {seen}");
    let ([passes, refused, _], seen) = played(&local, "flying");
    assert!(passes == 0 && refused > 20 && seen == 0, "{passes} {refused} {seen}");
    assert!(passed(&observed).iter().all(|(_, ground, air)| *ground && *air), "{observed:?}");
    let ([passes, refused, _], seen) = played(&observed, "flying");
    assert!(passes > 20 && refused == 0 && seen > 1000, "{passes} {refused} {seen}");
    let own = passed(&answer);
    let of = |name: &str| own.iter().find(|(to, ..)| to == name).map(|(_, ground, air)| (*ground, *air));
    assert_eq!(of("tiles.openmaps.example:443"), Some((true, true)));
    assert_eq!(of("v6.skyvendor.example:443"), Some((true, false)));
    assert_eq!(of("upload-hk.skyvendor.example:443"), Some((false, false)));
    assert_eq!(of("203.107.6.88:123"), Some((false, false)));
    let ([passes, refused, _], _) = played(&answer, "flying");
    assert!(passes > 0 && refused > 0, "some pass by name in flight, others do not: {passes} {refused}");
    let us = passed(&us);
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
    let cases = ["dev-01-idle", "dev-02-flight", "dev-03-local-data-mode"];
    at_once(cases.map(|case| lab.join(case).join("capture.pcapng")), |capture| {
        at_once(["local-data-mode", "allow-only-us"], |policy| passed(&simulated(&capture, policy)))
    });
}

/// What a flight in mainland China may say, and to whom: the report to the authority of the range.
const REPORT: &str = r#"
@id("ground") permit (principal, action, resource) when { context has flight && context.flight == Flight::"ground" };
@id("report") permit (principal, action, resource in Domain::"uom-authority.example");
"#;

/// The accused system itself: in the air it sends as it likes, and the guard lets through what the policy says.
#[test]
fn what_a_policy_says_of_the_range_is_what_passes() {
    if !able() {
        return;
    }
    let own = tempfile::tempdir().unwrap();
    let report = own.path().join("report.cedar");
    fs::write(&report, REPORT).unwrap();
    let flights = [
        ("as-alleged", "local-data-mode", false),
        ("as-alleged", "allow-only-us", true),
        ("in-china", report.to_str().unwrap(), true),
    ];
    at_once(flights, |(scenario, policy, some_pass)| {
        let folder = tempfile::tempdir().unwrap();
        let case = creance_range::run(&creance_range::Scenario::load(scenario).unwrap(), 5).unwrap();
        case.write(folder.path()).unwrap();
        let answer = simulated(&folder.path().join("capture.pcapng"), policy);
        passed(&answer);
        let ([passes, refused, untold], seen) = played(&answer, "flying");
        let told = format!("{scenario}, {policy}: {passes} {refused} {untold} {seen}");
        assert!(refused > 0 && (passes > 0) == some_pass && (seen > 0) == some_pass, "{told}");
        if policy == "local-data-mode" {
            let ([passes, ..], seen) = played(&answer, "ground");
            assert!(passes > 5 && seen > 100, "{scenario}, on the ground: {passes} {seen}");
        }
    });
}
