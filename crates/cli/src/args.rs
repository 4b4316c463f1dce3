//! What may be typed.

mod assess;
mod audit;
mod bench;
mod case;
mod compare;
mod proof;
mod region;
mod remedies;
mod report;
mod review;
mod zones;

use std::{ffi::OsString, net::IpAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, builder::PossibleValuesParser, value_parser};
use clap_complete::Shell;
use creance_flow::IpNet;
use creance_model::{Locations, Severity, Tlp};

pub(crate) use assess::{Assess, AssessForm};
pub(crate) use audit::Audit;
pub(crate) use bench::{Bench, BenchFormat};
pub(crate) use case::{Case, CaseAction, CaseKeygen, CaseLog, CaseRedact, CaseSign, CaseVerify};
pub(crate) use compare::{Compare, CompareForm};
pub(crate) use proof::Proof;
pub(crate) use remedies::{Remedies, RemedyForm};
pub(crate) use report::{EVERY, PACKETS, Report};
pub(crate) use review::Review;
pub(crate) use zones::{Zones, ZonesAction, ZonesCheck, ZonesForm};

pub(crate) use region::{Region, RegionFormat};

/// Shows what drones, their apps and ground stations give away, to whom, and how sure one can be of it.
#[derive(Debug, Parser)]
#[command(name = "creance", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) talk: Talk,
    /// Prints completions for a shell.
    #[arg(long, value_name = "SHELL", value_enum)]
    pub(crate) completions: Option<Shell>,
}

const EXAMPLES: &str = "\
Examples:
  creance audit flight.pcapng                          what left, on the terminal
  creance audit flight.pcapng --flight flight.tlog -o case
  tcpdump -w - | creance audit -
  creance flows flight.pcapng --format table           the conversations
  creance messages flight.pcapng --protocol http/2 --keys flight.keys
  creance extract flight.pcapng --keys flight.keys -o files
  creance inspect card/                                what the files of a card give away
  creance scrub card/ -o clean                         the same files without it
  creance canary new -o canaries.toml                  values to plant before the flight
  creance compare off-* --with on-*                    what a setting changes, and how sure one can be
  creance assess case                                  how likely each claim is, and what would change that
  creance zones check flight.tlog --zones ed269.json   was it where it should not be
  creance review case J01 --accept --examiner NAME --reason TEXT
  creance case verify case                             is it what its ledger says
  creance proof case F0003 -o bundle --evidence flight.pcapng --keys flight.keys
  creance explain case F0003                           what a finding says, and how to see it with other tools
  creance region --gps 22.5316,114.1130 --mcc 454      in which country that is, says whom, how sure
  creance range demo                                   two worlds in a sealed laboratory, audited blind
  creance data                                         the bundled data sets with their dates

Exit codes: 0 done · 1 findings at or over --fail-on · 2 usage · 3 an input unreadable ·
4 done but incomplete (damage, a limit) · 70 a bug. Nothing is sent to any network.";

/// How much is said on stderr.
#[derive(ClapArgs, Clone, Copy, Debug)]
pub(crate) struct Talk {
    /// Says nothing but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Says more on stderr: time taken and rate.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reads captures and says what left, to whom, and in which phase of the flight.
    #[command(after_help = audit::EXAMPLES)]
    Audit(Audit),
    /// Says what files give away: places, serial numbers, people, tracks, hidden content.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Writes files without what they give away, and reads them again to prove it.
    #[command(after_help = SCRUB_EXAMPLES)]
    Scrub(Scrub),
    /// Lists the conversations of captures: with whom, how much, how much of it could be read.
    Flows(List),
    /// Lists the application messages of captures.
    Messages(Messages),
    /// Writes the files that captures carry, uploads and downloads, with a manifest.
    Extract(Extract),
    /// Scores what tools found in labelled captures: recall, precision, traps (docs/corpus.md has the formats).
    #[command(after_help = bench::EXAMPLES)]
    Bench(Bench),
    /// Says what differs between cases (a setting off and on), and what cannot be told from chance.
    #[command(after_help = compare::EXAMPLES)]
    Compare(Compare),
    /// Says how likely each claim is on a case, how far the basis may be trusted, and what would change that.
    #[command(after_help = assess::EXAMPLES)]
    Assess(Assess),
    /// Says what to do about what was found, and writes block lists for firewalls and resolvers.
    #[command(after_help = remedies::EXAMPLES)]
    Remedies(Remedies),
    /// Writes a case in another format.
    #[command(after_help = report::EXAMPLES)]
    Report(Report),
    /// Takes down what an examiner makes of a judgement: accepts, rejects or rewords it, and why.
    #[command(after_help = review::EXAMPLES)]
    Review(Review),
    /// Keeps cases: signs them, says whether they were changed, and makes them fit to be shown.
    Case(Case),
    /// Writes a bundle that shows findings to anybody: packets, keys, steps; it is checked without creance.
    #[command(after_help = proof::EXAMPLES)]
    Proof(Proof),
    /// Says where an aircraft is, what its app believes, and where its data went: every source's vote, and who differs.
    #[command(after_help = region::EXAMPLES)]
    Region(Box<Region>),
    /// Says whether flights, missions and positions lie in zones of airspace: inside, outside or uncertain, and by how much.
    Zones(Zones),
    /// Lists the bundled data sets, or imports newer ones.
    Data(Data),
    /// Makes, plants and finds values that nobody else has: where they surface, they were taken from the device.
    Canary(Canary),
    /// Plays aircraft, app and clouds in a sealed laboratory (the companion program creance-range).
    #[command(disable_help_flag = true)]
    Range {
        /// What creance-range is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// A gateway that fails closed while an aircraft may be flying (the companion program creance-guard).
    #[command(disable_help_flag = true)]
    Guard {
        /// What creance-guard is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Checks whether this machine can guard, and what to do where it cannot (`creance-guard doctor`).
    #[command(disable_help_flag = true)]
    Doctor {
        /// What `creance-guard doctor` is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Explains a detector or a finding, or prints a schema: `creance explain schema findings`.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
}

/// The output for terminals.
pub(crate) const TEXT: &str = "text";

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(creance_render::ALL.iter().map(|output| output.name()))
}

/// A label of the Traffic Light Protocol.
fn tlp(text: &str) -> Result<Tlp, String> {
    Tlp::from_name(text).ok_or_else(|| "expected clear, green, amber, amber+strict or red".to_owned())
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::from_name(text).ok_or_else(|| "expected info, low, medium, high or critical".to_owned())
}

/// Captures, and what is needed to read them.
#[derive(ClapArgs, Debug)]
pub(crate) struct Captures {
    /// Captures, as for audit.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// A TLS key log in the NSS format (SSLKEYLOGFILE): what it fits is decrypted. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// A network that is ours.
    #[arg(long, value_name = "CIDR")]
    pub(crate) inside: Vec<IpNet>,
    /// Shows fields in full. Without it request targets lose their query and what does not look like a name, and
    /// positions are in whole degrees.
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// What is listed, and of which conversations.
#[derive(ClapArgs, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) captures: Captures,
    /// Only this protocol: dns, tls, http/1, http/2, http/3, websocket, mqtt, mavlink …
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<String>,
    /// Only with this host or one below it: `dji.com` takes `api.dji.com` as well.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Only with this address at either end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<IpAddr>,
    /// Only what could be read like this: clear, decrypted, opaque.
    #[arg(long, value_name = "HOW", value_parser = ["clear", "decrypted", "opaque"])]
    pub(crate) visibility: Option<String>,
    /// How rows are written.
    #[arg(long, value_enum, default_value_t = Lines::Jsonl)]
    pub(crate) format: Lines,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Extract {
    #[command(flatten)]
    pub(crate) captures: Captures,
    /// The folder to write: new or empty.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Only to or from this host or one below it.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Bodies that are no files as well: JSON, forms, protocol buffers.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Messages {
    #[command(flatten)]
    pub(crate) list: List,
    /// Only this kind: query, request, client-hello, publish …
    #[arg(long, value_name = "NAME")]
    pub(crate) kind: Option<String>,
    /// Only this way: outbound, inbound, lan.
    #[arg(long, value_name = "WAY", value_parser = ["outbound", "inbound", "lan"])]
    pub(crate) direction: Option<String>,
}

/// A format of lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Lines {
    /// One JSON object a line.
    Jsonl,
    /// One JSON array.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Columns for people.
    Table,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Data {
    #[command(subcommand)]
    pub(crate) action: Option<DataAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataAction {
    /// Takes newer data sets from a folder, checks them, and uses them from then on.
    Update {
        /// The folder with the new files (countries.bin.zst, asn.bin.zst; see knowledge/ip/build.py).
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  creance explain                      every detector
  creance explain canary               what it looks for, and how it could be wrong
  creance explain case F0003           a finding of the case in this folder
  creance explain F0003 --case case    the same";

#[derive(ClapArgs, Debug)]
pub(crate) struct Explain {
    /// A detector; or a case and a finding of it; or `schema` and the name of one (findings).
    #[arg(value_name = "WHAT", num_args = 0..=2)]
    pub(crate) what: Vec<String>,
    /// The folder of the case that the finding is in.
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Canary {
    #[command(subcommand)]
    pub(crate) action: CanaryAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CanaryAction {
    /// Makes up values for one run: names, addresses, numbers, identifiers, a place; and decoys, which are planted nowhere.
    #[command(after_help = NEW_EXAMPLES)]
    New(CanaryNew),
    /// Writes documents that hold the values: an address book, a profile, notes, networks, a mission, the pictures.
    #[command(after_help = PLANT_EXAMPLES)]
    Plant(CanaryPlant),
    /// Looks for the values in captures, recordings, files and folders: in every direction, in every form.
    #[command(after_help = FIND_EXAMPLES)]
    Find(CanaryFind),
}

const NEW_EXAMPLES: &str = "\
Examples:
  creance canary new -o canaries.toml --name lab-7
  creance canary new -o canaries.toml --picture canary.jpg --near 24.80,120.97

Values come from the operating system's generator. With --seed they can be made again, by anybody: for tests.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CanaryNew {
    /// Writes them to this file (TOML, for --canaries); without it, to stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrites the file, and the picture.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// What the run is called.
    #[arg(long, value_name = "RUN")]
    pub(crate) name: Option<String>,
    /// Makes the same values for the same number: for tests only.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Values of each kind that are to be planted. Of decoys there is one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=50))]
    pub(crate) count: u16,
    /// Where the point of interest is to lie, within some kilometres; without it, far out at sea.
    #[arg(long, value_name = "LAT,LON", value_parser = place, allow_hyphen_values = true)]
    pub(crate) near: Option<(f64, f64)>,
    /// Makes a JPEG as well whose pixels are of this run alone, with place and serial number in its EXIF.
    #[arg(long, value_name = "FILE", requires = "output")]
    pub(crate) picture: Option<PathBuf>,
}

const PLANT_EXAMPLES: &str = "\
Examples:
  creance canary plant canaries.toml sdcard/ phone/
  creance canary plant canaries.toml profile/contacts.vcf mission.gpx card/DCIM/0001.JPG

Nothing is overwritten. What was placed where, and when, is added to canaries.planted.csv beside the canary file.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CanaryPlant {
    /// The canary file.
    #[arg(value_name = "CANARIES")]
    pub(crate) canaries: PathBuf,
    /// Folders, which get every document, and files, which get what their ending says: .vcf contacts, .json profile,
    /// .txt notes, .gpx or .csv mission, wifi.csv networks, .jpg picture.
    #[arg(required = true, value_name = "DIR|FILE")]
    pub(crate) targets: Vec<PathBuf>,
    /// Shows values in full.
    #[arg(long)]
    pub(crate) reveal: bool,
}

const FIND_EXAMPLES: &str = "\
Examples:
  creance canary find canaries.toml flight.pcapng --keys flight.keys
  creance canary find canaries.toml backup/ session.har --format json
  creance canary find canaries.toml export.json --fail-on seen

Exit codes: 0 done, whether anything was seen or not · 1 what --fail-on says · 4 a decoy was seen, or something could
not be searched.";

#[derive(ClapArgs, Debug)]
pub(crate) struct CanaryFind {
    /// The canary file.
    #[arg(value_name = "CANARIES")]
    pub(crate) canaries: PathBuf,
    #[command(flatten)]
    pub(crate) captures: Captures,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = Answer::Text)]
    pub(crate) format: Answer,
    /// Exits with 1 when a value was seen, or when one was not.
    #[arg(long, value_name = "WHEN", value_enum)]
    pub(crate) fail_on: Option<FailOn>,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  creance inspect DJI_0042.JPG --reveal
  creance inspect card/DCIM --format html --reveal -o card.html
  creance inspect export.zip --format jsonl | jq 'select(.identifiers != [])'

Files are read where they lie and never changed; archives (zip, tar, gzip, zstd) are looked into without unpacking them to
disk. Exit code 4: not all of a file could be read.";

#[derive(ClapArgs, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Inspect {
    /// Files of any kind, folders, archives, or `-` for stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = InspectForm::Text)]
    pub(crate) format: InspectForm,
    /// Writes the answer to this file instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Protected places (GeoJSON, or CSV with `name,lat,lon,sector,buffer_m,height_m`): which of them were near or looked at is told.
    #[arg(long, value_name = "FILE")]
    pub(crate) sites: Option<PathBuf>,
    /// Zones of airspace (ED-269, ED-318, GeoJSON, FAA, KML and others): which of them tracks, places and plans touch is
    /// told; `creance zones check` tells it point by point. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) zones: Vec<PathBuf>,
    /// Keys for DJI's flight records of version 13 and later, as the vendor gave them (JSON); creance asks nobody for them.
    #[arg(long, value_name = "FILE")]
    pub(crate) keychain: Option<PathBuf>,
    /// Prints what the vendor would have to be sent to give the keys of one flight record, and sends nothing.
    #[arg(long, conflicts_with_all = ["keychain", "sites", "zones", "faces", "reveal"])]
    pub(crate) export_key_request: bool,
    /// Makes the SHA-256 of files longer than 64 MiB too, for which all of them is read.
    #[arg(long, conflicts_with = "no_hash")]
    pub(crate) hash: bool,
    /// Makes no SHA-256. Without it those of at most 64 MiB have one; of longer ones (films) only what describes them is read.
    #[arg(long)]
    pub(crate) no_hash: bool,
    /// Looks for faces in pictures (JPEG and PNG), for which they are decoded.
    #[arg(long)]
    pub(crate) faces: bool,
    /// Shows values in full. Without it they are masked, and places are whole degrees.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Threads to use; without it, as many as there are processors.
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
}

/// How what files give away is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum InspectForm {
    /// For people: a screen for one file, a line a file for several.
    Text,
    /// One JSON document: an object for one file, a list for several.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// A page with maps.
    Html,
}

const SCRUB_EXAMPLES: &str = "\
Examples:
  creance scrub DJI_0042.JPG -o clean
  creance scrub card/DCIM -o clean --location grid:10
  creance scrub survey/ -o clean --location offset          all places move alike: photogrammetry still works

Nothing is changed in place and nothing is overwritten. Each file is read again after it was written; where anything is
left it is not kept, and the exit code is 4. Check with another tool as well: exiftool -a -G1 FILE, ffprobe FILE.";

#[derive(ClapArgs, Debug)]
pub(crate) struct Scrub {
    /// Files and folders.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The folder for what is written.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What becomes of places: remove; grid:KM, the middle of their square in a grid; offset, all by the same way in a
    /// direction of chance (5 to 20 km at the equator, to the east less elsewhere), or offset:NORTH,EAST in degrees.
    #[arg(long, value_name = "HOW", default_value = "remove", value_parser = locations)]
    pub(crate) location: Places,
    /// Keeps thermal measurements in pictures.
    #[arg(long)]
    pub(crate) keep_thermal: bool,
    /// Puts mosaics over faces in pictures, for which those with faces are encoded anew (JPEG); what cannot be looked at whole is
    /// refused. Faces turned aside, upside down or smaller than a sixtieth of the longer side are not found: look at what was
    /// written. Thermal measurements, which may show a face, go.
    #[arg(long, conflicts_with = "keep_thermal")]
    pub(crate) faces: bool,
    /// How the answer is written.
    #[arg(long, value_enum, default_value_t = Answer::Text)]
    pub(crate) format: Answer,
    /// Threads to use; without it, as many as there are processors.
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
}

/// What becomes of places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Places {
    /// This.
    Known(Locations),
    /// All move by the same way, which is left to chance.
    Chance,
}

fn locations(text: &str) -> Result<Places, String> {
    let wrong = || {
        "expected remove, grid:KM with more than 0 and at most 1000 km, offset, or offset:NORTH,EAST in degrees".to_owned()
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match text.split_once(':') {
        None if text == "remove" => Ok(Places::Known(Locations::Remove)),
        None if text == "offset" => Ok(Places::Chance),
        Some(("grid", km)) => {
            let km = number(km).filter(|km| *km > 0.0 && *km <= 1000.0).ok_or_else(wrong)?;
            Ok(Places::Known(Locations::Grid { km }))
        }
        Some(("offset", way)) => {
            let (lat, lon) = way.split_once(',').ok_or_else(wrong)?;
            let (lat, lon) = number(lat).zip(number(lon)).ok_or_else(wrong)?;
            let far = lat.abs().max(lon.abs()) >= 0.001 && lat.abs() <= 90.0 && lon.abs() <= 180.0;
            if far { Ok(Places::Known(Locations::Offset { lat, lon })) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Answer {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// What makes a search fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FailOn {
    /// A value that was to be planted was seen.
    Seen,
    /// One was not.
    Unseen,
}

/// Degrees north and east.
fn place(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    text.split_once(',')
        .and_then(|(lat, lon)| Some((number(lat)?, number(lon)?)))
        .filter(|(lat, lon)| lat.abs() <= 89.0 && lon.abs() <= 179.0)
        .ok_or_else(|| {
            "expected a latitude up to 89 and a longitude up to 179 degrees, such as 24.80,120.97".to_owned()
        })
}
