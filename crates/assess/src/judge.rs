//! Findings → draft judgements: how likely each hypothesis is on this case, how far the basis may be trusted, and what would
//! change that.
//!
//! ```text
//! Report ─────────┐
//! bulletin.toml ──┤ hypotheses      ┌─▶ lines of evidence × hypothesis and alternatives (inconsistencies counted)
//! sources.toml ───┼─▶ evidence ─────┤
//! compare/1 ──────┘                 ├─▶ sum of weights ─▶ likelihood   (weights.toml, first table)
//!                                   └─▶ rows in order  ─▶ confidence   (weights.toml, second table)
//! ```
//!
//! Every judgement is a draft until a named examiner has looked at it. "It cannot be assessed by a capture" is an answer.
//! Likelihood and confidence never stand in one sentence: all text passes [`Prose`].

mod condition;
mod evidence;
mod known;
mod outside;
mod prose;
mod set;
mod told;
mod weights;

use creance_model::{
    Alternative, Confidence, Judgement, Likelihood, Report, Review, ReviewState, Tlp, Weighed,
};
use thiserror::Error;

pub use condition::{Condition, Test};
pub use outside::{Compared, Said, Source, SourceKind, Sources};
pub use prose::{Both, Prose, says_confidence, says_likelihood};
pub use set::{Bearing, Cites, Clue, Hypotheses, Hypothesis, Other, RegionFact, Requirement};
pub use weights::Weights;

use evidence::{Seen, seen};
use weights::probability;

/// Lines of evidence that a judgement lists.
const MOST_LINES: usize = 24;

/// Why nothing could be judged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no TOML, or not of this form.
    #[error("{0}")]
    Form(String),
    /// A field is not what it should be.
    #[error("`{field}`: expected {expected}")]
    Field {
        /// Its path, such as `hypothesis[3].says`.
        field: String,
        /// What it should be.
        expected: String,
    },
    /// A sentence says what none may.
    #[error(transparent)]
    Both(#[from] Both),
}

/// What is asked: a case, and what bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The case.
    pub report: &'a Report,
    /// Sets of hypotheses, in order.
    pub sets: &'a [Hypotheses],
    /// The tables by which evidence is weighed.
    pub weights: &'a Weights,
    /// Sources from outside.
    pub sources: &'a Sources,
    /// Comparisons of paired runs.
    pub comparisons: &'a [Compared],
}

/// The judgements on a case by the bundled set alone.
pub fn judged(report: &Report) -> Result<Vec<Judgement>, Error> {
    let (sets, weights) = ([Hypotheses::bundled()?], Weights::bundled()?);
    judge(&Question {
        report,
        sets: &sets,
        weights: &weights,
        sources: &Sources::default(),
        comparisons: &[],
    })
}

/// Judges every hypothesis on a case. All are drafts.
pub fn judge(question: &Question) -> Result<Vec<Judgement>, Error> {
    let laws = known::jurisdictions()?;
    let mut judgements = Vec::new();
    for set in question.sets {
        for of in &set.hypothesis {
            let mut judgement = one(question, set, of);
            judgement.cites = match of.cites {
                Some(Cites::Laws) => known::laws(question.report, &laws),
                Some(Cites::Sites) => known::sites(question.report),
                None => Vec::new(),
            };
            judgement.id = format!("J{:02}", judgements.len() + 1);
            judgements.push(checked(judgement)?);
        }
    }
    Ok(judgements)
}

/// The probability that stands behind a band: for calibration. Reports give the band and the weights.
pub fn probabilities(question: &Question) -> Vec<(String, f64)> {
    let assessed = |of: &&Hypothesis| of.says.is_some() && !lacks(question, of);
    let each = |set: &Hypotheses| -> Vec<(String, f64)> {
        let of = |of: &Hypothesis| (of.id.clone(), likely(question.weights, &seen(question, of, &[])));
        set.hypothesis.iter().filter(assessed).map(of).collect()
    };
    question.sets.iter().flat_map(each).collect()
}

/// Takes what examiners said of judgements whose text did not change; the others are drafts again, and say so. An examiner's mark
/// stays too, unless one of the comparisons is marked stricter.
pub fn keep_reviews(before: &[Judgement], now: &mut [Judgement], question: &Question) {
    for judgement in now {
        let Some(old) = before.iter().find(|old| old.hypothesis == judgement.hypothesis) else { continue };
        let same = old.statement == judgement.statement
            && old.claim == judgement.claim
            && old.likelihood == judgement.likelihood
            && old.confidence == judgement.confidence;
        if same {
            judgement.review = old.review.clone();
            let of =
                question.sets.iter().flat_map(|set| &set.hypothesis).find(|of| of.id == judgement.hypothesis);
            judgement.tlp = of.map_or(old.tlp, |of| marked(old.tlp, question, of));
        } else if old.review.state != ReviewState::Draft {
            let who = old.review.examiner.as_deref().unwrap_or("an examiner");
            let reason =
                format!("Its text changed after {} had {} it.", prose::quoted(who), old.review.state);
            judgement.review = Review { reason: Some(reason), ..Review::default() };
        }
    }
}

/// A mark, or the strictest of the comparisons on which a judgement is built.
fn marked(tlp: Tlp, question: &Question, of: &Hypothesis) -> Tlp {
    let compares = of.evidence.iter().any(|clue| !clue.verdict.is_empty());
    let built_on = question.comparisons.iter().filter(|one| compares && one.is_about(&of.id));
    built_on.map(|one| one.tlp).fold(tlp, Tlp::max)
}

/// Whether it cannot be assessed for want of paired runs.
fn lacks(question: &Question, of: &Hypothesis) -> bool {
    of.requires == Some(Requirement::Comparison)
        && !question.comparisons.iter().any(|one| one.is_about(&of.id))
}

fn one(question: &Question, set: &Hypotheses, of: &Hypothesis) -> Judgement {
    let others: Vec<&Other> = of
        .alternatives
        .iter()
        .filter_map(|id| set.alternative.iter().find(|other| other.id == *id))
        .collect();
    let seen = seen(question, of, &others);
    let mut judgement = Judgement {
        id: String::new(),
        hypothesis: of.id.clone(),
        claim: of.claim.clone(),
        statement: String::new(),
        likelihood: None,
        confidence: None,
        basis: Vec::new(),
        evidence: seen.lines.iter().take(MOST_LINES).map(|line| line.weighed.clone()).collect(),
        inconsistent: inconsistent(&seen, 0),
        alternatives: others
            .iter()
            .enumerate()
            .map(|(index, other)| Alternative {
                says: other.says.clone(),
                inconsistent: inconsistent(&seen, index + 1),
            })
            .collect(),
        gaps: Vec::new(),
        assumptions: of.assumptions.clone(),
        would_change: Vec::new(),
        cites: Vec::new(),
        settled_by: of.settled_by.clone(),
        never_claimed: of.never_claimed.clone(),
        review: Review::default(),
        tlp: marked(question.report.tlp, question, of),
    };
    let says = match (&of.says, &of.cannot) {
        (Some(says), _) => says,
        (None, cannot) => {
            let why = cannot.as_deref().unwrap_or_default();
            judgement.statement = format!("This cannot be assessed by a capture. {why}");
            return judgement;
        }
    };
    if lacks(question, of) {
        judgement.statement =
            "This was not assessed: it needs paired runs, put side by side by `creance compare`.".into();
        judgement.would_change =
            vec!["Runs with the setting off and on, repeated at least three times each.".to_owned()];
        return judgement;
    }
    let band = Likelihood::of(likely(question.weights, &seen));
    judgement.statement = match band {
        Likelihood::AlmostNoChance => format!("There is almost no chance that, in this case, {says}."),
        Likelihood::EvenChance => format!("There is a roughly even chance that, in this case, {says}."),
        band => format!("It is {band} that, in this case, {says}."),
    };
    let (confidence, why) = confidence(question, &seen);
    judgement.likelihood = Some(band);
    judgement.confidence = Some(confidence);
    judgement.basis = told::basis(confidence, why, &seen);
    judgement.gaps = told::gaps(question.report, of, &seen);
    judgement.assumptions.extend(told::assumed(question.report));
    judgement.would_change = told::would_change(question.report, of, &seen);
    judgement
}

/// How many lines are inconsistent with the judgement (0) or an alternative (from 1 on).
fn inconsistent(seen: &Seen, index: usize) -> u64 {
    let counts =
        |line: &&evidence::Line| line.weighed.bears.get(index).is_some_and(|bears| bears == "inconsistent");
    seen.lines.iter().filter(counts).count() as u64
}

fn likely(weights: &Weights, seen: &Seen) -> f64 {
    let prior = (weights.prior / (1.0 - weights.prior)).ln();
    probability(prior + seen.log_odds()).clamp(weights.least, weights.most)
}

/// The first row of the table whose conditions hold, for the side that the evidence speaks for.
fn confidence<'a>(question: &'a Question, seen: &Seen) -> (Confidence, &'a str) {
    let side = if seen.log_odds() >= 0.0 { Bearing::For } else { Bearing::Against };
    let against = if side == Bearing::For { Bearing::Against } else { Bearing::For };
    let firm: Vec<_> = seen.firm(side).collect();
    let strongest = firm.first();
    let whole = question.report.case.damage.is_empty() && !question.report.limited;
    let holds = |row: &&weights::Row| {
        (row.matched.is_empty()
            || strongest.and_then(|line| line.matched).is_some_and(|matched| row.matched.contains(&matched)))
            && row.lines.is_none_or(|least| firm.len() >= least)
            && row.weakest.is_none_or(|least| strongest.is_some_and(|line| line.weakest >= least))
            && row
                .readable
                .is_none_or(|least| firm.is_empty() && seen.missing.is_empty() && seen.readable >= least)
            && row.minutes.is_none_or(|least| seen.minutes >= least)
            && row.whole.is_none_or(|wanted| wanted == whole)
            && row.opposed.is_none_or(|wanted| wanted == seen.firm(against).next().is_some())
            && row.compared.is_none_or(|wanted| wanted == firm.iter().any(|line| line.compared))
    };
    let row = question.weights.confidence.iter().find(holds);
    row.map_or((Confidence::Low, "no row of the table holds"), |row| (row.level, row.why.as_str()))
}

/// Lets no sentence out that says both.
fn checked(judgement: Judgement) -> Result<Judgement, Both> {
    for text in texts(&judgement) {
        Prose::new(text)?;
    }
    Ok(judgement)
}

/// Every text of a judgement.
fn texts(of: &Judgement) -> impl Iterator<Item = &str> {
    let lists = of
        .basis
        .iter()
        .chain(&of.gaps)
        .chain(&of.assumptions)
        .chain(&of.would_change)
        .chain(&of.cites)
        .map(String::as_str);
    let evidence = of.evidence.iter().map(|one: &Weighed| one.says.as_str());
    let others = of.alternatives.iter().map(|one| one.says.as_str());
    [&of.claim, &of.statement, &of.settled_by, &of.never_claimed]
        .into_iter()
        .map(String::as_str)
        .chain(lists)
        .chain(evidence)
        .chain(others)
}

#[cfg(test)]
mod tests;
