//! What it amounts to: each judgement with its band, its evidence and its alternatives, and what an examiner made of it.

use creance_model::{Judgement, Likelihood, Report, ReviewState, Weighed};
use maud::{Markup, html};

use crate::words::{count, ended, shown_whole as shown};

/// Judgements that are shown; the rest stands in findings.json.
const MOST: usize = 200;

pub(super) fn judgements(report: &Report) -> Markup {
    let assessed = report.judgements.iter().filter(|one| one.likelihood.is_some()).count();
    let drafts = report.judgements.iter().filter(|one| one.review.state == ReviewState::Draft).count();
    html! {
        p { (count(assessed, "hypothesis was", "hypotheses were")) " judged on this case, and " (report.judgements.len() - assessed) " could not be. " (drafts) " of " (report.judgements.len()) " are drafts that no examiner has looked at. How likely a claim is and how far its basis may be trusted are two things, and are told apart." }
        (overview(report))
        @for one in report.judgements.iter().take(MOST) { (whole(one)) }
        @if report.judgements.len() > MOST { p { (report.judgements.len() - MOST) " more are in findings.json." } }
    }
}

/// All of them, a row each.
fn overview(report: &Report) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table of judgements" {
            table.judged {
                caption { "What is judged on this case, and the words that it puts to the test. The band is that of the former. Each row stands alone." }
                thead { tr { th scope="col" { "Claim" } th scope="col" { "How likely" } th scope="col" { "Basis" } th scope="col" { "Review" } } }
                tbody {
                    @for one in report.judgements.iter().take(MOST) {
                        tr {
                            th scope="row" { a href={ "#" (one.id) } { (one.id) } " " (shown(one.stands())) " " small.claim { "Claim: " (shown(&one.claim)) } }
                            td { @match one.likelihood { Some(band) => { (strip(band)) small { (band) } } None => { small { (unassessed(one)) } } } }
                            td { @if let Some(confidence) = one.confidence { (confidence) } @else { "–" } }
                            td { span class={ "review " (one.review.state) } { (one.review.state) } }
                        }
                    }
                }
            }
        }
    }
}

fn unassessed(one: &Judgement) -> &'static str {
    if one.would_change.is_empty() { "cannot be assessed by a capture" } else { "not assessed" }
}

/// The seven bands, with the one that holds.
pub fn strip(band: Likelihood) -> Markup {
    let (low, high) = band.range();
    // Bands are as wide as they are: hundredths of the strip, one decimal.
    let place = |part: f64| format!("{:.1}", part * 1000.0);
    html! {
        svg.strip role="img" aria-label={ (band) ": " (format!("{:.0}", low * 100.0)) " to " (format!("{:.0}", high * 100.0)) " in a hundred" } viewBox="0 0 1000 60" preserveAspectRatio="none" {
            rect.scale y="20" width="1000" height="20" {}
            rect.band x=(place(low)) width=(place(high - low)) height="60" {}
        }
    }
}

fn whole(one: &Judgement) -> Markup {
    html! {
        article.judgement id=(one.id) aria-labelledby={ (one.id) "-title" } {
            h3 id={ (one.id) "-title" } { (one.id) " " (shown(one.stands())) }
            p.note { "Claim: " (shown(&one.claim)) " " (super::portion(one.tlp)) }
            @if let Some(band) = one.likelihood { (strip(band)) }
            (review(one))
            details.more {
                summary.short { "Basis, evidence, alternatives, gaps" }
                div.inside {
                    (list("What it rests on", &one.basis))
                    @if !one.evidence.is_empty() { (matrix(one)) }
                    (list("Cited, and not weighed", &one.cites))
                    (list("Not seen", &one.gaps))
                    (list("Taken for granted", &one.assumptions))
                    (list("What would change this", &one.would_change))
                    p { strong { "Settled by: " } (shown(&one.settled_by)) " " strong { "Never claimed: " } (shown(&one.never_claimed)) }
                }
            }
        }
    }
}

fn review(one: &Judgement) -> Markup {
    let review = &one.review;
    html! {
        p.reviewed {
            span class={ "review " (review.state) } { (review.state) }
            @if let Some(examiner) = &review.examiner { " by " (shown(examiner)) }
            @if let Some(reason) = &review.reason { ": " (ended(&shown(reason))) }
            @if review.statement.is_some() { " The draft was: " q { (shown(&one.statement)) } }
        }
    }
}

fn list(title: &str, lines: &[String]) -> Markup {
    html! { @if !lines.is_empty() { p { strong { (title) } } ul { @for line in lines { li { (shown(line)) } } } } }
}

/// Evidence × hypotheses: the alternatives with the fewest lines against them are the ones to look at.
fn matrix(one: &Judgement) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Evidence on " (one.id) } {
            table.matrix {
                caption { "Evidence on " (one.id) ": + fits, − does not fit, · says nothing. The weight moves the logarithm of the odds." }
                thead { tr { th scope="col" { "Evidence" } th scope="col" { "Grade" } th.number scope="col" { "Weight" } th scope="col" { "Claim" } @for (index, _) in one.alternatives.iter().enumerate() { th scope="col" { "A" (index + 1) } } } }
                tbody {
                    @for line in &one.evidence {
                        tr {
                            th scope="row" { (shown(&line.says)) @if !line.findings.is_empty() { small { (findings(line)) } } }
                            td { (shown(&line.grade)) }
                            td.number { (format!("{:+.2}", line.weight)) }
                            @for bears in &line.bears { td { (mark(bears)) } }
                        }
                    }
                    tr { th scope="row" { "Lines that do not fit" } td {} td {} td { (one.inconsistent) } @for other in &one.alternatives { td { (other.inconsistent) } } }
                }
            }
        }
        @if !one.alternatives.is_empty() { ol.others { @for (index, other) in one.alternatives.iter().enumerate() { li { strong { "A" (index + 1) } " " (shown(&other.says)) } } } }
    }
}

fn findings(line: &Weighed) -> Markup {
    html! { @for (index, id) in line.findings.iter().enumerate() { @if index > 0 { " " } a href={ "#" (id) } { (id) } } }
}

fn mark(bears: &str) -> Markup {
    let (sign, word) = match bears {
        "consistent" => ("+", "fits"),
        "inconsistent" => ("−", "does not fit"),
        _ => ("·", "says nothing"),
    };
    html! { abbr title=(word) aria-label=(word) { (sign) } }
}
