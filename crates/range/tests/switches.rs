//! Every switch: on, what it sends is in the truth and an audit finds it; off, it is in neither.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use creance_range::{Scenario, Score, audited, behaviours, run, score};
use serde_json::Value;

const SEED: u64 = 5;

const IGNORES: &str = "ignore-refused-diagnostics";

/// Plays and audits a scenario: the switches that sent something, and the score.
fn played(scenario: &Scenario) -> (Vec<String>, Score) {
    let case = run(scenario, SEED).unwrap();
    let folder = tempfile::tempdir().unwrap();
    case.write(folder.path()).unwrap();
    let events = case.truth()["events"].as_array().unwrap().iter();
    let mut switches: Vec<String> =
        events.filter_map(|event| event["switch"].as_str()).map(ToOwned::to_owned).collect();
    switches.sort();
    switches.dedup();
    (switches, score(case.truth(), &audited(folder.path()).unwrap()))
}

#[test]
fn each_switch_alone_is_played_and_found() {
    for behaviour in behaviours::ALL {
        let world = if behaviour.name == "obey-chinese-rules" { "in-china" } else { "as-claimed" };
        let mut scenario = Scenario::load(world).unwrap();
        scenario.switches.insert(behaviour.name.to_owned(), true);
        // A refusal that nobody spoke cannot be ignored.
        scenario.settings.diagnostics = behaviour.name != IGNORES;
        let (switches, score) = played(&scenario);
        assert_eq!(switches, [behaviour.name]);
        assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()), "{}", behaviour.name);
        let seen = &score.switches[behaviour.name];
        assert!(seen.share.of > 0 && seen.proof.is_some(), "{} {seen:?}", behaviour.name);
    }
}

/// Plays a scenario with all switches on but some, and holds that exactly the others are played and found.
fn without(world: &str, off: &[&str]) {
    let mut scenario = Scenario::load(world).unwrap();
    scenario.settings.diagnostics = false;
    for one in behaviours::ALL {
        scenario.switches.insert(one.name.to_owned(), !off.contains(&one.name));
    }
    let mut others: Vec<&str> =
        behaviours::ALL.iter().map(|one| one.name).filter(|name| scenario.does(name)).collect();
    others.sort_unstable();
    assert!(!off.iter().any(|one| others.contains(one)));
    let (switches, score) = played(&scenario);
    // All that are on are played, so that it would show if one that is off were.
    assert_eq!(switches, others, "without {off:?}");
    assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()), "without {off:?}");
    let proven = |name: &str| score.switches.get(name).is_some_and(|seen| seen.proof.is_some());
    assert!(
        others.iter().all(|name| proven(name)) && !off.iter().any(|name| proven(name)),
        "without {off:?}"
    );
}

/// Of each switch that sends something in a world: the classes of what it sends, and the ports that it sends from.
fn sent_by_switch(world: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut scenario = Scenario::load(world).unwrap();
    scenario.settings.diagnostics = false;
    scenario.switches.extend(behaviours::ALL.iter().map(|one| (one.name.to_owned(), true)));
    let case = run(&scenario, SEED).unwrap();
    let mut sent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in case.truth()["events"].as_array().unwrap() {
        let Some(switch) = event["switch"].as_str() else { continue };
        let what = [&event["data_class"], &event["src_port"]].map(ToString::to_string);
        sent.entry(switch.to_owned()).or_default().extend(what);
    }
    sent
}

/// Several at a time, of which no two send data of one class or in one conversation: what one that is off sent all the same could
/// not be taken for what another sends, nor be missing because another is off.
#[test]
fn each_switch_that_is_off_among_others_is_neither_played_nor_found() {
    let mut groups: Vec<(Vec<String>, BTreeSet<String>)> = Vec::new();
    let sent = sent_by_switch("as-alleged");
    for (name, what) in &sent {
        match groups.iter_mut().find(|(_, others)| others.is_disjoint(what)) {
            Some((group, others)) => {
                group.push(name.clone());
                others.extend(what.iter().cloned());
            }
            None => groups.push((vec![name.clone()], what.clone())),
        }
    }
    // Many send a place: so many groups there are at least.
    assert!((8..16).contains(&groups.len()), "{groups:?}");
    for (group, _) in &groups {
        without("as-alleged", &group.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // Where the others can be played, too.
    let names = behaviours::ALL.iter().map(|one| one.name);
    let others: Vec<&str> = names.filter(|name| !sent.contains_key(*name)).collect();
    assert_eq!(others, ["obey-chinese-rules"]);
    without("in-china", &others);
    without("in-china", &["send-account"]);
}

#[test]
fn who_refuses_diagnostics_sends_none() {
    let mut scenario = Scenario::load("as-alleged").unwrap();
    scenario.settings.diagnostics = false;
    scenario.switches.insert(IGNORES.to_owned(), false);
    let (switches, score) = played(&scenario);
    let refused = ["send-analytics", "send-crash-reports"];
    assert!(refused.iter().all(|one| !switches.iter().any(|other| other == one)), "{switches:?}");
    assert!(switches.len() + refused.len() >= behaviours::ALL.len() - 2, "{switches:?}");
    assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()));

    // As alleged, the refusal changes nothing, and is told itself.
    scenario.switches.insert(IGNORES.to_owned(), true);
    let (ignored, score) = played(&scenario);
    let more: Vec<&String> = ignored.iter().filter(|one| !switches.contains(one)).collect();
    assert_eq!(more, [IGNORES, "send-analytics", "send-crash-reports"]);
    assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()));
}

#[test]
fn rules_of_china_are_obeyed_in_china_alone() {
    for (near, country, mcc, obeyed) in [
        ((30.92, 103.6), "CN", 460, true),
        ((30.92, 103.6), "CN", 310, false),
        ((41.6, -93.2), "US", 460, false),
    ] {
        let mut scenario = Scenario::load("in-china").unwrap();
        (scenario.flight.near, scenario.network.mcc) = (near, mcc);
        country.clone_into(&mut scenario.flight.country);
        "US".clone_into(&mut scenario.network.ip_country);
        let (switches, score) = played(&scenario);
        assert_eq!(switches.contains(&"obey-chinese-rules".to_owned()), obeyed, "{country} {mcc}");
        assert_eq!((&score.missed, &score.wrong), (&Vec::new(), &Vec::new()));
    }
}

#[test]
fn as_claimed_nothing_leaves_but_what_the_user_shares() {
    let scenario = Scenario::load("as-claimed").unwrap();
    for seed in 0..6 {
        let case = run(&scenario, seed).unwrap();
        let events = case.truth()["events"].as_array().unwrap();
        assert!(
            !events.is_empty() && events.iter().all(|event| event["cause"] == "share_photo"),
            "{events:?}"
        );
        let folder = tempfile::tempdir().unwrap();
        case.write(folder.path()).unwrap();
        let report = audited(folder.path()).unwrap();
        assert!(report.findings.iter().all(|one| one.trigger == creance_model::Trigger::User), "{seed}");
        // The mode that cuts connections is on: in flight, nothing at all goes to the world.
        let flying = |one: &Value| one["flight_state"] == "flying" && one["country"] != "LAN";
        assert!(!case.truth()["benign"].as_array().unwrap().iter().any(flying), "{seed}");
    }
}
