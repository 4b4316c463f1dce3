//! One conversation of a proof: its packets, and the bytes of each direction in their order.

use creance_model::{Endpoint, LinkType, Timestamp};

use super::frames::segment;

/// A packet of a bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProofPacket {
    /// Its number in the evidence.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Its length on the wire.
    pub wire_len: u32,
    /// What was captured.
    pub data: Vec<u8>,
}

/// Which packets a claim is about: those between two ends, from one number to another.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ProofFlow {
    /// TCP; else UDP.
    pub tcp: bool,
    /// Who sent what is proved.
    pub from: Endpoint,
    /// Who got it.
    pub to: Endpoint,
    /// The first packet.
    pub first: u64,
    /// The last packet.
    pub last: u64,
}

impl ProofFlow {
    /// Whether a packet belongs to it, whichever way it goes.
    pub(super) fn has(&self, number: u64, link: LinkType, data: &[u8]) -> bool {
        (self.first..=self.last).contains(&number)
            && segment(link, data).is_some_and(|one| {
                one.tcp == self.tcp
                    && ((one.from, one.to) == (self.from, self.to)
                        || (one.to, one.from) == (self.from, self.to))
            })
    }
}

/// A direction of a conversation, put in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) bytes: Vec<u8>,
    /// The packets that it was made of: where each begins, and its place in the list.
    pub(super) made_of: Vec<(u64, usize)>,
}

impl Stream {
    /// The bytes from one end to the other, as far as there is no gap.
    pub(super) fn of(packets: &[ProofPacket], link: LinkType, from: Endpoint, to: Endpoint) -> Self {
        let mut base = None;
        let mut pieces = Vec::new();
        let mut made_of = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            let Some(one) =
                segment(link, &packet.data).filter(|one| one.tcp && one.from == from && one.to == to)
            else {
                continue;
            };
            if one.syn {
                base = Some(one.sequence.wrapping_add(1));
                made_of.push((0, index));
            }
            if one.payload.is_empty() {
                continue;
            }
            let base = *base.get_or_insert(one.sequence);
            // A step back is a repetition of what came before the beginning.
            let offset = one.sequence.wrapping_add(u32::from(one.syn)).wrapping_sub(base).cast_signed();
            pieces.push((i64::from(offset), index, one.payload));
        }
        pieces.sort_by_key(|(offset, index, _)| (*offset, *index));
        let mut bytes: Vec<u8> = Vec::new();
        for (offset, index, payload) in pieces {
            let Some(known) = i64::try_from(bytes.len()).ok().and_then(|length| length.checked_sub(offset))
            else {
                break;
            };
            let Ok(known) = usize::try_from(known) else { break };
            made_of.push((u64::try_from(offset).unwrap_or(0), index));
            bytes.extend_from_slice(payload.get(known..).unwrap_or_default());
        }
        Self { bytes, made_of }
    }
}
