//! `creance case log`: the ledger, for people.

use std::io::Write;

use anyhow::bail;
use creance_model::Tlp;
use creance_render::shown;
use serde_json::Value;

use super::ledger;
use crate::{args::CaseLog, exit};

pub(super) fn run(options: &CaseLog) -> anyhow::Result<u8> {
    let ledger = ledger::read(&options.case)?;
    if ledger.records().is_empty() {
        bail!("{} has no ledger: it is no case", options.case.display());
    }
    // Of a case that cannot be read the mark is not known.
    let mark = super::read(&options.case).map_or(Tlp::Red, |report| report.banner());
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", mark.label())?;
    for record in ledger.records() {
        writeln!(
            out,
            "{:>3}  {}  {}  {}",
            record.number,
            record.ended,
            shown(&record.action),
            shown(&record.tool)
        )?;
        for (name, value) in &record.detail {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            for value in values {
                let words = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                writeln!(out, "     {}: {}", shown(name), shown(&words))?;
            }
        }
        for file in &record.files {
            writeln!(out, "     {}  {} ({} bytes)", file.sha256, shown(&file.path), file.bytes)?;
        }
    }
    Ok(exit::DONE)
}
