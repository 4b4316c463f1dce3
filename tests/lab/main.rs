//! The laboratory: captures whose every leak is known, scored by the laboratory's own scorer.
#![expect(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used, reason = "a test")]

mod bench;
mod readable;
mod score;

/// Captures with their truth, by folder, whose messages are looked at one by one.
const CAPTURES: [(&str, &str); 5] = [
    ("dev-01-idle", "capture.pcapng"),
    ("dev-02-flight", "capture.pcapng"),
    ("dev-02-flight", "capture-vlan.pcapng"),
    ("dev-03-local-data-mode", "capture.pcapng"),
    ("dev-04-off", "capture.pcapng"),
];
