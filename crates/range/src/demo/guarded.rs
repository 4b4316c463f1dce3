//! The last act: what of each world a gateway would have let through, had it asked the policy `local-data-mode`. By the
//! engine that `creance-guard` asks, with what a gateway knows: to whom, and the state of the flight; contents it does not.

use std::collections::BTreeSet;

use creance_model::{Destination, Direction, Finding, FlightState, Report, Traffic};
use creance_policy::{Action, Circumstances, Content, Device, Policy, PolicyError, Request, Template};

use crate::Error;

/// The policy that is asked.
pub(super) const POLICY: &str = "local-data-mode";

/// What went out in one state of the flight.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gone {
    /// Destinations that bytes went to.
    pub destinations: usize,
    /// Bytes.
    pub bytes: u64,
    /// Findings that were sent then.
    pub findings: usize,
}

/// A state of the flight: what went out, and what of it the gateway would have let through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Guarded {
    /// The state.
    pub state: FlightState,
    /// Without a gateway.
    pub without: Gone,
    /// Behind it.
    pub behind: Gone,
}

/// The states in which something went out, in the order of the flight.
pub(super) fn guarded(report: &Report) -> Result<Vec<Guarded>, Error> {
    let policy = Template::named(POLICY)
        .ok_or_else(|| Error::Scenario {
            what: POLICY.to_owned(),
            why: "no such policy is shipped".to_owned(),
        })?
        .policy()
        .map_err(|error: PolicyError| Error::Scenario { what: POLICY.to_owned(), why: error.to_string() })?;
    let states = [FlightState::Off, FlightState::Ground, FlightState::Flying, FlightState::Unknown];
    let all = states.into_iter().map(|state| {
        let mut one = Guarded { state, without: Gone::default(), behind: Gone::default() };
        // One that is reached by TCP and by UDP is one destination.
        let mut told = BTreeSet::new();
        for way in &report.destinations {
            let bytes: u64 =
                way.up_by_state.iter().filter(|(of, _)| *of == state).map(|(_, bytes)| *bytes).sum();
            if bytes == 0 {
                continue;
            }
            let (destinations, findings) =
                if told.insert(there(&way.destination)) { (1, findings(report, way, state)) } else { (0, 0) };
            one.without.add(destinations, bytes, findings);
            if lets(&policy, way, state) {
                one.behind.add(destinations, bytes, findings);
            }
        }
        one
    });
    Ok(all.filter(|one| one.without != Gone::default()).collect())
}

impl Gone {
    fn add(&mut self, destinations: usize, bytes: u64, findings: usize) {
        self.destinations += destinations;
        self.bytes += bytes;
        self.findings += findings;
    }
}

/// Whether one may begin a conversation there, and say in it what nobody looks into.
fn lets(policy: &Policy, way: &Traffic, state: FlightState) -> bool {
    Action::ALL.into_iter().all(|action| {
        let request = Request {
            action,
            device: Device::default(),
            destination: (&way.destination).into(),
            circumstances: Circumstances {
                flight: Some(state),
                time: Some(way.first),
                ..Circumstances::default()
            },
            content: Content::default(),
        };
        policy.decide(&request).allowed
    })
}

/// A host may be known by one flow's name and by another's header: it is the same.
fn there(one: &Destination) -> (Option<String>, u16, Option<String>) {
    (one.ip.clone(), one.port, one.host.clone())
}

/// Findings that were sent to a destination in a state, by the times of theirs that are listed.
fn findings(report: &Report, way: &Traffic, state: FlightState) -> usize {
    let then = |finding: &&Finding| {
        finding.direction == Direction::Outbound
            && there(&finding.destination) == there(&way.destination)
            && finding.occurrences.iter().any(|one| {
                let phase = report.phases.iter().find(|phase| phase.from <= one.time && one.time < phase.to);
                phase.map_or(FlightState::Unknown, |phase| phase.state) == state
            })
    };
    report.findings.iter().filter(then).count()
}
