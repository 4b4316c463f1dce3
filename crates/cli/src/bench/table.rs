//! Scores as Markdown tables, and as JSON (`creance.bench/1`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde_json::{Map, Value, json};

use super::score::{Score, Share, Verdict, share};

/// The tables: all tools, then by class and by encoding; with `list`, what was missed and what was wrong.
pub(crate) fn text(board: &[(String, Score)], list: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, board, list);
    out
}

fn write(out: &mut String, board: &[(String, Score)], list: bool) -> std::fmt::Result {
    writeln!(
        out,
        "| # | tool | captures | recall of what must be found | precision | traps reported | unexplained | not judged |"
    )?;
    writeln!(out, "|--:|---|--:|--:|--:|--:|--:|--:|")?;
    for (rank, (tool, score)) in board.iter().enumerate() {
        let [good, judged] = score.precision();
        let [reported, traps] = score.traps;
        let unjudged = score.count(Verdict::Outside) + score.count(Verdict::Unlisted);
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {reported} of {traps} | {} | {unjudged} |",
            rank + 1,
            cell(tool),
            score.captures,
            told(score.recall.found, score.recall.of),
            told(good, judged),
            score.count(Verdict::Unexplained),
        )?;
    }
    for (what, parts) in [
        ("class", &(|score: &Score| score.per_class.clone()) as &dyn Fn(&Score) -> BTreeMap<String, Share>),
        ("encoding", &|score: &Score| score.per_encoding.clone()),
    ] {
        let columns: Vec<BTreeMap<String, Share>> = board.iter().map(|(_, score)| parts(score)).collect();
        let rows: BTreeSet<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
        // Names of many tools would be wider than any page.
        let ranks: Vec<String> = (1..=board.len()).map(|rank| format!("#{rank}")).collect();
        writeln!(out, "\n| {what} | {} |\n|---|{}", ranks.join(" | "), "--:|".repeat(ranks.len()))?;
        for row in rows {
            let cells = columns.iter().map(|column| match column.get(row) {
                Some(share) => format!("{} of {}", share.found, share.of),
                None => "–".to_owned(),
            });
            writeln!(out, "| {} | {} |", cell(row), cells.collect::<Vec<_>>().join(" | "))?;
        }
    }
    if list {
        for (tool, score) in board {
            for (what, all) in [("missed", &score.missed), ("wrong", &score.wrong)] {
                writeln!(out, "\n{what} by {}: {}", cell(tool), all.len())?;
                all.iter().try_for_each(|one| writeln!(out, "  {one}"))?;
            }
        }
    }
    Ok(())
}

/// `9 of 10: 90.0 % (59.6–98.2)`.
fn told(part: u64, of: u64) -> String {
    let Some([low, high]) = wilson(part, of) else { return "0 of 0".to_owned() };
    format!("{part} of {of}: {:.1} % ({:.1}–{:.1})", 100.0 * share(part, of), 100.0 * low, 100.0 * high)
}

/// A name of somebody else's within a table.
fn cell(text: &str) -> String {
    text.chars().map(|c| if c == '|' || c.is_control() { ' ' } else { c }).collect()
}

/// All that is known of each tool.
pub(crate) fn json(board: &[(String, Score)]) -> Value {
    let tools: Vec<Value> = board.iter().map(|(tool, score)| one(tool, score)).collect();
    json!({"schema": "creance.bench/1", "tools": tools})
}

fn one(tool: &str, score: &Score) -> Value {
    let [good, judged] = score.precision();
    let Share { found, loose, of } = score.recall;
    let all = [
        Verdict::True,
        Verdict::Near,
        Verdict::Loose,
        Verdict::Trap,
        Verdict::Unexplained,
        Verdict::Unlisted,
        Verdict::Outside,
    ];
    let verdicts: Map<String, Value> = all
        .iter()
        .filter_map(|verdict| Some((json!(verdict).as_str()?.to_owned(), json!(score.count(*verdict)))))
        .collect();
    json!({
        "tool": tool,
        "captures": score.captures,
        "findings": score.findings,
        "verdicts": verdicts,
        "recall": {"found": found, "loose": loose, "of": of, "share": part(found, of), "wilson95": wilson(found, of)},
        "optional_found": score.optional,
        "precision": {"good": good, "of": judged, "share": part(good, judged), "wilson95": wilson(good, judged)},
        "traps": {"reported": score.traps[0], "of": score.traps[1]},
        "per_class": score.per_class,
        "per_encoding": score.per_encoding,
        "missed": score.missed,
        "wrong": score.wrong,
    })
}

fn part(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| share(part, of))
}

/// The interval of Wilson for a share, at 95 %: E. B. Wilson, "Probable inference, the law of succession, and statistical
/// inference", Journal of the American Statistical Association 22 (1927). Nothing for a share of nothing.
fn wilson(part: u64, of: u64) -> Option<[f64; 2]> {
    /// The normal quantile of 97.5 %.
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of findings")]
    let n = of as f64;
    let p = share(part, of);
    let middle = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    Some([((middle - reach) / whole).max(0.0), ((middle + reach) / whole).min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (part, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let [a, b] = wilson(part, of).unwrap();
            assert!((a - low).abs() < 1e-4 && (b - high).abs() < 1e-4, "{part} of {of}: {a} {b}");
        }
        assert_eq!(wilson(0, 0), None);
        assert_eq!(told(0, 0), "0 of 0");
    }

    #[test]
    fn names_cannot_break_a_table() {
        let board = vec![("a|b\nc".to_owned(), Score::default())];
        let text = text(&board, true);
        assert!(text.contains("| a b c |"), "{text}");
        assert_eq!(json(&board)["tools"][0]["recall"]["share"], Value::Null);
    }
}
