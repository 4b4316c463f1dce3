//! An object on its way: what came of it, and what is told of it.

use std::collections::{BTreeMap, HashMap};

use creance_model::{Carrier, Field, Flow, Message, Value};

use super::{
    Key, Piece, list,
    part::{COST, Part, Parts},
    piece::Place,
};
use crate::{Limits, body::Tree, http};

/// Parts of one upload; S3 allows ten thousand.
pub(super) const MOST_PARTS: usize = 20_000;

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) key: Key,
    /// What is said of the object: the first request, without its content.
    pub(super) first: Message,
    pub(super) encodings: Vec<String>,
    pub(super) parts: Parts,
    /// The numbers of named blocks, and what the names take.
    names: HashMap<String, u64>,
    names_held: usize,
    /// The length of the whole, where ranges told it.
    pub(super) whole: Option<u64>,
    /// Why the object cannot be told to be complete, whatever its parts are.
    pub(super) fault: Option<&'static str>,
    /// The packets of the request that ended it.
    ending: Vec<u64>,
    /// The connection on which a store is to answer how a block is called.
    pub(super) waits: Option<u64>,
}

impl Upload {
    pub(super) fn new(key: Key, message: &Message) -> Self {
        Self {
            key,
            first: first(message),
            encodings: http::encodings_of(message),
            parts: Parts::default(),
            names: HashMap::new(),
            names_held: 0,
            whole: None,
            fault: None,
            ending: Vec::new(),
            waits: None,
        }
    }

    /// What its parts take, in bytes.
    pub(super) const fn held(&self) -> usize {
        self.parts.held() + self.names_held
    }

    pub(super) fn ended_by(&mut self, message: &Message) {
        self.ending.clone_from(&message.packets);
    }

    /// Puts what a request brings into its place; gives what has none.
    pub(super) fn take(
        &mut self,
        part: Part,
        piece: &Piece,
        room: usize,
        limits: &Limits,
    ) -> Vec<(Flow, Message)> {
        if part.cost + piece.name().len() + COST > room.saturating_sub(self.held())
            || self.parts.len() >= MOST_PARTS
        {
            self.fault = Some("parts beyond a limit");
            return self.alone(vec![part], Some("parts of uploads"), limits);
        }
        let outside = match &piece.place {
            Place::At(number) => self.parts.numbered(*number, part),
            Place::Named(name) => {
                let number = self.names.get(name).copied().unwrap_or(self.names.len() as u64);
                if self.names.insert(name.clone(), number).is_none() {
                    self.names_held += name.len() + COST;
                }
                self.parts.named(number, part)
            }
            Place::Range { from, .. } | Place::Block(from) => self.parts.range(*from, part),
            Place::Length(_) | Place::End | Place::List | Place::Blocks(_) => None,
        };
        self.alone(outside.into_iter().collect(), None, limits)
    }

    /// Whether ranges are all there of a whole whose length is known, from now on if it is told here; nothing if not.
    pub(super) fn reaches(&mut self, whole: Option<u64>) -> Option<bool> {
        self.whole = self.whole.or(whole);
        (self.parts.reach() >= self.whole?).then_some(true)
    }

    /// Parts that are not in the object, each told alone.
    fn alone(&self, parts: Vec<Part>, limit: Option<&'static str>, limits: &Limits) -> Vec<(Flow, Message)> {
        let mut told: Vec<_> =
            parts.into_iter().filter_map(|part| self.told(vec![part], false, limits)).collect();
        for (_, message) in &mut told {
            message.fields.extend(limit.map(reached));
        }
        told
    }

    /// Keeps the numbered parts that the list in a request names, and gives the others back; says whether all of it is
    /// there, or nothing if the list cannot be read.
    pub(super) fn numbered(
        &mut self,
        end: &Message,
        over: &mut Vec<(Flow, Message)>,
        limits: &Limits,
    ) -> Option<bool> {
        let listed = list::numbers(end)?;
        let others = self.parts.keep(|number| listed.contains(&number));
        over.extend(self.alone(others, None, limits));
        Some(self.parts.len() == listed.len())
    }

    /// Puts named blocks into the order of the list in a request; gives those back that it does not name; says whether all
    /// of it is there, or nothing if the list cannot be read.
    pub(super) fn listed(
        &mut self,
        list: &Message,
        over: &mut Vec<(Flow, Message)>,
        limits: &Limits,
    ) -> Option<bool> {
        let listed = list::names(list)?;
        let mut blocks = std::mem::take(&mut self.parts);
        self.parts.contradicted = blocks.contradicted;
        let (mut whole, mut apart) = (true, false);
        for name in listed {
            // A block may be listed twice, and is then in the object twice: more than was sent is not made of it.
            if let Some(block) = name.and_then(|name| blocks.remove(*self.names.get(name)?)) {
                self.parts.push(block, std::mem::take(&mut apart));
            } else {
                (whole, apart) = (false, true);
            }
        }
        over.extend(self.alone(blocks.keep(|_| false), None, limits));
        Some(whole)
    }

    /// The object; if there are gaps in it, each stretch.
    pub(super) fn joined(mut self, whole: bool, limits: &Limits) -> Vec<(Flow, Message)> {
        if self.parts.contradicted {
            self.fault = Some("parts that were sent twice with other bytes");
        }
        let stretches = std::mem::take(&mut self.parts).stretches(whole);
        let sound = stretches.len() == 1 && stretches.iter().flatten().all(|part| part.cut.is_none());
        let complete = whole && sound && self.fault.is_none();
        stretches.into_iter().filter_map(|stretch| self.told(stretch, complete, limits)).collect()
    }

    /// An object, or a piece of one, as a message.
    pub(super) fn told(&self, parts: Vec<Part>, complete: bool, limits: &Limits) -> Option<(Flow, Message)> {
        let mut message = self.first.clone();
        message.kind = "upload";
        message.bytes = parts.iter().map(|part| part.sent).sum();
        message.time = parts.iter().map(|part| part.time).min()?;
        // Stretches of one request share its packets.
        let sets: BTreeMap<*const u64, &[u64]> =
            parts.iter().map(|part| (part.packets.as_ptr(), &*part.packets)).collect();
        message.packets = sets.into_values().flatten().copied().collect();
        message.packets.extend(self.ending.iter().filter(|_| complete));
        message.packets.sort_unstable();
        message.packets.dedup();
        message.fields.push(Field { name: "complete", value: Value::Flag(complete) });
        let cut = parts.iter().find_map(|part| part.cut.clone());
        let fault = self.fault.map(|fault| Value::Text(fault.to_owned()));
        let why = cut.or(fault).filter(|_| !complete);
        message.fields.extend(why.map(|value| Field { name: "body_cut", value }));
        let flow = parts.first()?.flow.clone();
        let object = parts.into_iter().map(|part| part.bytes).reduce(|mut object, part| {
            object.extend_from_slice(&part);
            object
        })?;
        if object.is_empty() {
            return None;
        }
        let media_type = message.text("content_type").map(str::to_owned);
        let mut tree = Tree::new(limits);
        let part = tree.root(Carrier::Body, "object joined from its parts", object, None);
        let part = http::decoded(&mut tree, part, &self.encodings);
        tree.content(part, media_type.as_deref());
        let (parts, limit) = tree.done();
        message.parts = parts;
        message.fields.extend(limit.map(reached));
        Some((flow, message))
    }
}

/// Says that a limit was reached.
pub(super) fn reached(limit: &'static str) -> Field {
    Field { name: "limit", value: Value::Text(limit.to_owned()) }
}

/// What the first request of an upload says of all of it.
fn first(message: &Message) -> Message {
    let mut first =
        Message { parts: creance_model::Parts::default(), packets: Vec::new(), ..message.clone() };
    first.fields.retain(|field| !matches!(field.name, "body_cut" | "limit"));
    first
}
