//! Files without what they give away: written beside, never in place, and read again to prove it.

mod part;

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File, FileTimes},
    io::{self, Write},
    path::{Component as Part, Path, PathBuf},
};

use aho_corasick::AhoCorasick;
use creance_cursor::{FileSource, Source};
use creance_media::Still;
use creance_model::{
    DataClass, Identifier, Inspection, Locations, Piece, Refusal, Removal, Role, ScrubRequest, Scrubbed,
};

use crate::{Error, Progress, batches, files, inspect::kind, reading::Reading};

use part::{Temporary, sweep};

/// What is asked of files.
#[derive(Clone, Debug)]
pub struct Scrub {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The folder for what is written; made if it is not there.
    pub output: PathBuf,
    /// What is to be taken out.
    pub request: ScrubRequest,
    /// Whether faces in pictures are made unrecognisable.
    pub faces: bool,
    /// Threads; 0: as many as there are processors.
    pub jobs: usize,
}

/// What became of one file.
#[derive(Debug)]
pub struct ScrubbedFile {
    /// Its path, as it was named.
    pub file: String,
    /// The kind of file.
    pub kind: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of scrubbing a file.
#[derive(Debug)]
pub enum Outcome {
    /// It was written there, without these.
    Written {
        /// Where.
        to: PathBuf,
        /// What was taken out or changed.
        removed: Vec<Removal>,
    },
    /// It was not written, for something would be left: what, and where it stands.
    Left(Vec<String>),
    /// It was not written, for this reason.
    Refused(String),
}

/// Files of folders that are scrubbed.
const MOST_FILES: usize = 1_000_000;

/// The largest log that is scrubbed, in bytes.
const LONGEST_LOG: u64 = 1 << 30;

/// Scrubs files in the order they are named, and tells `sink` of each. Nothing that exists is overwritten, and what is
/// written is whole or not there. Returns how many files were left out for there are too many.
///
/// Errors: a path that is named cannot be read, or the folder cannot be made.
pub fn scrub(
    request: &Scrub,
    sink: &mut dyn FnMut(ScrubbedFile),
    progress: &mut dyn FnMut(Progress),
) -> Result<usize, Error> {
    let io_of = |path: &Path| {
        let path = path.display().to_string();
        move |source| Error::Io { path: path.clone(), source }
    };
    // What an earlier run wrote below a folder that is named is none of its files.
    let written = fs::canonicalize(&request.output).ok();
    let (mut jobs, mut beyond) = (Vec::new(), 0);
    for path in &request.paths {
        if fs::metadata(path).map_err(io_of(path))?.is_dir() {
            let (mut found, left_out) = files::below(path, MOST_FILES)?;
            found.sort();
            beyond += left_out;
            let root = fs::canonicalize(path).map_err(io_of(path))?;
            let within = written.as_deref().and_then(|written| written.strip_prefix(root).ok());
            if let Some(inner) = within.filter(|inner| !inner.as_os_str().is_empty()) {
                let inner = path.join(inner);
                found.retain(|file| !file.starts_with(&inner));
            }
            for file in found {
                let name = file.strip_prefix(path).unwrap_or(&file).to_owned();
                jobs.push((file, name));
            }
        } else {
            // What is no file, such as a pipe, would be waited for.
            files::regular(path).map_err(io_of(path))?;
            let name = path.file_name().map(PathBuf::from).unwrap_or_default();
            jobs.push((path.clone(), name));
        }
    }
    fs::create_dir_all(&request.output).map_err(io_of(&request.output))?;
    // Of several with one name the first is written, whichever thread is quicker.
    let mut names = HashSet::new();
    let (jobs, doubles): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|(_, name)| names.insert(name.clone()));
    let folders: BTreeSet<PathBuf> =
        jobs.iter().map(|(_, name)| name.parent().unwrap_or_else(|| Path::new("")).to_owned()).collect();
    for folder in folders {
        sweep(&request.output, &folder);
    }
    for (path, name) in doubles {
        let why = format!("another file of this run is written to {}", request.output.join(name).display());
        sink(ScrubbedFile {
            file: path.display().to_string(),
            kind: "unknown",
            outcome: Outcome::Refused(why),
        });
    }
    batches::each(&jobs, request.jobs, |(path, name)| one(path, name, request), &mut *sink, progress)?;
    Ok(beyond)
}

/// Scrubs one file to a name below the output.
fn one(path: &Path, name: &Path, request: &Scrub) -> ScrubbedFile {
    let file = path.display().to_string();
    let _reading = Reading::begin(path);
    match scrubbed(path, name, request) {
        Ok((kind, outcome)) => ScrubbedFile { file, kind, outcome },
        Err(error) => ScrubbedFile { file, kind: "unknown", outcome: Outcome::Refused(error.to_string()) },
    }
}

fn scrubbed(path: &Path, name: &Path, request: &Scrub) -> io::Result<(&'static str, Outcome)> {
    let to = target(&request.output, name)?;
    let source = FileSource::new(File::open(path)?)?;
    let before =
        kind::inspect(&path.display().to_string(), &source, false, &creance_flightlog::Options::default())?;
    let answer = match without(&source, &request.request)? {
        Ok(answer) => answer,
        Err(why) => return Ok((before.kind, Outcome::Refused(why.0))),
    };
    let answer = match if request.faces { without_faces(&source, answer)? } else { Ok(answer) } {
        Ok(answer) => answer,
        Err(why) => return Ok((before.kind, Outcome::Refused(why.0))),
    };
    let temporary = Temporary::new(&to)?;
    write(&source, &answer, &temporary.path)?;
    let left = left(&temporary.path, name, &before, &request.request)?;
    if !left.is_empty() {
        return Ok((before.kind, Outcome::Left(left)));
    }
    keep_times(path, &temporary.path)?;
    temporary.publish(&to)?;
    let removed: BTreeSet<Removal> = answer.removed.into_iter().collect();
    Ok((before.kind, Outcome::Written { to, removed: removed.into_iter().collect() }))
}

/// The output of a format that can be scrubbed.
fn without(source: &dyn Source, request: &ScrubRequest) -> io::Result<Result<Scrubbed, Refusal>> {
    let head = source.piece(0, kind::HEAD)?;
    if let Some(still) = Still::of(&head) {
        return still.scrub(source, request);
    }
    if creance_media::is_video(&head) {
        return creance_media::scrub_video(source, request);
    }
    if let Some(format) = creance_flightlog::format(&head) {
        if source.length() > LONGEST_LOG {
            return Ok(Err(Refusal(format!("it is longer than {LONGEST_LOG} bytes"))));
        }
        let bytes = source.piece(0, usize::try_from(LONGEST_LOG).unwrap_or(usize::MAX))?;
        return Ok(format.scrub(&bytes, request));
    }
    Ok(Err(Refusal(
        "files of this kind are not written here: leave it out, or look into it with inspect".to_owned(),
    )))
}

/// The same output, with the faces of a picture made unrecognisable. Films are refused: theirs are not looked for.
fn without_faces(source: &dyn Source, answer: Scrubbed) -> io::Result<Result<Scrubbed, Refusal>> {
    let head = source.piece(0, kind::HEAD)?;
    if creance_media::is_video(&head) {
        let why = "faces in films are not looked for: leave it out, or scrub it without --faces";
        return Ok(Err(Refusal(why.to_owned())));
    }
    if Still::of(&head).is_none() {
        return Ok(Ok(answer));
    }
    if source.length() > kind::LONGEST_PICTURE {
        let why = format!("faces are not looked for in more than {} bytes", kind::LONGEST_PICTURE);
        return Ok(Err(Refusal(why)));
    }
    let input = source.piece(0, usize::try_from(kind::LONGEST_PICTURE).unwrap_or(usize::MAX))?;
    Ok(match creance_media::without_faces(&answer.bytes(&input)) {
        Ok(None) => Ok(answer),
        Ok(Some((bytes, faces))) => {
            let mut blurred = Scrubbed { pieces: vec![Piece::Bytes(bytes)], removed: answer.removed };
            blurred.removed("face", format!("pixels: {faces} blurred, the picture is encoded anew"));
            Ok(blurred)
        }
        Err(why) => Err(why),
    })
}

/// A name below the output folder, with folders made; names that lead elsewhere are refused.
fn target(output: &Path, name: &Path) -> io::Result<PathBuf> {
    if name.as_os_str().is_empty() || !name.components().all(|part| matches!(part, Part::Normal(_))) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its name cannot be used below the output folder",
        ));
    }
    let to = output.join(name);
    let mut folder = output.to_owned();
    for part in name.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        if fs::symlink_metadata(&folder).is_ok_and(|about| about.is_symlink()) {
            let why = format!("{} is a link, and nothing is written through links", folder.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    }
    fs::create_dir_all(&folder)?;
    if fs::symlink_metadata(&to).is_ok() {
        let why = format!("{} is there already, and nothing is overwritten", to.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    Ok(to)
}

/// Bytes that are taken at a time: what stays in a processor's cache, and is not asked of the kernel anew for each file.
const BLOCK: usize = 1 << 16;

/// Writes the pieces of an answer.
fn write(source: &dyn Source, answer: &Scrubbed, path: &Path) -> io::Result<()> {
    let mut file = io::BufWriter::with_capacity(BLOCK, File::options().write(true).open(path)?);
    let mut buffer = vec![0; BLOCK];
    for piece in &answer.pieces {
        match piece {
            Piece::Bytes(bytes) => file.write_all(bytes)?,
            Piece::Copy(range) => {
                let mut at = range.start;
                while at < range.end {
                    let most = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(buffer.len());
                    let part = buffer.get_mut(..most).unwrap_or_default();
                    match source.read_at(at, part)? {
                        0 => {
                            return Err(io::Error::new(
                                io::ErrorKind::UnexpectedEof,
                                "it became shorter meanwhile",
                            ));
                        }
                        read => {
                            file.write_all(part.get(..read).unwrap_or_default())?;
                            at += read as u64;
                        }
                    }
                }
            }
        }
    }
    file.flush()
}

fn keep_times(from: &Path, to: &Path) -> io::Result<()> {
    let about = fs::metadata(from)?;
    let times = FileTimes::new().set_accessed(about.accessed()?).set_modified(about.modified()?);
    File::options().write(true).open(to)?.set_times(times)
}

/// Letters of the shortest value whose bytes are looked for in the output: shorter ones stand anywhere by chance.
const SHORTEST: usize = 6;

/// What files say in somebody's own words.
const TEXTS: &[&str] = &[
    "text",
    "rights",
    "computer",
    "name of the original file",
    "name of a place",
    "name of a device",
    "name of the mission",
    "place name",
    "address",
    "address of a picture",
    "aircraft name",
    "comment",
    "description of the flight",
    "latitude without a longitude, degrees",
    "link",
    "longitude without a latitude, degrees",
    "message",
];

/// How high a camera was of which no more is known. It stays where all places move alike, as heights do.
const ALTITUDE: &str = "altitude, m";

/// What is left in the output, by our own readers, and by looking for the bytes of each value that stood in the input.
fn left(path: &Path, name: &Path, before: &Inspection, request: &ScrubRequest) -> io::Result<Vec<String>> {
    let source = FileSource::new(File::open(path)?)?;
    let after =
        kind::inspect(&path.display().to_string(), &source, false, &creance_flightlog::Options::default())?;
    let mut left: Vec<String> = Vec::new();
    left.extend(
        after
            .identifiers
            .iter()
            .filter(|one| identifies(one))
            .map(|one| format!("{} in {}", one.class, one.field)),
    );
    let moved = request.locations != Locations::Remove;
    let places = after.places.iter().filter(|spot| {
        !moved
            || before
                .places
                .iter()
                .any(|old| (old.lat - spot.lat).abs() < 1e-7 && (old.lon - spot.lon).abs() < 1e-7)
    });
    left.extend(places.map(|spot| format!("place of the {} in {}", spot.role, spot.field)));
    // Where who flies stood is taken out, wherever the rest goes.
    let stood = after.places.iter().map(|spot| (spot.role, &spot.field));
    let stood = stood.chain(after.tracks.iter().map(|track| (track.role, &track.field)));
    let stood = stood.filter(|(role, _)| moved && *role == Role::Operator);
    left.extend(stood.map(|(role, field)| format!("place of the {role} in {field}")));
    let points =
        |inspection: &Inspection| inspection.tracks.iter().map(|track| track.points.len()).sum::<usize>();
    if !moved && points(&after) > 0 {
        left.push(format!("{} points of tracks", points(&after)));
    }
    // Points that were moved are none that stood there.
    let grain = |lat: f64, lon: f64| ((lat * 1e7).round().to_bits(), (lon * 1e7).round().to_bits());
    let old: HashSet<(u64, u64)> = before
        .tracks
        .iter()
        .flat_map(|track| &track.points)
        .map(|point| grain(point.lat, point.lon))
        .collect();
    let unmoved = after.tracks.iter().flat_map(|track| &track.points);
    let unmoved = unmoved.filter(|point| moved && old.contains(&grain(point.lat, point.lon))).count();
    if unmoved > 0 {
        left.push(format!("{unmoved} points of tracks where they were"));
    }
    let hidden = after.hidden.iter().filter(|one| one.what != "thermal data");
    left.extend(hidden.map(|one| format!("{} in {}", one.what, one.field)));
    let is_high = |what| what == ALTITUDE && !request.locations.keeps_height();
    let texts = after.facts.iter().filter(|fact| TEXTS.contains(&fact.what) || is_high(fact.what));
    left.extend(texts.map(|fact| format!("{} in {}", fact.what, fact.field)));
    // What a logger did not write is nowhere.
    let unread = after.damage.iter().filter(|flaw| flaw.what != "dropouts");
    left.extend(unread.map(|flaw| format!("unreadable {}: {}", flaw.what, flaw.why)));
    let values: BTreeSet<&str> = before
        .identifiers
        .iter()
        .filter(|one| identifies(one) && one.value.len() >= SHORTEST)
        .map(|one| one.value.as_str())
        .collect();
    let named = name.to_string_lossy();
    if values.iter().any(|value| named.contains(value)) {
        left.push("a value that stood in the input, in the name of the file".to_owned());
    }
    if !values.is_empty() {
        left.extend(standing(&source, &values)?);
    }
    Ok(left)
}

/// Whether a value is one that is taken out: whoever and whatever it names. Makes and models are shared by thousands.
fn identifies(one: &Identifier) -> bool {
    !matches!(one.class, DataClass::Location | DataClass::Imagery | DataClass::Video)
}

/// Which values stand in a source still, as plain text or in UTF-16.
fn standing(source: &dyn Source, values: &BTreeSet<&str>) -> io::Result<Vec<String>> {
    let needles: Vec<(Vec<u8>, &str)> = values
        .iter()
        .flat_map(|value| {
            let wide = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [(value.as_bytes().to_vec(), "text"), (wide, "UTF-16")]
        })
        .collect();
    let longest = needles.iter().map(|(needle, _)| needle.len()).max().unwrap_or(0);
    let search = AhoCorasick::new(needles.iter().map(|(needle, _)| needle)).map_err(io::Error::other)?;
    let mut found = BTreeSet::new();
    let mut buffer = vec![0; BLOCK + longest];
    let mut at = 0_u64;
    while at < source.length() {
        let read = source.read_at(at, &mut buffer)?;
        // One of several that begin alike is enough: nothing is published then.
        let piece = buffer.get(..read).unwrap_or_default();
        found.extend(search.find_iter(piece).map(|one| one.pattern().as_usize()));
        at += BLOCK as u64;
    }
    let told = found.into_iter().filter_map(|number| needles.get(number));
    Ok(told.map(|(_, form)| format!("a value that stood in the input, as {form}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "time,lat,lon,serial\n100,47.5,8.5,0TESTAB001\n";

    fn outcomes(paths: &[&Path], output: &Path) -> Vec<(String, bool)> {
        let request = Scrub {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            output: output.to_owned(),
            request: ScrubRequest::default(),
            faces: false,
            jobs: 1,
        };
        let mut all = Vec::new();
        let mut sink =
            |one: ScrubbedFile| all.push((one.file, matches!(one.outcome, Outcome::Written { .. })));
        scrub(&request, &mut sink, &mut |_| {}).unwrap();
        all
    }

    #[test]
    fn parts_that_were_left_behind_stand_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.csv"), folder.path().join("clean"));
        fs::write(&from, TABLE).unwrap();
        fs::create_dir(&to).unwrap();
        for name in [".a.csv.creance-part".to_owned()]
            .into_iter()
            .chain((0..50).map(|number| format!(".creance-part-{}-{number}", std::process::id())))
        {
            fs::write(to.join(name), "").unwrap();
        }
        assert!(outcomes(&[&from], &to)[0].1);
    }

    #[test]
    fn parts_that_nobody_works_on_are_taken_away_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let (card, to) = (folder.path().join("card"), folder.path().join("clean"));
        fs::create_dir_all(card.join("DCIM")).unwrap();
        fs::create_dir_all(to.join("DCIM")).unwrap();
        fs::write(card.join("DCIM/a.csv"), TABLE).unwrap();
        fs::write(card.join("b.csv"), TABLE).unwrap();
        let parts =
            [".creance-part-1-0", "DCIM/.creance-part-1-1", ".creance-part-1-2"].map(|name| to.join(name));
        for part in &parts {
            fs::write(part, "what was to go").unwrap();
        }
        let held = File::open(&parts[2]).unwrap();
        held.lock().unwrap();
        assert!(outcomes(&[&card], &to).iter().all(|(_, written)| *written));
        let left: Vec<bool> = parts.iter().map(|part| part.exists()).collect();
        assert_eq!(left, [false, false, true], "one is still worked on");
        let names: Vec<_> =
            fs::read_dir(to.join("DCIM")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.csv"]);
    }

    #[test]
    fn names_may_be_as_long_as_file_systems_allow() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.csv", "n".repeat(251));
        fs::write(folder.path().join(&name), TABLE).unwrap();
        let to = folder.path().join("clean");
        assert!(outcomes(&[&folder.path().join(&name)], &to)[0].1);
        assert_eq!(fs::read_dir(&to).unwrap().count(), 1, "no part is left");
    }

    #[test]
    fn what_was_written_below_the_folder_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("card");
        let to = card.join("sub/clean");
        fs::create_dir_all(card.join("sub")).unwrap();
        fs::write(card.join("a.csv"), TABLE).unwrap();
        fs::write(card.join("sub/cleaner.csv"), TABLE).unwrap();
        // Nothing is overwritten, so of the second run both are refused.
        for written in [true, false] {
            // By another name of the same folder as well.
            let told = outcomes(&[&card.join("sub/..")], &to);
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told.iter().all(|(_, one)| *one == written), "{told:?}");
        }
    }
}
