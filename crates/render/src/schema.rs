//! Published schemas (JSON Schema, draft 2020-12).

/// The schema of `findings.json`.
pub const FINDINGS: &str = include_str!("../../../docs/schema/findings.schema.json");

/// The schema of what `compare` says.
pub const COMPARE: &str = include_str!("../../../docs/schema/compare.schema.json");
