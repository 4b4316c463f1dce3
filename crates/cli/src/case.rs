//! The case folder: findings.json, report.html, case.json, and an append-only ledger.
//!
//! All but the ledger depend on inputs and options alone; the times of a run stand in the ledger.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow};
use creance_model::{Report, Timestamp};
use creance_render::Options;
use serde_json::json;

use crate::exit::Usage;

/// What was found, in a case.
pub(crate) const FINDINGS: &str = "findings.json";

/// The largest findings.json that is read, in bytes.
pub(crate) const LARGEST: u64 = 256 << 20;

const LEDGER: &str = "ledger.jsonl";

/// Makes sure that the folder may be written, before the work begins.
pub(crate) fn prepare(folder: &Path, force: bool) -> anyhow::Result<()> {
    let occupied = folder.exists()
        && (!folder.is_dir() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()));
    if !occupied {
        return Ok(());
    }
    let shown = folder.display();
    if !force {
        return Err(
            Usage(format!("{shown} exists and is not empty: choose another folder, or add --force")).into()
        );
    }
    if !folder.join("case.json").is_file() {
        return Err(Usage(format!(
            "{shown} is not a case (it has no case.json): --force overwrites cases only"
        ))
        .into());
    }
    Ok(())
}

/// The findings of a case, given as its folder or as the file itself.
pub(crate) fn findings(case: &Path) -> PathBuf {
    if case.is_dir() { case.join(FINDINGS) } else { case.to_owned() }
}

/// Reads a case, given as its folder or as its findings.json.
pub(crate) fn read(case: &Path) -> anyhow::Result<Report> {
    let file = findings(case);
    let bytes = bytes(&file, LARGEST)?;
    Report::read(&bytes).with_context(|| format!("cannot read {}", file.display()))
}

/// A file of at most so many bytes.
pub(crate) fn bytes(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let told = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).with_context(told)?;
    if bytes.len() as u64 > most {
        return Err(anyhow!("{}: more than {most} bytes", told()));
    }
    Ok(bytes)
}

/// Writes the case.
pub(crate) fn write(
    folder: &Path,
    report: &Report,
    options: &Options,
    started: Timestamp,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut written = Vec::new();
    for output in creance_render::ALL {
        let Some(name) = output.file_name() else { continue };
        file(&folder.join(name), |out| Ok(output.write(report, options, out)?))?;
        written.push(name);
    }
    file(&folder.join("case.json"), |out| {
        let document = json!({
            "schema": "creance.case/1",
            "case": report.case,
            "revealed": report.revealed,
            "files": written,
        });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        Ok(writeln!(out)?)
    })?;
    ledger(folder, report, started)
}

fn file(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(told)?);
    write(&mut out).with_context(told)?;
    out.flush().with_context(told)
}

/// Appends what was done. Earlier lines are never touched.
fn ledger(folder: &Path, report: &Report, started: Timestamp) -> anyhow::Result<()> {
    let path = folder.join(LEDGER);
    let told = || format!("cannot write {}", path.display());
    let mut out = OpenOptions::new().create(true).append(true).open(&path).with_context(told)?;
    let line = json!({
        "action": "audit",
        "started": started,
        "ended": now(),
        "tool": report.case.tool,
        "case": report.case.id,
        "inputs": report.case.inputs.iter().map(|input| json!({"path": input.path, "sha256": input.sha256})).collect::<Vec<_>>(),
        "revealed": report.revealed,
        "findings": report.findings.len(),
        "damage": report.case.damage.len(),
    });
    writeln!(out, "{line}").with_context(told)
}

/// The clock, read for the ledger alone.
#[expect(clippy::disallowed_methods, reason = "the ledger says when a run was made")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
