//! MAVLink 1 and 2 over UDP and TCP (mavlink.io/en/guide/serialization.html; messages of common.xml).
//!
//! ```text
//! v1  fe │ len │ seq │ sys │ comp │ msg           │ payload │ crc16
//! v2  fd │ len │ incompat │ compat │ seq │ sys │ comp │ msg24 │ payload │ crc16 │ [signature 13]
//! ```
//!
//! The checksum covers all after the first byte and a byte that depends on the message's definition; frames whose
//! checksum fails are skipped. Of messages without a known definition, those that leave are told as bytes. Signatures are not verified: no key is known.

use creance_model::{
    Carrier, Direction, Field, Flow, Message, Part, Side, Timestamp, Transport, Value, Visibility,
};

use crate::{At, Emit, Limits, Means, Probe, Progress, Protocol, Session, held::Held};

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
}

/// Number, name, `CRC_EXTRA` and full length (with extensions) of the messages that are read.
const KNOWN: &[(u32, &str, u8, usize)] = &[
    (0, "HEARTBEAT", 50, 9),
    (24, "GPS_RAW_INT", 24, 52),
    (33, "GLOBAL_POSITION_INT", 104, 28),
    (242, "HOME_POSITION", 104, 60),
    (245, "EXTENDED_SYS_STATE", 130, 2),
];

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
    let &(_, _, extra, full) = KNOWN.iter().find(|known| known.0 == message)?;
    let body = bytes.get(1..header + length)?;
    let stated = bytes.get(header + length..)?.first_chunk().map(|two| u16::from_le_bytes(*two))?;
    let whole = header + length + 2 + signature;
    if bytes.len() < whole || body.iter().chain([&extra]).fold(0xffff, |sum, byte| crc(sum, *byte)) != stated
    {
        return None;
    }
    let mut payload = bytes.get(header..header + length)?.to_vec();
    payload.resize(full.max(length), 0);
    Some((Frame { system, component, message, payload }, whole))
}

/// CRC-16/MCRF4XX.
fn crc(crc: u16, byte: u8) -> u16 {
    let low = (crc & 0xff) as u8 ^ byte;
    let low = low ^ (low << 4);
    let low = u16::from(low);
    (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
}

/// What a frame says, under the names of common.xml; positions in degrees, heights in metres.
pub fn fields(frame: &Frame) -> Option<Vec<Field>> {
    let name = KNOWN.iter().find(|known| known.0 == frame.message)?.1;
    let byte = |at: usize| frame.payload.get(at).copied().map(i64::from);
    let int = |at: usize| frame.payload.get(at..)?.first_chunk().map(|four| i32::from_le_bytes(*four));
    let degrees = |at| int(at).map(|raw| Value::Float(f64::from(raw) / 1e7));
    let metres = |at| int(at).map(|raw| Value::Float(f64::from(raw) / 1e3));
    let mut fields = vec![
        Field { name: "message", value: Value::Text(name.to_owned()) },
        Field { name: "sysid", value: Value::Integer(i64::from(frame.system)) },
        Field { name: "compid", value: Value::Integer(i64::from(frame.component)) },
    ];
    let mut push = |name, value: Option<Value>| fields.extend(value.map(|value| Field { name, value }));
    match frame.message {
        0 => {
            let (kind, autopilot, mode) = (byte(4)?, byte(5)?, byte(6)?);
            push("type", Some(Value::Integer(kind)));
            push("autopilot", Some(Value::Integer(autopilot)));
            push("system_status", byte(7).map(Value::Integer));
            // Ground stations, gimbals, cameras and the like beat too; only an autopilot (MAV_AUTOPILOT other than
            // INVALID, of a vehicle's type) is armed or not.
            let vehicle = autopilot != 8 && !matches!(kind, 5 | 6 | 18 | 26..=28 | 30..=34);
            push("armed", vehicle.then_some(Value::Flag(mode & 0x80 != 0)));
        }
        24 => {
            push("fix_type", byte(28).map(Value::Integer));
            push("lat", degrees(8));
            push("lon", degrees(12));
            push("alt_m", metres(16));
        }
        33 => {
            push("lat", degrees(4));
            push("lon", degrees(8));
            push("alt_m", metres(12));
            push("relative_alt_m", metres(16));
        }
        242 => {
            push("lat", degrees(0));
            push("lon", degrees(4));
            push("alt_m", metres(8));
        }
        _ => push("landed_state", byte(1).map(Value::Integer)),
    }
    Some(fields)
}

impl Protocol for Mavlink {
    fn name(&self) -> &'static str {
        "mavlink"
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        match (flow.transport, head.first()) {
            (Transport::Udp, Some(0xfe | 0xfd)) if good_length(head) => Probe::Yes,
            // A stream has no borders to agree with: a checksum must, or the lengths of two frames.
            (Transport::Tcp, Some(0xfe | 0xfd)) if parse_frame(head).is_some() => Probe::Yes,
            (Transport::Tcp, Some(0xfe | 0xfd)) => {
                let behind = stated_length(head).and_then(|whole| head.get(whole..));
                match behind {
                    None | Some([]) => Probe::Perhaps,
                    Some(next) if is_cut(next) => Probe::Perhaps,
                    Some(next) if stated_length(next).is_some() => Probe::Yes,
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
fn stated_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(*bytes.get(1)?);
    let whole = match bytes.first()? {
        0xfe => length + 8,
        0xfd => length + 12 + if *bytes.get(2)? & 1 == 1 { 13 } else { 0 },
        _ => return None,
    };
    (whole <= bytes.len()).then_some(whole)
}

/// Whether frames fill the datagram, by their own lengths.
fn good_length(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Some(rest) = stated_length(bytes).and_then(|whole| bytes.get(whole..)) else { return false };
        bytes = rest;
    }
    true
}

/// The length of a frame whose message is not read: no checksum can be tried, so another frame or the end of the
/// datagram must follow.
fn unread_frame(bytes: &[u8]) -> Option<usize> {
    let number = match bytes {
        [0xfe, _, _, _, _, number, ..] => u32::from(*number),
        [0xfd, _, _, _, _, _, _, a, b, c, ..] => u32::from_le_bytes([*a, *b, *c, 0]),
        _ => return None,
    };
    let whole = stated_length(bytes).filter(|_| KNOWN.iter().all(|known| known.0 != number))?;
    matches!(bytes.get(whole), None | Some(0xfe | 0xfd)).then_some(whole)
}

/// Whether a frame may begin here that is not whole yet, or, if its checksum cannot be tried, is not followed by another
/// one yet.
fn is_cut(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0xfe | 0xfd))
        && match stated_length(bytes).filter(|_| bytes.len() >= 3) {
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
}

impl Session for Frames {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        _: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        let [client, server] = &mut self.held;
        let held = if from == Side::Client { client } else { server };
        held.push(bytes, at);
        self.drain(flow, from, flow.transport == Transport::Tcp, emit);
        Progress::More
    }

    fn gap(&mut self, flow: &Flow, from: Side, _: u64, _: At, _: &Limits, emit: Emit<'_>) -> Progress {
        // What waited is not made whole any more.
        self.drain(flow, from, false, emit);
        Progress::More
    }

    fn finish(&mut self, flow: &Flow, _: &Limits, emit: Emit<'_>) {
        for from in [Side::Client, Side::Server] {
            self.drain(flow, from, false, emit);
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
    fn drain(&mut self, flow: &Flow, from: Side, more: bool, emit: Emit<'_>) {
        let leaves = flow.direction(from) == Direction::Outbound;
        let ([client, server], [up, down]) = (&mut self.held, &mut self.readable);
        let (held, readable) = if from == Side::Client { (client, up) } else { (server, down) };
        while !(held.bytes().is_empty() || more && is_cut(held.bytes())) {
            let rest = held.bytes();
            let (mut kind, mut told, mut found) = ("other", Vec::new(), Vec::new());
            let length = if let Some((frame, length)) = parse_frame(rest) {
                *readable += length as u64;
                kind = "telemetry";
                told = fields(&frame).unwrap_or_default();
                if leaves && !told.is_empty() {
                    found = parts(&frame.payload, &told);
                }
                length
            } else {
                let length = unread_frame(rest).unwrap_or(1);
                if length > 1 && leaves {
                    // Not understood, but what is planted is found in it all the same.
                    let frame = rest.get(..length).unwrap_or_default();
                    found.push(Part::new(Carrier::Field, None, "frame", None, frame));
                }
                length
            };
            if !told.is_empty() || !found.is_empty() {
                emit(Message {
                    time: held.first().map_or_else(Timestamp::default, |at| at.time),
                    protocol: "mavlink",
                    kind,
                    from,
                    visibility: Visibility::Clear,
                    packets: held.packets(length),
                    bytes: length as u64,
                    fields: told,
                    parts: found,
                });
            }
            held.consume(length);
        }
    }
}

/// The payload of a frame that leaves our side, and its positions as they would be written.
fn parts(payload: &[u8], fields: &[Field]) -> Vec<Part> {
    let mut parts = vec![Part::new(Carrier::Field, None, "payload", None, payload)];
    for Field { name, value } in fields {
        if let (true, Value::Float(degrees)) = (matches!(*name, "lat" | "lon"), value) {
            let step = format!("mavlink:{name}");
            parts.push(Part::new(Carrier::Field, Some(0), step, Some(name), format!("{degrees:.7}")));
        }
    }
    parts
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

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
        assert!(fields(&frame).unwrap().contains(&Field { name: "armed", value: Value::Flag(true) }));
    }

    #[test]
    fn a_flipped_bit_fails_the_checksum() {
        let mut frame = heartbeat(0);
        frame[12] ^= 1;
        assert_eq!(parse_frame(&frame), None);
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
        assert!(good_length(&[heartbeat(0), heartbeat(1)].concat()));
    }
}
