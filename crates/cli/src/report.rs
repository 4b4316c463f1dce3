//! `creance report`: a case in another format.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::Context;
use creance_render::Options;

use crate::{
    args::Report,
    case,
    exit::{self, Usage},
};

pub(crate) fn run(options: &Report) -> anyhow::Result<u8> {
    let report = case::read(&options.case)?;
    let folder = case::findings(&options.case).parent().map(|folder| folder.display().to_string());
    let format = creance_render::ALL.iter().find(|output| output.name() == options.format);
    let format = format.ok_or_else(|| Usage(format!("no format is called {}", options.format)))?;
    if let Some(path) = &options.output {
        let told = || format!("cannot write {}", path.display());
        let mut out = BufWriter::new(File::create_new(path).with_context(told)?);
        format
            .write(&report, &Options { case_folder: folder, ..Options::default() }, &mut out)
            .with_context(told)?;
        out.flush().with_context(told)?;
    } else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let colour = crate::audit::colour();
        format.write(&report, &Options { colour, case_folder: folder }, &mut out)?;
        out.flush()?;
    }
    Ok(if report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}
