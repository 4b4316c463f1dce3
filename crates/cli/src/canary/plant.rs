//! `creance canary plant`: documents that hold a set, written where they are to be copied from, and a record of it.
//!
//! The record is append-only and says when: like the ledger of a case it is no result, and the only file here that is
//! not the same each time.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use creance_canary::{Document, Shape, documents};
use creance_detect::{CanaryPicture, CanarySet, mask};

use crate::{
    args::CanaryPlant,
    case,
    exit::{self, Usage},
};

/// A file to be written.
struct Planned {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Which values stand in it.
    holds: Vec<usize>,
    /// What it is, where it holds no value that can be told.
    what: &'static str,
}

pub(crate) fn run(options: &CanaryPlant) -> anyhow::Result<u8> {
    let shown = options.canaries.display();
    let text = fs::read_to_string(&options.canaries).with_context(|| format!("cannot read {shown}"))?;
    let set = CanarySet::parse(&text).with_context(|| format!("cannot read {shown}"))?;
    let documents = documents(&set);
    if documents.is_empty() && set.pictures.is_empty() {
        return Err(Usage(format!("{shown} holds nothing that is to be planted")).into());
    }
    let mut planned = Vec::new();
    for target in &options.targets {
        plan(target, &options.canaries, &set, &documents, &mut planned)?;
    }
    // All or nothing: half a plan would leave values unplanted that are looked for.
    let mut places = HashSet::new();
    for one in &planned {
        if one.path.exists() || !places.insert(&one.path) {
            return Err(Usage(format!("{} exists: nothing is overwritten", one.path.display())).into());
        }
    }
    let mut out = std::io::stdout().lock();
    let record = options.canaries.with_extension("planted.csv");
    for one in &planned {
        write(one)?;
        note(&record, &set, one)?;
        let held = one.holds.iter().filter_map(|place| set.values.get(*place)).map(|value| {
            let shown = if options.reveal { value.value.clone() } else { mask(value.class, &value.value) };
            format!("{} {}", value.class, creance_render::shown(&shown))
        });
        let held = held.collect::<Vec<_>>().join(", ");
        writeln!(out, "{}: {}", one.path.display(), if held.is_empty() { one.what } else { &held })?;
    }
    writeln!(out, "recorded in {}", record.display())?;
    let held: HashSet<usize> = planned.iter().flat_map(|one| one.holds.iter().copied()).collect();
    let left = set.values.iter().enumerate().filter(|(place, one)| !one.decoy && !held.contains(place));
    let left: Vec<String> = left.map(|(place, one)| format!("{} ({})", place + 1, one.class)).collect();
    if !left.is_empty() {
        writeln!(out, "in no document, plant these yourself (numbers of the tables): {}", left.join(", "))?;
    }
    Ok(exit::DONE)
}

/// What is to be written to a folder, or to a file of this name.
fn plan(
    target: &Path,
    canaries: &Path,
    set: &CanarySet,
    documents: &[Document],
    planned: &mut Vec<Planned>,
) -> anyhow::Result<()> {
    let of = |document: &Document, path: PathBuf| Planned {
        path,
        bytes: document.text.clone().into_bytes(),
        holds: document.holds.clone(),
        what: "",
    };
    let pictured = |picture: &CanaryPicture, path: PathBuf| -> anyhow::Result<Planned> {
        let what = "a picture, by its hashes, place and serial number";
        Ok(Planned { path, bytes: read(picture, canaries)?, holds: Vec::new(), what })
    };
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = target.is_dir() || (!target.exists() && target.extension().is_none());
    if folder {
        planned.extend(documents.iter().map(|one| of(one, target.join(one.shape.file_name()))));
        for picture in &set.pictures {
            let name = Path::new(&picture.file).file_name().unwrap_or_default();
            planned.push(pictured(picture, target.join(name))?);
        }
        return Ok(());
    }
    let ending = target.extension().unwrap_or_default().to_ascii_lowercase();
    if ending == "jpg" || ending == "jpeg" {
        let Some(picture) = set.pictures.first() else {
            return Err(
                Usage(format!("{name}: the set has no picture (creance canary new --picture)")).into()
            );
        };
        planned.push(pictured(picture, target.to_owned())?);
        return Ok(());
    }
    let Some(shape) = Shape::of(&name) else {
        return Err(Usage(format!(
            "{name}: expected a folder, or a name that ends in .vcf, .json, .txt, .csv, .gpx or .jpg"
        ))
        .into());
    };
    match documents.iter().find(|one| one.shape == shape) {
        Some(document) => planned.push(of(document, target.to_owned())),
        None => return Err(Usage(format!("{name}: the set has no value that would stand there")).into()),
    }
    Ok(())
}

/// A picture, which must be the one that was made.
fn read(picture: &CanaryPicture, canaries: &Path) -> anyhow::Result<Vec<u8>> {
    let path = canaries.parent().unwrap_or_else(|| Path::new("")).join(&picture.file);
    let shown = path.display();
    let bytes = fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
    let made = picture.sha256.map(|byte| format!("{byte:02x}")).concat();
    if creance_audit::sha256(&bytes) != made {
        bail!("{shown} is not the picture of the canary file any more: its SHA-256 is another");
    }
    Ok(bytes)
}

fn write(one: &Planned) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", one.path.display());
    if let Some(folder) = one.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(told)?;
    }
    File::create_new(&one.path).and_then(|mut file| file.write_all(&one.bytes)).with_context(told)
}

/// Adds a line to the record: when, where, which file, and the numbers of the values in the canary file.
fn note(record: &Path, set: &CanarySet, one: &Planned) -> anyhow::Result<()> {
    let told = || format!("cannot write {}", record.display());
    let new = !record.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(record).with_context(told)?;
    if new {
        writeln!(file, "time,run,file,sha256,canaries").with_context(told)?;
    }
    let numbers: Vec<String> = one.holds.iter().map(|place| (place + 1).to_string()).collect();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    writeln!(
        file,
        "{},{},{},{},{}",
        case::now(),
        quoted(set.run.as_deref().unwrap_or_default()),
        quoted(&one.path.display().to_string()),
        creance_audit::sha256(&one.bytes),
        numbers.join(" ")
    )
    .with_context(told)
}
