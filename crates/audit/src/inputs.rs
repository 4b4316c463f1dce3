//! The inputs: opened, hashed, and what their hashes give: the case's id and the key of its digests.
//!
//! Files are hashed on threads of their own while the capture is being read; standard input is hashed as it passes.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use creance_capture::{Capture, Notes};
use creance_model::Input;
use data_encoding::HEXLOWER;
use ring::{digest, hmac};

use crate::{Error, Request};

/// Appended to an input's bytes for the hash that keys the digests. That hash is never shown, and cannot be had from
/// the one that is: the suffix is not the padding that SHA-256 would put there.
const KEY_SUFFIX: &[u8] = b"creance digest key 1";

/// Inputs being read.
pub(crate) struct Inputs {
    files: Vec<(String, &'static str, Hashing)>,
    stdin: Option<Arc<Mutex<Tee>>>,
}

enum Hashing {
    Running(JoinHandle<io::Result<Hashes>>),
    /// With one thread: when all else is done.
    Later(PathBuf),
    Standard,
}

/// All inputs, hashed.
pub(crate) struct Hashed {
    pub(crate) inputs: Vec<Input>,
    pub(crate) case_id: String,
    pub(crate) key: hmac::Key,
}

impl Inputs {
    /// Finds every input file and begins to hash it.
    pub(crate) fn begin(request: &Request) -> Result<Self, Error> {
        let mut files = Vec::new();
        let mut stdin = None;
        for input in &request.inputs {
            if input == "-" {
                stdin = Some(Arc::new(Mutex::new(Tee::default())));
                files.push((input.clone(), "capture", Hashing::Standard));
                continue;
            }
            for path in creance_capture::expand(input)? {
                files.push((path.display().to_string(), "capture", hashing(path, request.jobs)));
            }
        }
        let beside = [
            ("keys", request.keys.as_slice()),
            ("canaries", request.canaries.as_slice()),
            ("flight", request.flight.as_slice()),
            ("actions", request.actions.as_slice()),
            ("destinations", request.destinations.as_slice()),
            ("device", request.device.as_slice()),
        ];
        for (kind, paths) in beside {
            for path in paths {
                fs::metadata(path)
                    .map_err(|source| Error::Io { path: path.display().to_string(), source })?;
                files.push((path.display().to_string(), kind, hashing(path.clone(), request.jobs)));
            }
        }
        Ok(Self { files, stdin })
    }

    /// Opens the captures among the inputs as one.
    pub(crate) fn open(&mut self, request: &Request) -> Result<Capture, Error> {
        let options = creance_capture::Options::default();
        if let Some(tee) = &self.stdin {
            if request.inputs.len() > 1 {
                let why = "standard input cannot be joined with other captures".to_owned();
                return Err(Error::File { path: "-".to_owned(), why });
            }
            let reader = TeeReader { inner: io::stdin(), tee: Arc::clone(tee) };
            return Ok(Capture::from_reader("-", Box::new(reader), &options)?);
        }
        let paths: Vec<PathBuf> = self
            .files
            .iter()
            .filter(|(_, kind, _)| *kind == "capture")
            .map(|(path, ..)| PathBuf::from(path))
            .collect();
        Ok(Capture::open(&paths, &options)?)
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
                Hashing::Standard => self.stdin.as_ref().map(finish_tee).unwrap_or_default(),
                Hashing::Running(thread) => thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("the hashing thread died")))
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
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.finish().as_ref());
        Ok(Hashed { inputs, case_id, key })
    }
}

/// What hashing a file gives.
#[derive(Debug, Default)]
struct Hashes {
    public: String,
    secret: Vec<u8>,
    bytes: u64,
}

/// A running hash.
struct Tee {
    context: digest::Context,
    bytes: u64,
}

impl Default for Tee {
    fn default() -> Self {
        Self { context: digest::Context::new(&digest::SHA256), bytes: 0 }
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

/// Standard input, hashed as it passes.
struct TeeReader {
    inner: io::Stdin,
    tee: Arc<Mutex<Tee>>,
}

impl Read for TeeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let (Ok(mut tee), Some(bytes)) = (self.tee.lock(), buffer.get(..read)) {
            tee.update(bytes);
        }
        Ok(read)
    }
}

/// What was left unread after damage still belongs to the input.
fn finish_tee(tee: &Arc<Mutex<Tee>>) -> Hashes {
    let mut reader = TeeReader { inner: io::stdin(), tee: Arc::clone(tee) };
    // An error here ends the input just as its end would.
    let _ = io::copy(&mut reader, &mut io::sink());
    tee.lock().map(|tee| tee.hashes()).unwrap_or_default()
}

fn hashing(path: PathBuf, jobs: usize) -> Hashing {
    if jobs == 1 { Hashing::Later(path) } else { Hashing::Running(std::thread::spawn(move || hash(&path))) }
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
