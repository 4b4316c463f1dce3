//! Keys of fields as words: `droneSN`, `drone_sn` and `drone-sn` say the same.
//!
//! Every detector asks this of every field. The keys of a message are taken apart once, into memory that all share, and
//! are compared with the names of all detectors at once.

use std::{collections::HashMap, sync::LazyLock};

use crate::{canary, contacts, credential, device_id, email, location, messages, person, phone, serial};

/// Lists of names that detectors look for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    Authorization,
    Secrets,
    Tokens,
    Emails,
    Agents,
    People,
    Phones,
    NotPhones,
    Degrees,
    Places,
    Coordinates,
    Viewports,
    Serials,
    Requests,
    Subscribers,
    Devices,
    Accounts,
    Networks,
    Stations,
    Addresses,
    OfDevices,
    Unique,
    Id,
    Given,
    Family,
    Persons,
    Name,
    Entries,
    Peers,
    Events,
}

impl Names {
    const ALL: &[Self] = &[
        Self::Authorization,
        Self::Secrets,
        Self::Tokens,
        Self::Emails,
        Self::Agents,
        Self::People,
        Self::Phones,
        Self::NotPhones,
        Self::Degrees,
        Self::Places,
        Self::Coordinates,
        Self::Viewports,
        Self::Serials,
        Self::Requests,
        Self::Subscribers,
        Self::Devices,
        Self::Accounts,
        Self::Networks,
        Self::Stations,
        Self::Addresses,
        Self::OfDevices,
        Self::Unique,
        Self::Id,
        Self::Given,
        Self::Family,
        Self::Persons,
        Self::Name,
        Self::Entries,
        Self::Peers,
        Self::Events,
    ];

    const fn list(self) -> &'static [&'static str] {
        match self {
            Self::Authorization => credential::AUTHORIZATION,
            Self::Secrets => credential::SECRETS,
            Self::Tokens => credential::TOKENS,
            Self::Emails => email::KEYS,
            Self::Agents => email::AGENT,
            Self::People => email::HEADERS,
            Self::Phones => phone::KEYS,
            Self::NotPhones => phone::OTHERWISE,
            Self::Degrees => location::DEGREES,
            Self::Places => location::PLACES,
            Self::Coordinates => location::COORDINATES,
            Self::Viewports => canary::VIEWPORTS,
            Self::Serials => serial::KEYS,
            Self::Requests => serial::REQUESTS,
            Self::Subscribers => device_id::SUBSCRIBER,
            Self::Devices => device_id::DEVICE,
            Self::Accounts => device_id::ACCOUNT,
            Self::Networks => device_id::NETWORK,
            Self::Stations => device_id::STATION,
            Self::Addresses => device_id::ADDRESS,
            Self::OfDevices => device_id::BESIDE,
            Self::Unique => device_id::UNIQUE,
            Self::Id => device_id::ID_ALONE,
            Self::Given => person::GIVEN,
            Self::Family => person::FAMILY,
            Self::Persons => person::FULL,
            Self::Name => person::NAME,
            Self::Entries => contacts::ENTRY,
            Self::Peers => messages::PEERS,
            Self::Events => messages::EVENTS,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// In which lists each name stands.
struct Lists {
    lists: HashMap<&'static str, u32, foldhash::fast::FixedState>,
    /// By the first byte of names, which lengths they have: most words are of none of these.
    lengths: [u32; 128],
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut all = Lists { lists: HashMap::default(), lengths: [0; 128] };
    for names in Names::ALL {
        for name in names.list() {
            *all.lists.entry(*name).or_default() |= names.bit();
            if let Some(lengths) =
                name.bytes().next().and_then(|first| all.lengths.get_mut(usize::from(first)))
            {
                *lengths |= 1 << name.len();
            }
        }
    }
    all
});

impl Lists {
    /// In which lists a word stands.
    fn of(&self, word: &str) -> u32 {
        let lengths = word.bytes().next().and_then(|first| self.lengths.get(usize::from(first)));
        match lengths.and_then(|lengths| lengths.checked_shr(u32::try_from(word.len()).ok()?)) {
            Some(lengths) if lengths & 1 == 1 => self.lists.get(word).copied().unwrap_or_default(),
            _ => 0,
        }
    }
}

/// Keys taken apart.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The words of all keys, lower case, run together.
    text: String,
    /// Where each word begins, and where the last of each key ends.
    bounds: Vec<usize>,
    /// Where the bounds of each key begin, and what it says.
    each: Vec<(usize, Said)>,
}

/// In which lists of names a key stands.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    /// The whole key, its words run together.
    whole: u32,
    /// One of its words.
    words: u32,
    /// Its last words, three at most, run together.
    last: u32,
    /// Whether it may name a coordinate.
    coordinate: bool,
}

/// The words of one key, lower case. Every detector asks most fields what their keys say, and few for the words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    keys: &'a Keys,
    index: usize,
    said: Said,
}

impl Keys {
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), bounds: Vec::new(), each: Vec::new() }
    }

    /// Room for so many usual keys.
    pub(crate) fn with_capacity(keys: usize) -> Self {
        Self {
            text: String::with_capacity(12 * keys),
            bounds: Vec::with_capacity(3 * keys),
            each: Vec::with_capacity(keys),
        }
    }

    /// Takes a key apart, at what is neither letter nor digit, and where a capital follows a small letter.
    pub(crate) fn add(&mut self, key: &str) {
        let first = self.bounds.len();
        self.bounds.push(self.text.len());
        let mut before = ' ';
        for c in key.chars() {
            let boundary = c.is_uppercase() && before.is_lowercase();
            if boundary || !c.is_alphanumeric() {
                self.bound();
            }
            if c.is_ascii_alphanumeric() {
                self.text.push(c.to_ascii_lowercase());
            } else if c.is_alphanumeric() {
                self.text.extend(c.to_lowercase());
            }
            before = c;
        }
        self.bound();
        let index = self.each.len();
        self.each.push((first, Said::default()));
        let said = self.get(index).compared(&LISTS);
        self.each.last_mut().into_iter().for_each(|(_, last)| *last = said);
    }

    fn bound(&mut self) {
        if self.bounds.last() != Some(&self.text.len()) {
            self.bounds.push(self.text.len());
        }
    }

    /// How many keys there are.
    pub(crate) const fn len(&self) -> usize {
        self.each.len()
    }

    /// The words of a key, by its place.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Words<'_> {
        let said = self.each.get(index).map_or_else(Said::default, |(_, said)| *said);
        Words { keys: self, index, said }
    }

    /// Where each word of a key begins, and where the last one ends.
    fn bounds_of(&self, index: usize) -> &[usize] {
        let first = |index: usize| self.each.get(index).map_or(self.bounds.len(), |(first, _)| *first);
        self.bounds.get(first(index)..first(index + 1)).unwrap_or_default()
    }

    /// Whether any detector asks for a name that a key says.
    #[inline]
    pub(crate) fn say_any(&self, index: usize) -> bool {
        self.each
            .get(index)
            .is_some_and(|(_, said)| said.whole | said.words | said.last != 0 || said.coordinate)
    }

    /// All keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Words<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<'a> Words<'a> {
    fn compared(self, lists: &Lists) -> Said {
        let mut said = Said::default();
        for word in self.iter() {
            said.last = lists.of(word);
            said.words |= said.last;
        }
        let end = self.len();
        said.whole = if end == 1 { said.last } else { lists.of(self.whole()) };
        if let Some(first) = end.checked_sub(2) {
            said.last |= lists.of(self.joined(first, end));
        }
        if let Some(first) = end.checked_sub(3) {
            said.last |= lists.of(self.joined(first, end));
        }
        said.coordinate =
            self.whole().as_bytes().windows(3).any(|some| matches!(some, b"lat" | b"lon" | b"lng"));
        said
    }

    pub(crate) fn len(self) -> usize {
        self.bounds().len().saturating_sub(1)
    }

    fn bounds(self) -> &'a [usize] {
        self.keys.bounds_of(self.index)
    }

    /// All words, run together.
    pub(crate) fn whole(self) -> &'a str {
        self.joined(0, self.len())
    }

    /// The words from the `first` up to the `end`th, run together.
    pub(crate) fn joined(self, first: usize, end: usize) -> &'a str {
        let bounds = self.bounds();
        let bound = |index: usize| bounds.get(index).copied();
        bound(first).zip(bound(end)).and_then(|(from, to)| self.keys.text.get(from..to)).unwrap_or_default()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |index| self.joined(index, index + 1))
    }

    /// Whether the key is one of these names, or has one of them among its words.
    pub(crate) const fn say(self, names: Names) -> bool {
        (self.said.whole | self.said.words) & names.bit() != 0
    }

    /// Whether one of these names is among its words.
    pub(crate) const fn hold(self, names: Names) -> bool {
        self.said.words & names.bit() != 0
    }

    /// Whether the key may name a coordinate: `lat`, `lon` or `lng` stands in it.
    pub(crate) const fn may_be_coordinate(self) -> bool {
        self.said.coordinate
    }

    /// Whether the key, its words run together, is one of these names.
    pub(crate) const fn are(self, names: Names) -> bool {
        self.said.whole & names.bit() != 0
    }

    /// Whether the key ends in one of these names: `old_password` does, `password_changed_at` does not.
    pub(crate) const fn end(self, names: Names) -> bool {
        self.said.last & names.bit() != 0
    }
}

/// Whether a key, its words run together, is this name.
pub(crate) fn is(key: &str, name: &str) -> bool {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).eq(name.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(list: &[&str]) -> Keys {
        let mut keys = Keys::new();
        for key in list {
            keys.add(key);
        }
        keys
    }

    #[test]
    fn keys_fall_into_words() {
        let keys = keys(&["droneSN_v2", "__GrößeÄrger-1.", "", "-- ", "user_email"]);
        let split = |index| keys.get(index).iter().collect::<Vec<_>>();
        assert_eq!(split(0), ["drone", "sn", "v2"]);
        assert_eq!(split(1), ["größe", "ärger", "1"]);
        assert!(split(2).is_empty() && split(3).is_empty() && split(5).is_empty());
        assert_eq!((keys.get(0).whole(), keys.get(0).joined(1, 3)), ("dronesnv2", "snv2"));
        assert!(keys.get(4).say(Names::Emails) && !keys.get(4).are(Names::Emails));
        assert!(!keys.get(2).say(Names::Emails));
    }

    #[test]
    fn a_name_is_a_whole_key_or_a_word_of_it_or_its_end() {
        let keys = keys(&["emailAddress", "my_old_Pass-Word", "password_changed_at", "a_client_secret_b"]);
        assert!(keys.get(0).are(Names::Emails) && keys.get(0).hold(Names::Emails));
        assert!(keys.get(1).end(Names::Secrets) && !keys.get(1).are(Names::Secrets));
        assert!(keys.get(2).hold(Names::Secrets) && !keys.get(2).end(Names::Secrets));
        assert!(keys.get(3).say(Names::Secrets) && !keys.get(3).end(Names::Secrets));
    }

    #[test]
    fn every_list_is_searched_and_no_name_is_longer_than_what_is_looked_for() {
        for (place, names) in Names::ALL.iter().enumerate() {
            assert_eq!(*names as usize, place);
            for name in names.list() {
                assert!(name.len() < 32 && keys(&[name]).get(0).are(*names), "{name}");
            }
        }
    }

    #[test]
    fn words_run_together_are_a_name() {
        assert!(is("User", "user") && is("_us-er", "user") && !is("users", "user") && !is("", "user"));
    }
}
