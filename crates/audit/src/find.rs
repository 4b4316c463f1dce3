//! Canaries looked for in anything: captures and recordings, both ways, and files of any kind, which are taken apart as
//! the body of a message is.
//!
//! An audit says what left; this says where a value stands at all: in an answer, on the LAN, on a card, in a backup.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use creance_detect::{CanarySet, Context, Pictures, Secrets, Sighting, mask_host, mask_step};
use creance_model::{DataClass, Direction, Flow, Match, Message, Side, Timestamp, Visibility};
use creance_wire::{Form, Keep};

use crate::{
    Error, Progress, Request, files, messages,
    sightings::{listed, path},
};

/// What was found, and what could not be looked into.
#[derive(Debug)]
pub struct Found {
    /// What was looked for.
    pub set: CanarySet,
    /// Where it was seen: by value, then input.
    pub places: Vec<FoundPlace>,
    /// Files that were read.
    pub files: u64,
    /// What was not looked into, and why: one sentence each.
    pub unread: Vec<String>,
    /// Whether something was left out: damage, a limit, a file that is not opened.
    pub incomplete: bool,
}

/// A value or a picture of the set, by its place there.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Which {
    /// A value.
    Value(usize),
    /// A picture.
    Picture(usize),
}

/// Where a value was seen: what was seen alike there is told once.
#[derive(Clone, Debug)]
pub struct FoundPlace {
    /// What was seen.
    pub which: Which,
    /// The file, or the input that packets are counted in.
    pub input: String,
    /// Which way it went; `None`: it stands in a file.
    pub direction: Option<Direction>,
    /// The host or address across.
    pub outside: Option<String>,
    /// The protocol, `file` for files.
    pub protocol: &'static str,
    /// Whether it was in the clear.
    pub visibility: Visibility,
    /// The steps to the value; masked unless values are shown in full.
    pub decode_path: Vec<String>,
    /// How the value itself is written.
    pub encoding: Vec<String>,
    /// Packets (of recordings: entries) of the first time; of a file none.
    pub packets: Vec<u64>,
    /// When it was sent first.
    pub time: Option<Timestamp>,
    /// In how many messages it was seen like this.
    pub times: u64,
}

/// Places that are told apart.
const MOST_PLACES: usize = 10_000;

/// Files of folders that are read.
const MOST_FILES: usize = 100_000;

/// Bytes of a file that are read.
const MOST_BYTES: u64 = 256 << 20;

/// Sentences about what was not looked into.
const MOST_UNREAD: usize = 100;

/// Looks for the canaries of a request in its inputs: captures, recordings, files and folders.
pub fn find(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Found, Error> {
    let set = request.canary_set()?;
    let mut context = request.context(Vec::new())?;
    // Nothing that is planted is found by what pictures show.
    if let Some(context) = Arc::get_mut(&mut context) {
        context.pictures = Pictures::default();
    }
    let own = request.canaries.as_ref().and_then(|path| fs::canonicalize(path).ok());
    let values = set.values.iter().map(|one| (one.class, one.value.as_str()));
    let secrets = if request.reveal { Secrets::default() } else { Secrets::new(values.clone()) };
    let mut finder = Finder {
        context: &context,
        values: values.enumerate().map(|(place, value)| (value, place)).collect(),
        pictures: set.pictures.iter().enumerate().map(|(place, one)| (one.file.as_str(), place)).collect(),
        secrets: &secrets,
        reveal: request.reveal,
        places: BTreeMap::new(),
        files: 0,
        unread: Vec::new(),
        more_unread: 0,
        beyond: 0,
    };
    for input in &request.inputs {
        finder.input(input, own.as_deref(), request, progress)?;
    }
    let Finder { places, files, mut unread, more_unread, beyond, .. } = finder;
    for (count, what) in [
        (more_unread, "further files were not looked into as a whole"),
        (beyond, "places are beyond the limit and are not listed"),
    ] {
        if count > 0 {
            unread.push(format!("{count} {what}."));
        }
    }
    let incomplete = !unread.is_empty();
    Ok(Found { places: places.into_values().collect(), files, unread, incomplete, set })
}

/// What tells places apart.
type Place = (Which, String, Vec<String>, Option<&'static str>, Option<String>);

struct Finder<'a> {
    context: &'a Context,
    values: HashMap<(DataClass, &'a str), usize>,
    pictures: HashMap<&'a str, usize>,
    secrets: &'a Secrets,
    reveal: bool,
    places: BTreeMap<Place, FoundPlace>,
    files: u64,
    unread: Vec<String>,
    more_unread: u64,
    beyond: u64,
}

/// What an input holds.
#[derive(Default)]
struct Sources {
    captures: Vec<PathBuf>,
    recordings: Vec<PathBuf>,
    documents: Vec<PathBuf>,
}

impl Sources {
    fn add(&mut self, path: PathBuf) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let file = File::open(&path).map_err(io)?;
        // What cannot be decompressed gives fewer bytes, and is neither then.
        let mut head = Vec::new();
        let _ = creance_capture::decompressed(Box::new(file))
            .and_then(|file| file.take(Form::HEAD as u64).read_to_end(&mut head));
        if creance_capture::begins_capture(&head) {
            self.captures.push(path);
        } else if Form::of(&head).is_some() {
            self.recordings.push(path);
        } else {
            self.documents.push(path);
        }
        Ok(())
    }
}

impl Finder<'_> {
    fn input(
        &mut self,
        input: &str,
        own: Option<&Path>,
        request: &Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let path = Path::new(input);
        if input == "-" {
            return self.traffic(input, &[input.to_owned()], request, progress);
        }
        let mut sources = Sources::default();
        let files = if path.exists() { self.files_of(path)? } else { creance_capture::expand(input)? };
        for file in files {
            // The values stand in the canary file itself.
            if own.is_some() && fs::canonicalize(&file).ok().as_deref() == own {
                continue;
            }
            sources.add(file)?;
        }
        let names =
            |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        // Captures of a folder are one that was rotated.
        let captures = names(&sources.captures);
        match captures.as_slice() {
            [] => {}
            [one] => self.traffic(one, &captures, request, progress)?,
            _ => self.traffic(input, &captures, request, progress)?,
        }
        self.files += captures.len() as u64;
        for name in names(&sources.recordings) {
            self.traffic(&name, std::slice::from_ref(&name), request, progress)?;
            self.files += 1;
        }
        for path in &sources.documents {
            self.document(path).map_err(|source| Error::Io { path: path.display().to_string(), source })?;
            self.files += 1;
        }
        Ok(())
    }

    /// A file, or all files of a folder, by their names. Links are not followed.
    fn files_of(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        if !path.is_dir() {
            return Ok(vec![path.to_owned()]);
        }
        let (mut files, beyond) = files::below(path, MOST_FILES)?;
        if beyond > 0 {
            self.not_read(format!("{beyond} files of {} are beyond the limit.", path.display()));
        }
        files.sort();
        Ok(files)
    }

    /// Captures that are one, or a recording.
    fn traffic(
        &mut self,
        name: &str,
        inputs: &[String],
        request: &Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut request = Request { inputs: inputs.to_vec(), ..request.clone() };
        request.limits.wire.keep = Keep::All;
        let mut limited = 0;
        let mut sink = |flow: &Flow, message: &Message| {
            // Parts of an upload are told as the object that they make.
            if flow.direction(message.from) == Direction::Outbound && crate::is_part_of_upload(message) {
                return;
            }
            limited += u64::from(!self.look(name, message, Some(flow)));
        };
        let read = messages(&request, &mut sink, progress)?;
        if read.incomplete || limited > 0 {
            self.not_read(format!(
                "{name} is damaged, or a limit was reached in it: not all of it was read."
            ));
        }
        Ok(())
    }

    /// A file that is neither.
    fn document(&mut self, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        let bytes = files::with_log(path, bytes, MOST_BYTES)?;
        let name = path.display().to_string();
        let limits = creance_wire::Limits::default();
        let (parts, limit) = creance_wire::expanded(&bytes, media_type(path), &limits);
        let archive = ARCHIVES.iter().find(|(head, _)| bytes.starts_with(head)).map(|(_, what)| *what);
        drop(bytes);
        let message = Message {
            time: Timestamp::default(),
            protocol: "file",
            kind: "file",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: Vec::new(),
            bytes: length,
            fields: Vec::new(),
            parts,
        };
        let whole = self.look(&name, &message, None);
        let why = match (archive, limit) {
            (Some(what), _) => format!("it is {what}, which is not opened"),
            _ if length > MOST_BYTES => format!("it is longer than {MOST_BYTES} bytes"),
            (_, Some(limit)) => format!("the limit \"{limit}\" was reached"),
            _ if !whole => "a limit of what is looked for was reached".to_owned(),
            _ => return Ok(()),
        };
        self.not_read(format!("{name} was searched as it stands and not in all that it holds: {why}."));
        Ok(())
    }

    fn not_read(&mut self, sentence: String) {
        if self.unread.len() < MOST_UNREAD {
            self.unread.push(sentence);
        } else {
            self.more_unread += 1;
        }
    }

    /// Takes down what is seen in a message; says whether all of it was looked at.
    fn look(&mut self, input: &str, message: &Message, flow: Option<&Flow>) -> bool {
        let looked = creance_detect::look(message, self.context);
        for sighting in looked.sightings {
            let Some(which) = self.which(&sighting) else { continue };
            let mut steps = path(message, sighting.part);
            steps.extend(sighting.encoding.iter().cloned());
            if !self.reveal {
                steps = steps.iter().map(|step| mask_step(step, self.secrets)).collect();
            }
            let direction = flow.map(|flow| flow.direction(message.from));
            let outside = flow.and_then(|flow| self.outside(flow, message));
            let way = direction.map(way);
            let full = self.places.len() >= MOST_PLACES;
            match self.places.entry((which, input.to_owned(), steps.clone(), way, outside.clone())) {
                Entry::Occupied(mut known) => known.get_mut().times += 1,
                Entry::Vacant(_) if full => self.beyond += 1,
                Entry::Vacant(vacant) => drop(vacant.insert(FoundPlace {
                    which,
                    input: input.to_owned(),
                    direction,
                    outside,
                    protocol: message.protocol,
                    visibility: message.visibility,
                    decode_path: steps,
                    encoding: sighting.encoding,
                    packets: listed(message.packets_of(sighting.part)).to_vec(),
                    time: flow.map(|_| message.time),
                    times: 1,
                })),
            }
        }
        looked.limits.is_empty()
    }

    fn which(&self, sighting: &Sighting) -> Option<Which> {
        match sighting.matched {
            Match::Canary => self
                .values
                .get(&(sighting.data_class, sighting.value.as_str()))
                .map(|place| Which::Value(*place)),
            Match::Device => sighting
                .file
                .as_deref()
                .and_then(|file| self.pictures.get(file))
                .map(|place| Which::Picture(*place)),
            _ => None,
        }
    }

    /// Who is across: by the name that the message says, or by the address.
    fn outside(&self, flow: &Flow, message: &Message) -> Option<String> {
        if flow.transport.is_radio() {
            return None;
        }
        let host = message.text("host").or_else(|| message.text("sni")).filter(|host| !host.is_empty());
        let shown = |host: &str| if self.reveal { host.to_owned() } else { mask_host(host, self.secrets) };
        Some(host.map_or_else(|| flow.outside_end().ip.to_string(), shown))
    }
}

const fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "outbound",
        Direction::Inbound => "inbound",
        Direction::Lan => "lan",
        Direction::Broadcast => "broadcast",
    }
}

/// Files of files that are not opened, by their first bytes.
const ARCHIVES: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
];

/// What kind of document a file is, where its name says more than its first bytes.
fn media_type(path: &Path) -> Option<&'static str> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    Some(match ending.as_str() {
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "json" => "application/json",
        "xml" | "gpx" | "kml" => "application/xml",
        _ => return None,
    })
}
