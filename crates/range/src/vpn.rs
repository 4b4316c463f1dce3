//! A VPN on the tablet: where it lets out, and what goes beside it.
//!
//! What it is made of is in `net/tunnel.rs`. The phone's system asks whether there is an internet beside it, as Android does
//! even where everything else must go through: a network's own page could not be answered otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::{
    clouds::{Cloud, Role},
    net::{Conversation, Host},
};

/// A way out in another country, and the tablet's end of it.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    /// ISO 3166-1 alpha-2.
    pub(crate) country: &'static str,
    /// Where the tunnel ends.
    pub(crate) server: Ipv4Addr,
    /// What servers take for the tablet's addresses.
    pub(crate) addresses: (Ipv4Addr, Ipv6Addr),
    /// One way to it, in milliseconds.
    pub(crate) away: u64,
    /// The tablet's port of it.
    port: u16,
    /// Who is reached beside it.
    beside: BTreeSet<IpAddr>,
}

/// Where the server takes tunnels.
pub(crate) const PORT: u16 = 51_820;

/// The resolver within.
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);

/// Country, networks of both versions, milliseconds.
type Row = (&'static str, [u8; 3], [u16; 3], u64);

const ROWS: [Row; 7] = [
    ("AU", [13, 54, 12], [0x2406, 0xda1c, 0x31], 105),
    ("CN", [121, 40, 31], [0x2408, 0x4002, 0x31], 97),
    ("DE", [18, 184, 31], [0x2a05, 0xd014, 0x31], 46),
    ("HK", [8, 210, 31], [0x2406, 0xda1e, 0x31], 86),
    ("SG", [13, 228, 31], [0x2406, 0xda18, 0x31], 108),
    ("TW", [61, 216, 31], [0x2001, 0xb000, 0x31], 79),
    ("US", [44, 200, 31], [0x2600, 0x1f18, 0x31], 20),
];

/// The countries in which there are exits.
pub(crate) fn countries() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(country, ..)| *country)
}

impl Exit {
    /// The exit in a country, if there is one.
    pub(crate) fn new(country: &str, clouds: &[Cloud], random: &mut fastrand::Rng) -> Option<Self> {
        let (country, four, six, away) = ROWS.into_iter().find(|(one, ..)| *one == country)?;
        let last = random.u8(10..120);
        let address = |last| Ipv4Addr::new(four[0], four[1], four[2], last);
        let beside = clouds.iter().filter(|cloud| is_beside(cloud)).map(|cloud| cloud.ip).collect();
        Some(Self {
            country,
            server: address(last),
            addresses: (address(last + 100), Ipv6Addr::new(six[0], six[1], six[2], 0, 0, 0, 0, last.into())),
            away,
            port: random.u16(20_000..60_000),
            beside,
        })
    }

    /// Whether what the tablet sends to an address of the world goes through it.
    pub(crate) fn takes(&self, to: IpAddr) -> bool {
        to != IpAddr::from(self.server) && !self.beside.contains(&to)
    }

    /// All that a capture sees of it.
    pub(crate) fn conversation(&self) -> Conversation {
        Conversation {
            inside: SocketAddr::from((Host::Phone.ip(), self.port)),
            outside: SocketAddr::from((self.server, PORT)),
            is_tcp: false,
        }
    }

    /// The ways through it: to the server, and on from there.
    pub(crate) fn lengthen(&self, away: &mut BTreeMap<IpAddr, u64>) {
        for (ip, millis) in away.iter_mut() {
            if self.takes(*ip) {
                *millis += self.away;
            }
        }
        away.extend([(self.server.into(), self.away), (RESOLVER.into(), self.away)]);
    }
}

/// Whether a host is reached beside every VPN: what the phone's system asks, and the network's own page.
pub(crate) fn is_beside(cloud: &Cloud) -> bool {
    matches!(cloud.role, Role::Portal | Role::Gate)
}

#[cfg(test)]
mod tests {
    use creance_place::Atlas;

    use super::*;

    #[test]
    fn every_exit_lies_where_it_is_said_to_lie() {
        let atlas = Atlas::bundled().unwrap();
        for country in countries() {
            let exit = Exit::new(country, &[], &mut fastrand::Rng::with_seed(1)).unwrap();
            let (four, six) = exit.addresses;
            for ip in [exit.server.into(), four.into(), six.into()] {
                assert_eq!(atlas.locate(ip, None).country.as_deref(), Some(country), "{ip}");
            }
        }
    }
}
