//! What findings amount to: a draft judgement, how likely, how sure, and what an examiner says of it.

use serde::{Deserialize, Serialize};

use crate::{Tlp, class::named};

named! {
    /// How likely a claim is: the seven bands of Intelligence Community Directive 203 (2015), D.6.e.(2)(a), first row.
    Likelihood {
        /// 1 to 5 in a hundred.
        AlmostNoChance = "almost no chance",
        /// 5 to 20.
        VeryUnlikely = "very unlikely",
        /// 20 to 45.
        Unlikely = "unlikely",
        /// 45 to 55.
        EvenChance = "roughly even chance",
        /// 55 to 80.
        Likely = "likely",
        /// 80 to 95.
        VeryLikely = "very likely",
        /// 95 to 99.
        AlmostCertain = "almost certain",
    }
}

impl Likelihood {
    /// Its lowest and highest probability, 0 to 1. Neither certainty nor impossibility is in any band.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::AlmostNoChance => (0.01, 0.05),
            Self::VeryUnlikely => (0.05, 0.20),
            Self::Unlikely => (0.20, 0.45),
            Self::EvenChance => (0.45, 0.55),
            Self::Likely => (0.55, 0.80),
            Self::VeryLikely => (0.80, 0.95),
            Self::AlmostCertain => (0.95, 0.99),
        }
    }

    /// The band of a probability. What is below the lowest or above the highest band belongs to it; a limit between two
    /// belongs to the one nearer to even odds.
    pub fn of(probability: f64) -> Self {
        match probability {
            p if p < 0.05 => Self::AlmostNoChance,
            p if p < 0.20 => Self::VeryUnlikely,
            p if p < 0.45 => Self::Unlikely,
            p if p <= 0.55 => Self::EvenChance,
            p if p <= 0.80 => Self::Likely,
            p if p <= 0.95 => Self::VeryLikely,
            _ => Self::AlmostCertain,
        }
    }
}

named! {
    /// How far the basis of a judgement may be trusted; no degree of likelihood (Intelligence Community Directive 203, D.6.e.(2)(b)).
    Confidence {
        /// Scant, questionable or fragmented.
        Low = "low",
        /// Credible and plausible, not of sufficient quality or corroboration.
        Moderate = "moderate",
        /// Good and corroborated, few assumptions.
        High = "high",
    }
}

named! {
    /// What an examiner made of a judgement.
    ReviewState {
        /// Nobody has looked at it.
        Draft = "draft",
        /// It stands.
        Accepted = "accepted",
        /// It does not stand.
        Rejected = "rejected",
        /// It stands in other words.
        Reworded = "reworded",
    }
}

/// A named examiner's word on a judgement. When it was said stands in the ledger of the case.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Review {
    /// What became of it.
    pub state: ReviewState,
    /// Who said so; nobody, for a draft.
    pub examiner: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The statement in the examiner's words, where it was reworded.
    pub statement: Option<String>,
}

impl Default for Review {
    fn default() -> Self {
        Self { state: ReviewState::Draft, examiner: None, reason: None, statement: None }
    }
}

/// Something known, and how it bears on a judgement and on its alternatives.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Weighed {
    /// What is known, in words, with numbers.
    pub says: String,
    /// The findings that show it, by their ids; none, where it is coverage, traffic or an outside source that says it.
    pub findings: Vec<String>,
    /// How it is graded: reliability A to F, credibility 1 to 6 (AJP-2.1).
    pub grade: String,
    /// By how much it moves the natural logarithm of the odds, by the table of weights; nothing for what is part of a line
    /// that counts already, and for what speaks neither way.
    pub weight: f64,
    /// Where it can be read, of an outside source.
    #[serde(default)]
    pub cited: Option<String>,
    /// For the judgement and each of its alternatives in order, whether it is `consistent`, `inconsistent` or `neutral`.
    pub bears: Vec<String>,
}

/// Another explanation of the same evidence.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Alternative {
    /// In words.
    pub says: String,
    /// How many of the pieces of evidence are inconsistent with it.
    pub inconsistent: u64,
}

/// What findings amount to. Likelihood and confidence never stand in one sentence.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Judgement {
    /// `J01`, … in the order of the report.
    pub id: String,
    /// The hypothesis that it answers, by its name in its set.
    pub hypothesis: String,
    /// The words of the case that the hypothesis puts to the test.
    pub claim: String,
    /// What is judged, with its likelihood; or why it cannot be assessed by a capture.
    pub statement: String,
    /// How likely; nothing, where it cannot be assessed by a capture.
    pub likelihood: Option<Likelihood>,
    /// How far the basis may be trusted.
    pub confidence: Option<Confidence>,
    /// What the confidence rests on: whole sentences.
    pub basis: Vec<String>,
    /// What speaks for and against.
    pub evidence: Vec<Weighed>,
    /// How many pieces of evidence are inconsistent with the judgement itself.
    pub inconsistent: u64,
    /// Other explanations.
    pub alternatives: Vec<Alternative>,
    /// What was not seen.
    pub gaps: Vec<String>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
    /// What would change it.
    pub would_change: Vec<String>,
    /// What is cited beside it and not weighed: laws with their sources, what a recipient now knows of each protected site.
    pub cites: Vec<String>,
    /// What would settle the claim.
    pub settled_by: String,
    /// What is never claimed of it, whatever was seen.
    pub never_claimed: String,
    /// What an examiner says of it.
    pub review: Review,
    /// How far it may be passed on.
    #[serde(default)]
    pub tlp: Tlp,
}

impl Judgement {
    /// The words that stand: the examiner's, where there are some.
    pub fn stands(&self) -> &str {
        self.review.statement.as_deref().unwrap_or(&self.statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_touch_and_hold_what_is_in_them() {
        for pair in Likelihood::ALL.windows(2) {
            let ([_, high], [low, _]) =
                (<[f64; 2]>::from(pair[0].range()), <[f64; 2]>::from(pair[1].range()));
            assert!((high - low).abs() < f64::EPSILON, "{pair:?}");
        }
        for band in Likelihood::ALL {
            let (low, high) = band.range();
            assert_eq!(Likelihood::of(f64::midpoint(low, high)), *band);
        }
        assert_eq!(Likelihood::of(0.0), Likelihood::AlmostNoChance);
        assert_eq!(Likelihood::of(1.0), Likelihood::AlmostCertain);
    }
}
