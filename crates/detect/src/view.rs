//! A message as detectors see it.

use creance_model::{Carrier, Message, Part};

use crate::key::{Keys, Words};

/// A message, with what several detectors ask of it found out once: which parts are text, and the words of their names.
#[derive(Debug)]
pub struct View<'m> {
    message: &'m Message,
    /// The bytes of each part, where they are text.
    texts: Vec<Option<&'m str>>,
    /// The names of the parts, empty where there is none.
    keys: Keys,
    /// Whether other parts say what a part holds.
    opened: Vec<bool>,
}

impl<'m> View<'m> {
    pub(crate) fn new(message: &'m Message) -> Self {
        let mut opened = vec![false; message.parts.len()];
        for part in &message.parts {
            if let Some(flag) = part.parent.and_then(|parent| opened.get_mut(parent)) {
                *flag = true;
            }
        }
        Self {
            message,
            texts: message.parts.iter().map(|part| std::str::from_utf8(&part.bytes).ok()).collect(),
            keys: Keys::new(message.parts.iter().map(|part| part.name.as_deref().unwrap_or_default())),
            opened,
        }
    }

    /// Its parts.
    pub fn parts(&self) -> &'m [Part] {
        &self.message.parts
    }

    /// The words of a part's name.
    pub(crate) fn words(&self, part: usize) -> Words<'_> {
        self.keys.get(part)
    }

    /// The part that a part belongs to.
    pub(crate) fn parent(&self, part: usize) -> Option<usize> {
        self.parts().get(part)?.parent
    }

    /// Named fields that hold text: index, name, value.
    pub(crate) fn named(&self) -> impl Iterator<Item = (usize, &'m str, &'m str)> {
        self.parts()
            .iter()
            .zip(&self.texts)
            .enumerate()
            .filter_map(|(index, (part, text))| Some((index, part.name.as_deref()?, (*text)?)))
    }

    /// Parts that are text and that no child says more exactly: values, bodies of plain text, and the paths of request
    /// targets.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (usize, &'m Part, &'m str)> {
        let all = self.parts().iter().zip(&self.texts).zip(&self.opened).enumerate();
        all.filter_map(|(index, ((part, text), opened))| {
            // Header fields without a name say how the connection works.
            if part.bytes.is_empty()
                || (part.carrier == Carrier::Header && part.name.is_none() && part.parent.is_none())
            {
                return None;
            }
            if *opened {
                // The query of a target has parts of its own; its path has none.
                let target = part.carrier == Carrier::Uri && part.parent.is_none();
                let path = target.then(|| part.bytes.split(|byte| *byte == b'?').next())??;
                return Some((index, part, std::str::from_utf8(path).ok()?));
            }
            Some((index, part, (*text)?))
        })
    }
}
