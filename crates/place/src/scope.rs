//! What kind of address an address is. Source: the IANA special-purpose address registries (RFC 6890) and the RFCs named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Reachable in the internet.
    Public,
    /// RFC 1918, RFC 6598 (shared by carriers), RFC 4193, RFC 3879, RFC 8215.
    Private,
    /// RFC 1122, RFC 4291.
    Loopback,
    /// RFC 3927, RFC 4291.
    LinkLocal,
    /// RFC 5771, RFC 4291.
    Multicast,
    /// RFC 919.
    Broadcast,
    /// For documentation, measurement, later use, or no use.
    Reserved,
}

impl Scope {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Reserved => "reserved",
        }
    }

    /// The scope of an address; of the IPv4 address inside it where it carries one.
    pub fn of(ip: IpAddr) -> Self {
        match unwrapped(ip) {
            IpAddr::V4(ip) => four(ip),
            IpAddr::V6(ip) => six(ip),
        }
    }
}

/// The IPv4 address inside an IPv4-mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056) address; else the address.
pub(crate) fn unwrapped(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = ip else { return ip };
    let inside = match six.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => (u32::from(high) << 16) | u32::from(low),
        _ => return ip,
    };
    IpAddr::V4(Ipv4Addr::from(inside))
}

fn four(ip: Ipv4Addr) -> Scope {
    match ip.octets() {
        [255, 255, 255, 255] => Scope::Broadcast,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        [127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::LinkLocal,
        [224..=239, ..] => Scope::Multicast,
        // "This network" (RFC 1122); IETF assignments (RFC 6890); documentation (RFC 5737); 6to4 relays (RFC 7526);
        // benchmarks (RFC 2544); later use (RFC 1112).
        [0 | 240..=255, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..] => Scope::Reserved,
        _ => Scope::Public,
    }
}

fn six(ip: Ipv6Addr) -> Scope {
    if ip.is_loopback() {
        return Scope::Loopback;
    }
    match ip.segments() {
        [0xff00..=0xffff, ..] => Scope::Multicast,
        [0xfe80..=0xfebf, ..] => Scope::LinkLocal,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Scope::Private,
        // Documentation (RFC 3849, RFC 9637); benchmarks (RFC 5180); ORCHID (RFC 4843, RFC 7343).
        [0x2001, 0xdb8 | 0x10..=0x2f, ..] | [0x3fff, 0..=0xfff, ..] | [0x2001, 2, 0, ..] => Scope::Reserved,
        [0x2000..=0x3fff, ..] => Scope::Public,
        // Only 2000::/3 is global unicast (IANA).
        _ => Scope::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_its_addresses() {
        for (text, scope) in [
            ("8.8.8.8", Scope::Public),
            ("100.128.0.1", Scope::Public),
            ("172.32.0.1", Scope::Public),
            ("192.168.42.1", Scope::Private),
            ("172.31.255.255", Scope::Private),
            ("100.64.0.1", Scope::Private),
            ("127.8.9.1", Scope::Loopback),
            ("169.254.1.1", Scope::LinkLocal),
            ("239.255.255.250", Scope::Multicast),
            ("255.255.255.255", Scope::Broadcast),
            ("192.0.2.7", Scope::Reserved),
            ("203.0.113.7", Scope::Reserved),
            ("0.0.0.0", Scope::Reserved),
            ("250.1.1.1", Scope::Reserved),
            ("::", Scope::Reserved),
            ("::1", Scope::Loopback),
            ("::ffff:192.168.1.1", Scope::Private),
            ("::ffff:8.8.8.8", Scope::Public),
            ("64:ff9b::10.0.0.1", Scope::Private),
            ("2002:7f00:1::", Scope::Loopback),
            ("fe80::1", Scope::LinkLocal),
            ("fd00::1", Scope::Private),
            ("ff02::fb", Scope::Multicast),
            ("2001:db8::1", Scope::Reserved),
            ("3fff:fff::1", Scope::Reserved),
            ("3fff:1000::1", Scope::Public),
            ("2001:b000::1", Scope::Public),
        ] {
            assert_eq!(Scope::of(text.parse().unwrap()), scope, "{text}");
        }
    }
}
