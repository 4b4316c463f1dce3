//! The flows being followed: found by addresses, forgotten by age.
//!
//! A slab of entries, an index by canonical endpoints, and lists from the least to the most recently seen, so that the
//! oldest is found without a search: one for TCP, one for the rest,
//! one for TCP that seems to be over, one for what was radiated.

use std::net::IpAddr;

use creance_model::{Endpoint, Flow, Timestamp, Transport};
use foldhash::HashMap;

use crate::{handler::Close, tcp::Stream};

/// The endpoints of a flow, the lower first, whichever end a packet came from. Addresses are numbers here: these are
/// compared for every packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Key {
    low: u128,
    high: u128,
    ports: [u16; 2],
    protocol: u8,
    /// Which of the two are IPv4.
    v4: [bool; 2],
}

impl Key {
    /// The key of a packet from `a` to `b`, and whether `a` is the lower.
    #[inline]
    pub(crate) fn new(a: Endpoint, b: Endpoint, protocol: u8) -> (Self, bool) {
        let (a, b) = (ordered(a), ordered(b));
        let first = a <= b;
        let (low, high) = if first { (a, b) } else { (b, a) };
        let (ports, v4) = ([low.2, high.2], [low.0, high.0]);
        (Self { low: low.1, high: high.1, ports, protocol, v4 }, first)
    }

    /// The key of what a transmitter radiates: no packet of IP has ends of two versions.
    pub(crate) fn of_radio(transport: Transport, transmitter: Option<[u8; 6]>) -> Self {
        let bytes = transmitter.unwrap_or_default().into_iter();
        let low = bytes.fold(0, |low, byte| low << 8 | u128::from(byte));
        let protocol = u8::from(transport == Transport::Wifi);
        Self { low, high: 0, ports: [0; 2], protocol, v4: [false, true] }
    }

    fn of(flow: &Flow) -> Self {
        let protocol = match flow.transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
            Transport::Other(number) => number,
            Transport::Wifi | Transport::Bluetooth => return Self::of_radio(flow.transport, flow.client_mac),
        };
        Self::new(flow.client, flow.server, protocol).0
    }
}

#[inline]
fn ordered(end: Endpoint) -> (bool, u128, u16) {
    match end.ip {
        IpAddr::V4(ip) => (true, u128::from(ip.to_bits()), end.port),
        IpAddr::V6(ip) => (false, ip.to_bits(), end.port),
    }
}

/// A flow being followed.
pub(crate) struct Entry<S> {
    pub(crate) flow: Flow,
    pub(crate) state: S,
    /// Why it seems to be over. It is followed on for a while, for a FIN or a RST may be forged.
    pub(crate) over: Option<Close>,
    /// Time of the last packet.
    pub(crate) last: Timestamp,
    /// The latest time that any packet had when this flow was last seen: clocks of interfaces may differ.
    seen: Timestamp,
    pub(crate) packets: [u64; 2],
    pub(crate) bytes: [u64; 2],
    pub(crate) lost: [u64; 2],
    pub(crate) conflicts: u64,
    pub(crate) syn: bool,
    /// Whether the client is the lower end of the key.
    pub(crate) client_low: bool,
    /// TCP only.
    pub(crate) streams: Option<Box<[Stream; 2]>>,
    newer: u32,
    older: u32,
}

/// Flows that room is asked for at once.
const MOST_AT_ONCE: usize = 1 << 18;

/// No entry. Places take 32 bits, for there are many.
const NONE: u32 = u32::MAX;

/// The lists: each may be silent for another time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum List {
    Tcp,
    Other,
    Over,
    Radio,
}

impl<S> Entry<S> {
    fn list(&self) -> List {
        match (self.over, self.flow.transport) {
            (Some(_), _) => List::Over,
            (None, Transport::Tcp) => List::Tcp,
            (None, transport) if transport.is_radio() => List::Radio,
            (None, _) => List::Other,
        }
    }
}

pub(crate) struct Table<S> {
    entries: Vec<Option<Entry<S>>>,
    free: Vec<u32>,
    index: HashMap<Key, u32>,
    /// What was found last: packets of a flow often follow each other.
    found: Option<(Key, u32)>,
    oldest: [u32; 4],
    newest: [u32; 4],
}

impl<S> Table<S> {
    /// A table that will hold at most so many flows. Room for their entries is asked for at once, so that up to
    /// [`MOST_AT_ONCE`] none is copied to grow; pages that are not written to take no memory.
    pub(crate) fn new(most: usize) -> Self {
        let room = most.min(MOST_AT_ONCE);
        Self {
            entries: Vec::with_capacity(room),
            free: Vec::new(),
            index: HashMap::default(),
            found: None,
            oldest: [NONE; 4],
            newest: [NONE; 4],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    #[inline]
    pub(crate) fn find(&mut self, key: &Key) -> Option<u32> {
        if let Some((known, at)) = self.found
            && known == *key
        {
            return Some(at);
        }
        let at = self.index.get(key).copied()?;
        self.found = Some((*key, at));
        Some(at)
    }

    pub(crate) fn get(&mut self, at: u32) -> Option<&mut Entry<S>> {
        self.entries.get_mut(at as usize)?.as_mut()
    }

    pub(crate) fn insert(&mut self, key: Key, flow: Flow, state: S) -> u32 {
        let streams = (flow.transport == Transport::Tcp).then(Box::default);
        let client_low = ordered(flow.client) <= ordered(flow.server);
        let entry = Entry {
            last: flow.first,
            seen: flow.first,
            flow,
            state,
            over: None,
            packets: [0; 2],
            bytes: [0; 2],
            lost: [0; 2],
            conflicts: 0,
            syn: false,
            client_low,
            streams,
            newer: NONE,
            older: NONE,
        };
        let at = if let Some(at) = self.free.pop() {
            at
        } else {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
        };
        if let Some(slot) = self.entries.get_mut(at as usize) {
            *slot = Some(entry);
        }
        self.index.insert(key, at);
        self.link(at);
        at
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<Entry<S>> {
        self.unlink(at);
        self.found = None;
        let entry = self.entries.get_mut(at as usize)?.take()?;
        self.index.remove(&Key::of(&entry.flow));
        self.free.push(at);
        Some(entry)
    }

    /// Marks an entry as just seen, and gives it.
    pub(crate) fn touch(&mut self, at: u32, time: Timestamp, now: Timestamp) -> Option<&mut Entry<S>> {
        let list = self.get(at)?.list();
        if self.newest.get(list as usize) != Some(&at) {
            self.unlink(at);
            self.link(at);
        }
        let entry = self.get(at)?;
        entry.last = entry.last.max(time);
        entry.seen = now;
        Some(entry)
    }

    /// Marks an entry that was just seen as over, or as not.
    pub(crate) fn set_over(&mut self, at: u32, over: Option<Close>) {
        self.unlink(at);
        if let Some(entry) = self.get(at) {
            entry.over = over;
        }
        self.link(at);
    }

    /// The least recently seen flow of a list, and when it was seen.
    pub(crate) fn oldest(&mut self, list: List) -> Option<(u32, Timestamp)> {
        let at = self.oldest.get(list as usize).copied()?;
        Some((at, self.get(at)?.seen))
    }

    /// Takes all entries out, by flow number.
    pub(crate) fn drain(self) -> impl Iterator<Item = Entry<S>> {
        let Self { mut entries, .. } = self;
        let mut order: Vec<(u64, usize)> = (0..)
            .zip(&entries)
            .filter_map(|(at, entry)| entry.as_ref().map(|entry| (entry.flow.id, at)))
            .collect();
        order.sort_unstable();
        order.into_iter().filter_map(move |(_, at)| entries.get_mut(at)?.take())
    }

    fn link(&mut self, at: u32) {
        let Some(which) = self.get(at).map(|entry| entry.list() as usize) else { return };
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

    fn unlink(&mut self, at: u32) {
        let Some(entry) = self.get(at) else { return };
        let (which, older, newer) = (entry.list() as usize, entry.older, entry.newer);
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
