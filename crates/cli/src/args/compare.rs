//! What may be typed after `creance compare`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use creance_model::FlightState;

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance compare off on                                         two cases: what they show; little can be claimed
  creance compare off-1 off-2 off-3 --with on-1 on-2 on-3
  creance compare off-* --with on-* --name 'mode off' --name 'mode on' --format html > page.html
  creance compare off-1 off-2 off-3 on-1 on-2 on-3               runs are grouped by what stands before their number
  creance compare --campaign campaign.toml --name idle --name flight
  creance compare off-* --with on-* --while flying               what is sent in flight alone

Make the cases with `creance audit … -o CASE`, all with the same options. Take three runs of each setting or more, in turns:
of fewer no difference can be told from chance at 5 %. campaign.toml has tables [[group]] with name and cases.

Verdicts: stopped and appeared are claimed where an unchanged thing would look so with a probability of at most --level;
stayed was seen in every run; changed stayed and gets other data; null (in JSON) is not told, and `observed` says what the
runs show. Where a thing may have been there unread, nothing is claimed that hangs on it. Exit codes: 0 done · 2 usage · 3 a case unreadable ·
4 a case is of damaged evidence.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Compare {
    /// Cases: folders that `creance audit -o` wrote, or their findings.json. Two, or the runs of both settings.
    #[arg(value_name = "CASE", required_unless_present = "campaign")]
    pub(crate) cases: Vec<PathBuf>,
    /// The runs of the other setting.
    #[arg(long = "with", value_name = "CASE", num_args = 1..)]
    pub(crate) others: Vec<PathBuf>,
    /// A campaign: tables `group` with name and cases (TOML).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cases", "others"])]
    pub(crate) campaign: Option<PathBuf>,
    /// What a setting is called; twice, for both. Of a campaign, which of its groups.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Vec<String>,
    /// With what probability an unchanged thing may be called stopped or appeared.
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = level)]
    pub(crate) level: f64,
    /// Compares only what was sent in this state of the aircraft: off, ground, flying, unknown.
    #[arg(long = "while", value_name = "STATE", value_parser = state)]
    pub(crate) state: Option<FlightState>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = CompareForm::Text)]
    pub(crate) format: CompareForm,
}

/// How a comparison is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CompareForm {
    /// For people: sentences and a table.
    Text,
    /// One JSON object (`creance explain schema compare`).
    Json,
    /// A page with tables and bars.
    Html,
    /// A row for each destination, pair of destination and class, and class.
    Csv,
}

fn state(text: &str) -> Result<FlightState, String> {
    let known: Vec<&str> = FlightState::ALL.iter().map(|state| state.name()).collect();
    FlightState::from_name(text).ok_or_else(|| format!("expected one of {}", known.join(", ")))
}

fn level(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|level| (1e-6..=0.5).contains(level));
    number.ok_or_else(|| "expected a probability from 0.000001 to 0.5, such as 0.05".to_owned())
}
