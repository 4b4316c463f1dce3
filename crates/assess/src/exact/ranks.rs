//! Is there more of it here than there? The exact permutation test on ranks (Wilcoxon, Mann and Whitney), with ties.
//!
//! Every way to deal the runs to the two sides is counted: how many have sums of ranks at least as far from the middle.
//! Ranks, so that one great upload does not decide, and so that the count is exact whatever the amounts are.

use std::cmp::Ordering;

/// The two-sided probability of amounts at least as different, were the runs dealt to the sides by chance; and on which side
/// there is more by the ranks: greater, `there`.
pub fn ranks(here: &[f64], there: &[f64]) -> (f64, Ordering) {
    if here.is_empty() || there.is_empty() {
        return (1.0, Ordering::Equal);
    }
    let mut all: Vec<(f64, bool)> = here
        .iter()
        .map(|amount| (*amount, true))
        .chain(there.iter().map(|amount| (*amount, false)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the middle rank of equals: a whole number.
    let mut doubled = Vec::with_capacity(all.len());
    for equals in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = 2 * doubled.len() + equals.len() + 1;
        doubled.extend(std::iter::repeat_n(rank, equals.len()));
    }
    let observed: usize = doubled.iter().zip(&all).filter(|(_, (_, here))| *here).map(|(rank, _)| rank).sum();
    let middle = here.len() * (all.len() + 1);
    let far = observed.abs_diff(middle);
    let (mut farther, mut ways) = (0.0, 0.0);
    for (sum, count) in sums(&doubled, here.len()).into_iter().enumerate() {
        ways += count;
        if sum.abs_diff(middle) >= far {
            farther += count;
        }
    }
    (farther / ways, middle.cmp(&observed))
}

/// In how many ways `of` of the ranks add up to each sum.
fn sums(ranks: &[usize], of: usize) -> Vec<f64> {
    let most: usize = ranks.iter().rev().take(of).sum();
    let mut ways = vec![vec![0.0; most + 1]; of + 1];
    if let Some(none) = ways.first_mut().and_then(|sums| sums.first_mut()) {
        *none = 1.0;
    }
    for rank in ranks {
        for taken in (1..=of).rev() {
            let Some([fewer, these]) = ways.get_disjoint_mut([taken - 1, taken]).ok() else { continue };
            for (count, before) in these.iter_mut().skip(*rank).zip(fewer.iter()) {
                *count += before;
            }
        }
    }
    ways.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_against_three_are_never_less_than_a_tenth() {
        assert!((ranks(&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0]).0 - 0.1).abs() < 1e-12);
        assert!((ranks(&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0]).0 - 0.1).abs() < 1e-12);
        assert!((ranks(&[1.0; 4], &[2.0; 4]).0 - 2.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn one_great_amount_does_not_say_on_which_side_there_is_more() {
        let mut here = [1.0; 10];
        here[9] = 1e6;
        let (p, more) = ranks(&here, &[2.0; 10]);
        assert!(p < 0.01);
        assert_eq!((more, ranks(&[2.0; 10], &here).1), (Ordering::Greater, Ordering::Less));
    }

    #[test]
    fn ties_and_equals_are_no_difference() {
        assert!((ranks(&[1.0, 1.0], &[1.0, 1.0, 1.0]).0 - 1.0).abs() < 1e-12);
        assert!((ranks(&[], &[1.0]).0 - 1.0).abs() < 1e-12);
        // By hand: of the six ways to choose two of 1, 2½, 2½, 4, sums 3½ and 6½ twice each, 5 twice; observed 3½.
        assert!((ranks(&[1.0, 2.0], &[2.0, 3.0]).0 - 4.0 / 6.0).abs() < 1e-12);
    }
}
