//! creance: wire.
