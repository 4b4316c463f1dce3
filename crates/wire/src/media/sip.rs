//! SIP (RFC 3261) over UDP and TCP: who calls whom, from where, with which media. Cameras and drones that report to a
//! GB/T 28181 platform speak it: there, users are device numbers of 20 digits, and `MESSAGE` carries XML.
//!
//! ```text
//! INVITE sip:user@host SIP/2.0 │ SIP/2.0 200 OK        fields as in HTTP, some with short names, and a body
//! ```

use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    heads::{Dialect, Next, Stream},
    lan::ssdp::Talk,
};

/// SIP.
pub(crate) struct Sip;

const SIP: Dialect = Dialect {
    name: "sip",
    version: "SIP/",
    told: &[
        ("from", "from", "f"),
        ("to", "to", "t"),
        ("contact", "contact", "m"),
        ("call_id", "call-id", "i"),
        ("user_agent", "user-agent", "user-agent"),
        ("content_type", "content-type", "c"),
    ],
};

const METHODS: &[&str] = &[
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "MESSAGE",
    "NOTIFY",
    "SUBSCRIBE",
    "PUBLISH",
    "INFO",
    "PRACK",
    "UPDATE",
    "REFER",
];

/// Whether bytes begin like a message of a protocol: its version, or a known method before it in the first line.
pub(crate) fn begins(head: &[u8], version: &str, methods: &[&str]) -> Probe {
    if head.starts_with(version.as_bytes()) {
        return Probe::Yes;
    }
    let line = head.get(..head.len().min(LONGEST_LINE)).unwrap_or_default();
    let end = memchr::memchr(b'\n', line);
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let known = methods.iter().any(|method| method.as_bytes() == word);
    let versioned =
        line.rsplit(|byte| *byte == b' ').next().is_some_and(|last| last.starts_with(version.as_bytes()));
    match end {
        Some(_) if known && versioned => Probe::Yes,
        None if known && head.len() < LONGEST_LINE => Probe::Perhaps,
        _ => Probe::No,
    }
}

/// Longest first line that is waited for.
const LONGEST_LINE: usize = 1024;

impl Protocol for Sip {
    fn name(&self) -> &'static str {
        "sip"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        match (flow.transport, begins(head, SIP.version, METHODS)) {
            // A datagram is whole.
            (Transport::Udp, Probe::Yes) => Probe::Yes,
            (Transport::Tcp, answer) => answer,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Conversation {
            datagrams: Talk { dialect: &SIP, readable: [0; 2] },
            streams: Default::default(),
            lost: [false; 2],
        })
    }
}

struct Conversation {
    datagrams: Talk,
    streams: [Stream; 2],
    /// What comes is no message any more.
    lost: [bool; 2],
}

impl Session for Conversation {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        if flow.transport != Transport::Tcp {
            return self.datagrams.feed(flow, from, bytes, at, limits, emit);
        }
        let ([client, server], [lost_client, lost_server]) = (&mut self.streams, &mut self.lost);
        let (stream, lost) = if from == Side::Client { (client, lost_client) } else { (server, lost_server) };
        if *lost && begins(bytes, SIP.version, METHODS) != Probe::Yes {
            return Progress::More;
        }
        *lost = false;
        stream.push(bytes, at);
        loop {
            match stream.next(&SIP, limits) {
                Next::Wait => return Progress::More,
                Next::Whole(whole) => {
                    if let Some(readable) = self.datagrams.readable.get_mut(from.index()) {
                        *readable += whole.readable();
                    }
                    let sdp = whole.sdp();
                    emit(whole.message(&SIP, from, sdp.as_ref(), limits.keeps(flow, from), limits));
                }
                Next::Broken => {
                    stream.lose();
                    *lost = true;
                    return Progress::More;
                }
            }
        }
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        if let (Some(stream), Some(lost)) =
            (self.streams.get_mut(from.index()), self.lost.get_mut(from.index()))
        {
            stream.lose();
            *lost = true;
        }
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.datagrams.readable
    }

    fn protocol(&self) -> &'static str {
        SIP.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    const SAID: &[u8] = b"REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\nFrom: <sip:34020000001320000001@3402000000>;tag=1\r\n\
        To: <sip:34020000001320000001@3402000000>\r\nCall-ID: 7\r\nl: 4\r\n\r\nabcdSIP/2.0 200 OK\r\nt: x\r\n\r\n";

    #[test]
    fn messages_in_a_stream_are_read_however_they_are_cut() {
        for step in [1, 7, 1000] {
            let mut told = Vec::new();
            let mut session = Sip.start(&Means::default());
            for (packet, piece) in (1..).zip(SAID.chunks(step)) {
                let at = At { packet, time: Timestamp::default() };
                session.feed(&flow(), Side::Client, piece, at, &Limits::default(), &mut |message| {
                    told.push(message);
                });
            }
            let kinds: Vec<_> = told.iter().map(|message| message.kind).collect();
            assert_eq!(kinds, ["request", "response"], "{step}");
            assert_eq!(
                told.first().unwrap().text("from"),
                Some("<sip:34020000001320000001@3402000000>;tag=1")
            );
            assert_eq!(session.readable(), [SAID.len() as u64, 0]);
        }
    }

    #[test]
    fn words_that_look_like_methods_are_not_enough() {
        assert_eq!(Sip.probe(&flow(), Side::Client, b"OPTIONS * HTTP/1.1\r\n"), Probe::No);
        assert_eq!(Sip.probe(&flow(), Side::Client, b"HELO a.example\r\n"), Probe::No);
        assert_eq!(Sip.probe(&flow(), Side::Client, b"INVITE sip:a@b.exam"), Probe::Perhaps);
        assert_eq!(Sip.probe(&flow(), Side::Client, SAID), Probe::Yes);
    }
}
