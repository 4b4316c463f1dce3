//! Community ID version 1, seed 0 (corelight/community-id-spec): one name for a flow that many tools agree on.

use std::net::IpAddr;

use creance_model::{Flow, Transport};
use data_encoding::BASE64;
use ring::digest;

/// `1:` and the base64 of a SHA-1 over seed, addresses, protocol and ports, the lower endpoint first.
///
/// For ICMP the specification takes type and code in place of ports; flows here do not tell them apart, so their ids
/// are those of type 0, code 0.
pub fn community_id(flow: &Flow) -> String {
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut ends = [(octets(flow.client.ip), flow.client.port), (octets(flow.server.ip), flow.server.port)];
    ends.sort();
    let [(low, low_port), (high, high_port)] = ends;
    let protocol = match flow.transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Other(number) => number,
    };
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(&[0, 0]);
    hash.update(&low);
    hash.update(&high);
    hash.update(&[protocol, 0]);
    if matches!(protocol, 1 | 6 | 17 | 58 | 132) {
        hash.update(&low_port.to_be_bytes());
        hash.update(&high_port.to_be_bytes());
    }
    format!("1:{}", BASE64.encode(hash.finish().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Endpoint, InsideBasis, Timestamp};

    #[test]
    fn it_is_the_published_one_from_either_end() {
        let a = Endpoint { ip: "128.232.110.120".parse().unwrap(), port: 34_855 };
        let b = Endpoint { ip: "66.35.250.204".parse().unwrap(), port: 80 };
        for (client, server) in [(a, b), (b, a)] {
            let flow = Flow {
                id: 1,
                transport: Transport::Tcp,
                client,
                server,
                inside: None,
                inside_basis: InsideBasis::Guess,
                first: Timestamp::default(),
                client_mac: None,
                server_mac: None,
            };
            assert_eq!(community_id(&flow), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        }
    }
}
