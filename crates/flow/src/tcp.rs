//! One direction of a TCP connection put in order (RFC 9293).
//!
//! ```text
//!  handed over │ hole │ waiting │ hole │ waiting        known
//! ─────────────┼──────┴─────────┴──────┴─────────────────┼──▶ offset
//! 0            next                                      end, or what the other side acknowledged
//! ```
//!
//! Offsets count from the first byte, in 64 bits, so that sequence numbers may wrap. The first copy of a byte wins;
//! a later copy that differs is counted as a conflict.
//!
//! Leaves out whether a connection is over: what comes behind a FIN or a RST is bytes like others.

use std::collections::BTreeMap;

use creance_model::Timestamp;

use crate::copies::Copies;

/// What comes out, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Out<'a> {
    /// Bytes, the packet that brought them, and when.
    Bytes(&'a [u8], u64, Timestamp),
    /// Bytes that were sent and are not in the capture.
    Gap(u64, u64, Timestamp),
}

/// A segment that waits for what comes before it.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    packet: u64,
    time: Timestamp,
}

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Sequence number of offset 0; unknown until the first segment.
    base: Option<u32>,
    /// Offset of the next byte to hand over.
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// What waits, in bytes of memory.
    pub(crate) buffered: usize,
    /// Offset just behind the last byte, once a FIN said it.
    end: Option<u64>,
    /// The highest offset that the other side has acknowledged.
    acked: u64,
    /// Offset behind the last byte that a segment had, captured or not.
    pub(crate) known: u64,
    /// The last packet that showed bytes to exist, and when.
    seen: (u64, Timestamp),
    /// Packets seen since the other side acknowledged bytes that are missing here.
    patience: u8,
    /// Whether bytes that come are of use to the handler.
    pub(crate) reads: bool,
    copies: Copies,
}

/// What was not handed over of a segment, and what was missing before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Missing bytes that are given up because too much waits behind them.
    pub(crate) given_up: u64,
    /// Bytes of copies that contradict the first.
    pub(crate) conflicts: u64,
    /// Bytes of copies of what is no longer remembered, or was never captured.
    pub(crate) uncompared: u64,
    /// Bytes from before the beginning or beyond the window.
    pub(crate) unread: u64,
}

/// A segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) sequence: u32,
    pub(crate) bytes: &'a [u8],
    /// Payload bytes that the capture cut off.
    pub(crate) missing: usize,
    pub(crate) packet: u64,
    pub(crate) time: Timestamp,
}

/// Packets after which an acknowledged hole is believed to be a loss of the capture, not disorder.
const PATIENCE: u8 = 16;

/// Memory that a waiting segment takes beside its bytes, so that many small ones stay within the bounds too.
const OVERHEAD: usize = 96;

/// The largest window (RFC 7323): what is farther ahead does not belong to the connection.
const WINDOW: i64 = 1 << 30;

impl Stream {
    /// A SYN: the stream begins behind this number.
    pub(crate) fn syn(&mut self, sequence: u32) {
        if self.base.is_none() {
            self.base = Some(sequence.wrapping_add(1));
        }
    }

    /// Whether a SYN with this number begins another connection; unknown while this side has not been seen.
    pub(crate) fn is_new(&self, sequence: u32) -> Option<bool> {
        self.base.map(|base| base != sequence.wrapping_add(1))
    }

    /// Whether all up to a FIN was handed over.
    pub(crate) fn ended(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// The offset of a sequence number, near what is next. Negative: before the first byte.
    fn offset(&self, sequence: u32) -> i64 {
        let base = self.base.unwrap_or(sequence);
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers are offsets modulo 2^32")]
        let near = base.wrapping_add(self.next as u32);
        self.next.cast_signed() + i64::from(sequence.wrapping_sub(near).cast_signed())
    }

    /// Whether a RST with this number is believed: only just where the sender is (RFC 9293, 3.10.7.4). A FIN that was
    /// seen may count as a byte or, if it was refused, not. Of a side never seen nothing is known.
    pub(crate) fn resets(&self, sequence: u32) -> bool {
        let ahead = self.offset(sequence) - self.next.cast_signed();
        self.base.is_none() || ahead == 0 || (ahead == 1 && self.ended())
    }

    /// A FIN whose segment ends before this number.
    pub(crate) fn fin(&mut self, sequence: u32) {
        if self.base.is_none() {
            self.base = Some(sequence);
        }
        let offset = self.offset(sequence);
        if self.end.is_none() && offset - self.next.cast_signed() <= WINDOW {
            self.end = u64::try_from(offset).ok();
        }
    }

    /// The other side has all before this number.
    pub(crate) fn ack(&mut self, sequence: u32, packet: u64, time: Timestamp, out: &mut dyn FnMut(Out<'_>)) {
        if self.base.is_none() {
            return;
        }
        let offset = self.offset(sequence);
        if offset - self.next.cast_signed() > WINDOW {
            return;
        }
        let Ok(offset) = u64::try_from(offset) else { return };
        if offset > self.acked {
            self.acked = offset;
            self.seen = (packet, time);
        }
        let hole = self.waiting.keys().next().is_some_and(|first| self.acked >= *first);
        if !hole {
            self.patience = 0;
            return;
        }
        self.patience += 1;
        if self.patience > PATIENCE {
            self.patience = 0;
            self.skip(out);
        }
    }

    /// A segment with payload. Holes are given up while more than `limit` waits.
    pub(crate) fn data(
        &mut self,
        segment: Segment<'_>,
        limit: usize,
        out: &mut dyn FnMut(Out<'_>),
    ) -> Counted {
        let mut counted = Counted::default();
        let Segment { sequence, mut bytes, missing, packet, time } = segment;
        if self.base.is_none() {
            self.base = Some(sequence);
        }
        let offset = self.offset(sequence);
        let end = offset + i64::try_from(bytes.len() + missing).unwrap_or(i64::MAX);
        if offset - self.next.cast_signed() > WINDOW {
            counted.unread = bytes.len() as u64;
            return counted;
        }
        if offset < self.next.cast_signed() {
            counted = self.again(offset, bytes);
        }
        if end <= self.next.cast_signed() {
            return counted;
        }
        if self.end.is_some_and(|fin| end.cast_unsigned() > fin) {
            // What goes on behind a FIN shows that the other side never took it.
            self.end = None;
        }
        self.known = self.known.max(end.cast_unsigned());
        self.seen = (packet, time);
        let at = match u64::try_from(offset) {
            Ok(at) if at >= self.next => at,
            _ => {
                // The head was handed over before: the first copy won.
                let skip = usize::try_from(self.next.cast_signed() - offset).unwrap_or(usize::MAX);
                bytes = bytes.get(skip..).unwrap_or_default();
                self.next
            }
        };
        if at == self.next && self.waiting.is_empty() {
            self.hand_over(bytes, packet, time, out);
            self.cut(end, packet, time, out);
            return counted;
        }
        counted.conflicts += self.wait(at, bytes, packet, time);
        self.flush(out);
        if missing > 0 && self.next.cast_signed() == end - i64::try_from(missing).unwrap_or(0) {
            self.cut(end, packet, time, out);
        }
        while self.buffered > limit {
            counted.given_up += self.skip(out);
        }
        counted
    }

    /// Bytes that come next.
    fn hand_over(&mut self, bytes: &[u8], packet: u64, time: Timestamp, out: &mut dyn FnMut(Out<'_>)) {
        if !bytes.is_empty() {
            if self.reads {
                self.copies.remember(self.next, bytes);
            }
            self.next += bytes.len() as u64;
            out(Out::Bytes(bytes, packet, time));
        }
    }

    /// A segment that begins before what is next: its head is a copy of what was handed over.
    fn again(&self, offset: i64, bytes: &[u8]) -> Counted {
        let head = usize::try_from(self.next.cast_signed() - offset).unwrap_or(usize::MAX).min(bytes.len());
        // A single byte just before what is next is a keep-alive; its value is of no meaning.
        if head == 1 && bytes.len() == 1 && offset + 1 == self.next.cast_signed() {
            return Counted::default();
        }
        let before = usize::try_from(-offset).unwrap_or(0).min(head);
        let copy = bytes.get(before..head).unwrap_or_default();
        let (differ, unknown) = self.copies.compare(offset.max(0).cast_unsigned(), copy);
        Counted { given_up: 0, conflicts: differ, uncompared: unknown, unread: before as u64 }
    }

    /// The rest of a segment that the capture cut.
    fn cut(&mut self, end: i64, packet: u64, time: Timestamp, out: &mut dyn FnMut(Out<'_>)) {
        let lost = u64::try_from(end - self.next.cast_signed()).unwrap_or(0);
        if lost > 0 {
            self.next += lost;
            out(Out::Gap(lost, packet, time));
            self.flush(out);
        }
    }

    /// Keeps the parts of a segment that no waiting one holds; gives the bytes that contradict one.
    fn wait(&mut self, mut at: u64, mut bytes: &[u8], packet: u64, time: Timestamp) -> u64 {
        let mut conflicts = 0;
        while !bytes.is_empty() {
            let before = self.waiting.range(..=at).next_back();
            if let Some((start, held)) = before
                && start + held.bytes.len() as u64 > at
            {
                let from = usize::try_from(at - start).unwrap_or(usize::MAX);
                let copy = held.bytes.get(from..).unwrap_or_default();
                let same = copy.len().min(bytes.len());
                conflicts += copy.iter().zip(bytes).filter(|(a, b)| a != b).count() as u64;
                at += same as u64;
                bytes = bytes.get(same..).unwrap_or_default();
                continue;
            }
            let room = self.waiting.range(at..).next().map_or(u64::MAX, |(start, _)| start - at);
            let free = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let (keep, rest) = bytes.split_at(free);
            self.buffered += keep.len() + OVERHEAD;
            self.waiting.insert(at, Waiting { bytes: keep.to_vec(), packet, time });
            at += free as u64;
            bytes = rest;
        }
        conflicts
    }

    /// Hands over what is next.
    fn flush(&mut self, out: &mut dyn FnMut(Out<'_>)) {
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() > self.next {
                return;
            }
            let (at, held) = first.remove_entry();
            self.buffered -= held.bytes.len() + OVERHEAD;
            let skip = usize::try_from(self.next - at).unwrap_or(usize::MAX);
            let bytes = held.bytes.get(skip..).unwrap_or_default();
            self.hand_over(bytes, held.packet, held.time, out);
        }
    }

    /// Gives up the hole before the first waiting segment; gives its size.
    fn skip(&mut self, out: &mut dyn FnMut(Out<'_>)) -> u64 {
        let Some((at, held)) = self.waiting.first_key_value() else { return 0 };
        let (lost, packet, time) = (at.saturating_sub(self.next), held.packet, held.time);
        if lost > 0 {
            self.next += lost;
            out(Out::Gap(lost, packet, time));
        }
        self.flush(out);
        lost
    }

    /// The connection is over: all that waits is handed over, holes as gaps, and what is known to be missing behind.
    pub(crate) fn finish(&mut self, out: &mut dyn FnMut(Out<'_>)) {
        while !self.waiting.is_empty() {
            self.skip(out);
        }
        // An acknowledgement counts the FIN too; where none was seen, one byte more proves nothing.
        let acked = if self.acked > self.next + 1 { self.acked } else { 0 };
        let behind = self.end.unwrap_or(acked).max(self.known);
        if behind > self.next {
            let lost = behind - self.next;
            self.next = behind;
            out(Out::Gap(lost, self.seen.0, self.seen.1));
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(base: u32, segments: &[(u64, &[u8])]) -> (Vec<u8>, u64, u64) {
        let mut stream = Stream { reads: true, ..Stream::default() };
        stream.syn(base.wrapping_sub(1));
        let (mut bytes, mut lost, mut conflicts) = (Vec::new(), 0, 0);
        let mut out = |one: Out<'_>| match one {
            Out::Bytes(more, ..) => bytes.extend_from_slice(more),
            Out::Gap(gap, ..) => lost += gap,
        };
        for (at, data) in segments {
            let sequence = base.wrapping_add(u32::try_from(*at).unwrap());
            let segment =
                Segment { sequence, bytes: data, missing: 0, packet: 1, time: Timestamp::default() };
            let counted = stream.data(segment, 1 << 20, &mut out);
            assert_eq!((counted.given_up, counted.unread), (0, 0));
            conflicts += counted.conflicts;
        }
        stream.finish(&mut out);
        (bytes, lost, conflicts)
    }

    proptest! {
        #[test]
        fn any_cutting_order_and_repetition_gives_the_stream_back(
            bytes in prop::collection::vec(any::<u8>(), 1..600),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1usize..50), 0..60),
            base: u32,
            rotate: prop::sample::Index,
        ) {
            let mut segments: Vec<(u64, &[u8])> = cuts.iter().map(|(at, length)| {
                let at = at.index(bytes.len());
                (at as u64, &bytes[at..bytes.len().min(at + length)])
            }).collect();
            let all: Vec<(u64, &[u8])> = bytes.chunks(17).enumerate().map(|(index, piece)| (index as u64 * 17, piece)).collect();
            segments.extend(all.iter().rev());
            let middle = rotate.index(segments.len());
            segments.rotate_left(middle);
            let (read, lost, conflicts) = run(base, &segments);
            prop_assert_eq!(read, bytes);
            prop_assert_eq!((lost, conflicts), (0, 0));
        }
    }

    #[test]
    fn numbers_wrap() {
        let (bytes, lost, _) = run(u32::MAX - 1, &[(0, b"ab"), (2, b"cd"), (4, b"ef")]);
        assert_eq!((bytes.as_slice(), lost), (&b"abcdef"[..], 0));
    }

    #[test]
    fn the_first_copy_wins_and_the_other_is_counted() {
        let (bytes, lost, conflicts) = run(7, &[(2, b"XX"), (2, b"yy"), (0, b"ab")]);
        assert_eq!((bytes.as_slice(), lost, conflicts), (&b"abXX"[..], 0, 2));
    }

    #[test]
    fn a_hole_is_told_with_its_size() {
        let (bytes, lost, _) = run(7, &[(0, b"ab"), (5, b"fg")]);
        assert_eq!((bytes.as_slice(), lost), (&b"abfg"[..], 3));
    }
}
