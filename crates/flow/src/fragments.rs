//! Fragments of IP packets put together (RFC 791, RFC 8200, overlaps as RFC 5722 fears them: the first copy wins).

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
};

use rustc_hash::FxHashMap;

use crate::ip::{Fragment, Packet};

type Key = (IpAddr, IpAddr, u8, u32);

/// Packets being put together at one time.
const MOST_PACKETS: usize = 512;

/// Longest IP payload.
const MOST_BYTES: usize = 65_535;

/// Packets being put together.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    pending: FxHashMap<Key, Pending>,
    order: VecDeque<Key>,
    /// Packets given up because too many were pending.
    pub(crate) evicted: u64,
}

#[derive(Debug, Default)]
struct Pending {
    pieces: BTreeMap<usize, Vec<u8>>,
    total: Option<usize>,
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
    /// Takes a fragment; gives the packet if it is whole now. A fragment that the capture cut is left out.
    pub(crate) fn add(&mut self, packet: &Packet<'_>, fragment: Fragment) -> Option<Whole> {
        let end = fragment.offset + packet.payload.len();
        if packet.missing > 0 || end > MOST_BYTES {
            return None;
        }
        // Of IPv6 the protocol stands in the first fragment only in full; it is part of the key for IPv4.
        let protocol = if packet.source.is_ipv4() { packet.protocol } else { 0 };
        let key = (packet.source, packet.destination, protocol, fragment.id);
        if !self.pending.contains_key(&key) {
            if self.pending.len() >= MOST_PACKETS
                && let Some(oldest) = self.order.pop_front()
            {
                self.evicted += u64::from(self.pending.remove(&oldest).is_some());
            }
            self.order.push_back(key);
        }
        let pending = self.pending.entry(key).or_default();
        if !fragment.more {
            pending.total = Some(end);
        }
        pending.add(fragment.offset, packet.payload);
        let payload = pending.whole()?;
        self.pending.remove(&key);
        self.order.retain(|one| *one != key);
        Some(Whole {
            source: packet.source,
            destination: packet.destination,
            protocol: packet.protocol,
            payload,
        })
    }

    /// Packets that never became whole.
    pub(crate) fn unfinished(&self) -> u64 {
        self.pending.len() as u64
    }
}

impl Pending {
    /// Keeps the parts that no earlier fragment holds.
    fn add(&mut self, mut at: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let before = self.pieces.range(..=at).next_back().map(|(start, piece)| start + piece.len());
            if let Some(end) = before.filter(|end| *end > at) {
                let skip = (end - at).min(bytes.len());
                bytes = bytes.get(skip..).unwrap_or_default();
                at += skip;
                continue;
            }
            let free = self
                .pieces
                .range(at..)
                .next()
                .map_or(bytes.len(), |(start, _)| (start - at).min(bytes.len()));
            let (keep, rest) = bytes.split_at(free);
            if !keep.is_empty() {
                self.pieces.insert(at, keep.to_vec());
            }
            at += free;
            bytes = rest;
        }
    }

    fn whole(&self) -> Option<Vec<u8>> {
        let total = self.total?;
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

    fn packet(payload: &[u8]) -> Packet<'_> {
        let ip = IpAddr::from([10, 0, 0, 1]);
        Packet { source: ip, destination: ip, protocol: 17, payload, missing: 0, fragment: None }
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
                whole = whole.or(fragments.add(&packet(piece), fragment));
            }
            prop_assert_eq!(whole.map(|whole| whole.payload), Some(bytes));
            prop_assert_eq!(fragments.unfinished(), 0);
        }
    }

    #[test]
    fn the_first_copy_of_an_overlap_wins() {
        let mut fragments = Fragments::default();
        assert!(fragments.add(&packet(&[1; 16]), Fragment { id: 1, offset: 0, more: true }).is_none());
        let whole = fragments.add(&packet(&[2; 16]), Fragment { id: 1, offset: 8, more: false }).unwrap();
        assert_eq!(whole.payload, [[1; 16].as_slice(), &[2; 8]].concat());
    }
}
