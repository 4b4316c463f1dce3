//! Pieces of a TCP stream in any order that they can be put back from.

use std::collections::{HashMap, HashSet};

use creance_tests::{essence, example};
use proptest::prelude::*;

use crate::{Packet, audited, cut, difference, ends, packets, tcp, without_packets, write};

/// Acknowledgements of what is missing after which it counts as lost (`crates/flow/src/tcp.rs`): fewer fall into a run.
const PATIENCE: usize = 16;

/// Bytes of a run: fewer than may wait in one direction of a flow.
const MOST_BYTES: usize = 1 << 20;

/// Segments of one direction that nothing parts: where they stand in the capture.
#[derive(Default)]
struct Run {
    places: Vec<usize>,
    bytes: usize,
    acknowledged: usize,
}

/// The runs of a capture. What opens or closes a connection, or goes the other way with payload, ends one.
fn runs(sent: &[Packet]) -> Vec<Vec<usize>> {
    let (mut begun, mut open, mut all) = (HashSet::new(), HashMap::<Vec<u8>, Run>::new(), Vec::new());
    for (at, (_, _, frame)) in sent.iter().enumerate() {
        let Some((header, payload, end)) = tcp(frame) else { continue };
        let ours = ends(frame, header);
        let theirs = [&ours[4..8], &ours[..4], &ours[10..12], &ours[8..10]].concat();
        let plain = frame[header + 13].trailing_zeros() >= 3;
        if frame[header + 13] & 2 != 0 {
            begun.insert(ours.clone());
        }
        let length = end - payload;
        // The other way: an acknowledgement is borne with, a message is not.
        if let Some(run) = open.get_mut(&theirs) {
            run.acknowledged += 1;
            if length > 0 || !plain || run.acknowledged >= PATIENCE {
                all.extend(open.remove(&theirs).map(|run| run.places));
            }
        }
        if !plain {
            all.extend(open.remove(&ours).map(|run| run.places));
        } else if length > 0 && begun.contains(&ours) {
            let run = open.entry(ours).or_default();
            if run.bytes + length > MOST_BYTES {
                all.push(std::mem::take(run).places);
            }
            run.places.push(at);
            run.bytes += length;
        }
    }
    all.extend(open.into_values().map(|run| run.places));
    all.retain(|places| places.len() > 1);
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn pieces_of_a_stream_in_any_order_change_nothing(seed: u64) {
        let capture = example("capture.pcapng");
        let mut state = seed;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut sent = Vec::new();
        for packet in packets(&capture) {
            let mut rest = packet;
            while let Some((_, payload, end)) = tcp(&rest.2).filter(|(_, payload, end)| end - payload > 1 && random(3) > 0) {
                let [piece, behind] = cut(&rest, 1 + random(end - payload - 1));
                sent.push(piece);
                rest = behind;
            }
            sent.push(rest);
        }
        let runs = runs(&sent);
        // What comes in another order would come at other times: a run has one.
        for places in &runs {
            let time = sent[places[0]].0;
            for at in places {
                sent[*at].0 = time;
            }
        }
        let mut moved = 0;
        let before = sent.clone();
        for places in &runs {
            for last in (1..places.len()).rev() {
                let other = random(last + 1);
                moved += usize::from(other != last);
                sent.swap(places[last], places[other]);
            }
        }
        prop_assert!(moved > 1000, "hardly anything was moved: {}", moved);
        let folder = tempfile::tempdir().unwrap();
        let [before, after] = [("before.pcap", before), ("after.pcap", sent)].map(|(name, packets)| {
            let path = folder.path().join(name);
            write(&path, &packets);
            let mut document = audited(&path, &capture, 2);
            without_packets(&mut document);
            essence(document)
        });
        prop_assert_eq!(difference("", &before, &after), None);
    }
}
