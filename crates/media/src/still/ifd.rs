//! Directories of tags (TIFF 6.0 section 2), in which EXIF, maker notes, DNG and multi-picture indexes are written.
//!
//! ```text
//! II*\0 or MM\0*, offset of the first directory
//! directory: count u16 · entries of 12 bytes · offset of the next one
//! entry: tag u16 · type u16 · count u32 · the value, or its offset where it is longer than 4 bytes
//! ```
//!
//! `BigTIFF` writes `II+\0` or `MM\0+`, that offsets have 8 bytes, and all counts and offsets in 64 bits (entries of 20 bytes).
//!
//! A directory that was read is not read again, so that circles end; what lies outside of the bytes is left out and told.

use std::ops::Range;

/// Directories and entries of one file that are read.
const MOST_DIRECTORIES: usize = 64;
const MOST_ENTRIES: usize = 4096;

/// Bytes of values that may lie on top of each other in a block however short.
const MOST_SHARED: usize = 64 << 10;

/// Which directory a tag stands in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Directory {
    /// The first one, of the picture itself.
    Main,
    /// A following one: in EXIF the second is of the thumbnail.
    Next(usize),
    /// Of EXIF (CIPA DC-008).
    Exif,
    /// Of GPS.
    Gps,
    /// Of interoperability.
    Interop,
    /// Below the first one, as DNG keeps raw pictures and previews.
    Sub(usize),
}

/// Tags that lead to further directories.
pub(crate) const EXIF: u16 = 0x8769;
pub(crate) const GPS: u16 = 0x8825;
pub(crate) const INTEROP: u16 = 0xa005;
pub(crate) const SUB: u16 = 0x014a;

/// One tag with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) directory: Directory,
    /// Where the directory begins: several may have one name.
    pub(crate) table: usize,
    pub(crate) tag: u16,
    kind: u16,
    count: u32,
    /// Where the entry itself stands: 12 bytes, or 20 in a `BigTIFF`.
    pub(crate) at: usize,
    /// Whether its value stands within it.
    is_inline: bool,
    /// Where its value stands, as far as the bytes reach.
    pub(crate) value: Range<usize>,
}

/// One directory: where its count stands, and how many entries it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) at: usize,
    pub(crate) count: usize,
}

/// The directories of a block of bytes.
#[derive(Debug)]
pub(crate) struct Tags<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) little: bool,
    /// Whether it is a `BigTIFF`.
    pub(crate) big: bool,
    pub(crate) tables: Vec<Table>,
    pub(crate) entries: Vec<Entry>,
    /// Entries that were looked at, whether they are kept or not, and bytes of all values.
    walked: usize,
    held: usize,
    /// What could not be read: offset and why.
    pub(crate) flaws: Vec<(usize, String)>,
}

impl<'a> Tags<'a> {
    /// The directories of a block that begins with a TIFF header; `None`: it does not.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (little, big) = match bytes.get(..8)? {
            [b'I', b'I', 42, 0, ..] => (true, false),
            [b'M', b'M', 0, 42, ..] => (false, false),
            [b'I', b'I', 43, 0, 8, 0, 0, 0] => (true, true),
            [b'M', b'M', 0, 43, 0, 8, 0, 0] => (false, true),
            _ => return None,
        };
        let mut tags = Self { big, ..Self::none(bytes, little) };
        let first = tags.offset_at(if big { 8 } else { 4 })?;
        tags.chain(first);
        Some(tags)
    }

    const fn none(bytes: &'a [u8], little: bool) -> Self {
        Self {
            bytes,
            little,
            big: false,
            tables: Vec::new(),
            entries: Vec::new(),
            walked: 0,
            held: 0,
            flaws: Vec::new(),
        }
    }

    /// A single directory without a header, as in maker notes; offsets count from the beginning of the bytes.
    pub(crate) fn bare(bytes: &'a [u8], little: bool) -> Self {
        Self::at(bytes, little, 0)
    }

    /// A single directory that stands somewhere in the bytes; offsets count from their beginning.
    pub(crate) fn at(bytes: &'a [u8], little: bool, at: usize) -> Self {
        let mut tags = Self::none(bytes, little);
        tags.directory(at, Directory::Main);
        tags
    }

    /// Reads a further directory of the same bytes.
    pub(crate) fn follow(&mut self, at: usize) {
        self.directory(at, Directory::Sub(0));
    }

    fn chain(&mut self, first: u64) {
        let (mut offset, mut number) = (first, 0);
        while offset != 0 {
            let name = if number == 0 { Directory::Main } else { Directory::Next(number) };
            let at = usize::try_from(offset).unwrap_or(usize::MAX);
            let Some(next) = self.directory(at, name) else { break };
            offset = next;
            number += 1;
        }
        // Those that entries lead to; these may lead further.
        let mut at = 0;
        while let Some(entry) = self.entries.get(at).cloned() {
            at += 1;
            let name = match entry.tag {
                EXIF => Directory::Exif,
                GPS => Directory::Gps,
                INTEROP => Directory::Interop,
                SUB => Directory::Sub(0),
                _ => continue,
            };
            let offsets = self.numbers(&entry);
            if offsets.len() > MOST_DIRECTORIES {
                self.flaws.push((entry.at, format!("it leads to more than {MOST_DIRECTORIES} directories")));
            }
            for (number, offset) in offsets.into_iter().take(MOST_DIRECTORIES).enumerate() {
                let name = if matches!(name, Directory::Sub(_)) { Directory::Sub(number) } else { name };
                self.directory(usize::try_from(offset).unwrap_or(usize::MAX), name);
            }
        }
    }

    /// Reads one directory and gives the offset of the next one.
    fn directory(&mut self, at: usize, name: Directory) -> Option<u64> {
        if self.tables.iter().any(|table| table.at == at) {
            return None;
        }
        if self.tables.len() >= MOST_DIRECTORIES {
            self.flaws.push((at, format!("more than {MOST_DIRECTORIES} directories")));
            return None;
        }
        // Bytes of the count, of an entry, and of a value that stands within it.
        let (counted, size, within) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = if self.big { self.u64_at(at) } else { self.u16_at(at).map(u64::from) };
        let Some(count) = count else {
            self.flaws.push((at, format!("directory lies outside of {} bytes", self.bytes.len())));
            return None;
        };
        let told = usize::try_from(count).unwrap_or(usize::MAX);
        self.tables.push(Table { at, count: told });
        for number in 0..told {
            // Those of an unknown type, or whose value is nowhere, are work and room as well.
            self.walked += 1;
            if self.walked > MOST_ENTRIES {
                self.flaws.push((at, format!("more than {MOST_ENTRIES} tags")));
                return None;
            }
            let entry = at + counted + number * size;
            let head = (self.u16_at(entry), self.u16_at(entry + 2), self.offset_at(entry + 4));
            let (Some(tag), Some(kind), Some(count), Some(offset)) =
                (head.0, head.1, head.2, self.offset_at(entry + 4 + within))
            else {
                self.flaws.push((entry, format!("directory of {count} tags is cut after {number}")));
                return None;
            };
            let Some(size) = size_of(kind) else { continue };
            let length = count.saturating_mul(size);
            let is_inline = length <= within as u64;
            let from = if is_inline { (entry + 4 + within) as u64 } else { offset };
            let end = from.saturating_add(length);
            let reach = self.bytes.len() as u64;
            if end > reach {
                self.flaws
                    .push((entry, format!("value of tag {tag:#06x} ends at {end}, the block at {reach}")));
                continue;
            }
            let value = usize::try_from(from).ok()?..usize::try_from(end).ok()?;
            // Values may lie on top of each other: so many bytes are read in all.
            self.held += value.len();
            if self.held > self.bytes.len().saturating_mul(2).saturating_add(MOST_SHARED) {
                self.flaws.push((entry, "values lie on top of each other".to_owned()));
                return None;
            }
            let count = u32::try_from(count).ok()?;
            let table = at;
            self.entries.push(Entry {
                directory: name,
                table,
                tag,
                kind,
                count,
                at: entry,
                is_inline,
                value,
            });
        }
        self.offset_at(at + counted + told * size)
    }

    /// A count or an offset: 64 bits in a `BigTIFF`, 32 elsewhere.
    fn offset_at(&self, at: usize) -> Option<u64> {
        if self.big { self.u64_at(at) } else { self.u32_at(at).map(u64::from) }
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let two = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let four = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }

    fn u64_at(&self, at: usize) -> Option<u64> {
        let eight = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u64::from_le_bytes(eight) } else { u64::from_be_bytes(eight) })
    }

    /// A tag of a directory.
    pub(crate) fn get(&self, directory: Directory, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.directory == directory && entry.tag == tag)
    }

    /// Tags of the very directory in which an entry stands.
    pub(crate) fn beside<'b>(&'b self, entry: &Entry, tag: u16) -> impl Iterator<Item = &'b Entry> {
        let table = entry.table;
        self.entries.iter().filter(move |other| other.table == table && other.tag == tag)
    }

    /// The bytes of a value.
    pub(crate) fn bytes_of(&self, entry: &Entry) -> &'a [u8] {
        self.bytes.get(entry.value.clone()).unwrap_or_default()
    }

    /// The text of a value, up to its first zero, without blanks around it.
    pub(crate) fn text(&self, entry: &Entry) -> String {
        let bytes = self.bytes_of(entry);
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_owned()
    }

    /// The numbers of a value, at most 4096: whole ones and fractions alike.
    pub(crate) fn floats(&self, entry: &Entry) -> Vec<f64> {
        let Some(size) = size_of(entry.kind) else { return Vec::new() };
        let items = self.bytes_of(entry).chunks_exact(usize::try_from(size).unwrap_or(1).max(1));
        items.take(MOST_ENTRIES).filter_map(|item| self.number(entry.kind, item)).collect()
    }

    /// The whole numbers of a value that are not negative.
    pub(crate) fn numbers(&self, entry: &Entry) -> Vec<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers of at most 32 bits are exact in floats; others are left out"
        )]
        let whole = |number: f64| {
            (number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as u64)
        };
        self.floats(entry).into_iter().filter_map(whole).collect()
    }

    /// All offsets or lengths of a value, of which a picture of many tiles has more than others: whole numbers of 16 and more bits,
    /// with a sign or without; one below zero leads nowhere, and is `u64::MAX`. `None`: they are of another type.
    pub(crate) fn all_numbers<'b>(&'b self, entry: &'b Entry) -> Option<impl Iterator<Item = u64> + 'b> {
        let is_signed = match entry.kind {
            3 | 4 | 13 | 16 | 18 => false,
            8 | 9 | 17 => true,
            _ => return None,
        };
        let size = size_of(entry.kind).and_then(|size| usize::try_from(size).ok()).unwrap_or(1).max(1);
        let little = self.little;
        Some(self.bytes_of(entry).chunks_exact(size).map(move |item| {
            let highest = if little { item.last() } else { item.first() };
            if is_signed && highest.is_some_and(|byte| *byte >= 0x80) {
                return u64::MAX;
            }
            let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            if little { item.iter().rev().fold(0, digit) } else { item.iter().fold(0, digit) }
        }))
    }

    fn number(&self, kind: u16, item: &[u8]) -> Option<f64> {
        let u32_of = |at: usize| {
            let four = *item.get(at..)?.first_chunk()?;
            Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
        };
        let u16_of = || {
            let two = *item.first_chunk()?;
            Some(if self.little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
        };
        let u64_of = || {
            let eight = *item.first_chunk()?;
            Some(if self.little { u64::from_le_bytes(eight) } else { u64::from_be_bytes(eight) })
        };
        let ratio = |over: f64, under: f64| (under != 0.0).then(|| over / under);
        match kind {
            1 | 7 => item.first().map(|byte| f64::from(*byte)),
            6 => item.first().map(|byte| f64::from(byte.cast_signed())),
            3 => u16_of().map(f64::from),
            8 => u16_of().map(|two| f64::from(two.cast_signed())),
            4 | 13 => u32_of(0).map(f64::from),
            // Larger ones than 32 bits lead out of what is read.
            16 | 18 => u64_of().and_then(|eight| u32::try_from(eight).ok()).map(f64::from),
            17 => u64_of().and_then(|eight| i32::try_from(eight.cast_signed()).ok()).map(f64::from),
            9 => u32_of(0).map(|four| f64::from(four.cast_signed())),
            5 => ratio(u32_of(0)?.into(), u32_of(4)?.into()),
            10 => ratio(u32_of(0)?.cast_signed().into(), u32_of(4)?.cast_signed().into()),
            11 => u32_of(0).map(|four| f64::from(f32::from_bits(four))),
            12 => u64_of().map(f64::from_bits),
            _ => None,
        }
    }
}

impl Entry {
    /// How many values it says.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Its type (TIFF 6.0).
    pub(crate) const fn kind(&self) -> u16 {
        self.kind
    }

    /// Whether its value stands within the entry itself.
    pub(crate) const fn is_inline(&self) -> bool {
        self.is_inline
    }
}

/// Bytes of one value of a type (TIFF 6.0, 13 for the offset of a directory, and those of `BigTIFF`).
const fn size_of(kind: u16) -> Option<u64> {
    match kind {
        // 129: text in UTF-8 (EXIF 3.0).
        1 | 2 | 6 | 7 | 129 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block of two tags: a text of seven bytes at 38, and one that leads to the directory itself.
    fn block() -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
        block.extend([0x0f, 1, 2, 0, 7, 0, 0, 0, 38, 0, 0, 0]);
        block.extend([0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0]);
        block.extend([8, 0, 0, 0]);
        block.extend(b"Kestrel");
        block
    }

    #[test]
    fn values_are_read_and_circles_end() {
        let block = block();
        let tags = Tags::read(&block).unwrap();
        assert_eq!(tags.text(tags.get(Directory::Main, 0x10f).unwrap()), "Kestrel");
        assert_eq!((tags.tables.len(), tags.flaws.len()), (1, 0));
    }

    #[test]
    fn what_is_cut_is_told_and_the_rest_is_read() {
        let block = block();
        let tags = Tags::read(&block[..40]).unwrap();
        assert!(tags.get(Directory::Main, 0x10f).is_none() && tags.get(Directory::Main, EXIF).is_some());
        assert_eq!(tags.flaws.len(), 1);
    }

    #[test]
    fn counts_and_offsets_of_a_bigtiff_have_64_bits() {
        for little in [true, false] {
            let two = |number: u16| if little { number.to_le_bytes() } else { number.to_be_bytes() };
            let eight = |number: u64| if little { number.to_le_bytes() } else { number.to_be_bytes() };
            let entry = |tag, kind, count, value: [u8; 8]| {
                [&two(tag)[..], &two(kind), &eight(count), &value].concat()
            };
            let mut block = if little { b"II".to_vec() } else { b"MM".to_vec() };
            block.extend([two(43), two(8), two(0)].concat());
            block.extend([eight(16), eight(2)].concat());
            block.extend(entry(0x010f, 2, 8, *b"Kestrel\0"));
            block.extend(entry(GPS, 18, 1, eight(72)));
            block.extend([eight(0), eight(1)].concat());
            block.extend(entry(2, 2, 12, eight(108)));
            block.extend([&eight(0)[..], b"Ada Example\0"].concat());
            let tags = Tags::read(&block).unwrap();
            let text = |directory, tag| tags.get(directory, tag).map(|entry| tags.text(entry));
            assert_eq!(text(Directory::Main, 0x010f).as_deref(), Some("Kestrel"));
            assert_eq!(text(Directory::Gps, 2).as_deref(), Some("Ada Example"));
            assert!(tags.big && tags.flaws.is_empty(), "{:?}", tags.flaws);
            assert!(tags.entries[0].is_inline() && !tags.entries[2].is_inline());
            // A count of all that 64 bits can say is damage.
            block[16..24].fill(0xff);
            assert_eq!(Tags::read(&block).unwrap().flaws.len(), 1);
        }
    }

    #[test]
    fn entries_are_counted_whether_they_are_kept_or_not() {
        // In a BigTIFF, of an unknown type; elsewhere, with a value behind the end, in directories that lie on top of each other.
        let unknown = [&[0, 1, 99, 0][..], &[0; 16]].concat().repeat(50_000);
        let big = [&b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"[..], &50_000_u64.to_le_bytes(), &unknown].concat();
        let outside = [&[0x0f, 0x0f, 0x0f, 1, 2, 0][..], &[0xff; 6]].concat().repeat(60_000);
        let following: Vec<u8> = (0..50_u32).flat_map(|number| (26 + number * 1200).to_le_bytes()).collect();
        let sub = [&[0x4a, 1, 4, 0, 50, 0, 0, 0][..], &(26 + 720_000_u32).to_le_bytes(), &[0; 4]].concat();
        let little = [&b"II*\0\x08\0\0\0\x01\0"[..], &sub, &outside, &following].concat();
        for block in [big, little] {
            let tags = Tags::read(&block).unwrap();
            assert!(
                tags.flaws.iter().any(|(_, why)| why.contains("more than 4096 tags")),
                "{:?}",
                tags.flaws.first()
            );
            assert!(tags.walked <= MOST_ENTRIES + MOST_DIRECTORIES);
            assert!(tags.flaws.len() <= MOST_ENTRIES + MOST_DIRECTORIES, "{}", tags.flaws.len());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), little: bool, big: bool) {
            let head: &[u8] = match (little, big) {
                (true, false) => b"II*\0\x08\0\0\0",
                (false, false) => b"MM\0*\0\0\0\x08",
                (true, true) => b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
                (false, true) => b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10",
            };
            let whole = [head, &bytes[..]].concat();
            let tags = Tags::read(&whole).unwrap();
            for entry in &tags.entries {
                prop_assert!(tags.bytes_of(entry).len() == entry.value.len());
                let _ = (tags.floats(entry), tags.numbers(entry), tags.text(entry));
            }
            let _ = Tags::bare(&bytes, little);
        }
    }
}
