//! `Packet`s → flows: link layers, IP with fragments, UDP datagrams and TCP streams in order.
//!
//! ```text
//! Packet ─▶ link ─▶ ip ─▶ fragments ─▶ table ─▶ tcp ─▶ Handler
//!             └──── radio ───────────────┴──────────────▲
//! ```
//!
//! What is in order is handed over as it lies in the packet, without a copy. Memory is bounded by [`Options`]; every
//! eviction is counted.
#![warn(clippy::indexing_slicing)]

mod assembler;
mod community_id;
mod copies;
mod counters;
mod fragments;
mod give;
mod handler;
mod inside;
mod ip;
mod link;
mod options;
mod radio;
mod segment;
mod table;
mod tagged;
mod tcp;
mod tunnel;
mod udp;
mod usb;

pub use assembler::Assembler;
pub use community_id::{community_id, community_id_icmp};
pub use counters::Counters;
pub use handler::{Chunk, Close, Gap, Handler, Totals};
pub use inside::{IpNet, recorded, through_proxy};
pub use link::carried_ip;
pub use options::Options;
