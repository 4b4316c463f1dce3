//! Where aircraft were by what a capture hears of them: telemetry that stays on our own network, comes from outside, or is
//! radiated.
//!
//! What leaves is no witness here: a place that is sent would prove itself.

use std::collections::BTreeMap;

use creance_detect::{Fix, Path, Role};
use creance_model::{Message, Value};

use super::{others::Others, telemetry};

/// Fixes of aircraft, by link and by the name that each goes by.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    aircraft: BTreeMap<(&'static str, String), Vec<Fix>>,
    others: Others,
    kept: usize,
    /// Messages that there was no room for.
    pub(crate) beyond: u64,
}

/// Messages with a place that are kept: a day at three a second.
const MOST: usize = 1 << 18;

impl Heard {
    /// Takes note of what a message says of where somebody is.
    pub(crate) fn note(&mut self, message: &Message) {
        let vehicle = match message.field("vehicle") {
            Some(Value::Text(name)) => name.clone(),
            Some(Value::Integer(number)) => number.to_string(),
            _ => return,
        };
        if self.kept >= MOST {
            self.beyond += 1;
            return;
        }
        let position = telemetry::told(&message.fields).and_then(|(_, position)| position);
        let others = self.others.note(message.time, &message.fields);
        if let Some((lat, lon)) = position {
            let fixes = self.aircraft.entry((message.protocol, vehicle)).or_default();
            fixes.push(Fix { time: message.time, lat, lon });
        }
        self.kept += usize::from(others || position.is_some());
    }

    /// The paths of all of them.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let aircraft =
            self.aircraft.values().map(|fixes| Path { role: Role::Aircraft, fixes: fixes.clone() });
        aircraft.chain(self.others.paths()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Field, Side, Timestamp, Visibility};

    #[test]
    fn places_of_an_aircraft_its_home_and_its_operator_are_paths() {
        let field = |name, value| Field { name, value };
        let message = |fields| Message {
            time: Timestamp::from_secs(9),
            protocol: "mavlink",
            kind: "telemetry",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: 1,
            fields,
            parts: creance_model::Parts::default(),
        };
        let mut heard = Heard::default();
        for (lat, lon) in [("lat", "lon"), ("home_lat", "home_lon"), ("operator_lat", "operator_lon")] {
            heard.note(&message(vec![field(lat, Value::Float(1.5)), field(lon, Value::Float(2.5))]));
            heard.note(&message(vec![
                field("vehicle", Value::Integer(1)),
                field(lat, Value::Float(47.5)),
                field(lon, Value::Float(8.5)),
            ]));
        }
        let told: Vec<_> = heard.paths().iter().map(|path| (path.role, path.fixes[0].lat)).collect();
        assert_eq!(told, [(Role::Aircraft, 47.5), (Role::Home, 47.5), (Role::Operator, 47.5)]);
    }
}
