//! `[resolver]` of `guard.toml`: where clients ask for names, whom the guard asks, how much of each.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use serde::Deserialize;

use crate::Carrier;

/// What the resolver is told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The addresses of this machine that clients ask, at port 53. They may come later than the guard.
    pub listen: Vec<IpAddr>,
    /// The resolvers outside that are asked, in this order.
    pub upstream: Vec<Server>,
    /// What an address that was given for a name may be reached by.
    #[serde(default = "ports")]
    pub ports: Vec<Port>,
    /// Domains whose names may have addresses that are not public; of others such an answer is dropped.
    #[serde(default)]
    pub private: Vec<String>,
    /// At least so long, in seconds, an answer is kept and its addresses may be reached.
    #[serde(default = "least_ttl_s")]
    pub least_ttl_s: u32,
    /// At most so long.
    #[serde(default = "most_ttl_s")]
    pub most_ttl_s: u32,
    /// Answers that are kept.
    #[serde(default = "most_answers")]
    pub most_answers: usize,
    /// Questions of one client in a second that are not answered from what is kept.
    #[serde(default = "per_second")]
    pub per_second: u32,
    /// Whether probes for the internet are answered by this machine while they may not leave.
    #[serde(default)]
    pub captive: bool,
    /// Bytes that names below one domain may carry in a minute, of one client; more is a tunnel.
    #[serde(default = "tunnel_bytes")]
    pub tunnel_bytes: u32,
}

/// A resolver outside: an address, with a port where it is not 53.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub struct Server(pub SocketAddr);

impl TryFrom<String> for Server {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
        let address = address.or_else(|_| text.parse());
        address.map(Self).map_err(|_| format!("{text:?} is no address, nor an address with a port"))
    }
}

/// A port of a protocol, written `tcp/443`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub struct Port {
    /// `tcp` or `udp`.
    pub protocol: Carrier,
    /// Its number.
    pub number: u16,
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no port: one is written tcp/443 or udp/443");
        let (protocol, number) = text.split_once('/').ok_or_else(wrong)?;
        let protocol = match protocol {
            "tcp" => Carrier::Tcp,
            "udp" => Carrier::Udp,
            _ => return Err(wrong()),
        };
        Ok(Self { protocol, number: number.parse().map_err(|_| wrong())? })
    }
}

impl TryFrom<String> for Port {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The longest that an address may be reached after one question.
const LONGEST_TTL_S: u32 = 3600;

impl Settings {
    /// What does not make sense, by the field.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.listen.is_empty() || self.listen.iter().any(|ip| ip.is_unspecified() || ip.is_multicast()) {
            return Some("`resolver.listen` names at least one address of this machine");
        }
        if self.upstream.is_empty() {
            return Some("`resolver.upstream` names at least one resolver outside");
        }
        if self.ports.is_empty() || self.ports.len() > 16 {
            return Some("`resolver.ports` names between 1 and 16 ports");
        }
        if !(5..=LONGEST_TTL_S).contains(&self.least_ttl_s)
            || !(self.least_ttl_s..=LONGEST_TTL_S).contains(&self.most_ttl_s)
        {
            return Some(
                "`resolver.least_ttl_s` is at least 5, and `resolver.most_ttl_s` between that and 3600",
            );
        }
        if !(16..=1_000_000).contains(&self.most_answers) {
            return Some("`resolver.most_answers` is between 16 and 1000000");
        }
        if self.per_second == 0 {
            return Some("`resolver.per_second` is at least 1");
        }
        if self.tunnel_bytes < 256 {
            return Some("`resolver.tunnel_bytes` is at least 256: a single name may have so many");
        }
        None
    }

    /// For how long an answer with a certain time to live holds.
    pub(crate) fn hold(&self, ttl: u32) -> Duration {
        Duration::from_secs(ttl.clamp(self.least_ttl_s, self.most_ttl_s).into())
    }

    /// Whether a name may have addresses that are not public.
    pub(crate) fn may_be_private(&self, name: &str) -> bool {
        self.private.iter().any(|domain| below(name, domain))
    }
}

/// Whether a name is a domain or below it.
pub(super) fn below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn ports() -> Vec<Port> {
    [(Carrier::Tcp, 80), (Carrier::Tcp, 443), (Carrier::Udp, 443)]
        .map(|(protocol, number)| Port { protocol, number })
        .into()
}

fn least_ttl_s() -> u32 {
    60
}

fn most_ttl_s() -> u32 {
    600
}

fn most_answers() -> usize {
    4000
}

fn per_second() -> u32 {
    100
}

fn tunnel_bytes() -> u32 {
    1500
}

#[cfg(test)]
mod tests {
    use crate::{Config, ConfigError};

    use super::*;

    const LEAST: &str = "lan = ['a']\nwan = ['b']\n[resolver]\nlisten = ['10.0.0.1']\nupstream = ['9.9.9.9', '[2620:fe::9]:5353']\n";

    #[test]
    fn the_least_that_can_be_told() {
        let config = Config::read(LEAST).unwrap();
        let settings = config.resolver.unwrap();
        assert_eq!(settings.upstream.iter().map(|one| one.0.port()).collect::<Vec<_>>(), [53, 5353]);
        assert_eq!(settings.ports, ["tcp/80", "tcp/443", "udp/443"].map(|port| port.parse().unwrap()));
        assert_eq!(settings.hold(0), Duration::from_mins(1));
        assert_eq!(settings.hold(u32::MAX), Duration::from_mins(10));
        // Clients may ask it.
        assert_eq!(config.services, [crate::Service::Dns]);
    }

    #[test]
    fn what_does_not_make_sense_is_told_by_its_field() {
        for (wrong, field) in [
            ("ports = []", "resolver.ports"),
            ("least_ttl_s = 0", "resolver.least_ttl_s"),
            ("most_ttl_s = 30", "resolver.most_ttl_s"),
            ("most_answers = 1", "resolver.most_answers"),
            ("per_second = 0", "resolver.per_second"),
            ("tunnel_bytes = 9", "resolver.tunnel_bytes"),
            ("ports = ['sctp/1']", "sctp/1"),
            ("port = 1", "port"),
        ] {
            let error = Config::read(&format!("{LEAST}{wrong}")).unwrap_err();
            assert!(error.to_string().contains(field), "{wrong}: {error}");
        }
        let nobody = LEAST.replace("['9.9.9.9', '[2620:fe::9]:5353']", "[]");
        assert!(matches!(Config::read(&nobody), Err(ConfigError::Resolver(_))));
        let error = Config::read(&LEAST.replace("9.9.9.9", "dns.example")).unwrap_err().to_string();
        assert!(error.contains("\"dns.example\" is no address"), "{error}");
    }

    #[test]
    fn a_name_is_below_a_domain_by_whole_labels() {
        assert!(below("a.lan.example", "lan.example") && below("lan.example", "lan.example"));
        assert!(!below("wlan.example", "lan.example") && !below("example", "lan.example"));
    }
}
