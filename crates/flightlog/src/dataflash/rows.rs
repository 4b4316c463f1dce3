//! Rows of a log of `DataFlash`: bytes or text, both with formats that the log itself brings.
//!
//! ```text
//! binary   a3 95 │ type │ fields
//! FMT      a3 95 │ 80 │ type │ length, all in all │ name 4 │ a letter per field 16 │ names of fields, with commas 64
//! text     FMT, type, length, name, letters, names of fields, with commas
//!          name, field, field, …
//! ```
//!
//! Numbers lie least significant byte first, without padding. Letters: `AP_Logger/README.md` of `ArduPilot`.

use std::collections::BTreeMap;

/// What the beginning of each row of bytes is.
const HEAD: [u8; 2] = [0xa3, 0x95];

/// The type of the rows that bring formats, and how long they are.
const FMT: (u8, usize) = (0x80, 89);

/// What rows of one name hold.
#[derive(Debug)]
pub(super) struct Layout {
    name: String,
    length: usize,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    label: String,
    letter: u8,
    /// Where it begins in a row of bytes.
    at: usize,
}

impl Layout {
    fn new<'a>(name: &str, length: usize, letters: &[u8], labels: impl Iterator<Item = &'a str>) -> Self {
        let mut at = 3;
        let column = |(letter, label): (&u8, &str)| {
            let column = Column { label: label.trim().to_owned(), letter: *letter, at };
            at += size(*letter);
            column
        };
        Self {
            name: name.trim().to_owned(),
            length,
            columns: letters.iter().zip(labels).map(column).collect(),
        }
    }
}

/// Bytes of a field.
const fn size(letter: u8) -> usize {
    match letter {
        b'h' | b'H' | b'c' | b'C' | b'g' => 2,
        b'i' | b'I' | b'e' | b'E' | b'f' | b'L' | b'n' => 4,
        b'd' | b'q' | b'Q' => 8,
        b'N' => 16,
        b'Z' | b'a' => 64,
        // b, B, M; and what is not known can only be guessed.
        _ => 1,
    }
}

/// A row.
#[derive(Debug)]
pub(super) struct Row<'a> {
    layout: &'a Layout,
    values: Values<'a>,
    /// Where it begins in the log.
    pub(super) at: usize,
}

#[derive(Debug)]
enum Values<'a> {
    Bytes(&'a [u8]),
    Words(Vec<&'a str>),
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    Bytes(u8, &'a [u8]),
    Word(&'a str),
}

impl<'a> Row<'a> {
    /// What it is of: `GPS`, `MSG`, …
    pub(super) fn name(&self) -> &'a str {
        &self.layout.name
    }

    fn field(&self, label: &str) -> Option<Field<'a>> {
        let index = self.layout.columns.iter().position(|column| column.label == label)?;
        let column = self.layout.columns.get(index)?;
        match &self.values {
            Values::Bytes(bytes) => {
                let value = bytes.get(column.at..column.at + size(column.letter))?;
                Some(Field::Bytes(column.letter, value))
            }
            Values::Words(words) => words.get(index).map(|word| Field::Word(word)),
        }
    }

    /// The bytes of the row, if the log is one of bytes.
    pub(super) const fn bytes(&self) -> Option<&'a [u8]> {
        match &self.values {
            Values::Bytes(bytes) => Some(bytes),
            Values::Words(_) => None,
        }
    }

    /// Where a field begins in the bytes of the row, and its letter.
    pub(super) fn lies(&self, label: &str) -> Option<(usize, u8)> {
        let column = self.layout.columns.iter().find(|column| column.label == label)?;
        Some((column.at, column.letter))
    }

    /// A number, in the unit that the letter says: degrees for places, hundredths made whole.
    pub(super) fn number(&self, label: &str) -> Option<f64> {
        let (letter, bytes) = match self.field(label)? {
            Field::Word(word) => return word.parse().ok().filter(|number: &f64| number.is_finite()),
            Field::Bytes(letter, bytes) => (letter, bytes),
        };
        let number = match letter {
            b'b' => i8::from_le_bytes(*bytes.first_chunk()?).into(),
            b'B' | b'M' => (*bytes.first()?).into(),
            b'h' => i16::from_le_bytes(*bytes.first_chunk()?).into(),
            b'H' => u16::from_le_bytes(*bytes.first_chunk()?).into(),
            b'c' => f64::from(i16::from_le_bytes(*bytes.first_chunk()?)) / 100.0,
            b'C' => f64::from(u16::from_le_bytes(*bytes.first_chunk()?)) / 100.0,
            b'i' => i32::from_le_bytes(*bytes.first_chunk()?).into(),
            b'I' => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            b'e' => f64::from(i32::from_le_bytes(*bytes.first_chunk()?)) / 100.0,
            b'E' => f64::from(u32::from_le_bytes(*bytes.first_chunk()?)) / 100.0,
            b'L' => f64::from(i32::from_le_bytes(*bytes.first_chunk()?)) / 1e7,
            b'f' => f32::from_le_bytes(*bytes.first_chunk()?).into(),
            b'd' => f64::from_le_bytes(*bytes.first_chunk()?),
            #[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years are exact")]
            b'q' => i64::from_le_bytes(*bytes.first_chunk()?) as f64,
            #[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years are exact")]
            b'Q' => u64::from_le_bytes(*bytes.first_chunk()?) as f64,
            _ => return None,
        };
        Some(number).filter(|number| number.is_finite())
    }

    /// A number that is a name, all its bits.
    pub(super) fn bits(&self, label: &str) -> Option<u64> {
        match self.field(label)? {
            Field::Word(word) => word.parse().ok(),
            Field::Bytes(b'Q' | b'q', bytes) => bytes.first_chunk().map(|eight| u64::from_le_bytes(*eight)),
            Field::Bytes(b'I', bytes) => bytes.first_chunk().map(|four| u64::from(u32::from_le_bytes(*four))),
            Field::Bytes(..) => None,
        }
    }

    /// A text without its padding.
    pub(super) fn text(&self, label: &str) -> Option<String> {
        match self.field(label)? {
            Field::Word(word) => Some(word.to_owned()),
            Field::Bytes(b'n' | b'N' | b'Z', bytes) => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                bytes.get(..end).map(|text| String::from_utf8_lossy(text).trim().to_owned())
            }
            Field::Bytes(..) => None,
        }
    }
}

/// What a stretch of a log is.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A row.
    Row(Row<'a>),
    /// A row that brings a format: from where on, and how many bytes.
    Format(usize, usize),
    /// No row: from where on, and how many bytes.
    Lost(usize, usize),
}

/// Calls `take` with what is found in a log of bytes, in order.
pub(super) fn binary(bytes: &[u8], mut take: impl FnMut(&Found<'_>)) {
    let mut layouts: BTreeMap<u8, Layout> = BTreeMap::new();
    let (mut at, mut good) = (0, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let kind = rest.strip_prefix(&HEAD).and_then(|rest| rest.first()).copied();
        let length = match kind {
            Some(kind) if kind == FMT.0 => Some(FMT.1),
            Some(kind) => layouts.get(&kind).map(|layout| layout.length),
            None => None,
        };
        let Some((kind, row)) = kind.zip(length.and_then(|length| rest.get(..length))) else {
            at += 1;
            continue;
        };
        if good < at {
            take(&Found::Lost(good, at - good));
        }
        if kind == FMT.0 {
            if let Some((of, layout)) = brought(row) {
                layouts.insert(of, layout);
            }
            take(&Found::Format(at, row.len()));
        } else if let Some(layout) = layouts.get(&kind) {
            take(&Found::Row(Row { layout, values: Values::Bytes(row), at }));
        }
        at += row.len();
        good = at;
    }
    if good < bytes.len() {
        take(&Found::Lost(good, bytes.len() - good));
    }
}

/// The format that a row of bytes brings, and of which type.
fn brought(row: &[u8]) -> Option<(u8, Layout)> {
    let text = |from: usize, to: usize| {
        let bytes = row.get(from..to)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(bytes.get(..end)?).ok()
    };
    let (kind, length) = (*row.get(3)?, usize::from(*row.get(4)?));
    let layout = Layout::new(text(5, 9)?, length, text(9, 25)?.as_bytes(), text(25, 89)?.split(','));
    // A row is at least as long as its head, or reading would not go on.
    (length > 3).then_some((kind, layout))
}

/// Calls `take` with what is found in a log of text, in order. What stands before the first format is for people.
pub(super) fn lines(bytes: &[u8], mut take: impl FnMut(&Found<'_>)) {
    let mut layouts: BTreeMap<&[u8], Layout> = BTreeMap::new();
    let mut at = 0;
    for whole in bytes.split_inclusive(|byte| *byte == b'\n') {
        let begins = at;
        at += whole.len();
        let line = whole.trim_ascii();
        let name = line.split(|byte| *byte == b',').next().unwrap_or_default();
        // A line that the end of the log cut may have lost digits of its last number.
        let text = std::str::from_utf8(line).ok().filter(|_| whole.ends_with(b"\n"));
        if let Some(format) = text.and_then(|text| text.strip_prefix("FMT,")) {
            let mut words = format.split(',').map(str::trim);
            let (Some(_), Some(_), Some(of), Some(letters)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                take(&Found::Lost(begins, whole.len()));
                continue;
            };
            layouts.insert(of.as_bytes(), Layout::new(of, 0, letters.as_bytes(), words));
            take(&Found::Format(begins, whole.len()));
        } else if let (Some(layout), Some(text)) = (layouts.get(name), text) {
            // A text at the end may hold commas.
            let words = text.splitn(layout.columns.len() + 1, ',').skip(1).map(str::trim).collect();
            take(&Found::Row(Row { layout, values: Values::Words(words), at: begins }));
        } else if !line.is_empty() && !layouts.is_empty() {
            take(&Found::Lost(begins, whole.len()));
        }
    }
}
