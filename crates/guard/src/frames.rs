//! Frames that try to leave: each way past a gateway that is known, byte by byte, for the test of itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Carrier;

/// Who is who in the laboratory.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
pub(crate) const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
pub(crate) const HARD_CODED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);
pub(crate) const CLIENT6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const SERVER6: Ipv6Addr = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const NEIGHBOUR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];
pub(crate) const GATEWAY_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// A way past.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Whether it gets through while all is open: else that nothing comes is no proof by itself.
    pub(crate) passes_open: bool,
    pub(crate) frames: Vec<Vec<u8>>,
}

/// All of them, from a client.
pub(crate) fn ways() -> Vec<Way> {
    let way = |name, passes_open, frames| Way { name, passes_open, frames };
    let udp4 = |port| vec![ip4(CLIENT, SERVER, 17, &udp(port, &pseudo4(CLIENT, SERVER)))];
    let tcp4 = |port| vec![ip4(CLIENT, SERVER, 6, &tcp(port, &pseudo4(CLIENT, SERVER)))];
    let udp6 = |port| vec![ip6(SERVER6, 17, &udp(port, &pseudo6(SERVER6)))];
    let other =
        |protocol| vec![ip4(CLIENT, SERVER, protocol, &[0x20, 0, 8, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0])];
    let whole = udp(4000, &pseudo4(CLIENT, SERVER));
    let mut quoted = vec![3, 3, 0, 0, 0, 0, 0, 0];
    quoted.extend(ip4(SERVER, CLIENT, 17, &udp(40_000, &pseudo4(SERVER, CLIENT))).split_off(14));
    vec![
        way("UDP over IPv4, also of a flow that was open", true, udp4(4000)),
        way("TCP over IPv4, also of a flow that was open", true, tcp4(4000)),
        way("UDP over IPv6", true, udp6(4000)),
        way("TCP over IPv6", true, vec![ip6(SERVER6, 6, &tcp(4000, &pseudo6(SERVER6)))]),
        way("ICMP echo", true, vec![ip4(CLIENT, SERVER, 1, &sealed(vec![8, 0, 0, 0, 7, 7, 0, 1], &[], 2))]),
        way(
            "ICMPv6 echo",
            true,
            vec![ip6(SERVER6, 58, &sealed(vec![128, 0, 0, 0, 7, 7, 0, 1], &pseudo6(SERVER6)(58, 8), 2))],
        ),
        way(
            "ICMP error about a flow (RELATED)",
            false,
            vec![ip4(CLIENT, SERVER, 1, &sealed(quoted, &[], 2))],
        ),
        way("fragments", true, fragments(&whole)),
        way("a lone later fragment", false, fragments(&whole).split_off(1)),
        way(
            "IPv6 with extension header",
            true,
            vec![ip6(SERVER6, 60, &[&[17, 0, 1, 4, 0, 0, 0, 0][..], &udp(4001, &pseudo6(SERVER6))].concat())],
        ),
        way("protocol 41 (6in4)", true, other(41)),
        way("protocol 47 (GRE)", true, other(47)),
        way("protocol 50 (ESP)", true, other(50)),
        way("protocol 132 (SCTP)", false, other(132)),
        way("protocol 4 (IP in IP)", true, other(4)),
        way("DNS direct, UDP", true, udp4(53)),
        way("DNS direct, TCP", true, tcp4(53)),
        way("DNS direct, IPv6", true, udp6(53)),
        way("DoT (853/tcp)", true, tcp4(853)),
        way("DoQ (853/udp)", true, udp4(853)),
        way("DoH, ECH (443/tcp)", true, tcp4(443)),
        way("QUIC (443/udp)", true, udp4(443)),
        way(
            "NTP, STUN, WireGuard, Teredo",
            true,
            [123, 3478, 51_820, 3544].into_iter().flat_map(udp4).collect(),
        ),
        way(
            "hard-coded address",
            true,
            vec![ip4(CLIENT, HARD_CODED, 17, &udp(4000, &pseudo4(CLIENT, HARD_CODED)))],
        ),
        way("another client's address and MAC", true, {
            let mut frame = ip4(NEIGHBOUR, SERVER, 17, &udp(4000, &pseudo4(NEIGHBOUR, SERVER)));
            frame.splice(6..12, NEIGHBOUR_MAC);
            vec![frame]
        }),
        way(
            "an outside address as source",
            false,
            vec![ip4(HARD_CODED, SERVER, 17, &udp(4000, &pseudo4(HARD_CODED, SERVER)))],
        ),
        way(
            "echo of the gateway to an outside address",
            false,
            vec![ip4(SERVER, GATEWAY, 1, &sealed(vec![8, 0, 0, 0, 7, 7, 0, 1], &[], 2))],
        ),
        way(
            "DNS of the gateway, asked as from outside",
            false,
            vec![ip4(SERVER, GATEWAY, 17, &udp(53, &pseudo4(SERVER, GATEWAY)))],
        ),
        way(
            "multicast",
            false,
            vec![ip4(
                CLIENT,
                Ipv4Addr::new(239, 1, 2, 3),
                17,
                &udp(5353, &pseudo4(CLIENT, Ipv4Addr::new(239, 1, 2, 3))),
            )],
        ),
        way("another ethertype", false, vec![ethernet(0x88b5, &[0; 46])]),
    ]
}

/// Ways to an address that one client was given for a permitted name, and to one that nobody was.
pub(crate) fn by_name() -> Vec<Way> {
    let to = |from, to| ip4(from, to, 17, &udp(443, &pseudo4(from, to)));
    let mut neighbour = to(NEIGHBOUR, SERVER);
    neighbour.splice(6..12, NEIGHBOUR_MAC);
    let way = |name, passes_open, frame| Way { name, passes_open, frames: vec![frame] };
    vec![
        way("an address given for a permitted name", true, to(CLIENT, SERVER)),
        way("the same by a client that was not given it", false, neighbour),
        way("a hard-coded address, where names are permitted", false, to(CLIENT, HARD_CODED)),
    ]
}

/// The first packet of a client to somebody.
pub(crate) fn first(to: IpAddr, by: Carrier, port: u16) -> Way {
    let frame = match (to, by) {
        (IpAddr::V4(to), Carrier::Udp) => ip4(CLIENT, to, 17, &udp(port, &pseudo4(CLIENT, to))),
        (IpAddr::V4(to), Carrier::Tcp) => ip4(CLIENT, to, 6, &tcp(port, &pseudo4(CLIENT, to))),
        (IpAddr::V6(to), Carrier::Udp) => ip6(to, 17, &udp(port, &pseudo6(to))),
        (IpAddr::V6(to), Carrier::Tcp) => ip6(to, 6, &tcp(port, &pseudo6(to))),
    };
    Way { name: "a first packet", passes_open: true, frames: vec![frame] }
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&GATEWAY_MAC[..], &MAC, &kind.to_be_bytes(), payload].concat()
}

fn ip4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    part4(from, to, protocol, 0, payload)
}

/// `place` is the field of flags and offset.
fn part4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(payload.len() + 20).unwrap_or_default().to_be_bytes();
    let mut header = vec![0x45, 0, total[0], total[1], 0x77, 0x77];
    header.extend(place.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    ethernet(0x0800, &[sealed(header, &[], 10), payload.to_vec()].concat())
}

fn ip6(to: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    let header =
        [&[0x60, 0, 0, 0, length[0], length[1], next, 64][..], &CLIENT6.octets(), &to.octets()].concat();
    ethernet(0x86dd, &[header, payload.to_vec()].concat())
}

/// A datagram in two.
fn fragments(datagram: &[u8]) -> Vec<Vec<u8>> {
    let (first, second) = datagram.split_at(16);
    vec![part4(CLIENT, SERVER, 17, 0x2000, first), part4(CLIENT, SERVER, 17, 2, second)]
}

fn udp(port: u16, pseudo: &dyn Fn(u8, usize) -> Vec<u8>) -> Vec<u8> {
    let mut datagram = [40_000_u16.to_be_bytes(), port.to_be_bytes(), [0, 28], [0, 0]].concat();
    datagram.extend(b"left while it was cut");
    datagram.truncate(28);
    sealed(datagram, &pseudo(17, 28), 6)
}

fn tcp(port: u16, pseudo: &dyn Fn(u8, usize) -> Vec<u8>) -> Vec<u8> {
    let mut segment = [40_001_u16.to_be_bytes(), port.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    sealed(segment, &pseudo(6, 20), 16)
}

fn pseudo4(from: Ipv4Addr, to: Ipv4Addr) -> impl Fn(u8, usize) -> Vec<u8> {
    move |protocol, length| {
        let length = u16::try_from(length).unwrap_or_default().to_be_bytes();
        [&from.octets()[..], &to.octets(), &[0, protocol], &length].concat()
    }
}

fn pseudo6(to: Ipv6Addr) -> impl Fn(u8, usize) -> Vec<u8> {
    move |protocol, length| {
        let length = u32::try_from(length).unwrap_or_default().to_be_bytes();
        [&CLIENT6.octets()[..], &to.octets(), &length, &[0, 0, 0, protocol]].concat()
    }
}

/// With the checksum of the internet (RFC 1071) over `pseudo` and all of it at `place`.
pub(crate) fn sealed(mut bytes: Vec<u8>, pseudo: &[u8], place: usize) -> Vec<u8> {
    let words = pseudo.chunks(2).chain(bytes.chunks(2));
    let mut sum: u32 = words
        .map(|word| match word {
            [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
            [high] => u32::from(*high) << 8,
            _ => 0,
        })
        .sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    let sum = u16::try_from(!sum & 0xffff).unwrap_or_default().to_be_bytes();
    if let Some(two) = bytes.get_mut(place..place + 2) {
        two.copy_from_slice(&sum);
    }
    bytes
}
