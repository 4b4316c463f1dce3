//! What left, or could leave: the data-flow tuple ⟨source, data, destination, context⟩ and its evidence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    AppState, Carrier, DataClass, Direction, FlightState, InsideBasis, Match, Severity, Timestamp, Tlp,
    Transport, Trigger, Visibility,
};

/// Who sent it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Source {
    /// The address of our end; `0.0.0.0` where a recording does not tell it, `None` for broadcasts.
    pub ip: Option<String>,
    /// How it was decided that this end is ours.
    pub basis: InsideBasis,
    /// Its hardware address, where the link layer shows it.
    pub mac: Option<String>,
    /// The app, where the capture says so.
    pub app: Option<String>,
}

/// Who got it, and where that is.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Destination {
    /// The address; `None` for broadcasts, and where a recording tells but a name.
    pub ip: Option<String>,
    /// The port.
    pub port: u16,
    /// The host name, in lower case.
    pub host: Option<String>,
    /// How the name is known: `sni`, `host-header`, `dns`, `certificate`, `dns-query`.
    pub host_basis: Option<String>,
    /// Who runs it.
    pub organization: Option<String>,
    /// How that is known: `override`, `domain`, `asn`.
    pub organization_basis: Option<String>,
    /// Where the bytes land: ISO 3166-1 alpha-2; CN, HK, MO and TW are four answers.
    pub country: Option<String>,
    /// How that is known: `override`, `host-region`, `ip-database`.
    pub country_basis: Option<String>,
    /// `high`, `moderate`, `low` or `none`.
    pub country_confidence: String,
    /// Every layer's own answer, `source: code`, when they disagree.
    pub country_votes: Vec<String>,
    /// Whose law the operator answers to: ISO 3166-1 alpha-2.
    pub control: Option<String>,
    /// How that is known.
    pub control_basis: Option<String>,
    /// The autonomous system.
    pub asn: Option<u32>,
    /// The holder of the autonomous system.
    pub as_name: Option<String>,
    /// What it is for, where somebody has said so, and who.
    pub purpose: Option<String>,
    /// An edge of a CDN, or an anycast address: where the bytes go behind it is not known.
    pub edge: bool,
}

/// One time that a finding was seen.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Occurrence {
    /// When.
    pub time: Timestamp,
    /// Packet numbers, in a recording (HAR, mitmproxy) entry numbers, at most 64, the first and last included.
    pub packets: Vec<u64>,
    /// Where in the message it rode.
    pub carrier: Carrier,
    /// The steps from the packets' bytes to the value.
    pub decode_path: Vec<String>,
}

/// Where the bytes that show a finding are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// The input: `sha256:` and 64 hex digits.
    pub input: String,
    /// Packet numbers, at most 64, the first and last included.
    pub packets: Vec<u64>,
    /// Community ID of the flow.
    pub flow: String,
    /// Byte ranges of the value within its decoded part: start and end.
    pub ranges: Vec<[u64; 2]>,
}

/// How finely a picture shows what it shows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Metres of flat ground that a pixel in the middle is wide, where the picture says its height, its angle and how wide it sees.
    pub ground_m: Option<f64>,
}

/// What left.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// `F0001`, … in the order of the report.
    pub id: String,
    /// The kind of data.
    pub data_class: DataClass,
    /// How much it matters.
    pub severity: Severity,
    /// How we know.
    #[serde(rename = "match")]
    pub matched: Match,
    /// What else says so, in words: whose track, how near, when; how much of a file.
    pub basis: Option<String>,
    /// The detector that saw it.
    pub detector: Cow<'static, str>,
    /// The value: masked unless the user asked to reveal.
    pub value: String,
    /// HMAC-SHA-256 of the value under the key of the case, in hex; joins masked values.
    pub digest: String,
    /// The steps from the packets' bytes to the value, outermost first.
    pub decode_path: Vec<String>,
    /// The steps that are encodings of the value itself.
    pub encoding: Vec<String>,
    /// Whether it was in the clear.
    pub visibility: Visibility,
    /// The protocol that carried it.
    pub protocol: Cow<'static, str>,
    /// The protocol below.
    pub transport: Transport,
    /// Which way it went.
    pub direction: Direction,
    /// Who sent it.
    pub source: Source,
    /// Who got it.
    pub destination: Destination,
    /// When it was first seen.
    pub time: Timestamp,
    /// When it was last seen.
    pub last_time: Timestamp,
    /// What the aircraft was doing.
    pub flight_state: FlightState,
    /// What says so.
    pub flight_state_source: Option<String>,
    /// What the app was doing.
    pub app_state: AppState,
    /// What made it send.
    pub trigger: Trigger,
    /// Whether it is of a time in flight, and was sent after it.
    pub deferred: bool,
    /// In which scenario it was sent, by the action log, or by the examiner's word on the whole.
    pub scenario: Option<String>,
    /// What says so for app state and trigger.
    pub context_source: Option<String>,
    /// Payload bytes of the messages that carried it.
    pub bytes: u64,
    /// How often it was seen (occurrences beyond a limit are counted, not listed).
    pub count: u64,
    /// The device file it is, if it is one.
    pub file: Option<String>,
    /// Where on the examined device the value was read, if it was: file and field.
    pub found_in: Option<String>,
    /// Protected sites that it concerns.
    pub sites: Vec<String>,
    /// Zones of airspace that the place lies in, or may lie in, by their identifiers.
    pub zones: Vec<String>,
    /// Of a place: the country that it lies in (ISO 3166 alpha-2), or those that it may lie in, at a border or in a disputed area.
    pub region: Vec<String>,
    /// Each time it was seen, at most 256.
    pub occurrences: Vec<Occurrence>,
    /// The first time it was seen.
    pub evidence: Evidence,
    /// Of a picture: how fine it is.
    #[serde(default)]
    pub picture: Option<Picture>,
    /// How far it may be passed on.
    #[serde(default)]
    pub tlp: Tlp,
}
