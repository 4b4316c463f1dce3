//! The case folder: findings.json, report.html, case.json, the ledger that says who did what, and perhaps a signature.
//!
//! All but the ledger depend on inputs and options alone; the times of a run stand in the ledger. Each file is written
//! beside its place, brought to the disk and moved there: whatever happens, it is the old one or the new one.

mod keygen;
mod ledger;
mod log;
mod redact;
mod sign;
mod verify;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow};
use creance_model::{Report, Timestamp};
use creance_render::Options;
use serde_json::{Value, json};

use crate::{
    args::{Case, CaseAction},
    exit::Usage,
};

pub(crate) use ledger::{Doing, intact, record};

/// What was found, in a case.
pub(crate) const FINDINGS: &str = "findings.json";

/// The largest findings.json that is read, in bytes.
pub(crate) const LARGEST: u64 = 256 << 20;

/// The case itself, in a case.
const CASE: &str = "case.json";

pub(crate) fn run(options: &Case) -> anyhow::Result<u8> {
    match &options.action {
        CaseAction::Keygen(options) => keygen::run(options),
        CaseAction::Sign(options) => sign::run(options),
        CaseAction::Verify(options) => verify::run(options),
        CaseAction::Log(options) => log::run(options),
        CaseAction::Redact(options) => redact::run(options),
    }
}

/// Whether there is anything.
fn occupied(folder: &Path) -> bool {
    folder.exists()
        && (!folder.is_dir() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

/// Makes sure that nothing is in a folder that is to be written.
pub(crate) fn vacant(folder: &Path) -> anyhow::Result<()> {
    if occupied(folder) {
        let shown = folder.display();
        return Err(Usage(format!("{shown} exists and is not empty: choose another folder")).into());
    }
    Ok(())
}

/// Makes sure that the folder may be written, before the work begins.
pub(crate) fn prepare(folder: &Path, force: bool) -> anyhow::Result<()> {
    if !occupied(folder) {
        return Ok(());
    }
    let shown = folder.display();
    if !force {
        return Err(
            Usage(format!("{shown} exists and is not empty: choose another folder, or add --force")).into()
        );
    }
    if !folder.join(CASE).is_file() {
        return Err(Usage(format!(
            "{shown} is not a case (it has no case.json): --force overwrites cases only"
        ))
        .into());
    }
    // A ledger that is broken cannot be continued, and is not to be lost.
    ledger::read(folder).map(drop)
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

/// Writes the case of an audit.
pub(crate) fn write(
    folder: &Path,
    report: &Report,
    options: &Options,
    started: Timestamp,
) -> anyhow::Result<()> {
    files(folder, report, options)?;
    let inputs = report.case.inputs.iter().map(|input| format!("{}  {}", input.sha256, input.path));
    let detail = BTreeMap::from([
        ("inputs".to_owned(), inputs.collect::<Value>()),
        ("revealed".to_owned(), report.revealed.into()),
        ("findings".to_owned(), report.findings.len().into()),
        ("damage".to_owned(), report.case.damage.len().into()),
    ]);
    record(folder, report, Doing { action: "audit", started, detail }).map(drop)
}

/// Writes every file of a case but its ledger.
pub(crate) fn files(folder: &Path, report: &Report, options: &Options) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut written = Vec::new();
    for output in creance_render::ALL {
        let Some(name) = output.file_name() else { continue };
        atomically(&folder.join(name), |out| Ok(output.write(report, options, out)?))?;
        written.push(name);
    }
    atomically(&folder.join(CASE), |out| {
        let document = json!({
            "schema": "creance.case/1",
            "case": report.case,
            "revealed": report.revealed,
            "files": written,
        });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        Ok(writeln!(out)?)
    })
}

/// Writes a file so that it is there as a whole, or as it was.
pub(crate) fn atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", path.display());
    let mut beside = path.as_os_str().to_owned();
    beside.push(PART);
    let beside = PathBuf::from(beside);
    let mut out = BufWriter::new(File::create(&beside).with_context(told)?);
    write(&mut out).with_context(told)?;
    out.flush().with_context(told)?;
    out.get_ref().sync_all().with_context(told)?;
    fs::rename(&beside, path).with_context(told)
}

/// The ending of what is being written.
const PART: &str = ".part";

/// The clock, read for the ledger alone.
#[expect(clippy::disallowed_methods, reason = "the ledger says when a run was made")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
