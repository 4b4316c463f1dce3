//! A message as detectors see it.

use std::collections::{HashMap, hash_map::Entry};

use creance_model::{Carrier, Message, Part};

use crate::key::{Keys, Words};

/// A message, with what several detectors ask of it found out once: which parts are text, which signs stand in them, and
/// the words of their names.
///
/// Most parts are short values that concern no detector: each is looked at once, and passed over by what was noted.
#[derive(Debug)]
pub struct View<'m> {
    message: &'m Message,
    glances: Vec<Glance>,
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
    pub(crate) const POINT: u8 = 4;
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
            b'.' => sign::POINT,
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

/// Bytes of a text up to which every sign is noted; longer ones are searched for what is rare.
const SHORT: usize = 64;

fn signs(bytes: &[u8]) -> u8 {
    if bytes.len() <= SHORT {
        return bytes.iter().fold(0, |all, byte| all | SIGNS.get(usize::from(*byte)).copied().unwrap_or(0));
    }
    let rare = [(b'@', sign::AT), (b'+', sign::PLUS)];
    rare.iter().fold(!(sign::AT | sign::PLUS), |all, (byte, sign)| match memchr::memchr(*byte, bytes) {
        Some(_) => all | sign,
        None => all,
    })
}

impl Glance {
    /// Whether all of these signs are in it.
    pub(crate) const fn has(self, signs: u8) -> bool {
        self.signs & signs == signs
    }
}

impl<'m> View<'m> {
    pub(crate) fn new(message: &'m Message) -> Self {
        let mut keys = Keys::new();
        keys.add("");
        let mut known: HashMap<&str, u32, foldhash::fast::RandomState> = HashMap::default();
        let mut glances = vec![Glance::default(); message.parts.len()];
        let mut opened = vec![false; message.parts.len()];
        // Children come behind their parents.
        for (index, part) in message.parts.iter().enumerate().rev() {
            if let Some(flag) = part.parent.and_then(|parent| opened.get_mut(parent)) {
                *flag = true;
            }
            let key = part.name.as_deref().map_or(0, |name| match known.entry(name) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => {
                    let key = u32::try_from(keys.len()).unwrap_or(0);
                    keys.add(name);
                    *place.insert(key)
                }
            });
            let length = u32::try_from(part.bytes.len()).unwrap_or(u32::MAX);
            let opened = opened.get(index).copied().unwrap_or(false);
            let shown = shown(part, opened);
            let mut glance = Glance { key, length, opened, ..Glance::default() };
            let named = part.name.as_ref().map(|_| part.bytes.as_slice());
            if let Some(bytes) = named.or(shown) {
                glance.signs = signs(bytes);
                let foreign = glance.has(sign::FOREIGN);
                let valid = |bytes: &[u8]| !foreign || std::str::from_utf8(bytes).is_ok();
                glance.field = named.is_some_and(valid);
                glance.text = shown.is_some_and(valid);
            }
            if let Some(place) = glances.get_mut(index) {
                *place = glance;
            }
        }
        Self { message, glances, keys }
    }

    /// Its parts.
    pub fn parts(&self) -> &'m [Part] {
        &self.message.parts
    }

    /// What was noted of each part, with the part.
    pub(crate) fn glances(&self) -> impl DoubleEndedIterator<Item = (usize, Glance, &'m Part)> {
        let all = self.glances.iter().copied().zip(self.parts()).enumerate();
        all.map(|(index, (glance, part))| (index, glance, part))
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
        self.named_where(|_, _| true)
    }

    /// Named fields that hold text, those of which this is wanted.
    pub(crate) fn named_where(
        &self,
        wanted: impl Fn(Glance, Words<'_>) -> bool,
    ) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        let wanted = move |glance: Glance| glance.field && wanted(glance, self.keys.get(glance.key as usize));
        self.glances().filter(move |(_, glance, _)| wanted(*glance)).filter_map(|(index, _, part)| {
            Some((index, part.name.as_deref()?, std::str::from_utf8(&part.bytes).ok()?))
        })
    }

    /// Parts that are text and that no child says more exactly: values, bodies of plain text, and the paths of request
    /// targets.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, &'m Part, &'m str)> {
        self.texts_where(|_, _| true)
    }

    /// The same, those of which this is wanted.
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
    match part.bytes.iter().position(|byte| *byte == b'?').filter(|_| opened && is_target(part)) {
        Some(end) => part.bytes.get(..end).unwrap_or_default(),
        None => &part.bytes,
    }
}
