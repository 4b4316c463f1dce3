//! Work beside the reading: inputs are hashed and messages looked at by whichever thread is free.
//!
//! ```text
//! reading ─▶ batch of messages ─▶ looked at, on any thread ─▶ their turn comes in the order of the reading
//! ```
//!
//! Whoever waits works meanwhile, so that no more threads are busy than were asked for. Results do not depend on how
//! many there are: looking at one message needs no other, and what was seen is taken in order.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use creance_detect::{Context, Looked};
use creance_model::Message;

use crate::sightings::Outgoing;

/// Work that was begun, for any thread of the pool to do.
pub(crate) struct Task<T>(Arc<OnceLock<T>>);

impl<T: Send + Sync + 'static> Task<T> {
    /// Begins work. Must be called, as must [`Self::wait`], on a thread of a pool.
    pub(crate) fn begin(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let done = Arc::new(OnceLock::new());
        let task = Self(Arc::clone(&done));
        rayon::spawn_fifo(move || {
            // It is set but once.
            let _ = done.set(work());
        });
        task
    }

    /// Whether it is done.
    fn is_done(&self) -> bool {
        self.0.get().is_some()
    }

    /// What it came to, working meanwhile; nothing if the thread that did it died.
    pub(crate) fn wait(mut self) -> Option<T> {
        loop {
            // Whoever does it holds the other end until it is done.
            match Arc::try_unwrap(self.0) {
                Ok(done) => return done.into_inner(),
                Err(shared) => self.0 = shared,
            }
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                std::thread::yield_now();
            }
        }
    }
}

/// Messages that are being looked at.
pub(crate) struct Crew {
    context: Arc<Context>,
    batch: Vec<Outgoing>,
    /// Bytes of the parts in the batch.
    bytes: usize,
    begun: VecDeque<Task<Vec<(Outgoing, Looked)>>>,
    /// How many batches may be begun and not taken back.
    most: usize,
}

/// A batch is begun when its parts have so many bytes, or it so many messages: much more than giving it away costs.
const BATCH: (usize, usize) = (1 << 16, 64);

impl Crew {
    /// A crew of so many threads.
    pub(crate) fn new(context: Arc<Context>, threads: usize) -> Self {
        Self { context, batch: Vec::new(), bytes: 0, begun: VecDeque::new(), most: 2 * threads }
    }

    /// Gives a message away.
    pub(crate) fn give(&mut self, outgoing: Outgoing) {
        self.bytes += size(&outgoing.message);
        self.batch.push(outgoing);
        if self.bytes >= BATCH.0 || self.batch.len() >= BATCH.1 {
            self.begin();
        }
    }

    fn begin(&mut self) {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let context = Arc::clone(&self.context);
        self.begun.push_back(Task::begin(move || {
            let look = |outgoing: Outgoing| {
                let looked = creance_detect::look(&outgoing.message, &context);
                (outgoing, looked)
            };
            batch.into_iter().map(look).collect()
        }));
    }

    /// The messages whose turn it is, if they have been looked at. Where too many wait, they are waited for.
    pub(crate) fn done(&mut self) -> Option<Vec<(Outgoing, Looked)>> {
        let first = self.begun.front()?;
        if first.is_done() || self.begun.len() > self.most { self.begun.pop_front()?.wait() } else { None }
    }

    /// As [`Self::done`]; waits for all.
    pub(crate) fn last(&mut self) -> Option<Vec<(Outgoing, Looked)>> {
        if !self.batch.is_empty() {
            self.begin();
        }
        self.begun.pop_front()?.wait()
    }
}

fn size(message: &Message) -> usize {
    message.parts.iter().map(|part| part.bytes.len()).sum()
}
