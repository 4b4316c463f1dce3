//! `creance case sign`: a signature over all that was done to a case, and over what it is now.

use std::{collections::BTreeMap, io::Write, path::Path};

use anyhow::{Context, anyhow, bail};
use creance_custody::{Fault, SIGNATURE, SigningKey};

use super::{Doing, atomically, bytes, ledger, now, read, record};
use crate::{args::CaseSign, exit};

/// A key is shorter than this, in bytes.
const LARGEST_KEY: u64 = 4096;

pub(super) fn run(options: &CaseSign) -> anyhow::Result<u8> {
    let started = now();
    let key = key(&options.key)?;
    let folder = &options.case;
    let report = read(folder)?;
    holds(folder)?;
    let detail = BTreeMap::from([("public_key".to_owned(), key.public().hex().into())]);
    let ledger = record(folder, &report, Doing { action: "sign", started, detail })?;
    let signature = key.sign(&ledger).ok_or_else(|| anyhow!("the ledger is empty"))?;
    atomically(&folder.join(SIGNATURE), |out| Ok(out.write_all(signature.as_bytes())?))?;
    let records = ledger.records().len();
    writeln!(
        std::io::stdout(),
        "{}: signed up to record {records} with {}",
        folder.display(),
        key.public().hex()
    )?;
    Ok(exit::DONE)
}

/// What was changed behind the ledger's back is not signed. An older signature may be stale, or lost.
fn holds(folder: &Path) -> anyhow::Result<()> {
    let faults = ledger::verify(folder, None)?.faults;
    let of_before = |fault: &&Fault| {
        matches!(fault, Fault::Stale { .. } | Fault::SignatureMissing { .. } | Fault::Signature { .. })
    };
    match faults.iter().find(|fault| !of_before(fault)) {
        Some(fault) => {
            bail!("{} is not signed, for it is not what its ledger says: {fault}", folder.display())
        }
        None => Ok(()),
    }
}

fn key(path: &Path) -> anyhow::Result<SigningKey> {
    let bytes = bytes(path, LARGEST_KEY)?;
    let told = || format!("cannot read {}", path.display());
    let text = std::str::from_utf8(&bytes).with_context(told)?;
    SigningKey::read(text).with_context(told)
}
