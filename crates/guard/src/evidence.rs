//! Evidence of flight, and where it comes from.
//!
//! ```text
//! MAVLink over UDP of clients (listen) ──────▶ mavlink ─▶ ╭─────────╮
//! other links, broadcasts (taps) ─▶ overheard ──┴───────▶ │ Sources │ ─▶ engine
//! a file, a line (posted) ──────────────────────────────▶ ╰─────────╯ ─▶ how each stands
//! ```
//!
//! An aircraft of the configuration, a file and a line vouch: nothing is open while one of them does not say that it stands.
//! Everybody else can raise, and release nothing. Who was heard and is so no more closes (awaited). What threads of their own hear or look at waits in a queue that is bounded.

mod awaited;
mod kept;
mod mavlink;
mod overheard;
mod posted;
mod rows;
mod signing;
mod taps;

use std::{
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

use crate::{Config, Datagram, engine::since_1970, state::Facts};
use awaited::{Awaited, Missed};
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

impl Source {
    fn in_words(&self) -> String {
        format!("{} ({})", self.name, self.kind)
    }
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

/// Words that wait for the engine.
const WAITING: usize = 1024;

/// All sources, with what each said last.
#[derive(Debug)]
pub(crate) struct Sources {
    fleet: Fleet,
    posted: Vec<Source>,
    words: Receiver<Word>,
    rows: Rows,
    awaited: Awaited,
}

impl Sources {
    /// Begins to look at what is posted. A byte into `wake` tells that there is something to take.
    pub(crate) fn start(config: &Config, wake: UnixStream) -> io::Result<Self> {
        wake.set_nonblocking(true)?;
        let (words, waiting) = sync_channel(WAITING);
        let out = Out { words, wake };
        let fleet = Fleet::new(&config.aircraft, &config.state, since_1970())?;
        let posted: Vec<Source> = config.evidence.iter().map(Posted::source).collect();
        let posts = config.hear.sources(&config.lan);
        let vouch = fleet.sources().chain(posted.iter().cloned()).map(|source| (source, true));
        let rows = Rows::new(vouch.chain(posts.iter().map(|source| (source.clone(), false))));
        let mut awaited = Awaited::default();
        if !posts.is_empty() {
            for source in posts.iter().filter(|source| source.kind == taps::MONITOR) {
                awaited.expect(source.in_words(), Instant::now());
            }
            taps::listen(&config.hear, &config.lan, out.again()?)?;
        }
        if !config.evidence.is_empty() {
            posted::watch(config.evidence.clone(), &out)?;
        }
        Ok(Self { fleet, posted, words: waiting, rows, awaited })
    }

    /// What a datagram says.
    pub(crate) fn telemetry(&mut self, datagram: &Datagram) -> Vec<Heard> {
        let said = self.fleet.heard(datagram, &mut self.rows);
        let now = Instant::now();
        for name in said.iter().filter_map(|heard| self.fleet.name(heard.place?)) {
            self.awaited.heard(name, true, now);
        }
        said
    }

    /// At an interface datagrams that may be telemetry were lost, so many in all: there are too many.
    pub(crate) fn flooded(&mut self, interface: &str, lost: u64) {
        let source = Source { name: interface.to_owned(), kind: "telemetry of clients" };
        self.awaited.flooded(&source.in_words(), Instant::now());
        self.rows.put(&source, Some(format!("{lost} datagrams were lost unheard")));
    }

    /// What was heard or looked at elsewhere.
    pub(crate) fn words(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        let words: Vec<_> = self.words.try_iter().take(WAITING).collect();
        for word in words {
            match word {
                Word::Posted { at, said, seen } => {
                    let Some(source) = self.posted.get(at) else { continue };
                    let (who, says) = (source.in_words(), said.in_words());
                    match said.facts() {
                        Some(_) => self.awaited.heard(&who, false, Instant::now()),
                        None => self.awaited.silent(&who, format!("says {says}")),
                    }
                    self.rows.put(source, Some(says));
                    all.extend(said.facts().map(|facts| Heard {
                        place: Some(self.fleet.count() + at),
                        facts,
                        who,
                        seen,
                    }));
                }
                Word::Overheard(Found::Telemetry(datagram)) => all.extend(self.telemetry(&datagram)),
                Word::Overheard(Found::Word { source, says, facts, seen }) => {
                    let who = source.in_words();
                    self.rows.put(&source, Some(says));
                    all.push(Heard { place: None, facts, who, seen });
                }
                Word::Post { source, says, hears } => {
                    if hears {
                        self.awaited.heard(&source.in_words(), false, Instant::now());
                    } else {
                        self.awaited.gone(&source.in_words(), says.clone());
                    }
                    self.rows.put(&source, Some(says));
                }
            }
        }
        self.awaited.look(Instant::now());
        all
    }

    /// Who was heard, or should have been, and is so no more: each once.
    pub(crate) fn missed(&mut self) -> Vec<Missed> {
        self.awaited.missed()
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
