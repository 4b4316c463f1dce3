//! One part, and the step that leads to it.

use std::{borrow::Cow, fmt};

use super::{Entry, Kept, NONE, Parts, find};
use crate::Carrier;

/// How a part is got from its parent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step<'a> {
    /// As it is said: `request body`, `gzip`, `base64`, …
    Word(&'a str),
    /// A name of a kind: `form` and `mail` for `form:mail`.
    Of(&'static str, &'a str),
    /// A document of this kind, from which keys and indices lead on: `json` for `json:/`.
    Document(&'static str),
    /// A key in the document that the parent is, or is in: `mail`, below `json:/user`, for `json:/user/mail`.
    Key(&'a str),
    /// An element of the array that the parent is.
    Index(usize),
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(word: &'a str) -> Self {
        Self::Word(word)
    }
}

impl<'a> From<&'a String> for Step<'a> {
    fn from(word: &'a String) -> Self {
        Self::Word(word)
    }
}

/// Bytes of the step to a value in a document behind its kind, at most: keys can be long.
pub(super) const MOST_POINTER: usize = 1024;

/// A stretch of content inside a message, with the way that leads to it.
#[derive(Clone, Copy)]
pub struct Part<'m> {
    pub(super) parts: &'m Parts,
    pub(super) index: usize,
    pub(super) entry: &'m Entry,
}

impl<'m> Part<'m> {
    /// Which of the parts it is.
    pub const fn index(self) -> usize {
        self.index
    }

    /// Where in the message its root rides.
    pub const fn carrier(self) -> Carrier {
        self.entry.carrier
    }

    /// The part it was decoded from: an index, always smaller than its own.
    pub const fn parent(self) -> Option<usize> {
        if self.entry.parent == NONE { None } else { Some(self.entry.parent as usize) }
    }

    /// The name of the field, if it is one: the last key of `json:/user/mail` is `mail`.
    pub fn name(self) -> Option<&'m str> {
        self.is_named().then(|| self.parts.words.get(self.entry.name))
    }

    /// Whether it is a field.
    pub const fn is_named(self) -> bool {
        self.entry.name != NONE
    }

    /// The number of its name: equal names of a message have the same.
    pub const fn name_number(self) -> Option<usize> {
        if self.is_named() { Some(self.entry.name as usize) } else { None }
    }

    /// The decoded bytes.
    pub fn bytes(self) -> &'m [u8] {
        self.parts.at(self.entry.place)
    }

    /// How many these are.
    pub const fn length(self) -> usize {
        self.entry.place.length as usize
    }

    /// The store that they lie in, among [`Parts::stores`].
    pub const fn store(self) -> usize {
        self.entry.place.store as usize
    }

    /// Where in that store they begin.
    pub const fn start(self) -> usize {
        self.entry.place.start as usize
    }

    /// The type of the content, if the bytes are the image of a whole file or document.
    pub fn media_type(self) -> Option<&'m str> {
        find(&self.parts.media_types, self.index).map(String::as_str)
    }

    /// The packets that carried it; none means those of its parent or of the message.
    pub fn packets(self) -> &'m [u64] {
        find(&self.parts.packets, self.index).map(Vec::as_slice).unwrap_or_default()
    }

    /// The step from the parent: `request body`, `gzip`, `json:/user/mail`, `form:mail`, `query:ll`, `base64`, …
    pub fn step(self) -> Cow<'m, str> {
        match self.entry.step {
            Kept::Word(word) => Cow::Borrowed(self.parts.words.get(word)),
            Kept::Of(kind, word) => Cow::Owned([self.kind(kind), ":", self.parts.words.get(word)].concat()),
            Kept::Document(_) | Kept::Key(_) | Kept::Index(_) => Cow::Owned(self.pointer()),
        }
    }

    /// Whether this is its step.
    pub fn is(self, step: &str) -> bool {
        match self.entry.step {
            Kept::Word(word) => self.parts.words.get(word) == step,
            Kept::Of(kind, word) => after(step, self.kind(kind)) == Some(self.parts.words.get(word)),
            // Most that are asked for lead into no document.
            Kept::Document(_) | Kept::Key(_) | Kept::Index(_) => step.contains(":/") && self.step() == step,
        }
    }

    /// What its step names, if it is one of this kind: `mail`, if it is `form:mail` and the kind `form`.
    pub fn step_of(self, kind: &str) -> Option<&'m str> {
        match self.entry.step {
            Kept::Word(word) => after(self.parts.words.get(word), kind),
            Kept::Of(known, word) => (self.kind(known) == kind).then(|| self.parts.words.get(word)),
            Kept::Document(_) | Kept::Key(_) | Kept::Index(_) => None,
        }
    }

    /// Whether its step says that of its parent as well, for both lie in one document.
    pub(super) fn points_below(self) -> bool {
        let above = self.parent().and_then(|parent| self.parts.get(parent)).map(|parent| parent.entry.step);
        match (self.entry.step, above) {
            (Kept::Key(_) | Kept::Index(_), Some(Kept::Document(_) | Kept::Key(_) | Kept::Index(_))) => true,
            (Kept::Word(step), Some(Kept::Word(above))) => {
                goes_on(self.parts.words.get(step), self.parts.words.get(above))
            }
            _ => false,
        }
    }

    fn kind(self, kind: u8) -> &'static str {
        self.parts.kinds.get(usize::from(kind)).copied().unwrap_or_default()
    }

    /// The way to a value as a pointer (RFC 6901) behind the kind of its document: `json:/user/mail`.
    fn pointer(self) -> String {
        let mut keys = Vec::new();
        let mut kind = "";
        for part in self.parts.up(self.index) {
            match part.entry.step {
                Kept::Key(key) => keys.push(Cow::Borrowed(self.parts.words.get(key))),
                Kept::Index(index) => keys.push(Cow::Owned(index.to_string())),
                Kept::Document(known) => {
                    kind = self.kind(known);
                    break;
                }
                Kept::Word(_) | Kept::Of(..) => break,
            }
        }
        let mut pointer = format!("{kind}:");
        let most = pointer.len() + MOST_POINTER;
        for key in keys.iter().rev() {
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
        if keys.is_empty() {
            pointer.push('/');
        }
        pointer.truncate(pointer.floor_char_boundary(most));
        pointer
    }
}

/// Whether a pointer goes on from one above: `csv:/1/latitude` from `csv:/1`, and that from `csv:/`.
fn goes_on(step: &str, above: &str) -> bool {
    let behind = || step.strip_prefix(above).filter(|rest| !rest.is_empty());
    above.contains(":/") && behind().is_some_and(|rest| above.ends_with(":/") || rest.starts_with(['/', '@']))
}

/// What stands behind a kind and a colon.
fn after<'s>(step: &'s str, kind: &str) -> Option<&'s str> {
    step.strip_prefix(kind)?.strip_prefix(':')
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("carrier", &self.carrier())
            .field("parent", &self.parent())
            .field("step", &self.step())
            .field("name", &self.name())
            .field("bytes", &String::from_utf8_lossy(self.bytes()))
            .finish_non_exhaustive()
    }
}
