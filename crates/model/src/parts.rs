//! The parts of a message: a tree of contents, kept so that a value takes little memory and no allocation of its own.
//!
//! A document may be of thousands of values. Each is a stretch of the bytes that it was read from, its name is kept once
//! however often it comes, and the way that leads to it is put into words when somebody asks:
//!
//! ```text
//! entries   carrier │ parent │ step │ name │ place        32 bytes for each part
//!                                │      │      └────────▶ stores    whole bodies, and what they were decoded to
//!                                └──────┴───────────────▶ words     keys, names and other steps, each once
//! ```

mod content;
mod part;
mod words;

use std::{fmt, sync::Arc};

use crate::Carrier;
use words::{Words, narrow};

pub use content::{Content, Lent, Place};
pub use part::{Part, Step};

/// The parts of one message.
///
/// They form a tree: a body, what its decompression gives, each field of the JSON inside, … A part without a name is a
/// container or raw content; a part with a name is a named field, whose siblings share its parent.
#[derive(Clone, Default)]
pub struct Parts {
    entries: Vec<Entry>,
    /// Short contents, one behind another: the first store.
    short: Vec<u8>,
    /// Long contents: the other stores.
    long: Vec<Arc<Vec<u8>>>,
    words: Words,
    /// What stands in front of the colon in steps.
    kinds: Vec<&'static str>,
    /// Media types of parts, in the order of the parts.
    media_types: Vec<(usize, String)>,
    /// Packets of parts, in the order of the parts.
    packets: Vec<(usize, Vec<u64>)>,
}

/// What is kept of each part.
#[derive(Clone, Copy)]
struct Entry {
    carrier: Carrier,
    step: Kept,
    /// [`NONE`] for parts that hang on the message itself.
    parent: u32,
    /// The number of a word, or [`NONE`].
    name: u32,
    place: Place,
}

const NONE: u32 = u32::MAX;

/// A step: kinds by their places, words by their numbers.
#[derive(Clone, Copy)]
enum Kept {
    Word(u32),
    Of(u8, u32),
    Document(u8),
    Key(u32),
    Index(u32),
}

/// Bytes of a content from which on it has a store of its own.
const LONG: usize = 1024;

/// Bytes that short contents take together, at most.
const MOST_SHORT: usize = 1 << 30;

impl Parts {
    /// One part that hangs on the message itself.
    pub fn one<'a>(carrier: Carrier, step: impl Into<Step<'a>>, bytes: impl Into<Content<'a>>) -> Self {
        let mut parts = Self::default();
        parts.add(carrier, None, step, None, bytes);
        parts
    }

    /// Adds a part, and says which it is. Its packets are those of its parent.
    ///
    /// A parent comes before its children. Of a content of 4 GB or more, the beginning is kept.
    #[inline]
    pub fn add<'a>(
        &mut self,
        carrier: Carrier,
        parent: Option<usize>,
        step: impl Into<Step<'a>>,
        name: Option<&str>,
        bytes: impl Into<Content<'a>>,
    ) -> usize {
        let number = name.map(|name| self.words.number(name));
        // The last key is the name of most fields.
        let mut known = |word: &str| match number {
            Some(number) if name == Some(word) => number,
            _ => self.words.number(word),
        };
        let step = match step.into() {
            Step::Word(word) => Kept::Word(self.words.find(word)),
            Step::Of(kind, word) => {
                let word = known(word);
                Kept::Of(self.kind(kind), word)
            }
            Step::Document(kind) => Kept::Document(self.kind(kind)),
            Step::Key(key) => Kept::Key(known(key)),
            Step::Index(index) => Kept::Index(narrow(index)),
        };
        let place = self.put(bytes.into());
        let parent = parent.map_or(NONE, narrow);
        self.entries.push(Entry { carrier, step, parent, name: number.unwrap_or(NONE), place });
        self.entries.len() - 1
    }

    fn kind(&mut self, kind: &'static str) -> u8 {
        let known = self.kinds.iter().position(|known| *known == kind);
        let place = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        // There are few, for they stand in programs.
        u8::try_from(place).unwrap_or(u8::MAX)
    }

    fn put(&mut self, content: Content<'_>) -> Place {
        let bytes = match &content {
            Content::At(place) => return *place,
            Content::Own(bytes) => bytes.as_slice(),
            Content::Copy(bytes) => bytes,
        };
        let length = narrow(bytes.len());
        if bytes.len() < LONG && self.short.len() < MOST_SHORT {
            let start = narrow(self.short.len());
            self.short.extend_from_slice(bytes);
            return Place { store: 0, start, length };
        }
        self.long.push(Arc::new(match content {
            Content::Own(bytes) => bytes,
            _ => bytes.to_vec(),
        }));
        Place { store: narrow(self.long.len()), start: 0, length }
    }

    /// How many parts there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A part.
    pub fn get(&self, index: usize) -> Option<Part<'_>> {
        self.entries.get(index).map(|entry| Part { parts: self, index, entry })
    }

    /// The first part.
    pub fn first(&self) -> Option<Part<'_>> {
        self.get(0)
    }

    /// The last part.
    pub fn last(&self) -> Option<Part<'_>> {
        self.get(self.len().checked_sub(1)?)
    }

    /// All parts; children come behind their parents.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Part<'_>> + ExactSizeIterator + Clone {
        let each = self.entries.iter().enumerate();
        each.map(|(index, entry)| Part { parts: self, index, entry })
    }

    /// Fields of this name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Part<'_>> {
        // Most that are asked for are not there.
        let number = self.words.known(name);
        let all = number.map(|number| self.iter().filter(move |part| part.entry.name == number));
        all.into_iter().flatten()
    }

    /// Leaves the first `length` parts.
    pub fn truncate(&mut self, length: usize) {
        self.entries.truncate(length);
        let long = self.entries.iter().map(|entry| entry.place.store).max();
        let end = End { parts: length, short: self.short.len(), long: long.unwrap_or(0) as usize };
        self.back(end);
    }

    /// Leaves no part.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Where the parts end: they may be cut [`back`](Self::back) to here.
    pub const fn end(&self) -> End {
        End { parts: self.entries.len(), short: self.short.len(), long: self.long.len() }
    }

    /// Takes away what was added since.
    pub fn back(&mut self, end: End) {
        self.entries.truncate(end.parts);
        self.short.truncate(end.short);
        self.long.truncate(end.long);
        self.media_types.truncate(self.media_types.partition_point(|(part, _)| *part < end.parts));
        self.packets.truncate(self.packets.partition_point(|(part, _)| *part < end.parts));
    }

    /// Makes room for so many parts.
    pub fn reserve(&mut self, parts: usize) {
        self.entries.reserve(parts);
    }

    /// Says of which media type the content of a part is.
    pub fn set_media_type(&mut self, part: usize, media_type: impl Into<String>) {
        set(&mut self.media_types, part, media_type.into());
    }

    /// Says which packets carried a part; of none, it is those of its parent.
    pub fn set_packets(&mut self, part: usize, packets: Vec<u64>) {
        set(&mut self.packets, part, packets);
    }

    /// Where the bytes of a part lie, for parts of it.
    pub fn place(&self, part: usize) -> Place {
        self.entries.get(part).map(|entry| entry.place).unwrap_or_default()
    }

    /// The bytes of a part, to be read while others are added.
    pub fn lend(&self, part: usize) -> Lent {
        let place = self.place(part);
        let long = (place.store as usize).checked_sub(1).and_then(|long| self.long.get(long));
        let Some(store) = long else {
            let bytes = self.at(place).to_vec();
            return Lent { start: 0, end: bytes.len(), store: Arc::new(bytes) };
        };
        let start = place.start as usize;
        Lent { store: Arc::clone(store), start, end: start + place.length as usize }
    }

    fn at(&self, place: Place) -> &[u8] {
        let start = place.start as usize;
        self.store(place.store as usize).get(start..start + place.length as usize).unwrap_or_default()
    }

    fn store(&self, store: usize) -> &[u8] {
        match store.checked_sub(1) {
            Some(long) => self.long.get(long).map(|bytes| bytes.as_slice()).unwrap_or_default(),
            None => &self.short,
        }
    }

    /// The stores: what all parts hold lies in them, what many hold but once.
    pub fn stores(&self) -> impl Iterator<Item = &[u8]> {
        (0..=self.long.len()).map(|store| self.store(store))
    }

    /// How many different names there are at most: each [`Part::name_number`] is less.
    pub const fn names(&self) -> usize {
        self.words.len()
    }

    /// What they take, in bytes.
    pub fn held(&self) -> usize {
        let long: usize = self.long.iter().map(|bytes| bytes.capacity()).sum();
        self.entries.capacity() * size_of::<Entry>() + self.short.capacity() + long + self.words.held()
    }

    /// The steps from the message to a part, outermost first. Of a document it is one, the pointer to the value: it
    /// says what lies above in it, and a deep document is not told once for each level.
    pub fn decode_path(&self, part: usize) -> Vec<String> {
        let mut steps = Vec::new();
        let mut said = false;
        for part in self.up(part) {
            if !said {
                steps.push(part.step().into_owned());
            }
            said = part.points_below();
        }
        steps.reverse();
        steps
    }

    /// A part, and those above it, outermost last.
    pub fn up(&self, part: usize) -> impl Iterator<Item = Part<'_>> {
        std::iter::successors(self.get(part), |part| self.get(part.parent()?))
    }

    /// The packets that are said of a part, or else of the nearest one above it.
    pub(crate) fn packets_of(&self, part: usize) -> Option<&[u64]> {
        self.up(part).map(Part::packets).find(|packets| !packets.is_empty())
    }
}

/// Where parts ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct End {
    parts: usize,
    short: usize,
    long: usize,
}

impl End {
    /// How many parts there were.
    pub const fn parts(self) -> usize {
        self.parts
    }
}

fn set<T>(list: &mut Vec<(usize, T)>, part: usize, what: T) {
    // Mostly it is said of the part that was added last.
    match list.binary_search_by_key(&part, |(known, _)| *known) {
        Ok(at) => drop(list.get_mut(at).map(|known| std::mem::replace(&mut known.1, what))),
        Err(at) => list.insert(at, (part, what)),
    }
}

fn find<T>(list: &[(usize, T)], part: usize) -> Option<&T> {
    let at = list.binary_search_by_key(&part, |(known, _)| *known).ok()?;
    list.get(at).map(|(_, what)| what)
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{part::MOST_POINTER, *};

    fn document() -> Parts {
        let mut parts = Parts::one(Carrier::Body, "request body", "{}");
        let root = parts.add(Carrier::Body, Some(0), Step::Document("json"), None, "");
        let user = parts.add(Carrier::Body, Some(root), Step::Key("a/b~"), None, "");
        let list = parts.add(Carrier::Body, Some(user), Step::Key("list"), None, "");
        parts.add(Carrier::Body, Some(list), Step::Index(12), Some("list"), "x");
        parts.add(Carrier::Body, Some(user), Step::Key("mail"), Some("mail"), "a@b.example");
        parts.add(Carrier::Header, None, Step::Of("header", "x-id"), Some("x-id"), "7");
        parts
    }

    #[test]
    fn the_way_to_a_value_is_a_pointer() {
        let parts = document();
        let steps: Vec<_> = parts.iter().map(Part::step).collect();
        let expected = [
            "request body",
            "json:/",
            "json:/a~1b~0",
            "json:/a~1b~0/list",
            "json:/a~1b~0/list/12",
            "json:/a~1b~0/mail",
            "header:x-id",
        ];
        assert_eq!(steps, expected);
        for part in parts.iter() {
            assert!(expected.iter().all(|step| part.is(step) == (part.step() == *step)), "{part:?}");
        }
        assert_eq!(parts.decode_path(4), ["request body", "json:/a~1b~0/list/12"]);
        assert_eq!(parts.decode_path(1), ["request body", "json:/"]);
        assert_eq!(parts.decode_path(6), ["header:x-id"]);
        let last = parts.last().unwrap();
        assert_eq!(
            (last.step_of("header"), last.step_of("head"), last.name()),
            (Some("x-id"), None, Some("x-id"))
        );
    }

    #[test]
    fn a_document_is_one_step_of_a_way_and_a_document_in_it_another() {
        let mut parts = Parts::one(Carrier::Body, "request body", "");
        for (parent, step) in
            ["xml:/", "xml:/a", "xml:/a@b", "xml:/", "xml:/ab", "xml:/a", "base64", "xml:/a/b"]
                .iter()
                .enumerate()
        {
            parts.add(Carrier::Body, Some(parent), *step, None, "");
        }
        let way = ["request body", "xml:/a@b", "xml:/ab", "xml:/a", "base64", "xml:/a/b"];
        assert_eq!(parts.decode_path(8), way);
    }

    #[test]
    fn a_word_of_two_halves_is_as_good_as_the_halves() {
        let parts = Parts::one(Carrier::Header, "header:x-id", "");
        let first = parts.first().unwrap();
        assert_eq!((first.step_of("header"), first.is("header:x-id")), (Some("x-id"), true));
    }

    #[test]
    fn the_way_to_a_value_is_cut_where_keys_are_long() {
        let mut parts = Parts::one(Carrier::Body, Step::Document("json"), "");
        for depth in 0..9 {
            parts.add(Carrier::Body, Some(depth), Step::Key(&"ä".repeat(100)), None, "");
        }
        let step = parts.last().unwrap().step();
        assert!(step.len() > MOST_POINTER && step.len() <= "json:".len() + MOST_POINTER, "{}", step.len());
    }

    #[test]
    fn fields_are_found_by_their_names() {
        let parts = document();
        let of = |name| parts.named(name).map(Part::index).collect::<Vec<_>>();
        assert_eq!((of("mail"), of("list"), of("gzip")), (vec![5], vec![4], vec![]));
        // A word that is no name of any.
        assert!(of("a/b~").is_empty());
    }

    #[test]
    fn packets_are_those_of_the_nearest_part_above() {
        let mut parts = document();
        parts.set_packets(5, vec![9]);
        parts.set_packets(1, vec![3, 4]);
        let of = |part| parts.packets_of(part);
        assert_eq!((of(5), of(4), of(0)), (Some([9].as_slice()), Some([3, 4].as_slice()), None));
    }

    /// A stretch of a part before: which, from where, and how long.
    type Stretch = (prop::sample::Index, usize, usize);

    /// Contents long and short, and stretches of those before.
    fn contents() -> impl Strategy<Value = Vec<(Vec<u8>, Option<Stretch>)>> {
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::collection::vec(any::<u8>(), LONG - 2..LONG + 2),
        ];
        let stretch = prop::option::of((any::<prop::sample::Index>(), 0..30_usize, 0..30_usize));
        prop::collection::vec((bytes, stretch), 1..20)
    }

    proptest! {
        #[test]
        fn parts_hold_what_was_put_there_and_lie_in_their_stores(list in contents(), cut in any::<prop::sample::Index>()) {
            let mut parts = Parts::default();
            let mut expected: Vec<Vec<u8>> = Vec::new();
            let mut ends = Vec::new();
            for (number, (bytes, stretch)) in list.iter().enumerate() {
                ends.push(parts.end());
                let content = match stretch {
                    Some((of, from, length)) if number > 0 => {
                        let of = of.index(number);
                        let whole = parts.lend(of);
                        let from = (*from).min(whole.len());
                        let slice = whole.get(from..(from + length).min(whole.len())).unwrap();
                        expected.push(slice.to_vec());
                        Content::At(parts.place(of).of(slice, &whole))
                    }
                    _ => {
                        expected.push(bytes.clone());
                        if number % 2 == 0 { Content::Own(bytes.clone()) } else { Content::Copy(bytes) }
                    }
                };
                parts.add(Carrier::Body, number.checked_sub(1), "base64", None, content);
                parts.set_media_type(number, number.to_string());
            }
            let holds = |parts: &Parts| {
                parts.iter().zip(&expected).all(|(part, bytes)| {
                    let store = parts.stores().nth(part.store()).unwrap();
                    let lies = bytes.is_empty() || store.windows(bytes.len()).any(|some| some == bytes.as_slice());
                    let lent = &*parts.lend(part.index()) == bytes.as_slice();
                    let kind = part.media_type() == Some(part.index().to_string().as_str());
                    part.bytes() == bytes.as_slice() && part.length() == bytes.len() && lies && lent && kind
                })
            };
            prop_assert!(holds(&parts));
            let length = cut.index(list.len());
            let mut fewer = parts.clone();
            fewer.truncate(length);
            prop_assert!(fewer.len() == length && holds(&fewer));
            parts.back(*ends.get(length).unwrap());
            prop_assert!(parts.len() == length && holds(&parts));
        }
    }
}
