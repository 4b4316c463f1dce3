//! The last act: what of each world a gateway would have let through, had it asked the policy `local-data-mode`. By the
//! engine that `creance-guard` asks, with what a gateway knows: to whom, and the state of the flight; contents it does not.

use creance_model::{Destination, Finding, FlightState, Report, Traffic};
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
        for way in &report.destinations {
            let bytes: u64 =
                way.up_by_state.iter().filter(|(of, _)| *of == state).map(|(_, bytes)| *bytes).sum();
            if bytes == 0 {
                continue;
            }
            let findings = findings(report, way, state);
            one.without.add(bytes, findings);
            if lets(&policy, way, state) {
                one.behind.add(bytes, findings);
            }
        }
        one
    });
    Ok(all.filter(|one| one.without != Gone::default()).collect())
}

impl Gone {
    fn add(&mut self, bytes: u64, findings: usize) {
        self.destinations += 1;
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

/// Findings that were sent to a destination in a state.
fn findings(report: &Report, way: &Traffic, state: FlightState) -> usize {
    // A host may be known by one flow's name and by another's header: it is the same.
    let there = |one: &Destination| (one.ip.clone(), one.port, one.host.clone());
    let then = |finding: &&Finding| {
        there(&finding.destination) == there(&way.destination)
            && finding.occurrences.iter().any(|one| {
                let phase = report.phases.iter().find(|phase| phase.from <= one.time && one.time < phase.to);
                phase.map_or(FlightState::Unknown, |phase| phase.state) == state
            })
    };
    report.findings.iter().filter(then).count()
}
