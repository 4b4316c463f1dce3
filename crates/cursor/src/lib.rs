//! Bounded reading of untrusted bytes: every length that an adversary states passes through here.
//!
//! [`Cursor`] reads fields and says exactly what was missing where; [`inflate`] decompresses up to a limit.
#![warn(clippy::indexing_slicing)]

mod bytes;
pub mod inflate;

pub use bytes::{Cursor, Malformed};
