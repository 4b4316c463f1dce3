//! A key that the cases of a campaign share, so that masked values of all of them can be joined by their digests.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use data_encoding::HEXLOWER;
use ring::hmac;

use crate::Error;

/// Fewer bytes can be guessed, and with them the masked values.
const SHORTEST: usize = 16;
/// A longer file is something else, given by mistake.
const LONGEST: u64 = 4096;

/// What the fingerprint is made of; no value of the evidence reads so.
const FINGERPRINT: &[u8] = b"creance campaign fingerprint 1";

/// The key, and what it is told apart by.
pub(crate) struct Campaign {
    pub(crate) key: hmac::Key,
    pub(crate) fingerprint: String,
}

impl Campaign {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let shown = || path.display().to_string();
        let mut secret = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut secret))
            .map_err(|source: io::Error| Error::Io { path: shown(), source })?;
        if secret.len() < SHORTEST || secret.len() as u64 > LONGEST {
            let why = format!("expected a key of {SHORTEST} to {LONGEST} random bytes");
            return Err(Error::File { path: shown(), why });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let fingerprint = HEXLOWER.encode(hmac::sign(&key, FINGERPRINT).as_ref()).chars().take(16).collect();
        Ok(Self { key, fingerprint })
    }
}
