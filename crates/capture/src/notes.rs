//! What a reader has to say beside the packets.

use std::net::IpAddr;

use creance_model::{Damage, LinkType};

/// An interface that packets were captured on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name, where the file gives one.
    pub name: Option<String>,
    /// What the first byte of its frames is.
    pub link: LinkType,
}

/// Secrets that a pcapng file carries (Decryption Secrets Block).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secret {
    /// `0x544c534b` is a TLS key log.
    pub kind: u32,
    /// The secrets as they stand.
    pub bytes: Vec<u8>,
}

/// What was noted while reading; complete at the end.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Damage, in the order met.
    pub damage: Vec<Damage>,
    /// Packets that the capturing machine dropped, by its own count.
    pub dropped: u64,
    /// Names that the file gives addresses (Name Resolution Block), bounded.
    pub names: Vec<(IpAddr, String)>,
    /// Secrets carried, bounded.
    pub secrets: Vec<Secret>,
    /// Number of comments.
    pub comments: u64,
    /// The first comments.
    pub first_comments: Vec<String>,
    /// Blocks of unknown type, skipped.
    pub skipped_blocks: u64,
    /// All interfaces, over all sections and files.
    pub interfaces: Vec<Interface>,
    /// Packets of each input file.
    pub packets_per_input: Vec<(String, u64)>,
}

/// Secrets kept, in bytes.
pub(crate) const MOST_SECRETS: usize = 16 << 20;
/// Names kept.
pub(crate) const MOST_NAMES: usize = 65_536;
/// Comments kept.
pub(crate) const MOST_COMMENTS: usize = 32;
