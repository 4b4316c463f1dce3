//! Chance: from the operating system, or from a seed for what must be made again.

use std::fmt;

use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
};

use crate::Error;

/// A stream of random bytes: SHA-256 of a secret and a counter.
pub struct Random {
    secret: [u8; 32],
    counter: u64,
    block: Vec<u8>,
}

impl fmt::Debug for Random {
    /// Without the secret that all values follow from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

/// Letters and digits that are not taken for each other: five bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Random {
    /// Chance from the operating system's generator: 256 bits.
    pub fn system() -> Result<Self, Error> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| Error::Random)?;
        Ok(Self { secret, counter: 0, block: Vec::new() })
    }

    /// The same bytes for the same seed: whoever knows it knows the values.
    pub fn seeded(seed: u64) -> Self {
        let mut secret = [0; 32];
        let hash =
            digest::digest(&digest::SHA256, &[b"creance canary 1".as_slice(), &seed.to_be_bytes()].concat());
        secret.iter_mut().zip(hash.as_ref()).for_each(|(byte, of)| *byte = *of);
        Self { secret, counter: 0, block: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.block.pop() {
                return byte;
            }
            self.counter += 1;
            let text = [self.secret.as_slice(), &self.counter.to_be_bytes()].concat();
            self.block = digest::digest(&digest::SHA256, &text).as_ref().to_vec();
        }
    }

    /// As many bytes.
    pub(crate) fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below another, each as likely; 0 below 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let end = end.max(1);
        // What is left over above the last whole multiple would make small numbers likelier.
        let left_over = (u64::MAX % end + 1) % end;
        loop {
            let number = u64::from_be_bytes(self.bytes());
            if number <= u64::MAX - left_over {
                return number % end;
            }
        }
    }

    /// One of a list.
    pub(crate) fn of<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let at = self.below(list.len() as u64);
        usize::try_from(at).ok().and_then(|at| list.get(at)).copied().unwrap_or_default()
    }

    /// So many letters and digits, five bits each.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(self.of(LETTERS))).collect()
    }

    /// So many digits.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(self.of(b"0123456789"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_their_end_and_each_comes() {
        let mut random = Random::seeded(1);
        let mut seen = [0_u32; 6];
        for _ in 0..6000 {
            seen[usize::try_from(random.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!((random.below(0), random.below(1)), (0, 0));
    }
}
