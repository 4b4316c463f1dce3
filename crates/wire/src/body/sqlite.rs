//! Databases of `SQLite` 3 (<https://www.sqlite.org/fileformat2.html>): a part for each table, under it one for each row, and
//! under that one for each value, named as its column.
//!
//! ```text
//! file      100 bytes of header, and pages of one size; page 1 holds the table of tables
//! page      kind, 2 first free block, 2 cells, 2 where they begin, 1 free bytes; kind 5: 4 the last child; 2 for each cell
//! cell      of an inner page (5):  4 child, number of the row
//!           of a leaf (13):        length of the record, number of the row, record or its beginning and 4 the page it goes on at
//! record    length of its head, kind of each value, the values
//! ```
//!
//! Numbers are varints of up to nine bytes. Each page is read once, so that pages that refer to each other come to an end.
//! Indices, tables without row numbers, virtual tables, and what was deleted are not read.

mod columns;
mod wal;

use super::{Tree, path, path::Path};
use columns::Columns;

pub use wal::with_wal;

/// What a database begins with.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// Tables of one database that are read.
const MOST_TABLES: usize = 1000;

/// Columns of all tables of one database, together with what is no table, such as indices.
const MOST_NAMES: usize = 50_000;

/// Bytes of the longest statement that makes a table.
const LONGEST_STATEMENT: usize = 64 << 10;

/// Kinds of pages (§1.6): those of tables.
const INNER: u8 = 5;
const LEAF: u8 = 13;

/// Pages from the root of a table to its rows, at most: with two children each, more than there can be.
const DEEPEST: usize = 40;

impl Tree<'_> {
    /// Takes a part apart as a database. False if it is none, or says nothing; what comes before damage is kept.
    pub(super) fn sqlite(&mut self, part: usize) -> bool {
        if !self.bytes(part).starts_with(MAGIC) {
            return false;
        }
        let before = self.mark();
        self.lend(part, |tree, bytes| {
            if let Some(mut database) = Database::new(bytes) {
                database.grow(tree, part);
            }
        });
        self.mark() != before
    }
}

/// How texts are written.
#[derive(Clone, Copy, Debug)]
enum Letters {
    Utf8,
    Utf16Le,
    Utf16Be,
}

struct Database<'b> {
    bytes: &'b [u8],
    page: usize,
    /// Bytes of a page that are used.
    usable: usize,
    letters: Letters,
    /// Which pages were read.
    read: Vec<bool>,
}

/// A row: its number and its record.
struct Row {
    number: i64,
    record: Vec<u8>,
}

/// A value of a record.
enum Value<'r> {
    Null,
    Whole(i64),
    Real(f64),
    Bytes(&'r [u8]),
    Text(&'r [u8]),
}

impl<'b> Database<'b> {
    fn new(bytes: &'b [u8]) -> Option<Self> {
        let page = match u16::from_be_bytes(*bytes.get(16..)?.first_chunk()?) {
            1 => 65_536,
            page => usize::from(page),
        };
        let usable = page.checked_sub(usize::from(*bytes.get(20)?))?;
        let letters = match bytes.get(56..60)? {
            [0, 0, 0, 2] => Letters::Utf16Le,
            [0, 0, 0, 3] => Letters::Utf16Be,
            _ => Letters::Utf8,
        };
        let fits = page.is_power_of_two() && page >= 512 && usable >= 480;
        fits.then(|| Self { bytes, page, usable, letters, read: vec![false; bytes.len().div_ceil(page) + 1] })
    }

    fn grow(&mut self, tree: &mut Tree<'_>, part: usize) {
        let (mut tables, mut names) = (Vec::new(), 0);
        let mut note = |database: &Self, row: Row| {
            let found = (|| {
                let values = values(&row.record, 5)?;
                let text = |at: usize| match values.get(at) {
                    Some(Value::Text(text)) => Some(database.text(text)),
                    _ => None,
                };
                let Some(Value::Whole(root)) = values.get(3) else { return None };
                let root = usize::try_from(*root).ok().filter(|root| *root > 0)?;
                let is_short =
                    matches!(values.get(4), Some(Value::Text(text)) if text.len() <= LONGEST_STATEMENT);
                let columns = if is_short { columns::of(&text(4)?)? } else { Columns::default() };
                (text(0)? == "table").then_some((text(1)?, root, columns))
            })();
            names += found.as_ref().map_or(1, |(.., columns)| columns.names.len().max(1));
            let whole = found.as_ref().is_none_or(|(.., columns)| !columns.names.is_empty());
            let room = tables.len() < MOST_TABLES && names < MOST_NAMES && whole;
            tables.extend(found.filter(|_| room));
            room
        };
        if !self.rows(1, &mut note) {
            tree.reached("tables of one database");
        }
        let mut path = Path::new("sqlite");
        for (name, root, columns) in &tables {
            if tree.full() {
                return;
            }
            let name = path::key(name);
            let back = path.enter(name);
            let table = tree.child(part, &*path.step(), b"".as_slice(), None);
            self.rows(*root, &mut |database, row| database.row(tree, table, &mut path, columns, &row));
            path.leave(back);
        }
    }

    /// Adds a row. False where there is room for no other.
    fn row(&self, tree: &mut Tree<'_>, table: usize, path: &mut Path, columns: &Columns, row: &Row) -> bool {
        let Some(values) = values(&row.record, columns.names.len()) else { return true };
        if tree.full() {
            return false;
        }
        let up = path.enter(&row.number.to_string());
        let record = tree.child(table, &*path.step(), b"".as_slice(), None);
        for (at, value) in values.into_iter().enumerate() {
            let Some(name) = columns.names.get(at) else { break };
            let (content, opens) = match value {
                // The number of the row stands for the column that is called so.
                Value::Null if columns.number == Some(at) => (row.number.to_string().into_bytes(), false),
                Value::Null => continue,
                Value::Whole(number) => (number.to_string().into_bytes(), false),
                Value::Real(number) => (number.to_string().into_bytes(), false),
                Value::Bytes(bytes) => (bytes.to_vec(), true),
                Value::Text(bytes) => (self.text(bytes).into_bytes(), true),
            };
            if content.is_empty() {
                continue;
            }
            if tree.full() {
                path.leave(up);
                return false;
            }
            let back = path.enter(name);
            let leaf = tree.child(record, &*path.step(), content, Some(name));
            path.leave(back);
            if opens {
                tree.open(leaf);
            }
        }
        path.leave(up);
        true
    }

    fn text(&self, bytes: &[u8]) -> String {
        let of = |number: fn([u8; 2]) -> u16| {
            let units = bytes.as_chunks().0.iter().map(|unit| number(*unit));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        };
        match self.letters {
            Letters::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Letters::Utf16Le => of(u16::from_le_bytes),
            Letters::Utf16Be => of(u16::from_be_bytes),
        }
    }

    /// The used bytes of a page, if it was not read before; pages are counted from 1.
    fn page(&mut self, number: usize) -> Option<&'b [u8]> {
        let read = self.read.get_mut(number)?;
        if std::mem::replace(read, true) {
            return None;
        }
        let start = number.checked_sub(1)?.checked_mul(self.page)?;
        self.bytes.get(start..start.checked_add(self.usable)?)
    }

    /// Gives the rows of a table in the order of their numbers, until `take` wants no more. False then.
    fn rows(&mut self, root: usize, take: &mut dyn FnMut(&Self, Row) -> bool) -> bool {
        // Pages that wait, with how deep each lies; the next is last.
        let mut wait = vec![(root, 0)];
        while let Some((number, depth)) = wait.pop() {
            let Some(page) = self.page(number) else { continue };
            // The header of the file stands in the first page.
            let start = if number == 1 { 100 } else { 0 };
            let Some(head) = page.get(start..) else { continue };
            let [kind, _, _, cells @ ..] = head else { continue };
            let Some(count) = cells.first_chunk().map(|count| usize::from(u16::from_be_bytes(*count))) else {
                continue;
            };
            let (pointers, inner) = match *kind {
                INNER => (12, true),
                LEAF => (8, false),
                _ => continue,
            };
            let pointers = head.get(pointers..).unwrap_or_default().as_chunks().0.iter().take(count);
            let cells = pointers.filter_map(|at| page.get(usize::from(u16::from_be_bytes(*at))..));
            if inner {
                if depth < DEEPEST {
                    let child =
                        |cell: &[u8]| cell.first_chunk().map(|child| u32::from_be_bytes(*child) as usize);
                    let children = cells.filter_map(child).chain(head.get(8..).and_then(child));
                    let first = wait.len();
                    wait.extend(children.map(|child| (child, depth + 1)));
                    if let Some(children) = wait.get_mut(first..) {
                        children.reverse();
                    }
                }
                continue;
            }
            // Cells of a page do not overlap: what they hold there fits in it.
            let mut unused = page.len();
            for cell in cells {
                let Some((row, here)) = self.record(cell) else { continue };
                let Some(left) = unused.checked_sub(here) else { break };
                unused = left;
                if !take(self, row) {
                    return false;
                }
            }
        }
        true
    }

    /// The record of a leaf's cell, with what stands on other pages (§1.6, "cell payload overflow"), and how many bytes of
    /// it stand here; of one whose pages are not there, what is there.
    fn record(&mut self, cell: &[u8]) -> Option<(Row, usize)> {
        let (length, rest) = varint(cell)?;
        let (number, rest) = varint(rest)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.bytes.len())?;
        let most = self.usable - 35;
        let here = if length <= most {
            length
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let usual = least + (length - least) % (self.usable - 4);
            if usual <= most { usual } else { least }
        };
        let mut record = rest.get(..here)?.to_vec();
        let mut next = rest.get(here..).filter(|_| here < length).and_then(following);
        while let Some(page) = next.and_then(|next| self.page(next)) {
            let piece = page.get(4..).unwrap_or_default();
            record
                .extend_from_slice(piece.get(..(length - record.len()).min(piece.len())).unwrap_or_default());
            next = following(page).filter(|_| record.len() < length);
        }
        Some((Row { number, record }, here))
    }
}

/// The number of the page that a record goes on at.
fn following(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|next| u32::from_be_bytes(*next) as usize).filter(|next| *next > 0)
}

/// A number of up to nine bytes: seven bits of each but the ninth, the first bit says whether another follows (§1.6).
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            number = number << 8 | u64::from(*byte);
        } else {
            number = number << 7 | u64::from(byte & 0x7f);
        }
        if at == 8 || byte & 0x80 == 0 {
            return Some((number.cast_signed(), bytes.get(at + 1..)?));
        }
    }
    None
}

/// The first values of a record, at most so many (§2.1); of one that is cut, those before the cut.
fn values(record: &[u8], most: usize) -> Option<Vec<Value<'_>>> {
    let (length, kinds) = varint(record)?;
    let length = usize::try_from(length).ok()?;
    let mut values = record.get(length..)?;
    let mut kinds = record.get(record.len() - kinds.len()..length)?;
    let mut list = Vec::new();
    while !kinds.is_empty() && list.len() < most {
        let (kind, rest) = varint(kinds)?;
        kinds = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let Some((bytes, rest)) = values.split_at_checked(size) else { break };
        values = rest;
        list.push(match kind {
            0 => Value::Null,
            1..=6 => Value::Whole(whole(bytes)),
            7 => Value::Real(f64::from_be_bytes(*bytes.first_chunk()?)),
            8 => Value::Whole(0),
            9 => Value::Whole(1),
            _ if kind % 2 == 0 => Value::Bytes(bytes),
            _ => Value::Text(bytes),
        });
    }
    Some(list)
}

/// A number in two's complement, in network order.
fn whole(bytes: &[u8]) -> i64 {
    let sign = bytes.first().map_or(0, |first| if first & 0x80 == 0 { 0 } else { -1 });
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Limits, body::expand};

    /// Made by Python's `sqlite3` (`tests/databases/make.py --sample`): pages of 512 bytes, a note over several of
    /// them, more rows than a page holds, and columns of all kinds.
    const SAMPLE: &[u8] = include_bytes!("sqlite/sample.db");

    fn cells(bytes: &[u8]) -> Vec<(String, String)> {
        let parts = expand(bytes, None, &Limits::default());
        let named = parts.iter().filter(|part| part.is_named());
        named
            .map(|part| (part.step().into_owned(), String::from_utf8_lossy(part.bytes()).into_owned()))
            .collect()
    }

    #[test]
    fn rows_have_values_named_as_their_columns() {
        let told = cells(SAMPLE);
        let of = |step: &str| told.iter().find(|(known, _)| known == step).map(|(_, text)| text.as_str());
        assert_eq!(of("sqlite:/account/7/_id"), Some("7"));
        assert_eq!(of("sqlite:/account/7/e mail"), Some("o.lindqvarn@netzwacht.example"));
        assert_eq!(of("sqlite:/account/7/lat"), Some("24.744672"));
        assert_eq!(of("sqlite:/account/7/none"), None);
        assert_eq!(of("sqlite:/account/7/note").map(str::len), Some(3000));
        assert_eq!(of("sqlite:/sample/300/n"), Some("-300000000000"));
        assert_eq!(told.iter().filter(|(step, _)| step.ends_with("/n")).count(), 300);
        // What is opened further: JSON in a text.
        assert_eq!(of("json:/serial"), Some("1581F5BKD225D00BP891"));
    }

    proptest! {
        #[test]
        fn damage_does_no_harm_and_takes_no_time(
            hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
            end in any::<prop::sample::Index>(),
        ) {
            let mut bytes = SAMPLE.to_vec();
            for (at, byte) in hits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(end.index(SAMPLE.len()) + 1);
            let parts = expand(&bytes, None, &Limits::default());
            prop_assert!(parts.len() <= Limits::default().parts + 1);
        }

        #[test]
        fn numbers_of_any_length_are_read(number in any::<i64>(), size in 1..9_usize) {
            let cut = number >> (64 - 8 * size);
            prop_assert_eq!(whole(&cut.to_be_bytes()[8 - size..]), cut);
        }
    }
}
