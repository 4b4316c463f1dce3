//! Makes a capture of any size from real ones, repeated: `make OUT BYTES CAPTURE...`
//!
//! Each repetition comes an hour after the last, and from other addresses: the second byte of private IPv4 addresses is
//! shifted, so that flows do not run into each other. Frames that are not Ethernet are left out; checksums are not mended.
#![expect(clippy::print_stderr, reason = "a program")]

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use creance_capture::{Capture, Options, write::PcapWriter};
use creance_model::{LinkType, Timestamp};

const HOUR: i64 = 3_600_000_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, bytes, captures @ ..] = arguments.as_slice() else {
        eprintln!("usage: make OUT BYTES CAPTURE...");
        return ExitCode::from(2);
    };
    let Ok(bytes) = bytes.parse() else {
        eprintln!("BYTES is `{bytes}`, expected a number");
        return ExitCode::from(2);
    };
    match make(out, bytes, captures) {
        Ok(packets) => {
            eprintln!("{packets} packets");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn make(out: &str, bytes: u64, captures: &[String]) -> Result<u64, Box<dyn std::error::Error>> {
    let mut writer =
        PcapWriter::new(BufWriter::with_capacity(1 << 20, File::create(out)?), LinkType::ETHERNET)?;
    let (mut written, mut packets, mut round) = (0, 0, 0);
    let start = Timestamp::from_secs(1_780_000_000);
    while written < bytes {
        let before = written;
        for capture in captures {
            let mut reader = Capture::open(&[PathBuf::from(capture)], &Options::default())?;
            let mut first = None;
            while let Some(packet) = reader.next_packet() {
                if packet.link != LinkType::ETHERNET {
                    continue;
                }
                let first = *first.get_or_insert(packet.time);
                let mut frame = packet.data.to_vec();
                shift(&mut frame, round);
                let time = start.plus_nanos(packet.time.since(first).clamp(0, HOUR)).plus_nanos(HOUR * round);
                writer.packet(time, packet.wire_len, &frame)?;
                written += 16 + frame.len() as u64;
                packets += 1;
            }
        }
        if written == before {
            return Err("no Ethernet frame in the captures".into());
        }
        round += 1;
    }
    writer.into_inner().flush()?;
    Ok(packets)
}

/// Moves 10.x and 192.168.x addresses by so many networks.
fn shift(frame: &mut [u8], round: i64) {
    if frame.get(12..14) != Some(&[8, 0]) {
        return;
    }
    for at in [26, 30] {
        if let Some([a, b, c, _]) =
            frame.get_mut(at..at + 4).and_then(|address| address.first_chunk_mut::<4>())
        {
            let by = u8::try_from(round & 0xff).unwrap_or(0);
            match (*a, *b) {
                (10, _) => *b = b.wrapping_add(by),
                (192, 168) => *c = c.wrapping_add(by),
                _ => {}
            }
        }
    }
}
