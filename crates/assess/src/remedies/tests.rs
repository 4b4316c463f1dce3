//! Advice on cases made by hand.

use super::*;
use crate::cases;
use creance_model::{DataClass, Match, Severity, Trigger};

#[test]
fn advice_is_for_what_was_found_the_worst_first() {
    let mut report = cases::blank(5.0);
    assert!(advice(&report, &[]).unwrap().is_empty());
    let to = cases::destination("a.example", "CN", "high", "CN");
    let mut picture = cases::finding(1, DataClass::Imagery, Match::Canary, &to, Trigger::User);
    picture.severity = Severity::Critical;
    report.findings.push(cases::finding(2, DataClass::Contacts, Match::Canary, &to, Trigger::User));
    report.findings.push(picture);
    let told = advice(&report, &[]).unwrap();
    assert!(told[0].does.contains("media") && told[0].findings == ["F0001"], "{told:?}");
    assert!(told.iter().any(|one| one.does.contains("address book") && one.count == 1));
    assert!(
        told.iter()
            .all(|one| ["PLAN/DESIGN", "PROCURE", "MAINTAIN", "OPERATE"].contains(&one.guidance.as_str()))
    );
    assert!(!told.iter().any(|one| one.does.contains("microphone")));
}

#[test]
fn a_setting_is_said_to_work_only_where_paired_runs_showed_it() {
    let mut report = cases::blank(5.0);
    for (number, host) in [(1, "a.example"), (2, "b.example"), (3, "c.example"), (4, "d.example")] {
        let to = cases::destination(host, "CN", "high", "CN");
        report.findings.push(cases::finding(
            number,
            DataClass::Location,
            Match::Canary,
            &to,
            Trigger::Automatic,
        ));
    }
    let pair = |host: &str, verdict: &str| {
        format!(r#"{{"host":"{host}","data_class":"location","verdict":{verdict},"observed":"stopped"}}"#)
    };
    let pairs =
        [pair("a.example", "\"stopped\""), pair("b.example", "\"stayed\""), pair("c.example", "null")];
    let document = format!(
        r#"{{"schema":"creance.compare/1","tlp":"red","groups":[{{"name":"off","cases":[0]}},{{"name":"on","cases":[1]}}],"pairs":[{}]}}"#,
        pairs.join(",")
    );
    let told = advice(&report, &[Compared::parse(document.as_bytes()).unwrap()]).unwrap();
    let one = told.iter().find(|one| one.does.contains("synchronisation")).unwrap();
    let [shown] = one.shown.as_slice() else { panic!("{one:?}") };
    assert_eq!(shown.settings, "“off” against “on”");
    assert_eq!(
        (&shown.stopped[0], &shown.stayed[0], &shown.open[0], shown.absent),
        (&"F0001".to_owned(), &"F0002".to_owned(), &"F0003".to_owned(), 1)
    );
    assert_eq!(one.tlp, Tlp::Red, "what is told of a comparison is marked as that is");
    // A list of destinations is no setting.
    let list = told.iter().find(|one| one.does.contains("Deny the destinations")).unwrap();
    assert!(list.shown.is_empty() && list.tlp == Tlp::default());
}
