//! Evidence of flight, and where it comes from.
//!
//! ```text
//! MAVLink over UDP of clients (listen) ──────▶ mavlink ─▶ ╭─────────╮
//! other links, broadcasts (taps) ─▶ overheard ──┴───────▶ │ Sources │ ─▶ engine
//! a file, a line (posted) ──────────────────────────────▶ ╰─────────╯ ─▶ how each stands
//! ```
//!
//! An aircraft of the configuration, a file and a line vouch: nothing is open while one of them does not say that it stands.
//! Everybody else can raise, and release nothing. What threads of their own hear or look at waits in a queue that is bounded.

mod mavlink;
mod overheard;
mod posted;
mod rows;
mod signing;
mod taps;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::IpAddr,
    os::unix::net::UnixStream,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::{Duration, Instant},
};

use serde_json::Value;

pub use mavlink::telemetry;
pub use posted::Posted;
pub use taps::{Hear, monitor_fault};

use crate::{Config, Datagram, state::Facts};
use mavlink::Fleet;
use overheard::Found;
use rows::Rows;
pub(crate) use signing::Signing;

/// What was said, and of whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The place of who vouches, aircraft first, then what is posted; none for a stranger.
    pub place: Option<usize>,
    /// What was said.
    pub facts: Facts,
    /// For people: who said what.
    pub who: String,
    /// When, since 1970.
    pub seen: Duration,
}

/// A source of evidence, for people.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
}

/// What a thread has to tell.
#[derive(Debug)]
pub(crate) enum Word {
    /// Something of flight, or that nothing can be told, by one that vouches (its place among what is posted).
    Posted { at: usize, said: posted::Said, seen: Duration },
    /// Something that was overheard.
    Overheard(Found),
    /// How an interface stands.
    Post { source: Source, says: String, hears: bool },
}

/// Where threads put what they have to tell, and wake the engine.
#[derive(Debug)]
pub(crate) struct Out {
    words: SyncSender<Word>,
    wake: UnixStream,
}

impl Out {
    /// Waits while the queue is full. `false`: nobody listens any more.
    pub(crate) fn tell(&self, word: Word) -> bool {
        let told = self.words.send(word).is_ok();
        // A full pipe wakes as well.
        let _ = (&self.wake).write(&[0]);
        told
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self { words: self.words.clone(), wake: self.wake.try_clone()? })
    }
}

/// An interface that has not told for so long that it is heard is not: it tells each second.
const SILENT: Duration = Duration::from_secs(5);
/// Words that wait for the engine.
const WAITING: usize = 1024;

/// All sources, with what each said last.
#[derive(Debug)]
pub(crate) struct Sources {
    fleet: Fleet,
    posted: Vec<Source>,
    words: Receiver<Word>,
    rows: Rows,
    /// Interfaces that are heard, and when that was told last.
    hearing: BTreeMap<Source, Instant>,
    /// Those that were and are not any more, until that is taken.
    lost: Vec<String>,
}

impl Sources {
    /// Begins to look at what is posted. A byte into `wake` tells that there is something to take.
    pub(crate) fn start(config: &Config, wake: UnixStream) -> io::Result<Self> {
        wake.set_nonblocking(true)?;
        let (words, waiting) = sync_channel(WAITING);
        let out = Out { words, wake };
        let fleet = Fleet::new(&config.aircraft)?;
        let posted: Vec<Source> = config.evidence.iter().map(Posted::source).collect();
        let posts = config.hear.sources(&config.lan);
        let vouch = fleet.sources().chain(posted.iter().cloned()).map(|source| (source, true));
        let rows = Rows::new(vouch.chain(posts.iter().map(|source| (source.clone(), false))));
        if !posts.is_empty() {
            taps::listen(&config.hear, &config.lan, out.again()?)?;
        }
        if !config.evidence.is_empty() {
            posted::watch(config.evidence.clone(), out.again()?)?;
        }
        Ok(Self { fleet, posted, words: waiting, rows, hearing: BTreeMap::new(), lost: Vec::new() })
    }

    /// What a datagram says.
    pub(crate) fn telemetry(&mut self, datagram: &Datagram) -> Vec<Heard> {
        self.fleet.heard(datagram, &mut self.rows)
    }

    /// What was heard or looked at elsewhere.
    pub(crate) fn words(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        for word in self.words.try_iter().take(WAITING) {
            match word {
                Word::Posted { at, said, seen } => {
                    let Some(source) = self.posted.get(at) else { continue };
                    self.rows.put(source, Some(said.in_words()));
                    all.extend(said.facts().map(|facts| Heard {
                        place: Some(self.fleet.count() + at),
                        facts,
                        who: format!("{} ({})", source.name, source.kind),
                        seen,
                    }));
                }
                Word::Overheard(Found::Telemetry(datagram)) => {
                    all.extend(self.fleet.heard(&datagram, &mut self.rows));
                }
                Word::Overheard(Found::Word { source, says, facts, seen }) => {
                    let who = format!("{} ({})", source.name, source.kind);
                    self.rows.put(&source, Some(says));
                    all.push(Heard { place: None, facts, who, seen });
                }
                Word::Post { source, says, hears } => {
                    if !hears && self.hearing.remove(&source).is_some() {
                        self.lost.push(format!("{} ({}) {says}", source.name, source.kind));
                    }
                    self.rows.put(&source, Some(says));
                    if hears {
                        self.hearing.insert(source, Instant::now());
                    }
                }
            }
        }
        // Who does not even tell that it hears does not.
        self.hearing.retain(|source, told| {
            let answers = told.elapsed() <= SILENT;
            if !answers {
                self.lost.push(format!("{} ({}) does not answer", source.name, source.kind));
            }
            answers
        });
        all
    }

    /// Interfaces that were heard and are not any more, and why: once.
    pub(crate) fn lost(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lost)
    }

    /// Each source: what it said last, and how long ago.
    pub(crate) fn status(&self) -> Value {
        self.rows.status()
    }
}

/// How many of a configuration vouch.
pub(crate) fn vouching(config: &Config) -> usize {
    config.aircraft.len() + config.evidence.len()
}

/// A sender for people, by address.
fn stranger(from: IpAddr) -> String {
    format!("a stranger at {from}")
}
