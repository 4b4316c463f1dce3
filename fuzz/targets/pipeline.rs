//! Any bytes as a capture, through everything: packets, flows, messages, detectors, findings, every output.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use creance_audit::{Limits, Request, audit};
use creance_render::Options;
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        // The rules of telephone numbers are compiled once, which takes seconds here: that is no input's time.
        check(WARM);
    },
    |bytes: &[u8]| {
        check(bytes);
    }
);

/// A recording with a telephone number in a request.
const WARM: &[u8] = br#"{"log": {"version": "1.2", "entries": [{"startedDateTime": "2026-06-11T10:00:12Z", "time": 1,
    "request": {"method": "GET", "url": "http://a.example/?p=%2B886900779195", "headers": [], "queryString": []},
    "response": {"status": 200, "headers": [], "content": {}}}]}}"#;

fn check(bytes: &[u8]) {
    fs::write(&*INPUT, bytes).unwrap();
    // Small limits, so that a short input reaches them.
    let limits = Limits { flows: 8, sightings: 32, destinations: 4, names: 8, ..Limits::default() };
    let inputs = vec![INPUT.display().to_string()];
    let request = Request { inputs, limits, jobs: 1, ..Request::default() };
    let Ok(report) = audit(&request, &mut |_| {}) else { return };
    assert!(report.findings.len() <= 32);
    for output in creance_render::ALL {
        output.write(&report, &Options::default(), &mut std::io::sink()).unwrap();
    }
}

/// In memory where the system has such a folder; each process has its own.
static INPUT: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("creance-fuzz-{}", std::process::id()))
});
