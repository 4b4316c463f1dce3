//! What must not change a result: how many threads there are, into which files a capture was rotated, in what pieces and
//! order bytes came.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod recordings;
mod segments;

use std::{
    collections::HashSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use creance_audit::Request;
use creance_capture::{Capture, Options, write::PcapWriter};
use creance_model::{LinkType, Timestamp};
use creance_tests::{essence, example, shared};
use proptest::prelude::*;
use serde_json::Value;

/// A packet: when, how long it was, its bytes.
type Packet = (Timestamp, u32, Vec<u8>);

fn packets(capture: &Path) -> Vec<Packet> {
    let mut reader = Capture::open(&[capture.to_owned()], &Options::default()).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        assert_eq!(packet.link, LinkType::ETHERNET, "{}", capture.display());
        packets.push((packet.time, packet.wire_len, packet.data.to_vec()));
    }
    packets
}

fn write<'a>(path: &Path, packets: impl IntoIterator<Item = &'a Packet>) {
    let mut writer = PcapWriter::new(File::create(path).unwrap(), LinkType::ETHERNET).unwrap();
    for (time, length, data) in packets {
        writer.packet(*time, *length, data).unwrap();
    }
}

/// Audits an input with what lies beside `capture`.
fn audited(input: &Path, capture: &Path, jobs: usize) -> Value {
    let beside = |name| Some(capture.with_file_name(name)).filter(|path: &PathBuf| path.exists());
    let request = Request {
        inputs: vec![input.display().to_string()],
        keys: beside("capture.keys").into_iter().collect(),
        canaries: beside("canaries.toml"),
        device: beside("device").into_iter().collect(),
        flight: beside("flight.tlog").into_iter().collect(),
        actions: beside("actions.csv"),
        jobs,
        ..Request::default()
    };
    serde_json::to_value(creance_audit::audit(&request, &mut |_| {}).unwrap().findings_document()).unwrap()
}

/// Takes away the numbers of packets, and how many there were.
fn without_packets(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(without_packets),
        Value::Object(fields) => {
            fields.remove("packets");
            fields.values_mut().for_each(without_packets);
        }
        _ => {}
    }
}

/// Where two values differ first, and how.
fn difference(at: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(index, (a, b))| difference(&format!("{at}/{index}"), a, b))
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().map(|(key, a)| (key, a, b.get(key).unwrap_or(&Value::Null)));
            pairs.find_map(|(key, a, b)| difference(&format!("{at}/{key}"), a, b))
        }
        _ if one == other => None,
        _ => {
            let shown = |value: &Value| value.to_string().chars().take(1000).collect::<String>();
            Some(format!("{at}: {} / {}", shown(one), shown(other)))
        }
    }
}

/// The captures of the lab, and the example.
fn captures() -> Vec<PathBuf> {
    let folders = shared("lab").into_iter().flat_map(|lab| fs::read_dir(lab).unwrap());
    let captures = folders.map(|folder| folder.unwrap().path().join("capture.pcapng"));
    let mut captures: Vec<PathBuf> = captures.filter(|capture| capture.is_file()).collect();
    captures.push(example("capture.pcapng"));
    captures.sort();
    captures
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for capture in captures() {
        let one = audited(&capture, &capture, 1);
        for jobs in [2, 5] {
            let other = audited(&capture, &capture, jobs);
            assert_eq!(difference("", &one, &other), None, "{} on {jobs} threads", capture.display());
        }
    }
}

/// The parts of an Ethernet frame with TCP over IPv4: where its header begins, where its payload does and ends.
fn tcp(frame: &[u8]) -> Option<(usize, usize, usize)> {
    let header = 14 + usize::from(frame.get(14)? & 15) * 4;
    (frame.get(12..14)? == [8, 0] && frame.get(23) == Some(&6)).then_some(())?;
    let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let payload = header + usize::from(frame.get(header + 12)? >> 4) * 4;
    (payload <= end && end <= frame.len()).then_some((header, payload, end))
}

/// A segment cut in two behind so many bytes of payload.
fn cut((time, _, frame): &Packet, at: usize) -> [Packet; 2] {
    let (header, payload, end) = tcp(frame).unwrap();
    let piece = |from: usize, to: usize, last: bool| {
        let mut piece = [&frame[..payload], &frame[payload + from..payload + to]].concat();
        let length = u16::try_from(piece.len() - 14).unwrap();
        piece[16..18].copy_from_slice(&length.to_be_bytes());
        let sequence = u32::from_be_bytes(frame[header + 4..header + 8].try_into().unwrap());
        let sequence = sequence.wrapping_add(u32::try_from(from).unwrap());
        piece[header + 4..header + 8].copy_from_slice(&sequence.to_be_bytes());
        if !last {
            // FIN and PSH belong to the end.
            piece[header + 13] &= !9;
        }
        (*time, u32::try_from(piece.len()).unwrap(), piece)
    };
    [piece(0, at, false), piece(at, end - payload, true)]
}

/// Who sends to whom, if this begins a connection.
fn ends(frame: &[u8], header: usize) -> Vec<u8> {
    [&frame[26..34], &frame[header..header + 4]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_files_of_a_rotated_capture_change_nothing(cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6), shift in 0..6usize) {
        let capture = example("capture.pcapng");
        let packets = packets(&capture);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(packets.len())).chain([0, packets.len()]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let folder = tempfile::tempdir().unwrap();
        for (number, cut) in cuts.windows(2).enumerate() {
            // Names say nothing of the order.
            let name = format!("{}.pcap", (number + shift) % cuts.len());
            write(&folder.path().join(name), &packets[cut[0]..cut[1]]);
        }
        let [rotated, whole] = [folder.path(), &capture].map(|input| essence(audited(input, &capture, 2)));
        prop_assert_eq!(difference("", &rotated, &whole), None);
    }

    #[test]
    fn pieces_their_order_and_copies_of_them_change_nothing(seed: u64) {
        let capture = example("capture.pcapng");
        let mut state = seed;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let (mut begun, mut sent) = (HashSet::new(), Vec::new());
        for packet in packets(&capture) {
            let Some((header, payload, end)) = tcp(&packet.2) else {
                sent.push(packet);
                continue;
            };
            let ends = ends(&packet.2, header);
            if packet.2[header + 13] & 2 != 0 {
                begun.insert(ends);
                sent.push(packet);
                continue;
            }
            let length = end - payload;
            if length < 2 || random(3) == 0 {
                sent.push(packet);
                continue;
            }
            let mut pieces = cut(&packet, 1 + random(length - 1)).to_vec();
            // Of a connection whose beginning was not seen, what comes first counts as its beginning.
            if begun.contains(&ends) && random(2) == 0 {
                pieces.reverse();
            }
            if begun.contains(&ends) && random(4) == 0 {
                pieces.push(pieces[0].clone());
            }
            sent.extend(pieces);
        }
        prop_assert!(sent.len() > 3000, "hardly anything was cut");
        // Neighbours of one connection and direction, of the same moment or nearly, change places.
        for at in 1..sent.len() {
            let [a, b] = [at - 1, at].map(|at| tcp(&sent[at].2).map(|(header, ..)| (header, ends(&sent[at].2, header))));
            let same = a.is_some() && a == b && begun.contains(&a.as_ref().unwrap().1);
            // No FIN, SYN or RST.
            let plain = |at: usize, header: usize| sent[at].2[header + 13].trailing_zeros() >= 3;
            if same && (at - 1..=at).all(|at| plain(at, a.as_ref().unwrap().0)) && sent[at - 1].0 == sent[at].0 && random(4) == 0 {
                sent.swap(at - 1, at);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("cut.pcap");
        write(&other, &sent);
        let [before, after] = [&capture, &other].map(|input| {
            let mut document = audited(input, &capture, 2);
            without_packets(&mut document);
            essence(document)
        });
        prop_assert_eq!(difference("", &before, &after), None);
    }
}
