//! What of the evidence shows a finding to somebody who has nothing but it: packets, keys, and steps to the value.
//!
//! ```text
//! numbers ─▶ conversations ─▶ streams ─▶ tls ─▶ request ─▶ steps ─▶ value
//!            (of the capture)  frames.rs  opened.rs http.rs  steps.rs
//! ```
//!
//! Nothing of the audit's own reading is used: what is given here was replayed by the steps of docs/proof/SPEC.md alone.
//! Where they do not lead to the value, there is no proof.

mod frames;
mod http;
mod opened;
mod pieces;
mod steps;
mod stream;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
};

use creance_capture::Capture;
use creance_model::{DataClass, Direction, Endpoint, Finding, LinkType, Match};
use thiserror::Error;

use crate::Error;
use frames::segment;
use opened::Opened;
use stream::Stream;

pub use steps::{Http1, ProofStep};
pub use stream::{ProofFlow, ProofPacket};

/// Bytes of packets that one proof may hold.
const MOST_BYTES: usize = 512 << 20;

/// What is to be proved, and of what.
#[derive(Clone, Debug)]
pub struct Wanting<'a> {
    /// The captures of the case, as the audit had them.
    pub captures: &'a [PathBuf],
    /// Key logs.
    pub keys: &'a [PathBuf],
    /// Folders with the device's files.
    pub devices: &'a [PathBuf],
    /// The findings.
    pub findings: &'a [&'a Finding],
    /// Whether their values are shown in full.
    pub revealed: bool,
}

/// What shows findings.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What the first byte of each packet is.
    pub link: LinkType,
    /// The packets, ascending.
    pub packets: Vec<ProofPacket>,
    /// Lines of a key log, those that are needed.
    pub keys: BTreeSet<String>,
    /// The findings, in the order in which they were asked for.
    pub proved: Vec<Proved>,
}

/// A finding that is shown.
#[derive(Clone, Debug)]
pub struct Proved {
    /// Its id.
    pub id: String,
    /// What shows it; of a value one, of a file one for each piece.
    pub claims: Vec<Claim>,
    /// How the finding's value stands to what is shown.
    pub spelling: Spelling,
    /// The file of the device that was sent.
    pub file: Option<DeviceFileProof>,
}

/// Bytes, and how they come out of the packets.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The packets.
    pub flow: ProofFlow,
    /// From their payload on.
    pub steps: Vec<ProofStep>,
    /// What comes out.
    pub value: Vec<u8>,
    /// Of a piece of a file: where in it.
    pub offset: Option<u64>,
}

/// A file of the device.
#[derive(Clone, Debug)]
pub struct DeviceFileProof {
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// How the value of a finding stands to the bytes that are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spelling {
    /// They are it.
    Same,
    /// Masked, they are it: the case says no more.
    SameMasked,
    /// They say it in another way, such as one number of a position.
    AsSent,
}

impl Spelling {
    /// As it is written in a bundle.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::SameMasked => "same-when-masked",
            Self::AsSent => "as-sent",
        }
    }
}

/// Why a finding cannot be proved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The evidence cannot be read.
    #[error(transparent)]
    Audit(#[from] Error),
    /// It is of a kind that bundles do not hold, or was not found again.
    #[error("{id} cannot be proved by a bundle: {why}")]
    Refused {
        /// The finding.
        id: String,
        /// Why.
        why: String,
    },
}

/// Proves findings.
pub fn prove(wanting: &Wanting<'_>) -> Result<Proof, ProofError> {
    let keys = key_log(wanting.keys)?;
    let mut jobs = Vec::new();
    let ends = ends(wanting)?;
    for finding in wanting.findings {
        let flows = flows(finding, &ends).map_err(|why| refused(finding, why))?;
        jobs.push((*finding, flows));
    }
    let mut evidence = gather(wanting, jobs.iter().flat_map(|(_, flows)| flows), keys)?;
    let mut proof =
        Proof { link: evidence.link, packets: Vec::new(), keys: BTreeSet::new(), proved: Vec::new() };
    for (finding, flows) in jobs {
        let conversations: Result<Vec<Conversation>, &'static str> = flows
            .iter()
            .map(|flow| evidence.conversation(flow, finding.decode_path.iter().any(|step| step == "tls")))
            .collect();
        let conversations = conversations.map_err(|why| refused(finding, why))?;
        let proved = if is_content(finding) {
            pieces::prove(finding, &conversations, wanting)
        } else {
            value::prove(finding, &conversations, wanting.revealed)
        };
        proof.proved.push(proved.map_err(|why| refused(finding, why))?);
        for conversation in conversations {
            proof.keys.extend(conversation.key);
            evidence.needed.extend(conversation.needed);
        }
    }
    let needed = std::mem::take(&mut evidence.needed);
    proof.packets = evidence
        .packets
        .into_iter()
        .enumerate()
        .filter(|(index, _)| needed.contains(index))
        .map(|(_, one)| one)
        .collect();
    Ok(proof)
}

fn refused(finding: &Finding, why: impl Into<String>) -> ProofError {
    ProofError::Refused { id: finding.id.clone(), why: why.into() }
}

/// Whether a finding is a file of the device that was sent, and not something in it.
fn is_content(finding: &Finding) -> bool {
    let files = [DataClass::Imagery, DataClass::Video, DataClass::Audio, DataClass::FlightLog];
    finding.matched == Match::Device && finding.file.is_some() && files.contains(&finding.data_class)
}

fn key_log(paths: &[PathBuf]) -> Result<String, Error> {
    let mut keys = String::new();
    for path in paths {
        let text =
            std::fs::read(path).map_err(|source| Error::Io { path: path.display().to_string(), source })?;
        keys.push_str(&String::from_utf8_lossy(&text));
        keys.push('\n');
    }
    Ok(keys)
}

/// Who sent the packets that findings name, and where connections begin.
#[derive(Default)]
struct Ends {
    named: HashMap<u64, (bool, Endpoint, Endpoint)>,
    /// Numbers of the packets that begin a connection.
    begun: HashMap<(Endpoint, Endpoint), Vec<u64>>,
}

/// Connections of which the beginning is kept.
const MOST_CONNECTIONS: usize = 1_000_000;

fn ends(wanting: &Wanting<'_>) -> Result<Ends, ProofError> {
    let numbers: BTreeSet<u64> =
        wanting.findings.iter().flat_map(|finding| cited(finding)).flatten().copied().collect();
    let mut ends = Ends::default();
    let mut capture = open(wanting.captures)?;
    while capture.advance() {
        let Some(packet) = capture.packet() else { break };
        let Some(one) = segment(packet.link, packet.data) else { continue };
        if numbers.contains(&packet.number) {
            ends.named.insert(packet.number, (one.tcp, one.from, one.to));
        }
        if one.syn && !one.ack && ends.begun.len() < MOST_CONNECTIONS {
            ends.begun.entry((one.from, one.to)).or_default().push(packet.number);
        }
    }
    Ok(ends)
}

fn open(captures: &[PathBuf]) -> Result<Capture, ProofError> {
    let capture = Capture::open(captures, &creance_capture::Options::default());
    Ok(capture.map_err(Error::from)?)
}

/// The packets that show a finding: of a value those of the evidence, of a file those of every time it was sent.
fn cited(finding: &Finding) -> Vec<&Vec<u64>> {
    if is_content(finding) {
        finding.occurrences.iter().map(|one| &one.packets).collect()
    } else {
        vec![&finding.evidence.packets]
    }
}

/// The conversations that show a finding.
fn flows(finding: &Finding, ends: &Ends) -> Result<Vec<ProofFlow>, &'static str> {
    if finding.direction != Direction::Outbound {
        return Err("it was not sent to anybody");
    }
    let mut flows: Vec<ProofFlow> = Vec::new();
    let mut last: BTreeMap<(bool, Endpoint, Endpoint, u64), u64> = BTreeMap::new();
    for number in cited(finding).into_iter().flatten() {
        let Some((tcp, from, to)) = ends.named.get(number) else {
            return Err("its packets are not in these captures, or no TCP or UDP that a bundle can hold");
        };
        // Of several connections with the same ends, the one that began last before it.
        let begun = ends.begun.get(&(*from, *to)).into_iter().flatten().copied();
        let first = if *tcp { begun.filter(|begun| begun <= number).max().unwrap_or(1) } else { *number };
        let known = last.entry((*tcp, *from, *to, first)).or_default();
        *known = (*known).max(*number);
    }
    for ((tcp, from, to, first), last) in last {
        flows.push(ProofFlow { tcp, from, to, first, last });
    }
    // In the order in which they were sent.
    flows.sort_by_key(|flow| flow.first);
    if flows.is_empty() { Err("it names no packets") } else { Ok(flows) }
}

/// The packets of all conversations.
struct Evidence {
    link: LinkType,
    packets: Vec<ProofPacket>,
    keys: String,
    /// Those that are needed, by their places.
    needed: BTreeSet<usize>,
}

fn gather<'a>(
    wanting: &Wanting<'_>,
    flows: impl Iterator<Item = &'a ProofFlow>,
    mut keys: String,
) -> Result<Evidence, ProofError> {
    let flows: Vec<&ProofFlow> = flows.collect();
    let refuse = |why: &str| {
        let id = wanting.findings.first().map(|finding| finding.id.clone()).unwrap_or_default();
        ProofError::Refused { id, why: why.to_owned() }
    };
    let mut packets = Vec::new();
    let mut link = None;
    let mut room = MOST_BYTES;
    let mut capture = open(wanting.captures)?;
    while capture.advance() {
        let Some(packet) = capture.packet() else { break };
        if !flows.iter().any(|flow| flow.has(packet.number, packet.link, packet.data)) {
            continue;
        }
        if *link.get_or_insert(packet.link) != packet.link || !frames::is_known(packet.link) {
            return Err(refuse(
                "its packets are of several kinds of links, or of one that a bundle cannot hold",
            ));
        }
        room = room.checked_sub(packet.data.len()).ok_or_else(|| refuse("its packets are too many"))?;
        packets.push(ProofPacket {
            number: packet.number,
            time: packet.time,
            wire_len: packet.wire_len,
            data: packet.data.to_vec(),
        });
    }
    for secret in &capture.notes().secrets {
        keys.push_str(&String::from_utf8_lossy(&secret.bytes));
        keys.push('\n');
    }
    let link = link.ok_or_else(|| refuse("its packets are not in these captures"))?;
    Ok(Evidence { link, packets, keys, needed: BTreeSet::new() })
}

/// What one end sent to another.
struct Conversation {
    flow: ProofFlow,
    /// The stream, opened where it was encrypted; of UDP, the datagram.
    bytes: Vec<u8>,
    opened: bool,
    key: Option<String>,
    /// The packets that it was made of.
    needed: Vec<usize>,
}

impl Evidence {
    fn conversation(&self, flow: &ProofFlow, tls: bool) -> Result<Conversation, &'static str> {
        let mine = |packet: &ProofPacket| flow.has(packet.number, self.link, &packet.data);
        let start = self.packets.iter().position(mine).unwrap_or(0);
        let packets = self.packets.get(start..).unwrap_or_default();
        let end = packets.iter().rposition(mine).map_or(0, |last| last + 1);
        let packets = packets.get(..end).unwrap_or_default();
        if !flow.tcp {
            let place = packets
                .iter()
                .position(|packet| packet.number == flow.last)
                .ok_or("its packet is missing")?;
            let payload = packets.get(place).and_then(|packet| segment(self.link, &packet.data));
            let bytes = payload.ok_or("its packet is no datagram")?.payload.to_vec();
            return Ok(Conversation {
                flow: *flow,
                bytes,
                opened: false,
                key: None,
                needed: vec![start + place],
            });
        }
        let client = Stream::of(packets, self.link, flow.from, flow.to);
        let mut needed: Vec<usize> = client.made_of.iter().map(|(_, index)| start + index).collect();
        if !tls {
            return Ok(Conversation { flow: *flow, bytes: client.bytes, opened: false, key: None, needed });
        }
        let server = Stream::of(packets, self.link, flow.to, flow.from);
        let Opened { bytes, key, hello_end } = opened::open(&client.bytes, &server.bytes, &self.keys)?;
        let hello = server.made_of.iter().filter(|(offset, _)| *offset < hello_end as u64);
        needed.extend(hello.map(|(_, index)| start + index));
        Ok(Conversation { flow: *flow, bytes, opened: true, key: Some(key), needed })
    }
}
