//! Canaries from their making to their finding: what is planted is found in every place, and decoys in none.

use std::{fs, path::Path};

use creance_tests::{example, run};
use serde_json::Value;

use crate::{code, text};

/// A set in a folder, and a picture of it beside.
fn made(folder: &Path, extra: &[&str]) -> (String, Vec<(String, bool)>) {
    let file = folder.join("canaries.toml").display().to_string();
    let output = run([&["canary", "new", "-o", &file], extra].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    let values = table["canary"].as_array().unwrap().iter().map(|one| {
        let decoy = one.get("decoy").and_then(toml::Value::as_bool).unwrap_or_default();
        (one["value"].as_str().unwrap().to_owned(), decoy)
    });
    (file, values.collect())
}

/// A capture of one request with this body.
fn capture(folder: &Path, name: &str, kind: &str, body: &[u8]) -> String {
    let head = format!(
        "POST /u HTTP/1.1\r\nHost: a.example\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let payload = [head.as_bytes(), body].concat();
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 47, 95, 1, 2, 0x0f, 0xa0, 0, 80]);
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 24, 255, 255, 0, 0, 0, 0]);
    frame.extend(&payload);
    let path = folder.join(name);
    let mut writer = creance_capture::write::PcapWriter::new(
        fs::File::create(&path).unwrap(),
        creance_model::LinkType::ETHERNET,
    )
    .unwrap();
    let length = u32::try_from(frame.len()).unwrap();
    writer.packet(creance_model::Timestamp::from_secs(1), length, &frame).unwrap();
    path.display().to_string()
}

fn found(arguments: &[&str]) -> (i32, Value) {
    let output = run([&["canary", "find"], arguments, &["--format", "json", "-q"]].concat());
    (code(&output), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_set_is_new_each_time_and_nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, first) = made(folder.path(), &[]);
    assert!(first.iter().filter(|(_, decoy)| *decoy).count() > 10);
    let refused = run(["canary", "new", "-o", &file]);
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
    let (_, second) = made(folder.path(), &["--force"]);
    let long = |(value, _): &&(String, bool)| value.len() > 13;
    assert!(first.iter().filter(long).all(|one| !second.contains(one)));
    let of_seed = || made(folder.path(), &["--force", "--seed", "7", "--count", "2"]).1;
    assert_eq!(of_seed(), of_seed());
    for arguments in
        [&["--near", "here"][..], &["--count", "0"], &["--picture", "a.jpg"], &["--near", "91,0"]]
    {
        assert_eq!(code(&run([&["canary", "new"], arguments].concat())), 2, "{arguments:?}");
    }
    let printed = run(["canary", "new", "--near", "-33.9,18.4", "--name", "cape"]);
    let printed: toml::Table = text(&printed.stdout).parse().unwrap();
    assert_eq!(printed["run"].as_str(), Some("cape"));
}

#[test]
fn what_is_planted_is_found_and_decoys_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("canary.jpg").display().to_string();
    let (file, values) = made(folder.path(), &["--picture", &picture]);
    let device = folder.path().join("device").display().to_string();
    let planted = run(["canary", "plant", &file, &device]);
    assert_eq!(code(&planted), 0, "{}", text(&planted.stderr));
    for (value, _) in &values {
        assert!(!text(&planted.stdout).contains(value.as_str()), "{value} is not masked");
    }
    let again = run(["canary", "plant", &file, &device]);
    assert_eq!(code(&again), 2, "nothing is overwritten");
    let one = folder.path().join("card/0001.JPG").display().to_string();
    assert_eq!(code(&run(["canary", "plant", &file, &one])), 0);
    assert_eq!(fs::read(&one).unwrap(), fs::read(&picture).unwrap());
    assert_eq!(code(&run(["canary", "plant", &file, "a.docx"])), 2);
    let record = fs::read_to_string(folder.path().join("canaries.planted.csv")).unwrap();
    assert_eq!(record.lines().filter(|line| line.contains("0001.JPG")).count(), 1);
    assert_eq!(record.lines().count(), 1 + fs::read_dir(&device).unwrap().count() + 1, "{record}");

    let (code_of, document) = found(&[&file, &device]);
    assert_eq!((code_of, &document["alarm"]), (0, &Value::from(false)), "{document}");
    for one in document["canaries"].as_array().unwrap() {
        let places = one["places"].as_array().unwrap();
        assert_eq!(places.is_empty(), one["decoy"] == true, "{one}");
    }
    assert_eq!(found(&[&file, &device, "--fail-on", "seen"]).0, 1);
    assert_eq!(found(&[&file, &device, "--fail-on", "unseen"]).0, 0);
    let notes = Path::new(&device).join("notes.txt").display().to_string();
    let (code_of, document) = found(&[&file, &notes, "--fail-on", "unseen"]);
    assert_eq!(code_of, 1, "{document}");
    let shown = text(&run(["canary", "find", &file, &notes]).stdout);
    assert!(shown.contains("seen nowhere: ") && shown.contains("decoys: none was seen"), "{shown}");
    for (value, _) in &values {
        assert!(!shown.contains(value.as_str()), "{value} is not masked");
    }
    let revealed = text(&run(["canary", "find", &file, &notes, "--reveal"]).stdout);
    assert!(values.iter().any(|(value, _)| revealed.contains(value.as_str())));
    fs::write(&picture, b"another").unwrap();
    let changed = run(["canary", "plant", &file, &folder.path().join("late").display().to_string()]);
    assert_eq!(code(&changed), 3, "a picture that is another proves nothing");
}

#[test]
fn a_decoy_that_is_seen_is_told_as_such_and_is_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let (file, values) = made(folder.path(), &[]);
    let mail =
        |decoy| values.iter().find(|(value, is)| value.contains('@') && *is == decoy).unwrap().0.as_str();
    let body = format!(r#"{{"x":"{}","y":"{}"}}"#, mail(false), mail(true));
    let capture = capture(folder.path(), "a.pcap", "application/json", body.as_bytes());
    let output = run(["audit", &capture, "--canaries", &file, "--format", "json"]);
    assert_eq!(code(&output), 4);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let canaries = document["findings"].as_array().unwrap().iter().filter(|one| one["match"] == "canary");
    assert_eq!(canaries.count(), 1);
    let note = document["case"]["notes"][0].as_str().unwrap();
    assert!(note.starts_with("A decoy (email, ") && note.contains("packets 1:"), "{note}");
    let summary = run(["audit", &capture, "--canaries", &file]);
    assert!(text(&summary.stdout).contains("decoy"), "{}", text(&summary.stdout));
    for shown in [text(&output.stdout), text(&summary.stdout)] {
        assert!(!shown.contains(mail(true)), "{shown}");
    }
    let (code_of, document) = found(&[&file, &capture]);
    assert_eq!((code_of, &document["alarm"]), (4, &Value::from(true)));
    let shown = text(&run(["canary", "find", &file, &capture]).stdout);
    assert!(shown.starts_with("1 of ") && shown.contains("decoy email"), "{shown}");
}

#[test]
fn a_picture_is_known_by_its_bytes_and_by_what_stands_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("canary.jpg").display().to_string();
    let (file, _) = made(folder.path(), &["--picture", &picture]);
    let capture = capture(folder.path(), "a.pcap", "image/jpeg", &fs::read(&picture).unwrap());
    let output = run(["audit", &capture, "--canaries", &file, "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut told: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["data_class"].as_str().unwrap(), one["match"].as_str().unwrap()))
        .collect();
    told.sort();
    assert_eq!(told, ["imagery device", "location canary", "serial canary"]);
    // A hash alone tells of it as well.
    let hash = creance_audit::sha256(&fs::read(&picture).unwrap());
    let report = folder.path().join("report.json").display().to_string();
    fs::write(&report, format!(r#"{{"files":["{hash}"]}}"#)).unwrap();
    let (_, document) = found(&[&file, &report]);
    let seen = document["canaries"].as_array().unwrap().iter().find(|one| one["class"] == "imagery").unwrap();
    assert_eq!(seen["places"][0]["encoding"], serde_json::json!(["sha256-hex"]), "{seen}");
}

#[test]
fn captures_are_searched_both_ways_and_encodings_are_told() {
    let file = example("canaries.toml").display().to_string();
    let [captured, keys] = ["capture.pcapng", "capture.keys"].map(|name| example(name).display().to_string());
    let (code_of, document) = found(&[&file, &captured, "--keys", &keys]);
    assert_eq!(code_of, 0, "{}", document["unread"]);
    let rows = document["canaries"].as_array().unwrap();
    let places = |row: &Value| row["places"].as_array().unwrap().clone();
    let unseen: Vec<&Value> = rows.iter().filter(|row| places(row).is_empty()).collect();
    assert!(unseen.len() <= 1 && rows.len() == 14, "{unseen:?}");
    let all: Vec<Value> = rows.iter().flat_map(places).collect();
    for (field, value) in [("visibility", "clear"), ("visibility", "decrypted"), ("direction", "lan")] {
        assert!(all.iter().any(|place| place[field] == value), "{field} {value}");
    }
    assert!(all.iter().any(|place| place["decode_path"].to_string().contains("gzip")));
    assert!(all.iter().any(|place| place["encoding"] == serde_json::json!(["sha256"])));
    let none = found(&[&file, &example("flight.csv").display().to_string()]).1;
    let seen = none["canaries"].as_array().unwrap().iter().filter(|row| row["seen"] != 0).count();
    assert!(seen <= 2, "a track holds places at most: {none}");
}

#[test]
fn what_cannot_be_opened_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = made(folder.path(), &[]);
    let archive = folder.path().join("a.zip").display().to_string();
    fs::write(&archive, b"PK\x03\x04 and so on").unwrap();
    let (code_of, document) = found(&[&file, &archive]);
    assert_eq!(code_of, 4);
    assert!(document["unread"][0].as_str().unwrap().contains("a ZIP archive"), "{document}");
    assert_eq!(code(&run(["canary", "find", &file, "no-such-file"])), 3);
}
