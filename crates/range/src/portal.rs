//! A network that lets nobody out before a page of its own is answered: hotels and cafés have them (RFC 8952).
//!
//! The phone's question whether there is an internet is answered with another address; there, the user agrees.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{Error, app::Outgoing, clouds::Role, stage::Stage, truth::Trap};

/// Whether the network lets everybody out. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    /// One that is shut, or was never there.
    pub(crate) fn new(shut: bool) -> Self {
        Self(Arc::new(AtomicBool::new(!shut)))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The host of the page.
pub(crate) const HOST: &str = "welcome.guestnet.example";

const TRAP: Trap = Trap {
    kind: "captive-portal",
    reason: "the network's own page is asked for and agreed to, before anything else is let out",
    direction: "out",
};

/// The user gets out, right after unlocking the phone.
pub(crate) async fn pass(stage: Stage) -> Result<(), Error> {
    let mut random = stage.random();
    let unlock = stage.plan.done("unlock_phone").next().map(|action| action.time).unwrap_or_default();
    let form = "application/x-www-form-urlencoded";
    let list = [
        (Role::Portal, 0.1, Outgoing::get("/generate_204")),
        (Role::Gate, 0.2, Outgoing::get("/login")),
        (Role::Gate, 0.9, Outgoing::post("/accept", form, "terms=on")),
    ];
    for (role, seconds, outgoing) in list {
        let pause = seconds + random.f64() / 10.0;
        stage.until(unlock + std::time::Duration::from_secs_f64(pause)).await;
        let sent = stage.send(role, outgoing.in_clear(), Vec::new()).await?;
        stage.note_benign(sent, TRAP);
    }
    Ok(())
}
