//! `creance review`: a named examiner accepts, rejects or rewords a judgement, and says why.

use std::{collections::BTreeMap, io::Write};

use creance_custody::Signed;
use creance_model::{Judgement, ReviewState, Timestamp, Tlp};
use creance_render::{Options, shown, shown_whole};
use serde_json::Value;

use crate::{
    args::Review,
    case::{self, Doing},
    exit::{self, Usage},
};

pub(crate) fn run(options: &Review) -> anyhow::Result<u8> {
    match (&options.judgement, options.verdict.mark) {
        (Some(id), Some(tlp)) => mark(options, id, tlp),
        (Some(id), None) => review(options, id),
        (None, _) => list(options),
    }
}

/// What is said with an option, if anything is.
fn said(text: Option<&String>, what: &str) -> Result<String, Usage> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| Usage(format!("{what} is empty")))
}

/// Gives a portion another mark; the banner follows.
fn mark(options: &Review, id: &str, tlp: Tlp) -> anyhow::Result<u8> {
    let started = case::now();
    let examiner = said(options.examiner.as_ref(), "--examiner")?;
    let reason = said(options.reason.as_ref(), "--reason")?;
    let signed = case::intact(&options.case)?;
    let mut report = case::read(&options.case)?;
    let findings = report.findings.iter_mut().map(|one| (&one.id, &mut one.tlp));
    let mut portions = findings.chain(report.judgements.iter_mut().map(|one| (&one.id, &mut one.tlp)));
    let Some((id, portion)) = portions.find(|(one, _)| one.eq_ignore_ascii_case(id)) else {
        return Err(Usage(format!("no finding or judgement {}", shown(id))).into());
    };
    let id = id.clone();
    let before = std::mem::replace(portion, tlp);
    drop(portions);
    case::files(&options.case, &report, &Options::default())?;
    let detail = BTreeMap::from([
        ("portion".to_owned(), id.clone().into()),
        ("before".to_owned(), before.label().into()),
        ("mark".to_owned(), tlp.label().into()),
        ("examiner".to_owned(), examiner.into()),
        ("reason".to_owned(), reason.into()),
    ]);
    case::record(&options.case, &report, Doing { action: "mark", started, detail })?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} {}, was {}; the case {}",
        shown(&id),
        tlp.label(),
        before.label(),
        report.banner().label()
    )?;
    if signed != Signed::No {
        writeln!(out, "the signature of the case is stale now: creance case sign")?;
    }
    Ok(exit::DONE)
}

fn list(options: &Review) -> anyhow::Result<u8> {
    let report = case::read(&options.case)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", report.banner().label())?;
    for judgement in &report.judgements {
        let review = &judgement.review;
        told(judgement, &mut out)?;
        if let (Some(examiner), Some(reason)) = (&review.examiner, &review.reason) {
            writeln!(out, "    by {}: {}", shown(examiner), shown_whole(reason))?;
        }
        if review.statement.is_some() {
            writeln!(out, "    the draft said: {}", shown_whole(&judgement.statement))?;
        }
    }
    let drafts = report.judgements.iter().filter(|one| one.review.state == ReviewState::Draft).count();
    writeln!(out, "judgements: {}, of them drafts: {drafts}", report.judgements.len())?;
    Ok(exit::DONE)
}

/// A judgement in one line, with its mark.
fn told(of: &Judgement, out: &mut impl Write) -> std::io::Result<()> {
    let (id, mark) = (shown(&of.id), of.tlp.label());
    writeln!(out, "{id} {mark} {}: {}", of.review.state, shown_whole(of.stands()))
}

fn review(options: &Review, id: &str) -> anyhow::Result<u8> {
    let started = case::now();
    let examiner = said(options.examiner.as_ref(), "--examiner")?;
    let reason = said(options.reason.as_ref(), "--reason")?;
    let reworded = options.verdict.reword.as_ref().map(|text| said(Some(text), "--reword")).transpose()?;
    // In reports both stand in one sentence.
    let signed_for = format!("{examiner}: {reason}");
    for text in reworded.iter().chain([&signed_for]) {
        creance_assess::judge::Prose::own(text.as_str()).map_err(|why| Usage(why.to_string()))?;
    }
    let state = match (options.verdict.accept, options.verdict.reject) {
        (true, _) => ReviewState::Accepted,
        (_, true) => ReviewState::Rejected,
        _ => ReviewState::Reworded,
    };
    let signed = case::intact(&options.case)?;
    let mut report = case::read(&options.case)?;
    let count = report.judgements.len();
    let found = report.judgements.iter_mut().find(|one| one.id.eq_ignore_ascii_case(id));
    let Some(judgement) = found else {
        return Err(Usage(format!("no judgement {}: the case has {count}", shown(id))).into());
    };
    let before = judgement.review.state;
    let review =
        creance_model::Review { state, examiner: Some(examiner), reason: Some(reason), statement: reworded };
    judgement.review = review;
    let judgement = judgement.clone();
    case::files(&options.case, &report, &Options::default())?;
    record(options, &report, &judgement, before, started)?;
    let mut out = std::io::stdout().lock();
    told(&judgement, &mut out)?;
    if signed != Signed::No {
        writeln!(out, "the signature of the case is stale now: creance case sign")?;
    }
    Ok(exit::DONE)
}

fn record(
    options: &Review,
    report: &creance_model::Report,
    judgement: &Judgement,
    before: ReviewState,
    started: Timestamp,
) -> anyhow::Result<()> {
    let review = &judgement.review;
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
    let detail = BTreeMap::from([
        ("judgement".to_owned(), judgement.id.clone().into()),
        ("draft".to_owned(), judgement.statement.clone().into()),
        ("before".to_owned(), before.name().into()),
        ("state".to_owned(), review.state.name().into()),
        ("examiner".to_owned(), text(&review.examiner)),
        ("reason".to_owned(), text(&review.reason)),
        ("statement".to_owned(), text(&review.statement)),
    ]);
    case::record(&options.case, report, Doing { action: "review", started, detail }).map(drop)
}
