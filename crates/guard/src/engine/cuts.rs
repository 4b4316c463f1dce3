//! The cut: the way closed, what was let out forgotten, and what left meanwhile bounded.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{Engine, EngineError, since_1970};
use crate::{Kernel, ruleset::Way};

impl Engine {
    /// Ends all that passes. The record tells how long that took from the evidence, by routing and by the sets, and how many bytes
    /// left at most: those of the outside's interfaces since before the evidence, and those that waited in their queues. Evidence
    /// that waited elsewhere may be of before anything that was marked: then that is not known.
    pub(super) fn cut(&mut self, evidence: Option<Duration>, who: &str) -> Result<(), EngineError> {
        let micros = || {
            let took = evidence.map(|at| since_1970().saturating_sub(at));
            took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
        };
        if let Some(resolver) = &self.resolver {
            resolver.cut();
        }
        let routes = self.loaded.routes(self.way);
        let closed = micros().filter(|_| matches!(routes, Ok(true)));
        if routes.is_err() {
            // Nobody was there to do it. What fails is told below, where it is tried again.
            let _ = Kernel::lock(&self.config);
        }
        self.turn()?;
        let told = self.loaded.sets();
        let emptied = micros();
        // In this order, nothing is in neither.
        let queued = Kernel::queued(&self.config.wan);
        let sent = self.sent();
        self.way = Way::default();
        self.exempt = BTreeSet::new();
        let locked = Kernel::lock(&self.config);
        // Beside a routing rule of another it closed nothing.
        let closed = closed.filter(|_| Kernel::past(&self.config).is_ok_and(|past| past.is_empty()));
        let forgotten = Kernel::forget();
        self.loaded.reload();
        for failed in [told, locked, forgotten].into_iter().filter_map(Result::err) {
            self.alarm(&failed.to_string())?;
        }
        // An interface that was made anew counts from nothing.
        let mark = self.marks[0].filter(|(at, _)| evidence.is_none_or(|seen| *at <= seen));
        let left = sent.zip(mark).and_then(|(sent, (_, mark))| sent.checked_sub(mark));
        let bytes = left.zip(queued).map(|(left, queued)| left + queued);
        let detail: [(&str, Value); 4] = [
            ("why", who.into()),
            ("us_to_routes", closed.into()),
            ("us_to_sets", emptied.into()),
            ("bytes_at_most", bytes.into()),
        ];
        self.cuts += 1;
        self.last_cut = detail.iter().cloned().collect();
        self.note("cut", detail)
    }

    /// Bytes that left by the outside's interfaces, by their own count; `None`: one of them cannot be asked.
    pub(super) fn sent(&self) -> Option<u64> {
        let all = std::fs::read_to_string("/proc/net/dev").ok()?;
        // Name, eight numbers of what came, and then bytes of what left.
        let of = |name: &String| {
            let numbers =
                all.lines().find_map(|line| line.trim().strip_prefix(name.as_str())?.strip_prefix(':'))?;
            numbers.split_whitespace().nth(8)?.parse::<u64>().ok()
        };
        self.config.wan.iter().map(of).sum()
    }
}
