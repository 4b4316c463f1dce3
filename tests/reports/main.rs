//! Reports of the example, in every format, judged by what others made for these formats: the validators of STIX, SARIF, KML
//! and GeoJSON (`oracle.py`; Microsoft's SARIF multitool). And no masked value stands in any of them.
//!
//! The oracles need `target/uploads` and `target/sarif` (`./ci/test tools` makes them).
#![expect(clippy::print_stdout, reason = "a test")]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use creance_tests::{example, python, root, run, tool};

/// The example in all formats.
fn reports(folder: &Path, reveal: bool) -> std::path::PathBuf {
    let (case, reports) = (folder.join("case"), folder.join("reports"));
    let mut arguments = vec!["audit".to_owned(), example("capture.pcapng").display().to_string()];
    for (flag, file) in [
        ("--keys", "capture.keys"),
        ("--canaries", "canaries.toml"),
        ("--device", "device"),
        ("--flight", "flight.tlog"),
        ("--actions", "actions.csv"),
        ("--sites", "sites.geojson"),
        ("--zones", "zones.geojson"),
    ] {
        arguments.extend([flag.to_owned(), example(file).display().to_string()]);
    }
    arguments.extend(["-q".to_owned(), "-o".to_owned(), case.display().to_string()]);
    arguments.extend(reveal.then(|| "--reveal".to_owned()));
    assert!(run(arguments).status.success());
    let (case, to) = (case.display().to_string(), reports.display().to_string());
    let output = run(["report", case.as_str(), "--format", "all", "-o", to.as_str()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    reports
}

#[test]
fn others_read_every_format() {
    for reveal in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let reports = reports(folder.path(), reveal);
        let judged = Command::new(python())
            .arg(root().join("tests/reports/oracle.py"))
            .arg(&reports)
            .output()
            .unwrap();
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
        print!("{}", String::from_utf8_lossy(&judged.stdout));

        let log = folder.path().join("validated.sarif");
        let validator = tool("sarif/node_modules/.bin/sarif-multitool");
        let output = Command::new(validator)
            .arg("validate")
            .arg(reports.join("report.sarif"))
            .arg("--output")
            .arg(&log)
            .output()
            .unwrap();
        let told: serde_json::Value = serde_json::from_slice(&fs::read(&log).unwrap()).unwrap();
        let results = told.pointer("/runs/0/results").and_then(serde_json::Value::as_array).unwrap();
        // It warns of results without line and column, which packets have not.
        let wrong: Vec<_> = results.iter().filter(|result| result["level"] == "error").collect();
        assert!(output.status.success() && wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn no_masked_value_stands_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let reports = reports(folder.path(), false);
    let canaries = fs::read_to_string(example("canaries.toml")).unwrap();
    let values: BTreeSet<String> = canaries
        .lines()
        .filter_map(|line| line.strip_prefix("value = "))
        .map(|value| value.trim_matches(['"', '\'']).to_owned())
        .filter(|value| value.len() > 5)
        .collect();
    assert!(values.len() > 5, "the example plants values");
    let mut files = 0;
    for entry in fs::read_dir(&reports).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for value in &values {
            assert!(!text.contains(value.as_str()), "{} holds a planted value", path.display());
        }
        files += 1;
    }
    assert_eq!(files, 11);
}
