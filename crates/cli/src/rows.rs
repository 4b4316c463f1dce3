//! Lists written row by row: JSON lines, a JSON array, CSV, or columns for people.

use std::io::{BufWriter, StdoutLock, Write};

use serde_json::Value;

use crate::args::Lines;

/// A list being written. Rows are JSON objects that all have the same keys.
pub(crate) struct Rows {
    out: BufWriter<StdoutLock<'static>>,
    format: Lines,
    /// What the table shows: the path to a value, and the width of its column.
    columns: &'static [(&'static str, usize)],
    written: u64,
}

impl Rows {
    pub(crate) fn new(format: Lines, columns: &'static [(&'static str, usize)]) -> Self {
        Self { out: BufWriter::new(std::io::stdout().lock()), format, columns, written: 0 }
    }

    pub(crate) fn row(&mut self, row: &Value) -> std::io::Result<()> {
        let first = self.written == 0;
        self.written += 1;
        match self.format {
            Lines::Jsonl => writeln!(self.out, "{row}"),
            Lines::Json => write!(self.out, "{}{row}", if first { "[\n" } else { ",\n" }),
            Lines::Csv => {
                let mut cells = Vec::new();
                flatten("", row, &mut cells);
                if first {
                    let header = cells.iter().map(|(path, _)| quoted(path)).collect::<Vec<_>>();
                    writeln!(self.out, "{}", header.join(","))?;
                }
                let cells = cells.iter().map(|(_, text)| quoted(text)).collect::<Vec<_>>();
                writeln!(self.out, "{}", cells.join(","))
            }
            Lines::Table => {
                if first {
                    let names = self
                        .columns
                        .iter()
                        .map(|(path, width)| padded(path.rsplit('/').next().unwrap_or_default(), *width));
                    writeln!(self.out, "{}", names.collect::<Vec<_>>().join(" ").trim_end())?;
                }
                let cells = self
                    .columns
                    .iter()
                    .map(|(path, width)| padded(&row.pointer(path).map(text).unwrap_or_default(), *width));
                writeln!(self.out, "{}", cells.collect::<Vec<_>>().join(" ").trim_end())
            }
        }
    }

    pub(crate) fn finish(mut self) -> std::io::Result<()> {
        if self.format == Lines::Json {
            writeln!(self.out, "{}", if self.written == 0 { "[]" } else { "\n]" })?;
        }
        self.out.flush()
    }
}

/// A value in a cell: text without quotes, lists and objects of free keys as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

/// The cells of a row. Objects within it give a cell for each key, but for `fields`, whose keys differ from row to row.
fn flatten(path: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) if path != "fields" => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, cells);
            }
        }
        other => cells.push((path.to_owned(), text(other))),
    }
}

/// RFC 4180. A cell that a spreadsheet would take for a formula is made text.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn padded(text: &str, width: usize) -> String {
    let long = text.chars().count() > width;
    let mut shown: String = text.chars().take(if long { width - 1 } else { width }).collect();
    if long {
        shown.push('…');
    }
    format!("{shown:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!((quoted("=1+1"), quoted("-5")), ("'=1+1".to_owned(), "-5".to_owned()));
        assert_eq!((padded("abcdef", 4), padded("ab", 4)), ("abc…".to_owned(), "ab  ".to_owned()));
    }

    #[test]
    fn objects_give_a_cell_for_each_key_and_free_ones_do_not() {
        let mut cells = Vec::new();
        flatten("", &serde_json::json!({"a": {"b": 1}, "fields": {"x": "y"}, "n": null}), &mut cells);
        let shown: Vec<_> = cells.iter().map(|(path, text)| format!("{path}={text}")).collect();
        assert_eq!(shown, ["a.b=1", "fields={\"x\":\"y\"}", "n="]);
    }
}
