//! The real program: arguments, outputs, exit codes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod bench;
mod canary;
mod compare;
mod custody;
mod explain;
mod keys;
mod pieces;
mod range;
mod recordings;
mod region;
mod report;
mod sites;
mod zones;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use creance_tests::{creance, essence, example, run, whole};
use serde_json::Value;

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(findings: &Path) -> creance_model::Report {
    creance_model::Report::read(&fs::read(findings).unwrap()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = run([arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn usage_mistakes_are_code_2() {
    for arguments in [
        &["audit"][..],
        &["audit", "x", "--fail-on", "terrible"],
        &["fly"],
        &["audit", "x", "--inside", "10.0.0.0/40"],
    ] {
        assert_eq!(code(&run(arguments)), 2, "{arguments:?}");
    }
    assert!(text(&run(["audit", "--help"]).stdout).contains("Examples:"));
    assert!(text(&run(["--completions", "bash"]).stdout).contains("creance"));
}

#[test]
fn inputs_that_cannot_be_read_are_code_3_and_named() {
    let missing = run(["audit", "no-such-file.pcap"]);
    assert_eq!(code(&missing), 3);
    assert!(text(&missing.stderr).contains("no-such-file.pcap"));
    assert_eq!(text(&missing.stderr).matches("No such file").count(), 1, "{}", text(&missing.stderr));
    let picture = example("device/DCIM/100MEDIA/SKY_0001.JPG");
    let other = run([Path::new("audit"), &picture]);
    assert_eq!(code(&other), 3);
    assert!(text(&other.stderr).contains("not a capture: first bytes ffd8ff"), "{}", text(&other.stderr));
}

#[test]
fn a_cut_capture_is_code_4_with_what_was_read_and_an_offset() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.pcapng");
    let bytes = fs::read(example("capture.pcapng")).unwrap();
    fs::write(&cut, &bytes[..=bytes.len() / 2]).unwrap();
    let output = run([Path::new("audit"), &cut, Path::new("--format"), Path::new("json")]);
    assert_eq!(code(&output), 4);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["case"]["packets"].as_u64().unwrap() > 1000);
    assert!(document["damage"][0]["offset"].as_u64().unwrap() > 1_000_000);
}

#[test]
fn fail_on_is_code_1_only_at_or_over_its_level() {
    assert_eq!(code(&run(whole(&["--fail-on", "high", "-q"]))), 1);
    // What is critical in the example is encrypted.
    assert_eq!(code(&run(whole(&["--fail-on", "critical", "-q"]))), 1);
    let capture = example("capture.pcapng").display().to_string();
    assert_eq!(code(&run(["audit", &capture, "--fail-on", "critical", "-q"])), 0);
    assert_eq!(code(&run(["audit", &capture, "--fail-on", "low", "-q"])), 1);
}

#[test]
fn a_case_is_never_overwritten_unasked_and_its_ledger_only_grows() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case").display().to_string();
    assert_eq!(code(&run(whole(&["-q", "-o", &case]))), 0);
    let refused = run(whole(&["-q", "-o", &case]));
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("--force"));
    assert_eq!(code(&run(whole(&["-q", "-o", &case, "--force"]))), 0);
    let ledger = fs::read_to_string(Path::new(&case).join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 2);
    fs::write(folder.path().join("precious"), "x").unwrap();
    let elsewhere = folder.path().display().to_string();
    assert_eq!(
        code(&run(whole(&["-q", "-o", &elsewhere, "--force"]))),
        2,
        "a folder that is no case is left alone"
    );
}

#[test]
fn a_reader_of_the_summary_who_goes_away_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let mut child =
        creance().args(whole(&["-o", &case.display().to_string()])).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
    for file in ["findings.json", "report.html", "case.json", "ledger.jsonl"] {
        assert!(case.join(file).is_file(), "{file}");
    }
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    for case in [&a, &b] {
        run(whole(&["-q", "-o", &case.display().to_string()]));
    }
    for file in ["findings.json", "report.html", "case.json"] {
        assert_eq!(fs::read(a.join(file)).unwrap(), fs::read(b.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn no_planted_value_stands_in_any_output_unless_revealed() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let output = run(whole(&["-v", "-o", &case.display().to_string()]));
    let mut all = text(&output.stdout) + &text(&output.stderr);
    for file in fs::read_dir(&case).unwrap() {
        all += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let canaries: toml::Table = fs::read_to_string(example("canaries.toml")).unwrap().parse().unwrap();
    let values: Vec<String> = canaries["canary"]
        .as_array()
        .unwrap()
        .iter()
        .map(|canary| canary["value"].as_str().unwrap().to_owned())
        .collect();
    assert!(values.len() > 10);
    let all = all.to_lowercase();
    for value in &values {
        // As it is, as hexadecimal digits, and without its punctuation.
        let hex = value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let bare: String = value.chars().filter(|letter| letter.is_alphanumeric()).collect();
        for form in [value, &hex, &bare] {
            assert!(!all.contains(&form.to_lowercase()), "{value} as {form}");
        }
    }
    let revealed = text(&run(whole(&["--reveal", "--format", "json"])).stdout);
    assert!(values.iter().any(|value| revealed.contains(value.as_str())));
}

/// A request whose body has values for keys: contacts by number, people by address.
#[test]
fn values_that_are_keys_are_masked_too() {
    let body = br#"{"contacts":{"+886900775557":{"mail":"dario@quillfeather.example"}},"o.lind@netz.example":{"phone":"+886900779195"}}"#;
    let head = format!(
        "POST /u/o.lind@netz.example?tel%2B886900779195=1 HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let payload = [head.as_bytes(), body].concat();
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 47, 95, 1, 2, 0x0f, 0xa0, 0, 80]);
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 24, 255, 255, 0, 0, 0, 0]);
    frame.extend(&payload);
    let folder = tempfile::tempdir().unwrap();
    let (capture, case) = (folder.path().join("keys.pcap"), folder.path().join("case"));
    let file = fs::File::create(&capture).unwrap();
    let mut writer =
        creance_capture::write::PcapWriter::new(file, creance_model::LinkType::ETHERNET).unwrap();
    writer
        .packet(creance_model::Timestamp::from_secs(1), u32::try_from(frame.len()).unwrap(), &frame)
        .unwrap();
    drop(writer);
    // A device whose file is called after its owner.
    let device = folder.path().join("device");
    fs::create_dir(&device).unwrap();
    let profile = br#"{"lindqvarn":{"o.lind@netz.example":{"email":"o.lind@netz.example"}},"full_name":"Oskar Lindqvarn"}"#;
    fs::write(device.join("o.lind@netz.example > mine.json"), profile).unwrap();
    let device = device.display().to_string();
    let (capture, folder) = (capture.display().to_string(), case.display().to_string());
    let audit = run(["audit", &capture, "--device", &device, "-o", &folder]);
    let mut all = text(&audit.stdout) + &text(&run(["messages", &capture]).stdout);
    for file in fs::read_dir(&case).unwrap() {
        all += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    assert!(all.contains("json:/contacts/…"), "{all}");
    assert!(all.contains("….json > json:/…/…/email"), "{all}");
    for value in ["886900775557", "886900779195", "o.lind@", "quillfeather", "lindqvarn"] {
        assert!(!all.contains(value), "{value}");
    }
    let revealed = text(&run(["audit", &capture, "--reveal", "--format", "json"]).stdout);
    assert!(revealed.contains("json:/contacts/+886900775557"), "{revealed}");
}

#[test]
fn findings_follow_the_published_schema() {
    let schema: Value = serde_json::from_slice(&run(["explain", "schema", "findings"]).stdout).unwrap();
    let output = run(whole(&["--format", "json"]));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(!document["findings"].as_array().unwrap().is_empty());
}

#[test]
fn places_of_the_flight_that_left_after_it_are_told_apart() {
    let extra: Vec<String> = whole(&["-q"]);
    let report = json(&extra.iter().map(String::as_str).collect::<Vec<_>>());
    let findings = report["findings"].as_array().unwrap();
    let deferred: Vec<&Value> = findings.iter().filter(|one| one["deferred"] == true).collect();
    assert!(!deferred.is_empty() && deferred.len() < findings.len());
    let landed =
        report["phases"].as_array().unwrap().iter().rev().find(|one| one["state"] == "flying").unwrap();
    for one in deferred {
        assert_eq!((&one["data_class"], &one["match"]), (&"location".into(), &"track".into()));
        assert!(one["time"].as_str() > landed["to"].as_str() && one["flight_state"] != "flying", "{one}");
    }
}

#[test]
fn standard_input_compression_and_rotation_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let capture = example("capture.pcapng");
    let bytes = fs::read(&capture).unwrap();
    let plain = essence(json(&["audit", capture.to_str().unwrap()]));

    let mut child = creance()
        .args(["audit", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let piped = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&piped).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(essence(serde_json::from_slice(&output.stdout).unwrap()), plain, "standard input");

    let gz = folder.path().join("capture.pcapng.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(fs::File::create(&gz).unwrap(), flate2::Compression::fast());
    encoder.write_all(&bytes).unwrap();
    encoder.finish().unwrap();
    assert_eq!(essence(json(&["audit", gz.to_str().unwrap()])), plain, "gzip");
    let zst = folder.path().join("capture.pcapng.zst");
    fs::write(&zst, zstd::bulk::compress(&bytes, 1).unwrap()).unwrap();
    assert_eq!(essence(json(&["audit", zst.to_str().unwrap()])), plain, "zstd");

    // Rotated: three files, in a folder, named against the order of time.
    let rotated = folder.path().join("rotated");
    fs::create_dir(&rotated).unwrap();
    let mut reader =
        creance_capture::Capture::open(&[capture], &creance_capture::Options::default()).unwrap();
    let mut writers: Vec<_> = ["c", "b", "a"]
        .iter()
        .map(|name| {
            let file = fs::File::create(rotated.join(name)).unwrap();
            creance_capture::write::PcapWriter::new(file, creance_model::LinkType::ETHERNET).unwrap()
        })
        .collect();
    while let Some(packet) = reader.next_packet() {
        let which = usize::try_from(packet.number / 2200).unwrap().min(2);
        writers[which].packet(packet.time, packet.wire_len, packet.data).unwrap();
    }
    assert_eq!(essence(json(&["audit", rotated.to_str().unwrap()])), plain, "a folder");
    let glob = format!("{}/*", rotated.display());
    assert_eq!(essence(json(&["audit", &glob])), plain, "a glob");
}

#[test]
fn however_an_input_is_hashed_the_hash_is_that_of_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    // The rest behind damage belongs to the input as well.
    let mut damaged = fs::read(example("capture.pcapng")).unwrap();
    let middle = damaged.len() / 2;
    damaged.splice(middle..middle, [0xff; 4096]);
    let file = folder.path().join("damaged.pcapng");
    fs::write(&file, &damaged).unwrap();
    let document = |jobs: &str, inputs: &[&Path]| {
        let mut command = creance();
        let output =
            command.args(["audit", "--format", "json", "--jobs", jobs]).args(inputs).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let many = document("2", &[&file]);
    assert_eq!(many, document("1", &[&file]), "one thread and several give the same bytes");
    assert_eq!(document("2", &[&file, &file]), document("1", &[&file, &file]), "named twice");

    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = {
        let (pipe, bytes) = (pipe.clone(), damaged);
        std::thread::spawn(move || fs::write(pipe, bytes))
    };
    let piped: Value = serde_json::from_str(&document("2", &[&pipe])).unwrap();
    writer.join().unwrap().unwrap();
    let many: Value = serde_json::from_str(&many).unwrap();
    for field in ["sha256", "bytes", "packets"] {
        assert_eq!(piped["case"]["inputs"][0][field], many["case"]["inputs"][0][field], "{field}");
    }
}

#[test]
fn a_damaged_canary_file_is_refused_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("canaries.toml");
    fs::write(&file, "[[canary]]\nclass = \"mail\"\nvalue = \"x\"\n").unwrap();
    let capture = example("capture.pcapng");
    let output = run([Path::new("audit"), &capture, Path::new("--canaries"), &file]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("class is not known"), "{}", text(&output.stderr));
}

#[test]
fn bundled_data_is_listed_with_its_dates_and_licences() {
    let listed = text(&run(["data"]).stdout);
    assert!(listed.contains("CC BY") && listed.contains("2026"), "{listed}");
}

/// The example's capture with its keys.
fn with_keys(command: &str, more: &[&str]) -> Vec<String> {
    let (capture, keys) = (example("capture.pcapng"), example("capture.keys"));
    let paths = [capture, keys].map(|path| path.display().to_string());
    let [capture, keys] = paths;
    let first = [command.to_owned(), capture, "--keys".to_owned(), keys, "-q".to_owned()];
    first.into_iter().chain(more.iter().map(|more| (*more).to_owned())).collect()
}

#[test]
fn flows_are_listed_in_every_format_and_filtered() {
    let rows: Vec<Value> = text(&run(with_keys("flows", &[])).stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let array: Vec<Value> =
        serde_json::from_slice(&run(with_keys("flows", &["--format", "json"])).stdout).unwrap();
    assert_eq!(rows, array);
    assert!(rows.iter().all(|row| row["schema"] == "creance.flow/1"));
    let decrypted = rows.iter().filter(|row| row["visibility"] == "decrypted").count();
    let opaque = rows.iter().filter(|row| row["protocol"] == "tls" && row["visibility"] == "opaque").count();
    assert!(decrypted > 20 && opaque > 0, "{decrypted} decrypted, {opaque} opaque");
    // Connections without a key in the log say so.
    assert!(rows.iter().all(|row| row["visibility"] != "opaque" || row["why_opaque"][0].is_string()));

    let csv = text(&run(with_keys("flows", &["--format", "csv"])).stdout);
    let mut table = csv::Reader::from_reader(csv.as_bytes());
    let host = table.headers().unwrap().iter().position(|name| name == "outside.host").unwrap();
    assert_eq!(
        table.records().filter(|row| row.as_ref().is_ok_and(|row| row.get(host).is_some())).count(),
        rows.len()
    );
    assert_eq!(text(&run(with_keys("flows", &["--format", "table"])).stdout).lines().count(), rows.len() + 1);

    let some = rows.iter().find_map(|row| row["outside"]["host"].as_str()).unwrap();
    let filtered = text(&run(with_keys("flows", &["--host", some])).stdout);
    let expected = rows.iter().filter(|row| row["outside"]["host"] == some).count();
    assert_eq!(filtered.lines().count(), expected);
}

#[test]
fn keys_make_the_difference_between_opaque_and_decrypted() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read_to_string(example("capture.keys")).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with('#')).collect();
    let decrypted = |keys: Option<&str>| -> (usize, u64, String) {
        let capture = example("capture.pcapng").display().to_string();
        let mut arguments =
            vec!["audit".to_owned(), capture, "--format".to_owned(), "json".to_owned(), "-q".to_owned()];
        if let Some(keys) = keys {
            let path = folder.path().join("some.keys");
            fs::write(&path, keys).unwrap();
            arguments.extend(["--keys".to_owned(), path.display().to_string()]);
        }
        let document: Value = serde_json::from_slice(&run(arguments).stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        let found = findings.iter().filter(|finding| finding["visibility"] == "decrypted").count();
        (found, document["coverage"]["opaque"].as_u64().unwrap(), document["coverage"]["unread"].to_string())
    };
    let (none, all_opaque, _) = decrypted(None);
    assert_eq!(none, 0);
    let (all, least_opaque, _) = decrypted(Some(&log));
    // The secrets of a connection are several lines: half of the connections keep theirs.
    let mut randoms: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    randoms.sort_unstable();
    randoms.dedup();
    let kept = &randoms[..randoms.len() / 2];
    let half: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| line.split(' ').nth(1).is_some_and(|random| kept.contains(&random)))
        .collect();
    let (some, some_opaque, _) = decrypted(Some(&half.join("\n")));
    assert!(0 < some && some < all, "{some} of {all}");
    assert!(
        least_opaque < some_opaque && some_opaque < all_opaque,
        "{least_opaque} {some_opaque} {all_opaque}"
    );
    // Keys of these connections that are not theirs: nothing opens, and the reason is told.
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
            Some(format!("{label} {random} {}", "5a".repeat(secret.len() / 2)))
        })
        .collect();
    let (found, opaque, why) = decrypted(Some(&wrong.join("\n")));
    assert_eq!((found, opaque), (0, all_opaque));
    assert!(why.contains("does not fit"), "{why}");
}

#[test]
fn messages_are_filtered_by_kind_direction_and_visibility() {
    let arguments =
        ["--protocol", "mqtt", "--kind", "publish", "--direction", "outbound", "--visibility", "decrypted"];
    let output = run(with_keys("messages", &arguments));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 5, "{}", lines.len());
    assert!(lines.iter().all(|line| line["protocol"] == "mqtt" && line["kind"] == "publish"));
    // The topic holds a serial number, which is masked.
    assert!(lines.iter().all(|line| line["fields"]["topic"].as_str().unwrap().contains('…')));
}

#[test]
fn carried_files_are_written_as_they_are_on_the_device() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files").display().to_string();
    let output = run(with_keys("extract", &["-o", &files]));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let manifest = fs::read_to_string(Path::new(&files).join("manifest.jsonl")).unwrap();
    let mut device = std::collections::BTreeSet::new();
    let mut folders = vec![example("device")];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                device.insert(fs::read(path).unwrap());
            }
        }
    }
    let mut same = 0;
    for line in manifest.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let bytes = fs::read(Path::new(&files).join(row["file"].as_str().unwrap())).unwrap();
        assert_eq!(row["bytes"], bytes.len());
        let name = row["file"].as_str().unwrap();
        assert!(!name.contains("-jpg") && !name.contains("..") && name.is_ascii(), "{name}");
        same += usize::from(device.contains(&bytes));
    }
    assert!(same >= 9, "{same} files of the device among {}", manifest.lines().count());
    let again = run(with_keys("extract", &["-o", &files]));
    assert_eq!(code(&again), 2, "a folder with files is left alone");
}
