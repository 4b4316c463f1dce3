//! The trained numbers of the funnel, as the file of `SeetaFace` Detection 1.0 holds them.
//!
//! ```text
//! all little-endian, i32 and f32
//! levels │ per level: branches │ per branch: stages │ each stage │ count and numbers of the branches it follows
//! stage 0: boosted   tests, bins │ x, y of each │ threshold of each │ bins + 1 weights of each
//! stage 1: network   layers, features │ feature numbers from 1 │ threshold │ inputs │ per layer: outputs, weights, biases
//! ```

use super::{boosted::Boosted, network::Network};

/// The funnel: several views at first, then one row of networks.
pub(super) struct Model {
    pub(super) views: Vec<Boosted>,
    pub(super) networks: Vec<Network>,
}

impl Model {
    /// The one that comes with the program.
    pub(super) fn bundled() -> Option<Self> {
        Self::read(include_bytes!("../../../../knowledge/faces/seeta_fd_frontal_v1.0.bin"))
    }

    /// Reads the file; `None`: it is another.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut numbers = Numbers(bytes);
        let mut model = Self { views: Vec::new(), networks: Vec::new() };
        for level in 0..numbers.count()? {
            let branches = numbers.count()?;
            for _ in 0..branches {
                for _ in 0..numbers.count()? {
                    match (numbers.count()?, level) {
                        (0, 0) => model.views.push(Boosted::read(&mut numbers)?),
                        (1, 1..) if branches == 1 => model.networks.push(Network::read(&mut numbers)?),
                        _ => return None,
                    }
                }
                // The first level follows none: −1.
                for _ in 0..i32::from_le_bytes(numbers.word()?) {
                    numbers.count()?;
                }
            }
        }
        numbers.0.is_empty().then_some(model)
    }
}

/// Takes numbers off the front.
pub(super) struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn word(&mut self) -> Option<[u8; 4]> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*word)
    }

    /// A count or number that is not negative.
    pub(super) fn count(&mut self) -> Option<usize> {
        usize::try_from(i32::from_le_bytes(self.word()?)).ok()
    }

    pub(super) fn float(&mut self) -> Option<f32> {
        self.word().map(f32::from_le_bytes)
    }

    pub(super) fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        // Each takes four bytes: no more are held than are there.
        if count > self.0.len() / 4 {
            return None;
        }
        (0..count).map(|_| self.float()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_numbers_are_a_funnel() {
        let model = Model::bundled().unwrap();
        assert_eq!((model.views.len(), model.networks.len()), (3, 3));
    }

    #[test]
    fn a_cut_file_is_none() {
        let bytes = include_bytes!("../../../../knowledge/faces/seeta_fd_frontal_v1.0.bin");
        assert!([0, 3, 100, bytes.len() - 1].into_iter().all(|cut| Model::read(&bytes[..cut]).is_none()));
    }
}
