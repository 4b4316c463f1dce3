//! The link between the hosts: it takes time, and sometimes it loses or overtakes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::IpAddr,
    time::Duration,
};

use super::{HOSTS, Headers, Host, Tap, is_lan};

/// How the way to the world behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// How many of a thousand packets are lost.
    pub(crate) lost: u32,
    /// How many of a thousand packets are late enough to be overtaken.
    pub(crate) late: u32,
    /// One way to each address, in milliseconds; others take [`NEAR`].
    pub(crate) away: BTreeMap<IpAddr, u64>,
}

/// One way to an address of which nothing is said.
const NEAR: Duration = Duration::from_millis(8);

/// One way on the LAN.
const LAN: Duration = Duration::from_micros(900);

/// Nanoseconds that a byte occupies the radio: about 90 Mbit/s.
const PER_BYTE: u64 = 88;

pub(super) struct Link {
    random: fastrand::Rng,
    weather: Weather,
    /// Until when each host's sender is busy.
    busy: [Duration; 3],
    /// Nothing on the same way arrives before this, unless it is overtaken.
    last: BTreeMap<(usize, Option<IpAddr>), Duration>,
    flying: BinaryHeap<Reverse<Flying>>,
    sent: u64,
}

/// A frame on its way. Those due first come first, then those sent first.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Flying {
    due: Duration,
    number: u64,
    from: usize,
    to: usize,
    frame: Vec<u8>,
}

impl Link {
    pub(super) fn new(random: fastrand::Rng, weather: Weather) -> Self {
        Self {
            random,
            weather,
            busy: [Duration::ZERO; 3],
            last: BTreeMap::new(),
            flying: BinaryHeap::new(),
            sent: 0,
        }
    }

    /// Takes a frame for a host, or for all but the sender.
    pub(super) fn send(&mut self, from: Host, to: Option<Host>, frame: &[u8], now: Duration, tap: &mut Tap) {
        let sender = index(from);
        let free = self.busy.get(sender).copied().unwrap_or_default();
        let start = free.max(now + Duration::from_micros(self.random.u64(4..60)));
        let sent = start + Duration::from_nanos(frame.len() as u64 * PER_BYTE);
        if let Some(busy) = self.busy.get_mut(sender) {
            *busy = sent;
        }
        let headers = Headers::of(frame);
        if from == Host::Phone {
            tap.take(sent, frame, headers);
        }
        let far = headers
            .map(|headers| if from == Host::World { headers.from.ip() } else { headers.to.ip() })
            .filter(|ip| !is_lan(*ip));
        // The listener of smoltcp takes a SYN that comes again for another connection: beginnings are spared.
        let spared = far.is_none() || headers.is_some_and(|headers| headers.begins);
        let receivers = HOSTS.into_iter().filter(|host| *host != from && to.is_none_or(|to| to == *host));
        for receiver in receivers {
            if !spared && self.chance(self.weather.lost) {
                continue;
            }
            let due = self.arrival(sent, index(receiver), far, spared);
            self.sent += 1;
            let number = self.sent;
            let (to, frame) = (index(receiver), frame.to_vec());
            self.flying.push(Reverse(Flying { due, number, from: sender, to, frame }));
        }
    }

    fn arrival(&mut self, sent: Duration, to: usize, far: Option<IpAddr>, spared: bool) -> Duration {
        let way = match far {
            None => LAN,
            Some(ip) => self.weather.away.get(&ip).map_or(NEAR, |millis| Duration::from_millis(*millis)),
        };
        let jitter = self.random.u64(0..=u64::try_from(way.as_micros() / 12).unwrap_or_default());
        let due = sent + way + Duration::from_micros(jitter);
        if !spared && self.chance(self.weather.late) {
            return due + Duration::from_micros(self.random.u64(300..9000));
        }
        let last = self.last.entry((to, far)).or_default();
        *last = due.max(*last + Duration::from_micros(11));
        *last
    }

    fn chance(&mut self, of_thousand: u32) -> bool {
        of_thousand > 0 && self.random.u32(0..1000) < of_thousand
    }

    /// The next frame that has arrived: when, from whom, and where.
    pub(super) fn due(&mut self, now: Duration) -> Option<(Duration, [Host; 2], Vec<u8>)> {
        if self.flying.peek().is_none_or(|Reverse(next)| next.due > now) {
            return None;
        }
        let Reverse(flying) = self.flying.pop()?;
        let host = |index: usize| HOSTS.get(index).copied();
        Some((flying.due, [host(flying.from)?, host(flying.to)?], flying.frame))
    }

    /// When the next frame arrives.
    pub(super) fn next(&self) -> Option<Duration> {
        self.flying.peek().map(|Reverse(next)| next.due)
    }
}

fn index(host: Host) -> usize {
    HOSTS.iter().position(|one| *one == host).unwrap_or_default()
}
