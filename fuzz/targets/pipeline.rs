//! Any bytes as a capture, through everything: packets, flows, messages, detectors, findings, every output.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use creance_audit::{Limits, Request, audit};
use creance_render::Options;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
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
});

/// In memory where the system has such a folder; each process has its own.
static INPUT: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("creance-fuzz-{}", std::process::id()))
});
