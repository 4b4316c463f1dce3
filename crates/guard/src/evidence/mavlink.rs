//! MAVLink as evidence: what a frame says of flight (common.xml; frames are read by `creance_wire`).
//!
//! Heartbeats of ground stations, cameras and gimbals are no aircraft's. An aircraft is told by address and number; whether
//! it is itself that says that it landed, its signature tells where there is one (`signing`). Everybody else is a stranger
//! and can at most raise.

use std::{io, net::IpAddr, path::Path, time::Duration};

use creance_wire::mavlink::{Frame, parse_frame};

use super::{Heard, Source, kept::Kept, rows::Rows, signing::Signing, stranger};
use crate::{Aircraft, Datagram, state::Facts};

const HEARTBEAT: u32 = 0;
const GLOBAL_POSITION_INT: u32 = 33;
const EXTENDED_SYS_STATE: u32 = 245;

/// The component that is an autopilot (`MAV_COMP_ID_AUTOPILOT1`).
const AUTOPILOT: u8 = 1;
/// `MAV_AUTOPILOT_INVALID`: no autopilot.
const NO_AUTOPILOT: u8 = 8;
/// Kinds of `MAV_TYPE` that do not fly: antenna tracker, ground station, companion, gimbal, ADS-B, camera, Remote ID.
const NO_AIRCRAFT: [u8; 7] = [5, 6, 18, 26, 27, 30, 34];
/// `MAV_MODE_FLAG_SAFETY_ARMED`.
const ARMED: u8 = 0x80;
/// `MAV_STATE_STANDBY`: on the ground, ready.
const STANDBY: u8 = 3;

/// The aircraft of the configuration, and what is known of their signatures.
#[derive(Debug)]
pub(crate) struct Fleet {
    bound: Vec<(Aircraft, Signing)>,
    kept: Kept,
    /// The number of the last copy of what is to be known after a restart.
    copied: u64,
}

impl Fleet {
    /// Reads the keys that the configuration names, and what is known of signatures before the start, from the folder of the state.
    pub(crate) fn new(aircraft: &[Aircraft], state: &Path, start: Duration) -> io::Result<Self> {
        let (kept, before) = Kept::open(state)?;
        let with_key = |one: &Aircraft| {
            let memory = before.as_ref().map(|all| all.get(&one.name).cloned().unwrap_or_default());
            let signing = Signing::new(one.signing_key.as_deref())?.remembering(memory, start);
            Ok((one.clone(), signing))
        };
        Ok(Self { bound: aircraft.iter().map(with_key).collect::<io::Result<_>>()?, kept, copied: 0 })
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.bound.len()
    }

    /// What people call one.
    pub(crate) fn name(&self, at: usize) -> Option<&str> {
        self.bound.get(at).map(|(one, _)| one.name.as_str())
    }

    /// Each as a source.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.bound.iter().map(|(one, signing)| Source { name: one.name.clone(), kind: signing.kind() })
    }

    /// What a datagram says.
    pub(crate) fn heard(&mut self, datagram: &Datagram, rows: &mut Rows) -> Vec<Heard> {
        if self.kept.done() >= self.copied {
            self.bound.iter_mut().for_each(|(_, signing)| signing.is_written());
        }
        let mut all = Vec::new();
        let mut rest = datagram.payload.as_slice();
        while let Some((frame, length)) = parse_frame(rest) {
            let bytes = rest.get(..length).unwrap_or_default();
            all.extend(self.frame(&frame, bytes, datagram.from, datagram.seen, rows));
            rest = rest.get(length..).unwrap_or_default();
        }
        if self.bound.iter_mut().fold(false, |any, (_, signing)| signing.changed() || any) {
            let all = self.bound.iter().map(|(one, signing)| (one.name.clone(), signing.memory()));
            self.copied = self.kept.keep(all.collect());
        }
        all
    }

    fn frame(
        &mut self,
        frame: &Frame,
        bytes: &[u8],
        from: IpAddr,
        seen: Duration,
        rows: &mut Rows,
    ) -> Option<Heard> {
        let place = self.bound.iter().position(|(one, _)| (one.address, one.system) == (from, frame.system));
        let bound = place.and_then(|at| self.bound.get_mut(at));
        // That it signs is known from any frame of it.
        let signed = bound.map(|(one, signing)| (one, signing.take(frame, bytes, seen)));
        let facts = facts(frame)?;
        let of =
            |name: &str| format!("{name} (system {} at {from}, message {})", frame.system, frame.message);
        let (place, who) = match signed {
            Some((one, Ok(kind))) => {
                rows.put(&Source { name: one.name.clone(), kind }, facts.in_words());
                (place, of(&one.name))
            }
            Some((one, Err(why))) => {
                rows.refuse(&one.name);
                let name = format!("somebody who says to be {}, {why}", one.name);
                rows.put(&Source { name: name.clone(), kind: "mavlink" }, facts.in_words());
                (None, of(&name))
            }
            None => {
                let name = format!("{}, system {}", stranger(from), frame.system);
                rows.put(&Source { name, kind: "mavlink" }, facts.in_words());
                (None, of("a stranger"))
            }
        };
        Some(Heard { place, facts, who, seen })
    }
}

fn facts(frame: &Frame) -> Option<Facts> {
    let byte = |at: usize| frame.payload.get(at).copied();
    let two = |at: usize| {
        let bytes = frame.payload.get(at..)?.first_chunk()?;
        Some(f64::from(i16::from_le_bytes(*bytes)) / 100.0)
    };
    if frame.component != AUTOPILOT {
        return None;
    }
    match frame.message {
        HEARTBEAT => {
            let (kind, autopilot, mode, status) = (byte(4)?, byte(5)?, byte(6)?, byte(7)?);
            if autopilot == NO_AUTOPILOT || NO_AIRCRAFT.contains(&kind) {
                return None;
            }
            let armed = mode & ARMED != 0;
            // Many autopilots never send EXTENDED_SYS_STATE; to stand by is to be on the ground. The converse says nothing.
            let landed = (status == STANDBY && !armed).then_some(true);
            Some(Facts { armed: Some(armed), landed, ..Facts::default() })
        }
        EXTENDED_SYS_STATE => match byte(1)? {
            1 => Some(Facts { landed: Some(true), ..Facts::default() }),
            // In the air, taking off, landing.
            2..=4 => Some(Facts { landed: Some(false), ..Facts::default() }),
            _ => None,
        },
        GLOBAL_POSITION_INT => {
            let height = i32::from_le_bytes(*frame.payload.get(16..)?.first_chunk()?);
            let (north, east, down) = (two(20)?, two(22)?, two(24)?);
            Some(Facts {
                speed: Some(north.hypot(east)),
                climb: Some(-down),
                height: Some(f64::from(height) / 1000.0),
                ..Facts::default()
            })
        }
        _ => None,
    }
}

/// Frames as an aircraft sends them, for the test of itself: a heartbeat and, where it stands, its position.
pub fn telemetry(system: u8, armed: bool) -> Vec<u8> {
    let (mode, status) = if armed { (ARMED | 0x51, 4) } else { (0x51, STANDBY) };
    let beat = framed(system, HEARTBEAT, 50, &[0, 0, 0, 0, 2, 3, mode, status, 3]);
    [beat, framed(system, GLOBAL_POSITION_INT, 104, &[0; 28])].concat()
}

/// A frame of MAVLink 1. Its checksum is CRC-16/MCRF4XX, here by the bit.
fn framed(system: u8, message: u32, extra: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame =
        vec![0xfe, payload.len().to_le_bytes()[0], 0, system, AUTOPILOT, message.to_le_bytes()[0]];
    frame.extend(payload);
    frame.extend(sum(frame.iter().skip(1).chain([&extra])).to_le_bytes());
    frame
}

pub(super) fn sum<'a>(bytes: impl Iterator<Item = &'a u8>) -> u16 {
    bytes.fold(0xffff, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x8408 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Vec<Aircraft> {
        let address = "10.0.0.1".parse().unwrap();
        vec![Aircraft { name: "skylark".to_owned(), system: 1, address, signing_key: None }]
    }

    fn datagram(payload: &[u8], from: &str) -> Datagram {
        Datagram { from: from.parse().unwrap(), payload: payload.to_vec(), seen: Duration::from_secs(9) }
    }

    fn fleet(folder: &Path) -> Fleet {
        Fleet::new(&bound(), folder, Duration::ZERO).unwrap()
    }

    fn told(payload: &[u8], from: &str) -> Vec<Heard> {
        let folder = tempfile::tempdir().unwrap();
        fleet(folder.path()).heard(&datagram(payload, from), &mut Rows::default())
    }

    /// A heartbeat of MAVLink 2 that stands by, with a signature; by which key is not known.
    fn signed() -> Vec<u8> {
        let mut signed = vec![0xfd, 9, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0x51, STANDBY, 3];
        signed.extend(sum(signed.iter().skip(1).chain([&50])).to_le_bytes());
        signed.extend([7; 13]);
        signed
    }

    #[test]
    fn a_restart_remembers_who_signs() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = fleet(folder.path());
        let rows = &mut Rows::default();
        assert_eq!(first.heard(&datagram(&signed(), "10.0.0.1"), rows)[0].place, Some(0));
        let began = std::time::Instant::now();
        while first.kept.done() < first.copied {
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is written");
        }
        drop(first);
        let mut second = fleet(folder.path());
        let unsigned = datagram(&telemetry(1, false), "10.0.0.1");
        assert_eq!(second.heard(&unsigned, rows)[0].place, None);
        std::fs::write(folder.path().join(super::super::kept::FILE), "{").unwrap();
        assert_eq!(fleet(folder.path()).heard(&unsigned, rows)[0].place, None);
        std::fs::remove_file(folder.path().join(super::super::kept::FILE)).unwrap();
        assert_eq!(fleet(folder.path()).heard(&unsigned, rows)[0].place, Some(0));
    }

    #[test]
    fn an_aircraft_is_told_from_a_stranger_by_address_and_number() {
        let own = told(&telemetry(1, false), "10.0.0.1");
        assert_eq!(own.len(), 2);
        assert_eq!(own[0].place, Some(0));
        assert_eq!(own[0].facts, Facts { armed: Some(false), landed: Some(true), ..Facts::default() });
        let still = Facts { speed: Some(0.0), climb: Some(0.0), height: Some(0.0), ..Facts::default() };
        assert_eq!(own[1].facts.speed.map(f64::abs), still.speed);
        for strange in [told(&telemetry(2, true), "10.0.0.1"), told(&telemetry(1, true), "10.0.0.2")] {
            assert_eq!((strange[0].place, strange[0].facts.armed), (None, Some(true)));
        }
    }

    #[test]
    fn without_its_signature_an_aircraft_that_signs_only_raises() {
        let folder = tempfile::tempdir().unwrap();
        let mut fleet = fleet(folder.path());
        let mut rows = Rows::new(fleet.sources().map(|source| (source, true)));
        let mut told = |payload: &[u8]| fleet.heard(&datagram(payload, "10.0.0.1"), &mut rows).remove(0);
        assert_eq!(told(&telemetry(1, false)).place, Some(0));
        assert_eq!(told(&signed()).place, Some(0));
        let forged = told(&telemetry(1, false));
        assert_eq!((forged.place, forged.facts.armed), (None, Some(false)));
        assert!(
            forged.who.starts_with("somebody who says to be skylark, which signs, without"),
            "{}",
            forged.who
        );
        let forged = told(&telemetry(1, true));
        assert_eq!((forged.place, forged.facts.armed), (None, Some(true)));
        let rows = rows.status();
        assert_eq!(rows[0]["name"], "skylark");
        assert_eq!(rows[0]["kind"], "mavlink, signed, by which key is not known");
    }

    #[test]
    fn ground_stations_and_gimbals_are_no_aircraft() {
        let station = framed(255, HEARTBEAT, 50, &[0, 0, 0, 0, 6, 8, 0x80, 4, 3]);
        let gimbal = framed(1, HEARTBEAT, 50, &[0, 0, 0, 0, 26, 3, 0x80, 4, 3]);
        assert_eq!(told(&[station, gimbal].concat(), "10.0.0.1"), []);
    }

    #[test]
    fn where_it_is_landed_or_not_is_read_and_undefined_is_nothing() {
        let state = |landed| told(&framed(1, EXTENDED_SYS_STATE, 130, &[0, landed]), "10.0.0.1");
        assert_eq!(state(1)[0].facts.landed, Some(true));
        for flying in 2..=4 {
            assert_eq!(state(flying)[0].facts.landed, Some(false));
        }
        assert_eq!(state(0), []);
    }

    #[test]
    fn speeds_and_heights_are_in_metres() {
        let mut payload = [0; 28];
        payload[16..20].copy_from_slice(&12_000_i32.to_le_bytes());
        payload[20..22].copy_from_slice(&300_i16.to_le_bytes());
        payload[22..24].copy_from_slice(&(-400_i16).to_le_bytes());
        payload[24..26].copy_from_slice(&(-100_i16).to_le_bytes());
        let facts = told(&framed(1, GLOBAL_POSITION_INT, 104, &payload), "10.0.0.1")[0].facts;
        assert_eq!((facts.height, facts.speed, facts.climb), (Some(12.0), Some(5.0), Some(1.0)));
    }

    #[test]
    fn damage_ends_it() {
        let mut frames = telemetry(1, true);
        frames.truncate(20);
        assert_eq!(told(&frames, "10.0.0.1").len(), 1);
        frames[10] ^= 1;
        assert_eq!(told(&frames, "10.0.0.1"), []);
    }
}
