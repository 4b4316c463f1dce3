//! Cases of jurisdiction, each decided as people who know the sources would; each with its reason in `region.toml`.

#![expect(clippy::unwrap_used, reason = "a row that cannot be read fails the test")]
use creance_place::datum::Datum;
use creance_place::region::address::{Address, Exit};
use creance_place::region::answer::{Answer, Outcome};
use creance_place::region::belief::{AppEvidence, Cached, RadioSet, Told};
use creance_place::region::datum_tell::{DatumSeen, named};
use creance_place::region::hosts::HostUsed;
use creance_place::region::position::{Doubt, Position, Receiver};
use creance_place::region::{Evidence, assess};
use creance_place::{Atlas, Country};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    gps: Option<String>,
    phone: Option<String>,
    network_location: Option<String>,
    doubt: Option<String>,
    mcc: Option<u16>,
    sim: Option<u16>,
    /// Codes of the networks and of the SIMs of a device that has two.
    two_mcc: Option<[u16; 2]>,
    two_sim: Option<[u16; 2]>,
    ip: Option<String>,
    exit: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
    radio: Option<String>,
    cached: Option<String>,
    told: Option<String>,
    host: Option<String>,
    /// The datum in which coordinates around `gps` are sent.
    sent: Option<String>,
    login: Option<bool>,
    aircraft: Option<String>,
    app: Option<String>,
    conflicts: Option<usize>,
    mismatch: Option<String>,
    reason: String,
}

fn country(code: &str) -> Country {
    Country::new(code).unwrap()
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(',').map(|number| number.parse().unwrap()).collect()
}

impl Case {
    fn positions(&self) -> Vec<Position> {
        let doubts: Vec<Doubt> =
            Doubt::ALL.into_iter().filter(|doubt| Some(doubt.name()) == self.doubt.as_deref()).collect();
        let given = [
            (&self.gps, Receiver::Aircraft),
            (&self.phone, Receiver::Phone),
            (&self.network_location, Receiver::Network),
        ];
        let read = |(text, receiver): (&Option<String>, Receiver)| {
            let numbers = numbers(text.as_deref()?);
            let accuracy_m = numbers.get(2).copied();
            Some(Position { lat: numbers[0], lon: numbers[1], accuracy_m, receiver, doubts: doubts.clone() })
        };
        given.into_iter().filter_map(read).collect()
    }

    fn evidence(&self) -> Evidence {
        let positions = self.positions();
        let datum = self.sent.as_deref().map(|name| {
            let (datum, truth): (Datum, (f64, f64)) =
                (named(name).unwrap(), (positions[0].lat, positions[0].lon));
            let truths = [truth, (truth.0 + 0.001, truth.1), (truth.0 + 0.002, truth.1)];
            DatumSeen {
                declared: None,
                sent: truths.iter().map(|truth| (datum.from_wgs84(*truth), *truth)).collect(),
            }
        });
        let host = |name: &str| HostUsed {
            name: name.to_owned(),
            vendor: true,
            branch: true,
            ..HostUsed::default()
        };
        let app = AppEvidence {
            told: self
                .told
                .iter()
                .map(|code| Told { country: country(code), place: "region".to_owned(), by_vendor: true })
                .collect(),
            hosts: self.host.iter().flat_map(|hosts| hosts.split(' ')).map(host).collect(),
            datum,
            forced_login: self.login,
            no_fly_download: None,
            cached: self.cached.as_deref().map(|text| {
                let (code, days) = text.split_once(',').unwrap();
                Cached { country: country(code), days: days.parse().unwrap() }
            }),
            radios: self
                .radio
                .iter()
                .map(|code| RadioSet { source: "wifi-country", country: country(code) })
                .collect(),
        };
        Evidence {
            positions,
            network_mcc: self.mcc.into_iter().chain(self.two_mcc.into_iter().flatten()).collect(),
            sim_mcc: self.sim.into_iter().chain(self.two_sim.into_iter().flatten()).collect(),
            addresses: self
                .ip
                .iter()
                .map(|ip| Address {
                    ip: ip.parse().unwrap(),
                    exit: Exit::ALL.into_iter().find(|exit| Some(exit.name()) == self.exit.as_deref()),
                })
                .collect(),
            time_zones: self.time_zone.iter().cloned().collect(),
            locales: self.locale.iter().cloned().collect(),
            app,
        }
    }
}

/// `HK`, `unknown`, or `contested CN HK` with the candidates in alphabetical order.
fn said(answer: &Answer) -> String {
    match (answer.outcome, answer.country()) {
        (_, Some(country)) => country.to_string(),
        (Outcome::Contested, _) => {
            let mut codes: Vec<String> = answer.candidates.iter().map(|(one, _)| one.to_string()).collect();
            codes.sort();
            format!("contested {}", codes.join(" "))
        }
        _ => "unknown".to_owned(),
    }
}

#[test]
fn cases_are_decided_as_a_panel_would() {
    let file: File = toml::from_str(include_str!("region.toml")).unwrap();
    assert!(file.case.len() >= 60);
    let atlas = Atlas::bundled().unwrap();
    let mut wrong = Vec::new();
    for case in &file.case {
        assert!(!case.reason.is_empty() && (case.aircraft.is_some() || case.app.is_some()), "{}", case.name);
        let found = assess(&case.evidence(), &atlas).unwrap();
        for (which, wanted, answer) in
            [("aircraft", &case.aircraft, &found.aircraft), ("app", &case.app, &found.app)]
        {
            if let Some(wanted) = wanted
                && said(answer) != *wanted
            {
                wrong.push(format!(
                    "{}: {which}: {}, not {wanted} ({})\n{:#?}",
                    case.name,
                    said(answer),
                    case.reason,
                    answer
                        .votes
                        .iter()
                        .map(|vote| format!(
                            "{} {:?} {:.1} {}",
                            vote.source, vote.says, vote.weight, vote.why
                        ))
                        .collect::<Vec<_>>()
                ));
            }
        }
        if let Some(conflicts) = case.conflicts
            && found.aircraft.conflicts.len() != conflicts
        {
            wrong.push(format!("{}: not {conflicts} conflicts: {:#?}", case.name, found.aircraft.conflicts));
        }
        let expected = case.mismatch.as_deref();
        if expected.map_or(!found.mismatches.is_empty(), |text| {
            !found.mismatches.iter().any(|one| one.says.contains(text))
        }) {
            wrong.push(format!("{}: mismatches {:#?}", case.name, found.mismatches));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
