//! Which stretches of a file were sent, together.

use std::collections::BTreeMap;

/// Bytes of a file that were sent: stretches that neither touch nor overlap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pieces {
    /// The length of the file.
    of: u64,
    /// Where each begins, and ends.
    stretches: BTreeMap<u64, u64>,
}

/// Of a long file, so many bytes prove that it is this one. What cameras and apps write into every file is shorter.
const ENOUGH: u64 = 4096;

/// Of a short file, at least so many, and three quarters of it.
const LEAST: u64 = 512;

/// Stretches that are told.
const FEW: usize = 3;

impl Pieces {
    /// Stretches of a file of so many bytes: where each begins and ends.
    pub fn new(of: u64, stretches: impl IntoIterator<Item = [u64; 2]>) -> Self {
        let mut pieces = Self { of, stretches: BTreeMap::new() };
        stretches.into_iter().for_each(|stretch| pieces.add(stretch));
        pieces
    }

    fn add(&mut self, [mut start, mut end]: [u64; 2]) {
        end = end.min(self.of);
        if start >= end {
            return;
        }
        // Those that begin before it ends, from the last on, as far as they reach it.
        while let Some((first, last)) = self.stretches.range(..=end).next_back().map(|(a, b)| (*a, *b))
            && last >= start
        {
            self.stretches.remove(&first);
            (start, end) = (start.min(first), end.max(last));
        }
        self.stretches.insert(start, end);
    }

    /// Adds what else of the file was sent.
    pub fn merge(&mut self, other: Self) {
        other.stretches.into_iter().for_each(|(start, end)| self.add([start, end]));
    }

    /// How many bytes of the file these are.
    pub fn bytes(&self) -> u64 {
        self.stretches.iter().map(|(start, end)| end - start).sum()
    }

    /// Whether they are all of the file.
    pub fn is_whole(&self) -> bool {
        self.bytes() == self.of
    }

    /// Whether they are so many that it is this file, and not another that begins alike.
    pub fn is_enough(&self) -> bool {
        self.is_whole() || self.bytes() >= (self.of / 4 * 3).clamp(LEAST, ENOUGH)
    }

    /// How much of the file: `7.5 % of the file`.
    pub fn share(&self) -> String {
        if self.is_whole() {
            return "100 % of the file".to_owned();
        }
        // Never nothing, never all.
        let tenths = (u128::from(self.bytes()) * 1000 / u128::from(self.of.max(1))).clamp(1, 999);
        format!("{}.{} % of the file", tenths / 10, tenths % 10)
    }

    /// `100 % of the file`, `7.5 % of the file: of 3481234 bytes 0–262143`.
    pub fn told(&self) -> String {
        if self.is_whole() {
            return self.share();
        }
        let shown: Vec<String> = self
            .stretches
            .iter()
            .take(FEW)
            .map(|(start, end)| format!("{start}–{}", end.saturating_sub(1)))
            .collect();
        let more = match self.stretches.len().saturating_sub(FEW) {
            0 => String::new(),
            more => format!(" and {more} more stretches"),
        };
        format!("{}: of {} bytes {}{more}", self.share(), self.of, shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stretches_are_told_together() {
        let pieces = Pieces::new(3_481_234, [[0, 262_144]]);
        assert_eq!(pieces.told(), "7.5 % of the file: of 3481234 bytes 0–262143");
        assert_eq!(Pieces::new(10, [[0, 4], [6, 10], [4, 6]]).told(), "100 % of the file");
        let many = Pieces::new(1_000_000, (0..9).map(|at| [at * 100, at * 100 + 50]));
        assert_eq!(
            many.told(),
            "0.1 % of the file: of 1000000 bytes 0–49, 100–149, 200–249 and 6 more stretches"
        );
    }

    #[test]
    fn little_is_not_enough() {
        assert!(!Pieces::new(1 << 20, [[0, 4095]]).is_enough());
        assert!(Pieces::new(1 << 20, [[0, 2000], [5000, 7096]]).is_enough());
        assert!(!Pieces::new(1000, [[0, 700]]).is_enough() && Pieces::new(1000, [[0, 750]]).is_enough());
        assert!(!Pieces::new(600, [[0, 500]]).is_enough() && Pieces::new(100, [[0, 100]]).is_enough());
    }

    proptest! {
        #[test]
        fn each_byte_counts_once(
            stretches in prop::collection::vec((0_u64..200, 0_u64..60), 0..20), split in 0_usize..20,
        ) {
            let all: Vec<[u64; 2]> = stretches.iter().map(|(start, length)| [*start, start + length]).collect();
            let (one, other) = all.split_at(split.min(all.len()));
            let mut pieces = Pieces::new(220, one.iter().copied());
            pieces.merge(Pieces::new(220, other.iter().copied()));
            let covered = (0..220).filter(|byte| all.iter().any(|[start, end]| start <= byte && byte < end)).count();
            prop_assert_eq!(pieces.bytes(), covered as u64);
            prop_assert_eq!(pieces, Pieces::new(220, all));
        }
    }
}
