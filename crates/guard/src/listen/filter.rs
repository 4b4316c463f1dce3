//! What the kernel lets up from an interface, so that an upload at full speed costs nothing: programs of classic BPF
//! (kernel: `Documentation/networking/filter.rst`). Leaves out later fragments, and IPv6 behind extension headers.

use crate::{Carrier, names::Port};

/// Where a filter finds the number of the interface (`SKF_AD_OFF + SKF_AD_IFINDEX`).
const IFINDEX: u32 = 0xffff_f000 + 8;

/// An instruction: code, steps to go on by where it holds and where not, value.
pub(crate) type Step = (u16, u8, u8, u32);

/// Codes: load four, two or one byte, the same behind what X holds, and the rest.
const WORD: u16 = 0x20;
const HALF: u16 = 0x28;
const BYTE: u16 = 0x30;
const HALF_X: u16 = 0x48;
const BYTE_X: u16 = 0x50;
const IS: u16 = 0x15;
const HAS_BITS: u16 = 0x45;
const AND: u16 = 0x54;
const SHIFT: u16 = 0x64;
const ADD_X: u16 = 0x0c;
const TO_X: u16 = 0x07;
const SET_X: u16 = 0x01;
const IP_HEADER_X: u16 = 0xb1;
const GO: u16 = 0x05;
const END: u16 = 0x06;

const UP: Step = (END, 0, 0, 0xffff);
const NO: Step = (END, 0, 0, 0);

/// Datagrams of IPv4 and IPv6 whose first byte is that of a frame of MAVLink.
pub(crate) fn telemetry(index: u32) -> Vec<Step> {
    vec![
        (WORD, 0, 0, IFINDEX),
        (IS, 0, 16, index),
        (HALF, 0, 0, 12),
        (IS, 0, 7, 0x0800),
        (BYTE, 0, 0, 23),
        (IS, 0, 12, 17),
        (HALF, 0, 0, 20),
        (HAS_BITS, 10, 0, 0x1fff), // a later fragment
        (IP_HEADER_X, 0, 0, 14),
        (BYTE_X, 0, 0, 22), // the first byte behind UDP
        (GO, 0, 0, 4),      // on to what it must be
        (IS, 0, 6, 0x86dd),
        (BYTE, 0, 0, 20),
        (IS, 0, 4, 17),
        (BYTE, 0, 0, 62),
        (IS, 1, 0, 0xfe),
        (IS, 0, 1, 0xfd),
        UP,
        NO,
    ]
}

/// The most ports that a program has room for.
pub(crate) const MOST_PORTS: usize = 24;

/// What comes from or goes to one of these ports, of which there are at most [`MOST_PORTS`].
pub(crate) fn ports(index: u32, ports: &[Port]) -> Vec<Step> {
    let of = |carrier| -> Vec<u32> {
        let ours = ports.iter().filter(|port| port.protocol == carrier).take(MOST_PORTS);
        ours.map(|port| u32::from(port.number)).collect()
    };
    // Whether either port is one of them: two loads, and a comparison each.
    let chain = |numbers: &[u32], behind: usize| -> Vec<Step> {
        let mut steps = Vec::new();
        let length = 2 * (numbers.len() + 1);
        for at in [14, 16] {
            steps.push((HALF_X, 0, 0, at));
            for number in numbers {
                // To UP, which stands behind this chain, a step out of it, and what follows.
                let left = u8::try_from(length + behind - steps.len()).unwrap_or(u8::MAX);
                steps.push((IS, left, 0, *number));
            }
        }
        steps
    };
    let (tcp, udp) = (of(Carrier::Tcp), of(Carrier::Udp));
    let (tcp_length, udp_length) = (2 * (tcp.len() + 1), 2 * (udp.len() + 1));
    let all = u32::try_from(tcp_length + udp_length + 1).unwrap_or(u32::MAX);
    let mut steps = vec![
        (WORD, 0, 0, IFINDEX),
        (IS, 1, 0, index),
        NO,
        (HALF, 0, 0, 12),
        (IS, 3, 0, 0x0800),
        (IS, 1, 0, 0x86dd),
        NO,
        (GO, 0, 0, 5),
        (HALF, 0, 0, 20),
        (HAS_BITS, 0, 1, 0x1fff),
        NO,
        (IP_HEADER_X, 0, 0, 14),
        // What the header carries: IPv4, and behind it IPv6, whose header is of one length.
        (GO, 0, 0, 3),
        (SET_X, 0, 0, 40),
        (BYTE, 0, 0, 20),
        (GO, 0, 0, 1),
        (BYTE, 0, 0, 23),
        (IS, 2, 0, 6),
        (IS, u8::try_from(tcp_length + 2).unwrap_or(u8::MAX), 0, 17),
        (GO, 0, 0, all),
    ];
    steps.extend(chain(&tcp, udp_length + 1));
    steps.push((GO, 0, 0, u32::try_from(udp_length).unwrap_or(u32::MAX)));
    steps.extend(chain(&udp, 0));
    steps.push(NO);
    // Comparisons that hold come here.
    steps.push(UP);
    steps
}

/// Management frames of 802.11 that aircraft speak in: beacons, probe responses, action frames. `radiotap`: behind a header
/// of the radio, which tells its length in two bytes, the lower first.
pub(crate) fn management(index: u32, radiotap: bool) -> Vec<Step> {
    let mut steps = vec![(WORD, 0, 0, IFINDEX), (IS, 1, 0, index), NO];
    if radiotap {
        steps.extend([
            (BYTE, 0, 0, 3),
            (SHIFT, 0, 0, 8),
            (TO_X, 0, 0, 0),
            (BYTE, 0, 0, 2),
            (ADD_X, 0, 0, 0),
            (TO_X, 0, 0, 0),
        ]);
    } else {
        steps.push((SET_X, 0, 0, 0));
    }
    steps.extend([
        (BYTE_X, 0, 0, 0),
        (AND, 0, 0, 0xfc),
        (IS, 4, 0, 0x50),
        (IS, 3, 0, 0x80),
        (IS, 2, 0, 0xd0),
        (IS, 1, 0, 0xe0),
        NO,
        UP,
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INDEX: u32 = 7;

    /// What a program says of a frame, by the words of the kernel's page.
    fn passes(program: &[Step], frame: &[u8]) -> bool {
        let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
        loop {
            let (code, yes, no, k) = program[at];
            at += 1;
            let load = |from: u32, bytes: usize| -> Option<u32> {
                let from = usize::try_from(from).ok()?;
                let bytes = frame.get(from..from + bytes)?;
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            };
            let loaded = match code {
                WORD if k == IFINDEX => Some(INDEX),
                HALF => load(k, 2),
                BYTE => load(k, 1),
                HALF_X => load(x + k, 2),
                BYTE_X => load(x + k, 1),
                _ => Some(a),
            };
            // What lies outside of the frame ends it.
            let Some(loaded) = loaded else { return false };
            a = loaded;
            match code {
                WORD | HALF | BYTE | HALF_X | BYTE_X => {}
                IS => at += usize::from(if a == k { yes } else { no }),
                HAS_BITS => at += usize::from(if a & k != 0 { yes } else { no }),
                AND => a &= k,
                SHIFT => a <<= k,
                ADD_X => a += x,
                TO_X => x = a,
                SET_X => x = k,
                IP_HEADER_X => x = load(k, 1).unwrap() % 16 * 4,
                GO => at += usize::try_from(k).unwrap(),
                END => return k != 0,
                other => panic!("{other:x}"),
            }
        }
    }

    fn four(protocol: u8, options: usize, place: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45 + u8::try_from(options).unwrap(), 0, 0, 0, 0, 0]);
        frame.extend(place.to_be_bytes());
        frame.extend([64, protocol]);
        frame.extend(vec![0; 10 + 4 * options]);
        [frame, payload.to_vec()].concat()
    }

    fn six(next: u8, payload: &[u8]) -> Vec<u8> {
        let head = [&[0; 12][..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, next, 64], &[0; 32]].concat();
        [head, payload.to_vec()].concat()
    }

    #[test]
    fn telemetry_is_let_up_by_its_first_byte() {
        let udp = |first: u8| [&[0; 8][..], &[first; 9]].concat();
        for first in [0xfd, 0xfe] {
            assert!(passes(&telemetry(INDEX), &four(17, 0, 0x4000, &udp(first))));
            assert!(passes(&telemetry(INDEX), &four(17, 3, 0, &udp(first))));
            assert!(passes(&telemetry(INDEX), &six(17, &udp(first))));
            assert!(!passes(&telemetry(INDEX + 1), &six(17, &udp(first))));
            assert!(!passes(&telemetry(INDEX), &four(17, 0, 9, &udp(first))));
            assert!(!passes(&telemetry(INDEX), &four(6, 0, 0, &udp(first))));
        }
        assert!(!passes(&telemetry(INDEX), &four(17, 0, 0, &udp(0x16))));
    }

    #[test]
    fn management_frames_that_aircraft_speak_in_are_let_up() {
        for kind in 0..=255_u8 {
            let ours = matches!(kind & 0xfc, 0x50 | 0x80 | 0xd0 | 0xe0);
            let frame = [kind, 0, 1, 2];
            assert_eq!(passes(&management(INDEX, false), &frame), ours, "{kind:x}");
            for length in [8_u16, 300] {
                let mut behind = vec![0, 0];
                behind.extend(length.to_le_bytes());
                behind.resize(length.into(), 0x80);
                behind.extend(frame);
                assert_eq!(passes(&management(INDEX, true), &behind), ours, "{kind:x}");
            }
        }
        assert!(!passes(&management(INDEX + 1, false), &[0x80, 0]));
        assert!(!passes(&management(INDEX, true), &[0, 0, 200, 0, 0x80]));
    }

    proptest! {
        #[test]
        fn ports_are_found_on_either_side(
            list in prop::collection::vec((any::<bool>(), 1..2000_u16), 0..=MOST_PORTS),
            tcp: bool,
            v6: bool,
            either: [bool; 2],
            which: prop::sample::Index,
            other in 2000..u16::MAX,
        ) {
            let list: Vec<Port> = list
                .into_iter()
                .map(|(tcp, number)| Port { protocol: if tcp { Carrier::Tcp } else { Carrier::Udp }, number })
                .collect();
            let carrier = if tcp { Carrier::Tcp } else { Carrier::Udp };
            let ours: Vec<_> = list.iter().filter(|port| port.protocol == carrier).collect();
            let number = if ours.is_empty() { other } else { ours[which.index(ours.len())].number };
            let [from, to] = either.map(|ours| if ours { number } else { other });
            let payload = [&from.to_be_bytes()[..], &to.to_be_bytes(), &[0; 16]].concat();
            let protocol = if tcp { 6 } else { 17 };
            let frame = if v6 { six(protocol, &payload) } else { four(protocol, 1, 0, &payload) };
            let expected = !ours.is_empty() && (either[0] || either[1]);
            prop_assert_eq!(passes(&ports(INDEX, &list), &frame), expected);
            prop_assert!(!passes(&ports(INDEX + 1, &list), &frame));
            prop_assert!(!passes(&ports(INDEX, &list), &four(1, 0, 0, &payload)));
            prop_assert!(!passes(&ports(INDEX, &list), &four(protocol, 0, 3, &payload)));
            prop_assert!(!passes(&ports(INDEX, &list), &frame[..20]));
        }
    }
}
