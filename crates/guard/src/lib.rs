//! The guard: a gateway that fails closed while an aircraft may be flying.
//!
//! ```text
//! evidence ─▶ state ─▶ engine ─▶ kernel (nftables, routing rules)
//!   operator ──▲          │ └──▶ record (ledger) ─▶ proof; status ─▶ metrics, page
//!                  policy ┘
//! ```
//!
//! Nothing passes but what lies in short-lived sets that the engine fills anew again and again: an engine that died opens
//! nothing. `selftest` shows that in namespaces, with every way past it that is known.

#[cfg(test)]
mod apart;
mod config;
mod control;
mod crowd;
mod engine;
pub mod evidence;
mod facts;
mod frames;
mod hand;
mod kernel;
pub mod lawful;
mod listen;
pub mod metrics;
pub mod names;
mod notices;
pub mod page;
mod policy;
pub mod proof;
mod record;
pub mod ruleset;
mod seen;
mod selftest;
mod state;
pub mod tally;

pub use config::{Aircraft, Carrier, Config, ConfigError, Exception, Page, Service, Upstream};
pub use control::{Answer, Order, ask, unanswered};
pub use engine::{Ended, Engine, EngineError};
pub use facts::asked;
pub use kernel::{Cut, Kernel, KernelError};
pub use listen::{Datagram, Ear};
pub use policy::{Destination, Judged, Known, LocalData, Policy, Rules};
pub use record::{Book, Detail, alone, files};
pub use seen::{Count, Seen, links};
pub use selftest::{
    Cuts, Faults, Life, Passed, Reached, Row, against, cuts, faults, live, percentile, played, selftest,
    table,
};
pub use state::{Facts, Input, Machine, Refusal, State};
