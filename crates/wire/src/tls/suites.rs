//! Cipher suites: what encrypts records, and which hash the key schedule uses (IANA TLS Cipher Suites registry).

use ring::{aead, digest, hkdf, hmac};

/// A hash of the key schedule or of a record's MAC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }

    /// For TLS 1.3, which has no SHA-1.
    pub(crate) fn hkdf(self) -> hkdf::Algorithm {
        if self == Self::Sha384 { hkdf::HKDF_SHA384 } else { hkdf::HKDF_SHA256 }
    }

    pub(crate) fn length(self) -> usize {
        match self {
            Self::Sha1 => digest::SHA1_OUTPUT_LEN,
            Self::Sha256 => digest::SHA256_OUTPUT_LEN,
            Self::Sha384 => digest::SHA384_OUTPUT_LEN,
        }
    }
}

/// What encrypts records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    /// AES-CCM: bytes of the key, bytes of the tag.
    Ccm(usize, usize),
    /// AES-CBC with HMAC: bytes of the key, hash of the MAC.
    Cbc(usize, Hash),
}

impl Cipher {
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
            Self::Ccm(length, _) | Self::Cbc(length, _) => length,
        }
    }

    /// For the ciphers that ring has.
    pub(super) fn ring(self) -> Option<&'static aead::Algorithm> {
        match self {
            Self::Aes128Gcm => Some(&aead::AES_128_GCM),
            Self::Aes256Gcm => Some(&aead::AES_256_GCM),
            Self::ChaCha20Poly1305 => Some(&aead::CHACHA20_POLY1305),
            _ => None,
        }
    }
}

/// A cipher suite that can be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Suite {
    pub(crate) cipher: Cipher,
    /// The hash of the key schedule.
    pub(crate) hash: Hash,
}

impl Suite {
    /// The suite of a number, if its records can be opened.
    pub(crate) fn of(number: u16) -> Option<Self> {
        let (cipher, hash) = match number {
            // RFC 8446 (0x13xx), 5288, 5289, 5487, 8442.
            0x1301 | 0x9c | 0x9e | 0xa0 | 0xa2 | 0xa4 | 0xa6 | 0xa8 | 0xaa | 0xac | 0xc02b | 0xc02d
            | 0xc02f | 0xc031 | 0xd001 => (Cipher::Aes128Gcm, Hash::Sha256),
            0x1302 | 0x9d | 0x9f | 0xa1 | 0xa3 | 0xa5 | 0xa7 | 0xa9 | 0xab | 0xad | 0xc02c | 0xc02e
            | 0xc030 | 0xc032 | 0xd002 => (Cipher::Aes256Gcm, Hash::Sha384),
            // RFC 8446, 7905.
            0x1303 | 0xcca8..=0xccae => (Cipher::ChaCha20Poly1305, Hash::Sha256),
            // RFC 8446, 6655, 7251, 8442.
            0x1304 | 0xc09c | 0xc09e | 0xc0a4 | 0xc0a6 | 0xc0ac | 0xd005 => {
                (Cipher::Ccm(16, 16), Hash::Sha256)
            }
            0xc09d | 0xc09f | 0xc0a5 | 0xc0a7 | 0xc0ad => (Cipher::Ccm(32, 16), Hash::Sha256),
            0x1305 | 0xc0a0 | 0xc0a2 | 0xc0a8 | 0xc0aa | 0xc0ae | 0xd003 => {
                (Cipher::Ccm(16, 8), Hash::Sha256)
            }
            0xc0a1 | 0xc0a3 | 0xc0a9 | 0xc0ab | 0xc0af => (Cipher::Ccm(32, 8), Hash::Sha256),
            // RFC 5246, 4492, 4785, 5054, 5489: AES-CBC with HMAC-SHA1.
            0x2f..=0x34
            | 0x8c
            | 0x90
            | 0x94
            | 0xc004
            | 0xc009
            | 0xc00e
            | 0xc013
            | 0xc018
            | 0xc01d..=0xc01f
            | 0xc035 => (Cipher::Cbc(16, Hash::Sha1), Hash::Sha256),
            0x35..=0x3a
            | 0x8d
            | 0x91
            | 0x95
            | 0xc005
            | 0xc00a
            | 0xc00f
            | 0xc014
            | 0xc019
            | 0xc020..=0xc022
            | 0xc036 => (Cipher::Cbc(32, Hash::Sha1), Hash::Sha256),
            // With HMAC-SHA256.
            0x3c
            | 0x3e..=0x40
            | 0x67
            | 0x6c
            | 0xae
            | 0xb2
            | 0xb6
            | 0xc023
            | 0xc025
            | 0xc027
            | 0xc029
            | 0xc037 => (Cipher::Cbc(16, Hash::Sha256), Hash::Sha256),
            0x3d | 0x68..=0x6b | 0x6d => (Cipher::Cbc(32, Hash::Sha256), Hash::Sha256),
            // With HMAC-SHA384.
            0xaf | 0xb3 | 0xb7 | 0xc024 | 0xc026 | 0xc028 | 0xc02a | 0xc038 => {
                (Cipher::Cbc(32, Hash::Sha384), Hash::Sha384)
            }
            _ => return None,
        };
        Some(Self { cipher, hash })
    }
}
