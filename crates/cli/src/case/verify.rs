//! `creance case verify`: whether a case is what its ledger says, and whose signature says so.

use std::{io::Write, path::Path};

use anyhow::Context;
use creance_custody::{PublicKey, Signed};
use creance_render::shown;

use super::{bytes, ledger, read};
use crate::{args::CaseVerify, exit};

/// A public key is shorter than this, in bytes.
const LARGEST_KEY: u64 = 4096;

pub(super) fn run(options: &CaseVerify) -> anyhow::Result<u8> {
    let key = options.public.as_deref().map(public).transpose()?;
    let answer = ledger::verify(&options.case, key.as_ref())?;
    let mut out = std::io::stdout().lock();
    let mut faults = answer.faults.len();
    for fault in &answer.faults {
        writeln!(out, "{}", shown(&fault.to_string()))?;
    }
    if options.inputs && answer.faults.is_empty() {
        faults += inputs(&options.case, &mut out)?;
    }
    let case = options.case.display();
    if faults > 0 {
        writeln!(out, "{case}: refused, faults: {faults}")?;
        return Ok(exit::FINDINGS);
    }
    writeln!(out, "{case}: holds; records: {}, files: {}", answer.records, answer.files)?;
    writeln!(out, "{}", answer.signed)?;
    if matches!(answer.signed, Signed::No) && ledger::is_without_end(&options.case)? {
        writeln!(
            out,
            "ledger.jsonl is missing or empty: it was put aside just now, or later records were taken away"
        )?;
    }
    if let (Signed::By(_), None) = (&answer.signed, &key) {
        writeln!(out, "whose key that is must be known from elsewhere: --public KEY asks for it")?;
    }
    Ok(exit::DONE)
}

/// Compares the inputs with what the case says of them. Paths are those of the command that made it.
fn inputs(case: &Path, out: &mut dyn Write) -> anyhow::Result<usize> {
    let mut faults = 0;
    for input in read(case)?.case.inputs {
        let path = shown(&input.path);
        if input.path == "-" {
            writeln!(out, "{path}: came by standard input, and cannot be compared")?;
            continue;
        }
        match creance_audit::hash_of(Path::new(&input.path)) {
            Ok((hash, _)) if hash == input.sha256 => writeln!(out, "{path}: as it was")?,
            Ok(_) => {
                faults += 1;
                writeln!(
                    out,
                    "{path}: changed since the audit: its SHA-256 is not {}",
                    shown(&input.sha256)
                )?;
            }
            Err(error) => {
                faults += 1;
                writeln!(out, "{path}: cannot be read: {error}")?;
            }
        }
    }
    Ok(faults)
}

/// A public key, or a file that holds one.
fn public(key: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::read(key) {
        return Ok(key);
    }
    let text = bytes(Path::new(key), LARGEST_KEY)?;
    PublicKey::read(&String::from_utf8_lossy(&text)).with_context(|| format!("cannot read {key}"))
}
