//! What aircraft say of themselves in management frames of 802.11: Open Drone ID, `DroneID`, the French identification.
//!
//! ```text
//! beacon, probe response   header (24) │ time (8) interval (2) capabilities (2) │ (id │ length │ value)*
//!   id dd: maker (3) │ fa:0b:bc 0d count: Open Drone ID; 26:37:12: DroneID; 6a:5c:35 01: French
//!   id 07: country (2) environment (1) │ channels            what the radio is set to (IEEE 802.11-2020 §9.4.2.8)
//! action                   header (24) │ 04 09 50:6f:9a 13 │ (attribute │ length (2) │ value)*      Wi-Fi Aware (NAN)
//!   attribute 03: service (6) │ instance (2) control │ (…) │ length │ count, Open Drone ID
//! ```
//!
//! Frames of stations that fly nothing are passed over. Left out: elements in fragments (id 242).

use creance_model::{Field, Flow, Message, Side, Transport, Value};

use crate::{
    At, Emit, Limits, Means, Probe, Progress, Protocol, Session, links::aircraft::Told, links::droneid,
    links::french_id, links::remote_id,
};

/// Wi-Fi's management frames.
pub(crate) struct Wifi;

impl Protocol for Wifi {
    fn name(&self) -> &'static str {
        "802.11"
    }

    fn probe(&self, flow: &Flow, _: Side, _: &[u8]) -> Probe {
        if flow.transport == Transport::Wifi { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Air { name: "802.11", read: told, readable: 0 })
    }
}

/// What a transmitter says, frame by frame.
pub(crate) struct Air {
    /// The name of what is read: the radio's until an aircraft spoke.
    pub(crate) name: &'static str,
    /// What a frame says of aircraft.
    pub(crate) read: fn(&[u8]) -> Vec<Told>,
    pub(crate) readable: u64,
}

impl Session for Air {
    fn feed(
        &mut self,
        flow: &Flow,
        from: Side,
        bytes: &[u8],
        at: At,
        _: &Limits,
        emit: Emit<'_>,
    ) -> Progress {
        let all = (self.read)(bytes);
        if let Some(told) = all.first() {
            self.name = told.protocol;
            self.readable += bytes.len() as u64;
        }
        // One transmitter is one aircraft, whatever it says of itself in which frame; without an address, who it is must
        // stand in what it says.
        let transmitter = flow.client_mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
        let serial = all.iter().flat_map(|told| &told.fields).find(|field| field.name == "serial");
        let vehicle = transmitter.map(Value::Text).or_else(|| serial.map(|field| field.value.clone()));
        for mut told in all {
            told.fields.extend(vehicle.clone().map(|value| Field { name: "vehicle", value }));
            let message: Message = told.message(from, (at.time, vec![at.packet]), bytes.len(), true);
            emit(message);
        }
        Progress::More
    }

    fn gap(&mut self, _: &Flow, _: Side, _: u64, _: At, _: &Limits, _: Emit<'_>) -> Progress {
        Progress::More
    }

    fn finish(&mut self, _: &Flow, _: &Limits, _: Emit<'_>) {}

    fn readable(&self) -> [u64; 2] {
        [self.readable, 0]
    }

    fn protocol(&self) -> &'static str {
        self.name
    }
}

/// What a frame says of aircraft.
fn told(frame: &[u8]) -> Vec<Told> {
    let Some([control, flags]) = frame.first_chunk::<2>() else { return Vec::new() };
    // HT control stands behind the header where the last flag says so.
    let header = if flags & 0x80 != 0 { 28 } else { 24 };
    let body = frame.get(header..).unwrap_or_default();
    match control >> 4 {
        5 | 8 => beacon(body.get(12..).unwrap_or_default()),
        13 | 14 => aware(body),
        _ => Vec::new(),
    }
}

fn beacon(elements: &[u8]) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    let (mut name, mut country) = (None, None);
    let mut rest = elements;
    while let [id, length, behind @ ..] = rest {
        // The last element of a frame that was cut is read as far as it goes.
        let value = behind.get(..usize::from(*length)).unwrap_or(behind);
        rest = behind.get(value.len()..).unwrap_or_default();
        match (id, value) {
            (0, [_, ..]) => name = Some(value),
            (7, [first, second, ..]) if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                country = Some([*first, *second].map(char::from).iter().collect::<String>());
            }
            (0xdd, [0xfa, 0x0b, 0xbc, 0x0d, _, said @ ..]) => all.push(remote_id::read(said)),
            (0xdd, [0x26, 0x37, 0x12, said @ ..]) => all.push(droneid::read(said)),
            (0xdd, [0x6a, 0x5c, 0x35, 1, said @ ..]) => all.push(french_id::read(said)),
            _ => {}
        }
    }
    if let Some(told) = all.first_mut() {
        if let Some(name) = name {
            told.text("ssid", name);
        }
        if let Some(country) = country {
            told.word("wifi_country", &country);
        }
    }
    all
}

/// The service of Open Drone ID: the first bytes of SHA-256 of `org.opendroneid.remoteid`.
const SERVICE: &[u8] = &[0x88, 0x69, 0x19, 0x9d, 0x92, 0x09];

/// A vendor's public action frame of the Wi-Fi Alliance: attributes (Wi-Fi Aware 3.2 §9.5).
fn aware(body: &[u8]) -> Vec<Told> {
    let Some(mut rest) = body.strip_prefix(&[4, 9, 0x50, 0x6f, 0x9a, 0x13]) else { return Vec::new() };
    let mut all = Vec::new();
    while let [attribute, low, high, behind @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let value = behind.get(..length).unwrap_or(behind);
        rest = behind.get(value.len()..).unwrap_or_default();
        if *attribute == 3
            && let Some([_, said @ ..]) = service_info(value)
        {
            all.push(remote_id::read(said));
        }
    }
    all
}

/// What a service descriptor carries, if it is of our service: behind what its control announces.
fn service_info(value: &[u8]) -> Option<&[u8]> {
    let [_, _, control, rest @ ..] = value.strip_prefix(SERVICE)? else { return None };
    let mut rest = rest;
    if control & 0x40 != 0 {
        rest = rest.get(2..)?;
    }
    // A filter for matching and one for answers, each behind its length.
    for bit in [0x04, 0x08] {
        if control & bit != 0 {
            rest = rest.get(1 + usize::from(*rest.first()?)..)?;
        }
    }
    let (length, info) = rest.split_first().filter(|_| control & 0x10 != 0)?;
    Some(info.get(..usize::from(*length)).unwrap_or(info))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    const OPERATOR: &[u8; 25] = b"\x52\0FIN87astrdge12k8\0\0\0\0\0\0\0";

    fn frame(subtype: u8, body: &[u8]) -> Vec<u8> {
        [&[subtype << 4, 0, 0, 0][..], &[0xff; 6], &[2; 6], &[3; 6], &[0, 0], body].concat()
    }

    fn vendor(value: &[u8]) -> Vec<u8> {
        [&[0xdd, u8::try_from(value.len()).unwrap()], value].concat()
    }

    fn beacons() -> Vec<u8> {
        let open = [&[0xfa, 0x0b, 0xbc, 0x0d, 7, 0xf2, 25, 1][..], OPERATOR].concat();
        let dji = [&[0x26, 0x37, 0x12, 0x58, 0x62, 0x13, 0x11][..], b"0K1CH12345678A\0\0\0"].concat();
        let french = [&[0x6a, 0x5c, 0x35, 1, 3, 4][..], b"1588"].concat();
        let body = [
            &[0; 12][..],
            &[0, 9],
            b"sky-12345",
            &[7, 6],
            b"US \x01\x0b\x1e",
            &vendor(&[0, 0x50, 0xf2, 2]),
            &vendor(&open),
            &vendor(&dji),
            &vendor(&french),
        ];
        frame(8, &body.concat())
    }

    fn nan(control: u8, before: &[u8]) -> Vec<u8> {
        let said = [&[7, 0xf2, 25, 1][..], OPERATOR].concat();
        let service =
            [SERVICE, &[1, 0, control], before, &[u8::try_from(said.len()).unwrap()], &said].concat();
        let attribute = [&[3, u8::try_from(service.len()).unwrap(), 0][..], &service].concat();
        frame(13, &[&[4, 9, 0x50, 0x6f, 0x9a, 0x13][..], &[0x0e, 1, 0, 9], &attribute].concat())
    }

    #[test]
    fn every_element_of_a_beacon_is_told_with_its_transmitter() {
        let flow = Flow { transport: Transport::Wifi, client_mac: Some([2; 6]), ..crate::fixture::flow() };
        let mut session = Wifi.start(&Means::default());
        let mut messages = Vec::new();
        let at = At { packet: 4, time: Timestamp::default() };
        let bytes = beacons();
        session.feed(&flow, Side::Client, &bytes, at, &Limits::default(), &mut |one| messages.push(one));
        let told: Vec<_> = messages.iter().map(|one| (one.protocol, one.kind, one.text("vehicle"))).collect();
        let transmitter = Some("02:02:02:02:02:02");
        let expected = [
            ("remote-id", "pack", transmitter),
            ("droneid", "purpose", transmitter),
            ("french-id", "identification", transmitter),
        ];
        assert_eq!(told, expected);
        assert_eq!(messages[0].text("operator_id"), Some("FIN87astrdge12k8"));
        assert_eq!(messages[0].text("ssid"), Some("sky-12345"));
        assert_eq!(messages[0].text("wifi_country"), Some("US"));
        assert_eq!(messages[1].text("serial"), Some("0K1CH12345678A"));
        assert_eq!((session.readable(), session.protocol()), ([bytes.len() as u64, 0], "remote-id"));
        let nameless = Flow { client_mac: None, ..flow.clone() };
        let mut vehicles = Vec::new();
        let mut sink = |one: Message| vehicles.push(one.text("vehicle").map(str::to_owned));
        session.feed(&nameless, Side::Client, &bytes, at, &Limits::default(), &mut sink);
        session.feed(&nameless, Side::Client, &nan(0x10, &[]), at, &Limits::default(), &mut sink);
        let serial = Some("0K1CH12345678A".to_owned());
        assert_eq!(vehicles, [serial.clone(), serial.clone(), serial, None]);
        let before = session.readable();
        session.feed(&flow, Side::Client, &frame(8, &[0; 40]), at, &Limits::default(), &mut |_| panic!());
        assert_eq!(session.readable(), before);
    }

    #[test]
    fn services_are_found_behind_whatever_their_control_announces() {
        for (control, before) in [
            (0x10, &[][..]),
            (0x50, &[9, 9]),
            (0x14, &[1, 9]),
            (0x1c, &[1, 9, 2, 9, 9]),
            (0x5c, &[9, 9, 0, 0]),
        ] {
            let told = told(&nan(control, before));
            assert_eq!(told.len(), 1, "{control:x}");
            assert_eq!(told[0].fields[0].name, "operator_id");
        }
        assert!(told(&nan(0, &[])).is_empty());
    }

    proptest! {
        #[test]
        fn any_frame_is_answered(mut bytes: Vec<u8>, which in 0..3_usize, cut in 0..200_usize, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
            if let Some(first) = bytes.first_mut() {
                *first = [0x80, 0xd0, *first][which];
            }
            told(&bytes);
            let mut good = [beacons(), nan(0x5c, &[9, 9, 0, 0]), nan(0x10, &[])][which].clone();
            for (at, byte) in &flips {
                let at = at.index(good.len());
                good[at] = *byte;
            }
            good.truncate(cut);
            told(&good);
        }
    }
}
