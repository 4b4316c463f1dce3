//! Bytes of a stream put in order as they come, and which streams are over.

use std::collections::BTreeMap;

use crate::{At, Limits, kept::Kept};

/// What one side sends in one stream.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Bytes that were given on.
    given: u64,
    /// How many there are in all, where that is known.
    pub(super) size: Option<u64>,
    /// Whether the stream ended before its time.
    pub(super) reset: bool,
    /// What came too early, by offset.
    pieces: BTreeMap<u64, (Kept, At)>,
    held: usize,
}

/// Bytes and pieces that may wait for one that is missing: what a fast connection has on its way.
const MOST_HELD: usize = 4 << 20;
const MOST_PIECES: usize = 1 << 12;

impl Incoming {
    /// Takes a frame, and gives on what is in order. False: a limit was reached, and the frame was not kept.
    pub(super) fn add(
        &mut self,
        offset: u64,
        bytes: &[u8],
        at: At,
        limits: &Limits,
        give: &mut dyn FnMut(&[u8], At),
    ) -> bool {
        if let Some(known) = self.given.checked_sub(offset) {
            self.give(known, bytes, at, give);
            while let Some(first) = self.pieces.first_entry().filter(|first| *first.key() <= self.given) {
                let (offset, (piece, at)) = first.remove_entry();
                self.held -= piece.len();
                self.give(self.given - offset, piece.bytes(), at, give);
            }
            return true;
        }
        let known = self.pieces.get(&offset).map_or(0, |(piece, _)| piece.len());
        if known >= bytes.len() {
            return true;
        }
        if self.held + bytes.len() > MOST_HELD || self.pieces.len() == MOST_PIECES {
            return false;
        }
        let mut kept = Kept::default();
        let whole = kept.push(bytes, limits) == bytes.len();
        if whole {
            self.held = self.held + bytes.len() - known;
            self.pieces.insert(offset, (kept, at));
        }
        whole
    }

    /// Gives on what is behind the first `known` bytes.
    fn give(&mut self, known: u64, bytes: &[u8], at: At, give: &mut dyn FnMut(&[u8], At)) {
        let new = usize::try_from(known).ok().and_then(|known| bytes.get(known..)).unwrap_or_default();
        if !new.is_empty() {
            self.given = self.given.saturating_add(new.len() as u64);
            give(new, at);
        }
    }

    /// How many bytes at the front of a frame were given on before: these may say something else.
    pub(super) fn knows(&self, offset: u64, length: usize) -> u64 {
        self.given.saturating_sub(offset).min(length as u64)
    }

    /// How many pieces wait for others.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Whether all was given on.
    pub(super) fn is_whole(&self) -> bool {
        self.size.is_some_and(|size| size <= self.given)
    }

    /// Bytes that wait for others.
    pub(super) fn held(&self) -> u64 {
        self.held as u64
    }
}

/// Which streams of a kind are over, by their count.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Ranges, first and last.
    ranges: BTreeMap<u64, u64>,
    /// Of those below it is forgotten which are over.
    forgotten: u64,
}

/// Ranges that are remembered: there is one gap for each stream that is not over.
const MOST_RANGES: usize = 1 << 11;

/// Whether a stream is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Over {
    Yes,
    No,
    Forgotten,
}

impl Done {
    pub(super) fn is_over(&self, stream: u64) -> Over {
        match self.ranges.range(..=stream).next_back() {
            Some((_, last)) if *last >= stream => Over::Yes,
            _ if stream < self.forgotten => Over::Forgotten,
            _ => Over::No,
        }
    }

    pub(super) fn insert(&mut self, stream: u64) {
        if self.is_over(stream) == Over::Yes {
            return;
        }
        let last = match self.ranges.remove(&(stream + 1)) {
            Some(last) => last,
            None => stream,
        };
        match self.ranges.range_mut(..stream).next_back() {
            Some((_, before)) if *before + 1 == stream => *before = last,
            _ => {
                self.ranges.insert(stream, last);
            }
        }
        if self.ranges.len() > MOST_RANGES
            && let Some((_, last)) = self.ranges.pop_first()
        {
            self.forgotten = last + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    fn at(packet: u64) -> At {
        At { packet, time: Timestamp::default() }
    }

    proptest! {
        #[test]
        fn frames_in_any_order_and_over_each_other_give_the_same(
            bytes in prop::collection::vec(any::<u8>(), 1..400),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..20),
            late: prop::sample::Index,
        ) {
            let (mut incoming, limits) = (Incoming::default(), Limits::default());
            let mut frames: Vec<(usize, usize)> =
                cuts.iter().map(|(at, length)| (at.index(bytes.len()), *length)).collect();
            // Whatever else came, every byte came once.
            frames.extend((0..bytes.len()).step_by(37).map(|at| (at, 37)));
            let last = frames.len();
            frames.rotate_left(late.index(last));
            let mut told = Vec::new();
            for (packet, (start, length)) in (1..).zip(&frames) {
                let piece = bytes.get(*start..(start + length).min(bytes.len())).unwrap();
                let kept = incoming.add(*start as u64, piece, at(packet), &limits, &mut |piece, _| {
                    told.extend_from_slice(piece);
                });
                prop_assert!(kept);
            }
            prop_assert_eq!(told, bytes);
            prop_assert_eq!((incoming.held(), incoming.pieces.len()), (0, 0));
        }

        #[test]
        fn what_is_over_is_remembered(order in Just((0_u64..60).collect::<Vec<_>>()).prop_shuffle(), some in 0_usize..60) {
            let mut done = Done::default();
            let (over, open) = order.split_at(some);
            for stream in over {
                done.insert(*stream);
            }
            prop_assert!(over.iter().all(|stream| done.is_over(*stream) == Over::Yes));
            prop_assert!(open.iter().all(|stream| done.is_over(*stream) == Over::No));
        }
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_and_said_to_be() {
        let (limits, mut incoming) = (Limits::default(), Incoming::default());
        let mut add = |offset: u64, bytes: &[u8]| incoming.add(offset, bytes, at(1), &limits, &mut |_, _| ());
        assert!(add(u64::MAX, b"x"));
        for offset in 1..MOST_PIECES as u64 {
            assert!(add(2 * offset, b"x"));
        }
        assert!(!add(1, b"x"));
        let poor = Limits { bodies: crate::Budget::new(3), ..Limits::default() };
        assert!(!Incoming::default().add(9, b"hello", at(1), &poor, &mut |_, _| ()));
        let mut done = Done::default();
        (0..=MOST_RANGES as u64).for_each(|stream| done.insert(2 * stream));
        assert_eq!(
            (done.is_over(0), done.is_over(2), done.is_over(3)),
            (Over::Forgotten, Over::Yes, Over::No)
        );
        done.insert(u64::MAX >> 2);
    }
}
