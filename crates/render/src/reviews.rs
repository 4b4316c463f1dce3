//! What examiners made of judgements, to stand in every format: in tables of findings beside those that a judgement rests on, and in a
//! row of its own where it rests on none.

use std::collections::BTreeSet;

use creance_model::{Finding, Judgement, Report, ReviewState};

use crate::words::{ended, shown, shown_whole};

/// `J01 rejected by R. Okafor: the host is our own proxy.` A sentence of its own, for several stand in one field.
fn told(of: &Judgement) -> String {
    let who = of.review.examiner.as_deref().unwrap_or("nobody named");
    let why = of.review.reason.as_deref().map(|why| format!(": {}", shown_whole(why))).unwrap_or_default();
    ended(&format!("{} {} by {}{why}", shown(&of.id), of.review.state, shown(who)))
}

fn reviewed(report: &Report) -> impl Iterator<Item = &Judgement> {
    report.judgements.iter().filter(|one| one.review.state != ReviewState::Draft)
}

/// Those of all judgements that are no drafts any more, one sentence each.
pub fn reviews(report: &Report) -> Vec<String> {
    reviewed(report).map(told).collect()
}

/// Those of judgements that rest on no finding, each with its judgement.
pub(crate) fn reviews_apart(report: &Report) -> Vec<(&Judgement, String)> {
    let known: BTreeSet<&String> = report.findings.iter().map(|finding| &finding.id).collect();
    let rests =
        |one: &&Judgement| one.evidence.iter().flat_map(|line| &line.findings).any(|id| known.contains(id));
    reviewed(report).filter(|one| !rests(one)).map(|one| (one, told(one))).collect()
}

/// Those of judgements that rest on a finding.
pub fn reviews_of(report: &Report, finding: &Finding) -> Vec<String> {
    let rests = |one: &&Judgement| one.evidence.iter().any(|line| line.findings.contains(&finding.id));
    reviewed(report).filter(rests).map(told).collect()
}
