//! The laboratory: captures whose every leak is known, scored by the laboratory's own scorer.
#![expect(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used, reason = "a test")]

mod readable;

use std::process::Command;

use creance_tests::{run, shared};
use serde_json::Value;

/// What is readable and not recognised yet: encoding and class.
const UNSEEN: &[(&str, &str)] = &[
    // Places that only the track of the flight can prove.
    ("utf-16le", "location"),
    ("dms", "location"),
    ("geohash", "location"),
    ("protobuf-double", "location"),
    ("protobuf-double-radians", "location"),
    ("protobuf-float32", "location"),
    ("protobuf-sfixed32-1e7", "location"),
    ("protobuf-zigzag-1e7", "location"),
    ("ws-binary-msgpack", "location"),
    // Content that no detector knows.
    ("br+split-name", "person-name"),
    ("gzip", "installed-apps"),
    ("json", "messages"),
    ("zstd", "messages"),
    ("jpeg-pixels", "face"),
];

/// Captures with their truth, by folder.
const CAPTURES: [(&str, &str); 5] = [
    ("dev-01-idle", "capture.pcapng"),
    ("dev-02-flight", "capture.pcapng"),
    ("dev-02-flight", "capture-vlan.pcapng"),
    ("dev-03-local-data-mode", "capture.pcapng"),
    ("dev-04-off", "capture.pcapng"),
];

#[test]
fn every_readable_event_is_found_no_trap_reported_and_the_circumstances_are_right() {
    let Some(lab) = shared("lab") else {
        println!("skipped: no shared laboratory");
        return;
    };
    let mut findings = 0;
    for (scenario, capture) in CAPTURES {
        let folder = lab.join(scenario);
        let case = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.join(name).display().to_string();
        let output = run([
            "audit".to_owned(),
            file(capture),
            "--keys".to_owned(),
            file("capture.keys"),
            "--canaries".to_owned(),
            file("canaries.toml"),
            "--device".to_owned(),
            file("device"),
            "--flight".to_owned(),
            file("flight.tlog"),
            "--actions".to_owned(),
            file("actions.csv"),
            "--reveal".to_owned(),
            "-q".to_owned(),
            "-o".to_owned(),
            case.path().join("case").display().to_string(),
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let scored = Command::new("python3")
            .arg(lab.join("score.py"))
            .arg(folder.join("truth.json"))
            .arg(case.path().join("case/findings.json"))
            .arg("--json")
            .output()
            .unwrap();
        let score: Value = serde_json::from_slice(&scored.stdout).unwrap();
        let missed: Vec<&Value> = score["missed"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| {
                let text = |key: &str| event[key].as_str().unwrap();
                event["visibility"] != "opaque" && !UNSEEN.contains(&(text("encoding"), text("data_class")))
            })
            .collect();
        findings += score["findings"].as_u64().unwrap();
        println!(
            "{scenario}, {capture}: {} findings, country {}, state {}",
            score["findings"], score["country"], score["flight_state"]
        );
        assert!(missed.is_empty(), "{scenario}: {missed:#?}");
        assert_eq!(
            score["false_positives"].as_array().unwrap().len(),
            0,
            "{scenario}: {:#}",
            score["false_positives"]
        );
        for property in ["country", "flight_state", "trigger", "app_state"] {
            let (right, of) =
                (score[property]["right"].as_f64().unwrap(), score[property]["of"].as_f64().unwrap());
            assert!(right >= 0.95 * of, "{scenario}: {property} {:#}", score[property]);
        }
    }
    assert!(findings > 10, "{findings} findings in all");
}
