//! The parts of one upload, each in its place.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use creance_model::{Carrier, Flow, Message, Timestamp, Value};

use crate::http::MISSING;

/// What keeping a part costs beside its bytes and packets.
pub(super) const COST: usize = 320;

/// What one request brought, or a stretch of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) flow: Flow,
    pub(super) time: Timestamp,
    /// Stretches of one request share them.
    pub(super) packets: Arc<[u64]>,
    /// Bytes that the message took; of several stretches, the first has them all.
    pub(super) sent: u64,
    /// Why it is not all there, if it is not.
    pub(super) cut: Option<Value>,
    /// What keeping it takes, in bytes.
    pub(super) cost: usize,
}

impl Part {
    pub(super) fn of(flow: &Flow, message: &Message) -> Self {
        let bytes = body(message).to_vec();
        Self {
            cost: bytes.len() + size_of_val(message.packets.as_slice()) + COST,
            bytes,
            flow: flow.clone(),
            time: message.time,
            packets: message.packets.as_slice().into(),
            sent: message.bytes,
            cut: why_cut(message),
        }
    }

    /// A stretch of it that is `length` bytes long.
    fn stretch(&self, from: usize, length: usize) -> Self {
        let bytes = self.bytes.get(from..).unwrap_or_default();
        let bytes = bytes.get(..length).unwrap_or(bytes).to_vec();
        let cost = bytes.len() + COST;
        Self {
            bytes,
            cost,
            sent: 0,
            flow: self.flow.clone(),
            packets: Arc::clone(&self.packets),
            cut: None,
            time: self.time,
        }
    }
}

/// What the places are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Places {
    /// Numbers, one after the other.
    #[default]
    Numbers,
    /// Offsets, of ranges that do not overlap and are not empty.
    Offsets,
    /// The order of arrival, which says nothing of the order in the object.
    Arrival,
}

/// Parts in their places.
#[derive(Debug, Default)]
pub(super) struct Parts {
    kind: Places,
    places: BTreeMap<u64, Part>,
    held: usize,
    reach: u64,
    /// Whether a place was sent twice with other bytes: which of them the store took is not known.
    pub(super) contradicted: bool,
}

impl Parts {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The bytes of all of them.
    pub(super) fn bytes(&self) -> u64 {
        self.places.values().map(|part| part.bytes.len() as u64).sum()
    }

    /// What keeping them takes, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// How far ranges go from the beginning without a gap.
    pub(super) const fn reach(&self) -> u64 {
        self.reach
    }

    /// Puts a part into its place; gives back what is in the object no more, or never, and left all the same. One that is
    /// sent again takes the place of the one before, unless it is cut and that one is not.
    pub(super) fn numbered(&mut self, number: u64, part: Part) -> Option<Part> {
        let Some(before) = self.remove(number) else {
            self.insert(number, part);
            return None;
        };
        let worse = part.cut.is_some() && before.cut.is_none();
        let (kept, other) = if worse { (before, part) } else { (part, before) };
        self.contradicted |= kept.cut.is_none() && other.cut.is_none() && kept.bytes != other.bytes;
        let within = kept.bytes.starts_with(&other.bytes);
        self.insert(number, kept);
        (!within).then_some(other)
    }

    /// As [`numbered`](Self::numbered), of numbers that a list will put in order.
    pub(super) fn named(&mut self, number: u64, part: Part) -> Option<Part> {
        self.kind = Places::Arrival;
        self.numbered(number, part)
    }

    /// Puts in what is not known yet of a range; gives it back if it has no place: because it says something else of bytes
    /// that are known, or because bytes are missing within, and those behind are not where they were.
    pub(super) fn range(&mut self, from: u64, part: Part) -> Option<Part> {
        self.kind = Places::Offsets;
        let Some(end) = from.checked_add(part.bytes.len() as u64) else { return Some(part) };
        let holed = part.cut.as_ref().is_some_and(|why| *why == Value::Text(MISSING.to_owned()));
        // Gaps between the ranges that are known.
        let (mut gaps, mut at) = (Vec::new(), from);
        let before = self.places.range(..from).next_back();
        let behind = self.places.range((Bound::Included(from), Bound::Excluded(end)));
        for (known_from, known) in before.into_iter().chain(behind) {
            let known_end = known_from + known.bytes.len() as u64;
            let (first, last) = (from.max(*known_from), end.min(known_end));
            if first >= last {
                continue;
            }
            if holed
                || within(&part.bytes, from, first, last) != within(&known.bytes, *known_from, first, last)
            {
                self.contradicted = true;
                return Some(part);
            }
            gaps.push((at, first));
            at = last;
        }
        if holed {
            return Some(part);
        }
        gaps.push((at, end));
        gaps.retain(|(first, last)| first < last);
        if gaps == [(from, end)] {
            // A range that ends early is a shorter one; the rest of it may come as another.
            self.insert(from, Part { cut: None, ..part });
        } else {
            let mut whole = Some(part.sent).zip(Some(size_of_val(&*part.packets)));
            for (first, last) in gaps {
                let place = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
                let mut stretch = part.stretch(place(first), place(last) - place(first));
                if let Some((sent, packets)) = whole.take() {
                    stretch.sent = sent;
                    stretch.cost += packets;
                }
                self.insert(first, stretch);
            }
        }
        while let Some(next) = self.places.get(&self.reach) {
            self.reach += next.bytes.len() as u64;
        }
        None
    }

    /// Puts a part behind all others, or so that it does not follow them: something between is missing.
    pub(super) fn push(&mut self, part: Part, apart: bool) {
        let next = self.places.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        self.insert(next.saturating_add(apart.into()), part);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Part> {
        let part = self.places.remove(&number)?;
        self.held -= part.cost;
        Some(part)
    }

    /// Keeps some and gives the others, in order.
    pub(super) fn keep(&mut self, kept: impl Fn(u64) -> bool) -> Vec<Part> {
        let others: Vec<u64> = self.places.keys().copied().filter(|number| !kept(*number)).collect();
        others.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// The parts in order. Of a whole that is known, all that is numbered follows each other; else what is known to.
    pub(super) fn stretches(self, whole: bool) -> Vec<Vec<Part>> {
        let mut stretches: Vec<Vec<Part>> = Vec::new();
        let (mut next, mut cut) = (None, false);
        for (place, part) in self.places {
            let follows = match self.kind {
                Places::Numbers => !cut && (whole || next == Some(place)),
                Places::Offsets => next == Some(place),
                Places::Arrival => false,
            };
            next = match self.kind {
                Places::Offsets => place.checked_add(part.bytes.len() as u64),
                _ => place.checked_add(1),
            };
            cut = part.cut.is_some();
            match stretches.last_mut() {
                Some(stretch) if follows => stretch.push(part),
                _ => stretches.push(vec![part]),
            }
        }
        stretches
    }

    fn insert(&mut self, number: u64, part: Part) {
        self.held += part.cost;
        if let Some(before) = self.places.insert(number, part) {
            self.held -= before.cost;
        }
    }
}

/// The bytes between two offsets of what begins at a third.
fn within(bytes: &[u8], begin: u64, first: u64, last: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(first - begin).ok()?..usize::try_from(last - begin).ok()?)
}

/// Why a part is not all there, if it is not. Of one that the store copies from elsewhere, nothing is.
fn why_cut(message: &Message) -> Option<Value> {
    let copied = message.parts.iter().any(|part| {
        part.carrier() == Carrier::Header && part.parent().is_none() && part.step().ends_with("-copy-source")
    });
    let copied = copied.then(|| Value::Text("a part that the store copied".to_owned()));
    message.field("body_cut").cloned().or(copied)
}

/// The body of a request.
pub(super) fn body(message: &Message) -> &[u8] {
    let root = message.parts.iter().find(|part| part.carrier() == Carrier::Body && part.parent().is_none());
    root.map(creance_model::Part::bytes).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use crate::fixture::flow;
    use proptest::prelude::*;

    fn part(bytes: &[u8], packet: u64) -> Part {
        Part {
            bytes: bytes.to_vec(),
            flow: flow(),
            time: Timestamp::default(),
            packets: [packet].into(),
            sent: 1,
            cut: None,
            cost: bytes.len() + 8 + COST,
        }
    }

    proptest! {
        /// Ranges of one file make stretches of it, however they overlap and whenever they come; each byte is of the
        /// first packet that brought it; and what is held is what the parts cost.
        #[test]
        fn ranges_in_any_order_make_the_file(
            file in prop::collection::vec(any::<u8>(), 1..200),
            begin in prop::sample::select(vec![0, 7, u64::MAX - 200]),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..30),
        ) {
            let mut parts = Parts::default();
            let mut first = vec![None; file.len()];
            for (packet, (from, length)) in cuts.iter().enumerate() {
                let from = from.index(file.len());
                let to = file.len().min(from + length);
                prop_assert!(parts.range(begin + from as u64, part(&file[from..to], packet as u64)).is_none());
                first[from..to].iter_mut().for_each(|by| { by.get_or_insert(packet as u64); });
            }
            prop_assert!(!parts.contradicted);
            let reach = first.iter().take_while(|by| by.is_some() && begin == 0).count();
            prop_assert_eq!(parts.reach(), reach as u64);
            prop_assert_eq!(parts.held(), parts.places.values().map(|part| part.cost).sum::<usize>());
            prop_assert_eq!(parts.bytes(), first.iter().flatten().count() as u64);
            let mut made = vec![None; file.len()];
            for (from, part) in &parts.places {
                for (at, byte) in part.bytes.iter().enumerate() {
                    let at = usize::try_from(*from - begin).unwrap() + at;
                    prop_assert_eq!(*byte, file[at]);
                    prop_assert!(made[at].replace(part.packets[0]).is_none());
                }
            }
            prop_assert_eq!(&made, &first);
            let gaps = made.chunk_by(|one, other| one.is_some() == other.is_some()).filter(|run| run[0].is_some()).count();
            prop_assert_eq!(parts.stretches(true).len(), gaps);
        }

        /// A range that says another thing of one byte is given back whole, and changes nothing.
        #[test]
        fn a_range_that_contradicts_is_given_back(
            file in prop::collection::vec(any::<u8>(), 1..100),
            at in any::<prop::sample::Index>(),
        ) {
            let mut parts = Parts::default();
            let half = file.len().div_ceil(2);
            prop_assert!(parts.range(0, part(&file[..half], 1)).is_none());
            let mut other = file.clone();
            other[at.index(half)] ^= 1;
            let back = parts.range(0, part(&other, 2));
            prop_assert_eq!(back.map(|part| part.bytes), Some(other));
            prop_assert!(parts.contradicted && parts.reach() == half as u64 && parts.len() == 1);
        }
    }
}
