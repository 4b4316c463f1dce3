//! How much there is of a thing that is seen before and after.

use std::cmp::Ordering;

use serde::Serialize;

use super::rows::{CONFIDENCE, Judge, maybe_rounded, rounded};
use crate::exact::{ranks, rate_ratio};

/// How much, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Amount {
    /// Per minute (see [`super::Comparison::per`]) over all runs, before.
    #[serde(serialize_with = "rounded")]
    pub before: f64,
    /// After.
    #[serde(serialize_with = "rounded")]
    pub after: f64,
    /// How many times as often after as before, lowest and highest at 95 %, if events came independently of each other;
    /// of bytes nothing is said.
    #[serde(serialize_with = "ends")]
    pub ratio: Option<(f64, f64)>,
    /// The probability that runs dealt to the two settings by chance differ as much (exact, on ranks).
    #[serde(serialize_with = "rounded")]
    pub p: f64,
    /// The same, corrected for all rows of the table (Holm).
    #[serde(serialize_with = "rounded")]
    pub p_corrected: f64,
    /// On which side there is more by the ranks of the runs: greater, after.
    #[serde(skip)]
    pub(super) by_ranks: Ordering,
    /// `more` or `less`, if that is at or below the level, and ranks and sums say the same.
    pub claim: Option<&'static str>,
}

impl Amount {
    pub(super) fn settle(&mut self, corrected: f64, level: f64) {
        self.p_corrected = corrected;
        // One great upload among small ones can make more of what is less in nearly every run: then neither is claimed.
        let agree = self.after.partial_cmp(&self.before) == Some(self.by_ranks);
        self.claim = match self.by_ranks {
            _ if corrected > level || !agree => None,
            Ordering::Less => Some("less"),
            Ordering::Equal => None,
            Ordering::Greater => Some("more"),
        };
    }
}

/// Of a run in which some may have gone unread, nothing is known: without others on both sides there is no amount.
pub(super) fn amount(amounts: &[u64], hidden: &[bool], judge: &Judge, events: bool) -> Option<Amount> {
    let mut rates = [Vec::new(), Vec::new()];
    let mut sums = [(0_u64, 0.0); 2];
    for (index, ((amount, hidden), minutes)) in amounts.iter().zip(hidden).zip(&judge.minutes).enumerate() {
        if *hidden {
            continue;
        }
        let side = usize::from(index >= judge.split);
        if let (Some(rates), Some(sum)) = (rates.get_mut(side), sums.get_mut(side)) {
            rates.push(float(*amount) / minutes);
            sum.0 = sum.0.saturating_add(*amount);
            sum.1 += minutes;
        }
    }
    let [before, after] = sums;
    let [here, there] = &rates;
    if here.is_empty() || there.is_empty() {
        return None;
    }
    let (p, by_ranks) = ranks(here, there);
    Some(Amount {
        before: float(before.0) / before.1,
        after: float(after.0) / after.1,
        ratio: if events { rate_ratio(before, after, CONFIDENCE) } else { None },
        p,
        p_corrected: p,
        by_ranks,
        claim: None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "rates are shown with four digits")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Both ends; one that has no end is null.
#[expect(clippy::ref_option, reason = "serde asks for it")]
fn ends<S: serde::Serializer>(ends: &Option<(f64, f64)>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct End(#[serde(serialize_with = "maybe_rounded")] Option<f64>);
    ends.map(|(low, high)| [End(Some(low)), End(Some(high))]).serialize(serializer)
}
