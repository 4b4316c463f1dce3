//! How much went where, how opaque it was, and in which flight state.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use creance_model::{FlightState, Lan, Phase, Timestamp, Transport, Unread};

use crate::{names::Name, phases};

/// What tells destinations apart.
pub(crate) type Key = (IpAddr, u16, Transport, Option<String>);

/// Bytes from our side over time, in at most [`Clock::SLOTS`] slots that widen as time goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// Number and bytes, in order; most bytes belong to the last.
    slots: Vec<(i64, u64)>,
    widened: u32,
}

impl Clock {
    /// Most slots of one flow or destination.
    const SLOTS: usize = 256;

    /// Narrowest slot, in nanoseconds.
    const SLOT: i64 = 250_000_000;

    fn width(&self) -> i64 {
        Self::SLOT << self.widened.min(32)
    }

    pub(crate) fn add(&mut self, time: Timestamp, bytes: u64) {
        let slot = time.as_nanos().div_euclid(self.width());
        match self.slots.last_mut() {
            Some((last, sum)) if *last == slot => {
                *sum += bytes;
                return;
            }
            Some((last, _)) if *last > slot => {
                match self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
                    Ok(at) => self.slots.get_mut(at).into_iter().for_each(|(_, sum)| *sum += bytes),
                    Err(at) => self.slots.insert(at, (slot, bytes)),
                }
            }
            _ => self.slots.push((slot, bytes)),
        }
        while self.slots.len() > Self::SLOTS {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.widened += 1;
        self.slots.iter_mut().for_each(|(slot, _)| *slot = slot.div_euclid(2));
        self.slots.dedup_by(|(later, more), (slot, bytes)| {
            let same = later == slot;
            *bytes += if same { *more } else { 0 };
            same
        });
    }

    fn merge(&mut self, other: &Self) {
        // The wider slots of the other must not be taken for narrow ones.
        while self.widened < other.widened {
            self.widen();
        }
        let width = other.width();
        for (slot, bytes) in &other.slots {
            self.add(Timestamp::from_nanos(slot.saturating_mul(width)), *bytes);
        }
    }

    /// The bytes in each flight state. Those of a slot in which the state changes are `unknown`.
    pub(crate) fn by_state(&self, known: &[Phase]) -> Vec<(FlightState, u64)> {
        let mut sums: BTreeMap<FlightState, u64> = BTreeMap::new();
        for (slot, bytes) in &self.slots {
            let from = Timestamp::from_nanos(slot.saturating_mul(self.width()));
            let to = Timestamp::from_nanos(slot.saturating_add(1).saturating_mul(self.width()));
            let state = phases::throughout(known, from, to).unwrap_or(FlightState::Unknown);
            *sums.entry(state).or_default() += bytes;
        }
        sums.into_iter().collect()
    }
}

/// All traffic with one destination.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    pub(crate) basis: Option<&'static str>,
    pub(crate) protocols: BTreeSet<&'static str>,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) flows: u64,
    pub(crate) packets: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) readable: u64,
    pub(crate) lost: u64,
    pub(crate) up_over_time: Clock,
}

/// One finished flow, as far as traffic is concerned.
pub(crate) struct Finished {
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) transport: Transport,
    pub(crate) name: Option<Name>,
    /// Bytes not read, with the reason, of each side.
    pub(crate) unread: [(&'static str, u64); 2],
    pub(crate) sum: Sum,
}

/// Traffic with the outside, and how much stayed on the LAN.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) destinations: BTreeMap<Key, Sum>,
    /// Flows to destinations beyond the limit: flows and bytes.
    pub(crate) beyond: (u64, u64),
    /// Flows and payload bytes between our own ends, or to multicast and broadcast.
    pub(crate) lan: Lan,
    /// Bytes not read, by protocol and reason.
    pub(crate) unread: BTreeMap<(String, &'static str), u64>,
    pub(crate) bytes: u64,
    pub(crate) readable: u64,
    pub(crate) lost: u64,
}

impl Traffic {
    /// Adds a flow with the outside.
    pub(crate) fn add(&mut self, flow: Finished, limit: usize) {
        let Finished { ip, port, transport, name, unread: closed, sum } = flow;
        let bytes = sum.up + sum.down;
        let readable = sum.readable.min(bytes);
        self.bytes += bytes;
        self.readable += readable;
        self.lost += sum.lost;
        let label = name.as_ref().map_or_else(
            || told(ip).unwrap_or_else(|| "an address that is not told".to_owned()),
            |name| name.host.clone(),
        );
        let room = self.unread.len() < limit;
        let mut unread = |why: &'static str, bytes: u64| {
            if bytes > 0 {
                let label = if room { label.clone() } else { "further destinations".to_owned() };
                *self.unread.entry((label, why)).or_default() += bytes;
            }
        };
        for (why, bytes) in closed {
            unread(why, bytes);
        }
        unread("lost packets", sum.lost);

        let key = (ip, port, transport, name.as_ref().map(|name| name.host.clone()));
        if let Some(known) = self.destinations.get_mut(&key) {
            known.protocols.extend(&sum.protocols);
            known.first = known.first.min(sum.first);
            known.last = known.last.max(sum.last);
            known.flows += sum.flows;
            known.packets += sum.packets;
            known.up += sum.up;
            known.down += sum.down;
            known.readable += sum.readable;
            known.lost += sum.lost;
            known.up_over_time.merge(&sum.up_over_time);
        } else if self.destinations.len() < limit {
            self.destinations.insert(key, Sum { basis: name.map(|name| name.basis), ..sum });
        } else {
            self.beyond.0 += 1;
            self.beyond.1 += bytes;
        }
    }

    /// Why bytes were not read, most bytes first, at most `most` rows and one for the rest.
    pub(crate) fn unread(&self, most: usize) -> Vec<Unread> {
        let mut rows: Vec<Unread> = self
            .unread
            .iter()
            .map(|((what, why), bytes)| Unread { what: what.clone(), why: (*why).to_owned(), bytes: *bytes })
            .collect();
        rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.cmp(b)));
        if rows.len() > most {
            let rest = rows.split_off(most);
            let bytes = rest.iter().map(|row| row.bytes).sum();
            rows.push(Unread {
                what: format!("{} further rows", rest.len()),
                why: "several".to_owned(),
                bytes,
            });
        }
        rows
    }
}

/// An address, where it is told.
pub(crate) fn told(ip: IpAddr) -> Option<String> {
    (!ip.is_unspecified()).then(|| ip.to_string())
}

/// Why a protocol's bytes were not read, where it does not say itself.
pub(crate) fn why_unread(protocol: &str) -> &'static str {
    match protocol {
        "tls" | "dot" | "dtls" | "webrtc" => "encrypted, no key",
        "quic" => "encrypted, handshake not seen",
        "unknown" => "unknown protocol",
        "http/1" | "http/2" | "http/3" | "websocket" | "mqtt" | "dns" | "mdns" | "llmnr" | "mavlink"
        | "arsdk" | "tello" | "duml" | "rtsp" | "rtp" | "rtcp" | "rtmp" | "stun" | "sip" | "smtp" | "ftp"
        | "ntp" | "dhcp" | "dhcpv6" | "ssdp" | "netbios" => "not whole, or inside a limit",
        _ => "protocol recognised, not read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_wide_slot_are_in_no_state_that_ends_within_it() {
        let mut clock = Clock::default();
        for second in 0..4000 {
            clock.add(Timestamp::from_secs(second), 1);
        }
        let until = Timestamp::from_secs(1001);
        let flying = Phase {
            from: Timestamp::from_secs(0),
            to: until,
            state: FlightState::Flying,
            source: String::new(),
        };
        let sums: BTreeMap<_, _> = clock.by_state(&[flying]).into_iter().collect();
        assert!(sums[&FlightState::Flying] <= 1001, "{sums:?}");
    }

    #[test]
    fn a_long_clock_keeps_its_sum_and_its_bound() {
        let mut clock = Clock::default();
        for second in 0..10_000 {
            clock.add(Timestamp::from_secs(second), 3);
        }
        assert!(clock.slots.len() <= Clock::SLOTS);
        assert_eq!(clock.by_state(&[]), [(FlightState::Unknown, 30_000)]);
    }
}
