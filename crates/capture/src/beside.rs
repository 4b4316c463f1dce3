//! What pcapng blocks say beside packets (draft-ietf-opsawg-pcapng): options, names, statistics, secrets.
//!
//! ```text
//! option, name record                       NRB: records, options     ISB: interface u32, time 2×u32, options
//! ┌──────────┬────────────┬───────────────┐ DSB: kind u32, length u32, secrets, options
//! │ code u16 │ length u16 │ value, padded │
//! └──────────┴────────────┴───────────────┘ code 0 ends the list
//! ```
//!
//! Left out: packet flags and hashes, filters, hardware, DNS servers, names of EUI addresses.

use std::net::IpAddr;

use crate::{
    notes::{Notes, text},
    pcap::{u16_at, u32_at},
    source::Broken,
};

/// Gives code and value of each option, or name record, up to the end of the list; says how many bytes they took.
pub(crate) fn options(bytes: &[u8], big: bool, mut each: impl FnMut(u16, &[u8])) -> Result<usize, Broken> {
    let mut at = 0;
    while let (Some(code), Some(length)) = (u16_at(bytes, at, big), u16_at(bytes, at + 2, big)) {
        at += 4;
        if code == 0 {
            break;
        }
        let length = usize::from(length);
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(value) = rest.get(..length) else {
            let why = format!("option {code} has a length of {length} bytes, found {}", rest.len());
            return Err(Broken { what: "block option", why });
        };
        each(code, value);
        at += length.next_multiple_of(4);
    }
    Ok(at)
}

/// Counts and keeps comments among options.
pub(crate) fn comments(bytes: &[u8], big: bool, notes: &mut Notes) -> Result<(), Broken> {
    if bytes.is_empty() {
        return Ok(());
    }
    options(bytes, big, |code, value| {
        if code == 1 {
            notes.comment(value);
        }
    })?;
    Ok(())
}

/// A name resolution block: an address and one or more names, each ended by a zero.
pub(crate) fn names(body: &[u8], big: bool, notes: &mut Notes) -> Result<(), Broken> {
    let taken = options(body, big, |kind, record| {
        let address = match kind {
            1 => record.split_first_chunk::<4>().map(|(four, names)| (IpAddr::from(*four), names)),
            2 => record.split_first_chunk::<16>().map(|(sixteen, names)| (IpAddr::from(*sixteen), names)),
            _ => None,
        };
        let Some((address, names)) = address else { return };
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            notes.name(address, text(name));
        }
    })?;
    comments(body.get(taken..).unwrap_or_default(), big, notes)
}

/// What an interface says was dropped: by itself, and by the operating system. Counted since the beginning.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Dropped {
    interface: u64,
    system: u64,
}

impl Dropped {
    const fn sum(self) -> u64 {
        self.interface.saturating_add(self.system)
    }

    /// Takes the counters of an interface statistics block: the last block counts.
    pub(crate) fn update(&mut self, body: &[u8], big: bool, notes: &mut Notes) -> Result<(), Broken> {
        let before = self.sum();
        let read = options(body.get(12..).unwrap_or_default(), big, |code, value| {
            let count = value.first_chunk().map(|eight| u64_from(*eight, big));
            match (code, count) {
                (1, _) => notes.comment(value),
                (5, Some(count)) => self.interface = count,
                (7, Some(count)) => self.system = count,
                _ => {}
            }
        });
        notes.dropped = notes.dropped.saturating_sub(before).saturating_add(self.sum());
        read.map(|_| ())
    }
}

/// A decryption secrets block.
pub(crate) fn secrets(body: &[u8], big: bool, notes: &mut Notes) -> Result<(), Broken> {
    let (Some(kind), Some(length)) = (u32_at(body, 0, big), u32_at(body, 4, big)) else {
        return Err(short("decryption secrets block", 8, body.len()));
    };
    let rest = body.get(8..).unwrap_or_default();
    let Some(bytes) = rest.get(..length as usize) else {
        return Err(short("decryption secrets block", length as usize, rest.len()));
    };
    notes.secret(kind, bytes);
    comments(rest.get(bytes.len().next_multiple_of(4)..).unwrap_or_default(), big, notes)
}

/// Eight bytes as a number.
pub(crate) const fn u64_from(eight: [u8; 8], big: bool) -> u64 {
    if big { u64::from_be_bytes(eight) } else { u64::from_le_bytes(eight) }
}

/// A block that is shorter than what it must hold.
pub(crate) fn short(what: &'static str, need: usize, have: usize) -> Broken {
    Broken { what, why: format!("it needs {need} bytes, found {have}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn option(code: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        let mut bytes = [&code.to_be_bytes(), &length.to_be_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn every_name_of_an_address_is_kept_and_unknown_records_are_passed_over() {
        let mut body = option(77, b"unknown");
        body.extend(option(1, b"\x01\x02\x03\x04one.example\0two.example\0"));
        body.extend(option(2, &[&[0; 15][..], &[1], b"six.example\0"].concat()));
        body.extend([0; 4]);
        body.extend(option(1, b"a remark"));
        let mut notes = Notes::default();
        names(&body, true, &mut notes).unwrap();
        let found: Vec<String> = notes.names.iter().map(|(ip, name)| format!("{ip} {name}")).collect();
        assert_eq!(found, ["1.2.3.4 one.example", "1.2.3.4 two.example", "::1 six.example"]);
        assert_eq!(notes.first_comments, ["a remark"]);
    }

    #[test]
    fn the_last_count_of_dropped_packets_stands() {
        let (mut notes, mut one, mut two) = (Notes::default(), Dropped::default(), Dropped::default());
        let block = |options: &[Vec<u8>]| [vec![0; 12], options.concat()].concat();
        let drop = |code, count: u64| option(code, &count.to_be_bytes());
        one.update(&block(&[drop(5, 10), drop(7, 1)]), true, &mut notes).unwrap();
        two.update(&block(&[drop(7, 100)]), true, &mut notes).unwrap();
        one.update(&block(&[drop(5, 20)]), true, &mut notes).unwrap();
        one.update(&block(&[]), true, &mut notes).unwrap();
        assert_eq!(notes.dropped, 121);
    }

    #[test]
    fn an_option_longer_than_its_block_is_damage() {
        let broken = options(&[0, 2, 0, 9, 1, 2], true, |_, _| {}).unwrap_err();
        assert_eq!(broken.why, "option 2 has a length of 9 bytes, found 2");
    }

    #[test]
    fn secrets_are_kept_with_their_kind() {
        let mut notes = Notes::default();
        secrets(b"TLSK\0\0\0\x03abc\0", true, &mut notes).unwrap();
        assert_eq!(notes.secrets, [Secret { kind: 0x544c_534b, bytes: b"abc".to_vec() }]);
        assert!(secrets(b"TLSK\xff\xff\xff\xffabc\0", true, &mut notes).is_err());
    }
}
