//! Published schemas (JSON Schema, draft 2020-12).

/// The schema of `findings.json`.
pub const FINDINGS: &str = include_str!("../../../docs/schema/findings.schema.json");

/// The schema of what `compare` says.
pub const COMPARE: &str = include_str!("../../../docs/schema/compare.schema.json");

/// Every schema, by its name.
pub const ALL: &[(&str, &str)] = &[
    ("findings", FINDINGS),
    ("compare", COMPARE),
    ("campaign", include_str!("../../../docs/schema/campaign.schema.json")),
    ("ledger", include_str!("../../../docs/schema/ledger.schema.json")),
    ("signature", include_str!("../../../docs/schema/signature.schema.json")),
    ("proof", include_str!("../../../docs/schema/proof.schema.json")),
    ("flight", include_str!("../../../docs/schema/flight.schema.json")),
    ("document-signature", include_str!("../../../docs/schema/document-signature.schema.json")),
];
