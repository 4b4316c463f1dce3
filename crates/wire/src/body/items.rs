//! What CBOR and `MessagePack` have in common: maps, lists and values one behind another, each with its length in front.

use std::borrow::Cow;

use super::{DEEPEST, Stop, Tree, path, path::Path, shape};

/// The head of a map or list, or a whole value.
pub(super) enum Item<'b> {
    /// A map of so many pairs; without a number it goes on to a break.
    Map(Option<u64>),
    /// A list, in the same way.
    List(Option<u64>),
    Break,
    Text(Said<'b>),
    Bytes(Said<'b>),
    /// A whole number, `true` or `false`.
    Word(String),
    /// A number with decimals, as it is written, and whether it took eight bytes.
    Float(f64, String, bool),
    Null,
}

/// Bytes, and how many bits said their length.
pub(super) struct Said<'b> {
    pub(super) bytes: Cow<'b, [u8]>,
    pub(super) bits: u32,
}

/// A reader of one format. An error leaves it where it is.
pub(super) trait Items<'b> {
    const KIND: &'static str;

    fn next(&mut self) -> Result<Item<'b>, Stop>;

    fn is_over(&self) -> bool;
}

/// Adds what the items say to the tree. False if they say nothing; what comes before damage is kept.
pub(super) fn grow<'b, I: Items<'b>>(tree: &mut Tree<'_>, part: usize, items: I) -> bool {
    let before = tree.mark();
    let mut walk = Walk { items, path: Path::new(I::KIND) };
    let mut end = Ok(());
    while end.is_ok() && !walk.items.is_over() {
        end = walk.value(tree, part, None, 0);
    }
    let read = match end {
        Ok(()) => tree.mark() != before,
        Err(Stop::Limit) => true,
        Err(_) => tree.named_since(before) > 0,
    };
    if !read {
        tree.back(before);
    }
    read
}

struct Walk<I> {
    items: I,
    path: Path,
}

impl<'b, I: Items<'b>> Walk<I> {
    fn value(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        name: Option<&str>,
        depth: usize,
    ) -> Result<(), Stop> {
        let item = self.items.next()?;
        self.item(tree, parent, name, depth, item)
    }

    fn item(
        &mut self,
        tree: &mut Tree<'_>,
        parent: usize,
        name: Option<&str>,
        depth: usize,
        item: Item<'b>,
    ) -> Result<(), Stop> {
        if tree.full() {
            return Err(Stop::Limit);
        }
        if depth > DEEPEST {
            tree.reached("depth of parts");
            return Err(Stop::Limit);
        }
        let leaf = |tree: &mut Tree<'_>, bytes| {
            tree.child(parent, &*self.path.step(), bytes, Some(name.unwrap_or_default()))
        };
        match item {
            Item::Text(said) | Item::Bytes(said) => {
                let leaf = leaf(tree, said.bytes.into_owned());
                tree.open(leaf);
            }
            Item::Word(text) | Item::Float(_, text, _) => {
                leaf(tree, text.into_bytes());
            }
            Item::Null => {}
            Item::Break => return Err(Stop::Wrong),
            Item::Map(count) => {
                let map = tree.child(parent, &*self.path.step(), b"".as_slice(), None);
                let mut left = Left(count);
                while left.more() {
                    let key = match self.items.next()? {
                        Item::Break if count.is_none() => break,
                        key => key_text(key)?,
                    };
                    let key = path::key(&key);
                    let back = self.path.enter(key);
                    self.value(tree, map, Some(key), depth + 1)?;
                    self.path.leave(back);
                }
            }
            Item::List(count) => {
                let list = tree.child(parent, &*self.path.step(), b"".as_slice(), None);
                let mut left = Left(count);
                for index in 0_usize.. {
                    if !left.more() {
                        break;
                    }
                    let item = self.items.next()?;
                    match item {
                        Item::Break if count.is_none() => break,
                        // A list may be of little else.
                        Item::Null => continue,
                        _ => {}
                    }
                    let back = self.path.enter_index(index);
                    self.item(tree, list, name, depth + 1, item)?;
                    self.path.leave(back);
                }
            }
        }
        Ok(())
    }
}

/// How many are left, if it was said how many there are.
struct Left(Option<u64>);

impl Left {
    fn more(&mut self) -> bool {
        match &mut self.0 {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

/// A key as text. Maps and lists as keys are not read.
fn key_text(key: Item<'_>) -> Result<String, Stop> {
    match key {
        Item::Text(said) | Item::Bytes(said) => Ok(String::from_utf8_lossy(&said.bytes).into_owned()),
        Item::Word(text) | Item::Float(_, text, _) => Ok(text),
        Item::Null => Ok(String::new()),
        Item::Map(_) | Item::List(_) | Item::Break => Err(Stop::Wrong),
    }
}

/// What a whole buffer is worth as one map or list (see [`shape`]). None if it is none.
pub(super) fn worth<'b>(mut items: impl Items<'b>, depth: usize) -> Option<u32> {
    let mut sum = 0;
    let first = items.next().ok()?;
    if !matches!(first, Item::Map(_) | Item::List(_)) {
        return None;
    }
    weigh(&mut items, first, depth, 0, &mut sum)?;
    items.is_over().then_some(sum)
}

/// None where it is not as a program would write it.
fn weigh<'b>(
    items: &mut impl Items<'b>,
    item: Item<'b>,
    documents: usize,
    depth: usize,
    sum: &mut u32,
) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    // A length that leads to the very end is seldom there by chance.
    let end = |bits| if items.is_over() { shape::of_length(bits) } else { 0 };
    let worth = match item {
        Item::Text(said) => shape::of_text(&said.bytes)? + end(said.bits),
        Item::Bytes(said) => shape::of_bytes(&said.bytes, documents) + end(said.bits),
        // The byte in front is one of 256.
        Item::Float(number, _, double) => shape::of_length(4) + shape::of_number(number, double),
        Item::Word(_) | Item::Null => 0,
        Item::Break => return None,
        Item::Map(count) => {
            let mut left = Left(count);
            while left.more() {
                match items.next().ok()? {
                    Item::Break if count.is_none() => break,
                    Item::Text(key) => *sum += shape::of_length(3) + shape::of_text(&key.bytes)?,
                    Item::Word(_) => {}
                    _ => return None,
                }
                let value = items.next().ok()?;
                weigh(items, value, documents, depth + 1, sum)?;
            }
            0
        }
        Item::List(count) => {
            let mut left = Left(count);
            while left.more() {
                match items.next().ok()? {
                    Item::Break if count.is_none() => break,
                    item => weigh(items, item, documents, depth + 1, sum)?,
                }
            }
            0
        }
    };
    *sum = (*sum + worth).min(1 << 20);
    Some(())
}
