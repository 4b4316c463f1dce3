//! `creance case redact`: a case that may be shown to others, written, read again and searched for what was taken out.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use anyhow::{Context, bail};
use creance_custody::{Ledger, Omit, Redacted, redact};
use creance_model::DataClass;
use creance_render::Options;

use super::{Doing, LARGEST, bytes, files, intact, ledger, now, read, record};
use crate::{
    args::CaseRedact,
    exit::{self, Usage},
};

pub(super) fn run(options: &CaseRedact) -> anyhow::Result<u8> {
    let started = now();
    let omit = options.drop.iter().map(|what| omitted(what)).collect::<Result<Vec<_>, _>>().map_err(Usage)?;
    let own = options.own.iter().map(|host| Omit::Host(host.to_lowercase()));
    let omit: Vec<Omit> = omit.into_iter().chain(own).collect();
    let folder = &options.output;
    super::vacant(folder)?;
    intact(&options.case)?;
    let report = read(&options.case)?;
    let original = ledger::read(&options.case)?;
    let redacted = redact(&report, &omit);
    files(folder, &redacted.report, &Options::default())?;
    note(folder, &redacted, &original, options, started)?;
    let left = left(folder, &redacted)?;
    if !left.is_empty() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        for line in left {
            anstream::eprintln!("{line}");
        }
        anstream::eprintln!("nothing was kept: something was left in what was written");
        return Ok(exit::INCOMPLETE);
    }
    writeln!(
        std::io::stdout(),
        "{}: findings: {}, texts taken out and found nowhere in it: {}",
        folder.display(),
        redacted.report.findings.len(),
        redacted.removed()
    )?;
    Ok(exit::DONE)
}

/// A ledger of its own begins with where the case comes from: the hash of a record that nobody can guess says it to
/// those who have the original, and nothing to others.
fn note(
    folder: &Path,
    redacted: &Redacted,
    original: &Ledger,
    options: &CaseRedact,
    started: creance_model::Timestamp,
) -> anyhow::Result<()> {
    let mut detail = BTreeMap::from([
        ("dropped".to_owned(), options.drop.clone().into()),
        ("removed".to_owned(), redacted.removed().into()),
    ]);
    if let Some((_, hash)) = original.last() {
        detail.insert("original_record_sha256".to_owned(), hash.into());
    }
    record(folder, &redacted.report, Doing { action: "redact", started, detail }).map(drop)
}

/// What is left in the files of a folder, in words.
fn left(folder: &Path, redacted: &Redacted) -> anyhow::Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        for kind in redacted.left_in(&bytes(&path, LARGEST)?) {
            left.push(format!("{}: a text that was to be removed is left: {kind}", path.display()));
        }
    }
    if read(folder)? != redacted.report {
        bail!("{} does not read back as it was written", folder.display());
    }
    Ok(left)
}

fn omitted(what: &str) -> Result<Omit, String> {
    Ok(match what {
        "app" => Omit::Apps,
        "judgements" => Omit::Judgements,
        "phases" => Omit::Phases,
        "region" => Omit::Region,
        class => match DataClass::from_name(class) {
            Some(class) => Omit::Class(class),
            None => {
                return Err(format!(
                    "nothing is called `{what}`: a data class, app, judgements, phases or region"
                ));
            }
        },
    })
}
