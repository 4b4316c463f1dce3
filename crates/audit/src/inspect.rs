//! What single files give away: each read by what its content is, in archives too, on all threads.
//!
//! ```text
//! paths ─▶ files of folders ─▶ kind (by content) ─┬─▶ media: pictures
//!                 entries of archives ────────────┼─▶ flightlog: logs, missions
//!                                                 └─▶ documents, by the detectors
//! ```

mod archive;
pub(crate) mod kind;
mod masked;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use creance_cursor::{FileSource, Source};
use creance_model::{Flaw, Inspected, Inspection};
use creance_place::{
    sites::{self, Sites},
    zones::{self, Zones},
};
use data_encoding::HEXLOWER;
use ring::digest;

pub(crate) use archive::is_known as is_archive;
pub use masked::masked;

use crate::{Error, Progress, batches, files, reading::Reading};

/// What is asked of files.
#[derive(Clone, Debug, Default)]
pub struct Inspect {
    /// Files and folders; `-` is stdin.
    pub paths: Vec<PathBuf>,
    /// Of which files the SHA-256 is made, for which all of a file is read.
    pub hash: Hash,
    /// Whether faces are looked for in pictures, for which they are decoded.
    pub faces: bool,
    /// Threads; 0: as many as there are processors.
    pub jobs: usize,
    /// A register of protected places: which of them were seen is told.
    pub sites: Sites,
    /// Zones of airspace: which of them are touched is told.
    pub zones: Arc<Zones>,
    /// What readers of logs need beside the file.
    pub logs: creance_flightlog::Options,
}

/// Of which files a SHA-256 is made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hash {
    /// Of those of at most 64 MiB: pictures and logs. Of a film what describes it is read, which is much less.
    #[default]
    Short,
    /// Of all.
    All,
    /// Of none.
    None,
}

/// The longest file that is hashed unasked, in bytes.
const HASHED: u64 = 64 << 20;

/// The path that stands for stdin, and bytes of it that are held.
const STDIN: &str = "-";
const LONGEST_PIPED: u64 = 1 << 30;

/// Files of folders that are read.
const MOST_FILES: usize = 1_000_000;

/// Inspects files in the order they are named, those of folders by their names, and tells `sink` of each, values in full. Links in folders
/// are not followed. Returns how many files were left out for there are too many.
///
/// Errors: a path that is named cannot be read. What cannot be read within a folder is told as damage.
pub fn inspect(
    request: &Inspect,
    sink: &mut dyn FnMut(Inspected),
    progress: &mut dyn FnMut(Progress),
) -> Result<usize, Error> {
    let (mut paths, mut beyond) = (Vec::new(), 0);
    for path in &request.paths {
        if path == Path::new(STDIN) {
            paths.push(path.clone());
            continue;
        }
        let io = |source| Error::Io { path: path.display().to_string(), source };
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            let (mut found, left_out) = files::below(path, MOST_FILES)?;
            found.sort();
            paths.extend(found);
            beyond += left_out;
        } else {
            // What was named must be there and readable.
            files::regular(path).and_then(|()| File::open(path)).map_err(io)?;
            paths.push(path.clone());
        }
    }
    batches::each(
        &paths,
        request.jobs,
        |path| file(path, request),
        |told| told.into_iter().for_each(&mut *sink),
        progress,
    )?;
    Ok(beyond)
}

/// A file, and what lies in it if it is an archive.
fn file(path: &Path, request: &Inspect) -> Vec<Inspected> {
    let name = path.display().to_string();
    let _reading = Reading::begin(path);
    let read = || -> io::Result<Vec<Inspected>> {
        let (piped, file);
        let source: &dyn Source = if path == Path::new(STDIN) {
            piped = stdin()?;
            &piped.as_slice()
        } else {
            file = FileSource::new(File::open(path)?)?;
            &file
        };
        let too_long = request.hash == Hash::Short && source.length() > HASHED;
        let sha256 = if request.hash == Hash::None || too_long { None } else { Some(hash(source)?) };
        let mut told = archive::Told::default();
        one(&name, source, request, &mut told, 0)?;
        if let Some(whole) = told.all.first_mut() {
            (whole.sha256, whole.too_long) = (sha256, too_long);
        }
        Ok(told.all)
    };
    read().unwrap_or_else(|error| {
        let mut inspection = Inspection::of("unknown");
        inspection.flaw("file", 0, &error);
        vec![Inspected { file: name, bytes: 0, sha256: None, too_long: false, inspection }]
    })
}

/// What the entries of an archive say, as far as no more than so many bytes of them are unpacked, and what was left out of it and of
/// archives in it, by their names; nothing, if it is none.
pub(crate) fn entries(name: &str, source: &dyn Source, most: u64) -> io::Result<Entries> {
    let mut told = archive::Told::up_to(most);
    let flaws = archive::open(name, source, &Inspect::default(), &mut told, 0)?;
    let mut unread: Vec<_> = flaws.into_iter().map(|flaw| (name.to_owned(), flaw)).collect();
    for (file, flaws) in told.unread {
        unread.extend(flaws.into_iter().map(|flaw| (file.clone(), flaw)));
    }
    Ok(Entries { all: told.all, unread })
}

/// What is said of an archive.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) all: Vec<Inspected>,
    /// What was left out: of which archive, and why.
    pub(crate) unread: Vec<(String, Flaw)>,
}

/// All of stdin, for what describes a file may stand anywhere in it.
fn stdin() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(LONGEST_PIPED + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_PIPED {
        let why = format!("more than {LONGEST_PIPED} bytes of stdin: write them to a file, and name that");
        return Err(io::Error::other(why));
    }
    Ok(bytes)
}

/// Tells of a source, and of what it holds.
fn one(
    name: &str,
    source: &dyn Source,
    request: &Inspect,
    told: &mut archive::Told,
    depth: usize,
) -> io::Result<()> {
    let mut inspection = kind::inspect(name, source, request.faces, &request.logs)?;
    if !request.sites.is_empty() {
        let seen = sites::seen(&inspection, &request.sites);
        inspection.sites = seen.sites;
        if seen.beyond {
            inspection.flaw(
                "sites",
                0,
                &"the way or the sites have too many points: the rest is not compared",
            );
        }
    }
    if !request.zones.is_empty() {
        let seen = zones::seen(&inspection, &request.zones);
        inspection.zones = seen.zones;
        if seen.beyond > 0 {
            let why = format!(
                "{} places, legs or zones are too long or too many to be compared or told",
                seen.beyond
            );
            inspection.flaw("zones", 0, &why);
        }
    }
    let place = told.all.len();
    let (file, bytes) = (name.to_owned(), source.length());
    told.all.push(Inspected { file, bytes, sha256: None, too_long: false, inspection });
    let flaws = archive::open(name, source, request, told, depth)?;
    if told.is_apart && !flaws.is_empty() {
        told.unread.push((name.to_owned(), flaws));
        return Ok(());
    }
    if let Some(whole) = told.all.get_mut(place) {
        whole.inspection.damage.extend(flaws);
    }
    Ok(())
}

/// The SHA-256 of all bytes, in hex.
fn hash(source: &dyn Source) -> io::Result<String> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 18];
    let mut at = 0;
    loop {
        let read = source.read_at(at, &mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        context.update(piece);
        at += read as u64;
    }
    Ok(HEXLOWER.encode(context.finish().as_ref()))
}
