//! What links of aircraft say, under names that are the same in all of them.
//!
//! | field | what |
//! |---|---|
//! | `vehicle` | which aircraft, where a link tells of several: a serial, a number, a transmitter |
//! | `flying` | true: motors on or in the air; false: powered, and neither; absent: not told |
//! | `lat` `lon` | the aircraft, in degrees (WGS 84) |
//! | `home_lat` `home_lon` | where it began or goes back to |
//! | `operator_lat` `operator_lon` | who flies it: operator, remote control, or the phone of the app |
//! | `alt_m` `height_m` | above the ellipsoid or the sea as the link has it; above where it began, in metres |
//!
//! Detectors and flight phases look at these names and at nothing of a link, so that a new link edits neither.

use creance_model::{Carrier, Field, Message, Parts, Side, Step, Timestamp, Value, Visibility};

use crate::held::Held;

/// Who is where.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    Aircraft,
    Home,
    Operator,
}

impl Whose {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Aircraft => ("lat", "lon"),
            Self::Home => ("home_lat", "home_lon"),
            Self::Operator => ("operator_lat", "operator_lon"),
        }
    }
}

/// A message of a link in the making: its bytes, and what they say.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) protocol: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) fields: Vec<Field>,
    parts: Parts,
}

impl Told {
    /// Nothing said yet; the bytes are a part, so that what is planted is found in them whatever they mean.
    pub(crate) fn new(protocol: &'static str, kind: &'static str, payload: &[u8]) -> Self {
        let parts = Parts::one(Carrier::Field, "payload", payload);
        Self { protocol, kind, fields: Vec::new(), parts }
    }

    /// A value, as a field.
    pub(crate) fn field(&mut self, name: &'static str, value: Value) {
        self.fields.push(Field { name, value });
    }

    /// A whole number, as a field.
    pub(crate) fn number(&mut self, name: &'static str, number: impl Into<i64>) {
        self.field(name, Value::Integer(number.into()));
    }

    /// A number with decimals, as a field; what is no number is not told.
    pub(crate) fn float(&mut self, name: &'static str, number: f64) {
        if number.is_finite() {
            self.field(name, Value::Float(number));
        }
    }

    /// Whether it flies.
    pub(crate) fn flying(&mut self, flying: bool) {
        self.field("flying", Value::Flag(flying));
    }

    /// Words of the link itself, such as the name of a state: a field, and nothing for detectors.
    pub(crate) fn word(&mut self, name: &'static str, word: &str) {
        self.field(name, Value::Text(word.to_owned()));
    }

    /// Words that somebody gave, such as a serial or a remark: a field, and a part for detectors. Padding goes.
    pub(crate) fn text(&mut self, name: &'static str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        if !text.is_empty() {
            self.field(name, Value::Text(text.to_owned()));
            self.part(name, text);
        }
    }

    /// A place in degrees. (0, 0) and what no globe has is what links say without a fix, and is not told.
    pub(crate) fn place(&mut self, whose: Whose, lat: f64, lon: f64) {
        self.named_place(whose.names(), lat, lon);
    }

    /// A place under names that end in `lat` and `lon`.
    pub(crate) fn named_place(&mut self, names: (&'static str, &'static str), lat: f64, lon: f64) {
        let somewhere = lat.abs() > 1e-6 || lon.abs() > 1e-6;
        if somewhere && lat.abs() <= 90.0 && lon.abs() <= 180.0 {
            for (name, degrees) in [(names.0, lat), (names.1, lon)] {
                self.field(name, Value::Float(degrees));
                self.part(name, &format!("{degrees:.7}"));
            }
        }
    }

    fn part(&mut self, name: &'static str, text: &str) {
        self.parts.add(Carrier::Field, Some(0), Step::Of(self.protocol, name), Some(name), text);
    }

    /// The message, sent at a time in these packets, `bytes` long. Without `keep` only its fields are.
    pub(crate) fn message(
        self,
        from: Side,
        (time, packets): (Timestamp, Vec<u64>),
        bytes: usize,
        keep: bool,
    ) -> Message {
        Message {
            time,
            protocol: self.protocol,
            kind: self.kind,
            from,
            visibility: Visibility::Clear,
            packets,
            bytes: bytes as u64,
            fields: self.fields,
            parts: if keep { self.parts } else { Parts::default() },
        }
    }

    /// The message that the first `bytes` of what is held are.
    pub(crate) fn message_of(self, from: Side, held: &Held, bytes: usize, keep: bool) -> Message {
        let time = held.first().map_or_else(Timestamp::default, |at| at.time);
        self.message(from, (time, held.packets(bytes)), bytes, keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_without_a_fix_are_not_told_and_bytes_always_are() {
        let mut told = Told::new("x", "y", b"raw");
        told.place(Whose::Home, 0.0, 0.0);
        told.place(Whose::Operator, 500.0, 500.0);
        told.text("serial", b"  \0\0");
        told.place(Whose::Aircraft, 24.744_672, 121.044_483);
        let message = told.message(Side::Client, (Timestamp::default(), vec![1]), 3, true);
        assert_eq!(message.fields.iter().map(|field| field.name).collect::<Vec<_>>(), ["lat", "lon"]);
        let parts: Vec<_> =
            message.parts.iter().map(|part| (part.step().into_owned(), part.bytes())).collect();
        assert_eq!(
            parts,
            [("payload", &b"raw"[..]), ("x:lat", b"24.7446720"), ("x:lon", b"121.0444830")]
                .map(|(step, bytes)| (step.to_owned(), bytes))
        );
    }
}
