//! Makes a capture of any size from real ones, repeated: `make OUT BYTES CAPTURE...`; or one of as many flows as wanted,
//! one packet each: `make OUT --flows N`. OUT may be `-`, standard output.
//!
//! Each repetition comes an hour after the last, and from other addresses: the second byte of private IPv4 addresses is
//! shifted, so that flows do not run into each other. Frames that are not Ethernet are left out; checksums are not mended.
#![expect(clippy::print_stderr, reason = "a program")]

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use creance_capture::{Capture, Options, write::PcapWriter};
use creance_model::{LinkType, Timestamp};

const HOUR: i64 = 3_600_000_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let made = match arguments.as_slice() {
        [out, flag, count] if flag == "--flows" => match count.parse() {
            Ok(count) => flows(out, count),
            Err(_) => return usage(&format!("N is `{count}`, expected a number up to {}", u32::MAX)),
        },
        [out, bytes, captures @ ..] if !captures.is_empty() => match bytes.parse() {
            Ok(bytes) => repeat(out, bytes, captures),
            Err(_) => return usage(&format!("BYTES is `{bytes}`, expected a number")),
        },
        _ => return usage("two ways to call it"),
    };
    match made {
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

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}\nusage: make OUT BYTES CAPTURE...\n       make OUT --flows N");
    ExitCode::from(2)
}

type Made = Result<u64, Box<dyn std::error::Error>>;

fn create(out: &str) -> io::Result<PcapWriter<Box<dyn Write>>> {
    let to: Box<dyn Write> = if out == "-" { Box::new(io::stdout()) } else { Box::new(File::create(out)?) };
    PcapWriter::new(Box::new(BufWriter::with_capacity(1 << 20, to)), LinkType::ETHERNET)
}

/// One TCP SYN for each flow, a microsecond apart, from 10.0.0.0/8 outwards.
fn flows(out: &str, count: u32) -> Made {
    let mut writer = create(out)?;
    for flow in 0..count {
        let [a, b, c, d] = flow.to_be_bytes();
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, b, c, d, 47, 95, 1, 2]);
        // Past 2^24 flows the addresses come again, with another port.
        frame.extend((1024 + u16::from(a)).to_be_bytes());
        frame.extend([0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 255, 255, 0, 0, 0, 0]);
        let time = Timestamp::from_secs(1_780_000_000).plus_nanos(i64::from(flow) * 1000);
        writer.packet(time, u32::try_from(frame.len())?, &frame)?;
    }
    writer.into_inner().flush()?;
    Ok(count.into())
}

fn repeat(out: &str, bytes: u64, captures: &[String]) -> Made {
    let mut writer = create(out)?;
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
