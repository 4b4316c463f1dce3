//! What could not be seen, so that no silence is taken for innocence.

use serde::{Deserialize, Serialize};

/// Damage of the evidence: what was read before it is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Damage {
    /// What is damaged: `capture cut short`, `block length`, …
    pub what: String,
    /// The input, as it was named.
    pub input: String,
    /// The offset in the (decompressed) input, in bytes.
    pub offset: u64,
    /// Why it is damage: a fragment that names the field, what was found and what was wanted.
    pub why: String,
}

/// A stretch that was not read.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Unread {
    /// What: a destination, a protocol, a stage.
    pub what: String,
    /// Why: `no keys`, `unknown protocol`, `lost packets`, `limit reached`, …
    pub why: String,
    /// How many payload bytes.
    pub bytes: u64,
}

/// Payload bytes above TCP, UDP and other IP protocols between our side and the outside, both ways.
///
/// `bytes = readable + opaque`; `lost` are bytes that TCP sequence numbers prove and the capture lacks.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Coverage {
    /// All payload bytes to and from the outside.
    pub bytes: u64,
    /// Those whose content was read.
    pub readable: u64,
    /// Those whose content was not.
    pub opaque: u64,
    /// Bytes known to have been sent that the capture does not hold.
    pub lost: u64,
    /// Why what was not read was not, largest first.
    pub unread: Vec<Unread>,
}
