//! What the tests of several protocols need.

use creance_model::{Endpoint, Flow, InsideBasis, Side, Timestamp, Transport};

/// A flow over TCP from our side.
pub(crate) fn flow() -> Flow {
    let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
    Flow {
        id: 1,
        transport: Transport::Tcp,
        client: end("192.168.1.2", 40_000),
        server: end("203.0.113.9", 443),
        inside: Some(Side::Client),
        inside_basis: InsideBasis::PrivateRange,
        first: Timestamp::default(),
        client_mac: None,
        server_mac: None,
        app: None,
    }
}
