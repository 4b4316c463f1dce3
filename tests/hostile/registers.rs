//! Registers of zones and sites made to hurt: answered in little time and memory, or refused with the reason.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, Instant},
};

use creance_tests::{creance, run};

use super::most_memory;

/// Corners of the ring, and points of the way that is held against it: enough that comparing each with each would take minutes.
const CORNERS: u32 = 200_000;
const POINTS: u32 = 5_000;

/// A debug build on a busy machine; a release takes a second.
const LONGEST: Duration = Duration::from_mins(2);

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// A ring that zigzags over a square degree and crosses itself at every step.
fn zigzag() -> String {
    let corner = |number: u32| {
        let east = 8.0 + f64::from(number) / f64::from(CORNERS);
        let north = if number.is_multiple_of(2) { 47.0 } else { 48.0 };
        // Every third corner goes back.
        let back = if number.is_multiple_of(3) { 0.01 } else { 0.0 };
        format!("[{:.6},{north}]", east - back)
    };
    let corners: Vec<String> = (0..CORNERS).chain([0]).map(corner).collect();
    format!(
        r#"{{"type":"Feature","properties":{{"name":"Zigzag","buffer_m":20}},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#,
        corners.join(",")
    )
}

fn way() -> String {
    let mut table = "time,lat,lon,alt\n".to_owned();
    for point in 0..POINTS {
        let share = f64::from(point) / f64::from(POINTS);
        let second = format!("{:02}:{:02}:{:02}", 8 + point / 3600, point / 60 % 60, point % 60);
        writeln!(table, "2026-08-03T{second}Z,{:.6},{:.6},500", 47.1 + share * 0.8, 8.1 + share * 0.8)
            .unwrap();
    }
    table
}

#[track_caller]
fn is_told(output: &Output, code: i32, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(words), "{told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_ring_that_crosses_itself_everywhere_is_answered_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (ring, way) =
        (file(folder.path(), "ring.geojson", &zigzag()), file(folder.path(), "way.csv", &way()));
    for arguments in [&["zones", "check"][..], &["inspect", "--no-hash"]] {
        let option = if arguments[0] == "zones" { "--zones" } else { "--sites" };
        let began = Instant::now();
        let (output, memory) = most_memory(
            creance().args(arguments).arg(&way).arg(option).arg(&ring).args(["--format", "json"]),
        );
        // Of very many comparisons some are left out, and that is said.
        assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Zigzag"), "{arguments:?}");
        assert!(began.elapsed() < LONGEST, "{arguments:?} took {:?}", began.elapsed());
        assert!((1..300_000).contains(&memory), "{arguments:?}: {memory} kB");
    }
}

#[test]
fn what_no_register_has_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let way = file(
        folder.path(),
        "way.csv",
        "time,lat,lon\n2026-08-03T08:00:00Z,47,8\n2026-08-03T08:00:01Z,47,8\n",
    );
    let nested = "[".repeat(100_000);
    let collection = |count: usize| {
        let one = r#"{"type":"GeometryCollection","geometries":["#;
        format!("{}{}", one.repeat(count), "]}".repeat(count))
    };
    for (name, content, words) in [
        ("nested.json", format!(r#"{{"type":"Polygon","coordinates":{nested}"#), "no valid JSON"),
        ("deep.json", collection(60), "within each other"),
        ("empty.json", r#"{"type":"Polygon","coordinates":[]}"#.to_owned(), "no coordinates"),
        ("far.json", r#"{"type":"Point","coordinates":[1e300,-1e300]}"#.to_owned(), "longitude"),
    ] {
        let zones = file(folder.path(), name, &content).display().to_string();
        is_told(&run(["zones", "check", &way.display().to_string(), "--zones", &zones]), 3, words);
    }
    for (name, content, words) in [
        ("nested.json", format!(r#"{{"type":"Feature","geometry":{nested}"#), "nested"),
        ("deep.json", format!(r#"{{"type":"Feature","geometry":{}}}"#, collection(60)), "within each other"),
        ("far.csv", "lat,lon\n1e300,8\n".to_owned(), "row 2"),
        ("wide.csv", "lat,lon,buffer_m\n47,8,1e9\n".to_owned(), "the buffer is"),
    ] {
        let sites = file(folder.path(), &format!("sites-{name}"), &content).display().to_string();
        is_told(&run(["inspect", &way.display().to_string(), "--sites", &sites]), 3, words);
    }
}

#[test]
fn what_cannot_be_read_of_a_register_is_told_and_makes_the_answer_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let way = file(
        folder.path(),
        "way.csv",
        "time,lat,lon\n2026-08-03T08:00:00Z,47,8\n2026-08-03T08:00:01Z,47,8\n",
    );
    let zones = file(
        folder.path(),
        "zones.json",
        r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"name":"Bad\u001b[31m"},"geometry":{"type":"Point","coordinates":[8,147]}},
            {"type":"Feature","properties":{"name":"Good","radius":900},"geometry":{"type":"Point","coordinates":[8,47]}}]}"#,
    );
    let sites = file(folder.path(), "sites.csv", "name,lat,lon\nBad\u{1b}[31m,north,8\nGood,47,8\n");
    let [way, zones, sites] = [way, zones, sites].map(|path| path.display().to_string());
    is_told(&run(["inspect", &way, "--zones", &zones]), 4, "Not read in ");
    is_told(&run(["zones", "check", &way, "--zones", &zones]), 4, "zone 1, `Bad");
    let output = run(["inspect", &way, "--sites", &sites]);
    is_told(&output, 4, "Not read in the register of sites: row 2: it has no latitude");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Good"));
}
