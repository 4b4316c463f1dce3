//! Campaigns: one person and one aircraft, in sessions one after the other, as auditors plan them.
//!
//! Each session is the scenario with some of its values changed, played as often as it says, and each run a case of its own.
//! `campaign.toml` is what `creance compare --campaign` reads.

use std::{fs, path::Path};

use toml::{Table, Value};

use crate::{Case, Error, Scenario, play::run_again};

/// The cases of a campaign.
#[derive(Debug)]
pub struct Campaign {
    /// By folder, in the order of the file.
    pub cases: Vec<(String, Case)>,
    /// The content of `campaign.toml`.
    pub told: String,
}

/// Plays a scenario that has sessions.
pub fn run_campaign(scenario: &Scenario, seed: u64) -> Result<Campaign, Error> {
    if scenario.sessions.is_empty() {
        let why = "expected a table [[session]] in the scenario".to_owned();
        return Err(Error::Scenario { what: scenario.name.clone(), why });
    }
    let mut cases: Vec<(String, Case)> = Vec::new();
    let mut groups = Vec::new();
    for session in &scenario.sessions {
        let mut changed = scenario.clone();
        for (key, value) in &session.change {
            changed = changed.with(key, value)?;
        }
        let mut runs = Vec::new();
        for repeat in 1..=session.repeats {
            let name = &session.name;
            let folder = if session.repeats == 1 { name.clone() } else { format!("{name}-{repeat}") };
            // Each has times and weather of its own.
            let chance = u64::try_from(cases.len()).unwrap_or_default() + 1;
            let case = run_again(&changed, seed, chance)?;
            runs.push(run(&folder, &case));
            cases.push((folder, case));
        }
        groups.push(table([("name", session.name.as_str().into()), ("run", runs.into())]));
    }
    let told = told(scenario, &cases, groups);
    Ok(Campaign { cases, told })
}

/// What is audited of a case, and where to.
fn run(folder: &str, case: &Case) -> Value {
    let within = |name: &str| -> Value { format!("{folder}/{name}").into() };
    let beside = |name: &str| -> Value {
        case.file(name).map(|_| within(name)).into_iter().collect::<Vec<_>>().into()
    };
    table([
        ("case", within("case")),
        ("inputs", beside("capture.pcapng")),
        ("keys", beside("capture.keys")),
        ("flight", beside("flight.tlog")),
        ("actions", within("actions.csv")),
    ])
}

/// The campaign as a whole: people, places and things are the same in all, but for what was flown and photographed.
fn told(scenario: &Scenario, cases: &[(String, Case)], groups: Vec<Value>) -> String {
    let first = cases.first().map(|(folder, _)| folder.as_str()).unwrap_or_default();
    let devices = cases.iter().map(|(folder, _)| format!("{folder}/device").into());
    let beside = table([
        ("canaries", format!("{first}/canaries.toml").into()),
        ("sites", format!("{first}/sites.geojson").into()),
        ("device", devices.collect::<Vec<Value>>().into()),
    ]);
    let mut all = Table::new();
    // What the others are held against: the session in which nothing is changed.
    if let Some(base) = scenario.sessions.iter().find(|session| session.change.is_empty()) {
        all.insert("base".to_owned(), base.name.as_str().into());
    }
    all.insert("audit".to_owned(), beside);
    all.insert("group".to_owned(), groups.into());
    format!("# {}\n{all}", scenario.about)
}

fn table<const N: usize>(all: [(&str, Value); N]) -> Value {
    Value::Table(all.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

impl Campaign {
    /// Writes a folder for each run, and `campaign.toml`.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        for (name, case) in &self.cases {
            case.write(&folder.join(name))?;
        }
        let path = folder.join("campaign.toml");
        fs::write(&path, &self.told)
            .map_err(|source| Error::Write { path: path.display().to_string(), source })
    }
}
