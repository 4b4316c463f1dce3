//! What an app believes, seen by what it was told and by what it does.

use crate::atlas::Atlas;
use crate::country::Country;
use crate::datum::Datum;
use crate::region::answer::{Group, Vote, weight};
use crate::region::boundaries::Boundaries;
use crate::region::datum_tell::DatumSeen;
use crate::region::hosts::{self, HostUsed};

/// How often each names what the app believes.
const TOLD: f64 = 0.97;
/// The same of an answer of somebody of whom nothing else shows that the app goes by it: any page asks where one is.
const TOLD_BY_ANYBODY: f64 = 0.6;
const SET: f64 = 0.9;
const FRESH: f64 = 0.9;
const LOGIN: f64 = 0.7;
/// From here on hosts are told as those of a country's branch.
const BRANCH: f64 = 0.75;
/// Days after which what is remembered is a third as good.
const FADES_DAYS: f64 = 7.0;

/// A country that an app remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cached {
    /// Which.
    pub country: Country,
    /// For how many days.
    pub days: f64,
}

impl Cached {
    /// What it says of where the aircraft is: where the app was once.
    pub fn vote_of_place(self) -> Vote {
        let right = 0.5 * (-self.days.max(0.0) / FADES_DAYS).exp();
        Vote::one(
            "cache",
            Group::Memory,
            self.country,
            right,
            format!("remembered for {}: where the app was then", age(self.days)),
        )
    }

    /// What it says of what the app believes. `is_told`: a server has told the app since.
    fn vote(self, is_told: bool) -> Vote {
        let fresh = FRESH * (-self.days.max(0.0) / FADES_DAYS).exp();
        let (right, stale) = match fresh {
            _ if is_told => (0.0, "; what a server tells replaces it"),
            ..=0.5 => (fresh, ", too long to go by"),
            _ => (fresh, ""),
        };
        Vote::one(
            "cache",
            Group::Memory,
            self.country,
            right,
            format!("remembered for {}{stale}", age(self.days)),
        )
    }
}

fn age(days: f64) -> String {
    if days < 1.0 { format!("{:.0} hours", days * 24.0) } else { format!("{days:.0} days") }
}

/// A country that a radio was set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RadioSet {
    /// `wifi-country` (802.11d country element) or `duml-country` (a maker's command to its radio).
    pub source: &'static str,
    /// Which.
    pub country: Country,
}

impl RadioSet {
    /// What it says of where the aircraft is.
    pub fn vote_of_place(self) -> Vote {
        let why = "a radio was set to it, by whoever set it up or by what an app believed".to_owned();
        Vote::one(self.source, Group::Radio, self.country, 0.6, why)
    }

    fn vote(self) -> Vote {
        Vote::one(
            self.source,
            Group::Radio,
            self.country,
            SET,
            "the radio was set to it, which follows what the app believes".to_owned(),
        )
    }
}

/// A country that a server told an app to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Which.
    pub country: Country,
    /// Where that stood.
    pub place: String,
    /// Whether something else shows that the app goes by this server.
    pub by_vendor: bool,
}

/// What an app was told and does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppEvidence {
    /// Countries that servers told it to take.
    pub told: Vec<Told>,
    /// Hosts used.
    pub hosts: Vec<HostUsed>,
    /// Coordinates sent.
    pub datum: Option<DatumSeen>,
    /// Whether it makes its user log in before flight, where that is known.
    pub forced_login: Option<bool>,
    /// Whether it loads a database of zones.
    pub no_fly_download: Option<bool>,
    /// What it remembers.
    pub cached: Option<Cached>,
    /// Radios it set.
    pub radios: Vec<RadioSet>,
}

/// What follows for the user from what an app believes; nothing, where it was not seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Behaviour {
    /// The branch whose hosts it uses.
    pub hosts: Option<Country>,
    /// The datum that its coordinates are called, or are in.
    pub datum: Option<Datum>,
    /// Whether they are shifted off the true place.
    pub coordinates_shifted: Option<bool>,
    /// Whether the user must log in.
    pub forced_login: Option<bool>,
    /// Whether a database of zones was loaded.
    pub no_fly_download: Option<bool>,
}

impl AppEvidence {
    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What each says of what the app believes.
    pub fn votes(&self, atlas: &Atlas, boundaries: &Boundaries) -> Vec<Vote> {
        let mut votes = hosts::votes(&self.hosts, atlas);
        for Told { country, place, by_vendor } in &self.told {
            let (right, who) = if *by_vendor {
                (TOLD, "a server told the app so")
            } else {
                (TOLD_BY_ANYBODY, "a server said so, and nothing shows that the app goes by it")
            };
            votes.push(Vote::one("answer", Group::Told, *country, right, format!("{who} ({place})")));
        }
        votes.extend(self.datum.as_ref().and_then(|datum| datum.vote(boundaries)));
        if self.forced_login == Some(true) {
            let why = "the user must log in before flight, as mainland China's rules on activation have it"
                .to_owned();
            votes.push(Vote::one("login", Group::Duty, Country::CN, LOGIN, why));
        }
        let is_told = self.told.iter().any(|told| told.by_vendor);
        votes.extend(self.cached.map(|cached| cached.vote(is_told)));
        votes.extend(self.radios.iter().map(|radio| radio.vote()));
        votes
    }

    /// What follows from it.
    pub fn behaviour(&self, atlas: &Atlas) -> Behaviour {
        let observed = self.datum.as_ref().and_then(DatumSeen::observed);
        // One store in another country is no branch.
        let branches: Vec<Country> = hosts::votes(&self.hosts, atlas)
            .into_iter()
            .filter(|vote| vote.weight >= weight(BRANCH) - 1e-9)
            .flat_map(|vote| vote.says)
            .collect();
        Behaviour {
            hosts: branches.first().copied().filter(|_| branches.len() == 1),
            datum: self.datum.as_ref().and_then(|datum| datum.declared).or(observed),
            coordinates_shifted: observed.map(|datum| datum != Datum::Wgs84),
            forced_login: self.forced_login,
            no_fly_download: self.no_fly_download,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::new(code).unwrap()
    }

    #[test]
    fn what_anybody_answers_is_no_belief() {
        let atlas = Atlas::bundled().unwrap();
        let vote = |by_vendor| {
            let told = vec![Told { country: country("CN"), place: "x".to_owned(), by_vendor }];
            let app = AppEvidence { told, ..AppEvidence::default() };
            app.votes(&atlas, Boundaries::bundled().unwrap()).remove(0).weight
        };
        assert!(vote(true) > 3.0 && vote(false) < 0.5);
    }

    #[test]
    fn what_is_remembered_fades() {
        let cached = |days| Cached { country: Country::CN, days };
        assert!(cached(0.1).vote(false).weight > cached(3.0).vote(false).weight);
        assert!(cached(30.0).vote(false).weight.abs() < 1e-9);
        assert!(cached(0.1).vote(true).weight.abs() < 1e-9);
        assert!(cached(0.0).vote_of_place().weight.abs() < 1e-9);
    }

    #[test]
    fn behaviour_is_told_where_it_was_seen() {
        let atlas = Atlas::bundled().unwrap();
        assert_eq!(AppEvidence::default().behaviour(&atlas), Behaviour::default());
        let app = AppEvidence {
            hosts: vec![HostUsed {
                name: "api-us.v.example".to_owned(),
                branch: true,
                ..HostUsed::default()
            }],
            datum: Some(DatumSeen { declared: Some(Datum::Wgs84), sent: Vec::new() }),
            forced_login: Some(false),
            ..AppEvidence::default()
        };
        let seen = app.behaviour(&atlas);
        assert_eq!((seen.hosts, seen.datum), (Some(country("US")), Some(Datum::Wgs84)));
        assert_eq!((seen.coordinates_shifted, seen.forced_login), (None, Some(false)));
    }
}
