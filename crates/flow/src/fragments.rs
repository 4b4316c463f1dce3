//! Fragments of IP packets put together (RFC 791, RFC 8200, overlaps as RFC 5722 fears them: the first copy wins).
//!
//! ```text
//! (source, destination, protocol, id) ─▶ pieces by offset, total once the last one came
//! ```
//!
//! Leaves out fragments that the capture cut: a packet with a hole is not handed over. Bounded in number, memory and
//! time.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use creance_model::Timestamp;
use foldhash::HashMap;

use crate::ip::{Fragment, Packet};

type Key = (IpAddr, IpAddr, u8, u32);

/// Packets being put together at one time.
const MOST_PACKETS: usize = 512;

/// Longest IP payload.
const MOST_BYTES: usize = 65_535;

/// Memory for all pieces together.
const MOST_MEMORY: usize = 16 << 20;

/// Memory that a piece takes beside its bytes.
const OVERHEAD: usize = 64;

/// Time after which a packet is given up, in nanoseconds: its identification may be used again (as Linux does).
const PATIENCE: i64 = 30 * 1_000_000_000;

/// Packets being put together.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    pending: HashMap<Key, Pending>,
    /// In order of first fragments; those that became whole since stay until it is their turn.
    order: VecDeque<(Key, u64)>,
    serial: u64,
    memory: usize,
    given_up: u64,
    /// Fragments left out.
    pub(crate) refused: u64,
    /// Bytes that contradict the first copy.
    pub(crate) conflicts: u64,
}

#[derive(Debug, Default)]
struct Pending {
    serial: u64,
    first: Timestamp,
    pieces: BTreeMap<usize, Vec<u8>>,
    total: Option<usize>,
    memory: usize,
    held: usize,
    conflicts: u64,
}

/// A packet put together.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) payload: Vec<u8>,
}

impl Fragments {
    /// Takes a fragment; gives the packet if it is whole now.
    pub(crate) fn add(&mut self, packet: &Packet<'_>, fragment: Fragment, now: Timestamp) -> Option<Whole> {
        let end = fragment.offset + packet.payload.len();
        if packet.missing > 0 || end > MOST_BYTES {
            self.refused += 1;
            return None;
        }
        // Of IPv6 the protocol stands in the first fragment only in full; it is part of the key for IPv4.
        let protocol = if packet.source.is_ipv4() { packet.protocol } else { 0 };
        let key = (packet.source, packet.destination, protocol, fragment.id);
        self.make_room(now);
        if !self.pending.contains_key(&key) {
            self.serial += 1;
            self.order.push_back((key, self.serial));
        }
        let serial = self.serial;
        let pending =
            self.pending.entry(key).or_insert_with(|| Pending { serial, first: now, ..Pending::default() });
        if !fragment.more && pending.total.is_none() {
            pending.total = Some(end);
        }
        let (memory, conflicts) = (pending.memory, pending.conflicts);
        pending.add(fragment.offset, packet.payload);
        self.memory += pending.memory - memory;
        self.conflicts += pending.conflicts - conflicts;
        let payload = pending.whole()?;
        if let Some(done) = self.pending.remove(&key) {
            self.memory -= done.memory;
        }
        Some(Whole {
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            payload,
        })
    }

    /// Gives up what is too old or too much, the oldest first.
    fn make_room(&mut self, now: Timestamp) {
        while let Some((key, serial)) = self.order.front() {
            if let Some(pending) = self.pending.get(key).filter(|pending| pending.serial == *serial) {
                let full = self.pending.len() >= MOST_PACKETS || self.memory > MOST_MEMORY;
                if !full && now.since(pending.first) <= PATIENCE {
                    break;
                }
                self.memory -= pending.memory;
                self.given_up += 1;
                self.pending.remove(key);
            }
            self.order.pop_front();
        }
        if self.order.len() > 4 * MOST_PACKETS {
            let Self { order, pending, .. } = self;
            order.retain(|(key, serial)| pending.get(key).is_some_and(|one| one.serial == *serial));
        }
    }

    /// Packets that never became whole.
    pub(crate) fn unfinished(&self) -> u64 {
        self.given_up + self.pending.len() as u64
    }
}

impl Pending {
    /// Keeps the parts that no earlier fragment holds.
    fn add(&mut self, mut at: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let before = self.pieces.range(..=at).next_back();
            if let Some((start, piece)) = before
                && start + piece.len() > at
            {
                let copy = piece.get(at - start..).unwrap_or_default();
                let same = copy.len().min(bytes.len());
                self.conflicts += copy.iter().zip(bytes).filter(|(a, b)| a != b).count() as u64;
                bytes = bytes.get(same..).unwrap_or_default();
                at += same;
                continue;
            }
            let free = self
                .pieces
                .range(at..)
                .next()
                .map_or(bytes.len(), |(start, _)| (start - at).min(bytes.len()));
            let (keep, rest) = bytes.split_at(free);
            self.pieces.insert(at, keep.to_vec());
            self.held += keep.len();
            self.memory += keep.len() + OVERHEAD;
            at += free;
            bytes = rest;
        }
    }

    fn whole(&self) -> Option<Vec<u8>> {
        let total = self.total?;
        if self.held < total {
            return None;
        }
        let mut payload = Vec::with_capacity(total);
        for (start, piece) in &self.pieces {
            if *start != payload.len() {
                return None;
            }
            payload.extend_from_slice(piece);
        }
        (payload.len() == total).then_some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1);

    fn packet(payload: &[u8]) -> Packet<'_> {
        let ip = IpAddr::from([10, 0, 0, 1]);
        Packet {
            source: ip,
            destination: ip,
            protocol: 17,
            payload,
            missing: 0,
            unbounded: false,
            fragment: None,
        }
    }

    proptest! {
        #[test]
        fn any_order_gives_the_packet_back(bytes in prop::collection::vec(any::<u8>(), 1..400), shuffle: u64) {
            let mut pieces: Vec<(usize, &[u8])> = bytes.chunks(8).enumerate().map(|(index, piece)| (index * 8, piece)).collect();
            let count = pieces.len();
            for index in 0..count {
                let seed = shuffle.wrapping_mul(index as u64 + 1).rotate_left(17);
                pieces.swap(index, usize::try_from(seed % count as u64).unwrap());
            }
            let mut fragments = Fragments::default();
            let mut whole = None;
            for (offset, piece) in pieces {
                let fragment = Fragment { id: 7, offset, more: offset + piece.len() < bytes.len() };
                whole = whole.or(fragments.add(&packet(piece), fragment, NOW));
            }
            prop_assert_eq!(whole.map(|whole| whole.payload), Some(bytes));
            prop_assert_eq!(fragments.unfinished(), 0);
        }
    }

    #[test]
    fn the_first_copy_of_an_overlap_wins() {
        let mut fragments = Fragments::default();
        assert!(fragments.add(&packet(&[1; 16]), Fragment { id: 1, offset: 0, more: true }, NOW).is_none());
        let whole =
            fragments.add(&packet(&[2; 16]), Fragment { id: 1, offset: 8, more: false }, NOW).unwrap();
        assert_eq!(whole.payload, [[1; 16].as_slice(), &[2; 8]].concat());
    }

    #[test]
    fn a_packet_that_is_not_whole_in_time_is_given_up() {
        let mut fragments = Fragments::default();
        let last = Fragment { id: 1, offset: 16, more: false };
        assert!(fragments.add(&packet(&[1; 16]), Fragment { id: 1, offset: 0, more: true }, NOW).is_none());
        assert!(fragments.add(&packet(&[1; 8]), last, Timestamp::from_secs(60)).is_none());
        assert_eq!(fragments.unfinished(), 2);
    }

    #[test]
    fn many_unfinished_packets_stay_within_the_bounds() {
        let mut fragments = Fragments::default();
        let piece = vec![0; 60_000];
        for id in 0..5000 {
            let fragment = Fragment { id, offset: 8, more: true };
            assert!(fragments.add(&packet(&piece), fragment, NOW).is_none());
            assert!(fragments.memory <= MOST_MEMORY + MOST_BYTES + OVERHEAD);
            assert!(fragments.order.len() <= 4 * MOST_PACKETS + 1);
        }
        assert_eq!(fragments.unfinished(), 5000);
    }
}
