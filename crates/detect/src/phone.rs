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
        }
    }

    fn look(&self, message: &Message, _: &Context, emit: &mut dyn FnMut(Sighting)) {
        for (index, part, text) in texts(message) {
            let text = text.trim();
            if text.len() < 7 || text.len() > 32 {
                continue;
            }
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let shaped = text.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c))
                && (7..=15).contains(&digits);
            if !shaped {
                continue;
            }
            let named = part.name.as_deref().is_some_and(|name| key::says(name, KEYS));
            let international = text.starts_with('+') && valid(text);
            let matched = match (named, international) {
                (true, _) => Match::Structured,
                (false, true) => Match::Pattern,
                _ => continue,
            };
            emit(Sighting::whole(DataClass::Phone, matched, "phone", index, text));
        }
    }
}

const KEYS: &[&str] =
    &["phone", "tel", "telephone", "mobile", "msisdn", "cellphone", "phonenumber", "mobilephone", "phoneno"];

/// Whether a number with its country code is one that its country gives out.
pub(crate) fn valid(text: &str) -> bool {
    phonenumber::parse(None, text).is_ok_and(|number| phonenumber::is_valid(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_decides() {
        assert!(valid("+886 900 779 195") && valid("+49 30 901820"));
        assert!(!valid("+999 123") && !valid("12345"));
    }
}
