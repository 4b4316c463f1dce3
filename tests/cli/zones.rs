//! `creance zones check`.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use creance_tests::{creance, run};
use serde_json::Value;

use super::{code, text};

/// A yard with a hole, forbidden; a mast, and a crossing on the date line.
const ZONES: &str = r#"{"type": "FeatureCollection", "timestamp": "2026-05-01T00:00:00Z", "features": [
    {"type": "Feature", "properties": {"name": "Yard", "type": "PROHIBITED"}, "geometry": {"type": "Polygon", "coordinates":
        [[[8, 47], [8.01, 47], [8.01, 47.01], [8, 47.01], [8, 47]]]}},
    {"type": "Feature", "properties": {"name": "Mast", "radius": 100, "upper": 120, "upperReference": "AGL"}, "geometry": {"type": "Point", "coordinates": [8.005, 47.02]}}]}"#;

const TRACK: &str = "time,lat,lon,alt\n2026-06-01T10:00:00Z,46.99,8.005,450\n2026-06-01T10:00:01Z,47.005,8.005,451\n2026-06-01T10:00:02Z,47.02,8.005,452\n";

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn check(folder: &Path, extra: &[&str]) -> std::process::Output {
    let (zones, track) = (file(folder, "zones.json", ZONES), file(folder, "track.csv", TRACK));
    let named = [track.display().to_string(), "--zones".to_owned(), zones.display().to_string()];
    run(["zones", "check"].into_iter().chain(named.iter().map(String::as_str)).chain(extra.iter().copied()))
}

fn rows(output: &std::process::Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_row_for_each_position_and_zone_and_with_all_for_those_outside() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(folder.path(), &["--format", "jsonl"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let found = rows(&output);
    let told: Vec<_> =
        found.iter().map(|row| (row["zone"].as_str().unwrap(), row["answer"].as_str().unwrap())).collect();
    assert_eq!(told, [("Yard", "inside"), ("Mast", "uncertain")]);
    assert_eq!(found[0]["schema"], "creance.zones/1");
    assert_eq!((&found[0]["time"], &found[0]["lat"]), (&"2026-06-01T10:00:01Z".into(), &47.005.into()));
    // 0.005 degrees of longitude at 47 degrees north.
    assert!((found[0]["margin_m"].as_f64().unwrap() + 380.2).abs() < 0.2, "{}", found[0]["margin_m"]);
    assert!(
        found[0]["why"].as_str().unwrap().contains("data of 2026-05-01, 31 days old"),
        "{}",
        found[0]["why"]
    );
    assert!(found[1]["why"].as_str().unwrap().contains("what its height of 452 m counts from is not known"));
    let all = rows(&check(folder.path(), &["--format", "jsonl", "--all"]));
    assert_eq!((all.len(), &all[0]["answer"], &all[0]["zone"]), (3, &"outside".into(), &"Yard".into()));
    assert!((all[0]["margin_m"].as_f64().unwrap() - 1111.8).abs() < 0.5, "{}", all[0]["margin_m"]);
    // Told what altitudes count from, the mast is far below.
    let above = rows(&check(folder.path(), &["--format", "jsonl", "--alt-reference", "agl"]));
    assert_eq!(above.len(), 1);
}

#[test]
fn a_screen_a_page_a_picture_and_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let screen = text(&check(folder.path(), &[]).stdout);
    assert!(
        screen.contains("GeoJSON, 2 zones, of 2026-05-01, 31 days old at the first position"),
        "{screen}"
    );
    assert!(
        screen.contains("3 positions: 1 inside, 1 uncertain, 1 outside of all zones")
            && !screen.contains("8.005"),
        "{screen}"
    );
    assert!(text(&check(folder.path(), &["--reveal"]).stdout).contains("first at 47.005000, 8.005000"));
    let page = text(&check(folder.path(), &["--format", "html"]).stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg") && page.contains("Mast"), "{page}");
    let picture = text(&check(folder.path(), &["--format", "svg"]).stdout);
    assert!(
        picture.starts_with("<svg xmlns=") && picture.contains("<title>Yard, no flight: inside</title>"),
        "{picture}"
    );
    let table = text(&check(folder.path(), &["--format", "csv"]).stdout);
    assert!(table.lines().next().unwrap().contains(",margin_m,"), "{table}");
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn live_positions_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let zones = file(folder.path(), "zones.json", ZONES);
    let one = run([
        "zones",
        "check",
        "--position",
        "47.005,8.005,450",
        "--at",
        "2026-06-01T10:00:00Z",
        "--format",
        "jsonl",
        "--zones",
        &zones.display().to_string(),
    ]);
    assert_eq!(rows(&one)[0]["answer"], "inside");
    let mut child = creance()
        .args(["zones", "check", "-", "--format", "jsonl", "--all", "--zones"])
        .arg(&zones)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"2026-06-01T10:00:00Z,47.005,8.005,450\n,0,0,\nnonsense\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let answers: Vec<_> =
        rows(&output).iter().map(|row| row["answer"].as_str().unwrap().to_owned()).collect();
    assert_eq!((answers, code(&output)), (vec!["inside".to_owned(), "outside".to_owned()], 4));
}

#[test]
fn exit_codes_and_what_is_wrong_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (extra, expected) in [
        (&["--fail-on", "inside"][..], 1),
        (&["--fail-on", "uncertain"], 1),
        (&["--format", "picture"], 2),
        (&["--accuracy", "-1"], 2),
        (&["--alt-reference", "moon"], 2),
        (&["--zones", "/nonexistent"], 3),
    ] {
        let output = check(folder.path(), extra);
        assert_eq!(code(&output), expected, "{extra:?} {}", text(&output.stderr));
    }
    assert_eq!(code(&run(["zones", "check", "--zones", "x"])), 2);
    let bad = file(
        folder.path(),
        "bad.json",
        r#"{"type": "FeatureCollection", "metadata": {"validFrom": {}}, "features": [{"type": "Feature", "properties": {"variant": "COMMON"}, "geometry": null}]}"#,
    );
    let output = check(folder.path(), &["--zones", &bad.display().to_string()]);
    assert_eq!(code(&output), 3);
    assert!(
        text(&output.stderr).contains("bad.json: metadata.validFrom is an object"),
        "{}",
        text(&output.stderr)
    );
    let half = file(folder.path(), "half.json", &ZONES.replace("[8.005, 47.02]", "[8.005, 147.02]"));
    let output = check(folder.path(), &["--zones", &half.display().to_string()]);
    assert_eq!(code(&output), 4);
    assert!(text(&output.stderr).contains("zone 2, `Mast`"), "{}", text(&output.stderr));
    let nothing = file(folder.path(), "nothing.txt", "no positions here\n");
    let zones = folder.path().join("zones.json").display().to_string();
    let output = run(["zones", "check", &nothing.display().to_string(), "--zones", &zones]);
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("has no position"), "{}", text(&output.stderr));
}

#[test]
fn legs_of_a_plan_are_rows_with_where_they_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let zones = file(folder.path(), "zones.json", ZONES).display().to_string();
    let line = |index: u8, frame: u8, lat: f64, lon: f64| {
        format!("{index}\t0\t{frame}\t16\t0\t0\t0\t0\t{lat}\t{lon}\t50\t1\n")
    };
    let plan = [
        "QGC WPL 110\n".to_owned(),
        line(0, 0, 47.003, 7.99),
        line(1, 3, 47.003, 8.02),
        line(2, 3, 47.02, 8.02),
    ];
    let plan = file(folder.path(), "plan.txt", &plan.concat()).display().to_string();
    let output =
        run(["zones", "check", &plan, "--zones", &zones, "--format", "jsonl", "--fail-on", "inside"]);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let found = rows(&output);
    assert_eq!(found.len(), 1, "{found:?}");
    let row = &found[0];
    assert_eq!(
        (&row["zone"], &row["answer"], &row["role"]),
        (&"Yard".into(), &"inside".into(), &"target".into())
    );
    assert_eq!((&row["from_lon"], &row["to_lon"]), (&7.99.into(), &8.02.into()));
    assert!((row["lon"].as_f64().unwrap() - 8.0).abs() < 5e-5, "{row}");
    assert!((row["margin_m"].as_f64().unwrap() + 333.5).abs() < 20.0, "{row}");
    let why = row["why"].as_str().unwrap();
    assert!(why.contains("the straight way of 2282 m between two corners of the plan, at most"), "{why}");
    let screen = text(&run(["zones", "check", &plan, "--zones", &zones]).stdout);
    assert!(
        screen
            .contains("2 positions: 0 inside, 0 uncertain, 2 outside of all zones; 2 legs between: 1 inside"),
        "{screen}"
    );
    assert!(screen.contains("0 inside, 0 uncertain; legs: 1 inside, 0 uncertain"), "{screen}");
}

#[test]
fn a_list_of_zones_on_a_device_is_told_by_inspect() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "cache.dat", ZONES);
    file(
        folder.path(),
        "park.json",
        &ZONES.replace("PROHIBITED", "park").replace(r#""upperReference": "AGL""#, r#""x": 1"#),
    );
    let told = rows(&run(["inspect", "--format", "jsonl", "--reveal", &folder.path().display().to_string()]));
    assert_eq!((&told[0]["kind"], &told[1]["kind"]), (&"zones".into(), &"json".into()), "{told:?}");
    let said: Vec<_> =
        told[0]["facts"].as_array().unwrap().iter().map(|fact| fact["value"].as_str().unwrap()).collect();
    assert_eq!(said, ["2, GeoJSON", "Mast; Yard", "47 to 48 degrees north, 8 to 9 degrees east"]);
    assert_eq!(told[0]["times"][0]["time"], "2026-05-01T00:00:00Z");
    let hidden = text(&run(["inspect", &folder.path().display().to_string()]).stdout);
    assert!(!hidden.contains("Mast"), "{hidden}");
}
