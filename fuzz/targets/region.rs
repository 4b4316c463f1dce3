//! Any bytes as a table of boundaries, packed and unpacked, and as a fleet's list.
#![no_main]

use creance_place::region::{boundaries, fleet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    boundaries::check(bytes);
    if let Ok(checked) = fleet::check(bytes, None) {
        assert!(checked.rows <= bytes.len() as u64);
    }
});
