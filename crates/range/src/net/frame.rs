//! What a frame says of its conversation: just enough to delay it, to lose it and to find it again.

use std::net::{IpAddr, SocketAddr};

use smoltcp::wire::{
    ArpPacket, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet,
    Ipv6Packet, TcpPacket, UdpPacket,
};

use super::{HOSTS, Host};

/// The ends of a frame that carries TCP or UDP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Headers {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) is_tcp: bool,
    /// Whether it begins a connection.
    pub(crate) begins: bool,
    /// Bytes of payload.
    pub(crate) payload: usize,
}

/// Writes the checksums of a packet anew, after its addresses or ports were changed.
pub(super) fn mend(packet: &mut [u8]) {
    if packet.first().is_some_and(|first| first >> 4 == 4) {
        let mut ip = Ipv4Packet::new_unchecked(packet);
        ip.fill_checksum();
        let (ends, protocol) = ([ip.src_addr().into(), ip.dst_addr().into()], ip.next_header());
        mend_payload(protocol, ends, ip.payload_mut());
    } else {
        let mut ip = Ipv6Packet::new_unchecked(packet);
        let (ends, protocol) = ([ip.src_addr().into(), ip.dst_addr().into()], ip.next_header());
        mend_payload(protocol, ends, ip.payload_mut());
    }
}

fn mend_payload(protocol: IpProtocol, [from, to]: [IpAddress; 2], payload: &mut [u8]) {
    match protocol {
        IpProtocol::Tcp => TcpPacket::new_unchecked(payload).fill_checksum(&from, &to),
        IpProtocol::Udp => UdpPacket::new_unchecked(payload).fill_checksum(&from, &to),
        _ => {}
    }
}

impl Headers {
    /// Reads a frame; nothing for what is neither TCP nor UDP.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        let (from, to, protocol, payload): (IpAddr, IpAddr, _, _) = match ethernet.ethertype() {
            EthernetProtocol::Ipv4 => {
                let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
                (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), ip.payload())
            }
            EthernetProtocol::Ipv6 => {
                let ip = Ipv6Packet::new_checked(ethernet.payload()).ok()?;
                (ip.src_addr().into(), ip.dst_addr().into(), ip.next_header(), ip.payload())
            }
            _ => return None,
        };
        let is_tcp = protocol == IpProtocol::Tcp;
        let (ports, begins, payload) = match protocol {
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(payload).ok()?;
                ((tcp.src_port(), tcp.dst_port()), tcp.syn(), tcp.payload().len())
            }
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(payload).ok()?;
                ((udp.src_port(), udp.dst_port()), false, udp.payload().len())
            }
            _ => return None,
        };
        Some(Self { from: (from, ports.0).into(), to: (to, ports.1).into(), is_tcp, begins, payload })
    }

    /// To whom a frame goes; nothing for all. A question for an address goes to whoever has it: the world, which answers
    /// for every address, would answer for the neighbours too.
    pub(crate) fn destination(frame: &[u8]) -> Option<Host> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        let to: EthernetAddress = ethernet.dst_addr();
        if let Some(host) = HOSTS.into_iter().find(|host| host.mac() == to) {
            return Some(host);
        }
        let arp = ArpPacket::new_checked(ethernet.payload()).ok()?;
        let asked =
            (ethernet.ethertype() == EthernetProtocol::Arp).then(|| arp.target_protocol_addr().to_vec())?;
        HOSTS.into_iter().find(|host| host.ip().octets() == asked.as_slice())
    }
}
