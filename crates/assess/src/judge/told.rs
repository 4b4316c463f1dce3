//! What stands beside a judgement: what its confidence rests on, what was not seen, what is assumed, what would change it.

use creance_model::{Confidence, FlightState, Report, Trigger};

use super::{
    evidence::Seen,
    prose::quoted,
    set::{Bearing, Clue, Hypothesis},
};

/// Destinations that gaps name.
const MOST_NAMED: usize = 3;

/// What the confidence rests on.
pub(super) fn basis(confidence: Confidence, why: &str, seen: &Seen) -> Vec<String> {
    let mut told = vec![format!("Confidence in the basis is {confidence}: {}", lowered(why))];
    for (bearing, word) in [(Bearing::For, "for"), (Bearing::Against, "against")] {
        let firm: Vec<_> = seen.firm(bearing).collect();
        if let Some(strongest) = firm.first() {
            let findings: usize = firm.iter().map(|line| line.weighed.findings.len()).sum();
            told.push(format!(
                "{} {word} it, with {} named; the strongest is graded {}.",
                if firm.len() == 1 {
                    "One line of evidence speaks".to_owned()
                } else {
                    format!("{} lines of evidence speak", firm.len())
                },
                plural(findings, "finding", "findings"),
                strongest.weighed.grade,
            ));
        }
    }
    if seen.minutes > 0.0 {
        told.push(format!(
            "{:.0} % of what might have held it could be read, in {:.1} minutes.",
            (seen.readable * 100.0).floor(),
            seen.minutes
        ));
    }
    told
}

/// What was not seen.
pub(super) fn gaps(report: &Report, of: &Hypothesis, seen: &Seen) -> Vec<String> {
    let mut told = Vec::new();
    let tests: Vec<_> = of.evidence.iter().filter(|clue| clue.of_findings()).map(Clue::test).collect();
    let mut dark: Vec<_> = report
        .destinations
        .iter()
        .filter(|row| row.opaque > 0 && tests.iter().any(|test| test.may_reach(&row.destination)))
        .collect();
    dark.sort_by_key(|row| std::cmp::Reverse(row.opaque));
    let named: Vec<String> = dark
        .iter()
        .take(MOST_NAMED)
        .map(|row| {
            let to = &row.destination;
            quoted(to.host.as_deref().or(to.ip.as_deref()).unwrap_or("an address that is not told"))
        })
        .collect();
    if let Some(rest) = dark.len().checked_sub(named.len()).filter(|_| !named.is_empty()) {
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        told.push(format!("What went to {}{rest} could not be read in whole.", named.join(", ")));
    }
    if report.coverage.lost > 0 {
        told.push(format!("{} bytes that were sent are missing from the capture.", report.coverage.lost));
    }
    if !report.case.damage.is_empty() {
        told.push("The evidence is damaged: what stood behind the damage was not read.".to_owned());
    }
    if report.limited {
        told.push("A bound of the program was reached: not all was looked at.".to_owned());
    }
    for kind in &seen.missing {
        told.push(format!("No {} was given: that none of it was seen says nothing.", input(kind)));
    }
    let edges = report.destinations.iter().filter(|row| row.destination.edge).count();
    if edges > 0 && tests.iter().any(|test| test.links().contains(&"country")) {
        told.push(format!(
            "{} of a content network: where bytes go behind it is not known.",
            plural(edges, "destination is an edge", "destinations are edges")
        ));
    }
    let states = tests.iter().any(|test| !test.states().0.is_empty());
    if states && !report.phases.iter().any(|phase| phase.state != FlightState::Unknown) {
        told.push("What the aircraft did is not known.".to_owned());
    }
    told.push("One path was captured: other radios and networks of the same devices were not.".to_owned());
    told
}

/// What the case takes for granted.
pub(super) fn assumed(report: &Report) -> Vec<String> {
    let mut told = Vec::new();
    let worst = report.clocks.iter().map(|one| one.seconds.abs()).fold(0.0, f64::max);
    if worst >= 1.0 {
        told.push(format!(
            "Clocks of the sources are up to {worst:.1} s apart, and times are taken as they are told."
        ));
    }
    told.push("The capture is that of the devices named, and nothing was added to it.".to_owned());
    told
}

/// What would move it.
pub(super) fn would_change(report: &Report, of: &Hypothesis, seen: &Seen) -> Vec<String> {
    let mut told = Vec::new();
    let has = |kind: &str| report.case.inputs.iter().any(|input| input.kind == kind);
    if report.coverage.opaque > 0 {
        told.push("Keys for the sessions that could not be read.".to_owned());
    }
    for kind in &seen.missing {
        told.push(format!("The same flight with {}.", input(kind)));
    }
    if !has("canaries")
        && !seen
            .firm(Bearing::For)
            .any(|line| line.matched.is_some_and(|one| one <= creance_model::Match::Track))
    {
        told.push("Planted values (`creance canary new`) that surface, or do not.".to_owned());
    }
    let uses = |link: &str| {
        of.evidence.iter().filter(|clue| clue.of_findings()).any(|clue| clue.test().links().contains(&link))
    };
    if uses("country") {
        told.push(
            "A statement of the operator, or of the network, on where the addresses named are.".to_owned(),
        );
    }
    if uses("trigger") && report.findings.iter().any(|one| one.trigger == Trigger::Unknown) {
        told.push("An action log that covers the whole capture.".to_owned());
    }
    told.push("The same plan flown again, and by another examiner.".to_owned());
    told
}

/// A kind of input, in words.
fn input(kind: &str) -> String {
    match kind {
        "actions" => "an action log (`--actions`)".to_owned(),
        "sites" => "a register of sites (`--sites`)".to_owned(),
        "device" => "content of the device (`--device`)".to_owned(),
        "canaries" => "planted values (`--canaries`)".to_owned(),
        other => format!("input of the kind {}", quoted(other)),
    }
}

pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("one {one}") } else { format!("{count} {many}") }
}

fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
