//! Tests and intervals that hold for any number of runs, however small: no normal approximation anywhere.
//!
//! Each is checked against scipy by `tests/compare`.

mod intervals;
mod many;
mod presence;
mod ranks;

pub use intervals::{proportion, rate_ratio, unseen_rate, unseen_share};
pub use many::{false_discovery, holm};
pub use presence::Presence;
pub use ranks::ranks;

/// Logarithms of 0! to `most`!.
fn ln_factorials(most: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut all = vec![0.0];
    for number in 1..=u32::try_from(most).unwrap_or(u32::MAX) {
        sum += f64::from(number).ln();
        all.push(sum);
    }
    all
}
