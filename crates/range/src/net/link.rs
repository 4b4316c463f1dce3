//! The link between the hosts: it takes time, and sometimes it loses or overtakes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::{IpAddr, SocketAddr},
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
    seed: u64,
    /// Chance of each way of each conversation: what others send, and when, does not move it.
    chances: BTreeMap<Way, fastrand::Rng>,
    weather: Weather,
    /// Until when each host's sender is busy.
    busy: [Duration; 3],
    /// Nothing on the same way arrives before this, unless it is overtaken.
    last: BTreeMap<(usize, Option<IpAddr>), Duration>,
    flying: BinaryHeap<Reverse<Flying>>,
    sent: u64,
}

/// From whom and to whom, over TCP or not; nothing for what is neither TCP nor UDP.
type Way = Option<(SocketAddr, SocketAddr, bool)>;

/// A frame that is sent.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) from: Host,
    pub(super) frame: &'a [u8],
    /// The ends of the packet within it, where it is one of a tunnel.
    pub(super) carries: Option<Headers>,
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
    pub(super) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            seed,
            chances: BTreeMap::new(),
            weather,
            busy: [Duration::ZERO; 3],
            last: BTreeMap::new(),
            flying: BinaryHeap::new(),
            sent: 0,
        }
    }

    /// Takes a frame for a host, or for all but the sender. Where it carries another packet, that one's ends say how far it is.
    pub(super) fn send(&mut self, frame: &Outgoing<'_>, to: Option<Host>, now: Duration, tap: &mut Tap) {
        let Outgoing { from, frame, carries } = *frame;
        let headers = Headers::of(frame);
        let way = carries.or(headers).map(|headers| (headers.from, headers.to, headers.is_tcp));
        let mut random = self.chances.remove(&way).unwrap_or_else(|| self.chance_of(way));
        let sender = index(from);
        let free = self.busy.get(sender).copied().unwrap_or_default();
        let start = free.max(now + Duration::from_micros(random.u64(4..60)));
        let sent = start + Duration::from_nanos(frame.len() as u64 * PER_BYTE);
        if let Some(busy) = self.busy.get_mut(sender) {
            *busy = sent;
        }
        if from == Host::Phone {
            tap.take(sent, frame, headers);
        }
        let headers = carries.or(headers);
        let far = headers
            .map(|headers| if from == Host::World { headers.from.ip() } else { headers.to.ip() })
            .filter(|ip| !is_lan(*ip));
        // The listener of smoltcp takes a SYN that comes again for another connection: beginnings are spared.
        let spared = far.is_none() || headers.is_some_and(|headers| headers.begins);
        let receivers = HOSTS.into_iter().filter(|host| *host != from && to.is_none_or(|to| to == *host));
        for receiver in receivers {
            if !spared && happens(self.weather.lost, &mut random) {
                continue;
            }
            let due = self.arrival(sent, index(receiver), far, spared, &mut random);
            self.sent += 1;
            let number = self.sent;
            let (to, frame) = (index(receiver), frame.to_vec());
            self.flying.push(Reverse(Flying { due, number, from: sender, to, frame }));
        }
        self.chances.insert(way, random);
    }

    /// What happens to what is sent this way follows from the seed and from the way alone.
    fn chance_of(&self, way: Way) -> fastrand::Rng {
        let mixed = format!("{way:?}")
            .bytes()
            .fold(self.seed, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        fastrand::Rng::with_seed(mixed)
    }

    fn arrival(
        &mut self,
        sent: Duration,
        to: usize,
        far: Option<IpAddr>,
        spared: bool,
        random: &mut fastrand::Rng,
    ) -> Duration {
        let way = match far {
            None => LAN,
            Some(ip) => self.weather.away.get(&ip).map_or(NEAR, |millis| Duration::from_millis(*millis)),
        };
        let jitter = random.u64(0..=u64::try_from(way.as_micros() / 12).unwrap_or_default());
        let due = sent + way + Duration::from_micros(jitter);
        if !spared && happens(self.weather.late, random) {
            return due + Duration::from_micros(random.u64(300..9000));
        }
        let last = self.last.entry((to, far)).or_default();
        *last = due.max(*last + Duration::from_micros(11));
        *last
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

fn happens(of_thousand: u32, random: &mut fastrand::Rng) -> bool {
    of_thousand > 0 && random.u32(0..1000) < of_thousand
}

fn index(host: Host) -> usize {
    HOSTS.iter().position(|one| *one == host).unwrap_or_default()
}
