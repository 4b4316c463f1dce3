//! Recordings of messages (HAR, mitmproxy), read after the captures: each entry is a flow of its own.
//!
//! Entries are numbered from 1 in each recording, and what an upload says in one is not joined to another.

use std::{
    io::{self, Read},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use creance_flow::{recorded, through_proxy};
use creance_model::{Damage, Flow};
use creance_wire::{Conversation, Next, Recording};

use crate::{Error, Progress, Request, inputs::Opening, pipeline::Run};

/// Damages that are listed of all inputs; further ones are counted.
const MOST_DAMAGE: usize = 1000;

/// Numbers of flows that recordings begin with: those of captures stay below.
const FIRST_FLOW: u64 = 1 << 48;

/// Entries between two reports of progress.
const TELL_EVERY: u64 = 256;

/// Reads a recording into a run.
pub(crate) fn read(
    opening: Opening,
    run: &mut Run<'_>,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let Opening { name, form, reader, length } = opening;
    let consumed = Arc::new(AtomicU64::new(0));
    let reader = Counted { inner: reader, consumed: Arc::clone(&consumed) };
    let mut recording = Recording::new(form, Box::new(reader), &request.limits.wire);
    run.pipeline.recording = Some(Arc::from(name.as_str()));
    let mut faults = Vec::new();
    while let Some(next) = recording.advance() {
        match next {
            Next::Conversation(conversation) => {
                run.recorded.unanswered += u64::from(conversation.unanswered);
                run.first = run.first.into_iter().chain([conversation.first]).min();
                run.last = run.last.into_iter().chain([conversation.last]).max();
                let id = FIRST_FLOW + run.recorded.entries + conversation.number;
                run.pipeline.entry(&flow(&conversation, id, request), *conversation);
            }
            Next::Unsent => run.recorded.unsent += 1,
            Next::Fault(fault) => faults.push(fault),
        }
        if recording.entries().is_multiple_of(TELL_EVERY) {
            let packets = run.packets + recording.entries();
            progress(Progress { bytes: consumed.load(Relaxed), of: length, packets });
        }
        let room = MOST_DAMAGE.saturating_sub(run.notes.damage.len());
        run.notes.further_damage += faults.len().saturating_sub(room) as u64;
        run.notes.damage.extend(faults.drain(..).take(room).map(|fault| Damage {
            what: fault.what.to_owned(),
            input: name.clone(),
            offset: fault.offset,
            why: fault.why,
        }));
    }
    if recording.is_none() {
        let why = format!("it begins like a recording ({}) and holds no entries", form.name());
        return Err(Error::File { path: name, why });
    }
    run.pipeline.finish();
    run.pipeline.recording = None;
    run.packets += recording.entries();
    run.recorded.entries += recording.entries();
    run.notes.packets_per_input.push((name, recording.entries()));
    Ok(())
}

fn flow(entry: &Conversation, id: u64, request: &Request) -> Flow {
    // Where a proxy stands on the way its address is told: where the server is is not known then.
    let public = |name: &String| psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known());
    let named = entry.host.iter().chain(&entry.sni).any(public);
    let mut server = entry.server;
    if through_proxy(&request.inside, server.ip, named) {
        server.ip = Ipv4Addr::UNSPECIFIED.into();
    }
    let (inside, inside_basis) = recorded(&request.inside, entry.client.ip, server.ip);
    Flow {
        id,
        transport: entry.transport,
        client: entry.client,
        server,
        inside,
        inside_basis,
        first: entry.first,
        client_mac: None,
        server_mac: None,
        app: entry.app.as_deref().map(Arc::from),
    }
}

/// A reader that tells how far it has come.
struct Counted {
    inner: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.consumed.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}
