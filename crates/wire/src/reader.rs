//! One flow: which protocol it speaks, then its session.

use creance_model::{Flow, Side};

use crate::{ALL, At, Emit, Limits, Probe, Progress, Session, guess};

/// Reads a flow of a protocol yet unknown.
pub struct Reader {
    state: State,
    guessed: &'static str,
}

enum State {
    /// Chunks that may still be tried, and the first bytes of each side while they are too few to tell.
    Probing(u8, [Vec<u8>; 2]),
    Reading(Box<dyn Session>),
    /// Nothing more to read.
    Over([u64; 2]),
}

/// Chunks tried before a flow counts as unknown.
const TRIES: u8 = 12;

/// Bytes that are enough to tell any protocol.
const ENOUGH: usize = 16;

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A flow of which nothing was seen.
    pub const fn new() -> Self {
        Self { state: State::Probing(TRIES, [Vec::new(), Vec::new()]), guessed: "unknown" }
    }

    /// Reads what `from` sent next.
    pub fn feed(&mut self, flow: &Flow, from: Side, bytes: &[u8], at: At, limits: &Limits, emit: Emit<'_>) {
        match &mut self.state {
            State::Over(_) => {}
            State::Reading(session) => {
                if session.feed(flow, from, bytes, at, limits, emit) == Progress::Done {
                    self.end();
                }
            }
            State::Probing(tries, heads) => {
                let [client, server] = heads;
                let held = if from == Side::Client { client } else { server };
                let joined;
                let bytes = if held.is_empty() {
                    bytes
                } else {
                    held.extend_from_slice(bytes);
                    joined = std::mem::take(held);
                    joined.as_slice()
                };
                if self.guessed == "unknown" {
                    self.guessed = guess::name(flow, from, bytes);
                }
                let mut perhaps = false;
                for protocol in ALL {
                    match protocol.probe(flow, from, bytes) {
                        Probe::Yes => {
                            self.state = State::Reading(protocol.start());
                            return self.feed(flow, from, bytes, at, limits, emit);
                        }
                        Probe::Perhaps => perhaps = true,
                        Probe::No => {}
                    }
                }
                if perhaps && bytes.len() < ENOUGH {
                    *held = bytes.to_vec();
                }
                *tries -= 1;
                if *tries == 0 {
                    self.state = State::Over([0; 2]);
                }
            }
        }
    }

    /// Bytes of `from` are missing here.
    pub fn gap(&mut self, flow: &Flow, from: Side, bytes: u64, at: At, limits: &Limits, emit: Emit<'_>) {
        if let State::Reading(session) = &mut self.state
            && session.gap(flow, from, bytes, at, limits, emit) == Progress::Done
        {
            self.end();
        }
    }

    /// The flow is over.
    pub fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let State::Reading(session) = &mut self.state {
            session.finish(flow, limits, emit);
            self.end();
        }
    }

    /// What the flow speaks: a protocol of [`ALL`], or a name guessed from first bytes and ports, or `unknown`.
    pub fn protocol(&self) -> &'static str {
        match &self.state {
            State::Reading(session) => session.protocol(),
            _ => self.guessed,
        }
    }

    /// Bytes whose content was read, by [`Side::index`].
    pub fn readable(&self) -> [u64; 2] {
        match &self.state {
            State::Reading(session) => session.readable(),
            State::Over(readable) => *readable,
            State::Probing(..) => [0; 2],
        }
    }

    fn end(&mut self) {
        if let State::Reading(session) = &self.state {
            self.guessed = session.protocol();
            self.state = State::Over(session.readable());
        }
    }
}
