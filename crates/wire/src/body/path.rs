//! Where a value stands in a document, as a pointer (RFC 6901): the path in steps such as `json:/user/mail`.

use std::{borrow::Cow, fmt::Write};

/// Bytes of a key that are kept, and of the path in a step: a long key would be copied for each value below it.
const MOST_KEY: usize = 256;
const MOST_PATH: usize = 1024;

pub(super) struct Path {
    /// The kind and a colon, and the pointer behind them.
    text: String,
    /// Where the pointer begins.
    begin: usize,
}

impl Path {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { text: [kind, ":"].concat(), begin: kind.len() + 1 }
    }

    /// Goes down to a key; what it gives leads back up.
    pub(super) fn enter(&mut self, key: &str) -> usize {
        let length = self.text.len();
        self.text.push('/');
        if memchr::memchr2(b'~', b'/', key.as_bytes()).is_some() {
            self.text.push_str(&key.replace('~', "~0").replace('/', "~1"));
        } else {
            self.text.push_str(key);
        }
        length
    }

    /// Goes down to an element of an array.
    pub(super) fn enter_index(&mut self, index: usize) -> usize {
        let length = self.text.len();
        self.text.push('/');
        match u8::try_from(index) {
            Ok(digit @ 0..=9) => self.text.push(char::from(b'0' + digit)),
            // Writing to a string does not fail.
            _ => drop(write!(self.text, "{index}")),
        }
        length
    }

    /// Stays where it is.
    pub(super) fn enter_nothing(&self) -> usize {
        self.text.len()
    }

    pub(super) fn leave(&mut self, length: usize) {
        self.text.truncate(length);
    }

    pub(super) fn step(&self) -> Cow<'_, str> {
        // Most are of a value somewhere in the document.
        if (self.begin + 1..=self.begin + MOST_PATH).contains(&self.text.len()) {
            return Cow::Borrowed(&self.text);
        }
        Cow::Owned(self.step_with(""))
    }

    /// The step to something beside the value, or to another reading of it.
    pub(super) fn step_with(&self, suffix: &str) -> String {
        let path = if self.text.len() == self.begin { "/" } else { "" };
        [head(&self.text, self.begin + MOST_PATH), path, suffix].concat()
    }
}

/// A key, as much of it as is kept.
pub(super) fn key(text: &str) -> &str {
    head(text, MOST_KEY)
}

/// The beginning of a text, at most `most` bytes of it.
fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}
