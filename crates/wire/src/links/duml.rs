//! DUML, what DJI's modules say to each other and to the app (o-gs/dji-firmware-tools), in datagrams and streams.
//!
//! ```text
//! 55 │ length 10 bits, version 6 │ crc8 │ sender │ receiver │ number (2) │ flags │ set │ command │ payload │ crc16
//! ```
//!
//! Frames come one after the other, or in envelopes that differ from model to model: they are looked for wherever they
//! begin, and both check sums must hold. Left out: encrypted payloads, and commands that say neither who, nor where,
//! nor whether it flies; those are told by number.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Flow, Side, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    held::Held,
    links::aircraft::{Told, Whose},
    links::dji_crc::{crc8, crc16},
};

/// DUML.
pub(crate) struct Duml;

const NAME: &str = "duml";

/// Bytes of a frame without payload.
const SHORTEST: usize = 13;

/// A frame with good check sums.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Frame<'a> {
    sender: u8,
    receiver: u8,
    flags: u8,
    set: u8,
    command: u8,
    payload: &'a [u8],
}

/// The length that the frame at the first byte states, if its head is one.
fn stated_length(bytes: &[u8]) -> Option<usize> {
    let head @ [0x55, low, high] = bytes.first_chunk::<3>()? else { return None };
    let length = usize::from(u16::from_le_bytes([*low, high & 3]));
    (high >> 2 == 1 && length >= SHORTEST && bytes.get(3) == Some(&crc8(head))).then_some(length)
}

/// The frame that begins with the first byte, and its length.
fn parse(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let length = stated_length(bytes)?;
    let (body, sum) = bytes.get(..length)?.split_last_chunk::<2>()?;
    let [_, _, _, _, sender, receiver, _, _, flags, set, command, payload @ ..] = body else { return None };
    let frame =
        Frame { sender: *sender, receiver: *receiver, flags: *flags, set: *set, command: *command, payload };
    (crc16(body).to_le_bytes() == *sum).then_some((frame, length))
}

/// Heads that may be followed by a false sum, in what comes at once. Each is up to a thousand bytes summed in vain.
const MOST_FALSE: usize = 16;

/// Whether the bytes begin with a head whose frame is whole, so that only its sum can be false.
fn is_whole(bytes: &[u8]) -> bool {
    stated_length(bytes).is_some_and(|length| length <= bytes.len())
}

/// Where the first whole frame begins.
fn find(bytes: &[u8]) -> Option<usize> {
    let mut whole = (0..bytes.len()).filter(|at| bytes.get(*at..).is_some_and(is_whole)).take(MOST_FALSE + 1);
    whole.find(|at| bytes.get(*at..).is_some_and(|rest| parse(rest).is_some()))
}

impl Protocol for Duml {
    fn name(&self) -> &'static str {
        NAME
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        match flow.transport {
            Transport::Udp if find(head).is_some() => Probe::Yes,
            // A stream begins with a frame.
            Transport::Tcp if parse(head).is_some() => Probe::Yes,
            Transport::Tcp if stated_length(head).is_some_and(|length| length > head.len()) => Probe::Perhaps,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Frames::default())
    }
}

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

    fn opaque(&self) -> [Option<&'static str>; 2] {
        [Some("around frames of DUML"); 2]
    }

    fn protocol(&self) -> &'static str {
        NAME
    }
}

impl Frames {
    /// Reads what is held of a side: all of it, or, where more may come, up to what may be the beginning of a frame.
    fn drain(&mut self, flow: &Flow, from: Side, more: bool, limits: &Limits, emit: Emit<'_>) {
        let keep = limits.keeps(flow, from);
        let ([client, server], [up, down]) = (&mut self.held, &mut self.readable);
        let (held, readable) = if from == Side::Client { (client, up) } else { (server, down) };
        let vehicle = flow.end(from).ip.to_string();
        let mut in_vain = 0;
        while let [first, ..] = held.bytes() {
            let rest = held.bytes();
            let Some((frame, length)) = parse(rest) else {
                let cut = *first == 0x55
                    && (rest.len() < 4 || stated_length(rest).is_some_and(|length| length > rest.len()));
                if more && cut {
                    return;
                }
                in_vain += usize::from(is_whole(rest));
                if in_vain > MOST_FALSE {
                    let mut told = Told::new(NAME, "other", rest);
                    told.word("limit", "false sums of DUML");
                    let length = rest.len();
                    emit(told.message_of(from, held, length, keep));
                    held.consume(length);
                    return;
                }
                // To the next byte that may begin a frame.
                let next = rest.iter().skip(1).position(|byte| *byte == 0x55).map_or(rest.len(), |at| at + 1);
                held.consume(next);
                continue;
            };
            *readable += length as u64;
            let told = tell(&frame, rest.get(..length).unwrap_or_default(), &vehicle);
            emit(told.message_of(from, held, length, keep));
            held.consume(length);
        }
    }
}

/// What a frame says. `vehicle` is its sender, which an aircraft's telemetry comes from.
fn tell(frame: &Frame<'_>, bytes: &[u8], vehicle: &str) -> Told {
    let encrypted = frame.flags & 7 != 0;
    let kind = match frame.flags {
        _ if encrypted => "encrypted",
        flags if flags & 0x80 != 0 => "response",
        _ => "command",
    };
    let mut told = Told::new(NAME, kind, bytes);
    told.number("sender", frame.sender & 31);
    told.number("receiver", frame.receiver & 31);
    told.number("cmd_set", frame.set);
    told.number("cmd_id", frame.command);
    if !encrypted {
        // What is cut is told as far as it goes.
        let _ = match (frame.set, frame.command) {
            (3, 0x43) | (9, 1) => general(&mut told, frame.payload, vehicle),
            (3, 0x44) | (9, 2) => home(&mut told, frame.payload),
            (0, 0x50 | 0x51) => {
                if let Some(serial) = serial(frame.payload) {
                    told.text("serial", serial);
                }
                Ok(())
            }
            (7, 0x30) => {
                told.text("country_code", frame.payload.get(..4).unwrap_or_default());
                Ok(())
            }
            _ => Ok(()),
        };
    }
    told
}

/// The general telemetry: place in radians, height in decimetres, velocities and angles, states.
fn general(told: &mut Told, payload: &[u8], vehicle: &str) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(payload);
    let lon = cursor.f64_le("longitude")?.to_degrees();
    let lat = cursor.f64_le("latitude")?.to_degrees();
    told.word("vehicle", vehicle);
    told.place(Whose::Aircraft, lat, lon);
    let height = i16::from_le_bytes(cursor.array("height")?);
    told.float("height_m", f64::from(height) / 10.0);
    cursor.take("velocities, angles, modes", 14)?;
    let state = cursor.u32_le("state")?;
    told.number("state", state);
    // Bit 1 on the ground, 2 in the air, 3 motors on.
    if state & 0x0e != 0 {
        told.flying(state & 0x0c != 0);
    }
    Ok(())
}

/// Where it began: place in radians.
fn home(told: &mut Told, payload: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(payload);
    let lon = cursor.f64_le("longitude of home")?.to_degrees();
    let lat = cursor.f64_le("latitude of home")?.to_degrees();
    told.place(Whose::Home, lat, lon);
    Ok(())
}

/// The first run of capitals and digits that is as long as serials are.
fn serial(payload: &[u8]) -> Option<&[u8]> {
    let within = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    payload.split(|byte| !within(byte)).find(|run| (10..=20).contains(&run.len()))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::{Message, Timestamp, Value};
    use proptest::prelude::*;

    fn frame(set: u8, command: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len() + SHORTEST).unwrap();
        let [low, high] = (length | 1 << 10).to_le_bytes();
        let mut frame = vec![0x55, low, high, crc8(&[0x55, low, high]), 3, 2, 1, 0, 0, set, command];
        frame.extend(payload);
        let sum = crc16(&frame);
        frame.extend(sum.to_le_bytes());
        frame
    }

    fn telemetry(lat: f64, lon: f64, height: i16, state: u32) -> Vec<u8> {
        let mut payload = lon.to_radians().to_le_bytes().to_vec();
        payload.extend(lat.to_radians().to_le_bytes());
        payload.extend(height.to_le_bytes());
        payload.extend([0; 14]);
        payload.extend(state.to_le_bytes());
        frame(3, 0x43, &payload)
    }

    fn read(transport: Transport, pieces: &[&[u8]]) -> (Vec<Message>, u64) {
        let flow = Flow { transport, ..crate::fixture::flow() };
        let (mut session, mut told) = (Frames::default(), Vec::new());
        for piece in pieces {
            let at = At { packet: 1, time: Timestamp::default() };
            session.feed(&flow, Side::Client, piece, at, &Limits::default(), &mut |one| told.push(one));
        }
        session.finish(&flow, &Limits::default(), &mut |one| told.push(one));
        (told, session.readable[0])
    }

    #[test]
    fn the_published_ping_is_a_frame() {
        let ping = [0x55, 0x0d, 0x04, 0x33, 0x02, 0x03, 0x01, 0x00, 0x40, 0x00, 0x00, 0x16, 0xf2];
        let (frame, length) = parse(&ping).unwrap();
        assert_eq!((frame.sender, frame.receiver, frame.set, frame.command, length), (2, 3, 0, 0, 13));
        assert_eq!(parse(&[&ping[..12], &[0]].concat()), None);
    }

    #[test]
    fn who_and_where_are_told_from_any_envelope() {
        let home = [8.0_f64.to_radians().to_le_bytes(), 47.0_f64.to_radians().to_le_bytes()].concat();
        let all = [
            frame(0, 0x51, b"\x001ZNBJ12345678A\0"),
            telemetry(47.25, 8.5, 123, 0x0c),
            frame(3, 0x44, &home),
            frame(7, 0x30, b"US\0\0US\0\0\0\0"),
        ]
        .concat();
        // Bytes of an envelope, among them one that begins a frame and does not go on so.
        let enveloped = [&[0x30, 0x80, 0x55, 0x0d, 9, 9][..], &all].concat();
        let flow = Flow { transport: Transport::Udp, ..crate::fixture::flow() };
        assert_eq!(Duml.probe(&flow, Side::Client, &enveloped), Probe::Yes);
        assert_eq!(Duml.probe(&flow, Side::Client, &[0x55; 64]), Probe::No);
        let (told, readable) = read(Transport::Udp, &[&enveloped]);
        assert_eq!(readable, all.len() as u64);
        assert_eq!(told[0].text("serial"), Some("1ZNBJ12345678A"));
        assert_eq!(told[1].field("flying"), Some(&Value::Flag(true)));
        assert_eq!(told[1].field("height_m"), Some(&Value::Float(12.3)));
        let lat = told[1].parts.iter().find(|part| part.name() == Some("lat")).unwrap();
        assert_eq!(lat.bytes(), b"47.2500000");
        assert!(matches!(told[2].field("home_lon"), Some(Value::Float(lon)) if (lon - 8.0).abs() < 1e-9));
        assert_eq!(told[3].text("country_code"), Some("US"));
    }

    #[test]
    fn sums_in_vain_are_bounded_and_what_lies_behind_them_is_told_as_bytes() {
        let mut head = vec![0x55, 13, 4];
        head.push(crc8(&head));
        let tail = [telemetry(47.25, 8.5, 1, 0x0c), b"planted".to_vec()].concat();
        let few = [head.repeat(MOST_FALSE - 4), tail.clone()].concat();
        let (told, _) = read(Transport::Udp, &[&few]);
        assert_eq!(told.iter().map(|one| one.kind).collect::<Vec<_>>(), ["command"]);
        let many = [head.repeat(MOST_FALSE + 4), tail].concat();
        let (told, readable) = read(Transport::Udp, &[&many]);
        assert_eq!((told.len(), told[0].text("limit"), readable), (1, Some("false sums of DUML"), 0));
        assert!(told[0].parts.first().unwrap().bytes().ends_with(b"planted"));
        let flow = Flow { transport: Transport::Udp, ..crate::fixture::flow() };
        assert_eq!(Duml.probe(&flow, Side::Client, &few), Probe::Yes);
        assert_eq!(Duml.probe(&flow, Side::Client, &many), Probe::No);
    }

    proptest! {
        #[test]
        fn frames_survive_a_stream_in_any_pieces(lat in -89.0..89.0, lon in 1.0..179.0, height: i16, state: u32, size in 1_usize..70) {
            let one = telemetry(lat, lon, height, state);
            let stream = [&one[..], &[0x55, 7], &one].concat();
            let (told, readable) = read(Transport::Tcp, &stream.chunks(size).collect::<Vec<_>>());
            prop_assert_eq!((told.len(), readable), (2, 2 * one.len() as u64));
            for message in told {
                let Some(Value::Float(back)) = message.field("lat") else { panic!("{message:?}") };
                prop_assert!((back - lat).abs() < 1e-9);
                let flying = (state & 0x0e != 0).then_some(Value::Flag(state & 0x0c != 0));
                prop_assert_eq!(message.field("flying"), flying.as_ref());
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, set in 0_u8..10, command: u8, flags: u8) {
            read(Transport::Udp, &[&bytes]);
            let mut good = frame(set, command, bytes.get(..bytes.len().min(1000)).unwrap());
            good[8] = flags;
            let end = good.len() - 2;
            let sum = crc16(&good[..end]).to_le_bytes();
            good[end..].copy_from_slice(&sum);
            prop_assert_eq!(read(Transport::Udp, &[&good]).0.len(), 1);
        }
    }
}
