//! What is cited beside claims that no capture settles: the laws of the jurisdictions that operators answer to, and what a
//! recipient now knows of each protected site. Nothing is inferred from either.

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{DataClass, Direction, Finding, Match, Picture, Report};
use serde::Deserialize;

use super::{Error, prose::quoted};

/// The bundled laws, one file a jurisdiction.
const LAWS: [&str; 5] = [
    include_str!("../../../../knowledge/laws/cn.toml"),
    include_str!("../../../../knowledge/laws/eu.toml"),
    include_str!("../../../../knowledge/laws/hk.toml"),
    include_str!("../../../../knowledge/laws/tw.toml"),
    include_str!("../../../../knowledge/laws/us.toml"),
];

/// Hosts that a sentence names.
const MOST_NAMED: usize = 4;
/// Sites that are told.
const MOST_SITES: usize = 50;

/// Laws by which authorities of a jurisdiction can ask for data.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Jurisdiction {
    name: String,
    codes: Vec<String>,
    law: Vec<Law>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Law {
    title: String,
    since: String,
    says: String,
    source: String,
    date: String,
    #[serde(default)]
    unverified: bool,
}

/// Every jurisdiction whose laws are known here.
pub(super) fn jurisdictions() -> Result<Vec<Jurisdiction>, Error> {
    LAWS.iter().map(|text| toml::from_str(text).map_err(|error| Error::Form(error.to_string()))).collect()
}

fn firm(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|one| {
        one.direction == Direction::Outbound && !matches!(one.matched, Match::Pattern | Match::Size)
    })
}

/// The laws of the jurisdictions whose operators, or on whose ground servers, got data; and those of which none is known here.
pub(super) fn laws(report: &Report, known: &[Jurisdiction]) -> Vec<String> {
    let mut codes: BTreeSet<&str> = BTreeSet::new();
    for one in firm(report) {
        codes.extend(one.destination.control.as_deref());
        codes.extend(one.destination.country.as_deref());
    }
    let mut told = Vec::new();
    for one in known.iter().filter(|one| one.codes.iter().any(|code| codes.contains(code.as_str()))) {
        for law in &one.law {
            let mark = if law.unverified { "not verified, " } else { "" };
            told.push(format!(
                "{}: {} (since {}). {} Source: {} ({mark}{}).",
                one.name, law.title, law.since, law.says, law.source, law.date
            ));
        }
    }
    let unknown: Vec<&str> = codes
        .into_iter()
        .filter(|code| !known.iter().any(|one| one.codes.iter().any(|known| known == code)))
        .collect();
    if !unknown.is_empty() {
        told.push(format!("Of these jurisdictions no law is listed here: {}.", quoted(&unknown.join(", "))));
    }
    told
}

/// What recipients got of each site that findings name: kinds, counts, volume, times, who.
pub(super) fn sites(report: &Report) -> Vec<String> {
    let mut by_site: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for one in firm(report) {
        for site in &one.sites {
            by_site.entry(site).or_default().push(one);
        }
    }
    by_site.into_iter().take(MOST_SITES).map(|(site, findings)| known_of(report, site, &findings)).collect()
}

fn known_of(report: &Report, site: &str, findings: &[&Finding]) -> String {
    let mut kinds: BTreeMap<DataClass, u64> = BTreeMap::new();
    let mut hosts: BTreeSet<&str> = BTreeSet::new();
    for one in findings {
        let count = kinds.entry(one.data_class).or_default();
        *count = count.saturating_add(one.count);
        hosts.extend(one.destination.host.as_deref().or(one.destination.ip.as_deref()));
    }
    let times = |count| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let kinds: Vec<String> =
        kinds.into_iter().map(|(class, count)| format!("{class} {}", times(count))).collect();
    let media = [DataClass::Imagery, DataClass::Video, DataClass::Audio];
    let finest = finest(findings).map_or_else(String::new, |picture| {
        let ground = picture.ground_m.map(|metres| format!(", {:.1} cm of the ground each", metres * 100.0));
        format!(
            ", the finest picture {}×{} pixels{}",
            picture.width,
            picture.height,
            ground.unwrap_or_default()
        )
    });
    let largest = findings.iter().filter(|one| media.contains(&one.data_class)).map(|one| one.bytes).max();
    let largest = largest.map_or_else(String::new, |bytes| format!(", the largest upload {bytes} bytes"));
    let named: Vec<String> = hosts.iter().take(MOST_NAMED).map(|host| quoted(host)).collect();
    let more = hosts.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let from = findings.iter().map(|one| one.time).min();
    let to = findings.iter().map(|one| one.last_time).max();
    let when = from.zip(to).map_or_else(String::new, |(from, to)| format!(", sent from {from} to {to}"));
    let near =
        report.ground.sites.iter().filter(|seen| seen.name == site).map(|seen| seen.metres).reduce(f64::min);
    let near = near.map_or_else(String::new, |metres| format!(", from as near as {metres:.0} m"));
    format!(
        "Of {} a recipient now knows: {}{finest}{largest}{near}{when}. Who: {}{more}. What a picture shows is for a person to say.",
        quoted(site),
        kinds.join(", "),
        named.join(", "),
    )
}

/// The picture that shows most of the ground: where it is told how wide a pixel is, by that, else by its pixels.
fn finest(findings: &[&Finding]) -> Option<Picture> {
    let pixels = |one: &Picture| u64::from(one.width) * u64::from(one.height);
    findings.iter().filter_map(|one| one.picture).min_by(|one, other| {
        let ground = |one: &Picture| one.ground_m.unwrap_or(f64::INFINITY);
        ground(one).total_cmp(&ground(other)).then(pixels(other).cmp(&pixels(one)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_law_of_the_folder_is_listed_and_says_where_it_is_from() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../knowledge/laws");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), LAWS.len());
        let known = jurisdictions().unwrap();
        let mut codes = BTreeSet::new();
        for one in &known {
            assert!(
                one.codes.iter().all(|code| codes.insert(code)),
                "{}: a code of two jurisdictions",
                one.name
            );
            for law in &one.law {
                assert!(!law.source.is_empty() && law.says.ends_with('.') && law.date.len() == 7, "{law:?}");
                // No law is told as a fact of what is done.
                assert!(
                    !super::super::says_likelihood(&law.says) && !super::super::says_confidence(&law.says)
                );
            }
        }
    }

    #[test]
    fn a_law_that_nobody_read_again_says_so_where_it_is_cited() {
        let known = jurisdictions().unwrap();
        let mut unread = 0;
        for one in &known {
            let mut report = crate::cases::blank(5.0);
            let to = crate::cases::destination("a.example", "ZZ", "high", &one.codes[0]);
            report.findings = vec![crate::cases::finding(
                1,
                DataClass::Email,
                Match::Canary,
                &to,
                creance_model::Trigger::Unknown,
            )];
            let told = laws(&report, &known);
            assert_eq!(told.len(), one.law.len() + 1, "{told:?}");
            for (line, law) in told.iter().zip(&one.law) {
                assert!(line.contains(&law.title), "{line}");
                assert_eq!(line.contains(" (not verified, 20"), law.unverified, "{line}");
                unread += usize::from(law.unverified);
            }
            assert!(told.last().unwrap().contains("no law is listed here: “ZZ”"), "{told:?}");
        }
        assert!(unread > 0);
    }
}
