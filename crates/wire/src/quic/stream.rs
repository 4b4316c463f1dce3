//! The bytes of a handshake, put in order from frames that come in any.

use std::collections::BTreeMap;

use crate::At;

/// Bytes of CRYPTO frames of one side (RFC 9000 §19.6).
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// By offset.
    pieces: BTreeMap<u64, (Vec<u8>, At)>,
    held: usize,
}

/// Bytes held of one side: hellos with post-quantum keys take a few thousand.
const MOST_HELD: usize = 1 << 16;

/// Frames held of one side.
const MOST_PIECES: usize = 512;

impl Stream {
    /// Adds a frame; of two with the same offset the longer stands.
    pub(super) fn add(&mut self, offset: u64, bytes: &[u8], at: At) {
        let room = self.held + bytes.len() <= MOST_HELD && self.pieces.len() < MOST_PIECES;
        let known = self.pieces.get(&offset).map_or(0, |(known, _)| known.len());
        if room && bytes.len() > known {
            self.held += bytes.len() - known;
            self.pieces.insert(offset, (bytes.to_vec(), at));
        }
    }

    /// The bytes from the beginning on, as far as there is no hole, and what brought them.
    pub(super) fn whole(&self) -> (Vec<u8>, Vec<At>) {
        let (mut whole, mut brought) = (Vec::new(), Vec::new());
        for (offset, (bytes, at)) in &self.pieces {
            let end = whole.len() as u64;
            let Some(known) = end.checked_sub(*offset) else { break };
            let new = usize::try_from(known).ok().and_then(|known| bytes.get(known..));
            if let Some(new) = new.filter(|new| !new.is_empty()) {
                whole.extend_from_slice(new);
                brought.push(*at);
            }
        }
        (whole, brought)
    }

    /// Whether anything came.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
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
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..40),
            late: prop::sample::Index,
        ) {
            let mut stream = Stream::default();
            let mut frames: Vec<(usize, usize)> =
                cuts.iter().map(|(at, length)| (at.index(bytes.len()), *length)).collect();
            // Whatever else came, every byte came once.
            frames.extend((0..bytes.len()).step_by(37).map(|at| (at, 37)));
            let last = frames.len();
            frames.rotate_left(late.index(last));
            for (packet, (at, length)) in (1..).zip(&frames) {
                let piece = bytes.get(*at..(at + length).min(bytes.len())).unwrap();
                stream.add(*at as u64, piece, At { packet, time: Timestamp::default() });
            }
            let (whole, _) = stream.whole();
            prop_assert!(whole == bytes, "{} of {}", whole.len(), bytes.len());
        }
    }

    #[test]
    fn a_hole_ends_what_is_whole_until_it_is_filled() {
        let at = |packet| At { packet, time: Timestamp::default() };
        let mut stream = Stream::default();
        stream.add(3, b"def", at(1));
        assert!(stream.whole().0.is_empty());
        stream.add(0, b"abcd", at(2));
        assert_eq!(stream.whole().0, b"abcdef");
        assert_eq!(stream.whole().1.iter().map(|at| at.packet).collect::<Vec<_>>(), [2, 1]);
    }
}
