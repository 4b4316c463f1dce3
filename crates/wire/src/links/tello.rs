//! What a Ryze Tello and its pilot say: the text of its SDK (Tello SDK 2.0 and 3.0), and the frames of its app.
//!
//! ```text
//! 8889  command → ok, error, or a value         8890  mid:…;x:…;pitch:…;…;time:…;…\r\n
//! cc │ length 13 bits, from bit 3 │ crc8 │ kind │ command (2) │ number (2) │ payload │ crc16
//! ```
//!
//! It knows no place: it has no receiver. Left out: the frames of its log, and its pictures (ports 6038, 11111).

use creance_model::{Flow, Side, Timestamp, Transport};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session,
    links::aircraft::Told,
    links::dji_crc::{crc8, crc16},
};

/// Ryze Tello.
pub(crate) struct Tello;

const NAME: &str = "tello";

const COMMANDS: u16 = 8889;

/// How long the motors' time may stand still while they run: it counts seconds.
const STILL: i64 = 2_500_000_000;

impl Protocol for Tello {
    fn name(&self) -> &'static str {
        NAME
    }

    fn probe(&self, flow: &Flow, _: Side, head: &[u8]) -> Probe {
        if flow.transport != Transport::Udp {
            return Probe::No;
        }
        let commands = [flow.client.port, flow.server.port].contains(&COMMANDS);
        let ours = frame(head).is_some() || is_state(head) || commands && is_talk(head);
        if ours { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Talk::default())
    }
}

/// Command and payload of a frame of the app.
fn frame(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (body, sum) = bytes.split_last_chunk::<2>()?;
    let [0xcc, low, high, head_sum, _, command_low, command_high, _, _, payload @ ..] = body else {
        return None;
    };
    let sound = usize::from(u16::from_le_bytes([*low, *high]) >> 3) == bytes.len()
        && crc8(&[0xcc, *low, *high]) == *head_sum
        && crc16(body).to_le_bytes() == *sum;
    sound.then_some((u16::from_le_bytes([*command_low, *command_high]), payload))
}

/// What commands begin with, and the answers to them that are words (Tello SDK 3.0).
const WORDS: &[&[u8]] = &[
    b"command",
    b"takeoff",
    b"land",
    b"emergency",
    b"stop",
    b"throwfly",
    b"motoron",
    b"motoroff",
    b"streamon",
    b"streamoff",
    b"setfps",
    b"setbitrate",
    b"setresolution",
    b"up",
    b"down",
    b"left",
    b"right",
    b"forward",
    b"back",
    b"cw",
    b"ccw",
    b"flip",
    b"go",
    b"curve",
    b"jump",
    b"speed",
    b"rc",
    b"wifi",
    b"ap",
    b"port",
    b"mon",
    b"moff",
    b"mdirection",
    b"downvision",
    b"reboot",
    b"multiwifi",
    b"EXT",
    b"ok",
    b"error",
    b"out",
    b"unknown",
    b"forced",
    b"Re:",
];

/// Whether text begins as commands and answers do: with one of the words, or a question such as `battery?`.
fn is_talk(bytes: &[u8]) -> bool {
    let printed = bytes.iter().all(|byte| byte.is_ascii_graphic() || b" \r\n".contains(byte));
    let first = bytes.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let question = first
        .strip_suffix(b"?")
        .is_some_and(|word| (2..=20).contains(&word.len()) && word.iter().all(u8::is_ascii_alphanumeric));
    printed && (question || WORDS.contains(&first))
}

/// Whether text is the aircraft's state.
fn is_state(bytes: &[u8]) -> bool {
    let has = |key: &[u8]| bytes.windows(key.len()).any(|window| window == key);
    bytes.len() < 1024 && bytes.is_ascii() && has(b"pitch:") && has(b";templ:") && has(b";time:")
}

#[derive(Default)]
struct Talk {
    readable: [u64; 2],
    /// What was asked last.
    asked: Vec<u8>,
    /// Seconds that the motors have run, and since when that has been so.
    motors: Option<(i64, Timestamp)>,
}

/// Bytes of a question that are remembered.
const MOST_ASKED: usize = 64;

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
        // Where both speak from that port, who began is the pilot.
        let to_aircraft = flow.end(from.other()).port == COMMANDS
            && (flow.end(from).port != COMMANDS || from == Side::Client);
        let mut told = if let Some((command, payload)) = frame(bytes) {
            binary(command, payload, bytes)
        } else if is_state(bytes) {
            self.state(bytes, at.time)
        } else if to_aircraft {
            self.asked = bytes.get(..bytes.len().min(MOST_ASKED)).unwrap_or_default().to_vec();
            command(bytes)
        } else {
            let mut told = Told::new(NAME, "answer", bytes);
            if self.asked.starts_with(b"sn?") {
                told.text("serial", bytes);
            }
            told
        };
        if let Some(sum) = self.readable.get_mut(from.index()) {
            *sum += bytes.len() as u64;
        }
        let aircraft = if to_aircraft { from.other() } else { from };
        told.word("vehicle", &flow.end(aircraft).ip.to_string());
        emit(told.message(from, (at.time, vec![at.packet]), bytes.len(), keep));
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
        NAME
    }
}

impl Talk {
    /// `key:value;…`: `h` and `tof` in centimetres, `time` the seconds that the motors have run. As that grows they run;
    /// where it stands still they do not.
    fn state(&mut self, bytes: &[u8], now: Timestamp) -> Told {
        let mut told = Told::new(NAME, "state", bytes);
        let text = String::from_utf8_lossy(bytes);
        let number = |key: &str| {
            let pairs = text.trim().split(';').filter_map(|pair| pair.split_once(':'));
            pairs.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse::<i64>().ok())
        };
        if let Some(height) = number("h") {
            #[expect(clippy::cast_precision_loss, reason = "centimetres of a flight in a room")]
            told.float("height_m", height as f64 / 100.0);
        }
        let Some(seconds) = number("time") else { return told };
        told.number("motor_seconds", seconds);
        match self.motors {
            Some((before, since)) if before == seconds => {
                if now.since(since) > STILL {
                    told.flying(false);
                }
            }
            // A datagram that was overtaken by the next ones.
            Some((before, _)) if (1..=2).contains(&before.saturating_sub(seconds)) => {}
            Some((before, _)) => {
                if seconds > before {
                    told.flying(true);
                }
                self.motors = Some((seconds, now));
            }
            None => self.motors = Some((seconds, now)),
        }
        told
    }
}

/// What the pilot's side says: words, of which those of `wifi` and `ap` are the name and the password of a network.
fn command(bytes: &[u8]) -> Told {
    let mut told = Told::new(NAME, "command", bytes);
    let mut words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return told };
    told.word("command", &String::from_utf8_lossy(first.get(..first.len().min(32)).unwrap_or_default()));
    if matches!(first, b"wifi" | b"ap")
        && let (Some(name), Some(password)) = (words.next(), words.next())
    {
        told.text("ssid", name);
        told.text("password", password);
    }
    told
}

/// Frames of the app: 0x56 is the state of the flight, with height in decimetres, and at 17 bits: 0 in the air, 1 on the
/// ground.
fn binary(command: u16, payload: &[u8], bytes: &[u8]) -> Told {
    let mut told = Told::new(NAME, "frame", bytes);
    told.number("cmd_id", command);
    if command == 0x56
        && let Some((height, bits)) = payload.first_chunk::<2>().zip(payload.get(17))
    {
        told.float("height_m", f64::from(i16::from_le_bytes(*height)) / 10.0);
        if bits & 3 != 0 {
            told.flying(bits & 1 != 0);
        }
    }
    told
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::{Endpoint, Message, Value};
    use proptest::prelude::*;

    fn flow(client: u16, server: u16) -> Flow {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().unwrap(), port };
        Flow {
            transport: Transport::Udp,
            client: end("192.168.10.2", client),
            server: end("192.168.10.1", server),
            ..crate::fixture::flow()
        }
    }

    fn talk(flow: &Flow, said: &[(Side, &[u8], i64)]) -> Vec<Message> {
        let (mut talk, mut told) = (Talk::default(), Vec::new());
        for (from, bytes, ms) in said {
            let at = At { packet: 1, time: Timestamp::from_nanos(ms * 1_000_000) };
            talk.feed(flow, *from, bytes, at, &Limits::default(), &mut |one| told.push(one));
        }
        told
    }

    fn state(seconds: i64, height: i64) -> String {
        format!(
            "pitch:0;roll:0;yaw:-1;vgx:0;vgy:0;vgz:0;templ:59;temph:62;tof:10;h:{height};bat:80;baro:12.34;time:{seconds};agx:1.00;agy:2.00;agz:-999.00;\r\n"
        )
    }

    fn app(command: u16, payload: &[u8]) -> Vec<u8> {
        let [low, high] = u16::try_from((payload.len() + 11) << 3).unwrap().to_le_bytes();
        let mut frame = vec![0xcc, low, high, crc8(&[0xcc, low, high]), 0x88];
        frame.extend(command.to_le_bytes());
        frame.extend([1, 0]);
        frame.extend(payload);
        let sum = crc16(&frame);
        frame.extend(sum.to_le_bytes());
        frame
    }

    #[test]
    fn commands_answers_and_networks_are_told() {
        let flow = flow(40_000, COMMANDS);
        assert_eq!(Tello.probe(&flow, Side::Client, b"command"), Probe::Yes);
        for (bytes, probe) in [
            (&b"\0\x01\x02"[..], Probe::No),
            (b"rc 0 0 20 0", Probe::Yes),
            (b"battery?", Probe::Yes),
            (b"ok\r\n", Probe::Yes),
            (b"OPTIONS sip:u@h SIP/2.0\r\n", Probe::No),
            (b"gossip of somebody", Probe::No),
        ] {
            assert_eq!(Tello.probe(&flow, Side::Client, bytes), probe, "{bytes:?}");
        }
        let told = talk(
            &flow,
            &[
                (Side::Client, b"sn?", 0),
                (Side::Server, b"0TQDG2KEDB1234\r\n", 1),
                (Side::Client, b"wifi hangar s3cret-words", 2),
            ],
        );
        assert_eq!(told.iter().map(|one| one.kind).collect::<Vec<_>>(), ["command", "answer", "command"]);
        let all = |name| told.iter().filter_map(|one| one.text(name)).collect::<Vec<_>>();
        assert_eq!(all("serial"), ["0TQDG2KEDB1234"]);
        assert_eq!((all("ssid"), all("password")), (vec!["hangar"], vec!["s3cret-words"]));
        assert_eq!(all("vehicle"), ["192.168.10.1"; 3]);
    }

    #[test]
    fn motors_run_while_their_time_grows() {
        let said: Vec<String> = [(0, 0), (0, 0), (1, 0), (2, 80), (2, 80), (2, 0)]
            .map(|(seconds, height)| state(seconds, height))
            .to_vec();
        let times = [0, 3000, 4000, 5000, 5100, 9000];
        let said: Vec<_> =
            said.iter().zip(times).map(|(text, ms)| (Side::Server, text.as_bytes(), ms)).collect();
        let told = talk(&flow(8890, COMMANDS), &said);
        let flying: Vec<_> = told.iter().map(|one| one.field("flying").cloned()).collect();
        let [yes, no] = [true, false].map(|flag| Some(Value::Flag(flag)));
        assert_eq!(flying, [None, no.clone(), yes.clone(), yes, None, no]);
        assert_eq!(told.last().unwrap().field("height_m"), Some(&Value::Float(0.0)));
    }

    #[test]
    fn what_was_overtaken_is_no_flight_and_of_equal_ports_who_began_is_the_pilot() {
        let said = [12, 11, 12].map(|seconds| state(seconds, 0));
        let said: Vec<_> = said.iter().map(|text| (Side::Server, text.as_bytes(), 0)).collect();
        let told = talk(&flow(8890, COMMANDS), &said);
        assert!(told.iter().all(|one| one.field("flying").is_none()));
        let told = talk(
            &flow(COMMANDS, COMMANDS),
            &[(Side::Client, b"sn?", 0), (Side::Server, b"0TQDG2KEDB1234", 1)],
        );
        assert_eq!(told.iter().map(|one| one.kind).collect::<Vec<_>>(), ["command", "answer"]);
        assert_eq!(told[1].text("serial"), Some("0TQDG2KEDB1234"));
        assert!(told.iter().all(|one| one.text("vehicle") == Some("192.168.10.1")));
    }

    proptest! {
        #[test]
        fn frames_of_the_app_are_read(height: i16, bits: u8, command: u16, payload in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut status = height.to_le_bytes().to_vec();
            status.resize(17, 0);
            status.push(bits);
            let told = talk(&flow(8889, 8889), &[(Side::Server, &app(0x56, &status), 0)]);
            let height = Some(Value::Float(f64::from(height) / 10.0));
            prop_assert_eq!(told[0].field("height_m"), height.as_ref());
            let flying = (bits & 3 != 0).then_some(Value::Flag(bits & 1 != 0));
            prop_assert_eq!(told[0].field("flying"), flying.as_ref());
            let number = Some(Value::Integer(command.into()));
            let told = talk(&flow(8889, 8889), &[(Side::Server, &app(command, &payload), 0)]);
            prop_assert_eq!(told[0].field("cmd_id"), number.as_ref());
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, text in "[ -~]{0,80}") {
            let flow = flow(8889, 8889);
            talk(&flow, &[(Side::Client, &bytes, 0), (Side::Server, text.as_bytes(), 1), (Side::Client, text.as_bytes(), 2)]);
            Tello.probe(&flow, Side::Client, &bytes);
        }
    }
}
