//! SSDP (UPnP Device Architecture 2.0 §1): devices that make themselves known, and who looks for them.
//!
//! ```text
//! NOTIFY * HTTP/1.1 │ M-SEARCH * HTTP/1.1 │ HTTP/1.1 200 OK        and fields as in HTTP, in one datagram
//! ```

use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    heads::{Dialect, Whole},
};

/// SSDP.
pub(crate) struct Ssdp;

const SSDP: Dialect = Dialect {
    name: "ssdp",
    version: "HTTP/1.",
    told: &[
        ("usn", "usn", "usn"),
        ("st", "st", "st"),
        ("nt", "nt", "nt"),
        ("nts", "nts", "nts"),
        ("server", "server", "server"),
        ("location", "location", "location"),
    ],
};

impl Protocol for Ssdp {
    fn name(&self) -> &'static str {
        "ssdp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let ports = [flow.client.port, flow.server.port];
        let begins = head.starts_with(b"NOTIFY * HTTP/1.")
            || head.starts_with(b"M-SEARCH * HTTP/1.")
            // An answer is one only from where they are asked for.
            || head.starts_with(b"HTTP/1.1 200") && ports.contains(&1900);
        if flow.transport == Transport::Udp && begins { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Talk { dialect: &SSDP, readable: [0; 2] })
    }
}

/// Datagrams with heads.
pub(crate) struct Talk {
    pub(crate) dialect: &'static Dialect,
    pub(crate) readable: [u64; 2],
}

impl Session for Talk {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if let Some(whole) = Whole::datagram(self.dialect, bytes, at) {
            if let Some(readable) = self.readable.get_mut(from.index()) {
                *readable += whole.readable();
            }
            let sdp = whole.sdp();
            emit(whole.message(self.dialect, from, sdp.as_ref(), limits.keeps(flow, from), limits));
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn protocol(&self) -> &'static str {
        self.dialect.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    #[test]
    fn a_device_makes_itself_known() {
        let said =
            b"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n\
            SERVER: Linux UPnP/1.0 Camera/2\r\nUSN: uuid:0a1b::upnp:rootdevice\r\n\r\n";
        let mut flow = flow();
        flow.transport = Transport::Udp;
        flow.server.port = 1900;
        assert_eq!(Ssdp.probe(&flow, Side::Client, said), Probe::Yes);
        let mut told = Vec::new();
        let mut session = Ssdp.start(&Means::default());
        let at = At { packet: 1, time: Timestamp::default() };
        session.feed(&flow, Side::Client, said, at, &Limits::default(), &mut |message| told.push(message));
        let message = told.first().unwrap();
        assert_eq!(message.text("usn"), Some("uuid:0a1b::upnp:rootdevice"));
        assert_eq!(message.text("method"), Some("NOTIFY"));
        assert_eq!(session.readable(), [said.len() as u64, 0]);
        flow.server.port = 1901;
        assert_eq!(Ssdp.probe(&flow, Side::Client, b"HTTP/1.1 200 OK\r\n\r\n"), Probe::No);
    }
}
