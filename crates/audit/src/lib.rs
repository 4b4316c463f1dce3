//! creance: audit.
