//! What smoltcp leaves otherwise than the systems of tablets and servers do: packets that all have the same identification, and
//! options of TCP in an order of its own (RFC 791 §3.1, RFC 7323 appendix A). Lengths stay.

use std::{collections::BTreeMap, net::SocketAddr};

use smoltcp::wire::{EthernetFrame, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket};

use super::{Headers, frame::mend};

/// The last identification of each way of each conversation: each counts its own.
#[derive(Debug, Default)]
pub(super) struct LinuxHeaders(BTreeMap<(SocketAddr, SocketAddr, bool), u16>);

impl LinuxHeaders {
    /// Writes the headers of a frame of TCP or UDP as Linux would have. Another is left as it is.
    pub(super) fn rewrite(&mut self, frame: &mut [u8], seed: u32) {
        let Some(headers) = Headers::of(frame) else { return };
        let way = (headers.from, headers.to, headers.is_tcp);
        // The answer to a beginning is sent before there is a socket that counts: it has none.
        let ident = if is_syn_ack(frame) {
            0
        } else {
            let last = self.0.entry(way).or_insert_with(|| beginning(headers, seed));
            *last = last.wrapping_add(1);
            *last
        };
        let mut ethernet = EthernetFrame::new_unchecked(frame);
        let packet = ethernet.payload_mut();
        if headers.from.is_ipv4() {
            let mut ip = Ipv4Packet::new_unchecked(&mut *packet);
            ip.set_ident(ident);
            if ip.next_header() == IpProtocol::Tcp {
                order(TcpPacket::new_unchecked(ip.payload_mut()).options_mut());
            }
        } else {
            let mut ip = Ipv6Packet::new_unchecked(&mut *packet);
            if ip.next_header() == IpProtocol::Tcp {
                order(TcpPacket::new_unchecked(ip.payload_mut()).options_mut());
            }
        }
        mend(packet);
    }
}

/// Whether a frame carries the answer to a beginning of TCP, over IPv4.
fn is_syn_ack(frame: &[u8]) -> bool {
    let read = || {
        let ip = Ipv4Packet::new_checked(frame.get(EthernetFrame::<&[u8]>::header_len()..)?).ok()?;
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        Some(ip.next_header() == IpProtocol::Tcp && tcp.syn() && tcp.ack())
    };
    read().unwrap_or_default()
}

/// The first identification of a way.
fn beginning(headers: Headers, seed: u32) -> u16 {
    let mixed = u32::from(headers.from.port()) << 16 | u32::from(headers.to.port());
    let [high, low, ..] = (mixed ^ seed).wrapping_mul(0x9e37_79b1).to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Options of a beginning: largest segment, selective acknowledgements, times, scale. Of others, times alone.
fn order(options: &mut [u8]) {
    let ordered = match &*options {
        [2, 4, high, low, 3, 3, scale, 4, 2, 8, 10, times @ .., 0] if times.len() == 8 => {
            [&[2, 4, *high, *low, 4, 2, 8, 10], times, &[1, 3, 3, *scale]].concat()
        }
        [8, 10, times @ .., 0, 0] if times.len() == 8 => [&[1, 1, 8, 10], times].concat(),
        _ => return,
    };
    options.copy_from_slice(&ordered);
}
