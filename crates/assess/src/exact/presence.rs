//! Seen in `a` of `n` runs here, in `b` of `m` there: could that be chance?
//!
//! Boschloo's test (Biometrika 1970): the numbers of runs are fixed by whoever made them and how often a thing is seen is
//! not, so the test is not conditional on that, as Fisher's is. Its probability is the largest over all shares of runs
//! in which an unchanged thing may be seen, and no more than Fisher's: for three runs against three, all against none,
//! 1/32 and not 1/10. Two-sided: twice the smaller of the two one-sided ones.

use std::collections::BTreeMap;

use super::ln_factorials;

/// Steps of the share of runs in which an unchanged thing is seen; between the best and its neighbours it is searched on.
const STEPS: u32 = 256;

/// Tables whose probabilities differ by no more than this are taken for equally extreme.
const SAME: f64 = 1e-9;

/// The test, which remembers its answers.
#[derive(Debug, Default)]
pub struct Presence {
    known: BTreeMap<[usize; 4], f64>,
    /// One-sided probabilities of Fisher of every table, by numbers of runs.
    tables: BTreeMap<[usize; 2], Vec<Vec<f64>>>,
}

impl Presence {
    /// The two-sided probability that an unchanged thing looks at least as different; 1 where there are no runs to compare.
    pub fn p(&mut self, here: [usize; 2], there: [usize; 2]) -> f64 {
        let ([a, n], [b, m]) = (here, there);
        let (a, b) = (a.min(n), b.min(m));
        if n == 0 || m == 0 {
            return 1.0;
        }
        if let Some(known) = self.known.get(&[a, n, b, m]) {
            return *known;
        }
        let one_sided = self.more([a, n], [b, m]).min(self.more([b, m], [a, n]));
        let probability = (2.0 * one_sided).min(1.0);
        self.known.insert([a, n, b, m], probability);
        probability
    }

    /// The one-sided probability: of so many more here than there.
    fn more(&mut self, [a, n]: [usize; 2], [b, m]: [usize; 2]) -> f64 {
        let fisher = self.tables.entry([n, m]).or_insert_with(|| fisher(n, m));
        let Some(observed) = fisher.get(a).and_then(|row| row.get(b)) else { return 1.0 };
        // Fewer there is more extreme: of each row, tables up to a column.
        let extreme: Vec<usize> = fisher
            .iter()
            .map(|row| row.iter().take_while(|p| **p <= observed * (1.0 + SAME)).count())
            .collect();
        let (here, there) = (choices(n), choices(m));
        let chance = |share: f64| -> f64 {
            let (here, there) = (binomial(&here, share), binomial(&there, share));
            let mut sums: Vec<f64> = vec![0.0];
            for p in there {
                sums.push(sums.last().unwrap_or(&0.0) + p);
            }
            here.iter().zip(&extreme).map(|(p, columns)| p * sums.get(*columns).unwrap_or(&1.0)).sum()
        };
        greatest(chance)
    }
}

/// The one-sided probabilities of Fisher for every table: at least `a` of `n` here, given `a + b` in all.
fn fisher(n: usize, m: usize) -> Vec<Vec<f64>> {
    let ln = ln_factorials(n + m);
    let of = |number: usize| ln.get(number).copied().unwrap_or_default();
    let choose = |all: usize, some: usize| of(all) - of(some) - of(all - some);
    let tail = |a: usize, b: usize| -> f64 {
        let seen = a + b;
        let probability = |a: usize| (choose(n, a) + choose(m, seen - a) - choose(n + m, seen)).exp();
        (a.max(seen.saturating_sub(m))..=n.min(seen)).map(probability).sum()
    };
    (0..=n).map(|a| (0..=m).map(|b| tail(a, b)).collect()).collect()
}

/// Logarithms of the numbers of ways to choose each number of `all`.
fn choices(all: usize) -> Vec<f64> {
    let ln = ln_factorials(all);
    let pairs = ln.iter().zip(ln.iter().rev());
    pairs.map(|(some, rest)| ln.last().copied().unwrap_or_default() - some - rest).collect()
}

/// The binomial probabilities of each number of successes.
fn binomial(choices: &[f64], share: f64) -> Vec<f64> {
    // Logarithms of 0 are not wanted: the ends are nearly reached, and no maximum lies there.
    let share = share.clamp(1e-12, 1.0 - 1e-12);
    let (yes, no) = (share.ln(), (1.0 - share).ln());
    let of = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let last = choices.len().saturating_sub(1);
    choices
        .iter()
        .enumerate()
        .map(|(index, ways)| (ways + of(index) * yes + of(last - index) * no).exp())
        .collect()
}

/// The greatest value over shares from 0 to 1.
fn greatest(chance: impl Fn(f64) -> f64) -> f64 {
    let at = |step: u32| f64::from(step) / f64::from(STEPS);
    let best = (0..=STEPS)
        .map(|step| (chance(at(step)), step))
        .fold((0.0, 0), |best, one| if one.0 > best.0 { one } else { best });
    let (mut low, mut high) = (at(best.1.saturating_sub(1)), at((best.1 + 1).min(STEPS)));
    let mut greatest: f64 = best.0;
    for _ in 0..40 {
        let third = (high - low) / 3.0;
        let (left, right) = (chance(low + third), chance(high - third));
        greatest = greatest.max(left).max(right);
        if left < right { low += third } else { high -= third }
    }
    greatest.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(here: [usize; 2], there: [usize; 2]) -> f64 {
        Presence::default().p(here, there)
    }

    #[test]
    fn all_against_none_is_a_power_of_a_half_where_runs_are_equal() {
        for runs in 1..=8_usize {
            let expected = 2.0 * 0.25_f64.powi(i32::try_from(runs).unwrap());
            assert!((p([runs, runs], [0, runs]) - expected).abs() < 1e-9, "{runs}");
        }
    }

    #[test]
    fn values_computed_otherwise_are_met() {
        // By scipy's boschloo_exact.
        assert!((p([7, 15], [12, 15]) - 0.068_218_3).abs() < 1e-6, "{}", p([7, 15], [12, 15]));
        // By hand: the greatest of 2 p²(1-p)³, at p = 2/5.
        assert!((p([2, 2], [0, 3]) - 2.0 * 0.4 * 0.4 * 0.6_f64.powi(3)).abs() < 1e-9);
        assert!((p([1, 1], [0, 1]) - 0.5).abs() < 1e-12);
        assert!((p([2, 3], [2, 3]) - 1.0).abs() < 1e-12);
        assert!((p([0, 0], [1, 3]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn unchanged_things_are_called_different_at_most_as_often_as_stated() {
        // Every table, every share: not a simulation.
        let mut test = Presence::default();
        for (n, m) in [(1, 1), (1, 2), (2, 2), (2, 4), (3, 3), (3, 5), (6, 6), (10, 4)] {
            for level in [0.01, 0.05, 0.2] {
                for step in 0..=50_u32 {
                    let share = f64::from(step) / 50.0;
                    let (here, there) = (binomial(&choices(n), share), binomial(&choices(m), share));
                    let mut wrong = 0.0;
                    for (a, of_a) in here.iter().enumerate() {
                        for (b, of_b) in there.iter().enumerate() {
                            wrong += if test.p([a, n], [b, m]) <= level { of_a * of_b } else { 0.0 };
                        }
                    }
                    assert!(wrong <= level + 1e-9, "{n} {m} {level} {share}: {wrong}");
                }
            }
        }
    }
}
