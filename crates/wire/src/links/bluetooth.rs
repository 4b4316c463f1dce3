//! What aircraft say of themselves in advertisements of Bluetooth Low Energy: Open Drone ID.
//!
//! ```text
//! (length │ kind │ value)*      kind 16: service (2) │ 0d count, Open Drone ID      service fffa: ASTM International
//! ```
//!
//! Supplement to the Core Specification, part A §1.11; F3411-22a §5.4.6 and 5.4.7. Others are passed over.

use creance_model::{Flow, Side, Transport};

use crate::{Means, Probe, Protocol, Session, links::aircraft::Told, links::remote_id, links::wifi::Air};

/// Advertisements of Bluetooth Low Energy.
pub(crate) struct Bluetooth;

impl Protocol for Bluetooth {
    fn name(&self) -> &'static str {
        "bluetooth"
    }

    fn probe(&self, flow: &Flow, _: Side, _: &[u8]) -> Probe {
        if flow.transport == Transport::Bluetooth { Probe::Yes } else { Probe::No }
    }

    fn start(&self, _: &Means) -> Box<dyn Session> {
        Box::new(Air { name: "bluetooth", read: told, readable: 0 })
    }
}

/// What an advertisement says of aircraft.
fn told(structures: &[u8]) -> Vec<Told> {
    let mut all = Vec::new();
    let mut rest = structures;
    // A length of nothing ends the list.
    while let Some((length, behind)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let value = behind.get(..usize::from(*length)).unwrap_or(behind);
        rest = behind.get(value.len()..).unwrap_or_default();
        if let [0x16, 0xfa, 0xff, 0x0d, _, said @ ..] = value {
            all.push(remote_id::read(said));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn data_of_the_service_is_told_and_others_are_passed_over() {
        let message = b"\x52\0FIN87astrdge12k8\0\0\0\0\0\0\0";
        let advert = [&[2, 1, 6, 30, 0x16, 0xfa, 0xff, 0x0d, 3][..], message].concat();
        let all = told(&advert);
        assert_eq!(all.iter().map(|told| told.kind).collect::<Vec<_>>(), ["operator-id"]);
        assert!(told(&[2, 1, 6, 4, 0x16, 0xfa, 0xfe, 0x0d, 0, 0]).is_empty());
        assert!(told(&[&[0][..], &advert].concat()).is_empty());
    }

    proptest! {
        #[test]
        fn any_advertisement_is_answered(bytes: Vec<u8>) {
            prop_assert!(told(&bytes).len() <= bytes.len() / 6);
        }
    }
}
