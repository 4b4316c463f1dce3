//! STUN, DTLS, RTP and RTCP: the shared captures hold hardly any, so that an invented call is told by both.

use std::{collections::BTreeSet, fs, process::Command};

use creance_tests::run;
use data_encoding::HEXLOWER;
use serde_json::Value;

/// RFC 5769 §2.1 and §2.2: a request and its answer.
const STUN: [&str; 2] = [
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36\
     000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf",
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599fd9e90c3\
     8c7489f92af9ba53f06be7d780280004c07d4c96",
];

/// A hello of DTLS 1.2 for `api.example`, without a cookie.
fn hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 20, 0, 0, 0, 16]);
    body.extend(b"\0\x0e\0\0\x0bapi.example");
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![
        22,
        0xfe,
        0xfd,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        12 + length,
        1,
        0,
        0,
        length,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        length,
    ];
    record.extend(body);
    record
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 34];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 3000).to_be_bytes());
    packet.extend([0x12, 0x34, 0x56, 0x78]);
    packet.extend([0xab; 100]);
    packet
}

fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend((28 + length).to_be_bytes());
    packet.extend([0, 1, 0, 0, 64, 17, 0, 0, 192, 168, 1, 2, 203, 0, 113, 9]);
    packet.extend(from.to_be_bytes());
    packet.extend(to.to_be_bytes());
    packet.extend((8 + length).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}

fn capture() -> Vec<u8> {
    let mut packets: Vec<Vec<u8>> =
        STUN.iter().map(|hex| datagram(40_000, 3478, &HEXLOWER.decode(hex.as_bytes()).unwrap())).collect();
    packets.push(datagram(40_002, 4433, &hello()));
    // Two numbers are missing.
    packets.extend(
        (0..30_u16)
            .filter(|number| ![5, 6].contains(number))
            .map(|number| datagram(40_004, 6000, &rtp(100 + number))),
    );
    let reports = b"\x80\xc9\0\x01abcd\x81\xca\0\x04abcd\x01\x07a@b.exa\0\0\0";
    packets.push(datagram(40_006, 5005, reports));
    // Nanoseconds do not matter: raw IP in the old format.
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0];
    for (second, packet) in (1_780_000_000_u32..).zip(packets) {
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        file.extend([second.to_le_bytes(), [0; 4], length, length].concat());
        file.extend(packet);
    }
    file
}

fn theirs(file: &str) -> Option<BTreeSet<String>> {
    let asked = ["stun.att.software", "stun.att.username", "stun.att.ipv4", "stun.att.port"];
    let asked = [asked.as_slice(), &["dtls.handshake.extensions_server_name", "rtcp.sdes.text"]].concat();
    let mut command = Command::new("tshark");
    command.args([
        "-n",
        "-r",
        file,
        "-d",
        "udp.port==4433,dtls",
        "-d",
        "udp.port==5005,rtcp",
        "-d",
        "udp.port==6000,rtp",
    ]);
    let mut streams = Command::new("tshark");
    streams.args(["-n", "-r", file, "-d", "udp.port==6000,rtp", "-q", "-z", "rtp,streams"]);
    command.args(["-T", "fields", "-E", "occurrence=f"]);
    for field in &asked {
        command.args(["-e", field]);
    }
    let mut told = BTreeSet::new();
    for line in String::from_utf8_lossy(&command.output().ok()?.stdout).lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        if !cells[2].is_empty() {
            told.insert(format!("{}:{}", cells[2], cells[3]));
        }
        for cell in [cells[0], cells[1], cells[4], cells[5]] {
            told.extend(Some(cell.trim().to_owned()).filter(|cell| !cell.is_empty()));
        }
    }
    for line in String::from_utf8_lossy(&streams.output().ok()?.stdout).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| word.starts_with("0x")) {
            told.insert(format!("{} {} {}", words[at].to_lowercase(), words[at + 2], words[at + 3]));
        }
    }
    Some(told)
}

fn ours(file: &str) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for line in run(["messages", file, "--reveal", "-q"]).stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        let fields = &message["fields"];
        for name in ["software", "username", "xor_mapped_address", "sni", "cname"] {
            told.extend(fields[name].as_str().map(|text| text.trim().to_owned()));
        }
        if message["kind"] == "stream" {
            let ssrc = fields["ssrc"].as_str().unwrap();
            told.insert(format!("{ssrc} {} {}", fields["packets"], fields["lost"]));
        }
    }
    told
}

#[test]
fn an_invented_call_is_told_as_tshark_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.pcap");
    fs::write(&file, capture()).unwrap();
    let file = file.display().to_string();
    let Some(theirs) = theirs(&file) else {
        println!("skipped: no tshark");
        return;
    };
    let ours = ours(&file);
    assert_eq!(ours, theirs);
    let expected = [
        "STUN test client",
        "test vector",
        "evtj:h6vY",
        "192.0.2.1:32853",
        "api.example",
        "a@b.exa",
        "0x12345678 28 2",
    ];
    assert_eq!(ours, expected.map(str::to_owned).into());
}
