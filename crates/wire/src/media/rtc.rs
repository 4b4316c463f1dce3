//! Calls and live pictures over one pair of ports (RFC 7983, 9443): STUN finds the way, DTLS agrees on keys, RTP carries
//! sound and pictures, all told apart by their first byte. The three on one flow are what WebRTC does.
//!
//! ```text
//! 0–3 STUN │ 16–19 ZRTP │ 20–63 DTLS │ 64–79 TURN: a channel and its data │ 128–191 RTP and RTCP
//! ```
//!
//! STUN over TCP, as relays take it, is read as well. Left out: media over TCP without a relay (RFC 4571).

use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session, dtls, held::Held, media::rtcp, media::rtp,
    media::stun,
};

/// STUN, TURN, DTLS, RTP and RTCP.
pub(crate) struct Rtc;

/// Ports at which STUN of the older kind is believed.
const STUN_PORTS: [u16; 3] = [3478, 3479, 19302];

/// Longest datagram that a usual link carries whole.
const LONGEST_DATAGRAM: usize = 1500;

/// Why the payload of media was not read.
const MEDIA: &str = "sound or pictures over RTP, not decoded";

/// Why packets of RTCP were not read.
const FEEDBACK: &str = "feedback of RTCP, not read";

/// Why what was agreed on by DTLS was not read.
const SECURE: &str = "encrypted, no key";

impl Protocol for Rtc {
    fn name(&self) -> &'static str {
        "rtp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        match (flow.transport, head.first()) {
            (Transport::Udp | Transport::Tcp, Some(0..=3)) => match stun::length(head) {
                Some(length) if flow.transport == Transport::Tcp || length <= head.len() => Probe::Yes,
                None if flow.transport == Transport::Udp
                    && STUN_PORTS.contains(&flow.server.port)
                    && stun::is_old(head) =>
                {
                    Probe::Yes
                }
                _ => Probe::No,
            },
            (Transport::Udp, Some(20..=25)) if dtls::length(head).is_some() => Probe::Yes,
            (Transport::Udp, Some(0x80..=0xbf)) => match (rtcp::chain(head), rtp::goes_on(head)) {
                (Some(2..), _) | (_, Some(true)) => Probe::Yes,
                // More than one datagram, and no second one among them: what else it may be must not wait for it.
                (Some(_), _) | (_, Some(_)) if head.len() <= LONGEST_DATAGRAM => Probe::Perhaps,
                _ => Probe::No,
            },
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::<Talk>::default()
    }
}

#[derive(Default)]
struct Talk {
    handshake: dtls::Handshake,
    streams: rtp::Streams,
    sources: rtcp::Sources,
    /// TCP: what is not whole.
    held: [Held; 2],
    saw: Saw,
    readable: [u64; 2],
    /// Why bytes were not read.
    cause: [Option<&'static str>; 2],
}

#[derive(Default)]
struct Saw {
    stun: bool,
    dtls: bool,
    rtcp: bool,
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
        let keep = limits.keeps(flow, from);
        if flow.transport != Transport::Tcp {
            self.datagram(from, bytes, at, keep, DEEPEST, emit);
            return Progress::More;
        }
        let Some(held) = self.held.get_mut(from.index()) else { return Progress::More };
        let mut held = std::mem::take(held);
        held.push(bytes, at);
        while let Some((length, filled)) = framed(held.bytes()) {
            if held.bytes().len() < filled {
                break;
            }
            let at = held.first().unwrap_or(at);
            let message = held.bytes().get(..length).unwrap_or_default();
            self.datagram(from, message, at, keep, DEEPEST, emit);
            held.consume(filled);
        }
        let broken = framed(held.bytes()).is_none() && held.bytes().len() >= 20;
        if let Some(slot) = self.held.get_mut(from.index()).filter(|_| !broken) {
            *slot = held;
        }
        Progress::More
    }

    fn gap(&mut self, flow: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        if let (Transport::Tcp, Some(held)) = (flow.transport, self.held.get_mut(from.index())) {
            *held = Held::default();
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for message in self.streams.told(None, self.saw.dtls, |from| limits.keeps(flow, from)) {
            emit(message);
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.cause
    }

    fn protocol(&self) -> &'static str {
        match &self.saw {
            Saw { stun: true, dtls: true, .. } => "webrtc",
            Saw { dtls: true, .. } => "dtls",
            _ if self.streams.any() => "rtp",
            Saw { stun: true, .. } => "stun",
            Saw { rtcp: true, .. } => "rtcp",
            _ => "rtp",
        }
    }
}

/// Messages in messages that are followed: a relay carries one.
const DEEPEST: u8 = 2;

/// The length of a message over TCP, and that with its filling (RFC 8656 §12.5).
fn framed(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes {
        [0x40..=0x4f, _, high, low, ..] => {
            let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
            Some((length, length.next_multiple_of(4)))
        }
        _ => stun::length(bytes).map(|length| (length, length)),
    }
}

impl Talk {
    fn datagram(&mut self, from: Side, bytes: &[u8], at: At, keep: bool, deeper: u8, emit: Emit<'_>) {
        let read = match bytes.first() {
            Some(0..=3) => self.stun(from, bytes, at, keep, deeper, emit),
            Some(20..=63) => {
                let read = self.handshake.read(from, bytes, at);
                // Records of version 1.3 have another header, and follow a hello alone.
                self.saw.dtls |= read.clear > 0 || dtls::length(bytes).is_some();
                for mut message in read.messages {
                    if !keep {
                        message.parts.clear();
                    }
                    emit(message);
                }
                self.cause(from, bytes.len() > read.clear, SECURE);
                read.clear
            }
            Some(0x40..=0x4f) => {
                let length = framed(bytes).map_or(0, |(length, _)| length);
                match bytes.get(4..length) {
                    Some(inner) if deeper > 0 => {
                        self.datagram(from, inner, at, keep, deeper - 1, emit);
                        4
                    }
                    _ => 0,
                }
            }
            Some(0x80..=0xbf) => self.media(from, bytes, at, keep, emit),
            _ => 0,
        };
        if let Some(readable) = self.readable.get_mut(from.index()) {
            *readable += read as u64;
        }
    }

    fn stun(&mut self, from: Side, bytes: &[u8], at: At, keep: bool, deeper: u8, emit: Emit<'_>) -> usize {
        if stun::length(bytes).is_none() && !stun::is_old(bytes) {
            return 0;
        }
        let mut carried = Vec::new();
        let Ok(told) = stun::read(bytes, &mut |data| carried.push(data)) else { return 0 };
        self.saw.stun = true;
        let inner: usize = carried.iter().map(|data| data.len()).sum();
        emit(told.message("stun", from, at, vec![at.packet], bytes.len() as u64, keep));
        for data in carried.into_iter().filter(|_| deeper > 0) {
            self.datagram(from, data, at, keep, deeper - 1, emit);
        }
        bytes.len() - inner
    }

    fn media(&mut self, from: Side, bytes: &[u8], at: At, keep: bool, emit: Emit<'_>) -> usize {
        if matches!(bytes.get(1), Some(192..=223)) {
            // With keys, all behind the first eight bytes of a report is encrypted (RFC 3711 §3.4).
            if self.saw.dtls || rtcp::chain(bytes).is_none() {
                self.cause(from, true, if self.saw.dtls { SECURE } else { MEDIA });
                return 0;
            }
            self.saw.rtcp = true;
            let (told, read) = self.sources.read(bytes);
            for told in told {
                emit(told.message("rtcp", from, at, vec![at.packet], bytes.len() as u64, keep));
            }
            self.cause(from, read < bytes.len(), FEEDBACK);
            return read;
        }
        let header = self.streams.packet(from, bytes, at);
        self.cause(from, true, if self.saw.dtls { SECURE } else { MEDIA });
        header.unwrap_or(0)
    }

    fn cause(&mut self, from: Side, unread: bool, why: &'static str) {
        if let Some(cause) = self.cause.get_mut(from.index()).filter(|_| unread) {
            *cause = Some(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::{Message, Timestamp};

    fn udp() -> Flow {
        Flow { transport: Transport::Udp, ..flow() }
    }

    fn said(datagrams: &[(Side, Vec<u8>)]) -> (Vec<Message>, &'static str, [Option<&'static str>; 2]) {
        let (mut told, flow, limits) = (Vec::new(), udp(), Limits::default());
        let mut session = Rtc.start(&Means::default());
        for (packet, (from, bytes)) in (1..).zip(datagrams) {
            let at = At { packet, time: Timestamp::default() };
            session.feed(&flow, *from, bytes, at, &limits, &mut |message| told.push(message));
        }
        session.finish(&flow, &limits, &mut |message| told.push(message));
        assert!(
            session.readable().iter().sum::<u64>() <= datagrams.iter().map(|one| one.1.len() as u64).sum()
        );
        (told, session.protocol(), session.opaque())
    }

    fn binding() -> Vec<u8> {
        [[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42].as_slice(), &[9; 12]].concat()
    }

    #[test]
    fn the_three_on_one_flow_are_webrtc_and_media_stays_encrypted() {
        let hello = dtls::tests::client();
        let (told, name, opaque) = said(&[
            (Side::Client, binding()),
            (Side::Client, dtls::tests::record(1, 0, hello.len(), 0, &hello)),
            (Side::Client, rtp::tests::packet(96, 1, &[1; 40])),
            (Side::Client, rtp::tests::packet(96, 2, &[2; 40])),
        ]);
        let kinds: Vec<_> = told.iter().map(|message| (message.protocol, message.kind)).collect();
        assert_eq!(kinds, [("stun", "request"), ("dtls", "client-hello"), ("rtp", "stream")]);
        assert_eq!((name, opaque), ("webrtc", [Some("encrypted, no key"), None]));
        assert!(
            told.iter().filter(|message| message.kind == "stream").all(|message| message.parts.is_empty())
        );
    }

    #[test]
    fn media_through_a_relay_is_seen() {
        let channel = |packet: Vec<u8>| {
            let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
            [[0x40, 0].as_slice(), &length, &packet].concat()
        };
        let (told, name, _) = said(&[
            (Side::Client, binding()),
            (Side::Client, channel(rtp::tests::packet(0, 1, &[1; 40]))),
            (Side::Client, channel(rtp::tests::packet(0, 2, &[2; 40]))),
        ]);
        assert_eq!(name, "rtp");
        assert_eq!(told.last().and_then(|message| message.text("codec")), Some("PCMU"));
    }

    #[test]
    fn nothing_is_believed_of_one_datagram_that_looks_like_rtp() {
        let one = rtp::tests::packet(96, 1, &[1; 40]);
        assert_eq!(Rtc.probe(&udp(), Side::Client, &one), Probe::Perhaps);
        let two = [one.as_slice(), &rtp::tests::packet(96, 2, &[2; 40])].concat();
        assert_eq!(Rtc.probe(&udp(), Side::Client, &two), Probe::Yes);
        assert_eq!(Rtc.probe(&udp(), Side::Client, &[0x80, 0x60, 0]), Probe::No);
        let (told, ..) = said(&[(Side::Client, one)]);
        assert!(told.is_empty());
    }
}
