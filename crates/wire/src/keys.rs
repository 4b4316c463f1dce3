//! Secrets of TLS connections: key logs in the NSS format (draft-ietf-tls-keylogfile), from files and from pcapng
//! Decryption Secrets Blocks.
//!
//! ```text
//! CLIENT_RANDOM <client random, hex> <master secret, hex>            TLS 1.2 and older
//! CLIENT_TRAFFIC_SECRET_0 <client random, hex> <secret, hex>         TLS 1.3, a line for each stage and side
//! ```

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, RwLock},
};

use data_encoding::HEXLOWER_PERMISSIVE;

/// What a secret is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Label {
    /// The master secret of TLS 1.2 and older.
    Master,
    /// The premaster secret of TLS 1.2 and older.
    Premaster,
    /// What a client sends before the server has spoken (0-RTT).
    ClientEarly,
    /// The handshake of TLS 1.3, by side.
    ClientHandshake,
    ServerHandshake,
    /// Application data of TLS 1.3, by side, before any key update.
    ClientTraffic,
    ServerTraffic,
}

impl Label {
    fn parse(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"CLIENT_RANDOM" => Self::Master,
            b"PMS_CLIENT_RANDOM" => Self::Premaster,
            b"CLIENT_EARLY_TRAFFIC_SECRET" => Self::ClientEarly,
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Self::ClientHandshake,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Self::ServerHandshake,
            b"CLIENT_TRAFFIC_SECRET_0" => Self::ClientTraffic,
            b"SERVER_TRAFFIC_SECRET_0" => Self::ServerTraffic,
            _ => return None,
        })
    }
}

/// Secrets of many connections. Clones share them; they are shown nowhere.
#[derive(Clone, Default)]
pub struct KeyLog(Arc<RwLock<Store>>);

#[derive(Default)]
struct Store {
    by_random: HashMap<([u8; 32], Label), Vec<u8>>,
    /// Premaster secrets by the first bytes of their encrypted form (`RSA`).
    by_encrypted: HashMap<[u8; 8], Vec<u8>>,
    /// Of all logs.
    added: Added,
}

/// Secrets kept: about 200 bytes each.
const MOST: usize = 1_000_000;

/// Longest secret, in bytes: premaster secrets of finite fields are the longest.
const LONGEST: usize = 1024;

/// What was taken from a key log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Added {
    /// Secrets kept.
    pub secrets: usize,
    /// Lines that are neither secrets, comments nor labels without use here.
    pub unreadable: usize,
    /// Secrets beyond the limit.
    pub refused: usize,
}

impl KeyLog {
    /// Takes the secrets of a key log. Lines that are none are counted.
    pub fn add(&self, text: &[u8]) -> Added {
        let mut added = Added::default();
        let Ok(mut store) = self.0.write() else { return added };
        for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let (Some(label), Some(name), Some(secret), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                added.unreadable += 1;
                continue;
            };
            let hex = |text: &[u8]| HEXLOWER_PERMISSIVE.decode(text).ok().filter(|bytes| !bytes.is_empty());
            let (Some(name), Some(secret)) =
                (hex(name), hex(secret).filter(|secret| secret.len() <= LONGEST))
            else {
                added.unreadable += 1;
                continue;
            };
            if store.by_random.len() + store.by_encrypted.len() >= MOST {
                added.refused += 1;
                continue;
            }
            match (Label::parse(label), <[u8; 32]>::try_from(name.as_slice()), name.first_chunk::<8>()) {
                (Some(label), Ok(random), _) => {
                    store.by_random.insert((random, label), secret);
                    added.secrets += 1;
                }
                (None, _, Some(first)) if label == b"RSA" => {
                    store.by_encrypted.insert(*first, secret);
                    added.secrets += 1;
                }
                // Exporter and other secrets open no record.
                (None, Ok(_), _)
                    if label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') => {}
                _ => added.unreadable += 1,
            }
        }
        store.added.secrets += added.secrets;
        store.added.unreadable += added.unreadable;
        store.added.refused += added.refused;
        added
    }

    /// What was taken from all logs so far.
    pub fn added(&self) -> Added {
        self.0.read().map(|store| store.added).unwrap_or_default()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.read().is_ok_and(|store| store.by_random.is_empty() && store.by_encrypted.is_empty())
    }

    pub(crate) fn secret(&self, random: &[u8; 32], label: Label) -> Option<Vec<u8>> {
        self.0.read().ok()?.by_random.get(&(*random, label)).cloned()
    }

    /// Whether there is any secret of TLS 1.3 for this client's random.
    pub(crate) fn knows(&self, random: &[u8; 32]) -> bool {
        let labels = [
            Label::ClientEarly,
            Label::ClientHandshake,
            Label::ServerHandshake,
            Label::ClientTraffic,
            Label::ServerTraffic,
        ];
        labels.into_iter().any(|label| self.secret(random, label).is_some())
    }

    /// The premaster secret that was sent encrypted like this.
    pub(crate) fn premaster(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        self.0.read().ok()?.by_encrypted.get(encrypted.first_chunk::<8>()?).cloned()
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLog")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_noise_is_counted() {
        let log = KeyLog::default();
        let random = "11".repeat(32);
        let text = format!(
            "# a comment\nCLIENT_RANDOM {random} {}\r\nEXPORTER_SECRET {random} aa\nRSA 0102030405060708 bb\n\
             CLIENT_RANDOM 11 22\nnoise\nCLIENT_RANDOM {random} xyz\n",
            "22".repeat(48)
        );
        assert_eq!(log.add(text.as_bytes()), Added { secrets: 2, unreadable: 3, refused: 0 });
        assert_eq!(log.secret(&[0x11; 32], Label::Master), Some(vec![0x22; 48]));
        assert_eq!(log.premaster(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), Some(vec![0xbb]));
        assert_eq!(format!("{log:?}"), "KeyLog");
        log.add(b"noise");
        assert_eq!(log.added(), Added { secrets: 2, unreadable: 4, refused: 0 });
    }
}
