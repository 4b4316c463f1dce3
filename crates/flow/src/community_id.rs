//! Community ID version 1, seed 0 (corelight/community-id-spec): one name for a flow that many tools agree on.
//!
//! ```text
//! "1:" base64(sha1(seed address address protocol 0 port port)), the lower endpoint first
//! ```
//!
//! Leaves out the ports of SCTP, which flows here do not have.

use std::net::IpAddr;

use creance_model::{Flow, Transport};
use data_encoding::BASE64;
use ring::digest;

/// `1:` and the base64 of a SHA-1 over seed, addresses, protocol and ports, the lower endpoint first.
///
/// For ICMP the specification takes type and code in place of ports; flows here do not tell them apart, so their ids
/// are those of type 0, code 0. See [`community_id_icmp`]. What is radiated has no addresses to hash: it is named by its
/// radio and its transmitter, `wifi:60:60:1f:00:00:01`.
pub fn community_id(flow: &Flow) -> String {
    if flow.transport.is_radio() {
        let mac = flow.client_mac.unwrap_or_default().map(|byte| format!("{byte:02x}")).join(":");
        return format!("{}:{mac}", flow.transport);
    }
    let ends = (flow.client.port, flow.server.port);
    hash(flow.client.ip, flow.server.ip, number(flow.transport), ends, true)
}

/// The id of the part of an ICMP flow that has this type and code (the first two bytes of a message from the client).
pub fn community_id_icmp(flow: &Flow, kind: u8, code: u8) -> String {
    let protocol = number(flow.transport);
    // Requests and answers are two ways of one conversation; all other messages go one way.
    let answer = match (protocol, kind) {
        (1, 8) => Some(0),
        (1, 0) => Some(8),
        (1, 9 | 13 | 15 | 17) | (58, 128 | 130 | 133 | 135 | 139 | 144 | 146) => Some(kind + 1),
        (1, 10 | 14 | 16 | 18) | (58, 129 | 131 | 134 | 136 | 140 | 145 | 147) => Some(kind - 1),
        _ => None,
    };
    let ports = (u16::from(kind), u16::from(answer.unwrap_or(code)));
    hash(flow.client.ip, flow.server.ip, protocol, ports, answer.is_some())
}

fn number(transport: Transport) -> u8 {
    match transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Other(number) => number,
        // RFC 6890's reserved number; nothing with it is hashed.
        Transport::Wifi | Transport::Bluetooth => 255,
    }
}

fn hash(a: IpAddr, b: IpAddr, protocol: u8, ports: (u16, u16), two_way: bool) -> String {
    let mut ends = [(a, ports.0), (b, ports.1)];
    if two_way {
        ends.sort_unstable();
    }
    let mut text = Vec::with_capacity(LONGEST);
    text.extend([0, 0]);
    for (ip, _) in ends {
        match ip {
            IpAddr::V4(ip) => text.extend(ip.octets()),
            IpAddr::V6(ip) => text.extend(ip.octets()),
        }
    }
    text.extend([protocol, 0]);
    if matches!(protocol, 1 | 6 | 17 | 58 | 132) {
        text.extend(ends.into_iter().flat_map(|(_, port)| port.to_be_bytes()));
    }
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &text);
    let mut id = String::with_capacity(30);
    id.push_str("1:");
    BASE64.encode_append(hash.as_ref(), &mut id);
    id
}

/// What is hashed of a flow of IPv6, in bytes.
const LONGEST: usize = 2 + 2 * 16 + 2 + 2 * 2;

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Endpoint, InsideBasis, Timestamp};

    fn flow(transport: Transport, client: (&str, u16), server: (&str, u16)) -> Flow {
        let end = |(ip, port): (&str, u16)| Endpoint { ip: ip.parse().unwrap(), port };
        Flow {
            id: 1,
            transport,
            client: end(client),
            server: end(server),
            inside: None,
            inside_basis: InsideBasis::Guess,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        }
    }

    #[test]
    fn it_is_the_published_one_from_either_end() {
        let (a, b) = (("128.232.110.120", 34_855), ("66.35.250.204", 80));
        for (client, server) in [(a, b), (b, a)] {
            let flow = flow(Transport::Tcp, client, server);
            assert_eq!(community_id(&flow), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        }
    }

    #[test]
    fn icmp_takes_type_and_code_as_published() {
        let ping = flow(Transport::Other(1), ("192.168.0.89", 0), ("192.168.0.1", 0));
        assert_eq!(community_id_icmp(&ping, 8, 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        let reply = flow(Transport::Other(1), ("192.168.0.1", 0), ("192.168.0.89", 0));
        assert_eq!(community_id_icmp(&reply, 0, 0), community_id_icmp(&ping, 8, 0));
        let (a, b) = (("fe80::200:86ff:fe05:80da", 0), ("fe80::260:97ff:fe07:69ea", 0));
        let neighbour = flow(Transport::Other(58), a, b);
        assert_eq!(community_id_icmp(&neighbour, 135, 0), "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
    }
}
