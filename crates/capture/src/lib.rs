//! Captures → `Packet`s: pcap and pcapng, plain, gzip or zstd; files, folders of rotated files, standard input.
//!
//! Files are read in pieces; packets are borrowed from the reader's buffer. Memory does not depend on the length of the
//! input. Damage gives what was read before it and a note with its offset.
#![warn(clippy::indexing_slicing)]

mod apps;
mod beside;
mod buffer;
mod capture;
mod error;
mod excerpt;
mod expand;
mod notes;
mod pcap;
mod pcapng;
mod source;
pub mod write;

pub use capture::{Capture, Opener, Options, read_bytes};
pub use error::Error;
pub use excerpt::Excerpt;
pub use expand::{begins_capture, expand, expand_with, looks_like_capture};
pub use notes::{Interface, Notes, Secret};
pub use source::decompressed;
