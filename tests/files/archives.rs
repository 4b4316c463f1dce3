//! What lies in packed files and comes through a pipe is inspected as the file itself is.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use creance_tests::{creance, example, run};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use super::{inspected, text};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The list of what `inspect` says, and its exit code.
fn listed(path: &Path) -> (Vec<Value>, Option<i32>) {
    let output = run(["inspect", "--format", "json", "--reveal", &text(path)]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = told.as_array().cloned().unwrap_or_else(|| vec![told]);
    (all, output.status.code())
}

#[test]
fn a_packed_log_says_what_the_log_says() {
    let log = example("flight.tlog");
    let wanted = inspected(&log)["track"].clone();
    let bytes = fs::read(&log).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tar = Command::new("tar").args(["-c", "-C"]).arg(log.parent().unwrap()).arg("flight.tlog").output();
    let packed = [
        ("flight.tlog.gz", gzip(&bytes), "!/flight.tlog"),
        ("card.tgz", gzip(&tar.unwrap().stdout), "!/card.tar!/flight.tlog"),
        ("flight.tlog.zst", zstd::encode_all(bytes.as_slice(), 3).unwrap(), "!/flight.tlog"),
    ];
    for (name, bytes, within) in packed {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let (all, code) = listed(&path);
        assert_eq!(code, Some(0), "{name}");
        let last = all.last().unwrap();
        assert_eq!(last["file"], format!("{}{within}", path.display()));
        assert_eq!(last["track"], wanted, "{name}");
    }
}

#[test]
fn archives_of_all_ages_are_opened() {
    let log = example("flight.tlog");
    let wanted = inspected(&log)["track"].clone();
    let folder = tempfile::tempdir().unwrap();
    for form in ["v7", "oldgnu", "gnu", "ustar", "posix"] {
        let path = folder.path().join(format!("{form}.tar"));
        let mut tar = Command::new("tar");
        tar.args(["-c", "--format", form, "-f", &text(&path), "-C"]).arg(log.parent().unwrap());
        assert!(tar.arg("flight.tlog").status().unwrap().success(), "{form}");
        let (all, code) = listed(&path);
        assert_eq!((code, &all[0]["kind"]), (Some(0), &Value::from("tar")), "{form}");
        let [_, inner] = all.as_slice() else { panic!("{form}: {all:?}") };
        assert_eq!(
            (&inner["track"], &inner["file"]),
            (&wanted, &Value::from(format!("{}!/flight.tlog", path.display())))
        );
    }
    // Names that fit into no head stand in one of their own, in the form of each.
    let deep = format!("{}/{}.tlog", "d".repeat(120), "n".repeat(120));
    fs::create_dir(folder.path().join("d".repeat(120))).unwrap();
    fs::copy(&log, folder.path().join(&deep)).unwrap();
    for form in ["oldgnu", "gnu", "posix"] {
        let path = folder.path().join(format!("{form}-long.tar"));
        let mut tar = Command::new("tar");
        tar.args(["-c", "--format", form, "-f", &text(&path), "-C"]).arg(folder.path());
        assert!(tar.arg("d".repeat(120)).status().unwrap().success(), "{form}");
        let (all, code) = listed(&path);
        let names: Vec<_> = all.iter().map(|one| one["file"].as_str().unwrap()).collect();
        let inner = format!("{}!/{deep}", path.display());
        assert_eq!((names, code), (vec![text(&path).as_str(), &inner], Some(0)), "{form}");
    }
    // One behind another, as `cat` puts them, is read as well.
    let both = folder.path().join("both.tar");
    let one = fs::read(folder.path().join("ustar.tar")).unwrap();
    fs::write(&both, one.repeat(2)).unwrap();
    let (all, code) = listed(&both);
    assert_eq!((all.len(), code), (3, Some(0)));
    // Nothing but a sum that is right makes a tar of what has no name.
    let mut bytes = fs::read(folder.path().join("v7.tar")).unwrap();
    bytes[10] ^= 1;
    fs::write(folder.path().join("other"), bytes).unwrap();
    let (all, _) = listed(&folder.path().join("other"));
    assert_eq!((all.len(), &all[0]["kind"]), (1, &Value::from("unknown")));
}

#[test]
fn of_a_cut_one_what_came_out_is_told_and_that_it_is_cut() {
    let bytes = gzip(&fs::read(example("flight.tlog")).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.tlog.gz");
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let (all, code) = listed(&path);
    assert_eq!(code, Some(4));
    assert_eq!(all[0]["damage"].as_array().unwrap().len(), 1);
    assert!(all[1]["track"]["points"].as_u64().unwrap() > 0);
}

#[test]
fn what_is_not_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, head) in
        [("a.xz", &b"\xfd7zXZ\0\0"[..]), ("a.7z", b"7z\xbc\xaf\x27\x1c"), ("a.bz2", b"BZh91AY")]
    {
        let path = folder.path().join(name);
        fs::write(&path, head).unwrap();
        let (all, code) = listed(&path);
        assert_eq!(code, Some(4), "{name}");
        assert!(all[0]["damage"][0]["why"].as_str().unwrap().contains("is not opened"), "{name}");
    }
}

#[test]
fn stdin_is_a_file_as_others_are() {
    let log = example("flight.tlog");
    let mut child = creance()
        .args(["inspect", "--format", "json", "--reveal", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(&log).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    let piped: Value = serde_json::from_slice(&output.stdout).unwrap();
    let named = inspected(&log);
    assert_eq!(piped["file"], "-");
    for field in ["sha256", "kind", "track", "identifiers", "phases"] {
        assert_eq!(piped[field], named[field], "{field}");
    }
}
