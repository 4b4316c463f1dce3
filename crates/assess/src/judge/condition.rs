//! What a finding must be for a clue to count it: closed lists, no language.
//!
//! ```toml
//! all = [{ class = ["face"], app_state = ["closed", "locked"] }]
//! none = [{ match = ["pattern", "size"] }]
//! ```

use creance_model::{
    AppState, DataClass, Destination, Direction, Finding, FlightState, Match, Trigger, Visibility,
};
use serde::Deserialize;

/// Properties of a finding. All that are given must hold; a list holds if one of it does.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The kind of data.
    pub class: Vec<DataClass>,
    /// How it is known.
    #[serde(rename = "match")]
    pub matched: Vec<Match>,
    /// Where it landed: ISO 3166 alpha-2.
    pub country: Vec<String>,
    /// How sure the country is: `high`, `moderate`, `low`, `none`.
    pub country_confidence: Vec<String>,
    /// Whose law the operator answers to: ISO 3166 alpha-2.
    pub control: Vec<String>,
    /// A host, or a domain that it belongs to.
    pub host: Vec<String>,
    /// Whether the destination is an edge.
    pub edge: Option<bool>,
    /// What the aircraft did.
    pub flight_state: Vec<FlightState>,
    /// What the app did.
    pub app_state: Vec<AppState>,
    /// What made it send.
    pub trigger: Vec<Trigger>,
    /// How it could be read.
    pub visibility: Vec<Visibility>,
    /// Which way it went.
    pub direction: Vec<Direction>,
    /// Whether it concerns a protected site.
    pub sites: Option<bool>,
    /// Whether it is of a flight, and was sent after it.
    pub deferred: Option<bool>,
}

impl Condition {
    fn holds(&self, finding: &Finding) -> bool {
        fn one<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        one(&self.class, &finding.data_class)
            && one(&self.matched, &finding.matched)
            && one(&self.flight_state, &finding.flight_state)
            && one(&self.app_state, &finding.app_state)
            && one(&self.trigger, &finding.trigger)
            && one(&self.visibility, &finding.visibility)
            && one(&self.direction, &finding.direction)
            && self.sites.is_none_or(|wanted| wanted != finding.sites.is_empty())
            && self.deferred.is_none_or(|wanted| wanted == finding.deferred)
            && self.reaches(&finding.destination)
    }

    /// Whether a destination is one that this is about.
    fn reaches(&self, to: &Destination) -> bool {
        let named = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        let host = |wanted: &String| {
            to.host.as_deref().is_some_and(|host| {
                host == wanted || host.strip_suffix(wanted.as_str()).is_some_and(|rest| rest.ends_with('.'))
            })
        };
        named(&self.country, to.country.as_deref())
            && named(&self.control, to.control.as_deref())
            && named(&self.country_confidence, Some(&to.country_confidence))
            && (self.host.is_empty() || self.host.iter().any(host))
            && self.edge.is_none_or(|wanted| wanted == to.edge)
    }

    fn may_reach(&self, to: &Destination) -> bool {
        let anywhere = to.edge || matches!(to.country_confidence.as_str(), "low" | "none");
        let place = Self {
            country: if anywhere { Vec::new() } else { self.country.clone() },
            control: if to.control.is_none() { Vec::new() } else { self.control.clone() },
            host: if to.host.is_none() { Vec::new() } else { self.host.clone() },
            ..Self::default()
        };
        place.reaches(to)
    }

    /// Whether it asks anything of a destination's place.
    fn of_place(&self) -> bool {
        !self.country.is_empty() || self.edge.is_some() || !self.country_confidence.is_empty()
    }
}

/// Whether a condition asks for something.
type Asks = fn(&Condition) -> bool;

/// Lists of conditions: all of the first, one of the second if there are any, none of the third.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Test {
    /// All of these.
    pub all: Vec<Condition>,
    /// One of these.
    pub any: Vec<Condition>,
    /// None of these.
    pub none: Vec<Condition>,
}

impl Test {
    /// Whether a finding meets it.
    pub fn holds(&self, finding: &Finding) -> bool {
        self.all.iter().all(|one| one.holds(finding))
            && (self.any.is_empty() || self.any.iter().any(|one| one.holds(finding)))
            && !self.none.iter().any(|one| one.holds(finding))
    }

    /// Whether data to a destination may meet it. What is not known of the destination may be so.
    pub(super) fn may_reach(&self, to: &Destination) -> bool {
        self.all.iter().all(|one| one.may_reach(to))
            && (self.any.is_empty() || self.any.iter().any(|one| one.may_reach(to)))
    }

    /// The kinds of link, beside how a finding is known, on which it rests.
    pub(super) fn links(&self) -> Vec<&'static str> {
        let kinds: [(&str, Asks); 6] = [
            ("country", Condition::of_place),
            ("control", |one| !one.control.is_empty()),
            ("trigger", |one| !one.trigger.is_empty()),
            ("flight-state", |one| !one.flight_state.is_empty()),
            ("app-state", |one| !one.app_state.is_empty()),
            ("site", |one| one.sites.is_some()),
        ];
        let used = |of: &Asks| self.all.iter().chain(&self.any).any(of);
        kinds.into_iter().filter(|(_, of)| used(of)).map(|(kind, _)| kind).collect()
    }

    /// The flight states and app states that it asks for; none, where it asks for none.
    pub(super) fn states(&self) -> (Vec<FlightState>, Vec<AppState>) {
        let all = || self.all.iter().chain(&self.any);
        (
            all().flat_map(|one| one.flight_state.iter().copied()).collect(),
            all().flat_map(|one| one.app_state.iter().copied()).collect(),
        )
    }
}
