//! Worlds by chance, audited blind: all that must be found is found, nothing else, and its circumstances are told rightly, but
//! for the second in which an aircraft has not yet said that it flies.

use creance_range::{Tells, World, audited, bench, by_chance, run, score};

#[test]
fn in_worlds_by_chance_nothing_is_missed_or_invented_and_little_misjudged() {
    let mut cases = 0;
    let worlds = bench(10, 51, &mut |_, _| cases += 1).unwrap();
    assert_eq!((cases, worlds.len()), (10, 3));
    for (world, (_, score)) in &worlds {
        let none: &[String] = &[];
        assert_eq!((&*score.missed, &*score.wrong), (none, none), "{world:?}");
        // Aircraft say once a second whether they fly: what is sent before that is told with the state before.
        let other: Vec<&String> =
            score.misjudged.iter().filter(|one| !one.contains(": flight state ")).collect();
        assert!(other.is_empty(), "{world:?}: {other:?}");
        let state = score.told["flight state"];
        assert!(state.found * 100 >= state.of * 98, "{world:?}: {state:?} {:?}", score.misjudged);
        assert_eq!(score.recall.found, score.recall.of, "{world:?}");
        // As claimed, only what the user shared is there to be found.
        let switches: Vec<&String> = score.switches.keys().collect();
        assert!(*world != World::Claimed || switches == [""], "{switches:?}");
        assert!(
            score.recall.of > if *world == World::Claimed { 0 } else { 300 },
            "{world:?}: {:?}",
            score.recall
        );
    }
}

/// An aircraft that says at once when it takes off and lands is never told with the wrong state.
#[test]
fn of_an_aircraft_that_tells_at_once_no_state_is_misjudged() {
    for seed in [53, 55, 58] {
        let (_, mut scenario) = by_chance(seed).unwrap();
        scenario.flight.tells = Tells::AtOnce;
        let case = run(&scenario, seed).unwrap();
        let folder = tempfile::tempdir().unwrap();
        case.write(folder.path()).unwrap();
        let score = score(case.truth(), &audited(folder.path()).unwrap());
        assert!(
            score.told["flight state"].of > 0 && score.misjudged.is_empty(),
            "{seed}: {:?}",
            score.misjudged
        );
    }
}
