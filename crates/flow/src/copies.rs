//! What is remembered of bytes that were handed over, so that a later copy of them can be compared.
//!
//! ```text
//!  forgotten │ segment │ segment │ … │ segment          the last 32: offset, length and hash of each
//! ───────────┼─────────┼─────────┼───┼─────────┼──▶ offset
//!                 └── copy: compared ───┘└─ copy of a part: not ─
//! ```
//!
//! Leaves out the bytes themselves. That a copy differs is known of a whole segment only, not of its single bytes.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

/// The last segments that were handed over, in order.
#[derive(Debug, Default)]
pub(crate) struct Copies(VecDeque<Segment>);

/// A segment that was handed over.
#[derive(Clone, Copy, Debug)]
struct Segment {
    at: u64,
    length: usize,
    hash: u64,
}

/// Segments remembered for one direction.
const MOST: usize = 32;

impl Copies {
    /// Remembers bytes handed over.
    pub(crate) fn remember(&mut self, at: u64, bytes: &[u8]) {
        match self.0.len() {
            // Most streams are short: room for them at once, and no more.
            0 => self.0.reserve_exact(8),
            MOST => drop(self.0.pop_front()),
            _ => {}
        }
        self.0.push_back(Segment { at, length: bytes.len(), hash: hash(bytes) });
    }

    /// Compares a copy with each segment that lies in it. Gives the bytes of those that differ, and of no known segment.
    /// What lies behind the last was not to be remembered.
    pub(crate) fn compare(&self, at: u64, copy: &[u8]) -> (u64, u64) {
        let end = self.0.back().map_or(0, |last| last.at + last.length as u64);
        let remembered = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let copy = copy.get(..remembered).unwrap_or(copy);
        let (mut differ, mut unknown) = (0, copy.len() as u64);
        for segment in &self.0 {
            let from = segment.at.checked_sub(at).and_then(|from| usize::try_from(from).ok());
            let part = from.and_then(|from| copy.get(from..)?.get(..segment.length));
            if let Some(part) = part {
                unknown -= part.len() as u64;
                if hash(part) != segment.hash {
                    differ += part.len() as u64;
                }
            }
        }
        (differ, unknown)
    }
}

/// Chosen anew for each run, so that no one can make two segments of equal hash beforehand.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

/// Four lanes, for every payload byte goes through here: they do not wait for each other as one would.
fn hash(bytes: &[u8]) -> u64 {
    let seed = *SEED;
    let mut lanes = [seed, seed.rotate_left(16), seed.rotate_left(32), seed.rotate_left(48)];
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        mix_block(&mut lanes, block, seed);
    }
    if let Some(last) = bytes.last_chunk() {
        // What is left, together with bytes that went in before: quicker than filling up.
        mix_block(&mut lanes, last, seed);
    } else {
        let mut last = [0; 64];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        mix_block(&mut lanes, &last, seed);
    }
    let [a, b, c, d] = lanes;
    let halves = mix(a ^ seed, b) ^ mix(c ^ seed, d).rotate_left(32);
    mix(halves ^ seed, bytes.len() as u64 ^ seed)
}

#[inline]
fn mix_block(lanes: &mut [u64; 4], block: &[u8; 64], seed: u64) {
    let [a, b, c, d] = lanes;
    // Written out: as a loop over the lanes it was not taken apart, and took three times as many instructions.
    if let ([one, two, three, four], _) = block.as_chunks::<16>() {
        *a = mix_pair(*a, *one, seed);
        *b = mix_pair(*b, *two, seed);
        *c = mix_pair(*c, *three, seed);
        *d = mix_pair(*d, *four, seed);
    }
}

#[inline]
fn mix_pair(lane: u64, pair: [u8; 16], seed: u64) -> u64 {
    let pair = u128::from_le_bytes(pair);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let (low, high) = (pair as u64, (pair >> 64) as u64);
    mix(low ^ seed, high ^ lane)
}

/// The two halves of a product, each of which depends on all that went in.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_bit_or_one_byte_more_is_another_hash(mut bytes in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0..8u8) {
            let before = hash(&bytes);
            prop_assert_ne!(before, hash(&[&bytes[..], &[0]].concat()));
            prop_assert_ne!(before, hash(&bytes[1..]));
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            prop_assert_ne!(before, hash(&bytes));
        }
    }

    #[test]
    fn order_counts() {
        let (a, b) = ([1; 64], [2; 64]);
        assert_ne!(hash(&[a, b].concat()), hash(&[b, a].concat()));
    }
}
