//! The inputs: opened, hashed, and what their hashes give: the case's id and the key of its digests.
//!
//! Files are hashed on other threads while the capture is being read. With one thread, and where a capture can
//! be read but once (standard input, a pipe), it is hashed as it passes.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use creance_capture::{Capture, Notes, decompressed};
use creance_model::Input;
use creance_wire::Form;
use data_encoding::HEXLOWER;
use ring::{digest, hmac};

use crate::{Error, Request, campaign::Campaign, crew::Task};

/// Appended to an input's bytes for the hash that keys the digests. That hash is never shown, and cannot be had from
/// the one that is: the suffix is not the padding that SHA-256 would put there.
const KEY_SUFFIX: &[u8] = b"creance digest key 1";

/// Inputs being read.
pub(crate) struct Inputs {
    files: Vec<(String, &'static str, Hashing)>,
    campaign: Option<Campaign>,
}

enum Hashing {
    Running(Task<io::Result<Hashes>>),
    /// With one thread: when all else is done.
    Later(PathBuf),
    /// A capture, as it passes.
    Passing(Arc<Mutex<Tee>>),
}

/// All inputs, hashed.
pub(crate) struct Hashed {
    pub(crate) inputs: Vec<Input>,
    pub(crate) case_id: String,
    pub(crate) key: hmac::Key,
    /// The fingerprint of the key, where it is shared with other cases.
    pub(crate) campaign: Option<String>,
}

impl Inputs {
    /// Finds every input file and begins to hash it.
    pub(crate) fn begin(request: &Request) -> Result<Self, Error> {
        let campaign = request.campaign_key.as_deref().map(Campaign::read).transpose()?;
        let mut files = Vec::new();
        for input in &request.inputs {
            if input == "-" {
                files.push((input.clone(), "capture", Hashing::Passing(Arc::default())));
                continue;
            }
            for path in files_of(input)? {
                let name = path.display().to_string();
                let kind = form_of(&path)?.map_or("capture", Form::name);
                let once = request.threads() == 1 || !path.is_file();
                let passing = once && files.iter().all(|(other, ..)| *other != name);
                let hashing =
                    if passing { Hashing::Passing(Arc::default()) } else { hashing(path, request.threads()) };
                files.push((name, kind, hashing));
            }
        }
        let beside = [
            ("keys", request.keys.as_slice()),
            ("canaries", request.canaries.as_slice()),
            ("flight", request.flight.as_slice()),
            ("actions", request.actions.as_slice()),
            ("destinations", request.destinations.as_slice()),
            ("device", request.device.as_slice()),
            ("sites", request.sites.as_slice()),
            ("zones", request.zones.as_slice()),
        ];
        let tables: Vec<PathBuf> = request
            .place_data
            .iter()
            .flat_map(|folder| creance_place::FILES.map(|name| folder.join(name)))
            .filter(|path| path.is_file())
            .collect();
        for (kind, paths) in beside.into_iter().chain([("place-data", tables.as_slice())]) {
            for path in paths {
                fs::metadata(path)
                    .map_err(|source| Error::Io { path: path.display().to_string(), source })?;
                files.push((path.display().to_string(), kind, hashing(path.clone(), request.threads())));
            }
        }
        Ok(Self { files, campaign })
    }

    /// Opens the captures among the inputs as one, and the recordings.
    pub(crate) fn open(&mut self, request: &Request) -> Result<Opened, Error> {
        let evidence = |kind: &str| matches!(kind, "capture" | "har" | "mitmproxy");
        let mut streams: HashMap<PathBuf, Arc<Mutex<Tee>>> = HashMap::new();
        let mut paths = Vec::new();
        for (path, kind, hashing) in self.files.iter().filter(|(_, kind, _)| evidence(kind)) {
            paths.push((PathBuf::from(path), *kind));
            if let Hashing::Passing(tee) = hashing {
                streams.insert(PathBuf::from(path), Arc::clone(tee));
            }
        }
        let opener = move |path: &Path| -> io::Result<Box<dyn Read + Send>> {
            let file = stream(path)?;
            Ok(match streams.remove(path) {
                Some(tee) => passing(&tee, file),
                None => file,
            })
        };
        let (captures, kinds) = open_with(paths, Box::new(opener), request)?;
        for (path, form) in kinds {
            if let Some((_, kind, _)) = self.files.iter_mut().find(|(known, ..)| Path::new(known) == path) {
                *kind = form.name();
            }
        }
        Ok(captures)
    }

    /// Waits for the hashes.
    pub(crate) fn finish(self, request: &Request, notes: &Notes) -> Result<Hashed, Error> {
        let mut inputs = Vec::new();
        let mut secret = digest::Context::new(&digest::SHA256);
        let mut public = digest::Context::new(&digest::SHA256);
        for (path, kind, hashing) in self.files {
            let hashes = match hashing {
                Hashing::Later(file) => {
                    hash(&file).map_err(|source| Error::Io { path: path.clone(), source })?
                }
                Hashing::Passing(tee) => finish_tee(&tee),
                Hashing::Running(task) => task
                    .wait()
                    .unwrap_or_else(|| Err(io::Error::other("the hashing thread died")))
                    .map_err(|source| Error::Io { path: path.clone(), source })?,
            };
            secret.update(&hashes.secret);
            public.update(kind.as_bytes());
            public.update(hashes.public.as_bytes());
            let packets = notes
                .packets_per_input
                .iter()
                .find(|(name, _)| *name == path)
                .map_or(0, |(_, packets)| *packets);
            inputs.push(Input {
                path,
                sha256: hashes.public,
                kind: kind.to_owned(),
                packets,
                bytes: hashes.bytes,
            });
        }
        for option in &request.inside {
            public.update(option.to_string().as_bytes());
        }
        let case_id = HEXLOWER.encode(public.finish().as_ref()).chars().take(16).collect();
        let (key, campaign) = match self.campaign {
            Some(campaign) => (campaign.key, Some(campaign.fingerprint)),
            None => (hmac::Key::new(hmac::HMAC_SHA256, secret.finish().as_ref()), None),
        };
        Ok(Hashed { inputs, case_id, key, campaign })
    }
}

/// Opens the inputs of a request without hashing them.
pub(crate) fn open(request: &Request) -> Result<Opened, Error> {
    let mut paths = Vec::new();
    for input in &request.inputs {
        if input == "-" {
            paths.push((PathBuf::from("-"), "capture"));
            continue;
        }
        for path in files_of(input)? {
            let kind = form_of(&path)?.map_or("capture", Form::name);
            paths.push((path, kind));
        }
    }
    Ok(open_with(paths, Box::new(stream), request)?.0)
}

/// What was opened.
pub(crate) struct Opened {
    /// All captures as one; without packets where there are none.
    pub(crate) capture: Capture,
    pub(crate) recordings: Vec<Opening>,
}

/// A recording.
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) reader: Box<dyn Read + Send>,
    /// Bytes of the file, where known.
    pub(crate) length: Option<u64>,
}

fn stream(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    Ok(if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) })
}

/// Opens files of known kind. What can be read but once (standard input, a pipe) is looked into on the way: the second
/// part says which of these are recordings.
fn open_with(
    paths: Vec<(PathBuf, &'static str)>,
    mut opener: creance_capture::Opener,
    request: &Request,
) -> Result<(Opened, Vec<(PathBuf, Form)>), Error> {
    let options = creance_capture::Options::default();
    if request.inputs.len() > 1 && paths.iter().any(|(path, _)| path == Path::new("-")) {
        return Err(not_alone());
    }
    let (mut captures, mut recordings, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut begun: HashMap<PathBuf, Box<dyn Read + Send>> = HashMap::new();
    for (path, kind) in paths {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let form = [Form::Har, Form::Mitmproxy].into_iter().find(|form| form.name() == kind);
        let length = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map(|meta| meta.len());
        let name = path.display().to_string();
        if let Some(form) = form {
            let reader = decompressed(opener(&path).map_err(io)?).map_err(io)?;
            recordings.push(Opening { name, form, reader, length });
        } else if length.is_some() {
            captures.push(path);
        } else {
            let mut reader = decompressed(opener(&path).map_err(io)?).map_err(io)?;
            let mut head = Vec::new();
            reader.by_ref().take(Form::HEAD as u64).read_to_end(&mut head).map_err(io)?;
            let form = Form::of(&head);
            let reader: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(reader));
            if let Some(form) = form {
                found.push((path, form));
                recordings.push(Opening { name, form, reader, length });
            } else if path == Path::new("-") {
                let capture = Capture::from_reader("-", reader, &options)?;
                return Ok((Opened { capture, recordings }, found));
            } else {
                begun.insert(path.clone(), reader);
                captures.push(path);
            }
        }
    }
    let opener = Box::new(move |path: &Path| match begun.remove(path) {
        Some(reader) => Ok(reader),
        None => opener(path),
    });
    let capture = Capture::open_with(&captures, &options, opener)?;
    Ok((Opened { capture, recordings }, found))
}

/// The captures and recordings that an input names.
fn files_of(input: &str) -> Result<Vec<PathBuf>, Error> {
    Ok(creance_capture::expand_with(input, Form::HEAD, &|head| Form::of(head).is_some())?)
}

/// What a file is by its first bytes, if it is a recording. What can be read but once is not looked into.
fn form_of(path: &Path) -> Result<Option<Form>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let io = |source| Error::Io { path: path.display().to_string(), source };
    let file = File::open(path).map_err(io)?;
    // What cannot be decompressed gives fewer bytes, and is no recording then.
    let mut head = Vec::new();
    let _ = decompressed(Box::new(file)).and_then(|file| file.take(Form::HEAD as u64).read_to_end(&mut head));
    Ok(Form::of(&head))
}

fn not_alone() -> Error {
    let why = "standard input cannot be joined with other captures".to_owned();
    Error::File { path: "-".to_owned(), why }
}

/// What hashing a file gives.
#[derive(Debug, Default)]
struct Hashes {
    public: String,
    secret: Vec<u8>,
    bytes: u64,
}

/// A running hash, and what it is taken of.
struct Tee {
    reader: Option<Box<dyn Read + Send>>,
    context: digest::Context,
    bytes: u64,
}

impl Default for Tee {
    fn default() -> Self {
        Self { reader: None, context: digest::Context::new(&digest::SHA256), bytes: 0 }
    }
}

impl Tee {
    fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn hashes(&self) -> Hashes {
        let mut keyed = self.context.clone();
        keyed.update(KEY_SUFFIX);
        Hashes {
            public: HEXLOWER.encode(self.context.clone().finish().as_ref()),
            secret: keyed.finish().as_ref().to_vec(),
            bytes: self.bytes,
        }
    }
}

/// A stream, hashed as it passes.
struct TeeReader(Arc<Mutex<Tee>>);

fn passing(tee: &Arc<Mutex<Tee>>, reader: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    if let Ok(mut tee) = tee.lock() {
        tee.reader = Some(Box::new(reader));
    }
    Box::new(TeeReader(Arc::clone(tee)))
}

impl Read for TeeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut tee = self.0.lock().map_err(|_| io::Error::other("a reader of the same stream died"))?;
        let Some(reader) = &mut tee.reader else { return Ok(0) };
        let read = reader.read(buffer)?;
        tee.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// What was left unread, after damage, still belongs to the input.
fn finish_tee(tee: &Arc<Mutex<Tee>>) -> Hashes {
    let rest = TeeReader(Arc::clone(tee));
    // An error here ends the input just as its end would.
    let _ = io::copy(&mut BufReader::with_capacity(1 << 18, rest), &mut io::sink());
    tee.lock().map(|tee| tee.hashes()).unwrap_or_default()
}

fn hashing(path: PathBuf, threads: usize) -> Hashing {
    if threads == 1 { Hashing::Later(path) } else { Hashing::Running(Task::begin(move || hash(&path))) }
}

/// The SHA-256 of a file, in lower-case hex, and its length; of a folder, what [`Input`] holds of one.
pub fn hash_of(path: &Path) -> io::Result<(String, u64)> {
    hash(path).map(|hashes| (hashes.public, hashes.bytes))
}

fn hash(path: &Path) -> io::Result<Hashes> {
    if path.is_dir() { hash_folder(path) } else { hash_file(path) }
}

fn hash_file(path: &Path) -> io::Result<Hashes> {
    let mut tee = Tee::default();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(tee.hashes()),
            read => tee.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// A folder's hash is that of its files' names and hashes, sorted. Links are not followed.
fn hash_folder(folder: &Path) -> io::Result<Hashes> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    let mut tee = Tee::default();
    let mut secret = digest::Context::new(&digest::SHA256);
    let mut total = 0;
    for file in files {
        let hashes = hash_file(&file)?;
        total += hashes.bytes;
        tee.update(file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().as_bytes());
        tee.update(&[0]);
        tee.update(hashes.public.as_bytes());
        secret.update(&hashes.secret);
    }
    Ok(Hashes { bytes: total, secret: secret.finish().as_ref().to_vec(), ..tee.hashes() })
}
