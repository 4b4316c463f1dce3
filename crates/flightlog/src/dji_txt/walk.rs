//! From record to record: `kind u8, length u8 (u16 from version 13 on), payload, 0xFF`, with pictures (JPEG) between them or
//! behind. What is neither is passed over until records begin again, and told.

use std::ops::Range;

use super::layout::{ENCRYPTED, Layout};

const END: u8 = 0xff;
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];

/// Something in the area of the records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Item<'a> {
    /// A record, still scrambled.
    Record { kind: u8, payload: &'a [u8] },
    /// A picture, and whether its end is there.
    Picture { bytes: &'a [u8], whole: bool },
    /// Bytes that are neither, up to where records begin again.
    Noise(&'a [u8]),
}

/// Everything in the area of the records, with its offset.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    wide: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bytes: &'a [u8], layout: &Layout<'_>) -> Self {
        let Range { start, end } = layout.records;
        Self { bytes: bytes.get(..end).unwrap_or(bytes), at: start, wide: layout.version >= ENCRYPTED }
    }

    /// The record at an offset: its kind, its payload, and the offset behind it.
    fn record(&self, at: usize) -> Option<(u8, &'a [u8], usize)> {
        let (&kind, rest) = self.bytes.get(at..)?.split_first()?;
        let (length, rest) = if self.wide {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        } else {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        };
        let (payload, rest) = rest.split_at_checked(length)?;
        (kind != 0 && kind != END && rest.first() == Some(&END))
            .then(|| (kind, payload, self.bytes.len() - rest.len() + 1))
    }

    fn is_picture(&self, at: usize) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(JPEG))
    }

    /// Whether something begins at an offset that is no accident: two records, one before a picture or the end, a picture.
    fn begins(&self, at: usize) -> bool {
        let ends = |at: usize| at == self.bytes.len() || self.is_picture(at);
        let record = self.record(at).is_some_and(|(.., next)| ends(next) || self.record(next).is_some());
        ends(at) || record
    }

    /// The offset behind the picture at an offset: behind an end of image at which something else begins, for pictures
    /// hold pictures, each with an end.
    fn picture(&self, at: usize) -> Option<usize> {
        let rest = self.bytes.get(at + JPEG.len()..)?;
        let ends = rest.windows(2).enumerate().filter(|(_, pair)| *pair == [0xff, 0xd9]);
        ends.map(|(index, _)| at + JPEG.len() + index + 2).find(|behind| self.begins(*behind))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (usize, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        if at >= self.bytes.len() {
            return None;
        }
        let (item, next) = if self.is_picture(at) {
            let end = self.picture(at);
            let next = end.unwrap_or(self.bytes.len());
            (Item::Picture { bytes: self.bytes.get(at..next)?, whole: end.is_some() }, next)
        } else if let Some((kind, payload, next)) = self.record(at) {
            (Item::Record { kind, payload }, next)
        } else {
            let next = (at + 1..self.bytes.len()).find(|at| self.begins(*at)).unwrap_or(self.bytes.len());
            (Item::Noise(self.bytes.get(at..next)?), next)
        };
        self.at = next;
        Some((at, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(bytes: &[u8]) -> Vec<(usize, Item<'_>)> {
        Walk { bytes, at: 0, wide: false }.collect()
    }

    #[test]
    fn records_and_pictures_follow_each_other() {
        let thumbnail = [JPEG, &[1, 2, 0xff, 0xd9]].concat();
        let picture = [JPEG, &thumbnail, &[3, 0xff, 0xd9]].concat();
        let record = [1, 2, 7, 8, END];
        let bytes = [&record[..], &picture, &thumbnail, &record].concat();
        let items = walk(&bytes);
        assert_eq!(items[0], (0, Item::Record { kind: 1, payload: &[7, 8] }));
        assert_eq!(items[1], (5, Item::Picture { bytes: &picture, whole: true }));
        assert_eq!(items[2].1, Item::Picture { bytes: &thumbnail, whole: true });
        assert_eq!(items[3].1, Item::Record { kind: 1, payload: &[7, 8] });
    }

    #[test]
    fn damage_is_passed_over_up_to_the_next_records() {
        let record = [1, 2, 7, 8, END];
        let bytes = [&record[..], &[9, 200, 1, 1, 1], &record, &record].concat();
        let items = walk(&bytes);
        assert_eq!(items[1], (5, Item::Noise(&[9, 200, 1, 1, 1])));
        assert_eq!(items.len(), 4);
    }

    proptest! {
        #[test]
        fn every_byte_belongs_to_one_item(bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 3, 0xff, 0xd8, 0xd9]), 0..300)) {
            let mut at = 0;
            for (offset, item) in walk(&bytes) {
                prop_assert_eq!(offset, at);
                at += match item {
                    Item::Record { payload, .. } => payload.len() + 3,
                    Item::Picture { bytes, .. } | Item::Noise(bytes) => bytes.len(),
                };
            }
            prop_assert_eq!(at, bytes.len());
        }
    }
}
