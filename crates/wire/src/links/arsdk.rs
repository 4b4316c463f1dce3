//! ARSDK, what Parrot's aircraft, controllers and apps say to each other (Parrot-Developers/arsdk-xml), over UDP, and the
//! JSON with which they find together over TCP (port 44444).
//!
//! ```text
//! kind │ buffer │ number │ length (4), with these seven │ payload        kinds 1 to 4; several in a datagram
//! payload of a command: project │ class │ command (2) │ arguments
//! ```
//!
//! Numbers are sent least significant byte first, places in degrees; 500 means that none is known. Left out: pictures
//! (buffer 125), and commands that say neither who, nor where, nor whether it flies.

use creance_cursor::{Cursor, Malformed};
use creance_model::{Carrier, Field, Flow, Message, Parts, Side, Transport, Value, Visibility};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    body::Tree,
    held::Held,
    links::aircraft::{Told, Whose},
};

/// Parrot's ARSDK.
pub(crate) struct Arsdk;

const NAME: &str = "arsdk";

/// Where aircraft listen for those who want to find together with them.
const DISCOVERY: u16 = 44_444;

/// Bytes before the payload of a frame.
const HEAD: usize = 7;

/// Longest description of one side, in bytes.
const MOST_DISCOVERY: usize = 8 << 10;

/// Kind, buffer and length of the frame that begins with the first byte.
fn head(bytes: &[u8]) -> Option<(u8, u8, usize)> {
    let [kind @ 1..=4, buffer, _, a, b, c, d] = *bytes.first_chunk::<HEAD>()? else { return None };
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    (HEAD..=bytes.len()).contains(&length).then_some((kind, buffer, length))
}

/// Whether frames of buffers that are in use fill the datagram. Acknowledgements have the buffer's number plus 128.
fn is_frames(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Some((_, 0 | 1 | 10..=13 | 125..=129 | 138..=141 | 253..=255, length)) = head(bytes) else {
            return false;
        };
        bytes = bytes.get(length..).unwrap_or_default();
    }
    true
}

impl Protocol for Arsdk {
    fn name(&self) -> &'static str {
        NAME
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        let yes = match flow.transport {
            Transport::Udp => !head.is_empty() && is_frames(head),
            Transport::Tcp => flow.server.port == DISCOVERY && head.first() == Some(&b'{'),
            _ => false,
        };
        if yes { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Talk::default())
    }
}

#[derive(Default)]
struct Talk {
    readable: [u64; 2],
    /// The first half of a serial, which the second follows.
    serial: Vec<u8>,
    /// Descriptions that are not whole yet.
    held: [Held; 2],
    over: [Option<&'static str>; 2],
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
        if flow.transport == Transport::Tcp {
            self.discovery(from, bytes, at, keep, limits, emit);
            return Progress::More;
        }
        let mut rest = bytes;
        while let Some((kind, buffer, length)) = head(rest) {
            let (frame, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            let payload = frame.get(HEAD..).unwrap_or_default();
            let command = matches!((kind, buffer), (2 | 4, 10..=13 | 126 | 127));
            let mut told = Told::new(NAME, if command { "command" } else { "other" }, frame);
            if command {
                // What is cut is told as far as it goes.
                let _ = self.command(&mut told, payload, &flow.end(from).ip.to_string());
            }
            // Pictures, pings and acknowledgements are not read.
            if command || keep && buffer != 125 {
                emit(told.message(from, (at.time, vec![at.packet]), length, keep));
            }
            if let Some(sum) = self.readable.get_mut(from.index())
                && buffer != 125
            {
                *sum += length as u64;
            }
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, from: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        if let (Some(held), Some(over)) = (self.held.get_mut(from.index()), self.over.get_mut(from.index())) {
            *held = Held::default();
            *over = Some("ARSDK behind missing bytes");
        }
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        self.readable
    }

    fn opaque(&self) -> [Option<&'static str>; 2] {
        self.over
    }

    fn protocol(&self) -> &'static str {
        NAME
    }
}

impl Talk {
    /// What a command says. `vehicle` is its sender.
    fn command(&mut self, told: &mut Told, payload: &[u8], vehicle: &str) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(payload);
        let (project, class) = (cursor.u8("project")?, cursor.u8("class")?);
        let command = cursor.u16_le("command")?;
        told.number("project", project);
        told.number("class", class);
        told.number("cmd_id", command);
        match (project, class, command) {
            // common: the name, and a serial in two halves.
            (0, 2 | 3, 2) => told.text("product_name", string(&cursor)),
            (0, 3, 4) => self.serial = string(&cursor).to_vec(),
            (0, 3, 5) => {
                self.serial.extend(string(&cursor));
                told.text("serial", &self.serial);
                self.serial.clear();
            }
            (0, 2, 3) | (0, 3, 6) => told.text("country_code", string(&cursor)),
            // ardrone3: FlyingStateChanged, PositionChanged, GpsLocationChanged.
            (1, 4, 1) => {
                let state = cursor.u32_le("state")?;
                told.word("vehicle", vehicle);
                told.number("flying_state", state);
                match state {
                    0 => told.flying(false),
                    // Taking off, hovering, flying, landing, and motors that begin to turn; an emergency (5) and
                    // waiting for a throw (6) say neither.
                    1..=4 | 7 | 8 => told.flying(true),
                    _ => {}
                }
            }
            (1, 4, 4 | 9) => {
                told.word("vehicle", vehicle);
                place(told, Whose::Aircraft, &mut cursor)?;
                let altitude = cursor.f64_le("altitude")?;
                // The very number means that it is not known.
                if (altitude - 500.0).abs() > f64::EPSILON {
                    told.float("alt_m", altitude);
                }
            }
            // ardrone3: SetHome, HomeChanged, ResetHomeChanged.
            (1, 23, 0) | (1, 24, 0 | 1) => place(told, Whose::Home, &mut cursor)?,
            // ardrone3: SendControllerGPS; common: ControllerPositionForRun; controller_info: gps, gps_v2 behind its source.
            (0, 16, 0) | (1, 23, 2) | (140, 0, 1) => place(told, Whose::Operator, &mut cursor)?,
            (140, 0, 6) => {
                cursor.u32_le("source")?;
                place(told, Whose::Operator, &mut cursor)?;
            }
            // dri: drone_id behind its kind.
            (164, 0, 4) => {
                cursor.u32_le("kind")?;
                told.text("serial", string(&cursor));
            }
            _ => {}
        }
        Ok(())
    }

    /// A description of either side, as JSON that ends with a zero or with its bracket.
    fn discovery(&mut self, from: Side, bytes: &[u8], at: At, keep: bool, limits: &Limits, emit: Emit<'_>) {
        let (Some(held), Some(over)) = (self.held.get_mut(from.index()), self.over.get_mut(from.index()))
        else {
            return;
        };
        if over.is_some() {
            return;
        }
        held.push(bytes, at);
        if held.bytes().len() > MOST_DISCOVERY {
            *over = Some("ARSDK descriptions that do not end");
            *held = Held::default();
            return;
        }
        // More than one may have come: a zero ends each, and one alone what was told before it.
        loop {
            let whole = held.bytes();
            let text = whole.split(|byte| *byte == 0).next().unwrap_or_default();
            let open = text.iter().fold(0_i32, |open, byte| match byte {
                b'{' => open + 1,
                b'}' => open - 1,
                _ => open,
            });
            let zero = text.len() < whole.len();
            let ended = zero || text.ends_with(b"}") && open == 0;
            if whole.is_empty() || !ended {
                return;
            }
            let length = text.len() + usize::from(zero);
            if let Some(sum) = self.readable.get_mut(from.index()) {
                *sum += length as u64;
            }
            if !text.is_empty() {
                let mut tree = Tree::new(limits);
                let part = tree.root(Carrier::Body, "discovery", text, None);
                tree.content(part, Some("application/json"));
                let (parts, limit) = tree.done();
                let limit = limit.map(|limit| Field { name: "limit", value: Value::Text(limit.to_owned()) });
                emit(Message {
                    time: held.first().map_or(at.time, |first| first.time),
                    protocol: NAME,
                    kind: "discovery",
                    from,
                    visibility: Visibility::Clear,
                    packets: held.packets(length),
                    bytes: length as u64,
                    fields: limit.into_iter().collect(),
                    parts: if keep { parts } else { Parts::default() },
                });
            }
            held.consume(length);
        }
    }
}

/// A string ends with a zero.
fn string<'a>(cursor: &Cursor<'a>) -> &'a [u8] {
    let text = cursor.rest().split(|byte| *byte == 0).next().unwrap_or_default();
    text.get(..text.len().min(256)).unwrap_or_default()
}

fn place(told: &mut Told, whose: Whose, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    let lat = cursor.f64_le("latitude")?;
    let lon = cursor.f64_le("longitude")?;
    told.place(whose, lat, lon);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    fn frame(kind: u8, buffer: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len() + HEAD).unwrap();
        [&[kind, buffer, 7][..], &length.to_le_bytes(), payload].concat()
    }

    fn command(project: u8, class: u8, command: u16, arguments: &[u8]) -> Vec<u8> {
        frame(2, 127, &[&[project, class][..], &command.to_le_bytes(), arguments].concat())
    }

    fn place(lat: f64, lon: f64) -> Vec<u8> {
        [lat, lon, 42.0].into_iter().flat_map(f64::to_le_bytes).collect()
    }

    fn read(transport: Transport, pieces: &[&[u8]]) -> (Vec<Message>, [u64; 2]) {
        let flow = Flow { transport, ..crate::fixture::flow() };
        let (mut talk, mut told) = (Talk::default(), Vec::new());
        for piece in pieces {
            let at = At { packet: 1, time: Timestamp::default() };
            talk.feed(&flow, Side::Client, piece, at, &Limits::default(), &mut |one| told.push(one));
        }
        (told, talk.readable())
    }

    #[test]
    fn who_where_and_whether_it_flies_are_told() {
        let datagram = [
            command(0, 3, 4, b"PI0403\0"),
            command(0, 3, 5, b"16BA8G123456\0"),
            command(1, 4, 1, &3_u32.to_le_bytes()),
            command(1, 4, 4, &place(48.878_922, 2.367_782)),
            command(1, 24, 0, &place(48.8789, 2.3677)),
            command(1, 23, 2, &place(48.8788, 2.3676)),
            command(1, 4, 4, &place(500.0, 500.0)),
            command(1, 4, 4, &[500.0, 500.0, 640.5].map(f64::to_le_bytes).concat()),
            frame(1, 254, &[9]),
        ]
        .concat();
        let flow = Flow { transport: Transport::Udp, ..crate::fixture::flow() };
        assert_eq!(Arsdk.probe(&flow, Side::Client, &datagram), Probe::Yes);
        assert_eq!(Arsdk.probe(&flow, Side::Client, datagram.get(1..).unwrap()), Probe::No);
        let (told, readable) = read(Transport::Udp, &[&datagram]);
        assert_eq!(readable, [datagram.len() as u64, 0]);
        let number = |name| {
            let value = told.iter().find_map(|one| one.field(name));
            value.map(|value| format!("{value:?}"))
        };
        assert_eq!(told.iter().find_map(|one| one.text("serial")), Some("PI040316BA8G123456"));
        assert_eq!(number("flying"), Some("Flag(true)".to_owned()));
        assert_eq!(number("lat"), Some("Float(48.878922)".to_owned()));
        assert_eq!(number("home_lon"), Some("Float(2.3677)".to_owned()));
        assert_eq!(number("operator_lat"), Some("Float(48.8788)".to_owned()));
        assert_eq!(told.iter().filter(|one| one.field("lat").is_some()).count(), 1);
        let high = told.iter().filter(|one| one.field("alt_m") == Some(&Value::Float(640.5))).count();
        assert_eq!(high, 1, "only 500 itself is not known");
    }

    #[test]
    fn both_descriptions_are_taken_apart_in_any_pieces() {
        let text =
            b"{\"controller_type\":\"phone\",\"controller_name\":\"Ada's phone\",\"d2c_port\":43210}\0";
        for size in [1, 7, 200] {
            let (told, readable) = read(Transport::Tcp, &text.chunks(size).collect::<Vec<_>>());
            assert_eq!(told.len(), 1, "{size}");
            let name = told[0].parts.iter().find(|part| part.name() == Some("controller_name")).unwrap();
            assert_eq!(name.bytes(), b"Ada's phone");
            assert_eq!(readable[0], text.len() as u64);
        }
        let (told, readable) = read(Transport::Tcp, &[&[&text[..], &text[..]].concat()]);
        assert_eq!(
            (told.len(), readable[0]),
            (2, 2 * text.len() as u64),
            "what stands behind the zero is read"
        );
    }

    proptest! {
        #[test]
        fn places_survive_the_wire(lat in -90.0..=90.0, lon in 1.0..=180.0) {
            let (told, _) = read(Transport::Udp, &[&command(1, 4, 9, &place(lat, lon))]);
            prop_assert_eq!(told[0].field("lat"), Some(&Value::Float(lat)));
            prop_assert_eq!(told[0].field("lon"), Some(&Value::Float(lon)));
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, project: u8, class: u8, number in 0_u16..12) {
            let good = command(project, class, number, &bytes);
            let (told, readable) = read(Transport::Udp, &[&bytes, &good]);
            prop_assert!(!told.is_empty() && readable[0] >= good.len() as u64);
            read(Transport::Tcp, &[&bytes, &good]);
        }
    }
}
