//! Findings as a log of Zeek: tab-separated with the usual header, or JSON lines (docs.zeek.org, log formats). A review of a judgement
//! that rests on no finding is a line of its own, in which the judgement stands for the finding.

use std::{fmt::Write as _, io};

use creance_model::{Finding, Report};
use serde_json::{Map, Value, json};

use crate::{Options, Output, reviews::reviews_apart, reviews_of};

/// Tab-separated values.
pub(crate) struct Zeek;

/// JSON lines.
pub(crate) struct ZeekJson;

/// The name of the log.
const PATH: &str = "creance_findings";

/// Fields and their types, as Zeek names both.
const FIELDS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "string"),
    ("service", "string"),
    ("host", "string"),
    ("community_id", "string"),
    ("finding", "string"),
    ("data_class", "string"),
    ("severity", "string"),
    ("match", "string"),
    ("value", "string"),
    ("digest", "string"),
    ("visibility", "string"),
    ("direction", "string"),
    ("country", "string"),
    ("control", "string"),
    ("flight_state", "string"),
    ("app_state", "string"),
    ("trigger", "string"),
    ("count", "count"),
    ("bytes", "count"),
    ("packets", "vector[count]"),
    ("decode_path", "vector[string]"),
    ("tlp", "string"),
    ("reviews", "vector[string]"),
];

impl Output for Zeek {
    fn name(&self) -> &'static str {
        "zeek"
    }

    fn extension(&self) -> &'static str {
        "log"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(
            out,
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{PATH}"
        )?;
        let line = |of: fn(&(&'static str, &'static str)) -> &'static str| {
            FIELDS.iter().map(of).collect::<Vec<_>>().join("\t")
        };
        writeln!(out, "#fields\t{}\n#types\t{}", line(|field| field.0), line(|field| field.1))?;
        for row in rows(report) {
            let cells: Vec<String> =
                FIELDS.iter().map(|(name, _)| cell(row.get(*name).unwrap_or(&Value::Null))).collect();
            writeln!(out, "{}", cells.join("\t"))?;
        }
        Ok(())
    }
}

impl Output for ZeekJson {
    fn name(&self) -> &'static str {
        "zeek-json"
    }

    fn extension(&self) -> &'static str {
        "zeek.jsonl"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        for mut row in rows(report) {
            row.retain(|_, value| !value.is_null());
            row.insert("_path".to_owned(), PATH.into());
            serde_json::to_writer(&mut *out, &row)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn rows(report: &Report) -> impl Iterator<Item = Map<String, Value>> {
    let apart = reviews_apart(report).into_iter().map(|(judgement, review)| {
        let row = json!({
            "ts": report.case.last.map(creance_model::Timestamp::as_secs_f64),
            "finding": judgement.id,
            "tlp": judgement.tlp.label(),
            "reviews": [review],
        });
        fields(row)
    });
    report.findings.iter().map(|finding| row(report, finding)).chain(apart)
}

fn fields(row: Value) -> Map<String, Value> {
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}

fn row(report: &Report, finding: &Finding) -> Map<String, Value> {
    let to = &finding.destination;
    let row = json!({
        "ts": finding.time.as_secs_f64(),
        "id.orig_h": finding.source.ip,
        "id.resp_h": to.ip,
        "id.resp_p": to.ip.as_ref().map(|_| to.port),
        "proto": finding.transport,
        "service": finding.protocol,
        "host": to.host,
        "community_id": finding.evidence.flow,
        "finding": finding.id,
        "data_class": finding.data_class,
        "severity": finding.severity,
        "match": finding.matched,
        "value": finding.value,
        "digest": finding.digest,
        "visibility": finding.visibility,
        "direction": finding.direction,
        "country": to.country,
        "control": to.control,
        "flight_state": finding.flight_state,
        "app_state": finding.app_state,
        "trigger": finding.trigger,
        "count": finding.count,
        "bytes": finding.bytes,
        "packets": finding.evidence.packets,
        "decode_path": finding.decode_path,
        "tlp": finding.tlp.label(),
        "reviews": reviews_of(report, finding),
    });
    fields(row)
}

/// A value as Zeek writes it: nothing is `-`, and what would end a cell, a set or a line is `\x` and two hex digits.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(items) if items.is_empty() => "(empty)".to_owned(),
        Value::Array(items) => items.iter().map(|item| escaped(item, ",")).collect::<Vec<_>>().join(","),
        one => escaped(one, ""),
    }
}

fn escaped(value: &Value, also: &str) -> String {
    let text = match value {
        Value::String(text) if text.is_empty() => return "(empty)".to_owned(),
        // What is said is not what was left out.
        Value::String(text) if text == "-" || text == "(empty)" => {
            return format!("\\x{:02x}{}", text.as_bytes()[0], &text[1..]);
        }
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => format!("{:.6}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    };
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_control() || c == '\\' || also.contains(c) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(escaped, "\\x{byte:02x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_no_tab_and_nothing_is_a_dash() {
        for (value, written) in [
            (json!("a\tb\\"), "a\\x09b\\x5c"),
            (json!(null), "-"),
            (json!("-"), "\\x2d"),
            (json!(""), "(empty)"),
            (json!([1, 2]), "1,2"),
            (json!(["a,b"]), "a\\x2cb"),
            (json!(1.5), "1.500000"),
            (json!("é"), "é"),
        ] {
            assert_eq!(cell(&value), written);
        }
    }
}
