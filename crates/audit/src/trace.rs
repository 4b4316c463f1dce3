//! How one finding came out of the evidence: the frames that carried it, and the bytes of every step to it.
//!
//! The inputs are read again: a message is not kept when it has been looked at.

use std::sync::Arc;

use creance_capture::Capture;
use creance_detect::Sighting;
use creance_model::{DataClass, Evidence, Finding, Report, Timestamp};

use crate::{
    Error, Progress, Request, inputs,
    pipeline::Pipeline,
    request::Limits,
    run, sha256,
    sightings::{Outgoing, listed, path},
};

/// What leads to a finding.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The packets as they were captured, from the link layer on; of a recording none.
    pub frames: Vec<Frame>,
    /// The steps, outermost first.
    pub steps: Vec<Step>,
    /// Where in the last step's bytes the value stands, if it is a stretch of them.
    pub range: Option<[u64; 2]>,
    /// How the value is written there, beyond the steps.
    pub encoding: Vec<String>,
}

/// A captured packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Its number.
    pub number: u64,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// How many there are in the capture.
    pub length: usize,
}

/// A step from the message to the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What it is called in decode paths; of a step within a document the pointer to it.
    pub name: String,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub length: usize,
    /// SHA-256 of all of them, in lower-case hex.
    pub sha256: String,
}

/// Packets of a finding whose frames are shown.
const MOST_FRAMES: usize = 16;

/// A finding that is looked for again.
pub(crate) struct Wanted {
    class: DataClass,
    value: String,
    packets: Vec<u64>,
    time: Timestamp,
    decode_path: Vec<String>,
    /// The recording that it stands in; `None`: a capture.
    recording: Option<String>,
    /// Bytes of a step that are kept.
    most: usize,
    taken: Option<Trace>,
}

impl Wanted {
    /// Takes a message down if it is the one.
    pub(crate) fn note(&mut self, outgoing: &Outgoing, sightings: &[Sighting]) {
        let message = &outgoing.message;
        if self.taken.is_some()
            || message.time != self.time
            || outgoing.recording.as_deref() != self.recording.as_deref()
        {
            return;
        }
        let is = |one: &&Sighting| {
            one.data_class == self.class
                && one.value == self.value
                && *listed(message.packets_of(one.part)) == *self.packets
                && self.decode_path.starts_with(&path(message, one.part))
        };
        let Some(sighting) = sightings.iter().find(is) else { return };
        let mut steps: Vec<Step> = message
            .parts
            .up(sighting.part)
            .map(|part| Step {
                name: part.step().into_owned(),
                bytes: part.bytes().iter().take(self.most).copied().collect(),
                length: part.length(),
                sha256: sha256(part.bytes()),
            })
            .collect();
        // Objects and lists of a document have no bytes of their own.
        let last = steps.first().map(|step| step.name.clone());
        steps.retain(|step| step.length > 0 || Some(&step.name) == last.as_ref());
        steps.reverse();
        if let Some(first) = steps.first_mut() {
            first.name = format!("{} {}", message.protocol, first.name);
        }
        let encoding = sighting.encoding.clone();
        self.taken = Some(Trace { frames: Vec::new(), steps, range: sighting.range, encoding });
    }
}

/// Reads the inputs again for a finding of the report that was made of them with the same request, values in full. At
/// most `most` bytes of each frame and step are kept. Nothing, if it is not seen again: an input changed meanwhile.
pub fn trace(
    request: &Request,
    report: &Report,
    finding: &Finding,
    most: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Trace>, Error> {
    let Evidence { input, packets, .. } = &finding.evidence;
    let named = report.case.inputs.iter().find(|one| input.strip_prefix("sha256:") == Some(&one.sha256));
    let recording =
        named.filter(|one| matches!(one.kind.as_str(), "har" | "mitmproxy")).map(|one| one.path.clone());
    // The evidence is that of the strongest match, which may have come later.
    let occurrence = finding
        .occurrences
        .iter()
        .find(|one| one.packets == *packets && one.decode_path == finding.decode_path);
    let wanted = Wanted {
        class: finding.data_class,
        value: finding.value.clone(),
        packets: packets.clone(),
        time: occurrence.map_or(finding.time, |one| one.time),
        decode_path: finding.decode_path.clone(),
        recording: recording.clone(),
        most,
        taken: None,
    };
    let mut evidence = request.evidence()?;
    let context = request.context(std::mem::take(&mut evidence.paths))?;
    let keys = request.key_log()?;
    let mut limits: Limits = request.limits.clone();
    limits.wire.lengths = !context.device.is_empty();
    let mut pipeline = Pipeline::new(Some(Arc::clone(&context)), &limits, keys.clone());
    pipeline.wanted = Some(wanted);
    let run = run(inputs::open(request)?, pipeline, &keys, request, progress)?;
    let Some(mut trace) = run.pipeline.wanted.and_then(|wanted| wanted.taken) else { return Ok(None) };
    if recording.is_none() {
        let shown = packets.get(..MOST_FRAMES).unwrap_or(packets);
        trace.frames = frames(inputs::open(request)?.capture, shown, most);
    }
    Ok(Some(trace))
}

/// The packets of these numbers, ascending.
fn frames(mut capture: Capture, numbers: &[u64], most: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < numbers.len() && capture.advance() {
        let Some(packet) = capture.packet() else { break };
        if numbers.contains(&packet.number) {
            let bytes = packet.data.iter().take(most).copied().collect();
            frames.push(Frame { number: packet.number, bytes, length: packet.data.len() });
        }
    }
    frames
}
