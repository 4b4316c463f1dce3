//! Any frames: the first byte chooses the link layer, then each frame follows its length of two bytes.
//! What flows give is never more than what came in, and every flow that opens closes.
#![no_main]

use creance_flow::{Assembler, Chunk, Gap, Handler, Options, Totals};
use creance_model::{Flow, LinkType, Packet, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, mut rest)) = bytes.split_first() else { return };
    let link = LINKS[usize::from(*choice) % LINKS.len()];
    // Small limits, so that a short input reaches them.
    let options =
        Options { max_flows: 8, max_buffered_per_flow: 4096, max_buffered: 16_384, ..Options::default() };
    let mut assembler = Assembler::new(Tally::default(), options);
    let (mut number, mut total) = (0, 0);
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (data, tail) = tail.split_at(tail.len().min(u16::from_be_bytes(*length).into()));
        number += 1;
        total += data.len();
        assembler.packet(&Packet {
            number,
            time: Timestamp::from_nanos(i64::try_from(number).unwrap() * 1_000_000_000),
            link,
            interface: 0,
            wire_len: data.len().try_into().unwrap(),
            data,
            app: None,
        });
        rest = tail;
    }
    let (tally, _) = assembler.finish();
    assert_eq!(tally.opened, tally.closed, "every flow that opens closes");
    assert!(tally.bytes <= total, "no byte comes from nowhere");
});

#[derive(Default)]
struct Tally {
    opened: u64,
    closed: u64,
    bytes: usize,
}

impl Handler for Tally {
    type State = u64;

    fn open(&mut self, flow: &Flow) -> u64 {
        self.opened += 1;
        assert!(!creance_flow::community_id(flow).is_empty());
        flow.id
    }

    fn data(&mut self, flow: &Flow, state: &mut u64, chunk: &Chunk<'_>) {
        assert_eq!(flow.id, *state);
        self.bytes += chunk.bytes.len();
    }

    fn gap(&mut self, _: &Flow, _: &mut u64, _: &Gap) {}

    fn close(&mut self, _: &Flow, _: u64, _: &Totals) {
        self.closed += 1;
    }
}

const LINKS: &[LinkType] = &[
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::IEEE802_11,
    LinkType::IEEE802_11_RADIOTAP,
    LinkType::PRISM,
    LinkType::AVS,
    LinkType::PPI,
    LinkType::BLUETOOTH_LE_LL,
    LinkType::BLUETOOTH_LE_LL_WITH_PHDR,
    LinkType::NORDIC_BLE,
    LinkType::BLUETOOTH_HCI_H4,
    LinkType::BLUETOOTH_HCI_H4_WITH_PHDR,
    LinkType::USB_LINUX,
    LinkType::USB_LINUX_MMAPPED,
    LinkType::USBPCAP,
];
