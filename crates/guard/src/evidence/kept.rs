//! What is known of signatures outlives a restart: who signs, and up to when signatures were used, by aircraft and link.
//!
//! ```text
//! signing ─▶ a copy of all ─▶ thread ─▶ signatures.json, put in the place of the one before
//!    ◀──────────── how much of it is on the disk ─────╯
//! ```
//!
//! A disk may be slow, and no cut waits for it: a thread of its own writes. Whoever must not rely on what a crash would undo asks which
//! copy is on the disk. A file that cannot be read says nothing about the past: then all signed, and used whatever was before the start.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The file, in the folder of the state.
pub(super) const FILE: &str = "signatures.json";

/// What is known of the signatures of an aircraft.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// Whether it ever signed.
    pub(super) signs: bool,
    /// Up to when signatures count as used, by link, in microseconds since 1970.
    pub(super) used: BTreeMap<u8, i64>,
}

/// All of them, by the name of the aircraft.
pub(super) type Memories = BTreeMap<String, Memory>;

/// Writes copies down.
#[derive(Debug)]
pub(super) struct Kept {
    next: Arc<Mutex<Option<(u64, Memories)>>>,
    /// The last copy that is on the disk.
    done: Arc<AtomicU64>,
    number: u64,
    writer: Thread,
}

impl Kept {
    /// Reads what was kept in a folder, and begins to keep. `None`: there was something, and it cannot be read.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Option<Memories>)> {
        fs::create_dir_all(folder)?;
        let read = match fs::read(folder.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Memories::new()),
            Err(_) => None,
        };
        let next: Arc<Mutex<Option<(u64, Memories)>>> = Arc::default();
        let done = Arc::new(AtomicU64::new(0));
        let (from, told, folder) = (Arc::downgrade(&next), Arc::clone(&done), folder.to_owned());
        let write = move || {
            while let Some(waiting) = from.upgrade() {
                let copy = waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
                drop(waiting);
                match copy {
                    Some((number, all)) if number > told.load(Ordering::Acquire) => {
                        match write(&folder, &all) {
                            Ok(()) => told.store(number, Ordering::Release),
                            // A disk that is full may have place again.
                            Err(_) => thread::sleep(AGAIN),
                        }
                    }
                    _ => thread::park_timeout(AGAIN),
                }
            }
        };
        let writer = thread::Builder::new().name("signatures".to_owned()).spawn(write)?.thread().clone();
        Ok((Self { next, done, number: 0, writer }, read))
    }

    /// Has a copy written down, instead of any that waits; its number.
    pub(super) fn keep(&mut self, all: Memories) -> u64 {
        self.number += 1;
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.number, all));
        self.writer.unpark();
        self.number
    }

    /// The number of the last copy that is on the disk: those before it are in it.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }
}

/// How long it is waited before a disk is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Puts the file in the place of the one before: after a crash it is the one or the other.
fn write(folder: &Path, all: &Memories) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, all)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn wait(kept: &Kept, number: u64) {
        let began = Instant::now();
        while kept.done() < number {
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is written");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory { signs: true, used: BTreeMap::from([(0, 7), (9, i64::MAX)]) };
        let all = Memories::from([("skylark".to_owned(), memory)]);
        let (mut kept, before) = Kept::open(folder.path()).unwrap();
        assert_eq!(before, Some(Memories::new()));
        kept.keep(Memories::new());
        let number = kept.keep(all.clone());
        wait(&kept, number);
        drop(kept);
        assert_eq!(Kept::open(folder.path()).unwrap().1, Some(all));
    }

    #[test]
    fn what_cannot_be_read_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in ["", "{", "[]", r#"{"a":{"signs":true}}"#, r#"{"a":{"signs":true,"used":{},"more":1}}"#]
        {
            fs::write(folder.path().join(FILE), wrong).unwrap();
            assert_eq!(Kept::open(folder.path()).unwrap().1, None, "{wrong}");
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_holds_up_nobody_and_nothing_counts_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let (mut kept, _) = Kept::open(&state).unwrap();
        fs::remove_dir(&state).unwrap();
        let number = kept.keep(Memories::new());
        thread::sleep(Duration::from_millis(50));
        assert!(kept.done() < number);
        fs::create_dir(&state).unwrap();
        wait(&kept, number);
    }
}
