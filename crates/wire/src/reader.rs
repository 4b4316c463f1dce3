//! One flow: which protocol it speaks, then its session.

use creance_model::{Flow, Side};

use crate::{
    ALL, At, Emit, KeyLog, Limits, Probe, Progress, Protocol, Session, guess, held::Held, known,
    quic::Connections,
};

/// What reading may use, and how deep one flow lies in others.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// Secrets that may open what is encrypted.
    pub keys: KeyLog,
    /// Connections of QUIC, which may go on in other flows.
    pub(crate) connections: Connections,
    depth: u8,
}

impl Means {
    /// These secrets, and no flow around.
    pub fn new(keys: KeyLog) -> Self {
        Self { keys, ..Self::default() }
    }
}

/// Tunnels in tunnels that are followed: more are made to exhaust us.
const DEEPEST: u8 = 8;

const TOO_DEEP: &str = "tunnels within tunnels, too many";

/// Reads a flow of a protocol yet unknown.
pub struct Reader {
    means: Means,
    state: State,
    /// What it looks like, or spoke.
    guessed: &'static str,
    /// Why what it looks like is not read.
    why: Option<&'static str>,
    /// Whether the first bytes of either side look encrypted.
    random: [Option<bool>; 2],
}

enum State {
    /// Chunks that may still be tried, and the first bytes of each side while they are too few to tell.
    Probing(u8, [Option<Box<Held>>; 2]),
    Reading(Box<dyn Session>),
    /// Nothing more to read.
    Over([u64; 2], [Option<&'static str>; 2]),
}

/// Chunks tried before a flow counts as unknown.
const TRIES: u8 = 12;

/// Bytes that are enough to tell any protocol: a first line with a long target.
const ENOUGH: usize = 2048;

/// Why nothing was read of a flow whose bytes look like no format.
const LOOKS_RANDOM: &str = "unknown protocol, encrypted or compressed by its look";

impl Reader {
    /// A flow of which nothing was seen. Flows of one capture share their means.
    pub fn new(means: &Means) -> Self {
        Self::begin(means.clone(), State::Probing(TRIES, [None, None]))
    }

    /// A flow whose content is told at its end.
    pub(crate) fn recorded(session: Box<dyn Session>, means: Means) -> Self {
        Self::begin(means, State::Reading(session))
    }

    /// A flow inside another.
    pub(crate) fn within(outer: &Means) -> Self {
        let means = Means { depth: outer.depth + 1, ..outer.clone() };
        if means.depth > DEEPEST {
            return Self::begin(means, State::Over([0; 2], [Some(TOO_DEEP); 2]));
        }
        Self::begin(means, State::Probing(TRIES, [None, None]))
    }

    /// A flow inside another whose protocol is known.
    pub(crate) fn reading(session: Box<dyn Session>, outer: &Means) -> Self {
        let means = Means { depth: outer.depth + 1, ..outer.clone() };
        Self::begin(means, State::Reading(session))
    }

    const fn begin(means: Means, state: State) -> Self {
        Self { means, state, guessed: "unknown", why: None, random: [None; 2] }
    }

    /// Reads what `from` sent next.
    pub fn feed(&mut self, flow: &Flow, from: Side, bytes: &[u8], at: At, limits: &Limits, emit: Emit<'_>) {
        match &mut self.state {
            State::Over(..) => {}
            State::Reading(session) => {
                if session.feed(flow, from, bytes, at, limits, emit) == Progress::Done {
                    self.finish(flow, limits, emit);
                }
            }
            State::Probing(tries, heads) => {
                let [client, server] = heads;
                let (slot, other) = if from == Side::Client { (client, server) } else { (server, client) };
                let mut waiting = slot.take();
                if let Some(waiting) = &mut waiting {
                    waiting.push_apart(bytes, at);
                }
                let head = waiting.as_ref().map_or(bytes, |waiting| waiting.bytes());
                let mut perhaps = false;
                let mut found: Option<&dyn Protocol> = None;
                for protocol in ALL {
                    match protocol.probe(flow, from, head) {
                        Probe::Yes => {
                            found = Some(*protocol);
                            break;
                        }
                        Probe::Perhaps => perhaps = true,
                        Probe::No => {}
                    }
                }
                if let Some(protocol) = found {
                    let other = other.take();
                    self.state = State::Reading(protocol.start(&self.means));
                    self.replay(flow, from.other(), other.as_deref(), limits, emit);
                    if waiting.is_some() {
                        self.replay(flow, from, waiting.as_deref(), limits, emit);
                    } else {
                        self.feed(flow, from, bytes, at, limits, emit);
                    }
                    return;
                }
                // What a protocol reads needs no name by its looks.
                if self.why.is_none()
                    && let Some(known) = known::name(flow, from, head)
                {
                    (self.guessed, self.why) = (known.name, Some(known.why));
                }
                if let Some(random) = self.random.get_mut(from.index()) {
                    *random = random.or_else(|| guess::looks_random(head));
                }
                if perhaps && head.len() < ENOUGH {
                    let mut waiting = waiting.unwrap_or_default();
                    if waiting.bytes().is_empty() {
                        waiting.push_apart(bytes, at);
                    }
                    *slot = Some(waiting);
                    return;
                }
                *tries -= 1;
                if *tries == 0 {
                    self.state = State::Over([0; 2], [None; 2]);
                }
            }
        }
    }

    /// Feeds bytes that waited, each piece as of the packet that brought it.
    fn replay(&mut self, flow: &Flow, from: Side, waiting: Option<&Held>, limits: &Limits, emit: Emit<'_>) {
        for (piece, at) in waiting.into_iter().flat_map(|waiting| waiting.pieces(0, usize::MAX)) {
            self.feed(flow, from, piece, at, limits, emit);
        }
    }

    /// Bytes of `from` are missing here.
    pub fn gap(&mut self, flow: &Flow, from: Side, bytes: u64, at: At, limits: &Limits, emit: Emit<'_>) {
        match &mut self.state {
            State::Reading(session) => {
                if session.gap(flow, from, bytes, at, limits, emit) == Progress::Done {
                    self.finish(flow, limits, emit);
                }
            }
            // What waits does not go on behind a gap.
            State::Probing(_, [client, server]) => {
                *(if from == Side::Client { client } else { server }) = None;
            }
            State::Over(..) => {}
        }
    }

    /// The flow is over.
    pub fn finish(&mut self, flow: &Flow, limits: &Limits, emit: Emit<'_>) {
        if let State::Reading(session) = &mut self.state {
            session.finish(flow, limits, emit);
            self.end();
        }
    }

    /// Whether bytes that come are still looked at.
    pub const fn reads(&self) -> bool {
        !matches!(self.state, State::Over(..))
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
            State::Over(readable, _) => *readable,
            State::Probing(..) => [0; 2],
        }
    }

    /// Why bytes that were not read were not, by [`Side::index`], where it is known.
    pub fn opaque(&self) -> [Option<&'static str>; 2] {
        match &self.state {
            State::Reading(session) => session.opaque(),
            State::Over(_, opaque) if *opaque != [None; 2] => *opaque,
            _ => {
                self.random.map(|random| self.why.or_else(|| (random == Some(true)).then_some(LOOKS_RANDOM)))
            }
        }
    }

    fn end(&mut self) {
        if let State::Reading(session) = &self.state {
            (self.guessed, self.why, self.random) = (session.protocol(), None, [None; 2]);
            self.state = State::Over(session.readable(), session.opaque());
        }
    }
}
