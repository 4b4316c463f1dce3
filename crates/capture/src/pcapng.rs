//! pcapng (draft-ietf-opsawg-pcapng): sections of both byte orders, several interfaces.
//!
//! ```text
//! ┌──────┬────────┬──────────────┬────────┐   types: SHB 0a0d0d0a · IDB 1 · PB 2 · SPB 3 · NRB 4 · ISB 5 · EPB 6 · DSB 10
//! │ type │ length │ body, options│ length │   lengths count the whole block and are multiples of four
//! └──────┴────────┴──────────────┴────────┘
//! ```
//!
//! Unknown blocks are skipped and counted. A block whose length makes no sense ends the file; a bad body does not.
//! Custom and journal blocks are packets without a frame: Wireshark numbers them, and evidence is cited by its numbers.
//!
//! Left out: the section length (blocks are read one after the other anyway), packet flags, the obsolete packet block's
//! own count of dropped packets.

use creance_model::{LinkType, Timestamp};

use crate::{
    apps::{self, Apps},
    beside::{self, Dropped, short, u64_from},
    buffer::Buffer,
    notes::{Interface, MOST_NAMES, MOST_SECRETS, Notes, text},
    pcap::{u16_at, u32_at},
    source::{Broken, MOST_FRAME, Raw},
};

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const CUSTOM: u32 = 0x0000_0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

/// Longest block that is believed: a frame or secrets, and generous options.
const MOST_BLOCK: usize = MOST_FRAME + MOST_SECRETS;

/// Whether a file begins like this.
pub(crate) fn is_start(head: &[u8]) -> bool {
    u32_at(head, 0, true) == Some(SECTION)
        && matches!(
            (u32_at(head, 8, true), u32_at(head, 8, false)),
            (Some(BYTE_ORDER), _) | (_, Some(BYTE_ORDER))
        )
}

/// What the current section has said so far.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big: bool,
    interfaces: Vec<Described>,
    /// When the last packet was captured: blocks without a time take it.
    last: Timestamp,
    /// What PCAPdroid calls the users that its packets are of.
    pub(crate) apps: Apps,
}

#[derive(Clone, Copy, Debug)]
struct Described {
    link: LinkType,
    snaplen: u32,
    number: u32,
    units: u64,
    offset: i64,
    dropped: Dropped,
}

impl Pcapng {
    pub(crate) fn next(
        &mut self,
        buffer: &mut Buffer,
        notes: &mut Notes,
        input: &str,
    ) -> Result<Option<Raw>, Broken> {
        loop {
            let have = buffer.fill(12).map_err(|error| Broken::reading(&error))?;
            if have == 0 {
                return Ok(None);
            }
            if have < 12 {
                return Err(Broken {
                    what: "capture cut short",
                    why: format!("a block needs 12 bytes, found {have}"),
                });
            }
            let head = buffer.available();
            if u32_at(head, 0, true) == Some(SECTION) {
                self.section(head)?;
            }
            let kind = u32_at(head, 0, self.big).unwrap_or_default();
            let length = u32_at(head, 4, self.big).unwrap_or_default() as usize;
            if length < 12 || !length.is_multiple_of(4) || length > MOST_BLOCK {
                let why =
                    format!("block length is {length}, expected a multiple of 4 from 12 to {MOST_BLOCK}");
                return Err(Broken { what: "block length", why });
            }
            let have = buffer.fill(length).map_err(|error| Broken::reading(&error))?;
            if have < length {
                return Err(Broken {
                    what: "capture cut short",
                    why: format!("a block needs {length} bytes, found {have}"),
                });
            }
            let trailer = u32_at(buffer.available(), length - 4, self.big).unwrap_or_default() as usize;
            if trailer != length {
                let why = format!("a block of {length} bytes ends with the length {trailer}");
                return Err(Broken { what: "block length", why });
            }
            let at = buffer.offset();
            let (raw, broken) = self.block(kind, buffer.take(length), notes);
            if let Some(broken) = broken {
                notes.damaged(input, at, broken);
            }
            if let Some(raw) = raw {
                self.last = raw.time;
                return Ok(Some(raw));
            }
        }
    }

    fn section(&mut self, head: &[u8]) -> Result<(), Broken> {
        self.big = match (u32_at(head, 8, true), u32_at(head, 8, false)) {
            (Some(BYTE_ORDER), _) => true,
            (_, Some(BYTE_ORDER)) => false,
            _ => {
                return Err(Broken {
                    what: "section header",
                    why: "its byte-order magic is unknown".to_owned(),
                });
            }
        };
        self.interfaces.clear();
        Ok(())
    }

    /// What a block holds, and what is wrong with it: a packet whose options are damaged is a packet.
    #[inline]
    fn block(&mut self, kind: u32, block: &[u8], notes: &mut Notes) -> (Option<Raw>, Option<Broken>) {
        let body = block.get(8..block.len() - 4).unwrap_or_default();
        let big = self.big;
        let beside = match kind {
            2 | 6 => match self.packet(kind, body) {
                Ok((raw, options)) => {
                    let user = if self.apps.is_empty() { None } else { apps::user(options, big) };
                    let raw = Raw { user, ..raw };
                    return (Some(raw), beside::comments(options, big, notes).err());
                }
                Err(broken) => Err(broken),
            },
            3 => match self.simple(body) {
                Ok(raw) => return (Some(raw), None),
                Err(broken) => Err(broken),
            },
            9 | CUSTOM | CUSTOM_NOT_COPIED => {
                self.apps.note(body, big);
                return (Some(self.numbered(body)), None);
            }
            SECTION => match (u16_at(body, 4, big), u16_at(body, 6, big)) {
                (Some(1), Some(0 | 2)) => beside::comments(body.get(16..).unwrap_or_default(), big, notes),
                (major, minor) => {
                    let (major, minor) = (major.unwrap_or_default(), minor.unwrap_or_default());
                    let why = format!("version is {major}.{minor}, expected 1.0 or 1.2");
                    Err(Broken { what: "section header", why })
                }
            },
            1 => self.interface(body, notes),
            4 => beside::names(body, big, notes),
            5 => match u32_at(body, 0, big).and_then(|id| self.interfaces.get_mut(id as usize)) {
                Some(described) => described.dropped.update(body, big, notes),
                None => Err(Broken {
                    what: "interface statistics",
                    why: "they are of an interface that is not described".to_owned(),
                }),
            },
            10 => beside::secrets(body, big, notes),
            _ => {
                notes.skipped_blocks += 1;
                Ok(())
            }
        };
        (None, beside.err())
    }

    /// A block that is numbered like a packet and holds no frame.
    fn numbered(&self, body: &[u8]) -> Raw {
        Raw {
            time: self.last,
            link: LinkType::NONE,
            interface: u32::MAX,
            wire_len: u32::try_from(body.len()).unwrap_or(u32::MAX),
            user: None,
            at: 8,
            length: body.len(),
        }
    }

    fn interface(&mut self, body: &[u8], notes: &mut Notes) -> Result<(), Broken> {
        let (Some(link), Some(snaplen)) = (u16_at(body, 0, self.big), u32_at(body, 4, self.big)) else {
            return Err(short("interface description", 8, body.len()));
        };
        if self.interfaces.len() >= MOST_NAMES {
            let why = format!("a section describes more than {MOST_NAMES}");
            return Err(Broken { what: "interface description", why });
        }
        let link = LinkType(u32::from(link));
        let (mut units, mut offset) = (1_000_000, 0);
        let mut interface = Interface { name: None, link, os: None, snaplen, options: Vec::new() };
        let read = beside::options(body.get(8..).unwrap_or_default(), self.big, |code, value| {
            match (code, value) {
                (1, _) => notes.comment(value),
                (2, _) => interface.name = Some(text(value)),
                (9, [resolution, ..]) => units = ticks_a_second(*resolution),
                (12, _) => interface.os = Some(text(value)),
                (14, _) => {
                    if let Some(eight) = value.first_chunk() {
                        offset = u64_from(*eight, self.big).cast_signed();
                    }
                }
                _ => {}
            }
            if matches!(code, 1..=7 | 11..=13 | 15) {
                interface.options.push((code, value.to_vec()));
            }
        });
        let number = notes.interface(interface);
        self.interfaces.push(Described { link, snaplen, number, units, offset, dropped: Dropped::default() });
        read.map(|_| ())
    }

    /// An enhanced packet block, or the obsolete packet block, whose fields stand in the same places; and its options.
    #[inline]
    fn packet<'a>(&self, kind: u32, body: &'a [u8]) -> Result<(Raw, &'a [u8]), Broken> {
        let Some((head, rest)) = body.split_first_chunk::<20>() else {
            return Err(short("packet block", 20, body.len()));
        };
        let field = |at| u32_at(head, at, self.big).unwrap_or_default();
        let interface = match kind {
            2 => u32::from(u16_at(head, 0, self.big).unwrap_or_default()),
            _ => field(0),
        };
        let Some(described) = self.interfaces.get(interface as usize) else {
            let why = format!("interface is {interface}, described are {}", self.interfaces.len());
            return Err(Broken { what: "packet block", why });
        };
        let length = field(12) as usize;
        if rest.len() < length {
            return Err(short("packet data", length, rest.len()));
        }
        let ticks = u64::from(field(4)) << 32 | u64::from(field(8));
        let raw = Raw {
            time: described.time(ticks),
            link: described.link,
            interface: described.number,
            wire_len: field(16),
            user: None,
            at: 28,
            length,
        };
        Ok((raw, rest.get(length.next_multiple_of(4)..).unwrap_or_default()))
    }

    /// A simple packet block: no interface, no time; its length is limited by the first interface's snap length.
    fn simple(&self, body: &[u8]) -> Result<Raw, Broken> {
        let (Some(wire_len), Some(described)) = (u32_at(body, 0, self.big), self.interfaces.first()) else {
            return Err(short("simple packet block", 4, body.len()));
        };
        let limit = if described.snaplen == 0 { u32::MAX } else { described.snaplen };
        let length = (wire_len.min(limit) as usize).min(body.len().saturating_sub(4));
        Ok(Raw {
            time: self.last,
            link: described.link,
            interface: described.number,
            wire_len,
            user: None,
            at: 12,
            length,
        })
    }
}

/// Ticks a second: 10 to the power given, or 2 if the highest bit is set.
fn ticks_a_second(resolution: u8) -> u64 {
    let power = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power).unwrap_or(u64::MAX)
}

impl Described {
    fn time(&self, ticks: u64) -> Timestamp {
        if self.units == 1_000_000 && self.offset == 0 {
            return Timestamp::from_nanos(i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(1000));
        }
        let units = u128::from(self.units.max(1));
        let nanos = i64::try_from(u128::from(ticks) * 1_000_000_000 / units).unwrap_or(i64::MAX);
        Timestamp::from_secs(self.offset).plus_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_powers_of_ten_and_of_two() {
        assert_eq!(ticks_a_second(6), 1_000_000);
        assert_eq!(ticks_a_second(0x8a), 1024);
        assert_eq!(ticks_a_second(0xff), u64::MAX);
    }

    #[test]
    fn a_time_is_ticks_after_an_offset() {
        let described = |units, offset| Described {
            link: LinkType::ETHERNET,
            snaplen: 0,
            number: 0,
            units,
            offset,
            dropped: Dropped::default(),
        };
        assert_eq!(described(1024, 100).time(512), Timestamp::from_nanos(100_500_000_000));
        assert_eq!(described(1_000_000, 0).time(7), Timestamp::from_nanos(7000));
        assert_eq!(described(1_000_000_000, -1).time(7), Timestamp::from_nanos(-999_999_993));
        assert_eq!(described(1, 0).time(u64::MAX), Timestamp::from_nanos(i64::MAX));
    }
}
