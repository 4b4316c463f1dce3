//! What radios say to all who listen, without IP: management frames of 802.11, advertisements of Bluetooth Low Energy.
//!
//! ```text
//! 802.11: control duration receiver sender network sequence (HT control) │ fixed fields, elements
//! BLE:    access address (coding) │ kind length │ (extended header) sender │ structures │ CRC
//! HCI:    (direction) 4 3e length 2 or 13 reports │ kind sender … length │ structures
//! ```
//!
//! Of 802.11 the frame is handed over whole (beacons, probe responses, action frames), of Bluetooth the structures of
//! advertisements (Core Specification 5.4, volume 6 part B §2.3, volume 4 part E §7.7.65). Other frames are named and
//! counted, and so is what failed its check sum by the word of the capturing radio. Left out: advertisements that go on
//! in another packet (`AUX_CHAIN_IND`) are not joined; each piece is handed over as it is.

use creance_model::Transport;

use crate::link::{Carried, Frame};

const OTHER_WIFI: &str = "802.11 management frames";
const BAD_WIFI: &str = "802.11 management frames that failed their check";
const OTHER_BLE: &str = "Bluetooth packets that advertise nothing";
const BAD_BLE: &str = "Bluetooth packets that failed their check";

/// A management frame of 802.11: control, duration, three addresses, sequence. `sound` is the radio's word.
pub(crate) fn management(data: &[u8], sound: bool) -> Frame<'_> {
    let address = |at: usize| data.get(at..)?.first_chunk().copied();
    let payload = match data {
        [control, flags, ..] if data.len() >= 24 => match control >> 4 {
            _ if !sound => Carried::Other(BAD_WIFI),
            // Probe response, beacon, action, action without acknowledgement; none of them protected.
            5 | 8 | 13 | 14 if flags & 0x40 == 0 => Carried::Radio(Transport::Wifi, data),
            _ => Carried::Other(OTHER_WIFI),
        },
        _ => Carried::Malformed("802.11 header"),
    };
    Frame { payload, macs: address(10).zip(address(4)) }
}

/// 802.11 behind a header that states its length where Prism, AVS and PPI each have it; `None` where it makes no sense.
pub(crate) fn behind_length(data: &[u8], header: Header) -> Option<&[u8]> {
    let length = match (header, data) {
        // AVS begins with its version, also where it is announced as Prism.
        (Header::Prism | Header::Avs, [0x80, 0x21, 0x10, _, a, b, c, d, ..]) => {
            u32::from_be_bytes([*a, *b, *c, *d])
        }
        (Header::Prism, [_, _, _, _, a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]),
        // PPI says what it carries: 105 is 802.11.
        (Header::Ppi, [_, _, low, high, 105, 0, 0, 0, ..]) => u16::from_le_bytes([*low, *high]).into(),
        _ => return None,
    };
    let length = usize::try_from(length).ok().filter(|length| *length >= 8)?;
    data.get(length..)
}

/// Headers before 802.11.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Header {
    Prism,
    Avs,
    Ppi,
}

/// A packet of the link layer. `coded`: a byte that says how it is coded stands behind the access address.
pub(crate) fn bluetooth(data: &[u8], coded: bool, sound: bool) -> Frame<'_> {
    let plain = |payload| Frame { payload, macs: None };
    if !sound {
        return plain(Carried::Other(BAD_BLE));
    }
    // The access address of advertisements; connections have others.
    let Some(rest) = data.strip_prefix(&[0xd6, 0xbe, 0x89, 0x8e]) else {
        return plain(Carried::Other(OTHER_BLE));
    };
    let Some([kind, length, body @ ..]) = rest.get(usize::from(coded)..) else {
        return plain(Carried::Malformed("Bluetooth header"));
    };
    let Some(body) = body.get(..usize::from(*length)) else {
        return plain(Carried::Malformed("Bluetooth header"));
    };
    let read = match kind & 15 {
        // ADV_IND, ADV_NONCONN_IND, SCAN_RSP, ADV_SCAN_IND: the sender, then structures.
        0 | 2 | 4 | 6 => body.split_first_chunk::<6>().map(|(sender, rest)| (Some(*sender), rest)),
        7 => extended(body),
        _ => return plain(Carried::Other(OTHER_BLE)),
    };
    match read {
        Some((_, [])) => plain(Carried::Other(OTHER_BLE)),
        Some((sender, structures)) => advertised(sender, structures),
        None => plain(Carried::Malformed("Bluetooth header")),
    }
}

/// The common extended header: length and mode, then flags and the fields that they announce.
fn extended(body: &[u8]) -> Option<(Option<[u8; 6]>, &[u8])> {
    let (first, rest) = body.split_first()?;
    let (header, structures) = rest.split_at_checked(usize::from(first & 0x3f))?;
    // Bit 0: the sender's address, first of all fields.
    let sender = match header {
        [flags, fields @ ..] if flags & 1 != 0 => Some(*fields.first_chunk::<6>()?),
        _ => None,
    };
    Some((sender, structures))
}

/// Addresses are sent last byte first.
fn advertised(sender: Option<[u8; 6]>, structures: &[u8]) -> Frame<'_> {
    let sender = sender.map(|mut sender| {
        sender.reverse();
        (sender, [0; 6])
    });
    Frame { payload: Carried::Radio(Transport::Bluetooth, structures), macs: sender }
}

/// Ten bytes of radio data (tcpdump.org `LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR`): flags at 8; 0x0400 the check was made,
/// 0x0800 and holds, the highest two bits 2 for the coded physical layer.
pub(crate) fn bluetooth_with_header(data: &[u8]) -> Frame<'_> {
    let Some(([.., low, high], rest)) = data.split_first_chunk::<10>() else {
        return Frame { payload: Carried::Malformed("Bluetooth header"), macs: None };
    };
    let flags = u16::from_le_bytes([*low, *high]);
    bluetooth(rest, flags >> 14 == 2, flags & 0x0c00 != 0x0400)
}

/// Nordic's sniffer: board, length (2), version, counter (2), kind; then ten bytes about the radio, of which the first
/// is their length and the second flags: 1 the check holds, 0x70 the physical layer, 2 of them coded.
pub(crate) fn nordic(data: &[u8]) -> Frame<'_> {
    match data.split_first_chunk::<17>() {
        Some(([_, _, _, version, _, _, _, 10, flags, ..], rest)) => {
            bluetooth(rest, *version >= 3 && flags >> 4 & 7 == 2, flags & 1 != 0)
        }
        _ => Frame { payload: Carried::Malformed("Bluetooth header"), macs: None },
    }
}

/// A packet of HCI with its type before it: reports of advertisements, one in each event as controllers send them.
pub(crate) fn hci(data: &[u8]) -> Frame<'_> {
    let plain = |payload| Frame { payload, macs: None };
    let [4, 0x3e, _, kind, rest @ ..] = data else { return plain(Carried::Other(OTHER_BLE)) };
    let read = match (kind, rest) {
        // Reports, kind, kind of address, address, length, structures, strength.
        (2, [1, _, _, rest @ ..]) => Some((rest, 6)),
        // Reports, kind (2), kind of address, address, physical layers (2), set, powers (2), interval (2), another
        // address (7), length, structures.
        (13, [1, _, _, _, rest @ ..]) => Some((rest, 6 + 2 + 1 + 2 + 2 + 7)),
        (2 | 13, _) => return plain(Carried::Other("Bluetooth events of several advertisements")),
        _ => return plain(Carried::Other(OTHER_BLE)),
    };
    let told = read.and_then(|(rest, at)| {
        let structures = rest.get(at + 1..)?.get(..usize::from(*rest.get(at)?))?;
        Some((rest.first_chunk::<6>().copied(), structures))
    });
    match told {
        Some((_, [])) => plain(Carried::Other(OTHER_BLE)),
        Some((sender, structures)) => advertised(sender, structures),
        None => plain(Carried::Malformed("Bluetooth header")),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::link::strip;
    use creance_model::LinkType;

    const SENDER: [u8; 6] = [0xe0, 0x7d, 0xea, 0xeb, 0x2f, 0x1c];
    /// The sender as it is sent.
    const SENT: [u8; 6] = [0x1c, 0x2f, 0xeb, 0xea, 0x7d, 0xe0];
    const STRUCTURES: &[u8] = &[4, 0x16, 0xfa, 0xff, 0x0d];

    fn told(frame: Frame<'_>) -> (Option<[u8; 6]>, Vec<u8>) {
        match frame.payload {
            Carried::Radio(_, data) => (frame.macs.map(|(sender, _)| sender), data.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn beacon() -> Vec<u8> {
        [&[0x80, 0, 0, 0][..], &[0xff; 6], &[2; 6], &[3; 6], &[0, 0], &[0; 12]].concat()
    }

    #[test]
    fn beacons_are_handed_over_behind_every_header() {
        let beacon = beacon();
        let prism = [&[0x44, 0, 0, 0, 12, 0, 0, 0, 9, 9, 9, 9][..], &beacon].concat();
        let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 10, 9, 9][..], &beacon].concat();
        let ppi = [&[0, 0, 9, 0, 105, 0, 0, 0, 9][..], &beacon].concat();
        let radiotap = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], &beacon, &[7; 4]].concat();
        for (link, data) in [
            (LinkType::IEEE802_11, &beacon),
            (LinkType::PRISM, &prism),
            (LinkType::PRISM, &avs),
            (LinkType::AVS, &avs),
            (LinkType::PPI, &ppi),
            (LinkType::IEEE802_11_RADIOTAP, &radiotap),
        ] {
            assert_eq!(told(strip(link, data)), (Some([2; 6]), beacon.clone()), "{link:?}");
        }
        let broken = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x50][..], &beacon, &[7; 4]].concat();
        let frame = strip(LinkType::IEEE802_11_RADIOTAP, &broken);
        assert_eq!(frame.payload, Carried::Other(BAD_WIFI));
        let other = [&[0x40][..], &beacon[1..]].concat();
        assert_eq!(strip(LinkType::IEEE802_11, &other).payload, Carried::Other(OTHER_WIFI));
    }

    #[test]
    fn advertisements_are_handed_over_from_every_link_type() {
        let legacy = [&[0xd6, 0xbe, 0x89, 0x8e, 0x42, 11][..], &SENT, STRUCTURES, &[9; 3]].concat();
        let coded =
            [&[0xd6, 0xbe, 0x89, 0x8e, 0, 7, 15, 9, 9][..], &SENT, &[0x75, 0x0e], STRUCTURES, &[9; 3]]
                .concat();
        let nordic = |flags: u8, data: &[u8]| {
            [&[3, 8, 1, 3, 0x13, 0xbe, 2, 10, flags, 10, 53, 0, 0, 1, 2, 3, 4][..], data].concat()
        };
        let header = |flags: u16, data: &[u8]| [&[0; 8][..], &flags.to_le_bytes(), data].concat();
        let report = [&[4, 0x3e, 17, 2, 1, 3, 1][..], &SENT, &[5], STRUCTURES, &[0xc0]].concat();
        let long = [&[4, 0x3e, 31, 13, 1, 0, 0, 1][..], &SENT, &[0; 14], &[5], STRUCTURES].concat();
        for (link, data) in [
            (LinkType::BLUETOOTH_LE_LL, legacy.clone()),
            (LinkType::BLUETOOTH_LE_LL_WITH_PHDR, header(0x0c00, &legacy)),
            (LinkType::BLUETOOTH_LE_LL_WITH_PHDR, header(0x8c00, &coded)),
            (LinkType::NORDIC_BLE, nordic(1, &legacy)),
            (LinkType::NORDIC_BLE, nordic(0x21, &coded)),
            (LinkType::BLUETOOTH_HCI_H4, report.clone()),
            (LinkType::BLUETOOTH_HCI_H4, long),
            (LinkType::BLUETOOTH_HCI_H4_WITH_PHDR, [&[0, 0, 0, 1][..], &report].concat()),
        ] {
            assert_eq!(told(strip(link, &data)), (Some(SENDER), STRUCTURES.to_vec()), "{link:?}");
        }
        for broken in [header(0x0400, &legacy), nordic(0, &legacy)] {
            let link =
                if broken[0] == 3 { LinkType::NORDIC_BLE } else { LinkType::BLUETOOTH_LE_LL_WITH_PHDR };
            assert_eq!(strip(link, &broken).payload, Carried::Other(BAD_BLE));
        }
        let cut = &legacy[..12];
        assert_eq!(strip(LinkType::BLUETOOTH_LE_LL, cut).payload, Carried::Malformed("Bluetooth header"));
    }
}
