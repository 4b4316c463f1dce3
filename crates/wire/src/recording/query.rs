//! How values of a recording are asked for, whatever it is written in.

use creance_model::Timestamp;

/// A value that may hold others.
pub(super) trait Query: Copy + Sized {
    /// The value under a key.
    fn get(self, name: &str) -> Option<Self>;

    /// The values of a list.
    fn list(self) -> impl Iterator<Item = Self>;

    /// The bytes of a text, number or word other than null, and whether some are missing.
    fn bytes(self) -> Option<(Vec<u8>, bool)>;

    /// Whether it is text, not a number or a word.
    fn is_text(self) -> bool;

    /// Words under a key.
    fn text(self, name: &str) -> Option<String> {
        self.get(name)?.words()
    }

    /// These words.
    fn words(self) -> Option<String> {
        Some(String::from_utf8_lossy(&self.bytes()?.0).into_owned())
    }

    /// A whole number under a key, of one with decimals what stands before the point. Negative ones, which stand for
    /// "unknown", are none.
    fn number(self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        text.split('.').next()?.parse().ok()
    }

    /// A flag under a key.
    fn flag(self, name: &str) -> bool {
        self.text(name).is_some_and(|word| word == "true")
    }

    /// A moment under a key: RFC 3339, or seconds since 1970.
    fn moment(self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(&self.text(name)?)
    }
}
