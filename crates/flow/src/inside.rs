//! Which end of a flow is ours, and which end began it where that was not seen.
//!
//! ```text
//! stated networks ─▶ multicast ─▶ how far each address is routed ─▶ who began
//! ```
//!
//! Ranges: RFC 1122, 1918, 3927, 4193, 6598; documentation RFC 3849, 5737. Leaves out what names or traffic could tell.

use std::{fmt, net::IpAddr, str::FromStr};

use creance_model::{InsideBasis, Side, Transport};

/// A network in CIDR notation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IpNet {
    address: IpAddr,
    bits: u8,
}

impl IpNet {
    /// Whether the network holds this address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                same(u128::from(net.to_bits()) << 96, u128::from(ip.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => same(net.to_bits(), ip.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn same(a: u128, b: u128, bits: u8) -> bool {
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}

impl FromStr for IpNet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is no IP address"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(|| format!("`/{bits}` is no prefix length, expected 0 to {most}"))?,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Which end is ours, and why. `None` when both are, or when the server's address is for all of the LAN.
pub(crate) fn decide(
    stated: &[IpNet],
    client: IpAddr,
    server: IpAddr,
    syn: bool,
) -> (Option<Side>, InsideBasis) {
    if everybody(client) || everybody(server) {
        return (None, InsideBasis::PrivateRange);
    }
    if !stated.is_empty() {
        let ours = |ip| stated.iter().any(|net| net.contains(ip));
        match (ours(client), ours(server)) {
            (true, false) => return (Some(Side::Client), InsideBasis::Stated),
            (false, true) => return (Some(Side::Server), InsideBasis::Stated),
            (true, true) => return (None, InsideBasis::Stated),
            (false, false) => {}
        }
    }
    match (reach(client), reach(server)) {
        (Reach::Local, Reach::Local) => (None, InsideBasis::PrivateRange),
        (a, b) if a < b => (Some(Side::Client), InsideBasis::PrivateRange),
        (a, b) if a > b => (Some(Side::Server), InsideBasis::PrivateRange),
        _ if syn => (Some(Side::Client), InsideBasis::FirstSyn),
        _ => (Some(Side::Client), InsideBasis::Guess),
    }
}

/// Which end of a recorded conversation is ours, and why. Recordings are made where the client is, and may not tell
/// its address, or but the name of the server.
pub fn recorded(stated: &[IpNet], client: IpAddr, server: IpAddr) -> (Option<Side>, InsideBasis) {
    if server.is_unspecified() {
        return (Some(Side::Client), InsideBasis::Recorded);
    }
    let (side, basis) = decide(stated, client, server, true);
    let told = basis == InsideBasis::Stated || !client.is_unspecified();
    (side, if told { basis } else { InsideBasis::Recorded })
}

/// Whether the address that a recording tells of a server is that of a proxy on the way: it lies near, none of the
/// stated networks holds it, and the server was asked for by a name that is `public`.
pub fn through_proxy(stated: &[IpNet], server: IpAddr, public: bool) -> bool {
    public && reach(server) == Reach::Local && !stated.iter().any(|net| net.contains(server))
}

/// First port of those that systems give to clients (Linux; elsewhere they begin higher).
const EPHEMERAL: u16 = 32_768;

/// Whether the first packet seen of a flow comes from its server: a SYN-ACK, from a well-known port to a high one, or
/// (TCP) from a port that no system gives to clients to one that systems do.
pub(crate) fn looks_like_an_answer(from: u16, to: u16, transport: Transport, segment: &[u8]) -> bool {
    let tcp = transport == Transport::Tcp;
    if tcp && segment.get(13).is_some_and(|flags| flags & 0x12 == 0x12) {
        return true;
    }
    (from < 1024 && to >= 1024) || (tcp && from < EPHEMERAL && to >= EPHEMERAL)
}

/// How far an address is routed, nearest first.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Reach {
    /// Loopback, link-local, private, shared and unique local addresses (RFC 1122, 1918, 3927, 4193, 6598).
    Local,
    /// Documentation and benchmarking (RFC 2544, 3849, 5737): nobody's, so ours when the other end is public.
    Documentation,
    Public,
}

fn reach(ip: IpAddr) -> Reach {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            if ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || a == 0
                || (a == 100 && b & 0xc0 == 64)
            {
                Reach::Local
            } else if ip.is_documentation() || (a == 198 && b & 0xfe == 18) {
                Reach::Documentation
            } else {
                Reach::Public
            }
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            if ip.is_loopback() || ip.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
            {
                Reach::Local
            } else if first == 0x2001 && second == 0x0db8 {
                Reach::Documentation
            } else {
                Reach::Public
            }
        }
    }
}

/// Multicast and broadcast.
fn everybody(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(client: &str, server: &str) -> Option<Side> {
        decide(&[], client.parse().unwrap(), server.parse().unwrap(), true).0
    }

    #[test]
    fn the_private_end_is_ours() {
        assert_eq!(side("192.168.42.10", "47.95.1.2"), Some(Side::Client));
        assert_eq!(side("47.95.1.2", "192.168.42.10"), Some(Side::Server));
        assert_eq!(side("192.168.42.10", "192.168.42.1"), None);
        assert_eq!(side("192.168.42.10", "239.255.255.250"), None);
        assert_eq!(side("2001:db8:42::10", "2001:b000::1"), Some(Side::Client));
        assert_eq!(side("192.168.0.5", "203.0.113.9"), Some(Side::Client));
    }

    #[test]
    fn who_recorded_is_ours_though_addresses_are_not_told() {
        let side = |server: &str| recorded(&[], "0.0.0.0".parse().unwrap(), server.parse().unwrap());
        assert_eq!(side("47.95.1.2"), (Some(Side::Client), InsideBasis::Recorded));
        assert_eq!(side("0.0.0.0"), (Some(Side::Client), InsideBasis::Recorded));
        assert_eq!(side("192.168.42.1").0, None);
        let proxy = |server: &str, public| through_proxy(&[], server.parse().unwrap(), public);
        assert!(proxy("127.0.0.1", true) && proxy("10.0.2.2", true) && proxy("::1", true));
        assert!(!proxy("127.0.0.1", false) && !proxy("47.95.1.2", true));
        assert!(!through_proxy(&["10.0.0.0/8".parse().unwrap()], "10.0.2.2".parse().unwrap(), true));
    }

    #[test]
    fn what_is_stated_comes_first() {
        let ours = ["47.95.0.0/16".parse().unwrap()];
        let (side, basis) = decide(&ours, "8.8.8.8".parse().unwrap(), "47.95.1.2".parse().unwrap(), true);
        assert_eq!((side, basis), (Some(Side::Server), InsideBasis::Stated));
        assert!("47.95.0.0/33".parse::<IpNet>().is_err());
    }
}
