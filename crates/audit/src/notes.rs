//! Sentences for the reader about the run itself: what was not read, which limits were reached, and what that leaves out.

use std::path::{Path, PathBuf};

use creance_detect::mask;
use creance_model::{DataClass, Input};

use crate::{
    pipeline::{Pipeline, Run},
    registers,
    request::Request,
    sightings::Decoy,
};

/// Whether a bound of our own left something out.
pub(crate) fn limited(run: &Run<'_>) -> bool {
    let pipeline = &run.pipeline;
    let counts = [
        pipeline.sightings.unkept,
        pipeline.names.refused,
        pipeline.traffic.beyond.0,
        run.counters.evicted_flows,
        run.counters.evicted_bytes,
        run.notes.further_damage,
        run.notes.further_secrets,
        run.notes.unmerged,
        pipeline.means.keys.added().refused as u64,
        beyond_device(pipeline),
        pipeline.heard.beyond,
        beyond_flight(pipeline)[0],
        beyond_flight(pipeline)[1],
        unknown_values(pipeline),
        unseen_pictures(pipeline),
    ];
    // What planted values say is not known where one was seen that was planted nowhere.
    counts.iter().any(|count| *count > 0)
        || !pipeline.reached.is_empty()
        || !pipeline.sightings.decoys.is_empty()
        || !unread(pipeline).is_empty()
        || pipeline.context.as_ref().is_some_and(|context| !context.unopened.is_empty())
}

/// Sites and zones of registers that could not be read.
fn unread(pipeline: &Pipeline<'_>) -> Vec<String> {
    let told = pipeline.context.as_ref().map(|context| registers::unread(&context.sites, &context.zones));
    told.unwrap_or_default()
}

/// Fixes of the flight, and beginnings of its places, that were not looked for.
fn beyond_flight(pipeline: &Pipeline<'_>) -> [u64; 2] {
    pipeline.context.as_ref().map_or([0; 2], |context| context.flight.beyond().map(|count| count as u64))
}

/// Files of the device whose hashes were not looked for.
fn beyond_device(pipeline: &Pipeline<'_>) -> u64 {
    pipeline.context.as_ref().map_or(0, |context| context.device.beyond() as u64)
}

/// Values of the device that are not looked for.
fn unknown_values(pipeline: &Pipeline<'_>) -> u64 {
    pipeline.context.as_ref().map_or(0, |context| context.unknown as u64)
}

/// A value that was planted nowhere and was seen: a sentence that tells it masked.
fn decoy(((class, value), seen): (&(DataClass, String), &Decoy)) -> String {
    let packets = seen.packets.iter().take(SHOWN_PACKETS).map(u64::to_string).collect::<Vec<_>>().join(", ");
    format!(
        "A decoy ({class}, {}) was planted nowhere and was seen in {} messages, first in {} {}, packets {packets}: until \
         it is known how it got there, planted values that were found prove nothing.",
        mask(*class, value),
        seen.times,
        seen.protocol,
        seen.kind,
    )
}

/// Packets that a sentence names.
const SHOWN_PACKETS: usize = 4;

/// Pictures of the device that were not decoded.
fn unseen_pictures(pipeline: &Pipeline<'_>) -> u64 {
    pipeline.context.as_ref().map_or(0, |context| context.device_pictures.beyond() as u64)
}

/// A key log that lies beside a capture: `capture.pcapng.keys` or `capture.keys`.
fn keys_beside(input: &Input) -> Option<PathBuf> {
    let path = Path::new(&input.path);
    let behind = PathBuf::from(format!("{}.keys", input.path));
    [behind, path.with_extension("keys")].into_iter().find(|beside| beside.is_file())
}

/// Sentences for the reader: options without effect yet, limits reached, packets that were not read.
pub(crate) fn notes(request: &Request, run: &Run<'_>, untold: u64, inputs: &[Input]) -> Vec<String> {
    let mut notes: Vec<String> = run.pipeline.sightings.decoys.iter().map(decoy).collect();
    if request.keys.is_empty() {
        for path in inputs.iter().filter(|input| input.kind == "capture").filter_map(keys_beside) {
            notes.push(format!(
                "{} lies beside the capture and was not used: give it with --keys if it is yours to use.",
                path.display()
            ));
        }
    }
    if inputs.iter().any(|input| input.kind == "place-data") {
        notes.push("Addresses were located with imported tables, not only the bundled ones.".to_owned());
    }
    notes.extend(unread(&run.pipeline));
    let unopened = run.pipeline.context.as_ref().map(|context| (&context.unopened, context.further_unopened));
    notes.extend(unopened.iter().flat_map(|(told, _)| told.iter().cloned()));
    notes
        .extend(run.pipeline.context.as_ref().and_then(|context| registers::strange_sectors(&context.sites)));
    let mut counted = |count: u64, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}."));
        }
    };
    counted(
        unopened.map_or(0, |(_, further)| further as u64),
        "further places of archives on the device were not read, and are not listed",
    );
    counted(untold, "findings, the least severe, are beyond the limit and not listed");
    counted(run.pipeline.sightings.unkept, "sightings were beyond the limit and are not among the findings");
    counted(run.pipeline.names.refused, "name bindings were beyond the limit and were not kept");
    counted(
        run.pipeline.traffic.beyond.0,
        "flows went to destinations beyond the limit and are counted in the sums only",
    );
    counted(run.counters.evicted_flows, "flows were closed early because too many were open at once");
    counted(
        run.counters.evicted_bytes,
        "missing bytes were given up as lost because the buffers for what follows them were full",
    );
    counted(
        run.counters.conflicts,
        "bytes of overlapping segments contradict what came first; the first copy was read",
    );
    counted(
        run.counters.uncompared_bytes,
        "bytes came again in other pieces, or long after, and could not be compared with what was read",
    );
    counted(run.counters.cut_packets, "packets were cut by the capture's length limit");
    counted(run.notes.dropped, "packets were dropped by the capturing machine, by its own count");
    let counters = &run.counters;
    counted(counters.unfinished_fragments, "fragmented packets never became whole and were not read");
    counted(counters.refused_fragments, "fragments were refused, for they were cut or beyond a bound");
    counted(
        counters.fragment_conflicts,
        "bytes of overlapping fragments contradict what came first; the first copy was read",
    );
    counted(counters.unread_bytes, "bytes did not fit their connection and were not read");
    counted(counters.inexact_resets, "resets were not exact and were not believed");
    counted(run.notes.further_damage, "further places of damage are not listed");
    counted(run.notes.further_secrets, "secrets in the capture were beyond the limit and were not kept");
    let keys = run.pipeline.means.keys.added();
    counted(keys.refused as u64, "secrets of key logs were beyond the limit and were not kept");
    counted(keys.unreadable as u64, "lines of key logs are no secrets and were passed over");
    counted(
        beyond_device(&run.pipeline),
        "files of the device are beyond a limit: their hashes, or they themselves, were not looked for",
    );
    counted(
        unseen_pictures(&run.pipeline),
        "pictures of the device are beyond a limit or could not be read: pictures that only look like them were not looked for",
    );
    let [fixes, beginnings] = beyond_flight(&run.pipeline);
    counted(
        run.pipeline.heard.beyond,
        "messages of telemetry are beyond the limit: their places prove nothing",
    );
    counted(fixes, "fixes of flight logs are beyond the limit and were not looked for");
    counted(
        beginnings,
        "beginnings of places of the flight are beyond the limit and were not looked for in texts",
    );
    counted(
        unknown_values(&run.pipeline),
        "values or documents of the device are beyond a limit: these were not looked for",
    );
    counted(
        run.notes.unmerged,
        "files overlap more others in time than may be open at once and were read after them",
    );
    if run.notes.unordered {
        notes.push(
            "Packets are not in order of time within the files themselves; they were read as they stand."
                .to_owned(),
        );
    }
    for (limit, count) in &run.pipeline.reached {
        notes.push(format!(
            "The limit \"{limit}\" was reached in {count} messages; what lies beyond it was not read."
        ));
    }
    let recorded = run.recorded;
    let mut counted = |count: u64, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}."));
        }
    };
    counted(
        recorded.entries,
        "entries of recordings (HAR, mitmproxy) were read: they are cited by their numbers, from 1 in each recording, \
         and their sizes, times and addresses are those that the recording program tells",
    );
    counted(
        recorded.unsent,
        "entries were answered from a cache or within the app: nothing of them was sent",
    );
    counted(recorded.unanswered, "entries have no answer: whether their requests arrived is not known");
    counted(
        run.counters.pcapdroid,
        "packets were written by PCAPdroid: without root it makes packets up from what went through sockets, so \
         their sizes, numbers and checksums are not those on the network",
    );
    if let (transmitters @ 1.., frames, bytes) = run.pipeline.silent {
        notes.push(format!(
            "{transmitters} transmitters said nothing of aircraft in {frames} frames ({bytes} bytes), which were not read further."
        ));
    }
    if run.pipeline.beside > 0 {
        notes.push(format!(
            "{} bytes of frames that say nothing of aircraft, of transmitters that do so in others, were not read further.",
            run.pipeline.beside
        ));
    }
    for (name, (packets, bytes)) in &run.counters.not_ip {
        notes.push(format!("{packets} packets ({bytes} bytes) of {name} were not read."));
    }
    for (name, packets) in &run.counters.tunnelled {
        notes.push(format!(
            "{packets} packets came in {name}; what it carries was read as if it had come alone."
        ));
    }
    for (name, count) in &run.counters.malformed {
        notes.push(format!("{count} packets were malformed: {name}."));
    }
    notes
}
