//! Two-way conversations.

use std::{borrow::Cow, fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// An address and a port (0 for protocols without ports).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Endpoint {
    /// The address; IPv4-mapped IPv6 addresses stay as they were on the wire. Unspecified where a recording does not
    /// tell it.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// The protocol above IP.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// Any other IP protocol, by its IANA number.
    Other(u8),
    /// No IP at all: what a radio of Wi-Fi says to all who listen (IEEE 802.11 management frames).
    Wifi,
    /// No IP at all: what a radio of Bluetooth Low Energy says to all who listen (advertisements).
    Bluetooth,
}

impl Transport {
    /// Whether it is said to all who listen, by a transmitter that has no IP address.
    pub const fn is_radio(self) -> bool {
        matches!(self, Self::Wifi | Self::Bluetooth)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
            Self::Udp => f.write_str("udp"),
            Self::Other(1) => f.write_str("icmp"),
            Self::Other(2) => f.write_str("igmp"),
            Self::Other(58) => f.write_str("icmpv6"),
            Self::Other(number) => write!(f, "ip-{number}"),
            Self::Wifi => f.write_str("wifi"),
            Self::Bluetooth => f.write_str("ble"),
        }
    }
}

impl Serialize for Transport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for Transport {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <Cow<'d, str>>::deserialize(deserializer)?;
        let number = || name.strip_prefix("ip-").and_then(|digits| digits.parse().ok());
        Ok(match name.as_ref() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "icmp" => Self::Other(1),
            "igmp" => Self::Other(2),
            "icmpv6" => Self::Other(58),
            "wifi" => Self::Wifi,
            "ble" => Self::Bluetooth,
            _ => Self::Other(number().ok_or_else(|| de::Error::custom("it names no protocol above IP"))?),
        })
    }
}

/// One of the two ends of a flow.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// The end that began (sent the first SYN; else the higher port or the first sender).
    Client,
    /// The other end.
    Server,
}

impl Side {
    /// The end across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// 0 for the client, 1 for the server.
    pub const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

/// How it was decided which end of a flow is *ours*.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsideBasis {
    /// `--inside CIDR` names exactly one of the ends, or both.
    Stated,
    /// Exactly one end, or both, have an address that is not routed on the internet.
    PrivateRange,
    /// Both ends are public: the end that sent the first SYN.
    FirstSyn,
    /// Both ends are public and the beginning was not seen: the higher port, else the first sender.
    Guess,
    /// A recording of what an app said (HAR, mitmproxy) that does not tell both addresses: the app is ours.
    Recorded,
    /// No end has an address: it was radiated, and whose transmitter it is is not known.
    Radiated,
}

/// Which way something went.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From our side to the outside: may be a finding.
    Outbound,
    /// From the outside to us: never a leak.
    Inbound,
    /// Both ends are ours, or the address is multicast, link-local or broadcast: context only.
    Lan,
    /// Radiated for all to hear (Remote ID, DroneID).
    Broadcast,
}

impl Direction {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
            Self::Lan => "lan",
            Self::Broadcast => "broadcast",
        }
    }
}

/// A two-way conversation: what is known when its first packet is seen.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its number, counted from 1 in order of first packets.
    pub id: u64,
    /// The protocol above IP.
    pub transport: Transport,
    /// The end that began.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// The end that is ours; `None` when both are (a LAN flow).
    pub inside: Option<Side>,
    /// Why.
    pub inside_basis: InsideBasis,
    /// Time of the first packet.
    pub first: Timestamp,
    /// The link-layer address of the sender of the first packet, where the link has one.
    pub client_mac: Option<[u8; 6]>,
    /// The link-layer address of the receiver of the first packet, where the link has one.
    pub server_mac: Option<[u8; 6]>,
    /// The app at our end, where the capture says so.
    pub app: Option<Arc<str>>,
}

impl Flow {
    /// The end called `side`.
    pub const fn end(&self, side: Side) -> Endpoint {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// Which way bytes from `from` go.
    pub const fn direction(&self, from: Side) -> Direction {
        if self.transport.is_radio() {
            return Direction::Broadcast;
        }
        match (self.inside, from) {
            (None, _) => Direction::Lan,
            (Some(Side::Client), Side::Client) | (Some(Side::Server), Side::Server) => Direction::Outbound,
            (Some(_), _) => Direction::Inbound,
        }
    }

    /// Our end (the client of a LAN flow).
    pub const fn inside_end(&self) -> Endpoint {
        match self.inside {
            Some(side) => self.end(side),
            None => self.client,
        }
    }

    /// The end across from ours (the server of a LAN flow).
    pub const fn outside_end(&self) -> Endpoint {
        match self.inside {
            Some(side) => self.end(side.other()),
            None => self.server,
        }
    }

    /// The link-layer address of our end, where known.
    pub const fn inside_mac(&self) -> Option<[u8; 6]> {
        match self.inside {
            Some(Side::Server) => self.server_mac,
            _ => self.client_mac,
        }
    }
}
