//! A place for what each sender says, until somebody listens to it: whoever says much loses of his own, and keeps nobody else from being heard.
//!
//! Senders are told by address, which can be forged: whoever speaks under many takes the places that are free, and shares one with all
//! others who come then. Who has a place keeps it while he speaks. What is lost is counted: it may have been a word of flight.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::Datagram;

/// Senders with a place of their own.
const PLACES: usize = 16;
/// Datagrams that wait of each, and of all others together: more than an aircraft says in a second, for which a slow disk may hold up the engine.
const SHARE: usize = 256;
const OTHERS: usize = 256;
/// Silence after which a place is another's.
const IDLE: Duration = Duration::from_secs(10);

/// All who wait to be heard.
#[derive(Debug, Default)]
pub(super) struct Shares {
    places: Vec<Place>,
    others: VecDeque<Datagram>,
    /// Whose turn it is: behind all places, that of the others.
    turn: usize,
    waiting: usize,
    lost: u64,
}

#[derive(Debug)]
struct Place {
    from: IpAddr,
    waits: VecDeque<Datagram>,
    heard: Instant,
}

impl Shares {
    /// Takes in what was heard; the oldest of a share that is full is lost.
    pub(super) fn put(&mut self, datagram: Datagram, now: Instant) {
        let Self { places, others, .. } = self;
        let from = datagram.from;
        let own = places.iter().position(|place| place.from == from);
        let own = own.or_else(|| {
            let waits = VecDeque::new();
            if places.len() < PLACES {
                places.push(Place { from, waits, heard: now });
                return Some(places.len() - 1);
            }
            let is_free =
                |place: &Place| place.waits.is_empty() && now.saturating_duration_since(place.heard) > IDLE;
            let free = places.iter().position(is_free)?;
            if let Some(place) = places.get_mut(free) {
                *place = Place { from, waits, heard: now };
            }
            Some(free)
        });
        let (waits, most) = match own.and_then(|at| places.get_mut(at)) {
            Some(place) => {
                place.heard = now;
                (&mut place.waits, SHARE)
            }
            None => (others, OTHERS),
        };
        if waits.len() >= most {
            waits.pop_front();
            self.lost += 1;
        } else {
            self.waiting += 1;
        }
        waits.push_back(datagram);
    }

    /// The next, of each sender in turn.
    pub(super) fn next(&mut self) -> Option<Datagram> {
        if self.waiting == 0 {
            return None;
        }
        let all = self.places.len() + 1;
        for step in 0..all {
            let at = (self.turn + step) % all;
            let waits = self.places.get_mut(at).map_or(&mut self.others, |place| &mut place.waits);
            if let Some(datagram) = waits.pop_front() {
                self.turn = (at + 1) % all;
                self.waiting -= 1;
                return Some(datagram);
            }
        }
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// What was lost since the beginning.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(who: u32, number: usize) -> Datagram {
        let payload = number.to_be_bytes().to_vec();
        Datagram { from: IpAddr::from(who.to_be_bytes()), payload, seen: Duration::ZERO }
    }

    fn heard(shares: &mut Shares) -> Vec<Datagram> {
        std::iter::from_fn(|| shares.next()).collect()
    }

    #[test]
    fn whoever_says_much_loses_of_his_own_and_others_come_in_their_turn() {
        let (mut shares, now) = (Shares::default(), Instant::now());
        (0..5000).for_each(|number| shares.put(said(7, number), now));
        (0..3).for_each(|number| shares.put(said(1, number), now));
        assert_eq!(shares.lost(), 5000 - SHARE as u64);
        let all = heard(&mut shares);
        assert_eq!(all.len(), SHARE + 3);
        // The one who says little waits for one of the other, not for all.
        let place = |number: usize| all.iter().position(|one| *one == said(1, number)).unwrap();
        assert_eq!([place(0), place(1), place(2)], [1, 3, 5]);
        assert_eq!(all.last(), Some(&said(7, 4999)), "the newest is kept");
        assert!(shares.is_empty());
    }

    #[test]
    fn many_addresses_take_no_place_from_who_speaks() {
        let (mut shares, now) = (Shares::default(), Instant::now());
        shares.put(said(1, 0), now);
        heard(&mut shares);
        (0..100_000).for_each(|number| shares.put(said(1000 + number, 0), now));
        shares.put(said(1, 1), now + IDLE / 2);
        assert_eq!(shares.lost(), 100_000 - (PLACES as u64 - 1) - OTHERS as u64);
        assert_eq!(shares.places.len(), PLACES);
        assert!(heard(&mut shares).contains(&said(1, 1)));
        // Long after, places are free again.
        shares.put(said(5, 0), now + IDLE);
        assert_eq!(shares.others.len(), 1);
        shares.put(said(5, 1), now + 2 * IDLE);
        assert_eq!((shares.others.len(), heard(&mut shares).len()), (1, 2));
    }

    proptest! {
        /// Nothing is heard twice or in another order than it was said, and what is not heard is counted.
        #[test]
        fn all_is_heard_or_counted(said_by in prop::collection::vec((0..90_u32, 0..8_u8), 0..2000)) {
            let (mut shares, now) = (Shares::default(), Instant::now());
            let mut all = Vec::new();
            for (number, (who, listens)) in said_by.iter().enumerate() {
                shares.put(said(*who, number), now);
                if *listens == 0 {
                    all.extend(shares.next());
                }
                prop_assert!(shares.waiting <= PLACES * SHARE + OTHERS);
            }
            all.extend(heard(&mut shares));
            prop_assert_eq!(all.len() as u64 + shares.lost(), said_by.len() as u64);
            for who in 0..90 {
                let of: Vec<_> = all.iter().filter(|one| one.from == said(who, 0).from).collect();
                prop_assert!(of.is_sorted_by_key(|one| &one.payload));
            }
        }
    }
}
