//! Any bytes as a key log.
#![no_main]

use creance_wire::KeyLog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let keys = KeyLog::default();
    let added = keys.add(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').count();
    assert!(added.secrets + added.unreadable + added.refused <= lines);
    assert_eq!(keys.is_empty(), added.secrets == 0);
});
