//! Who an address is: names bound to addresses by the DNS answers that each client saw.

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

/// A name for an address and how it is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    pub(crate) host: String,
    pub(crate) basis: &'static str,
}

impl Name {
    /// A server name of a TLS handshake.
    pub(crate) const SNI: &'static str = "sni";
    /// A `Host` header.
    pub(crate) const HOST_HEADER: &'static str = "host-header";
    /// An answer of the DNS to this client.
    pub(crate) const DNS: &'static str = "dns";
    /// A name in the server's certificate.
    pub(crate) const CERTIFICATE: &'static str = "certificate";
    /// The name that was asked for.
    pub(crate) const DNS_QUERY: &'static str = "dns-query";

    /// A name without port, brackets and final point, in lower case.
    pub(crate) fn new(host: &str, basis: &'static str) -> Self {
        let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => match host.split_once(':') {
                // More than one colon: an IPv6 address without brackets.
                Some((name, port)) if !port.contains(':') => name,
                _ => host,
            },
        };
        Self { host: host.trim_end_matches('.').to_lowercase(), basis }
    }
}

/// The latest name each client was given for each address. Bounded; what does not fit is counted.
#[derive(Debug)]
pub(crate) struct Names {
    bound: HashMap<(IpAddr, IpAddr), Box<str>>,
    limit: usize,
    pub(crate) refused: u64,
}

impl Names {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bound: HashMap::new(), limit, refused: 0 }
    }

    /// The client at `client` was told that `name` is at `address`.
    pub(crate) fn bind(&mut self, client: IpAddr, address: IpAddr, name: &str) {
        if self.bound.len() >= self.limit && !self.bound.contains_key(&(client, address)) {
            self.refused += 1;
            return;
        }
        self.bound.insert((client, address), name.trim_end_matches('.').to_lowercase().into());
    }

    /// What that client last knew the address as.
    pub(crate) fn of(&self, client: IpAddr, address: IpAddr) -> Option<Name> {
        self.bound.get(&(client, address)).map(|host| Name { host: host.to_string(), basis: Name::DNS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_port() {
        for (written, host) in [
            ("A.example.:8080", "a.example"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(Name::new(written, Name::HOST_HEADER).host, host);
        }
    }

    #[test]
    fn a_name_counts_only_for_the_client_that_was_told() {
        let [client, other, server]: [IpAddr; 3] =
            ["192.168.1.2", "192.168.1.3", "203.0.113.9"].map(|ip| ip.parse().unwrap());
        let mut names = Names::new(1);
        names.bind(client, server, "API.example.");
        assert_eq!(names.of(client, server), Some(Name { host: "api.example".into(), basis: Name::DNS }));
        assert_eq!(names.of(other, server), None);
        names.bind(other, server, "x");
        assert_eq!(names.refused, 1);
    }
}
