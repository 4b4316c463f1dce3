//! The engine: evidence in, and the kernel told; what stands there looked at again and again.
//!
//! ```text
//! wait ─▶ telemetry, orders ─▶ state ─▶ cut at once, or renew ─▶ look: is it still ours? ─▶ wait
//! ```
//!
//! It begins and ends cut. What it finds changed is alarm, cut and put back; while it cannot be put back the guard is *not
//! enforcing*, says so, and opens nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    Answer, Book, Config, Destination, Ear, Exception, Input, Kernel, KernelError, Machine, Order, Policy,
    Seen, State,
    control::{self, Asked},
    evidence::heard,
    policy::narrows,
    record::Detail,
    ruleset,
};

/// How often it is looked at what stands in the kernel.
const LOOK: Duration = Duration::from_millis(400);
/// How often, at interfaces and what hangs on them.
const LINKS: Duration = Duration::from_secs(5);
/// How often counts go into the ledger.
const COUNTS: Duration = Duration::from_hours(1);
/// Datagrams taken before orders and time have their turn.
const BATCH: usize = 64;

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
    kernel: Kernel,
    machine: Machine,
    book: Book,
    policy: Box<dyn Policy>,
    began: Instant,
    ears: BTreeMap<String, Ear>,
    /// What our tables look like as long as nobody touches them.
    shape: Vec<String>,
    /// Whether everything may pass, as the kernel was told.
    open: bool,
    /// Why it is not enforced.
    fault: Option<String>,
    alarms: u64,
    seen: Seen,
    links: BTreeSet<String>,
    cuts: u64,
    last_cut: Value,
    /// What had left at the beginning of the turn before this one, and of this one: what is heard now came later than the first.
    marks: [u64; 2],
}

impl Engine {
    /// Cuts, then looks whether that holds.
    pub fn start(config: Config, book: Book, policy: Box<dyn Policy>) -> Result<Self, EngineError> {
        let kernel = Kernel::new();
        kernel.close(&config)?;
        let seen = kernel.look()?;
        let (links, _) = kernel.links(&config)?;
        let hazards: BTreeSet<_> = seen.hazards.union(&links).cloned().collect();
        let machine = Machine::new(config.aircraft.len(), book.kept());
        let shape = seen.shape.clone();
        let mut engine = Self {
            config,
            kernel,
            machine,
            book,
            policy,
            began: Instant::now(),
            ears: BTreeMap::new(),
            shape,
            open: false,
            fault: None,
            alarms: 0,
            seen,
            links,
            cuts: 0,
            last_cut: Value::Null,
            marks: [0; 2],
        };
        let named: Vec<_> = engine
            .config
            .exceptions
            .iter()
            .map(|one| format!("{}: {}", ruleset::key(one), one.why))
            .collect();
        engine.note(
            "start",
            [
                ("state", engine.machine.state().name().into()),
                ("policy", engine.config.policy.as_deref().unwrap_or("local data mode, built in").into()),
                ("exceptions", named.into()),
            ],
        )?;
        if hazards.is_empty() {
            engine.kernel.forget().or_else(|error| engine.alarm(&error.to_string()))?;
            return Ok(engine);
        }
        engine.note("refuse", [("hazards", hazards.iter().cloned().collect::<Vec<_>>().into())])?;
        Err(EngineError::Hazard(hazards))
    }

    /// Runs until it is told to end.
    pub fn run(mut self) -> Result<Ended, EngineError> {
        let io = |doing| move |source| EngineError::Io { doing, source };
        let mut ends = SigSet::empty();
        ends.add(Signal::SIGTERM);
        ends.add(Signal::SIGINT);
        ends.thread_block().map_err(|error| io("wait for signals")(error.into()))?;
        let signals = SignalFd::with_flags(&ends, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(|error| io("wait for signals")(error.into()))?;
        let (orders, asked) = channel();
        let (wake, mut woken) = UnixStream::pair().map_err(io("make a pipe"))?;
        woken.set_nonblocking(true).map_err(io("make a pipe"))?;
        control::listen(&self.config.run, orders, wake).map_err(io("open the control socket"))?;
        let beat = self.config.dead_man() / 5;
        let (mut renewed, mut looked, mut counted, mut linked) = (None, None, Some(Instant::now()), None);
        let due = |last: Option<Instant>, every: Duration| last.is_none_or(|at| at.elapsed() >= every);
        loop {
            self.marks = [self.marks[1], self.sent()];
            self.wait(&signals, &woken, beat.min(LOOK) / 2);
            if matches!(signals.read_signal(), Ok(Some(_))) {
                return self.end();
            }
            self.listen()?;
            let _ = woken.read(&mut [0; 64]);
            self.orders(&asked)?;
            // Only operators are refused.
            let _ = self.step(Input::Tick, None, "time")?;
            if due(renewed, beat) {
                renewed = Some(Instant::now());
                self.renew()?;
            }
            if due(linked, LINKS) {
                linked = Some(Instant::now());
                self.look_at_links()?;
            }
            if due(looked, LOOK) {
                looked = Some(Instant::now());
                self.look()?;
            }
            if due(counted, COUNTS) {
                counted = Some(Instant::now());
                self.note("counts", [("counters", self.counts())])?;
            }
        }
    }

    fn wait(&self, signals: &SignalFd, woken: &UnixStream, longest: Duration) {
        let ends = [signals.as_fd(), woken.as_fd()];
        let ears = self.ears.values().map(AsFd::as_fd);
        let mut all: Vec<_> =
            ends.into_iter().chain(ears).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Whatever it says, all is looked at.
        let _ = poll(&mut all, PollTimeout::try_from(longest).unwrap_or(PollTimeout::ZERO));
    }

    /// Takes what was heard. An ear that fails is made anew when interfaces are looked at.
    fn listen(&mut self) -> Result<(), EngineError> {
        let mut lost = Vec::new();
        let mut all = Vec::new();
        for (name, ear) in &self.ears {
            for _ in 0..BATCH {
                match ear.next() {
                    Ok(Some(datagram)) => all.push(datagram),
                    Ok(None) => break,
                    Err(_) => {
                        lost.push(name.clone());
                        break;
                    }
                }
            }
        }
        for name in lost {
            self.ears.remove(&name);
        }
        for datagram in all {
            for one in heard(&datagram.payload, datagram.from, &self.config.aircraft) {
                let _ = self.step(Input::Heard(one.aircraft, one.facts), Some(datagram.seen), &one.who)?;
            }
        }
        Ok(())
    }

    fn orders(&mut self, asked: &Receiver<Asked>) -> Result<(), EngineError> {
        while let Ok(asked) = asked.try_recv() {
            let who = format!("user {}", asked.uid);
            let answer = match asked.order.clone() {
                Order::Status => Ok(self.machine.state().name().to_owned()),
                Order::Fly { reason } => self.word(Input::Fly, "fly", &who, &reason)?,
                Order::Land { reason } => self.word(Input::Land, "land", &who, &reason)?,
                Order::Release { reason } => match code() {
                    Some(code) => {
                        self.word(Input::Release(code.clone()), "release", &who, &reason)?.map(|_| {
                            format!("to confirm within a minute: creance-guard operator confirm {code}")
                        })
                    }
                    None => Err("no chance for a code".to_owned()),
                },
                Order::Confirm { code } => self.word(Input::Confirm(code), "confirm", &who, "")?,
            };
            let (taken, says) = match answer {
                Ok(says) => (true, says),
                Err(says) => (false, says),
            };
            asked.answer(&Answer { taken, says, status: self.status() });
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
            if narrows(&*self.policy, &self.config.exceptions, before, state) {
                self.cut(evidence, who)?;
            }
            self.book.keep(state).map_err(|source| EngineError::Io { doing: "keep the state", source })?;
            self.note(
                "state",
                [("from", before.name().into()), ("to", state.name().into()), ("said", who.into())],
            )?;
        }
        Ok(answer)
    }

    fn cut(&mut self, evidence: Option<Duration>, who: &str) -> Result<(), EngineError> {
        let told = self.kernel.cut();
        let took = evidence.map(|at| since_1970().saturating_sub(at));
        let bytes = self.sent().saturating_sub(self.marks[0]);
        self.open = false;
        let locked = self.kernel.lock(&self.config);
        let forgotten = self.kernel.forget();
        self.kernel.reload();
        for failed in [told, locked, forgotten].into_iter().filter_map(Result::err) {
            self.alarm(&failed.to_string())?;
        }
        let micros = took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.cuts += 1;
        self.last_cut = json!({"why": who, "us_from_evidence": micros, "bytes_at_most": bytes});
        self.note(
            "cut",
            [("why", who.into()), ("us_from_evidence", micros.into()), ("bytes_at_most", bytes.into())],
        )
    }

    /// Lets through for another while what may pass now.
    fn renew(&mut self) -> Result<(), EngineError> {
        if self.fault.is_some() {
            return Ok(());
        }
        let state = self.machine.state();
        let open = self.policy.allows(state, Destination::Anywhere);
        let named: Vec<&Exception> = self
            .config
            .exceptions
            .iter()
            .filter(|one| self.policy.allows(state, Destination::Named(one)))
            .collect();
        if !open && named.is_empty() && !self.open {
            return Ok(());
        }
        let was = self.open;
        // A policy may close without a change of state: by the time of day.
        if was && !open {
            return self.cut(None, "the policy");
        }
        let told = if open && !was { self.kernel.unlock() } else { Ok(()) };
        let told = told.and_then(|()| self.kernel.apply(&ruleset::renew(&self.config, open, &named)));
        match told {
            Ok(()) if open && !was => {
                self.open = true;
                self.note("open", [("state", state.name().into())])
            }
            Ok(()) => Ok(()),
            // What is there ends by itself.
            Err(error) => self.alarm(&error.to_string()),
        }
    }

    /// Looks whether what stands in the kernel is what was put there.
    fn look(&mut self) -> Result<(), EngineError> {
        let seen = match self.kernel.look() {
            Ok(seen) => seen,
            Err(error) => return self.trouble(&error.to_string()),
        };
        let locked = self.open || self.kernel.is_locked(&self.config).unwrap_or(false);
        let let_out = |seen: &Seen| seen.counters.get("out").copied().unwrap_or_default().packets;
        let wrong = if seen.shape != self.shape {
            Some("another hand changed our tables".to_owned())
        } else if let Some(set) = self.foreign(&seen) {
            Some(format!("another hand added to the set {set}"))
        } else if !locked {
            Some("another hand took our routing rules away".to_owned())
        } else {
            seen.hazards.union(&self.links).next().cloned()
        };
        let leaks =
            !self.open && !self.last_cut.is_null() && let_out(&seen) > let_out(&self.seen) && self.seen_cut();
        self.seen = seen;
        if leaks {
            self.alarm("packets were let out after the cut: the outside is taken down")?;
            let _ = self.kernel.down(&self.config.wan);
        }
        if let Some(why) = wrong {
            return self.trouble(&why);
        }
        if self.fault.take().is_some() {
            self.note("enforcing", [])?;
        }
        Ok(())
    }

    /// Whether the look before this one was at a cut as well: its sets were empty.
    fn seen_cut(&self) -> bool {
        self.seen.sets.get("released").is_none_or(BTreeSet::is_empty)
    }

    /// A set with an element that we did not put there.
    fn foreign<'a>(&self, seen: &'a Seen) -> Option<&'a str> {
        let named: BTreeSet<_> = self.config.exceptions.iter().map(ruleset::key).collect();
        let when_open =
            |names: &[String]| if self.open { names.iter().cloned().collect() } else { BTreeSet::new() };
        let (lan, wan) = (when_open(&self.config.lan), when_open(&self.config.wan));
        let may = |set: &str| match set {
            "released" => &lan,
            "upstream" => &wan,
            _ => &named,
        };
        seen.sets
            .iter()
            .find(|(name, elements)| !elements.is_subset(may(name)))
            .map(|(name, _)| name.as_str())
    }

    /// Cuts, and puts back what is ours. Until a look finds it in order, the guard is not enforcing.
    fn trouble(&mut self, why: &str) -> Result<(), EngineError> {
        if self.fault.as_deref() != Some(why) {
            self.fault = Some(why.to_owned());
            self.alarm(why)?;
        }
        self.open = false;
        let back = self.kernel.close(&self.config);
        if let Err(error) = back {
            self.alarm(&format!("{error}: the outside is taken down"))?;
            let _ = self.kernel.down(&self.config.wan);
        }
        Ok(())
    }

    /// Looks at interfaces: what passes by the rules, and whether one came that is to be listened to.
    fn look_at_links(&mut self) -> Result<(), EngineError> {
        match self.kernel.links(&self.config) {
            Ok((hazards, _)) => self.links = hazards,
            Err(error) => self.alarm(&error.to_string())?,
        }
        for name in &self.config.lan {
            let index = nix::net::if_::if_nametoindex(name.as_str()).ok();
            if self.ears.get(name).map(Ear::index) != index {
                self.ears.remove(name);
                if let Ok(ear) = Ear::new(name) {
                    self.ears.insert(name.clone(), ear);
                }
            }
        }
        Ok(())
    }

    /// Leaves it cut.
    fn end(mut self) -> Result<Ended, EngineError> {
        self.cut(None, "the engine ends")?;
        self.note("end", [("counters", self.counts())])?;
        Ok(if self.fault.is_none() { Ended::Cut } else { Ended::NotEnforcing })
    }

    fn alarm(&mut self, why: &str) -> Result<(), EngineError> {
        self.alarms += 1;
        anstream::eprintln!("ALARM: {why}");
        self.note("alarm", [("why", why.into())])
    }

    fn note<const N: usize>(&mut self, action: &str, detail: [(&str, Value); N]) -> Result<(), EngineError> {
        let detail: Detail = detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.book.note(action, detail).map_err(|source| EngineError::Io { doing: "write the ledger", source })
    }

    /// Bytes that left by the outside's interfaces, by their own count.
    fn sent(&self) -> u64 {
        let all = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
        // Name, eight numbers of what came, and then bytes of what left.
        let of = |line: &str| {
            let (name, numbers) = line.split_once(':')?;
            let ours = self.config.wan.iter().any(|one| one == name.trim());
            numbers.split_whitespace().nth(8).filter(|_| ours)?.parse::<u64>().ok()
        };
        all.lines().filter_map(of).sum()
    }

    /// Counters as text, for a ledger holds whole numbers and lists of words.
    fn counts(&self) -> Value {
        let all = self.seen.counters.iter().filter(|(_, count)| count.packets > 0);
        all.map(|(name, count)| format!("{name}: {} packets, {} bytes", count.packets, count.bytes))
            .collect::<Vec<_>>()
            .into()
    }

    fn status(&self) -> Value {
        json!({
            "schema": "creance.guard-status/1",
            "enforcing": self.fault.is_none(),
            "fault": self.fault,
            "state": self.machine.state().name(),
            "open": self.open,
            "alarms": self.alarms,
            "cuts": self.cuts,
            "last_cut": self.last_cut,
            "listening": self.ears.keys().collect::<Vec<_>>(),
            "counters": self.seen.counters,
            "other_tables": self.seen.others,
        })
    }
}

pub(crate) fn since_1970() -> Duration {
    jiff::Timestamp::now().duration_since(jiff::Timestamp::UNIX_EPOCH).unsigned_abs()
}

/// Six digits by chance.
fn code() -> Option<String> {
    let bytes: [u8; 4] = ring::rand::generate(&ring::rand::SystemRandom::new()).ok()?.expose();
    Some(format!("{:06}", u32::from_le_bytes(bytes) % 1_000_000))
}
