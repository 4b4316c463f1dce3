//! What is asked for.

use std::{collections::HashSet, fs, path::PathBuf, sync::Arc};

use creance_detect::{
    Canaries, CanaryPicture, CanarySet, Context, DeviceFile, DeviceFiles, DevicePictures, Flight, Path,
    Pictures,
};
use creance_model::{DataClass, Track};
use creance_place::Atlas;

use creance_wire::KeyLog;

use crate::{Error, actions::Actions, device, flight, phases::FlightEvidence, registers};

/// An audit: inputs and what is known beside them.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Captures: files, directories, globs, or `-` for standard input. Several are one capture in time order.
    pub inputs: Vec<String>,
    /// Key logs in the NSS format: what they fit is decrypted.
    pub keys: Vec<PathBuf>,
    /// A canary file.
    pub canaries: Option<PathBuf>,
    /// Folders with the contents of cards and phones: their files are looked for, by content and by hash.
    pub device: Vec<PathBuf>,
    /// Flight logs.
    pub flight: Vec<PathBuf>,
    /// A register of protected places.
    pub sites: Option<PathBuf>,
    /// Files of zones of airspace.
    pub zones: Vec<PathBuf>,
    /// What the examiner calls the scenario that the inputs were recorded in.
    pub scenario: Option<String>,
    /// An action log.
    pub actions: Option<PathBuf>,
    /// The organisation's own statements about destinations.
    pub destinations: Option<PathBuf>,
    /// Networks that are ours.
    pub inside: Vec<creance_flow::IpNet>,
    /// A file with the key of the digests, where masked values of several cases must be joined. Without it each case has
    /// its own.
    pub campaign_key: Option<PathBuf>,
    /// Whether values are written in full.
    pub reveal: bool,
    /// How far the case may be passed on. Values of people, in full, are marked stricter.
    pub tlp: creance_model::Tlp,
    /// Whether inputs are hashed once more when all is done: for a case that is kept. It reads them twice.
    pub hash_again: bool,
    /// A folder with newer place data than the bundled one.
    pub place_data: Option<PathBuf>,
    /// Threads: besides the one that reads, others hash inputs and look at messages. 0: as many as there are processors.
    pub jobs: usize,
    /// Bounds on memory.
    pub limits: Limits,
}

/// Bounds on memory. Each time one is reached it is counted and reported.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Flows followed at one time.
    pub flows: usize,
    /// Sightings kept before folding.
    pub sightings: usize,
    /// Destinations counted apart; further ones are summed up.
    pub destinations: usize,
    /// Bindings of names to addresses.
    pub names: usize,
    /// What application protocols may hold.
    pub wire: creance_wire::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 200_000,
            sightings: 200_000,
            destinations: 20_000,
            names: 200_000,
            wire: creance_wire::Limits::default(),
        }
    }
}

/// The largest key log that is read, in bytes: a million secrets.
const LARGEST_KEY_LOG: u64 = 256 << 20;

/// How far reading has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes of the input files read.
    pub bytes: u64,
    /// Of how many, where known.
    pub of: Option<u64>,
    /// Packets read.
    pub packets: u64,
}

/// What is known of the circumstances, beside the capture.
#[derive(Debug, Default)]
pub(crate) struct Circumstances {
    pub(crate) flight: FlightEvidence,
    pub(crate) actions: Option<Actions>,
    /// Where everybody was, by the logs.
    pub(crate) paths: Vec<Path>,
    /// The tracks of each log.
    pub(crate) tracks: Vec<Vec<Track>>,
}

/// The most threads that are believed to be of use.
const MOST_THREADS: usize = 256;

impl Request {
    /// How many threads there are to be.
    pub(crate) fn threads(&self) -> usize {
        let jobs = match self.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        jobs.min(MOST_THREADS)
    }

    pub(crate) fn atlas(&self) -> Result<Atlas, Error> {
        let mut atlas = Atlas::bundled()?;
        if let Some(folder) = &self.place_data {
            atlas = atlas.with_files(folder)?;
        }
        Ok(match &self.destinations {
            Some(path) => atlas.with_overrides(&text(path)?)?,
            None => atlas,
        })
    }

    pub(crate) fn key_log(&self) -> Result<KeyLog, Error> {
        let keys = KeyLog::default();
        for path in &self.keys {
            let shown = || path.display().to_string();
            let io = |source| Error::Io { path: shown(), source };
            if fs::metadata(path).map_err(io)?.len() > LARGEST_KEY_LOG {
                let why = format!("a key log of more than {LARGEST_KEY_LOG} bytes");
                return Err(Error::File { path: shown(), why });
            }
            let added = keys.add(&fs::read(path).map_err(io)?);
            if added.secrets == 0 {
                let why = "no line of a TLS key log in it (LABEL, client random, secret)".to_owned();
                return Err(Error::File { path: shown(), why });
            }
        }
        Ok(keys)
    }

    /// What is looked for, on the way of a flight that took these paths. Reads the device.
    pub fn context(&self, paths: Vec<Path>) -> Result<Arc<Context>, Error> {
        let mut found = device::read(&self.device, self.threads())?;
        let set = self.canary_set()?;
        let shown = self.canaries.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let canaries = Canaries::with(set.values, found.known)
            .map_err(|error| Error::File { path: shown, why: error.to_string() })?;
        // Pictures that were made for the run are on the device, whether the examiner has its content or not.
        let known: HashSet<[u8; 32]> = found.files.iter().map(|file| file.sha256).collect();
        let made = set.pictures.into_iter().filter(|picture| !known.contains(&picture.sha256));
        found.files.extend(made.map(picture));
        let device =
            DeviceFiles::new(found.files, found.unread).with_content(found.samples, Box::new(found.bytes));
        let context = Context {
            canaries,
            device,
            device_pictures: DevicePictures::new(found.pictures, found.unseen),
            pictures: Pictures::at_most(Pictures::MOST),
            flight: Flight::new(paths),
            unknown: found.unknown,
            unopened: found.unopened.told,
            further_unopened: found.unopened.further,
            sites: self.sites.as_deref().map(registers::sites).transpose()?.unwrap_or_default(),
            zones: registers::zones(&self.zones)?,
        };
        Ok(Arc::new(context))
    }

    /// What the canary file says; nothing, where there is none.
    pub(crate) fn canary_set(&self) -> Result<CanarySet, Error> {
        let Some(path) = &self.canaries else { return Ok(CanarySet::default()) };
        CanarySet::parse(&text(path)?)
            .map_err(|error| Error::File { path: path.display().to_string(), why: error.to_string() })
    }

    pub(crate) fn evidence(&self) -> Result<Circumstances, Error> {
        let mut circumstances = Circumstances::default();
        for path in &self.flight {
            let name = path
                .file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let log = flight::read(path)?;
            circumstances.paths.extend(log.paths());
            circumstances.tracks.push(log.tracks);
            circumstances.flight.logs.push((name, log.samples));
        }
        if let Some(path) = &self.actions {
            let actions = Actions::read(path)?;
            circumstances.flight.power = actions.power();
            circumstances.flight.marks = actions.marks();
            circumstances.actions = Some(actions);
        }
        Ok(circumstances)
    }
}

/// A picture that was made for the run, as a file of the device.
fn picture(made: CanaryPicture) -> DeviceFile {
    DeviceFile {
        name: made.file,
        class: Some(DataClass::Imagery),
        bytes: made.bytes,
        sha256: made.sha256,
        sha1: made.sha1,
        md5: made.md5,
    }
}

fn text(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Io { path: path.display().to_string(), source })
}
