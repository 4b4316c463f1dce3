//! Evidence in, case out: reads captures and what comes with them, and says what left, to whom, in what circumstances.
//!
//! ```text
//! capture ─▶ flow ─▶ wire ─▶ detect ─▶ sightings ┐
//!                      │                         ├─▶ fold ─▶ Report
//!                      ├─▶ names  (who is that address)  ┤
//!                      ├─▶ phases (what did the aircraft do) ┤
//!                      └─▶ traffic (how much, how opaque) ┘
//! ```
//!
//! Nothing here writes files or prints; the command line does.

mod actions;
mod error;
mod flight;
mod fold;
mod inputs;
mod names;
mod phases;
mod pipeline;
mod request;
mod traffic;

use std::sync::Arc;

use creance_capture::Capture;
use creance_model::{Flow, Message, Report};

pub use error::Error;
pub use request::{Limits, Progress, Request};

use inputs::Inputs;
use pipeline::{Pipeline, Run};

/// Audits the inputs of `request`. `progress` is told now and then how far reading has come.
pub fn audit(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let atlas = request.atlas()?;
    let context = request.context()?;
    let evidence = request.evidence()?;
    let mut inputs = Inputs::begin(request)?;
    let capture = inputs.open(request)?;
    let pipeline = Pipeline::new(&context, &request.limits);
    let run = run(capture, pipeline, request, progress);
    let hashed = inputs.finish(request, &run.notes)?;
    Ok(fold::report(request, &run, hashed, evidence, &atlas))
}

/// Hands every application message of the inputs to `sink`, with its flow, in the order it became whole.
pub fn messages(
    request: &Request,
    sink: &mut dyn FnMut(&Flow, &Message),
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<creance_model::Damage>, Error> {
    let context = Arc::new(creance_detect::Context::default());
    let mut inputs = Inputs::begin(request)?;
    let capture = inputs.open(request)?;
    let pipeline = Pipeline::new(&context, &request.limits).with_sink(sink);
    Ok(run(capture, pipeline, request, progress).notes.damage)
}

/// Packets between two reports of progress.
const TELL_EVERY: u64 = 1 << 14;

fn run<'a>(
    mut capture: Capture,
    pipeline: Pipeline<'a>,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Run<'a> {
    let options = creance_flow::Options {
        inside: request.inside.clone(),
        max_flows: request.limits.flows,
        ..creance_flow::Options::default()
    };
    let mut assembler = creance_flow::Assembler::new(pipeline, options);
    let mut count = 0;
    let (mut first, mut last) = (None, None);
    while let Some(packet) = capture.next_packet() {
        count += 1;
        first = Some(first.map_or(packet.time, |first: creance_model::Timestamp| first.min(packet.time)));
        last = Some(last.map_or(packet.time, |last: creance_model::Timestamp| last.max(packet.time)));
        assembler.packet(&packet);
        if count % TELL_EVERY == 0 {
            progress(Progress { bytes: capture.position(), of: capture.total(), packets: count });
        }
    }
    let (pipeline, counters) = assembler.finish();
    Run { pipeline, counters, notes: capture.notes().clone(), packets: count, first, last }
}
