//! `compare` on the laboratory's paired runs, whose differences are known; on runs in which nothing differs; and its tests and
//! intervals against scipy.
//!
//! The oracle needs the packages of `tests/uploads/requirements.txt` in `target/uploads` (`./ci/test tools` puts them there).
#![expect(clippy::indexing_slicing, clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod chance;
mod oracle;
mod pair;

use std::{fs, path::Path};

use creance_tests::{run, shared};
use serde_json::Value;

/// The runs of both settings.
const SETTINGS: [&str; 2] = ["off", "on"];
const RUNS: [&str; 6] = ["off-1", "off-2", "off-3", "on-1", "on-2", "on-3"];

/// Audits the six runs of the pair into this folder, with everything that comes with them; what is known of them.
fn audited(folder: &Path, extra: &[&str]) -> Option<Value> {
    let Some(lab) = shared("lab/dev-05-pair") else {
        println!("skipped: the shared data is absent");
        return None;
    };
    for name in RUNS {
        let of = |file: &str| lab.join(name).join(file).display().to_string();
        let (capture, case) = (of("capture.pcapng"), folder.join(name).display().to_string());
        let beside = [
            ("--keys", "capture.keys"),
            ("--canaries", "canaries.toml"),
            ("--device", "device"),
            ("--flight", "flight.tlog"),
            ("--actions", "actions.csv"),
        ];
        let mut arguments = vec!["audit".to_owned(), capture, "-q".to_owned(), "-o".to_owned(), case];
        arguments.extend(beside.into_iter().flat_map(|(option, file)| [option.to_owned(), of(file)]));
        arguments.extend(extra.iter().map(|one| (*one).to_owned()));
        let output = run(arguments);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(serde_json::from_slice(&fs::read(lab.join("pair.json")).unwrap()).unwrap())
}

/// What is said of these cases in a folder.
fn compared(folder: &Path, before: &[&str], after: &[&str]) -> Value {
    let path = |name: &&str| folder.join(name).display().to_string();
    let mut arguments = vec!["compare".to_owned(), "--format".to_owned(), "json".to_owned()];
    arguments.extend(before.iter().map(path));
    arguments.push("--with".to_owned());
    arguments.extend(after.iter().map(path));
    let output = run(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
