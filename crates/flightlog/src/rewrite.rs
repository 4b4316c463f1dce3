//! A log without what it gives away, in the making.
//!
//! A log holds more than anyone lists, and the next version of a firmware adds to it. So what is kept is listed, not what
//! goes: of the rest nobody can say what it gives away.

use std::collections::BTreeSet;

use creance_model::{Locations, Piece, Removal, Scrubbed};

/// The output, and what was taken out.
#[derive(Debug, Default)]
pub(crate) struct Rewrite {
    scrubbed: Scrubbed,
    removed: BTreeSet<Removal>,
}

impl Rewrite {
    /// A stretch of the input stays as it is.
    pub(crate) fn keep(&mut self, from: usize, to: usize) {
        let (from, to) = (from as u64, to as u64);
        match self.scrubbed.pieces.last_mut() {
            Some(Piece::Copy(range)) if range.end == from => range.end = to,
            _ => self.scrubbed.pieces.push(Piece::Copy(from..to)),
        }
    }

    /// Bytes in place of others.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        match self.scrubbed.pieces.last_mut() {
            Some(Piece::Bytes(before)) => before.extend(bytes),
            _ => self.scrubbed.pieces.push(Piece::Bytes(bytes.to_vec())),
        }
    }

    /// Something was taken out or changed; told once for each place where it may stand.
    pub(crate) fn removed(&mut self, what: &'static str, field: &str) {
        // Names are of the log's making: what is no name is of no use to anybody, and of any length.
        if self.removed.len() < MOST_REMOVED {
            self.removed.insert(Removal { what, field: field.to_owned() });
        }
    }

    /// The output, and what was taken out of it.
    pub(crate) fn done(mut self) -> Scrubbed {
        self.scrubbed.removed = self.removed.into_iter().collect();
        self.scrubbed
    }
}

/// Kinds of what was taken out that are told.
const MOST_REMOVED: usize = 1_000;

/// What becomes of a place; (0, 0), which is none, where it is taken out or was none.
pub(crate) fn moved(locations: Locations, lat: f64, lon: f64) -> (f64, f64) {
    Some((lat, lon))
        .filter(|(lat, lon)| creance_model::is_place(*lat, *lon))
        .and_then(|(lat, lon)| locations.moved(lat, lon))
        .unwrap_or_default()
}

/// Degrees in units of 10⁻⁷.
pub(crate) fn tenth_micro(degrees: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "180 degrees at most; others are cut there")]
    let raw = (degrees * 1e7).round() as i32;
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_that_touch_are_one_and_what_goes_is_told_once() {
        let mut rewrite = Rewrite::default();
        rewrite.keep(0, 2);
        rewrite.keep(2, 3);
        rewrite.put(b"x");
        rewrite.put(b"y");
        for _ in 0..2 {
            rewrite.removed("message", "MSG");
        }
        rewrite.keep(5, 6);
        let scrubbed = rewrite.done();
        assert_eq!((scrubbed.pieces.len(), scrubbed.removed.len()), (3, 1));
        assert_eq!(scrubbed.bytes(b"abcdef"), b"abcxyf");
    }

    #[test]
    fn what_is_no_place_stays_none() {
        let offset = Locations::Offset { lat: 1.0, lon: 1.0 };
        assert_eq!(moved(offset, 0.0, 0.0), (0.0, 0.0));
        assert_eq!(moved(offset, 47.0, 8.0), (48.0, 9.0));
        assert_eq!(moved(Locations::Remove, 47.0, 8.0), (0.0, 0.0));
        assert_eq!(tenth_micro(-8.500_000_04), -85_000_000);
    }
}
