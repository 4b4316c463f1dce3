//! Packets of a capture, made fit for the laboratory: addresses of our side become those of its clients, and the checksums over
//! them are made anew. Nothing else of a packet changes; the link layer is the laboratory's own.
//!
//! ```text
//! 192.168.42.10 ─▶ 8.210.75.200      as recorded
//! 10.77.0.3     ─▶ 8.210.75.200      as it is sent
//! ```
//!
//! Leaves out addresses within the payload: an ICMP error quotes whom it was recorded from.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::bail;

use crate::frames::{CLIENT6, NEIGHBOUR, sealed};

const ICMP6: u8 = 58;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Who sends to whom.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ends {
    /// Who sends.
    pub from: IpAddr,
    /// Who is to receive.
    pub to: IpAddr,
    /// The protocol above IP, by its number.
    pub protocol: u8,
    /// Ports of TCP and UDP, the sender's first; 0 of other protocols.
    pub ports: (u16, u16),
}

impl Ends {
    /// The same, the other way.
    #[must_use]
    pub fn turned(self) -> Self {
        let (from, to) = self.ports;
        Self { from: self.to, to: self.from, ports: (to, from), ..self }
    }
}

/// Where the parts of a packet are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) ends: Ends,
    /// Where what is above IP begins.
    pub(super) above: usize,
    part: Part,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Whole,
    /// The first of several fragments.
    First,
    /// One that has no ports.
    Later,
}

/// Who sends a packet of IP to whom. `None`: it is damaged, or the capture cut it, so that it cannot be sent as it was. A fragment
/// that is not the first has no ports.
pub fn ends(packet: &[u8]) -> Option<Ends> {
    Some(layout(packet)?.ends)
}

pub(super) fn layout(packet: &[u8]) -> Option<Layout> {
    match packet.first()? >> 4 {
        4 => layout4(packet),
        6 => layout6(packet),
        _ => None,
    }
}

fn layout4(packet: &[u8]) -> Option<Layout> {
    let above = usize::from(packet.first()? & 0x0f) * 4;
    let place = two(packet, 6)?;
    let part = match (place & 0x1fff, place & 0x2000) {
        (0, 0) => Part::Whole,
        (0, _) => Part::First,
        _ => Part::Later,
    };
    let from = IpAddr::from(*packet.get(12..)?.first_chunk::<4>()?);
    let to = IpAddr::from(*packet.get(16..)?.first_chunk::<4>()?);
    // None at all stands for a length that the network card was to fill in.
    let stated = usize::from(two(packet, 2)?);
    if above < 20 || stated > packet.len() || packet.len() > 0xffff {
        return None;
    }
    with_ports(packet, from, to, *packet.get(9)?, above, part)
}

fn layout6(packet: &[u8]) -> Option<Layout> {
    let from = IpAddr::from(*packet.get(8..)?.first_chunk::<16>()?);
    let to = IpAddr::from(*packet.get(24..)?.first_chunk::<16>()?);
    if usize::from(two(packet, 4)?) + 40 != packet.len() {
        return None;
    }
    let (mut next, mut above, mut part) = (*packet.get(6)?, 40, Part::Whole);
    // Hop by hop, routing, fragment, for the destination: more than eight are an attack.
    for _ in 0..8 {
        let header = packet.get(above..)?;
        let length = match next {
            0 | 43 | 60 => (usize::from(*header.get(1)?) + 1) * 8,
            44 => {
                let place = two(header, 2)?;
                part = match (place >> 3, place & 1) {
                    (0, 0) => Part::Whole,
                    (0, _) => Part::First,
                    _ => Part::Later,
                };
                8
            }
            _ => break,
        };
        next = *header.first()?;
        above += length;
        if part == Part::Later {
            break;
        }
    }
    with_ports(packet, from, to, next, above, part)
}

fn with_ports(
    packet: &[u8],
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    above: usize,
    part: Part,
) -> Option<Layout> {
    packet.get(above..)?;
    let ports = if part != Part::Later && matches!(protocol, TCP | UDP) {
        (two(packet, above)?, two(packet, above + 2)?)
    } else {
        (0, 0)
    };
    Some(Layout { ends: Ends { from, to, protocol, ports }, above, part })
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

/// Who of our side is played by whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast(BTreeMap<IpAddr, IpAddr>);

impl Cast {
    /// All are beside the laboratory's own client, which tells what the case says of flight.
    pub(super) fn new(inside: &[IpAddr]) -> anyhow::Result<Self> {
        let mut cast = BTreeMap::new();
        let mut beside4 = (NEIGHBOUR.octets()[3]..255).map(|last| {
            let [a, b, c, _] = NEIGHBOUR.octets();
            IpAddr::from(Ipv4Addr::new(a, b, c, last))
        });
        let mut beside6 = (3..255_u16).map(|last| {
            let mut segments = CLIENT6.segments();
            segments[7] = last;
            IpAddr::from(Ipv6Addr::from(segments))
        });
        for ip in inside {
            if cast.contains_key(ip) {
                continue;
            }
            let Some(as_whom) = (if ip.is_ipv4() { beside4.next() } else { beside6.next() }) else {
                bail!("{} addresses of our side: a laboratory has 252 of each family at most", inside.len());
            };
            cast.insert(*ip, as_whom);
        }
        Ok(Self(cast))
    }

    /// Who plays an address of our side.
    pub(super) fn of(&self, ip: IpAddr) -> Option<IpAddr> {
        self.0.get(&ip).copied()
    }

    /// All who play.
    pub(super) fn all(&self) -> impl Iterator<Item = IpAddr> {
        self.0.values().copied()
    }

    /// The same ends in the laboratory.
    pub(super) fn ends(&self, ends: Ends) -> Ends {
        let of = |ip| self.of(ip).unwrap_or(ip);
        Ends { from: of(ends.from), to: of(ends.to), ..ends }
    }

    /// A packet in the laboratory. `None`: it is damaged or cut.
    pub(super) fn packet(&self, recorded: &[u8]) -> Option<Vec<u8>> {
        let layout = layout(recorded)?;
        let mut packet = recorded.to_vec();
        let before = layout.ends;
        let after = self.ends(before);
        match (after.from, after.to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                packet.get_mut(12..16)?.copy_from_slice(&from.octets());
                packet.get_mut(16..20)?.copy_from_slice(&to.octets());
                let total = u16::try_from(packet.len()).ok()?;
                packet.get_mut(2..4)?.copy_from_slice(&total.to_be_bytes());
                let rest = packet.split_off(layout.above);
                packet.get_mut(10..12)?.fill(0);
                packet = [sealed(packet, &[], 10), rest].concat();
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                packet.get_mut(8..24)?.copy_from_slice(&from.octets());
                packet.get_mut(24..40)?.copy_from_slice(&to.octets());
            }
            _ => return None,
        }
        let place = match before.protocol {
            TCP => 16,
            UDP => 6,
            ICMP6 => 2,
            _ => return Some(packet),
        };
        let above = packet.split_off(layout.above);
        let above = match layout.part {
            Part::Whole => whole(above, after, place)?,
            Part::First => first(above, before, after, place)?,
            Part::Later => above,
        };
        Some([packet, above].concat())
    }
}

/// With the checksum made anew: what was recorded before a network card filled it in is wrong.
fn whole(mut above: Vec<u8>, ends: Ends, place: usize) -> Option<Vec<u8>> {
    let sum = above.get_mut(place..place + 2)?;
    // A datagram of IPv4 may have none.
    if place == 6 && ends.to.is_ipv4() && *sum == [0, 0] {
        return Some(above);
    }
    sum.fill(0);
    let stated = if place == 6 { usize::from(two(&above, 4)?) } else { above.len() };
    let length = u32::try_from(stated).ok()?.to_be_bytes();
    let pseudo = [octets(ends), length.to_vec(), vec![0, 0, 0, ends.protocol]].concat();
    let behind = above.split_off(stated.clamp(place + 2, above.len()));
    Some([sealed(above, &pseudo, place), behind].concat())
}

/// With the checksum over all fragments changed by what the addresses changed (RFC 1624): the others are not at hand.
fn first(mut above: Vec<u8>, before: Ends, after: Ends, place: usize) -> Option<Vec<u8>> {
    let sum = above.get_mut(place..place + 2)?;
    if place == 6 && *sum == [0, 0] {
        return Some(above);
    }
    let words = |ends: Ends| octets(ends).chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
    let (old, new): (Vec<u16>, Vec<u16>) = (words(before), words(after));
    let mut total = u32::from(!u16::from_be_bytes([sum[0], sum[1]]));
    total += old.iter().map(|word| u32::from(!word)).sum::<u32>();
    total += new.iter().map(|word| u32::from(*word)).sum::<u32>();
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    sum.copy_from_slice(&u16::try_from(!total & 0xffff).ok()?.to_be_bytes());
    Some(above)
}

fn octets(ends: Ends) -> Vec<u8> {
    let of = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    [of(ends.from), of(ends.to)].concat()
}

/// A packet without what changes on its way: its time to live, and the checksum over that.
pub(super) fn lasting(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let changes: &[usize] =
        if packet.first().is_some_and(|first| first >> 4 == 4) { &[8, 10, 11] } else { &[7] };
    for at in changes {
        if let Some(byte) = packet.get_mut(*at) {
            *byte = 0;
        }
    }
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLET: Ipv4Addr = Ipv4Addr::new(192, 168, 42, 10);
    const CLOUD: Ipv4Addr = Ipv4Addr::new(8, 210, 75, 200);

    fn cast() -> Cast {
        Cast::new(&[TABLET.into(), "fd00::7".parse().unwrap(), "192.168.42.1".parse().unwrap()]).unwrap()
    }

    /// A packet of IPv4 between the tablet and the cloud.
    fn four(protocol: u8, place: u16, above: &[u8]) -> Vec<u8> {
        let total = u16::try_from(20 + above.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x45, 0, total[0], total[1], 0, 9];
        packet.extend(place.to_be_bytes());
        packet.extend([64, protocol, 0, 0]);
        packet.extend([TABLET.octets(), CLOUD.octets()].concat());
        [sealed(packet, &[], 10), above.to_vec()].concat()
    }

    fn six(next: u8, above: &[u8]) -> Vec<u8> {
        let length = u16::try_from(above.len()).unwrap().to_be_bytes();
        let from: Ipv6Addr = "fd00::7".parse().unwrap();
        let to: Ipv6Addr = "2001:db8::9".parse().unwrap();
        [&[0x60, 0, 0, 0, length[0], length[1], next, 64][..], &from.octets(), &to.octets(), above].concat()
    }

    /// The sum over all words and what the pseudo header adds; all ones, where the checksum holds.
    fn sum(ends: Ends, above: &[u8]) -> u32 {
        let length = u32::try_from(above.len()).unwrap().to_be_bytes();
        let all = [octets(ends), length.to_vec(), vec![0, 0, 0, ends.protocol], above.to_vec()].concat();
        let mut sum: u32 = all
            .chunks(2)
            .map(|two| u32::from(two[0]) << 8 | u32::from(two.get(1).copied().unwrap_or_default()))
            .sum();
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum
    }

    #[test]
    fn the_client_speaks_for_who_was_recorded_and_checksums_hold() {
        let datagram = [&[0x9c, 0x40, 1, 0xbb, 0, 13, 0xab, 0xcd][..], b"words"].concat();
        for packet in [four(UDP, 0x4000, &datagram), six(UDP, &datagram)] {
            let played = cast().packet(&packet).unwrap();
            let there = layout(&played).unwrap();
            let client: IpAddr =
                if packet[0] == 0x45 { NEIGHBOUR.into() } else { "fd77::3".parse().unwrap() };
            assert_eq!((there.ends.from, there.ends.ports), (client, (40_000, 443)));
            assert_eq!(there.ends.to, ends(&packet).unwrap().to);
            assert_eq!(sum(there.ends, &played[there.above..]), 0xffff);
            assert_eq!(&played[played.len() - 5..], b"words");
        }
        // Who answers does so to the client.
        let answer = cast().ends(ends(&four(UDP, 0, &datagram)).unwrap().turned());
        assert_eq!((answer.from, answer.to, answer.ports), (CLOUD.into(), NEIGHBOUR.into(), (443, 40_000)));
    }

    #[test]
    fn a_checksum_over_fragments_changes_by_the_addresses_alone() {
        let mut whole = [&[0x9c, 0x40, 1, 0xbb, 0, 28, 0, 0][..], b"left while it was cut"].concat();
        whole.truncate(28);
        let before = ends(&four(UDP, 0, &whole)).unwrap();
        let whole = super::whole([&whole[..6], &[1, 1], &whole[8..]].concat(), before, 6).unwrap();
        let first = cast().packet(&four(UDP, 0x2000, &whole[..16])).unwrap();
        let later = cast().packet(&four(UDP, 2, &whole[16..])).unwrap();
        assert_eq!(ends(&later).unwrap().ports, (0, 0));
        let joined = [&first[20..], &later[20..]].concat();
        assert_eq!(sum(ends(&first).unwrap(), &joined), 0xffff);
    }

    #[test]
    fn what_the_capture_cut_is_not_sent_and_a_length_left_open_is_filled_in() {
        let packet = four(UDP, 0, &[0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4]);
        assert!(cast().packet(&packet[..packet.len() - 1]).is_none());
        let mut open = packet.clone();
        open[2..4].fill(0);
        assert_eq!(cast().packet(&open).unwrap(), cast().packet(&packet).unwrap());
        assert_eq!(lasting(&packet)[8..12], [0, UDP, 0, 0]);
    }

    proptest! {
        #[test]
        fn no_packet_is_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..120), version in prop::sample::select(&[4_u8, 6][..])) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = version << 4 | *first & 0x0f;
            }
            if let Some(played) = cast().packet(&bytes) {
                prop_assert_eq!(played.len(), bytes.len());
            }
            lasting(&bytes);
        }
    }
}
