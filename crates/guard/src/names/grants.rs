//! Who may reach what: addresses that clients were given for names they may ask for, in sets of the kernel (`ruleset.rs`).
//!
//! Elements end by themselves. They count only while the engine renews the set `asking`, so that here nothing has to be
//! renewed for the dead man's sake. Several clients' elements go to the kernel in one transaction: whoever comes first
//! takes along what others have laid down meanwhile.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Kernel, ruleset};

use super::settings::Port;

/// Elements at one time.
const MOST: usize = 4096;
/// Longer than an answer holds: a client asks anew before it is shut out.
const GRACE: Duration = Duration::from_secs(30);
/// How long the kernel may still show what ended.
const SHOWN: Duration = Duration::from_secs(5);

/// A client and what it may reach.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Grant {
    pub(crate) client: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) port: Port,
}

/// What stands in the kernel.
#[derive(Debug, Default)]
pub(super) struct Grants {
    held: Mutex<Held>,
    /// Held while the kernel is told.
    telling: Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    until: HashMap<Grant, Instant>,
    waiting: Vec<(Grant, Duration)>,
}

impl Grants {
    /// Has the kernel let all of these through for a time, if `holds` still when it is told. False where it does not.
    pub(super) fn hold(&self, grants: &[Grant], time: Duration, holds: impl Fn() -> bool) -> bool {
        let now = Instant::now();
        {
            let mut held = self.held();
            let enough = |one: &&Grant| held.until.get(*one).is_none_or(|until| *until < now + time);
            let missing: Vec<Grant> = grants.iter().filter(enough).copied().collect();
            if missing.is_empty() {
                return holds();
            }
            held.until.retain(|_, until| now < *until + SHOWN);
            if held.until.len() + held.waiting.len() + missing.len() > MOST {
                return false;
            }
            held.waiting.extend(missing.into_iter().map(|one| (one, time + GRACE)));
        }
        let telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = {
            let mut held = self.held();
            let batch = std::mem::take(&mut held.waiting);
            // It may be seen in the kernel before this is told that it is there.
            held.until.extend(batch.iter().map(|(one, time)| (*one, now + *time)));
            batch
        };
        let told = batch.is_empty() || holds() && Kernel::apply(&ruleset::grant(&batch)).is_ok();
        if !told {
            let mut held = self.held();
            for (one, _) in &batch {
                held.until.remove(one);
            }
        }
        drop(telling);
        let held = self.held();
        holds() && grants.iter().all(|one| held.until.contains_key(one))
    }

    /// Forgets all, and keeps anything from being told meanwhile: the kernel's sets are to be emptied by `empty`.
    pub(super) fn anew<T>(&self, empty: impl FnOnce() -> T) -> T {
        let telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut held = self.held();
            held.until.clear();
            held.waiting.clear();
        }
        let done = empty();
        drop(telling);
        done
    }

    /// Whether an element that the kernel shows, as nft writes it, is one of these.
    pub(super) fn knows(&self, element: &str) -> bool {
        read(element).is_some_and(|one| self.held().until.contains_key(&one))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let now = Instant::now();
        self.held().until.values().filter(|until| now < **until).count()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an element.
fn read(element: &str) -> Option<Grant> {
    let mut parts = element.split(" . ");
    let (client, to) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let port = format!("{}/{}", parts.next()?, parts.next()?).parse().ok()?;
    parts.next().is_none().then_some(Grant { client, to, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_as_it_is_written() {
        for (client, to, port) in [("10.0.0.2", "8.8.8.8", "tcp/443"), ("fd77::2", "2001:db8::1", "udp/443")]
        {
            let grant = Grant {
                client: client.parse().unwrap(),
                to: to.parse().unwrap(),
                port: port.parse().unwrap(),
            };
            let text = ruleset::grant(&[(grant, Duration::from_mins(1))]);
            let element = text.split(['{', '}']).nth(1).unwrap().split(" timeout").next().unwrap().trim();
            assert_eq!(read(element), Some(grant), "{text}");
        }
        for wrong in [
            "",
            "10.0.0.2",
            "10.0.0.2 . 8.8.8.8 . tcp . x",
            "a . b . tcp . 1",
            "10.0.0.2 . 8.8.8.8 . tcp . 1 . 2",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
