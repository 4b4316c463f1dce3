//! Custody: what was done to a case, when, and whether it is still what it was.
//!
//! ```text
//! ledger.jsonl     a record a line: what was done, and the hash of every file after it ──┐
//!                  each with the SHA-256 of the line before                              │
//! signature.json   an Ed25519 signature over the SHA-256 of one line ◀────────────────────┘
//! ```
//!
//! So a signature holds the line that it names, every line before, and every file. Nothing here reads a file or a clock:
//! whoever asks hands over bytes and hashes.

mod canonical;
mod ledger;
mod redact;
mod seal;
mod verify;

use data_encoding::HEXLOWER;
use ring::digest;

pub use canonical::write as in_canonical_form;
pub use ledger::{Chain, Deed, File, Ledger, LedgerError, Record, Why, put_aside};
pub use redact::{Omit, Redacted, redact};
pub use seal::{KeyError, PublicKey, SigningKey};
pub use verify::{Answer, Fault, Signed, Verifier, verify};

/// The ledger of a case folder.
pub const LEDGER: &str = "ledger.jsonl";

/// The signature of a case folder.
pub const SIGNATURE: &str = "signature.json";

/// The SHA-256 of bytes, in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Whether this is how a SHA-256 or a public key is written.
fn is_hex_of_32(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
