//! QUIC whose handshake is not in this flow.

use creance_model::{Flow, Side, Transport};

use super::{Quic, protection};
use crate::{Means, Probe, Protocol, Session};

/// A connection that began between other ports, or before the capture. Its packets have hardly a mark: only what nothing
/// else is, where servers listen, is believed to be one.
pub(crate) struct Ongoing;

impl Protocol for Ongoing {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn probe(&self, flow: &Flow, from: Side, head: &[u8]) -> Probe {
        let short = head.first().is_some_and(|flags| flags & 0xc0 == 0x40);
        let goes_on = short
            && flow.transport == Transport::Udp
            && from == Side::Client
            && flow.server.port == 443
            && head.len() > protection::LEAST;
        if goes_on { Probe::Yes } else { Probe::No }
    }

    fn start(&self, means: &Means) -> Box<dyn Session> {
        Quic.start(means)
    }
}
