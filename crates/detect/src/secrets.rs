//! Values that must not be read off the names around them: keys of maps, segments of paths, labels of hosts, names of
//! files.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use creance_model::DataClass;

use crate::{key::Keys, plain};

/// What a run saw and what was planted, to be kept out of names that are shown. The default hides nothing.
///
/// Values, and the words of names, addresses and contacts, are hidden wherever their letters and digits stand in a name;
/// short ones (three or four) where they are a word of it. Places are not hidden: names with so many digits are not shown.
#[derive(Debug, Default)]
pub struct Secrets {
    long: Option<AhoCorasick>,
    short: HashSet<String>,
}

/// From this length on, letters and digits do not stand in other words by chance.
const LONG: usize = 5;

/// Shorter ones say nothing.
const SHORT: usize = 3;

impl Secrets {
    /// The secrets of a run: all values that were sighted or planted.
    pub fn new<'a>(values: impl IntoIterator<Item = (DataClass, &'a str)>) -> Self {
        let mut long = HashSet::new();
        let mut short = HashSet::new();
        for form in values.into_iter().flat_map(|(class, value)| forms(class, value)) {
            match form.chars().count() {
                LONG.. => drop(long.insert(form)),
                SHORT.. => drop(short.insert(form)),
                _ => {}
            }
        }
        // More than can be searched at once: everything is hidden.
        let long = (!long.is_empty())
            .then(|| AhoCorasick::new(&long).or_else(|_| AhoCorasick::new([""])).ok())
            .flatten();
        Self { long, short }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.long.is_none() && self.short.is_empty()
    }

    /// Whether a name says one of them.
    pub fn hides(&self, text: &str) -> bool {
        self.long.as_ref().is_some_and(|long| long.is_match(&plain(text)))
            || !self.short.is_empty()
                && (runs(text).any(|word| self.short.contains(&word)) || {
                    let mut keys = Keys::new();
                    keys.add(text);
                    keys.get(0).iter().any(|word| self.short.contains(word))
                })
    }
}

/// What is not to be seen of a value: itself, and its words where they name somebody. Lower case.
fn forms(class: DataClass, value: &str) -> Vec<String> {
    let local = value.split('@').next().unwrap_or_default();
    let mut forms: Vec<String> = match class {
        // Pictures and the like are described, not told.
        DataClass::Location => return Vec::new(),
        _ if value.contains(" bytes, SHA-256 ") => return Vec::new(),
        DataClass::Email => runs(local).chain([plain(local)]).collect(),
        DataClass::PersonName | DataClass::Contacts => runs(value).collect(),
        _ => Vec::new(),
    };
    forms.push(plain(value));
    forms.retain(|form| form.chars().any(char::is_alphanumeric));
    forms
}

/// Runs of letters and digits, in lower case.
fn runs(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_wherever_they_stand_and_short_ones_as_words() {
        let secrets = Secrets::new([
            (DataClass::PersonName, "Oskar Lindqvarn"),
            (DataClass::Email, "ada.b@skylark.example"),
            (DataClass::Serial, "1581F6SKYJU4JF3AN3"),
            (DataClass::AccountId, "u77x"),
            (DataClass::Location, "24.801868,120.965208"),
            (DataClass::Imagery, "JPEG, 600 bytes, SHA-256 ab12cd"),
            (DataClass::Credential, "**!"),
        ]);
        for text in [
            "oskar",
            "olindqvarn",
            "LINDQVARN-2",
            "adaLogin",
            "x_ada",
            "adab_skylark.example",
            "1581f6skyju4jf3an3",
            "1581-F6SKYJU4-JF3AN3",
            "u77x",
            "U77X.b",
        ] {
            assert!(secrets.hides(text), "{text}");
        }
        for text in ["", "adaptive", "u77xy", "skylark", "24801868", "jpeg", "oska", "b"] {
            assert!(!secrets.hides(text), "{text}");
        }
        assert!(!Secrets::default().hides("oskar"));
    }
}
