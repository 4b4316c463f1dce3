//! Judgements for a terminal: each with its basis, the lines that weigh, the best alternative, gaps, and what would change it.

use std::fmt::Write as _;

use creance_model::{Judgement, ReviewState, Weighed};

use crate::{text::wrapped, words::shown_whole as shown};

/// Columns that the text keeps to.
const WIDTH: usize = 100;
/// Lines of evidence that are shown of each.
const MOST_LINES: usize = 4;

/// All judgements in words. How likely and how far trusted never stand in one sentence.
pub fn text(judgements: &[Judgement]) -> String {
    let mut out = String::new();
    for one in judgements {
        let state = match one.review.state {
            ReviewState::Draft => "draft".to_owned(),
            state => {
                format!("{state} by {}", shown(one.review.examiner.as_deref().unwrap_or("nobody named")))
            }
        };
        tell(&mut out, &format!("{}  ", one.id), one.stands());
        let mark = one.tlp.label();
        let mut row = |label: &str, text: &str| tell(&mut out, &format!("     {label:<9}"), text);
        row("claim", &one.claim);
        row("review", &format!("{state} · {mark}"));
        if let Some(reason) = &one.review.reason {
            row("", reason);
        }
        for basis in one.basis.iter().take(2) {
            row("basis", basis);
        }
        let mut lines: Vec<&Weighed> = one.evidence.iter().collect();
        lines.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        for line in lines.iter().take(MOST_LINES) {
            row(&format!("{:+.2} {}", line.weight, shown(&line.grade)), &line.says);
        }
        if lines.len() > MOST_LINES {
            row("", &format!("and {} more lines", lines.len() - MOST_LINES));
        }
        let open =
            one.alternatives.iter().filter(|_| !lines.is_empty()).min_by_key(|other| other.inconsistent);
        if let Some(other) = open {
            row(
                "else",
                &format!(
                    "{} (lines that do not fit it: {} of {})",
                    other.says,
                    other.inconsistent,
                    lines.len()
                ),
            );
        }
        for (label, list) in [("cited", &one.cites), ("gap", &one.gaps), ("changes", &one.would_change)] {
            if let Some(first) = list.first() {
                row(label, first);
            }
        }
        out.push('\n');
    }
    out
}

fn tell(out: &mut String, label: &str, text: &str) {
    let indent = label.chars().count();
    for (index, line) in wrapped(&shown(text), WIDTH - indent).into_iter().enumerate() {
        // Nothing fails in writing to memory.
        let _ =
            if index == 0 { writeln!(out, "{label}{line}") } else { writeln!(out, "{:indent$}{line}", "") };
    }
}
