//! Any bytes as a mission or captions of every format in turn, by the first byte, or of the one that `CREANCE_FORMAT` names: what
//! is told holds together, and scrubbing answers.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../flight_log.rs"]
mod flight_log;

const NAMES: [&str; 6] = ["gpx", "kml", "kmz", "qgc-plan", "wpl", "srt"];

/// The format that is asked for.
static NAMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("CREANCE_FORMAT").ok());

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let name = NAMED.as_deref().unwrap_or(NAMES[usize::from(*choice) % NAMES.len()]);
    flight_log::read(name, content);
});
