//! Properties of the assembler as its users see it: whole packets in, streams out.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use creance_flow::{Assembler, Chunk, Close, Counters, Gap, Handler, Options, Totals};
use creance_model::{Flow, LinkType, Packet, Side, Timestamp, Transport};
use proptest::prelude::*;

/// A flow, what its ends sent, and its sums.
type Ended = (Flow, [Vec<u8>; 2], Totals);

/// What was handed over, by flow.
#[derive(Default)]
struct Kept(BTreeMap<u64, Ended>);

impl Handler for Kept {
    type State = [Vec<u8>; 2];

    fn open(&mut self, _: &Flow) -> Self::State {
        Self::State::default()
    }

    fn data(&mut self, _: &Flow, state: &mut Self::State, chunk: &Chunk<'_>) {
        state[chunk.from.index()].extend_from_slice(chunk.bytes);
    }

    fn gap(&mut self, _: &Flow, state: &mut Self::State, gap: &Gap) {
        state[gap.from.index()].push(b'_');
        assert!(gap.bytes > 0);
    }

    fn close(&mut self, flow: &Flow, state: Self::State, totals: &Totals) {
        assert!(self.0.insert(flow.id, (flow.clone(), state, *totals)).is_none(), "closed once");
    }
}

/// Reads the first chunk of a flow only.
struct First;

impl Handler for First {
    type State = bool;

    fn open(&mut self, _: &Flow) -> bool {
        false
    }

    fn data(&mut self, _: &Flow, state: &mut bool, _: &Chunk<'_>) {
        *state = true;
    }

    fn gap(&mut self, _: &Flow, _: &mut bool, _: &Gap) {}

    fn reads(&self, state: &bool) -> bool {
        !*state
    }

    fn close(&mut self, _: &Flow, _: bool, _: &Totals) {}
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A TCP packet in raw IPv4.
fn tcp(from: Side, sequence: u32, acknowledged: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (client, server) = (([192, 168, 1, 2], 50_000u16), ([9, 9, 9, 9], 80u16));
    let (a, b) = if from == Side::Client { (client, server) } else { (server, client) };
    let mut data = vec![0x45, 0];
    data.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    data.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    data.extend(a.0.iter().chain(&b.0));
    data.extend([a.1.to_be_bytes(), b.1.to_be_bytes()].concat());
    data.extend([sequence.to_be_bytes(), acknowledged.to_be_bytes()].concat());
    data.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
    data.extend_from_slice(payload);
    data
}

fn run(packets: &[Vec<u8>]) -> (Vec<Ended>, Counters) {
    let timed: Vec<(i64, Vec<u8>)> = (0..).zip(packets.iter().cloned()).collect();
    run_timed(&timed, Options::default())
}

fn run_timed(packets: &[(i64, Vec<u8>)], options: Options) -> (Vec<Ended>, Counters) {
    let mut assembler = Assembler::new(Kept::default(), options);
    for (number, (seconds, data)) in (1..).zip(packets) {
        let wire_len = u32::try_from(data.len()).unwrap();
        let time = Timestamp::from_secs(*seconds);
        assembler.packet(&Packet {
            number,
            time,
            link: LinkType::RAW,
            interface: 0,
            wire_len,
            data,
            app: None,
        });
    }
    let (kept, counters) = assembler.finish();
    (kept.0.into_values().collect(), counters)
}

proptest! {
    #[test]
    fn two_streams_come_back_from_any_order_and_repetition(
        client in prop::collection::vec(any::<u8>(), 1..300),
        server in prop::collection::vec(any::<u8>(), 1..300),
        bases: (u32, u32),
        size in 1usize..40,
        order in prop::collection::vec(any::<prop::sample::Index>(), 100),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut middle = Vec::new();
        for (from, bytes, base) in [(Side::Client, &client, bases.0), (Side::Server, &server, bases.1)] {
            for (index, piece) in bytes.chunks(size).enumerate() {
                let at = u32::try_from(index * size + 1).unwrap();
                middle.push(tcp(from, base.wrapping_add(at), 0, 0, piece));
            }
        }
        for index in &repeated {
            middle.push(middle[index.index(middle.len())].clone());
        }
        for (at, other) in order.iter().enumerate() {
            let count = middle.len();
            middle.swap(at % count, other.index(count));
        }
        let end = |base: u32, bytes: &[u8]| base.wrapping_add(1 + u32::try_from(bytes.len()).unwrap());
        let mut packets = vec![tcp(Side::Client, bases.0, 0, SYN, &[])];
        packets.push(tcp(Side::Server, bases.1, bases.0.wrapping_add(1), SYN | ACK, &[]));
        packets.extend(middle);
        packets.push(tcp(Side::Client, end(bases.0, &client), end(bases.1, &server), FIN | ACK, &[]));
        packets.push(tcp(Side::Server, end(bases.1, &server), end(bases.0, &client).wrapping_add(1), FIN | ACK, &[]));
        let (flows, counters) = run(&packets);
        prop_assert_eq!(flows.len(), 1);
        let (_, streams, totals) = &flows[0];
        prop_assert_eq!(streams, &[client, server]);
        prop_assert_eq!((totals.lost, totals.conflicts, totals.why), ([0, 0], 0, Close::Fin));
        prop_assert!(totals.syn_seen);
        prop_assert_eq!(counters.unread_bytes, 0);
    }

    #[test]
    fn an_overlap_never_changes_what_was_handed_over(
        bytes in prop::collection::vec(0u8..100, 1..200),
        forged in prop::collection::vec((any::<prop::sample::Index>(), 1usize..30), 1..20),
    ) {
        let mut packets = vec![tcp(Side::Client, 6, 0, SYN, &[]), tcp(Side::Client, 7, 0, ACK, &bytes)];
        for (at, length) in forged {
            let at = at.index(bytes.len());
            let length = length.min(bytes.len() - at);
            packets.push(tcp(Side::Client, 7 + u32::try_from(at).unwrap(), 0, ACK, &vec![200; length]));
        }
        let (flows, _) = run(&packets);
        prop_assert_eq!(&flows[0].1[0], &bytes);
    }

    #[test]
    fn no_frame_makes_it_panic(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..40),
        link in prop::sample::select(vec![0u32, 1, 12, 101, 105, 108, 113, 127, 228, 276]),
        cut in 0u32..100,
        version in any::<bool>(),
    ) {
        let options = Options { max_flows: 4, max_buffered: 500, max_buffered_per_flow: 200, ..Options::default() };
        let mut assembler = Assembler::new(Kept::default(), options);
        for (number, mut data) in (1..).zip(frames) {
            // Half of the runs look like IP, so that they reach what lies above.
            if let [first, _, _, _, _, _, _, _, _, protocol, ..] = data.as_mut_slice() && version {
                *first = if *first & 1 == 0 { 0x45 } else { 0x60 };
                *protocol = 6;
            }
            let wire_len = u32::try_from(data.len()).unwrap() + cut;
            let time = Timestamp::from_nanos(i64::from_be_bytes([u8::try_from(number).unwrap(); 8]));
            assembler.packet(&Packet { number, time, link: LinkType(link), interface: 0, wire_len, data: &data, app: None });
        }
        assembler.finish();
    }
}

#[test]
fn a_tail_that_a_fin_proves_is_a_gap() {
    let (flows, _) = run(&[
        tcp(Side::Client, 0, 0, SYN, &[]),
        tcp(Side::Client, 1, 0, ACK, b"ab"),
        tcp(Side::Client, 10, 0, FIN | ACK, &[]),
    ]);
    assert_eq!((flows[0].1[0].as_slice(), flows[0].2.lost), (&b"ab_"[..], [7, 0]));
}

#[test]
fn a_tail_that_the_other_side_acknowledged_is_a_gap() {
    let (flows, _) = run(&[
        tcp(Side::Client, 0, 0, SYN, &[]),
        tcp(Side::Server, 0, 1, SYN | ACK, &[]),
        tcp(Side::Server, 1, 101, ACK, &[]),
    ]);
    assert_eq!(flows[0].2.lost, [100, 0]);
    // One byte may be the FIN.
    let (flows, _) = run(&[tcp(Side::Client, 0, 0, SYN, &[]), tcp(Side::Server, 1, 2, ACK, &[])]);
    assert_eq!(flows[0].2.lost, [0, 0]);
}

#[test]
fn another_connection_on_the_same_ports_is_another_flow_and_a_copy_of_its_syn_is_not() {
    let syn = tcp(Side::Client, 100, 0, SYN, &[]);
    let reset = tcp(Side::Server, 0, 101, RST | ACK, &[]);
    let (flows, _) = run(&[syn.clone(), reset, syn, tcp(Side::Client, 9000, 0, SYN, &[])]);
    let why: Vec<Close> = flows.iter().map(|(.., totals)| totals.why).collect();
    assert_eq!(why, [Close::Rst, Close::End]);
}

#[test]
fn a_reset_that_is_not_exact_ends_nothing() {
    for sequence in [0, 2, 500, 0x4000_0000, u32::MAX] {
        let (flows, counters) = run(&[
            tcp(Side::Client, 0, 0, SYN, &[]),
            tcp(Side::Client, sequence, 0, RST, &[]),
            tcp(Side::Client, 1, 0, ACK, b"kept"),
        ]);
        assert_eq!((flows.len(), flows[0].2.why), (1, Close::End));
        assert_eq!((flows[0].1[0].as_slice(), counters.inexact_resets), (&b"kept"[..], 1));
    }
}

#[test]
fn what_goes_on_behind_an_exact_reset_is_read_as_the_same_stream() {
    let late = tcp(Side::Client, 3, 0, ACK, b"te");
    let (flows, counters) = run(&[
        tcp(Side::Client, 0, 0, SYN, &[]),
        tcp(Side::Server, 0, 1, SYN | ACK, &[]),
        tcp(Side::Client, 1, 0, ACK, b"la"),
        tcp(Side::Client, 3, 0, RST, &[]),
        late.clone(),
        late,
        tcp(Side::Server, 1, 0, ACK, b"too"),
    ]);
    assert_eq!((flows.len(), flows[0].2.why), (1, Close::End));
    assert_eq!(flows[0].1, [b"late".to_vec(), b"too".to_vec()]);
    assert_eq!((counters.inexact_resets, counters.unread_bytes), (0, 0));
}

#[test]
fn a_reset_after_a_fin_may_count_it() {
    let (flows, counters) = run(&[
        tcp(Side::Client, 0, 0, SYN, &[]),
        tcp(Side::Client, 1, 0, FIN | ACK, &[]),
        tcp(Side::Client, 2, 0, RST, &[]),
    ]);
    assert_eq!((flows[0].2.why, counters.inexact_resets), (Close::Rst, 0));
}

#[test]
fn what_goes_on_behind_both_fins_is_read() {
    let (flows, counters) = run(&[
        tcp(Side::Client, 0, 0, SYN, &[]),
        tcp(Side::Server, 0, 1, SYN | ACK, &[]),
        tcp(Side::Client, 1, 1, FIN | ACK, &[]),
        tcp(Side::Server, 1, 1, FIN | ACK, &[]),
        tcp(Side::Client, 1, 1, ACK, b"still "),
        tcp(Side::Client, 7, 1, ACK, b"here"),
    ]);
    assert_eq!((flows.len(), flows[0].1[0].as_slice()), (1, &b"still here"[..]));
    assert_eq!((flows[0].2.why, counters.unread_bytes), (Close::End, 0));
}

#[test]
fn a_flow_that_is_over_ends_before_one_that_is_silent() {
    let packets = [
        (0, tcp(Side::Client, 0, 0, SYN, &[])),
        (1, tcp(Side::Client, 1, 0, RST, &[])),
        (400, tcp(Side::Client, 1, 0, ACK, b"much later")),
    ];
    let (flows, counters) = run_timed(&packets, Options::default());
    assert_eq!(flows.iter().map(|(.., totals)| totals.why).collect::<Vec<_>>(), [Close::Rst, Close::End]);
    assert_eq!((flows[1].1[0].as_slice(), counters.unread_bytes), (&b"much later"[..], 0));
}

#[test]
fn transmitters_that_call_themselves_anything_end_no_connection() {
    let mut assembler = Assembler::new(Kept::default(), Options { max_flows: 4, ..Options::default() });
    let mut take = |number, link, data: &[u8]| {
        let (time, wire_len) = (Timestamp::from_secs(1), u32::try_from(data.len()).unwrap());
        assembler.packet(&Packet { number, time, link, interface: 0, wire_len, data, app: None });
    };
    take(1, LinkType::RAW, &tcp(Side::Client, 0, 0, SYN, &[]));
    for number in 2..=250_u8 {
        let beacon = [&[0x80, 0, 0, 0][..], &[0xff; 6], &[2, number, 0, 0, 0, 1], &[3; 6], &[0; 14]].concat();
        take(number.into(), LinkType::IEEE802_11, &beacon);
    }
    let (kept, counters) = assembler.finish();
    let why: Vec<_> = kept.0.values().map(|(flow, _, totals)| (flow.transport, totals.why)).collect();
    assert_eq!((why.len(), why[0]), (250, (Transport::Tcp, Close::End)));
    assert_eq!(counters.evicted_flows, 246);
}

#[test]
fn what_a_forged_syn_hides_is_counted() {
    let (flows, counters) = run(&[
        tcp(Side::Client, 100, 0, SYN, &[]),
        tcp(Side::Client, 101, 0, ACK, b"one "),
        tcp(Side::Client, 0x7000_0000, 0, SYN, &[]),
        tcp(Side::Client, 105, 0, ACK, b"two"),
    ]);
    assert_eq!((flows.len(), flows[1].2.bytes, counters.unread_bytes), (2, [0, 0], 3));
}

#[test]
fn what_is_not_read_is_counted() {
    let (flows, counters) = run(&[
        tcp(Side::Client, 100, 0, ACK, b"kept"),
        tcp(Side::Client, 97, 0, ACK, b"beforekept"), // Three bytes before the first, and a copy, and three new ones.
        tcp(Side::Client, 0x5000_0000, 0, ACK, b"beyond"),
        tcp(Side::Client, 0x5000_0000, 0, RST, b"remark"),
        tcp(Side::Client, 106, 0, ACK, &[0]), // A keep-alive.
    ]);
    assert_eq!((flows.len(), flows[0].1[0].as_slice()), (1, &b"keptept"[..]));
    assert_eq!(counters.unread_bytes, 3 + 6 + 6);
}

#[test]
fn a_copy_that_contradicts_what_was_handed_over_is_counted() {
    let segment = |at: u32, payload: &[u8]| tcp(Side::Client, at, 0, ACK, payload);
    let first = [segment(1, b"lat=0;"), segment(7, b"lon=0;")];
    let count = |copies: &[Vec<u8>]| {
        let (flows, counters) = run(&[&first, copies].concat());
        assert_eq!(flows[0].1[0].get(..12), Some(&b"lat=0;lon=0;"[..]));
        assert_eq!(flows[0].2.conflicts, counters.conflicts);
        (counters.conflicts, counters.uncompared_bytes)
    };
    assert_eq!(count(&first), (0, 0));
    assert_eq!(count(&[segment(1, b"lat=7;")]), (6, 0));
    // One copy of both, and one that goes on.
    assert_eq!(count(&[segment(1, b"lat=0;lon=7;")]), (6, 0));
    assert_eq!(count(&[segment(7, b"lon=7;alt=7;")]), (6, 0));
    // Parts of what came in one piece cannot be compared, and that is told.
    assert_eq!(count(&[segment(2, b"at=7")]), (0, 4));
    assert_eq!(count(&[segment(4, b"=7;lon=0;")]), (0, 3));
}

#[test]
fn a_copy_that_comes_long_after_is_counted_as_not_compared() {
    let mut packets: Vec<Vec<u8>> =
        (0..100).map(|index| tcp(Side::Client, 1 + 4 * index, 0, ACK, &[1; 4])).collect();
    packets.push(tcp(Side::Client, 1, 0, ACK, &[2; 4]));
    packets.push(tcp(Side::Client, 397, 0, ACK, &[2; 4]));
    let (_, counters) = run(&packets);
    assert_eq!((counters.conflicts, counters.uncompared_bytes), (4, 4));
}

#[test]
fn copies_of_what_was_of_no_use_are_not_compared_and_others_are() {
    let packets = [
        tcp(Side::Client, 1, 0, ACK, b"decoy"),
        tcp(Side::Client, 6, 0, ACK, b"opaque"),
        tcp(Side::Client, 6, 0, ACK, b"OPAQUE"),
        tcp(Side::Client, 1, 0, ACK, b"truthOPAQUE"),
        tcp(Side::Client, 3, 0, ACK, b"uthOPAQUE"),
    ];
    let mut assembler = Assembler::new(First, Options::default());
    for (number, data) in (1..).zip(&packets) {
        let (time, wire_len) = (Timestamp::default(), u32::try_from(data.len()).unwrap());
        assembler.packet(&Packet {
            number,
            time,
            link: LinkType::RAW,
            interface: 0,
            wire_len,
            data,
            app: None,
        });
    }
    let (_, counters) = assembler.finish();
    assert_eq!((counters.conflicts, counters.uncompared_bytes), (5, 3));
}

#[test]
fn copies_of_what_waited_are_compared_too() {
    let (flows, counters) = run(&[
        tcp(Side::Client, 1, 0, ACK, b"ab"),
        tcp(Side::Client, 5, 0, ACK, b"ef"),
        tcp(Side::Client, 3, 0, ACK, b"cd"),
        tcp(Side::Client, 5, 0, ACK, b"EF"),
    ]);
    assert_eq!((flows[0].1[0].as_slice(), counters.conflicts), (&b"abcdef"[..], 2));
}

#[test]
fn a_clock_that_is_wrong_once_does_not_cut_flows_for_good() {
    let mut packets = vec![(5, tcp(Side::Client, 0, 0, SYN, &[])), (4_000_000_000, vec![0x45; 40])];
    packets.push((4_000_000_000, tcp(Side::Client, 1, 0, ACK, b"a")));
    for index in 2..20 {
        packets.push((4 + i64::from(index), tcp(Side::Client, index, 0, ACK, b"b")));
    }
    let (flows, _) = run_timed(&packets, Options::default());
    assert_eq!(flows.len(), 2);
}

#[test]
fn many_small_segments_that_wait_stay_within_the_bounds() {
    let options = Options { max_buffered_per_flow: 10_000, ..Options::default() };
    let mut packets = vec![(0, tcp(Side::Client, 0, 0, SYN, &[]))];
    packets.extend((1..1000).map(|index| (0, tcp(Side::Client, 2 * index, 0, ACK, b"x"))));
    let (flows, counters) = run_timed(&packets, options);
    assert!(counters.evicted_bytes > 0);
    assert_eq!(flows[0].2.bytes, [999, 0]);
}

#[test]
#[ignore = "takes long and is a measurement; run it with --release"]
fn ten_million_flows_of_one_packet() {
    struct Nothing(u64);
    impl Handler for Nothing {
        type State = ();
        fn open(&mut self, _: &Flow) {}
        fn data(&mut self, _: &Flow, (): &mut (), _: &Chunk<'_>) {}
        fn gap(&mut self, _: &Flow, (): &mut (), _: &Gap) {}
        fn close(&mut self, _: &Flow, (): (), _: &Totals) {
            self.0 += 1;
        }
    }
    let mut assembler = Assembler::new(Nothing(0), Options::default());
    let mut data = tcp(Side::Client, 0, 0, SYN, &[]);
    for number in 1..=10_000_000u32 {
        data[16..20].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        let time = Timestamp::from_nanos(i64::from(number) * 1000);
        let (number, link) = (u64::from(number), LinkType::RAW);
        assembler.packet(&Packet { number, time, link, interface: 0, wire_len: 40, data: &data, app: None });
    }
    let (closed, counters) = assembler.finish();
    assert_eq!((closed.0, counters.evicted_flows), (10_000_000, 9_800_000));
}
