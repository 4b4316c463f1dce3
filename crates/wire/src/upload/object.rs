//! An object on its way: what came of it, and what is told of it.

use std::collections::HashMap;

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
    pub(super) flow: Flow,
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
    pub(super) fn new(key: Key, flow: &Flow, message: &Message) -> Self {
        Self {
            key,
            flow: flow.clone(),
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

    /// Puts what a request brings into its place, if there is room; gives what has none.
    pub(super) fn take(
        &mut self,
        message: &Message,
        piece: &Piece,
        room: usize,
        limits: &Limits,
    ) -> Vec<(Flow, Message)> {
        let part = Part::of(message);
        let named =
            |names: &HashMap<String, u64>, name: &str| names.get(name).copied().unwrap_or(names.len() as u64);
        let (number, name) = match &piece.place {
            Place::At(number) | Place::Block(number) | Place::Range { from: number, .. } => (*number, ""),
            Place::Named(name) => (named(&self.names, name), name.as_str()),
            Place::End | Place::List | Place::Blocks(_) => {
                self.ended_by(message);
                return Vec::new();
            }
        };
        if part.cost() + name.len() + COST > room.saturating_sub(self.held())
            || self.parts.len() >= MOST_PARTS
        {
            self.fault = Some("parts beyond a limit");
            let mut alone = message.clone();
            alone.fields.push(Field { name: "limit", value: Value::Text("parts of uploads".to_owned()) });
            return vec![(self.flow.clone(), alone)];
        }
        let outside = match piece.place {
            Place::Range { whole, .. } => {
                self.whole = self.whole.or(whole);
                self.parts.range(number, part)
            }
            _ => {
                if !name.is_empty() && self.names.insert(name.to_owned(), number).is_none() {
                    self.names_held += name.len() + COST;
                }
                self.parts.numbered(number, part)
            }
        };
        outside.into_iter().filter_map(|part| self.told(vec![part], false, limits)).collect()
    }

    /// Keeps the numbered parts that the list in a request names, and gives the others back; says whether the list was
    /// read and all of it is there.
    pub(super) fn numbered(
        &mut self,
        end: &Message,
        over: &mut Vec<(Flow, Message)>,
        limits: &Limits,
    ) -> bool {
        let Some(listed) = list::numbers(end) else { return false };
        let others = self.parts.keep(|number| listed.contains(&number));
        over.extend(others.into_iter().filter_map(|part| self.told(vec![part], false, limits)));
        self.parts.len() == listed.len()
    }

    /// Puts named blocks into the order of the list in a request; gives those back that it does not name; says whether
    /// the list was read and all of it is there.
    pub(super) fn listed(
        &mut self,
        list: &Message,
        over: &mut Vec<(Flow, Message)>,
        limits: &Limits,
    ) -> bool {
        let Some(listed) = list::names(list) else { return false };
        let mut blocks = std::mem::take(&mut self.parts);
        let mut whole = true;
        for name in listed {
            // A block may be listed twice, and is then in the object twice: more than was sent is not made of it.
            match self.names.get(&name).and_then(|number| blocks.remove(*number)) {
                Some(block) => self.parts.push(block),
                None => whole = false,
            }
        }
        self.parts.contradicted = blocks.contradicted;
        over.extend(
            blocks.keep(|_| false).into_iter().filter_map(|part| self.told(vec![part], false, limits)),
        );
        whole
    }

    /// The object; of ranges with gaps between them, each stretch.
    pub(super) fn joined(mut self, whole: bool, limits: &Limits) -> Vec<(Flow, Message)> {
        if self.parts.contradicted {
            self.fault = Some("parts that were sent twice with other bytes");
        }
        let stretches = std::mem::take(&mut self.parts).stretches();
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
        message.packets = parts.iter().flat_map(|part| part.packets.iter().copied()).collect();
        message.packets.extend(self.ending.iter().filter(|_| complete));
        message.packets.sort_unstable();
        message.packets.dedup();
        message.fields.push(Field { name: "complete", value: Value::Flag(complete) });
        let cut = parts.iter().find_map(|part| part.cut.clone());
        let fault = self.fault.map(|fault| Value::Text(fault.to_owned()));
        let why = cut.or(fault).filter(|_| !complete);
        message.fields.extend(why.map(|value| Field { name: "body_cut", value }));
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
        message
            .fields
            .extend(limit.map(|limit| Field { name: "limit", value: Value::Text(limit.to_owned()) }));
        Some((self.flow.clone(), message))
    }
}

/// What the first request of an upload says of all of it.
fn first(message: &Message) -> Message {
    let mut first = Message { parts: Vec::new(), packets: Vec::new(), ..message.clone() };
    first.fields.retain(|field| !matches!(field.name, "body_cut" | "limit"));
    first
}
