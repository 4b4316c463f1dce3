//! creance: detect.
