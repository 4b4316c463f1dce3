//! What may be typed after `creance assess`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance assess case                                       the bundled set, as `audit` assessed it
  creance assess case --hypotheses ours.toml --sources sources.toml
  creance assess case --comparison setting=mode.json        what `creance compare --format json` wrote
  creance assess case --dry-run --format json

The case is written anew: findings.json and report.html. What an examiner said of a judgement is kept where its text did not
change; otherwise it is a draft again, and says so. knowledge/hypotheses/bulletin.toml shows the form of a set;
weights.toml beside it holds both tables by which everything is weighed.
Exit codes: 0 done · 2 usage · 3 a file is unreadable or wrong · 4 the case is of damaged evidence.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Assess {
    /// The case: its folder, or its findings.json.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// Your own hypotheses (TOML), after the bundled set. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) hypotheses: Vec<PathBuf>,
    /// Leaves the bundled set out.
    #[arg(long, requires = "hypotheses")]
    pub(crate) only: bool,
    /// What others say, with grades A to F and 1 to 6 (TOML tables `source`). May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) sources: Vec<PathBuf>,
    /// A comparison of paired runs (`creance compare --format json`), for one hypothesis or for all that need one. Of a campaign choose
    /// the two settings: `creance compare --campaign FILE --name A --name B --format json`.
    #[arg(long, value_name = "[ID=]FILE")]
    pub(crate) comparison: Vec<String>,
    /// Writes nothing into the case.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = AssessForm::Text)]
    pub(crate) format: AssessForm,
}

/// How judgements are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum AssessForm {
    /// For people.
    Text,
    /// A list of judgements, as in findings.json.
    Json,
    /// The whole report.
    Html,
}
