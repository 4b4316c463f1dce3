//! The bytes of a handshake, put in order from frames that come in any.

use std::collections::BTreeMap;

use crate::{At, Limits, held::Held, kept::Kept};

/// Bytes of CRYPTO frames of one side (RFC 9000 §19.6).
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// By offset.
    pieces: BTreeMap<usize, (Kept, At)>,
}

/// Bytes of one side: hellos with post-quantum keys take a few thousand.
const MOST_BYTES: usize = 1 << 14;

/// Frames of one side. Clients that cut their hello to pieces make some dozen.
const MOST_PIECES: usize = 64;

impl Stream {
    /// Adds a frame; of two with the same offset the longer stands. False: a limit was reached, or it says something else
    /// than one before, and it was not kept.
    pub(super) fn add(&mut self, offset: u64, bytes: &[u8], at: At, limits: &Limits) -> bool {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some((known, _)) = self.pieces.get(&offset)
            && known.len() >= bytes.len()
        {
            return known.bytes().starts_with(bytes);
        }
        let end = offset.saturating_add(bytes.len());
        if end > MOST_BYTES || self.pieces.len() == MOST_PIECES {
            return false;
        }
        let mut kept = Kept::default();
        let whole = kept.push(bytes, limits) == bytes.len();
        self.pieces.insert(offset, (kept, at));
        whole
    }

    /// The bytes from the beginning on, as far as there is no hole, each with the packet that brought it.
    pub(super) fn whole(&self) -> Held {
        let mut whole = Held::default();
        let mut end = 0_usize;
        for (offset, (bytes, at)) in &self.pieces {
            let Some(known) = end.checked_sub(*offset) else { break };
            if let Some(new) = bytes.bytes().get(known..) {
                whole.push(new, *at);
                end += new.len();
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_in_any_order_and_over_each_other_give_the_same(
            bytes in prop::collection::vec(any::<u8>(), 1..400),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..20),
            late: prop::sample::Index,
        ) {
            let (mut stream, limits) = (Stream::default(), Limits::default());
            let mut frames: Vec<(usize, usize)> =
                cuts.iter().map(|(at, length)| (at.index(bytes.len()), *length)).collect();
            // Whatever else came, every byte came once.
            frames.extend((0..bytes.len()).step_by(37).map(|at| (at, 37)));
            let last = frames.len();
            frames.rotate_left(late.index(last));
            for (packet, (at, length)) in (1..).zip(&frames) {
                let piece = bytes.get(*at..(at + length).min(bytes.len())).unwrap();
                stream.add(*at as u64, piece, At { packet, time: Timestamp::default() }, &limits);
            }
            let whole = stream.whole();
            prop_assert!(whole.bytes() == bytes, "{} of {}", whole.bytes().len(), bytes.len());
        }
    }

    #[test]
    fn a_hole_ends_what_is_whole_until_it_is_filled() {
        let at = |packet| At { packet, time: Timestamp::default() };
        let (mut stream, limits) = (Stream::default(), Limits::default());
        assert!(stream.add(3, b"def", at(1), &limits));
        assert!(stream.whole().bytes().is_empty());
        assert!(stream.add(0, b"abcd", at(2), &limits));
        let whole = stream.whole();
        assert_eq!(
            (whole.bytes(), whole.packets(4), whole.packets(6)),
            (&b"abcdef"[..], vec![2], vec![1, 2])
        );
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_and_said_to_be() {
        let at = At { packet: 1, time: Timestamp::default() };
        let limits = Limits::default();
        let mut stream = Stream::default();
        assert!(!stream.add(1 << 61, b"x", at, &limits) && !stream.add(u64::MAX, b"x", at, &limits));
        for offset in 0..MOST_PIECES as u64 {
            assert!(stream.add(100 + 2 * offset, b"x", at, &limits));
        }
        assert!(!stream.add(0, b"hello", at, &limits));
        let poor = Limits { bodies: crate::Budget::new(3), ..Limits::default() };
        assert!(!Stream::default().add(0, b"hello", at, &poor));
    }
}
