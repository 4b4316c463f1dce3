//! What a frame says of its conversation: just enough to delay it, to lose it and to find it again.

use std::net::{IpAddr, SocketAddr};

use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket,
};

use super::{HOSTS, Host};

/// The ends of a frame that carries TCP or UDP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Headers {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) is_tcp: bool,
    /// Bytes of payload.
    pub(crate) payload: usize,
}

impl Headers {
    /// Reads a frame; nothing for what is neither TCP nor UDP over IPv4.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let (from, to) = (IpAddr::V4(ip.src_addr()), IpAddr::V4(ip.dst_addr()));
        let is_tcp = ip.next_header() == IpProtocol::Tcp;
        let (ports, payload) = match ip.next_header() {
            IpProtocol::Tcp => {
                let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
                ((tcp.src_port(), tcp.dst_port()), tcp.payload().len())
            }
            IpProtocol::Udp => {
                let udp = UdpPacket::new_checked(ip.payload()).ok()?;
                ((udp.src_port(), udp.dst_port()), udp.payload().len())
            }
            _ => return None,
        };
        Some(Self { from: (from, ports.0).into(), to: (to, ports.1).into(), is_tcp, payload })
    }

    /// To whom a frame goes; nothing for all.
    pub(crate) fn destination(frame: &[u8]) -> Option<Host> {
        let to: EthernetAddress = EthernetFrame::new_checked(frame).ok()?.dst_addr();
        HOSTS.into_iter().find(|host| host.mac() == to)
    }
}
