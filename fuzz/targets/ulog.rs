//! Any bytes as a log of PX4. What is told stays within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../flight_log.rs"]
mod flight_log;

fuzz_target!(|bytes: &[u8]| flight_log::read("ulog", bytes));
