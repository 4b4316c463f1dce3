//! Any bytes as a capture file: all packets are read; their numbers rise by one; nothing is longer than it may be.
#![no_main]

use std::io::Cursor;

use creance_capture::{Capture, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut capture) = Capture::from_reader("fuzz", reader, &Options::default()) else { return };
    let mut last = 0;
    while let Some(packet) = capture.next_packet() {
        assert_eq!(packet.number, last + 1, "packets are numbered one after the other");
        last = packet.number;
    }
});
