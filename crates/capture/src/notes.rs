//! What a reader has to say beside the packets. All lists are bounded; what did not fit is counted.

use std::net::IpAddr;

use creance_model::{Damage, LinkType, Timestamp};

use crate::source::Broken;

/// An interface that packets were captured on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interface {
    /// Its name, where the file gives one.
    pub name: Option<String>,
    /// What the first byte of its frames is.
    pub link: LinkType,
    /// The operating system of the machine it belongs to, where the file tells.
    pub os: Option<String>,
    /// The most bytes of a frame that are captured; 0 where there is no limit, or none is told.
    pub snaplen: u32,
    /// What pcapng says of it in options that read alike in both byte orders (text, addresses, a filter, …): code and value.
    pub options: Vec<(u16, Vec<u8>)>,
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
    /// Damage, in the order met, bounded.
    pub damage: Vec<Damage>,
    /// Damage met after the list was full.
    pub further_damage: u64,
    /// Packets that the capturing machine dropped, by its own count.
    pub dropped: u64,
    /// Names that the file gives addresses (Name Resolution Block), bounded.
    pub names: Vec<(IpAddr, String)>,
    /// Secrets carried, bounded.
    pub secrets: Vec<Secret>,
    /// Secrets that were not kept, for there were too many.
    pub further_secrets: u64,
    /// Number of comments.
    pub comments: u64,
    /// The first comments.
    pub first_comments: Vec<String>,
    /// Blocks of unknown type, skipped.
    pub skipped_blocks: u64,
    /// All interfaces, over all sections and files, bounded.
    pub interfaces: Vec<Interface>,
    /// The input files, in the order in which they were opened.
    pub files: Vec<String>,
    /// From which packet on which of [`Self::files`] is read: ascending, bounded.
    pub turns: Vec<(u64, usize)>,
    /// Packets of each input file.
    pub packets_per_input: Vec<(String, u64)>,
    /// The earliest packet.
    pub first: Option<Timestamp>,
    /// The latest packet.
    pub last: Option<Timestamp>,
    /// Whether a packet was given after a later one: the files themselves are not in time order.
    pub unordered: bool,
    /// Files that overlap more others in time than may be open at once: they were read after one of those.
    pub unmerged: u64,
    pub(crate) secret_bytes: usize,
    pub(crate) text_bytes: usize,
}

/// Secrets kept, in bytes.
pub(crate) const MOST_SECRETS: usize = 16 << 20;
/// Secrets kept, in number.
const MOST_SECRET_BLOCKS: usize = 65_536;
/// Names and interfaces kept, in number and in bytes of text.
pub(crate) const MOST_NAMES: usize = 65_536;
const MOST_TEXTS: usize = 1 << 20;
/// Turns between files that are kept: 16 bytes each.
const MOST_TURNS: usize = 1 << 20;
/// Comments kept.
const MOST_COMMENTS: usize = 32;
/// Damages kept.
const MOST_DAMAGE: usize = 1000;
/// Longest text kept, in characters.
const MOST_TEXT: usize = 1000;

impl Notes {
    /// Notes damage.
    pub(crate) fn damaged(&mut self, input: &str, offset: u64, broken: Broken) {
        if self.damage.len() >= MOST_DAMAGE {
            self.further_damage += 1;
            return;
        }
        let Broken { what, why } = broken;
        self.damage.push(Damage { what: what.to_owned(), input: input.to_owned(), offset, why });
    }

    /// Notes a secret.
    pub(crate) fn secret(&mut self, kind: u32, bytes: &[u8]) {
        if self.secret_bytes + bytes.len() > MOST_SECRETS || self.secrets.len() >= MOST_SECRET_BLOCKS {
            self.further_secrets += 1;
            return;
        }
        self.secret_bytes += bytes.len();
        self.secrets.push(Secret { kind, bytes: bytes.to_vec() });
    }

    /// Notes a comment.
    pub(crate) fn comment(&mut self, bytes: &[u8]) {
        self.comments += 1;
        if self.first_comments.len() < MOST_COMMENTS {
            self.first_comments.push(text(bytes));
        }
    }

    /// Notes an interface; gives its number over the whole input.
    pub(crate) fn interface(&mut self, interface: Interface) -> u32 {
        let number = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        let texts: usize = [&interface.name, &interface.os].into_iter().flatten().map(String::len).sum();
        let options: usize = interface.options.iter().map(|(_, value)| value.len()).sum();
        if self.interfaces.len() < MOST_NAMES && self.room(texts + options) {
            self.interfaces.push(interface);
        }
        number
    }

    /// Notes a name of an address.
    pub(crate) fn name(&mut self, address: IpAddr, name: String) {
        if self.names.len() < MOST_NAMES && self.room(name.len()) {
            self.names.push((address, name));
        }
    }

    /// Whether so many bytes of text may still be kept.
    const fn room(&mut self, bytes: usize) -> bool {
        self.text_bytes += bytes;
        self.text_bytes <= MOST_TEXTS
    }

    /// Notes which file a packet is of.
    #[inline]
    pub(crate) fn turn(&mut self, packet: u64, file: usize) {
        if self.turns.last().is_none_or(|(_, last)| *last != file) && self.turns.len() < MOST_TURNS {
            self.turns.push((packet, file));
        }
    }

    /// The file that a packet is of. `None` where files took turns more often than is kept.
    pub fn file_of(&self, packet: u64) -> Option<&str> {
        let behind = self.turns.partition_point(|(first, _)| *first <= packet);
        if behind == MOST_TURNS {
            return None;
        }
        let (_, file) = self.turns.get(behind.checked_sub(1)?)?;
        self.files.get(*file).map(String::as_str)
    }

    /// Notes when a packet was captured.
    #[inline]
    pub(crate) fn moment(&mut self, time: Timestamp) {
        match self.last {
            Some(last) if time < last => {
                self.unordered = true;
                self.first = self.first.min(Some(time));
            }
            Some(_) => self.last = Some(time),
            None => (self.first, self.last) = (Some(time), Some(time)),
        }
    }
}

/// Text as a file states it: bounded, without a terminating zero.
pub(crate) fn text(bytes: &[u8]) -> String {
    let some = bytes.get(..4 * MOST_TEXT).unwrap_or(bytes);
    String::from_utf8_lossy(some).trim_end_matches('\0').chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_damage_and_secrets_are_counted_and_not_kept() {
        let mut notes = Notes::default();
        for offset in 0..2000 {
            notes.damaged("a", offset, Broken { what: "block", why: String::new() });
            notes.secret(1, &[0; 16 << 10]);
        }
        assert_eq!((notes.damage.len(), notes.further_damage), (1000, 1000));
        assert_eq!((notes.secrets.len(), notes.further_secrets), (1024, 976));
    }

    #[test]
    fn the_earliest_and_the_latest_moment_stand_though_order_does_not() {
        let mut notes = Notes::default();
        for nanos in [5, 3, 9, 4] {
            notes.moment(Timestamp::from_nanos(nanos));
        }
        assert_eq!(notes.first, Some(Timestamp::from_nanos(3)));
        assert_eq!(notes.last, Some(Timestamp::from_nanos(9)));
        assert!(notes.unordered);
    }
}
