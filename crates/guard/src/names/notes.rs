//! What the resolver did: counts, and what is to stand in the ledger, gathered so that a flood writes no flood.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::IpAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::tunnel::registered;
use crate::record::Detail;

/// How often it is written down.
const EVERY: Duration = Duration::from_secs(10);
/// Lines of one record; what is beyond is counted alone.
const MOST: usize = 64;

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Answered from what is kept.
    pub(super) kept: AtomicU64,
    /// Asked outside.
    pub(super) asked: AtomicU64,
    /// Nobody outside answered.
    pub(super) failed: AtomicU64,
    /// Refused by the policy, or as nothing is asked while cut.
    pub(super) refused: AtomicU64,
    /// Names of bypasses, which do not exist here.
    pub(super) bypasses: AtomicU64,
    /// Questions of tunnels.
    pub(super) tunnelled: AtomicU64,
    /// Dropped, as one client asked too much.
    pub(super) limited: AtomicU64,
    /// Answers with addresses of the inside.
    pub(super) inward: AtomicU64,
    /// Questions for names of probes that were answered with addresses of this machine, and probes that were answered.
    pub(super) led_here: AtomicU64,
    pub(super) probes: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    counts: Counts,
    gathered: Mutex<Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    since: Option<Instant>,
    lines: BTreeMap<(&'static str, String), u64>,
    beyond: u64,
}

impl Notes {
    pub(super) fn count(&self, which: impl Fn(&Counts) -> &AtomicU64) {
        which(&self.counts).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, client: IpAddr, name: &str, why: &str) {
        self.count(|counts| &counts.refused);
        self.gather("refused", format!("{client} asked for {}: {why}", shown(name)));
    }

    pub(super) fn tunnel(&self, client: IpAddr, domain: &str) {
        self.count(|counts| &counts.tunnelled);
        self.gather("tunnels", format!("{client} by names below {}", shown(domain)));
    }

    pub(super) fn inward(&self, name: &str) {
        self.count(|counts| &counts.inward);
        self.gather("inward", format!("{} was said to be inside", shown(name)));
    }

    fn gather(&self, what: &'static str, line: String) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.since.get_or_insert_with(Instant::now);
        let key = (what, line);
        if gathered.lines.len() >= MOST && !gathered.lines.contains_key(&key) {
            gathered.beyond += 1;
        } else {
            *gathered.lines.entry(key).or_default() += 1;
        }
    }

    /// What was gathered, if that is long enough ago.
    pub(super) fn take(&self, now: Instant) -> Option<Detail> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let since = gathered.since?;
        if now.saturating_duration_since(since) < EVERY {
            return None;
        }
        let Gathered { lines, beyond, .. } = std::mem::take(&mut *gathered);
        let mut detail: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ((what, line), times) in lines {
            detail.entry(what.to_owned()).or_default().push(format!("{line} ({times})"));
        }
        let mut detail: Detail = detail.into_iter().map(|(what, lines)| (what, lines.into())).collect();
        if beyond > 0 {
            detail.insert("beyond".to_owned(), beyond.into());
        }
        Some(detail)
    }

    pub(super) fn status(&self, reachable: usize) -> Value {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        json!({
            "kept": of(&counts.kept),
            "asked": of(&counts.asked),
            "failed": of(&counts.failed),
            "refused": of(&counts.refused),
            "bypasses": of(&counts.bypasses),
            "tunnelled": of(&counts.tunnelled),
            "limited": of(&counts.limited),
            "inward": of(&counts.inward),
            "led_here": of(&counts.led_here),
            "probes": of(&counts.probes),
            "reachable": reachable,
        })
    }
}

/// The longest label that is written down whole.
const LONGEST_LABEL: usize = 20;

/// A name that may stand in a record: long labels may be data, and are told by their length.
fn shown(name: &str) -> String {
    let domain = registered(name);
    let below = name.strip_suffix(domain).unwrap_or_default();
    let mut text = String::new();
    for label in below.split('.').filter(|label| !label.is_empty()) {
        if label.len() > LONGEST_LABEL {
            let _ = write!(text, "<{}>", label.len());
        } else {
            text.push_str(label);
        }
        text.push('.');
    }
    text + domain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_counted_and_others_bounded() {
        let notes = Notes::default();
        let client: IpAddr = "10.0.0.2".parse().unwrap();
        for _ in 0..3 {
            notes.refused(client, "a.example", "cut");
        }
        for number in 0..200 {
            notes.refused(client, &format!("n{number}.example"), "cut");
        }
        let now = Instant::now();
        assert_eq!(notes.take(now), None);
        let detail = notes.take(now + EVERY).unwrap();
        let lines = detail["refused"].as_array().unwrap();
        assert_eq!((lines.len(), &lines[0]), (MOST, &Value::from("10.0.0.2 asked for a.example: cut (3)")));
        assert_eq!(detail["beyond"], 201 - MOST);
        assert_eq!(notes.take(now + EVERY), None);
        assert_eq!(notes.status(0)["refused"], 203);
    }

    #[test]
    fn what_may_be_data_is_not_written_down() {
        assert_eq!(shown("www.a.example"), "www.a.example");
        assert_eq!(shown("ge2tqmkzmfzwizlsovxgk.t.evil.example"), "<21>.t.evil.example");
    }
}
