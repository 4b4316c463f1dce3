//! Reports of the example, in every format, judged by what others made for these formats: the validators of STIX, SARIF, KML
//! and GeoJSON (`oracle.py`; Microsoft's SARIF multitool), and tshark. And no masked value stands in any of them.
//!
//! The oracles need `target/uploads` and `target/sarif` (`./ci/test tools` makes them).
#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod apart;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use creance_model::Report;
use creance_tests::{example, python, root, run, tool, whole};
use serde_json::Value;

/// The example in all formats.
fn reports(folder: &Path, reveal: bool) -> std::path::PathBuf {
    let (case, reports) = (folder.join("case"), folder.join("reports"));
    let [to, sites, zones] = [case.clone(), example("sites.geojson"), example("zones.geojson")]
        .map(|path| path.display().to_string());
    let mut extra = vec!["--sites", &sites, "--zones", &zones, "-q", "-o", &to];
    extra.extend(reveal.then_some("--reveal"));
    let arguments = whole(&extra);
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
        judge(&reports, &folder.path().join("validated.sarif"));
    }
}

/// Lets the oracles read the reports in a folder.
fn judge(reports: &Path, log: &Path) {
    let oracle = root().join("tests/reports/oracle.py");
    let judged = Command::new(python()).arg(oracle).arg(reports).output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    print!("{}", String::from_utf8_lossy(&judged.stdout));

    let validator = tool("sarif/node_modules/.bin/sarif-multitool");
    let output = Command::new(validator)
        .arg("validate")
        .arg(reports.join("report.sarif"))
        .arg("--output")
        .arg(log)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&fs::read(log).unwrap()).unwrap();
    let results = told.pointer("/runs/0/results").and_then(Value::as_array).unwrap();
    // It warns of results without line and column, which packets have not.
    let wrong: Vec<_> = results.iter().filter(|result| result["level"] == "error").collect();
    assert!(output.status.success() && wrong.is_empty(), "{wrong:#?}");
}

/// What would be a formula, a tag, the end of a section, a column, a line or nothing at all, if it were not text.
const HOSTILE: &str = "=1+1|<b>]]>&amp;\"'`\t\n\r\0\u{1b}[2J\u{202e}\u{feff}\\x41 #fields %s";

/// Names of what is looked up by its own form: ids, hashes, times.
const FORMED: &[&str] =
    &["schema", "id", "digest", "sha256", "input", "time", "last_time", "first", "last", "from", "to"];

#[test]
fn others_read_every_format_of_a_hostile_case() {
    let folder = tempfile::tempdir().unwrap();
    let reports = reports(folder.path(), false);
    let before = fs::read(reports.join("report.json")).unwrap();
    let mut document: Value = serde_json::from_slice(&before).unwrap();
    // All texts of a kind at once; what a case cannot hold is left as it was.
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    texts(&document, "", "", &mut kinds);
    let mut changed = 0;
    for pointers in kinds.values() {
        let mut next = document.clone();
        for pointer in pointers {
            *next.pointer_mut(pointer).unwrap() = HOSTILE.into();
        }
        if Report::read(next.to_string().as_bytes()).is_ok() {
            document = next;
            changed += 1;
        }
    }
    assert!(changed > 40, "{changed} kinds of texts of {}", kinds.len());
    let (case, hostile) = (folder.path().join("findings.json"), folder.path().join("hostile"));
    fs::write(&case, document.to_string()).unwrap();
    let (from, to) = (case.display().to_string(), hostile.display().to_string());
    let output = run(["report", &from, "--format", "all", "-o", &to]);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    for entry in fs::read_dir(&hostile).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(['\0', '\u{1b}', '\r']), "{} holds control characters", path.display());
    }
    judge(&hostile, &folder.path().join("validated.sarif"));
}

/// The places of all texts of a document, by their kind: the place without the numbers of lists.
fn texts(value: &Value, place: &str, kind: &str, kinds: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::String(_) if !FORMED.iter().any(|name| kind.ends_with(&format!("/{name}"))) => {
            kinds.entry(kind.to_owned()).or_default().push(place.to_owned());
        }
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                texts(one, &format!("{place}/{index}"), &format!("{kind}/*"), kinds);
            }
        }
        Value::Object(map) => {
            for (name, one) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                texts(one, &format!("{place}/{name}"), &format!("{kind}/{name}"), kinds);
            }
        }
        _ => {}
    }
}

/// What tshark says of each packet, in columns.
fn tshark(file: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-T", "fields", "-E", "separator=/t"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let columns = |line: &str| line.split('\t').map(str::to_owned).collect();
    String::from_utf8(output.stdout).unwrap().lines().map(columns).collect()
}

#[test]
fn tshark_shows_each_finding_beside_its_packets() {
    let folder = tempfile::tempdir().unwrap();
    let reports = reports(folder.path(), false);
    let out = folder.path().join("shown.pcapng");
    let (from, to) = (folder.path().join("case").display().to_string(), out.display().to_string());
    let output = run(["report", &from, "--format", "pcapng", "-o", &to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let same = ["frame.time_epoch", "frame.len", "frame.cap_len", "ip.src", "ip.dst", "ip.id", "udp.length"];
    let captured = tshark(&example("capture.pcapng"), &same);
    let copied = tshark(&out, &[&same[..], &["frame.comment"]].concat());
    let mut shown: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let values = planted();
    for columns in &copied {
        let (comment, columns) = columns.split_last().unwrap();
        let number =
            comment.strip_prefix("TLP:AMBER packet ").and_then(|rest| rest.split(',').next()).unwrap();
        let number: u64 = number.parse().unwrap();
        assert_eq!(columns, captured[usize::try_from(number).unwrap() - 1], "packet {number}");
        for word in comment.split([',', ' ']).filter(|word| word.len() == 5 && word.starts_with('F')) {
            shown.entry(word.to_owned()).or_default().insert(number);
        }
        for value in &values {
            assert!(!comment.contains(value.as_str()), "a comment holds a planted value");
        }
    }
    let report = Report::read(&fs::read(reports.join("report.json")).unwrap()).unwrap();
    for finding in &report.findings {
        let further = finding.occurrences.iter().flat_map(|one| &one.packets);
        let wanted: BTreeSet<u64> = finding.evidence.packets.iter().chain(further).copied().collect();
        assert_eq!(shown.remove(&finding.id), Some(wanted), "{}", finding.id);
    }
    assert!(shown.is_empty(), "{shown:?}");
    println!("pcapng {} packets, {} findings", copied.len(), report.findings.len());
}

/// The values that the example plants.
fn planted() -> BTreeSet<String> {
    let canaries = fs::read_to_string(example("canaries.toml")).unwrap();
    let values: BTreeSet<String> = canaries
        .lines()
        .filter_map(|line| line.strip_prefix("value = "))
        .map(|value| value.trim_matches(['"', '\'']).to_owned())
        .filter(|value| value.len() > 5)
        .collect();
    assert!(values.len() > 5, "the example plants values");
    values
}

#[test]
fn a_rejection_stands_with_its_reason_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    reports(folder.path(), false);
    let [case, to, packets] = ["case", "reviewed", "reviewed/report.pcapng"]
        .map(|name| folder.path().join(name).display().to_string());
    let report = Report::read(&fs::read(folder.path().join("case/findings.json")).unwrap()).unwrap();
    let rests = |one: &&creance_model::Judgement| one.evidence.iter().any(|line| !line.findings.is_empty());
    let id = &report.judgements.iter().find(rests).unwrap().id;
    let reason = "the host is our own mirror";
    let by = ["--reject", "--examiner", "R. Okafor", "--reason", reason];
    assert!(run([&["review", case.as_str(), id.as_str()], &by[..]].concat()).status.success());
    // That nothing is seen of something rests on no finding.
    let apart = "half of it was opaque";
    let none = |one: &&creance_model::Judgement| one.evidence.iter().all(|line| line.findings.is_empty());
    let other = &report.judgements.iter().find(none).unwrap().id;
    let by = ["--reject", "--examiner", "R. Okafor", "--reason", apart];
    assert!(run([&["review", case.as_str(), other.as_str()], &by[..]].concat()).status.success());
    assert!(run(["report", &case, "--format", "all", "-o", &to]).status.success());
    assert!(run(["report", &case, "--format", "pcapng", "-o", &packets]).status.success());
    let mut files = 0;
    for entry in fs::read_dir(&to).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).replace(['\\', '\n'], " ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = text.contains(reason) && text.contains(apart) && text.contains("R. Okafor");
        assert!(shown && (text.contains("rejected") || text.contains("disagree")), "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 12);
}

#[test]
fn no_masked_value_stands_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let reports = reports(folder.path(), false);
    let values = planted();
    let [case, keys, capture, device, bundle] = [
        folder.path().join("case"),
        example("capture.keys"),
        example("capture.pcapng"),
        example("device"),
        folder.path().join("bundle"),
    ]
    .map(|path| path.display().to_string());
    let report = Report::read(&fs::read(reports.join("report.json")).unwrap()).unwrap();
    let shown = report.findings.iter().find(|one| one.decode_path == ["dns name", "base32"]).unwrap();
    let compared = ["compare", &case, &case, "--format", "json"];
    fs::write(folder.path().join("mode.json"), run(compared).stdout).unwrap();
    let mode = folder.path().join("mode.json").display().to_string();
    let mut said = 0;
    for arguments in [
        &["report", case.as_str()][..],
        &["review", &case],
        &["assess", &case, "--dry-run"],
        &["assess", &case, "--dry-run", "--format", "json", "--comparison", &mode],
        &["assess", &case, "--dry-run", "--format", "html"],
        &["remedies", &case, "--compare", &mode],
        &["remedies", &case, "--format", "json"],
        &["remedies", &case, "--format", "hosts"],
        &["remedies", &case, "--format", "nftables"],
        &["remedies", &case, "--format", "suricata"],
        &["remedies", &case, "--format", "pihole"],
        &["remedies", &case, "--format", "rpz"],
        &["compare", &case, &case],
        &["compare", &case, &case, "--format", "html"],
        &["compare", &case, &case, "--format", "csv"],
        &["explain", &shown.id, "--case", &case],
        &["case", "log", &case],
        &["case", "verify", &case],
        &["proof", &case, &shown.id, "-o", &bundle, "--keys", &keys, "--evidence", &capture, &device],
    ] {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let name = format!("said-{said}");
        fs::write(reports.join(name), [output.stdout, output.stderr].concat()).unwrap();
        said += 1;
    }
    // Of a bundle the packets hold what was sent; its document does not say it.
    fs::copy(format!("{bundle}/bundle.json"), reports.join("bundle.json")).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(&reports).unwrap().chain(fs::read_dir(folder.path().join("case")).unwrap()) {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for value in &values {
            assert!(!text.contains(&value.to_lowercase()), "{} holds a planted value", path.display());
        }
        files += 1;
    }
    assert_eq!(files, 11 + said + 1 + 4);
}
