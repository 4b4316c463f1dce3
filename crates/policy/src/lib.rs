//! What an organisation lets leave, in Cedar: who (device, app) may connect or send what to whom, in what circumstances.
//!
//! ```text
//! text ─▶ read: parsed, checked against the schema ─▶ closed: missing facts never open ─▶ Policy
//! Request (device, destination, circumstances, content) ─▶ Policy::decide ─▶ Verdict
//! ```
//!
//! What no rule permits is refused; a rule that forbids wins over any that permits; a rule that cannot be evaluated is a
//! refusal, and is told. The audit of an old capture and the guard of a live link ask the same [`Policy`]. No I/O.

mod check;
mod closed;
mod decide;
mod error;
mod fact;
mod index;
mod plain;
mod read;
mod request;
mod sieve;
mod templates;

pub use check::{Checked, Overridden, Reach, Universe, Unmet};
pub use decide::Verdict;
pub use error::{Fault, PolicyError};
pub use fact::Fact;
pub use read::{Effect, Policy, Rule};
pub use request::{Action, Circumstances, Content, Destination, Device, Duty, Request};
pub use templates::{TEMPLATES, Template};

/// The schema that policies are checked against, in Cedar's own language.
pub const SCHEMA: &str = include_str!("../creance.cedarschema");
