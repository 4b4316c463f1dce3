//! Keys from every source and of every worth: right answers, and right figures of what stays closed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use creance_tests::{example, run};
use serde_json::Value;

use crate::text;

/// A Decryption Secrets Block, and the type of secrets in it (pcapng §4.7).
const SECRETS_BLOCK: u32 = 10;
const TLS_KEY_LOG: u32 = 0x544c_534b;

const NO_KEY: &str = "encrypted, no key";
const MISFIT: &str = "encrypted, the key does not fit: authentication fails";

/// Lines of the example's key log.
fn log() -> String {
    fs::read_to_string(example("capture.keys")).unwrap()
}

/// The example's capture with these secrets in a block behind the header of its section.
fn with_block(keys: &str) -> Vec<u8> {
    let capture = fs::read(example("capture.pcapng")).unwrap();
    let header = u32::from_le_bytes(capture[4..8].try_into().unwrap()) as usize;
    let mut body = [TLS_KEY_LOG, u32::try_from(keys.len()).unwrap()].map(u32::to_le_bytes).concat();
    body.extend(keys.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    let block = [&SECRETS_BLOCK.to_le_bytes(), &length[..], &body, &length].concat();
    [&capture[..header], &block, &capture[header..]].concat()
}

/// What the program says of the example's capture, or of another, with a key log or without.
fn said(command: &str, capture: &Path, keys: Option<&str>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec![command.to_owned(), capture.display().to_string(), "-q".to_owned()];
    if command == "audit" {
        arguments.extend(["--format".to_owned(), "json".to_owned()]);
    }
    if let Some(keys) = keys {
        let path = folder.path().join("some.keys");
        fs::write(&path, keys).unwrap();
        arguments.extend(["--keys".to_owned(), path.display().to_string()]);
    }
    let output = run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    output.stdout
}

fn audit(keys: Option<&str>) -> Value {
    serde_json::from_slice(&said("audit", &example("capture.pcapng"), keys)).unwrap()
}

/// Conversations by their id, in the order of their packets where one has several.
fn flows(keys: Option<&str>) -> BTreeMap<String, Value> {
    let lines = text(&said("flows", &example("capture.pcapng"), keys));
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (format!("{} {}", row["flow"], row["first"]), row)).collect()
}

/// Bytes that stayed closed, by address and port: names may differ with what can be read.
fn opaque(document: &Value) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in document["destinations"].as_array().unwrap() {
        let end = format!("{} {}", row["destination"]["ip"], row["destination"]["port"]);
        *sums.entry(end).or_default() += row["opaque"].as_u64().unwrap();
    }
    sums
}

/// Bytes that were not read, by cause.
fn causes(document: &Value) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in document["coverage"]["unread"].as_array().unwrap() {
        *sums.entry(row["why"].as_str().unwrap().to_owned()).or_default() += row["bytes"].as_u64().unwrap();
    }
    sums
}

fn decrypted(document: &Value) -> usize {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["visibility"] == "decrypted").count()
}

/// A document without what names its inputs, and without what follows from their bytes: the ids of the case and of its
/// findings, and the keyed digests, after which findings of equal severity are sorted.
fn essence(mut document: Value) -> String {
    for field in ["inputs", "id"] {
        document["case"].as_object_mut().unwrap().remove(field);
    }
    let mut findings: Vec<String> = document["findings"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .map(|finding| {
            (finding["id"], finding["digest"], finding["evidence"]["input"]) =
                (Value::Null, Value::Null, Value::Null);
            finding.to_string()
        })
        .collect();
    findings.sort();
    document["findings"] = findings.into();
    document.to_string()
}

#[test]
fn secrets_in_the_capture_open_as_much_as_a_key_log() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.pcapng");
    fs::write(&capture, with_block(&log())).unwrap();
    let inside: Value = serde_json::from_slice(&said("audit", &capture, None)).unwrap();
    let beside = audit(Some(&log()));
    assert!(decrypted(&beside) > 10);
    assert_eq!(causes(&inside), causes(&beside));
    assert_eq!(opaque(&inside), opaque(&beside));
    assert_eq!(essence(inside), essence(beside));
    for command in ["messages", "flows"] {
        let inside = said(command, &capture, None);
        assert!(inside == said(command, &example("capture.pcapng"), Some(&log())), "{command} differ");
    }
}

#[test]
fn half_of_the_keys_close_the_rest_and_every_destination_lies_between() {
    // The secrets of a connection are several lines: half of the connections keep theirs.
    let log = log();
    let random = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    let randoms: Vec<String> = log
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(random)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let kept = &randoms[..randoms.len() / 2];
    let half: Vec<&str> =
        log.lines().filter(|line| random(line).is_some_and(|random| kept.contains(&random))).collect();
    let half = half.join("\n");

    let [all, some, none] = [Some(log.as_str()), Some(half.as_str()), None].map(audit);
    let (least, between, most) = (opaque(&all), opaque(&some), opaque(&none));
    assert_eq!(least.keys().collect::<Vec<_>>(), most.keys().collect::<Vec<_>>());
    for (end, bytes) in &between {
        assert!((least[end]..=most[end]).contains(bytes), "{end}: {} {bytes} {}", least[end], most[end]);
    }
    assert!(between.iter().any(|(end, bytes)| least[end] < *bytes && *bytes < most[end]), "{between:?}");
    assert!(decrypted(&some) < decrypted(&all), "{} of {}", decrypted(&some), decrypted(&all));

    // What is closed now and was not is so for want of a key; other causes have lost nothing and gained nothing.
    let [mut all_causes, mut some_causes] = [causes(&all), causes(&some)];
    let without = [&mut all_causes, &mut some_causes].map(|causes| causes.remove(NO_KEY).unwrap_or(0));
    let closed = |document: &Value| document["coverage"]["opaque"].as_u64().unwrap();
    assert_eq!(without[1] - without[0], closed(&some) - closed(&all));
    assert_eq!(some_causes, all_causes);

    let (all, some) = (flows(Some(&log)), flows(Some(&half)));
    let mut lost = 0;
    for (id, row) in all.iter().filter(|(_, row)| row["visibility"] == "decrypted") {
        let now = &some[id];
        if now["visibility"] != "decrypted" {
            lost += 1;
            assert_eq!(now["why_opaque"], serde_json::json!([NO_KEY]), "{row} {now}");
        }
    }
    let open = all.values().filter(|row| row["visibility"] == "decrypted").count();
    assert!(0 < lost && lost < open, "{lost} of {open}");
}

#[test]
fn keys_that_do_not_fit_are_told_from_keys_that_are_not_there_and_open_nothing() {
    let log = log();
    // Another secret under the same name, and the same secret under another name.
    let altered = |of: usize| -> String {
        let lines = log.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            words[of] = "5a".repeat(words[of].len() / 2);
            words.join(" ")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let [all, none] = [Some(log.as_str()), None].map(flows);
    let nothing = audit(None);
    for (keys, cause) in [(altered(2), MISFIT), (altered(1), NO_KEY)] {
        let document = audit(Some(&keys));
        assert_eq!(decrypted(&document), 0);
        assert_eq!(opaque(&document), opaque(&nothing), "{cause}");
        let sum = |document: &Value| causes(document).values().sum::<u64>();
        assert_eq!(sum(&document), sum(&nothing), "each closed byte has one cause");
        assert_eq!(causes(&document).contains_key(MISFIT), cause == MISFIT);
        for (id, row) in flows(Some(&keys)) {
            if all[&id]["visibility"] == "decrypted" {
                assert_eq!(row["visibility"], "opaque", "{row}");
                assert_eq!(row["why_opaque"], serde_json::json!([cause]), "{row}");
            } else {
                assert_eq!(row["why_opaque"], none[&id]["why_opaque"], "{row}");
            }
        }
        let messages = text(&said("messages", &example("capture.pcapng"), Some(&keys)));
        assert!(!messages.contains("\"decrypted\""), "{cause}");
    }
}
