//! Any bytes as a mission or captions of every format in turn, by the first byte: what is told holds together, and scrubbing
//! answers.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../flight_log.rs"]
mod flight_log;

const NAMES: [&str; 6] = ["gpx", "kml", "kmz", "qgc-plan", "wpl", "srt"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    flight_log::read(NAMES[usize::from(*choice) % NAMES.len()], content);
});
