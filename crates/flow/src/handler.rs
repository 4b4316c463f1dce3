//! What a flow gives to whoever reads it.
//!
//! ```text
//! open ─▶ (data | gap)* ─▶ close
//! ```
//!
//! Leaves out how the bytes were put in order: see `tcp.rs`.

use creance_model::{Flow, Side, Timestamp};

/// Takes what flows give. Called in the order of the capture.
pub trait Handler {
    /// What the handler keeps of a flow while it lasts.
    type State;

    /// A flow's first packet was seen.
    fn open(&mut self, flow: &Flow) -> Self::State;

    /// Bytes in order (TCP), or the payload of one datagram.
    fn data(&mut self, flow: &Flow, state: &mut Self::State, chunk: &Chunk<'_>);

    /// Bytes that were sent and that the capture lacks.
    fn gap(&mut self, flow: &Flow, state: &mut Self::State, gap: &Gap);

    /// Whether bytes that come are still of use. Of those that are not, no copies are compared: that saves time.
    fn reads(&self, _state: &Self::State) -> bool {
        true
    }

    /// The flow is over.
    fn close(&mut self, flow: &Flow, state: Self::State, totals: &Totals);
}

/// Bytes of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Who sent them.
    pub from: Side,
    /// The bytes.
    pub bytes: &'a [u8],
    /// The packet that brought them.
    pub packet: u64,
    /// When it was captured.
    pub time: Timestamp,
}

/// A hole in a stream.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// Who sent what is missing.
    pub from: Side,
    /// How much is missing.
    pub bytes: u64,
    /// The packet that shows it.
    pub packet: u64,
    /// When that was captured.
    pub time: Timestamp,
}

/// Why a flow is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// Both sides ended it.
    Fin,
    /// One side broke it off.
    Rst,
    /// Nothing was seen for long.
    Idle,
    /// Too many flows were open.
    Evicted,
    /// Another connection took its ports.
    Replaced,
    /// The capture ended.
    End,
}

/// The sums of a flow; arrays are by [`Side::index`].
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// Packets.
    pub packets: [u64; 2],
    /// Payload bytes handed over.
    pub bytes: [u64; 2],
    /// Payload bytes missing.
    pub lost: [u64; 2],
    /// Bytes of overlapping segments that contradict the first copy (TCP), as in [`Counters`](crate::Counters).
    pub conflicts: u64,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Why it is over.
    pub why: Close,
    /// Whether its beginning was seen (TCP).
    pub syn_seen: bool,
}
