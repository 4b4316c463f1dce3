//! creance
fn main() {}
