//! The parts of one upload, each in its place.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use creance_model::{Carrier, Message, Timestamp, Value};

use crate::http::MISSING;

/// What keeping a part costs beside its bytes and packets.
pub(super) const COST: usize = 128;

/// What one request brought, or a stretch of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) time: Timestamp,
    pub(super) packets: Arc<[u64]>,
    /// Bytes that the message took.
    pub(super) sent: u64,
    /// Why it is not all there, if it is not.
    pub(super) cut: Option<Value>,
}

impl Part {
    pub(super) fn of(message: &Message) -> Self {
        Self {
            bytes: body(message).to_vec(),
            time: message.time,
            packets: message.packets.as_slice().into(),
            sent: message.bytes,
            cut: why_cut(message),
        }
    }

    /// What keeping it takes, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.packets) + COST
    }

    /// A stretch of it that is `length` bytes long.
    fn stretch(&self, from: usize, length: usize) -> Self {
        let bytes = self.bytes.get(from..).unwrap_or_default();
        let bytes = bytes.get(..length).unwrap_or(bytes).to_vec();
        let (packets, cut) = (Arc::clone(&self.packets), self.cut.clone());
        Self { bytes, packets, cut, sent: 0, ..*self }
    }
}

/// Parts by number; or ranges by offset, which do not overlap and are not empty.
#[derive(Debug, Default)]
pub(super) struct Parts {
    places: BTreeMap<u64, Part>,
    held: usize,
    ranged: bool,
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

    /// Puts in what is not known yet of a range; gives it back if it has no place: because it says something else of bytes
    /// that are known, or because bytes are missing within, and those behind are not where they were.
    pub(super) fn range(&mut self, from: u64, mut part: Part) -> Option<Part> {
        self.ranged = true;
        if part.cut.as_ref().is_some_and(|why| *why == Value::Text(MISSING.to_owned())) {
            return Some(part);
        }
        // A range that ends early is a shorter one; the rest of it may come as another.
        part.cut = None;
        let end = from.saturating_add(part.bytes.len() as u64);
        // Gaps between the ranges that are known: offset and length within this part.
        let (mut gaps, mut at) = (Vec::new(), from);
        let before = self.places.range(..from).next_back();
        let behind = self.places.range((Bound::Included(from), Bound::Excluded(end)));
        for (known_from, known) in before.into_iter().chain(behind) {
            let known_end = known_from + known.bytes.len() as u64;
            let (first, last) = (from.max(*known_from), end.min(known_end));
            if first >= last {
                continue;
            }
            let of = |bytes: &[u8], begin: u64| {
                let within = usize::try_from(first - begin).ok()?..usize::try_from(last - begin).ok()?;
                bytes.get(within).map(<[u8]>::to_vec)
            };
            if of(&part.bytes, from) != of(&known.bytes, *known_from) {
                self.contradicted = true;
                return Some(part);
            }
            gaps.push((at, first));
            at = last;
        }
        gaps.push((at, end));
        gaps.retain(|(first, last)| first < last);
        let mut sent = part.sent;
        if let [_] = gaps.as_slice()
            && at == from
        {
            self.insert(from, part);
        } else {
            for (first, last) in gaps {
                let within = |at: u64| usize::try_from(at - from).unwrap_or(usize::MAX);
                let stretch = part.stretch(within(first), within(last) - within(first));
                self.insert(first, Part { sent: std::mem::take(&mut sent), ..stretch });
            }
        }
        while let Some(next) = self.places.get(&self.reach) {
            self.reach += next.bytes.len() as u64;
        }
        None
    }

    /// Puts a part behind all others.
    pub(super) fn push(&mut self, part: Part) {
        let next = self.places.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        self.insert(next, part);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Part> {
        let part = self.places.remove(&number)?;
        self.held -= part.cost();
        Some(part)
    }

    /// Keeps some and gives the others, in order.
    pub(super) fn keep(&mut self, kept: impl Fn(u64) -> bool) -> Vec<Part> {
        let others: Vec<u64> = self.places.keys().copied().filter(|number| !kept(*number)).collect();
        others.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// The parts in order; ranges as stretches between gaps. A stretch that does not begin at the beginning stands behind
    /// an empty one.
    pub(super) fn stretches(self) -> Vec<Vec<Part>> {
        let (mut stretches, mut reach): (Vec<Vec<Part>>, u64) = (vec![Vec::new()], 0);
        for (from, part) in self.places {
            if self.ranged && from != reach {
                stretches.push(Vec::new());
            }
            reach = from.saturating_add(part.bytes.len() as u64);
            if let Some(stretch) = stretches.last_mut() {
                stretch.push(part);
            }
        }
        stretches
    }

    fn insert(&mut self, number: u64, part: Part) {
        self.held += part.cost();
        if let Some(before) = self.places.insert(number, part) {
            self.held -= before.cost();
        }
    }
}

/// Why a part is not all there, if it is not. Of one that the store copies from elsewhere, nothing is.
fn why_cut(message: &Message) -> Option<Value> {
    let copied = message.parts.iter().any(|part| {
        part.carrier == Carrier::Header && part.parent.is_none() && part.step.ends_with("-copy-source")
    });
    let copied = copied.then(|| Value::Text("a part that the store copied".to_owned()));
    message.field("body_cut").cloned().or(copied)
}

/// The body of a request.
pub(super) fn body(message: &Message) -> &[u8] {
    let root = message.parts.iter().find(|part| part.carrier == Carrier::Body && part.parent.is_none());
    root.map(|part| part.bytes.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(bytes: &[u8], packet: u64) -> Part {
        Part {
            bytes: bytes.to_vec(),
            time: Timestamp::default(),
            packets: [packet].into(),
            sent: 1,
            cut: None,
        }
    }

    proptest! {
        /// Ranges of one file make stretches of it, however they overlap and whenever they come; each byte is of the
        /// first packet that brought it; and what is held is what the parts cost.
        #[test]
        fn ranges_in_any_order_make_the_file(
            file in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..30),
        ) {
            let mut parts = Parts::default();
            let mut first = vec![None; file.len()];
            for (packet, (from, length)) in cuts.iter().enumerate() {
                let from = from.index(file.len());
                let to = file.len().min(from + length);
                prop_assert!(parts.range(from as u64, part(&file[from..to], packet as u64)).is_none());
                first[from..to].iter_mut().for_each(|by| { by.get_or_insert(packet as u64); });
            }
            prop_assert!(!parts.contradicted);
            let reach = first.iter().take_while(|by| by.is_some()).count();
            prop_assert_eq!(parts.reach(), reach as u64);
            prop_assert_eq!(parts.held(), parts.places.values().map(Part::cost).sum::<usize>());
            let mut made = vec![None; file.len()];
            for (from, part) in &parts.places {
                for (at, byte) in part.bytes.iter().enumerate() {
                    let at = usize::try_from(*from).unwrap() + at;
                    prop_assert_eq!(*byte, file[at]);
                    prop_assert!(made[at].replace(part.packets[0]).is_none());
                }
            }
            prop_assert_eq!(&made, &first);
            let gaps = made.chunk_by(|one, other| one.is_some() == other.is_some()).filter(|run| run[0].is_some()).count();
            let stretches = parts.stretches().into_iter().filter(|stretch| !stretch.is_empty()).count();
            prop_assert_eq!(stretches, gaps);
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
