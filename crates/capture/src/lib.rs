//! creance: capture.
