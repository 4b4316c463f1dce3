//! Whether a case is what its ledger says, and whose signature says so.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead},
};

use thiserror::Error;

use crate::{Chain, File, LEDGER, LedgerError, PublicKey, Record, SIGNATURE, Why, put_aside, seal::Seal};

/// What is wrong with a case: the file, and the record that says otherwise.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The ledger itself.
    #[error("{file}: {error}")]
    Ledger {
        /// Which of its files.
        file: String,
        /// The line, and what is wrong.
        error: LedgerError,
    },
    /// A file is another than it was.
    #[error(
        "{path}: changed since record {record} ({action}): {bytes} bytes then, {now} now, of another SHA-256"
    )]
    Changed {
        /// The file.
        path: String,
        /// The last record.
        record: u64,
        /// What it was about.
        action: String,
        /// Bytes then.
        bytes: u64,
        /// Bytes now.
        now: u64,
    },
    /// A file is gone.
    #[error("{path}: missing; record {record} ({action}) has it")]
    Missing {
        /// The file.
        path: String,
        /// The last record.
        record: u64,
        /// What it was about.
        action: String,
    },
    /// A file that no record knows.
    #[error("{path}: not in record {record} ({action}), the last one")]
    Unrecorded {
        /// The file.
        path: String,
        /// The last record.
        record: u64,
        /// What it was about.
        action: String,
    },
    /// The signature is none, or not over what it says.
    #[error("{SIGNATURE}: no signature that holds{}", signed_in(*record))]
    Signature {
        /// The last record that says that the case was signed.
        record: Option<u64>,
    },
    /// It was signed, and the signature is gone.
    #[error("{SIGNATURE}: missing; record {record} says that the case was signed")]
    SignatureMissing {
        /// The record.
        record: u64,
    },
    /// What was signed is not what stands there.
    #[error("{LEDGER}: record {record} is not the one that was signed (or is cut off)")]
    NotSigned {
        /// The record.
        record: u64,
    },
    /// Something was done after the case was signed.
    #[error(
        "{SIGNATURE}: stale: it signs the case up to record {record}, and record {next} ({action}) came after; sign again"
    )]
    Stale {
        /// The last record that is signed.
        record: u64,
        /// The next one.
        next: u64,
        /// What it was about.
        action: String,
    },
    /// Somebody else signed.
    #[error("{SIGNATURE}: signed with another key: {0}")]
    OtherKey(String),
    /// A signature was asked for.
    #[error("{SIGNATURE}: missing: the case is not signed")]
    Unsigned,
}

/// Whose signature is over a case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signed {
    /// Nobody's.
    No,
    /// That of the owner of this key. Whose key it is must be known from elsewhere.
    By(PublicKey),
}

/// What verifying a case gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// How many records the ledger has; none, where it is broken.
    pub records: usize,
    /// How many files were compared.
    pub files: usize,
    /// Who signed.
    pub signed: Signed,
    /// What is wrong, the ledger first. Nothing: it holds.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("not signed: whoever could write the folder could have written it anew"),
            Self::By(key) => write!(f, "signed with {}", key.hex()),
        }
    }
}

fn signed_in(record: Option<u64>) -> String {
    record.map(|record| format!("; record {record} says that the case was signed")).unwrap_or_default()
}

/// Verifies a case of its ledger, its signature if it has one, and its other files as they are now. With a key it must
/// be signed with it.
pub fn verify(ledger: &[u8], signature: Option<&[u8]>, files: &[File], key: Option<&PublicKey>) -> Answer {
    let mut verifier = Verifier::new(signature);
    let mut lines = ledger;
    // Bytes can always be read.
    let _ = verifier.read(LEDGER, &mut lines);
    verifier.end(files, key)
}

/// What stands in the signature's place.
#[derive(Debug, Default)]
enum Sealed {
    /// Nothing.
    #[default]
    No,
    /// What is none, or does not hold.
    Badly,
    /// A signature that holds.
    By(Seal),
}

/// Verifies a ledger of any length, in one file or in several, one after the other; no more of it is kept than a line.
#[derive(Debug, Default)]
pub struct Verifier {
    seal: Sealed,
    chain: Chain,
    /// The first fault of the ledger, behind which nothing is read.
    broken: Option<Fault>,
    /// The last record that says that the case was signed.
    sign: Option<u64>,
    /// Whether the record that is signed is the one that stands there.
    sealed: bool,
    /// The record behind it, and what it is about.
    next: Option<(u64, String)>,
    last: Option<Record>,
}

impl Verifier {
    /// Begins, with the `signature.json` that is there.
    pub fn new(signature: Option<&[u8]>) -> Self {
        let seal = match signature.map(Seal::read) {
            None => Sealed::No,
            Some(None) => Sealed::Badly,
            Some(Some(seal)) => Sealed::By(seal),
        };
        Self { seal, ..Self::default() }
    }

    /// Reads the next file of the ledger. An error is one of reading; what is wrong with a line is told at the end.
    pub fn read(&mut self, file: &str, lines: &mut impl BufRead) -> io::Result<()> {
        if self.broken.is_some() {
            return Ok(());
        }
        let before = self.chain.number();
        let seal = if let Sealed::By(seal) = &self.seal { Some(seal) } else { None };
        let (sign, sealed, next, last) = (&mut self.sign, &mut self.sealed, &mut self.next, &mut self.last);
        let done = self.chain.follow_each(lines, |record, hash| {
            if record.action == "sign" {
                *sign = Some(record.number);
            }
            if let Some(seal) = seal {
                *sealed |= seal.record == record.number && seal.hash == hash;
                if next.is_none() && record.number > seal.record {
                    *next = Some((record.number, record.action.clone()));
                }
            }
            *last = Some(record);
        });
        let Err(error) = done else {
            let (number, read) = (self.chain.number(), self.chain.number() - before);
            let why = if read == 0 { Why::Empty } else { Why::Aside };
            if put_aside(file).is_some_and(|last| last != number || read == 0) {
                let error = LedgerError { record: number, why };
                self.broken = Some(Fault::Ledger { file: file.to_owned(), error });
            }
            return Ok(());
        };
        match error.downcast::<LedgerError>() {
            Ok(error) => {
                self.broken = Some(Fault::Ledger { file: file.to_owned(), error });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The last record that was read.
    pub fn last(&self) -> Option<&Record> {
        self.last.as_ref()
    }

    /// What was found, with other files of the case as they are now. With a key it must be signed with it.
    pub fn end(self, files: &[File], key: Option<&PublicKey>) -> Answer {
        let mut faults = Vec::new();
        let mut signed = Signed::No;
        if let Sealed::By(seal) = &self.seal {
            signed = Signed::By(seal.key.clone());
            if key.is_some_and(|key| *key != seal.key) {
                faults.push(Fault::OtherKey(seal.key.hex().to_owned()));
            }
        }
        let empty = || {
            let error = LedgerError { record: 1, why: Why::Empty };
            Fault::Ledger { file: LEDGER.to_owned(), error }
        };
        let broken = self.broken.clone().or_else(|| self.last.is_none().then(empty));
        if let Some(fault) = broken {
            faults.insert(0, fault);
            faults.extend(matches!(self.seal, Sealed::Badly).then_some(Fault::Signature { record: None }));
            return Answer { records: 0, files: 0, signed, faults };
        }
        match &self.seal {
            Sealed::By(seal) => faults.extend(self.of_seal(seal)),
            Sealed::Badly => faults.push(Fault::Signature { record: self.sign }),
            Sealed::No => match self.sign {
                Some(record) => faults.push(Fault::SignatureMissing { record }),
                None if key.is_some() => faults.push(Fault::Unsigned),
                None => {}
            },
        }
        faults.extend(self.last.as_ref().map(|last| changed(last, files)).unwrap_or_default());
        let records = usize::try_from(self.chain.number()).unwrap_or(usize::MAX);
        Answer { records, files: files.len(), signed, faults }
    }

    fn of_seal(&self, seal: &Seal) -> Option<Fault> {
        let same_case = self.last.as_ref().is_some_and(|last| last.case == seal.case);
        if !self.sealed || !same_case {
            return Some(Fault::NotSigned { record: seal.record });
        }
        let (next, action) = self.next.clone()?;
        Some(Fault::Stale { record: seal.record, next, action })
    }
}

/// The files that are not what the last record says.
fn changed(last: &Record, files: &[File]) -> Vec<Fault> {
    let (record, action) = (last.number, || last.action.clone());
    let now: BTreeMap<&str, &File> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut faults = Vec::new();
    for then in &last.files {
        let path = then.path.clone();
        match now.get(then.path.as_str()) {
            None => faults.push(Fault::Missing { path, record, action: action() }),
            Some(now) if now.sha256 != then.sha256 || now.bytes != then.bytes => {
                faults.push(Fault::Changed {
                    path,
                    record,
                    action: action(),
                    bytes: then.bytes,
                    now: now.bytes,
                });
            }
            Some(_) => {}
        }
    }
    let unrecorded = now.keys().filter(|path| last.files.iter().all(|then| then.path != **path));
    faults.extend(unrecorded.map(|path| Fault::Unrecorded {
        path: (*path).to_owned(),
        record,
        action: action(),
    }));
    faults
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Deed, Ledger, SigningKey, ledger::tests::deed, sha256};

    const FINDINGS: &[u8] = b"{\"schema\":\"creance.findings/1\"}";
    const CASE: &[u8] = b"{\"files\":[]}";

    /// A case of two files, audited and reviewed.
    struct Sample {
        ledger: Ledger,
        lines: Vec<String>,
        files: Vec<(&'static str, Vec<u8>)>,
    }

    fn key() -> SigningKey {
        SigningKey::read(&SigningKey::pem(&[7; 32])).unwrap()
    }

    impl Sample {
        fn new() -> Self {
            let files = vec![("case.json", CASE.to_vec()), ("findings.json", FINDINGS.to_vec())];
            let mut sample = Self { ledger: Ledger::default(), lines: Vec::new(), files };
            sample.add("audit");
            sample.add("review");
            sample
        }

        fn deed(&self, action: &str) -> Deed {
            let files: Vec<(&str, &[u8])> =
                self.files.iter().map(|(path, is)| (*path, is.as_slice())).collect();
            deed(action, &files)
        }

        fn add(&mut self, action: &str) {
            let deed = self.deed(action);
            self.lines.push(self.ledger.add(deed).unwrap());
        }

        fn sign(&mut self) -> String {
            self.add("sign");
            key().sign(&self.ledger).unwrap()
        }

        fn verify(&self, signature: Option<&str>, public: Option<&PublicKey>) -> Answer {
            let files: Vec<File> = self.deed("").files;
            verify(self.lines.concat().as_bytes(), signature.map(str::as_bytes), &files, public)
        }
    }

    #[test]
    fn a_case_that_is_what_it_was_holds_signed_or_not() {
        let mut sample = Sample::new();
        let answer = sample.verify(None, None);
        assert_eq!((answer.faults, answer.signed, answer.records), (Vec::new(), Signed::No, 2));
        assert_eq!(sample.verify(None, Some(&key().public())).faults, [Fault::Unsigned]);
        let signature = sample.sign();
        let answer = sample.verify(Some(&signature), Some(&key().public()));
        assert_eq!((answer.faults, answer.signed), (Vec::new(), Signed::By(key().public())));
        let other = SigningKey::read(&SigningKey::pem(&[8; 32])).unwrap().public();
        let told = sample.verify(Some(&signature), Some(&other)).faults;
        assert_eq!(told, [Fault::OtherKey(key().public().hex().to_owned())]);
        assert_eq!(sample.verify(None, None).faults, [Fault::SignatureMissing { record: 3 }]);
    }

    #[test]
    fn what_comes_after_a_signature_makes_it_stale() {
        let mut sample = Sample::new();
        let signature = sample.sign();
        sample.add("review");
        let told = sample.verify(Some(&signature), None).faults;
        assert_eq!(told, [Fault::Stale { record: 3, next: 4, action: "review".to_owned() }]);
    }

    #[test]
    fn a_ledger_that_is_cut_or_chained_anew_without_the_key_is_refused() {
        let mut sample = Sample::new();
        let signature = sample.sign();
        sample.lines.pop();
        let told = sample.verify(Some(&signature), None).faults;
        assert_eq!(told, [Fault::NotSigned { record: 3 }]);
        // Everything is written anew, in a chain that holds.
        let mut forged = Sample::new();
        forged.files[1].1 = b"{}".to_vec();
        forged.ledger = Ledger::default();
        forged.lines.clear();
        for action in ["audit", "review", "sign"] {
            forged.add(action);
        }
        assert_eq!(forged.verify(Some(&signature), None).faults, [Fault::NotSigned { record: 3 }]);
    }

    #[test]
    fn files_that_were_put_aside_are_one_ledger_with_the_last() {
        let mut sample = Sample::new();
        let signature = sample.sign();
        let files = sample.deed("").files;
        let told = |pieces: &[(&str, String)]| {
            let mut verifier = Verifier::new(Some(signature.as_bytes()));
            for (name, lines) in pieces {
                verifier.read(name, &mut lines.as_bytes()).unwrap();
            }
            verifier.end(&files, None)
        };
        let [one, two] = [sample.lines[..2].concat(), sample.lines[2].clone()];
        let answer = told(&[("ledger-000000000002.jsonl", one.clone()), (LEDGER, two.clone())]);
        assert_eq!((answer.records, answer.faults), (3, Vec::new()));
        // The end may have been put aside as well, and no other begun.
        let answer = told(&[("ledger-2.jsonl", one.clone()), ("ledger-3.jsonl", two.clone())]);
        assert_eq!((answer.records, answer.faults), (3, Vec::new()));
        let words = |pieces: &[(&str, String)]| told(pieces).faults.first().map(ToString::to_string);
        let taken_out =
            "ledger.jsonl: record 1: its number is another: a record was taken out, put in or moved";
        assert_eq!(words(&[(LEDGER, two.clone())]).as_deref(), Some(taken_out));
        let changed = one.replace("review", "Review");
        let told_so = words(&[("ledger-2.jsonl", changed), (LEDGER, two)]).unwrap();
        assert!(told_so.starts_with("ledger.jsonl: record 3: the record before"), "{told_so}");
        let cut = words(&[("ledger-2.jsonl", one.trim_end().to_owned())]).unwrap();
        assert!(cut.starts_with("ledger-2.jsonl: record 2: its line is cut"), "{cut}");
        assert!(words(&[]).unwrap().contains("the ledger is empty"));
        // What is none of it is not passed over for its name.
        for (name, lines) in [("ledger-3.jsonl", one.as_str()), ("ledger-2.jsonl", "")] {
            let said = words(&[(name, lines.to_owned())]).unwrap();
            assert!(said.starts_with(&format!("{name}: record ")), "{said}");
        }
    }

    #[test]
    fn files_that_came_or_went_are_named() {
        let mut sample = Sample::new();
        sample.files[0].0 = "other.json";
        let told: Vec<String> = sample.verify(None, None).faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "case.json: missing; record 2 (review) has it",
                "other.json: not in record 2 (review), the last one"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_byte_of_a_signed_case_that_changes_is_told(which in 0_usize..4, at: prop::sample::Index, flip in 1_u8..=255) {
            let mut sample = Sample::new();
            let signature = sample.sign().into_bytes();
            let ledger = sample.lines.concat().into_bytes();
            let mut all = [ledger, signature, CASE.to_vec(), FINDINGS.to_vec()];
            let at = at.index(all[which].len());
            all[which][at] ^= flip;
            let names = [LEDGER, SIGNATURE, "case.json", "findings.json"];
            let file = |path: &str, content: &[u8]| File {
                path: path.to_owned(), bytes: content.len() as u64, sha256: sha256(content),
            };
            let files = [file(names[2], &all[2]), file(names[3], &all[3])];
            let answer = verify(&all[0], Some(&all[1]), &files, None);
            let named = |told: String| told.starts_with(names[which]) && told.contains("record ");
            prop_assert!(answer.faults.iter().any(|fault| named(fault.to_string())), "{:?}", answer);
        }
    }
}
