//! A message as detectors see it.

use creance_model::{Carrier, Message, Part, Parts, Timestamp, Value};

use crate::key::{Keys, Words};

/// A message, with what several detectors ask of it found out once: which parts are text, which signs stand in them, and
/// the words of their names.
///
/// Most parts are short values that concern no detector: each is looked at once, and passed over by what was noted.
#[derive(Debug)]
pub struct View<'m> {
    message: &'m Message,
    /// What was noted of the parts that may concern a detector, by their names or by what is in them.
    glances: Vec<(usize, Glance)>,
    /// Which named fields are no text: few are not.
    binary: Vec<usize>,
    /// The names of the parts, each once. The first is that of parts without one.
    keys: Keys,
    /// By the number of a name, where it stands among the keys.
    places: Vec<u32>,
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
    /// Whether all of these signs are in it.
    pub(crate) const fn has(self, signs: u8) -> bool {
        self.signs & signs == signs
    }
}

/// Where the names that were not asked for yet stand among the keys.
const UNKNOWN: u32 = u32::MAX;

impl<'m> View<'m> {
    /// A view of a message in which planted values of at least `shortest` bytes are looked for.
    pub(crate) fn new(message: &'m Message, shortest: usize) -> Self {
        let least = u32::try_from(shortest).map_or(LEAST, |shortest| shortest.min(LEAST));
        let parts = &message.parts;
        let mut keys = Keys::with_capacity(parts.names().min(USUAL_KEYS));
        keys.add("");
        let glances = Vec::with_capacity(parts.len() / 2);
        let mut view =
            Self { message, glances, binary: Vec::new(), keys, places: vec![UNKNOWN; parts.names()] };
        let mut opened = vec![false; parts.len()];
        // Children come behind their parents.
        for part in parts.iter().rev() {
            if let Some(flag) = part.parent().and_then(|parent| opened.get_mut(parent)) {
                *flag = true;
            }
            view.glance(part, opened.get(part.index()).copied().unwrap_or(false), least);
        }
        view.glances.reverse();
        view.binary.reverse();
        view
    }

    /// Looks at a part, and notes what there is if it may concern a detector.
    fn glance(&mut self, part: Part<'m>, opened: bool, least: u32) {
        let key = self.learn(part);
        let bytes = part.bytes();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let shown = shown(part, opened);
        let mut glance = Glance { key, length, opened, ..Glance::default() };
        if part.is_named() || shown.is_some() {
            glance.signs = signs(if part.is_named() { bytes } else { shown.unwrap_or_default() });
            let foreign = glance.has(sign::FOREIGN);
            let valid = |bytes: &[u8]| !foreign || std::str::from_utf8(bytes).is_ok();
            glance.field = part.is_named() && valid(bytes);
            glance.text = shown.is_some_and(valid);
        }
        if part.is_named() && !glance.field {
            self.binary.push(part.index());
        }
        let rare = sign::AT | sign::PLUS | sign::FRACTION;
        if length >= least || glance.signs & rare != 0 || self.keys.say_any(key as usize) {
            self.glances.push((part.index(), glance));
        }
    }

    /// Where the name of a part stands among the keys; it is taken apart where it is new.
    fn learn(&mut self, part: Part<'_>) -> u32 {
        let Some(place) = part.name_number().and_then(|number| self.places.get_mut(number)) else { return 0 };
        if *place == UNKNOWN {
            *place = u32::try_from(self.keys.len()).unwrap_or(0);
            self.keys.add(part.name().unwrap_or_default());
        }
        *place
    }

    /// A view in which every part concerns every detector.
    #[cfg(test)]
    pub(crate) fn of_all(message: &'m Message) -> Self {
        let mut view = Self::new(message, 0);
        view.glances.iter_mut().for_each(|(_, glance)| glance.signs = u8::MAX);
        view
    }

    /// When it was sent.
    pub(crate) fn time(&self) -> Timestamp {
        self.message.time
    }

    /// What no other part says more exactly, of what may concern a detector: the part, its bytes, whether they are text.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (Part<'m>, &'m [u8], bool)> {
        self.glances().filter_map(|(_, glance, part)| Some((part, shown(part, glance.opened)?, glance.text)))
    }

    /// Fields that may be numbers and nothing else, with their bytes.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (usize, &'m [u8])> {
        let begins = |bytes: &[u8]| matches!(bytes.first(), Some(b'0'..=b'9' | b'-' | b'+'));
        let all = self.parts().iter().filter(|part| part.is_named());
        all.map(|part| (part.index(), part.bytes())).filter(move |(_, bytes)| begins(bytes))
    }

    /// Its parts.
    pub fn parts(&self) -> &'m Parts {
        &self.message.parts
    }

    /// What was noted of each part that may concern a detector, with the part.
    pub(crate) fn glances(&self) -> impl DoubleEndedIterator<Item = (usize, Glance, Part<'m>)> {
        self.glances.iter().filter_map(|(index, glance)| Some((*index, *glance, self.parts().get(*index)?)))
    }

    /// The different names of parts.
    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the name of a part stands among [`View::keys`].
    pub(crate) fn key(&self, part: usize) -> usize {
        self.parts().get(part).map_or(0, |part| self.key_of(part))
    }

    fn key_of(&self, part: Part<'_>) -> usize {
        part.name_number().and_then(|number| self.places.get(number)).map_or(0, |key| *key as usize)
    }

    /// The words of a part's name.
    pub(crate) fn words(&self, part: usize) -> Words<'_> {
        self.keys.get(self.key(part))
    }

    /// The part that a part belongs to.
    pub(crate) fn parent(&self, part: usize) -> Option<usize> {
        self.parts().get(part)?.parent()
    }

    /// The name of a part.
    pub(crate) fn name(&self, part: usize) -> Option<&'m str> {
        self.parts().get(part)?.name()
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
        self.parts().get(part).and_then(|part| std::str::from_utf8(part.bytes()).ok()).unwrap_or_default()
    }

    /// Named fields that hold text and may concern a detector, those whose keys are wanted: index and key.
    pub(crate) fn fields_where(
        &self,
        wanted: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (usize, usize)> {
        let fields = self.glances.iter().filter(|(_, glance)| glance.field);
        let all = fields.map(|(index, glance)| (*index, glance.key as usize));
        all.filter(move |(_, key)| wanted(*key))
    }

    /// Named fields that hold text before a part, the nearest first: index and key.
    pub(crate) fn fields_before(&self, part: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..part).rev().filter_map(|index| self.field_at(index))
    }

    /// As [`Self::fields_before`], behind it.
    pub(crate) fn fields_behind(&self, part: usize) -> impl Iterator<Item = (usize, usize)> {
        (part + 1..self.parts().len()).filter_map(|index| self.field_at(index))
    }

    fn field_at(&self, index: usize) -> Option<(usize, usize)> {
        let part = self.parts().get(index).filter(|part| part.is_named())?;
        self.binary.binary_search(&index).is_err().then(|| (index, self.key_of(part)))
    }

    /// Named fields that hold text: index, name, value.
    pub(crate) fn named(&self) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        self.parts()
            .iter()
            .filter_map(|part| Some((part.index(), part.name()?, std::str::from_utf8(part.bytes()).ok()?)))
    }

    /// Named fields that hold text and may concern a detector, those of which this is wanted.
    pub(crate) fn named_where(
        &self,
        wanted: impl Fn(Glance, Words<'_>) -> bool,
    ) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        let wanted = move |glance: Glance| glance.field && wanted(glance, self.keys.get(glance.key as usize));
        self.glances.iter().filter(move |(_, glance)| wanted(*glance)).filter_map(|(index, _)| {
            let part = self.parts().get(*index)?;
            Some((*index, part.name()?, std::str::from_utf8(part.bytes()).ok()?))
        })
    }

    /// Parts that are text and that no child says more exactly, and that may concern a detector.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, Part<'m>, &'m str)> {
        self.texts_where(|_, _| true)
    }

    /// Parts that are text and that no child says more exactly (values, bodies of plain text, and the paths of request
    /// targets) and may concern a detector, those of which this is wanted.
    pub(crate) fn texts_where(
        &self,
        wanted: impl Fn(Glance, Words<'_>) -> bool,
    ) -> impl Iterator<Item = (usize, Part<'m>, &'m str)> {
        let wanted = move |glance: Glance| glance.text && wanted(glance, self.keys.get(glance.key as usize));
        self.glances.iter().filter(move |(_, glance)| wanted(*glance)).filter_map(|(index, glance)| {
            let part = self.parts().get(*index)?;
            Some((*index, part, std::str::from_utf8(path_of(part, glance.opened)).ok()?))
        })
    }

    /// What was noted of each part of at least so many bytes, with the part.
    pub(crate) fn glances_from(
        &self,
        length: u32,
    ) -> impl DoubleEndedIterator<Item = (usize, Glance, Part<'m>)> {
        let long = self.glances.iter().filter(move |(_, glance)| glance.length >= length);
        long.filter_map(|(index, glance)| Some((*index, *glance, self.parts().get(*index)?)))
    }
}

/// The bytes of a part that may be shown as text.
fn shown(part: Part<'_>, opened: bool) -> Option<&[u8]> {
    // Header fields without a name say how the connection works.
    let dull = part.carrier() == Carrier::Header && !part.is_named() && part.parent().is_none();
    if part.length() == 0 || dull || (opened && !is_target(part)) {
        return None;
    }
    Some(path_of(part, opened))
}

fn is_target(part: Part<'_>) -> bool {
    part.carrier() == Carrier::Uri && part.parent().is_none()
}

/// The path of a target that others say the query of; else all of a part.
fn path_of(part: Part<'_>, opened: bool) -> &[u8] {
    let bytes = part.bytes();
    let query = if opened && is_target(part) { memchr::memchr(b'?', bytes) } else { None };
    bytes.get(..query.unwrap_or(bytes.len())).unwrap_or_default()
}
