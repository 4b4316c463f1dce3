//! Made-up runs with and without a setting; and many in which nothing differs.

use super::*;
use crate::run::Seen;
use proptest::prelude::*;

/// A run of four minutes in flight in which everything could be read.
fn run(found: &[(&str, DataClass, u64)]) -> Run {
    let mut run = Run { captured: 6.0, flying: 4.0, ..Run::default() };
    for (host, data_class, count) in found {
        let traffic = run.hosts.entry((*host).to_owned()).or_default();
        traffic.up += 100 * count;
        run.bytes += 100 * count;
        run.seen.push(Seen {
            host: (*host).to_owned(),
            data_class: *data_class,
            digest: "d".to_owned(),
            count: *count,
        });
    }
    run
}

fn named(name: &str, runs: Vec<Run>) -> Group {
    let runs =
        runs.into_iter().enumerate().map(|(index, run)| Run { name: format!("{name}-{}", index + 1), ..run });
    Group { name: name.to_owned(), runs: runs.collect() }
}

fn compared(off: Vec<Run>, on: Vec<Run>) -> Comparison {
    compare(&Plan { groups: [named("off", off), named("on", on)], level: 0.05 })
}

fn pair<'a>(of: &'a Comparison, host: &str, class: DataClass) -> &'a Pair {
    of.pairs.iter().find(|pair| pair.host == host && pair.data_class == class).unwrap()
}

fn host<'a>(of: &'a Comparison, host: &str) -> &'a Destination {
    of.destinations.iter().find(|one| one.host == host).unwrap()
}

use DataClass::{Email, Location, Serial};

/// Without the setting; with it.
fn off() -> Run {
    run(&[("fly.test", Serial, 7), ("fly.test", Location, 7), ("stat.test", Email, 2)])
}

fn on() -> Run {
    run(&[("fly.test", Serial, 6), ("news.test", Serial, 1)])
}

#[test]
fn what_holds_in_three_repeats_is_claimed_and_told_with_its_strength() {
    let of = compared(vec![off(), off(), off()], vec![on(), on(), on()]);
    let verdicts: Vec<_> =
        of.pairs.iter().map(|pair| (pair.host.as_str(), pair.data_class, pair.row.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            ("fly.test", Location, Some(Verdict::Stopped)),
            ("fly.test", Serial, Some(Verdict::Stayed)),
            ("news.test", Serial, Some(Verdict::Appeared)),
            ("stat.test", Email, Some(Verdict::Stopped)),
        ]
    );
    let fly = host(&of, "fly.test");
    assert_eq!(
        (fly.row.verdict, &fly.dropped, &fly.kept),
        (Some(Verdict::Changed), &vec![Location], &vec![Serial])
    );
    let serial = of.classes.iter().find(|class| class.data_class == Serial).unwrap();
    assert_eq!((serial.row.verdict, &serial.added), (Some(Verdict::Changed), &vec!["news.test".to_owned()]));
    let row = &pair(&of, "stat.test", Email).row;
    assert!(
        (row.p - 1.0 / 32.0).abs() < 1e-9
            && (row.p_corrected - 4.0 / 96.0).abs() < 1e-9
            && row.stands_corrected
    );
    let unseen = row.unseen.unwrap();
    assert!(
        (unseen.share_of_runs - 0.6316).abs() < 1e-4 && (unseen.rate.unwrap() - 2.9957 / 12.0).abs() < 1e-4
    );
    assert_eq!(
        of.statements[0],
        "on: 1 of 2 destinations remain: fly.test was seen; 1 other destination was seen only then: news.test; 0 % of bytes opaque."
    );
    let all = of.statements.join("\n");
    for part in [
        "1 destination stopped: stat.test; 2 kinds of data to a destination stopped: fly.test (location) and stat.test (email).",
        "with a probability of at most 0.031.",
        "fly.test changed: it no longer gets location and still gets serial.",
        "with 3 runs against 3 no probability is below 0.1.",
        "Not seen is not never: with on up to 63 % of such runs may show it, and 0.25 times a flight minute",
        "Opaque: 0 % of 4800 bytes with off; 0 % of 2100 bytes with on",
    ] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
}

#[test]
fn fewer_than_three_repeats_claim_no_difference() {
    for (n, m) in [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (2, 3)] {
        let of = compared(vec![off(); n], vec![on(); m]);
        assert!(
            of.pairs.iter().all(|pair| matches!(pair.row.verdict, None | Some(Verdict::Stayed))),
            "{n} {m}"
        );
        assert!(of.destinations.iter().all(|one| matches!(one.row.verdict, None | Some(Verdict::Stayed))));
        let row = &pair(&of, "stat.test", Email).row;
        assert_eq!((row.observed, row.why), (Observed::Stopped, Some("too few runs to tell")));
        assert_eq!(host(&of, "fly.test").row.observed, Observed::Changed);
        let all = of.statements.join("\n");
        assert!(
            all.contains("Too few to tell") && all.contains("3 of each are the fewest that tell"),
            "{all}"
        );
    }
}

#[test]
fn what_may_have_gone_unread_is_not_said_to_have_stopped() {
    let quiet = |change: &dyn Fn(&mut Run)| {
        let mut run = on();
        change(&mut run);
        run
    };
    // With opaque bytes to the host, or to hosts that are not told, or in a damaged case, silence says nothing.
    let opaque = quiet(&|run| run.hosts.get_mut("fly.test").unwrap().opaque = 1);
    let of = compared(vec![off(), off(), off()], vec![on(), on(), opaque]);
    let row = &pair(&of, "fly.test", Location).row;
    assert_eq!(
        (row.verdict, row.why, row.seen_in),
        (None, Some("may have been there where it could not be read"), [[3, 3], [0, 2]])
    );
    assert!((row.p - Presence::default().p([3, 3], [1, 3])).abs() < 1e-12);
    assert_eq!(pair(&of, "stat.test", Email).row.verdict, Some(Verdict::Stopped));
    assert!(of.statements.join("\n").contains("where it could not be read: fly.test (location)."));
    for change in [&(|run: &mut Run| run.damaged = true) as &dyn Fn(&mut Run), &|run| run.elsewhere = 9] {
        let of = compared(vec![off(), off(), off()], vec![quiet(change), quiet(change), quiet(change)]);
        let row = &host(&of, "stat.test").row;
        assert_eq!((row.verdict, row.observed), (None, Observed::Hidden));
    }
    // A class is absent only where all was read.
    let opaque = quiet(&|run| run.opaque = 1);
    let of = compared(vec![off(), off(), off()], vec![opaque.clone(), opaque.clone(), opaque]);
    let location = of.classes.iter().find(|class| class.data_class == Location).unwrap();
    assert_eq!((location.row.verdict, location.row.observed), (None, Observed::Hidden));
}

#[test]
fn values_are_told_apart_where_one_key_made_the_digests() {
    let with = |digest: &str, key: Option<&str>| {
        let mut run = run(&[("a.test", Serial, 1)]);
        run.seen[0].digest = digest.to_owned();
        run.key = key.map(ToOwned::to_owned);
        run
    };
    let three = |digest: &str, key: Option<&str>| vec![with(digest, key); 3];
    let of = compared(three("x", Some("k")), three("y", Some("k")));
    assert_eq!(of.joined_by, "digest");
    assert_eq!(pair(&of, "a.test", Serial).row.verdict, Some(Verdict::Changed));
    assert_eq!(
        pair(&of, "a.test", Serial).values,
        Some(Values { stopped: 1, appeared: 1, ..Values::default() })
    );
    assert_eq!(host(&of, "a.test").row.verdict, Some(Verdict::Changed));
    assert!(
        of.statements
            .iter()
            .any(|told| told.starts_with("The serial that a.test gets changed: of its values 1 stopped"))
    );
    for (one, other) in [(None, None), (Some("k"), Some("l")), (Some("k"), None)] {
        let of = compared(three("x", one), three("y", other));
        assert_eq!(
            (of.joined_by, pair(&of, "a.test", Serial).row.verdict),
            ("class and host", Some(Verdict::Stayed))
        );
        assert!(pair(&of, "a.test", Serial).values.is_none());
    }
}

#[test]
fn amounts_are_claimed_where_there_are_runs_enough() {
    let of = compared(vec![run(&[("a.test", Serial, 9)]); 6], vec![run(&[("a.test", Serial, 2)]); 6]);
    let amount = pair(&of, "a.test", Serial).row.amount.unwrap();
    assert_eq!((amount.claim, amount.before, amount.after), (Some("less"), 2.25, 0.5));
    let (low, high) = amount.ratio.unwrap();
    assert!(low < 2.0 / 9.0 && 2.0 / 9.0 < high && high < 0.5, "{low} {high}");
    assert_eq!(pair(&of, "a.test", Serial).row.verdict, Some(Verdict::Stayed));
    assert!(of.statements.join("\n").contains("a.test less (220 bytes a flight minute before, 50 after"));
}

#[test]
fn cases_made_in_different_ways_are_told() {
    let keyed = Run { made_with: ["keys"].into(), tool: "creance 0".to_owned(), ..off() };
    let of = compared(vec![keyed.clone()], vec![Run { tool: "creance 1".to_owned(), ..off() }]);
    assert!(
        of.statements[1]
            .ends_with("keys were given for 1 of 2 and not all are of one version of the program.")
    );
    let of = compared(vec![keyed.clone()], vec![keyed]);
    assert!(!of.statements.join("\n").contains("the same way"));
}

#[test]
fn without_times_amounts_are_by_run() {
    let still = |flying, captured| Run { captured, flying, ..off() };
    assert_eq!(compared(vec![still(0.0, 5.0)], vec![still(3.0, 5.0)]).per, "minute");
    let of = compared(vec![still(0.0, 0.0)], vec![still(3.0, 5.0)]);
    assert_eq!((of.per, pair(&of, "stat.test", Email).row.amount.unwrap().before), ("run", 2.0));
}

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    /// From 0 up to 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// How many events come in one unit of time at this rate (Knuth).
    fn events(&mut self, rate: f64) -> u64 {
        let (mut product, mut count) = (self.roll(), 0);
        while product > (-rate).exp() {
            product *= self.roll();
            count += 1;
        }
        count
    }
}

/// Where nothing differs: 40 things, each with a rate of its own, in runs that are dealt to two settings.
#[test]
fn between_repeats_of_one_setting_differences_are_claimed_at_most_at_the_stated_level() {
    let names: Vec<String> = (0..40).map(|thing| format!("h{thing}.test")).collect();
    for (n, m, level) in [
        (1, 1, 0.05),
        (1, 2, 0.05),
        (2, 2, 0.05),
        (3, 3, 0.05),
        (3, 4, 0.05),
        (5, 5, 0.05),
        (4, 8, 0.2),
        (3, 3, 0.01),
    ] {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let (mut compared, mut wrong, mut corrected, mut amounts) = (0_u32, 0_u32, 0_u32, 0_u32);
        for _ in 0..250 {
            // From hardly ever to some times a run; the worst for the test lies at 0.7.
            let rates: Vec<f64> = names.iter().map(|_| 3.0 * dice.roll().powi(2)).collect();
            let mut runs: Vec<Run> = (0..n + m)
                .map(|_| {
                    let found: Vec<_> = names
                        .iter()
                        .zip(&rates)
                        .map(|(name, rate)| (name.as_str(), Serial, dice.events(*rate)))
                        .collect();
                    run(&found.into_iter().filter(|(_, _, count)| *count > 0).collect::<Vec<_>>())
                })
                .collect();
            let later = runs.split_off(n);
            let of = compare(&Plan { groups: [named("one", runs), named("same", later)], level });
            compared += u32::try_from(of.pairs.len()).unwrap();
            wrong += u32::try_from(of.pairs.iter().filter(|pair| pair.row.claims(level)).count()).unwrap();
            corrected += u32::from(of.pairs.iter().any(|pair| pair.row.stands_corrected));
            amounts += u32::from(
                of.pairs.iter().any(|pair| pair.row.amount.is_some_and(|amount| amount.claim.is_some())),
            );
        }
        let rate = f64::from(wrong) / f64::from(compared);
        assert!(rate <= level, "{n} against {m}: {wrong} of {compared}");
        assert!(f64::from(corrected) / 250.0 <= level, "{n} against {m}: {corrected}");
        // In the whole table, with some room for the luck of 250 draws.
        assert!(
            f64::from(amounts) / 250.0 <= level + 3.0 * (level / 250.0).sqrt(),
            "{n} against {m}: {amounts}"
        );
        if n.min(m) < 3 {
            assert_eq!(wrong, 0);
        }
    }
}

/// Without the setting there are no keys, and a thing that is sent, in a fifth of the runs, is seen half the time. To leave out
/// the runs that do not show it would keep those that do.
#[test]
fn keys_that_are_missing_make_no_difference() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for (n, m) in [(3, 3), (8, 8), (20, 6)] {
        let (mut all, mut wrong) = (0_u32, 0_u32);
        for _ in 0..400 {
            let mut one = |keys: bool| {
                let sent = dice.roll() < 0.2;
                let opaque = !keys;
                let seen = sent && (!opaque || dice.roll() < 0.5);
                let mut run = run(if seen { &[("a.test", Serial, 1)] } else { &[] });
                run.hosts.entry("a.test".to_owned()).or_default().opaque = u64::from(opaque);
                run
            };
            let (off, on) = ((0..n).map(|_| one(false)).collect(), (0..m).map(|_| one(true)).collect());
            let of = compared(off, on);
            all += 1;
            wrong += u32::from(of.pairs.iter().any(|pair| pair.row.claims(0.05)));
        }
        assert!(20 * wrong <= all, "{n} against {m}: {wrong} of {all}");
    }
}

fn any_run() -> impl Strategy<Value = Run> {
    let found = proptest::collection::vec((0..4_usize, 0..3_usize, 1..5_u64), 0..8);
    (found, any::<bool>(), 0..3_u64, 0..3_u64).prop_map(|(found, damaged, opaque, elsewhere)| {
        let hosts = ["a.test", "b.test", "c.test", "d.test"];
        let found: Vec<_> = found
            .into_iter()
            .map(|(host, class, count)| (hosts[host], [Serial, Email, Location][class], count))
            .collect();
        Run { damaged: damaged && opaque > 0, opaque, elsewhere: elsewhere / 2, ..run(&found) }
    })
}

proptest! {
    #[test]
    fn the_other_way_round_what_stopped_has_appeared(
        one in proptest::collection::vec(any_run(), 1..6),
        other in proptest::collection::vec(any_run(), 1..6),
    ) {
        let turned = |verdict| match verdict {
            Some(Verdict::Stopped) => Some(Verdict::Appeared),
            Some(Verdict::Appeared) => Some(Verdict::Stopped),
            same => same,
        };
        let (there, back) = (compared(one.clone(), other.clone()), compared(other.clone(), one.clone()));
        for (a, b) in there.pairs.iter().zip(&back.pairs) {
            prop_assert_eq!((a.row.verdict, a.row.why), (turned(b.row.verdict), b.row.why));
            prop_assert!(a.row.verdict.is_some() != a.row.why.is_some());
        }
        for (a, b) in there.destinations.iter().zip(&back.destinations) {
            prop_assert_eq!(a.row.verdict, turned(b.row.verdict));
        }
        // Nor does the order of repeats matter; and equal inputs give equal bytes.
        let reversed = compared(one.iter().rev().cloned().collect(), other.clone());
        let verdicts = |of: &Comparison| of.pairs.iter().map(|pair| (pair.row.verdict, pair.row.observed)).collect::<Vec<_>>();
        prop_assert_eq!(verdicts(&there), verdicts(&reversed));
        let text = |of: &Comparison| serde_json::to_string(of).unwrap();
        prop_assert_eq!(text(&there), text(&compared(one, other)));
    }
}
