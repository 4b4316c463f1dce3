//! creance: place.
