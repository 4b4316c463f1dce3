//! Any bytes as what comes beside a case that is assessed, a zero byte between two: hypotheses, sources, a comparison. Whatever is read is
//! put to the test on an invented case.
#![no_main]

use std::{str, sync::LazyLock};

use creance_assess::judge::{Compared, Hypotheses, Question, Sources, Weights, judge, probabilities};
use creance_model::Report;
use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../crates/assess/examples/calibrate/cases.rs"]
mod cases;

static CASE: LazyLock<Report> = LazyLock::new(|| cases::generated(&mut cases::Chance(7), 1.0).0);

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut text = || str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    let (set, sources) = (Hypotheses::parse(text()), Sources::parse(text()).unwrap_or_default());
    let comparisons: Vec<Compared> = Compared::parse(text().as_bytes()).into_iter().collect();
    let sets: Vec<Hypotheses> = set.into_iter().chain(Hypotheses::bundled()).collect();
    let weights = Weights::bundled().unwrap();
    let question = Question {
        report: &CASE,
        sets: &sets,
        weights: &weights,
        sources: &sources,
        comparisons: &comparisons,
    };
    for (_, p) in probabilities(&question) {
        assert!((0.01..=0.99).contains(&p));
    }
    // What is refused when it is read cannot make a sentence that says both.
    let judgements = judge(&question).unwrap();
    assert!(!creance_render::judgements::text(&judgements).is_empty());
});
