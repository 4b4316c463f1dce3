//! What is written is read; what is damaged is read as far as it goes; the counts are tshark's.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::io::Read;

use creance_capture::{Capture, Options, write::PcapWriter};
use creance_model::{LinkType, Timestamp};
use proptest::prelude::*;

/// Gives at most `step` bytes at a time.
struct Slow {
    bytes: Vec<u8>,
    at: usize,
    step: usize,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let length = rest.len().min(buffer.len()).min(self.step);
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

type Frame = (i64, Vec<u8>);

fn read(bytes: &[u8], step: usize) -> (Vec<Frame>, usize) {
    let reader = Slow { bytes: bytes.to_vec(), at: 0, step };
    let Ok(mut capture) = Capture::from_reader("test", Box::new(reader), &Options::default()) else {
        return (Vec::new(), 1);
    };
    let mut frames = Vec::new();
    while let Some(packet) = capture.next_packet() {
        frames.push((packet.time.as_nanos(), packet.data.to_vec()));
    }
    (frames, capture.notes().damage.len())
}

fn pcap(frames: &[Frame]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for (time, data) in frames {
        writer.packet(Timestamp::from_nanos(*time), u32::try_from(data.len()).unwrap(), data).unwrap();
    }
    writer.into_inner()
}

/// A little-endian pcapng with one interface.
fn pcapng(frames: &[Frame]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        [&kind.to_le_bytes(), &length[..], &body, &length].concat()
    };
    let mut file =
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    file.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    for (time, data) in frames {
        let ticks = time.cast_unsigned();
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let mut body = vec![0; 4];
        body.extend(u32::try_from(ticks >> 32).unwrap().to_le_bytes());
        body.extend(u32::try_from(ticks & 0xffff_ffff).unwrap().to_le_bytes());
        body.extend([length, length].concat());
        body.extend(data);
        file.extend(block(6, &body));
    }
    file
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    prop::collection::vec(
        (0i64..4_000_000_000_000_000_000, prop::collection::vec(any::<u8>(), 0..200)),
        0..20,
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_trickles_in(frames in frames(), step in 1usize..4000) {
        for file in [pcap(&frames), pcapng(&frames)] {
            prop_assert_eq!(read(&file, step), (frames.clone(), 0));
        }
    }

    #[test]
    fn a_cut_gives_the_frames_before_it_and_a_note(frames in frames(), keep in 0.0f64..1.0) {
        for file in [pcap(&frames), pcapng(&frames)] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a fraction of a length")]
            let cut = &file[..(file.len() as f64 * keep) as usize];
            let (read, _) = read(cut, 1 << 16);
            prop_assert!(frames.starts_with(&read));
        }
    }

    #[test]
    fn no_damage_makes_the_reader_panic(frames in frames(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        for mut file in [pcap(&frames), pcapng(&frames)] {
            for (at, byte) in &flips {
                let at = at.index(file.len());
                file[at] = *byte;
            }
            read(&file, 1 << 16);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        read(&bytes, 1 << 16);
    }
}

#[test]
fn a_claimed_length_of_four_gigabytes_is_damage() {
    let mut file = pcap(&[(1, vec![1, 2, 3])]);
    file.extend([0; 8]);
    file.extend([0xff; 8]);
    assert_eq!(read(&file, 1 << 16), (vec![(1, vec![1, 2, 3])], 1));
}

#[test]
fn counts_equal_tsharks() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures"));
    if !folder.is_dir() {
        println!("skipped: no shared captures at {}", folder.display());
        return;
    }
    let mut checked = 0;
    for entry in std::fs::read_dir(folder.join("oracle")).unwrap() {
        let oracle: serde_json::Value =
            serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let Some(packets) = oracle["packets"].as_u64() else { continue };
        let name = oracle["capture"].as_str().unwrap();
        let mut capture = Capture::open(&[folder.join(name)], &Options::default()).unwrap();
        let mut count = 0;
        while capture.next_packet().is_some() {
            count += 1;
        }
        assert_eq!(count, packets, "{name}: {:?}", capture.notes().damage);
        checked += 1;
    }
    assert!(checked > 50);
}
