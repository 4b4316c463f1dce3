//! `findings.json`, schema `creance.findings/1`.

use std::io;

use creance_model::Report;

use crate::{Options, Output};

/// The machine-readable report.
pub(crate) struct Json;

impl Output for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("findings.json")
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &report.findings_document())?;
        out.write_all(b"\n")
    }
}
