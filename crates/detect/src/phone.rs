//! Telephone numbers, by libphonenumber's rules.

use creance_model::{DataClass, Match, Message};

use crate::{Card, Context, Detector, Sighting, key, texts};

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

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, part, text) in texts(message) {
            let whole = text.trim();
            let digits = whole.chars().filter(char::is_ascii_digit).count();
            let shaped = whole.len() <= 32
                && whole.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c))
                && (7..=15).contains(&digits)
                && whole.chars().filter(char::is_ascii_digit).any(|c| !whole.starts_with(c));
            if shaped && part.name.as_deref().is_some_and(is_named) {
                emit(Sighting::whole(DataClass::Phone, Match::Structured, "phone", index, whole));
                continue;
            }
            for (start, end) in international(text) {
                let Some(number) = text.get(start..end) else { continue };
                emit(Sighting {
                    range: Some([start as u64, end as u64]),
                    ..Sighting::whole(DataClass::Phone, Match::Pattern, "phone", index, number)
                });
            }
        }
    }
}

const KEYS: &[&str] = &[
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
const OTHERWISE: &[&str] = &[
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

fn is_named(name: &str) -> bool {
    key::says(name, KEYS) && !key::words(name).iter().any(|word| OTHERWISE.contains(&word))
}

/// Candidates of one text that are given to libphonenumber's rules, which are slow.
const MOST: usize = 200;

/// Where numbers with a plus and a country code stand in a text.
fn international(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let candidates = text.match_indices('+').filter(|(at, _)| {
        let alone = at
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        alone && bytes.get(at + 1).is_some_and(|byte| matches!(byte, b'1'..=b'9'))
    });
    for (start, _) in candidates.take(MOST) {
        // Ends of runs of digits; the longest stretch that is a number is it.
        let mut ends = Vec::new();
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
        let number = ends.into_iter().rev().find(|end| text.get(start..*end).is_some_and(valid));
        found.extend(number.map(|end| (start, end)));
    }
    found
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
