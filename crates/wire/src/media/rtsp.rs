//! RTSP (RFC 2326, 7826) over TCP: who asks a camera for its pictures, or gives them away (ANNOUNCE, RECORD), where they
//! go, and RTP between the messages.
//!
//! ```text
//! DESCRIBE rtsp://host/path RTSP/1.0 │ RTSP/1.0 200 OK        fields as in HTTP, and a body
//! $ │ channel │ length (2) │ a packet of RTP or RTCP
//! ```
//!
//! Left out: RTSP in HTTP, and messages encrypted as TLS does not.

use creance_model::{Flow, Message, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    heads::{Dialect, Next, Stream},
    media::rtcp,
    media::rtp,
    media::sdp::{Media, Sdp},
    media::sip::begins,
};

/// RTSP.
pub(crate) struct Rtsp;

const RTSP: Dialect = Dialect {
    name: "rtsp",
    version: "RTSP/",
    told: &[
        ("session", "session", "session"),
        ("transport", "transport", "transport"),
        ("server", "server", "server"),
        ("user_agent", "user-agent", "user-agent"),
        ("content_type", "content-type", "content-type"),
    ],
};

const METHODS: &[&str] = &[
    "OPTIONS",
    "DESCRIBE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "ANNOUNCE",
    "RECORD",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
    "PLAY_NOTIFY",
];

/// Why the payload of media was not read.
const MEDIA: &str = "sound or pictures over RTSP, not decoded";

impl Protocol for Rtsp {
    fn name(&self) -> &'static str {
        "rtsp"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        if flow.transport == Transport::Tcp { begins(head, RTSP.version, METHODS) } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::<Connection>::default()
    }
}

#[derive(Default)]
struct Connection {
    sides: [Half; 2],
    media: rtp::Streams,
    sources: rtcp::Sources,
    /// What was described last.
    sdp: Option<Sdp>,
}

#[derive(Default)]
struct Half {
    stream: Stream,
    /// What comes is no message any more.
    lost: bool,
    readable: u64,
    /// Bytes of media were passed.
    media: bool,
}

impl Session for Connection {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        if half.lost && !resumes(bytes) {
            return Progress::More;
        }
        half.lost = false;
        half.stream.push(bytes, at);
        let keep = limits.keeps(flow, from);
        while self.next(from, at, keep, limits, emit) {}
        Progress::More
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        if let Some(half) = self.sides.get_mut(from.index()) {
            half.stream.lose();
            half.lost = true;
        }
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        let secure = self.sdp.as_ref().is_some_and(|sdp| sdp.media.iter().any(Media::is_secure));
        for message in self.media.told(self.sdp.as_ref(), secure, |from| limits.keeps(flow, from)) {
            emit(message);
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.sides.each_ref().map(|half| half.readable)
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.sides.each_ref().map(|half| half.media.then_some(MEDIA))
    }

    fn protocol(&self) -> &'static str {
        RTSP.name
    }
}

/// Whether bytes behind missing ones begin something.
fn resumes(bytes: &[u8]) -> bool {
    begins(bytes, RTSP.version, METHODS) == Probe::Yes
        || matches!(bytes, [b'$', 0..=15, _, _, 0x80..=0xbf, ..])
}

impl Connection {
    /// Takes one thing off what a side sent; says whether there may be more.
    fn next(&mut self, from: Side, at: At, keep: bool, limits: &Limits, emit: Emit<'_>) -> bool {
        let [client, server] = &mut self.sides;
        let half = if from == Side::Client { client } else { server };
        if let [b'$', rest @ ..] = half.stream.held.bytes() {
            let [_, high, low, packet @ ..] = rest else { return false };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(packet) = packet.get(..length) else { return false };
            let at = half.stream.held.first().unwrap_or(at);
            let read = if matches!(packet.get(1), Some(200..=207)) && rtcp::chain(packet).is_some() {
                let (told, read) = self.sources.read(packet);
                for told in told {
                    emit(told.message(
                        "rtcp",
                        from,
                        at,
                        half.stream.held.packets(4 + length),
                        length as u64,
                        keep,
                    ));
                }
                half.media |= read < length;
                read
            } else {
                half.media = true;
                self.media.packet(from, packet, at).unwrap_or(0)
            };
            half.readable += 4 + read as u64;
            half.stream.held.consume(4 + length);
            return true;
        }
        match half.stream.next(&RTSP, limits) {
            Next::Wait => false,
            Next::Whole(whole) => {
                half.readable += whole.readable();
                let sdp = whole.sdp();
                let message: Message = whole.message(&RTSP, from, sdp.as_ref(), keep, limits);
                emit(message);
                if sdp.is_some() {
                    self.sdp = sdp;
                }
                true
            }
            Next::Broken => {
                half.stream.lose();
                half.lost = true;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use creance_model::Timestamp;

    fn interleaved(sequence: u16) -> Vec<u8> {
        let packet = rtp::tests::packet(96, sequence, &[0x65, 1, 2, 3]);
        [&[b'$', 0, 0, u8::try_from(packet.len()).unwrap()], packet.as_slice()].concat()
    }

    /// Video is announced and sent.
    fn announced() -> Vec<u8> {
        let sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let mut said = format!(
            "ANNOUNCE rtsp://ada:otter@live.example/drone RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}\
            RECORD rtsp://live.example/drone RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic YWRhOm90dGVy\r\n\r\n",
            sdp.len()
        )
        .into_bytes();
        for sequence in 1..=3 {
            said.extend(interleaved(sequence));
        }
        said
    }

    fn told(said: &[u8], step: usize) -> (Vec<Message>, [u64; 2]) {
        let (mut told, limits) = (Vec::new(), Limits::default());
        let mut session = Rtsp.start(&Means::default());
        for (packet, piece) in (1..).zip(said.chunks(step)) {
            let at = At { packet, time: Timestamp::default() };
            session.feed(&flow(), Side::Client, piece, at, &limits, &mut |message| told.push(message));
        }
        session.finish(&flow(), &limits, &mut |message| told.push(message));
        (told, session.readable())
    }

    #[test]
    fn video_that_is_announced_and_sent_is_told_with_its_codec() {
        let said = announced();
        for step in [1, 13, 10_000] {
            let (told, readable) = told(&said, step);
            let methods: Vec<_> = told.iter().map(|message| message.text("method")).collect();
            assert_eq!(methods, [Some("ANNOUNCE"), Some("RECORD"), None], "{step}");
            let stream = told.last().unwrap();
            assert_eq!((stream.kind, stream.text("codec")), ("stream", Some("H264/90000")));
            assert_eq!(stream.text("codec_basis"), Some("description"));
            assert_eq!(readable, [said.len() as u64 - 3 * 4, 0]);
            let basic = told
                .iter()
                .flat_map(|message| message.parts.iter())
                .any(|part| part.name() == Some("authorization"));
            assert!(basic, "what authorises is seen by detectors");
        }
    }

    #[test]
    fn cut_anywhere_it_gives_what_came_before() {
        let said = announced();
        for cut in 0..said.len() {
            let (_, [readable, _]) = told(said.get(..cut).unwrap_or_default(), 10_000);
            assert!(readable <= cut as u64);
        }
    }

    #[test]
    fn http_is_not_mine() {
        assert_eq!(Rtsp.probe(&flow(), Side::Client, b"OPTIONS * HTTP/1.1\r\n"), Probe::No);
        assert_eq!(Rtsp.probe(&flow(), Side::Client, b"DESCRIBE rtsp://a RTSP/1.0\r\n"), Probe::Yes);
    }
}
