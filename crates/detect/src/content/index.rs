//! Where fingerprints stand in the files of a device.
//!
//! ```text
//! starts    by the highest bits of a key, where its entries begin        4 bytes for 4 to 8 entries
//! entries   key │ file and place, in order                              16 bytes for each sample
//! known     a bit for the lowest bits of a key: most are of no sample    1 to 2 bytes for each sample
//! ```
//!
//! A key that comes twice in a file says nothing; nor does one of several files, unless they are versions of each other
//! and share half of what they have: cameras and apps write the same into all their files.

use std::collections::HashMap;

use super::fingerprint::Sample;

/// Files of one fingerprint that may be versions of each other.
const MOST_VERSIONS: usize = 4;

/// Bits of a place within a file; the others are of the file.
const PLACE_BITS: u32 = 44;

/// Entries for one start, at most, on the average: to this power of two.
const TOGETHER: u32 = 3;

/// Bits that say of a key whether it is known, for each entry, at least.
const KNOWN_BITS: usize = 8;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Entry {
    key: u64,
    place: u64,
}

impl Entry {
    const fn file(self) -> usize {
        (self.place >> PLACE_BITS) as usize
    }
}

/// Fingerprints of the files of a device.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    starts: Vec<u32>,
    /// Bits of a key that say no start.
    shift: u32,
    /// Which of the lowest bits of a key a sample has: as many numbers of 64 bits as a power of two.
    known: Vec<u64>,
    /// Fingerprints that say nothing, for they are common.
    common: usize,
}

impl Index {
    /// An index of samples of each file.
    pub(super) fn new(files: Vec<Vec<Sample>>) -> Self {
        let counts: Vec<usize> = files.iter().map(Vec::len).collect();
        let mut entries = Vec::with_capacity(counts.iter().sum());
        for (file, samples) in files.into_iter().enumerate().take(1 << (64 - PLACE_BITS)) {
            let place = |end: u64| (file as u64) << PLACE_BITS | end;
            let kept = samples.into_iter().filter(|sample| sample.end < 1 << PLACE_BITS);
            entries.extend(kept.map(|sample| Entry { key: sample.key, place: place(sample.end) }));
        }
        entries.sort_unstable();
        let before = entries.len();
        let versions = versions(&entries, &counts);
        let groups = entries.chunk_by(|one, other| one.key == other.key);
        let kept: Vec<bool> = groups
            .flat_map(|group| std::iter::repeat_n(says_something(group, &versions), group.len()))
            .collect();
        let mut kept = kept.into_iter();
        entries.retain(|_| kept.next().unwrap_or(false));
        entries.shrink_to_fit();
        let bits = entries.len().checked_ilog2().unwrap_or(0).saturating_sub(TOGETHER - 1).max(1);
        let shift = 64 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for start in 0..1_u64 << bits {
            let rest = entries.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|entry| entry.key >> shift < start).count();
            starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        starts.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let mut known = vec![0; (entries.len() * KNOWN_BITS).div_ceil(64).next_power_of_two()];
        for entry in &entries {
            let (word, bit) = place_of(entry.key, known.len());
            known.get_mut(word).into_iter().for_each(|word| *word |= bit);
        }
        Self { common: before - entries.len(), entries, starts, shift, known }
    }

    /// Whether nothing can be found.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a fingerprint may be one of these: of others, one in eight or fewer.
    #[inline]
    pub(super) fn may_hold(&self, key: u64) -> bool {
        let (word, bit) = place_of(key, self.known.len());
        self.known.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Where a fingerprint stands: the file, and where its window ends in it.
    #[inline]
    pub(super) fn places(&self, key: u64) -> impl Iterator<Item = (usize, u64)> {
        let start = usize::try_from(key >> self.shift).unwrap_or(usize::MAX);
        let entries = self.starts.get(start).zip(self.starts.get(start.saturating_add(1)));
        let entries = entries.and_then(|(from, to)| self.entries.get(*from as usize..*to as usize));
        let equal = entries.unwrap_or_default().iter().filter(move |entry| entry.key == key);
        equal.map(|entry| (entry.file(), entry.place & ((1 << PLACE_BITS) - 1)))
    }

    /// What it takes, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.starts.capacity() * size_of::<u32>()
            + self.known.capacity() * size_of::<u64>()
    }

    /// How many fingerprints were left out, for they are common.
    pub(super) const fn common(&self) -> usize {
        self.common
    }
}

/// Where the bit of a key is among so many numbers, a power of two: the number, and the bit.
#[inline]
fn place_of(key: u64, numbers: usize) -> (usize, u64) {
    let number = key >> 6 & (numbers as u64).wrapping_sub(1);
    (usize::try_from(number).unwrap_or(usize::MAX), 1 << (key & 63))
}

/// The files of entries of one key, if each has it once and they are few.
fn few_files(group: &[Entry]) -> bool {
    group.len() <= MOST_VERSIONS && group.is_sorted_by(|one, other| one.file() < other.file())
}

/// The first of some files with each of the others.
fn pairs(group: &[Entry]) -> impl Iterator<Item = (usize, usize)> {
    let first = group.first().map_or(0, |entry| entry.file());
    group.iter().skip(1).map(move |other| (first, other.file()))
}

/// How many fingerprints two files share, for those that share half of what one of them has.
fn versions(entries: &[Entry], counts: &[usize]) -> HashMap<(usize, usize), usize> {
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    let groups = entries.chunk_by(|one, other| one.key == other.key);
    for pair in groups.filter(|group| few_files(group)).flat_map(pairs) {
        *shared.entry(pair).or_default() += 1;
    }
    let count = |file: usize| counts.get(file).copied().unwrap_or(0);
    shared.retain(|(one, other), shared| *shared * 2 >= count(*one).min(count(*other)));
    shared
}

fn says_something(group: &[Entry], versions: &HashMap<(usize, usize), usize>) -> bool {
    group.len() == 1 || few_files(group) && pairs(group).all(|pair| versions.contains_key(&pair))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{fingerprint::Sampler, fixture::noise};

    fn samples(bytes: &[u8]) -> Vec<Sample> {
        let mut sampler = Sampler::from(0, bytes.len() as u64);
        sampler.update(bytes);
        sampler.finish()
    }

    #[test]
    fn every_sample_is_found_where_it_stands_and_no_other() {
        let files = [noise(1, 300_000), noise(2, 5000), Vec::new(), noise(3, 50_000)];
        let all: Vec<Vec<Sample>> = files.iter().map(|file| samples(file)).collect();
        let index = Index::new(all.clone());
        assert_eq!(index.common(), 0);
        for (file, samples) in all.iter().enumerate() {
            for sample in samples {
                assert!(index.may_hold(sample.key));
                assert_eq!(index.places(sample.key).collect::<Vec<_>>(), [(file, sample.end)]);
                assert_eq!(index.places(sample.key ^ 1).next(), None);
            }
        }
        // Fingerprints that are spread as all are.
        let others = (0..8000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17));
        let many = others.filter(|key| index.may_hold(*key)).count();
        assert!(many < 1200, "{many} of 8000");
        assert!(!Index::new(Vec::new()).may_hold(7) && !Index::default().may_hold(7));
        assert_eq!(Index::new(Vec::new()).places(7).next(), None);
        assert_eq!(Index::default().places(7).next(), None);
    }

    #[test]
    fn it_takes_less_than_a_hundredth_of_what_it_is_of() {
        let files: Vec<Vec<u8>> = (0..6).map(|seed| noise(seed, 4 << 20)).collect();
        let index = Index::new(files.iter().map(|file| samples(file)).collect());
        assert!(index.held() * 100 < 6 * (4 << 20), "{}", index.held());
    }

    #[test]
    fn what_several_files_have_is_common_unless_they_are_versions() {
        let shared = noise(9, 20_000);
        let with = |seed, length| [shared.clone(), noise(seed, length)].concat();
        let others = Index::new(vec![samples(&with(1, 200_000)), samples(&with(2, 200_000))]);
        assert!(others.common() > 10, "{}", others.common());
        let versions = Index::new(vec![samples(&with(1, 8000)), samples(&with(2, 200_000))]);
        assert_eq!(versions.common(), 0);
        let twice = Index::new(vec![samples(&[noise(3, 50_000), noise(3, 50_000)].concat())]);
        // What is sampled where a file begins is not sampled again.
        assert!(twice.common() > 30 && twice.entries.len() < 10, "{twice:?}");
    }
}
