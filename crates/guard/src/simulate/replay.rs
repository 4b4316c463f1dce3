//! A case put to a policy: a verdict on every way that bytes took in each flight state, and on everything found in them.

use std::collections::BTreeMap;

use creance_guard::{asked, lawful};
use creance_model::{DataClass, Direction, Finding, FlightState, Report, Timestamp, Traffic, Visibility};
use creance_policy::{Action, Circumstances, Content, Device, Duty, Policy, Request, Verdict};
use serde::Serialize;

/// The answer, `creance.guard.simulate/1`.
#[derive(Debug, Serialize)]
pub(crate) struct Replay {
    schema: &'static str,
    /// The policy, as it was named.
    pub(crate) policy: String,
    case: String,
    /// Ways first, most bytes first; then what was sent, worst first.
    pub(crate) verdicts: Vec<Said>,
    /// By rule; `-` where no rule permits.
    pub(crate) rules: BTreeMap<String, Both>,
    /// By destination.
    pub(crate) destinations: BTreeMap<String, Both>,
    pub(crate) totals: Both,
    pub(crate) not_asked: NotAsked,
    /// What passed a guard with this policy, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<Vec<super::live::Tried>>,
    /// What passed of a capture that was played through such a guard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) played: Option<super::played::Played>,
    /// Whether evidence was damaged, or a limit reached.
    pub(crate) incomplete: bool,
}

/// A verdict on one way in one flight state, or on one thing sent.
#[derive(Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) action: &'static str,
    pub(crate) allowed: bool,
    pub(crate) rules: Vec<String>,
    reason: String,
    pub(crate) errors: Vec<String>,
    pub(crate) flight_state: FlightState,
    destination: creance_model::Destination,
    /// Payload bytes from our side in this state; of what was sent, those of the messages that carried it, where all were
    /// sent in one state.
    pub(crate) bytes: Option<u64>,
    /// Flows to the destination, in all states.
    pub(crate) flows: Option<u64>,
    pub(crate) finding: Option<String>,
    pub(crate) data_class: Option<DataClass>,
    /// As the case shows it.
    value: Option<String>,
    /// How often it was sent in this state.
    times: Option<u64>,
    /// Whether this is on bytes whose content is not known.
    pub(crate) unread: bool,
}

impl Said {
    /// The destination in a few words.
    pub(crate) fn to(&self) -> String {
        let name = self.destination.host.as_ref().or(self.destination.ip.as_ref());
        let country = self.destination.country.as_deref().unwrap_or("??");
        format!("{}:{} {country}", name.map_or("?", String::as_str), self.destination.port)
    }
}

/// What was allowed and what refused.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Both {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) effect: Option<&'static str>,
    pub(crate) allowed: Sums,
    pub(crate) refused: Sums,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Sums {
    /// Ways: a destination in one flight state each.
    pub(crate) connects: u64,
    /// Bytes that went these ways.
    pub(crate) bytes: u64,
    /// Things sent.
    pub(crate) sends: u64,
}

impl Both {
    fn add(&mut self, said: &Said) {
        let sums = if said.allowed { &mut self.allowed } else { &mut self.refused };
        if said.flows.is_some() {
            sums.connects += 1;
            sums.bytes += said.bytes.unwrap_or(0);
        } else {
            sums.sends += said.times.unwrap_or(1);
        }
    }
}

/// What no policy of a gateway is asked about.
#[derive(Debug, Serialize)]
pub(crate) struct NotAsked {
    pub(crate) lan_flows: u64,
    pub(crate) broadcasts: u64,
}

impl Replay {
    pub(crate) fn new(
        report: &Report,
        policy: &Policy,
        mission: Option<&str>,
        operator: Option<&str>,
    ) -> Self {
        let circumstances = circumstances(report, mission, operator);
        let mut verdicts = Vec::new();
        for way in &report.destinations {
            for (state, bytes) in states(way, report) {
                let mut request = Request {
                    action: Action::Connect,
                    device: Device::default(),
                    destination: asked(&way.destination),
                    circumstances: circumstances(state, way.first),
                    content: Content::default(),
                };
                let verdict = policy.decide(&request);
                verdicts.push(on_way(way, state, bytes, verdict, false));
                if way.visibility == Visibility::Opaque && bytes > 0 {
                    request.action = Action::Send;
                    request.content = Content { data: None, visibility: Some(Visibility::Opaque) };
                    verdicts.push(on_way(way, state, bytes, policy.decide(&request), true));
                }
            }
        }
        let outbound = |finding: &&Finding| finding.direction == Direction::Outbound;
        for finding in report.findings.iter().filter(outbound) {
            let by_state = occurrences(finding, report);
            for (state, (time, times)) in &by_state {
                let request = Request {
                    action: Action::Send,
                    device: device(finding),
                    destination: asked(&finding.destination),
                    circumstances: circumstances(*state, *time),
                    content: Content {
                        data: Some(vec![finding.data_class]),
                        visibility: Some(finding.visibility),
                    },
                };
                let bytes = (by_state.len() == 1).then_some(finding.bytes);
                verdicts.push(on_finding(finding, *state, bytes, *times, policy.decide(&request)));
            }
        }
        let mut replay = Self {
            schema: "creance.guard.simulate/1",
            policy: String::new(),
            case: report.case.id.clone(),
            verdicts,
            rules: BTreeMap::new(),
            destinations: BTreeMap::new(),
            totals: Both::default(),
            not_asked: NotAsked {
                lan_flows: report.lan.flows,
                broadcasts: report.findings.iter().filter(|finding| !outbound(finding)).count() as u64,
            },
            live: None,
            played: None,
            incomplete: report.incomplete(),
        };
        replay.sum(policy);
        replay
    }

    fn sum(&mut self, policy: &Policy) {
        for rule in policy.rules() {
            self.rules.entry(rule.id.clone()).or_default().effect = Some(rule.effect.name());
        }
        for said in &self.verdicts {
            self.totals.add(said);
            self.destinations.entry(said.to()).or_default().add(said);
            for rule in &said.rules {
                self.rules.entry(rule.clone()).or_default().add(said);
            }
            if said.rules.is_empty() {
                self.rules.entry("-".to_owned()).or_default().add(said);
            }
        }
    }
}

/// What holds at a time in a state of the flight, as far as the case says.
fn circumstances(
    report: &Report,
    mission: Option<&str>,
    operator: Option<&str>,
) -> impl Fn(FlightState, Timestamp) -> Circumstances {
    let (region, duties) = law(report);
    let mission = mission.or(report.case.scenario.as_deref()).map(str::to_owned);
    let operator = operator.map(str::to_owned);
    move |flight, time| Circumstances {
        flight: Some(flight),
        region: region.clone(),
        duties: duties.clone(),
        time: Some(time),
        mission: mission.clone(),
        operator: operator.clone(),
    }
}

/// Whether one may begin a conversation with a destination and say something in it that nobody looks into, in a state of the
/// flight: what a gateway is to do that lets through by address.
pub(crate) fn expected(
    report: &Report,
    policy: &Policy,
    mission: Option<&str>,
    operator: Option<&str>,
    way: &Traffic,
    state: FlightState,
) -> bool {
    let circumstances = circumstances(report, mission, operator);
    Action::ALL.into_iter().all(|action| {
        let request = Request {
            action,
            device: Device::default(),
            destination: asked(&way.destination),
            circumstances: circumstances(state, way.first),
            content: Content::default(),
        };
        policy.decide(&request).allowed
    })
}

/// The states in which bytes went to a destination; where none went, the state of its first packet.
fn states(way: &Traffic, report: &Report) -> Vec<(FlightState, u64)> {
    if way.up_by_state.is_empty() {
        return vec![(state_at(report, way.first), 0)];
    }
    way.up_by_state.clone()
}

pub(crate) fn state_at(report: &Report, time: Timestamp) -> FlightState {
    let phase = report.phases.iter().find(|phase| phase.from <= time && time < phase.to);
    phase.map_or(FlightState::Unknown, |phase| phase.state)
}

/// How often a finding was sent in each state, and when first. Times beyond those that are listed are in no known state.
fn occurrences(finding: &Finding, report: &Report) -> BTreeMap<FlightState, (Timestamp, u64)> {
    let mut by_state = BTreeMap::new();
    for one in &finding.occurrences {
        by_state.entry(state_at(report, one.time)).or_insert((one.time, 0)).1 += 1;
    }
    let beyond = finding.count.saturating_sub(finding.occurrences.len() as u64);
    if beyond > 0 {
        by_state.entry(FlightState::Unknown).or_insert((finding.last_time, 0)).1 += beyond;
    }
    by_state
}

fn on_way(way: &Traffic, state: FlightState, bytes: u64, verdict: Verdict, unread: bool) -> Said {
    Said {
        action: if unread { Action::Send } else { Action::Connect }.name(),
        allowed: verdict.allowed,
        rules: verdict.rules,
        reason: verdict.reason,
        errors: verdict.errors,
        flight_state: state,
        destination: way.destination.clone(),
        bytes: Some(bytes),
        flows: (!unread).then_some(way.flows),
        finding: None,
        data_class: None,
        value: None,
        times: None,
        unread,
    }
}

fn on_finding(
    finding: &Finding,
    state: FlightState,
    bytes: Option<u64>,
    times: u64,
    verdict: Verdict,
) -> Said {
    Said {
        action: Action::Send.name(),
        allowed: verdict.allowed,
        rules: verdict.rules,
        reason: verdict.reason,
        errors: verdict.errors,
        flight_state: state,
        destination: finding.destination.clone(),
        bytes,
        flows: None,
        finding: Some(finding.id.clone()),
        data_class: Some(finding.data_class),
        value: Some(finding.value.clone()),
        times: Some(times),
        unread: false,
    }
}

fn device(finding: &Finding) -> Device {
    let (ip, mac) = (finding.source.ip.clone(), finding.source.mac.clone());
    Device {
        name: mac.clone().or_else(|| ip.clone()).unwrap_or_default(),
        ip: ip.and_then(|ip| ip.parse().ok()),
        mac,
        app: finding.source.app.clone(),
        ..Device::default()
    }
}

/// Where the aircraft may be, as far as the case says: none where it does not.
pub(crate) fn countries(report: &Report) -> Vec<String> {
    let aircraft = &report.region.aircraft;
    match &aircraft.iso {
        Some(iso) => vec![iso.clone()],
        None => aircraft.candidates.iter().map(|candidate| candidate.iso.clone()).collect(),
    }
}

/// The same, and what the law asks for there.
fn law(report: &Report) -> (Option<Vec<String>>, Option<Vec<Duty>>) {
    let codes = countries(report);
    if codes.is_empty() {
        return (None, None);
    }
    let duties = lawful::duties(&codes);
    (Some(codes), duties)
}
