//! What may be typed after `creance report`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, builder::PossibleValuesParser};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance report case                                the summary
  creance report case --format html -o report.html
  creance report case --format stix | stix2_validator
  creance report case --format all -o reports        one of each
  creance report case --format pcapng --evidence flight.pcapng -o shown.pcapng
  tshark -r shown.pcapng -Y frame.comment -T fields -e frame.comment

text html json; md for wikis and tickets; csv for spreadsheets; sarif (SARIF 2.1.0); stix (STIX 2.1); geojson and kml for maps;
zeek and zeek-json, as logs of Zeek. A case is the folder that `creance audit … -o CASE` wrote, or the findings.json in it. Values
stay masked as they are there: audit with --reveal for others. Files are never overwritten.

pcapng copies from the captures of the case the packets that findings cite, and says beside each which, as Wireshark shows it.
These packets hold what was sent in full, masked or not. They are no whole conversations: to let others decrypt and check, make a
bundle (creance proof). It is not one of `all`, for it reads the captures again, of which each must have the SHA-256 that the case
notes. Recordings (HAR, mitmproxy) have no packets.
Exit codes: 0 done · 2 usage · 3 the case or its evidence is unreadable or is another, or a file is there
  · 4 the case is of damaged evidence, or cites packets that are not in it.";

/// The format that stands for all.
pub(crate) const EVERY: &str = "all";

/// The format that needs the evidence.
pub(crate) const PACKETS: &str = "pcapng";

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
    /// The captures of the case, all of them, for pcapng; without it they are read where they were.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) evidence: Vec<PathBuf>,
    /// Copies the secrets of TLS that the captures themselves carry, for pcapng.
    #[arg(long)]
    pub(crate) with_keys: bool,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(creance_render::ALL.iter().map(|output| output.name()).chain([PACKETS, EVERY]))
}
