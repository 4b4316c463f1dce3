//! A case as it is compared: one run, read from its `findings.json` (schema `creance.findings/1`).

use std::collections::{BTreeMap, BTreeSet};

use creance_model::{DataClass, FlightState, Match, Report, ReportError, Timestamp, Tlp};
use serde::{Deserialize, de::IgnoredAny};
use thiserror::Error;

/// The most findings of a case, and destinations.
const MOST: usize = 100_000;

/// What may be given beside a capture, on which findings depend.
const BESIDE: [&str; 6] = ["actions", "canaries", "destinations", "device", "flight", "keys"];

/// Characters of a host's name.
const MOST_OF_NAME: usize = 255;

/// Why a case cannot be compared: fragments that name the field.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no document of findings, or a field is wrong.
    #[error(transparent)]
    Document(#[from] ReportError),
    /// More than any audit writes.
    #[error("more than {MOST} `{field}`")]
    Many {
        /// Of what.
        field: &'static str,
    },
}

/// One run: what a case says of where traffic went, what was found in it, and what could not be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// What it is called here.
    pub name: String,
    /// The id of the case, which follows from its inputs.
    pub case: String,
    /// The fingerprint of the key under which its digests were made, if that key is shared with other cases.
    pub key: Option<String>,
    /// The state of the aircraft that it is cut to, if it is.
    pub state: Option<FlightState>,
    /// What it was given beside the capture: `keys`, `canaries`, …
    pub made_with: BTreeSet<&'static str>,
    /// The program that made it.
    pub tool: String,
    /// From its first packet to its last, in minutes.
    pub captured: f64,
    /// Of these, in flight.
    pub flying: f64,
    /// Payload bytes with the outside, both ways.
    pub bytes: u64,
    /// Of these, those that could not be read.
    pub opaque: u64,
    /// Bytes that were sent and are not in the capture.
    pub lost: u64,
    /// Bytes of which the case does not say with whom.
    pub elsewhere: u64,
    /// Whether the evidence was damaged or cut: what is not in it may have been there.
    pub damaged: bool,
    /// With whom, by host, or by address where no name is known.
    pub hosts: BTreeMap<String, Host>,
    /// What was found, hints by shape and size left out.
    pub seen: Vec<Seen>,
    /// How many findings were such hints.
    pub hints: u64,
    /// The strictest mark of the case and its portions.
    pub tlp: Tlp,
}

/// All traffic with one host.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Host {
    /// Payload bytes from our side.
    pub up: u64,
    /// To our side.
    pub down: u64,
    /// Of both, those not read.
    pub opaque: u64,
    /// Bytes that were sent and are not in the capture.
    pub lost: u64,
}

/// A finding, as far as it is compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// To whom: the host, or the address; [`Run::AIR`] for what is radiated.
    pub host: String,
    /// What.
    pub data_class: DataClass,
    /// The keyed digest of the value.
    pub digest: String,
    /// How often.
    pub count: u64,
}

impl Run {
    /// What everybody near gets that an aircraft radiates.
    pub const AIR: &str = "whoever is near";

    /// Reads a `findings.json`.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::read_while(name, bytes, None)
    }

    /// Reads of it what was sent in a state of the aircraft alone. Bytes are then those that were sent: of those that came, cases
    /// do not tell the state.
    pub fn read_while(name: &str, bytes: &[u8], state: Option<FlightState>) -> Result<Self, Error> {
        let said: Document = Report::read_as(bytes)?;
        said.run(name, state)
    }
}

#[derive(Deserialize)]
struct Document {
    case: Case,
    coverage: Coverage,
    findings: Vec<Finding>,
    destinations: Vec<Traffic>,
    phases: Vec<Phase>,
    #[serde(default)]
    tlp: Tlp,
    #[serde(default)]
    judgements: Vec<Portion>,
}

#[derive(Deserialize)]
struct Portion {
    #[serde(default)]
    tlp: Tlp,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    campaign: Option<String>,
    tool: String,
    inputs: Vec<Input>,
    damage: Vec<IgnoredAny>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Input {
    kind: String,
}

#[derive(Deserialize)]
struct Coverage {
    bytes: u64,
    opaque: u64,
    lost: u64,
    unread: Vec<Unread>,
}

#[derive(Deserialize)]
struct Unread {
    what: String,
    why: String,
    bytes: u64,
}

#[derive(Deserialize)]
struct Finding {
    data_class: DataClass,
    #[serde(rename = "match")]
    matched: Match,
    digest: String,
    direction: Direction,
    destination: Destination,
    count: u64,
    #[serde(default = "unknown")]
    flight_state: FlightState,
    #[serde(default)]
    tlp: Tlp,
}

const fn unknown() -> FlightState {
    FlightState::Unknown
}

#[derive(Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Outbound,
    Broadcast,
}

#[derive(Deserialize)]
struct Destination {
    ip: Option<String>,
    host: Option<String>,
}

#[derive(Deserialize)]
struct Traffic {
    destination: Destination,
    bytes_up: u64,
    bytes_down: u64,
    opaque: u64,
    #[serde(default)]
    up_by_state: Vec<(FlightState, u64)>,
}

#[derive(Deserialize)]
struct Phase {
    from: Timestamp,
    to: Timestamp,
    state: FlightState,
}

impl Document {
    fn run(mut self, name: &str, state: Option<FlightState>) -> Result<Run, Error> {
        for (field, count) in [("findings", self.findings.len()), ("destinations", self.destinations.len())] {
            if count > MOST {
                return Err(Error::Many { field });
            }
        }
        let portions =
            self.findings.iter().map(|one| one.tlp).chain(self.judgements.iter().map(|one| one.tlp));
        let tlp = portions.fold(self.tlp, Tlp::max);
        let both = |traffic: &Traffic| traffic.bytes_up.saturating_add(traffic.bytes_down);
        let told = self.destinations.iter().map(both).fold(0, u64::saturating_add);
        let elsewhere = self.coverage.bytes.saturating_sub(told);
        if let Some(state) = state {
            self.keep(state);
            self.coverage.bytes = self.destinations.iter().map(both).fold(0, u64::saturating_add);
            self.coverage.opaque =
                self.destinations.iter().map(|one| one.opaque).fold(0, u64::saturating_add);
        }
        let in_state = |state: FlightState| -> f64 {
            let phases = self.phases.iter().filter(|phase| phase.state == state);
            phases.map(|phase| minutes(phase.from, phase.to)).sum()
        };
        let captured =
            || self.case.first.zip(self.case.last).map_or(0.0, |(first, last)| minutes(first, last));
        let mut run = Run {
            captured: state.map_or_else(captured, in_state),
            flying: in_state(FlightState::Flying),
            elsewhere,
            state,
            name: name.to_owned(),
            case: self.case.id,
            key: self.case.campaign,
            made_with: BESIDE
                .into_iter()
                .filter(|kind| self.case.inputs.iter().any(|input| input.kind == *kind))
                .collect(),
            tool: self.case.tool,
            bytes: self.coverage.bytes,
            opaque: self.coverage.opaque,
            lost: self.coverage.lost,
            damaged: !self.case.damage.is_empty(),
            tlp,
            ..Run::default()
        };
        for traffic in self.destinations {
            let host = run.hosts.entry(traffic.destination.name()).or_default();
            host.up = host.up.saturating_add(traffic.bytes_up);
            host.down = host.down.saturating_add(traffic.bytes_down);
            host.opaque = host.opaque.saturating_add(traffic.opaque);
        }
        for row in self.coverage.unread.iter().filter(|row| row.why == "lost packets") {
            if let Some(host) = run.hosts.get_mut(&row.what) {
                host.lost = host.lost.saturating_add(row.bytes);
            }
        }
        for finding in self.findings {
            if matches!(finding.matched, Match::Pattern | Match::Size) {
                run.hints += 1;
                continue;
            }
            let radiated = finding.direction == Direction::Broadcast;
            run.seen.push(Seen {
                host: if radiated { Run::AIR.to_owned() } else { finding.destination.name() },
                data_class: finding.data_class,
                digest: finding.digest,
                count: finding.count,
            });
        }
        Ok(run)
    }

    /// Keeps what was sent in a state. How much of it was opaque is not told by state: at most all.
    fn keep(&mut self, state: FlightState) {
        self.findings.retain(|finding| finding.flight_state == state);
        for traffic in &mut self.destinations {
            let sent = traffic.up_by_state.iter().filter(|(of, _)| *of == state).map(|(_, bytes)| *bytes);
            traffic.bytes_up = sent.fold(0, u64::saturating_add);
            traffic.bytes_down = 0;
            traffic.opaque = traffic.opaque.min(traffic.bytes_up);
        }
        self.destinations.retain(|traffic| traffic.bytes_up > 0);
    }
}

impl Destination {
    fn name(self) -> String {
        let name = self.host.or(self.ip).unwrap_or_else(|| "an address that is not told".to_owned());
        name.chars().take(MOST_OF_NAME).collect()
    }
}

/// How long, in minutes.
fn minutes(from: Timestamp, to: Timestamp) -> f64 {
    ((to.as_secs_f64() - from.as_secs_f64()) / 60.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        let to = |host: Value, ip: Value| json!({"ip": ip, "port": 443, "host": host});
        json!({
            "schema": "creance.findings/1",
            "case": {"id": "c1", "tool": "creance 0", "inputs": [{"kind": "capture"}, {"kind": "keys"}], "damage": [], "first": "2026-06-14T08:00:00Z", "last": "2026-06-14T08:04:00Z"},
            "coverage": {"bytes": 500, "opaque": 40, "lost": 7, "unread": [{"what": "a.test", "why": "lost packets", "bytes": 7}]},
            "destinations": [
                {"destination": to(json!("a.test"), json!("192.0.2.1")), "bytes_up": 100, "bytes_down": 200, "opaque": 40},
                {"destination": to(json!("a.test"), json!("192.0.2.2")), "bytes_up": 50, "bytes_down": 50, "opaque": 0},
                {"destination": to(Value::Null, json!("192.0.2.9")), "bytes_up": 30, "bytes_down": 10, "opaque": 0},
            ],
            "phases": [
                {"from": "2026-06-14T08:01:00Z", "to": "2026-06-14T08:02:30Z", "state": "flying"},
                {"from": "2026-06-14T08:02:30Z", "to": "2026-06-14T08:03:00Z", "state": "ground"},
            ],
            "findings": [
                {"data_class": "serial", "match": "canary", "digest": "aa", "direction": "outbound", "destination": to(json!("a.test"), Value::Null), "count": 2},
                {"data_class": "phone", "match": "pattern", "digest": "bb", "direction": "outbound", "destination": to(json!("a.test"), Value::Null), "count": 1},
                {"data_class": "serial", "match": "structured", "digest": "aa", "direction": "broadcast", "destination": to(Value::Null, Value::Null), "count": 9},
            ],
        })
    }

    fn read(document: &Value) -> Result<Run, Error> {
        Run::read("one", document.to_string().as_bytes())
    }

    #[test]
    fn a_case_is_summed_up_by_host() {
        let run = read(&document()).unwrap();
        assert_eq!(run.hosts["a.test"], Host { up: 150, down: 250, opaque: 40, lost: 7 });
        assert_eq!(run.hosts["192.0.2.9"], Host { up: 30, down: 10, ..Host::default() });
        assert_eq!(run.made_with.iter().copied().collect::<Vec<_>>(), ["keys"]);
        assert_eq!((run.elsewhere, run.hints, run.damaged), (60, 1, false));
        assert_eq!(run.tlp, Tlp::default());
        let mut marked = document();
        marked["tlp"] = json!("clear");
        for finding in marked["findings"].as_array_mut().unwrap() {
            finding["tlp"] = json!("green");
        }
        assert_eq!(read(&marked).unwrap().tlp, Tlp::Green);
        marked["judgements"] = json!([{"tlp": "red"}]);
        assert_eq!(read(&marked).unwrap().tlp, Tlp::Red);
        assert!((run.captured - 4.0).abs() < 1e-9 && (run.flying - 1.5).abs() < 1e-9);
        let hosts: Vec<&str> = run.seen.iter().map(|seen| seen.host.as_str()).collect();
        assert_eq!(hosts, ["a.test", Run::AIR]);
    }

    #[test]
    fn of_a_state_only_what_was_sent_in_it_is_read() {
        let mut document = document();
        document["destinations"][0]["up_by_state"] = json!([["ground", 60], ["flying", 40]]);
        document["findings"][0]["flight_state"] = json!("flying");
        let read = |state| Run::read_while("one", document.to_string().as_bytes(), Some(state)).unwrap();
        let run = read(FlightState::Flying);
        assert_eq!(
            run.hosts,
            BTreeMap::from([("a.test".to_owned(), Host { up: 40, opaque: 40, lost: 7, ..Host::default() })])
        );
        assert_eq!((run.seen.len(), run.elsewhere, run.bytes), (1, 60, 40));
        assert!((run.captured - 1.5).abs() < 1e-9);
        let run = read(FlightState::Off);
        assert!(run.hosts.is_empty() && run.seen.is_empty() && run.captured <= 0.0);
    }

    #[test]
    fn what_is_wrong_is_named_and_never_shown() {
        let told = |change: &dyn Fn(&mut Value)| {
            let mut document = document();
            change(&mut document);
            read(&document).unwrap_err().to_string()
        };
        assert!(
            told(&|document| document["schema"] = json!("creance.findings/2")).contains("`schema` is not")
        );
        assert!(told(&|document| document["schema"] = json!(3)).contains("`schema` is not"));
        let wrong = told(&|document| document["destinations"][1]["bytes_up"] = json!("+1 202 555 0100"));
        assert!(wrong.contains("`destinations[1].bytes_up`") && !wrong.contains("555"), "{wrong}");
        let wrong = told(&|document| document["findings"][0]["data_class"] = json!("secret thoughts"));
        assert!(wrong.contains("`findings[0].data_class`") && !wrong.contains("thoughts"), "{wrong}");
        let wrong = told(&|document| document["case"] = json!({}));
        assert!(wrong.contains("`case"), "{wrong}");
        assert!(told(&|document| document["phases"][0]["from"] = json!("noon")).contains("`phases[0].from`"));
        let cut = document().to_string();
        let cut = Run::read("one", &cut.as_bytes()[..cut.len() / 2]).unwrap_err().to_string();
        assert!(cut.starts_with("no JSON from line 1"), "{cut}");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Run::read("any", &bytes);
        }

        #[test]
        fn a_document_cut_anywhere_is_refused(at in 0_usize..2000) {
            let text = document().to_string();
            let at = at % text.len();
            prop_assert!(Run::read("cut", &text.as_bytes()[..at]).is_err());
        }
    }
}
