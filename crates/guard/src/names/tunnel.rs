//! Names that carry data. What may leave by asking is the bytes of names that differ, below one registered domain: they are
//! counted for each client in a minute, and beyond a budget such names are not asked for any more for a while.
//!
//! A page asks for some dozens of short names below one domain; a tunnel writes into each as much as it holds. Long labels
//! that look like chance weigh more, and so do types that bring much back. Whoever stays below the budget is not found.

use std::{
    collections::HashSet,
    net::IpAddr,
    time::{Duration, Instant},
};

use foldhash::{HashMap, HashMapExt};

use super::question::kind;

const MINUTE: Duration = Duration::from_mins(1);
/// For how long names below a domain are not asked for once it was a tunnel.
const PENANCE: Duration = Duration::from_mins(10);
/// Clients and domains that are followed; where they are more, all windows begin anew but those of tunnels.
const MOST: usize = 4096;
/// A label from this length on is looked at for chance.
const LONG: usize = 24;
/// Bits of a letter from which on it looks like chance: words have about four, base32 at most five.
const CHANCE: f64 = 3.4;

/// What is counted.
#[derive(Debug)]
pub(super) struct Tunnels {
    windows: HashMap<(IpAddr, String), Window>,
    budget: u32,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    bytes: u32,
    names: HashSet<u64>,
    until: Option<Instant>,
}

/// What a question is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    /// Nothing odd.
    Fine,
    /// One that makes a tunnel of what went before: it is told once.
    Found(String),
    /// One more of it.
    Known,
}

impl Tunnels {
    pub(super) fn new(budget: u32) -> Self {
        Self { windows: HashMap::new(), budget }
    }

    /// Takes a question that is not answered from what is kept.
    pub(super) fn see(&mut self, client: IpAddr, name: &str, kind: u16, now: Instant) -> Seen {
        let domain = registered(name);
        let below = name.strip_suffix(domain).unwrap_or_default().trim_end_matches('.');
        if below.is_empty() {
            return Seen::Fine;
        }
        let over = |window: &Window| now.saturating_duration_since(window.since) >= MINUTE;
        if self.windows.len() >= MOST {
            self.windows.retain(|_, window| window.until.is_some_and(|until| now < until));
        }
        let key = (client, domain.to_owned());
        if self.windows.len() >= MOST && !self.windows.contains_key(&key) {
            // So many tunnels at once: nobody is let through who was not seen before.
            return Seen::Known;
        }
        let fresh = || Window { since: now, bytes: 0, names: HashSet::new(), until: None };
        let window = self.windows.entry(key).or_insert_with(fresh);
        if window.until.is_some_and(|until| now < until) {
            return Seen::Known;
        }
        if over(window) || window.until.is_some() {
            *window = fresh();
        }
        if window.names.insert(hash(name)) {
            window.bytes = window.bytes.saturating_add(weight(below, kind));
        }
        if window.bytes <= self.budget {
            return Seen::Fine;
        }
        window.until = Some(now + PENANCE);
        window.names = HashSet::new();
        Seen::Found(domain.to_owned())
    }
}

/// The domain that somebody registered, by the public suffix list; the whole name where that is not known.
pub(super) fn registered(name: &str) -> &str {
    psl::domain_str(name).unwrap_or(name)
}

/// The bytes that a name may carry.
fn weight(below: &str, kind: u16) -> u32 {
    let labels = below.split('.').map(|label| {
        let length = u32::try_from(label.len()).unwrap_or(u32::MAX);
        if label.len() >= LONG && entropy(label) >= CHANCE { length * 2 } else { length }
    });
    let bytes: u32 = labels.sum();
    if matches!(kind, kind::TXT | kind::NULL) { bytes.saturating_mul(2) } else { bytes }
}

/// Bits of a letter, by how often each is there.
fn entropy(label: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in label.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(label.len()).unwrap_or(u32::MAX));
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

fn hash(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> IpAddr {
        "10.0.0.2".parse().unwrap()
    }

    /// Base32 as a tunnel writes it: a counter, stirred.
    fn data(number: u64) -> String {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..52)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(state >> 59) as usize])
            })
            .collect()
    }

    #[test]
    fn data_in_names_is_found_and_its_domain_refused_for_a_while() {
        let mut tunnels = Tunnels::new(1500);
        let now = Instant::now();
        let asked = |tunnels: &mut Tunnels, number: u64, at| {
            tunnels.see(client(), &format!("{}.t.evil.example", data(number)), kind::A, at)
        };
        let first = (0..100).find(|number| asked(&mut tunnels, *number, now) != Seen::Fine).unwrap();
        assert!((10..20).contains(&first), "found at question {first}");
        assert_eq!(asked(&mut tunnels, 1000, now), Seen::Known);
        assert_eq!(tunnels.see(client(), "www.other.example", kind::A, now), Seen::Fine);
        assert_eq!(tunnels.see("10.0.0.3".parse().unwrap(), "a.evil.example", kind::A, now), Seen::Fine);
        assert_eq!(asked(&mut tunnels, 1001, now + PENANCE), Seen::Fine);
    }

    #[test]
    fn pages_and_repeated_questions_are_no_tunnel() {
        let mut tunnels = Tunnels::new(1500);
        let now = Instant::now();
        for number in 0..1000 {
            // The same names again, as those do that are asked for and not answered.
            let name = format!("shard-{}.images.media-provider.example", number % 40);
            assert_eq!(tunnels.see(client(), &name, kind::A, now), Seen::Fine, "{number}");
        }
        // A name of a cloud, once.
        let name = "d41d8cd98f00b204e9800998ecf8427e.execute-api.eu-west-1.amazonaws.com";
        assert_eq!(tunnels.see(client(), name, kind::A, now), Seen::Fine);
    }

    #[test]
    fn what_is_spread_over_minutes_is_counted_by_the_minute() {
        let mut tunnels = Tunnels::new(1500);
        let now = Instant::now();
        for minute in 0..10_u32 {
            for number in 0..10 {
                let name = format!("{}.evil.example", data(u64::from(minute * 10 + number)));
                assert_eq!(tunnels.see(client(), &name, kind::A, now + MINUTE * minute), Seen::Fine);
            }
        }
    }

    #[test]
    fn a_flood_of_domains_is_bounded() {
        let mut tunnels = Tunnels::new(1500);
        let now = Instant::now();
        for number in 0..20_000 {
            tunnels.see(client(), &format!("a.d{number}.example"), kind::A, now);
            assert!(tunnels.windows.len() <= MOST);
        }
    }
}
