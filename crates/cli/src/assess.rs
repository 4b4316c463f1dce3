//! `creance assess`: how likely each claim is on a case, how far the basis may be trusted, and what would change that.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use creance_assess::judge::{Compared, Hypotheses, Question, Sources, Weights, judge, keep_reviews};
use creance_custody::Signed;
use creance_model::{Report, Timestamp};
use creance_render::Options;
use serde_json::Value;

use crate::{
    args::{Assess, AssessForm},
    case::{self, Doing},
    exit::{self, Usage},
};

/// The largest set of hypotheses or sources that is read, in bytes.
const LARGEST: u64 = 1 << 20;

pub(crate) fn run(options: &Assess) -> anyhow::Result<u8> {
    let started = case::now();
    let mut report = case::read(&options.case)?;
    let (sets, weights) = (sets(options)?, Weights::bundled()?);
    let known: Vec<&str> = sets.iter().flat_map(|set| &set.hypothesis).map(|one| one.id.as_str()).collect();
    if let Some(twice) =
        known.iter().enumerate().find(|(index, id)| known.iter().take(*index).any(|other| other == *id))
    {
        return Err(Usage(format!("two hypotheses are called `{}`", twice.1)).into());
    }
    let sources = sources(options, &known)?;
    let comparisons =
        options.comparison.iter().map(|one| comparison(one, &known)).collect::<anyhow::Result<Vec<_>>>()?;
    let question = Question {
        report: &report,
        sets: &sets,
        weights: &weights,
        sources: &sources,
        comparisons: &comparisons,
    };
    let mut judgements = judge(&question)?;
    keep_reviews(&report.judgements, &mut judgements, &question);
    report.judgements = judgements;
    if !options.dry_run {
        keep(options, &report, started)?;
    }
    show(&report, options.format)?;
    Ok(if report.incomplete() { exit::INCOMPLETE } else { exit::DONE })
}

/// Writes the case anew, and what was done into its ledger.
fn keep(options: &Assess, report: &Report, started: Timestamp) -> anyhow::Result<()> {
    let file = case::findings(&options.case);
    let folder = file.parent().unwrap_or(Path::new(""));
    let signed = case::intact(folder)?;
    case::files(folder, report, &Options::default())?;
    let paths = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Value>();
    let detail = BTreeMap::from([
        ("hypotheses".to_owned(), paths(&options.hypotheses)),
        ("sources".to_owned(), paths(&options.sources)),
        ("comparisons".to_owned(), options.comparison.iter().cloned().collect::<Value>()),
        ("judgements".to_owned(), report.judgements.len().into()),
    ]);
    case::record(folder, report, Doing { action: "assess", started, detail })?;
    if signed != Signed::No {
        anstream::eprintln!("the signature of the case is stale now: creance case sign");
    }
    Ok(())
}

fn show(report: &Report, format: AssessForm) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        AssessForm::Text => {
            writeln!(out, "{}", report.banner().label())?;
            write!(out, "{}", creance_render::judgements::text(&report.judgements))?;
        }
        AssessForm::Json => {
            serde_json::to_writer_pretty(&mut out, &report.judgements)?;
            writeln!(out)?;
        }
        AssessForm::Html => {
            for output in creance_render::ALL.iter().filter(|output| output.name() == "html") {
                output.write(report, &Options::default(), &mut out)?;
            }
        }
    }
    out.flush()
}

fn sets(options: &Assess) -> anyhow::Result<Vec<Hypotheses>> {
    let mut sets = if options.only { Vec::new() } else { vec![Hypotheses::bundled()?] };
    for path in &options.hypotheses {
        sets.push(Hypotheses::parse(&text(path)?).map_err(|why| wrong(path, why))?);
    }
    Ok(sets)
}

fn sources(options: &Assess, known: &[&str]) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for path in &options.sources {
        let read = Sources::parse(&text(path)?).map_err(|why| wrong(path, why))?;
        if let Some(id) = read.unknown(known) {
            return Err(unknown(path, id));
        }
        sources.source.extend(read.source);
    }
    Ok(sources)
}

/// `setting=mode.json`, or the file alone.
fn comparison(told: &str, known: &[&str]) -> anyhow::Result<Compared> {
    let (about, path) = match told.split_once('=') {
        Some((id, path)) if !Path::new(told).exists() => (Some(id), PathBuf::from(path)),
        _ => (None, PathBuf::from(told)),
    };
    let mut read = Compared::parse(&case::bytes(&path, case::LARGEST)?).map_err(|why| wrong(&path, why))?;
    if let Some(id) = about.filter(|id| !known.contains(id)) {
        return Err(unknown(&path, id));
    }
    read.about = about.map(ToOwned::to_owned);
    Ok(read)
}

fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(case::bytes(path, LARGEST)?).map_err(|_| anyhow!("{}: not UTF-8", path.display()))
}

fn wrong(path: &Path, why: creance_assess::judge::Error) -> anyhow::Error {
    anyhow::Error::from(why).context(format!("{} is wrong", path.display()))
}

fn unknown(path: &Path, id: &str) -> anyhow::Error {
    anyhow!("{}: no hypothesis is called `{}`", path.display(), creance_render::shown(id))
}
