//! How many questions of one client are looked into in a second: a bucket of as many as two seconds hold.

use std::{net::IpAddr, time::Instant};

use foldhash::{HashMap, HashMapExt};

/// Clients that are told apart; all beyond share one bucket.
const MOST_CLIENTS: usize = 1024;

/// The buckets.
#[derive(Debug)]
pub(super) struct Limits {
    buckets: HashMap<IpAddr, Bucket>,
    others: Bucket,
    per_second: f64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limits {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self { buckets: HashMap::new(), others: Bucket { left: per_second * 2.0, at: now }, per_second }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, client: IpAddr, now: Instant) -> bool {
        let most = self.per_second * 2.0;
        if !self.buckets.contains_key(&client) && self.buckets.len() >= MOST_CLIENTS {
            // Whoever was silent for two seconds has a full one again, and is as one that was never seen.
            self.buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at).as_secs() < 2);
        }
        let bucket = if self.buckets.contains_key(&client) || self.buckets.len() < MOST_CLIENTS {
            self.buckets.entry(client).or_insert(Bucket { left: most, at: now })
        } else {
            &mut self.others
        };
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * self.per_second).min(most);
        bucket.at = now;
        let there = bucket.left >= 1.0;
        if there {
            bucket.left -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    #[test]
    fn a_client_has_what_two_seconds_hold_and_then_its_rate() {
        let now = Instant::now();
        let mut limits = Limits::new(10, now);
        let [one, other] = [1, 2].map(|last| Ipv4Addr::new(10, 0, 0, last).into());
        let taken = |limits: &mut Limits, client, at| (0..100).filter(|_| limits.take(client, at)).count();
        assert_eq!(taken(&mut limits, one, now), 20);
        assert_eq!(taken(&mut limits, other, now), 20);
        assert_eq!(taken(&mut limits, one, now + Duration::from_millis(500)), 5);
    }

    #[test]
    fn many_addresses_of_one_sender_share_a_bucket() {
        let now = Instant::now();
        let mut limits = Limits::new(10, now);
        let taken = (0..10_000_u32).filter(|at| limits.take(Ipv4Addr::from(*at).into(), now)).count();
        assert_eq!((taken, limits.buckets.len()), (MOST_CLIENTS + 20, MOST_CLIENTS));
    }
}
