//! Planted values, in every form of the first set: raw, percent signs, JSON escapes, base64 at three alignments, hex, and hashes.

mod file;
mod forms;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use creance_model::{DataClass, Match, Message};

use crate::{Card, Context, Detector, Sighting, key, location, named, texts};

pub use file::CanaryError;

/// Planted values, ready to be looked for.
#[derive(Debug, Default)]
pub struct Canaries {
    planted: Vec<Planted>,
    /// All written forms of all values, and which value and form each is.
    forms: Option<(AhoCorasick, Vec<(usize, &'static str)>)>,
}

/// One planted value.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Planted {
    class: DataClass,
    value: String,
}

impl Canaries {
    /// Reads a canary file: TOML with `[[canary]]` tables of `class` and `value`.
    pub fn parse(text: &str) -> Result<Self, CanaryError> {
        Self::new(file::parse(text)?)
    }

    fn new(planted: Vec<Planted>) -> Result<Self, CanaryError> {
        let mut needles = Vec::new();
        let mut meanings = Vec::new();
        for (index, one) in planted.iter().enumerate() {
            if one.class == DataClass::Location || one.value.len() < SHORT {
                continue;
            }
            for (form, needle) in forms::of(&one.value) {
                needles.push(needle);
                meanings.push((index, form));
            }
        }
        let searcher = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&needles);
        let searcher = searcher.map_err(|error| CanaryError::TooMany(error.to_string()))?;
        Ok(Self { planted, forms: Some((searcher, meanings)) })
    }
}

/// Shorter values are looked for as whole fields only: inside text they occur by chance.
const SHORT: usize = 6;

/// Values planted by the examiner.
pub(crate) struct Canary;

const ID: &str = "canary";

impl Detector for Canary {
    fn card(&self) -> &'static Card {
        &Card {
            id: ID,
            what: "a value that the examiner planted, as it is or encoded or hashed",
            why: "It was made up for this test: where it surfaces, it was taken from the device.",
            wrong: "Hardly: a value of 40 random bits does not occur by chance. A value that is a common word does; choose others.",
        }
    }

    fn look(&self, message: &Message, context: &Context, emit: &mut dyn FnMut(Sighting)) {
        let canaries = &context.canaries;
        let Some((searcher, meanings)) = &canaries.forms else { return };
        let report = |index: usize, part: usize, range: Option<[u64; 2]>, form: &str| {
            let planted = canaries.planted.get(index)?;
            let mut sighting = Sighting::whole(planted.class, Match::Canary, ID, part, planted.value.clone());
            sighting.range = range;
            sighting.encoding = if form.is_empty() { Vec::new() } else { vec![form.to_owned()] };
            Some(sighting)
        };
        // Children are shown first: the deepest part that holds a value tells the most of how it got there.
        for (index, part) in message.parts.iter().enumerate().rev() {
            for hit in searcher.find_iter(&part.bytes) {
                let Some((planted, form)) = meanings.get(hit.pattern().as_usize()) else { continue };
                if let Some(sighting) =
                    report(*planted, index, Some([hit.start() as u64, hit.end() as u64]), form)
                {
                    emit(sighting);
                }
            }
        }
        for (planted, one) in canaries.planted.iter().enumerate() {
            match one.class {
                DataClass::Location => {
                    for (part, value) in places(message, &one.value) {
                        if let Some(sighting) = report(planted, part, None, "") {
                            emit(Sighting { value, ..sighting });
                        }
                    }
                }
                DataClass::Phone | DataClass::Contacts if digits(&one.value).len() >= 9 => {
                    for (part, _, text) in texts(message).filter(|(.., text)| text.len() <= 40) {
                        if same_number(&one.value, text)
                            && let Some(sighting) = report(planted, part, None, "phone-national")
                        {
                            emit(sighting);
                        }
                    }
                }
                _ if one.value.len() < SHORT => {
                    for (part, _, text) in named(message) {
                        if text == one.value
                            && let Some(sighting) = report(planted, part, None, "")
                        {
                            emit(sighting);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Named pairs that are the planted place, rounded or cut to three decimals or more.
fn places(message: &Message, planted: &str) -> Vec<(usize, String)> {
    let Some((lat, lon)) = location::pair(planted) else { return Vec::new() };
    let near = |text: &str, degrees: f64| {
        let decimals = text.trim().split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let unit = 10_f64.powi(-i32::try_from(decimals.min(9)).unwrap_or(9));
        decimals >= 3
            && text.trim().parse::<f64>().is_ok_and(|number| (number - degrees).abs() <= unit * 1.01)
    };
    let fields: Vec<(usize, &str, &str)> =
        named(message).filter(|(_, name, _)| !key::is(name, &["center"])).collect();
    let mut found = Vec::new();
    for (index, _, text) in &fields {
        let pair = text.split_once([',', ';', ' ']).is_some_and(|(first, second)| {
            (near(first, lat) && near(second, lon)) || (near(first, lon) && near(second, lat))
        });
        let parent = message.parts.get(*index).and_then(|part| part.parent);
        let beside = near(text, lat)
            && fields.iter().any(|(other, _, text)| {
                near(text, lon) && message.parts.get(*other).is_some_and(|part| part.parent == parent)
            });
        if pair || beside {
            found.push((*index, planted.to_owned()));
        }
    }
    found
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a text is the planted number in national form: the last nine digits agree, and at most a trunk prefix is left.
fn same_number(planted: &str, text: &str) -> bool {
    let (planted, shown) = (digits(planted), digits(text));
    let shaped = text.trim().chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c));
    let national = shown.trim_start_matches('0');
    shaped
        && national.len() >= 8
        && planted.ends_with(national)
        && planted.len() - national.len() <= 3
        && national.len() < planted.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::{Carrier, Part, Side, Timestamp, Visibility};
    use data_encoding::{BASE64, HEXLOWER};
    use proptest::prelude::*;

    fn message(parts: &[(Option<usize>, Option<&str>, &[u8])]) -> Message {
        let part = |(parent, name, bytes): &(Option<usize>, Option<&str>, &[u8])| Part {
            carrier: Carrier::Body,
            parent: *parent,
            step: "x".into(),
            name: name.map(str::to_owned),
            bytes: bytes.to_vec(),
            media_type: None,
            packets: Vec::new(),
        };
        Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind: "request",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![1],
            bytes: 1,
            fields: Vec::new(),
            parts: parts.iter().map(part).collect(),
        }
    }

    fn context(text: &str) -> Context {
        Context { canaries: Canaries::parse(text).unwrap() }
    }

    const FILE: &str = "[[canary]]\nclass = \"email\"\nvalue = \"o.lindqvarn@netzwacht.example\"\n\
        [[canary]]\nclass = \"phone\"\nvalue = \"+886900779195\"\n[[canary]]\nclass = \"location\"\nvalue = \"24.801868,120.965208\"\n";

    #[test]
    fn national_numbers_and_rounded_places_are_known() {
        let context = context(FILE);
        let form = message(&[
            (None, None, b"lat=1"),
            (Some(0), Some("tel"), b"0900-779195"),
            (Some(0), Some("lat"), b"24.802"),
            (Some(0), Some("lon"), b"120.965"),
        ]);
        let told: Vec<_> = crate::look(&form, &context)
            .into_iter()
            .map(|sighting| (sighting.data_class, sighting.matched))
            .collect();
        assert!(
            told.contains(&(DataClass::Phone, Match::Canary))
                && told.contains(&(DataClass::Location, Match::Canary)),
            "{told:?}"
        );
    }

    proptest! {
        #[test]
        fn a_value_is_found_in_every_form_wherever_it_stands(before in "[a-z ]{0,40}", after in "[a-z ]{0,40}") {
            let context = context(FILE);
            let value = "o.lindqvarn@netzwacht.example";
            let text = format!("{before}{value}{after}");
            let forms = [text.clone(), BASE64.encode(text.as_bytes()), HEXLOWER.encode(text.as_bytes()), text.replace('@', "%40"), text.replace('@', "\\u0040")];
            for form in forms {
                let told = crate::look(&message(&[(None, None, form.as_bytes())]), &context);
                prop_assert!(told.iter().any(|sighting| sighting.value == value && sighting.matched == Match::Canary), "{}", form);
            }
        }

        #[test]
        fn random_bytes_hold_no_canary(bytes: Vec<u8>) {
            let told = crate::look(&message(&[(None, Some("x"), &bytes)]), &context(FILE));
            prop_assert!(told.iter().all(|sighting| sighting.matched != Match::Canary));
        }
    }
}
