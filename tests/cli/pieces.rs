//! Pieces of a file of the device, sent in ways that no store has.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use creance_capture::write::PcapWriter;
use creance_model::{LinkType, Timestamp};
use creance_tests::run;
use data_encoding::BASE64;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::text;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// Bytes that look random: a linear congruential generator, its highest bits.
fn noise(mut state: u64, length: usize) -> Vec<u8> {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A capture of one connection for each of these requests.
fn write(path: &Path, requests: &[Vec<u8>]) {
    let mut out = PcapWriter::new(BufWriter::new(File::create(path).unwrap()), LinkType::ETHERNET).unwrap();
    let mut nanos = 0;
    let mut segment = |port: u16, sequence: u32, flags: u8, payload: &[u8]| {
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 168, 42, 10, 198, 51, 100, 7]);
        frame.extend([port, 80].into_iter().flat_map(u16::to_be_bytes));
        frame.extend(sequence.to_be_bytes().into_iter().chain([0; 4]));
        frame.extend([0x50, flags, 255, 255, 0, 0, 0, 0]);
        frame.extend(payload);
        nanos += 1_000_000;
        let time = Timestamp::from_secs(1_780_000_000).plus_nanos(nanos);
        out.packet(time, u32::try_from(frame.len()).unwrap(), &frame).unwrap();
    };
    for (port, request) in (40_000..).zip(requests) {
        segment(port, 0, SYN, &[]);
        let mut sequence = 1;
        for piece in request.chunks(1400) {
            segment(port, sequence, ACK, piece);
            sequence += u32::try_from(piece.len()).unwrap();
        }
    }
    out.into_inner().flush().unwrap();
}

fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /x/9/q HTTP/1.1\r\nHost: up.skyvendor.example\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// What is found by the device that has this file, in these requests.
fn found(file: &[u8], requests: &[Vec<u8>]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let [device, capture] = ["device", "capture.pcap"].map(|name| folder.path().join(name));
    fs::create_dir(&device).unwrap();
    fs::write(device.join("DJI_0042.JPG"), file).unwrap();
    write(&capture, requests);
    let [device, capture] = [device, capture].map(|path| path.display().to_string());
    let output = run(["audit", &capture, "--device", &device, "--format", "json", "-q"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["match"] == "device").cloned().collect()
}

#[test]
fn pieces_of_a_file_in_any_chunking_are_one_finding_with_its_share() {
    let file = noise(42, 300_000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&file[150_000..195_000]).unwrap();
    let json = format!(r#"{{"n":3,"d":"{}"}}"#, BASE64.encode(&gzip.finish().unwrap()));
    let requests = [
        post("application/octet-stream", &file[..70_001]),
        post("application/x-unheard-of", &[b"<<", &file[69_000..120_000], b">>"].concat()),
        post("application/json", json.as_bytes()),
    ];
    let found = found(&file, &requests);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = &found[0];
    assert_eq!(finding["data_class"], "imagery");
    assert_eq!(finding["file"], "DJI_0042.JPG");
    assert_eq!(finding["value"], "file, 300000 bytes");
    assert_eq!(finding["count"], 3);
    assert_eq!(finding["destination"]["host"], "up.skyvendor.example");
    assert_eq!(finding["basis"], "55.0 % of the file: of 300000 bytes 0–119999, 150000–194999");
    let ways = finding["occurrences"].to_string();
    assert!(ways.contains("gzip") && ways.contains("part-of-file"), "{ways}");
}

#[test]
fn many_short_pieces_are_told_together_and_few_are_not() {
    let file = noise(7, 300_000);
    let piece = |piece: &[u8]| post("application/octet-stream", piece);
    let requests: Vec<Vec<u8>> = file.chunks(1000).map(piece).collect();
    let all = found(&file, &requests);
    assert_eq!(all.len(), 1);
    let share: f64 = all[0]["basis"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
    // Of 1000 bytes, the first 63 end no window; one of 2017 places is sampled.
    assert!((25.0..60.0).contains(&share), "{share}");
    assert!(found(&file, &requests[..2]).is_empty());
}

#[test]
fn the_whole_file_is_told_as_such_and_another_not_at_all() {
    let file = noise(42, 300_000);
    let whole = found(&file, &[post("application/octet-stream", &file)]);
    assert_eq!(whole.len(), 1);
    assert_eq!((&whole[0]["basis"], &whole[0]["count"]), (&"100 % of the file".into(), &1.into()));
    let halves = file.chunks(150_000).map(|half| post("application/octet-stream", half)).collect::<Vec<_>>();
    let joined = found(&file, &halves);
    assert_eq!((&joined[0]["basis"], joined.len()), (&"100 % of the file".into(), 1));
    assert!(found(&file, &[post("application/octet-stream", &noise(43, 300_000))]).is_empty());
}
