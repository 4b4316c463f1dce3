//! The engine's ears: one on every interface of clients; what they and other sources say goes into the state.

use super::{Engine, EngineError};
use crate::{Ear, Input, evidence::Heard};

/// Datagrams taken before orders and time have their turn.
const BATCH: usize = 64;

impl Engine {
    /// Takes what was heard. An ear that fails is made anew.
    pub(super) fn listen(&mut self) -> Result<(), EngineError> {
        let mut lost = Vec::new();
        let mut all = Vec::new();
        for (name, ear) in &mut self.ears {
            for _ in 0..BATCH {
                match ear.take() {
                    Ok(Some(datagram)) => all.push(datagram),
                    Ok(None) => break,
                    Err(_) => {
                        lost.push(name.clone());
                        break;
                    }
                }
            }
            if let Some(lost) = ear.lost_since() {
                self.sources.flooded(name, lost);
            }
        }
        // What was lost may have been a word of flight: that comes before what was heard.
        self.heed(Vec::new())?;
        if !lost.is_empty() {
            for name in lost {
                self.ears.remove(&name);
            }
            self.ears();
        }
        self.heard += all.len() as u64;
        for datagram in all {
            let said = self.sources.telemetry(&datagram);
            self.heed(said)?;
        }
        Ok(())
    }

    /// Takes what sources say. Where one is heard no more, what is open closes: it is as if it had never been said.
    pub(super) fn heed(&mut self, said: Vec<Heard>) -> Result<(), EngineError> {
        for missed in self.sources.missed() {
            let was_open = self.machine.state().is_open();
            let _ = self.step(Input::Deaf, None, &missed.why)?;
            if was_open || !missed.quiet {
                self.alarm(&missed.why)?;
            }
        }
        for one in said {
            // Only operators are refused.
            let _ = self.step(Input::Heard(one.place, one.facts), Some(one.seen), &one.who)?;
        }
        Ok(())
    }

    /// Listens on every interface of clients that is there. One that cannot be listened to could carry a flight that nobody hears.
    pub(super) fn ears(&mut self) {
        self.deaf = None;
        for name in &self.config.lan {
            let index = nix::net::if_::if_nametoindex(name.as_str()).ok();
            if self.ears.get(name).map(Ear::index) == index {
                continue;
            }
            // Of what it heard nobody heard.
            if self.ears.remove(name).is_some_and(|ear| ear.holds()) {
                self.sources.flooded(name, 1);
            }
            match index.map(|_| Ear::new(name)) {
                Some(Ok(ear)) => {
                    self.ears.insert(name.clone(), ear);
                }
                Some(Err(error)) => self.deaf = Some(format!("cannot listen on {name}: {error}")),
                None => {}
            }
        }
    }
}
