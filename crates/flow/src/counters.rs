//! What was counted on the way from packets to flows: all that was not handed over has its number here.

use std::collections::BTreeMap;

/// What was counted on the way.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// Packets taken.
    pub packets: u64,
    /// Frames that carry no IP, by name: packets and bytes.
    pub not_ip: BTreeMap<&'static str, (u64, u64)>,
    /// Packets that a tunnel carried, and were read as if they had come alone, by the tunnel's name.
    pub tunnelled: BTreeMap<&'static str, u64>,
    /// Packets that PCAPdroid wrote, which it may have made up from what went through sockets.
    pub pcapdroid: u64,
    /// Packets with a header that makes no sense, by header.
    pub malformed: BTreeMap<&'static str, u64>,
    /// Packets that the capture cut short.
    pub cut_packets: u64,
    /// Fragmented packets that never became whole.
    pub unfinished_fragments: u64,
    /// Fragments left out: cut by the capture, or longer than a packet may be.
    pub refused_fragments: u64,
    /// Bytes of overlapping fragments that contradict the first copy.
    pub fragment_conflicts: u64,
    /// Flows closed because too many were open.
    pub evicted_flows: u64,
    /// Missing bytes no longer waited for because buffers were full; they are gaps.
    pub evicted_bytes: u64,
    /// Bytes of overlapping segments that contradict the first copy; all of a segment's where it was handed over before.
    pub conflicts: u64,
    /// Bytes of overlapping segments of which it is not known whether they contradict the first copy.
    pub uncompared_bytes: u64,
    /// TCP bytes that were not handed over: they lay before the beginning of their stream or beyond its window, or in a
    /// packet that breaks off the connection.
    pub unread_bytes: u64,
    /// Packets that would break off a TCP connection with a number that is not just what came next; they were ignored.
    pub inexact_resets: u64,
}

impl Counters {
    /// The name among [`Self::not_ip`] of frames that 802.11 itself encrypts (WEP, TKIP, CCMP, GCMP).
    pub const ENCRYPTED: &str = "802.11 encryption";

    /// Bytes of frames that the link encrypts: what they carry is not read.
    pub fn encrypted(&self) -> u64 {
        self.not_ip.get(Self::ENCRYPTED).map_or(0, |(_, bytes)| *bytes)
    }
}
