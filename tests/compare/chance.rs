//! Runs in which nothing differs: what real repeats hold, dealt anew two hundred times.

use std::{collections::BTreeMap, fs};

use creance_assess::{Group, Plan, Run, Verdict, compare};

use crate::{RUNS, audited};

/// Numbers that look like chance and are the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}

/// A run of the same setting: what each host got in one repeat or another.
fn dealt(repeats: &[Run], dice: &mut Dice) -> Run {
    let mut hosts: Vec<&String> = repeats.iter().flat_map(|run| run.hosts.keys()).collect();
    hosts.sort();
    hosts.dedup();
    let mut run = Run {
        hosts: BTreeMap::new(),
        seen: Vec::new(),
        elsewhere: 0,
        ..repeats[dice.below(repeats.len())].clone()
    };
    for host in hosts {
        let from = &repeats[dice.below(repeats.len())];
        if let Some(traffic) = from.hosts.get(host) {
            run.hosts.insert(host.clone(), *traffic);
            run.seen.extend(from.seen.iter().filter(|seen| seen.host == *host).cloned());
        }
    }
    run
}

#[test]
fn repeats_dealt_anew_are_called_different_at_most_at_the_stated_level() {
    const SHUFFLES: usize = 200;
    let level = 0.05;
    let folder = tempfile::tempdir().unwrap();
    if audited(folder.path(), &[]).is_none() {
        return;
    }
    for names in [&RUNS[..3], &RUNS[3..]] {
        let repeats: Vec<Run> = names
            .iter()
            .map(|name| {
                Run::read(name, &fs::read(folder.path().join(name).join("findings.json")).unwrap()).unwrap()
            })
            .collect();
        let mut dice = Dice(20_260_614);
        // Of destinations and of pairs: compared, claimed to differ; shuffles with any such claim, and with one that
        // stands corrected.
        let (mut compared, mut wrong, mut shuffles, mut corrected) = ([0_usize; 2], [0_usize; 2], 0, 0);
        for _ in 0..SHUFFLES {
            let mut group = |name: &str| Group {
                name: name.to_owned(),
                runs: (0..3).map(|_| dealt(&repeats, &mut dice)).collect(),
            };
            let groups = [group("one"), group("same")];
            let of = compare(&Plan { groups, level });
            let differs =
                |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict != Verdict::Stayed);
            let tables = [
                of.destinations.iter().map(|one| differs(one.row.verdict)).collect::<Vec<_>>(),
                of.pairs.iter().map(|one| differs(one.row.verdict)).collect(),
            ];
            for (table, rows) in tables.iter().enumerate() {
                compared[table] += rows.len();
                wrong[table] += rows.iter().filter(|differs| **differs).count();
            }
            let mut rows =
                of.destinations.iter().map(|one| &one.row).chain(of.pairs.iter().map(|one| &one.row));
            corrected += usize::from(rows.any(|row| row.stands_corrected));
            shuffles += usize::from(tables.iter().flatten().any(|differs| *differs));
        }
        println!(
            "{names:?}: of {compared:?} destinations and pairs {wrong:?} are called different, in {shuffles} of {SHUFFLES} shuffles; corrected in {corrected}"
        );
        for (compared, wrong) in compared.iter().zip(wrong) {
            assert!(20 * wrong <= *compared, "{wrong} of {compared}");
        }
        // Where nothing differs, every claim is wrong: the correction keeps shuffles with any to the level.
        assert!(20 * corrected <= SHUFFLES, "{corrected}");
    }
}
