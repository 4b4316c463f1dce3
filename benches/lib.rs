//! Programs that measure creance: `make` makes captures of any size, `compare` runs creance and its peers on one file.
