//! creance: flow.
