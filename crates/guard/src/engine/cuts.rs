//! The cut: the way closed, what was let out forgotten, and what left meanwhile bounded.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{Engine, EngineError, since_1970};
use crate::{Kernel, ruleset::Way};

impl Engine {
    /// Ends all that passes. The record tells how long that took from the evidence, by routing and by the sets, how many bytes left
    /// at most since the kernel saw the evidence, and how many of these still waited behind the rules (`left`).
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
        let left = self.marks.left(&self.config.wan, evidence);
        let detail: [(&str, Value); 5] = [
            ("why", who.into()),
            ("us_to_routes", closed.into()),
            ("us_to_sets", emptied.into()),
            ("bytes_at_most", left.map(|left| left.most).into()),
            ("bytes_waiting", left.map(|left| left.waiting).into()),
        ];
        self.cuts += 1;
        self.last_cut = detail.iter().cloned().collect();
        self.note("cut", detail)
    }
}
