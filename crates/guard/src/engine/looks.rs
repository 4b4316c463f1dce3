//! Is what stands in the kernel still what was put there? If not: alarm, cut, and put back.

use std::{collections::BTreeSet, time::Instant};

use super::{Engine, EngineError};
use crate::{
    Kernel, KernelError, Seen,
    ruleset::{self, Way},
};

impl Engine {
    /// Looks whether what stands in the kernel is what was put there.
    pub(super) fn look(&mut self, answer: Result<(Seen, bool), KernelError>) -> Result<(), EngineError> {
        let (seen, locked) = match answer {
            Ok((seen, locked)) => (seen, self.way.open || locked),
            Err(error) => return self.trouble(&error.to_string()),
        };
        self.looked = Instant::now();
        let closed = [("out", self.way.open), ("named_out", self.way.asking)];
        let let_out = |seen: &Seen| -> u64 {
            let of = |name| seen.counters.get(name).copied().unwrap_or_default().packets;
            closed.iter().filter(|(_, open)| !open).map(|(name, _)| of(*name)).sum()
        };
        let wrong = if seen.shape != self.shape {
            Some("another hand changed our tables".to_owned())
        } else if let Some(set) = self.foreign(&seen) {
            Some(format!("another hand added to the set {set}"))
        } else if !locked {
            Some("another hand took our routing rules away".to_owned())
        } else {
            seen.hazards.union(&self.links).next().cloned().or_else(|| self.deaf.clone())
        };
        // Between two looks at one cut nothing may have been let out.
        let leaks = self.seen_at == self.turn && let_out(&seen) > let_out(&self.seen);
        self.seen_at = self.turn;
        self.tally.take(&seen);
        self.seen = seen;
        if leaks {
            let _ = Kernel::down(&self.config.wan);
            return self.trouble("packets were let out after the cut: the outside was taken down");
        }
        if let Some(why) = wrong {
            return self.trouble(&why);
        }
        if self.fault.take().is_some() {
            self.note("enforcing", [])?;
        }
        Ok(())
    }

    /// A set with an element that we did not put there.
    fn foreign<'a>(&self, seen: &'a Seen) -> Option<&'a str> {
        let named: BTreeSet<_> = self.config.exceptions.iter().map(ruleset::key).collect();
        let when_open = |sides: &[&[String]], open| -> BTreeSet<String> {
            if open { sides.concat().into_iter().collect() } else { BTreeSet::new() }
        };
        let (lan, wan) = (&self.config.lan[..], &self.config.wan[..]);
        let begun = when_open(&[&[ruleset::begun()]], self.way.open);
        let asking = when_open(&[lan, wan], self.way.asking);
        let (lan, wan) = (when_open(&[lan], self.way.open), when_open(&[wan], self.way.open));
        let may = |set: &str| match set {
            "begun" => &begun,
            "released" => &lan,
            "upstream" => &wan,
            "asking" => &asking,
            _ => &named,
        };
        let given = |element: &String| self.resolver.as_ref().is_some_and(|resolver| resolver.knows(element));
        let ours = |name: &str, elements: &BTreeSet<String>| match name {
            // While cut they count for nothing.
            "named4" | "named6" => !self.way.asking || elements.iter().all(given),
            _ => elements.is_subset(may(name)),
        };
        seen.sets.iter().find(|(name, elements)| !ours(name, elements)).map(|(name, _)| name.as_str())
    }

    /// Cuts, and puts back what is ours. Until a look finds it in order, the guard is not enforcing.
    pub(super) fn trouble(&mut self, why: &str) -> Result<(), EngineError> {
        // First it is done, then written down: a disk may be full.
        if let Some(resolver) = &self.resolver {
            resolver.cut();
        }
        // What fails here is done by what follows.
        let _ = self.loaded.routes(self.way);
        self.turn()?;
        self.way = Way::default();
        self.exempt = BTreeSet::new();
        let back = Kernel::close(&self.config);
        if back.is_err() {
            let _ = Kernel::down(&self.config.wan);
        }
        self.loaded.reload();
        if self.fault.as_deref() != Some(why) {
            self.count()?;
            self.fault = Some(why.to_owned());
            self.alarm(why)?;
        }
        self.tally.anew();
        if let Err(error) = back {
            self.alarm(&format!("{error}: the outside was taken down"))?;
        }
        Ok(())
    }
}
