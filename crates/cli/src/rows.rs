//! Lists written row by row: JSON lines, a JSON array, CSV, or columns for people.

use std::io::{BufWriter, StdoutLock, Write};

use serde::Serialize;
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

    pub(crate) fn row(&mut self, row: &impl Serialize) -> std::io::Result<()> {
        let first = self.written == 0;
        self.written += 1;
        match self.format {
            Lines::Jsonl => {
                serde_json::to_writer(&mut self.out, row)?;
                self.out.write_all(b"\n")
            }
            Lines::Json => {
                self.out.write_all(if first { b"[\n" } else { b",\n" })?;
                Ok(serde_json::to_writer(&mut self.out, row)?)
            }
            Lines::Csv => {
                let row = &serde_json::to_value(row)?;
                if first {
                    let mut paths = Vec::new();
                    header("", row, &mut paths);
                    writeln!(
                        self.out,
                        "{}",
                        paths.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(",")
                    )?;
                }
                let mut first = true;
                cells("", row, &mut |cell| {
                    let comma: &[u8] = if std::mem::take(&mut first) { b"" } else { b"," };
                    self.out.write_all(comma)?;
                    match cell {
                        Value::Null => Ok(()),
                        Value::Bool(_) | Value::Number(_) => write!(self.out, "{cell}"),
                        _ => self.out.write_all(quoted(&text(cell)).as_bytes()),
                    }
                })?;
                self.out.write_all(b"\n")
            }
            Lines::Table => {
                let row = &serde_json::to_value(row)?;
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

    /// Writes what is held back.
    pub(crate) fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
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
fn cells<'a>(
    key: &str,
    value: &'a Value,
    take: &mut dyn FnMut(&'a Value) -> std::io::Result<()>,
) -> std::io::Result<()> {
    match value {
        Value::Object(object) if key != FREE => {
            object.iter().try_for_each(|(key, value)| cells(key, value, take))
        }
        other => take(other),
    }
}

/// The key of an object of free keys.
const FREE: &str = "fields";

/// The names of the cells of a row.
fn header(path: &str, value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Object(object) if path.rsplit('.').next() != Some(FREE) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                header(&path, value, paths);
            }
        }
        _ => paths.push(path.to_owned()),
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
        let row = serde_json::json!({"a": {"b": 1}, "fields": {"x": "y"}, "n": null});
        let (mut paths, mut values) = (Vec::new(), Vec::new());
        header("", &row, &mut paths);
        cells("", &row, &mut |cell| {
            values.push(text(cell));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            (paths, values),
            (
                vec!["a.b".into(), "fields".into(), "n".into()],
                vec!["1".into(), "{\"x\":\"y\"}".into(), String::new()]
            )
        );
    }
}
