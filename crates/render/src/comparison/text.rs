//! The comparison on a terminal.

use std::fmt::Write as _;

use creance_assess::{Comparison, Row};

use super::{probability, rates, remark, sentence, verdict};
use crate::{
    text::{cut, wrapped},
    words::{count, shown},
};

/// Columns that sentences keep to.
const WIDTH: usize = 100;
/// Columns of names.
const NAMES: usize = 40;
/// Rows that are shown.
const MOST_ROWS: usize = 200;

/// The sentences, then a table of destinations with what they get.
pub fn text(of: &Comparison) -> String {
    let mut out = format!("{}\n", of.tlp.label());
    let [before, after] = &of.groups;
    for group in [before, after] {
        let names: Vec<String> =
            group.cases.iter().filter_map(|index| of.cases.get(*index)).map(|name| shown(name)).collect();
        let minutes =
            if of.per == "run" { String::new() } else { format!(", {:.1} {}s", group.minutes, of.per) };
        let _ = writeln!(
            out,
            "{}: {}{minutes} ({})",
            shown(&group.name),
            count(names.len(), "run", "runs"),
            names.join(", ")
        );
    }
    out.push('\n');
    for told in &of.statements {
        for (index, line) in wrapped(&sentence(told), WIDTH).into_iter().enumerate() {
            let _ = writeln!(out, "{} {line}", if index == 0 { "·" } else { " " });
        }
    }
    let _ = writeln!(
        out,
        "\n{:<NAMES$} {:>8} {:>8}  {:<9} {:<6} sent a {}",
        "destination, data", "before", "after", "verdict", "p", of.per
    );
    for one in of.destinations.iter().take(MOST_ROWS) {
        let [sent_before, sent_after] = rates(of, &one.bytes);
        row(&mut out, &one.host, &one.row, &format!("{sent_before:.0} → {sent_after:.0} bytes"));
        for pair in of.pairs.iter().filter(|pair| pair.host == one.host) {
            let [sent_before, sent_after] = rates(of, &pair.counts);
            row(
                &mut out,
                &format!("  {}", pair.data_class),
                &pair.row,
                &format!("{sent_before:.2} → {sent_after:.2} times"),
            );
        }
    }
    let further = of.destinations.len().saturating_sub(MOST_ROWS);
    if further > 0 {
        let _ = writeln!(out, "{further} further destinations are in the JSON form");
    }
    for pair in of
        .pairs
        .iter()
        .filter(|pair| !of.destinations.iter().any(|one| one.host == pair.host))
        .take(MOST_ROWS)
    {
        row(&mut out, &format!("{}: {}", pair.host, pair.data_class), &pair.row, "");
    }
    out
}

fn row(out: &mut String, name: &str, row: &Row, sent: &str) {
    let [[a, n], [b, m]] = row.seen_in;
    let seen = [format!("{a} of {n}"), format!("{b} of {m}")];
    let name = cut(&shown(name), NAMES);
    let chance = if row.p < 1.0 { probability(row.p) } else { String::new() };
    let line =
        format!("{name:<NAMES$} {:>8} {:>8}  {:<9} {chance:<6} {sent}", seen[0], seen[1], verdict(row));
    let _ = writeln!(out, "{}", line.trim_end());
    if let Some(remark) = remark(row) {
        let _ = writeln!(out, "{:<NAMES$} {remark}", "");
    }
}
