//! The bytes of parts, and where they lie.

use std::{ops::Deref, sync::Arc};

use super::words::narrow;

/// The bytes of a new part.
#[derive(Debug)]
pub enum Content<'a> {
    /// Bytes that are given away.
    Own(Vec<u8>),
    /// Bytes that are copied.
    Copy(&'a [u8]),
    /// A stretch of what another part holds.
    At(Place),
}

impl Content<'_> {
    /// How many bytes these are.
    pub const fn length(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::Copy(bytes) => bytes.len(),
            Self::At(place) => place.length as usize,
        }
    }
}

impl From<Vec<u8>> for Content<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes)
    }
}

impl From<String> for Content<'_> {
    fn from(text: String) -> Self {
        Self::Own(text.into_bytes())
    }
}

impl<'a> From<&'a [u8]> for Content<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Copy(bytes)
    }
}

impl<'a> From<&'a str> for Content<'a> {
    fn from(text: &'a str) -> Self {
        Self::Copy(text.as_bytes())
    }
}

impl From<Place> for Content<'_> {
    fn from(place: Place) -> Self {
        Self::At(place)
    }
}

/// Where bytes of a part lie: a stretch of a store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    pub(super) store: u32,
    pub(super) start: u32,
    pub(super) length: u32,
}

impl Place {
    /// The place of a slice of `whole`, which is what lies here.
    #[must_use]
    pub fn of(self, slice: &[u8], whole: &[u8]) -> Self {
        let before = narrow(slice.as_ptr().addr().saturating_sub(whole.as_ptr().addr())).min(self.length);
        let length = narrow(slice.len()).min(self.length - before);
        Self { store: self.store, start: self.start + before, length }
    }
}

/// The bytes of a part, kept while the parts become more.
#[derive(Debug)]
pub struct Lent {
    pub(super) store: Arc<Vec<u8>>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Deref for Lent {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.store.get(self.start..self.end).unwrap_or_default()
    }
}
