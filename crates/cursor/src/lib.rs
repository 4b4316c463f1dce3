//! Bounded reading of untrusted bytes: every length that an adversary states passes through here.
//!
//! [`Cursor`] reads fields and says exactly what was missing where; [`inflate`] decompresses up to a limit; a [`Source`] gives
//! pieces of what is too large to hold.
#![warn(clippy::indexing_slicing)]

mod bytes;
pub mod inflate;
mod source;

pub use bytes::{Cursor, Malformed};
pub use source::{FileSource, Source};
