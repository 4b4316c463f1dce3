//! Evidence in, case out: reads captures and what comes with them, and says what left, to whom, in what circumstances.
//!
//! ```text
//! capture ─▶ flow ─▶ wire ─▶ detect ─▶ sightings ┐
//!        recordings ─┘
//!                      │                         ├─▶ fold ─▶ Report
//!                      ├─▶ names  (who is that address)  ┤
//!                      ├─▶ phases (what did the aircraft do) ┤
//!                      └─▶ traffic (how much, how opaque) ┘      and what it amounts to, by assess
//! ```
//!
//! Nothing here prints, and nothing writes files but `scrub`; the command line does.

mod actions;
mod again;
mod batches;
mod campaign;
mod clocks;
mod crew;
mod destination;
mod device;
mod error;
mod files;
mod find;
mod flight;
mod flows;
mod fold;
mod ground;
mod inputs;
mod inspect;
mod marks;
mod names;
mod notes;
mod phases;
mod pipeline;
mod proof;
mod reading;
mod recordings;
mod region;
mod registers;
mod request;
mod scrub;
mod sightings;
mod trace;
mod traffic;

use creance_model::{Flow, Message, Report};
pub use creance_wire::Keep;
use creance_wire::KeyLog;
use data_encoding::HEXLOWER;
use ring::digest;

pub use destination::answered;
pub use error::Error;
pub use find::{Found, FoundPlace, Which, find};
pub use flows::{FlowTold, Hello};
pub use ground::drawing;
pub use inputs::hash_of;
pub use inspect::{Hash, Inspect, inspect, masked};
pub use proof::{
    Claim, DeviceFileProof, Http1, Proof, ProofError, ProofFlow, ProofPacket, ProofStep, Proved, Spelling,
    Wanting, prove,
};
pub use reading::reading;
pub use region::{RegionRead, region};
pub use registers::{sites, strange_sectors, unread, zones};
pub use request::{Limits, Progress, Request};
pub use scrub::{Outcome, Scrub, ScrubbedFile, scrub};
pub use trace::{Frame, Step, Trace, trace};

use inputs::{Inputs, Opened};
use pipeline::{Pipeline, Recorded, Run};

/// Audits the inputs of `request`. `progress` is told now and then how far reading has come.
pub fn audit(request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Report, Error> {
    match request.threads() {
        1 => audited(request, progress),
        threads => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build()?;
            pool.install(|| audited(request, progress))
        }
    }
}

/// What the main thread of a process has as well, in bytes.
const STACK: usize = 8 << 20;

fn audited(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let atlas = request.atlas()?;
    let evidence = request.evidence()?;
    let context = request.context(evidence.paths.clone())?;
    let mut inputs = Inputs::begin(request)?;
    let opened = inputs.open(request)?;
    let keys = request.key_log()?;
    // Lengths are worth knowing where there is something to compare them with.
    let mut limits = request.limits.clone();
    limits.wire.lengths = !context.device.is_empty();
    let pipeline =
        Pipeline::new(Some(context), &limits, keys.clone()).with_region().with_crew(request.threads());
    let run = run(opened, pipeline, &keys, request, progress)?;
    let hashed = inputs.finish(request, &run.notes)?;
    let twice = if request.hash_again { hashed.inputs.as_slice() } else { &[] };
    let again = again::Again::begin(twice, request.threads());
    let mut report = fold::report(request, &run, hashed, evidence, &atlas)?;
    report.case.damage.extend(again.changed());
    match creance_assess::judge::judged(&report) {
        Ok(judgements) => report.judgements = judgements,
        Err(why) => report.case.notes.push(format!("Nothing was judged: {why}.")),
    }
    Ok(report)
}

/// Whether a request is a part of an upload that is told as a whole later.
pub fn is_part_of_upload(message: &Message) -> bool {
    creance_wire::Piece::of(message).is_some()
}

/// The SHA-256 of bytes, in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// How reading of messages ended.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// Whether damage or a limit left something out.
    pub incomplete: bool,
}

/// Hands every application message of the inputs to `sink`, with its flow, in the order it became whole. Inputs are
/// not hashed, and nothing is looked for.
pub fn messages(
    request: &Request,
    sink: &mut dyn FnMut(&Flow, &Message),
    progress: &mut dyn FnMut(Progress),
) -> Result<Read, Error> {
    let opened = inputs::open(request)?;
    let keys = request.key_log()?;
    let pipeline = Pipeline::new(None, &request.limits, keys.clone()).with_messages(sink);
    let run = run(opened, pipeline, &keys, request, progress)?;
    Ok(Read { incomplete: !run.notes.damage.is_empty() || notes::limited(&run) })
}

/// Hands every conversation of the inputs to `sink` when it is over, in that order.
pub fn flows(
    request: &Request,
    sink: &mut dyn FnMut(FlowTold),
    progress: &mut dyn FnMut(Progress),
) -> Result<Read, Error> {
    // Who talks to whom is told without. What an audit leaves out of content for a limit is not missing here.
    let mut request = request.clone();
    request.limits.wire.keep = Keep::Nothing;
    conversations(&request, sink, progress)
}

fn conversations(
    request: &Request,
    sink: &mut dyn FnMut(FlowTold),
    progress: &mut dyn FnMut(Progress),
) -> Result<Read, Error> {
    let atlas = request.atlas()?;
    let opened = inputs::open(request)?;
    let keys = request.key_log()?;
    let pipeline = Pipeline::new(None, &request.limits, keys.clone()).with_flows(sink, &atlas);
    let run = run(opened, pipeline, &keys, request, progress)?;
    Ok(Read { incomplete: !run.notes.damage.is_empty() || notes::limited(&run) })
}

/// The type of a Decryption Secrets Block that holds a TLS key log (pcapng §4.7).
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// Packets between two reports of progress.
const TELL_EVERY: u64 = 1 << 14;

fn run<'a>(
    opened: Opened,
    pipeline: Pipeline<'a>,
    keys: &KeyLog,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<Run<'a>, Error> {
    let Opened { mut capture, recordings } = opened;
    let options = creance_flow::Options {
        inside: request.inside.clone(),
        max_flows: request.limits.flows,
        ..creance_flow::Options::default()
    };
    let mut assembler = creance_flow::Assembler::new(pipeline, options);
    let mut count = 0;
    let (mut first, mut last) = (None, None);
    let mut secrets = 0;
    while capture.advance() {
        // Secrets stand before the packets that they open.
        let known = &capture.notes().secrets;
        for secret in known.get(secrets..).into_iter().flatten().filter(|secret| secret.kind == TLS_KEY_LOG) {
            keys.add(&secret.bytes);
        }
        secrets = known.len();
        let Some(packet) = capture.packet() else { break };
        count += 1;
        first = Some(first.map_or(packet.time, |first: creance_model::Timestamp| first.min(packet.time)));
        last = Some(last.map_or(packet.time, |last: creance_model::Timestamp| last.max(packet.time)));
        assembler.packet(&packet);
        if count % TELL_EVERY == 0 {
            progress(Progress { bytes: capture.position(), of: capture.total(), packets: count });
        }
    }
    let (mut pipeline, counters) = assembler.finish();
    pipeline.finish();
    let notes = capture.into_notes();
    let mut run =
        Run { pipeline, counters, notes, packets: count, first, last, recorded: Recorded::default() };
    for recording in recordings {
        recordings::read(recording, &mut run, request, progress)?;
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_limit_is_reached_flows_are_the_same_whether_content_is_kept_or_not() {
        let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let lab = project.join("../shared/data/lab");
        let folders = lab.read_dir().into_iter().flatten().map(|folder| folder.unwrap().path());
        let folders = folders.chain([project.join("examples/skylark")]);
        for folder in folders.filter(|folder| folder.join("capture.pcapng").is_file()) {
            let told = |keep| {
                let mut request = Request {
                    inputs: vec![folder.join("capture.pcapng").display().to_string()],
                    keys: vec![folder.join("capture.keys")],
                    ..Request::default()
                };
                request.limits.wire.keep = keep;
                let mut all = Vec::new();
                let read =
                    conversations(&request, &mut |told| all.push(format!("{told:?}")), &mut |_| {}).unwrap();
                (all, read.incomplete)
            };
            let with = told(Keep::Outbound);
            assert!(!with.0.is_empty());
            assert_eq!(told(Keep::Nothing), with, "{}", folder.display());
        }
    }
}
