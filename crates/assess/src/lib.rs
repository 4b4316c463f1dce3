//! What findings amount to: what differs between cases that differ in one setting, how likely each claim is on one case, and
//! how sure one can be of it.
//!
//! ```text
//! findings.json ─▶ Run ─┐
//!                       ├─▶ Comparison: destinations, pairs of host and class, classes; statements
//! findings.json ─▶ Run ─┘        ▲
//!                                └── exact: tests and intervals that hold for few runs
//! Report, hypotheses, sources, comparisons ─▶ judge ─▶ draft judgements
//! ```
//!
//! A case is a document that others may have made: it is read within limits, and refused with the name of the field that
//! is wrong. Values are never looked at: what joins findings is their class, their host, and their keyed digest.

mod campaign;
#[cfg(test)]
#[path = "../examples/calibrate/cases.rs"]
mod cases;
mod compare;
pub mod exact;
pub mod judge;
pub mod remedies;
mod run;

pub use campaign::{Campaign, CampaignAudit, CampaignGroup, CampaignRun};
pub use compare::{
    Amount, CAMPAIGN_SCHEMA, Campaigned, Class, Comparison, Destination, Group, MOST_GROUPS, MOST_RUNS,
    Observed, Pair, Plan, Reached, Row, SCHEMA, Setting, Values, Verdict, campaign, compare,
};
pub use run::{Error, Host, Run, Seen};
