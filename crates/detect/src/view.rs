//! A message as detectors see it.

use std::collections::HashMap;

use creance_model::{Carrier, Message, Part, Value};

use crate::key::{Keys, Words};

/// A message, with what several detectors ask of it found out once: which parts are text, which signs stand in them, and
/// the words of their names.
///
/// Most parts are short values that concern no detector: each is looked at once, and passed over by what was noted.
#[derive(Debug)]
pub struct View<'m> {
    message: &'m Message,
    glances: Vec<Glance>,
    /// Which parts may concern a detector, by their names or by what is in them.
    concerning: Vec<usize>,
    /// The names of the parts, each once. The first is that of parts without one.
    keys: Keys,
}

/// What was noted of a part.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Glance {
    /// Its name, among the keys of the message.
    key: u32,
    /// Bytes of it.
    pub(crate) length: u32,
    signs: u8,
    /// Whether it has a name and is text.
    field: bool,
    /// Whether it is text that nothing says more exactly.
    text: bool,
    /// Whether other parts say what it holds.
    opened: bool,
}

/// Signs that detectors look for. In a long text they may be noted though they are not there, but for `@` and `+`.
pub(crate) mod sign {
    pub(crate) const AT: u8 = 1;
    pub(crate) const PLUS: u8 = 2;
    /// A point with three decimals or more behind it.
    pub(crate) const FRACTION: u8 = 4;
    pub(crate) const COLON: u8 = 8;
    pub(crate) const SLASH: u8 = 16;
    pub(crate) const DIGIT: u8 = 32;
    /// Anything that is neither in a telephone number nor around it.
    pub(crate) const OTHER: u8 = 64;
    /// What is not ASCII.
    pub(crate) const FOREIGN: u8 = 128;
}

/// The signs of each byte.
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    let mut byte = 0_u8;
    loop {
        signs[byte as usize] = match byte {
            b'@' => sign::AT | sign::OTHER,
            b'+' => sign::PLUS,
            b'.' => sign::FRACTION,
            b':' => sign::COLON | sign::OTHER,
            b'/' => sign::SLASH,
            b'0'..=b'9' => sign::DIGIT,
            b'-' | b'(' | b')' | 9..=13 | b' ' => 0,
            128.. => sign::OTHER | sign::FOREIGN,
            _ => sign::OTHER,
        };
        if byte == u8::MAX {
            break signs;
        }
        byte += 1;
    }
};

/// Shorter values concern no detector, but for their names or rare signs in them.
const LEAST: u32 = 8;

/// Different names in most messages, at most.
const USUAL_KEYS: usize = 64;

/// Bytes of a text up to which every sign is noted; longer ones are searched for what is rare.
const SHORT: usize = 64;

fn signs(bytes: &[u8]) -> u8 {
    if bytes.len() <= SHORT {
        let all = bytes.iter().fold(0, |all, byte| all | SIGNS.get(usize::from(*byte)).copied().unwrap_or(0));
        // What has a point may have a fraction.
        if all & sign::FRACTION == 0 || has_fraction(bytes) {
            return all;
        }
        return all & !sign::FRACTION;
    }
    let rare = [(b'@', sign::AT), (b'+', sign::PLUS)];
    rare.iter().fold(!(sign::AT | sign::PLUS), |all, (byte, sign)| match memchr::memchr(*byte, bytes) {
        Some(_) => all | sign,
        None => all,
    })
}

fn has_fraction(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| match window {
        [b'.', decimals @ ..] => decimals.iter().all(u8::is_ascii_digit),
        _ => false,
    })
}

impl Glance {
    /// Whether a detector may have something to say of it.
    const fn concerns(self, name: Words<'_>, least: u32) -> bool {
        self.length >= least || self.signs & (sign::AT | sign::PLUS | sign::FRACTION) != 0 || name.say_any()
    }

    /// Whether all of these signs are in it.
    pub(crate) const fn has(self, signs: u8) -> bool {
        self.signs & signs == signs
    }
}

/// The different names of a message's parts, being collected.
struct Names<'m> {
    known: HashMap<&'m str, u32, foldhash::fast::RandomState>,
    /// By key, its name and the key that came after it the last time.
    chain: Vec<(&'m str, u32)>,
    /// The key that came last.
    last: u32,
}

impl<'m> Names<'m> {
    /// The empty name, which is known.
    fn new() -> Self {
        Self { known: HashMap::default(), chain: vec![("", 0)], last: 0 }
    }

    /// The key of a name, which is taken apart where it is new.
    fn key(&mut self, name: &'m str, keys: &mut Keys) -> u32 {
        // Objects of one kind have the same fields in the same order.
        let usual = self.chain.get(self.last as usize).map_or(0, |(_, after)| *after);
        let key = match self.chain.get(usual as usize) {
            Some((known, _)) if *known == name => usual,
            _ => self.find(name, keys),
        };
        if let Some((_, after)) = self.chain.get_mut(self.last as usize) {
            *after = key;
        }
        self.last = key;
        key
    }

    fn find(&mut self, name: &'m str, keys: &mut Keys) -> u32 {
        *self.known.entry(name).or_insert_with(|| {
            let key = u32::try_from(keys.len()).unwrap_or(0);
            keys.add(name);
            self.chain.resize(keys.len(), (name, 0));
            key
        })
    }
}

impl<'m> View<'m> {
    /// A view of a message in which planted values of at least `shortest` bytes are looked for.
    pub(crate) fn new(message: &'m Message, shortest: usize) -> Self {
        let least = u32::try_from(shortest).map_or(LEAST, |shortest| shortest.min(LEAST));
        let mut keys = Keys::with_capacity(message.parts.len().min(USUAL_KEYS));
        keys.add("");
        let mut names = Names::new();
        let mut concerning = Vec::with_capacity(message.parts.len() / 2);
        let mut glances = vec![Glance::default(); message.parts.len()];
        let mut opened = vec![false; message.parts.len()];
        // Children come behind their parents.
        for (index, part) in message.parts.iter().enumerate().rev() {
            if let Some(flag) = part.parent.and_then(|parent| opened.get_mut(parent)) {
                *flag = true;
            }
            let key = part.name.as_deref().map_or(0, |name| names.key(name, &mut keys));
            let length = u32::try_from(part.bytes.len()).unwrap_or(u32::MAX);
            let opened = opened.get(index).copied().unwrap_or(false);
            let shown = shown(part, opened);
            let mut glance = Glance { key, length, opened, ..Glance::default() };
            let field = part.name.as_ref().map(|_| part.bytes.as_slice());
            if let Some(bytes) = field.or(shown) {
                glance.signs = signs(bytes);
                let foreign = glance.has(sign::FOREIGN);
                let valid = |bytes: &[u8]| !foreign || std::str::from_utf8(bytes).is_ok();
                glance.field = field.is_some_and(valid);
                glance.text = shown.is_some_and(valid);
            }
            if let Some(place) = glances.get_mut(index) {
                *place = glance;
            }
            if glance.concerns(keys.get(key as usize), least) {
                concerning.push(index);
            }
        }
        concerning.reverse();
        Self { message, glances, concerning, keys }
    }

    /// A view in which every part concerns every detector.
    #[cfg(test)]
    pub(crate) fn of_all(message: &'m Message) -> Self {
        let mut view = Self::new(message, 0);
        view.concerning = (0..message.parts.len()).collect();
        view.glances.iter_mut().for_each(|glance| glance.signs = u8::MAX);
        view
    }

    /// Its parts.
    pub fn parts(&self) -> &'m [Part] {
        &self.message.parts
    }

    /// What was noted of each part that may concern a detector, with the part.
    pub(crate) fn glances(&self) -> impl DoubleEndedIterator<Item = (usize, Glance, &'m Part)> {
        let of = |index: usize| Some((index, *self.glances.get(index)?, self.parts().get(index)?));
        self.concerning.iter().copied().filter_map(of)
    }

    /// The different names of parts.
    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the name of a part stands among [`View::keys`].
    pub(crate) fn key(&self, part: usize) -> usize {
        self.glances.get(part).map_or(0, |glance| glance.key as usize)
    }

    /// The words of a part's name.
    pub(crate) fn words(&self, part: usize) -> Words<'_> {
        self.keys.get(self.key(part))
    }

    /// The part that a part belongs to.
    pub(crate) fn parent(&self, part: usize) -> Option<usize> {
        self.parts().get(part)?.parent
    }

    /// The name of a part.
    pub(crate) fn name(&self, part: usize) -> Option<&'m str> {
        self.parts().get(part)?.name.as_deref()
    }

    /// What the message is within its protocol.
    pub(crate) const fn kind(&self) -> &'static str {
        self.message.kind
    }

    /// A field of the message.
    pub(crate) fn field(&self, name: &str) -> Option<&'m Value> {
        self.message.field(name)
    }

    /// The steps that lead to a part.
    pub(crate) fn path(&self, part: usize) -> Vec<String> {
        self.message.decode_path(part)
    }

    /// A part that is text; nothing of one that is not.
    pub(crate) fn text(&self, part: usize) -> &'m str {
        self.parts().get(part).and_then(|part| std::str::from_utf8(&part.bytes).ok()).unwrap_or_default()
    }

    /// Which parts are named fields that hold text.
    pub(crate) fn fields(&self) -> impl Iterator<Item = usize> {
        self.glances.iter().enumerate().filter(|(_, glance)| glance.field).map(|(index, _)| index)
    }

    /// Named fields that hold text: index, name, value.
    pub(crate) fn named(&self) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        let all = self.parts().iter().enumerate();
        all.filter_map(|(index, part)| {
            let name = part.name.as_deref()?;
            Some((index, name, std::str::from_utf8(&part.bytes).ok()?))
        })
    }

    /// Named fields that hold text and may concern a detector, those of which this is wanted.
    pub(crate) fn named_where(
        &self,
        wanted: impl Fn(Glance, Words<'_>) -> bool,
    ) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        let wanted = move |glance: Glance| glance.field && wanted(glance, self.keys.get(glance.key as usize));
        self.glances().filter(move |(_, glance, _)| wanted(*glance)).filter_map(|(index, _, part)| {
            Some((index, part.name.as_deref()?, std::str::from_utf8(&part.bytes).ok()?))
        })
    }

    /// Parts that are text and that no child says more exactly, and that may concern a detector.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, &'m Part, &'m str)> {
        self.texts_where(|_, _| true)
    }

    /// Parts that are text and that no child says more exactly (values, bodies of plain text, and the paths of request
    /// targets) and may concern a detector, those of which this is wanted.
    pub(crate) fn texts_where(
        &self,
        wanted: impl Fn(Glance, Words<'_>) -> bool,
    ) -> impl Iterator<Item = (usize, &'m Part, &'m str)> {
        let wanted = move |glance: Glance| glance.text && wanted(glance, self.keys.get(glance.key as usize));
        self.glances().filter(move |(_, glance, _)| wanted(*glance)).filter_map(|(index, glance, part)| {
            Some((index, part, std::str::from_utf8(path_of(part, glance.opened)).ok()?))
        })
    }
}

/// The bytes of a part that may be shown as text.
fn shown(part: &Part, opened: bool) -> Option<&[u8]> {
    // Header fields without a name say how the connection works.
    let dull = part.carrier == Carrier::Header && part.name.is_none() && part.parent.is_none();
    if part.bytes.is_empty() || dull || (opened && !is_target(part)) {
        return None;
    }
    Some(path_of(part, opened))
}

fn is_target(part: &Part) -> bool {
    part.carrier == Carrier::Uri && part.parent.is_none()
}

/// The path of a target that others say the query of; else all of a part.
fn path_of(part: &Part, opened: bool) -> &[u8] {
    let query = if opened && is_target(part) { memchr::memchr(b'?', &part.bytes) } else { None };
    part.bytes.get(..query.unwrap_or(part.bytes.len())).unwrap_or_default()
}
