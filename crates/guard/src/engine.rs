//! The engine: evidence in, and the kernel told; what stands there looked at again and again.
//!
//! ```text
//! wait ─▶ telemetry, orders ─▶ state ─▶ cut at once
//!   ▲                                ╰▶ the hand: renew; look: is it still ours? ─╮
//!   ╰──────────────────────────────────────────────────────────────────────────────╯
//! ```
//!
//! It begins and ends cut. What it finds changed is alarm, cut and put back; while it cannot be put back the guard is *not
//! enforcing*, says so, and opens nothing.

mod cuts;
mod hears;
mod left;
mod looks;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{Arc, mpsc::RecvError},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use serde_json::Value;
use thiserror::Error;

use left::Marks;

use crate::{
    Answer, Book, Config, Cut, Destination, Ear, Exception, Input, Kernel, KernelError, Known, Machine,
    Order, Policy, Seen, State,
    control::{self, Orders},
    evidence::{Sources, vouching},
    hand::{Done, Hand, Job},
    lawful::{self, Asked as Duty},
    names::Names,
    notices::Notices,
    policy::narrows,
    record::Detail,
    ruleset::{self, Way},
    tally::Tally,
};

/// How often it is looked at what stands in the kernel, while something is closed or the kernel tells of a change; else half as often.
const LOOK: Duration = Duration::from_millis(400);
/// After so long without a look nobody knows whether it is enforced.
const STALE: Duration = Duration::from_secs(3);
/// How often, at interfaces and what hangs on them.
const LINKS: Duration = Duration::from_secs(5);
/// How often counts go into the ledger: while something flies or leaves, and else.
const COUNTS: Duration = Duration::from_mins(1);
const QUIET: Duration = Duration::from_hours(1);

/// Why the engine does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Something passes by the rules.
    #[error("not enforcing: {}", .0.iter().cloned().collect::<Vec<_>>().join("; "))]
    Hazard(BTreeSet<String>),
    /// The kernel does not take the rules.
    #[error("not enforcing: {0}")]
    Kernel(#[from] KernelError),
    /// A file or socket.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// How it ended: as it was told to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// Cut, and enforced.
    Cut,
    /// The rules did not hold in the end.
    NotEnforcing,
}

/// The engine.
pub struct Engine {
    config: Config,
    loaded: Cut,
    hand: Hand,
    notices: Notices,
    /// Wakes the engine when the hand is done, or an order came.
    woken: UnixStream,
    wake: UnixStream,
    machine: Machine,
    book: Book,
    policy: Arc<dyn Policy>,
    resolver: Option<Names>,
    began: Instant,
    ears: BTreeMap<String, Ear>,
    sources: Sources,
    /// Why an interface is not listened to.
    deaf: Option<String>,
    /// What our tables look like as long as nobody touches them.
    shape: Vec<String>,
    /// What may pass, as the kernel was told.
    way: Way,
    /// The minute since the start in which names were judged.
    minute: u64,
    /// Why it is not enforced.
    fault: Option<String>,
    /// How often what is open was changed.
    turn: u64,
    alarms: u64,
    /// Datagrams that may be telemetry.
    heard: u64,
    seen: Seen,
    /// When it was last looked.
    looked: Instant,
    tally: Tally,
    /// How often what is open had been changed when that was seen.
    seen_at: u64,
    links: BTreeSet<String>,
    cuts: u64,
    last_cut: Value,
    last_alarm: Option<String>,
    /// What the law asks for where the aircraft may be and the policy does not ask about, and who answers for that.
    duties: Vec<Duty>,
    answered: Option<String>,
    /// What had left, at times.
    marks: Marks,
    /// Exceptions that were let through at the last renewal.
    exempt: BTreeSet<String>,
}

impl Engine {
    /// Has the signals that end it wait, in this thread and in those that it begins: one that did not would be ended by them at
    /// once, and all with it, open as it was. To be called before there is any other.
    pub fn hold_signals() -> Result<SigSet, EngineError> {
        let mut ends = SigSet::empty();
        ends.add(Signal::SIGTERM);
        ends.add(Signal::SIGINT);
        let held = ends.thread_block();
        held.map_err(|error| EngineError::Io { doing: "wait for signals", source: error.into() })?;
        Ok(ends)
    }

    /// Cuts, then looks whether that holds.
    pub fn start(config: Config, book: Book, policy: Box<dyn Policy>) -> Result<Self, EngineError> {
        let pipe = |source| EngineError::Io { doing: "make a pipe", source };
        let notices =
            Notices::listen().map_err(|source| EngineError::Io { doing: "listen for changes", source })?;
        Kernel::close(&config)?;
        let (seen, _) = Kernel::standing(&config)?;
        let (links, _) = Kernel::links(&config)?;
        let (wake, woken) = UnixStream::pair().map_err(pipe)?;
        woken.set_nonblocking(true).map_err(pipe)?;
        let hand = Hand::new(config.clone(), wake.try_clone().map_err(pipe)?);
        let sources = Sources::start(&config, wake.try_clone().map_err(pipe)?)
            .map_err(|source| EngineError::Io { doing: "ask for evidence", source })?;
        let hazards: BTreeSet<_> = seen.hazards.union(&links).cloned().collect();
        let machine = Machine::new(vouching(&config), book.kept());
        let shape = seen.shape.clone();
        let region = config.region.as_deref().unwrap_or_default();
        let duties = if policy.heeds_duties() { Vec::new() } else { lawful::asked(region) };
        let policy: Arc<dyn Policy> = policy.into();
        let resolver = config.resolver.as_ref().map(|resolver| Names::start(resolver, Arc::clone(&policy)));
        let resolver =
            resolver.transpose().map_err(|source| EngineError::Io { doing: "start the resolver", source })?;
        let began = Instant::now();
        let mut engine = Self {
            loaded: Cut::new(&config),
            hand,
            notices,
            woken,
            wake,
            config,
            machine,
            book,
            policy,
            resolver,
            began,
            ears: BTreeMap::new(),
            sources,
            deaf: None,
            shape,
            way: Way::default(),
            minute: 0,
            fault: None,
            turn: 0,
            alarms: 0,
            heard: 0,
            seen,
            looked: Instant::now(),
            tally: Tally::default(),
            seen_at: 0,
            links,
            cuts: 0,
            last_cut: Value::Null,
            last_alarm: None,
            duties,
            answered: None,
            marks: Marks::new(began),
            exempt: BTreeSet::new(),
        };
        engine.begin()?;
        engine.ears();
        if hazards.is_empty() {
            Kernel::forget().or_else(|error| engine.alarm(&error.to_string()))?;
            return Ok(engine);
        }
        engine.note("refuse", [("hazards", hazards.iter().cloned().collect::<Vec<_>>().into())])?;
        Err(EngineError::Hazard(hazards))
    }

    /// Runs until it is told to end, or cannot go on: then as well all is closed.
    pub fn run(mut self) -> Result<Ended, EngineError> {
        self.turns().inspect_err(|_| drop(Kernel::close(&self.config)))
    }

    fn turns(&mut self) -> Result<Ended, EngineError> {
        let io = |doing| move |source| EngineError::Io { doing, source };
        let ends = Self::hold_signals()?;
        let signals = SignalFd::with_flags(&ends, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(|error| io("wait for signals")(error.into()))?;
        let wake = self.wake.try_clone().map_err(io("make a pipe"))?;
        let orders = control::listen(&self.config.run, self.config.operators.as_deref(), wake)
            .map_err(io("open the control socket"))?;
        let beat = self.config.dead_man() / 5;
        let (mut counted, mut due) = (Instant::now(), Due::default());
        loop {
            self.marks.turn(&self.config.wan);
            self.ears();
            self.wait(&signals, beat.min(LOOK) / 2);
            if matches!(signals.read_signal(), Ok(Some(_))) {
                return self.end();
            }
            self.listen()?;
            let _ = self.woken.read(&mut [0; 64]);
            let said = self.sources.words();
            self.heed(said)?;
            self.orders(&orders)?;
            // Only operators are refused.
            let _ = self.step(Input::Tick, None, "time")?;
            if let Some(notes) = self.resolver.as_ref().and_then(Names::notes) {
                self.write("names", notes)?;
            }
            let done = self.hand.done().map_err(gone)?;
            self.learn(done, &mut due)?;
            self.hand_out(&mut due, beat)?;
            if self.looked.elapsed() > STALE && self.fault.is_none() {
                // What is there ends by itself, for nothing is renewed now.
                self.fault = Some("nobody has looked for seconds at what stands in the kernel".to_owned());
                self.alarm("nobody has looked for seconds at what stands in the kernel")?;
            }
            let quiet = !self.machine.state().may_fly() && !self.tally.has_gone();
            if counted.elapsed() >= if quiet { QUIET } else { COUNTS } {
                counted = Instant::now();
                if self.tally.has_changed() {
                    self.count()?;
                }
            }
        }
    }

    /// Gives the hand what is due, the most urgent first.
    fn hand_out(&mut self, due: &mut Due, beat: Duration) -> Result<(), EngineError> {
        let is = |last: Option<Instant>, every: Duration| last.is_none_or(|at| at.elapsed() >= every);
        due.changed |= self.notices.any();
        if !self.hand.idle() {
            return Ok(());
        }
        // Renewing may take all the time there is; looking has its turn.
        if is(due.renewed, beat) && !is(due.looked, 2 * LOOK) {
            due.renewed = Some(Instant::now());
            self.renew()?;
        }
        if self.hand.idle() && is(due.linked, LINKS) {
            due.linked = Some(Instant::now());
            self.hand.begin(Job::Links);
        }
        if self.hand.idle() && is(due.looked, if due.changed || !self.way.open { LOOK } else { 2 * LOOK }) {
            due.looked = Some(Instant::now());
            due.changed = false;
            due.turn = self.turn;
            self.hand.begin(Job::Look);
        }
        if self.hand.idle() && is(due.renewed, beat) {
            due.renewed = Some(Instant::now());
            self.renew()?;
        }
        Ok(())
    }

    /// Takes what the hand did.
    fn learn(&mut self, done: Option<Done>, due: &mut Due) -> Result<(), EngineError> {
        match done {
            // What is there ends by itself.
            Some(Done::Applied(Err(error)) | Done::Linked(Err(error))) => self.alarm(&error.to_string()),
            Some(Done::Linked(Ok(hazards))) => {
                self.links = hazards;
                Ok(())
            }
            // It saw what was changed meanwhile.
            Some(Done::Looked(_)) if due.turn != self.turn => {
                due.looked = None;
                Ok(())
            }
            Some(Done::Looked(looked)) => self.look(looked),
            Some(Done::Applied(Ok(()))) | None => Ok(()),
        }
    }

    /// What is open is about to change: nothing that was meant before is done after it.
    fn turn(&mut self) -> Result<(), EngineError> {
        self.turn += 1;
        match self.hand.rest().map_err(gone)? {
            Some(Done::Applied(Err(error)) | Done::Linked(Err(error))) => self.alarm(&error.to_string()),
            Some(Done::Linked(Ok(hazards))) => {
                self.links = hazards;
                Ok(())
            }
            // A look of before the change; others follow.
            Some(Done::Applied(Ok(())) | Done::Looked(_)) | None => Ok(()),
        }
    }

    fn wait(&self, signals: &SignalFd, longest: Duration) {
        let [tables, rules] = self.notices.fds();
        let ends = [signals.as_fd(), self.woken.as_fd(), tables, rules];
        let ears = self.ears.values().map(AsFd::as_fd);
        let mut all: Vec<_> =
            ends.into_iter().chain(ears).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Whatever it says, all is looked at.
        let _ = poll(&mut all, PollTimeout::try_from(longest).unwrap_or(PollTimeout::ZERO));
    }

    fn orders(&mut self, orders: &Orders) -> Result<(), EngineError> {
        for asked in orders.next() {
            let who = format!("user {}", asked.uid);
            let mut repeat = None;
            let answer = match asked.order.clone() {
                Order::Status => Ok(self.machine.state().name().to_owned()),
                Order::Fly { reason } => self.word(Input::Fly, "fly", &who, &reason)?,
                Order::Land { reason } => self.word(Input::Land, "land", &who, &reason)?,
                Order::Release { reason } => match code() {
                    Some(code) => {
                        repeat = Some(code.clone());
                        self.word(Input::Release(code.clone()), "release", &who, &reason)?.map(|_| {
                            format!("to confirm within a minute: creance-guard operator confirm {code}")
                        })
                    }
                    None => Err("no chance for a code".to_owned()),
                },
                Order::Override { reason } => Ok(self.answers(&who, &reason)?),
                Order::Confirm { code } => self.word(Input::Confirm(code), "confirm", &who, "")?,
            };
            let (taken, says) = match answer {
                Ok(says) => (true, says),
                Err(says) => (false, says),
            };
            let code = repeat.filter(|_| taken);
            asked.answer(&Answer { taken, says, code, status: self.status() });
        }
        Ok(())
    }

    /// Takes an operator's word, and writes down that it was said.
    fn word(
        &mut self,
        input: Input,
        order: &str,
        who: &str,
        why: &str,
    ) -> Result<Result<String, String>, EngineError> {
        let now = since_1970();
        let answer = self.step(input, Some(now), who)?;
        let taken = answer.is_ok();
        self.note(
            "operator",
            [("order", order.into()), ("who", who.into()), ("why", why.into()), ("taken", taken.into())],
        )?;
        self.renew()?;
        Ok(answer.map(|state| state.name().to_owned()).map_err(|refusal| refusal.to_string()))
    }

    /// Takes evidence; if it ends a state in which something might leave, that is cut before anything else is done.
    fn step(
        &mut self,
        input: Input,
        evidence: Option<Duration>,
        who: &str,
    ) -> Result<Result<State, crate::Refusal>, EngineError> {
        let before = self.machine.state();
        let answer = self.machine.step(input, self.began.elapsed());
        let state = self.machine.state();
        if state != before {
            // Who was given what by name was judged in the state before.
            if self.way.asking || narrows(&*self.policy, &self.config.exceptions, before, state) {
                self.cut(evidence, who)?;
            }
            self.book.keep(state).map_err(|source| EngineError::Io { doing: "keep the state", source })?;
            self.note(
                "state",
                [("from", before.name().into()), ("to", state.name().into()), ("said", who.into())],
            )?;
            // What is told of a flight begins and ends with counts of its own.
            if before.may_fly() != state.may_fly() || before.is_open() != state.is_open() {
                self.count_now()?;
            }
            // What may still pass does not wait for its turn.
            self.renew()?;
        }
        Ok(answer)
    }

    /// Lets through for another while what may pass now.
    fn renew(&mut self) -> Result<(), EngineError> {
        if self.fault.is_some() {
            return Ok(());
        }
        let state = self.machine.state();
        let open = self.policy.allows(state, Destination::Anywhere);
        let asking = self.resolver.is_some() && (open || self.policy.could(state, None, &Known::default()));
        let way = Way { open, asking };
        let named: Vec<&Exception> = self
            .config
            .exceptions
            .iter()
            .filter(|one| self.policy.allows(state, Destination::Named(one)))
            .collect();
        let was = self.way;
        let exempt: BTreeSet<_> = named.iter().map(|one| ruleset::key(one)).collect();
        // A policy may close without a change of state: by the time of day.
        if was.open && !open || was.asking && !asking || !self.exempt.is_subset(&exempt) {
            return self.cut(None, "the policy");
        }
        if way == Way::default() && named.is_empty() && was == way {
            return Ok(());
        }
        self.exempt = exempt;
        let minute = self.began.elapsed().as_secs() / 60;
        let passed = std::mem::replace(&mut self.minute, minute) != minute;
        if was.asking && !open && passed && self.policy.by_time() {
            return self.cut(None, "the policy asks for the time: names are judged anew");
        }
        let rules = ruleset::renew(&self.config, way, &named);
        if was == way {
            // While it is busy it prolonged of late, or will be asked again.
            if self.hand.idle() {
                self.hand.begin(Job::Apply(rules));
            }
            return Ok(());
        }
        self.turn()?;
        // Routing stays closed to all but what is marked, as long as not everything may pass.
        let told = if open { Kernel::unlock(&self.config) } else { Ok(()) };
        let told = told.and_then(|()| if asking { Kernel::admit(&self.config) } else { Ok(()) });
        let told = told.and_then(|()| match &self.resolver {
            // What is left of before was judged before.
            Some(resolver) if asking && !was.asking => {
                resolver.anew(|| Kernel::apply(&(ruleset::forget_names() + &rules)))
            }
            _ => Kernel::apply(&rules),
        });
        match told {
            Ok(()) => {
                self.way = way;
                if let Some(resolver) = self.resolver.as_ref().filter(|_| asking) {
                    resolver.open(state, open);
                }
                if open && !was.open {
                    self.note("open", [("state", state.name().into())])?;
                } else if asking && !was.asking {
                    self.note("by_name", [("state", state.name().into())])?;
                }
                Ok(())
            }
            // What is there ends by itself.
            Err(error) => self.alarm(&error.to_string()),
        }
    }

    /// Leaves it cut.
    fn end(&mut self) -> Result<Ended, EngineError> {
        self.cut(None, "the engine ends")?;
        self.count_now()?;
        self.note("end", [])?;
        Ok(if self.fault.is_none() { Ended::Cut } else { Ended::NotEnforcing })
    }

    fn alarm(&mut self, why: &str) -> Result<(), EngineError> {
        self.alarms += 1;
        self.last_alarm = Some(why.to_owned());
        anstream::eprintln!("ALARM: {why}");
        self.note("alarm", [("why", why.into())])
    }

    fn note<const N: usize>(&mut self, action: &str, detail: [(&str, Value); N]) -> Result<(), EngineError> {
        self.write(action, detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn write(&mut self, action: &str, detail: Detail) -> Result<(), EngineError> {
        self.book.note(action, detail).map_err(|source| EngineError::Io { doing: "write the ledger", source })
    }
}

/// When something was last given to the hand.
#[derive(Default)]
struct Due {
    renewed: Option<Instant>,
    linked: Option<Instant>,
    looked: Option<Instant>,
    /// Whether the kernel told of a change since.
    changed: bool,
    /// How often what is open had been changed at the last look.
    turn: u64,
}

fn gone(_: RecvError) -> EngineError {
    EngineError::Io { doing: "go on", source: io::Error::other("the thread that tells the kernel is gone") }
}

pub(crate) fn since_1970() -> Duration {
    jiff::Timestamp::now().duration_since(jiff::Timestamp::UNIX_EPOCH).unsigned_abs()
}

/// Six digits by chance.
fn code() -> Option<String> {
    let bytes: [u8; 4] = ring::rand::generate(&ring::rand::SystemRandom::new()).ok()?.expose();
    Some(format!("{:06}", u32::from_le_bytes(bytes) % 1_000_000))
}
