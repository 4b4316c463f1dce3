//! Any bytes as a table of addresses, as `creance data update` may be given.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    creance_place::check_table(bytes);
});
