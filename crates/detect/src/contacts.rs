//! Lists of contacts: names with telephone numbers or addresses, in a list called so or in one of several, and vCards.

use std::collections::BTreeMap;

use creance_model::{DataClass, Match};

use crate::{
    Card, Context, Detector, MOST, Sighting, Sink, View,
    key::{Names, Words},
    person, phone,
};

/// Entries of address books.
pub(crate) struct Contacts;

impl Detector for Contacts {
    fn card(&self) -> &'static Card {
        &Card {
            id: "contacts",
            what: "entries of an address book: names with telephone numbers or addresses in a list, or vCards",
            why: "They are about people who never used the device.",
            wrong: "A list of a company's own offices looks the same.",
            classes: &[DataClass::Contacts],
        }
    }

    fn look(&self, message: &View<'_>, _: &Context, sink: &mut Sink<'_>) {
        // The lists, and in each the names with their parts.
        let mut lists: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut seen = 0;
        for (index, _, text) in message.named_where(|_, words| is_named(words)) {
            let Some((record, list)) = place(message, index) else { continue };
            if !person::is_name(text.trim()) || !reaches(message, record) {
                continue;
            }
            if seen == MOST {
                sink.limited("contacts in one message");
                break;
            }
            seen += 1;
            lists.entry(list).or_default().push(index);
        }
        for (list, names) in lists {
            if names.len() < FEW && !message.is_called(list, CALLED) {
                continue;
            }
            for index in names {
                let name = message.text(index).trim();
                sink.sight(Sighting::whole(DataClass::Contacts, Match::Structured, "contacts", index, name));
            }
        }
        for (index, _, text) in message.texts_where(|glance, _| glance.length >= 32) {
            if !text.trim_start().starts_with("BEGIN:VCARD") {
                continue;
            }
            for name in vcards(text) {
                if seen == MOST {
                    return sink.limited("contacts in one message");
                }
                seen += 1;
                sink.sight(Sighting::whole(DataClass::Contacts, Match::Structured, "contacts", index, name));
            }
        }
    }
}

/// Entries from which on a list is one of contacts, whatever it is called.
const FEW: usize = 3;

/// What lists of contacts are called.
const CALLED: &[&str] = &[
    "contacts",
    "contact",
    "addressbook",
    "phonebook",
    "friends",
    "buddies",
    "contactlist",
    "vcards",
    "people",
];

/// Names of an entry's name.
pub(crate) const ENTRY: &[&str] =
    &["name", "n", "fn", "displayname", "fullname", "contactname", "nickname", "label"];

const fn is_named(words: Words<'_>) -> bool {
    words.are(Names::Entries)
}

/// The record and the list that a field lies in, if it does.
fn place(message: &View<'_>, field: usize) -> Option<(usize, usize)> {
    let record = message.parent(field)?;
    Some((record, message.parent(record)?))
}

/// Whether a record is one of a list that is called one of contacts.
pub(crate) fn is_entry(message: &View<'_>, record: usize) -> bool {
    message.parent(record).is_some_and(|list| message.is_called(list, CALLED))
}

/// Whether a record holds a number or an address, and nothing that makes it one of other things.
fn reaches(message: &View<'_>, record: usize) -> bool {
    // Numbers may stand in a list of their own.
    message.below(record).any(|field| {
        let text = message.text(field).trim();
        let number =
            (text.starts_with('+') || message.words(field).say(Names::Phones)) && phone::is_shaped(text);
        number || (text.contains('@') && text.len() <= 254 && !text.contains(char::is_whitespace))
    })
}

/// The names of vCards (RFC 6350 §6.2.1).
fn vcards(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (property, value) = line.split_once(':')?;
        let property = property.split(';').next()?;
        (property.eq_ignore_ascii_case("FN") && !value.trim().is_empty()).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, body, parts, told};
    use creance_model::Carrier;

    fn list<'a>(called: &'a str, rows: &'a [(&'a str, &'a str)]) -> Vec<(DataClass, Match, String)> {
        let mut all: Vec<Shape<'a>> = vec![
            (Carrier::Body, None, "request body", None, b""),
            (Carrier::Body, Some(0), called, None, b""),
        ];
        for (name, number) in rows {
            let record = all.len();
            all.push((Carrier::Body, Some(1), "json:/x/0", None, b""));
            all.push((Carrier::Body, Some(record), "json:/x/0/n", Some("n"), name.as_bytes()));
            all.push((Carrier::Body, Some(record), "json:/x/0/p", Some("p"), number.as_bytes()));
        }
        let told = told(&parts(&all));
        told.into_iter().filter(|(class, ..)| *class == DataClass::Contacts).collect()
    }

    const ONE: &[(&str, &str)] = &[("Dario Quillfeather", "+886900775557")];

    #[test]
    fn entries_of_what_is_called_contacts_and_of_longer_lists_are_told() {
        let dario = (DataClass::Contacts, Match::Structured, "Dario Quillfeather".to_owned());
        assert_eq!(list("json:/contacts", ONE), [dario]);
        assert!(list("json:/staff", ONE).is_empty());
        let three =
            [ONE, &[("Ilka Sommerfenn", "+886900562578"), ("Åsa Berg", "a.berg@skylark.example")]].concat();
        assert_eq!(list("json:/staff", &three).len(), 3);
        assert!(list("json:/contacts", &[("Dario Quillfeather", "12")]).is_empty());
        assert!(list("json:/contacts", &[("support", "+886900775557")]).is_empty());
    }

    #[test]
    fn vcards_are_told_by_their_names() {
        let told = told(&body(
            b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN;PREF=1:Dario Quillfeather\r\nTEL:1\r\nEND:VCARD\r\n",
        ));
        assert_eq!(told, [(DataClass::Contacts, Match::Structured, "Dario Quillfeather".to_owned())]);
    }
}
