//! Frames made here, and recorded ones.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::evidence::telemetry;

const SEEN: Duration = Duration::from_hours(500_000);
const SERIAL: &str = "1581F5BKD225D00BP891";

fn take(overheard: &mut Overheard, link: LinkType, frame: &[u8]) -> Vec<Found> {
    overheard.take(link, frame, SEEN)
}

/// Of each word whether it is a sign of flight for a stranger, and what it says.
fn words(found: &[Found]) -> Vec<(Option<bool>, &str)> {
    let word = |one| match one {
        &Found::Word { facts, ref says, seen, .. } => {
            assert_eq!(seen, SEEN);
            Some((facts.armed, says.as_str()))
        }
        Found::Telemetry(_) => None,
    };
    found.iter().filter_map(word).collect()
}

/// A beacon behind a header of the radio.
fn beacon(elements: &[u8]) -> Vec<u8> {
    let head =
        [&[0, 0, 8, 0, 0, 0, 0, 0][..], &[0x80, 0, 0, 0], &[0xff; 6], &[2; 6], &[3; 6], &[0, 0], &[0; 12]];
    [&head.concat(), elements].concat()
}

fn vendor(value: &[u8]) -> Vec<u8> {
    [&[0xdd, u8::try_from(value.len()).unwrap()], value].concat()
}

/// A pack of Open Drone ID with a serial, if there is one, and a status.
fn remote_id(serial: Option<&str>, status: u8) -> Vec<u8> {
    let mut messages = Vec::new();
    if let Some(serial) = serial {
        let mut basic = vec![0x02, 0x12];
        basic.extend(serial.bytes());
        basic.resize(25, 0);
        messages.push(basic);
    }
    let mut location = vec![0x12, status << 4, 181, 255, 126];
    location.resize(25, 0);
    messages.push(location);
    let count = u8::try_from(messages.len()).unwrap();
    beacon(&vendor(&[&[0xfa, 0x0b, 0xbc, 0x0d, 7, 0xf2, 25, count][..], &messages.concat()].concat()))
}

fn droneid(state: u16) -> Vec<u8> {
    let mut record = vec![0x26, 0x37, 0x12, 0x58, 0x62, 0x13, 0x10, 2, 0, 0];
    record.extend(state.to_le_bytes());
    record.extend(SERIAL.bytes().take(16));
    record.resize(92, 0);
    beacon(&vendor(&record))
}

fn ip(protocol: u8, from: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 20).unwrap();
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, 99]);
    [frame, payload.to_vec()].concat()
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap();
    let head = [from.to_be_bytes(), to.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    ip(17, 1, &[head, payload.to_vec()].concat())
}

/// A connection that begins, and then says this, in pieces.
fn tcp(port: u16, bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let segment = |sequence: u32, flags: u8, payload: &[u8]| {
        let mut head = [40_000_u16.to_be_bytes(), port.to_be_bytes()].concat();
        head.extend(sequence.to_be_bytes());
        head.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        ip(6, 1, &[head, payload.to_vec()].concat())
    };
    let mut frames = vec![segment(0, 2, &[])];
    for (piece, at) in bytes.chunks(size).zip((0..).step_by(size)) {
        frames.push(segment(at + 1, 0x18, piece));
    }
    frames
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut packet = vec![kind];
    if length > 127 {
        packet.push(u8::try_from(length % 128).unwrap() | 0x80);
        packet.extend([
            u8::try_from(length / 128 % 128).unwrap() | 0x80,
            u8::try_from(length / 16_384).unwrap(),
        ]);
    } else {
        packet.push(u8::try_from(length).unwrap());
    }
    [packet, body.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

fn mqtt(publish: &[&str]) -> Vec<u8> {
    let connect = [text("MQTT"), vec![4, 2, 0, 60], text("pilot")].concat();
    let topic = format!("thing/product/{SERIAL}/osd");
    let publish =
        publish.iter().flat_map(|data| packet(0x30, &[text(&topic), data.as_bytes().to_vec()].concat()));
    packet(0x10, &connect).into_iter().chain(publish).collect()
}

fn osd(mode: u8) -> String {
    format!(r#"{{"gateway":"g","data":{{"mode_code":{mode},"elevation":0.1,"attitude_head":1}}}}"#)
}

#[test]
fn broadcasts_of_flight_are_signs() {
    let mut overheard = Overheard::new(Vec::new());
    let radiotap = LinkType::IEEE802_11_RADIOTAP;
    for (status, sign, says) in [
        (2, Some(true), "flies, or is about to (status airborne)"),
        (3, Some(true), "flies, or is about to (status emergency)"),
        (4, Some(true), "flies, or is about to (status system failure)"),
        (1, None, "status ground"),
        (0, None, "status undeclared"),
    ] {
        let found = take(&mut overheard, radiotap, &remote_id(Some(SERIAL), status));
        assert_eq!(words(&found), [(sign, says)]);
        let Found::Word { source, .. } = &found[0] else { panic!("{found:?}") };
        assert_eq!(source.kind, "remote-id");
        assert!(!source.name.contains(SERIAL) && source.name.contains('…'), "{}", source.name);
    }
    for (state, sign) in [(0x13, Some(true)), (0x23, Some(true)), (0x03, Some(false)), (0, None)] {
        let found = take(&mut overheard, radiotap, &droneid(state));
        assert_eq!(
            words(&found).first().map(|(sign, _)| *sign),
            Some(sign).filter(Option::is_some),
            "{state:x}"
        );
    }
}

#[test]
fn another_one_that_says_so_is_passed_over_and_one_without_a_name_is_not() {
    let mut overheard = Overheard::new(vec![SERIAL.to_owned()]);
    let mut count = |frame: &[u8]| take(&mut overheard, LinkType::IEEE802_11_RADIOTAP, frame).len();
    assert_eq!(count(&remote_id(Some(SERIAL), 2)), 1);
    assert_eq!(count(&remote_id(Some("1581F000000000000000"), 2)), 0);
    assert_eq!(count(&remote_id(None, 2)), 1);
    // Its serial is cut to 16 characters, as that field is.
    assert_eq!(count(&droneid(0x33)), 0);
}

/// A machine that does not know the time is told it once it is open.
#[test]
fn a_clock_that_is_set_ends_no_connection() {
    let day = Duration::from_hours(24);
    for seen in [SEEN + 365 * day, Duration::from_secs(9)] {
        let mut overheard = Overheard::new(Vec::new());
        let stream = mqtt(&[&osd(4)]);
        let frames = tcp(1883, &stream, stream.len() / 2);
        let (before, after) = frames.split_at(2);
        for frame in before {
            assert_eq!(take(&mut overheard, LinkType::ETHERNET, frame), []);
        }
        let found: Vec<_> =
            after.iter().flat_map(|frame| overheard.take(LinkType::ETHERNET, frame, seen)).collect();
        let [Found::Word { facts, seen: at, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((facts.armed, *at), (Some(true), seen));
    }
}

#[test]
fn the_cloud_is_told_the_mode() {
    for (mode, sign) in [(0, Some(false)), (1, Some(true)), (4, Some(true)), (14, None), (17, Some(true))] {
        for size in [1, 7, 1400] {
            let mut overheard = Overheard::new(Vec::new());
            let frames = tcp(1883, &mqtt(&[&osd(mode)]), size);
            let found: Vec<_> =
                frames.iter().flat_map(|frame| take(&mut overheard, LinkType::ETHERNET, frame)).collect();
            assert_eq!(words(&found).iter().map(|(sign, _)| *sign).collect::<Vec<_>>(), [sign], "{mode}");
            let Found::Word { source, .. } = &found[0] else { panic!("{found:?}") };
            assert_eq!(source.kind, "cloud API, mqtt");
            assert!(
                source.name.ends_with(" at 10.0.0.1") && !source.name.contains(SERIAL),
                "{}",
                source.name
            );
        }
    }
}

#[test]
fn what_never_ends_is_given_up_and_what_is_encrypted_says_nothing() {
    let mut overheard = Overheard::new(Vec::new());
    let endless = format!("{}{}", osd(4), " ".repeat(WAITS + 4000));
    let mut found = Vec::new();
    for frame in tcp(1883, &mqtt(&[&endless, &osd(4)]), 1400) {
        found.extend(take(&mut overheard, LinkType::ETHERNET, &frame));
    }
    assert_eq!(found, []);
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[9; 400]].concat();
    for frame in tcp(1883, &hello, 100) {
        assert_eq!(take(&mut overheard, LinkType::ETHERNET, &frame), []);
    }
}

#[test]
fn telemetry_of_a_stream_is_handed_over_frame_by_frame() {
    let stream = [&telemetry(1, false)[..], &[0xfe, 9, 0, 0xfd], &telemetry(1, true)].concat();
    for size in 1..80 {
        let mut overheard = Overheard::new(Vec::new());
        let frames = tcp(5760, &stream, size);
        let found = frames.iter().flat_map(|frame| take(&mut overheard, LinkType::ETHERNET, frame));
        let payload = |one| match one {
            Found::Telemetry(Datagram { from, payload, seen }) => {
                assert_eq!((from.to_string().as_str(), seen), ("10.0.0.1", SEEN));
                payload
            }
            Found::Word { .. } => panic!("{one:?}"),
        };
        let all = found.map(payload).collect::<Vec<_>>().concat();
        assert_eq!(all, [telemetry(1, false), telemetry(1, true)].concat(), "{size}");
    }
}

/// CRC-8 and CRC-16 of DUML, by the bit.
fn duml(set: u8, command: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 13).unwrap();
    let [low, high] = (length | 1 << 10).to_le_bytes();
    let mut frame = vec![0x55, low, high];
    frame.push(frame.iter().fold(0x77_u8, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x8c } else { sum >> 1 })
    }));
    frame.extend([3, 2, 1, 0, 0, set, command]);
    frame.extend(payload);
    let sum = frame.iter().fold(0x3692_u16, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x8408 } else { sum >> 1 })
    });
    frame.extend(sum.to_le_bytes());
    frame
}

fn general(state: u32) -> Vec<u8> {
    let mut payload = vec![0; 32];
    payload.extend(state.to_le_bytes());
    duml(3, 0x43, &payload)
}

#[test]
fn datagrams_of_links_are_signs_and_none_hides_the_next() {
    let arsdk = |state: u32| {
        let mut frame = vec![2, 127, 0, 15, 0, 0, 0, 1, 4, 1, 0];
        frame.extend(state.to_le_bytes());
        frame
    };
    let tello = |time: u32| {
        format!("pitch:0;roll:0;yaw:0;vgx:0;vgy:0;vgz:0;templ:60;temph:62;tof:10;h:0;bat:90;baro:1.0;time:{time};\r\n")
            .into_bytes()
    };
    let mut overheard = Overheard::new(Vec::new());
    let mut sign = |from: u16, to: u16, payload: &[u8]| -> Option<Option<bool>> {
        let found = take(&mut overheard, LinkType::ETHERNET, &udp(from, to, payload));
        words(&found).first().map(|(sign, _)| *sign)
    };
    assert_eq!(sign(54_321, 43_210, &arsdk(3)), Some(Some(true)));
    assert_eq!(sign(54_321, 43_210, &arsdk(7)), Some(Some(true)));
    assert_eq!(sign(54_321, 43_210, &arsdk(0)), Some(Some(false)));
    assert_eq!(sign(8890, 8890, &tello(4)), None);
    assert_eq!(sign(8890, 8890, &tello(5)), Some(Some(true)));
    assert_eq!(sign(50_000, 8889, b"takeoff"), Some(Some(true)));
    assert_eq!(sign(50_000, 8889, b"battery?"), None);
    assert_eq!(sign(9003, 12_346, &general(0x02)), Some(Some(false)));
    // What somebody forges into the same conversation does not keep the next from being read.
    for forged in [&b"command"[..], &arsdk(0), b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"] {
        sign(9003, 12_346, forged);
        let enveloped = [&[0x30, 0x80, 1, 2, 3, 4, 1, 0][..], &general(0x0c)].concat();
        assert_eq!(sign(9003, 12_346, &enveloped), Some(Some(true)));
    }
}

/// Captures of others, which only lie beside this tree where it was made.
#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn recorded_broadcasts_are_signs() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/captures"));
    for (name, kind, sign) in [
        ("odid-dji-air3.pcapng", "remote-id", Some(true)),
        ("odid-mavic-multiple-spoofed.pcapng", "droneid", Some(true)),
        ("odid-wifi-nan.pcap", "remote-id", None),
    ] {
        let path = folder.join(name);
        if !path.exists() {
            eprintln!("skipped: no {name} beside this tree");
            continue;
        }
        let mut overheard = Overheard::new(Vec::new());
        let mut seen = Vec::new();
        let each = |packet: &Packet<'_>| seen.extend(overheard.take(packet.link, packet.data, SEEN));
        creance_capture::read_bytes(&std::fs::read(&path).unwrap(), each).unwrap();
        let of = |one: &Found| match one {
            Found::Word { source, facts, says, .. } => Some((source.kind, facts.armed, says.clone())),
            Found::Telemetry(_) => None,
        };
        let all: Vec<_> = seen.iter().filter_map(of).collect();
        assert!(all.iter().any(|(of, said, _)| *of == kind && *said == sign), "{name}: {all:?}");
    }
}

proptest! {
    #[test]
    fn no_frame_is_too_odd(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0..4_u8,
        cut in 0..400_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut overheard = Overheard::new(vec![SERIAL.to_owned()]);
        let mut good = match kind {
            0 => vec![remote_id(None, 2), droneid(0x33)],
            1 => tcp(1883, &mqtt(&[&osd(4)]), 50),
            2 => vec![udp(9003, 1, &general(0x0c)), udp(8889, 8889, &bytes)],
            _ => tcp(5760, &telemetry(1, true), 11),
        };
        for frame in &mut good {
            for (at, byte) in &flips {
                let at = at.index(frame.len());
                frame[at] = *byte;
            }
            frame.truncate(cut);
            take(&mut overheard, LinkType::ETHERNET, frame);
            take(&mut overheard, LinkType::IEEE802_11_RADIOTAP, frame);
        }
        take(&mut overheard, LinkType::ETHERNET, &bytes);
        bytes.splice(0..0, [0, 0, 8, 0, 0, 0, 0, 0, 0x80]);
        take(&mut overheard, LinkType::IEEE802_11_RADIOTAP, &bytes);
    }

    /// However a stream is cut into pieces and whatever lies between, whole frames come out of it and little is kept.
    #[test]
    fn frames_are_found_in_any_pieces(noise in prop::collection::vec(any::<u8>(), 0..60), size in 1..50_usize) {
        let stream = [&noise[..], &telemetry(1, true), &noise, &telemetry(1, false), &noise].concat();
        let (mut tail, mut all) = (Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            tail.extend_from_slice(piece);
            let gone = frames(&tail, &mut |frame| all.push(frame.to_vec()));
            tail.drain(..gone);
            prop_assert!(tail.len() <= FRAME);
        }
        let all = all.concat();
        let wanted = [telemetry(1, true), telemetry(1, false)];
        prop_assert!(wanted.iter().all(|frame| all.windows(frame.len()).any(|window| window == frame)));
    }
}
