//! creance: benches.
