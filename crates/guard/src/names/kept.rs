//! What is kept, up to a limit: of two halves the older is given up as a whole when the younger is full.

use foldhash::{HashMap, HashMapExt};

/// Values by keys that others choose.
#[derive(Debug)]
pub(super) struct Kept<V> {
    young: HashMap<Box<[u8]>, V>,
    old: HashMap<Box<[u8]>, V>,
    half: usize,
}

impl<V: Clone> Kept<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (most / 2).max(1) }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).cloned()
    }

    pub(super) fn put(&mut self, key: Box<[u8]>, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_never_more_than_the_limit() {
        let mut kept = Kept::new(8);
        for number in 0..100_u8 {
            kept.put([number].into(), number);
            assert!(kept.young.len() + kept.old.len() <= 8);
            assert_eq!(kept.get(&[number]), Some(number));
            // At least half of them are the latest.
            assert_eq!(kept.get(&[number.saturating_sub(3)]), Some(number.saturating_sub(3)));
        }
        assert_eq!(kept.get(&[0]), None);
        kept.clear();
        assert_eq!(kept.get(&[99]), None);
    }
}
