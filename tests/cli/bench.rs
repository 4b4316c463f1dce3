//! `creance bench`: scores of the example, and what is no truth and no list of findings.

use std::{fs, io::Write, process::Stdio};

use creance_tests::{creance, example, run};
use serde_json::{Value, json};

use crate::{code, text, whole};

#[test]
fn the_example_is_scored_beside_a_tool_that_found_little() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let output = run(whole(&["--reveal", "-q", "-o", case.to_str().unwrap()]));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // What a tool may write that is not creance: one hit, one trap.
    let lines = folder.path().join("grep.jsonl");
    let truth: Value = serde_json::from_slice(&fs::read(example("truth.json")).unwrap()).unwrap();
    let line = |class: &str, one: &Value| json!({"tool": "grep 3", "data_class": class, "destination": {"ip": one["dst_ip"]}, "packets": one["frames"]});
    let found = [line("email", &truth["events"][0]), line("device-id", &truth["benign"][0])];
    fs::write(&lines, found.map(|line| format!("{line}\n")).concat()).unwrap();
    let pairs = [case.join("findings.json"), lines]
        .map(|findings| format!("{}={}", example("truth.json").display(), findings.display()));

    let forwards = pairs.each_ref().map(String::as_str);
    let output = run([&["bench", "--format", "json"], &forwards[..]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [ours, theirs] = [0, 1].map(|rank| &board["tools"][rank]);
    assert!(ours["tool"].as_str().unwrap().starts_with("creance "), "{}", ours["tool"]);
    let number = |one: &Value| one.as_u64().unwrap();
    assert!(number(&ours["recall"]["of"]) > 150, "{}", ours["recall"]);
    assert!(number(&ours["recall"]["found"]) + 2 >= number(&ours["recall"]["of"]), "{:#}", ours["missed"]);
    assert_eq!(ours["precision"]["good"], ours["precision"]["of"], "{:#}", ours["wrong"]);
    assert_eq!((&theirs["tool"], &theirs["recall"]["found"]), (&json!("grep 3"), &json!(1)));
    assert_eq!((&theirs["traps"]["reported"], &theirs["precision"]["of"]), (&json!(1), &json!(2)));

    // The board does not depend on the order in which tools are given, and is no data of the capture.
    let texts = [forwards, [forwards[1], forwards[0]]]
        .map(|pairs| text(&run([&["bench", "--list"], &pairs[..]].concat()).stdout));
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0].contains("| grep 3 | 1 | 1 of 153: 0.7 % (0.1–3.6) |"), "{}", texts[0]);
    assert!(texts[0].contains("wrong by grep 3: 1"), "{}", texts[0]);
    assert!(!texts[0].contains("lindqvarn"), "no values");
}

#[test]
fn findings_are_read_from_stdin_and_a_tool_may_be_named() {
    let mut command = creance();
    command.args(["bench", &format!("silence={}=-", example("truth.json").display())]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("| silence | 1 | 0 of 153: 0.0 % (0.0–2.4) | 0 of 0 |"));
}

#[test]
fn what_cannot_be_scored_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let truth = example("truth.json").display().to_string();
    let bench = |pair: &str| {
        let output = run(["bench", pair]);
        assert!(output.stdout.is_empty());
        (code(&output), text(&output.stderr))
    };
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let broken = file("broken.jsonl", "{\"data_class\": \"email\"}\n{\"data_class\": \"ema");
    let unnamed = file("unnamed.jsonl", "{\"data_class\": \"email\"}\n{\"packets\": [1]}\n");
    for (pair, expected, why) in [
        (truth.clone(), 2, "is no pair"),
        (format!("{truth}=/nonexistent.jsonl"), 3, "cannot read /nonexistent.jsonl"),
        (format!("{truth}={broken}"), 3, "line 2"),
        (format!("{truth}={unnamed}"), 3, "finding 2: missing field `data_class`"),
        (format!("{unnamed}={unnamed}"), 3, "cannot read the truth"),
    ] {
        let (code, told) = bench(&pair);
        assert!(code == expected && told.contains(why), "{pair}: {code} {told}");
    }
    assert_eq!(code(&run(["bench"])), 2);
    assert!(text(&run(["bench", "--help"]).stdout).contains("Examples:"));
}
