//! Values made up for one run, to be planted on a device and looked for in what it sends.
//!
//! ```text
//! Random ─▶ made ─▶ Made ─▶ file  (canaries.toml: what is planted, and decoys)
//!                    │└────▶ picture (a JPEG whose pixels and EXIF are those of this run)
//!                    └─────▶ documents (contacts, notes, profile, networks, mission: to be copied to a device)
//! ```
//!
//! A value proves something because nobody else has it: it is drawn anew for each run, and how much chance there was is
//! said with it in bits. Ranges are those that regulators keep free, so that no value is anybody's.

mod documents;
mod file;
mod kinds;
mod picture;
mod random;

use std::collections::HashSet;

use creance_detect::CanaryPicture;
use creance_model::DataClass;
use thiserror::Error;

pub use documents::{Document, Shape, documents};
pub use picture::picture;
pub use random::Random;

/// Why no canaries could be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
    /// There are not so many different values of a kind.
    #[error("there are not so many different values ({what}): expected a smaller --count")]
    Few {
        /// The kind.
        what: &'static str,
    },
    /// A picture could not be encoded.
    #[error("cannot encode the picture: {0}")]
    Picture(String),
}

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the run is called; without it, a word is made up.
    pub run: Option<String>,
    /// Values of each kind.
    pub count: usize,
    /// Where places are to lie, in degrees north and east; without it, far out at sea.
    pub near: Option<(f64, f64)>,
}

/// A value that was made up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MadeValue {
    /// What it is.
    pub class: DataClass,
    /// What it is to be, in words.
    pub what: &'static str,
    /// The value.
    pub value: String,
    /// How much chance there was, in bits, rounded down.
    pub bits: u32,
    /// Whether it is to be planted nowhere.
    pub decoy: bool,
}

/// All that was made up for a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Made {
    /// What the run is called.
    pub run: String,
    /// The values: those to be planted, then the decoys.
    pub values: Vec<MadeValue>,
    /// The pictures.
    pub pictures: Vec<CanaryPicture>,
}

/// Bits of chance from which on a value proves something alone.
pub(crate) const ENOUGH: u32 = 40;

/// Makes values of every kind: as many of each as was asked for, and one of each that is a decoy, but for those of too few
/// bits. No two are the same.
pub fn made(options: &Options, random: &mut Random) -> Result<Made, Error> {
    let run = options.run.clone().unwrap_or_else(|| format!("run-{}", random.letters(8)));
    let mut known = HashSet::new();
    let mut values = Vec::new();
    for (decoy, count) in [(false, options.count), (true, 1)] {
        for kind in kinds::ALL {
            for _ in 0..count {
                let new = |random: &mut Random| (kind.make)(random, options.near);
                let drawn = (0..MOST_DRAWN).map(|_| new(random)).find(|(value, _)| !known.contains(value));
                let Some((value, bits)) = drawn else { return Err(Error::Few { what: kind.what }) };
                // A number from a range for fiction is the sample number of many an app: seen, it would say nothing.
                if decoy && bits < ENOUGH {
                    continue;
                }
                known.insert(value.clone());
                values.push(MadeValue { class: kind.class, what: kind.what, value, bits, decoy });
            }
        }
    }
    Ok(Made { run, values, pictures: Vec::new() })
}

/// How often a value is drawn anew that is there already.
const MOST_DRAWN: usize = 1000;

impl Made {
    /// The canary file: TOML that [`creance_detect::CanarySet::parse`] reads. `seed` is what the values can be made from
    /// again, if they can.
    pub fn file(&self, seed: Option<u64>) -> String {
        file::text(self, seed)
    }

    /// The first value of a class that is to be planted.
    pub fn first(&self, class: DataClass) -> Option<&str> {
        let planted = self.values.iter().filter(|one| one.class == class && !one.decoy);
        planted.map(|one| one.value.as_str()).next()
    }
}

#[cfg(test)]
mod tests {
    use creance_detect::{Canaries, CanarySet};
    use proptest::prelude::*;

    use super::*;

    fn some(seed: u64, count: usize, near: Option<(f64, f64)>) -> Made {
        made(&Options { run: None, count, near }, &mut Random::seeded(seed)).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_made_is_read_back_and_no_two_values_are_the_same(
            seed: u64, count in 1..5_usize, near in prop::option::of((-80.0..80.0, -170.0..170.0)),
        ) {
            let made = some(seed, count, near);
            let set = CanarySet::parse(&made.file(Some(seed))).unwrap();
            prop_assert_eq!(set.run.as_deref(), Some(made.run.as_str()));
            let read: Vec<_> = set.values.iter().map(|one| (one.class, &one.value, one.decoy)).collect();
            let written: Vec<_> = made.values.iter().map(|one| (one.class, &one.value, one.decoy)).collect();
            prop_assert_eq!(read, written);
            let decoys: Vec<_> = made.values.iter().filter(|one| one.decoy).collect();
            prop_assert!(decoys.len() > kinds::ALL.len() / 2 && decoys.iter().all(|one| one.bits >= ENOUGH));
            let all: HashSet<&str> = set.values.iter().map(|one| one.value.as_str()).collect();
            prop_assert_eq!(all.len(), set.values.len());
            prop_assert_eq!(&some(seed, count, near), &made, "the same seed makes the same");
        }
    }

    #[test]
    fn another_seed_and_the_operating_system_make_others() {
        let values = |made: Made| made.values.into_iter().map(|one| one.value).collect::<HashSet<_>>();
        let of_system = || {
            values(
                made(&Options { run: None, count: 1, near: None }, &mut Random::system().unwrap()).unwrap(),
            )
        };
        let long = |value: &&String| value.len() > 13;
        let (one, other, third) = (values(some(1, 1, None)), of_system(), of_system());
        assert!(one.intersection(&other).filter(long).count() == 0);
        assert!(third.intersection(&other).filter(long).count() == 0);
    }

    #[test]
    fn all_can_be_looked_for_at_once() {
        let made = some(7, 20, None);
        let set = CanarySet::parse(&made.file(None)).unwrap();
        assert!(Canaries::with(set.values, Vec::new()).is_ok());
        assert!(matches!(
            super::made(&Options { run: None, count: 2000, near: None }, &mut Random::seeded(1)),
            Err(Error::Few { .. })
        ));
    }
}
