//! What the engine tells: in the ledger, and to whoever asks how it stands.

use serde_json::{Value, json};

use super::{Engine, EngineError};
use crate::{Kernel, names::Names, ruleset};

impl Engine {
    /// Writes down that it begins, with what, and what the law asks for where the aircraft may be.
    pub(super) fn begin(&mut self) -> Result<(), EngineError> {
        self.note(
            "start",
            [
                ("state", self.machine.state().name().into()),
                ("policy", self.policy_name().into()),
                ("exceptions", self.named().into()),
                ("region", self.config.region.clone().into()),
            ],
        )?;
        for one in self.duties.clone() {
            anstream::eprintln!(
                "{}: {} The policy does not ask about it. Who answers for that says so: creance-guard operator override",
                one.country,
                one.says
            );
            self.note(
                "duty",
                [
                    ("country", one.country.into()),
                    ("says", one.says.into()),
                    ("source", one.source.into()),
                    ("date", one.date.into()),
                ],
            )?;
        }
        Ok(())
    }

    /// An operator answers for what the law does not permit.
    pub(super) fn answers(&mut self, who: &str, why: &str) -> Result<String, EngineError> {
        self.note(
            "operator",
            [("order", "override".into()), ("who", who.into()), ("why", why.into()), ("taken", true.into())],
        )?;
        self.answered = Some(format!("{who}: {why}"));
        Ok("it stands in the ledger".to_owned())
    }

    /// Writes down what was counted until now.
    pub(super) fn count_now(&mut self) -> Result<(), EngineError> {
        // A look that is under way is of before, and must not be taken after this one.
        self.turn()?;
        self.look(Kernel::standing(&self.config))?;
        self.count()
    }

    /// Writes down what was counted. Not while rules are put back again and again, each time with counters at nothing.
    pub(super) fn count(&mut self) -> Result<(), EngineError> {
        if self.fault.is_some() {
            return Ok(());
        }
        let detail = self.tally.record();
        self.book
            .note("counts", detail)
            .map_err(|source| EngineError::Io { doing: "write the ledger", source })
    }

    fn policy_name(&self) -> &str {
        self.config.policy.as_deref().unwrap_or("local data mode, built in")
    }

    /// Exceptions, and why.
    fn named(&self) -> Vec<String> {
        self.config.exceptions.iter().map(|one| format!("{}: {}", ruleset::key(one), one.why)).collect()
    }

    /// How it stands, `creance.guard-status/1`.
    pub(super) fn status(&self) -> Value {
        json!({
            "schema": "creance.guard-status/1",
            "enforcing": self.fault.is_none(),
            "fault": self.fault,
            "state": self.machine.state().name(),
            "open": self.way.open,
            "by_name": self.way.asking,
            "names": self.resolver.as_ref().map(Names::status),
            "policy": self.policy_name(),
            "exceptions": self.named(),
            "duties": self.duties,
            "override": self.answered,
            "alarms": self.alarms,
            "last_alarm": self.last_alarm,
            "cuts": self.cuts,
            "last_cut": self.last_cut,
            "heard": self.heard,
            "sources": self.sources.status(),
            "listening": self.ears.keys().collect::<Vec<_>>(),
            "counters": self.seen.counters,
            "refused": self.tally.refused(),
            "seconds": self.began.elapsed().as_secs(),
            "signed": self.book.signs(),
            "other_tables": self.seen.others,
        })
    }
}
