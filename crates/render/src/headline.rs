//! The report in two sentences: facts, never more than was seen.

use std::{cmp::Reverse, collections::BTreeMap};

use creance_model::{DataClass, Destination, Direction, Finding, FlightState, Match, Report};

use crate::words::{self, bytes, count, list, percent};

/// Places that stand in the sentence.
const MOST_PLACES: usize = 3;
/// Names that stand in one list; the rest is counted.
const MOST_NAMES: usize = 3;

/// What left, and how much could not be seen. Matches by shape or size alone never stand in it.
pub(crate) fn headline(report: &Report) -> [String; 2] {
    [found(report), unseen(report)]
}

fn found(report: &Report) -> String {
    let firm: Vec<&Finding> = report.findings.iter().filter(|finding| firm(finding)).collect();
    if firm.is_empty() {
        return match report.findings.len() {
            0 => "No sensitive data was found in what could be read.".to_owned(),
            hints => format!(
                "No sensitive data was found in what could be read, but for {} by shape or size alone.",
                count(hints, "hint", "hints"),
            ),
        };
    }
    let flying = firm.iter().filter(|finding| finding.flight_state == FlightState::Flying).count();
    let aloft = match (flying, firm.len()) {
        (0, _) => String::new(),
        (1, 1) => ", in flight".to_owned(),
        (flying, _) => format!(", {flying} of them in flight"),
    };
    let strongest = firm.iter().map(|finding| finding.matched).min().unwrap_or(Match::Pattern);
    capital(&format!(
        "{}: {}{aloft}; the strongest evidence is {}.",
        journeys(&firm),
        count(firm.len(), "finding", "findings"),
        words::matched(strongest),
    ))
}

/// What went where: each kind of data with its own place, for a list of kinds beside a list of places says too much.
fn journeys(firm: &[&Finding]) -> String {
    let mut groups: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in firm {
        let way = match finding.direction {
            Direction::Broadcast => "on air for all to hear".to_owned(),
            _ => format!("to {}", place(&finding.destination)),
        };
        groups.entry(way).or_default().push(finding);
    }
    let mut order: Vec<_> = groups.into_iter().collect();
    order.sort_by_key(|(way, group)| {
        (Reverse(group.iter().map(|finding| finding.severity).max()), Reverse(group.len()), way.clone())
    });
    let more = order.len() > MOST_PLACES + 1;
    if more {
        order.truncate(MOST_PLACES);
    }
    let mut parts: Vec<String> = order
        .iter()
        .enumerate()
        .map(|(index, (way, group))| {
            let went = if index == 0 { " went" } else { "" };
            format!("{}{went} {way}{}", classes(group), laws(group))
        })
        .collect();
    if more {
        parts.push("other data elsewhere".to_owned());
    }
    match parts.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{}, and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// Whether a finding is more than a hint.
pub(crate) fn firm(finding: &Finding) -> bool {
    !matches!(finding.matched, Match::Pattern | Match::Size)
}

/// The kinds of data, worst first.
fn classes(findings: &[&Finding]) -> String {
    let mut worst: BTreeMap<DataClass, (_, usize)> = BTreeMap::new();
    for finding in findings {
        let entry = worst.entry(finding.data_class).or_insert((finding.severity, 0));
        *entry = (entry.0.max(finding.severity), entry.1 + 1);
    }
    let mut order: Vec<_> = worst.into_iter().collect();
    order.sort_by_key(|(class, standing)| (Reverse(*standing), *class));
    named(order.into_iter().map(|(class, _)| words::class(class).to_owned()).collect(), "more kinds of data")
}

/// A place in a sentence.
pub(crate) fn place(destination: &Destination) -> String {
    match destination.country.as_deref() {
        _ if destination.edge && !stated(destination) => "edges of content networks".to_owned(),
        None => "places unknown".to_owned(),
        Some(code) if doubtful(destination) => format!("perhaps {}", words::country(code)),
        Some(code) => words::country(code),
    }
}

/// Whether the sources disagree on the country, or hardly know it.
pub(crate) fn doubtful(destination: &Destination) -> bool {
    !stated(destination)
        && (destination.edge
            || !destination.country_votes.is_empty()
            || matches!(destination.country_confidence.as_str(), "low" | "none"))
}

/// Whether the organisation itself says where this is: that ends all doubt.
fn stated(destination: &Destination) -> bool {
    destination.country_basis.as_deref() == Some("override")
}

/// The law of the operators, where it says more than the place does.
fn laws(findings: &[&Finding]) -> String {
    let same = |to: &Destination| to.control.is_none() || (to.control == to.country && !to.edge);
    if findings.iter().all(|finding| same(&finding.destination)) {
        return String::new();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for law in findings.iter().filter_map(|finding| finding.destination.control.as_deref()) {
        *counts.entry(law).or_default() += 1;
    }
    let mut order: Vec<_> = counts.into_iter().collect();
    order.sort_by_key(|(code, count)| (Reverse(*count), *code));
    let names = order.into_iter().map(|(code, _)| words::country(code)).collect();
    format!(" (law of {})", named(names, "more countries"))
}

fn named(mut names: Vec<String>, rest: &str) -> String {
    if names.len() > MOST_NAMES + 1 {
        let more = names.len() - MOST_NAMES;
        names.truncate(MOST_NAMES);
        names.push(format!("{more} {rest}"));
    }
    list(&names)
}

fn unseen(report: &Report) -> String {
    let coverage = &report.coverage;
    let damage = if report.incomplete() { "; the evidence is incomplete" } else { "" };
    if coverage.bytes == 0 {
        return format!("The capture holds no traffic between our side and the outside{damage}.");
    }
    let with = count(report.destinations.len(), "destination", "destinations");
    if coverage.opaque == 0 {
        let lost = match coverage.lost {
            0 => String::new(),
            lost => format!(", while {} are missing from the capture", bytes(lost)),
        };
        return format!("All {} exchanged with {with} could be read{lost}{damage}.", bytes(coverage.bytes));
    }
    capital(&format!(
        "{} of the {} exchanged with {with} could not be read, and opaque is not innocent{damage}.",
        percent(coverage.opaque, coverage.bytes),
        bytes(coverage.bytes),
    ))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
