//! A finding explained, and traced to the bytes that show it.

use std::path::Path;

use creance_tests::run;
use serde_json::Value;

use crate::{code, text, whole};

/// A case of the example, and its findings.
fn case(folder: &Path, extra: &[&str]) -> (String, Vec<Value>) {
    let case = folder.join("case").display().to_string();
    let output = run(whole(&[extra, &["-q", "-o", &case]].concat()));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let document = std::fs::read(folder.join("case/findings.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    (case, document["findings"].as_array().unwrap().clone())
}

fn id(finding: &Value) -> &str {
    finding["id"].as_str().unwrap()
}

#[test]
fn every_finding_is_explained_with_what_it_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let (case, findings) = case(folder.path(), &[]);
    let mut detectors = std::collections::BTreeSet::new();
    for finding in &findings {
        // One of each way to a value is enough.
        if !detectors.insert((finding["detector"].to_string(), finding["protocol"].to_string())) {
            continue;
        }
        let output = run(["explain", &case, id(finding)]);
        let told = text(&output.stdout);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let severity =
            format!("{}, {}", finding["severity"].as_str().unwrap(), finding["data_class"].as_str().unwrap());
        assert!(told.contains(&severity) && told.contains("begins at"), "{told}");
        assert!(told.contains("Why it matters: ") && told.contains("How it could be wrong: "), "{told}");
        let first = &finding["evidence"]["packets"][0];
        assert!(told.contains(&format!("frame.number in {{{first}")), "{told}");
        assert!(told.contains("sha256sum "), "{told}");
    }
    assert!(detectors.len() > 10, "{detectors:?}");
    let any = &findings[0];
    let one = text(&run(["explain", id(any), "--case", &case]).stdout);
    assert_eq!(one, text(&run(["explain", &id(any).to_lowercase(), &case]).stdout), "named either way");
}

#[test]
fn decode_paths_become_commands() {
    let folder = tempfile::tempdir().unwrap();
    let (case, findings) = case(folder.path(), &[]);
    let path =
        serde_json::json!(["tls", "http/2 request body", "form:payload", "base64", "gzip", "json:/lat"]);
    let finding = findings.iter().find(|one| one["decode_path"] == path).unwrap();
    let told = text(&run(["explain", &case, id(finding)]).stdout);
    for piece in
        ["-o tls.keylog_file:", "http2.data.data_raw", "b64decode", "gzip -dc < step", r#"jq -r '.["lat"]'"#]
    {
        assert!(told.contains(piece), "{piece}: {told}");
    }
}

#[test]
fn what_is_no_finding_is_a_mistake_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    let (case, _) = case(folder.path(), &[]);
    for arguments in [
        &["F0001"][..],
        &[&case, "F9999"],
        &["canary", "--case", &case],
        &["--case", &case],
        &["no-such-detector"],
    ] {
        let output = run([&["explain"], arguments].concat());
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert_eq!(code(&run(["explain", "no-such-folder", "F0001"])), 3);
}

#[test]
fn a_trace_shows_every_step_and_needs_leave_to_show_values() {
    let folder = tempfile::tempdir().unwrap();
    let (_, findings) = case(folder.path(), &["--reveal"]);
    let finding = findings
        .iter()
        .find(|one| {
            let path = one["decode_path"].to_string();
            path.contains("gzip") && path.contains("json:/contacts/0/p") && one["match"] == "canary"
        })
        .unwrap();
    let output = run(whole(&["-q", "--reveal", "--trace", id(finding)]));
    let told = text(&output.stdout);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let packets = finding["evidence"]["packets"].as_array().unwrap();
    for packet in packets {
        assert!(told.contains(&format!("\npacket {packet}, ")), "{told}");
    }
    let order: Vec<usize> =
        ["decrypted with the keys", "http/2 request body, ", "\ngzip, ", "\njson:/contacts/0/p, "]
            .iter()
            .map(|step| told.find(step).unwrap_or_else(|| panic!("{step}: {told}")))
            .collect();
    assert!(order.is_sorted(), "{order:?}");
    let value = finding["value"].as_str().unwrap();
    let hash = creance_audit::sha256(value.as_bytes());
    assert!(told.contains(&format!("json:/contacts/0/p, {} bytes, SHA-256 {hash}", value.len())), "{told}");

    let refused = run(whole(&["-q", "--trace", id(finding)]));
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("--reveal") && refused.stdout.is_empty());
    assert_eq!(code(&run(["audit", "-", "--reveal", "--trace", "F0001"])), 2);
    assert_eq!(code(&run(whole(&["-q", "--reveal", "--trace", "F9999"]))), 2);
    assert_eq!(code(&run(whole(&["-q", "--reveal", "--trace", "it"]))), 2);
}

#[test]
fn every_kind_of_finding_can_be_traced() {
    let folder = tempfile::tempdir().unwrap();
    let (_, findings) = case(folder.path(), &["--reveal"]);
    let mut ways = std::collections::BTreeSet::new();
    for finding in &findings {
        let (how, protocol) = (finding["match"].to_string(), finding["protocol"].to_string());
        if !ways.insert((how, protocol)) {
            continue;
        }
        let output = run(whole(&["-q", "--reveal", "--trace", id(finding)]));
        assert_eq!(code(&output), 0, "{finding}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(", SHA-256 "), "{finding}");
    }
    assert!(ways.len() > 8, "{ways:?}");
}
