//! Any bytes as cases, a zero byte between two; whatever is read of them is compared, one half with the other.
#![no_main]

use creance_assess::{Group, Plan, Run, Verdict, compare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cases = bytes.split(|byte| *byte == 0).take(8);
    let mut runs: Vec<Run> = cases.filter_map(|case| Run::read("fuzz", case).ok()).collect();
    let later = runs.split_off(runs.len() / 2);
    let group = |runs: Vec<Run>| Group { name: "fuzz".to_owned(), runs };
    let of = compare(&Plan { groups: [group(runs), group(later)], level: 0.05 });
    for row in of.destinations.iter().map(|one| &one.row).chain(of.pairs.iter().map(|one| &one.row)) {
        assert!((0.0..=1.0).contains(&row.p) && row.p <= row.p_corrected);
        assert!(row.verdict.is_some() != row.why.is_some());
        assert!(row.p <= 0.05 || !matches!(row.verdict, Some(Verdict::Stopped | Verdict::Appeared)));
    }
    assert!(!creance_render::comparison::text(&of).is_empty());
    assert!(!creance_render::comparison::html(&of).contains("<script"));
});
