//! The paired runs: exactly what stopped, stayed, appeared and changed is named, and nothing that is chance.

use std::{collections::BTreeMap, fs, path::Path};

use creance_tests::run;
use serde_json::{Value, json};

use crate::{RUNS, SETTINGS, audited, compared};

/// Verdicts by host and class.
fn verdicts<'a>(rows: &'a Value, key: &[&str]) -> BTreeMap<Vec<&'a str>, &'a Value> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (key.iter().map(|key| row[key].as_str().unwrap()).collect(), &row["verdict"])).collect()
}

/// What the laboratory knows; what is chance has no verdict.
fn truth<'a>(rows: &'a Value, key: &[&str]) -> BTreeMap<Vec<&'a str>, &'a Value> {
    let mut known = verdicts(rows, key);
    known.values_mut().filter(|verdict| **verdict == "chance").for_each(|verdict| *verdict = &Value::Null);
    known
}

fn check(found: &Value, pair: &Value) {
    assert_eq!(
        verdicts(&found["pairs"], &["host", "data_class"]),
        truth(&pair["flows"], &["host", "data_class"])
    );
    let mut hosts = verdicts(&found["destinations"], &["host"]);
    // The clock's server, which the laboratory does not count: it comes and goes.
    hosts.retain(|host, verdict| host[0].ends_with(".example") || !verdict.is_null());
    assert_eq!(hosts, truth(&pair["hosts"], &["host"]));
    for row in pair["flows"].as_array().unwrap() {
        let same = |other: &&Value| other["host"] == row["host"] && other["data_class"] == row["data_class"];
        let counts: Vec<&Value> =
            SETTINGS.iter().flat_map(|setting| row[*setting].as_array().unwrap()).collect();
        let told = found["pairs"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!(told["counts"].as_array().unwrap().iter().collect::<Vec<_>>(), counts, "{row}");
    }
    let changed: Vec<Value> = found["destinations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["verdict"] == "changed")
        .map(|row| json!([row["host"], row["dropped"], row["kept"], row["added"]]))
        .collect();
    let known: Vec<Value> = pair["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|body| json!([body["host"], body["dropped"], body["kept"], []]))
        .collect();
    assert_eq!(changed, known);
}

#[test]
fn exactly_what_the_setting_changes_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pair) = audited(folder.path(), &[]) else { return };
    let found = compared(folder.path(), &RUNS[..3], &RUNS[3..]);
    check(&found, &pair);
    assert_eq!((&found["joined_by"], &found["per"]), (&json!("class and host"), &json!("flight minute")));

    let schema: Value = serde_json::from_slice(&run(["explain", "schema", "compare"]).stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = schema.iter_errors(&found).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");

    let said =
        found["statements"].as_array().unwrap().iter().map(|said| said.as_str().unwrap()).collect::<Vec<_>>();
    assert!(
        said[0].starts_with("on: 9 of 13 destinations remain: ") && said[0].ends_with("0 % of bytes opaque."),
        "{}",
        said[0]
    );
    assert!(
        said.contains(&"fly.skyvendor.example changed: it no longer gets location and still gets serial.")
    );

    // Equal inputs give equal bytes, however they are named.
    let all: Vec<String> = RUNS.iter().map(|name| folder.path().join(name).display().to_string()).collect();
    let grouped = |format: &str| {
        let output =
            run([&["compare".to_owned(), "--format".to_owned(), format.to_owned()], all.as_slice()].concat());
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(serde_json::from_slice::<Value>(&grouped("json")).unwrap(), found);
    let campaign = folder.path().join("campaign.toml");
    let group = |setting: &str| {
        format!(
            "[[group]]\nname = \"{setting}\"\ncases = [\"{setting}-1\", \"{setting}-2\", \"{setting}-3/findings.json\"]\n"
        )
    };
    fs::write(&campaign, SETTINGS.map(group).concat()).unwrap();
    for format in ["json", "text", "html", "csv"] {
        let arguments = ["compare", "--format", format, "--campaign", &campaign.display().to_string()];
        assert_eq!(run(arguments).stdout, grouped(format), "{format}");
        nothing_is_revealed(&grouped(format), &pair);
    }
}

/// No planted value stands in what is written.
fn nothing_is_revealed(written: &[u8], pair: &Value) {
    assert_eq!(pair["scenario"], "dev-05-pair");
    let lab = creance_tests::shared("lab/dev-05-pair").unwrap();
    let written = String::from_utf8_lossy(written);
    for name in RUNS {
        let canaries = fs::read_to_string(lab.join(name).join("canaries.toml")).unwrap();
        let canaries: toml::Table = canaries.parse().unwrap();
        let values: Vec<&str> = canaries["canary"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|canary| canary["value"].as_str())
            .collect();
        assert!(!values.is_empty());
        for value in values {
            assert!(!written.contains(value), "{value}");
        }
    }
}

#[test]
fn with_one_key_values_are_joined_and_the_verdicts_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("campaign.key");
    fs::write(&key, [7; 32]).unwrap();
    let Some(pair) = audited(folder.path(), &["--campaign-key", &key.display().to_string()]) else { return };
    let found = compared(folder.path(), &RUNS[..3], &RUNS[3..]);
    check(&found, &pair);
    assert_eq!(found["joined_by"], "digest");
    let serial = found["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["host"] == "fly.skyvendor.example" && row["data_class"] == "serial")
        .unwrap();
    assert_eq!(serial["values"], json!({"stopped": 0, "stayed": 1, "appeared": 0, "open": 0}));
}

#[test]
fn between_repeats_of_one_setting_no_difference_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    if audited(folder.path(), &[]).is_none() {
        return;
    }
    let mut pairings = 0;
    for runs in [&RUNS[..3], &RUNS[3..]] {
        for before in 1_u8..8 {
            for after in 1_u8..8 {
                let chosen =
                    |of: u8| (0..3).filter(|run| of >> run & 1 == 1).map(|run| runs[run]).collect::<Vec<_>>();
                if before & after == 0 {
                    nothing_is_claimed(folder.path(), &chosen(before), &chosen(after));
                    pairings += 1;
                }
            }
        }
    }
    assert_eq!(pairings, 24);
}

fn nothing_is_claimed(folder: &Path, before: &[&str], after: &[&str]) {
    let found = compared(folder, before, after);
    for table in ["destinations", "pairs", "classes"] {
        for row in found[table].as_array().unwrap() {
            assert!(row["verdict"].is_null() || row["verdict"] == "stayed", "{before:?} {after:?}: {row}");
            assert!(
                row["amount"].is_null() || row["amount"]["claim"].is_null(),
                "{before:?} {after:?}: {row}"
            );
        }
    }
}
