//! Jurisdictions: where the aircraft is, where its app believes it is, and where its data went. Three answers, for each may
//! differ from the others, and a difference between the first two is a finding.
//!
//! Sources vote, one file for each; [`answer`] puts the votes together. CN, HK, MO and TW are four answers.

pub mod address;
pub mod answer;
pub mod belief;
pub mod boundaries;
pub mod datum_tell;
pub mod duties;
pub mod fleet;
pub mod hosts;
pub mod mcc;
pub mod position;
pub mod settings;
mod told;

use crate::Error;
use crate::atlas::Atlas;
use crate::country::Country;
use address::Address;
use answer::{Answer, Group, Outcome, Vote, fuse};
use belief::{AppEvidence, Behaviour};
use boundaries::{Boundaries, Whereabouts};
use mcc::{Code, Codes};
use position::Position;
pub use told::Asked;

/// Everything known that bears on jurisdiction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Places from receivers.
    pub positions: Vec<Position>,
    /// Country codes of serving networks.
    pub network_mcc: Vec<u16>,
    /// Country codes of SIMs.
    pub sim_mcc: Vec<u16>,
    /// Addresses that the device's traffic came from.
    pub addresses: Vec<Address>,
    /// Names of time zones.
    pub time_zones: Vec<String>,
    /// Language tags.
    pub locales: Vec<String>,
    /// What the app was told and does.
    pub app: AppEvidence,
}

/// Where the data went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Landing {
    /// ISO alpha-2, nothing where it is unknown.
    pub country: Option<Country>,
    /// The hosts there.
    pub hosts: Vec<String>,
    /// Bytes sent there.
    pub bytes: u64,
    /// Whether one of the hosts is of the app's own vendor.
    pub vendor: bool,
}

/// A difference between the answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// What differs.
    pub kind: Differs,
    /// In words.
    pub says: String,
}

/// What differs from what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Differs {
    /// What the app believes, from where the aircraft is.
    Belief,
    /// What the app believes, from what can be known: the aircraft may be there, or elsewhere.
    Contested,
    /// The datum of coordinates, from that of the country where the aircraft is.
    Datum,
    /// Where data of the app's vendor went, from where the app believes it is.
    Data,
}

impl Differs {
    /// Its name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Belief => "belief",
            Self::Contested => "contested",
            Self::Datum => "datum",
            Self::Data => "data",
        }
    }
}

/// The three answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Where the aircraft is.
    pub aircraft: Answer,
    /// What the app believes.
    pub app: Answer,
    /// What follows from that.
    pub behaviour: Behaviour,
    /// Where data went, most bytes first.
    pub data: Vec<Landing>,
    /// Where the answers differ.
    pub mismatches: Vec<Mismatch>,
}

/// Judges the evidence.
pub fn assess(evidence: &Evidence, atlas: &Atlas) -> Result<Assessment, Error> {
    let boundaries = Boundaries::bundled()?;
    let aircraft = fuse(of_place(evidence, atlas, boundaries, Codes::bundled()?));
    let app = fuse(evidence.app.votes(atlas, boundaries));
    let mut data: Vec<Landing> = hosts::landed(&evidence.app.hosts, atlas)
        .into_iter()
        .map(|(country, landing)| Landing { country, ..landing })
        .collect();
    data.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.country.cmp(&b.country)));
    let behaviour = evidence.app.behaviour(atlas);
    let mismatches = mismatches(&aircraft, &app, &data, behaviour);
    Ok(Assessment { aircraft, app, behaviour, data, mismatches })
}

/// What each source says of where the aircraft is.
fn of_place(evidence: &Evidence, atlas: &Atlas, boundaries: &Boundaries, codes: &Codes) -> Vec<Vote> {
    let mut votes: Vec<Vote> = evidence.positions.iter().map(|position| position.vote(boundaries)).collect();
    // The best believed place says how near borders are that cells may reach over.
    let believed =
        evidence.positions.iter().filter(|position| position.is_fix() && position.doubts.is_empty());
    let place: Option<Whereabouts> = believed
        .min_by_key(|position| position.receiver)
        .and_then(|position| boundaries.at(position.lat, position.lon));
    votes.extend(evidence.network_mcc.iter().map(|code| codes.network(*code, place.as_ref())));
    votes.extend(evidence.sim_mcc.iter().map(|code| codes.sim(*code)));

    let contract: Vec<Country> = evidence
        .sim_mcc
        .iter()
        .filter_map(|code| codes.of(*code))
        .flat_map(|code| match code {
            Code::Of(says, _) => says.clone(),
            Code::Shared(_) => Vec::new(),
        })
        .collect();
    // Near a border a serving network says little of the place, but whose guest the device is it says for certain: of two SIMs that are
    // served at once, that of either network.
    let serving = evidence.network_mcc.iter().filter_map(|code| match codes.of(*code)? {
        Code::Of(says, fits) => Some([says.clone(), fits.clone()].concat()),
        Code::Shared(_) => None,
    });
    let serving: Vec<Country> = serving.flatten().collect();
    let strong: Vec<Vec<Country>> = votes
        .iter()
        .filter(|vote| vote.weight > 2.0 && vote.group != Group::Network)
        .map(|vote| [vote.says.clone(), vote.fits.clone()].concat())
        .chain([serving])
        .collect();
    let elsewhere = |country: Country| strong.iter().any(|says| !says.is_empty() && !says.contains(&country));
    votes.extend(evidence.addresses.iter().map(|one| address::vote(*one, atlas, &contract, &elsewhere)));
    votes.extend(evidence.time_zones.iter().map(|name| settings::time_zone(name)));
    votes.extend(evidence.locales.iter().map(|tag| settings::locale(tag)));
    votes.extend(evidence.app.radios.iter().map(|radio| radio.vote_of_place()));
    votes.extend(evidence.app.cached.map(belief::Cached::vote_of_place));
    votes
}

fn mismatches(aircraft: &Answer, app: &Answer, data: &[Landing], behaviour: Behaviour) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut differs = |kind, says| found.push(Mismatch { kind, says });
    let possible = |country: Country| {
        aircraft.candidates.iter().any(|(one, likely)| *one == country && *likely >= 1.0 - answer::DETERMINED)
    };
    match (aircraft.outcome, app.country()) {
        (Outcome::Determined, Some(believed)) if aircraft.country() != Some(believed) => {
            let there = aircraft.country().map(|country| country.to_string()).unwrap_or_default();
            let says = format!("the aircraft is in {there}, and the app believes it to be in {believed}");
            differs(Differs::Belief, says);
        }
        (Outcome::Contested, Some(believed)) if !possible(believed) => {
            let says = format!(
                "the app believes {believed}, which is none of the countries that the aircraft may be in"
            );
            differs(Differs::Belief, says);
        }
        (Outcome::Contested, Some(believed)) => {
            let says = format!("where the aircraft is is contested, and the app has settled for {believed}");
            differs(Differs::Contested, says);
        }
        _ => {}
    }
    if let Some(there) = aircraft.country().filter(|there| *there != Country::CN)
        && behaviour.coordinates_shifted == Some(true)
    {
        let says = format!(
            "coordinates are sent shifted by a datum of mainland China, and the aircraft is in {there}"
        );
        differs(Differs::Datum, says);
    }
    // Somebody else's servers, a map's or an advertiser's, are where they are whatever the app believes.
    let believed = app.country().or_else(|| aircraft.country());
    let away: Vec<String> = data
        .iter()
        .filter(|landing| landing.vendor)
        .filter_map(|landing| landing.country.filter(|country| Some(*country) != believed))
        .map(|country| country.to_string())
        .collect();
    if let Some(believed) = believed.filter(|_| !away.is_empty()) {
        let says = format!("data went to the vendor's hosts in {}, outside {believed}", away.join(", "));
        differs(Differs::Data, says);
    }
    found
}
