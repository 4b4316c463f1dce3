//! Reads captures and says how many packets they hold and how fast they were read.

#![expect(clippy::print_stdout, reason = "an example that prints what it measures")]

use std::{path::PathBuf, time::Instant};

use creance_capture::{Capture, Error, Options};

fn main() -> Result<(), Error> {
    for path in std::env::args().skip(1) {
        let begun = Instant::now();
        let mut capture = match Capture::open(&[PathBuf::from(&path)], &Options::default()) {
            Ok(capture) => capture,
            Err(error) => {
                println!("{path}\t0\t{error}");
                continue;
            }
        };
        let (mut packets, mut bytes) = (0_u64, 0_u64);
        while let Some(packet) = capture.next_packet() {
            packets += 1;
            bytes += packet.data.len() as u64;
        }
        let took = begun.elapsed();
        let damage = capture.notes().damage.first().map(|one| format!("{}: {}", one.what, one.why));
        println!("{path}\t{packets}\t{bytes} bytes in {took:?}\t{}", damage.unwrap_or_default());
    }
    Ok(())
}
