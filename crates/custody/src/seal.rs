//! `signature.json`: an Ed25519 signature (RFC 8032) over one line of the ledger, and with it over all that it names.

use data_encoding::{BASE64, HEXLOWER};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Chain, Ledger, canonical, is_hex_of_32, sha256};

/// The name and version of a signature; what is signed begins with it, so that no other signature of the key fits.
const SCHEMA: &str = "creance.signature/1";

/// The same for a document by itself.
const DOCUMENT: &str = "creance.document-signature/1";

/// A private key in PKCS#8 (RFC 8410 §7) up to its 32 bytes.
const PKCS8: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Why a text is no key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a private key.
    #[error(
        "no private key of Ed25519 (PKCS#8 in PEM, as `creance case keygen` and `openssl genpkey -algorithm ed25519` make it)"
    )]
    Private,
    /// Not a public key.
    #[error("no public key: expected 64 hexadecimal digits, as `creance case keygen` prints them")]
    Public,
}

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

/// A key that signatures are checked with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(String);

impl SigningKey {
    /// Writes 32 bytes of chance as a private key.
    pub fn pem(seed: &[u8; 32]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", BASE64.encode(&[PKCS8, seed].concat()))
    }

    /// Reads a private key.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        let inner = pem.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let letters: String = inner.ok_or(KeyError::Private)?.split_whitespace().collect();
        let bytes = BASE64.decode(letters.as_bytes()).map_err(|_| KeyError::Private)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).map(Self).map_err(|_| KeyError::Private)
    }

    /// The key that belongs to it and may be known to all.
    pub fn public(&self) -> PublicKey {
        PublicKey(HEXLOWER.encode(self.0.public_key().as_ref()))
    }

    /// Signs the last record of a ledger: `signature.json`. Nothing, if there is no record.
    pub fn sign(&self, ledger: &Ledger) -> Option<String> {
        let (record, hash) = ledger.last()?;
        self.seal(record.number, &record.case, hash)
    }

    /// Signs the last record of a ledger of which only the end is kept.
    pub fn sign_end(&self, chain: &Chain) -> Option<String> {
        let (number, case, hash) = chain.last()?;
        self.seal(number, case, hash)
    }

    /// Signs a document by itself, whatever it is: the SHA-256 of its bytes.
    pub fn sign_document(&self, document: &[u8]) -> Option<String> {
        let claim =
            Document { schema: DOCUMENT.to_owned(), sha256: sha256(document), public_key: self.public().0 };
        let message = format!("{DOCUMENT}\n{}", canonical::write(&claim)?);
        let signature = HEXLOWER.encode(self.0.sign(message.as_bytes()).as_ref());
        Some(canonical::write(&SignedDocument { claim, signature })? + "\n")
    }

    fn seal(&self, number: u64, case: &str, hash: &str) -> Option<String> {
        let claim = Claim {
            schema: SCHEMA.to_owned(),
            case: case.to_owned(),
            record: number,
            record_sha256: hash.to_owned(),
            public_key: self.public().0,
        };
        let signature = HEXLOWER.encode(self.0.sign(&claim.message()?).as_ref());
        Some(canonical::write(&Signature { claim, signature })? + "\n")
    }
}

impl PublicKey {
    /// Reads a public key.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let text = text.trim().to_lowercase();
        if is_hex_of_32(&text) { Ok(Self(text)) } else { Err(KeyError::Public) }
    }

    /// As it is printed: 64 hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.0
    }
}

/// What is signed.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Claim {
    schema: String,
    case: String,
    record: u64,
    record_sha256: String,
    public_key: String,
}

impl Claim {
    /// The bytes that are signed: the canonical form of the document without the signature.
    fn message(&self) -> Option<Vec<u8>> {
        Some(format!("{SCHEMA}\n{}", canonical::write(self)?).into_bytes())
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Signature {
    #[serde(flatten)]
    claim: Claim,
    signature: String,
}

/// What is signed of a document.
#[derive(Clone, Debug, Serialize)]
struct Document {
    schema: String,
    #[serde(rename = "document_sha256")]
    sha256: String,
    public_key: String,
}

#[derive(Clone, Debug, Serialize)]
struct SignedDocument {
    #[serde(flatten)]
    claim: Document,
    signature: String,
}

/// A signature that holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seal {
    pub(crate) key: PublicKey,
    /// The record that is signed, counted from 1.
    pub(crate) record: u64,
    /// The SHA-256 of its line.
    pub(crate) hash: String,
    pub(crate) case: String,
}

impl Seal {
    /// Reads `signature.json`; nothing, if it is none or does not hold.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let document = bytes.strip_suffix(b"\n")?;
        let Signature { claim, signature } = canonical::read(document)?;
        if claim.schema != SCHEMA || !is_hex_of_32(&claim.public_key) {
            return None;
        }
        let decode = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        UnparsedPublicKey::new(&ED25519, decode(&claim.public_key)?)
            .verify(&claim.message()?, &decode(&signature)?)
            .ok()?;
        Some(Self {
            key: PublicKey(claim.public_key),
            record: claim.record,
            hash: claim.record_sha256,
            case: claim.case,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::written;

    #[test]
    fn the_published_key_gives_the_published_public_key() {
        // RFC 8032 §7.1, test 1.
        let seed =
            HEXLOWER.decode(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::read(&SigningKey::pem(&seed.try_into().unwrap())).unwrap();
        assert_eq!(key.public().hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }

    #[test]
    fn what_is_no_key_is_told() {
        assert_eq!(SigningKey::read("hello").err(), Some(KeyError::Private));
        assert_eq!(
            SigningKey::read(&SigningKey::pem(&[1; 32]).replace('M', "!")).err(),
            Some(KeyError::Private)
        );
        assert_eq!(PublicKey::read("d75a").err(), Some(KeyError::Public));
    }

    #[test]
    fn a_signature_holds_and_none_of_its_bytes_may_change() {
        let ledger = Ledger::read(written().as_bytes()).unwrap();
        let key = SigningKey::read(&SigningKey::pem(&[7; 32])).unwrap();
        let text = key.sign(&ledger).unwrap();
        let seal = Seal::read(text.as_bytes()).unwrap();
        assert_eq!((seal.record, &seal.key), (3, &key.public()));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(Seal::read(&bytes), None, "{at}");
        }
    }
}
