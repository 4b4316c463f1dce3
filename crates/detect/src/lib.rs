//! What counts as sensitive, one detector per file.
//!
//! To add a detector: write `src/<name>.rs` and add it to [`ALL`]. `creance explain` prints its card, and its examples
//! and counter-examples are tests at the foot of its file.

mod canary;
mod credential;
mod device_id;
mod email;
mod image;
mod key;
mod location;
mod mask;
mod phone;
mod serial;
mod severity;

use std::collections::HashSet;

use creance_model::{DataClass, Match, Message, Part};

pub use canary::{Canaries, CanaryError};
pub use mask::mask;
pub use severity::severity;

/// Every detector, the strongest matches first.
pub const ALL: &[&dyn Detector] = &[
    &canary::Canary,
    &credential::Credential,
    &email::Email,
    &phone::Phone,
    &location::Location,
    &serial::Serial,
    &device_id::DeviceId,
    &image::Image,
];

/// What a detector is, for people.
#[derive(Debug)]
pub struct Card {
    /// A short name that never changes.
    pub id: &'static str,
    /// What it looks for.
    pub what: &'static str,
    /// Why its owner would mind.
    pub why: &'static str,
    /// How it could be wrong.
    pub wrong: &'static str,
}

/// What the examiner gave to look for.
#[derive(Debug, Default)]
pub struct Context {
    /// Planted values.
    pub canaries: Canaries,
}

/// Something sensitive in a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// The kind of data.
    pub data_class: DataClass,
    /// How it was recognised.
    pub matched: Match,
    /// The detector.
    pub detector: &'static str,
    /// The value in clear; for a canary, as it was planted.
    pub value: String,
    /// The part that holds it, as an index into [`Message::parts`].
    pub part: usize,
    /// Where in the part's bytes.
    pub range: Option<[u64; 2]>,
    /// How the value itself was written, beyond the steps to the part.
    pub encoding: Vec<String>,
    /// The device file it is, if it is one.
    pub file: Option<String>,
}

impl Sighting {
    /// The whole of a part.
    fn whole(
        data_class: DataClass,
        matched: Match,
        detector: &'static str,
        part: usize,
        value: impl Into<String>,
    ) -> Self {
        Self {
            data_class,
            matched,
            detector,
            value: value.into(),
            part,
            range: None,
            encoding: Vec::new(),
            file: None,
        }
    }
}

/// Looks at a message and reports what should not have left.
pub trait Detector: Sync {
    /// What it is, for people.
    fn card(&self) -> &'static Card;

    /// Emits what it sees.
    fn look(&self, message: &Message, context: &Context, emit: &mut dyn FnMut(Sighting));
}

/// Sightings of one message that are kept.
const MOST: usize = 10_000;

/// Shows a message to every detector. A value is told once per message and class, by its strongest match.
///
/// A canary also silences weaker sightings of its class in the same part, and of the same value under another class.
pub fn look(message: &Message, context: &Context) -> Vec<Sighting> {
    let mut all: Vec<Sighting> = Vec::new();
    let mut known: HashSet<(DataClass, String)> = HashSet::new();
    let mut planted: HashSet<(DataClass, usize)> = HashSet::new();
    let mut planted_values: HashSet<String> = HashSet::new();
    for detector in ALL {
        detector.look(message, context, &mut |sighting| {
            let value = plain(&sighting.value);
            let weaker = sighting.matched != Match::Canary
                && (planted.contains(&(sighting.data_class, sighting.part))
                    || planted_values.contains(&value));
            if all.len() >= MOST || weaker || !known.insert((sighting.data_class, value.clone())) {
                return;
            }
            if sighting.matched == Match::Canary {
                planted.insert((sighting.data_class, sighting.part));
                planted_values.insert(value);
            }
            all.push(sighting);
        });
    }
    all
}

fn plain(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Named fields of a message that hold text: index, key, value.
fn named(message: &Message) -> impl Iterator<Item = (usize, &str, &str)> {
    message.parts.iter().enumerate().filter_map(|(index, part)| {
        let text = std::str::from_utf8(&part.bytes).ok()?;
        Some((index, part.name.as_deref()?, text))
    })
}

/// Parts that are text and that no child says more exactly: values, and bodies of plain text.
fn texts(message: &Message) -> impl Iterator<Item = (usize, &Part, &str)> {
    let mut opened = vec![false; message.parts.len()];
    for part in &message.parts {
        if let Some(flag) = part.parent.and_then(|parent| opened.get_mut(parent)) {
            *flag = true;
        }
    }
    message.parts.iter().enumerate().filter_map(move |(index, part)| {
        if opened.get(index).copied().unwrap_or(false) || part.bytes.is_empty() {
            return None;
        }
        Some((index, part, std::str::from_utf8(&part.bytes).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Carrier, Side, Timestamp, Visibility};

    #[test]
    fn a_body_of_thousands_of_addresses_is_answered_up_to_the_limit() {
        use std::fmt::Write;
        let mut text = String::new();
        for number in 0..20_000 {
            let _ = write!(text, "u{number}@a.example ");
        }
        let part = Part {
            carrier: Carrier::Body,
            parent: None,
            step: "request body".into(),
            name: None,
            bytes: text.into_bytes(),
            media_type: None,
            packets: Vec::new(),
        };
        let message = Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind: "request",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: 1,
            fields: Vec::new(),
            parts: vec![part],
        };
        let told = look(&message, &Context::default()).len();
        assert!((1000..=MOST).contains(&told), "{told}");
    }
}
