//! `creance report`: a case in other formats.

mod packets;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use creance_model::Report as Case;
use creance_render::{Options, Output};

use crate::{
    args::{EVERY, PACKETS, Report, Talk},
    case,
    exit::{self, Usage},
};

pub(crate) fn run(options: &Report, talk: Talk) -> anyhow::Result<u8> {
    if options.format == PACKETS {
        return packets::run(options, talk);
    }
    if !options.evidence.is_empty() || options.with_keys {
        return Err(Usage(format!("--evidence and --with-keys are of --format {PACKETS}")).into());
    }
    let report = case::read(&options.case)?;
    outside(options)?;
    let folder = case::findings(&options.case).parent().map(|folder| folder.display().to_string());
    let format = creance_render::ALL.iter().find(|output| output.name() == options.format);
    let render = Options { case_folder: folder, ..Options::default() };
    match (format, &options.output) {
        (Some(format), Some(path)) => write(*format, &report, &render, path)?,
        (Some(format), None) => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            format.write(&report, &Options { colour: crate::audit::colour(), ..render }, &mut out)?;
            out.flush()?;
        }
        (None, Some(folder)) => {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            for format in creance_render::ALL {
                let name = format!("report.{}", format.extension());
                write(*format, &report, &render, &folder.join(name))?;
            }
        }
        (None, None) => return Err(Usage(format!("--format {EVERY} needs a folder: -o FOLDER")).into()),
    }
    Ok(if report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}

/// What is written into the folder of a case is in no record of its ledger, and the case would be refused for it.
fn outside(options: &Report) -> anyhow::Result<()> {
    let Some(output) = &options.output else { return Ok(()) };
    let case = case::findings(&options.case);
    let (Some(case), Ok(output)) =
        (case.parent().and_then(|case| case.canonicalize().ok()), std::path::absolute(output))
    else {
        return Ok(());
    };
    // What is not there yet is where the nearest folder that is there is.
    let there = output.ancestors().find_map(|folder| folder.canonicalize().ok());
    if case.join(creance_custody::LEDGER).is_file() && there.is_some_and(|there| there.starts_with(&case)) {
        return Err(Usage(format!(
            "{} is in the folder of the case, of which the ledger knows every file: choose another",
            output.display()
        ))
        .into());
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn write(format: &dyn Output, report: &Case, options: &Options, path: &Path) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create_new(path).with_context(told)?);
    format.write(report, options, &mut out).with_context(told)?;
    out.flush().with_context(told)
}
