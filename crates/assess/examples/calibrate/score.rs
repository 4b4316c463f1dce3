//! How probabilities do against the truth: Brier score, and what share was so in each band.

use creance_assess::judge::{Hypotheses, Question, Sources, Weights, probabilities};
use creance_model::Likelihood;

use crate::cases::{Chance, generated};

/// A probability, and whether it was so.
pub(crate) type Sample = (f64, bool);

/// Samples of cases of chance. Of each hypothesis there are as many that hold as that do not: at the prior that the table states.
pub(crate) fn samples(seed: u64, cases: usize, mislead: f64) -> Vec<Sample> {
    let (Ok(set), Ok(weights)) = (Hypotheses::bundled(), Weights::bundled()) else { return Vec::new() };
    let (sets, sources) = ([set], Sources::default());
    let mut chance = Chance(seed);
    let mut by_claim: std::collections::BTreeMap<String, [Vec<f64>; 2]> = std::collections::BTreeMap::new();
    for _ in 0..cases {
        let (report, truth) = generated(&mut chance, mislead);
        let question =
            Question { report: &report, sets: &sets, weights: &weights, sources: &sources, comparisons: &[] };
        for (id, p) in probabilities(&question) {
            if let Some(is) = truth.get(id.as_str()) {
                by_claim.entry(id).or_default()[usize::from(*is)].push(p);
            }
        }
    }
    let balanced = |[is_not, is]: [Vec<f64>; 2]| {
        let least = is_not.len().min(is.len());
        let label = |list: Vec<f64>, so: bool| list.into_iter().take(least).map(move |p| (p, so));
        label(is_not, false).chain(label(is, true)).collect::<Vec<_>>()
    };
    by_claim.into_values().flat_map(balanced).collect()
}

/// The mean squared difference between what was said and what was so: 0 is perfect, 0.25 is always saying even.
#[expect(clippy::cast_precision_loss, reason = "counts")]
pub(crate) fn brier(samples: &[Sample]) -> f64 {
    samples.iter().map(|(p, so)| (p - f64::from(u8::from(*so))).powi(2)).sum::<f64>()
        / samples.len().max(1) as f64
}

/// A band, what was said in it, and what was so.
pub(crate) struct Row {
    pub(crate) band: Likelihood,
    pub(crate) count: usize,
    pub(crate) said: f64,
    pub(crate) so: f64,
    /// What the share may be, at 95 % (Wilson).
    pub(crate) interval: (f64, f64),
}

impl Row {
    /// Whether the share that was so may lie in the band. What is beyond the outermost bands belongs to them.
    pub(crate) fn holds(&self) -> bool {
        let (low, high) = self.band.range();
        let low = if self.band == Likelihood::AlmostNoChance { 0.0 } else { low };
        let high = if self.band == Likelihood::AlmostCertain { 1.0 } else { high };
        self.interval.0 <= high && self.interval.1 >= low
    }
}

/// Every band.
#[expect(clippy::cast_precision_loss, reason = "counts")]
pub(crate) fn bands(samples: &[Sample]) -> Vec<Row> {
    let row = |band: &Likelihood| {
        let inside: Vec<&Sample> = samples.iter().filter(|(p, _)| Likelihood::of(*p) == *band).collect();
        let n = inside.len() as f64;
        let so = inside.iter().filter(|(_, so)| *so).count() as f64 / n.max(1.0);
        let z = 1.96_f64;
        let middle = (so + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (so * (1.0 - so) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        let interval =
            if n > 0.0 { ((middle - half).max(0.0), (middle + half).min(1.0)) } else { (0.0, 1.0) };
        let said = inside.iter().map(|(p, _)| p).sum::<f64>() / n.max(1.0);
        Row { band: *band, count: inside.len(), said, so, interval }
    };
    Likelihood::ALL.iter().map(row).collect()
}
