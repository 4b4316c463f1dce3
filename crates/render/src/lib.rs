//! creance: render.
