//! creance: tests.
