//! Names of people, in fields named for them.

use creance_model::{DataClass, Match};

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View, contacts,
    key::{Names, Words},
};

/// Names of people by field name and shape.
pub(crate) struct Person;

impl Detector for Person {
    fn card(&self) -> &'static Card {
        &Card {
            id: "person",
            what: "the name of a person: given and family name in fields named for them, or a name beside a telephone number or an address",
            why: "It says whose device it is.",
            wrong: "A field for names may hold that of a company or of a test account.",
            classes: &[DataClass::PersonName],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        let mut seen = 0;
        for (index, _, text) in message.named_where(|_, words| is_asked(words)) {
            let words = message.words(index);
            let Some(record) = message.parent(index) else { continue };
            let name = if words.end(Names::Given) {
                let family = message
                    .record(record)
                    .find(|other| message.words(*other).end(Names::Family))
                    .map(|other| message.text(other).trim());
                match family.filter(|family| is_word(family) && is_word(text.trim())) {
                    // Written in one, family first.
                    Some(family) if text.trim().chars().chain(family.chars()).all(is_cjk) => {
                        format!("{family}{}", text.trim())
                    }
                    Some(family) => format!("{} {family}", text.trim()),
                    None => continue,
                }
            } else if is_name(text.trim()) && (words.end(Names::Persons) || is_beside_reach(message, record))
            {
                text.trim().to_owned()
            } else {
                continue;
            };
            if contacts::is_entry(message, record) {
                continue;
            }
            if seen == MOST {
                return sink.limited("names of people in one message");
            }
            seen += 1;
            sink.sight(Sighting::whole(DataClass::PersonName, Match::Structured, "person", index, name));
        }
    }
}

const fn is_asked(words: Words<'_>) -> bool {
    words.end(Names::Given) || words.end(Names::Persons) || words.are(Names::Name)
}

pub(crate) const GIVEN: &[&str] = &["firstname", "givenname", "forename", "fname", "vorname"];

pub(crate) const FAMILY: &[&str] = &["lastname", "familyname", "surname", "lname", "nachname"];

/// Names of people and of nothing else.
pub(crate) const FULL: &[&str] = &[
    "fullname",
    "realname",
    "legalname",
    "pilotname",
    "ownername",
    "operatorname",
    "contactname",
    "personname",
];

/// A name of anything.
pub(crate) const NAME: &[&str] = &["name", "displayname", "username"];

/// Whether a record says how to reach somebody.
fn is_beside_reach(message: &View<'_>, record: usize) -> bool {
    message.record(record).any(|field| {
        let words = message.words(field);
        (words.are(Names::Phones) || words.end(Names::Emails)) && {
            let text = message.text(field);
            text.contains('@') || text.bytes().filter(u8::is_ascii_digit).count() >= 7
        }
    })
}

/// A word of a name.
fn is_word(text: &str) -> bool {
    let letters = |c: char| c.is_alphabetic() || matches!(c, '-' | '\'' | '’' | '.' | ' ');
    (1..=40).contains(&text.chars().count())
        && text.chars().all(letters)
        && text.chars().next().is_some_and(char::is_alphabetic)
}

/// Whether a text has the shape of a person's name: two to four words with capitals, or two to four signs of Chinese,
/// Japanese or Korean.
pub(crate) fn is_name(text: &str) -> bool {
    let signs = text.chars().count();
    if (2..=4).contains(&signs) && text.chars().all(is_cjk) {
        return true;
    }
    let words = text.split_whitespace().count();
    let capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let lower = |word: &str| word.chars().any(char::is_lowercase);
    (2..=4).contains(&words)
        && signs <= 80
        && text.split_whitespace().all(|word| is_word(word) && capital(word))
        && text.split_whitespace().any(lower)
        && !text.split_whitespace().any(|word| ORGANISATIONS.contains(&&*word.to_lowercase()))
}

/// Unified ideographs and Hangul syllables.
const fn is_cjk(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Words that a name of a person has not.
const ORGANISATIONS: &[&str] = &[
    "inc",
    "ltd",
    "gmbh",
    "llc",
    "corp",
    "co",
    "support",
    "service",
    "services",
    "team",
    "center",
    "centre",
    "sales",
    "company",
    "app",
    "drone",
    "police",
    "department",
    "university",
    "test",
    "admin",
    "info",
    "office",
    "help",
    "desk",
    "hotline",
];

#[cfg(test)]
mod tests {
    use creance_model::Carrier;

    use super::*;
    use crate::fixture::{fields, parts, told};

    fn name(value: &str) -> (DataClass, Match, String) {
        (DataClass::PersonName, Match::Structured, value.to_owned())
    }

    #[test]
    fn reports() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[("first_name", "Oskar"), ("last_name", "Lindqvarn")], "Oskar Lindqvarn"),
            (&[("user.givenName", "Åsa"), ("user.familyName", "O'Neill-Berg")], "Åsa O'Neill-Berg"),
            (&[("name", "Oskar Lindqvarn"), ("tel", "0900-779195")], "Oskar Lindqvarn"),
            (&[("pilotName", "Oskar Lindqvarn")], "Oskar Lindqvarn"),
            (&[("real_name", "王小明")], "王小明"),
            (&[("first_name", "小明"), ("last_name", "王")], "王小明"),
        ];
        for (list, value) in table {
            assert!(told(&fields(list)).contains(&name(value)), "{list:?}: {:?}", told(&fields(list)));
        }
    }

    #[test]
    fn ignores() {
        let table: &[&[(&str, &str)]] = &[
            &[("first_name", "Oskar")],
            &[("name", "Oskar Lindqvarn")],
            &[("name", "Sky Vendor Support"), ("phone", "+886900779195")],
            &[("name", "voltmeter"), ("tel", "0900-779195")],
            &[("file_name", "Oskar Lindqvarn"), ("tel", "0900-779195")],
            &[("full_name", "GPS MODE")],
            &[("first_name", "1"), ("last_name", "2")],
        ];
        for list in table {
            let told = told(&fields(list));
            assert!(told.iter().all(|(class, ..)| *class != DataClass::PersonName), "{list:?}: {told:?}");
        }
    }

    #[test]
    fn entries_of_a_list_of_contacts_are_contacts() {
        let message = parts(&[
            (Carrier::Body, None, "request body", None, b""),
            (Carrier::Body, Some(0), "json:/contacts", None, b""),
            (Carrier::Body, Some(1), "json:/contacts/0", None, b""),
            (Carrier::Body, Some(2), "json:/contacts/0/name", Some("name"), b"Dario Quillfeather"),
            (Carrier::Body, Some(2), "json:/contacts/0/phone", Some("phone"), b"+886900775557"),
        ]);
        assert!(told(&message).iter().all(|(class, ..)| *class != DataClass::PersonName));
    }
}
