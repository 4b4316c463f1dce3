//! The flows being followed: found by addresses, forgotten by age.
//!
//! A slab of entries, an index by canonical endpoints, and one list per kind of transport from the least to the most
//! recently seen, so that the oldest is found without a search.

use std::{hash::Hash, net::IpAddr};

use creance_model::{Endpoint, Flow, Timestamp, Transport};
use rustc_hash::FxHashMap;

use crate::tcp::Stream;

/// The endpoints of a flow, the lower first, whichever end a packet came from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
    protocol: u8,
}

impl Key {
    pub(crate) fn new(a: Endpoint, b: Endpoint, protocol: u8) -> Self {
        let (a, b) = ((a.ip, a.port), (b.ip, b.port));
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, protocol }
    }
}

/// A flow being followed. `state` is `None` once the flow is closed and only remembered.
pub(crate) struct Entry<S> {
    pub(crate) key: Key,
    pub(crate) flow: Flow,
    pub(crate) state: Option<S>,
    /// Time of the last packet.
    pub(crate) last: Timestamp,
    /// The latest time that any packet had when this flow was last seen: clocks of interfaces may differ.
    seen: Timestamp,
    pub(crate) packets: [u64; 2],
    pub(crate) bytes: [u64; 2],
    pub(crate) lost: [u64; 2],
    pub(crate) conflicts: u64,
    pub(crate) syn: bool,
    /// TCP only.
    pub(crate) streams: Option<Box<[Stream; 2]>>,
    newer: usize,
    older: usize,
}

const NONE: usize = usize::MAX;

/// TCP is kept apart from the rest, for it may be silent longer.
fn list(transport: Transport) -> usize {
    usize::from(transport != Transport::Tcp)
}

pub(crate) struct Table<S> {
    entries: Vec<Option<Entry<S>>>,
    free: Vec<usize>,
    index: FxHashMap<Key, usize>,
    oldest: [usize; 2],
    newest: [usize; 2],
}

impl<S> Table<S> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            index: FxHashMap::default(),
            oldest: [NONE; 2],
            newest: [NONE; 2],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        self.index.get(key).copied()
    }

    pub(crate) fn get(&mut self, at: usize) -> Option<&mut Entry<S>> {
        self.entries.get_mut(at)?.as_mut()
    }

    pub(crate) fn insert(&mut self, key: Key, flow: Flow, state: S) -> usize {
        let streams = (flow.transport == Transport::Tcp).then(Box::default);
        let which = list(flow.transport);
        let entry = Entry {
            key,
            last: flow.first,
            seen: flow.first,
            flow,
            state: Some(state),
            packets: [0; 2],
            bytes: [0; 2],
            lost: [0; 2],
            conflicts: 0,
            syn: false,
            streams,
            newer: NONE,
            older: NONE,
        };
        let at = if let Some(at) = self.free.pop() {
            at
        } else {
            self.entries.push(None);
            self.entries.len() - 1
        };
        if let Some(slot) = self.entries.get_mut(at) {
            *slot = Some(entry);
        }
        self.index.insert(key, at);
        self.link(at, which);
        at
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<Entry<S>> {
        let which = list(self.get(at)?.flow.transport);
        self.unlink(at, which);
        let entry = self.entries.get_mut(at)?.take()?;
        self.index.remove(&entry.key);
        self.free.push(at);
        Some(entry)
    }

    /// Marks an entry as just seen.
    pub(crate) fn touch(&mut self, at: usize, time: Timestamp, now: Timestamp) {
        let Some(entry) = self.get(at) else { return };
        entry.last = entry.last.max(time);
        entry.seen = now;
        let which = list(entry.flow.transport);
        if self.newest.get(which) != Some(&at) {
            self.unlink(at, which);
            self.link(at, which);
        }
    }

    /// The least recently seen flow of a list, and when it was seen.
    pub(crate) fn oldest(&mut self, tcp: bool) -> Option<(usize, Timestamp)> {
        let at = self.oldest.get(usize::from(!tcp)).copied()?;
        Some((at, self.get(at)?.seen))
    }

    /// All entries, by flow number.
    pub(crate) fn drain(&mut self) -> Vec<Entry<S>> {
        let mut all: Vec<Entry<S>> = self.entries.drain(..).flatten().collect();
        self.index.clear();
        all.sort_by_key(|entry| entry.flow.id);
        all
    }

    fn link(&mut self, at: usize, which: usize) {
        let before = self.newest.get(which).copied().unwrap_or(NONE);
        if let Some(entry) = self.get(at) {
            (entry.older, entry.newer) = (before, NONE);
        }
        match self.get(before) {
            Some(entry) => entry.newer = at,
            None => {
                if let Some(oldest) = self.oldest.get_mut(which) {
                    *oldest = at;
                }
            }
        }
        if let Some(newest) = self.newest.get_mut(which) {
            *newest = at;
        }
    }

    fn unlink(&mut self, at: usize, which: usize) {
        let Some((older, newer)) = self.get(at).map(|entry| (entry.older, entry.newer)) else { return };
        match self.get(older) {
            Some(entry) => entry.newer = newer,
            None => {
                if let Some(oldest) = self.oldest.get_mut(which) {
                    *oldest = newer;
                }
            }
        }
        match self.get(newer) {
            Some(entry) => entry.older = older,
            None => {
                if let Some(newest) = self.newest.get_mut(which) {
                    *newest = older;
                }
            }
        }
    }
}
