//! Two groups of runs, side by side: what stopped, stayed, appeared, changed, and what cannot be told.
//!
//! What is claimed, and when, is [decision 23](../../../docs/decisions/023-a-difference-is-claimed-at-a-stated-level.md).
//! In short: a thing is seen in a run or not. A verdict `stopped` or `appeared` needs a probability at or below the level
//! that an unchanged thing looks so (Boschloo's test); `stayed` needs every run; all else has no verdict. A run in which
//! a thing may have been there unread is taken as speaks most
//! for chance. Beside the verdict stands what these runs show, whatever it is worth.

mod amounts;
mod rows;
mod several;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{DataClass, FlightState, Tlp};
use serde::Serialize;

use crate::{
    exact::Presence,
    run::{Host, Run},
};

pub use amounts::Amount;
pub use rows::{Observed, Row, Verdict};
pub use several::{CAMPAIGN_SCHEMA, Campaigned, MOST_GROUPS, Reached, Setting, campaign};

use rows::Judge;

/// The name and version of the document.
pub const SCHEMA: &str = "creance.compare/1";

/// The most runs of both groups together.
pub const MOST_RUNS: usize = 40;

/// Runs of one setting.
#[derive(Clone, Debug)]
pub struct Group {
    /// What the setting is called.
    pub name: String,
    /// Its runs.
    pub runs: Vec<Run>,
}

/// What is compared, and how readily a difference is claimed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Before and after, without and with.
    pub groups: [Group; 2],
    /// With what probability an unchanged thing may be called stopped or appeared, such as 0.05.
    pub level: f64,
}

/// What differs.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The strictest mark of the cases.
    pub tlp: Tlp,
    /// The runs, first those of the first group; every list below with one entry a run is in this order.
    pub cases: Vec<String>,
    /// The groups.
    pub groups: [Told; 2],
    /// The probability with which an unchanged thing may be called stopped or appeared.
    pub level: f64,
    /// The state of the aircraft in which all that is compared was sent; none, where it is all that was sent.
    #[serde(rename = "while")]
    pub state: Option<FlightState>,
    /// What amounts are divided by: `flight minute`, `minute`, or `run` where no case tells its time.
    pub per: &'static str,
    /// What joins findings: `digest`, or `class and host` where the cases were not made with one key.
    pub joined_by: &'static str,
    /// By host, in order.
    pub destinations: Vec<Destination>,
    /// By host and class of data, in order.
    pub pairs: Vec<Pair>,
    /// By class of data, in order.
    pub classes: Vec<Class>,
    /// All of it in words.
    pub statements: Vec<String>,
}

/// What a group is, and how much of it could be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// What the setting is called.
    pub name: String,
    /// Its runs, as places in `cases`.
    pub cases: Vec<usize>,
    /// What amounts are divided by, summed over the runs.
    #[serde(serialize_with = "rows::rounded")]
    pub minutes: f64,
    /// Payload bytes with the outside, both ways.
    pub bytes: u64,
    /// Of these, those that could not be read.
    pub opaque: u64,
    /// Bytes that were sent and are not in the captures.
    pub lost: u64,
    /// Runs whose evidence was damaged or cut.
    pub damaged: usize,
    /// Findings that are hints by shape or size, which are not compared.
    pub hints: u64,
}

/// One host.
#[derive(Clone, Debug, Serialize)]
pub struct Destination {
    /// Its name, or its address.
    pub host: String,
    /// In which runs there was traffic with it.
    #[serde(rename = "in")]
    pub seen: Vec<bool>,
    /// Payload bytes from our side.
    pub bytes: Vec<u64>,
    /// To our side.
    pub bytes_down: Vec<u64>,
    /// Of both, those that could not be read.
    pub opaque: Vec<u64>,
    /// The verdict. `changed`: it gets other data than before.
    #[serde(flatten)]
    pub row: Row,
    /// Classes that stopped.
    pub dropped: Vec<DataClass>,
    /// Classes that stayed.
    pub kept: Vec<DataClass>,
    /// Classes that appeared.
    pub added: Vec<DataClass>,
}

/// One class of data to one host.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// To whom.
    pub host: String,
    /// What.
    pub data_class: DataClass,
    /// How often it was found in each run.
    pub counts: Vec<u64>,
    /// The verdict. `changed`: other values than before.
    #[serde(flatten)]
    pub row: Row,
    /// Its values, where digests join them.
    pub values: Option<Values>,
}

/// How many different values of a pair have each verdict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Values {
    /// No longer sent.
    pub stopped: usize,
    /// Still sent.
    pub stayed: usize,
    /// Sent now.
    pub appeared: usize,
    /// Without a verdict.
    pub open: usize,
}

/// One class of data, to anybody.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// What.
    pub data_class: DataClass,
    /// How often it was found in each run.
    pub counts: Vec<u64>,
    /// The verdict. `changed`: to others than before.
    #[serde(flatten)]
    pub row: Row,
    /// Hosts that no longer get it.
    pub dropped: Vec<String>,
    /// Hosts that still get it.
    pub kept: Vec<String>,
    /// Hosts that get it now.
    pub added: Vec<String>,
}

/// Compares two groups of runs.
pub fn compare(plan: &Plan) -> Comparison {
    let [here, there] = &plan.groups;
    let runs: Vec<&Run> = here.runs.iter().chain(&there.runs).collect();
    let (per, minutes) = clock(&runs);
    let mut judge =
        Judge { presence: Presence::default(), level: plan.level, split: here.runs.len(), minutes };

    let joined = runs.first().is_some_and(|run| run.key.is_some())
        && runs.windows(2).all(|two| matches!(two, [a, b] if a.key == b.key));
    let mut pairs = pairs(&runs, joined, &mut judge);
    let mut destinations = destinations(&runs, &mut judge);
    let mut classes = classes(&runs, &mut judge);
    rows::correct(destinations.iter_mut().map(|one| &mut one.row), plan.level);
    rows::correct(pairs.iter_mut().map(|one| &mut one.row), plan.level);
    rows::correct(classes.iter_mut().map(|one| &mut one.row), plan.level);
    follow(&pairs, &mut destinations, &mut classes);

    let told = |group: &Group, from: usize| {
        let sum = |of: fn(&Run) -> u64| group.runs.iter().map(of).fold(0, u64::saturating_add);
        Told {
            name: group.name.clone(),
            cases: (from..from + group.runs.len()).collect(),
            minutes: judge.minutes.iter().skip(from).take(group.runs.len()).sum(),
            bytes: sum(|run| run.bytes),
            opaque: sum(|run| run.opaque),
            lost: sum(|run| run.lost),
            damaged: group.runs.iter().filter(|run| run.damaged).count(),
            hints: sum(|run| run.hints),
        }
    };
    let mut comparison = Comparison {
        schema: SCHEMA,
        tlp: runs.iter().map(|run| run.tlp).max().unwrap_or_default(),
        cases: runs.iter().map(|run| run.name.clone()).collect(),
        groups: [told(here, 0), told(there, here.runs.len())],
        level: plan.level,
        state: runs.first().and_then(|run| run.state),
        per,
        joined_by: if joined { "digest" } else { "class and host" },
        destinations,
        pairs,
        classes,
        statements: Vec::new(),
    };
    comparison.statements = statements::statements(&comparison, &runs, &mut judge.presence);
    if let Some(state) = comparison.state {
        let only = format!("Only what was sent while the aircraft was {state} is compared.");
        comparison.statements.insert(comparison.statements.len().min(1), only);
    }
    comparison
}

/// What amounts are divided by, and how much of it each run has: flight minutes if every run flew, else minutes, else runs.
fn clock(runs: &[&Run]) -> (&'static str, Vec<f64>) {
    let all = |of: fn(&Run) -> f64| {
        let minutes: Vec<f64> = runs.iter().map(|run| of(run)).collect();
        minutes.iter().all(|minutes| *minutes > 0.0).then_some(minutes)
    };
    if let Some(minutes) = all(|run| run.flying) {
        return ("flight minute", minutes);
    }
    all(|run| run.captured).map_or_else(|| ("run", vec![1.0; runs.len()]), |minutes| ("minute", minutes))
}

fn destinations(runs: &[&Run], judge: &mut Judge) -> Vec<Destination> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.hosts.keys()).collect();
    let row = |host: &String| {
        let each = |of: fn(&Host) -> u64| {
            runs.iter().map(|run| run.hosts.get(host).map_or(0, of)).collect::<Vec<u64>>()
        };
        let seen: Vec<bool> = runs.iter().map(|run| run.hosts.contains_key(host)).collect();
        let hidden: Vec<bool> = runs.iter().map(|run| run.damaged || run.elsewhere > 0).collect();
        let bytes = each(|host| host.up);
        Destination {
            host: host.clone(),
            row: judge.row(&seen, &hidden, &bytes, false),
            seen,
            bytes,
            bytes_down: each(|host| host.down),
            opaque: each(|host| host.opaque),
            dropped: Vec::new(),
            kept: Vec::new(),
            added: Vec::new(),
        }
    };
    names.into_iter().map(row).collect()
}

/// How often each thing was found in each run.
fn counted<'a, K: Ord>(runs: &[&'a Run], key: impl Fn(&'a crate::run::Seen) -> K) -> BTreeMap<K, Vec<u64>> {
    let mut counts: BTreeMap<K, Vec<u64>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        for seen in &run.seen {
            let counts = counts.entry(key(seen)).or_insert_with(|| vec![0; runs.len()]);
            if let Some(count) = counts.get_mut(index) {
                *count = count.saturating_add(seen.count);
            }
        }
    }
    counts
}

/// In which runs data to a host may have gone unseen.
fn hidden(runs: &[&Run], host: &str) -> Vec<bool> {
    let unread =
        |run: &Run| run.hosts.get(host).map_or(run.elsewhere > 0, |host| host.opaque > 0 || host.lost > 0);
    runs.iter().map(|run| run.damaged || (host != Run::AIR && unread(run))).collect()
}

fn pairs(runs: &[&Run], joined: bool, judge: &mut Judge) -> Vec<Pair> {
    let mut values: BTreeMap<(&str, DataClass), Values> = BTreeMap::new();
    if joined {
        for ((host, class, _), counts) in
            counted(runs, |seen| (seen.host.as_str(), seen.data_class, seen.digest.as_str()))
        {
            let row = judge.of_counts(&counts, &hidden(runs, host));
            let values = values.entry((host, class)).or_default();
            *match row.verdict {
                Some(Verdict::Stopped) => &mut values.stopped,
                Some(Verdict::Appeared) => &mut values.appeared,
                Some(Verdict::Stayed) => &mut values.stayed,
                Some(Verdict::Changed) | None => &mut values.open,
            } += 1;
        }
    }
    let pair = |((host, data_class), counts): ((&str, DataClass), Vec<u64>)| {
        let mut row = judge.of_counts(&counts, &hidden(runs, host));
        let values = values.get(&(host, data_class)).copied();
        if values.is_some_and(|values| values.stopped + values.appeared > 0) {
            row.differs();
        }
        Pair { host: host.to_owned(), data_class, counts, row, values }
    };
    counted(runs, |seen| (seen.host.as_str(), seen.data_class)).into_iter().map(pair).collect()
}

fn classes(runs: &[&Run], judge: &mut Judge) -> Vec<Class> {
    let hidden: Vec<bool> = runs.iter().map(|run| run.damaged || run.opaque > 0 || run.lost > 0).collect();
    let class = |(data_class, counts): (DataClass, Vec<u64>)| Class {
        row: judge.of_counts(&counts, &hidden),
        data_class,
        counts,
        dropped: Vec::new(),
        kept: Vec::new(),
        added: Vec::new(),
    };
    counted(runs, |seen| seen.data_class).into_iter().map(class).collect()
}

/// What pairs say of their hosts and classes: one that stayed, and of which a pair did not, has changed.
fn follow(pairs: &[Pair], destinations: &mut [Destination], classes: &mut [Class]) {
    for pair in pairs {
        let host = destinations.binary_search_by(|one| one.host.cmp(&pair.host)).ok();
        let host = host.and_then(|index| destinations.get_mut(index));
        let class = classes.binary_search_by(|one| one.data_class.cmp(&pair.data_class)).ok();
        let class = class.and_then(|index| classes.get_mut(index));
        if let Some(host) = host {
            let list = match pair.row.verdict {
                Some(Verdict::Stopped) => Some(&mut host.dropped),
                Some(Verdict::Appeared) => Some(&mut host.added),
                Some(Verdict::Stayed | Verdict::Changed) => Some(&mut host.kept),
                None => None,
            };
            if let Some(list) = list {
                list.push(pair.data_class);
            }
            host.row.follows(&pair.row);
        }
        if let Some(class) = class {
            let list = match pair.row.verdict {
                Some(Verdict::Stopped) => Some(&mut class.dropped),
                Some(Verdict::Appeared) => Some(&mut class.added),
                Some(Verdict::Stayed | Verdict::Changed) => Some(&mut class.kept),
                None => None,
            };
            if let Some(list) = list {
                list.push(pair.host.clone());
            }
            class.row.follows(&pair.row);
        }
    }
}

#[cfg(test)]
mod tests;
