//! Keys of fields as words: `droneSN`, `drone_sn` and `drone-sn` say the same.
//!
//! Every detector asks this of every field: usual keys are taken apart without allocation.

use smallvec::{SmallVec, smallvec};

/// The words of a key, lower case.
pub(crate) struct Words {
    /// All of them, run together.
    text: SmallVec<[u8; 64]>,
    /// Where each begins, and where the last one ends.
    bounds: SmallVec<[usize; 12]>,
}

impl Words {
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// All words, run together.
    pub(crate) fn whole(&self) -> &str {
        self.joined(0, self.len())
    }

    /// The words from the `first` up to the `end`th, run together.
    pub(crate) fn joined(&self, first: usize, end: usize) -> &str {
        let bound = |index| self.bounds.get(index).copied().unwrap_or(self.text.len());
        let bytes = self.text.get(bound(first)..bound(end)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.joined(index, index + 1))
    }
}

/// Takes a key apart: at what is neither letter nor digit, and where a capital follows a small letter.
pub(crate) fn words(key: &str) -> Words {
    let mut text = SmallVec::new();
    let mut bounds: SmallVec<[usize; 12]> = smallvec![0];
    let mut before = ' ';
    for c in key.chars() {
        let boundary = c.is_uppercase() && before.is_lowercase();
        if (boundary || !c.is_alphanumeric()) && bounds.last() != Some(&text.len()) {
            bounds.push(text.len());
        }
        if c.is_ascii_alphanumeric() {
            text.push(c.to_ascii_lowercase() as u8);
        } else if c.is_alphanumeric() {
            for small in c.to_lowercase() {
                text.extend_from_slice(small.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        before = c;
    }
    if bounds.last() != Some(&text.len()) {
        bounds.push(text.len());
    }
    Words { text, bounds }
}

/// Whether a key is one of these names, or has one of them among its words.
pub(crate) fn says(key: &str, names: &[&str]) -> bool {
    let words = words(key);
    names.contains(&words.whole()) || words.iter().any(|word| names.contains(&word))
}

/// Whether a key, its words run together, is one of these names.
pub(crate) fn is(key: &str, names: &[&str]) -> bool {
    names.contains(&words(key).whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fall_into_words() {
        let split = |key| words(key).iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(split("droneSN_v2"), ["drone", "sn", "v2"]);
        assert_eq!(split("__GrößeÄrger-1."), ["größe", "ärger", "1"]);
        assert!(split("").is_empty() && split("-- ").is_empty());
        assert!(says("user_email", &["email"]) && is("device-id", &["deviceid"]));
        assert!(!says("platitude", &["lat"]) && !says("", &["lat"]));
    }
}
