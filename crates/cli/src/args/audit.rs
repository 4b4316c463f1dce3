//! What may be typed after `creance audit`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, value_parser};
use creance_flow::IpNet;
use creance_model::{Severity, Tlp};

pub(crate) const EXAMPLES: &str = "\
Examples:
  creance audit flight.pcapng
  creance audit rotated/ --inside 10.8.0.0/16 --fail-on high
  creance audit flight.pcapng --canaries canaries.toml --flight flight.tlog --actions actions.csv -o case
  creance audit flight.pcapng --keys flight.keys --reveal --trace F0003
  ssh router tcpdump -i any -w - | creance audit - --format json > findings.json";

#[derive(ClapArgs, Debug)]
pub(crate) struct Audit {
    /// Captures (pcap or pcapng) and recordings (HAR, flows of mitmproxy), plain, gzip, zlib or zstd: files, folders or
    /// globs of rotated files, or `-` for stdin.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Writes the case to this folder: findings.json, report.html, case.json, ledger.jsonl.
    #[arg(short, long, value_name = "CASE")]
    pub(crate) output: Option<PathBuf>,
    /// Writes into an existing case folder; its ledger is kept and continued.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// A TLS key log in the NSS format (SSLKEYLOGFILE): what it fits is decrypted. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// Planted values and pictures to look for, and decoys (TOML; `creance canary new` makes it, and by hand it is tables
    /// `canary` with class and value).
    #[arg(long, value_name = "FILE")]
    pub(crate) canaries: Option<PathBuf>,
    /// A folder with the content of card and phone: its files are looked for, by content and by hash. Archives
    /// are opened up to 64 MiB, and 256 MiB of what they hold; what of them is not read is noted.
    #[arg(long, value_name = "DIR")]
    pub(crate) device: Vec<PathBuf>,
    /// A flight log: MAVLink .tlog, GPX, DJI .txt, or CSV with a header.
    #[arg(long, value_name = "LOG")]
    pub(crate) flight: Vec<PathBuf>,
    /// Protected places (GeoJSON, or CSV with `name,lat,lon,sector,buffer_m,height_m`): findings name those that a place lies at, and
    /// that a picture, film or flight log that left shows or was at.
    #[arg(long, value_name = "FILE")]
    pub(crate) sites: Option<PathBuf>,
    /// Zones of airspace (ED-269, ED-318, GeoJSON, FAA, KML and others): findings name those that a place lies in, or
    /// may lie in. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) zones: Vec<PathBuf>,
    /// What you call the scenario that was recorded: idle, flight, mode on, … An action `scenario` in the action log begins
    /// another, which its detail names.
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// What the user did (CSV: time,action,detail).
    #[arg(long, value_name = "FILE")]
    pub(crate) actions: Option<PathBuf>,
    /// Your own statements about destinations (TOML tables `destination` with host or cidr, country, organization, control).
    #[arg(long, value_name = "FILE")]
    pub(crate) destinations: Option<PathBuf>,
    /// A network that is ours. Without it, addresses not routed on the internet are.
    #[arg(long, value_name = "CIDR")]
    pub(crate) inside: Vec<IpNet>,
    /// A file of 16 random bytes or more: cases made with the same one can be compared by their masked values. Keep it secret.
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign_key: Option<PathBuf>,
    /// Threads to use; without it, as many as there are processors. The report does not depend on it.
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// What is printed on stdout.
    #[arg(long, default_value = super::TEXT, value_parser = super::formats())]
    pub(crate) format: String,
    /// Shows values in full. Without it they are masked everywhere.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// How far the case may be passed on: clear, green, amber, amber+strict, red (TLP 2.0). With --reveal, values of people are
    /// marked stricter; the banner is the strictest mark.
    #[arg(long, value_name = "MARK", default_value = "amber", value_parser = super::tlp)]
    pub(crate) tlp: Tlp,
    /// Exits with 1 when a finding is at this level or over it.
    #[arg(long, value_name = "LEVEL", value_parser = super::severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Prints, instead of the report, the bytes at every step to this finding (F0003). They hold the value: needs --reveal.
    #[arg(long, value_name = "FINDING", conflicts_with = "format")]
    pub(crate) trace: Option<String>,
}
