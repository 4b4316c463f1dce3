//! Everything known about one set of inputs, ready to be written out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    AppState, Coverage, Damage, Destination, Finding, FlightState, Ground, Interval, Judgement, Region,
    Timestamp, Tlp, Transport, Visibility,
};

/// The name and version of the findings document.
pub const SCHEMA: &str = "creance.findings/1";

/// One input.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Input {
    /// As it was named on the command line (`-` for standard input).
    pub path: String,
    /// SHA-256 of the file as it is, in hex.
    pub sha256: String,
    /// `capture`, `har`, `mitmproxy`, `keys`, `canaries`, `flight`, `actions`, `destinations`, `device`, `sites`, `zones`, `place-data`.
    pub kind: String,
    /// Packets read, or entries of a recording.
    pub packets: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}

/// What a findings document says of its case.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Case {
    /// Derived from the inputs: the same inputs give the same id.
    pub id: String,
    /// The fingerprint of the key that the digests are made with, where it is shared with other cases: only digests of cases
    /// with the same one can be joined.
    pub campaign: Option<String>,
    /// `creance` and its version.
    pub tool: String,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The scenario that the whole was recorded in, as the examiner calls it.
    pub scenario: Option<String>,
    /// Options that shape the result, as given.
    pub options: Vec<String>,
    /// Damage of the evidence.
    pub damage: Vec<Damage>,
    /// Remarks for the reader: options accepted and not used yet, limits reached, … one sentence each.
    pub notes: Vec<String>,
    /// First packet.
    pub first: Option<Timestamp>,
    /// Last packet.
    pub last: Option<Timestamp>,
    /// Packets read.
    pub packets: u64,
}

/// An interval in a flight state.
pub type Phase = Interval<FlightState>;

/// All traffic between us and one destination (address, port, host).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Traffic {
    /// Who, where.
    pub destination: Destination,
    /// Below.
    pub transport: Transport,
    /// Protocols seen, sorted.
    pub protocols: Vec<String>,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Number of flows.
    pub flows: u64,
    /// Number of packets.
    pub packets: u64,
    /// Payload bytes from our side.
    pub bytes_up: u64,
    /// Payload bytes to our side.
    pub bytes_down: u64,
    /// Of both, those whose content was not read.
    pub opaque: u64,
    /// The least readable that was seen.
    pub visibility: Visibility,
    /// Classes of data found going there, sorted.
    pub classes: Vec<String>,
    /// Payload bytes from our side in each flight state that occurred: (`flying`, 123).
    pub up_by_state: Vec<(FlightState, u64)>,
}

/// How far apart the clocks of two sources are, by what both tell of one flight.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClockOffset {
    /// Whose clock.
    pub source: String,
    /// Against whose.
    pub against: String,
    /// Seconds that the former is ahead.
    pub seconds: f64,
    /// Half the width of the interval that this was found in, in seconds.
    pub error_s: f64,
    /// By what: `track`, places that both passed; `flight`, when it began and ended.
    pub by: Cow<'static, str>,
    /// How many such moments agree.
    pub points: u64,
}

/// Traffic that stayed on the LAN.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lan {
    /// Number of flows.
    pub flows: u64,
    /// Payload bytes.
    pub bytes: u64,
}

/// Where our side was when it was first located.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Origin {
    /// Latitude in degrees; in whole degrees unless values are shown in full.
    pub lat: f64,
    /// Longitude in degrees; in whole degrees unless values are shown in full.
    pub lon: f64,
    /// What says so.
    pub basis: String,
}

/// Why a document is no [`Report`]. What stands there instead is not told: it may be a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is no document of findings.
    #[error("its `schema` is not {SCHEMA}, which `creance audit` writes as findings.json")]
    Schema,
    /// A field is missing, or is not what it should be.
    #[error("`{field}` is missing or not what {SCHEMA} says (line {line}, column {column})")]
    Field {
        /// Its path, such as `destinations[3].bytes_up`.
        field: String,
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
    },
    /// It is no JSON, or cut.
    #[error("no JSON from line {line}, column {column} on")]
    Json {
        /// Where, counted from 1.
        line: usize,
        /// Where, counted from 1.
        column: usize,
    },
}

/// Everything known about one set of inputs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Report {
    /// The case.
    pub case: Case,
    /// What could not be seen.
    pub coverage: Coverage,
    /// What left, worst first.
    pub findings: Vec<Finding>,
    /// Where traffic went, most bytes up first. LAN and multicast are not in it.
    pub destinations: Vec<Traffic>,
    /// Flight states over time, ascending, not overlapping.
    pub phases: Vec<Phase>,
    /// App states over time.
    pub app_states: Vec<Interval<AppState>>,
    /// Scenarios over time, by the action log.
    pub scenarios: Vec<Interval<String>>,
    /// How far apart the clocks of its sources are.
    pub clocks: Vec<ClockOffset>,
    /// Traffic that stayed on the LAN.
    pub lan: Lan,
    /// Where our side was when it was first located.
    pub origin: Option<Origin>,
    /// Where the aircraft was, what its app believed, where data went.
    pub region: Region,
    /// Which protected places and zones the flights met.
    pub ground: Ground,
    /// Whether values are shown in full.
    pub revealed: bool,
    /// Whether a bound of creance's own was reached; the notes say which.
    pub limited: bool,
    /// What it amounts to.
    pub judgements: Vec<Judgement>,
    /// How far all may be passed on that is neither a finding nor a judgement: these have marks of their own.
    #[serde(default)]
    pub tlp: Tlp,
}

impl Report {
    /// The document `findings.json`, schema [`SCHEMA`].
    pub fn findings_document(&self) -> serde_json::Value {
        serde_json::json!({
            "schema": SCHEMA,
            "case": self.case,
            "damage": self.case.damage,
            "coverage": self.coverage,
            "findings": self.findings,
            "destinations": self.destinations,
            "region": self.region,
            "ground": self.ground,
            "phases": self.phases,
            "app_states": self.app_states,
            "scenarios": self.scenarios,
            "clocks": self.clocks,
            "lan": self.lan,
            "origin": self.origin,
            "revealed": self.revealed,
            "limited": self.limited,
            "judgements": self.judgements,
            "tlp": self.tlp,
            "marking": {"scheme": "TLP 2.0", "banner": self.banner()},
        })
    }

    /// Reads a document that [`Report::findings_document`] made.
    pub fn read(document: &[u8]) -> Result<Self, ReportError> {
        Self::read_as(document)
    }

    /// Reads of such a document what `T` asks for: older ones have not all that a [`Report`] has.
    pub fn read_as<T: DeserializeOwned>(document: &[u8]) -> Result<T, ReportError> {
        #[derive(Deserialize)]
        struct Named {
            schema: String,
        }
        let named: Result<Named, _> = serde_json::from_slice(document);
        match named {
            Ok(named) if named.schema == SCHEMA => {}
            Err(error) if !error.is_data() => {
                return Err(ReportError::Json { line: error.line(), column: error.column() });
            }
            _ => return Err(ReportError::Schema),
        }
        let mut reader = serde_json::Deserializer::from_slice(document);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (line, column) = (error.inner().line(), error.inner().column());
            ReportError::Field { field: error.path().to_string(), line, column }
        })
    }

    /// How far the whole may be passed on: as far as its strictest portion may.
    pub fn banner(&self) -> Tlp {
        let findings = self.findings.iter().map(|one| one.tlp);
        let portions = findings.chain(self.judgements.iter().map(|one| one.tlp));
        portions.fold(self.tlp, Tlp::max)
    }

    /// Whether the evidence was damaged, cut, or a limit was reached (exit code 4).
    pub fn incomplete(&self) -> bool {
        self.limited || !self.case.damage.is_empty()
    }
}
