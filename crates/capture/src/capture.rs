//! One capture made of one or several files, in time order.
//!
//! ```text
//! files, by first packet:  a ───────────────     one is open, a second one from where b begins;
//!                                  b ─────────   as many as overlap are merged by packet time
//!                                            c ────
//! ```
//!
//! Within a file packets keep their order. What is no regular file (a pipe) is open from the beginning.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use creance_model::{LinkType, Packet, Timestamp};

use crate::{
    error::Error,
    notes::Notes,
    source::{Broken, Raw, Source},
};

/// Bounds of a reader.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files open at one time, at least one; each takes about 1 MiB. Of more files that overlap in time the later ones
    /// wait, which is noted.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { open_files: 64 }
    }
}

/// Opens a file of a capture to be read from its beginning to its end.
pub type Opener = Box<dyn FnMut(&Path) -> io::Result<Box<dyn Read + Send>> + Send>;

/// A capture being read.
pub struct Capture {
    /// The file that gives packets now.
    current: Option<Running>,
    /// Open files whose next packet is later.
    others: BinaryHeap<Reverse<Running>>,
    /// Files not open yet, the next one last.
    waiting: Vec<Waiting>,
    notes: Notes,
    number: u64,
    consumed: Arc<AtomicU64>,
    total: Option<u64>,
    open_files: usize,
    opener: Opener,
    opened: usize,
    /// Whether the packet of `current` has been lent: the next one is read on the next call.
    lent: bool,
}

/// A file with the packet it gives next.
struct Running {
    source: Source,
    next: Raw,
    order: usize,
}

/// A file to be opened when packets are as late as its first.
struct Waiting {
    first: Timestamp,
    path: PathBuf,
    late: bool,
}

impl Running {
    fn key(&self) -> (Timestamp, usize) {
        (self.next.time, self.order)
    }
}

impl Ord for Running {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Running {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Running {}

impl PartialEq for Running {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Capture {
    /// Opens files as one capture. They are merged by packet time; within a file packets keep their order.
    pub fn open(paths: &[PathBuf], options: &Options) -> Result<Self, Error> {
        Self::open_with(paths, options, Box::new(|path| Ok(Box::new(File::open(path)?))))
    }

    /// As [`Self::open`], each file read through what `opener` gives: to hash it on the way, say.
    pub fn open_with(paths: &[PathBuf], options: &Options, opener: Opener) -> Result<Self, Error> {
        let length = |path: &PathBuf| {
            std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len())
        };
        let total = paths.iter().map(length).sum();
        let mut capture = Self { opener, ..Self::empty(total, options) };
        if let [path] = paths {
            capture.open_file(path)?;
            return Ok(capture);
        }
        let mut dated = Vec::new();
        for (place, path) in paths.iter().enumerate() {
            if length(path).is_some() {
                // A file without packets is opened first, to tell what it holds beside them.
                let first = Source::first_time(path)?.unwrap_or(Timestamp::from_nanos(i64::MIN));
                dated.push((first, path, place));
            } else {
                capture.open_file(path)?;
            }
        }
        dated.sort_unstable();
        let waiting = dated.into_iter().rev();
        capture.waiting =
            waiting.map(|(first, path, _)| Waiting { first, path: path.clone(), late: false }).collect();
        Ok(capture)
    }

    /// Reads a stream.
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send>, options: &Options) -> Result<Self, Error> {
        let mut capture = Self::empty(None, options);
        let source = Source::new(name, reader, &capture.consumed, &mut capture.notes)?;
        capture.start(source);
        Ok(capture)
    }

    fn empty(total: Option<u64>, options: &Options) -> Self {
        Self {
            current: None,
            others: BinaryHeap::new(),
            waiting: Vec::new(),
            notes: Notes::default(),
            number: 0,
            consumed: Arc::default(),
            total,
            open_files: options.open_files.max(1),
            opener: Box::new(|_| Err(io::ErrorKind::NotFound.into())),
            opened: 0,
            lent: false,
        }
    }

    fn open_file(&mut self, path: &Path) -> Result<(), Error> {
        let name = path.display().to_string();
        let reader = (self.opener)(path).map_err(|source| Error::Io { path: name.clone(), source })?;
        let source = Source::new(&name, reader, &self.consumed, &mut self.notes)?;
        self.start(source);
        Ok(())
    }

    /// Reads the first packet of a file.
    fn start(&mut self, mut source: Source) {
        let order = self.opened;
        self.opened += 1;
        self.notes.files.push(source.name.clone());
        match source.next(&mut self.notes) {
            Some(next) => self.others.push(Reverse(Running { source, next, order })),
            None => self.notes.packets_per_input.push((source.name, source.packets)),
        }
    }

    fn open_next(&mut self) {
        let Some(Waiting { path, .. }) = self.waiting.pop() else { return };
        if let Err(error) = self.open_file(&path) {
            // It was opened before, to date it.
            let name = path.display().to_string();
            self.notes.damaged(&name, 0, Broken { what: "file gone", why: error.to_string() });
            self.notes.packets_per_input.push((name, 0));
        }
    }

    /// Opens the files that are due, and makes the one with the earliest packet the current one.
    fn choose(&mut self) {
        loop {
            let earliest = self.others.peek().map(|Reverse(other)| other.next.time);
            let now = self.current.iter().map(|one| one.next.time).chain(earliest).min();
            let open = self.others.len() + usize::from(self.current.is_some());
            match self.waiting.last_mut() {
                Some(waiting) if now.is_none_or(|now| waiting.first < now) => {
                    if open < self.open_files {
                        self.open_next();
                        continue;
                    }
                    if !waiting.late {
                        waiting.late = true;
                        self.notes.unmerged += 1;
                    }
                }
                _ => {}
            }
            break;
        }
        let earlier = match (&self.current, self.others.peek()) {
            (Some(current), Some(Reverse(other))) => other < current,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if earlier
            && let Some(Reverse(next)) = self.others.pop()
            && let Some(before) = self.current.replace(next)
        {
            self.others.push(Reverse(before));
        }
    }

    /// The next packet, borrowed until the next call; `None` at the end.
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        if self.advance() { self.packet() } else { None }
    }

    /// Goes on to the next packet. False at the end. What stood before the packet is in the notes then.
    pub fn advance(&mut self) -> bool {
        if self.lent
            && let Some(current) = &mut self.current
        {
            if let Some(next) = current.source.next(&mut self.notes) {
                current.next = next;
            } else {
                let done = self.current.take().map(|done| (done.source.name, done.source.packets));
                self.notes.packets_per_input.extend(done);
            }
        }
        if self.current.is_none() || !self.others.is_empty() || !self.waiting.is_empty() {
            self.choose();
        }
        let Some(Running { next, order, .. }) = &self.current else { return false };
        self.lent = true;
        self.number += 1;
        self.notes.turn(self.number, *order);
        if next.link != LinkType::NONE {
            self.notes.moment(next.time);
        }
        true
    }

    /// The packet that [`Self::advance`] came to.
    pub fn packet(&self) -> Option<Packet<'_>> {
        let Running { source, next, .. } = self.current.as_ref()?;
        Some(Packet {
            number: self.number,
            time: next.time,
            link: next.link,
            interface: next.interface,
            wire_len: next.wire_len,
            data: source.bytes(next),
            app: next.user.and_then(|user| source.app(user)),
        })
    }

    /// Bytes of the input files read so far, as they are stored (compressed).
    pub fn position(&self) -> u64 {
        self.consumed.load(Relaxed)
    }

    /// Bytes of the input files, where known.
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// What was noted; complete once [`Self::next_packet`] has given `None`.
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// As [`Self::notes`], when reading is over.
    pub fn into_notes(self) -> Notes {
        self.notes
    }
}

/// Reads all packets of a capture in memory; for tests and fuzzing.
pub fn read_bytes(bytes: &[u8], mut each: impl FnMut(&Packet<'_>)) -> Result<Notes, Error> {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let mut capture = Capture::from_reader("memory", reader, &Options::default())?;
    while let Some(packet) = capture.next_packet() {
        each(&packet);
    }
    Ok(capture.notes)
}
