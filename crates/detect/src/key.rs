//! Keys of fields as words: `droneSN`, `drone_sn` and `drone-sn` say the same.
//!
//! Every detector asks this of every field: the keys of a message are taken apart once, into memory that all share.

/// Keys taken apart.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The words of all keys, lower case, run together.
    text: String,
    /// Where each word begins, and where the last of each key ends.
    bounds: Vec<usize>,
    /// Where the bounds of each key begin.
    firsts: Vec<usize>,
}

/// The words of one key, lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    text: &'a str,
    /// Where each word begins, and where the last one ends.
    bounds: &'a [usize],
}

impl Keys {
    /// Takes keys apart.
    pub(crate) fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let (text, bounds, firsts) = (String::new(), Vec::new(), Vec::with_capacity(keys.size_hint().0));
        let mut all = Self { text, bounds, firsts };
        for key in keys {
            all.add(key);
        }
        all
    }

    /// At what is neither letter nor digit, and where a capital follows a small letter.
    fn add(&mut self, key: &str) {
        self.firsts.push(self.bounds.len());
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
    }

    fn bound(&mut self) {
        if self.bounds.last() != Some(&self.text.len()) {
            self.bounds.push(self.text.len());
        }
    }

    /// The words of a key, by its place.
    pub(crate) fn get(&self, index: usize) -> Words<'_> {
        let first = self.firsts.get(index).copied().unwrap_or(self.bounds.len());
        let end = self.firsts.get(index + 1).copied().unwrap_or(self.bounds.len());
        Words { text: &self.text, bounds: self.bounds.get(first..end).unwrap_or_default() }
    }
}

impl<'a> Words<'a> {
    pub(crate) fn len(self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// All words, run together.
    pub(crate) fn whole(self) -> &'a str {
        self.joined(0, self.len())
    }

    /// The words from the `first` up to the `end`th, run together.
    pub(crate) fn joined(self, first: usize, end: usize) -> &'a str {
        let bound = |index: usize| self.bounds.get(index).copied();
        bound(first).zip(bound(end)).and_then(|(from, to)| self.text.get(from..to)).unwrap_or_default()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(move |index| self.joined(index, index + 1))
    }

    /// Whether the key is one of these names, or has one of them among its words.
    pub(crate) fn say(self, names: &[&str]) -> bool {
        self.are(names) || self.iter().any(|word| names.contains(&word))
    }

    /// Whether the key, its words run together, is one of these names.
    pub(crate) fn are(self, names: &[&str]) -> bool {
        names.contains(&self.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_into_words() {
        let keys = Keys::new(["droneSN_v2", "__GrößeÄrger-1.", "", "-- ", "user_email"].into_iter());
        let split = |index| keys.get(index).iter().collect::<Vec<_>>();
        assert_eq!(split(0), ["drone", "sn", "v2"]);
        assert_eq!(split(1), ["größe", "ärger", "1"]);
        assert!(split(2).is_empty() && split(3).is_empty() && split(5).is_empty());
        assert_eq!((keys.get(0).whole(), keys.get(0).joined(1, 3)), ("dronesnv2", "snv2"));
        assert!(keys.get(4).say(&["email"]) && keys.get(4).are(&["useremail"]));
        assert!(!keys.get(4).are(&["email"]) && !keys.get(2).say(&["lat"]));
    }
}
