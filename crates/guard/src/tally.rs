//! Who sent what to whom: what the kernel tells apart, added up until it is written down.
//!
//! ```text
//! a packet that is refused, or leaves ─▶ a set in the kernel, with a counter for each (from, to, protocol, port)
//!     each look at the rules ─▶ what has come since the last ─▶ a record `counts`, once a minute
//! ```
//!
//! The sets are small and forget what has been silent for a minute; what finds no room there is counted and not named. So
//! clients who make up addresses fill neither the kernel, nor this program, nor the ledger.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use crate::{Count, Detail, Seen};

/// What leaves, in the names of its sets.
pub(crate) const GONE: &str = "gone";
/// What is refused.
pub(crate) const REFUSED: &str = "refused";

/// Conversations that are told apart at once in the kernel, in each set.
const ROOM: usize = 256;
/// Those that are told apart between two records.
const BETWEEN: usize = 1024;
/// Those that a record names.
const NAMED: usize = 64;

/// Adds up what looks at the kernel show.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Counters as they stand in the kernel.
    now: BTreeMap<String, Count>,
    /// Sets as they stand there.
    sets: BTreeMap<String, BTreeMap<String, Count>>,
    gone: BTreeMap<String, Count>,
    refused: BTreeMap<String, Count>,
    changed: bool,
}

impl Tally {
    /// Takes a look.
    pub(crate) fn take(&mut self, seen: &Seen) {
        for (set, now) in &seen.told {
            let before = self.sets.get(set);
            let sum = if set.starts_with(GONE) { &mut self.gone } else { &mut self.refused };
            for (who, count) in now {
                let before = before.and_then(|set| set.get(who)).copied().unwrap_or_default();
                // One that had ended and came again began at nothing.
                let new = count.since(before).unwrap_or(*count);
                if new.packets > 0 && (sum.contains_key(who) || sum.len() < BETWEEN) {
                    let sum = sum.entry(who.clone()).or_default();
                    sum.packets += new.packets;
                    sum.bytes += new.bytes;
                }
            }
        }
        self.changed |= self.now != seen.counters;
        self.sets.clone_from(&seen.told);
        self.now.clone_from(&seen.counters);
    }

    /// The rules were put anew: the kernel counts from nothing.
    pub(crate) fn anew(&mut self) {
        self.now.clear();
        self.sets.clear();
    }

    /// Whether anything left since the last record.
    pub(crate) fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// The refused of the time since the last record, those with most packets first.
    pub(crate) fn refused(&self) -> Vec<Value> {
        rows(&self.refused, |count| count.packets)
    }

    /// Whether anything was counted since the last record.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed
    }

    /// What a record says, and begins anew.
    pub(crate) fn record(&mut self) -> Detail {
        self.changed = false;
        let gone = rows(&std::mem::take(&mut self.gone), |count| count.bytes);
        let refused = rows(&std::mem::take(&mut self.refused), |count| count.packets);
        detail(&self.now, gone, refused)
    }
}

/// What an engine that was killed left in the kernel, to be read before rules are put anew: a record `left`.
pub fn left_behind(seen: &Seen) -> Option<Detail> {
    let any = seen.counters.values().any(|count| count.packets > 0);
    any.then(|| detail(&seen.counters, Vec::new(), Vec::new()))
}

fn detail(counters: &BTreeMap<String, Count>, gone: Vec<Value>, refused: Vec<Value>) -> Detail {
    let counters: serde_json::Map<String, Value> = counters
        .iter()
        .filter(|(_, count)| count.packets > 0)
        .map(|(name, count)| (name.clone(), json!([count.packets, count.bytes])))
        .collect();
    Detail::from([
        ("counters".to_owned(), counters.into()),
        ("gone".to_owned(), gone.into()),
        ("refused".to_owned(), refused.into()),
    ])
}

/// From, to, protocol, port (0 where there is none), packets, bytes: the greatest by a measure, in order of names where that is equal.
fn rows(sum: &BTreeMap<String, Count>, by: impl Fn(&Count) -> u64) -> Vec<Value> {
    let mut all: Vec<_> = sum.iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(by(count)));
    all.truncate(NAMED);
    let row = |(who, count): (&String, &Count)| {
        let mut words = who.split(" . ");
        let mut word = || words.next().unwrap_or_default();
        let (from, to, protocol, port) = (word(), word(), word(), word());
        json!([from, to, protocol, port.parse::<u16>().unwrap_or_default(), count.packets, count.bytes])
    };
    all.into_iter().map(row).collect()
}

/// Whether a set is one of these.
pub(crate) fn is_told(set: &str) -> bool {
    set.starts_with(GONE) || set.starts_with(REFUSED)
}

/// The sets, as nftables reads them.
pub(crate) fn sets() -> String {
    let mut text = String::new();
    for what in [REFUSED, GONE] {
        for (version, _) in FAMILIES {
            for (name, port) in [("", " . inet_service"), ("_other", "")] {
                let _ = writeln!(
                    text,
                    "\tset {what}{version}{name} {{\n\t\ttype ipv{version}_addr . ipv{version}_addr . inet_proto{port}\n\
                     \t\tsize {ROOM}\n\t\tflags dynamic,timeout\n\t\ttimeout 1m\n\t}}\n"
                );
            }
        }
    }
    text
}

/// The rules that tell a packet apart, and let it go on to the next rule whether there is room or not.
pub(crate) fn rules(what: &str) -> String {
    let mut text = String::new();
    for (version, ip) in FAMILIES {
        let ends = format!("{ip} saddr . {ip} daddr . meta l4proto");
        let _ = writeln!(
            text,
            "\t\tmeta l4proto {{ tcp, udp }} update @{what}{version} {{ {ends} . th dport counter }}\n\
             \t\tmeta l4proto != {{ tcp, udp }} update @{what}{version}_other {{ {ends} counter }}"
        );
    }
    text
}

/// The same for a packet that is known to have ports, or to have none, and what is done then. It goes on where there is no room.
pub(crate) fn last(what: &str, ports: bool, then: &str) -> String {
    let (name, port) = if ports { ("", " . th dport") } else { ("_other", "") };
    FAMILIES.iter().fold(String::new(), |text, (version, ip)| {
        let ends = format!("{ip} saddr . {ip} daddr . meta l4proto{port}");
        text + &format!("\t\tupdate @{what}{version}{name} {{ {ends} counter }} {then}\n")
    })
}

const FAMILIES: [(u8, &str); 2] = [(4, "ip"), (6, "ip6")];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look(set: &str, elements: &[(&str, u64)]) -> Seen {
        let count = |packets: u64| Count { packets, bytes: packets * 100 };
        let told = elements.iter().map(|(who, packets)| ((*who).to_owned(), count(*packets))).collect();
        let all = elements.iter().map(|(_, packets)| packets).sum();
        Seen {
            told: BTreeMap::from([(set.to_owned(), told)]),
            counters: BTreeMap::from([("cut".to_owned(), count(all))]),
            ..Seen::default()
        }
    }

    #[test]
    fn what_came_between_records_is_told_once() {
        let mut tally = Tally::default();
        tally.take(&look("refused4", &[("10.0.0.2 . 8.8.8.8 . udp . 53", 3)]));
        tally.take(&look(
            "refused4",
            &[("10.0.0.2 . 8.8.8.8 . udp . 53", 5), ("10.0.0.2 . 8.8.8.8 . tcp . 443", 9)],
        ));
        let told = tally.record();
        assert_eq!(
            told["refused"],
            json!([["10.0.0.2", "8.8.8.8", "tcp", 443, 9, 900], ["10.0.0.2", "8.8.8.8", "udp", 53, 5, 500]])
        );
        assert_eq!((&told["counters"], &told["gone"]), (&json!({"cut": [14, 1400]}), &json!([])));
        assert!(!tally.has_changed());
        // It was forgotten there, and came again.
        tally.take(&look("refused4", &[]));
        tally.take(&look("refused4", &[("10.0.0.2 . 8.8.8.8 . udp . 53", 6)]));
        tally.anew();
        tally.take(&look("refused4_other", &[("10.0.0.2 . 8.8.8.8 . icmp", 1)]));
        let told = tally.record();
        assert_eq!(
            told["refused"],
            json!([["10.0.0.2", "8.8.8.8", "udp", 53, 6, 600], ["10.0.0.2", "8.8.8.8", "icmp", 0, 1, 100]])
        );
    }

    #[test]
    fn a_flood_of_names_stays_small() {
        let mut tally = Tally::default();
        for round in 0..40 {
            let names: Vec<String> =
                (0..ROOM).map(|at| format!("10.0.{round}.{at} . 8.8.8.8 . udp . 53")).collect();
            let elements: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
            tally.take(&look("gone4", &elements));
        }
        assert_eq!(tally.gone.len(), BETWEEN);
        assert_eq!(tally.record()["gone"].as_array().unwrap().len(), NAMED);
    }

    proptest! {
        /// Whatever is seen, sums are what grew, and nothing is told twice.
        #[test]
        fn sums_are_what_grew(grows in prop::collection::vec((0..50u64, any::<bool>()), 1..40)) {
            let (mut tally, mut stands, mut told, mut all) = (Tally::default(), 0, 0, 0);
            for (more, record) in grows {
                stands += more;
                all += more;
                tally.take(&look("gone6", &[("fd00::2 . fd00::9 . tcp . 443", stands)]));
                if record {
                    told += tally.record()["gone"][0][4].as_u64().unwrap_or_default();
                }
            }
            told += tally.record()["gone"][0][4].as_u64().unwrap_or_default();
            prop_assert_eq!(told, all);
        }
    }
}
