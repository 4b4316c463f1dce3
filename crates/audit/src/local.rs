//! Whose machines are, where the addresses of both ends are private: by what all conversations show together.
//!
//! ```text
//! opens connections, is opened none, reaches nothing that is routed     ─▶ presumed to be ours
//! is opened connections, opens none, reaches nothing that is routed     ─▶ the other side
//! a link of a drone or camera, whatever else                            ─▶ nothing is presumed
//! ```
//!
//! A phone in a laboratory that sends to a server of the same laboratory is the case that this is for. Where a machine
//! reaches the internet as well, that is what an audit is about, and its neighbours are left in peace.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use creance_model::{Flow, Transport};

/// What addresses did.
#[derive(Debug, Default)]
pub(crate) struct Local {
    all: BTreeMap<IpAddr, Did>,
    /// Connections between private addresses: who opened one to whom.
    opened: BTreeSet<(IpAddr, IpAddr)>,
    /// Whether there were more than are kept: then nothing is presumed.
    beyond: bool,
}

/// What one address did.
#[derive(Clone, Copy, Debug, Default)]
struct Did {
    opened: bool,
    served: bool,
    /// Talked with an address that is routed.
    reached: bool,
    linked: bool,
}

/// Addresses, and pairs of them, that are kept.
const MOST: usize = 10_000;

/// Protocols between an aircraft or camera and its controller.
const LINKS: [&str; 8] = ["mavlink", "duml", "tello", "arsdk", "rtsp", "rtp", "rtcp", "rtmp"];

impl Local {
    /// Takes a flow that is over. `begun`: its beginning was seen, or its server is one by its port.
    pub(crate) fn note(&mut self, flow: &Flow, protocol: &str, begun: bool) {
        if flow.transport.is_radio() {
            return;
        }
        if flow.inside.is_some() {
            return self.of(flow.inside_end().ip, |did| did.reached = true);
        }
        let ends = [flow.client.ip, flow.server.ip];
        if ends.iter().any(|ip| ip.is_multicast() || ip.is_unspecified()) {
            return;
        }
        if LINKS.contains(&protocol) {
            return ends.into_iter().for_each(|ip| self.of(ip, |did| did.linked = true));
        }
        if flow.transport != Transport::Tcp || !begun || flow.client.ip == flow.server.ip {
            return;
        }
        self.of(flow.client.ip, |did| did.opened = true);
        self.of(flow.server.ip, |did| did.served = true);
        if self.opened.len() < MOST {
            self.opened.insert((flow.client.ip, flow.server.ip));
        } else {
            self.beyond = true;
        }
    }

    fn of(&mut self, ip: IpAddr, note: impl FnOnce(&mut Did)) {
        if self.all.len() < MOST || self.all.contains_key(&ip) {
            note(self.all.entry(ip).or_default());
        } else {
            self.beyond = true;
        }
    }

    /// Addresses that are presumed to be ours.
    pub(crate) fn presumed(&self) -> Vec<IpAddr> {
        if self.beyond {
            return Vec::new();
        }
        let did = |ip| self.all.get(&ip).copied().unwrap_or_default();
        let apart = |did: Did| !did.reached && !did.linked;
        let client = |did: Did| apart(did) && did.opened && !did.served;
        let server = |did: Did| apart(did) && did.served && !did.opened;
        let pairs = self.opened.iter().filter(|(a, b)| client(did(*a)) && server(did(*b)));
        pairs.map(|(a, _)| *a).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use creance_model::{Endpoint, InsideBasis, Side, Timestamp};

    use super::*;

    fn flow(client: &str, server: &str, inside: Option<Side>) -> Flow {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        Flow {
            id: 1,
            transport: Transport::Tcp,
            client: end(client, 40_000),
            server: end(server, 25),
            inside,
            inside_basis: InsideBasis::PrivateRange,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        }
    }

    fn presumed(flows: &[(&str, &str, &str)]) -> Vec<String> {
        let mut local = Local::default();
        for (client, server, protocol) in flows {
            let routed = server.starts_with("47.").then_some(Side::Client);
            local.note(&flow(client, server, routed), protocol, true);
        }
        local.presumed().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn who_only_asks_and_reaches_no_further_is_ours() {
        let mail = ("192.168.1.10", "192.168.1.2", "smtp");
        assert_eq!(presumed(&[mail]), ["192.168.1.10"]);
        // Another machine that reaches the internet changes nothing; that the client or the server does, all.
        assert_eq!(presumed(&[mail, ("192.168.1.11", "47.95.1.2", "tls")]), ["192.168.1.10"]);
        for reaches in ["192.168.1.10", "192.168.1.2"] {
            assert!(presumed(&[mail, (reaches, "47.95.1.2", "tls")]).is_empty());
        }
        // Who serves is no client, and who asks no server.
        assert!(presumed(&[mail, ("192.168.1.2", "192.168.1.10", "http/1")]).is_empty());
        assert!(
            presumed(&[mail, ("192.168.1.2", "192.168.1.3", "smtp")]).iter().all(|ip| ip != "192.168.1.10")
        );
        // A controller and its aircraft are both ours.
        assert!(presumed(&[mail, ("192.168.1.10", "192.168.1.1", "mavlink")]).is_empty());
    }

    #[test]
    fn beyond_the_limit_nothing_is_presumed() {
        let mut local = Local::default();
        for low in 0..=u32::try_from(MOST).unwrap() {
            let client = std::net::Ipv4Addr::from_bits(0x0a00_0000 + low).to_string();
            local.note(&flow(&client, "192.168.1.2", None), "smtp", true);
        }
        assert!(local.presumed().is_empty());
    }
}
