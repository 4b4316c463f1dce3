//! The ledger of a case folder: read, continued, and compared with the files that are there.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use creance_custody::{Answer, Deed, LEDGER, Ledger, PublicKey, SIGNATURE, Signed, Verifier, put_aside};
use creance_model::{Report, Timestamp};
use serde_json::Value;

use super::{PART, atomically, bytes, now};

/// The largest ledger and signature that are read, in bytes.
const LARGEST: u64 = 256 << 20;

/// Files of a case, at most.
const MOST_FILES: usize = 100_000;

/// What is being done to a case.
pub(crate) struct Doing<'a> {
    pub(crate) action: &'a str,
    pub(crate) started: Timestamp,
    pub(crate) detail: BTreeMap<String, Value>,
}

/// The ledger of a folder; an empty one, where there is none.
pub(super) fn read(folder: &Path) -> anyhow::Result<Ledger> {
    let path = folder.join(LEDGER);
    if !path.try_exists()? {
        return Ok(Ledger::default());
    }
    Ledger::read(&bytes(&path, LARGEST)?).with_context(|| {
        format!("{} cannot be continued (keep the folder, and choose another)", path.display())
    })
}

/// Adds what was done to the ledger of a folder. Earlier lines are copied as they are.
pub(crate) fn record(folder: &Path, report: &Report, doing: Doing<'_>) -> anyhow::Result<Ledger> {
    let mut ledger = read(folder)?;
    let path = folder.join(LEDGER);
    let before = if path.try_exists()? { bytes(&path, LARGEST)? } else { Vec::new() };
    let deed = Deed {
        action: doing.action.to_owned(),
        case: report.case.id.clone(),
        tool: report.case.tool.clone(),
        started: doing.started,
        ended: now(),
        detail: doing.detail,
        files: files(folder)?,
    };
    let Some(line) = ledger.add(deed) else { bail!("cannot write {}: no canonical form", path.display()) };
    atomically(&path, |out| {
        out.write_all(&before)?;
        Ok(out.write_all(line.as_bytes())?)
    })?;
    Ok(ledger)
}

/// Refuses a case that is not what its ledger says: what is built on it would hide that. That it was signed before does
/// not matter: what comes after a signature is not covered by it.
pub(crate) fn intact(folder: &Path) -> anyhow::Result<Signed> {
    let answer = verify(folder, None)?;
    let stale = |fault: &creance_custody::Fault| matches!(fault, creance_custody::Fault::Stale { .. });
    if let Some(fault) = answer.faults.iter().find(|fault| !stale(fault)) {
        bail!("{} is not what its ledger says: {fault}", folder.display());
    }
    Ok(answer.signed)
}

/// The case that all records of a guard are of (crates/guard). Its ledger says nothing of files: what else lies in its folder is the
/// guard's own, and changes while it runs.
const GUARD: &str = "guard";

/// Compares a folder with its ledger and its signature. The ledger may be in several files, as a guard leaves it.
pub(super) fn verify(folder: &Path, key: Option<&PublicKey>) -> anyhow::Result<Answer> {
    let path = folder.join(SIGNATURE);
    let signature = if path.try_exists()? { Some(bytes(&path, LARGEST)?) } else { None };
    let mut verifier = Verifier::new(signature.as_deref());
    for (name, path) in pieces(folder)? {
        let told = || format!("cannot read {}", path.display());
        let file = File::open(&path).with_context(told)?;
        verifier.read(&name, &mut BufReader::new(file)).with_context(told)?;
    }
    let guards = verifier.last().is_some_and(|last| last.case == GUARD && last.files.is_empty());
    Ok(verifier.end(&if guards { Vec::new() } else { files(folder)? }, key))
}

/// The files of a ledger by name, the first first: those that were put aside, and `ledger.jsonl`, which may be missing right after
/// it was put aside as well.
fn pieces(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut aside = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(number) = put_aside(&name) {
            aside.push((number, name, entry.path()));
        }
    }
    aside.sort();
    let mut all: Vec<_> = aside.into_iter().map(|(_, name, path)| (name, path)).collect();
    let last = folder.join(LEDGER);
    if all.is_empty() || last.try_exists()? {
        all.push((LEDGER.to_owned(), last));
    }
    Ok(all)
}

/// Whether files of a ledger were put aside and none, or an empty one, stands behind them: it was put aside just now, or later records
/// were taken away.
pub(super) fn is_without_end(folder: &Path) -> anyhow::Result<bool> {
    let last = folder.join(LEDGER);
    let is_empty = !last.try_exists()? || last.metadata()?.len() == 0;
    Ok(is_empty && pieces(folder)?.iter().any(|(name, _)| name != LEDGER))
}

/// Every file of a folder but ledger, signature and what is being written, with its hash. What is no file has none that
/// a record could hold.
fn files(folder: &Path) -> anyhow::Result<Vec<creance_custody::File>> {
    let told = |path: &Path| format!("cannot read {}", path.display());
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| told(&next))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let name = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            let ledger = name == LEDGER || name == format!("{LEDGER}{PART}") || put_aside(&name).is_some();
            if ledger || name == SIGNATURE {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            if files.len() == MOST_FILES {
                bail!("{} has more than {MOST_FILES} files: it is no case", folder.display());
            }
            let (sha256, bytes) = if kind.is_file() {
                creance_audit::hash_of(&path).with_context(|| told(&path))?
            } else {
                ("(no file)".to_owned(), 0)
            };
            files.push(creance_custody::File { path: name, bytes, sha256 });
        }
    }
    Ok(files)
}
