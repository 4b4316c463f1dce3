//! Work beside the reading: inputs are hashed and messages looked at by whichever thread is free.
//!
//! ```text
//! reading ─▶ batch of messages ─▶ looked at, on any thread ─▶ their turn comes in the order of the reading
//! ```
//!
//! Where too much waits, the thread that reads looks at messages itself, so that no more threads are busy than were
//! asked for. Results do not depend on how many there are: looking at one message needs no other, and what was seen is
//! taken in order. That a thread dies at its work ends the process (`rayon`), so that an answer always comes.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use creance_detect::{Context, Looked};
use creance_model::Message;

use crate::sightings::Outgoing;

/// How long it is waited before it is asked anew whether there is work.
const PAUSE: Duration = Duration::from_millis(1);

/// Work that was begun, for any thread of the pool to do.
pub(crate) struct Task<T>(Receiver<T>);

impl<T: Send + 'static> Task<T> {
    /// Begins work. Must be called, as must [`Self::wait`], on a thread of a pool.
    pub(crate) fn begin(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = sync_channel(1);
        // Whoever began it may be gone, and want no answer.
        rayon::spawn_fifo(move || drop(done.send(work())));
        Self(result)
    }

    /// What it came to, doing other work meanwhile.
    pub(crate) fn wait(self) -> Option<T> {
        loop {
            let executed = rayon::yield_now() == Some(rayon::Yield::Executed);
            match self.0.recv_timeout(if executed { Duration::ZERO } else { PAUSE }) {
                Ok(result) => return Some(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// Messages, and what was seen in each.
type Done = Vec<(Outgoing, Looked)>;

/// Messages that nobody looks at yet.
struct Batch {
    messages: Vec<Outgoing>,
    done: SyncSender<Done>,
}

/// Batches that nobody looks at yet, the oldest first.
type Queue = Arc<Mutex<VecDeque<Batch>>>;

/// Messages that are being looked at.
pub(crate) struct Crew {
    context: Arc<Context>,
    batch: Vec<Outgoing>,
    /// What the messages of the batch take, in bytes.
    bytes: usize,
    queue: Queue,
    /// What was given away, in order, and what it takes.
    begun: VecDeque<(Receiver<Done>, usize)>,
    /// What all of that takes together.
    held: usize,
    /// Threads besides the one that reads, and how many of them were called and have not found the queue empty since.
    others: usize,
    called: Arc<AtomicUsize>,
}

/// A batch is given away when it takes so many bytes, or is of so many messages: much more than giving it away costs.
const BATCH: (usize, usize) = (1 << 16, 64);

/// What all that is given away may take, in bytes, but for one batch.
const MOST_HELD: usize = 32 << 20;

impl Crew {
    /// A crew of so many threads, the one that reads among them.
    pub(crate) fn new(context: Arc<Context>, threads: usize) -> Self {
        Self {
            context,
            batch: Vec::new(),
            bytes: 0,
            queue: Queue::default(),
            begun: VecDeque::new(),
            held: 0,
            others: threads.saturating_sub(1),
            called: Arc::default(),
        }
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
        let (done, result) = sync_channel(1);
        let batch = Batch { messages: std::mem::take(&mut self.batch), done };
        let bytes = std::mem::take(&mut self.bytes);
        self.held += bytes;
        self.begun.push_back((result, bytes));
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back(batch);
        if self.called.load(Relaxed) < self.others {
            self.called.fetch_add(1, Relaxed);
            let (queue, context, called) =
                (Arc::clone(&self.queue), Arc::clone(&self.context), Arc::clone(&self.called));
            rayon::spawn_fifo(move || {
                while look_at_next(&queue, &context) {}
                // What is put there just now is left to the next that is called, or to the reader.
                called.fetch_sub(1, Relaxed);
            });
        }
    }

    /// The messages whose turn it is, if they have been looked at. Where too much waits, they are waited for.
    pub(crate) fn done(&mut self) -> Option<Done> {
        if self.begun.len() > self.most() || self.held > MOST_HELD {
            return self.oldest();
        }
        let done = self.begun.front()?.0.try_recv().ok()?;
        self.taken();
        Some(done)
    }

    /// Batches that may be given away and not taken back.
    const fn most(&self) -> usize {
        2 * (self.others + 1)
    }

    /// As [`Self::done`]; waits for all.
    pub(crate) fn last(&mut self) -> Option<Done> {
        if !self.batch.is_empty() {
            self.begin();
        }
        self.oldest()
    }

    /// Waits for the oldest, looking at others meanwhile.
    fn oldest(&mut self) -> Option<Done> {
        loop {
            let result = &self.begun.front()?.0;
            let done = result.try_recv().ok().or_else(|| {
                // Where none is left, another thread is at work on this one.
                if look_at_next(&self.queue, &self.context) {
                    None
                } else {
                    let answer = result.recv();
                    Some(answer.unwrap_or_else(|_| unreachable!("a thread died and the process did not")))
                }
            });
            if done.is_some() {
                self.taken();
                return done;
            }
        }
    }

    fn taken(&mut self) {
        let bytes = self.begun.pop_front().map_or(0, |(_, bytes)| bytes);
        self.held -= bytes;
    }
}

/// Looks at the oldest batch that nobody looks at yet; says whether there was one.
fn look_at_next(queue: &Queue, context: &Context) -> bool {
    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let Some(Batch { messages, done }) = next else { return false };
    let look = |outgoing: Outgoing| {
        let looked = creance_detect::look(&outgoing.message, context);
        (outgoing, looked)
    };
    // Whoever reads may have met an error, and want no answer.
    let _ = done.send(messages.into_iter().map(look).collect());
    true
}

/// What a message takes, in bytes, nearly.
fn size(message: &Message) -> usize {
    message.parts.held() + 8 * message.packets.len()
}

#[cfg(test)]
mod tests {
    use creance_model::{
        Carrier, Endpoint, Flow, InsideBasis, Parts, Side, Timestamp, Transport, Visibility,
    };

    use super::*;

    fn outgoing(number: u64, body: Vec<u8>) -> Outgoing {
        let end = Endpoint { ip: [192, 168, 1, 2].into(), port: 1 };
        let flow = Flow {
            id: number,
            transport: Transport::Tcp,
            client: end,
            server: end,
            inside: Some(Side::Client),
            inside_basis: InsideBasis::PrivateRange,
            first: Timestamp::default(),
            client_mac: None,
            server_mac: None,
            app: None,
        };
        let message = Message {
            time: Timestamp::default(),
            protocol: "http/1",
            kind: "request",
            from: Side::Client,
            visibility: Visibility::Clear,
            packets: vec![number],
            bytes: body.len() as u64,
            fields: Vec::new(),
            parts: Parts::one(Carrier::Body, "request body", body),
        };
        Outgoing { flow, name: None, recording: None, number, message }
    }

    /// Short messages, and now and then one that takes long.
    fn body(number: u64) -> Vec<u8> {
        let text = format!("mail: a{number}@b.example ");
        text.repeat(if number.is_multiple_of(100) { 2000 } else { 1 }).into_bytes()
    }

    #[test]
    fn what_was_seen_comes_in_the_order_in_which_it_was_given_and_little_is_held() {
        let numbers = 0..1000;
        let context = Arc::new(Context::default());
        let alone: Vec<_> = numbers
            .clone()
            .map(|number| creance_detect::look(&outgoing(number, body(number)).message, &context).sightings)
            .collect();
        assert!(alone.iter().all(|seen| !seen.is_empty()));
        for threads in [2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let seen = pool.install(|| {
                let mut crew = Crew::new(Arc::clone(&context), threads);
                let mut seen = Vec::new();
                for number in numbers.clone() {
                    crew.give(outgoing(number, body(number)));
                    assert!(crew.begun.len() <= crew.most() + 1);
                    while let Some(done) = crew.done() {
                        seen.extend(done);
                    }
                }
                while let Some(done) = crew.last() {
                    seen.extend(done);
                }
                assert_eq!((crew.held, crew.begun.len()), (0, 0));
                seen
            });
            let order: Vec<u64> = seen.iter().map(|(outgoing, _)| outgoing.number).collect();
            assert_eq!(order, numbers.clone().collect::<Vec<_>>());
            let seen: Vec<_> = seen.into_iter().map(|(_, looked)| looked.sightings).collect();
            assert_eq!(seen, alone);
        }
    }

    #[test]
    fn more_than_may_be_held_is_waited_for() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| {
            let mut crew = Crew::new(Arc::default(), 64);
            for number in 0..8 {
                crew.give(outgoing(number, vec![b' '; 20 << 20]));
                while crew.done().is_some() {}
                assert!(crew.held <= MOST_HELD, "{}", crew.held);
            }
        });
    }
}
