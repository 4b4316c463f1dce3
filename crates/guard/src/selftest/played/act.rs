//! What is under way between two changes of flight: what was sent, and what of it the witness saw.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
};

use super::{
    super::{
        is_own,
        rewrite::{Ends, ends, lasting},
    },
    ASKERS, Told,
};
use crate::frames::{SERVER, SERVER6};

/// What a packet that was sent is to its conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// What it begins with, sent once more.
    Begins,
    /// What it begins with, as recorded.
    Both,
    /// What follows.
    Goes,
}

/// What is under way between two changes of flight.
#[derive(Debug, Default)]
pub(super) struct Act {
    pub(super) scene: Tallied,
    /// Conversations whose first packet is still to be sent.
    pub(super) begins: BTreeSet<usize>,
    /// What was sent and not yet seen outside, without what changes on the way.
    pub(super) sent: BTreeMap<Vec<u8>, VecDeque<Option<(usize, Kind)>>>,
    /// By whom conversations are known outside.
    pub(super) by_ends: BTreeMap<Ends, usize>,
    /// Conversations of which something was seen, and those of which it was looked for in vain.
    pub(super) arrived: BTreeSet<usize>,
    pub(super) missed: BTreeSet<usize>,
}

/// What was counted meanwhile.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    pub(super) told: BTreeMap<usize, Told>,
    pub(super) within: [u64; 2],
    pub(super) strays: u64,
    pub(super) unsent: u64,
}

impl Act {
    /// Counts what the witness saw.
    pub(super) fn take(&mut self, frames: &[Vec<u8>]) {
        for frame in frames.iter().filter(|frame| !is_own(frame)) {
            let Some(packet) = frame.get(14..) else { continue };
            let same = self.sent.get_mut(&lasting(packet)).and_then(VecDeque::pop_front);
            let ends = ends(packet);
            // What was put together and cut anew on the way is told by its ends.
            let of = same.or_else(|| Some(Some((*self.by_ends.get(&ends?)?, Kind::Goes))));
            match of {
                Some(None) => self.scene.within[1] += 1,
                Some(Some((at, kind))) => {
                    self.arrived.insert(at);
                    let told = self.scene.told.entry(at).or_default();
                    told.seen += u64::from(kind != Kind::Begins);
                    if kind != Kind::Goes {
                        told.begun = Some(true);
                    }
                }
                None if ends.is_some_and(is_question) => {}
                None => self.scene.strays += 1,
            }
        }
    }
}

/// Whether it is the gateway's own resolver that asks.
fn is_question(ends: Ends) -> bool {
    let server = ends.to == IpAddr::from(SERVER) || ends.to == IpAddr::from(SERVER6);
    server && ends.ports.1 == 53 && ASKERS.iter().any(|asker| asker.parse() == Ok(ends.from))
}
