//! creance: cursor.
