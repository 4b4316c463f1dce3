//! Worlds by chance, audited blind: all that must be found is found, nothing else, and its circumstances are told rightly.

use creance_range::{World, bench};

#[test]
fn in_worlds_by_chance_nothing_is_missed_invented_or_misjudged() {
    let mut cases = 0;
    let worlds = bench(10, 51, &mut |_, _| cases += 1).unwrap();
    assert_eq!((cases, worlds.len()), (10, 3));
    for (world, (_, score)) in &worlds {
        let none: &[String] = &[];
        assert_eq!((&*score.missed, &*score.wrong, &*score.misjudged), (none, none, none), "{world:?}");
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
