//! What is found of the leaks of every scenario: with planted values, with the device alone, with neither.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use creance_tests::{run, shared};
use serde_json::Value;

use crate::bench;

/// What the examiner has beside capture, keys and action log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum With {
    /// Device, flight log and planted values.
    Canaries,
    /// Device and flight log.
    Device,
    /// Nothing.
    Nothing,
}

/// What is not recognised even with everything: encoding and class.
const UNSEEN: &[(&str, &str)] = &[];

/// Sums over all scenarios.
#[derive(Debug, Default)]
struct Score {
    found: u64,
    of: u64,
    good: u64,
    bad: u64,
    /// Right answers and all, by property.
    right: BTreeMap<&'static str, [u64; 2]>,
    missed: Vec<String>,
    unexpected: Vec<String>,
    false_positives: Vec<String>,
}

const PROPERTIES: [&str; 4] = ["country", "flight_state", "trigger", "app_state"];

#[test]
fn leaks_are_found_no_trap_is_reported_and_the_circumstances_are_right() {
    let Some(lab) = shared("lab") else {
        println!("skipped: no shared laboratory");
        return;
    };
    println!("| with | recall | precision | country | flight state | trigger | app state |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let [canaries, device, nothing] =
        [With::Canaries, With::Device, With::Nothing].map(|with| score(&lab, with));
    for one in [&canaries, &device, &nothing] {
        assert!(one.of > 400, "{} events that must be found", one.of);
        assert!(one.false_positives.is_empty(), "{:#?}", one.false_positives);
        for (property, least) in [("country", 0.99), ("flight_state", 0.98), ("app_state", 0.95)] {
            let [right, of] = one.right[property];
            assert!(share(right, of) >= least, "{property}: {right} of {of}");
        }
    }
    for (one, least) in [(&canaries, 0.98), (&device, 0.98), (&nothing, 0.8)] {
        assert!(share(one.found, one.of) >= least, "{} of {}: {:#?}", one.found, one.of, one.missed);
    }
    for one in [&canaries, &device] {
        let [right, of] = one.right["trigger"];
        assert!(share(right, of) >= 0.95, "trigger: {right} of {of}");
        assert!(one.unexpected.is_empty(), "{:#?}", one.unexpected);
    }
}

fn share(part: u64, of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = part as f64 / of.max(1) as f64;
    share
}

fn score(lab: &Path, with: With) -> Score {
    let mut score = Score::default();
    for (folder, capture) in scenarios(lab) {
        let scored = audited(lab, &folder, &capture, with);
        let number = |pointer: &str| scored.pointer(pointer).and_then(Value::as_u64).unwrap();
        score.found += number("/recall/found");
        score.of += number("/recall/of");
        score.good += number("/precision/good");
        score.bad += number("/precision/bad");
        for property in PROPERTIES {
            let sum = score.right.entry(property).or_default();
            sum[0] += number(&format!("/{property}/right"));
            sum[1] += number(&format!("/{property}/of"));
        }
        for event in scored["missed"].as_array().unwrap() {
            let text = |key: &str| event[key].as_str().unwrap_or_default();
            let told = format!("{}: {} {}", text("id"), text("encoding"), text("data_class"));
            if !UNSEEN.contains(&(text("encoding"), text("data_class"))) {
                score.unexpected.push(told.clone());
            }
            score.missed.push(told);
        }
        for one in scored["false_positives"].as_array().unwrap() {
            score.false_positives.push(format!("{}: {one:#}", folder.display()));
        }
    }
    let percent = |part, of| format!("{:.1} %", 100.0 * share(part, of));
    let properties = PROPERTIES.map(|property| percent(score.right[property][0], score.right[property][1]));
    println!(
        "| {with:?} | {} of {}: {} | {} | {} |",
        score.found,
        score.of,
        percent(score.found, score.of),
        percent(score.good, score.good + score.bad),
        properties.join(" | ")
    );
    score
}

/// The captures of every scenario, with the folder of its truth.
fn scenarios(lab: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut all = Vec::new();
    let mut folders = vec![lab.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        let truth = folder.join("truth.json").is_file();
        for entry in entries {
            if entry.is_dir() && !truth {
                folders.push(entry);
            } else if truth && entry.extension().is_some_and(|ending| ending == "pcapng") {
                all.push((folder.clone(), entry));
            }
        }
    }
    all.sort();
    all
}

/// Audits a capture as an examiner would, and scores the findings.
fn audited(lab: &Path, folder: &Path, capture: &Path, with: With) -> Value {
    let case = tempfile::tempdir().unwrap();
    let mut arguments = vec!["audit".to_owned(), capture.display().to_string()];
    let mut given = |flag: &str, name: &str| {
        let file = folder.join(name);
        if file.exists() {
            arguments.extend([flag.to_owned(), file.display().to_string()]);
        }
    };
    given("--keys", "capture.keys");
    given("--actions", "actions.csv");
    if with != With::Nothing {
        given("--device", "device");
        given("--flight", "flight.tlog");
    }
    if with == With::Canaries {
        given("--canaries", "canaries.toml");
    }
    let out = case.path().join("case");
    arguments.extend(["--reveal", "-q", "-o"].map(str::to_owned));
    arguments.push(out.display().to_string());
    let output = run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scored = Command::new("python3")
        .arg(lab.join("score.py"))
        .arg(folder.join("truth.json"))
        .arg(out.join("findings.json"))
        .arg("--json")
        .output()
        .unwrap();
    let scored = serde_json::from_slice(&scored.stdout).unwrap();
    bench::agrees(&folder.join("truth.json"), &out.join("findings.json"), &scored);
    scored
}
