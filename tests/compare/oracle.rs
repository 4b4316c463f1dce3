//! The tests and intervals against scipy.

use std::{fs, process::Command};

use creance_assess::exact::{Presence, false_discovery, holm, proportion, ranks, rate_ratio};
use creance_tests::{python, root};
use serde_json::{Value, json};

#[test]
fn tests_and_intervals_are_those_of_scipy() {
    let known = Command::new(python()).args(["-c", "import scipy"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} has not the packages of tests/uploads/requirements.txt",
            python().display()
        );
        println!("skipped: no scipy in {}", python().display());
        return;
    }
    let answers = answers();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.json");
    fs::write(&file, Value::from(answers).to_string()).unwrap();
    let output =
        Command::new(python()).arg(root().join("tests/compare/oracle.py")).arg(&file).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What was asked, and what creance says.
fn answers() -> Vec<Value> {
    let mut answers = Vec::new();
    let mut presence = Presence::default();
    for (n, m) in [(1, 1), (1, 3), (2, 4), (3, 3), (3, 5), (6, 4), (10, 10)] {
        for a in 0..=n {
            for b in 0..=m {
                answers.push(json!({"of": "presence", "asked": [[a, n], [b, m]], "said": [presence.p([a, n], [b, m])]}));
            }
        }
    }
    let amounts: [&[f64]; 6] = [
        &[1.0, 2.0, 3.0],
        &[7.5, 8.0, 8.0],
        &[0.5],
        &[2.0, 2.0, 2.0, 9.0],
        &[3.0, 1.0, 4.0, 1.0, 5.0],
        &[8.0, 2.0, 7.0, 9.0, 9.5, 6.0],
    ];
    for here in amounts {
        for there in amounts {
            answers.push(json!({"of": "ranks", "asked": [here, there], "said": [ranks(here, there).0]}));
        }
    }
    for all in [1_u64, 2, 9, 50, 1000, 1_000_000] {
        for some in [0, 1, all / 3, all / 2, all - 1, all] {
            let (low, high) = proportion(some, all, 0.95).unwrap();
            answers.push(json!({"of": "proportion", "asked": [some, all], "said": [low, high]}));
        }
    }
    for (few, time, many, more_time) in
        [(3_u64, 7.4, 6_u64, 7.5), (23, 7.4, 0, 7.5), (0, 3.0, 4, 1.0), (800, 90.0, 1000, 60.5)]
    {
        let (low, high) = rate_ratio((few, time), (many, more_time), 0.95).unwrap();
        let high = Some(high).filter(|high| high.is_finite());
        answers.push(json!({"of": "ratio", "asked": [few, time, many, more_time], "said": [low, high]}));
    }
    let ps = [0.03125, 0.2, 0.03125, 1.0, 0.03125, 0.5, 0.001, 0.7, 0.012, 0.012];
    answers.push(json!({"of": "holm", "asked": [ps], "said": holm(&ps)}));
    answers.push(json!({"of": "false_discovery", "asked": [ps], "said": false_discovery(&ps)}));
    answers
}
