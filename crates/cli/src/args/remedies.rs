//! What may be typed after `creance remedies`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance remedies case                                what to do, by finding
  creance remedies case --compare mode.json            and which settings paired runs showed to work
  creance remedies case --format nftables > block.nft; nft -c -f block.nft
  creance remedies case --format pihole > list.txt

Lists hold the destinations to which data went, hints by shape or size left out. They are for the flying devices alone, and stop
nothing that was not seen. Exit codes: 0 done · 2 usage · 3 the case is unreadable · 4 the case is of damaged evidence.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Remedies {
    /// The case: its folder, or its findings.json.
    #[arg(value_name = "CASE")]
    pub(crate) case: PathBuf,
    /// What `creance compare --format json` said of a setting, or of each setting of a campaign: advice then says of each finding whether it
    /// stopped.
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Vec<PathBuf>,
    /// Advice in words or JSON, or a list for a firewall or resolver.
    #[arg(long, value_enum, default_value_t = RemedyForm::Text)]
    pub(crate) format: RemedyForm,
}

/// How remedies are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RemedyForm {
    /// Advice for people.
    Text,
    /// Advice as a list of objects.
    Json,
    /// A hosts file.
    Hosts,
    /// A ruleset of nftables.
    Nftables,
    /// Rules of Suricata.
    Suricata,
    /// A list of domains, as Pi-hole reads it.
    Pihole,
    /// A response policy zone.
    Rpz,
}
