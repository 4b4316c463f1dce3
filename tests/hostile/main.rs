//! Captures and files made to hurt: bounded in memory, and said so.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod archives;
mod files;
mod registers;

use std::{
    fs,
    io::{BufWriter, Write},
    process::{Child, ChildStdin, Command, Output, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use creance_capture::write::PcapWriter;
use creance_model::{LinkType, Timestamp};
use creance_tests::{creance, run};
use serde_json::Value;

/// Runs an audit of what `make` writes, and gives its answer and the most anonymous memory it held, in kB.
fn audit(make: impl FnOnce(ChildStdin) + Send + 'static) -> (i32, Value, u64) {
    audit_with(&[], make)
}

fn audit_with(options: &[&str], make: impl FnOnce(ChildStdin) + Send + 'static) -> (i32, Value, u64) {
    let mut child = creance()
        .args(["audit", "-", "--format", "json"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || make(stdin));
    let watcher = watch(&child);
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let document = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), document, watcher.join().unwrap())
}

/// The most anonymous memory that a process holds until it ends, in kB.
fn watch(child: &Child) -> JoinHandle<u64> {
    let status = format!("/proc/{}/status", child.id());
    std::thread::spawn(move || {
        let mut most = 0;
        while let Ok(text) = fs::read_to_string(&status) {
            let Some(line) = text.lines().find(|line| line.starts_with("RssAnon:")) else { break };
            most = most.max(line.split_whitespace().nth(1).unwrap().parse().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
        most
    })
}

/// What a command says, and the most anonymous memory it held, in kB.
fn most_memory(command: &mut Command) -> (Output, u64) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let watcher = watch(&child);
    (child.wait_with_output().unwrap(), watcher.join().unwrap())
}

/// An Ethernet frame with IPv4 and TCP from our side.
fn segment(source: [u8; 4], port: u16, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    frame.extend(source);
    frame.extend([47, 95, 1, 2]);
    frame.extend(port.to_be_bytes());
    frame.extend([0, 80]);
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

#[test]
fn millions_of_flows_of_one_packet_stay_within_bounds() {
    #[expect(clippy::disallowed_methods, reason = "how much to do is asked for here")]
    let flows: u32 =
        std::env::var("CREANCE_FLOWS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let (code, document, memory) = audit(move |stdin| {
        let mut writer = PcapWriter::new(BufWriter::new(stdin), LinkType::ETHERNET).unwrap();
        for flow in 0..flows {
            let [a, b, c, d] = flow.to_be_bytes();
            let frame = segment([10, a ^ 1, b, c], 1024 + u16::from(d), 1, 2, &[]);
            writer.packet(Timestamp::from_nanos(i64::from(flow) * 1000), 54, &frame).unwrap();
        }
    });
    assert_eq!(code, 4, "a limit reached makes the answer incomplete");
    assert_eq!(document["case"]["packets"], flows);
    let told = document["case"]["notes"].to_string();
    assert!(told.contains("too many were open"), "{told}");
    assert!((1..300_000).contains(&memory), "{memory} kB");
    println!("{flows} flows: {memory} kB");
}

/// Requests of one connection whose body is so many megabytes of zeros, compressed.
fn bombs(requests: usize, megabytes: usize) -> impl FnOnce(ChildStdin) + Send + 'static {
    move |stdin| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..megabytes {
            encoder.write_all(&zeros).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        let head = format!(
            "POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            bomb.len()
        );
        let stream = [head.as_bytes(), &bomb].concat().repeat(requests);
        let mut writer = PcapWriter::new(BufWriter::new(stdin), LinkType::ETHERNET).unwrap();
        let mut sequence = 1;
        writer.packet(Timestamp::default(), 54, &segment([10, 0, 0, 2], 4000, 0, 2, &[])).unwrap();
        for piece in stream.chunks(1400) {
            let frame = segment([10, 0, 0, 2], 4000, sequence, 16, piece);
            writer.packet(Timestamp::from_secs(1), u32::try_from(frame.len()).unwrap(), &frame).unwrap();
            sequence += u32::try_from(piece.len()).unwrap();
        }
    }
}

#[test]
fn a_zip_bomb_in_a_request_is_cut_and_said_to_be() {
    let (code, document, memory) = audit(bombs(1, 2048));
    assert_eq!(code, 4, "a limit reached makes the answer incomplete");
    let told = document["case"]["notes"].to_string();
    assert!(told.contains("decompressed content"), "{told}");
    assert!((1..300_000).contains(&memory), "{memory} kB");
    println!("2 GB of zeros: {memory} kB");
}

#[test]
fn many_threads_do_not_hold_many_zip_bombs() {
    let (code, document, memory) = audit_with(&["--jobs", "16"], bombs(40, 60));
    assert_eq!(code, 0, "{document}");
    assert!(document["coverage"]["readable"].as_u64().unwrap() > 0);
    assert!((1..400_000).contains(&memory), "{memory} kB");
    println!("40 times 60 MB of zeros, 16 threads: {memory} kB");
}

#[test]
fn claimed_lengths_of_four_gigabytes_are_damage() {
    let mut pcap = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap().into_inner();
    pcap.extend([0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3]);
    let section = [
        0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255,
        255, 255, 255, 28, 0, 0, 0,
    ];
    let pcapng = [&section[..], &[6, 0, 0, 0, 0xfc, 255, 255, 255, 1, 2, 3, 4]].concat();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a.pcap", pcap), ("b.pcapng", pcapng)] {
        let file = folder.path().join(name);
        fs::write(&file, &bytes).unwrap();
        let output = run(["audit", file.to_str().unwrap(), "--format", "json"]);
        assert_eq!(output.status.code(), Some(4), "{name}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["damage"].as_array().unwrap().len(), 1, "{document}");
        // Once more with 64 MB behind the claim, for which no room may be made beforehand.
        let (code, document, memory) = audit(move |mut stdin| {
            // It may stop reading early: then there is no one to write to.
            drop(stdin.write_all(&bytes).and_then(|()| stdin.write_all(&vec![0; 64 << 20])));
        });
        assert_eq!(code, 4, "{name}, piped");
        assert!(!document["damage"].as_array().unwrap().is_empty(), "{document}");
        assert!((1..300_000).contains(&memory), "{name}: {memory} kB");
    }
}
