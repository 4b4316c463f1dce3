//! Is what stands in the kernel still what was put there? If not: alarm, cut, and put back.

use std::collections::BTreeSet;

use super::{Engine, EngineError};
use crate::{Kernel, KernelError, Seen, ruleset};

impl Engine {
    /// Looks whether what stands in the kernel is what was put there.
    pub(super) fn look(&mut self, answer: Result<(Seen, bool), KernelError>) -> Result<(), EngineError> {
        let (seen, locked) = match answer {
            Ok((seen, locked)) => (seen, self.open || locked),
            Err(error) => return self.trouble(&error.to_string()),
        };
        let let_out = |seen: &Seen| seen.counters.get("out").copied().unwrap_or_default().packets;
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
        let leaks = !self.open && self.seen_at == self.turn && let_out(&seen) > let_out(&self.seen);
        self.seen_at = self.turn;
        self.tally.take(&seen);
        self.seen = seen;
        if leaks {
            self.alarm("packets were let out after the cut: the outside is taken down")?;
            let _ = Kernel::down(&self.config.wan);
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
    pub(super) fn trouble(&mut self, why: &str) -> Result<(), EngineError> {
        if self.fault.as_deref() != Some(why) {
            self.count()?;
            self.fault = Some(why.to_owned());
            self.alarm(why)?;
        }
        self.turn()?;
        self.open = false;
        let back = Kernel::close(&self.config);
        self.tally.anew();
        if let Err(error) = back {
            self.alarm(&format!("{error}: the outside is taken down"))?;
            let _ = Kernel::down(&self.config.wan);
        }
        Ok(())
    }
}
