//! The capture behind the router: what left it, and came to it, with one public address for all (NAPT, RFC 3022).
//!
//! Names are asked of the router, and what it asks itself is not played: there are none here. Version 6 is not translated.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use creance_model::{LinkType, Timestamp};
use smoltcp::wire::{EthernetAddress, EthernetFrame, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};

use super::{Headers, Host, Tap, frame::mend, is_lan};

/// The router's address there: of a network for documentation (RFC 5737).
const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);

/// Its side of that link, and the other.
const ROUTER: EthernetAddress = EthernetAddress([0x02, 0x1c, 0x42, 0x00, 0x00, 0x82]);
const PROVIDER: EthernetAddress = EthernetAddress([0x02, 0x1c, 0x42, 0x00, 0x00, 0x83]);

/// How long a packet stays in the router.
const TAKES: Duration = Duration::from_micros(140);

/// The first port that is given out.
const FIRST_PORT: u16 = 20_000;

impl Tap {
    /// The capture of the router's other side as pcapng.
    pub(crate) fn behind_nat(&self, begun: Timestamp) -> io::Result<Vec<u8>> {
        let mut ports: BTreeMap<(bool, u16), u16> = BTreeMap::new();
        let mut behind = Self::default();
        for frame in &self.frames {
            let Some(headers) = frame.headers else { continue };
            let is_out = is_ours(headers.from.ip());
            let (inside, outside) =
                if is_out { (headers.from, headers.to) } else { (headers.to, headers.from) };
            if is_lan(outside.ip()) {
                continue;
            }
            let next = FIRST_PORT.wrapping_add(u16::try_from(ports.len()).unwrap_or_default());
            let port = *ports.entry((headers.is_tcp, inside.port())).or_insert(next);
            let mut bytes = frame.bytes.clone();
            translate(&mut bytes, headers, is_out, port);
            let time = if is_out { frame.time + TAKES } else { frame.time.saturating_sub(TAKES) };
            behind.take(time, &bytes, Some(headers));
        }
        behind.pcapng(begun, LinkType::ETHERNET)
    }
}

fn is_ours(ip: IpAddr) -> bool {
    ip == IpAddr::from(Host::Phone.ip()) || ip == IpAddr::from(Host::Phone.ip6())
}

/// Writes the public address and port in place of the tablet's.
fn translate(bytes: &mut [u8], headers: Headers, is_out: bool, port: u16) {
    let mut ethernet = EthernetFrame::new_unchecked(bytes);
    let (from, to) = if is_out { (ROUTER, PROVIDER) } else { (PROVIDER, ROUTER) };
    ethernet.set_src_addr(from);
    ethernet.set_dst_addr(to);
    let hops = |hops: u8| if is_out { hops.saturating_sub(1) } else { hops.saturating_add(1) };
    let IpAddr::V4(_) = headers.from.ip() else {
        let mut ip = Ipv6Packet::new_unchecked(ethernet.payload_mut());
        let limit = hops(ip.hop_limit());
        ip.set_hop_limit(limit);
        return;
    };
    let mut ip = Ipv4Packet::new_unchecked(ethernet.payload_mut());
    let limit = hops(ip.hop_limit());
    ip.set_hop_limit(limit);
    if is_out {
        ip.set_src_addr(PUBLIC);
    } else {
        ip.set_dst_addr(PUBLIC);
    }
    if headers.is_tcp {
        let mut tcp = TcpPacket::new_unchecked(ip.payload_mut());
        if is_out {
            tcp.set_src_port(port);
        } else {
            tcp.set_dst_port(port);
        }
    } else {
        let mut udp = UdpPacket::new_unchecked(ip.payload_mut());
        if is_out {
            udp.set_src_port(port);
        } else {
            udp.set_dst_port(port);
        }
    }
    mend(ethernet.payload_mut());
}
