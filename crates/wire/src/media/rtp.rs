//! RTP (RFC 3550): streams of sound and pictures, each told once, when its flow is over.
//!
//! ```text
//! ┌──────────────────────────┬──────────────┬──────────┬───────────┬────────┬─────────────────────
//! │ version 2, padding,      │ marker,      │ sequence │ timestamp │ source │ sources, extension,
//! │ extension, count         │ payload type │ number   │           │ (SSRC) │ payload
//! └──────────────────────────┴──────────────┴──────────┴───────────┴────────┴─────────────────────
//! ```
//!
//! No field of one packet says that it is RTP: a source is believed when a second packet of it agrees. A codec is known
//! from a description of the same conversation, or from the payload types that RFC 3551 fixes; else H.264 and H.265 are
//! guessed from their units, and it is said so. Payloads are counted, not decoded.

use creance_model::{Carrier, Message, Parts, Side};

use crate::{At, datagram::Told, media::sdp::Sdp};

/// The fixed part of a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) payload_type: u8,
    sequence: u16,
    pub(crate) source: u32,
    /// Bytes before the payload.
    length: usize,
}

impl Header {
    /// Reads a header, and what it says of its own length must hold.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [first @ 0x80..=0xbf, second, s0, s1, _, _, _, _, a, b, c, d, rest @ ..] = bytes else {
            return None;
        };
        let payload_type = second & 0x7f;
        // What shares the ports with RTP has these (RFC 5761 §4).
        if (64..=95).contains(&payload_type) {
            return None;
        }
        let sources = usize::from(first & 15) * 4;
        let mut length = 12 + sources;
        if first & 0x10 != 0 {
            let [_, _, high, low] = *rest.get(sources..)?.first_chunk::<4>()?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        }
        let header = Self {
            payload_type,
            sequence: u16::from_be_bytes([*s0, *s1]),
            source: u32::from_be_bytes([*a, *b, *c, *d]),
            length,
        };
        (length <= bytes.len()).then_some(header)
    }
}

/// Bytes of the fixed part.
const FIXED: usize = 12;

/// Whether a second packet of the same source is within these bytes, which are datagrams one behind the other: the
/// borders are not known, but a source and the next of its numbers are not met by chance.
pub(crate) fn goes_on(bytes: &[u8]) -> Option<bool> {
    let first = Header::read(bytes)?;
    let source = bytes.get(8..12)?;
    let behind = bytes.get(12..)?;
    let again = memchr::memmem::find_iter(behind, source).any(|at| {
        let next = bytes.get(at + 4..).and_then(Header::read);
        next.is_some_and(|next| {
            next.source == first.source
                && (1..=MOST_STEP).contains(&next.sequence.wrapping_sub(first.sequence))
        })
    });
    Some(again)
}

/// How far the number of the next packet may be from the last one's, where packets were lost.
const MOST_STEP: u16 = 16;

/// Streams of one flow that are told apart.
const MOST_STREAMS: usize = 64;

/// Packet numbers listed for one stream (DESIGN §4).
const MOST_PACKETS: usize = 64;

/// Bytes of its payloads that a stream shows.
pub(crate) const SHOWN: usize = 256;

/// The streams of a flow.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    sources: Vec<Stream>,
    /// A second packet of a source came.
    believed: bool,
    /// Packets of sources beyond the limit.
    beyond: u64,
}

#[derive(Debug)]
struct Stream {
    from: Side,
    source: u32,
    payload_types: Vec<u8>,
    first: At,
    last: At,
    listed: Vec<u64>,
    packets: u64,
    /// Bytes of payload.
    bytes: u64,
    /// Bytes of all its packets.
    whole: u64,
    /// Numbers of the first packet and of the furthest one, the latter with the times that the number began anew.
    numbers: (u16, u64),
    /// Packets whose payload begins as a unit of H.264, and of H.265, would.
    units: [u64; 2],
    shown: Vec<u8>,
}

impl Streams {
    /// Takes note of a packet. Gives how many bytes of its header are read, or `None` if it is not RTP: extensions may
    /// hold anything.
    pub(crate) fn packet(&mut self, from: Side, bytes: &[u8], at: At) -> Option<usize> {
        let header = Header::read(bytes)?;
        let payload = bytes.get(header.length..)?;
        let known = self.sources.iter().position(|one| one.source == header.source && one.from == from);
        if known.is_none() {
            if self.sources.len() >= MOST_STREAMS {
                self.beyond += 1;
                return Some(FIXED);
            }
            self.sources.push(Stream::new(from, &header, at));
        }
        let newest = self.sources.len().saturating_sub(1);
        let stream = self.sources.get_mut(known.unwrap_or(newest))?;
        stream.take(&header, payload, at);
        stream.whole += bytes.len() as u64;
        self.believed |= stream.packets > 1;
        Some(FIXED)
    }

    /// Whether any source is believed.
    pub(crate) const fn any(&self) -> bool {
        self.believed
    }

    /// The streams, each as a message. `secure`: payloads are encrypted.
    pub(crate) fn told(
        &mut self,
        sdp: Option<&Sdp>,
        secure: bool,
        keep: impl Fn(Side) -> bool,
    ) -> impl Iterator<Item = Message> {
        let mut beyond = std::mem::take(&mut self.beyond);
        let streams = std::mem::take(&mut self.sources);
        let told = streams.into_iter().filter(|stream| stream.packets > 1).map(move |stream| {
            let (from, at, keep) = (stream.from, stream.first, keep(stream.from));
            let mut packets = stream.listed.clone();
            if packets.last() != Some(&stream.last.packet) {
                packets.push(stream.last.packet);
            }
            let whole = stream.whole;
            let mut told = stream.told(sdp, secure);
            if std::mem::take(&mut beyond) > 0 {
                told.text("limit", "sources of RTP in one flow");
            }
            told.message("rtp", from, at, packets, whole, keep)
        });
        told.collect::<Vec<_>>().into_iter()
    }
}

impl Stream {
    fn new(from: Side, header: &Header, at: At) -> Self {
        Self {
            from,
            source: header.source,
            payload_types: Vec::new(),
            first: at,
            last: at,
            listed: Vec::new(),
            packets: 0,
            bytes: 0,
            whole: 0,
            numbers: (header.sequence, u64::from(header.sequence)),
            units: [0; 2],
            shown: Vec::new(),
        }
    }

    fn take(&mut self, header: &Header, payload: &[u8], at: At) {
        if !self.payload_types.contains(&header.payload_type) {
            self.payload_types.push(header.payload_type);
        }
        if self.listed.len() < MOST_PACKETS - 1 && self.listed.last().is_none_or(|last| *last < at.packet) {
            self.listed.push(at.packet);
        }
        self.last = at;
        self.packets += 1;
        self.bytes += payload.len() as u64;
        // The number is the low half of a count (RFC 3550 §A.1): the nearest one to the furthest so far.
        let (_, furthest) = self.numbers;
        let step = header.sequence.wrapping_sub(u16::try_from(furthest & 0xffff).unwrap_or_default());
        if step < 0x8000 {
            self.numbers.1 = furthest + u64::from(step);
        }
        let [h264, h265] = &mut self.units;
        *h264 += u64::from(is_h264(payload));
        *h265 += u64::from(is_h265(payload));
        let room = SHOWN.saturating_sub(self.shown.len()).min(payload.len());
        self.shown.extend_from_slice(payload.get(..room).unwrap_or_default());
    }

    fn lost(&self) -> u64 {
        let (first, furthest) = self.numbers;
        (furthest + 1).saturating_sub(u64::from(first)).saturating_sub(self.packets)
    }

    /// The medium and codec, and how they are known.
    fn codec(&self, sdp: Option<&Sdp>, secure: bool) -> Option<(String, String, &'static str)> {
        let payload = *self.payload_types.first()?;
        if let Some((medium, codec)) = sdp.and_then(|sdp| sdp.codec(payload)) {
            return Some((medium.to_owned(), codec.to_owned(), "description"));
        }
        if let Some((medium, codec)) = fixed(payload) {
            return Some((medium.to_owned(), codec.to_owned(), "payload type"));
        }
        let most = |units: u64| self.packets >= ENOUGH && units * 10 >= self.packets * 9;
        let [h264, h265] = self.units;
        match (most(h265), most(h264)) {
            _ if secure => None,
            (true, _) => Some(("video".to_owned(), "H265".to_owned(), "guessed from the payload")),
            (_, true) => Some(("video".to_owned(), "H264".to_owned(), "guessed from the payload")),
            _ => None,
        }
    }

    fn told(self, sdp: Option<&Sdp>, secure: bool) -> Told {
        let mut told = Told::new("stream");
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        told.text("ssrc", format!("{:#010x}", self.source));
        if let Some(payload) = self.payload_types.first() {
            told.number("payload_type", *payload);
        }
        let codec = self.codec(sdp, secure);
        if let Some((medium, codec, basis)) = &codec {
            told.text("medium", medium.as_str());
            told.text("codec", codec.as_str());
            told.text("codec_basis", *basis);
        }
        told.number("packets", number(self.packets));
        told.number("payload_bytes", number(self.bytes));
        told.number("lost", number(self.lost()));
        told.text("first", self.first.time.to_string());
        told.text("last", self.last.time.to_string());
        if !secure && !self.shown.is_empty() {
            let named = codec.as_ref().map(|(medium, codec, _)| (medium.as_str(), codec.as_str()));
            show(self.shown, named, &mut told.parts);
        }
        told
    }
}

/// Adds the first bytes of a stream, with the media type under which its codec is registered (RFC 4855).
pub(crate) fn show(bytes: Vec<u8>, codec: Option<(&str, &str)>, parts: &mut Parts) {
    let part = parts.add(Carrier::Body, None, "first payload", None, bytes);
    if let Some((medium, codec)) = codec {
        parts.set_media_type(part, format!("{medium}/{}", codec.split('/').next().unwrap_or_default()));
    }
}

/// Packets of which a codec may be guessed.
const ENOUGH: u64 = 8;

/// A unit of H.264 as RTP carries it (RFC 6184 §5.2): whole, several together, or a fragment of a slice or of parameters.
fn is_h264(payload: &[u8]) -> bool {
    match payload {
        [head, next, ..] if head & 0x80 == 0 => match head & 0x1f {
            1 | 5..=9 => true,
            24 => *next == 0,
            28 => matches!(next & 0x1f, 1 | 5..=9) && next & 0x20 == 0,
            _ => false,
        },
        _ => false,
    }
}

/// A unit of H.265 (RFC 7798 §4.4): of the base layer, of a kind that is in use.
fn is_h265(payload: &[u8]) -> bool {
    match payload {
        [head, 1..=7, next, ..] if head & 0x81 == 0 => match head >> 1 {
            0..=9 | 16..=21 | 32..=40 | 48 => true,
            49 => matches!(next & 0x3f, 0..=9 | 16..=21 | 32..=40),
            _ => false,
        },
        _ => false,
    }
}

/// What payload types stand for without a description (RFC 3551 §6).
const fn fixed(payload_type: u8) -> Option<(&'static str, &'static str)> {
    Some(match payload_type {
        0 => ("audio", "PCMU"),
        3 => ("audio", "GSM"),
        4 => ("audio", "G723"),
        5 | 6 | 16 | 17 => ("audio", "DVI4"),
        7 => ("audio", "LPC"),
        8 => ("audio", "PCMA"),
        9 => ("audio", "G722"),
        10 | 11 => ("audio", "L16"),
        12 => ("audio", "QCELP"),
        13 => ("audio", "CN"),
        14 => ("audio", "MPA"),
        15 => ("audio", "G728"),
        18 => ("audio", "G729"),
        25 => ("video", "CelB"),
        26 => ("video", "JPEG"),
        28 => ("video", "nv"),
        31 => ("video", "H261"),
        32 => ("video", "MPV"),
        33 => ("video", "MP2T"),
        34 => ("video", "H263"),
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use creance_model::{Timestamp, Value};

    /// A packet with this number and payload.
    pub(crate) fn packet(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80, payload_type];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend((u32::from(sequence) * 3000).to_be_bytes());
        bytes.extend([0x12, 0x34, 0x56, 0x78]);
        bytes.extend(payload);
        bytes
    }

    fn at(packet: u64) -> At {
        At { packet, time: Timestamp::default() }
    }

    #[test]
    fn a_stream_is_told_with_what_was_lost() {
        let mut streams = Streams::default();
        for (number, sequence) in (1..).zip([65_534_u16, 65_535, 0, 2, 1, 5, 6, 7, 8]) {
            assert_eq!(
                streams.packet(Side::Client, &packet(96, sequence, &[0x7c, 0x85, 0, 0]), at(number)),
                Some(12)
            );
        }
        let told: Vec<_> = streams.told(None, false, |_| true).collect();
        let [message] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(message.field("packets"), Some(&Value::Integer(9)));
        assert_eq!(message.field("lost"), Some(&Value::Integer(2)));
        assert_eq!(message.text("codec"), Some("H264"));
        assert_eq!(message.text("codec_basis"), Some("guessed from the payload"));
        assert_eq!(message.parts.first().and_then(creance_model::Part::media_type), Some("video/H264"));
    }

    #[test]
    fn one_packet_is_no_stream_and_a_second_one_vouches() {
        let (first, next) = (packet(0, 7, &[0xd5; 160]), packet(0, 8, &[0xd5; 160]));
        assert_eq!(goes_on(&first), Some(false));
        assert_eq!(goes_on(&[first.as_slice(), &next].concat()), Some(true));
        // Another source, or a number far away, does not.
        let far = packet(0, 999, &[0xd5; 160]);
        assert_eq!(goes_on(&[first.as_slice(), &far].concat()), Some(false));
        let mut streams = Streams::default();
        streams.packet(Side::Client, &first, at(1));
        assert!(!streams.any());
        assert_eq!(streams.told(None, false, |_| true).count(), 0);
    }

    #[test]
    fn h265_is_told_from_h264_and_noise_is_neither() {
        assert!(is_h265(&[0x62, 0x01, 0x81]) && !is_h264(&[0x62, 0x01, 0x81]));
        assert!(is_h264(&[0x67, 0x42]) && !is_h265(&[0x67, 0x42, 0]));
        let noise = (0_u32..4096).filter(|number| {
            let bytes = number.wrapping_mul(2_654_435_761).to_be_bytes();
            is_h264(&bytes) || is_h265(&bytes)
        });
        assert!(noise.count() < 4096 / 2);
    }
}
