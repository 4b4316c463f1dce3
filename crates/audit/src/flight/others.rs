//! Where home and operator were, as logs say beside the aircraft.

use std::collections::BTreeMap;

use creance_detect::{Fix, Path, Role};
use creance_model::{Field, Timestamp, Value};

use super::place;

/// Fixes of home and operator. One that says the same place again is left out, as long as it is soon after.
#[derive(Debug, Default)]
pub(super) struct Others(BTreeMap<Role, Vec<Fix>>);

impl Others {
    /// Takes note of what fields of telemetry say. Whether they say anything.
    pub(super) fn note(&mut self, time: Timestamp, fields: &[Field]) -> bool {
        let mut any = false;
        let number = |name: &str| {
            fields.iter().find(|field| field.name == name).and_then(|field| match field.value {
                Value::Float(number) => Some(number),
                _ => None,
            })
        };
        for (role, lat, lon) in
            [(Role::Home, "home_lat", "home_lon"), (Role::Operator, "operator_lat", "operator_lon")]
        {
            if let Some((lat, lon)) = number(lat).zip(number(lon)) {
                self.add(role, time, lat, lon);
                any = true;
            }
        }
        any
    }

    pub(super) fn add(&mut self, role: Role, time: Timestamp, lat: f64, lon: f64) {
        let Some((lat, lon)) = place(lat, lon) else { return };
        let fixes = self.0.entry(role).or_default();
        let again = |last: &Fix| (last.lat, last.lon) == (lat, lon) && time.since(last.time) < AGAIN;
        if !fixes.last().is_some_and(again) {
            fixes.push(Fix { time, lat, lon });
        }
    }

    pub(super) fn paths(&self) -> Vec<Path> {
        self.0.iter().map(|(role, fixes)| Path { role: *role, fixes: fixes.clone() }).collect()
    }
}

/// Nanoseconds within which the same place is not told again.
const AGAIN: i64 = 5_000_000_000;
