//! Places for those who are served at one time: so many in all, and of each no more than a share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is served now.
#[derive(Debug)]
pub(crate) struct Crowd<K> {
    most: usize,
    of_one: usize,
    inside: Mutex<Vec<K>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: PartialEq> {
    crowd: Arc<Crowd<K>>,
    who: K,
}

impl<K: Clone + PartialEq> Crowd<K> {
    /// Nobody yet.
    pub(crate) fn new(most: usize, of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, of_one, inside: Mutex::default() })
    }

    /// Takes a place, if one is left and this one has not its share.
    pub(crate) fn enter(self: &Arc<Self>, who: K) -> Option<Place<K>> {
        let mut inside = self.inside();
        let share = inside.iter().filter(|one| **one == who).count();
        if inside.len() >= self.most || share >= self.of_one {
            return None;
        }
        inside.push(who.clone());
        Some(Place { crowd: Arc::clone(self), who })
    }
}

impl<K> Crowd<K> {
    fn inside(&self) -> MutexGuard<'_, Vec<K>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: PartialEq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside();
        if let Some(at) = inside.iter().position(|one| *one == self.who) {
            inside.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_and_a_place_that_is_left_is_free() {
        let crowd = Crowd::new(8, 3);
        let mut places: Vec<_> = (0..5).filter_map(|_| crowd.enter(1)).collect();
        assert_eq!(places.len(), 3);
        places.extend((2..99).filter_map(|who| crowd.enter(who)));
        assert_eq!(places.len(), 8);
        places.truncate(2);
        assert!(crowd.enter(1).is_some() && crowd.enter(50).is_some());
        drop(places);
        assert!(crowd.inside().is_empty());
    }
}
