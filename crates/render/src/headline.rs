//! The report in two sentences: facts, never more than was seen.

use std::collections::BTreeSet;

use creance_model::{Match, Report};

use crate::words::{count, list, percent};

/// What left, and how much could not be seen. Matches by shape alone never stand in it.
pub(crate) fn headline(report: &Report) -> [String; 2] {
    let firm: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| !matches!(finding.matched, Match::Pattern | Match::Size))
        .collect();
    let first = if firm.is_empty() {
        "No sensitive data was found in what could be read.".to_owned()
    } else {
        let classes: BTreeSet<String> = firm.iter().map(|finding| finding.data_class.to_string()).collect();
        let hosts: BTreeSet<_> = firm
            .iter()
            .map(|finding| finding.destination.host.as_ref().or(finding.destination.ip.as_ref()))
            .collect();
        let countries: BTreeSet<String> =
            firm.iter().filter_map(|finding| finding.destination.country.clone()).collect();
        let flying =
            firm.iter().filter(|finding| finding.flight_state == creance_model::FlightState::Flying).count();
        let places = if countries.is_empty() {
            String::new()
        } else {
            format!(" in {}", list(&countries.into_iter().collect::<Vec<_>>()))
        };
        let aloft = if flying > 0 { format!(", {flying} of them in flight") } else { String::new() };
        format!(
            "{} of {} went out readable to {}{places}{aloft}.",
            capital(&count(firm.len(), "piece", "pieces")),
            list(&classes.into_iter().collect::<Vec<_>>()),
            count(hosts.len(), "destination", "destinations"),
        )
    };
    let coverage = &report.coverage;
    let second = if coverage.bytes == 0 {
        "The capture holds no traffic between our side and the outside.".to_owned()
    } else {
        format!(
            "{} of the bytes exchanged with {} could not be read, and opaque is not innocent.",
            capital(&percent(coverage.opaque, coverage.bytes)),
            count(report.destinations.len(), "destination", "destinations"),
        )
    };
    [first, second]
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
