//! The demonstration: every row of its page says what the truth says.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, fs, path::Path};

use creance_model::{Confidence, FlightState, Match};
use creance_range::{Answered, Gone, Lean, Shown, answers, demo, rows};
use serde_json::Value;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Sentences that hold in the world as alleged, and in the world as claimed; all others that can be tested do not.
const SO: [(&str, [bool; 2]); 19] = [
    ("title", [true, false]),
    ("locations", [true, false]),
    ("faces", [true, false]),
    ("faces-off", [true, false]),
    ("phone", [true, false]),
    ("identity", [true, false]),
    // The user shares photos in both worlds.
    ("media", [true, true]),
    ("credentials", [true, false]),
    ("sites", [true, false]),
    ("automatic", [true, false]),
    ("taiwan", [true, false]),
    ("china", [true, false]),
    ("hong-kong", [true, false]),
    ("three", [true, false]),
    ("targeting", [true, false]),
    ("users-control", [false, true]),
    ("setting", [false, true]),
    ("region", [true, true]),
    ("cut", [false, true]),
];

#[test]
fn every_row_is_right() {
    every_row(1);
}

#[test]
fn every_row_is_right_with_another_seed() {
    every_row(2);
}

fn every_row(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (page, worlds) = demo(folder.path(), seed).unwrap();
    let answers = answers(&worlds).unwrap();
    let page = fs::read_to_string(page).unwrap();
    assert!(!page.contains("<script") && !page.contains("src=") && page.len() < 2_000_000);
    switches(&worlds, folder.path(), seed);
    sentences(&answers, &worlds, folder.path(), seed);
    behind_the_guard(&worlds, folder.path());
    for one in &answers {
        assert!(page.contains(&format!("<article class=\"sentence\" id=\"{}\"", one.sentence.id)));
    }
    assert_eq!(page.matches("<article").count(), answers.len());
    assert_eq!(page.matches("judgement misses the truth").count(), 0);
}

/// What left in flight, as it did by the truth of the world as alleged, stays behind the guard; on the ground it changes nothing.
fn behind_the_guard(worlds: &[Shown], folder: &Path) {
    for world in worlds {
        let name = &world.scenario.name;
        let truth = json(&folder.join(name).join("truth.json"));
        let flew = truth["events"].as_array().unwrap().iter().any(|event| event["flight_state"] == "flying");
        assert!(flew || name != "as-alleged");
        let of = |state| world.guarded.iter().find(|one| one.state == state);
        let air = of(FlightState::Flying);
        assert!(air.is_some() || !flew, "{name}");
        assert!(air.is_none_or(|air| air.without.bytes > 0 && air.behind == Gone::default()));
        let ground = of(FlightState::Ground).unwrap();
        assert_eq!(ground.behind, ground.without);
        // Some are sent in several states.
        let told: usize = world.guarded.iter().map(|one| one.without.findings).sum();
        assert!(told >= world.report.findings.len(), "{told}");
        let sent: u64 = world.guarded.iter().map(|one| one.without.bytes).sum();
        assert_eq!(sent, world.report.destinations.iter().map(|way| way.bytes_up).sum::<u64>());
    }
}

/// Each switch was on where something of it left, and then it was found.
fn switches(worlds: &[Shown], folder: &Path, seed: u64) {
    let truths: Vec<Value> =
        worlds.iter().map(|world| json(&folder.join(&world.scenario.name).join("truth.json"))).collect();
    for row in rows(worlds) {
        for (truth, (on, seen)) in truths.iter().zip(&row.worlds) {
            let of_it = |event: &&Value| event["switch"].as_str().unwrap_or_default() == row.switch;
            let sent = truth["events"].as_array().unwrap().iter().filter(of_it).count();
            assert_eq!(*on, sent > 0, "{} {seed}", row.switch);
            assert_eq!(*on, seen.proof.is_some(), "{} {seed}", row.switch);
        }
    }
}

/// Each sentence is so where it should be, was judged so, and its proof is in the case and shows something that left.
fn sentences(answers: &[Answered], worlds: &[Shown], folder: &Path, seed: u64) {
    let so: BTreeMap<&str, [bool; 2]> = SO.into_iter().collect();
    for one in answers {
        let id = one.sentence.id.as_str();
        for (index, (world, answer)) in worlds.iter().zip(&one.worlds).enumerate() {
            let told = format!("{id} in {} with seed {seed}: {answer:?}", world.scenario.name);
            assert_eq!(answer.holds, so.get(id).map(|so| so[index]), "{told}");
            assert_eq!(answer.leans.is_some(), so.contains_key(id), "{told}");
            assert_ne!(answer.leans, Some(Lean::Away), "{told}");
            // An even chance is an answer, where little could be seen.
            if answer.leans == Some(Lean::Neither) {
                assert!(matches!(id, "faces-off" | "region"), "{told}");
                assert_eq!(answer.judgements[0].confidence, Some(Confidence::Low), "{told}");
            }
            assert_eq!(answer.judgements.len(), one.sentence.judged.len(), "{told}");
            let cannot = answer.judgements.iter().filter(|one| one.likelihood.is_none());
            for judgement in cannot {
                assert!(judgement.statement.starts_with("This cannot be assessed by a capture."), "{told}");
            }
            let of_events = one.sentence.truth.as_ref().is_some_and(|truth| !truth.events.is_empty());
            assert_eq!(answer.proof.is_some(), of_events && answer.events > 0, "{told}");
            let Some(proof) = &answer.proof else { continue };
            // Where a planted value shows it, that is the proof.
            let certain =
                answer.judgements.first().is_some_and(|one| one.confidence == Some(Confidence::High));
            assert!(!certain || proof.matched <= Match::Track, "{told}");
            let base = folder.join(&world.scenario.name);
            let (case, truth) = (json(&base.join("case/findings.json")), json(&base.join("truth.json")));
            let listed =
                case["findings"].as_array().unwrap().iter().find(|one| one["id"] == *proof.id).unwrap();
            let shows = |event: &&Value| {
                let frames = event["frames"][0].as_u64().unwrap()..=event["frames"][1].as_u64().unwrap();
                let packets = listed["evidence"]["packets"].as_array().unwrap().iter();
                event["data_class"] == listed["data_class"]
                    && event["dst_ip"] == listed["destination"]["ip"]
                    && packets.filter_map(Value::as_u64).any(|packet| frames.contains(&packet))
            };
            assert!(truth["events"].as_array().unwrap().iter().any(|event| shows(&event)), "{told}");
        }
    }
}
