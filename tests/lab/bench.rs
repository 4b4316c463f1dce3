//! `creance bench` and the laboratory's own scorer, written apart from each other, say the same.

use std::path::Path;

use creance_tests::run;
use serde_json::{Value, json};

/// Verdicts as the scorer calls them, and as the program does.
const VERDICTS: [(&str, &str); 6] = [
    ("true", "true"),
    ("true-loose", "loose"),
    ("near-class", "near"),
    ("false-benign", "trap"),
    ("false-unexplained", "unexplained"),
    ("outside-vocabulary", "outside"),
];

/// Scores findings once more, and compares what both scorers say of them.
pub(crate) fn agrees(truth: &Path, findings: &Path, scored: &Value) {
    let pair = format!("{}={}", truth.display(), findings.display());
    let output = run(["bench", &pair, "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours = &board["tools"][0];
    for key in ["found", "loose", "of"] {
        assert_eq!(ours["recall"][key], scored["recall"][key], "recall, {key}: {pair}");
    }
    for key in ["findings", "optional_found", "per_class", "per_encoding"] {
        assert_eq!(ours[key], scored[key], "{key}: {pair}");
    }
    for (theirs, verdict) in VERDICTS {
        let counted = scored["verdicts"].get(theirs).cloned().unwrap_or_else(|| json!(0));
        assert_eq!(ours["verdicts"][verdict], counted, "{verdict}: {pair}");
    }
    assert_eq!(ours["precision"]["good"], scored["precision"]["good"], "{pair}");
    let ids = |missed: &Value| -> Vec<Value> {
        missed.as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
    };
    assert_eq!(ids(&ours["missed"]), ids(&scored["missed"]), "{pair}");
}
