//! What may be typed after `creance report`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance report case                                the summary
  creance report case --format html -o report.html

A case is the folder that `creance audit … -o CASE` wrote, or the findings.json in it. Values stay masked as they are there.
Exit codes: 0 done · 2 usage · 3 the case is unreadable · 4 the case is of damaged evidence.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Report {
    /// The case: its folder, or its findings.json.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// How it is written.
    #[arg(long, default_value = super::TEXT, value_name = "FORMAT", value_parser = super::formats())]
    pub(crate) format: String,
    /// Writes to this file instead of standard output. It is not overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
