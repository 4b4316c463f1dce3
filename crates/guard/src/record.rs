//! The ledger of the guard: states, cuts, words of operators, alarms and counts, each line chained to the one before, and
//! signed if there is a key. Its form is that of a case (docs/decisions/025), so that the same tools check it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use creance_custody::{Chain, Deed, LEDGER, Ledger, SIGNATURE, SigningKey};
use creance_model::Timestamp;
use serde_json::Value;

use crate::State;

/// The file that outlives a restart.
const STATE: &str = "state";

/// The ledger, open at its end.
pub struct Book {
    folder: PathBuf,
    file: File,
    chain: Chain,
    key: Option<SigningKey>,
    log: Option<SyncSender<String>>,
}

/// Lines of the log that wait; of more, the newest are not printed.
const LINES: usize = 1024;

/// What a record says.
pub type Detail = BTreeMap<String, Value>;

impl Book {
    /// Opens the ledger in a folder, or begins one. A ledger that is damaged is not continued.
    pub fn open(folder: &Path, key: Option<SigningKey>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(LEDGER);
        let chain = match fs::read(&path) {
            Ok(bytes) if !bytes.is_empty() => Ledger::read(&bytes).map_err(io::Error::other)?.end(),
            Ok(_) => Chain::default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Chain::default(),
            Err(error) => return Err(error),
        };
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self { folder: folder.to_owned(), file, chain, key, log: None })
    }

    /// Prints each record as well, as it stands in the ledger. From a thread of its own: a reader that is slow holds up no cut.
    #[must_use]
    pub fn logging(self) -> Self {
        let (log, lines) = sync_channel::<String>(LINES);
        thread::spawn(move || {
            for line in lines {
                // Whoever does not read any more is nobody's fault here.
                let _ = anstream::stdout().write_all(line.as_bytes());
            }
        });
        Self { log: Some(log), ..self }
    }

    /// Writes a record, to the disk itself.
    pub fn note(&mut self, action: &str, detail: Detail) -> io::Result<()> {
        let now = now();
        let deed = Deed {
            action: action.to_owned(),
            case: "guard".to_owned(),
            tool: concat!("creance-guard ", env!("CARGO_PKG_VERSION")).to_owned(),
            started: now,
            ended: now,
            detail,
            files: Vec::new(),
        };
        let line = self
            .chain
            .add(deed)
            .ok_or_else(|| io::Error::other("a record holds a number that is not whole"))?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        if let Some(log) = &self.log {
            let _ = log.try_send(line);
        }
        match self.key.as_ref().and_then(|key| key.sign_end(&self.chain)) {
            Some(signature) => replace(&self.folder, SIGNATURE, signature.as_bytes()),
            None => Ok(()),
        }
    }

    /// Whether it is signed.
    pub fn signs(&self) -> bool {
        self.key.is_some()
    }

    /// Keeps a state for after a restart.
    pub fn keep(&self, state: State) -> io::Result<()> {
        replace(&self.folder, STATE, state.name().as_bytes())
    }

    /// The state that was kept. What cannot be read may have been a flight.
    pub fn kept(&self) -> Option<State> {
        match fs::read_to_string(self.folder.join(STATE)) {
            Ok(name) => {
                let all = [State::Unknown, State::Grounded, State::Airborne, State::Stale, State::Released];
                Some(all.into_iter().find(|state| state.name() == name).unwrap_or(State::Airborne))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(State::Airborne),
        }
    }
}

/// Puts a file in the place of another: after a crash it is the one or the other.
fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// The time by the clock.
fn now() -> Timestamp {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use creance_custody::{Signed, verify};

    use super::*;

    fn key() -> SigningKey {
        SigningKey::read(&SigningKey::pem(&[7; 32])).unwrap()
    }

    #[test]
    fn it_is_continued_after_a_restart_and_verifies() {
        let folder = tempfile::tempdir().unwrap();
        for turn in 0..3 {
            let mut book = Book::open(folder.path(), Some(key())).unwrap();
            book.note("state", BTreeMap::from([("turn".to_owned(), Value::from(turn))])).unwrap();
        }
        let read = |name| fs::read(folder.path().join(name)).unwrap();
        let answer = verify(&read(LEDGER), Some(&read(SIGNATURE)), &[], Some(&key().public()));
        assert_eq!((answer.records, answer.signed, answer.faults.len()), (3, Signed::By(key().public()), 0));
        let mut cut = read(LEDGER);
        cut.pop();
        fs::write(folder.path().join(LEDGER), cut).unwrap();
        assert!(Book::open(folder.path(), None).is_err());
    }

    #[test]
    fn a_state_that_cannot_be_read_may_have_been_a_flight() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::open(folder.path(), None).unwrap();
        assert_eq!(book.kept(), None);
        book.keep(State::Grounded).unwrap();
        assert_eq!(book.kept(), Some(State::Grounded));
        fs::write(folder.path().join(STATE), "grou").unwrap();
        assert_eq!(book.kept(), Some(State::Airborne));
    }
}
