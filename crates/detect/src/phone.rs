//! Telephone numbers, by libphonenumber's rules.

use creance_model::{DataClass, Match};
use smallvec::SmallVec;

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View,
    key::{Names, Words},
    view::{Glance, sign},
};

/// Telephone numbers with their country code, and any in fields named for them.
pub(crate) struct Phone;

impl Detector for Phone {
    fn card(&self) -> &'static Card {
        &Card {
            id: "phone",
            what: "a telephone number",
            why: "It names a person, reaches them, and opens accounts.",
            wrong: "Numbers of hotlines look the same. Digits without a plus and without a field name are not taken for numbers.",
            classes: &[DataClass::Phone],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let mut seen = 0;
        let wanted = |glance: Glance, words: Words<'_>| {
            glance.has(sign::DIGIT) && (glance.has(sign::PLUS) || is_named(words))
        };
        for (index, _, text) in message.texts_where(wanted) {
            let whole = text.trim();
            if is_named(message.words(index)) && is_shaped(whole) {
                sink.sight(Sighting::whole(DataClass::Phone, Match::Structured, "phone", index, whole));
                continue;
            }
            for (start, ends) in international(text) {
                if seen == MOST {
                    return sink.limited("telephone numbers in one message");
                }
                seen += 1;
                // The longest stretch that is a number is it.
                let Some((end, number)) = ends
                    .into_iter()
                    .rev()
                    .find_map(|end| Some((end, text.get(start..end).filter(|text| valid(text))?)))
                else {
                    continue;
                };
                sink.sight(Sighting {
                    range: Some([start as u64, end as u64]),
                    ..Sighting::whole(DataClass::Phone, Match::Pattern, "phone", index, number)
                });
            }
        }
    }
}

pub(crate) const KEYS: &[&str] = &[
    "phone",
    "phones",
    "tel",
    "telephone",
    "mobile",
    "msisdn",
    "sms",
    "smsto",
    "cellphone",
    "phonenumber",
    "mobilephone",
    "phoneno",
    "mobileno",
    "mobilenumber",
    "telno",
    "userphone",
    "whatsapp",
];

/// Words that make a key one about something else of a phone: `phone_time`, `mobile_model`.
pub(crate) const OTHERWISE: &[&str] = &[
    "time",
    "timestamp",
    "ts",
    "id",
    "model",
    "type",
    "count",
    "version",
    "os",
    "code",
    "brand",
    "verified",
    "hash",
    "date",
    "size",
    "width",
    "height",
    "lat",
    "lon",
    "lng",
    "uuid",
];

const fn is_named(words: Words<'_>) -> bool {
    words.say(Names::Phones) && !words.hold(Names::NotPhones)
}

/// Digits with the signs that people put between them; not all digits the same.
pub(crate) fn is_shaped(text: &str) -> bool {
    let digits = || text.bytes().filter(u8::is_ascii_digit);
    text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-(). ".contains(&byte))
        && (7..=15).contains(&digits().count())
        && digits().any(|byte| !text.as_bytes().starts_with(&[byte]))
}

/// Where numbers with a plus and a country code may stand in a text: the start, and the ends of runs of digits.
fn international(text: &str) -> impl Iterator<Item = (usize, SmallVec<[usize; 16]>)> {
    let bytes = text.as_bytes();
    text.match_indices('+').filter_map(move |(start, _)| {
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        let first = bytes.get(start + 1)?;
        if before.is_some_and(u8::is_ascii_alphanumeric) || !matches!(first, b'1'..=b'9') {
            return None;
        }
        let mut ends = SmallVec::new();
        let mut digits = 0;
        for (at, byte) in bytes.iter().enumerate().skip(start + 1).take(24) {
            match byte {
                b'0'..=b'9' if digits < 15 => digits += 1,
                b' ' | b'-' | b'(' | b')' | b'.' => {}
                _ => break,
            }
            let more = bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            if byte.is_ascii_digit() && !more && digits >= 7 {
                ends.push(at + 1);
            }
        }
        (!ends.is_empty()).then_some((start, ends))
    })
}

/// Whether a number with its country code is one that its country gives out.
pub(crate) fn valid(text: &str) -> bool {
    phonenumber::parse(None, text).is_ok_and(|number| phonenumber::is_valid(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{fields, told};

    #[test]
    fn reports() {
        for (name, text, matched, value) in [
            ("tel", "0900-779195", Match::Structured, "0900-779195"),
            ("userPhone", "13800138000", Match::Structured, "13800138000"),
            ("x", "+886 900 779 195", Match::Pattern, "+886 900 779 195"),
            ("note", "call +49 30 901820 at 10", Match::Pattern, "+49 30 901820"),
        ] {
            let told = told(&fields(&[(name, text)]));
            assert_eq!(told, [(DataClass::Phone, matched, value.to_owned())], "{text}");
        }
    }

    #[test]
    fn ignores() {
        for (name, text) in [
            ("ts", "1700000000"),
            ("phone_time", "1700000000"),
            ("phoneModel", "202100417"),
            ("tel", "0000000"),
            ("order", "886900779195"),
            ("zone", "2026-06-11T08:00:00+0800"),
            ("telemetry", "1234567890"),
            ("x", "+999 1234567"),
            ("x", "a+15550100"),
        ] {
            assert!(told(&fields(&[(name, text)])).is_empty(), "{name}={text}");
        }
    }

    #[test]
    fn the_country_decides() {
        assert!(valid("+886 900 779 195") && valid("+49 30 901820"));
        assert!(!valid("+999 123") && !valid("12345"));
    }
}
