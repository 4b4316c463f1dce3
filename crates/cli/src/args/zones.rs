//! What may be typed after `creance zones`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use creance_model::{AltReference, Timestamp};

#[derive(ClapArgs, Debug)]
pub(crate) struct Zones {
    #[command(subcommand)]
    pub(crate) action: ZonesAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZonesAction {
    /// Checks every position of flights, missions and pictures, or a live one, against zones.
    #[command(after_help = ZONES_EXAMPLES)]
    Check(ZonesCheck),
}

const ZONES_EXAMPLES: &str = "\
Examples:
  creance zones check flight.tlog --zones ed269.json                     a line for each zone that was met
  creance zones check mission.plan --zones faa.json --zones own.kml
  creance zones check --position 46.95,7.45 --at 2026-08-01T10:00:00Z --zones ed318.json
  receiver | creance zones check - --zones zones.json --format jsonl     lines of time,lat,lon,alt as they come
  creance zones check flight.tlog --zones zones.json --format html -o map.html

Zones: ED-269, ED-318, GeoJSON, the FAA's layers, KML and KMZ, OpenAir, SUA, AIXM 5.1 (a part), DJI, Autel. `uncertain` is to be
taken for inside: the position is not known well enough, or the height, the time, or what the zone says, decides and is not known.
`margin_m` is metres to the edge, negative inside. The rows of json, jsonl and csv have each position and zone it is inside or
uncertain of; with --all also those outside of everything, with the nearest zone. Exit codes: 0 done · 1 what --fail-on says ·
3 something unreadable · 4 a part of a track or of the zones could not be read.";

#[derive(ClapArgs, Debug)]
pub(crate) struct ZonesCheck {
    /// Flight logs, missions, pictures, tables: whatever `inspect` finds positions in; or `-` for lines of
    /// time,lat,lon,alt on stdin.
    #[arg(value_name = "TRACK", required_unless_present = "position")]
    pub(crate) tracks: Vec<PathBuf>,
    /// A file of zones. May be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) zones: Vec<PathBuf>,
    /// Checks this position, in degrees north and east, with metres of altitude if they are known.
    #[arg(long, value_name = "LAT,LON[,ALT]", value_parser = position, allow_hyphen_values = true)]
    pub(crate) position: Option<(f64, f64, Option<f64>)>,
    /// Rows for positions outside of everything as well.
    #[arg(long)]
    pub(crate) all: bool,
    /// Metres within which positions are known.
    #[arg(long, value_name = "M", default_value_t = 1.0, value_parser = metres)]
    pub(crate) accuracy: f64,
    /// When, for positions that say no time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) at: Option<Timestamp>,
    /// What altitudes count from where the file does not say it.
    #[arg(long, value_name = "WHAT", value_parser = reference)]
    pub(crate) alt_reference: Option<AltReference>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = ZonesForm::Text)]
    pub(crate) format: ZonesForm,
    /// Writes the page or picture to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exits with 1 when a position is inside a zone, or when one is inside or uncertain.
    #[arg(long, value_name = "ANSWER", value_parser = ["inside", "uncertain"])]
    pub(crate) fail_on: Option<String>,
    /// In the text form, tells where a zone was met first.
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// How answers about zones are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ZonesForm {
    /// For people: what was met, when, and how near.
    Text,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// A page with a map and a table.
    Html,
    /// The map alone.
    Svg,
}

fn position(text: &str) -> Result<(f64, f64, Option<f64>), String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|text| text.trim().parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    match numbers.as_deref() {
        Some([lat, lon, rest @ ..]) if lat.abs() <= 90.0 && lon.abs() <= 180.0 && rest.len() <= 1 => {
            Ok((*lat, *lon, rest.first().copied()))
        }
        _ => Err("expected a latitude up to 90 and a longitude up to 180 degrees, and metres, such as 46.95,7.45,620".to_owned()),
    }
}

fn metres(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|metres| (0.0..=100_000.0).contains(metres));
    number.ok_or_else(|| "expected 0 to 100000 metres".to_owned())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a date and time such as 2026-08-01T10:00:00Z".to_owned())
}

fn reference(text: &str) -> Result<AltReference, String> {
    AltReference::from_name(text).ok_or_else(|| "expected amsl, wgs84, take-off or agl".to_owned())
}
