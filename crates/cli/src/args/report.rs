//! What may be typed after `creance report`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, builder::PossibleValuesParser};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance report case                                the summary
  creance report case --format html -o report.html
  creance report case --format stix | stix2_validator
  creance report case --format all -o reports        one of each

text html json; md for wikis and tickets; csv for spreadsheets; sarif (SARIF 2.1.0); stix (STIX 2.1); geojson and kml for maps;
zeek and zeek-json, as logs of Zeek. A case is the folder that `creance audit … -o CASE` wrote, or the findings.json in it. Values
stay masked as they are there: audit with --reveal for others. Files are never overwritten.
Exit codes: 0 done · 2 usage · 3 the case is unreadable, or a file is there · 4 the case is of damaged evidence.";

/// The format that stands for all.
pub(crate) const EVERY: &str = "all";

#[derive(ClapArgs, Debug)]
pub(crate) struct Report {
    /// The case: its folder, or its findings.json.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// How it is written.
    #[arg(long, default_value = super::TEXT, value_name = "FORMAT", value_parser = formats())]
    pub(crate) format: String,
    /// Writes to this file instead of standard output; of `all`, to this folder.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(creance_render::ALL.iter().map(|output| output.name()).chain([EVERY]))
}
