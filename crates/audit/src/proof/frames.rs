//! A frame taken apart as far as a proof needs it (docs/proof/SPEC.md, "Packets").

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use creance_model::{Endpoint, LinkType};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A segment of TCP, or a datagram of UDP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Segment<'a> {
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    pub(super) tcp: bool,
    pub(super) sequence: u32,
    pub(super) syn: bool,
    pub(super) ack: bool,
    pub(super) payload: &'a [u8],
}

/// Whether frames of this kind may stand in a bundle.
pub(super) fn is_known(link: LinkType) -> bool {
    matches!(
        link,
        LinkType::ETHERNET | LinkType::RAW | LinkType::NULL | LinkType::LINUX_SLL | LinkType::LINUX_SLL2
    )
}

/// Takes a frame apart; nothing, if it is none that a bundle may hold.
pub(super) fn segment(link: LinkType, frame: &[u8]) -> Option<Segment<'_>> {
    let packet = match link {
        LinkType::ETHERNET => {
            let mut at = 12;
            while matches!(short(frame, at)?, 0x8100 | 0x88a8 | 0x9100) {
                at += 4;
            }
            matches!(short(frame, at)?, 0x0800 | 0x86dd).then(|| frame.get(at + 2..))??
        }
        LinkType::RAW => frame,
        LinkType::NULL => frame.get(4..)?,
        LinkType::LINUX_SLL => frame.get(16..)?,
        LinkType::LINUX_SLL2 => frame.get(20..)?,
        _ => return None,
    };
    let (source, target, protocol, payload) = match packet.first()? >> 4 {
        4 => ipv4(packet)?,
        6 => ipv6(packet)?,
        _ => return None,
    };
    let end = |ip, at| Some(Endpoint { ip, port: short(payload, at)? });
    let (from, to) = (end(source, 0)?, end(target, 2)?);
    match protocol {
        UDP => {
            let length = usize::from(short(payload, 4)?);
            let payload = payload.get(8..length.max(8).min(payload.len()))?;
            Some(Segment { from, to, tcp: false, sequence: 0, syn: false, ack: false, payload })
        }
        TCP => {
            let sequence = u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?);
            let flags = payload.get(13)?;
            let head = usize::from(payload.get(12)? >> 4) * 4;
            let payload = payload.get(head..)?;
            Some(Segment {
                from,
                to,
                tcp: true,
                sequence,
                syn: flags & 2 != 0,
                ack: flags & 16 != 0,
                payload,
            })
        }
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    let head = usize::from(packet.first()? & 15) * 4;
    // Fragments are not put together.
    if short(packet, 6)? & 0x3fff != 0 {
        return None;
    }
    let address = |at: usize| {
        let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(octets)))
    };
    let total = match usize::from(short(packet, 2)?) {
        // Segmentation by the network card: the length was not known yet.
        0 => packet.len(),
        total => total.min(packet.len()),
    };
    Some((address(12)?, address(16)?, *packet.get(9)?, packet.get(head..total)?))
}

fn ipv6(packet: &[u8]) -> Option<(IpAddr, IpAddr, u8, &[u8])> {
    let address = |at: usize| {
        let octets: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(octets)))
    };
    let total = match usize::from(short(packet, 4)?) {
        0 => packet.len(),
        length => (40 + length).min(packet.len()),
    };
    let (mut next, mut at) = (*packet.get(6)?, 40);
    while matches!(next, 0 | 43 | 60) {
        next = *packet.get(at)?;
        at += 8 + 8 * usize::from(*packet.get(at + 1)?);
    }
    Some((address(8)?, address(24)?, next, packet.get(at..total)?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tagged_frame_is_taken_apart_without_its_padding() {
        let mut frame = vec![2; 12];
        frame.extend([
            0x81, 0, 0, 7, 8, 0, 0x45, 0, 0, 42, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 47, 95, 1, 2,
        ]);
        frame.extend([
            0x0f, 0xa0, 0, 80, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 18, 255, 255, 0, 0, 0, 0, b'h', b'i', 0, 0,
        ]);
        let segment = segment(LinkType::ETHERNET, &frame).unwrap();
        assert_eq!(
            (segment.payload, segment.sequence, segment.syn, segment.ack),
            (&b"hi"[..], 9, true, true)
        );
        assert_eq!((segment.from.port, segment.to.port), (4000, 80));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, link in 0_u32..300) {
            let _ = segment(LinkType(link), &bytes);
        }
    }
}
