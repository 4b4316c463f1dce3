//! The resolver for clients: what names they may ask for, and which addresses they may reach by them.
//!
//! ```text
//! client ─▶ question ─▶ kept for it? ───────────────────────────────────▶ answer
//!              │ no: a bypass? a tunnel? might the policy permit it?        ▲
//!              ▼                                                            │
//!           upstream ─▶ found: chain, addresses, bare of ECH ─▶ judged ─▶ grants: the kernel's sets
//! ```
//!
//! While cut nothing is asked outside. While all may pass, answers are only cleaned. Otherwise a name is asked for where the
//! policy might permit it, each of its addresses is judged with what is known of it then, and those that are permitted
//! are reachable for that client, by the ports that were permitted, before it is told.
//!
//! Threads and sockets of the system: docs/decisions/028 says why. They die with the process, and nobody is answered then.

mod answer;
mod bypass;
pub(crate) mod captive;
mod grants;
mod kept;
mod limits;
mod notes;
mod question;
mod serve;
mod settings;
mod tunnel;
mod upstream;
mod wire;

use std::{
    borrow::Cow,
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use creance_place::Atlas;
use serde_json::Value;

pub use answer::{Found, Unusable, Written};
pub(crate) use grants::Grant;
pub use question::{Question, Read};
pub use settings::{Port, Server, Settings};
pub(crate) use upstream::MARK;

use crate::{Judged, Policy, State, facts, record::Detail};
use bypass::Bypasses;
use grants::Grants;
use kept::Kept;
use limits::Limits;
use notes::Notes;
use question::{Key, kind, rcode};
use tunnel::{Seen, Tunnels};

/// For how long a refusal is kept, so that whoever insists costs nothing.
const REFUSAL_HOLDS: Duration = Duration::from_secs(2);
/// Larger answers are given and not kept.
const LARGEST_KEPT: usize = 2048;
/// Extended errors (RFC 8914): blocked by whoever runs the resolver; nobody outside was reached.
const BLOCKED: Option<u16> = Some(15);
const UNREACHED: Option<u16> = Some(22);

/// The resolver, as the engine holds it.
#[derive(Clone)]
pub struct Names {
    shared: Arc<Shared>,
}

/// What all threads of the resolver share.
struct Shared {
    settings: Settings,
    policy: Arc<dyn Policy>,
    atlas: Atlas,
    bypasses: Bypasses,
    mode: RwLock<Mode>,
    /// What was found, by name and type.
    found: Mutex<Kept<Arc<Found>>>,
    /// What is answered in this mode, by name, type and, unless all may pass, client.
    served: RwLock<Kept<Arc<Served>>>,
    /// What is being asked for.
    asking: Mutex<HashMap<Key, Arc<Asking>>>,
    limits: Mutex<Limits>,
    tunnels: Mutex<Tunnels>,
    grants: Grants,
    notes: Notes,
}

/// What may be. Nothing that was judged in one mode counts in the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Mode {
    number: u64,
    may: May,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum May {
    /// Nothing is asked outside.
    Nothing,
    /// What the policy permits in this state.
    Judged(State),
    /// All.
    Everything,
}

/// An answer that is ready.
#[derive(Debug)]
struct Served {
    what: Ready,
    until: Instant,
}

#[derive(Debug)]
enum Ready {
    Written(Written),
    Short(u8, Option<u16>),
}

/// A question that somebody asks outside; others who want the same wait for what comes.
#[derive(Debug, Default)]
struct Asking {
    came: Mutex<Came>,
    told: Condvar,
}

/// What came of asking.
#[derive(Clone, Debug, Default)]
enum Came {
    /// Nothing yet.
    #[default]
    Nothing,
    Answer(Arc<Found>),
    /// Nobody answered.
    Silence,
}

/// What is done with what a client sent.
enum Step {
    /// This is sent back.
    Answer(Vec<u8>),
    /// It takes longer.
    Later(Question),
    /// Nothing.
    Nothing,
}

impl Names {
    /// Listens. Until [`Self::open`] everything is refused.
    pub fn start(settings: &Settings, policy: Arc<dyn Policy>) -> io::Result<Self> {
        let names = Self::new(settings, policy)?;
        serve::start(&names.shared)?;
        if settings.captive {
            captive::start(&names.shared)?;
        }
        Ok(names)
    }

    fn new(settings: &Settings, policy: Arc<dyn Policy>) -> io::Result<Self> {
        let half = settings.most_answers;
        let shared = Shared {
            policy,
            atlas: Atlas::bundled().map_err(io::Error::other)?,
            bypasses: Bypasses::bundled().map_err(io::Error::other)?,
            mode: RwLock::new(Mode { number: 0, may: May::Nothing }),
            found: Mutex::new(Kept::new(half)),
            served: RwLock::new(Kept::new(half)),
            asking: Mutex::default(),
            limits: Mutex::new(Limits::new(settings.per_second, Instant::now())),
            tunnels: Mutex::new(Tunnels::new(settings.tunnel_bytes)),
            grants: Grants::default(),
            notes: Notes::default(),
            settings: settings.clone(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// From now on nothing is asked outside. To be called before the kernel is told.
    pub fn cut(&self) {
        self.shared.change(May::Nothing);
    }

    /// From now on the policy is asked in this state; or nobody, if everything may pass. To be called when the kernel was told.
    pub fn open(&self, state: State, everything: bool) {
        self.shared.change(if everything { May::Everything } else { May::Judged(state) });
    }

    /// Has the kernel's sets emptied by `empty`, while nothing is put into them.
    pub fn anew<T>(&self, empty: impl FnOnce() -> T) -> T {
        self.shared.grants.anew(empty)
    }

    /// Whether an element of the kernel's sets was put there by this.
    pub fn knows(&self, element: &str) -> bool {
        self.shared.grants.knows(element)
    }

    /// What is to stand in the ledger, now and then.
    pub fn notes(&self) -> Option<Detail> {
        self.shared.notes.take(Instant::now())
    }

    /// How it stands: counts since the start.
    pub fn status(&self) -> Value {
        self.shared.notes.status(self.shared.grants.count())
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, may: May) {
        let mut mode = self.mode.write().unwrap_or_else(PoisonError::into_inner);
        if mode.may != may {
            *mode = Mode { number: mode.number + 1, may };
            self.served.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// What can be done at once with what a client sent.
    fn first(&self, bytes: &[u8], client: IpAddr, largest: usize) -> Step {
        let question = match Question::read(bytes) {
            Read::Ask(question) => question,
            Read::Tell(told) => {
                return if self.within_limits(client) { Step::Answer(told) } else { Step::Nothing };
            }
            Read::Drop => return Step::Nothing,
        };
        let (now, mode) = (Instant::now(), self.mode());
        if let Some(bytes) = self.ready(&question, client, mode, now, largest) {
            self.notes.count(|counts| &counts.kept);
            return Step::Answer(bytes);
        }
        if !self.within_limits(client) {
            return Step::Nothing;
        }
        match self.refused(&question, client, mode, now) {
            Some((code, why)) => {
                if let Some(answer) = self.probe(&question) {
                    return Step::Answer(answer);
                }
                let ready = Ready::Short(code, why);
                let answer = question.short(code.into(), why);
                self.serve(&question, client, mode, Served { what: ready, until: now + REFUSAL_HOLDS });
                Step::Answer(answer)
            }
            None => Step::Later(question),
        }
    }

    /// The answer to the name of a probe that may not leave, where probes are answered here.
    fn probe(&self, question: &Question) -> Option<Vec<u8>> {
        let answer = captive::named(question, &self.settings.listen).filter(|_| self.settings.captive)?;
        self.notes.count(|counts| &counts.led_here);
        Some(answer)
    }

    fn within_limits(&self, client: IpAddr) -> bool {
        let within = locked(&self.limits).take(client, Instant::now());
        if !within {
            self.notes.count(|counts| &counts.limited);
        }
        within
    }

    /// What is refused before anybody is asked, with the code and why.
    fn refused(
        &self,
        question: &Question,
        client: IpAddr,
        mode: Mode,
        now: Instant,
    ) -> Option<(u8, Option<u16>)> {
        let kind = question.kind();
        let blocked = Some((rcode::REFUSED, BLOCKED));
        // ANY, transfers and other questions that are no types.
        if matches!(kind, 0 | kind::OPT | 128..=255) {
            self.notes.refused(client, "a name", "a kind of question that is not answered");
            return blocked;
        }
        let Some(name) = question.name() else {
            self.notes.refused(client, "a name", "no host has such a name");
            return blocked;
        };
        if self.bypasses.has(&name) && !self.settings.may_be_private(&name) {
            self.notes.count(|counts| &counts.bypasses);
            return Some((rcode::NO_NAME, None));
        }
        match locked(&self.tunnels).see(client, &name, kind, now) {
            Seen::Fine => {}
            Seen::Known => {
                self.notes.count(|counts| &counts.tunnelled);
                return blocked;
            }
            Seen::Found(domain) => {
                self.notes.tunnel(client, &domain);
                return blocked;
            }
        }
        let why = match mode.may {
            May::Everything => return None,
            May::Nothing => "cut",
            May::Judged(_)
                if !matches!(
                    kind,
                    kind::A | kind::AAAA | kind::CNAME | kind::SRV | kind::SVCB | kind::HTTPS
                ) =>
            {
                "a type that nobody connects by"
            }
            May::Judged(state) => {
                let known = facts::named(&self.atlas, &name);
                if self.policy.could(state, Some(client), &known) {
                    return None;
                }
                "the policy permits it in no case"
            }
        };
        self.notes.refused(client, &name, why);
        blocked
    }

    /// What is ready for whoever asks.
    fn ready(
        &self,
        question: &Question,
        client: IpAddr,
        mode: Mode,
        now: Instant,
        largest: usize,
    ) -> Option<Vec<u8>> {
        let key = served_key(question, client, mode);
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner).get(&key)?;
        if served.until <= now {
            return None;
        }
        Some(match &served.what {
            Ready::Written(written) => written.answer(question, now, question_limit(question, largest)),
            Ready::Short(code, why) => question.short((*code).into(), *why),
        })
    }

    fn serve(&self, question: &Question, client: IpAddr, mode: Mode, served: Served) {
        if matches!(&served.what, Ready::Written(written) if written.len() > LARGEST_KEPT) {
            return;
        }
        // Whoever changes the mode holds its lock until all of the old one is gone.
        let current = self.mode.read().unwrap_or_else(PoisonError::into_inner);
        if *current == mode {
            let mut all = self.served.write().unwrap_or_else(PoisonError::into_inner);
            all.put(served_key(question, client, mode).into(), Arc::new(served));
        }
    }

    /// Finds an answer, however long it takes. `largest` is 65535 over TCP.
    fn resolve(&self, question: &Question, client: IpAddr, largest: usize) -> Vec<u8> {
        let mode = self.mode();
        let holds = || self.mode() == mode;
        if mode.may == May::Nothing {
            return question.short(rcode::REFUSED.into(), BLOCKED);
        }
        let Some(found) = self.found(question, &holds) else {
            self.notes.count(|counts| &counts.failed);
            return if holds() {
                question.short(rcode::FAILED.into(), UNREACHED)
            } else {
                question.short(rcode::REFUSED.into(), BLOCKED)
            };
        };
        let now = Instant::now();
        let written = match mode.may {
            May::Judged(state) => match self.granted(&found, client, state, &holds) {
                Ok(may) => found.written(question, |ip| may.contains(&ip)),
                Err(why) => {
                    self.notes.refused(client, found.names.first().map_or("", String::as_str), &why);
                    let what = Ready::Short(rcode::REFUSED, BLOCKED);
                    self.serve(question, client, mode, Served { what, until: now + REFUSAL_HOLDS });
                    return question.short(rcode::REFUSED.into(), BLOCKED);
                }
            },
            _ => found.written(question, |_| true),
        };
        let Some(written) = written.filter(|_| holds()) else {
            return question.short(rcode::FAILED.into(), None);
        };
        let answer = written.answer(question, now, question_limit(question, largest));
        self.serve(question, client, mode, Served { what: Ready::Written(written), until: found.until() });
        answer
    }

    /// What is kept of it or found outside.
    fn found(&self, question: &Question, holds: &dyn Fn() -> bool) -> Option<Arc<Found>> {
        let now = Instant::now();
        if let Some(found) = locked(&self.found).get(&question.key).filter(|found| now < found.until()) {
            return Some(found);
        }
        let (asking, first) = {
            let mut all = locked(&self.asking);
            let known = all.get(&question.key).map(Arc::clone);
            let asking = known.clone().unwrap_or_default();
            if known.is_none() {
                all.insert(question.key.clone(), Arc::clone(&asking));
            }
            (asking, known.is_none())
        };
        if !first {
            let mut came = locked(&asking.came);
            loop {
                match &*came {
                    Came::Nothing => came = asking.told.wait(came).unwrap_or_else(PoisonError::into_inner),
                    Came::Answer(found) => return Some(Arc::clone(found)),
                    Came::Silence => return None,
                }
            }
        }
        self.notes.count(|counts| &counts.asked);
        let found = upstream::ask(&self.settings, question, holds).map(Arc::new);
        if let Some(found) = &found {
            if found.inward > 0 {
                self.notes.inward(found.names.first().map_or("", String::as_str));
            }
            locked(&self.found).put(question.key.clone(), Arc::clone(found));
        }
        locked(&self.asking).remove(&question.key);
        *locked(&asking.came) = found.clone().map_or(Came::Silence, Came::Answer);
        asking.told.notify_all();
        found
    }

    /// Judges what was found, and has the kernel let through what is permitted: which addresses, or why none.
    fn granted(
        &self,
        found: &Found,
        client: IpAddr,
        state: State,
        holds: &dyn Fn() -> bool,
    ) -> Result<Vec<IpAddr>, String> {
        let mut grants = Vec::new();
        let mut why = "no rule permits it".to_owned();
        // An address of the other family would be reached from an address of the client that is not known here.
        for to in found.addresses.iter().copied().filter(|to| to.is_ipv4() == client.is_ipv4()) {
            for port in &self.settings.ports {
                match self.judged(&found.names, to, *port, client, state) {
                    Judged::Allowed => grants.push(Grant { client, to, port: *port }),
                    Judged::Forbidden(rules) => why = rules,
                    Judged::Unpermitted => {}
                }
            }
        }
        let mut may: Vec<IpAddr> = grants.iter().map(|one| one.to).collect();
        may.dedup();
        if may.is_empty() {
            // Nothing of the kind is there: that may be told, as it was asked for.
            let none = found.addresses.iter().all(|to| to.is_ipv4() != client.is_ipv4());
            return if none { Ok(may) } else { Err(why) };
        }
        let left = found.until().saturating_duration_since(Instant::now());
        if self.grants.hold(&grants, left, holds) {
            Ok(may)
        } else {
            Err("the kernel was not told".to_owned())
        }
    }

    /// What the policy says of an address by the name that was asked for; and no name that this led to may be forbidden.
    fn judged(&self, names: &[String], to: IpAddr, port: Port, client: IpAddr, state: State) -> Judged {
        let mut all = names.iter().map(|name| {
            self.policy.judge(state, client, &facts::answered(&self.atlas, to, port.number, name))
        });
        match all.next() {
            Some(Judged::Allowed) => {}
            other => return other.unwrap_or(Judged::Unpermitted),
        }
        all.find(|judged| matches!(judged, Judged::Forbidden(_))).unwrap_or(Judged::Allowed)
    }
}

/// How large an answer may be for whoever asks, where the way to it takes so much.
fn question_limit(question: &Question, largest: usize) -> usize {
    if largest > usize::from(question::LARGEST) { largest } else { question.largest() }
}

/// What tells ready answers apart.
fn served_key(question: &Question, client: IpAddr, mode: Mode) -> Cow<'_, [u8]> {
    if mode.may == May::Everything {
        return Cow::Borrowed(&question.key);
    }
    let mut key = Vec::with_capacity(question.key.len() + 16);
    key.extend(&question.key);
    match client {
        IpAddr::V4(ip) => key.extend(ip.octets()),
        IpAddr::V6(ip) => key.extend(ip.octets()),
    }
    Cow::Owned(key)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
