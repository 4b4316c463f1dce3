//! Bundles that show findings, checked by docs/proof/check.py, which knows nothing of creance: they hold, and where a byte
//! of one changes they are refused.
//!
//! What opens TLS needs a Python with `cryptography` (see tests/uploads).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use creance_custody::sha256;
use creance_model::{DataClass, Finding, Match, Report};
use creance_tests::{example, python, root, run};
use serde_json::{Value, json};

/// A case of the example, and what checks bundles.
struct Lab {
    folder: tempfile::TempDir,
    python: PathBuf,
    report: Report,
    case: String,
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

impl Lab {
    /// Nothing, where no Python has what is needed.
    fn new(extra: &[&str]) -> Option<Self> {
        let python = python();
        let known = Command::new(&python).args(["-c", "import cryptography"]).output();
        if !known.is_ok_and(|output| output.status.success()) {
            let why = format!("no cryptography in {}", python.display());
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{why}");
            println!("skipped: {why}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let case = path(&folder.path().join("case"));
        let mut arguments = vec!["audit".to_owned(), path(&example("capture.pcapng")), "-q".to_owned()];
        for (flag, file) in [
            ("--keys", "capture.keys"),
            ("--canaries", "canaries.toml"),
            ("--device", "device"),
            ("--flight", "flight.tlog"),
        ] {
            arguments.extend([flag.to_owned(), path(&example(file))]);
        }
        arguments.extend(["-o".to_owned(), case.clone()]);
        arguments.extend(extra.iter().map(|one| (*one).to_owned()));
        assert!(run(arguments).status.success());
        let report = Report::read(&fs::read(folder.path().join("case/findings.json")).unwrap()).unwrap();
        Some(Self { folder, python, report, case })
    }

    fn find(&self, wanted: impl Fn(&Finding) -> bool) -> &Finding {
        self.report.findings.iter().find(|finding| wanted(finding)).unwrap()
    }

    fn prove(&self, id: &str, output: &Path, extra: &[&str]) -> Output {
        let (capture, device) = (path(&example("capture.pcapng")), path(&example("device")));
        let (keys, output) = (path(&example("capture.keys")), path(output));
        let arguments =
            ["proof", &self.case, id, "-o", &output, "--keys", &keys, "--evidence", &capture, &device];
        run([&arguments, extra].concat())
    }

    /// A bundle of a finding, in a folder.
    fn bundle(&self, finding: &Finding, extra: &[&str]) -> PathBuf {
        let output = self.folder.path().join(&finding.id);
        let done = self.prove(&finding.id, &output, extra);
        assert!(done.status.success(), "{}: {}", finding.id, String::from_utf8_lossy(&done.stderr));
        output
    }

    fn check(&self, bundle: &Path, extra: &[&str]) -> (bool, String) {
        let check = root().join("docs/proof/check.py");
        let done = Command::new(&self.python).arg("-B").arg(check).arg(bundle).args(extra).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// The three that the lab is measured by: a body of HTTP/2 in TLS 1.3, a label of DNS, a picture whose upload was resumed.
    fn three(&self) -> [&Finding; 3] {
        let steps = |finding: &Finding| finding.decode_path.join(" > ");
        let canary = |finding: &Finding| finding.matched == Match::Canary;
        [
            self.find(|one| {
                canary(one) && steps(one).starts_with("tls > http/2 request body > json:/password")
            }),
            self.find(|one| canary(one) && steps(one) == "dns name > base32"),
            self.find(|one| one.data_class == DataClass::Imagery && steps(one).ends_with("part-of-file")),
        ]
    }
}

fn read(bundle: &Path) -> Value {
    serde_json::from_slice(&fs::read(bundle.join("bundle.json")).unwrap()).unwrap()
}

/// What of a bundle's document does not follow the published schema.
fn wrong(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_slice(&run(["explain", "schema", "proof"]).stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Hashes written anew, as a forger would.
fn seal(bundle: &Path, mut document: Value) {
    for file in document["files"].as_array_mut().unwrap() {
        let bytes = fs::read(bundle.join(file["path"].as_str().unwrap())).unwrap();
        file["bytes"] = bytes.len().into();
        file["sha256"] = sha256(&bytes).into();
    }
    let text = serde_json::to_vec_pretty(&document).unwrap();
    fs::write(bundle.join("bundle.sha256"), format!("{}  bundle.json\n", sha256(&text))).unwrap();
    fs::write(bundle.join("bundle.json"), text).unwrap();
}

#[test]
fn three_bundles_hold_and_none_of_their_bytes_may_change() {
    let Some(lab) = Lab::new(&["--reveal"]) else { return };
    let (capture, pages) = (sha256(&fs::read(example("capture.pcapng")).unwrap()), lab.three());
    for finding in pages {
        let bundle = lab.bundle(finding, &[]);
        let value = (finding.data_class != DataClass::Imagery).then_some(["--value", finding.value.as_str()]);
        let (held, told) = lab.check(&bundle, value.as_ref().map_or(&[], |value| &value[..]));
        assert!(held && told.contains(&capture), "{}: {told}", finding.id);
        match value {
            Some(_) => {
                assert!(told.contains("and that is the value given"), "{told}");
                assert!(!lab.check(&bundle, &["--value", "another"]).0);
                assert!(!fs::read_to_string(bundle.join("bundle.json")).unwrap().contains(&finding.value));
            }
            None => assert!(told.contains("in 2 pieces, of the file of SHA-256 "), "{told}"),
        }
        for file in fs::read_dir(&bundle).unwrap().map(|entry| entry.unwrap().path()) {
            let before = fs::read(&file).unwrap();
            for at in [0, before.len() / 3, before.len() / 2, before.len() - 1] {
                let mut after = before.clone();
                after[at] ^= 1;
                fs::write(&file, after).unwrap();
                let (held, told) = lab.check(&bundle, &[]);
                assert!(!held && told.starts_with("refused: "), "{} {at}: {told}", file.display());
            }
            fs::remove_file(&file).unwrap();
            assert!(!lab.check(&bundle, &[]).0, "without {}", file.display());
            fs::write(&file, before).unwrap();
        }
        assert!(lab.check(&bundle, &[]).0);
    }
}

#[test]
fn each_suite_of_the_specification_is_opened() {
    let Some(lab) = Lab::new(&[]) else { return };
    let (script, check) = (root().join("tests/proof/suites.py"), root().join("docs/proof/check.py"));
    let done = Command::new(&lab.python).arg("-B").arg(script).arg(check).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "3 suites\n",
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn the_checker_is_short_enough_to_be_read() {
    let lines = fs::read_to_string(root().join("docs/proof/check.py")).unwrap().lines().count();
    assert!(lines <= 200, "{lines} lines");
}

#[test]
fn what_is_forged_with_its_hashes_is_refused() {
    let Some(lab) = Lab::new(&["--reveal"]) else { return };
    for finding in lab.three() {
        let bundle = lab.bundle(finding, &["--reveal"]);
        let (document, packets) = (read(&bundle), fs::read(bundle.join("packets.pcap")).unwrap());
        // A byte that shows it: of a name the first letter of its first label, else one of the last record.
        let mut forged = packets.clone();
        let headers = [24, 16, 14, 20, 8, 12, 1].iter().sum();
        let at = if finding.protocol == "dns" { headers } else { forged.len() - 25 };
        forged[at] ^= 1;
        fs::write(bundle.join("packets.pcap"), forged).unwrap();
        seal(&bundle, document.clone());
        assert!(!lab.check(&bundle, &[]).0, "{}: a packet", finding.id);
        fs::write(bundle.join("packets.pcap"), &packets).unwrap();
        for (pointer, value) in [
            ("/findings/0/claims/0/sha256", json!("0".repeat(64))),
            ("/findings/0/claims/0/flow/from", json!("192.168.42.11")),
            ("/findings/0/claims/0/steps", json!([["eval", "print(1)"]])),
            ("/findings/0/claims", json!([])),
        ] {
            let mut forged = document.clone();
            *forged.pointer_mut(pointer).unwrap() = value;
            // What no bundle can hold follows no schema either.
            let of_no_schema = pointer.ends_with("steps") || pointer.ends_with("claims");
            assert_eq!(!wrong(&forged).is_empty(), of_no_schema, "{pointer}");
            seal(&bundle, forged);
            let (held, told) = lab.check(&bundle, &[]);
            assert!(!held && told.starts_with("refused: "), "{} {pointer}: {told}", finding.id);
        }
        seal(&bundle, document);
        assert!(lab.check(&bundle, &[]).0, "{}", finding.id);
    }
}

#[test]
fn a_bundle_opens_its_own_conversation_and_no_other() {
    let Some(lab) = Lab::new(&["--reveal"]) else { return };
    let [body, name, _] = lab.three();
    let bundle = lab.bundle(body, &[]);
    let keys = fs::read_to_string(bundle.join("keys.log")).unwrap();
    assert_eq!(keys.lines().count(), 1);
    assert!(keys.starts_with("CLIENT_TRAFFIC_SECRET_0 "));
    assert!(!lab.bundle(name, &[]).join("keys.log").exists());
    let zip = lab.folder.path().join("both.zip");
    let done = lab.prove(&name.id, &zip, &[&body.id]);
    assert!(!done.status.success(), "what follows --evidence is evidence");
    let (capture, keys) = (path(&example("capture.pcapng")), path(&example("capture.keys")));
    let output = path(&zip);
    let both =
        ["proof", &lab.case, &name.id, &body.id, "-o", &output, "--keys", &keys, "--evidence", &capture];
    assert!(run(both).status.success());
    assert!(lab.check(&zip, &[]).0 && lab.check(&zip, &["--finding", &body.id]).0);
    assert_eq!(run(both).status.code(), Some(2), "nothing is written over");
}

#[test]
fn every_finding_is_proved_or_refused_with_a_reason() {
    for extra in [&["--reveal"][..], &[]] {
        let Some(lab) = Lab::new(extra) else { return };
        let mut kinds = std::collections::BTreeSet::new();
        let mut proved = 0;
        for finding in &lab.report.findings {
            let steps = finding.decode_path.iter().map(|step| step.split(':').next().unwrap().to_owned());
            if !kinds.insert((finding.data_class, finding.matched, steps.collect::<Vec<_>>())) {
                continue;
            }
            let bundle = lab.folder.path().join(&finding.id);
            let done = lab.prove(&finding.id, &bundle, &["--reveal"]);
            if done.status.success() {
                let (held, told) = lab.check(&bundle, &[]);
                assert!(held, "{} {:?}: {told}", finding.id, finding.decode_path);
                let document = read(&bundle);
                assert_eq!(wrong(&document), Vec::<String>::new(), "{}", finding.id);
                let spelling = document["findings"][0]["spelling"].clone();
                let masked = extra.is_empty() && finding.file.is_none();
                let wanted = if masked { "same-when-masked" } else { "same" };
                assert!(spelling == wanted || spelling == "as-sent", "{}: {spelling}", finding.id);
                proved += 1;
            } else {
                let told = String::from_utf8_lossy(&done.stderr).into_owned();
                let why = format!("{} cannot be proved by a bundle: ", finding.id);
                assert!(done.status.code() == Some(3) && told.contains(&why), "{told}");
                assert!(!bundle.exists());
            }
        }
        assert!(proved > 20, "{proved}");
    }
}

#[test]
fn evidence_must_be_that_of_the_case() {
    let Some(lab) = Lab::new(&[]) else { return };
    let [_, name, _] = lab.three();
    let bundle = path(&lab.folder.path().join("bundle"));
    let prove = |evidence: &str| run(["proof", &lab.case, &name.id, "-o", &bundle, "--evidence", evidence]);
    let other = prove(&path(&example("flight.csv")));
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("is no input of the case"));
    assert_eq!(prove(&path(&example("device"))).status.code(), Some(2), "the capture is missing");
    assert!(prove(&path(&example("capture.pcapng"))).status.success());
}
