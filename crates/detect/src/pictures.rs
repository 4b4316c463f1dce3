//! Pictures that are decoded and looked at: which of them, each once, and what was seen.
//!
//! Decoding and looking takes a hundred times longer than all else that is done with a picture, so that no more than a bound
//! are looked at in an audit. Which those are must not depend on which thread is free: they are admitted in the order of the
//! messages ([`Pictures::admit`]), and looked at when a detector asks, on any thread. Equal pictures are one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use creance_media::{Bounds, Faces, Format, Grey, Likeness, Unread, decode, faces, size};
use creance_model::{Message, Part};
use ring::digest;

/// The SHA-256 of a picture.
pub(crate) type Hash = [u8; 32];

/// The pictures of an audit. By default none are looked at, and nothing is said of that.
#[derive(Debug, Default)]
pub struct Pictures {
    most: usize,
    admitted: Mutex<Admitted>,
    /// Large pictures are decoded one after the other: each takes hundreds of megabytes.
    large: Mutex<()>,
}

/// Pictures that are looked at.
#[derive(Debug, Default)]
struct Admitted {
    all: HashMap<Hash, Arc<OnceLock<Seen>>>,
    /// Pixels of all that may yet be admitted. They only become fewer: what was refused once is refused ever after.
    pixels: u64,
}

/// What was seen in a picture.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) format: Option<Format>,
    /// Width and height, in pixels.
    pub(crate) size: (u32, u32),
    /// The longer side when it was looked at.
    pub(crate) longest: usize,
    pub(crate) faces: Faces,
    pub(crate) likeness: Option<Likeness>,
    pub(crate) unread: Option<Unread>,
}

/// Whether a picture was looked at.
pub(crate) enum Look {
    /// Yes: this was seen.
    Seen(Arc<OnceLock<Seen>>),
    /// No: more had come before it than are looked at.
    Beyond,
    /// It is no picture, or nobody asked.
    None,
}

/// Shorter files are icons, and show no face that anyone would know.
const LEAST: usize = 2000;

/// Pixels of a usual picture, in the mean of many.
const USUAL: u64 = 5_000_000;

/// Pictures with more pixels than this are decoded one after the other.
const LARGE: u64 = 12_000_000;

impl Pictures {
    /// Pictures that are looked at in an audit: each takes about a tenth of a second.
    pub const MOST: usize = 2000;

    /// At most so many are looked at, and no more pixels than so many usual ones have.
    pub fn at_most(most: usize) -> Self {
        let pixels = USUAL.saturating_mul(most as u64);
        Self { most, admitted: Mutex::new(Admitted { pixels, ..Admitted::default() }), ..Self::default() }
    }

    /// Admits the pictures of a message, if there is room. Must be called before the message is looked at, and for one message
    /// after the other.
    pub fn admit(&self, message: &Message) {
        if self.most == 0 {
            return;
        }
        for part in message.parts.iter().filter(|part| is_picture(*part)) {
            let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
            if admitted.all.len() >= self.most {
                return;
            }
            let hash = hash(part.bytes());
            let pixels = creance_media::cost(part.bytes(), &Bounds::default());
            let left = admitted.pixels.checked_sub(pixels);
            if let Some(left) = left.filter(|_| !admitted.all.contains_key(&hash)) {
                admitted.pixels = left;
                admitted.all.insert(hash, Arc::default());
            }
        }
    }

    /// What is seen in a part; it is looked at if it was not yet.
    pub(crate) fn look(&self, part: Part<'_>) -> Look {
        if self.most == 0 || !is_picture(part) {
            return Look::None;
        }
        let hash = hash(part.bytes());
        let slot =
            self.admitted.lock().unwrap_or_else(PoisonError::into_inner).all.get(&hash).map(Arc::clone);
        let Some(slot) = slot else { return Look::Beyond };
        slot.get_or_init(|| self.seen(part.bytes()));
        Look::Seen(slot)
    }

    fn seen(&self, bytes: &[u8]) -> Seen {
        let (width, height) = size(bytes).unwrap_or_default();
        let large = u64::from(width) * u64::from(height) > LARGE;
        let decoded = {
            let _alone = large.then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
            decode(bytes, &Bounds::default())
        };
        let seen = Seen {
            format: creance_media::format(bytes),
            size: (width, height),
            longest: 0,
            faces: Faces::default(),
            likeness: None,
            unread: None,
        };
        match decoded {
            Ok(grey) => {
                let turned = creance_media::orientation(bytes);
                let grey = grey.upright(turned);
                Seen { longest: longest(&grey), faces: faces(&grey), likeness: Likeness::of(&grey), ..seen }
            }
            Err(unread) => Seen { unread: Some(unread), ..seen },
        }
    }
}

fn longest(grey: &Grey) -> usize {
    grey.width().max(grey.height())
}

/// Whether a part is a picture that may be looked at, by its first bytes and its length.
fn is_picture(part: Part<'_>) -> bool {
    part.length() >= LEAST && creance_media::format(part.bytes()).is_some()
}

/// The SHA-256 of bytes.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::body;

    /// What begins like a picture of so many bytes.
    fn picture(length: usize, last: u8) -> Message {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
        bytes.resize(length - 1, 0);
        bytes.push(last);
        body(&bytes)
    }

    #[test]
    fn pictures_are_admitted_in_order_and_equal_ones_once() {
        let pictures = Pictures::at_most(2);
        let messages = [
            picture(LEAST, 1),
            picture(LEAST, 1),
            picture(LEAST - 1, 2),
            picture(LEAST, 3),
            picture(LEAST, 4),
        ];
        for message in &messages {
            pictures.admit(message);
        }
        let looks: Vec<&str> = messages
            .iter()
            .map(|message| match pictures.look(message.parts.get(0).unwrap()) {
                Look::Seen(seen) => {
                    seen.get().map_or("waits", |seen| if seen.unread.is_some() { "unread" } else { "read" })
                }
                Look::Beyond => "beyond",
                Look::None => "none",
            })
            .collect();
        assert_eq!(looks, ["unread", "unread", "none", "unread", "beyond"]);
    }

    #[test]
    fn by_default_nothing_is_looked_at() {
        let (pictures, message) = (Pictures::default(), picture(LEAST, 1));
        pictures.admit(&message);
        assert!(matches!(pictures.look(message.parts.get(0).unwrap()), Look::None));
    }
}
