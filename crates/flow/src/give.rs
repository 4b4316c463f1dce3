//! Handing over: what streams give goes to the [`Handler`], and into the sums of the flow. Leaves out datagrams.

use creance_model::{Flow, Side};

use crate::{
    handler::{Chunk, Close, Gap, Handler, Totals},
    table::Entry,
    tcp::Out,
};

/// Hands over what still waits in both directions, and the sums. `why` stands if the flow was not over before.
pub(crate) fn end<H: Handler>(handler: &mut H, buffered: &mut usize, mut entry: Entry<H::State>, why: Close) {
    let mut state = entry.state;
    if let Some([client, server]) = entry.streams.as_deref_mut() {
        *buffered = buffered.saturating_sub(client.buffered + server.buffered);
        for (stream, from) in [(client, Side::Client), (server, Side::Server)] {
            let sums = (&mut entry.bytes, &mut entry.lost);
            stream.finish(&mut |out| give(handler, &entry.flow, &mut state, (sums.0, sums.1), from, out));
        }
    }
    let totals = Totals {
        packets: entry.packets,
        bytes: entry.bytes,
        lost: entry.lost,
        conflicts: entry.conflicts,
        first: entry.flow.first,
        last: entry.last,
        why: entry.over.unwrap_or(why),
        syn_seen: entry.syn,
    };
    handler.close(&entry.flow, state, &totals);
}

/// Hands over what a stream gave.
pub(crate) fn give<H: Handler>(
    handler: &mut H,
    flow: &Flow,
    state: &mut H::State,
    (bytes, lost): (&mut [u64; 2], &mut [u64; 2]),
    from: Side,
    out: Out<'_>,
) {
    match out {
        Out::Bytes(chunk, packet, time) => {
            add(bytes, from.index(), chunk.len() as u64);
            handler.data(flow, state, &Chunk { from, bytes: chunk, packet, time });
        }
        Out::Gap(count, packet, time) => {
            add(lost, from.index(), count);
            handler.gap(flow, state, &Gap { from, bytes: count, packet, time });
        }
    }
}

/// Adds to the sum of a side.
pub(crate) fn add(sums: &mut [u64; 2], index: usize, more: u64) {
    if let Some(sum) = sums.get_mut(index) {
        *sum += more;
    }
}
