//! The guard: a gateway that fails closed while an aircraft may be flying.
//!
//! ```text
//! evidence ─▶ state ─▶ engine ─▶ kernel (nftables, routing rules)
//!   operator ──▲          │ └──▶ ledger, status
//!                  policy ┘
//! ```
//!
//! Nothing passes but what lies in short-lived sets that the engine fills anew each second: an engine that died opens
//! nothing.

mod config;
mod kernel;
pub mod ruleset;
mod seen;

pub use config::{Aircraft, Carrier, Config, ConfigError, Exception, Service, Upstream};
pub use kernel::{Kernel, KernelError};
pub use seen::{Count, Seen, links};
