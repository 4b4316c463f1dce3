//! Several files are one capture: in time order, however they are named, compressed or overlapping.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use creance_capture::{Capture, Notes, Options, expand, write::PcapWriter};
use creance_model::{LinkType, Timestamp};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a capture whose packets are captured at these moments and hold them.
    fn capture(&self, name: &str, times: &[i64]) -> PathBuf {
        let path = self.0.join(name);
        File::create(&path).unwrap().write_all(&capture(times)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn capture(times: &[i64]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for time in times {
        writer.packet(Timestamp::from_nanos(*time), 8, &time.to_be_bytes()).unwrap();
    }
    writer.into_inner()
}

fn times(paths: &[PathBuf], open_files: usize) -> (Vec<i64>, Notes) {
    let mut capture = Capture::open(paths, &Options { open_files }).unwrap();
    let mut times = Vec::new();
    while let Some(packet) = capture.next_packet() {
        assert_eq!(packet.number, times.len() as u64 + 1);
        assert_eq!(packet.data, packet.time.as_nanos().to_be_bytes());
        times.push(packet.time.as_nanos());
    }
    assert_eq!(capture.total(), Some(capture.position()));
    let notes = capture.notes().clone();
    assert_eq!(notes.packets_per_input.len(), paths.len());
    (times, notes)
}

#[test]
fn rotated_files_are_read_by_their_first_packet_and_not_by_name() {
    let folder = Folder::new("rotated");
    folder.capture("a.pcap", &[30, 40]);
    folder.capture("b.pcap", &[10, 20]);
    folder.capture("c.pcap", &[]);
    let paths = expand(folder.0.to_str().unwrap()).unwrap();
    // One open file is enough, for they do not overlap.
    let (read, notes) = times(&paths, 1);
    assert_eq!(read, [10, 20, 30, 40]);
    assert_eq!((notes.unmerged, notes.unordered), (0, false));
    assert_eq!(notes.first, Some(Timestamp::from_nanos(10)));
    assert_eq!(notes.last, Some(Timestamp::from_nanos(40)));
}

#[test]
fn files_that_overlap_are_merged_and_too_many_are_noted() {
    let folder = Folder::new("overlap");
    let files: Vec<PathBuf> = (0..5_i64)
        .map(|file| {
            let times: Vec<i64> = (0..50).map(|packet| file * 3 + packet * 10).collect();
            folder.capture(&format!("{file}.pcap"), &times)
        })
        .collect();
    let (read, notes) = times(&files, 64);
    assert_eq!(read.len(), 250);
    assert!(read.is_sorted());
    assert_eq!((notes.unmerged, notes.unordered), (0, false));
    let (read, notes) = times(&files, 2);
    assert_eq!(read.len(), 250);
    assert_eq!((notes.unmerged, notes.unordered), (3, true));
}

#[test]
fn a_file_keeps_its_own_order_and_equal_moments_the_order_of_names() {
    let folder = Folder::new("equal");
    let files = [folder.capture("b.pcap", &[5, 1, 9]), folder.capture("a.pcap", &[5, 7])];
    let mut capture = Capture::open(&files, &Options::default()).unwrap();
    let mut read = Vec::new();
    while let Some(packet) = capture.next_packet() {
        read.push((packet.interface, packet.time.as_nanos()));
    }
    // "a" is opened first.
    assert_eq!(read, [(0, 5), (1, 5), (1, 1), (0, 7), (1, 9)]);
    assert!(capture.notes().unordered);
}

#[test]
fn a_folder_gives_captures_only_and_a_pattern_what_it_matches() {
    let folder = Folder::new("folder");
    folder.capture("one.pcap", &[1]);
    folder.capture("two.cap", &[2]);
    fs::write(folder.0.join("readme.txt"), "no capture").unwrap();
    // A gzip file that holds no capture: its magic alone does not make it one.
    fs::write(folder.0.join("logs.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .unwrap();
    fs::create_dir(folder.0.join("below")).unwrap();
    let name = folder.0.to_str().unwrap();
    assert_eq!(expand(name).unwrap().len(), 2);
    assert_eq!(expand(&format!("{name}/*.pcap")).unwrap(), [folder.0.join("one.pcap")]);
    assert!(expand(&format!("{name}/*.nothing")).unwrap_err().to_string().contains("no capture in it"));
    assert!(expand(&format!("{name}/absent.pcap")).is_err());
    assert!(expand(&format!("{name}/below")).is_err());
}
