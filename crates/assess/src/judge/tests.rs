//! Judgements on cases made by hand.

use creance_model::{
    AppState, Confidence, DataClass, FlightState, Likelihood, Match, Picture, ReviewState, Trigger,
};
use proptest::prelude::*;

use super::*;

use crate::cases::{self, blank, destination, during, finding, input, traffic};

fn of<'a>(judgements: &'a [Judgement], id: &str) -> &'a Judgement {
    judgements.iter().find(|one| one.hypothesis == id).unwrap()
}

/// Ten minutes; a place and an e-mail address went to mainland China by themselves, by planted values.
fn leaking() -> Report {
    let mut report = blank(10.0);
    report.case.inputs.extend([input("actions"), input("canaries")]);
    let to = destination("log.kestrel.example", "CN", "high", "CN");
    report.destinations.push(traffic(&to, 5_000, 0));
    report.coverage.bytes = 5_000;
    report.coverage.readable = 5_000;
    for class in [DataClass::Location, DataClass::Email] {
        report.findings.push(finding(
            report.findings.len() + 1,
            class,
            Match::Canary,
            &to,
            Trigger::Automatic,
        ));
    }
    report
}

#[test]
fn what_was_seen_is_likely_and_what_a_capture_cannot_tell_is_said_so() {
    let all = judged(&leaking()).unwrap();
    assert_eq!(of(&all, "locations").likelihood, Some(Likelihood::AlmostCertain));
    assert!(of(&all, "to-china").likelihood >= Some(Likelihood::VeryLikely));
    assert!(of(&all, "to-taiwan").likelihood <= Some(Likelihood::VeryUnlikely));
    assert!(of(&all, "automatic-to-three").likelihood >= Some(Likelihood::VeryLikely));
    assert!(of(&all, "users-control").likelihood <= Some(Likelihood::VeryUnlikely));
    for id in ["government-access", "motive", "attacks"] {
        let one = of(&all, id);
        assert!(one.likelihood.is_none() && one.confidence.is_none() && one.evidence.is_empty());
        assert!(one.statement.starts_with("This cannot be assessed by a capture."), "{}", one.statement);
    }
    assert!(of(&all, "setting").statement.contains("needs paired runs"));
    let cited = &of(&all, "government-access").cites;
    assert!(cited.len() == 4 && cited.iter().all(|law| law.starts_with("Mainland China: ")), "{cited:?}");
    assert!(of(&all, "attacks").cites.is_empty(), "no site is known");
    assert!(all.iter().all(|one| one.review.state == ReviewState::Draft));
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!((ids[0], ids[22], ids.len()), ("J01", "J23", 23));
}

#[test]
fn silence_weighs_by_what_could_be_read_and_is_never_a_denial() {
    let mut report = leaking();
    report.findings.clear();
    let clear = judged(&report).unwrap();
    assert!(of(&clear, "locations").likelihood <= Some(Likelihood::VeryUnlikely));
    report.destinations[0].opaque = 4_900;
    report.coverage.opaque = 4_900;
    let dark = judged(&report).unwrap();
    assert_eq!(of(&dark, "locations").likelihood, Some(Likelihood::EvenChance));
    assert!(of(&dark, "locations").gaps.iter().any(|gap| gap.contains("log.kestrel.example")));
    // Nothing went anywhere near, so nothing could hide there.
    assert!(of(&dark, "to-taiwan").likelihood <= Some(Likelihood::VeryUnlikely));
    for one in clear.iter().chain(&dark) {
        let told = one.evidence.iter().map(|line| &line.says).chain(&one.basis).chain([&one.statement]);
        assert!(!told.clone().any(|text| text.contains("does not") || text.contains("never")), "{one:?}");
        assert_ne!(one.likelihood, Some(Likelihood::AlmostNoChance), "silence alone is no proof");
    }
    let told: Vec<&str> = of(&clear, "locations").evidence.iter().map(|one| one.says.as_str()).collect();
    assert!(told.iter().any(|says| says.contains("fewer than 0.30 a minute")), "{told:?}");
    // Without an action log nothing could have been called automatic.
    report.case.inputs.retain(|input| input.kind != "actions");
    let blind = judged(&report).unwrap();
    assert_eq!(of(&blind, "automatic").likelihood, Some(Likelihood::EvenChance));
    assert_eq!(
        of(&blind, "faces-off").likelihood,
        Some(Likelihood::EvenChance),
        "no minute with the aircraft off"
    );
}

#[test]
fn a_hundred_packets_of_one_leak_are_one_witness() {
    let mut report = leaking();
    report.findings.truncate(1);
    report.findings[0].matched = Match::Structured;
    let (sets, weights, sources) =
        ([Hypotheses::bundled().unwrap()], Weights::bundled().unwrap(), Sources::default());
    let p = |report: &Report| {
        let question =
            Question { report, sets: &sets, weights: &weights, sources: &sources, comparisons: &[] };
        probabilities(&question).into_iter().find(|(id, _)| id == "locations").unwrap().1
    };
    let single = p(&report);
    for number in 2..=100 {
        let mut one = report.findings[0].clone();
        one.id = format!("F{number:04}");
        report.findings.push(one);
    }
    assert!((p(&report) - single).abs() < 1e-9);
    report.findings[7].destination.host = Some("other.example".to_owned());
    assert!(p(&report) > single, "another host is another line");
    assert_eq!(of(&judged(&report).unwrap(), "locations").evidence[0].findings.len(), 12);
}

#[test]
fn hints_by_shape_move_nothing_much() {
    let mut report = leaking();
    report.findings.iter_mut().for_each(|one| one.matched = Match::Pattern);
    report.destinations[0].opaque = 5_000;
    let all = judged(&report).unwrap();
    assert_eq!(of(&all, "locations").likelihood, Some(Likelihood::EvenChance));
    assert_eq!(of(&all, "locations").confidence, Some(Confidence::Low));
}

#[test]
fn a_doubtful_country_is_a_weak_link() {
    let mut report = leaking();
    for one in &mut report.findings {
        one.destination.edge = true;
    }
    let all = judged(&report).unwrap();
    assert!(of(&all, "to-china").likelihood < Some(Likelihood::VeryLikely));
    assert_eq!(of(&all, "to-china").confidence, Some(Confidence::Low));
    assert_eq!(of(&all, "locations").likelihood, Some(Likelihood::AlmostCertain));
    let edge = of(&all, "to-china").alternatives.iter().find(|one| one.says.contains("edge")).unwrap();
    assert_eq!(edge.inconsistent, 0);
}

#[test]
fn alternatives_are_counted_by_what_contradicts_them() {
    let all = judged(&leaking()).unwrap();
    let user = |id: &str| {
        of(&all, id).alternatives.iter().find(|one| one.says.contains("own action")).unwrap().inconsistent
    };
    assert_eq!(user("locations"), 1);
    let one = of(&all, "locations");
    assert_eq!(one.inconsistent, 0);
    assert!(one.evidence.iter().all(|line| line.bears.len() == one.alternatives.len() + 1));
}

#[test]
fn faces_with_the_aircraft_off_need_that_state() {
    let mut report = leaking();
    report.phases = vec![during(&report, FlightState::Off)];
    let mut face =
        finding(9, DataClass::Face, Match::Structured, &report.destinations[0].destination, Trigger::Unknown);
    face.flight_state = FlightState::Off;
    report.findings.push(face.clone());
    assert!(of(&judged(&report).unwrap(), "faces-off").likelihood >= Some(Likelihood::Likely));
    report.findings.pop();
    report.app_states = vec![during(&report, AppState::Closed)];
    assert!(of(&judged(&report).unwrap(), "faces-off").likelihood <= Some(Likelihood::VeryUnlikely));
}

#[test]
fn what_a_recipient_knows_of_a_site_is_told_and_nothing_is_predicted() {
    let mut report = leaking();
    for one in &mut report.findings {
        one.sites = vec!["North “likely” substation".to_owned()];
    }
    report.findings[0].picture = Some(Picture { width: 4000, height: 3000, ground_m: Some(0.021) });
    report.findings[1].picture = Some(Picture { width: 8000, height: 6000, ground_m: None });
    let all = judged(&report).unwrap();
    let told = &of(&all, "attacks").cites;
    assert!(
        told[0].contains(
            "location once, email once, the finest picture 4000×3000 pixels, 2.1 cm of the ground each"
        ) && told[0].contains("log.kestrel.example"),
        "{told:?}"
    );
    assert!(of(&all, "sites").likelihood >= Some(Likelihood::VeryLikely));
}

#[test]
fn outside_sources_are_cited_and_weigh_by_grade() {
    let report = blank(1.0);
    let (sets, weights) = ([Hypotheses::bundled().unwrap()], Weights::bundled().unwrap());
    let asked = |grade: &str| {
        let text = format!(
            "[[source]]\nname='Maker: it is likely, with high confidence'\nkind='vendor-statement'\ngrade='{grade}'\ncitation='newsroom'\n[[source.says]]\nhypothesis='users-control'\nbears='for'\nwords='You control it.'\n"
        );
        let sources = Sources::parse(&text).unwrap();
        let question =
            Question { report: &report, sets: &sets, weights: &weights, sources: &sources, comparisons: &[] };
        of(&judge(&question).unwrap(), "users-control").clone()
    };
    let unjudged = asked("F6");
    let line = unjudged.evidence.iter().find(|line| line.grade == "F6").unwrap();
    assert!(
        line.weight.abs() < 1e-9
            && line.cited.as_deref() == Some("newsroom")
            && line.says.contains("“newsroom”")
            && line.says.contains("“You control it.”")
    );
    let good = asked("A1");
    assert!(good.evidence.iter().any(|line| line.grade == "A1" && line.weight > 1.0));
    assert_eq!(good.confidence, Some(Confidence::Low), "words alone are no basis");
}

#[test]
fn paired_runs_bear_on_settings() {
    let report = leaking();
    let (sets, weights, sources) =
        ([Hypotheses::bundled().unwrap()], Weights::bundled().unwrap(), Sources::default());
    let document = |verdict: &str| {
        format!(
            r#"{{"schema":"creance.compare/1","tlp":"red","groups":[{{"name":"off","cases":[0,1,2]}},{{"name":"on","cases":[3,4,5]}}],
            "pairs":[{{"host":"a.example","data_class":"serial","verdict":{verdict},"observed":"stopped"}}]}}"#
        )
    };
    let asked = |verdict: &str, about: Option<&str>| {
        let mut compared = Compared::parse(document(verdict).as_bytes()).unwrap();
        compared.about = about.map(ToOwned::to_owned);
        let comparisons = [compared];
        let question = Question {
            report: &report,
            sets: &sets,
            weights: &weights,
            sources: &sources,
            comparisons: &comparisons,
        };
        judge(&question).unwrap()
    };
    let stopped = asked("\"stopped\"", None);
    assert_eq!(of(&stopped, "setting").likelihood, Some(Likelihood::VeryLikely));
    assert_eq!(of(&stopped, "setting").confidence, Some(Confidence::Moderate));
    assert_eq!(of(&stopped, "cut-in-flight").likelihood, Some(Likelihood::Likely));
    let few = asked("null", None);
    assert_eq!(of(&few, "setting").likelihood, Some(Likelihood::Likely));
    assert_eq!(of(&few, "setting").confidence, Some(Confidence::Low));
    let stayed = asked("\"stayed\"", Some("cut-in-flight"));
    assert_eq!(of(&stayed, "cut-in-flight").likelihood, Some(Likelihood::VeryUnlikely));
    assert_eq!(of(&stayed, "setting").likelihood, None, "the comparison is about another hypothesis");
    // What is built on a comparison is marked as that is, and nothing else is.
    let marks = |id: &str| (of(&stopped, id).tlp, of(&stayed, id).tlp);
    assert_eq!(marks("setting"), (Tlp::Red, Tlp::Amber));
    assert_eq!(marks("cut-in-flight"), (Tlp::Red, Tlp::Red));
    assert_eq!(marks("locations"), (Tlp::Amber, Tlp::Amber));
    // An examiner may have passed a judgement on more freely before it was built on that.
    let mut freer = asked("null", None);
    for one in &mut freer {
        one.tlp = Tlp::Green;
    }
    let document = document("\"stopped\"");
    let comparisons = [Compared::parse(document.as_bytes()).unwrap()];
    let question = Question {
        report: &report,
        sets: &sets,
        weights: &weights,
        sources: &sources,
        comparisons: &comparisons,
    };
    let mut again = asked("null", None);
    keep_reviews(&freer, &mut again, &question);
    assert_eq!((of(&again, "setting").tlp, of(&again, "locations").tlp), (Tlp::Red, Tlp::Green));
}

#[test]
fn a_review_stands_while_the_text_does() {
    let before = {
        let mut all = judged(&leaking()).unwrap();
        for one in &mut all {
            one.review = Review {
                state: ReviewState::Accepted,
                examiner: Some("R. Okafor".to_owned()),
                ..Review::default()
            };
        }
        all
    };
    let report = leaking();
    let (sets, weights, sources) =
        ([Hypotheses::bundled().unwrap()], Weights::bundled().unwrap(), Sources::default());
    let question =
        Question { report: &report, sets: &sets, weights: &weights, sources: &sources, comparisons: &[] };
    let mut same = judged(&report).unwrap();
    keep_reviews(&before, &mut same, &question);
    assert_eq!(same, before);
    let mut other = leaking();
    other.findings.clear();
    let mut changed = judged(&other).unwrap();
    keep_reviews(&before, &mut changed, &question);
    let one = of(&changed, "locations");
    assert_eq!(one.review.state, ReviewState::Draft);
    assert_eq!(one.review.reason.as_deref(), Some("Its text changed after “R. Okafor” had accepted it."));
    assert_eq!(of(&changed, "motive").review.state, ReviewState::Accepted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// All generated text, of cases of chance with hostile names, keeps likelihood and confidence apart; odds stay in bounds.
    #[test]
    fn no_text_says_both(seed in any::<u64>(), host in "[ -~“”\u{202e}]{0,40}|very likely with high confidence|.{0,30}") {
        let (mut report, _) = cases::generated(&mut cases::Chance(seed), 3.0);
        for one in &mut report.findings {
            one.destination.host = Some(host.clone());
        }
        for row in &mut report.destinations {
            row.destination.host = Some(host.clone());
        }
        for one in judged(&report).unwrap() {
            for text in texts(&one) {
                prop_assert!(Prose::new(text).is_ok(), "{text}");
            }
            prop_assert_eq!(one.likelihood.is_some(), one.confidence.is_some());
            prop_assert!(one.evidence.iter().all(|line| line.weight.is_finite()));
        }
    }

    /// More that could be read, with nothing in it, never makes a claim likelier.
    #[test]
    fn reading_more_silence_never_makes_likelier(opaque in 0_u64..5_000, less in 0_u64..5_000) {
        let mut report = leaking();
        report.findings.clear();
        let mut p = |opaque: u64| {
            report.destinations[0].opaque = opaque;
            report.coverage.opaque = opaque;
            of(&judged(&report).unwrap(), "locations").evidence[0].weight
        };
        let (more, fewer) = (p(opaque.max(less)), p(opaque.min(less)));
        prop_assert!(fewer <= more);
    }
}
