//! Samples from the messages of links, by fields that have one meaning in all of them: `vehicle`, `flying`, `lat`, `lon`
//! (see `aircraft` in `creance-wire`). So a new link needs nothing here but, if it likes, a name for people.

use std::collections::BTreeMap;

use creance_model::{Field, FlightState, Message, Timestamp, Value};

use super::{Sample, place};

/// Samples kept of what was sent: a day at ten a second. As many are kept of what was radiated, so that neither can take
/// the other's room.
const MOST: usize = 1_000_000;

/// Aircraft told apart within one link.
const MOST_VEHICLES: usize = 1_000;

/// What links in a capture said of flight.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    /// By whether they were radiated, and their names.
    links: BTreeMap<(bool, &'static str), Link>,
    /// How many samples are kept of what was sent, and of what was radiated.
    kept: [usize; 2],
    /// When telemetry was seen that was sent to somebody: first and last.
    pub(crate) seen: Option<(Timestamp, Timestamp)>,
}

#[derive(Debug, Default)]
struct Link {
    /// The numbers of its aircraft.
    vehicles: BTreeMap<String, i64>,
    samples: Vec<Sample>,
}

impl Telemetry {
    /// Takes note of what a message says of flight; `radiated`: for all to hear, or unasked. Whether there was room for it.
    pub(crate) fn note(&mut self, message: &Message, radiated: bool) -> bool {
        let vehicle = match message.field("vehicle") {
            Some(Value::Text(name)) => name.clone(),
            Some(Value::Integer(number)) => number.to_string(),
            _ => return true,
        };
        let time = message.time;
        if !radiated {
            let (from, to) = self.seen.unwrap_or((time, time));
            self.seen = Some((from.min(time), to.max(time)));
        }
        let Some((state, position)) = told(&message.fields) else { return true };
        let link = self.links.entry((radiated, message.protocol)).or_default();
        let room = link.vehicles.len() < MOST_VEHICLES || link.vehicles.contains_key(&vehicle);
        let Some(kept) = self.kept.get_mut(usize::from(radiated)).filter(|kept| **kept < MOST && room) else {
            return false;
        };
        *kept += 1;
        let next = i64::try_from(link.vehicles.len()).unwrap_or(i64::MAX);
        let vehicle = *link.vehicles.entry(vehicle).or_insert(next);
        link.samples.push(Sample { vehicle, time, state, position });
        true
    }

    /// The samples of each link with its name for people: of those that told somebody, and of those that told all.
    pub(crate) fn sources(&self) -> [Vec<(String, Vec<Sample>)>; 2] {
        [false, true].map(|radiated| {
            let links = self.links.iter().filter(|((to_all, _), _)| *to_all == radiated);
            links
                .map(|((_, name), link)| (format!("{} in the capture", title(name)), link.samples.clone()))
                .collect()
        })
    }
}

/// State and position, of which one is told.
type Told = (Option<FlightState>, Option<(f64, f64)>);

/// State and position that fields say, if they say either.
pub(crate) fn told(fields: &[Field]) -> Option<Told> {
    let value = |name: &str| fields.iter().find(|field| field.name == name).map(|field| &field.value);
    let number = |name: &str| match value(name)? {
        Value::Float(number) => Some(*number),
        _ => None,
    };
    let state = match value("flying") {
        Some(Value::Flag(true)) => Some(FlightState::Flying),
        Some(Value::Flag(false)) => Some(FlightState::Ground),
        _ => None,
    };
    let position = number("lat").zip(number("lon")).and_then(|(lat, lon)| place(lat, lon));
    (state.is_some() || position.is_some()).then_some((state, position))
}

/// The name of a link for people.
fn title(protocol: &'static str) -> &'static str {
    match protocol {
        "mavlink" => "MAVLink",
        "remote-id" => "Remote ID",
        "droneid" => "DroneID",
        "french-id" => "the French identification",
        "duml" => "DUML",
        "tello" => "Tello",
        "arsdk" => "ARSDK",
        "mqtt" => "DJI's Cloud API",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Side, Visibility};

    fn message(protocol: &'static str, fields: Vec<Field>) -> Message {
        Message {
            time: Timestamp::from_secs(9),
            protocol,
            kind: "telemetry",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: 1,
            fields,
            parts: creance_model::Parts::default(),
        }
    }

    #[test]
    fn fields_of_any_link_become_samples_of_its_aircraft() {
        let field = |name, value| Field { name, value };
        let flying = |name: &str, flag| {
            vec![field("vehicle", Value::Text(name.to_owned())), field("flying", Value::Flag(flag))]
        };
        let mut telemetry = Telemetry::default();
        for (protocol, fields, radiated) in [
            ("duml", flying("a", true), false),
            ("duml", flying("b", false), false),
            ("remote-id", flying("02:00:00:00:00:01", true), true),
            ("http/1", vec![field("lat", Value::Float(1.5)), field("lon", Value::Float(2.5))], false),
        ] {
            assert!(telemetry.note(&message(protocol, fields), radiated));
        }
        let [sent, radiated] = telemetry.sources();
        assert_eq!(sent.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["DUML in the capture"]);
        let states: Vec<_> = sent[0].1.iter().map(|one| (one.vehicle, one.state)).collect();
        assert_eq!(states, [(0, Some(FlightState::Flying)), (1, Some(FlightState::Ground))]);
        assert_eq!(radiated.iter().map(|(_, samples)| samples.len()).collect::<Vec<_>>(), [1]);
        assert_eq!(telemetry.seen, Some((Timestamp::from_secs(9), Timestamp::from_secs(9))));
    }

    #[test]
    fn aircraft_that_are_radiated_are_bounded_and_take_no_room_from_what_was_sent() {
        let flying = |number: usize| {
            let vehicle = Field { name: "vehicle", value: Value::Text(number.to_string()) };
            vec![vehicle, Field { name: "flying", value: Value::Flag(true) }]
        };
        let mut telemetry = Telemetry::default();
        for number in 0..=MOST_VEHICLES {
            assert_eq!(telemetry.note(&message("remote-id", flying(number)), true), number < MOST_VEHICLES);
        }
        telemetry.kept = [0, MOST];
        assert!(!telemetry.note(&message("remote-id", flying(1)), true));
        assert!(telemetry.note(&message("mavlink", flying(1)), false));
    }
}
