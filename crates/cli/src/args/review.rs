//! What may be typed after `creance review`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use creance_model::Tlp;

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance review case                                        every judgement, and what became of it
  creance review case J01 --accept --examiner 'R. Okafor' --reason 'canary in the body, two flights'
  creance review case J02 --reject --examiner 'R. Okafor' --reason 'the host is our own proxy'
  creance review case F0004 --mark red --examiner 'R. Okafor' --reason 'names a source'
  creance review case J03 --reword 'The app very likely …' --examiner 'R. Okafor' --reason 'clearer'

The reports of the case are written anew; earlier reviews stay in its ledger, and an earlier signature becomes stale.
Exit codes: 0 done · 2 usage, or no such judgement or finding · 3 the case is unreadable or not what its ledger says.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Review {
    /// The folder of the case.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// The judgement, such as J01, or of a mark the finding, such as F0004; without it, all judgements are listed.
    #[arg(value_name = "JUDGEMENT", requires = "verdict")]
    pub(crate) judgement: Option<String>,
    #[command(flatten)]
    pub(crate) verdict: Verdict,
    /// Who says so.
    #[arg(long, value_name = "NAME", requires = "judgement")]
    pub(crate) examiner: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", requires = "judgement")]
    pub(crate) reason: Option<String>,
}

/// What becomes of a judgement.
#[derive(ClapArgs, Debug)]
#[group(id = "verdict", multiple = false, requires_all = ["judgement", "examiner", "reason"])]
pub(crate) struct Verdict {
    /// It stands.
    #[arg(long)]
    pub(crate) accept: bool,
    /// It does not stand.
    #[arg(long)]
    pub(crate) reject: bool,
    /// It stands in these words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reword: Option<String>,
    /// How far it may be passed on, whatever else is said of it: clear, green, amber, amber+strict, red (TLP 2.0).
    #[arg(long, value_name = "MARK", value_parser = super::tlp)]
    pub(crate) mark: Option<Tlp>,
}
