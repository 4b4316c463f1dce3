//! `creance compare`: which cases are taken for runs of what, what is refused, exit codes.

use std::{fs, path::Path};

use creance_tests::run;
use serde_json::{Value, json};

use crate::{code, text};

/// A case in which a host got a serial number, if it did.
fn document(id: &str, host: Option<&str>) -> Value {
    let to = json!({"ip": "192.0.2.1", "port": 443, "host": host});
    let traffic = json!({"destination": to, "bytes_up": 100, "bytes_down": 50, "opaque": 0});
    let finding = json!({"data_class": "serial", "match": "canary", "digest": "00", "direction": "outbound", "destination": to,
        "count": 1, "value": "SN-SECRET"});
    let some = |what: Value| if host.is_some() { json!([what]) } else { json!([]) };
    let bytes = if host.is_some() { 150 } else { 0 };
    json!({
        "schema": "creance.findings/1",
        "case": {"id": id, "tool": "creance 0.1.0", "inputs": [], "damage": [], "first": "2026-06-14T08:00:00Z", "last": "2026-06-14T08:04:00Z"},
        "coverage": {"bytes": bytes, "opaque": 0, "lost": 0, "unread": []},
        "destinations": some(traffic), "findings": some(finding), "phases": [],
    })
}

fn case(folder: &Path, name: &str, document: &Value) -> String {
    let case = folder.join(name);
    fs::create_dir_all(&case).unwrap();
    fs::write(case.join("findings.json"), document.to_string()).unwrap();
    case.display().to_string()
}

/// Three runs in which the host got it and three in which not.
fn six(folder: &Path) -> Vec<String> {
    let off =
        (1..4).map(|run| case(folder, &format!("off-{run}"), &document(&format!("a{run}"), Some("a.test"))));
    let on = (1..4).map(|run| case(folder, &format!("on_{run}"), &document(&format!("b{run}"), None)));
    off.chain(on).collect()
}

fn compare(arguments: &[&str]) -> (i32, String, String) {
    let output = run([&["compare"], arguments].concat());
    (code(&output), text(&output.stdout), text(&output.stderr))
}

#[test]
fn runs_are_grouped_by_option_by_name_and_by_campaign() {
    let folder = tempfile::tempdir().unwrap();
    let cases = six(folder.path());
    let paths: Vec<&str> = cases.iter().map(String::as_str).collect();
    let campaign = folder.path().join("campaign.toml");
    let toml = "[[group]]\nname = \"idle\"\ncases = [\"on_1\"]\n[[group]]\nname = \"off\"\ncases = [\"off-1\", \"off-2\", \"off-3\"]\n[[group]]\nname = \"on\"\ncases = [\"on_1\", \"on_2\", \"on_3/findings.json\"]\n";
    fs::write(&campaign, toml).unwrap();
    let campaign = campaign.display().to_string();
    let with = [&paths[..3], &["--with"], &paths[3..]].concat();
    for arguments in [paths.clone(), with, vec!["--campaign", &campaign, "--name", "off", "--name", "on"]] {
        let (code, out, err) = compare(&[&arguments[..], &["--format", "json"]].concat());
        assert_eq!(code, 0, "{err}");
        let found: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(found["cases"], json!(["off-1", "off-2", "off-3", "on_1", "on_2", "on_3"]));
        assert_eq!((&found["groups"][0]["name"], &found["groups"][1]["name"]), (&json!("off"), &json!("on")));
        let host = &found["destinations"][0];
        assert_eq!(
            (&host["host"], &host["verdict"], &host["p"]),
            (&json!("a.test"), &json!("stopped"), &json!(0.03125))
        );
        assert_eq!(host["in"], json!([true, true, true, false, false, false]));
        assert!(!out.contains("SN-SECRET"));
    }
    let (code, out, _) =
        compare(&[&paths[..], &["--name", "mode off", "--name", "mode on", "--level", "0.01"]].concat());
    assert_eq!(code, 0);
    assert!(out.contains("mode on: 0 of 1 destination remain: none was seen; 0 % of bytes opaque."), "{out}");
    assert!(out.contains("4 of each are the fewest that tell"), "{out}");
    let (_, out, _) = compare(&[&paths[..], &["--format", "csv"]].concat());
    let rows: Vec<&str> = out.lines().collect();
    let expected = [
        "what,host,data_class,verdict,observed,why,seen_before,runs_before,seen_after,runs_after,p,p_corrected,before,after,unit,setting,tlp",
        "destination,a.test,,stopped,stopped,,3,3,0,3,0.0313,0.0313,,,bytes a minute,on,TLP:AMBER",
        "pair,a.test,serial,stopped,stopped,,3,3,0,3,0.0313,0.0313,,,times a minute,on,TLP:AMBER",
        "class,,serial,stopped,stopped,,3,3,0,3,0.0313,0.0313,,,times a minute,on,TLP:AMBER",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_campaign_audits_its_captures_once_and_compares_all_settings() {
    let folder = tempfile::tempdir().unwrap();
    for name in
        ["capture.pcapng", "capture.keys", "flight.tlog", "actions.csv", "canaries.toml", "campaign.toml"]
    {
        fs::copy(creance_tests::example(name), folder.path().join(name)).unwrap();
    }
    // Device folders are links: a campaign of one place may use what lies elsewhere.
    let plan = folder.path().join("campaign.toml");
    let device = creance_tests::example("device").display().to_string();
    let text = fs::read_to_string(&plan).unwrap().replace("[\"device\"]", &format!("[\"{device}\"]"));
    fs::write(&plan, text).unwrap();
    let plan = plan.display().to_string();
    let (code, out, err) = compare(&["--campaign", &plan, "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("audit 1 of 3") && err.contains("cases made: 3, there before: 0"), "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let schema: Value = serde_json::from_slice(&run(["explain", "schema", "campaign"]).stdout).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&found)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!((&found["base"], found["comparisons"].as_array().unwrap().len()), (&json!("with keys"), 2));
    let (code, out, err) = compare(&["--campaign", &plan]);
    assert!(code == 0 && err.contains("cases made: 0, there before: 3"), "{err}");
    assert!(out.contains("without keys beside with keys") && out.contains("take 4 of each"), "{out}");
    let (code, out, _) = compare(&["--campaign", &plan, "--format", "html", "--while", "flying"]);
    assert!(code == 0 && out.contains("Only what was sent while the aircraft was flying is compared."));
    // Other evidence in the place of what was audited.
    fs::copy(creance_tests::example("flight.tlog"), folder.path().join("capture.pcapng")).unwrap();
    let (code, _, err) = compare(&["--campaign", &plan]);
    assert!(code == 3 && err.contains("is a case of other inputs"), "{err}");
}

#[test]
fn of_two_cases_it_is_said_what_they_show_and_that_they_are_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let cases = six(folder.path());
    let (code, out, _) = compare(&[&cases[0], &cases[3], "--format", "json"]);
    assert_eq!(code, 0);
    let found: Value = serde_json::from_str(&out).unwrap();
    let host = &found["destinations"][0];
    assert_eq!((&host["in"], &host["bytes"]), (&json!([true, false]), &json!([100, 0])));
    assert_eq!(
        (&host["verdict"], &host["observed"], &host["why"]),
        (&Value::Null, &json!("stopped"), &json!("too few runs to tell"))
    );
}

#[test]
fn mistakes_of_the_command_line_are_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let cases = six(folder.path());
    let path = |index: usize| cases[index].as_str();
    let other = case(folder.path(), "later-1", &document("c1", None));
    let twin = case(folder.path(), "off-9", &document("a1", Some("a.test")));
    let many: Vec<&str> = std::iter::repeat_n(path(0), 41).collect();
    for (arguments, why) in [
        (vec![path(0)], "another to compare it with"),
        (vec![], "CASE"),
        (vec![path(0), path(3), &other], "--with"),
        (vec![path(0), path(3), "--name", "x"], "--name twice"),
        (vec![path(0), path(3), "--level", "2"], "probability"),
        (vec![path(0), "--with", path(3), &twin], "one run, not two"),
        ([&many[..], &["--with", path(3)]].concat(), "at most 40"),
        (vec![path(0), "--campaign", "x.toml"], "cannot be used with"),
    ] {
        let (code, _, err) = compare(&arguments);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(why), "{arguments:?}: {err}");
    }
}

#[test]
fn what_is_no_case_is_refused_with_file_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let good = case(folder.path(), "good", &document("a", Some("a.test")));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = document("b", Some("a.test"));
        change(&mut document);
        case(folder.path(), "bad", &document)
    };
    for (change, why) in [
        (
            &(|document: &mut Value| document["schema"] = json!("creance.findings/7")) as &dyn Fn(&mut Value),
            "`schema`",
        ),
        (
            &|document| document["destinations"][0]["bytes_up"] = json!("SN-SECRET"),
            "`destinations[0].bytes_up`",
        ),
        (&|document| document["findings"][0]["destination"] = json!(null), "`findings[0].destination`"),
    ] {
        let (code, _, err) = compare(&[&good, &with(change)]);
        assert_eq!(code, 3, "{err}");
        assert!(err.contains("bad/findings.json") && err.contains(why) && !err.contains("SECRET"), "{err}");
    }
    fs::write(folder.path().join("bad/findings.json"), "{\"schema\": ").unwrap();
    let bad = folder.path().join("bad").display().to_string();
    let (code, _, err) = compare(&[&good, &bad]);
    assert!(code == 3 && err.contains("no JSON"), "{err}");
    let (code, _, err) = compare(&[&good, "/nowhere/case"]);
    assert!(code == 3 && err.contains("/nowhere/case"), "{err}");
    let campaign = folder.path().join("campaign.toml");
    fs::write(&campaign, "[[group]]\nname = \"off\"\ncases = [3]\n").unwrap();
    let (code, _, err) = compare(&["--campaign", &campaign.display().to_string()]);
    assert!(code == 3 && err.contains("campaign.toml") && err.contains("line 3"), "{err}");
}

#[test]
fn of_damaged_evidence_the_answer_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = six(folder.path());
    let mut damaged = document("b3", None);
    damaged["case"]["damage"] = json!([{"what": "capture cut short"}]);
    cases[5] = case(folder.path(), "on_3", &damaged);
    let (code, out, _) = compare(&cases.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, 4);
    assert!(
        out.contains("1 case is damaged or cut")
            && out.contains("may have been there where it could not be read: a.test"),
        "{out}"
    );
}

#[test]
fn a_campaign_key_is_long_enough_and_told_by_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "short").unwrap();
    let capture = creance_tests::example("capture.pcapng").display().to_string();
    let audit = |key: &Path| {
        run(["audit", &capture, "-q", "--format", "json", "--campaign-key", &key.display().to_string()])
    };
    let output = audit(&key);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("expected a key of 16"));
    fs::write(&key, "sixteen bytes it is").unwrap();
    let found = |key: &Path| -> Value { serde_json::from_slice(&audit(key).stdout).unwrap() };
    let (one, alone) = (found(&key), crate::json(&["audit", &capture, "-q"]));
    assert!(one["case"]["campaign"].as_str().is_some_and(|fingerprint| fingerprint.len() == 16));
    assert_eq!((&one["case"]["id"], &alone["case"]["campaign"]), (&alone["case"]["id"], &Value::Null));
    let digests = |of: &Value| {
        of["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["digest"].to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(!digests(&one).is_empty() && digests(&one).is_disjoint(&digests(&alone)));
}
