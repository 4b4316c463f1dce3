//! Databases made by `SQLite` itself: what is read of them is what it says is in them.

use std::{collections::BTreeMap, fs, process::Command};

use creance_tests::root;
use creance_wire::{Limits, expand, with_wal};
use serde_json::Value;

/// Databases that are made.
const ROUNDS: usize = 40;

type Cells = BTreeMap<(String, String, String), Vec<u8>>;

#[test]
fn all_rows_of_all_tables_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .arg(root().join("tests/databases/make.py"))
        .arg(folder.path())
        .arg(ROUNDS.to_string())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (mut logs, mut cells) = (0, 0);
    for round in 0..ROUNDS {
        let file = |end: &str| folder.path().join(format!("{round}.{end}"));
        let mut database = fs::read(file("db")).unwrap();
        if let Ok(log) = fs::read(file("db-wal")) {
            logs += 1;
            database = with_wal(database, &log);
        }
        let ours = read(&database);
        let theirs: Vec<(String, i64, String, Value)> =
            serde_json::from_slice(&fs::read(file("json")).unwrap()).unwrap();
        cells += theirs.len();
        for (table, row, column, value) in &theirs {
            let key = (table.clone(), row.to_string(), column.clone());
            let told = ours.get(&key).unwrap_or_else(|| panic!("{round}: {key:?} is missing"));
            let same = match value {
                Value::Object(bytes) => bytes["hex"] == data_encoding::HEXLOWER.encode(told),
                Value::String(text) => text.as_bytes() == told.as_slice(),
                // SQLite keeps 5.0 as 5.
                Value::Number(number) => {
                    let told: f64 = std::str::from_utf8(told).unwrap().parse().unwrap();
                    told.to_bits() == number.as_f64().unwrap().to_bits()
                }
                other => unreachable!("{other}"),
            };
            assert!(same, "{round}: {key:?}: {value}, read {told:?}");
        }
        assert_eq!(ours.len(), theirs.len(), "{round}");
    }
    assert!(logs > 0 && cells > 1000, "{logs} {cells}");
}

fn read(database: &[u8]) -> Cells {
    let limits = Limits { parts: 1 << 20, decoded: 1 << 30, ..Limits::default() };
    let parts = expand(database, Some("application/octet-stream"), &limits);
    let mut cells = Cells::new();
    for part in parts.iter() {
        let step = part.step();
        let Some(way) = step.strip_prefix("sqlite:/").filter(|_| part.is_named()) else { continue };
        let way: Vec<&str> = way.split('/').collect();
        let [table, row, column] = way[..] else { unreachable!("{way:?}") };
        cells.insert((table.to_owned(), row.to_owned(), column.to_owned()), part.bytes().to_vec());
    }
    cells
}
