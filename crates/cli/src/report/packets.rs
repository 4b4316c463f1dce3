//! `creance report --format pcapng`: the packets that findings cite, copied from the captures, each with what it shows.
//!
//! Packets are numbered over all captures of a case, so all are read, and each must be the one that was audited. Where a case
//! has recordings as well, further times that a finding was seen may be of those: the packets of its evidence are taken alone.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use creance_capture::{Capture, Excerpt};
use creance_model::{Finding, Input, LinkType, Report as Case};
use creance_render::{remark, reviews, reviews_of, shown};

use crate::{
    args::{PACKETS, Report, Talk},
    case,
    exit::{self, Usage},
};

/// Bytes of remarks beside one packet; findings beyond are counted. A flight record that is uploaded makes hundreds.
const MOST_REMARKS: usize = 256 << 10;

/// Bytes of the remark on the whole file: an option of pcapng has at most 65,535.
const MOST_ABOUT: usize = 60_000;

pub(super) fn run(options: &Report, talk: Talk) -> anyhow::Result<u8> {
    let report = case::read(&options.case)?;
    super::outside(options)?;
    let captures = captures(&report, &options.evidence)?;
    let missing = match &options.output {
        Some(path) => {
            let told = || format!("cannot write {}", path.display());
            let mut out = BufWriter::new(File::create_new(path).with_context(told)?);
            let missing = write(&report, &captures, options.with_keys, &mut out)?;
            out.flush().with_context(told)?;
            missing
        }
        None if std::io::stdout().is_terminal() => {
            return Err(Usage(format!("--format {PACKETS} is not for terminals: -o FILE, or a pipe")).into());
        }
        None => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            let missing = write(&report, &captures, options.with_keys, &mut out)?;
            out.flush()?;
            missing
        }
    };
    if !talk.quiet {
        let recorded = report.findings.iter().filter(|finding| is_recorded(&report, finding)).count();
        if recorded > 0 {
            anstream::eprintln!("findings of recordings, which have no packets, are left out: {recorded}");
        }
        anstream::eprintln!("these packets hold what was sent in full, masked in the case or not");
    }
    if missing > 0 {
        anstream::eprintln!("packets that the case cites and its captures have not: {missing}");
    }
    Ok(if missing > 0 || report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}

/// A capture that is as it was audited.
struct Evidence<'a> {
    path: PathBuf,
    sha256: &'a str,
}

/// The captures of the case, in its order: of the files that were given, or where they were, each checked by its hash.
fn captures<'a>(report: &'a Case, given: &[PathBuf]) -> anyhow::Result<Vec<Evidence<'a>>> {
    let wanted: Vec<&Input> = report.case.inputs.iter().filter(|input| input.kind == "capture").collect();
    if wanted.is_empty() {
        bail!("the case has no capture, and recordings (HAR, mitmproxy) hold no packets");
    }
    let mut by_hash = HashMap::new();
    for path in given {
        let hash = hash(path)?;
        match report.case.inputs.iter().find(|input| input.sha256 == hash) {
            Some(input) if input.kind == "capture" => by_hash.insert(hash, path.clone()),
            Some(input) => bail!("{} is no capture, but {} of the case", path.display(), shown(&input.kind)),
            None => bail!("{} is not what was audited: its SHA-256 is {hash}", path.display()),
        };
    }
    let find = |input: &&'a Input| -> anyhow::Result<Evidence<'a>> {
        let path =
            if given.is_empty() { Some(where_it_was(input)?) } else { by_hash.get(&input.sha256).cloned() };
        let path = path.ok_or_else(|| {
            anyhow!("{} is missing: packets are numbered over all captures of the case", shown(&input.path))
        })?;
        Ok(Evidence { path, sha256: &input.sha256 })
    };
    wanted.iter().map(find).collect()
}

fn where_it_was(input: &Input) -> anyhow::Result<PathBuf> {
    if input.path == "-" {
        bail!("the case was read from standard input: say with --evidence where it is kept");
    }
    let path = PathBuf::from(&input.path);
    let hash = hash(&path).context("a capture of the case is not where it was: say with --evidence where")?;
    if hash != input.sha256 {
        let (path, before) = (shown(&input.path), shown(&input.sha256));
        bail!("{path} is not what was audited: its SHA-256 is {hash}, and was {before}");
    }
    Ok(path)
}

/// The hash of a file: a case that others wrote may name what has no end.
fn hash(path: &Path) -> anyhow::Result<String> {
    let told = || format!("cannot read {}", path.display());
    if !fs::metadata(path).with_context(told)?.is_file() {
        bail!("{}: it is no file", told());
    }
    creance_audit::hash_of(path).map(|(hash, _)| hash).with_context(told)
}

/// Writes the packets; says how many of those cited there are not.
fn write(report: &Case, evidence: &[Evidence<'_>], keys: bool, out: &mut dyn Write) -> anyhow::Result<u64> {
    let paths: Vec<PathBuf> = evidence.iter().map(|one| one.path.clone()).collect();
    let mut capture = Capture::open(&paths, &creance_capture::Options::default())?;
    let about = about(report);
    let mut excerpt = Excerpt::begin(out, &shown(&report.case.tool), &about)?;
    let (mut here, mut missing) = (0, 0);
    for (number, findings) in cited(report) {
        while here < number && capture.advance() {
            here += 1;
        }
        let packet =
            capture.packet().filter(|packet| packet.number == number && packet.link != LinkType::NONE);
        let Some(packet) = packet else {
            missing += 1;
            continue;
        };
        if let Some(file) = capture.notes().file_of(number) {
            let of = evidence.iter().filter(|one| one.path.display().to_string() == file);
            in_step(number, &findings, &of.map(|one| one.sha256).collect::<Vec<_>>())?;
        }
        if keys {
            excerpt.secrets(capture.notes())?;
        }
        excerpt.packet(&packet, capture.notes(), &remarks(report, number, &findings))?;
    }
    if keys {
        while capture.advance() {}
        excerpt.secrets(capture.notes())?;
    }
    Ok(missing)
}

/// What the file is, and what was made of all judgements: of those that rest on no finding no packet says it.
fn about(report: &Case) -> String {
    let (mark, id) = (report.banner().label(), shown(&report.case.id));
    let mut about = format!("{mark}: packets that findings of case {id} cite, with their numbers there.");
    for review in reviews(report) {
        if about.len() + review.len() > MOST_ABOUT {
            about.push_str(" Further reviews are in the case.");
            break;
        }
        about.push(' ');
        about.push_str(&review);
    }
    about
}

/// Files that begin at one moment are read in the order of their names: with other names, packets have other numbers.
fn in_step(number: u64, findings: &[&Finding], hashes: &[&str]) -> anyhow::Result<()> {
    for finding in findings {
        let first = finding.evidence.packets.first() == Some(&number);
        let of = finding.evidence.input.strip_prefix("sha256:");
        if first && of.is_some_and(|hash| !hashes.contains(&hash)) {
            bail!(
                "packet {number} of {} is of another file than in the case: give the captures the names that they had",
                shown(&finding.id)
            );
        }
    }
    Ok(())
}

/// The findings that each packet shows.
fn cited(report: &Case) -> BTreeMap<u64, Vec<&Finding>> {
    let recordings = report.case.inputs.iter().any(is_recording);
    let mut cited: BTreeMap<u64, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| !is_recorded(report, finding)) {
        let further = finding.occurrences.iter().filter(|_| !recordings).flat_map(|one| &one.packets);
        let mut numbers: Vec<u64> = finding.evidence.packets.iter().chain(further).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            cited.entry(number).or_default().push(finding);
        }
    }
    cited
}

fn is_recording(input: &Input) -> bool {
    matches!(input.kind.as_str(), "har" | "mitmproxy")
}

/// Whether a finding's evidence is a recording, whose entries are numbered as well.
fn is_recorded(report: &Case, finding: &Finding) -> bool {
    let hash = finding.evidence.input.strip_prefix("sha256:");
    report.case.inputs.iter().any(|input| is_recording(input) && Some(input.sha256.as_str()) == hash)
}

fn remarks(report: &Case, number: u64, findings: &[&Finding]) -> Vec<String> {
    let mut remarks = vec![format!("{} packet {number}", report.banner().label())];
    let mut room = MOST_REMARKS;
    for (index, finding) in findings.iter().enumerate() {
        let reviews = reviews_of(report, finding);
        let stop = if reviews.is_empty() { "" } else { ". " };
        let remark = format!("{}{stop}{}", remark(finding), reviews.join(" "));
        let Some(left) = room.checked_sub(remark.len()) else {
            remarks.push(format!("further findings of this packet: {}", findings.len() - index));
            break;
        };
        room = left;
        remarks.push(remark);
    }
    remarks
}
