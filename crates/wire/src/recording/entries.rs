//! The entries of a HAR, one by one, out of a stream: JSON is followed as far as strings and brackets go.
//!
//! ```text
//! {"log": {…, "entries": [ {entry}, {entry}, … ], …}}
//! ```
//!
//! An entry is held whole, but for strings that are longer than any body that would be kept, and entries that are longer
//! than two of those: of these the beginning is held, and the place of each cut is known.

use std::io::{ErrorKind, Read};

use super::Fault;
use crate::Limits;

/// The bytes of one entry.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// From its first bracket on.
    pub(super) bytes: Vec<u8>,
    /// Where strings begin that were cut: the place of their quotation mark.
    pub(super) cuts: Vec<usize>,
    /// Whether it was longer than what is held.
    pub(super) long: bool,
    /// Whether its end was there.
    pub(super) whole: bool,
    /// Where it begins in the stream.
    pub(super) offset: u64,
}

/// A stream of entries.
pub(super) struct Entries {
    reader: Box<dyn Read + Send>,
    piece: Vec<u8>,
    /// Bytes of the piece that were used, and that there are.
    used: usize,
    have: usize,
    /// Where the piece begins in the stream.
    base: u64,
    /// Brackets that are open, and how many deeper ones are.
    open: Vec<u8>,
    deeper: u64,
    string: Option<Text>,
    escaped: bool,
    /// The beginning of the last string near the top: it may be a key.
    key: Vec<u8>,
    /// How deep the elements of `entries` lie, within it.
    within: Option<usize>,
    entry: Option<Entry>,
    /// A bracket that closes nothing.
    stray: Option<Fault>,
    found: bool,
    over: bool,
    longest_string: usize,
    longest_entry: usize,
}

/// A string being passed.
struct Text {
    /// Where it begins in the entry.
    start: usize,
    cut: bool,
}

const PIECE: usize = 1 << 16;

/// How deep `entries` may lie: within the document, or within its `log`.
const DEEPEST: usize = 2;

/// Brackets whose kind is known; deeper ones are counted.
const MOST_OPEN: usize = 256;

const KEY: &[u8] = b"entries";

impl Entries {
    pub(super) fn new(reader: Box<dyn Read + Send>, limits: &Limits) -> Self {
        // In base64 three bytes take four.
        let longest_string = (limits.body / 3 + 1) * 4;
        Self {
            reader,
            piece: vec![0; PIECE],
            used: 0,
            have: 0,
            base: 0,
            open: Vec::new(),
            deeper: 0,
            string: None,
            escaped: false,
            key: Vec::new(),
            within: None,
            entry: None,
            stray: None,
            found: false,
            over: false,
            longest_string,
            longest_entry: 2 * longest_string + (4 << 20),
        }
    }

    /// Whether `entries` was met.
    pub(super) const fn found(&self) -> bool {
        self.found
    }

    const fn offset(&self) -> u64 {
        self.base + self.used as u64
    }

    /// The next entry, or where the stream could not be followed.
    pub(super) fn next(&mut self) -> Option<Result<Entry, Fault>> {
        loop {
            if self.used == self.have {
                if self.over {
                    return None;
                }
                if let Err(fault) = self.fill() {
                    self.over = true;
                    return Some(self.cut().ok_or(fault));
                }
                if self.have == 0 {
                    self.over = true;
                    if let Some(entry) = self.cut() {
                        return Some(Ok(entry));
                    }
                    let open = !self.open.is_empty() || self.string.is_some();
                    return open.then(|| {
                        let why = "the document is not closed".to_owned();
                        Err(Fault { what: "recording cut short", offset: self.base, why })
                    });
                }
            }
            if let Some(entry) = self.step() {
                return Some(Ok(entry));
            }
            if let Some(fault) = self.stray.take() {
                return Some(Err(fault));
            }
        }
    }

    /// The entry that the end of the stream cuts.
    fn cut(&mut self) -> Option<Entry> {
        self.entry.take()
    }

    fn fill(&mut self) -> Result<(), Fault> {
        self.base += self.have as u64;
        (self.used, self.have) = (0, 0);
        loop {
            match self.reader.read(&mut self.piece) {
                Ok(read) => {
                    self.have = read.min(self.piece.len());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::reading(self.base, &error)),
            }
        }
    }

    /// Passes what stands next: a stretch of a string, or one byte outside. Gives an entry that is whole.
    fn step(&mut self) -> Option<Entry> {
        let rest = self.piece.get(self.used..self.have).unwrap_or_default();
        let first = *rest.first()?;
        if self.string.is_some() {
            let length = if self.escaped {
                1
            } else {
                // A quotation mark or an escape is taken by itself.
                memchr::memchr2(b'"', b'\\', rest).map_or(rest.len(), |at| at.max(1))
            };
            self.within_string(length, first);
            return None;
        }
        self.used += 1;
        let offset = self.offset() - 1;
        if let Some(entry) = &mut self.entry {
            if entry.bytes.len() < self.longest_entry {
                entry.bytes.push(first);
            } else {
                entry.long = true;
            }
        }
        match first {
            b'"' => {
                let start = self.entry.as_ref().map_or(0, |entry| entry.bytes.len().saturating_sub(1));
                self.string = Some(Text { start, cut: false });
                self.key.clear();
            }
            b'{' | b'[' => {
                if self.open.len() < MOST_OPEN {
                    self.open.push(first);
                } else {
                    self.deeper += 1;
                }
                let nesting = self.open.len();
                let inside = self.within.is_some_and(|within| nesting == within + 1);
                if first == b'{' && inside && self.entry.is_none() {
                    self.entry = Some(Entry { bytes: vec![first], offset, ..Entry::default() });
                }
                if first == b'[' && self.within.is_none() && nesting <= DEEPEST + 1 && self.key == KEY {
                    (self.within, self.found) = (Some(nesting), true);
                }
                self.key.clear();
            }
            b'}' | b']' => {
                self.key.clear();
                if self.deeper > 0 {
                    self.deeper -= 1;
                    return None;
                }
                let nesting = self.close(first, offset)?;
                if self.within.is_some_and(|within| nesting < within) {
                    self.within = None;
                }
                if self.within == Some(nesting) || self.within.is_none() {
                    let entry = self.entry.take()?;
                    return Some(Entry { whole: true, ..entry });
                }
            }
            b',' => self.key.clear(),
            _ => {}
        }
        None
    }

    /// Closes what a bracket closes, and gives how much is open then. One that is within an entry closes nothing around
    /// it, and one within the list closes but the list.
    fn close(&mut self, bracket: u8, offset: u64) -> Option<usize> {
        let opener = if bracket == b'}' { b'{' } else { b'[' };
        let around = self.within.unwrap_or(0).saturating_sub(usize::from(self.entry.is_none()));
        let inner = self.open.get(around..).unwrap_or_default();
        let found = inner.iter().rposition(|open| *open == opener);
        if found.is_none_or(|at| at + 1 < inner.len()) {
            let why = format!("`{}` closes nothing that is open", char::from(bracket));
            self.stray = Some(Fault { what: "bracket", offset, why });
        }
        self.open.truncate(around + found?);
        Some(self.open.len())
    }

    /// Passes `length` bytes of a string; what is kept of it ends before an escape or behind it, never in it.
    fn within_string(&mut self, length: usize, first: u8) {
        let taken = self.piece.get(self.used..self.used + length).unwrap_or_default();
        let Some(text) = &mut self.string else { return };
        let ends = first == b'"' && !self.escaped;
        if let Some(entry) = &mut self.entry {
            let held = entry.bytes.len() - text.start.min(entry.bytes.len());
            let room = self.longest_string.saturating_sub(held);
            if entry.bytes.len() >= self.longest_entry {
                entry.long = true;
            } else {
                let kept = match first {
                    _ if ends => taken,
                    _ if text.cut => &[],
                    // The second byte of an escape always follows the first.
                    _ if self.escaped => taken,
                    b'\\' if room < 2 => &[],
                    _ => taken.get(..room.min(length)).unwrap_or_default(),
                };
                entry.bytes.extend_from_slice(kept);
                text.cut |= kept.len() < length;
            }
            if ends && text.cut {
                entry.cuts.push(text.start);
            }
        } else if !ends && self.open.len() <= DEEPEST && self.key.len() <= KEY.len() {
            let room = (KEY.len() + 1).saturating_sub(self.key.len());
            self.key.extend_from_slice(taken.get(..room.min(length)).unwrap_or_default());
        }
        self.escaped = first == b'\\' && !self.escaped;
        if ends {
            self.string = None;
        }
        self.used += length;
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::{
        super::{json, query::Query},
        *,
    };

    fn all(text: &[u8], limits: &Limits) -> (Vec<Entry>, Vec<Fault>) {
        let mut entries = Entries::new(Box::new(std::io::Cursor::new(text.to_vec())), limits);
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        while let Some(next) = entries.next() {
            match next {
                Ok(entry) => found.push(entry),
                Err(fault) => faults.push(fault),
            }
        }
        (found, faults)
    }

    #[test]
    fn entries_come_out_of_whatever_stands_around_them() {
        let text = br#" {"log": {"pages": [{"entries": [{"no": 1}]}], "entries" : [ {"a": "}]\"" }, 7, {"b": [{}]} ],
            "comment": "\"entries\": [{}]"}}"#;
        let (found, faults) = all(text, &Limits::default());
        let found: Vec<_> = found.iter().map(|entry| String::from_utf8_lossy(&entry.bytes)).collect();
        assert_eq!(found, [r#"{"a": "}]\"" }"#, r#"{"b": [{}]}"#]);
        assert_eq!(faults, []);
    }

    #[test]
    fn a_stray_bracket_is_told_and_hides_no_later_entry() {
        for stray in ["}", r#"{"x": [1]]}"#, r#"{"x": 1]}"#, r#"{"x": [1}"#, r#"{"x": 1}}"#] {
            let text = format!(r#"{{"log": {{"entries": [{{"a": 1}}, {stray}, {{"b": 2}}], "c": 3}}}}"#);
            let (found, faults) = all(text.as_bytes(), &Limits::default());
            assert_eq!(found.last().unwrap().bytes, br#"{"b": 2}"#, "{text}");
            assert!(!faults.is_empty() && found.first().unwrap().bytes == br#"{"a": 1}"#, "{text}");
        }
    }

    #[test]
    fn a_document_that_is_cut_gives_what_was_there_and_says_so() {
        let text = br#"{"log": {"entries": [{"a": 1}, {"b": "hal"#;
        let (found, _) = all(text, &Limits::default());
        let whole: Vec<bool> = found.iter().map(|entry| entry.whole).collect();
        assert_eq!(whole, [true, false]);
        let (_, faults) = all(br#"{"log": {"entries": [{"a": 1},"#, &Limits::default());
        assert_eq!(faults[0].what, "recording cut short");
    }

    #[test]
    fn a_string_is_cut_before_an_escape_and_the_cut_is_known() {
        let limits = Limits { body: 3, ..Limits::default() };
        // Eight bytes with the opening mark are held.
        for text in [r#""1234567890""#, r#""123456\"7890""#, r#""12345\\67890""#, r#""12345\u00e47890""#] {
            let (found, _) = all(format!(r#"{{"entries": [{{"a": {text}, "b": 1}}]}}"#).as_bytes(), &limits);
            let held = String::from_utf8_lossy(&found[0].bytes).into_owned();
            assert_eq!(found[0].cuts, [6], "{held}");
            assert!(held.ends_with(r#"", "b": 1}"#) && held.len() < 28, "{held}");
            let (tree, _) = json::parse(&found[0].bytes, &found[0].cuts);
            assert_eq!((&tree).number("b"), Some(1), "{held}");
        }
    }
}
