//! The written forms of all planted values, looked for at once.
//!
//! An automaton that reads every byte takes most of the time of an audit, and nearly all text holds nothing planted. So
//! one number is made of every few bytes, and where no form has it among its first bytes, none begins there:
//!
//! ```text
//! form   o.lindqvarn@n…     its first `SHORTEST` bytes hold a gram at each of `stride` places
//! text   …   │    │    │    every `stride` bytes a gram is taken: one of them lies within those of any form
//! ```
//!
//! Where a gram is known, and from one of the `stride` bytes before it as many bytes as the shortest form has are those of
//! a form, the automaton reads on for as long as one may be there. So each byte is read a fixed number of times, whatever
//! the text.

use std::collections::HashSet;

use aho_corasick::{
    Anchored, MatchKind,
    automaton::Automaton,
    nfa::contiguous::{Builder, NFA},
};

use super::CanaryError;

/// Bytes of a gram.
const GRAM: usize = 4;

/// Bits of the table for each gram, which sets two of them: of other text, about one gram in a hundred finds both set.
const BITS_PER_GRAM: usize = 24;

/// Bits of the table at most: half a mebibyte.
const MOST_BITS: u32 = 22;

/// Where a gram stands in a table of numbers of 64 bits, as many as two to the power of `bits`: a number, and two bits of it.
/// Capitals are as small letters, and some signs as others.
#[inline]
fn place(gram: [u8; GRAM], bits: u32) -> (usize, u64) {
    let gram = u32::from_le_bytes(gram) | 0x2020_2020;
    // Multiplicative hashing: the high bits of the product depend on all bits of the gram.
    let hash = u64::from(gram).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = usize::try_from(hash >> (64 - bits)).unwrap_or(usize::MAX);
    (number, 1 << (hash >> 32 & 63) | 1 << (hash >> 38 & 63))
}

/// A search for many needles; letters' case is ignored.
#[derive(Debug)]
pub(crate) struct Search {
    automaton: NFA,
    /// The bits of each [`place`] that a gram near the beginning of a needle has.
    grams: Vec<u64>,
    /// How many bits of a gram's hash say which number it is.
    bits: u32,
    /// Bytes of the shortest needle.
    shortest: usize,
}

/// Where a needle was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Hit {
    /// Which needle it is.
    pub(crate) needle: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Search {
    /// A search for needles of at least `shortest` bytes, which are no fewer than a gram has.
    pub(crate) fn new(needles: &[Vec<u8>], shortest: usize) -> Result<Self, CanaryError> {
        let automaton = Builder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(needles)
            .map_err(|error| CanaryError::TooMany(error.to_string()))?;
        let shortest = needles.iter().map(Vec::len).min().unwrap_or(shortest).max(shortest);
        // Many begin alike: a hash, and the same cut.
        let heads: HashSet<Vec<u8>> =
            needles.iter().filter_map(|needle| Some(needle.get(..shortest)?.to_ascii_lowercase())).collect();
        let wanted = heads.len() * (shortest - GRAM + 1) * BITS_PER_GRAM;
        let known = needles.iter().flat_map(|needle| needle.windows(GRAM).take(shortest - GRAM + 1));
        let known = known.filter_map(|gram| gram.first_chunk().copied());
        let bits = wanted.next_power_of_two().trailing_zeros().clamp(7, MOST_BITS) - 6;
        let mut grams = vec![0; 1 << bits];
        for (number, set) in known.map(|gram| place(gram, bits)) {
            grams.get_mut(number).into_iter().for_each(|number| *number |= set);
        }
        Ok(Self { automaton, grams, bits, shortest })
    }

    /// Bytes of the shortest needle.
    pub(crate) const fn shortest(&self) -> usize {
        self.shortest
    }

    /// Bytes from one gram that is looked at to the next.
    const fn stride(&self) -> usize {
        self.shortest - GRAM + 1
    }

    #[inline]
    fn is_known(&self, gram: [u8; GRAM]) -> bool {
        let (number, set) = place(gram, self.bits);
        self.grams.get(number).is_some_and(|number| number & set == set)
    }

    /// The next gram that is known, from `at` on.
    fn next_known(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        let stride = self.stride();
        while let Some(gram) = bytes.get(at..)?.first_chunk() {
            if self.is_known(*gram) {
                return Some(at);
            }
            at += stride;
        }
        None
    }

    /// Where needles stand: the leftmost, of those the longest, and on behind it.
    pub(crate) fn find_iter<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        // From where a needle may begin, and the next gram to look at.
        let (mut from, mut at) = (0, 0);
        std::iter::from_fn(move || {
            loop {
                let stride = self.stride();
                at = self.next_known(bytes, at)?;
                let first = from.max((at + 1).saturating_sub(stride));
                if !(first..=at).any(|start| self.begins(bytes, start)) {
                    from = at + 1;
                    at += stride;
                    continue;
                }
                let (hit, next) = self.read(bytes, first, at);
                at = next.max(at + 1);
                from = at;
                if hit.is_some() {
                    return hit;
                }
            }
        })
    }

    /// Whether as many bytes as the shortest needle has are those of one.
    fn begins(&self, bytes: &[u8], start: usize) -> bool {
        let Some(head) = bytes.get(start..start + self.shortest) else { return false };
        let Ok(mut state) = self.automaton.start_state(Anchored::Yes) else { return true };
        head.iter().all(|byte| {
            state = self.automaton.next_state(Anchored::Yes, state, *byte);
            !self.automaton.is_dead(state)
        })
    }

    /// Reads on from `first` while a needle may be there that begins no later than at `last`: what it finds, and up to
    /// where none else begins.
    fn read(&self, bytes: &[u8], first: usize, last: usize) -> (Option<Hit>, usize) {
        let automaton = &self.automaton;
        let Ok(start) = automaton.start_state(Anchored::No) else { return (None, bytes.len()) };
        let (mut state, mut hit) = (start, None);
        for (at, byte) in bytes.iter().enumerate().skip(first) {
            state = automaton.next_state(Anchored::No, state, *byte);
            if automaton.is_dead(state) {
                break;
            }
            if automaton.is_match(state) {
                let pattern = automaton.match_pattern(state, 0);
                let end = at + 1;
                let start = end.saturating_sub(automaton.pattern_len(pattern));
                hit = Some(Hit { needle: pattern.as_usize(), start, end });
            } else if state == start && at >= last && hit.is_none() {
                return (None, at + 1);
            }
        }
        (hit, hit.map_or(bytes.len(), |hit| hit.end))
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasickBuilder;
    use proptest::prelude::*;

    use super::*;

    fn search(needles: &[&[u8]]) -> Search {
        let needles: Vec<Vec<u8>> = needles.iter().map(|needle| needle.to_vec()).collect();
        Search::new(&needles, 6).unwrap()
    }

    #[test]
    fn every_place_of_a_needle_is_found_and_capitals_do_not_matter() {
        let search = search(&[b"lindqvarn", b"oskar lindqvarn", b"106e271c"]);
        for before in 0..20 {
            let text = [&b"x".repeat(before)[..], b"Oskar LINDQVARN 106e271C, lindqvar"].concat();
            let found: Vec<_> = search.find_iter(&text).map(|hit| (hit.needle, hit.start, hit.end)).collect();
            assert_eq!(found, [(1, before, before + 15), (2, before + 16, before + 24)]);
        }
    }

    #[test]
    fn nothing_is_found_where_nothing_is_looked_for() {
        assert_eq!(search(&[]).find_iter(b"oskar lindqvarn").next(), None);
        assert_eq!(search(&[b"lindqvarn"]).find_iter(b"lin").next(), None);
    }

    proptest! {
        #[test]
        fn hits_are_those_of_the_automaton_alone(
            needles in prop::collection::vec("[abAB.]{6,12}", 1..12),
            pieces in prop::collection::vec((any::<prop::sample::Index>(), "[abcAB.]{0,9}", 0..13_usize), 0..12),
        ) {
            let needles: Vec<Vec<u8>> = needles.into_iter().map(String::into_bytes).collect();
            let text = pieces.iter().fold(Vec::new(), |text, (which, other, cut)| {
                let needle = which.get(&needles);
                [&text, other.as_bytes(), needle.get(..*cut).unwrap_or(needle)].concat()
            });
            let plain = AhoCorasickBuilder::new()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::LeftmostLongest)
                .build(&needles)
                .unwrap();
            let expected: Vec<_> =
                plain.find_iter(&text).map(|hit| (hit.pattern().as_usize(), hit.start(), hit.end())).collect();
            let search = Search::new(&needles, 6).unwrap();
            let found: Vec<_> = search.find_iter(&text).map(|hit| (hit.needle, hit.start, hit.end)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
