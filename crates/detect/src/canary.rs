//! Planted values, in every form: raw, percent signs, JSON escapes, entities, UTF-16, base64 and others at every alignment,
//! hex, turned around, and hashes, whole or cut.

mod file;
mod forms;
mod place;
pub(crate) mod search;
#[cfg(test)]
mod table;

use std::collections::{HashMap, HashSet};

use creance_model::{DataClass, Match, Part};

use crate::{
    Card, Context, Detector, Sighting, Sink, View, device, location,
    sink::normal,
    view::{Glance, sign},
};
use forms::{Form, Whole};
use search::{Hit, Search};

pub use file::{CanaryError, CanaryPicture, CanarySet, CanaryValue};
pub(crate) use place::VIEWPORTS;

/// Planted values, ready to be looked for.
#[derive(Debug, Default)]
pub struct Canaries {
    planted: Vec<Planted>,
    /// All written forms of all values, and of which value each is.
    forms: Option<(Search, Vec<Meaning>)>,
    /// Which are places, and where.
    places: Vec<(usize, (f64, f64))>,
    /// Which are numbers, and their digits.
    numbers: Vec<(usize, String)>,
    /// What was read on the device, by class and letters.
    named: HashMap<(DataClass, String), usize>,
}

/// What it says where a form is found.
#[derive(Debug)]
struct Meaning {
    /// Which value is there.
    value: usize,
    form: &'static str,
    whole: Option<Whole>,
}

impl Meaning {
    /// The form, and where it ends, of a hit in these bytes.
    fn at(&self, bytes: &[u8], hit: Hit) -> (&'static str, usize) {
        let behind = bytes.get(hit.end..).unwrap_or_default();
        match self.whole.as_ref().filter(|whole| whole.follows(behind)) {
            Some(whole) => (whole.name, hit.end + whole.rest.len()),
            None => (self.form, hit.end),
        }
    }
}

/// A value that is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Planted {
    class: DataClass,
    value: String,
    /// Where on the device it was read; `None`: the examiner planted it.
    found_in: Option<FoundIn>,
    /// Whether it was planted nowhere.
    decoy: bool,
}

impl From<CanaryValue> for Planted {
    fn from(one: CanaryValue) -> Self {
        Self { class: one.class, value: one.value, found_in: None, decoy: one.decoy }
    }
}

/// A value that was read on the examined device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// What it is.
    pub class: DataClass,
    /// The value.
    pub value: String,
    /// Where it stands.
    pub found_in: FoundIn,
}

/// Where on the device a value stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundIn {
    /// The path of the file below the folder that was given.
    pub file: String,
    /// The step to the field in it: `json:/email`.
    pub field: String,
}

impl Planted {
    fn matched(&self) -> Match {
        if self.found_in.is_none() { Match::Canary } else { Match::Device }
    }

    /// Makes a sighting one of this value.
    fn mark(&self, sighting: &mut Sighting) {
        sighting.matched = self.matched();
        sighting.detector = self.detector();
        sighting.data_class = self.class;
        sighting.value.clone_from(&self.value);
        sighting.found_in.clone_from(&self.found_in);
        sighting.decoy = self.decoy;
    }

    fn detector(&self) -> &'static str {
        if self.found_in.is_none() { ID } else { device::ID }
    }

    /// Whether nothing else is likely to be called so: what is planted is, of what is found on a device not all.
    fn is_its_own(&self) -> bool {
        let mixed = self.value.chars().any(|c| !c.is_alphabetic() && c != '-' && c != '_');
        let number = self.value.chars().all(|c| c.is_ascii_digit());
        let least = match (number, mixed) {
            (true, _) => OWN_NUMBER,
            (false, true) => OWN_MIXED,
            (false, false) => OWN_WORD,
        };
        self.found_in.is_none() || self.value.chars().count() >= least
    }
}

/// Characters from which on a value found on the device is looked for in any text, if signs or digits are among them.
const OWN_MIXED: usize = 8;

/// As above, of a number: times in milliseconds have thirteen digits, and parts of them occur by chance.
const OWN_NUMBER: usize = 14;

/// As above, of one that is a word.
const OWN_WORD: usize = 14;

impl Canaries {
    /// The values of a canary file ([`CanarySet::parse`]).
    pub fn parse(text: &str) -> Result<Self, CanaryError> {
        Self::with(CanarySet::parse(text)?.values, Vec::new())
    }

    /// What was planted, and what was read on the device. Of a value that is both, it was planted.
    pub fn with(planted: Vec<CanaryValue>, known: Vec<Known>) -> Result<Self, CanaryError> {
        let mut all: Vec<Planted> = planted.into_iter().map(Planted::from).collect();
        let planted = all.len();
        let mut values: HashSet<(DataClass, String)> =
            all.iter().map(|one| (one.class, normal(one.class, &one.value))).collect();
        for Known { class, value, found_in } in known {
            let is = |one: &Planted| meaning(one, class, &value).is_some();
            if values.insert((class, normal(class, &value))) && !all.iter().take(planted).any(is) {
                all.push(Planted { class, value, found_in: Some(found_in), decoy: false });
            }
        }
        Self::new(all)
    }

    fn new(planted: Vec<Planted>) -> Result<Self, CanaryError> {
        let mut needles = Vec::new();
        let mut meanings = Vec::new();
        for (index, one) in planted.iter().enumerate() {
            if one.class == DataClass::Location || one.value.len() < SHORT || !one.is_its_own() {
                continue;
            }
            for Form { name, needle, whole } in forms::of(one.class, &one.value, one.found_in.is_none()) {
                needles.push(needle);
                meanings.push(Meaning { value: index, form: name, whole });
            }
        }
        let search = Search::new(&needles, SHORT)?;
        let all = planted.iter().enumerate();
        let places = all.clone().filter(|(_, one)| one.class == DataClass::Location);
        let numbers = all.filter(|(_, one)| is_number(one));
        Ok(Self {
            forms: Some((search, meanings)),
            places: places.filter_map(|(index, one)| Some((index, location::pair(&one.value)?))).collect(),
            numbers: numbers.map(|(index, one)| (index, digits(&one.value))).collect(),
            named: all_named(&planted),
            planted,
        })
    }

    /// Whether a value was planted: of others only what stands by itself counts.
    fn is_planted(&self, index: usize) -> bool {
        self.planted.get(index).is_some_and(|one| one.found_in.is_none())
    }

    /// What is looked for.
    pub fn values(&self) -> impl Iterator<Item = (DataClass, &str)> {
        self.planted.iter().map(|one| (one.class, one.value.as_str()))
    }

    /// Bytes of the shortest form that is looked for.
    pub(crate) fn shortest(&self) -> usize {
        self.forms.as_ref().map_or(usize::MAX, |(search, _)| search.shortest())
    }

    /// Makes a sighting of a planted place or number a canary, and one of what is on the device that: however it was
    /// written, its meaning is the planted one.
    pub(crate) fn recognise(&self, sighting: &mut Sighting) {
        let known = if self.named.is_empty() {
            None
        } else {
            self.named.get(&(sighting.data_class, normal(sighting.data_class, &sighting.value)))
        };
        if let Some(one) = known.and_then(|index| self.planted.get(*index)) {
            one.mark(sighting);
            return;
        }
        for one in &self.planted {
            if let Some(step) = meaning(one, sighting.data_class, &sighting.value) {
                one.mark(sighting);
                if !step.is_empty() {
                    sighting.encoding.push(step.to_owned());
                }
                return;
            }
        }
    }
}

/// How a place or number of this class is the one that is looked for, if it is: written otherwise, it means the same.
fn meaning(one: &Planted, class: DataClass, value: &str) -> Option<&'static str> {
    match (class, one.class) {
        (DataClass::Location, DataClass::Location) => {
            let (first, second) = value.split_once(',')?;
            place::same(location::pair(&one.value)?, first, second).then_some("")
        }
        (DataClass::Phone, DataClass::Phone | DataClass::Contacts) => {
            same_number(&one.value, &digits(&one.value), value)
        }
        _ => None,
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
            wrong: "A value of 40 random bits does not occur by chance. A common word does, and so does a telephone number from a range for fiction, which is the sample number of many an app: of such values, several must be seen.",
            classes: DataClass::ALL,
        }
    }

    fn look(&self, message: &View<'_>, context: &Context, sink: &mut Sink<'_>) {
        let canaries = &context.canaries;
        let Some((search, meanings)) = &canaries.forms else { return };
        let mut report = |index: usize, part: usize, range: Option<[u64; 2]>, form: &str| {
            let Some(one) = canaries.planted.get(index) else { return };
            let encoding = if form.is_empty() { Vec::new() } else { vec![form.to_owned()] };
            let mut sighting = Sighting::whole(one.class, one.matched(), ID, part, "");
            one.mark(&mut sighting);
            sink.sight(Sighting { range, encoding, ..sighting });
        };
        // Children are shown first: the deepest part that holds a value tells the most of how it got there.
        // What stands in a part stands in the bytes that it is a stretch of, and these are mostly shared by many.
        let hold: Vec<bool> =
            message.parts().stores().map(|bytes| search.find_iter(bytes).next().is_some()).collect();
        let may_hold = |part: Part<'_>| hold.get(part.store()).copied().unwrap_or(true);
        let shortest = u32::try_from(search.shortest()).unwrap_or(u32::MAX);
        let long = hold.contains(&true).then(|| message.glances_from(shortest).rev());
        for (index, _, part) in long.into_iter().flatten().filter(|(.., part)| may_hold(*part)) {
            for hit in search.find_iter(part.bytes()) {
                let Some(meaning) = meanings.get(hit.needle) else { continue };
                let (form, end) = meaning.at(part.bytes(), hit);
                if canaries.is_planted(meaning.value) || is_apart(part.bytes(), hit.start, end, form) {
                    report(meaning.value, index, Some([hit.start as u64, end as u64]), form);
                }
            }
        }
        for (planted, part, range) in place::find(message, &canaries.places) {
            report(planted, part, range, "");
        }
        if !canaries.numbers.is_empty() {
            let texts = message.texts_where(|glance, _| may_be_number(glance));
            for (part, _, text) in texts.filter(|(.., text)| text.len() <= LONGEST_NUMBER) {
                for (planted, digits) in &canaries.numbers {
                    let value = canaries.planted.get(*planted).map_or("", |one| &one.value);
                    if let Some(step) = same_number(value, digits, text) {
                        report(*planted, part, None, step);
                    }
                }
            }
        }
        let short: Vec<_> = canaries.planted.iter().enumerate().filter(|(_, one)| is_short(one)).collect();
        if !short.is_empty() {
            for (part, _, text) in message.named().filter(|(.., text)| text.len() < SHORT) {
                for (planted, _) in short.iter().filter(|(_, one)| one.value == text) {
                    report(*planted, part, None, "");
                }
            }
        }
    }
}

/// Whether a value stands in a text by itself, not within a longer word or number; what is encoded has no such borders.
fn is_apart(bytes: &[u8], start: usize, end: usize, form: &str) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    matches!(form, "base64" | "hex" | "utf-16" | "md5" | "sha1" | "sha256")
        || !letter(start.checked_sub(1)) && !letter(Some(end))
}

/// Whether a part may be a number and nothing else: digits with the signs between them, or what begins with a plus.
const fn may_be_number(glance: Glance) -> bool {
    let plain = !glance.has(sign::OTHER) || glance.has(sign::PLUS) || glance.has(sign::FOREIGN);
    plain && glance.has(sign::DIGIT) && glance.length >= 8
}

/// Bytes of a text that is a number, at most.
const LONGEST_NUMBER: usize = 40;

fn is_number(one: &Planted) -> bool {
    matches!(one.class, DataClass::Phone | DataClass::Contacts) && digits(&one.value).len() >= 9
}

fn is_short(one: &Planted) -> bool {
    one.class != DataClass::Location && one.value.len() < SHORT && one.found_in.is_none()
}

/// What was read on the device.
fn all_named(planted: &[Planted]) -> HashMap<(DataClass, String), usize> {
    // What a place means, its digits alone do not say.
    let named = |one: &Planted| one.found_in.is_some() && one.class != DataClass::Location;
    let found = planted.iter().enumerate().filter(|(_, one)| named(one));
    found.map(|(index, one)| ((one.class, normal(one.class, &one.value)), index)).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// How a text is the planted number of these digits, if it is: with other signs, or in national form (the last digits
/// agree, and no more than a country code is missing).
fn same_number(planted: &str, digits: &str, text: &str) -> Option<&'static str> {
    let last = |text: &str| text.bytes().rfind(u8::is_ascii_digit);
    // Few numbers end as the planted one does.
    if last(text) != last(digits) {
        return None;
    }
    let text = text.trim();
    if planted == text || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-(). /".contains(&byte)) {
        return (planted == text && planted.starts_with('+')).then_some("");
    }
    let shown = text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let length = shown.clone().count();
    let missing = digits.len().checked_sub(length).filter(|_| length >= 8)?;
    if !shown.eq(digits.bytes().skip(missing)) {
        return None;
    }
    match missing {
        0 => Some("phone-digits"),
        1..=3 if !text.starts_with('+') => Some("phone-national"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use creance_model::Message;

    use super::*;
    use crate::fixture::{body, canaries, fields, parts};
    use creance_model::Carrier;
    use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    use md5::{Digest, Md5};
    use proptest::prelude::*;
    use ring::digest;
    use std::sync::LazyLock;

    const EMAIL: &str = "o.lindqvarn@netzwacht.example";

    // Built once: the forms of all canaries are many.
    static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
        canaries(&[
            ("email", EMAIL),
            ("phone", "+886900779195"),
            ("location", "24.801868,120.965208"),
            ("person-name", "Oskar Lindqvarn"),
            ("network-info", "02:dc:4d:b1:02:70"),
            ("account-id", "u77x"),
        ])
    });

    fn planted(message: &Message) -> Vec<(DataClass, String, usize, String)> {
        crate::look(message, &CONTEXT)
            .sightings
            .into_iter()
            .filter(|one| one.matched == Match::Canary)
            .map(|one| (one.data_class, one.value, one.part, one.encoding.join(" ")))
            .collect()
    }

    #[test]
    fn what_stands_on_the_device_is_found_by_itself_and_what_is_planted_comes_first() {
        let known = |class, value: &str| Known {
            class,
            value: value.to_owned(),
            found_in: FoundIn { file: "a.json".to_owned(), field: "json:/x".to_owned() },
        };
        let planted =
            vec![CanaryValue { class: DataClass::Phone, value: "+886900779195".to_owned(), decoy: false }];
        let known = vec![
            known(DataClass::Serial, "1581F5BKD225D00BP891"),
            known(DataClass::AccountId, "17811648"),
            known(DataClass::Phone, "0900-779195"),
            known(DataClass::Location, "24.801868,-120.965208"),
        ];
        let canaries = Canaries::with(planted, known).unwrap();
        assert_eq!(canaries.values().count(), 4, "a number that is planted is not told twice");
        let context = Context { canaries, ..Context::default() };
        let told = |message: &Message| {
            let known = |one: &Sighting| one.found_in.is_some();
            crate::look(message, &context)
                .sightings
                .into_iter()
                .filter(known)
                .map(|one| one.value)
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&body(b"sn=1581F5BKD225D00BP891;")), ["1581F5BKD225D00BP891"]);
        assert_eq!(told(&fields(&[("uid", "17811648")])), ["17811648"]);
        for text in ["x1581F5BKD225D00BP891", "1781164812250", "24.801868,120.965208"] {
            assert!(told(&body(text.as_bytes())).is_empty(), "{text}");
        }
    }

    #[test]
    fn reports() {
        let table = [
            ("tel", "0900-779195", DataClass::Phone, "phone-national"),
            ("tel", "+886 900 779 195", DataClass::Phone, "phone-digits"),
            ("x", "886900779195", DataClass::Phone, "phone-digits"),
            ("x", "00886-900-779195", DataClass::Phone, "phone-digits"),
            ("x", "call +886 900 779 195 now", DataClass::Phone, "phone-digits"),
            ("n", "Lindqvarn, Oskar", DataClass::PersonName, "name-order"),
            ("n", "OSKAR+LINDQVARN", DataClass::PersonName, "percent"),
            ("n", "lindqvarn oskar", DataClass::PersonName, "name-order"),
            ("m", "02DC4DB10270", DataClass::NetworkInfo, "mac-plain"),
            ("u", "u77x", DataClass::AccountId, ""),
            ("ll", "24.801868,120.965208", DataClass::Location, ""),
        ];
        for (name, text, class, encoding) in table {
            let told = planted(&fields(&[(name, text)]));
            assert_eq!(told.len(), 1, "{text}: {told:?}");
            assert_eq!((told[0].0, told[0].3.as_str()), (class, encoding), "{text}");
        }
        let scaled = planted(&fields(&[("latE7", "248018680"), ("lonE7", "1209652080")]));
        assert_eq!(scaled.first().map(|one| one.0), Some(DataClass::Location));
    }

    #[test]
    fn ignores() {
        for (name, text) in [
            ("tel", "0900-779196"),
            ("t", "1700779195"),
            ("u", "u77x9"),
            ("n", "Oskar Lindqvist"),
            ("ll", "24.80,120.96"),
            ("tel", "+49900779195"),
        ] {
            assert!(planted(&fields(&[(name, text)])).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_canary_in_container_and_leaf_is_told_once_at_the_leaf() {
        let message = parts(&[
            (Carrier::Body, None, "request body", None, br#"{"mail":"o.lindqvarn@netzwacht.example"}"#),
            (Carrier::Body, Some(0), "json:/", None, b""),
            (Carrier::Body, Some(1), "json:/mail", Some("mail"), EMAIL.as_bytes()),
        ]);
        assert_eq!(planted(&message), [(DataClass::Email, EMAIL.to_owned(), 2, String::new())]);
    }

    proptest! {
        #[test]
        fn a_value_is_found_in_every_form_wherever_it_stands(before in "[a-z ]{0,40}", after in "[a-z ]{0,40}") {
            let text = format!("{before}{EMAIL}{after}");
            let md5 = Md5::digest(EMAIL.as_bytes()).to_vec();
            let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, EMAIL.as_bytes());
            let sha256 = digest::digest(&digest::SHA256, EMAIL.as_bytes());
            let around = |form: &[u8]| [before.as_bytes(), form, after.as_bytes()].concat();
            let forms = [
                ("", text.clone().into_bytes()),
                ("", text.to_uppercase().into_bytes()),
                ("percent", text.replace('@', "%40").into_bytes()),
                ("json", text.replace('@', "\\u0040").into_bytes()),
                ("base64", BASE64.encode(text.as_bytes()).into_bytes()),
                ("base64", BASE64URL_NOPAD.encode(text.as_bytes()).into_bytes()),
                ("hex", HEXLOWER.encode(text.as_bytes()).into_bytes()),
                ("hex", HEXUPPER.encode(text.as_bytes()).into_bytes()),
                ("utf-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
                ("md5", around(&md5)),
                ("md5", around(HEXUPPER.encode(&md5).as_bytes())),
                ("sha1", around(HEXLOWER.encode(sha1.as_ref()).as_bytes())),
                ("sha256", around(HEXLOWER.encode(sha256.as_ref()).as_bytes())),
                ("sha256", around(BASE64.encode(sha256.as_ref()).as_bytes())),
                ("sha256", around(sha256.as_ref())),
            ];
            for (encoding, form) in forms {
                let told = planted(&body(&form));
                prop_assert_eq!(told.len(), 1, "{}", encoding);
                prop_assert_eq!((&*told[0].1, &*told[0].3), (EMAIL, encoding));
            }
        }

        #[test]
        fn random_bytes_hold_no_canary(bytes: Vec<u8>, text in "[0-9a-f., -]{0,200}") {
            prop_assert!(planted(&body(&bytes)).is_empty() && planted(&body(text.as_bytes())).is_empty());
        }
    }
}
