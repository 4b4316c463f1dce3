//! The lab's captures: the country of every host in them is known.
#![expect(clippy::print_stdout, reason = "the figure is what this test is for")]

use creance_place::Atlas;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn truths(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            truths(&path, found);
        } else if path.file_name().is_some_and(|name| name == "truth.json") {
            found.push(path);
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn every_host_lies_where_the_lab_says() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/lab");
    let mut files = Vec::new();
    truths(&lab, &mut files);
    if files.is_empty() {
        println!("skipped: {} is not there", lab.display());
        return;
    }
    let atlas = Atlas::bundled().unwrap();
    let (mut asked, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for path in files {
        let truth: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let contested: Vec<&str> =
            truth["country_contested"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for host in truth["hosts"].as_array().into_iter().flatten() {
            let (name, ip, country) = (text(host, "host"), text(host, "ip"), text(host, "country"));
            let Ok(address) = ip.parse() else { continue };
            if contested.contains(&ip) || country.len() != 2 {
                continue;
            }
            // With and without the name: both must be right.
            for host in [Some(name), None] {
                asked.insert((ip.to_owned(), host.map(str::to_owned)));
                let found = atlas.locate(address, host);
                if found.country.as_deref() != Some(country) {
                    wrong.insert(format!("{ip} {host:?}: {country}, not {found:?}"));
                }
            }
        }
    }
    println!("lab: {} of {} right", asked.len() - wrong.len(), asked.len());
    assert!(asked.len() > 50 && wrong.is_empty(), "{wrong:#?}");
}
