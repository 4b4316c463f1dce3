//! `weights.toml`: how much each kind of evidence weighs, and how far it may be trusted.

use creance_model::{Confidence, Match};
use serde::Deserialize;

use super::Error;

/// The bundled table.
const BUNDLED: &str = include_str!("../../../../knowledge/hypotheses/weights.toml");

/// The tables by which evidence is weighed.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The probability before any evidence.
    pub prior: f64,
    /// Why that.
    pub prior_why: String,
    /// No result is lower.
    pub least: f64,
    /// No result is higher.
    pub most: f64,
    /// Likelihood ratios of links.
    pub(super) link: Vec<Link>,
    pub(super) further: Further,
    pub(super) absence: Absence,
    pub(super) source: SourceWeights,
    pub(super) confidence: Vec<Row>,
}

/// How much oftener a link says so where it is so than where it is not.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    of: String,
    is: String,
    ratio: f64,
    grade: Option<String>,
    /// Kept in the table for its readers.
    #[serde(rename = "why")]
    _why: String,
}

/// What lines after the strongest count.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Further {
    pub(super) share: f64,
    pub(super) lines: usize,
    #[serde(rename = "why")]
    _why: String,
}

/// What it means that nothing was seen.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Absence {
    sensitivity: f64,
    expected_minutes: f64,
    #[serde(rename = "why")]
    _why: String,
}

impl Absence {
    /// The ratio for a claim of which nothing was seen.
    pub(super) fn ratio(&self, readable: f64, minutes: f64) -> f64 {
        let seen = readable * self.sensitivity * (1.0 - (-minutes / self.expected_minutes).exp());
        (1.0 - seen).clamp(0.01, 1.0)
    }
}

/// Ratios of credibility 1 to 6, and their powers by reliability A to F.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceWeights {
    credibility: [f64; 6],
    reliability: [f64; 6],
    #[serde(rename = "why")]
    _why: String,
}

/// A row of the table of confidence.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) level: Confidence,
    #[serde(default, rename = "match")]
    pub(super) matched: Vec<Match>,
    pub(super) lines: Option<usize>,
    pub(super) readable: Option<f64>,
    pub(super) minutes: Option<f64>,
    pub(super) weakest: Option<f64>,
    pub(super) whole: Option<bool>,
    pub(super) opposed: Option<bool>,
    pub(super) compared: Option<bool>,
    pub(super) why: String,
}

impl Weights {
    /// The table that comes with the program.
    pub fn bundled() -> Result<Self, Error> {
        toml::from_str(BUNDLED).map_err(|error| Error::Form(error.to_string()))
    }

    /// The ratio of a link; 1, which weighs nothing, for one that is not in the table.
    pub(super) fn link(&self, of: &str, is: &str) -> f64 {
        self.link.iter().find(|link| link.of == of && link.is == is).map_or(1.0, |link| link.ratio.max(1.0))
    }

    /// How a kind of match is graded.
    pub(super) fn grade(&self, matched: Match) -> &str {
        let link = self.link.iter().find(|link| link.of == "match" && link.is == matched.name());
        link.and_then(|link| link.grade.as_deref()).unwrap_or("F6")
    }

    /// The ratio of a source of this grade, such as `B2`.
    pub(super) fn source(&self, grade: &str) -> f64 {
        let mut chars = grade.chars();
        let (Some(letter @ 'A'..='F'), Some(digit @ '1'..='6')) = (chars.next(), chars.next()) else {
            return 1.0;
        };
        let at = |list: &[f64; 6], index: u32| list.get(index as usize).copied().unwrap_or(1.0);
        let power = at(&self.source.reliability, u32::from(letter) - u32::from('A'));
        at(&self.source.credibility, u32::from(digit) - u32::from('1')).max(0.01).powf(power)
    }
}

/// The ratio of a chain of links: the chances that one is wrong add up.
pub(super) fn chain(links: impl IntoIterator<Item = f64>) -> f64 {
    let wrong: f64 = links.into_iter().map(|ratio| 1.0 / ratio.max(1.0)).sum();
    if wrong > 0.0 { (1.0 / wrong).max(1.0) } else { 1.0 }
}

/// The probability of these log-odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_is_in_bounds() {
        let weights = Weights::bundled().unwrap();
        assert!(weights.least > 0.0 && weights.most < 1.0 && weights.least < weights.prior);
        for matched in Match::ALL {
            assert!(weights.link("match", matched.name()) > 1.0, "{matched}");
            assert_ne!(weights.grade(*matched), "F6");
        }
        let order: Vec<f64> = Match::ALL.iter().map(|one| weights.link("match", one.name())).collect();
        assert!(order[0] > order[1] && order[1] > order[2] && order[2] > order[4]);
        assert_eq!(weights.confidence.last().map(|row| row.level), Some(Confidence::Low));
        assert!(weights.link("match", "no such thing") <= 1.0);
    }

    #[test]
    fn a_chain_is_no_stronger_than_its_weakest_link() {
        assert!((chain([1000.0]) - 1000.0).abs() < 1e-9);
        assert!(chain([1000.0, 12.0]) < 12.0);
        assert!((chain([1000.0, 1.0]) - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_cannot_be_judged_weighs_nothing() {
        let weights = Weights::bundled().unwrap();
        for grade in ["F6", "F1", "A6", "E3", "", "Z9"] {
            assert!((weights.source(grade) - 1.0).abs() < 1e-9, "{grade}");
        }
        assert!(weights.source("A1") > weights.source("B2") && weights.source("B2") > weights.source("C3"));
        assert!(weights.source("B5") < 1.0);
    }

    #[test]
    fn absence_weighs_by_what_could_be_read_and_for_how_long() {
        let absence = Weights::bundled().unwrap().absence;
        assert!(
            (absence.ratio(0.0, 60.0) - 1.0).abs() < 1e-9 && (absence.ratio(1.0, 0.0) - 1.0).abs() < 1e-9
        );
        assert!(absence.ratio(1.0, 60.0) < absence.ratio(0.5, 60.0));
        assert!(absence.ratio(1.0, f64::INFINITY) > 0.0);
    }
}
