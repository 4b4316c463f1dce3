//! `Packet`s → flows: link layers, IP with fragments, UDP datagrams and TCP streams in order.
//!
//! ```text
//! Packet ─▶ link ─▶ ip ─▶ fragments ─▶ table ─▶ tcp ─▶ Handler
//!                                        └──────────────▲
//! ```
//!
//! What is in order is handed over as it lies in the packet, without a copy. Memory is bounded by [`Options`]; every
//! eviction is counted.
#![warn(clippy::indexing_slicing)]

mod assembler;
mod community_id;
mod fragments;
mod inside;
mod ip;
mod link;
mod table;
mod tcp;

pub use assembler::{Assembler, Chunk, Close, Counters, Gap, Handler, Options, Totals};
pub use community_id::community_id;
pub use inside::IpNet;
