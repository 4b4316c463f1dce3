//! The ledger of the guard: states, cuts, words of operators, alarms and counts, each line chained to the one before, and
//! signed if there is a key. Its form is that of a case (docs/decisions/025), so that the same tools check it.
//!
//! A file that has grown long is put aside, named by the number of its last record, and the next record, in a new file, hangs on it
//! as on any other: all files in their order are one ledger.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use creance_custody::{Chain, Deed, LEDGER, PublicKey, SIGNATURE, SigningKey, put_aside};
use creance_model::Timestamp;
use serde_json::Value;

use crate::State;

/// The file that outlives a restart.
const STATE: &str = "state";

/// The file that an engine holds as long as it lives.
const LOCK: &str = "lock";

/// The ledger, open at its end.
pub struct Book {
    folder: PathBuf,
    /// None until a record is written into a new one.
    file: Option<File>,
    chain: Chain,
    /// Bytes of the file, and of the longest.
    bytes: u64,
    most: u64,
    key: Option<SigningKey>,
    log: Option<SyncSender<String>>,
}

/// Takes the ledger in a folder for this process alone, for as long as the file is held. Errors: [`io::ErrorKind::WouldBlock`] if another
/// engine has it. Two would each take the other's rules for a stranger's, and break its chain.
pub fn alone(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK))?;
    file.try_lock()?;
    Ok(file)
}

/// Lines of the log that wait; of more, the newest are not printed.
const LINES: usize = 1024;

/// Bytes of a file that is put aside. The longest that is read at a start.
const LONG: u64 = 64 << 20;

/// What a record says.
pub type Detail = BTreeMap<String, Value>;

impl Book {
    /// Opens the ledger in a folder, or begins one. A ledger that is damaged is not continued, nor, with a key, one whose end is not
    /// signed with it: records may have been taken away. Of files that were put aside, the last line alone is looked at. No more
    /// than one line is in memory.
    pub fn open(folder: &Path, key: Option<SigningKey>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut chain = match aside(folder)?.last() {
            Some(path) => end(path)?,
            None => Chain::default(),
        };
        let path = folder.join(LEDGER);
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let bytes = file.metadata()?.len();
        chain.follow(&mut BufReader::new(&file))?;
        if let Some(key) = &key {
            signed(folder, &chain, &key.public())?;
            // The last record may lack its signature: before another does, it has it.
            if let Some(signature) = key.sign_end(&chain) {
                replace(folder, SIGNATURE, signature.as_bytes())?;
            }
        }
        Ok(Self { folder: folder.to_owned(), file: Some(file), chain, bytes, most: LONG, key, log: None })
    }

    /// Reads the whole ledger in a folder, all its files, and whether its end is signed with a key. Gives how many records there
    /// are.
    pub fn check(folder: &Path, key: Option<&PublicKey>) -> io::Result<u64> {
        let mut chain = Chain::default();
        for path in files(folder)? {
            chain.follow(&mut BufReader::new(File::open(path)?))?;
        }
        key.map_or(Ok(()), |key| signed(folder, &chain, key))?;
        Ok(chain.number())
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
        self.append(line.as_bytes())?;
        if let Some(log) = &self.log {
            let _ = log.try_send(line);
        }
        match self.key.as_ref().and_then(|key| key.sign_end(&self.chain)) {
            Some(signature) => replace(&self.folder, SIGNATURE, signature.as_bytes()),
            None => Ok(()),
        }
    }

    /// Writes a line to the disk itself. A file that is long by then is put aside.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().append(true).create(true).open(self.folder.join(LEDGER))?),
        };
        file.write_all(line)?;
        file.sync_data()?;
        self.bytes += line.len() as u64;
        if self.bytes >= self.most {
            let name = format!("ledger-{:012}.jsonl", self.chain.number());
            fs::rename(self.folder.join(LEDGER), self.folder.join(name))?;
            File::open(&self.folder)?.sync_all()?;
            (self.file, self.bytes) = (None, 0);
        }
        Ok(())
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

/// The files of a ledger, the first first. There may be none.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = aside(folder)?;
    let last = folder.join(LEDGER);
    if last.exists() {
        all.push(last);
    }
    Ok(all)
}

/// The files that were put aside.
fn aside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbered = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(number) = put_aside(name) {
            numbered.push((number, path));
        }
    }
    numbered.sort();
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

/// Whether the end of a ledger is signed with a key; of one record that may not have been done yet.
fn signed(folder: &Path, chain: &Chain, key: &PublicKey) -> io::Result<()> {
    let holds = match fs::read(folder.join(SIGNATURE)) {
        Ok(signature) => chain.is_signed(&signature, key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => chain.number() <= 1,
        Err(error) => return Err(error),
    };
    let why = format!(
        "{SIGNATURE} is not over record {}, which is the last: records behind it were taken away, or written without this key",
        chain.number()
    );
    if holds { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, why)) }
}

/// The end of a file that was put aside, by its last line.
fn end(path: &Path) -> io::Result<Chain> {
    let mut lines = BufReader::new(File::open(path)?);
    let (mut line, mut last) = (Vec::new(), Vec::new());
    // No line that was written is longer than a file that is put aside.
    while lines.by_ref().take(2 * LONG).read_until(b'\n', &mut line)? > 0 {
        std::mem::swap(&mut line, &mut last);
        line.clear();
    }
    let damaged = || io::Error::other(format!("{}: its last line is no record", path.display()));
    Chain::at(last.strip_suffix(b"\n").ok_or_else(damaged)?).ok_or_else(damaged)
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
    fn files_that_were_put_aside_and_the_last_are_one_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let note = |book: &mut Book, turn: usize| {
            book.note("state", BTreeMap::from([("turn".to_owned(), Value::from(turn))])).unwrap();
        };
        let mut book = Book::open(folder.path(), Some(key())).unwrap();
        book.most = 1000;
        for turn in 0..10 {
            note(&mut book, turn);
        }
        let all = files(folder.path()).unwrap();
        assert!(all.len() > 2, "{all:?}");
        let lengths = all.iter().map(|path| fs::metadata(path).unwrap().len());
        assert!(lengths.into_iter().all(|length| length < 1500));
        // It was ended right after a file was put aside, and goes on behind it.
        drop(book);
        let last = folder.path().join(LEDGER);
        if last.exists() {
            fs::rename(&last, folder.path().join("ledger-000000000010.jsonl")).unwrap();
        }
        let mut book = Book::open(folder.path(), Some(key())).unwrap();
        note(&mut book, 10);
        assert_eq!(Book::check(folder.path(), None).unwrap(), 11);
        let whole =
            files(folder.path()).unwrap().iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
        let signature = fs::read(folder.path().join(SIGNATURE)).unwrap();
        let answer = verify(&whole.concat(), Some(&signature), &[], Some(&key().public()));
        assert_eq!((answer.records, answer.signed, answer.faults.len()), (11, Signed::By(key().public()), 0));
        // One that is taken out is missed, as is one that is changed.
        let first = files(folder.path()).unwrap().remove(0);
        let text = fs::read_to_string(&first).unwrap();
        fs::write(&first, text.replace("\"turn\":1", "\"turn\":7")).unwrap();
        assert!(Book::check(folder.path(), None).is_err());
        fs::remove_file(&first).unwrap();
        assert!(Book::check(folder.path(), None).is_err());
        // The last line of the one before is what the next hangs on.
        let last_aside = aside(folder.path()).unwrap().pop().unwrap();
        fs::write(&last_aside, &text).unwrap();
        assert!(Book::open(folder.path(), None).is_err());
    }

    #[test]
    fn records_that_were_taken_away_are_missed_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut book = Book::open(folder.path(), Some(key())).unwrap();
        book.most = 1;
        book.note("state", Detail::new()).unwrap();
        book.most = LONG;
        for _ in 0..3 {
            book.note("state", Detail::new()).unwrap();
        }
        drop(book);
        let (text, signature) =
            (fs::read_to_string(path(LEDGER)).unwrap(), fs::read(path(SIGNATURE)).unwrap());
        let stands = || {
            let opened = Book::open(folder.path(), Some(key()));
            let checked = Book::check(folder.path(), Some(&key().public()));
            assert_eq!(opened.is_ok(), checked.is_ok());
            opened.is_ok()
        };
        assert!(stands());
        // The last file, and the last line, are gone, or the signature is.
        fs::remove_file(path(LEDGER)).unwrap();
        assert!(!stands());
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        fs::write(path(LEDGER), &text[..last]).unwrap();
        assert!(!stands());
        fs::write(path(LEDGER), &text).unwrap();
        fs::remove_file(path(SIGNATURE)).unwrap();
        assert!(!stands());
        fs::write(path(SIGNATURE), &signature).unwrap();
        assert!(stands());
        // Whoever has no key adds no more than one record; all gone but the signature is no beginning.
        let mut book = Book::open(folder.path(), None).unwrap();
        book.note("state", Detail::new()).unwrap();
        assert!(stands());
        fs::write(path(SIGNATURE), &signature).unwrap();
        book.note("state", Detail::new()).unwrap();
        assert!(!stands());
        for file in files(folder.path()).unwrap() {
            fs::remove_file(file).unwrap();
        }
        assert!(!stands());
        fs::remove_file(path(SIGNATURE)).unwrap();
        assert!(stands());
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
