//! Paired flights of a world: what one capture cannot answer, six can.

use std::collections::BTreeMap;

use creance_assess::{Group, Plan, Run, compare};
use creance_model::FlightState;
use serde_json::{Value, json};

use crate::{Compared, Error, Pair, Scenario, audited, run_pair};

/// Flights of each side.
const REPEATS: u32 = 3;

/// Paired flights, audited and compared.
#[derive(Clone, Debug)]
pub struct Flown {
    /// The hypothesis that they put to the test.
    pub about: &'static str,
    /// What was changed, in words.
    pub what: &'static str,
    /// What was compared: the document of `creance compare`.
    pub comparison: Value,
    /// Ways, each a host and a class of data, that really stopped.
    pub stopped: usize,
    /// Ways that really appeared.
    pub appeared: usize,
    /// What really left in flight on the second side.
    pub in_flight: usize,
}

/// A setting of a world that is flown both ways.
struct Setting {
    name: &'static str,
    about: &'static str,
    what: &'static str,
    change: &'static str,
    sides: [Side; 2],
    /// What the user had switched on before, in both.
    also: &'static [&'static str],
    /// Whether only what is sent in flight is compared.
    flying: bool,
}

/// A value of a setting.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Is(bool),
    Called(&'static str),
}

impl From<Side> for toml::Value {
    fn from(side: Side) -> Self {
        match side {
            Side::Is(on) => Self::Boolean(on),
            Side::Called(name) => Self::String(name.to_owned()),
        }
    }
}

const PROFILES: Setting = Setting {
    name: "profiles",
    about: "profiles",
    what: "the account of a hobbyist, then that of an organisation",
    change: "person.profile",
    sides: [Side::Called("hobbyist"), Side::Called("enterprise")],
    also: &[],
    flying: false,
};

const MODE: Setting = Setting {
    name: "mode",
    about: "cut-in-flight",
    what: "local data mode off, then on; what was sent in flight alone",
    change: "settings.local_data_mode",
    sides: [Side::Is(false), Side::Is(true)],
    also: &[],
    flying: true,
};

/// In the world as alleged, settings are for show.
const ALLEGED: [Setting; 3] = [
    PROFILES,
    Setting {
        name: "setting",
        about: "setting",
        what: "local data mode off, then on",
        flying: false,
        ..MODE
    },
    MODE,
];

/// In the world as claimed, they hold. What leaves without them must have been switched on by the user.
const CLAIMED: [Setting; 3] = [
    PROFILES,
    Setting {
        name: "setting",
        about: "setting",
        what: "synchronisation of the track on, then off",
        change: "switches.upload-track",
        sides: [Side::Is(true), Side::Is(false)],
        also: &[],
        flying: false,
    },
    Setting {
        what: "local data mode off, then on, by a user who had switched on telemetry and live position; what was sent in flight alone",
        also: &["publish-telemetry", "stream-position"],
        ..MODE
    },
];

impl Setting {
    /// Whether the flights of another are these: only what is compared of them differs.
    fn is_flown_with(&self, other: &Self) -> bool {
        (self.change, self.sides, self.also) == (other.change, other.sides, other.also)
    }
}

/// Flights of both sides, audited: of each side its name, and of each flight its folder and what was found.
struct Flights {
    pair: Pair,
    sides: Vec<(String, Vec<(String, String)>)>,
    in_flight: usize,
}

/// Flies, audits and compares all pairs of a world.
pub(super) fn flown(scenario: &Scenario, seed: u64) -> Result<BTreeMap<&'static str, Flown>, Error> {
    let settings = if scenario.does("ignore-local-data-mode") { &ALLEGED } else { &CLAIMED };
    let mut all = BTreeMap::new();
    let mut last: Option<(&Setting, Flights)> = None;
    for setting in settings {
        let again = last.take().filter(|(one, _)| one.is_flown_with(setting));
        let flights = match again {
            Some((_, flights)) => flights,
            None => fly(scenario, setting, seed)?,
        };
        all.insert(setting.name, compared(setting, &flights)?);
        last = Some((setting, flights));
    }
    Ok(all)
}

fn fly(scenario: &Scenario, setting: &Setting, seed: u64) -> Result<Flights, Error> {
    // Where packets are missing, or nobody can read what is sent to a host, no difference is claimed: these captures are whole, and
    // without the film, whose upload is pinned.
    let mut scenario =
        scenario.with("network.lost", &0.into())?.with("switches.upload-video", &false.into())?;
    for switch in setting.also {
        scenario = scenario.with(&format!("switches.{switch}"), &true.into())?;
    }
    let [from, to] = setting.sides.map(toml::Value::from);
    scenario.pair = Some(Compared {
        what: setting.what.to_owned(),
        change: setting.change.to_owned(),
        from,
        to,
        repeats: REPEATS,
    });
    let pair = run_pair(&scenario, seed)?;
    let (mut sides, mut in_flight) = (Vec::new(), 0);
    for side in ["from", "to"] {
        let name = pair.told[side].as_str().unwrap_or_default().to_owned();
        let folders = pair.told["captures"][name.as_str()].as_array().into_iter().flatten();
        let names: Vec<&str> = folders.filter_map(Value::as_str).collect();
        let mut found = Vec::new();
        for (folder, case) in pair.cases.iter().filter(|(folder, _)| names.contains(&folder.as_str())) {
            let flying = |event: &&Value| event["flight_state"] == "flying";
            if side == "to" {
                in_flight += case.truth()["events"].as_array().into_iter().flatten().filter(flying).count();
            }
            let place = tempfile::tempdir()
                .map_err(|source| Error::Write { path: "a folder for a flight".to_owned(), source })?;
            case.write(place.path())?;
            found.push((folder.clone(), audited(place.path())?.findings_document().to_string()));
        }
        sides.push((name, found));
    }
    Ok(Flights { pair, sides, in_flight })
}

fn compared(setting: &Setting, flights: &Flights) -> Result<Flown, Error> {
    let state = setting.flying.then_some(FlightState::Flying);
    let mut groups = Vec::new();
    for (name, found) in &flights.sides {
        let runs = found.iter().map(|(folder, found)| Run::read_while(folder, found.as_bytes(), state));
        groups.push(Group { name: name.clone(), runs: runs.collect::<Result<_, _>>()? });
    }
    let verdicts = |wanted: &str| {
        let flows = flights.pair.told["flows"].as_array().into_iter().flatten();
        flows.filter(|flow| flow["verdict"] == wanted).count()
    };
    let comparison = <[Group; 2]>::try_from(groups).map(|groups| compare(&Plan { groups, level: 0.05 }));
    Ok(Flown {
        about: setting.about,
        what: setting.what,
        comparison: json!(comparison.ok()),
        stopped: verdicts("stopped"),
        appeared: verdicts("appeared"),
        in_flight: flights.in_flight,
    })
}
