//! What left in circumstances that people ask about: while the app was closed, the phone locked, the aircraft off; by
//! itself; from a flight, after it.

use std::collections::BTreeSet;

use creance_model::{AppState, Finding, FlightState, Report, Trigger};

use crate::{
    headline::{firm, place},
    words,
};

/// Findings of one circumstance. One finding may be of several.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Apart {
    /// The circumstance.
    pub(crate) when: &'static str,
    /// How many findings there are, hints by shape or size left out.
    pub(crate) count: usize,
    /// The kinds of data, and where they went.
    pub(crate) what: String,
}

/// A circumstance, and whether a finding is of it.
type Circumstance = (&'static str, fn(&Finding) -> bool);

const ALL: &[Circumstance] = &[
    ("while the app was closed", |finding| finding.app_state == AppState::Closed),
    ("while the phone was locked", |finding| finding.app_state == AppState::Locked),
    ("while the aircraft was off", |finding| finding.flight_state == FlightState::Off),
    ("of the flight, sent after it", |finding| finding.deferred),
    ("without an action that explains it", |finding| finding.trigger == Trigger::Automatic),
];

/// The circumstances in which anything was found.
pub(crate) fn apart(report: &Report) -> Vec<Apart> {
    let rows = ALL.iter().filter_map(|(when, is)| {
        let of: Vec<&Finding> =
            report.findings.iter().filter(|finding| firm(finding) && is(finding)).collect();
        if of.is_empty() {
            return None;
        }
        let set = |names: BTreeSet<String>| words::list(&names.into_iter().collect::<Vec<_>>());
        let classes = set(of.iter().map(|finding| words::class(finding.data_class).to_owned()).collect());
        let places = set(of.iter().map(|finding| place(&finding.destination)).collect());
        Some(Apart { when, count: of.len(), what: format!("{classes}, to {places}") })
    });
    rows.collect()
}
