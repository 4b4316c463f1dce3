//! The answers as they are written.

use creance_model::{
    AskedWith, Belief, Candidate, LandedIn, Landings, Mismatch, Region, RegionAnswer, RegionBehaviour,
    RegionVote, Severity,
};

use crate::country::Country;
use crate::region::answer::{Answer, Outcome};
use crate::region::{Assessment, Differs, datum_tell};

/// What was sent when the app asked where it is: the source, and the country that it says.
pub type Asked = [(&'static str, Option<Country>)];

impl Assessment {
    /// The answers as they are written, with what the app asked with, in these packets. `shown` says how a host is named.
    pub fn told(&self, asked: &Asked, packets: &[u64], shown: &dyn Fn(&str) -> String) -> Region {
        let believed = self.app.country();
        let asked = asked.iter().map(|(source, says)| AskedWith {
            source: (*source).into(),
            says: code(*says),
            agrees: says.zip(believed).map(|(says, believed)| says == believed),
        });
        let behaviour = RegionBehaviour {
            hosts: code(self.behaviour.hosts),
            datum: self.behaviour.datum.map(|datum| datum_tell::told(datum).into()),
            coordinates_shifted: self.behaviour.coordinates_shifted,
            forced_login: self.behaviour.forced_login,
            no_fly_download: self.behaviour.no_fly_download,
        };
        let mut mismatches: Vec<Mismatch> = self
            .mismatches
            .iter()
            .map(|one| Mismatch {
                kind: one.kind.name().into(),
                says: one.says.clone(),
                severity: severity(one.kind),
                packets: packets.to_vec(),
            })
            .collect();
        mismatches.sort_by_key(|one| std::cmp::Reverse(one.severity));
        Region {
            aircraft: answer(&self.aircraft),
            app: Belief { answer: answer(&self.app), behaviour, asked_with: asked.collect() },
            data: self.landings(shown),
            mismatches,
        }
    }

    fn landings(&self, shown: &dyn Fn(&str) -> String) -> Landings {
        let known: Vec<Country> = self.data.iter().filter_map(|landing| landing.country).collect();
        let landings = self.data.iter().map(|landing| LandedIn {
            iso: code(landing.country),
            bytes: landing.bytes,
            hosts: landing.hosts.iter().map(|host| shown(host)).collect(),
        });
        Landings {
            answer: match known.as_slice() {
                [] => "unknown",
                [_] => "determined",
                _ => "several",
            }
            .into(),
            iso: known.first().filter(|_| known.len() == 1).map(ToString::to_string),
            landings: landings.collect(),
        }
    }
}

/// An app that believes in another country keeps other rules than hold where it flies; what is not settled is less.
const fn severity(differs: Differs) -> Severity {
    match differs {
        Differs::Belief | Differs::Datum => Severity::Medium,
        Differs::Contested => Severity::Low,
        Differs::Data => Severity::Info,
    }
}

fn code(country: Option<Country>) -> Option<String> {
    country.map(|country| country.to_string())
}

/// A number with so many decimals, as people and tests read it.
fn rounded(number: f64, scale: f64) -> f64 {
    (number * scale).round() / scale
}

fn answer(answer: &Answer) -> RegionAnswer {
    let candidates: Vec<Candidate> = answer
        .candidates
        .iter()
        .map(|(country, likely)| Candidate { iso: country.to_string(), p: rounded(*likely, 1e4) })
        .collect();
    let votes = answer.votes.iter().map(|vote| RegionVote {
        source: vote.source.into(),
        says: vote.says.iter().map(ToString::to_string).collect(),
        weight: rounded(vote.weight, 1e2),
        why: vote.why.clone(),
    });
    RegionAnswer {
        answer: answer.outcome.name().into(),
        iso: code(answer.country()),
        p: candidates.first().filter(|_| answer.outcome == Outcome::Determined).map(|best| best.p),
        votes: votes.collect(),
        conflicts: answer.conflicts.clone(),
        candidates,
    }
}
