//! The demonstration: its table says what the truth says.

use std::fs;

use creance_range::{demo, rows};
use serde_json::Value;

#[test]
fn the_table_is_right_with_two_seeds() {
    for seed in [1, 2] {
        let folder = tempfile::tempdir().unwrap();
        let (page, worlds) = demo(folder.path(), seed).unwrap();
        let truths: Vec<Value> = worlds
            .iter()
            .map(|world| folder.path().join(&world.scenario.name).join("truth.json"))
            .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
            .collect();
        for row in rows(&worlds) {
            for (truth, (on, seen)) in truths.iter().zip(&row.worlds) {
                let of_it = |event: &&Value| event["switch"].as_str().unwrap_or_default() == row.switch;
                let sent = truth["events"].as_array().unwrap().iter().filter(of_it).count();
                assert_eq!(*on, sent > 0, "{} {seed}", row.switch);
                assert_eq!(*on, seen.proof.is_some(), "{} {seed}", row.switch);
            }
        }
        let page = fs::read_to_string(page).unwrap();
        assert_eq!(page.matches("<tr>").count(), rows(&worlds).len() + 1);
        for world in &worlds {
            let report = folder.path().join(&world.scenario.name).join("case/report.html");
            assert!(fs::metadata(report).unwrap().len() > 1000);
        }
    }
}
