//! Many comparisons at once: among hundreds, some differ by chance.

/// Probabilities corrected by Holm (1979): of all that then lie at or below a level, none is wrong, but with a probability
/// of that level. Holds however the comparisons depend on each other.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut greatest: f64 = 0.0;
    corrected(
        ps,
        |rank, all| all - rank,
        false,
        |p| {
            greatest = greatest.max(p);
            greatest
        },
    )
}

/// Probabilities corrected by Benjamini and Hochberg (1995): of those that then lie at or below a level, the share that is
/// wrong is expected to be no more than that level.
pub fn false_discovery(ps: &[f64]) -> Vec<f64> {
    let mut least: f64 = 1.0;
    corrected(
        ps,
        |rank, all| all / (rank + 1.0),
        true,
        |p| {
            least = least.min(p);
            least
        },
    )
}

/// Each probability times a factor by its rank (from 0), made monotonous from one end to the other.
fn corrected(
    ps: &[f64],
    factor: impl Fn(f64, f64) -> f64,
    from_greatest: bool,
    mut monotonous: impl FnMut(f64) -> f64,
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    let p = |index: usize| ps.get(index).copied().unwrap_or(1.0);
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let mut ranked: Vec<(usize, usize)> = order.into_iter().enumerate().collect();
    if from_greatest {
        ranked.reverse();
    }
    let mut out = vec![1.0; ps.len()];
    for (rank, index) in ranked {
        let raised = monotonous((p(index) * factor(number(rank), number(ps.len()))).min(1.0));
        out.get_mut(index).into_iter().for_each(|slot| *slot = raised);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn corrections_are_those_of_r() {
        // p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") and "BH".
        let ps = [0.01, 0.04, 0.03, 0.005];
        assert!(same(&holm(&ps), &[0.03, 0.06, 0.06, 0.02]));
        assert!(same(&false_discovery(&ps), &[0.02, 0.04, 0.04, 0.02]));
        assert!(holm(&[]).is_empty() && same(&holm(&[0.9, 0.8]), &[1.0, 1.0]));
    }
}
