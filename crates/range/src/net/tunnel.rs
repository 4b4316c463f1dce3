//! The tablet's VPN: what it sends to the world goes in datagrams of a tunnel to a server, which sends it on as its own.
//!
//! ```text
//! tablet's stack ─▶ inside ─▶ sealed ─▶ tap ─▶ link ═ one conversation of UDP ═▶ opened ─▶ from the exit's address ─▶ world's stack
//! ```
//!
//! Nothing of it is among the keys of the case. What goes in at the tablet is captured too, as its own device of the tunnel has it.

mod peer;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use smoltcp::{
    phy::ChecksumCapabilities,
    wire::{
        EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet,
        UdpPacket, UdpRepr,
    },
};

use super::{Headers, Host, Tap, frame::mend, is_lan};
use crate::vpn::Exit;
use peer::Peer;

/// The largest packet that goes in: `WireGuard`'s usual one.
pub(super) const LARGEST: usize = 1420;

/// The tablet's addresses within.
const INSIDE: (Ipv4Addr, Ipv6Addr) =
    (Ipv4Addr::new(100, 64, 0, 2), Ipv6Addr::new(0xfd64, 0, 0, 0, 0, 0, 0, 2));

/// What datagrams have left of 64 hops, from the tablet and from the server.
const HOPS: [u8; 2] = [64, 53];

/// A frame of the tunnel, and the packet within by which the way treats it.
pub(super) struct Sealed {
    pub(super) from: Host,
    pub(super) frame: Vec<u8>,
    pub(super) carries: Option<Headers>,
}

/// The tunnel, with both its ends.
pub(super) struct Tunnel {
    exit: Exit,
    phone: Peer,
    server: Peer,
    /// What waits for keys.
    waiting: Vec<(Vec<u8>, Headers)>,
    /// What went in and came out at the tablet: packets without a link layer.
    inside: Tap,
    random: fastrand::Rng,
}

impl Tunnel {
    pub(super) fn new(exit: Exit, random: fastrand::Rng) -> Self {
        let (phone, server) = (Peer::default(), Peer::default());
        Self { exit, phone, server, waiting: Vec::new(), inside: Tap::default(), random }
    }

    /// The addresses from which the server sends on.
    pub(super) fn exit(&self) -> [IpAddr; 2] {
        let (four, six) = self.exit.addresses;
        [four.into(), six.into()]
    }

    /// What was captured within; the tunnel has nothing of it any more.
    pub(super) fn take_inside(&mut self) -> Tap {
        std::mem::take(&mut self.inside)
    }

    /// Takes a frame that the tablet sends, and gives what goes out instead; nothing, where it goes as it is.
    pub(super) fn enter(&mut self, frame: &[u8], now: Duration) -> Option<Vec<Sealed>> {
        let (packet, [_, to]) = packet(frame)?;
        if is_lan(to) || !self.exit.takes(to) {
            return None;
        }
        // What is neither TCP nor UDP nobody here waits for.
        let Some(headers) = Headers::of(frame) else { return Some(Vec::new()) };
        let packet = readdressed(packet, home(), INSIDE);
        self.inside.take(now, &packet, Some(headers));
        let mut out = Vec::new();
        if let Some(first) = self.phone.begin(now, &mut self.random) {
            out.push(self.sealed(Host::Phone, &first, None));
        }
        match self.phone.seal(&packet, now) {
            Some(message) => out.push(self.sealed(Host::Phone, &message, Some(headers))),
            None => self.waiting.push((packet, headers)),
        }
        Some(out)
    }

    /// Takes a frame that the world sends, and gives what the server sends instead where it is for the exit: nothing of it, where
    /// there are no keys. It is sealed before the way may lose or overtake it, so that counters tell of both.
    pub(super) fn back(&mut self, frame: &[u8], now: Duration) -> Option<Vec<Sealed>> {
        let (packet, [_, to]) = packet(frame)?;
        if !self.exit().contains(&to) {
            return None;
        }
        // By the ends that it would have without a tunnel, so that the same happens to it.
        let home = framed(&readdressed(packet, self.exit.addresses, home()), [Host::World, Host::Phone]);
        let packet = readdressed(packet, self.exit.addresses, INSIDE);
        let message = self.server.seal(&packet, now);
        let sealed = message.map(|message| self.sealed(Host::World, &message, Headers::of(&home)));
        Some(sealed.into_iter().collect())
    }

    /// What a frame that arrives at a host brings to its stack, and what is sent because of it.
    pub(super) fn leave(
        &mut self,
        at: Host,
        frame: Vec<u8>,
        now: Duration,
        out: &mut Vec<Sealed>,
    ) -> Option<Vec<u8>> {
        let way = self.exit.conversation();
        let headers = Headers::of(&frame).filter(|headers| !headers.is_tcp);
        let ends = if at == Host::Phone { (way.outside, way.inside) } else { (way.inside, way.outside) };
        if headers.is_none_or(|headers| (headers.from, headers.to) != ends) {
            return Some(frame);
        }
        let message = payload(&frame)?;
        match (at, message.first()) {
            (Host::World, Some(1)) => {
                let second = self.server.answer(message, now, &mut self.random)?;
                out.push(self.sealed(Host::World, &second, None));
                None
            }
            (Host::Phone, Some(2)) => {
                self.phone.finish(message, now)?;
                self.flush(now, out);
                None
            }
            (Host::World, _) => {
                let packet = filled(self.server.open(message, now)?)?;
                Some(framed(&readdressed(&packet, INSIDE, self.exit.addresses), [Host::Phone, Host::World]))
            }
            _ => {
                let packet = filled(self.phone.open(message, now)?)?;
                let frame = framed(&readdressed(&packet, INSIDE, home()), [Host::World, Host::Phone]);
                self.inside.take(now, &packet, Headers::of(&frame));
                Some(frame)
            }
        }
    }

    /// Sends what waited for keys; where nothing did, that they are there.
    fn flush(&mut self, now: Duration, out: &mut Vec<Sealed>) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty()
            && let Some(message) = self.phone.seal(&[], now)
        {
            out.push(self.sealed(Host::Phone, &message, None));
        }
        for (packet, headers) in waiting {
            if let Some(message) = self.phone.seal(&packet, now) {
                out.push(self.sealed(Host::Phone, &message, Some(headers)));
            }
        }
    }

    /// When an end is to say that it is there.
    pub(super) fn next(&self) -> Option<Duration> {
        self.phone.next().into_iter().chain(self.server.next()).min()
    }

    /// What ends say of themselves now.
    pub(super) fn keep_alive(&mut self, now: Duration) -> Vec<Sealed> {
        let (phone, server) = (self.phone.keep_alive(now), self.server.keep_alive(now));
        let all = [(Host::Phone, phone), (Host::World, server)];
        all.into_iter().filter_map(|(from, message)| Some(self.sealed(from, &message?, None))).collect()
    }

    /// A message as a datagram between tablet and server.
    fn sealed(&self, from: Host, message: &[u8], carries: Option<Headers>) -> Sealed {
        let way = self.exit.conversation();
        let frame = if from == Host::Phone {
            datagram([Host::Phone, Host::World], [way.inside, way.outside], HOPS[0], message)
        } else {
            datagram([Host::World, Host::Phone], [way.outside, way.inside], HOPS[1], message)
        };
        // The way spares the beginnings of connections, and handshakes are such.
        let handshake = Headers::of(&frame).filter(|_| matches!(message.first(), Some(1 | 2)));
        let carries = carries.or(handshake.map(|headers| Headers { begins: true, ..headers }));
        Sealed { from, frame, carries }
    }
}

/// The tablet's own addresses.
const fn home() -> (Ipv4Addr, Ipv6Addr) {
    (Host::Phone.ip(), Host::Phone.ip6())
}

/// The packet in a frame, from whom and to whom.
fn packet(frame: &[u8]) -> Option<(&[u8], [IpAddr; 2])> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let packet = frame.get(EthernetFrame::<&[u8]>::header_len()..)?;
    let ends = match ethernet.ethertype() {
        EthernetProtocol::Ipv4 => {
            let ip = Ipv4Packet::new_checked(packet).ok()?;
            [ip.src_addr().into(), ip.dst_addr().into()]
        }
        EthernetProtocol::Ipv6 => {
            let ip = Ipv6Packet::new_checked(packet).ok()?;
            [ip.src_addr().into(), ip.dst_addr().into()]
        }
        _ => return None,
    };
    Some((packet, ends))
}

/// What a datagram in a frame carries.
fn payload(frame: &[u8]) -> Option<&[u8]> {
    let (packet, _) = packet(frame)?;
    let datagram = packet.get(usize::from(Ipv4Packet::new_checked(packet).ok()?.header_len())..)?;
    let length = usize::from(UdpPacket::new_checked(datagram).ok()?.len());
    datagram.get(8..length)
}

/// A packet, without what filled it up.
fn filled(mut packet: Vec<u8>) -> Option<Vec<u8>> {
    let length = match packet.first()? >> 4 {
        4 => usize::from(Ipv4Packet::new_checked(&packet).ok()?.total_len()),
        6 => Ipv6Packet::new_checked(&packet).ok()?.total_len(),
        _ => return None,
    };
    packet.truncate(length);
    Some(packet)
}

/// A packet with one host's addresses in the place of another's.
fn readdressed(packet: &[u8], from: (Ipv4Addr, Ipv6Addr), to: (Ipv4Addr, Ipv6Addr)) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if packet.first().is_some_and(|first| first >> 4 == 4) {
        let mut ip = Ipv4Packet::new_unchecked(&mut packet);
        if ip.src_addr() == from.0 {
            ip.set_src_addr(to.0);
        }
        if ip.dst_addr() == from.0 {
            ip.set_dst_addr(to.0);
        }
    } else {
        let mut ip = Ipv6Packet::new_unchecked(&mut packet);
        if ip.src_addr() == from.1 {
            ip.set_src_addr(to.1);
        }
        if ip.dst_addr() == from.1 {
            ip.set_dst_addr(to.1);
        }
    }
    mend(&mut packet);
    packet
}

/// A frame from one host to another.
fn framed(packet: &[u8], [from, to]: [Host; 2]) -> Vec<u8> {
    let is_four = packet.first().is_some_and(|first| first >> 4 == 4);
    let ethertype = if is_four { EthernetProtocol::Ipv4 } else { EthernetProtocol::Ipv6 };
    let head = EthernetRepr { src_addr: from.mac(), dst_addr: to.mac(), ethertype };
    let mut frame = vec![0; head.buffer_len()];
    head.emit(&mut EthernetFrame::new_unchecked(&mut frame));
    frame.extend_from_slice(packet);
    frame
}

/// A frame with a datagram of version 4.
fn datagram(hosts: [Host; 2], [from, to]: [SocketAddr; 2], hops: u8, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(src_addr), IpAddr::V4(dst_addr)) = (from.ip(), to.ip()) else { return Vec::new() };
    let udp = UdpRepr { src_port: from.port(), dst_port: to.port() };
    let payload_len = udp.header_len() + payload.len();
    let ip = Ipv4Repr { src_addr, dst_addr, next_header: IpProtocol::Udp, payload_len, hop_limit: hops };
    let mut packet = vec![0; ip.buffer_len() + payload_len];
    let mut out = Ipv4Packet::new_unchecked(&mut packet);
    let sums = ChecksumCapabilities::default();
    ip.emit(&mut out, &sums);
    let mut out = UdpPacket::new_unchecked(out.payload_mut());
    let (src, dst) = (src_addr.into(), dst_addr.into());
    udp.emit(&mut out, &src, &dst, payload.len(), |body| body.copy_from_slice(payload), &sums);
    framed(&packet, hosts)
}
