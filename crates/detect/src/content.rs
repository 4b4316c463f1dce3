//! Pieces of the device's files in what was sent, however it was cut.
//!
//! ```text
//! file      ······■··········■·······■·····      samples of it, in the index
//! sent            └──────────┴───────┘           candidates of what was sent are looked up
//!                 ◀═══════════▶                  and the bytes around compared with the file's, as far as they are equal
//! ```
//!
//! A fingerprint alone says nothing: only bytes that were compared count.

mod fingerprint;
#[cfg(test)]
pub(crate) mod fixture;
mod index;
mod pieces;

use std::{collections::BTreeMap, fmt};

use fingerprint::{Rolling, STRETCH, WINDOW, says_something};
use index::Index;

pub use fingerprint::{Sample, Sampler};
pub use pieces::Pieces;

/// Shorter pieces are not told: each alone could be anybody's.
const LEAST: u64 = 256;

/// Fingerprints of one message that may turn out to be no piece.
const MOST_TRIES: usize = 1000;

/// Pieces of one message.
const MOST_PIECES: usize = 10_000;

/// Bytes of a file that are compared at once: few at first.
const BLOCK: (usize, usize) = (512, 1 << 16);

/// The bytes of the device's files, by the numbers that the files have among those that were given.
pub trait FileBytes: fmt::Debug + Send + Sync {
    /// Fills a buffer with the bytes of a file from an offset on. `None` if it cannot be read, is shorter, or is not the
    /// file any more that it was.
    fn read(&self, file: usize, offset: u64, buffer: &mut [u8]) -> Option<()>;
}

/// What is looked for: fingerprints of files, and their bytes.
#[derive(Debug)]
pub(crate) struct Content {
    index: Index,
    lengths: Vec<u64>,
    bytes: Box<dyn FileBytes>,
}

/// A piece of a file in a store of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    /// The store.
    pub(crate) store: usize,
    /// Where in the store.
    pub(crate) start: usize,
    /// Where in the file.
    pub(crate) offset: u64,
    /// How many bytes.
    pub(crate) length: usize,
}

/// The pieces of each file in a message.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: BTreeMap<usize, Vec<Piece>>,
    /// Whether there were more than are looked for.
    pub(crate) limited: bool,
}

impl Content {
    /// Files by their lengths and samples.
    pub(crate) fn new(lengths: Vec<u64>, samples: Vec<Vec<Sample>>, bytes: Box<dyn FileBytes>) -> Self {
        Self { index: Index::new(samples), lengths, bytes }
    }

    /// What the index takes, in bytes, and how many fingerprints were left out for they are common.
    pub(crate) const fn fingerprints(&self) -> (usize, usize) {
        (self.index.held(), self.index.common())
    }

    /// The first bytes of a file, at most so many.
    pub(crate) fn head(&self, file: usize, most: usize) -> Vec<u8> {
        let length = self.lengths.get(file).copied().unwrap_or(0);
        let mut head = vec![0; usize::try_from(length).unwrap_or(most).min(most)];
        self.bytes.read(file, 0, &mut head).map_or_else(Vec::new, |()| head)
    }

    /// Looks for pieces of files in what a message holds.
    pub(crate) fn pieces<'m>(&self, stores: impl Iterator<Item = &'m [u8]>) -> Found {
        let mut found = Found::default();
        if self.index.is_empty() {
            return found;
        }
        let (mut tries, mut room) = (MOST_TRIES, MOST_PIECES);
        let (mut buffer, mut candidates) = (Vec::new(), Vec::new());
        for (number, store) in stores.enumerate().filter(|(_, store)| store.len() as u64 >= LEAST) {
            // What ends before is compared.
            let mut compared = WINDOW - 1;
            let mut rolling = Rolling::default();
            for (stretch, bytes) in store.chunks(STRETCH).enumerate() {
                candidates.clear();
                rolling.over(bytes, |end, key| candidates.push((stretch * STRETCH + end, key)));
                candidates.retain(|(_, key)| self.index.may_hold(*key));
                for (end, key) in candidates.iter().copied() {
                    if end <= compared {
                        continue;
                    }
                    let mut places = self.index.places(key).peekable();
                    if places.peek().is_none() {
                        continue;
                    }
                    if tries == 0 || room == 0 {
                        found.limited = true;
                        continue;
                    }
                    let at = |(file, place)| {
                        let piece = self.compared(file, store, end, place, &mut buffer)?;
                        Some((file, Piece { store: number, ..piece }))
                    };
                    // Of versions of one file, those that it may be.
                    let mut longest: Vec<(usize, Piece)> = Vec::new();
                    for found in places.filter_map(at) {
                        let before = longest.first().map_or(0, |(_, piece)| piece.length);
                        if found.1.length > before {
                            longest.clear();
                        }
                        if found.1.length >= before {
                            longest.push(found);
                        }
                    }
                    let Some((_, piece)) = longest.first().copied() else {
                        tries -= 1;
                        continue;
                    };
                    compared = piece.start + piece.length;
                    let bytes = store.get(piece.start..compared).unwrap_or_default();
                    if is_content(bytes) {
                        room -= 1;
                        for (file, piece) in longest {
                            found.files.entry(file).or_default().push(piece);
                        }
                    } else {
                        tries -= 1;
                    }
                }
            }
        }
        found
    }

    /// How far bytes around a window that ends at `end` are those of a file around `place`; `None` if the window is not.
    fn compared(
        &self,
        file: usize,
        store: &[u8],
        end: usize,
        place: u64,
        buffer: &mut Vec<u8>,
    ) -> Option<Piece> {
        let length = *self.lengths.get(file)?;
        let start = end.checked_sub(WINDOW)?;
        let offset = place.checked_sub(WINDOW as u64)?;
        let mut block = BLOCK.0;
        let mut size = || std::mem::replace(&mut block, BLOCK.1);
        let mut behind = 0;
        loop {
            let from = offset + behind as u64;
            let rest = store.get(start + behind..)?;
            let left = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
            let sent = rest.get(..size().min(left).min(rest.len()))?;
            let equal = self.block(file, from, sent.len(), buffer).map_or(0, |bytes| common(sent, bytes));
            behind += equal;
            if sent.is_empty() || equal < sent.len() {
                break;
            }
        }
        if behind < WINDOW {
            return None;
        }
        let mut before = 0;
        let mut block = BLOCK.0;
        let mut size = || std::mem::replace(&mut block, BLOCK.1);
        loop {
            let rest = store.get(..start - before)?;
            let left = offset - before as u64;
            let many = size().min(rest.len()).min(usize::try_from(left).unwrap_or(usize::MAX));
            let sent = rest.get(rest.len() - many..)?;
            let bytes = self.block(file, left - many as u64, many, buffer);
            let equal = bytes.map_or(0, |bytes| common(sent.iter().rev(), bytes.iter().rev()));
            before += equal;
            if many == 0 || equal < many {
                break;
            }
        }
        Some(Piece {
            store: 0,
            start: start - before,
            offset: offset - before as u64,
            length: before + behind,
        })
    }

    fn block<'a>(
        &self,
        file: usize,
        offset: u64,
        length: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        buffer.resize(length, 0);
        self.bytes.read(file, offset, buffer)?;
        Some(buffer)
    }
}

/// How many bytes are equal before the first that differ.
fn common<'a>(one: impl IntoIterator<Item = &'a u8>, other: impl IntoIterator<Item = &'a u8>) -> usize {
    one.into_iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Whether bytes are long enough to be told, and at least half of them say something.
fn is_content(bytes: &[u8]) -> bool {
    let says = bytes.chunks(WINDOW).filter(|chunk| says_something(*chunk)).map(<[u8]>::len).sum::<usize>();
    says as u64 >= LEAST && says * 2 >= bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::{Files, noise};
    use proptest::prelude::*;

    fn content(files: &[Vec<u8>]) -> Content {
        let samples = |file: &Vec<u8>| {
            let mut sampler = Sampler::from(0, file.len() as u64);
            sampler.update(file);
            sampler.finish()
        };
        let lengths = files.iter().map(|file| file.len() as u64).collect();
        Content::new(lengths, files.iter().map(samples).collect(), Box::new(Files(files.to_vec())))
    }

    fn found(content: &Content, sent: &[u8]) -> Vec<(usize, u64, usize)> {
        let files = content.pieces([sent].into_iter()).files.into_iter();
        files
            .flat_map(|(file, pieces)| pieces.into_iter().map(move |one| (file, one.offset, one.length)))
            .collect()
    }

    #[test]
    fn pieces_of_several_files_in_any_order_are_each_found_whole() {
        let files = [noise(1, 200_000), noise(2, 90_000)];
        let sent = [
            &noise(7, 5000)[..],
            &files[1][10_000..50_000],
            &files[0][100_000..],
            b"--x--",
            &files[0][..70_000],
        ];
        let expected = [(0, 100_000, 100_000), (0, 0, 70_000), (1, 10_000, 40_000)];
        assert_eq!(found(&content(&files), &sent.concat()), expected);
    }

    #[test]
    fn a_file_that_changed_or_is_gone_is_not_told() {
        let file = noise(1, 100_000);
        let mut given = content(std::slice::from_ref(&file));
        given.bytes = Box::new(Files(vec![noise(2, 100_000)]));
        assert!(found(&given, &file).is_empty());
        given.bytes = Box::new(Files(Vec::new()));
        assert!(found(&given, &file).is_empty());
    }

    #[test]
    fn of_versions_the_one_that_was_sent_is_told() {
        let rest = noise(1, 100_000);
        let files = [[noise(2, 700), rest.clone()].concat(), [noise(3, 900), rest].concat()];
        let given = content(&files);
        for (number, file) in files.iter().enumerate() {
            assert_eq!(found(&given, file), [(number, 0, file.len())]);
        }
    }

    #[test]
    fn what_is_sent_over_and_over_costs_no_more_than_its_length() {
        let file = noise(1, 1 << 20);
        let given = content(std::slice::from_ref(&file));
        let window = file[..1 << 13].to_vec();
        let start = std::time::Instant::now();
        let sent: Vec<u8> = (0..4000).flat_map(|at| window[at..at + 200].to_vec()).collect();
        given.pieces([sent.as_slice()].into_iter());
        let sent: Vec<u8> = (0..2000).flat_map(|_| window.clone()).collect();
        assert_eq!(found(&given, &sent).len(), 2000);
        assert!(start.elapsed().as_secs() < 10);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_piece_of_4096_bytes_is_found_with_its_extent_wherever_it_stands(
            seed in any::<u64>(), length in 4096_usize..120_000, start in any::<prop::sample::Index>(),
            long in any::<prop::sample::Index>(), before in 0_usize..3000, behind in 0_usize..3000,
        ) {
            let file = noise(seed, length);
            let start = start.index(length - 4095);
            let end = start + 4096 + long.index(length - start - 4095);
            let given = content(std::slice::from_ref(&file));
            let sent = [&noise(!seed, before)[..], &file[start..end], &noise(!seed ^ 1, behind)].concat();
            let all = found(&given, &sent);
            prop_assert_eq!(all.len(), 1);
            let (file, offset, length) = all[0];
            // Bytes beside may be equal by chance.
            prop_assert!(file == 0 && offset <= start as u64 && start as u64 - offset < 4);
            prop_assert!(offset + length as u64 >= end as u64 && offset + (length as u64) < end as u64 + 4);
        }

        #[test]
        fn other_content_is_not_found(seed in any::<u64>(), sent in 1_usize..100_000) {
            let given = content(&[noise(seed, 100_000), noise(seed ^ 1, 3000)]);
            prop_assert!(found(&given, &noise(seed ^ 2, sent)).is_empty());
        }
    }
}
