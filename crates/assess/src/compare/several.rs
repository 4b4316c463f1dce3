//! Many settings: each put beside one that all are compared with.
//!
//! Each comparison is held to its share of the level (Bonferroni), so that the level is that of a thing over all of them: of things
//! that no setting changes, at most that share is called stopped or appeared by any comparison.

use std::collections::BTreeSet;

use creance_model::Tlp;
use serde::Serialize;

use super::{Comparison, Group, Plan, compare};

/// The name and version of the document.
pub const CAMPAIGN_SCHEMA: &str = "creance.campaign/1";

/// The most settings of a campaign.
pub const MOST_GROUPS: usize = 16;

/// What differs between many settings.
#[derive(Clone, Debug, Serialize)]
pub struct Campaigned {
    /// [`CAMPAIGN_SCHEMA`].
    pub schema: &'static str,
    /// The strictest mark of the cases.
    pub tlp: Tlp,
    /// The setting that the others are compared with.
    pub base: String,
    /// The probability with which an unchanged thing may be called stopped or appeared by any of the comparisons.
    pub level: f64,
    /// That of each of them.
    pub level_each: f64,
    /// All settings, that which the others are compared with first.
    pub groups: Vec<Setting>,
    /// In how many runs of each setting there was traffic with each host.
    pub destinations: Vec<Reached>,
    /// The others beside it, in order.
    pub comparisons: Vec<Comparison>,
    /// All of it in words.
    pub statements: Vec<String>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// What it is called.
    pub name: String,
    /// Its runs.
    pub cases: Vec<String>,
    /// Payload bytes with the outside, both ways.
    pub bytes: u64,
    /// Of these, those that could not be read.
    pub opaque: u64,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reached {
    /// Its name, or its address.
    pub host: String,
    /// In how many runs of each setting, in the order of the settings.
    pub seen_in: Vec<usize>,
    /// Kinds of data that were found on their way there, in any of them.
    pub classes: Vec<String>,
}

/// Compares many settings with the one that stands first.
pub fn campaign(groups: &[Group], level: f64) -> Campaigned {
    let others = groups.get(1..).unwrap_or_default();
    let count = u32::try_from(others.len().max(1)).unwrap_or(u32::MAX);
    let level_each = level / f64::from(count);
    let compared = |base: &Group| -> Vec<Comparison> {
        let plan = |other: &Group| Plan { groups: [base.clone(), other.clone()], level: level_each };
        others.iter().map(|other| compare(&plan(other))).collect()
    };
    let comparisons = groups.first().map(compared).unwrap_or_default();
    let base = groups.first().map(|group| group.name.clone()).unwrap_or_default();
    let mut statements = vec![format!(
        "{} settings, {} runs in all: each setting is compared with {base}.",
        groups.len(),
        groups.iter().map(|group| group.runs.len()).sum::<usize>()
    )];
    statements.extend(comparisons.iter().filter_map(|one| one.statements.first().cloned()));
    if others.len() > 1 {
        statements.push(format!(
            "There are {} comparisons, so each is held to a level of {level_each:.3}, and all of them to {level}.",
            others.len()
        ));
    }
    let smallest = groups.iter().map(|group| group.runs.len()).min().unwrap_or(0);
    // All against none, of so many runs each, is the least that chance can make: 2·4⁻ⁿ.
    let least = 2.0 * 0.25_f64.powi(i32::try_from(smallest).unwrap_or(i32::MAX));
    if least > level_each {
        let enough = (2..=20).find(|runs| 2.0 * 0.25_f64.powi(*runs) <= level_each).unwrap_or(20);
        statements.push(format!(
            "With {} of a setting no difference can be told from chance at that level: take {enough} of each.",
            if smallest == 1 { "one run".to_owned() } else { format!("{smallest} runs") }
        ));
    }
    Campaigned {
        schema: CAMPAIGN_SCHEMA,
        tlp: groups.iter().flat_map(|group| &group.runs).map(|run| run.tlp).max().unwrap_or_default(),
        base,
        level,
        level_each,
        groups: groups.iter().map(setting).collect(),
        destinations: reached(groups),
        comparisons,
        statements,
    }
}

fn setting(group: &Group) -> Setting {
    let sum = |of: fn(&crate::Run) -> u64| group.runs.iter().map(of).fold(0, u64::saturating_add);
    Setting {
        name: group.name.clone(),
        cases: group.runs.iter().map(|run| run.name.clone()).collect(),
        bytes: sum(|run| run.bytes),
        opaque: sum(|run| run.opaque),
    }
}

fn reached(groups: &[Group]) -> Vec<Reached> {
    let runs = || groups.iter().flat_map(|group| &group.runs);
    let hosts: BTreeSet<&String> = runs().flat_map(|run| run.hosts.keys()).collect();
    let of = |host: &String| {
        let classes: BTreeSet<&str> = runs()
            .flat_map(|run| &run.seen)
            .filter(|seen| seen.host == *host)
            .map(|seen| seen.data_class.name())
            .collect();
        Reached {
            host: host.clone(),
            seen_in: groups
                .iter()
                .map(|group| group.runs.iter().filter(|run| run.hosts.contains_key(host)).count())
                .collect(),
            classes: classes.into_iter().map(str::to_owned).collect(),
        }
    };
    hosts.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, Run, Verdict};

    /// So many runs in which there was traffic with these hosts.
    fn group(name: &str, runs: usize, hosts: &[&str]) -> Group {
        let run = |index: usize| Run {
            name: format!("{name}-{index}"),
            case: format!("{name}{index}"),
            captured: 3.0,
            hosts: hosts.iter().map(|host| ((*host).to_owned(), Host { up: 9, ..Host::default() })).collect(),
            ..Run::default()
        };
        Group { name: name.to_owned(), runs: (1..=runs).map(run).collect() }
    }

    #[test]
    fn each_setting_is_compared_with_the_first_at_its_share_of_the_level() {
        let of = |runs: usize| {
            let groups = [
                group("off", runs, &["a.test", "b.test"]),
                group("on", runs, &["a.test"]),
                group("later", runs, &["a.test", "b.test", "c.test"]),
            ];
            campaign(&groups, 0.05)
        };
        let told = of(4);
        assert_eq!((told.comparisons.len(), told.base.as_str()), (2, "off"));
        assert!((told.level_each - 0.025).abs() < 1e-12);
        let verdict = |index: usize, host: &str| {
            told.comparisons[index].destinations.iter().find(|one| one.host == host).unwrap().row.verdict
        };
        assert_eq!(verdict(0, "b.test"), Some(Verdict::Stopped));
        assert_eq!(verdict(1, "c.test"), Some(Verdict::Appeared));
        assert_eq!(told.destinations[1].seen_in, [4, 0, 4]);
        // Three runs tell a difference once, and not in one of two comparisons.
        let told = of(3);
        assert!(told.comparisons[0].destinations.iter().all(|one| one.row.verdict != Some(Verdict::Stopped)));
        assert!(told.statements.last().unwrap().contains("take 4 of each"), "{:?}", told.statements);
    }
}
