//! Any bytes as a file that is inspected, archives within archives too; what is told is masked and written as text and JSON.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use creance_audit::{Inspect, inspect, masked};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*FILE, bytes).unwrap();
    let request = Inspect { paths: vec![FILE.clone()], jobs: 1, ..Inspect::default() };
    let mut told = 0;
    let mut tell = |mut file: creance_model::Inspected| {
        told += 1;
        for shown in [file.inspection.clone(), masked(std::mem::take(&mut file.inspection))] {
            file.inspection = shown;
            creance_render::inspection::text(&file, &mut std::io::sink()).unwrap();
            assert!(creance_render::inspection::json(&file).is_object());
        }
    };
    inspect(&request, &mut tell, &mut |_| {}).unwrap();
    assert!(told > 0, "a file is always told");
});

/// The file, in memory where the system has such a place; each process has its own.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("creance-fuzz-inspect-{}", std::process::id()))
});
