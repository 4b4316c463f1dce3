//! Pairs: one person, aircraft, place and plan, flown several times each with a setting one way and the other.
//!
//! `pair.json` says what really differs. A difference holds in all repeats; what is chance is said to be chance.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use crate::{Case, Error, Scenario, play::run_again};

/// The cases of a pair, and what differs.
#[derive(Debug)]
pub struct Pair {
    /// By folder, `off-1` …
    pub cases: Vec<(String, Case)>,
    /// The content of `pair.json`.
    pub told: Value,
}

/// Plays a scenario that has a pair.
pub fn run_pair(scenario: &Scenario, seed: u64) -> Result<Pair, Error> {
    let Some(pair) = &scenario.pair else {
        let why = "expected a table [pair] in the scenario".to_owned();
        return Err(Error::Scenario { what: scenario.name.clone(), why });
    };
    let mut cases = Vec::new();
    let mut captures = [Vec::new(), Vec::new()];
    let sides = [&pair.from, &pair.to];
    for (value, folders) in sides.iter().zip(&mut captures) {
        let side = scenario.with(&pair.change, value)?;
        for repeat in 1..=pair.repeats {
            let folder = format!("{}-{repeat}", word(value));
            folders.push(folder.clone());
            // Each flight has a chance of its own; the two sides share none.
            let chance = u64::from(repeat) * 2 + u64::from(*value == &pair.to);
            cases.push((folder, run_again(&side, seed, chance)?));
        }
    }
    let told = told(scenario, seed, &cases, &captures);
    Ok(Pair { cases, told })
}

impl Pair {
    /// Writes a folder for each case, and `pair.json`.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        for (name, case) in &self.cases {
            case.write(&folder.join(name))?;
        }
        let path = folder.join("pair.json");
        fs::write(&path, format!("{:#}\n", self.told))
            .map_err(|source| Error::Write { path: path.display().to_string(), source })
    }
}

/// A value as a word in names of folders.
fn word(value: &toml::Value) -> String {
    match value {
        toml::Value::Boolean(true) => "on".to_owned(),
        toml::Value::Boolean(false) => "off".to_owned(),
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How often something was seen, in the flights of each side.
type Counts = [Vec<u64>; 2];

fn told(scenario: &Scenario, seed: u64, cases: &[(String, Case)], captures: &[Vec<String>; 2]) -> Value {
    let side = |name: &String| usize::from(!captures.first().is_some_and(|from| from.contains(name)));
    let empty = || [0, 1].map(|side: usize| vec![0; captures.get(side).map_or(0, Vec::len)]);
    let (mut flows, mut hosts): (BTreeMap<(String, String), Counts>, BTreeMap<String, Counts>) =
        Default::default();
    for (name, case) in cases {
        let side = side(name);
        let at = captures.get(side).and_then(|all| all.iter().position(|one| one == name)).unwrap_or(0);
        let add = |counts: &mut Counts, count: u64| {
            if let Some(cell) = counts.get_mut(side).and_then(|cells| cells.get_mut(at)) {
                *cell += count;
            }
        };
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        for event in case.truth()["events"].as_array().into_iter().flatten() {
            add(flows.entry((text(event, "host"), text(event, "data_class"))).or_insert_with(empty), 1);
        }
        for host in case.truth()["hosts"].as_array().into_iter().flatten() {
            let bytes = host["bytes_out"].as_u64().unwrap_or(0);
            add(hosts.entry(text(host, "host")).or_insert_with(empty), bytes);
        }
    }
    let pair = scenario.pair.as_ref();
    let (from, to) = pair.map(|pair| (word(&pair.from), word(&pair.to))).unwrap_or_default();
    let leaks = |host: &str| flows.keys().any(|(other, _)| other == host);
    json!({
        "scenario": scenario.name,
        "seed": seed,
        "kind": "setting",
        "what": pair.map(|pair| pair.what.as_str()),
        "from": from,
        "to": to,
        "captures": {from.as_str(): captures[0], to.as_str(): captures[1]},
        "flows": flows.iter().map(|((host, class), counts)| json!({
            "host": host, "data_class": class, "verdict": verdict(counts), from.as_str(): counts[0], to.as_str(): counts[1],
        })).collect::<Vec<_>>(),
        "hosts": hosts.iter().filter(|(_, counts)| counts.concat().iter().any(|bytes| *bytes > 0)).map(|(host, counts)| json!({
            "host": host, "verdict": verdict(counts), "leaks": leaks(host),
            "bytes": {from.as_str(): counts[0], to.as_str(): counts[1]},
        })).collect::<Vec<_>>(),
    })
}

/// A difference holds in all flights.
fn verdict([from, to]: &Counts) -> &'static str {
    let (all, none) = (
        |side: &[u64]| side.iter().all(|count| *count > 0),
        |side: &[u64]| side.iter().all(|count| *count == 0),
    );
    match () {
        () if all(from) && all(to) => "stayed",
        () if all(from) && none(to) => "stopped",
        () if none(from) && all(to) => "appeared",
        () => "chance",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_holds_in_all_flights() {
        let of = |from: [u64; 2], to: [u64; 2]| verdict(&[from.to_vec(), to.to_vec()]);
        assert_eq!(of([1, 2], [3, 1]), "stayed");
        assert_eq!(of([1, 2], [0, 0]), "stopped");
        assert_eq!(of([0, 0], [1, 1]), "appeared");
        assert_eq!(of([1, 0], [0, 0]), "chance");
    }

    #[test]
    fn one_person_flies_one_plan_and_only_what_the_setting_changes_is_said_to_change() {
        let scenario = Scenario::load("pair-enterprise").unwrap();
        let pair = run_pair(&scenario, 3).unwrap();
        assert_eq!(pair.cases.len(), 6);
        let canaries: Vec<_> =
            pair.cases.iter().map(|(_, case)| case.file("canaries.toml").unwrap()).collect();
        assert!(canaries.windows(2).all(|two| two[0] == two[1]), "one person");
        let logs: Vec<_> = pair.cases.iter().map(|(_, case)| case.file("actions.csv").unwrap()).collect();
        assert!(logs.windows(2).all(|two| two[0] != two[1]), "each flight has its own times");
        let verdict = |host: &str, class: &str| {
            let flows = pair.told["flows"].as_array().unwrap();
            let flow = flows
                .iter()
                .find(|flow| flow["host"].as_str().unwrap().starts_with(host) && flow["data_class"] == class);
            flow.map(|flow| flow["verdict"].as_str().unwrap().to_owned())
        };
        assert_eq!(verdict("upload-hk", "person-name").as_deref(), Some("appeared"));
        assert_eq!(verdict("mqtt-cn", "location").as_deref(), Some("stayed"));
    }
}
