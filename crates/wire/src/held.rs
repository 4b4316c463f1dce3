//! Bytes of a stream that wait for more, and which packet brought each of them.
//!
//! Taking from the front costs nothing per byte, so that a message fed in single bytes is read in linear time.

use std::collections::VecDeque;

use crate::At;

/// Bytes in order, with the packets that brought them.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Bytes at the front of `bytes` that are gone already.
    gone: usize,
    /// Where each packet's bytes end, counted in `bytes`.
    marks: VecDeque<(usize, At)>,
}

impl Held {
    /// Adds what a packet brought.
    pub(crate) fn push(&mut self, bytes: &[u8], at: At) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len();
        match self.marks.back_mut() {
            Some((last, known)) if known.packet == at.packet => *last = end,
            _ => self.marks.push_back((end, at)),
        }
    }

    /// Adds a datagram: the border to one before stays, though a packet brought both.
    pub(crate) fn push_apart(&mut self, bytes: &[u8], at: At) {
        if !bytes.is_empty() {
            self.bytes.extend_from_slice(bytes);
            self.marks.push_back((self.bytes.len(), at));
        }
    }

    /// What waits.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    /// When the first byte that waits was captured.
    pub(crate) fn first(&self) -> Option<At> {
        self.marks.front().map(|(_, at)| *at)
    }

    /// The packets that brought the first `length` bytes, ascending, each once.
    pub(crate) fn packets(&self, length: usize) -> Vec<u64> {
        let mut packets: Vec<u64> = self.pieces(0, length).map(|(_, at)| at.packet).collect();
        packets.sort_unstable();
        packets.dedup();
        packets
    }

    /// The `length` bytes from `from` on, parted by the packets that brought them.
    pub(crate) fn pieces(&self, from: usize, length: usize) -> impl Iterator<Item = (&[u8], At)> {
        let from = self.gone + from;
        let to = from.saturating_add(length).min(self.bytes.len());
        let mut start = self.gone;
        let reached = self.marks.iter().map_while(move |(end, at)| {
            let piece = start.max(from)..(*end).min(to);
            let before = std::mem::replace(&mut start, *end);
            (before < to).then_some((piece, at))
        });
        reached
            .filter_map(|(piece, at)| Some((self.bytes.get(piece)?, *at)))
            .filter(|(piece, _)| !piece.is_empty())
    }

    /// Lets the first `length` bytes go.
    pub(crate) fn consume(&mut self, length: usize) {
        self.gone = self.gone.saturating_add(length).min(self.bytes.len());
        while self.marks.front().is_some_and(|(end, _)| *end <= self.gone) {
            self.marks.pop_front();
        }
        if self.gone == self.bytes.len() {
            *self = Self::default();
        } else if self.gone > self.bytes.len() / 2 {
            self.bytes.drain(..self.gone);
            for (end, _) in &mut self.marks {
                *end -= self.gone;
            }
            self.gone = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use creance_model::Timestamp;

    #[test]
    fn bytes_remember_their_packets() {
        let at = |packet| At { packet, time: Timestamp::default() };
        let mut held = Held::default();
        held.push(b"abc", at(4));
        held.push(b"de", at(7));
        held.push(b"f", at(9));
        assert_eq!(held.packets(3), [4]);
        assert_eq!(held.packets(4), [4, 7]);
        held.consume(4);
        assert_eq!(
            (held.bytes(), held.packets(9), held.first().map(|at| at.packet)),
            (&b"ef"[..], vec![7, 9], Some(7))
        );
        let pieces: Vec<_> = held.pieces(1, 5).map(|(bytes, at)| (bytes.to_vec(), at.packet)).collect();
        assert_eq!(pieces, [(b"f".to_vec(), 9)]);
        held.push_apart(b"g", at(9));
        assert_eq!((held.pieces(0, 9).count(), held.packets(9)), (3, vec![7, 9]));
        held.consume(3);
        assert!(held.bytes().is_empty() && held.first().is_none());
    }
}
