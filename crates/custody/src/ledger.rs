//! `ledger.jsonl`: one record a line, each chained to the line before (docs/decisions/025).

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read},
};

use creance_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{PublicKey, canonical, is_hex_of_32, seal::Seal, sha256};

/// The name and version of a record.
const SCHEMA: &str = "creance.ledger/1";

/// Bytes of the longest line that is read.
const LONGEST: usize = 16 << 20;

/// The number of the last record of a file of a ledger that has grown long and was put aside, by the file's name:
/// `ledger-NUMBER.jsonl`. In the order of their numbers, and `ledger.jsonl` behind them, such files are one ledger.
pub fn put_aside(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("ledger-")?.strip_suffix(".jsonl")?;
    // Nothing that is only read as a number: a sign.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// A file of a case.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path in the case, with `/` between folders.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

/// What was done: what a record says but for its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// In a word: `audit`, `review`, `sign`, `redact`.
    pub action: String,
    /// The case, by its id.
    pub case: String,
    /// `creance` and its version.
    pub tool: String,
    /// When it began.
    pub started: Timestamp,
    /// When it was done.
    pub ended: Timestamp,
    /// What there is to say of it: words, whole numbers, yes or no, and lists of these.
    pub detail: BTreeMap<String, Value>,
    /// Every file of the case afterwards but ledger and signature.
    pub files: Vec<File>,
}

/// A line.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    schema: String,
    /// Its place, counted from 1.
    pub number: u64,
    /// The SHA-256 of the line before, without its end; nothing before the first.
    pub previous: Option<String>,
    /// See [`Deed`].
    pub action: String,
    /// See [`Deed`].
    pub case: String,
    /// See [`Deed`].
    pub tool: String,
    /// See [`Deed`].
    pub started: Timestamp,
    /// See [`Deed`].
    pub ended: Timestamp,
    /// See [`Deed`].
    pub detail: BTreeMap<String, Value>,
    /// See [`Deed`], sorted by path.
    pub files: Vec<File>,
}

/// Which line of a ledger is wrong, and how.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("record {record}: {why}")]
pub struct LedgerError {
    /// The line, counted from 1.
    pub record: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// There is none.
    #[error("the ledger is empty")]
    Empty,
    /// The last line has no end.
    #[error("its line is cut, or has no end")]
    Cut,
    /// It is written in another way than creance writes.
    #[error("no record in canonical form")]
    Form,
    /// A line is missing, or they were put in another order.
    #[error("its number is another: a record was taken out, put in or moved")]
    Number,
    /// The line before is not the one that was there.
    #[error("the record before is not the one that stood there when this was written")]
    Chain,
    /// A file that was put aside has more, or less, than its name says.
    #[error("it is the last of a file that is named by another")]
    Aside,
    /// A file is named twice, or a hash is none.
    #[error("its list of files is none")]
    Files,
}

/// A ledger that is whole.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    /// SHA-256 of each line.
    hashes: Vec<String>,
}

impl Record {
    fn new(number: u64, previous: Option<String>, deed: Deed) -> Self {
        let Deed { action, case, tool, started, ended, detail, mut files } = deed;
        files.sort();
        Self {
            schema: SCHEMA.to_owned(),
            number,
            previous,
            action,
            case,
            tool,
            started,
            ended,
            detail,
            files,
        }
    }

    /// Reads a line, without its end.
    fn read(line: &[u8]) -> Option<Self> {
        canonical::read::<Self>(line).filter(|read| read.schema == SCHEMA)
    }

    /// Why it cannot stand behind the record of this number and hash.
    fn refused_after(&self, number: u64, hash: Option<&String>) -> Option<Why> {
        if self.number != number + 1 {
            return Some(Why::Number);
        }
        if self.previous.as_ref() != hash {
            return Some(Why::Chain);
        }
        let sorted = self.files.windows(2).all(|pair| matches!(pair, [a, b] if a.path < b.path));
        (!sorted || !self.files.iter().all(|file| is_hex_of_32(&file.sha256))).then_some(Why::Files)
    }
}

/// The end of a ledger that goes on for years: what the next line hangs on, and no more.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    number: u64,
    case: Option<String>,
    hash: Option<String>,
    /// The hash of the record before the last.
    before: Option<String>,
}

impl Chain {
    /// Adds a record, and gives its line. Nothing, if the deed holds a number that is not whole.
    pub fn add(&mut self, deed: Deed) -> Option<String> {
        let record = Record::new(self.number + 1, self.hash.clone(), deed);
        let line = canonical::write(&record)?;
        *self = Self::behind(&record, line.as_bytes());
        Some(line + "\n")
    }

    /// The end of a ledger whose last line, without its end, is this one. What went before is taken at its word.
    pub fn at(line: &[u8]) -> Option<Self> {
        Some(Self::behind(&Record::read(line)?, line))
    }

    /// The end that a record is, with its line.
    fn behind(record: &Record, line: &[u8]) -> Self {
        let (case, before) = (Some(record.case.clone()), record.previous.clone());
        Self { number: record.number, case, hash: Some(sha256(line)), before }
    }

    /// Goes on by a line, without its end.
    fn step(&mut self, line: &[u8]) -> Result<Record, Why> {
        let record = Record::read(line).ok_or(Why::Form)?;
        if let Some(why) = record.refused_after(self.number, self.hash.as_ref()) {
            return Err(why);
        }
        *self = Self::behind(&record, line);
        Ok(record)
    }

    /// Whether this `signature.json` is of this key, and over the last record; or over the one before, as it is where a writer was
    /// ended between a record and its signature.
    pub fn is_signed(&self, signature: &[u8], key: &PublicKey) -> bool {
        let Some(seal) = Seal::read(signature) else { return false };
        let ends = [(self.number.checked_sub(1), &self.before), (Some(self.number), &self.hash)];
        seal.key == *key
            && self.case.as_ref() == Some(&seal.case)
            && ends
                .iter()
                .any(|(number, hash)| *number == Some(seal.record) && hash.as_ref() == Some(&seal.hash))
    }

    /// Reads what follows this end, line by line, and checks every line against the one before. No more of it is kept than one
    /// line. A line that is wrong is an error of invalid data, with a [`LedgerError`].
    pub fn follow(&mut self, lines: &mut impl BufRead) -> io::Result<()> {
        self.follow_each(lines, |_, _| {})
    }

    /// The same, and hands on each record that is in its place, with the SHA-256 of its line.
    pub(crate) fn follow_each(
        &mut self,
        lines: &mut impl BufRead,
        mut each: impl FnMut(Record, &str),
    ) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            let record = self.number + 1;
            let wrong = |why| io::Error::new(io::ErrorKind::InvalidData, LedgerError { record, why });
            line.clear();
            if lines.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.pop() != Some(b'\n') {
                return Err(wrong(Why::Cut));
            }
            let record = self.step(&line).map_err(wrong)?;
            each(record, self.hash.as_deref().unwrap_or_default());
        }
    }

    /// The number of the last record; 0, if there is none.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number, the case and the hash of the last record.
    pub(crate) fn last(&self) -> Option<(u64, &str, &str)> {
        Some((self.number, self.case.as_deref()?, self.hash.as_deref()?))
    }
}

impl Ledger {
    /// Reads a ledger, and checks every line against the one before.
    pub fn read(bytes: &[u8]) -> Result<Self, LedgerError> {
        let (mut ledger, mut chain) = (Self::default(), Chain::default());
        let mut rest = bytes;
        loop {
            let record = ledger.records.len() as u64 + 1;
            let wrong = |why| Err(LedgerError { record, why });
            if rest.is_empty() {
                return if record == 1 { wrong(Why::Empty) } else { Ok(ledger) };
            }
            let Some(end) = rest.iter().take(LONGEST).position(|byte| *byte == b'\n') else {
                return wrong(Why::Cut);
            };
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            ledger.records.push(chain.step(line).map_err(|why| LedgerError { record, why })?);
            ledger.hashes.extend(chain.hash.clone());
        }
    }

    /// Adds a record, and gives its line. Nothing, if the deed holds a number that is not whole.
    pub fn add(&mut self, deed: Deed) -> Option<String> {
        let record = Record::new(self.records.len() as u64 + 1, self.hashes.last().cloned(), deed);
        let line = canonical::write(&record)?;
        self.hashes.push(sha256(line.as_bytes()));
        self.records.push(record);
        Some(line + "\n")
    }

    /// Its end, to which more can be added without keeping all that went before.
    pub fn end(self) -> Chain {
        let last = self.records.into_iter().next_back();
        Chain {
            number: last.as_ref().map_or(0, |last| last.number),
            before: last.as_ref().and_then(|last| last.previous.clone()),
            case: last.map(|last| last.case),
            hash: self.hashes.into_iter().next_back(),
        }
    }

    /// Its records, the first first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The last record, and the SHA-256 of its line.
    pub fn last(&self) -> Option<(&Record, &str)> {
        Some((self.records.last()?, self.hashes.last()?))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A deed that leaves files of this content.
    pub(crate) fn deed(action: &str, files: &[(&str, &[u8])]) -> Deed {
        let file = |(path, content): &(&str, &[u8])| File {
            path: (*path).to_owned(),
            bytes: content.len() as u64,
            sha256: sha256(content),
        };
        Deed {
            action: action.to_owned(),
            case: "4a74fbe586c7f351".to_owned(),
            tool: "creance 0.1.0".to_owned(),
            started: Timestamp::from_secs(1_781_164_812),
            ended: Timestamp::from_secs(1_781_164_813),
            detail: BTreeMap::from([("findings".to_owned(), Value::from(3))]),
            files: files.iter().map(file).collect(),
        }
    }

    /// A ledger of three records, as it is written.
    pub(crate) fn written() -> String {
        let mut ledger = Ledger::default();
        let lines = ["audit", "review", "review"].map(|action| {
            ledger.add(deed(action, &[("findings.json", b"{}"), ("case.json", b"[]")])).unwrap()
        });
        lines.concat()
    }

    fn why(text: &str) -> Option<(u64, Why)> {
        Ledger::read(text.as_bytes()).err().map(|error| (error.record, error.why))
    }

    #[test]
    fn what_is_written_is_read() {
        let text = written();
        let ledger = Ledger::read(text.as_bytes()).unwrap();
        assert_eq!(ledger.records().len(), 3);
        assert_eq!(ledger.records()[0].files[0].path, "case.json", "sorted");
        let last = text.lines().last().unwrap();
        assert_eq!(ledger.last().unwrap().1, sha256(last.as_bytes()));
    }

    #[test]
    fn lines_out_of_place_are_told() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        let join = |order: &[usize]| order.iter().flat_map(|at| [lines[*at], "\n"]).collect::<String>();
        assert_eq!(why(&join(&[0, 1, 2])), None);
        assert_eq!(why(&join(&[0, 2, 1])), Some((2, Why::Number)));
        assert_eq!(why(&join(&[1, 2])), Some((1, Why::Number)));
        assert_eq!(why(&join(&[0, 0, 1])), Some((2, Why::Number)));
        assert_eq!(why(""), Some((1, Why::Empty)));
        assert_eq!(why(text.trim_end()), Some((3, Why::Cut)));
        assert_eq!(why(&format!("{text}\n")), Some((4, Why::Form)));
    }

    #[test]
    fn a_ledger_is_followed_from_any_of_its_lines() {
        let text = written();
        let mut whole = Chain::default();
        whole.follow(&mut text.as_bytes()).unwrap();
        let first = text.lines().next().unwrap();
        let mut rest = Chain::at(first.as_bytes()).unwrap();
        rest.follow(&mut text.get(first.len() + 1..).unwrap().as_bytes()).unwrap();
        let end = Ledger::read(text.as_bytes()).unwrap().end();
        assert_eq!((whole.last(), rest.last()), (end.last(), end.last()));
        assert!(Chain::at(b"{}").is_none());
    }

    #[test]
    fn a_signature_is_over_the_end_or_the_record_before() {
        let key = crate::SigningKey::read(&crate::SigningKey::pem(&[7; 32])).unwrap();
        let mut chain = Chain::default();
        let signatures = ["a", "b", "c"].map(|action| {
            chain.add(deed(action, &[])).unwrap();
            key.sign_end(&chain).unwrap()
        });
        let signed = |by: &PublicKey| signatures.each_ref().map(|one| chain.is_signed(one.as_bytes(), by));
        assert_eq!(signed(&key.public()), [false, true, true]);
        assert_eq!(signed(&PublicKey::read(&"0".repeat(64)).unwrap()), [false; 3]);
        // Its last records are gone.
        let mut short = Chain::default();
        short.add(deed("a", &[])).unwrap();
        assert!(!short.is_signed(signatures[1].as_bytes(), &key.public()));
        assert!(
            !chain.is_signed(b"{}", &key.public())
                && !Chain::default().is_signed(signatures[0].as_bytes(), &key.public())
        );
    }

    proptest::proptest! {
        #[test]
        fn it_is_followed_where_it_is_read(at in 0_usize..2000, flip: u8, cut in 0_usize..3000) {
            let mut bytes = written().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            bytes.truncate(cut);
            let read = Ledger::read(&bytes).err().filter(|error| error.why != Why::Empty);
            let followed = Chain::default().follow(&mut bytes.as_slice()).err();
            let followed = followed.map(|error| *error.into_inner().unwrap().downcast::<LedgerError>().unwrap());
            proptest::prop_assert_eq!(read, followed);
        }

        #[test]
        fn no_byte_changes_unseen_but_in_the_last_line(at in 0_usize..2000, flip in 1_u8..=255) {
            let mut bytes = written().into_bytes();
            let last = written().trim_end().rfind('\n').unwrap();
            let at = at % last;
            bytes[at] ^= flip;
            proptest::prop_assert!(Ledger::read(&bytes).is_err());
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            let _ = Ledger::read(&bytes);
        }
    }
}
