//! What is written is read; what is damaged is read as far as it goes; the counts are tshark's.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::io::Read;

use creance_capture::{
    Capture, Options, read_bytes,
    write::{PcapWriter, PcapngWriter},
};
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

/// The frames, and each damage with its offset.
fn read(bytes: &[u8], step: usize) -> (Vec<Frame>, Vec<(String, u64)>) {
    let reader = Slow { bytes: bytes.to_vec(), at: 0, step };
    let mut capture = match Capture::from_reader("test", Box::new(reader), &Options::default()) {
        Ok(capture) => capture,
        Err(error) => return (Vec::new(), vec![(error.to_string(), 0)]),
    };
    let mut frames = Vec::new();
    while let Some(packet) = capture.next_packet() {
        assert_eq!(packet.number, frames.len() as u64 + 1);
        frames.push((packet.time.as_nanos(), packet.data.to_vec()));
    }
    assert_eq!(capture.notes().packets_per_input, [("test".to_owned(), frames.len() as u64)]);
    assert_eq!(capture.position(), bytes.len() as u64 - unread(&capture, bytes.len()));
    (frames, capture.notes().damage.iter().map(|one| (one.what.clone(), one.offset)).collect())
}

/// What is left of the file is at most what comes after damage.
fn unread(capture: &Capture, length: usize) -> u64 {
    let left = length as u64 - capture.position();
    assert!(left == 0 || !capture.notes().damage.is_empty());
    left
}

fn pcap(frames: &[Frame], nanos: bool, big: bool) -> Vec<u8> {
    let mut writer = PcapWriter::with(Vec::new(), LinkType::ETHERNET, nanos, big).unwrap();
    for (time, data) in frames {
        writer.packet(Timestamp::from_nanos(*time), u32::try_from(data.len()).unwrap(), data).unwrap();
    }
    writer.into_inner()
}

fn pcapng(frames: &[Frame], big: bool) -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new(), LinkType::ETHERNET, big).unwrap();
    for (time, data) in frames {
        writer.packet(Timestamp::from_nanos(*time), u32::try_from(data.len()).unwrap(), data).unwrap();
    }
    writer.into_inner()
}

/// Both formats in both byte orders, with nanoseconds.
fn files(frames: &[Frame]) -> [Vec<u8>; 4] {
    [pcap(frames, true, false), pcap(frames, true, true), pcapng(frames, false), pcapng(frames, true)]
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
        for file in files(&frames) {
            prop_assert_eq!(read(&file, step), (frames.clone(), Vec::new()));
        }
    }

    #[test]
    fn microseconds_are_read(frames in frames(), big: bool) {
        let coarse: Vec<Frame> =
            frames.iter().map(|(time, data)| (time / 1000 * 1000, data.clone())).collect();
        prop_assert_eq!(read(&pcap(&frames, false, big), 1 << 16).0, coarse);
    }

    #[test]
    fn a_cut_gives_the_frames_before_it_and_a_note(frames in frames(), at: prop::sample::Index) {
        for file in files(&frames) {
            let cut = &file[..at.index(file.len())];
            let (read, damage) = read(cut, 1 << 16);
            prop_assert!(frames.starts_with(&read));
            prop_assert!(damage.len() <= 1);
            // Only a cut between two records goes unnoticed.
            if damage.is_empty() {
                prop_assert_eq!(&files(&read).iter().map(Vec::len).find(|whole| *whole >= cut.len()).is_some(), &true);
            }
        }
    }

    #[test]
    fn damage_is_read_the_same_however_it_trickles_in(
        frames in frames(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        step in 1usize..100,
    ) {
        for mut file in files(&frames) {
            for (at, byte) in &flips {
                let at = at.index(file.len());
                file[at] = *byte;
            }
            let (whole, damage) = read(&file, 1 << 16);
            prop_assert_eq!(read(&file, step), (whole.clone(), damage));
            // No frame is made up: each takes the room of its header.
            prop_assert!(whole.iter().map(|(_, data)| data.len() + 12).sum::<usize>() <= file.len());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>, like in 0usize..4) {
        let mut file = files(&[]).swap_remove_at(like);
        file.extend(&bytes);
        read(&file, 1 << 16);
        let _ = read_bytes(&bytes, |_| {});
    }
}

trait SwapRemoveAt {
    fn swap_remove_at(self, at: usize) -> Vec<u8>;
}

impl SwapRemoveAt for [Vec<u8>; 4] {
    fn swap_remove_at(self, at: usize) -> Vec<u8> {
        Vec::from(self).swap_remove(at)
    }
}

#[test]
fn a_claimed_length_of_four_gigabytes_is_damage() {
    let mut file = pcap(&[(1, vec![1, 2, 3])], true, false);
    let at = file.len() as u64;
    file.extend([0; 8]);
    file.extend([0xff; 8]);
    assert_eq!(read(&file, 1 << 16), (vec![(1, vec![1, 2, 3])], vec![("record length".to_owned(), at)]));
    let mut file = pcapng(&[(1, vec![1, 2, 3])], false);
    let at = file.len() as u64;
    file.extend([6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert_eq!(read(&file, 1 << 16), (vec![(1, vec![1, 2, 3])], vec![("block length".to_owned(), at)]));
}

#[test]
fn interfaces_are_numbered_over_all_sections_and_unknown_blocks_counted() {
    let mut writer = PcapngWriter::new(Vec::new(), LinkType::ETHERNET, true).unwrap();
    writer.packet(Timestamp::from_nanos(7), 1, &[1]).unwrap();
    writer.block(0x1234, &[1, 2, 3]).unwrap();
    writer.section(LinkType::RAW).unwrap();
    writer.packet(Timestamp::from_nanos(5), 1, &[2]).unwrap();
    // Simple, of two bytes; its time is the last packet's.
    writer.block(3, &[0, 0, 0, 2, 8, 9]).unwrap();
    // Obsolete: interface 0, four dropped.
    let obsolete = [&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1][..], &[3]].concat();
    writer.block(2, &obsolete).unwrap();
    // Of an interface that nobody described: it is noted, and what follows is read.
    writer.block(6, &[[0, 0, 0, 9].as_slice(), &[0; 16]].concat()).unwrap();
    // A comment that is longer than its block, on a packet.
    let body = [&[0; 15][..], &[1, 0, 0, 0, 1, 4, 0, 0, 0, 0, 1, 0, 99, 65, 66, 67, 68]].concat();
    writer.block(6, &body).unwrap();
    let mut seen = Vec::new();
    let notes = read_bytes(&writer.into_inner(), |packet| {
        seen.push((packet.interface, packet.link, packet.time.as_nanos(), packet.data.to_vec()));
    })
    .unwrap();
    assert_eq!(
        seen,
        [
            (0, LinkType::ETHERNET, 7, vec![1]),
            (1, LinkType::RAW, 5, vec![2]),
            (1, LinkType::RAW, 5, vec![8, 9]),
            (1, LinkType::RAW, 9, vec![3]),
            (1, LinkType::RAW, 0, vec![4]),
        ]
    );
    assert_eq!((notes.skipped_blocks, notes.interfaces.len(), notes.unordered), (1, 2, true));
    let damage: Vec<&str> = notes.damage.iter().map(|one| one.why.as_str()).collect();
    assert_eq!(damage, ["interface is 9, described are 1", "option 1 has a length of 99 bytes, found 4"],);
}

#[test]
fn what_is_no_capture_is_named() {
    for (bytes, wanted) in [
        (
            &b"\xff\xd8\xff\xe0JFIF"[..],
            "first bytes ffd8ffe0, expected pcap, pcapng, HAR or mitmproxy flows, gzip or zstd",
        ),
        (b"", "not a capture: an empty file"),
        (b" {\"log\": {}}", "JSON that is no HAR"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "a pcap header of 24 bytes cut after 6"),
    ] {
        let error = read_bytes(bytes, |_| {}).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_disk_that_fails_ends_the_capture_with_a_note() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the card was pulled out"))
        }
    }
    let file = pcap(&[(1, vec![1]), (2, vec![2])], true, false);
    // Also right after the header, which is read before any packet is asked for.
    for (keep, packets) in [(file.len(), 2), (file.len() - 1, 1), (24, 0)] {
        let reader = std::io::Cursor::new(file[..keep].to_vec()).chain(Failing);
        let mut capture = Capture::from_reader("card", Box::new(reader), &Options::default()).unwrap();
        let mut count = 0;
        while capture.next_packet().is_some() {
            count += 1;
        }
        let damage = &capture.notes().damage;
        assert_eq!((count, damage.len()), (packets, 1));
        assert_eq!(
            (damage[0].what.as_str(), damage[0].why.as_str()),
            ("read error", "the card was pulled out")
        );
    }
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
        // What tshark calls cut short is noted as such here, and nothing else is.
        let cut = oracle["tshark_error"].to_string().contains("cut short");
        let noted = capture.notes().damage.iter().any(|one| one.what == "capture cut short");
        assert_eq!(noted, cut, "{name}: {:?}", capture.notes().damage);
        checked += 1;
    }
    assert!(checked > 50);
}
