//! Advice on cases made by hand.

use super::*;
use crate::cases;
use creance_model::{DataClass, Match, Severity, Trigger};

#[test]
fn advice_is_for_what_was_found_the_worst_first() {
    let mut report = cases::blank(5.0);
    assert!(advice(&report).unwrap().is_empty());
    let to = cases::destination("a.example", "CN", "high", "CN");
    let mut picture = cases::finding(1, DataClass::Imagery, Match::Canary, &to, Trigger::User);
    picture.severity = Severity::Critical;
    report.findings.push(cases::finding(2, DataClass::Contacts, Match::Canary, &to, Trigger::User));
    report.findings.push(picture);
    let told = advice(&report).unwrap();
    assert!(told[0].does.contains("media") && told[0].findings == ["F0001"], "{told:?}");
    assert!(told.iter().any(|one| one.does.contains("address book") && one.count == 1));
    assert!(
        told.iter()
            .all(|one| ["PLAN/DESIGN", "PROCURE", "MAINTAIN", "OPERATE"].contains(&one.guidance.as_str()))
    );
    assert!(!told.iter().any(|one| one.does.contains("microphone")));
}
