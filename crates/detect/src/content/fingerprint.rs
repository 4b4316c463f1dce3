//! Fingerprints of 64 bytes, rolled over content, and which of them stand for a file.
//!
//! ```text
//! rolled      h ← 2h + G[byte]: the highest bits depend on the last 64 bytes (gear; Xia and others, Ddelta, 2014)
//! candidate   the six highest bits are zero: one place of 64, wherever the content is cut
//! sampled     the least candidate of some stretch of `span` places (winnowing; Schleimer and others, 2003)
//! ```
//!
//! Two contents that share `span` + 63 bytes share a sample, but for those that say nothing: windows of few different
//! bytes. About two of `span` places are sampled.

use std::collections::VecDeque;

/// Bytes that a fingerprint depends on.
pub(super) const WINDOW: usize = 64;

/// Of two to this power of places, one is a candidate.
const RARE: u32 = 6;

/// The longest stretch in which one place is sampled: 4096 equal bytes are always found.
const SPAN: u64 = 4096 - WINDOW as u64 + 1;

/// The same of short files, and the part of a file that it is: few samples would miss most of a short one.
const SHORT: (u64, u64) = (512, 8);

/// Samples of a file: so many, and one for each of so many bytes. One of 2017 is usual; content may be made to have more.
const MOST: (u64, u64) = (48, 1700);

/// A window of fewer different bytes says nothing.
const DISTINCT: u32 = 8;

/// Bytes that are gone over before something is done with the candidates in them: both go faster one after the other, and
/// of those that are looked up none waits for another.
pub(super) const STRETCH: usize = 1 << 14;

/// A number for each byte: `SplitMix64` (Steele and others, 2014), without those that make long runs of one byte candidates.
const GEAR: [u64; 256] = {
    let mut gear = [0; 256];
    let (mut state, mut byte) = (0_u64, 0);
    while byte < 256 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = mix(state);
        // What 64 of the same byte come to.
        if number.wrapping_neg() >> (64 - RARE) != 0 {
            gear[byte] = number;
            byte += 1;
        }
    }
    gear
};

/// Spreads what a fingerprint says over all its bits, and back: different ones stay different.
const fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A fingerprint that rolls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rolling(u64);

impl Rolling {
    /// Goes over bytes, and tells each candidate: where its window ends in them, and its key. The first 63 of all bytes
    /// that it goes over end no whole window.
    #[inline]
    pub(super) fn over(&mut self, bytes: &[u8], mut candidate: impl FnMut(usize, u64)) {
        let mut hash = self.0;
        for (at, byte) in bytes.iter().enumerate() {
            hash = (hash << 1).wrapping_add(GEAR.get(usize::from(*byte)).copied().unwrap_or(0));
            if hash >> (64 - RARE) == 0 {
                candidate(at + 1, mix(hash));
            }
        }
        self.0 = hash;
    }
}

/// Whether bytes say something: many of them are different.
pub(super) fn says_something<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> bool {
    let (mut seen, mut count) = ([0_u64; 4], 0);
    bytes.into_iter().any(|byte| {
        let bit = 1 << (byte & 63);
        if let Some(bits) = seen.get_mut(usize::from(byte >> 6)) {
            count += u32::from(*bits & bit == 0);
            *bits |= bit;
        }
        count >= DISTINCT
    })
}

/// A fingerprint that stands for a file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Sample {
    /// The fingerprint.
    pub(super) key: u64,
    /// Where its window ends in the file.
    pub(super) end: u64,
}

/// Samples a file that is read from beginning to end.
#[derive(Debug)]
pub struct Sampler {
    rolling: Rolling,
    /// Candidates of a stretch of the bytes that are read.
    candidates: Vec<(usize, u64)>,
    /// Bytes read.
    read: u64,
    /// The last of them, less than a window.
    tail: Vec<u8>,
    /// What stands before describes the content, as others of its kind do.
    from: u64,
    span: u64,
    /// Candidates of the stretch that ends here, each less than all behind it.
    least: VecDeque<(Sample, bool)>,
    samples: Vec<Sample>,
    most: usize,
}

impl Sampler {
    /// For a file of so many bytes, of which those up to `from` are not sampled.
    pub(crate) fn from(from: u64, bytes: u64) -> Self {
        Self {
            rolling: Rolling::default(),
            candidates: Vec::new(),
            read: 0,
            tail: Vec::with_capacity(2 * WINDOW),
            from,
            span: (bytes / SHORT.1).clamp(SHORT.0, SPAN),
            least: VecDeque::new(),
            samples: Vec::new(),
            most: usize::try_from(MOST.0 + bytes / MOST.1).unwrap_or(usize::MAX),
        }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut candidates = std::mem::take(&mut self.candidates);
        for (stretch, some) in bytes.chunks(STRETCH).enumerate() {
            candidates.clear();
            self.rolling.over(some, |end, key| candidates.push((stretch * STRETCH + end, key)));
            candidates.iter().for_each(|(end, key)| self.candidate(bytes, *end, *key));
        }
        self.candidates = candidates;
        self.read += bytes.len() as u64;
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(WINDOW)..).unwrap_or_default());
        self.tail.drain(..self.tail.len().saturating_sub(WINDOW));
    }

    fn candidate(&mut self, bytes: &[u8], end: usize, key: u64) {
        let place = self.read + end as u64;
        if place < self.from + WINDOW as u64 {
            return;
        }
        let window = bytes.get(end.saturating_sub(WINDOW)..end).unwrap_or_default();
        let before = self.tail.len().saturating_sub(WINDOW - window.len());
        let before = self.tail.get(before..).unwrap_or_default();
        // Most windows are of one piece, and then a slice is all there is to go over.
        let says = if window.len() == WINDOW {
            says_something(window)
        } else {
            says_something(before.iter().chain(window))
        };
        if !says {
            return;
        }
        self.reach(place - 1);
        while self.least.pop_back_if(|(other, _)| other.key >= key).is_some() {}
        self.least.push_back((Sample { key, end: place }, false));
        self.reach(place);
    }

    /// Stretches end up to here: the least of each is sampled.
    fn reach(&mut self, place: u64) {
        while let Some((least, sampled)) = self.least.front_mut() {
            if !*sampled && self.samples.len() < self.most {
                self.samples.push(*least);
            }
            *sampled = true;
            if least.end + self.span > place {
                break;
            }
            self.least.pop_front();
        }
    }

    /// The samples, in the order of the file.
    pub fn finish(mut self) -> Vec<Sample> {
        self.reach(self.read);
        self.samples.shrink_to_fit();
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::fixture::noise;
    use proptest::prelude::*;

    fn samples(bytes: &[u8], length: u64) -> Vec<Sample> {
        let mut sampler = Sampler::from(0, length);
        sampler.update(bytes);
        sampler.finish()
    }

    #[test]
    fn one_of_two_thousand_places_is_sampled_and_memory_is_less_than_a_hundredth() {
        let bytes = noise(1, 16 << 20);
        let count = samples(&bytes, bytes.len() as u64).len();
        assert!((7500..9500).contains(&count), "{count}");
        assert!(count * (size_of::<Sample>() + 1) * 100 < bytes.len());
    }

    #[test]
    fn what_repeats_itself_is_not_sampled() {
        for byte in 0..=255 {
            assert!(samples(&[byte; 10_000], 1 << 20).is_empty());
        }
        let few: Vec<u8> = noise(1, 100_000).iter().map(|byte| byte % 7).collect();
        assert!(samples(&few, 1 << 20).is_empty());
    }

    #[test]
    fn samples_are_bounded_whatever_the_content_is() {
        let mut sampler = Sampler::from(0, 1_700_000);
        for key in 0..100_000 {
            sampler.read = 64 * key;
            sampler.candidate(&(0..64).collect::<Vec<u8>>(), 64, key);
        }
        assert_eq!(sampler.finish().len(), 1048);
    }

    proptest! {
        #[test]
        fn pieces_that_a_file_is_read_in_do_not_matter(
            seed in any::<u64>(), length in 0_usize..40_000, cuts in prop::collection::vec(0_usize..300, 1..20),
        ) {
            let bytes = noise(seed, length);
            let mut sampler = Sampler::from(0, length as u64);
            let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
            let mut empty = 0;
            while !rest.is_empty() && empty < 100 {
                let (piece, behind) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                empty += usize::from(piece.is_empty());
                sampler.update(piece);
                rest = behind;
            }
            sampler.update(rest);
            prop_assert_eq!(sampler.finish(), samples(&bytes, length as u64));
        }

        #[test]
        fn of_any_4096_bytes_one_place_is_sampled(seed in any::<u64>(), start in 0_u64..100_000) {
            let bytes = noise(seed, 110_000);
            let within = |sample: &Sample| sample.end >= start + 64 && sample.end <= start + 4096;
            prop_assert!(samples(&bytes, 110_000).iter().any(within));
        }
    }
}
