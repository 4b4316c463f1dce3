//! On generated cases of which the truth is known, each band holds the share that was so.
#![expect(clippy::print_stdout, reason = "the figures are what this test is for")]

#[expect(dead_code, reason = "shared with unit tests")]
#[path = "../examples/calibrate/cases.rs"]
mod cases;
#[path = "../examples/calibrate/score.rs"]
mod score;

use score::{bands, brier, samples};

#[test]
fn each_band_holds_what_it_says() {
    let samples = samples(20_260_101, 2_000, 1.0);
    assert!(samples.len() > 10_000, "{}", samples.len());
    let score = brier(&samples);
    println!("Brier score {score:.3}");
    assert!(score < 0.17, "{score}");
    for row in bands(&samples) {
        println!(
            "{}: {} said {:.3}, was so {:.3} ({:.3?})",
            row.band, row.count, row.said, row.so, row.interval
        );
        assert!(
            row.count == 0 || row.holds(),
            "{}: said {:.3}, was so {:.3} {:?} of {}",
            row.band,
            row.said,
            row.so,
            row.interval,
            row.count
        );
    }
}
