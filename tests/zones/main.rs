//! `zones check` against shapely and pyproj, and real files of zones.
//!
//! Zones and positions are made by `oracle.py`, which needs the packages of `tests/uploads/requirements.txt` in `target/uploads`
//! (`./ci/test tools` puts them there). `CREANCE_ZONES_POSITIONS` says how many positions; a million takes some minutes.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use creance_place::zones::{self, Leg, Place, Zones};
use creance_tests::{root, run, shared};
use serde_json::Value;

fn oracle(arguments: &[&str]) -> Output {
    let python = std::env::var_os("CREANCE_UPLOADS_PYTHON")
        .map_or_else(|| root().join("target/uploads/bin/python"), PathBuf::from);
    Command::new(python).arg(root().join("tests/zones/oracle.py")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn answers_are_those_of_shapely_and_pyproj() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::env::var_os("CREANCE_ZONES_POSITIONS").and_then(|count| count.into_string().ok());
    let count = count.unwrap_or_else(|| "60000".to_owned());
    let real: Vec<String> = shared("files/airspace").map_or_else(Vec::new, |folder| {
        let names = [
            "ed269-ch.json",
            "ed269-lu.json",
            "ed318-ie.json",
            "ed318std_Example_Collection.json",
            "faa-uasfm.json",
        ];
        names.map(|name| text(&folder.join(name))).to_vec()
    });
    if real.is_empty() {
        println!("without real zones: the shared data is absent");
    }
    let place = text(folder.path());
    let made = oracle(
        &[&["make", &place, &count][..], &real.iter().map(String::as_str).collect::<Vec<_>>()].concat(),
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let positions = text(&folder.path().join("positions.csv"));
    let own = ["straight.geojson", "unsaid.json"].map(|name| text(&folder.path().join(name)));
    for file in own.into_iter().chain(real) {
        let output = run(["zones", "check", &positions, "--zones", &file, "--format", "jsonl"]);
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let rows = folder.path().join("rows.jsonl");
        fs::write(&rows, output.stdout).unwrap();
        let compared = oracle(&["compare", &file, &text(&rows), &positions]);
        println!("{}", String::from_utf8_lossy(&compared.stdout));
        assert!(compared.status.success(), "{file}: {}", String::from_utf8_lossy(&compared.stderr));
    }
}

#[test]
fn legs_are_those_of_shapely_and_pyproj() {
    let folder = tempfile::tempdir().unwrap();
    let place = text(folder.path());
    for arguments in [&["make", &place, "10"][..], &["legs", &place, "5000"]] {
        let made = oracle(arguments);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let file = folder.path().join("straight.geojson");
    let zones = Zones::new([zones::read("straight", &fs::read(file).unwrap()).unwrap()]);
    let mut rows = String::new();
    for (number, line) in fs::read_to_string(folder.path().join("legs.csv")).unwrap().lines().enumerate() {
        let numbers: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let end = |at: usize| Place {
            lat: numbers[at],
            lon: numbers[at + 1],
            time: None,
            height: None,
            accuracy_m: 1.0,
        };
        let leg = Leg { ends: [end(0), end(2)], flown: false };
        for verdict in zones.check_leg(&leg, &mut { zones::WORK }).unwrap() {
            writeln!(rows, "{number}\t{}\t{}", verdict.zone.id, verdict.answer().name()).unwrap();
        }
    }
    let told = folder.path().join("rows.tsv");
    fs::write(&told, rows).unwrap();
    let compared = oracle(&["compare-legs", &place, &text(&told)]);
    println!("{}", String::from_utf8_lossy(&compared.stdout));
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
}

#[test]
fn real_files_of_zones_are_read_whole_and_what_is_invalid_is_refused() {
    let Some(folder) = shared("files/airspace") else {
        println!("skipped: the shared data is absent");
        return;
    };
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.into_iter().filter(|path| path.is_file()) {
        let name = text(&path);
        let bytes = fs::read(&path).unwrap();
        let read = zones::read(&name, &bytes);
        if name.contains("Invalid") {
            let why = read.unwrap_err();
            assert!(why.contains("metadata.validFrom is an object"), "{why}");
            continue;
        }
        let (source, found) = read.unwrap_or_else(|why| unreachable!("{name}: {why}"));
        assert_eq!(source.flaws, [""; 0], "{name}");
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let counted = folder.join("oracle").join(format!("{file}.count.json"));
        let Ok(counted) = fs::read(counted) else { continue };
        let counted: Value = serde_json::from_slice(&counted).unwrap();
        if let Some(count) = counted["n_features"].as_u64().or_else(|| counted["AC"].as_u64()) {
            assert_eq!(found.len() as u64, count, "{name}");
        }
    }
}
