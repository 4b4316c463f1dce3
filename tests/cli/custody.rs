//! Cases that are signed, verified, reviewed and shared: `creance case`, `creance review`.

use std::{fs, path::Path};

use creance_custody::{Deed, File, Ledger, SigningKey, sha256};
use creance_model::{Confidence, Judgement, Likelihood, Report, Review, Timestamp, Weighed};
use creance_tests::{example, run};

use super::{code, text, whole};

/// A case of the example in a folder, and a key beside it.
fn case(folder: &Path, extra: &[&str]) -> (String, String) {
    let case = folder.join("case").display().to_string();
    assert_eq!(code(&run(whole(&[&["-q", "-o", &case], extra].concat()))), 0);
    (case, keygen(folder))
}

fn keygen(folder: &Path) -> String {
    let key = folder.join("key").display().to_string();
    assert_eq!(code(&run(["case", "keygen", "-o", &key])), 0);
    key
}

fn verify(case: &str, extra: &[&str]) -> (i32, String) {
    let output = run([&["case", "verify", case], extra].concat());
    (code(&output), text(&output.stdout))
}

/// Places and bits that look like chance and are the same each time (splitmix64).
struct Places(u64);

impl Places {
    fn next(&mut self, length: usize) -> (usize, u8) {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (usize::try_from(mixed >> 3).unwrap() % length, 1 << (mixed & 7))
    }
}

#[test]
fn a_signed_case_holds_until_any_of_its_files_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (case, key) = case(folder.path(), &[]);
    let (held, told) = verify(&case, &["--inputs"]);
    assert!(held == 0 && told.contains("not signed") && told.contains("capture.pcapng: as it was"), "{told}");
    let signed = run(["case", "sign", &case, "--key", &key]);
    let public = text(&signed.stdout).split_whitespace().last().unwrap().to_owned();
    assert_eq!(public.len(), 64);
    let (held, told) = verify(&case, &["--public", &public]);
    assert!(held == 0 && told.contains(&format!("signed with {public}")), "{told}");
    assert_eq!(verify(&case, &["--public", &"0".repeat(64)]).0, 1);
    let mut places = Places(20_260_614);
    for name in ["findings.json", "report.html", "case.json", "ledger.jsonl", "signature.json"] {
        let path = Path::new(&case).join(name);
        let before = fs::read(&path).unwrap();
        let ends = [(0, 1), (before.len() - 1, 1)];
        for (at, flip) in ends.into_iter().chain((0..38).map(|_| places.next(before.len()))) {
            let mut after = before.clone();
            after[at] ^= flip;
            fs::write(&path, after).unwrap();
            let (held, told) = verify(&case, &[]);
            let first = told.lines().next().unwrap();
            let named = first.starts_with(&format!("{name}: ")) && first.contains("record ");
            assert!(held == 1 && named, "{name} {at} {flip}: {told}");
        }
        fs::remove_file(&path).unwrap();
        let gone = verify(&case, &[]);
        assert!(gone.0 == 1 && gone.1.starts_with(name) || name == "ledger.jsonl" && gone.0 == 3, "{gone:?}");
        fs::write(&path, before).unwrap();
    }
    fs::write(Path::new(&case).join("more.txt"), "x").unwrap();
    assert!(verify(&case, &[]).1.starts_with("more.txt: not in record 2 (sign)"));
    fs::remove_file(Path::new(&case).join("more.txt")).unwrap();
    assert_eq!(verify(&case, &[]).0, 0);
    // Audited anew: what was signed is not what stands there.
    assert_eq!(code(&run(whole(&["-q", "-o", &case, "--force"]))), 0);
    let (held, told) = verify(&case, &[]);
    assert!(held == 1 && told.contains("record 3 (audit) came after"), "{told}");
    let log = text(&run(["case", "log", &case]).stdout);
    assert_eq!(log.lines().filter(|line| !line.starts_with("     ")).count(), 1 + 3, "{log}");
}

/// A guard puts a file of its ledger aside when it has grown long, and keeps other files beside it, of which the ledger says nothing.
#[test]
fn the_ledger_of_a_guard_is_one_in_all_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let mut ledger = Ledger::default();
    let lines: Vec<String> = (0..12)
        .map(|number| {
            let deed = Deed {
                action: "state".to_owned(),
                case: "guard".to_owned(),
                tool: "creance-guard 0.1.0".to_owned(),
                started: Timestamp::from_secs(1_781_164_800 + number),
                ended: Timestamp::from_secs(1_781_164_800 + number),
                detail: [("to".to_owned(), "airborne".into())].into(),
                files: Vec::new(),
            };
            ledger.add(deed).unwrap()
        })
        .collect();
    let key = SigningKey::read(&SigningKey::pem(&[7; 32])).unwrap();
    let write = |name: &str, content: &str| fs::write(state.join(name), content).unwrap();
    // Not in the order of their names.
    write("ledger-9.jsonl", &lines[..9].concat());
    write("ledger-000000000011.jsonl", &lines[9..11].concat());
    write("ledger.jsonl", &lines[11]);
    write("signature.json", &key.sign(&ledger).unwrap());
    write("state", "airborne");
    write("lock", "");
    let path = state.display().to_string();
    let public = key.public().hex().to_owned();
    let (held, told) = verify(&path, &["--public", &public]);
    assert!(held == 0 && told.contains("holds; records: 12, files: 0"), "{told}");
    assert!(told.contains(&format!("signed with {public}")), "{told}");
    // One is changed, is missing, and all are there again, the last put aside as well.
    write("ledger-9.jsonl", &lines[..9].concat().replacen("airborne", "grounded", 1));
    let (held, told) = verify(&path, &[]);
    assert!(held == 1 && told.starts_with("ledger-9.jsonl: record 2: the record before"), "{told}");
    fs::remove_file(state.join("ledger-9.jsonl")).unwrap();
    let (held, told) = verify(&path, &[]);
    assert!(held == 1 && told.starts_with("ledger-000000000011.jsonl: record 1: its number"), "{told}");
    write("ledger-9.jsonl", &lines[..9].concat());
    fs::rename(state.join("ledger.jsonl"), state.join("ledger-12.jsonl")).unwrap();
    assert_eq!(verify(&path, &["--public", &public]).0, 0);
    fs::remove_file(state.join("ledger-12.jsonl")).unwrap();
    let (held, told) = verify(&path, &[]);
    assert!(
        held == 1 && told.starts_with("ledger.jsonl: record 12 is not the one that was signed"),
        "{told}"
    );
    // Without a signature nobody can tell, and it is said.
    fs::remove_file(state.join("signature.json")).unwrap();
    let (held, told) = verify(&path, &[]);
    assert!(held == 0 && told.contains("ledger.jsonl is missing or empty"), "{told}");
}

#[test]
fn a_case_that_was_changed_is_neither_signed_nor_shared_nor_continued() {
    let folder = tempfile::tempdir().unwrap();
    let (case, key) = case(folder.path(), &[]);
    let path = Path::new(&case).join("report.html");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("creance", "Creance")).unwrap();
    let shared = folder.path().join("shared").display().to_string();
    for arguments in [&["case", "sign", &case, "--key", &key][..], &["case", "redact", &case, "-o", &shared]]
    {
        let refused = run(arguments);
        assert!(
            code(&refused) == 3 && text(&refused.stderr).contains("report.html: changed"),
            "{arguments:?}"
        );
    }
    let ledger = Path::new(&case).join("ledger.jsonl");
    fs::write(&ledger, fs::read_to_string(&ledger).unwrap().replace("audit", "Audit")).unwrap();
    fs::write(&ledger, [fs::read(&ledger).unwrap(), b"{}\n".to_vec()].concat()).unwrap();
    let refused = run(whole(&["-q", "-o", &case, "--force"]));
    assert!(text(&refused.stderr).contains("record 2: no record"), "{}", text(&refused.stderr));
}

#[test]
fn a_folder_that_is_no_case_or_is_full_is_told_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for arguments in [["case", "log"], ["case", "verify"]] {
        assert_eq!(code(&run([&arguments[..], &[&path("nowhere")]].concat())), 3, "{arguments:?}");
    }
    fs::write(path("full"), "x").unwrap();
    let refused = run(["case", "redact", &path("nowhere"), "-o", &path("full")]);
    let told = text(&refused.stderr);
    assert!(
        code(&refused) == 2 && told.contains("choose another folder") && !told.contains("--force"),
        "{told}"
    );
    for action in ["keygen", "sign", "verify", "log", "redact"] {
        let help = text(&run(["case", action, "--help"]).stdout);
        assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{action}: {help}");
    }
    for command in ["assess", "compare", "proof", "remedies", "report", "review"] {
        let help = text(&run([command, "--help"]).stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{command}: {help}");
    }
}

#[test]
fn a_key_is_its_owners_alone_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path());
    let before = fs::read(&key).unwrap();
    assert_eq!(code(&run(["case", "keygen", "-o", &key])), 2);
    assert_eq!(fs::read(&key).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_shared_case_has_nothing_of_what_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let sites = example("sites.geojson").display().to_string();
    let zones = example("zones.geojson").display().to_string();
    for extra in [&["--sites", &sites, "--zones", &zones, "--reveal", "--force"][..], &["--force"]] {
        let _ = fs::remove_dir_all(folder.path().join("case"));
        let _ = fs::remove_file(folder.path().join("key"));
        let (case, _) = case(folder.path(), extra);
        let shared = folder.path().join("shared");
        let _ = fs::remove_dir_all(&shared);
        let done = run(["case", "redact", &case, "-o", shared.to_str().unwrap(), "--drop", "credential"]);
        assert_eq!(code(&done), 0, "{}{}", text(&done.stdout), text(&done.stderr));
        assert_eq!(verify(shared.to_str().unwrap(), &[]).0, 0);
        let original = super::read(&Path::new(&case).join("findings.json"));
        let mut all = String::new();
        for file in fs::read_dir(&shared).unwrap() {
            all += &fs::read_to_string(file.unwrap().path()).unwrap().to_lowercase();
        }
        let mut secrets: Vec<String> =
            ["192.168.42.10", "skylark/capture", "flight.tlog", "DCIM", "121.04", "24.74"]
                .map(str::to_owned)
                .into();
        for finding in original.findings {
            secrets.extend([finding.digest, finding.evidence.flow]);
            secrets.extend(finding.sites.into_iter().chain(finding.source.mac));
            secrets.extend(finding.file.into_iter().filter(|file| !file.contains('…')));
        }
        let canaries: toml::Table = fs::read_to_string(example("canaries.toml")).unwrap().parse().unwrap();
        let values = canaries["canary"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap());
        secrets.extend(values.map(str::to_owned));
        for secret in secrets {
            assert!(!all.contains(&secret.to_lowercase()), "{secret}");
        }
        let redacted = super::read(&shared.join("findings.json"));
        assert!(!redacted.findings.is_empty() && redacted.origin.is_none());
        assert!(redacted.findings.iter().all(|one| one.value == format!("[{}]", one.data_class)));
        assert!(redacted.findings.iter().all(|one| one.data_class.name() != "credential"));
    }
    let wrong = run(["case", "redact", "x", "-o", "y", "--drop", "weather"]);
    assert_eq!(code(&wrong), 2);
}

/// A case with one judgement, as an audit with an assessment would leave it.
fn judged(folder: &Path) -> String {
    let (case, _) = case(folder, &[]);
    let path = Path::new(&case).join("findings.json");
    let mut report: Report = super::read(&path);
    report.judgements = vec![Judgement {
        id: "J01".to_owned(),
        hypothesis: "uploads".to_owned(),
        claim: "and upload all this".to_owned(),
        statement: "Pictures very likely leave for servers in HK.".to_owned(),
        likelihood: Some(Likelihood::VeryLikely),
        confidence: Some(Confidence::Moderate),
        basis: vec!["Whole files of the card were read.".to_owned()],
        evidence: vec![Weighed {
            says: "a picture of the card".to_owned(),
            findings: vec!["F0001".to_owned()],
            cited: None,
            grade: "A1".to_owned(),
            weight: 2.0,
            bears: vec!["consistent".to_owned()],
        }],
        inconsistent: 0,
        alternatives: Vec::new(),
        gaps: Vec::new(),
        assumptions: Vec::new(),
        would_change: Vec::new(),
        cites: Vec::new(),
        settled_by: "content that can be read".to_owned(),
        never_claimed: "who asked for it".to_owned(),
        review: Review::default(),
        tlp: creance_model::Tlp::default(),
    }];
    let findings = serde_json::to_vec_pretty(&report.findings_document()).unwrap();
    fs::write(&path, findings).unwrap();
    let file = |name: &str| {
        let content = fs::read(Path::new(&case).join(name)).unwrap();
        File { path: name.to_owned(), bytes: content.len() as u64, sha256: sha256(&content) }
    };
    let deed = Deed {
        action: "audit".to_owned(),
        case: report.case.id,
        tool: report.case.tool,
        started: Timestamp::from_secs(1),
        ended: Timestamp::from_secs(2),
        detail: std::collections::BTreeMap::new(),
        files: ["case.json", "findings.json", "report.html"].map(file).into(),
    };
    let line = Ledger::default().add(deed).unwrap();
    fs::write(Path::new(&case).join("ledger.jsonl"), line).unwrap();
    case
}

#[test]
fn a_review_stands_in_the_case_and_the_ledger_keeps_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let case = judged(folder.path());
    let key = folder.path().join("key").display().to_string();
    assert_eq!(code(&run(["case", "sign", &case, "--key", &key])), 0);
    let by = ["--examiner", "R. Okafor", "--reason", "the host is our own <proxy>"];
    let review = |how: &[&str]| run([&["review", &case, "j01"], how, &by[..]].concat());
    let done = review(&["--reject"]);
    assert!(code(&done) == 0 && text(&done.stdout).contains("stale"), "{}", text(&done.stderr));
    let read = |name: &str| fs::read_to_string(Path::new(&case).join(name)).unwrap();
    assert!(read("findings.json").contains("our own <proxy>"));
    assert!(text(&run(["report", &case, "--format", "json"]).stdout).contains("R. Okafor"));
    let (held, told) = verify(&case, &[]);
    assert!(held == 1 && told.contains("stale") && !told.contains("findings.json"), "{told}");
    assert_eq!(code(&review(&["--reword", "Pictures leave."])), 0);
    let report = super::read(&Path::new(&case).join("findings.json"));
    assert_eq!(report.judgements[0].stands(), "Pictures leave.");
    let ledger = read("ledger.jsonl");
    assert!(
        ledger.contains(r#""state":"rejected""#) && ledger.contains(r#""before":"rejected""#),
        "{ledger}"
    );
    let again = folder.path().join("again");
    fs::create_dir(&again).unwrap();
    for name in ["case.json", "findings.json", "ledger.jsonl"] {
        fs::copy(Path::new(&case).join(name), again.join(name)).unwrap();
    }
    let over = run(whole(&["-q", "-o", again.to_str().unwrap(), "--force"]));
    let told = text(&over.stderr);
    assert!(code(&over) == 0 && told.contains("reviews of the case that was overwritten: 1;"), "{told}");
    assert!(fs::read_to_string(again.join("ledger.jsonl")).unwrap().contains("our own <proxy>"));
    let list = text(&run(["review", &case]).stdout);
    assert!(
        list.contains("J01 TLP:AMBER reworded: Pictures leave.") && list.contains("the draft said: "),
        "{list}"
    );
    assert_eq!(code(&run(["case", "sign", &case, "--key", &key])), 0);
    assert_eq!(verify(&case, &[]).0, 0);
}

/// What does not follow a published schema.
fn wrong(name: &str, document: &str) -> Vec<String> {
    let schema = serde_json::from_slice(&run(["explain", "schema", name]).stdout).unwrap();
    let document = serde_json::from_str(document).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn a_portion_gets_another_mark_and_the_banner_follows() {
    let folder = tempfile::tempdir().unwrap();
    let (case, key) = case(folder.path(), &["--tlp", "green"]);
    let read = || super::read(&Path::new(&case).join("findings.json"));
    assert_eq!(read().banner().label(), "TLP:GREEN");
    let mark = |id: &str, mark: &str| {
        run(["review", &case, id, "--mark", mark, "--examiner", "R. Okafor", "--reason", "names a source"])
    };
    let done = mark("F0001", "red");
    assert!(
        code(&done) == 0 && text(&done.stdout).contains("F0001 TLP:RED, was TLP:GREEN; the case TLP:RED")
    );
    assert_eq!(code(&mark("J01", "amber+strict")), 0);
    let report = read();
    assert_eq!(
        (report.banner().label(), report.findings[0].tlp.name(), report.judgements[0].tlp.name()),
        ("TLP:RED", "red", "amber+strict")
    );
    assert!(text(&run(["report", &case]).stdout).starts_with("TLP:RED: "));
    // What is made of the case has its mark.
    for (made, begins) in [
        (&["compare", &case, &case][..], "TLP:RED\n"),
        (
            &["compare", &case, &case, "--format", "json"],
            "{\n  \"schema\": \"creance.compare/1\",\n  \"tlp\": \"red\",",
        ),
        (&["remedies", &case], "TLP:RED\n"),
        (&["review", &case], "TLP:RED\nJ01 TLP:AMBER+STRICT draft: "),
        (&["explain", &case, "F0001"], "TLP:RED\nF0001 "),
        (&["case", "log", &case], "TLP:RED\n"),
        (&["assess", &case, "--dry-run"], "TLP:RED\nJ01 "),
        (&["remedies", &case, "--format", "rpz"], "; TLP:RED. "),
        (&["remedies", &case, "--format", "hosts"], "# TLP:RED. "),
    ] {
        let told = text(&run(made).stdout);
        assert!(told.starts_with(begins), "{made:?}: {}", told.chars().take(90).collect::<String>());
    }
    // Judged anew, an examiner's mark stays.
    assert_eq!(code(&run(["assess", &case])), 0);
    assert_eq!(read().judgements[0].tlp.name(), "amber+strict");
    assert_eq!((code(&mark("F9999", "red")), code(&mark("F0001", "purple"))), (2, 2));
    assert_eq!(code(&run(["case", "sign", &case, "--key", &key])), 0);
    assert_eq!(verify(&case, &[]).0, 0);
    let file = |name: &str| fs::read_to_string(Path::new(&case).join(name)).unwrap();
    let ledger = file("ledger.jsonl");
    assert!(ledger.contains(r#""mark":"TLP:RED""#) && ledger.lines().count() == 5);
    for line in ledger.lines() {
        assert_eq!(wrong("ledger", line), Vec::<String>::new());
    }
    assert_eq!(wrong("signature", &file("signature.json")), Vec::<String>::new());
    assert!(!wrong("ledger", "{}").is_empty() && !wrong("signature", "{}").is_empty());
}

#[test]
fn a_review_without_examiner_reason_or_verdict_is_a_usage_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let case = judged(folder.path());
    let before = fs::read(Path::new(&case).join("ledger.jsonl")).unwrap();
    for wrong in [
        &["J01", "--accept", "--examiner", "R. Okafor"][..],
        &["J01", "--accept", "--reason", "seen"],
        &["J01", "--examiner", "R. Okafor", "--reason", "seen"],
        &["J01", "--accept", "--reject", "--examiner", "R. Okafor", "--reason", "seen"],
        &["J01", "--accept", "--examiner", "R. Okafor", "--reason", "  "],
        &["J02", "--accept", "--examiner", "R. Okafor", "--reason", "seen"],
        &["--accept", "--examiner", "R. Okafor", "--reason", "seen"],
        // Likelihood and confidence in one sentence.
        &[
            "J01",
            "--reword",
            "With high confidence, it is very likely.",
            "--examiner",
            "R. Okafor",
            "--reason",
            "seen",
        ],
    ] {
        assert_eq!(code(&run([&["review", &case], wrong].concat())), 2, "{wrong:?}");
    }
    assert_eq!(fs::read(Path::new(&case).join("ledger.jsonl")).unwrap(), before);
}
