//! MAVLink 1 and 2 over UDP and TCP (mavlink.io/en/guide/serialization.html; messages of common.xml).
//!
//! ```text
//! v1  fe │ len │ seq │ sys │ comp │ msg           │ payload │ crc16
//! v2  fd │ len │ incompat │ compat │ seq │ sys │ comp │ msg24 │ payload │ crc16 │ [signature 13]
//! ```
//!
//! The checksum covers all after the first byte and a byte that depends on the message's definition; frames whose
//! checksum fails are skipped. Of messages without a known definition, those that leave are told as bytes. That a frame is
//! signed is told, with the link and the time of its signature (`mavlink.io/en/guide/message_signing.html`); signatures are
//! not verified: no key is known.

mod messages;

use std::collections::BTreeMap;

use creance_model::{Field, Flow, Side, Timestamp, Transport, Value};

use crate::{At, Emit, Limits, Means, Probe, Progress, Protocol, Session, held::Held, links::aircraft::Told};

/// MAVLink.
pub(crate) struct Mavlink;

/// One frame with a good checksum.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// The system that sent it.
    pub system: u8,
    /// The component of that system.
    pub component: u8,
    /// The message's number.
    pub message: u32,
    /// Its payload, with the zeros that version 2 leaves off put back.
    pub payload: Vec<u8>,
    /// Its signature, if it is signed.
    pub signature: Option<Signature>,
}

/// What a signature says; whether it holds only a key could tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signature {
    /// The link that it was sent on.
    pub link: u8,
    /// When, in microseconds since 1970.
    pub unix_us: i64,
}

impl Signature {
    /// Link, time in units of 10 µs since 2015 (six bytes), and a hash that is left alone.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (link, rest) = bytes.split_first()?;
        let since = rest.get(..6)?.iter().rev().fold(0, |since, byte| since << 8 | i64::from(*byte));
        Some(Self { link: *link, unix_us: 1_420_070_400_000_000 + since * 10 })
    }
}

/// The frame that begins with the first byte, and its length. `None` if there is none, it is cut, of a message that is
/// not read, or its checksum fails.
pub fn parse_frame(bytes: &[u8]) -> Option<(Frame, usize)> {
    let length = usize::from(*bytes.get(1)?);
    let (header, system, component, message, signature) = match *bytes.first()? {
        0xfe => (6, *bytes.get(3)?, *bytes.get(4)?, u32::from(*bytes.get(5)?), 0),
        0xfd => {
            let number = u32::from_le_bytes([*bytes.get(7)?, *bytes.get(8)?, *bytes.get(9)?, 0]);
            let signed = *bytes.get(2)? & 1 == 1;
            (10, *bytes.get(5)?, *bytes.get(6)?, number, if signed { 13 } else { 0 })
        }
        _ => return None,
    };
    let known = messages::of(message)?;
    let body = bytes.get(1..header + length)?;
    let stated = bytes.get(header + length..)?.first_chunk().map(|two| u16::from_le_bytes(*two))?;
    let whole = header + length + 2 + signature;
    if bytes.len() < whole
        || body.iter().chain([&known.extra]).fold(0xffff, |sum, byte| crc(sum, *byte)) != stated
    {
        return None;
    }
    let mut payload = bytes.get(header..header + length)?.to_vec();
    payload.resize(known.full.max(length), 0);
    let behind = bytes.get(header + length + 2..whole).unwrap_or_default();
    let signature = Signature::read(behind);
    Some((Frame { system, component, message, payload, signature }, whole))
}

/// The frame that begins with the first byte, with another payload of at most 255 bytes and its checksum anew. Version 1
/// keeps its length, for it knows no extensions; version 2 leaves off zeros. The signature goes, for it would not hold.
/// `None` if no frame that is read begins here.
pub fn with_payload(bytes: &[u8], payload: &[u8]) -> Option<Vec<u8>> {
    let known = messages::of(message_number(bytes)?)?;
    let header = if *bytes.first()? == 0xfe { 6 } else { 10 };
    let mut anew = bytes.get(..header)?.to_vec();
    let length = if header == 6 {
        usize::from(*bytes.get(1)?).min(payload.len())
    } else {
        *anew.get_mut(2)? &= !1;
        payload.iter().rposition(|byte| *byte != 0).unwrap_or_default() + 1
    };
    *anew.get_mut(1)? = u8::try_from(length).ok()?;
    anew.extend(payload.get(..length)?);
    let sum = anew.iter().skip(1).chain([&known.extra]).fold(0xffff, |sum, byte| crc(sum, *byte));
    anew.extend(sum.to_le_bytes());
    Some(anew)
}

/// CRC-16/MCRF4XX.
fn crc(crc: u16, byte: u8) -> u16 {
    let low = (crc & 0xff) as u8 ^ byte;
    let low = low ^ (low << 4);
    let low = u16::from(low);
    (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
}

/// What is known of vehicles from frame to frame: the last `MAV_LANDED_STATE` of each system, and when it was told.
#[derive(Debug, Default)]
pub struct Vehicles {
    landed: BTreeMap<u8, (i64, Timestamp)>,
}

/// How long a landed state holds that is not told again. It comes about once a second.
const HOLDS: i64 = 15_000_000_000;

impl Vehicles {
    /// What a frame says, under the names of common.xml and of `aircraft`; places in degrees, heights in metres.
    ///
    /// A heartbeat of an autopilot tells armed or not; a system that says it is in the air (`MAV_LANDED_STATE`: 1 on
    /// ground, 2 in air, 3 take-off, 4 landing) flies whatever its heartbeat says, for as long as that can be true `now`.
    pub fn fields(&mut self, frame: &Frame, now: Timestamp) -> Option<Vec<Field>> {
        self.tell(frame, now).map(|told| told.fields)
    }

    fn tell(&mut self, frame: &Frame, now: Timestamp) -> Option<Told> {
        let mut told = messages::tell(frame)?;
        let value =
            |name: &str| told.fields.iter().find(|field| field.name == name).map(|field| &field.value);
        let flying = match (value("armed"), value("landed_state")) {
            (Some(Value::Flag(armed)), _) => {
                let landed = self.landed.get(&frame.system).filter(|(_, told)| now.since(*told) <= HOLDS);
                Some(*armed || matches!(landed, Some((2..=4, _))))
            }
            (_, Some(Value::Integer(landed))) => {
                self.landed.insert(frame.system, (*landed, now));
                // On the ground it may be armed yet.
                matches!(landed, 2..=4).then_some(true)
            }
            _ => None,
        };
        if let Some(flying) = flying {
            told.flying(flying);
        }
        Some(told)
    }
}

impl Protocol for Mavlink {
    fn name(&self) -> &'static str {
        "mavlink"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        match (flow.transport, head.first()) {
            // The head of a question to DNS may state the length of a frame: more must agree than one length.
            (Transport::Udp, Some(0xfe | 0xfd)) => {
                let frames = filling(head);
                let ports = [flow.client.port, flow.server.port];
                let ours = parse_frame(head).is_some()
                    || frames > 1
                    || frames == 1 && ports.iter().any(|port| PORTS.contains(port));
                if ours { Probe::Yes } else { Probe::No }
            }
            // A stream has no borders to agree with: a checksum must, or the lengths of two frames.
            (Transport::Tcp, Some(0xfe | 0xfd)) if parse_frame(head).is_some() => Probe::Yes,
            (Transport::Tcp, Some(0xfe | 0xfd)) => {
                let behind = frame_length(head).and_then(|whole| head.get(whole..));
                match behind {
                    None | Some([]) => Probe::Perhaps,
                    Some(next) if is_cut(next) => Probe::Perhaps,
                    Some(next) if frame_length(next).is_some() => Probe::Yes,
                    Some(_) => Probe::No,
                }
            }
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Frames::default())
    }
}

/// The length that a frame states, with checksum and signature. `None` if no frame begins here or it is cut.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(*bytes.get(1)?);
    let whole = match bytes.first()? {
        0xfe => length + 8,
        0xfd => length + 12 + if *bytes.get(2)? & 1 == 1 { 13 } else { 0 },
        _ => return None,
    };
    (whole <= bytes.len()).then_some(whole)
}

/// Where ground stations and companion computers listen by default (PX4, `ArduPilot`, `QGroundControl`).
const PORTS: std::ops::RangeInclusive<u16> = 14_540..=14_599;

/// How many frames fill the datagram, by their own lengths; 0: they do not.
fn filling(mut bytes: &[u8]) -> usize {
    let mut frames = 0;
    while !bytes.is_empty() {
        let Some(rest) = frame_length(bytes).and_then(|whole| bytes.get(whole..)) else { return 0 };
        bytes = rest;
        frames += 1;
    }
    frames
}

/// The length of a frame whose message is not read, so that no checksum can be tried. `None` if no such frame begins with
/// the first byte or it is cut.
pub fn unread_length(bytes: &[u8]) -> Option<usize> {
    let number = message_number(bytes)?;
    frame_length(bytes).filter(|_| messages::of(number).is_none())
}

/// The number of the message of a frame that begins with the first byte, as it states it.
pub fn message_number(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [0xfe, _, _, _, _, number, ..] => Some(u32::from(*number)),
        [0xfd, _, _, _, _, _, _, a, b, c, ..] => Some(u32::from_le_bytes([*a, *b, *c, 0])),
        _ => None,
    }
}

/// The length of a frame whose message is not read, if another frame or the end of the datagram follows.
fn unread_frame(bytes: &[u8]) -> Option<usize> {
    unread_length(bytes).filter(|whole| matches!(bytes.get(*whole), None | Some(0xfe | 0xfd)))
}

/// Whether a frame may begin here that is not whole yet, or, if its checksum cannot be tried, is not followed by another
/// one yet.
fn is_cut(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0xfe | 0xfd))
        && match frame_length(bytes).filter(|_| bytes.len() >= 3) {
            None => true,
            Some(whole) => whole == bytes.len() && unread_frame(bytes).is_some(),
        }
}

/// Frames, in datagrams or in a stream.
#[derive(Default)]
struct Frames {
    /// What is being read of each side; of a stream, the beginning of a frame may wait.
    held: [Held; 2],
    readable: [u64; 2],
    vehicles: [Vehicles; 2],
}

impl Session for Frames {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        let [client, server] = &mut self.held;
        let held = if from == Side::Client { client } else { server };
        held.push(bytes, at);
        self.drain(flow, from, flow.transport == Transport::Tcp, limits, emit);
        Progress::More
    }

    fn gap(&mut self, flow: &Flow, from: Side, _: u64, _: At, limits: &Limits, emit: Emit<'_>) -> Progress {
        // What waited is not made whole any more.
        self.drain(flow, from, false, limits, emit);
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        for from in [Side::Client, Side::Server] {
            self.drain(flow, from, false, limits, emit);
        }
    }

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn protocol(&self) -> &'static str {
        "mavlink"
    }
}

impl Frames {
    /// Reads what is held of a side: all of it, or, where more may come, up to what may be the beginning of a frame.
    fn drain(&mut self, flow: &Flow, from: Side, more: bool, limits: &Limits, emit: Emit<'_>) {
        let keep = limits.keeps(flow, from);
        let ([client, server], [up, down], [theirs, others]) =
            (&mut self.held, &mut self.readable, &mut self.vehicles);
        let (held, readable, vehicles) =
            if from == Side::Client { (client, up, theirs) } else { (server, down, others) };
        let sender = flow.end(from).ip;
        while !(held.bytes().is_empty() || more && is_cut(held.bytes())) {
            let rest = held.bytes();
            let length = if let Some((frame, length)) = parse_frame(rest) {
                *readable += length as u64;
                let now = held.first().map_or_else(Timestamp::default, |at| at.time);
                if let Some(mut told) = vehicles.tell(&frame, now) {
                    // Most aircraft are number 1: which one it is, its address says.
                    for field in told.fields.iter_mut().filter(|field| field.name == "vehicle") {
                        if let Value::Integer(number) = field.value {
                            field.value = Value::Text(format!("{sender}/{number}"));
                        }
                    }
                    emit(told.message_of(from, held, length, keep));
                }
                length
            } else {
                let length = unread_frame(rest).unwrap_or(1);
                if length > 1 && keep {
                    // Not understood, but what is planted is found in it all the same.
                    let frame = rest.get(..length).unwrap_or_default();
                    emit(Told::new("mavlink", "other", frame).message_of(from, held, length, true));
                }
                length
            };
            held.consume(length);
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    fn heartbeat(mode: u8) -> Vec<u8> {
        let mut frame = vec![0xfe, 9, 0, 1, 1, 0, 0, 0, 0, 0, 2, 3, mode, 4, 3];
        let crc = frame[1..].iter().chain([&50]).fold(0xffff, |sum, byte| crc(sum, *byte));
        frame.extend(crc.to_le_bytes());
        frame
    }

    #[test]
    fn an_armed_heartbeat_says_so() {
        let (frame, length) = parse_frame(&heartbeat(0x81)).unwrap();
        assert_eq!(length, 17);
        let told = Vehicles::default().fields(&frame, Timestamp::default()).unwrap();
        for name in ["armed", "flying"] {
            assert!(told.contains(&Field { name, value: Value::Flag(true) }), "{name}");
        }
    }

    #[test]
    fn another_payload_has_a_good_checksum_and_no_signature() {
        let signed = unhex("fd09010000070100000000000000020381040395a60305a0724e18094664c4db08e1");
        for bytes in [heartbeat(0x81), signed] {
            let (frame, _) = parse_frame(&bytes).unwrap();
            let mut payload = frame.payload.clone();
            payload[6] = 0;
            let anew = with_payload(&bytes, &payload).unwrap();
            let expected = Frame { payload, signature: None, ..frame };
            assert_eq!(parse_frame(&anew), Some((expected, anew.len())));
        }
        assert_eq!(with_payload(&[0xfe, 2, 0, 1, 1, 200, 1, 2, 9, 9], &[]), None);
    }

    #[test]
    fn a_flipped_bit_fails_the_checksum() {
        let mut frame = heartbeat(0);
        frame[12] ^= 1;
        assert_eq!(parse_frame(&frame), None);
    }

    fn unhex(hex: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    fn value(fields: &[Field], name: &str) -> Option<Value> {
        fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
    }

    #[test]
    fn that_a_frame_is_signed_is_told() {
        // pymavlink 2.4.50, key 01…, link 3, time 10^13 + 5.
        let signed = unhex("fd09010000070100000000000000020381040395a60305a0724e18094664c4db08e1");
        let (frame, length) = parse_frame(&signed).unwrap();
        assert_eq!(length, signed.len());
        let signature = Some(Signature { link: 3, unix_us: 1_520_070_400_000_050 });
        assert_eq!(frame.signature, signature);
        let told = Vehicles::default().fields(&frame, Timestamp::default()).unwrap();
        assert_eq!(value(&told, "signed"), Some(Value::Flag(true)));
        assert_eq!(value(&told, "signature_link"), Some(Value::Integer(3)));
        assert_eq!(parse_frame(&signed[..signed.len() - 1]), None);
    }

    #[test]
    fn what_is_in_the_air_flies_whatever_its_heartbeat_says() {
        let mut vehicles = Vehicles::default();
        let mut flying_at = |bytes: &[u8], second| {
            let (frame, _) = parse_frame(bytes).unwrap();
            value(&vehicles.fields(&frame, Timestamp::from_secs(second)).unwrap(), "flying")
        };
        let mut flying = |bytes: &[u8]| flying_at(bytes, 0);
        let landed = |state: u8| {
            let mut frame = vec![0xfe, 2, 0, 1, 1, 245, 0, state];
            let crc = frame[1..].iter().chain([&130]).fold(0xffff, |sum, byte| crc(sum, *byte));
            frame.extend(crc.to_le_bytes());
            frame
        };
        assert_eq!(flying(&heartbeat(0)), Some(Value::Flag(false)));
        assert_eq!(flying(&landed(2)), Some(Value::Flag(true)));
        assert_eq!(flying(&heartbeat(0)), Some(Value::Flag(true)));
        assert_eq!(flying(&landed(1)), None);
        assert_eq!(flying(&heartbeat(0)), Some(Value::Flag(false)));
        assert_eq!(flying(&landed(4)), Some(Value::Flag(true)));
        assert_eq!(flying_at(&heartbeat(0), 15), Some(Value::Flag(true)));
        assert_eq!(flying_at(&heartbeat(0), 3600), Some(Value::Flag(false)), "a landing takes no hour");
    }

    #[test]
    fn a_question_to_dns_is_no_frame_and_one_length_is_enough_only_at_its_ports() {
        let question = unhex("fe190100000100000000000003777777076578616d706c6503636f6d0000010001");
        let unread = [0xfe, 2, 0, 1, 1, 200, 1, 2, 9, 9];
        let probe = |port, bytes: &[u8]| {
            let mut flow = Flow { transport: Transport::Udp, ..crate::fixture::flow() };
            flow.server.port = port;
            Mavlink.probe(&flow, Side::Client, bytes)
        };
        assert_eq!(probe(53, &question), Probe::No);
        assert_eq!(probe(5000, &unread), Probe::No);
        assert_eq!(probe(14_550, &unread), Probe::Yes);
        assert_eq!(probe(5000, &unread.repeat(2)), Probe::Yes);
        assert_eq!(probe(5000, &heartbeat(0)), Probe::Yes);
    }

    #[test]
    fn aircraft_of_one_number_are_told_apart_by_their_addresses() {
        let mut flow = Flow { transport: Transport::Udp, ..crate::fixture::flow() };
        flow.client.ip = "10.0.0.7".parse().unwrap();
        let mut told = Vec::new();
        let at = At { packet: 1, time: Timestamp::default() };
        for from in [Side::Client, Side::Server] {
            Frames::default()
                .feed(&flow, from, &heartbeat(0), at, &Limits::default(), &mut |one| told.push(one));
        }
        assert_eq!(told[0].text("vehicle"), Some("10.0.0.7/1"));
        assert_ne!(told[0].text("vehicle"), told[1].text("vehicle"));
    }

    #[test]
    fn what_another_aircraft_radiated_says_nothing_of_the_one_that_hands_it_on() {
        // The location above, handed on for 02:00:00:00:00:2a.
        let own = unhex(
            "fd3b00000007016532004c52401c44f417050000fa430000f543000040410000c8426400c80003000000000000000000000000000000000000000000000002000101010101d064",
        );
        let (mut frame, _) = parse_frame(&own).unwrap();
        frame.payload[32..38].copy_from_slice(&[2, 0, 0, 0, 0, 0x2a]);
        let told = Vehicles::default().fields(&frame, Timestamp::default()).unwrap();
        assert_eq!(value(&told, "vehicle"), Some(Value::Text(format!("02000000002a{}", "00".repeat(14)))));
        assert_eq!((value(&told, "flying"), value(&told, "lat")), (None, None));
        assert_eq!(value(&told, "other_lat"), Some(Value::Float(47.397_742)));
    }

    #[test]
    fn a_receiver_without_a_fix_knows_no_place() {
        let good = unhex(
            "fd2200000007017c000001000000000000004d52401c45f4170520a107000000000001000100010001000309d25d",
        );
        let (mut frame, _) = parse_frame(&good).unwrap();
        for (fix, lat) in [(0, None), (1, None), (2, Some(Value::Float(47.397_742_1)))] {
            frame.payload[32] = fix;
            assert_eq!(value(&Vehicles::default().fields(&frame, Timestamp::default()).unwrap(), "lat"), lat);
        }
    }

    proptest! {
        #[test]
        fn any_frame_with_a_good_checksum_is_answered(
            number in prop::sample::select(messages::numbers()),
            payload in prop::collection::vec(any::<u8>(), 0..=255),
            signed: bool,
        ) {
            let [a, b, c, _] = number.to_le_bytes();
            let length = u8::try_from(payload.len()).unwrap();
            let mut bytes = vec![0xfd, length, u8::from(signed), 0, 0, 7, 1, a, b, c];
            bytes.extend(&payload);
            let extra = messages::of(number).unwrap().extra;
            let crc = bytes[1..].iter().chain([&extra]).fold(0xffff, |sum, byte| crc(sum, *byte));
            bytes.extend(crc.to_le_bytes());
            bytes.extend(vec![9; if signed { 13 } else { 0 }]);
            let (frame, length) = parse_frame(&bytes).unwrap();
            prop_assert_eq!(length, bytes.len());
            prop_assert_eq!(frame.signature.is_some(), signed);
            prop_assert!(Vehicles::default().fields(&frame, Timestamp::default()).is_some());
        }
    }

    #[test]
    fn a_stream_in_any_pieces_gives_the_same_frames_and_goes_on_behind_a_gap() {
        let flow = crate::fixture::flow();
        let whole = [heartbeat(0), heartbeat(0x80), heartbeat(0)].concat();
        for size in [1, 5, 16, 17, 18, 51] {
            let mut told = Vec::new();
            let mut frames = Frames::default();
            let mut feed = |frames: &mut Frames, bytes: &[u8], packet| {
                let at = At { packet, time: Timestamp::default() };
                frames.feed(&flow, Side::Client, bytes, at, &Limits::default(), &mut |one| told.push(one));
            };
            for (packet, piece) in (1..).zip(whole.chunks(size)) {
                feed(&mut frames, piece, packet);
            }
            feed(&mut frames, &whole[..9], 98);
            let at = At { packet: 99, time: Timestamp::default() };
            frames.gap(&flow, Side::Client, 7, at, &Limits::default(), &mut |_| {});
            feed(&mut frames, &[&whole[3..20], &whole].concat(), 100);
            assert_eq!(told.len(), 6, "pieces of {size}");
            let of_second = (17 / size as u64 + 1..=33 / size as u64 + 1).collect::<Vec<_>>();
            assert_eq!(told[1].packets, of_second);
            assert_eq!(frames.readable, [6 * 17, 0]);
        }
    }

    #[test]
    fn what_waited_behind_a_false_start_is_read_in_the_end() {
        let flow = crate::fixture::flow();
        let mut told = 0;
        let mut frames = Frames::default();
        let at = At { packet: 1, time: Timestamp::default() };
        let bytes = [&[0xfe, 0xff][..], &heartbeat(0), &heartbeat(0)].concat();
        frames.feed(&flow, Side::Client, &bytes, at, &Limits::default(), &mut |_| told += 1);
        frames.finish(&flow, &Limits::default(), &mut |_| told += 1);
        assert_eq!(told, 2);
    }

    #[test]
    fn a_frame_that_is_not_read_is_passed_over_and_noise_is_not() {
        let unread = [0xfe, 2, 0, 1, 1, 200, 0xfe, 0xfe, 9, 9];
        assert_eq!(unread_frame(&[unread.as_slice(), &heartbeat(0)].concat()), Some(10));
        assert_eq!(unread_frame(&[unread.as_slice(), &[7]].concat()), None);
        assert_eq!(unread_frame(&heartbeat(0)), None);
        assert_eq!(filling(&[heartbeat(0), heartbeat(1)].concat()), 2);
    }
}
